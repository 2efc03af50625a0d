//! Shows on a terminal how far a long reading is; in a pipe or a log it is silent.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

/// Shorter work shows nothing.
const SILENT_FOR: Duration = Duration::from_secs(1);
const BETWEEN: Duration = Duration::from_millis(250);

/// How far something is, in percent.
pub struct Percent {
    name: String,
    next: Option<Instant>,
    drawn: bool,
}

impl Percent {
    pub fn new(name: String) -> Self {
        let next = io::stderr().is_terminal().then(|| Instant::now() + SILENT_FOR);
        Percent { name, next, drawn: false }
    }

    pub fn at(&mut self, done: u64, all: u64) {
        if self.next.is_some_and(|next| Instant::now() >= next) {
            let percent = done.min(all) / (all / 100).max(1);
            // A terminal that takes nothing is no reason to stop the work.
            let _ = write!(io::stderr(), "\r{} {} % ", self.name, percent.min(100));
            self.drawn = true;
            self.next = Some(Instant::now() + BETWEEN);
        }
    }
}

/// A file whose reading is shown.
pub struct Shown {
    file: File,
    size: u64,
    at: u64,
    percent: Percent,
}

impl Shown {
    pub fn new(file: File, name: String) -> io::Result<Self> {
        let size = file.metadata()?.len();
        Ok(Shown { file, size, at: 0, percent: Percent::new(name) })
    }
}

impl Read for Shown {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.at += count as u64;
        self.percent.at(self.at, self.size);
        Ok(count)
    }
}

impl Seek for Shown {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.at = self.file.seek(position)?;
        Ok(self.at)
    }
}

impl Drop for Percent {
    fn drop(&mut self) {
        if self.drawn {
            // Clears the line, so that what follows stands on it.
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
