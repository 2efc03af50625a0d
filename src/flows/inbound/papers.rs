//! The PDF that came with an order is kept in the commit of the file's verdict and bound to that order; where the order waits, the
//! PDF waits with it. One that came alone is bound to the order that its name says, and waits as a held message where that is not
//! there. Decides about a second PDF of an order. Whether a PDF can be used at all was seen when the file was read.

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};

use super::applying::{Applied, How};
use super::field_text::{business_key, field_text};
use super::in_hand::InHand;
use super::judge::Hold;
use crate::edges::clock::iso;
use crate::edges::store::ledger::{Exception, NewPdf, PDF, PDF_ORDER, Waits};
use crate::edges::store::{FileNo, RowId, Tx};
use crate::model::batch::{Message, Value};
use crate::model::diagnostic::{Place, Problem};
use crate::model::intake::{Intake, OnChange};
use crate::model::layout::Decoded;
use crate::model::pdf::Paper;
use crate::model::rules::by_number::OrderNamed;
use crate::model::verdict::Verdict;
use crate::model::wording;

const ORDER: &str = "order";

pub struct Papers<'a> {
    pub tx: &'a Tx<'a>,
    pub file: FileNo,
    pub intake: &'a Intake,
    pub overrule: bool,
    pub now: DateTime<Utc>,
}

impl Papers<'_> {
    /// Of a file that was read and whose messages were applied; a fatal problem takes all of them back.
    pub fn bind(&self, applied: &mut Applied, decoded: &mut Decoded) -> Result<()> {
        let Some(paper) = decoded.paper.take() else { return Ok(()) };
        if !decoded.fatal.is_empty() || decoded.messages == 0 {
            return Ok(());
        }
        if let Some(order) = &paper.order {
            return self.take_alone(applied, decoded, (&paper, order));
        }
        if decoded.messages > 1 {
            decoded.fatal.add(wording::pdf_of_several(&paper.name, decoded.messages));
            return Ok(());
        }
        match applied.request {
            Some((row, How::New)) => self.keep_for(row, &paper)?,
            Some((row, How::Known)) => match self.of_known(row, (&paper.name, content(&paper)))? {
                Second::Same => {}
                Second::Refused(problem) => decoded.fatal.add(problem),
                Second::Taken => {
                    self.keep_for(row, &paper)?;
                    // Its fields said nothing new; its PDF does.
                    self.tx.clear_exceptions(self.file)?;
                    applied.counts.change(Verdict::Duplicate, Verdict::Accepted);
                }
            },
            None if applied.counts.held > 0 => self.keep(&paper)?,
            None => {}
        }
        Ok(())
    }

    fn keep_for(&self, row: RowId, paper: &Paper) -> Result<()> {
        self.keep(paper)?;
        self.tx.bind_pdf(self.file, row, &iso(self.now))?;
        Ok(())
    }

    fn keep(&self, paper: &Paper) -> Result<()> {
        let Paper { name, bytes, pages, .. } = paper;
        self.tx.keep_pdf(self.file, &NewPdf { name, content: content(paper), pages: *pages, bytes })
    }

    /// The order is there with these fields.
    fn of_known(&self, row: RowId, (name, content): (&str, [u8; 32])) -> Result<Second> {
        let before = self.tx.pdf_of(row)?;
        if before.as_ref().is_some_and(|before| before.content == content) {
            return Ok(Second::Same);
        }
        let is_out = self.tx.is_exported("order", row)?;
        let may_replace = self.overrule || self.intake.on_change == OnChange::ReplaceUntilExported;
        Ok(match before {
            None if is_out => Second::Refused(wording::pdf_late(name)),
            Some(before) if is_out || !may_replace => Second::Refused(wording::pdf_changed(name, &before.name, is_out)),
            _ => Second::Taken,
        })
    }
}

/// PDFs that come alone.
impl Papers<'_> {
    /// The first judgement of one: it counts as the one message of its file.
    fn take_alone(
        &self,
        applied: &mut Applied,
        decoded: &mut Decoded,
        (paper, order): (&Paper, &OrderNamed),
    ) -> Result<()> {
        self.keep(paper)?;
        let key = order.key();
        match self.settle((&paper.name, content(paper)), order)? {
            Alone::Bound(_) => applied.counts.add(Verdict::Accepted, 1),
            Alone::Same(row) => {
                self.list(&key, (Verdict::Duplicate, "duplicate"), (&[], Some(row)), None)?;
                applied.counts.add(Verdict::Duplicate, 1);
            }
            Alone::Refused(problem) => decoded.fatal.add(problem),
            Alone::Waits(problem, ends) => {
                let code = problem.code;
                let waits = self.waits(&key, ends, None);
                self.list(&key, (Verdict::Held, code), (&[problem], None), Some(&waits))?;
                applied.counts.add(Verdict::Held, 1);
            }
        }
        Ok(())
    }

    /// Binds what this file brought to the order that is meant, where it is there and nobody has to be asked.
    pub fn settle(&self, (name, content): (&str, [u8; 32]), order: &OrderNamed) -> Result<Alone> {
        let partner = &self.intake.sender.partner;
        let found = self.tx.orders_of_number(partner, &order.number, order.customer.as_deref())?;
        let row = match &found[..] {
            [] => return Ok(Alone::Waits(wording::pdf_orphan(name, &order.key()), true)),
            [(row, customer)] => {
                let wanting = self.wanting_too(order)?;
                if !wanting.is_empty() {
                    let all: Vec<String> = std::iter::once(customer.clone()).chain(wanting).collect();
                    return Ok(Alone::Waits(wording::pdf_of_customers(name, &order.number, &all), false));
                }
                *row
            }
            several => {
                let customers: Vec<String> = several.iter().map(|(_, customer)| customer.clone()).collect();
                return Ok(Alone::Waits(wording::pdf_of_customers(name, &order.number, &customers), false));
            }
        };
        match self.of_known(row, (name, content))? {
            Second::Same => {
                self.tx.drop_pdf(self.file)?;
                Ok(Alone::Same(row))
            }
            Second::Refused(problem) => Ok(Alone::Refused(problem)),
            Second::Taken => {
                self.tx.bind_pdf(self.file, row, &iso(self.now))?;
                Ok(Alone::Bound(row))
            }
        }
    }

    /// Orders of the number that wait for a PDF, where it does not say whose it is.
    fn wanting_too(&self, order: &OrderNamed) -> Result<Vec<String>> {
        if order.customer.is_some() {
            return Ok(Vec::new());
        }
        self.tx.orders_wanting_pdf(&self.intake.sender.partner, &order.number)
    }

    /// `until`: of one that has waited before, its time goes on.
    pub fn waits(&self, key: &str, ends: bool, until: Option<String>) -> Waits {
        let within = self.intake.by_number.as_ref().and_then(|by_number| TimeDelta::from_std(by_number.within).ok());
        let fresh = || within.and_then(|within| self.now.checked_add_signed(within)).map(iso);
        let until = if ends { until.or_else(fresh) } else { None };
        Waits { kind: PDF_ORDER.to_string(), key: key.to_string(), until }
    }

    fn list(
        &self,
        key: &str,
        (verdict, code): (Verdict, &str),
        (problems, row): (&[Problem], Option<RowId>),
        waits: Option<&Waits>,
    ) -> Result<()> {
        let exception = Exception {
            number: 1,
            kind: ORDER_PDF,
            key,
            verdict,
            code,
            line: 0,
            bytes: &[],
            problems,
            payload: None,
            row,
            waits,
            decided_at: &iso(self.now),
        };
        self.tx.add_exception(self.file, &exception)?;
        Ok(())
    }
}

/// Why an order has to wait that has to have its PDF (`pdf_required`): none is there that is meant for it, and for it alone.
pub fn wanting(tx: &Tx<'_>, hand: &InHand<'_>, message: &Message<'_>, place: Place) -> Result<Option<Hold>> {
    let Some(rule) = hand.intake.by_number.as_ref().filter(|rule| rule.is_required && message.kind().name == ORDER)
    else {
        return Ok(None);
    };
    let (number, others) = match waiting_for(tx, hand, message)? {
        Paired::Wanting { number, others } if !hand.overrule => (number, others),
        _ => return Ok(None),
    };
    let mut problem = wording::pdf_missing(place, &number, &others);
    problem.message = message.origin().number;
    let until = TimeDelta::from_std(rule.within).ok().and_then(|within| hand.now.checked_add_signed(within));
    Ok(Some(Hold { problem, waits_for: Some((PDF, number)), until }))
}

/// The order is taken: what it waited for is its own in the same commit, whatever other order of its number comes beside it.
pub fn bind_waiting(tx: &Tx<'_>, hand: &InHand<'_>, message: &Message<'_>, row: RowId) -> Result<()> {
    if hand.intake.by_number.as_ref().is_some_and(|rule| rule.is_required)
        && let Paired::With(file) = waiting_for(tx, hand, message)?
    {
        tx.bind_pdf(file, row, &iso(hand.now))?;
    }
    Ok(())
}

/// How an order and the PDFs that wait stand to each other.
enum Paired {
    /// The PDF of this file is meant.
    With(FileNo),
    /// It was taken before; whether it says anything new is decided as ever.
    Taken,
    /// No PDF is there that is this order's alone; `others` of other customers have its number too.
    Wanting { number: String, others: Vec<String> },
}

fn waiting_for(tx: &Tx<'_>, hand: &InHand<'_>, message: &Message<'_>) -> Result<Paired> {
    let partner = &hand.intake.sender.partner;
    let of = |name: &str| message.kind().head().field(name);
    let text = |name: &str| of(name).map(|field| field_text(message, field)).unwrap_or_default();
    let (number, customer) = (text("buyer_order_no"), text("customer_no"));
    let sent = of("customer_no").and_then(|field| match message.head().sent(field) {
        Value::Text(sent) => Some(sent.to_string()),
        _ => None,
    });
    for customer in std::iter::once(&customer).chain(&sent) {
        let named = OrderNamed { number: number.clone(), customer: Some(customer.clone()) };
        if let Some(file) = tx.held_pdf(partner, &named.key())? {
            return Ok(Paired::With(file));
        }
    }
    let known = tx.orders_of_number(partner, &number, None)?;
    let (own, others): (Vec<_>, Vec<_>) = known.into_iter().partition(|(_, of)| *of == customer);
    for (row, _) in &own {
        if tx.pdf_of(*row)?.is_some() {
            return Ok(Paired::Taken);
        }
    }
    let key = business_key(message);
    let mut others: Vec<String> = others.into_iter().map(|(_, customer)| format!("{customer} / {number}")).collect();
    others.extend(tx.orders_wanting_pdf(partner, &number)?.into_iter().filter(|other| *other != key));
    match tx.held_pdf(partner, &number)?.filter(|_| others.is_empty()) {
        Some(file) => Ok(Paired::With(file)),
        None if !own.is_empty() => Ok(Paired::Taken),
        None => Ok(Paired::Wanting { number, others }),
    }
}

/// What such a message is called; no kind, since no layout reads it.
pub const ORDER_PDF: &str = "order_pdf";

/// What becomes of a PDF that came alone.
pub enum Alone {
    Bound(RowId),
    /// The order has it.
    Same(RowId),
    Refused(Problem),
    /// True: until its time is over; else until a person says whose it is.
    Waits(Problem, bool),
}

/// What becomes of a PDF whose order is known.
enum Second {
    Same,
    Taken,
    Refused(Problem),
}

fn content(paper: &Paper) -> [u8; 32] {
    *blake3::hash(&paper.bytes).as_bytes()
}
