//! Where the date columns of a LIST line begin and end. Months go by in any language (`Nov`, `nov.`, `März`, `11月`): a
//! word in a month's place is one. Finds columns, understands no date.

use super::number_of;

/// How many of the words that begin here are one date; `None`: they are none.
pub fn words_of_date(words: &[(usize, &[u8])]) -> Option<usize> {
    let at = |index: usize| words.get(index).map(|(_, word)| *word);
    let (first, second) = (at(0)?, at(1)?);
    if is_iso_day(first) {
        // `2026-11-22 08:30`, `2026-11-22 08:30:05.123456789 +0100`; the older `11-22 08:30`.
        let zoned = at(2).is_some_and(is_zone) && second.contains(&b'.');
        return is_clock(second).then_some(if zoned { 3 } else { 2 });
    }
    let is_day_and_month = is_month(first) && is_day(second) || is_day(first) && is_month(second);
    let third = at(2)?;
    if !is_day_and_month {
        return None;
    }
    let has_seconds = third.iter().filter(|b| **b == b':').count() == 2;
    if is_clock(third) {
        // BSD's `ls -T` writes the year behind the seconds.
        return Some(if has_seconds && at(3).is_some_and(is_year) { 4 } else { 3 });
    }
    is_year(third).then_some(3)
}

fn is_month(word: &[u8]) -> bool {
    let has_letter = word.iter().any(|b| b.is_ascii_alphabetic() || *b >= 0x80);
    has_letter && word.len() <= 14 && word.iter().all(|b| b.is_ascii_alphanumeric() || *b >= 0x80 || *b == b'.')
}

/// `5`, `05`, the German `5.`, `5,`.
fn is_day(word: &[u8]) -> bool {
    let digits = word.strip_suffix(b".").or(word.strip_suffix(b",")).unwrap_or(word);
    digits.len() <= 2 && number_of(digits).is_some_and(|day| (1..=31).contains(&day))
}

fn is_year(word: &[u8]) -> bool {
    word.len() == 4 && number_of(word).is_some_and(|year| (1970..2200).contains(&year))
}

/// `2026-11-22`, `11-22`.
fn is_iso_day(word: &[u8]) -> bool {
    let mut parts = word.split(|b| *b == b'-');
    let lengths = [parts.next(), parts.next(), parts.next()].map(|part| part.map_or(0, <[u8]>::len));
    (lengths == [4, 2, 2] || lengths == [2, 2, 0])
        && parts.next().is_none()
        && word.iter().all(|b| b.is_ascii_digit() || *b == b'-')
}

/// `8:30`, `08:30`, `08:30:05`, `08:30:05.123`.
pub fn is_clock(word: &[u8]) -> bool {
    let whole = word.split(|b| *b == b'.').next().unwrap_or(word);
    let fraction = word.get(whole.len() + 1..).unwrap_or(b"0");
    let mut parts = whole.split(|b| *b == b':');
    let hours = parts.next().and_then(number_of).is_some_and(|hours| hours < 25);
    let rest: Vec<&[u8]> = parts.collect();
    let two_digits = |part: &&[u8]| part.len() == 2 && number_of(part).is_some_and(|n| n < 61);
    hours && matches!(rest.len(), 1 | 2) && rest.iter().all(two_digits) && fraction.iter().all(u8::is_ascii_digit)
}

fn is_zone(word: &[u8]) -> bool {
    word.len() == 5 && matches!(word[0], b'+' | b'-') && number_of(&word[1..]).is_some()
}
