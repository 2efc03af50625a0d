//! Rows into one table, in statements with only the columns that turn up. A kind has many fields that a partner's files
//! never fill, and each that stands in a statement costs time with every row, also where it is empty.
//!
//! A statement grows by what a row brings; of what a later row does not bring, it leaves the place empty. A column that
//! stands in no statement has its default, which is "nothing": NULL, in a key '' or 0.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use rusqlite::Connection;

use super::bind::Bound;
use super::tables::TableColumn;
use crate::model::batch::NodeRef;

/// Columns of a table, a bit each; those from the last on share it, so that a table may have any number of them.
type Columns = u128;
const LAST_BIT: usize = 127;
/// A known statement is taken where it has no more than so many columns too many.
const TOO_MANY: u32 = 8;
/// Statements kept for a table; beyond, those with more columns than needed do.
const KNOWN: usize = 12;

/// How rows of a table are written. Making texts of statements costs more than running them on a small file, so they are
/// kept from file to file.
#[derive(Debug, Default)]
pub(super) struct InsertInto {
    table: String,
    /// Columns of ours: they come first, places 1 and up.
    ours: Vec<&'static str>,
    /// Where a row with that key is to stay as it is.
    keeps: bool,
    texts: Mutex<Vec<(Columns, Arc<str>)>>,
}

impl InsertInto {
    pub fn new(table: &str, ours: Vec<&'static str>, keeps: bool) -> Self {
        InsertInto { table: table.to_string(), ours, keeps, texts: Mutex::default() }
    }

    /// A statement with at least these columns.
    fn statement(&self, columns: &[TableColumn], needed: Columns) -> (Columns, Arc<str>) {
        // Texts are only ever added, so what a panic left is whole.
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let extra = |of: Columns| (of & !needed).count_ones();
        let nearest = texts.iter().filter(|(known, _)| known & needed == needed).min_by_key(|(known, _)| extra(*known));
        if let Some((known, text)) = nearest
            && (extra(*known) <= TOO_MANY || texts.len() >= KNOWN)
        {
            return (*known, text.clone());
        }
        // The last one has everything, so that there always is one.
        let made = if texts.len() + 1 < KNOWN { needed } else { Columns::MAX };
        let text: Arc<str> = self.text(columns, made).into();
        texts.push((made, text.clone()));
        (made, text)
    }

    fn text(&self, columns: &[TableColumn], made: Columns) -> String {
        let chosen = columns.iter().enumerate().filter(|(nth, _)| made & bit(*nth) != 0).map(|(_, c)| c.name.as_str());
        let names: Vec<String> = self.ours.iter().copied().chain(chosen).map(|name| format!("\"{name}\"")).collect();
        let places: Vec<String> = (1..=names.len()).map(|place| format!("?{place}")).collect();
        let (names, places) = (names.join(", "), places.join(", "));
        let keeps = if self.keeps { " ON CONFLICT DO NOTHING" } else { "" };
        format!("INSERT INTO \"{}\" ({names}) VALUES ({places}){keeps}", self.table)
    }
}

fn bit(column: usize) -> Columns {
    1 << column.min(LAST_BIT)
}

/// The statement of one table and file, as far as it has grown.
pub(super) struct Insert<'c> {
    statement: Option<Bound<'c>>,
    has: Columns,
    /// By column: its place in the statement; 0 where it is not in it.
    places: Vec<usize>,
}

impl<'c> Insert<'c> {
    pub fn new() -> Self {
        Insert { statement: None, has: 0, places: Vec::new() }
    }

    /// The statement with the cells of a node; the places of ours are the caller's.
    pub fn of(
        &mut self,
        conn: &'c Connection,
        into: &InsertInto,
        columns: &[TableColumn],
        node: &NodeRef<'_>,
    ) -> Result<&mut Bound<'c>> {
        if !self.bind(columns, node)? {
            self.grow(conn, into, columns, node)?;
            anyhow::ensure!(self.bind(columns, node)?, "a statement lacks what it was made for");
        }
        self.statement.as_mut().ok_or_else(|| anyhow::anyhow!("a row was bound to no statement"))
    }

    /// `false` where the row brings a column that is not in the statement.
    fn bind(&mut self, columns: &[TableColumn], node: &NodeRef<'_>) -> Result<bool> {
        let Some(statement) = &mut self.statement else { return Ok(false) };
        for (column, place) in columns.iter().zip(&self.places) {
            let value = column.value(node);
            match *place {
                0 if value.is_given() => return Ok(false),
                0 => {}
                place if column.key => statement.set_key(place, column, value)?,
                place => statement.set_value(place, value)?,
            }
        }
        Ok(true)
    }

    fn grow(
        &mut self,
        conn: &'c Connection,
        into: &InsertInto,
        columns: &[TableColumn],
        node: &NodeRef<'_>,
    ) -> Result<()> {
        let brought = columns.iter().enumerate().filter(|(_, c)| c.value(node).is_given());
        let needed = brought.fold(self.has, |all, (nth, _)| all | bit(nth));
        let (has, text) = into.statement(columns, needed);
        self.has = has;
        self.statement = Some(Bound::prepare(conn, &text)?);
        let mut next = into.ours.len();
        self.places.clear();
        self.places.extend((0..columns.len()).map(|nth| {
            let is_in = has & bit(nth) != 0;
            next += usize::from(is_in);
            if is_in { next } else { 0 }
        }));
        Ok(())
    }
}
