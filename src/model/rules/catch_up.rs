//! An older database meets what stands in the folders since: which of the names of one id is the original, which intake
//! it came by, and which numbers of files of ours are accounted for. Pure: what was found comes in, decisions come out.

/// A folder whose files have a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    Done,
    HeldIn,
    Failed,
}

const REASON: &[u8] = b".reason.txt";
const PAPERS: [&[u8]; 2] = [REASON, b".reject"];

/// The original among the names (without the id) that stand with one id. In failed/ an original has its reason beside it;
/// elsewhere what goes on from another name is a done-file, or a paper, that stands with it.
pub fn original(names: &[(Settled, &[u8])]) -> Option<usize> {
    let goes_on = |(folder, name): (Settled, &[u8])| {
        names.iter().any(|(other, shorter)| *other == folder && shorter.len() < name.len() && name.starts_with(shorter))
    };
    let has_reason = |name: &[u8]| {
        names.iter().any(|(folder, other)| *folder == Settled::Failed && other.strip_suffix(REASON) == Some(name))
    };
    let is_original = |at: &usize| match names[*at] {
        (Settled::Failed, name) => has_reason(name),
        other => !goes_on(other),
    };
    [Settled::Done, Settled::HeldIn, Settled::Failed]
        .into_iter()
        .find_map(|folder| (0..names.len()).filter(|at| names[*at].0 == folder).find(is_original))
}

/// A dropped name that goes on from an original's is a paper of ours, never the original itself.
pub fn is_paper(name: &[u8]) -> bool {
    PAPERS.iter().any(|ending| name.ends_with(ending))
}

/// By which intake a file came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CameBy {
    This(usize),
    /// None of the partner's intakes reads it.
    Nobody,
    /// Several read it, and nothing says which it was.
    Several,
}

/// `folder`: the intake whose folder it stands in. `reads`: the intakes whose layouts know its beginning. `named`: the
/// intakes by which files of such a name came before.
pub fn came_by(folder: Option<usize>, reads: &[usize], named: &[usize]) -> CameBy {
    let both: Vec<usize> = reads.iter().copied().filter(|intake| named.contains(intake)).collect();
    match (folder, reads, &both[..]) {
        (Some(intake), ..) => CameBy::This(intake),
        (None, [], _) => CameBy::Nobody,
        (None, [only], _) | (None, _, [only]) => CameBy::This(*only),
        _ => CameBy::Several,
    }
}

/// Names like this one, as a pattern of the database: numbers are any number.
pub fn pattern_of(name: &str) -> String {
    let mut pattern = String::new();
    let mut digits = false;
    for c in name.chars() {
        let was = std::mem::replace(&mut digits, c.is_ascii_digit());
        match c {
            _ if digits && was => {}
            _ if digits => pattern.push_str("[0-9]*"),
            '*' | '?' | '[' => pattern.extend(['[', c, ']']),
            c => pattern.push(c),
        }
    }
    pattern
}

/// The numbers above `after`, up to `last`, that nobody accounts for, as ranges with both ends.
pub fn missing(after: u64, last: u64, mut found: Vec<u64>) -> Vec<(u64, u64)> {
    found.sort_unstable();
    let mut ranges = Vec::new();
    let mut next = after + 1;
    for number in found.into_iter().filter(|number| *number > after && *number <= last) {
        if number > next {
            ranges.push((next, number - 1));
        }
        next = next.max(number + 1);
    }
    if next <= last {
        ranges.push((next, last));
    }
    ranges
}

/// Files of ours whose names carry no number, in the order in which they were made: theirs are those that nobody accounts for. Only where
/// there are as many, since one that is gone may be any of them.
pub fn numbers_in_order(missing: &[(u64, u64)], files: usize) -> Option<Vec<u64>> {
    let count: u64 = missing.iter().map(|(first, last)| last - first + 1).sum();
    (count == files as u64).then(|| missing.iter().flat_map(|(first, last)| *first..=*last).collect())
}

#[cfg(test)]
mod tests {
    use super::Settled::{Done, Failed, HeldIn};
    use super::*;

    #[test]
    fn files_without_a_number_get_those_that_are_missing_if_all_are_there() {
        assert_eq!(numbers_in_order(&[(3, 4), (7, 7)], 3), Some(vec![3, 4, 7]));
        assert_eq!(numbers_in_order(&[(3, 4), (7, 7)], 2), None);
        assert_eq!(numbers_in_order(&[(3, 4)], 3), None);
        assert_eq!(numbers_in_order(&[], 0), Some(Vec::new()));
    }

    #[test]
    fn the_original_is_told_from_its_papers() {
        type Row = (&'static [(Settled, &'static str)], Option<usize>);
        let rows: [Row; 9] = [
            (&[(Done, "a.csv")], Some(0)),
            (&[(Done, "a.csv.done"), (Done, "a.csv")], Some(1)),
            (&[(Failed, "a.csv.reason.txt"), (Failed, "a.csv.reject"), (Done, "a.csv")], Some(2)),
            (&[(Failed, "a.csv.reason.txt"), (Failed, "a.csv")], Some(1)),
            // Partly taken, and the original's days are over.
            (&[(Failed, "a.csv.reason.txt"), (Failed, "a.csv.reject")], None),
            // A partner's own file of such a name.
            (&[(Failed, "a.reason.txt"), (Failed, "a.reason.txt.reason.txt")], Some(0)),
            (&[(HeldIn, "a.csv"), (HeldIn, "a.csv.reason.txt")], Some(0)),
            (&[(Failed, "a.csv.reason.txt"), (HeldIn, "a.csv")], Some(1)),
            (&[], None),
        ];
        for (names, expected) in rows {
            let names: Vec<(Settled, &[u8])> = names.iter().map(|(folder, name)| (*folder, name.as_bytes())).collect();
            assert_eq!(original(&names), expected, "{names:?}");
        }
        assert!(is_paper(b"a.csv.reject") && !is_paper(b"a.csv"));
    }

    #[test]
    fn an_intake_is_named_by_its_folder_its_layouts_or_earlier_names() {
        type Row = (Option<usize>, &'static [usize], &'static [usize], CameBy);
        let rows: [Row; 6] = [
            (Some(2), &[], &[], CameBy::This(2)),
            (None, &[1], &[], CameBy::This(1)),
            (None, &[1], &[0], CameBy::This(1)),
            (None, &[0, 1], &[1], CameBy::This(1)),
            (None, &[0, 1], &[0, 1], CameBy::Several),
            (None, &[], &[1], CameBy::Nobody),
        ];
        for (folder, reads, named, expected) in rows {
            assert_eq!(came_by(folder, reads, named), expected, "{folder:?} {reads:?} {named:?}");
        }
    }

    #[test]
    fn names_are_alike_but_for_their_numbers() {
        assert_eq!(pattern_of("orders-1107_2.csv"), "orders-[0-9]*_[0-9]*.csv");
        assert_eq!(pattern_of("a*[b].csv"), "a[*][[]b].csv");
    }

    #[test]
    fn numbers_that_nobody_accounts_for_are_ranges() {
        type Row = (u64, u64, &'static [u64], &'static [(u64, u64)]);
        let rows: [Row; 6] = [
            (38, 41, &[39, 40, 41], &[]),
            (38, 41, &[40], &[(39, 39), (41, 41)]),
            (38, 41, &[], &[(39, 41)]),
            (38, 45, &[41, 39, 41, 50, 12], &[(40, 40), (42, 45)]),
            (41, 41, &[], &[]),
            (45, 41, &[3], &[]),
        ];
        for (after, last, found, expected) in rows {
            assert_eq!(missing(after, last, found.to_vec()), expected, "{after} {last} {found:?}");
        }
    }
}
