//! `show` for people and as JSON: one file or one run with all that is known of it.

use std::io;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::files_page::{self, file_object, headline, outcome};
use super::page::{Columns, Page, safe};
use super::setting::shown_path;
use crate::edges::store::ledger::{CommandRow, CorrectionRow, MessageRow, PartRow, RunRow, RunState};
use crate::flows::explain::title_of_run;
use crate::flows::files::{Standing, came};
use crate::flows::moments;
use crate::flows::next_steps::NextStep;
use crate::flows::show::{DeliveryShown, FileShown, MessageShown, RunShown, There};
use crate::model::mode::Mode;
use crate::model::verdict::Verdict;

pub fn print_file(page: &mut Page<'_>, shown: &FileShown) -> io::Result<()> {
    let file = &shown.file;
    page.line(headline(page, file))?;
    let decided = page.when_stored(file.decided_at.as_deref());
    let decided = if decided.is_empty() { String::new() } else { format!(" (judged {decided})") };
    page.line(format!("  {}{decided}", outcome(file)))?;
    if let Some(of) = file.returns_of {
        page.line(format!(
            "  it is the file {of} come back, which was first seen {}",
            page.when_stored(Some(&file.first_seen))
        ))?;
    }
    if !shown.parts.is_empty() {
        let parts: Vec<String> = shown.parts.iter().map(|part| safe(&part.name)).collect();
        page.line(format!("  one arrival of {} files: {}", parts.len(), parts.join(", ")))?;
    }
    if !file.layout.is_empty() {
        page.line(format!(
            "  read as {} with layout {}; rows written {}, taken over since by others {}",
            file.kind, file.layout, file.rows_written, file.rows_taken
        ))?;
    }
    standing(page, &shown.standing)?;
    if let Some(words) = there(shown) {
        page.line(format!("  {}", safe(&words)))?;
    }
    for (what, path) in [("reason", &shown.reason_file), ("reject", &shown.reject_file)] {
        if let Some(path) = path {
            page.line(format!("  {what}: {}", shown_path(path)))?;
        }
    }
    if !file.comment.is_empty() {
        page.line(format!("  comment: {}", safe(&file.comment)))?;
    }
    if let Some(before) = &shown.repeats {
        page.line(format!(
            "  same content as {} ({}), which came {}",
            safe(&before.name),
            before.id,
            page.when_stored(Some(&came(before)))
        ))?;
    }
    reasons(page, shown)?;
    messages(page, shown)?;
    for receipt in &shown.receipts {
        let what = if receipt.kind == "answer" { "answer" } else { "receipt" };
        page.line(format!("  {what}: {} ({})", safe(&receipt.name), state(receipt)))?;
    }
    for back in &shown.came_back_as {
        page.line(format!("  came back as {} ({}), {}", safe(&back.name), back.id, outcome(back)))?;
    }
    for known in &shown.corrections {
        let told =
            |value: &Option<String>| value.as_ref().map_or("nothing".to_string(), |value| format!("\"{value}\""));
        let change = &known.change;
        let values = format!("from {} to {}", told(&change.before), told(&change.after));
        let when = page.when_stored(Some(&known.at));
        let line = format!("  corrected by {} {when}: message {}, {} {values}", known.who, known.number, change.field);
        page.line(safe(&line))?;
    }
    for command in &shown.commands {
        page.line(format!("  {}", command_line(page, command)))?;
    }
    if !shown.same_name.is_empty() {
        page.line(format!("  The newest of that name. Also: {}", same_names(page, shown)))?;
    }
    next(page, &shown.next)
}

fn there(shown: &FileShown) -> Option<String> {
    let origin = &shown.file.origin;
    let rows = match &shown.there {
        There::Nothing if origin.contains(':') => return Some(format!("came from {origin}; nothing is owed there")),
        There::Nothing => return None,
        There::Stays => return Some(format!("came from {origin} and stays there")),
        There::Owed(rows) => rows,
    };
    let owed = rows.iter().map(|row| {
        let name = String::from_utf8_lossy(row.claim.as_ref().unwrap_or(&row.name)).into_owned();
        let owed = if row.is_taken { format!("taken, still to {}", row.then_do) } else { "not taken yet".to_string() };
        format!("there as {name}: {owed}")
    });
    Some(format!("came from {origin}; {}", owed.collect::<Vec<_>>().join("; ")))
}

fn same_names(page: &Page<'_>, shown: &FileShown) -> String {
    let list: Vec<String> =
        shown.same_name.iter().map(|f| format!("{} ({})", f.id, page.when_stored(Some(&came(f))))).collect();
    list.join(", ")
}

fn standing(page: &mut Page<'_>, standing: &Standing) -> io::Result<()> {
    match standing {
        Standing::At(path) => page.line(format!("  now at {}", shown_path(path))),
        Standing::InArchive(path, name) => {
            page.line(format!("  now in the archive {}, as {}", shown_path(path), safe(name)))
        }
        Standing::Missing(path) => page.line(format!("  NOT at {}, where it should be", shown_path(path))),
        Standing::NoLongerKept => page.line("  the original is no longer kept"),
        Standing::Vanished => page.line("  it was gone before it could be claimed"),
        Standing::CameBack => page.line("  the original is that of the file it came back as"),
    }
}

fn reasons(page: &mut Page<'_>, shown: &FileShown) -> io::Result<()> {
    if shown.reasons.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = shown.reasons.iter().map(|(code, count)| format!("{count} x {code}")).collect();
    page.line(format!("  reasons: {}", list.join(", ")))?;
    match shown.lock.as_ref().filter(|lock| lock.ended_at.is_none()) {
        Some(lock) => page.line(format!("  locked by the guard: {}", safe(&lock.exceeded))),
        None => Ok(()),
    }
}

fn messages(page: &mut Page<'_>, shown: &FileShown) -> io::Result<()> {
    if shown.messages.is_empty() {
        return Ok(());
    }
    page.gap()?;
    for shown in &shown.messages {
        message(page, shown)?;
    }
    if shown.more > 0 {
        page.line(format!("  … and {} more", moments::count(shown.more, "message", "messages")))?;
    }
    Ok(())
}

pub fn message(page: &mut Page<'_>, shown: &MessageShown) -> io::Result<()> {
    let message = &shown.message;
    let code = if message.code.is_empty() || message.code == message.verdict.as_str() {
        String::new()
    } else {
        format!(" [{}]", message.code)
    };
    page.line(format!(
        "  {}{code}: {} {}, line {} (message {})",
        message.verdict,
        message.kind,
        safe(&message.key),
        message.line,
        message.number
    ))?;
    if let Some(waits) =
        message.waits.as_ref().filter(|waits| !waits.kind.is_empty() && message.verdict != Verdict::Held)
    {
        let decided = page.when_stored(Some(&message.decided_at));
        page.line(format!("      waited for {} {}, decided {decided}", waits.kind, safe(&waits.key)))?;
    } else if let Some(waits) = message.waits.as_ref().filter(|waits| !waits.kind.is_empty()) {
        let until = page.when_stored(waits.until.as_deref());
        let until = if until.is_empty() { String::new() } else { format!(", refused if it has not come by {until}") };
        page.line(format!("      waits for {} {}{until}", waits.kind, safe(&waits.key)))?;
    }
    for problem in &message.problems {
        let field = if problem.field.is_empty() { String::new() } else { format!("\"{}\": ", problem.field) };
        let line = match (problem.spoken.as_str(), problem.line) {
            ("", 0) => String::new(),
            ("", line) => format!("line {line}, "),
            (spoken, _) => format!("{spoken}, "),
        };
        page.line(format!("      {}", safe(&format!("{line}{field}{}", problem.text))))?;
    }
    if shown.differences.is_empty() {
        return Ok(());
    }
    let mut columns = Columns::new(&["      field", "we have", "now sent"]);
    for difference in &shown.differences {
        columns.row([format!("      {}", difference.path), difference.old.clone(), difference.new.clone()]);
    }
    page.table(columns)
}

fn command_line(page: &Page<'_>, command: &CommandRow) -> String {
    let comment = if command.comment.is_empty() { String::new() } else { format!(" \"{}\"", command.comment) };
    let outcome = if command.outcome.is_empty() { "not carried out yet" } else { &command.outcome };
    safe(&format!("{} by {} {}{comment}: {outcome}", command.verb, command.who, page.when_stored(Some(&command.at))))
}

fn correction_object(known: &CorrectionRow) -> Value {
    let change = &known.change;
    json!({
        "message": known.number,
        "command": known.command,
        "who": known.who,
        "at": known.at,
        "field": change.field,
        "before": change.before,
        "after": change.after,
    })
}

pub fn next(page: &mut Page<'_>, steps: &[NextStep]) -> io::Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    page.gap()?;
    page.line("What to do next:")?;
    for step in steps {
        page.line(format!("  - {}", step.why))?;
        if !step.command.is_empty() {
            page.line(format!("      {}", step.command))?;
        }
    }
    Ok(())
}

/// What became of a run, and whether it was in earnest.
pub fn state(run: &RunRow) -> String {
    match (run.rehearsed, run.state) {
        (Mode::Live, state) => state.as_str().to_string(),
        (Mode::Shadow, RunState::Sent) => "would have been sent".to_string(),
        (mode, state) => format!("{}, {}", state.as_str(), mode.as_str()),
    }
}

pub fn print_run(page: &mut Page<'_>, shown: &RunShown) -> io::Result<()> {
    let run = &shown.run;
    page.line(format!("{}  {}  {}", title_of_run(run), safe(&run.name), run.id))?;
    let due = page.when_stored(run.due_at.as_deref());
    let due = if due.is_empty() { String::new() } else { format!(", due {due}") };
    page.line(format!(
        "  {} ({}){due}, ready {}",
        state(run),
        run.reason.as_str(),
        page.when_stored(Some(&run.ready_at))
    ))?;
    if let Some(sent) = run.sent_at.as_ref().filter(|_| run.rehearsed.answers()) {
        page.line(format!("  sent {}", page.when_stored(Some(sent))))?;
    }
    page.line(format!(
        "  {} of {} in layout {}, {}",
        moments::count(run.rows, "row", "rows"),
        run.kind,
        run.layout,
        moments::size(run.size)
    ))?;
    if run.unmapped > 0 {
        page.line(format!("  {}", moments::unmapped(run.unmapped)))?;
    }
    if let Some(file) = &shown.answers {
        page.line(format!("  answers {}", headline(page, file)))?;
    }
    match &shown.standing {
        Standing::At(path) => page.line(format!("  now at {}", shown_path(path))),
        _ if run.state == RunState::Empty => page.line("  there was nothing to say, so no file was made"),
        _ => page.line("  its file is no longer in the spool"),
    }?;
    if let Some(lock) = &shown.lock {
        page.line(format!("  the guard holds it: {}", safe(&lock.told())))?;
    }
    if let Some(by) = &shown.replaced_by {
        page.line(format!("  replaced by {} ({})", safe(&by.name), by.id))?;
    }
    if !run.comment.is_empty() {
        page.line(format!("  comment: {}", safe(&run.comment)))?;
    }
    if let Some(delivery) = &shown.delivery {
        print_delivery(page, delivery)?;
    }
    next(page, &shown.next)
}

fn print_delivery(page: &mut Page<'_>, delivery: &DeliveryShown) -> io::Result<()> {
    let row = &delivery.row;
    let text = |bytes: &[u8]| safe(&String::from_utf8_lossy(bytes));
    page.line(format!("  to {}:{} as {}", row.remote, text(&row.folder), text(&row.name)))?;
    let waits = match (row.is_open, row.settled) {
        (true, _) if row.unknown_since.is_some() => {
            format!("a person decides since {}: {}", page.when_stored(row.unknown_since.as_deref()), row.words)
        }
        (true, _) if !row.words.is_empty() => {
            format!("tried again {}: {}", page.when_stored(row.next_try.as_deref()), row.words)
        }
        (true, _) => "waits to be brought; nattpost explain says for what".to_string(),
        (false, false) => format!("its upload {} is still to be removed there", text(&row.temp)),
        (false, true) => String::new(),
    };
    if !waits.is_empty() {
        page.line(format!("  {}", safe(&waits)))?;
    }
    if delivery.tries.is_empty() {
        return page.line("  not tried yet");
    }
    page.gap()?;
    let mut columns = Columns::new(&["#try", "began", "ended", "reached", "why it ended"]);
    for one in &delivery.tries {
        columns.row([
            one.number.to_string(),
            page.when_stored(Some(&one.began)),
            page.when_stored(one.ended.as_deref()),
            one.reached.clone(),
            one.words.clone(),
        ]);
    }
    page.table(columns)
}

fn delivery_object(delivery: &DeliveryShown) -> Value {
    let row = &delivery.row;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let tries: Vec<Value> = delivery
        .tries
        .iter()
        .map(|one| {
            json!({
                "number": one.number,
                "began": one.began,
                "ended": one.ended,
                "reached": one.reached,
                "words": one.words,
            })
        })
        .collect();
    json!({
        "remote": row.remote,
        "folder": text(&row.folder),
        "name": text(&row.name),
        "upload": text(&row.temp),
        "open": row.is_open,
        "unknown_since": row.unknown_since,
        "words": row.words,
        "next_try": row.next_try,
        "failures": row.failures,
        "tries": tries,
    })
}

pub fn file_shown_object(shown: &FileShown) -> Value {
    let mut object = file_object(&shown.file);
    let reasons: Vec<Value> =
        shown.reasons.iter().map(|(code, count)| json!({ "code": code, "count": count })).collect();
    object["path"] = path_of(&shown.standing);
    object["archive"] = archive_of(&shown.standing);
    object["reason_file"] = path_text(shown.reason_file.as_ref());
    object["reject_file"] = path_text(shown.reject_file.as_ref());
    let hex = |content: [u8; 32]| content.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let part = |part: &PartRow| json!({ "name": part.name, "size": part.size, "content": part.content.map(hex) });
    let parts = shown.parts.iter().map(part);
    object["parts"] = parts.collect::<Vec<_>>().into();
    object["reasons"] = reasons.into();
    object["exceptions"] = shown.messages.iter().map(message_object).collect::<Vec<_>>().into();
    object["more_exceptions"] = shown.more.into();
    object["receipts"] = shown.receipts.iter().map(run_object).collect::<Vec<_>>().into();
    object["same_content_as"] = shown.repeats.as_ref().map(|file| file.id.to_string()).into();
    object["came_back_as"] = shown.came_back_as.iter().map(files_page::file_object).collect::<Vec<_>>().into();
    object["corrections"] = shown.corrections.iter().map(correction_object).collect::<Vec<_>>().into();
    object["commands"] = shown.commands.iter().map(command_object).collect::<Vec<_>>().into();
    object["same_name"] = shown.same_name.iter().map(|file| file.id.to_string()).collect::<Vec<_>>().into();
    object["there"] = there(shown).into();
    object["next"] = next_object(&shown.next);
    object
}

pub fn message_object(shown: &MessageShown) -> Value {
    let mut object = plain_message_object(&shown.message);
    let differences: Vec<Value> =
        shown.differences.iter().map(|d| json!({ "field": d.path, "ours": d.old, "sent": d.new })).collect();
    object["differences"] = differences.into();
    object
}

pub fn plain_message_object(message: &MessageRow) -> Value {
    let problems: Vec<Value> = message
        .problems
        .iter()
        .map(|p| json!({ "code": p.code, "line": p.line, "byte": p.byte, "field": p.field, "where": p.spoken, "text": p.text }))
        .collect();
    let waits = message.waits.as_ref().map(|w| json!({ "kind": w.kind, "key": w.key, "until": w.until }));
    let waited = waits.clone().filter(|_| message.verdict != Verdict::Held);
    json!({
        "number": message.number,
        "kind": message.kind,
        "key": message.key,
        "verdict": message.verdict.as_str(),
        "code": message.code,
        "line": message.line,
        "problems": problems,
        "waits_for": waits.filter(|_| message.verdict == Verdict::Held),
        "waited_for": waited,
        "decided_at": message.decided_at,
        "comment": message.comment,
    })
}

pub fn run_shown_object(shown: &RunShown) -> Value {
    let mut object = run_object(&shown.run);
    object["path"] = path_of(&shown.standing);
    object["answers"] = shown.answers.as_ref().map(file_object).into();
    object["replaced_by"] = shown.replaced_by.as_ref().map(|by| by.id.to_string()).into();
    object["delivery"] = shown.delivery.as_ref().map(delivery_object).into();
    object["next"] = next_object(&shown.next);
    object
}

pub fn run_object(run: &RunRow) -> Value {
    json!({
        "run": format!("{}/{}#{}", run.partner, run.feed, run.number),
        "id": run.id.as_str(),
        "partner": run.partner,
        "feed": run.feed,
        "number": run.number,
        "kind": run.kind,
        "layout": run.layout,
        "reason": run.reason.as_str(),
        "due_at": run.due_at,
        "state": run.state.as_str(),
        "mode": run.rehearsed.as_str(),
        "name": run.name,
        "size": run.size,
        "rows": run.rows,
        "unmapped": run.unmapped,
        "ready_at": run.ready_at,
        "sent_at": run.sent_at,
        "comment": run.comment,
    })
}

pub fn command_object(command: &CommandRow) -> Value {
    json!({
        "id": command.id.as_str(),
        "verb": command.verb,
        "who": command.who,
        "at": command.at,
        "comment": command.comment,
        "outcome": command.outcome,
        "done_at": command.done_at,
    })
}

pub fn next_object(steps: &[NextStep]) -> Value {
    steps.iter().map(|step| json!({ "why": step.why, "command": step.command })).collect::<Vec<_>>().into()
}

fn path_of(standing: &Standing) -> Value {
    match standing {
        Standing::At(path) => path_text(Some(path)),
        Standing::InArchive(..)
        | Standing::Missing(_)
        | Standing::NoLongerKept
        | Standing::Vanished
        | Standing::CameBack => Value::Null,
    }
}

/// Where it was packed.
fn archive_of(standing: &Standing) -> Value {
    match standing {
        Standing::InArchive(path, name) => json!({ "path": path_text(Some(path)), "name": name }),
        _ => Value::Null,
    }
}

fn path_text(path: Option<&PathBuf>) -> Value {
    path.map(|path| path.to_string_lossy().into_owned()).into()
}
