//! Which segments a record is written as: its field rows gathered by segment, in the order of the layout.

use crate::model::layout::form::Direction;
use crate::model::layout::plan::{Ours, Place, Record, Role};
use crate::model::syntax::edifact::Tag;

use super::place::{Condition, Element, Piece, Step, parse, parse_steps};

/// A segment that a record may be written as.
#[derive(Debug)]
pub(super) struct Draft {
    pub key: Key,
    /// The segments it follows, which must be there.
    pub behind: Vec<Key>,
    pub each: bool,
    /// It begins the record: written in any case.
    pub begins: bool,
    pub cells: Vec<Cell>,
    /// Nothing but constants and totals stands in it.
    pub constant: bool,
}

/// A segment and the word that it is told by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub tag: Tag,
    pub word: Option<String>,
}

#[derive(Debug)]
pub(super) struct Cell {
    pub field: usize,
    pub piece: Piece,
    pub conditions: Vec<Condition>,
}

impl Key {
    fn of(step: &Step) -> Key {
        Key { tag: step.tag, word: step.words.first().cloned() }
    }
}

impl Draft {
    /// One segment cannot hold what these ask for: `COM[1.2=TE]` and `COM[1.2=EM]` are two.
    fn contradicts(&self, conditions: &[Condition]) -> bool {
        let held = self.cells.iter().flat_map(|cell| &cell.conditions);
        let mut fixed = held.filter(|held| matches!(held.element, Element::At(_)) && !held.words.is_empty());
        fixed.any(|held| {
            let same = |c: &&Condition| (c.element, c.component) == (held.element, held.component);
            conditions.iter().filter(same).any(|c| !c.words.is_empty() && c.words[0] != held.words[0])
        })
    }
}

/// The drafts of a record. Of several names for a place the first is written.
pub(super) fn drafts(record: &Record) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    let own = record.tags.first().and_then(|tag| parse_steps(tag).ok()).and_then(|mut steps| steps.pop());
    let Some(own) = own else { return drafts };
    let own_key = Key::of(&own);
    drafts.push(Draft {
        key: own_key.clone(),
        behind: Vec::new(),
        each: false,
        begins: true,
        cells: Vec::new(),
        constant: false,
    });
    for (index, field) in record.fields.iter().enumerate() {
        let Place::One(spot) = &field.place else { continue };
        if field.form.direction == Direction::ReadOnly {
            continue;
        }
        let Ok(path) = parse(spot.name()) else { continue };
        let Some((step, behind)) = path.steps.split_last() else { continue };
        let is_own = behind.is_empty() && step.tag == own.tag;
        let key = if is_own { own_key.clone() } else { Key::of(step) };
        let behind: Vec<Key> = behind.iter().map(Key::of).collect();
        let fits = |d: &Draft| d.key == key && d.behind == behind && d.each == step.each;
        let known = drafts.iter().position(|d| fits(d) && (d.begins || !d.contradicts(&step.conditions)));
        let at = known.unwrap_or_else(|| {
            let each = step.each;
            drafts.push(Draft { key, behind, each, begins: false, cells: Vec::new(), constant: true });
            drafts.len() - 1
        });
        let says = matches!(field.ours, Ours::Field { .. } | Ours::Extra { .. } | Ours::Computed(_));
        drafts[at].constant &= !says;
        drafts[at].cells.push(Cell { field: index, piece: path.piece, conditions: step.conditions.clone() });
    }
    if record.role == Role::OpensInterchange {
        drafts.truncate(1);
    }
    drafts
}
