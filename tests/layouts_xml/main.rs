//! XML layouts and the names of what no layout reads, against files that nobody here wrote and samples of our own.

mod capabilities;
#[path = "../decoding/mod.rs"]
mod decoding;
mod faults;
mod joined;
mod kept;
mod naming;
mod partners;
mod standards;
