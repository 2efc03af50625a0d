//! One turn of the loop: what is there is done, in the order commands, files in, feeds, housekeeping.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use super::remotes::Remotes;
use super::room::LOOK_EVERY;
use super::troubles::What;
use super::works::replies;
use super::{Daemon, Ended};
use crate::edges::clock::Now;
use crate::edges::events::{Event, Key, Value};
use crate::edges::spool::{Place, shown_name};
use crate::edges::watch::Woken;
use crate::flows::inbound::desk::Desk;
use crate::flows::inbound::finish;
use crate::flows::inbound::round::{Answer, answer_all};
use crate::flows::inbound::waiting::{newest_of_each, tell_released};
use crate::flows::{recover, retention, rights};
use crate::model::intake::Intake;
use crate::model::rules::room::{TIMES_OF_A_CONTENT, TIMES_OF_A_DROP};

const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(60);
/// With more to take than this a folder is not listened to: it is looked at again in any case.
const BACKLOG_FILES: usize = 100;
/// Confirmations of moves ride on the next commit of files; when none comes, they get one of their own after this pause.
const IDLE: Duration = Duration::from_millis(500);

/// Whose files are judged next.
#[derive(Debug, Clone, Copy)]
enum Turn {
    /// In a folder of in/.
    Here(usize),
    /// Of a remote, fetched.
    There(usize),
}

impl Daemon {
    pub(super) fn turn(&mut self) -> Result<()> {
        self.pulse.beat();
        // Of a round that an error ended.
        self.settle_moves()?;
        if self.outage.pause().is_some() {
            // What stands in work/ was interrupted by the outage, by no fault of its own.
            let now = self.clock.now();
            recover::after_outage(&mut self.works.bench(now))?;
            self.runs_after_outage()?;
            // So were the files that were to be claimed next: nothing in in/ rings for them a second time.
            self.desks.iter_mut().for_each(|desk| desk.look_at = Some(now.mono));
            self.remotes_begin_anew()?;
        }
        self.try_moves_again()?;
        let woken = self.take_wake_ups();
        if self.queue.is_due {
            self.carry_out_commands()?;
        }
        self.look_at_desks(&woken)?;
        self.tend_remotes()?;
        // Between rounds, so that neither a stop nor a command waits for a large backlog.
        while !self.stop.is_asked() && self.one_round()? {
            self.pulse.beat();
            if self.desks.iter().any(|desk| !desk.is_empty()) {
                self.carry_out_commands()?;
            }
            self.tend_remotes()?;
        }
        self.settle_moves()?;
        self.run_feeds()?;
        self.note_deliveries()?;
        if self.clock.now().mono.saturating_sub(self.last_round) >= IDLE {
            self.confirm_placed()?;
        }
        self.keep_house()?;
        self.note_moves();
        self.post_letters(false)?;
        if self.outage.pause().is_some() {
            // Nothing else in this turn may have written, and then its end would be told before every next try.
            self.works.spool.try_to_write()?;
            self.note_alive()?;
        }
        Ok(())
    }

    /// What rang. Commands are looked for when their folder did, when it cannot, and while one is left.
    fn take_wake_ups(&mut self) -> Woken {
        let woken = self.watch.take(self.clock.now().mono);
        if let Some(words) = self.watch.take_problem() {
            self.watchman.watch_poor(&words);
            self.tell(Event::WatchPoor, &[(Key::Reason, Value::Text(words.into()))]);
        }
        let commands = self.desks.len();
        self.queue.is_due |= woken.all || woken.folders.contains(&commands) || !self.watch.hears_of(commands);
        woken
    }

    /// Folders that rang, and those whose time has come.
    fn look_at_desks(&mut self, woken: &Woken) -> Result<()> {
        let now = self.clock.now();
        for index in 0..self.desks.len() {
            if self.is_paused(&self.desks[index]) {
                continue;
            }
            let desk = &mut self.desks[index];
            let is_due = desk.look_at.is_some_and(|at| at <= now.mono);
            if desk.is_empty() && (woken.all || is_due || woken.folders.contains(&index)) {
                self.look_at_desk(index)?;
            } else if woken.folders.contains(&index) || woken.all {
                // Its last look is still being worked off: look again right after.
                desk.look_at = Some(now.mono);
            }
        }
        Ok(())
    }

    /// One round of files. False: nobody has any, or there is no room for any.
    fn one_round(&mut self) -> Result<bool> {
        let now = self.clock.now();
        self.disks.look(&self.works.events, now);
        if !self.disks.takes_in() {
            return Ok(false);
        }
        let index = match self.next_desk() {
            None => return Ok(false),
            Some(Turn::There(index)) => {
                self.judge_fetched(index)?;
                self.note_moves();
                self.place_ready()?;
                self.last_round = self.clock.now().mono;
                return Ok(true);
            }
            Some(Turn::Here(index)) => index,
        };
        if !self.fits(index, now) {
            return Ok(true);
        }
        if self.desks[index].backlog() > BACKLOG_FILES {
            self.watch.rest(index);
        }
        let settled = self.desks[index].take(&self.works.spool, &self.works.events, now);
        let taken = match settled {
            Ok(candidates) if candidates.is_empty() => None,
            Ok(candidates) => Some(self.works.bench(now).take(candidates)),
            Err(error) => Some(Err(error.into())),
        };
        if let Some(taken) = taken {
            self.note_intake(index, taken)?;
            self.note_moves();
            self.place_ready()?;
            self.last_round = self.clock.now().mono;
        }
        let desk = &self.desks[index];
        let is_due = self.watch.rests(index) || desk.look_at.is_some_and(|at| at <= self.clock.now().mono);
        if desk.is_empty() && is_due {
            self.look_at_desk(index)?;
        }
        Ok(true)
    }

    /// A file for which there is no room waits, and those behind it with it: their order is kept.
    fn fits(&mut self, index: usize, now: Now) -> bool {
        let desk = &mut self.desks[index];
        let Some((name, bytes)) = desk.next() else { return true };
        let (source, name) = (desk.intake.source(), shown_name(name).to_string());
        let times = if desk.intake.is_content(&name) { TIMES_OF_A_CONTENT } else { TIMES_OF_A_DROP };
        let fits = self.disks.fits(&source, (&name, bytes), times, &self.works.events, now);
        if !fits {
            desk.put_aside(now.mono + LOOK_EVERY);
        }
        fits
    }

    fn look_at_desk(&mut self, index: usize) -> Result<()> {
        let before = std::mem::replace(&mut self.looked_at, index);
        if let Some(other) = self.desks.get_mut(before).filter(|_| before != index) {
            other.let_go();
        }
        self.watch.wake(index);
        let now = self.clock.now();
        let looked = self.desks[index].look(&self.works.spool, &self.works.events, now);
        if self.desks[index].is_empty() {
            self.disks.waits_no_longer(&self.desks[index].intake);
        }
        match looked {
            // That it can be listed does not say that files can be taken from it: the next one that is taken does.
            Ok(()) if !self.desks[index].is_empty() => Ok(()),
            looked => self.note_intake(index, looked.map_err(Into::into)),
        }
    }

    /// A folder that refuses us stops its own intake only, until it is mended.
    fn note_intake(&mut self, index: usize, done: Result<()>) -> Result<()> {
        let (now, desk) = (self.clock.now(), &mut self.desks[index]);
        let (partner, intake) = (&desk.intake.sender.partner[..], &desk.intake.id[..]);
        let places = [Place::In { partner, intake }, Place::Work { partner, intake }];
        let what = What::Intake(desk.intake.source());
        let words = match done {
            Ok(()) if !self.troubles.is_known(&what) => return Ok(()),
            // Nothing lies in it any more, so nothing was tried.
            Ok(()) => rights::missing(&self.works.spool, &places),
            Err(error) => match rights::told(&self.works.spool, &places, &error) {
                None => return Err(error),
                words => words,
            },
        };
        match words {
            None => self.troubles.over(&what, &self.works.events, now),
            Some(words) => {
                let again_at = self.troubles.begins(what, vec![words], &self.works.events, now);
                desk.put_aside(again_at);
            }
        }
        Ok(())
    }

    /// Files whose verdict stands and whose folder refused them.
    pub(super) fn note_moves(&mut self) {
        let denied = std::mem::take(&mut self.works.denied);
        if !denied.is_empty() {
            let now = self.clock.now();
            self.troubles.begins(What::Moves, denied.into_iter().collect(), &self.works.events, now);
        }
    }

    fn try_moves_again(&mut self) -> Result<()> {
        let now = self.clock.now();
        if self.troubles.again_at(&What::Moves).is_some_and(|at| at <= now.mono) {
            // What is confirmed is not looked at again.
            self.confirm_placed()?;
            recover::finish_moves(&mut self.works.bench(now))?;
            if self.works.denied.is_empty() {
                self.troubles.over(&What::Moves, &self.works.events, now);
            }
        }
        self.note_moves();
        Ok(())
    }

    /// Master data of anybody first: what an order refers to is there when both were dropped at one moment. Then partners in
    /// turn; of a partner's desks the one whose kind goes first.
    fn next_desk(&mut self) -> Option<Turn> {
        let here = self.desks.iter().enumerate().filter(|(_, desk)| !desk.is_empty() && !self.is_paused(desk));
        let here = here.map(|(index, desk)| (Turn::Here(index), desk.rank(), &desk.intake));
        let there = self.remotes.iter().flat_map(|remotes| remotes.desks.iter().enumerate());
        let there = there.filter(|(_, desk)| desk.has_fetched() && !desk.is_paused(&self.paused));
        let there = there.map(|(index, desk)| (Turn::There(index), desk.rank(), &desk.intake));
        let ready: Vec<(Turn, u8, &Arc<Intake>)> = here.chain(there).collect();
        if let Some((found, ..)) = ready.iter().find(|(_, rank, _)| *rank == 0) {
            return Some(*found);
        }
        let partners = self.config.partners.len().max(1);
        for step in 0..partners {
            let turn = (self.next_partner + step) % partners;
            let Some(partner) = self.config.partners.get(turn) else { continue };
            let his = ready.iter().filter(|(.., intake)| intake.sender.partner == partner.partner);
            if let Some((found, ..)) = his.min_by_key(|(_, rank, _)| *rank) {
                self.next_partner = turn + 1;
                return Some(*found);
            }
        }
        None
    }

    pub(super) fn read_pauses(&mut self) -> Result<()> {
        self.paused = self.works.store.read()?.paused()?;
        // What came meanwhile rang while nobody listened.
        let now = self.clock.now();
        self.desks.iter_mut().for_each(|desk| desk.look_at = Some(now.mono));
        Ok(())
    }

    fn is_paused(&self, desk: &Desk) -> bool {
        self.paused.intake(&desk.intake.sender.partner, &desk.intake.id)
    }

    /// Held messages whose time is up, originals past their days, confirmations.
    fn keep_house(&mut self) -> Result<()> {
        let now = self.clock.now();
        if now.mono < self.housekeeping_at {
            return Ok(());
        }
        self.housekeeping_at = now.mono + HOUSEKEEPING_EVERY;
        self.time_out_held(now)?;
        let pruned = retention::prune(&mut self.works.bench(now), self.config.sent_days, self.config.history_days);
        match pruned {
            Ok(()) => self.troubles.over(&What::Pruning, &self.works.events, now),
            Err(error) => {
                let Some(words) = rights::told(&self.works.spool, &[], &error) else { return Err(error) };
                self.troubles.begins(What::Pruning, vec![words], &self.works.events, now);
            }
        }
        self.confirm_placed()?;
        self.mind_the_clock()?;
        self.look_after()
    }

    fn time_out_held(&mut self, now: Now) -> Result<()> {
        // Under another configuration what waits may have come already: an intake was away, a rule is milder.
        let config_is_new = std::mem::take(&mut self.config_is_new);
        let Some(due) = self.works.store.read()?.next_timeout()? else { return Ok(()) };
        if due > crate::edges::clock::iso(now.wall) && !config_is_new {
            return Ok(());
        }
        let again = self.works.bench(now).again(false)?;
        let tx = self.works.store.begin()?;
        let mut decided = Vec::new();
        // What has come while nobody could judge (its intake was not configured) is not refused as missing.
        again.all_that_wait(&tx, &mut decided)?;
        let came = decided.len();
        again.time_out(&tx, &mut decided)?;
        again.all_that_wait(&tx, &mut decided)?;
        again.keep_numbers(&tx, &self.works.spool)?;
        let answering: (&Answer, _, _) = (&replies, &*self.works.spool, &self.works.intakes[..]);
        answer_all(answering, &tx, &decided, now, self.works.zone)?;
        self.works.spool.sync()?;
        tx.commit()?;
        tell_released(&self.works.events, now, &decided[..came]);
        if decided.len() > came {
            self.tell(Event::HeldExpired, &[(Key::Messages, Value::Number((decided.len() - came) as i64))]);
        }
        finish::carry_out(&mut self.works.bench(now), newest_of_each(decided))?;
        self.place_ready()
    }

    /// The folders have followed: one commit says so.
    pub(super) fn confirm_placed(&mut self) -> Result<()> {
        self.settle_moves()?;
        if self.works.placed.is_empty() {
            return Ok(());
        }
        self.works.spool.sync()?;
        let tx = self.works.store.begin_unsynced()?;
        tx.mark_placed(&self.works.placed)?;
        tx.commit()?;
        self.works.placed.clear();
        Ok(())
    }

    pub(super) fn settle_moves(&mut self) -> Result<()> {
        let now = self.clock.now();
        finish::settle(&mut self.works.bench(now))
    }

    /// Once: is nothing left that could be done now, or after a short rest?
    pub(super) fn is_drained(&mut self) -> Result<Option<Ended>> {
        let waits_for_room = self.disks.words();
        let awake = || self.desks.iter().filter(|desk| !self.is_paused(desk));
        let has_work = awake().any(|desk| !desk.is_empty() || desk.is_settling);
        if has_work && !self.disks.takes_in() {
            return Ok(Some(Ended::Waiting(waits_for_room.join("; "))));
        }
        if has_work || self.has_commands()? {
            return Ok(None);
        }
        if self.disks.takes_in() && !waits_for_room.is_empty() {
            return Ok(Some(Ended::Waiting(waits_for_room.join("; "))));
        }
        let Some(there) = self.remotes_drained() else { return Ok(None) };
        let mut troubles = self.troubles.sentences();
        troubles.extend(self.queue.sentence());
        let mut settling = Vec::new();
        match there {
            Ended::Waiting(words) => return Ok(Some(Ended::Waiting(words))),
            Ended::SomeWaits(words) => troubles.push(words),
            Ended::StillSettling(folders) => settling = folders,
            Ended::Done => {}
        }
        troubles.extend(self.out.refused().map(|(_, sentence)| sentence));
        if !troubles.is_empty() {
            return Ok(Some(Ended::SomeWaits(troubles.join(" "))));
        }
        for desk in awake().filter(|desk| desk.look_at.is_some()) {
            let place = Place::In { partner: &desk.intake.sender.partner, intake: &desk.intake.id };
            settling.push(self.works.spool.folder(place)?.display().to_string());
        }
        Ok(Some(if settling.is_empty() { Ended::Done } else { Ended::StillSettling(settling) }))
    }

    /// How long nothing will be due.
    pub(super) fn until_next(&self, now: Now) -> Duration {
        if let Some(pause) = self.outage.pause() {
            return pause;
        }
        let desks = self.desks.iter().filter(|desk| !self.is_paused(desk)).filter_map(|desk| desk.look_at);
        let mut next = desks.min().map_or(self.watch.until_scan(now.mono), |at| {
            at.saturating_sub(now.mono).min(self.watch.until_scan(now.mono))
        });
        if !self.works.placed.is_empty() {
            next = next.min(IDLE);
        }
        if !self.disks.takes_in() || self.remotes.as_ref().is_some_and(Remotes::waits_for_room) {
            next = next.min(LOOK_EVERY);
        }
        if self.queue.is_due {
            next = next.min(self.queue.look_again());
        }
        if let Some(letter) = self.watchman.next_letter() {
            next = next.min((letter - now.wall).to_std().unwrap_or_default());
        }
        if let Some(again) = self.troubles.again_at(&What::Moves) {
            next = next.min(again.saturating_sub(now.mono));
        }
        let remotes = self.remotes.as_ref();
        if let Some(at) = remotes.and_then(|remotes| remotes.next_at((&self.paused, self.disks.takes_in()), now)) {
            next = next.min(at.saturating_sub(now.mono));
        }
        next.min(self.until_feed(now)).min(self.housekeeping_at.saturating_sub(now.mono))
    }
}
