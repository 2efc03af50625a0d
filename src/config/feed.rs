//! `[feed.NAME]`: one thing that a partner gets. Each key is read alone; what must fit together is checked after.

use std::sync::Arc;

use super::answering;
use super::feed_also;
use super::feed_delta::{self, Timing};
use super::feed_files;
use super::fingerprint;
use super::forms;
use super::intake::check_field;
use super::keyed::{Keyed, QUANTITY_SCALE, Wrong, parse_days};
use super::keys::Table;
use super::layouts::KnownLayout;
use super::partner::Surroundings;
use super::remote::{self, Remotes};
use crate::model::decimal;
use crate::model::document::{Section, suggest};
use crate::model::feed::{Feed, Packing, Schedule};
use crate::model::intake::{Intake, Sender};
use crate::model::kind::{Class, FieldType, Kind};
use crate::model::rules::availability::{self, Availability};
use crate::model::rules::file_name::NamePattern;
use crate::model::rules::manifest;
use crate::model::rules::published::Published;
use crate::model::rules::schedule;

const MOST_WINDOW_DAYS: u32 = 3_650;
const MOST_PER_FILE: u32 = 100_000;

/// None where the layout or the name is wrong: there is nothing to make a feed of, and the problem is reported.
pub fn read(
    id: String,
    section: &Section<'_>,
    (recipient, intakes): (&Arc<Sender>, &[Arc<Intake>]),
    remotes: &Remotes,
    around: &Surroundings<'_>,
) -> Option<Feed> {
    let keyed = Keyed::new(section, Table::Feed);
    let known = read_layout(&keyed, around);
    let file_name = read_file_name(&keyed);
    let zone = keyed.zone("zone", recipient.zone);
    let missed = keyed.value("missed", forms::missed);
    let closed = around.company.calendars.closed(&keyed, "holidays");
    let schedule: Vec<Schedule> = keyed
        .parsed_list("schedule", forms::cron)
        .into_iter()
        .map(|pattern| Schedule { pattern, zone, missed, closed: closed.clone() })
        .collect();
    check_comes_due(&keyed, &schedule);
    let folder = keyed.value("folder", forms::folder);
    let only = read_only(&keyed, known.map(|k| &k.layout.kind));
    let also = feed_also::read(&keyed, known.map(|k| &*k.layout), (recipient, intakes), around);
    let published = read_published(&keyed);
    let partners = keyed.parsed_list("partners", |text| known_partner(text, around));
    let window_days = keyed.number("window_days", 1, MOST_WINDOW_DAYS);
    let per_file = keyed.has("orders_per_file").then(|| keyed.number("orders_per_file", 1, MOST_PER_FILE).into());
    let allow_empty = keyed.boolean("allow_empty");
    let timing = Timing { zone, missed, closed };
    let way = feed_delta::read(&keyed, known.map(|k| &*k.layout), &timing, file_name.as_ref());
    let is_request = known.is_some_and(|known| known.layout.kind.class == Class::Request);
    let files = feed_files::read(&keyed, known.map(|k| &*k.layout));
    let to = remote::read_feed_to(&keyed, &recipient.partner, remotes, is_request);
    // Read once all feeds are.
    section.pass_over(&["tells"]);
    check_use(&keyed, known.map(|k| &*k.layout.kind));
    let mut feed = Feed {
        partner: recipient.partner.clone(),
        recipient: recipient.clone(),
        id,
        layout: known?.layout.clone(),
        schedule,
        file_name: file_name?,
        folder,
        only,
        also,
        published,
        partners,
        per_file,
        window_days,
        allow_empty,
        zone,
        content: way.content,
        triggers: way.triggers,
        limits: way.limits,
        replace: way.replace,
        reads_within: way.reads_within,
        done_suffix: way.done_suffix,
        packing: read_packing(&keyed),
        pdf: keyed.parsed("pdf", feed_delta::name_pattern),
        files,
        to,
        fingerprint: 0,
    };
    check_own_numbers(section, &feed);
    check_pdf(&keyed, &feed);
    feed.fingerprint = fingerprint::of_feed(&feed, known?);
    Some(feed)
}

/// What the one file in an archive is called follows the rules of all names of ours.
fn read_packing(keyed: &Keyed<'_, '_>) -> Option<Packing> {
    let is_gzip = keyed.boolean("gzip");
    if !keyed.has("zip") {
        return is_gzip.then_some(Packing::Gzip);
    }
    if is_gzip {
        keyed.section.problem("gzip", "the feed's files are ZIP archives already (zip); take one of them out.");
    }
    keyed.parsed("zip", feed_delta::name_pattern).map(Packing::Zip)
}

fn read_layout<'a>(keyed: &Keyed<'_, '_>, around: &'a Surroundings<'_>) -> Option<&'a KnownLayout> {
    let name = keyed.required_text("layout");
    if name.is_empty() {
        return None;
    }
    match writable(&name, around) {
        Ok(found) => found,
        Err(wrong) => {
            keyed.section.problem_with("layout", wrong.text, wrong.suggestion);
            None
        }
    }
}

fn writable<'a>(name: &str, around: &'a Surroundings<'_>) -> Result<Option<&'a KnownLayout>, Wrong> {
    let Some(known) = around.layouts.find(name)? else { return Ok(None) };
    if known.layout.kind.class == Class::Answer && known.layout.kind.name != answering::ANSWER {
        return Err(Wrong::new(format!(
            "\"{name}\" writes receipts, which answer a file; set receipt = \"{name}\" in the intake instead."
        )));
    }
    if known.layout.kind.class == Class::Removal {
        return Err(Wrong::new(format!(
            "\"{name}\" is a layout of deletions, which only come in. A feed tells what is gone by content = \"delta\", with a layout of the kind that it \
             belongs to; deletes = \"only\" tells that alone."
        )));
    }
    if !known.layout.writes() {
        return Err(Wrong::new(format!(
            "\"{name}\" can only read; expected a layout that writes. \"nattpost check\" says for each layout what it does."
        )));
    }
    Ok(Some(known))
}

fn read_file_name(keyed: &Keyed<'_, '_>) -> Option<NamePattern> {
    let text = keyed.required_text("file_name");
    if text.trim().is_empty() {
        return None;
    }
    let wrong = match NamePattern::parse(&text) {
        Ok(pattern) => return Some(pattern),
        Err(wrong) => wrong,
    };
    wrong.iter().for_each(|wrong| keyed.section.problem("file_name", wrong.to_string()));
    None
}

/// An order's PDF stands beside it in one archive, so that one is never there without the other.
fn check_pdf(keyed: &Keyed<'_, '_>, feed: &Feed) {
    let Some(pattern) = &feed.pdf else { return };
    let words = match &feed.packing {
        _ if feed.layout.kind.name != "order" => {
            format!("the kind {} has no PDFs; expected a layout of orders, or take this out.", feed.layout.kind.name)
        }
        Some(Packing::Zip(_)) if feed.per_file != Some(1) => {
            "a file of this feed may hold several orders, and nobody could tell whose PDF it is; set orders_per_file = 1.".to_string()
        }
        Some(Packing::Zip(name)) if name.as_str().eq_ignore_ascii_case(pattern.as_str()) => {
            "is the name of the order in the archive (zip) as well; expected another.".to_string()
        }
        Some(Packing::Zip(_)) if !pattern.ending().to_ascii_lowercase().ends_with(".pdf") => {
            format!("\"{}\" does not end in .pdf; expected something like \"{{order_no}}.pdf\".", pattern.as_str())
        }
        Some(Packing::Zip(_)) => return,
        _ => "the order and its PDF leave in one archive, so that neither is there alone; say with zip what the order is called in it.".to_string(),
    };
    keyed.section.problem("pdf", words);
}

/// A name has room for one number: each file has to have no more.
fn check_own_numbers(section: &Section<'_>, feed: &Feed) {
    let kind = &feed.layout.kind;
    let packed = if let Some(Packing::Zip(name)) = &feed.packing { Some(name) } else { None };
    let full = feed.delta().and_then(|delta| delta.full_file_name.as_ref());
    for (key, pattern) in
        [("file_name", Some(&feed.file_name)), ("zip", packed), ("pdf", feed.pdf.as_ref()), ("full_file_name", full)]
    {
        for number in pattern.into_iter().flat_map(NamePattern::own_numbers) {
            let field = number.field();
            let has_it = kind.head().field(field).is_some();
            let is_one = feed.pinned(field).is_some()
                || kind.class == Class::Answer
                || kind.class == Class::Request && feed.per_file == Some(1);
            let words = match kind.name.as_str() {
                _ if has_it && is_one => continue,
                kind if !has_it => {
                    format!("the kind {kind} has no {field}; take {{{field}}} out, or write {{run}} instead.")
                }
                _ if kind.class == Class::Request => format!(
                    "a file of this feed may hold several orders, and its name has room for one {field}; set orders_per_file = 1, or write {{run}} instead."
                ),
                kind => format!(
                    "a file of the kind {kind} holds rows of many, and its name has room for one {field}; set only = {{ {field} = \"...\" }}, or write {{run}} instead."
                ),
            };
            section.problem(key, words);
        }
    }
}

fn known_partner(text: &str, around: &Surroundings<'_>) -> Result<String, Wrong> {
    if around.partners.iter().any(|p| p == text) {
        return Ok(text.to_string());
    }
    let known: Vec<&str> = around.partners.iter().map(String::as_str).collect();
    Err(Wrong {
        text: format!("there is no partner \"{text}\"; expected one of: {}.", known.join(", ")),
        suggestion: suggest(text, &known),
    })
}

fn read_only(keyed: &Keyed<'_, '_>, kind: Option<&Arc<Kind>>) -> Vec<(String, String)> {
    let pairs = keyed.pairs("only");
    let Some(kind) = kind else { return Vec::new() };
    for (field, value) in &pairs {
        check_field(keyed, "only", field, std::slice::from_ref(kind));
        let found = kind.head().field(&field.value).map(|at| &kind.head().fields[at].field_type);
        if let Some(FieldType::Choice(words)) = found
            && !words.contains(&value.value)
        {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            keyed.wrong(value, "only", Wrong::word(&value.value, &words));
        }
    }
    let as_stored = |field: String, value: String| {
        let value = manifest::as_stored(&kind.name, &field, value);
        (field, value)
    };
    pairs.into_iter().map(|(field, value)| as_stored(field.value, value.value)).collect()
}

fn read_published(keyed: &Keyed<'_, '_>) -> Published {
    let published = Published {
        buffer_e6: keyed.quantity("buffer").unwrap_or_default(),
        floor_e6: keyed.quantity("floor").unwrap_or_default(),
        cap_e6: keyed.quantity("cap"),
        negative_as_zero: keyed.boolean("negative_as_zero"),
        open_orders_days: keyed.parsed("open_orders", parse_days),
        availability: read_availability(keyed),
    };
    if let Some(cap) = published.cap_e6.filter(|cap| *cap < published.floor_e6) {
        let (floor, cap) = (decimal::text(published.floor_e6, QUANTITY_SCALE), decimal::text(cap, QUANTITY_SCALE));
        keyed.section.problem(
            "floor",
            format!(
                "{floor} is above the cap of {cap}, so every quantity would be published as 0 or {cap}; expected {cap} at most."
            ),
        );
    }
    published
}

fn read_availability(outer: &Keyed<'_, '_>) -> Option<Availability> {
    let section = outer.table("availability")?;
    let keyed = Keyed::new(&section, Table::FeedAvailability);
    let words = [(availability::NONE, availability::NONE), (availability::LONG_LEAD, availability::LONG_LEAD)];
    Some(Availability {
        in_stock_e6: keyed.quantity("in_stock").unwrap_or_default(),
        short_lead_days: keyed.value("short_lead", parse_days),
        no_date: keyed.value("no_date", |text| forms::word(text, &words)),
    })
}

/// A pattern that meets nothing but closed days.
fn check_comes_due(keyed: &Keyed<'_, '_>, schedules: &[Schedule]) {
    for schedule in schedules.iter().filter(|schedule| !schedule::ever_comes_due(schedule)) {
        keyed.section.problem(
            "schedule",
            format!(
                "\"{}\" never comes due: on each of its days one of its holidays is; expected another day, or other holidays.",
                schedule.pattern
            ),
        );
    }
}

/// A setting that decides nothing here was meant for another feed.
fn check_use(keyed: &Keyed<'_, '_>, kind: Option<&Kind>) {
    let Some(Kind { name: kind, class, .. }) = kind else { return };
    if *class == Class::Answer {
        return answering::check_use(keyed);
    }
    if keyed.has("tells") {
        keyed.section.problem("tells", "decides nothing here: it is for feeds that answer questions. Take it out.");
    }
    let of_kind = [
        ("negative_as_zero", "stock"),
        ("buffer", "stock"),
        ("floor", "stock"),
        ("cap", "stock"),
        ("open_orders", "stock"),
        ("availability", "stock"),
        ("partners", "order"),
        ("orders_per_file", "order"),
        ("window_days", "order_status"),
    ];
    for (key, of) in of_kind {
        // Orders are the requests that everybody knows.
        let is_meant = kind == of || of == "order" && *class == Class::Request;
        if keyed.has(key) && !is_meant {
            keyed.section.problem(
                key,
                format!("decides nothing here: it is for feeds of the kind {of}, and this one is of the kind {kind}. Take it out."),
            );
        }
    }
    for key in ["missed", "holidays"] {
        if keyed.has(key) && !keyed.has("schedule") && !keyed.has("full") {
            keyed.section.problem(key, "says nothing without a schedule; add one, or take it out.");
        }
    }
}
