//! A backup: the database as it is now, copied while everything goes on, into a folder that a person names. It refuses places
//! where a copy would be in the way. Files of the spool are not copied: they stand where they stand, and `catch_up` brings an
//! older database together with them again.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};

use super::moments::size;
use crate::edges::clock::{iso, new_id};
use crate::edges::disk;
use crate::edges::spool::{Spool, State};
use crate::edges::store::Reader;
use crate::edges::store::copy::{self, Copied};
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
    let copied = snapshot.copy_into(&folder, &name, shown)?;
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
