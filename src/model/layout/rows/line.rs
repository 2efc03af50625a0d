//! One line written: cells joined with their quotes, or painted into the columns of a fixed-width record.

use std::ops::Range;

use super::options::{Cutting, Delimited, Options, Quoting, Tagged};
use crate::model::diagnostic::shown;
use crate::model::layout::Layout;
use crate::model::layout::plan::Record;
use crate::model::syntax::encoding::Unmapped;

/// A column of a record when it is written.
#[derive(Debug, Clone, Default)]
pub struct Column {
    /// In a header or a row that names columns.
    pub name: String,
    /// For problems.
    pub label: String,
    /// The field that fills it.
    pub field: Option<usize>,
    /// Tells the record type.
    pub is_tag: bool,
    /// The condition whose first word fills it.
    pub condition: Option<usize>,
    /// Of a fixed-width record.
    pub columns: Option<Range<usize>>,
}

impl Column {
    /// The column with this index; filled up with empty ones, or a new one at the end when there is no such index.
    pub fn at(columns: &mut Vec<Column>, index: usize) -> &mut Column {
        let index = if index == usize::MAX { columns.len() } else { index };
        if columns.len() <= index {
            columns.resize_with(index + 1, Column::default);
        }
        &mut columns[index]
    }
}

/// The texts of a row, reused from row to row.
#[derive(Debug, Default)]
pub struct Cells {
    texts: Vec<String>,
    used: usize,
}

impl Cells {
    pub fn begin(&mut self, count: usize) {
        if self.texts.len() < count {
            self.texts.resize_with(count, String::new);
        }
        self.used = count;
    }

    pub fn take(&mut self, at: usize) -> String {
        let mut text = std::mem::take(&mut self.texts[at]);
        text.clear();
        text
    }

    pub fn give(&mut self, at: usize, text: String) {
        self.texts[at] = text;
    }

    pub fn set_all(&mut self, texts: &[String]) {
        self.begin(texts.len());
        for (at, text) in texts.iter().enumerate() {
            let mut cell = self.take(at);
            cell.push_str(text);
            self.give(at, cell);
        }
    }

    pub fn texts(&self) -> &[String] {
        &self.texts[..self.used]
    }
}

/// A text that this line cannot hold.
pub struct Unfit {
    pub column: String,
    pub text: String,
}

/// Appends the line with its end.
pub fn lay_out(
    layout: &Layout,
    (options, width): (&Options, Option<usize>),
    columns: &[Column],
    texts: &[String],
    out: &mut Vec<u8>,
) -> Result<(), Unfit> {
    let pen = Pen { layout, columns };
    match (&options.cutting, width) {
        (Cutting::Delimited(delimited), None) => pen.delimited(delimited, texts, out)?,
        (Cutting::Tagged(tagged), _) => return pen.tagged(tagged, options.line_end, texts, out),
        (Cutting::Delimited(_), Some(width)) => pen.fixed(width, texts, out)?,
        (Cutting::Fixed(fixed), width) => pen.fixed(width.unwrap_or(fixed.width), texts, out)?,
    }
    pen.encode(options.line_end, 0, out)
}

struct Pen<'p> {
    layout: &'p Layout,
    columns: &'p [Column],
}

impl Pen<'_> {
    fn unfit(&self, at: usize, text: String) -> Unfit {
        Unfit { column: self.columns.get(at).map_or(String::new(), |c| c.label.clone()), text }
    }

    fn encode(&self, text: &str, at: usize, out: &mut Vec<u8>) -> Result<(), Unfit> {
        if !self.layout.encoding.is_wide() && text.is_ascii() {
            if memchr::memchr(0, text.as_bytes()).is_some() {
                return Err(self.unfit(at, "a NUL character cannot be written.".to_string()));
            }
            out.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        let start = out.len();
        let Err(Unmapped::Char(c)) = self.layout.encoding.encode(text, out) else { return Ok(()) };
        out.truncate(start);
        match self.layout.replacement.filter(|r| *r != c) {
            Some(replacement) => {
                let replaced = text.replace(c, replacement.encode_utf8(&mut [0; 4]));
                self.encode(&replaced, at, out)
            }
            None => {
                let name = self.layout.encoding.name();
                let lacking = self.layout.encoding.lacking(text);
                Err(self.unfit(at, format!("\"{}\" holds {lacking}, which {name} does not have.", shown(text))))
            }
        }
    }

    fn delimited(&self, delimited: &Delimited, texts: &[String], out: &mut Vec<u8>) -> Result<(), Unfit> {
        for (at, text) in texts.iter().enumerate() {
            if at > 0 {
                self.delimiter(delimited, at, out)?;
            }
            let quote = delimited.quote.filter(|_| delimited.quoting != Quoting::None);
            match quote {
                Some(quote) if self.is_plain(text, delimited, quote, texts) => out.extend_from_slice(text.as_bytes()),
                Some(quote) if delimited.quoting == Quoting::All || needs_quotes(text, delimited, quote, texts) => {
                    if !delimited.line_breaks && text.contains(['\n', '\r']) {
                        return self.line_break(text, at, out, quote);
                    }
                    self.quoted(text, quote, at, out)?;
                }
                Some(_) => self.encode(text, at, out)?,
                None => self.bare(text, delimited, at, out)?,
            }
        }
        if delimited.trailing {
            self.delimiter(delimited, texts.len(), out)?;
        }
        Ok(())
    }

    /// Nearly every value: it stands in the row as it is, and in one look that is known.
    fn is_plain(&self, text: &str, delimited: &Delimited, quote: u8, texts: &[String]) -> bool {
        let bytes = text.as_bytes();
        let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
            return texts.len() > 1 && delimited.quoting != Quoting::All;
        };
        // Without a branch for each byte: a processor looks at many at once.
        let special = |b: u8| (b == delimited.delimiter) | (b == quote) | !(b' '..0x80).contains(&b);
        *first != b' '
            && *last != b' '
            && !bytes.iter().fold(false, |any, b| any | special(*b))
            && !self.layout.encoding.is_wide()
            && delimited.quoting != Quoting::All
    }

    /// One ASCII character: itself in every encoding but UTF-16.
    fn delimiter(&self, delimited: &Delimited, at: usize, out: &mut Vec<u8>) -> Result<(), Unfit> {
        if self.layout.encoding.is_wide() {
            return self.encode((delimited.delimiter as char).encode_utf8(&mut [0; 4]), at, out);
        }
        out.push(delimited.delimiter);
        Ok(())
    }

    fn line_break(&self, text: &str, at: usize, out: &mut Vec<u8>, quote: u8) -> Result<(), Unfit> {
        match self.layout.replacement {
            Some(replacement) => self.quoted(&one_line(text, replacement), quote, at, out),
            None => {
                Err(self.unfit(at, format!("\"{}\" has a line break, which the layout does not allow.", shown(text))))
            }
        }
    }

    fn quoted(&self, text: &str, quote: u8, at: usize, out: &mut Vec<u8>) -> Result<(), Unfit> {
        let quote = quote as char;
        let mut quoted = String::with_capacity(text.len() + 2);
        quoted.push(quote);
        for c in text.chars() {
            quoted.push(c);
            if c == quote {
                quoted.push(quote);
            }
        }
        quoted.push(quote);
        self.encode(&quoted, at, out)
    }

    /// A value that may not be quoted: what would break the row is replaced or refused.
    fn bare(&self, text: &str, delimited: &Delimited, at: usize, out: &mut Vec<u8>) -> Result<(), Unfit> {
        let breaks = |c: char| {
            c == delimited.delimiter as char || c == '\n' || c == '\r' || delimited.quote.map(char::from) == Some(c)
        };
        match (text.contains(breaks), self.layout.replacement) {
            (false, _) => self.encode(text, at, out),
            (true, Some(replacement)) => {
                self.encode(&text.replace(breaks, replacement.encode_utf8(&mut [0; 4])), at, out)
            }
            (true, None) => Err(self.unfit(
                at,
                format!("\"{}\" holds a delimiter, quote or line break, and the layout has no quotes.", shown(text)),
            )),
        }
    }

    /// The marker line, then a line for each tag.
    fn tagged(&self, tagged: &Tagged, line_end: &str, texts: &[String], out: &mut Vec<u8>) -> Result<(), Unfit> {
        let (markers, tags): (Vec<_>, Vec<_>) =
            self.columns.iter().zip(texts).enumerate().partition(|(_, (column, _))| column.columns.is_some());
        for (at, (_, text)) in markers {
            self.one_line(text, at, out)?;
        }
        self.encode(line_end, 0, out)?;
        for (at, (column, text)) in tags {
            if text.is_empty() && tagged.empty_left_out {
                continue;
            }
            self.encode(&format!("{}{}{}", tagged.prefix, column.name, tagged.separator), at, out)?;
            self.one_line(text, at, out)?;
            self.encode(line_end, at, out)?;
        }
        Ok(())
    }

    fn one_line(&self, text: &str, at: usize, out: &mut Vec<u8>) -> Result<(), Unfit> {
        match (text.contains(['\n', '\r']), self.layout.replacement) {
            (false, _) => self.encode(text, at, out),
            (true, Some(replacement)) => self.encode(&one_line(text, replacement), at, out),
            (true, None) => Err(self.unfit(at, format!("\"{}\" has a line break.", shown(text)))),
        }
    }

    fn fixed(&self, width: usize, texts: &[String], out: &mut Vec<u8>) -> Result<(), Unfit> {
        let mut line: Vec<char> = vec![' '; width];
        for (at, (column, text)) in self.columns.iter().zip(texts).enumerate() {
            let Some(range) = &column.columns else { continue };
            if text.contains(['\n', '\r']) && self.layout.replacement.is_none() {
                return Err(self.unfit(at, format!("\"{}\" has a line break.", shown(text))));
            }
            let text = self.layout.replacement.map_or(text.clone(), |r| one_line(text, r));
            for (place, c) in line.iter_mut().skip(range.start).zip(text.chars()) {
                *place = c;
            }
            // Each value is tried alone, so that a character that cannot be written is found with its field.
            self.encode(&text, at, &mut Vec::new())?;
        }
        let line: String = line.into_iter().collect();
        self.encode(&line, 0, out)
    }
}

/// The row that names the columns of a record type.
pub fn column_row(delimited: &Delimited, record: &Record, columns: &[Column]) -> Vec<String> {
    let (mark, tag) = (&delimited.column_mark, record.tags.first().map_or("", String::as_str));
    let name = |column: &Column| match (column.is_tag, delimited.mark_apart) {
        (false, _) => vec![column.name.clone()],
        (true, false) => vec![format!("{mark}{tag}")],
        (true, true) => vec![mark.clone(), tag.to_string()],
    };
    columns.iter().flat_map(name).collect()
}

fn one_line(text: &str, replacement: char) -> String {
    text.replace(['\n', '\r'], replacement.encode_utf8(&mut [0; 4]))
}

fn needs_quotes(text: &str, delimited: &Delimited, quote: u8, texts: &[String]) -> bool {
    let bytes = text.as_bytes();
    let special = |b: &u8| *b == delimited.delimiter || *b == quote || *b < b' ';
    let blank = |b: Option<&u8>| b.is_some_and(|b| *b <= b' ');
    // A row that is one empty value would be a blank line.
    let alone = texts.len() == 1 && bytes.is_empty();
    alone || blank(bytes.first()) || blank(bytes.last()) || bytes.iter().any(special)
}
