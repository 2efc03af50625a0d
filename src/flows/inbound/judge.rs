//! Judges one message: whose customer, which articles, which units, is it plausible. Numbers are resolved in place.
//!
//! Looking up is the store's, deciding is `model::rules`; this file asks the one and obeys the other. Whether a request was
//! there before, or a fact is older than what is known, is found when it is applied.

mod document;
pub mod registration;

use std::sync::Arc;

use anyhow::Result;
use chrono::{DateTime, Utc};

use super::registering::REGISTRATION;
use crate::edges::store::business::References as Lookup;
use crate::model::batch::{Batch, NodeRef, Value};
use crate::model::decimal;
use crate::model::diagnostic::{Place, Problem};
use crate::model::intake::{ArticleScheme, Intake, NegativeStock, References};
use crate::model::kind::{Class, Kind};
use crate::model::layout::Layout;
use crate::model::rules::manifest::Manifest;
use crate::model::rules::plausible::Plausible;
use crate::model::rules::reference::{ArticlePlace, Decision, Matches, Places, UnitPlace, decide};
use crate::model::rules::units;
use crate::model::wording::judging as words;

/// What a message becomes before it meets the rows.
pub enum Judged {
    Good,
    Refused(Vec<Problem>),
    Held(Hold),
}

/// Why a message waits.
pub struct Hold {
    pub problem: Problem,
    /// Kind and number that would end the waiting; nothing when a person decides.
    pub waits_for: Option<(&'static str, String)>,
    pub until: Option<DateTime<Utc>>,
}

/// A judge for the messages of one file.
pub struct Judge<'f> {
    intake: &'f Intake,
    layout: Arc<Layout>,
    kind: Arc<Kind>,
    places: Places,
    plausible: Plausible,
    manifest: Option<Manifest>,
    negative_refused: Option<usize>,
    partner_field: Option<usize>,
    /// Of a list of references: whose kind of number, and whose. A partner who names nobody speaks of his own.
    owner_fields: Option<(usize, usize)>,
    /// A registration that is spoken of: its number with the partner, and who that is.
    registered_fields: Option<(usize, usize)>,
    line_key: Option<(usize, usize)>,
    now: DateTime<Utc>,
}

/// Findings on one message.
#[derive(Default)]
struct Findings {
    problems: Vec<Problem>,
    holds: Vec<Hold>,
}

impl<'f> Judge<'f> {
    pub fn new(intake: &'f Intake, layout: Arc<Layout>, now: DateTime<Utc>) -> Self {
        let kind = layout.kind.clone();
        let line_key = kind.group("lines").and_then(|lines| Some((lines, *kind.groups[lines].key.first()?)));
        Judge {
            negative_refused: (intake.negative_stock == NegativeStock::Refuse && kind.name == "stock")
                .then(|| kind.head().field("qty"))
                .flatten(),
            partner_field: (kind.class == Class::Request).then(|| kind.head().field("partner")).flatten(),
            owner_fields: kind.head().field("scheme").zip(kind.head().field("belongs_to")),
            registered_fields: match kind.class {
                Class::Record => {
                    let by = kind.head().field("registered_by").or_else(|| kind.head().field("partner"));
                    kind.head().field("external_id").zip(by)
                }
                _ => None,
            },
            places: Places::of(&kind),
            plausible: Plausible::new(intake.plausibility, &kind, now.with_timezone(&intake.sender.zone).date_naive()),
            manifest: Manifest::of(&kind),
            line_key,
            intake,
            layout,
            kind,
            now,
        }
    }

    pub fn judge(&self, look: &mut Lookup<'_>, batch: &mut Batch, index: usize) -> Result<Judged> {
        let mut findings = Findings::default();
        match self.kind.name == REGISTRATION {
            true => self.registration(look, batch, index, &mut findings)?,
            false => self.customer(look, batch, index, &mut findings)?,
        }
        self.registered(look, batch, index, &mut findings)?;
        self.secrets(batch, index, &mut findings);
        self.order(look, batch, index, &mut findings)?;
        for place in &self.places.articles {
            self.articles(look, batch, index, place, &mut findings)?;
        }
        for place in &self.places.units {
            self.units(look, batch, index, place, &mut findings)?;
        }
        for (group, field) in &self.places.unit_codes {
            self.unit_codes(batch, index, *group, *field, &mut findings);
        }
        self.number_lines(batch, index, &mut findings);
        self.values(batch, index, &mut findings);
        self.manifest.iter().for_each(|manifest| manifest.lower(batch, index));
        self.content(look, batch, index, &mut findings)?;
        if let Some(field) = self.partner_field {
            batch.put_text(index, 0, field, &self.intake.sender.partner);
        }
        if let Some((scheme, owner)) = self.owner_fields {
            let head = batch.message(index).head();
            if head.value(scheme).text() == Some("partner") && head.value(owner).text().is_none() {
                batch.put_text(index, 0, owner, &self.intake.sender.partner);
            }
        }
        let Findings { mut problems, mut holds } = findings;
        let number = batch.message(index).origin().number;
        problems.iter_mut().for_each(|p| p.message = number);
        holds.iter_mut().for_each(|h| h.problem.message = number);
        Ok(match (problems.is_empty(), holds.into_iter().next()) {
            (false, _) => Judged::Refused(problems),
            (true, Some(hold)) => Judged::Held(hold),
            (true, None) => Judged::Good,
        })
    }

    fn place(&self, batch: &Batch, index: usize, node: &NodeRef<'_>, field: usize) -> Place {
        let origin = batch.message(index).origin();
        let mut place = Place {
            line: if node.line() > 0 { node.line() } else { origin.line },
            byte: origin.bytes.first().map_or(0, |r| r.start),
            field: self.layout.spoken(self.layout.column_of(node.group(), field)).into_owned(),
            spoken: None,
        };
        if let Some(speaker) = batch.speaker() {
            speaker.speak(&mut place);
        }
        place
    }

    fn wait_until(&self, rule: References) -> Option<DateTime<Utc>> {
        match rule {
            References::Wait(time) => {
                chrono::Duration::from_std(time).ok().and_then(|t| self.now.checked_add_signed(t))
            }
            _ => None,
        }
    }

    fn customer(&self, look: &mut Lookup<'_>, batch: &mut Batch, index: usize, found: &mut Findings) -> Result<()> {
        let Some(field) = self.places.customer else { return Ok(()) };
        let head = batch.message(index).head();
        let sender = &self.intake.sender;
        // What a customer uploads is his: nobody else is to see it because he left out his number.
        let is_upload = self.manifest.is_some() && !sender.customers.is_empty();
        let sent = match (head.value(field).text(), &self.intake.customer, &sender.customers[..]) {
            (Some(sent), ..) => sent.to_string(),
            // A price for all customers, a status that names only the order.
            (None, ..) if self.kind.class != Class::Request && !is_upload => return Ok(()),
            (None, Some(default), _) => default.clone(),
            (None, None, [one]) if is_upload => one.clone(),
            (None, ..) => {
                found.problems.push(words::customer_missing(self.place(batch, index, &head, field)));
                return Ok(());
            }
        };
        let matches = match head.knows_customer() {
            true => Matches::One(sent.clone()),
            false => look.customer(&sender.partner, &sent)?,
        };
        let decision = decide(matches, self.intake.customers);
        let ours = match &decision {
            Decision::Resolved(ours) => Some(ours.as_str()),
            Decision::AsSent => Some(sent.as_str()),
            Decision::Unknown | Decision::Wait | Decision::Ambiguous(_) => None,
        };
        let place = || self.place(batch, index, &batch.message(index).head(), field);
        // A number that is not known yet may still turn out to be his, but only under the name he has agreed.
        let may_be_his = |number: &str| sender.customers.is_empty() || sender.customers.iter().any(|c| c == number);
        if !may_be_his(&sent) && !ours.is_some_and(may_be_his) && !matches!(decision, Decision::Unknown) {
            found.problems.push(words::customer_not_yours(place(), &sent, &sender.partner));
        } else if let Some(ours) = ours {
            batch.resolve(index, 0, field, ours);
        } else {
            match decision {
                Decision::Ambiguous(candidates) => found.hold(words::customer_ambiguous(place(), &sent, &candidates)),
                Decision::Wait => {
                    let until = self.wait_until(self.intake.customers);
                    found.wait(words::customer_unknown(place(), &sent), "customer", sent.clone(), until);
                }
                _ => found.problems.push(words::customer_unknown(place(), &sent)),
            }
        }
        Ok(())
    }

    /// A status names an order: by the customer's number, narrowed by partner and customer where they are given.
    fn order(&self, look: &mut Lookup<'_>, batch: &mut Batch, index: usize, found: &mut Findings) -> Result<()> {
        let Some(field) = self.places.order else { return Ok(()) };
        let head = batch.message(index).head();
        let Some(sent) = head.value(field).text().map(str::to_string) else { return Ok(()) };
        let partner_field = self.kind.head().field("partner");
        let customer_field = self.places.customer;
        let given = |at: Option<usize>| at.and_then(|f| head.value(f).text()).map(str::to_string);
        // A request speaks of its sender's own orders; a status may say whose it is.
        let partner = match self.kind.class {
            Class::Request => Some(self.intake.sender.partner.clone()),
            _ => given(partner_field),
        };
        let customer = given(customer_field);
        let place = || self.place(batch, index, &batch.message(index).head(), field);
        let orders =
            look.orders(partner.as_deref().unwrap_or_default(), customer.as_deref().unwrap_or_default(), &sent)?;
        match (&orders[..], self.intake.orders) {
            ([order], _) => {
                if let Some(at) = partner_field {
                    batch.put_text(index, 0, at, &order.partner);
                }
                if let Some(at) = customer_field {
                    batch.resolve(index, 0, at, &order.customer_no);
                }
            }
            ([], References::Accept) => {}
            ([], References::Check) => found.problems.push(words::order_unknown(place(), &sent)),
            ([], rule @ References::Wait(_)) => {
                found.wait(words::order_unknown(place(), &sent), "order", sent, self.wait_until(rule));
            }
            (several, _) => {
                let partners: Vec<String> = several.iter().map(|o| o.partner.clone()).collect();
                found.hold(words::order_ambiguous(place(), &sent, &partners));
            }
        }
        Ok(())
    }

    fn articles(
        &self,
        look: &mut Lookup<'_>,
        batch: &mut Batch,
        index: usize,
        place: &ArticlePlace,
        found: &mut Findings,
    ) -> Result<()> {
        let count = batch.message(index).nodes().count() as u32;
        for node_index in 0..count {
            let node = batch.message(index).node(node_index);
            if node.group() != place.group {
                continue;
            }
            // The number that the sender gave, and its field: where there is no number of ours, one of another scheme.
            let fields = std::iter::once(place.field).chain(place.others.iter().map(|(_, field)| *field));
            let mut given = fields.filter_map(|field| Some((field, node.value(field).text()?)));
            let Some((field, sent)) = given.next() else {
                // A document may be one of a customer, or of the house.
                if self.manifest.is_some() {
                    continue;
                }
                let at = self.place(batch, index, &node, place.field);
                found.problems.push(words::article_missing(at));
                continue;
            };
            let matches = self.article_matches(look, &node, place)?;
            match decide(matches, self.intake.articles) {
                Decision::Resolved(ours) => batch.resolve(index, node_index, place.field, &ours),
                Decision::AsSent if field == place.field => batch.keep_sent(index, node_index, field),
                Decision::AsSent => {
                    let sent = sent.to_string();
                    batch.resolve(index, node_index, place.field, &sent);
                }
                not_found => {
                    let at = self.place(batch, index, &node, field);
                    let sent = sent.to_string();
                    match not_found {
                        Decision::Ambiguous(candidates) => found.hold(words::article_ambiguous(at, &sent, &candidates)),
                        Decision::Wait => {
                            let until = self.wait_until(self.intake.articles);
                            found.wait(words::article_unknown(at, &sent), "article", sent, until);
                        }
                        _ => found.problems.push(words::article_unknown(at, &sent)),
                    }
                }
            }
        }
        Ok(())
    }

    /// The first scheme that finds anything decides.
    fn article_matches(&self, look: &mut Lookup<'_>, node: &NodeRef<'_>, place: &ArticlePlace) -> Result<Matches> {
        for scheme in &self.intake.article_schemes {
            let field = match scheme {
                ArticleScheme::Own => Some(place.field),
                other => place.others.iter().find(|(s, _)| s == other).map(|(_, f)| *f),
            };
            let Some(number) = field.and_then(|f| node.value(f).text()) else { continue };
            if *scheme == ArticleScheme::Own
                && let Some(unit) = node.known_article()
            {
                look.knows(number, unit);
                return Ok(Matches::One(number.to_string()));
            }
            let owner = match scheme {
                ArticleScheme::Partner => self.intake.sender.partner.as_str(),
                _ => "",
            };
            let matches = look.article(*scheme, owner, number)?;
            if matches != Matches::None {
                return Ok(matches);
            }
        }
        Ok(Matches::None)
    }

    fn units(
        &self,
        look: &mut Lookup<'_>,
        batch: &mut Batch,
        index: usize,
        place: &UnitPlace,
        found: &mut Findings,
    ) -> Result<()> {
        let article_field = self.places.articles.iter().find(|a| a.group == place.group).map(|a| a.field);
        let count = batch.message(index).nodes().count() as u32;
        for node_index in 0..count {
            let node = batch.message(index).node(node_index);
            if node.group() != place.group {
                continue;
            }
            let sent = node.value(place.unit).text();
            let unit = match sent.map(|sent| (sent, units::resolve(sent, &self.intake.sender.units))) {
                None => None,
                Some((_, units::Resolved::Code(code))) => Some(code),
                Some((sent, units::Resolved::Unknown)) => {
                    let at = self.place(batch, index, &node, place.unit);
                    found.problems.push(words::unit_unknown(at, sent));
                    continue;
                }
            };
            let article = article_field.and_then(|f| node.value(f).text()).unwrap_or_default();
            let base = if article.is_empty() { None } else { look.base_unit(article)?.flatten() };
            if base.is_none() && unit == sent {
                continue;
            }
            let (article, unit) = (article.to_string(), unit.map(str::to_string));
            self.convert(look, batch, index, node_index, place, &article, (unit, base), found)?;
        }
        Ok(())
    }

    /// Quantities to the base unit: beside the sent one where the kind keeps both, in place where it does not.
    #[allow(clippy::too_many_arguments)] // one call, and every one of them is a different thing
    fn convert(
        &self,
        look: &mut Lookup<'_>,
        batch: &mut Batch,
        index: usize,
        node_index: u32,
        place: &UnitPlace,
        article: &str,
        (unit, base): (Option<String>, Option<String>),
        found: &mut Findings,
    ) -> Result<()> {
        if let Some(code) = &unit
            && batch.message(index).node(node_index).value(place.unit).text() != Some(code)
        {
            batch.put_text(index, node_index, place.unit, code);
        }
        // No master data for the article, or none with a unit: there is nothing to convert to.
        let Some(base) = base else { return Ok(()) };
        let unit = unit.unwrap_or_else(|| base.clone());
        let factor = if units::count_alike(&unit, &base) {
            1_000_000
        } else {
            match look.base_quantity(article, &unit)? {
                Some(factor) => factor,
                None => {
                    let node = batch.message(index).node(node_index);
                    let at = self.place(batch, index, &node, place.unit);
                    found.problems.push(words::unit_without_conversion(at, &unit, &base, article));
                    return Ok(());
                }
            }
        };
        for quantity in &place.quantities {
            let Some(value) = batch.message(index).node(node_index).value(*quantity).number() else { continue };
            let Some(converted) = decimal::multiply_exact(value, factor, 1_000_000) else {
                let node = batch.message(index).node(node_index);
                let at = self.place(batch, index, &node, *quantity);
                found.problems.push(words::unit_conversion_inexact(at, &unit, &base));
                continue;
            };
            let target = place.base.map_or(*quantity, |(base_quantity, _)| base_quantity);
            batch.put_number(index, node_index, target, converted);
        }
        let target = place.base.map_or(place.unit, |(_, base_unit)| base_unit);
        batch.put_text(index, node_index, target, &base);
        Ok(())
    }

    fn unit_codes(&self, batch: &mut Batch, index: usize, group: usize, field: usize, found: &mut Findings) {
        let count = batch.message(index).nodes().count() as u32;
        for node_index in 0..count {
            let node = batch.message(index).node(node_index);
            if node.group() != group {
                continue;
            }
            let Some(sent) = node.value(field).text() else { continue };
            match units::resolve(sent, &self.intake.sender.units) {
                units::Resolved::Code(code) if code == sent => {}
                units::Resolved::Code(code) => {
                    let code = code.to_string();
                    batch.put_text(index, node_index, field, &code);
                }
                units::Resolved::Unknown => {
                    let at = self.place(batch, index, &node, field);
                    found.problems.push(words::unit_unknown(at, sent));
                }
            }
        }
    }

    /// Lines without a number are counted from 1; a number may stand once.
    fn number_lines(&self, batch: &mut Batch, index: usize, found: &mut Findings) {
        let Some((group, field)) = self.line_key else { return };
        // Numbered upwards is what nearly all partners do: nothing is to be done then.
        let mut last = i64::MIN;
        let rises = |number: Option<i64>| number.is_some_and(|n| std::mem::replace(&mut last, n) < n);
        if batch.message(index).group(group).map(|n| n.value(field).number()).all(rises) {
            return;
        }
        let nodes: Vec<(u32, Option<i64>)> =
            batch.message(index).group(group).map(|n| (n.index(), n.value(field).number())).collect();
        if nodes.iter().all(|(_, number)| number.is_none()) {
            for (position, (node, _)) in nodes.iter().enumerate() {
                batch.put_number(index, *node, field, position as i64 + 1);
            }
            return;
        }
        let mut numbers: Vec<(i64, u32)> = nodes.iter().filter_map(|(node, n)| Some(((*n)?, *node))).collect();
        numbers.sort_unstable();
        for pair in numbers.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            let node = batch.message(index).node(pair[1].1);
            let at = self.place(batch, index, &node, field);
            found.problems.push(words::line_number_twice(at, pair[1].0));
        }
        // Some numbered, some not: the others follow the highest.
        let mut next = numbers.last().map_or(0, |(n, _)| *n);
        for (node, _) in nodes.iter().filter(|(_, number)| number.is_none()) {
            next += 1;
            batch.put_number(index, *node, field, next);
        }
    }

    fn values(&self, batch: &Batch, index: usize, found: &mut Findings) {
        let message = batch.message(index);
        if let Some(field) = self.negative_refused
            && let Value::Number(qty) = message.head().value(field)
            && qty < 0
        {
            let at = self.place(batch, index, &message.head(), field);
            found.problems.push(words::stock_negative(at, &decimal::text(qty, 6)));
        }
        let place = |node: &NodeRef<'_>, field| self.place(batch, index, node, field);
        found.problems.extend(self.plausible.problems(&message, &place));
        if let Some(manifest) = &self.manifest {
            found.problems.extend(manifest.problems(&message, &place));
        }
    }
}

impl Findings {
    fn hold(&mut self, problem: Problem) {
        self.holds.push(Hold { problem, waits_for: None, until: None });
    }

    fn wait(&mut self, problem: Problem, kind: &'static str, number: String, until: Option<DateTime<Utc>>) {
        self.holds.push(Hold { problem, waits_for: Some((kind, number)), until });
    }
}
