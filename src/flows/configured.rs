//! Which intakes and feeds the configuration in force still has: what the guard holds of another can be dropped, and no more.

use std::sync::Arc;

use crate::model::feed::Feed;
use crate::model::intake::Intake;
use crate::model::pause::Subject;

#[derive(Clone, Copy)]
pub struct Configured<'a> {
    pub intakes: &'a [Arc<Intake>],
    pub feeds: &'a [Arc<Feed>],
}

impl Configured<'_> {
    pub fn has(&self, subject: &Subject) -> bool {
        let name = subject.name();
        match subject {
            Subject::Partner(_) => true,
            Subject::Intake { .. } => self.intakes.iter().any(|intake| intake.source() == name),
            Subject::Feed { .. } => self.feeds.iter().any(|feed| feed.name() == name),
        }
    }
}
