//! The language of forms: a type and its options, as in `decimal implied=2 none=000000`. See docs/layouts.md for all of it.
//!
//! Words are separated by blanks, alternatives by `|`; single quotes keep blanks and bars (`join=', '`, `default=''`).

use std::sync::Arc;

use super::moment::Pattern;
use super::{Align, Case, Check, Direction, Form, Like, NumberShape, Round, Shape, Sign};
use crate::model::decimal;
use crate::model::document::suggest;
use crate::model::kind::FieldType;
use crate::model::layout::lookup::Lookup;

/// What a form may begin with.
pub const TYPES: [&str; 7] = ["text", "integer", "decimal", "boolean", "date", "time", "instant"];
/// What may stand behind it.
pub const OPTIONS: [&str; 43] = [
    "required",
    "optional",
    "exact",
    "max",
    "cut",
    "none",
    "default",
    "before",
    "after",
    "prefix",
    "suffix",
    "strip",
    "upper",
    "lower",
    "lookup",
    "unlisted",
    "pad",
    "left",
    "right",
    "width",
    "join",
    "append",
    "read-only",
    "write-only",
    "point",
    "thousands",
    "implied",
    "places",
    "sign",
    "yes",
    "no",
    "personal",
    "fitting",
    "match",
    "take",
    "breaks",
    "clear",
    "empty",
    "minus",
    "plus",
    "round",
    "floor",
    "cap",
];

/// What is wrong with a form, and what was probably meant.
pub type FormProblem = (String, Option<String>);

/// Compiles a form for a field of the given type; `None` for what no field of the kind holds (text).
pub fn read_form(
    source: &str,
    field_type: Option<&FieldType>,
    lookups: &[Arc<Lookup>],
) -> Result<Form, Vec<FormProblem>> {
    let words = split(source);
    let (type_word, options) = match words.first() {
        Some(word) if word.values.is_none() && TYPES.contains(&word.key.as_str()) => {
            (Some(word.key.as_str()), &words[1..])
        }
        _ => (None, &words[..]),
    };
    let mut reader = Reader { form: Form::natural(field_type), lookups, problems: Vec::new() };
    reader.check_type(type_word, field_type);
    for word in options {
        reader.option(word);
    }
    reader.check_contradictions(options);
    let Reader { mut form, problems, .. } = reader;
    if !problems.is_empty() {
        return Err(problems);
    }
    form.plain = form.nones.is_empty()
        && form.clears.is_empty()
        && form.matches.is_none()
        && form.take.is_none()
        && form.default.is_none()
        && form.before.is_none()
        && form.after.is_none()
        && form.prefix.is_empty()
        && form.suffix.is_empty()
        && form.strip.is_none()
        && form.lookup.is_none();
    Ok(form)
}

impl Form {
    /// The form of a field that says nothing about it: our own notation.
    pub fn natural(field_type: Option<&FieldType>) -> Self {
        let (shape, max) = natural_shape(field_type);
        Form {
            shape,
            required: false,
            optional: false,
            exact: false,
            max,
            cut: false,
            nones: Vec::new(),
            default: None,
            clears: Vec::new(),
            empty_leaves: false,
            matches: None,
            take: None,
            breaks: None,
            before: None,
            after: None,
            prefix: String::new(),
            suffix: String::new(),
            strip: None,
            case: None,
            lookup: None,
            keep_unlisted: false,
            pad: None,
            align: None,
            width: 0,
            join: " ".to_string(),
            append: None,
            direction: Direction::Both,
            personal: false,
            fitting: false,
            plain: true,
        }
    }
}

/// Characters that a value is filled up to at most.
const WIDTH: usize = 10_000;
/// Longest text put before, behind, between or instead of something, again and again.
const PIECE_BYTES: usize = 100;

/// Longest unit as sent; ours are three characters, partners write words.
const UNIT_CHARS: usize = 20;

fn natural_shape(field_type: Option<&FieldType>) -> (Shape, Option<usize>) {
    let Some(field_type) = field_type else { return (Shape::Text(Check::Any), None) };
    if let FieldType::Boolean = field_type {
        return (Shape::Boolean { yes: list(&["true", "1"]), no: list(&["false", "0"]) }, None);
    }
    if let Some(scale) = field_type.scale() {
        return (Shape::Number(NumberShape::natural(scale)), None);
    }
    if let Some(max) = field_type.length() {
        let check = if field_type.is_identifier() { Check::Identifier } else { Check::Any };
        return (Shape::Text(check), Some(max));
    }
    match field_type {
        FieldType::Currency => (Shape::Text(Check::Currency), None),
        FieldType::Country => (Shape::Text(Check::Country), None),
        FieldType::Choice(words) => (Shape::Text(Check::Choice(words.clone())), None),
        FieldType::Date => (Shape::Date(patterns(&["%Y-%m-%d"])), None),
        FieldType::Time => (Shape::Time(patterns(&["%H:%M:%S%f", "%H:%M"])), None),
        FieldType::Instant => (Shape::Instant(patterns(&["%Y-%m-%dT%H:%M:%S%f%z", "%Y-%m-%dT%H:%M:%S%f"])), None),
        _ => (Shape::Text(Check::Any), Some(UNIT_CHARS)),
    }
}

fn list(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| w.to_string()).collect()
}

fn patterns(sources: &[&str]) -> Vec<Pattern> {
    sources.iter().filter_map(|s| Pattern::parse(s).ok()).collect()
}

/// One word: `key`, or `key=value|value`.
#[derive(Debug, PartialEq, Eq)]
struct Word {
    key: String,
    values: Option<Vec<String>>,
}

fn split(source: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut inside = false;
    let mut quoted = false;
    for c in source.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                if !inside {
                    words.push(Word { key: String::new(), values: None });
                    inside = true;
                }
                continue;
            }
            c if c.is_whitespace() && !quoted => {
                inside = false;
                continue;
            }
            _ if !inside => {
                words.push(Word { key: String::new(), values: None });
                inside = true;
            }
            _ => {}
        }
        let Some(word) = words.last_mut() else { continue };
        match &mut word.values {
            None if c == '=' && !quoted => word.values = Some(vec![String::new()]),
            None => word.key.push(c),
            Some(values) if c == '|' && !quoted => values.push(String::new()),
            Some(values) => {
                if let Some(last) = values.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    words
}

struct Reader<'r> {
    form: Form,
    lookups: &'r [Arc<Lookup>],
    problems: Vec<FormProblem>,
}

impl Reader<'_> {
    fn problem(&mut self, text: impl Into<String>) {
        self.problems.push((text.into(), None));
    }

    fn check_type(&mut self, word: Option<&str>, field_type: Option<&FieldType>) {
        let fits: &[&str] = match &self.form.shape {
            // The partner's own may be anything.
            _ if field_type.is_none() => &TYPES,
            Shape::Number(_) => &["decimal", "integer"],
            Shape::Boolean { .. } => &["boolean"],
            Shape::Date(_) => &["date"],
            Shape::Time(_) => &["time"],
            Shape::Instant(_) => &["instant"],
            Shape::Text(Check::Any | Check::Identifier) => &["text", "date", "time", "instant"],
            Shape::Text(_) => &["text"],
        };
        let Some(word) = word else { return };
        if !fits.contains(&word) {
            return self.problem(format!("\"{word}\" does not fit this field; expected {}.", fits.join(" or ")));
        }
        if field_type.is_none()
            || matches!(self.form.shape, Shape::Text(Check::Any | Check::Identifier)) && word != "text"
        {
            let natural = match word {
                "date" => FieldType::Date,
                "time" => FieldType::Time,
                "instant" => FieldType::Instant,
                "decimal" => FieldType::Price,
                "integer" => FieldType::Integer,
                "boolean" => FieldType::Boolean,
                _ => return,
            };
            self.form.shape = natural_shape(Some(&natural)).0;
        }
        if let (Shape::Number(shape), "integer") = (&mut self.form.shape, word) {
            shape.whole = true;
        }
    }

    fn option(&mut self, word: &Word) {
        let values = word.values.as_deref();
        let first = values.and_then(|v| v.first()).cloned();
        let is_piece = matches!(word.key.as_str(), "join" | "breaks" | "prefix" | "suffix");
        if is_piece && first.as_ref().is_some_and(|piece| piece.len() > PIECE_BYTES) {
            return self.problem(format!("{}= is longer than {PIECE_BYTES} bytes.", word.key));
        }
        let form = &mut self.form;
        match (word.key.as_str(), first) {
            ("required", None) => form.required = true,
            ("optional", None) => form.optional = true,
            ("exact", None) => form.exact = true,
            ("upper", None) => form.case = Some(Case::Upper),
            ("lower", None) => form.case = Some(Case::Lower),
            ("left", None) => form.align = Some(Align::Left),
            ("right", None) => form.align = Some(Align::Right),
            ("personal", None) => form.personal = true,
            ("fitting", None) => form.fitting = true,
            ("read-only", None) => form.direction = Direction::ReadOnly,
            ("write-only", None) => form.direction = Direction::WriteOnly,
            ("none", Some(_)) => form.nones = values.unwrap_or_default().to_vec(),
            ("default", Some(value)) => form.default = Some(value),
            ("before", Some(value)) => form.before = Some(value),
            ("after", Some(value)) => form.after = Some(value),
            ("prefix", Some(value)) => form.prefix = value,
            ("suffix", Some(value)) => form.suffix = value,
            ("join", Some(value)) => form.join = value,
            ("append", Some(value)) if matches!(form.shape, Shape::Text(Check::Any)) => form.append = Some(value),
            ("append", Some(_)) => self.problem("append= is for plain texts only: of anything else there is one."),
            ("unlisted", Some(value)) if value == "keep" => form.keep_unlisted = true,
            ("clear", Some(_)) => form.clears = values.unwrap_or_default().to_vec(),
            ("empty", Some(value)) if value == "leaves" => form.empty_leaves = true,
            ("breaks", Some(value)) if !value.is_empty() => form.breaks = Some(value),
            ("match" | "take", Some(_)) => self.like(&word.key, &values.unwrap_or_default().join("|")),
            ("strip", Some(value)) => form.strip = value.chars().next(),
            ("pad", Some(value)) => form.pad = value.chars().next(),
            ("max" | "cut" | "width" | "implied" | "places", Some(value)) => self.count(&word.key, &value),
            ("lookup", Some(name)) => self.lookup(&name),
            ("point" | "thousands" | "sign" | "round" | "floor" | "cap", Some(value)) => {
                self.number_option(&word.key, &value);
            }
            ("minus" | "plus", Some(_)) => self.sign_words(&word.key, values.unwrap_or_default()),
            ("yes" | "no", Some(_)) => self.boolean_words(&word.key, values.unwrap_or_default()),
            (key, None) if key.contains('%') => self.patterns(key),
            (key, None) if key.contains('/') && matches!(form.shape, Shape::Boolean { .. }) => {
                let (yes, no) = key.split_once('/').unwrap_or((key, ""));
                form.shape = Shape::Boolean { yes: list(&[yes]), no: list(&[no]) };
            }
            (key, _) => {
                let known = OPTIONS.contains(&key);
                let text = if known {
                    format!("\"{key}\" is not used like this.")
                } else {
                    format!("\"{key}\" is not an option of forms{}.", self.of_moments(key))
                };
                let near = if known { None } else { suggest(key, &OPTIONS).or_else(|| suggest(key, &TYPES)) };
                self.problems.push((text, near));
            }
        }
    }

    /// Letters of a date as other programs write them.
    fn of_moments(&self, word: &str) -> &'static str {
        let is_moment = matches!(self.form.shape, Shape::Date(_) | Shape::Time(_) | Shape::Instant(_));
        let is_pattern = word.chars().all(|c| "dDmMyYhHsStT./-:".contains(c));
        if is_moment && is_pattern { "; the parts of a moment are %d %m %Y %H %M %S, as in %d.%m.%Y" } else { "" }
    }

    /// Options that are right one by one and cannot both be meant.
    fn check_contradictions(&mut self, options: &[Word]) {
        let says = |key: &str| options.iter().any(|word| word.key == key);
        if says("read-only") && says("write-only") {
            self.problem("read-only and write-only together leave nothing; expected one of them.");
        }
        let text = match &self.form.shape {
            Shape::Number(shape) if shape.implied.is_some() && says("point") => {
                "implied= says that no point is written, point= that one is; expected one of them.".to_string()
            }
            Shape::Number(shape) if says("floor") && says("cap") && shape.floor > shape.cap => {
                "the floor is above the cap; expected it below.".to_string()
            }
            Shape::Number(shape) if shape.thousands == Some(shape.point) => {
                let mark = shape.point as char;
                format!("\"{mark}\" cannot stand for the point and between thousands; say point= where it is another.")
            }
            Shape::Boolean { yes, no } => match yes.iter().find(|word| no.contains(word)) {
                Some(word) => format!("\"{word}\" cannot mean both yes and no."),
                None => return,
            },
            _ => return,
        };
        self.problem(text);
    }

    fn count(&mut self, key: &str, value: &str) {
        let Ok(count) = value.parse::<u32>() else {
            return self.problem(format!("{key}=\"{value}\" is not a whole number."));
        };
        match (key, &mut self.form.shape) {
            ("max", _) => self.form.max = Some(self.form.max.map_or(count as usize, |m| m.min(count as usize))),
            ("cut", _) => {
                self.form.max = Some(self.form.max.map_or(count as usize, |m| m.min(count as usize)));
                self.form.cut = true;
            }
            ("width", _) if count as usize <= WIDTH => self.form.width = count as usize,
            ("width", _) => self.problem(format!("width={count} is too wide; expected at most {WIDTH}.")),
            // Ten digits are more than any scale that is kept; more would only overflow.
            ("implied", Shape::Number(shape)) if count <= 10 => shape.implied = Some(count),
            ("places", Shape::Number(shape)) if count <= 10 => shape.places = count,
            _ => self.problem(format!("{key}={value} does not fit this field.")),
        }
    }

    fn lookup(&mut self, name: &str) {
        match self.lookups.iter().find(|l| l.name == name) {
            Some(lookup) => self.form.lookup = Some(lookup.clone()),
            None => {
                let names: Vec<&str> = self.lookups.iter().map(|l| l.name.as_str()).collect();
                let known = match &names[..] {
                    [] => "it has none".to_string(),
                    names => format!("it has {}", names.join(", ")),
                };
                let text = format!("there is no [lookup.{name}] in this layout; {known}.");
                self.problems.push((text, suggest(name, &names)));
            }
        }
    }

    fn number_option(&mut self, key: &str, value: &str) {
        let Shape::Number(shape) = &mut self.form.shape else {
            return self.problem(format!("{key}= is for numbers only."));
        };
        match (key, value.as_bytes()) {
            ("point", [byte]) => shape.point = *byte,
            ("thousands", [byte]) => shape.thousands = Some(*byte),
            ("sign", b"trailing") => shape.sign = Sign::Trailing,
            ("sign", b"plus") => shape.sign = Sign::Plus,
            ("sign", b"leading") => shape.sign = Sign::Leading,
            ("round", b"down") => shape.round = Some(Round::Down),
            ("round", b"up") => shape.round = Some(Round::Up),
            ("round", b"half") => shape.round = Some(Round::Half),
            ("floor" | "cap", bytes) if decimal::parse(bytes, b'.', shape.scale).is_ok() => {
                let bound = decimal::parse(bytes, b'.', shape.scale).ok();
                *(if key == "floor" { &mut shape.floor } else { &mut shape.cap }) = bound;
            }
            _ => {
                let expected = match key {
                    "sign" => "leading, trailing or plus",
                    "round" => "down, up or half",
                    "floor" | "cap" => "a number like 99",
                    _ => "one character",
                };
                self.problem(format!("{key}=\"{value}\": expected {expected}."));
            }
        }
    }

    fn sign_words(&mut self, key: &str, values: &[String]) {
        let Shape::Number(shape) = &mut self.form.shape else {
            return self.problem(format!("{key}= is for numbers only."));
        };
        *(if key == "minus" { &mut shape.minus } else { &mut shape.plus }) = values.to_vec();
    }

    fn like(&mut self, key: &str, source: &str) {
        let compiled = if key == "take" { Like::of_part(source) } else { Like::of_whole(source) };
        match (compiled, key) {
            // What is left out cannot be written again.
            (Ok(like), "take") => (self.form.take, self.form.direction) = (Some(like), Direction::ReadOnly),
            (Ok(like), _) => self.form.matches = Some(like),
            (Err(text), _) => self.problem(text),
        }
    }

    fn boolean_words(&mut self, key: &str, values: &[String]) {
        let Shape::Boolean { yes, no } = &mut self.form.shape else {
            return self.problem(format!("{key}= is for yes-or-no fields only."));
        };
        *(if key == "yes" { yes } else { no }) = values.to_vec();
    }

    fn patterns(&mut self, source: &str) {
        let mut compiled = Vec::new();
        for part in source.split('|') {
            match Pattern::parse(part) {
                Ok(pattern) => compiled.push(pattern),
                Err(letter) => self.problem(format!(
                    "\"{letter}\" is not a part of a date; known are %Y %y %m %d %b %H %I %p %M %S %f %z %s %Q."
                )),
            }
        }
        match &mut self.form.shape {
            Shape::Date(patterns) if compiled.iter().all(Pattern::has_day) => *patterns = compiled,
            Shape::Time(patterns) if compiled.iter().all(Pattern::has_time) => *patterns = compiled,
            Shape::Instant(patterns) if compiled.iter().all(Pattern::has_day) => *patterns = compiled,
            Shape::Date(_) | Shape::Instant(_) => self.problem(format!(
                "the pattern \"{source}\" says no day (%d, %s or %Q); one with blanks stands in quotes, like instant '%Y-%m-%d %H:%M'."
            )),
            Shape::Time(_) => self.problem(format!("the pattern \"{source}\" says no hour (%H, %I, %s or %Q).")),
            _ => self.problem("a pattern is for dates and times only; write date, time or instant before it."),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::super::{Got, Scratch, Wrong};
    use super::*;

    fn read(form: &str, field_type: FieldType, text: &str) -> Result<String, Wrong> {
        let countries = Lookup::new("country", [("Deutschland".to_string(), "DE".to_string())]);
        let form = read_form(form, Some(&field_type), &[Arc::new(countries)]).unwrap_or_else(|e| panic!("{e:?}"));
        let mut scratch = Scratch::default();
        form.read(text, Tz::Europe__Berlin, &mut scratch).map(|got| match got {
            Got::Nothing => "nothing".to_string(),
            Got::Empty => String::new(),
            Got::Text(text) => text.to_string(),
            Got::Number(n) => n.to_string(),
        })
    }

    #[test]
    fn values_are_read_as_their_form_says() {
        use FieldType::*;
        let table: [(&str, FieldType, &str, Result<&str, Wrong>); 49] = [
            ("decimal point=, thousands=.", Price, "0.123", Err(Wrong::Malformed)),
            ("decimal point=, thousands=.", Price, ".234", Err(Wrong::Malformed)),
            ("decimal point=, thousands=.", Price, "1234.567", Err(Wrong::Malformed)),
            ("decimal point=, thousands=.", Price, "-1.234,5", Ok("-1234500000")),
            ("decimal point=, thousands=.", Price, "0,5", Ok("500000")),
            ("decimal suffix=%", Price, "10 %", Ok("10000000")),
            ("after=*12 before=*", Text(20), "*30abc*12def*99", Ok("def")),
            ("before=) after=(", Text(20), "a) (b)", Ok("b")),
            ("after=*12 before=*", Text(20), "*30abc*99", Err(Wrong::NoMark)),
            ("instant %Q", Instant, "1700000000123", Ok("2023-11-14T22:13:20.123Z")),
            ("instant %s", Instant, "1700000000123", Err(Wrong::Malformed)),
            ("", Text(10), "  a b ", Ok("a b")),
            ("text exact", Text(10), " a ", Ok(" a ")),
            ("text", Text(3), "äöüß", Err(Wrong::TooLong { max: 3, found: 4 })),
            ("text cut=2", Text(3), "äöüß", Ok("äö")),
            ("text none=.|-", Text(3), "-", Ok("")),
            ("default=EUR", Currency, "", Ok("EUR")),
            ("", Currency, "Euro", Err(Wrong::Malformed)),
            ("lookup=country", Country, "Deutschland", Ok("DE")),
            ("lookup=country", Country, "Narnia", Err(Wrong::NotListed)),
            ("lookup=country unlisted=keep", Country, "SE", Ok("SE")),
            ("decimal point=, thousands=.", Price, "1.234,50", Ok("1234500000")),
            ("decimal point=, thousands=.", Price, "1.23,50", Err(Wrong::Malformed)),
            ("decimal implied=3", Quantity, "0002500", Ok("2500000")),
            ("decimal implied=2 none=000000", Price, "000000", Ok("")),
            ("decimal implied=2", Price, "1.5", Err(Wrong::Malformed)),
            ("decimal sign=trailing", Money, "5.5-", Ok("-5500000")),
            ("decimal sign=trailing", Money, "-5.5-", Err(Wrong::Malformed)),
            ("integer", Integer, "2.5", Err(Wrong::TooFine)),
            ("boolean Y/N", Boolean, "y", Ok("1")),
            ("boolean yes=J|Ja no=N|''", Boolean, "Ja", Ok("1")),
            ("boolean yes=J no=''", Boolean, " ", Ok("0")),
            ("date %y%m%d none=000000", Date, "000000", Ok("")),
            ("date '%d-%b-%Y|%d/%m/%Y'", Date, "02/01/2015", Ok("2015-01-02")),
            ("text prefix=W strip=0", Text(20), "W0070012", Ok("70012")),
            ("text after=' ' upper", Text(20), "169 solna", Ok("SOLNA")),
            ("match=[A-Z0-9-]+", Text(20), "PO-1", Ok("PO-1")),
            ("match=[A-Z0-9-]+", Text(20), "PO 1", Err(Wrong::NotLike)),
            ("take='^([0-9 ]+) [^0-9]'", Text(20), "169 67 Solna", Ok("169 67")),
            ("take='([^0-9]+)$'", Text(20), "12345", Err(Wrong::NotLike)),
            ("breaks=<br> upper", Text(20), "a<br>b", Ok("A\nB")),
            ("empty=leaves clear=*", Text(20), "", Ok("nothing")),
            ("empty=leaves clear=*", Text(20), "*", Ok("")),
            ("integer", Quantity, "2.0", Ok("2000000")),
            ("integer", Quantity, "2.5", Err(Wrong::TooFine)),
            ("decimal minus=CR|- plus=DR", Money, "12.5 CR", Ok("-12500000")),
            ("decimal minus=CR|- plus=DR", Money, "12.5DR", Ok("12500000")),
            ("decimal minus=-", Money, "--1", Err(Wrong::Malformed)),
            ("decimal implied=2 minus=-", Money, "000150-", Ok("-1500000")),
        ];
        for (form, field_type, text, expected) in table {
            assert_eq!(read(form, field_type, text).as_deref(), expected.as_ref().map(|t| *t), "{form} <{text}>");
        }
    }

    #[test]
    fn a_wrong_form_is_explained_with_what_was_meant() {
        let problems = |form: &str, t: FieldType| format!("{:?}", read_form(form, Some(&t), &[]).unwrap_err());
        assert!(problems("decimal implid=2", FieldType::Price).contains("Did you mean \\\"implied\\\"?"));
        assert!(problems("text", FieldType::Price).contains("expected decimal or integer"));
        assert!(problems("lookup=country", FieldType::Country).contains("no [lookup.country]"));
        assert!(problems("date %K", FieldType::Date).contains("%K"));
        assert!(problems("date %H", FieldType::Date).contains("no day"));
        assert!(problems("implied=2", FieldType::Text(5)).contains("does not fit"));
        assert!(problems("implied=2 point=,", FieldType::Price).contains("one of them"));
        assert!(problems("thousands=.", FieldType::Price).contains("between thousands"));
        assert!(problems("yes=J|1 no=0|J", FieldType::Boolean).contains("\\\"J\\\" cannot mean both"));
        assert!(problems("match=(a", FieldType::Text(5)).contains("not a regular expression"));
        assert!(problems("take=a", FieldType::Text(5)).contains("pair of brackets"));
        assert!(problems("round=often", FieldType::Price).contains("down, up or half"));
        assert!(problems("append=' '", FieldType::Price).contains("plain texts"));
        assert!(problems("floor=2 cap=1", FieldType::Price).contains("above the cap"));
        assert!(problems("read-only write-only", FieldType::Text(5)).contains("leave nothing"));
    }
}
