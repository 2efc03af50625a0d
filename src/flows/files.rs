//! Looks at files as people name them: finds them by what somebody typed, and says where each stands now.
//! It changes nothing, and works while the daemon is down.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::archiving;
use crate::edges::clock;
use crate::edges::spool::{Place, Role, Spool, day_archive_name, state_name};
use crate::edges::store::ledger::{FileRow, FileState};
use crate::edges::store::{Selection, Snapshot};
use crate::model::ids::split_prefixed;
use crate::model::verdict::{Home, Verdict};

/// What everything that only looks works with: one moment of the ledger, and the folders.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    pub snapshot: &'a Snapshot<'a>,
    pub spool: &'a Spool,
    pub zone: Tz,
    pub now: DateTime<Utc>,
}

/// A list and how long it would be without its limit.
#[derive(Debug)]
pub struct FileList {
    pub files: Vec<Listed>,
    pub total: u64,
}

/// A file with the reason that matters most, empty where all is well.
#[derive(Debug)]
pub struct Listed {
    pub file: FileRow,
    pub reason: String,
}

/// Where an original is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    At(PathBuf),
    /// In this archive, under this name.
    InArchive(PathBuf, String),
    /// It should stand here and does not.
    Missing(PathBuf),
    /// Its keep days are over.
    NoLongerKept,
    /// Gone before it was claimed.
    Vanished,
    /// A person moved it back: it is the original of the file that it came back as.
    CameBack,
}

pub fn list(sight: Sight<'_>, selection: &Selection, limit: u32) -> Result<FileList> {
    let selection = cleaned(selection);
    let files = sight.snapshot.select_files(&selection, limit)?;
    let total =
        if files.len() < limit as usize { files.len() as u64 } else { sight.snapshot.count_files(&selection)? };
    let listed = |file: FileRow| Ok(Listed { reason: reason(sight, &file)?, file });
    Ok(FileList { files: files.into_iter().map(listed).collect::<Result<_>>()?, total })
}

/// The files that one typed word means, the newest first.
pub fn named(sight: Sight<'_>, typed: &str, limit: u32) -> Result<Vec<FileRow>> {
    let selection = Selection { items: vec![typed.to_string()], ..Selection::default() };
    sight.snapshot.select_files(&cleaned(&selection), limit)
}

/// Of the file as a whole, else the most frequent of its messages that are refused or held now.
fn reason(sight: Sight<'_>, file: &FileRow) -> Result<String> {
    const MESSAGES_LOOKED_AT: u32 = 100;
    if !file.code.is_empty() || !is_open(file) {
        return Ok(file.code.clone());
    }
    let messages = sight.snapshot.messages_of(file.no, 0, MESSAGES_LOOKED_AT)?;
    let open = messages.iter().filter(|m| matches!(m.verdict, Verdict::Held | Verdict::Refused));
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    open.for_each(|m| *counts.entry(m.code.as_str()).or_default() += 1);
    let most = counts.iter().max_by_key(|(_, count)| **count).map(|(code, _)| code.to_string());
    Ok(match (most, counts.len()) {
        (None, _) => String::new(),
        (Some(code), 1) => code,
        (Some(code), _) => format!("{code} …"),
    })
}

/// Something of it is refused or waits at this moment.
pub fn is_open(file: &FileRow) -> bool {
    file.counts.refused + file.counts.held > 0 || file.verdict == Some(Verdict::Refused)
}

fn cleaned(selection: &Selection) -> Selection {
    let items = selection.items.iter().flat_map(|item| meanings(item)).collect();
    Selection { items, ..selection.clone() }
}

/// What somebody may mean who copies a path from a folder: the id before the `~`, the name without `.reason.txt`.
fn meanings(typed: &str) -> Vec<String> {
    let name = typed.rsplit('/').find(|part| !part.is_empty()).unwrap_or(typed);
    if let Some((id, _)) = split_prefixed(name.as_bytes()) {
        return vec![id.to_string()];
    }
    let mut all = vec![name.to_string()];
    for suffix in [".reason.txt", ".reject"] {
        all.extend(name.strip_suffix(suffix).map(str::to_string));
    }
    all
}

/// When the file came. One that came back keeps the first sight of the file it was, for what it says; its id is of its own coming.
pub fn came(file: &FileRow) -> String {
    let own = DateTime::from_timestamp_millis(file.id.made_ms()).filter(|_| file.returns_of.is_some());
    own.map_or_else(|| file.first_seen.clone(), clock::iso)
}

/// Where the original is now, by what the ledger says and the folders show.
pub fn standing(sight: Sight<'_>, file: &FileRow) -> Result<Standing> {
    if file.state == FileState::Vanished {
        return Ok(Standing::Vanished);
    }
    if file.original_gone {
        return Ok(Standing::NoLongerKept);
    }
    let (partner, intake) = (file.partner.as_str(), file.intake.as_str());
    let prefixed = state_name(file.id, &file.raw_name, Role::Original);
    let work = (Place::Work { partner, intake }, prefixed.as_slice());
    let dropped = (Place::In { partner, intake }, file.raw_name.as_slice());
    // The commit is the truth and the folders follow: a file may stand one step behind.
    let places = match (file.state, home_place(file)) {
        (FileState::Judged, Some(home)) => vec![(home, prefixed.as_slice()), work],
        (FileState::Judged, None) => vec![work],
        (FileState::Seen, _) => vec![dropped, work],
        _ => vec![work, dropped],
    };
    for (place, name) in &places {
        if sight.spool.look(*place, name)?.is_some() {
            return Ok(Standing::At(sight.spool.path(*place, name)?));
        }
    }
    if !sight.snapshot.returned_as(file)?.is_empty() {
        return Ok(Standing::CameBack);
    }
    if let (Some(home @ Place::Done { .. }), Some((number, name))) =
        (home_place(file), archiving::archive_of(sight.spool, file)?)
    {
        return Ok(Standing::InArchive(sight.spool.path(home, &day_archive_name(intake, number))?, name));
    }
    Ok(Standing::Missing(sight.spool.path(places[0].0, places[0].1)?))
}

/// What goes with an original that was not wholly taken and is there: the reason, the reject.
pub fn beside(sight: Sight<'_>, file: &FileRow, role: Role) -> Result<Option<PathBuf>> {
    let (partner, intake) = (&file.partner[..], &file.intake[..]);
    let name = state_name(file.id, &file.raw_name, role);
    // Beside a file that the guard locked stands its own.
    for place in [Place::Failed { partner, intake }, Place::HeldIn { partner, intake }] {
        if sight.spool.look(place, &name)?.is_some() {
            return Ok(Some(sight.spool.path(place, &name)?));
        }
    }
    Ok(None)
}

fn home_place(file: &FileRow) -> Option<Place<'_>> {
    let (partner, intake) = (file.partner.as_str(), file.intake.as_str());
    Some(match file.home? {
        Home::Done => Place::Done { partner, day: file.day.parse().ok()? },
        Home::Failed => Place::Failed { partner, intake },
        Home::Held => Place::HeldIn { partner, intake },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_copy_names_out_of_folders() {
        let id = crate::model::ids::Id::new(1_795_300_000_000, 7).to_string();
        let prefixed = format!("spool/failed/dealer/orders/{id}~orders.csv.reason.txt");
        assert_eq!(meanings(&prefixed), std::slice::from_ref(&id));
        assert_eq!(meanings("./spool/in/dealer/orders/orders.csv"), ["orders.csv"]);
        assert_eq!(meanings("orders.csv.reject"), ["orders.csv.reject", "orders.csv"]);
        assert_eq!(meanings(&id), [id]);
    }
}
