//! The database's log, as long from the first file on as it becomes between two checkpoints. A commit that makes its file
//! longer has to bring the new length to the disk as well, and that costs half as much again as the commit itself.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use anyhow::{Context, Result};
use rustix::fs::fstatvfs;

use super::Store;
use super::open::CHECKPOINT_PAGES;
use crate::edges::fault;

/// A page of the database with its head in the log, and the head of the log itself.
const FRAME_BYTES: u64 = 4096 + 24;
const HEAD_BYTES: u64 = 32;
/// Room for what else has to be written: the log takes a share of what is free, never the rest of it.
const SHARE_OF_FREE: u64 = 32;
const CHUNK_BYTES: usize = 1024 * 1024;

impl Store {
    /// Writes zeros behind the end of the log, which say nothing to whoever reads it. Where there is little room the log stays as it is.
    pub fn lengthen_log(&mut self) -> Result<()> {
        fault::point("store.lengthen_log")?;
        let path = format!("{}-wal", self.path()?);
        // Nobody else writes behind the end meanwhile.
        let _tx = self.begin_unsynced()?;
        let lengthened = File::options().write(true).open(&path).and_then(|log| lengthen(&log));
        lengthened.with_context(|| format!("cannot lengthen {path}"))
    }
}

fn lengthen(log: &File) -> io::Result<()> {
    let (begin, end) = (log.metadata()?.len(), HEAD_BYTES + FRAME_BYTES * u64::from(CHECKPOINT_PAGES));
    let room = fstatvfs(log)?;
    if begin >= end || room.f_bavail.saturating_mul(room.f_frsize) / SHARE_OF_FREE < end {
        return Ok(());
    }
    let written = write_zeros(log, begin, end).and_then(|()| log.sync_all());
    if written.is_err() {
        // What was written takes room away from others.
        let _ = log.set_len(begin);
    }
    written
}

fn write_zeros(log: &File, begin: u64, end: u64) -> io::Result<()> {
    let zeros = vec![0; CHUNK_BYTES];
    let mut at = begin;
    while at < end {
        let count = (end - at).min(CHUNK_BYTES as u64) as usize;
        log.write_all_at(&zeros[..count], at)?;
        at += count as u64;
    }
    Ok(())
}
