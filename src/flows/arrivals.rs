//! Files that should come: opens windows, counts what came into them, says what is owed. It reads one moment of the ledger and
//! plans; the commit that keeps problems writes the plan. The rule is `model::rules::arrivals`.

use anyhow::Result;
use chrono::{DateTime, Utc};

use super::files::Sight;
use super::waiting;
use crate::edges::store::ledger::Arrived;
use crate::edges::store::{FileNo, Tx};
use crate::model::intake::Intake;
use crate::model::problem::{Condition, Kind, Level};
use crate::model::rules::arrivals::{self as rule, Expect, State, WhenMissing, Window};
use crate::model::wording::problems as words;

/// Windows looked at of each intake: a daily one's last two months.
const LOOKED_AT: u32 = 60;
/// High-water mark: files up to this one were counted.
const COUNTED: &str = "arrivals";

/// The kinds that are looked for here.
pub const LOOKED: [Kind; 2] = [Kind::ArrivalLate, Kind::ArrivalExtra];

/// What a look at the arrivals found.
#[derive(Debug, Default)]
pub struct Plan {
    /// Intake and window as it is now.
    changed: Vec<(String, Window)>,
    counted: u64,
    pub conditions: Vec<Condition>,
    /// Intakes whose late arrival is over, and what became of it.
    pub endings: Vec<(String, String)>,
}

impl Plan {
    pub fn changes_windows(&self) -> bool {
        !self.changed.is_empty()
    }

    pub fn write(&self, tx: &Tx<'_>) -> Result<()> {
        for (intake, window) in &self.changed {
            tx.set_window(intake, window)?;
        }
        tx.raise_high_water(COUNTED, self.counted)
    }
}

/// When somebody looked last.
#[derive(Debug, Clone, Copy, Default)]
pub struct Before {
    pub looked_at: Option<DateTime<Utc>>,
    /// The same, at the first look after a standstill.
    pub asleep_since: Option<DateTime<Utc>>,
}

/// `intakes`: those that are configured, so that what lies unread in their folders counts.
pub fn plan<'i>(
    sight: Sight<'_>,
    expects: &[Expect],
    intakes: impl Fn(&str) -> Option<&'i Intake>,
    before: Before,
) -> Result<Plan> {
    let counted = FileNo(sight.snapshot.high_water(COUNTED)?.cast_signed());
    let newest = sight.snapshot.newest_file()?;
    let mut plan = Plan { counted: newest.0.cast_unsigned(), ..Plan::default() };
    let is_new = newest > counted && !expects.is_empty();
    let came = if is_new { sight.snapshot.arrived_after(counted)? } else { Vec::new() };
    for expect in expects {
        let arrived = came.iter().filter(|one| is_of(one, &expect.intake)).filter_map(|one| one.first_seen);
        of_intake(sight, expect, intakes(&expect.intake), (counted, arrived.collect()), before, &mut plan)?;
    }
    for intake in sight.snapshot.expecting_intakes()? {
        if !expects.iter().any(|expect| expect.intake == intake) {
            excuse(sight, intake, &mut plan)?;
        }
    }
    Ok(plan)
}

fn is_of(arrived: &Arrived, intake: &str) -> bool {
    intake.split_once('/') == Some((&arrived.partner, &arrived.intake))
}

fn of_intake(
    sight: Sight<'_>,
    expect: &Expect,
    intake: Option<&Intake>,
    (counted, came): (FileNo, Vec<DateTime<Utc>>),
    before: Before,
    plan: &mut Plan,
) -> Result<()> {
    let mut known = sight.snapshot.last_windows(&expect.intake, LOOKED_AT)?;
    if expect.hold_missing {
        let held = sight.snapshot.unmet_windows(&expect.intake, LOOKED_AT)?;
        known.extend(held.into_iter().filter(|window| !known.contains(window)).collect::<Vec<_>>());
        known.sort_by_key(|window| window.due_at);
    }
    let mut windows = known.clone();
    windows.extend(rule::opened(expect, known.last(), before.looked_at, sight.now));
    if known.is_empty()
        && let (Some(first), Some(of)) = (windows.first().map(|w| w.opens_at), expect.intake.split_once('/'))
    {
        // Its window was open before anybody asked for it.
        for at in sight.snapshot.arrivals_of(of, first, counted)? {
            rule::arrived(expect, &mut windows, at);
        }
    }
    for at in came {
        rule::arrived(expect, &mut windows, at);
    }
    let is_undecided = |w: &Window| w.state == State::Open && w.due_at + expect.grace <= sight.now;
    let waiting = match intake.filter(|_| windows.iter().any(is_undecided)) {
        Some(intake) => waiting::of_intake(sight, intake, 0)?.1,
        None => 0,
    };
    let known_beside =
        rule::Sight { waiting, asleep_since: before.asleep_since, paused: is_paused(sight, &expect.intake)? };
    rule::judge(expect, &mut windows, known_beside, sight.now);
    tell(expect, &known, &windows, plan);
    let changed = windows.into_iter().filter(|window| !known.contains(window));
    plan.changed.extend(changed.map(|window| (expect.intake.clone(), window)));
    Ok(())
}

/// Its partner, or the intake itself.
fn is_paused(sight: Sight<'_>, intake: &str) -> Result<bool> {
    let partner = intake.split('/').next().unwrap_or(intake);
    let stops = |subject: String| subject == partner || subject.strip_prefix("in:") == Some(intake);
    Ok(sight.snapshot.pauses()?.iter().any(|row| stops(row.subject.to_string())))
}

fn tell(expect: &Expect, before: &[Window], windows: &[Window], plan: &mut Plan) {
    if let Some(window) = rule::surplus(windows) {
        plan.conditions.push(words::arrival_extra(&expect.intake, window, expect.zone));
    }
    let level = match expect.when_missing {
        WhenMissing::Ok => return,
        WhenMissing::Warn => Level::Warning,
        WhenMissing::Error => Level::Error,
    };
    let owed = rule::owed(expect, windows);
    plan.conditions.extend(words::arrival_late((&expect.intake, level), &owed, expect.zone));
    if owed.is_empty()
        && !rule::owed(expect, before).is_empty()
        && let (Some(met), never) = rule::never_came(windows)
    {
        let told = words::arrival_came(&expect.intake, met, &never, expect.zone);
        plan.endings.push((expect.intake.clone(), told));
    }
}

/// Nothing is expected of it any more.
fn excuse(sight: Sight<'_>, intake: String, plan: &mut Plan) -> Result<()> {
    for window in sight.snapshot.last_windows(&intake, LOOKED_AT)? {
        if matches!(window.state, State::Open | State::Late) {
            plan.changed.push((intake.clone(), Window { state: State::Excused, ..window }));
        }
    }
    Ok(())
}
