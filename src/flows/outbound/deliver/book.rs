//! Open deliveries in memory: which step is next for each, and when. Of each feed one run at a time, in their order, since a later
//! full file must not be overtaken; receipts have names of their own and go side by side. What is kept here is asked of the
//! ledger anew when it is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;

use super::{Job, Left, Parcel, Step};
use crate::edges::clock::{Now, read_iso};
use crate::edges::store::ledger::{LockRow, RunReason, RunState, Side};
use crate::edges::store::{RunNo, Snapshot};
use crate::model::pause::Paused;
use crate::model::remote::Folder;
use crate::model::remote_name::aside_name;

/// Given to one carrier.
const PARCELS: usize = 25;
const PARCEL_BYTES: u64 = 2 * 1024 * 1024;

#[derive(Debug)]
struct Entry {
    remote: String,
    /// `partner/feed`; none for a receipt.
    feed: Option<(String, String)>,
    size: u64,
    step: Step,
    /// Something of it was committed as begun, or only its upload is to be removed: a lock of the guard stops it no more.
    has_begun: bool,
    again_at: Duration,
    is_under_way: bool,
    /// The ledger says until when it waits for another try; where it says so no more, a person wants it now.
    rests: bool,
    left: Left,
    /// Why the last try failed.
    words: Option<String>,
}

/// Open deliveries and what is next for each.
#[derive(Debug, Default)]
pub struct Book {
    entries: BTreeMap<RunNo, Entry>,
    /// Feeds, `partner` and `feed`, that the guard holds back: what was not begun waits with them.
    locked: BTreeSet<(String, String)>,
}

impl Book {
    /// What the ledger has. A run that is known keeps its step. `try_all`: pauses of before do not hold.
    pub fn refresh(&mut self, snapshot: &Snapshot<'_>, try_all: bool, now: Now) -> Result<()> {
        let open = snapshot.open_deliveries()?;
        self.locked = if open.is_empty() { BTreeSet::new() } else { locked(snapshot)? };
        let known: BTreeSet<RunNo> = open.iter().filter(|row| row.unknown_since.is_none()).map(|row| row.run).collect();
        self.entries.retain(|run, _| known.contains(run));
        for row in open.into_iter().filter(|row| known.contains(&row.run)) {
            let is_same = |entry: &Entry| {
                let is_wanted_now = entry.rests && row.next_try.is_none();
                entry.is_under_way || ((entry.step == Step::Clear) != row.is_open && !is_wanted_now)
            };
            if self.entries.get(&row.run).is_some_and(is_same) {
                continue;
            }
            let Some(run) = snapshot.run_by_no(row.run)? else { continue };
            let next_try = row.next_try.as_deref().filter(|_| !try_all);
            let pause = next_try.and_then(read_iso).and_then(|at| (at - now.wall).to_std().ok());
            let entry = Entry {
                remote: row.remote,
                feed: (run.reason != RunReason::Receipt).then_some((run.partner, run.feed)),
                size: run.size,
                step: if row.is_open { Step::Ask } else { Step::Clear },
                has_begun: run.state != RunState::Ready,
                again_at: now.mono + pause.unwrap_or_default(),
                is_under_way: false,
                rests: row.next_try.is_some(),
                left: Left::default(),
                words: None,
            };
            self.entries.insert(row.run, entry);
        }
        Ok(())
    }

    /// Is something to be done there now?
    pub fn has_due(&self, remote: &str, paused: &Paused, now: Now) -> bool {
        self.entries.values().any(|e| e.is_under_way) || !self.due(remote, paused, now).is_empty()
    }

    /// When the next step could begin, as far as it does not wait for a carrier.
    pub fn next_at(&self, remote: &str, paused: &Paused) -> Option<Duration> {
        let firsts = self.firsts(remote, paused).into_iter().filter(|(_, entry)| !entry.is_under_way);
        firsts.map(|(_, entry)| entry.again_at).min()
    }

    /// For people, of those that wait for another try.
    pub fn sentences(&self) -> Vec<String> {
        self.entries.values().filter_map(|entry| entry.words.clone()).collect()
    }

    fn due(&self, remote: &str, paused: &Paused, now: Now) -> Vec<RunNo> {
        let firsts = self.firsts(remote, paused).into_iter();
        firsts.filter(|(_, entry)| !entry.is_under_way && entry.again_at <= now.mono).map(|(run, _)| run).collect()
    }

    /// Of each feed the first alone: those behind it have their turn when it has arrived. None of a feed that a person paused, and
    /// nothing new of one that the guard locked.
    fn firsts(&self, remote: &str, paused: &Paused) -> Vec<(RunNo, &Entry)> {
        let (mut firsts, mut feeds) = (Vec::new(), BTreeSet::new());
        for (run, entry) in self.entries.iter().filter(|(_, entry)| entry.remote == remote) {
            let waits = match &entry.feed {
                Some(name @ (partner, feed)) => {
                    let is_locked = !entry.has_begun && self.locked.contains(name);
                    !feeds.insert(name) || paused.feed(partner, feed) || is_locked
                }
                None => false,
            };
            if !waits {
                firsts.push((*run, entry));
            }
        }
        firsts
    }

    /// What is furthest on goes first.
    pub fn next_job(
        &mut self,
        remote: &str,
        snapshot: &Snapshot<'_>,
        (paused, mark): (&Paused, &str),
        now: Now,
    ) -> Result<Option<Job>> {
        let due = self.due(remote, paused, now);
        for step in [Step::Clear, Step::Vouch, Step::Rename, Step::Send, Step::Ask] {
            let (mut parcels, mut bytes) = (Vec::new(), 0);
            for run in &due {
                let Some(entry) = self.entries.get_mut(run).filter(|entry| entry.step == step) else { continue };
                if parcels.len() == PARCELS || (step == Step::Send && bytes >= PARCEL_BYTES) {
                    break;
                }
                let Some(parcel) = parcel(snapshot, *run, (step, entry.left), mark)? else {
                    self.entries.remove(run);
                    continue;
                };
                entry.is_under_way = true;
                bytes += entry.size;
                parcels.push(parcel);
            }
            if !parcels.is_empty() {
                return Ok(Some(Job { step, parcels }));
            }
        }
        Ok(None)
    }

    pub(super) fn go_on(&mut self, run: RunNo, step: Step, at: Duration) {
        if let Some(entry) = self.entries.get_mut(&run) {
            entry.has_begun |= matches!(step, Step::Send | Step::Rename | Step::Vouch);
            (entry.step, entry.again_at, entry.is_under_way) = (step, at, false);
        }
    }

    /// What earlier tries left there.
    pub(super) fn found(&mut self, run: RunNo, left: Left) {
        if let Some(entry) = self.entries.get_mut(&run) {
            entry.left = left;
        }
    }

    /// Why the last try failed.
    pub(super) fn failed(&mut self, run: RunNo, words: String) {
        if let Some(entry) = self.entries.get_mut(&run) {
            (entry.rests, entry.words) = (true, Some(words));
        }
    }

    pub(super) fn forget(&mut self, run: RunNo) {
        self.entries.remove(&run);
    }
}

fn locked(snapshot: &Snapshot<'_>) -> Result<BTreeSet<(String, String)>> {
    let of_feed = |lock: LockRow| (lock.side == Side::Out).then_some((lock.partner, lock.name));
    Ok(snapshot.locks()?.into_iter().filter_map(of_feed).collect())
}

fn parcel(snapshot: &Snapshot<'_>, run: RunNo, (step, left): (Step, Left), mark: &str) -> Result<Option<Parcel>> {
    let row = snapshot.delivery(run)?.filter(|row| !row.settled && row.is_open == (step != Step::Clear));
    let Some((run, row)) = snapshot.run_by_no(run)?.zip(row) else { return Ok(None) };
    let Ok(folder) = Folder::parse(&row.folder) else { return Ok(None) };
    let aside = aside_name(&row.name, run.id, mark);
    Ok(Some(Parcel {
        run: run.no,
        id: run.id,
        partner: run.partner,
        out: run.folder,
        file: run.name,
        size: run.size,
        folder,
        name: row.name,
        temp: row.temp,
        aside,
        done: row.done_name,
        was_tried: row.tries > 0,
        left,
    }))
}
