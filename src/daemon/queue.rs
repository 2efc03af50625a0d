//! Commands of people while the program runs: the files of commands/, carried out in the order in which they were given. How long one
//! that cannot be read holds the others back is decided by `model::rules::command_order`; what a command does, by `flows::command`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::time::Duration;

use anyhow::Result;

use super::Daemon;
use crate::edges::clock::Now;
use crate::edges::events::{Event, Key, Value};
use crate::edges::spool::SpoolError;
use crate::flows::inbound::round::Bench;
use crate::flows::{command, commands};
use crate::model::ids::Id;
use crate::model::rules::command_order::{Concerns, HELD_BACK, holds_back};

/// A command that cannot be read lies there and rings no more: it is looked at again after this pause.
const AGAIN: Duration = Duration::from_secs(10);
/// While others wait for it.
const AGAIN_SOON: Duration = Duration::from_millis(500);

/// What lies in commands/ and was not carried out.
#[derive(Debug)]
pub(super) struct Queue {
    /// Something may lie there.
    pub is_due: bool,
    unread: BTreeMap<Id, Unread>,
}

#[derive(Debug)]
struct Unread {
    /// By the monotonic clock.
    since: Duration,
    holds_back: bool,
    /// What keeps it from being read.
    words: String,
    /// What was carried out meanwhile: whom it was about, and which it was.
    overtaken_by: Vec<(Concerns, String)>,
}

impl Default for Queue {
    fn default() -> Self {
        Queue { is_due: true, unread: BTreeMap::new() }
    }
}

impl Queue {
    pub fn look_again(&self) -> Duration {
        if self.holds_back() { AGAIN_SOON } else { AGAIN }
    }

    /// Commands wait for an older one that cannot be read at the moment.
    pub fn holds_back(&self) -> bool {
        self.unread.values().any(|unread| unread.holds_back)
    }

    /// What cannot be read, for people.
    pub fn sentence(&self) -> Option<String> {
        let first = self.unread.values().next()?;
        let more = self.unread.len() - 1;
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        Some(format!("{}: that command waits{more}.", first.words.trim_end_matches('.')))
    }

    /// It cannot be read. Gives what is to be told: once when that begins, once when the others go on without it.
    fn note(&mut self, id: Id, error: &SpoolError, now: Now) -> (bool, Option<String>) {
        let words = with_cause(error);
        let before = self.unread.get(&id).map(|unread| unread.holds_back);
        let unread = self.unread.entry(id).or_insert_with(|| Unread {
            since: now.mono,
            holds_back: false,
            words: String::new(),
            overtaken_by: Vec::new(),
        });
        unread.holds_back = holds_back(error.may_pass(), now.mono.saturating_sub(unread.since));
        let told = match unread.holds_back {
            true => format!("{words}; commands given after it wait for it, {} s at most", HELD_BACK.as_secs()),
            false => format!("{words}; commands given after it go on without it"),
        };
        unread.words = words;
        (unread.holds_back, (before != Some(unread.holds_back)).then_some(told))
    }

    /// One was carried out: those before it that could not be read may say what does not hold any more.
    fn note_done(&mut self, id: Id, parsed: &commands::Command) {
        for (_, unread) in self.unread.range_mut(..id) {
            let is_known = unread.overtaken_by.iter().any(|(concerns, _)| *concerns == parsed.concerns());
            if !is_known {
                unread.overtaken_by.push((parsed.concerns(), format!("{} {id}", parsed.verb_name())));
            }
        }
    }

    /// What was carried out about the same while it could not be read.
    fn overtaken_by(&self, id: Id, parsed: &commands::Command) -> Option<&str> {
        let mut newer = self.unread.get(&id)?.overtaken_by.iter();
        newer.find(|(concerns, _)| concerns.meets(&parsed.concerns())).map(|(_, which)| &which[..])
    }
}

fn with_cause(error: &SpoolError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

impl Daemon {
    pub(super) fn carry_out_commands(&mut self) -> Result<()> {
        // Until all of them are gone: an error leaves it so.
        self.queue.is_due = true;
        let found = self.works.spool.commands()?;
        self.queue.unread.retain(|id, _| found.iter().any(|file| file.id == *id));
        let mut is_one_left = false;
        for file in found {
            let now = self.clock.now();
            match file.bytes {
                Ok(bytes) => {
                    self.one_command(file.id, &bytes, now)?;
                    self.queue.unread.remove(&file.id);
                }
                // Somebody took it away.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    is_one_left = true;
                    let (holds_back, told) = self.queue.note(file.id, &error, now);
                    if let Some(words) = told {
                        let fields = [(Key::Reason, Value::Text(words.into()))];
                        self.works.events.tell(now.wall, file.id.as_str(), Event::CommandRefused, &fields);
                    }
                    if holds_back {
                        break;
                    }
                }
            }
        }
        self.queue.is_due = is_one_left;
        let unread = self.queue.unread.values().next().map(|unread| unread.words.clone());
        self.watchman.command_unread(unread);
        Ok(())
    }

    fn one_command(&mut self, id: Id, bytes: &[u8], now: Now) -> Result<()> {
        match commands::Command::parse(bytes) {
            Ok(parsed) => match self.queue.overtaken_by(id, &parsed) {
                Some(newer) => {
                    let why = format!(
                        "{newer} was carried out while this one could not be read, so it may not hold any more; ask for it again if it does"
                    );
                    command::refuse(&mut self.works.bench(now), &parsed, &why)?;
                }
                None => {
                    self.carry_out(&parsed, now)?;
                    self.queue.note_done(id, &parsed);
                }
            },
            Err(error) => {
                let fields = [(Key::Reason, Value::Text(format!("{error:#}").into()))];
                self.works.events.tell(now.wall, id.as_str(), Event::CommandRefused, &fields);
            }
        }
        self.place_ready()?;
        Ok(self.works.spool.remove_command(id)?)
    }

    fn carry_out(&mut self, parsed: &commands::Command, now: Now) -> Result<String> {
        self.settle_moves()?;
        let out = &mut self.out;
        let feeds = out.feeds.clone();
        let mut give = |bench: &mut Bench<'_>, feed: &str, order: &command::Order| out.order(bench, feed, order);
        let outcome = command::carry_out(&mut self.works.bench(now), parsed, &feeds, &mut give)?;
        if matches!(parsed.verb, commands::Verb::Pause { .. } | commands::Verb::Resume { .. } | commands::Verb::CatchUp)
        {
            self.read_pauses()?;
            self.look_for_due()?;
        }
        Ok(outcome)
    }

    /// Once: does one wait that may still be carried out in this run?
    pub(super) fn has_commands(&self) -> Result<bool> {
        let found = self.works.spool.commands()?;
        let is_left = |id: &Id| self.queue.unread.get(id).is_some_and(|unread| !unread.holds_back);
        Ok(found.iter().any(|file| !is_left(&file.id)))
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::edges::clock::Clock;
    use crate::flows::commands::{Command, Verb};
    use crate::model::pause::Subject;

    fn of(nth: u32, partner: &str) -> Command {
        let subjects = vec![Subject::Partner(partner.into())];
        let (id, at) = (Id::new(1_795_300_000_000, nth), Clock::start().now().wall);
        Command { id, verb: Verb::Pause { subjects }, who: "a".into(), at, comment: String::new() }
    }

    fn note(queue: &mut Queue, nth: u32, errno: i32, after: u64) -> (bool, Option<String>) {
        let mono = Duration::from_secs(100 + after);
        let now = Now { mono, ..Clock::start().now() };
        queue.note(of(nth, "shop").id, &SpoolError::of_writing(io::Error::from_raw_os_error(errno)), now)
    }

    #[test]
    fn one_that_cannot_be_read_is_waited_for_and_told_twice_at_most() {
        let mut queue = Queue::default();
        let (waits, told) = note(&mut queue, 1, 5, 0);
        assert!(waits && told.is_some_and(|words| words.contains("wait for it, 30 s at most")));
        assert_eq!((note(&mut queue, 1, 5, 29), queue.look_again()), ((true, None), AGAIN_SOON));
        let (waits, told) = note(&mut queue, 1, 5, 30);
        assert!(!waits && told.is_some_and(|words| words.contains("go on without it")));
        assert_eq!((note(&mut queue, 1, 5, 40), queue.look_again()), ((false, None), AGAIN));
        // Rights do not pass by themselves.
        let (waits, told) = note(&mut queue, 2, 13, 40);
        assert!(!waits && told.is_some());
        assert!(queue.sentence().is_some_and(|words| words.contains("and 1 more")));
    }

    #[test]
    fn one_that_was_passed_over_is_not_carried_out_behind_a_newer_one_about_the_same() {
        let mut queue = Queue::default();
        for nth in [1, 3] {
            note(&mut queue, nth, 13, 0);
        }
        let (shop, dealer) = (of(2, "shop"), of(4, "dealer"));
        queue.note_done(shop.id, &shop);
        queue.note_done(dealer.id, &dealer);
        let old = |nth: u32, partner: &str| queue.overtaken_by(of(nth, partner).id, &of(nth, partner)).is_some();
        assert_eq!([old(1, "shop"), old(1, "erp"), old(3, "shop"), old(3, "dealer")], [true, false, false, true]);
    }
}
