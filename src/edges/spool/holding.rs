//! Looks for a few values in the bytes of every file of the spool, in pieces, in the encodings that partners use. What is packed
//! shows no values and is counted instead. It changes nothing.

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::PathBuf;

use memchr::memmem::Finder;

use super::error::Result;
use super::{Spool, State};

/// Read at once: large enough for the disk, small enough to forget.
const PIECE_BYTES: usize = 1 << 20;
/// Beginnings of files whose content is packed: ZIP (workbooks too), gzip, PDF.
const PACKED: [&[u8]; 3] = [b"PK\x03\x04", b"\x1f\x8b", b"%PDF"];

/// What a look into every file found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Holding {
    pub looked: u64,
    /// Files that hold one of the values.
    pub holding: Vec<PathBuf>,
    /// Archives and PDFs: not looked into.
    pub packed: Vec<PathBuf>,
    /// Could not be read, or were gone when it was their turn.
    pub unread: Vec<PathBuf>,
}

impl Spool {
    pub fn holding(&self, values: &[String]) -> Result<Holding> {
        let needles = needles(values);
        let mut found = Holding::default();
        let mut failed = None;
        for state in State::ALL {
            self.walk(state, &mut |file| {
                let path = match self.path(file.place, file.name) {
                    Ok(path) => path,
                    Err(error) => {
                        failed = Some(error);
                        return ControlFlow::Break(());
                    }
                };
                found.looked += 1;
                match File::open(&path).and_then(|mut file| look(&mut file, &needles)) {
                    Ok(Look::Nothing) => {}
                    Ok(Look::Holds) => found.holding.push(path),
                    Ok(Look::Packed) => found.packed.push(path),
                    Err(_) => found.unread.push(path),
                }
                ControlFlow::Continue(())
            })?;
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(found),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Look {
    Nothing,
    Holds,
    Packed,
}

/// Each value as UTF-8, Latin-1 and UTF-16, its ASCII letters small.
fn needles(values: &[String]) -> Vec<Vec<u8>> {
    let mut needles = Vec::new();
    for value in values {
        let value = value.to_ascii_lowercase();
        let latin: Option<Vec<u8>> = value.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
        needles.extend(latin);
        needles.push(value.encode_utf16().flat_map(u16::to_le_bytes).collect());
        needles.push(value.encode_utf16().flat_map(u16::to_be_bytes).collect());
        needles.push(value.into_bytes());
    }
    needles.sort();
    needles.dedup();
    needles
}

fn look(file: &mut impl Read, needles: &[Vec<u8>]) -> io::Result<Look> {
    let finders: Vec<Finder<'_>> = needles.iter().map(Finder::new).collect();
    let kept = needles.iter().map(Vec::len).max().unwrap_or(1).max(1) - 1;
    let mut piece = Vec::with_capacity(PIECE_BYTES + kept);
    let mut is_first = true;
    loop {
        let before = piece.len();
        file.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
        if piece.len() == before {
            return Ok(Look::Nothing);
        }
        if is_first && PACKED.iter().any(|begin| piece.starts_with(begin)) {
            return Ok(Look::Packed);
        }
        is_first = false;
        piece[before..].make_ascii_lowercase();
        if finders.iter().any(|finder| finder.find(&piece).is_some()) {
            return Ok(Look::Holds);
        }
        // What may be the beginning of a value goes on with the next piece.
        let cut = piece.len().saturating_sub(kept);
        piece.drain(..cut);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_in_any_case_encoding_and_place() {
        let needles = needles(&["Jörg@Example.ORG".to_string()]);
        let look = |bytes: &[u8]| look(&mut io::Cursor::new(bytes), &needles).unwrap();
        assert_eq!(look("a;jörg@example.org;b".as_bytes()), Look::Holds);
        assert_eq!(look(b"a;J\xf6RG@EXAMPLE.ORG;b"), Look::Holds);
        let wide: Vec<u8> = "x jörg@example.org".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(look(&wide), Look::Holds);
        assert_eq!(look(b"joerg@example.org"), Look::Nothing);
        assert_eq!(look(b""), Look::Nothing);
        assert_eq!(look(b"PK\x03\x04 anything"), Look::Packed);
        // Over the seam of two pieces, at each place.
        let value = "jörg@example.org".as_bytes();
        for before in 1..value.len() {
            let mut long = vec![b'.'; PIECE_BYTES - before];
            long.extend_from_slice(value);
            assert_eq!(look(&long), Look::Holds, "{before} bytes before the seam");
        }
    }
}
