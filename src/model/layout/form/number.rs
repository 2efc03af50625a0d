//! Numbers as partners write them: point, thousands, implied decimals, signs; rounded and clipped only when written, and only
//! where the layout says so. What is read is exact or refused.

use super::Wrong;
use super::write::NotWritable;
use crate::model::decimal;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberShape {
    /// Scale of the field, digits after the point that are kept.
    pub scale: u32,
    pub point: u8,
    /// Separates thousands, where the partner does that.
    pub thousands: Option<u8>,
    /// Digits after a point that is not written.
    pub implied: Option<u32>,
    /// Least digits after the point when written; with `round`, all of them.
    pub places: u32,
    pub sign: Sign,
    /// Words before or behind the digits that say the sign.
    pub minus: Vec<String>,
    pub plus: Vec<String>,
    /// Whole numbers only.
    pub whole: bool,
    /// When written; without it a finer number is an error.
    pub round: Option<Round>,
    /// When written: what is below or above becomes this.
    pub floor: Option<i64>,
    pub cap: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// `-5`
    Leading,
    /// `5-`
    Trailing,
    /// `+5` is allowed and written.
    Plus,
}

/// What becomes of digits that have no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// Towards zero.
    Down,
    /// Away from zero.
    Up,
    /// To the nearest; halves away from zero.
    Half,
}

impl NumberShape {
    /// Our own notation.
    pub fn natural(scale: u32) -> Self {
        NumberShape {
            scale,
            point: b'.',
            thousands: None,
            implied: None,
            places: 0,
            sign: Sign::Leading,
            minus: Vec::new(),
            plus: Vec::new(),
            whole: false,
            round: None,
            floor: None,
            cap: None,
        }
    }

    /// Exact or refused, never rounded.
    pub(super) fn read(&self, text: &[u8]) -> Result<i64, Wrong> {
        let plain = typed(text, self.thousands);
        let mut text = plain.as_deref().unwrap_or(text);
        let mut negative = false;
        if let Some(rest) = without(text, &self.minus) {
            (negative, text) = (true, rest);
        } else if let Some(rest) = without(text, &self.plus) {
            text = rest;
        }
        match self.sign {
            Sign::Leading => {}
            Sign::Plus => text = text.strip_prefix(b"+").unwrap_or(text),
            Sign::Trailing => {
                if let Some(rest) = text.strip_suffix(b"-") {
                    (negative, text) = (true, rest);
                }
            }
        }
        let without;
        if let Some(mark) = self.thousands {
            without = ungroup(text, mark, self.point).ok_or(Wrong::Malformed)?;
            text = &without;
        }
        let value = match self.implied {
            None => decimal::parse(text, self.point, self.scale)?,
            Some(_) if text.contains(&self.point) => return Err(Wrong::Malformed),
            Some(implied) => {
                let digits = decimal::parse(text, self.point, 0)?;
                rescale(digits, implied, self.scale)?
            }
        };
        if negative && value < 0 {
            return Err(Wrong::Malformed);
        }
        if self.whole && value % 10i64.pow(self.scale) != 0 {
            return Err(Wrong::TooFine);
        }
        Ok(if negative { -value } else { value })
    }

    pub(super) fn write(&self, number: i64, out: &mut String) -> Result<(), NotWritable> {
        let number = self.floor.map_or(number, |floor| number.max(floor));
        let number = self.cap.map_or(number, |cap| number.min(cap));
        let number = self.rounded(number)?;
        let mut digits = Vec::with_capacity(24);
        match self.implied {
            None => decimal::print_fixed(number, self.scale, self.point, self.places, &mut digits),
            Some(implied) => {
                let too_fine = || NotWritable::TooFine(decimal::text(number, self.scale));
                let shifted = rescale(number, self.scale, implied).map_err(|_| too_fine())?;
                decimal::print(shifted, 0, self.point, &mut digits);
            }
        }
        let negative = digits.first() == Some(&b'-');
        let word = if negative { self.minus.first() } else { self.plus.first() };
        match self.sign {
            _ if negative && word.is_some() => {
                digits.remove(0);
            }
            Sign::Plus if !negative && word.is_none() => out.push('+'),
            Sign::Trailing if negative => {
                digits.remove(0);
                digits.push(b'-');
            }
            _ => {}
        }
        if let Some(mark) = self.thousands {
            group(&mut digits, mark, self.point);
        }
        out.push_str(word.map_or("", String::as_str));
        out.extend(digits.iter().map(|b| *b as char));
        Ok(())
    }

    /// The number as fine as it can be written: rounded where the layout says so, else refused.
    fn rounded(&self, number: i64) -> Result<i64, NotWritable> {
        let kept = match (self.whole, self.implied) {
            (true, _) => 0,
            (false, Some(implied)) => implied,
            (false, None) if self.round.is_some() => self.places,
            (false, None) => self.scale,
        };
        let step = 10i64.pow(self.scale.saturating_sub(kept));
        let rest = number % step;
        if rest == 0 {
            return Ok(number);
        }
        let too_fine = || NotWritable::TooFine(decimal::text(number, self.scale));
        let away = match self.round.ok_or_else(too_fine)? {
            Round::Down => false,
            Round::Up => true,
            Round::Half => rest.unsigned_abs() * 2 >= step.unsigned_abs(),
        };
        let down = number - rest;
        if away { down.checked_add(step * number.signum()).ok_or_else(too_fine) } else { Ok(down) }
    }
}

/// Programs for print write a minus of its own, and blanks that do not break between thousands; both mean what is typed.
fn typed(text: &[u8], thousands: Option<u8>) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok().filter(|text| !text.is_ascii())?;
    let text = text.replace('\u{2212}', "-");
    let blank = thousands == Some(b' ');
    Some(if blank { text.replace(['\u{a0}', '\u{202f}', '\u{2009}'], " ") } else { text }.into_bytes())
}

/// What is left when one of the words before or behind is taken off.
fn without<'t>(text: &'t [u8], words: &[String]) -> Option<&'t [u8]> {
    let words = words.iter().map(|word| word.as_bytes()).filter(|word| !word.is_empty());
    let mut rests = words.filter_map(|word| text.strip_prefix(word).or_else(|| text.strip_suffix(word)));
    rests.next().map(<[u8]>::trim_ascii)
}

/// Takes thousands marks out where they stand between groups of three digits, nothing where they do not. Before the first
/// stand one to three digits and no zero: `0.123` and `.123` are decimals of somebody who writes a point.
fn ungroup(text: &[u8], mark: u8, point: u8) -> Option<Vec<u8>> {
    let whole = text.iter().position(|b| *b == point).unwrap_or(text.len());
    let mut groups = text[..whole].split(|b| *b == mark);
    let mut out = groups.next()?.to_vec();
    let digits = out.strip_prefix(b"-").or(out.strip_prefix(b"+")).unwrap_or(&out);
    let can_lead = (1..=3).contains(&digits.len()) && digits[0] != b'0';
    for group in groups {
        if !can_lead {
            return None;
        }
        if group.len() != 3 {
            return None;
        }
        out.extend_from_slice(group);
    }
    out.extend_from_slice(&text[whole..]);
    Some(out)
}

fn rescale(value: i64, from: u32, to: u32) -> Result<i64, Wrong> {
    if from <= to {
        return value.checked_mul(10i64.pow(to - from)).ok_or(Wrong::TooLarge);
    }
    let divisor = 10i64.pow(from - to);
    if value % divisor == 0 { Ok(value / divisor) } else { Err(Wrong::TooFine) }
}

fn group(digits: &mut Vec<u8>, mark: u8, point: u8) {
    let first = digits.iter().position(u8::is_ascii_digit).unwrap_or(0);
    let mut at =
        digits.iter().skip(first).position(|b| *b == point || !b.is_ascii_digit()).map_or(digits.len(), |p| p + first);
    while at > first + 3 {
        at -= 3;
        digits.insert(at, mark);
    }
}
