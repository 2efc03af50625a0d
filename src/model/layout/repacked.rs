//! Redacted copies of what is packed: each file in it is unpacked, redacted as a file of its own would be, and packed again. What is not
//! read of an archive (folders, what Apple's programs put aside) is not in the copy.

use std::io::{self, Seek, Write};

use super::packed::{self, Packing};
use super::seam::{Input, RedactError, Redacted, Spill};
use super::{Layout, Syntax, workbook};
use crate::model::archive::gzip;
use crate::model::archive::{ArchiveWriter, Member, flaw_of};

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
        redacted.map_err(|error| match error {
            RedactError::Io(error) if flaw_of(&error).is_some() => RedactError::NotRead(error.to_string()),
            other => other,
        })
    }
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
    let mut writer = ArchiveWriter::new(out);
    let mut unread = 0;
    for entry in &members {
        let mut member = writer.begin(&entry.name)?;
        let mut open = |into: &mut dyn Write| -> io::Result<()> {
            io::copy(&mut Member::open(&mut *original, &directory, entry)?, into).map(|_| ())
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
