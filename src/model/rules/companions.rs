//! Several files that are one arrival: an order's head and its lines, an order and its PDF. Which names belong together, which
//! one is missing, and where nobody can tell.
//!
//! Pure: names come in, indexes go out. A name is read as its sender wrote it, without an id of ours before it. Capital and
//! small letters are one, since some senders' programs do not keep them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::ids::split_prefixed;
use crate::model::layout::naming::NameShape;
use crate::model::pdf;

/// More belong to one arrival nowhere.
pub const MOST_PARTS: usize = 9;
/// What an arrival of several files is kept as: one archive of them.
const ARCHIVE: &str = ".zip";
/// In work/ they stand under their own names behind an id, of which nothing may be cut off.
const LONGEST_NAME: usize = 200;
/// A part that goes along and is not read.
const PAPER: &str = ".pdf";

/// `companion` of an intake: a pattern for each part, the file that opens the messages first.
#[derive(Debug, Clone)]
pub struct Companions {
    shapes: Vec<NameShape>,
    /// Parts of the name that all patterns have: what they say is what the files of one arrival have in common.
    shared: Vec<String>,
    /// So long one waits for the others.
    pub within: Duration,
    /// The PDF goes on with the order that it came with, and is looked at as this says; without it, it stays in the original.
    pub paper: Option<pdf::Limits>,
}

/// Which part a name is, and of which arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartName {
    pub nth: usize,
    pub key: Vec<String>,
}

/// The names of a folder, as indexes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Paired {
    /// All parts of an arrival, in the order of the patterns.
    pub whole: Vec<Vec<usize>>,
    /// Some parts of one, and the names of those that are missing.
    pub lone: Vec<(Vec<usize>, Vec<String>)>,
    /// Two files for one part: nobody can tell which is meant, so none of the arrival is taken.
    pub ambiguous: Vec<usize>,
    /// No part of any: an archive of parts, or a file that was named wrongly. Reading it says so.
    pub others: Vec<usize>,
}

/// Files whose names say the same, by the part that each is.
struct Arrival {
    key: Vec<String>,
    parts: Vec<Vec<usize>>,
}

impl Companions {
    pub fn parse(patterns: &[String], within: Duration) -> Result<Self, String> {
        if !(2..=MOST_PARTS).contains(&patterns.len()) {
            return Err(format!(
                "{} is not how many files make one arrival; expected 2 to {MOST_PARTS} patterns, like [\"head_{{no}}.csv\", \"lines_{{no}}.csv\"].",
                patterns.len()
            ));
        }
        let shapes = patterns.iter().map(|text| NameShape::parse_any_case(text)).collect::<Result<Vec<_>, _>>()?;
        let is_shared = |name: &&str| shapes.iter().all(|shape| shape.names().any(|known| known == *name));
        let shared: Vec<String> = shapes[0].names().filter(is_shared).map(str::to_string).collect();
        if shared.is_empty() {
            return Err(format!(
                "\"{}\" have no part in common, so nobody can tell which files belong together; expected one in each, like {{no}}.",
                patterns.join("\" and \"")
            ));
        }
        let twice = |nth: usize| patterns[..nth].iter().any(|before| before.eq_ignore_ascii_case(&patterns[nth]));
        if let Some(nth) = (1..patterns.len()).find(|nth| twice(*nth)) {
            return Err(format!(
                "\"{}\" stands here twice; expected a pattern of its own for each file.",
                patterns[nth]
            ));
        }
        let companions = Companions { shapes, shared, within, paper: None };
        if !companions.is_read(0) {
            return Err(format!(
                "\"{}\" is a PDF, which is not read; expected the file that opens the messages first.",
                patterns[0]
            ));
        }
        Ok(companions)
    }

    pub fn with_paper(self, paper: Option<pdf::Limits>) -> Self {
        Companions { paper, ..self }
    }

    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.shapes.iter().map(NameShape::source)
    }

    /// A part that no layout reads is checked for being what its name says, and travels along.
    pub fn is_read(&self, nth: usize) -> bool {
        !self.shapes[nth].source().to_ascii_lowercase().ends_with(PAPER)
    }

    /// How many of the parts layouts read.
    pub fn read_parts(&self) -> usize {
        (0..self.shapes.len()).filter(|nth| self.is_read(*nth)).count()
    }

    /// Of several patterns that fit, the one with the most letters of its own is meant.
    pub fn part_of(&self, name: &str) -> Option<PartName> {
        if name.len() > LONGEST_NAME {
            return None;
        }
        let fitting = self.shapes.iter().enumerate().filter_map(|(nth, shape)| Some((nth, shape.parts(name)?)));
        let (nth, parts) = fitting.min_by_key(|(_, parts)| parts.iter().map(|part| part.len()).sum::<usize>())?;
        let said = |wanted: &String| self.shapes[nth].names().zip(&parts).find(|(name, _)| name == wanted);
        let key = self.shared.iter().filter_map(said).map(|(_, part)| part.to_string()).collect();
        Some(PartName { nth, key })
    }

    /// What the nth part of the same arrival is called.
    pub fn name_of(&self, nth: usize, key: &[String]) -> String {
        self.shapes[nth].filled(&|part| {
            let at = self.shared.iter().position(|shared| shared == part)?;
            key.get(at).cloned()
        })
    }

    /// What would have to stand beside this name.
    pub fn missing_beside(&self, name: &str) -> Option<Vec<String>> {
        let part = self.part_of(name)?;
        Some((0..self.shapes.len()).filter(|nth| *nth != part.nth).map(|nth| self.name_of(nth, &part.key)).collect())
    }

    pub fn pair<'n>(&self, names: impl IntoIterator<Item = &'n [u8]>) -> Paired {
        let mut found = Paired::default();
        let mut arrivals: BTreeMap<Vec<String>, Arrival> = BTreeMap::new();
        for (index, name) in names.into_iter().enumerate() {
            let plain = std::str::from_utf8(plain_name(name)).ok();
            let Some(PartName { nth, key }) = plain.and_then(|name| self.part_of(name)) else {
                found.others.push(index);
                continue;
            };
            let same = key.iter().map(|part| part.to_lowercase()).collect();
            let none = || Arrival { key, parts: vec![Vec::new(); self.shapes.len()] };
            arrivals.entry(same).or_insert_with(none).parts[nth].push(index);
        }
        for Arrival { key, parts } in arrivals.into_values() {
            if parts.iter().any(|files| files.len() > 1) {
                found.ambiguous.extend(parts.into_iter().flatten());
            } else if parts.iter().all(|files| files.len() == 1) {
                found.whole.push(parts.into_iter().flatten().collect());
            } else {
                let missing = (0..parts.len()).filter(|nth| parts[*nth].is_empty());
                let missing = missing.map(|nth| self.name_of(nth, &key)).collect();
                found.lone.push((parts.into_iter().flatten().collect(), missing));
            }
        }
        found
    }
}

/// Without the id of ours that a file come back has before it.
pub fn plain_name(name: &[u8]) -> &[u8] {
    split_prefixed(name).map_or(name, |(_, plain)| plain)
}

/// The name of an arrival of several files, by that of the first.
pub fn archive_name(first: &[u8]) -> Vec<u8> {
    [first, ARCHIVE.as_bytes()].concat()
}

/// The name of the first file in the name of its arrival.
pub fn first_name(archive: &str) -> &str {
    archive.strip_suffix(ARCHIVE).unwrap_or(archive)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn companions(patterns: &[&str]) -> Companions {
        let patterns: Vec<String> = patterns.iter().map(|p| p.to_string()).collect();
        Companions::parse(&patterns, Duration::from_secs(3600)).unwrap()
    }

    fn told(companions: &Companions, names: &[&str]) -> String {
        let found = companions.pair(names.iter().map(|name| name.as_bytes()));
        let named = |files: &[usize]| files.iter().map(|i| names[*i]).collect::<Vec<_>>().join("+");
        let mut told: Vec<String> = found.whole.iter().map(|files| named(files)).collect();
        told.extend(found.lone.iter().map(|(files, missing)| format!("{} wants {}", named(files), missing.join("+"))));
        told.extend(found.ambiguous.iter().map(|i| format!("? {}", names[*i])));
        told.extend(found.others.iter().map(|i| format!("! {}", names[*i])));
        told.join(", ")
    }

    #[test]
    fn names_of_a_folder_are_paired() {
        let heads = companions(&["ORDHDR_{no}.csv", "ORDLIN_{no}.csv"]);
        let three = companions(&["{no}.hdr", "{no}.lin", "{no}.pdf"]);
        let nested = companions(&["{no}.csv", "{no}_{day:[0-9]{8}}.pdf"]);
        let two = companions(&["{buyer}_{no:[0-9]+}.xml", "{no:[0-9]+}-{buyer}.pdf"]);
        let lines = companions(&["{no}.csv", "{no}_lines.csv"]);
        let back = format!("{}~ORDLIN_7.csv", crate::model::ids::Id::new(1_795_300_000_000, 7));
        let rows: &[(&Companions, &[&str], &str)] = &[
            (&heads, &["ORDLIN_7.csv", "ORDHDR_7.csv"], "ORDHDR_7.csv+ORDLIN_7.csv"),
            (&heads, &["ORDHDR_7.csv"], "ORDHDR_7.csv wants ORDLIN_7.csv"),
            (&heads, &["ORDLIN_7.csv"], "ORDLIN_7.csv wants ORDHDR_7.csv"),
            (
                &heads,
                &["ORDHDR_7.csv", "ORDLIN_8.csv"],
                "ORDHDR_7.csv wants ORDLIN_7.csv, ORDLIN_8.csv wants ORDHDR_8.csv",
            ),
            (&heads, &["ordhdr_a7.CSV", "ORDLIN_A7.csv"], "ordhdr_a7.CSV+ORDLIN_A7.csv"),
            (
                &heads,
                &["ORDHDR_7.csv", "ordhdr_7.csv", "ORDLIN_7.csv"],
                "? ORDHDR_7.csv, ? ordhdr_7.csv, ? ORDLIN_7.csv",
            ),
            (&heads, &["orders_7.csv", "ORDHDR_7.csv.zip"], "! orders_7.csv, ! ORDHDR_7.csv.zip"),
            (&heads, &["ORDHDR_7.csv", &back], &format!("ORDHDR_7.csv+{back}")),
            (&heads, &[], ""),
            (&three, &["9.PDF", "9.lin", "9.hdr"], "9.hdr+9.lin+9.PDF"),
            (&three, &["9.PDF", "9.hdr"], "9.hdr+9.PDF wants 9.lin"),
            (&nested, &["a.csv", "a_20260101.pdf"], "a.csv+a_20260101.pdf"),
            (&nested, &["a.csv"], "a.csv wants a_*.pdf"),
            (&two, &["x_12.xml", "12-x.pdf", "13-x.pdf"], "x_12.xml+12-x.pdf, 13-x.pdf wants x_13.xml"),
            (&lines, &["7.csv", "7_lines.csv"], "7.csv+7_lines.csv"),
        ];
        for (companions, names, expected) in rows {
            assert_eq!(told(companions, names), *expected, "{names:?}");
        }
    }

    #[test]
    fn patterns_that_say_nothing_are_refused() {
        let parse = |patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|p| p.to_string()).collect();
            Companions::parse(&patterns, Duration::from_secs(1)).map(|_| ()).unwrap_err()
        };
        for (patterns, words) in [
            (&["{no}.csv"][..], "2 to 9 patterns"),
            (&["a.csv", "b.csv"], "no part in common"),
            (&["a{x}.csv", "b{y}.csv"], "no part in common"),
            (&["{no}.csv", "{no}.CSV"], "twice"),
            (&["{no}.pdf", "{no}.csv"], "is not read"),
            (&["{no}.csv", "{no.csv"], "never closed"),
        ] {
            assert!(parse(patterns).contains(words), "{patterns:?}: {}", parse(patterns));
        }
    }

    #[test]
    fn an_arrival_is_called_by_its_first_file() {
        assert_eq!(archive_name(b"a.csv"), b"a.csv.zip");
        assert_eq!((first_name("a.csv.zip"), first_name("a.csv")), ("a.csv", "a.csv"));
    }
}
