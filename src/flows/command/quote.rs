//! Makes an order of a quote: the customer took it up, and a person says so. Once: the key of `quote_order` holds it, also when
//! the command is carried out a second time after a crash. The order stands where the quote came from.

use anyhow::{Context, Result, bail};

use super::super::commands::Command;
use super::super::inbound::QUOTE;
use super::super::inbound::numbering::{self, ORDER_NUMBERS};
use super::super::inbound::round::Bench;
use crate::edges::clock::iso;
use crate::edges::spool::Marks;
use crate::edges::store::business::{Inserted, QuoteRow};
use crate::edges::store::{RowId, Snapshot, Tx};
use crate::model::batch::{Batch, Message, Value};
use crate::model::intake::OrderNumbers;
use crate::model::kind::shipped_kinds;
use crate::model::rules::identity;

const ORDER: &str = "order";

pub fn accept(bench: &mut Bench<'_>, key: &str, order_no: Option<&str>, command: &Command) -> Result<String> {
    let zone = bench.zone;
    let snapshot = bench.store.read()?;
    let quote = meant(&snapshot, key)?;
    let name = format!("quote {} of customer {}", quote.quote_no, quote.customer_no);
    if let Some((_, order)) = &quote.ordered {
        return Ok(format!("{name} was ordered before, as order {order}: nothing was done"));
    }
    let intake = snapshot.file(quote.file)?.and_then(|file| bench.intake_of(&file.partner, &file.intake));
    let today = command.at.with_timezone(&intake.as_ref().map_or(zone, |i| i.sender.zone)).date_naive().to_string();
    if let Some(until) = quote.valid_until.as_ref().filter(|until| **until < today) {
        bail!(
            "{name} held until {until}; expected one that holds today. Have a new quote sent, or the order itself, which a person may let have its prices \
             (nattpost retry --overrule)"
        );
    }
    drop(snapshot);
    let own_number = intake.as_ref().is_some_and(|intake| intake.order_numbers == OrderNumbers::Own);
    let given = if own_number { bench.spool.marks()? } else { Marks::default() };
    let tx = bench.store.begin()?;
    let (row, number) = write(&tx, &quote, order_no, &iso(command.at))?;
    tx.note_ordered(quote.row, row)?;
    if own_number {
        let ours = numbering::next(&tx, &given, ORDER_NUMBERS, 1)?;
        tx.number_order(row, &ours.to_string())?;
        numbering::keep(&tx, bench.spool, &given)?;
        bench.spool.sync()?;
    }
    tx.commit()?;
    Ok(format!("{name} is order {number} now"))
}

/// The one quote that a key names: a number, or `customer / number`.
fn meant(snapshot: &Snapshot<'_>, key: &str) -> Result<QuoteRow> {
    let mut bare = String::new();
    let key = identity::bare(key, &mut bare).unwrap_or(key);
    let mut found = snapshot.quotes(key, "")?;
    if let Some((customer, number)) = key.split_once(" / ").filter(|_| found.is_empty()) {
        found = snapshot.quotes(number.trim(), customer.trim())?;
    }
    match found.len() {
        0 => {
            bail!("there is no quote \"{key}\"; expected the number of one that was taken. nattpost find looks for it")
        }
        1 => found.pop().context("a quote that was found"),
        _ => {
            let whose: Vec<String> = found
                .iter()
                .map(|one| format!("\"{} / {}\" (of {})", one.customer_no, one.quote_no, one.partner))
                .collect();
            bail!("several quotes have the number \"{key}\": {}; say which one with its customer", whose.join(", "))
        }
    }
}

/// The order and its number.
fn write(tx: &Tx<'_>, quote: &QuoteRow, order_no: Option<&str>, at: &str) -> Result<(RowId, String)> {
    let kinds = shipped_kinds();
    let (of_quote, of_order) = (kinds.get(QUOTE).context("no kind quote")?, kinds.get(ORDER).context("no kind order")?);
    let offered = tx.load(of_quote, quote.row)?.context("the quote is gone")?;
    let mut order = Batch::new(of_order.clone());
    order.begin(1, quote.line);
    copy(offered.message(0), &mut order);
    let mut put = |name: &str, value: &str| {
        if let Some(field) = of_order.head().field(name) {
            order.set_text(0, field, value);
        }
    };
    let named = text(offered.message(0), "buyer_order_no");
    let number = order_no.or(Some(named).filter(|named| !named.is_empty())).unwrap_or(&quote.quote_no).to_string();
    put("buyer_order_no", &number);
    put("received_at", at);
    let mut requests = tx.requests(of_order, quote.file)?;
    let row = match requests.insert(order.message(0))? {
        Inserted::New(row) => row,
        Inserted::Exists(_) => bail!(
            "customer {} has an order {number} already; expected a number of its own. Say one with --order",
            quote.customer_no
        ),
    };
    requests.finish()?;
    Ok((row, number))
}

fn text<'m>(message: Message<'m>, name: &str) -> &'m str {
    let field = message.kind().head().field(name);
    field.and_then(|field| message.head().value(field).text()).unwrap_or_default()
}

/// All that both kinds know, by name: a quote has the groups of an order.
fn copy(quote: Message<'_>, order: &mut Batch) {
    let kind = order.kind().clone();
    let mut places: Vec<Option<u32>> = Vec::new();
    for node in quote.nodes() {
        let group = kind.group(&quote.kind().groups[node.group()].name).unwrap_or_default();
        let place = match node.index() {
            0 => Some(0),
            _ => places[node.parent() as usize].map(|parent| order.open(group, parent, node.line())),
        };
        places.push(place);
        let Some(place) = place else { continue };
        for (name, value) in node.extras() {
            order.add_extra(place, &name.into(), value);
        }
        for (at, field) in quote.kind().groups[node.group()].fields.iter().enumerate() {
            let Some(field) = kind.groups[group].field(&field.name) else { continue };
            match node.value(at) {
                Value::Text(text) => order.set_text(place, field, text),
                Value::Number(number) => order.set_number(place, field, number),
                Value::Missing | Value::Empty => {}
            }
            if let Value::Text(sent) = node.sent(at) {
                order.set_sent(place, field, sent);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an order has and a quote has not is an order's alone.
    #[test]
    fn a_quote_has_the_shape_of_an_order() {
        let (quote, order) = (shipped_kinds().get(QUOTE).unwrap(), shipped_kinds().get(ORDER).unwrap());
        assert_eq!(quote.groups.len(), order.groups.len());
        for (a, b) in order.groups.iter().zip(&quote.groups) {
            let only: Vec<&str> =
                a.fields.iter().map(|f| f.name.as_str()).filter(|name| b.field(name).is_none()).collect();
            let expected: &[&str] = if a.name.is_empty() { &["order_no", "order_date", "order_time"] } else { &[] };
            assert_eq!((a.name.as_str(), only.as_slice()), (b.name.as_str(), expected));
        }
    }
}
