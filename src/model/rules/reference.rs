//! What a reference to a customer, an article or an order becomes: resolved, taken as sent, waiting, or refused.
//!
//! Owns the decision and the list of places in a kind where references stand. Looking numbers up is the caller's.

use crate::model::intake::{ArticleScheme, References};
use crate::model::kind::{FieldType, Kind};

/// How many of ours a number names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matches {
    None,
    One(String),
    /// All candidates, for the person who decides.
    Many(Vec<String>),
}

impl Matches {
    /// Joins what two ways of looking found; the same number found twice is one.
    pub fn and(self, other: Matches) -> Matches {
        let mut all = self.into_list();
        for found in other.into_list() {
            if !all.contains(&found) {
                all.push(found);
            }
        }
        match all.len() {
            0 => Matches::None,
            1 => Matches::One(all.remove(0)),
            _ => Matches::Many(all),
        }
    }

    fn into_list(self) -> Vec<String> {
        match self {
            Matches::None => Vec::new(),
            Matches::One(one) => vec![one],
            Matches::Many(many) => many,
        }
    }
}

/// What the message gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Resolved(String),
    AsSent,
    Unknown,
    Wait,
    Ambiguous(Vec<String>),
}

pub fn decide(matches: Matches, rule: References) -> Decision {
    match (matches, rule) {
        (Matches::One(ours), _) => Decision::Resolved(ours),
        (Matches::Many(candidates), _) => Decision::Ambiguous(candidates),
        (Matches::None, References::Accept | References::Create) => Decision::AsSent,
        (Matches::None, References::Check) => Decision::Unknown,
        (Matches::None, References::Wait(_)) => Decision::Wait,
    }
}

/// An article reference in a group: our number's field and the fields that also name the article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArticlePlace {
    pub group: usize,
    pub field: usize,
    pub others: Vec<(ArticleScheme, usize)>,
}

/// Quantities of a group that are counted in the unit of the same group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitPlace {
    pub group: usize,
    pub unit: usize,
    pub quantities: Vec<usize>,
    /// `base_qty` and `base_unit`, where the kind keeps the quantity as sent beside the converted one.
    pub base: Option<(usize, usize)>,
}

/// All places of a kind where a judge has to look something up. Made once per file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Field of the head.
    pub customer: Option<usize>,
    pub order: Option<usize>,
    pub articles: Vec<ArticlePlace>,
    pub units: Vec<UnitPlace>,
    /// Other unit fields: their code must be known, nothing is converted.
    pub unit_codes: Vec<(usize, usize)>,
}

impl Places {
    pub fn of(kind: &Kind) -> Self {
        let mut places = Places::default();
        for (group_index, group) in kind.groups.iter().enumerate() {
            for (field_index, field) in group.fields.iter().enumerate() {
                match &field.field_type {
                    FieldType::Customer(_) if group_index == 0 => places.customer = Some(field_index),
                    FieldType::Order(_) if group_index == 0 => places.order = Some(field_index),
                    FieldType::Article(_) => {
                        let others = [
                            (ArticleScheme::Partner, "buyer_article_no"),
                            (ArticleScheme::Supplier, "supplier_article_no"),
                            (ArticleScheme::Ean, "ean"),
                            (ArticleScheme::Isbn, "isbn"),
                        ];
                        places.articles.push(ArticlePlace {
                            group: group_index,
                            field: field_index,
                            others: others.into_iter().filter_map(|(s, name)| Some((s, group.field(name)?))).collect(),
                        });
                    }
                    FieldType::Unit if field.ours => {}
                    FieldType::Unit if field.name == "unit" && has_article(kind, group_index) => {
                        let quantities = ["qty", "expected_qty"];
                        places.units.push(UnitPlace {
                            group: group_index,
                            unit: field_index,
                            quantities: quantities.iter().filter_map(|name| group.field(name)).collect(),
                            base: group.field("base_qty").zip(group.field("base_unit")),
                        });
                    }
                    FieldType::Unit => places.unit_codes.push((group_index, field_index)),
                    _ => {}
                }
            }
        }
        places
    }
}

fn has_article(kind: &Kind, group: usize) -> bool {
    kind.groups[group].fields.iter().any(|f| matches!(f.field_type, FieldType::Article(_)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::kind::shipped_kinds;

    #[test]
    fn zero_one_and_many_matches() {
        let wait = References::Wait(Duration::from_secs(1));
        let one = || Matches::One("A1".into());
        assert_eq!(decide(Matches::None, References::Check), Decision::Unknown);
        assert_eq!(decide(Matches::None, wait), Decision::Wait);
        assert_eq!(decide(Matches::None, References::Accept), Decision::AsSent);
        assert_eq!(decide(one(), References::Check), Decision::Resolved("A1".into()));
        assert_eq!(decide(one().and(one()), wait), Decision::Resolved("A1".into()));
        let two = one().and(Matches::One("A2".into()));
        assert_eq!(decide(two, References::Accept), Decision::Ambiguous(vec!["A1".into(), "A2".into()]));
    }

    #[test]
    fn places_follow_from_the_kind() {
        let kinds = shipped_kinds();
        let order = kinds.get("order").unwrap();
        let places = Places::of(order);
        assert_eq!(places.customer, order.head().field("customer_no"));
        assert_eq!(places.articles.len(), 1);
        assert_eq!(places.articles[0].others.len(), 4);
        assert!(places.units[0].base.is_some());
        assert_eq!(places.unit_codes.len(), 1, "price_unit");
        let stock = Places::of(kinds.get("stock").unwrap());
        assert_eq!((stock.customer, stock.units[0].quantities.len(), &stock.units[0].base), (None, 2, &None));
        let status = Places::of(kinds.get("order_status").unwrap());
        assert!(status.order.is_some() && status.articles.is_empty());
    }
}
