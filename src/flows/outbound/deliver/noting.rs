//! What the ledger says of deliveries: where a run goes, from the commit that makes it ready, and what a carrier's report changes.
//! A step begins only once the commit before it stands: D1, D2 and D3 of all runs of a report in one.

use std::sync::Arc;

use anyhow::Result;
use chrono::TimeDelta;

use super::super::{Dispatch, settle_sent};
use super::book::Book;
use super::{Left, Outcome, Report, Step};
use crate::edges::clock::{Now, chance, iso};
use crate::edges::events::{Event, Key, Value};
use crate::edges::remote::{Fault, Phase};
use crate::edges::spool::Spool;
use crate::edges::store::ledger::{DeliveryRow, NewDelivery, Reached, RunReason, RunRow, RunState};
use crate::edges::store::{RunNo, Tx};
use crate::flows::carried::trouble;
use crate::model::feed::Feed;
use crate::model::ids::Id;
use crate::model::intake::Intake;
use crate::model::remote::{Redeliver, SendTo};
use crate::model::remote_name::upload_name;
use crate::model::rules::delivering::{Action, Came, Says, There, is_sent_again, resume, waits};
use crate::model::rules::patience::{CHANCES, after_fault};
use crate::model::rules::supersede::Scope;

/// A file whose place in out/ another one still has.
pub(super) const PLACED_SOON: std::time::Duration = std::time::Duration::from_secs(10);

/// Between two questions whether a file was taken whose name the next one has.
const ASKED_AGAIN: std::time::Duration = std::time::Duration::from_secs(30);

/// What files of ours are made of, for those that have to be made again.
#[derive(Clone, Copy)]
pub struct Rules<'r> {
    pub feeds: &'r [Arc<Feed>],
    pub intakes: &'r [Arc<Intake>],
}

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

/// What a report changes about one run, to be told after the commit.
pub(super) enum Told {
    Sent(RunRow),
    Failed(RunRow, String),
    Unknown(RunRow, String),
    /// Its file is gone, and it is to be made again.
    Gone(RunRow),
}

impl Dispatch<'_> {
    /// D1, D2 and D3 of all runs of a report, in one commit. `ended`: why what was not tried was not.
    pub fn note_delivery(&mut self, book: &mut Book, report: Report, rules: Rules<'_>, ended: &str) -> Result<()> {
        let (now, mut told) = (self.now, Vec::new());
        let tx = self.store.begin()?;
        for (no, outcome) in &report.runs {
            let wanted = |row: &DeliveryRow| !row.settled && row.is_open == (report.step != Step::Clear);
            let Some((run, row)) = tx.run_by_no(*no)?.zip(tx.delivery(*no)?.filter(wanted)) else {
                book.forget(*no);
                continue;
            };
            let noting = Noting { tx: &tx, run, row, now };
            told.extend(match outcome {
                Outcome::NotTried => noting.not_tried(book, report.step, ended)?,
                Outcome::BrokeOff(_) if report.step == Step::Clear => noting.not_tried(book, report.step, ended)?,
                Outcome::Refused(fault) if report.step == Step::Clear => Some(noting.left_there(book, fault)?),
                _ if report.step == Step::Clear => noting.cleared(book)?,
                Outcome::There(there) => noting.there(book, there, rules.feeds)?,
                Outcome::Done if report.step == Step::Send => noting.begin_renaming(book)?,
                Outcome::Done => Some(noting.sent(book)?),
                Outcome::BrokeOff(fault) if noting.was_taken_before(report.step, fault) => {
                    noting.not_verified(book, fault)?
                }
                // It rests, so that the others are not kept waiting where the line breaks at this one whenever it is brought.
                Outcome::Refused(fault) | Outcome::BrokeOff(fault) => noting.failed(book, fault)?,
                Outcome::NoFile => Some(noting.no_file(book)?),
                Outcome::NotYet => noting.not_yet(book)?,
            });
        }
        tx.commit()?;
        let has_left = told.iter().any(|told| matches!(told, Told::Sent(..)));
        let (gone, told): (Vec<_>, Vec<_>) = told.into_iter().partition(|told| matches!(told, Told::Gone(..)));
        for told in told {
            self.tell_delivery(told)?;
        }
        // A file of the same name may have waited for its place.
        if has_left {
            self.place_ready()?;
        }
        for told in gone {
            if let Told::Gone(run) = told {
                self.make_again(book, &run, rules)?;
            }
        }
        Ok(())
    }

    pub(super) fn tell_delivery(&mut self, told: Told) -> Result<()> {
        let (event, run, words) = match told {
            Told::Sent(run) => {
                let moved = self.move_out_to_sent(&run);
                self.go_on(run.id.as_str(), moved)?;
                self.tell_run(&run, Event::RunSent);
                return Ok(());
            }
            Told::Failed(run, words) => (Event::DeliveryFailed, run, words),
            Told::Unknown(run, words) => (Event::DeliveryUnknown, run, words),
            Told::Gone(_) => return Ok(()),
        };
        let fields: [(Key, Value<'_>); 4] = [
            (Key::Partner, run.partner.as_str().into()),
            (Key::Feed, run.feed.as_str().into()),
            (Key::Name, run.name.as_str().into()),
            (Key::Reason, words.into()),
        ];
        self.events.tell(self.now.wall, run.id.as_str(), event, &fields);
        Ok(())
    }
}

/// Of orders: each may arrive once only.
pub fn says(run: &RunRow) -> Says {
    if run.scope == Scope::New && run.reason != RunReason::Receipt { Says::Requests } else { Says::Facts }
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
        book.found(self.run.no, Left { temp: there.temp.is_some(), old: there.has_old });
        let action = resume(came, self.run.size, &self.row.before, there, wants_done);
        if waits(self.run.turn, action, there) {
            return self.waits(book);
        }
        match action {
            Action::Send => {
                self.tx.note_before(self.run.no, there.last.as_ref(), &self.at())?;
                book.go_on(self.run.no, Step::Send, self.now.mono);
            }
            Action::BeginRenaming => return self.begin_renaming(book),
            Action::Rename => book.go_on(self.run.no, Step::Rename, self.now.mono),
            Action::Finish => {
                self.tx.note_phase(self.run.no, Reached::Renamed, &self.at())?;
                book.go_on(self.run.no, Step::Vouch, self.now.mono);
            }
            Action::NoteSent => return self.sent(book).map(Some),
            Action::Unknown => return self.unknown(book, feeds),
            Action::RemoveTemp | Action::Nothing => book.forget(self.run.no),
        }
        Ok(None)
    }

    /// Its name is that of the file before, which its partner has still to take. Nothing failed, and it is asked again soon.
    fn waits(self, book: &mut Book) -> Result<Option<Told>> {
        let next = self.now.wall + ASKED_AGAIN;
        let words = format!("{} stands there and was not taken yet: it comes once that is gone", self.run.name);
        book.failed(self.run.no, format!("{words}."));
        self.tx.note_waiting(self.run.no, &iso(next), &self.at(), &words)?;
        book.go_on(self.run.no, Step::Ask, self.now.mono + ASKED_AGAIN);
        Ok(None)
    }

    /// D2: from here on the partner may have it.
    fn begin_renaming(self, book: &mut Book) -> Result<Option<Told>> {
        self.tx.set_run_state(self.run.no, RunState::Renaming, &self.at(), "")?;
        self.tx.note_phase(self.run.no, Reached::Uploaded, &self.at())?;
        book.go_on(self.run.no, Step::Rename, self.now.mono);
        Ok(None)
    }

    /// D3.
    fn sent(self, book: &mut Book) -> Result<Told> {
        let at = self.at();
        settle_sent(self.tx, &self.run, &at, &format!("brought to {}", self.row.remote))?;
        self.tx.note_phase(self.run.no, Reached::Sent, &at)?;
        self.tx.settle_delivery(self.run.no)?;
        book.forget(self.run.no);
        Ok(Told::Sent(self.run))
    }

    fn unknown(self, book: &mut Book, feeds: &[Arc<Feed>]) -> Result<Option<Told>> {
        let feed = feeds.iter().find(|feed| feed.partner == self.run.partner && feed.id == self.run.feed);
        let redeliver = feed.and_then(|feed| feed.to.as_ref()).map_or(Redeliver::Ask, |to| to.redeliver);
        if is_sent_again(says(&self.run), redeliver) {
            self.tx.deliver_again(self.run.no, &self.at())?;
            book.go_on(self.run.no, Step::Ask, self.now.mono);
            return Ok(None);
        }
        let words = format!(
            "it was being renamed at {} when the line broke, and is not there under either name: the partner may have taken it. Ask him; then \"nattpost release {id}\" sends it again, \"nattpost discard {id}\" closes it as delivered",
            self.row.remote,
            id = self.run.id
        );
        self.tx.end_try(self.run.no, &self.at(), "the line broke, and it is there under neither name")?;
        self.tx.note_unknown(self.run.no, &self.at(), &words)?;
        book.forget(self.run.no);
        Ok(Some(Told::Unknown(self.run, words)))
    }

    fn failed(self, book: &mut Book, fault: &Fault) -> Result<Option<Told>> {
        let pause = after_fault(trouble(fault.kind), self.row.failures + 1, chance(CHANCES));
        let next = TimeDelta::from_std(pause).map_or(self.now.wall, |pause| self.now.wall + pause);
        let words = fault.to_string();
        book.failed(self.run.no, format!("{}: {}.", self.run.name, words.trim_end_matches('.')));
        self.tx.note_delivery_fault(self.run.no, &iso(next), &self.at(), &words)?;
        book.go_on(self.run.no, Step::Ask, self.now.mono + pause);
        Ok((self.row.failures == 0).then_some(Told::Failed(self.run, words)))
    }

    /// The server took all of it and hung up before it said how much it kept.
    fn was_taken_before(&self, step: Step, fault: &Fault) -> bool {
        step == Step::Send && fault.phase == Phase::Ask && self.row.failures == 0
    }

    /// Some hang up after each file: the next connection asks at once. A second time in a row it rests like any other.
    fn not_verified(self, book: &mut Book, fault: &Fault) -> Result<Option<Told>> {
        self.tx.note_delivery_fault(self.run.no, &self.at(), &self.at(), &fault.to_string())?;
        book.go_on(self.run.no, Step::Ask, self.now.mono);
        Ok(None)
    }

    /// What an answer would have said, the next question finds out. A try under way has ended, whatever it came to: unless its
    /// rename had begun, nothing of it stands under its name.
    fn not_tried(self, book: &mut Book, step: Step, ended: &str) -> Result<Option<Told>> {
        if self.row.is_under_way {
            self.tx.end_try(self.run.no, &self.at(), ended)?;
        }
        book.go_on(self.run.no, if step == Step::Clear { step } else { Step::Ask }, self.now.mono);
        Ok(None)
    }

    /// Another file has its place in out/: nothing was sent.
    fn not_yet(self, book: &mut Book) -> Result<Option<Told>> {
        self.tx.end_try(self.run.no, &self.at(), "its file does not stand in out/ yet")?;
        book.go_on(self.run.no, Step::Ask, self.now.mono + PLACED_SOON);
        Ok(None)
    }

    /// What it had uploaded is gone.
    fn cleared(self, book: &mut Book) -> Result<Option<Told>> {
        self.tx.settle_delivery(self.run.no)?;
        book.forget(self.run.no);
        Ok(None)
    }

    /// It cannot be removed, and nobody else waits for that: it is told, and left to them.
    fn left_there(self, book: &mut Book, fault: &Fault) -> Result<Told> {
        self.tx.settle_delivery(self.run.no)?;
        book.forget(self.run.no);
        let name = self.row.temp.escape_ascii();
        Ok(Told::Failed(self.run, format!("what was uploaded of it stays there as \"{name}\": {fault}")))
    }

    /// Facts and answers are made again; orders wait for a person, who may know where the file is.
    fn no_file(self, book: &mut Book) -> Result<Told> {
        let at = self.at();
        self.tx.end_try(self.run.no, &at, "its file is gone from out/, so nothing was sent")?;
        if says(&self.run) == Says::Facts {
            book.go_on(self.run.no, Step::Ask, self.now.mono + PLACED_SOON);
            return Ok(Told::Gone(self.run));
        }
        book.forget(self.run.no);
        let words = format!(
            "its file is gone from out/ before it was brought to {remote}, so nothing was sent. \"nattpost release {id}\" writes it anew with \
             the same orders and sends it, \"nattpost discard {id}\" closes it as delivered",
            remote = self.row.remote,
            id = self.run.id
        );
        self.tx.note_unknown(self.run.no, &at, &words)?;
        Ok(Told::Unknown(self.run, words))
    }
}
