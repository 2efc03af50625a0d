//! PDFs that go on with their orders: kept with the verdict of the file they came in, bound to one order, read when it goes out.
//! What may be bound to what is the caller's to decide; that nothing is bound twice is held by the table.

use anyhow::{Context, Result};
use rusqlite::params;

use super::message::MessageNo;
use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{FileNo, RowId, Snapshot, Tx};

/// What a message waits for that stands for a PDF without its order.
pub const PDF_ORDER: &str = "pdf-order";

/// What an order waits for that has to have its PDF: the order's number.
pub const PDF: &str = "pdf";

/// A PDF, bound to an order or waiting for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PdfRow {
    pub name: String,
    pub content: [u8; 32],
    pub pages: u32,
    /// The file that it came with.
    pub file: FileNo,
    /// Its bytes are forgotten once its order was sent and the days of its original are over.
    pub is_kept: bool,
}

pub struct NewPdf<'a> {
    pub name: &'a str,
    pub content: [u8; 32],
    pub pages: u32,
    pub bytes: &'a [u8],
}

impl Tx<'_> {
    /// It came with this file and waits for the file's order; one that is bound stays what it is.
    pub fn keep_pdf(&self, file: FileNo, pdf: &NewPdf<'_>) -> Result<()> {
        fault::point("store.keep_pdf")?;
        let sql = "INSERT INTO order_pdf (file_no, name, content_hash, pages, size, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
             ON CONFLICT (file_no) DO UPDATE SET name = excluded.name, content_hash = excluded.content_hash, pages = excluded.pages, \
             size = excluded.size, bytes = excluded.bytes WHERE order_row IS NULL";
        let values = params![file.0, pdf.name, pdf.content, pdf.pages, pdf.bytes.len() as i64, pdf.bytes];
        run(self.conn, sql, values).with_context(|| format!("cannot keep the PDF {}", pdf.name))?;
        Ok(())
    }

    /// What waits of this file goes on with this order, in the place of one that it had. True: there was one.
    pub fn bind_pdf(&self, file: FileNo, order: RowId, at: &str) -> Result<bool> {
        fault::point("store.bind_pdf")?;
        let waits = "SELECT EXISTS (SELECT 1 FROM order_pdf WHERE file_no = ?1 AND order_row IS NULL)";
        if !one(self.conn, waits, [file.0], |row| row.get(0))?.unwrap_or(false) {
            return Ok(false);
        }
        run(self.conn, "DELETE FROM order_pdf WHERE order_row = ?1", [order.0])?;
        let sql = "UPDATE order_pdf SET order_row = ?2, bound_at = ?3 WHERE file_no = ?1";
        run(self.conn, sql, params![file.0, order.0, at]).context("cannot bind a PDF to its order")?;
        Ok(true)
    }

    /// It goes on with no order: one that has its PDF, or that is to have another.
    pub fn drop_pdf(&self, file: FileNo) -> Result<()> {
        fault::point("store.drop_pdf")?;
        run(self.conn, "DELETE FROM order_pdf WHERE file_no = ?1 AND order_row IS NULL", [file.0])?;
        Ok(())
    }

    /// Bytes of PDFs that came before this day with files of this intake: of those whose order went out and was taken wherever it was
    /// to go, and of those that no order took. That they were there, and what they were, stays.
    pub fn forget_pdfs(&self, partner: &str, intake: &str, day: &str) -> Result<usize> {
        fault::point("store.forget_pdfs")?;
        let sql = "UPDATE order_pdf SET bytes = NULL WHERE bytes IS NOT NULL \
             AND file_no IN (SELECT f.file_no FROM file f WHERE f.partner = ?1 AND f.intake = ?2 AND f.day < ?3 AND f.held = 0) \
             AND (order_row IS NULL OR EXISTS (SELECT 1 FROM run_request q WHERE q.row_id = order_row AND q.kind = 'order' AND instr(q.feed, '?') = 0)) \
             AND NOT EXISTS (SELECT 1 FROM run_request q JOIN run r USING (run_no) WHERE q.row_id = order_row AND q.kind = 'order' AND r.state <> 'sent')";
        run(self.conn, sql, params![partner, intake, day])
    }
}

impl Snapshot<'_> {
    pub fn pdf_of(&self, order: RowId) -> Result<Option<PdfRow>> {
        let sql = "SELECT name, content_hash, pages, file_no, bytes IS NOT NULL FROM order_pdf WHERE order_row = ?1";
        one(self.conn, sql, [order.0], read)
    }

    /// What came with this file and is no order's yet.
    pub fn waiting_pdf(&self, file: FileNo) -> Result<Option<PdfRow>> {
        let sql = "SELECT name, content_hash, pages, file_no, bytes IS NOT NULL FROM order_pdf WHERE file_no = ?1 AND order_row IS NULL";
        one(self.conn, sql, [file.0], read)
    }

    /// Orders of a partner that have this number, with their customers; the customer by our number of him or by the partner's.
    pub fn orders_of_number(
        &self,
        partner: &str,
        number: &str,
        customer: Option<&str>,
    ) -> Result<Vec<(RowId, String)>> {
        let sql = "SELECT row_id, customer_no FROM orders WHERE buyer_order_no = ?2 AND partner = ?1 \
             AND (?3 IS NULL OR customer_no = ?3 OR customer_no_sent = ?3) ORDER BY row_id";
        list(self.conn, sql, params![partner, number, customer], |row| Ok((RowId(row.get(0)?), row.get(1)?)))
    }

    /// Messages of PDFs that wait and whose order may be there by now. One statement: thousands may wait.
    pub fn pdfs_with_orders(&self) -> Result<Vec<MessageNo>> {
        let sql = "SELECT m.message_no FROM message m JOIN file f ON f.file_no = m.file_no \
             WHERE m.verdict = 'held' AND m.waits_kind = ?1 AND EXISTS (SELECT 1 FROM orders o \
               WHERE o.buyer_order_no = substr(m.waits_key, instr(m.waits_key, '/') + 1) AND o.partner = f.partner) ORDER BY m.message_no";
        list(self.conn, sql, [PDF_ORDER], |row| Ok(MessageNo(row.get(0)?)))
    }

    /// The order that what came with this file goes on with.
    pub fn order_of_pdf(&self, file: FileNo) -> Result<Option<RowId>> {
        let sql = "SELECT order_row FROM order_pdf WHERE file_no = ?1 AND order_row IS NOT NULL";
        one(self.conn, sql, [file.0], |row| Ok(RowId(row.get(0)?)))
    }

    /// Messages of orders that wait for their PDF and whose PDF may be there by now. One statement: thousands may wait.
    pub fn orders_with_pdfs(&self) -> Result<Vec<MessageNo>> {
        let sql = "SELECT message_no FROM message WHERE verdict = 'held' AND waits_kind = ?1 AND waits_key IN \
             (SELECT substr(waits_key, instr(waits_key, '/') + 1) FROM message WHERE verdict = 'held' AND waits_kind = ?2) ORDER BY message_no";
        list(self.conn, sql, [PDF, PDF_ORDER], |row| Ok(MessageNo(row.get(0)?)))
    }

    /// The first PDF that waits under this key and came from this partner.
    pub fn held_pdf(&self, partner: &str, key: &str) -> Result<Option<FileNo>> {
        let sql = "SELECT m.file_no FROM message m JOIN file f USING (file_no) JOIN order_pdf p USING (file_no) \
             WHERE m.verdict = 'held' AND m.waits_kind = ?1 AND m.waits_key = ?2 AND f.partner = ?3 AND p.order_row IS NULL AND p.bytes IS NOT NULL \
             ORDER BY m.message_no LIMIT 1";
        one(self.conn, sql, [PDF_ORDER, key, partner], |row| Ok(FileNo(row.get(0)?)))
    }

    /// Keys of orders of this number that wait for their PDF.
    pub fn orders_wanting_pdf(&self, partner: &str, number: &str) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT m.key FROM message m JOIN file f USING (file_no) \
             WHERE m.verdict = 'held' AND m.waits_kind = ?1 AND m.waits_key = ?2 AND f.partner = ?3 ORDER BY 1";
        list(self.conn, sql, [PDF, number, partner], |row| row.get(0))
    }

    /// Of an order that is to go out; nothing where it has none, or lost it after it went out.
    pub fn pdf_bytes(&self, order: RowId) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT bytes FROM order_pdf WHERE order_row = ?1 AND bytes IS NOT NULL";
        Ok(list(self.conn, sql, [order.0], |row| row.get(0))?.pop())
    }
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<PdfRow> {
    Ok(PdfRow {
        name: row.get(0)?,
        content: row.get(1)?,
        pages: row.get(2)?,
        file: FileNo(row.get(3)?),
        is_kept: row.get(4)?,
    })
}
