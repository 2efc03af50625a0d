//! A sync that runs while its caller goes on: the slowest step of a small file, and nothing has to wait for it before the
//! commit. One thread for as long as the program runs: beginning a thread costs more than a small file's reading. It tells
//! nothing about what is written after the sync began.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::error::{Result, SpoolError, shown};
use super::{Place, Spool};
use crate::edges::fault;

/// What is to be on the disk.
enum What {
    /// Everything written so far.
    Everything,
    /// These, with content and name.
    Files(Vec<PathBuf>),
}

/// The thread that syncs, in the order it is asked; it ends when this is dropped.
pub struct Syncer {
    spool: Arc<Spool>,
    asked: Sender<(What, Sender<Result<()>>)>,
}

/// A sync under way.
#[must_use = "nothing is known to be on the disk before `wait` returned"]
pub struct Syncing {
    done: Receiver<Result<()>>,
}

impl Syncing {
    /// What was written before it began is on the disk when this returns.
    pub fn wait(self) -> Result<()> {
        let gone = || Err(SpoolError::new("sync", io::Error::other("the thread that syncs has ended")));
        self.done.recv().unwrap_or_else(|_| gone())
    }
}

impl Syncer {
    pub fn start(spool: Arc<Spool>) -> io::Result<Syncer> {
        let (asked, questions) = channel::<(What, Sender<Result<()>>)>();
        let its = Arc::clone(&spool);
        std::thread::Builder::new().name("sync".into()).spawn(move || {
            for (what, answer) in questions {
                // Who does not wait any more has given the round up.
                let _ = answer.send(its.carry_out(what));
            }
        })?;
        Ok(Syncer { spool, asked })
    }

    pub fn begin(&self) -> Result<Syncing> {
        self.ask("spool.sync", What::Everything)
    }

    /// Cheaper for a few files: the file system may hold much that is not ours.
    pub fn begin_of<'a>(&self, files: impl IntoIterator<Item = (Place<'a>, &'a [u8])>) -> Result<Syncing> {
        let paths = files.into_iter().map(|(place, name)| self.spool.path(place, name)).collect::<Result<_>>()?;
        self.ask("spool.sync_files", What::Files(paths))
    }

    fn ask(&self, call: &'static str, what: What) -> Result<Syncing> {
        // Asked here and not on the thread, so that the calls of a rig come in one order.
        fault::point(call).map_err(|e| SpoolError::new(format!("sync {}", shown(self.spool.root())), e))?;
        let (answer, done) = channel();
        // A closed channel means that the thread is gone; `wait` says so.
        let _ = self.asked.send((what, answer));
        Ok(Syncing { done })
    }
}

impl Spool {
    fn carry_out(&self, what: What) -> Result<()> {
        match what {
            What::Everything => self.sync_now(),
            What::Files(paths) => paths.iter().filter(|_| self.syncs).try_for_each(|path| {
                sync_file_and_folder(path).map_err(|e| SpoolError::new(format!("sync {}", shown(path)), e))
            }),
        }
    }
}

/// The file first: the name of a file whose content is lost is worth nothing.
fn sync_file_and_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
