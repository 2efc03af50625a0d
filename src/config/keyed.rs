//! A table of the configuration, read key by key with the defaults of `keys`: what a person wrote wrong becomes a problem
//! at its place, and reading goes on with the default, so that one look finds all problems.

use std::time::Duration;

use chrono_tz::Tz;

use super::keys::{Fallback, Key, Table, find};
use crate::model::decimal::{self, NotDecimal};
use crate::model::document::{Section, Spot, suggest};
use crate::model::duration;

/// What is wrong with a value, for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub text: String,
    pub suggestion: Option<String>,
}

/// All that is wrong with one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrongs(pub Vec<Wrong>);

impl From<Wrong> for Wrongs {
    fn from(wrong: Wrong) -> Self {
        Wrongs(vec![wrong])
    }
}

impl Wrong {
    pub fn new(text: impl Into<String>) -> Self {
        Wrong { text: text.into(), suggestion: None }
    }

    /// A word that is none of the known ones.
    pub fn word(found: &str, known: &[&str]) -> Self {
        Wrong {
            text: format!("\"{found}\" is not known here; expected one of: {}.", known.join(", ")),
            suggestion: suggest(found, known),
        }
    }
}

pub struct Keyed<'s, 'd> {
    pub section: &'s Section<'d>,
    table: Table,
}

impl<'s, 'd> Keyed<'s, 'd> {
    pub fn new(section: &'s Section<'d>, table: Table) -> Self {
        Keyed { section, table }
    }

    fn key(&self, name: &str) -> &'static Key {
        find(self.table, name)
    }

    pub fn has(&self, name: &str) -> bool {
        self.section.has(name)
    }

    pub fn wrong(&self, spot: &Spot<String>, name: &str, wrong: Wrong) {
        self.section.problem_at(spot.span.clone(), name, wrong.text, wrong.suggestion);
    }

    fn wrongs(&self, spot: &Spot<String>, name: &str, wrongs: impl Into<Wrongs>) {
        wrongs.into().0.into_iter().for_each(|wrong| self.wrong(spot, name, wrong));
    }

    pub fn required_text(&self, name: &str) -> String {
        let key = self.key(name);
        debug_assert_eq!(key.default, Fallback::Required);
        if !self.has(name) {
            return self.section.required_text(key.name);
        }
        let text = self.section.text_spot(key.name).map(|spot| spot.value);
        if text.as_ref().is_some_and(|t| t.trim().is_empty()) {
            self.section.problem(name, "is empty.");
        }
        text.unwrap_or_default()
    }

    /// What the text means; a text that means nothing is reported and the default taken.
    pub fn parsed<T, E: Into<Wrongs>>(&self, name: &str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        let key = self.key(name);
        if let Some(spot) = self.section.text_spot(key.name) {
            match parse(&spot.value) {
                Ok(value) => return Some(value),
                Err(wrongs) => self.wrongs(&spot, name, wrongs),
            }
        }
        match key.default {
            Fallback::Value(default) => parse(default).ok(),
            _ => None,
        }
    }

    /// As `parsed`, for keys that have a default.
    pub fn value<T, E: Into<Wrongs>>(&self, name: &str, parse: impl Fn(&str) -> Result<T, E>) -> T {
        self.parsed(name, parse)
            .expect("the default of every key reads with the key's own parser (a test reads them all)")
    }

    pub fn boolean(&self, name: &str) -> bool {
        let key = self.key(name);
        self.section.boolean(key.name).unwrap_or(key.default == Fallback::Value("true"))
    }

    /// A whole number from `least` to `most`.
    pub fn number(&self, name: &str, least: u32, most: u32) -> u32 {
        let key = self.key(name);
        if let Some(found) = self.section.integer(key.name) {
            match u32::try_from(found).ok().filter(|n| (least..=most).contains(n)) {
                Some(number) => return number,
                None => self.section.problem(name, format!("{found} is out of bounds; expected {least} to {most}.")),
            }
        }
        let Fallback::Value(default) = key.default else { return least };
        default.parse().expect("the default of a number is one (a test reads them all)")
    }

    /// A quantity, scaled: a whole number, or a decimal in quotes. None where the key has neither value nor default.
    pub fn quantity(&self, name: &str) -> Option<i64> {
        let key = self.key(name);
        if let Some(text) = self.section.text_or_integer(key.name) {
            match parse_quantity(&text) {
                Ok(quantity) => return Some(quantity),
                Err(wrong) => self.section.problem_with(name, wrong.text, wrong.suggestion),
            }
        }
        let Fallback::Value(default) = key.default else { return None };
        parse_quantity(default).ok()
    }

    /// A list; a single text is a list of one.
    pub fn list(&self, name: &str) -> Vec<Spot<String>> {
        let key = self.key(name);
        match (self.section.texts(key.name), key.default) {
            (Some(given), _) => given,
            (None, Fallback::Value(words)) => {
                words.split_whitespace().map(|w| Spot { value: w.to_string(), span: self.section.span() }).collect()
            }
            (None, _) => Vec::new(),
        }
    }

    /// A list that must be there and name something.
    pub fn required_list(&self, name: &str) -> Vec<Spot<String>> {
        let list = self.list(name);
        if !self.has(name) {
            self.section.problem(name, "is missing.");
        } else if list.is_empty() {
            self.section.problem(name, "names nothing; expected at least one.");
        }
        list
    }

    /// A table below this one.
    pub fn table(&self, name: &str) -> Option<Section<'d>> {
        self.section.section(self.key(name).name)
    }

    /// `[name.NAME]` tables, in the order of the file.
    pub fn named(&self, name: &str) -> Vec<(Spot<String>, Section<'d>)> {
        self.section.named_sections(self.key(name).name)
    }

    /// A list whose entries are each parsed; what cannot be is reported and left out. The same twice is once too often.
    pub fn parsed_list<T: PartialEq, E: Into<Wrongs>>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        let mut values = Vec::new();
        for spot in self.list(name) {
            match parse(&spot.value) {
                Ok(value) if values.contains(&value) => {
                    self.wrong(&spot, name, Wrong::new(format!("\"{}\" stands here twice.", spot.value)));
                }
                Ok(value) => values.push(value),
                Err(wrongs) => self.wrongs(&spot, name, wrongs),
            }
        }
        values
    }

    /// `field = value` pairs.
    pub fn pairs(&self, name: &str) -> Vec<(Spot<String>, Spot<String>)> {
        self.section.pairs(self.key(name).name).unwrap_or_default()
    }

    pub fn zone(&self, name: &str, otherwise: Tz) -> Tz {
        self.parsed(name, parse_zone).unwrap_or(otherwise)
    }
}

/// A duration within bounds, both included.
pub fn parse_duration(least: Duration, most: Duration) -> impl Fn(&str) -> Result<Duration, Wrong> {
    move |text| {
        let found = duration::parse(text).map_err(|e| Wrong::new(e.to_string()))?;
        if (least..=most).contains(&found) {
            return Ok(found);
        }
        let (least, most) = (duration::print(least), duration::print(most));
        Err(Wrong::new(format!("\"{text}\" is out of bounds; expected {least} to {most}.")))
    }
}

/// Digits after the point that a quantity keeps, as in the kinds.
pub const QUANTITY_SCALE: u32 = 6;

fn parse_quantity(text: &str) -> Result<i64, Wrong> {
    let wrong = |why: &str| Wrong::new(format!("\"{text}\" {why}; expected a quantity like 25, or \"2.5\" in quotes."));
    match decimal::parse(text.as_bytes(), b'.', QUANTITY_SCALE) {
        Ok(quantity @ 0..) => Ok(quantity),
        Ok(_) => Err(wrong("is less than nothing")),
        Err(NotDecimal::Malformed) => Err(wrong("is not a quantity")),
        Err(NotDecimal::TooFine) => Err(wrong("is finer than the six digits after the point that are kept")),
        Err(NotDecimal::TooLarge) => Err(wrong("is too large")),
    }
}

const SECONDS_A_DAY: u64 = 86_400;
/// Ten years: longer than any duty to keep business files in the countries we know of.
const MOST_DAYS: u64 = 3_660;

/// Whole days.
pub fn parse_days(text: &str) -> Result<u32, Wrong> {
    let found = duration::parse(text).map_err(|e| Wrong::new(e.to_string()))?;
    let days = found.as_secs() / SECONDS_A_DAY;
    let whole = found == Duration::from_secs(days * SECONDS_A_DAY);
    if !whole || !(1..=MOST_DAYS).contains(&days) {
        return Err(Wrong::new(format!(
            "\"{text}\" is not 1 to {MOST_DAYS} whole days; expected something like \"90 d\"."
        )));
    }
    Ok(days as u32)
}

pub fn parse_zone(text: &str) -> Result<Tz, Wrong> {
    text.parse().map_err(|_| {
        let names: Vec<&str> = chrono_tz::TZ_VARIANTS.iter().map(|z| z.name()).collect();
        // People write the city alone more often than they mistype the continent.
        let by_city = names.iter().find(|n| n.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(text)));
        let suggestion = by_city.map(|n| format!("Did you mean \"{n}\"?")).or_else(|| suggest(text, &names));
        Wrong { text: format!("\"{text}\" is not a time zone; expected a name like \"Europe/Berlin\"."), suggestion }
    })
}
