//! What a server's listing says, line by line: MLSD (machine-readable), or LIST in one of the writings that servers have:
//! Unix in its many dates, DOS, EPLF, NetWare, OS/400. Names are the sender's bytes; a time is never understood, only kept
//! as it stands, since all we ask of it later is whether it is still the same (so no zone, no month names, no missing year).
//! Owns reading one line and learning which writing this listing has. Does not decide which names may be taken.

mod dates;
mod dos;
mod mlsd;
mod rare;
mod unix;

pub use mlsd::{is_moment, read as read_mlsd};

/// One line of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    File(Listed<'a>),
    Folder,
    /// Where it leads is the server's affair; what it leads to is not taken by its name.
    Link,
    /// A device, a pipe, a library object: nothing that could be fetched.
    Special,
    /// `total 12`, an empty line.
    Heading,
    NotUnderstood,
}

/// A file as its line shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed<'a> {
    pub name: &'a [u8],
    pub size: Option<u64>,
    pub time: Time<'a>,
}

/// When it was changed, in the words of the listing; comparable only with times of the same sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time<'a> {
    /// Digits to the second or finer, in UTC: `20261122083000`, `20261122083000.123`.
    Exact(&'a [u8]),
    /// The columns of a LIST, from the first to the last byte of the date.
    Columns(&'a [u8]),
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Unix,
    Dos,
    Eplf,
    NetWare,
    Os400,
}

impl Dialect {
    const ALL: [Dialect; 5] = [Dialect::Unix, Dialect::Dos, Dialect::Eplf, Dialect::NetWare, Dialect::Os400];

    fn read(self, line: &[u8]) -> Option<Line<'_>> {
        match self {
            Dialect::Unix => unix::read(line),
            Dialect::Dos => dos::read(line),
            Dialect::Eplf => rare::eplf(line),
            Dialect::NetWare => rare::netware(line),
            Dialect::Os400 => rare::os400(line),
        }
    }
}

/// Reads the lines of one LIST. The first line that fits a writing decides: a server does not change hands in mid-listing,
/// and a name that looks like another writing's line must not be read as one.
#[derive(Debug, Default)]
pub struct ListReader {
    dialect: Option<Dialect>,
}

impl ListReader {
    /// `line` without its end (`\n`, and one `\r` before it).
    pub fn read<'a>(&mut self, line: &'a [u8]) -> Line<'a> {
        if is_heading(line) {
            return Line::Heading;
        }
        if let Some(dialect) = self.dialect {
            return dialect.read(line).unwrap_or(Line::NotUnderstood);
        }
        for dialect in Dialect::ALL {
            if let Some(read) = dialect.read(line) {
                self.dialect = Some(dialect);
                return read;
            }
        }
        Line::NotUnderstood
    }
}

/// `total 12`, `insgesamt 12`, `total 0 bytes` of no file: one word and a number, in whatever language.
fn is_heading(line: &[u8]) -> bool {
    let mut words = words(line).map(|(_, word)| word);
    match (words.next(), words.next(), words.next()) {
        (None, ..) => true,
        (Some(word), Some(number), None) => {
            word.iter().all(|b| b.is_ascii_alphabetic() || *b >= 0x80 || *b == b':') && number_of(number).is_some()
        }
        _ => false,
    }
}

/// `.` and `..` are folders whatever their line says.
fn file<'a>(name: &'a [u8], size: Option<u64>, time: Time<'a>) -> Option<Line<'a>> {
    match name {
        b"" => None,
        b"." | b".." => Some(Line::Folder),
        name => Some(Line::File(Listed { name, size, time })),
    }
}

/// Words between blanks, each with the place where it begins.
fn words(line: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += line.get(at..)?.iter().position(|b| *b != b' ' && *b != b'\t')?;
        let start = at;
        at += line[at..].iter().position(|b| *b == b' ' || *b == b'\t').unwrap_or(line.len() - at);
        Some((start, &line[start..at]))
    })
}

/// All digits and within 64 bits.
fn number_of(word: &[u8]) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0_u64, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// What stands behind the word that ends at `end`: exactly one blank parts it, more belong to the name.
fn name_after(line: &[u8], end: usize) -> Option<&[u8]> {
    line.get(end..)?.strip_prefix(b" ")
}

#[cfg(test)]
mod tests;
