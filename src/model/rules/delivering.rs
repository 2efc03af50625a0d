//! How a delivery goes on, by how far the ledger says it came and what stands at the remote: at its beginning, after a crash,
//! after a line that broke. The same file is never brought twice unless that does no harm, and never given up silently.

use super::one_name::Turn;
use crate::model::remote::{Facts, Redeliver};

/// How far the ledger says it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// Nothing was asked yet.
    Ready,
    /// What stood there is noted; the upload may have begun.
    Delivering,
    /// From here on the partner may have it.
    Renaming,
    /// Sent, failed, or closed by a person.
    Over,
}

/// What stood under the final name before anything of this run was renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Before {
    Unasked,
    Nothing,
    Something(Facts),
}

/// What stands there now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct There {
    pub temp: Option<Facts>,
    pub last: Option<Facts>,
    /// Of the done-file, where one is wanted.
    pub has_done_file: bool,
    /// What stood under the final name, put aside by an earlier try of this run.
    pub has_old: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// From the start; what is left of an upload is removed first.
    Send,
    /// The upload is whole: committed as renaming, then renamed.
    BeginRenaming,
    Rename,
    /// It stands there; its done-file does not, or the old one that was put aside still does.
    Finish,
    NoteSent,
    /// He may have it or not.
    Unknown,
    RemoveTemp,
    Nothing,
}

pub fn resume(came: Came, size: u64, before: &Before, there: &There, wants_done_file: bool) -> Action {
    let is_whole = |facts: &Option<Facts>| facts.as_ref().is_some_and(|facts| facts.size == Some(size));
    match came {
        Came::Over if there.temp.is_some() => Action::RemoveTemp,
        Came::Over => Action::Nothing,
        Came::Ready => Action::Send,
        Came::Delivering if is_whole(&there.temp) => Action::BeginRenaming,
        Came::Delivering => Action::Send,
        Came::Renaming if is_whole(&there.temp) => Action::Rename,
        // It was cut by the server later: nothing of it was renamed, so sending again is safe.
        Came::Renaming if there.temp.is_some() => Action::Send,
        Came::Renaming if is_whole(&there.last) && is_another(before, there.last.as_ref()) => {
            if there.has_old || (wants_done_file && !there.has_done_file) { Action::Finish } else { Action::NoteSent }
        }
        Came::Renaming => Action::Unknown,
    }
}

/// Of names that carry no number: does a file stand there that its partner has to take first? Before anything of this run was renamed it
/// is not ours.
pub fn waits(turn: Turn, action: Action, there: &There) -> bool {
    let comes = matches!(action, Action::Send | Action::BeginRenaming | Action::Rename);
    turn == Turn::Waits && comes && there.last.is_some()
}

/// Is what stands there certainly not what stood there before?
fn is_another(before: &Before, now: Option<&Facts>) -> bool {
    match (before, now) {
        (Before::Nothing, Some(_)) => true,
        (Before::Something(before), Some(now)) => {
            matches!((before.size, now.size), (Some(before), Some(now)) if before != now)
                || before.stamp.is_same(&now.stamp) == Some(false)
        }
        _ => false,
    }
}

/// What a file of ours says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// Twice is harmless: facts, records, answers.
    Facts,
    /// Each may arrive once only.
    Requests,
}

/// A delivery of which nobody knows whether it arrived: is it sent again, or does a person decide?
pub fn is_sent_again(says: Says, redeliver: Redeliver) -> bool {
    says == Says::Facts || redeliver == Redeliver::Always
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::remote::Stamp;

    fn facts(size: u64, second: u32) -> Facts {
        Facts { size: Some(size), stamp: Stamp::Exact(format!("202611220858{second:02}")) }
    }

    fn there(temp: Option<Facts>, last: Option<Facts>) -> There {
        There { temp, last, ..There::default() }
    }

    /// Row by row what a crash or a broken line at each point leaves. The file has 8 bytes.
    #[test]
    fn every_crash_point_is_taken_up() {
        let old = || Before::Something(facts(8, 1));
        for (point, came, before, found, action) in [
            ("ready", Came::Ready, Before::Unasked, there(None, Some(facts(8, 1))), Action::Send),
            (
                "ready, a temp of another try",
                Came::Ready,
                Before::Unasked,
                there(Some(facts(8, 1)), None),
                Action::Send,
            ),
            ("D1, upload not begun", Came::Delivering, Before::Nothing, there(None, None), Action::Send),
            ("D1, half", Came::Delivering, Before::Nothing, there(Some(facts(3, 1)), None), Action::Send),
            (
                "uploaded, D2 lost",
                Came::Delivering,
                old(),
                there(Some(facts(8, 2)), Some(facts(8, 1))),
                Action::BeginRenaming,
            ),
            ("D2, rename not done", Came::Renaming, old(), there(Some(facts(8, 2)), Some(facts(8, 1))), Action::Rename),
            ("D2, old one moved aside", Came::Renaming, old(), there(Some(facts(8, 2)), None), Action::Rename),
            (
                "D2, temp cut by the server",
                Came::Renaming,
                old(),
                there(Some(facts(0, 2)), Some(facts(8, 1))),
                Action::Send,
            ),
            (
                "renamed, answer unread",
                Came::Renaming,
                Before::Nothing,
                there(None, Some(facts(8, 2))),
                Action::NoteSent,
            ),
            (
                "renamed over an equally large one",
                Came::Renaming,
                old(),
                there(None, Some(facts(8, 2))),
                Action::NoteSent,
            ),
            (
                "renamed over another size",
                Came::Renaming,
                Before::Something(facts(7, 1)),
                there(None, Some(facts(8, 1))),
                Action::NoteSent,
            ),
            ("the partner took it at once", Came::Renaming, Before::Nothing, there(None, None), Action::Unknown),
            ("temp lost, the old one there", Came::Renaming, old(), there(None, Some(facts(8, 1))), Action::Unknown),
            (
                "somebody put another there",
                Came::Renaming,
                Before::Nothing,
                there(None, Some(facts(9, 3))),
                Action::Unknown,
            ),
            ("over", Came::Over, old(), there(Some(facts(8, 2)), None), Action::RemoveTemp),
            ("over, nothing left", Came::Over, old(), there(None, None), Action::Nothing),
        ] {
            assert_eq!(resume(came, 8, &before, &found, false), action, "{point}");
        }
    }

    #[test]
    fn a_wanted_done_file_comes_last() {
        let mut found = there(None, Some(facts(8, 2)));
        assert_eq!(resume(Came::Renaming, 8, &Before::Nothing, &found, true), Action::Finish);
        found.has_done_file = true;
        assert_eq!(resume(Came::Renaming, 8, &Before::Nothing, &found, true), Action::NoteSent);
        assert_eq!(resume(Came::Renaming, 8, &Before::Nothing, &there(None, None), true), Action::Unknown);
    }

    #[test]
    fn an_old_one_that_was_put_aside_does_not_stay() {
        let found = There { has_old: true, ..there(None, Some(facts(8, 2))) };
        let before = Before::Something(facts(8, 1));
        assert_eq!(resume(Came::Renaming, 8, &before, &found, false), Action::Finish);
        let lost = There { has_old: true, ..there(None, None) };
        assert_eq!(resume(Came::Renaming, 8, &before, &lost, false), Action::Unknown);
    }

    #[test]
    fn stamps_of_two_sorts_prove_nothing() {
        let listed = Facts { size: Some(8), stamp: Stamp::Listed("Nov 22 08:58".into()) };
        let found = there(None, Some(facts(8, 2)));
        assert_eq!(resume(Came::Renaming, 8, &Before::Something(listed), &found, false), Action::Unknown);
        assert_eq!(resume(Came::Renaming, 8, &Before::Unasked, &found, false), Action::Unknown);
    }

    #[test]
    fn what_was_not_taken_is_waited_for() {
        let taken = there(Some(facts(8, 2)), None);
        let stands = there(None, Some(facts(8, 1)));
        for (turn, action, found, expected) in [
            (Turn::Waits, Action::Send, &stands, true),
            (Turn::Waits, Action::BeginRenaming, &stands, true),
            (Turn::Waits, Action::Rename, &stands, true),
            (Turn::Waits, Action::NoteSent, &stands, false),
            (Turn::Waits, Action::Finish, &stands, false),
            (Turn::Waits, Action::Rename, &taken, false),
            (Turn::Replaces, Action::Rename, &stands, false),
            (Turn::Own, Action::Send, &stands, false),
        ] {
            assert_eq!(waits(turn, action, found), expected, "{turn:?} {action:?}");
        }
    }

    #[test]
    fn only_requests_wait_for_a_person() {
        for (says, redeliver, again) in [
            (Says::Facts, Redeliver::Ask, true),
            (Says::Facts, Redeliver::Always, true),
            (Says::Requests, Redeliver::Ask, false),
            (Says::Requests, Redeliver::Always, true),
        ] {
            assert_eq!(is_sent_again(says, redeliver), again, "{says:?} {redeliver:?}");
        }
    }
}
