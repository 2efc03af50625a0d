//! Which of two revisions of a document is the newer one, by their names: 9 comes before 10, A before B, Z before AA, 1.9 before 1.10,
//! and a number before a letter, since drafts are counted and what is released has letters.
//!
//! Names are compared piece by piece: runs of digits, runs of letters, nothing else. What is the same in this way (`1`, `01`, `Rev. 1`) is no
//! newer than the other: the moment decides then.

use std::cmp::Ordering;

/// A run of so few letters counts on like the columns of a sheet; longer ones are words and stand in the order of a dictionary.
const COUNTING_LETTERS: usize = 2;
/// They say what it is and not which one.
const TITLES: [&str; 4] = ["rev", "revision", "version", "ver"];

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    /// Digits without leading zeros, by their number first.
    Number(usize, String),
    Letters(usize, String),
    Word(String),
}

/// `Greater`: the first one is newer.
pub fn compare(one: &str, other: &str) -> Ordering {
    pieces(one).cmp(&pieces(other))
}

fn pieces(name: &str) -> Vec<Piece> {
    let is_same_run = |one: char, other: char| one.is_ascii_digit() == other.is_ascii_digit();
    let mut pieces: Vec<Piece> = name
        .split(|c: char| !c.is_alphanumeric())
        .flat_map(|part| Runs { rest: part, is_same_run })
        .map(piece)
        .collect();
    if pieces.len() > 1 && matches!(&pieces[0], Piece::Word(word) if TITLES.contains(&&word[..])) {
        pieces.remove(0);
    }
    pieces
}

fn piece(run: &str) -> Piece {
    if run.starts_with(|c: char| c.is_ascii_digit()) {
        let digits = run.trim_start_matches('0');
        return Piece::Number(digits.len(), digits.to_string());
    }
    let letters = run.to_lowercase();
    match letters.chars().count() {
        count if count <= COUNTING_LETTERS => Piece::Letters(count, letters),
        _ => Piece::Word(letters),
    }
}

struct Runs<'t, F> {
    rest: &'t str,
    is_same_run: F,
}

impl<'t, F: Fn(char, char) -> bool> Iterator for Runs<'t, F> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let first = self.rest.chars().next()?;
        let end = self.rest.find(|c| !(self.is_same_run)(first, c)).unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_follow_each_other_as_people_count_them() {
        let ascending = [
            &["", "-"][..],
            &["0", "00"],
            &["1", "01", "Rev. 1", "rev 1", "Version 1", "REV1"],
            &["1.9"],
            &["1.10", "1-10", "01_10"],
            &["2"],
            &["9"],
            &["10"],
            &["10a"],
            &["2025-12-31"],
            &["2026-01-02"],
            &["99999999999999999999999999999998"],
            &["99999999999999999999999999999999"],
            &["A", "a", "Rev A", "Revision a"],
            &["A1"],
            &["A2"],
            &["A10"],
            &["B"],
            &["Z"],
            &["Ä"],
            &["AA"],
            &["AB"],
            &["draft"],
            &["final"],
            &["final 2"],
            &["rev", "Rev."],
        ];
        for (at, same) in ascending.iter().enumerate() {
            for one in *same {
                same.iter().for_each(|other| assert_eq!(compare(one, other), Ordering::Equal, "{one} {other}"));
                for newer in ascending[at + 1..].iter().flat_map(|names| names.iter()) {
                    assert_eq!(compare(one, newer), Ordering::Less, "{one} {newer}");
                    assert_eq!(compare(newer, one), Ordering::Greater, "{newer} {one}");
                }
            }
        }
    }
}
