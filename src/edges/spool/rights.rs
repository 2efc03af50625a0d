//! Which folder of the spool this process may not work in, and whose it is: asked after the system refused something, so that
//! a person is told what to mend. It decides nothing.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::{Place, Spool, State};

/// A folder that may not be read, written or searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    pub path: PathBuf,
    pub uid: u32,
    pub gid: u32,
    /// Permission bits alone.
    pub mode: u32,
}

impl Spool {
    /// The topmost folder on the way to a place that keeps us from working in it. Nothing where rights are not to blame.
    pub fn denied(&self, place: Place<'_>) -> Option<Denied> {
        self.denied_below(place.relative().ok()?)
    }

    /// The first of the state folders that does.
    pub fn denied_anywhere(&self) -> Option<Denied> {
        State::ALL.into_iter().find_map(|state| self.denied_below(PathBuf::from(state.folder())))
    }

    fn denied_below(&self, below: PathBuf) -> Option<Denied> {
        let mut path = self.root().to_path_buf();
        // What is missing is made, which its folder has to allow; what cannot be looked at is missing too.
        let mut found = vec![path.clone()];
        for step in &below {
            path.push(step);
            if path.is_dir() {
                found.push(path.clone());
            }
        }
        let last = found.len() - 1;
        found.into_iter().enumerate().find_map(|(at, path)| {
            let all = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
            let needed = if at == last { all } else { Access::EXEC_OK };
            match accessat(CWD, &path, needed, AtFlags::EACCESS) {
                Err(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => {
                    let meta = path.metadata().ok();
                    let (uid, gid, mode) = meta.map_or((0, 0, 0), |m| (m.uid(), m.gid(), m.mode() & 0o7777));
                    Some(Denied { path, uid, gid, mode })
                }
                _ => None,
            }
        })
    }
}
