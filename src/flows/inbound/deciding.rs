//! The verdict on a file: from what became of its messages to the ledger row that says it, with everything that rebuilds
//! reason, reject and receipt. Runs inside the file's savepoint; takes its rows back where the file is refused whole.

use std::sync::Arc;

use anyhow::Result;
use chrono_tz::Tz;

use super::applying::{Applied, Scopes};
use super::claiming::Claimed;
use super::finish::Decided;
use super::guarding::{self, Holding, Locking};
use crate::edges::clock::{Now, iso};
use crate::edges::spool::{Place, Role, Spool, state_name};
use crate::edges::store::Tx;
use crate::edges::store::business::Stamp;
use crate::edges::store::ledger::Decision;
use crate::model::diagnostic::{Diagnostics, Problem};
use crate::model::intake::Absent;
use crate::model::layout::{Decoded, Layout};
use crate::model::mode::Mode;
use crate::model::reason::{self, Reason};
use crate::model::verdict::{Counts, Home, Verdict, refuses_whole_file};
use crate::model::wording::judging as words;

/// What is known of a file when it has been read.
#[derive(Default)]
pub struct Judgement {
    pub layout: Option<Arc<Layout>>,
    pub applied: Applied,
    pub decoded: Decoded,
    pub content: Option<([u8; 32], u64)>,
    /// The bytes of a small file as they were read.
    pub whole: Option<Vec<u8>>,
    /// Content equal to the last applied file of the intake.
    pub same: bool,
    /// Technical words of a fault of ours while it was read.
    pub fault: Option<String>,
}

impl Judgement {
    pub fn refused_whole(problem: Problem) -> Self {
        let mut judgement = Judgement::default();
        judgement.decoded.fatal.add(problem);
        judgement
    }
}

/// How the file ends up.
struct Outcome {
    counts: Counts,
    problems: Diagnostics,
    whole_file: bool,
    /// The file as a whole is the reason.
    code: &'static str,
    /// It waits as a whole.
    is_held: bool,
    lock: Option<Locking>,
    /// It was taken, and names everything that there is.
    is_full: bool,
    comment: String,
}

impl Outcome {
    fn new(counts: Counts, problems: Diagnostics) -> Outcome {
        Outcome {
            counts,
            problems,
            whole_file: false,
            code: "",
            is_held: false,
            lock: None,
            is_full: false,
            comment: String::new(),
        }
    }

    fn refused(counts: Counts, problems: Diagnostics, code: &'static str) -> Outcome {
        Outcome { whole_file: true, code, ..Outcome::new(counts, problems) }
    }

    /// The guard lets none of its messages through.
    fn held(messages: u64, holding: Holding) -> Outcome {
        let (mut counts, mut problems) = (Counts::default(), Diagnostics::default());
        counts.add(Verdict::Held, messages);
        let code = holding.problem.code;
        problems.add(holding.problem);
        Outcome { is_held: true, lock: holding.lock, ..Outcome::refused(counts, problems, code) }
    }
}

/// Writes the verdict of one file into the ledger; what of the guard's is to follow it.
pub fn decide(
    tx: &Tx<'_>,
    spool: &Spool,
    file: &Claimed,
    judgement: Judgement,
    now: Now,
    zone: Tz,
) -> Result<(Decided, Option<Locking>)> {
    let content_hash = judgement.content.map(|(hash, _)| hash);
    let kind = judgement.layout.as_ref().map(|l| l.kind.name.clone()).unwrap_or_default();
    let layout_id = judgement.layout.as_ref().map(|l| l.id.clone()).unwrap_or_default();
    if judgement.same
        && let Some(hash) = &content_hash
        && let Some(last) =
            tx.unchanged_since(&file.intake.sender.partner, &file.intake.id, hash, file.intake.fingerprint)?
    {
        let messages = last.counts.total();
        let outcome = match guarding::weigh_unchanged(tx, file)? {
            Some(holding) => hold(tx, file, messages, holding)?,
            None => {
                let mut counts = Counts::default();
                counts.add(Verdict::Unchanged, messages);
                tx.touch_as_of(last.no, file.moment())?;
                Outcome {
                    is_full: guarding::is_always_full(&file.intake),
                    ..Outcome::new(counts, Diagnostics::default())
                }
            }
        };
        return write(tx, spool, file, outcome, (&last.kind, &last.layout, content_hash.as_ref()), now, zone);
    }
    let outcome = weigh(tx, file, judgement)?;
    write(tx, spool, file, outcome, (&kind, &layout_id, content_hash.as_ref()), now, zone)
}

fn weigh(tx: &Tx<'_>, file: &Claimed, judgement: Judgement) -> Result<Outcome> {
    let Judgement { layout, applied, decoded, .. } = judgement;
    let Applied { counts, problems, scopes, fullness, counted, .. } = applied;
    // The bytes of a document say nothing of what there is beside them.
    let is_full = layout.is_some() && fullness.is_full(&file.intake);
    if !decoded.fatal.is_empty() {
        take_back_rows(tx)?;
        let mut all = decoded.fatal;
        let code = all.kept().first().map_or("unreadable", |p| p.code);
        all.append(problems);
        return Ok(Outcome::refused(refused(decoded.messages), all, code));
    }
    if counts.total() == 0 {
        let mut all = Diagnostics::default();
        all.add(words::no_messages());
        return Ok(Outcome::refused(counts, all, "file-empty"));
    }
    if refuses_whole_file(file.intake.policy, counts) {
        take_back_rows(tx)?;
        let code = problems.kept().first().map_or("refused", |p| p.code);
        return Ok(Outcome::refused(refused(counts.total()), problems, code));
    }
    if let Some(layout) = layout
        && (layout.kind.class.updates() || file.intake.makes())
        && counts.refused < counts.total()
    {
        if is_full && counts.refused + counts.held == 0 && layout.kind.class.updates() {
            close(tx, file, &layout, &scopes)?;
        }
        if let Some(holding) = guarding::weigh(tx, file, &layout.kind, is_full, counted)? {
            return hold(tx, file, counts.total(), holding);
        }
    }
    Ok(Outcome { is_full, comment: fullness.comment().to_string(), ..Outcome::new(counts, problems) })
}

/// The moment it speaks of stays, so that those that come meanwhile know whether they are newer.
fn hold(tx: &Tx<'_>, file: &Claimed, messages: u64, holding: Holding) -> Result<Outcome> {
    take_back_rows(tx)?;
    tx.keep_as_of(file.file, file.moment())?;
    Ok(Outcome::held(messages, holding))
}

/// The rows of the file are taken back; what the ledger says of it is written in a part of its own.
fn take_back_rows(tx: &Tx<'_>) -> Result<()> {
    tx.take_back()?;
    tx.savepoint()
}

fn refused(messages: u64) -> Counts {
    Counts { refused: messages, ..Counts::default() }
}

/// A full file closes what it no longer names, within its declared scope.
fn close(tx: &Tx<'_>, file: &Claimed, layout: &Layout, scopes: &Scopes) -> Result<()> {
    let (partner, intakes) = (&file.intake.sender.partner, file.intake.closing());
    let as_of = file.moment();
    let stamp = Stamp { file: file.file, as_of };
    match &file.intake.absent {
        Absent::Leave => {}
        Absent::Close { scope } => {
            let scope: Vec<(&str, &str)> = scope.iter().map(|(field, value)| (&field[..], &value[..])).collect();
            tx.close_absent(&layout.kind, partner, &intakes, &scope, &stamp)?;
        }
        Absent::CloseWithin { fields } => {
            for values in scopes {
                let scope: Vec<(&str, &str)> =
                    fields.iter().map(|f| &f[..]).zip(values.iter().map(|v| &v[..])).collect();
                tx.close_absent(&layout.kind, partner, &intakes, &scope, &stamp)?;
            }
        }
    }
    Ok(())
}

fn write(
    tx: &Tx<'_>,
    spool: &Spool,
    file: &Claimed,
    outcome: Outcome,
    (kind, layout, hash): (&str, &str, Option<&[u8; 32]>),
    now: Now,
    zone: Tz,
) -> Result<(Decided, Option<Locking>)> {
    let Outcome { counts, problems, whole_file, code, is_held, lock, is_full, comment } = outcome;
    let home = if whole_file && !is_held { Home::Failed } else { counts.home() };
    let day = now.wall.with_timezone(&zone).date_naive();
    let has_reason = whole_file || counts.refused > 0;
    let reason =
        if has_reason { Some(reason_text(spool, file, counts, (whole_file, is_held), &problems)?) } else { None };
    let verdict = if whole_file && !is_held { Verdict::Refused } else { counts.file_verdict() };
    tx.decide_file(
        file.file,
        &Decision {
            verdict,
            counts,
            kind,
            layout,
            fingerprint: file.intake.fingerprint,
            content_hash: hash.map(|h| &h[..]),
            code,
            home,
            day: &day.to_string(),
            decided_at: &iso(now.wall),
            reason_text: reason.as_deref(),
            reject_plan: None,
            comment: &comment,
        },
    )?;
    if file.again {
        tx.unplace_file(file.file)?;
    }
    if file.again || !problems.is_empty() {
        tx.set_problem_counts(file.file, problems.counts().iter().map(|(code, count)| (*code, *count)))?;
    }
    let decided = Decided {
        file: file.file,
        id: file.id,
        name: file.name.clone(),
        raw_name: file.raw_name.clone(),
        partner: file.intake.sender.partner.clone(),
        intake: file.intake.id.clone(),
        layout: layout.to_string(),
        verdict,
        counts,
        home,
        day,
        reason,
        has_reject: counts.refused > 0 && home != Home::Failed,
        from_work: !file.again,
        came_back: false,
        is_locked: is_held,
        is_full,
        rehearsed: Mode::Live,
    };
    Ok((decided, lock))
}

fn reason_text(
    spool: &Spool,
    file: &Claimed,
    counts: Counts,
    (whole_file, is_held): (bool, bool),
    problems: &Diagnostics,
) -> Result<String> {
    let (partner, intake) = (&file.intake.sender.partner, &file.intake.id);
    let name = state_name(file.id, &file.raw_name, Role::Original);
    let failed = spool.path(Place::Failed { partner, intake }, &name)?;
    let back = spool.folder(Place::In { partner, intake })?;
    Ok(reason::text(&Reason {
        file_id: file.id.as_str(),
        name: &file.name,
        source: &file.intake.source(),
        counts,
        whole_file,
        is_held,
        problems,
        come_back: &format!("mv '{}' '{}/'", failed.display(), back.display()),
    }))
}
