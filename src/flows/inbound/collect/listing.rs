//! A whole listing of a folder at a remote, in little memory: the names in one block.

use crate::edges::remote::{Advice, Fault, FaultKind, Phase, Remote};
use crate::model::remote::{Facts, Folder};

/// Of names; beyond it nothing of the listing is used, since half of it would choose by chance.
const LISTING_BYTES_MAX: usize = 64 * 1024 * 1024;

#[derive(Debug, Default)]
pub struct Listing {
    names: Vec<u8>,
    lines: Vec<(u32, Facts)>,
    /// Lines that could not be read as an entry.
    pub not_understood: u32,
}

impl Listing {
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub fn name(&self, index: usize) -> &[u8] {
        let from = index.checked_sub(1).map_or(0, |before| self.lines[before].0 as usize);
        &self.names[from..self.lines[index].0 as usize]
    }

    pub fn facts(&self, index: usize) -> &Facts {
        &self.lines[index].1
    }

    pub fn push(&mut self, name: &[u8], facts: Facts) -> bool {
        if self.names.len() + name.len() > LISTING_BYTES_MAX {
            return false;
        }
        self.names.extend_from_slice(name);
        self.lines.push((self.names.len() as u32, facts));
        true
    }
}

pub fn list(remote: &mut dyn Remote, folder: &Folder) -> Result<Listing, Fault> {
    let (mut listing, mut is_whole) = (Listing::default(), true);
    let listed = remote.list(folder, &mut |entry| is_whole &= listing.push(entry.name, entry.facts))?;
    if !is_whole {
        return Err(Fault {
            kind: FaultKind::Refused,
            server: folder.to_string(),
            phase: Phase::List,
            command: "list".into(),
            answer: None,
            advice: Some(Advice("It has more than 64 MiB of names; take old files away there".into())),
        });
    }
    listing.not_understood = listed.not_understood;
    Ok(listing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_were_put_in() {
        let mut listing = Listing::default();
        for name in [&b"a.csv"[..], b"", b"\xff"] {
            assert!(listing.push(name, Facts { size: Some(name.len() as u64), ..Facts::default() }));
        }
        let names: Vec<&[u8]> = (0..listing.len()).map(|i| listing.name(i)).collect();
        assert_eq!(names, [&b"a.csv"[..], b"", b"\xff"]);
        assert_eq!(listing.facts(0).size, Some(5));
        assert!(!listing.push(&vec![b'x'; LISTING_BYTES_MAX], Facts::default()));
    }
}
