//! The store: one SQLite file with the ledger and the business tables. All SQL of the program is in this folder.
//!
//! `open` opens and begins, `copy` makes backups, `migrate` brings the tables up to date, `store_fault` tells a full disk from a bug.
//! `ledger` keeps files, messages, runs, commands and marks. `business` writes and reads orders, records and facts by
//! statements made from their kinds. `queries_*` answer what only people ask. docs/model.md draws the tables. Nothing of the driver is visible outside.

mod beat;
pub mod business;
pub mod copy;
pub mod ledger;
mod log;
mod migrate;
mod open;
mod queries_catch_up;
mod queries_files;
mod queries_find;
mod queries_problems;
mod queries_status;
mod queries_then;
mod query;
mod store_fault;

pub use beat::Beat;
pub use migrate::VERSION;
pub use open::{Reader, Snapshot, Store, Tx};
pub use queries_files::Selection;
pub use queries_find::{Found, OrderFound, Origin, RowFound};
pub use queries_problems::{Owed, ToAnswer};
pub use queries_status::IntakeFigures;
pub use queries_then::RowThen;
pub use store_fault::StoreFault;

use crate::model::kind::{Class, shipped_kinds};

/// Identifies a row of a head table: an order, a customer, an article, an order status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId(pub i64);

/// A file's number in this ledger. Only a handle: people and folders use its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileNo(pub i64);

/// A feed's number in this ledger; people and configuration call it `partner/feed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FeedNo(pub i64);

/// A run's number in this ledger; the number in its file name is `Run::number`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunNo(pub i64);

/// What has to hold for a request of a kind to go out by itself, of its row `row`: an order that was cancelled before does not, nor
/// does a change that its order took along.
fn goes_out(kind: &str, row: &str) -> Option<String> {
    match kind {
        "order" => {
            Some(format!("NOT EXISTS (SELECT 1 FROM order_form c WHERE c.order_row = {row}.row_id AND c.cancels = 1)"))
        }
        "order_change" => Some(format!("{row}.told = 1")),
        _ => None,
    }
}

/// Where the requests of a kind stand; nothing for kinds that are none.
fn request_table(kind: &str) -> Option<&'static str> {
    let kind = shipped_kinds().get(kind).filter(|kind| kind.class == Class::Request)?;
    Some(&kind.head().table)
}
