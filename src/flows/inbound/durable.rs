//! How the originals of a round come to the disk before their verdicts do, at the least cost: a few small ones as copies in
//! the verdicts' own commit, larger ones by a sync that runs while they are read and applied. What a start does
//! with the copies is in `flows::recover`.

use anyhow::Result;

use super::claiming::Claimed;
use super::hashing::WHOLE_BYTES;
use crate::edges::spool::{Place, Role, Spool, Syncer, Syncing, state_name};
use crate::edges::store::Tx;

/// A round of so few bytes is copied into the ledger: its commit is the one sync that these files cost.
const COPIED_BYTES: u64 = WHOLE_BYTES;
/// So many files cost less synced one by one than with everything else on their file system.
const FEW_FILES: usize = 2;
/// Moves that may wait for their confirmation while files come one by one without a pause.
const UNCONFIRMED_FILES: usize = 500;

pub enum Durable {
    /// With the commit: the bytes that were read of each file.
    Copied(Vec<Option<Vec<u8>>>),
    /// These files are synced.
    Files(Syncing),
    /// Everything written before is synced.
    Everything(Syncing),
}

impl Durable {
    /// The files stand in work/; `unconfirmed` moves of earlier rounds wait for a sync of everything.
    pub fn begin(syncer: &Syncer, files: &[Claimed], unconfirmed: usize) -> Result<Durable> {
        let is_pressing = unconfirmed > UNCONFIRMED_FILES;
        if !is_pressing && files.iter().map(|file| file.size).sum::<u64>() <= COPIED_BYTES {
            return Ok(Durable::Copied(Vec::with_capacity(files.len())));
        }
        if is_pressing || files.len() > FEW_FILES {
            return Ok(Durable::Everything(syncer.begin()?));
        }
        let names: Vec<_> = files.iter().map(name).collect();
        let places = files.iter().map(work);
        Ok(Durable::Files(syncer.begin_of(places.zip(names.iter().map(|name| &name[..])))?))
    }

    /// The next file was read; small ones with all their bytes.
    pub fn read(&mut self, content: Option<Vec<u8>>) {
        if let Durable::Copied(contents) = self {
            contents.push(content);
        }
    }

    /// After this the commit may speak of the files. True: everything written before it is on the disk, earlier moves too.
    pub fn end(self, tx: &Tx<'_>, spool: &Spool, files: &[Claimed], has_receipts: bool) -> Result<bool> {
        // What is sent to a partner is no file of the round: it needs a sync that began after it was written.
        if has_receipts {
            spool.sync()?;
            return Ok(true);
        }
        match self {
            Durable::Everything(syncing) => syncing.wait().map(|()| true).map_err(Into::into),
            Durable::Files(syncing) => syncing.wait().map(|()| false).map_err(Into::into),
            Durable::Copied(contents) => {
                let mut is_one_missing = false;
                // One that is judged once more has been on the disk for long.
                for (file, content) in files.iter().zip(contents).filter(|(file, _)| !file.again) {
                    match content {
                        Some(content) => tx.keep_copy(file.file, &content)?,
                        // It was not read, or grew after it was looked at.
                        None => is_one_missing = true,
                    }
                }
                if is_one_missing {
                    spool.sync()?;
                }
                Ok(false)
            }
        }
    }
}

fn name(file: &Claimed) -> Vec<u8> {
    state_name(file.id, &file.raw_name, Role::Original)
}

fn work(file: &Claimed) -> Place<'_> {
    Place::Work { partner: &file.intake.sender.partner, intake: &file.intake.id }
}
