//! Packed messages that are more than memory holds and in no order: sorted runs of them in one temporary file, merged while
//! they are read. Of equal keys those of an earlier run come first, so that the last of them wins as ever.
//!
//! It owns the temporary file. What a run holds and how large it is is for whoever gathers.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::sync::Arc;

use super::Batch;
use super::packed::{Packed, key_of, unpack};
use crate::model::layout::Spill;

/// What is read of a run at a time: a merge takes as much for each of its runs.
const PIECE_BYTES: usize = 64 * 1024;
/// Before each message stands its length.
const LENGTH_BYTES: usize = size_of::<u32>();

pub struct Runs {
    spill: Box<dyn Spill>,
    /// Where each run ends; the first begins at 0.
    ends: Vec<u64>,
    extras: Vec<Arc<str>>,
}

impl Runs {
    pub fn new(spill: Box<dyn Spill>, extras: &[Arc<str>]) -> Self {
        Runs { spill, ends: Vec::new(), extras: extras.to_vec() }
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Adds messages that are sorted. When that fails, the run is as if it had never been begun.
    pub fn add(&mut self, sorted: &Packed) -> io::Result<()> {
        let start = self.ends.last().copied().unwrap_or(0);
        self.spill.seek(SeekFrom::Start(start))?;
        let mut out = BufWriter::with_capacity(PIECE_BYTES, &mut self.spill);
        let mut end = start;
        for message in sorted.messages() {
            out.write_all(&(message.len() as u32).to_be_bytes())?;
            out.write_all(message)?;
            end += (LENGTH_BYTES + message.len()) as u64;
        }
        out.flush()?;
        drop(out);
        self.ends.push(end);
        Ok(())
    }

    /// All messages in the order of their keys.
    pub fn merge(self) -> io::Result<Merge> {
        let Runs { mut spill, ends, extras } = self;
        let mut heads = BinaryHeap::with_capacity(ends.len());
        let mut start = 0;
        for (nth, end) in ends.into_iter().enumerate() {
            let run = Run { at: start, end, piece: Vec::new(), used: 0 };
            let mut head = Head { message: Vec::new(), nth, run };
            if head.run.next(&mut spill, &mut head.message)? {
                heads.push(Reverse(head));
            }
            start = end;
        }
        Ok(Merge { spill, heads, extras })
    }
}

pub struct Merge {
    spill: Box<dyn Spill>,
    heads: BinaryHeap<Reverse<Head>>,
    extras: Vec<Arc<str>>,
}

impl Merge {
    /// Adds the next message to a batch of its kind; false when there is none left.
    pub fn read(&mut self, into: &mut Batch) -> io::Result<bool> {
        let Some(mut first) = self.heads.peek_mut() else { return Ok(false) };
        unpack(&first.0.message, &self.extras, into);
        let Head { run, message, .. } = &mut first.0;
        if !run.next(&mut self.spill, message)? {
            PeekMut::pop(first);
        }
        Ok(true)
    }
}

/// The next message of a run.
struct Head {
    message: Vec<u8>,
    /// Which run it is of.
    nth: usize,
    run: Run,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        key_of(&self.message).cmp(key_of(&other.message)).then(self.nth.cmp(&other.nth))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}

/// What is left of a run: a piece of it in memory, the rest from `at` to `end` in the file.
struct Run {
    at: u64,
    end: u64,
    piece: Vec<u8>,
    used: usize,
}

impl Run {
    fn next(&mut self, spill: &mut dyn Spill, message: &mut Vec<u8>) -> io::Result<bool> {
        message.clear();
        if self.used == self.piece.len() && self.at == self.end {
            return Ok(false);
        }
        let length = self.take(spill, LENGTH_BYTES)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        message.extend_from_slice(self.take(spill, length)?);
        Ok(true)
    }

    fn take(&mut self, spill: &mut dyn Spill, count: usize) -> io::Result<&[u8]> {
        let have = self.piece.len() - self.used;
        if have < count {
            self.piece.drain(..self.used);
            self.used = 0;
            let more = (self.end - self.at).min((PIECE_BYTES.max(count) - have) as u64);
            self.piece.resize(have + more as usize, 0);
            spill.seek(SeekFrom::Start(self.at))?;
            spill.read_exact(&mut self.piece[have..])?;
            self.at += more;
        }
        let start = self.used;
        self.used += count;
        self.piece.get(start..self.used).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::model::kind::shipped_kinds;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn runs_are_merged_as_if_all_had_been_sorted_at_once(
            chunks in prop::collection::vec(prop::collection::vec((0..40u32, 0..30usize), 0..60), 0..6),
        ) {
            let kind = shipped_kinds().get("stock").unwrap().clone();
            let article = kind.head().field("article_no").unwrap();
            let (mut expected, mut number) = (Vec::new(), 0);
            let mut runs = Runs::new(Box::new(Cursor::new(Vec::new())), &[]);
            for chunk in &chunks {
                let (mut packed, mut batch) = (Packed::default(), Batch::new(kind.clone()));
                for (nth, (no, size)) in chunk.iter().enumerate() {
                    // Some are larger than what is read at a time.
                    let name = format!("{no:04}{}", "x".repeat(if *size == 29 { 2 * PIECE_BYTES } else { *no as usize % 7 }));
                    batch.begin(number, 1);
                    batch.set_text(0, article, &name);
                    packed.push(batch.message(nth));
                    expected.push((name, number));
                    number += 1;
                }
                packed.sort();
                runs.add(&packed).unwrap();
            }
            expected.sort();
            let (mut merge, mut read) = (runs.merge().unwrap(), Batch::new(kind));
            while merge.read(&mut read).unwrap() {}
            let found = read.messages().map(|m| (m.head().value(article).text().unwrap().to_string(), m.origin().number));
            prop_assert!(found.collect::<Vec<_>>() == expected);
        }
    }
}
