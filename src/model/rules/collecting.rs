//! What is done with a partner's file at a remote, by what the ledger, work/ and the remote say of it: after a crash, and all
//! the same while running. Nothing there is removed before its verdict is committed, and never what we have not read.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::model::remote::{Facts, Stamp};

/// What the ledger has of it: the file's row and the row of what we still owe the remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Nothing of that id.
    Nothing,
    /// It has an id and maybe a claim name; no verdict.
    Claiming,
    /// Its verdict is committed; the remote's copy is no longer needed.
    Taken,
    /// Its verdict is committed, and nothing is owed any more.
    Settled,
    /// It was closed as nowhere to be found.
    Vanished,
}

/// What stands at the remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum There {
    /// It was not asked, or did not answer.
    Unasked,
    Name,
    Claim,
    Both,
    /// Asked for by both names.
    Neither,
    /// And a whole listing of the folder lacks both as well.
    SurelyNeither,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The next look finds it, as any other.
    LookAsEver,
    RenameAndFetch,
    /// It stands under its claim name; what is under its own name, if anything, is a new arrival.
    Fetch,
    /// It is whole in work/: read alone, never fetched again.
    Judge,
    /// What the intake says happens to a fetched file.
    CarryOutAfter,
    /// Nothing is owed any more.
    Forget,
    /// Its row is opened again, and it is fetched.
    OpenAgain,
    /// A file of ours from a ledger that we do not have: fetched under an id of its own, never removed unread.
    NewArrival,
    /// The folder is listed before anything is concluded.
    List,
    CloseVanished,
    Wait,
}

/// `in_work`: it stands in work/, which it does only once it is whole.
pub fn resume(known: Known, in_work: bool, there: There) -> Action {
    use Action as A;
    match (known, there) {
        (Known::Claiming, _) if in_work => A::Judge,
        (Known::Claiming, There::Unasked) => A::Wait,
        (Known::Claiming, There::Name) => A::RenameAndFetch,
        (Known::Claiming, There::Claim | There::Both) => A::Fetch,
        (Known::Claiming, There::Neither) => A::List,
        (Known::Claiming, There::SurelyNeither) => A::CloseVanished,
        // The name alone is a file that came after ours was renamed away and removed.
        (Known::Taken, There::Name | There::Neither | There::SurelyNeither) => A::Forget,
        (Known::Taken, There::Claim | There::Both) => A::CarryOutAfter,
        (Known::Taken, There::Unasked) => A::Wait,
        (Known::Settled, There::Claim | There::Both) => A::CarryOutAfter,
        (Known::Vanished, There::Claim | There::Both) => A::OpenAgain,
        (Known::Nothing, There::Claim | There::Both) => A::NewArrival,
        (Known::Nothing | Known::Settled | Known::Vanished, _) => A::LookAsEver,
    }
}

/// No zone is further from another one.
const ZONES_APART_S: i64 = 26 * 3_600;

/// Files that stay at a remote, as they were taken and as they are listed now: has the server's clock been set by whole hours, as
/// summer time does where a server tells the time of its own zone? One file alone says nothing: it may have been written anew.
pub fn clock_was_set(files: &[(&Facts, &Facts)]) -> bool {
    let mut shifts = files.iter().map(|(then, now)| shift_of(then, now));
    let Some(Some(first)) = shifts.next() else { return false };
    files.len() > 1 && shifts.all(|shift| shift == Some(first))
}

/// By how many seconds the time of an unchanged size moved: whole hours, not a whole day.
fn shift_of(then: &Facts, now: &Facts) -> Option<i64> {
    then.size.filter(|_| then.size == now.size)?;
    let shift = match (&then.stamp, &now.stamp) {
        (Stamp::Exact(_), Stamp::Exact(_)) => (instant(&now.stamp)? - instant(&then.stamp)?).num_seconds(),
        // The day may be another one: of a listing's words only the clock is understood.
        (Stamp::Listed(then), Stamp::Listed(now)) => (clock_in(now)? - clock_in(then)?).rem_euclid(86_400),
        _ => return None,
    };
    let is_of_zones = shift.abs() <= ZONES_APART_S && shift % 3_600 == 0 && shift % 86_400 != 0;
    is_of_zones.then_some(shift)
}

/// `Nov 22 08:30`: seconds since midnight.
fn clock_in(listed: &str) -> Option<i64> {
    let word = listed.split(' ').find(|word| word.contains(':'))?;
    let mut parts = word.split(':').map(|part| part.parse::<i64>().ok());
    let (hours, minutes) = (parts.next()??, parts.next()??);
    Some(hours * 3_600 + minutes * 60 + parts.next().flatten().unwrap_or_default())
}

/// Whether what stands there is still what was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    Remove,
    /// It is gone already.
    Gone,
    /// Another file has taken its place: it stays, and the next look takes it as a new arrival.
    Leave,
    /// Size and time cannot tell: it is fetched once more and its content compared.
    Compare,
}

/// A time closer to the server's own clock than this may stand for two contents.
const STAMP_TELLS_AFTER: Duration = Duration::from_secs(2);

/// Just before a file is removed that was fetched under its own name. `then`: as it was fetched. `server_now`: the clock that
/// its stamps are made by, where we know it.
pub fn before_removal(then: &Facts, now: Option<&Facts>, server_now: Option<DateTime<Utc>>) -> Removal {
    let Some(now) = now else { return Removal::Gone };
    match (then.size, now.size) {
        (Some(then), Some(now)) if then != now => return Removal::Leave,
        (Some(_), Some(_)) => {}
        _ => return Removal::Compare,
    }
    match then.stamp.is_same(&now.stamp) {
        Some(false) => Removal::Leave,
        Some(true) if tells(&now.stamp, server_now) => Removal::Remove,
        Some(true) | None => Removal::Compare,
    }
}

/// Is it fine enough, and old enough, that another content would have another one?
fn tells(stamp: &Stamp, server_now: Option<DateTime<Utc>>) -> bool {
    let (Some(at), Some(now)) = (instant(stamp), server_now) else { return false };
    (now - at).to_std().is_ok_and(|age| age >= STAMP_TELLS_AFTER)
}

fn instant(stamp: &Stamp) -> Option<DateTime<Utc>> {
    match stamp {
        Stamp::Exact(text) => {
            NaiveDateTime::parse_from_str(text.get(..14)?, "%Y%m%d%H%M%S").ok().map(|at| at.and_utc())
        }
        Stamp::OfFolder(text) => {
            let ns: i64 = text.split_once('.')?.0.parse().ok()?;
            Some(DateTime::from_timestamp_nanos(ns))
        }
        Stamp::Listed(_) | Stamp::None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action as A;
    use Known as K;
    use There as T;

    /// Row by row what a crash at each point leaves.
    #[test]
    fn every_crash_point_is_taken_up() {
        for (point, known, in_work, there, action) in [
            ("listed", K::Nothing, false, T::Name, A::LookAsEver),
            ("K1 committed, rename not asked", K::Claiming, false, T::Name, A::RenameAndFetch),
            ("rename done, answer unread", K::Claiming, false, T::Claim, A::Fetch),
            ("while fetching", K::Claiming, false, T::Claim, A::Fetch),
            ("renamed into work/", K::Claiming, true, T::Claim, A::Judge),
            ("renamed into work/, remote not asked", K::Claiming, true, T::Unasked, A::Judge),
            ("the power took that rename", K::Claiming, false, T::Claim, A::Fetch),
            ("K2 committed", K::Taken, true, T::Claim, A::CarryOutAfter),
            ("K2 committed, moved", K::Taken, false, T::Claim, A::CarryOutAfter),
            ("removed, answer unread", K::Taken, false, T::Neither, A::Forget),
            ("removed, K3 lost, another came", K::Taken, false, T::Name, A::Forget),
            ("taken, and another came", K::Taken, false, T::Both, A::CarryOutAfter),
            ("K3 committed, claim still there", K::Settled, false, T::Claim, A::CarryOutAfter),
            ("vanished, claim there", K::Vanished, false, T::Claim, A::OpenAgain),
            ("claim of a ledger we do not have", K::Nothing, false, T::Claim, A::NewArrival),
            ("both are there", K::Claiming, false, T::Both, A::Fetch),
            ("neither", K::Claiming, false, T::Neither, A::List),
            ("neither, also in a whole listing", K::Claiming, false, T::SurelyNeither, A::CloseVanished),
            ("cannot be asked", K::Claiming, false, T::Unasked, A::Wait),
            ("cannot be asked, taken", K::Taken, false, T::Unasked, A::Wait),
            ("settled long ago, another came", K::Settled, false, T::Name, A::LookAsEver),
        ] {
            assert_eq!(resume(known, in_work, there), action, "{point}");
        }
    }

    #[test]
    fn a_clock_that_was_set_moves_all_files_alike() {
        let exact = |size, text: &str| Facts { size: Some(size), stamp: Stamp::Exact(text.into()) };
        let listed = |size, text: &str| Facts { size: Some(size), stamp: Stamp::Listed(text.into()) };
        let (a, b) = (exact(1, "20261025083000"), exact(2, "20261024233015"));
        let (a_later, b_later) = (exact(1, "20261025073000"), exact(2, "20261024223015"));
        let (c, d) = (listed(1, "Oct 25 08:30"), listed(2, "Oct 25 00:15"));
        let (c_later, d_later) = (listed(1, "Oct 25 07:30"), listed(2, "Oct 24 23:15"));
        for (files, is_set) in [
            (&[(&a, &a_later), (&b, &b_later)][..], true),
            (&[(&c, &c_later), (&d, &d_later)], true),
            (&[(&a, &a_later)], false),
            (&[(&a, &a_later), (&b, &b)], false),
            (&[(&a, &a), (&b, &b)], false),
            // Written anew each day, at the same time.
            (&[(&a, &exact(1, "20261026083000")), (&b, &exact(2, "20261025233015"))], false),
            (&[(&a, &exact(1, "20261025073001")), (&b, &b_later)], false),
            (&[(&a, &exact(9, "20261025073000")), (&b, &b_later)], false),
            (&[(&a, &a_later), (&b, &exact(2, "20261025003015"))], false),
            (&[], false),
        ] {
            assert_eq!(clock_was_set(files), is_set, "{files:?}");
        }
    }

    #[test]
    fn only_what_surely_is_the_same_is_removed() {
        let now = DateTime::from_timestamp(1_795_300_000, 0).unwrap();
        let exact =
            |size, second: u32| Facts { size: Some(size), stamp: Stamp::Exact(format!("202611212226{second:02}")) };
        let at = |seconds: i64| Some(now + chrono::TimeDelta::seconds(seconds));
        let folder = |ns: &str| Facts { size: Some(1), stamp: Stamp::OfFolder(ns.into()) };
        let listed = Facts { size: Some(1), stamp: Stamp::Listed("Nov 21 22:26".into()) };
        let bare = Facts::default();
        assert_eq!(now.format("%Y%m%d%H%M%S").to_string(), "20261121222640");
        for (then, found, server_now, removal) in [
            (exact(1, 40), Some(exact(1, 40)), at(2), Removal::Remove),
            (exact(1, 40), Some(exact(1, 40)), at(1), Removal::Compare),
            (exact(1, 40), Some(exact(1, 40)), at(-9), Removal::Compare),
            (exact(1, 40), Some(exact(1, 40)), None, Removal::Compare),
            (exact(1, 40), None, at(2), Removal::Gone),
            (exact(1, 40), Some(exact(2, 40)), at(9), Removal::Leave),
            (exact(1, 40), Some(exact(1, 41)), at(9), Removal::Leave),
            (exact(1, 40), Some(listed.clone()), at(9), Removal::Compare),
            (listed.clone(), Some(listed), at(9), Removal::Compare),
            (bare.clone(), Some(bare), at(9), Removal::Compare),
            (folder("1795300000000000000.7"), Some(folder("1795300000000000000.7")), at(3), Removal::Remove),
            (folder("1795300000000000000.7"), Some(folder("1795300000000000000.8")), at(3), Removal::Leave),
        ] {
            assert_eq!(before_removal(&then, found.as_ref(), server_now), removal, "{then:?} {found:?} {server_now:?}");
        }
    }
}
