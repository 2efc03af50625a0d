//! What a delivery changes: from here on the partner holds what the run says. One place for all ways a file can leave.

use anyhow::Result;

use crate::edges::store::Tx;
use crate::edges::store::ledger::{RunRow, RunState};

/// The partner has this run's file: taken from his folder, brought to his server, or closed as delivered by a person. To be
/// called in the transaction that says so; `comment` says how. Marking the run as placed is the caller's.
pub fn settle_sent(tx: &Tx<'_>, run: &RunRow, at: &str, comment: &str) -> Result<()> {
    tx.set_run_state(run.no, RunState::Sent, at, comment)
}
