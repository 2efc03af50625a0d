//! High-water marks of the numbers we give to orders, customers, contacts and runs. They stand in the spool beside the
//! ledger, so that an older backup of the ledger does not give a number twice. Raised, on the disk, before a number is used.

use super::error::{Result, SpoolError, shown};
use super::step::{Existing, Lasting};
use super::{Draft, Spool, State};

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};

const FILE: &str = ".numbers";

/// The highest numbers given so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    pub order: u64,
    /// Of ranges of numbers, by whose and where they begin: `customer 70000`.
    pub ranges: BTreeMap<String, u64>,
    /// Of receipts, and of all runs before feeds had numbers of their own.
    pub run: u64,
    /// By `partner/feed`.
    pub feeds: BTreeMap<String, u64>,
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
            let expected = "expected the lines \"order N\", \"run N\", one \"customer FROM N\" or \"contact FROM N\" a range and one \
                            \"run PARTNER/FEED N\" a feed, with the highest numbers given so far. Write them by hand, rather too high than too low";
            SpoolError::new(format!("understand {}", shown(&path)), io::Error::other(expected))
        })
    }

    /// Raises the marks, never lowers them; on the disk when it returns.
    pub fn raise_marks(&self, to: &Marks) -> Result<()> {
        let now = self.marks()?;
        let mut marks = now.clone();
        marks.order = marks.order.max(to.order);
        marks.run = marks.run.max(to.run);
        for (all, raised) in [(&mut marks.feeds, &to.feeds), (&mut marks.ranges, &to.ranges)] {
            for (name, number) in raised {
                let mark = all.entry(name.clone()).or_default();
                *mark = (*mark).max(*number);
            }
        }
        if marks == now {
            return Ok(());
        }
        let path = self.root.join(FILE);
        let mut draft: Draft = self.draft(State::Tmp)?;
        draft.write_all(print(&marks).as_bytes()).map_err(|e| SpoolError::new(format!("write {}", shown(&path)), e))?;
        draft.publish_at(&path, Existing::Replace, Lasting::Now)
    }
}

fn print(marks: &Marks) -> String {
    let ranges = marks.ranges.iter().map(|(range, number)| format!("{range} {number}\n"));
    let feeds = marks.feeds.iter().map(|(feed, number)| format!("run {feed} {number}\n"));
    format!("order {}\nrun {}\n{}", marks.order, marks.run, ranges.chain(feeds).collect::<String>())
}

fn parse(text: &str) -> Option<Marks> {
    let mut lines = text.lines();
    let order = lines.next()?.strip_prefix("order ")?.parse().ok()?;
    let run = lines.next()?.strip_prefix("run ")?.parse().ok()?;
    let mut marks = Marks { order, run, ..Marks::default() };
    for line in lines {
        let (name, number) = line.rsplit_once(' ')?;
        let number = number.parse().ok()?;
        match name.split_once(' ')? {
            ("run", feed) if feed.contains('/') && !feed.contains(' ') => {
                marks.feeds.insert(feed.to_string(), number);
            }
            ("customer" | "contact", from) if from.parse::<u64>().is_ok() => {
                marks.ranges.insert(name.to_string(), number);
            }
            _ => return None,
        }
    }
    Some(marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_marks_are_understood() {
        let old = Marks { order: 12, run: 7, ..Marks::default() };
        assert_eq!(parse("order 12\nrun 7\n"), Some(old.clone()));
        let feeds = [("dealer/stock".to_string(), 41), ("shop/stock".to_string(), 3)].into();
        let ranges = [("customer 70000".to_string(), 70012)].into();
        let new = Marks { feeds, ranges, ..old };
        let text = "order 12\nrun 7\ncustomer 70000 70012\nrun dealer/stock 41\nrun shop/stock 3\n";
        assert_eq!(print(&new), text);
        assert_eq!(parse(&print(&new)), Some(new));
        for text in [
            "",
            "order 12\n",
            "run 7\norder 12\n",
            "order x\nrun 7\n",
            "order 1\nrun 2\nfile 3\n",
            "order 1\nrun 2\nrun stock 3\n",
            "order 1\nrun 2\nrun a b/c 3\n",
            "order 1\nrun 2\nrun a/b x\n",
            "order 1\nrun 2\ncustomer 5\n",
            "order 1\nrun 2\ncustomer a 5\n",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
