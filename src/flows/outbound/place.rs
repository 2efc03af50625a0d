//! The folders follow the ledger: staged files of ready runs become visible in out/, files that a partner took are `sent`,
//! and what nobody committed is removed. Everything is asked of the ledger and the folders anew each time, so it can be
//! done again after any crash. Which action fits is decided by `model::rules::recovery`.

use std::io::ErrorKind;
use std::ops::ControlFlow;

use anyhow::{Context, Result};

use super::super::{is_denied, rights};
use super::Dispatch;
use crate::edges::clock::new_id;
use crate::edges::events::{Event, Key, Value};
use crate::edges::spool::{Existing, Lasting, Place, Role, Spool, SpoolError, State, state_name};
use crate::edges::store::ledger::{RunReason, RunRow, RunState};
use crate::model::ids::Id;
use crate::model::rules::one_name::Turn;
use crate::model::rules::recovery::{self, Leaves, RunAction, RunFound, RunKnown};

/// Runs named alike that are looked at; names carry the run's number.
pub(super) const NAMESAKES_MAX: u32 = 100;

impl Dispatch<'_> {
    /// staged/ → out/ for every committed run; how many became visible. To be called after a successful commit and at a start:
    /// only then is a staged file without a run certainly one that was never committed.
    pub fn place_ready(&mut self) -> Result<u64> {
        let mut placed = 0;
        for id in staged(self.spool)? {
            let run = self.store.read()?.run_by_id(id)?;
            let known = run.as_ref().map_or(RunKnown::Unknown, known);
            match (recovery::run(RunFound::Staged, known, Leaves::PickUp), run) {
                (RunAction::RenameToOut, Some(run)) => placed += u64::from(self.place(&run)?),
                (RunAction::HoldWithNotice, Some(run)) => {
                    let held = self.hold((Place::Staged, id.as_str().as_bytes()), &run.partner, run.name.as_bytes());
                    self.go_on(id.as_str(), held)?;
                }
                (RunAction::RenameToHeld, Some(run)) => {
                    let held = self.move_to_held(&run);
                    self.go_on(id.as_str(), held)?;
                }
                (RunAction::Remove, run) => {
                    let removed = self.remove_staged(id, run.as_ref());
                    self.go_on(id.as_str(), removed)?;
                }
                _ => {}
            }
        }
        Ok(placed)
    }

    /// Where a run's file stands. Staged first: what is there has not been visible yet.
    pub(super) fn find(&self, run: &RunRow) -> Result<RunFound> {
        if self.spool.look(Place::Staged, run.id.as_str().as_bytes())?.is_some() {
            return Ok(RunFound::Staged);
        }
        let is_out = self.spool.look(visible(run), run.name.as_bytes())?.is_some();
        Ok(if is_out { RunFound::Out } else { RunFound::Neither })
    }

    /// Where a run's file stands; nothing, and told, where its folder cannot be worked in. Only what needs the folder waits.
    pub(super) fn find_if_allowed(&mut self, run: &RunRow) -> Result<Option<RunFound>> {
        match self.find(run) {
            Err(error) if is_denied(&error) => {
                let words = rights::told(self.spool, &[visible(run)], &error).unwrap_or_else(|| format!("{error:#}"));
                self.refuse(run, words);
                Ok(None)
            }
            found => {
                let found = found?;
                if found != RunFound::Staged {
                    self.pending.refused.remove(&run.id);
                }
                Ok(Some(found))
            }
        }
    }

    /// What keeps a run's file from where its partner looks for it, or us from seeing whether he took it; told once.
    fn refuse(&mut self, run: &RunRow, words: String) {
        if self.pending.told.insert(run.id) {
            let fields: [(Key, Value<'_>); 4] = [
                (Key::Partner, run.partner.as_str().into()),
                (Key::Feed, run.feed.as_str().into()),
                (Key::Name, run.name.as_str().into()),
                (Key::Reason, words.as_str().into()),
            ];
            self.events.tell(self.now.wall, run.id.as_str(), Event::FolderFailed, &fields);
        }
        self.pending.refused.insert(run.id, (format!("{}/{}", run.partner, run.feed), words));
    }

    /// Makes one run's file visible; false where something is in the way, which is told once.
    fn place(&mut self, run: &RunRow) -> Result<bool> {
        if run.turn != Turn::Own && self.is_behind_another(run)? {
            return Ok(false);
        }
        let (from, to) = ((Place::Staged, run.id.as_str().as_bytes()), (visible(run), run.name.as_bytes()));
        let mut moved = self.spool.rename(from, to);
        if moved.as_ref().is_err_and(|e| e.kind() == ErrorKind::AlreadyExists)
            && self.owner(to.0, to.1, Some(run.id))?.is_none()
        {
            if run.turn == Turn::Replaces && self.is_outdated(to)? {
                moved = self.spool.replace(from, to);
            } else {
                // A file that we do not know stands in the way of one that we promised.
                self.hold(to, &run.partner, to.1)?;
                moved = self.spool.rename(from, to);
            }
        }
        match moved {
            Ok(()) => {
                self.pending.told.remove(&run.id);
                self.pending.refused.remove(&run.id);
                self.tell_run(run, Event::RunReady);
                self.confirm_visible(run)?;
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
        let mut hash = None;
        // The newest first.
        for run in runs {
            let is_his = run.name == name
                && Some(run.id) != staged
                && is_same(visible(&run), place)
                && matches!(known(&run), RunKnown::Ready | RunKnown::Delivering | RunKnown::Sent);
            if is_his && (run.turn == Turn::Own || self.is_of(&run, place, &mut hash)?) {
                return Ok(Some(run));
            }
        }
        Ok(None)
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

    /// What was never committed is told; that another took its place was told then.
    fn remove_staged(&self, id: Id, run: Option<&RunRow>) -> Result<()> {
        // What vouched for it goes first: should a crash come between, the staged file leads here again. Its successor may be called
        // otherwise; where it is not, it vouches for that one.
        if let Some(run) = run
            && self.owner_of_done(visible(run), run.done_name.as_bytes())?.is_none()
        {
            self.remove_done_file(run)?;
        }
        self.spool.remove(Place::Staged, id.as_str().as_bytes())?;
        if run.is_none() {
            self.events.tell(self.now.wall, id.as_str(), Event::RunRemoved, &[]);
        }
        Ok(())
    }

    fn move_to_held(&mut self, run: &RunRow) -> Result<()> {
        let to = Place::HeldOut { partner: &run.partner };
        let name = state_name(run.id, run.name.as_bytes(), Role::Original);
        self.spool.rename((Place::Staged, run.id.as_str().as_bytes()), (to, &name))?;
        self.pending.placed.push(run.no);
        if !run.rehearsed.answers() && run.state == RunState::Sent {
            self.tell_run(run, Event::RunRehearsed);
        }
        Ok(())
    }

    /// Copies of locked runs that were released, discarded or locked anew.
    pub(super) fn clear_held(&mut self) -> Result<()> {
        for (partner, id, name) in held(self.spool)? {
            let Some(run) = self.store.read()?.run_by_id(id)? else { continue };
            // Others were put there for a person under an id of their own.
            let is_copy = state_name(id, run.name.as_bytes(), Role::Original) == name;
            if is_copy && recovery::run(RunFound::Held, known(&run), Leaves::PickUp) == RunAction::Remove {
                let removed = self.spool.remove(Place::HeldOut { partner: &partner }, &name);
                self.go_on(id.as_str(), removed.map_err(anyhow::Error::from))?;
            }
        }
        Ok(())
    }

    /// It stands in out/: what vouches for it is put behind it, and it is placed. Where that is refused, the next look tries again.
    pub(super) fn confirm_visible(&mut self, run: &RunRow) -> Result<()> {
        match self.vouch(run) {
            Ok(()) => {
                self.pending.placed.push(run.no);
                self.pending.told.remove(&run.id);
                Ok(())
            }
            Err(error) if !self.pending.told.insert(run.id) && !is_outage(&error) => Ok(()),
            Err(error) => self.go_on(run.id.as_str(), Err(error)),
        }
    }

    /// Behind its data file; again where a crash came between.
    fn vouch(&self, run: &RunRow) -> Result<()> {
        // At a remote, who brings the file there puts it behind it.
        if run.done_name.is_empty() || self.store.read()?.delivery(run.no)?.is_some() {
            return Ok(());
        }
        Ok(self.spool.write((visible(run), run.done_name.as_bytes()), b"", Existing::Replace, Lasting::Now)?)
    }

    /// The run that an empty file in out/ vouches for.
    pub(super) fn owner_of_done(&self, place: Place<'_>, name: &[u8]) -> Result<Option<RunRow>> {
        let Ok(text) = std::str::from_utf8(name) else { return Ok(None) };
        for (at, _) in text.rmatch_indices('.') {
            let owner = self.owner(place, &name[..at], None)?;
            if let Some(owner) = owner.filter(|run| run.done_name == text) {
                return Ok(Some(owner));
            }
        }
        Ok(None)
    }

    /// It vouched for a run that another took the place of, or that was taken in doubt.
    pub(super) fn has_vouched(&self, place: Place<'_>, name: &[u8]) -> Result<bool> {
        let Ok(text) = std::str::from_utf8(name) else { return Ok(false) };
        for (at, _) in text.rmatch_indices('.') {
            let runs = self.store.read()?.runs_named(&text[..at], NAMESAKES_MAX)?;
            if runs.iter().any(|run| run.done_name == text && is_same(visible(run), place)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A file that cannot be moved does not keep the others back: it is told, and tried again at the next start. That the
    /// spool takes nothing at all is for the loop to wait out.
    pub(super) fn go_on(&self, item: &str, done: Result<()>) -> Result<()> {
        let Err(error) = done else { return Ok(()) };
        if is_outage(&error) {
            return Err(error);
        }
        let fields: [(Key, Value<'_>); 1] = [(Key::Error, format!("{error:#}").into())];
        self.events.tell(self.now.wall, item, Event::FolderFailed, &fields);
        Ok(())
    }

    fn tell_in_the_way(&mut self, run: &RunRow, error: SpoolError) {
        let is_taken = error.kind() == ErrorKind::AlreadyExists;
        let error = anyhow::Error::from(error);
        let words = match rights::told(self.spool, &[visible(run)], &error) {
            Some(words) => words,
            None if is_taken => format!(
                "{error:#}: a file of another run has this name and was not taken yet. Give the feeds names or folders of their own; it goes \
                 out once that file is taken"
            ),
            None => format!("{error:#}"),
        };
        self.refuse(run, words);
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
        let mode = (!run.rehearsed.writes()).then(|| (Key::Mode, run.rehearsed.as_str().into()));
        let unmapped = (run.unmapped > 0).then(|| (Key::Unmapped, run.unmapped.into()));
        let fields: Vec<(Key, Value<'_>)> = fields.into_iter().chain(unmapped).chain(mode).collect();
        self.events.tell(self.now.wall, run.id.as_str(), event, &fields);
    }
}

/// Nothing can be done, whatever file it is about.
fn is_outage(error: &anyhow::Error) -> bool {
    error.downcast_ref::<SpoolError>().is_none_or(SpoolError::is_outage)
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

/// The copies in held/out that begin with an id, by partner.
fn held(spool: &Spool) -> Result<Vec<(String, Id, Vec<u8>)>> {
    let mut files = Vec::new();
    spool
        .walk(State::HeldOut, &mut |found| {
            if let (Place::HeldOut { partner }, Some(id)) = (found.place, found.id) {
                files.push((partner.to_string(), id, found.name.to_vec()));
            }
            ControlFlow::Continue(())
        })
        .context("the held files cannot be listed")?;
    Ok(files)
}

/// Where its partner looks for a run's file.
pub(super) fn visible(run: &RunRow) -> Place<'_> {
    Place::Out { partner: &run.partner, folder: &run.folder }
}

/// The same folder, however its sub-folder is written.
pub(super) fn is_same(one: Place<'_>, other: Place<'_>) -> bool {
    matches!((one.relative(), other.relative()), (Ok(one), Ok(other)) if one == other)
}

/// A run that is empty or failed has no file: whatever is found is not its.
pub(super) fn known(run: &RunRow) -> RunKnown {
    match run.state {
        // What nobody is to see counts as sent and stands in held/out/.
        RunState::Sent if !run.rehearsed.answers() => RunKnown::Locked,
        RunState::Ready => RunKnown::Ready,
        RunState::Delivering | RunState::Renaming => RunKnown::Delivering,
        RunState::Sent => RunKnown::Sent,
        RunState::Locked => RunKnown::Locked,
        RunState::Superseded | RunState::Discarded => RunKnown::Ended,
        RunState::Failed | RunState::Empty => RunKnown::Unknown,
    }
}
