//! Orders of the command line to the daemon: a file each in commands/, written whole, named by an id so that they are
//! carried out in the order they were given. What is in one is none of the spool's business.

use std::ops::ControlFlow;

use super::error::Result;
use super::step::{Existing, Lasting};
use super::{Place, Spool, State};
use crate::model::ids::Id;

pub(super) const ENDING: &str = ".command";
/// A command naming 1,000 files stays far below.
const COMMAND_MAX_BYTES: u64 = 1 << 20;
/// So many are picked up at once; the rest at the next look.
const PICKED_UP_MAX: usize = 1_000;

/// A command file, by its name; and what is in it, where it can be read.
#[derive(Debug)]
pub struct Command {
    pub id: Id,
    pub bytes: Result<Vec<u8>>,
}

impl Spool {
    /// On the disk when this returns.
    pub fn drop_command(&self, id: Id, bytes: &[u8]) -> Result<()> {
        self.write((Place::Commands, &file_name(id)), bytes, Existing::Refuse, Lasting::Now)
    }

    /// What waits, oldest first.
    pub fn commands(&self) -> Result<Vec<Command>> {
        let mut ids = Vec::new();
        self.walk(State::Commands, &mut |found| {
            ids.extend(found.id);
            ControlFlow::Continue(())
        })?;
        ids.sort_unstable();
        ids.truncate(PICKED_UP_MAX);
        let read = |id| Command { id, bytes: self.read_whole(Place::Commands, &file_name(id), COMMAND_MAX_BYTES) };
        Ok(ids.into_iter().map(read).collect())
    }

    /// After its row is committed.
    pub fn remove_command(&self, id: Id) -> Result<()> {
        self.remove(Place::Commands, &file_name(id))
    }
}

fn file_name(id: Id) -> Vec<u8> {
    format!("{id}{ENDING}").into_bytes()
}
