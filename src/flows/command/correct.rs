//! Corrects fields of one message that is held or was refused, and has it judged by the code that judges every message. Both values
//! of each field stay in the ledger (`correction`), whatever comes of it.
//!
//! A held message is corrected where it is stored; one that was refused is corrected each time its original is read again, so
//! nothing is lost when it is judged once more. What cannot be corrected changes nothing and is said.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::super::commands::{Anew, Command, Correction};
use super::super::inbound::again::is_overwritten;
use super::super::inbound::field_text::business_key;
use super::super::inbound::returned::CAME_BACK;
use super::super::inbound::round::Bench;
use super::super::is_outage;
use super::super::one_message::{self, Read};
use super::retry::judge_held;
use crate::edges::store::ledger::{FileRow, MessageRow};
use crate::model::batch::Batch;
use crate::model::correction::{self, Change, Edit};
use crate::model::json;
use crate::model::kind::Kind;
use crate::model::layout::Layout;
use crate::model::verdict::Verdict;
use crate::model::wording::guard::is_code_of_guard;

pub fn correct(bench: &mut Bench<'_>, wanted: &Correction, command: &Command) -> Result<String> {
    let snapshot = bench.store.read()?;
    let row = snapshot.file_by_id(wanted.file)?.with_context(|| format!("no file {} has come", wanted.file))?;
    let message = snapshot.messages_of(row.no, wanted.number, 1)?.into_iter().find(|m| m.number == wanted.number);
    let noted = snapshot.corrections_of(row.no)?.iter().any(|known| known.command == command.id.as_str());
    drop(snapshot);
    let is_open = match &message {
        Some(message) => matches!(message.verdict, Verdict::Held | Verdict::Refused),
        None => is_refused_whole(&row),
    };
    if noted && !is_open {
        // A crash came between its verdict and the outcome of this command.
        return Ok(outcome(wanted, "accepted"));
    }
    if !noted {
        let message = open(&row, message, wanted)?;
        if let Some(message) = message.filter(|m| m.verdict == Verdict::Held && row.rehearsed.writes()) {
            return held(bench, &row, &message, wanted, command);
        }
        let changes = changes_of_original(bench, &row, wanted)?;
        let tx = bench.store.begin()?;
        tx.add_corrections((row.no, wanted.number), command.id, &changes)?;
        tx.commit()?;
    }
    let judged = judge_original(bench, &row, wanted);
    if let Err(error) = &judged
        && !is_outage(error)
    {
        let tx = bench.store.begin()?;
        tx.drop_corrections(command.id)?;
        tx.commit()?;
    }
    judged
}

/// Nothing of it was taken, and its messages are not listed one by one.
pub fn is_refused_whole(row: &FileRow) -> bool {
    row.verdict == Some(Verdict::Refused) && !row.code.is_empty() && !row.layout.is_empty()
}

/// The message, if it can still be corrected, as far as it is listed; an error says why not and what to do.
fn open(row: &FileRow, message: Option<MessageRow>, wanted: &Correction) -> Result<Option<MessageRow>> {
    let (number, name) = (wanted.number, &row.name);
    if let Some(why) = is_overwritten(row) {
        bail!(why);
    }
    let Some(message) = message else {
        if is_refused_whole(row) {
            return Ok(None);
        }
        if row.verdict == Some(Verdict::Held) && is_code_of_guard(&row.code) {
            bail!(
                "{name} is held by the guard as a whole, and none of its messages is judged; nattpost release or discard decides about it"
            );
        }
        bail!(
            "message {number} of {name} is neither held nor refused; nattpost show {} lists those that are, with their numbers",
            row.id
        );
    };
    match message.verdict {
        _ if message.code == CAME_BACK => {
            bail!("message {number} of {name} came back in another file; correct it there")
        }
        Verdict::Held | Verdict::Refused => Ok(Some(message)),
        other => bail!("message {number} of {name} is {other}; only what is held or refused is corrected"),
    }
}

/// Payload, correction and verdict are one commit.
fn held(
    bench: &mut Bench<'_>,
    row: &FileRow,
    message: &MessageRow,
    wanted: &Correction,
    command: &Command,
) -> Result<String> {
    let layout = layout_of(bench, row)?;
    let stored = message.payload.as_deref().context("nothing of the message is stored")?;
    let mut value: Value = serde_json::from_str(stored).context("the message is not stored as JSON")?;
    let changes = correction::correct(&layout.kind, &mut value, &wanted.edits).map_err(anyhow::Error::msg)?;
    let (key, payload) = read_back(&layout.kind, &value, message)?;
    let results = judge_held(bench, std::slice::from_ref(message), &Anew::default(), &|tx, message| {
        tx.add_corrections((message.file, message.number), command.id, &changes)?;
        tx.correct_message(message.no, &key, &payload)
    })?;
    Ok(outcome(wanted, results.first().map_or("held", |(verdict, _)| verdict.as_str())))
}

/// As it is stored: its key and its line.
fn read_back(kind: &Arc<Kind>, value: &Value, message: &MessageRow) -> Result<(String, String)> {
    let mut batch = Batch::new(kind.clone());
    if let Err(problems) = json::read_line(&value.to_string(), message.line, message.number, &mut batch) {
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        bail!("so corrected it is no message: {}", told.join("; "));
    }
    Ok((business_key(&batch.message(0)), json::to_line(batch.message(0))))
}

/// Looked at before anything is noted, so that what cannot be corrected is said to who asks.
fn changes_of_original(bench: &Bench<'_>, row: &FileRow, wanted: &Correction) -> Result<Vec<Change>> {
    let layout = layout_of(bench, row)?;
    let Some(intake) = bench.intake_of(&row.partner, &row.intake) else { bail!("its intake is no longer configured") };
    let mut value = match one_message::read(bench.spool, (&intake, &layout), row, wanted.number)? {
        Read::Message(value) => value,
        Read::Unreadable(problems) => {
            let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
            bail!(
                "what stands there makes no message, so it has no fields: {}. Correct it in its reject (nattpost show {} says where that is) and drop that into the intake",
                told.join("; "),
                row.id
            )
        }
        Read::Nothing => bail!("the layout of today finds no message {} in {}", wanted.number, row.name),
    };
    let before: Vec<Edit> = bench
        .store
        .read()?
        .corrections_of(row.no)?
        .iter()
        .filter(|known| known.number == wanted.number)
        .map(|known| known.edit())
        .collect();
    correction::correct(&layout.kind, &mut value, &before).map_err(anyhow::Error::msg)?;
    let changes = correction::correct(&layout.kind, &mut value, &wanted.edits).map_err(anyhow::Error::msg)?;
    Ok(changes)
}

/// One message alone, or its whole file where that was judged as one.
fn judge_original(bench: &mut Bench<'_>, row: &FileRow, wanted: &Correction) -> Result<String> {
    let Some(row) = bench.store.read()?.file(row.no)? else { bail!("{} is gone from the ledger", row.name) };
    if !row.code.is_empty() || !row.rehearsed.writes() {
        let results = bench.judge_whole_again(row)?;
        let words: Vec<String> = results.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
        return Ok(outcome(wanted, &format!("its file was judged as a whole: {}", words.join(", "))));
    }
    let messages = bench.store.read()?.messages_of(row.no, wanted.number, 1)?;
    let results = bench.judge_some_again(row, &messages, false)?;
    Ok(outcome(wanted, results.first().map_or("refused", |(verdict, _)| verdict.as_str())))
}

fn outcome(wanted: &Correction, came: &str) -> String {
    let fields: Vec<&str> = wanted.edits.iter().map(|edit| edit.field.as_str()).collect();
    let still = match came {
        "held" | "refused" => "; nattpost show says why, and it can be corrected again",
        _ => "",
    };
    format!("message {}, {}: {came}{still}", wanted.number, fields.join(", "))
}

fn layout_of(bench: &Bench<'_>, row: &FileRow) -> Result<Arc<Layout>> {
    let intake = bench.intake_of(&row.partner, &row.intake);
    let layout = intake.and_then(|intake| intake.layouts.iter().find(|layout| layout.id == row.layout).cloned());
    layout.with_context(|| {
        format!("{} is of {}/{}, which has no layout \"{}\" any more", row.name, row.partner, row.intake, row.layout)
    })
}
