//! Held messages judged again: when what they wait for has come, when a person says so, and when their time is up.
//!
//! A message is judged from what the ledger stored of it, not from its file. Each in a savepoint of its own: its failure
//! never fails the file that brought what it waited for. Its file's counts, reason and place follow.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Result;
use chrono_tz::Tz;

use super::super::is_outage;
use super::QUOTE;
use super::applying::{Applied, Applying};
use super::changing::ORDER_CHANGE;
use super::finish::Decided;
use super::in_hand::InHand;
use super::judge::registration;
use super::numbering;
use super::papers::{Alone, ORDER_PDF, Papers};
use super::registering::REGISTRATION;
use crate::edges::clock::{Now, iso};
use crate::edges::events::{Event, Events, Key, Value};
use crate::edges::spool::{Marks, Spool};
use crate::edges::store::ledger::{CONTENT, FileRow, MessageNo, MessageRow, PDF, PDF_ORDER, Revision};
use crate::edges::store::{FileNo, Tx};
use crate::model::batch::Batch;
use crate::model::diagnostic::{Diagnostics, Problem};
use crate::model::intake::{Intake, References};
use crate::model::json;
use crate::model::layout::Layout;
use crate::model::reason;
use crate::model::rules::by_number::OrderNamed;
use crate::model::verdict::Verdict;
use crate::model::wording::judging as words;
use crate::model::wording::manifest::content_never;
use crate::model::wording::{pdf_never, pdf_never_came};

/// Kinds that others wait for, in the order in which one may bring the other on.
const AWAITED: [&str; 10] =
    [CUSTOMER, registration::AWAITED, ARTICLE, CONTENT, QUOTE, PDF, ORDER, ORDER_CHANGE, MESSAGE, PDF_ORDER];
const CUSTOMER: &str = "customer";
const ARTICLE: &str = "article";
/// Says which article somebody's number means, so it brings what an article brings.
const REFERENCE: &str = "article_reference";
const ORDER: &str = "order";
/// Not a kind: an earlier message of the same key.
const MESSAGE: &str = "message";

/// What a judge of stored messages works with.
pub struct Again {
    pub intakes: Vec<Arc<Intake>>,
    pub now: Now,
    pub zone: Tz,
    /// A person said: apply although newer or other content is known.
    pub overrule: bool,
    /// A person said: who registers is the customer or contact of this number.
    pub existing: Option<String>,
    /// The spool's copy of the last numbers given.
    pub given: Marks,
}

fn brings(kind: &str, awaited: &str) -> bool {
    match awaited {
        ARTICLE => kind == awaited || kind == REFERENCE,
        // A customer of the ERP answers a registration, and a registration may make a customer.
        CUSTOMER => kind == awaited || kind == REGISTRATION,
        registration::AWAITED => matches!(kind, REGISTRATION | CUSTOMER | "registration_answer"),
        PDF_ORDER => kind == ORDER,
        // It has no kind.
        PDF | CONTENT => false,
        _ => kind == awaited,
    }
}

impl Again {
    /// As of now, on nobody's word.
    pub fn of(intakes: &[Arc<Intake>], now: Now, zone: Tz, given: Marks) -> Self {
        Again { intakes: intakes.to_vec(), now, zone, overrule: false, existing: None, given }
    }

    /// Before the commit of what was judged.
    pub fn keep_numbers(&self, tx: &Tx<'_>, spool: &Spool) -> Result<()> {
        if self.intakes.iter().any(|intake| intake.gives_numbers()) {
            numbering::keep(tx, spool, &self.given)
        } else {
            Ok(())
        }
    }

    /// Judges all messages that wait. `decided` gets the files whose place or papers change.
    pub fn all_that_wait(&self, tx: &Tx<'_>, decided: &mut Vec<Decided>) -> Result<()> {
        self.judge_waiting(tx, &AWAITED, decided)
    }

    /// Judges the messages that wait for something these files may have brought. Thousands may wait for other things,
    /// and each judged costs as much as a new one.
    pub fn those_brought_on(&self, tx: &Tx<'_>, decided: &mut Vec<Decided>) -> Result<()> {
        let mut kinds = vec![MESSAGE];
        if decided.iter().any(Decided::is_lone_pdf) {
            kinds.push(PDF);
        }
        if decided.iter().any(Decided::is_content) {
            kinds.push(CONTENT);
        }
        // A PDF that came alone has no layout, and nobody waits for one.
        let brings_any =
            |file: &&Decided| file.counts.accepted > 0 && file.rehearsed.writes() && !file.layout.is_empty();
        for file in decided.iter().filter(brings_any) {
            let intake = self.intake(&file.partner, &file.intake);
            let layout = intake.and_then(|intake| intake.layouts.iter().find(|layout| layout.id == file.layout));
            let makes = |awaited: &str| {
                intake.is_none_or(|intake| match awaited {
                    CUSTOMER => intake.customers == References::Create,
                    ARTICLE => intake.articles == References::Create,
                    _ => false,
                })
            };
            let is_brought = |kind: &&&str| layout.is_none_or(|layout| brings(&layout.kind.name, kind)) || makes(kind);
            kinds.extend(AWAITED.iter().filter(is_brought));
        }
        self.judge_waiting(tx, &kinds, decided)
    }

    fn judge_waiting(&self, tx: &Tx<'_>, kinds: &[&str], decided: &mut Vec<Decided>) -> Result<()> {
        let before = decided.len();
        for kind in AWAITED {
            // An order that goes on brings on what waits for it.
            if !kinds.contains(&kind) && (!matches!(kind, ORDER | ORDER_CHANGE | PDF_ORDER) || decided.len() == before)
            {
                continue;
            }
            if self.judge_those_on(tx, kind, decided)? && kind == ARTICLE {
                // What was looked at before them may go on by them.
                self.judge_those_on(tx, kind, decided)?;
            }
            if kind == ORDER_CHANGE {
                // Each change brings on the one behind it, whichever of them came first.
                let mut known = decided.len();
                self.judge_those_on(tx, kind, decided)?;
                while decided.len() > std::mem::replace(&mut known, decided.len()) {
                    self.judge_those_on(tx, kind, decided)?;
                }
            }
        }
        Ok(())
    }

    /// True: references were among those that went on.
    fn judge_those_on(&self, tx: &Tx<'_>, kind: &str, decided: &mut Vec<Decided>) -> Result<bool> {
        let mut references = false;
        let waiting = match kind {
            PDF_ORDER => tx.pdfs_with_orders()?,
            PDF => tx.orders_with_pdfs()?,
            CONTENT => tx.manifests_with_contents()?,
            _ => tx.waiting_on(kind)?,
        };
        for number in waiting {
            if let Some(message) = self.may_go_on(tx, kind, number)?
                && let Some(file) = self.judge(tx, &message)?
            {
                references |= message.kind == REFERENCE;
                decided.push(file);
            }
        }
        Ok(references)
    }

    /// A message behind another of its key goes on when that one is decided; all others are simply judged again.
    fn may_go_on(&self, tx: &Tx<'_>, kind: &str, number: MessageNo) -> Result<Option<MessageRow>> {
        let Some(message) = tx.message(number)?.filter(|m| m.verdict == Verdict::Held) else { return Ok(None) };
        if kind != MESSAGE {
            return Ok(Some(message));
        }
        let Some(file) = tx.file(message.file)? else { return Ok(None) };
        let before = tx.held_with_key(&file.partner, &message.kind, &message.key)?;
        Ok(before.first().is_none_or(|first| first.no == message.no).then_some(message))
    }

    /// Refuses what has waited too long.
    pub fn time_out(&self, tx: &Tx<'_>, decided: &mut Vec<Decided>) -> Result<()> {
        for message in tx.waiting_until(&iso(self.now.wall))? {
            let (kind, key) = message.waits.as_ref().map_or(("", ""), |w| (&w.kind[..], &w.key[..]));
            let mut problem = match kind {
                PDF_ORDER => pdf_never(key),
                PDF => pdf_never_came(key),
                CONTENT => content_never(key),
                _ => words::waited_too_long(kind, key),
            };
            problem.message = message.number;
            problem.place.line = message.line;
            decided.extend(self.close(tx, &message, Verdict::Refused, problem.code, vec![problem.clone()], "")?);
        }
        Ok(())
    }

    /// One message, from its payload.
    pub fn judge(&self, tx: &Tx<'_>, message: &MessageRow) -> Result<Option<Decided>> {
        let Some(file) = tx.file(message.file)? else { return Ok(None) };
        if message.kind == ORDER_PDF {
            return self.judge_pdf(tx, message, &file);
        }
        let Some((intake, layout)) = self.find(&file) else { return Ok(None) };
        let Some(payload) = &message.payload else { return Ok(None) };
        let mut batch = Batch::new(layout.kind.clone());
        if json::read_line(payload, message.line, message.number, &mut batch).is_err() {
            return Ok(None);
        }
        message.bytes.iter().for_each(|range| batch.add_bytes(range.clone()));
        tx.savepoint()?;
        let applied = match self.apply(tx, (&file, &intake, layout), message, batch) {
            Ok(applied) => applied,
            // With a full disk everything waits; any other failure is this message's, which stays held.
            Err(error) if is_outage(&error) => return Err(error),
            Err(_) => {
                tx.take_back()?;
                return Ok(None);
            }
        };
        if applied.counts.held > 0
            && tx
                .message(message.no)?
                .is_some_and(|now| (now.code, now.waits) == (message.code.clone(), message.waits.clone()))
        {
            // It waits as it did: thousands may, and nothing of them is to be written.
            tx.take_back()?;
            return Ok(None);
        }
        tx.release()?;
        let verdict = Verdict::ALL.into_iter().find(|v| applied.counts.get(*v) > 0).unwrap_or(message.verdict);
        if matches!(verdict, Verdict::Accepted | Verdict::Unchanged) {
            return self.close(tx, message, verdict, "", Vec::new(), "");
        }
        // Listed anew by the judge: only the file's side is left to do.
        self.follow(tx, file, message.verdict, verdict, applied.problems)
    }

    /// A PDF that came alone and waits for its order.
    fn judge_pdf(&self, tx: &Tx<'_>, message: &MessageRow, file: &FileRow) -> Result<Option<Decided>> {
        let Some(intake) = self.intake(&file.partner, &file.intake) else { return Ok(None) };
        if let Some(row) = tx.order_of_pdf(file.no)? {
            // The order that waited for it took it along.
            let bound = MessageRow { row: Some(row), ..message.clone() };
            return self.close(tx, &bound, Verdict::Accepted, "", Vec::new(), "");
        }
        let Some(pdf) = tx.waiting_pdf(file.no)?.filter(|pdf| pdf.is_kept) else { return Ok(None) };
        let papers = Papers { tx, file: file.no, intake, overrule: self.overrule, now: self.now.wall };
        let order = OrderNamed::of_key(&message.key);
        let decided =
            |message: &MessageRow, verdict, code, problems| self.close(tx, message, verdict, code, problems, "");
        match papers.settle((&pdf.name, pdf.content), &order)? {
            Alone::Bound(row) => {
                decided(&MessageRow { row: Some(row), ..message.clone() }, Verdict::Accepted, "", Vec::new())
            }
            Alone::Same(row) => {
                decided(&MessageRow { row: Some(row), ..message.clone() }, Verdict::Duplicate, "duplicate", Vec::new())
            }
            Alone::Refused(problem) => decided(message, Verdict::Refused, problem.code, vec![problem]),
            // It waits as it did.
            Alone::Waits(problem, _) if problem.code == message.code => Ok(None),
            Alone::Waits(problem, ends) => {
                let until = message.waits.as_ref().and_then(|waits| waits.until.clone());
                let waits = papers.waits(&message.key, ends, until);
                tx.revise_message(
                    message.no,
                    &Revision {
                        verdict: Verdict::Held,
                        code: problem.code,
                        problems: std::slice::from_ref(&problem),
                        row: None,
                        waits: Some(&waits),
                        decided_at: &iso(self.now.wall),
                        comment: &message.comment,
                    },
                )?;
                Ok(None)
            }
        }
    }

    fn apply(
        &self,
        tx: &Tx<'_>,
        (file, intake, layout): (&FileRow, &Intake, Arc<Layout>),
        message: &MessageRow,
        batch: Batch,
    ) -> Result<Applied> {
        let hand = InHand {
            file: file.no,
            intake,
            as_of: &file.as_of,
            first_seen: &file.first_seen,
            now: self.now.wall,
            only: &[],
            overrule: self.overrule,
            existing: self.existing.as_deref(),
            given: &self.given,
        };
        let mut applying = Applying::begin(tx, hand, layout)?;
        applying.again(message);
        applying.batch(batch)?;
        applying.finish()
    }

    /// Gives a message a final verdict.
    pub fn close(
        &self,
        tx: &Tx<'_>,
        message: &MessageRow,
        verdict: Verdict,
        code: &str,
        problems: Vec<Problem>,
        comment: &str,
    ) -> Result<Option<Decided>> {
        let Some(file) = tx.file(message.file)? else { return Ok(None) };
        tx.revise_message(
            message.no,
            &Revision {
                verdict,
                code,
                problems: &problems,
                row: message.row,
                // Kept, so that its story can be told.
                waits: message.waits.as_ref(),
                decided_at: &iso(self.now.wall),
                comment,
            },
        )?;
        let mut told = Diagnostics::default();
        problems.into_iter().for_each(|p| told.add(p));
        self.follow(tx, file, message.verdict, verdict, told)
    }

    /// The file's counts, papers and place after one of its messages changed its verdict.
    fn follow(
        &self,
        tx: &Tx<'_>,
        file: FileRow,
        from: Verdict,
        to: Verdict,
        problems: Diagnostics,
    ) -> Result<Option<Decided>> {
        if from == to {
            return Ok(None);
        }
        let mut counts = file.counts;
        counts.change(from, to);
        tx.revise_file(file.no, counts, counts.home(), &iso(self.now.wall))?;
        let before = tx.reason_text(file.no)?;
        if before.is_some() || !problems.is_empty() {
            // What a person reads in failed/ says how things stand now.
            let text = reason::later(before.as_deref(), &file.name, &self.local_time(), counts, &problems);
            tx.set_reason(file.no, Some(&text), None)?;
        }
        let reason = tx.reason_text(file.no)?;
        Ok(tx.file(file.no)?.and_then(|row| Decided::from_row(row, reason)))
    }

    fn local_time(&self) -> String {
        self.now.wall.with_timezone(&self.zone).format("%Y-%m-%d %H:%M").to_string()
    }

    fn intake(&self, partner: &str, id: &str) -> Option<&Arc<Intake>> {
        self.intakes.iter().find(|i| i.sender.partner == partner && i.id == id)
    }

    fn find(&self, file: &FileRow) -> Option<(Arc<Intake>, Arc<Layout>)> {
        let intake = self.intake(&file.partner, &file.intake)?;
        let layout = intake.layouts.iter().find(|l| l.id == file.layout)?;
        Some((intake.clone(), layout.clone()))
    }
}

/// Files that are in the list more than once are carried out once, as they are at the end.
pub fn newest_of_each(decided: Vec<Decided>) -> Vec<Decided> {
    let mut seen = BTreeSet::new();
    let mut kept: Vec<Decided> = decided.into_iter().rev().filter(|d| seen.insert(d.file)).collect();
    kept.reverse();
    kept
}

/// Messages that waited were judged again: one line a file, with their number.
pub fn tell_released(events: &Events, now: Now, decided: &[Decided]) {
    let mut files: BTreeMap<FileNo, (&Decided, i64)> = BTreeMap::new();
    for one in decided {
        files.entry(one.file).or_insert((one, 0)).1 += 1;
    }
    for (file, count) in files.into_values() {
        let fields = [
            (Key::Intake, Value::Text(format!("{}/{}", file.partner, file.intake).into())),
            (Key::Name, Value::Bytes(&file.raw_name)),
            (Key::Messages, Value::Number(count)),
        ];
        events.tell(now.wall, file.id.as_str(), Event::HeldReleased, &fields);
    }
}
