//! A composed run on its way into the ledger, up to the commit: ready under a number, empty, or locked. Where it takes the
//! place of a run that was not taken yet, that one is withdrawn first: a name never stands for two files.

use std::io::ErrorKind;

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};

use super::compare::{Compared, Samples};
use super::compose::Composed;
use super::deliver::announce;
use super::looking::Comparison;
use super::number::Numbers;
use super::paper::Paper;
use super::place::visible;
use super::registry::configured_mark;
use super::selecting::has_more;
use super::stage::{Occasion, Outcome};
use super::taken::settle_sent;
use crate::edges::clock::{iso, read_iso};
use crate::edges::spool::{Lasting, Place, Spool};
use crate::edges::store::ledger::{DeliveryRow, FeedRow, LockRow, NewLock, RunFile, RunReason, RunRow, RunState, Side};
use crate::edges::store::{RowId, RunNo, Tx};
use crate::model::rules::guard::{Exceeded, Tally};
use crate::model::rules::one_name::{self, Turn};
use crate::model::rules::own_number::OwnNumbers;
use crate::model::rules::supersede::{OldRun, Scope, Stands, takes_over};
use crate::model::wording::guard as words;

/// Of the run that gave its place to another.
const SUPERSEDED: &str = "a newer run took its place before it was taken";
pub(super) const REHEARSED: &str = "a rehearsal: it would have gone out";
const LOCK_ENDED: &str = "the guard held it back, and a newer run went out or took its place";

pub(super) struct Made<'a> {
    pub tx: &'a Tx<'a>,
    pub spool: &'a Spool,
    pub occasion: &'a Occasion<'a>,
    pub row: &'a FeedRow,
    pub run: RunNo,
    pub scope: Scope,
    pub with: Option<&'a Comparison>,
    pub lock: Option<LockRow>,
}

/// What is still to be done with the commit, and after it.
pub(super) struct Committing {
    pub outcome: Outcome,
    pub numbers: Option<Numbers>,
    pub withdrawn: Option<Withdrawn>,
    /// Worth a word in the log.
    pub is_noted: bool,
}

/// The run whose place was taken.
pub(super) struct Withdrawn {
    pub run: RunRow,
}

impl Committing {
    fn without_file(outcome: Outcome, is_noted: bool) -> Self {
        Committing { outcome, numbers: None, withdrawn: None, is_noted }
    }
}

impl Made<'_> {
    /// Nothing to say. What rang for it does so no more; that something changed stays noted until a run was delivered, unless
    /// there was nothing in it for this partner.
    pub fn empty(self, compared: &Compared) -> Result<Committing> {
        let Made { tx, occasion, row, run, .. } = self;
        let by_itself = matches!(occasion.ask.reason, RunReason::Change | RunReason::Registration);
        if let Some(Comparison { told, pending, scope: Scope::Full | Scope::Delta, .. }) = self.with {
            match told.last() {
                // All of it is in files that he has still to take.
                Some(last) if !compared.is_news => tx.take_along(*last, pending)?,
                None if compared.told == 0 => tx.done_with(row.no, pending)?,
                _ => {}
            }
        }
        let is_with_him = self.is_with_him(compared)?;
        tx.drop_run_changes(run)?;
        self.end_lock("released")?;
        self.hear()?;
        if by_itself && !is_with_him {
            tx.drop_run(run)?;
        } else {
            tx.complete_run(run, &RunFile { state: RunState::Empty, rows: 0, ..self.file(compared) })?;
            tx.mark_runs_placed([run])?;
        }
        Ok(Committing::without_file(Outcome::Empty { id: occasion.id }, !by_itself))
    }

    /// Who is told only what is gone knows what there is from another feed: it counts as with him although no file says it, or what
    /// comes and goes again would never be told. While he has a file still to take, nobody knows what he holds.
    fn is_with_him(&self, compared: &Compared) -> Result<bool> {
        let Made { tx, row, run, .. } = *self;
        let Some(with) = self.with.filter(|with| matches!(with.scope, Scope::Full | Scope::Delta)) else {
            return Ok(false);
        };
        let is_nothing = compared.told == 0 && row.base.is_some();
        if !self.occasion.feed.tells_only_deletes() || !with.told.is_empty() || is_nothing {
            return Ok(false);
        }
        tx.take_along(run, &with.pending)?;
        tx.move_delivered(row.no, run)?;
        tx.consume(row.no, run)?;
        tx.set_base(row.no, run)?;
        Ok(true)
    }

    /// A person decides. The file stands in held/out, and what it would have told is made anew when he does.
    pub fn locked(self, composed: Composed, over: &[Exceeded]) -> Result<Committing> {
        let Made { tx, occasion, row, run, .. } = self;
        let Composed { paper, own, compared, .. } = composed;
        // A number it has none.
        let paper = paper.packed(self.spool, &occasion.name_facts(self.scope, 0, &own))?;
        let (hash, size, unmapped) = (paper.hash, paper.size, paper.unmapped);
        paper.stage(self.spool, occasion.id, Lasting::Now)?;
        tx.drop_run_changes(run)?;
        let name = held_name(occasion);
        tx.complete_run(
            run,
            &RunFile { state: RunState::Locked, name: &name, hash: &hash, size, unmapped, ..self.file(&compared) },
        )?;
        if let Some(before) = self.lock.as_ref().and_then(|lock| lock.run) {
            tx.set_run_state(before, RunState::Superseded, &occasion.ready_at, LOCK_ENDED)?;
            tx.mark_runs_placed([before])?;
        }
        let mut exceeded = words::exceeded(over);
        if let Some(at) = self.configured_since().map(|at| at.filter(|_| !exceeded.is_empty()))? {
            exceeded = format!("{exceeded}; {}", words::new_configuration(&at));
        }
        tx.lock(&NewLock {
            side: Side::Out,
            partner: &occasion.feed.partner,
            name: &occasion.feed.id,
            run: Some(run),
            file: None,
            at: &occasion.ready_at,
            exceeded: &exceeded,
            tally: Tally { base: row.shown, ..compared.tally },
            samples: &to_json(&compared.samples),
        })?;
        if self.scope == Scope::Full && occasion.feed.delta().is_some() {
            tx.set_full_owed(row.no, true)?;
        }
        self.hear()?;
        let reason = if exceeded.is_empty() { "it would pass now".to_string() } else { exceeded };
        Ok(Committing::without_file(Outcome::Locked { id: occasion.id, reason }, self.lock.is_none()))
    }

    /// When the configuration became another one after the file was made that the partner holds: what differs may be its doing.
    fn configured_since(&self) -> Result<Option<String>> {
        let Made { tx, row, occasion, .. } = self;
        let Some(base) = row.base.map(|base| tx.run_by_no(base)).transpose()?.flatten() else { return Ok(None) };
        let mark = tx.mark(&configured_mark(&occasion.name))?;
        let at = mark.and_then(|ms| DateTime::from_timestamp_millis(ms.cast_signed()));
        let is_later = |at: &DateTime<Utc>| read_iso(&base.ready_at).is_some_and(|made| made < *at);
        Ok(at.filter(is_later).map(|at| at.with_timezone(&occasion.feed.zone).format("%Y-%m-%d %H:%M").to_string()))
    }

    /// The file to staged/ and all rows of the run.
    pub fn ready(self, composed: Composed, previous: Option<RunRow>) -> Result<Committing> {
        let Made { tx, spool, occasion, run, scope, .. } = self;
        let feed = occasion.feed;
        let Composed { paper, requests, own, compared } = composed;
        let (rows, unmapped) = (compared.rows, paper.unmapped);
        let staged = |paper: Paper| -> Result<([u8; 32], u64)> {
            let told = (paper.hash, paper.size);
            paper.stage(spool, occasion.id, Lasting::Now)?;
            Ok(told)
        };
        // Before anything is taken out of its partner's sight, but where the number stands in its archive.
        let (early, late) = if paper.is_to_be_packed() { (None, Some(paper)) } else { (Some(staged(paper)?), None) };
        let turn = one_name::turn(occasion.pattern(scope).is_numbered(), scope, feed.replace);
        let replaced = self.replaced(previous, turn, &own)?;
        let mut numbers = match &replaced {
            Some(_) => None,
            None => Some(Numbers::of_feed(tx, spool, &feed.numbers())?),
        };
        let number = replaced.as_ref().map(|old| old.number).or_else(|| numbers.as_mut().map(Numbers::give));
        let number = number.context("a run without a number")?;
        let late = late.map(|paper| paper.packed(spool, &occasion.name_facts(scope, number, &own)).and_then(staged));
        let (hash, size) =
            early.map_or_else(|| late.transpose(), |early| Ok(Some(early)))?.context("a run without a file")?;
        let (folder, named) = occasion.place_and_name(scope, number, &own);
        let name = match &replaced {
            // Without a number in it, it says what it says of the newer one: its day.
            Some(old) if turn == Turn::Own && (old.scope, old.folder.as_str()) == (scope, folder) => old.name.clone(),
            _ => named,
        };
        let doubt_until = replaced.as_ref().and_then(|old| doubt(old, (folder, &name), &hash, occasion));
        // At a remote it comes behind the file there.
        let is_shown = feed.mode().answers();
        let vouches_here = feed.done_suffix.as_ref().filter(|_| feed.to.is_none() && is_shown);
        let done_name = vouches_here.map(|suffix| format!("{name}{suffix}")).unwrap_or_default();
        tx.complete_run(
            run,
            &RunFile {
                state: RunState::Ready,
                number,
                folder,
                name: &name,
                done_name: &done_name,
                hash: &hash,
                size,
                replaces: replaced.as_ref().map(|old| old.no),
                doubt_until: doubt_until.as_deref(),
                turn,
                unmapped,
                ..self.file(&compared)
            },
        )?;
        if let Some(to) = feed.to.as_ref().filter(|_| is_shown) {
            announce(tx, spool, (run, occasion.id), &name, (to, feed.done_suffix.as_deref()))?;
        }
        if let Some(old) = &replaced {
            self.end(old)?;
        }
        self.take_along(requests)?;
        self.end_lock("released")?;
        let has_more = self.leaves_more()?;
        self.rehearse()?;
        let outcome = Outcome::Ready { id: occasion.id, name, rows, files: 1, has_more };
        Ok(Committing { outcome, numbers, withdrawn: replaced.map(|run| Withdrawn { run }), is_noted: true })
    }

    /// What the run tells is told with it, and with no other.
    fn take_along(&self, requests: Vec<RowId>) -> Result<()> {
        let Made { tx, occasion, row, run, scope, .. } = *self;
        match occasion.ask.instead_of.filter(|_| scope == Scope::New) {
            Some(old) => tx.carry_over(old, run, requests.len() as u64)?,
            None if scope == Scope::New => tx.mark_exported(&occasion.name, run, requests)?,
            None => {}
        }
        if let Some(with) = self.with.filter(|_| scope != Scope::Part) {
            tx.take_along(run, &with.pending)?;
        }
        if scope == Scope::Full && row.full_owed {
            tx.set_full_owed(row.no, false)?;
        }
        Ok(())
    }

    /// Of a partner who is not live. What he is not to see counts as with him at once, so that the next file says what it would say.
    fn rehearse(&self) -> Result<()> {
        let mode = self.occasion.feed.mode();
        if mode.writes() {
            return Ok(());
        }
        self.tx.set_run_rehearsed(self.run, mode)?;
        if mode.answers() {
            return Ok(());
        }
        let run = self.tx.run_by_no(self.run)?.context("a run that is just made is not in the ledger")?;
        settle_sent(self.tx, &run, &self.occasion.ready_at, REHEARSED)?;
        self.tx.mark_runs_placed([self.run])
    }

    /// There are more orders than the file takes: what rang goes on ringing.
    fn leaves_more(&self) -> Result<bool> {
        let Occasion { feed, ask, at, .. } = *self.occasion;
        let has_more = ask.instead_of.is_none() && has_more(self.tx, feed, at)?;
        if !has_more {
            self.hear()?;
        }
        Ok(has_more)
    }

    /// A run was tried: nothing rings, and who needs no list of what changed is done with it.
    fn hear(&self) -> Result<()> {
        if self.scope == Scope::Part {
            return Ok(());
        }
        if self.row.wants.keys { self.tx.quiet(self.row.no) } else { self.tx.forget_changes(self.row.no) }
    }

    /// A person released it.
    fn end_lock(&self, by: &str) -> Result<()> {
        let Some(lock) = self.lock.as_ref().filter(|_| self.occasion.ask.unguarded) else { return Ok(()) };
        let at = &self.occasion.ready_at;
        self.tx.end_lock(lock.no, at, by)?;
        if let Some(run) = lock.run {
            self.tx.set_run_state(run, RunState::Superseded, at, LOCK_ENDED)?;
            self.tx.mark_runs_placed([run])?;
        }
        Ok(())
    }

    /// What is the same however the run ends.
    fn file(&self, compared: &Compared) -> RunFile<'_> {
        let Tally { creates, changes, deletes, .. } = compared.tally;
        RunFile {
            state: RunState::Failed,
            scope: self.scope,
            number: 0,
            folder: &self.occasion.feed.folder,
            name: "",
            done_name: "",
            hash: &[],
            size: 0,
            rows: compared.rows,
            replaces: None,
            doubt_until: None,
            turn: Turn::Own,
            unmapped: 0,
            creates,
            changes,
            deletes,
            took_us: u64::try_from(self.occasion.began.elapsed().as_micros()).unwrap_or(u64::MAX),
        }
    }

    /// The run whose place this one takes, out of sight.
    fn replaced(&self, previous: Option<RunRow>, turn: Turn, own: &OwnNumbers) -> Result<Option<RunRow>> {
        let Some(old) = previous else { return Ok(None) };
        let ask = self.occasion.ask;
        let brought = self.tx.delivery(old.no)?;
        let stands = stands(&old, brought.as_ref(), ask.instead_of == Some(old.no));
        if !takes_over(self.scope, OldRun { scope: old.scope, stands }, self.occasion.feed.replace) {
            return Ok(None);
        }
        let (folder, name) = self.occasion.place_and_name(self.scope, old.number, own);
        if turn == Turn::Replaces && brought.is_none() && (old.folder.as_str(), &old.name) == (folder, &name) {
            return self.left_standing(old);
        }
        self.withdraw(old, brought.is_some())
    }

    /// It is replaced in one step once this is committed (`place`), so that who reads the name at any moment finds a whole file. Nothing
    /// where its partner took it.
    fn left_standing(&self, old: RunRow) -> Result<Option<RunRow>> {
        let is_staged = self.spool.look(Place::Staged, old.id.as_str().as_bytes())?.is_some();
        let stands = is_staged || self.spool.look(visible(&old), old.name.as_bytes())?.is_some();
        Ok(Some(old).filter(|old| stands || old.state == RunState::Superseded))
    }

    /// The run whose place was taken. What was uploaded of it is removed at its remote before the newer one goes there.
    fn end(&self, old: &RunRow) -> Result<()> {
        let Made { tx, occasion, run, .. } = *self;
        tx.set_run_state(old.no, RunState::Superseded, &occasion.ready_at, SUPERSEDED)?;
        tx.mark_runs_placed([old.no])?;
        if tx.delivery(old.no)?.is_some_and(|row| !row.settled) {
            // Who asks for it now wants it tried now.
            if occasion.ask.reason != RunReason::Request {
                tx.inherit_rest(run, old.no)?;
            }
            tx.end_try(old.no, &occasion.ready_at, SUPERSEDED)?;
            tx.close_delivery(old.no)?;
        }
        Ok(())
    }

    /// Back to staged/, out of its partner's sight; nothing where he has it already. One that was taken in doubt is with nobody,
    /// and one that we bring and that is gone from out/ was taken by no partner.
    fn withdraw(&self, old: RunRow, is_brought: bool) -> Result<Option<RunRow>> {
        if old.state == RunState::Superseded {
            return Ok(Some(old));
        }
        let staged = (Place::Staged, old.id.as_str().as_bytes());
        if self.spool.look(staged.0, staged.1)?.is_some() {
            return Ok(Some(old));
        }
        match self.spool.rename((visible(&old), old.name.as_bytes()), staged) {
            Ok(()) => Ok(Some(old)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Some(old).filter(|_| is_brought)),
            // It stays as it is, and the newer one comes behind it.
            Err(error) if error.is_denied() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// `brought`: to a remote, where it goes to one.
fn stands(old: &RunRow, brought: Option<&DeliveryRow>, is_gone: bool) -> Stands {
    match (old.state, brought) {
        _ if is_gone => Stands::Gone,
        (RunState::Superseded, _) => Stands::InDoubt,
        (RunState::Ready, None) => Stands::Waiting,
        (RunState::Ready | RunState::Delivering, Some(row)) if row.unknown_since.is_none() && !row.is_under_way => {
            Stands::Waiting
        }
        _ => Stands::Otherwise,
    }
}

/// Until when the partner may have read the run before under this very name.
fn doubt(old: &RunRow, (folder, name): (&str, &str), hash: &[u8], occasion: &Occasion<'_>) -> Option<String> {
    let same_name = (old.folder.as_str(), old.name.as_str()) == (folder, name);
    // Of what we bring, the remote is asked what stands there.
    if !same_name || old.state == RunState::Superseded || occasion.feed.to.is_some() {
        return None;
    }
    if old.hash == hash {
        return old.doubt_until.clone();
    }
    let reads: TimeDelta = TimeDelta::from_std(occasion.feed.reads_within).unwrap_or(TimeDelta::MAX);
    let until: Option<DateTime<Utc>> = occasion.at.checked_add_signed(reads);
    until.map(iso)
}

/// `stock.csv`; in held/out/ the run's id stands before it.
fn held_name(occasion: &Occasion<'_>) -> String {
    let pattern = occasion.feed.file_name.as_str();
    let ending = pattern.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_plain = !ending.is_empty() && ending.bytes().all(|b| b.is_ascii_alphanumeric());
    let id = occasion.feed.plain_id();
    if is_plain { format!("{id}.{ending}") } else { id.to_string() }
}

fn to_json(samples: &Samples) -> String {
    let Samples { creates, changes, deletes } = samples;
    serde_json::json!({ "create": creates, "change": changes, "delete": deletes }).to_string()
}
