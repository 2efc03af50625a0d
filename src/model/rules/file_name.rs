//! Names of the files we write: a pattern from the configuration, checked once, filled for each run.
//!
//! Where a name carries the run's number, no two files of a feed ever have one name; where it does not, `one_name` says how one
//! follows the other. Characters that a partner's
//! file system, FTP client or shell trips over are refused in the pattern, not replaced in the name.

use std::fmt;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::meeting::{self, Piece};
use super::own_number::{self, OwnNumber, OwnNumbers};
use super::supersede::Scope;

/// 255 bytes are what a file system takes; 14 of them are ours in sent/ (`<run-id>~`).
pub const LONGEST_NAME_BYTES: usize = 255 - 14;
/// Digits of `{run}` where the pattern does not say: ten feeds every five minutes fill six in three months and grow then.
const RUN_DIGITS: usize = 6;
const PLACEHOLDERS: &str = "{run}, {run:4}, {date}, {time}, {partner}, {feed}, {scope}, {order_no}, {buyer_order_no}, {customer_no}, {request_id}";
/// Endings that our own and other people's collectors take for "not finished".
const UNFINISHED: [&str; 3] = [".part", ".tmp", ".filepart"];

/// What a name is made from.
#[derive(Debug, Clone, Copy)]
pub struct NameFacts<'a> {
    pub run: u64,
    /// When the run was composed; shown in the feed's zone.
    pub at: DateTime<Utc>,
    pub zone: Tz,
    pub partner: &'a str,
    pub feed: &'a str,
    /// full, delta …
    pub scope: &'a str,
    /// Of the order in it, or of its customer.
    pub own: &'a OwnNumbers,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Run { digits: usize },
    Date,
    Time,
    Partner,
    Feed,
    Scope,
    Own(OwnNumber),
}

impl Part {
    /// How many the number has at least.
    fn run_digits(&self) -> Option<usize> {
        match self {
            Part::Run { digits } => Some(*digits),
            _ => None,
        }
    }
}

/// A checked pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern {
    text: String,
    parts: Vec<Part>,
}

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotNamePattern {
    #[error(
        "it is empty. Expected something like \"stock_{{run}}.csv\", or \"stock.csv\" for who always reads the same name."
    )]
    Empty,
    #[error("\"{{{found}}}\" is not known; expected one of: {PLACEHOLDERS}.")]
    UnknownPlaceholder { found: String },
    #[error("the brace in \"{0}\" is never closed.")]
    OpenBrace(String),
    #[error(
        "the character {0:?} cannot be in a file name everywhere; expected letters without accents, digits, and - _ . + , = @ ( )."
    )]
    Character(char),
    #[error("\"{0}\" begins with a dot, and files that begin with a dot are hidden and not picked up.")]
    Hidden(String),
    #[error("\"{name}\" ends in \"{ending}\", which stands for a file that is not finished.")]
    Unfinished { name: String, ending: &'static str },
    #[error(
        "behind a number of an order or a customer it needs an ending, like \".xml\": else the number would end it, and might end in \".part\"."
    )]
    NoEnding,
    #[error("the name may become {bytes} bytes long; expected {LONGEST_NAME_BYTES} at most.")]
    TooLong { bytes: usize },
}

impl NamePattern {
    /// All that is wrong with it, each character once.
    pub fn parse(text: &str) -> Result<Self, Vec<NotNamePattern>> {
        let mut wrong = Vec::new();
        let parts = split(text, &mut wrong);
        let mut bad: Vec<char> = Vec::new();
        for part in &parts {
            let Part::Text(plain) = part else { continue };
            for c in plain.chars().filter(|c| !is_safe(*c)) {
                if !bad.contains(&c) {
                    bad.push(c);
                }
            }
        }
        wrong.extend(bad.into_iter().map(NotNamePattern::Character));
        if text.is_empty() {
            wrong.push(NotNamePattern::Empty);
        }
        if text.starts_with('.') {
            wrong.push(NotNamePattern::Hidden(text.to_string()));
        }
        if let Some(ending) = UNFINISHED.into_iter().find(|e| text.to_ascii_lowercase().ends_with(e)) {
            wrong.push(NotNamePattern::Unfinished { name: text.to_string(), ending });
        }
        let pattern = NamePattern { text: text.to_string(), parts };
        if pattern.ends_as_sent() {
            wrong.push(NotNamePattern::NoEnding);
        }
        let bytes = pattern.longest();
        if bytes > LONGEST_NAME_BYTES {
            wrong.push(NotNamePattern::TooLong { bytes });
        }
        if wrong.is_empty() { Ok(pattern) } else { Err(wrong) }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Does each file have a name of its own?
    pub fn is_numbered(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Run { .. }))
    }

    /// What it names of the orders in the file.
    pub fn own_numbers(&self) -> impl Iterator<Item = OwnNumber> {
        self.parts.iter().filter_map(|part| if let Part::Own(number) = part { Some(*number) } else { None })
    }

    /// What every name ends in: the text behind its last placeholder.
    pub fn ending(&self) -> &str {
        match self.parts.last() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }

    /// May its names end in whatever the sender of an order liked?
    fn ends_as_sent(&self) -> bool {
        let last = self.parts.iter().rposition(|part| !matches!(part, Part::Text(_)));
        last.is_some_and(|at| matches!(self.parts[at], Part::Own(_))) && !self.ending().contains('.')
    }

    /// Does it name anything of the run?
    pub fn varies(&self) -> bool {
        self.parts.iter().any(|part| !matches!(part, Part::Text(_)))
    }

    /// Could a run of each get the same name? Numbers up to a million are tried, and any day: those of two feeds go their own ways, so
    /// any of one may meet any of the other. `words`: partner, feed and scope.
    pub fn meets(&self, words: [&str; 3], other: &NamePattern, others: [&str; 3]) -> bool {
        const MOST_DIGITS: usize = 6;
        let shapes = |pattern: &NamePattern, words: [&str; 3]| -> Vec<Vec<Piece>> {
            let least = pattern.parts.iter().filter_map(Part::run_digits).max().unwrap_or(1);
            (least..=least.max(MOST_DIGITS)).map(|digits| pattern.shape_of(words, digits)).collect()
        };
        let (ours, theirs) = (shapes(self, words), shapes(other, others));
        ours.iter().any(|ours| theirs.iter().any(|theirs| meeting::share(ours, theirs)))
    }

    /// Of names whose number has so many digits: letters, single digits, and whatever an order's number may be.
    fn shape_of(&self, [partner, feed, scope]: [&str; 3], digits: usize) -> Vec<Piece> {
        let mut shape = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => shape.extend(meeting::text(text)),
                Part::Partner => shape.extend(meeting::text(partner)),
                Part::Feed => shape.extend(meeting::text(feed)),
                Part::Scope => shape.extend(meeting::text(scope)),
                Part::Run { digits: least } => shape.extend(vec![Piece::Digit; digits.max(*least)]),
                Part::Date => shape.extend([Piece::Digit; 8]),
                Part::Time => shape.extend([Piece::Digit; 6]),
                Part::Own(_) => shape.push(Piece::Anything),
            }
        }
        shape
    }

    /// The name of one run's file.
    pub fn fill(&self, facts: &NameFacts<'_>) -> String {
        let name = self.filled(facts, false);
        // The sender of an order chose its number, and with it perhaps such a name.
        if own_number::is_device(&name) { self.filled(facts, true) } else { name }
    }

    fn filled(&self, facts: &NameFacts<'_>, is_marked: bool) -> String {
        let local = facts.at.with_timezone(&facts.zone);
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Run { digits } => format!("{:0digits$}", facts.run),
                Part::Date => local.format("%Y%m%d").to_string(),
                Part::Time => local.format("%H%M%S").to_string(),
                Part::Partner => facts.partner.to_string(),
                Part::Feed => facts.feed.to_string(),
                Part::Scope => facts.scope.to_string(),
                Part::Own(number) => facts.own.in_name(*number, is_marked),
            })
            .collect()
    }

    /// The run's number in a name that this pattern gave, whatever its day.
    pub fn number_of(&self, name: &str, partner: &str, feed: &str) -> Option<u64> {
        number_in(&self.parts, name, partner, feed)?
    }

    /// Is this a name that the pattern gave?
    pub fn gave(&self, name: &str, partner: &str, feed: &str) -> bool {
        number_in(&self.parts, name, partner, feed).is_some()
    }

    /// What its names look like.
    pub fn shape(&self, partner: &str, feed: &str) -> Vec<Piece> {
        let mut shape = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => shape.extend(meeting::text(text)),
                Part::Partner => shape.extend(meeting::text(partner)),
                Part::Feed => shape.extend(meeting::text(feed)),
                Part::Scope => shape.push(Piece::Anything),
                Part::Date => shape.extend([Piece::Digit; 8]),
                Part::Time => shape.extend([Piece::Digit; 6]),
                Part::Own(_) => shape.push(Piece::Anything),
                Part::Run { digits } => {
                    shape.extend(std::iter::repeat_n(Piece::Digit, *digits));
                    shape.push(Piece::Digits);
                }
            }
        }
        shape
    }

    fn longest(&self) -> usize {
        // Ids of partners and feeds are at most 64 bytes (config checks that), a u64 has at most 20 digits.
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.len(),
                Part::Run { .. } => 20,
                Part::Date => 8,
                Part::Time => 6,
                Part::Partner | Part::Feed => 64,
                Part::Scope => 5,
                Part::Own(_) => own_number::LONGEST_BYTES,
            })
            .sum()
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Nothing where the name is not of these parts; else the number, if one of the parts is one. Digits that stand side by side
/// can be cut in several ways: the first that fits counts.
fn number_in(parts: &[Part], name: &str, partner: &str, feed: &str) -> Option<Option<u64>> {
    let Some((part, rest)) = parts.split_first() else { return name.is_empty().then_some(None) };
    let behind = |text: &str| number_in(rest, name.strip_prefix(text)?, partner, feed);
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    let whole = |count: usize| (digits >= count).then(|| number_in(rest, &name[count..], partner, feed)).flatten();
    match part {
        Part::Text(text) => behind(text),
        Part::Partner => behind(partner),
        Part::Feed => behind(feed),
        Part::Scope => Scope::ALL.iter().find_map(|scope| behind(scope.as_str())),
        Part::Date => whole(8),
        Part::Time => whole(6),
        Part::Own(_) => (1..=name.len())
            .take_while(|count| name.get(..*count).is_some_and(own_number::is_written))
            .find_map(|count| number_in(rest, &name[count..], partner, feed)),
        Part::Run { digits: least } => (*least..=digits).find_map(|count| {
            let number = name[..count].parse().ok()?;
            whole(count).map(|_| Some(number))
        }),
    }
}

fn split(text: &str, wrong: &mut Vec<NotNamePattern>) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        if open > 0 {
            parts.push(Part::Text(rest[..open].to_string()));
        }
        let Some(length) = rest[open..].find('}') else {
            wrong.push(NotNamePattern::OpenBrace(text.to_string()));
            return parts;
        };
        match placeholder(&rest[open + 1..open + length]) {
            Ok(part) => parts.push(part),
            Err(unknown) => wrong.push(unknown),
        }
        rest = &rest[open + length + 1..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_string()));
    }
    parts
}

fn placeholder(name: &str) -> Result<Part, NotNamePattern> {
    let unknown = || NotNamePattern::UnknownPlaceholder { found: name.to_string() };
    Ok(match name {
        "run" => Part::Run { digits: RUN_DIGITS },
        "date" => Part::Date,
        "time" => Part::Time,
        "partner" => Part::Partner,
        "feed" => Part::Feed,
        "scope" => Part::Scope,
        other if OwnNumber::named(other).is_some() => Part::Own(OwnNumber::named(other).ok_or_else(unknown)?),
        other => {
            let digits = other.strip_prefix("run:").and_then(|d| d.parse().ok()).ok_or_else(unknown)?;
            if !(1..=12).contains(&digits) {
                return Err(unknown());
            }
            Part::Run { digits }
        }
    })
}

fn is_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.+,=@()".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn fill(pattern: &str) -> String {
        let at = Utc.with_ymd_and_hms(2026, 7, 20, 22, 30, 5).unwrap();
        let facts = NameFacts {
            run: 42,
            at,
            zone: chrono_tz::Europe::Berlin,
            partner: "nordshop",
            feed: "stock",
            scope: "delta",
            own: &own("2026/17", "K-7"),
        };
        NamePattern::parse(pattern).unwrap().fill(&facts)
    }

    fn own(order: &str, customer: &str) -> OwnNumbers {
        let mut own = OwnNumbers::default();
        own.see(OwnNumber::BuyerOrder, order);
        own.see(OwnNumber::Customer, customer);
        own
    }

    #[test]
    fn names_of_two_feeds_may_meet() {
        let rows = [
            // pattern of a, pattern of b, do they meet
            ("stock_{run}.csv", "stock_{run}.csv", true),
            ("stock_{run:1}.csv", "stock_{run:2}.csv", true),
            ("stock_{run}.csv", "stock_{run:1}.csv", true),
            ("stock_{run}.csv", "stock_{run}.xml", false),
            ("{feed}_{run}.csv", "{feed}_{run}.csv", false),
            ("{feed}_{run}.csv", "a_{run}.csv", true),
            ("{scope}_{run}.csv", "full_{run}.csv", true),
            ("{scope}_{run}.csv", "delta_{run}.csv", false),
            ("s{run:1}.csv", "s1{run:1}.csv", true),
            ("s{date}_{run}.csv", "s{run}.csv", false),
            ("s{date}{run:1}.csv", "s{run:9}.csv", true),
            ("{order_no}.xml", "order_{run}.xml", true),
            ("a{order_no}.xml", "b{order_no}.xml", false),
            ("a{order_no}.xml", "{customer_no}b.xml", true),
            ("{order_no}.xml", "{order_no}.csv", false),
            ("x{order_no}1.xml", "x{run}.xml", true),
            ("x{order_no}a.xml", "x{run}.xml", false),
        ];
        for (one, other, expected) in rows {
            let (a, b) = (NamePattern::parse(one).unwrap(), NamePattern::parse(other).unwrap());
            let (of_a, of_b) = (["shop", "a", "full"], ["shop", "b", "full"]);
            assert_eq!((a.meets(of_a, &b, of_b), b.meets(of_b, &a, of_a)), (expected, expected), "{one} and {other}");
        }
    }

    #[test]
    fn names_are_filled_in_the_zone_of_the_feed() {
        assert_eq!(fill("stock_{run}.csv"), "stock_000042.csv");
        assert_eq!(fill("{partner}-{feed}-{date}T{time}_{run:3}.xml"), "nordshop-stock-20260721T003005_042.xml");
        assert_eq!(fill("S{run:1}.TXT"), "S42.TXT");
    }

    #[test]
    fn names_carry_numbers_of_the_order_and_of_its_customer() {
        for (pattern, name) in [
            ("{buyer_order_no}.xml", "2026=2F17.xml"),
            ("{customer_no}_{buyer_order_no}_{date}.xml", "K-7_2026=2F17_20260721.xml"),
            ("{customer_no}{date}", "K-720260721"),
            ("{order_no}.xml", "=none.xml"),
        ] {
            let parsed = NamePattern::parse(pattern).unwrap();
            assert_eq!((fill(pattern).as_str(), parsed.is_numbered()), (name, false));
            assert!(parsed.gave(name, "nordshop", "stock"), "{pattern}");
            assert!(!parsed.gave("ä.xml", "nordshop", "stock") && !parsed.gave(".xml", "nordshop", "stock"));
        }
        let named = |pattern: &str, number: &str| {
            let own = own(number, "N");
            let (at, zone) = (Utc::now(), Tz::UTC);
            let facts = NameFacts { run: 42, at, zone, partner: "p", feed: "f", scope: "new", own: &own };
            NamePattern::parse(pattern).unwrap().fill(&facts)
        };
        // A device of MS-DOS, also where only part of it is the order's.
        assert_eq!(named("{buyer_order_no}.xml", "Aux"), "=41ux.xml");
        assert_eq!(named("CO{customer_no}.{buyer_order_no}.xml", "1"), "CO=4E.=31.xml");
        let longest = named("{customer_no}_{buyer_order_no}_{run}.xml", &"ß".repeat(60));
        assert!(longest.len() < LONGEST_NAME_BYTES && longest.ends_with("_000042.xml"), "{longest}");
    }

    #[test]
    fn bad_patterns_are_explained() {
        let long = format!("{}{{run}}", "x".repeat(230));
        for (pattern, words) in [
            ("stock_{runn}.csv", "\"{runn}\" is not known"),
            ("stock_{run:99}.csv", "\"{run:99}\" is not known"),
            ("stock_{run.csv", "never closed"),
            ("out/stock_{run}.csv", "'/'"),
            ("lager bestand {run}.csv", "' '"),
            ("über_{run}.csv", "'ü'"),
            ("a\0{run}", "'\\0'"),
            ("a~{run}", "'~'"),
            (".stock_{run}", "begins with a dot"),
            ("stock_{run}.csv.part", "not finished"),
            (long.as_str(), "250 bytes"),
            ("", "it is empty"),
            ("order_{order_no}", "needs an ending, like \".xml\""),
            ("{order_nr}.xml", "{order_no}, {buyer_order_no}, {customer_no}, {request_id}"),
        ] {
            let errors = NamePattern::parse(pattern).unwrap_err();
            assert!(errors.len() == 1 && errors[0].to_string().contains(words), "{pattern}: {errors:?}");
        }
        let all = NamePattern::parse(".a b/c_{rum}_{dat}.tmp").unwrap_err();
        let all: Vec<String> = all.iter().map(ToString::to_string).collect();
        for words in ["\"{rum}\" is not", "\"{dat}\" is not", "' '", "'/'", "begins with a dot", "not finished"] {
            assert_eq!(all.iter().filter(|told| told.contains(words)).count(), 1, "{words}: {all:#?}");
        }
    }

    #[test]
    fn the_number_is_read_back_from_a_name() {
        let of = |pattern: &str, name: &str| NamePattern::parse(pattern).unwrap().number_of(name, "nordshop", "stock");
        assert_eq!(of("stock_{run}.csv", "stock_000042.csv"), Some(42));
        assert_eq!(of("stock_{run}.csv", "stock_1234567.csv"), Some(1_234_567));
        assert_eq!(
            of("{partner}-{feed}-{date}T{time}_{run:3}.xml", "nordshop-stock-20260721T003005_042.xml"),
            Some(42)
        );
        assert_eq!(of("{run:2}{date}.csv", "4220260721.csv"), Some(42));
        for other in ["stock_42.csv", "stock_000042.csv.1", "prices_000042.csv", "stock_.csv", "stock_00x042.csv", ""] {
            assert_eq!(of("stock_{run}.csv", other), None, "{other}");
        }
    }

    #[test]
    fn a_name_may_carry_no_number() {
        for (pattern, name, is_numbered) in [
            ("stock.csv", "stock.csv", false),
            ("bestand_{date}.txt", "bestand_20260721.txt", false),
            ("{scope}.csv", "delta.csv", false),
            ("stock_{run:1}.csv", "stock_42.csv", true),
        ] {
            let parsed = NamePattern::parse(pattern).unwrap();
            assert_eq!((fill(pattern).as_str(), parsed.is_numbered()), (name, is_numbered));
            assert!(
                parsed.gave(name, "nordshop", "stock") && !parsed.gave("other.csv", "nordshop", "stock"),
                "{pattern}"
            );
        }
    }

    #[test]
    fn a_number_beyond_its_digits_is_not_cut() {
        let (at, zone, own) = (Utc::now(), Tz::UTC, &OwnNumbers::default());
        let facts = NameFacts { run: u64::MAX, at, zone, partner: "p", feed: "f", scope: "delta", own };
        assert_eq!(NamePattern::parse("a{run}").unwrap().fill(&facts), "a18446744073709551615");
    }
}
