//! Questions of `catch-up`, which brings an older database together with a newer spool: orders by the key that stands in a
//! file of ours, numbers of a feed's runs, intakes by the names of their files. Reading only.

use anyhow::{Context, Result};
use rusqlite::params;

use super::query::{list, one};
use super::{RowId, Snapshot};

impl Snapshot<'_> {
    /// Orders of this number, with their partners: of this customer and this partner where the file names them.
    pub fn orders_of_key(
        &self,
        number: &str,
        customer: Option<&str>,
        partner: Option<&str>,
    ) -> Result<Vec<(String, RowId)>> {
        let sql = "SELECT partner, row_id FROM orders WHERE buyer_order_no = ?1 AND (?2 IS NULL OR customer_no = ?2) \
                   AND (?3 IS NULL OR partner = ?3) ORDER BY row_id LIMIT 10";
        list(self.conn, sql, params![number, customer, partner], |row| Ok((row.get(0)?, RowId(row.get(1)?))))
            .context("cannot look for orders")
    }

    /// Has this feed taken the order along?
    pub fn is_exported_by(&self, feed: &str, row: RowId) -> Result<bool> {
        let sql = "SELECT 1 FROM run_request WHERE feed = ?1 AND row_id = ?2";
        Ok(one(self.conn, sql, params![feed, row.0], |_| Ok(()))?.is_some())
    }

    /// The numbers in the names of a feed's files, those of its tests too.
    pub fn run_numbers(&self, partner: &str, feed: &str) -> Result<Vec<u64>> {
        let sql = "SELECT number FROM run WHERE partner = ?1 AND (feed = ?2 OR feed = ?2 || '?test') AND reason <> 'receipt' AND number > 0";
        list(self.conn, sql, params![partner, feed], |row| row.get::<_, i64>(0).map(i64::cast_unsigned))
    }

    /// Intakes of a partner by which files of such names came. `pattern`: `*`, `?` and `[…]` as in a shell.
    pub fn intakes_of_names(&self, partner: &str, pattern: &str, limit: u32) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT intake FROM file WHERE partner = ?1 AND name GLOB ?2 LIMIT ?3";
        list(self.conn, sql, params![partner, pattern, limit], |row| row.get(0))
    }
}
