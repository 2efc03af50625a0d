//! A file that is none of this layout's is named: an X12 810 is told as one, not as a row with too few columns.
//!
//! Rows are asked before they are read, since any text makes rows; XML is asked after it failed, since its first element says
//! enough. Files that the layout recognises are never asked: the cost of the others is one look at their beginning.

use std::io::{self, Read, SeekFrom};

use super::seam::{Decoded, Input};
use super::{Layout, Syntax};
use crate::model::diagnostic::Diagnostics;
use crate::model::naming::{self, FIRST_BYTES, HEAD_BYTES, Name, Sort};
use crate::model::wording;

/// Codes of a file that may be of another sort altogether.
const DOUBTFUL: [&str; 6] =
    ["encoding-invalid", "layout-mismatch", "xml-doctype", "xml-entity", "xml-invalid", "xml-limit"];

/// The refusal of a file that is no rows at all.
pub(super) fn before(layout: &Layout, input: &mut dyn Input) -> io::Result<Option<Decoded>> {
    if !matches!(layout.syntax, Syntax::Rows(_) | Syntax::Workbook(_))
        || !naming::is_telling(&head_of(input, FIRST_BYTES)?)
    {
        return Ok(None);
    }
    let named = named(layout, input)?.filter(|name| name.sort != Sort::Text);
    Ok(named.map(|name| refused(layout, &name, "")))
}

/// Says of a file in which nothing of the layout was found what it is instead.
pub(super) fn after(layout: &Layout, input: &mut dyn Input, decoded: Decoded) -> io::Result<Decoded> {
    let Some(first) = decoded.fatal.kept().first() else { return Ok(decoded) };
    if decoded.messages > 0 || decoded.stopped || !DOUBTFUL.contains(&first.code) {
        return Ok(decoded);
    }
    let why = first.text.split_once(". ").map_or(first.text.as_str(), |(why, _)| why).to_string();
    let is_written_wrong = matches!(first.code, "xml-entity" | "xml-invalid");
    Ok(match named(layout, input)? {
        // An XML document in itself wrong is told as that, with its line: another layout would not read it either.
        Some(name) if is_written_wrong && name.sort == Sort::Xml => decoded,
        Some(name) => refused(layout, &name, &why),
        None => decoded,
    })
}

/// The name of a file that the layout does not recognise.
fn named(layout: &Layout, input: &mut dyn Input) -> io::Result<Option<Name>> {
    let head = head_of(input, HEAD_BYTES)?;
    let name = if layout.recognises(&head) { None } else { Some(naming::name(&head)) };
    Ok(name.filter(|name| name.what.is_some()))
}

fn refused(layout: &Layout, name: &Name, why: &str) -> Decoded {
    let mut fatal = Diagnostics::default();
    fatal.add(wording::layout_foreign(name.what.as_deref().unwrap_or_default(), &layout.title, why));
    Decoded { fatal, ..Decoded::default() }
}

/// The beginning, read from where the file begins; the next reader begins there too.
fn head_of(input: &mut dyn Input, bytes: usize) -> io::Result<Vec<u8>> {
    input.seek(SeekFrom::Start(0))?;
    let mut head = Vec::with_capacity(bytes);
    Read::take(&mut *input, bytes as u64).read_to_end(&mut head)?;
    input.seek(SeekFrom::Start(0))?;
    Ok(head)
}
