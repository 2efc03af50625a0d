//! `[calendar.NAME]` of nattpost.toml: when somebody is closed; and the names by which calendars are called elsewhere, which
//! are these or the codes of countries.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::forms;
use super::keyed::{Keyed, Wrong};
use super::keys::Table;
use super::texts::NamedText;
use crate::model::document::{Document, DocumentProblem, Section, Spot, suggest};
use crate::model::rules::holidays::{Calendar, Closed, Day, FORMS, Region};

/// Those of nattpost.toml, each with the place of its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendars(Vec<(Arc<Calendar>, Range<usize>)>);

impl Calendars {
    pub fn read(company: &Keyed<'_, '_>) -> Calendars {
        Calendars(company.named("calendar").into_iter().map(|(name, section)| read_one(name, &section)).collect())
    }

    /// What a key names: a calendar of the site's, or a country.
    pub fn closed(&self, keyed: &Keyed<'_, '_>, key: &str) -> Closed {
        Closed(keyed.parsed_list(key, |name| self.find(name)))
    }

    fn find(&self, name: &str) -> Result<Arc<Calendar>, Wrong> {
        if let Some((calendar, _)) = self.0.iter().find(|(calendar, _)| calendar.name == name) {
            return Ok(calendar.clone());
        }
        if let Some(region) = Region::find(name) {
            return Ok(Calendar { name: name.to_string(), regions: vec![region], ..Calendar::default() }.into());
        }
        let own: Vec<String> = self.0.iter().map(|(calendar, _)| calendar.name.clone()).collect();
        let known = match own.is_empty() {
            true => String::new(),
            false => format!(", or one of: {}", own.join(", ")),
        };
        Err(Wrong {
            text: format!(
                "\"{name}\" is neither a calendar of nattpost.toml nor a country whose holidays are known; expected a code like \"SE\" or \"DE-BW\"{known}."
            ),
            suggestion: suggest_of(name, own.into_iter().chain(Region::codes())),
        })
    }

    /// A calendar that nobody looks into was meant for somebody.
    pub fn unused<'c>(&self, main: &NamedText, used: impl Iterator<Item = &'c Closed>) -> Vec<DocumentProblem> {
        let used: BTreeSet<&str> = used.flat_map(|closed| &closed.0).map(|calendar| calendar.name.as_str()).collect();
        let document = Document::parse(&main.name, &main.text);
        for (calendar, span) in self.0.iter().filter(|(calendar, _)| !used.contains(calendar.name.as_str())) {
            let text = format!(
                "decides nothing: no feed names it. Add holidays = [\"{}\"] to those that keep its days, or take it out.",
                calendar.name
            );
            document.report(Some(span.clone()), &format!("calendar.{}", calendar.name), text, None);
        }
        document.into_problems()
    }
}

fn read_one(name: Spot<String>, section: &Section<'_>) -> (Arc<Calendar>, Range<usize>) {
    if let Err(wrong) = forms::id(&name.value) {
        section.problem_at(name.span.clone(), "", wrong.text, wrong.suggestion);
    }
    let keyed = Keyed::new(section, Table::Calendar);
    let calendar = Calendar {
        name: name.value,
        regions: keyed.parsed_list("countries", region),
        days: keyed.parsed_list("days", day),
        open: keyed.parsed_list("open", day),
    };
    if !keyed.has("countries") && !keyed.has("days") {
        section.problem("", "closes nothing; expected countries or days.");
    }
    (Arc::new(calendar), name.span)
}

fn region(code: &str) -> Result<Region, Wrong> {
    Region::find(code).ok_or_else(|| {
        let known = Region::codes();
        Wrong {
            text: format!(
                "\"{code}\" is no country or state whose holidays are known; expected one of: {}. Of others, list the days.",
                known.join(", ")
            ),
            suggestion: suggest_of(code, known.into_iter()),
        }
    })
}

fn suggest_of(found: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let known: Vec<String> = known.collect();
    let upper =
        known.iter().find(|code| code.eq_ignore_ascii_case(found)).map(|code| format!("Did you mean \"{code}\"?"));
    upper.or_else(|| suggest(found, &known.iter().map(String::as_str).collect::<Vec<_>>()))
}

fn day(text: &str) -> Result<Day, Wrong> {
    Day::parse(text).ok_or_else(|| Wrong::new(format!("\"{text}\" is no day; expected {FORMS}.")))
}
