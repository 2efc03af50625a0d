//! High-water marks of the numbers we give to orders and runs. They stand in the spool beside the ledger, so that an
//! older backup of the ledger does not give a number twice. Raised, on the disk, before a number is used.

use super::error::{Result, SpoolError, shown};
use super::step::{Existing, Lasting};
use super::{Draft, Spool, State};

use std::fs;
use std::io::{self, Write};

const FILE: &str = ".numbers";

/// The highest numbers given so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks {
    pub order: u64,
    pub run: u64,
}

impl Spool {
    /// Zero in a new spool. A file that is there and cannot be understood is an error: guessing would give numbers twice.
    pub fn marks(&self) -> Result<Marks> {
        let path = self.root.join(FILE);
        let text = match fs::read_to_string(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Marks::default()),
            text => text.map_err(|e| SpoolError::new(format!("read {}", shown(&path)), e))?,
        };
        parse(&text).ok_or_else(|| {
            let expected = "expected the lines \"order N\" and \"run N\" with the highest numbers given so far. \
                            Write them by hand, rather too high than too low";
            SpoolError::new(format!("understand {}", shown(&path)), io::Error::other(expected))
        })
    }

    /// Raises the marks, never lowers them; on the disk when it returns.
    pub fn raise_marks(&self, to: Marks) -> Result<()> {
        let now = self.marks()?;
        let marks = Marks { order: now.order.max(to.order), run: now.run.max(to.run) };
        if marks == now {
            return Ok(());
        }
        let path = self.root.join(FILE);
        let mut draft: Draft = self.draft(State::Tmp)?;
        writeln!(draft, "order {}\nrun {}", marks.order, marks.run)
            .map_err(|e| SpoolError::new(format!("write {}", shown(&path)), e))?;
        draft.publish_at(&path, Existing::Replace, Lasting::Now)
    }
}

fn parse(text: &str) -> Option<Marks> {
    let mut lines = text.lines();
    let order = lines.next()?.strip_prefix("order ")?.parse().ok()?;
    let run = lines.next()?.strip_prefix("run ")?.parse().ok()?;
    lines.next().is_none().then_some(Marks { order, run })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_marks_are_understood() {
        assert_eq!(parse("order 12\nrun 7\n"), Some(Marks { order: 12, run: 7 }));
        for text in ["", "order 12\n", "run 7\norder 12\n", "order x\nrun 7\n", "order 1\nrun 2\nfile 3\n"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
