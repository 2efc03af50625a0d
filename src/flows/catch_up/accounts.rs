//! Is all accounted for that a feed of orders gave out? The orders in its files against the database, and the numbers of its
//! files against the highest that was given. Looks only.

use std::io::{self, Read, Seek};
use std::sync::Arc;

use anyhow::{Context, Result};

use super::{Account, Plan, SentFile, Undecided, holds_back};
use crate::edges::scratch;
use crate::edges::spool::Spool;
use crate::edges::store::{RowId, Snapshot};
use crate::flows::files::Sight;
use crate::model::archive::{Directory, Entry, Limits, Member};
use crate::model::batch::{Batch, Message, Value};
use crate::model::feed::Feed;
use crate::model::kind::{Class, FieldType};
use crate::model::layout::{DecodeContext, Input, Refused, Sink, Spill, Stop};
use crate::model::rules::catch_up::{missing, numbers_in_order};
use crate::model::verdict::Verdict;

/// Orders that are named one by one.
const NAMED: usize = 5;

/// The orders in a file of ours, as rows of the database; or why they cannot be told.
pub(super) fn orders_in(snapshot: &Snapshot<'_>, spool: &Spool, run: &SentFile) -> Result<Result<Vec<RowId>, String>> {
    let (feed, layout) = (&run.feed, &run.feed.layout);
    if !layout.reads() {
        return Ok(Err(format!(
            "the layout {} only writes, so the orders in it cannot be told; {}",
            layout.id,
            by_hand(&feed.name())
        )));
    }
    let mut file = spool.read(run.stand.place()?, &run.raw_name)?;
    let spill = || scratch::file().map(|file| Box::new(file) as Box<dyn Spill>);
    let context = DecodeContext { file_name: &run.name, zone: feed.zone, spill: &spill };
    let mut keys = Keys { snapshot, feed, rows: Vec::new(), lost: Vec::new(), unread: 0, failed: None };
    let mut beside_pdf = if feed.pdf.is_some() { without_pdf(&mut file, &spill)? } else { None };
    let input: &mut dyn Input = match &mut beside_pdf {
        Some(order) => order,
        None => &mut file,
    };
    let decoded =
        layout.decode_packed(input, &context, &mut keys).with_context(|| format!("cannot read {}", run.name))?;
    if let Some(error) = keys.failed {
        return Err(error);
    }
    let unread = keys.unread + u64::from(!decoded.fatal.is_empty());
    if unread > 0 {
        return Ok(Err(format!("not all of it can be read with the layout {}; {}", layout.id, by_hand(&feed.name()))));
    }
    if !keys.lost.is_empty() {
        return Ok(Err(lost_words(snapshot, &keys.lost)?));
    }
    Ok(Ok(keys.rows))
}

/// The order in an archive with its PDF.
fn without_pdf(
    file: &mut (impl Read + Seek),
    spill: &dyn Fn() -> io::Result<Box<dyn Spill>>,
) -> Result<Option<Box<dyn Spill>>> {
    let limits = Limits { members: 2, bytes: u64::MAX };
    let is_pdf = |entry: &&Entry| entry.name.to_ascii_lowercase().ends_with(".pdf");
    let found = Directory::read(&mut *file, limits).ok().and_then(|directory| {
        let order = directory.entries.iter().find(|entry| !is_pdf(entry))?.clone();
        Some((directory, order))
    });
    let order = match found {
        Some((directory, entry)) => {
            let mut unpacked = spill()?;
            io::copy(&mut Member::open(&mut *file, &directory, &entry)?, &mut unpacked)?;
            unpacked.rewind()?;
            Some(unpacked)
        }
        None => None,
    };
    file.rewind()?;
    Ok(order)
}

/// An order that went out and is refused or held here was taken by a command that is lost: which file to retry.
fn lost_words(snapshot: &Snapshot<'_>, lost: &[String]) -> Result<String> {
    let mut named = Vec::new();
    for number in lost.iter().take(NAMED) {
        let open = snapshot.messages_numbered(number, NAMED as u32)?;
        let open = open.into_iter().find(|message| matches!(message.verdict, Verdict::Refused | Verdict::Held));
        let file = open.as_ref().map(|message| snapshot.file(message.file)).transpose()?.flatten();
        named.push(match (open, file) {
            (Some(open), Some(file)) => {
                format!("{number}, {} in {}: nattpost retry {}", open.verdict, file.name, file.id)
            }
            _ => number.clone(),
        });
    }
    let more = if lost.len() > NAMED { " …" } else { "" };
    let (count, named) = (lost.len(), named.join("; "));
    Ok(format!(
        "{count} order(s) in it are not in the database, or not once ({named}{more}); have what brought them judged first"
    ))
}

pub(super) fn by_hand(feed: &str) -> String {
    format!("compare it by hand, then: nattpost resume {feed}")
}

/// Finds the row of each order.
struct Keys<'k> {
    snapshot: &'k Snapshot<'k>,
    feed: &'k Feed,
    rows: Vec<RowId>,
    lost: Vec<String>,
    unread: u64,
    failed: Option<anyhow::Error>,
}

impl Sink for Keys<'_> {
    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        for message in batch.messages() {
            let mut found = match self.snapshot.requests_of_key(message) {
                Ok(found) => found,
                Err(error) => {
                    self.failed = Some(error);
                    return Err(Stop);
                }
            };
            found.retain(|(partner, _)| self.feed.partners.is_empty() || self.feed.partners.contains(partner));
            match &found[..] {
                [(_, row)] => self.rows.push(*row),
                _ => self.lost.push(number_of(message)),
            }
        }
        batch.clear();
        Ok(batch)
    }

    fn refused(&mut self, _: Refused) -> Result<(), Stop> {
        self.unread += 1;
        Ok(())
    }
}

/// A request as its customer counts it: its key without his own number.
fn number_of(request: Message<'_>) -> String {
    let group = request.kind().head();
    let head = request.head();
    let own = group.key.iter().filter(|field| !matches!(group.fields[**field].field_type, FieldType::Customer(_)));
    let parts = own.filter_map(|field| match head.value(*field) {
        Value::Text(text) => Some(text.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Missing | Value::Empty => None,
    });
    parts.collect::<Vec<_>>().join(" / ")
}

fn may_have_arrived(run: &SentFile) -> String {
    let (partner, feed) = (&run.feed.partner, run.feed.name());
    format!(
        "nobody knows whether it was brought to {partner} already. Look there: if it is, move it here to sent/{partner}/ and the day of its \
         sending, then nattpost catch-up --do; if it is not, remove it here and nattpost resume {feed}: its orders go out again"
    )
}

/// Files of orders whose orders cannot be told move to what a person decides.
pub(super) fn what_cannot_be_known(sight: Sight<'_>, plan: &mut Plan, all_are_judged: bool) -> Result<()> {
    let mut kept = Vec::new();
    for run in std::mem::take(&mut plan.runs) {
        let why = match run.may_have_arrived() {
            _ if !run.holds_requests() => None,
            true => Some(may_have_arrived(&run)),
            false if all_are_judged => orders_in(sight.snapshot, sight.spool, &run)?.err(),
            false => None,
        };
        match why {
            None => kept.push(run),
            Some(why) => {
                let path = sight.spool.path(run.stand.place()?, &run.raw_name)?;
                plan.undecided.push(Undecided { path, why, feed: Some((run.feed.name(), run.number)), behind: None });
            }
        }
    }
    plan.runs = kept;
    Ok(())
}

pub(super) fn of_feeds(sight: Sight<'_>, feeds: &[Arc<Feed>], plan: &mut Plan) -> Result<()> {
    for feed in feeds.iter().filter(|feed| feed.layout.kind.class == Class::Request) {
        let name = feed.name();
        let paused = holds_back(sight.snapshot, feed)?;
        let mut found = sight.snapshot.run_numbers(&feed.partner, feed.plain_id())?;
        found.extend(plan.runs.iter().filter(|run| run.feed.name() == name).map(|run| run.number));
        let (known, given) = numbers(sight, &feed.numbers())?;
        let his = plan.undecided.iter().filter_map(|item| item.feed.as_ref()).filter(|(feed, _)| *feed == name);
        let numbers_undecided: Vec<u64> = his.map(|(_, number)| *number).collect();
        let undecided = numbers_undecided.len() as u64;
        found.extend(numbers_undecided);
        plan.accounts.push(Account { feed: name, paused, missing: missing(known, given, found), undecided });
    }
    Ok(())
}

/// The highest number of a feed that the database knows of, and the highest that was given. While it is paused nothing raises
/// the first.
fn numbers(sight: Sight<'_>, feed: &str) -> Result<(u64, u64)> {
    let given = sight.spool.marks()?.feeds.get(feed).copied().unwrap_or_default();
    let known = match sight.snapshot.mark(&format!("run {feed}"))? {
        Some(known) => known,
        // It is newer than the database; its first number lies behind those that were common to all.
        None => sight.snapshot.high_water("run")?,
    };
    Ok((known, given))
}

/// Names of some feeds carry no number: the files get it by the order in which they were made, where none of them is gone. Else they have
/// none, and the feed's missing numbers are told.
pub(super) fn give_numbers(sight: Sight<'_>, feeds: &[Arc<Feed>], plan: &mut Plan) -> Result<()> {
    plan.runs.sort_by_key(|run| run.made_ms);
    for feed in feeds.iter().filter(|feed| !feed.file_name.is_numbered()) {
        let (known, given) = numbers(sight, &feed.numbers())?;
        let missing = missing(known, given, sight.snapshot.run_numbers(&feed.partner, feed.plain_id())?);
        let his: Vec<&mut SentFile> = plan.runs.iter_mut().filter(|run| run.feed.name() == feed.name()).collect();
        let Some(numbers) = numbers_in_order(&missing, his.len()) else { continue };
        his.into_iter().zip(numbers).for_each(|(run, number)| run.number = number);
    }
    Ok(())
}
