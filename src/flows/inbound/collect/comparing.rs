//! In a carrier: files that stay at their remote and were taken, where its listing cannot say whether they are others by now. Asked
//! for exactly, and where that says nothing either (or the server's clock was set), read and compared with what was taken. Nothing is kept of what is read.

use std::io::{self, Write};

use super::Doubtful;
use super::look::is_seen;
use crate::edges::remote::{Broken, Fault, Gate, Remote};
use crate::edges::store::ledger::SeenThere;
use crate::flows::carried::End;
use crate::model::remote::Folder;

/// By their places. What cannot be read is neither: the next listing asks after it again.
#[derive(Debug, Default)]
pub struct Compared {
    pub new: Vec<usize>,
    pub same: Vec<usize>,
}

pub fn compare(remote: &mut dyn Remote, folder: &Folder, files: &[Doubtful], gate: &Gate) -> (Compared, Option<End>) {
    let mut found = Compared::default();
    for (index, file) in files.iter().enumerate() {
        if gate.is_closing() {
            return (found, Some(End::Stopped));
        }
        match is_new(remote, folder, file, gate) {
            Ok(Some(true)) => found.new.push(index),
            Ok(Some(false)) => found.same.push(index),
            Ok(None) => {}
            Err(Broken::Theirs(fault)) if !fault.is_broken() => {}
            Err(Broken::Theirs(fault)) => return (found, Some(End::Theirs(fault))),
            Err(Broken::Ours(_)) => return (found, Some(End::Stopped)),
        }
    }
    (found, None)
}

/// One of its files is another. None: half of it says nothing, or one is gone.
fn is_new(remote: &mut dyn Remote, folder: &Folder, file: &Doubtful, gate: &Gate) -> Result<Option<bool>, Broken> {
    let mut found = Some(false);
    for taken in &file.taken {
        match is_another(remote, folder, (taken, file.clock_was_set), gate)? {
            Some(true) => return Ok(Some(true)),
            Some(false) => {}
            None => found = None,
        }
    }
    Ok(found)
}

fn is_another(
    remote: &mut dyn Remote,
    folder: &Folder,
    (taken, clock_was_set): (&SeenThere, bool),
    gate: &Gate,
) -> Result<Option<bool>, Broken> {
    let name = &taken.name;
    let of_fault = |fault: Fault| Broken::Theirs(fault);
    let Some(now) = remote.facts(folder, &[name]).map_err(of_fault)?.into_iter().next().flatten() else {
        return Ok(None);
    };
    if let Some(is_same) = is_seen(&taken.facts, &now).filter(|_| !clock_was_set) {
        return Ok(Some(!is_same));
    }
    let mut hasher = Hasher { hasher: blake3::Hasher::new(), gate };
    let count = remote.fetch(folder, name, 0, now.size, &mut hasher)?;
    let is_whole = now.size.is_none_or(|size| size == count);
    Ok(is_whole.then(|| taken.content.as_deref() != Some(&hasher.hasher.finalize().as_bytes()[..])))
}

struct Hasher<'g> {
    hasher: blake3::Hasher,
    gate: &'g Gate,
}

impl Write for Hasher<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gate.is_cut() {
            return Err(io::Error::other("the program stops"));
        }
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
