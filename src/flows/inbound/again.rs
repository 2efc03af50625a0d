//! Files judged again on a person's word: whole, or only the messages that were not taken. The moment a file speaks of
//! stays that of its first sight, so that Monday's stock retried on Wednesday is stale.

use anyhow::{Context, Result, bail};

use super::claiming::Claimed;
use super::finish::{self, Decided};
use super::in_hand::InHand;
use super::papers::Papers;
use super::reading::{Assignment, Outcome};
use super::round::{Bench, answer_all, read_and_apply};
use super::waiting::{Again, newest_of_each};
use crate::edges::clock::iso;
use crate::edges::spool::{Place, Role, state_name};
use crate::edges::store::Tx;
use crate::edges::store::ledger::{FileRow, MessageRow, Revision};
use crate::flows::archiving;
use crate::model::ids::Id;
use crate::model::reason;
use crate::model::rules::recovery::ATTEMPTS_MAX;
use crate::model::verdict::{Counts, Verdict};

impl Bench<'_> {
    /// A judge of stored messages, as of now.
    pub fn again(&self, overrule: bool) -> Result<Again> {
        Ok(Again { overrule, ..Again::of(self.intakes, self.now, self.zone, self.spool.marks()?) })
    }

    /// The whole file, from its original, as if it had just come.
    pub fn judge_whole_again(&mut self, row: FileRow) -> Result<Vec<(Verdict, u64)>> {
        self.judge_original(row, None)
    }

    /// The same, whatever the guard finds: a person's command says so.
    pub fn judge_released(&mut self, row: FileRow, command: Id) -> Result<Vec<(Verdict, u64)>> {
        self.judge_original(row, Some(command))
    }

    fn judge_original(&mut self, mut row: FileRow, released_by: Option<Id>) -> Result<Vec<(Verdict, u64)>> {
        let Some(intake) = self.intake_of(&row.partner, &row.intake) else {
            bail!("{} is of the intake {}/{}, which is no longer configured", row.name, row.partner, row.intake);
        };
        let Some(decided) = Decided::from_row(row.clone(), None) else { bail!("{} has no verdict yet", row.name) };
        if let Some(why) = is_overwritten(&row) {
            bail!(why);
        }
        archiving::bring_back(self, &mut row)?;
        let Some(place) = finish::find_original(self.spool, &decided)? else {
            bail!(
                "the original of {} is not in the spool any more: its days are over, or it was taken away by hand. Have it sent again",
                row.name
            );
        };
        let name = state_name(row.id, &row.raw_name, Role::Original);
        let work = Place::Work { partner: &row.partner, intake: &row.intake };
        if place != work {
            self.spool.rename((place, &name), (work, &name))?;
        }
        let no = row.no;
        let attempts = self.begin_lone_attempt(&row)?;
        let claimed = Claimed { again: true, attempts, released_by, ..self.claimed_from(row, intake) };
        if let Err(error) = self.judge(vec![claimed]) {
            self.take_attempt_back(no)?;
            return Err(error);
        }
        let counts = self.store.read()?.file(no)?.map_or(Counts::default(), |now| now.counts);
        Ok(by_verdict(counts))
    }

    /// Committed before it is read: a command that ends the process is found again by the next start, and must not end every
    /// one of them.
    fn begin_lone_attempt(&mut self, row: &FileRow) -> Result<u32> {
        let tx = self.store.begin()?;
        tx.begin_attempt(row.no, true)?;
        tx.commit()?;
        Ok(row.attempts + 1)
    }

    /// Single messages of a file, from its original.
    pub fn judge_some_again(
        &mut self,
        row: FileRow,
        messages: &[MessageRow],
        overrule: bool,
    ) -> Result<Vec<(Verdict, u64)>> {
        let file = row.no;
        if self.begin_lone_attempt(&row)? > ATTEMPTS_MAX {
            bail!("reading {} ended the program {ATTEMPTS_MAX} times; drop a corrected file instead", row.name);
        }
        let judged = self.judge_some(row, messages, overrule);
        if judged.is_err() {
            // What is still to come of this file is nobody's: the next round would take it for its own.
            self.stop_reading()?;
        }
        self.take_attempt_back(file)?;
        judged
    }

    fn judge_some(&mut self, mut row: FileRow, messages: &[MessageRow], overrule: bool) -> Result<Vec<(Verdict, u64)>> {
        let Some(intake) = self.intake_of(&row.partner, &row.intake) else {
            bail!("{} is of the intake {}/{}, which is no longer configured", row.name, row.partner, row.intake);
        };
        if let Some(why) = is_overwritten(&row) {
            bail!(why);
        }
        let only: Vec<u64> = messages.iter().map(|m| m.number).collect();
        archiving::bring_back(self, &mut row)?;
        self.decoder.assign(vec![self.reading_of(&row)?]);
        let again = self.again(false)?;
        let tx = self.store.begin()?;
        // Taken, unless the judge lists them anew.
        for message in messages {
            tx.revise_message(message.no, &accepted(message, &iso(self.now.wall)))?;
        }
        let hand = InHand {
            file: row.no,
            intake: &intake,
            as_of: &row.as_of,
            first_seen: &row.first_seen,
            now: self.now.wall,
            only: &only,
            overrule,
            existing: None,
            given: &again.given,
        };
        let (_, mut applied, mut ending) = read_and_apply(&tx, self.decoder, hand, self.give_up)?;
        match &mut ending.result {
            Outcome::Decoded(decoded) if decoded.fatal.is_empty() => {
                let papers = Papers { tx: &tx, file: row.no, intake: &intake, overrule, now: self.now.wall };
                papers.bind(&mut applied, decoded)?;
                if let Some(problem) = decoded.fatal.kept().first() {
                    bail!("{}: {problem}", row.name);
                }
            }
            _ => bail!("{} cannot be read any more; drop a corrected file instead", row.name),
        }
        let mut counts = row.counts;
        let mut results = Counts::default();
        for message in messages {
            let verdict = tx.message(message.no)?.map_or(Verdict::Accepted, |now| now.verdict);
            counts.change(message.verdict, verdict);
            results.add(verdict, 1);
        }
        tx.revise_file(row.no, counts, counts.home(), &iso(self.now.wall))?;
        let text = match counts.refused {
            0 => None,
            _ => {
                let before = tx.reason_text(row.no)?;
                let when = self.now.wall.with_timezone(&self.zone).format("%Y-%m-%d %H:%M").to_string();
                Some(reason::later(before.as_deref(), &row.name, &when, counts, &applied.problems))
            }
        };
        tx.set_reason(row.no, text.as_deref(), None)?;
        let mut decided: Vec<Decided> = now_decided(&tx, &row)?.into_iter().collect();
        again.all_that_wait(&tx, &mut decided)?;
        again.keep_numbers(&tx, self.spool)?;
        answer_all((self.answer, self.spool, self.intakes), &tx, &decided, self.now, self.zone)?;
        self.spool.sync()?;
        tx.commit()?;
        finish::carry_out(self, newest_of_each(decided))?;
        Ok(by_verdict(results))
    }

    /// Reads the original where it stands.
    fn reading_of(&self, row: &FileRow) -> Result<Assignment> {
        let Some(intake) = self.intake_of(&row.partner, &row.intake) else { bail!("the intake is gone") };
        let decided = Decided::from_row(row.clone(), None).context("a file that is judged again has a verdict")?;
        let Some(place) = finish::find_original(self.spool, &decided)? else {
            bail!(
                "the original of {} is not in the spool any more: its days are over, or it was taken away by hand. Have it sent again",
                row.name
            );
        };
        let file = self.spool.read(place, &state_name(row.id, &row.raw_name, Role::Original))?;
        Ok(Assignment {
            open: Box::new(move || file.try_clone()),
            name: row.name.clone(),
            size: row.size,
            hash: None,
            layouts: Some(intake.layouts.iter().filter(|l| l.id == row.layout).cloned().collect()),
            intake,
            same_as: None,
            wants_end: false,
        })
    }
}

/// Why a file cannot be judged again: what is kept of it is no longer what the partner sent.
pub fn is_overwritten(row: &FileRow) -> Option<String> {
    let FileRow { name, partner, .. } = row;
    row.redacted.then(|| {
        format!(
            "the personal fields of {name} were overwritten when their time was over, so it cannot be judged again; have {partner} send it again"
        )
    })
}

fn accepted<'m>(message: &'m MessageRow, decided_at: &'m str) -> Revision<'m> {
    Revision {
        verdict: Verdict::Accepted,
        code: "",
        problems: &[],
        row: message.row,
        waits: None,
        decided_at,
        comment: &message.comment,
    }
}

fn now_decided(tx: &Tx<'_>, row: &FileRow) -> Result<Option<Decided>> {
    let reason = tx.reason_text(row.no)?;
    Ok(tx.file(row.no)?.and_then(|now| Decided::from_row(now, reason)))
}

fn by_verdict(counts: Counts) -> Vec<(Verdict, u64)> {
    Verdict::ALL.into_iter().map(|v| (v, counts.get(v))).filter(|(_, count)| *count > 0).collect()
}
