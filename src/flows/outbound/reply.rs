//! A file of ours that answers an inbound one, receipt or answer, on its way into the ledger: staged within the transaction that
//! holds the verdict it speaks of, visible only after its commit, by the same step as every run.

use anyhow::Result;
use chrono_tz::Tz;

use super::deliver::announce;
use super::made::REHEARSED;
use super::paper::Paper;
use crate::edges::clock::{Now, iso, new_id};
use crate::edges::spool::{Lasting, Spool};
use crate::edges::store::Tx;
use crate::edges::store::ledger::{FileRow, NewRun, RunReason, RunState};
use crate::model::ids::Id;
use crate::model::layout::Layout;
use crate::model::mode::Mode;
use crate::model::remote::SendTo;

pub(super) struct Reply<'r> {
    /// The file that is answered.
    pub row: &'r FileRow,
    pub layout: &'r Layout,
    /// Below out/<partner>/.
    pub folder: &'r str,
    pub mode: Mode,
    /// Where it is brought; none: it is picked up.
    pub to: Option<&'r SendTo>,
    pub done_suffix: Option<&'r str>,
    /// Messages in it.
    pub rows: u64,
}

/// Gives a composed file its number and name; what stands in an archive under a name of its own is packed then.
pub(super) type NameIt<'n> = dyn FnMut(Paper) -> Result<(Paper, u64, String)> + 'n;

impl Reply<'_> {
    /// `composed`: or why it cannot be written, which costs the reply and never the file that it answers. On the disk with the next
    /// `Spool::sync`, which comes before the commit as ever. Afterwards `Numbers::keep`, the commit, and `Dispatch::place_ready`.
    pub fn stage(
        &self,
        tx: &Tx<'_>,
        spool: &Spool,
        composed: Result<Paper, String>,
        (now, zone): (Now, Tz),
        name_it: &mut NameIt<'_>,
    ) -> Result<Option<Id>> {
        let (ready_at, day) = (iso(now.wall), now.wall.with_timezone(&zone).date_naive().to_string());
        let fileless = self.without_file(new_id(now.wall)?, &ready_at, &day);
        let paper = match composed {
            Ok(paper) => paper,
            Err(reason) => {
                let run = tx.add_run(&fileless)?;
                tx.set_run_state(run, RunState::Failed, &ready_at, &reason)?;
                tx.mark_runs_placed([run])?;
                return Ok(None);
            }
        };
        let (paper, number, name) = name_it(paper)?;
        let (id, hash, size) = (fileless.id, paper.hash, paper.size);
        paper.stage(spool, id, Lasting::NextSync)?;
        let run = tx.add_run(&NewRun { state: RunState::Ready, number, name: &name, hash: &hash, size, ..fileless })?;
        if !self.mode.writes() {
            tx.set_run_rehearsed(run, self.mode)?;
        }
        if !self.mode.answers() {
            tx.set_run_state(run, RunState::Sent, &ready_at, REHEARSED)?;
            tx.mark_runs_placed([run])?;
            return Ok(Some(id));
        }
        if let Some(to) = self.to {
            announce(tx, spool, (run, id), &name, (to, self.done_suffix))?;
        } else if let Some(suffix) = self.done_suffix {
            tx.set_run_done_name(run, &format!("{name}{suffix}"))?;
        }
        Ok(Some(id))
    }

    fn without_file<'n>(&'n self, id: Id, ready_at: &'n str, day: &'n str) -> NewRun<'n> {
        NewRun {
            id,
            number: 0,
            partner: &self.row.partner,
            feed: &self.row.intake,
            kind: &self.layout.kind.name,
            layout: &self.layout.id,
            reason: RunReason::Receipt,
            due_at: None,
            state: RunState::Failed,
            folder: self.folder,
            name: "",
            hash: &[],
            size: 0,
            rows: self.rows,
            file: Some(self.row.no),
            ready_at,
            day,
        }
    }
}
