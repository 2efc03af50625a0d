//! Sorts more entries than fit into memory: sorted runs in one temporary file, merged while read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::model::layout::Spill;

/// 16 bytes that decide the order, then sequence, offset, length and line, all big endian: compared as bytes.
pub const ENTRY_BYTES: usize = 44;
/// One run: held in memory while it is sorted.
const RUN_BYTES: usize = 4 << 20;
/// Memory for reading all runs at once.
const MERGE_BYTES: usize = 4 << 20;

pub type Bytes = [u8; ENTRY_BYTES];

/// One row of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub major: [u8; 16],
    /// Number of the row in the file.
    pub sequence: u64,
    pub offset: u64,
    pub length: u64,
    pub line: u32,
}

impl Entry {
    pub fn to_bytes(self) -> Bytes {
        let mut bytes = [0; ENTRY_BYTES];
        bytes[..16].copy_from_slice(&self.major);
        bytes[16..24].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.offset.to_be_bytes());
        bytes[32..40].copy_from_slice(&self.length.to_be_bytes());
        bytes[40..].copy_from_slice(&self.line.to_be_bytes());
        bytes
    }

    pub fn from_bytes(bytes: &Bytes) -> Self {
        let number = |from: usize| bytes[from..from + 8].iter().fold(0, |n, b| n << 8 | *b as u64);
        let mut major = [0; 16];
        major.copy_from_slice(&bytes[..16]);
        let line = bytes[40..].iter().fold(0, |n, b| n << 8 | *b as u32);
        Entry { major, sequence: number(16), offset: number(24), length: number(32), line }
    }
}

pub struct Sorter {
    spill: Box<dyn Spill>,
    run: Vec<Bytes>,
    /// Entries of each run in the file.
    runs: Vec<usize>,
}

impl Sorter {
    pub fn new(spill: Box<dyn Spill>) -> Self {
        Sorter { spill, run: Vec::new(), runs: Vec::new() }
    }

    pub fn push(&mut self, entry: Entry) -> io::Result<()> {
        self.run.push(entry.to_bytes());
        if self.run.len() * ENTRY_BYTES >= RUN_BYTES { self.write_run() } else { Ok(()) }
    }

    fn write_run(&mut self) -> io::Result<()> {
        self.run.sort_unstable();
        self.spill.write_all(self.run.as_flattened())?;
        self.runs.push(self.run.len());
        self.run.clear();
        Ok(())
    }

    /// All entries in order.
    pub fn sorted(mut self) -> io::Result<Sorted> {
        if !self.run.is_empty() {
            self.write_run()?;
        }
        self.run = Vec::new();
        let room = (MERGE_BYTES / ENTRY_BYTES / self.runs.len().max(1)).max(64);
        let mut sorted = Sorted { spill: self.spill, runs: Vec::new(), heap: BinaryHeap::new(), room };
        let mut offset = 0;
        for (index, count) in self.runs.into_iter().enumerate() {
            sorted.runs.push(Run { offset, left: count, read: Vec::new() });
            offset += (count * ENTRY_BYTES) as u64;
            if let Some(first) = sorted.next_of(index)? {
                sorted.heap.push(Reverse((first, index)));
            }
        }
        Ok(sorted)
    }
}

pub struct Sorted {
    spill: Box<dyn Spill>,
    runs: Vec<Run>,
    heap: BinaryHeap<Reverse<(Bytes, usize)>>,
    /// Entries read from a run at a time.
    room: usize,
}

struct Run {
    offset: u64,
    /// Entries not read yet.
    left: usize,
    /// Read and not given, the next last.
    read: Vec<Bytes>,
}

impl Sorted {
    pub fn next(&mut self) -> io::Result<Option<Entry>> {
        let Some(Reverse((bytes, index))) = self.heap.pop() else { return Ok(None) };
        if let Some(next) = self.next_of(index)? {
            self.heap.push(Reverse((next, index)));
        }
        Ok(Some(Entry::from_bytes(&bytes)))
    }

    fn next_of(&mut self, index: usize) -> io::Result<Option<Bytes>> {
        let run = &mut self.runs[index];
        if run.read.is_empty() && run.left > 0 {
            let count = run.left.min(self.room);
            run.read.resize(count, [0; ENTRY_BYTES]);
            self.spill.seek(SeekFrom::Start(run.offset))?;
            self.spill.read_exact(run.read.as_flattened_mut())?;
            run.read.reverse();
            run.left -= count;
            run.offset += (count * ENTRY_BYTES) as u64;
        }
        Ok(run.read.pop())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_runs_come_back_as_one_order() {
        let mut sorter = Sorter::new(Box::new(io::Cursor::new(Vec::new())));
        let count = 3 * RUN_BYTES / ENTRY_BYTES + 7;
        let mixed = |n: usize| (n * 7919) % count;
        for n in 0..count {
            let mut major = [0; 16];
            major[..8].copy_from_slice(&(mixed(n) as u64 / 3).to_be_bytes());
            let entry = Entry { major, sequence: mixed(n) as u64, offset: n as u64, length: 5, line: 9 };
            sorter.push(entry).unwrap();
        }
        let mut sorted = sorter.sorted().unwrap();
        let mut expected = 0;
        while let Some(entry) = sorted.next().unwrap() {
            assert_eq!((entry.sequence, mixed(entry.offset as usize) as u64), (expected, expected));
            expected += 1;
        }
        assert_eq!(expected, count as u64);
    }
}
