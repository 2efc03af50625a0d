//! What a command line needs for itself alone. Files without a name in the system's folder for temporary files: gone with the process,
//! whatever happens to it. Folders, removed when they are let go; one that a killed process left, the next one removes.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{Mode, OFlags, open};

/// Readable and writable; only this process can reach it.
pub fn file() -> io::Result<File> {
    let folder = std::env::temp_dir();
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match open(&folder, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => Ok(File::from(file)),
        // Not every file system has files without a name.
        Err(_) => {
            let number = getrandom::u32().map_err(io::Error::other)?;
            let path = folder.join(format!("nattpost.{}.{number:08x}", std::process::id()));
            let file = File::options().read(true).write(true).create_new(true).open(&path)?;
            fs::remove_file(&path)?;
            Ok(file)
        }
    }
}

/// How folders of ours begin, and what is locked in each by the process it belongs to.
const FOLDER: &str = "nattpost-plan.";
const LOCK: &str = "lock";
/// A folder is made and locked in less.
const SURELY_LOCKED: Duration = Duration::from_secs(60);
/// Where large things may stand: the folder for temporary files is often memory.
const ROOMY: &str = "/var/tmp";

/// A folder of this process alone, removed with all that is in it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Where folders are made when nobody names a place.
    pub fn usual_place() -> PathBuf {
        let roomy = PathBuf::from(ROOMY);
        if std::env::var_os("TMPDIR").is_none() && roomy.is_dir() { roomy } else { std::env::temp_dir() }
    }

    /// A new folder in this one.
    pub fn in_folder(place: &Path) -> io::Result<Folder> {
        remove_left(place);
        let path = place.join(format!("{FOLDER}{:08x}", getrandom::u32().map_err(io::Error::other)?));
        DirBuilder::new().mode(0o700).create(&path)?;
        let lock = File::create_new(path.join(LOCK))?;
        lock.try_lock()?;
        Ok(Folder { path, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed now, the next one tries again.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// What processes left that were killed. It is only tidied up: a fault here is nobody's.
fn remove_left(place: &Path) {
    let mine = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(FOLDER) {
            continue;
        }
        let Ok(meta) = entry.path().symlink_metadata() else { continue };
        let age = meta.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok()).unwrap_or_default();
        if !meta.is_dir() || meta.uid() != mine || age < SURELY_LOCKED {
            continue;
        }
        let is_left = match File::open(entry.path().join(LOCK)) {
            Ok(lock) => lock.try_lock().is_ok(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_left {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_gone_with_its_process_and_one_that_was_left_with_the_next() {
        let place = tempfile::tempdir().unwrap();
        let [old, young, other] =
            [format!("{FOLDER}0"), format!("{FOLDER}1"), "others.0".to_string()].map(|name| place.path().join(name));
        for folder in [&old, &young, &other] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join(LOCK), "").unwrap();
        }
        let long_ago = SystemTime::now() - 2 * SURELY_LOCKED;
        for folder in [&old, &other] {
            File::open(folder).unwrap().set_modified(long_ago).unwrap();
        }
        let folder = Folder::in_folder(place.path()).unwrap();
        fs::write(folder.path().join("a"), "b").unwrap();
        File::open(folder.path()).unwrap().set_modified(long_ago).unwrap();
        // Ours is as old, and locked.
        let second = Folder::in_folder(place.path()).unwrap();
        assert_eq!([&old, &young, &other].map(|folder| folder.exists()), [false, true, true]);
        assert!(folder.path().join("a").exists());
        let paths = [folder.path().to_path_buf(), second.path().to_path_buf()];
        drop((folder, second));
        assert!(!paths.iter().any(|path| path.exists()));
    }
    use std::io::{Read, Seek, Write};

    #[test]
    fn what_is_written_can_be_read() {
        let mut file = file().unwrap();
        file.write_all(b"night").unwrap();
        file.rewind().unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "night");
    }
}
