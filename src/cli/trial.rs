//! `layout try`: record by record what a file would become with a layout, with the partner's names beside ours.
//! Nothing is stored.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use serde_json::{Value, json};

use super::args::Try;
use super::arrival;
use super::ends::{End, Outcome};
use super::page::{Columns, Page, safe};
use super::setting;
use super::translate::{problem_object, read};
use crate::flows::moments;
use crate::model::batch::{Batch, Message};
use crate::model::diagnostic::{Diagnostics, Problem};
use crate::model::json;
use crate::model::layout::{Decoded, Layout, Refused, Sink, Stop};
use crate::model::syntax::encoding::Encoding;

pub fn try_layout(page: &mut Page<'_>, config: &Path, asked: &Try) -> Outcome {
    let (layout, zone) = setting::layout_of(config, &asked.layout, asked.partner.as_deref())?;
    let mut end = End::Well;
    let companions = arrival::companions(config, &layout, asked.partner.as_deref(), &asked.companion)?;
    for one in arrival::to_read(&companions, &layout, &asked.files)? {
        let mut trial = Trial {
            layout: &layout,
            page,
            name: one.name(),
            left: asked.limit,
            problems: Diagnostics::default(),
            refused: 0,
            failed: None,
            lines: Lines::of(&one.files[0]),
        };
        let read = read(&layout, zone, &one, &mut trial)?;
        trial.failed.take().map_or(Ok(()), Err)?;
        if trial.end(&read)? > 0 {
            end = End::Refused;
        }
    }
    Ok(end)
}

/// Shows record by record what a file would become.
struct Trial<'t, 'p> {
    layout: &'t Layout,
    page: &'t mut Page<'p>,
    name: String,
    /// Messages that are still shown.
    left: u32,
    problems: Diagnostics,
    refused: u64,
    failed: Option<io::Error>,
    lines: Lines,
}

/// The file once more, for the lines in which problems stand; what comes by standard input cannot be read twice.
struct Lines(Option<File>);

impl Lines {
    /// A longer line is cut: it is shown, not repeated.
    const SHOWN_BYTES: u64 = 240;

    fn of(path: &Path) -> Self {
        Lines(File::open(path).ok().filter(|_| path != Path::new("-")))
    }

    /// The line that begins there, up to its end.
    fn at(&mut self, byte: u64, encoding: &Encoding) -> Option<String> {
        let file = self.0.as_mut()?;
        file.seek(SeekFrom::Start(byte)).ok()?;
        let mut bytes = Vec::new();
        file.take(Self::SHOWN_BYTES).read_to_end(&mut bytes).ok()?;
        let is_cut = bytes.len() as u64 == Self::SHOWN_BYTES;
        let end = bytes.iter().position(|b| matches!(b, b'\n' | b'\r'));
        bytes.truncate(end.unwrap_or(bytes.len()));
        let mut text = String::new();
        if encoding.decode(&bytes, &mut text).is_err() {
            text = String::from_utf8_lossy(&bytes).into_owned();
        }
        Some(format!("{}{}", text.trim_end(), if is_cut && end.is_none() { " …" } else { "" }))
    }
}

impl Sink for Trial<'_, '_> {
    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        for message in batch.messages() {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            let shown = self.message(message);
            self.stop_on(shown)?;
        }
        batch.clear();
        Ok(batch)
    }

    fn refused(&mut self, message: Refused) -> Result<(), Stop> {
        self.refused += 1;
        let shown = self.bad(&message);
        message.problems.into_iter().for_each(|problem| self.problems.add(problem));
        self.stop_on(shown)
    }
}

impl Trial<'_, '_> {
    fn stop_on(&mut self, shown: io::Result<()>) -> Result<(), Stop> {
        shown.map_err(|error| {
            self.failed = Some(error);
            Stop
        })
    }

    fn message(&mut self, message: Message<'_>) -> io::Result<()> {
        let origin = message.origin();
        let object = json::to_json(message);
        if self.page.json {
            return self.page.object(&json!({ "number": origin.number, "line": origin.line, "message": object }));
        }
        self.page.line(format!("{} {} at line {}", message.kind().name, origin.number, origin.line))?;
        let mut columns = Columns::new(&["    our field", "value", "theirs"]);
        let mut cells = Vec::new();
        flatten(&object, "", "", &mut cells);
        for (path, plain, value) in cells {
            let value = if value.is_empty() { "(empty)".to_string() } else { value };
            let theirs = message.kind().path(&plain).map(|(group, field)| self.layout.column_of(group, field));
            columns.row([format!("    {path}"), value, theirs.unwrap_or_default().to_string()]);
        }
        self.page.table(columns)
    }

    fn bad(&mut self, message: &Refused) -> io::Result<()> {
        if self.page.json {
            let problems: Vec<Value> = message.problems.iter().map(|p| problem_object(&self.name, p)).collect();
            return self.page.object(
                &json!({ "number": message.number, "line": message.line, "key": message.key, "problems": problems }),
            );
        }
        self.page.line(format!(
            "! {} {} at line {} is refused{}",
            self.layout.kind.name,
            message.number,
            message.line,
            if message.key.is_empty() { String::new() } else { format!(": {}", safe(&message.key)) }
        ))?;
        message.problems.iter().try_for_each(|problem| self.marked("    ", problem))
    }

    /// A problem, and below it the line it stands in.
    fn marked(&mut self, indent: &str, problem: &Problem) -> io::Result<()> {
        self.page.line(safe(&format!("{indent}! {problem} [{}]", problem.code)))?;
        // A cell of a sheet stands in no line that could be shown.
        if problem.place.line == 0 || problem.place.spoken.is_some() {
            return Ok(());
        }
        match self.lines.at(problem.place.byte, &self.layout.encoding) {
            Some(line) => self.page.line(safe(&format!("{indent}  {} | {line}", problem.place.line))),
            None => Ok(()),
        }
    }

    /// The summary; how much is wrong.
    fn end(&mut self, read: &Decoded) -> io::Result<u64> {
        let wrong = self.refused + read.fatal.total();
        if self.page.json {
            let fatal: Vec<Value> = read.fatal.kept().iter().map(|p| problem_object(&self.name, p)).collect();
            self.page.object(&json!({
                "file": self.name,
                "layout": self.layout.id,
                "messages": read.messages,
                "refused": self.refused,
                "file_problems": fatal,
                "codes": self.problems.counts().iter().map(|(code, count)| json!({ "code": code, "count": count })).collect::<Vec<_>>(),
            }))?;
            return Ok(wrong);
        }
        for problem in read.fatal.kept() {
            self.marked("", problem)?;
        }
        let good = read.messages - self.refused.min(read.messages);
        self.page.line(format!(
            "{}: {} read, {} refused with layout {}.",
            self.name,
            moments::count(good, "message", "messages"),
            self.refused,
            self.layout.id
        ))?;
        if !read.fatal.is_empty() {
            self.page.line("An intake would take nothing of this file: its problems concern the file as a whole.")?;
        }
        for (code, count) in self.problems.counts() {
            self.page.line(format!("  {count} x {code}"))?;
        }
        Ok(wrong)
    }
}

/// Every value with its path (`lines[2].qty`), the path of its field (`lines.qty`) and its text.
pub fn flatten(value: &Value, path: &str, plain: &str, cells: &mut Vec<(String, String, String)>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let dot = if path.is_empty() { "" } else { "." };
                // A field is named by its own group alone, however deep that lies.
                let group = plain.rsplit('.').next().unwrap_or_default();
                let under = if group.is_empty() { name.clone() } else { format!("{group}.{name}") };
                flatten(value, &format!("{path}{dot}{name}"), &under, cells);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                flatten(value, &format!("{path}[{}]", index + 1), plain, cells);
            }
        }
        Value::String(text) => cells.push((path.to_string(), plain.to_string(), text.clone())),
        other => cells.push((path.to_string(), plain.to_string(), other.to_string())),
    }
}
