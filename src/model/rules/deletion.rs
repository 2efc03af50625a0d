//! Which rows a deletion names: the text of its key, as fields of the kind's key with their values.
//!
//! A number alone is meant where the key has one field, or one that is an article's; else fields are named, joined by `|`.
//! Numbers may hold any character: a `|` counts only where the name of a key's field and `=` stand behind it.

use super::manifest;
use crate::model::decimal;
use crate::model::kind::{Field, FieldType, Kind};

/// Why a text is no key of the kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoKey {
    #[error("no key is given")]
    Missing,
    #[error("the key of the kind {kind} has several fields: name those that are meant, like {example}")]
    Unnamed { kind: String, example: String },
    #[error("{field} is named twice")]
    Twice { field: String },
    #[error("{field} has no value")]
    Empty { field: String },
    #[error("\"{value}\" is no {field}: expected a number like 12.5")]
    NoNumber { field: String, value: String },
}

/// Fields of the head with the values that rows must have.
pub type Named = Vec<(String, String)>;

/// `needs_one`: without any field all rows of the kind would be meant.
pub fn named(kind: &Kind, text: &str, needs_one: bool) -> Result<Named, NoKey> {
    if text.is_empty() {
        return if needs_one { Err(NoKey::Missing) } else { Ok(Named::new()) };
    }
    let mut named: Named = Vec::new();
    if field_of(kind, text).is_none() {
        let field = meant(kind).ok_or_else(|| NoKey::Unnamed { kind: kind.name.clone(), example: example(kind) })?;
        named.push((field.name.clone(), text.to_string()));
    } else {
        for part in parts(kind, text) {
            let (field, value) = part.split_once('=').unwrap_or((part, ""));
            if named.iter().any(|(known, _)| known == field) {
                return Err(NoKey::Twice { field: field.to_string() });
            }
            named.push((field.to_string(), manifest::as_stored(&kind.name, field, value.to_string())));
        }
    }
    for (field, value) in &named {
        check(kind, field, value)?;
    }
    Ok(named)
}

fn key(kind: &Kind) -> impl Iterator<Item = &Field> {
    let head = kind.head();
    head.key.iter().map(|index| &head.fields[*index])
}

/// The field of the key that a part names.
fn field_of<'k>(kind: &'k Kind, part: &str) -> Option<&'k Field> {
    let (name, _) = part.split_once('=')?;
    key(kind).find(|field| field.name == name)
}

/// What a number alone is.
fn meant(kind: &Kind) -> Option<&Field> {
    let is_article = |field: &&Field| matches!(field.field_type, FieldType::Article(_));
    let mut articles = key(kind).filter(is_article);
    match (key(kind).count(), articles.next(), articles.next()) {
        (1, _, _) => key(kind).next(),
        (_, Some(article), None) => Some(article),
        _ => None,
    }
}

fn parts<'t>(kind: &Kind, text: &'t str) -> Vec<&'t str> {
    let mut parts = Vec::new();
    let mut begin = 0;
    for (at, _) in text.match_indices('|') {
        if field_of(kind, &text[at + 1..]).is_some() {
            parts.push(&text[begin..at]);
            begin = at + 1;
        }
    }
    parts.push(&text[begin..]);
    parts
}

fn check(kind: &Kind, name: &str, value: &str) -> Result<(), NoKey> {
    let Some(field) = key(kind).find(|field| field.name == name) else { return Ok(()) };
    let is_wrong = field.field_type.scale().is_some_and(|scale| decimal::parse(value.as_bytes(), b'.', scale).is_err());
    match (value.is_empty(), is_wrong) {
        (_, true) => Err(NoKey::NoNumber { field: name.to_string(), value: value.to_string() }),
        // Rows of which nothing is said there are meant: prices without a customer, stock without a warehouse.
        (true, _) if key(kind).count() > 1 && !matches!(field.field_type, FieldType::Article(_)) => Ok(()),
        (true, _) => Err(NoKey::Empty { field: name.to_string() }),
        (false, _) => Ok(()),
    }
}

fn example(kind: &Kind) -> String {
    key(kind).take(2).map(|field| format!("{}=…", field.name)).collect::<Vec<_>>().join("|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kind::{Class, shipped_kinds};

    fn of(kind: &str, text: &str) -> Result<String, String> {
        let kind = shipped_kinds().get(kind).unwrap();
        let named = named(kind, text, true).map_err(|why| why.to_string())?;
        Ok(named.iter().map(|(field, value)| format!("{field}: {value}")).collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn a_number_alone_is_what_the_kind_is_known_by() {
        assert_eq!(of("article", "4711").unwrap(), "article_no: 4711");
        assert_eq!(of("customer", "a=b|c").unwrap(), "customer_no: a=b|c");
        assert_eq!(of("stock", "4711").unwrap(), "article_no: 4711");
        assert_eq!(of("price", "4711").unwrap(), "article_no: 4711");
        assert_eq!(of("set_article", "S1").unwrap(), "set_no: S1");
        let why = of("base_data", "19").unwrap_err();
        assert_eq!(
            why,
            "the key of the kind base_data has several fields: name those that are meant, like list=…|code=…"
        );
        assert_eq!(of("article", "").unwrap_err(), "no key is given");
    }

    #[test]
    fn fields_are_named_and_their_values_may_hold_anything() {
        assert_eq!(of("base_data", "list=vat|code=19").unwrap(), "list: vat, code: 19");
        assert_eq!(of("base_data", "list=vat|code=a|b=c").unwrap(), "list: vat, code: a|b=c");
        assert_eq!(
            of("price", "article_no=A|customer_no=|from_qty=10").unwrap(),
            "article_no: A, customer_no: , from_qty: 10"
        );
        assert_eq!(of("article", "article_no=4711").unwrap(), "article_no: 4711");
        assert_eq!(of("document", "doc_no=FI-1|language=DE").unwrap(), "doc_no: FI-1, language: de");
        assert_eq!(of("stock", "article_no=A|article_no=B").unwrap_err(), "article_no is named twice");
        assert_eq!(of("stock", "article_no=|warehouse=HH").unwrap_err(), "article_no has no value");
        assert_eq!(
            of("price", "article_no=A|from_qty=ten").unwrap_err(),
            "\"ten\" is no from_qty: expected a number like 12.5"
        );
    }

    #[test]
    fn what_may_be_deleted_is_every_kind_of_record_and_fact_that_somebody_sends() {
        let kinds = shipped_kinds();
        let head = kinds.get("deletion").unwrap().head();
        let FieldType::Choice(choice) = &head.fields[head.field("kind").unwrap()].field_type else { panic!() };
        let mut closable: Vec<&str> = kinds
            .iter()
            .filter(|kind| matches!(kind.class, Class::Record | Class::Fact))
            .map(|kind| &kind.name[..])
            // Of an order's status there is no end, and an answer is ours.
            .filter(|name| !["order_status", "registration_answer"].contains(name))
            .collect();
        closable.sort();
        assert_eq!(choice.iter().map(|word| &word[..]).collect::<Vec<_>>(), closable);
    }
}
