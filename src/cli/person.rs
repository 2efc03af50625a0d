//! `person`: prints what is kept of one person, as a page or as one document.

use std::io;

use serde_json::{Value, json};

use super::args::{ByWhat, PersonCommand, Who};
use super::ends::{End, Failure, Outcome};
use super::files_page::file_object;
use super::page::{Columns, Page, safe};
use super::setting::{self, shown_path};
use crate::config::Config;
use crate::edges::store::ledger::RunRow;
use crate::flows::files::Standing;
use crate::flows::person::{By, Candidate, Person, Sought, person};
use crate::model::kind::shipped_kinds;

pub fn run(page: &mut Page<'_>, config: &Config, asked: &PersonCommand) -> Outcome {
    page.zone = config.zone;
    let (PersonCommand::Show(who) | PersonCommand::Export(who)) = asked;
    let word = who.who.trim();
    if word.is_empty() {
        return Err(Failure::new(End::Usage, "usage-wrong", "PERSON is empty")
            .expected("an e-mail address, a number of a contact or customer, or a name"));
    }
    setting::look(config, |sight| {
        let sought = person(sight, shipped_kinds(), word, by(who), who.inside)?;
        match (sought, asked) {
            (Sought::Nobody, _) => Err(nobody(word)),
            // A document of nobody in particular must not be taken for an answer.
            (Sought::Candidates(list), PersonCommand::Export(_)) => Err(in_doubt(word, &list)),
            (Sought::Candidates(list), PersonCommand::Show(_)) => {
                candidates(page, word, &list)?;
                Ok(End::Well)
            }
            (Sought::Person(person), PersonCommand::Export(_)) => {
                page.line(format!("{:#}", object(word, &page.now.to_rfc3339(), &person)))?;
                Ok(End::Well)
            }
            (Sought::Person(person), PersonCommand::Show(_)) if page.json => {
                page.object(&object(word, &page.now.to_rfc3339(), &person))?;
                Ok(End::Well)
            }
            (Sought::Person(person), PersonCommand::Show(_)) => {
                print(page, &person)?;
                Ok(End::Well)
            }
        }
    })
}

fn by(who: &Who) -> Option<By> {
    who.by.map(|what| match what {
        ByWhat::Email => By::Email,
        ByWhat::Contact => By::Contact,
        ByWhat::Customer => By::Customer,
    })
}

fn nobody(word: &str) -> Failure {
    Failure::new(End::NotFound, "person-unknown", format!("nothing is known of \"{}\"", safe(word)))
        .expected("an e-mail address, a number of a contact or customer, or a name")
        .advice("Values in other fields than those marked personal are found by nattpost find.")
}

fn in_doubt(word: &str, list: &[Candidate]) -> Failure {
    let who: Vec<String> = list.iter().map(|one| format!("{} {}", one.kind, safe(&one.key))).collect();
    Failure::new(End::Usage, "person-ambiguous", format!("\"{}\" could be {}", safe(word), who.join(", ")))
        .expected("an e-mail address or a number")
        .advice("--by contact and --by customer say whose number it is.")
}

fn candidates(page: &mut Page<'_>, word: &str, list: &[Candidate]) -> io::Result<()> {
    if page.json {
        let list = list.iter().map(|one| json!({ "kind": one.kind, "key": one.key, "personal": pairs(&one.personal) }));
        return page.object(&json!({ "asked": word, "candidates": list.collect::<Vec<_>>() }));
    }
    page.line(format!("\"{}\" could be:", safe(word)))?;
    for one in list {
        page.line(format!("  {} {}: {}", one.kind, safe(&one.key), says(&one.personal)))?;
    }
    page.line("Ask again with an e-mail address or a number; --by says whose number it is.")
}

fn print(page: &mut Page<'_>, person: &Person) -> io::Result<()> {
    for one in &person.rows {
        let file = person.files.iter().find(|(file, _)| file.no == one.row.file);
        // What a full file closed stands on no line of it.
        let from = file.map(|(file, _)| match one.row.line {
            0 => format!(", closed by {} ({})", safe(&file.name), file.id),
            line => format!(", line {line} of {} ({})", safe(&file.name), file.id),
        });
        page.line(format!("{} {}{}", one.kind.name, safe(&one.row.key), from.unwrap_or_default()))?;
        if !one.row.personal.is_empty() {
            page.line(format!("  {}", says(&one.row.personal)))?;
        }
    }
    for one in &person.messages {
        let (message, file) = (&one.message, &one.file);
        page.line(format!(
            "{} {}, message {} of {} ({}): {}",
            message.kind,
            safe(&message.key),
            message.number,
            safe(&file.name),
            file.id,
            message.verdict.as_str()
        ))?;
    }
    for login in &person.logins {
        page.line(format!(
            "a password of contact {}, set {}",
            safe(&login.contact_no),
            page.when_stored(Some(&login.set_at))
        ))?;
    }
    if person.more {
        page.line("There is more of it than is told here.")?;
    }
    places(page, person)
}

fn places(page: &mut Page<'_>, person: &Person) -> io::Result<()> {
    if !person.files.is_empty() || !person.runs.is_empty() {
        page.gap()?;
        let mut columns = Columns::new(&["id", "file", "partner", "stands"]);
        for (file, standing) in &person.files {
            let source = format!("from {}/{}", file.partner, file.intake);
            columns.row([file.id.as_str(), &safe(&file.name), &safe(&source), &stands(standing)]);
        }
        for run in &person.runs {
            columns.row([run.id.as_str(), &safe(&run.name), &safe(&format!("to {}", run.feed)), run.state.as_str()]);
        }
        page.table(columns)?;
    }
    if !person.elsewhere.is_empty() {
        page.gap()?;
        page.line("Values of these also stand in:")?;
        for (table, column, rows) in &person.elsewhere {
            page.line(format!("  {table}.{column}: {rows} rows"))?;
        }
    }
    let Some(inside) = &person.inside else { return Ok(()) };
    page.gap()?;
    page.line(format!("Of {} files of the spool {} hold one of the values:", inside.looked, inside.holding.len()))?;
    for path in &inside.holding {
        page.line(format!("  {}", shown_path(path)))?;
    }
    for (what, paths) in [("packed, not looked into", &inside.packed), ("could not be read", &inside.unread)] {
        for path in paths {
            page.line(format!("  {} ({what})", shown_path(path)))?;
        }
    }
    Ok(())
}

fn says(personal: &[(String, String)]) -> String {
    let said: Vec<String> = personal.iter().map(|(name, text)| format!("{name} {}", safe(text))).collect();
    said.join(", ")
}

fn stands(standing: &Standing) -> String {
    match standing {
        Standing::At(path) => shown_path(path),
        Standing::InArchive(path, name) => format!("in the archive {} as {}", shown_path(path), safe(name)),
        Standing::Missing(path) => format!("NOT at {}", shown_path(path)),
        Standing::NoLongerKept => "no longer kept".to_string(),
        Standing::Vanished => "vanished".to_string(),
        Standing::CameBack => "came back as another file".to_string(),
    }
}

fn pairs(personal: &[(String, String)]) -> Value {
    personal
        .iter()
        .map(|(name, text)| (name.clone(), Value::from(text.as_str())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn object(asked: &str, at: &str, person: &Person) -> Value {
    let id = |no| person.files.iter().find(|(file, _)| file.no == no).map(|(file, _)| file.id.as_str());
    let rows = person.rows.iter().map(|one| {
        json!({ "kind": one.kind.name, "key": one.row.key, "file": id(one.row.file), "line": one.row.line, "holds": one.row.holds })
    });
    let messages = person.messages.iter().map(|one| {
        let payload = one.message.payload.as_deref();
        json!({
            "kind": one.message.kind, "key": one.message.key, "file": one.file.id.as_str(), "message": one.message.number,
            "line": one.message.line, "verdict": one.message.verdict.as_str(), "code": one.message.code,
            "holds": payload.and_then(|text| serde_json::from_str::<Value>(text).ok()),
        })
    });
    let files = person.files.iter().map(|(file, standing)| {
        let mut object = file_object(file);
        object["path"] = match standing {
            Standing::At(path) => shown_path(path).into(),
            _ => Value::Null,
        };
        object
    });
    let logins = person.logins.iter().map(|one| {
        json!({ "contact_no": one.contact_no, "set_at": one.set_at, "set_by": one.set_by, "disabled_at": one.disabled_at })
    });
    let elsewhere =
        person.elsewhere.iter().map(|(table, column, rows)| json!({ "table": table, "column": column, "rows": rows }));
    let paths = |paths: &[std::path::PathBuf]| paths.iter().map(|path| shown_path(path)).collect::<Vec<_>>();
    json!({
        "asked": asked,
        "at": at,
        "rows": rows.collect::<Vec<_>>(),
        "messages": messages.collect::<Vec<_>>(),
        "more": person.more,
        "logins": logins.collect::<Vec<_>>(),
        "files": files.collect::<Vec<_>>(),
        "runs": person.runs.iter().map(run_object).collect::<Vec<_>>(),
        "elsewhere": elsewhere.collect::<Vec<_>>(),
        "inside": person.inside.as_ref().map(|inside| json!({
            "looked": inside.looked, "holding": paths(&inside.holding), "packed": paths(&inside.packed), "unread": paths(&inside.unread),
        })),
    })
}

fn run_object(run: &RunRow) -> Value {
    json!({ "id": run.id.as_str(), "feed": run.feed, "number": run.number, "name": run.name, "state": run.state.as_str(), "sent_at": run.sent_at })
}
