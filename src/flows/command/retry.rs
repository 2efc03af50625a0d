//! Judges again what was refused, is held or was stale. Held messages come from the ledger, all others from the original
//! as the partner sent it; what was taken before is not touched.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::super::commands::Anew;
use super::super::inbound::REGISTRATION;
use super::super::inbound::again::is_overwritten;
use super::super::inbound::finish::{self, Decided};
use super::super::inbound::returned::CAME_BACK;
use super::super::inbound::round::{Bench, answer_all};
use super::super::inbound::waiting::{Again, newest_of_each};
use super::files;
use crate::edges::events::{Event, Key, Value};
use crate::edges::store::ledger::{FileRow, MessageRow};
use crate::edges::store::{Selection, Tx};
use crate::model::verdict::{Home, Verdict};
use crate::model::wording::guard::is_code_of_guard;

/// Exceptions of a file looked at together.
const PAGE: u32 = 100_000;

pub fn retry(bench: &mut Bench<'_>, which: &Selection, how: &Anew, comment: &str) -> Result<String> {
    let mut outcome: BTreeMap<&'static str, u64> = BTreeMap::new();
    let rows = files(bench, which)?;
    let count = rows.len();
    check_existing(bench, &rows, which, how)?;
    let (mut overwritten, mut gone, mut not_live) = (0, 0, 0);
    for row in rows {
        if which.rehearsed && bench.intake_of(&row.partner, &row.intake).is_some_and(|i| !i.mode_of(&row.name).writes())
        {
            not_live += 1;
            continue;
        }
        if which.rehearsed && count > 1 && is_gone(bench, &row)? {
            gone += 1;
            continue;
        }
        let (id, raw_name) = (row.id, row.raw_name.clone());
        let wanted = wanted_of(bench, &row, which, how)?;
        if how.key.is_some() && wanted.is_empty() {
            continue;
        }
        // Of many files, one that cannot be read again does not hold up the others.
        if count > 1 && is_overwritten(&row).is_some() {
            overwritten += u64::from(!wanted.is_empty() || row.verdict == Some(Verdict::Refused));
            continue;
        }
        for (verdict, number) in retry_file(bench, row, (wanted, which), how)? {
            *outcome.entry(verdict.as_str()).or_default() += number;
        }
        let fields = [(Key::Name, Value::Bytes(&raw_name)), (Key::Reason, Value::Text(comment.into()))];
        bench.events.tell(bench.now.wall, id.as_str(), Event::FileRetried, &fields);
    }
    if count == 0 {
        return Ok("no file matches: nothing was judged again".to_string());
    }
    let words: Vec<String> = outcome.iter().map(|(verdict, number)| format!("{number} {verdict}")).collect();
    let words = if words.is_empty() { "nothing to judge again in them".to_string() } else { words.join(", ") };
    let left_out = match overwritten {
        0 => String::new(),
        n => format!("; {n} of them left out: their personal fields were overwritten, they have to be sent again"),
    };
    let mut said = format!("{count} file(s): {words}{left_out}");
    if gone > 0 {
        said.push_str(&format!(
            "; {gone} of them left out: their originals are not kept any more, they have to be sent again"
        ));
    }
    if not_live > 0 {
        said.push_str(&format!(
            "; {not_live} of them left out: their partner is not live (mode), so they would only be rehearsed again"
        ));
    }
    Ok(said)
}

fn is_gone(bench: &Bench<'_>, row: &FileRow) -> Result<bool> {
    let Some(decided) = Decided::from_row(row.clone(), None).filter(|_| !row.original_gone) else { return Ok(true) };
    if row.archived != 0 {
        return Ok(false);
    }
    Ok(finish::find_original(bench.spool, &decided)?.is_none())
}

/// `existing` names one customer or contact, so it is said of one registration.
fn check_existing(bench: &Bench<'_>, rows: &[FileRow], which: &Selection, how: &Anew) -> Result<()> {
    if how.existing.is_none() {
        return Ok(());
    }
    let mut keys = Vec::new();
    for row in rows {
        let wanted = wanted_of(bench, row, which, how)?;
        keys.extend(wanted.into_iter().filter(|m| m.verdict == Verdict::Held && m.kind == REGISTRATION).map(|m| m.key));
    }
    match &keys[..] {
        [_] => Ok(()),
        [] => bail!("no registration is held there, so --existing says nothing"),
        [first, ..] => bail!(
            "{} registrations are held there, and --existing says of one who he is; expected --key with one of them, like --key {first}",
            keys.len()
        ),
    }
}

fn wanted_of(bench: &Bench<'_>, row: &FileRow, which: &Selection, how: &Anew) -> Result<Vec<MessageRow>> {
    let messages = bench.store.read()?.messages_of(row.no, 0, PAGE)?;
    Ok(messages
        .into_iter()
        .filter(|m| is_wanted(m, which) && how.key.as_ref().is_none_or(|key| *key == m.key))
        .collect())
}

fn retry_file(
    bench: &mut Bench<'_>,
    row: FileRow,
    (wanted, which): (Vec<MessageRow>, &Selection),
    how: &Anew,
) -> Result<Vec<(Verdict, u64)>> {
    // Closed when it came back: the file that it came back as is the one to judge.
    if row.home == Some(Home::Done)
        && row.rehearsed.writes()
        && wanted.is_empty()
        && !bench.store.read()?.returned_as(&row)?.is_empty()
    {
        return Ok(Vec::new());
    }
    if !row.rehearsed.writes() {
        // Nothing of it was taken, so it is judged whole; by now maybe in earnest.
        let is_asked = which.rehearsed || !wanted.is_empty() || row.verdict == Some(Verdict::Refused);
        return if is_asked { bench.judge_whole_again(row) } else { Ok(Vec::new()) };
    }
    if wanted.is_empty() {
        // Refused as a whole: it is read from the beginning.
        let waits_whole = row.verdict == Some(Verdict::Held) && is_code_of_guard(&row.code);
        let is_whole = row.verdict == Some(Verdict::Refused) || waits_whole;
        return if is_whole { bench.judge_whole_again(row) } else { Ok(Vec::new()) };
    }
    let whole = !row.code.is_empty();
    if whole {
        return bench.judge_whole_again(row);
    }
    let (held, others): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|m| m.verdict == Verdict::Held);
    let mut results = Vec::new();
    if !held.is_empty() {
        results.extend(judge_held(bench, &held, how, &|_, _| Ok(()))?);
    }
    if !others.is_empty() {
        results.extend(bench.judge_some_again(row, &others, how.overrule)?);
    }
    Ok(results)
}

fn is_wanted(message: &MessageRow, which: &Selection) -> bool {
    let open = matches!(message.verdict, Verdict::Held | Verdict::Refused | Verdict::Stale);
    open && message.code != CAME_BACK
        && which.reason.as_ref().is_none_or(|code| *code == message.code)
        && which.verdict.is_none_or(|verdict| verdict == message.verdict)
}

/// `first` is done to each before it is judged, in the same commit.
pub(super) fn judge_held(
    bench: &mut Bench<'_>,
    held: &[MessageRow],
    how: &Anew,
    first: &dyn Fn(&Tx<'_>, &MessageRow) -> Result<()>,
) -> Result<Vec<(Verdict, u64)>> {
    let again = Again { existing: how.existing.clone(), ..bench.again(how.overrule)? };
    // What goes on with them is not what was spoken of.
    let others = bench.again(how.overrule)?;
    let mut decided = Vec::new();
    let mut results = Vec::new();
    let tx = bench.store.begin()?;
    for message in held {
        first(&tx, message)?;
        let message = &tx.message(message.no)?.unwrap_or_else(|| message.clone());
        decided.extend(again.judge(&tx, message)?);
        let verdict = tx.message(message.no)?.map_or(message.verdict, |m| m.verdict);
        results.push((verdict, 1));
    }
    others.all_that_wait(&tx, &mut decided)?;
    again.keep_numbers(&tx, bench.spool)?;
    answer_all((bench.answer, bench.spool, bench.intakes), &tx, &decided, bench.now, bench.zone)?;
    bench.spool.sync()?;
    tx.commit()?;
    finish::carry_out(bench, newest_of_each(decided))?;
    Ok(results)
}
