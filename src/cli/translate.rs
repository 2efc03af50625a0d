//! `decode` and `encode`: a layout at work on single files, without a spool, a store or a daemon.
//!
//! Messages go to standard output, problems to standard error; the reading and writing is the layout's.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Arc;

use chrono_tz::Tz;
use serde_json::{Value, json};

use super::args::{Decode, Encode};
use super::arrival::{self, ToRead};
use super::ends::{End, Failure, Outcome};
use super::page::{Page, safe};
use super::progress::Shown;
use super::setting;
use crate::edges::scratch;
use crate::flows::moments;
use crate::model::batch::Batch;
use crate::model::diagnostic::{Diagnostics, Problem};
use crate::model::json;
use crate::model::layout::{
    DecodeContext, Decoded, EncodeContext, EncodeError, Layout, Refused, Sink, Spill, Stop, together,
};

/// Lines that are gathered before they are written.
const ENCODED_TOGETHER: usize = 1_000;

pub fn decode(page: &mut Page<'_>, config: &Path, asked: &Decode) -> Outcome {
    let (layout, zone) = setting::layout_of(config, &asked.layout, asked.partner.as_deref())?;
    let mut end = End::Well;
    let partner = asked.partner.as_deref();
    let companions = arrival::companions(config, &layout, partner, &asked.companion)?;
    for one in arrival::to_read(&companions, &layout, &asked.files)? {
        let mut lines = Lines { page, name: one.name(), refused: 0, failed: None };
        let read = read(&layout, zone, &one, &mut lines)?;
        let (refused, failed) = (lines.refused, lines.failed.take());
        failed.map_or(Ok(()), Err)?;
        let name = one.name();
        for problem in read.fatal.kept() {
            tell(page.json, &name, problem);
        }
        if refused > 0 || !read.fatal.is_empty() {
            end = End::Refused;
            summary(page.json, &name, &read, refused);
        }
    }
    Ok(end)
}

fn summary(as_json: bool, name: &str, read: &Decoded, refused: u64) {
    let whole = if read.fatal.is_empty() { "" } else { "; an intake would take nothing of this file" };
    let counted = moments::count(read.messages, "message", "messages");
    let found = format!("{refused} of {counted} refused{whole}");
    let told = Failure::new(End::Refused, "messages-refused", found).at(name).complaint;
    let _ = if as_json { writeln!(io::stderr(), "{}", told.object()) } else { writeln!(io::stderr(), "{told}.") };
}

/// Prints messages as they come.
struct Lines<'l, 'p> {
    page: &'l mut Page<'p>,
    name: String,
    refused: u64,
    failed: Option<io::Error>,
}

impl Sink for Lines<'_, '_> {
    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        for message in batch.messages() {
            if let Err(error) = writeln!(self.page.out, "{}", json::to_line(message)) {
                self.failed = Some(error);
                return Err(Stop);
            }
        }
        batch.clear();
        Ok(batch)
    }

    fn refused(&mut self, message: Refused) -> Result<(), Stop> {
        self.refused += 1;
        message.problems.iter().for_each(|problem| tell(self.page.json, &self.name, problem));
        Ok(())
    }
}

/// One problem to standard error. Nobody is left to be told when that cannot be written.
fn tell(as_json: bool, name: &str, problem: &Problem) {
    let mut err = io::stderr();
    let _ = if as_json {
        writeln!(err, "{}", problem_object(name, problem))
    } else {
        writeln!(err, "{}", safe(&format!("{name}, {problem} [{}]", problem.code)))
    };
}

pub fn problem_object(name: &str, problem: &Problem) -> Value {
    json!({
        "file": name,
        "message": problem.message,
        "code": problem.code,
        "line": problem.place.line,
        "byte": problem.place.byte,
        "field": problem.place.field,
        "where": problem.place.spoken.as_deref().unwrap_or_default(),
        "text": problem.text,
    })
}

pub fn shown_name(path: &Path) -> String {
    safe(&path.to_string_lossy())
}

/// As an intake reads it.
pub fn read(layout: &Layout, zone: Tz, asked: &ToRead, sink: &mut dyn Sink) -> Result<Decoded, Failure> {
    if !layout.reads() {
        return Err(Failure::new(End::Usage, "layout-only-writes", format!("the layout {} does not read", layout.id))
            .expected("one that reads")
            .advice("nattpost check tells what each can do."));
    }
    let path = &asked.files[0];
    let is_packed = asked.files.len() > 1;
    let opened = if is_packed { asked.packed()? } else { open(path)? };
    let mut input = Shown::new(opened, asked.name())?;
    let file_name = asked.file_name();
    let spill = || scratch::file().map(|file| Box::new(file) as Box<dyn Spill>);
    let context = DecodeContext { file_name: &file_name, zone, spill: &spill };
    let Some(companions) = &asked.companions else {
        return layout.decode_packed(&mut input, &context, sink).map_err(|error| cannot_read(path, error));
    };
    let refused = together::refused(companions, &mut input, &file_name).map_err(|error| cannot_read(path, error))?;
    match refused {
        None => together::decode(layout, companions, &mut input, &context, sink),
        Some(refused) if is_packed || layout.files().is_some() => Ok(refused),
        // Tried alone.
        Some(_) => layout.decode_packed(&mut input, &context, sink),
    }
    .map_err(|error| cannot_read(path, error))
}

/// A file, or standard input, which must be kept since some layouts read twice.
fn open(path: &Path) -> Result<File, Failure> {
    if path != Path::new("-") {
        return File::open(path).map_err(|error| cannot_read(path, error));
    }
    let mut kept = scratch::file()?;
    io::copy(&mut io::stdin().lock(), &mut kept)?;
    io::Seek::rewind(&mut kept)?;
    Ok(kept)
}

fn cannot_read(path: &Path, error: io::Error) -> Failure {
    Failure::from(anyhow::Error::new(error).context(format!("cannot read {}", shown_name(path))))
}

pub fn encode(page: &mut Page<'_>, config: &Path, asked: &Encode) -> Outcome {
    let (layout, zone) = setting::layout_of(config, &asked.layout, asked.partner.as_deref())?;
    let input: Box<dyn BufRead> = match asked.file.as_path() {
        path if path == Path::new("-") => Box::new(io::stdin().lock()),
        path => Box::new(BufReader::new(Shown::new(open(path)?, shown_name(path))?)),
    };
    let name = shown_name(&asked.file);
    let context = EncodeContext { zone };
    let mut encoder = layout.encoder(context, page.out).map_err(|error| refused_writing(&name, error))?;
    encoder.at(chrono::Utc::now());
    let mut batch = Batch::new(Arc::clone(&layout.kind));
    let mut problems = Diagnostics::default();
    let mut number = 0;
    for (index, text) in input.lines().enumerate() {
        let text = text.map_err(|error| cannot_read(&asked.file, error))?;
        if text.trim().is_empty() {
            continue;
        }
        number += 1;
        if let Err(found) = json::read_line(&text, index as u32 + 1, number, &mut batch) {
            found.into_iter().for_each(|problem| problems.add(problem));
        }
        if batch.len() >= ENCODED_TOGETHER && problems.is_empty() {
            encoder.write(&batch).map_err(|error| refused_writing(&name, error))?;
            batch.clear();
        }
    }
    if !problems.is_empty() {
        // Without its end, what was written so far is not taken for a whole file.
        problems.kept().iter().for_each(|problem| tell(page.json, &name, problem));
        let found = format!("{}; the output is not complete", moments::count(problems.total(), "problem", "problems"));
        return Err(Failure::new(End::Refused, "messages-refused", found)
            .at(name)
            .advice("Correct the lines and encode the whole file again."));
    }
    encoder.write(&batch).and_then(|()| encoder.finish()).map_err(|error| refused_writing(&name, error))?;
    Ok(End::Well)
}

fn refused_writing(name: &str, error: EncodeError) -> Failure {
    match error {
        EncodeError::Io(error) => Failure::from(error),
        EncodeError::NotWritable { .. } => Failure::new(End::Usage, "layout-only-reads", error.to_string())
            .expected("one that writes")
            .advice("nattpost check tells what each can do."),
        EncodeError::Value { .. } => {
            Failure::new(End::Refused, "messages-refused", format!("{error}; the output is not complete")).at(name)
        }
    }
}
