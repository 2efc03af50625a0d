//! Which price holds for a customer, an article and a quantity on a day: his own before that of his price list, that before
//! everybody's; of each the one from the largest quantity that is reached, and of those the last that has begun.

use anyhow::Result;
use rusqlite::params;

use super::also::holds_on;
use crate::edges::store::Snapshot;
use crate::edges::store::query::{list as all, one};

/// What a price is looked for by.
#[derive(Debug, Clone, Copy)]
pub struct PriceFor<'a> {
    pub article_no: &'a str,
    pub currency: &'a str,
    pub qty_e6: i64,
    /// In the partner's zone.
    pub today: &'a str,
}

/// The rest of a price's key, with the customer and list by which it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceKey {
    pub from_qty_e6: i64,
    pub valid_from: String,
}

/// What a customer pays by, where nothing else says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    pub price_list: Option<String>,
    pub currency: Option<String>,
}

impl Snapshot<'_> {
    /// Of this list and customer; both empty: everybody's.
    pub fn price_of(&self, list: &str, customer: &str, wanted: &PriceFor<'_>) -> Result<Option<PriceKey>> {
        let sql = format!(
            "SELECT a.from_qty_e6, a.valid_from FROM price a WHERE a.price_list = ?1 AND a.customer_no = ?2 AND a.article_no = ?3 \
             AND a.currency = ?4 AND a.from_qty_e6 <= ?5 AND {} AND a.active = 1 \
             ORDER BY a.from_qty_e6 DESC, a.valid_from DESC LIMIT 1",
            holds_on("a.valid_from", "?6")
        );
        let PriceFor { article_no, currency, qty_e6, today } = *wanted;
        let values = params![list, customer, article_no, currency, qty_e6, today];
        one(self.conn, &sql, values, |row| Ok(PriceKey { from_qty_e6: row.get(0)?, valid_from: row.get(1)? }))
    }

    /// In which currencies this list or customer has prices of an article; two are enough to know that it is not one.
    pub fn currencies_of(&self, list: &str, customer: &str, article_no: &str) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT currency FROM price WHERE price_list = ?1 AND customer_no = ?2 AND article_no = ?3 AND active = 1 LIMIT 2";
        all(self.conn, sql, [list, customer, article_no], |row| row.get(0))
    }

    /// From which day the discount of this list and customer on a group of articles holds; both empty: everybody's.
    pub fn discount_of(&self, list: &str, customer: &str, group: &str, today: &str) -> Result<Option<String>> {
        let sql = format!(
            "SELECT a.valid_from FROM discount a WHERE a.price_list = ?1 AND a.customer_no = ?2 AND a.discount_group = ?3 AND {} \
             AND a.active = 1 ORDER BY a.valid_from DESC LIMIT 1",
            holds_on("a.valid_from", "?4")
        );
        one(self.conn, &sql, [list, customer, group, today], |row| row.get(0))
    }

    /// The group of articles whose discounts count for this one.
    pub fn discount_group_of(&self, article_no: &str) -> Result<Option<String>> {
        let sql =
            "SELECT discount_group FROM article WHERE article_no = ?1 AND active = 1 AND discount_group IS NOT NULL";
        one(self.conn, sql, [article_no], |row| row.get(0))
    }

    /// Of a customer of ours.
    pub fn terms_of(&self, customer: &str) -> Result<Terms> {
        let sql = "SELECT price_list, currency FROM customer WHERE customer_no = ?1 AND active = 1";
        let read = |row: &rusqlite::Row<'_>| Ok(Terms { price_list: row.get(0)?, currency: row.get(1)? });
        Ok(one(self.conn, sql, [customer], read)?.unwrap_or_default())
    }
}
