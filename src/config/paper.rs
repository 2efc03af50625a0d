//! `pdf` of an intake: PDFs that go on with orders, beside them (`by-name`) or alone (`by-number`), and what is asked of them.

use std::sync::Arc;
use std::time::Duration;

use super::keyed::{Keyed, Wrong, parse_duration};
use crate::model::intake::Intake;
use crate::model::pdf;
use crate::model::rules::by_number::ByNumber;

const LEAST_WITHIN: Duration = Duration::from_secs(1);
const MOST_WITHIN: Duration = Duration::from_secs(90 * 86_400);
const MOST_PAGES: u32 = 1000;
/// Keys that say how PDFs are looked at.
const LOOKED: [&str; 2] = ["pdf_pages", "pdf_active"];
/// Keys of PDFs that come alone.
const ALONE: [&str; 3] = ["pdf_name", "pdf_within", "pdf_required"];

/// How PDFs come.
pub enum Asked {
    /// Each is a companion of its order.
    ByName(pdf::Limits),
    ByNumber(Arc<ByNumber>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Name,
    Number,
}

pub fn read(keyed: &Keyed<'_, '_>) -> Option<Asked> {
    let way = keyed.parsed("pdf", |text| match text {
        "by-name" => Ok(Way::Name),
        "by-number" => Ok(Way::Number),
        other => Err(Wrong::word(other, &["by-name", "by-number"])),
    });
    let limits = read_limits(keyed);
    let pattern = keyed.value("pdf_name", |text| Ok::<_, Wrong>(text.to_string()));
    let waiting = (read_within(keyed), keyed.boolean("pdf_required"));
    let says_nothing = |keys: &[&str], without: &str| {
        for key in keys.iter().filter(|key| keyed.has(key)) {
            keyed.section.problem(key, format!("says nothing without {without}; add it, or take this out."));
        }
    };
    if way.is_none() && !keyed.has("pdf") {
        says_nothing(&LOOKED, "pdf");
    }
    if way == Some(Way::Name) || !keyed.has("pdf") {
        says_nothing(&ALONE, "pdf = \"by-number\"");
    }
    match way? {
        Way::Name => {
            if !keyed.has("companion") {
                let text = "says nothing without companion; say companion = [\"{no}.xml\", \"{no}.pdf\"], or \"by-number\" for PDFs that come alone.";
                keyed.section.problem("pdf", text);
            }
            Some(Asked::ByName(limits))
        }
        Way::Number => by_number(keyed, &pattern, limits, waiting).map(Asked::ByNumber),
    }
}

fn by_number(
    keyed: &Keyed<'_, '_>,
    pattern: &str,
    limits: pdf::Limits,
    waiting: (Duration, bool),
) -> Option<Arc<ByNumber>> {
    if keyed.has("companion") {
        let text = "\"by-number\" is for PDFs that come alone, and companion takes none without its order; expected \"by-name\", or no companion.";
        keyed.section.problem("pdf", text);
    }
    match ByNumber::parse(pattern, limits, waiting) {
        Ok(by_number) => Some(Arc::new(by_number)),
        Err(text) => {
            keyed.section.problem("pdf_name", text);
            None
        }
    }
}

fn read_limits(keyed: &Keyed<'_, '_>) -> pdf::Limits {
    let takes_active = keyed.value("pdf_active", |text| match text {
        "refuse" => Ok(false),
        "take" => Ok(true),
        other => Err(Wrong::word(other, &["refuse", "take"])),
    });
    pdf::Limits { pages: keyed.number("pdf_pages", 1, MOST_PAGES), takes_active }
}

fn read_within(keyed: &Keyed<'_, '_>) -> Duration {
    keyed.value("pdf_within", parse_duration(LEAST_WITHIN, MOST_WITHIN))
}

/// What the layouts ask of it: a PDF goes on with orders only.
pub fn check(keyed: &Keyed<'_, '_>, intake: &Intake) {
    let goes_on =
        intake.by_number.is_some() || intake.companions.as_ref().is_some_and(|companions| companions.paper.is_some());
    for layout in intake.layouts.iter().filter(|layout| goes_on && layout.kind.name != "order") {
        let text = format!("\"{}\" reads {}, and a PDF goes on with orders only.", layout.id, layout.kind.name);
        keyed.section.problem("pdf", text);
    }
}
