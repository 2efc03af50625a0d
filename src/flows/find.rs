//! Finds by business number what came and where it went: orders, articles, customers, stock levels, prices, and messages
//! that were not taken. It changes nothing.

use anyhow::Result;

use super::files::Sight;
use crate::edges::store::ledger::{FileRow, MessageRow, RunRow};
use crate::edges::store::{OrderFound, RowFound};
use crate::model::rules::identity;
use crate::model::verdict::Verdict;

/// Of each sort; a number that names more says too little.
const SHOWN: u32 = 50;

#[derive(Debug)]
pub struct FoundByKey {
    pub key: String,
    pub orders: Vec<OrderStory>,
    pub rows: Vec<RowFound>,
    pub messages: Vec<MessageOfFile>,
}

#[derive(Debug)]
pub struct OrderStory {
    pub order: OrderFound,
    /// The runs it went out in, the oldest first.
    pub runs: Vec<RunRow>,
    /// It was held and applied later: its message.
    pub waited: Option<MessageRow>,
}

/// A message that was not simply taken, and its file.
#[derive(Debug)]
pub struct MessageOfFile {
    pub message: MessageRow,
    pub file: FileRow,
}

impl FoundByKey {
    pub fn is_empty(&self) -> bool {
        self.orders.is_empty() && self.rows.is_empty() && self.messages.is_empty()
    }
}

pub fn find(sight: Sight<'_>, key: &str) -> Result<FoundByKey> {
    let snapshot = sight.snapshot;
    // As it would have been stored; what no file can bring is looked for as it is.
    let mut bare = String::new();
    let key = identity::bare(key, &mut bare).unwrap_or(key);
    let mut found = snapshot.find_number(key, SHOWN)?;
    // As reasons and tables write an order: `customer / number`.
    if let Some((customer, number)) = key.split_once('/').filter(|_| found.orders.is_empty()) {
        found.orders = snapshot.find_number(number.trim(), SHOWN)?.orders;
        found.orders.retain(|order| order.customer_no == customer.trim());
    }
    let mut orders = Vec::new();
    let noted = snapshot.messages_numbered(key, SHOWN)?;
    for order in found.orders {
        let is_it = |m: &&MessageRow| m.file == order.origin.file_no && m.line == order.origin.line;
        let waited = noted.iter().filter(|m| m.verdict == Verdict::Accepted && m.waits.is_some()).find(is_it).cloned();
        orders.push(OrderStory { runs: snapshot.runs_of_request("order", order.row)?, waited, order });
    }
    let mut messages = Vec::new();
    // One that was applied later is told by its order.
    for message in noted.into_iter().filter(|m| m.verdict != Verdict::Accepted) {
        if let Some(file) = snapshot.file(message.file)? {
            messages.push(MessageOfFile { message, file });
        }
    }
    Ok(FoundByKey { key: key.to_string(), orders, rows: found.rows, messages })
}
