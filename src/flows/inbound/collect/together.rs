//! Several files of a listing that are one arrival: which of them are taken together, which one waits for what, and since when.
//! What was taken and stays there counts as there: where one of an arrival is new, all of it is taken anew, so that a late half
//! is not refused for want of one that lies beside it.
//!
//! Pure: names with what is known of them come in.

use chrono::{DateTime, TimeDelta, Utc};

use super::look::{Sighted, SightedFile};
use crate::edges::clock::{iso, read_iso};
use crate::edges::store::ledger::LoneThere;
use crate::flows::inbound::bundling::MOST_BYTES;
use crate::model::rules::companions::Companions;

const AMBIGUOUS: &str = "is one of two files for the same part of an arrival, so none of it is taken";
const OTHERS_REST: &str = "waits for what belongs to it, which has to rest";

/// Whether it was taken already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Newness {
    New,
    /// And stays there.
    Taken,
    /// It may be another by now.
    Doubted,
}

pub(super) struct Named {
    pub file: SightedFile,
    /// Its place in the listing.
    pub index: usize,
    pub is_settled: bool,
    pub newness: Newness,
}

/// Indexes of the listing beside why they wait.
#[derive(Debug, Default)]
pub(super) struct Together {
    pub sighted: Vec<Sighted>,
    /// To be compared with what was taken.
    pub doubtful: Vec<Sighted>,
    pub waiting: Vec<(usize, String)>,
    /// All that are without the others now.
    pub lone: Vec<LoneThere>,
    /// When the first of those has waited for long enough.
    pub due: Option<DateTime<Utc>>,
}

/// `before`: those that were without the others at the last look.
pub(super) fn put_together(
    companions: &Companions,
    named: &[Named],
    before: &[LoneThere],
    now: DateTime<Utc>,
) -> Together {
    let pairs = companions.pair(named.iter().map(|one| &one.file.raw_name[..]));
    let mut found = Together::default();
    let of = |files: &[usize]| files.iter().map(|at| &named[*at]).collect::<Vec<&Named>>();
    for files in &pairs.whole {
        found.whole(&of(files));
    }
    for (files, missing) in &pairs.lone {
        found.lone(&of(files), missing, (companions, before), now);
    }
    for one in of(&pairs.others).into_iter().filter(|one| one.is_settled) {
        found.take(&[one]);
    }
    let ambiguous = of(&pairs.ambiguous).into_iter().filter(|one| one.newness != Newness::Taken);
    found.waiting.extend(ambiguous.map(|one| (one.index, AMBIGUOUS.to_string())));
    found.lone.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

impl Together {
    /// One that is new is enough; what may be is looked into.
    fn take(&mut self, files: &[&Named]) {
        let sighted = Sighted { files: files.iter().map(|one| one.file.clone()).collect(), done_file: None };
        if files.iter().any(|one| one.newness == Newness::New) {
            self.sighted.push(sighted);
        } else if files.iter().any(|one| one.newness == Newness::Doubted) {
            self.doubtful.push(sighted);
        }
    }

    fn whole(&mut self, files: &[&Named]) {
        if files.iter().all(|one| one.newness == Newness::Taken) {
            return;
        }
        let bytes: u64 = files.iter().filter_map(|one| one.file.facts.size).sum();
        if bytes > MOST_BYTES {
            let words =
                format!("has {bytes} bytes together with what belongs to it; at most {MOST_BYTES} are one arrival");
            self.waiting.extend(files.iter().map(|one| (one.index, words.clone())));
        } else if files.iter().all(|one| one.is_settled) {
            self.take(files);
        } else {
            let settled = files.iter().filter(|one| one.is_settled && one.newness != Newness::Taken);
            self.waiting.extend(settled.map(|one| (one.index, OTHERS_REST.to_string())));
        }
    }

    /// Counted from the last that came or changed; when that is over, each is taken alone and refused for what is missing.
    fn lone(
        &mut self,
        files: &[&Named],
        missing: &[String],
        (companions, before): (&Companions, &[LoneThere]),
        now: DateTime<Utc>,
    ) {
        let (new, others): (Vec<&Named>, Vec<&Named>) = files.iter().partition(|one| one.newness == Newness::New);
        if new.is_empty() {
            // Taken without the others, or the others are gone since.
            others.into_iter().filter(|one| one.is_settled).for_each(|one| self.take(&[one]));
            return;
        }
        let mut latest = None;
        for one in &new {
            let (name, facts) = (&one.file.name, &one.file.facts);
            let known = before.iter().find(|lone| lone.name == *name && lone.facts == *facts);
            // A clock that was set back starts it anew.
            let since = known.and_then(|lone| read_iso(&lone.since)).filter(|since| *since <= now).unwrap_or(now);
            latest = latest.max(Some(since));
            self.lone.push(LoneThere { name: name.clone(), facts: facts.clone(), since: iso(since) });
        }
        let due = latest.unwrap_or(now) + TimeDelta::from_std(companions.within).unwrap_or(TimeDelta::MAX);
        if due <= now && new.iter().all(|one| one.is_settled) {
            new.iter().for_each(|one| self.take(&[one]));
            return;
        }
        // One that only has to rest has a look of its own.
        if due > now {
            self.due = Some(self.due.map_or(due, |known| known.min(due)));
        }
        let words = format!("waits for {}, which is missing", missing.join(" and "));
        self.waiting.extend(new.iter().filter(|one| one.is_settled).map(|one| (one.index, words.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::remote::Facts;
    use std::time::Duration;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_300_000, 0).unwrap()
    }

    /// `h7`, `l7`: a head, its lines. Behind it `+` taken, `?` doubted, `~` not settled.
    fn named(text: &str) -> Vec<Named> {
        let words = text.split_whitespace().enumerate();
        let one = |(index, word): (usize, &str)| {
            let plain = word.trim_end_matches(['+', '?', '~']);
            let name = match plain.split_at(1) {
                ("h", no) => format!("head_{no}.csv"),
                ("l", no) => format!("lines_{no}.csv"),
                _ => plain.to_string(),
            };
            let newness = match word {
                _ if word.contains('+') => Newness::Taken,
                _ if word.contains('?') => Newness::Doubted,
                _ => Newness::New,
            };
            let facts = Facts { size: Some(if plain.ends_with("99") { MOST_BYTES } else { 10 }), ..Facts::default() };
            let file = SightedFile { name: name.clone().into(), raw_name: name.into(), facts };
            Named { file, index, is_settled: !word.contains('~'), newness }
        };
        words.map(one).collect()
    }

    /// What is taken, compared (`=`) and waits (`.`).
    fn told(text: &str, waited: &[(&str, i64)]) -> String {
        let patterns = ["head_{no}.csv".to_string(), "lines_{no}.csv".to_string()];
        let companions = Companions::parse(&patterns, Duration::from_secs(3_600)).unwrap();
        let named = named(text);
        let lone = |(name, seconds): &(&str, i64)| LoneThere {
            name: name.as_bytes().to_vec(),
            facts: Facts { size: Some(10), ..Facts::default() },
            since: iso(now() - TimeDelta::seconds(*seconds)),
        };
        let before: Vec<LoneThere> = waited.iter().map(lone).collect();
        let found = put_together(&companions, &named, &before, now());
        let words: Vec<&str> = text.split_whitespace().collect();
        let word = |file: &SightedFile| words[named.iter().position(|one| one.file.name == file.name).unwrap()];
        let told = |sighted: &Sighted| sighted.files.iter().map(word).collect::<Vec<_>>().join("&");
        let mut all: Vec<String> = found.sighted.iter().map(told).collect();
        all.extend(found.doubtful.iter().map(|sighted| format!("={}", told(sighted))));
        all.extend(found.waiting.iter().map(|(index, _)| format!(".{}", words[*index])));
        all.join(" ")
    }

    #[test]
    fn files_of_a_listing_are_taken_together_or_wait() {
        for (listed, waited, expected) in [
            ("l7 h7", &[][..], "h7&l7"),
            ("h7 l7~", &[], ".h7"),
            ("h7", &[], ".h7"),
            ("h7", &[("head_7.csv", 3_599)], ".h7"),
            ("h7", &[("head_7.csv", 3_600)], "h7"),
            ("h7~", &[("head_7.csv", 3_600)], ""),
            ("h7", &[("head_7.csv", -60)], ".h7"),
            ("h7 l7", &[("head_7.csv", 9_999)], "h7&l7"),
            ("h7+ l7+", &[], ""),
            ("h7+ l7", &[], "h7+&l7"),
            ("h7+ l7?", &[], "=h7+&l7?"),
            ("h7? l7", &[], "h7?&l7"),
            ("h7+", &[("head_7.csv", 9_999)], ""),
            ("h7?", &[], "=h7?"),
            ("h99 l99", &[], ".h99 .l99"),
            ("H7.csv head_7.csv h7 l8", &[], "H7.csv .head_7.csv .h7 .l8"),
        ] {
            let mut found: Vec<String> = told(listed, waited).split_whitespace().map(str::to_string).collect();
            let mut expected: Vec<String> = expected.split_whitespace().map(str::to_string).collect();
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{listed} {waited:?}");
        }
    }
}
