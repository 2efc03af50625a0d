//! EDIFACT as bytes: a file is cut into segments, a segment into elements and components, each with its place.
//!
//! `separators` finds out how a file is cut, `charset` what its bytes mean, this file cuts. It knows no segment but UNA and
//! UNB, where the separators may change; what a segment says is the layout's. A segment is a piece of the window: nothing
//! is copied, line breaks and release characters still stand in it and are taken out where a text is asked for.

pub mod charset;
pub mod separators;

use std::io::{self, Read};
use std::ops::Range;

use memchr::{memchr_iter, memchr2};

use self::separators::{Around, Separators};
use super::encoding::Encoding;
use super::window::{RECORD_BYTES, Window};

/// What tells the separators stands within the first segments.
const HEAD_BYTES: usize = 4 << 10;

/// A segment with its place in the sender's file.
#[derive(Debug)]
pub struct Segment<'s> {
    /// From its tag to before its terminator.
    pub bytes: &'s [u8],
    /// In the file, its terminator included.
    pub range: Range<u64>,
    /// In the file: its first byte, or that of the service string before it.
    pub begins: u64,
    /// Nothing but a mark and blanks stands before it.
    pub is_first: bool,
    pub line: u32,
    /// Its terminator is there.
    pub ended: bool,
    pub tag: Tag,
    pub separators: Separators,
    /// Ranges of the elements in `bytes`; the first is the tag.
    elements: &'s [(u32, u32)],
    /// The first component of the first element: nearly every segment is told apart by it.
    first: (u32, u32),
}

/// The three letters of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub [u8; 3]);

impl Tag {
    pub fn of(text: &str) -> Option<Tag> {
        let tag = Tag(text.as_bytes().try_into().ok()?);
        tag.is_one().then_some(tag)
    }

    /// Can it be the tag of a segment?
    pub fn is_one(self) -> bool {
        self.0.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    }
}

impl Segment<'_> {
    /// What stands where the tag should be, for people.
    pub fn tag_text(&self) -> String {
        let raw = self.element(0).map_or(&[][..], |range| &self.bytes[range]);
        String::from_utf8_lossy(raw).trim().to_string()
    }

    /// Elements behind the tag.
    pub fn elements(&self) -> usize {
        self.elements.len().saturating_sub(1)
    }

    /// Range of an element in `bytes`; 0 is the tag.
    fn element(&self, element: usize) -> Option<Range<usize>> {
        self.elements.get(element).map(|(start, end)| *start as usize..*end as usize)
    }

    /// Something stands in this element.
    pub fn says_something(&self, element: usize) -> bool {
        let whole = self.element(element).unwrap_or(0..0);
        self.bytes[whole].iter().any(|b| *b != self.separators.component && !b.is_ascii_whitespace())
    }

    /// Range in `bytes` of a component of an element, both from 1.
    pub fn component(&self, element: usize, component: usize) -> Option<Range<usize>> {
        if (element, component) == (1, 1) && self.elements.len() > 1 {
            return Some(self.first.0 as usize..self.first.1 as usize);
        }
        let whole = self.element(element)?;
        let (mut start, mut left) = (whole.start, component);
        loop {
            let end = cut(&self.bytes[..whole.end], start, self.separators.component, self.separators.release);
            left = left.checked_sub(1)?;
            if left == 0 {
                return Some(start..end);
            }
            if end >= whole.end {
                return None;
            }
            start = end + 1;
        }
    }

    /// Does an element have this mark, not released?
    pub fn holds(&self, element: usize, mark: u8) -> bool {
        let whole = self.element(element).unwrap_or(0..0);
        cut(&self.bytes[..whole.end], whole.start, mark, self.separators.release) < whole.end
    }

    /// Components of an element.
    pub fn components(&self, element: usize) -> usize {
        (1..).take_while(|component| self.component(element, *component).is_some()).count()
    }

    /// The bytes of a component as they were sent; nothing where the segment does not have it.
    pub fn raw(&self, element: usize, component: usize) -> &[u8] {
        self.component(element, component).map_or(&[], |range| &self.bytes[range])
    }

    /// Does a component say this word? Line breaks within it are of no account.
    pub fn says(&self, element: usize, component: usize, word: &str) -> bool {
        let raw = self.raw(element, component);
        raw == word.as_bytes() || raw.iter().any(|b| self.is_mark(*b)) && self.plain(raw, false) == word.as_bytes()
    }

    /// Without release characters and line breaks.
    pub fn plain(&self, raw: &[u8], line_breaks: bool) -> Vec<u8> {
        let mut plain = Vec::with_capacity(raw.len());
        let mut bytes = raw.iter().copied();
        while let Some(byte) = bytes.next() {
            match byte {
                _ if Some(byte) == self.separators.release => plain.extend(bytes.next()),
                b'\n' if line_breaks => plain.push(b'\n'),
                b'\n' | b'\r' => {}
                _ => plain.push(byte),
            }
        }
        plain
    }

    /// It stands for something else than itself.
    pub fn is_mark(&self, byte: u8) -> bool {
        matches!(byte, b'\n' | b'\r') || Some(byte) == self.separators.release
    }
}

/// Place of the separator from `start` on that is not released, or the end.
fn cut(bytes: &[u8], start: usize, separator: u8, release: Option<u8>) -> usize {
    let mut at = start;
    while at < bytes.len() {
        let Some(found) = memchr2(separator, release.unwrap_or(separator), &bytes[at..]) else { break };
        at += found;
        if Some(bytes[at]) != release {
            return at;
        }
        at += 2;
    }
    bytes.len()
}

/// What reading on gives.
#[derive(Debug)]
pub enum Next<'s> {
    Segment(Segment<'s>),
    /// UNA does not say five different marks; what it says.
    BrokenUna {
        line: u32,
        byte: u64,
        found: String,
    },
    /// No terminator within the limit.
    TooLong {
        line: u32,
        byte: u64,
    },
    End,
}

/// Cuts a file into segments.
pub struct SegmentReader<'i> {
    window: Window<'i>,
    separators: Separators,
    line: u32,
    /// Bytes of the segment given out last, to be consumed.
    given: usize,
    elements: Vec<(u32, u32)>,
    /// A mark at the beginning says UTF-8.
    utf8: bool,
    begun: bool,
    /// Where the service string before the segment begins.
    una: Option<u64>,
    first: bool,
}

impl<'i> SegmentReader<'i> {
    pub fn open(input: &'i mut dyn Read) -> io::Result<Self> {
        // A code page as the encoding, so that only a mark makes it UTF-8.
        let plain = Encoding::named("ascii").unwrap_or(Encoding::Utf8);
        let window = Window::open(input, &plain)?;
        let utf8 = *window.encoding() == Encoding::Utf8;
        let elements = Vec::new();
        let separators = Separators::default();
        Ok(SegmentReader {
            window,
            separators,
            line: 1,
            given: 0,
            elements,
            utf8,
            begun: false,
            una: None,
            first: true,
        })
    }

    pub fn is_utf8(&self) -> bool {
        self.utf8
    }

    /// The file is UTF-16.
    pub fn is_utf16(&self) -> bool {
        self.window.misread().is_some()
    }

    pub fn separators(&self) -> Separators {
        self.separators
    }

    fn pass(&mut self, count: usize) {
        self.line += memchr_iter(b'\n', &self.window.bytes()[..count]).count() as u32;
        self.window.consume(count);
    }

    /// Passes over what stands between segments; false at the end of the file.
    fn pass_blanks(&mut self) -> io::Result<bool> {
        loop {
            let bytes = self.window.bytes();
            let blank = bytes.iter().take_while(|b| b.is_ascii_whitespace() || matches!(b, 0 | 0x1A)).count();
            let there = blank < bytes.len();
            self.pass(blank);
            if there {
                return Ok(true);
            }
            if !self.window.fill()? && self.window.bytes().is_empty() {
                return Ok(false);
            }
        }
    }

    /// Has this many bytes at hand, or all there are.
    fn look_ahead(&mut self, count: usize) -> io::Result<()> {
        while self.window.bytes().len() < count && self.window.fill()? {}
        Ok(())
    }

    /// The next segment.
    pub fn take_segment(&mut self) -> io::Result<Next<'_>> {
        let given = std::mem::take(&mut self.given);
        self.pass(given);
        loop {
            if !self.pass_blanks()? {
                return Ok(Next::End);
            }
            self.look_ahead(4)?;
            let first = !std::mem::replace(&mut self.begun, true);
            if !(first || self.window.bytes().starts_with(b"UNA") || self.window.bytes().starts_with(b"UNB")) {
                break;
            }
            self.look_ahead(HEAD_BYTES)?;
            match separators::at(self.window.bytes(), (!first).then_some(self.separators)) {
                Around::Una(found, length) => {
                    self.separators = found;
                    self.una = Some(self.window.offset());
                    self.pass(length);
                }
                Around::Segment(found) => {
                    self.separators = found;
                    break;
                }
                Around::Broken(found) => {
                    return Ok(Next::BrokenUna { line: self.line, byte: self.window.offset(), found });
                }
            }
        }
        self.segment()
    }

    fn segment(&mut self) -> io::Result<Next<'_>> {
        let Separators { terminator, release, .. } = self.separators;
        let mut from = 0;
        let (end, ended) = loop {
            let bytes = self.window.bytes();
            let at = cut(bytes, from, terminator, release);
            if at < bytes.len() {
                break (at, true);
            }
            if bytes.len() > RECORD_BYTES {
                return Ok(Next::TooLong { line: self.line, byte: self.window.offset() });
            }
            // A release character at the end speaks of what is not there yet: the segment is gone through again.
            from = 0;
            if !self.window.fill()? && self.window.ended() {
                break (self.window.bytes().len(), false);
            }
        };
        self.given = if ended { end + 1 } else { end };
        let newline = matches!(terminator, b'\n' | b'\r');
        let bytes = &self.window.bytes()[..end];
        let bytes = if newline || !ended { bytes.trim_ascii_end() } else { bytes };
        split(bytes, self.separators, &mut self.elements);
        let offset = self.window.offset();
        let first = self.elements.get(1).map_or((0, 0), |(start, end)| {
            let end = cut(&bytes[..*end as usize], *start as usize, self.separators.component, release);
            (*start, end as u32)
        });
        Ok(Next::Segment(Segment {
            bytes,
            range: offset..offset + self.given as u64,
            begins: self.una.take().unwrap_or(offset),
            is_first: std::mem::take(&mut self.first),
            line: self.line,
            ended: ended || newline,
            tag: tag_of(bytes, self.elements.first().copied()),
            separators: self.separators,
            elements: &self.elements,
            first,
        }))
    }
}

/// The letters of the tag; what is not three letters is no tag that anybody asks for.
fn tag_of(bytes: &[u8], element: Option<(u32, u32)>) -> Tag {
    let raw = element.map_or(&[][..], |(start, end)| &bytes[start as usize..end as usize]);
    if let Ok(tag) = raw.try_into() {
        return Tag(tag);
    }
    let letters: Vec<u8> = raw.iter().copied().filter(|b| !matches!(b, b'\n' | b'\r')).collect();
    Tag(letters.try_into().unwrap_or([0; 3]))
}

fn split(bytes: &[u8], separators: Separators, elements: &mut Vec<(u32, u32)>) {
    elements.clear();
    let mut start = 0;
    loop {
        let end = cut(bytes, start, separators.element, separators.release);
        elements.push((start as u32, end as u32));
        if end >= bytes.len() {
            return;
        }
        start = end + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tag, line and the components of the second element of each segment.
    fn read(text: &[u8]) -> Vec<(String, u32, Vec<String>)> {
        let mut input = text;
        let mut reader = SegmentReader::open(&mut input).unwrap();
        let mut found = Vec::new();
        while let Next::Segment(segment) = reader.take_segment().unwrap() {
            let parts = (1..=segment.components(1)).map(|c| segment.plain(segment.raw(1, c), false));
            let parts = parts.map(|p| String::from_utf8_lossy(&p).to_string()).collect();
            found.push((segment.tag_text(), segment.line, parts));
        }
        found
    }

    fn one(text: &str) -> Vec<String> {
        read(text.as_bytes()).pop().unwrap().2
    }

    #[test]
    fn release_characters_and_line_breaks_are_taken_out() {
        assert_eq!(one("UNB+a'NAD+Mo?'s ??:b?+c?:d:'"), ["Mo's ?", "b+c:d", ""]);
        assert_eq!(one("UNB+a'DTM+137:200508\r\n19:102'"), ["137", "20050819", "102"]);
        assert_eq!(one("UNB+a'FTX+a?"), ["a"]);
    }

    #[test]
    fn every_way_of_cutting_is_found_out() {
        let same = [
            "UNA:+.? 'UNB+x:y'BGM+a:b'",
            "UNA:+.? '\r\nUNB+x:y'\r\nBGM+a:b'\r\n",
            "UNB+x:y'BGM+a:b'",
            "\u{feff}UNB+x:y'BGM+a:b'",
            "UNA:+.? #UNB+x:y#BGM+a:b#",
            "UNA:+.? \nUNB+x:y\nBGM+a:b\n",
            "UNA:+.? \r\nUNB+x:y\r\nBGM+a:b\r\n",
            "UNA:+.? \r\nUNB+x:y'\r\nBGM+a:b'\r\n",
            "UNA:+.?'UNB+x:y'BGM+a:b'",
            "UNB+x:y\r\nBGM+a:b\r\n",
            "UNB+x:y\nBGM+a:b",
            "UNA*|.= ~UNB|x*y~BGM|a*b~",
            "UNB\u{1d}x\u{1f}y\u{1c}BGM\u{1d}a\u{1f}b\u{1c}",
        ];
        for text in same {
            let found = read(text.as_bytes());
            let parts: Vec<_> = found.iter().map(|(tag, _, parts)| (tag.as_str(), parts.join(" "))).collect();
            assert_eq!(parts, [("UNB", "x y".to_string()), ("BGM", "a b".to_string())], "{text:?}");
        }
    }

    #[test]
    fn a_second_interchange_may_be_cut_otherwise() {
        let found = read(b"UNA:+.? #UNB+x#UNZ+1#\nUNB+y'UNZ+2'UNA:*.? 'UNB*z'UNZ*3'");
        let parts: Vec<_> = found.iter().map(|(_, line, parts)| (*line, parts[0].as_str())).collect();
        assert_eq!(parts, [(1, "x"), (1, "1"), (2, "y"), (2, "2"), (2, "z"), (2, "3")]);
    }

    #[test]
    fn what_cannot_be_cut_is_said() {
        let next = |text: &[u8]| {
            let mut input = text;
            format!("{:?}", SegmentReader::open(&mut input).unwrap().take_segment().unwrap())
        };
        assert!(next(b"UNA++.? 'UNB+x'").contains("BrokenUna"));
        assert!(next(b"UNAUNB+x'").contains("BrokenUna"));
        assert!(next(&[b"UNB+".to_vec(), vec![b'x'; 3 << 20]].concat()).contains("TooLong"));
        assert!(next(b" \r\n\x1a").contains("End"));
        assert!(next(b"UNB+x").contains("ended: false"));
    }
}
