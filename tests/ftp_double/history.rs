//! What happened to files of the double, in its order, with a copy of each file's bytes as they were: for whoever asks afterwards
//! what was removed and what was visible when. A line of `index` is `NUMBER WHAT PATH [> PATH]`, the bytes stand in the file NUMBER.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub struct History {
    /// None: nobody asks.
    folder: Option<PathBuf>,
    /// Held while something is done and written down, so that the lines stand in the order of the deeds.
    pen: Mutex<()>,
}

pub struct Page<'h> {
    folder: Option<&'h Path>,
    _pen: MutexGuard<'h, ()>,
}

impl History {
    pub fn new(folder: Option<PathBuf>) -> History {
        History { folder, pen: Mutex::new(()) }
    }

    pub fn open(&self) -> Page<'_> {
        Page { folder: self.folder.as_deref(), _pen: self.pen.lock().unwrap_or_else(PoisonError::into_inner) }
    }
}

impl Page<'_> {
    /// `file`: whose bytes are kept, if it is there.
    pub fn tell(&self, what: &str, path: &str, file: &Path) {
        let Some(folder) = self.folder else { return };
        let index = folder.join("index");
        let number = fs::read_to_string(&index).unwrap_or_default().lines().count() + 1;
        // What was never there has no bytes.
        drop(fs::copy(file, folder.join(number.to_string())));
        let mut index = OpenOptions::new().create(true).append(true).open(index).unwrap();
        index.write_all(format!("{number} {what} {path}\n").as_bytes()).unwrap();
    }
}
