//! Why a job at a remote ended before its end: what the daemon makes of it is the same on both ways.

use crate::edges::remote::{Fault, FaultKind};
use crate::edges::spool::SpoolError;
use crate::model::rules::patience::Trouble;

#[derive(Debug)]
pub enum End {
    Theirs(Fault),
    /// The spool takes or gives nothing: no fault of the remote.
    Ours(SpoolError),
    /// We are stopping.
    Stopped,
}

/// What waiting may change about a fault.
pub fn trouble(kind: FaultKind) -> Trouble {
    match kind {
        FaultKind::Login => Trouble::Login,
        FaultKind::Refused | FaultKind::Missing | FaultKind::Tls | FaultKind::TlsReuse => Trouble::Refused,
        FaultKind::Transient | FaultKind::Busy | FaultKind::OutOfStep | FaultKind::Stopped => Trouble::Passing,
    }
}
