//! The values of one row: read at their places, joined, computed; conditions and keys judged by them.

use super::places::{At, Reading, Source, Step, Target};
use super::text::RowText;
use crate::model::diagnostic::Problem;
use crate::model::layout::assembly::{Assembly, At as Where};
use crate::model::layout::expression::{Expression, Values};
use crate::model::layout::form::Form;
use crate::model::layout::plan::{Condition, Place, Record};
use crate::model::syntax::encoding::{Encoding, Unmapped};
use crate::model::wording;

/// Between the parts of a key; no text of a file holds it.
const KEY_END: u8 = 0x1F;

/// Why a place gives no text.
pub enum Unreadable {
    Bytes(Unmapped),
    Expression(String),
}

impl From<Unmapped> for Unreadable {
    fn from(unmapped: Unmapped) -> Self {
        Unreadable::Bytes(unmapped)
    }
}

impl Unreadable {
    pub fn problem(self, encoding: &Encoding, at: Where, label: &str) -> Problem {
        match self {
            Unreadable::Bytes(Unmapped::Byte(offset, byte)) => {
                wording::encoding_invalid(at.place(label), encoding.name(), byte, at.byte + offset as u64)
            }
            Unreadable::Bytes(Unmapped::Half(offset, half)) => {
                wording::character_halved(at.place(label), half, at.byte + offset as u64)
            }
            Unreadable::Bytes(Unmapped::Char(_)) => {
                wording::encoding_invalid(at.place(label), encoding.name(), 0, at.byte)
            }
            Unreadable::Expression(why) => wording::expression_failed(at.place(label), &why),
        }
    }
}

/// The text of a field; nothing where the row does not have its place.
pub fn value_of<'s>(
    reading: &Reading,
    step: &Step,
    record: &Record,
    text: &RowText<'s>,
    scratch: &'s mut String,
    joined: &'s mut String,
) -> Result<Option<&'s str>, Unreadable> {
    let field = &record.fields[step.field];
    match &step.source {
        Source::One(at) => Ok(text.at(*at, scratch)?),
        Source::Nothing => Ok(Some("")),
        Source::Joined(parts) => {
            joined.clear();
            join(parts, &field.form, text, scratch, joined)?;
            Ok(Some(joined))
        }
        Source::Either { parts, lengths } => {
            let mut rest = &parts[..];
            for length in lengths {
                let (these, behind) = rest.split_at(*length);
                rest = behind;
                joined.clear();
                join(these, &field.form, text, scratch, joined)?;
                if !joined.is_empty() && !field.form.nones.contains(joined) {
                    break;
                }
            }
            Ok(Some(joined))
        }
        Source::Computed => {
            let Place::Computed(expression) = &field.place else { return Ok(None) };
            *joined = computed(expression, reading, text, scratch)?;
            Ok(Some(joined))
        }
    }
}

/// Appends what is given of several places.
fn join(
    parts: &[At],
    form: &Form,
    text: &RowText<'_>,
    scratch: &mut String,
    joined: &mut String,
) -> Result<(), Unreadable> {
    for at in parts {
        let part = text.at(*at, scratch)?.unwrap_or_default().trim();
        if !part.is_empty() {
            if !joined.is_empty() {
                joined.push_str(&form.join);
            }
            joined.push_str(part);
        }
    }
    Ok(())
}

fn computed(
    expression: &Expression,
    reading: &Reading,
    text: &RowText<'_>,
    scratch: &mut String,
) -> Result<String, Unreadable> {
    let values = row_values(reading, text, scratch)?;
    expression.text(values).map_err(Unreadable::Expression)
}

/// Every place of the record by name, as expressions see it.
fn row_values(reading: &Reading, text: &RowText<'_>, scratch: &mut String) -> Result<Values, Unmapped> {
    let mut values = Values::default();
    for (name, at) in &reading.names {
        let value = text.at(*at, scratch)?.unwrap_or_default().trim();
        values.add(name, value);
    }
    Ok(values)
}

/// Whether all conditions of a record hold for the row. One that cannot be judged does not hold.
pub fn holds(record: &Record, reading: &Reading, text: &RowText<'_>, scratch: &mut String) -> bool {
    record.when.iter().zip(&reading.conditions).all(|(condition, at)| match condition {
        Condition::Is { words, not, .. } => {
            let found = text.at(*at, scratch).ok().flatten().unwrap_or_default().trim();
            words.iter().any(|word| word == found) != *not
        }
        Condition::Holds(expression) => {
            row_values(reading, text, scratch).is_ok_and(|values| expression.holds(values) == Ok(true))
        }
    })
}

/// The key that ties rows together; false when a part of it cannot be read or is empty.
pub fn group_key(reading: &Reading, text: &RowText<'_>, scratch: &mut String, key: &mut Vec<u8>) -> bool {
    key_at(&reading.group_by, text, scratch, key)
}

/// What stands at these places, as one key.
pub fn key_at(places: &[At], text: &RowText<'_>, scratch: &mut String, key: &mut Vec<u8>) -> bool {
    key.clear();
    let mut known = !places.is_empty();
    for at in places {
        let part = text.at(*at, scratch).ok().flatten().unwrap_or_default().trim();
        known &= !part.is_empty();
        key.extend_from_slice(part.as_bytes());
        key.push(KEY_END);
    }
    known
}

/// Opens the nodes below the record's own for which this row has a value.
pub fn open_children(
    reading: &Reading,
    record: &Record,
    text: &RowText<'_>,
    at: Where,
    assembly: &mut Assembly<'_>,
    scratch: &mut String,
) -> Vec<Option<u32>> {
    let mut given = vec![false; reading.children.len()];
    for step in &reading.steps {
        let Target::Child(child) = step.target else { continue };
        let places = step.source.parts();
        let nones = &record.fields[step.field].form.nones;
        let mut is_given = |at: &At| {
            let value = text.at(*at, scratch).ok().flatten().unwrap_or_default().trim();
            !value.is_empty() && !nones.iter().any(|none| none == value)
        };
        given[child] |= places.iter().any(&mut is_given);
    }
    for child in (0..given.len()).rev() {
        if let (true, Some(parent)) = (given[child], reading.children[child].parent) {
            given[parent] = true;
        }
    }
    reading
        .children
        .iter()
        .zip(given)
        .map(|(child, given)| if given { assembly.open(child.group, at) } else { None })
        .collect()
}
