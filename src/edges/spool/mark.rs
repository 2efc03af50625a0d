//! Five letters of chance that stand in names of ours at remotes, so that another Nattpost on the same folder is a stranger.
//! Made once and kept in the spool, not the database: after a lost database our claims must still be ours.

use std::fs;
use std::io::{self, Write};

use super::error::{Result, SpoolError, shown};
use super::step::{Existing, Lasting};
use super::{Spool, State};
use crate::model::remote_name::MARK_LENGTH;

const FILE: &str = ".mark";
const LETTERS: u32 = 26;

impl Spool {
    /// On the disk before it is first used.
    pub fn mark(&self) -> Result<String> {
        let path = self.root().join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => {
                let mark = text.trim_end();
                if mark.len() == MARK_LENGTH && mark.bytes().all(|b| b.is_ascii_lowercase()) {
                    return Ok(mark.to_owned());
                }
                let expected = "expected five small letters, the mark of this spool's names at remotes. Names at remotes \
                                that end in `.MARK.taken` show what it was; without any, remove the file";
                Err(SpoolError::new(format!("understand {}", shown(&path)), io::Error::other(expected)))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let mark = chance().map_err(|e| SpoolError::new("choose a mark", e))?;
                let mut draft = self.draft(State::Tmp)?;
                writeln!(draft, "{mark}").map_err(|e| draft.failed(e))?;
                draft.publish_at(&path, Existing::Refuse, Lasting::Now)?;
                Ok(mark)
            }
            Err(e) => Err(SpoolError::new(format!("read {}", shown(&path)), e)),
        }
    }
}

fn chance() -> io::Result<String> {
    let mut number = getrandom::u32().map_err(io::Error::other)?;
    let mut mark = String::with_capacity(MARK_LENGTH);
    for _ in 0..MARK_LENGTH {
        mark.push(char::from(b'a' + (number % LETTERS) as u8));
        number /= LETTERS;
    }
    Ok(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_made_once_and_a_damaged_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let mark = spool.mark().unwrap();
        assert_eq!(mark.len(), MARK_LENGTH);
        assert_eq!(Spool::open(folder.path()).unwrap().mark().unwrap(), mark);
        fs::write(folder.path().join(FILE), "ab\n").unwrap();
        assert!(spool.mark().is_err());
    }
}
