//! Whether the file that a manifest names is there, and is what the manifest says of it. What is found is what the document has.

use anyhow::Result;
use chrono::TimeDelta;

use super::{Findings, Judge, Lookup};
use crate::edges::store::ledger::CONTENT;
use crate::model::batch::Batch;
use crate::model::rules::contents::{Found, Said, find, is_safe_name};
use crate::model::rules::manifest::Described;
use crate::model::wording::manifest as words;

impl Judge<'_> {
    /// Nothing where documents come without their bytes.
    pub(super) fn content(
        &self,
        look: &mut Lookup<'_>,
        batch: &mut Batch,
        index: usize,
        found: &mut Findings,
    ) -> Result<()> {
        let (Some(contents), Some(manifest)) = (&self.intake.contents, &self.manifest) else { return Ok(()) };
        let head = batch.message(index).head();
        let Described { file_name, sha256, bytes, mime } = manifest.described;
        let text = |field: usize| head.value(field).text().filter(|text| !text.is_empty()).map(str::to_string);
        let name = text(file_name).unwrap_or_default();
        let place = self.place(batch, index, &head, file_name);
        if !is_safe_name(&name) {
            found.problems.push(words::file_name_unsafe(place, &name));
            return Ok(());
        }
        let said = Said { sha256: text(sha256), bytes: head.value(bytes).number(), mime: text(mime), file_name: name };
        let known = look.contents(&self.intake.sender.partner, &said.file_name)?;
        match find(&said, &known, &place) {
            Found::This(content) => {
                batch.put_text(index, 0, sha256, &content.sha256);
                batch.put_number(index, 0, bytes, content.bytes);
                if said.mime.is_none() && !content.mime.is_empty() {
                    batch.put_text(index, 0, mime, &content.mime);
                }
            }
            Found::Missing => {
                let until = TimeDelta::from_std(contents.within).ok().and_then(|t| self.now.checked_add_signed(t));
                let problem = words::content_missing(place, &said.file_name);
                found.wait(problem, CONTENT, said.file_name, until);
            }
            Found::Other(problem) => found.problems.push(problem),
        }
        Ok(())
    }
}
