//! The way out over real folders and a real database: runs of feeds, what a start finds, receipts.

mod bench;
mod kill_changes;
mod kills;
mod mirror;
mod receipts;
mod recovery;
mod replacing;
mod runs;
