//! One member unpacked, with its length and checksum watched: more than was announced is never given.

use std::io::{self, BufReader, Read, SeekFrom};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::directory::{Directory, Entry};
use super::{DEFLATED, Flaw, u16_at, u32_at};
use crate::model::diagnostic::shown;
use crate::model::layout::Input;

const HEADER: &[u8; 4] = b"PK\x03\x04";
const HEADER_BYTES: usize = 30;

/// Reads what a member holds.
pub struct Member<I: Input> {
    source: Source<I>,
    name: String,
    size: u64,
    given: u64,
    crc: u32,
    found: Crc,
}

enum Source<I: Input> {
    Stored(io::Take<I>),
    Deflated(DeflateDecoder<BufReader<io::Take<I>>>),
}

/// The packed bytes of a member, to be copied as they are.
pub fn raw<I: Input>(mut input: I, directory: &Directory, entry: &Entry) -> io::Result<io::Take<I>> {
    let name = || shown(&entry.name);
    let mut header = [0; HEADER_BYTES];
    input.seek(SeekFrom::Start(entry.offset))?;
    let other = || Flaw::Damaged(format!("its member \"{}\" is not where the directory says.", name()));
    if entry.offset + HEADER_BYTES as u64 > directory.starts {
        return Err(other().into());
    }
    input.read_exact(&mut header)?;
    let name_bytes = u64::from(u16_at(&header, 26));
    let behind = entry.offset + HEADER_BYTES as u64 + name_bytes + u64::from(u16_at(&header, 28));
    let mut own_name = Vec::new();
    Read::take(&mut input, name_bytes).read_to_end(&mut own_name)?;
    let is_same = own_name == entry.raw_name && u16_at(&header, 8) == entry.method;
    // Sizes may come behind the member; where they stand before it they are the directory's.
    let told = (u32_at(&header, 18), u32_at(&header, 22));
    let is_told = entry.flags & 1 << 3 == 0 && told.0 != u32::MAX && told.1 != u32::MAX;
    let is_other_size = is_told && (u64::from(told.0), u64::from(told.1)) != (entry.packed, entry.size);
    if !header.starts_with(HEADER) || !is_same || is_other_size || behind + entry.packed > directory.starts {
        return Err(other().into());
    }
    input.seek(SeekFrom::Start(behind))?;
    Ok(Read::take(input, entry.packed))
}

impl<I: Input> Member<I> {
    pub fn open(input: I, directory: &Directory, entry: &Entry) -> io::Result<Self> {
        let packed = raw(input, directory, entry)?;
        let source = match entry.method {
            DEFLATED => Source::Deflated(DeflateDecoder::new(BufReader::new(packed))),
            _ => Source::Stored(packed),
        };
        let (name, size, crc) = (entry.name.clone(), entry.size, entry.crc);
        Ok(Member { source, name, size, given: 0, crc, found: Crc::new() })
    }

    fn damaged(&self, what: &str) -> io::Error {
        Flaw::Damaged(format!("its member \"{}\" {what}.", shown(&self.name))).into()
    }
}

impl<I: Input> Read for Member<I> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let read = match &mut self.source {
            Source::Stored(stored) => stored.read(into),
            Source::Deflated(deflated) => deflated.read(into),
        };
        let read = read.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                self.damaged("cannot be unpacked")
            }
            _ => error,
        })?;
        self.given += read as u64;
        if self.given > self.size {
            return Err(self.damaged("unpacks to more than its directory says"));
        }
        if read > 0 {
            self.found.update(&into[..read]);
            return Ok(read);
        }
        if self.given < self.size {
            return Err(self.damaged("unpacks to less than its directory says"));
        }
        if self.found.sum() != self.crc {
            return Err(self.damaged("has another checksum than its directory says"));
        }
        Ok(0)
    }
}
