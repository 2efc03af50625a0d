//! The bytes of a file on their way to a layout: hashed as they pass, whatever a layout reads twice or not at all counted
//! once. A small file is read in one go and then stands in memory.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// So much is kept whole.
pub const WHOLE_BYTES: u64 = 32 * 1024;
/// Read at a time of what a layout left unread; mostly there is nothing.
const CHUNK_BYTES: usize = 16 * 1024;

pub struct Hashing {
    pub source: Source,
    at: u64,
    hashed: u64,
    hasher: blake3::Hasher,
    /// Hash and size, where it was hashed on its way here.
    known: Option<([u8; 32], u64)>,
    /// Counts what was read, whatever is read twice: that it goes on can be seen from another thread.
    read: Arc<AtomicU64>,
}

pub enum Source {
    File(File),
    Whole(Cursor<Vec<u8>>),
}

impl Source {
    /// `size`: what the file had when it was looked at.
    fn open(mut file: File, size: u64) -> io::Result<Source> {
        if size > WHOLE_BYTES {
            return Ok(Source::File(file));
        }
        // One more than it should be tells that it grew.
        let mut content = Vec::with_capacity(size as usize + 1);
        file.by_ref().take(size + 1).read_to_end(&mut content)?;
        if content.len() as u64 > size {
            file.seek(SeekFrom::Start(0))?;
            return Ok(Source::File(file));
        }
        Ok(Source::Whole(Cursor::new(content)))
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Source::File(file) => file.read(buffer),
            Source::Whole(content) => content.read(buffer),
        }
    }
}

impl Seek for Source {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        match self {
            Source::File(file) => file.seek(position),
            Source::Whole(content) => content.seek(position),
        }
    }
}

impl Hashing {
    /// `known`: the hash of these `size` bytes, by who wrote them.
    pub fn new(file: File, size: u64, known: Option<[u8; 32]>, read: Arc<AtomicU64>) -> io::Result<Self> {
        let known = known.map(|hash| (hash, size));
        Ok(Hashing { source: Source::open(file, size)?, at: 0, hashed: 0, hasher: blake3::Hasher::new(), known, read })
    }

    pub fn head(&mut self, bytes: usize) -> io::Result<Vec<u8>> {
        let mut head = Vec::with_capacity(bytes);
        self.by_ref().take(bytes as u64).read_to_end(&mut head)?;
        self.seek(SeekFrom::Start(0))?;
        Ok(head)
    }

    pub fn hash_all(&mut self) -> io::Result<[u8; 32]> {
        if let Some((hash, _)) = self.known {
            return Ok(hash);
        }
        self.hash_rest()?;
        let hash = *self.hasher.finalize().as_bytes();
        self.seek(SeekFrom::Start(0))?;
        Ok(hash)
    }

    fn hash_rest(&mut self) -> io::Result<()> {
        self.seek(SeekFrom::Start(self.hashed))?;
        let mut chunk = [0; CHUNK_BYTES];
        while self.read(&mut chunk)? > 0 {}
        Ok(())
    }

    /// Hash, size, and the content where it was small.
    pub fn finish(mut self) -> io::Result<([u8; 32], u64, Option<Vec<u8>>)> {
        if let (Some((hash, size)), Source::File(_)) = (self.known, &self.source) {
            return Ok((hash, size, None));
        }
        self.hash_rest()?;
        let whole = match self.source {
            Source::File(_) => None,
            Source::Whole(content) => Some(content.into_inner()),
        };
        Ok((*self.hasher.finalize().as_bytes(), self.hashed, whole))
    }
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        let end = self.at + count as u64;
        if self.known.is_none() && self.at <= self.hashed && end > self.hashed {
            self.hasher.update(&buffer[(self.hashed - self.at) as usize..count]);
            self.hashed = end;
        }
        self.at = end;
        Ok(count)
    }
}

impl Seek for Hashing {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.at = self.source.seek(position)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn every_byte_is_hashed_once_however_it_is_read() {
        for (count, said) in [(200_000, 200_000), (20_000, 20_000), (20_000, 19_000), (20_000, 21_000)] {
            let mut file = tempfile::tempfile().unwrap();
            let content: Vec<u8> = (0..count).map(|n: u32| (n % 251) as u8).collect();
            file.write_all(&content).unwrap();
            file.seek(SeekFrom::Start(0)).unwrap();
            let mut input = Hashing::new(file, said, None, Arc::default()).unwrap();
            let mut some = vec![0; 1000];
            input.read_exact(&mut some).unwrap();
            input.seek(SeekFrom::Start(500)).unwrap();
            input.read_exact(&mut some).unwrap();
            assert_eq!(some[..], content[500..1500]);
            input.head(64).unwrap();
            let (hash, size, whole) = input.finish().unwrap();
            assert_eq!((hash, size), (*blake3::hash(&content).as_bytes(), content.len() as u64));
            assert!(whole.is_none_or(|whole| whole == content));
        }
    }
}
