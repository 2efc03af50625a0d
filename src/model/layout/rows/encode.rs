//! Messages to rows: the records of a message in the order of the layout, envelopes and totals around them.
//!
//! A record that opens a group is written once for each of its nodes, with what adds to it behind, then what is below;
//! a record that adds something is left out where it would say nothing. Sums of a message are known before its first
//! row, everything counted is known only where it is written.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::Write;
use std::ops::Range;

use chrono::{DateTime, Utc};

use super::line::{Cells, Column, column_row, lay_out};
use super::options::{Columns, Cutting, Header, Tagged};
use super::places;
use super::{Rows, options};
use crate::model::batch::{Message, NodeRef, Value};
use crate::model::decimal;
use crate::model::layout::control::Totals;
use crate::model::layout::expression::Values;
use crate::model::layout::extra_path;
use crate::model::layout::form::{Direction, NotWritable};
use crate::model::layout::plan::{Checked, Condition, Field, Ours, Record, Role, Scope};
use crate::model::layout::seam::moment;
use crate::model::layout::{EncodeContext, EncodeError, Encoder, Layout};
use crate::model::rules::delta::Op;
use crate::model::syntax::transliteration::transliterated;
use crate::model::syntax::window::RECORD_BYTES;

/// Writes rows.
pub struct RowEncoder<'w> {
    pub(super) layout: &'w Layout,
    rows: &'w Rows,
    pub(super) context: EncodeContext,
    out: &'w mut dyn Write,
    pub(super) totals: Totals,
    /// By record: its columns in the order they are written.
    pub(super) columns: Vec<Vec<Column>>,
    cells: Cells,
    bytes: Vec<u8>,
    begun: bool,
    /// What has become of the message that is being written.
    op: Op,
    /// Nodes of the message by parent and group.
    children: HashMap<(u32, usize), Vec<u32>>,
    /// What the records around the messages say, once they are written.
    pub(super) of_file: Option<Vec<String>>,
    pub(super) of_interchange: Option<Vec<String>>,
    /// The moment of the file, as expressions see it.
    now: (String, String),
    /// Characters of values that the encoding lacks.
    unmapped: Cell<u64>,
}

/// What a row speaks of: a node, or for envelopes and empty groups only its message.
#[derive(Clone, Copy)]
pub(super) struct Subject<'m> {
    pub message: Option<Message<'m>>,
    pub node: Option<NodeRef<'m>>,
}

impl<'w> RowEncoder<'w> {
    pub fn new(
        layout: &'w Layout,
        rows: &'w Rows,
        context: EncodeContext,
        out: &'w mut dyn Write,
    ) -> Result<Self, EncodeError> {
        for record in &layout.records {
            if let Some(field) = record.fields.iter().find(|f| looks_ahead(record, f)) {
                let text = format!("\"{}\" in \"{}\" is known only at the end.", field.label, record.name);
                return Err(EncodeError::NotWritable { layout: layout.id.clone(), text });
            }
        }
        Ok(RowEncoder {
            layout,
            rows,
            context,
            out,
            totals: Totals::new(&layout.kind, &layout.records),
            columns: layout.records.iter().map(|record| rows.columns(layout, record)).collect(),
            cells: Cells::default(),
            bytes: Vec::new(),
            begun: false,
            op: Op::Same,
            children: HashMap::new(),
            of_file: None,
            of_interchange: None,
            now: Default::default(),
            unmapped: Cell::default(),
        })
    }

    /// What stands before the rows; the values of its records are those of the first message.
    fn begin(&mut self, first: Option<Message<'_>>) -> Result<(), EncodeError> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        self.out.write_all(self.layout.encoding.mark(self.rows.options.bom))?;
        if let Some(delimited) = self.rows.delimited() {
            if !delimited.first_line.is_empty() {
                self.names(&delimited.first_line)?;
            }
            if delimited.columns == Columns::Rows {
                for record in &self.layout.records {
                    let columns = &self.columns[self.index_of(record)];
                    self.names(&column_row(delimited, record, columns))?;
                }
            } else if delimited.header == Header::Required {
                let names: Vec<String> = self.columns.first().into_iter().flatten().map(|c| c.name.clone()).collect();
                self.names(&names)?;
            }
        }
        for (role, scope) in [(Role::OpensFile, Scope::File), (Role::OpensInterchange, Scope::Interchange)] {
            self.totals.open(scope);
            self.with_role(role, Subject { message: first, node: None })?;
        }
        Ok(())
    }

    fn index_of(&self, record: &Record) -> usize {
        self.layout.records.iter().position(|r| std::ptr::eq(r, record)).unwrap_or(0)
    }

    fn names(&mut self, names: &[String]) -> Result<(), EncodeError> {
        self.cells.set_all(names);
        self.put(0, "the header")
    }

    pub(super) fn with_role(&mut self, role: Role, subject: Subject<'_>) -> Result<(), EncodeError> {
        for (index, record) in self.layout.records.iter().enumerate() {
            if record.role == role {
                if self.is_needless(record, subject) {
                    break;
                }
                self.record(index, record, subject)?;
                // Of several variants the first is written.
                if !matches!(role, Role::Adds(_)) {
                    break;
                }
            }
        }
        Ok(())
    }

    fn message(&mut self, message: Message<'_>) -> Result<(), EncodeError> {
        self.begin(Some(message))?;
        self.come_under(message)?;
        self.totals.open(Scope::Message);
        if !self.children.is_empty() {
            self.children.values_mut().for_each(Vec::clear);
        }
        for node in message.nodes() {
            if node.index() > 0 {
                self.children.entry((node.parent(), node.group())).or_default().push(node.index());
            }
            self.totals.add_node(node);
        }
        self.node(message, message.head())?;
        self.with_role(Role::ClosesMessage, Subject { message: Some(message), node: Some(message.head()) })
    }

    /// Writes a node: its own record, what adds to it, and the nodes below.
    fn node(&mut self, message: Message<'_>, node: NodeRef<'_>) -> Result<(), EncodeError> {
        let layout = self.layout;
        let subject = Subject { message: Some(message), node: Some(node) };
        self.with_role(Role::Opens(node.group()), subject)?;
        for (index, record) in layout.records.iter().enumerate() {
            if record.role == Role::Adds(node.group())
                && (record.required || self.says_something(record, message, node))
            {
                self.record(index, record, subject)?;
            }
        }
        let mut done: Vec<usize> = Vec::new();
        for record in &layout.records {
            let Role::Opens(group) = record.role else { continue };
            // Nodes without a record of their own are passed through.
            let Some(group) = self.step_towards(group, node.group()).filter(|group| !done.contains(group)) else {
                continue;
            };
            done.push(group);
            let below = self.children.get(&(node.index(), group)).cloned().unwrap_or_default();
            for child in &below {
                self.node(message, message.node(*child))?;
            }
            // A message of which nothing but its head is there still needs a row.
            if below.is_empty()
                && record.required
                && self.rows.grouped
                && !layout.records.iter().any(|r| r.role == Role::Opens(0))
            {
                self.with_role(Role::Opens(group), Subject { message: Some(message), node: None })?;
            }
        }
        Ok(())
    }

    /// The group right below `from` on the way to `group`; nothing where that lies elsewhere.
    fn step_towards(&self, group: usize, from: usize) -> Option<usize> {
        let mut at = group;
        while at != 0 && self.layout.kind.groups[at].parent != from {
            at = self.layout.kind.groups[at].parent;
        }
        (at != 0).then_some(at)
    }

    /// A head that need not be there says nothing.
    fn is_needless(&self, record: &Record, subject: Subject<'_>) -> bool {
        let Some((message, node)) = subject.message.zip(subject.node) else { return false };
        record.role == Role::Opens(0) && !record.required && !self.says_something(record, message, node)
    }

    fn says_something(&self, record: &Record, message: Message<'_>, node: NodeRef<'_>) -> bool {
        record.fields.iter().any(|field| match &field.ours {
            Ours::Field { group, nth, field: index } if *group >= node.group() && *group != 0 || node.group() == 0 => {
                let found = self.find(Subject { message: Some(message), node: Some(node) }, *group, *nth);
                found.is_some_and(|n| n.value(*index).is_given())
            }
            Ours::Extra { name, .. } => node.extras().any(|(n, _)| n == &**name),
            _ => false,
        })
    }

    /// The node of a group that a row's subject has: itself, one above, or the nth below.
    pub(super) fn find<'m>(&self, subject: Subject<'m>, group: usize, nth: usize) -> Option<NodeRef<'m>> {
        let message = subject.message?;
        let Some(node) = subject.node else { return (group == 0).then(|| message.head()) };
        let mut at = node;
        loop {
            if at.group() == group {
                return Some(at);
            }
            if at.index() == 0 {
                break;
            }
            at = message.node(at.parent());
        }
        let groups = &self.layout.kind.groups;
        let is_beside = node.index() != 0 && groups[group].parent == groups[node.group()].parent;
        let above = if groups[group].parent == node.group() {
            node
        } else if is_beside {
            message.node(node.parent())
        } else {
            self.find(subject, groups[group].parent, 0).filter(|n| n.group() == groups[group].parent)?
        };
        let below = self.children.get(&(above.index(), group))?;
        below.get(nth).map(|index| message.node(*index))
    }

    /// Writes one row.
    fn record(&mut self, index: usize, record: &Record, subject: Subject<'_>) -> Result<(), EncodeError> {
        self.totals.record(index);
        self.check_room(record, subject)?;
        self.check_unsaid(record, subject)?;
        let columns = std::mem::take(&mut self.columns[index]);
        self.cells.begin(columns.len());
        let (mut result, mut size) = (Ok(()), 0);
        for (at, column) in columns.iter().enumerate() {
            let mut cell = self.cells.take(at);
            result =
                self.cell(record, column, subject, &mut cell).map_err(|why| self.not_writable(why, column, subject));
            size += cell.len();
            self.cells.give(at, cell);
            if size > RECORD_BYTES {
                let text = format!("the row is longer than {RECORD_BYTES} bytes, and no reader takes such a row.");
                result = Err(EncodeError::Value { message: key(subject), field: column.label.clone(), text });
            }
            if result.is_err() {
                break;
            }
        }
        self.columns[index] = columns;
        result?;
        self.put(index, &record.name)
    }

    pub(super) fn cell(
        &self,
        record: &Record,
        column: &Column,
        subject: Subject<'_>,
        out: &mut String,
    ) -> Result<(), NotWritable> {
        if column.is_tag && column.field.is_none() {
            out.push_str(record.tags.first().map_or("", String::as_str));
        }
        if let Some(word) = column.condition
            && let Some(Condition::Is { words, not: false, .. }) = record.when.get(word)
        {
            out.push_str(words.first().map_or("", String::as_str));
        }
        let Some(field) = column.field.map(|at| &record.fields[at]) else { return Ok(()) };
        let start = out.len();
        match &field.ours {
            Ours::Field { group, nth, field: index } => {
                let value = self.find(subject, *group, *nth).map_or(Value::Missing, |n| n.value(*index));
                field.form.write(value, self.context.zone, out)?;
            }
            Ours::Extra { group, name } => {
                let node = self.find(subject, *group, 0);
                let value = node.and_then(|n| n.extras().find(|(n, _)| *n == &**name)).map(|(_, value)| value);
                field.form.write(value.map_or(Value::Missing, Value::Text), self.context.zone, out)?;
            }
            Ours::Control(control) => self.totals.write(control, &field.form, (self.op, self.context.zone), out)?,
            Ours::Computed(expression) => {
                let text = expression.text(self.values(subject)).map_err(NotWritable::WrongType)?;
                out.push_str(&text);
            }
            Ours::Ignored => out.push_str(field.form.default.as_deref().unwrap_or_default()),
        }
        if !out[start..].is_ascii() && (self.layout.transliterates || self.layout.replacement.is_some()) {
            self.unmapped.set(self.unmapped.get() + self.layout.encoding.lacked(&out[start..]));
        }
        if self.layout.transliterates && !out[start..].is_ascii() {
            let text = out.split_off(start);
            out.push_str(&transliterated(&text, &self.layout.encoding));
        }
        if let Some(columns) = column.columns.as_ref().filter(|columns| columns.end < usize::MAX) {
            let text = out.split_off(start);
            field.form.pad_to(&text, columns.len(), out)?;
        } else if field.form.width > 0 {
            let text = out.split_off(start);
            field.form.pad_to(&text, field.form.width, out)?;
        }
        Ok(())
    }

    /// Our fields by path, as expressions see them.
    fn values(&self, subject: Subject<'_>) -> Values {
        let mut values = Values::default();
        for (index, group) in self.layout.kind.groups.iter().enumerate() {
            let node = self.find(subject, index, 0);
            for (at, field) in group.fields.iter().enumerate() {
                let text = match node.map_or(Value::Missing, |n| n.value(at)) {
                    Value::Text(text) => text.to_string(),
                    Value::Number(number) => decimal::text(number, field.field_type.scale().unwrap_or(0)),
                    Value::Missing | Value::Empty => String::new(),
                };
                let path = if index == 0 { field.name.clone() } else { format!("{}.{}", group.name, field.name) };
                values.add(&path, &text);
            }
            add_extras(&mut values, node, &group.name);
        }
        self.layout.name_extras(&mut values);
        values.add("now", &self.now.0);
        values.add("now_unix", &self.now.1);
        values
    }

    /// A row has room for so many nodes below; more would be lost without a word.
    fn check_room(&self, record: &Record, subject: Subject<'_>) -> Result<(), EncodeError> {
        let Some(node) = subject.node.filter(|_| matches!(record.role, Role::Opens(_))) else { return Ok(()) };
        for field in &record.fields {
            let Ours::Field { group, .. } = field.ours else { continue };
            if group == node.group() || self.layout.kind.groups[group].parent != node.group() {
                continue;
            }
            let of_group = |f: &Field| match f.ours {
                Ours::Field { group: g, nth, .. } if g == group => Some(nth + 1),
                _ => None,
            };
            let room = record.fields.iter().filter_map(of_group).max().unwrap_or(0);
            let found = self.children.get(&(node.index(), group)).map_or(0, Vec::len);
            if found > room {
                let name = &self.layout.kind.groups[group].name;
                let text = format!("there are {found} \"{name}\", and the layout has room for {room}.");
                return Err(EncodeError::Value { message: key(subject), field: name.clone(), text });
            }
        }
        Ok(())
    }

    pub(super) fn not_writable(&self, why: NotWritable, column: &Column, subject: Subject<'_>) -> EncodeError {
        let text = match why {
            NotWritable::TooLong { value, width } => format!("\"{value}\" does not fit into {width} characters."),
            NotWritable::TooFine(value) => format!("{value} has more decimals than the layout can hold."),
            NotWritable::NotLike(value) => format!("\"{value}\" does not look like what match= says."),
            NotWritable::NotListed(value) => format!("the layout's table has no word for \"{value}\"."),
            NotWritable::WrongType(value) => format!("{value} cannot be written in this form."),
        };
        EncodeError::Value { message: key(subject), field: column.label.clone(), text }
    }

    /// Lays out the cells as one line and writes it.
    fn put(&mut self, record: usize, name: &str) -> Result<(), EncodeError> {
        let columns = &self.columns[record];
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        let width = self.layout.records[record].width;
        let result = lay_out(self.layout, (&self.rows.options, width), columns, self.cells.texts(), &mut bytes);
        if result.is_ok() {
            self.out.write_all(&bytes)?;
        }
        self.bytes = bytes;
        result.map_err(|wrong| EncodeError::Value { message: name.to_string(), field: wrong.column, text: wrong.text })
    }
}

fn add_extras(values: &mut Values, node: Option<NodeRef<'_>>, group: &str) {
    for (name, value) in node.iter().flat_map(|node| node.extras()) {
        values.add(&extra_path(group, name), value);
    }
}

/// A total that would have to be known before what it counts is written.
fn looks_ahead(record: &Record, field: &Field) -> bool {
    let Ours::Control(control) = &field.ours else { return false };
    match (&control.what, record.role) {
        (Checked::Count(_), Role::OpensFile | Role::OpensInterchange | Role::Opens(0)) => true,
        (Checked::Sum { .. }, Role::OpensFile | Role::OpensInterchange) => true,
        (Checked::Sum { .. }, Role::Opens(_)) => control.scope != Scope::Message,
        _ => false,
    }
}

pub(super) fn key(subject: Subject<'_>) -> String {
    let Some(message) = subject.message else { return String::new() };
    let parts: Vec<&str> =
        message.kind().head().key.iter().filter_map(|field| message.head().value(*field).text()).collect();
    parts.join(" / ")
}

impl Encoder for RowEncoder<'_> {
    fn at(&mut self, now: DateTime<Utc>) {
        self.now = moment(now);
    }

    fn write_change(&mut self, message: Message<'_>, op: Op) -> Result<(), EncodeError> {
        self.op = op;
        self.message(message)
    }

    fn unmapped(&self) -> u64 {
        self.unmapped.get()
    }

    fn finish(mut self: Box<Self>) -> Result<(), EncodeError> {
        self.begin(None)?;
        let nothing = Subject { message: None, node: None };
        self.with_role(Role::ClosesInterchange, nothing)?;
        self.with_role(Role::ClosesFile, nothing)?;
        self.out.flush()?;
        Ok(())
    }
}

impl Rows {
    /// The columns of a record in the order they are written.
    fn columns(&self, layout: &Layout, record: &Record) -> Vec<Column> {
        let mut columns: Vec<Column> = Vec::new();
        match &self.options.cutting {
            Cutting::Fixed(_) => self.fixed_columns(record, &mut columns),
            Cutting::Tagged(tagged) => tagged_columns(tagged, record, &mut columns),
            Cutting::Delimited(_) if record.width.is_some() => self.fixed_columns(record, &mut columns),
            Cutting::Delimited(delimited) => {
                let by_position = delimited.columns == Columns::Positions;
                if let Some(tag) = delimited.tag {
                    Column::at(&mut columns, tag - 1).is_tag = true;
                }
                // One header stands for all records, so each has the columns of all.
                let records = if delimited.columns == Columns::Names {
                    &layout.records[..]
                } else {
                    std::slice::from_ref(record)
                };
                for other in records {
                    for (index, field) in other.fields.iter().enumerate() {
                        let Some(spot) = field.place.written() else { continue };
                        let at = if by_position {
                            places::position(spot)
                        } else {
                            columns.iter().position(|c| c.name == spot.name() && !c.is_tag)
                        };
                        let column = Column::at(&mut columns, at.unwrap_or(usize::MAX));
                        column.name = if by_position { field.label.clone() } else { spot.name().to_string() };
                        let writes = field.form.direction != Direction::ReadOnly
                            && !matches!(field.ours, Ours::Ignored)
                            || column.field.is_none();
                        if std::ptr::eq(other, record) && field.form.direction != Direction::ReadOnly && writes {
                            column.field = Some(index);
                            column.label = field.label.clone();
                        }
                    }
                    for (index, condition) in other.when.iter().enumerate() {
                        let Condition::Is { place, not: false, .. } = condition else { continue };
                        let at = if by_position {
                            places::position(place)
                        } else {
                            columns.iter().position(|c| c.name == place.name())
                        };
                        let column = Column::at(&mut columns, at.unwrap_or(usize::MAX));
                        if column.name.is_empty() {
                            column.name = place.name().to_string();
                        }
                        if std::ptr::eq(other, record) && column.field.is_none() {
                            column.condition = Some(index);
                        }
                    }
                }
            }
        }
        columns
    }

    fn fixed_columns(&self, record: &Record, columns: &mut Vec<Column>) {
        let tag = match self.tag() {
            Some(places::At::Columns(start, end)) => Some(start..end),
            _ => None,
        };
        if let Some(range) = tag {
            columns.push(Column { is_tag: true, columns: Some(range), ..Column::default() });
        }
        for (index, field) in record.fields.iter().enumerate() {
            let written = field.place.written().filter(|_| field.form.direction != Direction::ReadOnly);
            let Some(spot) = written else { continue };
            let silent = matches!(field.ours, Ours::Ignored) && field.form.default.is_none();
            if let (Some(range), false) = (options::columns(spot.name()), silent) {
                columns.retain(|c| c.columns.as_ref() != Some(&range));
                let column = Column {
                    field: Some(index),
                    label: field.label.clone(),
                    columns: Some(range),
                    ..Column::default()
                };
                columns.push(column);
            }
        }
        columns.sort_by_key(|c| c.columns.as_ref().map_or(0, |r| r.start));
    }
}

/// The pieces of the marker line in their order, then the tags in that of the layout.
fn tagged_columns(tagged: &Tagged, record: &Record, columns: &mut Vec<Column>) {
    let open = |range: Range<usize>| Range { end: usize::MAX, ..range };
    columns.push(Column { is_tag: true, columns: Some(open(tagged.tag.clone())), ..Column::default() });
    for (index, field) in record.fields.iter().enumerate() {
        let written = field.place.written().filter(|_| field.form.direction != Direction::ReadOnly);
        let silent = matches!(field.ours, Ours::Ignored) && field.form.default.is_none();
        let Some(spot) = written.filter(|_| !silent) else { continue };
        let piece = options::marker_columns(spot.name());
        let column = Column {
            name: spot.name().to_string(),
            label: field.label.clone(),
            field: Some(index),
            columns: piece.clone().map(open),
            ..Column::default()
        };
        // Of several rows for one place the last is written; one at the tag's own place says it.
        let says_tag = piece.as_ref().is_some_and(|piece| piece.start == tagged.tag.start);
        let same = |c: &Column| (&c.name, c.columns.is_some()) == (&column.name, piece.is_some());
        columns.retain(|c| if c.is_tag { !says_tag } else { !same(c) });
        columns.push(column);
    }
    columns.sort_by_key(|c| c.columns.as_ref().map_or(usize::MAX, |range| range.start));
}
