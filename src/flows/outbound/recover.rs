//! What a start finds of the way out, and ends: files in staged/ and out/ against the runs of the ledger, row by row of the
//! recovery table. Can be done any number of times; a crash in it costs nothing.

use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::{Context, Result};

use super::place::{known, visible};
use super::{Dispatch, answering, receipt};
use crate::edges::clock::{iso, read_iso};
use crate::edges::events::{Event, Key};
use crate::edges::spool::{Lasting, Place, Role, State, state_name};
use crate::edges::store::FileNo;
use crate::edges::store::ledger::{RunReason, RunRow, RunState};
use crate::model::intake::Intake;
use crate::model::rules::recovery::{self, Leaves, RunAction, RunFound, RunKnown};

/// A file in out/ by partner, sub-folder and name.
type Visible = (String, String, Vec<u8>);

impl Dispatch<'_> {
    /// At a start, before anything else is sent. `intakes`: for receipts that are to be made again.
    pub fn recover(&mut self, intakes: &[Arc<Intake>]) -> Result<()> {
        self.after_outage()?;
        let mut taken = Vec::new();
        let open = self.store.read()?.open_runs()?;
        for run in open {
            let Some(found) = self.find_if_allowed(&run)? else { continue };
            if self.is_brought(&run)? {
                if found == RunFound::Out && !run.placed {
                    self.pending.placed.push(run.no);
                }
                continue;
            }
            match recovery::run(found, known(&run), self.leaves(&run)) {
                // Whether it was ever visible is not certain, and a receipt does no harm when it comes twice.
                RunAction::MarkSent if run.reason == RunReason::Receipt && !run.placed => {
                    self.make_receipt_again(&run, intakes)?;
                }
                RunAction::MarkSent | RunAction::ComposeAgain => taken.push(run),
                RunAction::Nothing if found == RunFound::Out && !run.placed => self.confirm_visible(&run)?,
                _ => {}
            }
        }
        self.mark_sent(&taken)
    }

    /// The folders follow what was committed and could not be carried out. What partners took is asked at the next look.
    pub fn after_outage(&mut self) -> Result<()> {
        self.place_ready()?;
        for (partner, folder, name) in self.visible_files()? {
            let judged = self.judge_visible(Place::Out { partner: &partner, folder: &folder }, &name, &partner);
            self.go_on("", judged)?;
        }
        self.clear_held()
    }

    /// Collected before anything moves: a folder is not changed while it is listed.
    fn visible_files(&self) -> Result<Vec<Visible>> {
        let mut files = Vec::new();
        self.spool
            .walk(State::Out, &mut |found| {
                if let Place::Out { partner, folder } = found.place {
                    files.push((partner.to_string(), folder.to_string(), found.name.to_vec()));
                }
                ControlFlow::Continue(())
            })
            .context("the files in out/ cannot be listed")?;
        Ok(files)
    }

    fn judge_visible(&mut self, place: Place<'_>, name: &[u8], partner: &str) -> Result<()> {
        let run = self.owner(place, name, None)?;
        if run.is_none() {
            match self.owner_of_done(place, name)? {
                // It vouches for a file that stands there.
                Some(owner) if owner.state != RunState::Sent => return Ok(()),
                None if !self.has_vouched(place, name)? => {}
                // For one that was taken, or whose place another took.
                _ => return Ok(self.spool.remove(place, name)?),
            }
            // It stands until the newer one takes its place.
            if self.is_outdated((place, name))? {
                return Ok(());
            }
        }
        let known = run.as_ref().map_or(RunKnown::Unknown, known);
        match (recovery::run(RunFound::Out, known, Leaves::PickUp), run) {
            (RunAction::HoldWithNotice, _) => self.hold((place, name), partner, name),
            (RunAction::MoveToSent, Some(run)) => self.move_to_sent((place, name), &run),
            _ => Ok(()),
        }
    }

    fn move_to_sent(&mut self, from: (Place<'_>, &[u8]), run: &RunRow) -> Result<()> {
        let day = run.day.parse().with_context(|| format!("the day of run {} is none: {}", run.id, run.day))?;
        let to = Place::Sent { partner: &run.partner, day };
        Ok(self.spool.rename(from, (to, &state_name(run.id, run.name.as_bytes(), Role::Original)))?)
    }

    /// What was brought to its remote leaves out/.
    pub(super) fn move_out_to_sent(&mut self, run: &RunRow) -> Result<()> {
        self.move_to_sent((visible(run), run.name.as_bytes()), run)?;
        self.pending.placed.push(run.no);
        Ok(())
    }

    /// From the ledger, byte for byte, or not at all.
    pub(super) fn make_receipt_again(&mut self, run: &RunRow, intakes: &[Arc<Intake>]) -> Result<()> {
        let intake = intakes.iter().find(|i| i.sender.partner == run.partner && i.id == run.feed);
        if let (Some(intake), Some(file), true) = (intake, run.file, run.kind == answering::ANSWER) {
            return self.answer_again(run, intake, file);
        }
        let layout = intake.and_then(|i| Some((i, i.receipt.as_ref().filter(|layout| layout.id == run.layout)?)));
        let paper = match (layout, run.file) {
            (Some((intake, layout)), Some(file)) => {
                receipt::compose(&self.store.read()?, self.spool, layout, intake.sender.zone, file)?
            }
            _ => None,
        };
        match paper.filter(|paper| paper.hash[..] == run.hash[..]) {
            Some(paper) => {
                paper.stage(self.spool, run.id, Lasting::Now)?;
                self.place_ready().map(|_| ())
            }
            None => self.give_up_receipt(run),
        }
    }

    /// Under the same name and number, from what was asked and is stored now: the partner has not seen the one that is gone.
    fn answer_again(&mut self, run: &RunRow, intake: &Intake, file: FileNo) -> Result<()> {
        let Some(answering) = &intake.answering else { return self.give_up_receipt(run) };
        let tx = self.store.begin()?;
        let asked = tx.questions_of(file)?;
        let paper = answering::compose(&tx, self.spool, (intake, answering), (file, &asked), &mut Default::default())?;
        let made_at = read_iso(&run.ready_at).unwrap_or_default();
        let (paper, _) = answering::named(self.spool, &answering.feed, paper, &asked, (run.number, made_at))?;
        tx.set_run_content(run.no, &paper.hash, paper.size)?;
        // Should a crash come between, it is made once more.
        tx.commit()?;
        paper.stage(self.spool, run.id, Lasting::Now)?;
        self.place_ready().map(|_| ())
    }

    fn give_up_receipt(&mut self, run: &RunRow) -> Result<()> {
        let reason =
            "its file is gone and cannot be made again as it was: its layout or the verdicts have changed since";
        let tx = self.store.begin()?;
        tx.set_run_state(run.no, RunState::Failed, &iso(self.now.wall), reason)?;
        tx.mark_runs_placed([run.no])?;
        tx.close_delivery(run.no)?;
        tx.commit()?;
        let fields = [(Key::Partner, run.partner.as_str().into()), (Key::Reason, reason.into())];
        self.events.tell(self.now.wall, run.id.as_str(), Event::RunFailed, &fields);
        Ok(())
    }
}
