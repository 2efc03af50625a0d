//! What a start does with what it finds: the table of spool states against ledger states, row by row. The ledger's commit
//! is the truth, the folders follow. Names at remotes are in `collecting` and `delivering`. Pure: what was found and what is known come in, one action comes out.

use crate::model::verdict::Home;

/// Attempts to read a file alone that ended with the death of the process, before it is set aside.
pub const ATTEMPTS_MAX: u32 = 3;

/// Where an inbound file was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFound {
    /// `same`: inode, size and time are those that were claimed.
    In {
        same: bool,
    },
    /// In a folder of in/ that no intake has.
    InWithoutIntake,
    /// A reason file of ours, dropped into in/.
    OurReasonInIn,
    Work,
    /// done/, failed/ or held/in/.
    State(Home),
    Nowhere,
}

/// What the ledger knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKnown {
    Unknown,
    /// No verdict yet; so many committed attempts to read it alone did not end.
    Seen {
        attempts: u32,
    },
    /// Where its verdict puts it, and whether it was confirmed to stand there.
    Verdict {
        home: Home,
        placed: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileAction {
    Nothing,
    /// Claim it under the id it has.
    ClaimSameId,
    /// A new file with an id of its own, judged anew.
    NewArrival,
    /// Rename it to where its verdict puts it.
    MoveTo(Home),
    /// Stands where it belongs: mark it so.
    MarkPlaced,
    /// List it; a notice after a while.
    List,
    RemoveReason,
    /// Close it as `vanished`.
    CloseVanished,
    /// Rename it back to in/.
    BackToIn,
    ApplyAgain,
    /// Refuse it as `crashed-while-reading`.
    RefuseCrashed,
    /// Alarm `original-missing`; the rows stay.
    AlarmMissing,
}

/// The rows on inbound files.
pub fn file(found: FileFound, known: FileKnown) -> FileAction {
    use FileAction as A;
    use FileFound as F;
    use FileKnown as K;
    match (found, known) {
        (F::OurReasonInIn, _) => A::RemoveReason,
        (F::InWithoutIntake, _) => A::List,
        (F::In { .. }, K::Seen { .. }) => A::ClaimSameId,
        (F::In { same: true }, K::Verdict { home, .. }) => A::MoveTo(home),
        (F::In { .. }, K::Unknown | K::Verdict { .. }) => A::NewArrival,
        (F::Nowhere, K::Seen { .. }) => A::CloseVanished,
        (F::Nowhere, K::Verdict { placed: false, .. }) => A::AlarmMissing,
        // Pruned, or taken away by a person: what was placed is not looked after.
        (F::Nowhere, K::Verdict { placed: true, .. } | K::Unknown) => A::Nothing,
        (F::Work, K::Unknown) => A::BackToIn,
        (F::Work, K::Seen { attempts }) if attempts >= ATTEMPTS_MAX => A::RefuseCrashed,
        (F::Work, K::Seen { .. }) => A::ApplyAgain,
        (F::Work, K::Verdict { home, .. }) => A::MoveTo(home),
        (F::State(here), K::Verdict { home, placed }) if here == home => {
            if placed {
                A::Nothing
            } else {
                A::MarkPlaced
            }
        }
        (F::State(_), K::Verdict { home, .. }) => A::MoveTo(home),
        // Retried: the ledger took the verdict back, the file had not been moved yet.
        (F::State(_), K::Seen { .. }) => A::ApplyAgain,
        // Of a ledger that we do not have: an older backup, or a person's hand.
        (F::State(_), K::Unknown) => A::List,
    }
}

/// A reason or reject that the ledger says should stand: is it to be written again?
pub fn is_paper_to_be_rewritten(found: bool, placed: bool) -> bool {
    !found && !placed
}

/// Where a run's file was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunFound {
    Staged,
    Out,
    /// In held/out/.
    Held,
    /// In none of them.
    Neither,
}

/// What the ledger knows of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunKnown {
    Unknown,
    Ready,
    Delivering,
    Sent,
    /// The guard holds it back.
    Locked,
    /// Superseded or discarded: nobody is to see it.
    Ended,
}

/// How the run's file leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaves {
    /// The partner takes it from out/.
    PickUp,
    /// He takes it from out/, and may have read what stood there under its name before.
    PickUpInDoubt,
    /// We bring facts to a remote: sending them twice does no harm.
    RemoteFacts,
    /// We bring requests to a remote: each may arrive once only.
    RemoteRequests,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunAction {
    Nothing,
    Remove,
    RenameToOut,
    /// To held/out/, with a notice.
    HoldWithNotice,
    /// To held/out/, where it belongs.
    RenameToHeld,
    Deliver,
    /// Look what stands at the remote under its name.
    AskRemote,
    /// Rename it to sent/.
    MoveToSent,
    /// The partner took it: commit `sent`.
    MarkSent,
    ComposeAgain,
    WaitForPerson,
}

/// The rows on runs.
pub fn run(found: RunFound, known: RunKnown, leaves: Leaves) -> RunAction {
    use RunAction as A;
    use RunFound as F;
    use RunKnown as K;
    match (found, known) {
        (F::Staged, K::Unknown | K::Ended) => A::Remove,
        (F::Staged, K::Locked) => A::RenameToHeld,
        // One that was tried before: withdrawn for a newer one that was not committed, or made again.
        (F::Staged, K::Ready | K::Delivering) => A::RenameToOut,
        // A second file of a run that is further on: nobody's to throw away unseen.
        (F::Staged, K::Sent) => A::HoldWithNotice,
        (F::Out, K::Unknown | K::Locked | K::Ended) => A::HoldWithNotice,
        (F::Out, K::Ready) if matches!(leaves, Leaves::PickUp | Leaves::PickUpInDoubt) => A::Nothing,
        (F::Out, K::Ready) => A::Deliver,
        (F::Out, K::Delivering) => A::AskRemote,
        (F::Out, K::Sent) => A::MoveToSent,
        (F::Neither, K::Ready | K::Delivering) => match leaves {
            Leaves::PickUp => A::MarkSent,
            Leaves::PickUpInDoubt | Leaves::RemoteFacts => A::ComposeAgain,
            Leaves::RemoteRequests => A::WaitForPerson,
        },
        (F::Held, K::Ended) => A::Remove,
        // A person's, or waiting for one.
        (F::Held, _) => A::Nothing,
        // A person took the copy of a locked one: releasing composes anew.
        (F::Neither, K::Unknown | K::Sent | K::Locked | K::Ended) => A::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use FileAction as A;
    use FileFound as F;
    use FileKnown as K;

    const DONE: K = K::Verdict { home: Home::Done, placed: false };
    const DONE_PLACED: K = K::Verdict { home: Home::Done, placed: true };

    fn holds(rows: &[(F, K, A)]) {
        for (found, known, action) in rows {
            assert_eq!(file(*found, *known), *action, "{found:?} {known:?}");
        }
    }

    #[test]
    fn in_and_seen_is_claimed_under_the_same_id() {
        holds(&[(F::In { same: false }, K::Seen { attempts: 0 }, A::ClaimSameId)]);
        holds(&[(F::In { same: true }, K::Seen { attempts: 3 }, A::ClaimSameId)]);
    }

    #[test]
    fn in_and_known_is_a_new_arrival_unless_it_is_the_very_file() {
        holds(&[(F::In { same: false }, DONE, A::NewArrival), (F::In { same: false }, K::Unknown, A::NewArrival)]);
        holds(&[(F::In { same: true }, DONE, A::MoveTo(Home::Done))]);
    }

    #[test]
    fn in_without_an_intake_is_listed_and_our_reason_is_removed() {
        holds(&[(F::InWithoutIntake, K::Unknown, A::List), (F::OurReasonInIn, DONE_PLACED, A::RemoveReason)]);
    }

    #[test]
    fn nowhere_and_seen_has_vanished() {
        holds(&[(F::Nowhere, K::Seen { attempts: 1 }, A::CloseVanished), (F::Nowhere, K::Unknown, A::Nothing)]);
    }

    #[test]
    fn work_and_unknown_goes_back() {
        holds(&[(F::Work, K::Unknown, A::BackToIn)]);
    }

    #[test]
    fn work_and_seen_is_applied_again_three_times() {
        holds(&[
            (F::Work, K::Seen { attempts: 0 }, A::ApplyAgain),
            (F::Work, K::Seen { attempts: ATTEMPTS_MAX - 1 }, A::ApplyAgain),
            (F::Work, K::Seen { attempts: ATTEMPTS_MAX }, A::RefuseCrashed),
        ]);
    }

    #[test]
    fn any_state_folder_and_another_verdict_ends_the_move() {
        holds(&[
            (F::Work, DONE, A::MoveTo(Home::Done)),
            (F::Work, K::Verdict { home: Home::Failed, placed: false }, A::MoveTo(Home::Failed)),
            (F::State(Home::Held), DONE, A::MoveTo(Home::Done)),
            (F::State(Home::Failed), DONE_PLACED, A::MoveTo(Home::Done)),
            (F::State(Home::Done), DONE, A::MarkPlaced),
            (F::State(Home::Done), DONE_PLACED, A::Nothing),
            (F::State(Home::Failed), K::Seen { attempts: 0 }, A::ApplyAgain),
            (F::State(Home::Done), K::Unknown, A::List),
        ]);
    }

    #[test]
    fn nowhere_and_not_yet_placed_is_an_alarm() {
        holds(&[(F::Nowhere, DONE, A::AlarmMissing), (F::Nowhere, DONE_PLACED, A::Nothing)]);
    }

    #[test]
    fn a_missing_paper_is_written_again_until_the_file_is_placed() {
        let rows = [(false, false, true), (true, false, false), (false, true, false), (true, true, false)];
        for (found, placed, again) in rows {
            assert_eq!(is_paper_to_be_rewritten(found, placed), again, "found {found} placed {placed}");
        }
    }

    fn runs(rows: &[(RunFound, RunKnown, Leaves, RunAction)]) {
        for (found, known, leaves, action) in rows {
            assert_eq!(run(*found, *known, *leaves), *action, "{found:?} {known:?} {leaves:?}");
        }
    }

    #[test]
    fn staged_without_a_run_is_removed_and_with_a_ready_one_goes_out() {
        runs(&[
            (RunFound::Staged, RunKnown::Unknown, Leaves::PickUp, RunAction::Remove),
            (RunFound::Staged, RunKnown::Ready, Leaves::RemoteFacts, RunAction::RenameToOut),
            (RunFound::Staged, RunKnown::Delivering, Leaves::RemoteFacts, RunAction::RenameToOut),
            (RunFound::Staged, RunKnown::Sent, Leaves::PickUp, RunAction::HoldWithNotice),
        ]);
    }

    #[test]
    fn locked_runs_are_held_and_ended_ones_leave_no_file() {
        runs(&[
            (RunFound::Staged, RunKnown::Locked, Leaves::PickUp, RunAction::RenameToHeld),
            (RunFound::Held, RunKnown::Locked, Leaves::PickUp, RunAction::Nothing),
            (RunFound::Neither, RunKnown::Locked, Leaves::RemoteFacts, RunAction::Nothing),
            (RunFound::Staged, RunKnown::Ended, Leaves::PickUp, RunAction::Remove),
            (RunFound::Held, RunKnown::Ended, Leaves::PickUp, RunAction::Remove),
            (RunFound::Held, RunKnown::Unknown, Leaves::PickUp, RunAction::Nothing),
            (RunFound::Neither, RunKnown::Ended, Leaves::PickUp, RunAction::Nothing),
            // Withdrawn before it ended, so what stands there is not ours to vouch for.
            (RunFound::Out, RunKnown::Ended, Leaves::PickUp, RunAction::HoldWithNotice),
        ]);
    }

    #[test]
    fn out_is_held_delivered_asked_or_moved() {
        runs(&[
            (RunFound::Out, RunKnown::Unknown, Leaves::PickUp, RunAction::HoldWithNotice),
            (RunFound::Out, RunKnown::Ready, Leaves::RemoteRequests, RunAction::Deliver),
            (RunFound::Out, RunKnown::Ready, Leaves::PickUp, RunAction::Nothing),
            (RunFound::Out, RunKnown::Delivering, Leaves::RemoteFacts, RunAction::AskRemote),
            (RunFound::Out, RunKnown::Sent, Leaves::RemoteFacts, RunAction::MoveToSent),
        ]);
    }

    #[test]
    fn ready_and_in_neither_was_taken_or_is_made_again_or_waits() {
        runs(&[
            (RunFound::Neither, RunKnown::Ready, Leaves::PickUp, RunAction::MarkSent),
            (RunFound::Neither, RunKnown::Ready, Leaves::PickUpInDoubt, RunAction::ComposeAgain),
            (RunFound::Out, RunKnown::Ready, Leaves::PickUpInDoubt, RunAction::Nothing),
            (RunFound::Neither, RunKnown::Ready, Leaves::RemoteFacts, RunAction::ComposeAgain),
            (RunFound::Neither, RunKnown::Ready, Leaves::RemoteRequests, RunAction::WaitForPerson),
            (RunFound::Neither, RunKnown::Sent, Leaves::PickUp, RunAction::Nothing),
        ]);
    }
}
