//! One process works on a spool: the daemon, or a command line while no daemon runs. The lock is the kernel's, so it ends
//! with the process however that ends; the number inside the file is for people only.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use crate::edges::fault;

/// The operators' group may take it too: `nattpost retry` does while the daemon is down.
const LOCK_MODE: u32 = 0o660;

/// `is_held` takes a shared lock for a moment: a start that meets it must not believe that somebody works here.
const LOOKS_TO_WAIT_FOR: u32 = 3;
const A_LOOK: Duration = Duration::from_millis(10);

/// Held until dropped.
#[derive(Debug)]
pub struct InstanceLock {
    _file: File,
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("{path} is held by {holder}: one process at a time works on a spool. Stop it, or let it do the work")]
    Held { path: String, holder: String },
    #[error("cannot lock {path}")]
    Io { path: String, source: io::Error },
}

impl InstanceLock {
    pub fn take(path: &Path) -> Result<InstanceLock, LockError> {
        let shown = || path.display().to_string();
        let wrong = |source| LockError::Io { path: shown(), source };
        let open = || File::options().read(true).write(true).create(true).truncate(false).mode(LOCK_MODE).open(path);
        let mut file = fault::point("lock.open").and_then(|()| open()).map_err(wrong)?;
        let mut locked = file.try_lock();
        for _ in 0..LOOKS_TO_WAIT_FOR {
            if !matches!(locked, Err(TryLockError::WouldBlock)) {
                break;
            }
            std::thread::sleep(A_LOOK);
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held { path: shown(), holder: holder(&mut file) }),
            Err(TryLockError::Error(e)) => return Err(wrong(e)),
        }
        let pid = format!("{}\n", std::process::id());
        // A full disk is no reason to run twice or not at all: the lock is held, only its inscription is missing.
        let _ = file.set_len(0).and_then(|()| file.write_all(pid.as_bytes()));
        Ok(InstanceLock { _file: file })
    }
}

/// Does a process work on this spool? For those who only look: it asks for a shared lock and gives it back at once.
pub fn is_held(path: &Path) -> bool {
    held_by(path).is_some()
}

/// The process that works on this spool, in words.
pub fn held_by(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)).then(|| holder(&mut file))
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(32).read_to_string(&mut text));
    match (read, text.trim().parse::<u32>()) {
        (Ok(_), Ok(pid)) => format!("process {pid}"),
        _ => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_holds_it_and_may_after_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".lock");
        std::fs::write(&path, "4294967295 and more than a number of an old holder").unwrap();
        let first = InstanceLock::take(&path).unwrap();
        let told = InstanceLock::take(&path).unwrap_err().to_string();
        assert!(told.contains(&format!("process {}", std::process::id())) && told.contains(".lock"), "{told}");
        assert!(is_held(&path));
        drop(first);
        assert!(!is_held(&path) && !is_held(&folder.path().join("nothing")));
        InstanceLock::take(&path).unwrap();
    }

    #[test]
    fn a_lock_that_cannot_be_made_names_the_file() {
        let told = InstanceLock::take(Path::new("/no/such/folder/.lock")).unwrap_err();
        assert!(matches!(told, LockError::Io { .. }) && told.to_string().contains("/no/such/folder/.lock"));
    }
}
