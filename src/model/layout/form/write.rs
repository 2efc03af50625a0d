//! The way back: from our value to what the partner reads.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

use super::moment::Pattern;
use super::{Align, Case, Form, Shape};
use crate::model::batch::Value;
use crate::model::decimal;

/// Why a value cannot be written as the form wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotWritable {
    /// Longer than the place.
    TooLong { value: String, width: usize },
    /// More digits after the point than the partner's notation has.
    TooFine(String),
    /// The partner's table has no word for it.
    NotListed(String),
    /// It does not look like what the partner's page says.
    NotLike(String),
    /// The form is for another type of value.
    WrongType(String),
}

impl Form {
    /// Appends the value in the partner's notation, not yet padded.
    pub fn write(&self, value: Value<'_>, zone: Tz, out: &mut String) -> Result<(), NotWritable> {
        let start = out.len();
        match value {
            Value::Missing | Value::Empty => {
                let clear = self.clears.first().filter(|_| value == Value::Empty);
                out.push_str(clear.or(self.nones.first()).map_or("", String::as_str));
                return Ok(());
            }
            Value::Number(number) => self.write_number(number, out)?,
            Value::Text(text) => self.write_text(text, zone, out)?,
        }
        if let Some(mark) = self.breaks.as_deref().filter(|_| out[start..].contains(['\n', '\r'])) {
            let one_line = out[start..].replace("\r\n", mark).replace(['\n', '\r'], mark);
            out.truncate(start);
            out.push_str(&one_line);
        }
        if let Some(lookup) = &self.lookup {
            match lookup.theirs(&out[start..]) {
                Some(theirs) => {
                    let theirs = theirs.to_string();
                    out.truncate(start);
                    out.push_str(&theirs);
                }
                None if self.keep_unlisted => {}
                None => return Err(NotWritable::NotListed(out[start..].to_string())),
            }
        }
        if let Some(case) = self.case {
            let changed = match case {
                Case::Upper => out[start..].to_uppercase(),
                Case::Lower => out[start..].to_lowercase(),
            };
            out.truncate(start);
            out.push_str(&changed);
        }
        if !self.prefix.is_empty() {
            out.insert_str(start, &self.prefix);
        }
        out.push_str(&self.suffix);
        match &self.matches {
            Some(like) if out.len() > start && like.whole(&out[start..]).is_none() => {
                Err(NotWritable::NotLike(out[start..].to_string()))
            }
            _ => Ok(()),
        }
    }

    fn write_number(&self, number: i64, out: &mut String) -> Result<(), NotWritable> {
        match &self.shape {
            Shape::Number(shape) => shape.write(number, out),
            Shape::Boolean { yes, no } => {
                let words = if number != 0 { yes } else { no };
                out.push_str(words.first().map_or("", String::as_str));
                Ok(())
            }
            _ => Err(NotWritable::WrongType(number.to_string())),
        }
    }

    fn write_text(&self, text: &str, zone: Tz, out: &mut String) -> Result<(), NotWritable> {
        let wrong = || NotWritable::WrongType(text.to_string());
        match &self.shape {
            Shape::Text(_) => match (self.max, self.cut) {
                (Some(max), true) => out.extend(text.chars().take(max)),
                (Some(max), false) if text.len() > max && text.chars().count() > max => {
                    return Err(NotWritable::TooLong { value: text.to_string(), width: max });
                }
                _ => out.push_str(text),
            },
            // As it is stored: a million rows with a date each are not taken apart and put together again.
            Shape::Date(patterns) if text.len() == 10 && patterns.first().is_some_and(|p| p.source() == "%Y-%m-%d") => {
                out.push_str(text);
            }
            Shape::Date(patterns) => {
                let date: NaiveDate = text.parse().map_err(|_| wrong())?;
                write_moment(patterns, date.and_time(NaiveTime::MIN), 0, out);
            }
            Shape::Time(patterns) => {
                let time: NaiveTime = text.parse().map_err(|_| wrong())?;
                write_moment(patterns, NaiveDate::default().and_time(time), 0, out);
            }
            Shape::Instant(patterns) => {
                let instant: DateTime<Utc> = text.parse().map_err(|_| wrong())?;
                let offset = if patterns.first().is_some_and(|p| p.source().ends_with("%z")) {
                    0
                } else {
                    use chrono::Offset;
                    zone.offset_from_utc_datetime(&instant.naive_utc()).fix().local_minus_utc()
                };
                let wall = instant.naive_utc() + chrono::TimeDelta::seconds(offset as i64);
                write_moment(patterns, wall, offset, out);
            }
            // A number of the partner's own is kept as text.
            Shape::Number(shape) => {
                let number = decimal::parse(text.as_bytes(), b'.', shape.scale).map_err(|_| wrong())?;
                shape.write(number, out)?;
            }
            Shape::Boolean { .. } => {
                let number = ["false", "true"].iter().position(|word| *word == text).ok_or_else(wrong)?;
                self.write_number(number as i64, out)?;
            }
        }
        Ok(())
    }

    /// Fills `text` up to `width` characters on the form's side.
    pub fn pad_to(&self, text: &str, width: usize, out: &mut String) -> Result<(), NotWritable> {
        let length = text.chars().count();
        if length > width {
            return Err(NotWritable::TooLong { value: text.to_string(), width });
        }
        let zero_filled = matches!(&self.shape, Shape::Number(shape) if shape.implied.is_some());
        let fill = self.pad.unwrap_or(if zero_filled && !text.is_empty() { '0' } else { ' ' });
        let right = match self.align {
            Some(align) => align == Align::Right,
            None => matches!(self.shape, Shape::Number(_)),
        };
        let blanks = width - length;
        if !right {
            out.push_str(text);
            out.extend(std::iter::repeat_n(fill, blanks));
            return Ok(());
        }
        // A minus stands before the zeros, not among them.
        match text.strip_prefix('-').filter(|_| fill == '0') {
            Some(digits) => {
                out.push('-');
                out.extend(std::iter::repeat_n(fill, blanks));
                out.push_str(digits);
            }
            None => {
                out.extend(std::iter::repeat_n(fill, blanks));
                out.push_str(text);
            }
        }
        Ok(())
    }
}

fn write_moment(patterns: &[Pattern], moment: NaiveDateTime, offset: i32, out: &mut String) {
    if let Some(pattern) = patterns.first() {
        pattern.write(moment, offset, out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::read_form;
    use super::*;
    use crate::model::kind::FieldType;

    fn written(form: &str, field_type: FieldType, value: Value<'_>) -> Result<String, NotWritable> {
        let mut out = String::new();
        let form = read_form(form, Some(&field_type), &[]).unwrap();
        form.write(value, Tz::Europe__Berlin, &mut out).map(|()| out)
    }

    #[test]
    fn values_are_written_as_their_form_says() {
        use FieldType::*;
        let table = [
            ("decimal point=, thousands=. places=2", Price, Value::Number(1_234_567_500_000), "1.234.567,50"),
            ("decimal implied=2", Price, Value::Number(-1_500_000), "-150"),
            ("decimal sign=trailing", Money, Value::Number(-5_500_000), "5.5-"),
            ("boolean J/N", Boolean, Value::Number(0), "N"),
            ("date %d.%m.%Y", Date, Value::Text("2024-02-29"), "29.02.2024"),
            ("date %y%m%d none=000000", Date, Value::Missing, "000000"),
            ("instant '%Y-%m-%d %H:%M'", Instant, Value::Text("2026-07-01T10:00:00Z"), "2026-07-01 12:00"),
            ("instant", Instant, Value::Text("2026-07-01T10:00:00Z"), "2026-07-01T10:00:00Z"),
            ("text prefix=W cut=3", Text(10), Value::Text("äbcd"), "Wäbc"),
            ("integer round=down floor=0 cap=99", Quantity, Value::Number(7_900_000), "7"),
            ("integer round=up", Quantity, Value::Number(7_100_000), "8"),
            ("integer round=half", Quantity, Value::Number(-2_500_000), "-3"),
            ("integer floor=0", Quantity, Value::Number(-2_500_000), "0"),
            ("integer cap=99", Quantity, Value::Number(640_000_000), "99"),
            ("decimal round=half places=2", Price, Value::Number(1_005_000), "1.01"),
            ("decimal implied=2 round=half", Price, Value::Number(1_004_999), "100"),
            ("decimal minus=H plus=S places=2", Money, Value::Number(-5_500_000), "H5.50"),
            ("text breaks=' / '", Text(20), Value::Text("a\r\nb\nc"), "a / b / c"),
            ("text clear=*", Text(20), Value::Empty, "*"),
        ];
        for (form, field_type, value, expected) in table {
            assert_eq!(written(form, field_type, value).as_deref(), Ok(expected), "{form}");
        }
        assert!(matches!(written("max=3", Text(20), Value::Text("äöüß")), Err(NotWritable::TooLong { width: 3, .. })));
        assert_eq!(written("max=4", Text(20), Value::Text("äöüß")).as_deref(), Ok("äöüß"));
        let like = "match=[0-9]{3}-[0-9]{7}";
        assert_eq!(written(like, Text(20), Value::Text("058-3563777")).as_deref(), Ok("058-3563777"));
        assert!(matches!(written(like, Text(20), Value::Text("PO-1")), Err(NotWritable::NotLike(_))));
        assert_eq!(written(like, Text(20), Value::Missing).as_deref(), Ok(""));
        assert!(matches!(written("integer", Quantity, Value::Number(2_500_000)), Err(NotWritable::TooFine(_))));
        assert!(matches!(
            written("decimal implied=2", Price, Value::Number(1)),
            Err(NotWritable::TooFine(text)) if text == "0.000001"
        ));
    }

    #[test]
    fn padding_is_on_the_right_side() {
        let padded = |form: &str, field_type: FieldType, text: &str, width| {
            let mut out = String::new();
            read_form(form, Some(&field_type), &[]).unwrap().pad_to(text, width, &mut out).map(|()| out)
        };
        assert_eq!(padded("", FieldType::Text(9), "ab", 4).as_deref(), Ok("ab  "));
        assert_eq!(padded("decimal implied=2", FieldType::Price, "-150", 6).as_deref(), Ok("-00150"));
        assert_eq!(padded("", FieldType::Price, "1.5", 6).as_deref(), Ok("   1.5"));
        assert!(padded("", FieldType::Text(9), "abcde", 4).is_err());
    }
}
