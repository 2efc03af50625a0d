//! The text of a row's places: decoded only where it must be, quotes undoubled, fixed columns cut.

use std::ops::Range;

use super::places::At;
use crate::model::layout::plan::WHOLE_FILE;
use crate::model::syntax::delimited::Row;
use crate::model::syntax::encoding::{Encoding, Unmapped};
use crate::model::syntax::{fixed, wide};

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
    pub fn new(row: &'r Row<'r>, encoding: &'r Encoding, quote: u8, decoded: &'r mut String) -> Self {
        let plain = match encoding {
            Encoding::Utf8 | Encoding::Utf16(_) => std::str::from_utf8(row.bytes).ok(),
            Encoding::Single(_) => Some(row.bytes).filter(|b| b.is_ascii()).and_then(|b| std::str::from_utf8(b).ok()),
        };
        if plain.is_none() && row.cells.is_empty() {
            decoded.clear();
            let is_text = encoding.decode(row.bytes, decoded).is_ok();
            return RowText { row, whole: is_text.then_some(decoded), encoding, quote, piece: None };
        }
        RowText { row, whole: plain, encoding, quote, piece: None }
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

    pub fn encoding(&self) -> &'r Encoding {
        self.encoding
    }

    /// The first byte of the row that is no character.
    pub fn garbled(&self) -> Option<Unmapped> {
        if self.whole.is_some() {
            return None;
        }
        self.decode(0..self.row.bytes.len(), &mut String::new()).err()
    }

    /// The first letter that the row has in UTF-8 although the layout says a code page: read by that page every letter
    /// beyond ASCII would become two others, and nobody would be told.
    pub fn utf8_instead(&self) -> Option<char> {
        match self.encoding {
            Encoding::Single(page) if !self.row.bytes.is_ascii() => page.in_utf8(self.row.bytes),
            _ => None,
        }
    }

    /// Characters of the record.
    pub fn width(&self) -> usize {
        self.whole.map_or_else(|| self.starts().count(), fixed::width)
    }

    /// Characters before this byte of the row.
    pub fn width_of(&self, byte: usize) -> usize {
        self.starts().take_while(|at| *at < byte).count()
    }

    /// Nothing but blanks in these columns.
    pub fn is_blank(&self, columns: Range<usize>) -> bool {
        self.row.bytes[self.columns(columns)].iter().all(|byte| *byte == b' ')
    }

    /// Where characters begin in the row's bytes; what is none counts as one.
    fn starts(&self) -> impl Iterator<Item = usize> + use<'r> {
        let single = matches!(self.encoding, Encoding::Single(_));
        let begins = move |(_, byte): &(usize, &u8)| single || **byte & 0xC0 != 0x80;
        self.row.bytes.iter().enumerate().filter(begins).map(|(at, _)| at)
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
                let Some(whole) = self.whole else {
                    scratch.clear();
                    self.decode(self.columns(start..end), scratch)?;
                    return Ok(Some(scratch));
                };
                return Ok(Some(fixed::slice(whole, start..end)));
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
                self.decode(cell.range(), scratch)?;
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

    fn decode(&self, part: Range<usize>, out: &mut String) -> Result<(), Unmapped> {
        let start = part.start;
        let decoded = self.encoding.decode(&self.row.bytes[part], out);
        decoded.map_err(|unmapped| in_row(self.row, self.encoding, start, unmapped))
    }

    /// The bytes of the row that these columns take.
    pub fn columns(&self, columns: Range<usize>) -> Range<usize> {
        let end = self.row.bytes.len();
        let mut starts = self.starts();
        let from = starts.nth(columns.start).unwrap_or(end);
        let to = match columns.end.saturating_sub(columns.start) {
            0 => from,
            more => starts.nth(more - 1).unwrap_or(end),
        };
        from..to
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

/// What stands at a byte of a part of the row, with its place among the sender's bytes.
fn in_row(row: &Row<'_>, encoding: &Encoding, part: usize, unmapped: Unmapped) -> Unmapped {
    let sent = |at: usize| if encoding.is_wide() { wide::width(&row.bytes[..part + at]) as usize } else { part + at };
    match unmapped {
        Unmapped::Byte(at, byte) => Unmapped::Byte(sent(at), byte),
        Unmapped::Half(at, half) => Unmapped::Half(sent(at), half),
        Unmapped::Char(c) => Unmapped::Char(c),
    }
}
