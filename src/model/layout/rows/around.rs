//! What a written file says once for several messages, or not at all: values of records of the file and of interchanges, and words
//! that stand nowhere. A message of which something else would be true is never written as if it were not.

use super::encode::{RowEncoder, Subject, key};
use crate::model::batch::{Message, Value};
use crate::model::layout::EncodeError;
use crate::model::layout::form::Direction;
use crate::model::layout::plan::{Ours, Place, Record, Role, Scope};

impl RowEncoder<'_> {
    /// A message of which the open interchange does not speak begins the next one; one of which the file does not cannot be in it.
    pub(super) fn come_under(&mut self, message: Message<'_>) -> Result<(), EncodeError> {
        let subject = Subject { message: Some(message), node: None };
        let of_file = self.said(Role::OpensFile, subject)?;
        let differs = self.of_file.iter().flatten().zip(&of_file).find(|(first, this)| first != this);
        if let Some((first, this)) = differs {
            let text = format!(
                "what stands around all messages says \"{first}\", and of message {} it would be \"{this}\".",
                key(subject)
            );
            return Err(EncodeError::NotWritable { layout: self.layout.id.clone(), text });
        }
        self.of_file.get_or_insert(of_file);
        let said = self.said(Role::OpensInterchange, subject)?;
        if self.of_interchange.as_ref().is_some_and(|open| *open != said) {
            self.with_role(Role::ClosesInterchange, Subject { message: None, node: None })?;
            self.totals.open(Scope::Interchange);
            self.with_role(Role::OpensInterchange, subject)?;
        }
        self.of_interchange = Some(said);
        Ok(())
    }

    /// What the record of a role says of a message.
    fn said(&self, role: Role, subject: Subject<'_>) -> Result<Vec<String>, EncodeError> {
        let mut said = Vec::new();
        let Some(index) = self.layout.records.iter().position(|record| record.role == role) else { return Ok(said) };
        let record = &self.layout.records[index];
        for column in &self.columns[index] {
            let field = column.field.map(|at| &record.fields[at]);
            if field.is_some_and(|field| matches!(field.ours, Ours::Field { .. } | Ours::Extra { .. })) {
                let mut text = String::new();
                self.cell(record, column, subject, &mut text).map_err(|why| self.not_writable(why, column, subject))?;
                said.push(text);
            }
        }
        Ok(said)
    }

    /// What stands nowhere is always the same for the partner: another value would not be told.
    pub(super) fn check_unsaid(&self, record: &Record, subject: Subject<'_>) -> Result<(), EncodeError> {
        for field in &record.fields {
            let (Place::Nowhere, Ours::Field { group, nth, field: index }) = (&field.place, &field.ours) else {
                continue;
            };
            let Some(word) = field.form.default.as_ref().filter(|_| field.form.direction == Direction::Both) else {
                continue;
            };
            let value = self.find(subject, *group, *nth).map_or(Value::Missing, |node| node.value(*index));
            if matches!(value, Value::Missing | Value::Empty) {
                continue;
            }
            let mut found = String::new();
            let is_said = field.form.write(value, self.context.zone, &mut found).is_ok() && found == *word;
            if !is_said {
                let name = self.layout.kind.groups[*group].fields[*index].name.clone();
                let text = format!("it is \"{found}\", and a file of this layout can only mean \"{word}\".");
                return Err(EncodeError::Value { message: key(subject), field: name, text });
            }
        }
        Ok(())
    }
}
