//! The story of one run of a feed, or of a receipt: why it was made, what it holds, what became of its file.

use anyhow::Result;

use super::{Around, Story, Teller, source, title_of_run};
use crate::edges::store::ledger::{RunReason, RunRow, RunState};
use crate::flows::files::Standing;
use crate::flows::moments;
use crate::flows::show::{RunShown, run_shown};
use crate::model::mode::Mode;

impl Teller<'_> {
    /// By a number alone: the newest of each feed that was given it.
    pub(super) fn runs_numbered(&self, around: &Around<'_>, item: &str) -> Result<Vec<Story>> {
        const FEEDS_TOLD: u32 = 5;
        let Some(number) = item.trim_start_matches('#').parse().ok().filter(|number| *number > 0) else {
            return Ok(Vec::new());
        };
        let runs = self.sight.snapshot.runs_of_number(number, FEEDS_TOLD)?;
        runs.into_iter()
            .map(|run| Ok(self.run(&run_shown(self.sight, around.configured(), run)?, around.daemon_runs)))
            .collect()
    }

    pub(super) fn run(&self, shown: &RunShown, daemon_runs: bool) -> Story {
        let run = &shown.run;
        let why = match run.reason {
            RunReason::Due => match &run.due_at {
                Some(due) => format!("was due {}", self.at_stored(due)),
                None => "was due".to_string(),
            },
            RunReason::Change => "was made since rows changed".to_string(),
            RunReason::Registration => "was made since an order was applied".to_string(),
            RunReason::Request => "was asked for by a person".to_string(),
            RunReason::Receipt => "answers an inbound file".to_string(),
        };
        let mut sentences = vec![format!(
            "{} {why} and was ready {} with {} in layout {}.",
            title_of_run(run),
            self.at_stored(&run.ready_at),
            moments::count(run.rows, "row", "rows"),
            run.layout
        )];
        if run.unmapped > 0 {
            sentences.push(format!("Of its values {}.", moments::unmapped(run.unmapped)));
        }
        if let Some(file) = &shown.answers {
            sentences.push(format!("The file is {} (id {}) from {}.", file.name, file.id, source(file)));
        }
        if run.rehearsed == Mode::Test {
            sentences.push(
                "Its partner was in mode test: it went out as a test, and moved nothing of what the live feed knows."
                    .to_string(),
            );
        }
        sentences.push(self.run_state(run));
        sentences.extend(shown.lock.as_ref().map(|lock| format!("Why: {}", lock.told())));
        if let Some(by) = &shown.replaced_by {
            sentences.push(format!("It was replaced by {} (run {}).", self.run_told(by), by.id));
        }
        sentences.extend(shown.delivery.iter().flat_map(|delivery| self.delivery(shown, delivery, daemon_runs)));
        match &shown.standing {
            Standing::At(path) => sentences.push(format!("Its file is now {}.", path.display())),
            _ if run.state == RunState::Empty => {}
            _ => sentences.push("Its file is no longer in the spool.".to_string()),
        }
        if !run.comment.is_empty() {
            sentences.push(format!("Comment: {}.", run.comment));
        }
        Story { title: title_of_run(run), sentences, next: shown.next.clone() }
    }

    fn run_state(&self, run: &RunRow) -> String {
        match run.state {
            RunState::Ready => format!("{} stands ready to be picked up or delivered.", run.name),
            RunState::Delivering | RunState::Renaming => format!("{} is on its way.", run.name),
            RunState::Sent if !run.rehearsed.answers() => "It would have gone out: its partner was in mode shadow, so nobody saw it. Its file stands in held/out/ for as long as sent ones are kept."
                .to_string(),
            RunState::Sent => match &run.sent_at {
                Some(at) => format!("{} was taken or delivered {}.", run.name, self.at_stored(at)),
                None => format!("{} was taken or delivered.", run.name),
            },
            RunState::Failed => "It failed.".to_string(),
            RunState::Empty => "There was nothing to say, so no file was made.".to_string(),
            RunState::Locked => "The guard holds it back until a person decides.".to_string(),
            RunState::Discarded if run.number > 0 => "A person dropped it before it was brought; its number is left out.".to_string(),
            RunState::Discarded => "A person dropped it; it never went out.".to_string(),
            RunState::Superseded => "A newer run took its place before it was taken.".to_string(),
        }
    }
}
