//! The folders follow the ledger: staged files of ready runs become visible in out/, files that a partner took are `sent`,
//! and what nobody committed is removed. Everything is asked of the ledger and the folders anew each time, so it can be
//! done again after any crash. Which action fits is decided by `model::rules::recovery`.

use std::io::ErrorKind;
use std::ops::ControlFlow;

use anyhow::{Context, Result};

use super::{Dispatch, settle_sent};
use crate::edges::clock::{iso, new_id};
use crate::edges::events::{Event, Key, Value};
use crate::edges::spool::{Place, Role, Spool, SpoolError, State, state_name};
use crate::edges::store::ledger::{RunReason, RunRow, RunState};
use crate::model::ids::Id;
use crate::model::rules::recovery::{self, Leaves, RunAction, RunFound, RunKnown};

/// Runs named alike that are looked at; names carry the run's number.
const NAMESAKES_MAX: u32 = 100;

impl Dispatch<'_> {
    /// staged/ → out/ for every committed run; how many became visible. To be called after a successful commit and at a start:
    /// only then is a staged file without a run certainly one that was never committed.
    pub fn place_ready(&mut self) -> Result<u64> {
        let mut placed = 0;
        for id in staged(self.spool)? {
            let run = self.store.read()?.run_by_id(id)?;
            let known = run.as_ref().map_or(RunKnown::Unknown, |run| known(run.state));
            match (recovery::run(RunFound::Staged, known, Leaves::PickUp), run) {
                (RunAction::RenameToOut, Some(run)) => placed += u64::from(self.place(&run)?),
                (RunAction::HoldWithNotice, Some(run)) => {
                    let held = self.hold((Place::Staged, id.as_str().as_bytes()), &run.partner, run.name.as_bytes());
                    self.go_on(id.as_str(), held)?;
                }
                (RunAction::Remove, _) => {
                    let removed = self.remove_staged(id);
                    self.go_on(id.as_str(), removed)?;
                }
                _ => {}
            }
        }
        Ok(placed)
    }

    /// What partners took from their folders since the last look is `sent`; how many files. Also tells the ledger what was
    /// placed, so an idle loop calls it too.
    pub fn look_at_pick_up(&mut self) -> Result<u64> {
        let mut taken = Vec::new();
        let open = self.store.read()?.open_runs()?;
        for run in open {
            let found = self.find(&run)?;
            if recovery::run(found, known(run.state), Leaves::PickUp) == RunAction::MarkSent {
                taken.push(run);
            }
        }
        self.mark_sent(&taken)?;
        Ok(taken.len() as u64)
    }

    /// One commit for runs that were taken, and for what was placed before.
    pub(super) fn mark_sent(&mut self, taken: &[RunRow]) -> Result<()> {
        if taken.is_empty() && self.pending.placed.is_empty() {
            return Ok(());
        }
        let tx = self.store.begin()?;
        for run in taken {
            settle_sent(&tx, run, &iso(self.now.wall), "taken from its folder")?;
        }
        tx.mark_runs_placed(self.pending.placed.iter().copied().chain(taken.iter().map(|run| run.no)))?;
        tx.commit()?;
        self.pending.placed.clear();
        for run in taken {
            self.tell_run(run, Event::RunSent);
        }
        Ok(())
    }

    /// Where a run's file stands. Staged first: what is there has not been visible yet.
    pub(super) fn find(&self, run: &RunRow) -> Result<RunFound> {
        if self.spool.look(Place::Staged, run.id.as_str().as_bytes())?.is_some() {
            return Ok(RunFound::Staged);
        }
        let is_out = self.spool.look(visible(run), run.name.as_bytes())?.is_some();
        Ok(if is_out { RunFound::Out } else { RunFound::Neither })
    }

    /// Makes one run's file visible; false where something is in the way, which is told once.
    fn place(&mut self, run: &RunRow) -> Result<bool> {
        let (from, to) = ((Place::Staged, run.id.as_str().as_bytes()), (visible(run), run.name.as_bytes()));
        let mut moved = self.spool.rename(from, to);
        if moved.as_ref().is_err_and(|e| e.kind() == ErrorKind::AlreadyExists)
            && self.owner(to.0, to.1, Some(run.id))?.is_none()
        {
            // A file that we do not know stands in the way of one that we promised.
            self.hold(to, &run.partner, to.1)?;
            moved = self.spool.rename(from, to);
        }
        match moved {
            Ok(()) => {
                self.pending.placed.push(run.no);
                self.pending.told.remove(&run.id);
                self.tell_run(run, Event::RunReady);
                Ok(true)
            }
            Err(error) if error.is_outage() => Err(error.into()),
            Err(error) => {
                self.tell_in_the_way(run, error);
                Ok(false)
            }
        }
    }

    /// The ready or sent run that a file in out/ is. `staged`: this run it is not, since its file stands in staged/.
    pub(super) fn owner(&self, place: Place<'_>, name: &[u8], staged: Option<Id>) -> Result<Option<RunRow>> {
        let Ok(name) = std::str::from_utf8(name) else { return Ok(None) };
        let runs = self.store.read()?.runs_named(name, NAMESAKES_MAX)?;
        // The newest first.
        Ok(runs.into_iter().find(|run| {
            run.name == name
                && Some(run.id) != staged
                && is_same(visible(run), place)
                && known(run.state) != RunKnown::Unknown
        }))
    }

    /// To held/out/, under its name or, where that is taken, with an id before it.
    pub(super) fn hold(&self, from: (Place<'_>, &[u8]), partner: &str, name: &[u8]) -> Result<()> {
        let to = Place::HeldOut { partner };
        match self.spool.rename(from, (to, name)) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let other = state_name(new_id(self.now.wall)?, name, Role::Original);
                self.spool.rename(from, (to, &other))?;
            }
            moved => moved?,
        }
        let folder = self.spool.folder(to)?.display().to_string();
        let fields: [(Key, Value<'_>); 3] =
            [(Key::Partner, partner.into()), (Key::Name, name.into()), (Key::Path, folder.into())];
        self.events.tell(self.now.wall, "", Event::RunUnknown, &fields);
        Ok(())
    }

    fn remove_staged(&self, id: Id) -> Result<()> {
        self.spool.remove(Place::Staged, id.as_str().as_bytes())?;
        self.events.tell(self.now.wall, id.as_str(), Event::RunRemoved, &[]);
        Ok(())
    }

    /// A file that cannot be moved does not keep the others back: it is told, and tried again at the next start. That the
    /// spool takes nothing at all is for the loop to wait out.
    pub(super) fn go_on(&self, item: &str, done: Result<()>) -> Result<()> {
        let Err(error) = done else { return Ok(()) };
        if error.downcast_ref::<SpoolError>().is_none_or(SpoolError::is_outage) {
            return Err(error);
        }
        let fields: [(Key, Value<'_>); 1] = [(Key::Error, format!("{error:#}").into())];
        self.events.tell(self.now.wall, item, Event::FolderFailed, &fields);
        Ok(())
    }

    fn tell_in_the_way(&mut self, run: &RunRow, error: SpoolError) {
        if !self.pending.told.insert(run.id) {
            return;
        }
        let error = anyhow::Error::from(error);
        let fields: [(Key, Value<'_>); 4] = [
            (Key::Partner, run.partner.as_str().into()),
            (Key::Feed, run.feed.as_str().into()),
            (Key::Name, run.name.as_str().into()),
            (Key::Error, format!("{error:#}").into()),
        ];
        self.events.tell(self.now.wall, run.id.as_str(), Event::FolderFailed, &fields);
    }

    pub(super) fn tell_run(&self, run: &RunRow, event: Event) {
        let owner = if run.reason == RunReason::Receipt { Key::Intake } else { Key::Feed };
        let fields: [(Key, Value<'_>); 6] = [
            (Key::Partner, run.partner.as_str().into()),
            (owner, run.feed.as_str().into()),
            (Key::Kind, run.kind.as_str().into()),
            (Key::Name, run.name.as_str().into()),
            (Key::Messages, run.rows.into()),
            (Key::Bytes, run.size.into()),
        ];
        self.events.tell(self.now.wall, run.id.as_str(), event, &fields);
    }
}

/// The ids of the files in staged/; names that are none of ours are nobody's business here.
fn staged(spool: &Spool) -> Result<Vec<Id>> {
    let mut ids = Vec::new();
    spool
        .walk(State::Staged, &mut |found| {
            ids.extend(found.id);
            ControlFlow::Continue(())
        })
        .context("the composed files cannot be listed")?;
    ids.sort_unstable();
    Ok(ids)
}

/// Where its partner looks for a run's file.
pub(super) fn visible(run: &RunRow) -> Place<'_> {
    Place::Out { partner: &run.partner, folder: &run.folder }
}

/// The same folder, however its sub-folder is written.
fn is_same(one: Place<'_>, other: Place<'_>) -> bool {
    matches!((one.relative(), other.relative()), (Ok(one), Ok(other)) if one == other)
}

/// A run that is empty or failed has no file: whatever is found is not its.
pub(super) fn known(state: RunState) -> RunKnown {
    match state {
        RunState::Ready => RunKnown::Ready,
        RunState::Delivering | RunState::Renaming => RunKnown::Delivering,
        RunState::Sent => RunKnown::Sent,
        RunState::Locked => RunKnown::Locked,
        RunState::Superseded | RunState::Discarded => RunKnown::Ended,
        RunState::Failed | RunState::Empty => RunKnown::Unknown,
    }
}
