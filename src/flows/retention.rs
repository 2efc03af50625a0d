//! Originals past their days leave done/, are packed (`archiving`) or lose what is personal in them, delivered files leave sent/, values that were replaced
//! their history. Held and failed files are never touched: the store
//! does not even name them. A little at a time, so that a large clean-up does not hold up the files of the morning.

use anyhow::Result;
use chrono::{DateTime, Days, NaiveDate, Utc};

use super::archiving;
use super::inbound::round::Bench;
use super::redaction::{self, Budget};
use crate::edges::clock;
use crate::edges::events::{Event, Key, Value};
use crate::edges::spool::{Place, Role, state_name};
use crate::edges::store::ledger::FileRow;
use crate::model::intake::{Intake, Originals};

/// What a run told, row by row, is there for whoever asks so long after it went out.
const TOLD_DAYS: u32 = 5;
/// Changes that a feed keeps apart; with more of them it compares everything.
const OUTBOX_MAX: u32 = 5_000;
/// Files removed in one go.
const AT_A_TIME: u32 = 500;
/// Values of a kind looked at in one go: the oldest, which were replaced in about this order.
const VALUES_AT_A_TIME: u32 = 20_000;

pub fn prune(bench: &mut Bench<'_>, sent_days: u32, history_days: u32) -> Result<()> {
    let today = bench.now.wall.with_timezone(&bench.zone).date_naive();
    let mut budget = Budget::default();
    for intake in bench.intakes {
        let days = match intake.originals {
            Originals::Keep { days } => days,
            Originals::Redact { keep_days, .. } | Originals::Archive { keep_days, .. } => keep_days,
            Originals::None => 0,
        };
        let before = day_before(today, days);
        let rows = bench.store.read()?.originals_before(&intake.sender.partner, &intake.id, &before, AT_A_TIME)?;
        prune_originals(bench, &rows)?;
        forget_pdfs(bench, intake, today)?;
        archiving::finish(bench, intake)?;
        match intake.originals {
            Originals::Redact { after_days, .. } => {
                redaction::redact_before(bench, intake, &day_before(today, after_days), &mut budget)?;
            }
            Originals::Archive { after_days, .. } => {
                archiving::pack_before(bench, intake, &day_before(today, after_days))?;
            }
            Originals::Keep { .. } | Originals::None => {}
        }
    }
    prune_sent(bench, &day_before(today, sent_days))?;
    forget_told(bench, &day_before(today, TOLD_DAYS))?;
    let cut = bench.now.wall.checked_sub_days(Days::new(history_days.into())).unwrap_or(DateTime::<Utc>::MIN_UTC);
    forget_values(bench, &clock::iso(cut))
}

/// Values that held until then at the latest. What held at that moment, and what holds now, stays.
fn forget_values(bench: &mut Bench<'_>, until: &str) -> Result<()> {
    let long = bench.store.read()?.long_histories(until, VALUES_AT_A_TIME)?;
    if long.is_empty() {
        return Ok(());
    }
    let tx = bench.store.begin()?;
    for table in long {
        tx.forget_values(table, until, VALUES_AT_A_TIME)?;
    }
    tx.commit()
}

/// A PDF that went out with its order is as personal as the original it came in, and goes when that goes or is overwritten.
fn forget_pdfs(bench: &mut Bench<'_>, intake: &Intake, today: NaiveDate) -> Result<()> {
    if intake.companions.as_ref().is_none_or(|companions| companions.paper.is_none()) {
        return Ok(());
    }
    let days = match intake.originals {
        Originals::Keep { days }
        | Originals::Redact { after_days: days, .. }
        | Originals::Archive { keep_days: days, .. } => days,
        Originals::None => 0,
    };
    let tx = bench.store.begin()?;
    match tx.forget_pdfs(&intake.sender.partner, &intake.id, &day_before(today, days))? {
        0 => Ok(()),
        _ => tx.commit(),
    }
}

/// What runs told row by row, past its days; and changes of feeds that nobody takes, beyond what is worth a list.
fn forget_told(bench: &mut Bench<'_>, before: &str) -> Result<()> {
    let (runs, is_long) = {
        let snapshot = bench.store.read()?;
        (snapshot.told_before(before)?, !snapshot.long_outboxes(OUTBOX_MAX)?.is_empty())
    };
    if runs.is_empty() && !is_long {
        return Ok(());
    }
    let tx = bench.store.begin()?;
    tx.forget_told(&runs)?;
    tx.shorten_outbox(OUTBOX_MAX)?;
    tx.commit()
}

/// ISO day; files of earlier days are past their time.
fn day_before(today: NaiveDate, days: u32) -> String {
    today.checked_sub_days(Days::new(days.into())).unwrap_or(NaiveDate::MIN).to_string()
}

fn prune_originals(bench: &mut Bench<'_>, rows: &[FileRow]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    forget_contents(bench, rows)?;
    for row in rows {
        let Ok(day) = row.day.parse() else { continue };
        let place = Place::Done { partner: &row.partner, day };
        let name = state_name(row.id, &row.raw_name, Role::Original);
        let stands = bench.spool.look(place, &name)?.is_some();
        if stands {
            bench.spool.remove(place, &name)?;
        }
        if stands || row.archived != 0 {
            let fields = [(Key::Name, Value::Bytes(&row.raw_name))];
            bench.events.tell(bench.now.wall, row.id.as_str(), Event::OriginalPruned, &fields);
        }
        bench.spool.remove_empty(place)?;
    }
    archiving::drop_archives(bench, rows)?;
    let tx = bench.store.begin()?;
    for row in rows {
        tx.mark_original_gone(row.no)?;
    }
    tx.commit()
}

/// Bytes of documents that no document has any more, or that none ever had. First it is no longer told that they are there, then they go.
fn forget_contents(bench: &mut Bench<'_>, rows: &[FileRow]) -> Result<()> {
    let snapshot = bench.store.read()?;
    let mut contents = Vec::new();
    for row in rows {
        if snapshot.is_content(row.no)? {
            contents.push(row.no);
        }
    }
    drop(snapshot);
    if contents.is_empty() {
        return Ok(());
    }
    let tx = bench.store.begin()?;
    for file in contents {
        tx.forget_content(file)?;
    }
    tx.commit()
}

fn prune_sent(bench: &mut Bench<'_>, before: &str) -> Result<()> {
    for run in bench.store.read()?.sent_before(before, AT_A_TIME)? {
        let Ok(day) = run.day.parse() else { continue };
        let place = match run.rehearsed.answers() {
            true => Place::Sent { partner: &run.partner, day },
            false => Place::HeldOut { partner: &run.partner },
        };
        let name = state_name(run.id, run.name.as_bytes(), Role::Original);
        if bench.spool.look(place, &name)?.is_some() {
            bench.spool.remove(place, &name)?;
            bench.spool.remove_empty(place)?;
        }
    }
    Ok(())
}
