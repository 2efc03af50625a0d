//! Decides about what the guard holds of an intake: `release` applies the file as it is, `discard` closes it. Then those that
//! waited behind it are judged in their order, each with the guard.
//!
//! Found again after a crash, it goes on where it stood: a lock that has ended is not ended twice.

use anyhow::{Context, Result, bail};

use super::super::inbound::finish::{self, Decided};
use super::super::inbound::guarding;
use super::super::inbound::round::{Bench, answer_all};
use super::super::moments::count;
use crate::edges::clock::iso;
use crate::edges::store::ledger::{FileRow, LockRow, Side};
use crate::model::ids::Id;
use crate::model::pause::Subject;
use crate::model::verdict::Verdict;
use crate::model::wording::guard::{BEHIND, left_the_configuration};

pub fn release(bench: &mut Bench<'_>, subjects: &[Subject], command: Id) -> Result<String> {
    each(bench, subjects, &mut |bench, lock, row| {
        if bench.intake_of(&row.partner, &row.intake).is_none() {
            let arguments = lock.subject().arguments();
            bail!("{}: {}", lock.subject().told(), left_the_configuration(&arguments));
        }
        let name = row.name.clone();
        let results = bench.judge_released(row, command)?;
        Ok(format!("{name} is released: {}", told(&results)))
    })
}

pub fn discard(bench: &mut Bench<'_>, subjects: &[Subject], command: Id, comment: &str) -> Result<String> {
    each(bench, subjects, &mut |bench, lock, row| {
        discard_one(bench, lock, &row, command, comment)?;
        Ok(format!("{} is closed and not applied", row.name))
    })
}

type Decide<'d> = dyn FnMut(&mut Bench<'_>, &LockRow, FileRow) -> Result<String> + 'd;

fn each(bench: &mut Bench<'_>, subjects: &[Subject], decide: &mut Decide<'_>) -> Result<String> {
    let mut said = Vec::new();
    for subject in subjects {
        match locked(bench, subject)? {
            Some((lock, row)) => said.push(decide(bench, &lock, row)?),
            None => said.push(format!("{} is not locked by the guard", subject.told())),
        }
        if let Subject::Intake { partner, intake } = subject {
            said.extend(judge_those_behind(bench, partner, intake)?);
        }
    }
    Ok(said.join("; "))
}

fn locked(bench: &Bench<'_>, subject: &Subject) -> Result<Option<(LockRow, FileRow)>> {
    let Subject::Intake { partner, intake } = subject else { return Ok(None) };
    let snapshot = bench.store.read()?;
    let Some(lock) = snapshot.lock_of(Side::In, partner, intake)? else { return Ok(None) };
    Ok(guarding::locked_file(&snapshot, &lock)?.map(|row| (lock, row)))
}

fn discard_one(bench: &mut Bench<'_>, lock: &LockRow, row: &FileRow, command: Id, comment: &str) -> Result<()> {
    let (at, words) = (iso(bench.now.wall), if comment.is_empty() { "discarded" } else { comment });
    let tx = bench.store.begin()?;
    let decided: Vec<Decided> = guarding::close(&tx, row, Verdict::Refused, words, &at)?.into_iter().collect();
    tx.end_lock(lock.no, &at, "discarded")?;
    tx.decided_by(lock.no, command)?;
    answer_all((bench.answer, bench.spool, bench.intakes), &tx, &decided, bench.now, bench.zone)?;
    bench.spool.sync()?;
    tx.commit()?;
    finish::carry_out(bench, decided)
}

/// In the order of what they speak of, until one of them is locked itself.
fn judge_those_behind(bench: &mut Bench<'_>, partner: &str, intake: &str) -> Result<Option<String>> {
    let files = bench.store.read()?.files_behind(partner, intake, BEHIND)?;
    if !files.is_empty() && bench.intake_of(partner, intake).is_none() {
        let wait = count(files.len() as u64, "file waits", "files wait");
        return Ok(Some(format!(
            "behind it, {wait} until {partner}/{intake} is configured again, and is released then"
        )));
    }
    let mut said = Vec::new();
    for file in files {
        let (lock, row) = {
            let snapshot = bench.store.read()?;
            (
                snapshot.lock_of(Side::In, partner, intake)?,
                snapshot.file(file)?.context("a file of the ledger is gone")?,
            )
        };
        if lock.is_some() {
            said.push("the next ones wait behind it".to_string());
            break;
        }
        let name = row.name.clone();
        said.push(format!("{name}: {}", told(&bench.judge_whole_again(row)?)));
    }
    Ok((!said.is_empty()).then(|| format!("behind it, {}", said.join(", "))))
}

fn told(results: &[(Verdict, u64)]) -> String {
    let words: Vec<String> = results.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
    if words.is_empty() { "nothing in it".to_string() } else { words.join(", ") }
}
