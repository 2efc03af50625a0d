//! How our values become what this partner is told: quantities as they are published, units in his words. Nothing of it is
//! stored.

use crate::model::batch::{Batch, Value};
use crate::model::feed::Feed;
use crate::model::kind::{Field, FieldType, Kind};
use crate::model::rules::units;

/// How our values become what this partner is told.
pub(super) struct Words<'f> {
    feed: &'f Feed,
    /// Field of the head whose negative values become zero.
    floor: Option<usize>,
    /// Unit fields by group, when the partner has words of his own.
    units: Vec<Vec<usize>>,
}

impl<'f> Words<'f> {
    pub fn of(feed: &'f Feed) -> Self {
        let kind = &feed.layout.kind;
        let floor = if feed.negative_as_zero { kind.head().field("qty") } else { None };
        let units = if feed.recipient.units.is_empty() { Vec::new() } else { unit_fields(kind) };
        Words { feed, floor, units }
    }

    pub fn put_into(&self, batch: &mut Batch) {
        for index in 0..batch.len() {
            if let Some(field) = self.floor
                && matches!(batch.message(index).head().value(field), Value::Number(..0))
            {
                batch.put_number(index, 0, field, 0);
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
