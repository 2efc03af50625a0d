//! One process works on a spool: the daemon, or a command line while no daemon runs. The lock is the kernel's, so it ends
//! with the process however that ends. What is written inside is for people, and says who is worth waiting for: a command
//! line has done in a moment.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::edges::fault;

/// The operators' group may take it too: `nattpost retry` does while the daemon is down.
const LOCK_MODE: u32 = 0o660;

/// `is_held` takes a shared lock for a moment: a start that meets it must not believe that somebody works here.
const LOOKS_TO_WAIT_FOR: u32 = 3;
const A_LOOK: Duration = Duration::from_millis(10);
/// A command line may judge some thousand files again, and is then gone.
const A_MOMENT: Duration = Duration::from_secs(30);
const BETWEEN_TRIES: Duration = Duration::from_millis(100);
const FOR_A_MOMENT: &str = "for a moment";

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

impl LockError {
    /// There is no room for the file: that passes by itself.
    pub fn is_outage(&self) -> bool {
        use io::ErrorKind as K;
        matches!(self, LockError::Io { source, .. } if matches!(source.kind(), K::StorageFull | K::QuotaExceeded | K::ReadOnlyFilesystem))
    }
}

impl InstanceLock {
    pub fn take(path: &Path) -> Result<InstanceLock, LockError> {
        Self::take_inscribed(path, &format!("{}\n", std::process::id()))
    }

    /// For one that has done soon: whoever wants to begin waits for it.
    pub fn take_for_a_moment(path: &Path) -> Result<InstanceLock, LockError> {
        Self::take_inscribed(path, &format!("{} {FOR_A_MOMENT}\n", std::process::id()))
    }

    /// For a start: waits for one that holds it for a moment, and not for one that stays. `give_up` is asked meanwhile.
    pub fn take_patiently(path: &Path, give_up: &dyn Fn() -> bool) -> Result<InstanceLock, LockError> {
        let end = Instant::now() + A_MOMENT;
        loop {
            match Self::take(path) {
                Err(LockError::Held { .. }) if !is_held_for_long(path) && Instant::now() < end && !give_up() => {
                    std::thread::sleep(BETWEEN_TRIES);
                }
                taken => return taken,
            }
        }
    }

    fn take_inscribed(path: &Path, inscription: &str) -> Result<InstanceLock, LockError> {
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
        // A full disk is no reason to run twice or not at all: the lock is held, only its inscription is missing.
        let _ = file.set_len(0).and_then(|()| file.write_all(inscription.as_bytes()));
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

/// By its inscription: a number alone. Without one (a full disk) nobody knows.
fn is_held_for_long(path: &Path) -> bool {
    let read = File::open(path).and_then(|mut file| inscription(&mut file));
    read.is_ok_and(|text| text.trim().parse::<u32>().is_ok())
}

fn inscription(file: &mut File) -> io::Result<String> {
    let mut text = String::new();
    file.rewind()?;
    file.take(32).read_to_string(&mut text)?;
    Ok(text)
}

fn holder(file: &mut File) -> String {
    match inscription(file).ok().and_then(|text| text.split_whitespace().next()?.parse::<u32>().ok()) {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
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
    fn a_start_waits_for_one_that_has_done_soon_and_not_for_one_that_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".lock");
        let command = InstanceLock::take_for_a_moment(&path).unwrap();
        let told = InstanceLock::take(&path).unwrap_err().to_string();
        assert!(told.contains(&format!("process {}", std::process::id())), "{told}");
        let waiting = std::thread::scope(|scope| {
            let start = scope.spawn(|| InstanceLock::take_patiently(&path, &|| false));
            std::thread::sleep(BETWEEN_TRIES * 3);
            assert!(!start.is_finished());
            drop(command);
            start.join().unwrap()
        });
        let began = Instant::now();
        assert!(matches!(InstanceLock::take_patiently(&path, &|| false), Err(LockError::Held { .. })));
        assert!(began.elapsed() < A_MOMENT / 10);
        drop(waiting.unwrap());
        let _command = InstanceLock::take_for_a_moment(&path).unwrap();
        assert!(matches!(InstanceLock::take_patiently(&path, &|| true), Err(LockError::Held { .. })));
    }

    #[test]
    fn a_lock_that_cannot_be_made_names_the_file() {
        let told = InstanceLock::take(Path::new("/no/such/folder/.lock")).unwrap_err();
        assert!(matches!(told, LockError::Io { .. }) && told.to_string().contains("/no/such/folder/.lock"));
    }
}
