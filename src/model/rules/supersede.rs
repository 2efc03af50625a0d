//! May a newer run take the name and number of one that was not taken yet? Then no number is left out, and the partner finds
//! one file with today's state instead of two.

use crate::model::feed::Replace;

/// How much of its rows a run tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All that there is.
    Full,
    /// What changed since.
    Delta,
    /// Rows that a person asked for by their key.
    Part,
    /// Requests that did not go out before.
    New,
}

impl Scope {
    pub const ALL: [Scope; 4] = [Scope::Full, Scope::Delta, Scope::Part, Scope::New];

    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Full => "full",
            Scope::Delta => "delta",
            Scope::Part => "part",
            Scope::New => "new",
        }
    }
}

/// The run of the feed that was given a number last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldRun {
    pub scope: Scope,
    pub stands: Stands,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// Where its partner finds it and nothing was done with it yet; or it waits to be brought to a remote and nothing of it
    /// is under way, also after a try that ended before its name was touched there.
    Waiting,
    /// Its file is gone before it was brought: what it says is made again, under its name and number.
    Gone,
    /// Taken so soon after it took another's place that it may be the other that was read: to be told again as it was called.
    InDoubt,
    /// In delivery, delivered, gone.
    Otherwise,
}

/// What a full file says is a whole, and a delta tells all that the delta before it told.
pub fn takes_over(new: Scope, old: OldRun, replace: Replace) -> bool {
    match (old.stands, new, old.scope) {
        // Orders whose file is gone: made of the very same orders, when a person says so.
        (Stands::Gone, Scope::New, Scope::New) => true,
        (Stands::Otherwise, ..) | (_, Scope::New | Scope::Part, _) | (_, _, Scope::New | Scope::Part) => false,
        (Stands::InDoubt | Stands::Gone, new, old) => new == old || new == Scope::Full,
        (Stands::Waiting, ..) if replace == Replace::Never => false,
        (Stands::Waiting, Scope::Full, Scope::Full | Scope::Delta) => true,
        (Stands::Waiting, Scope::Delta, old) => old == Scope::Delta,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_newer_one_says_too_is_replaced() {
        let rows = [
            (Scope::Full, Scope::Full, Stands::Waiting, true),
            (Scope::Full, Scope::Delta, Stands::Waiting, true),
            (Scope::Delta, Scope::Delta, Stands::Waiting, true),
            (Scope::Delta, Scope::Full, Stands::Waiting, false),
            (Scope::Part, Scope::Delta, Stands::Waiting, false),
            (Scope::Full, Scope::Part, Stands::Waiting, false),
            (Scope::New, Scope::New, Stands::Waiting, false),
            (Scope::Full, Scope::Full, Stands::Otherwise, false),
            (Scope::Delta, Scope::Delta, Stands::Otherwise, false),
            (Scope::Delta, Scope::Delta, Stands::InDoubt, true),
            (Scope::Full, Scope::Delta, Stands::InDoubt, true),
            (Scope::Delta, Scope::Full, Stands::InDoubt, false),
            (Scope::Delta, Scope::Delta, Stands::Gone, true),
            (Scope::Full, Scope::Full, Stands::Gone, true),
            (Scope::New, Scope::New, Stands::Gone, true),
            (Scope::New, Scope::New, Stands::InDoubt, false),
            (Scope::Part, Scope::Part, Stands::Gone, false),
        ];
        for (new, scope, stands, expected) in rows {
            let old = OldRun { scope, stands };
            assert_eq!(takes_over(new, old, Replace::Unsent), expected, "{new:?} over {old:?}");
            let kept = expected && stands != Stands::Waiting;
            assert_eq!(takes_over(new, old, Replace::Never), kept, "{new:?} over {old:?}, every file kept");
        }
    }
}
