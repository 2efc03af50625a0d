//! One intake's folder: looks at it, remembers how its files have looked, and hands out the settled ones in their order.
//!
//! A look lists the whole folder once; the files of that look are handed out round by round, so that 100,000 files cost one
//! listing and not one for each round. It decides nothing itself: `model::rules::settle` does, asked last and lazily.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use std::time::Duration;

use super::bundling::{MOST_BYTES, part_of};
use super::claiming::Candidate;
use super::reading::{HEAD_BYTES, completeness};
use crate::edges::clock::Now;
use crate::edges::events::{Event, Events, Key, Value};
use crate::edges::spool::{KeptOpen, Listing, Meta, Oddities, Place, Result, Spool};
use crate::model::intake::{Intake, Settle};
use crate::model::kind::Class;
use crate::model::layout::Completeness;
use crate::model::rules::companions::{Companions, plain_name};
use crate::model::rules::order_of_files::compare_names;
use crate::model::rules::settle::{LookTable, Looks, Settled, Waiting, given_up_at, pair_done_files, settle};

/// Files of one round: enough to share a commit by, few enough that a person sees progress and memory stays flat.
pub const ROUND_FILES: usize = 1_000;
/// A round is closed when it holds so much: a large file is applied alone.
pub const ROUND_BYTES: u64 = 2 * 1024 * 1024;

pub struct Desk {
    pub intake: Arc<Intake>,
    kept_open: KeptOpen,
    looks: LookTable,
    oddities: Oddities,
    /// The last look, and what of it is still to be handed out (the first at the end).
    listing: Listing,
    queue: Vec<u32>,
    vouched: Vec<(u32, u32)>,
    /// The files of an arrival of several, by the first of them.
    together: HashMap<u32, Vec<u32>>,
    /// When somebody has to look again, by the monotonic clock.
    pub look_at: Option<Duration>,
    /// Some file only has to rest a little longer: a drained run waits for that, and for nothing else.
    pub is_settling: bool,
    told_incomplete: HashSet<(u64, u64)>,
}

impl Desk {
    pub fn new(intake: Arc<Intake>) -> Self {
        Desk {
            intake,
            kept_open: KeptOpen::default(),
            looks: LookTable::default(),
            oddities: Oddities::default(),
            listing: Listing::default(),
            queue: Vec::new(),
            vouched: Vec::new(),
            together: HashMap::new(),
            look_at: None,
            is_settling: false,
            told_incomplete: Default::default(),
        }
    }

    /// Master data go before facts, facts before requests: what an order refers to is there when it comes, and is deleted after it.
    pub fn rank(&self) -> u8 {
        match self.intake.layouts.first().map(|l| l.kind.class) {
            Some(Class::Record) => 0,
            Some(Class::Fact) => 1,
            Some(Class::Removal) => 3,
            _ => 2,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The file that is handed out next, with its size.
    pub fn next(&self) -> Option<(&[u8], u64)> {
        let entry = self.listing.entry(*self.queue.last()? as usize);
        Some((entry.name, entry.meta.size))
    }

    /// So many files of the last look are still to be handed out.
    pub fn backlog(&self) -> usize {
        self.queue.len()
    }

    /// Another folder is looked at now.
    pub fn let_go(&mut self) {
        self.kept_open = KeptOpen::default();
    }

    /// Its folder refuses us: nothing is tried before then.
    pub fn put_aside(&mut self, look_at: Duration) {
        self.queue.clear();
        self.look_at = Some(look_at);
    }

    fn folder(&self) -> Place<'_> {
        Place::In { partner: &self.intake.sender.partner, intake: &self.intake.id }
    }

    /// Lists the folder anew.
    pub fn look(&mut self, spool: &Spool, events: &Events, now: Now) -> Result<()> {
        self.look_at = None;
        self.is_settling = false;
        self.queue.clear();
        let place = Place::In { partner: &self.intake.sender.partner, intake: &self.intake.id };
        self.listing = spool.scan_again(place, &mut self.kept_open, now.mono)?;
        self.tell_oddities(events, now);
        self.looks.begin();
        let mut queue: Vec<u32> = Vec::with_capacity(self.listing.len());
        match self.intake.settle.clone() {
            Settle::Rename => queue.extend(0..self.listing.len() as u32),
            Settle::Stable(_) => {
                for index in 0..self.listing.len() {
                    let looks = self.looks_of(index, now);
                    if let Some(at) = self.wait_for(&looks, false, now) {
                        self.is_settling = true;
                        self.wake(at);
                    } else {
                        queue.push(index as u32);
                    }
                }
            }
            Settle::DoneFile { suffix } => self.pair(&suffix, &mut queue, events, now),
        }
        self.looks.end();
        if let Some(companions) = self.intake.companions.clone() {
            self.put_together(spool, &companions, &mut queue, events, now);
        }
        let listing = &self.listing;
        queue.sort_unstable_by(|a, b| compare_names(listing.entry(*b as usize).name, listing.entry(*a as usize).name));
        self.queue = queue;
        Ok(())
    }

    fn looks_of(&mut self, index: usize, now: Now) -> Looks {
        let meta = self.listing.entry(index).meta;
        self.looks.look(meta.inode, meta.size, meta.mtime_ns, now.mono)
    }

    /// Until when the rule alone says wait.
    fn wait_for(&self, looks: &Looks, vouched: bool, now: Now) -> Option<Duration> {
        let (kernel, layout) = (|| None, || Completeness::Complete);
        match settle(&self.intake.settle, self.intake.truncated_after, looks, vouched, now.mono, kernel, layout) {
            Settled::WaitUntil(at, _) => Some(at),
            _ => None,
        }
    }

    fn pair(&mut self, suffix: &str, queue: &mut Vec<u32>, events: &Events, now: Now) {
        let names: Vec<&[u8]> = self.listing.entries().map(|e| e.name).collect();
        let found = pair_done_files(&names, suffix);
        for index in &found.ambiguous {
            let fields = [(Key::Name, Value::Bytes(names[*index]))];
            events.tell(now.wall, "", Event::FileUnmatched, &fields);
        }
        self.vouched = found.pairs.iter().map(|(done, data)| (*data as u32, *done as u32)).collect();
        self.vouched.sort_unstable();
        queue.extend(self.vouched.iter().map(|(data, _)| *data));
    }

    /// Of the files that are settled, those whose companions are too: handed out as one, by the first. One that has waited for
    /// long enough goes alone, and is refused for what is missing.
    fn put_together(
        &mut self,
        spool: &Spool,
        companions: &Companions,
        queue: &mut Vec<u32>,
        events: &Events,
        now: Now,
    ) {
        let settled: HashSet<u32> = queue.drain(..).collect();
        let found = companions.pair(self.listing.entries().map(|entry| entry.name));
        let numbered = |files: &[usize]| files.iter().map(|index| *index as u32).collect::<Vec<u32>>();
        self.together.clear();
        queue.extend(numbered(&found.others).into_iter().filter(|index| settled.contains(index)));
        for files in &found.whole {
            let files = numbered(files);
            let bytes: u64 = files.iter().map(|index| self.listing.entry(*index as usize).meta.size).sum();
            if bytes > MOST_BYTES {
                let words =
                    format!("it and what belongs to it have {bytes} bytes; at most {MOST_BYTES} are one arrival");
                self.tell_waiting(events, files[0] as usize, &words, now);
            } else if files.iter().all(|index| settled.contains(index)) {
                queue.push(files[0]);
                self.together.insert(files[0], files);
            }
        }
        for (files, missing) in &found.lone {
            let changed = |index: &usize| spool.changed_at(self.folder(), self.listing.entry(*index).name);
            let changed = files.iter().filter_map(changed).max();
            let wall = now.wall.timestamp_nanos_opt().unwrap_or_default();
            let never = now.mono + companions.within;
            match given_up_at(never, companions.within, now.mono, (changed, wall)) {
                None => queue.extend(numbered(files).into_iter().filter(|index| settled.contains(index))),
                Some(until) => {
                    self.wake(until);
                    let words = format!("{} is missing", missing.join(", "));
                    files.iter().for_each(|index| self.tell_waiting(events, *index, &words, now));
                }
            }
        }
        for index in found.ambiguous {
            let (name, meta) = (self.listing.entry(index).name.to_vec(), self.listing.entry(index).meta);
            if self.is_news(meta) {
                events.tell(now.wall, "", Event::FileUnmatched, &[(Key::Name, Value::Bytes(&name))]);
            }
        }
    }

    fn tell_waiting(&mut self, events: &Events, index: usize, words: &str, now: Now) {
        let (name, meta) = (self.listing.entry(index).name.to_vec(), self.listing.entry(index).meta);
        self.tell_incomplete(events, &name, meta, words, now);
    }

    /// All files of an arrival, or none.
    fn settled_together(
        &mut self,
        spool: &Spool,
        events: &Events,
        files: &[u32],
        now: Now,
    ) -> Result<Option<Candidate>> {
        let (mut parts, mut first) = (Vec::with_capacity(files.len()), None);
        for index in files {
            let Some(candidate) = self.settled(spool, events, *index as usize, now)? else { return Ok(None) };
            parts.push(part_of(&candidate.name, candidate.meta.size));
            first.get_or_insert(candidate);
        }
        let size = parts.iter().map(|part| part.size).sum();
        Ok(first.map(|first| Candidate { meta: Meta { size, ..first.meta }, parts, ..first }))
    }

    fn tell_oddities(&mut self, events: &Events, now: Now) {
        let source = self.intake.source();
        for odd in self.oddities.new_ones(&self.listing) {
            let fields = [
                (Key::Intake, Value::Text(source.as_str().into())),
                (Key::Name, Value::Bytes(&odd.name)),
                (Key::Reason, Value::Text(odd.reason().into())),
            ];
            events.tell(now.wall, "", Event::FileOdd, &fields);
        }
        if self.listing.was_remade() {
            let fields = [(Key::Intake, Value::Text(source.into()))];
            events.tell(now.wall, "", Event::FolderRemade, &fields);
        }
    }

    fn wake(&mut self, at: Duration) {
        self.look_at = Some(self.look_at.map_or(at, |known| known.min(at)));
    }

    /// The next files that are settled, as many as fit a round.
    pub fn take(&mut self, spool: &Spool, events: &Events, now: Now) -> Result<Vec<Candidate>> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        while taken.len() < ROUND_FILES && bytes < ROUND_BYTES {
            let Some(index) = self.queue.pop() else { break };
            let candidate = match self.together.remove(&index) {
                Some(parts) => self.settled_together(spool, events, &parts, now)?,
                None => self.settled(spool, events, index as usize, now)?,
            };
            if let Some(candidate) = candidate {
                bytes += candidate.meta.size;
                taken.push(candidate);
            }
        }
        if self.queue.is_empty() {
            self.listing = Listing::default();
            self.vouched.clear();
            self.together.clear();
        }
        Ok(taken)
    }

    fn settled(&mut self, spool: &Spool, events: &Events, index: usize, now: Now) -> Result<Option<Candidate>> {
        let entry = self.listing.entry(index);
        let (name, seen) = (entry.name.to_vec(), entry.meta);
        // The kernel is asked of a file that has nothing else to wait for.
        let looked = match self.intake.settle {
            Settle::Stable(_) => spool.look(self.folder(), &name)?.map(|meta| (meta, None)),
            _ => spool.look_closely(self.folder(), &name)?.map(|(meta, is_written)| (meta, Some(is_written))),
        };
        let Some((meta, asked)) = looked else { return Ok(None) };
        if (meta.size, meta.mtime_ns, meta.inode) != (seen.size, seen.mtime_ns, seen.inode) {
            // It changed since it was listed: it has not rested.
            self.is_settling = true;
            self.wake(now.mono);
            return Ok(None);
        }
        let done_file = self.done_file_of(index);
        let looks = match self.intake.settle {
            Settle::Stable(_) => self.looks_again(meta, now),
            _ => Looks { size: meta.size, mtime_ns: meta.mtime_ns, first: now.mono, last: now.mono },
        };
        let kernel = || asked.unwrap_or_else(|| spool.is_still_written(self.folder(), &name));
        // What cannot be read is left to the reading to report.
        let layout = || end_of(spool, &self.intake, &name).unwrap_or(Completeness::Complete);
        let parts = Vec::new();
        let (rule, patience) = (&self.intake.settle, self.intake.truncated_after);
        match settle(rule, patience, &looks, done_file.is_some(), now.mono, kernel, layout) {
            Settled::Take => Ok(Some(Candidate { intake: self.intake.clone(), name, meta, done_file, parts })),
            Settled::WaitUntil(at, why) => {
                self.is_settling |= why == Waiting::Still;
                self.wake(at);
                Ok(None)
            }
            Settled::Incomplete { missing, until } => {
                let changed = spool.changed_at(self.folder(), &name);
                let wall = now.wall.timestamp_nanos_opt().unwrap_or_default();
                let Some(until) = given_up_at(until, patience, now.mono, (changed, wall)) else {
                    return Ok(Some(Candidate { intake: self.intake.clone(), name, meta, done_file, parts }));
                };
                self.wake(until);
                self.tell_incomplete(events, &name, meta, &missing, now);
                Ok(None)
            }
        }
    }

    fn looks_again(&mut self, meta: Meta, now: Now) -> Looks {
        self.looks.look(meta.inode, meta.size, meta.mtime_ns, now.mono)
    }

    fn done_file_of(&self, index: usize) -> Option<Vec<u8>> {
        let at = self.vouched.binary_search_by_key(&(index as u32), |(data, _)| *data).ok()?;
        Some(self.listing.entry(self.vouched[at].1 as usize).name.to_vec())
    }

    /// Nothing was told of it yet.
    fn is_news(&mut self, meta: Meta) -> bool {
        if self.told_incomplete.len() > 10_000 {
            // Better told twice than remembered for ever.
            self.told_incomplete.clear();
        }
        self.told_incomplete.insert((meta.inode, meta.size))
    }

    fn tell_incomplete(&mut self, events: &Events, name: &[u8], meta: Meta, missing: &str, now: Now) {
        if !self.is_news(meta) {
            return;
        }
        let fields = [
            (Key::Intake, Value::Text(self.intake.source().into())),
            (Key::Name, Value::Bytes(name)),
            (Key::Reason, Value::Text(missing.into())),
        ];
        events.tell(now.wall, "", Event::FileIncomplete, &fields);
    }
}

/// Is the end of a dropped file there? Complete when one of the intake's layouts finds it; nothing when it cannot be read.
pub fn end_of(spool: &Spool, intake: &Intake, name: &[u8]) -> Option<Completeness> {
    let mut file = spool.read(Place::In { partner: &intake.sender.partner, intake: &intake.id }, name).ok()?;
    end_of_part(intake, name, &mut file)
}

/// The same for one that is open already.
pub fn end_of_part(intake: &Intake, name: &[u8], file: &mut File) -> Option<Completeness> {
    if is_paper(intake, name) {
        // A cut one is told by its reading.
        return Some(Completeness::Complete);
    }
    end_in(intake, file)
}

/// What no layout reads: a PDF that goes along with other files or on with an order, and the bytes of a document.
fn is_paper(intake: &Intake, name: &[u8]) -> bool {
    let name = std::str::from_utf8(plain_name(name)).unwrap_or_default();
    if intake.knows_by_name(name) {
        return true;
    }
    let companions = intake.companions.as_ref();
    companions.is_some_and(|known| known.part_of(name).is_some_and(|part| !known.is_read(part.nth)))
}

fn end_in(intake: &Intake, file: &mut File) -> Option<Completeness> {
    let layout = match &intake.layouts[..] {
        [only] => only,
        several => {
            // The layout that will read it says what its end is; a file that none knows is refused by the reading.
            let mut head = Vec::new();
            file.seek(SeekFrom::Start(0)).ok()?;
            file.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).ok()?;
            several.iter().find(|layout| layout.recognises(&head))?
        }
    };
    completeness(layout, file).ok()
}
