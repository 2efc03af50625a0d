//! What is asked of the stored rows: which of them, and which of their cells.

use super::also::Beside;
use super::tables::TableColumn;
use crate::edges::store::{FileNo, RowId, RunNo};
use crate::model::kind::Kind;

/// Which rows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection<'a> {
    /// Head fields and their values as text; empty text: nothing is said there.
    pub only: &'a [(String, String)],
    /// For kinds that have a partner; empty: of all.
    pub partners: &'a [String],
    /// Orders, and their status, received at or after this instant.
    pub since: Option<&'a str>,
    /// Requests that did not go out by this feed (`partner/feed`).
    pub not_exported_by: Option<&'a str>,
    /// The first so many of them.
    pub at_most: Option<u64>,
    /// Requests that went out with this run.
    pub exported_with: Option<RunNo>,
    /// Any part of the key is this.
    pub key: Option<&'a str>,
    /// One row of a tree.
    pub row: Option<RowId>,
    /// Closed rows are given too, with this number field of the head as 0 and nothing else but their key.
    pub closed_as_zero: Option<usize>,
    /// From this number field of the head what `Tx::gather_open_orders` found is subtracted.
    pub minus_open_orders: Option<usize>,
    /// Only the rows that `Tx::want` named, in the order of their keys.
    pub wanted: bool,
    /// Of the numbers that partners have for an article only this one's: another's are nobody else's business.
    pub aliases_of: Option<&'a str>,
    /// In the order of the keys, also an order's status, which otherwise stands in the order of arrival.
    pub by_key: bool,
    /// An order's status only where one is stored.
    pub as_stored: bool,
    /// Only rows that this file wrote last.
    pub written_by: Option<FileNo>,
    /// Only closed rows, instead of those that are open.
    pub closed: bool,
    /// Values of other kinds.
    pub beside: Option<Beside<'a>>,
    /// Of stock, also what components make of sets.
    pub with_sets: bool,
    /// Only rows with a node of this group.
    pub with_group: Option<usize>,
}

/// Which cells: a feed reads what its layout writes, no more.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// By group, by cell (fields, then numbers as sent).
    cells: Vec<Vec<bool>>,
    pub(super) extras: bool,
}

impl Wanted {
    pub fn nothing(kind: &Kind) -> Self {
        Wanted { cells: kind.groups.iter().map(|g| vec![false; g.cells()]).collect(), extras: false }
    }

    pub fn everything(kind: &Kind) -> Self {
        Wanted { cells: kind.groups.iter().map(|g| vec![true; g.cells()]).collect(), extras: true }
    }

    pub fn add(&mut self, group: usize, field: usize) {
        self.cells[group][field] = true;
    }

    /// The partner's own fields.
    pub fn add_extras(&mut self) {
        self.extras = true;
    }

    pub(super) fn has(&self, kind: &Kind, group: usize, column: &TableColumn) -> bool {
        let cell = if column.sent { kind.groups[group].sent_cell(column.field) } else { Some(column.field) };
        cell.is_some_and(|cell| self.cells[group][cell])
    }

    /// A group is read when one of its cells or one of a group below it is wanted.
    pub(super) fn has_group(&self, kind: &Kind, group: usize) -> bool {
        self.cells[group].contains(&true)
            || (group + 1..kind.groups.len()).any(|g| kind.groups[g].parent == group && self.has_group(kind, g))
    }
}
