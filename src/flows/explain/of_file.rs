//! The story of one inbound file: when it came, what was decided and why, which rows it became, where it is now.

use anyhow::Result;

use super::{Story, Teller, requests_of, source, title};
use crate::edges::store::ledger::{FileRow, FileState, LockRow};
use crate::flows::files::{Standing, came};
use crate::flows::moments;
use crate::flows::show::{FileShown, MessageShown};
use crate::model::diagnostic::shown;
use crate::model::verdict::Verdict;

/// Messages of a file whose story is told; `show` lists more.
const MESSAGES_TOLD: usize = 5;

impl Teller<'_> {
    pub(super) fn file(&self, shown: &FileShown, daemon_runs: bool) -> Result<Story> {
        let file = &shown.file;
        let mut sentences = vec![format!(
            "{} came {} from {} ({}) and got the id {}.",
            file.name,
            self.at_stored(&came(file)),
            source(file),
            moments::size(file.size),
            file.id
        )];
        if let Some(of) = file.returns_of {
            sentences.push(format!(
                "It is the file {of} come back: corrected, or moved into the intake again. That one was first seen {}.",
                self.at_stored(&file.first_seen)
            ));
        }
        sentences.extend(self.verdict(shown, daemon_runs));
        sentences.extend(shown.messages.iter().take(MESSAGES_TOLD).filter_map(|m| self.message(m)));
        let untold = shown.more + shown.messages.len().saturating_sub(MESSAGES_TOLD) as u64;
        if untold > 0 {
            sentences.push(format!(
                "And {} more; nattpost show {} lists them.",
                moments::count(untold, "message", "messages"),
                file.id
            ));
        }
        sentences.extend(rows(file));
        // Only requests go out row by row; a stock file's rows are in every run.
        let runs = self.sight.snapshot.runs_with_requests_of(&file.kind, file.no)?;
        sentences.extend(
            runs.iter().map(|run| format!("{} of it went out in {}.", requests_of(&file.kind), self.run_told(run))),
        );
        sentences.extend(shown.receipts.iter().map(|run| format!("Its receipt is {}.", self.run_told(run))));
        for command in &shown.commands {
            let outcome = if command.outcome.is_empty() { "not carried out yet" } else { &command.outcome };
            let comment =
                if command.comment.is_empty() { String::new() } else { format!(" (\"{}\")", command.comment) };
            sentences.push(format!(
                "{} gave {} {}{comment}: {outcome}.",
                command.who,
                command.verb,
                self.at_stored(&command.at)
            ));
        }
        sentences.extend(self.standing(&shown.standing));
        sentences.extend(self.there(&shown.there, &file.origin));
        for back in &shown.came_back_as {
            sentences.push(format!("It came back {} as {} (id {}).", self.at_stored(&came(back)), back.name, back.id));
        }
        for other in shown.same_name.iter().filter(|other| Some(other.id) != file.returns_of) {
            sentences.push(format!(
                "A file of this name also came {} from {}: {} (id {}).",
                self.at_stored(&came(other)),
                source(other),
                verdict_word(other),
                other.id
            ));
        }
        Ok(Story { title: format!("{} (file {})", file.name, file.id), sentences, next: shown.next.clone() })
    }

    fn verdict(&self, shown: &FileShown, daemon_runs: bool) -> Vec<String> {
        let file = &shown.file;
        let goes_on = if daemon_runs { "" } else { " No daemon runs on this spool; it goes on when one does." };
        match (file.state, file.verdict) {
            (FileState::Vanished, _) => return vec!["It was gone again before it could be claimed.".to_string()],
            (FileState::Seen, _) | (FileState::Judged, None) => {
                let attempts = match file.attempts {
                    0 | 1 => String::new(),
                    many => format!(" This is attempt {many}: reading it ended with the death of the program before."),
                };
                return vec![format!("It is seen and not judged yet.{attempts}{goes_on}")];
            }
            (FileState::Judged, Some(_)) => {}
        }
        let when = file.decided_at.as_deref().map(|at| self.at_stored(at)).unwrap_or_default();
        let mut told = vec![self.judged(file, &when)];
        if !file.rehearsed.writes() {
            told.insert(0, format!(
                "It was taken in mode {}: nothing of it was applied, and nothing of it waits. What would have happened:",
                file.rehearsed.as_str()
            ));
        }
        if let Some(before) = &shown.repeats {
            told.push(format!(
                "Its content is that of {} (id {}), which came {}.",
                before.name,
                before.id,
                self.at_stored(&came(before))
            ));
        }
        told.extend(reasons(shown));
        told.extend(shown.lock.as_ref().map(|lock| self.lock(lock)));
        if !file.comment.is_empty() {
            told.push(format!("Comment: {}.", file.comment));
        }
        told
    }

    fn lock(&self, lock: &LockRow) -> String {
        let since = self.at_stored(&lock.locked_at);
        match &lock.ended_at {
            None => format!("The guard holds it since {since}, until a person decides: {}.", lock.exceeded),
            Some(at) => format!(
                "The guard held it from {since}, since {}; it was {} {}.",
                lock.exceeded,
                lock.ended_by,
                self.at_stored(at)
            ),
        }
    }

    fn judged(&self, file: &FileRow, when: &str) -> String {
        let by = if file.layout.is_empty() { String::new() } else { format!(" read with layout {} and", file.layout) };
        match file.verdict {
            Some(Verdict::Unchanged) if file.counts.total() == 0 || file.counts.unchanged == file.counts.total() => {
                format!(
                    "It was judged {when}: unchanged. It says what is known already and nothing else has written those rows since, so nothing was written; it counts as arrived."
                )
            }
            Some(Verdict::Refused) if file.counts.accepted == 0 && !file.code.is_empty() => {
                format!("It was{by} judged {when}: refused as a whole for {}; nothing of it was applied.", file.code)
            }
            _ => format!(
                "It was{by} judged {when}: of {} {}.",
                moments::count(file.counts.total(), "message", "messages"),
                counts(file)
            ),
        }
    }

    pub(super) fn message(&self, shown: &MessageShown) -> Option<String> {
        let message = &shown.message;
        let what = format!("{} {} (line {})", title(&message.kind), message.key, message.line);
        let reason = message.problems.first().map(|p| p.text.as_str()).unwrap_or_default();
        let told = match (message.verdict, &message.waits) {
            (Verdict::Held, Some(waits)) if !waits.kind.is_empty() => {
                let until = match &waits.until {
                    Some(until) => format!(" until {}; then it is refused", self.at_stored(until)),
                    None => String::new(),
                };
                format!("{what} waits for {} {}{until}.", waits.kind, waits.key)
            }
            (Verdict::Held, _) if !shown.differences.is_empty() => {
                let fields: Vec<String> =
                    shown.differences.iter().map(|d| format!("{}: {} → {}", d.path, d.old, d.new)).collect();
                format!("{what} is held, since we have it with other content: {}.", fields.join("; "))
            }
            (Verdict::Held, _) => format!("{what} is held ({}): {reason}", message.code),
            (Verdict::Refused, _) if message.code == "ignored" => {
                let why =
                    if message.comment.is_empty() { String::new() } else { format!(" (\"{}\")", message.comment) };
                format!("{what} was closed by a person without being applied{why}.")
            }
            (Verdict::Refused, _) => format!("{what} was refused ({}): {reason}", message.code),
            (Verdict::Duplicate, _) => format!("{what} was had before with the same content."),
            (Verdict::Stale, _) => format!("{what} was not written: what is known is newer."),
            (Verdict::Accepted, Some(waits)) => {
                let awaited = if waits.kind.is_empty() {
                    "a person".to_string()
                } else {
                    format!("{} {}", waits.kind, waits.key)
                };
                format!("{what} waited for {awaited} and was applied {}.", self.at_stored(&message.decided_at))
            }
            (Verdict::Accepted, _) => format!("{what} was applied {}.", self.at_stored(&message.decided_at)),
            (Verdict::Unchanged, _) => return None,
        };
        Some(told)
    }

    fn standing(&self, standing: &Standing) -> Vec<String> {
        match standing {
            Standing::At(path) => vec![format!("It is now {}.", path.display())],
            Standing::InArchive(path, name) => {
                vec![format!("It is now in the archive {}, as {}.", path.display(), shown(name))]
            }
            Standing::Missing(path) => vec![format!(
                "It should be {} and is not there: somebody moved or removed it. What was applied stays applied.",
                path.display()
            )],
            Standing::NoLongerKept => vec!["Its original is no longer kept; its days are over.".to_string()],
            Standing::CameBack => {
                vec!["Its original was moved back by hand: it is that of the file it came back as.".to_string()]
            }
            Standing::Vanished => Vec::new(),
        }
    }
}

/// Each code with how often it was, and what the first of them says; those of messages that are told anyway only by their count.
fn reasons(shown: &FileShown) -> Option<String> {
    if shown.reasons.is_empty() {
        return None;
    }
    let told_anyway = |text: &str| {
        let problems = shown.messages.iter().take(MESSAGES_TOLD).flat_map(|shown| &shown.message.problems);
        problems.filter(|problem| !problem.text.is_empty()).any(|problem| text.contains(&problem.text))
    };
    let one = |(code, count): &(String, u64)| {
        let first = shown.told.iter().find(|(_, of)| of == code).map(|(text, _)| text.trim_end_matches('.'));
        match first.filter(|text| !told_anyway(text)) {
            Some(text) => format!("{count} x {code} ({text})"),
            None => format!("{count} x {code}"),
        }
    };
    let list: Vec<String> = shown.reasons.iter().map(one).collect();
    Some(format!("Reasons: {}.", list.join(", ")))
}

fn verdict_word(file: &FileRow) -> &'static str {
    file.verdict.map_or(file.state.as_str(), Verdict::as_str)
}

fn counts(file: &FileRow) -> String {
    let parts: Vec<String> = Verdict::ALL
        .into_iter()
        .filter(|v| file.counts.get(*v) > 0)
        .map(|v| format!("{} {}", file.counts.get(v), v.as_str()))
        .collect();
    if parts.is_empty() { "none".to_string() } else { parts.join(", ") }
}

fn rows(file: &FileRow) -> Option<String> {
    if file.rows_written == 0 {
        return None;
    }
    let written = moments::count(file.rows_written, "row", "rows");
    Some(match file.rows_taken {
        0 => format!("It wrote {written}, and nothing else has written them since."),
        taken => format!("It wrote {written}; {taken} of them have been written by later files since."),
    })
}
