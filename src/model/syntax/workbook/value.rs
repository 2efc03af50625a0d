//! What a cell holds, as text: a number by its digits, a day as one, a text without its escapes.

use super::BadCell;
use super::styles::Look;

/// Excel keeps and shows so many digits; what stands behind them is the binary fraction's.
const DIGITS: i32 = 15;
/// 31 December 9999.
const LAST_DAY: f64 = 2_958_466.0;
const SECONDS_A_DAY: i64 = 86_400;
/// Days from 30 December 1899, from which Excel's days count since March 1900, and from 1 January 1904.
const DAYS_TO_1904: i64 = 1_462;
/// The day that Excel counts and no calendar has: 29 February 1900.
const NO_DAY: i64 = 60;

/// A number cell: its text in the file to what a person reads in the cell.
pub fn number(text: &str, look: Look, since_1904: bool) -> Result<String, BadCell> {
    let Some(number) = text.trim().parse::<f64>().ok().filter(|number| number.is_finite()) else {
        return Ok(text.to_string());
    };
    match look {
        Look::Moment => moment(number, since_1904).ok_or(BadCell::Moment),
        Look::Plain => digits(number),
        Look::Zeros(width) => digits(number).map(|digits| match digits.bytes().all(|b| b.is_ascii_digit()) {
            true => format!("{digits:0>width$}"),
            false => digits,
        }),
    }
}

/// All digits that Excel keeps, without an exponent and without zeros that say nothing.
fn digits(number: f64) -> Result<String, BadCell> {
    if number.abs() >= 10f64.powi(DIGITS) {
        return Err(BadCell::Digits);
    }
    let scientific = format!("{number:.*e}", (DIGITS - 1) as usize);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return Ok("0".to_string());
    }
    let point = exponent + 1;
    if point <= 0 {
        // What is smaller than any number of ours is told as it is, and refused by its form.
        return Ok(if point < -30 { scientific } else { format!("{sign}0.{}{digits}", "0".repeat(-point as usize)) });
    }
    let point = point as usize;
    Ok(match digits.len() <= point {
        true => format!("{sign}{digits:0<point$}"),
        false => format!("{sign}{}.{}", &digits[..point], &digits[point..]),
    })
}

/// `2026-03-11`, `14:30:00` or `2026-03-11T14:30:00`.
fn moment(number: f64, since_1904: bool) -> Option<String> {
    if !(0.0..LAST_DAY).contains(&number) {
        return None;
    }
    let seconds = (number * SECONDS_A_DAY as f64).round() as i64;
    let (day, second) = (seconds / SECONDS_A_DAY, seconds % SECONDS_A_DAY);
    let time = format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
    if day == 0 && !since_1904 {
        return Some(time);
    }
    if day == 0 && second > 0 {
        return Some(time);
    }
    let since_1899 = match (since_1904, day) {
        (true, day) => day + DAYS_TO_1904,
        (false, NO_DAY) => return None,
        (false, day) if day < NO_DAY => day + 1,
        (false, day) => day,
    };
    let date = chrono::NaiveDate::from_ymd_opt(1899, 12, 30)?.checked_add_signed(chrono::Duration::days(since_1899))?;
    Some(if second == 0 { date.to_string() } else { format!("{date}T{time}") })
}

/// A text as it was typed: `_x000A_` is a line break, `_x005F_` the underscore before what only looks so.
pub fn text(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match escaped(rest) {
            Some(c) => {
                out.push(c);
                rest = &rest["_x0000_".len()..];
            }
            None => {
                out.push_str("_x");
                rest = &rest[2..];
            }
        }
    }
    out.push_str(rest);
    if out.contains('\r') {
        *out = out.replace("\r\n", "\n");
    }
}

fn escaped(rest: &str) -> Option<char> {
    let code = rest.get(2..6).filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let c = char::from_u32(u32::from_str_radix(code, 16).ok()?)?;
    (rest.get(6..7) == Some("_") && (!c.is_control() || matches!(c, '\t' | '\n' | '\r'))).then_some(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_a_person_reads() {
        for (stored, read) in [
            ("4711", "4711"),
            ("4711.0", "4711"),
            ("12.1", "12.1"),
            ("36.299999999999997", "36.3"),
            ("0.30000000000000004", "0.3"),
            ("4006381333931", "4006381333931"),
            ("999999999999999", "999999999999999"),
            ("1.23E+5", "123000"),
            ("-2.5E-3", "-0.0025"),
            ("0", "0"),
            ("-0", "0"),
            ("1E-2", "0.01"),
            ("100", "100"),
            ("x", "x"),
        ] {
            assert_eq!(number(stored, Look::Plain, false), Ok(read.to_string()), "{stored}");
        }
        for lost in ["1234567890123456", "4.0063813339310123E+17", "1E+15"] {
            assert_eq!(number(lost, Look::Plain, false), Err(BadCell::Digits), "{lost}");
        }
        assert_eq!(number("1067", Look::Zeros(5), false), Ok("01067".to_string()));
        assert_eq!(number("-7", Look::Zeros(5), false), Ok("-7".to_string()));
    }

    #[test]
    fn days_are_days_in_both_calendars() {
        let day = |text: &str, since_1904| number(text, Look::Moment, since_1904);
        for (serial, read) in [
            ("46092", "2026-03-11"),
            ("46092.604166666664", "2026-03-11T14:30:00"),
            ("0.5", "12:00:00"),
            ("1", "1900-01-01"),
            ("59", "1900-02-28"),
            ("61", "1900-03-01"),
            ("46091.9999999", "2026-03-11"),
            ("2958465", "9999-12-31"),
        ] {
            assert_eq!(day(serial, false), Ok(read.to_string()), "{serial}");
        }
        assert_eq!(day("44630", true), Ok("2026-03-11".to_string()));
        assert_eq!(day("0", true), Ok("1904-01-01".to_string()));
        for wrong in ["60", "-1", "2958466"] {
            assert_eq!(day(wrong, false), Err(BadCell::Moment), "{wrong}");
        }
    }

    #[test]
    fn escapes_of_texts_are_taken_out() {
        let read = |from: &str| {
            let mut out = String::new();
            text(from, &mut out);
            out
        };
        assert_eq!(read("a_x000D__x000A_b_x005F_x0041_ _x _x12 _x0001_"), "a\nb_x0041_ _x _x12 _x0001_");
        assert_eq!(read("_xäöü_"), "_xäöü_");
    }
}
