//! Verdicts on messages and what follows for their file: the summary, and the folder it belongs into. Pure counting.

use std::fmt;

use super::intake::Policy;

/// What became of a message, or of a file as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    Accepted,
    /// Says what is known already.
    Unchanged,
    /// A request that was applied before.
    Duplicate,
    /// Older than what is known.
    Stale,
    /// Waits for a person, for time or for another message.
    Held,
    Refused,
}

impl Verdict {
    pub const ALL: [Verdict; 6] =
        [Verdict::Accepted, Verdict::Unchanged, Verdict::Duplicate, Verdict::Stale, Verdict::Held, Verdict::Refused];

    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Accepted => "accepted",
            Verdict::Unchanged => "unchanged",
            Verdict::Duplicate => "duplicate",
            Verdict::Stale => "stale",
            Verdict::Held => "held",
            Verdict::Refused => "refused",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.as_str() == text)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Messages of one file by verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub accepted: u64,
    pub unchanged: u64,
    pub duplicate: u64,
    pub stale: u64,
    pub held: u64,
    pub refused: u64,
}

impl Counts {
    pub fn add(&mut self, verdict: Verdict, count: u64) {
        *self.slot(verdict) += count;
    }

    /// One message changed its verdict: retried, released, timed out.
    pub fn change(&mut self, from: Verdict, to: Verdict) {
        let slot = self.slot(from);
        *slot = slot.saturating_sub(1);
        self.add(to, 1);
    }

    fn slot(&mut self, verdict: Verdict) -> &mut u64 {
        match verdict {
            Verdict::Accepted => &mut self.accepted,
            Verdict::Unchanged => &mut self.unchanged,
            Verdict::Duplicate => &mut self.duplicate,
            Verdict::Stale => &mut self.stale,
            Verdict::Held => &mut self.held,
            Verdict::Refused => &mut self.refused,
        }
    }

    pub fn get(mut self, verdict: Verdict) -> u64 {
        *self.slot(verdict)
    }

    pub fn total(self) -> u64 {
        Verdict::ALL.into_iter().map(|v| self.get(v)).sum()
    }

    /// The file's verdict: the most useful thing that can be said of it in one word.
    pub fn file_verdict(self) -> Verdict {
        let in_order = [
            Verdict::Accepted,
            Verdict::Held,
            Verdict::Refused,
            Verdict::Duplicate,
            Verdict::Stale,
            Verdict::Unchanged,
        ];
        in_order.into_iter().find(|v| self.get(*v) > 0).unwrap_or(Verdict::Refused)
    }

    /// Where the original belongs: something taken or known → done, only waiting → held, nothing taken → failed.
    pub fn home(self) -> Home {
        match self.file_verdict() {
            Verdict::Accepted | Verdict::Unchanged | Verdict::Duplicate | Verdict::Stale => Home::Done,
            Verdict::Held => Home::Held,
            // Refused ones beside known ones: the known ones were answered, so the file stands in done/ with a reject.
            Verdict::Refused if self.duplicate + self.stale + self.unchanged > 0 => Home::Done,
            Verdict::Refused => Home::Failed,
        }
    }
}

/// The state folder an original belongs into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    Done,
    Failed,
    Held,
}

/// Must a file be refused whole, given what became of its messages?
pub fn refuses_whole_file(policy: Policy, counts: Counts) -> bool {
    match policy {
        Policy::GoodMessages => false,
        Policy::WholeFile => counts.refused > 0,
        Policy::Threshold { per_10_000 } => {
            counts.refused as u128 * 10_000 > per_10_000 as u128 * counts.total() as u128
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(list: &[(Verdict, u64)]) -> Counts {
        let mut counts = Counts::default();
        for (verdict, count) in list {
            counts.add(*verdict, *count);
        }
        counts
    }

    #[test]
    fn a_file_is_named_by_what_matters_most() {
        use Verdict::*;
        let table = [
            (vec![(Accepted, 47), (Refused, 3)], Accepted, Home::Done),
            (vec![(Refused, 3)], Refused, Home::Failed),
            (vec![(Duplicate, 5)], Duplicate, Home::Done),
            (vec![(Duplicate, 5), (Refused, 1)], Refused, Home::Done),
            (vec![(Held, 1), (Refused, 1)], Held, Home::Held),
            (vec![(Stale, 2), (Unchanged, 2)], Stale, Home::Done),
            (vec![], Refused, Home::Failed),
        ];
        for (list, verdict, home) in table {
            let counts = counts(&list);
            assert_eq!((counts.file_verdict(), counts.home()), (verdict, home), "{list:?}");
        }
    }

    #[test]
    fn policies_look_at_refused_messages_only() {
        let some = counts(&[(Verdict::Accepted, 95), (Verdict::Refused, 5)]);
        let more = counts(&[(Verdict::Accepted, 94), (Verdict::Refused, 6)]);
        assert!(!refuses_whole_file(Policy::GoodMessages, more));
        assert!(refuses_whole_file(Policy::WholeFile, some));
        assert!(!refuses_whole_file(Policy::Threshold { per_10_000: 500 }, some));
        assert!(refuses_whole_file(Policy::Threshold { per_10_000: 500 }, more));
    }
}
