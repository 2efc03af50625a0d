//! Bytes → opened elements, text, closed elements: what tokens mean together.
//!
//! A token that does not end in the window waits for the next fill; text, comments and CDATA may be larger than the
//! window, since they are handed on (or skipped) in pieces. Everything that is no well-formed document of this kind is
//! refused with its place. The first problem ends the file: broken XML has no safe continuation.

use std::io::{self, Read};

use super::attributes::{Attribute, Attributes};
use super::charset::Charset;
use super::escape;
use super::names::{self, OpenNames, Spaces};
use super::token::{self, Flawed, Long, Next, Token};
use super::window::{Cursor, Flaw, Spot, Window};
use super::{DEPTH_LIMIT, TAG_LIMIT_BYTES};
use crate::model::diagnostic::{Place, Problem};
use crate::model::wording;

/// Takes what is read, in the order of the file.
pub trait Visitor {
    /// Wants to be told where texts stand.
    const PLACED: bool = false;

    /// The piece of text that comes next, as it is written and where.
    fn written(&mut self, _piece: Written<'_>) {}

    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Halt>;
    /// A piece of the text of the innermost open element, references resolved; a text may come in many pieces.
    fn text(&mut self, piece: &str) -> Result<(), Halt>;
    /// The innermost open element ends before this place.
    fn close(&mut self, end: Spot) -> Result<(), Halt>;
}

/// A piece of text as it stands in the file: without markup, or one reference.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    pub text: &'a str,
    /// `&name;`, which stands for a character.
    pub reference: bool,
    /// Of its first byte.
    pub byte: u64,
}

/// Why a visitor wants no more.
#[derive(Debug)]
pub enum Halt {
    Stop,
    Problem(Box<Problem>),
}

impl From<Problem> for Halt {
    fn from(problem: Problem) -> Self {
        Halt::Problem(Box::new(problem))
    }
}

/// How the reading ended.
#[derive(Debug, Default)]
pub struct End {
    /// The file is no XML document, or the visitor did not want it.
    pub problem: Option<Problem>,
    /// The visitor said stop.
    pub stopped: bool,
}

/// A start tag.
#[derive(Debug)]
pub struct Tag<'a> {
    /// Without prefix.
    pub name: &'a str,
    /// With the sender's prefix.
    pub qualified: &'a str,
    /// Namespace URI, empty for none.
    pub space: &'a str,
    /// The `<`.
    pub at: Spot,
    /// Behind the `>`.
    pub end: Spot,
    raw: &'a str,
    attributes: &'a Attributes,
}

impl<'a> Tag<'a> {
    /// All but namespace declarations, in the order of the file.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        self.attributes.iter(self.raw)
    }

    /// The same as they are written: name, raw value, and what stands of the tag before the value.
    pub fn attributes_written(&self) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> + use<'a> {
        let raw = self.raw;
        let mut rest = raw;
        // The tag was read once, so none of its attributes is broken.
        let all = std::iter::from_fn(move || {
            let (name, value, behind) = token::attribute(rest).ok()??;
            rest = behind;
            Some((name, value, &raw[..value.as_ptr() as usize - raw.as_ptr() as usize]))
        });
        let given = all.filter(|(name, ..)| *name != "xmlns" && !name.starts_with("xmlns:"));
        given.map(|(name, value, before)| (names::split(name).1, value, before))
    }
}

/// Reads a document; `fallback` is the encoding where the file does not say one.
pub fn read<V: Visitor>(input: &mut dyn Read, fallback: Option<&Charset>, visitor: &mut V) -> io::Result<End> {
    let mut window = match Window::open(input, fallback)? {
        Ok(window) => window,
        Err(label) => return Ok(End { problem: Some(wording::encoding_unknown(&label)), stopped: false }),
    };
    let mut parser = Parser {
        visitor,
        open: OpenNames::default(),
        spaces: Spaces::default(),
        attributes: Attributes::default(),
        long: None,
        begun: false,
        root_seen: false,
        doc_type_seen: false,
    };
    loop {
        let (last, full, flaw) = (window.is_last(), window.is_full(), window.flaw());
        let (text, cursor) = window.view();
        let used = match parser.run(text, cursor, last) {
            Ok(used) => used,
            Err(Halt::Stop) => return Ok(End { problem: None, stopped: true }),
            Err(Halt::Problem(problem)) => return Ok(End { problem: Some(*problem), stopped: false }),
        };
        if last {
            let end = cursor.locate(text, text.len());
            return Ok(End { problem: parser.finish(end, flaw, &text[used..]), stopped: false });
        }
        if used == 0 && full {
            let at = cursor.locate(text, 0);
            return Ok(End { problem: Some(wording::xml_tag_too_long(parser.place(at))), stopped: false });
        }
        window.fill(used)?;
    }
}

struct Parser<'v, V> {
    visitor: &'v mut V,
    open: OpenNames,
    spaces: Spaces,
    attributes: Attributes,
    /// The next byte belongs to a comment or CDATA section that began in an earlier window.
    long: Option<Long>,
    /// Something of the document was read, so a declaration comes too late.
    begun: bool,
    root_seen: bool,
    doc_type_seen: bool,
}

impl<V: Visitor> Parser<'_, V> {
    /// Reads what is whole in the window; returns how much that was.
    fn run(&mut self, text: &str, cursor: &mut Cursor, last: bool) -> Result<usize, Halt> {
        let mut at = 0;
        while at < text.len() {
            if let Some(long) = self.long {
                match self.finish_long(long, text, at, cursor, last)? {
                    Some(behind) => at = behind,
                    None => return Ok(text.len() - kept(long, text, last)),
                }
                continue;
            }
            if let Some(end) = self.expected_close(&text[at..]) {
                at += end;
                self.close(at, text, cursor)?;
                continue;
            }
            match token::next(text, at) {
                // A carriage return may be half of a line end.
                Next::Token(Token::Text(piece), end) if end == text.len() && !last => {
                    let whole = piece.strip_suffix('\r').unwrap_or(piece);
                    self.text(whole, at, text, cursor)?;
                    return Ok(at + whole.len());
                }
                Next::Token(token, end) => {
                    self.token(token, (at, end), text, cursor)?;
                    at = end;
                }
                Next::Unfinished => return Ok(at),
                Next::Long(long, from) => {
                    if long == Long::CData {
                        self.check_text_place(at, text, cursor)?;
                    }
                    self.long = Some(long);
                    at = from;
                }
                Next::Flaw(flaw) => return Err(self.flawed(flaw, at, text, cursor)),
            }
        }
        Ok(at)
    }

    /// Length of the innermost element's end tag, where just that stands here: the most frequent token by far.
    fn expected_close(&self, rest: &str) -> Option<usize> {
        let name = self.open.last()?;
        let found = rest.strip_prefix("</")?.strip_prefix(name)?.starts_with('>');
        found.then_some(name.len() + "</>".len())
    }

    fn token(&mut self, token: Token<'_>, range: (usize, usize), text: &str, cursor: &mut Cursor) -> Result<(), Halt> {
        match token {
            Token::Text(piece) => self.text(piece, range.0, text, cursor),
            Token::Open { name, attributes, empty } => {
                self.start(name, attributes, range, text, cursor)?;
                if empty { self.close(range.1, text, cursor) } else { Ok(()) }
            }
            Token::Close(name) if self.open.last() == Some(name) => self.close(range.1, text, cursor),
            Token::Close(name) => {
                let place = self.spot(range.0, text, cursor);
                Err(wording::xml_wrong_end(place, name, self.open.last()).into())
            }
            Token::Reference(name) => self.reference(name, range.0, text, cursor),
            Token::CData(piece) => self.cdata(piece, range.0, text, cursor),
            Token::Declaration => self.declaration(range.0, text, cursor),
            Token::DocType => self.document_type(range.0, text, cursor),
            Token::Aside => {
                self.begun = true;
                Ok(())
            }
        }
    }

    fn flawed(&mut self, flaw: Flawed, at: usize, text: &str, cursor: &mut Cursor) -> Halt {
        let place = self.spot(at, text, cursor);
        match flaw {
            Flawed::Markup => wording::xml_broken_markup(place, &text[at..]),
            Flawed::DocType => wording::xml_doctype(place),
            Flawed::LoneAmpersand => wording::xml_lone_ampersand(place),
            Flawed::OpenQuote => wording::xml_unclosed_quote(place),
            Flawed::TooLong => wording::xml_tag_too_long(place),
        }
        .into()
    }

    /// The rest of a comment or CDATA section; the position behind it when it ends in this window.
    fn finish_long(
        &mut self,
        long: Long,
        text: &str,
        from: usize,
        cursor: &mut Cursor,
        last: bool,
    ) -> Result<Option<usize>, Halt> {
        let end_mark = if long == Long::Comment { "-->" } else { "]]>" };
        let found = memchr::memmem::find(&text.as_bytes()[from..], end_mark.as_bytes());
        if long == Long::CData {
            let until = found.map_or(text.len() - kept(long, &text[from..], last), |at| from + at);
            self.text(&text[from..until], from, text, cursor)?;
        }
        self.begun = true;
        if found.is_some() {
            self.long = None;
        }
        Ok(found.map(|at| from + at + end_mark.len()))
    }

    fn text(&mut self, piece: &str, at: usize, text: &str, cursor: &mut Cursor) -> Result<(), Halt> {
        if self.open.depth() == 0 {
            if piece.bytes().all(|b| b.is_ascii_whitespace()) {
                self.begun |= !piece.is_empty();
                return Ok(());
            }
            let blank = piece.len() - piece.trim_ascii_start().len();
            return Err(wording::xml_text_outside(self.spot(at + blank, text, cursor), piece.trim()).into());
        }
        if V::PLACED {
            self.visitor.written(Written { text: piece, reference: false, byte: cursor.locate(text, at).byte });
        }
        if memchr::memchr(b'\r', piece.as_bytes()).is_none() {
            return self.visitor.text(piece);
        }
        // Line ends are one line feed, however they were written.
        for (index, part) in piece.split('\r').enumerate() {
            if index > 0 && !part.starts_with('\n') {
                self.visitor.text("\n")?;
            }
            self.visitor.text(part)?;
        }
        Ok(())
    }

    fn check_text_place(&mut self, at: usize, text: &str, cursor: &mut Cursor) -> Result<(), Halt> {
        if self.open.depth() == 0 {
            return Err(wording::xml_text_outside(self.spot(at, text, cursor), "<![CDATA[").into());
        }
        Ok(())
    }

    fn cdata(&mut self, piece: &str, at: usize, text: &str, cursor: &mut Cursor) -> Result<(), Halt> {
        self.check_text_place(at, text, cursor)?;
        self.text(piece, at + token::CDATA.len(), text, cursor)
    }

    fn reference(&mut self, name: &str, at: usize, text: &str, cursor: &mut Cursor) -> Result<(), Halt> {
        let Some(c) = escape::resolve(name) else {
            let place = self.spot(at, text, cursor);
            // What looks like a sentence behind the & was never meant as an entity.
            let lone = !name.starts_with('#') && !token::is_name(name);
            return Err(if lone { wording::xml_lone_ampersand(place) } else { wording::xml_entity(place, name) }.into());
        };
        if self.open.depth() == 0 {
            return Err(wording::xml_text_outside(self.spot(at, text, cursor), name).into());
        }
        if V::PLACED {
            let written = &text[at..at + name.len() + "&;".len()];
            self.visitor.written(Written { text: written, reference: true, byte: cursor.locate(text, at).byte });
        }
        self.visitor.text(c.encode_utf8(&mut [0; 4]))
    }

    fn declaration(&mut self, at: usize, text: &str, cursor: &mut Cursor) -> Result<(), Halt> {
        if self.begun || self.open.depth() > 0 {
            return Err(wording::xml_late_declaration(self.spot(at, text, cursor)).into());
        }
        self.begun = true;
        Ok(())
    }

    /// It stands once, before the root. What it names is never fetched: its defaults are not set, its entities stay unknown.
    fn document_type(&mut self, at: usize, text: &str, cursor: &mut Cursor) -> Result<(), Halt> {
        if self.root_seen || self.doc_type_seen {
            return Err(wording::xml_broken_markup(self.spot(at, text, cursor), &text[at..]).into());
        }
        (self.begun, self.doc_type_seen) = (true, true);
        Ok(())
    }

    fn start(
        &mut self,
        name: &str,
        attributes: &str,
        range: (usize, usize),
        text: &str,
        cursor: &mut Cursor,
    ) -> Result<(), Halt> {
        let depth = self.open.depth() + 1;
        if depth == 1 && self.root_seen {
            return Err(wording::xml_second_root(self.spot(range.0, text, cursor), name).into());
        }
        if depth > DEPTH_LIMIT {
            return Err(wording::xml_too_deep(self.spot(range.0, text, cursor), DEPTH_LIMIT).into());
        }
        if range.1 - range.0 > TAG_LIMIT_BYTES {
            return Err(wording::xml_tag_too_long(self.spot(range.0, text, cursor)).into());
        }
        (self.root_seen, self.begun) = (true, true);
        let at = cursor.locate(text, range.0);
        self.open.push(name);
        self.attributes.clear();
        if !attributes.is_empty() {
            let read = self.attributes.read(attributes, depth, &mut self.spaces);
            read.map_err(|fault| fault.problem(self.place(at)))?;
        }
        let (prefix, local) = names::split(name);
        let space = self.spaces.find(prefix).filter(|_| !local.is_empty());
        let Some(space) = space else {
            return Err(wording::xml_prefix_undeclared(self.place(at), prefix).into());
        };
        self.visitor.open(&Tag {
            name: local,
            qualified: name,
            space,
            at,
            end: cursor.locate(text, range.1),
            raw: attributes,
            attributes: &self.attributes,
        })
    }

    fn close(&mut self, end: usize, text: &str, cursor: &mut Cursor) -> Result<(), Halt> {
        self.visitor.close(cursor.locate(text, end))?;
        self.spaces.leave(self.open.depth());
        self.open.pop();
        Ok(())
    }

    /// Judges the end of the file; `rest` is a token that did not end.
    fn finish(&mut self, end: Spot, flaw: Option<Flaw>, rest: &str) -> Option<Problem> {
        let place = self.place(end);
        match flaw {
            Some(Flaw::Encoding) => return Some(wording::xml_encoding(place)),
            Some(Flaw::Control(c)) => return Some(wording::xml_control_character(place, c)),
            None => {}
        }
        if self.open.depth() > 0 || !rest.is_empty() || self.long.is_some() {
            return Some(wording::xml_truncated(place, &self.open.path()));
        }
        (!self.root_seen).then(|| wording::xml_empty(place))
    }

    fn spot(&self, at: usize, text: &str, cursor: &mut Cursor) -> Place {
        self.place(cursor.locate(text, at))
    }

    fn place(&self, spot: Spot) -> Place {
        Place { line: spot.line, byte: spot.byte, field: self.open.path(), ..Place::default() }
    }
}

/// Bytes at the window's end that may be half of an end mark or line end, and wait for the next window.
fn kept(long: Long, text: &str, last: bool) -> usize {
    let tail: &[char] = if long == Long::Comment { &['-'] } else { &[']', '\r'] };
    let kept = text.chars().rev().take(2).take_while(|c| tail.contains(c)).count();
    if last { 0 } else { kept }
}
