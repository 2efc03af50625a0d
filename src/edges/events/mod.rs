//! What the program tells its operators while it runs: one line an event on stderr, from a closed vocabulary. A line begins
//! with the id of what it is about (a file, a run, a command; `-` when it is the program itself), then the event, then
//! `key=value`. Names of partners are escaped, so that nobody writes into our log. A log that cannot be written stops nothing.

mod vocabulary;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value as Json};

pub use vocabulary::{Event, Key, Level};

use crate::model::ids::Id;

/// Longer values are cut: a reason has its whole text in its file.
const VALUE_CHARS_MAX: usize = 1_000;

/// More lines than this are not kept to be written together.
const KEPT_BYTES: usize = 64 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Plain,
    /// One JSON object a line.
    Json,
}

/// Where events go. One for the whole program, shared by reference.
pub struct Events {
    format: Format,
    out: Mutex<Out>,
}

struct Out {
    to: Box<dyn Write + Send>,
    /// Lines of a moment in which they are written together.
    kept: Option<String>,
    /// How often each event was told, by the intake or feed it was about.
    counted: BTreeMap<(Event, String), u64>,
}

/// While it lives, lines are kept; its end writes them.
pub struct Together<'e>(&'e Events);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    Text(Cow<'a, str>),
    /// A file name: raw bytes.
    Bytes(&'a [u8]),
    Number(i64),
}

impl Events {
    pub fn to_stderr(format: Format) -> Events {
        Events::to(format, Box::new(std::io::stderr()))
    }

    pub fn to(format: Format, out: Box<dyn Write + Send>) -> Events {
        Events { format, out: Mutex::new(Out { to: out, kept: None, counted: BTreeMap::new() }) }
    }

    /// `item`: the id of what it is about; empty for the program itself.
    pub fn tell(&self, at: DateTime<Utc>, item: &str, event: Event, fields: &[(Key, Value<'_>)]) {
        let at = at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let item = if item.is_empty() { "-" } else { item };
        let line = match self.format {
            Format::Plain => plain(&at, item, event, fields),
            Format::Json => json(&at, item, event, fields),
        };
        let mut out = self.lock();
        *out.counted.entry((event, source(fields))).or_default() += 1;
        match &mut out.kept {
            Some(kept) if kept.len() < KEPT_BYTES => kept.push_str(&line),
            Some(kept) => {
                let lines = std::mem::take(kept) + &line;
                out.write(&lines);
            }
            None => out.write(&line),
        }
    }

    /// How often each event was told, by the intake or feed it was about; without either, by nothing.
    pub fn counted(&self) -> Vec<(Event, String, u64)> {
        self.lock().counted.iter().map(|((event, source), count)| (*event, source.clone(), *count)).collect()
    }

    /// For a moment that is soon over: each write wakes whoever reads the log, and that takes longer than a small file.
    pub fn together(&self) -> Together<'_> {
        self.lock().kept.get_or_insert_default();
        Together(self)
    }

    fn lock(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Out {
    /// One write, so that lines of several processes on one terminal stay whole. Nobody is left to be told of a failure.
    fn write(&mut self, lines: &str) {
        let _ = self.to.write_all(lines.as_bytes()).and_then(|()| self.to.flush());
    }
}

impl Drop for Together<'_> {
    fn drop(&mut self) {
        let mut out = self.0.lock();
        if let Some(lines) = out.kept.take().filter(|lines| !lines.is_empty()) {
            out.write(&lines);
        }
    }
}

/// `partner/intake` or `partner/feed`, as the configuration names it: nothing that a partner could make up.
fn source(fields: &[(Key, Value<'_>)]) -> String {
    let text = |wanted: Key| fields.iter().find(|(key, _)| *key == wanted).map(|(_, value)| value.text());
    match (text(Key::Partner), text(Key::Intake).or_else(|| text(Key::Feed))) {
        (_, Some(source)) if source.contains('/') => source.into_owned(),
        (Some(partner), Some(part)) => format!("{partner}/{part}"),
        (Some(partner), None) => partner.into_owned(),
        (None, source) => source.map(Cow::into_owned).unwrap_or_default(),
    }
}

fn plain(at: &str, item: &str, event: Event, fields: &[(Key, Value<'_>)]) -> String {
    let mut line = String::new();
    push_value(&mut line, item);
    line.push(' ');
    line.push_str(event.as_str());
    if event.level() > Level::Info {
        line.push_str(" level=");
        line.push_str(event.level().as_str());
    }
    for (key, value) in fields {
        line.push(' ');
        line.push_str(key.as_str());
        line.push('=');
        push_value(&mut line, &value.text());
    }
    line.push_str(" at=");
    line.push_str(at);
    line.push('\n');
    line
}

fn json(at: &str, item: &str, event: Event, fields: &[(Key, Value<'_>)]) -> String {
    let mut object = Map::new();
    let mut put = |key: &str, value: Json| _ = object.insert(key.to_owned(), value);
    put("item", item.into());
    put("event", event.as_str().into());
    put("level", event.level().as_str().into());
    for (key, value) in fields {
        match value {
            Value::Number(number) => put(key.as_str(), (*number).into()),
            text => put(key.as_str(), text.text().into_owned().into()),
        }
    }
    put("at", at.into());
    let mut line = Json::Object(object).to_string();
    line.push('\n');
    line
}

impl Value<'_> {
    /// Cut, and with bytes that are no UTF-8 as `\xNN`.
    fn text(&self) -> Cow<'_, str> {
        let text = match self {
            Value::Text(text) => Cow::Borrowed(text.as_ref()),
            Value::Number(number) => Cow::Owned(number.to_string()),
            Value::Bytes(bytes) => readable(bytes),
        };
        match text.char_indices().nth(VALUE_CHARS_MAX) {
            Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
            None => text,
        }
    }
}

fn readable(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    Cow::Owned(text)
}

/// Bare where that is unmistakable, else in quotes with `\"`, `\\`, `\n` and `\u{…}`.
fn push_value(line: &mut String, value: &str) {
    let is_bare = |c: char| !c.is_whitespace() && !is_invisible(c) && !matches!(c, '"' | '=' | '\\');
    if !value.is_empty() && value.chars().all(is_bare) {
        line.push_str(value);
        return;
    }
    line.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => line.extend(['\\', c]),
            c if is_invisible(c) => line.extend(c.escape_default()),
            c => line.push(c),
        }
    }
    line.push('"');
}

/// Control characters, and those that turn or hide what stands around them.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Value::Text(Cow::Owned(text))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Value::Bytes(bytes)
    }
}

impl<'a> From<&'a Id> for Value<'a> {
    fn from(id: &'a Id) -> Self {
        Value::Text(Cow::Borrowed(id.as_str()))
    }
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Value::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Value::Number(number.into())
    }
}

impl From<usize> for Value<'_> {
    fn from(number: usize) -> Self {
        Value::from(number as u64)
    }
}
