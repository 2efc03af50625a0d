//! What stands around the messages of a written file: the elements of the file and of interchanges, which say once what their
//! messages have in common; and what expressions see.

use crate::model::batch::Value;
use crate::model::decimal;
use crate::model::layout::expression::Values;
use crate::model::layout::extra_path;
use crate::model::layout::form::Direction;
use crate::model::layout::plan::{Field, Ours, Place, Record, Role};
use crate::model::layout::seam::EncodeError;

use super::template::{Element, Item};
use super::write::{Content, Here, XmlWriter, is_below, target};

impl XmlWriter<'_> {
    /// Opens the elements on the way to the messages, with all that comes before them.
    pub(super) fn open_along(
        &mut self,
        root: &Element,
        path: &[usize],
        first: Option<Here<'_>>,
    ) -> Result<(), EncodeError> {
        let mut element = root;
        for at in path {
            self.ahead = true;
            self.open(element, first)?;
            for item in &element.items[..*at] {
                self.item(item, first)?;
            }
            self.ahead = false;
            if let Item::Element(inner) = &element.items[*at] {
                element = inner;
            }
        }
        Ok(())
    }

    pub(super) fn close_along(&mut self, root: &Element, path: &[usize]) -> Result<(), EncodeError> {
        let mut elements = vec![root];
        for at in path {
            if let Item::Element(inner) = &elements[elements.len() - 1].items[*at] {
                elements.push(inner);
            }
        }
        for (element, at) in elements.iter().zip(path).rev() {
            for item in &element.items[at + 1..] {
                self.item(item, None)?;
            }
            self.text.close();
        }
        Ok(())
    }

    /// Writes the message into the open interchange, where that says of it what is so; else into a new one.
    pub(super) fn in_interchange(
        &mut self,
        record: usize,
        element: &Element,
        here: Here<'_>,
    ) -> Result<(), EncodeError> {
        let said = self.said(Role::OpensInterchange, here)?;
        let path = &self.xml.template.in_interchange;
        if self.said_of_interchange.as_ref() != Some(&said) {
            self.close_interchange()?;
            self.check_room(&self.layout.records[record], here)?;
            self.open_along(element, path, Some(here))?;
            self.said_of_interchange = Some(said);
        }
        let mut items = &element.items;
        for at in path {
            match &items[*at] {
                Item::Element(inner) => items = &inner.items,
                Item::Record(record, element) => self.write_record(*record, element, here)?,
            }
        }
        Ok(())
    }

    pub(super) fn close_interchange(&mut self) -> Result<(), EncodeError> {
        let xml = self.xml;
        let mut item = None;
        let mut items = &xml.template.root.items;
        for at in &xml.template.to_message {
            item = items.get(*at);
            if let Some(Item::Element(inner)) = item {
                items = &inner.items;
            }
        }
        match (self.said_of_interchange.take(), item) {
            (Some(_), Some(Item::Record(_, element))) => self.close_along(element, &xml.template.in_interchange),
            _ => Ok(()),
        }
    }

    pub(super) fn write_record(&mut self, record: usize, element: &Element, here: Here<'_>) -> Result<(), EncodeError> {
        let record = &self.layout.records[record];
        let Some(group) = record.per else { return self.write_whole(record, element, here) };
        // Each is a message of its own for who reads it.
        self.messages -= 1;
        for node in here.message.group(group) {
            self.messages += 1;
            self.write_whole(record, element, Here { node, ..here })?;
        }
        Ok(())
    }

    /// The element of a node.
    pub(super) fn write_whole(
        &mut self,
        record: &Record,
        element: &Element,
        here: Here<'_>,
    ) -> Result<(), EncodeError> {
        self.check_room(record, here)?;
        self.element(element, Content::Nothing, Some(here)).map(|_| ())
    }

    /// What the records of a role say of a message: the same for all that stand in one.
    pub(super) fn said(&self, role: Role, here: Here<'_>) -> Result<Vec<String>, EncodeError> {
        let mut said = Vec::new();
        for (index, record) in self.layout.records.iter().enumerate().filter(|(_, record)| record.role == role) {
            for (field, _) in record
                .fields
                .iter()
                .enumerate()
                .filter(|(_, f)| matches!(f.ours, Ours::Field { .. } | Ours::Extra { .. } | Ours::Computed(_)))
            {
                let source = super::template::Source::Field { record: index, field };
                said.push(self.value(&source, Some(here))?.map(|(text, _)| text).unwrap_or_default());
            }
        }
        Ok(said)
    }

    /// A file says once what is not the same for all its messages.
    pub(super) fn differs(&self, here: Here<'_>, said: &[String]) -> EncodeError {
        let differs = self.said_of_file.iter().zip(said).find(|(first, this)| first != this);
        let (first, this) = differs.map_or(("", ""), |(first, this)| (first.as_str(), this.as_str()));
        let key = here.message.head().value(here.message.kind().head().key[0]).text().unwrap_or_default().to_string();
        self.not_writable(&format!(
            "what stands around all messages says \"{first}\", and of message {key} it would be \"{this}\""
        ))
    }

    /// A record has room for so many nodes below its own; one more would not be told.
    fn check_room(&self, record: &Record, here: Here<'_>) -> Result<(), EncodeError> {
        let groups = &self.layout.kind.groups;
        let own = here.node.group();
        for field in &record.fields {
            let Ours::Field { group, nth, field: index } = field.ours else { continue };
            self.check_constant(record, field, (group, nth, index), here)?;
            let is_above =
                std::iter::successors(Some(own), |g| Some(groups[*g].parent).filter(|_| *g > 0)).any(|g| g == group);
            let has_record = self.layout.records.iter().any(|r| r.role == Role::Opens(group));
            if is_above || has_record || !matches!(field.place, Place::One(_)) {
                continue;
            }
            let room = record.fields.iter().filter_map(|f| match f.ours {
                Ours::Field { group: g, nth, .. } if g == group => Some(nth + 1),
                _ => None,
            });
            let room = room.max().unwrap_or(nth + 1);
            let nodes = here.message.group(group).filter(|n| is_below(here, n)).count();
            if nodes > room {
                let text = format!("it has {nodes} of {}, and the layout has room for {room}", groups[group].name);
                return Err(self.value_error(field, here, text));
            }
        }
        Ok(())
    }

    /// What stands nowhere is always the same for the partner: another value would not be told.
    fn check_constant(
        &self,
        record: &Record,
        field: &Field,
        (group, nth, index): (usize, usize, usize),
        here: Here<'_>,
    ) -> Result<(), EncodeError> {
        let is_written = field.form.direction != Direction::ReadOnly;
        let Some(word) = field.form.default.as_ref().filter(|_| matches!(field.place, Place::Nowhere) && is_written)
        else {
            return Ok(());
        };
        // Where each part is a message of its own, nothing is told of the whole.
        if record.per.is_some() && group == 0 {
            return Ok(());
        }
        let value = target(here, group, nth).map_or(Value::Missing, |node| node.value(index));
        if matches!(value, Value::Missing | Value::Empty) {
            return Ok(());
        }
        let found = self.written(field, value, here)?;
        if found == *word {
            return Ok(());
        }
        Err(self.value_error(
            field,
            here,
            format!("it is \"{found}\", and a file of this layout can only mean \"{word}\""),
        ))
    }

    /// Our fields by path, for expressions: those of the node and of the nodes above it, and the moment of the file.
    pub(super) fn values(&self, here: Here<'_>) -> Values {
        let mut values = fields(here);
        self.layout.name_extras(&mut values);
        let (now, seconds) = self.now.clone().unwrap_or_default();
        values.add("now", &now);
        values.add("now_unix", &seconds);
        values
    }
}

fn fields(here: Here<'_>) -> Values {
    let kind = here.message.kind();
    let mut values = Values::default();
    let mut node = here.node;
    loop {
        let group = &kind.groups[node.group()];
        for (index, field) in group.fields.iter().enumerate() {
            let text = match node.value(index) {
                Value::Text(text) => text.to_string(),
                Value::Number(number) => decimal::text(number, field.field_type.scale().unwrap_or(0)),
                Value::Missing | Value::Empty => String::new(),
            };
            let path =
                if group.name.is_empty() { field.name.clone() } else { format!("{}.{}", group.name, field.name) };
            values.add(&path, &text);
        }
        node.extras().for_each(|(name, value)| values.add(&extra_path(&group.name, name), value));
        if node.index() == 0 {
            return values;
        }
        node = here.message.node(node.parent());
    }
}
