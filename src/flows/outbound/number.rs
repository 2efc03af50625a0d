//! Numbers of runs: one sequence a feed, and one of all receipts. The ledger and the spool each keep the highest one given;
//! the larger counts, so that an older backup of either does not give a number twice. A number that was given and not
//! committed leaves a gap, never a double.

use anyhow::Result;

use super::Dispatch;
use crate::edges::spool::{Marks, Spool};
use crate::edges::store::{Snapshot, Tx};
use crate::model::feed::Feed;
use crate::model::kind::Class;

/// The mark of receipts in the ledger; that of a feed has the feed's name behind it.
const MARK: &str = "run";

/// The numbers of one commit: read, given, and kept before it.
#[derive(Debug)]
pub struct Numbers {
    /// `partner/feed`; none: receipts.
    feed: Option<String>,
    last: u64,
    given: bool,
}

impl Numbers {
    /// Of receipts.
    pub fn read(snapshot: &Snapshot<'_>, spool: &Spool) -> Result<Numbers> {
        let last = snapshot.high_water(MARK)?.max(spool.marks()?.run);
        Ok(Numbers { feed: None, last, given: false })
    }

    /// Of a feed. Its first one lies behind those that were common to all runs, so that an older program gave none of them.
    pub fn of_feed(snapshot: &Snapshot<'_>, spool: &Spool, feed: &str) -> Result<Numbers> {
        let marks = spool.marks()?;
        let own = snapshot.mark(&mark_of(feed))?.max(marks.feeds.get(feed).copied());
        let last = match own {
            Some(own) => own,
            None => snapshot.high_water(MARK)?.max(marks.run),
        };
        Ok(Numbers { feed: Some(feed.to_string()), last, given: false })
    }

    pub fn give(&mut self) -> u64 {
        self.last += 1;
        self.given = true;
        self.last
    }

    /// Once, just before the commit and outside of savepoints: from here on nobody gets these numbers again. On the disk in
    /// the spool when it returns, in the ledger with the commit.
    pub fn keep(self, tx: &Tx<'_>, spool: &Spool) -> Result<()> {
        if !self.given {
            return Ok(());
        }
        let mut marks = Marks::default();
        let mark = match self.feed {
            None => {
                marks.run = self.last;
                MARK.to_string()
            }
            Some(feed) => {
                let mark = mark_of(&feed);
                marks.feeds.insert(feed, self.last);
                mark
            }
        };
        spool.raise_marks(&marks)?;
        tx.raise_high_water(&mark, self.last)
    }
}

impl Dispatch<'_> {
    /// At a start and after a reload: the numbers of a feed of orders begin here, before its first file. Should an older database
    /// be accepted one day, it is known which numbers it knows nothing of.
    pub fn begin_numbers<'f>(&mut self, feeds: impl IntoIterator<Item = &'f Feed>) -> Result<()> {
        let tx = self.store.begin()?;
        let marks = self.spool.marks()?;
        let mut begun = Marks::default();
        for feed in feeds.into_iter().filter(|feed| feed.layout.kind.class == Class::Request) {
            let name = feed.numbers();
            if tx.mark(&mark_of(&name))?.is_none() && !marks.feeds.contains_key(&name) {
                let last = tx.high_water(MARK)?.max(marks.run);
                tx.raise_high_water(&mark_of(&name), last)?;
                begun.feeds.insert(name, last);
            }
        }
        if begun.feeds.is_empty() {
            return Ok(());
        }
        self.spool.raise_marks(&begun)?;
        tx.commit()
    }
}

fn mark_of(feed: &str) -> String {
    format!("{MARK} {feed}")
}
