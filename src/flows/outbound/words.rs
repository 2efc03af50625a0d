//! What a partner is told instead of our values: the published quantity, his words for units. Put into batches that were
//! selected, before they are encoded; what is stored never changes.

use crate::model::batch::{Batch, Value};
use crate::model::feed::Feed;
use crate::model::kind::{Field, FieldType, Kind};
use crate::model::rules::published::{self, Published};
use crate::model::rules::units;

/// How our values become what this partner is told.
pub(super) struct Words<'f> {
    feed: &'f Feed,
    /// Field of the head that is published otherwise than it is stored.
    quantity: Option<usize>,
    /// Unit fields by group, when the partner has words of his own.
    units: Vec<Vec<usize>>,
}

impl<'f> Words<'f> {
    pub fn of(feed: &'f Feed) -> Self {
        let kind = &feed.layout.kind;
        let as_stored = kind.name != "stock" || feed.published == Published::default();
        let quantity = if as_stored { None } else { kind.head().field("qty") };
        let units = if feed.recipient.units.is_empty() { Vec::new() } else { unit_fields(kind) };
        Words { feed, quantity, units }
    }

    pub fn put_into(&self, batch: &mut Batch) {
        for index in 0..batch.len() {
            if let Some(field) = self.quantity
                && let Value::Number(stored) = batch.message(index).head().value(field)
            {
                batch.put_number(index, 0, field, published::shown(stored, &self.feed.published));
            }
            if !self.units.is_empty() {
                self.put_units(batch, index);
            }
        }
    }

    fn put_units(&self, batch: &mut Batch, index: usize) {
        let mut changes = Vec::new();
        for node in batch.message(index).nodes() {
            for field in &self.units[node.group()] {
                let Value::Text(code) = node.value(*field) else { continue };
                let word = units::word_for(code, &self.feed.recipient.units);
                if word != code {
                    changes.push((node.index(), *field, word.to_string()));
                }
            }
        }
        for (node, field, word) in changes {
            batch.put_text(index, node, field, &word);
        }
    }
}

fn unit_fields(kind: &Kind) -> Vec<Vec<usize>> {
    let of_group = |fields: &[Field]| {
        fields.iter().enumerate().filter(|(_, f)| f.field_type == FieldType::Unit).map(|(index, _)| index).collect()
    };
    kind.groups.iter().map(|group| of_group(&group.fields)).collect()
}
