//! All files of a state folder, for the recovery and the retention: where each stands, and whose id its name carries.
//! One folder at a time, nothing is kept. What it means is said by `model::rules::recovery`.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::error::{Result, SpoolError, shown};
use super::step::Meta;
use super::{Place, Spool, State};
use crate::edges::fault;
use crate::model::ids::{Id, split_prefixed};

/// Levels of sub-folders of out/ that are looked into; a feed's folder has one or two.
const OUT_DEPTH: usize = 8;

/// A file in a state folder.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    pub place: Place<'a>,
    pub name: &'a [u8],
    /// From the front of the name; in staged/ the whole name is the id, in commands/ all before the dot.
    pub id: Option<Id>,
    pub meta: Meta,
}

/// A file below in/ that lies in no intake's folder.
#[derive(Debug, Clone)]
pub struct Astray {
    pub path: PathBuf,
    /// The folders between in/ and the file.
    pub folders: Vec<String>,
    pub name: Vec<u8>,
    pub meta: Meta,
}

type Visit<'v> = dyn FnMut(Found<'_>) -> ControlFlow<()> + 'v;

impl Spool {
    /// Shows every file of a state; `Break` ends it. Folders and names that are no place of ours (a day that is none, a
    /// partner name that is not UTF-8) are passed over: nothing of ours is in them.
    pub fn walk(&self, state: State, visit: &mut Visit<'_>) -> Result<()> {
        let root = self.root.join(state.folder());
        let done = match state {
            State::Tmp => files(&root, Place::Tmp, visit),
            State::Staged => files(&root, Place::Staged, visit),
            State::Commands => files(&root, Place::Commands, visit),
            State::In => two_levels(&root, visit, &|partner, intake| Some(Place::In { partner, intake })),
            State::Work => two_levels(&root, visit, &|partner, intake| Some(Place::Work { partner, intake })),
            State::Failed => two_levels(&root, visit, &|partner, intake| Some(Place::Failed { partner, intake })),
            State::HeldIn => two_levels(&root, visit, &|partner, intake| Some(Place::HeldIn { partner, intake })),
            State::Done => two_levels(&root, visit, &|partner, day| Some(Place::Done { partner, day: day_of(day)? })),
            State::Sent => two_levels(&root, visit, &|partner, day| Some(Place::Sent { partner, day: day_of(day)? })),
            State::HeldOut => {
                folders(&root, &mut |partner| files(&root.join(partner), Place::HeldOut { partner }, visit))
            }
            State::Out => folders(&root, &mut |partner| {
                match out(&root.join(partner), partner, "", OUT_DEPTH, visit) {
                    // One partner's folder that nobody may look into hides only what stands in it.
                    Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(ControlFlow::Continue(())),
                    done => done,
                }
            }),
        };
        match done {
            Ok(_) => Ok(()),
            Err(e) => Err(SpoolError::new(format!("list {}", shown(&root)), e)),
        }
    }
}

impl Spool {
    /// Files in in/ itself, in a partner's folder there, in a folder that is no intake's, and in the sub-folders of an
    /// intake. Hidden names too. `levels` of folders are looked into: two are the partner's and the intake's.
    pub fn astray(&self, levels: usize, is_intake: &IsIntake<'_>, visit: &mut VisitAstray<'_>) -> Result<()> {
        let root = self.root.join(State::In.folder());
        let listed = below_in(&root, &mut Vec::new(), levels, is_intake, visit);
        _ = listed.map_err(|e| SpoolError::new(format!("list {}", shown(&root)), e))?;
        Ok(())
    }
}

type IsIntake<'i> = dyn Fn(&str, &str) -> bool + 'i;
type VisitAstray<'v> = dyn FnMut(Astray) -> ControlFlow<()> + 'v;

fn below_in(
    folder: &Path,
    above: &mut Vec<String>,
    levels: usize,
    is_intake: &IsIntake<'_>,
    visit: &mut VisitAstray<'_>,
) -> Flow {
    let is_drop = above.len() == 2 && is_intake(&above[0], &above[1]);
    if !is_drop {
        for entry in list(folder)? {
            let entry = entry?;
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                continue;
            }
            let name = entry.file_name().as_bytes().to_vec();
            let found = Astray { path: entry.path(), folders: above.clone(), name, meta: Meta::of(&meta) };
            if visit(found).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
    if above.len() == levels {
        return Ok(ControlFlow::Continue(()));
    }
    folders(folder, &mut |name| {
        above.push(name.to_owned());
        let done = below_in(&folder.join(name), above, levels, is_intake, visit);
        above.pop();
        done
    })
}

pub(super) type Flow = io::Result<ControlFlow<()>>;
type PlaceOf<'p> = dyn for<'a> Fn(&'a str, &'a str) -> Option<Place<'a>> + 'p;

fn day_of(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

fn two_levels(root: &Path, visit: &mut Visit<'_>, place: &PlaceOf<'_>) -> Flow {
    folders(root, &mut |first| {
        let middle = root.join(first);
        folders(&middle, &mut |second| match place(first, second) {
            Some(place) => files(&middle.join(second), place, visit),
            None => Ok(ControlFlow::Continue(())),
        })
    })
}

fn out(folder: &Path, partner: &str, below: &str, depth: usize, visit: &mut Visit<'_>) -> Flow {
    if files(folder, Place::Out { partner, folder: below }, visit)?.is_break() {
        return Ok(ControlFlow::Break(()));
    }
    if depth == 0 {
        return Ok(ControlFlow::Continue(()));
    }
    folders(folder, &mut |name| {
        let deeper = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        out(&folder.join(name), partner, &deeper, depth - 1, visit)
    })
}

pub(super) fn folders(root: &Path, each: &mut dyn FnMut(&str) -> Flow) -> Flow {
    for entry in list(root)? {
        let entry = entry?;
        if let (true, Some(name)) = (entry.file_type()?.is_dir(), entry.file_name().to_str())
            && each(name)?.is_break()
        {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn files(folder: &Path, place: Place<'_>, visit: &mut Visit<'_>) -> Flow {
    for entry in list(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            continue;
        }
        let meta = match entry.metadata() {
            // Moved on since it was listed.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            meta => Meta::of(&meta?),
        };
        let name = entry.file_name();
        let name = name.as_bytes();
        let id = id_in(place.state(), name);
        if visit(Found { place, name, id, meta }).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn list(folder: &Path) -> io::Result<fs::ReadDir> {
    fault::point("spool.list")?;
    fs::read_dir(folder)
}

fn id_in(state: State, name: &[u8]) -> Option<Id> {
    let whole = |bytes| Id::parse(std::str::from_utf8(bytes).ok()?);
    match state {
        State::Staged => whole(name),
        State::Commands => whole(name.strip_suffix(super::commands::ENDING.as_bytes())?),
        _ => split_prefixed(name).map(|(id, _)| id),
    }
}
