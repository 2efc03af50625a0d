//! Attempts to read a file that are nobody's fault: begun by this process, and ended by a stop or an outage. What an earlier
//! process began and did not end, a crash ended: that counts.

use std::collections::HashMap;

use anyhow::Result;

use crate::edges::store::{FileNo, Store};

/// How often files without a verdict had been read alone when this process began.
pub struct EarlierAttempts(HashMap<FileNo, u32>);

impl EarlierAttempts {
    pub fn of(store: &Store) -> Result<EarlierAttempts> {
        let open = store.read()?.open_files()?;
        Ok(EarlierAttempts(open.into_iter().filter(|row| row.attempts > 0).map(|row| (row.no, row.attempts)).collect()))
    }

    /// The attempts of this process that are still open.
    pub fn take_back_later_ones(&self, store: &mut Store) -> Result<()> {
        let open = store.read()?.open_files()?;
        let before = |file: FileNo| self.0.get(&file).copied().unwrap_or_default();
        let tx = store.begin()?;
        for row in open.iter().filter(|row| row.alone && row.attempts > before(row.no)) {
            tx.take_back_attempt(row.no)?;
        }
        tx.commit()
    }
}
