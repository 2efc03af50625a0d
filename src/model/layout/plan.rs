//! What a layout says once it is read: records, their fields, conditions and controls, the same for every syntax.
//!
//! Places are still the partner's words here (a heading, `8-20`, an element path); each syntax resolves them to what it
//! can reach fast. Paths of ours are resolved to group and field already.

use std::ops::Range;
use std::sync::Arc;

use super::expression::Expression;
use super::form::Form;

/// One kind of record: a row type, a tagged line, an element.
#[derive(Debug)]
pub struct Record {
    pub name: String,
    /// How it is told from others: values of the tag column, element paths. Empty where there is only one kind of record.
    pub tags: Vec<String>,
    pub role: Role,
    /// Further conditions; of several records with the same tag, the first whose conditions hold is taken.
    pub when: Vec<Condition>,
    /// Rows with the same values at these places are one message, wherever they stand.
    pub group_by: Vec<Spot>,
    /// Nodes with the same values at these places are one: the record goes on with the one that is there.
    pub node_by: Vec<Spot>,
    /// The node above the one it opens is that with the same values at these places; it is opened where there is none.
    pub parent_by: Vec<Spot>,
    /// Reads a row once more that a record before it has taken.
    pub again: bool,
    /// Reads its row once for each piece of a list in it.
    pub each: Option<Each>,
    /// A message, interchange or file without this record is incomplete.
    pub required: bool,
    /// Of the record of the message: written once for each node of this group.
    pub per: Option<usize>,
    /// Fixed width: characters of this record where it differs from the others.
    pub width: Option<usize>,
    pub fields: Vec<Field>,
    /// Place in the layout document, for problems found while compiling.
    pub span: Range<usize>,
}

/// A list in a field: each of its pieces is taken for itself.
#[derive(Debug)]
pub struct Each {
    /// Where the list stands.
    pub place: Spot,
    /// Stands between pieces.
    pub between: String,
    /// Stands between the parts of a piece.
    pub within: Option<String>,
}

/// In `group_by`: all rows of the file are one message.
pub const WHOLE_FILE: &str = "*";

/// Which part of a list's piece a place is: `piece` is 0, the whole of it, `piece 2` the second.
pub fn piece(name: &str) -> Option<usize> {
    match name.strip_prefix("piece")? {
        "" => Some(0),
        number => number.strip_prefix(' ')?.parse().ok().filter(|number| (1..=100).contains(number)),
    }
}

/// What a record does to the tree of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    OpensFile,
    OpensInterchange,
    /// Opens a node of this group; group 0 is the message.
    Opens(usize),
    /// Says more about the node of this group that was opened last.
    Adds(usize),
    ClosesMessage,
    ClosesInterchange,
    ClosesFile,
    /// Known and of no interest.
    Ignored,
}

impl Role {
    /// The extent that its controls speak of where they do not say.
    pub fn scope(self) -> Scope {
        match self {
            Role::OpensFile | Role::ClosesFile => Scope::File,
            Role::OpensInterchange | Role::ClosesInterchange => Scope::Interchange,
            _ => Scope::Message,
        }
    }

    /// The group whose node is current in this record.
    pub fn group(self) -> usize {
        match self {
            Role::Opens(group) | Role::Adds(group) => group,
            _ => 0,
        }
    }

    pub fn in_message(self) -> bool {
        matches!(self, Role::Opens(_) | Role::Adds(_) | Role::ClosesMessage)
    }
}

/// One line of the partner's field table.
#[derive(Debug)]
pub struct Field {
    pub place: Place,
    /// What the partner calls it, for problems: the fourth column of the row, else the place.
    pub label: String,
    pub ours: Ours,
    pub form: Form,
    /// What stands here is overwritten when a copy of the file is redacted.
    pub personal: bool,
    pub span: Range<usize>,
}

/// Where a value stands.
#[derive(Debug)]
pub enum Place {
    /// Nowhere: the form's default is the value.
    Nowhere,
    One(Spot),
    /// Several places, joined by the form's `join`; empty ones are left out.
    Joined(Vec<Spot>),
    /// The first of several that says something, each one place or several joined: so many spots belong to each.
    Either {
        spots: Vec<Spot>,
        lengths: Vec<usize>,
    },
    /// Computed when reading.
    Computed(Expression),
}

impl Place {
    /// Where the value is written.
    pub fn written(&self) -> Option<&Spot> {
        match self {
            Place::One(spot) => Some(spot),
            Place::Either { spots, lengths } if lengths.first() == Some(&1) => spots.first(),
            _ => None,
        }
    }
}

/// One place, by any of its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    pub names: Vec<String>,
}

impl Spot {
    pub fn name(&self) -> &str {
        &self.names[0]
    }
}

/// What a value is to us.
#[derive(Debug)]
pub enum Ours {
    /// A field of the kind. Of several nodes of a group in one record (`line_charges#2.amount`), the nth.
    Field {
        group: usize,
        nth: usize,
        field: usize,
    },
    /// The partner's own, kept under this name with a node of the group.
    Extra {
        group: usize,
        name: Arc<str>,
    },
    /// Filler.
    Ignored,
    Control(Control),
    /// Computed when writing.
    Computed(Expression),
}

/// The words that controls begin with.
pub const CONTROLS: [&str; 6] = ["count", "sum", "number", "constant", "version", "change"];

/// A value that says something about the file itself: checked when reading, computed when writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    pub what: Checked,
    pub scope: Scope,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// Number of records of these indices, the one that says it included.
    Count(Vec<usize>),
    /// Sum of this number field.
    Sum { group: usize, field: usize },
    /// Runs from 1.
    Number,
    /// Must be this.
    Constant(String),
    /// Must be this, and is the version of the format.
    Version(String),
    /// What has become of the message since its reader was last told: a word of `rules::delta::Op`. A file that is read must
    /// not say that it was deleted.
    Change,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Message,
    Interchange,
    File,
}

/// A condition that a record must meet.
#[derive(Debug)]
pub enum Condition {
    /// The value at the place is (or is not) one of these.
    Is {
        place: Spot,
        words: Vec<String>,
        not: bool,
    },
    Holds(Expression),
}
