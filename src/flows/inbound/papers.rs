//! The PDF that came with an order is kept in the commit of the file's verdict and bound to that order; where the order waits, the
//! PDF waits with it. Decides about a second PDF of an order. Whether a PDF can be used at all was seen when the file was read.

use anyhow::Result;
use chrono::{DateTime, Utc};

use super::applying::{Applied, How};
use crate::edges::clock::iso;
use crate::edges::store::ledger::NewPdf;
use crate::edges::store::{FileNo, RowId, Tx};
use crate::model::diagnostic::Problem;
use crate::model::intake::{Intake, OnChange};
use crate::model::layout::Decoded;
use crate::model::pdf::Paper;
use crate::model::verdict::Verdict;
use crate::model::wording;

pub struct Papers<'a> {
    pub tx: &'a Tx<'a>,
    pub file: FileNo,
    pub intake: &'a Intake,
    pub overrule: bool,
    pub now: DateTime<Utc>,
}

impl Papers<'_> {
    /// Of a file that was read and whose messages were applied; a fatal problem takes all of them back.
    pub fn bind(&self, applied: &mut Applied, decoded: &mut Decoded) -> Result<()> {
        let Some(paper) = decoded.paper.take() else { return Ok(()) };
        if !decoded.fatal.is_empty() || decoded.messages == 0 {
            return Ok(());
        }
        if decoded.messages > 1 {
            decoded.fatal.add(wording::pdf_of_several(&paper.name, decoded.messages));
            return Ok(());
        }
        match applied.request {
            Some((row, How::New)) => self.keep_for(row, &paper)?,
            Some((row, How::Known)) => match self.of_known(row, &paper)? {
                Second::Same => {}
                Second::Refused(problem) => decoded.fatal.add(problem),
                Second::Taken => {
                    self.keep_for(row, &paper)?;
                    // Its fields said nothing new; its PDF does.
                    self.tx.clear_exceptions(self.file)?;
                    applied.counts.change(Verdict::Duplicate, Verdict::Accepted);
                }
            },
            None if applied.counts.held > 0 => self.keep(&paper)?,
            None => {}
        }
        Ok(())
    }

    fn keep_for(&self, row: RowId, paper: &Paper) -> Result<()> {
        self.keep(paper)?;
        self.tx.bind_pdf(self.file, row, &iso(self.now))?;
        Ok(())
    }

    fn keep(&self, paper: &Paper) -> Result<()> {
        let Paper { name, bytes, pages } = paper;
        self.tx.keep_pdf(self.file, &NewPdf { name, content: content(paper), pages: *pages, bytes })
    }

    /// The order is there with these fields.
    fn of_known(&self, row: RowId, paper: &Paper) -> Result<Second> {
        let before = self.tx.pdf_of(row)?;
        if before.as_ref().is_some_and(|before| before.content == content(paper)) {
            return Ok(Second::Same);
        }
        let is_out = self.tx.is_exported("order", row)?;
        let may_replace = self.overrule || self.intake.on_change == OnChange::ReplaceUntilExported;
        Ok(match before {
            None if is_out => Second::Refused(wording::pdf_late(&paper.name)),
            Some(before) if is_out || !may_replace => {
                Second::Refused(wording::pdf_changed(&paper.name, &before.name, is_out))
            }
            _ => Second::Taken,
        })
    }
}

/// What becomes of a PDF whose order is known.
enum Second {
    Same,
    Taken,
    Refused(Problem),
}

fn content(paper: &Paper) -> [u8; 32] {
    *blake3::hash(&paper.bytes).as_bytes()
}
