//! Whether a composed file goes out: nothing to say, too much of a change, or good.

use super::compare::Compared;
use crate::edges::store::ledger::FeedRow;
use crate::model::feed::Feed;
use crate::model::rules::guard::{Exceeded, Tally, exceeded, shrunk};
use crate::model::rules::supersede::Scope;

pub(super) enum Verdict {
    Send,
    /// Nothing to say that the partner does not know.
    Empty,
    /// A person decides; without words where it would pass now.
    Locked(Vec<Exceeded>),
}

/// What is known beside the file.
pub(super) struct Facts<'a> {
    pub feed: &'a Feed,
    pub row: &'a FeedRow,
    pub scope: Scope,
    /// Rows of the full file before, where they are comparable.
    pub rows_before: Option<u64>,
    /// An open run may have told the same already.
    pub is_news: bool,
    /// Nobody asked for it, and the file before said the same byte for byte.
    pub is_repeated: bool,
    pub is_locked: bool,
    /// A person has looked at it.
    pub unguarded: bool,
}

pub(super) fn judge(facts: &Facts<'_>, compared: &Compared) -> Verdict {
    let Facts { feed, row, scope, .. } = *facts;
    if compared.rows == 0 && !feed.allow_empty || scope == Scope::Delta && !facts.is_news || facts.is_repeated {
        return Verdict::Empty;
    }
    if facts.unguarded || scope == Scope::New {
        return Verdict::Send;
    }
    let mut over = Vec::new();
    // The first file has nothing to differ from.
    if row.base.is_some() && scope != Scope::Part {
        over = exceeded(&feed.limits, &Tally { base: row.shown, ..compared.tally });
        if scope == Scope::Full {
            let now = if feed.keeps_delivered() { compared.shown } else { compared.rows };
            over.extend(facts.rows_before.and_then(|before| shrunk(feed.limits.shrink, before, now)));
        }
    }
    if facts.is_locked || !over.is_empty() { Verdict::Locked(over) } else { Verdict::Send }
}
