//! Moves that are made while their caller goes on. One thread for as long as the program runs, like that of the syncs.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::error::{Result, SpoolError};
use super::{Place, Spool};

/// One rename that never overwrites. The folder it goes to is not made.
pub struct Move {
    from: PathBuf,
    to: PathBuf,
}

/// What became of each move.
type Outcomes = Vec<Result<()>>;

/// The thread that moves, in the order it is asked; it ends when this is dropped.
pub struct Mover {
    asked: Sender<(Vec<Move>, Sender<Outcomes>)>,
}

/// Moves under way.
#[must_use = "nothing is known to be moved before `wait` returned"]
pub struct Moving {
    done: Receiver<Outcomes>,
}

impl Moving {
    /// In the order of the moves.
    pub fn wait(self) -> Result<Outcomes> {
        let gone = |_| SpoolError::new("move".to_string(), io::Error::other("the thread that moves has ended"));
        self.done.recv().map_err(gone)
    }
}

impl Mover {
    pub fn start(spool: Arc<Spool>) -> io::Result<Mover> {
        let (asked, questions) = channel::<(Vec<Move>, Sender<Outcomes>)>();
        std::thread::Builder::new().name("move".into()).spawn(move || {
            for (moves, answer) in questions {
                // Who does not wait any more finds out by looking.
                let _ = answer.send(moves.iter().map(|step| spool.rename_paths(&step.from, &step.to)).collect());
            }
        })?;
        Ok(Mover { asked })
    }

    pub fn begin(&self, moves: Vec<Move>) -> Moving {
        let (answer, done) = channel();
        // A closed channel means that the thread is gone; `wait` says so.
        let _ = self.asked.send((moves, answer));
        Moving { done }
    }
}

impl Spool {
    pub fn move_of(&self, from: (Place<'_>, &[u8]), to: (Place<'_>, &[u8])) -> Result<Move> {
        Ok(Move { from: self.path(from.0, from.1)?, to: self.path(to.0, to.1)? })
    }
}
