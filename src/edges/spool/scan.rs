//! What lies in an intake folder: every name that may be taken, compactly (100,000 files are a few megabytes), and what is
//! odd about the others. Sub-folders, `.x`, `*.part`, `*.tmp`, `*.filepart` are not taken and not mentioned.
//! Decides nothing: whether a file is complete is said by `model::rules::settle`.

use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{Access, AtFlags, Dir, FileType, Mode, OFlags, Stat, accessat, fstat, lstat, open, statat};

use super::error::{Result, SpoolError, shown, shown_name};
use super::step::Meta;
use super::{Place, Spool};
use crate::edges::fault;

/// Endings under which senders write what is not yet whole.
const UNFINISHED: [&[u8]; 3] = [b".part", b".tmp", b".filepart"];
/// A partner who drops 100,000 symlinks gets so many notices and a count.
const ODD_KEPT: usize = 100;
/// Read bits for owner, group and all: no need to ask the system about such a file.
const READ_ALL: u32 = 0o444;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    File,
    Symlink,
    Folder,
    /// Pipe, socket, device.
    Other,
    /// A file whose mode does not let us read it.
    Unreadable,
}

impl Kind {
    /// Stable, for log lines.
    pub fn code(self) -> &'static str {
        match self {
            Kind::File => "file",
            Kind::Symlink => "symlink",
            Kind::Folder => "folder-named-like-a-file",
            Kind::Other => "not-a-file",
            Kind::Unreadable => "unreadable",
        }
    }
}

/// Why a name in an intake's folder is neither taken nor mentioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassedOver {
    /// It begins with a dot.
    Hidden,
    /// It ends like a file that is still being written.
    Unfinished,
    SubFolder,
}

/// What a name in an intake's folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sort {
    File,
    PassedOver(PassedOver),
    Odd(Odd),
}

/// A file that may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    pub name: &'a [u8],
    pub meta: Meta,
}

/// A name that will not be taken, with the reason for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Odd {
    pub name: Vec<u8>,
    pub kind: Kind,
    pub inode: u64,
}

impl Odd {
    /// Where, found, expected, what to do.
    pub fn reason(&self) -> String {
        let name = shown_name(&self.name);
        match self.kind {
            Kind::Symlink => {
                format!("{name} is a symlink and is not followed; expected the file itself. Copy or move it here")
            }
            Kind::Folder => format!(
                "{name} is a folder, not a file; expected a file. Move the files in it up one level, or remove it"
            ),
            Kind::Unreadable => format!(
                "{name} may not be read by this program; expected read permission for its group. Correct its mode or owner"
            ),
            Kind::Other | Kind::File => format!("{name} is a pipe, socket or device; expected a file. Remove it"),
        }
    }
}

/// All of a folder at one look; names in one block of memory.
#[derive(Debug, Default)]
pub struct Listing {
    names: Vec<u8>,
    files: Vec<(u32, Meta)>,
    odd: Vec<Odd>,
    odd_count: u64,
    remade: bool,
}

impl Listing {
    pub fn len(&self) -> usize {
        self.files.len()
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    pub fn entry(&self, index: usize) -> Entry<'_> {
        let (start, meta) = self.files[index];
        let end = self.files.get(index + 1).map_or(self.names.len(), |next| next.0 as usize);
        Entry { name: &self.names[start as usize..end], meta }
    }

    pub fn entries(&self) -> impl ExactSizeIterator<Item = Entry<'_>> {
        (0..self.len()).map(|index| self.entry(index))
    }

    /// The first of them; `odd_count` says how many there are.
    pub fn odd(&self) -> &[Odd] {
        &self.odd
    }

    pub fn odd_count(&self) -> u64 {
        self.odd_count
    }

    /// The folder was missing and was made anew.
    pub fn was_remade(&self) -> bool {
        self.remade
    }

    fn add(&mut self, name: &[u8], kind: Kind, meta: Meta) {
        if kind == Kind::File {
            let start = u32::try_from(self.names.len()).expect("scan stops before 4 GB of names");
            self.files.push((start, meta));
            self.names.extend_from_slice(name);
            return;
        }
        self.odd_count += 1;
        if self.odd.len() < ODD_KEPT {
            self.odd.push(Odd { name: name.to_owned(), kind, inode: meta.inode });
        }
    }

    /// Beyond, the rest waits for the next look.
    fn is_full(&self) -> bool {
        self.names.len() > (u32::MAX / 2) as usize
    }
}

/// Which odd names of one intake have been told: each once, and again only after it was gone.
#[derive(Debug, Default)]
pub struct Oddities {
    told: HashSet<(u64, &'static str)>,
}

impl Oddities {
    /// Those of this look that nobody has heard of yet.
    pub fn new_ones<'l>(&mut self, listing: &'l Listing) -> Vec<&'l Odd> {
        let now: HashSet<_> = listing.odd().iter().map(|odd| (odd.inode, odd.kind.code())).collect();
        let fresh = listing.odd().iter().filter(|odd| !self.told.contains(&(odd.inode, odd.kind.code()))).collect();
        self.told = now;
        fresh
    }
}

/// So long an open folder is looked at again. Of a network's folder an opening tells what others did meanwhile, and a look may not.
const LOOKED_AT_AGAIN: Duration = Duration::from_secs(1);

/// A drop folder that stays open while one look follows another: opening it anew would ring its own watch.
#[derive(Default)]
pub struct KeptOpen(Option<Opened>);

struct Opened {
    dir: Dir,
    identity: (u64, u64),
    until: Duration,
}

impl KeptOpen {
    /// The folder that has this path now, at its beginning.
    fn dir(&mut self, path: &Path, now: Duration) -> io::Result<&mut Dir> {
        let identity = |stat: Stat| (stat.st_dev, stat.st_ino);
        let there = identity(lstat(path)?);
        let kept = self.0.take().filter(|kept| kept.identity == there && now < kept.until);
        let opened = self.0.insert(match kept {
            Some(mut kept) => {
                kept.dir.rewind();
                kept
            }
            None => {
                let folder = open_folder(path)?;
                let identity = identity(fstat(&folder)?);
                Opened { dir: Dir::new(folder)?, identity, until: now + LOOKED_AT_AGAIN }
            }
        });
        Ok(&mut opened.dir)
    }
}

impl Spool {
    /// One look into a drop folder. A folder that is missing is made.
    pub fn scan(&self, place: Place<'_>) -> Result<Listing> {
        self.scan_again(place, &mut KeptOpen::default(), Duration::ZERO)
    }

    /// The same for who looks often; `now` by the monotonic clock.
    pub fn scan_again(&self, place: Place<'_>, kept: &mut KeptOpen, now: Duration) -> Result<Listing> {
        let folder = self.folder(place)?;
        let mut listing = Listing::default();
        let filled = match fault::point("spool.scan").and_then(|()| fill(&mut listing, kept.dir(&folder, now))) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                self.make(place)?;
                listing.remade = true;
                fill(&mut listing, kept.dir(&folder, now))
            }
            filled => filled,
        };
        filled.map_err(|e| SpoolError::new(format!("list {}", shown(&folder)), e))?;
        Ok(listing)
    }
}

impl Spool {
    /// What one name in a drop folder is, by the same rules as `scan`; `None` when there is nothing of that name.
    pub fn sort_of(&self, place: Place<'_>, name: &[u8]) -> Result<Option<(Sort, Meta)>> {
        let path = self.path(place, name)?;
        let wrong = |e: io::Error| SpoolError::new(format!("look at {}", shown(&path)), e);
        let folder = match open_folder(&self.folder(place)?) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            folder => folder.map_err(wrong)?,
        };
        let c_name = CString::new(name).map_err(|e| wrong(e.into()))?;
        let stat = match statat(&folder, &c_name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            stat => stat.map_err(|e| wrong(e.into()))?,
        };
        let kind = kind_of(&folder, &c_name, &stat);
        let sort = match (passed_over(name), kind) {
            (Some(why), _) => Sort::PassedOver(why),
            (None, Kind::File) => Sort::File,
            (None, Kind::Folder) if !is_named_like_a_file(name) => Sort::PassedOver(PassedOver::SubFolder),
            (None, kind) => Sort::Odd(Odd { name: name.to_owned(), kind, inode: stat.st_ino }),
        };
        Ok(Some((sort, meta_of(&stat))))
    }
}

fn open_folder(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(open(path, flags, Mode::empty())?)
}

fn fill(listing: &mut Listing, folder: io::Result<&mut Dir>) -> io::Result<()> {
    let dir = folder?;
    while let Some(entry) = dir.read() {
        let entry = entry?;
        let folder = dir.fd()?;
        let name = entry.file_name();
        if passed_over(name.to_bytes()).is_some() {
            continue;
        }
        if entry.file_type() == FileType::Directory && !is_named_like_a_file(name.to_bytes()) {
            continue;
        }
        let stat = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            // Gone since it was listed.
            Err(rustix::io::Errno::NOENT) => continue,
            stat => stat?,
        };
        let kind = kind_of(folder, name, &stat);
        if kind != Kind::Folder || is_named_like_a_file(name.to_bytes()) {
            listing.add(name.to_bytes(), kind, meta_of(&stat));
        }
        if listing.is_full() {
            break;
        }
    }
    Ok(())
}

fn kind_of(folder: impl AsFd, name: &CStr, stat: &Stat) -> Kind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile if stat.st_mode & READ_ALL == READ_ALL => Kind::File,
        FileType::RegularFile => match accessat(folder, name, Access::READ_OK, AtFlags::empty()) {
            Ok(()) => Kind::File,
            Err(_) => Kind::Unreadable,
        },
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Symlink,
        _ => Kind::Other,
    }
}

fn meta_of(stat: &Stat) -> Meta {
    let mtime_ns = stat.st_mtime.saturating_mul(1_000_000_000).saturating_add(stat.st_mtime_nsec as i64);
    Meta { size: stat.st_size as u64, mtime_ns, inode: stat.st_ino, uid: stat.st_uid }
}

fn passed_over(name: &[u8]) -> Option<PassedOver> {
    let ends = |end: &&[u8]| name.len() >= end.len() && name[name.len() - end.len()..].eq_ignore_ascii_case(end);
    if name.starts_with(b".") {
        return Some(PassedOver::Hidden);
    }
    UNFINISHED.iter().any(ends).then_some(PassedOver::Unfinished)
}

/// `orders.xml`, unlike `archive` or `2026.Q4 old`: somebody may believe that it was sent.
fn is_named_like_a_file(name: &[u8]) -> bool {
    let Some(dot) = name.iter().rposition(|&b| b == b'.') else { return false };
    let extension = &name[dot + 1..];
    dot > 0 && (1..=5).contains(&extension.len()) && extension.iter().all(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_passed_over_and_what_is_named_like_a_file() {
        for name in ["..x", ".orders.xml", "a.part", "a.TMP", "a.csv.filepart", ".part"] {
            assert!(passed_over(name.as_bytes()).is_some(), "{name}");
        }
        for name in ["a.parts", "part", "tmp", "a.tmp.csv", "\n"] {
            assert!(passed_over(name.as_bytes()).is_none(), "{name}");
        }
        let looks: Vec<bool> = ["orders.xml", "a.b.csv", "archive", "2026.Q4 old", "x.", "v1.2026-11"]
            .map(|n| is_named_like_a_file(n.as_bytes()))
            .into();
        assert_eq!(looks, [true, true, false, false, false, false]);
    }
}
