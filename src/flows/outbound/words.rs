//! What a partner is told instead of our values: the published quantity, the word for whether an article can be had, his words for
//! units. Put into batches that were selected, before they are encoded; what is stored never changes.

use chrono::{DateTime, NaiveDate, Utc};

use crate::model::batch::{Batch, NodeRef, Value};
use crate::model::feed::Feed;
use crate::model::kind::{Field, FieldType, Kind};
use crate::model::rules::availability::{self, Availability, Known};
use crate::model::rules::published::{self, Published};
use crate::model::rules::units;

/// How our values become what this partner is told.
pub(super) struct Words<'f> {
    feed: &'f Feed,
    /// Field of the head that is published otherwise than it is stored.
    quantity: Option<usize>,
    word: Option<Word<'f>>,
    /// Unit fields by group, when the partner has words of his own.
    units: Vec<Vec<usize>>,
}

/// The fields that say whether an article can be had.
struct Word<'f> {
    rule: &'f Availability,
    today: NaiveDate,
    word: usize,
    quantity: usize,
    dates: [Option<usize>; 2],
    end_of_life: Option<usize>,
    temp_unavailable: Option<usize>,
}

impl<'f> Words<'f> {
    pub fn of(feed: &'f Feed, now: DateTime<Utc>) -> Self {
        let kind = &feed.layout.kind;
        let units = if feed.recipient.units.is_empty() { Vec::new() } else { unit_fields(kind) };
        Words { units, ..Words::figures_of(feed, now) }
    }

    /// Units stay our codes.
    pub fn figures_of(feed: &'f Feed, now: DateTime<Utc>) -> Self {
        let kind = &feed.layout.kind;
        let as_stored = kind.name != "stock" || feed.published == Published::default();
        let quantity = if as_stored { None } else { kind.head().field("qty") };
        Words { feed, quantity, word: Word::of(feed, now), units: Vec::new() }
    }

    pub fn put_into(&self, batch: &mut Batch) {
        for index in 0..batch.len() {
            if let Some(word) = &self.word {
                let told = word.tell(&batch.message(index).head(), &self.feed.published);
                batch.put_text(index, 0, word.word, told);
            }
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

impl<'f> Word<'f> {
    fn of(feed: &'f Feed, now: DateTime<Utc>) -> Option<Self> {
        let head = feed.layout.kind.head();
        Some(Word {
            rule: feed.published.availability.as_ref()?,
            today: now.with_timezone(&feed.zone).date_naive(),
            word: head.field("availability")?,
            quantity: head.field("qty")?,
            dates: ["available_date", "expected_date"].map(|name| head.field(name)),
            end_of_life: head.field("end_of_life"),
            temp_unavailable: head.field("temp_unavailable"),
        })
    }

    fn tell(&self, head: &NodeRef<'_>, published: &Published) -> &'static str {
        let is_true = |field: Option<usize>| field.and_then(|at| head.value(at).number()).is_some_and(|n| n != 0);
        let date = |field: &Option<usize>| field.and_then(|at| head.value(at).text()?.parse().ok());
        let known = Known {
            can_be_had_e6: published::can_be_had(head.value(self.quantity).number().unwrap_or_default(), published),
            from: self.dates.iter().find_map(date),
            end_of_life: is_true(self.end_of_life),
            temp_unavailable: is_true(self.temp_unavailable),
        };
        availability::word(known, self.today, self.rule)
    }
}

/// What the word for an article hangs on.
pub(super) const WORD_NEEDS: [&str; 5] = ["qty", "available_date", "expected_date", "end_of_life", "temp_unavailable"];

fn unit_fields(kind: &Kind) -> Vec<Vec<usize>> {
    let of_group = |fields: &[Field]| {
        fields.iter().enumerate().filter(|(_, f)| f.field_type == FieldType::Unit).map(|(index, _)| index).collect()
    };
    kind.groups.iter().map(|group| of_group(&group.fields)).collect()
}
