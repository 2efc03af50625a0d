//! Records and facts of one file on their way into the tables: one chunk comes in while the one before it, sorted by key, is
//! written. Of two messages with one key the later one comes out later, also across chunks.
//!
//! A file that is in the order of its keys goes through chunk by chunk. In one that is not, each chunk would have to be
//! written all over the table; so from the second chunk on they are put aside, sorted, and written as one.
//!
//! It owns the memory they take. Judging comes before, writing after it.

use std::io;
use std::sync::Arc;

use super::reading::SpillFiles;
use crate::model::batch::{Batch, Merge, Message, Packed, Runs};
use crate::model::kind::Kind;

/// A chunk of this size is written, or put aside. More means fewer passes over the table; two of them are in memory. Small in
/// debug builds, so that tests meet the borders between chunks.
const CHUNK_BYTES: usize = if cfg!(debug_assertions) { 64 * 1024 } else { 8 * 1024 * 1024 };
/// So many chunks put aside are written as one: what a merge takes in memory, and the room beside the database, stay bounded.
const RUNS: usize = if cfg!(debug_assertions) { 4 } else { 64 };

pub struct Gathered {
    coming: Packed,
    sorted: Packed,
    /// The next of `sorted`.
    next: usize,
    /// Room for the message that is being written.
    row: Option<Batch>,
    kind: Arc<Kind>,
    extras: Vec<Arc<str>>,
    /// The highest key of what was sorted last.
    highest: Vec<u8>,
    /// Makes files for what is put aside; nothing where too little comes for that, or there is no room.
    spill: Option<SpillFiles>,
    aside: Option<Runs>,
    merge: Option<Merge>,
}

impl Gathered {
    /// `extras`: names of the sender's own fields that are kept.
    pub fn new(kind: &Arc<Kind>, extras: &[Arc<str>]) -> Self {
        let room = || Packed::keeping(extras.to_vec());
        Gathered {
            coming: room(),
            sorted: room(),
            next: 0,
            row: None,
            kind: kind.clone(),
            extras: extras.to_vec(),
            highest: Vec::new(),
            spill: None,
            aside: None,
            merge: None,
        }
    }

    /// What is in no order may be put aside.
    pub fn put_aside_in(&mut self, spill: SpillFiles) {
        self.spill = Some(spill);
    }

    pub fn push(&mut self, message: Message<'_>) {
        self.coming.push(message);
    }

    /// It is time to `turn`, when all that was sorted is taken.
    pub fn is_full(&self) -> bool {
        self.coming.size() >= CHUNK_BYTES
    }

    /// What came in is sorted, and handed out from now on or put aside.
    pub fn turn(&mut self) -> io::Result<()> {
        debug_assert_eq!(self.next, self.sorted.len(), "messages would be lost");
        std::mem::swap(&mut self.coming, &mut self.sorted);
        self.coming.clear();
        self.sorted.sort();
        self.next = 0;
        let Some((first, last)) = self.sorted.bounds() else { return Ok(()) };
        let is_in_order = self.aside.is_none() && first >= &self.highest[..];
        self.highest = last.to_vec();
        if is_in_order {
            return Ok(());
        }
        if self.put_aside() {
            self.sorted.clear();
        }
        let is_enough = self.aside.as_ref().is_some_and(|aside| aside.len() >= RUNS);
        if is_enough || self.spill.is_none() { self.merge_all() } else { Ok(()) }
    }

    /// No more comes in: what was put aside is handed out too.
    pub fn end(&mut self) -> io::Result<()> {
        self.turn()?;
        if self.sorted.is_empty() {
            // All of it is put aside: the memory is better used for reading that.
            (self.coming, self.sorted) = (self.room(), self.room());
        }
        self.merge_all()
    }

    fn room(&self) -> Packed {
        Packed::keeping(self.extras.clone())
    }

    /// Without room for it, what was sorted is written as it is: slower, and never wrong.
    fn put_aside(&mut self) -> bool {
        let Some(spill) = &self.spill else { return false };
        if self.aside.is_none() {
            self.aside = spill().ok().map(|file| Runs::new(file, &self.extras));
        }
        let is_aside = self.aside.as_mut().is_some_and(|aside| aside.add(&self.sorted).is_ok());
        if !is_aside {
            self.spill = None;
        }
        is_aside
    }

    fn merge_all(&mut self) -> io::Result<()> {
        if let Some(aside) = self.aside.take() {
            debug_assert!(self.merge.is_none(), "messages would be lost");
            self.merge = Some(aside.merge()?);
            // What comes behind lies anywhere among these.
            self.highest = vec![u8::MAX];
        }
        Ok(())
    }

    /// The next in the order of the keys, as a batch of one; nothing when all are taken.
    pub fn take(&mut self) -> io::Result<Option<Batch>> {
        if self.merge.is_none() && self.next == self.sorted.len() {
            return Ok(None);
        }
        let mut row = self.row.take().unwrap_or_else(|| Batch::new(self.kind.clone()));
        row.clear();
        if let Some(merge) = &mut self.merge {
            if merge.read(&mut row)? {
                return Ok(Some(row));
            }
            self.merge = None;
        }
        if self.next == self.sorted.len() {
            self.row = Some(row);
            return Ok(None);
        }
        self.sorted.read(self.next, &mut row);
        self.next += 1;
        Ok(Some(row))
    }

    /// Room for the next one.
    pub fn give_back(&mut self, row: Batch) {
        self.row = Some(row);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read, Seek, SeekFrom, Write};

    use super::*;
    use crate::model::kind::shipped_kinds;
    use crate::model::layout::Spill;

    /// A file that is full after so many bytes.
    struct Full(Cursor<Vec<u8>>, u64);

    impl Read for Full {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            self.0.read(bytes)
        }
    }

    impl Seek for Full {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.position() + bytes.len() as u64 > self.1 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Keys and numbers of what comes out of 40,000 messages with these keys, and how often the key fell back.
    fn through(key: impl Fn(u64) -> u64, spill: Option<SpillFiles>) -> (Vec<(u64, u64)>, usize) {
        const COUNT: u64 = 40_000;
        let kind = shipped_kinds().get("stock").unwrap().clone();
        let article = kind.head().field("article_no").unwrap();
        let mut gathered = Gathered::new(&kind, &[]);
        if let Some(spill) = spill {
            gathered.put_aside_in(spill);
        }
        let mut out = Vec::new();
        let take_all = |gathered: &mut Gathered, out: &mut Vec<(u64, u64)>| {
            while let Some(row) = gathered.take().unwrap() {
                let message = row.message(0);
                out.push((message.head().value(article).text().unwrap().parse().unwrap(), message.origin().number));
                gathered.give_back(row);
            }
        };
        let mut batch = Batch::new(kind);
        for number in 0..COUNT {
            batch.clear();
            batch.begin(number, 1);
            batch.set_text(0, article, &format!("{:08}", key(number)));
            gathered.push(batch.message(0));
            if gathered.is_full() {
                take_all(&mut gathered, &mut out);
                gathered.turn().unwrap();
            }
        }
        take_all(&mut gathered, &mut out);
        gathered.end().unwrap();
        take_all(&mut gathered, &mut out);
        // Nothing is lost, and of each key the last comes last.
        let mut expected: Vec<_> = (0..COUNT).map(|number| (key(number), number)).collect();
        expected.sort_unstable();
        let mut found = out.clone();
        found.sort_by_key(|(key, _)| *key);
        assert!(found == expected);
        let falls = out.windows(2).filter(|pair| pair[0].0 > pair[1].0).count();
        (out, falls)
    }

    #[test]
    fn what_is_in_no_order_is_written_in_few_passes_and_last_wins() {
        let files = |room: u64| -> Option<SpillFiles> {
            Some(Arc::new(move || Ok(Box::new(Full(Cursor::new(Vec::new()), room)) as Box<dyn Spill>)))
        };
        let scattered = |number: u64| number * 7_919 % 20_011;
        let never: SpillFiles = Arc::new(|| panic!("what is in order is not put aside"));
        assert_eq!(through(|number| number / 2, Some(never)).1, 0);
        let alone = through(scattered, None).1;
        let merged = through(scattered, files(u64::MAX)).1;
        assert!(merged * 3 <= alone, "{merged} of {alone} passes");
        // Full at once, after some chunks, and where none can be made.
        let none: SpillFiles = Arc::new(|| Err(io::ErrorKind::StorageFull.into()));
        for (spill, fewer) in [(files(1), false), (files(200_000), true), (Some(none), false)] {
            let falls = through(scattered, spill).1;
            assert!(falls <= alone && (falls < alone) == fewer, "{falls} of {alone} passes");
        }
    }
}
