//! The way out over real folders and a real database: runs of feeds, what a start finds, receipts.

mod bench;
mod configured;
mod kill_changes;
mod kills;
mod mirror;
mod mirror_kinds;
mod one_name;
mod receipts;
mod recovery;
mod replacing;
mod runs;
