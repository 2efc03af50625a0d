//! What partners asked, by file: an answer is made of it, and made again where a crash cost its file. Which rows answer it is
//! `business`'s.

use anyhow::{Context, Result};
use rusqlite::params;

use crate::edges::fault;
use crate::edges::store::query::{list, run};
use crate::edges::store::{FileNo, Snapshot, Tx};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuestionRow {
    /// In its file.
    pub number: u64,
    pub request_id: String,
    pub about: String,
    /// The message as one line of JSON.
    pub payload: String,
}

/// Questions of a day that somebody had no right to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAllowed {
    pub partner: String,
    pub intake: String,
    pub day: String,
    pub count: u64,
    /// What was asked about.
    pub about: String,
}

impl Tx<'_> {
    pub fn add_question(&self, file: FileNo, question: &QuestionRow) -> Result<()> {
        fault::point("store.add_question")?;
        let sql = "INSERT INTO question (file_no, number, request_id, about, payload) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (file_no, number) DO UPDATE SET request_id = excluded.request_id, about = excluded.about, \
             payload = excluded.payload, code = ''";
        let QuestionRow { number, request_id, about, payload } = question;
        let values = params![file.0, number.cast_signed(), request_id, about, payload];
        run(self.conn, sql, values).with_context(|| format!("cannot note the question {request_id}"))?;
        Ok(())
    }

    /// Why it was answered with nothing.
    pub fn set_question_code(&self, file: FileNo, number: u64, code: &str) -> Result<()> {
        fault::point("store.set_question_code")?;
        let sql = "UPDATE question SET code = ?3 WHERE file_no = ?1 AND number = ?2";
        run(self.conn, sql, params![file.0, number.cast_signed(), code])?;
        Ok(())
    }
}

impl Snapshot<'_> {
    /// In the order of the file.
    pub fn questions_of(&self, file: FileNo) -> Result<Vec<QuestionRow>> {
        let sql = "SELECT number, request_id, about, payload FROM question WHERE file_no = ?1 ORDER BY number";
        list(self.conn, sql, [file.0], |row| {
            let number = row.get::<_, i64>(0)?.cast_unsigned();
            Ok(QuestionRow { number, request_id: row.get(1)?, about: row.get(2)?, payload: row.get(3)? })
        })
    }

    /// Of files that were decided since.
    pub fn questions_not_allowed(&self, since: &str) -> Result<Vec<NotAllowed>> {
        let sql = "SELECT f.partner, f.intake, f.day, count(*), group_concat(DISTINCT q.about) \
             FROM question q INDEXED BY question_not_allowed JOIN file f ON f.file_no = q.file_no \
             WHERE q.code = 'not-allowed' AND f.decided_at >= ?1 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
        list(self.conn, sql, [since], |row| {
            let count = row.get::<_, i64>(3)?.cast_unsigned();
            Ok(NotAllowed { partner: row.get(0)?, intake: row.get(1)?, day: row.get(2)?, count, about: row.get(4)? })
        })
    }
}
