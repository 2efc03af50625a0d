//! Where orders stand, their parcels, and all orders of a time, page by page: rows of the partner's feed of order status, with what
//! was ordered beside it. Another customer's order is never told.

use anyhow::{Context, Result};
use chrono::{Days, NaiveDate, NaiveTime, TimeZone};

use super::asker::Asker;
use super::{Answerer, lines, number, open_line, text};
use crate::edges::clock::iso;
use crate::edges::store::business::{OrderOf, Span};
use crate::flows::outbound::selecting::select_asked;
use crate::flows::outbound::sheet::Sheet;
use crate::model::batch::{Batch, Message, NodeRef};
use crate::model::feed::Feed;
use crate::model::kind::shipped_kinds;
use crate::model::wording::answering::{self as words, Why};

const KIND: &str = "order_status";
/// Orders in one file of a history.
const PAGE: u64 = 500;
/// What is told of the order itself.
const OF_ORDER: [&str; 5] = ["order_date", "received_at", "reference", "currency", "total_net"];
const OF_LINE: [&str; 7] = ["line_no", "article_no", "buyer_article_no", "description", "qty", "unit", "net_price"];

impl Answerer<'_> {
    pub(super) fn orders(
        &mut self,
        question: &Message<'_>,
        about: &str,
        asker: &Asker,
        sheet: &mut Sheet,
    ) -> Result<Option<Why>> {
        let answering = self.answering;
        let Some(feed) = answering.feed_of(KIND) else { return Ok(Some(words::not_offered(about))) };
        if about == "order_history" {
            return self.history(feed, question, asker, sheet).map(|()| None);
        }
        let lines = match lines(question) {
            Ok(lines) => lines,
            Err(why) => return Ok(Some(why)),
        };
        for (no, node) in lines {
            let why = match self.order(feed, (question, &node), asker)? {
                Err(why) => Some(why),
                Ok(order) if self.put(feed, &order, (Some(no), about != "tracking"), sheet)? => None,
                Ok(order) => Some(words::order_unknown(&order.buyer_order_no)),
            };
            if let Some(why) = why {
                open_line(question, (no, &node), sheet, Some(&why));
            }
        }
        Ok(None)
    }

    /// The one order that a line means, if it is told to who asks.
    fn order(
        &mut self,
        feed: &Feed,
        (question, node): (&Message<'_>, &NodeRef<'_>),
        asker: &Asker,
    ) -> Result<Result<OrderOf, Why>> {
        let (theirs, ours) = (text(question, node, "buyer_order_no"), text(question, node, "order_no"));
        let mut found = match (theirs, ours) {
            ("", "") => return Ok(Err(words::order_missing())),
            ("", ours) => self.tx.orders_numbered(ours)?,
            (theirs, _) => self.orders_called(theirs, asker.customer.as_deref().unwrap_or_default())?,
        };
        let sent = if theirs.is_empty() { ours } else { theirs };
        let mut is_there = !found.is_empty();
        found.retain(|order| self.is_his(feed, asker, order));
        if found.is_empty() && !theirs.is_empty() {
            is_there = !self.orders_called(theirs, "")?.is_empty();
        }
        Ok(match found.len() {
            0 if is_there => Err(words::customer_not_yours(sent)),
            0 => Err(words::order_unknown(sent)),
            1 => Ok(found.remove(0)),
            _ => Err(words::order_ambiguous(sent)),
        })
    }

    /// By the number that their customer gave them.
    fn orders_called(&mut self, buyer_order_no: &str, customer: &str) -> Result<Vec<OrderOf>> {
        let keys = self.references.orders("", customer, buyer_order_no)?;
        Ok(keys.into_iter().map(|key| OrderOf { key, buyer_order_no: buyer_order_no.to_string() }).collect())
    }

    fn is_his(&self, feed: &Feed, asker: &Asker, order: &OrderOf) -> bool {
        let partners = partners(feed);
        let customers = self.customers(asker);
        partners.contains(&order.key.partner) && (customers.is_empty() || customers.contains(&order.key.customer_no))
    }

    /// Those whose orders are told; empty: any of the partner's.
    fn customers<'c>(&'c self, asker: &'c Asker) -> &'c [String] {
        asker.customer.as_ref().map_or(&self.intake.sender.customers[..], std::slice::from_ref)
    }

    fn history(&mut self, feed: &Feed, question: &Message<'_>, asker: &Asker, sheet: &mut Sheet) -> Result<()> {
        let head = question.head();
        let page = number(question, &head, "page").and_then(|page| u64::try_from(page).ok()).unwrap_or(1).max(1);
        let begin_of = |field: &str, later: u64| -> Option<String> {
            let day: NaiveDate = text(question, &head, field).parse().ok()?;
            let midnight = day.checked_add_days(Days::new(later))?.and_time(NaiveTime::MIN);
            // A day that begins an hour late, begins then.
            let local = feed.zone.from_local_datetime(&midnight).earliest();
            Some(iso(local.map_or_else(|| midnight.and_utc(), |local| local.to_utc())))
        };
        let (from, before) = (begin_of("from_date", 0), begin_of("to_date", 1));
        let span = Span {
            partners: partners(feed),
            customers: self.customers(asker),
            from: from.as_deref(),
            before: before.as_deref(),
        };
        let mut found = self.tx.orders_in(&span, ((page - 1).saturating_mul(PAGE), PAGE + 1))?;
        sheet.number("page", page);
        if found.len() as u64 > PAGE {
            found.truncate(PAGE as usize);
            sheet.number("next_page", page + 1);
        }
        for order in &found {
            self.put(feed, order, (None, true), sheet)?;
        }
        Ok(())
    }

    /// False where the feed does not tell this order.
    fn put(
        &mut self,
        feed: &Feed,
        order: &OrderOf,
        (no, is_whole): (Option<u64>, bool),
        sheet: &mut Sheet,
    ) -> Result<bool> {
        let asked = [
            ("partner", order.key.partner.as_str()),
            ("customer_no", &order.key.customer_no),
            ("buyer_order_no", &order.buyer_order_no),
        ];
        let mut status = None;
        select_asked(self.tx, feed, &asked, self.at, &mut |batch| {
            status = Some(batch.clone());
            Ok(())
        })?;
        let Some(status) = status else { return Ok(false) };
        let kind = shipped_kinds().get("order").context("a kind of this program")?;
        let ordered = self.tx.load(kind, order.key.row)?;
        let Some(node) = sheet.open("orders", 0) else { return Ok(true) };
        no.into_iter().for_each(|no| sheet.number("line_no", no));
        if let Some(ordered) = &ordered {
            sheet.copy(kind, &ordered.message(0).head(), |field| OF_ORDER.contains(&field));
        }
        sheet.copy(status.kind(), &status.message(0).head(), |_| true);
        if is_whole {
            put_lines(ordered.as_ref(), &status.message(0), node, sheet);
        }
        put_despatches(&status.message(0), (node, is_whole), sheet);
        Ok(true)
    }
}

/// Whose orders the feed tells.
fn partners(feed: &Feed) -> &[String] {
    if feed.partners.is_empty() { std::slice::from_ref(&feed.partner) } else { &feed.partners }
}

/// What was ordered, and beside it where that stands; then what the seller tells of lines that nobody ordered.
fn put_lines(ordered: Option<&Batch>, status: &Message<'_>, order: u32, sheet: &mut Sheet) {
    let of = |message: &Message<'_>, node: &NodeRef<'_>| number(message, node, "line_no");
    let nodes = |message: &Message<'_>| -> Vec<u32> {
        let group = message.kind().group("lines").unwrap_or_default();
        message.group(group).map(|node| node.index()).collect()
    };
    let mut stands = nodes(status);
    if let Some(ordered) = ordered.map(|ordered| ordered.message(0)) {
        for line in nodes(&ordered) {
            let line = ordered.node(line);
            if sheet.open("order_lines", order).is_none() {
                return;
            }
            sheet.copy(ordered.kind(), &line, |field| OF_LINE.contains(&field));
            let number = of(&ordered, &line);
            if let Some(at) =
                stands.iter().position(|node| number.is_some() && of(status, &status.node(*node)) == number)
            {
                // The article stays the one that was ordered, unless nothing is said of it.
                let has_article = !text(&ordered, &line, "article_no").is_empty();
                let stand = status.node(stands.remove(at));
                sheet.copy(status.kind(), &stand, |field| field != "article_no" || !has_article);
            }
        }
    }
    for node in stands {
        sheet.open("order_lines", order);
        sheet.copy(status.kind(), &status.node(node), |_| true);
    }
}

fn put_despatches(status: &Message<'_>, (order, is_whole): (u32, bool), sheet: &mut Sheet) {
    let group = |name: &str| status.kind().group(name).unwrap_or_default();
    for despatch in status.group(group("despatches")) {
        let Some(node) = sheet.open("despatches", order) else { return };
        sheet.copy(status.kind(), &despatch, |_| true);
        for (part, is_told) in [("trackings", true), ("despatch_lines", is_whole)] {
            for child in status.group(group(part)).filter(|child| is_told && child.parent() == despatch.index()) {
                sheet.open(part, node);
                sheet.copy(status.kind(), &child, |_| true);
            }
        }
    }
}
