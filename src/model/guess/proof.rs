//! The proposal read against the very sample it was made of: what it leaves open is said before a person finds out.

use std::io::{self, Cursor};

use super::{Guess, Sample, layout_text};
use crate::model::batch::Batch;
use crate::model::kind::Kinds;
use crate::model::layout::own::shipped_texts;
use crate::model::layout::{DecodeContext, Refused, Sink, Spill, Stop, read_extended};

/// What a sample became.
#[derive(Default)]
struct Read {
    good: u64,
    refused: u64,
    first: Option<String>,
}

impl Sink for Read {
    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        self.good += batch.messages().count() as u64;
        batch.clear();
        Ok(batch)
    }

    fn refused(&mut self, message: Refused) -> Result<(), Stop> {
        self.refused += 1;
        if self.first.is_none() {
            self.first = message.problems.first().map(ToString::to_string);
        }
        Ok(())
    }
}

/// Reads each sample with what is proposed, and notes what it would not take.
pub fn prove(
    guess: &mut Guess,
    samples: &[Sample<'_>],
    kinds: &Kinds,
    spill: &dyn Fn() -> io::Result<Box<dyn Spill>>,
) -> io::Result<()> {
    let text = layout_text(guess, "guessed", &[]);
    let (layout, _) = match read_extended("guessed.toml", &text, kinds, &shipped_texts()) {
        Ok(read) => read,
        Err(problems) => {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            guess.notes.insert(0, format!("What is proposed is no layout yet: {first}"));
            return Ok(());
        }
    };
    for sample in samples {
        let mut read = Read::default();
        let context = DecodeContext { file_name: sample.name, zone: chrono_tz::UTC, spill };
        let decoded = layout.decode(&mut Cursor::new(sample.bytes), &context, &mut read)?;
        let first = decoded.fatal.kept().first().map(ToString::to_string).or(read.first);
        match first {
            Some(first) if read.good == 0 => {
                guess.notes.insert(0, format!("Nothing of {} is read with it yet: {first}", sample.name));
            }
            Some(first) => guess.notes.insert(
                0,
                format!(
                    "Of {}, {} of {} messages are read with it: {first}",
                    sample.name,
                    read.good,
                    read.good + read.refused
                ),
            ),
            None => {}
        }
    }
    Ok(())
}
