//! The steps by which files change state: a rename that never overwrites, a removal, a look. Each is one system call
//! that counts, with a fault point before it; whatever a crash leaves is one of the two states around it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::error::{Result, SpoolError, shown};
use super::{Place, Spool};
use crate::edges::fault;

/// What to do when the name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// An error of kind `AlreadyExists`.
    Refuse,
    Replace,
}

/// When a written file must be on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// Before the call returns.
    Now,
    /// With the next `Spool::sync`; until then a power cut may leave nothing, or an empty file.
    NextSync,
}

/// A file as it stands on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    pub size: u64,
    pub mtime_ns: i64,
    pub inode: u64,
    pub uid: u32,
}

impl Meta {
    pub(super) fn of(meta: &fs::Metadata) -> Meta {
        let mtime_ns = meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec());
        Meta { size: meta.size(), mtime_ns, inode: meta.ino(), uid: meta.uid() }
    }
}

impl Spool {
    /// Changes a file's state. The folder it goes to is made where it is missing; a name that is taken there is an
    /// error of kind `AlreadyExists`, and both files stay.
    pub fn rename(&self, from: (Place<'_>, &[u8]), to: (Place<'_>, &[u8])) -> Result<()> {
        let (old, new) = (self.path(from.0, from.1)?, self.path(to.0, to.1)?);
        match self.rename_paths(&old, &new) {
            // Either the file is gone or the folder is not there yet; the second try tells.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                self.make(to.0)?;
                self.rename_paths(&old, &new)
            }
            done => done,
        }
    }

    /// The one step that overwrites: a file of ours by a newer one of ours, so that who opens the name finds one or the other, whole.
    /// Whose the older one is, the caller knows by its content.
    pub fn replace(&self, from: (Place<'_>, &[u8]), to: (Place<'_>, &[u8])) -> Result<()> {
        let (old, new) = (self.path(from.0, from.1)?, self.path(to.0, to.1)?);
        let wrong = |e| SpoolError::new(format!("rename {} over {}", shown(&old), shown(&new)), e);
        fault::point("spool.replace").and_then(|()| fs::rename(&old, &new)).map_err(wrong)
    }

    pub(super) fn rename_paths(&self, old: &Path, new: &Path) -> Result<()> {
        let wrong = |e| SpoolError::new(format!("rename {} to {}", shown(old), shown(new)), e);
        fault::point("spool.rename").and_then(|()| rename_new(old, new)).map_err(wrong)
    }

    pub fn remove(&self, place: Place<'_>, name: &[u8]) -> Result<()> {
        let path = self.path(place, name)?;
        let done = fault::point("spool.remove").and_then(|()| fs::remove_file(&path));
        done.map_err(|e| SpoolError::new(format!("remove {}", shown(&path)), e))
    }

    /// Removes the folder of a place if nothing is in it any more (a day of done/, say); tells whether it did.
    pub fn remove_empty(&self, place: Place<'_>) -> Result<bool> {
        let folder = self.folder(place)?;
        match fault::point("spool.rmdir").and_then(|()| fs::remove_dir(&folder)) {
            Ok(()) => Ok(true),
            Err(e) if matches!(e.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound) => Ok(false),
            Err(e) => Err(SpoolError::new(format!("remove the folder {}", shown(&folder)), e)),
        }
    }

    /// A look at a name, never through a symlink; `None` when there is nothing of that name.
    pub fn look(&self, place: Place<'_>, name: &[u8]) -> Result<Option<Meta>> {
        let path = self.path(place, name)?;
        match fs::symlink_metadata(&path) {
            Ok(meta) => Ok(Some(Meta::of(&meta))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(SpoolError::new(format!("look at {}", shown(&path)), e)),
        }
    }

    /// When anything about a file changed last, by the file system's own clock: no sender can set that back. In nanoseconds; `None`
    /// when it cannot be said.
    pub fn changed_at(&self, place: Place<'_>, name: &[u8]) -> Option<i64> {
        let meta = fs::symlink_metadata(self.path(place, name).ok()?).ok()?;
        let changed = meta.ctime().saturating_mul(1_000_000_000).saturating_add(meta.ctime_nsec());
        // Where a file system knows only when the file was made.
        Some(changed.max(Meta::of(&meta).mtime_ns))
    }

    /// Opens a plain file for reading: no symlink, no pipe that would never end.
    pub fn read(&self, place: Place<'_>, name: &[u8]) -> Result<File> {
        let path = self.path(place, name)?;
        let opened = fault::point("spool.open").and_then(|()| open_plain(&path));
        opened.map_err(|e| SpoolError::new(format!("read {}", shown(&path)), e))
    }

    /// An error of reading what was opened, as one of the spool.
    pub fn cannot_read(&self, place: Place<'_>, name: &[u8], error: io::Error) -> SpoolError {
        match self.path(place, name) {
            Ok(path) => SpoolError::new(format!("read {}", shown(&path)), error),
            Err(error) => error,
        }
    }

    /// A small file of ours (reason, command) with at most so many bytes; a larger one is an error.
    pub fn read_whole(&self, place: Place<'_>, name: &[u8], max_bytes: u64) -> Result<Vec<u8>> {
        let file = self.read(place, name)?;
        let path = self.path(place, name)?;
        let mut bytes = Vec::new();
        let read = file.take(max_bytes + 1).read_to_end(&mut bytes).and_then(|_| {
            let fits = bytes.len() as u64 <= max_bytes;
            fits.then_some(()).ok_or_else(|| io::Error::other(format!("it has more than {max_bytes} bytes")))
        });
        read.map_err(|e| SpoolError::new(format!("read {}", shown(&path)), e))?;
        Ok(bytes)
    }
}

/// Opens without waiting (a pipe without a writer, another's lease) and without following a symlink at the end.
pub(super) fn open_plain(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::options().read(true).custom_flags(flags.bits() as i32).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file")),
    }
}

/// One step where the file system can do it, else link and unlink.
pub(super) fn rename_new(old: &Path, new: &Path) -> io::Result<()> {
    match renameat_with(CWD, old, CWD, new, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => link_and_unlink(old, new),
        done => Ok(done?),
    }
}

/// A crash between the two leaves one file under both names; the next try sees that and ends the move.
fn link_and_unlink(old: &Path, new: &Path) -> io::Result<()> {
    match fs::hard_link(old, new) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && same_file(old, new)? => {}
        linked => linked?,
    }
    fault::point("spool.unlink")?;
    fs::remove_file(old)
}

fn same_file(a: &Path, b: &Path) -> io::Result<bool> {
    let (a, b) = (fs::symlink_metadata(a)?, fs::symlink_metadata(b)?);
    Ok((a.dev(), a.ino()) == (b.dev(), b.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_and_unlink_moves_never_overwrites_and_ends_a_half_move() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a"), "one").unwrap();
        fs::write(at("b"), "two").unwrap();
        assert_eq!(link_and_unlink(&at("a"), &at("b")).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        link_and_unlink(&at("a"), &at("c")).unwrap();
        assert!(!at("a").exists());
        fs::hard_link(at("c"), at("a")).unwrap();
        link_and_unlink(&at("a"), &at("c")).unwrap();
        assert!(!at("a").exists());
        assert_eq!((fs::read(at("b")).unwrap(), fs::read(at("c")).unwrap()), (b"two".to_vec(), b"one".to_vec()));
    }
}
