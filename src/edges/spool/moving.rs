//! Moves that are made while their caller goes on. One thread for as long as the program runs, like that of the syncs.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::error::{Result, SpoolError, shown};
use super::step::rename_new;
use super::{Place, Spool};
use crate::edges::fault;

/// One rename that never overwrites. The folder it goes to is not made.
pub struct Move {
    from: PathBuf,
    to: PathBuf,
}

/// What became of each move.
type Outcomes = Vec<Result<()>>;

type Question = (Vec<Result<Move>>, Sender<Outcomes>);

/// The thread that moves, in the order it is asked. Dropping it waits for what is under way: the spool is ours until then.
pub struct Mover {
    asked: Option<Sender<Question>>,
    thread: Option<JoinHandle<()>>,
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
    pub fn start() -> io::Result<Mover> {
        let (asked, questions) = channel::<Question>();
        let thread = std::thread::Builder::new().name("move".into()).spawn(move || {
            for (moves, answer) in questions {
                // Who does not wait any more finds out by looking.
                let outcomes = moves.into_iter().map(|step| step.and_then(|step| step.make())).collect();
                let _ = answer.send(outcomes);
            }
        })?;
        Ok(Mover { asked: Some(asked), thread: Some(thread) })
    }

    pub fn begin(&self, moves: Vec<Move>) -> Moving {
        let (answer, done) = channel();
        // Asked here and not on the thread, so that the calls of a rig come in one order.
        let moves = moves.into_iter().map(|step| match fault::point("spool.rename") {
            Ok(()) => Ok(step),
            Err(error) => Err(step.failed(error)),
        });
        if let Some(asked) = &self.asked {
            // A closed channel means that the thread is gone; `wait` says so.
            let _ = asked.send((moves.collect(), answer));
        }
        Moving { done }
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        self.asked = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Move {
    fn make(self) -> Result<()> {
        rename_new(&self.from, &self.to).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> SpoolError {
        SpoolError::new(format!("rename {} to {}", shown(&self.from), shown(&self.to)), error)
    }
}

impl Spool {
    pub fn move_of(&self, from: (Place<'_>, &[u8]), to: (Place<'_>, &[u8])) -> Result<Move> {
        Ok(Move { from: self.path(from.0, from.1)?, to: self.path(to.0, to.1)? })
    }
}
