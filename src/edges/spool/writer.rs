//! Is somebody still writing this file? The kernel tells whoever may take a read lease on it: it refuses while the file
//! is open for writing. The lease is given back at once, with the file's closing. A question that is refused (another's file without the
//! capability, a network file system) proves nothing, and is told as such.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use super::error::Result;
use super::step::open_plain;
use super::{Meta, Place, Spool};

/// From Linux's asm-generic/fcntl.h, the same on every machine we run on; the libc crate does not have it.
const F_SETSIG: libc::c_int = 10;

impl Spool {
    /// How it stands, and whether it is still written: one opening for both. `None` when there is nothing of that name.
    pub fn look_closely(&self, place: Place<'_>, name: &[u8]) -> Result<Option<(Meta, Option<bool>)>> {
        let opened =
            open_plain(&self.path(place, name)?).and_then(|file| Ok((Meta::of(&file.metadata()?), ask(&file))));
        match opened {
            Ok(seen) => Ok(Some(seen)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => {
                // Another's lease (a file server's, for a client that writes) is in the way, or nobody can tell.
                let is_written = (e.kind() == io::ErrorKind::WouldBlock).then_some(true);
                Ok(self.look(place, name)?.map(|meta| (meta, is_written)))
            }
        }
    }

    /// `Some(true)`: open for writing; `Some(false)`: certainly not at this moment; `None`: nobody can tell.
    pub fn is_still_written(&self, place: Place<'_>, name: &[u8]) -> Option<bool> {
        self.look_closely(place, name).ok().flatten().and_then(|(_, is_written)| is_written)
    }
}

fn ask(file: &File) -> Option<bool> {
    let fd = file.as_raw_fd();
    // Whoever opens the file while we hold the lease makes the kernel signal us: SIGIO would end the process, SIGURG is
    // ignored unless somebody asks for it.
    // SAFETY: fcntl on a descriptor that `file` keeps open; these commands take a number and touch no memory of ours.
    if unsafe { libc::fcntl(fd, F_SETSIG, libc::SIGURG) } == -1 {
        return None;
    }
    // SAFETY: as above.
    if unsafe { libc::fcntl(fd, libc::F_SETLEASE, libc::F_RDLCK) } == -1 {
        let refused = io::Error::last_os_error();
        return (refused.kind() == io::ErrorKind::WouldBlock).then_some(true);
    }
    // Closing the file, now, gives the lease back.
    Some(false)
}
