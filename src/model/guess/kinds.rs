//! Which kind a sample holds: the one whose fields explain most of its columns.

use std::sync::Arc;

use super::fields::{self, Known};
use super::roles::Role;
use super::taken::Taken;
use super::{Syntax, names};
use crate::model::kind::{Class, Kind, Kinds};

/// The kind whose fields explain most columns.
pub fn choose(kinds: &Kinds, taken: &Taken, file: &str) -> (Arc<Kind>, u8) {
    let known = taken.known();
    let mut scored: Vec<(i64, Arc<Kind>)> = kinds
        .names()
        .into_iter()
        .filter_map(|name| kinds.get(name).cloned())
        .filter(|kind| kind.class != Class::Answer)
        .map(|kind| (explained(&kind, taken, &known, file), kind))
        .collect();
    scored.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.name.cmp(&b.1.name)));
    let next = scored.get(1).map_or(0, |(score, _)| *score);
    let (score, kind) = scored.swap_remove(0);
    let ahead = (score - next).max(0) * 100 / score.max(1);
    (kind, (50 + ahead).clamp(20, 95) as u8)
}

/// Words of roots and file names, and the columns that only one kind has.
const HINTS: [(&str, &str); 6] = [
    (
        "order_status",
        "shipment|fulfillment|fulfilment|tracking|despatch|dispatch|status|delivery note|lieferschein|versand|avis",
    ),
    ("order", "order|bestell|auftrag|ordrar|bestelling|purchase"),
    ("stock", "stock|inventory|bestand|lager|saldo|voorraad"),
    ("price", "price|preis|pris|prijs|rabatt|pricelist|parts"),
    ("customer", "customer|kund|klant|debitor|adressen"),
    ("article", "article|artikel|product|item|katalog|sortiment"),
];

fn explained(kind: &Kind, taken: &Taken, known: &[Known<'_>], file: &str) -> i64 {
    let given = fields::give(kind, known);
    let fields: Vec<&str> = given.iter().map(|given| given.ours.as_str()).collect();
    // Rows that go on take their meaning from the row before, not from their own values.
    let counts = |known: &Known<'_>| taken.continued.is_none() || known.sheet == 0;
    let sure = given.iter().zip(known).filter(|(_, known)| counts(known)).map(|(given, _)| i64::from(given.sure));
    let mut score: i64 = sure.sum();
    let has = |path: &str| fields.contains(&path);
    let required = kind.head().fields.iter().filter(|field| field.required && !field.ours);
    score += required.map(|field| if has(&field.name) { 30 } else { -90 }).sum::<i64>();
    let count = |role: Role| taken.roles.iter().position(|is| *is == role).map_or(0, |at| taken.sheets[at].rows.len());
    // What comes once for each message may be more of it.
    let lines =
        count(Role::Line) > count(Role::Message) || matches!(taken.syntax, Syntax::Xml { .. }) && count(Role::Line) > 0;
    // Rows that go on with the one before bring no line of their own to it.
    let first = |path: &str| given.iter().zip(known).any(|(given, known)| given.ours == path && known.sheet == 0);
    let ordered = has("lines.qty") && (taken.continued.is_none() || first("lines.qty"));
    score += match kind.name.as_str() {
        "order"
            if ordered
                && (has("buyer_order_no") || lines)
                && (has("lines.article_no") || has("lines.ean") || has("lines.isbn")) =>
        {
            80
        }
        "order" => -300,
        "order_status"
            if fields.iter().any(|f| f.starts_with("trackings.") || f.starts_with("despatches.")) || has("status") =>
        {
            70
        }
        "order_status" => -120,
        "price" if has("price") && !lines => 60,
        "stock" if has("qty") && !lines && !has("from_qty") => {
            if speaks_of_stock(known) {
                160
            } else {
                50
            }
        }
        "customer" if has("name") && (has("city") || has("street")) && !lines => 60,
        "customer" | "article" if lines => -300,
        _ => 0,
    };
    // Orders of one line each, all of them: what has no names is a list of something else.
    let keyless =
        kind.name == "order" && taken.roles == [Role::Both] && known.iter().all(|known| known.column.label.is_empty());
    if keyless && !ties_rows(&given, known) {
        score -= 200;
    }
    let root = if let Syntax::Xml { root } = &taken.syntax { root.as_str() } else { "" };
    let text = format!("{} {} {}", names::fold(root), names::fold(file), taken.sheets[0].tag.to_lowercase());
    let hinted = HINTS.iter().find(|(_, words)| words.split('|').any(|word| text.contains(word)));
    score + if hinted.is_some_and(|(name, _)| *name == kind.name) { 60 } else { 0 }
}

/// Do rows share the number that ties them to one message?
fn ties_rows(given: &[fields::Given], known: &[Known<'_>]) -> bool {
    let Some(at) = given.iter().position(|given| given.ours == "buyer_order_no") else { return false };
    let mut values: Vec<&String> = known[at].column.values.iter().collect();
    let rows = values.len();
    values.sort_unstable();
    values.dedup();
    values.len() < rows || rows < 3
}

/// A column is called as what lies in a store is.
fn speaks_of_stock(known: &[Known<'_>]) -> bool {
    let words = ["stock", "bestand", "lager", "saldo", "voorraad", "inventory", "beholdning"];
    known.iter().any(|known| {
        let name = names::fold(&known.column.label);
        let counted = known.meanings.iter().take(2).any(|meaning| meaning.concept == "qty");
        counted && words.iter().any(|word| name.contains(word))
    })
}
