//! In a carrier: what happens to a file at its remote once its verdict is committed. A claimed file is exactly what was
//! fetched. One that was fetched under its own name is looked at directly before, each for itself; in doubt it is fetched once
//! more and compared.

use std::io::{self, Write};

use crate::edges::clock::Clock;
use crate::edges::remote::{Broken, Fault, Gate, Remote, Removed, Renamed, Reply, Target};
use crate::edges::store::ledger::CollectNo;
use crate::flows::carried::End;
use crate::model::ids::Id;
use crate::model::remote::{Facts, Folder, Stamp};
use crate::model::rules::collecting::{Removal, before_removal};

/// A file there whose verdict is committed.
#[derive(Debug, Clone)]
pub struct Owed {
    pub no: CollectNo,
    pub id: Id,
    pub folder: Folder,
    /// As its sender called it.
    pub name: Vec<u8>,
    pub claim: Option<Vec<u8>>,
    /// Its done-file, as it is called now and as its sender called it.
    pub done: Option<(Vec<u8>, Vec<u8>)>,
    pub facts: Facts,
    /// Hash of what was fetched.
    pub content: Option<Vec<u8>>,
    pub then: Then,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    Delete,
    Move(Folder),
    /// Its new name in the same folder.
    Rename(Vec<u8>),
    /// Its own name, and that of its done-file: it stays there.
    GiveBack(Vec<u8>),
}

/// How it ended there.
#[derive(Debug)]
pub enum Settlement {
    /// Nothing is owed for it any more.
    Done,
    /// Another file has taken its place: that one stays, and is a new arrival.
    KeptThere,
    /// This one alone; tried again later.
    Refused(Reply),
    NotTried,
}

pub fn carry_out(
    remote: &mut dyn Remote,
    files: Vec<Owed>,
    gate: &Gate,
) -> (Vec<(CollectNo, Settlement)>, Option<End>) {
    let mut done = Vec::with_capacity(files.len());
    let mut end = None;
    let (removed, others): (Vec<_>, Vec<_>) = files.into_iter().partition(is_plain_removal);
    // Those of one folder go together.
    for batch in removed.chunk_by(|a, b| a.folder == b.folder) {
        if end.is_none() && !gate.is_closing() {
            match remove_claimed(remote, batch) {
                Ok(settled) => {
                    done.extend(settled);
                    continue;
                }
                Err(fault) => end = Some(End::Theirs(fault)),
            }
        }
        done.extend(batch.iter().map(|file| (file.no, Settlement::NotTried)));
    }
    for file in others {
        let settlement = match end {
            None if gate.is_closing() => Settlement::NotTried,
            None => match one(remote, &file) {
                Ok(settlement) => settlement,
                Err(fault) => {
                    end = Some(End::Theirs(fault));
                    Settlement::NotTried
                }
            },
            Some(_) => Settlement::NotTried,
        };
        done.push((file.no, settlement));
    }
    (done, end)
}

fn is_plain_removal(file: &Owed) -> bool {
    file.claim.is_some() && file.then == Then::Delete
}

/// Done-files first: one that is left alone would vouch for whatever comes under that name.
fn remove_claimed(remote: &mut dyn Remote, files: &[Owed]) -> Result<Vec<(CollectNo, Settlement)>, Fault> {
    let Some(first) = files.first() else { return Ok(Vec::new()) };
    let done_files: Vec<&[u8]> =
        files.iter().filter_map(|file| file.done.as_ref()).map(|(done, _)| &done[..]).collect();
    if !done_files.is_empty() {
        remote.remove(&first.folder, &done_files)?;
    }
    let names: Vec<&[u8]> = files.iter().filter_map(|file| file.claim.as_deref()).collect();
    let removed = remote.remove(&first.folder, &names)?;
    Ok(files.iter().zip(removed).map(|(file, removed)| (file.no, settled(removed))).collect())
}

fn settled(removed: Removed) -> Settlement {
    match removed {
        // Gone: an answer that was not read, or somebody was quicker.
        Removed::Done | Removed::Missing => Settlement::Done,
        Removed::Refused(reply) => Settlement::Refused(reply),
    }
}

fn one(remote: &mut dyn Remote, file: &Owed) -> Result<Settlement, Fault> {
    if file.claim.is_none() {
        match is_still_it(remote, file)? {
            Removal::Remove | Removal::Compare => {}
            Removal::Gone => return Ok(Settlement::Done),
            Removal::Leave => return Ok(Settlement::KeptThere),
        }
    }
    let name = file.claim.as_ref().unwrap_or(&file.name);
    if let Some((done, plain)) = &file.done {
        match &file.then {
            Then::Move(folder) => _ = bring(remote, file, done, Some(folder), plain)?,
            Then::Delete | Then::Rename(_) => _ = remote.remove(&file.folder, &[done])?,
            // Behind its data file.
            Then::GiveBack(own) => {
                let back = bring(remote, file, name, None, own)?;
                bring(remote, file, done, None, plain)?;
                return Ok(back);
            }
        }
    }
    match &file.then {
        Then::Delete => {
            let removed = remote.remove(&file.folder, &[name])?;
            Ok(removed.into_iter().next().map_or(Settlement::NotTried, settled))
        }
        Then::Move(folder) => bring(remote, file, name, Some(folder), &file.name),
        Then::Rename(new) | Then::GiveBack(new) => bring(remote, file, name, None, new),
    }
}

/// A name that is taken gets the file's id behind it: nothing is overwritten, whatever the server would do.
fn bring(
    remote: &mut dyn Remote,
    file: &Owed,
    name: &[u8],
    folder: Option<&Folder>,
    new: &[u8],
) -> Result<Settlement, Fault> {
    let mut target = Target { folder: folder.cloned(), name: new.to_vec() };
    for _ in 0..2 {
        let renamed = remote.rename(&file.folder, &[(name, &target)])?;
        match renamed.into_iter().next() {
            Some(Renamed::Done | Renamed::Missing) => return Ok(Settlement::Done),
            Some(Renamed::Taken) => {
                target.name = new.to_vec();
                target.name.extend_from_slice(format!(".{}", file.id).as_bytes());
            }
            Some(Renamed::Refused(reply)) => return Ok(Settlement::Refused(reply)),
            None => return Ok(Settlement::NotTried),
        }
    }
    // Moved before, and nobody heard of it: then its own name there is what is taken.
    if remote.facts(&file.folder, &[name])?.iter().all(Option::is_none) {
        return Ok(Settlement::Done);
    }
    let text = format!("\"{}\" is taken there", target.name.escape_ascii());
    Ok(Settlement::Refused(Reply { code: None, text }))
}

/// `Compare`: its content is the same.
fn is_still_it(remote: &mut dyn Remote, file: &Owed) -> Result<Removal, Fault> {
    let now = remote.facts(&file.folder, &[&file.name])?.into_iter().next().flatten();
    // The clock of a folder is ours; that of a server nobody has told us.
    let clock = matches!(file.facts.stamp, Stamp::OfFolder(_)).then(|| Clock::start().now().wall);
    match before_removal(&file.facts, now.as_ref(), clock) {
        Removal::Compare => compare(remote, file, now.as_ref()),
        other => Ok(other),
    }
}

/// What took its place while it was read once more has other facts than those of `before`.
fn compare(remote: &mut dyn Remote, file: &Owed, before: Option<&Facts>) -> Result<Removal, Fault> {
    let mut hasher = Hasher(blake3::Hasher::new());
    match remote.fetch(&file.folder, &file.name, 0, None, &mut hasher) {
        Ok(_) if file.content.as_deref() == Some(&hasher.0.finalize().as_bytes()[..]) => {
            let now = remote.facts(&file.folder, &[&file.name])?.into_iter().next().flatten();
            Ok(match now {
                None => Removal::Gone,
                Some(now) if before.is_none_or(|before| is_other(before, &now)) => Removal::Leave,
                Some(_) => Removal::Compare,
            })
        }
        // What was never read as a whole has no hash: it stays.
        Ok(_) => Ok(Removal::Leave),
        Err(Broken::Theirs(fault)) => Err(fault),
        Err(Broken::Ours(_)) => Ok(Removal::Leave),
    }
}

fn is_other(then: &Facts, now: &Facts) -> bool {
    then.size != now.size || then.stamp.is_same(&now.stamp) == Some(false)
}

struct Hasher(blake3::Hasher);

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
