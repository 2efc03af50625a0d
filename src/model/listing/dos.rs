//! A line as `dir` writes it, in the columns of IIS: `11-22-26  08:30AM   1234 name`, `2026-11-22  08:30   <DIR>  name`.

use super::dates::is_clock;
use super::{Line, Time, file, name_after, number_of, words};

pub fn read(line: &[u8]) -> Option<Line<'_>> {
    let found: Vec<(usize, &[u8])> = words(line).take(4).collect();
    let word = |index: usize| found.get(index).map(|(_, word)| *word);
    if !is_day(word(0)?) || !is_dos_clock(word(1)?) {
        return None;
    }
    // `08:30 AM`: the half of the day as a word of its own.
    let last = if word(2).is_some_and(is_half) { 2 } else { 1 };
    let end_of = |index: usize| found.get(index).map(|(at, word)| at + word.len());
    let what = word(last + 1)?;
    if what.starts_with(b"<") {
        return Some(if what == b"<DIR>" { Line::Folder } else { Line::Link });
    }
    let size = grouped(what)?;
    file(name_after(line, end_of(last + 1)?)?, Some(size), Time::Columns(&line[found[0].0..end_of(last)?]))
}

/// Three numbers of two or four digits between `-`, `/` or `.`.
fn is_day(word: &[u8]) -> bool {
    let Some(mark) = word.iter().find(|b| !b.is_ascii_digit()).filter(|b| b"-/.".contains(b)) else { return false };
    let parts: Vec<&[u8]> = word.split(|b| b == mark).collect();
    parts.len() == 3 && parts.iter().all(|part| matches!(part.len(), 1 | 2 | 4) && number_of(part).is_some())
}

fn is_dos_clock(word: &[u8]) -> bool {
    let (clock, half) = word.split_at(word.len().saturating_sub(2));
    is_clock(word) || is_clock(clock) && is_half(half)
}

fn is_half(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"AM") || word.eq_ignore_ascii_case(b"PM")
}

/// `1234`, `1,234`, `1.234.567`, `1'234`.
pub fn grouped(word: &[u8]) -> Option<u64> {
    let Some(mark) = word.iter().find(|b| b",.'".contains(b)) else { return number_of(word) };
    let mut parts = word.split(|b| b == mark);
    let first = parts.next().filter(|part| (1..=3).contains(&part.len()))?;
    parts.try_fold(number_of(first)?, |sum, part| {
        let group = number_of(part).filter(|_| part.len() == 3)?;
        sum.checked_mul(1_000)?.checked_add(group)
    })
}
