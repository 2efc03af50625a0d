//! A file that came back, corrected or moved back by hand: nothing is asked about the file it was any more. Its open messages
//! are closed, its papers go, its original (where it still stands in failed/) goes to done/.
//!
//! A corrected reject closes what was refused, once it is taken. An original that a person moved is judged under its new id
//! whatever comes of it, so what it was is closed before: also what it held, which would be applied twice.

use std::sync::Arc;

use anyhow::Result;

use super::claiming::Claimed;
use super::finish::{self, Decided};
use crate::edges::clock::{Now, iso};
use crate::edges::spool::{Role, Spool, role_of};
use crate::edges::store::Tx;
use crate::edges::store::ledger::{FileRow, Revision};
use crate::model::ids::{Id, split_prefixed};
use crate::model::intake::{Intake, Originals};
use crate::model::verdict::{Home, Verdict};

/// Exceptions looked at together.
const PAGE: u32 = 10_000;
/// Code of messages whose corrected form was taken, or that are judged as part of the file that came back.
pub const CAME_BACK: &str = "came-back";

/// Before a file that came back is judged: closes the one it was, where a person moved its original itself.
pub fn close_moved(
    tx: &Tx<'_>,
    (spool, intakes): (&Spool, &[Arc<Intake>]),
    file: &Claimed,
    now: Now,
) -> Result<Vec<Decided>> {
    let mut closed = Vec::new();
    // Of several files that are one arrival each may have been another's that never came.
    let of_parts = file.parts.iter().filter_map(|part| Some((split_prefixed(&part.raw_name)?.0, &part.raw_name[..])));
    let own = file.returns_of.filter(|_| file.parts.is_empty()).map(|id| (id, &file.dropped[..]));
    for (id, dropped) in own.into_iter().chain(of_parts).filter(|_| !file.again) {
        let Some(before) = tx.file_by_id(id)? else { continue };
        if is_original(file.size, dropped, &before) && was_moved(spool, intakes, &before)? {
            if !before.rehearsed.writes() {
                // What it would have done is asked of the file that it is now.
                tx.close_rehearsed(before.no)?;
            }
            closed.extend(close(tx, before, file.id, true, now)?);
        }
    }
    Ok(closed)
}

/// After it was judged, and was taken: closes what was refused of the one it was.
pub fn close_taken(tx: &Tx<'_>, file: &Claimed, done: &Decided, now: Now) -> Result<Option<Decided>> {
    let is_taken = done.counts.refused == 0 && done.home != Home::Failed;
    match file.returns_of.filter(|_| is_taken).map(|before| tx.file_by_id(before)).transpose()?.flatten() {
        Some(before) => close(tx, before, file.id, false, now),
        None => Ok(None),
    }
}

/// Is it the original itself and no reject? A start does not know the name any more under which it came: then only a file of
/// the same size is.
fn is_original(size: u64, dropped: &[u8], before: &FileRow) -> bool {
    match role_of(dropped, before.id, &before.raw_name) {
        Some(role) => role == Role::Original,
        None => size == before.size,
    }
}

/// Does nothing stand any more where its original was kept?
fn was_moved(spool: &Spool, intakes: &[Arc<Intake>], before: &FileRow) -> Result<bool> {
    let intake = intakes.iter().find(|i| i.sender.partner == before.partner && i.id == before.intake);
    let was_kept = before.home != Some(Home::Done) || intake.is_none_or(|intake| intake.originals != Originals::None);
    let Some(decided) =
        Decided::from_row(before.clone(), None).filter(|_| was_kept && !before.original_gone && before.archived == 0)
    else {
        return Ok(false);
    };
    Ok(finish::find_original(spool, &decided)?.is_none())
}

/// Closes what was refused of the file `row`, which came back as `now_id`; `held`: what it held as well.
fn close(tx: &Tx<'_>, row: FileRow, now_id: Id, held: bool, now: Now) -> Result<Option<Decided>> {
    let mut counts = row.counts;
    if counts.refused == 0 && row.code.is_empty() && (counts.held == 0 || !held) {
        return Ok(None);
    }
    let (comment, at) = (format!("came back as {now_id}"), iso(now.wall));
    let mut from = 0;
    loop {
        let page = tx.messages_of(row.no, from, PAGE)?;
        let Some(last) = page.last() else { break };
        from = last.number + 1;
        let is_open = |verdict| verdict == Verdict::Refused || (held && verdict == Verdict::Held);
        for message in page.iter().filter(|m| is_open(m.verdict)) {
            counts.change(message.verdict, Verdict::Refused);
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
    tx.revise_file(row.no, counts, Home::Done, &at)?;
    let decided = tx.file(row.no)?.and_then(|row| Decided::from_row(row, None));
    Ok(decided.map(|decided| Decided { came_back: true, ..decided }))
}
