//! A file that came back corrected, or was moved back by hand, and is taken now: nothing is asked about the file it was any
//! more. Its refused messages are closed, its papers go, its original (where it still stands in failed/) goes to done/.

use anyhow::Result;

use super::finish::Decided;
use crate::edges::clock::{Now, iso};
use crate::edges::store::Tx;
use crate::edges::store::ledger::Revision;
use crate::model::ids::Id;
use crate::model::verdict::{Home, Verdict};

/// Exceptions looked at together.
const PAGE: u32 = 10_000;
/// Code of refused messages whose corrected form was taken.
pub const CAME_BACK: &str = "came-back";

/// Closes the file `before`, which came back as `now_id`.
pub fn close(tx: &Tx<'_>, before: Id, now_id: Id, now: Now) -> Result<Option<Decided>> {
    let Some(row) = tx.file_by_id(before)?.filter(|row| row.counts.refused > 0 || !row.code.is_empty()) else {
        return Ok(None);
    };
    let (comment, at) = (format!("came back as {now_id}"), iso(now.wall));
    let mut from = 0;
    loop {
        let page = tx.messages_of(row.no, from, PAGE)?;
        let Some(last) = page.last() else { break };
        from = last.number + 1;
        for message in page.iter().filter(|m| m.verdict == Verdict::Refused) {
            let closed = Revision {
                verdict: Verdict::Refused,
                code: CAME_BACK,
                problems: &[],
                row: message.row,
                waits: None,
                decided_at: &at,
                comment: &comment,
            };
            tx.revise_message(message.no, &closed)?;
        }
    }
    tx.comment_file(row.no, &comment)?;
    tx.set_reason(row.no, None, None)?;
    tx.revise_file(row.no, row.counts, Home::Done, &at)?;
    let decided = tx.file(row.no)?.and_then(|row| Decided::from_row(row, None));
    Ok(decided.map(|decided| Decided { came_back: true, ..decided }))
}
