//! What goes by a number, as it was at a moment: stock, prices and order status, each with the file that said it. Reading only.

use anyhow::{Context, Result};
use rusqlite::{Row, params};

use super::Snapshot;
use super::business::since;
use super::queries_find::{ARTICLES, ORIGIN, Origin, PRICE_KEY, RowFound, STOCK_KEY, read_row};
use super::query::list;

/// A value, and between which moments it held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowThen {
    pub row: RowFound,
    pub since: String,
    /// Nothing: it holds still.
    pub until: Option<String>,
}

/// A kind, its key in words, what a row of it says, the number among that, which rows, and what its history is joined by.
const QUESTIONS: [(&str, &str, &str, &str, &str, &[&str]); 3] = [
    ("stock", STOCK_KEY, "COALESCE(r.unit, '')", "r.qty_e6", ARTICLES, &["article_no", "warehouse"]),
    (
        "price",
        PRICE_KEY,
        "r.currency",
        "r.price_e6",
        ARTICLES,
        &["price_list", "customer_no", "article_no", "currency", "from_qty_e6", "valid_from"],
    ),
    (
        "order_status",
        "r.customer_no || ' / ' || r.buyer_order_no",
        "r.status || COALESCE(' since ' || r.status_at, '')",
        "NULL",
        "(r.buyer_order_no = ?1 OR r.order_no = ?1)",
        &["buyer_order_no", "customer_no", "partner"],
    ),
];

impl Snapshot<'_> {
    /// What held at a moment (as it is stored), at most `limit` of each kind; closed rows are told as closed.
    pub fn find_number_at(&self, number: &str, moment: &str, limit: u32) -> Result<Vec<RowThen>> {
        let mut found = Vec::new();
        for (kind, key, says, number_e6, condition, joined) in QUESTIONS {
            let since = since("r");
            let of_row = "COALESCE(r.since_file, r.file_no)";
            let line = "CASE WHEN r.since_file IS NULL THEN r.file_line ELSE r.since_line END";
            let now = format!(
                "SELECT {key}, {says}, {number_e6}, r.active, {since}, {line}, {ORIGIN}, {since}, NULL \
                 FROM {kind} r JOIN file f ON f.file_no = {of_row} WHERE {condition} AND {since} <= ?2"
            );
            // No row ever leaves its table, so what has a history stands there, and the index of the key leads from there.
            let keys: Vec<String> = joined.iter().map(|name| format!("r.{name} = n.{name}")).collect();
            let then = format!(
                "SELECT {key}, {says}, {number_e6}, r.active, r.since, r.file_line, {ORIGIN}, r.since, r.until \
                 FROM {kind} n CROSS JOIN {kind}_history r ON {} JOIN file f ON f.file_no = r.file_no \
                 WHERE {} AND r.since <= ?2 AND r.until > ?2",
                keys.join(" AND "),
                condition.replace("r.", "n.")
            );
            let sql = format!("{now} UNION ALL {then} ORDER BY 1 LIMIT ?3");
            let rows = list(self.conn, &sql, params![number, moment, limit], read_then)
                .with_context(|| format!("cannot look for {kind} rows of then"))?;
            found.extend(rows.into_iter().map(|mut then| {
                then.row.kind = kind;
                then
            }));
        }
        Ok(found)
    }
}

fn read_then(row: &Row<'_>) -> rusqlite::Result<RowThen> {
    let found = read_row(row)?;
    let since: String = row.get(12)?;
    // What is said of then is as of then: the file may have been confirmed since.
    let origin = Origin { as_of: since.clone(), ..found.origin };
    Ok(RowThen { row: RowFound { origin, ..found }, since, until: row.get(13)? })
}
