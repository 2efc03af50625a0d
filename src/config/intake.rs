//! `[intake.NAME]`: one thing that comes from a partner. Each key is read alone; what must fit together is checked after.

use std::sync::Arc;
use std::time::Duration;

use super::companion;
use super::contents;
use super::fingerprint;
use super::forms;
use super::full_when;
use super::guard;
use super::keyed::{Keyed, Wrong, parse_days, parse_duration};
use super::keys::Table;
use super::layouts::KnownLayout;
use super::paper::{self, Asked};
use super::partner::{Surroundings, number};
use super::remote::{self, Remotes};
use crate::model::document::{Section, Spot, suggest};
use crate::model::intake::{Absent, AsOf, Intake, Plausibility, Policy, References, Sender};
use crate::model::kind::{Class, Kind};
use crate::model::remote::SendTo;
use crate::model::rules::guard::Limits;
use crate::model::rules::reference::Places;

/// Kinds whose messages make customers and articles that they name.
const MAKES: [&str; 2] = ["order", "quote"];
const LEAST_TRUNCATED: Duration = Duration::from_secs(10);
const MOST_TRUNCATED: Duration = Duration::from_secs(7 * 86_400);

pub fn read(
    id: String,
    section: &Section<'_>,
    sender: &Arc<Sender>,
    remotes: &Remotes,
    around: &Surroundings<'_>,
) -> Intake {
    let keyed = Keyed::new(section, Table::Intake);
    let layouts = read_layouts(&keyed, around);
    let kinds: Vec<Arc<Kind>> = layouts.iter().map(|known| known.layout.kind.clone()).collect();
    let closes = keyed.value("absent", forms::closes);
    let absent = read_absent(&keyed, closes, &kinds);
    let otherwise = if absent == Absent::Leave { Policy::GoodMessages } else { Policy::WholeFile };
    let settle = keyed.value("settle", forms::settle);
    let papers = paper::read(&keyed);
    let mut intake = Intake {
        sender: sender.clone(),
        id,
        layouts: layouts.iter().map(|known| known.layout.clone()).collect(),
        unzip: keyed.boolean("unzip"),
        companions: companion::read(&keyed, &settle, papers.as_ref()),
        by_number: match papers {
            Some(Asked::ByNumber(by_number)) => Some(by_number),
            _ => None,
        },
        contents: contents::read(&keyed),
        test_names: keyed.list("test_names").into_iter().map(|name| name.value).collect(),
        settle: settle.clone(),
        truncated_after: keyed.value("truncated_after", parse_duration(LEAST_TRUNCATED, MOST_TRUNCATED)),
        policy: keyed.parsed("policy", forms::policy).unwrap_or(otherwise),
        customers: keyed.value("customers", forms::references_or_create),
        articles: keyed.value("articles", forms::references_or_create),
        orders: keyed.value("orders", forms::references),
        article_schemes: keyed.parsed_list("article_schemes", forms::article_scheme),
        customer: read_customer(&keyed, sender),
        on_change: keyed.value("on_change", forms::on_change),
        order_numbers: keyed.value("order_numbers", forms::order_numbers),
        change_until: keyed.value("change_until", forms::change_until),
        customer_numbers: keyed.value("customer_numbers", forms::range),
        contact_numbers: keyed.value("contact_numbers", forms::range),
        as_of: keyed.value("as_of", forms::as_of),
        absent,
        full_when: full_when::read(&keyed, closes, &layouts),
        closes: keyed.list("closes").into_iter().map(|name| name.value).collect(),
        negative_stock: keyed.value("negative", forms::negative),
        plausibility: read_plausibility(&keyed),
        guard: Limits::default(),
        originals: keyed.parsed("originals", forms::originals).unwrap_or(around.company.originals),
        answering: None,
        receipt: read_receipt(&keyed, around).map(|known| known.layout.clone()),
        from: remote::read_from(&keyed, &sender.partner, remotes, &settle),
        receipt_to: read_receipt_to(&keyed, &sender.partner, remotes),
        keeps: Vec::new(),
        fingerprint: 0,
    };
    companion::check(&keyed, &intake);
    paper::check(&keyed, &intake);
    contents::check(&keyed, &intake);
    intake.guard = guard::of_intake(&keyed, &intake.absent, &kinds, intake.makes());
    check_customer(&keyed, &intake);
    check_create(&keyed, &intake, &kinds);
    check_use(&keyed, &kinds, matches!(intake.as_of, AsOf::NameSequence(_)));
    intake.fingerprint = fingerprint::of_intake(&intake, &layouts);
    intake
}

fn read_layouts<'a>(keyed: &Keyed<'_, '_>, around: &'a Surroundings<'_>) -> Vec<&'a KnownLayout> {
    let mut layouts: Vec<&KnownLayout> = Vec::new();
    let spots = keyed.required_list("layouts");
    for spot in &spots {
        match readable(spot, around) {
            Err(wrong) => keyed.wrong(spot, "layouts", wrong),
            Ok(Some(known)) if layouts.iter().any(|other| Arc::ptr_eq(&other.layout, &known.layout)) => {
                keyed.wrong(spot, "layouts", Wrong::new(format!("\"{}\" stands here twice.", spot.value)));
            }
            Ok(found) => layouts.extend(found),
        }
    }
    layouts
}

fn readable<'a>(spot: &Spot<String>, around: &'a Surroundings<'_>) -> Result<Option<&'a KnownLayout>, Wrong> {
    let Some(known) = around.layouts.find(&spot.value)? else { return Ok(None) };
    if known.layout.kind.class == Class::Answer {
        return Err(Wrong::new(format!(
            "\"{}\" is a layout of kind {}, which Nattpost only writes; it cannot come in.",
            spot.value, known.layout.kind.name
        )));
    }
    if !known.layout.reads() {
        return Err(Wrong::new(format!(
            "\"{}\" cannot read: it lacks a field that every message needs; expected a layout that reads. \"nattpost check\" says for each layout what it does.",
            spot.value
        )));
    }
    Ok(Some(known))
}

fn read_receipt<'a>(keyed: &Keyed<'_, '_>, around: &'a Surroundings<'_>) -> Option<&'a KnownLayout> {
    let known = keyed.parsed("receipt", |name| around.layouts.find(name))??;
    let wrong = if known.layout.kind.name != "receipt" {
        format!("\"{}\" is a layout of kind {}; expected one of kind receipt.", known.layout.id, known.layout.kind.name)
    } else if !known.layout.writes() {
        format!("\"{}\" can only read; expected a layout that writes.", known.layout.id)
    } else {
        return Some(known);
    };
    keyed.section.problem("receipt", wrong);
    None
}

fn read_receipt_to(keyed: &Keyed<'_, '_>, partner: &str, remotes: &Remotes) -> Option<SendTo> {
    if keyed.has("receipt_to") && !keyed.has("receipt") {
        keyed.section.problem("receipt_to", "says nothing without a receipt; add one, or take it out.");
    }
    remote::read_to(keyed, "receipt_to", partner, remotes)
}

fn read_customer(keyed: &Keyed<'_, '_>, sender: &Sender) -> Option<String> {
    keyed.parsed("customer", |text| {
        let customer = number(text)?;
        // One letter apart from `customers`, and silently everybody's orders would be those of a customer "accept".
        if matches!(text, "check" | "wait" | "accept") || text.starts_with("wait ") {
            return Err(Wrong {
                text: format!("\"{text}\" is a word of \"customers\"; \"customer\" is the number of the customer of orders that name none."),
                suggestion: Some("Did you mean \"customers\"?".to_string()),
            });
        }
        if sender.customers.is_empty() || sender.customers.contains(&customer) {
            return Ok(customer);
        }
        let known: Vec<&str> = sender.customers.iter().map(String::as_str).collect();
        Err(Wrong {
            text: format!(
                "\"{customer}\" is not among the customers of {}; expected one of: {}.",
                sender.partner,
                known.join(", ")
            ),
            suggestion: suggest(&customer, &known),
        })
    })
}

fn read_plausibility(outer: &Keyed<'_, '_>) -> Plausibility {
    let Some(section) = outer.table("plausibility") else { return Plausibility::default() };
    let keyed = Keyed::new(&section, Table::Plausibility);
    Plausibility {
        order_date_days: keyed.parsed("order_date", parse_days),
        totals: keyed.boolean("totals"),
        check_digits: keyed.boolean("check_digits"),
    }
}

fn read_absent(keyed: &Keyed<'_, '_>, closes: bool, kinds: &[Arc<Kind>]) -> Absent {
    let scope = read_scope(keyed, kinds);
    if !closes {
        if keyed.has("scope") {
            keyed.section.problem("scope", "says nothing without absent = \"close\"; add it, or take the scope out.");
        }
        return Absent::Leave;
    }
    let is_closed = |kind: &&Arc<Kind>| matches!(kind.class, Class::Record | Class::Fact);
    if let Some(kind) = kinds.iter().find(|kind| !is_closed(kind)) {
        let text = format!(
            "this intake takes the kind {}, whose messages stand each for itself and are never closed by being absent; expected \"leave\".",
            kind.name
        );
        keyed.section.problem("absent", text);
    }
    scope
}

fn read_scope(keyed: &Keyed<'_, '_>, kinds: &[Arc<Kind>]) -> Absent {
    if keyed.has("scope") && !keyed.section.is_table("scope") {
        let fields = keyed.list("scope");
        for field in &fields {
            check_field(keyed, "scope", field, kinds);
        }
        return Absent::CloseWithin { fields: fields.into_iter().map(|f| f.value).collect() };
    }
    let pairs = keyed.pairs("scope");
    for (field, _) in &pairs {
        check_field(keyed, "scope", field, kinds);
    }
    Absent::Close { scope: pairs.into_iter().map(|(field, value)| (field.value, value.value)).collect() }
}

/// A field of the head of every kind that is meant.
pub fn check_field(keyed: &Keyed<'_, '_>, key: &str, field: &Spot<String>, kinds: &[Arc<Kind>]) {
    for kind in kinds {
        if kind.head().field(&field.value).is_none() {
            let known: Vec<&str> = kind.head().fields.iter().map(|f| f.name.as_str()).collect();
            let text = format!("the kind {} has no field \"{}\".", kind.name, field.value);
            keyed.wrong(field, key, Wrong { text, suggestion: suggest(&field.value, &known) });
        }
    }
}

/// An order without a customer is refused. Where no file can ever name one, that is told here and not with the first file.
fn check_customer(keyed: &Keyed<'_, '_>, intake: &Intake) {
    if intake.customer.is_some() {
        return;
    }
    // Who registers is nobody's customer yet.
    let asks = |kind: &Kind| kind.class == Class::Request && kind.name != "registration";
    for layout in intake.layouts.iter().filter(|layout| asks(&layout.kind)) {
        let Some(field) = Places::of(&layout.kind).customer else { continue };
        if !layout.takes(0, field) {
            let text = format!(
                "the layout \"{}\" says no {}, and this intake names no customer: each of its orders would be refused. Say customer = \"…\", or give the number a place in the layout.",
                layout.id,
                layout.kind.head().fields[field].name
            );
            keyed.section.problem("layouts", text);
        }
    }
}

/// Only an order tells enough of a customer or an article to make one of it.
fn check_create(keyed: &Keyed<'_, '_>, intake: &Intake, kinds: &[Arc<Kind>]) {
    let Some(other) = kinds.iter().find(|kind| !MAKES.contains(&kind.name.as_str())) else { return };
    for (key, rule) in [("customers", intake.customers), ("articles", intake.articles)] {
        if rule == References::Create {
            let text = format!(
                "\"create\" is for intakes of orders alone, and this one takes the kind {}; expected check, wait or accept.",
                other.name
            );
            keyed.section.problem(key, text);
        }
    }
}

/// A setting that decides nothing here was meant for somewhere else. `counts`: its files have numbers, and gaps are told of any.
fn check_use(keyed: &Keyed<'_, '_>, kinds: &[Arc<Kind>], counts: bool) {
    let any = |test: &dyn Fn(&Kind) -> bool| kinds.is_empty() || kinds.iter().any(|kind| test(kind));
    // What is taken up of a quote is an order too.
    let orders = any(&|kind| matches!(kind.name.as_str(), "order" | "quote"));
    let changes = any(&|kind| kind.name == "order_change");
    let registrations = any(&|kind| kind.name == "registration");
    let requests = any(&|kind| kind.class == Class::Request);
    let speaks = any(&|kind| matches!(kind.class, Class::Request | Class::Question));
    let asks = any(&|kind| kind.class == Class::Question);
    let stock = any(&|kind| kind.name == "stock");
    let timed = any(&|kind| matches!(kind.class, Class::Record | Class::Fact | Class::Removal));
    let keys = [
        ("customer", speaks, "orders or questions"),
        ("answer", asks, "questions"),
        ("on_change", requests, "orders"),
        ("order_numbers", orders, "orders"),
        ("change_until", changes, "changes of orders"),
        ("customer_numbers", registrations, "registrations"),
        ("contact_numbers", registrations, "registrations"),
        ("negative", stock, "stock"),
        ("as_of", timed || counts, "records or facts"),
    ];
    for (key, used, what) in keys {
        if keyed.has(key) && !used {
            keyed
                .section
                .problem(key, format!("decides nothing here: no layout of this intake reads {what}. Take it out."));
        }
    }
}
