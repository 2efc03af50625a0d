//! How many whole sets the components make: the stock of an article that is sold as a set, computed where stock is told and never
//! kept. A temporary table holds it, by set and warehouse, as long as a selection reads it (`heads` merges it with the stock's rows).
//!
//! What one set takes of an article is summed over all its components, sets in it resolved; of the quotients of what is there
//! the smallest counts, without its fraction. One set is in memory at a time.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use rusqlite::Connection;

use super::open_orders;
use super::selection::Selection;
use super::tables::KindTables;
use super::wanted;
use crate::edges::fault;
use crate::edges::store::Tx;
use crate::edges::store::query::{list, one, run};
use crate::model::key::{self, KeyCell};
use crate::model::key_list::{Keys, Unpacked};
use crate::model::kind::Kind;
use crate::model::rules::sets::{DEEPEST, Needs, Stocks};

/// The kinds whose rows decide what there is of a set.
const STOCK: &str = "stock";
const SET: &str = "set_article";

const COMPONENTS: &str = "SELECT c.component_no, c.qty_e6 FROM set_article s CROSS JOIN set_component c ON c.head_row = s.row_id \
     WHERE s.set_no = ?1 AND s.active = 1";
const PUT: &str = "INSERT INTO temp.set_stock (article_no, warehouse, qty_e6) VALUES (?1, ?2, ?3)";
/// A set that is closed is none any more: its own row counts again, if there is one.
const PUT_CLOSED: &str = "INSERT INTO temp.set_stock (article_no, warehouse, qty_e6) SELECT ?1, ?2, 0 \
     WHERE NOT EXISTS (SELECT 1 FROM stock WHERE article_no = ?1 AND warehouse = ?2 AND active = 1)";

/// Fills the table for this selection. False: no row of a set is among its rows, and nothing was filled.
pub(super) fn fill(conn: &Connection, selection: &Selection<'_>) -> Result<bool> {
    if !selection.with_sets || !any(conn)? {
        return Ok(false);
    }
    fault::point("store.fill_sets")?;
    conn.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS set_stock (article_no TEXT NOT NULL, warehouse TEXT NOT NULL, qty_e6 INTEGER NOT NULL, \
         PRIMARY KEY (article_no, warehouse)) WITHOUT ROWID; DELETE FROM temp.set_stock",
    )
    .context("cannot compute the stock of sets")?;
    // Of closed rows 0 is told where the partner has to hear that they are gone.
    let tells_closed = selection.closed_as_zero.is_some();
    let closed = if tells_closed { "1" } else { "s.active = 1" };
    let asked = selection.only.iter().find(|(field, _)| field == "article_no").map(|(_, number)| number);
    let which = match (selection.wanted, asked) {
        (true, _) => format!(
            "SELECT s.set_no, s.active FROM (SELECT DISTINCT k1 FROM {}) w CROSS JOIN set_article s ON s.set_no = w.k1 \
             WHERE {closed} ORDER BY s.set_no",
            wanted::table(STOCK)
        ),
        (false, Some(_)) => format!("SELECT s.set_no, s.active FROM set_article s WHERE s.set_no = ?1 AND {closed}"),
        (false, None) => format!("SELECT s.set_no, s.active FROM set_article s WHERE {closed} ORDER BY s.set_no"),
    };
    let asked = asked.filter(|_| !selection.wanted);
    let there = Components { conn, open_orders: selection.minus_open_orders.is_some(), tells_closed };
    let mut statement = conn.prepare_cached(&which)?;
    let mut rows = statement.query(rusqlite::params_from_iter(asked))?;
    let mut any = false;
    while let Some(row) = rows.next()? {
        let (set_no, is_open): (String, bool) = (row.get(0)?, row.get(1)?);
        for (warehouse, whole) in there.stock_of(&set_no)? {
            any |= match is_open {
                true => run(conn, PUT, rusqlite::params![set_no, warehouse, whole])?,
                false => run(conn, PUT_CLOSED, rusqlite::params![set_no, warehouse])?,
            } > 0;
        }
    }
    Ok(any)
}

/// Where the rows of sets come from, with the columns of the stock's own: what was said of a set beside its quantity is told too.
pub(super) fn rows(tables: &KindTables) -> String {
    let cells = tables.columns.iter().map(|column| match (column.key, column.name.as_str()) {
        (true, name) => format!("s.\"{name}\" AS \"{name}\""),
        (false, "qty_e6") => "s.qty_e6 AS qty_e6".to_string(),
        (false, name) => format!("r.\"{name}\" AS \"{name}\""),
    });
    format!(
        "(SELECT {}, 1 AS active FROM temp.set_stock s LEFT JOIN stock r ON r.article_no = s.article_no \
         AND r.warehouse = s.warehouse AND r.active = 1) h",
        cells.collect::<Vec<_>>().join(", ")
    )
}

fn any(conn: &Connection) -> Result<bool> {
    Ok(one(conn, "SELECT EXISTS (SELECT 1 FROM set_article)", [], |row| row.get(0))?.unwrap_or(false))
}

/// What one set takes of each article that is none. A set that nests too deep takes what cannot be had.
fn needs_of(conn: &Connection, set_no: &str) -> Result<Needs> {
    let mut needs = Needs::of(set_no);
    while let Some(level) = needs.open() {
        for (article, qty) in level {
            let components: Vec<(String, i64)> =
                list(conn, COMPONENTS, [&article], |row| Ok((row.get(0)?, row.get(1)?)))?;
            needs.put(article, qty, &components);
        }
    }
    Ok(needs)
}

struct Components<'c> {
    conn: &'c Connection,
    open_orders: bool,
    tells_closed: bool,
}

impl Components<'_> {
    /// Whole sets by warehouse: each warehouse that has a row of one of its components.
    fn stock_of(&self, set_no: &str) -> Result<BTreeMap<String, i64>> {
        let minus = if self.open_orders { open_orders::OF_ROW } else { "0" };
        let closed = if self.tells_closed { "1" } else { "h.active = 1" };
        let sql = format!(
            "SELECT h.warehouse, CASE WHEN h.active = 1 THEN h.qty_e6 - {minus} ELSE 0 END FROM stock h \
             WHERE h.article_no = ?1 AND {closed}"
        );
        let needs = needs_of(self.conn, set_no)?;
        let mut stocks = Stocks::default();
        for (article, need) in needs.leaves() {
            let found: Vec<(String, i64)> = list(self.conn, &sql, [article], |row| Ok((row.get(0)?, row.get(1)?)))?;
            stocks.add(need, found);
        }
        Ok(stocks.whole(needs.is_too_deep()))
    }
}

/// Adds to what is ordered of articles what open orders of sets take of their components.
pub(super) fn add_open_orders(conn: &Connection) -> Result<()> {
    if !any(conn)? {
        return Ok(());
    }
    conn.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS open_set (article_no TEXT NOT NULL, warehouse TEXT NOT NULL, qty_e6 INTEGER NOT NULL); \
         DELETE FROM temp.open_set; INSERT INTO temp.open_set SELECT r.article_no, r.warehouse, r.qty_e6 \
         FROM temp.open_order r CROSS JOIN set_article s ON s.set_no = r.article_no AND s.active = 1",
    )?;
    let mut statement = conn.prepare_cached("SELECT article_no, warehouse, qty_e6 FROM temp.open_set")?;
    let mut rows = statement.query([])?;
    let put = "INSERT INTO temp.open_order (article_no, warehouse, qty_e6) VALUES (?1, ?2, ?3) \
         ON CONFLICT (article_no, warehouse) DO UPDATE SET qty_e6 = qty_e6 + excluded.qty_e6";
    while let Some(row) = rows.next()? {
        let (set_no, warehouse, ordered): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let needs = needs_of(conn, &set_no)?;
        for (article, need) in needs.leaves() {
            run(conn, put, rusqlite::params![article, warehouse, need.of(ordered)])?;
        }
    }
    Ok(())
}

impl Tx<'_> {
    /// Adds to `keys` of stock those of the sets that changed with the stock of their components. False: too many.
    pub fn sets_beside(&self, kind: &Kind, changed: &[Vec<u8>], (keys, most): (&mut Keys, usize)) -> Result<bool> {
        if kind.name != STOCK || !any(self.conn)? {
            return Ok(true);
        }
        fault::point("store.sets_beside")?;
        let sql = format!(
            "WITH RECURSIVE above (no, depth) AS (VALUES (?1, 0) UNION SELECT s.set_no, a.depth + 1 FROM above a \
             CROSS JOIN set_component c ON c.component_no = a.no CROSS JOIN set_article s ON s.row_id = c.head_row \
             WHERE s.active = 1 AND a.depth < {DEEPEST}) SELECT DISTINCT no FROM above WHERE depth > 0"
        );
        let mut bytes = Vec::new();
        for part in changed {
            let mut part = Unpacked::new(part.clone());
            while part.next_key()? {
                let cells = key::cells(kind, part.key())?;
                let [KeyCell::Text(article), KeyCell::Text(warehouse)] = &cells[..] else { continue };
                for set_no in list::<String>(self.conn, &sql, [article], |row| row.get(0))? {
                    bytes.clear();
                    key::put_text(&set_no, &mut bytes);
                    key::put_text(warehouse, &mut bytes);
                    keys.push(&bytes);
                }
                if keys.len() > most {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// Whether rows of this kind are told by feeds of that kind without being theirs.
pub fn changes_sets(kind: &str, feed: &str) -> bool {
    kind == SET && feed == STOCK
}
