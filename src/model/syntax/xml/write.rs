//! XML, written: one element a line, indented by its depth, escaped so that it reads back the same.
//!
//! The text is collected here and taken by the caller as bytes in the file's encoding; the same calls give the same bytes.

use super::charset::Charset;
use super::escape::{escape_attribute, escape_text};

const INDENT: &str = "  ";

/// A place to go back to, when what was written since turns out to be nothing.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    length: usize,
    depth: usize,
    tag_open: bool,
    holds_elements: bool,
}

/// An XML text being written.
#[derive(Debug)]
pub struct XmlText {
    text: String,
    /// Names of open elements, and whether they already hold elements.
    open: Vec<(String, bool)>,
    /// The last start tag still lacks its `>`.
    tag_open: bool,
    line_end: &'static str,
}

impl XmlText {
    pub fn new(line_end: &'static str) -> Self {
        XmlText { text: String::new(), open: Vec::new(), tag_open: false, line_end }
    }

    pub fn byte_order_mark(&mut self) {
        self.text.push('\u{FEFF}');
    }

    pub fn declaration(&mut self, encoding: &str) {
        self.text.push_str(&format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>{}", self.line_end));
    }

    pub fn document_type(&mut self, root: &str, definition: &str) {
        self.text.push_str(&format!("<!DOCTYPE {root} {definition}>{}", self.line_end));
    }

    pub fn open(&mut self, name: &str) {
        self.close_tag();
        if let Some((_, holds_elements)) = self.open.last_mut() {
            *holds_elements = true;
            self.text.push_str(self.line_end);
        }
        (0..self.open.len()).for_each(|_| self.text.push_str(INDENT));
        self.text.push('<');
        self.text.push_str(name);
        self.open.push((name.to_string(), false));
        self.tag_open = true;
    }

    /// An attribute of the element opened last, before its text or children.
    pub fn attribute(&mut self, name: &str, value: &str) {
        debug_assert!(self.tag_open, "attributes come before content");
        self.text.push(' ');
        self.text.push_str(name);
        self.text.push_str("=\"");
        escape_attribute(value, &mut self.text);
        self.text.push('"');
    }

    pub fn text(&mut self, text: &str) {
        if !text.is_empty() {
            self.close_tag();
            escape_text(text, &mut self.text);
        }
    }

    pub fn close(&mut self) {
        let Some((name, holds_elements)) = self.open.pop() else { return };
        if self.tag_open {
            self.text.push_str("/>");
            self.tag_open = false;
        } else {
            if holds_elements {
                self.text.push_str(self.line_end);
                (0..self.open.len()).for_each(|_| self.text.push_str(INDENT));
            }
            self.text.push_str("</");
            self.text.push_str(&name);
            self.text.push('>');
        }
        if self.open.is_empty() {
            self.text.push_str(self.line_end);
        }
    }

    pub fn mark(&self) -> Mark {
        Mark {
            length: self.text.len(),
            depth: self.open.len(),
            tag_open: self.tag_open,
            holds_elements: self.open.last().is_some_and(|(_, holds)| *holds),
        }
    }

    /// Takes back what was written since the mark; the elements open then must not have been closed.
    pub fn back_to(&mut self, mark: Mark) {
        self.text.truncate(mark.length);
        self.open.truncate(mark.depth);
        self.tag_open = mark.tag_open;
        if let Some((_, holds)) = self.open.last_mut() {
            *holds = mark.holds_elements;
        }
    }

    pub fn len(&self) -> usize {
        self.text.len()
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    fn close_tag(&mut self) {
        if std::mem::take(&mut self.tag_open) {
            self.text.push('>');
        }
    }

    /// Moves what was written so far into `out`; a character that the encoding lacks becomes a character reference.
    pub fn drain_into(&mut self, charset: &Charset, out: &mut Vec<u8>) {
        let mut rest = self.text.as_str();
        while !rest.is_empty() {
            let end = match charset.encode(rest, &mut Vec::new()) {
                Ok(()) => rest.len(),
                Err(c) => rest.find(c).unwrap_or(rest.len()),
            };
            charset.encode(&rest[..end], out).expect("this part was just encoded");
            rest = &rest[end..];
            if let Some(c) = rest.chars().next() {
                charset.encode(&format!("&#{};", c as u32), out).expect("references are ASCII");
                rest = &rest[c.len_utf8()..];
            }
        }
        self.text.clear();
    }
}
