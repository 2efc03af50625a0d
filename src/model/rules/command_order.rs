//! Commands are carried out in the order in which they were given. One that cannot be read for a moment holds those behind it back
//! for a while; one that was passed over is not carried out behind a newer one about the same partner.

use std::collections::BTreeSet;
use std::time::Duration;

/// Longer than a hiccup of a disk or a file server lasts, shorter than the patience of a person who has asked for something.
pub const HELD_BACK: Duration = Duration::from_secs(30);

/// Do those behind it wait? `may_pass`: what keeps it from being read may be over in a moment; rights are not.
pub fn holds_back(may_pass: bool, unread_for: Duration) -> bool {
    may_pass && unread_for < HELD_BACK
}

/// Whom a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concerns {
    /// Nobody could have asked for anything that it changes.
    Nobody,
    Partners(BTreeSet<String>),
    /// It names files by their ids, or everything.
    Anybody,
}

impl Concerns {
    pub fn partners<'n>(names: impl IntoIterator<Item = &'n str>) -> Concerns {
        Concerns::Partners(names.into_iter().map(str::to_string).collect())
    }

    /// Does it matter which of both comes first?
    pub fn meets(&self, other: &Concerns) -> bool {
        match (self, other) {
            (Concerns::Nobody, _) | (_, Concerns::Nobody) => false,
            (Concerns::Partners(one), Concerns::Partners(other)) => !one.is_disjoint(other),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_waited_for_and_not_for_ever() {
        let second = Duration::from_secs(1);
        for (may_pass, unread_for, expected) in [
            (true, Duration::ZERO, true),
            (true, HELD_BACK - second, true),
            (true, HELD_BACK, false),
            (false, Duration::ZERO, false),
        ] {
            assert_eq!(holds_back(may_pass, unread_for), expected, "{may_pass} {unread_for:?}");
        }
    }

    #[test]
    fn two_commands_meet_where_one_could_undo_the_other() {
        let (shop, dealer) = (|| Concerns::partners(["shop"]), || Concerns::partners(["dealer", "erp"]));
        for (one, other, expected) in [
            (shop(), shop(), true),
            (shop(), dealer(), false),
            (Concerns::partners(["erp"]), dealer(), true),
            (Concerns::Anybody, shop(), true),
            (Concerns::Anybody, Concerns::Nobody, false),
            (Concerns::Nobody, shop(), false),
        ] {
            assert_eq!(one.meets(&other), expected, "{one:?} {other:?}");
            assert_eq!(other.meets(&one), expected, "{other:?} {one:?}");
        }
    }
}
