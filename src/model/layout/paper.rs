//! PDFs that go on with orders, as they are read: whole, within what the intake asks, their bytes in memory. Owns where such a PDF
//! is refused; what stands in one is `model/pdf`'s.

use std::io::{self, Read};

use super::seam::{Decoded, Input};
use crate::model::diagnostic::Problem;
use crate::model::pdf::{self, Paper};
use crate::model::rules::by_number::{ByNumber, is_pdf};
use crate::model::wording;

/// Or why it cannot go on.
pub(super) fn look(name: &str, from: &mut dyn Read, limits: pdf::Limits) -> io::Result<Result<Paper, Problem>> {
    let mut bytes = Vec::new();
    from.take(pdf::MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > pdf::MOST_BYTES {
        return Ok(Err(wording::pdf_too_large(name, pdf::MOST_BYTES)));
    }
    Ok(match pdf::look(&bytes) {
        Err(flaw) => Err(wording::pdf_unreadable(name, &flaw)),
        Ok(seen) if seen.pages == 0 || seen.pages > limits.pages => {
            Err(wording::pdf_pages(name, seen.pages, limits.pages))
        }
        Ok(seen) if !limits.takes_active && !seen.active.is_empty() => Err(wording::pdf_active(name, &seen.active)),
        Ok(seen) => Ok(Paper { name: name.to_string(), bytes, pages: seen.pages, order: None }),
    })
}

/// One that came alone; nothing where the name is not a PDF's, so that it is read by a layout. It counts as one message.
pub fn alone(by_number: &ByNumber, input: &mut dyn Input, name: &str) -> io::Result<Option<Decoded>> {
    if !is_pdf(name) {
        return Ok(None);
    }
    let mut decoded = Decoded { messages: 1, ..Decoded::default() };
    match by_number.order_in(name) {
        None => decoded.fatal.add(wording::companion_misnamed(name, std::iter::once(by_number.pattern()))),
        Some(order) => {
            input.rewind()?;
            match look(name, input, by_number.limits)? {
                Ok(paper) => decoded.paper = Some(Paper { order: Some(order), ..paper }),
                Err(problem) => decoded.fatal.add(problem),
            }
        }
    }
    Ok(Some(decoded))
}
