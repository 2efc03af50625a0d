//! A folder outside of the spool, maybe mounted from elsewhere: copied from and to, synced, verified. The same words as a
//! server's, so that every order of steps can be tried with `ls`.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::fault::{Advice, Broken, Fault, FaultKind, Phase, Reply};
use super::mounts::missing_at;
use super::{Change, Listed, ListingSort, Probe, Remote, Removed, Renamed, Replaced, Target};
use crate::edges::fault;
use crate::model::remote::{Entry, Facts, Folder, Stamp};

/// What is read and written at once, and how often the rigs may strike.
const PIECE_BYTES: usize = 64 * 1024;
/// What partners read; the umask takes away what the site does not want.
const FILE_MODE: u32 = 0o664;

pub struct FolderRemote {
    root: PathBuf,
    server: String,
}

impl FolderRemote {
    pub fn open(root: &Path) -> Result<FolderRemote, Fault> {
        let remote = FolderRemote { root: root.to_path_buf(), server: root.display().to_string() };
        let found = fault::point("remote.connect").and_then(|()| fs::metadata(root));
        match found {
            Ok(meta) if meta.is_dir() => remote.mounted(),
            Ok(_) => Err(remote.fault(Phase::Connect, "open", &io::Error::from(ErrorKind::NotADirectory))),
            Err(error) => Err(remote.fault(Phase::Connect, "open", &error)),
        }
    }

    /// The empty folder at which something should be mounted takes files, too.
    fn mounted(self) -> Result<FolderRemote, Fault> {
        let Some(place) = missing_at(&self.root) else { return Ok(self) };
        let text = format!("nothing is mounted at {}, where /etc/fstab says that something should be", place.display());
        Err(Fault {
            kind: FaultKind::Missing,
            server: self.server,
            phase: Phase::Connect,
            command: "open".into(),
            answer: Some(Reply { code: None, text }),
            advice: Some(Advice("Mount it; what is written there meanwhile, the partner does not see".into())),
        })
    }

    fn path(&self, folder: &Folder) -> PathBuf {
        let below = folder.as_bytes();
        let below = &below[below.iter().position(|&b| b != b'/').unwrap_or(below.len())..];
        if below.is_empty() { self.root.clone() } else { self.root.join(Path::new(std::ffi::OsStr::from_bytes(below))) }
    }

    fn file(&self, folder: &Folder, name: &[u8]) -> PathBuf {
        self.path(folder).join(std::ffi::OsStr::from_bytes(name))
    }

    /// A word of the system, as a server's.
    fn fault(&self, phase: Phase, command: &str, error: &io::Error) -> Fault {
        use ErrorKind as K;
        let kind = match error.kind() {
            K::NotFound | K::NotADirectory => FaultKind::Missing,
            K::QuotaExceeded => FaultKind::Refused,
            _ if is_refusal(error) => FaultKind::Refused,
            _ => FaultKind::Transient,
        };
        let advice = match error.kind() {
            K::NotFound => Some("Make the folder, or mount what belongs there"),
            K::PermissionDenied => Some("Give the daemon's user the right to read, write and search there"),
            _ => None,
        };
        Fault {
            kind,
            server: self.server.clone(),
            phase,
            command: command.into(),
            answer: Some(reply(error)),
            advice: advice.map(|words| Advice(words.into())),
        }
    }

    fn facts_of(&self, folder: &Folder, name: &[u8]) -> io::Result<Option<Facts>> {
        match fs::symlink_metadata(self.file(folder, name)) {
            Ok(meta) if meta.is_file() => Ok(Some(facts(&meta))),
            // A folder or link of that name is none of the files we speak of.
            Ok(_) => Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn rename_one(&self, folder: &Folder, from: &[u8], to: &Target) -> Result<Renamed, Fault> {
        let (old, new) = (self.file(folder, from), self.file(to.folder.as_ref().unwrap_or(folder), &to.name));
        let command = || format!("rename {} to {}", shown(from), new.display());
        let wrong = |error: &io::Error| self.fault(Phase::Claim, &command(), error);
        fault::point("remote.ask").map_err(|e| wrong(&e))?;
        let renamed = match rename_new(&old, &new) {
            Ok(()) => Renamed::Done,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Renamed::Taken,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // Either the file is gone or the folder it should go to is not there.
                match self.facts_of(folder, from).map_err(|e| wrong(&e))? {
                    None => Renamed::Missing,
                    Some(_) => Renamed::Refused(reply(&error)),
                }
            }
            Err(error) if is_refusal(&error) => Renamed::Refused(reply(&error)),
            Err(error) => return Err(wrong(&error)),
        };
        fault::point("remote.asked").map_err(|e| wrong(&e))?;
        Ok(renamed)
    }

    fn remove_one(&self, folder: &Folder, name: &[u8]) -> Result<Removed, Fault> {
        let wrong = |error: &io::Error| self.fault(Phase::Remove, &format!("remove {}", shown(name)), error);
        fault::point("remote.ask").map_err(|e| wrong(&e))?;
        let removed = match fs::remove_file(self.file(folder, name)) {
            Ok(()) => Removed::Done,
            Err(error) if error.kind() == ErrorKind::NotFound => Removed::Missing,
            Err(error) if is_refusal(&error) => Removed::Refused(reply(&error)),
            Err(error) => return Err(wrong(&error)),
        };
        fault::point("remote.asked").map_err(|e| wrong(&e))?;
        Ok(removed)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }
}

impl Remote for FolderRemote {
    fn list(&mut self, folder: &Folder, take: &mut dyn FnMut(Entry<'_>)) -> Result<Listed, Fault> {
        let path = self.path(folder);
        let wrong = |error: &io::Error| self.fault(Phase::List, &format!("list {}", path.display()), error);
        fault::point("remote.list").map_err(|e| wrong(&e))?;
        for entry in fs::read_dir(&path).map_err(|e| wrong(&e))? {
            let entry = entry.map_err(|e| wrong(&e))?;
            match fs::symlink_metadata(entry.path()) {
                Ok(meta) if meta.is_file() => take(Entry { name: entry.file_name().as_bytes(), facts: facts(&meta) }),
                Ok(_) => {}
                // Taken away while we looked.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(wrong(&error)),
            }
        }
        Ok(Listed { sort: ListingSort::Folder, not_understood: 0 })
    }

    fn facts(&mut self, folder: &Folder, names: &[&[u8]]) -> Result<Vec<Option<Facts>>, Fault> {
        let found = names.iter().map(|name| {
            let asked = fault::point("remote.ask").and_then(|()| self.facts_of(folder, name));
            asked.map_err(|e| self.fault(Phase::Ask, &format!("look at {}", shown(name)), &e))
        });
        found.collect()
    }

    fn rename(&mut self, folder: &Folder, pairs: &[(&[u8], &Target)]) -> Result<Vec<Renamed>, Fault> {
        pairs.iter().map(|(from, to)| self.rename_one(folder, from, to)).collect()
    }

    fn fetch(
        &mut self,
        folder: &Folder,
        name: &[u8],
        from: u64,
        _expected: Option<u64>,
        out: &mut dyn Write,
    ) -> Result<u64, Broken> {
        let wrong = |error: &io::Error| {
            let mut fault = self.fault(Phase::Fetch, &format!("read {}", shown(name)), error);
            if error.kind() == ErrorKind::NotFound {
                fault.advice = None;
            }
            Broken::Theirs(fault)
        };
        let mut file =
            fault::point("remote.fetch").and_then(|()| open_plain(&self.file(folder, name))).map_err(|e| wrong(&e))?;
        io::Seek::seek(&mut file, io::SeekFrom::Start(from)).map_err(|e| wrong(&e))?;
        let (mut piece, mut count) = (vec![0; PIECE_BYTES], 0);
        loop {
            let read = match file.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(wrong(&error)),
            };
            fault::point("remote.fetch").map_err(|e| wrong(&e))?;
            out.write_all(&piece[..read]).map_err(Broken::Ours)?;
            count += read as u64;
        }
        fault::point("remote.fetched").map_err(|e| wrong(&e))?;
        Ok(count)
    }

    fn send(&mut self, folder: &Folder, temp: &[u8], size: u64, from: &mut dyn Read) -> Result<(), Broken> {
        let path = self.file(folder, temp);
        let wrong =
            |error: &io::Error| Broken::Theirs(self.fault(Phase::Send, &format!("write {}", shown(temp)), error));
        let open = || File::options().write(true).create(true).truncate(true).mode(FILE_MODE).open(&path);
        let mut file = fault::point("remote.send").and_then(|()| open()).map_err(|e| wrong(&e))?;
        let (mut piece, mut count) = (vec![0; PIECE_BYTES], 0);
        loop {
            let read = match from.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Broken::Ours(error)),
            };
            let sent = fault::point("remote.send").and_then(|()| file.write_all(&piece[..read]));
            sent.map_err(|e| wrong(&e))?;
            count += read as u64;
        }
        if count != size {
            let words = format!("the file has {count} bytes instead of {size}");
            return Err(Broken::Ours(io::Error::other(words)));
        }
        fault::point("remote.sent").and_then(|()| file.sync_all()).map_err(|e| wrong(&e))?;
        let kept = file.metadata().map_err(|e| wrong(&e))?.len();
        if kept != size {
            let words = format!("it keeps {kept} of {size} bytes");
            return Err(wrong(&io::Error::other(words)));
        }
        Ok(())
    }

    /// One rename takes the old one's place.
    fn replace(&mut self, folder: &Folder, temp: &[u8], name: &[u8], _aside: &[u8]) -> Result<Replaced, Fault> {
        let (old, new) = (self.file(folder, temp), self.file(folder, name));
        let command = || format!("rename {} to {}", shown(temp), shown(name));
        let wrong = |error: &io::Error| self.fault(Phase::Replace, &command(), error);
        fault::point("remote.replace").and_then(|()| fs::rename(&old, &new)).map_err(|e| wrong(&e))?;
        fault::point("remote.asked").and_then(|()| self.sync_folder(&new)).map_err(|e| wrong(&e))?;
        Ok(Replaced::AtOnce)
    }

    fn remove(&mut self, folder: &Folder, names: &[&[u8]]) -> Result<Vec<Removed>, Fault> {
        names.iter().map(|name| self.remove_one(folder, name)).collect()
    }

    /// Of a folder both are one right: to write in it.
    fn refuses(&mut self, folder: &Folder, _what: Change, _name: &[u8]) -> Result<Option<Reply>, Fault> {
        let path = self.path(folder);
        let asked = rustix::fs::accessat(CWD, &path, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS);
        Ok(asked.err().map(|error| reply(&error.into())))
    }

    fn server(&self) -> &str {
        &self.server
    }

    fn is_there(&mut self) -> bool {
        true
    }

    fn probe(&mut self) -> Result<Probe, Fault> {
        let folder = self.root.canonicalize().map_err(|e| self.fault(Phase::Connect, "find", &e))?;
        Ok(Probe { greeting: "a folder".into(), folder: folder.as_os_str().as_bytes().to_vec(), ..Probe::default() })
    }

    fn hang_up(self: Box<Self>) {}
}

fn facts(meta: &fs::Metadata) -> Facts {
    let mtime_ns = meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec());
    Facts { size: Some(meta.size()), stamp: Stamp::OfFolder(format!("{mtime_ns}.{}", meta.ino())) }
}

fn reply(error: &io::Error) -> Reply {
    Reply { code: None, text: error.to_string() }
}

/// A word about this one file; anything else is a word about the folder or the line to it.
fn is_refusal(error: &io::Error) -> bool {
    use ErrorKind as K;
    matches!(
        error.kind(),
        K::PermissionDenied | K::ReadOnlyFilesystem | K::IsADirectory | K::CrossesDevices | K::InvalidFilename
    )
}

/// No symlink, no pipe that would never end.
fn open_plain(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::options().read(true).custom_flags(flags.bits() as i32).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(ErrorKind::InvalidInput, "it is not a plain file"))
    }
}

/// Never over another: where the file system cannot promise that in one step, it is looked for first.
fn rename_new(old: &Path, new: &Path) -> io::Result<()> {
    match renameat_with(CWD, old, CWD, new, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => match fs::symlink_metadata(new) {
            Ok(_) => Err(ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == ErrorKind::NotFound => fs::rename(old, new),
            Err(error) => Err(error),
        },
        done => Ok(done?),
    }
}

/// A name for people.
fn shown(name: &[u8]) -> String {
    format!("\"{}\"", name.escape_ascii())
}
