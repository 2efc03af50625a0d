//! Brings an older database up to what stands in the folders: each file at its moment, as it happened, so that an order that
//! was changed after it went out is told from one that was not. Everything is looked for anew each time, and each step leaves
//! what the next time finds again: it may be ended and begun as often as need be.

use std::sync::Arc;

use anyhow::Result;
use chrono::DateTime;

use super::{Original, Plan, SentFile, accounts, plan, subject_of};
use crate::edges::clock::{iso, new_id};
use crate::edges::events::{Event, Key, Value};
use crate::edges::spool::{Place, Role, state_name};
use crate::edges::store::ledger::{NewRun, RunReason, RunState};
use crate::edges::store::{RowId, Tx};
use crate::flows::files::Sight;
use crate::flows::fingerprint;
use crate::flows::inbound::claiming::Candidate;
use crate::flows::inbound::finish;
use crate::flows::inbound::round::Bench;
use crate::flows::moments::count;
use crate::model::feed::Feed;
use crate::model::ids::Id;

/// Files that are judged with one commit.
const TOGETHER: usize = 100;
const KNOWN_AGAIN: &str = "known again from the spool, after an older database was accepted";

#[derive(Default)]
struct Done {
    judged: u64,
    known: u64,
    orders: u64,
    resumed: Vec<String>,
}

pub fn catch_up(bench: &mut Bench<'_>, feeds: &[Arc<Feed>]) -> Result<String> {
    let mut done = Done::default();
    let Plan { originals, runs, .. } = look(bench, feeds)?;
    let mut originals = originals.into_iter().peekable();
    for run in runs {
        let mut before = Vec::new();
        while let Some(original) = originals.next_if(|original| original.id.made_ms() <= run.made_ms) {
            before.push(original);
        }
        judge(bench, &before, &mut done)?;
        know_again(bench, &run, &mut done)?;
    }
    let last: Vec<Original> = originals.collect();
    judge(bench, &last, &mut done)?;
    let left = look(bench, feeds)?;
    resume(bench, feeds, &left, &mut done)?;
    Ok(sentence(&done, &left))
}

fn look(bench: &Bench<'_>, feeds: &[Arc<Feed>]) -> Result<Plan> {
    let snapshot = bench.store.read()?;
    let sight = Sight { snapshot: &snapshot, spool: bench.spool, zone: bench.zone, now: bench.now.wall };
    plan(sight, bench.intakes, feeds)
}

/// Back to in/ under their ids, and taken from there like any other file: should this end in between, the next look takes them.
fn judge(bench: &mut Bench<'_>, originals: &[Original], done: &mut Done) -> Result<()> {
    for some in originals.chunks(TOGETHER) {
        let mut candidates = Vec::with_capacity(some.len());
        for original in some {
            candidates.extend(back_to_in(bench, original)?);
        }
        done.judged += candidates.len() as u64;
        if !candidates.is_empty() {
            bench.take(candidates)?;
        }
        // What comes next may ask for what these have brought.
        finish::settle(bench)?;
    }
    Ok(())
}

fn back_to_in(bench: &Bench<'_>, original: &Original) -> Result<Option<Candidate>> {
    let Original { intake, stand, name, done_file, papers, .. } = original;
    let (from, to) = (stand.place()?, Place::In { partner: &intake.sender.partner, intake: &intake.id });
    if from != to {
        if let Some(done_file) = done_file {
            bench.spool.rename((from, done_file), (to, done_file))?;
        }
        bench.spool.rename((from, name), (to, name))?;
    }
    let failed = Place::Failed { partner: &intake.sender.partner, intake: &intake.id };
    for paper in papers {
        // Its new verdict writes them again where they still hold.
        if bench.spool.look(failed, paper)?.is_some() {
            bench.spool.remove(failed, paper)?;
        }
    }
    let found = bench.spool.look(to, name)?;
    Ok(found.map(|meta| Candidate {
        intake: intake.clone(),
        name: name.clone(),
        meta,
        done_file: done_file.clone(),
        parts: Vec::new(),
    }))
}

/// A run for a file that went out, with its orders; what never left goes back to where its partner looks for it.
fn know_again(bench: &mut Bench<'_>, run: &SentFile, done: &mut Done) -> Result<()> {
    let mut orders = Vec::new();
    if run.holds_requests() {
        let found = accounts::orders_in(&bench.store.read()?, bench.spool, run)?;
        // Undecided: the plan that is made at the end says why.
        let Ok(found) = found else { return Ok(()) };
        orders = found;
    }
    let hash = fingerprint::of(bench.spool, run.stand.place()?, &run.raw_name)?;
    let id = match run.id {
        Some(id) => id,
        None => new_id(bench.now.wall)?,
    };
    place(bench, run, id)?;
    let made = DateTime::from_timestamp_millis(run.made_ms).unwrap_or(bench.now.wall);
    let (ready_at, day) = (iso(made), made.with_timezone(&bench.zone).date_naive().to_string());
    let feed = &run.feed;
    let new = NewRun {
        id,
        number: run.number,
        partner: &feed.partner,
        feed: &feed.id,
        kind: &feed.layout.kind.name,
        layout: &feed.layout.id,
        reason: RunReason::Due,
        due_at: None,
        state: RunState::Ready,
        folder: &feed.folder,
        name: &run.name,
        hash: &hash,
        size: run.size,
        rows: orders.len() as u64,
        file: None,
        ready_at: &ready_at,
        day: &day,
    };
    let tx = bench.store.begin()?;
    let no = tx.add_run(&new)?;
    let orders = not_exported(&tx, feed, orders)?;
    tx.mark_exported(&feed.name(), no, orders.iter().copied())?;
    if !run.is_unsent() {
        tx.set_run_state(no, RunState::Sent, &ready_at, KNOWN_AGAIN)?;
    }
    tx.mark_runs_placed([no])?;
    tx.commit()?;
    done.known += 1;
    done.orders += orders.len() as u64;
    let fields = [
        (Key::Feed, Value::Text(feed.name().into())),
        (Key::Name, Value::Text(run.name.as_str().into())),
        (Key::Messages, Value::from(orders.len())),
    ];
    bench.events.tell(bench.now.wall, id.as_str(), Event::RunKnown, &fields);
    Ok(())
}

/// Before its commit: should that not come, the next start holds what stands in out/ again, and in sent/ it is found again.
fn place(bench: &Bench<'_>, run: &SentFile, id: Id) -> Result<()> {
    let (from, feed) = (run.stand.place()?, &run.feed);
    let out = Place::Out { partner: &feed.partner, folder: &feed.folder };
    if run.is_unsent() {
        if from != out {
            bench.spool.rename((from, &run.raw_name), (out, run.name.as_bytes()))?;
        }
    } else if run.id.is_none() {
        bench.spool.rename((from, &run.raw_name), (from, &state_name(id, run.name.as_bytes(), Role::Original)))?;
    }
    Ok(())
}

/// Of two files with the same order the first counts.
fn not_exported(tx: &Tx<'_>, feed: &Feed, orders: Vec<RowId>) -> Result<Vec<RowId>> {
    let mut left = Vec::with_capacity(orders.len());
    for order in orders {
        if !tx.is_exported_by(&feed.name(), &feed.layout.kind.name, order)? {
            left.push(order);
        }
    }
    left.sort_unstable();
    left.dedup();
    Ok(left)
}

/// Feeds that wait for nothing any more.
fn resume(bench: &mut Bench<'_>, feeds: &[Arc<Feed>], left: &Plan, done: &mut Done) -> Result<()> {
    let waits = |feed: &str| left.runs.iter().any(|run| run.feed.name() == feed);
    let settled =
        left.accounts.iter().filter(|account| account.paused && account.is_settled() && !waits(&account.feed));
    let settled: Vec<String> = settled.map(|account| account.feed.clone()).collect();
    let settled: Vec<&Arc<Feed>> = feeds.iter().filter(|feed| settled.contains(&feed.name())).collect();
    if settled.is_empty() {
        return Ok(());
    }
    let tx = bench.store.begin()?;
    for feed in &settled {
        tx.resume(&subject_of(feed))?;
    }
    tx.commit()?;
    done.resumed = settled.iter().map(|feed| feed.name()).collect();
    Ok(())
}

fn sentence(done: &Done, left: &Plan) -> String {
    let mut parts = vec![
        format!("{} judged anew", count(done.judged, "file was", "files were")),
        format!(
            "{} of ours known again, with {}",
            count(done.known, "file is", "files are"),
            count(done.orders, "order", "orders")
        ),
    ];
    if !done.resumed.is_empty() {
        parts.push(format!("{} resumed", done.resumed.join(", ")));
    }
    let undecided = left.undecided.len() + left.accounts.iter().filter(|account| !account.missing.is_empty()).count();
    if undecided > 0 {
        parts.push(format!("{undecided} left for a person to decide (nattpost catch-up lists them)"));
    }
    parts.join("; ")
}
