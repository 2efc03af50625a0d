//! Bytes → opened elements, text, closed elements, over quick-xml's tokens.
//!
//! quick-xml finds tags, quotes and ends of tokens; everything it lets pass is refused here, with a place. A token that
//! does not end in the window waits for the next fill; text, comments and CDATA may be larger than the window, since
//! they are handed on (or skipped) in pieces. The first problem ends the file: broken XML has no safe continuation.

use std::io::{self, Read};

use quick_xml::errors::{Error, IllFormedError, SyntaxError};
use quick_xml::events::{BytesStart, Event};

use super::charset::Charset;
use super::escape;
use super::names::{self, OpenNames, Spaces};
use super::window::{Cursor, Flaw, Spot, Window};
use super::{ATTRIBUTE_LIMIT, DEPTH_LIMIT, NAME_LIMIT_BYTES, TAG_LIMIT_BYTES};
use crate::model::diagnostic::{Place, Problem};
use crate::model::wording;

/// Takes what is read, in the order of the file.
pub trait Visitor {
    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Halt>;
    /// A piece of the text of the innermost open element, references resolved; a text may come in many pieces.
    fn text(&mut self, piece: &str) -> Result<(), Halt>;
    /// The innermost open element ends before this place.
    fn close(&mut self, end: Spot) -> Result<(), Halt>;
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
    attributes: &'a [AttributeSpan],
    values: &'a str,
}

/// Name without prefix, and value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    pub name: &'a str,
    pub value: &'a str,
}

impl<'a> Tag<'a> {
    /// All but namespace declarations, in the order of the file.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let (raw, values) = (self.raw, self.values);
        self.attributes.iter().filter(|a| !a.declares).map(move |a| Attribute {
            name: names::split(&raw[a.name.0..a.name.1]).1,
            value: &values[a.value.0..a.value.1],
        })
    }
}

#[derive(Debug)]
struct AttributeSpan {
    name: (usize, usize),
    value: (usize, usize),
    /// It is `xmlns` or `xmlns:p`.
    declares: bool,
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
        attributes: Vec::new(),
        values: String::new(),
        mode: Mode::Markup,
        begun: false,
        root_seen: false,
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

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Markup,
    Comment,
    CData,
}

struct Parser<'v, V> {
    visitor: &'v mut V,
    open: OpenNames,
    spaces: Spaces,
    attributes: Vec<AttributeSpan>,
    values: String,
    mode: Mode,
    /// Something of the document was read, so a declaration comes too late.
    begun: bool,
    root_seen: bool,
}

impl<V: Visitor> Parser<'_, V> {
    /// Reads what is whole in the window; returns how much that was.
    fn run(&mut self, text: &str, cursor: &mut Cursor, last: bool) -> Result<usize, Halt> {
        let mut from = 0;
        loop {
            from = match self.mode {
                Mode::Markup => from,
                _ => match self.finish_long(text, from, cursor, last)? {
                    Some(behind) => behind,
                    None => return Ok(self.keep_from(text, last)),
                },
            };
            // quick-xml would take this character for a byte order mark and drop it.
            while text[from..].starts_with('\u{FEFF}') {
                self.text("\u{FEFF}", from, text, cursor)?;
                from += '\u{FEFF}'.len_utf8();
            }
            match self.run_markup(text, from, cursor, last)? {
                (used, Mode::Markup) => return Ok(used),
                (used, long) => {
                    self.mode = long;
                    from = used;
                }
            }
        }
    }

    /// Markup up to the window's end or to a comment or CDATA section that does not end in it.
    fn run_markup(&mut self, text: &str, from: usize, cursor: &mut Cursor, last: bool) -> Result<(usize, Mode), Halt> {
        let mut reader = quick_xml::Reader::from_str(&text[from..]);
        reader.config_mut().check_end_names = false;
        reader.config_mut().allow_unmatched_ends = true;
        loop {
            let at = from + reader.buffer_position() as usize;
            let event = match reader.read_event() {
                Ok(event) => event,
                Err(error) => return self.unfinished(error, text, at, cursor, last),
            };
            let end = from + reader.buffer_position() as usize;
            match event {
                Event::Text(piece) if end == text.len() && !last => {
                    // A carriage return may be half of a line end.
                    let whole = piece.strip_suffix('\r').unwrap_or(&piece);
                    self.text(whole, at, text, cursor)?;
                    return Ok((at + whole.len(), Mode::Markup));
                }
                Event::Text(piece) => self.text(&piece, at, text, cursor)?,
                Event::Start(tag) => self.start(&tag, (at, end), text, cursor)?,
                Event::Empty(tag) => {
                    self.start(&tag, (at, end), text, cursor)?;
                    self.close(end, text, cursor)?;
                }
                Event::End(tag) => {
                    if self.open.last() != Some(tag.name().as_ref()) {
                        return Err(self.wrong_end(tag.name().as_ref(), at, text, cursor));
                    }
                    self.close(end, text, cursor)?;
                }
                Event::GeneralRef(name) => self.reference(&name, at, text, cursor)?,
                Event::CData(piece) => self.cdata(&piece, at, text, cursor)?,
                Event::Comment(_) | Event::PI(_) => self.begun = true,
                Event::Decl(_) => self.declaration(at, text, cursor)?,
                Event::DocType(_) => return Err(wording::xml_doctype(self.spot(at, text, cursor)).into()),
                Event::Eof => return Ok((text.len(), Mode::Markup)),
            }
        }
    }

    /// A token that does not end where the window ends, or is none.
    fn unfinished(
        &mut self,
        error: Error,
        text: &str,
        at: usize,
        cursor: &mut Cursor,
        last: bool,
    ) -> Result<(usize, Mode), Halt> {
        let token = &text[at..];
        if token.starts_with("<!--") {
            return Ok((at + "<!--".len(), Mode::Comment));
        }
        if token.starts_with("<![CDATA[") {
            self.check_text_place(at, text, cursor)?;
            return Ok((at + "<![CDATA[".len(), Mode::CData));
        }
        let open_reference = || memchr::memchr3(b';', b'&', b'<', &token.as_bytes()[1..]).is_none();
        let prefix_of_bang = || "<![CDATA[".starts_with(token) || "<!--".starts_with(token);
        let waits = match &error {
            Error::Syntax(SyntaxError::InvalidBangMarkup) => prefix_of_bang(),
            Error::Syntax(
                SyntaxError::UnclosedSingleQuotedAttributeValue | SyntaxError::UnclosedDoubleQuotedAttributeValue,
            ) => token.len() <= TAG_LIMIT_BYTES && !unclosed_quote(token),
            Error::Syntax(SyntaxError::UnclosedDoctype) => false,
            Error::Syntax(_) => token.len() <= TAG_LIMIT_BYTES,
            Error::IllFormed(IllFormedError::UnclosedReference) => open_reference() && token.len() <= NAME_LIMIT_BYTES,
            _ => false,
        };
        if waits {
            return Ok((at, Mode::Markup));
        }
        let place = self.spot(at, text, cursor);
        Err(match error {
            Error::Syntax(SyntaxError::UnclosedDoctype) => wording::xml_doctype(place),
            Error::IllFormed(IllFormedError::UnclosedReference) => wording::xml_lone_ampersand(place),
            Error::Syntax(
                SyntaxError::UnclosedSingleQuotedAttributeValue | SyntaxError::UnclosedDoubleQuotedAttributeValue,
            ) if unclosed_quote(token) => wording::xml_unclosed_quote(place),
            Error::Syntax(_) if token.len() > TAG_LIMIT_BYTES => wording::xml_tag_too_long(place),
            _ if last && "<!DOCTYPE".starts_with(token) => wording::xml_truncated(place, &self.open.path()),
            _ => wording::xml_broken_markup(place, token),
        }
        .into())
    }

    /// The rest of a comment or CDATA section that began in an earlier window; the position behind it when it ends here.
    fn finish_long(&mut self, text: &str, from: usize, cursor: &mut Cursor, last: bool) -> Result<Option<usize>, Halt> {
        let end_mark = if self.mode == Mode::Comment { "-->" } else { "]]>" };
        let found = memchr::memmem::find(&text.as_bytes()[from..], end_mark.as_bytes());
        if self.mode == Mode::CData {
            let until = found.map_or(text.len() - self.kept(&text[from..], last), |at| from + at);
            self.text(&text[from..until], from, text, cursor)?;
        }
        self.begun = true;
        if found.is_some() {
            self.mode = Mode::Markup;
        }
        Ok(found.map(|at| from + at + end_mark.len()))
    }

    /// Where the next window must begin so that an end mark cut in two is found.
    fn keep_from(&self, text: &str, last: bool) -> usize {
        text.len() - self.kept(text, last)
    }

    fn kept(&self, text: &str, last: bool) -> usize {
        let tail: &[char] = if self.mode == Mode::Comment { &['-'] } else { &[']', '\r'] };
        let kept = text.chars().rev().take(2).take_while(|c| tail.contains(c)).count();
        if last { 0 } else { kept }
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
        self.text(piece, at, text, cursor)
    }

    fn reference(&mut self, name: &str, at: usize, text: &str, cursor: &mut Cursor) -> Result<(), Halt> {
        let Some(c) = escape::resolve(name) else {
            let place = self.spot(at, text, cursor);
            // What looks like a sentence behind the & was never meant as an entity.
            let lone = !name.starts_with('#') && !names::is_name(name);
            return Err(if lone { wording::xml_lone_ampersand(place) } else { wording::xml_entity(place, name) }.into());
        };
        if self.open.depth() == 0 {
            return Err(wording::xml_text_outside(self.spot(at, text, cursor), name).into());
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

    fn start(
        &mut self,
        tag: &BytesStart<'_>,
        range: (usize, usize),
        text: &str,
        cursor: &mut Cursor,
    ) -> Result<(), Halt> {
        let name = tag.name();
        let name: &str = name.as_ref();
        let depth = self.open.depth() + 1;
        if depth == 1 && self.root_seen {
            return Err(wording::xml_second_root(self.spot(range.0, text, cursor), name).into());
        }
        if depth > DEPTH_LIMIT {
            return Err(wording::xml_too_deep(self.spot(range.0, text, cursor), DEPTH_LIMIT).into());
        }
        if range.1 - range.0 > TAG_LIMIT_BYTES || name.len() > NAME_LIMIT_BYTES {
            return Err(wording::xml_tag_too_long(self.spot(range.0, text, cursor)).into());
        }
        if !names::is_name(name) {
            return Err(wording::xml_broken_markup(self.spot(range.0, text, cursor), &text[range.0..range.1]).into());
        }
        (self.root_seen, self.begun) = (true, true);
        let at = cursor.locate(text, range.0);
        self.open.push(name);
        self.attributes.clear();
        self.values.clear();
        if tag.attributes_raw().len() > 0 {
            self.read_attributes(tag, depth).map_err(|fault| fault.problem(self.place(at)))?;
        }
        let (prefix, local) = names::split(name);
        let Some(space) = self.spaces.find(prefix) else {
            return Err(wording::xml_prefix_undeclared(self.place(at), prefix).into());
        };
        self.visitor.open(&Tag {
            name: local,
            qualified: name,
            space,
            at,
            end: cursor.locate(text, range.1),
            raw: tag,
            attributes: &self.attributes,
            values: &self.values,
        })
    }

    fn read_attributes(&mut self, tag: &BytesStart<'_>, depth: usize) -> Result<(), AttributeFault> {
        let raw: &str = tag;
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|e| AttributeFault::Broken(e.to_string()))?;
            let name: &str = attribute.key.as_ref();
            if !names::is_name(name) || name.len() > NAME_LIMIT_BYTES || attribute.value.contains('<') {
                return Err(AttributeFault::Broken(format!("attribute {name}")));
            }
            if self.attributes.len() == ATTRIBUTE_LIMIT {
                return Err(AttributeFault::TooMany);
            }
            let from = self.values.len();
            escape::push_attribute_value(&attribute.value, &mut self.values)
                .map_err(|entity| AttributeFault::Entity(entity.to_string()))?;
            let value = (from, self.values.len());
            let name_at = name.as_ptr() as usize - raw.as_ptr() as usize;
            let declared = name.strip_prefix("xmlns").filter(|rest| rest.is_empty() || rest.starts_with(':'));
            if let Some(prefix) = declared {
                self.spaces.bind(depth, prefix.trim_start_matches(':'), &self.values[value.0..value.1]);
            }
            self.attributes.push(AttributeSpan {
                name: (name_at, name_at + name.len()),
                value,
                declares: declared.is_some(),
            });
        }
        for attribute in self.attributes.iter().filter(|a| !a.declares) {
            let (prefix, _) = names::split(&raw[attribute.name.0..attribute.name.1]);
            if !prefix.is_empty() && self.spaces.find(prefix).is_none() {
                return Err(AttributeFault::Prefix(prefix.to_string()));
            }
        }
        Ok(())
    }

    fn close(&mut self, end: usize, text: &str, cursor: &mut Cursor) -> Result<(), Halt> {
        self.visitor.close(cursor.locate(text, end))?;
        self.spaces.leave(self.open.depth());
        self.open.pop();
        Ok(())
    }

    fn wrong_end(&mut self, found: &str, at: usize, text: &str, cursor: &mut Cursor) -> Halt {
        let place = self.spot(at, text, cursor);
        wording::xml_wrong_end(place, found, self.open.last()).into()
    }

    /// Judges the end of the file; `rest` is a token that did not end.
    fn finish(&mut self, end: Spot, flaw: Option<Flaw>, rest: &str) -> Option<Problem> {
        let place = self.place(end);
        match flaw {
            Some(Flaw::Encoding) => return Some(wording::xml_encoding(place)),
            Some(Flaw::Control(c)) => return Some(wording::xml_control_character(place, c)),
            None => {}
        }
        if self.open.depth() > 0 || !rest.is_empty() || self.mode != Mode::Markup {
            return Some(wording::xml_truncated(place, &self.open.path()));
        }
        (!self.root_seen).then(|| wording::xml_empty(place))
    }

    fn spot(&self, at: usize, text: &str, cursor: &mut Cursor) -> Place {
        self.place(cursor.locate(text, at))
    }

    fn place(&self, spot: Spot) -> Place {
        Place { line: spot.line, byte: spot.byte, field: self.open.path() }
    }
}

/// No attribute value may hold `<`: with one behind an open quote, the quote was forgotten, not cut off.
fn unclosed_quote(token: &str) -> bool {
    token[1..].contains('<')
}

enum AttributeFault {
    Broken(String),
    Entity(String),
    Prefix(String),
    TooMany,
}

impl AttributeFault {
    fn problem(self, place: Place) -> Problem {
        match self {
            AttributeFault::Broken(what) => wording::xml_broken_attribute(place, &what),
            AttributeFault::Entity(name) => wording::xml_entity(place, &name),
            AttributeFault::Prefix(prefix) => wording::xml_prefix_undeclared(place, &prefix),
            AttributeFault::TooMany => wording::xml_tag_too_long(place),
        }
    }
}
