//! A draft that is written and closed and waits in tmp/ for the sync that it shares with others; only then it gets a name
//! that anybody reads. Dropped before, it is gone.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use super::error::{Result, SpoolError, shown};
use super::{Draft, Place, Spool};
use crate::edges::fault;

#[derive(Debug)]
pub struct Parked {
    path: PathBuf,
    size: u64,
}

impl Draft {
    /// Everything written is with the system, not yet on the disk.
    pub fn park(mut self) -> Result<Parked> {
        let (path, size) = (self.path.clone(), self.written());
        let flushed = fault::point("spool.park").and_then(|()| self.flush());
        flushed.map_err(|e| self.failed(e))?;
        // Its file is no longer this draft's to remove.
        self.path = PathBuf::new();
        Ok(Parked { path, size })
    }
}

impl Parked {
    pub fn size(&self) -> u64 {
        self.size
    }

    /// To read it before anybody else does.
    pub fn open(&self) -> Result<fs::File> {
        fs::File::open(&self.path).map_err(|e| SpoolError::new(format!("read {}", shown(&self.path)), e))
    }

    /// One rename, after the sync. A name that is taken is an error of kind `AlreadyExists`.
    pub fn place(mut self, spool: &Spool, to: (Place<'_>, &[u8])) -> Result<()> {
        let target = spool.path(to.0, to.1)?;
        match spool.rename_paths(&self.path, &target) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                spool.make(to.0)?;
                spool.rename_paths(&self.path, &target)?;
            }
            moved => moved?,
        }
        self.path = PathBuf::new();
        Ok(())
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        // Should it stay, the next start removes it.
        if !self.path.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::spool::State;

    #[test]
    fn parked_it_is_whole_placed_it_is_read_and_dropped_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let written = |text: &str| {
            let mut draft = spool.draft(State::Work).unwrap();
            draft.write_all(text.as_bytes()).unwrap();
            draft.park().unwrap()
        };
        let parked = written("orders");
        assert_eq!((io::read_to_string(parked.open().unwrap()).unwrap(), parked.size()), ("orders".into(), 6));
        let place = Place::Work { partner: "shop", intake: "orders" };
        parked.place(&spool, (place, b"a")).unwrap();
        assert_eq!(spool.read_whole(place, b"a", 9).unwrap(), b"orders");
        drop(written("again"));
        assert!(written("other").place(&spool, (place, b"a")).is_err());
        assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
    }
}
