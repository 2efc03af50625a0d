//! Writes an archive front to back, without seeking: sizes stand behind each member and in the directory.
//!
//! The same members give the same bytes: no clock, no machine, one level of compression.

use std::io::{self, Read, Seek, SeekFrom, Write};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use super::directory::{Entry, RATIO, RATIO_FROM_BYTES};
use super::{DEFLATED, Flaw, STORED};

/// Midnight of the first day that the format can say.
const DAY_ONE: u16 = 0x0021;
/// 2.0: folders and DEFLATE.
const VERSION: u16 = 20;
/// Sizes stand behind the member; the name is UTF-8.
const BEHIND: u16 = 1 << 3;
const UTF8: u16 = 1 << 11;
const PIECE_BYTES: usize = 64 * 1024;
/// From here on it is measured first whether a file packs like one that was made to do harm, which no reader takes.
const MEASURED_FROM_BYTES: u64 = 16 << 20;

/// The archive in the making. Without `finish` it has no directory.
pub struct ArchiveWriter<W: Write> {
    out: Counted<W>,
    written: Vec<Entry>,
}

struct Counted<W> {
    inner: W,
    count: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.count += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A member being written. Without `end` it has no sizes.
pub struct Opened<'a, W: Write> {
    packer: DeflateEncoder<&'a mut Counted<W>>,
    entry: Entry,
    from: u64,
    crc: Crc,
    written: &'a mut Vec<Entry>,
}

impl<W: Write> ArchiveWriter<W> {
    pub fn new(out: W) -> Self {
        ArchiveWriter { out: Counted { inner: out, count: 0 }, written: Vec::new() }
    }

    /// Begins a member that is packed as it comes.
    pub fn begin(&mut self, name: &str) -> io::Result<Opened<'_, W>> {
        let entry = Entry {
            name: name.to_string(),
            raw_name: name.as_bytes().to_vec(),
            flags: BEHIND | UTF8,
            method: DEFLATED,
            crc: 0,
            packed: 0,
            size: 0,
            offset: self.out.count,
        };
        write_header(&mut self.out, &entry)?;
        let from = self.out.count;
        let packer = DeflateEncoder::new(&mut self.out, Compression::default());
        Ok(Opened { packer, entry, from, crc: Crc::new(), written: &mut self.written })
    }

    /// A file from its beginning to its end, whatever its size.
    pub fn add(&mut self, name: &str, source: &mut (impl Read + Seek), size: u64) -> io::Result<()> {
        if size >= MEASURED_FROM_BYTES {
            let plain = measured(source, name)?;
            source.seek(SeekFrom::Start(0))?;
            if let Some(entry) = plain {
                return self.copy(&entry, source);
            }
        }
        let mut member = self.begin(name)?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match source.read(&mut piece)? {
                0 => return member.end(),
                count => member.write_all(&piece[..count])?,
            }
        }
    }

    /// A member of another archive, packed as it was.
    pub fn copy(&mut self, entry: &Entry, packed: &mut dyn Read) -> io::Result<()> {
        let entry = Entry { flags: entry.flags & UTF8, offset: self.out.count, ..entry.clone() };
        if entry.packed >= u64::from(u32::MAX) || entry.size >= u64::from(u32::MAX) {
            return Err(too_large());
        }
        write_header(&mut self.out, &entry)?;
        io::copy(packed, &mut self.out)?;
        self.written.push(entry);
        Ok(())
    }

    /// The directory; what was written to is given back.
    pub fn finish(mut self) -> io::Result<W> {
        let starts = self.out.count;
        for entry in &self.written {
            write_entry(&mut self.out, entry)?;
        }
        let bytes = self.out.count - starts;
        let count = u16::try_from(self.written.len()).map_err(|_| too_large())?;
        let (bytes, starts) = (narrow(bytes)?, narrow(starts)?);
        let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
        end.extend([count, count].iter().flat_map(|n| n.to_le_bytes()));
        end.extend([bytes, starts].iter().flat_map(|n| n.to_le_bytes()));
        end.extend([0, 0]);
        self.out.write_all(&end)?;
        self.out.flush()?;
        Ok(self.out.inner)
    }
}

impl<W: Write> Opened<'_, W> {
    pub fn end(self) -> io::Result<()> {
        let Opened { packer, mut entry, from, crc, written } = self;
        let out = packer.finish()?;
        entry.packed = out.count - from;
        entry.crc = crc.sum();
        let mut behind = b"PK\x07\x08".to_vec();
        behind.extend([entry.crc, narrow(entry.packed)?, narrow(entry.size)?].iter().flat_map(|n| n.to_le_bytes()));
        out.write_all(&behind)?;
        written.push(entry);
        Ok(())
    }
}

impl<W: Write> Write for Opened<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.packer.write(bytes)?;
        self.crc.update(&bytes[..taken]);
        self.entry.size += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.packer.flush()
    }
}

/// Reads a file to its end. One that packs so small that readers take its archive for one that is to do harm is given as an entry to
/// `copy` it by, as it is.
pub fn measured(source: &mut dyn Read, name: &str) -> io::Result<Option<Entry>> {
    let mut packer = DeflateEncoder::new(Counted { inner: io::sink(), count: 0 }, Compression::default());
    let (mut crc, mut piece) = (Crc::new(), vec![0; PIECE_BYTES]);
    let mut size = 0;
    loop {
        let count = source.read(&mut piece)?;
        if count == 0 {
            break;
        }
        crc.update(&piece[..count]);
        size += count as u64;
        packer.write_all(&piece[..count])?;
    }
    let packed = packer.finish()?.count;
    let raw_name = name.as_bytes().to_vec();
    let name = name.to_string();
    let plain = Entry { name, raw_name, flags: UTF8, method: STORED, crc: crc.sum(), packed: size, size, offset: 0 };
    Ok((size > RATIO_FROM_BYTES && size / RATIO > packed).then_some(plain))
}

/// What a member and its entry say alike, from the version needed to the length of the name.
fn described(entry: &Entry, told: bool) -> io::Result<Vec<u8>> {
    let name = u16::try_from(entry.raw_name.len()).map_err(|_| too_large())?;
    let sizes = [entry.crc, narrow(entry.packed)?, narrow(entry.size)?].map(|n| if told { n } else { 0 });
    let mut out = Vec::new();
    out.extend([VERSION, entry.flags, entry.method, 0, DAY_ONE].iter().flat_map(|n| n.to_le_bytes()));
    out.extend(sizes.iter().flat_map(|n| n.to_le_bytes()));
    out.extend([name, 0].iter().flat_map(|n| n.to_le_bytes()));
    Ok(out)
}

fn write_header(out: &mut dyn Write, entry: &Entry) -> io::Result<()> {
    out.write_all(b"PK\x03\x04")?;
    out.write_all(&described(entry, entry.flags & BEHIND == 0)?)?;
    out.write_all(&entry.raw_name)
}

fn write_entry(out: &mut dyn Write, entry: &Entry) -> io::Result<()> {
    out.write_all(b"PK\x01\x02")?;
    out.write_all(&VERSION.to_le_bytes())?;
    out.write_all(&described(entry, true)?)?;
    // No comment, first part, no attributes.
    out.write_all(&[0; 10])?;
    out.write_all(&narrow(entry.offset)?.to_le_bytes())?;
    out.write_all(&entry.raw_name)
}

fn narrow(number: u64) -> io::Result<u32> {
    u32::try_from(number).ok().filter(|n| *n != u32::MAX).ok_or_else(too_large)
}

fn too_large() -> io::Error {
    Flaw::Limit("an archive of ours holds 65,535 members and 4 GB at most.".to_string()).into()
}
