//! Redacted copies of what is packed: each file in it is unpacked, redacted as a file of its own would be, and packed again. What is not
//! read of an archive (folders, what Apple's programs put aside, the PDF that came with an order) is not in the copy: what is personal in
//! that nobody can find.

use std::io::{self, Seek, Write};

use super::packed::{self, Packing};
use super::rows::Rows;
use super::seam::{Input, RedactError, Redacted, Spill};
use super::together::{self, Archive};
use super::{Layout, Syntax, workbook};
use crate::model::archive::gzip;
use crate::model::archive::{ArchiveWriter, Directory, Entry, Member, flaw_of};
use crate::model::rules::companions::Companions;

/// Makes temporary files.
pub type NewSpill<'s> = dyn Fn() -> io::Result<Box<dyn Spill>> + 's;

impl Layout {
    /// A copy of a file as it came, packed or not, in which the personal fields are overwritten. Packed ones and workbooks are written
    /// anew; all else is as long as the original and else the same byte for byte. Both handles are of the original.
    pub fn redact_packed(
        &self,
        original: &mut dyn Input,
        again: &mut dyn Input,
        out: &mut dyn Write,
        spill: &NewSpill<'_>,
    ) -> Result<Redacted, RedactError> {
        let redacted = match packed::packing(original)? {
            Some(Packing::Zip) => members(self, original, out, spill),
            Some(Packing::Gzip) => gzipped(self, original, out, spill),
            None => one(self, original, again, out, spill),
        };
        redacted.map_err(unpackable)
    }

    /// The same of several files that are one arrival, in their archive; another file as ever.
    pub fn redact_together(
        &self,
        companions: &Companions,
        (original, again): (&mut dyn Input, &mut dyn Input),
        out: &mut dyn Write,
        spill: &NewSpill<'_>,
    ) -> Result<Redacted, RedactError> {
        if packed::packing(original)? != Some(Packing::Zip) {
            return self.redact_packed(original, again, out, spill);
        }
        let redacted = match (together::opened(companions, original), &self.syntax) {
            (Err(error), _) => Err(RedactError::Io(error)),
            (Ok((directory, parts)), Syntax::Rows(rows)) if self.files().is_some() => {
                joined(self, rows, (original, &directory, &parts), out, spill)
            }
            (Ok((directory, parts)), _) => {
                let read = parts.iter().filter(|part| part.is_read).map(|part| &part.entry);
                each(self, (original, &directory), read, out, spill)
            }
        };
        redacted.map_err(unpackable)
    }
}

fn unpackable(error: RedactError) -> RedactError {
    match error {
        RedactError::Io(error) if flaw_of(&error).is_some() => RedactError::NotRead(error.to_string()),
        other => other,
    }
}

/// Rows of several files are covered as those of one, and taken apart again. A row that no record reads is in none of them.
fn joined(
    layout: &Layout,
    rows: &Rows,
    (original, directory, parts): Archive<'_>,
    out: &mut dyn Write,
    spill: &NewSpill<'_>,
) -> Result<Redacted, RedactError> {
    let mut text = together::join(layout, rows, (original, directory, parts), spill)?.text;
    let (mut second, mut covered, mut again) = (spill()?, spill()?, spill()?);
    io::copy(&mut text, &mut second)?;
    text.rewind()?;
    second.rewind()?;
    let redacted = layout.redact(&mut text, &mut second, &mut covered)?;
    covered.rewind()?;
    io::copy(&mut covered, &mut again)?;
    let mut writer = ArchiveWriter::new(out);
    for (nth, part) in parts.iter().filter(|part| part.is_read).enumerate() {
        covered.rewind()?;
        again.rewind()?;
        let mut member = writer.begin(&part.entry.name)?;
        rows.untag_rows(layout, nth + 1, (&mut covered, &mut again), &mut member)?;
        member.end()?;
    }
    writer.finish()?;
    Ok(redacted)
}

fn one(
    layout: &Layout,
    mut original: &mut dyn Input,
    mut again: &mut dyn Input,
    out: &mut dyn Write,
    spill: &NewSpill<'_>,
) -> Result<Redacted, RedactError> {
    match &layout.syntax {
        Syntax::Workbook(workbook) => workbook::redact((layout, workbook), original, out, spill),
        _ => layout.redact(&mut original, &mut again, out),
    }
}

fn members(
    layout: &Layout,
    original: &mut dyn Input,
    out: &mut dyn Write,
    spill: &NewSpill<'_>,
) -> Result<Redacted, RedactError> {
    let (directory, members) = packed::listed(original)?;
    each(layout, (original, &directory), members.iter(), out, spill)
}

fn each<'e>(
    layout: &Layout,
    (original, directory): (&mut dyn Input, &Directory),
    members: impl Iterator<Item = &'e Entry>,
    out: &mut dyn Write,
    spill: &NewSpill<'_>,
) -> Result<Redacted, RedactError> {
    let mut writer = ArchiveWriter::new(out);
    let mut unread = 0;
    for entry in members {
        let mut member = writer.begin(&entry.name)?;
        let mut open = |into: &mut dyn Write| -> io::Result<()> {
            io::copy(&mut Member::open(&mut *original, directory, entry)?, into).map(|_| ())
        };
        unread += unpacked(layout, &mut open, &mut member, spill)?.unread;
        member.end()?;
    }
    writer.finish()?;
    Ok(Redacted { unread })
}

fn gzipped(
    layout: &Layout,
    original: &mut dyn Input,
    out: &mut dyn Write,
    spill: &NewSpill<'_>,
) -> Result<Redacted, RedactError> {
    let mut writer = gzip::writer(out);
    let mut open =
        |into: &mut dyn Write| -> io::Result<()> { io::copy(&mut packed::gunzip(&mut *original)?, into).map(|_| ()) };
    let redacted = unpacked(layout, &mut open, &mut writer, spill)?;
    writer.finish()?;
    Ok(redacted)
}

/// The original is read twice side by side, so it is unpacked twice.
fn unpacked(
    layout: &Layout,
    open: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    out: &mut dyn Write,
    spill: &NewSpill<'_>,
) -> Result<Redacted, RedactError> {
    let (mut first, mut second) = (spill()?, spill()?);
    for into in [&mut first, &mut second] {
        open(into)?;
        into.rewind()?;
    }
    one(layout, &mut first, &mut second, out, spill)
}
