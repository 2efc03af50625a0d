//! Kinds: what an order, a stock level or a customer consists of, read from `schemas/kinds/<kind>.toml`.
//!
//! A kind is data. Columns of the store, Nattpost's own formats, schemas and documentation follow from it; code names
//! a field only where a rule computes with it. Field order is the file's order and is what indices refer to.

mod change;
mod columns;
mod page;
mod read;
mod xsd;

use std::sync::Arc;

pub use change::change_type;
pub use columns::columns;
pub use page::page;
pub use xsd::xsd;

pub use read::{read_kind, shipped_kinds};

/// What a message of this kind does to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Asks for something once: order, quote, registration.
    Request,
    /// Master data, the newest wins by key.
    Record,
    /// Ordered in time: an older one never replaces a newer.
    Fact,
    /// Asks for an answer file, changes nothing, may be asked again.
    Question,
    /// Closes rows of records and facts, and writes none.
    Removal,
    /// Only written by us: receipts, and answers to questions.
    Answer,
}

impl Class {
    /// It changes stored rows that newer messages change again; the others are each for themselves.
    pub fn updates(self) -> bool {
        matches!(self, Class::Record | Class::Fact | Class::Removal)
    }
}

/// How a field is read, stored and written. Scaled numbers are integers at a fixed scale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldType {
    /// Text of at most so many characters.
    Text(usize),
    /// A number that tells one thing from another: order, article, warehouse, list. Two writings of it are one
    /// (`rules::identity`).
    Identifier(usize),
    /// Our number of a customer, found by what the partner sent; the number as sent is stored too.
    Customer(usize),
    /// Our number of an article, found by what the partner sent; the number as sent is stored too.
    Article(usize),
    /// The customer's order number that refers to an order we have.
    Order(usize),
    Integer,
    /// Scale 6.
    Quantity,
    /// Scale 6.
    Price,
    /// Scale 6.
    Money,
    /// Scale 4: 19 % is 190000.
    Percent,
    Boolean,
    /// ISO date, stored as text.
    Date,
    /// `HH:MM:SS`, stored as text.
    Time,
    /// UTC instant in ISO text.
    Instant,
    /// ISO 4217, three letters.
    Currency,
    /// ISO 3166-1 alpha-2.
    Country,
    /// UN/ECE Recommendation 20 code.
    Unit,
    Choice(Vec<String>),
}

impl FieldType {
    /// Digits after the point that are kept, for types that are numbers.
    pub fn scale(&self) -> Option<u32> {
        match self {
            FieldType::Quantity | FieldType::Price | FieldType::Money => Some(6),
            FieldType::Percent => Some(4),
            FieldType::Integer | FieldType::Boolean => Some(0),
            _ => None,
        }
    }

    /// Most characters, for types that are free text or somebody's number.
    pub fn length(&self) -> Option<usize> {
        match self {
            FieldType::Text(max) => Some(*max),
            _ => self.identifier_length(),
        }
    }

    fn identifier_length(&self) -> Option<usize> {
        match self {
            FieldType::Identifier(max) | FieldType::Customer(max) | FieldType::Article(max) | FieldType::Order(max) => {
                Some(*max)
            }
            _ => None,
        }
    }

    /// Somebody's number, to which the rule of `rules::identity` applies.
    pub fn is_identifier(&self) -> bool {
        self.identifier_length().is_some()
    }

    /// Numbers are held and stored as integers, everything else as text.
    pub fn is_number(&self) -> bool {
        self.scale().is_some()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub field_type: FieldType,
    pub required: bool,
    /// Set by us, never read from a partner's file.
    pub ours: bool,
    /// Personal data: overwritten when a file is redacted, left out where a feed leaves personal data out.
    pub personal: bool,
    pub about: String,
}

impl Field {
    /// The store's column: the name, with the scale where the value is scaled.
    pub fn column(&self) -> String {
        match self.field_type {
            FieldType::Quantity | FieldType::Price | FieldType::Money => format!("{}_e6", self.name),
            FieldType::Percent => format!("{}_e4", self.name),
            _ => self.name.clone(),
        }
    }

    /// The column of the number as the partner sent it, for fields that are resolved to ours.
    pub fn sent_column(&self) -> Option<String> {
        matches!(self.field_type, FieldType::Customer(_) | FieldType::Article(_)).then(|| format!("{}_sent", self.name))
    }
}

/// The head of a message (group 0) or one of its repeated parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Empty for the head.
    pub name: String,
    /// XML element and CSV record type.
    pub element: String,
    pub title: String,
    /// Index of the group it repeats in; 0 for the head itself.
    pub parent: usize,
    /// Empty where nothing is stored.
    pub table: String,
    /// Indices of the fields that tell one node from its siblings (head: one message from another).
    pub key: Vec<usize>,
    /// At least one is needed.
    pub required: bool,
    pub fields: Vec<Field>,
}

impl Group {
    pub fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.name == name)
    }

    /// Cells that a node of this group takes: one a field, and one more for each field with a number as sent.
    pub fn cells(&self) -> usize {
        self.fields.len() + self.resolved_fields().count()
    }

    /// Fields that are resolved to a number of ours, in order.
    pub fn resolved_fields(&self) -> impl Iterator<Item = usize> {
        self.fields
            .iter()
            .enumerate()
            .filter(|(_, f)| matches!(f.field_type, FieldType::Customer(_) | FieldType::Article(_)))
            .map(|(index, _)| index)
    }

    /// The second cell of a resolved field.
    pub fn sent_cell(&self, field: usize) -> Option<usize> {
        self.resolved_fields().position(|f| f == field).map(|nth| self.fields.len() + nth)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    pub name: String,
    pub version: u32,
    pub class: Class,
    pub title: String,
    pub about: String,
    /// Nattpost's own formats say in a last column what has become of a row: nothing else of the kind tells that it is gone.
    pub tells_change: bool,
    /// Group 0 is the head; parents come before their children.
    pub groups: Vec<Group>,
}

impl Kind {
    pub fn head(&self) -> &Group {
        &self.groups[0]
    }

    pub fn group(&self, name: &str) -> Option<usize> {
        self.groups.iter().position(|g| g.name == name)
    }

    /// Root element of Nattpost's own XML: the plural of the head's element.
    pub fn root_element(&self) -> String {
        let element = &self.head().element;
        format!("{element}{}", if element.ends_with('s') { "es" } else { "s" })
    }

    /// Record type of a group in Nattpost's own CSV: its element, with the parent's before it where another group has
    /// the same (`charge` of the order, `line_charge` of a line).
    pub fn record_type(&self, group: usize) -> String {
        let Group { element, parent, .. } = &self.groups[group];
        let shared = self.groups.iter().filter(|g| g.element == *element).count() > 1;
        if shared && *parent > 0 { format!("{}_{element}", self.groups[*parent].element) } else { element.clone() }
    }

    /// Finds `qty` in the head or `lines.qty` in a group: (group, field).
    pub fn path(&self, path: &str) -> Option<(usize, usize)> {
        match path.rsplit_once('.') {
            None => Some((0, self.head().field(path)?)),
            Some((group, field)) => {
                let group = self.group(group)?;
                Some((group, self.groups[group].field(field)?))
            }
        }
    }

    /// The way back from `path`.
    pub fn path_of(&self, group: usize, field: usize) -> String {
        let group = &self.groups[group];
        let field = &group.fields[field].name;
        if group.name.is_empty() { field.clone() } else { format!("{}.{field}", group.name) }
    }

    /// Every `field` and `group.field`, for suggestions.
    pub fn paths(&self) -> Vec<String> {
        self.groups
            .iter()
            .flat_map(|g| {
                g.fields.iter().map(
                    move |f| {
                        if g.name.is_empty() { f.name.clone() } else { format!("{}.{}", g.name, f.name) }
                    },
                )
            })
            .collect()
    }
}

/// The kinds by name.
#[derive(Debug, Clone)]
pub struct Kinds(Vec<Arc<Kind>>);

impl Kinds {
    pub fn get(&self, name: &str) -> Option<&Arc<Kind>> {
        self.0.iter().find(|k| k.name == name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.0.iter()
    }

    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(|k| k.name.as_str()).collect()
    }
}
