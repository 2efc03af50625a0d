//! A message of ours that is filled in by the names of its fields: receipts and answers. Texts are cut to what the kind takes, and
//! what it has no field for is left out.

use std::sync::Arc;

use crate::model::batch::{Batch, NodeRef, Value};
use crate::model::kind::{FieldType, Kind};

pub(super) struct Sheet {
    pub batch: Batch,
    group: usize,
    node: u32,
}

impl Sheet {
    pub fn new(kind: &Arc<Kind>) -> Self {
        Sheet::of(Batch::new(kind.clone()))
    }

    /// Goes on with the message begun last.
    pub fn of(batch: Batch) -> Self {
        Sheet { batch, group: 0, node: 0 }
    }

    /// The next message; what is said now is said at its head.
    pub fn begin(&mut self, number: u64) {
        self.batch.begin(number, 0);
        (self.group, self.node) = (0, 0);
    }

    /// What is said next is said of the message as a whole.
    pub fn back_to_head(&mut self) {
        (self.group, self.node) = (0, 0);
    }

    /// What is said next is said of a new node of this group; nothing where the kind has none.
    pub fn open(&mut self, group: &str, parent: u32) -> Option<u32> {
        self.group = self.batch.kind().group(group)?;
        self.node = self.batch.open(self.group, parent, 0);
        Some(self.node)
    }

    pub fn text(&mut self, field: &str, value: &str) {
        let group = &self.batch.kind().groups[self.group];
        let Some(index) = group.field(field).filter(|_| !value.is_empty()) else { return };
        let most = if let FieldType::Text(most) = group.fields[index].field_type { most } else { usize::MAX };
        let end = value.char_indices().nth(most).map_or(value.len(), |(at, _)| at);
        self.batch.set_text(self.node, index, &value[..end]);
    }

    pub fn number(&mut self, field: &str, value: u64) {
        self.scaled(field, value.try_into().unwrap_or(i64::MAX));
    }

    /// At the scale of the field.
    pub fn scaled(&mut self, field: &str, value: i64) {
        if let Some(index) = self.batch.kind().groups[self.group].field(field) {
            self.batch.set_number(self.node, index, value);
        }
    }

    /// Everything that a row of ours says under names that stand here too.
    pub fn copy(&mut self, kind: &Kind, from: &NodeRef<'_>, is_told: impl Fn(&str) -> bool) {
        for (index, field) in kind.groups[from.group()].fields.iter().enumerate() {
            match from.value(index) {
                _ if !is_told(&field.name) => {}
                Value::Text(text) => self.text(&field.name, text),
                Value::Number(number) => self.scaled(&field.name, number),
                Value::Missing | Value::Empty => {}
            }
        }
    }
}
