//! A line as `ls -l` writes it: mode, links, owner, group, size, date, one blank, name. Group or links may be missing, an
//! owner may have blanks; so the size is looked for: the number that a date follows.

use super::dates::words_of_date;
use super::dos::grouped;
use super::{Line, Time, file, name_after, number_of, words};

/// Where the size stands, counted in words behind the mode: with links, owner and group; without a group; with blanks in
/// one of the names; without links. In this order, since a number among owners could stand before a word that looks like
/// a month.
const SIZE_AT: [usize; 6] = [3, 2, 4, 5, 1, 6];

pub fn read(line: &[u8]) -> Option<Line<'_>> {
    let (sort, mode) = (*line.first()?, line.get(1..10)?);
    if !mode.iter().all(|b| b"rwxsStTlL-".contains(b)) {
        return None;
    }
    match sort {
        b'-' => sized(line, 10),
        b'd' => Some(Line::Folder),
        b'l' => Some(Line::Link),
        b'b' | b'c' | b'p' | b's' | b'D' => Some(Line::Special),
        _ => None,
    }
}

/// Size, date and name of a line whose owners begin at `start`.
pub fn sized(line: &[u8], start: usize) -> Option<Line<'_>> {
    // Behind the mode may stand `+` (an access list), `.` (SELinux), `@` (macOS).
    let start = start + usize::from(line.get(start).is_some_and(|b| b"+.@".contains(b)));
    let found: Vec<(usize, &[u8])> = words(line.get(start..)?).map(|(at, word)| (at + start, word)).take(12).collect();
    SIZE_AT.iter().find_map(|index| at_size(line, &found, *index))
}

/// The line read with the word of that place as its size.
pub fn at_size<'a>(line: &'a [u8], found: &[(usize, &'a [u8])], index: usize) -> Option<Line<'a>> {
    let size = size_of(found.get(index)?.1)?;
    let date = &found[index + 1..];
    let count = words_of_date(date)?;
    let (from, (last, word)) = (date[0].0, date[count - 1]);
    let end = last + word.len();
    file(name_after(line, end)?, size, Time::Columns(&line[from..end]))
}

/// A number below zero is that of a server that counts to two gigabytes: a size that nobody knows.
fn size_of(word: &[u8]) -> Option<Option<u64>> {
    match word.strip_prefix(b"-") {
        Some(digits) => number_of(digits).map(|_| None),
        None => grouped(word).map(Some),
    }
}
