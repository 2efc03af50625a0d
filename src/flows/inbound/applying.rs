//! Applies one file inside the shared transaction, in a savepoint of its own: judges its messages as they are read, writes
//! their rows, and lists the exceptions. It decides nothing about folders and commits nothing.
//!
//! Requests are written in the order of the file. Records and facts are gathered in chunks and written in the order of
//! their keys, since rows in random order touch every page again and again; of two rows with one key the later one wins.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::changing::{self, Change, ORDER_CHANGE};
use super::corrected::Corrected;
use super::field_text::{business_key, field_text};
use super::fullness::Fullness;
use super::gathered::Gathered;
use super::guarding::{self, Counted};
use super::in_hand::InHand;
use super::judge::{Hold, Judge, Judged};
use super::making::Making;
use super::numbering::{self, ORDER_NUMBERS};
use super::papers;
use super::quoting;
use super::reading::SpillFiles;
use super::registering::{self, Before, Number, REGISTRATION, Registering};
use super::removing::{Done, Removing};
use crate::edges::clock::iso;
use crate::edges::store::business::{Applied as Row, Inserted, Records, References, Requests, Stamp};
use crate::edges::store::ledger::{Exception, MessageNo, MessageRow, QuestionRow, Waits};
use crate::edges::store::{RowId, Tx};
use crate::model::batch::{Batch, Message};
use crate::model::diagnostic::{Diagnostics, Place, Problem};
use crate::model::difference::difference;
use crate::model::intake::{Absent, OnChange, OrderNumbers};
use crate::model::json;
use crate::model::kind::{Class, Kind};
use crate::model::layout::{Layout, Refused};
use crate::model::rules::manifest;
use crate::model::verdict::{Counts, Verdict};
use crate::model::wording::judging as words;

/// After so many rows it is asked whether a stop has become urgent: some hundredths of a second.
const LOOK_UP_ROWS: usize = 4_096;
pub const STOPPED: &str = "stopped: the running file is taken back";
/// Said of an error with the file of rows that were put aside.
const ASIDE: &str = "cannot read the sorted rows that were put aside in tmp/";

const ORDER: &str = "order";

/// What came of it, so far.
#[derive(Default)]
pub struct Applied {
    pub counts: Counts,
    pub problems: Diagnostics,
    /// Values of the fields within which a full file closes, as far as it names them.
    pub scopes: Scopes,
    /// Whether it is a full file, where its messages say it.
    pub fullness: Fullness,
    /// For the guard.
    pub counted: Counted,
    /// The last request that was taken or is known.
    pub request: Option<(RowId, How)>,
}

/// Whether a request's row came to be what the message says, or was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    New,
    Known,
}

pub type Scopes = BTreeSet<Vec<String>>;

/// Writes the rows of the file's kind.
enum Writer<'t> {
    Requests(Box<Requests<'t>>),
    Records(Box<Records<'t>>),
    /// Nothing of it becomes a row.
    Questions,
    Removals(Box<Removing<'t>>),
}

pub struct Applying<'t, 'f> {
    tx: &'t Tx<'t>,
    hand: InHand<'f>,
    judge: Judge<'f>,
    kind: Arc<Kind>,
    writer: Writer<'t>,
    references: References<'t>,
    /// Where a request keeps the first sight of its file.
    received: Option<usize>,
    decided_at: String,
    /// Somebody waits for a message of this kind, so each is held against those that wait.
    may_wait_behind: bool,
    /// The stored message that is judged again: it does not wait behind itself.
    again: Option<MessageNo>,
    until: Option<String>,
    gathered: Gathered,
    /// A stop has become urgent.
    give_up: &'f dyn Fn() -> bool,
    /// Head fields within whose values a full file closes.
    scope_fields: Vec<usize>,
    is_guarded: bool,
    /// What registrations write beside themselves, and customers and contacts that answer them.
    registering: Registering<'t>,
    /// What orders name and nobody knows, where the intake wants it made.
    making: Making<'t>,
    /// What a person changed in messages of the file.
    corrected: Corrected,
    applied: Applied,
}

impl<'t, 'f> Applying<'t, 'f> {
    pub fn begin(tx: &'t Tx<'t>, hand: InHand<'f>, layout: Arc<Layout>) -> Result<Self> {
        let kind = layout.kind.clone();
        let decided_at = iso(hand.now);
        // A person's "apply all the same" makes an old file speak of now.
        let as_of = if hand.overrule { &decided_at } else { hand.as_of };
        let kept = hand.intake.kept(&layout);
        let writer = match kind.class {
            Class::Request => Writer::Requests(Box::new(tx.requests(&kind, hand.file)?)),
            Class::Question => Writer::Questions,
            Class::Removal => {
                let partner = &hand.intake.sender.partner;
                let rows = tx.removals(partner, &Stamp { file: hand.file, as_of })?;
                Writer::Removals(Box::new(Removing::new(rows, partner, as_of)))
            }
            _ => {
                let mut records = tx.records(&kind, &Stamp { file: hand.file, as_of })?;
                records.keep(&hand.intake.sender.partner, kept.clone())?;
                if hand.overrule {
                    records.overrule();
                }
                Writer::Records(Box::new(records))
            }
        };
        let scope_fields = match &hand.intake.absent {
            Absent::CloseWithin { fields } => fields.iter().filter_map(|f| kind.head().field(f)).collect(),
            _ => Vec::new(),
        };
        let received = kind.head().field("received_at").filter(|_| kind.class == Class::Request);
        Ok(Applying {
            scope_fields,
            received,
            writer,
            references: tx.references()?,
            may_wait_behind: kind.class == Class::Request && tx.anyone_is_held(&kind.name)?,
            again: None,
            until: None,
            decided_at,
            judge: Judge::new(hand.intake, layout, hand.now),
            gathered: Gathered::new(&kind, &kept),
            give_up: &|| false,
            is_guarded: false,
            registering: Registering::new(tx, hand.file),
            making: Making::new(tx, hand.file),
            corrected: Corrected::of(tx, hand.file)?,
            applied: Applied { fullness: Fullness::of(hand.intake, &kind), ..Applied::default() },
            tx,
            hand,
            kind,
        })
    }

    /// What follows is a whole file: what it does to the rows is counted where the guard wants to know.
    pub fn count_for_guard(&mut self) -> Result<()> {
        self.is_guarded = self.hand.intake.guard.count();
        self.applied.counted = guarding::before(self.tx, self.hand.intake, &self.kind)?;
        Ok(())
    }

    /// What follows may be more than memory holds, and in no order; writing it may take longer than a stop waits.
    pub fn put_aside_in(&mut self, spill: SpillFiles, give_up: &'f dyn Fn() -> bool) {
        self.gathered.put_aside_in(spill);
        self.give_up = give_up;
    }

    /// What follows is this stored message, judged again. Its time goes on: waiting for something else is no new wait.
    pub fn again(&mut self, message: &MessageRow) {
        self.again = Some(message.no);
        // It is stored as it was corrected.
        self.corrected = Corrected::default();
        self.until = message.waits.as_ref().and_then(|w| w.until.clone());
    }

    /// Takes a batch and gives it back for reuse.
    pub fn batch(&mut self, mut batch: Batch) -> Result<Batch> {
        for index in 0..batch.len() {
            match self.corrected.form(&batch, index) {
                None => self.take(&mut batch, index)?,
                Some(Ok(mut form)) => self.take(&mut form, 0)?,
                Some(Err(problems)) => {
                    if self.is_wanted(batch.message(index).origin().number) {
                        self.refuse(&batch.message(index), problems)?;
                    }
                }
            }
        }
        if self.gathered.is_full() {
            self.write_gathered(usize::MAX)?;
            self.gathered.turn().context(ASIDE)?;
        }
        // While the next chunk comes in, so that the decoder goes on meanwhile.
        self.write_gathered(batch.len())?;
        Ok(batch)
    }

    fn take(&mut self, batch: &mut Batch, index: usize) -> Result<()> {
        if self.kind.class == Class::Question {
            return self.ask(&batch.message(index));
        }
        if !self.judge_one(batch, index)? {
            return Ok(());
        }
        let message = batch.message(index);
        match self.kind.class {
            Class::Request => self.request(&message),
            Class::Removal => self.remove(&message),
            _ => {
                self.applied.fullness.look(&message);
                self.gathered.push(message);
                Ok(())
            }
        }
    }

    fn remove(&mut self, message: &Message<'_>) -> Result<()> {
        let place = self.message_place(message);
        let Writer::Removals(writer) = &mut self.writer else { return Ok(()) };
        let Done { verdict, problem, closed, base } = writer.remove(message, place, self.hand.overrule)?;
        if self.is_guarded {
            self.applied.counted.closed_by_name(base, closed, || business_key(message));
        }
        match (verdict, problem) {
            (Verdict::Refused, Some(problem)) => {
                return self.refuse(message, vec![Problem { message: message.origin().number, ..problem }]);
            }
            (_, Some(problem)) => {
                self.list(message, verdict, problem.code, std::slice::from_ref(&problem), None, None)?
            }
            (_, None) => {}
        }
        self.count(verdict);
        Ok(())
    }

    /// Whatever it says of customers and articles is judged when it is answered, and is never a reason to refuse it.
    fn ask(&mut self, question: &Message<'_>) -> Result<()> {
        let number = question.origin().number;
        if !self.is_wanted(number) {
            return Ok(());
        }
        let of = |field: &str| self.kind.head().field(field).map(|at| field_text(question, at)).unwrap_or_default();
        let payload = json::to_line(*question);
        let row = QuestionRow { number, request_id: of("request_id"), about: of("about"), payload };
        self.tx.add_question(self.hand.file, &row)?;
        self.count(Verdict::Accepted);
        Ok(())
    }

    fn is_wanted(&self, number: u64) -> bool {
        self.hand.only.is_empty() || self.hand.only.contains(&number)
    }

    /// A message whose bytes make none.
    pub fn refused(&mut self, refused: Refused) -> Result<()> {
        if !self.is_wanted(refused.number) {
            return Ok(());
        }
        let mut problems = refused.problems;
        problems.iter_mut().for_each(|p| p.message = refused.number);
        let exception = Exception {
            number: refused.number,
            kind: &self.kind.name,
            key: &refused.key,
            verdict: Verdict::Refused,
            code: problems.first().map_or("unreadable", |p| p.code),
            line: refused.line,
            bytes: &refused.bytes,
            problems: &problems,
            payload: None,
            row: None,
            waits: None,
            decided_at: &self.decided_at,
        };
        self.tx.add_exception(self.hand.file, &exception)?;
        self.count(Verdict::Refused);
        problems.into_iter().for_each(|p| self.applied.problems.add(p));
        Ok(())
    }

    pub fn finish(mut self) -> Result<Applied> {
        self.write_gathered(usize::MAX)?;
        self.gathered.end().context(ASIDE)?;
        self.write_gathered(usize::MAX)?;
        match self.writer {
            Writer::Requests(writer) => writer.finish()?,
            Writer::Records(writer) => writer.finish()?,
            Writer::Questions => {}
            Writer::Removals(writer) => writer.finish()?,
        }
        self.registering.finish()?;
        self.making.finish()?;
        Ok(self.applied)
    }

    fn count(&mut self, verdict: Verdict) {
        self.applied.counts.add(verdict, 1);
    }

    /// Judges a message; what is not good is listed. True: go on and apply it.
    fn judge_one(&mut self, batch: &mut Batch, index: usize) -> Result<bool> {
        if !self.is_wanted(batch.message(index).origin().number) {
            return Ok(false);
        }
        match self.judge.judge(&mut self.references, batch, index)? {
            Judged::Good if self.kind.name == ORDER => {
                let place = self.message_place(&batch.message(index));
                let judged = quoting::judge(self.tx, &self.hand, batch, index, place)?;
                self.judged(batch, index, judged)
            }
            judged => self.judged(batch, index, judged),
        }
    }

    fn judged(&mut self, batch: &mut Batch, index: usize, judged: Judged) -> Result<bool> {
        match judged {
            Judged::Good => {
                if let Some(field) = self.received {
                    batch.put_text(index, 0, field, self.hand.first_seen);
                }
                Ok(true)
            }
            Judged::Refused(problems) => {
                self.refuse(&batch.message(index), problems)?;
                Ok(false)
            }
            Judged::Held(hold) => {
                self.hold(&batch.message(index), hold)?;
                Ok(false)
            }
        }
    }

    fn refuse(&mut self, message: &Message<'_>, problems: Vec<Problem>) -> Result<()> {
        let code = problems.first().map_or("refused", |p| p.code);
        self.list(message, Verdict::Refused, code, &problems, None, None)?;
        self.count(Verdict::Refused);
        problems.into_iter().for_each(|p| self.applied.problems.add(p));
        Ok(())
    }

    fn hold(&mut self, message: &Message<'_>, hold: Hold) -> Result<()> {
        let problems = [hold.problem.clone()];
        self.list(message, Verdict::Held, problems[0].code, &problems, None, Some(&hold))?;
        self.count(Verdict::Held);
        Ok(())
    }

    fn list(
        &self,
        message: &Message<'_>,
        verdict: Verdict,
        code: &str,
        problems: &[Problem],
        row: Option<RowId>,
        hold: Option<&Hold>,
    ) -> Result<()> {
        let origin = message.origin();
        let payload = hold.map(|_| json::to_line(*message));
        let waits = hold.map(|hold| {
            let (kind, key) = hold.waits_for.clone().unwrap_or_default();
            Waits { kind: kind.to_string(), key, until: self.until.clone().or(hold.until.map(iso)) }
        });
        let exception = Exception {
            number: origin.number,
            kind: &self.kind.name,
            key: &business_key(message),
            verdict,
            code,
            line: origin.line,
            bytes: origin.bytes,
            problems,
            payload: payload.as_deref(),
            row,
            waits: waits.as_ref(),
            decided_at: &self.decided_at,
        };
        self.tx.add_exception(self.hand.file, &exception)?;
        Ok(())
    }

    fn request(&mut self, message: &Message<'_>) -> Result<()> {
        if self.may_wait_behind && self.waits_behind(message)? {
            return self.hold_behind(message);
        }
        if self.kind.name == ORDER_CHANGE {
            return self.change_order(message);
        }
        if let Some(hold) = papers::wanting(self.tx, &self.hand, message, self.message_place(message))? {
            return self.hold(message, hold);
        }
        let mut number = None;
        if self.kind.name == REGISTRATION {
            number = match registering::before(self.tx, &self.hand, message, self.message_place(message))? {
                Before::Held(hold) => return self.hold(message, hold),
                Before::Goes(number) => number,
            };
        }
        let Writer::Requests(writer) = &mut self.writer else { return Ok(()) };
        match writer.insert(*message)? {
            Inserted::New(row) if self.kind.name == REGISTRATION => self.registered(message, row, number.as_ref()),
            Inserted::New(row) => self.taken(message, row),
            Inserted::Exists(row) => self.known_request(message, row),
        }
    }

    /// A change of an order is written beside it, and the order becomes what it makes of it.
    fn change_order(&mut self, message: &Message<'_>) -> Result<()> {
        let amendment = match changing::decide(self.tx, &self.hand, message, self.message_place(message))? {
            Change::Refused(mut problem) => {
                problem.message = message.origin().number;
                return self.refuse(message, vec![problem]);
            }
            Change::Held(mut hold) => {
                hold.problem.message = message.origin().number;
                return self.hold(message, hold);
            }
            Change::Known => None,
            Change::Goes(amendment) => amendment,
        };
        let Writer::Requests(writer) = &mut self.writer else { return Ok(()) };
        match writer.insert(*message)? {
            Inserted::Exists(row) => self.known_request(message, row),
            Inserted::New(row) => {
                changing::carry_out(self.tx, &self.hand, row, amendment)?;
                self.count(Verdict::Accepted);
                Ok(())
            }
        }
    }

    /// The request is new. Where order numbers are ours, it gets the next one.
    fn taken(&mut self, message: &Message<'_>, row: RowId) -> Result<()> {
        if self.hand.intake.order_numbers == OrderNumbers::Own && self.kind.name == ORDER {
            let number = numbering::next(self.tx, self.hand.given, ORDER_NUMBERS, 1)?;
            self.tx.number_order(row, &number.to_string())?;
        }
        if self.kind.name == ORDER {
            quoting::note(self.tx, &self.hand, message, row)?;
            papers::bind_waiting(self.tx, &self.hand, message, row)?;
        }
        let made = self.making.make(&self.hand, message)?;
        if !made.is_empty() {
            self.references.look_again();
        }
        made.into_iter().for_each(|name| self.applied.counted.add(Row::New, || name));
        self.count(Verdict::Accepted);
        self.goes_on(row)
    }

    /// A registration is new: it gets its number where the range is ours, and what is registered becomes known.
    fn registered(&mut self, message: &Message<'_>, row: RowId, number: Option<&Number>) -> Result<()> {
        self.registering.register(message, row, number)?;
        // On day one nobody was asked for.
        self.references.look_again();
        self.count(Verdict::Accepted);
        Ok(())
    }

    /// A PDF that waited with the message is the order's from now on; one that comes with it is bound when the file was read.
    fn goes_on(&mut self, row: RowId) -> Result<()> {
        self.applied.request = Some((row, How::New));
        if self.hand.intake.companions.as_ref().is_some_and(|companions| companions.paper.is_some()) {
            self.tx.bind_pdf(self.hand.file, row, &self.decided_at)?;
        }
        Ok(())
    }

    /// Does an earlier message of this key wait?
    fn waits_behind(&self, message: &Message<'_>) -> Result<bool> {
        let held = self.tx.held_with_key(&self.hand.intake.sender.partner, &self.kind.name, &business_key(message))?;
        Ok(held.iter().any(|other| match self.again {
            Some(again) => other.no.0 < again.0,
            None => (other.file, other.number) != (self.hand.file, message.origin().number),
        }))
    }

    /// Another message of the same key waits already: this one is judged when that one is.
    fn hold_behind(&mut self, message: &Message<'_>) -> Result<()> {
        let key = business_key(message);
        let problem = words::waits_behind(self.message_place(message), &key);
        self.hold(message, Hold { problem, waits_for: Some(("message", key)), until: None })
    }

    fn message_place(&self, message: &Message<'_>) -> Place {
        let origin = message.origin();
        Place { line: origin.line, byte: origin.bytes.first().map_or(0, |r| r.start), ..Place::default() }
    }

    fn known_request(&mut self, message: &Message<'_>, row: RowId) -> Result<()> {
        let known = self.tx.load(&self.kind, row)?.context("the row that was met is gone within one transaction")?;
        let changes = difference(known.message(0), *message);
        // An order that was changed since is the one that came first, as it came.
        let (is_amended, as_asked) = match self.kind.name.as_str() {
            ORDER => changing::as_first_asked(self.tx, row, message)?,
            name => (name == ORDER_CHANGE, false),
        };
        if changes.is_empty() || as_asked {
            self.list(message, Verdict::Duplicate, "duplicate", &[], Some(row), None)?;
            self.applied.request = Some((row, How::Known));
            self.count(Verdict::Duplicate);
            return Ok(());
        }
        let may_replace = self.hand.overrule || self.hand.intake.on_change == OnChange::ReplaceUntilExported;
        if may_replace && !is_amended && !self.tx.is_exported(&self.kind.name, row)? {
            let Writer::Requests(writer) = &mut self.writer else { return Ok(()) };
            writer.replace(row, *message)?;
            if self.kind.name == ORDER {
                quoting::note(self.tx, &self.hand, message, row)?;
            }
            if self.kind.name == REGISTRATION {
                self.registering.replace(message, row)?;
            }
            self.count(Verdict::Accepted);
            return self.goes_on(row);
        }
        let fields: Vec<String> = changes.iter().map(|c| format!("{}: {} → {}", c.path, c.old, c.new)).collect();
        let mut problem = words::content_changed(self.message_place(message), &business_key(message), &fields);
        problem.message = message.origin().number;
        if self.hand.intake.on_change == OnChange::Refuse {
            return self.refuse(message, vec![problem]);
        }
        let hold = Hold { problem, waits_for: None, until: None };
        self.list(
            message,
            Verdict::Held,
            "content-changed",
            std::slice::from_ref(&hold.problem),
            Some(row),
            Some(&hold),
        )?;
        self.count(Verdict::Held);
        Ok(())
    }

    /// Writes so many of the messages whose turn it is.
    fn write_gathered(&mut self, at_most: usize) -> Result<()> {
        for nth in 1..=at_most {
            if nth.is_multiple_of(LOOK_UP_ROWS) && (self.give_up)() {
                bail!(STOPPED);
            }
            let Some(row) = self.gathered.take().context(ASIDE)? else { break };
            self.row(&row.message(0))?;
            self.gathered.give_back(row);
        }
        Ok(())
    }

    fn row(&mut self, message: &Message<'_>) -> Result<()> {
        if !self.scope_fields.is_empty() {
            let values: Vec<String> = self.scope_fields.iter().map(|f| field_text(message, *f)).collect();
            self.applied.scopes.insert(values);
        }
        let Writer::Records(writer) = &mut self.writer else { return Ok(()) };
        let row = writer.apply(*message)?;
        let newer = writer.newer_revision();
        if self.is_guarded {
            self.applied.counted.add(row, || business_key(message));
        }
        if row != Row::Stale {
            self.registering.answer(&self.hand, message)?;
        }
        match row {
            Row::New | Row::Changed | Row::Reopened | Row::Emptied => self.count(Verdict::Accepted),
            Row::Unchanged => self.count(Verdict::Unchanged),
            Row::Stale => {
                let why = newer.map(|newer| manifest::older(message, self.message_place(message), &newer));
                self.list(message, Verdict::Stale, "stale", why.as_slice(), None, None)?;
                self.count(Verdict::Stale);
            }
        }
        Ok(())
    }
}
