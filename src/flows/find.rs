//! Finds by business number what came and where it went: orders, articles, customers, stock levels, prices, and messages
//! that were not taken. It changes nothing.

use anyhow::Result;
use chrono::{DateTime, Utc};

use super::files::Sight;
use crate::edges::clock;
use crate::edges::store::ledger::{FileRow, MessageRow, PdfRow, RunRow};
use crate::edges::store::{OrderFound, RowFound, RowId, RowThen};
use crate::model::batch::Batch;
use crate::model::difference::{Difference, difference};
use crate::model::ids::Id;
use crate::model::json;
use crate::model::kind::shipped_kinds;
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
    /// What was changed in it since, the first change first.
    pub changes: Vec<ChangeStory>,
    /// The PDF that goes out with it.
    pub pdf: Option<PdfStory>,
}

#[derive(Debug)]
pub struct PdfStory {
    pub pdf: PdfRow,
    pub file_id: Id,
}

/// A change of an order: what it was, and what it became.
#[derive(Debug)]
pub struct ChangeStory {
    pub seq: i64,
    pub action: String,
    pub file: FileRow,
    pub line: u32,
    /// Nothing of the order is left.
    pub cancels: bool,
    /// The order was handed on before: the change goes out by itself.
    pub told: bool,
    pub differences: Vec<Difference>,
    /// The runs by which it went out.
    pub runs: Vec<RunRow>,
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
        let runs = snapshot.runs_of_request("order", order.row)?;
        orders.push(OrderStory {
            runs,
            waited,
            changes: changes_of(sight, order.row)?,
            pdf: pdf_of(sight, order.row)?,
            order,
        });
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

/// Stock, prices and order status of this number as they were at a moment.
pub fn find_at(sight: Sight<'_>, key: &str, at: DateTime<Utc>) -> Result<Vec<RowThen>> {
    let mut bare = String::new();
    let key = identity::bare(key, &mut bare).unwrap_or(key);
    sight.snapshot.find_number_at(key, &clock::iso(at), SHOWN)
}

fn pdf_of(sight: Sight<'_>, order: RowId) -> Result<Option<PdfStory>> {
    let Some(pdf) = sight.snapshot.pdf_of(order)? else { return Ok(None) };
    Ok(sight.snapshot.file(pdf.file)?.map(|file| PdfStory { pdf, file_id: file.id }))
}

/// Each form that the order had beside the one that came after it.
fn changes_of(sight: Sight<'_>, order: RowId) -> Result<Vec<ChangeStory>> {
    let snapshot = sight.snapshot;
    let amendments = snapshot.amendments(order)?;
    let Some(kind) = shipped_kinds().get("order").filter(|_| !amendments.is_empty()) else { return Ok(Vec::new()) };
    let form = |line: &str| {
        let mut batch = Batch::new(kind.clone());
        json::read_line(line, 0, 0, &mut batch).ok().map(|()| batch)
    };
    let mut forms: Vec<Option<Batch>> = amendments.iter().map(|one| form(&one.before)).collect();
    forms.push(snapshot.load(kind, order)?);
    let mut stories = Vec::with_capacity(amendments.len());
    for (amendment, pair) in amendments.into_iter().zip(forms.windows(2)) {
        let Some(file) = snapshot.file(amendment.file)? else { continue };
        let differences = match pair {
            [Some(before), Some(after)] => difference(before.message(0), after.message(0)),
            _ => Vec::new(),
        };
        stories.push(ChangeStory {
            runs: snapshot.runs_of_request("order_change", amendment.row)?,
            seq: amendment.seq,
            action: amendment.action,
            line: amendment.line,
            cancels: amendment.cancels,
            told: amendment.told,
            differences,
            file,
        });
    }
    Ok(stories)
}
