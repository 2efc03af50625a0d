//! One intake's folder at a remote: when it is looked at, in which order its settled files are fetched, and which of them are
//! whole. Losing it costs a look: the ledger has everything that counts. What a look finds is in `found`.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use super::fetching::{Come, ToFetchPart};
use super::found::span;
use super::setbacks::Setbacks;
use super::{Fetched, Job, ToFetch};
use crate::edges::clock::{Now, chance, read_iso};
use crate::edges::remote::Fault;
use crate::edges::spool::shown_name;
use crate::edges::store::ledger::{CollectRow, RemoteLook, SeenThere};
use crate::edges::store::{FileNo, Snapshot};
use crate::flows::carried::trouble;
use crate::flows::remotes::{NOTED_NAMES, NotTaken};
use crate::model::intake::{Intake, Settle};
use crate::model::kind::Class;
use crate::model::pause::Paused;
use crate::model::remote::{Facts, FetchFrom, Folder, Stamp};
use crate::model::rules::companions::plain_name;
use crate::model::rules::order_of_files::compare_names;
use crate::model::rules::patience::{CHANCES, after_fault};
use crate::model::rules::settle::LookTable;

/// Fetched by one job: the renames of so many go in few pieces, and one sync serves them.
const JOB_FILES: usize = 64;
const JOB_BYTES: u64 = 2 * 1024 * 1024;
/// Not judged yet; beyond it nothing more is fetched.
const WINDOW_FILES: usize = 1_000;
const WINDOW_BYTES: u64 = 64 * 1024 * 1024;
/// A file that cannot be had is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(10 * 60);
pub(super) const CONTRADICTED: &str = "its name is listed there, and the server says that nothing of that name is there; \
    maybe its letters come in one encoding and are understood in another";

/// A file that stays there, was taken, and may be another by now: what was taken is known by its content.
#[derive(Debug, Clone)]
pub struct Doubtful {
    pub sighted: Sighted,
    /// As they were taken: those of its files that may be others.
    pub taken: Vec<SeenThere>,
    /// Of the server: its content alone says whether it is another.
    pub clock_was_set: bool,
}

/// Of files that stay there and were compared.
pub struct ToNote {
    /// They are what they were, with other facts.
    pub again: Vec<SightedFile>,
    /// Others by now, and without what belongs to them.
    pub lone: Vec<SightedFile>,
}

/// A settled arrival that the ledger does not know yet.
#[derive(Debug, Clone)]
pub struct Sighted {
    /// Mostly one; the first gives it its name and its place in the order.
    pub files: Vec<SightedFile>,
    pub done_file: Option<Vec<u8>>,
}

#[derive(Debug, Clone)]
pub struct SightedFile {
    /// As it stands there; a claim of ours from a lost ledger, too.
    pub name: Vec<u8>,
    /// As its sender called it.
    pub raw_name: Vec<u8>,
    pub facts: Facts,
}

impl Sighted {
    pub fn alone(file: SightedFile, done_file: Option<Vec<u8>>) -> Sighted {
        Sighted { files: vec![file], done_file }
    }

    /// As listed.
    pub fn bytes(&self) -> u64 {
        self.files.iter().filter_map(|file| file.facts.size).sum()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    UnderWay,
    Fetched,
}

#[derive(Debug)]
struct Slot {
    file: FileNo,
    size: u64,
    state: State,
    come: Come,
}

pub struct RemoteDesk {
    pub intake: Arc<Intake>,
    pub from: FetchFrom,
    pub(super) looks: LookTable,
    pub(super) sighted: Vec<Sighted>,
    /// In the order they are read.
    order: VecDeque<Slot>,
    /// Asked for again at that moment; true: it only has to rest until then.
    aside: Vec<(Duration, FileNo, bool)>,
    /// Nowhere to be found when they were asked for: a whole listing that begins later decides.
    pub(super) missing: Vec<(Duration, FileNo)>,
    /// Without their end: how large, and since when.
    incomplete: HashMap<FileNo, (u64, Duration)>,
    pub(super) told_odd: HashSet<u64>,
    pub(super) told_look: RemoteLook,
    /// What stays there and was taken, and whose size and time cannot say whether it is another by now.
    pub(super) doubtful: Vec<Doubtful>,
    is_comparing: bool,
    /// Why files that are known are not fetched, by their names there.
    pub(super) put_aside: BTreeMap<FileNo, (Vec<u8>, String)>,
    setbacks: Setbacks,
    /// The last listing's names that were not taken, with their reasons.
    pub(super) not_taken: Vec<NotTaken>,
    /// When its folder is listed next, by the monotonic clock.
    pub look_at: Duration,
    pub(super) began_look: Option<Duration>,
    pub has_looked: bool,
    pub(super) is_settling: bool,
    /// Its folder cannot be listed: how often in a row, and why.
    trouble: Option<(u32, String)>,
    /// This remote does not let us rename.
    pub(super) claims_refused: bool,
    /// The next file does not fit on our disks; as it is, and as it was last told.
    waits_for_room: (bool, bool),
}

impl RemoteDesk {
    /// None: nothing of it comes from a remote. `rows`: what the ledger has of its files there.
    pub fn new(intake: Arc<Intake>, rows: &[CollectRow], now: Now) -> Option<RemoteDesk> {
        let from = intake.from.clone()?;
        let intake_of = intake.clone();
        let mut desk = RemoteDesk {
            intake,
            from,
            looks: LookTable::default(),
            sighted: Vec::new(),
            order: VecDeque::new(),
            aside: Vec::new(),
            missing: Vec::new(),
            incomplete: HashMap::new(),
            told_odd: HashSet::new(),
            told_look: RemoteLook {
                partner: intake_of.sender.partner.clone(),
                intake: intake_of.id.clone(),
                ..RemoteLook::default()
            },
            doubtful: Vec::new(),
            is_comparing: false,
            put_aside: BTreeMap::new(),
            setbacks: Setbacks::default(),
            not_taken: Vec::new(),
            look_at: now.mono,
            began_look: None,
            has_looked: false,
            is_settling: false,
            trouble: None,
            claims_refused: false,
            waits_for_room: (false, false),
        };
        let (partner, intake) = (&desk.intake.sender.partner, &desk.intake.id);
        let his: Vec<&CollectRow> =
            rows.iter().filter(|row| row.partner == *partner && row.intake == *intake && !row.is_taken).collect();
        for rows in his.chunk_by(|a, b| a.no.file == b.no.file) {
            desk.push(rows[0].no.file, rows.iter().filter_map(|row| row.facts.size).sum());
        }
        Some(desk)
    }

    pub fn source(&self) -> String {
        self.intake.source()
    }

    pub fn is_paused(&self, paused: &Paused) -> bool {
        paused.intake(&self.intake.sender.partner, &self.intake.id)
    }

    /// Master data go before facts, facts before requests, deletions behind all.
    pub fn rank(&self) -> u8 {
        match self.intake.layouts.first().map(|layout| layout.kind.class) {
            Some(Class::Record) => 0,
            Some(Class::Fact) => 1,
            Some(Class::Removal) => 3,
            _ => 2,
        }
    }

    /// Some file is whole and next in the order.
    pub fn has_fetched(&self) -> bool {
        self.order.front().is_some_and(|slot| slot.state == State::Fetched)
    }

    /// Nothing is to be seen, fetched or judged.
    pub fn is_idle(&self) -> bool {
        self.sighted.is_empty() && self.order.is_empty() && self.began_look.is_none() && self.doubtful.is_empty()
    }

    pub fn has_sighted(&self) -> bool {
        !self.sighted.is_empty() && self.order.len() < WINDOW_FILES
    }

    pub fn next_fetched(&mut self) -> Option<(FileNo, Come)> {
        if self.has_fetched() { self.order.pop_front().map(|slot| (slot.file, slot.come)) } else { None }
    }

    /// What it holds in memory is asked of the ledger anew, after an outage.
    pub fn begin_anew(&mut self, rows: &[CollectRow], now: Now) {
        if let Some(anew) = RemoteDesk::new(self.intake.clone(), rows, now) {
            let under_way: Vec<FileNo> =
                self.order.iter().filter(|slot| slot.state == State::UnderWay).map(|slot| slot.file).collect();
            self.order = anew.order;
            for slot in self.order.iter_mut().filter(|slot| under_way.contains(&slot.file)) {
                slot.state = State::UnderWay;
            }
        }
    }

    /// Some file only has to rest a little longer.
    pub fn is_settling(&self) -> bool {
        self.is_settling || self.aside.iter().any(|(.., rests)| *rests)
    }

    /// Something there is not taken for a reason that time or its sender ends.
    pub fn waits(&self) -> bool {
        !self.aside.is_empty() || !self.missing.is_empty()
    }

    /// The same folder under another rule.
    pub fn take_over(&mut self, intake: Arc<Intake>, from: FetchFrom) {
        (self.intake, self.from) = (intake, from);
        self.claims_refused = false;
    }

    /// A look, where one is due.
    pub fn look_job(&mut self, now: Now) -> Option<Job> {
        let is_at_work = self.order.iter().any(|slot| slot.state == State::UnderWay);
        let has_others = !self.sighted.is_empty() || !self.doubtful.is_empty();
        if self.began_look.is_some() || now.mono < self.look_at || has_others || is_at_work {
            return None;
        }
        self.began_look = Some(now.mono);
        Some(Job::Look { source: self.source(), folder: self.from.folder.clone() })
    }

    /// What has to be read to know whether it is new.
    pub fn compare_job(&mut self) -> Option<Job> {
        if self.doubtful.is_empty() || std::mem::replace(&mut self.is_comparing, true) {
            return None;
        }
        Some(Job::Compare { source: self.source(), folder: self.from.folder.clone(), files: self.doubtful.clone() })
    }

    /// What is new is taken as any other; what could not be read is asked after with the next listing.
    pub fn note_compared(&mut self, new: &[usize], same: &[usize]) -> ToNote {
        self.is_comparing = false;
        let doubtful = std::mem::take(&mut self.doubtful);
        let again = same.iter().filter_map(|index| doubtful.get(*index)).filter(|file| file.clock_was_set);
        let again = again.flat_map(|file| file.sighted.files.clone()).collect();
        let wanted = doubtful.into_iter().enumerate().filter(|(index, _)| new.contains(index));
        let companions = self.intake.companions.as_ref();
        let is_lone = |sighted: &Sighted| {
            let name = std::str::from_utf8(plain_name(&sighted.files[0].raw_name)).unwrap_or_default();
            sighted.files.len() == 1 && companions.is_some_and(|companions| companions.part_of(name).is_some())
        };
        let (lone, wanted): (Vec<_>, Vec<_>) = wanted.map(|(_, file)| file.sighted).partition(is_lone);
        self.sighted.extend(wanted);
        self.sighted.sort_by(|a, b| compare_names(&b.files[0].name, &a.files[0].name));
        ToNote { again, lone: lone.into_iter().flat_map(|sighted| sighted.files).collect() }
    }

    /// It could not be listed: the remote's own pause says when it is tried again.
    pub fn look_failed(&mut self, now: Now) {
        self.began_look = None;
        self.look_at = now.mono;
    }

    /// The remote is well and refuses this folder. True: that is news.
    pub fn look_refused(&mut self, fault: &Fault, now: Now) -> bool {
        let failures = self.trouble.as_ref().map_or(1, |(failures, _)| failures + 1);
        self.look_at = now.mono + after_fault(trouble(fault.kind), failures, chance(CHANCES));
        self.trouble = Some((failures, fault.to_string()));
        failures == 1
    }

    /// For people, while its folder there cannot be listed.
    pub fn sentence(&self) -> Option<String> {
        self.trouble.as_ref().map(|(_, words)| format!("{}: {}.", self.source(), words.trim_end_matches('.')))
    }

    /// True: it could not be before.
    pub(super) fn look_succeeded(&mut self) -> bool {
        self.trouble.take().is_some()
    }

    pub fn wake(&mut self, at: Duration) {
        self.look_at = self.look_at.min(at);
    }

    /// The next files to be fetched; none while enough of them wait to be judged.
    /// `fits`: whether there is room for what is under way and so many bytes more; a file without waits, and those behind it.
    pub fn collect_job(
        &mut self,
        snapshot: &Snapshot<'_>,
        fits: &mut dyn FnMut(&str, u64) -> bool,
        now: Now,
    ) -> Result<Option<Job>> {
        self.take_back_aside(now);
        self.waits_for_room.0 = false;
        let ahead = self.order.iter().filter(|slot| slot.state != State::Waiting);
        let (files, bytes) = ahead.fold((0, 0), |(files, bytes), slot| (files + 1, bytes + slot.size));
        if files >= WINDOW_FILES || bytes >= WINDOW_BYTES {
            return Ok(None);
        }
        let busy = self.order.iter().filter(|slot| slot.state == State::UnderWay);
        let under_way: u64 = busy.map(|slot| slot.size).sum();
        let (mut job, mut bytes, mut gone) = (Vec::new(), 0, Vec::new());
        for slot in self.order.iter_mut().filter(|slot| slot.state == State::Waiting) {
            if job.len() == JOB_FILES || bytes >= JOB_BYTES {
                break;
            }
            let rows = snapshot.collected(slot.file)?;
            let Some(row) = rows.first().filter(|row| !row.is_taken) else {
                gone.push(slot.file);
                continue;
            };
            let Ok(folder) = Folder::parse(&row.folder) else { continue };
            if job.first().is_some_and(|first: &ToFetch| first.folder != folder) {
                break;
            }
            let size: u64 = rows.iter().filter_map(|row| row.facts.size).sum();
            // What is put together stands here twice for a moment.
            let size = if rows.len() > 1 { 2 * size } else { size };
            if !fits(&shown_name(&row.raw_name).to_string(), under_way + bytes + size) {
                self.waits_for_room.0 = true;
                break;
            }
            let takes_it_cut = is_given_up(&rows, self.incomplete.get(&slot.file), self.intake.truncated_after, now);
            slot.state = State::UnderWay;
            bytes += slot.size;
            job.extend(to_fetch(rows, self.intake.clone(), folder, takes_it_cut));
        }
        self.order.retain(|slot| !gone.contains(&slot.file));
        Ok((!job.is_empty()).then(|| Job::Collect { source: self.source(), files: job }))
    }

    pub fn waits_for_room(&self) -> bool {
        self.waits_for_room.0
    }

    /// It did when this was last asked.
    pub fn has_stopped_waiting(&mut self) -> bool {
        let (is, was) = self.waits_for_room;
        self.waits_for_room.1 = is;
        was && !is
    }

    fn take_back_aside(&mut self, now: Now) {
        let (due, later): (Vec<_>, Vec<_>) = self.aside.drain(..).partition(|(at, ..)| *at <= now.mono);
        self.aside = later;
        self.order.extend(due.into_iter().map(|(_, file, _)| Slot {
            file,
            size: 0,
            state: State::Waiting,
            come: Come::default(),
        }));
    }

    /// When the next of those put aside is due, or a look.
    pub fn next_at(&self) -> Duration {
        let look = if self.began_look.is_some() { Duration::MAX } else { self.look_at };
        self.next_aside().min(look)
    }

    /// When the next of those put aside is due.
    pub fn next_aside(&self) -> Duration {
        self.aside.iter().map(|(at, ..)| *at).min().unwrap_or(Duration::MAX)
    }

    /// K1 knows it.
    pub(super) fn push(&mut self, file: FileNo, size: u64) {
        self.order.push_back(Slot { file, size, state: State::Waiting, come: Come::default() });
    }

    /// What a carrier says of one file. A file that fails for itself leaves the order, one that a broken line stopped does not.
    pub(super) fn note(&mut self, file: FileNo, fetched: &Fetched, now: Now) {
        self.put_aside.remove(&file);
        let state = match fetched {
            Fetched::Whole { .. } => {
                self.incomplete.remove(&file);
                self.setbacks.forget(file);
                Some(State::Fetched)
            }
            Fetched::NotTried | Fetched::ClaimRefused(_) => Some(State::Waiting),
            _ => None,
        };
        let Some(at) = self.order.iter().position(|slot| slot.file == file) else { return };
        if let Some(state) = state {
            if let Fetched::Whole { come, .. } = fetched {
                self.order[at].come = come.clone();
            }
            self.order[at].state = state;
            return;
        }
        let size = self.order[at].size;
        self.order.remove(at);
        match fetched {
            Fetched::Nowhere => {
                self.missing.push((now.mono, file));
                self.look_at = now.mono;
            }
            Fetched::Incomplete(_) => {
                let since = self.incomplete.entry(file).or_insert((size, now.mono));
                if since.0 != size {
                    *since = (size, now.mono);
                }
                let patience = since.1 + self.intake.truncated_after;
                self.aside.push((patience.min(now.mono + self.from.every), file, false));
            }
            Fetched::Changed { .. } => self.aside.push((now.mono + rests_for(&self.intake.settle), file, true)),
            // Those behind it have their turn first: the line may break at this one whenever it is asked for.
            Fetched::BrokeOff(_) if !self.setbacks.is_again(file) => {
                self.order.push_back(Slot { file, size, state: State::Waiting, come: Come::default() });
            }
            _ => self.aside.push((now.mono + ASK_AGAIN, file, false)),
        }
    }

    pub(super) fn is_in_order(&self, file: FileNo) -> bool {
        self.order.iter().any(|slot| slot.file == file)
    }

    /// It stands nowhere in work/ although it was fetched.
    pub(super) fn fetch_again(&mut self, file: FileNo) {
        self.order.push_back(Slot { file, size: 0, state: State::Waiting, come: Come::default() });
    }

    /// A listing has what was not there when it was asked for. Once that is chance; true: again, so it rests a while.
    pub(super) fn is_contradicted(&mut self, file: FileNo, name: &[u8], now: Now) -> bool {
        if !self.setbacks.is_again(file) {
            self.fetch_again(file);
            return false;
        }
        self.aside.push((now.mono + ASK_AGAIN, file, false));
        self.put_aside
            .insert(file, (name.to_vec(), format!("cannot be fetched, and is asked for again: {CONTRADICTED}")));
        true
    }

    /// Why it is not fetched, for people.
    pub(super) fn say_aside(&mut self, file: FileNo, name: &[u8], fetched: &Fetched) {
        let words = match fetched {
            Fetched::Incomplete(missing) => {
                format!(
                    "is incomplete: {missing}; refused if it does not grow for {}",
                    span(self.intake.truncated_after)
                )
            }
            Fetched::Refused(fault) | Fetched::BrokeOff(fault) => {
                format!("cannot be fetched, and is asked for again: {fault}")
            }
            _ => return,
        };
        self.put_aside.insert(file, (name.to_vec(), words));
    }

    /// How things stand in its folder, for `status` and `explain`.
    pub(super) fn look_now(&self) -> RemoteLook {
        let folder = self.trouble.as_ref().map(|(_, words)| NotTaken::new("", format!("cannot be listed: {words}")));
        let aside = self.put_aside.values().map(|(name, words)| NotTaken::new(shown_name(name), words.clone()));
        let lines = folder.into_iter().chain(aside).chain(self.not_taken.iter().cloned()).take(NOTED_NAMES);
        let lines: Vec<String> = lines.map(|one| one.line()).collect();
        RemoteLook { sample: lines.join("\n"), ..self.told_look.clone() }
    }
}

/// Its end will not come: it has stood there as it is for so long, by this run or by those before.
fn is_given_up(rows: &[CollectRow], since: Option<&(u64, Duration)>, patience: Duration, now: Now) -> bool {
    // Of several the one that changed last; one that has grown has none.
    let short: Option<Vec<&str>> = rows.iter().map(|row| row.short_since.as_deref()).collect();
    let latest = short.and_then(|all| all.into_iter().max());
    let before = latest.and_then(read_iso).and_then(|at| (now.wall - at).to_std().ok());
    let here = since.map(|(_, since)| now.mono.saturating_sub(*since));
    before.max(here).is_some_and(|rested| rested >= patience)
}

fn to_fetch(rows: Vec<CollectRow>, intake: Arc<Intake>, folder: Folder, takes_it_cut: bool) -> Option<ToFetch> {
    let first = rows.first()?;
    let (file, id, raw_name) = (first.no.file, first.id, first.raw_name.clone());
    let done = first.done_name.clone().map(|name| (name, first.done_claim.clone()));
    let part = |row: CollectRow| ToFetchPart {
        no: row.no,
        name: row.name,
        claim: row.claim,
        own_name: row.own_name,
        facts: row.facts,
    };
    let parts = rows.into_iter().map(part).collect();
    Some(ToFetch { file, id, intake, raw_name, folder, parts, done, takes_it_cut })
}

fn rests_for(settle: &Settle) -> Duration {
    match settle {
        Settle::Stable(pause) => *pause,
        _ => Duration::from_secs(1),
    }
}

pub(super) fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The same file as far as its facts can say; nothing where they cannot.
pub(super) fn is_seen(then: &Facts, now: &Facts) -> Option<bool> {
    if matches!((then.size, now.size), (Some(then), Some(now)) if then != now) {
        return Some(false);
    }
    match then.stamp.is_same(&now.stamp).filter(|_| now.stamp != Stamp::None) {
        Some(true) if then.size == now.size => Some(true),
        Some(false) => Some(false),
        _ => None,
    }
}
