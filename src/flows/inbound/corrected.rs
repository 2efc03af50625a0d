//! Messages of a file that a person has corrected: what is read from the original is put into its corrected form before it is
//! judged. It knows no verdicts.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::edges::store::{FileNo, Snapshot};
use crate::model::batch::{Batch, Message};
use crate::model::correction::{self, Edit};
use crate::model::diagnostic::{Place, Problem};
use crate::model::json;
use crate::model::wording::judging as words;

/// By the number of the message.
#[derive(Default)]
pub struct Corrected(BTreeMap<u64, Vec<Edit>>);

impl Corrected {
    pub fn of(snapshot: &Snapshot<'_>, file: FileNo) -> Result<Corrected> {
        let mut edits: BTreeMap<u64, Vec<Edit>> = BTreeMap::new();
        for row in snapshot.corrections_of(file)? {
            edits.entry(row.number).or_default().push(row.edit());
        }
        Ok(Corrected(edits))
    }

    /// The message as it was corrected, alone in a batch; nothing where nobody touched it. What the layout of today makes of the
    /// original may have other parts than the one that was corrected: that is its problem.
    pub fn form(&self, batch: &Batch, index: usize) -> Option<Result<Batch, Vec<Problem>>> {
        let message = batch.message(index);
        let edits = self.0.get(&message.origin().number)?;
        Some(apply(batch, message, edits))
    }
}

fn apply(batch: &Batch, message: Message<'_>, edits: &[Edit]) -> Result<Batch, Vec<Problem>> {
    let origin = message.origin();
    let mut value = json::to_json(message);
    correction::correct(message.kind(), &mut value, edits).map_err(|why| {
        let place = Place { line: origin.line, ..Place::default() };
        vec![Problem { message: origin.number, ..words::correction_lost(place, &why) }]
    })?;
    let mut form = batch.another();
    json::read_line(&value.to_string(), origin.line, origin.number, &mut form)?;
    origin.bytes.iter().for_each(|range| form.add_bytes(range.clone()));
    Ok(form)
}
