//! Journeys, one each, straight down the page.

pub mod command;
pub mod commands;
pub mod explain;
pub mod files;
pub mod find;
pub mod inbound;
pub mod lineage;
pub mod moments;
pub mod next_steps;
pub mod outbound;
pub mod recover;
pub mod redaction;
pub mod retention;
pub mod show;
pub mod status;
pub mod waiting;

use crate::edges::spool::SpoolError;
use crate::edges::store::StoreFault;

/// The disk or the database takes nothing at the moment: everything waits and goes on by itself.
pub fn is_outage(error: &anyhow::Error) -> bool {
    let spool = error.chain().any(|cause| cause.downcast_ref::<SpoolError>().is_some_and(SpoolError::is_outage));
    spool || StoreFault::of(error).is_some_and(StoreFault::passes)
}
