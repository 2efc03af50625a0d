//! What was ordered and the ERP has not confirmed: by article and warehouse, gathered anew for each file that publishes stock
//! without it. Nothing of it is kept, so nothing of it can be wrong tomorrow.

use anyhow::{Context, Result};
use rusqlite::params;

use super::sets;
use crate::edges::fault;
use crate::edges::store::Tx;
use crate::edges::store::query::{one, run};

/// Where they stand while a file is composed.
const TABLE: &str = "temp.open_order";

/// What is subtracted from a row `h` of the stock. A line that names no warehouse counts in each: too little is told rather
/// than something sold twice; so does every line where the stock has one warehouse without a name.
pub(super) const OF_ROW: &str = "COALESCE((SELECT sum(r.qty_e6) FROM temp.open_order r WHERE r.article_no = h.article_no \
     AND (r.warehouse = '' OR h.warehouse = '' OR r.warehouse = h.warehouse)), 0)";

impl Tx<'_> {
    /// From now on `Selection::minus_open_orders` means orders received since.
    pub fn gather_open_orders(&self, since: &str) -> Result<()> {
        fault::point("store.gather_open_orders")?;
        self.conn
            .execute_batch(&format!(
                "CREATE TEMP TABLE IF NOT EXISTS open_order (article_no TEXT NOT NULL, warehouse TEXT NOT NULL, \
                 qty_e6 INTEGER NOT NULL, PRIMARY KEY (article_no, warehouse)) WITHOUT ROWID; DELETE FROM {TABLE}"
            ))
            .context("cannot gather open orders")?;
        // Partner by partner: his orders of these days are found by their index.
        let next = "SELECT partner FROM orders WHERE partner > ?1 ORDER BY partner LIMIT 1";
        let first: Option<String> =
            one(self.conn, "SELECT partner FROM orders ORDER BY partner LIMIT 1", [], |row| row.get(0))?;
        let mut partner = first;
        while let Some(of) = partner {
            run(self.conn, GATHER, params![of, since]).with_context(|| format!("cannot gather open orders of {of}"))?;
            partner = one(self.conn, next, [&of], |row| row.get(0))?;
        }
        // An order of a set takes its components.
        sets::add_open_orders(self.conn)
    }
}

/// An order without a status, or with one that promises nothing yet.
const GATHER: &str = "INSERT INTO temp.open_order (article_no, warehouse, qty_e6) \
     SELECT l.article_no, COALESCE(l.warehouse, ''), sum(COALESCE(l.base_qty_e6, l.qty_e6)) \
     FROM orders o CROSS JOIN order_line l ON l.head_row = o.row_id \
     LEFT JOIN order_status s ON s.buyer_order_no = o.buyer_order_no AND s.customer_no = o.customer_no \
       AND s.partner = o.partner AND s.active = 1 \
     WHERE o.partner = ?1 AND o.received_at >= ?2 AND l.article_no IS NOT NULL AND l.qty_e6 > 0 \
       AND (s.row_id IS NULL OR s.status = 'received' OR s.status = 'held') \
       AND NOT EXISTS (SELECT 1 FROM order_form c WHERE c.order_row = o.row_id AND c.cancels = 1) \
     GROUP BY 1, 2 \
     ON CONFLICT (article_no, warehouse) DO UPDATE SET qty_e6 = qty_e6 + excluded.qty_e6";
