//! Questions by business number: orders, articles, customers, stock levels, prices, with the file and line each came from.
//! Reading only.

use anyhow::{Context, Result};
use rusqlite::{Row, params};

use super::ledger::{MessageNo, MessageRow, RunRow};
use super::query::{list, one};
use super::{FileNo, RowId, Snapshot, request_table};
use crate::model::decimal;
use crate::model::ids::Id;

/// What goes by a number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    pub orders: Vec<OrderFound>,
    pub rows: Vec<RowFound>,
}

/// Where a row stands in a sender's file. Instants as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub file_no: FileNo,
    pub file_id: String,
    pub file_name: String,
    /// `partner/intake`
    pub source: String,
    pub line: u32,
    pub first_seen: String,
    /// The moment the row speaks of; empty where that is no question (orders).
    pub as_of: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFound {
    pub row: RowId,
    pub partner: String,
    pub customer_no: String,
    pub buyer_order_no: String,
    /// Empty until the first status, unless given by us.
    pub order_no: String,
    pub status: String,
    pub status_at: Option<String>,
    pub lines: u64,
    pub origin: Origin,
    /// Where the status came from; none while it is `received`.
    pub status_origin: Option<Origin>,
}

/// A record or fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFound {
    /// article, customer, stock, price and what else has a number
    pub kind: &'static str,
    pub key: String,
    /// What it says, for people.
    pub says: String,
    /// False when a full file no longer named it.
    pub active: bool,
    pub origin: Origin,
}

/// The last columns of every question, in the order `read_origin` expects.
pub(super) const ORIGIN: &str = "f.file_no, f.file_id, f.name, f.partner || '/' || f.intake, f.first_seen, f.as_of";

/// Ours, or one of a partner, a supplier, an EAN.
pub(super) const ARTICLES: &str = "r.article_no IN (SELECT ?1 UNION SELECT article_no FROM article WHERE ean = ?1
    UNION SELECT article_no FROM article WHERE supplier_article_no = ?1
    UNION SELECT a.article_no FROM article_alias x JOIN article a ON a.row_id = x.head_row WHERE x.value = ?1
    UNION SELECT article_no FROM article_reference WHERE their_no = ?1 AND active = 1)";
pub(super) const STOCK_KEY: &str = "r.article_no || CASE r.warehouse WHEN '' THEN '' ELSE ' in ' || r.warehouse END";
pub(super) const PRICE_KEY: &str = "r.article_no || CASE r.price_list WHEN '' THEN '' ELSE ' list ' || r.price_list END
    || CASE r.customer_no WHEN '' THEN '' ELSE ' customer ' || r.customer_no END
    || CASE r.from_qty_e6 WHEN 0 THEN '' ELSE ' from ' ||
        CASE r.from_qty_e6 % 1000000 WHEN 0 THEN r.from_qty_e6 / 1000000 ELSE r.from_qty_e6 / 1000000.0 END END";
/// The set itself, or one of its components.
const SETS: &str = "r.set_no = ?1 OR r.row_id IN (SELECT head_row FROM set_component WHERE component_no = ?1)";
const REFERENCES: &str = "r.their_no = ?1";
/// By the partner's number or by the one that was given.
const REGISTERED: &str = "r.external_id = ?1 OR r.number_given = ?1";
/// Requests are never closed, and speak of no moment.
const REQUESTED: &str = "(SELECT *, 1 AS active, NULL AS as_of FROM registration)";
/// The person, or all of a customer.
const CONTACTS: &str = "r.contact_no = ?1 OR r.customer_no = ?1";
const CUSTOMERS: &str = "r.customer_no IN (SELECT ?1 UNION SELECT customer_no FROM customer_alias WHERE value = ?1)";

impl Snapshot<'_> {
    /// Everything that goes by this number, at most `limit` of each sort.
    pub fn find_number(&self, number: &str, limit: u32) -> Result<Found> {
        let mut found = Found { orders: self.find_orders(number, limit)?, rows: Vec::new() };
        let says_article = "COALESCE(r.name, '')";
        let says_customer = "COALESCE(r.name, '') || COALESCE(', ' || r.city, '')";
        let says_contact = "trim(COALESCE(r.first_name || ' ', '') || COALESCE(r.last_name, ''))";
        let says_registered = "r.subject || ' ' || COALESCE(r.name, r.last_name, '') || COALESCE(', number ' || r.number_given, ', no number yet')";
        let says_set = "(SELECT group_concat(c.component_no, ', ') FROM set_component c WHERE c.head_row = r.row_id)";
        let reference_key = "r.their_no || CASE r.belongs_to WHEN '' THEN '' ELSE ' of ' || r.belongs_to END";
        let document_key = "r.doc_kind || ' ' || r.doc_no || CASE r.customer_no WHEN '' THEN '' ELSE ' customer ' || r.customer_no END";
        let says_document = "r.file_name || COALESCE(', revision ' || r.revision, '')";
        let documents = format!("r.doc_no = ?1 OR {ARTICLES}");
        let questions = [
            ("article", "r.article_no", says_article, "NULL", ARTICLES),
            ("customer", "r.customer_no", says_customer, "NULL", CUSTOMERS),
            ("stock", STOCK_KEY, "COALESCE(r.unit, '')", "r.qty_e6", ARTICLES),
            ("price", PRICE_KEY, "r.currency", "r.price_e6", ARTICLES),
            ("set_article", "r.set_no", says_set, "NULL", SETS),
            ("article_reference", reference_key, "r.article_no", "NULL", REFERENCES),
            ("document", document_key, says_document, "NULL", documents.as_str()),
            ("contact", "r.contact_no", says_contact, "NULL", CONTACTS),
            ("registration", "r.external_id || ' of ' || r.partner", says_registered, "NULL", REGISTERED),
            ("base_data", "r.list || ' ' || r.code", "COALESCE(r.name, '')", "r.value_e6", "r.code = ?1"),
        ];
        for (kind, key, says, number_e6, condition) in questions {
            let sql = format!(
                "SELECT {key}, {says}, {number_e6}, r.active, r.as_of, r.file_line, {ORIGIN}
                 FROM {} r JOIN file f ON f.file_no = r.file_no WHERE {condition} ORDER BY 1 LIMIT ?2",
                if kind == "registration" { REQUESTED } else { kind }
            );
            let rows = list(self.conn, &sql, params![number, limit], read_row)
                .with_context(|| format!("cannot look for {kind} rows"))?;
            found.rows.extend(rows.into_iter().map(|row| RowFound { kind, ..row }));
        }
        found.rows.extend(self.find_requests(number, limit)?);
        found.rows.extend(self.find_questions(number, limit)?);
        Ok(found)
    }

    /// Requests beside orders: quotes by their number, changes by their order's.
    fn find_requests(&self, number: &str, limit: u32) -> Result<Vec<RowFound>> {
        let quote = "COALESCE('valid until ' || r.valid_until, 'valid') || COALESCE((SELECT ', ordered as ' || o.buyer_order_no \
             FROM quote_order t JOIN orders o ON o.row_id = t.order_row WHERE t.quote_row = r.row_id), '')";
        let change = "r.action || CASE WHEN r.told = 1 THEN '' ELSE ', before it went out' END";
        let change_key = "r.customer_no || ' / ' || r.buyer_order_no || ' / ' || r.change_seq";
        let questions = [
            ("quote", "r.customer_no || ' / ' || r.quote_no", quote, "r.quote_no = ?1"),
            ("order_change", change_key, change, "r.buyer_order_no = ?1"),
        ];
        let mut found = Vec::new();
        for (kind, key, says, condition) in questions {
            let sql = format!(
                "SELECT {key}, {says}, NULL, 1, '', r.file_line, {ORIGIN}
                 FROM {kind} r JOIN file f ON f.file_no = r.file_no WHERE {condition} ORDER BY r.row_id LIMIT ?2"
            );
            let rows = list(self.conn, &sql, params![number, limit], read_row)
                .with_context(|| format!("cannot look for {kind} rows"))?;
            found.extend(rows.into_iter().map(|row| RowFound { kind, ..row }));
        }
        Ok(found)
    }

    /// What was asked under this number, and what answers it. There is no index of these numbers: a person waits for it.
    fn find_questions(&self, number: &str, limit: u32) -> Result<Vec<RowFound>> {
        let says = "r.about || CASE r.code WHEN '' THEN '' ELSE ', ' || r.code END || COALESCE((SELECT ', answered by ' || a.name \
             FROM run a WHERE a.file_no = r.file_no AND a.kind = 'answer'), '')";
        let sql = format!(
            "SELECT r.request_id || ' of ' || f.partner, {says}, NULL, 1, '', 0, {ORIGIN}
             FROM question r JOIN file f ON f.file_no = r.file_no WHERE r.request_id = ?1 ORDER BY r.file_no LIMIT ?2"
        );
        let rows = list(self.conn, &sql, params![number, limit], read_row).context("cannot look for what was asked")?;
        Ok(rows.into_iter().map(|row| RowFound { kind: "question", ..row }).collect())
    }

    /// Orders by the customer's number or by ours, the newest first.
    fn find_orders(&self, number: &str, limit: u32) -> Result<Vec<OrderFound>> {
        let sql = format!(
            "SELECT o.row_id, o.partner, o.customer_no, o.buyer_order_no, COALESCE(s.order_no, o.order_no, ''),
               COALESCE(s.status, CASE WHEN EXISTS (SELECT 1 FROM order_form c WHERE c.order_row = o.row_id AND c.cancels = 1
                 AND c.told = 0) THEN 'cancelled' ELSE 'received' END), s.status_at, (SELECT COUNT(*) FROM order_line l WHERE l.head_row = o.row_id),
               '', o.file_line, {ORIGIN}, s.row_id
             FROM orders o
             JOIN file f ON f.file_no = o.file_no
             LEFT JOIN order_status s ON s.buyer_order_no = o.buyer_order_no AND s.customer_no = o.customer_no
               AND s.partner = o.partner AND s.active = 1
             WHERE o.row_id IN (
               SELECT row_id FROM orders WHERE buyer_order_no = ?1
               UNION SELECT row_id FROM orders WHERE order_no = ?1
               UNION SELECT x.row_id FROM order_status t JOIN orders x
                 ON x.buyer_order_no = t.buyer_order_no AND x.customer_no = t.customer_no AND x.partner = t.partner
                 WHERE t.order_no = ?1)
             ORDER BY o.row_id DESC LIMIT ?2"
        );
        let rows = list(self.conn, &sql, params![number, limit], read_order).context("cannot look for orders")?;
        rows.into_iter()
            .map(|(mut order, status)| {
                if let Some(status) = status {
                    order.status_origin = self.status_origin(status)?;
                }
                Ok(order)
            })
            .collect()
    }

    /// Messages that were not simply taken and whose key is this number or ends with it (`customer / number`), newest first.
    pub fn messages_numbered(&self, number: &str, limit: u32) -> Result<Vec<MessageRow>> {
        let sql = "SELECT message_no FROM message WHERE key = ?1 OR substr(key, -length(?1) - 3) = ' / ' || ?1
                   ORDER BY message_no DESC LIMIT ?2";
        let numbers = list(self.conn, sql, params![number, limit], |row| row.get(0).map(MessageNo))
            .context("cannot look for messages")?;
        let mut found = Vec::with_capacity(numbers.len());
        for number in numbers {
            found.extend(self.message(number)?);
        }
        Ok(found)
    }

    /// The runs that took requests of this file along, the oldest first; none for what is no kind of request.
    pub fn runs_with_requests_of(&self, kind: &str, file: FileNo) -> Result<Vec<RunRow>> {
        let Some(table) = request_table(kind) else { return Ok(Vec::new()) };
        let sql = format!(
            "SELECT run_id FROM run WHERE run_no IN (SELECT q.run_no FROM \"{table}\" o JOIN run_request q \
             ON q.row_id = o.row_id AND q.kind = ?2 WHERE o.file_no = ?1) ORDER BY run_no"
        );
        let ids: Vec<String> = list(self.conn, &sql, params![file.0, kind], |row| row.get(0))?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids.iter().filter_map(|id| Id::parse(id)) {
            found.extend(self.run_by_id(id)?);
        }
        Ok(found)
    }

    fn status_origin(&self, row: i64) -> Result<Option<Origin>> {
        let sql = format!(
            "SELECT s.as_of, s.file_line, {ORIGIN} FROM order_status s JOIN file f ON f.file_no = s.file_no WHERE s.row_id = ?1"
        );
        one(self.conn, &sql, [row], |row| read_origin(row, 0)).context("cannot read where an order status came from")
    }
}

fn read_order(row: &Row<'_>) -> rusqlite::Result<(OrderFound, Option<i64>)> {
    // An order's own as_of is '' in the question: when it was asked for is not what it speaks of.
    let order = OrderFound {
        row: RowId(row.get(0)?),
        partner: row.get(1)?,
        customer_no: row.get(2)?,
        buyer_order_no: row.get(3)?,
        order_no: row.get(4)?,
        status: row.get(5)?,
        status_at: row.get(6)?,
        lines: row.get::<_, i64>(7)?.cast_unsigned(),
        origin: read_origin(row, 8)?,
        status_origin: None,
    };
    Ok((order, row.get(16)?))
}

pub(super) fn read_row(row: &Row<'_>) -> rusqlite::Result<RowFound> {
    let says: String = row.get(1)?;
    let number: Option<i64> = row.get(2)?;
    let says = match number {
        Some(number) => format!("{} {says}", decimal::text(number, 6)).trim_end().to_string(),
        None => says,
    };
    Ok(RowFound { kind: "", key: row.get(0)?, says, active: row.get(3)?, origin: read_origin(row, 4)? })
}

/// From column `at`: the row's own `as_of`, its line, then `ORIGIN`.
fn read_origin(row: &Row<'_>, at: usize) -> rusqlite::Result<Origin> {
    let own: Option<String> = row.get(at)?;
    Ok(Origin {
        line: row.get(at + 1)?,
        file_no: FileNo(row.get(at + 2)?),
        file_id: row.get(at + 3)?,
        file_name: row.get(at + 4)?,
        source: row.get(at + 5)?,
        first_seen: row.get(at + 6)?,
        as_of: own.unwrap_or(row.get(at + 7)?),
    })
}
