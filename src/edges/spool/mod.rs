//! The spool: a folder is a state, a change of state is one rename. Owns every path below the root; nobody else joins one.
//! Parts: `place` and `name` (what stands where, called what), `step` (rename, write whole, remove: each one system call
//! that counts), `draft` (a file being written), `scan` (an intake folder), `walk` (all files of a state), `writer` (is it
//! still being written?), `parked` (written, and not yet on the disk), `straight` (the same for what is large), `numbers` (high-water marks), `mark` (ours at remotes), `lineage` (its database), `commands`, `waiting` (what waits and why), `rights`.
//! It decides nothing and knows no ledger: which file goes where is said by `model::rules` and the flows. spool/README.md is
//! the same for people.

mod commands;
mod draft;
mod error;
pub mod ground;
mod holding;
mod lineage;
mod mark;
mod moving;
mod name;
mod numbers;
mod parked;
mod place;
mod rights;
mod scan;
mod step;
mod straight;
mod syncing;
mod unnamed;
mod waiting;
mod walk;
mod writeback;
mod writer;

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use rustix::fs::{AtFlags, CWD, StatxFlags, statx, syncfs};

pub use commands::Command;
pub use draft::Draft;
pub use error::{Result, SpoolError, shown_name};
pub use holding::Holding;
pub use moving::{Mover, Moving};
pub use name::{Role, day_archive_name, role_of, state_name};
pub use numbers::Marks;
pub use parked::{Arriving, Parked};
pub use place::{Place, State};
pub use rights::Denied;
pub use scan::{Entry, KeptOpen, Kind, Listing, Odd, Oddities, PassedOver, Sort};
pub use step::{Existing, Lasting, Meta};
pub use syncing::{Syncer, Syncing};
pub use walk::{Astray, Found};

use crate::edges::fault;
use error::shown;

/// Set-group-id, so that whatever is made below belongs to the folder's group, whoever makes it.
const SETGID: u32 = 0o2000;
/// Mostly enough for what stands below the root.
const PATH_ROOM: usize = 128;
/// Asked for; the umask of the process takes away what the site does not want.
const FOLDER_MODE: u32 = 0o775;
const README: &[u8] = include_bytes!("../../../spool/README.md");

/// An open spool. Cheap to share: no state of its own but where it is.
#[derive(Debug)]
pub struct Spool {
    root: PathBuf,
    /// For the sync of the whole file system.
    handle: File,
    drafts: draft::Names,
    /// Files that have no name yet.
    nameless: Arc<AtomicUsize>,
    /// They can be given one, by way of /proc.
    names_later: bool,
    /// The power-cut rig's counter-proof: without the sync, files must get lost. Debug builds only.
    syncs: bool,
}

impl Spool {
    /// Opens the spool and makes what is missing of it. Touches no file: see `remove_stale_drafts`.
    pub fn open(root: &Path) -> Result<Spool> {
        make_root(root).map_err(|e| SpoolError::new(format!("make the folder {}", shown(root)), e))?;
        let root = root.canonicalize().map_err(|e| SpoolError::new(format!("find {}", shown(root)), e))?;
        let handle = File::open(&root).map_err(|e| SpoolError::new(format!("open {}", shown(&root)), e))?;
        let drafts = draft::Names::new().map_err(|e| SpoolError::new("name files being written", e))?;
        let syncs = !(cfg!(debug_assertions) && std::env::var_os("NATTPOST_NO_SYNC").is_some_and(|v| v == "1"));
        let names_later = Path::new("/proc/self/fd").exists();
        let spool = Spool { root, handle, drafts, nameless: Arc::default(), names_later, syncs };
        for state in State::ALL {
            spool.make_folder(&spool.root.join(state.folder()))?;
        }
        let readme = spool.root.join("README.md");
        if !readme.exists() {
            let mut draft = spool.draft(State::Tmp)?;
            draft.write_all(README).map_err(|e| SpoolError::new(format!("write {}", shown(&readme)), e))?;
            // Two that open a new spool at once write the same page.
            draft.publish_at(&readme, Existing::Replace, Lasting::NextSync)?;
        }
        Ok(spool)
    }

    /// One in which something is tried, and which nobody keeps: nothing of it has to reach the disk.
    pub fn for_trial(self) -> Spool {
        Spool { syncs: false, ..self }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// For the instance lock.
    pub fn lock_path(&self) -> PathBuf {
        self.root.join(".lock")
    }

    /// The folder of a place, for people and for the watch.
    pub fn folder(&self, place: Place<'_>) -> Result<PathBuf> {
        let mut path = PathBuf::with_capacity(self.root.as_os_str().len() + PATH_ROOM);
        path.push(&self.root);
        place.push_onto(&mut path).map_err(|e| SpoolError::new(format!("name a folder for {place:?}"), e))?;
        Ok(path)
    }

    /// The path of a file, for people (reason texts, `explain`) and for readers that take a path.
    pub fn path(&self, place: Place<'_>, name: &[u8]) -> Result<PathBuf> {
        let step = place::checked(name).map_err(|e| SpoolError::new("name a file of the spool", e))?;
        let mut path = self.folder(place)?;
        path.push(step);
        Ok(path)
    }

    /// Makes the folder of a place with all above it.
    pub fn make(&self, place: Place<'_>) -> Result<()> {
        self.make_folder(&self.folder(place)?)
    }

    /// Everything written so far is on the disk when this returns: one call for any number of files.
    pub fn sync(&self) -> Result<()> {
        fault::point("spool.sync").map_err(|e| self.cannot_sync(e))?;
        self.sync_now()
    }

    fn sync_now(&self) -> Result<()> {
        if self.syncs { syncfs(&self.handle).map_err(|e| self.cannot_sync(e.into())) } else { Ok(()) }
    }

    fn cannot_sync(&self, error: io::Error) -> SpoolError {
        SpoolError::new(format!("sync the file system of {}", shown(&self.root)), error)
    }

    /// Places that lie on another file system or mount than the root, where a rename cannot reach: their paths. Looks at
    /// all state folders, and at the given places (intakes are often mounted), which must be there.
    pub fn elsewhere<'a>(&self, places: impl IntoIterator<Item = Place<'a>>) -> Result<Vec<PathBuf>> {
        let here = mount(&self.root)?;
        let states = State::ALL.iter().map(|state| Ok(self.root.join(state.folder())));
        let mut found = Vec::new();
        for folder in states.chain(places.into_iter().map(|place| self.folder(place))) {
            let folder = folder?;
            if mount(&folder)? != here {
                found.push(folder);
            }
        }
        Ok(found)
    }

    fn make_folder(&self, folder: &Path) -> Result<()> {
        let wrong = |path: &Path, e| SpoolError::new(format!("make the folder {}", shown(path)), e);
        let below = folder.strip_prefix(&self.root).expect("every folder is joined to the root");
        let mut path = self.root.clone();
        for step in below {
            path.push(step);
            if path.is_dir() {
                continue;
            }
            make_one(&path).map_err(|e| match e.kind() {
                io::ErrorKind::AlreadyExists => wrong(&path, rustix::io::Errno::NOTDIR.into()),
                _ => wrong(&path, e),
            })?;
        }
        Ok(())
    }
}

fn make_root(root: &Path) -> io::Result<()> {
    if root.is_dir() {
        return Ok(());
    }
    if let Some(above) = root.parent().filter(|above| !above.as_os_str().is_empty()) {
        fs::create_dir_all(above)?;
    }
    make_one(root)
}

/// The system takes away what the umask says. Below a folder with the group bit the kernel sets it; elsewhere it is set here,
/// since mkdir itself ignores it. A system that lets nobody set it (systemd's RestrictSUIDSGID) leaves the folder to the group
/// of whoever made it: no reason not to work.
fn make_one(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fault::point("spool.mkdir")?;
    match fs::DirBuilder::new().mode(FOLDER_MODE).create(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => return Ok(()),
        made => made?,
    }
    let mode = fs::symlink_metadata(path)?.permissions().mode();
    if mode & SETGID != 0 {
        return Ok(());
    }
    match fs::set_permissions(path, fs::Permissions::from_mode((mode & 0o777) | SETGID)) {
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        set => set,
    }
}

/// Device and mount: a bind mount has the device of its origin, and renames still do not cross it.
fn mount(path: &Path) -> Result<(u32, u32, u64)> {
    let found = statx(CWD, path, AtFlags::empty(), StatxFlags::BASIC_STATS | StatxFlags::MNT_ID)
        .map_err(|e| SpoolError::new(format!("look at {}", shown(path)), e))?;
    Ok((found.stx_dev_major, found.stx_dev_minor, found.stx_mnt_id))
}
