//! Wakes the loop when something happens in a watched folder. A wake-up carries no truth: it says which folders are worth
//! a scan, the scan finds out. What the kernel dropped, a folder that was renamed away and made anew, or a folder without
//! events (network, no inotify left) are covered: by "scan all", by watching again, and by the periodic scan.
//! Waiting for the ring is the loop's business; the watcher's thread never waits for anybody.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind, RenameMode};
use notify::{ErrorKind, Event, RecommendedWatcher, RecursiveMode, Watcher};

/// Default of the pause between two scans of everything: what a folder without events waits at most.
pub const SCAN_EVERY: Duration = Duration::from_secs(60);

/// What is worth a scan.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Woken {
    /// Every folder.
    pub all: bool,
    /// Else these, by their place in the list given to `start`.
    pub folders: BTreeSet<usize>,
}

/// Watches until dropped.
pub struct Watch {
    folders: Vec<Watched>,
    /// `None`: the machine has no watch for us, the periodic scan does it alone.
    watcher: Option<RecommendedWatcher>,
    shared: Arc<Shared>,
    scan_every: Duration,
    last_full: Option<Duration>,
    problem: Problem,
}

struct Watched {
    path: PathBuf,
    /// Device and inode when the watch was set; `None`: not watched.
    identity: Option<(u64, u64)>,
    /// Its backlog is worked off, and it is looked at afterwards: nobody wants to hear of it.
    rests: bool,
}

/// What people are told about: once until it changes.
#[derive(Debug, Default)]
struct Problem {
    text: Option<String>,
    told: bool,
}

impl Problem {
    fn replace(&mut self, text: Option<String>) {
        if self.text != text {
            *self = Problem { told: text.is_none(), text };
        }
    }
}

/// What the watcher's thread and the loop share.
struct Shared {
    pending: Mutex<Pending>,
    by_path: HashMap<PathBuf, usize>,
    ring: Box<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct Pending {
    woken: Woken,
    /// Folders that went away, or came anew: to be watched again.
    lost: BTreeSet<usize>,
}

impl Pending {
    fn is_empty(&self) -> bool {
        !self.woken.all && self.woken.folders.is_empty() && self.lost.is_empty()
    }
}

impl Watch {
    /// Watches these folders. `ring` is called from the watcher's thread when something is pending and nothing was
    /// before, so at most once for each `take`; it must not wait.
    pub fn start(folders: Vec<PathBuf>, scan_every: Duration, ring: impl Fn() + Send + Sync + 'static) -> Watch {
        let by_path = folders.iter().cloned().zip(0..).collect();
        let shared = Arc::new(Shared { pending: Mutex::default(), by_path, ring: Box::new(ring) });
        let folders = folders.into_iter().map(|path| Watched { path, identity: None, rests: false }).collect();
        let mut problem = Problem::default();
        let hears = Arc::clone(&shared);
        let watcher = match notify::recommended_watcher(move |event| hears.hear(event)) {
            Ok(watcher) => Some(watcher),
            Err(e) => {
                let every = scan_every.as_secs();
                let advice = "Raise fs.inotify.max_user_instances";
                problem.replace(Some(format!(
                    "no folder is watched ({}): files are found by the scan every {every} s. {advice}",
                    cause(&e)
                )));
                None
            }
        };
        let mut watch = Watch { folders, watcher, shared, scan_every, last_full: None, problem };
        watch.check();
        watch
    }

    /// What is worth a scan now; takes it. Never more than `scan_every` passes between two times of "all", and the first
    /// time is one.
    pub fn take(&mut self, now: Duration) -> Woken {
        let Pending { mut woken, lost } = std::mem::take(&mut *self.shared.lock());
        if self.until_scan(now).is_zero() {
            woken.all = true;
        }
        if woken.all {
            self.last_full = Some(now);
            // What was lost may have been the news that a folder went away.
            self.check();
        }
        for index in lost {
            if self.folders[index].rests {
                continue;
            }
            if let Some(refused) = self.watch_again(index) {
                self.problem.replace(Some(refused));
            }
            woken.folders.insert(index);
        }
        woken
    }

    /// How long the loop may sleep before it must `take`.
    pub fn until_scan(&self, now: Duration) -> Duration {
        self.last_full.map_or(Duration::ZERO, |last| (last + self.scan_every).saturating_sub(now))
    }

    /// Why folders are not watched, for a person; each text once.
    pub fn take_problem(&mut self) -> Option<String> {
        let is_new = !std::mem::replace(&mut self.problem.told, true);
        if is_new { self.problem.text.clone() } else { None }
    }

    /// While the backlog of a folder is worked off every move of ours would ring, thousands of times for nothing. Until it
    /// is watched again nothing of it is heard.
    pub fn rest(&mut self, index: usize) {
        let folder = &mut self.folders[index];
        let Some(watcher) = self.watcher.as_mut().filter(|_| !folder.rests) else { return };
        // That there is no watch any more is no error.
        let _ = watcher.unwatch(&folder.path);
        (folder.rests, folder.identity) = (true, None);
    }

    /// False: only the periodic scan finds what comes into this folder.
    pub fn hears_of(&self, index: usize) -> bool {
        self.folders[index].identity.is_some()
    }

    pub fn rests(&self, index: usize) -> bool {
        self.folders[index].rests
    }

    /// Ends the rest. To be called before the folder is looked at, so that what comes after the look is heard.
    pub fn wake(&mut self, index: usize) {
        if std::mem::take(&mut self.folders[index].rests)
            && let Some(refused) = self.watch_again(index)
        {
            self.problem.replace(Some(refused));
        }
    }

    /// Watches what is not watched, or is another folder now than the one that was.
    fn check(&mut self) {
        if self.watcher.is_none() {
            return;
        }
        let mut refused = self.watch_parents();
        for index in 0..self.folders.len() {
            let folder = &self.folders[index];
            if !folder.rests && (folder.identity.is_none() || folder.identity != identity(&folder.path)) {
                refused = self.watch_again(index).or(refused);
            }
        }
        self.problem.replace(refused);
    }

    /// Gives back why the system refuses, for a person.
    fn watch_again(&mut self, index: usize) -> Option<String> {
        let folder = &mut self.folders[index];
        let watcher = self.watcher.as_mut()?;
        // The old watch follows the old folder wherever it went. That there is none any more is no error.
        let _ = watcher.unwatch(&folder.path);
        // Taken before the watch is set: should the folder be exchanged in between, the next check sees it.
        folder.identity = identity(&folder.path);
        let refused = watcher.watch(&folder.path, RecursiveMode::NonRecursive).err()?;
        folder.identity = None;
        refusal(&refused, &folder.path, self.scan_every)
    }

    /// They tell that a watched folder was made anew; without them the periodic check does. Setting a watch that is there
    /// changes nothing.
    fn watch_parents(&mut self) -> Option<String> {
        let watcher = self.watcher.as_mut()?;
        let parents: BTreeSet<&Path> = self.folders.iter().filter_map(|folder| folder.path.parent()).collect();
        let unwatched = parents.into_iter().filter(|parent| !self.shared.by_path.contains_key(*parent));
        let mut refused = None;
        for parent in unwatched {
            if let Err(e) = watcher.watch(parent, RecursiveMode::NonRecursive) {
                refused = refused.or(refusal(&e, parent, self.scan_every));
            }
        }
        refused
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        // Nothing in here panics halfway: what is pending is whole even if its last holder died.
        self.pending.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn hear(&self, event: notify::Result<Event>) {
        let rings = {
            let mut pending = self.lock();
            let was_empty = pending.is_empty();
            match event {
                // First of all: an overflow has no paths.
                Ok(event) if event.need_rescan() => pending.woken.all = true,
                Ok(event) => self.note(&event, &mut pending),
                Err(_) => pending.woken.all = true,
            }
            was_empty && !pending.is_empty()
        };
        if rings {
            (self.ring)();
        }
    }

    fn note(&self, event: &Event, pending: &mut Pending) {
        let Some(news) = news_of(event.kind) else { return };
        for path in &event.paths {
            if let Some(&index) = self.by_path.get(path) {
                pending.lost.insert(index);
            } else if let (News::Came, Some(&index)) = (news, path.parent().and_then(|p| self.by_path.get(p))) {
                pending.woken.folders.insert(index);
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum News {
    /// A name appeared, or a file was closed after writing.
    Came,
    /// A name went: only of interest where it is a folder that is watched.
    Went,
}

/// Everything else (opened, read, grown, our own renames out of the folder) would only cost scans.
fn news_of(kind: EventKind) -> Option<News> {
    match kind {
        EventKind::Create(_)
        | EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => Some(News::Came),
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => Some(News::Went),
        _ => None,
    }
}

/// Why a folder cannot be watched, for a person. That it is not there is none: it is watched when it comes.
fn refusal(error: &notify::Error, folder: &Path, scan_every: Duration) -> Option<String> {
    let advice = match &error.kind {
        ErrorKind::PathNotFound => return None,
        ErrorKind::Io(e) if e.kind() == std::io::ErrorKind::NotFound => return None,
        ErrorKind::MaxFilesWatch => ". Raise fs.inotify.max_user_watches",
        _ => "",
    };
    let (folder, every) = (folder.display(), scan_every.as_secs());
    Some(format!(
        "{folder} and maybe others are not watched ({}): files are found by the scan every {every} s{advice}",
        cause(error)
    ))
}

fn cause(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::Io(e) => e.to_string(),
        ErrorKind::MaxFilesWatch => "no inotify watches left".to_owned(),
        kind => format!("{kind:?}"),
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let meta = fs::metadata(path).ok()?;
    meta.is_dir().then(|| (meta.dev(), meta.ino()))
}
