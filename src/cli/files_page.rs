//! `files` for people and as JSON; what a file looks like as an object is the same everywhere.

use std::io;

use serde_json::{Map, Value, json};

use super::page::{Columns, Page};
use crate::edges::store::ledger::{FileRow, FileState};
use crate::flows::files::{FileList, came};
use crate::flows::moments;
use crate::flows::waiting::WaitingFile;
use crate::model::verdict::Verdict;

pub fn print(page: &mut Page<'_>, list: &FileList, strays: &[WaitingFile], narrowed: bool) -> io::Result<()> {
    table(page, list, narrowed)?;
    strays.iter().try_for_each(|stray| {
        page.line(super::page::safe(&format!("Not taken: {}", super::status_page::waiting_line(stray, true))))
    })
}

fn table(page: &mut Page<'_>, list: &FileList, narrowed: bool) -> io::Result<()> {
    if list.files.is_empty() {
        return page.line(if narrowed { "No such file has come." } else { "No file has come yet." });
    }
    let mut columns = Columns::new(&["came", "from", "name", "verdict", "reason", "id"]);
    for listed in &list.files {
        let file = &listed.file;
        columns.row([
            page.when_stored(Some(&came(file))),
            from(file),
            file.name.clone(),
            outcome(file),
            listed.reason.clone(),
            file.id.to_string(),
        ]);
    }
    page.table(columns)?;
    let shown = list.files.len() as u64;
    if list.total > shown {
        page.line(format!("The newest {shown} of {}; --limit {} shows all.", list.total, list.total))?;
    }
    Ok(())
}

/// `shop/orders`; from a remote `shop/orders at shop/ftp:in`.
fn from(file: &FileRow) -> String {
    let intake = format!("{}/{}", file.partner, file.intake);
    if file.origin.contains(':') { format!("{intake} at {}", file.origin) } else { intake }
}

/// `47 accepted, 3 refused`, or what it waits for.
pub fn outcome(file: &FileRow) -> String {
    match (file.state, file.verdict) {
        (FileState::Seen, _) | (FileState::Judged, None) => "not judged yet".to_string(),
        (FileState::Vanished, _) => "vanished".to_string(),
        (FileState::Judged, Some(verdict)) => {
            let parts: Vec<String> = Verdict::ALL
                .into_iter()
                .filter(|v| file.counts.get(*v) > 0)
                .map(|v| format!("{} {v}", file.counts.get(v)))
                .collect();
            let told = if parts.is_empty() { verdict.to_string() } else { parts.join(", ") };
            match (file.rehearsed.writes(), file.rehearsal_closed) {
                (true, _) => told,
                (false, false) => format!("would have {told} ({})", file.rehearsed.as_str()),
                (false, true) => format!("would have {told} ({}, closed)", file.rehearsed.as_str()),
            }
        }
    }
}

pub fn object(list: &FileList, strays: &[WaitingFile]) -> Value {
    let files: Vec<Value> = list
        .files
        .iter()
        .map(|listed| {
            let mut object = file_object(&listed.file);
            object["reason"] = listed.reason.as_str().into();
            object
        })
        .collect();
    let strays: Vec<Value> = strays.iter().map(|stray| super::status_page::waiting_object(stray, true)).collect();
    json!({ "total": list.total, "files": files, "strays": strays })
}

pub fn file_object(file: &FileRow) -> Value {
    json!({
        "id": file.id.as_str(),
        "name": file.name,
        "partner": file.partner,
        "intake": file.intake,
        "origin": file.origin,
        "first_seen": file.first_seen,
        "came": came(file),
        "size": file.size,
        "state": file.state.as_str(),
        "verdict": file.verdict.map(Verdict::as_str),
        "messages": counts_object(file),
        "code": file.code,
        "kind": file.kind,
        "layout": file.layout,
        "as_of": file.as_of,
        "decided_at": file.decided_at,
        "rows_written": file.rows_written,
        "rows_taken": file.rows_taken,
        "attempts": file.attempts,
        "returns_of": file.returns_of.map(|id| id.to_string()),
        "comment": file.comment,
        "mode": file.rehearsed.as_str(),
        "rehearsal_closed": file.rehearsal_closed,
    })
}

fn counts_object(file: &FileRow) -> Value {
    let mut counts = Map::new();
    for verdict in Verdict::ALL {
        counts.insert(verdict.to_string(), file.counts.get(verdict).into());
    }
    Value::Object(counts)
}

/// What a file is, in a line above what is told of it.
pub fn headline(page: &Page<'_>, file: &FileRow) -> String {
    format!(
        "{}  {}  from {}/{}, came {}, {}",
        super::page::safe(&file.name),
        file.id,
        file.partner,
        file.intake,
        page.when_stored(Some(&came(file))),
        moments::size(file.size)
    )
}
