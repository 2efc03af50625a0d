//! Days on which nothing comes due: public holidays, as rules that hold for any year (schemas/holidays, checked against
//! another's calendar in tests/holidays), and the days that a company closes or works all the same.
//!
//! A date is a date: which zone's midnight begins it is decided by who asks.

use std::sync::{Arc, LazyLock};

use chrono::{Datelike, Days, NaiveDate, Weekday};

use crate::model::document::{Document, Section};

const SHIPPED: [(&str, &str); 8] = [
    ("AT.toml", include_str!("../../../schemas/holidays/AT.toml")),
    ("BE.toml", include_str!("../../../schemas/holidays/BE.toml")),
    ("DE.toml", include_str!("../../../schemas/holidays/DE.toml")),
    ("DK.toml", include_str!("../../../schemas/holidays/DK.toml")),
    ("FI.toml", include_str!("../../../schemas/holidays/FI.toml")),
    ("NL.toml", include_str!("../../../schemas/holidays/NL.toml")),
    ("NO.toml", include_str!("../../../schemas/holidays/NO.toml")),
    ("SE.toml", include_str!("../../../schemas/holidays/SE.toml")),
];

/// What may stand for a day, for people.
pub const FORMS: &str = "12-24 (every year), 2026-12-24, easter-2, or 06-19..06-25 fri (the Friday between)";

/// One day of the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    Once(NaiveDate),
    Yearly {
        month: u32,
        day: u32,
    },
    /// Days after Easter Sunday.
    Easter(i64),
    /// The first such weekday from this day on.
    From {
        month: u32,
        day: u32,
        weekday: Weekday,
    },
}

impl Day {
    /// Reads one of `FORMS`; none where the text is none of them, or a day that no year has.
    pub fn parse(text: &str) -> Option<Day> {
        if let Some(offset) = text.strip_prefix("easter") {
            let days: i64 = if offset.is_empty() { 0 } else { offset.parse().ok()? };
            let signed = offset.is_empty() || offset.starts_with(['+', '-']);
            // Within the year of its Easter.
            return (signed && (-80..=245).contains(&days)).then_some(Day::Easter(days));
        }
        if let Some((first, rest)) = text.split_once("..") {
            let (last, weekday) = rest.split_once(' ')?;
            let ((month, day), (last_month, last_day)) = (month_and_day(first)?, month_and_day(last)?);
            // Seven days have each weekday once; of any other span people mean something else.
            let week = in_any_year(last_month, last_day)? - in_any_year(month, day)? == chrono::TimeDelta::days(6);
            return week.then_some(Day::From { month, day, weekday: weekday.trim().parse().ok()? });
        }
        if let Some((month, day)) = month_and_day(text) {
            return Some(Day::Yearly { month, day });
        }
        let whole = text.len() == "2026-12-24".len();
        whole.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten().map(Day::Once)
    }

    fn in_year(self, year: i32) -> Option<NaiveDate> {
        match self {
            Day::Once(date) => (date.year() == year).then_some(date),
            Day::Yearly { month, day } => NaiveDate::from_ymd_opt(year, month, day),
            Day::Easter(days) => easter_sunday(year)?.checked_add_signed(chrono::TimeDelta::days(days)),
            Day::From { month, day, weekday } => {
                let first = NaiveDate::from_ymd_opt(year, month, day)?;
                let ahead = weekday.days_since(first.weekday());
                first.checked_add_days(Days::new(u64::from(ahead)))
            }
        }
    }

    fn is(self, date: NaiveDate) -> bool {
        self.in_year(date.year()) == Some(date)
    }
}

fn month_and_day(text: &str) -> Option<(u32, u32)> {
    let (month, day) = text.split_once('-')?;
    if month.len() != 2 || day.len() != 2 {
        return None;
    }
    let (month, day) = (month.parse().ok()?, day.parse().ok()?);
    in_any_year(month, day).map(|_| (month, day))
}

/// 29 February is a day that some years have.
fn in_any_year(month: u32, day: u32) -> Option<NaiveDate> {
    const LEAP_YEAR: i32 = 2024;
    NaiveDate::from_ymd_opt(LEAP_YEAR, month, day)
}

/// Of the western churches: the Gregorian calendar's, by the rule of Meeus, Jones and Butcher.
fn easter_sunday(year: i32) -> Option<NaiveDate> {
    let (golden, century, in_century) = (year % 19, year / 100, year % 100);
    let corrections = century - century / 4 - (century - (century + 8) / 25 + 1) / 3;
    let moon = (19 * golden + corrections + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (in_century / 4) - moon - in_century % 4) % 7;
    let late = (golden + 11 * moon + 22 * weekday) / 451;
    let days = moon + weekday - 7 * late + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(days / 31).ok()?, u32::try_from(days % 31 + 1).ok()?)
}

/// A public holiday of a country.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Holiday {
    name: String,
    day: Day,
    /// Only in these states; empty: everywhere.
    states: Vec<String>,
    first_year: i32,
    last_year: i32,
    /// Only in years that this divides.
    every: i32,
    /// Where it falls on a Sunday it is so many days later.
    from_sunday: i64,
}

impl Holiday {
    fn is(&self, date: NaiveDate, state: &str) -> bool {
        let year = date.year();
        let counts = (self.first_year..=self.last_year).contains(&year)
            && year % self.every == 0
            && (self.states.is_empty() || self.states.iter().any(|s| s == state));
        let moved = |day: NaiveDate| {
            if day.weekday() != Weekday::Sun {
                return Some(day);
            }
            day.checked_add_signed(chrono::TimeDelta::days(self.from_sunday))
        };
        counts && self.day.in_year(year).and_then(moved) == Some(date)
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Country {
    code: String,
    states: Vec<String>,
    holidays: Vec<Holiday>,
}

fn read_country(file: &str, text: &str) -> Option<Country> {
    let document = Document::parse(file, text);
    let country = read_section(&document.root())?;
    document.into_problems().is_empty().then_some(country)
}

fn read_section(root: &Section<'_>) -> Option<Country> {
    let code = root.required_text("country");
    let states: Vec<String> = root.texts("states").unwrap_or_default().into_iter().map(|spot| spot.value).collect();
    let rows = root.rows("days")?;
    let cells = |row: &crate::model::document::Spot<Vec<crate::model::document::Spot<String>>>| {
        let cells: Vec<&str> = row.value.iter().map(|cell| cell.value.as_str()).collect();
        read_holiday(&cells, &states)
    };
    let holidays = rows.iter().map(cells).collect::<Option<Vec<Holiday>>>()?;
    Some(Country { code, states, holidays })
}

fn read_holiday(cells: &[&str], known: &[String]) -> Option<Holiday> {
    let [name, day, conditions @ ..] = cells else { return None };
    let mut holiday = Holiday {
        name: name.to_string(),
        day: Day::parse(day)?,
        states: Vec::new(),
        first_year: i32::MIN,
        last_year: i32::MAX,
        every: 1,
        from_sunday: 0,
    };
    for condition in conditions {
        let (word, value) = condition.split_once(' ')?;
        match word {
            "in" => holiday.states = value.split(' ').map(str::to_string).collect(),
            "from" => holiday.first_year = value.parse().ok()?,
            "until" => holiday.last_year = value.parse().ok()?,
            "every" => holiday.every = value.parse().ok().filter(|years| *years > 0)?,
            "sunday" => holiday.from_sunday = value.parse().ok()?,
            _ => return None,
        }
    }
    holiday.states.iter().all(|state| known.contains(state)).then_some(holiday)
}

fn countries() -> &'static [Country] {
    static COUNTRIES: LazyLock<Vec<Country>> = LazyLock::new(|| {
        let read = |(file, text): &(&str, &str)| read_country(file, text).expect("a test reads every shipped country");
        SHIPPED.iter().map(read).collect()
    });
    &COUNTRIES
}

/// A country, or one of its states: `SE`, `DE-BW`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Region {
    country: &'static Country,
    /// Empty: what holds in the whole country.
    state: &'static str,
}

impl Region {
    pub fn find(code: &str) -> Option<Region> {
        let (country, state) = code.split_once('-').map_or((code, None), |(country, state)| (country, Some(state)));
        let country = countries().iter().find(|c| c.code == country)?;
        let Some(state) = state else { return Some(Region { country, state: "" }) };
        country.states.iter().find(|s| *s == state).map(|state| Region { country, state })
    }

    /// All that can be found.
    pub fn codes() -> Vec<String> {
        let of = |country: &Country| {
            let states = country.states.iter().map(|state| format!("{}-{state}", country.code));
            [country.code.clone()].into_iter().chain(states).collect::<Vec<_>>()
        };
        countries().iter().flat_map(of).collect()
    }

    /// The holiday that a date is.
    pub fn holiday(self, date: NaiveDate) -> Option<&'static str> {
        self.country.holidays.iter().find(|holiday| holiday.is(date, self.state)).map(|holiday| holiday.name.as_str())
    }
}

impl std::fmt::Debug for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.country.code, self.state)
    }
}

/// When one company, or one country, is closed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    pub name: String,
    pub regions: Vec<Region>,
    /// Closed too.
    pub days: Vec<Day>,
    /// Open all the same.
    pub open: Vec<Day>,
}

impl Calendar {
    /// Why a date is closed: the name of the holiday, or of this calendar.
    pub fn closed(&self, date: NaiveDate) -> Option<&str> {
        if self.open.iter().any(|day| day.is(date)) {
            return None;
        }
        let holiday = self.regions.iter().find_map(|region| region.holiday(date));
        holiday.or_else(|| self.days.iter().any(|day| day.is(date)).then_some(self.name.as_str()))
    }
}

/// Dates on which a feed does not come due, or an intake expects nothing: those on which one of several calendars is closed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closed(pub Vec<Arc<Calendar>>);

impl Closed {
    /// Why a date is closed; none where it is open.
    pub fn why(&self, date: NaiveDate) -> Option<&str> {
        self.0.iter().find_map(|calendar| calendar.closed(date))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn region(code: &str) -> Region {
        Region::find(code).unwrap_or_else(|| panic!("{code}"))
    }

    #[test]
    fn every_region_has_the_holidays_that_another_calendar_gives_it() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/holidays/public.txt");
        let text = std::fs::read_to_string(path).unwrap();
        let mut compared = BTreeSet::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split(' ');
            let (code, year) = (words.next().unwrap(), words.next().unwrap());
            let expected: Vec<&str> = words.collect();
            let january = date(&format!("{year}-01-01"));
            let found: Vec<String> = january
                .iter_days()
                .take_while(|day| day.year() == january.year())
                .filter(|day| region(code).holiday(*day).is_some())
                .map(|day| day.format("%m-%d").to_string())
                .collect();
            assert_eq!(found, expected, "{code} {year}");
            compared.insert(code.to_string());
        }
        assert_eq!(compared, Region::codes().into_iter().collect());
    }

    #[test]
    fn days_are_read_in_every_form_and_nothing_else() {
        for (text, dates) in [
            ("12-24", ["2026-12-24", "2027-12-24"]),
            ("2026-12-24", ["2026-12-24", "2026-12-24"]),
            ("02-29", ["2024-02-29", "2028-02-29"]),
            ("easter", ["2026-04-05", "2027-03-28"]),
            ("easter-2", ["2026-04-03", "2027-03-26"]),
            ("easter+60", ["2026-06-04", "2027-05-27"]),
            ("06-19..06-25 fri", ["2026-06-19", "2027-06-25"]),
            ("06-19..06-25 Friday", ["2026-06-19", "2027-06-25"]),
        ] {
            let day = Day::parse(text).unwrap_or_else(|| panic!("{text}"));
            dates.iter().for_each(|found| assert!(day.is(date(found)), "{text} {found}"));
            assert!(!day.is(date("2026-08-20")));
        }
        for text in [
            "",
            "13-01",
            "02-30",
            "1-1",
            "24.12.",
            "2026-02-29",
            "2026-1-01",
            "easter 2",
            "easter+400",
            "easterly",
            "06-19..06-24 fri",
            "06-19..06-25",
            "06-19..06-25 fry",
            "12-30..01-05 mon",
            "Christmas",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
    }

    #[test]
    fn easter_is_right_at_its_edges() {
        for (year, expected) in [(1818, "1818-03-22"), (1943, "1943-04-25"), (2038, "2038-04-25"), (2285, "2285-03-22")]
        {
            assert_eq!(easter_sunday(year), Some(date(expected)));
        }
    }

    #[test]
    fn a_company_closes_and_opens_what_it_likes() {
        let company = Calendar {
            name: "company".to_string(),
            regions: vec![region("SE"), region("DE-BW")],
            days: vec![Day::parse("12-31").unwrap(), Day::parse("2026-12-24").unwrap()],
            open: vec![Day::parse("2027-05-01").unwrap()],
        };
        let dutch = Calendar { regions: vec![region("NL")], ..Calendar::default() };
        let closed = Closed(vec![company.into(), dutch.into()]);
        for (day, why) in [
            ("2026-06-20", Some("Midsummer Day")),
            ("2026-06-04", Some("Corpus Christi")),
            ("2026-04-27", Some("King's Day")),
            ("2026-12-31", Some("company")),
            ("2027-12-31", Some("company")),
            ("2026-12-24", Some("company")),
            ("2027-12-24", None),
            ("2026-05-01", Some("May Day")),
            ("2027-05-01", None),
            ("2026-11-20", None),
        ] {
            assert_eq!(closed.why(date(day)), why, "{day}");
        }
        assert_eq!(Closed::default().why(date("2026-12-25")), None);
    }

    #[test]
    fn regions_are_found_by_their_codes_alone() {
        for code in ["DE-XX", "SE-DE", "XX", "", "de", "DE-", "-"] {
            assert_eq!(Region::find(code), None, "{code}");
        }
        assert_eq!(Region::codes().len(), 8 + 16);
    }
}
