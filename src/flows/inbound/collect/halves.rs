//! What came of a large file before its line broke: kept in tmp/ for the next connection, which goes on where it ended. The last
//! bytes that came are asked for once more and compared, since a server may begin at the first byte all the same. Lost with the
//! process; the next start removes it and fetches the file from its first byte.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::edges::remote::Gate;
use crate::edges::spool::{Arriving, Parked, Spool, SpoolError};
use crate::edges::store::ledger::CollectNo;

/// Less is fetched again sooner than asked for twice.
const WORTH_BYTES: u64 = 1024 * 1024;
/// Compared at the seam.
const SEAM_BYTES: usize = 4 * 1024;
/// Each is an open file of any size.
const HALVES_MAX: usize = 4;

/// Shared by all carriers: another one may go on.
#[derive(Default)]
pub struct Halves {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// The oldest first.
    halves: Vec<(CollectNo, Body)>,
    /// Their server does not go on, or not where it is asked to.
    whole_only: HashSet<CollectNo>,
}

impl Halves {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn take(&self, file: CollectNo) -> Option<Body> {
        let mut kept = self.kept();
        let at = kept.halves.iter().position(|(known, _)| *known == file)?;
        Some(kept.halves.remove(at).1)
    }

    pub fn keep(&self, file: CollectNo, body: Body) {
        let mut kept = self.kept();
        if body.bytes < WORTH_BYTES || kept.whole_only.contains(&file) {
            return;
        }
        if kept.halves.len() == HALVES_MAX {
            kept.halves.remove(0);
        }
        kept.halves.push((file, body));
    }

    pub fn only_whole(&self, file: CollectNo) {
        self.kept().whole_only.insert(file);
    }
}

/// A file on its way into tmp/.
pub struct Body {
    arriving: Arriving,
    bytes: u64,
    /// The last that came.
    tail: Vec<u8>,
}

impl Body {
    pub fn new(spool: &Spool, small: Option<usize>) -> Result<Body, SpoolError> {
        Ok(Body { arriving: spool.arriving(small)?, bytes: 0, tail: Vec::new() })
    }

    pub fn failed(&self, spool: &Spool, error: io::Error) -> SpoolError {
        self.arriving.failed(spool, error)
    }

    pub fn park(self, spool: &Spool) -> Result<Parked, SpoolError> {
        self.arriving.park(spool)
    }

    fn add(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.arriving.write(bytes)?;
        let came = &bytes[..count];
        self.bytes += count as u64;
        let keeps = SEAM_BYTES.saturating_sub(count).min(self.tail.len());
        self.tail.drain(..self.tail.len() - keeps);
        self.tail.extend_from_slice(&came[count.saturating_sub(SEAM_BYTES)..]);
        Ok(count)
    }
}

/// Takes the bytes of one connection. A stop that will not wait cuts them: the claim stays and is fetched by the next start.
pub struct Taking<'g> {
    pub body: Body,
    gate: &'g Gate,
    /// Of the seam, still to be compared.
    seam: Vec<u8>,
    /// Other bytes came there.
    pub is_another: bool,
}

impl<'g> Taking<'g> {
    pub fn new(body: Body, gate: &'g Gate) -> Taking<'g> {
        let seam = if body.bytes > 0 { body.tail.clone() } else { Vec::new() };
        Taking { body, gate, seam, is_another: false }
    }

    /// From which byte on it is asked for.
    pub fn from(&self) -> u64 {
        self.body.bytes - self.seam.len() as u64
    }
}

impl Write for Taking<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gate.is_cut() {
            return Err(io::Error::other("the program stops"));
        }
        if self.seam.is_empty() {
            return self.body.add(bytes);
        }
        let count = bytes.len().min(self.seam.len());
        self.is_another |= bytes[..count] != self.seam[..count];
        if self.is_another {
            return Err(io::Error::other("it does not go on where it ended"));
        }
        self.seam.drain(..count);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.body.arriving.flush()
    }
}
