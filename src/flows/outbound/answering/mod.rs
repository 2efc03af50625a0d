//! Answers: what a partner asked for by file, as his own feeds tell it. One file of questions has one file of answers, made in the
//! transaction of its verdict and staged with it (`reply`), so that a question is answered once or, after a crash, once more under the
//! same number.
//!
//! `asker` says who asks and what he may know, `articles` answers about stock and prices, `documents` about what belongs to an article,
//! `orders` about orders. Rows are selected and put into words by the code of the feeds; only what they say is put into another form here.

mod articles;
mod asker;
mod documents;
mod orders;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::compose::unwritable;
use super::number::Numbers;
use super::paper::{Form, Paper};
use super::reply::Reply;
use super::selecting::gather_open_orders;
use super::sheet::Sheet;
use super::words::Words;
use crate::edges::clock::{Now, iso, read_iso};
use crate::edges::spool::Spool;
use crate::edges::store::business::References;
use crate::edges::store::ledger::QuestionRow;
use crate::edges::store::{FileNo, Tx};
use crate::model::answering::Answering;
use crate::model::batch::{Batch, Message, NodeRef};
use crate::model::feed::Feed;
use crate::model::ids::Id;
use crate::model::intake::Intake;
use crate::model::json;
use crate::model::kind::shipped_kinds;
use crate::model::rules::file_name::NameFacts;
use crate::model::rules::own_number::{OwnNumber, OwnNumbers};
use crate::model::rules::supersede::Scope;
use crate::model::wording::answering::{self as words, Why};

/// The kind of what answers.
pub(super) const ANSWER: &str = "answer";
/// The kind of what is asked.
const QUESTION: &str = "question";

/// What answers of one transaction have in common: what feeds subtract is gathered once.
#[derive(Default)]
pub struct Gathered(Option<String>);

/// Adds the answers to a file that was just decided, where it asked something. To be called in the transaction of the verdict, as
/// `receipt::add` is.
pub fn add(
    tx: &Tx<'_>,
    spool: &Spool,
    (numbers, gathered): (&mut Numbers, &mut Gathered),
    intake: &Intake,
    file: FileNo,
    (now, zone): (Now, Tz),
) -> Result<Option<Id>> {
    let Some(answering) = &intake.answering else { return Ok(None) };
    let Some(row) = tx.file(file)?.filter(|row| row.kind == QUESTION) else { return Ok(None) };
    let asked = tx.questions_of(file)?;
    if asked.is_empty() {
        return Ok(None);
    }
    let composed = match compose(tx, spool, (intake, answering), (file, &asked), gathered) {
        Ok(paper) => Ok(paper),
        Err(error) => Err(unwritable(&error).ok_or(error)?),
    };
    let feed = &*answering.feed;
    let reply = Reply {
        row: &row,
        layout: &feed.layout,
        folder: &feed.folder,
        mode: intake.mode_of(&row.name),
        to: feed.to.as_ref(),
        done_suffix: feed.done_suffix.as_deref(),
        rows: asked.len() as u64,
    };
    reply.stage(tx, spool, composed, (now, zone), &mut |paper| {
        let number = numbers.give();
        let (paper, name) = named(spool, feed, paper, &asked, (number, now.wall))?;
        Ok((paper, number, name))
    })
}

/// As it goes out, with its name.
pub(super) fn named(
    spool: &Spool,
    feed: &Feed,
    paper: Paper,
    asked: &[QuestionRow],
    (run, at): (u64, DateTime<Utc>),
) -> Result<(Paper, String)> {
    let mut own = OwnNumbers::default();
    asked.iter().for_each(|question| own.see(OwnNumber::Question, &question.request_id));
    let (partner, scope) = (&feed.partner[..], Scope::New.as_str());
    let facts = NameFacts { run, at, zone: feed.zone, partner, feed: feed.plain_id(), scope, own: &own };
    Ok((paper.packed(spool, &facts)?, feed.file_name.fill(&facts)))
}

/// The answers as of the moment of the verdict, from what is stored now.
pub(super) fn compose(
    tx: &Tx<'_>,
    spool: &Spool,
    (intake, answering): (&Intake, &Answering),
    (file, asked): (FileNo, &[QuestionRow]),
    gathered: &mut Gathered,
) -> Result<Paper> {
    let feed = &*answering.feed;
    let row = tx.file(file)?.context("the file that asked is not in the ledger")?;
    // Made again it speaks of the same moment.
    let at = row.decided_at.as_deref().and_then(read_iso).unwrap_or_default();
    let mut answerer = Answerer { tx, intake, answering, at, references: tx.references()?, gathered };
    let put_into_words = Words::of(feed, at);
    let kind = shipped_kinds().get(QUESTION).context("a kind of this program")?;
    let mut question = Batch::new(kind.clone());
    let mut sheet = Sheet::new(&feed.layout.kind);
    let form = Form { layout: &feed.layout, packing: feed.packing.as_ref(), has_beside: false };
    Paper::write(spool, form, (feed.zone, at), |encoder| {
        for asked in asked {
            question.clear();
            sheet.batch.clear();
            json::read_line(&asked.payload, 0, asked.number, &mut question).map_err(|problems| {
                anyhow::anyhow!("the question {} cannot be read: {problems:?}", asked.request_id)
            })?;
            if let Some(why) = answerer.answer(&question.message(0), &mut sheet)? {
                tx.set_question_code(file, asked.number, why.code)?;
            }
            put_into_words.put_into(&mut sheet.batch);
            encoder.write(&sheet.batch)?;
        }
        Ok(())
    })
    .with_context(|| format!("the answer to {} cannot be written", row.name))
}

struct Answerer<'a> {
    tx: &'a Tx<'a>,
    intake: &'a Intake,
    answering: &'a Answering,
    at: DateTime<Utc>,
    references: References<'a>,
    gathered: &'a mut Gathered,
}

impl Answerer<'_> {
    /// Why the question as a whole is answered with nothing, if it is.
    fn answer(&mut self, question: &Message<'_>, sheet: &mut Sheet) -> Result<Option<Why>> {
        let about = text(question, &question.head(), "about").to_string();
        sheet.begin(question.origin().number);
        for field in ["request_id", "about", "customer_no", "contact_no"] {
            sheet.text(field, text(question, &question.head(), field));
        }
        sheet.text("answered_at", &iso(self.at));
        let why = match self.asker(question, &about)? {
            Err(why) => Some(why),
            Ok(asker) => match about.as_str() {
                "stock" | "availability" | "price" => self.articles(question, &about, &asker, sheet)?,
                "document" => self.documents(question, &asker, sheet)?,
                _ => self.orders(question, &about, &asker, sheet)?,
            },
        };
        if let Some(why) = &why {
            sheet.back_to_head();
            sheet.text("code", why.code);
            sheet.text("text", &why.text);
            refuse_lines(question, why, sheet);
        }
        Ok(why)
    }

    /// What the feed subtracts is there for its next selection.
    fn gather(&mut self, feed: &Feed) -> Result<()> {
        let name = feed.name();
        if feed.published.open_orders_days.is_some() && self.gathered.0.as_ref() != Some(&name) {
            gather_open_orders(self.tx, feed, self.at)?;
            self.gathered.0 = Some(name);
        }
        Ok(())
    }
}

/// A field of a question; empty where it says nothing.
fn text<'m>(question: &Message<'m>, node: &NodeRef<'m>, field: &str) -> &'m str {
    let group = &question.kind().groups[node.group()];
    group.field(field).and_then(|at| node.value(at).text()).unwrap_or_default()
}

fn number(question: &Message<'_>, node: &NodeRef<'_>, field: &str) -> Option<i64> {
    let group = &question.kind().groups[node.group()];
    group.field(field).and_then(|at| node.value(at).number())
}

/// The lines of a question with their numbers; those without are counted.
fn lines<'m>(question: &Message<'m>) -> Result<Vec<(u64, NodeRef<'m>)>, Why> {
    let group = question.kind().group("lines").unwrap_or_default();
    let own = |node: &NodeRef<'m>| number(question, node, "line_no").and_then(|no| u64::try_from(no).ok());
    let lines: Vec<_> =
        question.group(group).enumerate().map(|(at, node)| (own(&node).unwrap_or(at as u64 + 1), node)).collect();
    if lines.is_empty() { Err(words::lines_missing()) } else { Ok(lines) }
}

/// Who reads rows only has to find it there too: an answer is never silently empty.
fn refuse_lines(question: &Message<'_>, why: &Why, sheet: &mut Sheet) {
    match lines(question) {
        Ok(lines) => {
            for (no, node) in &lines {
                open_line(question, (*no, node), sheet, Some(why));
            }
        }
        Err(_) => {
            sheet.open("lines", 0);
            sheet.text("code", why.code);
            sheet.text("text", &why.text);
        }
    }
}

/// A line of the answer that repeats what was asked for; with why there is no more to it.
fn open_line(
    question: &Message<'_>,
    (no, node): (u64, &NodeRef<'_>),
    sheet: &mut Sheet,
    why: Option<&Why>,
) -> Option<u32> {
    let line = sheet.open("lines", 0)?;
    sheet.number("line_no", no);
    for field in
        ["article_no", "buyer_article_no", "supplier_article_no", "ean", "buyer_order_no", "order_no", "warehouse"]
    {
        sheet.text(field, text(question, node, field));
    }
    if let Some(why) = why {
        sheet.text("code", why.code);
        sheet.text("text", &why.text);
    }
    Some(line)
}
