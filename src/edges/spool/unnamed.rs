//! Files without a name in tmp/, for what does not fit into memory: gone with the process, whatever happens to it.

use std::fs::{self, File};
use std::io;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;

use super::draft::OWN_MODE;
use super::error::{Result, SpoolError, shown};
use super::{Place, Spool, State};
use crate::edges::fault;

impl Spool {
    /// Readable and writable; only this process can reach it.
    pub fn unnamed_file(&self) -> Result<File> {
        let folder = self.folder(Place::Tmp)?;
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let opened = fault::point("spool.unnamed")
            .and_then(|()| Ok(File::from(open(&folder, flags, Mode::RUSR | Mode::WUSR)?)))
            // Not every file system has files without a name.
            .or_else(|_| named_then_removed(&self.root.join(State::Tmp.folder()), std::process::id()));
        opened.map_err(|e| SpoolError::new(format!("make a file in {}", shown(&folder)), e))
    }
}

impl Spool {
    /// One that is to get a name later; nothing where this file system, or a machine without /proc, does not know such.
    pub(super) fn nameless_file(&self) -> Option<io::Result<File>> {
        if !self.names_later {
            return None;
        }
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let open = || open(self.root.join(State::Tmp.folder()), flags, Mode::from_raw_mode(OWN_MODE));
        match fault::point("spool.create").map(|()| open()) {
            Err(error) => Some(Err(error)),
            Ok(Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL)) => None,
            Ok(opened) => Some(opened.map(File::from).map_err(io::Error::from)),
        }
    }
}

fn named_then_removed(folder: &std::path::Path, pid: u32) -> std::io::Result<File> {
    let path = folder.join(format!("{pid}.{:08x}.spill", getrandom::u32().map_err(std::io::Error::other)?));
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}
