//! Files without a name in tmp/, for what does not fit into memory: gone with the process, whatever happens to it.

use std::fs::{self, File};

use rustix::fs::{Mode, OFlags, open};

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

fn named_then_removed(folder: &std::path::Path, pid: u32) -> std::io::Result<File> {
    let path = folder.join(format!("{pid}.{:08x}.spill", getrandom::u32().map_err(std::io::Error::other)?));
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}
