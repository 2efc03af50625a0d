//! Before anything is done: is the database the one that this spool was last run with? Where it is not, nothing is started,
//! so that nothing is taken in twice and nothing forgotten; a person puts the right one back, or accepts this one on
//! purpose. The rule is `model::rules::lineage`; this file looks, asks it and obeys.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use chrono::{DateTime, Days, NaiveDate};

use super::catch_up::{PAUSED_BY, subject_of};
use super::files::Sight;
use crate::edges::clock::{Now, iso, new_id};
use crate::edges::events::{Event, Events, Key, Value};
use crate::edges::spool::{Marks, Spool};
use crate::edges::store::ledger::Identity;
use crate::edges::store::{Snapshot, Store, Tx};
use crate::model::feed::Feed;
use crate::model::ids::Id;
use crate::model::kind::Class;
use crate::model::rules::lineage::{Lineage, Memories, lineage};

/// The day of a folder may lie before the day of an id in UTC.
const ZONES: Days = Days::new(1);
/// Files that the ledger does not know are counted up to here.
const COUNTED_MAX: u64 = 10_000;

/// The database is not the one this spool was last run with; the words say what was found and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotItsDatabase(String);

/// What stands in the folders and is newer than the database.
#[derive(Debug, Default)]
struct Newer {
    count: u64,
    newest: Option<(Id, PathBuf)>,
}

/// Spool and database meet: they are each other's, or it ends here. `accept`: a person said that this database is to be used.
/// Accepted, feeds of orders are paused with the same commit: what went out since its last day would go out again.
pub fn meet(
    store: &mut Store,
    path: &Path,
    spool: &Spool,
    events: &Events,
    now: Now,
    accept: Option<&[Arc<Feed>]>,
) -> Result<()> {
    let (memories, identity, newer) = look(&store.read()?, spool)?;
    let found = lineage(memories);
    match found {
        Lineage::Same => return Ok(()),
        Lineage::First => {}
        _ if accept.is_some() => {}
        _ => return Err(NotItsDatabase(words(found, path, spool, &newer)?).into()),
    }
    let unknown = match (newer.newest, identity.and_then(|i| i.unknown)) {
        (Some((until, _)), None) => Some((memories.known, until)),
        (Some((until, _)), Some((after, _))) => Some((after.min(memories.known), until)),
        (None, before) => before,
    };
    let database = match (found, memories.named, memories.has) {
        (_, _, Some(has)) => has,
        (Lineage::First, Some(named), None) => named,
        _ => new_id(now.wall)?,
    };
    // The database first: a spool must not name one that does not know its own name.
    let tx = store.begin()?;
    tx.set_identity(&Identity { database, unknown })?;
    if found != Lineage::First {
        pause_orders(&tx, accept.unwrap_or_default(), now)?;
        tx.owe_full_everywhere()?;
    }
    tx.commit()?;
    spool.name_database(database)?;
    if found != Lineage::First {
        let fields = [
            (Key::Path, Value::Text(path.display().to_string().into())),
            (Key::Count, Value::Number(newer.count.cast_signed())),
        ];
        events.tell(now.wall, "", Event::DatabaseAccepted, &fields);
    }
    Ok(())
}

fn pause_orders(tx: &Tx<'_>, feeds: &[Arc<Feed>], now: Now) -> Result<()> {
    for feed in feeds.iter().filter(|feed| feed.layout.kind.class == Class::Request) {
        let words = "an older database was accepted: see nattpost catch-up";
        tx.pause(&subject_of(feed), &iso(now.wall), PAUSED_BY, words)?;
    }
    Ok(())
}

/// The same before the database is opened, which would make a new one where none is.
pub fn is_missing(path: &Path, spool: &Spool) -> Result<Option<NotItsDatabase>> {
    if fs::metadata(path).is_ok_and(|found| found.len() > 0) {
        return Ok(None);
    }
    let (memories, newer) = of_spool(spool, None)?;
    Ok(match lineage(memories) {
        Lineage::First => None,
        found => Some(NotItsDatabase(words(found, path, spool, &newer)?)),
    })
}

/// Why a start would refuse this database, for `status`.
pub fn why_refused(sight: Sight<'_>, path: &Path) -> Result<Option<String>> {
    let (memories, _, newer) = look(sight.snapshot, sight.spool)?;
    Ok(match lineage(memories) {
        Lineage::Same | Lineage::First => None,
        found => Some(words(found, path, sight.spool, &newer)?),
    })
}

/// Files in held/, failed/, done/ and sent/ that the ledger does not know since a person accepted its database: the first
/// of them, and how many at least.
pub fn unknown_files(sight: Sight<'_>, limit: usize) -> Result<(Vec<PathBuf>, u64)> {
    let Some((after, until)) = sight.snapshot.identity()?.and_then(|identity| identity.unknown) else {
        return Ok((Vec::new(), 0));
    };
    let (mut paths, mut count, mut failed) = (Vec::new(), 0, None);
    sight.spool.settled_ids(after.and_then(day_of), &mut |id, path| {
        if count >= COUNTED_MAX || Some(id) <= after || id > until {
            return;
        }
        match sight.snapshot.knows(id) {
            Ok(true) => {}
            Ok(false) => {
                count += 1;
                if paths.len() < limit {
                    paths.push(path);
                }
            }
            Err(error) => failed = Some(error),
        }
    })?;
    failed.map_or(Ok((paths, count)), Err)
}

/// Where a file of this id stands that the ledger does not know.
pub fn unknown_file(sight: Sight<'_>, id: Id) -> Result<Option<PathBuf>> {
    if sight.snapshot.knows(id)? {
        return Ok(None);
    }
    let mut found = None;
    sight
        .spool
        .settled_ids(day_of(id), &mut |other, path| found = found.take().or_else(|| (other == id).then_some(path)))?;
    Ok(found)
}

/// Up to here the database knows everything that came and went; files after it may be unknown to it.
pub fn known_until(snapshot: &Snapshot<'_>) -> Result<Option<Id>> {
    match snapshot.identity()?.and_then(|identity| identity.unknown) {
        Some((after, _)) => Ok(after),
        None => snapshot.newest_id(),
    }
}

fn look(snapshot: &Snapshot<'_>, spool: &Spool) -> Result<(Memories, Option<Identity>, Newer)> {
    let identity = snapshot.identity()?;
    let accepted = identity.and_then(|identity| identity.unknown).map(|(_, until)| until);
    let known = snapshot.newest_id()?.max(accepted);
    let (memories, newer) = of_spool(spool, known)?;
    Ok((Memories { has: identity.map(|i| i.database), ..memories }, identity, newer))
}

fn of_spool(spool: &Spool, known: Option<Id>) -> Result<(Memories, Newer)> {
    let mut newer = Newer::default();
    spool.settled_ids(known.and_then(day_of), &mut |id, path| {
        if Some(id) > known {
            newer.count += 1;
            if newer.newest.as_ref().is_none_or(|(newest, _)| id > *newest) {
                newer.newest = Some((id, path));
            }
        }
    })?;
    let found = newer.newest.as_ref().map(|(id, _)| *id);
    let has_history = found.is_some() || spool.marks()? != Marks::default();
    Ok((Memories { named: spool.named_database()?, has: None, known, found, has_history }, newer))
}

/// The first day whose folder can hold anything newer.
fn day_of(id: Id) -> Option<NaiveDate> {
    DateTime::from_timestamp_millis(id.made_ms())?.date_naive().checked_sub_days(ZONES)
}

fn words(found: Lineage, path: &Path, spool: &Spool, newer: &Newer) -> Result<String> {
    let (database, root) = (path.display(), spool.root().display());
    let what = match found {
        Lineage::New | Lineage::Same | Lineage::First => {
            format!(
                "the database {database} is missing or new and knows nothing, while the spool {root} was used before"
            )
        }
        Lineage::Another => format!("the database {database} belongs to another spool, not to {root}"),
        Lineage::Older => format!("the database {database} is older than the spool {root}"),
    };
    let mut evidence = Vec::new();
    let marks = spool.marks()?;
    let last = marks.feeds.values().copied().chain([marks.run]).max().unwrap_or_default();
    if last > 0 {
        evidence.push(format!("the last run number given was {last}"));
    }
    if let Some((_, newest)) = &newer.newest {
        evidence.push(format!(
            "{} file(s) in held/, failed/, done/ and sent/ are not known to it, the newest is {}",
            newer.count,
            newest.display()
        ));
    }
    let evidence = if evidence.is_empty() { String::new() } else { format!(" ({})", evidence.join("; ")) };
    Ok(format!(
        "{what}{evidence}. Expected the database that this spool was last run with. Nothing was started and nothing changed: with \
         this database, files would be applied twice, orders go out twice, and what is held be forgotten. Put the newest copy \
         of the right database there (with its -wal file if the copy has one, else without the old -wal and -shm), or \
         correct \"store\" in the configuration. If there is none, accept this one: nattpost run --accept-database. Files that it \
         does not know then stay where they stand, feeds of orders are paused, and nattpost catch-up tells what is to be done"
    ))
}
