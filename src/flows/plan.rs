//! What a file would change: the rows it wrote last, as they were before and as they are after it, kind by kind. Both moments
//! are of a copy; it reads them in pieces, so that a file of any size can be looked at. It changes nothing.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use anyhow::{Context, Result};

use crate::edges::store::business::{Selection, Wanted};
use crate::edges::store::ledger::MessageRow;
use crate::edges::store::{FileNo, RowId, Snapshot};
use crate::model::batch::{Batch, Message, Value};
use crate::model::difference::{ABSENT, Difference, difference};
use crate::model::key;
use crate::model::key_list::Keys;
use crate::model::kind::{Class, Kind, Kinds, shipped_kinds};
use crate::model::verdict::Verdict;

/// Messages that waited for this file and are told one by one.
const BROUGHT_ON: u32 = 1_000;

/// What would become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    Created,
    /// It was closed, and is there again.
    Reopened,
    Changed,
    /// A full file no longer names it.
    Closed,
    /// It says what is known.
    Unchanged,
}

impl Change {
    pub const ALL: [Change; 5] =
        [Change::Created, Change::Reopened, Change::Changed, Change::Closed, Change::Unchanged];

    pub fn as_str(self) -> &'static str {
        match self {
            Change::Created => "created",
            Change::Reopened => "reopened",
            Change::Changed => "changed",
            Change::Closed => "closed",
            Change::Unchanged => "unchanged",
        }
    }
}

/// One row in both moments.
pub struct RowPair<'a> {
    pub kind: &'a str,
    pub change: Change,
    pub key: String,
    pub before: Option<Message<'a>>,
    pub after: Option<Message<'a>>,
    /// Of a row that is another one now.
    pub differences: Vec<Difference>,
}

/// The two moments, and the file that lies between them.
#[derive(Clone, Copy)]
pub struct Moments<'a> {
    pub before: &'a Snapshot<'a>,
    pub after: &'a Snapshot<'a>,
}

type See<'s> = dyn FnMut(RowPair<'_>) -> Result<()> + 's;

impl Moments<'_> {
    /// Shows every row that this file wrote last, in no order that says anything: of its kind, and what its messages made beside.
    pub fn rows(self, kind: &Arc<Kind>, file: FileNo, see: &mut See<'_>) -> Result<()> {
        if kind.class == Class::Question {
            return Ok(());
        }
        if kind.class == Class::Removal {
            let closable = |kind: &&Arc<Kind>| matches!(kind.class, Class::Record | Class::Fact);
            return shipped_kinds().iter().filter(closable).try_for_each(|kind| self.closed_of(kind, file, see));
        }
        self.rows_of(kind, file, see)?;
        if kind.class != Class::Request {
            return Ok(());
        }
        for made in self.after.made_by(file)? {
            self.rows_of(shipped_kinds().get(made).context("a kind of this program")?, file, see)?;
        }
        Ok(())
    }

    fn rows_of(self, kind: &Arc<Kind>, file: FileNo, see: &mut See<'_>) -> Result<()> {
        let written = Selection { as_stored: true, written_by: Some(file), ..Selection::default() };
        let newest = if kind.class == Class::Request { self.before.newest_row(kind)? } else { RowId(0) };
        self.after.select(kind, &Wanted::everything(kind), &written, &mut |batch| {
            let known = match kind.class {
                Class::Request => self.known_requests(kind, batch, newest)?,
                _ => self.known_by_key(kind, batch)?,
            };
            batch.messages().try_for_each(|after| {
                let key = key_of(after);
                let pair = pair(&known, key, after)?;
                self.see_number(&pair, see)?;
                see(pair)
            })
        })?;
        if kind.class == Class::Request { Ok(()) } else { self.closed_of(kind, file, see) }
    }

    /// Rows that this file closed.
    fn closed_of(self, kind: &Arc<Kind>, file: FileNo, see: &mut See<'_>) -> Result<()> {
        let closed = Selection { as_stored: true, closed: true, written_by: Some(file), ..Selection::default() };
        self.after.select(kind, &Wanted::everything(kind), &closed, &mut |batch| {
            batch.messages().try_for_each(|before| {
                let key = key::words(kind, &key_of(before))?;
                see(RowPair {
                    kind: &kind.name,
                    change: Change::Closed,
                    key,
                    before: Some(before),
                    after: None,
                    differences: Vec::new(),
                })
            })
        })?;
        Ok(())
    }

    /// Rows of these keys as they were.
    fn known_by_key(self, kind: &Arc<Kind>, batch: &Batch) -> Result<Known> {
        let mut keys = Keys::default();
        batch.messages().for_each(|message| keys.push(&key_of(message)));
        keys.sort();
        self.before.want(kind, &keys)?;
        let mut known = Known::default();
        let wanted = Selection { wanted: true, as_stored: true, ..Selection::default() };
        self.before.select(kind, &Wanted::everything(kind), &wanted, &mut |found| {
            known.add(std::mem::replace(found, Batch::new(kind.clone())));
            Ok(())
        })?;
        let closed = self.before.closed_of_wanted(kind)?;
        known.closed.extend(closed.into_iter().filter_map(|nth| keys.get(nth).map(<[u8]>::to_vec)));
        Ok(known)
    }

    /// Requests that are older than the file: it replaced them. Few, so each is asked for.
    fn known_requests(self, kind: &Arc<Kind>, batch: &Batch, newest: RowId) -> Result<Known> {
        let mut known = Known::default();
        for message in batch.messages() {
            let row = RowId(message.origin().number.cast_signed());
            if row <= newest {
                known.add(self.before.load(kind, row)?.context("a request that was there before is not found")?);
            }
        }
        Ok(known)
    }

    /// The first status of an order brings the seller's number, which stands on the order itself.
    fn see_number(self, status: &RowPair<'_>, see: &mut See<'_>) -> Result<()> {
        let Some(after) = status.after.filter(|after| after.kind().name == "order_status") else { return Ok(()) };
        if status.change == Change::Unchanged {
            return Ok(());
        }
        let text = |name: &str| match after.kind().head().field(name).map(|field| after.head().value(field)) {
            Some(Value::Text(text)) => text,
            _ => "",
        };
        let (number, customer, partner) = (text("buyer_order_no"), text("customer_no"), text("partner"));
        for (_, row) in self.after.orders_of_key(number, Some(customer), Some(partner))? {
            let (old, new) = (self.before.order_number(row)?, self.after.order_number(row)?);
            if old == new {
                continue;
            }
            let told = |number: Option<String>| number.unwrap_or_else(|| ABSENT.to_string());
            see(RowPair {
                kind: "order",
                change: Change::Changed,
                key: format!("{customer} / {number}"),
                before: None,
                after: None,
                differences: vec![Difference { path: "order_no".into(), old: told(old), new: told(new) }],
            })?;
        }
        Ok(())
    }

    /// Messages of earlier files that waited and are decided with this one.
    pub fn brought_on(self, file: FileNo, at: &str) -> Result<Vec<MessageRow>> {
        let mut brought = Vec::new();
        for message in self.after.decided_with(file, at, BROUGHT_ON)? {
            let was = self.before.message(message.no)?;
            if was.is_some_and(|was| was.verdict == Verdict::Held) && message.verdict != Verdict::Held {
                brought.push(message);
            }
        }
        Ok(brought)
    }
}

/// The kinds whose rows a file of these kinds may have written, and those that it brought on, each with its file.
pub fn written(kinds: &Kinds, file: FileNo, own: &[Arc<Kind>], brought: &[MessageRow]) -> Vec<(Arc<Kind>, FileNo)> {
    let mut seen = BTreeSet::new();
    let own = own.iter().map(|kind| (Arc::clone(kind), file));
    let others = brought.iter().filter(|message| message.verdict == Verdict::Accepted);
    let others = others.filter_map(|message| Some((Arc::clone(kinds.get(&message.kind)?), message.file)));
    own.chain(others).filter(|(kind, file)| seen.insert((kind.name.clone(), *file))).collect()
}

/// What is known of the rows of a batch.
#[derive(Default)]
struct Known {
    batches: Vec<Batch>,
    /// Key → batch, message.
    places: HashMap<Vec<u8>, (usize, usize)>,
    closed: BTreeSet<Vec<u8>>,
}

impl Known {
    fn add(&mut self, batch: Batch) {
        let nth = self.batches.len();
        for (at, message) in batch.messages().enumerate() {
            self.places.insert(key_of(message), (nth, at));
        }
        self.batches.push(batch);
    }

    fn get(&self, key: &[u8]) -> Option<Message<'_>> {
        self.places.get(key).map(|(batch, at)| self.batches[*batch].message(*at))
    }
}

fn key_of(message: Message<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    key::encode_into(message, &mut bytes);
    bytes
}

fn pair<'a>(known: &'a Known, bytes: Vec<u8>, after: Message<'a>) -> Result<RowPair<'a>> {
    let key = key::words(after.kind(), &bytes)?;
    let before = known.get(&bytes);
    let differences = before.map(|before| difference(before, after)).unwrap_or_default();
    let change = match before {
        None if known.closed.contains(&bytes) => Change::Reopened,
        None => Change::Created,
        Some(_) if differences.is_empty() => Change::Unchanged,
        Some(_) => Change::Changed,
    };
    Ok(RowPair { kind: &after.kind().name, change, key, before, after: Some(after), differences })
}
