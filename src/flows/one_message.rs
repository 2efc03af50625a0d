//! One message of a file, read from its original as it was sent: for whoever wants to see or correct what was refused. Nothing of
//! refused messages is stored beside the original, so that a file of a million of them costs nothing. It changes nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::archiving;
use super::inbound::finish::{Decided, find_original};
use crate::edges::scratch;
use crate::edges::spool::{Role, Spool, state_name};
use crate::edges::store::ledger::FileRow;
use crate::model::batch::Batch;
use crate::model::diagnostic::Problem;
use crate::model::intake::Intake;
use crate::model::json;
use crate::model::layout::{DecodeContext, Layout, Refused, Sink, Spill, Stop, together};

/// What stands at a number of the file.
#[derive(Debug)]
pub enum Read {
    Message(Value),
    /// Its bytes make no message, so it has no fields.
    Unreadable(Vec<Problem>),
    Nothing,
}

pub fn read(spool: &Spool, (intake, layout): (&Intake, &Layout), row: &FileRow, number: u64) -> Result<Read> {
    let decided = Decided::from_row(row.clone(), None).context("it has no verdict yet")?;
    let stands = match find_original(spool, &decided)? {
        Some(place) => Some(spool.read(place, &state_name(row.id, &row.raw_name, Role::Original))?),
        None => archiving::unpacked(spool, row)?,
    };
    let Some(mut file) = stands else {
        bail!("the original of {} is not in the spool any more; have it sent again", row.name);
    };
    let spill = || scratch::file().map(|file| Box::new(file) as Box<dyn Spill>);
    let context = DecodeContext { file_name: &row.name, zone: intake.sender.zone, spill: &spill };
    let mut wanted = Wanted { number, read: Read::Nothing };
    let made = catch_unwind(AssertUnwindSafe(|| match &intake.companions {
        Some(known) => together::decode(layout, known, &mut file, &context, &mut wanted),
        None if intake.unzip => layout.decode_packed(&mut file, &context, &mut wanted),
        None => layout.decode(&mut file, &context, &mut wanted),
    }));
    match made {
        Ok(Ok(_)) => Ok(wanted.read),
        Ok(Err(error)) => Err(error).with_context(|| format!("{} cannot be read", row.name)),
        Err(_) => bail!("the program failed on reading {}", row.name),
    }
}

struct Wanted {
    number: u64,
    read: Read,
}

impl Sink for Wanted {
    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        if let Some(message) = batch.messages().find(|message| message.origin().number == self.number) {
            self.read = Read::Message(json::to_json(message));
            return Err(Stop);
        }
        batch.clear();
        Ok(batch)
    }

    fn refused(&mut self, refused: Refused) -> Result<(), Stop> {
        if refused.number == self.number {
            self.read = Read::Unreadable(refused.problems);
            return Err(Stop);
        }
        Ok(())
    }
}
