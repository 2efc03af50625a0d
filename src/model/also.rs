//! A value of another kind in the rows of a feed: which value, and by what its row is found. Data, and the rule by which
//! the parts of a key are tied to what the feed's own row says. Reading it from the configuration and asking the database
//! are others' affairs.

use std::sync::Arc;

use super::kind::{Class, Group, Kind};

/// Parts of a key that may say nothing: a price for all customers, from the first piece on.
const MAY_BE_NOTHING: [&str; 2] = ["customer_no", "from_qty"];
/// The part of a key of which, where nothing is said, the last that has begun counts, until the day of `UNTIL`.
const SINCE: &str = "valid_from";
pub const UNTIL: &str = "valid_to";
/// By these a line of an order is found where it has no number.
const LINE: &str = "line_no";
const ARTICLE: &str = "article_no";

/// One value of another kind.
#[derive(Debug, Clone)]
pub struct Also {
    /// The layout writes it as `extra.NAME` …
    pub name: Arc<str>,
    /// … of the nodes of this group.
    pub group: usize,
    /// Whose value it is.
    pub kind: Arc<Kind>,
    pub what: What,
    pub ties: Vec<Tie>,
    /// The partner whose extras are meant.
    pub owner: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Field {
        group: usize,
        field: usize,
    },
    /// A partner's own field.
    Extra {
        group: usize,
        name: String,
    },
}

impl What {
    pub fn group(&self) -> usize {
        match self {
            What::Field { group, .. } | What::Extra { group, .. } => *group,
        }
    }
}

/// A field of the other kind, and what it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tie {
    pub group: usize,
    pub field: usize,
    pub by: By,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// What the configuration says; empty text: nothing is said there.
    Text(String),
    /// A field of the head of the feed's row.
    Head(usize),
    /// A field of the node that carries the value.
    Node(usize),
    /// The same; a node without it by its article, where one line of the other has that.
    Line { line: usize, article: Option<(usize, usize)> },
    /// '' or 0.
    Nothing,
    /// The last that has begun and has not ended.
    Newest,
}

/// No field of the feed's kind says it: it has to stand in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untied {
    pub field: String,
}

/// By what a row of `other` is found for a node of `group` of `own`. `given`: what the configuration says, as group and field.
pub fn ties(
    (own, group): (&Kind, usize),
    (other, other_group): (&Kind, usize),
    given: &[((usize, usize), String)],
) -> Result<Vec<Tie>, Untied> {
    let mut ties = Vec::new();
    let is_own_row = own.name == other.name && given.is_empty();
    for field in key_of(other) {
        if given.iter().any(|(at, _)| *at == (0, field)) {
            continue;
        }
        let name = other.head().fields[field].name.as_str();
        let of_node = own.groups[group].field(name).filter(|_| group > 0);
        let by = match (of_node, own.head().field(name)) {
            _ if name == SINCE && !is_own_row => By::Newest,
            (Some(field), _) => By::Node(field),
            (None, Some(field)) => By::Head(field),
            (None, None) if MAY_BE_NOTHING.contains(&name) => By::Nothing,
            (None, None) => return Err(Untied { field: name.to_string() }),
        };
        ties.push(Tie { group: 0, field, by });
    }
    if other_group > 0
        && let Some(by) = line(&own.groups[group], &other.groups[other_group])
    {
        ties.push(Tie { group: other_group, field: other.groups[other_group].field(LINE).unwrap_or_default(), by });
    }
    ties.extend(given.iter().map(|((group, field), text)| Tie {
        group: *group,
        field: *field,
        by: By::Text(text.clone()),
    }));
    Ok(ties)
}

/// The fields by which a row of a kind is one.
pub fn key_of(kind: &Kind) -> Vec<usize> {
    let head = kind.head();
    let partner = head.field("partner").filter(|field| kind.class == Class::Request && !head.key.contains(field));
    head.key.iter().copied().chain(partner).collect()
}

fn line(own: &Group, other: &Group) -> Option<By> {
    other.field(LINE)?;
    let line = own.field(LINE)?;
    Some(By::Line { line, article: own.field(ARTICLE).zip(other.field(ARTICLE)) })
}

impl Also {
    /// Another day may give another value although no row has changed.
    pub fn is_dated(&self) -> bool {
        self.ties.iter().any(|tie| tie.by == By::Newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kind::shipped_kinds;

    fn said(own: (&str, &str), other: (&str, &str), given: &[(&str, &str)]) -> String {
        let kind = |name: &str| shipped_kinds().get(name).unwrap().clone();
        let (own_kind, other_kind) = (kind(own.0), kind(other.0));
        let group = |kind: &Kind, name: &str| if name.is_empty() { 0 } else { kind.group(name).unwrap() };
        let given: Vec<_> = given.iter().map(|(f, v)| (other_kind.path(f).unwrap(), (*v).to_string())).collect();
        let at = (group(&own_kind, own.1), group(&other_kind, other.1));
        let found = match ties((&own_kind, at.0), (&other_kind, at.1), &given) {
            Ok(found) => found,
            Err(untied) => return format!("not {}", untied.field),
        };
        let name = |kind: &Kind, group: usize, field: usize| kind.groups[group].fields[field].name.clone();
        let words = found.iter().map(|tie| {
            let by = match &tie.by {
                By::Text(text) => format!("'{text}'"),
                By::Head(field) => format!("head.{}", name(&own_kind, 0, *field)),
                By::Node(field) => format!("node.{}", name(&own_kind, at.0, *field)),
                By::Line { article, .. } => format!("line {}", article.is_some()),
                By::Nothing => "nothing".to_string(),
                By::Newest => "newest".to_string(),
            };
            format!("{}={by}", name(&other_kind, tie.group, tie.field))
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn keys_are_tied_by_name_by_word_or_to_nothing() {
        let rows = [
            (("stock", ""), ("article", ""), &[][..], "article_no=head.article_no"),
            (("stock", ""), ("price", ""), &[("price_list", "2")], "not currency"),
            (
                ("stock", ""),
                ("price", ""),
                &[("price_list", ""), ("currency", "EUR")],
                "customer_no=nothing article_no=head.article_no from_qty=nothing valid_from=newest price_list='' currency='EUR'",
            ),
            (("price", ""), ("stock", ""), &[], "not warehouse"),
            (
                ("price", ""),
                ("price", ""),
                &[("price_list", "2")],
                "customer_no=head.customer_no article_no=head.article_no currency=head.currency from_qty=head.from_qty valid_from=newest price_list='2'",
            ),
            (("stock", ""), ("stock", ""), &[("warehouse", "EXT")], "article_no=head.article_no warehouse='EXT'"),
            (
                ("order_status", "despatch_lines"),
                ("order", "lines"),
                &[],
                "customer_no=head.customer_no buyer_order_no=head.buyer_order_no partner=head.partner line_no=line true",
            ),
            (("order_status", "despatch_lines"), ("article", ""), &[], "article_no=node.article_no"),
            (
                ("article", ""),
                ("article", "aliases"),
                &[("aliases.owner", "m")],
                "article_no=head.article_no owner='m'",
            ),
            (("customer", ""), ("article", ""), &[], "not article_no"),
        ];
        for (own, other, given, expected) in rows {
            assert_eq!(said(own, other, given), expected, "{own:?} {other:?}");
        }
    }
}
