//! Whether a file is a full one where the file itself says so (`full_when`): every message of it has to say it, most often by
//! a value of the record around them all. One that says otherwise makes it a file of changes, which closes nothing.

use super::field_text::field_text;
use crate::model::batch::Message;
use crate::model::intake::{Absent, Intake};
use crate::model::kind::Kind;
use crate::model::wording::judging as words;

#[derive(Debug, Default)]
pub struct Fullness {
    wanted: Vec<Wanted>,
    /// What the first message said that makes it no full file.
    otherwise: Option<String>,
}

#[derive(Debug)]
struct Wanted {
    name: String,
    /// Its place in the head; none: a field of the partner's own.
    field: Option<usize>,
    value: String,
}

impl Fullness {
    pub fn of(intake: &Intake, kind: &Kind) -> Fullness {
        let wanted = intake.full_when.iter().map(|(name, value)| Wanted {
            name: name.clone(),
            field: kind.head().field(name),
            value: value.clone(),
        });
        Fullness { wanted: wanted.collect(), otherwise: None }
    }

    pub fn look(&mut self, message: &Message<'_>) {
        if self.otherwise.is_some() {
            return;
        }
        let mut wanted = self.wanted.iter().map(|wanted| (wanted, wanted.found(message)));
        self.otherwise = wanted
            .find(|(wanted, found)| *found != wanted.value)
            .map(|(wanted, found)| words::no_full_file(&wanted.name, &found, &wanted.value));
    }

    /// A comment on the file, where it is taken as changes although its intake takes full files too.
    pub fn comment(&self) -> &str {
        self.otherwise.as_deref().unwrap_or_default()
    }

    /// It names everything that there is, so nothing that came before it has to be known.
    pub fn is_full(&self, intake: &Intake) -> bool {
        intake.absent != Absent::Leave && self.otherwise.is_none()
    }
}

impl Wanted {
    fn found(&self, message: &Message<'_>) -> String {
        match self.field {
            Some(field) => field_text(message, field),
            None => {
                let own = self.name.strip_prefix("extra.").unwrap_or(&self.name);
                let mut extras = message.head().extras();
                extras.find(|(name, _)| *name == own).map(|(_, value)| value.to_string()).unwrap_or_default()
            }
        }
    }
}
