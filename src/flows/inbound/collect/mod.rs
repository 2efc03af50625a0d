//! Files of remotes on their way in: looked for (`look`), known to the ledger with the names they get there before they get
//! them (`claiming`, the commit K1), fetched whole into work/ (`fetching`), judged like any other (the round's commit is K2),
//! and only then removed, moved or renamed there (`after`, K3).
//!
//! The loop decides and commits; what is done at a remote is a job for a carrier, which reports. A job names what a commit has
//! named before. It knows no threads: those are the daemon's.

pub mod after;
pub mod claiming;
mod comparing;
pub mod fetching;
mod found;
mod halves;
pub mod listing;
pub mod look;
mod noticing;
mod setbacks;
mod together;

use crate::edges::remote::{Gate, Remote};
use crate::edges::spool::Spool;
use crate::edges::store::FileNo;
use crate::edges::store::ledger::CollectNo;
use crate::flows::carried::End;
use crate::model::remote::Folder;

pub use after::{Owed, Settlement};
pub use comparing::Compared;
pub use fetching::{Fetched, ToFetch};
pub use halves::Halves;
pub use listing::Listing;
pub use look::{Doubtful, RemoteDesk, Sighted};

/// What a carrier is asked to do.
#[derive(Debug)]
pub enum Job {
    /// `source`: the intake that looks.
    Look {
        source: String,
        folder: Folder,
    },
    /// What stays there and may be another by now.
    Compare {
        source: String,
        folder: Folder,
        files: Vec<Doubtful>,
    },
    /// In the order they are to be read.
    Collect {
        source: String,
        files: Vec<ToFetch>,
    },
    After {
        files: Vec<Owed>,
    },
}

/// What came of it.
#[derive(Debug)]
pub enum Report {
    Looked { source: String, listing: Option<Listing> },
    Compared { source: String, found: Compared },
    Collected { source: String, files: Vec<(FileNo, Fetched)> },
    After { files: Vec<(CollectNo, Settlement)> },
}

impl Job {
    /// Nothing of it was tried.
    pub fn not_tried(self) -> Report {
        match self {
            Job::Look { source, .. } => Report::Looked { source, listing: None },
            Job::Compare { source, .. } => Report::Compared { source, found: Compared::default() },
            Job::Collect { source, files } => {
                let files = files.into_iter().map(|file| (file.file, Fetched::NotTried)).collect();
                Report::Collected { source, files }
            }
            Job::After { files } => {
                Report::After { files: files.into_iter().map(|file| (file.no, Settlement::NotTried)).collect() }
            }
        }
    }
}

/// In a carrier.
pub fn carry_out(
    remote: &mut dyn Remote,
    spool: &Spool,
    job: Job,
    (gate, halves): (&Gate, &Halves),
) -> (Report, Option<End>) {
    match job {
        Job::Look { source, folder } => match listing::list(remote, &folder) {
            Ok(listing) => (Report::Looked { source, listing: Some(listing) }, None),
            Err(fault) => (Report::Looked { source, listing: None }, Some(End::Theirs(fault))),
        },
        Job::Compare { source, folder, files } => {
            let (found, end) = comparing::compare(remote, &folder, &files, gate);
            (Report::Compared { source, found }, end)
        }
        Job::Collect { source, files } => {
            let (files, end) = fetching::fetch(remote, spool, files, (gate, halves));
            (Report::Collected { source, files }, end)
        }
        Job::After { files } => {
            let (files, end) = after::carry_out(remote, files, gate);
            (Report::After { files }, end)
        }
    }
}
