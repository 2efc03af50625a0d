//! Copies in done/ past their days lose their personal fields. The ledger says first that it is being done, so that nobody
//! judges such a copy again; then a copy without them replaces the file in one step; then the ledger says that it is done.
//! After a crash in between it is done again, which changes nothing any more.
//!
//! A copy whose fields the layout cannot find stays as it is; that is told once, and tried again when the configuration of
//! the intake has changed. Held and failed files are never touched: the store does not even name them.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::Result;

use super::archiving;
use super::inbound::round::Bench;
use crate::edges::events::{Event, Key, Value};
use crate::edges::scratch;
use crate::edges::spool::{Draft, Existing, Lasting, Place, Role, State, state_name};
use crate::edges::store::ledger::FileRow;
use crate::model::intake::Intake;
use crate::model::layout::{Layout, RedactError, Spill};

/// Redacted in one go, so that a large clean-up does not hold up the files of the morning.
const FILES_AT_A_TIME: u32 = 100;
/// The go ends with the file that reaches this.
const BYTES_AT_A_TIME: u64 = 64 << 20;

/// What may still be done in this go.
pub struct Budget {
    files: u32,
    bytes: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { files: FILES_AT_A_TIME, bytes: BYTES_AT_A_TIME }
    }
}

/// What became of one copy.
enum Outcome {
    Redacted,
    /// Nothing in it is personal by what the layout says.
    Impersonal,
    /// The file is not there: somebody removed it.
    Gone,
    /// The fields were not found; why, for a person.
    NotRead(String),
}

/// Redacts copies of days before this one.
pub fn redact_before(bench: &mut Bench<'_>, intake: &Intake, day: &str, budget: &mut Budget) -> Result<()> {
    let mut rows = begin(bench, intake, day, budget)?;
    // Those of a time when they were packed.
    for row in &mut rows {
        archiving::bring_back(bench, row)?;
    }
    let mut done = Vec::with_capacity(rows.len());
    for row in rows {
        if (bench.give_up)() {
            break;
        }
        let outcome = redact(bench, intake, &row)?;
        done.push((row, outcome));
    }
    if done.is_empty() {
        return Ok(());
    }
    let tx = bench.store.begin()?;
    for (row, outcome) in &done {
        match outcome {
            Outcome::Redacted => tx.mark_redacted(row.no)?,
            Outcome::Gone => tx.mark_original_gone(row.no)?,
            Outcome::Impersonal | Outcome::NotRead(_) => tx.mark_redact_tried(row.no, intake.fingerprint)?,
        }
    }
    tx.commit()?;
    done.iter().for_each(|(row, outcome)| tell(bench, row, outcome));
    Ok(())
}

/// The copies of this go: from here on they are not judged again.
fn begin(bench: &mut Bench<'_>, intake: &Intake, day: &str, budget: &mut Budget) -> Result<Vec<FileRow>> {
    if budget.files == 0 || budget.bytes == 0 {
        return Ok(Vec::new());
    }
    let (partner, id) = (&intake.sender.partner, &intake.id);
    let mut rows = bench.store.read()?.unredacted_before(partner, id, day, intake.fingerprint, budget.files)?;
    let within = |row: &FileRow| {
        let fits = budget.bytes > 0;
        budget.files -= u32::from(fits);
        budget.bytes = budget.bytes.saturating_sub(row.size);
        fits
    };
    rows.truncate(rows.iter().map(within).take_while(|fits| *fits).count());
    if !rows.is_empty() {
        let tx = bench.store.begin()?;
        rows.iter().try_for_each(|row| tx.mark_redacting(row.no))?;
        tx.commit()?;
    }
    Ok(rows)
}

fn tell(bench: &Bench<'_>, row: &FileRow, outcome: &Outcome) {
    let mut fields = vec![(Key::Name, Value::Bytes(&row.raw_name))];
    let event = match outcome {
        Outcome::Redacted => Event::OriginalRedacted,
        Outcome::NotRead(why) => {
            fields.push((Key::Layout, Value::Text(row.layout.as_str().into())));
            fields.push((Key::Reason, Value::Text(why.as_str().into())));
            Event::OriginalUnredacted
        }
        Outcome::Impersonal | Outcome::Gone => return,
    };
    bench.events.tell(bench.now.wall, row.id.as_str(), event, &fields);
}

fn redact(bench: &Bench<'_>, intake: &Intake, row: &FileRow) -> Result<Outcome> {
    let Ok(day) = row.day.parse() else { return Ok(Outcome::Gone) };
    let place = Place::Done { partner: &row.partner, day };
    let name = state_name(row.id, &row.raw_name, Role::Original);
    if bench.spool.look(place, &name)?.is_none() {
        return Ok(Outcome::Gone);
    }
    let Some(layout) = intake.layouts.iter().find(|layout| layout.id == row.layout) else {
        let why = match row.layout.as_str() {
            "" => "no layout ever read it".to_string(),
            id => format!("the intake has no layout {id} any more; put it back into its list and it is tried again"),
        };
        return Ok(Outcome::NotRead(why));
    };
    if !layout.has_personal() {
        return Ok(Outcome::Impersonal);
    }
    let (mut original, mut again) = match (bench.spool.read(place, &name), bench.spool.read(place, &name)) {
        (Ok(original), Ok(again)) => (original, again),
        // One copy that cannot be opened holds up nothing else.
        (Err(error), _) | (_, Err(error)) => return Ok(Outcome::NotRead(format!("{:#}", anyhow::Error::new(error)))),
    };
    let spill = || scratch::file().map(|file| Box::new(file) as Box<dyn Spill>);
    let mut out = Watched { draft: bench.spool.draft(State::Done)?, failed: None };
    let made = catch_unwind(AssertUnwindSafe(|| match &intake.companions {
        Some(known) => layout.redact_together(known, (&mut original, &mut again), &mut out, &spill),
        None => layout.redact_packed(&mut original, &mut again, &mut out, &spill),
    }));
    if let Some(error) = out.failed.take() {
        return Err(out.draft.failed(error).into());
    }
    let why = match made {
        Ok(Ok(made)) if made.unread == 0 || row.counts.refused > 0 => {
            out.draft.publish(bench.spool, (place, &name), Existing::Replace, Lasting::Now)?;
            return Ok(Outcome::Redacted);
        }
        Ok(Ok(made)) => changed(layout, made.unread),
        Ok(Err(RedactError::NotRead(why))) => why,
        // No room to unpack it: everything waits, as for any other file.
        Ok(Err(RedactError::Io(error))) if error.kind() == io::ErrorKind::StorageFull => {
            return Err(out.draft.failed(error).into());
        }
        Ok(Err(RedactError::Io(error))) => format!("it cannot be read: {error}"),
        Err(_) => "the program failed on it".to_string(),
    };
    Ok(Outcome::NotRead(why))
}

/// When it came all its rows could be read.
fn changed(layout: &Layout, unread: u64) -> String {
    format!(
        "{unread} of its rows, read when it came, are no records of the layout {} as it is now; a changed format needs a layout of its own",
        layout.id
    )
}

/// Tells errors of writing from errors of reading: a full disk makes everything wait, a bad file only itself.
struct Watched {
    draft: Draft,
    failed: Option<io::Error>,
}

impl Write for Watched {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.draft.write(bytes).map_err(|error| self.note(error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.draft.flush().map_err(|error| self.note(error))
    }
}

impl Watched {
    /// An interrupted call is made again by who made it.
    fn note(&mut self, error: io::Error) -> io::Error {
        let kind = error.kind();
        if kind != io::ErrorKind::Interrupted {
            self.failed = Some(error);
        }
        kind.into()
    }
}
