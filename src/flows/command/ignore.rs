//! Closes what is held or refused without applying it. The comment stands in the ledger for ever, the original goes to done/.
//! The sender gets a receipt where that changes what he was told: of messages that were held, not of those refused before.

use anyhow::Result;

use super::super::inbound::finish::{self, Decided};
use super::super::inbound::returned::CAME_BACK;
use super::super::inbound::round::{Bench, answer_all};
use super::files;
use crate::edges::clock::iso;
use crate::edges::store::Selection;
use crate::edges::store::ledger::{FileRow, MessageRow};
use crate::model::diagnostic::Place;
use crate::model::verdict::{Home, Verdict};
use crate::model::wording::guard::is_code_of_guard;
use crate::model::wording::judging;

const PAGE: u32 = 100_000;
/// Code of messages that a person closed.
const IGNORED: &str = "ignored";

pub fn ignore(bench: &mut Bench<'_>, which: &Selection, comment: &str) -> Result<String> {
    let (mut file_count, mut message_count, mut before, mut well, mut locked) = (0, 0, Vec::new(), 0, 0);
    for row in files(bench, which)? {
        let messages = bench.store.read()?.messages_of(row.no, 0, PAGE)?;
        if !row.rehearsed.writes() {
            let has_open = row.counts.held + row.counts.refused > 0 || row.verdict == Some(Verdict::Refused);
            if row.rehearsal_closed || !(which.rehearsed || has_open) {
                well += 1;
                continue;
            }
            message_count += usize::try_from(row.counts.total()).unwrap_or(usize::MAX);
            file_count += 1;
            close_rehearsed(bench, row, comment)?;
            continue;
        }
        let is_open = |m: &&MessageRow| {
            matches!(m.verdict, Verdict::Held | Verdict::Refused)
                && m.code != IGNORED
                && m.code != CAME_BACK
                && which.reason.as_ref().is_none_or(|code| *code == m.code)
        };
        let open: Vec<MessageRow> = messages.iter().filter(is_open).cloned().collect();
        let is_whole = row.verdict == Some(Verdict::Refused) && row.home != Some(Home::Done);
        if !open.is_empty() || is_whole {
            message_count += open.len();
            file_count += 1;
            ignore_file(bench, row, &open, comment)?;
        } else if row.verdict == Some(Verdict::Held) && is_code_of_guard(&row.code) {
            locked += 1;
        } else if row.verdict == Some(Verdict::Refused) || messages.iter().any(|m| m.code == IGNORED) {
            before.push(row);
        } else {
            well += 1;
        }
    }
    let mut said = vec![format!("closed {file_count} file(s) with {message_count} message(s)")];
    match &before[..] {
        [] => {}
        [one] => said.push(format!("{} was closed before: {}", one.name, one.comment)),
        many => said.push(format!("{} file(s) were closed before", many.len())),
    }
    if locked > 0 {
        said.push(format!("{locked} file(s) are held by the guard: nattpost discard closes what is locked"));
    }
    if well > 0 {
        said.push(format!("{well} file(s) hold nothing that waits or is refused"));
    }
    if file_count == 0 && said.len() == 1 {
        return Ok("no file matches: nothing was closed".to_string());
    }
    Ok(said.join("; "))
}

/// Nothing of it was applied, and nothing of it will be.
fn close_rehearsed(bench: &mut Bench<'_>, row: FileRow, comment: &str) -> Result<()> {
    let tx = bench.store.begin()?;
    tx.close_rehearsed(row.no)?;
    tx.revise_file(row.no, row.counts, Home::Done, &iso(bench.now.wall))?;
    tx.comment_file(row.no, comment)?;
    tx.set_reason(row.no, None, None)?;
    let decided = tx.file(row.no)?.and_then(|now| Decided::from_row(now, None));
    bench.spool.sync()?;
    tx.commit()?;
    finish::carry_out(bench, decided.into_iter().collect())
}

fn ignore_file(bench: &mut Bench<'_>, row: FileRow, open: &[MessageRow], comment: &str) -> Result<()> {
    let again = bench.again(false)?;
    let tx = bench.store.begin()?;
    let mut changed = Vec::new();
    for message in open {
        let place = Place { line: message.line, ..Place::default() };
        // What was refused keeps the words that its sender has; what was held turns into a refusal that he hears of.
        let told = if message.verdict == Verdict::Held { vec![judging::ignored(place)] } else { Vec::new() };
        changed.extend(again.close(&tx, message, Verdict::Refused, IGNORED, told, comment)?);
    }
    let counts = tx.file(row.no)?.map_or(row.counts, |now| now.counts);
    tx.revise_file(row.no, counts, Home::Done, &iso(bench.now.wall))?;
    tx.comment_file(row.no, comment)?;
    // Nothing is asked of the sender any more: its papers go.
    tx.set_reason(row.no, None, None)?;
    answer_all((bench.answer, bench.spool, bench.intakes), &tx, &changed, bench.now, bench.zone)?;
    let decided = tx.file(row.no)?.and_then(|now| Decided::from_row(now, None));
    bench.spool.sync()?;
    tx.commit()?;
    finish::carry_out(bench, decided.into_iter().collect())
}
