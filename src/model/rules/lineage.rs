//! Is the database the one that this spool was last run with, and does it know all that stands there? A database that was
//! lost, exchanged or restored from an older copy would take files in twice and forget others. Pure: what both sides
//! remember comes in, one verdict comes out.

use crate::model::ids::Id;

/// What spool and database say of each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memories {
    /// The database that the spool names as its own.
    pub named: Option<Id>,
    /// The name that the database has.
    pub has: Option<Id>,
    /// The newest file or run that the database knows, or that a person accepted as unknown to it.
    pub known: Option<Id>,
    /// The newest file or run whose verdict stands in the folders.
    pub found: Option<Id>,
    /// The spool holds files of ours, or has given numbers.
    pub has_history: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lineage {
    Same,
    /// They meet for the first time, or were run by a program that wrote no names: from now on they are each other's.
    First,
    /// It knows nothing, the spool does.
    New,
    /// It is another spool's.
    Another,
    /// It is this spool's, as it was some time ago.
    Older,
}

pub fn lineage(memories: Memories) -> Lineage {
    let Memories { named, has, known, found, has_history } = memories;
    match (named, has) {
        (Some(named), Some(has)) if named != has => Lineage::Another,
        (Some(_), None) if known.is_none() => Lineage::New,
        (None, None) if known.is_none() && has_history => Lineage::New,
        // A verdict is on the disk before its file is moved: what stands in the folders cannot be newer.
        _ if found > known => Lineage::Older,
        (Some(_), Some(_)) => Lineage::Same,
        _ => Lineage::First,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_sides_remember_decides() {
        let id = |n: i64| Some(Id::new(1_795_300_000_000 + n, 0));
        let (a, b) = (id(1), id(2));
        let rows = [
            // named, has, known, found, has_history
            ((None, None, None, None, false), Lineage::First),
            ((None, None, None, None, true), Lineage::New),
            ((None, None, None, id(5), true), Lineage::New),
            ((a, None, None, None, false), Lineage::New),
            // Of a program before names were written.
            ((None, None, id(5), id(5), true), Lineage::First),
            ((None, None, id(5), id(6), true), Lineage::Older),
            ((a, None, id(5), id(4), true), Lineage::First),
            // The spool was emptied, or a crash came between the two names.
            ((None, a, id(5), None, false), Lineage::First),
            ((None, a, None, None, false), Lineage::First),
            ((a, a, id(5), id(5), true), Lineage::Same),
            ((a, a, None, None, false), Lineage::Same),
            ((a, a, id(5), id(6), true), Lineage::Older),
            ((a, a, None, id(6), true), Lineage::Older),
            ((a, b, id(5), id(4), true), Lineage::Another),
            ((a, b, None, None, false), Lineage::Another),
        ];
        for ((named, has, known, found, has_history), expected) in rows {
            let memories = Memories { named, has, known, found, has_history };
            assert_eq!(lineage(memories), expected, "{memories:?}");
        }
    }
}
