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

/// How the rows of a kind are asked for; `r` is the row, of today or of then.
struct Question {
    kind: &'static str,
    /// Its key in words.
    key: &'static str,
    says: &'static str,
    /// The number among what it says, in millionths.
    number_e6: &'static str,
    which: &'static str,
    /// The columns that its history is joined by.
    joined: &'static [&'static str],
}

const QUESTIONS: [Question; 3] = [
    Question {
        kind: "stock",
        key: STOCK_KEY,
        says: "COALESCE(r.unit, '')",
        number_e6: "r.qty_e6",
        which: ARTICLES,
        joined: &["article_no", "warehouse"],
    },
    Question {
        kind: "price",
        key: PRICE_KEY,
        says: "r.currency",
        number_e6: "r.price_e6",
        which: ARTICLES,
        joined: &["price_list", "customer_no", "article_no", "currency", "from_qty_e6", "valid_from"],
    },
    Question {
        kind: "order_status",
        key: "r.customer_no || ' / ' || r.buyer_order_no",
        says: "r.status || COALESCE(' since ' || r.status_at, '')",
        number_e6: "NULL",
        which: "(r.buyer_order_no = ?1 OR r.order_no = ?1)",
        joined: &["buyer_order_no", "customer_no", "partner"],
    },
];

impl Snapshot<'_> {
    /// What held at a moment (as it is stored), at most `limit` of each kind; closed rows are told as closed.
    pub fn find_number_at(&self, number: &str, moment: &str, limit: u32) -> Result<Vec<RowThen>> {
        let mut found = Vec::new();
        for Question { kind, key, says, number_e6, which, joined } in QUESTIONS {
            let since = since("r");
            let of_row = "COALESCE(r.since_file, r.file_no)";
            let line = "CASE WHEN r.since_file IS NULL THEN r.file_line ELSE r.since_line END";
            let now = format!(
                "SELECT {key}, {says}, {number_e6}, r.active, {since}, {line}, {ORIGIN}, {since}, NULL \
                 FROM {kind} r JOIN file f ON f.file_no = {of_row} WHERE {which} AND {since} <= ?2"
            );
            // No row ever leaves its table, so what has a history stands there, and the index of the key leads from there.
            let keys: Vec<String> = joined.iter().map(|name| format!("r.{name} = n.{name}")).collect();
            let then = format!(
                "SELECT {key}, {says}, {number_e6}, r.active, r.since, r.file_line, {ORIGIN}, r.since, r.until \
                 FROM {kind} n CROSS JOIN {kind}_history r ON {} JOIN file f ON f.file_no = r.file_no \
                 WHERE {} AND r.since <= ?2 AND r.until > ?2",
                keys.join(" AND "),
                which.replace("r.", "n.")
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
