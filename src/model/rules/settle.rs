//! Is a dropped file complete? Looked at over our own clock: what counts is how long size and time have stood still
//! between looks of ours, never how old the file says it is (a copy may keep an old time). Where the layout has an end,
//! a file without it is not complete however long it rests. Pure: the looks, the kernel's answer and the layout's come in.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::intake::Settle;
use crate::model::layout::seam::Completeness;

/// "Two looks of ours" are at least so far apart, also where an intake asks for no pause.
const SECOND_LOOK_AFTER: Duration = Duration::from_millis(100);
/// A file that the kernel says is open is asked after again; its closing wakes us before.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How one file has looked since it was last seen to change. Times are of the monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looks {
    pub size: u64,
    pub mtime_ns: i64,
    pub first: Duration,
    pub last: Duration,
}

impl Looks {
    /// A first look; all that `rename` and done-files need.
    pub fn first(size: u64, mtime_ns: i64, now: Duration) -> Looks {
        Looks { size, mtime_ns, first: now, last: now }
    }

    fn unchanged_for(&self) -> Duration {
        self.last.saturating_sub(self.first)
    }
}

/// The looks at the files of one intake, by inode: bounded by what lies in the folder, rebuilt after a restart.
#[derive(Debug, Default)]
pub struct LookTable {
    files: HashMap<u64, (Looks, u32)>,
    round: u32,
}

impl LookTable {
    /// A new look at the whole folder begins.
    pub fn begin(&mut self) {
        self.round = self.round.wrapping_add(1);
    }

    pub fn look(&mut self, inode: u64, size: u64, mtime_ns: i64, now: Duration) -> Looks {
        let fresh = Looks::first(size, mtime_ns, now);
        let (looks, round) = self.files.entry(inode).or_insert((fresh, self.round));
        *round = self.round;
        if (looks.size, looks.mtime_ns) != (size, mtime_ns) {
            *looks = fresh;
        }
        looks.last = now;
        *looks
    }

    /// The look at the folder was whole: what was not in it is forgotten.
    pub fn end(&mut self) {
        let round = self.round;
        self.files.retain(|_, (_, seen)| *seen == round);
        if self.files.capacity() > 4 * self.files.len().max(64) {
            self.files.shrink_to_fit();
        }
    }

    pub fn len(&self) -> usize {
        self.files.len()
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// What to do with a file in in/.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Also where its end is missing and nobody would wait for it: the reading refuses it as `file-truncated`.
    Take,
    /// Look again at that moment, or earlier when woken.
    WaitUntil(Duration, Waiting),
    /// At rest, but its end is missing (for a person: what); refused at that moment if it has not grown.
    Incomplete { missing: String, until: Duration },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// It has not been still for long enough.
    Still,
    /// Its done-file has not come.
    DoneFile,
    /// Somebody has it open for writing.
    Writer,
}

/// One file of an intake. `vouched`: its done-file is there, or was claimed for it. Asked once the rule itself is content,
/// since each costs an open: `still_open`, the kernel on who has it open for writing (`None`: it could not tell, which
/// proves nothing), and `end`, the layout on its last bytes.
pub fn settle(
    rule: &Settle,
    truncated_after: Duration,
    looks: &Looks,
    vouched: bool,
    now: Duration,
    still_open: impl FnOnce() -> Option<bool>,
    end: impl FnOnce() -> Completeness,
) -> Settled {
    // Who moves files in whole, or vouches for them, sends nothing after: a missing end will not come.
    let (wait, waits_for_end) = match rule {
        Settle::Rename => (None, false),
        Settle::DoneFile { .. } if vouched => (None, false),
        Settle::DoneFile { .. } => (Some((now + truncated_after, Waiting::DoneFile)), false),
        Settle::Stable(pause) => {
            let pause = (*pause).max(SECOND_LOOK_AFTER);
            let is_still = looks.unchanged_for() >= pause;
            ((!is_still).then(|| ((looks.first + pause).max(now), Waiting::Still)), true)
        }
    };
    if let Some((until, why)) = wait {
        return Settled::WaitUntil(until, why);
    }
    if still_open() == Some(true) {
        return Settled::WaitUntil(now + ASK_AGAIN_AFTER, Waiting::Writer);
    }
    if !waits_for_end || looks.unchanged_for() >= truncated_after {
        return Settled::Take;
    }
    match end() {
        Completeness::Complete => Settled::Take,
        Completeness::Incomplete(missing) => Settled::Incomplete { missing, until: looks.first + truncated_after },
    }
}

/// When a file at rest whose end is missing is given up. The looks of this run say that nothing has changed since it began; `changed`
/// (the file system's own clock, wall time `wall`, both in nanoseconds) how long nothing had before, so that a run every few minutes
/// comes to an end as one that goes on does. `None`: now.
pub fn given_up_at(
    until: Duration,
    truncated_after: Duration,
    now: Duration,
    (changed, wall): (Option<i64>, i64),
) -> Option<Duration> {
    let rested = changed.and_then(|changed| u64::try_from(wall.saturating_sub(changed)).ok()).map(Duration::from_nanos);
    let left = truncated_after.saturating_sub(rested.unwrap_or_default());
    (!left.is_zero()).then(|| until.min(now + left))
}

/// Done-files and what they vouch for, as indexes into the names that were looked at.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// (done-file, its data file): the done-file is claimed first, so it vouches once.
    pub pairs: Vec<(usize, usize)>,
    /// Done-files whose data file is not there.
    pub lone: Vec<usize>,
    /// Done-files that fit several data files: nobody can tell which one is meant, so none is taken.
    pub ambiguous: Vec<usize>,
}

/// Pairs the names of a folder. `orders.csv` is vouched for by `orders.csv.done` or `orders.done`; the longer form, which
/// can only mean one, goes first.
pub fn pair_done_files(names: &[&[u8]], suffix: &str) -> Pairs {
    let suffix = suffix.as_bytes();
    let is_done = |name: &[u8]| name.len() > suffix.len() && name.ends_with(suffix);
    let mut data: Vec<usize> = (0..names.len()).filter(|&i| !is_done(names[i])).collect();
    data.sort_unstable_by_key(|&i| names[i]);
    let mut vouched = vec![false; names.len()];
    let mut found = Pairs::default();
    let mut by_stem = Vec::new();
    for done in (0..names.len()).filter(|&i| is_done(names[i])) {
        let stem = &names[done][..names[done].len() - suffix.len()];
        match data.binary_search_by_key(&stem, |&i| names[i]) {
            Ok(at) => {
                vouched[data[at]] = true;
                found.pairs.push((done, data[at]));
            }
            Err(_) => by_stem.push((done, stem)),
        }
    }
    for (done, stem) in by_stem {
        let from = data.partition_point(|&i| names[i] < stem);
        let begins = data[from..].iter().take_while(|&&i| names[i].starts_with(stem));
        let fits = |i: &&usize| !vouched[**i] && is_extension(&names[**i][stem.len()..]);
        let mut fitting = begins.filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(&only), None) => found.pairs.push((done, only)),
            (Some(_), Some(_)) => found.ambiguous.push(done),
            (None, _) => found.lone.push(done),
        }
    }
    found
}

fn is_extension(rest: &[u8]) -> bool {
    rest.len() > 1 && rest[0] == b'.' && !rest[1..].contains(&b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn looks(first: u64, last: u64) -> Looks {
        Looks { size: 100, mtime_ns: 0, first: at(first), last: at(last) }
    }

    /// (rule, looks first..last, vouched, the kernel, the missing end) → what to do; now is the last look.
    #[test]
    fn what_rested_before_this_run_counts() {
        let second = 1_000_000_000_i64;
        let wall = 1_795_300_000 * second;
        for (changed, expected) in [
            (None, Some(at(3_700))),
            (Some(wall - 60 * second), Some(at(100 + 3_540))),
            (Some(wall - 3_600 * second), None),
            (Some(wall - 90_000 * second), None),
            // Its clock is ahead of ours: only our own looks count.
            (Some(wall + 60 * second), Some(at(3_700))),
        ] {
            assert_eq!(given_up_at(at(3_700), HOUR, at(100), (changed, wall)), expected, "{changed:?}");
        }
        assert_eq!(
            given_up_at(at(120), HOUR, at(100), (Some(wall - second), wall)),
            Some(at(120)),
            "our looks are longer"
        );
    }

    #[test]
    fn the_table() {
        let stable = || Settle::Stable(at(10));
        let done = || Settle::DoneFile { suffix: ".done".to_owned() };
        let missing = Some("</orders>");
        let incomplete = |until| Settled::Incomplete { missing: "</orders>".to_owned(), until: at(until) };
        let wait = |until, why| Settled::WaitUntil(at(until), why);
        let rows = [
            ("moved in whole", Settle::Rename, looks(5, 5), false, None, None, Settled::Take),
            ("moved in, end missing", Settle::Rename, looks(5, 5), false, None, missing, Settled::Take),
            (
                "moved in, yet written",
                Settle::Rename,
                looks(5, 5),
                false,
                Some(true),
                missing,
                wait(6, Waiting::Writer),
            ),
            ("first look", stable(), looks(5, 5), false, None, None, wait(15, Waiting::Still)),
            ("not still for long", stable(), looks(5, 14), false, None, None, wait(15, Waiting::Still)),
            ("still for 10 s", stable(), looks(5, 15), false, None, None, Settled::Take),
            ("still, closed", stable(), looks(5, 15), false, Some(false), None, Settled::Take),
            ("still, but open", stable(), looks(5, 15), false, Some(true), None, wait(16, Waiting::Writer)),
            ("still, end missing", stable(), looks(5, 15), false, Some(false), missing, incomplete(3_605)),
            ("rests for an hour, end missing", stable(), looks(5, 3_605), false, None, missing, Settled::Take),
            ("no done-file", done(), looks(5, 5), false, None, None, wait(3_605, Waiting::DoneFile)),
            ("done-file", done(), looks(5, 5), true, None, None, Settled::Take),
            ("done-file, end missing", done(), looks(5, 5), true, None, missing, Settled::Take),
            ("done-file, yet written", done(), looks(5, 5), true, Some(true), None, wait(6, Waiting::Writer)),
        ];
        for (row, rule, looks, vouched, open, end, expected) in rows {
            let end = || end.map_or(Completeness::Complete, |missing| Completeness::Incomplete(missing.to_owned()));
            let found = settle(&rule, HOUR, &looks, vouched, looks.last, || open, end);
            assert_eq!(found, expected, "{row}");
        }
    }

    #[test]
    fn nobody_is_asked_before_the_pause_is_over() {
        let (kernel, layout) = (|| panic!("asked too early"), || panic!("asked too early"));
        let found = settle(&Settle::Stable(at(10)), HOUR, &looks(5, 6), false, at(6), kernel, layout);
        assert_eq!(found, Settled::WaitUntil(at(15), Waiting::Still));
    }

    #[test]
    fn one_look_is_never_enough() {
        let one = looks(5, 5);
        let (kernel, layout) = (|| panic!("one look"), || panic!("one look"));
        let found = settle(&Settle::Stable(Duration::ZERO), HOUR, &one, false, at(5), kernel, layout);
        assert_eq!(found, Settled::WaitUntil(at(5) + SECOND_LOOK_AFTER, Waiting::Still));
    }

    #[test]
    fn looks_start_anew_with_every_change_and_an_old_time_decides_nothing() {
        let mut table = LookTable::default();
        let years_ago = 1_000_000_000;
        assert_eq!(table.look(7, 10, years_ago, at(1)).first, at(1));
        assert_eq!(
            table.look(7, 10, years_ago, at(4)),
            Looks { size: 10, mtime_ns: years_ago, first: at(1), last: at(4) }
        );
        assert_eq!(table.look(7, 11, years_ago, at(5)).first, at(5), "it grew while its time stood still");
        assert_eq!(table.look(7, 11, years_ago + 1, at(6)).first, at(6), "its time changed while its size stood still");
    }

    #[test]
    fn what_left_the_folder_is_forgotten() {
        let mut table = LookTable::default();
        table.begin();
        (0..1_000).for_each(|inode| _ = table.look(inode, 1, 1, at(1)));
        table.end();
        table.begin();
        table.look(3, 1, 1, at(2));
        table.end();
        assert_eq!(table.len(), 1);
        assert_eq!(table.look(4, 1, 1, at(3)).first, at(3));
    }

    #[test]
    fn done_files_find_their_data() {
        let names: Vec<&[u8]> = vec![
            b"a.csv",      // 0
            b"a.csv.done", // 1 vouches for 0
            b"b.xml",      // 2
            b"b.done",     // 3 vouches for 2
            b"c.done",     // 4 for nobody
            b"d.csv",      // 5
            b"d.xml",      // 6
            b"d.done",     // 7 for 5 or 6?
            b"e.csv",      // 8 waits
            b"f",          // 9
            b"f.done",     // 10 vouches for 9
            b".done",      // 11 is no done-file
            b"a.b.csv",    // 12 waits: a.done would not mean it
            b"b2.xml",     // 13 waits
        ];
        let found = pair_done_files(&names, ".done");
        assert_eq!(found.pairs, [(1, 0), (10, 9), (3, 2)]);
        assert_eq!((found.lone, found.ambiguous), (vec![4], vec![7]));
    }

    #[test]
    fn the_longer_form_takes_its_file_out_of_the_others_choice() {
        let names: Vec<&[u8]> = vec![b"d.csv", b"d.xml", b"d.done", b"d.csv.done"];
        assert_eq!(pair_done_files(&names, ".done").pairs, [(3, 0), (2, 1)]);
    }
}
