//! The text of a row's places: decoded only where it must be, quotes undoubled, fixed columns cut.

use super::places::At;
use crate::model::layout::plan::WHOLE_FILE;
use crate::model::syntax::delimited::Row;
use crate::model::syntax::encoding::{Encoding, Unmapped};
use crate::model::syntax::fixed;

/// A row whose places can be read as text.
pub struct RowText<'r> {
    pub row: &'r Row<'r>,
    /// The whole row, where its bytes are its text already.
    whole: Option<&'r str>,
    encoding: &'r Encoding,
    quote: u8,
    /// The piece of a list that is read, and what stands between its parts.
    piece: Option<(&'r str, Option<&'r str>)>,
}

impl<'r> RowText<'r> {
    /// `decoded` is room for the text of a row that is not ASCII and is needed as a whole.
    pub fn new(row: &'r Row<'r>, encoding: &'r Encoding, quote: u8, decoded: &'r mut String) -> Result<Self, Unmapped> {
        let plain = match encoding {
            Encoding::Utf8 | Encoding::Utf16 => std::str::from_utf8(row.bytes).ok(),
            Encoding::Single(_) => Some(row.bytes).filter(|b| b.is_ascii()).and_then(|b| std::str::from_utf8(b).ok()),
        };
        if plain.is_none() && row.cells.is_empty() {
            decoded.clear();
            encoding.decode(row.bytes, decoded)?;
            return Ok(RowText { row, whole: Some(decoded), encoding, quote, piece: None });
        }
        Ok(RowText { row, whole: plain, encoding, quote, piece: None })
    }

    /// The same row, of whose list this piece is read.
    pub fn at_piece<'p>(&self, piece: &'p str, within: Option<&'p str>) -> RowText<'p>
    where
        'r: 'p,
    {
        RowText {
            piece: Some((piece, within)),
            row: self.row,
            whole: self.whole,
            encoding: self.encoding,
            quote: self.quote,
        }
    }

    /// The piece, or the nth of its parts.
    fn piece(&self, nth: usize) -> Option<&'r str> {
        let (piece, within) = self.piece?;
        match (nth, within) {
            (0, _) => Some(piece),
            (nth, Some(within)) => piece.split(within).nth(nth - 1),
            (_, None) => None,
        }
    }

    /// The whole record, of fixed width.
    pub fn whole(&self) -> &'r str {
        self.whole.unwrap_or_default()
    }

    /// Characters of the record.
    pub fn width(&self) -> usize {
        self.whole.map_or(self.row.bytes.len(), fixed::width)
    }

    /// The text of a cell that needs neither decoding nor undoubling, as nearly all do; nothing for the others.
    #[inline]
    pub fn plain_cell(&self, cell: usize) -> Option<&'r str> {
        let whole = self.whole?;
        let cell = self.row.cells.get(cell).filter(|cell| !cell.doubled && !cell.is_absent())?;
        whole.get(cell.range())
    }

    /// The text at a place; nothing where the row does not have it.
    pub fn at<'s>(&self, at: At, scratch: &'s mut String) -> Result<Option<&'s str>, Unmapped>
    where
        'r: 's,
    {
        let cell = match at {
            At::Absent => return Ok(None),
            At::File => return Ok(Some(WHOLE_FILE)),
            At::Piece(nth) => return Ok(self.piece(nth)),
            At::Marker(start, end) => {
                let Some(marker) = self.at(At::Cell(0), scratch)? else { return Ok(None) };
                return Ok(Some(fixed::slice(marker, start..end)));
            }
            At::Columns(start, end) => {
                if self.whole.is_none() {
                    scratch.clear();
                    self.encoding.decode(self.row.bytes, scratch)?;
                    return Ok(Some(fixed::slice(scratch, start..end)));
                }
                return Ok(Some(fixed::slice(self.whole(), start..end)));
            }
            At::Cell(index) => match self.row.cells.get(index) {
                Some(cell) if !cell.is_absent() => cell,
                _ => return Ok(None),
            },
        };
        let text = match self.whole {
            // Delimiters and quotes are ASCII, so cells begin and end between characters.
            Some(whole) => &whole[cell.range()],
            None => {
                scratch.clear();
                self.encoding.decode(&self.row.bytes[cell.range()], scratch).map_err(|unmapped| match unmapped {
                    Unmapped::Byte(at, byte) => Unmapped::Byte(at + cell.start as usize, byte),
                    other => other,
                })?;
                if cell.doubled {
                    *scratch = self.undouble(scratch);
                }
                return Ok(Some(scratch));
            }
        };
        if !cell.doubled {
            return Ok(Some(text));
        }
        *scratch = self.undouble(text);
        Ok(Some(scratch))
    }

    /// Within quotes they come in pairs; the splitter has made sure of that.
    fn undouble(&self, text: &str) -> String {
        let quote = self.quote as char;
        let mut out = String::with_capacity(text.len());
        let mut parts = text.split(quote);
        out.push_str(parts.next().unwrap_or_default());
        while let (Some(between), Some(after)) = (parts.next(), parts.next()) {
            out.push_str(between);
            out.push(quote);
            out.push_str(after);
        }
        out
    }
}
