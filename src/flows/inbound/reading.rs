//! The decoder: reads claimed files ahead of the main loop, on a thread of its own, and hands over what they hold, in the order
//! of the job.
//!
//! It owns the reading alone: bytes, hash, batches. It judges nothing; numbers are only looked up (ahead). A panic while one file is read is
//! caught at that file; the next goes on.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::ahead::Ahead;
use super::hashing::{Hashing, WHOLE_BYTES};
use crate::model::batch::Batch;
use crate::model::intake::Intake;
use crate::model::kind::Kind;
use crate::model::layout::choice::{Choice, choose};
use crate::model::layout::nearest::{Unrecognised, unrecognised};
use crate::model::layout::{Completeness, DecodeContext, Decoded, Input, Layout, Refused, Sink, Spill, Stop};
use crate::model::layout::{content, packed, paper, together};
use crate::model::wording::judging as words;

/// Parcels that may wait between the threads; with a batch of 256 KiB at most in each this bounds what is in flight.
const AHEAD: usize = 8;
/// A parcel is handed over when it holds so many small files, or so much: each costs waking the other thread.
const PARCEL_FILES: usize = 16;
const PARCEL_BYTES: usize = 32 * 1024;
/// What a refused message is taken to weigh, with its problems.
const REFUSED_BYTES: usize = 1024;
/// A file alone and so small is read where it is asked for.
const AT_ONCE_BYTES: u64 = 64 * 1024;
/// The head of a file that layouts look at to recognise it.
pub const HEAD_BYTES: usize = 64 * 1024;
/// The end of a file that layouts look at.
const TAIL_BYTES: u64 = 64 * 1024;

/// Makes files for what does not fit into memory.
pub type SpillFiles = Arc<dyn Fn() -> io::Result<Box<dyn Spill>> + Send + Sync>;

/// One file to read.
pub struct Assignment {
    pub open: Box<dyn Fn() -> io::Result<File> + Send>,
    pub name: String,
    pub size: u64,
    /// Of its content, where it is known: it is not taken again then.
    pub hash: Option<[u8; 32]>,
    pub intake: Arc<Intake>,
    /// Where not those of the intake are to be tried in their order.
    pub layouts: Option<Vec<Arc<Layout>>>,
    /// Content hash of the intake's last applied file of the same size: an equal one need not be decoded.
    pub same_as: Option<[u8; 32]>,
    /// Refuse it where the layout has an end and the file has not; not asked when a person wants it read once more.
    pub wants_end: bool,
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
    /// The content, where all the files of the job are small.
    pub whole: Option<Vec<u8>>,
    pub result: Outcome,
}

impl Ending {
    fn unreadable(error: io::Error) -> Self {
        Ending { hash: [0; 32], size: 0, whole: None, result: Outcome::Unreadable(error) }
    }
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
    /// These layouts of the intake fit the content alike.
    Ambiguous(Vec<String>),
    /// The operating system refused; the file stays and is tried again.
    Unreadable(io::Error),
    /// A fault of ours in this file.
    Panicked(String),
}

/// The running thread.
pub struct Decoder {
    jobs: Option<Sender<Vec<Assignment>>>,
    parcels: Receiver<Vec<Reading>>,
    /// Parcels that wait between the threads.
    waiting: Arc<AtomicUsize>,
    /// What of the last parcel is still to be looked at, the first at the end.
    opened: RefCell<Vec<Reading>>,
    emptied: Sender<Batch>,
    /// Bytes read so far, of all files; and how many when somebody looked last.
    read: Arc<AtomicU64>,
    seen: Cell<u64>,
    goes_on: GoesOn,
    spill: SpillFiles,
    store: PathBuf,
    thread: Option<JoinHandle<()>>,
}

/// Called by whoever takes readings, each time something was read: a decoder that hangs is silent.
pub type GoesOn = Arc<dyn Fn() + Send + Sync>;

impl Decoder {
    /// `store`: the database in which numbers are looked up ahead.
    pub fn start(spill: SpillFiles, store: PathBuf) -> io::Result<Self> {
        let (jobs, job_queue) = channel::<Vec<Assignment>>();
        let (parcel_queue, parcels) = sync_channel(AHEAD);
        let (emptied, empty_queue) = channel();
        let (waiting, read) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
        let (files, ahead, sent) = (spill.clone(), Ahead::of(store.clone(), waiting.clone()), waiting.clone());
        let counted = read.clone();
        let thread = std::thread::Builder::new().name("decoder".into()).spawn(move || {
            let send = |parcel| {
                sent.fetch_add(1, Ordering::Relaxed);
                parcel_queue.send(parcel).map_err(|_| Stop)
            };
            let ahead = RefCell::new(Some(ahead));
            let reader = Reader { ahead, ..Reader::new(&send, Some(&empty_queue), &files, &counted) };
            for job in job_queue {
                if reader.read_all(job).is_err() {
                    return;
                }
            }
        })?;
        Ok(Decoder {
            jobs: Some(jobs),
            parcels,
            waiting,
            opened: RefCell::default(),
            emptied,
            read,
            seen: Cell::new(0),
            goes_on: Arc::new(|| {}),
            spill,
            store,
            thread: Some(thread),
        })
    }

    pub fn telling(mut self, goes_on: GoesOn) -> Self {
        self.goes_on = goes_on;
        self
    }

    /// Whatever the old thread still has is not wanted.
    pub fn start_anew(&mut self) -> io::Result<()> {
        *self = Decoder::start(self.spill.clone(), self.store.clone())?.telling(self.goes_on.clone());
        Ok(())
    }

    /// Makes files for what does not fit into memory.
    pub fn spill(&self) -> SpillFiles {
        self.spill.clone()
    }

    pub fn assign(&self, job: Vec<Assignment>) {
        if let Some(jobs) = &self.jobs {
            // A closed channel means the thread is gone; the next call of `next_within` says so.
            let _ = jobs.send(job);
        }
    }

    /// The one file of a round, with nothing before it that is still to be looked at. A small one is read on the caller's
    /// thread: waking another one takes longer.
    pub fn assign_only(&self, assignment: Assignment) {
        if assignment.size > AT_ONCE_BYTES {
            return self.assign(vec![assignment]);
        }
        let opened = &self.opened;
        let keep = |parcel| {
            opened.borrow_mut().extend::<Vec<Reading>>(parcel);
            Ok(())
        };
        // Nothing can be gone that it would wait for.
        let _ = Reader::new(&keep, None, &self.spill, &self.read).read_all(vec![assignment]);
        opened.borrow_mut().reverse();
    }

    /// The next piece; `Timeout` when there is none after a while, so that a stop is noticed. `Disconnected`: the thread has
    /// died, which only a fault outside of any file can cause.
    pub fn next_within(&self, patience: Duration) -> Result<Reading, RecvTimeoutError> {
        let mut opened = self.opened.borrow_mut();
        while opened.is_empty() {
            let parcel = self.parcels.recv_timeout(patience);
            let read = self.read.load(Ordering::Relaxed);
            if parcel.is_ok() || self.seen.replace(read) != read {
                (self.goes_on)();
            }
            *opened = parcel?;
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            opened.reverse();
        }
        Ok(opened.pop().expect("a parcel is opened until it holds something"))
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
        self.parcels = closed;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Reader<'o> {
    send: &'o dyn Fn(Vec<Reading>) -> Result<(), Stop>,
    parcel: RefCell<Parcel>,
    emptied: Option<&'o Receiver<Batch>>,
    ahead: RefCell<Option<Ahead>>,
    spill: &'o SpillFiles,
    read: &'o Arc<AtomicU64>,
}

/// Readings on their way to the main loop.
#[derive(Default)]
struct Parcel {
    readings: Vec<Reading>,
    files: usize,
    bytes: usize,
}

impl<'o> Reader<'o> {
    fn new(
        send: &'o dyn Fn(Vec<Reading>) -> Result<(), Stop>,
        emptied: Option<&'o Receiver<Batch>>,
        spill: &'o SpillFiles,
        read: &'o Arc<AtomicU64>,
    ) -> Self {
        Reader { send, parcel: RefCell::default(), emptied, ahead: RefCell::default(), spill, read }
    }

    fn read_all(&self, job: Vec<Assignment>) -> Result<(), Stop> {
        // What is handed over to another thread costs both of them.
        let keeps_whole = job.iter().map(|assignment| assignment.size).sum::<u64>() <= WHOLE_BYTES;
        for assignment in job {
            let mut ending = self.read(assignment);
            ending.whole = ending.whole.filter(|_| keeps_whole);
            self.add(Reading::End(ending))?;
        }
        self.hand_over()
    }

    /// An error: nobody listens any more.
    fn add(&self, reading: Reading) -> Result<(), Stop> {
        let mut parcel = self.parcel.borrow_mut();
        match &reading {
            Reading::Begin(_) => {}
            Reading::Batch(batch) => parcel.bytes += batch.size(),
            Reading::Refused(_) => parcel.bytes += REFUSED_BYTES,
            Reading::End(ending) => {
                parcel.bytes += ending.whole.as_ref().map_or(0, Vec::len);
                parcel.files += 1;
            }
        }
        parcel.readings.push(reading);
        let is_full = parcel.files >= PARCEL_FILES || parcel.bytes >= PARCEL_BYTES;
        drop(parcel);
        if is_full { self.hand_over() } else { Ok(()) }
    }

    fn hand_over(&self) -> Result<(), Stop> {
        let parcel = self.parcel.take();
        if parcel.readings.is_empty() { Ok(()) } else { (self.send)(parcel.readings) }
    }
}

impl Reader<'_> {
    fn read(&self, assignment: Assignment) -> Ending {
        let file = match (assignment.open)() {
            Ok(file) => file,
            Err(error) => return Ending::unreadable(error),
        };
        let mut input = match Hashing::new(file, assignment.size, assignment.hash, self.read.clone()) {
            Ok(input) => input,
            Err(error) => return Ending::unreadable(error),
        };
        let caught = catch_unwind(AssertUnwindSafe(|| self.decode(&mut input, &assignment)));
        let result = match caught {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Outcome::Unreadable(error),
            Err(panic) => Outcome::Panicked(panic_text(&*panic)),
        };
        match input.finish() {
            Ok((hash, size, whole)) => Ending { hash, size, whole, result },
            Err(error) => Ending::unreadable(error),
        }
    }

    fn decode(&self, input: &mut Hashing, assignment: &Assignment) -> io::Result<Outcome> {
        if let Some(hash) = assignment.same_as
            && input.hash_all()? == hash
        {
            return Ok(Outcome::Same);
        }
        if let Some(contents) = assignment.intake.contents.as_deref()
            && let Some(alone) = content::alone(contents, input, &assignment.name)?
        {
            return Ok(Outcome::Decoded(alone));
        }
        if let Some(by_number) = assignment.intake.by_number.as_deref()
            && let Some(alone) = paper::alone(by_number, input, &assignment.name)?
        {
            return Ok(Outcome::Decoded(alone));
        }
        let companions = assignment.intake.companions.as_deref();
        if let Some(known) = companions
            && let Some(refused) = together::refused(known, input, &assignment.name)?
        {
            return Ok(Outcome::Decoded(refused));
        }
        let layout = match assignment.layouts.as_ref().unwrap_or(&assignment.intake.layouts).as_slice() {
            [only] => only,
            several => {
                let (head, whole) = match companions {
                    Some(known) => together::first_head(known, input)?,
                    None => beginning(input, assignment.intake.unzip)?,
                };
                let mut unpacked = match companions {
                    None if assignment.intake.unzip => self.unpacked_workbook(input, several)?,
                    _ => None,
                };
                let file: &mut dyn Input = match &mut unpacked {
                    Some(member) => member,
                    None => &mut *input,
                };
                match choose(several, (&head, whole), file)? {
                    Choice::One(layout) => layout,
                    Choice::Unknown => return Ok(Outcome::Unrecognised(unrecognised(several, &head))),
                    Choice::Several(fitting) => {
                        return Ok(Outcome::Ambiguous(fitting.iter().map(|layout| layout.id.clone()).collect()));
                    }
                }
            }
        };
        if self.add(Reading::Begin(layout.clone())).is_err() {
            return Ok(Outcome::Abandoned);
        }
        let context =
            DecodeContext { file_name: &assignment.name, zone: assignment.intake.sender.zone, spill: &**self.spill };
        let mut outlet = Outlet { reader: self, intake: &assignment.intake };
        let mut decoded = match companions {
            Some(known) => together::decode(layout, known, input, &context, &mut outlet)?,
            None if assignment.intake.unzip => layout.decode_packed(input, &context, &mut outlet)?,
            None => layout.decode(input, &context, &mut outlet)?,
        };
        // The reader knows better than the rule why the end is missing (empty, another layout, …): its words go first.
        if assignment.wants_end
            && decoded.fatal.is_empty()
            && let Completeness::Incomplete(missing) = completeness(layout, &mut input.source)?
        {
            decoded.fatal.add(words::truncated(&missing));
        }
        Ok(Outcome::Decoded(decoded))
    }
}

impl Reader<'_> {
    /// The first member of an archive, where it is one of workbooks: it cannot be read from its beginning alone.
    fn unpacked_workbook(&self, input: &mut Hashing, layouts: &[Arc<Layout>]) -> io::Result<Option<Box<dyn Spill>>> {
        if !layouts.iter().any(|layout| layout.reads_workbooks()) {
            return Ok(None);
        }
        match packed::packing(input)? {
            Some(packing) => packed::first_member(packing, input, &**self.spill),
            None => Ok(None),
        }
    }
}

/// What layouts recognise a file by, and whether that is all of it: its beginning, or that of the first file in it.
fn beginning(input: &mut Hashing, unzips: bool) -> io::Result<(Vec<u8>, bool)> {
    if unzips
        && let Some(packing) = packed::packing(input)?
        && let Some(first) = packed::first_head(packing, input)?
    {
        return Ok(first);
    }
    let head = input.head(HEAD_BYTES)?;
    let whole = head.len() < HEAD_BYTES;
    Ok((head, whole))
}

/// Is the end there that the layout asks for?
pub fn completeness(layout: &Layout, file: &mut (impl Read + Seek)) -> io::Result<Completeness> {
    let size = file.seek(SeekFrom::End(0))?;
    let from = size.saturating_sub(TAIL_BYTES);
    let mut tail = Vec::with_capacity((size - from) as usize);
    file.seek(SeekFrom::Start(from))?;
    file.by_ref().take(TAIL_BYTES).read_to_end(&mut tail)?;
    if let Some(packing) = packed::packing(file)? {
        return packed::completeness(packing, file, &tail);
    }
    Ok(layout.completeness(&tail, from == 0))
}

/// Hands batches to the main loop.
struct Outlet<'a> {
    reader: &'a Reader<'a>,
    intake: &'a Intake,
}

impl Sink for Outlet<'_> {
    fn empty(&mut self, kind: &Arc<Kind>) -> Batch {
        match self.reader.emptied.and_then(|emptied| emptied.try_recv().ok()) {
            Some(empty) if Arc::ptr_eq(empty.kind(), kind) => empty,
            _ => Batch::new(kind.clone()),
        }
    }

    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        if let Some(ahead) = &mut *self.reader.ahead.borrow_mut() {
            ahead.look(&mut batch, self.intake);
        }
        let kind = batch.kind().clone();
        // A small one is the last of its file: what comes back is not filled any more.
        let is_last = batch.size() < PARCEL_BYTES;
        self.reader.add(Reading::Batch(batch))?;
        Ok(if is_last { Batch::new(kind) } else { self.empty(&kind) })
    }

    fn refused(&mut self, message: Refused) -> Result<(), Stop> {
        self.reader.add(Reading::Refused(message))
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| text.to_string())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no text".to_string())
}
