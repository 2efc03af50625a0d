//! Whether an article can be had, as a word: in stock, soon, later or not. What a partner is told where his feed has a rule for it;
//! without one the word of the ERP stands.

use chrono::{Days, NaiveDate};

/// The words, as `stock.availability` has them.
pub const IN_STOCK: &str = "in_stock";
pub const SHORT_LEAD: &str = "short_lead";
pub const LONG_LEAD: &str = "long_lead";
pub const NONE: &str = "none";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Availability {
    /// So much has to be there to be in stock.
    pub in_stock_e6: i64,
    /// What comes within so many days comes soon.
    pub short_lead_days: u32,
    /// Of what nobody knows when it comes.
    pub no_date: &'static str,
}

/// What is known of an article in a warehouse. `can_be_had_e6`: after what is kept back, before any cap.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known {
    pub can_be_had_e6: i64,
    /// The day from which it can be had, or on which more comes.
    pub from: Option<NaiveDate>,
    pub end_of_life: bool,
    pub temp_unavailable: bool,
}

pub fn word(known: Known, today: NaiveDate, rule: &Availability) -> &'static str {
    let soon = today.checked_add_days(Days::new(rule.short_lead_days.into())).unwrap_or(NaiveDate::MAX);
    match known.from {
        _ if known.temp_unavailable => NONE,
        _ if known.can_be_had_e6 >= rule.in_stock_e6 => IN_STOCK,
        _ if known.end_of_life => NONE,
        Some(from) if from <= soon => SHORT_LEAD,
        Some(_) => LONG_LEAD,
        None => rule.no_date,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_article_is_there_comes_soon_later_or_not() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let rule = Availability { in_stock_e6: 2_000_000, short_lead_days: 5, no_date: NONE };
        let asks = Availability { no_date: LONG_LEAD, ..rule };
        let none = Known::default();
        let there = Known { can_be_had_e6: 2_000_000, ..none };
        let comes = |text| Known { from: Some(day(text)), ..none };
        for (name, known, rule, expected) in [
            ("enough", there, rule, IN_STOCK),
            ("a hair too little", Known { can_be_had_e6: 1_999_999, ..none }, rule, NONE),
            ("a debt", Known { can_be_had_e6: -1, ..none }, rule, NONE),
            ("the last ones", Known { end_of_life: true, ..there }, rule, IN_STOCK),
            ("there and locked away", Known { temp_unavailable: true, ..there }, rule, NONE),
            ("gone for good", Known { end_of_life: true, ..comes("2026-03-02") }, rule, NONE),
            ("was to come", comes("2026-02-27"), rule, SHORT_LEAD),
            ("the last day of soon", comes("2026-03-06"), rule, SHORT_LEAD),
            ("a day later", comes("2026-03-07"), rule, LONG_LEAD),
            ("nobody knows when", none, rule, NONE),
            ("nobody knows when, and one may ask", none, asks, LONG_LEAD),
        ] {
            assert_eq!(word(known, day("2026-03-01"), &rule), expected, "{name}");
        }
    }
}
