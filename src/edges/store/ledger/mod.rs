//! The ledger: what became of every file and message, every run of a feed, every command.
//!
//! `file` and `file_find` hold files, `message` and `waiting` the exceptions among their messages, `run` and `run_find` what went out,
//! `command` the audit trail, `copies` the content of small files for a moment, `marks` high-water marks and due instants,
//! `identity` which database this is.

mod byte_ranges;
mod command;
mod copies;
mod file;
mod file_find;
mod held;
mod identity;
mod marks;
mod message;
mod run;
mod run_find;
mod waiting;

pub use command::{CommandRow, NewCommand};
pub use file::{Arrival, Decision, FileRow, FileState};
pub use identity::Identity;
pub use message::{Exception, MessageNo, MessageRow, NotedProblem, Revision, Waits};
pub use run::{NewRun, RunFile, RunReason, RunState, Scope};
pub use run_find::RunRow;
