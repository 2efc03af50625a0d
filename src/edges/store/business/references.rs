//! Whose number is it? Finds ours for what a partner sent: customers by his alias or our own number, articles by scheme,
//! orders by the customer's order number, units of an article. It only reads; deciding is `rules::reference`.
//!
//! Questions are asked per order line, so every statement is prepared once, and existence is answered from narrow
//! covering indexes.

use anyhow::Result;
use rusqlite::{Connection, Row};

use super::bind::Bound;
use crate::edges::fault;
use crate::edges::store::query::{one, run};
use crate::edges::store::{RowId, Snapshot, Tx};
use crate::model::intake::ArticleScheme;
use crate::model::rules::contents::Known;
use crate::model::rules::reference::Matches;

// At most ten candidates: more help nobody. The limit stands in the text, since SQLite prepares a statement anew whenever a
// bound limit is bound again.

const FILLED: &str =
    "SELECT EXISTS (SELECT 1 FROM customer), EXISTS (SELECT 1 FROM customer_alias), EXISTS (SELECT 1 FROM article)";
const OWN_CUSTOMER: &str =
    "SELECT customer_no FROM customer INDEXED BY customer_known WHERE customer_no = ?1 AND active = 1";
const CUSTOMER_ALIAS: &str =
    "SELECT customer_no FROM customer_alias WHERE owner = ?2 AND value = ?1 ORDER BY customer_no LIMIT 10";
const OWN_ARTICLE: &str =
    "SELECT article_no, unit FROM article INDEXED BY article_known WHERE article_no = ?1 AND active = 1";
/// What articles say of themselves, and what lists of references say of them.
const ALIAS: &str = "SELECT a.article_no FROM article_alias l JOIN article a ON a.row_id = l.head_row \
     WHERE l.value = ?1 AND l.scheme = ?2 AND (?3 = '' OR l.owner = ?3) AND a.active = 1 \
     UNION SELECT a.article_no FROM article_reference l JOIN article a ON a.article_no = l.article_no \
     WHERE l.their_no = ?1 AND l.scheme = ?2 AND (?3 = '' OR l.belongs_to = ?3) AND l.active = 1 AND a.active = 1 ORDER BY 1 LIMIT 10";
const SUPPLIER: &str = "SELECT article_no FROM article WHERE supplier_article_no = ?1 AND (?3 = '' OR supplier_no = ?3) AND active = 1 \
     UNION SELECT a.article_no FROM article_alias l JOIN article a ON a.row_id = l.head_row \
     WHERE l.value = ?1 AND l.scheme = ?2 AND (?3 = '' OR l.owner = ?3) AND a.active = 1 \
     UNION SELECT a.article_no FROM article_reference l JOIN article a ON a.article_no = l.article_no \
     WHERE l.their_no = ?1 AND l.scheme = ?2 AND (?3 = '' OR l.belongs_to = ?3) AND l.active = 1 AND a.active = 1 ORDER BY 1 LIMIT 10";
const EAN: &str = "SELECT article_no FROM article WHERE ean = ?1 AND active = 1 \
     UNION SELECT a.article_no FROM article_alias l JOIN article a ON a.row_id = l.head_row \
     WHERE l.value = ?1 AND l.scheme = ?2 AND a.active = 1 \
     UNION SELECT a.article_no FROM article_reference l JOIN article a ON a.article_no = l.article_no \
     WHERE l.their_no = ?1 AND l.scheme = ?2 AND l.active = 1 AND a.active = 1 ORDER BY 1 LIMIT 10";
const BASE_UNIT: &str = "SELECT unit FROM article INDEXED BY article_known WHERE article_no = ?1 AND active = 1";
const UNIT: &str = "SELECT u.base_qty_e6 FROM article a JOIN article_unit u ON u.head_row = a.row_id \
     WHERE a.article_no = ?1 AND u.unit = ?2";
const ORDERS: &str = "SELECT row_id, partner, customer_no FROM orders WHERE buyer_order_no = ?1 AND (?2 = '' OR customer_no = ?2) \
     AND (?3 = '' OR partner = ?3) ORDER BY customer_no, partner LIMIT 10";

const REGISTRATIONS: &str = "SELECT partner, subject, number_given FROM registration WHERE external_id = ?1 AND (?2 = '' OR partner = ?2) \
     ORDER BY partner LIMIT 10";

/// Bytes of documents of a partner under a name, the newest first, and whether a document has them. Each is kept once, so few come under one name.
const CONTENTS: &str = "SELECT sha256, bytes, mime, EXISTS (SELECT 1 FROM document d WHERE d.sha256 = c.sha256 AND d.file_name = c.name AND d.active = 1) \
     FROM content c WHERE partner = ?1 AND name = ?2 ORDER BY file_no DESC";

/// An order by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderKey {
    pub row: RowId,
    pub partner: String,
    pub customer_no: String,
}

/// Base units kept from the look at the article itself: the lines of one order ask for both.
const UNITS_KEPT: usize = 64;

/// Answers questions about numbers; made once per file. Tables that are empty when it is made are not asked: on day one
/// there are no master data, and files of requests bring none.
pub struct References<'s> {
    has_customers: bool,
    has_customer_aliases: bool,
    has_articles: bool,
    units: Vec<(String, Option<String>)>,
    own_customer: Question<'s>,
    customer_alias: Question<'s>,
    own_article: Question<'s>,
    alias: Question<'s>,
    supplier: Question<'s>,
    ean: Question<'s>,
    base_unit: Question<'s>,
    unit: Question<'s>,
    orders: Question<'s>,
    registrations: Question<'s>,
    contents: Question<'s>,
}

/// A statement that is prepared when it is asked for the first time: a small file needs few of them.
struct Question<'s> {
    conn: &'s Connection,
    sql: &'static str,
    prepared: Option<Bound<'s>>,
}

impl<'s> Question<'s> {
    fn new(conn: &'s Connection, sql: &'static str) -> Self {
        Question { conn, sql, prepared: None }
    }

    fn ask(&mut self) -> Result<&mut Bound<'s>> {
        let prepared = match self.prepared.take() {
            Some(prepared) => prepared,
            None => Bound::prepare(self.conn, self.sql)?,
        };
        Ok(self.prepared.insert(prepared))
    }
}

impl Snapshot<'_> {
    pub fn references(&self) -> Result<References<'_>> {
        let conn: &Connection = self.conn;
        let filled = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let (has_customers, has_customer_aliases, has_articles) = one(conn, FILLED, [], filled)?.unwrap_or_default();
        Ok(References {
            has_customers,
            has_customer_aliases,
            has_articles,
            units: Vec::new(),
            own_customer: Question::new(conn, OWN_CUSTOMER),
            customer_alias: Question::new(conn, CUSTOMER_ALIAS),
            own_article: Question::new(conn, OWN_ARTICLE),
            alias: Question::new(conn, ALIAS),
            supplier: Question::new(conn, SUPPLIER),
            ean: Question::new(conn, EAN),
            base_unit: Question::new(conn, BASE_UNIT),
            unit: Question::new(conn, UNIT),
            orders: Question::new(conn, ORDERS),
            registrations: Question::new(conn, REGISTRATIONS),
            contents: Question::new(conn, CONTENTS),
        })
    }
}

impl References<'_> {
    /// Ours for a customer number of this partner: what he calls him, if that was ever said; else our own number.
    pub fn customer(&mut self, owner: &str, sent: &str) -> Result<Matches> {
        if self.has_customer_aliases {
            let statement = self.customer_alias.ask()?;
            statement.set(1, sent)?;
            statement.set(2, owner)?;
            let found = matches(statement)?;
            if found != Matches::None {
                return Ok(found);
            }
        }
        if !self.has_customers {
            return Ok(Matches::None);
        }
        let statement = self.own_customer.ask()?;
        statement.set(1, sent)?;
        matches(statement)
    }

    /// Ours for an article number of a scheme. `owner` is the partner or the supplier; empty: whoever's. EAN and ISBN have none.
    pub fn article(&mut self, scheme: ArticleScheme, owner: &str, value: &str) -> Result<Matches> {
        if !self.has_articles {
            return Ok(Matches::None);
        }
        let (statement, scheme_text) = match scheme {
            ArticleScheme::Own => return self.own_article(value),
            ArticleScheme::Ean => {
                let statement = self.ean.ask()?;
                statement.set(1, value)?;
                statement.set(2, "ean")?;
                return matches(statement);
            }
            ArticleScheme::Partner => (self.alias.ask()?, "partner"),
            ArticleScheme::Supplier => (self.supplier.ask()?, "supplier"),
            ArticleScheme::Isbn => (self.alias.ask()?, "isbn"),
        };
        let owner = if scheme == ArticleScheme::Isbn { "" } else { owner };
        statement.set(1, value)?;
        statement.set(2, scheme_text)?;
        statement.set(3, owner)?;
        matches(statement)
    }

    /// The file that is applied has written master data itself.
    pub fn look_again(&mut self) {
        (self.has_customers, self.has_articles) = (true, true);
    }

    /// Our own number is unique, and its base unit stands in the same index.
    fn own_article(&mut self, value: &str) -> Result<Matches> {
        let statement = self.own_article.ask()?;
        statement.set(1, value)?;
        let mut rows = statement.query();
        let Some(row) = rows.next()? else { return Ok(Matches::None) };
        let article_no: String = row.get(0)?;
        let unit = row.get(1)?;
        drop(rows);
        self.keep_unit(article_no.clone(), unit);
        Ok(Matches::One(article_no))
    }

    /// Somebody has looked the article up already.
    pub fn knows(&mut self, article_no: &str, unit: Option<&str>) {
        self.keep_unit(article_no.to_string(), unit.map(str::to_string));
    }

    fn keep_unit(&mut self, article_no: String, unit: Option<String>) {
        if self.units.len() == UNITS_KEPT {
            self.units.clear();
        }
        self.units.push((article_no, unit));
    }

    /// `None`: no such article; `Some(None)`: it has no unit.
    pub fn base_unit(&mut self, article_no: &str) -> Result<Option<Option<String>>> {
        if !self.has_articles {
            return Ok(None);
        }
        // From the end: the articles of one order were looked up last.
        if let Some((_, unit)) = self.units.iter().rev().find(|(known, _)| known == article_no) {
            return Ok(Some(unit.clone()));
        }
        let statement = self.base_unit.ask()?;
        statement.set(1, article_no)?;
        let mut rows = statement.query();
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }

    /// How many base units (scale 6) are in one of this unit, as the article's own list of units says.
    pub fn base_quantity(&mut self, article_no: &str, unit: &str) -> Result<Option<i64>> {
        let statement = self.unit.ask()?;
        statement.set(1, article_no)?;
        statement.set(2, unit)?;
        let mut rows = statement.query();
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }

    /// Registrations with a partner's number: whose, of what, and the number given. An empty partner: of anybody.
    pub fn registrations(&mut self, partner: &str, external_id: &str) -> Result<Vec<(String, String, Option<String>)>> {
        let statement = self.registrations.ask()?;
        statement.set(1, external_id)?;
        statement.set(2, partner)?;
        let mut rows = statement.query();
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push((row.get(0)?, row.get(1)?, row.get(2)?));
        }
        Ok(found)
    }

    /// What is there of a partner's documents under this name.
    pub fn contents(&mut self, partner: &str, name: &str) -> Result<Vec<Known>> {
        let statement = self.contents.ask()?;
        statement.set(1, partner)?;
        statement.set(2, name)?;
        let mut rows = statement.query();
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let (sha256, bytes, mime) = (row.get(0)?, row.get(1)?, row.get(2)?);
            found.push(Known { sha256, bytes, mime, is_named: row.get(3)? });
        }
        Ok(found)
    }

    /// Orders with the customer's order number; an unknown customer or partner is left empty.
    pub fn orders(&mut self, partner: &str, customer_no: &str, buyer_order_no: &str) -> Result<Vec<OrderKey>> {
        let statement = self.orders.ask()?;
        statement.set(1, buyer_order_no)?;
        statement.set(2, customer_no)?;
        statement.set(3, partner)?;
        let mut rows = statement.query();
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(OrderKey { row: RowId(row.get(0)?), partner: row.get(1)?, customer_no: row.get(2)? });
        }
        Ok(found)
    }
}

fn matches(statement: &mut Bound<'_>) -> Result<Matches> {
    let mut rows = statement.query();
    let Some(row) = rows.next()? else { return Ok(Matches::None) };
    let mut all: Vec<String> = vec![row.get(0)?];
    while let Some(row) = rows.next()? {
        all.push(row.get(0)?);
    }
    Ok(if all.len() == 1 { Matches::One(all.remove(0)) } else { Matches::Many(all) })
}

impl Tx<'_> {
    /// `owner` (a partner) calls our customer by this number. `false` when that was known.
    pub fn add_customer_alias(&self, owner: &str, value: &str, customer_no: &str) -> Result<bool> {
        fault::point("store.add_customer_alias")?;
        let sql = "INSERT INTO customer_alias (owner, value, customer_no) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        Ok(run(self.conn, sql, [owner, value, customer_no])? == 1)
    }
}
