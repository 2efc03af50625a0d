//! Questions of `catch-up`, which brings an older database together with a newer spool: orders by the key that stands in a
//! file of ours, numbers of a feed's runs, intakes by the names of their files. Reading only.

use anyhow::{Context, Result};
use rusqlite::types::Value as SqlValue;
use rusqlite::{params, params_from_iter};

use super::query::{list, one};
use super::{RowId, Snapshot};
use crate::model::batch::{Message, Value};

/// What has to be equal, and to what.
#[derive(Default)]
struct Condition {
    terms: Vec<String>,
    values: Vec<SqlValue>,
}

impl Condition {
    fn equals(&mut self, column: &str, value: SqlValue) {
        self.values.push(value);
        self.terms.push(format!("\"{column}\" = ?{}", self.values.len()));
    }
}

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

    /// Requests of the key that a file of ours names, with their partners: what it leaves out may be anything.
    pub fn requests_of_key(&self, request: Message<'_>) -> Result<Vec<(String, RowId)>> {
        let head = request.head();
        let group = request.kind().head();
        let partner = group.field("partner");
        let mut condition = Condition::default();
        for field in group.key.iter().copied().chain(partner) {
            let name = group.fields[field].column();
            match head.value(field) {
                Value::Text(text) => condition.equals(&name, text.to_string().into()),
                Value::Number(number) => condition.equals(&name, number.into()),
                Value::Missing | Value::Empty => {}
            }
        }
        if condition.terms.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT partner, row_id FROM \"{}\" WHERE {} ORDER BY row_id LIMIT 10",
            group.table,
            condition.terms.join(" AND ")
        );
        list(self.conn, &sql, params_from_iter(condition.values), |row| Ok((row.get(0)?, RowId(row.get(1)?))))
            .with_context(|| format!("cannot look for rows of \"{}\"", group.table))
    }

    /// Has this feed taken the request along?
    pub fn is_exported_by(&self, feed: &str, kind: &str, row: RowId) -> Result<bool> {
        let sql = "SELECT 1 FROM run_request WHERE feed = ?1 AND kind = ?2 AND row_id = ?3";
        Ok(one(self.conn, sql, params![feed, kind, row.0], |_| Ok(()))?.is_some())
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
