//! Words for what judging finds in a message that reads well: unknown numbers, contradictions, lateness.

use crate::model::diagnostic::{Place, Problem, shown};
use crate::model::layout::nearest::Unrecognised;
use crate::model::rules::as_of::NotAsOf;

fn list(candidates: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text = candidates.iter().take(SHOWN).map(|c| shown(c)).collect::<Vec<_>>().join(", ");
    if candidates.len() > SHOWN {
        text.push_str(&format!(" and {} more", candidates.len() - SHOWN));
    }
    text
}

pub fn customer_missing(place: Place) -> Problem {
    Problem::new(
        "customer-missing",
        place,
        "no customer number is given, and the intake names no customer for what comes without one. Add the customer number, or set \
         \"customer\" in the intake."
            .into(),
    )
}

pub fn customer_unknown(place: Place, sent: &str) -> Problem {
    Problem::new(
        "customer-unknown",
        place,
        format!(
            "customer \"{}\" is not known; expected a number from the customer master data. Correct the number, or have the \
             customer sent first.",
            shown(sent)
        ),
    )
}

pub fn customer_not_yours(place: Place, sent: &str, partner: &str) -> Problem {
    Problem::new(
        "customer-not-yours",
        place,
        format!(
            "customer \"{}\" is not one of {partner}'s; expected one of the numbers agreed for {partner}. Correct the number, \
             or have it added to \"customers\" of this partner.",
            shown(sent)
        ),
    )
}

pub fn customer_ambiguous(place: Place, sent: &str, candidates: &[String]) -> Problem {
    Problem::new(
        "customer-ambiguous",
        place,
        format!("\"{}\" names several customers: {}. Say which one is meant.", shown(sent), list(candidates)),
    )
}

pub fn article_missing(place: Place) -> Problem {
    Problem::new(
        "article-missing",
        place,
        "no article number is given; expected at least one of the seller's number, the customer's number, EAN or ISBN."
            .into(),
    )
}

pub fn article_unknown(place: Place, sent: &str) -> Problem {
    Problem::new(
        "article-unknown",
        place,
        format!(
            "article \"{}\" is not known; expected a number from the article master data. Correct the number, or have the \
             article sent first.",
            shown(sent)
        ),
    )
}

pub fn article_ambiguous(place: Place, sent: &str, candidates: &[String]) -> Problem {
    Problem::new(
        "article-ambiguous",
        place,
        format!("\"{}\" names several articles: {}. Say which one is meant.", shown(sent), list(candidates)),
    )
}

pub fn unit_unknown(place: Place, sent: &str) -> Problem {
    Problem::new(
        "unit-unknown",
        place,
        format!(
            "unit \"{}\" is not known; expected a UN/ECE Recommendation 20 code like C62 (one), KGM or MTR, or a word agreed \
             in \"units\" of this partner.",
            shown(sent)
        ),
    )
}

pub fn unit_without_conversion(place: Place, unit: &str, base_unit: &str, article: &str) -> Problem {
    Problem::new(
        "unit-unknown",
        place,
        format!(
            "article {} is kept in {}, and no conversion from {} is known for it. Send the quantity in {}, or have the unit \
             added to the article.",
            shown(article),
            shown(base_unit),
            shown(unit),
            shown(base_unit)
        ),
    )
}

pub fn unit_conversion_inexact(place: Place, unit: &str, base_unit: &str) -> Problem {
    Problem::new(
        "quantity-invalid",
        place,
        format!(
            "the quantity cannot be converted from {} to {} without rounding. Send it in {}.",
            shown(unit),
            shown(base_unit),
            shown(base_unit)
        ),
    )
}

pub fn stock_negative(place: Place, qty: &str) -> Problem {
    Problem::new("quantity-invalid", place, format!("{qty} is negative; this intake takes only stock of 0 or more."))
}

pub fn order_unknown(place: Place, sent: &str) -> Problem {
    Problem::new(
        "order-unknown",
        place,
        format!("no order \"{}\" of this customer is known; expected the customer's own order number.", shown(sent)),
    )
}

pub fn order_ambiguous(place: Place, sent: &str, candidates: &[String]) -> Problem {
    Problem::new(
        "order-ambiguous",
        place,
        format!(
            "order \"{}\" was sent by several partners: {}. Name the partner in the status.",
            shown(sent),
            list(candidates)
        ),
    )
}

pub fn line_number_twice(place: Place, line_no: i64) -> Problem {
    Problem::new(
        "line-number-duplicate",
        place,
        format!("line number {line_no} stands twice in this order; expected every number once. Number the lines anew."),
    )
}

/// The difference itself is kept beside the problem, field by field.
pub fn content_changed(place: Place, key: &str, fields: &[String]) -> Problem {
    Problem::new(
        "content-changed",
        place,
        format!(
            "{} was taken before with other content; different now: {}. If the change is meant, agree it with the seller: \
             it is not applied by itself.",
            shown(key),
            list(fields)
        ),
    )
}

pub fn order_date_implausible(place: Place, date: &str, days: u32) -> Problem {
    Problem::new(
        "date-implausible",
        place,
        format!("{} is more than {days} days from today. Correct the date.", shown(date)),
    )
}

/// The name does not say which moment the file speaks of, or says one that cannot be.
pub fn as_of_refused(why: &NotAsOf) -> Problem {
    Problem::new(why.code(), Place::default(), why.to_string())
}

pub fn total_mismatch(place: Place, found: &str, computed: &str) -> Problem {
    Problem::new(
        "total-mismatch",
        place,
        format!("the total is given as {found}, the lines add up to {computed}. Correct the total or the lines."),
    )
}

pub fn check_digit_wrong(place: Place, number: &str) -> Problem {
    Problem::new(
        "check-digit-wrong",
        place,
        format!("the check digit of \"{}\" is wrong: a digit was mistyped. Correct the number.", shown(number)),
    )
}

pub fn waited_too_long(waited_for: &str, key: &str) -> Problem {
    let (code, what) = match waited_for {
        "customer" => ("customer-unknown", "customer"),
        "article" => ("article-unknown", "article"),
        "order_change" => ("change-gap", "change"),
        _ => ("order-unknown", "order"),
    };
    Problem::new(
        code,
        Place::default(),
        format!(
            "{what} \"{}\" did not come within the time this message may wait. Have it sent, then drop the message again.",
            shown(key)
        ),
    )
}

/// What came, why the nearest layout does not read it, then the others.
pub fn layout_unrecognised(why: &Unrecognised) -> Problem {
    let each: Vec<String> = why.misfits.iter().map(|misfit| format!("{} ({})", misfit.layout, misfit.why)).collect();
    let mut text = format!("{}, and fits none of the layouts of this intake", why.found);
    if let Some((nearest, others)) = each.split_first() {
        text.push_str(&format!(". Nearest is {nearest}"));
        if !others.is_empty() {
            text.push_str(&format!("; not {}", others.join(", nor ")));
        }
    }
    text.push_str(". Send the file in one of them, or have a layout added for this one.");
    Problem::new("layout-mismatch", Place::default(), text)
}

/// Several layouts of the intake read the content alike.
pub fn layout_ambiguous(ids: &[String]) -> Problem {
    let text = format!(
        "the file fits several layouts of this intake ({}), and nobody can know which is meant; nothing of it was taken. Give each \
         of them an intake of its own, or say in one of them what the other has not: a version, a first line, a required column.",
        ids.join(", ")
    );
    Problem::new("layout-ambiguous", Place::default(), text)
}

/// A held message that a person closed; his comment is not for the sender.
pub fn ignored(place: Place) -> Problem {
    let text = "the message waited and was closed without being applied. If it is still wanted, agree that with the \
                receiver and send it again.";
    Problem::new("ignored", place, text.to_string())
}

pub fn crashed_while_reading(attempts: u32) -> Problem {
    Problem::new(
        "crashed-while-reading",
        Place::default(),
        format!(
            "the program ended {attempts} times in a row while it read this file, so it was set aside. Nothing of it was \
             applied. Report it with the file; nattpost retry tries again."
        ),
    )
}

/// Without technical words: those are in the log, under the file's id.
pub fn internal_error() -> Problem {
    Problem::new(
        "internal-error",
        Place::default(),
        "a fault of ours with this file: it may be as agreed. Nothing of it was applied and the file is kept. Report it \
         with the file; nattpost retry tries again."
            .into(),
    )
}

/// Why a file of an intake of full files closes nothing.
pub fn no_full_file(field: &str, found: &str, wanted: &str) -> String {
    let found = if found.is_empty() { "nothing".to_string() } else { format!("\"{found}\"") };
    format!("taken as changes: {field} says {found}, a full file says \"{wanted}\"")
}

pub fn no_messages() -> Problem {
    Problem::new(
        "file-empty",
        Place::default(),
        "the file holds no message; expected at least one. If it is empty on purpose, nothing needs to be done.".into(),
    )
}

pub fn waits_behind(place: Place, key: &str) -> Problem {
    Problem::new(
        "waits-behind",
        place,
        format!(
            "another message with the key {} waits already; this one is judged as soon as that one is.",
            shown(key)
        ),
    )
}

pub fn truncated(missing: &str) -> Problem {
    Problem::new(
        "file-truncated",
        Place::default(),
        format!("the file ends too early: {}. Nothing of it was applied. Send the whole file again.", shown(missing)),
    )
}

/// A correction names what the original does not have as its layout reads it now.
pub fn correction_lost(place: Place, why: &str) -> Problem {
    Problem::new("value-invalid", place, format!("it was corrected in a field that it does not have any more: {why}"))
}
