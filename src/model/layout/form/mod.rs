//! Forms: how one value looks at the partner's, and the way from there to ours and back.
//!
//! `words` reads the small language (`decimal implied=2 none=000000`), this file holds what it compiles to and reads values
//! by it, `write` is the way back, `moment` knows dates and times. A form knows no place and no message; who calls it
//! says where a value stood.

mod like;
pub mod moment;
mod number;
mod short;
mod words;
mod write;

use std::sync::Arc;

use chrono_tz::Tz;

pub use self::like::Like;
use self::moment::Pattern;
pub use self::number::{NumberShape, Round, Sign};
use super::lookup::Lookup;
use crate::model::decimal::NotDecimal;
use crate::model::rules::identity;

pub use self::words::{OPTIONS, TYPES, read_form};
pub use self::write::NotWritable;

/// How one value is read and written. Compiled once.
#[derive(Debug, Clone)]
pub struct Form {
    pub shape: Shape,
    /// An empty value is a problem.
    pub required: bool,
    /// The column or element may be absent from the file.
    pub optional: bool,
    /// Blanks around the value belong to it.
    pub exact: bool,
    /// Longest value in characters.
    pub max: Option<usize>,
    /// Longer values are cut, not refused.
    pub cut: bool,
    /// What the partner writes for nothing; the first is written.
    pub nones: Vec<String>,
    /// Taken, in the partner's words, where he sends nothing.
    pub default: Option<String>,
    /// The partner's words for "there is nothing any more"; his empty value says nothing then, if `empty_leaves`.
    pub clears: Vec<String>,
    /// An empty value changes nothing.
    pub empty_leaves: bool,
    /// What a value must look like.
    pub matches: Option<Like>,
    /// The part of a value that counts.
    pub take: Option<Like>,
    /// Stands for a line break.
    pub breaks: Option<String>,
    /// Only what stands before or after the first of these.
    pub before: Option<String>,
    pub after: Option<String>,
    pub prefix: String,
    pub suffix: String,
    /// Leading characters taken off.
    pub strip: Option<char>,
    pub case: Option<Case>,
    pub lookup: Option<Arc<Lookup>>,
    /// Values that the lookup does not list pass as they are.
    pub keep_unlisted: bool,
    /// Fill character and side when written to a width.
    pub pad: Option<char>,
    pub align: Option<Align>,
    /// Written to this width where the place has none.
    pub width: usize,
    /// Between the parts of a joined place.
    pub join: String,
    /// A further value goes behind the one before, with this between them: texts of several records.
    pub append: Option<String>,
    /// For a place that does not carry the whole truth: only one direction uses this row.
    pub direction: Direction,
    /// Personal data, whatever the kind says of it: overwritten when a copy is redacted.
    pub personal: bool,
    /// A value that does not fit is passed over: another row has it.
    pub fitting: bool,
    /// Nothing but trimming happens before the shape is read: the fast path.
    plain: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    Text(Check),
    Number(NumberShape),
    Boolean { yes: Vec<String>, no: Vec<String> },
    Date(Vec<Pattern>),
    Time(Vec<Pattern>),
    Instant(Vec<Pattern>),
}

/// What a text must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    Any,
    /// One number has one writing.
    Identifier,
    Currency,
    Country,
    Choice(Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Upper,
    Lower,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Both,
    ReadOnly,
    WriteOnly,
}

/// A value read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Got<'a> {
    /// Says nothing: what is known stays.
    Nothing,
    Empty,
    Text(&'a str),
    Number(i64),
}

/// Why a text is not a value of this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// Not a number, date … at all.
    Malformed,
    TooFine,
    TooLarge,
    TooLong {
        max: usize,
        found: usize,
    },
    NotListed,
    /// The part before or after the mark is not there.
    NoMark,
    /// It does not look like what the layout says.
    NotLike,
    /// An identifier with a character that nobody sees.
    Invisible(char),
}

/// Room for values that are not a piece of the file; reused from value to value.
#[derive(Debug, Default)]
pub struct Scratch {
    changed: String,
    made: String,
}

impl Form {
    /// Whether it asks something of a value, so that one must be looked at even where nothing is kept of it.
    pub fn asks(&self) -> bool {
        !self.plain && self.default.is_none()
            || self.required
            || self.max.is_some()
            || self.shape != Shape::Text(Check::Any)
    }

    /// Reads what stands at a place. The result may point into `scratch`, which is overwritten.
    pub fn read<'a>(&'a self, text: &'a str, zone: Tz, scratch: &'a mut Scratch) -> Result<Got<'a>, Wrong> {
        let mut text = if self.exact { text } else { trimmed(text) };
        if !self.plain {
            text = self.narrow(text)?;
        }
        if text.is_empty() {
            if let Shape::Boolean { yes, no } = &self.shape
                && yes.iter().chain(no).any(String::is_empty)
            {
                return Ok(Got::Number(i64::from(yes.iter().any(String::is_empty))));
            }
            return Ok(if self.empty_leaves { Got::Nothing } else { Got::Empty });
        }
        if self.clears.iter().any(|clear| clear == text) {
            return Ok(Got::Empty);
        }
        let Scratch { changed, made } = scratch;
        let breaks = self.breaks.as_deref().filter(|mark| text.contains(mark));
        if breaks.is_some() || self.case.is_some() {
            let lines = breaks.map_or(text.to_string(), |mark| text.replace(mark, "\n"));
            *changed = match self.case {
                Some(Case::Upper) => lines.to_uppercase(),
                Some(Case::Lower) => lines.to_lowercase(),
                None => lines,
            };
            text = changed;
        }
        made.clear();
        match &self.shape {
            Shape::Text(check) => self.read_text(text, check, made),
            Shape::Number(shape) => shape.read(text.as_bytes()).map(Got::Number),
            Shape::Boolean { yes, no } => read_boolean(text, yes, no),
            Shape::Date(patterns) => {
                let date = patterns.iter().find_map(|p| p.read(text)?.date()).ok_or(Wrong::Malformed)?;
                moment::push_date(date, made);
                Ok(Got::Text(made))
            }
            Shape::Time(patterns) => {
                let time = patterns.iter().find_map(|p| p.read(text)?.time()).ok_or(Wrong::Malformed)?;
                moment::push_time(time, made);
                Ok(Got::Text(made))
            }
            Shape::Instant(patterns) => {
                let instant = patterns.iter().find_map(|p| p.read(text)?.instant(zone)).ok_or(Wrong::Malformed)?;
                moment::push_instant(instant, made);
                Ok(Got::Text(made))
            }
        }
    }

    /// From what stands there to the partner's word for the value, and through his table to ours.
    fn narrow<'a>(&'a self, text: &'a str) -> Result<&'a str, Wrong> {
        let mut text = text;
        // `after` first: with both it is what stands between them, also where the second mark stands before the first too.
        if let (Some(mark), false) = (&self.after, text.is_empty()) {
            text = text.split_once(mark.as_str()).ok_or(Wrong::NoMark)?.1.trim_start();
        }
        if let (Some(mark), false) = (&self.before, text.is_empty()) {
            text = text.split_once(mark.as_str()).ok_or(Wrong::NoMark)?.0.trim_end();
        }
        if self.nones.iter().any(|none| none == text) {
            text = "";
        }
        if (self.matches.is_some() || self.take.is_some())
            && let Some(found) = Like::too_long(text)
        {
            return Err(Wrong::TooLong { max: like::LONGEST_BYTES, found });
        }
        if let (Some(like), false) = (&self.matches, text.is_empty()) {
            like.whole(text).ok_or(Wrong::NotLike)?;
        }
        if let (Some(like), false) = (&self.take, text.is_empty()) {
            text = like.part(text).ok_or(Wrong::NotLike)?.trim();
        }
        if text.is_empty() {
            text = self.default.as_deref().unwrap_or_default();
        }
        if self.clears.iter().any(|clear| clear == text) {
            return Ok(text);
        }
        text = text.strip_prefix(self.prefix.as_str()).unwrap_or(text);
        text = text.strip_suffix(self.suffix.as_str()).unwrap_or(text);
        // `10 %`: the blank belongs to the sign of it, never to the number.
        if matches!(self.shape, Shape::Number(_)) {
            text = text.trim();
        }
        if let Some(strip) = self.strip {
            let stripped = text.trim_start_matches(strip);
            // Zeros alone are the number zero, not nothing.
            text = if stripped.is_empty() && strip == '0' && !text.is_empty() { "0" } else { stripped };
        }
        if let (Some(lookup), false) = (&self.lookup, text.is_empty()) {
            text = match lookup.ours(text) {
                Some(ours) => ours,
                None if self.keep_unlisted => text,
                None => return Err(Wrong::NotListed),
            };
        }
        Ok(text)
    }

    fn read_text<'a>(&self, text: &'a str, check: &Check, made: &'a mut String) -> Result<Got<'a>, Wrong> {
        let mut text = text;
        let fits = match check {
            Check::Any => true,
            Check::Identifier => {
                text = identity::bare(text, made).map_err(|identity::Invisible(c)| Wrong::Invisible(c))?;
                if text.is_empty() {
                    return Ok(Got::Empty);
                }
                true
            }
            Check::Currency => text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase()),
            Check::Country => text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()),
            Check::Choice(words) => words.iter().any(|word| word == text),
        };
        if !fits {
            return Err(Wrong::Malformed);
        }
        match self.max {
            // Bytes are never fewer than characters.
            Some(max) if text.len() > max => {
                let found = text.chars().count();
                if found <= max {
                    Ok(Got::Text(text))
                } else if self.cut {
                    let end = text.char_indices().nth(max).map_or(text.len(), |(at, _)| at);
                    Ok(Got::Text(&text[..end]))
                } else {
                    Err(Wrong::TooLong { max, found })
                }
            }
            _ => Ok(Got::Text(text)),
        }
    }
}

/// Most values begin and end with a letter or digit: one look at each end.
#[inline]
fn trimmed(text: &str) -> &str {
    let visible = |b: Option<&u8>| b.is_some_and(u8::is_ascii_graphic);
    let bytes = text.as_bytes();
    if visible(bytes.first()) && visible(bytes.last()) { text } else { text.trim() }
}

fn read_boolean<'a>(text: &str, yes: &[String], no: &[String]) -> Result<Got<'a>, Wrong> {
    let listed = |words: &[String]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if listed(yes) {
        Ok(Got::Number(1))
    } else if listed(no) {
        Ok(Got::Number(0))
    } else {
        Err(Wrong::Malformed)
    }
}

impl From<NotDecimal> for Wrong {
    fn from(why: NotDecimal) -> Self {
        match why {
            NotDecimal::Malformed => Wrong::Malformed,
            NotDecimal::TooFine => Wrong::TooFine,
            NotDecimal::TooLarge => Wrong::TooLarge,
        }
    }
}
