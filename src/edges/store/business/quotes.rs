//! Quotes beside their own rows: which one a number means, until when it holds, and the order that it became. That a quote is
//! ordered once is the key of `quote_order`; what to say of it is the caller's.

use anyhow::{Context, Result};
use rusqlite::params;

use crate::edges::fault;
use crate::edges::store::query::{list, run};
use crate::edges::store::{FileNo, RowId, Snapshot, Tx};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuoteRow {
    pub row: RowId,
    pub partner: String,
    pub customer_no: String,
    pub quote_no: String,
    pub valid_until: Option<String>,
    /// The order that took it up: its row and the customer's number of it.
    pub ordered: Option<(RowId, String)>,
    pub file: FileNo,
    pub line: u32,
}

impl Snapshot<'_> {
    /// Quotes of this number, at most ten; an empty customer: of any.
    pub fn quotes(&self, quote_no: &str, customer_no: &str) -> Result<Vec<QuoteRow>> {
        let sql = "SELECT q.row_id, q.partner, q.customer_no, q.quote_no, q.valid_until, t.order_row, o.buyer_order_no, q.file_no, q.file_line \
             FROM quote q LEFT JOIN quote_order t ON t.quote_row = q.row_id LEFT JOIN orders o ON o.row_id = t.order_row \
             WHERE q.quote_no = ?1 AND (?2 = '' OR q.customer_no = ?2) ORDER BY q.customer_no, q.partner LIMIT 10";
        list(self.conn, sql, params![quote_no, customer_no], |row| {
            let order: Option<i64> = row.get(5)?;
            let number: Option<String> = row.get(6)?;
            Ok(QuoteRow {
                row: RowId(row.get(0)?),
                partner: row.get(1)?,
                customer_no: row.get(2)?,
                quote_no: row.get(3)?,
                valid_until: row.get(4)?,
                ordered: order.map(|order| (RowId(order), number.unwrap_or_default())),
                file: FileNo(row.get(7)?),
                line: row.get(8)?,
            })
        })
        .context("cannot look for a quote")
    }
}

impl Tx<'_> {
    /// The quote became this order. A second order of it is an error of ours: whoever calls has looked.
    pub fn note_ordered(&self, quote: RowId, order: RowId) -> Result<()> {
        fault::point("store.note_ordered")?;
        let sql = "INSERT INTO quote_order (quote_row, order_row) VALUES (?1, ?2)";
        run(self.conn, sql, [quote.0, order.0]).context("cannot note that a quote was ordered")?;
        Ok(())
    }
}
