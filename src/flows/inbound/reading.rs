//! The decoder thread: reads claimed files ahead of the main loop and hands over what they hold, in the order of the job.
//!
//! It owns the reading alone: bytes, hash, batches. It judges nothing and sees no store. A panic while one file is read is
//! caught at that file; the next goes on.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use crate::model::batch::Batch;
use crate::model::layout::nearest::{Unrecognised, unrecognised};
use crate::model::layout::{DecodeContext, Decoded, Layout, Refused, Sink, Spill, Stop};

/// Batches that may wait between the threads; with 256 KiB each this bounds what is in flight.
const AHEAD: usize = 8;
/// Read at a time of what a layout left unread; mostly there is nothing.
const CHUNK_BYTES: usize = 16 * 1024;
/// The head of a file that layouts look at to recognise it.
const HEAD_BYTES: usize = 64 * 1024;

/// Makes files for what does not fit into memory.
pub type SpillFiles = Arc<dyn Fn() -> io::Result<Box<dyn Spill>> + Send + Sync>;

/// One file to read.
pub struct Assignment {
    pub open: Box<dyn FnOnce() -> io::Result<File> + Send>,
    pub name: String,
    /// In the order of trial.
    pub layouts: Vec<Arc<Layout>>,
    pub zone: chrono_tz::Tz,
    /// Content hash of the intake's last applied file of the same size: an equal one need not be decoded.
    pub same_as: Option<[u8; 32]>,
}

/// What the decoder found, in order: `Begin` where a layout reads the file, and always `End`.
pub enum Reading {
    Begin(Arc<Layout>),
    Batch(Batch),
    Refused(Refused),
    End(Ending),
}

pub struct Ending {
    pub hash: [u8; 32],
    pub size: u64,
    pub result: Outcome,
}

pub enum Outcome {
    /// Content equal to the last applied file: nothing was decoded.
    Same,
    /// Read with the layout of `Begin`.
    Decoded(Decoded),
    /// Nobody listens any more.
    Abandoned,
    /// No layout of the intake recognises the content.
    Unrecognised(Unrecognised),
    /// The operating system refused; the file stays and is tried again.
    Unreadable(io::Error),
    /// A fault of ours in this file.
    Panicked(String),
}

/// The running thread.
pub struct Decoder {
    jobs: Option<Sender<Vec<Assignment>>>,
    readings: Receiver<Reading>,
    emptied: Sender<Batch>,
    thread: Option<JoinHandle<()>>,
}

impl Decoder {
    pub fn start(spill: SpillFiles) -> io::Result<Self> {
        let (jobs, job_queue) = channel::<Vec<Assignment>>();
        let (reading_queue, readings) = sync_channel(AHEAD);
        let (emptied, empty_queue) = channel();
        let thread = std::thread::Builder::new().name("decoder".into()).spawn(move || {
            let reader = Reader { readings: reading_queue, emptied: empty_queue, spill };
            for job in job_queue {
                for assignment in job {
                    let ending = reader.read(assignment);
                    if reader.readings.send(Reading::End(ending)).is_err() {
                        return;
                    }
                }
            }
        })?;
        Ok(Decoder { jobs: Some(jobs), readings, emptied, thread: Some(thread) })
    }

    pub fn assign(&self, job: Vec<Assignment>) {
        if let Some(jobs) = &self.jobs {
            // A closed channel means the thread is gone; the next call of `next` says so.
            let _ = jobs.send(job);
        }
    }

    /// The next piece. Nothing when the thread has died, which only a fault outside of any file can cause.
    pub fn next(&self) -> Option<Reading> {
        self.readings.recv().ok()
    }

    /// The same, but looks up from waiting after a while, so that a stop is noticed.
    pub fn next_within(&self, patience: std::time::Duration) -> Option<Option<Reading>> {
        match self.readings.recv_timeout(patience) {
            Ok(reading) => Some(Some(reading)),
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => Some(None),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Gives an emptied batch back for reuse.
    pub fn recycle(&self, mut batch: Batch) {
        batch.clear();
        let _ = self.emptied.send(batch);
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.jobs = None;
        // Unblock a thread that waits for room: whatever it still sends is not wanted.
        let (_, closed) = sync_channel(0);
        self.readings = closed;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Reader {
    readings: SyncSender<Reading>,
    emptied: Receiver<Batch>,
    spill: SpillFiles,
}

impl Reader {
    fn read(&self, assignment: Assignment) -> Ending {
        let file = match (assignment.open)() {
            Ok(file) => file,
            Err(error) => return Ending { hash: [0; 32], size: 0, result: Outcome::Unreadable(error) },
        };
        let mut input = Hashing::new(file);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            self.decode(&mut input, &assignment.name, &assignment.layouts, assignment.zone, assignment.same_as)
        }));
        let result = match caught {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Outcome::Unreadable(error),
            Err(panic) => Outcome::Panicked(panic_text(&*panic)),
        };
        match input.finish() {
            Ok((hash, size)) => Ending { hash, size, result },
            Err(error) => Ending { hash: [0; 32], size: 0, result: Outcome::Unreadable(error) },
        }
    }

    fn decode(
        &self,
        input: &mut Hashing,
        name: &str,
        layouts: &[Arc<Layout>],
        zone: chrono_tz::Tz,
        same_as: Option<[u8; 32]>,
    ) -> io::Result<Outcome> {
        if let Some(hash) = same_as
            && input.hash_all()? == hash
        {
            return Ok(Outcome::Same);
        }
        let layout = match layouts {
            [only] => only,
            several => {
                let head = input.head(HEAD_BYTES)?;
                match several.iter().find(|layout| layout.recognises(&head)) {
                    Some(layout) => layout,
                    None => return Ok(Outcome::Unrecognised(unrecognised(several, &head))),
                }
            }
        };
        if self.readings.send(Reading::Begin(layout.clone())).is_err() {
            return Ok(Outcome::Abandoned);
        }
        let context = DecodeContext { file_name: name, zone, spill: &*self.spill };
        let decoded = layout.decode(input, &context, &mut Outlet { reader: self })?;
        Ok(Outcome::Decoded(decoded))
    }
}

/// Hands batches to the main loop.
struct Outlet<'a> {
    reader: &'a Reader,
}

impl Sink for Outlet<'_> {
    fn batch(&mut self, batch: Batch) -> Result<Batch, Stop> {
        let kind = batch.kind().clone();
        self.reader.readings.send(Reading::Batch(batch)).map_err(|_| Stop)?;
        match self.reader.emptied.try_recv() {
            Ok(empty) if Arc::ptr_eq(empty.kind(), &kind) => Ok(empty),
            _ => Ok(Batch::new(kind)),
        }
    }

    fn refused(&mut self, message: Refused) -> Result<(), Stop> {
        self.reader.readings.send(Reading::Refused(message)).map_err(|_| Stop)
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| text.to_string())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no text".to_string())
}

/// A file whose content is hashed while it is read; what a layout reads twice or not at all is counted once.
struct Hashing {
    file: File,
    at: u64,
    hashed: u64,
    hasher: blake3::Hasher,
}

impl Hashing {
    fn new(file: File) -> Self {
        Hashing { file, at: 0, hashed: 0, hasher: blake3::Hasher::new() }
    }

    fn head(&mut self, bytes: usize) -> io::Result<Vec<u8>> {
        let mut head = Vec::with_capacity(bytes);
        self.by_ref().take(bytes as u64).read_to_end(&mut head)?;
        self.seek(SeekFrom::Start(0))?;
        Ok(head)
    }

    fn hash_all(&mut self) -> io::Result<[u8; 32]> {
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

    fn finish(mut self) -> io::Result<([u8; 32], u64)> {
        self.hash_rest()?;
        Ok((*self.hasher.finalize().as_bytes(), self.hashed))
    }
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        let end = self.at + count as u64;
        if self.at <= self.hashed && end > self.hashed {
            self.hasher.update(&buffer[(self.hashed - self.at) as usize..count]);
            self.hashed = end;
        }
        self.at = end;
        Ok(count)
    }
}

impl Seek for Hashing {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.at = self.file.seek(position)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn every_byte_is_hashed_once_however_it_is_read() {
        let mut file = tempfile::tempfile().unwrap();
        let content: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
        file.write_all(&content).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        let mut input = Hashing::new(file);
        let mut some = vec![0; 1000];
        input.read_exact(&mut some).unwrap();
        input.seek(SeekFrom::Start(500)).unwrap();
        input.read_exact(&mut some).unwrap();
        input.head(64).unwrap();
        let (hash, size) = input.finish().unwrap();
        assert_eq!((hash, size), (*blake3::hash(&content).as_bytes(), content.len() as u64));
    }
}
