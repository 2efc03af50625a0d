//! The bytes of a document came: what is there is noted in the commit of the file's verdict, and the file's original is what is kept.
//! A manifest that waits for them is judged again in the same commit (`waiting`).

use anyhow::Result;

use super::applying::Applied;
use crate::edges::store::{FileNo, Tx};
use crate::model::intake::Intake;
use crate::model::layout::Decoded;
use crate::model::verdict::Verdict;

/// Of a file that was read; it counts as the one message of its file.
pub fn keep(
    tx: &Tx<'_>,
    (file, intake): (FileNo, &Intake),
    applied: &mut Applied,
    decoded: &mut Decoded,
) -> Result<()> {
    let Some(content) = decoded.content.take() else { return Ok(()) };
    // The same bytes once more: it is this original that is kept from now on, so that its days begin anew.
    let verdict = match tx.keep_content(file, &intake.sender.partner, &content)? {
        true => Verdict::Unchanged,
        false => Verdict::Accepted,
    };
    applied.counts.add(verdict, 1);
    Ok(())
}
