//! Whose rows are whose: counts, while a file is applied, the rows it wrote and the rows it took over from other files, and
//! knows the `as_of` of every file that wrote a row it meets. Written to the ledger in one go at the end.

use std::collections::HashMap;

use anyhow::{Context, Result};
use rusqlite::{Connection, params};

use crate::edges::store::FileNo;
use crate::edges::store::query::{one, run};

pub(super) struct Tally<'c> {
    conn: &'c Connection,
    file: FileNo,
    written: i64,
    taken: HashMap<i64, i64>,
    as_of: HashMap<i64, String>,
}

impl<'c> Tally<'c> {
    pub fn new(conn: &'c Connection, file: FileNo) -> Self {
        Tally { conn, file, written: 0, taken: HashMap::new(), as_of: HashMap::new() }
    }

    pub fn wrote_new(&mut self) {
        self.written += 1;
    }

    /// A row that a file wrote last is now ours.
    pub fn took_over(&mut self, from_file: i64, rows: i64) {
        if from_file != self.file.0 {
            self.written += rows;
            *self.taken.entry(from_file).or_default() += rows;
        }
    }

    /// What the rows of a file hold as of; nothing is older than a file that is no longer known.
    pub fn as_of(&mut self, file: i64) -> Result<&str> {
        use std::collections::hash_map::Entry;
        Ok(match self.as_of.entry(file) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let sql = "SELECT as_of FROM file WHERE file_no = ?1";
                let found: Option<String> = one(self.conn, sql, [file], |row| row.get(0))?;
                place.insert(found.unwrap_or_default())
            }
        })
    }

    pub fn finish(self) -> Result<()> {
        let sql = "UPDATE file SET rows_written = rows_written + ?2 WHERE file_no = ?1";
        run(self.conn, sql, params![self.file.0, self.written]).context("cannot count the rows of a file")?;
        for (file, rows) in self.taken {
            let sql = "UPDATE file SET rows_taken = rows_taken + ?2 WHERE file_no = ?1";
            run(self.conn, sql, params![file, rows]).context("cannot count the rows taken from a file")?;
        }
        Ok(())
    }
}
