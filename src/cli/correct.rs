//! `correct`: shows the fields of a message by the names under which they can be corrected, and hands corrections over. It
//! decides nothing about messages.

use serde_json::json;

use super::args::Correct;
use super::ask;
use super::ends::{End, Failure, Outcome};
use super::page::{Columns, Page, safe};
use super::setting;
use crate::config::Config;
use crate::edges::store::ledger::{FileRow, MessageRow};
use crate::flows::command::correct::is_refused_whole;
use crate::flows::commands::{Correction, Verb};
use crate::flows::files::{self, Sight};
use crate::flows::one_message::{self, Read};
use crate::model::correction::{self, Edit};
use crate::model::ids::Id;
use crate::model::verdict::Verdict;

pub fn correct(page: &mut Page<'_>, config: &Config, asked: &Correct) -> Outcome {
    let mut edits = Vec::new();
    for text in &asked.set {
        let read = Edit::parse(text).ok_or_else(|| {
            Failure::new(End::Usage, "usage-wrong", format!("{} has no value", safe(text)))
                .at("--set")
                .expected("FIELD=VALUE, like lines.2.qty=3")
                .advice("--unset FIELD takes a value away.")
        })?;
        edits.push(read);
    }
    edits.extend(asked.unset.iter().map(|field| Edit::unset(field)));
    if let Some(twice) =
        edits.iter().enumerate().find(|(nth, edit)| edits[..*nth].iter().any(|e| e.field == edit.field))
    {
        return Err(Failure::new(End::Usage, "usage-wrong", format!("{} is named twice", safe(&twice.1.field)))
            .at("the command line")
            .expected("each field once"));
    }
    if edits.is_empty() {
        return setting::look(config, |sight| show(page, sight, config, asked));
    }
    let file = setting::look(config, |sight| Ok(file_of(sight, &asked.file)?.id))?;
    ask::give(page, config, Verb::Correct(Correction { file, number: asked.message, edits }), &asked.comment)
}

fn file_of(sight: Sight<'_>, typed: &str) -> Result<FileRow, Failure> {
    files::named(sight, typed, 1)?.pop().ok_or_else(|| {
        Failure::new(End::NotFound, "file-unknown", format!("no such file has come: {}", safe(typed)))
            .expected("the id or name of a file")
            .advice("nattpost files lists what came.")
    })
}

fn show(page: &mut Page<'_>, sight: Sight<'_>, config: &Config, asked: &Correct) -> Outcome {
    let file = file_of(sight, &asked.file)?;
    let listed = sight.snapshot.messages_of(file.no, asked.message, 1)?;
    let message = listed
        .into_iter()
        .find(|message| message.number == asked.message && matches!(message.verdict, Verdict::Held | Verdict::Refused));
    if message.is_none() && !is_refused_whole(&file) {
        let found = format!("message {} of {} is neither held nor refused", asked.message, safe(&file.name));
        return Err(Failure::new(End::NotFound, "message-unknown", found)
            .at("--message")
            .expected("the number of one that is")
            .advice(format!("nattpost show {} lists them.", file.id)));
    }
    let fields = fields_of(sight, config, &file, (asked.message, message.as_ref()))?;
    let (key, line) = message.as_ref().map_or(("", 0), |message| (&message.key, message.line));
    let verdict = message.as_ref().map_or(Verdict::Refused, |message| message.verdict);
    if page.json {
        let fields: serde_json::Map<_, _> = fields.into_iter().map(|(name, value)| (name, value.into())).collect();
        page.object(&json!({
            "file": file.id.as_str(),
            "message": asked.message,
            "kind": file.kind,
            "key": key,
            "verdict": verdict.as_str(),
            "line": line,
            "fields": fields,
        }))?;
        return Ok(End::Well);
    }
    let line = if line == 0 { String::new() } else { format!(", line {line}") };
    let (kind, key, name) = (&file.kind, safe(key), safe(&file.name));
    page.line(format!("{kind} {key}, message {} of {name}{line}: {verdict}", asked.message))?;
    let mut columns = Columns::new(&["field", "value"]);
    fields.iter().for_each(|(name, value)| columns.row([safe(name), safe(value)]));
    page.table(columns)?;
    for problem in message.iter().flat_map(|message| &message.problems) {
        page.line(safe(&format!(
            "{}: {}",
            if problem.field.is_empty() { "it" } else { &problem.field },
            problem.text
        )))?;
    }
    Ok(End::Well)
}

/// As it is stored, or as its original says it, corrected as it was before.
fn fields_of(
    sight: Sight<'_>,
    config: &Config,
    file: &FileRow,
    (number, message): (u64, Option<&MessageRow>),
) -> Result<Vec<(String, String)>, Failure> {
    let gone = |id: Id| {
        let found = format!("the layout that read {} is no longer configured for its intake", safe(&file.name));
        Failure::new(End::Unavailable, "layout-unknown", found).at(id.to_string())
    };
    let intake = config.intakes.iter().find(|i| i.sender.partner == file.partner && i.id == file.intake);
    let Some(intake) = intake else { return Err(gone(file.id)) };
    let Some(layout) = intake.layouts.iter().find(|layout| layout.id == file.layout) else { return Err(gone(file.id)) };
    if let Some(stored) = message.and_then(|m| m.payload.as_deref()).and_then(|text| serde_json::from_str(text).ok()) {
        return Ok(correction::fields(&layout.kind, &stored));
    }
    match one_message::read(sight.spool, (intake, layout), file, number)? {
        Read::Message(mut value) => {
            let known = sight.snapshot.corrections_of(file.no)?;
            let before: Vec<Edit> = known.iter().filter(|c| c.number == number).map(|c| c.edit()).collect();
            correction::correct(&layout.kind, &mut value, &before).map_err(anyhow::Error::msg)?;
            Ok(correction::fields(&layout.kind, &value))
        }
        Read::Unreadable(_) | Read::Nothing => {
            let found = format!("message {} of {} has no fields", number, safe(&file.name));
            Err(Failure::new(End::Refused, "message-unreadable", found)
                .expected("one whose bytes make a message")
                .advice(format!("Correct it in its reject: nattpost show {} says where that is.", file.id)))
        }
    }
}
