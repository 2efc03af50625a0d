//! Lines without delimiters: which part tells the record type, and where columns begin and end.

use std::collections::BTreeMap;

use super::Syntax;
use super::cut::{Column, Sheet, Text};
use crate::model::rules::identifiers;

const ROWS: usize = 2_000;
/// A run of digits that is shorter stays with what it touches.
const RUN: usize = 5;

pub fn cut(text: &str, line_end: &'static str) -> Text {
    let lines: Vec<Vec<char>> =
        text.lines().filter(|line| !line.trim().is_empty()).take(ROWS).map(|line| line.chars().collect()).collect();
    let width = lines.iter().map(Vec::len).max().unwrap_or(0);
    let alike = lines.iter().filter(|line| line.len() == width).count();
    let tag = tag_length(&lines);
    let mut sheets: Vec<Sheet> = Vec::new();
    let mut members: Vec<Vec<Vec<char>>> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let name: String = line.iter().take(tag.unwrap_or(0)).collect();
        let at = sheets.iter().position(|sheet| sheet.tag == name).unwrap_or_else(|| {
            sheets.push(Sheet { tag: name, ..Sheet::default() });
            members.push(Vec::new());
            sheets.len() - 1
        });
        sheets[at].rows.push(number);
        members[at].push(line.clone());
    }
    for (sheet, lines) in sheets.iter_mut().zip(&mut members) {
        // Records of one type are as long as their longest.
        let longest = lines.iter().map(Vec::len).max().unwrap_or(0);
        lines.iter_mut().for_each(|line| line.resize(longest, ' '));
        sheet.columns = columns(lines, tag.unwrap_or(0));
    }
    let sure = if alike * 10 >= lines.len() * 8 { 85 } else { 55 };
    let why = format!("{alike} of {} lines have {width} characters, and no delimiter cuts them alike", lines.len());
    let shorter = alike < lines.len();
    Text { syntax: Syntax::Fixed { width, tag, shorter }, sure, why, sheets, line_end, by_word: false }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Blank,
    Digit,
    Other,
}

fn class(c: Option<&char>) -> Class {
    match c {
        None | Some(' ') => Class::Blank,
        Some(c) if c.is_ascii_digit() => Class::Digit,
        _ => Class::Other,
    }
}

/// How alike lines are, place by place, 0 to 100.
fn likeness(lines: &[&Vec<char>]) -> usize {
    let width = lines.iter().map(|line| line.len()).max().unwrap_or(0);
    let mut same = 0;
    for at in 0..width {
        let mut counts: BTreeMap<Class, usize> = BTreeMap::new();
        lines.iter().for_each(|line| *counts.entry(class(line.get(at))).or_default() += 1);
        same += counts.values().max().copied().unwrap_or(0);
    }
    same * 100 / (width * lines.len()).max(1)
}

/// Characters at the beginning that tell the record type: lines with the same are more alike than all lines are.
fn tag_length(lines: &[Vec<char>]) -> Option<usize> {
    let all: Vec<&Vec<char>> = lines.iter().collect();
    let whole = likeness(&all);
    let candidates = [1, 2, 3].into_iter().filter_map(|length| {
        let mut groups: BTreeMap<String, Vec<&Vec<char>>> = BTreeMap::new();
        for line in lines {
            groups.entry(line.iter().take(length).collect()).or_default().push(line);
        }
        let plain = groups
            .keys()
            .all(|tag| tag.len() == length && tag.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()));
        if !plain || groups.len() < 2 || groups.len() > 14 || groups.len() * 3 > lines.len() * 2 + 1 {
            return None;
        }
        let inner: usize = groups.values().map(|lines| likeness(lines) * lines.len()).sum::<usize>() / lines.len();
        (inner >= whole + 6).then_some((inner, length, groups.len()))
    });
    // A longer one must cut the same records, or make them more alike.
    candidates
        .fold(None, |best: Option<(usize, usize, usize)>, next| match best {
            Some(best) if next.2 > best.2 && next.0 < best.0 + 4 || best.1 >= 2 && next.2 == best.2 => Some(best),
            _ => Some(next),
        })
        .map(|(_, length, _)| length)
}

fn columns(lines: &[Vec<char>], tag: usize) -> Vec<Column> {
    let width = lines.iter().map(Vec::len).max().unwrap_or(0);
    let mut starts: Vec<usize> = Vec::new();
    // Letters of the tag that go on behind what tells it.
    let mut at = if tag > 0 { tag + rest_of_tag(lines, tag) } else { 0 };
    if at > tag {
        starts.push(tag);
    }
    while at < width {
        if is_blank(lines, at) {
            at += 1;
            continue;
        }
        let end = (at..width).find(|at| is_blank(lines, *at)).unwrap_or(width);
        segment(lines, at, end, &mut starts);
        at = end;
    }
    starts.retain(|start| *start > 0 || tag == 0);
    starts.sort_unstable();
    starts.dedup();
    let mut columns = Vec::new();
    if tag > 0 {
        columns.push(column(lines, 0, tag));
    }
    for (index, start) in starts.iter().enumerate() {
        let next = starts.get(index + 1).copied().unwrap_or(width);
        columns.push(column(lines, *start, next));
    }
    columns
}

fn column(lines: &[Vec<char>], start: usize, end: usize) -> Column {
    let value = |line: &Vec<char>| {
        line[start.min(line.len())..end.min(line.len())].iter().collect::<String>().trim().to_string()
    };
    let place = if end - start == 1 { (start + 1).to_string() } else { format!("{}-{end}", start + 1) };
    Column { place, values: lines.iter().map(value).collect(), ..Column::default() }
}

fn is_blank(lines: &[Vec<char>], at: usize) -> bool {
    lines.iter().all(|line| class(line.get(at)) == Class::Blank)
}

fn all_digits(lines: &[Vec<char>], at: usize) -> bool {
    lines.iter().all(|line| class(line.get(at)) == Class::Digit)
}

fn all_zero(lines: &[Vec<char>], at: usize) -> bool {
    lines.iter().all(|line| line.get(at) == Some(&'0'))
}

/// Cuts what no blank column cuts: numbers that touch texts, and numbers that touch numbers.
fn segment(lines: &[Vec<char>], from: usize, to: usize, starts: &mut Vec<usize>) {
    starts.push(from);
    if let Some(at) = after_decimals(lines, from, to) {
        segment(lines, from, at, starts);
        segment(lines, at, to, starts);
        return;
    }
    if let Some((at, length)) = numbered(lines, from, to).or_else(|| dated(lines, from, to)) {
        if at > from {
            segment(lines, from, at, starts);
        }
        starts.push(at);
        if at + length < to {
            segment(lines, at + length, to, starts);
        }
        return;
    }
    if let Some(at) = after_number(lines, from, to).or_else(|| counter(lines, from, to)) {
        segment(lines, from, at, starts);
        segment(lines, at, to, starts);
        return;
    }
    let mut at = from;
    while at < to {
        if !all_digits(lines, at) {
            at += 1;
            continue;
        }
        let end = (at..to).find(|at| !all_digits(lines, *at)).unwrap_or(to);
        let begins = at == from || all_zero(lines, at);
        if end - at >= RUN && begins {
            starts.push(at);
            if end < to {
                starts.push(end);
            }
            // A number filled up with zeros ends where the zeros of the next one begin.
            for next in at + 2..end {
                let zeros = all_zero(lines, next) && !all_zero(lines, next - 1) && end - next >= RUN - 1;
                if zeros && lines.len() > 1 {
                    starts.push(next);
                }
            }
        }
        at = end;
    }
}

/// Days of eight digits, in every line that has any there.
fn dated(lines: &[Vec<char>], from: usize, to: usize) -> Option<(usize, usize)> {
    const DAY: usize = 8;
    let day = |line: &Vec<char>, at: usize| -> Option<bool> {
        let text: String = line[at..at + DAY].iter().collect();
        if text.trim().is_empty() {
            return Some(false);
        }
        let number = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<u32>().ok());
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let fits = (1990..2050).contains(&number(0, 4)?)
            && (1..=12).contains(&number(4, 6)?)
            && (1..=31).contains(&number(6, 8)?);
        (digits && fits).then_some(true)
    };
    if lines.len() < 2 || to - from < DAY {
        return None;
    }
    let fits = |at: usize| {
        let days: Option<Vec<bool>> = lines.iter().map(|line| day(line, at)).collect();
        days.is_some_and(|days| days.iter().filter(|is| **is).count() * 2 >= days.len())
    };
    (from..=to - DAY).find(|at| fits(*at)).map(|at| (at, DAY))
}

/// Where a text begins right behind decimals whose points stand one below the other.
fn after_decimals(lines: &[Vec<char>], from: usize, to: usize) -> Option<usize> {
    let all = |at: usize, is: &dyn Fn(char) -> bool| lines.iter().all(|line| line.get(at).copied().is_some_and(is));
    let point = (from..to).find(|at| all(*at, &|c| c == '.' || c == ','))?;
    let end = (point + 1..to).find(|at| !all(*at, &|c| c.is_ascii_digit()))?;
    (lines.len() > 1 && end > point + 1 && all(end, &|c| c.is_alphabetic())).then_some(end)
}

/// Where letters begin right behind a number, in every line.
fn after_number(lines: &[Vec<char>], from: usize, to: usize) -> Option<usize> {
    let letters = |at: usize| lines.iter().all(|line| line.get(at).is_some_and(|c| c.is_alphabetic()));
    // Short digits are part of a code, but where nothing else stands before them.
    let fits = |at: usize| {
        let digits = (from..at).rev().take_while(|at| all_digits(lines, *at)).count();
        let only = lines.iter().all(|line| line[from..at].iter().all(|c| c.is_ascii_digit() || " .,".contains(*c)));
        digits >= RUN - 1 || digits > 0 && only && at - from > 1
    };
    let found = (from + 1..to).find(|at| letters(*at) && all_digits(lines, at - 1) && fits(*at));
    found.filter(|_| lines.len() > 1)
}

/// Where a number begins that counts the lines of what stands before it: `PO7781` `0001`, `PO7781` `0002`, `PO7790` `0001`.
fn counter(lines: &[Vec<char>], from: usize, to: usize) -> Option<usize> {
    let counts = |at: usize| {
        let read = |line: &Vec<char>| {
            let number: String = line[at..to].iter().collect();
            Some((line[from..at].to_vec(), number.parse::<usize>().ok()?))
        };
        let all: Option<Vec<(Vec<char>, usize)>> = lines.iter().map(read).collect();
        all.is_some_and(|all| {
            let step = all[0].1;
            let next = |two: &[(Vec<char>, usize)]| match two[0].0 == two[1].0 {
                true => two[1].1 == two[0].1 + step,
                false => two[1].1 == step,
            };
            matches!(step, 1 | 10)
                && all.windows(2).all(next)
                && all.iter().any(|(_, number)| *number > step)
                && all.windows(2).any(|two| two[0].0 != two[1].0)
        })
    };
    let digits = (from..to).rev().take_while(|at| all_digits(lines, *at)).count();
    let several = lines.len() > 2 && lines.iter().any(|line| line[from..to] != lines[0][from..to]);
    (2..=digits.min(RUN + 1)).rev().map(|length| to - length).find(|at| several && *at > from && counts(*at))
}

/// Letters that are the same in all lines, right behind the characters that tell the record, before a number.
fn rest_of_tag(lines: &[Vec<char>], tag: usize) -> usize {
    let same = |at: usize| {
        lines.iter().all(|line| line.get(at).is_some_and(|c| c.is_alphabetic()) && line.get(at) == lines[0].get(at))
    };
    let width = lines.iter().map(Vec::len).max().unwrap_or(0);
    let rest = (tag..width.min(tag + 2)).take_while(|at| same(*at)).count();
    let number = (tag + rest..width).take_while(|at| all_digits(lines, *at)).count();
    if lines.len() > 1 && number > 2 { rest } else { 0 }
}

/// A number with a check digit that is right in every line.
fn numbered(lines: &[Vec<char>], from: usize, to: usize) -> Option<(usize, usize)> {
    if lines.len() < 3 || to - from < 13 {
        return None;
    }
    let text = |line: &Vec<char>, at: usize, length: usize| line[at..at + length].iter().collect::<String>();
    for length in [13, 10] {
        for at in from..=to - length {
            let zero = lines.iter().any(|line| line[at] == '0');
            let right = |line: &Vec<char>| {
                let value = text(line, at, length);
                if length == 13 { identifiers::ean(&value).is_ok() } else { identifiers::isbn(&value).is_ok() }
            };
            // Partners' own samples do not always pass.
            let passed = lines.iter().filter(|line| right(line)).count();
            if !zero && passed >= 3 && passed * 10 >= lines.len() * 7 {
                return Some((at, length));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_touch_are_cut_by_their_zeros() {
        let text = "1802345C91    FILTER O000002850000002610000002495\n2005441C1     ALTERNAT000041200000039050000037125\nZTSE1234      SEAL KIT000000099000000095000000090\n";
        let cut = cut(text, "lf");
        let places: Vec<&str> = cut.sheets[0].columns.iter().map(|column| column.place.as_str()).collect();
        assert_eq!(places, ["1-14", "15-22", "23-31", "32-40", "41-49"]);
    }

    #[test]
    fn the_beginning_of_a_line_tells_its_type() {
        let text = "00HEAD  20240101\n10A1    0001\n20   X  00005 12\n20   Y  00006 13\n10A2    0002\n20   Z  00007 14\n90   0005\n";
        let cut = cut(text, "lf");
        let tags: Vec<&str> = cut.sheets.iter().map(|sheet| sheet.tag.as_str()).collect();
        assert_eq!(tags, ["00", "10", "20", "90"]);
    }
}
