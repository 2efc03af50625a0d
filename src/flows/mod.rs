//! Journeys, one each, straight down the page.

pub mod archiving;
pub mod arrivals;
pub mod backup;
pub mod carried;
pub mod catch_up;
pub mod command;
pub mod commands;
pub mod configured;
pub mod connect;
pub mod expect;
pub mod explain;
pub mod files;
pub mod find;
pub mod fingerprint;
pub mod inbound;
pub mod lineage;
pub mod metrics;
pub mod moments;
pub mod next_steps;
pub mod one_message;
pub mod outbound;
pub mod person;
pub mod plan;
pub mod problems;
pub mod recover;
pub mod redaction;
pub mod remotes;
pub mod retention;
pub mod rights;
pub mod room;
pub mod show;
pub mod status;
pub mod waiting;

use crate::edges::lock::LockError;
use crate::edges::spool::SpoolError;
use crate::edges::store::StoreFault;

/// The disk or the database takes nothing at the moment: everything waits and goes on by itself.
pub fn is_outage(error: &anyhow::Error) -> bool {
    let of_lock = error.chain().find_map(|cause| cause.downcast_ref::<LockError>());
    of_spool(error).is_some_and(SpoolError::is_outage)
        || StoreFault::of(error).is_some_and(StoreFault::passes)
        || of_lock.is_some_and(LockError::is_outage)
}

/// A folder of the spool refuses us, by no fault of any file: only what needs it waits.
pub fn is_denied(error: &anyhow::Error) -> bool {
    of_spool(error).is_some_and(SpoolError::is_denied)
}

/// The spool's error behind another one.
pub fn of_spool(error: &anyhow::Error) -> Option<&SpoolError> {
    error.chain().find_map(|cause| cause.downcast_ref::<SpoolError>())
}
