//! Changes of orders as the tables have them: how an order stands, what it was before each change, and its last form written in
//! its place. What may be changed is `rules::order_change`; this file only asks and writes.

use anyhow::{Context, Result};
use rusqlite::params;

use super::bind::Bound;
use super::changes::Changes;
use super::groups::Groups;
use crate::edges::fault;
use crate::edges::store::ledger::Cause;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{FileNo, RowId, Snapshot, Tx};
use crate::model::batch::Message;
use crate::model::kind::Kind;

/// An order as a change meets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderState {
    pub row: RowId,
    pub order_no: Option<String>,
    /// The ERP's last word; `received` where there is none.
    pub status: String,
    pub is_cancelled: bool,
}

/// One change of an order, with what the order was before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmendmentRow {
    pub row: RowId,
    pub seq: i64,
    pub action: String,
    pub cancels: bool,
    /// The order was handed on before: the change went out, or goes out, by itself.
    pub told: bool,
    pub file: FileNo,
    pub line: u32,
    /// A JSON line; empty where the order was not known.
    pub before: String,
}

/// A change, as it is noted beside its order.
pub struct NewAmendment<'a> {
    pub order: RowId,
    pub change: RowId,
    pub cancels: bool,
    pub told: bool,
    pub before: &'a str,
}

impl Snapshot<'_> {
    pub fn order_state(&self, partner: &str, customer_no: &str, number: &str) -> Result<Option<OrderState>> {
        let sql = "SELECT o.row_id, COALESCE(s.order_no, o.order_no), COALESCE(s.status, 'received'), \
             EXISTS (SELECT 1 FROM order_form c WHERE c.order_row = o.row_id AND c.cancels = 1) \
             FROM orders o LEFT JOIN order_status s ON s.buyer_order_no = o.buyer_order_no AND s.customer_no = o.customer_no \
               AND s.partner = o.partner AND s.active = 1 \
             WHERE o.buyer_order_no = ?1 AND o.customer_no = ?2 AND o.partner = ?3";
        one(self.conn, sql, [number, customer_no, partner], |row| {
            Ok(OrderState {
                row: RowId(row.get(0)?),
                order_no: row.get(1)?,
                status: row.get(2)?,
                is_cancelled: row.get(3)?,
            })
        })
        .context("cannot look how an order stands")
    }

    /// The numbers of the changes that an order has had: whether this one is among them, and the highest.
    pub fn changes_of_order(
        &self,
        (partner, customer_no, number): (&str, &str, &str),
        seq: i64,
    ) -> Result<(bool, Option<i64>)> {
        let sql = "SELECT COALESCE(max(change_seq = ?4), 0), max(change_seq) FROM order_change \
             WHERE buyer_order_no = ?1 AND customer_no = ?2 AND partner = ?3";
        let found =
            one(self.conn, sql, params![number, customer_no, partner, seq], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(found.context("cannot look for the changes of an order")?.unwrap_or_default())
    }

    /// The changes of an order, the first one first.
    pub fn amendments(&self, order: RowId) -> Result<Vec<AmendmentRow>> {
        let sql = "SELECT c.row_id, c.change_seq, c.action, f.cancels, f.told, c.file_no, c.file_line, f.before \
             FROM order_form f JOIN order_change c ON c.row_id = f.change_row WHERE f.order_row = ?1 ORDER BY c.row_id";
        list(self.conn, sql, [order.0], |row| {
            Ok(AmendmentRow {
                row: RowId(row.get(0)?),
                seq: row.get(1)?,
                action: row.get(2)?,
                cancels: row.get(3)?,
                told: row.get(4)?,
                file: FileNo(row.get(5)?),
                line: row.get(6)?,
                before: row.get(7)?,
            })
        })
        .context("cannot read the changes of an order")
    }
}

impl Tx<'_> {
    /// Notes what the order was, and whether the change goes out by itself.
    pub fn note_amendment(&self, new: &NewAmendment<'_>) -> Result<()> {
        fault::point("store.note_amendment")?;
        let sql = "INSERT INTO order_form (order_row, change_row, cancels, told, before) VALUES (?1, ?2, ?3, ?4, ?5)";
        let values = params![new.order.0, new.change.0, new.cancels, new.told, new.before];
        run(self.conn, sql, values).context("cannot note what an order was before a change")?;
        Ok(())
    }

    /// Ours on a change: whether it goes out, and the seller's number of its order.
    pub fn mark_change(&self, change: RowId, told: bool, order_no: Option<&str>) -> Result<()> {
        fault::point("store.mark_change")?;
        let sql = "UPDATE order_change SET told = ?2, order_no = ?3 WHERE row_id = ?1";
        run(self.conn, sql, params![change.0, told, order_no]).context("cannot mark a change of an order")?;
        Ok(())
    }

    /// The order is this from now on. Its row, where it came from and what was exported of it stay.
    pub fn amend_order(&self, kind: &Kind, order: RowId, now: Message<'_>, file: FileNo) -> Result<()> {
        fault::point("store.amend_order")?;
        let tables = self.tables.of(kind).with_context(|| format!("the kind \"{}\" is not stored", kind.name))?;
        let sql = "SELECT file_no, file_line FROM orders WHERE row_id = ?1";
        let origin: Option<(i64, i64)> = one(self.conn, sql, [order.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (file_no, line) = origin.context("the order that is changed is gone within one transaction")?;
        let mut groups = Groups::new(self.conn, &tables);
        groups.delete_all(order)?;
        let mut update = Bound::prepare(self.conn, &tables.statements.update)?;
        let next = update.set_node(1, &tables.columns, &now.head())?;
        update.set(next, file_no)?;
        update.set(next + 1, line)?;
        update.set(next + 2, order.0)?;
        update.execute()?;
        groups.insert_all(order, now)?;
        self.tell_of_order(now, file)
    }

    /// An order is another one now, or none any more: whoever publishes its status, or stock without what is ordered, hears it.
    pub fn tell_of_order(&self, order: Message<'_>, file: FileNo) -> Result<()> {
        for kind in ["order", "order_status"] {
            let mut changes = Changes::of(self, kind, file, Cause::Registration)?;
            changes.add_order(order);
            changes.finish()?;
        }
        self.ring_for_open_orders()
    }
}
