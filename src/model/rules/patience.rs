//! When a remote is asked again: how long after a look, how long after a fault, and by how much chance that moves, so that
//! forty partners behind one line are not asked in one moment. A refused login is tried rarely: accounts get locked.

use std::time::Duration;

/// What kind of fault it was, by what waiting may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Line or server: may be well in a moment.
    Passing,
    /// Rights, quota, a certificate: somebody has to do something there.
    Refused,
    /// User or password.
    Login,
}

impl Trouble {
    pub const ALL: [Trouble; 3] = [Trouble::Passing, Trouble::Refused, Trouble::Login];

    /// As the ledger keeps it.
    pub fn word(self) -> &'static str {
        match self {
            Trouble::Passing => "passing",
            Trouble::Refused => "refused",
            Trouble::Login => "login",
        }
    }

    pub fn parse(word: &str) -> Option<Trouble> {
        Trouble::ALL.into_iter().find(|trouble| trouble.word() == word)
    }
}

/// Chance is one of so many.
pub const CHANCES: u32 = 1_000;

const PASSING_FIRST_S: u64 = 30;
const PASSING_MOST_S: u64 = 30 * 60;
const REFUSED_FIRST_S: u64 = 10 * 60;
const REFUSED_MOST_S: u64 = 2 * 3_600;
/// Servers that lock do so after three to five refusals within an hour or a day.
const LOGIN_S: [u64; 3] = [15 * 60, 3_600, 4 * 3_600];
const FAULT_SPREAD_PERCENT: u64 = 20;
const LOOK_SPREAD_PERCENT: u64 = 10;

/// The pause after that many failures in a row (the first is 1). `chance` is 0 to `CHANCES` - 1.
pub fn after_fault(trouble: Trouble, failures: u32, chance: u32) -> Duration {
    let before = failures.saturating_sub(1);
    let doubled = |first: u64, most: u64| first.saturating_mul(1 << before.min(20)).min(most);
    match trouble {
        Trouble::Passing => spread(doubled(PASSING_FIRST_S, PASSING_MOST_S), FAULT_SPREAD_PERCENT, chance),
        Trouble::Refused => spread(doubled(REFUSED_FIRST_S, REFUSED_MOST_S), FAULT_SPREAD_PERCENT, chance),
        // To the second: nothing else asks with this user.
        Trouble::Login => Duration::from_secs(LOGIN_S[(before as usize).min(LOGIN_S.len() - 1)]),
    }
}

/// The pause between two looks at a folder.
pub fn next_look(every: Duration, chance: u32) -> Duration {
    spread(every.as_secs(), LOOK_SPREAD_PERCENT, chance)
}

/// Up to so many percent less or more.
fn spread(seconds: u64, percent: u64, chance: u32) -> Duration {
    let ms = seconds.saturating_mul(1_000);
    let least = ms - ms * percent / 100;
    Duration::from_millis(least + 2 * (ms * percent / 100) * u64::from(chance.min(CHANCES)) / u64::from(CHANCES))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDDLE: u32 = CHANCES / 2;

    #[test]
    fn pauses_grow_to_their_bound() {
        let pauses =
            |trouble, count: u32| (1..=count).map(|n| after_fault(trouble, n, MIDDLE).as_secs()).collect::<Vec<_>>();
        assert_eq!(pauses(Trouble::Passing, 8), [30, 60, 120, 240, 480, 960, 1_800, 1_800]);
        assert_eq!(pauses(Trouble::Refused, 6), [600, 1_200, 2_400, 4_800, 7_200, 7_200]);
        assert_eq!(pauses(Trouble::Login, 5), [900, 3_600, 14_400, 14_400, 14_400]);
        assert_eq!(after_fault(Trouble::Passing, u32::MAX, MIDDLE).as_secs(), 1_800);
    }

    #[test]
    fn chance_moves_a_pause_by_its_share_and_no_more() {
        for (chance, seconds) in [(0, 24), (MIDDLE, 30), (CHANCES, 36), (u32::MAX, 36)] {
            assert_eq!(after_fault(Trouble::Passing, 1, chance).as_secs(), seconds);
        }
        let minute = Duration::from_secs(60);
        assert_eq!([0, MIDDLE, CHANCES].map(|c| next_look(minute, c).as_secs()), [54, 60, 66]);
    }

    /// A week of a refused login, tried by a partner whose server locks after ten refusals a day.
    #[test]
    fn a_refused_login_is_tried_few_times_a_day() {
        let (mut at, mut tries) = (Duration::ZERO, Vec::new());
        while at < Duration::from_secs(7 * 86_400) {
            tries.push(at.as_secs() / 86_400);
            at += after_fault(Trouble::Login, tries.len() as u32, 0);
        }
        let most = (0..7).map(|day| tries.iter().filter(|d| **d == day).count()).max();
        assert!(most <= Some(8), "{tries:?}");
    }

    #[test]
    fn words_are_read_back() {
        for trouble in Trouble::ALL {
            assert_eq!(Trouble::parse(trouble.word()), Some(trouble));
        }
        assert_eq!(Trouble::parse("x"), None);
    }
}
