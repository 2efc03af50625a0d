//! The ground a demo stands on: a spool that is only a demo's is marked, so that the next demo may clear it and nobody
//! else's files are ever touched. Knows what a spool consists of; what is none of it stays, mark or not.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::State;
use super::error::{Result, SpoolError, shown};

const MARK: &str = ".demo";
const MARK_TEXT: &str =
    "Made by `nattpost demo`. The next demo in this folder clears the whole spool; remove this file to keep it.\n";
/// The demo's configuration, database and log, cleared with the rest.
const FOLDER: &str = "demo";
/// Tracked or written by a spool that was opened; tells nothing about who works here.
const README: &str = "README.md";

/// What stands at a place where a demo is wanted.
#[derive(Debug, PartialEq, Eq)]
pub enum Ground {
    /// Nothing, or the page about the states alone.
    Free,
    /// An earlier demo.
    Demo,
    /// Something else: some of the names.
    Taken(Vec<OsString>),
}

/// Looks, and touches nothing.
pub fn look(root: &Path) -> Result<Ground> {
    let wrong = |e| SpoolError::new(format!("look into {}", shown(root)), e);
    let entries = match fs::read_dir(root) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Ground::Free),
        entries => entries.map_err(wrong)?,
    };
    let mut others = Vec::new();
    for entry in entries {
        let name = entry.map_err(wrong)?.file_name();
        if name == MARK {
            return Ok(Ground::Demo);
        }
        if name != README {
            others.push(name);
        }
    }
    others.sort();
    Ok(if others.is_empty() { Ground::Free } else { Ground::Taken(others) })
}

/// Removes what an earlier demo made, and marks the ground for a new one. The mark is there before anything else is and
/// stays while the rest goes: whenever this is cut off, the next call goes on.
pub fn clear(root: &Path) -> Result<()> {
    fs::create_dir_all(root).map_err(|e| SpoolError::new(format!("make the folder {}", shown(root)), e))?;
    let mark = root.join(MARK);
    fs::write(&mark, MARK_TEXT).map_err(|e| SpoolError::new(format!("write {}", shown(&mark)), e))?;
    let folders = State::ALL.iter().filter_map(|state| state.folder().split('/').next()).chain([FOLDER]);
    for folder in folders {
        gone(&root.join(folder), |path| fs::remove_dir_all(path))?;
    }
    for file in [".lock", ".numbers", ".database", ".waiting"] {
        gone(&root.join(file), |path| fs::remove_file(path))?;
    }
    Ok(())
}

/// Where the demo keeps what is no spool.
pub fn folder(root: &Path) -> PathBuf {
    root.join(FOLDER)
}

/// The instance lock of a spool that is not opened yet.
pub fn lock_path(root: &Path) -> PathBuf {
    root.join(".lock")
}

fn gone(path: &Path, remove: impl Fn(&Path) -> io::Result<()>) -> Result<()> {
    match remove(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(SpoolError::new(format!("clear {}", shown(path)), e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::spool::Spool;

    #[test]
    fn only_a_marked_spool_is_cleared_and_what_is_not_ours_stays() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("deep/spool");
        assert_eq!(look(&root).unwrap(), Ground::Free);
        clear(&root).unwrap();
        Spool::open(&root).unwrap();
        fs::create_dir_all(folder(&root)).unwrap();
        fs::write(root.join("in/some.csv"), "x").unwrap();
        fs::write(root.join("mine.txt"), "x").unwrap();
        fs::write(lock_path(&root), "1").unwrap();
        assert_eq!(look(&root).unwrap(), Ground::Demo);
        clear(&root).unwrap();
        let mut left: Vec<String> =
            fs::read_dir(&root).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, [".demo", "README.md", "mine.txt"]);
        fs::remove_file(root.join(".demo")).unwrap();
        assert_eq!(look(&root).unwrap(), Ground::Taken(vec!["mine.txt".into()]));
        fs::remove_file(root.join("mine.txt")).unwrap();
        assert_eq!(look(&root).unwrap(), Ground::Free);
    }
}
