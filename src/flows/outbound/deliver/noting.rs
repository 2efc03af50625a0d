//! What the ledger says of deliveries, and which step is next: of each feed one run at a time, in their order, since a later full
//! file must not be overtaken; receipts have names of their own and go side by side. A step begins only once the commit
//! before it stands. What is kept in memory is asked anew when it is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::TimeDelta;

use super::super::{Dispatch, settle_sent};
use super::{Job, Left, Outcome, Parcel, Report, Step};
use crate::edges::clock::{Now, chance, iso, read_iso};
use crate::edges::events::{Event, Key, Value};
use crate::edges::remote::Fault;
use crate::edges::spool::Spool;
use crate::edges::store::ledger::{DeliveryRow, NewDelivery, Reached, RunReason, RunRow, RunState};
use crate::edges::store::{RunNo, Snapshot, Tx};
use crate::flows::carried::trouble;
use crate::model::feed::Feed;
use crate::model::ids::Id;
use crate::model::pause::Paused;
use crate::model::remote::{Folder, Redeliver, SendTo};
use crate::model::remote_name::{aside_name, upload_name};
use crate::model::rules::delivering::{Action, Came, Says, There, is_sent_again, resume};
use crate::model::rules::patience::{CHANCES, after_fault};
use crate::model::rules::supersede::Scope;

/// Given to one carrier.
const PARCELS: usize = 25;
const PARCEL_BYTES: u64 = 2 * 1024 * 1024;
/// A file whose place in out/ another one still has.
const PLACED_SOON: Duration = Duration::from_secs(10);

/// The way of a run that becomes ready with this commit.
/// `done_suffix`: an empty file of the name with this behind it says that it is whole.
pub fn announce(
    tx: &Tx<'_>,
    spool: &Spool,
    (run, id): (RunNo, Id),
    name: &str,
    (to, done_suffix): (&SendTo, Option<&str>),
) -> Result<()> {
    let temp = match &to.upload_as {
        Some(pattern) => pattern.replace("{run_id}", id.as_str()).replace("{name}", name).into_bytes(),
        None => upload_name(name.as_bytes(), id, &spool.mark()?),
    };
    let done = done_suffix.map(|suffix| format!("{name}{suffix}").into_bytes());
    tx.add_delivery(
        run,
        &NewDelivery {
            remote: &to.remote,
            folder: to.folder.as_bytes(),
            name: name.as_bytes(),
            temp: &temp,
            done_name: done.as_deref(),
        },
    )
}

#[derive(Debug)]
struct Entry {
    remote: String,
    /// `partner/feed`; none for a receipt.
    feed: Option<(String, String)>,
    size: u64,
    step: Step,
    again_at: Duration,
    is_under_way: bool,
    left: Left,
    /// Why the last try failed.
    words: Option<String>,
}

/// Open deliveries and what is next for each.
#[derive(Debug, Default)]
pub struct Book {
    entries: BTreeMap<RunNo, Entry>,
}

impl Book {
    /// What the ledger has. A run that is known keeps its step. `try_all`: pauses of before do not hold.
    pub fn refresh(&mut self, snapshot: &Snapshot<'_>, try_all: bool, now: Now) -> Result<()> {
        let open = snapshot.open_deliveries()?;
        let known: BTreeSet<RunNo> = open.iter().filter(|row| row.unknown_since.is_none()).map(|row| row.run).collect();
        self.entries.retain(|run, _| known.contains(run));
        for row in open.into_iter().filter(|row| known.contains(&row.run)) {
            if self.entries.contains_key(&row.run) {
                continue;
            }
            let Some(run) = snapshot.run_by_no(row.run)?.filter(|run| is_open(run.state)) else { continue };
            let next_try = row.next_try.as_deref().filter(|_| !try_all);
            let pause = next_try.and_then(read_iso).and_then(|at| (at - now.wall).to_std().ok());
            let entry = Entry {
                remote: row.remote,
                feed: (run.reason != RunReason::Receipt).then_some((run.partner, run.feed)),
                size: run.size,
                step: Step::Ask,
                again_at: now.mono + pause.unwrap_or_default(),
                is_under_way: false,
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

    /// Of each feed the first alone: those behind it have their turn when it has arrived.
    fn firsts(&self, remote: &str, paused: &Paused) -> Vec<(RunNo, &Entry)> {
        let (mut firsts, mut feeds) = (Vec::new(), BTreeSet::new());
        for (run, entry) in self.entries.iter().filter(|(_, entry)| entry.remote == remote) {
            let waits = match &entry.feed {
                Some((partner, feed)) => !feeds.insert((partner, feed)) || paused.feed(partner, feed),
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
        for step in [Step::Vouch, Step::Rename, Step::Send, Step::Ask] {
            let (mut parcels, mut bytes) = (Vec::new(), 0);
            for run in &due {
                let Some(entry) = self.entries.get_mut(run).filter(|entry| entry.step == step) else { continue };
                if parcels.len() == PARCELS || (step == Step::Send && bytes >= PARCEL_BYTES) {
                    break;
                }
                let Some(parcel) = parcel(snapshot, *run, entry.left, mark)? else {
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

    fn go_on(&mut self, run: RunNo, step: Step, at: Duration) {
        if let Some(entry) = self.entries.get_mut(&run) {
            (entry.step, entry.again_at, entry.is_under_way) = (step, at, false);
        }
    }
}

fn is_open(state: RunState) -> bool {
    matches!(state, RunState::Ready | RunState::Delivering | RunState::Renaming)
}

fn parcel(snapshot: &Snapshot<'_>, run: RunNo, left: Left, mark: &str) -> Result<Option<Parcel>> {
    let row = snapshot.delivery(run)?.filter(|row| !row.settled);
    let Some((run, row)) = snapshot.run_by_no(run)?.filter(|run| is_open(run.state)).zip(row) else { return Ok(None) };
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

/// What a report changes about one run, to be told after the commit.
enum Told {
    Sent(RunRow, String),
    Failed(RunRow, String),
    Unknown(RunRow, String),
}

impl Dispatch<'_> {
    /// D1, D2 and D3 of all runs of a report, in one commit.
    pub fn note_delivery(&mut self, book: &mut Book, report: Report, feeds: &[Arc<Feed>]) -> Result<()> {
        let (now, mut told) = (self.now, Vec::new());
        let tx = self.store.begin()?;
        for (no, outcome) in &report.runs {
            let run = tx.run_by_no(*no)?.filter(|run| is_open(run.state));
            let Some((run, row)) = run.zip(tx.delivery(*no)?.filter(|row| !row.settled)) else {
                book.entries.remove(no);
                continue;
            };
            let noting = Noting { tx: &tx, run, row, now };
            told.extend(match outcome {
                Outcome::There(there) => noting.there(book, there, feeds)?,
                Outcome::Done if report.step == Step::Send => noting.begin_renaming(book)?,
                Outcome::Done => Some(noting.sent(book)?),
                Outcome::Refused(fault) => noting.failed(book, fault)?,
                Outcome::NoFile => Some(noting.no_file(book)?),
                Outcome::NotYet => {
                    book.go_on(*no, Step::Ask, now.mono + PLACED_SOON);
                    None
                }
                Outcome::NotTried => {
                    book.go_on(*no, Step::Ask, now.mono);
                    None
                }
            });
        }
        tx.commit()?;
        let has_left = told.iter().any(|told| matches!(told, Told::Sent(..)));
        for told in told {
            self.tell_delivery(told)?;
        }
        // A file of the same name may have waited for its place.
        if has_left { self.place_ready().map(drop) } else { Ok(()) }
    }

    fn tell_delivery(&mut self, told: Told) -> Result<()> {
        let (event, run, remote, words) = match told {
            Told::Sent(run, remote) => {
                let moved = self.move_out_to_sent(&run);
                self.go_on(run.id.as_str(), moved)?;
                (Event::RunSent, run, remote, String::new())
            }
            Told::Failed(run, words) => (Event::DeliveryFailed, run, String::new(), words),
            Told::Unknown(run, words) => (Event::DeliveryUnknown, run, String::new(), words),
        };
        if event == Event::RunSent {
            self.tell_run(&run, event);
            return Ok(());
        }
        let mut fields: Vec<(Key, Value<'_>)> = vec![
            (Key::Partner, run.partner.as_str().into()),
            (Key::Feed, run.feed.as_str().into()),
            (Key::Name, run.name.as_str().into()),
            (Key::Reason, words.into()),
        ];
        if !remote.is_empty() {
            fields.push((Key::Remote, remote.into()));
        }
        self.events.tell(self.now.wall, run.id.as_str(), event, &fields);
        Ok(())
    }
}

/// One run of a report, within its commit.
struct Noting<'t> {
    tx: &'t Tx<'t>,
    run: RunRow,
    row: DeliveryRow,
    now: Now,
}

impl Noting<'_> {
    fn at(&self) -> String {
        iso(self.now.wall)
    }

    fn there(self, book: &mut Book, there: &There, feeds: &[Arc<Feed>]) -> Result<Option<Told>> {
        let came = match self.run.state {
            RunState::Ready => Came::Ready,
            RunState::Delivering => Came::Delivering,
            RunState::Renaming => Came::Renaming,
            _ => Came::Over,
        };
        let wants_done = self.row.done_name.is_some();
        if let Some(entry) = book.entries.get_mut(&self.run.no) {
            entry.left = Left { temp: there.temp.is_some(), old: there.has_old };
        }
        match resume(came, self.run.size, &self.row.before, there, wants_done) {
            Action::Send => {
                self.tx.note_before(self.run.no, there.last.as_ref(), &self.at())?;
                book.go_on(self.run.no, Step::Send, self.now.mono);
            }
            Action::BeginRenaming => return self.begin_renaming(book),
            Action::Rename => book.go_on(self.run.no, Step::Rename, self.now.mono),
            Action::Finish => book.go_on(self.run.no, Step::Vouch, self.now.mono),
            Action::NoteSent => return self.sent(book).map(Some),
            Action::Unknown => return self.unknown(book, feeds),
            Action::RemoveTemp | Action::Nothing => _ = book.entries.remove(&self.run.no),
        }
        Ok(None)
    }

    /// D2: from here on the partner may have it.
    fn begin_renaming(self, book: &mut Book) -> Result<Option<Told>> {
        self.tx.set_run_state(self.run.no, RunState::Renaming, &self.at(), "")?;
        self.tx.note_phase(self.run.no, Reached::Uploaded, &self.at(), "")?;
        book.go_on(self.run.no, Step::Rename, self.now.mono);
        Ok(None)
    }

    /// D3.
    fn sent(self, book: &mut Book) -> Result<Told> {
        let at = self.at();
        settle_sent(self.tx, &self.run, &at, &format!("brought to {}", self.row.remote))?;
        self.tx.note_phase(self.run.no, Reached::Sent, &at, "")?;
        self.tx.settle_delivery(self.run.no)?;
        book.entries.remove(&self.run.no);
        Ok(Told::Sent(self.run, self.row.remote))
    }

    fn unknown(self, book: &mut Book, feeds: &[Arc<Feed>]) -> Result<Option<Told>> {
        let feed = feeds.iter().find(|feed| feed.partner == self.run.partner && feed.id == self.run.feed);
        let redeliver = feed.and_then(|feed| feed.to.as_ref()).map_or(Redeliver::Ask, |to| to.redeliver);
        let says = if self.run.scope == Scope::New && self.run.reason != RunReason::Receipt {
            Says::Requests
        } else {
            Says::Facts
        };
        if is_sent_again(says, redeliver) {
            self.tx.deliver_again(self.run.no, &self.at())?;
            book.go_on(self.run.no, Step::Ask, self.now.mono);
            return Ok(None);
        }
        let words = format!(
            "it was being renamed at {} when the line broke, and is not there under either name: the partner may have taken it. Ask him; then \"nattpost release {id}\" sends it again, \"nattpost discard {id}\" closes it as delivered",
            self.row.remote,
            id = self.run.id
        );
        self.tx.note_unknown(self.run.no, &self.at(), &words)?;
        book.entries.remove(&self.run.no);
        Ok(Some(Told::Unknown(self.run, words)))
    }

    fn failed(self, book: &mut Book, fault: &Fault) -> Result<Option<Told>> {
        let pause = after_fault(trouble(fault.kind), self.row.failures + 1, chance(CHANCES));
        let next = TimeDelta::from_std(pause).map_or(self.now.wall, |pause| self.now.wall + pause);
        let words = fault.to_string();
        if let Some(entry) = book.entries.get_mut(&self.run.no) {
            entry.words = Some(format!("{}: {}.", self.run.name, words.trim_end_matches('.')));
        }
        self.tx.note_delivery_fault(self.run.no, &iso(next), &self.at(), &words)?;
        book.go_on(self.run.no, Step::Ask, self.now.mono + pause);
        Ok((self.row.failures == 0).then_some(Told::Failed(self.run, words)))
    }

    /// Facts are told by the next run, since this one moves no base; requests wait for a person.
    fn no_file(self, book: &mut Book) -> Result<Told> {
        book.entries.remove(&self.run.no);
        if self.run.scope == Scope::New && self.run.reason != RunReason::Receipt {
            let words = "its file is gone from out/, so nothing was sent. Put it back under its name, or \"nattpost discard\" closes it as delivered".to_string();
            self.tx.note_unknown(self.run.no, &self.at(), &words)?;
            return Ok(Told::Unknown(self.run, words));
        }
        let words = "its file is gone from out/: what it said is told again by the next run".to_string();
        self.tx.set_run_state(self.run.no, RunState::Failed, &self.at(), &words)?;
        self.tx.mark_runs_placed([self.run.no])?;
        self.tx.settle_delivery(self.run.no)?;
        Ok(Told::Failed(self.run, words))
    }
}

/// What a person says of a run of which nobody knows whether it arrived.
impl Dispatch<'_> {
    pub fn release_unknown(&mut self, id: Id) -> Result<RunRow> {
        let run = self.unknown_run(id)?;
        let tx = self.store.begin()?;
        tx.deliver_again(run.no, &iso(self.now.wall))?;
        tx.commit()?;
        Ok(run)
    }

    pub fn discard_unknown(&mut self, id: Id) -> Result<RunRow> {
        let run = self.unknown_run(id)?;
        let tx = self.store.begin()?;
        settle_sent(&tx, &run, &iso(self.now.wall), "closed as delivered by a person")?;
        tx.settle_delivery(run.no)?;
        tx.commit()?;
        let moved = self.move_out_to_sent(&run);
        self.go_on(run.id.as_str(), moved)?;
        Ok(run)
    }

    fn unknown_run(&self, id: Id) -> Result<RunRow> {
        let snapshot = self.store.read()?;
        let run = snapshot.run_by_id(id)?.with_context(|| format!("there is no run {id}"))?;
        let row = snapshot.delivery(run.no)?.filter(|row| row.unknown_since.is_some() && !row.settled);
        row.with_context(|| format!("run {id} ({}) is not one of which nobody knows whether it arrived", run.name))?;
        Ok(run)
    }
}
