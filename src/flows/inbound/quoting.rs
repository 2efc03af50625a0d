//! An order that takes up a quote: which quote it is, whether it still holds and nobody ordered it before, and the prices that
//! it brings. What the quote says and the order leaves out is filled in; where both speak and differ, a person decides.

use anyhow::{Context, Result};
use chrono::DateTime;

use super::in_hand::InHand;
use super::judge::{Hold, Judged};
use crate::edges::store::business::QuoteRow;
use crate::edges::store::{RowId, Tx};
use crate::model::batch::{Batch, Message, NodeRef, Value};
use crate::model::decimal;
use crate::model::diagnostic::Place;
use crate::model::kind::{Kind, shipped_kinds};
use crate::model::wording::requests as words;

pub const QUOTE: &str = "quote";
/// What a quote promises of a line.
const PROMISED: [&str; 10] = [
    "qty",
    "unit",
    "net_price",
    "gross_price",
    "price_per",
    "price_unit",
    "discount_pct",
    "discount2_pct",
    "discount3_pct",
    "tax_pct",
];

/// Judges an order by the quote that it names, if it names one, and fills in what the quote says.
pub fn judge(tx: &Tx<'_>, hand: &InHand<'_>, batch: &mut Batch, index: usize, place: Place) -> Result<Judged> {
    let message = batch.message(index);
    let number = message.origin().number;
    let quote_no = text(message, "quote_no").to_string();
    if quote_no.is_empty() {
        return Ok(Judged::Good);
    }
    let mut place = place;
    place.field = "quote_no".to_string();
    let held = |mut problem: crate::model::diagnostic::Problem, waits_for| {
        problem.message = number;
        Ok(Judged::Held(Hold { problem, waits_for, until: None }))
    };
    let refused = |mut problem: crate::model::diagnostic::Problem| {
        problem.message = number;
        Ok(Judged::Refused(vec![problem]))
    };
    let customer = text(message, "customer_no").to_string();
    let quote = match meant(tx, hand, &quote_no, &customer)? {
        Ok(Some(quote)) => quote,
        _ if hand.overrule => return Ok(Judged::Good),
        Ok(None) => {
            let key = format!("{customer} / {quote_no}");
            return held(words::quote_unknown(place, &quote_no), Some((QUOTE, key)));
        }
        Err(partners) => return held(words::quote_ambiguous(place, &quote_no, &partners), None),
    };
    if let Some((_, order)) = quote.ordered.as_ref().filter(|(_, order)| order != text(message, "buyer_order_no")) {
        return refused(words::quote_ordered(place, &quote_no, order));
    }
    if let Some(until) = quote.valid_until.as_ref().filter(|until| !hand.overrule && is_over(hand, until)) {
        return refused(words::quote_expired(place, &quote_no, until));
    }
    let kind = shipped_kinds().get(QUOTE).context("there is no kind quote")?;
    let offered = tx.load(kind, quote.row)?.context("a quote is gone within one transaction")?;
    let (gaps, differences) = compare(message, offered.message(0));
    if !differences.is_empty() && !hand.overrule {
        return held(words::quote_differs(place, &quote_no, &differences), None);
    }
    for (node, field, value) in gaps {
        match value {
            Value::Text(text) => batch.put_text(index, node, field, text),
            Value::Number(number) => batch.put_number(index, node, field, number),
            Value::Missing | Value::Empty => {}
        }
    }
    Ok(Judged::Good)
}

/// The order is written: its quote is ordered.
pub fn note(tx: &Tx<'_>, hand: &InHand<'_>, order: &Message<'_>, row: RowId) -> Result<()> {
    let quote_no = text(*order, "quote_no");
    if quote_no.is_empty() {
        return Ok(());
    }
    match meant(tx, hand, quote_no, text(*order, "customer_no"))? {
        Ok(Some(quote)) if quote.ordered.is_none() => tx.note_ordered(quote.row, row),
        _ => Ok(()),
    }
}

/// The partner's own quote, else the only one of this number that the customer has; else whose they are.
fn meant(
    tx: &Tx<'_>,
    hand: &InHand<'_>,
    quote_no: &str,
    customer_no: &str,
) -> Result<Result<Option<QuoteRow>, Vec<String>>> {
    let mut found = tx.quotes(quote_no, customer_no)?;
    if let Some(own) = found.iter().position(|quote| quote.partner == hand.intake.sender.partner) {
        return Ok(Ok(Some(found.swap_remove(own))));
    }
    Ok(match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => Err(found.into_iter().map(|quote| quote.partner).collect()),
    })
}

/// Was its last day over when the order came?
fn is_over(hand: &InHand<'_>, until: &str) -> bool {
    let came = DateTime::parse_from_rfc3339(hand.first_seen).map_or(hand.now, |at| at.to_utc());
    came.with_timezone(&hand.intake.sender.zone).date_naive().to_string().as_str() > until
}

fn text<'m>(message: Message<'m>, name: &str) -> &'m str {
    let field = message.kind().head().field(name);
    field.and_then(|field| message.head().value(field).text()).unwrap_or_default()
}

/// A value that the order leaves to the quote: node, field, value.
type Gap<'m> = (u32, usize, Value<'m>);

/// What the quote fills in, and what it says otherwise.
fn compare<'q>(order: Message<'_>, quote: Message<'q>) -> (Vec<Gap<'q>>, Vec<String>) {
    let (mut gaps, mut differences) = (Vec::new(), Vec::new());
    let mut look = |path: &str, own: NodeRef<'_>, offered: NodeRef<'q>, names: &[&str]| {
        for name in names {
            let (of_order, of_quote) = (field(order.kind(), own, name), field(quote.kind(), offered, name));
            let (Some(of_order), Some(of_quote)) = (of_order, of_quote) else { continue };
            let (asked, promised) = (own.value(of_order), offered.value(of_quote));
            let is_discount = name.starts_with("discount");
            if !asked.is_given() && promised.is_given() {
                gaps.push((own.index(), of_order, promised));
            } else if asked.is_given() && asked != promised && (promised.is_given() || is_discount) {
                let told = |value| told(order.kind(), own, of_order, value);
                differences.push(format!("{path}{name}: {} quoted, {} ordered", told(promised), told(asked)));
            }
        }
    };
    look("", order.head(), quote.head(), &["currency"]);
    let lines = |message: Message<'_>| message.kind().group("lines");
    let (Some(own), Some(others)) = (lines(order), lines(quote)) else { return (gaps, differences) };
    for line in order.group(own) {
        let article = |kind: &Kind, node: NodeRef<'_>| {
            field(kind, node, "article_no").and_then(|at| node.value(at).text().map(str::to_string))
        };
        let number = line.value(0);
        let same = |other: &NodeRef<'_>| article(quote.kind(), *other) == article(order.kind(), line);
        let offered = quote.group(others).filter(same).find(|other| other.value(0) == number);
        if let Some(offered) = offered.or_else(|| quote.group(others).find(same)) {
            look(&format!("lines[{}].", number.number().unwrap_or_default()), line, offered, &PROMISED);
        }
    }
    (gaps, differences)
}

fn field(kind: &Kind, node: NodeRef<'_>, name: &str) -> Option<usize> {
    kind.groups[node.group()].field(name)
}

fn told(kind: &Kind, node: NodeRef<'_>, field: usize, value: Value<'_>) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::Number(number) => {
            decimal::text(number, kind.groups[node.group()].fields[field].field_type.scale().unwrap_or(0))
        }
        Value::Missing | Value::Empty => "nothing".to_string(),
    }
}
