//! The story of a run on its way to a remote: what stood there before, each try, why it waits, when it is tried again.

use super::{Teller, title_of_run};
use crate::edges::store::ledger::{RunRow, RunState, TryRow};
use crate::flows::moments;
use crate::flows::remotes::trouble_told;
use crate::flows::show::{DeliveryShown, RunShown};
use crate::model::diagnostic::shown;
use crate::model::rules::delivering::Before;

/// Of many tries: how it began, and how it goes now.
const FIRST_TOLD: usize = 2;
const LAST_TOLD: usize = 4;

impl Teller<'_> {
    pub(super) fn delivery(&self, of: &RunShown, delivery: &DeliveryShown, daemon_runs: bool) -> Vec<String> {
        let (run, row) = (&of.run, &delivery.row);
        let text = |bytes: &[u8]| shown(&String::from_utf8_lossy(bytes));
        let mut told = Vec::new();
        let done = row.done_name.as_ref().map(|done| format!(", and the done-file {} behind it", text(done)));
        told.push(format!(
            "It goes to {}:{} as {}{}.",
            row.remote,
            text(&row.folder),
            text(&row.name),
            done.unwrap_or_default()
        ));
        match &row.before {
            Before::Unasked => {}
            Before::Nothing => told.push("Nothing of that name stood there before.".to_string()),
            Before::Something(facts) => {
                let size = facts.size.map(|size| format!(" of {}", moments::size(size))).unwrap_or_default();
                told.push(format!("A file{size} stood there under that name before."));
            }
        }
        told.extend(self.tries(&delivery.tries));
        if !row.is_open {
            if !row.settled {
                told.push(format!("What was uploaded of it, {}, is still to be removed there.", text(&row.temp)));
            }
            return told;
        }
        if row.unknown_since.is_some() {
            let since = row.unknown_since.as_deref().map(|at| self.at_stored(at)).unwrap_or_default();
            told.push(format!("A person decides about it since {since}: {}.", row.words.trim_end_matches('.')));
            return told;
        }
        told.extend(self.why_it_waits(run, delivery));
        if !daemon_runs {
            told.push("No daemon runs on this spool; it goes on when one does.".to_string());
        }
        told
    }

    fn tries(&self, tries: &[TryRow]) -> Vec<String> {
        if tries.is_empty() {
            return vec!["Nothing of it was sent yet.".to_string()];
        }
        let left_out = tries.len().saturating_sub(FIRST_TOLD + LAST_TOLD);
        let mut told = Vec::new();
        for (index, one) in tries.iter().enumerate() {
            if index == FIRST_TOLD && left_out > 0 {
                told.push(format!(
                    "{} more between; nattpost show lists them.",
                    moments::count(left_out as u64, "try", "tries")
                ));
            }
            if index < FIRST_TOLD || index >= FIRST_TOLD + left_out {
                told.push(self.one_try(one));
            }
        }
        told
    }

    fn one_try(&self, one: &TryRow) -> String {
        let ended = match (&one.ended, &one.reached[..]) {
            (Some(at), "sent") => format!("it had its name there {}", self.at_stored(at)),
            (Some(at), _) => format!("ended {}", self.at_stored(at)),
            (None, _) => "is under way, or was cut off when the program died".to_string(),
        };
        let words = if one.words.is_empty() { String::new() } else { format!(": {}", one.words.trim_end_matches('.')) };
        let came = reached(&one.reached);
        let came = if came.is_empty() { String::new() } else { format!(" ({came})") };
        format!("Try {} began {}, {ended}{came}{words}.", one.number, self.at_stored(&one.began))
    }

    fn why_it_waits(&self, run: &RunRow, delivery: &DeliveryShown) -> Vec<String> {
        let row = &delivery.row;
        let mut told = Vec::new();
        if let Some(before) = &delivery.behind {
            told.push(format!(
                "It goes after {} ({}), which is older: a later file must not overtake it.",
                title_of_run(before),
                before.name
            ));
        }
        if delivery.paused {
            told.push(format!("{}/{} is paused by a person, so nothing of it goes out.", run.partner, run.feed));
        }
        if delivery.locked && run.state == RunState::Ready {
            told.push(format!("The guard has locked {}/{}, so nothing new of it goes out.", run.partner, run.feed));
        }
        if !row.words.is_empty() {
            let next = row.next_try.as_deref().map(|at| format!("; it is tried again {}", self.at_stored(at)));
            let times = if row.failures > 1 { format!(" {} times in a row", row.failures) } else { String::new() };
            let words = row.words.trim_end_matches('.');
            told.push(format!("It was refused{times}: {words}{}.", next.unwrap_or_default()));
        }
        let trouble = delivery.remote.as_ref().and_then(|state| trouble_told(state, &|at| self.at_stored(at)));
        told.extend(trouble);
        if told.is_empty() {
            told.push("It is brought as soon as its remote has answered.".to_string());
        }
        told
    }
}

/// How far a try came, where its end does not say it.
pub fn reached(word: &str) -> &'static str {
    match word {
        "asked" => "nothing of it stands there under its name",
        "uploaded" => "uploaded whole, its rename had begun",
        "renamed" => "it had its name, its done-file was missing",
        _ => "",
    }
}
