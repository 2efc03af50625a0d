//! One remote: its carriers, how it answered, when it is asked again, and what it is still owed for files that were taken.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use chrono::TimeDelta;

use super::carriers::{Carrier, Doing, Job, Shared};
use super::secret_files::SecretFiles;
use crate::edges::clock::{Now, chance, iso, read_iso};
use crate::edges::events::{Event, Events, Key, Value};
use crate::edges::remote::ftp::Learned;
use crate::edges::remote::{Fault, Phase};
use crate::edges::store::Store;
use crate::edges::store::ledger::{CollectNo, CollectRow, RemoteState};
use crate::flows::carried::trouble;
use crate::flows::inbound::collect::{self, Owed, Settlement};
use crate::model::remote::RemoteRule;
use crate::model::rules::patience::{CHANCES, Trouble, after_fault};

/// What is removed by one job.
const OWED_AT_ONCE: usize = 64;
/// What a remote refuses for one file is asked for again.
const REFUSED_AGAIN: Duration = Duration::from_secs(10 * 60);
/// How often the ledger hears that all is well.
const TELLS_OK_EVERY: Duration = Duration::from_secs(60);
/// Logins that broke off before the next one counts as refused.
const SILENT_REFUSALS: u32 = 2;
/// A server that was full is tried with more connections again.
const TRIES_MORE_AFTER: Duration = Duration::from_secs(10 * 60);
/// Longer than the longest pause there is: whatever a clock that was set back says.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 3_600);

pub(super) struct Crew {
    pub rule: Arc<RemoteRule>,
    pub carriers: Vec<Carrier>,
    /// What its connections found out about the server.
    learned: Arc<Learned>,
    state: RemoteState,
    /// Nothing is tried before.
    pub again_at: Duration,
    owed: VecDeque<Owed>,
    /// Of `owed`, given to a carrier.
    under_way: HashSet<CollectNo>,
    refused: HashMap<CollectNo, Duration>,
    told_ok: Option<Duration>,
    /// It lets so many of us in at one time; until then no more are tried.
    lets_in: Option<(usize, Duration)>,
    secrets: SecretFiles,
    /// A line that broke at a single file was excused; not twice in a row.
    has_excused: bool,
}

impl Crew {
    /// `known`: how it answered before. A new rule is tried at once.
    pub fn new(rule: Arc<RemoteRule>, known: Option<&RemoteState>, now: Now) -> Crew {
        let mut state = known.cloned().unwrap_or_default();
        let is_same = state.rule == rule.fingerprint;
        let pause = state.next_try.as_deref().and_then(read_iso).filter(|_| is_same);
        let mut pause = pause.and_then(|at| (at - now.wall).to_std().ok()).unwrap_or_default().min(LONGEST_PAUSE);
        let secrets = SecretFiles::of(&rule, now);
        let last_try = state.last_try.as_deref().and_then(read_iso);
        if state.trouble == Trouble::Login.word() && last_try.is_some_and(|at| secrets.are_newer_than(at)) {
            pause = Duration::ZERO;
        }
        state.remote.clone_from(&rule.name);
        state.rule = rule.fingerprint;
        Crew {
            rule,
            carriers: Vec::new(),
            learned: Arc::new(Learned::default()),
            state,
            again_at: now.mono + pause,
            owed: VecDeque::new(),
            under_way: HashSet::new(),
            refused: HashMap::new(),
            told_ok: None,
            lets_in: None,
            secrets,
            has_excused: false,
        }
    }

    /// The line broke at one file of several: it may be that file's fault, so the others are asked for at once, on a new line.
    pub fn excuses(&mut self) -> bool {
        self.is_well() && !std::mem::replace(&mut self.has_excused, true)
    }

    pub fn is_well(&self) -> bool {
        self.state.failures == 0
    }

    pub fn is_login_refused(&self) -> bool {
        self.state.trouble == Trouble::Login.word()
    }

    /// When a refused login may be worth another try before its time.
    pub fn next_secret_look(&self) -> Option<Duration> {
        self.is_login_refused().then(|| self.secrets.look_at())
    }

    /// Somebody put another secret where the refused one stood.
    pub fn look_at_secrets(&mut self, now: Now) {
        if self.is_login_refused() && self.secrets.have_changed(now) {
            self.again_at = now.mono;
        }
    }

    /// Before a carrier is given something to do: it may connect for that.
    pub fn note_secrets(&mut self) {
        self.secrets.note();
    }

    /// For people, while something is wrong with it.
    pub fn sentence(&self) -> Option<String> {
        let again = self.state.next_try.as_deref().unwrap_or("once more");
        let sooner = if self.is_login_refused() { ", or as soon as the file of its secret is another" } else { "" };
        let words = || format!("{}: {} It is tried again at {again}{sooner}.", self.rule.name, self.state.words);
        (!self.is_well()).then(words)
    }

    /// This carrier has ended its job.
    pub fn is_idle_again(&mut self, number: u64, is_connected: bool) {
        for carrier in self.carriers.iter_mut().filter(|carrier| carrier.number == number) {
            (carrier.does, carrier.is_connected) = (None, is_connected);
        }
    }

    pub fn is_busy(&self) -> bool {
        self.carriers.iter().any(|carrier| carrier.does.is_some())
    }

    pub fn is_at(&self, doing: Doing) -> bool {
        self.carriers.iter().any(|carrier| carrier.does == Some(doing))
    }

    /// Could another job be given?
    pub fn has_room(&self, now: Now) -> bool {
        let has_idle = self.carriers.iter().any(|carrier| carrier.does.is_none());
        self.may_begin(now) && (has_idle || self.carriers.len() < usize::from(self.rule.connections))
    }

    /// After a fault one tries for all, and no more connect than the server lets in.
    fn may_begin(&self, now: Now) -> bool {
        let busy = self.carriers.iter().filter(|carrier| carrier.does.is_some()).count();
        let is_full = self.lets_in.is_some_and(|(most, until)| busy >= most && now.mono < until);
        !is_full && (self.is_well() || busy == 0)
    }

    /// An idle carrier, a new one where the rule allows it.
    pub fn idle(&mut self, next_number: &mut u64, shared: &Arc<Shared>, now: Now) -> Result<Option<&mut Carrier>> {
        if !self.may_begin(now) {
            return Ok(None);
        }
        let idle = |connected: bool| {
            let fits = |carrier: &Carrier| carrier.does.is_none() && (carrier.is_connected || !connected);
            self.carriers.iter().position(fits)
        };
        if let Some(at) = idle(true).or_else(|| idle(false)) {
            return Ok(self.carriers.get_mut(at));
        }
        if self.carriers.len() >= usize::from(self.rule.connections) {
            return Ok(None);
        }
        *next_number += 1;
        self.carriers.push(Carrier::start(*next_number, self.rule.clone(), self.learned.clone(), shared.clone())?);
        Ok(self.carriers.last_mut())
    }

    /// What the ledger says is owed. A file that a carrier has is not given to another.
    pub fn refresh_owed(&mut self, rows: &[CollectRow]) {
        let mine = rows.iter().filter(|row| row.is_taken && row.remote == self.rule.name);
        self.owed =
            mine.filter(|row| !self.under_way.contains(&row.no)).cloned().filter_map(collect::claiming::owed).collect();
    }

    pub fn owes(&self, now: Now) -> bool {
        !self.under_way.is_empty() || self.owed.iter().any(|owed| self.is_due(owed, now))
    }

    fn is_due(&self, owed: &Owed, now: Now) -> bool {
        self.refused.get(&owed.no).is_none_or(|at| *at <= now.mono)
    }

    pub fn after_job(&mut self, now: Now) -> Option<Job> {
        let (mut files, mut left) = (Vec::new(), VecDeque::new());
        for owed in std::mem::take(&mut self.owed) {
            if files.len() < OWED_AT_ONCE && self.is_due(&owed, now) {
                self.under_way.insert(owed.no);
                files.push(owed);
            } else {
                left.push_back(owed);
            }
        }
        self.owed = left;
        (!files.is_empty()).then_some(Job::In(collect::Job::After { files }))
    }

    /// What a carrier says of them: those that are done, and those that stay because another took their place.
    pub fn note_after(
        &mut self,
        files: &[(CollectNo, Settlement)],
        now: Now,
    ) -> (Vec<CollectNo>, Vec<CollectNo>, Vec<String>) {
        let (mut done, mut kept, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for (file, settlement) in files {
            self.under_way.remove(file);
            match settlement {
                Settlement::Done => done.push(*file),
                Settlement::KeptThere => kept.push(*file),
                Settlement::Refused(reply) => {
                    if self.refused.insert(*file, now.mono + REFUSED_AGAIN).is_none() {
                        refused.push(reply.to_string());
                    }
                }
                Settlement::NotTried => {}
            }
        }
        self.refused.retain(|file, _| !done.contains(file) && !kept.contains(file));
        (done, kept, refused)
    }

    /// It answered. True: after a fault.
    pub fn went_well(&mut self, store: &mut Store, events: &Events, now: Now) -> Result<()> {
        let was_down = !self.is_well();
        self.has_excused = false;
        let is_news = self.told_ok.is_none_or(|told| now.mono.saturating_sub(told) >= TELLS_OK_EVERY);
        if !was_down && !is_news {
            return Ok(());
        }
        self.told_ok = Some(now.mono);
        self.again_at = now.mono;
        let at = Some(iso(now.wall));
        self.state = RemoteState {
            remote: self.rule.name.clone(),
            last_ok: at.clone(),
            last_try: at,
            rule: self.rule.fingerprint,
            ..RemoteState::default()
        };
        self.keep(store)?;
        if was_down {
            self.tell(events, now, Event::RemoteBack, &[]);
        }
        Ok(())
    }

    /// Servers that have as many of us as they let in say so to the next one, with 421 or with a refused login. While
    /// others of ours are there that is no fault: there are fewer of us for a while.
    pub fn is_full(&mut self, fault: &Fault, carrier: u64, now: Now) -> bool {
        let code = fault.answer.as_ref().and_then(|answer| answer.code);
        let is_at_door = matches!(fault.phase, Phase::Greeting | Phase::Login) && matches!(code, Some(421 | 530));
        let is_other = |other: &&Carrier| other.number != carrier && (other.does.is_some() || other.is_connected);
        let others = self.carriers.iter().filter(is_other).count();
        let is_full = is_at_door && others > 0;
        if is_full {
            self.lets_in = Some((others, now.mono + TRIES_MORE_AFTER));
        }
        is_full
    }

    /// It did not. The first fault of several is told.
    pub fn went_wrong(&mut self, fault: &Fault, store: &mut Store, events: &Events, now: Now) -> Result<()> {
        // Connections that were open when the first one failed say the same thing.
        if self.again_at > now.mono && !self.is_well() {
            return Ok(());
        }
        let before = self.state.failures;
        let mut words = fault.to_string();
        if !words.ends_with('.') {
            words.push('.');
        }
        self.state.failures = before.saturating_add(1);
        // Some do not say that a password is wrong, but hang up. Once or twice that may be the line; then it is taken for a refusal.
        let is_the_same = before >= SILENT_REFUSALS && self.state.words == words;
        let (trouble, count) = match trouble(fault.kind) {
            Trouble::Passing if fault.phase == Phase::Login && is_the_same => {
                (Trouble::Login, if self.is_login_refused() { u32::MAX } else { 1 })
            }
            other => (other, self.state.failures),
        };
        let pause = after_fault(trouble, count, chance(CHANCES));
        self.again_at = now.mono + pause;
        self.state.trouble = trouble.word().into();
        self.state.last_try = Some(iso(now.wall));
        self.state.next_try = TimeDelta::from_std(pause).ok().map(|pause| iso(now.wall + pause));
        self.state.since.get_or_insert_with(|| iso(now.wall));
        self.state.words = words;
        self.keep(store)?;
        if before == 0 {
            let fields = [
                (Key::Phase, Value::Text(fault.phase.word().into())),
                (Key::Reason, Value::Text(fault.to_string().into())),
            ];
            self.tell(events, now, Event::RemoteFailed, &fields);
        }
        Ok(())
    }

    fn keep(&self, store: &mut Store) -> Result<()> {
        let tx = store.begin_unsynced()?;
        tx.set_remote_state(&self.state)?;
        tx.commit()
    }

    fn tell(&self, events: &Events, now: Now, event: Event, fields: &[(Key, Value<'_>)]) {
        let remote = (Key::Remote, Value::Text(self.rule.name.as_str().into()));
        let all: Vec<(Key, Value<'_>)> = [remote].into_iter().chain(fields.iter().cloned()).collect();
        events.tell(now.wall, "", event, &all);
    }
}
