//! `layout guess`: a layout proposed from samples, on standard output; what a person must look at first, on standard error.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};

use super::args::Guess as Asked;
use super::ends::{End, Failure, Outcome};
use super::page::{Page, safe};
use super::{setting, translate};
use crate::edges::scratch;
use crate::model::guess::{Guess, Record, Sample, guess as propose, layout_text, prove};
use crate::model::kind::shipped_kinds;
use crate::model::layout::Spill;

/// What is looked at of a sample: more rows say nothing new.
const LOOKED_AT_BYTES: u64 = 2 << 20;
const LARGEST_WORKBOOK_BYTES: u64 = 64 << 20;
/// Archives begin so, and workbooks are archives.
const ARCHIVE: &[u8] = b"PK\x03\x04";
/// An id is a name of a folder.
const LONGEST_ID: usize = 48;

pub fn guess(page: &mut Page<'_>, asked: &Asked) -> Outcome {
    let kinds = shipped_kinds();
    let kind = asked
        .kind
        .as_deref()
        .map(|name| {
            kinds.get(name).ok_or_else(|| setting::unknown(("kind-unknown", "kind"), "--kind", name, &kinds.names()))
        })
        .transpose()?;
    let mut contents = Vec::new();
    for path in &asked.files {
        contents.push((translate::shown_name(path), beginning(path)?));
    }
    let samples: Vec<Sample<'_>> = contents.iter().map(|(name, bytes)| Sample { name, bytes }).collect();
    let mut found = propose(&samples, kinds, kind).map_err(|why| {
        Failure::new(End::Refused, "not-guessed", why)
            .at(contents.first().map_or_else(String::new, |(name, _)| name.clone()))
            .expected("rows with a delimiter or of fixed width, XML, or an Excel workbook")
    })?;
    let spill = || scratch::file().map(|file| Box::new(file) as Box<dyn Spill>);
    prove(&mut found, &samples, kinds, &spill).context("reading the sample with what is proposed")?;
    let id = asked.id.clone().unwrap_or_else(|| id_of(&asked.files[0]));
    let names: Vec<String> = contents.into_iter().map(|(name, _)| name).collect();
    let text = layout_text(&found, &id, &names);
    if page.json {
        page.object(&object(&found, &text))?;
        return Ok(End::Well);
    }
    write!(page.out, "{text}")?;
    let mut err = io::stderr();
    for note in &found.notes {
        // Nobody is left to be told when that cannot be written.
        let _ = writeln!(err, "Look at: {}", safe(note));
    }
    Ok(End::Well)
}

/// Up to the last whole line of what is looked at; XML that is longer is not read at all.
fn beginning(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: io::Error| {
        Failure::from(anyhow::Error::new(error).context(format!("cannot read {}", translate::shown_name(path))))
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    let mut file = file.take(LOOKED_AT_BYTES + 1);
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.starts_with(ARCHIVE) {
        // A workbook is read whole or not at all.
        file.set_limit(LARGEST_WORKBOOK_BYTES);
        file.read_to_end(&mut bytes).map_err(unreadable)?;
    } else if bytes.len() as u64 > LOOKED_AT_BYTES {
        let end = bytes.iter().rposition(|b| *b == b'\n').map_or(bytes.len(), |at| at + 1);
        bytes.truncate(end);
    }
    Ok(bytes)
}

/// The file's name without its ending and numbers, as an id.
fn id_of(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    let plain: String = stem.chars().map(|c| if c.is_ascii_lowercase() { c } else { '-' }).take(LONGEST_ID).collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "guessed".to_string() } else { words.join("-") }
}

fn object(found: &Guess, text: &str) -> Value {
    let records: Vec<Value> = found.records.iter().map(record).collect();
    json!({
        "syntax": { "is": found.syntax.word(), "sure": found.syntax_sure, "why": found.syntax_why },
        "encoding": { "is": found.encoding, "sure": found.encoding_sure, "why": found.encoding_why },
        "kind": { "is": found.kind.name, "sure": found.kind_sure, "why": "its fields explain most columns" },
        "messages": found.messages,
        "records": records,
        "notes": found.notes,
        "text": text,
    })
}

fn record(record: &Record) -> Value {
    let fields: Vec<Value> = record
        .rows
        .iter()
        .map(|row| json!({ "place": row.place, "ours": row.ours, "form": row.form, "sure": row.sure, "why": row.why }))
        .collect();
    json!({ "name": record.name, "tag": record.tag, "fields": fields })
}
