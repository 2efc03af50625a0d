//! The last column of Nattpost's own formats of articles, prices and customers: what has become of the row since its reader was
//! last told. No field of the kind: nothing of it is stored. Layouts write it by the control `change()`.

use std::sync::LazyLock;

use super::{Field, FieldType, Group, Kind};
use crate::model::rules::delta::Op;

const NAME: &str = "change";

/// One of the words of a change.
pub fn change_type() -> &'static FieldType {
    static TYPE: LazyLock<FieldType> = LazyLock::new(|| FieldType::Choice(Op::WORDS.map(String::from).to_vec()));
    &TYPE
}

impl Kind {
    /// The columns of a group in the own formats: its fields, and the change of the whole behind those of the head.
    pub(super) fn own_columns(&self, group: usize) -> impl Iterator<Item = Field> {
        let change = (group == 0 && self.tells_change).then(|| Field {
            name: NAME.to_string(),
            field_type: change_type().clone(),
            required: false,
            ours: true,
            personal: false,
            about: "in a delta: what has become of it; of what is deleted only the key is told".to_string(),
        });
        self.groups[group].fields.iter().cloned().chain(change)
    }

    /// Is the place and the word for it, in the own layouts.
    pub fn own_change(&self, group: usize) -> Option<(&'static str, &'static str)> {
        (group == 0 && self.tells_change).then_some((NAME, "change()"))
    }

    /// A required field that is not there where the row is told to be gone.
    pub(super) fn lacks_when_deleted(&self, group: usize, name: &str) -> bool {
        let Group { fields, key, .. } = &self.groups[group];
        let required = |(at, field): (usize, &Field)| field.name == name && field.required && !key.contains(&at);
        group == 0 && self.tells_change && fields.iter().enumerate().any(required)
    }
}
