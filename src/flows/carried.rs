//! Why a job at a remote ended before its end: what the daemon makes of it is the same on both ways.

use std::fmt;

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

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Theirs(fault) => write!(f, "{fault}"),
            End::Ours(error) => write!(f, "{error}"),
            End::Stopped => f.write_str("the program stopped"),
        }
    }
}

/// What waiting may change about a fault.
pub fn trouble(kind: FaultKind) -> Trouble {
    match kind {
        FaultKind::Login => Trouble::Login,
        FaultKind::Refused | FaultKind::Missing | FaultKind::Tls | FaultKind::TlsReuse => Trouble::Refused,
        FaultKind::Transient | FaultKind::Busy | FaultKind::OutOfStep | FaultKind::Stopped => Trouble::Passing,
    }
}
