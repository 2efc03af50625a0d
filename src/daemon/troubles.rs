//! Folders of the spool that this user may not work in: each is told once, tried again with growing pauses, and told when it is
//! over. Only what needs the folder waits. It looks at nothing itself.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::edges::clock::Now;
use crate::edges::events::{Event, Events, Key, Value};
use crate::model::problem::Condition;
use crate::model::wording::problems as words;

pub const FIRST_PAUSE: Duration = Duration::from_secs(1);
pub const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// `partner/intake`: its files are not taken.
    Intake(String),
    /// Files whose verdict stands do not get to their folders.
    Moves,
    /// Originals past their days cannot be removed.
    Pruning,
}

#[derive(Debug)]
struct Trouble {
    words: Vec<String>,
    pause: Duration,
    again_at: Duration,
}

#[derive(Debug, Default)]
pub struct Troubles {
    known: BTreeMap<What, Trouble>,
}

impl Troubles {
    /// Takes note; when it is to be tried again.
    pub fn begins(&mut self, what: What, words: Vec<String>, events: &Events, now: Now) -> Duration {
        let before = self.known.remove(&what);
        for new in words.iter().filter(|words| before.as_ref().is_none_or(|before| !before.words.contains(words))) {
            events.tell(now.wall, "", Event::FolderFailed, &[(Key::Reason, Value::Text(new.as_str().into()))]);
        }
        let pause = before.map_or(FIRST_PAUSE, |before| (before.pause * 2).min(LONGEST_PAUSE));
        let again_at = now.mono + pause;
        self.known.insert(what, Trouble { words, pause, again_at });
        again_at
    }

    pub fn over(&mut self, what: &What, events: &Events, now: Now) {
        if let Some(trouble) = self.known.remove(what) {
            for words in trouble.words {
                events.tell(
                    now.wall,
                    "",
                    Event::FolderBack,
                    &[(Key::Reason, Value::Text(format!("it was: {words}").into()))],
                );
            }
        }
    }

    pub fn is_known(&self, what: &What) -> bool {
        self.known.contains_key(what)
    }

    /// When it is to be tried again.
    pub fn again_at(&self, what: &What) -> Option<Duration> {
        self.known.get(what).map(|trouble| trouble.again_at)
    }

    /// As the look of every minute takes them.
    pub fn conditions(&self) -> Vec<Condition> {
        let condition = |(what, trouble): (&What, &Trouble)| {
            let (about, part) = match what {
                What::Intake(source) => (source.as_str(), ""),
                What::Moves => ("spool", "moves"),
                What::Pruning => ("spool", "pruning"),
            };
            words::folder_refused(about, part, &sentence(what, trouble))
        };
        self.known.iter().map(condition).collect()
    }

    /// For `status`.
    pub fn sentences(&self) -> Vec<String> {
        self.known.iter().map(|(what, trouble)| sentence(what, trouble)).collect()
    }
}

fn sentence(what: &What, trouble: &Trouble) -> String {
    let waits = match what {
        What::Intake(source) => format!("Files of {source} are not taken"),
        What::Moves => "Files whose verdict stands do not get to their folders".to_string(),
        What::Pruning => "Originals past their days are not removed".to_string(),
    };
    format!("{waits}: {}.", trouble.words.join("; "))
}
