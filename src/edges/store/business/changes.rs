//! Notes, while a file is applied, which rows of a kind it changed, for the feeds that want to know: keys sorted and packed
//! part by part, one list a file whatever the number of feeds. Nobody wants to know: nothing is written.
//!
//! Part of the transaction, and of the file's savepoint, that changes the rows: a file that is refused leaves no trace here.

use anyhow::Result;

use crate::edges::store::ledger::{Cause, Concerned, NewChange};
use crate::edges::store::{FileNo, Tx};
use crate::model::batch::Message;
use crate::model::key;
use crate::model::key_list::{Keys, Packer};
use crate::model::rules::delta::LISTED_MAX;

/// Keys are sorted and packed when they take this much.
const GATHERED_BYTES: usize = 64 * 1024;

pub(super) struct Changes<'t> {
    tx: &'t Tx<'t>,
    kind: String,
    file: FileNo,
    cause: Cause,
    partner: String,
    concerned: Concerned,
    rows: u64,
    gathered: Keys,
    lists: Vec<Vec<u8>>,
    key: Vec<u8>,
}

impl<'t> Changes<'t> {
    /// Of the rows of a kind.
    pub fn of(tx: &'t Tx<'t>, kind: &str, file: FileNo, cause: Cause) -> Result<Self> {
        Ok(Changes {
            concerned: tx.concerned(kind)?,
            kind: kind.to_string(),
            tx,
            file,
            cause,
            partner: String::new(),
            rows: 0,
            gathered: Keys::default(),
            lists: Vec::new(),
            key: Vec::new(),
        })
    }

    /// Somebody wants to know which rows.
    pub fn wants_keys(&self) -> bool {
        self.concerned.keys
    }

    pub fn add(&mut self, message: Message<'_>) {
        self.add_key(|key| key::encode_into(message, key));
    }

    /// An order was applied, or is another one now: it has a status, whether the ERP has spoken or not.
    pub fn add_order(&mut self, order: Message<'_>) {
        let head = order.head();
        let text =
            |name: &str| order.kind().head().field(name).and_then(|field| head.value(field).text()).unwrap_or_default();
        if self.partner.is_empty() {
            self.partner = text("partner").to_string();
        }
        if self.kind == "order_status" {
            self.add_key(|key| {
                ["partner", "customer_no", "buyer_order_no"].iter().for_each(|name| key::put_text(text(name), key))
            });
        } else {
            self.add(order);
        }
    }

    pub fn add_key(&mut self, put: impl FnOnce(&mut Vec<u8>)) {
        if !self.concerned.anybody {
            return;
        }
        self.rows += 1;
        if !self.concerned.keys || self.rows > LISTED_MAX {
            // More than is listed: who wants them compares everything.
            self.lists.clear();
            return;
        }
        self.key.clear();
        put(&mut self.key);
        self.gathered.push(&self.key);
        if self.gathered.size() >= GATHERED_BYTES {
            self.pack();
        }
    }

    fn pack(&mut self) {
        self.gathered.sort();
        let mut packer = Packer::default();
        let full: Vec<_> = self.gathered.iter().filter_map(|key| packer.push(key)).collect();
        self.lists.extend(full);
        self.lists.extend(packer.take());
        self.gathered.clear();
    }

    /// In the transaction that changed the rows.
    pub fn finish(mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        self.pack();
        let is_listed = self.concerned.keys && self.rows <= LISTED_MAX;
        self.tx.add_change(&NewChange {
            kind: &self.kind,
            file: self.file,
            cause: self.cause,
            partner: &self.partner,
            rows: self.rows,
            lists: is_listed.then_some(&self.lists[..]),
        })
    }
}
