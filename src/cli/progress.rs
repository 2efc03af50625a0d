//! Shows on a terminal how far a long reading is; in a pipe or a log it is silent.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

/// Shorter work shows nothing.
const SILENT_FOR: Duration = Duration::from_secs(1);
const BETWEEN: Duration = Duration::from_millis(250);

/// A file whose reading is shown.
pub struct Shown {
    file: File,
    name: String,
    size: u64,
    at: u64,
    next: Option<Instant>,
    drawn: bool,
}

impl Shown {
    pub fn new(file: File, name: String) -> io::Result<Self> {
        let size = file.metadata()?.len();
        let next = io::stderr().is_terminal().then(|| Instant::now() + SILENT_FOR);
        Ok(Shown { file, name, size, at: 0, next, drawn: false })
    }

    fn draw(&mut self) {
        if self.next.is_some_and(|next| Instant::now() >= next) {
            let percent = self.at * 100 / self.size.max(1);
            // A terminal that takes nothing is no reason to stop the work.
            let _ = write!(io::stderr(), "\r{} {percent} % ", self.name);
            self.drawn = true;
            self.next = Some(Instant::now() + BETWEEN);
        }
    }
}

impl Read for Shown {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.at += count as u64;
        self.draw();
        Ok(count)
    }
}

impl Seek for Shown {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.at = self.file.seek(position)?;
        Ok(self.at)
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if self.drawn {
            // Clears the line, so that what follows stands on it.
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
