//! Too little room: what is left is kept for finishing what was begun. Told once, looked at again before every round, over
//! by itself. Commands, moves, deliveries and retention go on. It holds the state; words and figures are the flow's.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::Config;
use crate::edges::clock::Now;
use crate::edges::events::{Event, Events, Key, Value};
use crate::flows::moments::size;
use crate::flows::room::{Looked, look};
use crate::model::intake::Intake;
use crate::model::problem::Condition;
use crate::model::rules::room::{Floor, Room, fits};
use crate::model::wording::problems as words;

/// Between two looks while something waits for room: making room rings nobody.
pub const LOOK_EVERY: Duration = Duration::from_secs(5);

pub struct Disks {
    floor: Floor,
    spool: PathBuf,
    store: PathBuf,
    room: Room,
    looked: Vec<Looked>,
    told: bool,
    /// Intakes whose next file does not fit above the floor, in words.
    too_large: BTreeMap<String, String>,
}

impl Disks {
    pub fn new(config: &Config) -> Disks {
        Disks {
            floor: config.disk_floor,
            spool: config.spool.clone(),
            store: config.store.clone(),
            room: Room::Enough,
            looked: Vec::new(),
            told: false,
            too_large: BTreeMap::new(),
        }
    }

    /// After a reload.
    pub fn take_over(&mut self, floor: Floor) {
        self.floor = floor;
        self.too_large.clear();
    }

    /// Looks again. A disk that does not answer is for whoever works on it to report.
    pub fn look(&mut self, events: &Events, now: Now) {
        let Ok(looked) = look(&self.spool, &self.store, self.floor, self.room) else { return };
        self.room = looked.iter().map(|looked| looked.room).max().unwrap_or_default();
        self.looked = looked;
        let is_low = self.room > Room::Enough;
        if is_low && !self.told {
            for words in self.words() {
                events.tell(now.wall, "", Event::DiskLow, &[(Key::Reason, Value::Text(words.into()))]);
            }
        } else if !is_low && self.told {
            events.tell(now.wall, "", Event::DiskBack, &[]);
        }
        self.told = is_low;
    }

    /// May files be claimed and fetched?
    pub fn takes_in(&self) -> bool {
        self.room == Room::Enough
    }

    /// May files of ours be composed?
    pub fn composes(&self) -> bool {
        self.room < Room::VeryLow
    }

    /// Is there room for the next file of an intake? Where there is not, it waits with those behind it; told once.
    pub fn fits(&mut self, source: &str, (name, bytes): (&str, u64), times: u64, events: &Events, now: Now) -> bool {
        let needed = bytes.saturating_mul(times);
        let Some(tight) = self.looked.iter().find(|looked| !fits(needed, looked.disk.free, self.floor)) else {
            self.too_large.remove(source);
            return true;
        };
        let words = format!(
            "{name} of {source} has {}, and taking it in needs {} on the disk of the {}, where {} are free and {} are to stay so \
             (disk_floor): it waits with the files behind it. Make room there; it goes on by itself",
            size(bytes),
            size(needed),
            tight.about,
            size(tight.disk.free.bytes),
            size(tight.floor)
        );
        if !self.too_large.contains_key(source) {
            events.tell(now.wall, "", Event::DiskLow, &[(Key::Reason, Value::Text(words.as_str().into()))]);
        }
        self.too_large.insert(source.to_string(), words);
        false
    }

    /// Nothing lies in its folder any more.
    pub fn waits_no_longer(&mut self, intake: &Intake) {
        if !self.too_large.is_empty() {
            self.too_large.remove(&intake.source());
        }
    }

    /// For `status`, which looks at the disks itself.
    pub fn too_large(&self) -> impl Iterator<Item = String> {
        self.too_large.values().cloned()
    }

    /// As the look of every minute takes them.
    pub fn conditions(&self) -> Vec<Condition> {
        let low = self.looked.iter().filter_map(|looked| looked.words().map(|words| (looked.about, words)));
        let large = self.too_large.iter().map(|(source, words)| (source.as_str(), words.clone()));
        low.chain(large).map(|(about, words)| words::disk_low(about, &words)).collect()
    }

    /// What is low and what waits for it; empty when all is well.
    pub fn words(&self) -> Vec<String> {
        let low = self.looked.iter().filter_map(Looked::words);
        low.chain(self.too_large()).collect()
    }
}
