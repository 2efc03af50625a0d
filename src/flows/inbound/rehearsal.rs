//! A file of a partner who is not live, or a test by its name: judged like any other, in its savepoint, and then all that it
//! wrote is taken back. What would have happened stands in the ledger; nothing waits, nothing is locked, nothing goes on by
//! itself.

use std::io::{BufReader, BufWriter, Cursor, Read, Seek, Write};

use anyhow::Result;

use super::finish::Decided;
use crate::edges::spool::Spool;
use crate::edges::store::Tx;
use crate::model::intake::Intake;
use crate::model::mode::Mode;
use crate::model::verdict::Home;

/// More exceptions are set aside on the disk.
const IN_MEMORY: u64 = 1_000;

/// Between its verdict and the end of its savepoint.
pub fn take_back(tx: &Tx<'_>, spool: &Spool, done: Decided, (intake, mode): (&Intake, Mode)) -> Result<Decided> {
    let file = done.file;
    let listed = done.counts.total() - done.counts.accepted - done.counts.unchanged;
    let done = match listed <= IN_MEMORY {
        true => through(tx, done, mode, Cursor::new(Vec::new()))?,
        false => through(tx, done, mode, spool.unnamed_file()?)?,
    };
    // A test by its name alone stays one: nobody is asked to apply it later.
    if intake.sender.mode.writes() {
        tx.close_rehearsed(file)?;
    }
    Ok(done)
}

fn through(tx: &Tx<'_>, done: Decided, mode: Mode, mut aside: impl Read + Write + Seek) -> Result<Decided> {
    let set_aside = {
        let mut writing = BufWriter::new(&mut aside);
        let set_aside = tx.set_aside(done.file, &mut writing)?;
        writing.flush()?;
        set_aside
    };
    let asked = tx.questions_of(done.file)?;
    tx.take_back()?;
    tx.savepoint()?;
    // A question changes nothing: it is answered in a test as it will be later.
    asked.iter().try_for_each(|question| tx.add_question(done.file, question))?;
    aside.rewind()?;
    // Nobody is waited for, so it lies where nothing is asked of anybody.
    let home = if done.home == Home::Failed { Home::Failed } else { Home::Done };
    let reason = done.reason.map(|reason| format!("{}\n{reason}", first_line(mode)));
    tx.tell_rehearsed(done.file, set_aside, &mut BufReader::new(aside), (mode, home, reason.as_deref()))?;
    let has_reject = done.counts.refused > 0 && home != Home::Failed;
    Ok(Decided { home, reason, has_reject, is_locked: false, rehearsed: mode, ..done })
}

/// Of the reason, above what it says otherwise.
fn first_line(mode: Mode) -> String {
    format!(
        "A rehearsal (mode = \"{}\"): nothing of this file was applied, and nothing of it waits. What would have happened:",
        mode.as_str()
    )
}
