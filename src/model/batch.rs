//! Decoded messages, many at a time, in a few flat vectors: no allocation per message or field.
//!
//! A message is a tree of nodes (head, lines, charges …) shaped by its kind; a node's cells stand in the order of its
//! group's fields. Values are already typed: numbers scaled, dates and instants as ISO text. What a partner did not send
//! stays `Missing`, what he sent empty is `Empty`: the difference decides between "leave" and "clear".

use std::ops::Range;
use std::sync::Arc;

use super::kind::Kind;
use super::speaker::Speaker;
use known::Known;

mod known;
mod packed;
mod runs;

pub use packed::Packed;
pub use runs::{Merge, Runs};

/// One value of a node. Fields that are resolved to ours have a second cell, for the number as the partner sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// The file has no such column or element here.
    Missing,
    /// It is there and empty.
    Empty,
    /// A place in the batch's text.
    Text { start: u32, len: u32 },
    /// A number at the field's scale; a boolean is 0 or 1.
    Number(i64),
}

/// The same, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    Missing,
    Empty,
    Text(&'a str),
    Number(i64),
}

impl<'a> Value<'a> {
    /// The text, or nothing when the value is missing or empty.
    pub fn text(self) -> Option<&'a str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    pub fn number(self) -> Option<i64> {
        if let Value::Number(number) = self { Some(number) } else { None }
    }

    pub fn is_given(self) -> bool {
        matches!(self, Value::Text(_) | Value::Number(_))
    }
}

#[derive(Debug, Clone, Copy)]
struct Node {
    group: u16,
    /// Index within the message.
    parent: u32,
    first_cell: u32,
    line: u32,
}

/// A partner's own field that no field of the kind holds: kept with the node and echoed where a layout asks for it.
#[derive(Debug, Clone)]
struct Extra {
    node: u32,
    /// Its place among the names.
    name: u32,
    start: u32,
    len: u32,
}

/// More names of extras are not kept from one filling to the next.
const NAMES_KEPT: usize = 256;
/// Among so many a name is sought; one that is not found there may stand twice.
const NAMES_SOUGHT: usize = 16;

/// Where a message stands in the sender's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'a> {
    /// Number of the message in the file, from 1.
    pub number: u64,
    /// First line (delimited, fixed: record; XML: line of the start tag), from 1; 0 when unknown.
    pub line: u32,
    /// The bytes of the sender's file that make the message, in order; several when its rows are scattered.
    pub bytes: &'a [Range<u64>],
}

#[derive(Debug, Clone)]
struct Head {
    first_node: u32,
    first_extra: u32,
    first_range: u32,
    line: u32,
    number: u64,
}

/// Messages of one kind. A decoder fills it, the writer reads it.
#[derive(Debug, Clone)]
pub struct Batch {
    kind: Arc<Kind>,
    /// Cells of a node, by group: asked for with every node.
    widths: Vec<usize>,
    text: String,
    nodes: Vec<Node>,
    cells: Vec<Cell>,
    extras: Vec<Extra>,
    /// Names of extras; they stay when the batch is emptied, since the next messages have the same.
    names: Vec<Arc<str>>,
    /// The name given last.
    last_name: usize,
    ranges: Vec<Range<u64>>,
    messages: Vec<Head>,
    known: Known,
    /// How its places are said, where a line is not what a person sees.
    speaker: Option<Arc<Speaker>>,
}

impl Batch {
    pub fn new(kind: Arc<Kind>) -> Self {
        Batch {
            widths: kind.groups.iter().map(|g| g.cells()).collect(),
            kind,
            text: String::new(),
            nodes: Vec::new(),
            cells: Vec::new(),
            extras: Vec::new(),
            names: Vec::new(),
            last_name: 0,
            ranges: Vec::new(),
            messages: Vec::new(),
            known: Known::default(),
            speaker: None,
        }
    }

    /// An empty one, whose places are said alike.
    pub fn another(&self) -> Self {
        Batch { speaker: self.speaker.clone(), ..Batch::new(self.kind.clone()) }
    }

    pub fn speaker(&self) -> Option<&Speaker> {
        self.speaker.as_deref()
    }

    /// Counts its messages on behind so many others, and moves their places.
    pub fn move_behind(&mut self, messages: u64, bytes: u64) {
        self.messages.iter_mut().for_each(|head| head.number += messages);
        self.ranges.iter_mut().for_each(|range| *range = range.start + bytes..range.end + bytes);
    }

    pub fn set_speaker(&mut self, speaker: Option<Arc<Speaker>>) {
        self.speaker = speaker;
    }

    pub fn kind(&self) -> &Arc<Kind> {
        &self.kind
    }

    pub fn len(&self) -> usize {
        self.messages.len()
    }

    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Memory that the content takes, so that a decoder knows when to hand the batch on.
    pub fn size(&self) -> usize {
        self.text.len()
            + size_of_val(&self.cells[..])
            + size_of_val(&self.nodes[..])
            + size_of_val(&self.extras[..])
            + size_of_val(&self.ranges[..])
            + size_of_val(&self.messages[..])
    }

    pub fn clear(&mut self) {
        self.speaker = None;
        self.text.clear();
        self.nodes.clear();
        self.cells.clear();
        self.extras.clear();
        if self.names.len() > NAMES_KEPT {
            self.names.clear();
        }
        self.ranges.clear();
        self.messages.clear();
        self.known.clear();
    }

    pub fn messages(&self) -> impl Iterator<Item = Message<'_>> {
        (0..self.messages.len()).map(|index| self.message(index))
    }

    pub fn message(&self, index: usize) -> Message<'_> {
        Message { batch: self, index }
    }

    // Filling: begin, open and set, then either leave it or drop_last.

    /// Begins a message and its head node (node 0).
    pub fn begin(&mut self, number: u64, line: u32) {
        self.messages.push(Head {
            first_node: self.nodes.len() as u32,
            first_extra: self.extras.len() as u32,
            first_range: self.ranges.len() as u32,
            line,
            number,
        });
        self.open(0, 0, line);
    }

    /// Opens a node of a group under a parent node of the message begun last; returns its index in the message.
    pub fn open(&mut self, group: usize, parent: u32, line: u32) -> u32 {
        let first_cell = self.cells.len() as u32;
        self.cells.resize(self.cells.len() + self.widths[group], Cell::Missing);
        self.nodes.push(Node { group: group as u16, parent, first_cell, line });
        self.nodes.len() as u32 - 1 - self.current().first_node
    }

    /// Sets a text of a node of the message begun last.
    pub fn set_text(&mut self, node: u32, field: usize, value: &str) {
        let cell = self.store_text(value);
        self.set(node, field, cell);
    }

    pub fn set_number(&mut self, node: u32, field: usize, value: i64) {
        self.set(node, field, Cell::Number(value));
    }

    /// Sets the number as the partner sent it, of a field that holds ours: for a stored message that is read back.
    pub fn set_sent(&mut self, node: u32, field: usize, value: &str) {
        let group = self.nodes[(self.current().first_node + node) as usize].group;
        if let Some(second) = self.kind.groups[group as usize].sent_cell(field) {
            self.set_text(node, second, value);
        }
    }

    pub fn set_empty(&mut self, node: u32, field: usize) {
        self.set(node, field, Cell::Empty);
    }

    fn set(&mut self, node: u32, field: usize, cell: Cell) {
        let node = self.nodes[(self.current().first_node + node) as usize];
        self.cells[node.first_cell as usize + field] = cell;
    }

    pub fn add_extra(&mut self, node: u32, name: &Arc<str>, value: &str) {
        let start = self.text.len() as u32;
        self.text.push_str(value);
        let name = self.place_of_name(name);
        self.extras.push(Extra { node, name, start, len: value.len() as u32 });
    }

    /// Names come in the same order again and again. Counting the owners of each with every value, from two threads, costs more
    /// than the value.
    fn place_of_name(&mut self, name: &Arc<str>) -> u32 {
        let next = self.last_name + 1;
        let is_here = |place: &usize| self.names.get(*place).is_some_and(|known| Arc::ptr_eq(known, name));
        let found = [next, 0, self.last_name].into_iter().find(is_here);
        let found = found.or_else(|| (0..self.names.len().min(NAMES_SOUGHT)).find(is_here));
        self.last_name = found.unwrap_or_else(|| {
            self.names.push(name.clone());
            self.names.len() - 1
        });
        self.last_name as u32
    }

    /// Adds bytes of the sender's file to the message begun last; adjoining ranges are joined.
    pub fn add_bytes(&mut self, range: Range<u64>) {
        let first = self.current().first_range as usize;
        match self.ranges[first..].last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            // A row that is read more than once.
            Some(last) if last.start <= range.start && range.end <= last.end => {}
            _ => self.ranges.push(range),
        }
    }

    /// Sets a text where nothing is given yet; false when another text or number stands there.
    pub fn fill_text(&mut self, node: u32, field: usize, value: &str) -> bool {
        let at = self.nodes[(self.current().first_node + node) as usize].first_cell as usize + field;
        match self.cells[at] {
            Cell::Missing | Cell::Empty => {
                self.cells[at] = self.store_text(value);
                true
            }
            given => self.read(given) == Value::Text(value),
        }
    }

    /// Puts a text behind the one that is there, with something between them. With more than so many characters nothing is
    /// changed, and how many there would be is told.
    pub fn append_text(
        &mut self,
        node: u32,
        field: usize,
        (between, value): (&str, &str),
        max: usize,
    ) -> Result<(), usize> {
        let Value::Text(first) = self.current_value(node, field) else {
            self.fill_text(node, field, value);
            return Ok(());
        };
        let whole = format!("{first}{between}{value}");
        let found = whole.chars().count();
        if found > max {
            return Err(found);
        }
        let cell = self.store_text(&whole);
        self.set(node, field, cell);
        Ok(())
    }

    /// What the node of the message begun last has under a name of the partner's, where nothing of another node came between.
    pub fn own_extra(&self, node: u32, name: &Arc<str>) -> Option<&str> {
        let first = self.current().first_extra as usize;
        let own = self.extras[first..].iter().rev().take_while(|extra| extra.node == node);
        let found = own.into_iter().find(|extra| self.names[extra.name as usize] == *name)?;
        Some(&self.text[found.start as usize..(found.start + found.len) as usize])
    }

    /// A number where there is none yet; false where another stands.
    pub fn fill_number(&mut self, node: u32, field: usize, value: i64) -> bool {
        let at = self.nodes[(self.current().first_node + node) as usize].first_cell as usize + field;
        match self.cells[at] {
            Cell::Missing | Cell::Empty => {
                self.cells[at] = Cell::Number(value);
                true
            }
            given => given == Cell::Number(value),
        }
    }

    /// A value of the message begun last.
    pub fn current_value(&self, node: u32, field: usize) -> Value<'_> {
        let node = self.nodes[(self.current().first_node + node) as usize];
        self.read(self.cells[node.first_cell as usize + field])
    }

    /// Takes back the message begun last: it turned out to be refused.
    pub fn drop_last(&mut self) {
        if let Some(head) = self.messages.pop() {
            if let Some(node) = self.nodes.get(head.first_node as usize) {
                self.cells.truncate(node.first_cell as usize);
            }
            self.nodes.truncate(head.first_node as usize);
            self.extras.truncate(head.first_extra as usize);
            self.ranges.truncate(head.first_range as usize);
            // Its text stays until the batch is cleared: harmless, and other cells' places do not move.
        }
    }

    /// Notes that the customer's number in a head is ours as it was sent.
    pub fn know_customer(&mut self, message: usize) {
        let head = self.messages[message].first_node as usize;
        self.known.add_customer(head, self.nodes.len());
    }

    /// Notes that the article's number of a node is ours as it was sent, with its base unit.
    pub fn know_article(&mut self, message: usize, node: u32, unit: Option<&str>) {
        let node = (self.messages[message].first_node + node) as usize;
        self.known.add_article(node, self.nodes.len(), unit);
    }

    // Judging: values that we set on a message that is complete.

    /// Replaces the number the partner sent by ours; what he sent stays in the field's second cell.
    pub fn resolve(&mut self, message: usize, node: u32, field: usize, ours: &str) {
        let at = self.cell_at(message, node, field);
        let sent = self.cells[at];
        if let Some(second) = self.sent_at(message, node, field) {
            self.cells[second] = sent;
        }
        if self.read(sent).text() != Some(ours) {
            self.cells[at] = self.store_text(ours);
        }
    }

    /// Takes the number the partner sent for ours.
    pub fn keep_sent(&mut self, message: usize, node: u32, field: usize) {
        if let Some(second) = self.sent_at(message, node, field) {
            self.cells[second] = self.cells[self.cell_at(message, node, field)];
        }
    }

    /// Sets a text of ours (`partner`, `base_unit` …) on a message.
    pub fn put_text(&mut self, message: usize, node: u32, field: usize, value: &str) {
        let at = self.cell_at(message, node, field);
        self.cells[at] = self.store_text(value);
    }

    pub fn put_number(&mut self, message: usize, node: u32, field: usize, value: i64) {
        let at = self.cell_at(message, node, field);
        self.cells[at] = Cell::Number(value);
    }

    fn cell_at(&self, message: usize, node: u32, field: usize) -> usize {
        self.nodes[(self.messages[message].first_node + node) as usize].first_cell as usize + field
    }

    fn sent_at(&self, message: usize, node: u32, field: usize) -> Option<usize> {
        let node = self.nodes[(self.messages[message].first_node + node) as usize];
        self.kind.groups[node.group as usize].sent_cell(field).map(|cell| node.first_cell as usize + cell)
    }

    fn store_text(&mut self, value: &str) -> Cell {
        let start = self.text.len() as u32;
        self.text.push_str(value);
        Cell::Text { start, len: value.len() as u32 }
    }

    fn read(&self, cell: Cell) -> Value<'_> {
        match cell {
            Cell::Missing => Value::Missing,
            Cell::Empty => Value::Empty,
            Cell::Number(number) => Value::Number(number),
            Cell::Text { start, len } => Value::Text(&self.text[start as usize..(start + len) as usize]),
        }
    }

    fn current(&self) -> &Head {
        self.messages.last().expect("a message was begun")
    }
}

/// One message of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    batch: &'a Batch,
    index: usize,
}

impl<'a> Message<'a> {
    pub fn kind(&self) -> &'a Arc<Kind> {
        &self.batch.kind
    }

    pub fn origin(&self) -> Origin<'a> {
        let head = &self.batch.messages[self.index];
        let end = self.batch.messages.get(self.index + 1).map_or(self.batch.ranges.len(), |h| h.first_range as usize);
        Origin { number: head.number, line: head.line, bytes: &self.batch.ranges[head.first_range as usize..end] }
    }

    fn node_range(&self) -> Range<usize> {
        let first = self.batch.messages[self.index].first_node as usize;
        let end = self.batch.messages.get(self.index + 1).map_or(self.batch.nodes.len(), |h| h.first_node as usize);
        first..end
    }

    pub fn head(&self) -> NodeRef<'a> {
        self.node(0)
    }

    pub fn node(&self, index: u32) -> NodeRef<'a> {
        let first = self.node_range().start;
        NodeRef { batch: self.batch, node: self.batch.nodes[first + index as usize], index, message: self.index }
    }

    /// All nodes, the head first, in the order of the file.
    pub fn nodes(&self) -> impl Iterator<Item = NodeRef<'a>> + use<'a> {
        let message = *self;
        (0..self.node_range().len() as u32).map(move |index| message.node(index))
    }

    /// The nodes of one group, whatever their parent.
    pub fn group(&self, group: usize) -> impl Iterator<Item = NodeRef<'a>> + use<'a> {
        self.nodes().filter(move |n| n.group() == group)
    }
}

/// One node of a message.
#[derive(Debug, Clone, Copy)]
pub struct NodeRef<'a> {
    batch: &'a Batch,
    node: Node,
    index: u32,
    message: usize,
}

impl<'a> NodeRef<'a> {
    pub fn index(&self) -> u32 {
        self.index
    }

    pub fn group(&self) -> usize {
        self.node.group as usize
    }

    pub fn parent(&self) -> u32 {
        self.node.parent
    }

    /// Line in the sender's file, 0 when unknown.
    pub fn line(&self) -> u32 {
        self.node.line
    }

    /// Its customer's number is ours as it was sent.
    pub fn knows_customer(&self) -> bool {
        self.batch.known.customer(self.nth())
    }

    /// Its article's number is ours as it was sent; inside, the base unit of the article.
    pub fn known_article(&self) -> Option<Option<&'a str>> {
        self.batch.known.article(self.nth())
    }

    fn nth(&self) -> usize {
        (self.batch.messages[self.message].first_node + self.index) as usize
    }

    pub fn value(&self, field: usize) -> Value<'a> {
        self.batch.read(self.batch.cells[self.node.first_cell as usize + field])
    }

    /// A cell by its place: fields come first, then the second cells of those that are resolved.
    pub fn cell(&self, cell: usize) -> Value<'a> {
        self.batch.read(self.batch.cells[self.node.first_cell as usize + cell])
    }

    /// The number as the partner sent it, of a field that was resolved to ours.
    pub fn sent(&self, field: usize) -> Value<'a> {
        match self.batch.kind.groups[self.group()].sent_cell(field) {
            Some(cell) => self.batch.read(self.batch.cells[self.node.first_cell as usize + cell]),
            None => Value::Missing,
        }
    }

    /// The partner's own fields kept with this node.
    pub fn extras(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let batch = self.batch;
        let first = batch.messages[self.message].first_extra as usize;
        let end = batch.messages.get(self.message + 1).map_or(batch.extras.len(), |h| h.first_extra as usize);
        let index = self.index;
        batch.extras[first..end]
            .iter()
            .filter(move |e| e.node == index)
            .map(move |e| (&*batch.names[e.name as usize], &batch.text[e.start as usize..(e.start + e.len) as usize]))
    }
}

#[cfg(test)]
mod tests;
