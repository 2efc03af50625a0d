//! Files in: looked at (desk; at a remote: collect), taken in rounds (round; several that are one arrival: bundling), read on a thread of their own (reading), judged (judge), applied
//! (applying; records and facts by way of gathered), decided (deciding), moved (finish); what waits is judged again (waiting).

pub mod again;
mod ahead;
pub mod applying;
pub mod bundling;
mod changing;
pub mod claiming;
pub mod collect;
mod contents;
mod corrected;
mod deciding;
pub mod desk;
pub mod durable;
pub mod field_text;
pub mod finish;
mod fullness;
mod gathered;
pub mod guarding;
mod hashing;
pub mod in_hand;
mod judge;
mod making;
pub mod numbering;
pub(in crate::flows) mod papers;
mod quoting;
pub mod reading;
mod registering;
mod rehearsal;
mod removing;
pub mod returned;
pub mod round;
pub mod waiting;

pub use quoting::QUOTE;
pub use registering::REGISTRATION;
