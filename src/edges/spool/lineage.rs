//! Which database the spool was last run with, as one line in its root, and the ids that stand in its folders. With these
//! a start notices that a database was lost, exchanged or restored from an older copy. It decides nothing.

use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use chrono::NaiveDate;

use super::error::{Result, SpoolError, shown};
use super::step::{Existing, Lasting};
use super::walk::folders;
use super::{Spool, State};
use crate::edges::fault;
use crate::model::ids::{Id, split_prefixed};

const FILE: &str = ".database";
/// Folders whose files have a verdict, or went out: the database knew them before they came here.
const SETTLED: [State; 4] = [State::HeldIn, State::Failed, State::Done, State::Sent];

impl Spool {
    /// The database this spool was last run with.
    pub fn named_database(&self) -> Result<Option<Id>> {
        let path = self.root().join(FILE);
        let text = match fs::read_to_string(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|e| SpoolError::new(format!("read {}", shown(&path)), e))?,
        };
        match Id::parse(text.trim_end()) {
            Some(id) => Ok(Some(id)),
            None => {
                let expected = "expected the id of the database as its only line. Remove the file if it was damaged: the \
                                next start compares the folders instead and writes it anew";
                Err(SpoolError::new(format!("understand {}", shown(&path)), io::Error::other(expected)))
            }
        }
    }

    /// On the disk when it returns.
    pub fn name_database(&self, database: Id) -> Result<()> {
        let path = self.root().join(FILE);
        let mut draft = self.draft(State::Tmp)?;
        writeln!(draft, "{database}").map_err(|e| draft.failed(e))?;
        draft.publish_at(&path, Existing::Replace, Lasting::Now)
    }

    /// Shows the ids in held/, failed/, done/ and sent/ with their paths, each folder of a day only if it is not before
    /// `since`. Names alone are read, so that a year of files costs little.
    pub fn settled_ids(&self, since: Option<NaiveDate>, visit: &mut dyn FnMut(Id, PathBuf)) -> Result<()> {
        for state in SETTLED {
            let root = self.root().join(state.folder());
            let wrong = |e| SpoolError::new(format!("list {}", shown(&root)), e);
            let listed = folders(&root, &mut |partner| {
                let middle = root.join(partner);
                folders(&middle, &mut |below| {
                    let day = NaiveDate::parse_from_str(below, "%Y-%m-%d").ok();
                    if since.is_none() || day.is_none() || day >= since {
                        fault::point("spool.list")?;
                        for entry in fs::read_dir(middle.join(below))? {
                            let entry = entry?;
                            if let Some((id, _)) = split_prefixed(entry.file_name().as_bytes()) {
                                visit(id, entry.path());
                            }
                        }
                    }
                    Ok(std::ops::ControlFlow::Continue(()))
                })
            });
            _ = listed.map_err(wrong)?;
        }
        Ok(())
    }
}
