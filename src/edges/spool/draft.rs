//! A file being written: in tmp/ under a name of this process until it is whole, then renamed to where it belongs. A
//! crash leaves a name in tmp/ and nothing else; the next start removes the names of dead processes. Commands alone are
//! written in commands/, hidden: tmp/ may be closed to those who give them.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Pid, getpid, test_kill_process};

use super::error::{Result, SpoolError, shown};
use super::step::{Existing, Lasting, rename_new};
use super::writeback::Writeback;
use super::{Place, Spool, State};
use crate::edges::fault;

/// Read and written by the group: operators correct rejects in place.
const SHARED_MODE: u32 = 0o660;
/// Written by us alone, read by the group.
pub(super) const OWN_MODE: u32 = 0o640;
const BUFFER_BYTES: usize = 64 * 1024;
/// More than the few blocks that a full disk has left for small files.
const TRIED_BYTES: u64 = 1024 * 1024;
/// Before the name of a draft that is no stranger to who looks for whole files.
const HIDDEN: &str = ".";

/// Names in tmp/: `<pid>.<start of the process>.<chance>.<count>`. The start tells a dead process from a living one that
/// got its number; the chance tells two spools in one process apart.
#[derive(Debug)]
pub(super) struct Names {
    prefix: String,
    count: AtomicU64,
}

impl Names {
    pub(super) fn new() -> io::Result<Names> {
        let pid = getpid();
        let start = start_of(pid).unwrap_or(0);
        let chance = getrandom::u32().map_err(io::Error::other)?;
        Ok(Names { prefix: format!("{}.{start}.{chance:08x}", pid.as_raw_nonzero()), count: AtomicU64::new(0) })
    }

    fn next(&self) -> String {
        format!("{}.{}", self.prefix, self.count.fetch_add(1, Ordering::Relaxed))
    }
}

/// Written to like any writer; stands nowhere until `publish`, and is removed when dropped before.
#[derive(Debug)]
pub struct Draft {
    pub(super) path: PathBuf,
    out: Option<BufWriter<File>>,
    written: u64,
    writeback: Writeback,
}

impl Draft {
    /// Bytes so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// What was written and flushed, from its beginning.
    pub fn read(&self) -> Result<File> {
        File::open(&self.path).map_err(|e| SpoolError::new(format!("read {}", shown(&self.path)), e))
    }

    /// An error of writing to it, as one of the spool.
    pub fn failed(&self, error: io::Error) -> SpoolError {
        SpoolError::new(format!("write {}", shown(&self.path)), error)
    }

    /// Puts the whole file where it belongs, in one step.
    pub fn publish(
        mut self,
        spool: &Spool,
        to: (Place<'_>, &[u8]),
        existing: Existing,
        lasting: Lasting,
    ) -> Result<()> {
        spool.make(to.0)?;
        self.place(&spool.path(to.0, to.1)?, existing, lasting)
    }

    /// The same for the few files of the root itself.
    pub(super) fn publish_at(mut self, target: &Path, existing: Existing, lasting: Lasting) -> Result<()> {
        self.place(target, existing, lasting)
    }

    fn place(&mut self, target: &Path, existing: Existing, lasting: Lasting) -> Result<()> {
        let out = self.out.take().expect("a draft is published once");
        put(out, &self.path, target, existing, lasting)
            .map_err(|e| SpoolError::new(format!("write {}", shown(target)), e))?;
        // Nothing is left in tmp/ for the destructor.
        self.path = PathBuf::new();
        Ok(())
    }
}

impl Draft {
    /// Another descriptor of it, with nothing left in the buffer, and where it stands.
    pub(super) fn handle(&mut self) -> io::Result<(File, &Path)> {
        self.flush()?;
        let out = self.out.as_ref().expect("a draft takes bytes until it is published");
        Ok((out.get_ref().try_clone()?, &self.path))
    }

    /// Bytes that went past its buffer belong to it.
    pub(super) fn grew(&mut self, count: u64) {
        self.written += count;
    }

    /// Written and with the system; what stands in tmp/ is no longer this draft's to remove. Where it is, and its size.
    pub(super) fn leave(mut self) -> (PathBuf, u64) {
        (std::mem::take(&mut self.path), self.written)
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let out = self.out.as_mut().expect("a draft takes bytes until it is published");
        if out.buffer().len() + bytes.len() > BUFFER_BYTES {
            fault::point("spool.write")?;
        }
        let count = out.write(bytes)?;
        self.written += count as u64;
        self.writeback.goes_on(out.get_ref(), self.written);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().expect("a draft takes bytes until it is published").flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Should it stay, the next start removes it.
        if !self.path.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Spool {
    /// Begins a file that will stand in a folder of this state.
    pub fn draft(&self, destination: State) -> Result<Draft> {
        let name = self.drafts.next();
        let path = match destination {
            State::Commands => self.path(Place::Commands, format!("{HIDDEN}{name}").as_bytes())?,
            _ => self.path(Place::Tmp, name.as_bytes())?,
        };
        let mode = if destination == State::Failed { SHARED_MODE } else { OWN_MODE };
        let create = || File::options().write(true).create_new(true).mode(mode).open(&path);
        let file = fault::point("spool.create").and_then(|()| create());
        let file = file.map_err(|e| SpoolError::new(format!("make {}", shown(&path)), e))?;
        Ok(Draft {
            path,
            out: Some(BufWriter::with_capacity(BUFFER_BYTES, file)),
            written: 0,
            writeback: Writeback::default(),
        })
    }

    /// Whether a disk that took nothing takes a megabyte again.
    pub fn try_to_write(&self) -> Result<()> {
        let (mut draft, piece) = (self.draft(State::Work)?, vec![0; BUFFER_BYTES]);
        let mut write = || -> io::Result<()> {
            while draft.written() < TRIED_BYTES {
                draft.write_all(&piece)?;
            }
            draft.flush()
        };
        let written = write();
        written.map_err(|error| draft.failed(error))
    }

    /// Writes a small file whole.
    pub fn write(&self, to: (Place<'_>, &[u8]), bytes: &[u8], existing: Existing, lasting: Lasting) -> Result<()> {
        let mut draft = self.draft(to.0.state())?;
        draft.write_all(bytes).map_err(|e| SpoolError::new(format!("write {}", shown(&draft.path)), e))?;
        draft.publish(self, to, existing, lasting)
    }

    /// Removes what dead processes left in tmp/ and commands/; tells how many names. To be called under the instance lock.
    pub fn remove_stale_drafts(&self) -> Result<u64> {
        let in_tmp = self.remove_names(Place::Tmp, &|name| !is_alive(name))?;
        let dead = |name: &str| name.strip_prefix(HIDDEN).is_some_and(|name| owner(name).is_some() && !is_alive(name));
        Ok(in_tmp + self.remove_names(Place::Commands, &dead)?)
    }

    /// A name that is not UTF-8 is none of ours: asked for as an empty one.
    fn remove_names(&self, place: Place<'_>, is_stale: &dyn Fn(&str) -> bool) -> Result<u64> {
        let folder = self.folder(place)?;
        let wrong = |e| SpoolError::new(format!("clear {}", shown(&folder)), e);
        let mut removed = 0;
        for entry in fs::read_dir(&folder).map_err(wrong)? {
            let entry = entry.map_err(wrong)?;
            if !is_stale(entry.file_name().to_str().unwrap_or_default()) || entry.path().is_dir() {
                continue;
            }
            fault::point("spool.remove").and_then(|()| fs::remove_file(entry.path())).map_err(wrong)?;
            removed += 1;
        }
        Ok(removed)
    }
}

fn put(out: BufWriter<File>, from: &Path, to: &Path, existing: Existing, lasting: Lasting) -> io::Result<()> {
    fault::point("spool.write")?;
    let file = out.into_inner().map_err(|e| e.into_error())?;
    if lasting == Lasting::Now {
        fault::point("spool.fsync")?;
        file.sync_all()?;
    }
    fault::point("spool.rename")?;
    match existing {
        Existing::Refuse => rename_new(from, to)?,
        Existing::Replace => fs::rename(from, to)?,
    }
    if lasting == Lasting::Now {
        fault::point("spool.fsync-folder")?;
        let folder = to.parent().expect("a file of the spool stands in a folder");
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Process and start in a name of ours.
fn owner(name: &str) -> Option<(Pid, u64)> {
    let mut parts = name.split('.');
    let pid = parts.next().and_then(|p| p.parse().ok()).and_then(Pid::from_raw)?;
    Some((pid, parts.next()?.parse().ok()?))
}

/// Is the process that this draft belongs to still there? Names that are not ours belong to nobody.
fn is_alive(name: &str) -> bool {
    let Some((pid, start)) = owner(name) else { return false };
    match start_of(pid) {
        Some(found) => found == start,
        // Nothing to be seen of it, which a sandbox does to the processes of other users too: "not permitted" is the answer of
        // a living one. Should its number belong to another by now, the name stays until a later start.
        None => test_kill_process(pid) != Err(rustix::io::Errno::SRCH),
    }
}

/// Clock ticks from the boot to the start of a process: field 22 of /proc/<pid>/stat, counted behind the name in brackets.
fn start_of(pid: Pid) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}
