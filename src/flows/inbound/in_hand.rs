//! What is known of the file that is being applied: where it came by, of which moment it speaks, what a person said of it. Data only.

use chrono::{DateTime, Utc};

use crate::edges::spool::Marks;
use crate::edges::store::FileNo;
use crate::model::intake::Intake;

/// The file that is being applied.
#[derive(Clone)]
pub struct InHand<'f> {
    pub file: FileNo,
    pub intake: &'f Intake,
    /// The moment its facts and records speak of.
    pub as_of: &'f str,
    pub first_seen: &'f str,
    pub now: DateTime<Utc>,
    /// Numbers of the messages to judge; empty: all. A retry judges only what was not taken before.
    pub only: &'f [u64],
    /// A person said: apply although newer or other content is known.
    pub overrule: bool,
    /// A person said: who registers is the customer or contact of this number.
    pub existing: Option<&'f str>,
    /// The spool's copy of the last numbers given: a restored older database must not give one twice.
    pub given: &'f Marks,
}
