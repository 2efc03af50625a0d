//! Which rows and cells of the database a feed reads.

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};

use super::looking::{Comparison, Rows};
use super::words::WORD_NEEDS;
use crate::edges::clock::iso;
use crate::edges::store::business::{Beside, Selection, Wanted};
use crate::edges::store::{RunNo, Tx};
use crate::model::batch::Batch;
use crate::model::feed::Feed;
use crate::model::kind::{Class, Kind};
use crate::model::layout::plan::{Checked, Condition, Control, Ours, Role};

/// Hands on the rows of a feed, in the order of their keys where they are to be compared. `key`: only those. `orders_of`: the
/// very orders that went out with this run, whatever the feed would choose today.
pub(super) fn select(
    tx: &Tx<'_>,
    (feed, key, orders_of): (&Feed, Option<&str>, Option<RunNo>),
    comparison: Option<&Comparison>,
    now: DateTime<Utc>,
    take: &mut dyn FnMut(&mut Batch) -> Result<()>,
) -> Result<u64> {
    let kind = &feed.layout.kind;
    let name = feed.name();
    let today = today(feed, now);
    if let Some(run) = orders_of {
        let beside = Some(beside(feed, &today)).filter(|beside| !beside.values.is_empty());
        let selection = Selection { exported_with: Some(run), beside, ..Selection::default() };
        return tx.select(kind, &wanted(feed), &selection, take);
    }
    let since = iso(now - TimeDelta::days(i64::from(feed.window_days)));
    let mut selection = Selection { key, with_group: feed.layout.needs_group(), ..chosen(feed, &feed.only, &today) };
    if kind.name == "order_status" {
        selection.since = Some(&since);
    }
    if comparison.is_some() {
        // A row that is gone is told as one that the partner holds no more.
        selection.closed_as_zero = None;
    }
    gather_open_orders(tx, feed, now)?;
    if kind.class == Class::Request {
        selection.not_exported_by = Some(&name);
        selection.at_most = feed.per_file;
    }
    selection.by_key = comparison.is_some();
    if let Some(Comparison { rows: Rows::Keys(keys), .. }) = comparison {
        tx.want(kind, keys)?;
        selection.wanted = true;
    }
    tx.select(kind, &wanted(feed), &selection, take)
}

/// The rows of a feed that have these values too, of all that it would tell one day, with all their cells. What it subtracts is
/// gathered before (`gather_open_orders`).
pub(super) fn select_asked(
    tx: &Tx<'_>,
    feed: &Feed,
    asked: &[(&str, &str)],
    now: DateTime<Utc>,
    take: &mut dyn FnMut(&mut Batch) -> Result<()>,
) -> Result<u64> {
    let only: Vec<(String, String)> = feed
        .only
        .iter()
        .cloned()
        .chain(asked.iter().map(|(field, value)| (field.to_string(), value.to_string())))
        .collect();
    let today = today(feed, now);
    tx.select(&feed.layout.kind, &Wanted::everything(&feed.layout.kind), &chosen(feed, &only, &today), take)
}

/// What a feed chooses from, whatever it is asked for.
fn chosen<'a>(feed: &'a Feed, only: &'a [(String, String)], today: &'a str) -> Selection<'a> {
    let kind = &feed.layout.kind;
    let mut selection = Selection { only, partners: &feed.partners, ..Selection::default() };
    selection.beside = Some(beside(feed, today)).filter(|beside| !beside.values.is_empty());
    match kind.name.as_str() {
        // A partner is told of his own orders and registrations.
        "order_status" | "registration_answer" if feed.partners.is_empty() => {
            selection.partners = std::slice::from_ref(&feed.partner);
        }
        "article" => selection.aliases_of = Some(&feed.partner),
        // What a full file no longer named is not there any more, and the partner has to hear it.
        "stock" => {
            selection.closed_as_zero = kind.head().field("qty");
            selection.with_sets = true;
        }
        _ => {}
    }
    if feed.published.open_orders_days.is_some() {
        selection.minus_open_orders = kind.head().field("qty");
    }
    selection
}

/// What the feed subtracts, as it is now.
pub(super) fn gather_open_orders(tx: &Tx<'_>, feed: &Feed, now: DateTime<Utc>) -> Result<()> {
    match feed.published.open_orders_days {
        Some(days) => tx.gather_open_orders(&iso(now - TimeDelta::days(i64::from(days)))),
        None => Ok(()),
    }
}

/// Requests that a file of so many did not take along, after they were marked as exported.
pub(super) fn has_more(tx: &Tx<'_>, feed: &Feed, now: DateTime<Utc>) -> Result<bool> {
    if feed.layout.kind.class != Class::Request || feed.per_file.is_none() {
        return Ok(false);
    }
    let one = Feed { per_file: Some(1), ..feed.clone() };
    Ok(select(tx, (&one, None, None), None, now, &mut |_| Ok(()))? > 0)
}

/// The day on which prices have to hold.
pub(super) fn today(feed: &Feed, now: DateTime<Utc>) -> String {
    now.with_timezone(&feed.zone).date_naive().to_string()
}

pub(super) fn beside<'a>(feed: &'a Feed, today: &'a str) -> Beside<'a> {
    Beside { values: &feed.also, today, units: &feed.recipient.units }
}

/// The cells that its layout writes and its names carry: a million rows are read without what nobody wants.
fn wanted(feed: &Feed) -> Wanted {
    let layout = &*feed.layout;
    let kind = &layout.kind;
    let fields = || layout.records.iter().flat_map(|record| &record.fields);
    let computes = fields().any(|field| matches!(field.ours, Ours::Computed(_)))
        || layout.records.iter().flat_map(|r| &r.when).any(|when| matches!(when, Condition::Holds(_)));
    if computes {
        // An expression may look at anything.
        return Wanted::everything(kind);
    }
    let mut wanted = Wanted::nothing(kind);
    for key in &kind.head().key {
        wanted.add(0, *key);
    }
    for number in feed.own_numbers().into_iter().filter(|number| feed.pinned(number.field()).is_none()) {
        kind.head().field(number.field()).into_iter().for_each(|field| wanted.add(0, field));
    }
    if feed.published.availability.is_some() && fields().any(|field| is_availability(&field.ours, kind)) {
        WORD_NEEDS.iter().filter_map(|name| kind.head().field(name)).for_each(|field| wanted.add(0, field));
    }
    for record in &layout.records {
        if let Role::Opens(group @ 1..) = record.role {
            // A record may say no more than that there is one.
            wanted.add(group, 0);
        }
    }
    for field in fields() {
        match &field.ours {
            Ours::Field { group, field, .. } | Ours::Control(Control { what: Checked::Sum { group, field }, .. }) => {
                wanted.add(*group, *field)
            }
            Ours::Extra { group, .. } => {
                wanted.add_extras();
                if *group > 0 {
                    wanted.add(*group, 0);
                }
            }
            Ours::Ignored | Ours::Control(_) | Ours::Computed(_) => {}
        }
    }
    wanted
}

fn is_availability(ours: &Ours, kind: &Kind) -> bool {
    matches!(ours, Ours::Field { group: 0, field, .. } if kind.head().field("availability") == Some(*field))
}
