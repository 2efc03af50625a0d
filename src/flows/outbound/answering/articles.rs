//! Stock, availability and prices of the articles that a question names: rows of the partner's feeds of stock and prices, each
//! below the line that asked for it. What is not known is a line with a code.

use anyhow::Result;

use super::asker::Asker;
use super::{Answerer, lines, number, open_line, text};
use crate::edges::store::business::PriceFor;
use crate::flows::outbound::selecting::{select_asked, today};
use crate::flows::outbound::sheet::Sheet;
use crate::flows::outbound::words::Words;
use crate::model::batch::{Message, NodeRef};
use crate::model::decimal;
use crate::model::feed::Feed;
use crate::model::intake::{ArticleScheme, References};
use crate::model::rules::net_gross::{net_and_gross, together_e4};
use crate::model::rules::published;
use crate::model::rules::reference::Matches;
use crate::model::wording::answering::{self as words, Why};

const ONE_E6: i64 = 1_000_000;
/// What tells how many there are.
const FIGURES: [&str; 3] = ["qty", "unit", "expected_qty"];

/// An article that a line names.
pub(super) struct Named {
    pub article_no: String,
    /// Master data know it.
    pub is_known: bool,
}

impl Answerer<'_> {
    pub(super) fn articles(
        &mut self,
        question: &Message<'_>,
        about: &str,
        asker: &Asker,
        sheet: &mut Sheet,
    ) -> Result<Option<Why>> {
        let kind = if about == "price" { "price" } else { "stock" };
        let answering = self.answering;
        let Some(feed) = answering.feed_of(kind) else { return Ok(Some(words::not_offered(about))) };
        let lines = match lines(question) {
            Ok(lines) => lines,
            Err(why) => return Ok(Some(why)),
        };
        self.gather(feed)?;
        for (no, node) in lines {
            let named = match self.named(question, &node)? {
                Ok(named) => named,
                Err(why) => {
                    open_line(question, (no, &node), sheet, Some(&why));
                    continue;
                }
            };
            let is_told = match kind {
                "price" => self.price(feed, (question, no, &node), &named, asker, sheet)?,
                _ => self.stock(feed, (question, no, &node), &named, about, sheet)?,
            };
            if !is_told {
                let why = match (named.is_known, kind) {
                    (false, _) => words::article_unknown(&named.article_no),
                    (true, "price") => words::price_unknown(&named.article_no),
                    (true, _) => words::stock_unknown(&named.article_no),
                };
                open_line(question, (no, &node), sheet, Some(&why));
            }
        }
        Ok(None)
    }

    pub(super) fn named(&mut self, question: &Message<'_>, node: &NodeRef<'_>) -> Result<Result<Named, Why>> {
        let mut sent = "";
        for scheme in &self.intake.article_schemes {
            let (field, owner) = match scheme {
                ArticleScheme::Own => ("article_no", ""),
                ArticleScheme::Partner => ("buyer_article_no", &self.intake.sender.partner[..]),
                ArticleScheme::Supplier => ("supplier_article_no", ""),
                ArticleScheme::Ean => ("ean", ""),
                ArticleScheme::Isbn => continue,
            };
            let value = text(question, node, field);
            if value.is_empty() {
                continue;
            }
            sent = if sent.is_empty() { value } else { sent };
            match self.references.article(*scheme, owner, value)? {
                Matches::One(article_no) => return Ok(Ok(Named { article_no, is_known: true })),
                Matches::Many(candidates) => return Ok(Err(words::article_ambiguous(value, &candidates))),
                Matches::None => {}
            }
        }
        let own = text(question, node, "article_no");
        let as_sent = self.intake.articles == References::Accept;
        Ok(match (own, sent) {
            // Stock and prices may be there before master data are.
            (own, _) if !own.is_empty() => Ok(Named { article_no: own.to_string(), is_known: false }),
            (_, "") => Err(words::article_missing()),
            (_, sent) if as_sent => Ok(Named { article_no: sent.to_string(), is_known: false }),
            (_, sent) => Err(words::article_unknown(sent)),
        })
    }

    fn stock(
        &mut self,
        feed: &Feed,
        (question, no, node): (&Message<'_>, u64, &NodeRef<'_>),
        named: &Named,
        about: &str,
        sheet: &mut Sheet,
    ) -> Result<bool> {
        let warehouse = text(question, node, "warehouse");
        let mut asked = vec![("article_no", named.article_no.as_str())];
        if !warehouse.is_empty() {
            asked.push(("warehouse", warehouse));
        }
        let put_into_words = Words::figures_of(feed, self.at);
        let (kind, with_figures) = (&feed.layout.kind, about == "stock");
        let quantity = kind.head().field("qty");
        let rows = select_asked(self.tx, feed, &asked, self.at, &mut |batch| {
            put_into_words.put_into(batch);
            for row in batch.messages() {
                open_line(question, (no, node), sheet, None);
                sheet.copy(kind, &row.head(), |field| with_figures || !FIGURES.contains(&field));
                let shown = quantity.and_then(|at| row.head().value(at).number());
                if let Some(shown) = shown.filter(|_| with_figures) {
                    sheet.number("more", published::is_more(shown, &feed.published).into());
                }
            }
            Ok(())
        })?;
        Ok(rows > 0)
    }

    /// The customer's own price before that of his list, and that before everybody's, as far as the feed tells them.
    fn price(
        &mut self,
        feed: &Feed,
        (question, no, node): (&Message<'_>, u64, &NodeRef<'_>),
        named: &Named,
        asker: &Asker,
        sheet: &mut Sheet,
    ) -> Result<bool> {
        let terms = match &asker.customer {
            Some(customer) => self.tx.terms_of(customer)?,
            None => Default::default(),
        };
        let asked_for = text(question, &question.head(), "currency");
        let currency = match (asked_for, feed.pinned("currency"), &terms.currency) {
            ("", Some(pinned), _) => pinned,
            ("", None, Some(own)) => own,
            (asked_for, ..) => asked_for,
        };
        let list = terms.price_list.as_deref().or(feed.pinned("price_list")).unwrap_or_default();
        let customer = asker.customer.as_deref().unwrap_or_default();
        let qty_e6 = number(question, node, "qty").unwrap_or(ONE_E6);
        let day = today(feed, self.at);
        let tiers = [("customer", "", customer), ("list", list, ""), ("base", "", "")];
        let said = |(source, list, customer): &(&str, &str, &str)| {
            *source == "base" || !list.is_empty() || !customer.is_empty()
        };
        for (source, list, customer) in tiers.into_iter().filter(said) {
            let Some(currency) = self.currency_of((list, customer), &named.article_no, currency)? else {
                // A price of another tier, in whatever currency, may be none of his.
                return Ok(false);
            };
            let wanted = PriceFor { article_no: &named.article_no, currency: &currency, qty_e6, today: &day };
            let Some(key) = self.tx.price_of(list, customer, &wanted)? else { continue };
            let from_qty = decimal::text(key.from_qty_e6, 6);
            let asked = [
                ("price_list", list),
                ("customer_no", customer),
                ("article_no", &named.article_no),
                ("currency", &currency),
                ("from_qty", &from_qty),
                ("valid_from", &key.valid_from),
            ];
            let mut found = None;
            select_asked(self.tx, feed, &asked, self.at, &mut |batch| {
                found = Some(batch.clone());
                Ok(())
            })?;
            let Some(found) = found else { continue };
            let row = found.message(0);
            let discounts = self.discounts(&row, source, &tiers, &day)?;
            open_line(question, (no, node), sheet, None);
            sheet.copy(&feed.layout.kind, &row.head(), |field| field != "customer_no");
            sheet.scaled("qty", qty_e6);
            sheet.text("source", source);
            tell_amounts(&row, &discounts, sheet);
            return Ok(true);
        }
        Ok(false)
    }
}

impl Answerer<'_> {
    /// The one that is asked for; where nobody names any, that of all these prices. None: there are several.
    fn currency_of(&self, (list, customer): (&str, &str), article_no: &str, named: &str) -> Result<Option<String>> {
        if !named.is_empty() {
            return Ok(Some(named.to_string()));
        }
        let mut known = self.tx.currencies_of(list, customer, article_no)?;
        Ok(if known.len() > 1 { None } else { Some(known.pop().unwrap_or_default()) })
    }

    /// What is taken off a price: its own discount, or those on its group of articles as far as a feed tells the partner of them. The
    /// customer's go before those of his list, those before everybody's; a price made for one customer has only a group that it names.
    fn discounts(
        &self,
        price: &Message<'_>,
        source: &str,
        tiers: &[(&str, &str, &str)],
        day: &str,
    ) -> Result<Vec<i64>> {
        let head = price.head();
        if let Some(own) = number(price, &head, "discount_pct") {
            return Ok(vec![own]);
        }
        let Some(feed) = self.answering.feed_of("discount") else { return Ok(Vec::new()) };
        let group = match text(price, &head, "discount_group") {
            "" if source == "customer" => return Ok(Vec::new()),
            "" => self.tx.discount_group_of(text(price, &head, "article_no"))?.unwrap_or_default(),
            named => named.to_string(),
        };
        for (_, list, customer) in tiers.iter().filter(|_| !group.is_empty()) {
            let Some(since) = self.tx.discount_of(list, customer, &group, day)? else { continue };
            let asked = [
                ("price_list", *list),
                ("customer_no", *customer),
                ("discount_group", &group[..]),
                ("valid_from", &since),
            ];
            let mut discounts = Vec::new();
            select_asked(self.tx, feed, &asked, self.at, &mut |batch| {
                let row = batch.message(0);
                let of = |field: &str| number(&row, &row.head(), field);
                discounts.extend(["discount_pct", "discount2_pct", "discount3_pct"].into_iter().filter_map(of));
                Ok(())
            })?;
            if !discounts.is_empty() {
                return Ok(discounts);
            }
        }
        Ok(Vec::new())
    }
}

/// Without and with tax, discounts taken off.
fn tell_amounts(row: &Message<'_>, discounts: &[i64], sheet: &mut Sheet) {
    let head = row.head();
    let is_gross = text(row, &head, "basis") == "gross";
    let Some(price) = number(row, &head, "price") else { return };
    if !discounts.is_empty() {
        together_e4(discounts).into_iter().for_each(|all| sheet.scaled("discount_pct", all));
    }
    let [net, gross] = net_and_gross(price, is_gross, discounts, number(row, &head, "tax_pct"));
    for (field, amount) in [("net_price", net), ("gross_price", gross)] {
        amount.into_iter().for_each(|amount| sheet.scaled(field, amount));
    }
}
