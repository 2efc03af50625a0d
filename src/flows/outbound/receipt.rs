//! Receipts: what became of an inbound file, for its sender. Made from the ledger's rows alone, so that the same rows give
//! the same bytes again after a crash; written within the transaction that holds the verdict, and visible only after its
//! commit, by the same step as every run.

use std::sync::Arc;

use anyhow::{Context, Result};
use chrono_tz::Tz;

use super::compose::unwritable;
use super::number::Numbers;
use super::paper::{Form, Paper};
use super::reply::Reply;
use super::sheet::Sheet;
use crate::edges::clock::{Now, read_iso};
use crate::edges::spool::Spool;
use crate::edges::store::business::RegistrationRow;
use crate::edges::store::ledger::{FileRow, MessageRow, NotedProblem};
use crate::edges::store::{FileNo, Snapshot, Tx};
use crate::model::batch::Batch;
use crate::model::diagnostic::KEPT;
use crate::model::ids::Id;
use crate::model::intake::Intake;
use crate::model::kind::Kind;
use crate::model::layout::rows::options::Cutting;
use crate::model::layout::{Layout, Syntax};
use crate::model::verdict::Verdict;

/// The kind whose messages are each answered with a number.
const REGISTRATION: &str = "registration";
/// Room for the rest of the name: `.receipt.`, a number, an ending. 241 bytes are what a name in sent/ may have.
const STEM_BYTES: usize = 200;

/// Adds the receipt of a file that was just decided, when its intake wants one. To be called in the transaction of the
/// verdict; its file is on the disk with the next `Spool::sync`, which comes before the commit as ever. Afterwards
/// `Numbers::keep`, the commit, and `Dispatch::place_ready`. A text that the layout cannot hold costs the receipt, which the
/// ledger then says, and never the file that it answers.
pub fn add(
    tx: &Tx<'_>,
    spool: &Spool,
    numbers: &mut Numbers,
    intake: &Intake,
    file: FileNo,
    (now, zone): (Now, Tz),
) -> Result<Option<Id>> {
    let Some(layout) = &intake.receipt else { return Ok(None) };
    let row = tx.file(file)?.with_context(|| format!("there is no file number {} to answer", file.0))?;
    let composed = match compose(tx, spool, layout, intake.sender.zone, file) {
        Ok(None) => return Ok(None),
        Ok(Some(paper)) => Ok(paper),
        Err(error) => Err(unwritable(&error).ok_or(error)?),
    };
    let reply = Reply {
        row: &row,
        layout,
        folder: "",
        mode: intake.mode_of(&row.name),
        to: intake.receipt_to.as_ref(),
        done_suffix: None,
        rows: 1,
    };
    reply.stage(tx, spool, composed, (now, zone), &mut |paper| {
        let number = numbers.give();
        Ok((paper, number, name(&row.name, number, ending(layout))))
    })
}

/// The receipt as the ledger has it; none for a file without a verdict.
pub(super) fn compose(
    snapshot: &Snapshot<'_>,
    spool: &Spool,
    layout: &Layout,
    zone: Tz,
    file: FileNo,
) -> Result<Option<Paper>> {
    let Some(row) = snapshot.file(file)?.filter(|row| row.verdict.is_some()) else { return Ok(None) };
    let listed = snapshot.messages_of(file, 0, KEPT as u32)?;
    let reason = if listed.is_empty() { snapshot.reason_text(file)? } else { None };
    let mut numbers = Vec::new();
    if row.kind == REGISTRATION {
        numbers = snapshot.registrations_of(file)?;
    }
    let mut batch = message(&layout.kind, &row, &listed, reason.as_deref());
    numbered(snapshot, (&mut batch, &row), numbers, &listed)?;
    // Made again it must be the same.
    let now = row.decided_at.as_deref().and_then(read_iso).unwrap_or_default();
    let paper = Paper::write(spool, Form::plain(layout), (zone, now), |encoder| Ok(encoder.write(&batch)?))
        .with_context(|| format!("the receipt of {} cannot be written", row.name))?;
    Ok(Some(paper))
}

fn message(kind: &Arc<Kind>, row: &FileRow, listed: &[MessageRow], reason: Option<&str>) -> Batch {
    let mut sheet = Sheet::new(kind);
    sheet.begin(1);
    sheet.text("file_id", row.id.as_str());
    sheet.text("file_name", &row.name);
    sheet.text("kind", &row.kind);
    sheet.text("received_at", &row.first_seen);
    sheet.text("decided_at", row.decided_at.as_deref().unwrap_or_default());
    sheet.text("verdict", row.verdict.map_or("", Verdict::as_str));
    sheet.number("messages", row.messages);
    for verdict in Verdict::ALL {
        sheet.number(verdict.as_str(), row.counts.get(verdict));
    }
    let mut room = KEPT;
    if !row.code.is_empty() && listed.is_empty() && sheet.open_item(&mut room) {
        sheet.text("verdict", row.verdict.map_or("", Verdict::as_str));
        sheet.text("code", &row.code);
        sheet.text("text", reason.unwrap_or_default());
    }
    for message in listed {
        sheet.items_of(&row.name, message, &mut room);
    }
    sheet.batch
}

/// What registered, each with the number that it has by now; also what came again.
fn numbered(
    snapshot: &Snapshot<'_>,
    (batch, file): (&mut Batch, &FileRow),
    taken: Vec<RegistrationRow>,
    listed: &[MessageRow],
) -> Result<()> {
    if file.kind != REGISTRATION || batch.is_empty() {
        return Ok(());
    }
    let again = listed.iter().filter(|message| message.verdict == Verdict::Duplicate);
    let mut told: Vec<(u32, Verdict, RegistrationRow)> =
        taken.into_iter().map(|row| (row.line, Verdict::Accepted, row)).collect();
    for message in again {
        let known = message.row.map(|row| snapshot.registration(row)).transpose()?.flatten();
        told.extend(known.map(|row| (message.line, Verdict::Duplicate, row)));
    }
    let mut sheet = Sheet::of(std::mem::replace(batch, Batch::new(batch.kind().clone())));
    for (line, verdict, row) in told {
        let Some(number) = &row.number_given else { continue };
        // Each number is told, however many there are: a partner waits for it.
        if !sheet.open_item(&mut 1) {
            break;
        }
        if line > 0 {
            sheet.number("line_no", line.into());
        }
        sheet.text("key", &row.external_id);
        sheet.text("verdict", verdict.as_str());
        sheet.text("code", "number-given");
        sheet.text("number", number);
    }
    *batch = sheet.batch;
    Ok(())
}

/// Where, what was found, what was expected, what to do.
fn said(file_name: &str, problem: &NotedProblem, line: u32) -> String {
    let mut text = file_name.to_string();
    if !problem.spoken.is_empty() {
        text.push_str(&format!(", {}", problem.spoken));
    } else if line > 0 {
        text.push_str(&format!(", line {line}"));
    }
    if !problem.field.is_empty() {
        text.push_str(&format!(", \"{}\"", problem.field));
    }
    format!("{text}: {}", problem.text)
}

/// The receipt being filled in.
impl Sheet {
    /// One item a problem; a message without any (a duplicate, say) is one too.
    fn items_of(&mut self, file_name: &str, message: &MessageRow, room: &mut usize) {
        if message.problems.is_empty() && self.open_item(room) {
            self.item_of(message, u64::from(message.line), &message.code);
        }
        for problem in &message.problems {
            if !self.open_item(room) {
                break;
            }
            let line = if problem.line > 0 { problem.line } else { message.line };
            self.item_of(message, u64::from(line), &problem.code);
            self.text("field", &problem.field);
            self.text("text", &said(file_name, problem, line));
        }
    }

    fn item_of(&mut self, message: &MessageRow, line: u64, code: &str) {
        if line > 0 {
            self.number("line_no", line);
        }
        self.text("key", &message.key);
        self.text("verdict", message.verdict.as_str());
        self.text("code", code);
    }

    fn open_item(&mut self, room: &mut usize) -> bool {
        if *room == 0 || self.open("items", 0).is_none() {
            return false;
        }
        *room -= 1;
        true
    }
}

/// `orders-1107.csv` → `orders-1107.receipt.000042.xml`. Whatever the sender called his file, ours is one that every file
/// system and client takes.
fn name(original: &str, number: u64, ending: &str) -> String {
    let stem = original.rsplit_once('.').map_or(original, |(stem, _)| stem);
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.+,=@()".contains(c) { c } else { '_' };
    let stem: String = stem.chars().take(STEM_BYTES).map(safe).collect();
    let hidden = stem.starts_with('.') || stem.is_empty();
    format!("{}{stem}.receipt.{number:06}.{ending}", if hidden { "_" } else { "" })
}

fn ending(layout: &Layout) -> &'static str {
    match &layout.syntax {
        Syntax::Xml(_) => "xml",
        Syntax::Edifact(_) => "edi",
        Syntax::Workbook(_) => "xlsx",
        Syntax::Rows(rows) => match rows.options.cutting {
            Cutting::Delimited(_) => "csv",
            Cutting::Fixed(_) | Cutting::Tagged(_) => "txt",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_whatever_the_sender_called_his_file() {
        for (original, expected) in [
            ("orders-1107.csv", "orders-1107.receipt.000042.xml"),
            ("a.b.csv", "a.b.receipt.000042.xml"),
            ("orders", "orders.receipt.000042.xml"),
            ("../x\ny/ü.csv", "_.._x_y__.receipt.000042.xml"),
            (".csv", "_.receipt.000042.xml"),
            ("", "_.receipt.000042.xml"),
        ] {
            assert_eq!(name(original, 42, "xml"), expected, "{original}");
        }
        assert!(name(&"ü".repeat(300), u64::MAX, "xml").len() <= 241);
    }
}
