//! A file that comes from elsewhere: written, then it waits for the sync that it shares with others; only then it gets a name
//! that anybody reads. A small one has no name until then, which spares the folder tmp/ two changes a file and those who write
//! side by side the wait for each other; a large one stands in tmp/, where it is seen to grow. Dropped before, it is gone.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{AtFlags, CWD, linkat};

use super::error::{Result, SpoolError, shown};
use super::straight::{PIECE_BYTES, Straight};
use super::{Draft, Place, Spool, State};
use crate::edges::fault;

/// Each is an open file until it has its name, and a process may have 1,024 without asking for more.
const NAMELESS_MAX: usize = 400;
/// From here on threads are worth their while; of a straight file all before is ordinary.
const LARGE_BYTES: u64 = 16 * PIECE_BYTES as u64;

/// Written to like any writer.
#[derive(Debug)]
pub struct Arriving {
    out: Out,
}

#[derive(Debug)]
enum Out {
    Named(Box<Named>),
    Nameless(BufWriter<File>, Counted, u64),
}

#[derive(Debug)]
struct Named {
    draft: Draft,
    hasher: blake3::Hasher,
    /// Since it is large; the draft's buffer and the hash here are no longer used then.
    straight: Option<Straight>,
    is_tried: bool,
}

#[derive(Debug)]
pub struct Parked {
    size: u64,
    /// Of its content; a small one is read whole later anyway.
    hash: Option<[u8; 32]>,
    stands: Stands,
}

#[derive(Debug)]
enum Stands {
    /// In tmp/.
    At(PathBuf),
    Nowhere {
        file: File,
        _one_of_few: Counted,
    },
    Placed,
}

/// One of the files without a name.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn take(count: &Arc<AtomicUsize>) -> Option<Counted> {
        let is_free = count.fetch_add(1, Ordering::Relaxed) < NAMELESS_MAX;
        // Dropped, it gives the place back.
        let counted = Counted(count.clone());
        is_free.then_some(counted)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Spool {
    /// `small`: its size, where it is known and small.
    pub fn arriving(&self, small: Option<usize>) -> Result<Arriving> {
        let nameless = small.and_then(|size| Some((size, Counted::take(&self.nameless)?)));
        let Some((size, counted)) = nameless else {
            return self.arriving_in_tmp();
        };
        match self.nameless_file() {
            Some(opened) => {
                let file = opened.map_err(|e| self.no_arrival(e))?;
                Ok(Arriving { out: Out::Nameless(BufWriter::with_capacity(size.max(1), file), counted, 0) })
            }
            None => self.arriving_in_tmp(),
        }
    }

    fn arriving_in_tmp(&self) -> Result<Arriving> {
        Ok(Arriving { out: Out::Named(Box::new(Named::new(self.draft(State::Work)?))) })
    }

    fn no_arrival(&self, error: io::Error) -> SpoolError {
        SpoolError::new(format!("make a file in {}", shown(&self.root.join(State::Tmp.folder()))), error)
    }
}

impl Arriving {
    /// An error of writing to it, as one of the spool.
    pub fn failed(&self, spool: &Spool, error: io::Error) -> SpoolError {
        match &self.out {
            Out::Named(named) => named.draft.failed(error),
            Out::Nameless(..) => spool.no_arrival(error),
        }
    }

    /// Everything written is with the system, not yet on the disk.
    pub fn park(mut self, spool: &Spool) -> Result<Parked> {
        let flushed = fault::point("spool.park").and_then(|()| self.flush());
        flushed.map_err(|e| self.failed(spool, e))?;
        Ok(match self.out {
            Out::Named(named) => named.park()?,
            Out::Nameless(out, counted, size) => {
                let file = out.into_inner().map_err(|e| spool.no_arrival(e.into_error()))?;
                Parked { size, hash: None, stands: Stands::Nowhere { file, _one_of_few: counted } }
            }
        })
    }
}

impl Named {
    fn new(draft: Draft) -> Named {
        Named { draft, hasher: blake3::Hasher::new(), straight: None, is_tried: false }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.draft.written() == LARGE_BYTES && !self.is_tried {
            self.is_tried = true;
            let (plain, path) = self.draft.handle()?;
            // Where no thread is to be had, it goes on as it began.
            self.straight = Straight::begin(plain, path, LARGE_BYTES, self.hasher.clone()).ok();
        }
        if let Some(straight) = &mut self.straight {
            let count = straight.write(bytes)?;
            self.draft.grew(count as u64);
            return Ok(count);
        }
        let till_large = usize::try_from(LARGE_BYTES.saturating_sub(self.draft.written())).unwrap_or(usize::MAX);
        let room = if till_large == 0 { bytes.len() } else { bytes.len().min(till_large) };
        let count = self.draft.write(&bytes[..room])?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn park(self) -> Result<Parked> {
        let Named { draft, hasher, straight, .. } = self;
        let hash = match straight {
            Some(straight) => straight.finish().map_err(|e| draft.failed(e))?,
            None => Some(*hasher.finalize().as_bytes()),
        };
        let (path, size) = draft.leave();
        Ok(Parked { size, hash, stands: Stands::At(path) })
    }
}

impl Write for Arriving {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.out {
            Out::Named(named) => named.write(bytes),
            Out::Nameless(out, _, written) => {
                if out.buffer().len() + bytes.len() > out.capacity() {
                    fault::point("spool.write")?;
                }
                let count = out.write(bytes)?;
                *written += count as u64;
                Ok(count)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.out {
            Out::Named(named) => named.draft.flush(),
            Out::Nameless(out, ..) => fault::point("spool.write").and_then(|()| out.flush()),
        }
    }
}

impl Parked {
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn hash(&self) -> Option<[u8; 32]> {
        self.hash
    }

    /// To read it before anybody else does.
    pub fn open(&self) -> Result<File> {
        let path = match &self.stands {
            Stands::At(path) => path.clone(),
            Stands::Nowhere { file, .. } => of_open(file),
            Stands::Placed => PathBuf::new(),
        };
        File::open(&path).map_err(|e| SpoolError::new(format!("read {}", shown(&path)), e))
    }

    /// One step, after the sync. A name that is taken is an error of kind `AlreadyExists`.
    pub fn place(mut self, spool: &Spool, to: (Place<'_>, &[u8])) -> Result<()> {
        let target = spool.path(to.0, to.1)?;
        match self.name(spool, &target) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                spool.make(to.0)?;
                self.name(spool, &target)?;
            }
            named => named?,
        }
        self.stands = Stands::Placed;
        Ok(())
    }

    fn name(&self, spool: &Spool, target: &Path) -> Result<()> {
        match &self.stands {
            Stands::At(path) => spool.rename_paths(path, target),
            Stands::Nowhere { file, .. } => {
                let link = || Ok(linkat(CWD, of_open(file), CWD, target, AtFlags::SYMLINK_FOLLOW)?);
                let linked: io::Result<()> = fault::point("spool.rename").and_then(|()| link());
                linked.map_err(|e| SpoolError::new(format!("give a file the name {}", shown(target)), e))
            }
            Stands::Placed => Ok(()),
        }
    }
}

/// A file without a name is reached by its descriptor.
fn of_open(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

impl Drop for Parked {
    fn drop(&mut self) {
        // Should it stay, the next start removes it.
        if let Stands::At(path) = &self.stands {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parked_it_is_whole_placed_it_is_read_and_dropped_it_is_gone() {
        for small in [None, Some(6), Some(3), Some(0)] {
            let folder = tempfile::tempdir().unwrap();
            let spool = Spool::open(folder.path()).unwrap();
            let in_tmp = || fs::read_dir(folder.path().join("tmp")).unwrap().count();
            let written = |text: &str| {
                let mut arriving = spool.arriving(small).unwrap();
                arriving.write_all(text.as_bytes()).unwrap();
                arriving.park(&spool).unwrap()
            };
            let parked = written("orders");
            assert_eq!(in_tmp(), usize::from(small.is_none()));
            assert_eq!((io::read_to_string(parked.open().unwrap()).unwrap(), parked.size()), ("orders".into(), 6));
            let place = Place::Work { partner: "shop", intake: "orders" };
            parked.place(&spool, (place, b"a")).unwrap();
            assert_eq!(spool.read_whole(place, b"a", 9).unwrap(), b"orders");
            drop(written("again"));
            let taken = written("other").place(&spool, (place, b"a")).unwrap_err();
            assert_eq!((taken.kind(), in_tmp()), (io::ErrorKind::AlreadyExists, 0));
            assert_eq!(spool.nameless.load(Ordering::Relaxed), 0);
        }
    }

    #[test]
    fn a_large_one_is_the_same_bytes_and_the_same_hash() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let large = usize::try_from(LARGE_BYTES).unwrap();
        // Also where its last piece is none that a disk takes by itself, and where there is none.
        for (count, is_straight) in [
            (100, false),
            (large, false),
            (large + 1, true),
            (large + 2 * PIECE_BYTES, true),
            (large + 5_000_001, true),
        ] {
            let content: Vec<u8> = (0..count).map(|n| (n % 251) as u8).collect();
            let mut arriving = spool.arriving(None).unwrap();
            content.chunks(300_000).for_each(|piece| arriving.write_all(piece).unwrap());
            let Out::Named(named) = &arriving.out else { panic!("it stands in tmp/") };
            assert_eq!((named.straight.is_some(), named.draft.written()), (is_straight, count as u64));
            let parked = arriving.park(&spool).unwrap();
            let mut found = Vec::new();
            io::Read::read_to_end(&mut parked.open().unwrap(), &mut found).unwrap();
            assert!(found == content, "{count}");
            assert_eq!((parked.hash(), parked.size()), (Some(*blake3::hash(&content).as_bytes()), count as u64));
        }
    }

    #[test]
    fn so_many_have_no_name_and_the_next_stand_in_tmp() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let all: Vec<Arriving> = (0..NAMELESS_MAX + 2).map(|_| spool.arriving(Some(9)).unwrap()).collect();
        assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 2);
        drop(all);
        assert_eq!(spool.nameless.load(Ordering::Relaxed), 0);
    }
}
