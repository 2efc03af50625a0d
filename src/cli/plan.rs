//! `plan`: what a file would change, for people and as objects. The taking in is the daemon's, in a copy; the comparing is the flow's.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use anyhow::Result as Any;
use serde_json::{Value, json};

use super::args::Plan;
use super::ends::{End, Failure, Outcome};
use super::files_page::{file_object, outcome};
use super::page::{Page, safe};
use super::planned_intake::{self, By};
use super::planned_rows::{Lines, row_object};
use super::progress::Percent;
use super::show_page::{self, plain_message_object, run_object};
use crate::config::Config;
use crate::daemon::planning::{self, Asked, NoRoom, Planned, Stopped};
use crate::edges::spool::Place;
use crate::edges::store::FileNo;
use crate::edges::store::ledger::{FileRow, LockRow, MessageRow, RunRow};
use crate::flows::files::came;
use crate::flows::moments;
use crate::flows::plan::{Change, Moments, written};
use crate::flows::show::MessageShown;
use crate::model::intake::Intake;
use crate::model::kind::shipped_kinds;
use crate::model::reason;
use crate::model::verdict::{Home, Verdict};

/// Rows of each kind and change that are shown, and messages; of the others the count stands.
const SHOWN: u64 = 20;
const MESSAGES_TOGETHER: u32 = 1_000;
/// Of a receipt.
const RECEIPT_LINES: usize = 20;
const RECEIPT_BYTES: u64 = 64 << 10;

pub fn plan(page: &mut Page<'_>, config: &Config, asked: &Plan) -> Outcome {
    page.zone = config.zone;
    let is_file = std::fs::metadata(&asked.file)
        .map_err(|error| {
            let shown = safe(&asked.file.to_string_lossy());
            Failure::from(anyhow::Error::new(error).context(format!("cannot look at {shown}")))
        })?
        .is_file();
    if !is_file {
        return Err(Failure::new(End::Usage, "not-a-file", "is no file")
            .at(safe(&asked.file.to_string_lossy()))
            .expected("the file that is to be taken in"));
    }
    if !config.store.exists() && config.spool.is_dir() {
        // A database that was lost is told as such; where there was none yet, the file would be the first.
        let spool = super::setting::spool(config)?;
        if let Some(missing) = crate::flows::lineage::is_missing(&config.store, &spool)? {
            return Err(Failure::from(anyhow::Error::new(missing)).ending(End::Unavailable, "database-missing"));
        }
    }
    let (intake, by) = planned_intake::intake(config, asked)?;
    let asking = Asked { config, intake: &intake, file: &asked.file, scratch: asked.scratch.as_deref() };
    let mut percent = Percent::new("copying the database".to_string());
    let mut told = Telling { page, asked, intake: &intake, by, refuses: false };
    planning::plan(&asking, &mut |done, all| percent.at(done, all), |planned| told.all(planned)).map_err(ended)?;
    Ok(if told.refuses { End::Refused } else { End::Well })
}

fn ended(failed: Failed) -> Failure {
    let Failed(error) = failed;
    match (error.is::<NoRoom>(), error.is::<Stopped>()) {
        (true, _) => Failure::from(error).ending(End::Unavailable, "no-room"),
        (_, true) => Failure::from(error).ending(End::Unavailable, "stopped"),
        _ => Failure::from(error),
    }
}

/// Kept as it is until its end is known.
struct Failed(anyhow::Error);

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        Failed(error)
    }
}

struct Telling<'t, 'p> {
    page: &'t mut Page<'p>,
    asked: &'t Plan,
    intake: &'t Arc<Intake>,
    by: By,
    /// Something would be refused or locked.
    refuses: bool,
}

/// How many rows of each kind there were of each change.
type Tally = BTreeMap<(String, Change), u64>;

impl Telling<'_, '_> {
    fn all(&mut self, planned: &Planned<'_>) -> Result<(), Failed> {
        self.try_all(planned).map_err(Failed)
    }

    fn try_all(&mut self, planned: &Planned<'_>) -> Any<()> {
        let Some(file) = planned.file else { return self.nothing_to_read() };
        let row = planned.after.file(file)?.ok_or_else(|| anyhow::anyhow!("the file that was taken in is gone"))?;
        self.refuses = row.counts.refused > 0 || row.verdict == Some(Verdict::Refused) || planned.lock.is_some();
        if !self.page.json {
            self.headline(planned, &row)?;
        }
        let moments = Moments { before: planned.before, after: planned.after };
        let at = row.decided_at.clone().unwrap_or_default();
        let brought = moments.brought_on(file, &at)?;
        let tally = self.rows(planned, moments, file, &brought)?;
        self.messages(planned, file)?;
        self.brought_on(planned, &brought)?;
        let receipts = planned.after.runs_of_file(file)?;
        receipts.iter().try_for_each(|receipt| self.receipt(planned, receipt))?;
        if self.page.json {
            let object = self.object(planned, &row, &tally)?;
            return Ok(self.page.object(&object)?);
        }
        self.totals(planned, &tally)
    }

    fn nothing_to_read(&mut self) -> Any<()> {
        let words = "it is a reason file of ours: it would be removed, and is never read";
        match self.page.json {
            true => self.page.object(&json!({ "intake": self.intake.source(), "file": null, "words": words }))?,
            false => self.page.line(format!("For {}: {words}.", self.intake.source()))?,
        }
        Ok(())
    }

    fn headline(&mut self, planned: &Planned<'_>, row: &FileRow) -> Any<()> {
        let page = &mut *self.page;
        page.line(format!(
            "{}, as if it came to {} now ({}): {}",
            safe(&row.name),
            self.intake.source(),
            self.by.as_str(),
            outcome(row)
        ))?;
        if !row.layout.is_empty() {
            page.line(format!("  read as {} with layout {}", row.kind, row.layout))?;
        }
        if !self.intake.sender.mode.writes() {
            page.line(format!(
                "  {} is in mode {}: nothing of it would be applied; this is what it would do if he were live",
                self.intake.sender.partner,
                self.intake.sender.mode.as_str()
            ))?;
        }
        if let Some(before) = planned.after.same_content_before(row)? {
            page.line(format!(
                "  same content as {} ({}), which came {}: {}",
                safe(&before.name),
                before.id,
                page.when_stored(Some(&came(&before))),
                outcome(&before)
            ))?;
        }
        if let Some(lock) = &planned.lock {
            page.line(format!("  the guard would lock it: {}", safe(&lock.told())))?;
            page.line(format!(
                "  nothing of it is applied until nattpost release {}; what follows comes with that",
                self.intake.source()
            ))?;
        }
        Ok(())
    }

    fn rows(
        &mut self,
        planned: &Planned<'_>,
        moments: Moments<'_>,
        file: FileNo,
        brought: &[MessageRow],
    ) -> Any<Tally> {
        let mut own: Vec<_> = self.intake.layouts.iter().map(|layout| Arc::clone(&layout.kind)).collect();
        own.dedup_by(|a, b| a.name == b.name);
        let mut tally = Tally::new();
        let mut lines = Lines::new();
        for (kind, of) in written(shipped_kinds(), file, &own, brought) {
            moments.rows(&kind, of, &mut |pair| {
                planned.go_on()?;
                if of != file && pair.change == Change::Unchanged {
                    return Ok(());
                }
                let count = tally.entry((pair.kind.to_string(), pair.change)).or_default();
                *count += 1;
                if pair.change == Change::Unchanged {
                    return Ok(());
                }
                match self.page.json {
                    true => self.page.object(&row_object(&pair))?,
                    false if self.asked.all || *count <= SHOWN => lines.add(self.page, &pair)?,
                    false => {}
                }
                Ok(())
            })?;
        }
        lines.end(self.page)?;
        let all = self.page.json || self.asked.all;
        let cut = tally.iter().filter(|((_, change), count)| *change != Change::Unchanged && **count > SHOWN);
        for ((kind, change), count) in cut.filter(|_| !all) {
            let several =
                if tally.keys().any(|(other, _)| other != kind) { format!(" of {kind}") } else { String::new() };
            self.page.line(format!("… and {} more {}{several}; --all shows them", count - SHOWN, change.as_str()))?;
        }
        Ok(tally)
    }

    /// Those that were not simply taken.
    fn messages(&mut self, planned: &Planned<'_>, file: FileNo) -> Any<()> {
        let (mut from, mut told, mut more) = (0, 0, 0_u64);
        loop {
            let page = planned.after.messages_of(file, from, MESSAGES_TOGETHER)?;
            let Some(last) = page.last() else { break };
            from = last.number + 1;
            planned.go_on()?;
            for message in page {
                told += 1;
                match self.page.json {
                    true => self.page.object(&json!({ "message": plain_message_object(&message) }))?,
                    false if self.asked.all || told <= SHOWN => {
                        if told == 1 {
                            self.page.gap()?;
                        }
                        show_page::message(self.page, &MessageShown { message, differences: Vec::new() })?;
                    }
                    false => more += 1,
                }
            }
        }
        if more > 0 {
            let count = moments::count(more, "message", "messages");
            self.page.line(format!("  … and {count} more; --all shows them"))?;
        }
        // A file that is refused as a whole has no message of its own to tell of.
        if told == 0
            && !self.page.json
            && let Some(reason) = planned.after.reason_text(file)?
        {
            self.page.gap()?;
            for (text, code) in reason::told(&reason) {
                self.page.line(safe(&format!("  {text} [{code}]")))?;
            }
        }
        Ok(())
    }

    /// What waited for this file.
    fn brought_on(&mut self, planned: &Planned<'_>, brought: &[MessageRow]) -> Any<()> {
        for (nth, message) in brought.iter().enumerate() {
            let name = planned.after.file(message.file)?.map(|file| file.name).unwrap_or_default();
            if self.page.json {
                let mut object = plain_message_object(message);
                object["file_name"] = name.into();
                self.page.object(&json!({ "brought_on": object }))?;
                continue;
            }
            if nth == 0 {
                self.page.gap()?;
                self.page.line("Brought on by it, what waited:")?;
            }
            if self.asked.all || (nth as u64) < SHOWN {
                let told = format!("  {} {} of {name}: {}", message.kind, message.key, message.verdict);
                self.page.line(safe(&told))?;
            } else if nth as u64 == SHOWN {
                self.page.line(format!("  … and {} more; --all shows them", brought.len() - nth))?;
            }
        }
        Ok(())
    }

    fn receipt(&mut self, planned: &Planned<'_>, receipt: &RunRow) -> Any<()> {
        let text = match planned.spool.look(Place::Staged, receipt.id.as_str().as_bytes())? {
            Some(_) => {
                let mut bytes = Vec::new();
                let file = planned.spool.read(Place::Staged, receipt.id.as_str().as_bytes())?;
                file.take(RECEIPT_BYTES).read_to_end(&mut bytes)?;
                String::from_utf8_lossy(&bytes).into_owned()
            }
            None => String::new(),
        };
        if self.page.json {
            let mut object = run_object(receipt);
            object["text"] = text.into();
            return Ok(self.page.object(&json!({ "receipt": object }))?);
        }
        self.page.gap()?;
        let size = moments::size(receipt.size);
        self.page.line(safe(&format!("A receipt would be written: {} ({size})", receipt.name)))?;
        let mut lines = text.lines();
        for line in lines.by_ref().take(RECEIPT_LINES) {
            self.page.line(safe(&format!("    {line}")))?;
        }
        if lines.next().is_some() {
            self.page.line("    …")?;
        }
        Ok(())
    }

    fn totals(&mut self, planned: &Planned<'_>, tally: &Tally) -> Any<()> {
        self.page.gap()?;
        let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for ((kind, change), count) in tally {
            kinds.entry(kind).or_default().push(format!("{count} {}", change.as_str()));
        }
        if kinds.is_empty() {
            self.page.line("No row would be another one.")?;
        }
        for (kind, counts) in kinds {
            self.page.line(format!("Rows of {kind}: {}.", counts.join(", ")))?;
        }
        if planned.copied_bytes > 0 {
            self.page.line(format!(
                "Tried in a copy of the database ({} in {}.{} s), which is removed.",
                moments::size(planned.copied_bytes),
                planned.copied_in.as_secs(),
                planned.copied_in.subsec_millis() / 100
            ))?;
        }
        Ok(())
    }

    fn object(&self, planned: &Planned<'_>, row: &FileRow, tally: &Tally) -> Any<Value> {
        let mut rows: BTreeMap<&str, serde_json::Map<String, Value>> = BTreeMap::new();
        for ((kind, change), count) in tally {
            let counts = rows
                .entry(kind)
                .or_insert_with(|| Change::ALL.iter().map(|change| (change.as_str().to_string(), 0.into())).collect());
            counts.insert(change.as_str().to_string(), (*count).into());
        }
        let reason = planned.after.reason_text(row.no)?.unwrap_or_default();
        let problems: Vec<Value> =
            reason::told(&reason).into_iter().map(|(text, code)| json!({ "text": text, "code": code })).collect();
        let mut file = file_object(row);
        // It has none outside the copy.
        file["id"] = Value::Null;
        Ok(json!({
            "intake": self.intake.source(),
            "mode": self.intake.sender.mode.as_str(),
            "file": file,
            "rows": rows,
            "lock": planned.lock.as_ref().map(lock_object),
            "same_content_as": planned.after.same_content_before(row)?.map(|before| before.id.to_string()),
            "problems": problems,
            "has_reject": row.counts.refused > 0 && row.home != Some(Home::Failed),
            "copied_bytes": planned.copied_bytes,
        }))
    }
}

fn lock_object(lock: &LockRow) -> Value {
    json!({ "exceeded": lock.exceeded, "words": lock.told() })
}
