//! Numbers of runs, one after the other over all feeds and receipts. The ledger and the spool each keep the highest one
//! given; the larger counts, so that an older backup of either does not give a number twice. A number that was given and
//! not committed leaves a gap, never a double.

use anyhow::Result;

use crate::edges::spool::{Marks, Spool};
use crate::edges::store::{Snapshot, Tx};

/// The mark's name in the ledger.
const MARK: &str = "run";

/// The numbers of one commit: read, given, and kept before it.
#[derive(Debug)]
pub struct Numbers {
    last: u64,
    given: bool,
}

impl Numbers {
    pub fn read(snapshot: &Snapshot<'_>, spool: &Spool) -> Result<Numbers> {
        let last = snapshot.high_water(MARK)?.max(spool.marks()?.run);
        Ok(Numbers { last, given: false })
    }

    pub fn give(&mut self) -> u64 {
        self.last += 1;
        self.given = true;
        self.last
    }

    /// Once, just before the commit and outside of savepoints: from here on nobody gets these numbers again. On the disk in
    /// the spool when it returns, in the ledger with the commit.
    pub fn keep(self, tx: &Tx<'_>, spool: &Spool) -> Result<()> {
        if self.given {
            spool.raise_marks(Marks { order: 0, run: self.last })?;
            tx.raise_high_water(MARK, self.last)?;
        }
        Ok(())
    }
}
