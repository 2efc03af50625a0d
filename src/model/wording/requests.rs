//! Words for orders that take up a quote, and for changes of orders.

use crate::model::diagnostic::{Place, Problem, shown};
use crate::model::rules::order_change::Unfit;

pub fn quote_unknown(place: Place, quote: &str) -> Problem {
    Problem::new(
        "quote-unknown",
        place,
        format!(
            "\"{}\" is no quote of this customer that was taken here. The order waits for it; have the quote sent, or have the \
             order applied without it (nattpost retry --overrule).",
            shown(quote)
        ),
    )
}

pub fn quote_ambiguous(place: Place, quote: &str, partners: &[String]) -> Problem {
    let partners: Vec<_> = partners.iter().map(|one| shown(one)).collect();
    Problem::new(
        "quote-ambiguous",
        place,
        format!(
            "\"{}\" is a quote of several partners: {}. Correct the number, or send the order without it.",
            shown(quote),
            partners.join(", ")
        ),
    )
}

pub fn quote_ordered(place: Place, quote: &str, order: &str) -> Problem {
    Problem::new(
        "quote-ordered",
        place,
        format!(
            "the quote \"{}\" was ordered already, as order {}; a quote is ordered once. Ask for a new quote, or send the order \
             without it.",
            shown(quote),
            shown(order)
        ),
    )
}

pub fn quote_expired(place: Place, quote: &str, until: &str) -> Problem {
    Problem::new(
        "quote-expired",
        place,
        format!(
            "the quote \"{}\" held until {}. Ask for a new quote, or send the order without it; the seller may let it hold all the \
             same (nattpost retry --overrule).",
            shown(quote),
            shown(until)
        ),
    )
}

pub fn quote_differs(place: Place, quote: &str, fields: &[String]) -> Problem {
    let fields: Vec<_> = fields.iter().map(|one| shown(one)).collect();
    Problem::new(
        "quote-differs",
        place,
        format!(
            "the order is not what the quote \"{}\" offers: {}. Order as quoted, or agree it with the seller, who may take it as it \
             is (nattpost retry --overrule).",
            shown(quote),
            fields.join("; ")
        ),
    )
}

pub fn change_too_late(place: Place, order: &str, status: &str, until: &str) -> Problem {
    Problem::new(
        "change-too-late",
        place,
        format!(
            "the order {} is {status}, and changes are taken while it is no further than {until}. Agree it with the seller.",
            shown(order)
        ),
    )
}

pub fn change_older(place: Place, order: &str, seq: i64, last: i64) -> Problem {
    Problem::new(
        "change-older",
        place,
        format!(
            "change {seq} of the order {} comes after change {last} was taken. Send what is still wanted as change {}.",
            shown(order),
            last + 1
        ),
    )
}

pub fn change_gap(place: Place, order: &str, seq: i64, missing: i64) -> Problem {
    Problem::new(
        "change-gap",
        place,
        format!(
            "change {seq} of the order {} waits for change {missing}, which did not come. Send that one, or have this one applied \
             without it (nattpost retry --overrule).",
            shown(order)
        ),
    )
}

pub fn change_unfit(place: Place, order: &str, why: &Unfit) -> Problem {
    let (code, text) = match why {
        Unfit::SaysNothing => (
            "change-empty",
            "the change says nothing that would be another: expected lines with their quantities, or an address. Add what is to be \
             changed."
                .to_string(),
        ),
        Unfit::LineUnknown(line) => {
            ("change-unfit", format!("the order {} has no line {line}. Correct the number of the line.", shown(order)))
        }
        Unfit::LineOther(line, field, of_order, of_change) => (
            "change-unfit",
            format!(
                "{field} of line {line} is \"{}\" in the order {} and \"{}\" in the change. Correct the line or its number.",
                shown(of_order),
                shown(order),
                shown(of_change)
            ),
        ),
        Unfit::QtyMissing(line) => (
            "change-unfit",
            format!("line {line} has no quantity, or a negative one; expected what is ordered instead, 0 to cancel the line."),
        ),
        Unfit::QtyInexact(line) => (
            "change-unfit",
            format!("the quantity of line {line} makes no exact number of base units. Order another quantity."),
        ),
    };
    Problem::new(code, place, text)
}
