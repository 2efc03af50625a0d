//! What the values of one column are, whatever it is called: numbers, dates, codes, addresses.

use crate::model::layout::form::moment::Pattern;
use crate::model::rules::{identifiers, units};

/// What all values of a column have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Empty,
    Date(String),
    Instant(String),
    Time(String),
    Email,
    Url,
    Country,
    Currency,
    Ean,
    Isbn,
    Vin,
    Flag {
        yes: String,
        no: String,
    },
    Unit,
    Integer,
    Decimal {
        point: char,
        thousands: Option<char>,
    },
    /// Digits with leading zeros, all of one length.
    Padded,
    Phone,
    /// A number that runs through all rows of the file, whatever their type.
    Running,
    /// No blanks, and digits among other characters.
    Code,
    Word,
    Text,
}

const DATES: [&str; 17] = [
    "%Y-%m-%d",
    "%Y%m%d",
    "%d.%m.%Y",
    "%d.%m.%y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d-%m-%Y",
    "%Y/%m/%d",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d%m%Y",
    "%y%m%d",
    "%-d.%-m.%Y",
    "%-d/%-m/%Y",
    "%-m/%-d/%Y",
];
const INSTANTS: [&str; 13] = [
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S%f%z",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y%m%d%H%M%S",
    "%Y%m%d%H%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%Y %H:%M",
];
const TIMES: [&str; 4] = ["%H:%M:%S", "%H:%M", "%H%M%S", "%H%M"];
const FLAGS: [(&str, &str); 8] = [
    ("Y", "N"),
    ("J", "N"),
    ("Yes", "No"),
    ("Ja", "Nein"),
    ("True", "False"),
    ("true", "false"),
    ("Ja", "Nej"),
    ("Ja", "Nee"),
];
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD \
    CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ \
    GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY \
    MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT \
    PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM \
    US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW UK";
const CURRENCIES: &str = "EUR USD GBP CHF SEK NOK DKK PLN CZK HUF RON BGN ISK CAD AUD NZD JPY CNY TRY UAH RUB ZAR INR BRL MXN HKD SGD AED ILS";

/// `values`: those of the column, trimmed; empty ones say nothing.
pub fn content(values: &[String]) -> Content {
    let mut values: Vec<&str> = values.iter().map(|value| value.trim()).filter(|value| !value.is_empty()).collect();
    values.sort_unstable();
    values.dedup();
    if values.is_empty() {
        return Content::Empty;
    }
    let all = |is: &dyn Fn(&str) -> bool| values.iter().all(|value| is(value));
    if all(&|v| v.split_once('@').is_some_and(|(a, b)| !a.is_empty() && b.contains('.') && !v.contains(' '))) {
        return Content::Email;
    }
    if all(&|v| v.starts_with("http://") || v.starts_with("https://") || v.starts_with("www.")) {
        return Content::Url;
    }
    if let Some(found) = moment(&values) {
        return found;
    }
    // Zeros stand for no number, whatever their sum.
    let nothing = all(&|v| v.bytes().all(|b| b == b'0'));
    if !nothing && all(&|v| matches!(v.len(), 8 | 12 | 13 | 14) && identifiers::ean(v).is_ok()) {
        let books = all(&|v| identifiers::isbn(v).is_ok());
        return if books { Content::Isbn } else { Content::Ean };
    }
    // Samples made by hand have wrong check digits among right ones.
    let book = |v: &str| v.len() == 10 && v[..9].bytes().all(|b| b.is_ascii_digit()) && !v.starts_with("000");
    let passed = values.iter().filter(|v| identifiers::isbn(v).is_ok()).count();
    if !nothing && passed == values.len()
        || passed >= 2 && passed * 10 >= values.len() * 6 && all(&|v| v.is_ascii() && book(v))
    {
        return Content::Isbn;
    }
    if all(&is_vin) {
        return Content::Vin;
    }
    if all(&|v| v.len() == 2 && COUNTRIES.split(' ').any(|code| code == v)) {
        return Content::Country;
    }
    if all(&|v| v.len() == 3 && CURRENCIES.split(' ').any(|code| code == v)) {
        return Content::Currency;
    }
    if let Some((yes, no)) = FLAGS.iter().find(|(yes, no)| all(&|v| v == *yes || v == *no)) {
        return Content::Flag { yes: yes.to_string(), no: no.to_string() };
    }
    if let Some(number) = number(&values) {
        return number;
    }
    if all(&|v| units::KNOWN.binary_search_by(|(code, _)| (*code).cmp(v)).is_ok()) {
        return Content::Unit;
    }
    if all(&is_phone) {
        return Content::Phone;
    }
    let blanks = |v: &str| v.contains(' ');
    match () {
        () if all(&|v| !blanks(v) && v.bytes().any(|b| b.is_ascii_digit())) => Content::Code,
        () if all(&|v| !blanks(v)) => Content::Word,
        () => Content::Text,
    }
}

/// Numbers of payment cards: 15 or 16 digits with a check digit that is right.
pub fn are_cards(values: &[String]) -> bool {
    let mut some = values.iter().filter(|value| !value.is_empty()).peekable();
    let card = |value: &String| {
        let digits: Vec<u32> =
            value.chars().filter(|c| !matches!(c, ' ' | '-')).map_while(|c| c.to_digit(10)).collect();
        let whole = value.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-'));
        let sum = digits.iter().rev().enumerate().map(|(at, d)| match at % 2 {
            1 if *d > 4 => d * 2 - 9,
            1 => d * 2,
            _ => *d,
        });
        whole
            && matches!(digits.len(), 15 | 16)
            && "3456".contains(value.chars().next().unwrap_or(' '))
            && sum.sum::<u32>() % 10 == 0
    };
    some.peek().is_some() && some.all(card)
}

/// Days and times: the first pattern that reads every value; a day pattern of digits alone must give days of this age.
fn moment(values: &[&str]) -> Option<Content> {
    let reads = |pattern: &str, is: &dyn Fn(&Pattern, &str) -> bool| {
        Pattern::parse(pattern).is_ok_and(|pattern| values.iter().all(|value| is(&pattern, value)))
    };
    let none = |value: &str| value.bytes().all(|b| b == b'0') && value.len() >= 6;
    let day = |pattern: &Pattern, value: &str| {
        let date = pattern.read(value).and_then(|parts| parts.date());
        none(value) || date.is_some_and(|date| (1995..2045).contains(&chrono::Datelike::year(&date)))
    };
    if values.iter().all(|value| none(value)) {
        return None;
    }
    if let Some(pattern) = DATES.iter().find(|pattern| reads(pattern, &day)) {
        return Some(Content::Date(pattern.to_string()));
    }
    // Two ways to write a day in one column.
    let any = |value: &str| {
        DATES[..13]
            .iter()
            .filter(|p| !matches!(**p, "%Y%m%d" | "%d%m%Y"))
            .find(|p| Pattern::parse(p).is_ok_and(|p| day(&p, value)))
    };
    let several: Option<Vec<&str>> = values.iter().map(|value| any(value).copied()).collect();
    if let Some(mut several) = several {
        several.sort_unstable();
        several.dedup();
        return Some(Content::Date(several.join("|")));
    }
    let instant = |pattern: &Pattern, value: &str| pattern.read(value).and_then(|parts| parts.date()).is_some();
    if let Some(pattern) = INSTANTS.iter().find(|pattern| reads(pattern, &instant)) {
        return Some(Content::Instant(pattern.to_string()));
    }
    // Seconds since 1970, of the years 2001 to 2033.
    if values.iter().all(|v| v.len() == 10 && v.starts_with('1') && v.bytes().all(|b| b.is_ascii_digit())) {
        return Some(Content::Instant("%s".to_string()));
    }
    let time = |pattern: &Pattern, value: &str| {
        value.contains(':') && pattern.read(value).and_then(|parts| parts.time()).is_some()
    };
    TIMES.iter().find(|pattern| reads(pattern, &time)).map(|pattern| Content::Time(pattern.to_string()))
}

fn number(values: &[&str]) -> Option<Content> {
    let bare = |v: &'_ str| v.strip_prefix(['-', '+']).unwrap_or(v).trim_end_matches('-').to_string();
    let bare: Vec<String> = values.iter().map(|v| bare(v)).collect();
    let digits = |v: &str| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit());
    if bare.iter().all(|v| digits(v)) {
        let same = bare.iter().all(|v| v.len() == bare[0].len());
        let padded = bare.iter().any(|v| v.len() > 1 && v.starts_with('0'));
        return Some(if padded && same && bare[0].len() > 1 { Content::Padded } else { Content::Integer });
    }
    [('.', ','), (',', '.')].into_iter().find_map(|(point, thousands)| {
        let grouped = bare.iter().any(|v| v.contains(thousands));
        let fits = bare.iter().all(|v| {
            let (whole, rest) = v.split_once(point).unwrap_or((v, "0"));
            let groups: Vec<&str> = whole.split(thousands).collect();
            digits(rest) && groups.iter().all(|g| digits(g)) && groups[1..].iter().all(|g| g.len() == 3)
        });
        // `1,234` alone says nothing; more digits behind it than three would.
        (fits && bare.iter().any(|v| v.contains(point)))
            .then_some(Content::Decimal { point, thousands: grouped.then_some(thousands) })
    })
}

fn is_vin(value: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_digit() || b.is_ascii_uppercase() && !matches!(b, b'I' | b'O' | b'Q');
    value.len() == 17 && value.bytes().all(allowed) && value.bytes().any(|b| b.is_ascii_uppercase())
}

fn is_phone(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let head: String = value.chars().take_while(|c| !c.is_alphabetic()).collect();
    let rest = value[head.len()..].to_lowercase();
    let marks = head.contains(['+', '-', ' ', '/', '(']);
    let only = head.chars().all(|c| c.is_ascii_digit() || " +-/().".contains(c));
    (6..=20).contains(&digits) && marks && only && (rest.is_empty() || rest.starts_with("ext"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_known_by_their_check_digit() {
        let of = |values: &[&str]| are_cards(&values.iter().map(|v| v.to_string()).collect::<Vec<_>>());
        assert!(of(&["4111111111111111", ""]) && of(&["3782 822463 10005"]));
        assert!(!of(&["4111111111111112"]) && !of(&[""]) && !of(&["1234567890123456"]));
    }

    #[test]
    fn values_tell_what_they_are() {
        let of = |values: &[&str]| content(&values.iter().map(|v| v.to_string()).collect::<Vec<_>>());
        for (values, expected) in [
            (&["", " "][..], Content::Empty),
            (&["2024-01-31"], Content::Date("%Y-%m-%d".into())),
            (&["31.12.2024", "01.01.2025"], Content::Date("%d.%m.%Y".into())),
            (&["12/31/2024", "01/02/2024"], Content::Date("%m/%d/%Y".into())),
            (&["31-Dec-2014", "02/01/2015"], Content::Date("%d-%b-%Y|%d/%m/%Y".into())),
            (&["240315", "000000"], Content::Date("%y%m%d".into())),
            (&["2016-03-07T00:00:00Z"], Content::Instant("%Y-%m-%dT%H:%M:%S%z".into())),
            (&["1710489600"], Content::Instant("%s".into())),
            (&["4006381333931"], Content::Ean),
            (&["316148410X", "3423130709"], Content::Isbn),
            (&["3161484100"], Content::Integer),
            (&["WVWZZZ1JZXW000001"], Content::Vin),
            (&["DE", "FR"], Content::Country),
            (&["EUR"], Content::Currency),
            (&["J", "N"], Content::Flag { yes: "J".into(), no: "N".into() }),
            (&["3", "12"], Content::Integer),
            (&["00003", "00012"], Content::Padded),
            (&["1.234,50", "3,00"], Content::Decimal { point: ',', thousands: Some('.') }),
            (&["12.95", "3"], Content::Decimal { point: '.', thousands: None }),
            (&["a@b.example"], Content::Email),
            (&["08-555 12 34", "+49 30 1234"], Content::Phone),
            (&["PCE", "H87"], Content::Unit),
            (&["BRK-100"], Content::Code),
            (&["London"], Content::Word),
            (&["Brake pad set"], Content::Text),
        ] {
            assert_eq!(of(values), expected, "{values:?}");
        }
    }
}
