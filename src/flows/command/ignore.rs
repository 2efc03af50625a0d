//! Closes what is held or refused without applying it. The comment stands in the ledger for ever, the original goes to done/.

use anyhow::Result;

use super::super::inbound::finish::{self, Decided};
use super::super::inbound::round::Bench;
use super::files;
use crate::edges::clock::iso;
use crate::edges::store::Selection;
use crate::edges::store::ledger::FileRow;
use crate::model::verdict::{Home, Verdict};

const PAGE: u32 = 100_000;
/// Code of messages that a person closed.
const IGNORED: &str = "ignored";

pub fn ignore(bench: &mut Bench<'_>, which: &Selection, comment: &str) -> Result<String> {
    let (mut file_count, mut message_count) = (0, 0);
    for row in files(bench, which)? {
        let has_open = row.counts.held + row.counts.refused > 0 || row.verdict == Some(Verdict::Refused);
        if has_open {
            message_count += ignore_file(bench, row, which, comment)?;
            file_count += 1;
        }
    }
    Ok(format!("closed {file_count} file(s) with {message_count} message(s)"))
}

fn ignore_file(bench: &mut Bench<'_>, row: FileRow, which: &Selection, comment: &str) -> Result<u64> {
    let again = bench.again(false)?;
    let tx = bench.store.begin()?;
    let mut closed = 0;
    for message in tx.messages_of(row.no, 0, PAGE)? {
        let open = matches!(message.verdict, Verdict::Held | Verdict::Refused);
        if open && which.reason.as_ref().is_none_or(|code| *code == message.code) {
            again.close(&tx, &message, Verdict::Refused, IGNORED, Vec::new(), comment)?;
            closed += 1;
        }
    }
    let counts = tx.file(row.no)?.map_or(row.counts, |now| now.counts);
    tx.revise_file(row.no, counts, Home::Done, &iso(bench.now.wall))?;
    tx.comment_file(row.no, comment)?;
    // Nothing is asked of the sender any more: its papers go.
    tx.set_reason(row.no, None, None)?;
    let decided = tx.file(row.no)?.and_then(|now| Decided::from_row(now, None));
    bench.spool.sync()?;
    tx.commit()?;
    finish::carry_out(bench, decided.into_iter().collect())?;
    Ok(closed)
}
