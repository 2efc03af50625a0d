//! A backup: the database as it is now, copied while everything goes on, into a folder that a person names. It refuses places
//! where a copy would be in the way. Files of the spool are not copied: they stand where they stand, and `catch_up` brings an
//! older database together with them again.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};

use super::moments::size;
use crate::edges::clock::{iso, new_id};
use crate::edges::disk;
use crate::edges::spool::{Spool, State};
use crate::edges::store::copy::{self, Copied};
use crate::edges::store::{Reader, StoreFault};
use crate::model::rules::room::{Floor, fits};

/// A backup is not made; the words say why and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotThere(String);

/// What is copied, and where to.
pub struct Asked<'a> {
    pub company: &'a str,
    pub spool: &'a Spool,
    pub store: &'a Path,
    pub folder: &'a Path,
    pub floor: Floor,
    pub now: DateTime<Utc>,
}

pub fn backup(asked: &Asked<'_>, shown: &mut dyn FnMut(u64, u64)) -> Result<Copied> {
    let folder = place(asked)?;
    let reader = Reader::open(asked.store)?;
    let snapshot = reader.snapshot()?;
    let newest = snapshot.newest_id()?.map_or("none".to_string(), |id| id.to_string());
    let (order, receipts) = (snapshot.high_water("order")?, snapshot.high_water("run")?);
    let feeds = snapshot.marks_of("run ")?.into_iter().map(|(feed, number)| format!(", {feed} {number}"));
    let name = format!("nattpost-{}.db", new_id(asked.now)?);
    let copied = snapshot.copy_into(&folder, &name, shown).map_err(|error| not_taken(error, asked.folder))?;
    let text = format!(
        "{name}: the database {} of {} as it was on {}\nnewest file or run: {newest}\nlast numbers: order {order}, receipt {receipts}{}\n\
         bytes: {}\nblake3: {}\n",
        asked.store.display(),
        asked.company,
        iso(asked.now),
        feeds.collect::<String>(),
        copied.bytes,
        copied.hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
    );
    copy::note_beside(&copied, &text)?;
    Ok(copied)
}

/// What the folder of the copy does not bear is nothing that the database has to wait for.
fn not_taken(error: anyhow::Error, folder: &Path) -> anyhow::Error {
    let shown = folder.display();
    if StoreFault::of(&error) == Some(StoreFault::Full) {
        let words = format!(
            "the disk of {shown} is full, and nothing is left of the copy there. Remove older copies, or name a folder on another disk"
        );
        return NotThere(words).into();
    }
    let refused = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
    match refused.map(io::Error::kind) {
        Some(io::ErrorKind::PermissionDenied) => NotThere(format!(
            "nothing may be written in {shown}. Expected a folder that this user may write in: the one of the daemon, which backups are best made as"
        ))
        .into(),
        Some(io::ErrorKind::ReadOnlyFilesystem) => NotThere(format!(
            "nothing can be written in {shown}: its file system is mounted read-only. Mount it for writing, or name a folder on another disk"
        ))
        .into(),
        _ => error,
    }
}

/// The folder as it is opened, or why nothing is copied there.
fn place(asked: &Asked<'_>) -> Result<PathBuf> {
    let shown = asked.folder.display();
    let Ok(folder) = asked.folder.canonicalize() else {
        // One that is made here could be on the wrong disk: the right one may not be mounted.
        return Err(NotThere(format!(
            "there is no folder {shown}. Expected one that exists: make it, or mount the disk that it lies on"
        ))
        .into());
    };
    if !folder.is_dir() {
        return Err(
            NotThere(format!("{shown} is no folder. Expected one: the copy gets a name of its own in it")).into()
        );
    }
    let states = State::ALL.map(|state| asked.spool.root().join(state.folder()));
    if let Some(state) = states.iter().find(|state| folder.starts_with(state)) {
        return Err(NotThere(format!(
            "{shown} lies in {}, where files are moved and removed. Expected a folder beside the spool, best on another disk",
            state.display()
        ))
        .into());
    }
    let needed =
        copy::size_of(asked.store).with_context(|| format!("cannot look at the database {}", asked.store.display()))?;
    let disk = disk::look(&folder).with_context(|| format!("cannot look at the disk of {shown}"))?;
    if !fits(needed, disk.free, asked.floor) {
        return Err(NotThere(format!(
            "{shown} has {} free, and the copy needs {} beside the {} that are to stay free (disk_floor). Remove older copies, or \
             name a folder on another disk",
            size(disk.free.bytes),
            size(needed),
            size(asked.floor.bytes_of(disk.free))
        ))
        .into());
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_folder_does_not_bear_is_told_of_the_folder() {
        for (code, words) in [
            (28, Some("the disk of /copies is full")),
            (122, Some("the disk of /copies is full")),
            (30, Some("mounted read-only")),
            (13, Some("nothing may be written in /copies")),
            (5, None),
        ] {
            let error = anyhow::Error::from(io::Error::from_raw_os_error(code)).context("cannot write");
            let told = not_taken(error, Path::new("/copies"));
            assert_eq!(told.is::<NotThere>(), words.is_some(), "{code}: {told}");
            assert!(words.is_none_or(|words| told.to_string().contains(words)), "{code}: {told}");
        }
    }
}
