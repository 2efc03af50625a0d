//! Who asks, and which orders a question is about: a contact with his rights, orders by either number, orders of a customer
//! in a span of time. It only reads; what may be told is `flows::outbound::answering`'s to decide.

use anyhow::Result;
use rusqlite::params_from_iter;
use rusqlite::types::Value as SqlValue;

use super::references::OrderKey;
use crate::edges::store::query::{list, one};
use crate::edges::store::{RowId, Snapshot};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactRow {
    pub customer_no: Option<String>,
    pub department: Option<String>,
    pub rights: Vec<String>,
}

/// An order with the number that its customer gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderOf {
    pub key: OrderKey,
    pub buyer_order_no: String,
}

/// Orders that were received in a span of time.
#[derive(Debug, Clone, Copy)]
pub struct Span<'a> {
    pub partners: &'a [String],
    /// Any of them; empty: of all.
    pub customers: &'a [String],
    /// Instants; the last one is not in it.
    pub from: Option<&'a str>,
    pub before: Option<&'a str>,
}

impl Snapshot<'_> {
    /// An active contact.
    pub fn contact(&self, contact_no: &str) -> Result<Option<ContactRow>> {
        let sql = "SELECT row_id, customer_no, department FROM contact WHERE contact_no = ?1 AND active = 1";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?));
        let Some((row, customer_no, department)) = one(self.conn, sql, [contact_no], read)? else { return Ok(None) };
        let sql = "SELECT feature FROM contact_right WHERE head_row = ?1 ORDER BY pos";
        let rights = list(self.conn, sql, [row], |row| row.get(0))?;
        Ok(Some(ContactRow { customer_no, department, rights }))
    }

    /// By the seller's number, from whatever partner and customer.
    pub fn orders_numbered(&self, order_no: &str) -> Result<Vec<OrderOf>> {
        let sql = "SELECT row_id, partner, customer_no, buyer_order_no FROM orders WHERE order_no = ?1 \
             UNION SELECT o.row_id, o.partner, o.customer_no, o.buyer_order_no FROM order_status s \
             JOIN orders o ON o.buyer_order_no = s.buyer_order_no AND o.customer_no = s.customer_no AND o.partner = s.partner \
             WHERE s.order_no = ?1 AND s.active = 1 ORDER BY 1 LIMIT 10";
        list(self.conn, sql, [order_no], read_order)
    }

    /// In the order in which they came, from the one after so many.
    pub fn orders_in(&self, span: &Span<'_>, (skip, most): (u64, u64)) -> Result<Vec<OrderOf>> {
        let mut values: Vec<SqlValue> = Vec::new();
        let mut place = |value: &str| {
            values.push(SqlValue::Text(value.to_string()));
            format!("?{}", values.len())
        };
        let mut terms = Vec::new();
        for (column, among) in [("partner", span.partners), ("customer_no", span.customers)] {
            if !among.is_empty() {
                let places: Vec<String> = among.iter().map(|value| place(value)).collect();
                terms.push(format!("{column} IN ({})", places.join(", ")));
            }
        }
        terms.extend(span.from.map(|from| format!("received_at >= {}", place(from))));
        terms.extend(span.before.map(|before| format!("received_at < {}", place(before))));
        let terms = if terms.is_empty() { "1".to_string() } else { terms.join(" AND ") };
        let sql = format!(
            "SELECT row_id, partner, customer_no, buyer_order_no FROM orders WHERE {terms} ORDER BY received_at, row_id LIMIT {most} OFFSET {skip}"
        );
        list(self.conn, &sql, params_from_iter(values), read_order)
    }
}

fn read_order(row: &rusqlite::Row<'_>) -> rusqlite::Result<OrderOf> {
    let key = OrderKey { row: RowId(row.get(0)?), partner: row.get(1)?, customer_no: row.get(2)? };
    Ok(OrderOf { key, buyer_order_no: row.get(3)? })
}
