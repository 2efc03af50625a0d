//! One look at what is the matter: gather, compare with the problems that are open, one commit if anything changed, then the
//! log. A begin, a change and an end are committed with the notices of those who hear of them.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{DateTime, Days, TimeDelta, Utc};
use serde_json::json;

use super::super::arrivals::{self, Before, Plan};
use super::super::files::Sight;
use super::{Watched, conditions};
use crate::edges::clock::{iso, new_id, read_iso};
use crate::edges::events::{Event, Events, Key, Value};
use crate::edges::spool::Spool;
use crate::edges::store::ledger::{ProblemNo, ProblemRow};
use crate::edges::store::{Snapshot, Store, Tx};
use crate::model::ids::Id;
use crate::model::problem::{Channel, Condition, Kind, Level, Phase, named_for};
use crate::model::rules::problems::{Change, Open, reconcile};
use crate::model::rules::told;
use crate::model::wording::problems as words;

/// Problems that are over, and windows, are remembered for so long: last year's season can be looked at.
const KEPT: Days = Days::new(400);
/// The daemon looks every minute; a start takes moments.
const A_RESTART: TimeDelta = TimeDelta::minutes(5);
/// High-water mark, in milliseconds: when somebody looked last.
const AWAKE: &str = "awake";

/// Words of an outage that are noted beside the ledger.
const NOTED_CHARS: usize = 500;

/// What a look works with.
pub struct Patrol<'p> {
    pub store: &'p mut Store,
    pub spool: &'p Spool,
    pub events: &'p Events,
    pub now: DateTime<Utc>,
    pub watched: Watched<'p>,
}

/// What only the running program knows.
#[derive(Debug, Clone, Default)]
pub struct Sensed {
    pub conditions: Vec<Condition>,
    /// The kinds it has looked for: others of its kinds stay as they are.
    pub looked: Vec<Kind>,
    /// The first look after nobody looked since then.
    pub asleep_since: Option<DateTime<Utc>>,
}

/// An outage during which the ledger took nothing: told all the same, and noted beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldOutage {
    pub id: Id,
    pub began_at: DateTime<Utc>,
    pub condition: Condition,
    /// Channels that took the letter.
    pub channels: Vec<String>,
}

impl ToldOutage {
    pub fn new(id: Id, began_at: DateTime<Utc>, condition: Condition) -> ToldOutage {
        ToldOutage { id, began_at, condition, channels: Vec::new() }
    }

    /// As it stands in the note; the words are cut, since a page has an end.
    pub fn line(&self) -> String {
        let words: String = self.condition.words.chars().take(NOTED_CHARS).collect();
        json!([self.id.as_str(), iso(self.began_at), self.condition.about, words, self.channels]).to_string()
    }

    pub fn read(line: &str) -> Option<ToldOutage> {
        let found: serde_json::Value = serde_json::from_str(line).ok()?;
        let text = |at: usize| found[at].as_str();
        let channels = found[4].as_array()?.iter().filter_map(|name| name.as_str().map(str::to_string)).collect();
        let condition = Condition { words: text(3)?.to_string(), ..words::all_waits(text(2)?, "") };
        Some(ToldOutage { id: Id::parse(text(0)?)?, began_at: read_iso(text(1)?)?, condition, channels })
    }
}

/// The ledger takes commits again: what was told without it becomes a problem like any other. Doing it twice changes nothing.
pub fn record_outage(store: &mut Store, events: &Events, told: &ToldOutage, now: DateTime<Utc>) -> Result<()> {
    let rows = store.read()?.open_problems()?;
    let condition = &told.condition;
    let is_known =
        |row: &ProblemRow| row.id == told.id || (row.kind == condition.kind.as_str() && row.about == condition.about);
    if rows.iter().any(is_known) || store.read()?.knows_problem(told.id)? {
        return Ok(());
    }
    let tx = store.begin()?;
    let no = tx.add_problem(told.id, condition, told.began_at)?;
    tx.tell_problem(no, told.began_at)?;
    for channel in &told.channels {
        tx.add_told_notice(no, channel, told.began_at)?;
    }
    tx.commit()?;
    let fields = [
        (Key::Kind, Value::Text(condition.kind.as_str().into())),
        (Key::About, Value::Text(condition.about.as_str().into())),
        (Key::Reason, Value::Text(condition.words.as_str().into())),
    ];
    events.tell(now, told.id.as_str(), Event::ErrorBegun, &fields);
    Ok(())
}

/// When somebody looked last; nothing in a new ledger.
pub fn looked_at(snapshot: &Snapshot<'_>) -> Result<Option<DateTime<Utc>>> {
    let awake = snapshot.high_water(AWAKE)?;
    Ok(DateTime::from_timestamp_millis(awake.cast_signed()).filter(|_| awake > 0))
}

/// Nobody looked for longer than a restart takes: what fell due meanwhile is judged one look later.
pub fn asleep_since(looked_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    looked_at.filter(|at| now - *at > A_RESTART)
}

/// What is found and what it changes.
struct Found {
    rows: Vec<ProblemRow>,
    changes: Vec<Change>,
    plan: Plan,
    /// Channels that are not configured any more and something waits for.
    gone: Vec<String>,
    to_remind: Vec<Channel>,
    forgets: bool,
}

pub fn look(patrol: &mut Patrol<'_>, sensed: &Sensed) -> Result<()> {
    let found = find(patrol, sensed)?;
    let is_still = found.changes.is_empty()
        && !found.plan.changes_windows()
        && found.gone.is_empty()
        && found.to_remind.is_empty()
        && !found.forgets;
    let now = patrol.now;
    // That somebody looked may be lost with the power: then a little too much counts as a standstill.
    let tx = if is_still { patrol.store.begin_unsynced()? } else { patrol.store.begin()? };
    tx.raise_high_water(AWAKE, now.timestamp_millis().max(0).cast_unsigned())?;
    found.plan.write(&tx)?;
    let mut told = Vec::new();
    for change in &found.changes {
        told.extend(write(&tx, &patrol.watched, &found, change, now)?);
    }
    for channel in &found.gone {
        tx.drop_notices_of(channel)?;
    }
    for channel in &found.to_remind {
        tx.remind(&channel.name, now - channel.remind.unwrap_or_default(), now)?;
    }
    if found.forgets {
        tx.forget_problems(long_ago(now))?;
        tx.forget_windows(long_ago(now))?;
    }
    tx.commit()?;
    for one in told {
        let fields = [
            (Key::Kind, Value::Text(one.kind.into())),
            (Key::About, Value::Text(one.about.into())),
            (Key::Reason, Value::Text(one.words.into())),
        ];
        patrol.events.tell(now, one.id.as_str(), one.event, &fields);
    }
    Ok(())
}

fn long_ago(now: DateTime<Utc>) -> DateTime<Utc> {
    now.checked_sub_days(KEPT).unwrap_or(DateTime::UNIX_EPOCH)
}

fn find(patrol: &Patrol<'_>, sensed: &Sensed) -> Result<Found> {
    let watched = &patrol.watched;
    let snapshot = patrol.store.read()?;
    let sight = Sight { snapshot: &snapshot, spool: patrol.spool, zone: watched.zone, now: patrol.now };
    let before = Before { looked_at: looked_at(&snapshot)?, asleep_since: sensed.asleep_since };
    let intake = |source: &str| watched.intakes.iter().map(|i| &**i).find(|i| i.source() == source);
    let plan = arrivals::plan(sight, watched.expects, intake, before)?;
    let mut all = conditions::of_ledger(sight, watched)?;
    all.extend(plan.conditions.iter().chain(&sensed.conditions).cloned());
    let looked: Vec<Kind> = conditions::LOOKED.iter().chain(&arrivals::LOOKED).chain(&sensed.looked).copied().collect();
    let rows = snapshot.open_problems()?;
    let open: Vec<Open> = rows.iter().filter_map(ProblemRow::open).collect();
    let changes = reconcile(&open, &all, &looked, patrol.now);
    let waiting = snapshot.waiting_channels()?.into_iter().map(|waiting| waiting.channel);
    let gone = waiting.filter(|name| !watched.channels.iter().any(|channel| channel.name == *name)).collect();
    let mut to_remind = Vec::new();
    for channel in watched.channels {
        if let Some(pause) = channel.remind
            && snapshot.is_to_be_reminded(&channel.name, patrol.now - pause)?
        {
            to_remind.push(channel.clone());
        }
    }
    let forgets = snapshot.has_problems_over_before(long_ago(patrol.now))?;
    Ok(Found { rows, changes, plan, gone, to_remind, forgets })
}

/// A line of the log, told after the commit.
struct Told {
    id: Id,
    event: Event,
    kind: String,
    about: String,
    words: String,
}

fn write(
    tx: &Tx<'_>,
    watched: &Watched<'_>,
    found: &Found,
    change: &Change,
    now: DateTime<Utc>,
) -> Result<Option<Told>> {
    let row = |no: &i64| found.rows.iter().find(|row| row.no.0 == *no);
    match change {
        Change::Begin { condition, tell } => {
            let id = new_id(now)?;
            let no = tx.add_problem(id, condition, now)?;
            if *tell {
                return Ok(Some(told_of(tx, watched, (no, id), condition, now)?));
            }
        }
        Change::Tell { no } => {
            // Its words may have changed at the same look.
            if let (Some(row), Some(open)) = (row(no), tx.problem(ProblemNo(*no))?.and_then(|row| row.open())) {
                return Ok(Some(told_of(tx, watched, (row.no, row.id), &as_condition(open), now)?));
            }
        }
        Change::Update { no, condition, told } => {
            tx.update_problem(ProblemNo(*no), condition, now)?;
            if *told {
                notices(tx, watched, ProblemNo(*no), condition, now)?;
            }
        }
        Change::Calm { no } => tx.calm_problem(ProblemNo(*no), now)?,
        Change::Back { no } => tx.problem_is_back(ProblemNo(*no), now)?,
        Change::End { no, told } => {
            let Some(row) = row(no) else { return Ok(None) };
            let words = over_words(found, row);
            tx.end_problem(row.no, now, &words)?;
            // Not told, so that nobody hears of it either.
            if *told {
                for channel in watched.channels {
                    tx.end_notice(row.no, &channel.name, now + channel.gather)?;
                }
                let (kind, about) = (row.kind.clone(), row.about.clone());
                return Ok(Some(Told { id: row.id, event: Event::ProblemOver, kind, about, words }));
            }
        }
    }
    Ok(None)
}

fn as_condition(open: Open) -> Condition {
    let Open { kind, about, part, level, count, words, advice, .. } = open;
    Condition { kind, about, part, level, count, words, advice }
}

fn told_of(
    tx: &Tx<'_>,
    watched: &Watched<'_>,
    (no, id): (ProblemNo, Id),
    condition: &Condition,
    now: DateTime<Utc>,
) -> Result<Told> {
    tx.tell_problem(no, now)?;
    notices(tx, watched, no, condition, now)?;
    let event = match condition.level {
        Level::Warning => Event::ProblemBegun,
        Level::Error => Event::ErrorBegun,
    };
    let (kind, about, words) = (condition.kind.as_str().to_string(), condition.about.clone(), condition.words.clone());
    Ok(Told { id, event, kind, about, words })
}

fn notices(tx: &Tx<'_>, watched: &Watched<'_>, no: ProblemNo, condition: &Condition, now: DateTime<Utc>) -> Result<()> {
    let named = named_for(watched.named, &condition.about);
    for channel in told::channels(condition.kind, &condition.about, condition.level, &named, watched.channels) {
        tx.add_notice(no, Phase::Begun, &channel.name, now + channel.gather)?;
    }
    Ok(())
}

fn over_words(found: &Found, row: &ProblemRow) -> String {
    let told: BTreeMap<&str, &str> =
        found.plan.endings.iter().map(|(intake, words)| (intake.as_str(), words.as_str())).collect();
    let kind = Kind::ALL.iter().copied().find(|kind| kind.as_str() == row.kind);
    match (kind, told.get(&row.about[..])) {
        (Some(Kind::ArrivalLate), Some(words)) => words.to_string(),
        (Some(kind), _) => words::over(kind, &row.about),
        (None, _) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_of_an_outage_reads_back() {
        let began_at = "2026-11-07T05:15:00Z".parse().unwrap();
        let condition = words::all_waits("disk", "no space left on \"device\"");
        let mut told = ToldOutage::new(Id::new(1_795_300_000_000, 7), began_at, condition);
        told.channels = vec!["ops".into(), "pager".into()];
        assert_eq!(ToldOutage::read(&told.line()).as_ref(), Some(&told));
        assert_eq!(ToldOutage::read(""), None);
        assert_eq!(ToldOutage::read("[1,2]"), None);
    }
}
