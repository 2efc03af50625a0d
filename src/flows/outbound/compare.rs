//! A feed's rows as they come from the database, held against what its partner was told: which of them the file says, what it
//! changes for him, and how much that is. Works on the thread that encodes, in the order of the keys, with a few keys in memory.
//!
//! Three streams are merged: the rows (through `message`), what was delivered or the keys that were listed, and what runs told
//! that he may have read before this one.

use std::sync::mpsc::Sender;

use anyhow::{Result, anyhow};

use super::looking::{Comparison, Rows};
use super::selecting::beside;
use crate::edges::store::business::BesideKey;
use crate::edges::store::ledger::{HeldRows, ToldRows};
use crate::edges::store::{FeedNo, Snapshot};
use crate::model::batch::{Batch, Message};
use crate::model::digest;
use crate::model::feed::{Deletes, Feed};
use crate::model::key;
use crate::model::key_list::{Keys, Packer, Told};
use crate::model::layout::Encoder;
use crate::model::rules::delta::{Is, Op, Was, op, told_again};
use crate::model::rules::guard::Tally;
use crate::model::rules::supersede::Scope;

/// Keys of each operation that a person is shown.
const SAMPLES: usize = 10;

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// Rows in the file.
    pub rows: u64,
    /// Against what was delivered; without the base.
    pub tally: Tally,
    pub samples: Samples,
    /// Keys about which the run tells something.
    pub told: u64,
    /// Something that the partner cannot know from the files before.
    pub is_news: bool,
    /// Rows that the partner will hold.
    pub shown: u64,
}

/// The first keys of each operation, for a person.
#[derive(Debug, Default)]
pub(super) struct Samples {
    pub creates: Vec<String>,
    pub changes: Vec<String>,
    pub deletes: Vec<String>,
}

pub(super) struct Comparing<'a> {
    feed: &'a Feed,
    scope: Scope,
    held: Held<'a>,
    told: ToldAll<'a>,
    packer: Packer,
    parts: Sender<Vec<u8>>,
    /// Stock: a row of 0 is one that is gone.
    quantity: Option<usize>,
    /// Rows leave a window of days: nobody is told.
    leaves_window: bool,
    tells_deletes: bool,
    /// And nothing else: what there is he knows from another feed.
    tells_nothing_else: bool,
    /// What is told beside a row of 0.
    beside: Option<BesideKey<'a>>,
    /// Of what is gone only the key is told.
    has_word: bool,
    found: Compared,
    key: Vec<u8>,
    row: Vec<u8>,
    made: Batch,
}

impl<'a> Comparing<'a> {
    /// `parts` takes what the run tells, packed.
    pub fn begin(
        snapshot: &'a Snapshot<'a>,
        (feed, no): (&'a Feed, FeedNo),
        (with, today): (&'a Comparison, &'a str),
        parts: Sender<Vec<u8>>,
    ) -> Result<Self> {
        let kind = &feed.layout.kind;
        let quantity = kind.head().field("qty").filter(|_| kind.name == "stock");
        let says_beside = quantity.is_some() && !feed.also.is_empty();
        let beside = says_beside.then(|| snapshot.beside_key(kind, &beside(feed, today))).transpose()?;
        let walk = match &with.rows {
            Rows::Everything => Walk::Everything(HeldRows::of(snapshot, no)),
            Rows::Keys(keys) => Walk::Keys { keys, nth: 0 },
            Rows::AskedFor => Walk::AskedFor,
        };
        let mut held = Held { snapshot, feed: no, walk, key: Vec::new(), head: None };
        held.advance()?;
        Ok(Comparing {
            feed,
            scope: with.scope,
            held,
            told: ToldAll::of(snapshot, with)?,
            packer: Packer::default(),
            parts,
            quantity,
            beside,
            leaves_window: kind.name == "order_status",
            has_word: kind.name != "order_status" && feed.layout.tells_deletes(),
            tells_deletes: feed.delta().is_none_or(|delta| delta.deletes != Deletes::LeaveOut),
            tells_nothing_else: feed.tells_only_deletes(),
            found: Compared::default(),
            key: Vec::new(),
            row: Vec::new(),
            made: Batch::new(kind.clone()),
        })
    }

    /// The next row, in the order of the keys and in the partner's words. True: it stands in the file.
    pub fn message(&mut self, message: Message<'_>, encoder: &mut dyn Encoder) -> Result<bool> {
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        key::encode_into(message, &mut key);
        self.go_on(Some(&key), encoder)?;
        let (was, told) = (self.held.take(&key)?, self.told.take(&key)?);
        let hash = digest::of(message, &mut self.row);
        let gone = self.quantity.is_some_and(|qty| message.head().value(qty).number().unwrap_or_default() <= 0);
        self.found.shown += u64::from(!gone);
        let told_now = self.weigh(&key, was, told, Some(Is { hash, gone }))?;
        let is_written = !self.tells_nothing_else && (self.scope != Scope::Delta || told_now.is_some());
        if is_written {
            // A full file says what there is; nothing in it is a change.
            let op = told_now.map_or(Op::Same, |told| told.op);
            let says_op = matches!(self.scope, Scope::Delta | Scope::Part);
            encoder.write_change(message, if says_op { op } else { Op::Same })?;
            self.found.rows += 1;
        }
        self.key = key;
        Ok(is_written)
    }

    /// No more rows: what is left is gone.
    pub fn finish(mut self, encoder: &mut dyn Encoder) -> Result<Compared> {
        self.go_on(None, encoder)?;
        if let Some(part) = self.packer.take() {
            self.hand_on(part)?;
        }
        Ok(self.found)
    }

    /// Keys before this one, of which there is no row.
    fn go_on(&mut self, before: Option<&[u8]>, encoder: &mut dyn Encoder) -> Result<()> {
        loop {
            let next = match (self.held.head(), self.told.smallest()) {
                (Some(held), Some(told)) => held.min(told),
                (Some(next), None) | (None, Some(next)) => next,
                (None, None) => return Ok(()),
            };
            if before.is_some_and(|before| next >= before) {
                return Ok(());
            }
            let key = next.to_vec();
            let (was, told) = (self.held.take(&key)?, self.told.take(&key)?);
            self.no_row(&key, was, told, encoder)?;
        }
    }

    fn no_row(&mut self, key: &[u8], was: Option<Was>, told: Option<Told>, encoder: &mut dyn Encoder) -> Result<()> {
        let told_now = self.weigh(key, was, told, None)?;
        // A full file of stock says 0 of all that the partner has ever had.
        let says_zero = self.scope == Scope::Full && was.is_some();
        let is_told = told_now.is_some_and(|told| told.op == Op::Delete);
        let is_written = match self.quantity {
            Some(_) => says_zero || is_told,
            None if self.tells_nothing_else => is_told,
            None => is_told && self.has_word && self.scope == Scope::Delta,
        };
        if self.tells_deletes && is_written {
            self.made.clear();
            key::begin_message(&self.feed.layout.kind, key, &mut self.made)?;
            if let Some(quantity) = self.quantity {
                self.made.set_number(0, quantity, 0);
                self.beside.as_mut().map_or(Ok(()), |beside| beside.add(key, &mut self.made))?;
            }
            let says_op = self.tells_nothing_else || self.scope == Scope::Delta;
            let op = if says_op { Op::Delete } else { Op::Same };
            encoder.write_change(self.made.message(0), op)?;
            self.found.rows += 1;
        }
        Ok(())
    }

    /// What the run tells about a key; nothing where the partner knows it.
    fn weigh(&mut self, key: &[u8], was: Option<Was>, told: Option<Told>, is: Option<Is>) -> Result<Option<Told>> {
        let plain = op(was, is);
        let dropped = self.leaves_window && is.is_none();
        if !dropped {
            self.count(plain, key)?;
        }
        let again = told.is_some() || self.scope == Scope::Part;
        let op = if again { told_again(plain, was, is) } else { plain };
        if op == Op::Same {
            return Ok(None);
        }
        let now = match is {
            Some(is) => Told { op, hash: is.hash, gone: is.gone },
            None => self.told_gone(key)?,
        };
        self.found.told += 1;
        self.found.is_news |= !dropped && !told.is_some_and(|before| says_the_same(before, now));
        if let Some(part) = self.packer.push_told(key, now) {
            self.hand_on(part)?;
        }
        Ok(Some(now))
    }

    /// Of stock the partner keeps a row of 0.
    fn told_gone(&mut self, key: &[u8]) -> Result<Told> {
        let Some(quantity) = self.quantity.filter(|_| self.tells_deletes) else {
            return Ok(Told { op: Op::Delete, hash: digest::UNKNOWN, gone: false });
        };
        self.made.clear();
        key::begin_message(&self.feed.layout.kind, key, &mut self.made)?;
        self.made.set_number(0, quantity, 0);
        self.beside.as_mut().map_or(Ok(()), |beside| beside.add(key, &mut self.made))?;
        Ok(Told { op: Op::Delete, hash: digest::of(self.made.message(0), &mut self.row), gone: true })
    }

    fn count(&mut self, op: Op, key: &[u8]) -> Result<()> {
        let Compared { tally, samples, .. } = &mut self.found;
        let (count, keys) = match op {
            Op::Same => return Ok(()),
            Op::Create => (&mut tally.creates, &mut samples.creates),
            Op::Change => (&mut tally.changes, &mut samples.changes),
            Op::Delete => (&mut tally.deletes, &mut samples.deletes),
        };
        *count += 1;
        if keys.len() < SAMPLES {
            keys.push(key::words(&self.feed.layout.kind, key)?);
        }
        Ok(())
    }

    fn hand_on(&self, part: Vec<u8>) -> Result<()> {
        self.parts.send(part).map_err(|_| anyhow!("what the run tells cannot be kept"))
    }
}

fn says_the_same(before: Told, now: Told) -> bool {
    let deletes = |told: Told| told.op == Op::Delete && !told.gone;
    deletes(before) == deletes(now) && (deletes(now) || (before.hash, before.gone) == (now.hash, now.gone))
}

/// What the partner holds, or which keys were listed, in the order of the keys.
struct Held<'a> {
    snapshot: &'a Snapshot<'a>,
    feed: FeedNo,
    walk: Walk<'a>,
    key: Vec<u8>,
    /// What stands at `key`; nothing at the end.
    head: Option<Option<Was>>,
}

enum Walk<'a> {
    Everything(HeldRows<'a>),
    Keys { keys: &'a Keys, nth: usize },
    AskedFor,
}

impl Held<'_> {
    fn head(&self) -> Option<&[u8]> {
        self.head.is_some().then_some(&self.key[..])
    }

    fn advance(&mut self) -> Result<()> {
        self.head = match &mut self.walk {
            Walk::Everything(rows) => rows.next(&mut self.key)?.map(Some),
            Walk::Keys { keys, nth } => match keys.get(*nth) {
                None => None,
                Some(key) => {
                    *nth += 1;
                    self.key.clear();
                    self.key.extend_from_slice(key);
                    Some(self.snapshot.delivered_of(self.feed, key)?)
                }
            },
            Walk::AskedFor => None,
        };
        Ok(())
    }

    /// What is held of a key, and on to the next.
    fn take(&mut self, key: &[u8]) -> Result<Option<Was>> {
        if let Walk::AskedFor = self.walk {
            return self.snapshot.delivered_of(self.feed, key);
        }
        if self.head() != Some(key) {
            return Ok(None);
        }
        let was = self.head.take().flatten();
        self.advance()?;
        Ok(was)
    }
}

/// What several runs told; the later of two counts.
struct ToldAll<'a>(Vec<(ToldRows<'a>, Option<Told>)>);

impl<'a> ToldAll<'a> {
    fn of(snapshot: &'a Snapshot<'a>, with: &Comparison) -> Result<Self> {
        let mut all = Vec::new();
        // What is asked for is told whatever was told before.
        let runs = if with.scope == Scope::Part { &[][..] } else { &with.told[..] };
        for run in runs {
            let mut rows = ToldRows::of(snapshot, *run);
            let head = rows.next()?;
            all.push((rows, head));
        }
        Ok(ToldAll(all))
    }

    fn smallest(&self) -> Option<&[u8]> {
        self.0.iter().filter(|(_, head)| head.is_some()).map(|(rows, _)| rows.key()).min()
    }

    fn take(&mut self, key: &[u8]) -> Result<Option<Told>> {
        let mut latest = None;
        for (rows, head) in self.0.iter_mut().filter(|(rows, head)| head.is_some() && rows.key() == key) {
            latest = head.take();
            *head = rows.next()?;
        }
        Ok(latest)
    }
}
