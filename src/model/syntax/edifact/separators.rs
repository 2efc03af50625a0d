//! How a file is cut: the service string UNA, the marks that hold without one, and what senders make of them.
//!
//! A decision about the first bytes alone; it reads nothing and keeps nothing.

/// The marks that cut a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Separators {
    pub component: u8,
    pub element: u8,
    pub decimal: u8,
    /// Nothing where UNA has a blank in its place.
    pub release: Option<u8>,
    pub terminator: u8,
    /// Between the repetitions of an element, in syntax version 4 alone; nothing where UNA has a blank in its place.
    pub repetition: Option<u8>,
}

impl Default for Separators {
    fn default() -> Self {
        Separators {
            component: b':',
            element: b'+',
            decimal: b'.',
            release: Some(b'?'),
            terminator: b'\'',
            repetition: Some(b'*'),
        }
    }
}

/// The marks of syntax level B where no UNA says others: they are no characters of any text.
const LEVEL_B: Separators =
    Separators { component: 0x1F, element: 0x1D, decimal: b'.', release: None, terminator: 0x1C, repetition: None };

/// What stands at the beginning of a segment.
#[derive(Debug, PartialEq, Eq)]
pub enum Around {
    /// A service string of this length.
    Una(Separators, usize),
    Segment(Separators),
    /// UNA whose marks cannot cut anything; what it says.
    Broken(String),
}

/// Looks at the first segment of a file or an interchange; `before` are the marks that held so far.
pub fn at(bytes: &[u8], before: Option<Separators>) -> Around {
    let Some(marks) = bytes.strip_prefix(b"UNA") else { return Around::Segment(without_una(bytes, before)) };
    let &[component, element, decimal, release, fifth, ref rest @ ..] = marks else { return broken(bytes) };
    let release = Some(release).filter(|b| *b != b' ');
    let repetition = Some(fifth).filter(|b| b.is_ascii_punctuation());
    let made = |terminator| Separators { component, element, decimal, release, terminator, repetition };
    // `UNA:+.?'UNB`: the blank is left out, so that the fifth mark is the terminator.
    if fifth != b' ' && begins_segment(rest) && !fifth.is_ascii_whitespace() {
        return checked(made(fifth), 8, bytes);
    }
    match rest {
        [sixth, ..] if !matches!(sixth, b'\r' | b'\n') => checked(made(*sixth), 9, bytes),
        // A line end: it is the terminator, or there is none in UNA and the segments have the usual one.
        [_, ..] => checked(made(terminator_by_lines(rest)), 8, bytes),
        [] => broken(bytes),
    }
}

fn begins_segment(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii_start();
    [b"UNB", b"UNG", b"UNH"].iter().any(|tag| bytes.starts_with(*tag))
}

fn checked(separators: Separators, length: usize, bytes: &[u8]) -> Around {
    let Separators { component, element, release, terminator, .. } = separators;
    let marks = [Some(component), Some(element), release, Some(terminator)];
    let twice = (1..4).any(|i| marks[i].is_some() && marks[..i].contains(&marks[i]));
    let is_mark = |b: u8| !b.is_ascii_alphanumeric() && b.is_ascii() && (b != b' ');
    if twice || !marks.iter().flatten().all(|b| is_mark(*b)) {
        return broken(bytes);
    }
    Around::Una(separators, length)
}

fn broken(bytes: &[u8]) -> Around {
    Around::Broken(String::from_utf8_lossy(&bytes[..bytes.len().min(9)]).to_string())
}

/// Of a segment that no UNA stands before.
fn without_una(bytes: &[u8], before: Option<Separators>) -> Separators {
    let mark = bytes.get(3).copied();
    match before {
        // Senders that join files leave the UNA of the second one out, or mean the usual marks without it.
        Some(before) if mark == Some(before.element) && ends_with(bytes, before.terminator) => return before,
        _ if mark == Some(LEVEL_B.element) => return LEVEL_B,
        _ => {}
    }
    Separators { terminator: terminator_by_lines(bytes), ..Separators::default() }
}

/// The first line has the terminator, or the terminator comes before the next segment does.
fn ends_with(bytes: &[u8], terminator: u8) -> bool {
    memchr::memchr(terminator, bytes).is_some()
}

/// The usual terminator, unless the lines begin with segments and have none at their ends.
fn terminator_by_lines(bytes: &[u8]) -> u8 {
    let bytes = bytes.trim_ascii_start();
    let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) else { return b'\'' };
    let (line, rest) = (&bytes[..end], &bytes[end..]);
    let next = rest.trim_ascii_start();
    // Wrapped lines break anywhere: a line that looks like a segment and the first quote behind it tell.
    let is_segment = next.len() > 3 && next[..3].iter().all(u8::is_ascii_uppercase) && !next[3].is_ascii_alphanumeric();
    let next_end = memchr::memchr2(b'\n', b'\r', next).unwrap_or(next.len());
    if memchr::memchr(b'\'', line).is_some() || !is_segment || memchr::memchr(b'\'', &next[..next_end]).is_some() {
        return b'\'';
    }
    if rest.starts_with(b"\r") && !rest.starts_with(b"\r\n") { b'\r' } else { b'\n' }
}
