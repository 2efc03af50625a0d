//! Files that should come: windows of time, which arrival fills which, and which of them are late. Arrivals count when a file is
//! first seen, whatever becomes of it. Nothing here is asked twice about one arrival: what it filled stands in its window.
//!
//! ```text
//! open ──► met                  enough has come
//!   ├────► late ──► met         due and grace have passed with fewer; it came after all
//!   │        └────► missing     nothing came within `missing_after`: what comes then belongs to another window
//!   └────► excused              its partner is paused, it is expected no more, or a person closed it
//! ```

use chrono::{DateTime, Days, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::schedule;
use crate::model::feed::Schedule;

/// Windows made at once: more than that passed in a standstill nobody wants to hear of one by one.
const MADE_AT_ONCE: usize = 200;
/// Windows that passed longer ago are not made any more.
const LOOKED_BACK: Days = Days::new(31);
/// Due times are not further apart (the last of a month, and the next).
const FURTHEST_APART: Days = Days::new(62);

/// What an intake expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect {
    /// `partner/intake`.
    pub intake: String,
    pub by: Vec<Schedule>,
    pub zone: Tz,
    /// Local time from which a file counts; none: from the due time before.
    pub opens: Option<NaiveTime>,
    pub least: u64,
    /// None: any number.
    pub most: Option<u64>,
    pub grace: TimeDelta,
    pub missing_after: TimeDelta,
    /// What is missing stays owed until a person closes it, whatever comes later: it may have been orders.
    pub hold_missing: bool,
    pub when_missing: WhenMissing,
}

/// What it is that too few came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenMissing {
    /// Nothing out of the usual: the windows say what came, nobody is told.
    Ok,
    /// Whoever hears of everything is told.
    #[default]
    Warn,
    /// Whoever hears of errors alone, too.
    Error,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Open,
    Met,
    Late,
    Missing,
    Excused,
}

impl State {
    pub const ALL: [State; 5] = [State::Open, State::Met, State::Late, State::Missing, State::Excused];

    pub fn as_str(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Met => "met",
            State::Late => "late",
            State::Missing => "missing",
            State::Excused => "excused",
        }
    }
}

/// `(opens_at, due_at]`, with the rule of the time when it opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub due_at: DateTime<Utc>,
    pub opens_at: DateTime<Utc>,
    pub least: u64,
    pub most: Option<u64>,
    pub came: u64,
    pub met_at: Option<DateTime<Utc>>,
    pub state: State,
}

/// What is known beside the windows when they are judged.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sight {
    /// Files that lie in in/ and are not taken yet: they have arrived.
    pub waiting: u64,
    /// This is the first look after nobody looked since then: what fell due meanwhile is judged at the next one.
    pub asleep_since: Option<DateTime<Utc>>,
    /// Nothing is expected of the partner at the moment.
    pub paused: bool,
}

/// Windows that have opened since the last one. A new expectation begins with its next due time, and so does one that was not
/// configured for a while: `looked_at` is when somebody looked last, and what had opened then and stands nowhere was not asked for.
pub fn opened(
    expect: &Expect,
    last: Option<&Window>,
    looked_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Vec<Window> {
    // The next one opens when the last one is due, or later: asked every minute, patterns are not.
    if last.is_some_and(|window| window.due_at > now) {
        return Vec::new();
    }
    let long_ago = now.checked_sub_days(LOOKED_BACK).unwrap_or(now);
    let mut after = last.map_or(now, |window| window.due_at.max(long_ago));
    let mut windows = Vec::new();
    while let Some(due_at) = schedule::next_due(&expect.by, after) {
        let opens_at = opens_at(expect, due_at);
        if opens_at > now {
            break;
        }
        if due_at > now || looked_at.is_none_or(|looked_at| opens_at > looked_at) {
            let (least, most) = (expect.least, expect.most);
            windows.push(Window { due_at, opens_at, least, most, came: 0, met_at: None, state: State::Open });
        }
        after = due_at;
    }
    windows.split_off(windows.len().saturating_sub(MADE_AT_ONCE))
}

/// The local time of that day, and never before the due time before: windows do not overlap.
fn opens_at(expect: &Expect, due_at: DateTime<Utc>) -> DateTime<Utc> {
    let day = due_at.with_timezone(&expect.zone).date_naive();
    let opens = expect.opens.and_then(|time| {
        // Where the clock jumps over it, the first minute that there is.
        (0..24 * 60).find_map(|minutes| {
            let local = day.and_time(time) + TimeDelta::minutes(minutes);
            expect.zone.from_local_datetime(&local).earliest()
        })
    });
    let from = due_at.checked_sub_days(FURTHEST_APART).unwrap_or(due_at);
    let before = schedule::due(&expect.by, from, due_at - TimeDelta::seconds(1)).handled.unwrap_or(from);
    opens.map_or(before, |at| at.with_timezone(&Utc).max(before))
}

/// A file came: the oldest window still unmet takes it, else the one its moment lies in, else it is one too many.
/// `windows` in their order.
pub fn arrived(expect: &Expect, windows: &mut [Window], at: DateTime<Utc>) {
    let is_owed = |window: &&mut Window| {
        let in_time = match window.state {
            // Not judged yet: it fell due while nobody looked, or its grace is not over.
            State::Open => true,
            State::Late => at <= window.due_at + expect.missing_after,
            State::Met | State::Missing | State::Excused => false,
        };
        window.due_at < at && window.came < window.least && in_time
    };
    if let Some(window) = windows.iter_mut().find(is_owed) {
        return take(window, at);
    }
    if let Some(window) = windows.iter_mut().find(|window| window.opens_at < at && at <= window.due_at) {
        return take(window, at);
    }
    // Outside of any: more than the last one may have.
    if let Some(window) = windows.iter_mut().rev().find(|window| window.due_at < at)
        && let Some(most) = window.most
    {
        window.came = window.came.max(most) + 1;
    }
}

fn take(window: &mut Window, at: DateTime<Utc>) {
    window.came += 1;
    if window.came >= window.least && window.met_at.is_none() {
        window.met_at = Some(at);
        window.state = State::Met;
    }
}

/// Which of them are late, or missing, or excused.
pub fn judge(expect: &Expect, windows: &mut [Window], sight: Sight, now: DateTime<Utc>) {
    for window in windows {
        let judged_at = window.due_at + expect.grace;
        match window.state {
            State::Open if judged_at <= now => {
                let slept_over = sight.asleep_since.is_some_and(|since| judged_at > since);
                if sight.paused {
                    window.state = State::Excused;
                } else if !slept_over && window.came + sight.waiting < window.least {
                    window.state = State::Late;
                }
            }
            State::Late if window.due_at + expect.missing_after < now => window.state = State::Missing,
            _ => {}
        }
    }
}

/// What is owed at this moment: late or missing, and no later one was met; or missing, where that is held.
pub fn owed<'w>(expect: &Expect, windows: &'w [Window]) -> Vec<&'w Window> {
    let met = windows.iter().filter(|w| w.state == State::Met).map(|w| w.due_at).max();
    let is_held = |w: &Window| expect.hold_missing && w.state == State::Missing;
    windows.iter().filter(|w| is_unmet(w) && (Some(w.due_at) > met || is_held(w))).collect()
}

/// What never came before the window that was met last, and that one: what is told when nothing is owed any more.
pub fn never_came(windows: &[Window]) -> (Option<&Window>, Vec<&Window>) {
    let mut met = windows.iter().filter(|w| w.state == State::Met);
    let Some(last) = met.next_back() else { return (None, Vec::new()) };
    let before = met.next_back().map(|w| w.due_at);
    let unmet = |w: &&Window| is_unmet(w) && w.due_at < last.due_at && Some(w.due_at) > before;
    (Some(last), windows.iter().filter(unmet).collect())
}

fn is_unmet(window: &Window) -> bool {
    matches!(window.state, State::Late | State::Missing)
}

/// More came than may, in the window that opened last.
pub fn surplus(windows: &[Window]) -> Option<&Window> {
    windows.last().filter(|w| w.state != State::Excused && w.most.is_some_and(|most| w.came > most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::feed::Missed;
    use crate::model::rules::holidays::Closed;
    use chrono_tz::Europe::Berlin;

    fn utc(text: &str) -> DateTime<Utc> {
        format!("{text}:00Z").parse().unwrap()
    }

    fn expect(by: &[&str], opens: Option<&str>, count: (u64, Option<u64>)) -> Expect {
        let schedule = |pattern: &&str| Schedule {
            pattern: pattern.to_string(),
            zone: Berlin,
            missed: Missed::Once,
            closed: Closed::default(),
        };
        Expect {
            intake: "erp/stock".into(),
            by: by.iter().map(schedule).collect(),
            zone: Berlin,
            opens: opens.map(|text| text.parse().unwrap()),
            least: count.0,
            most: count.1,
            grace: TimeDelta::minutes(15),
            missing_after: TimeDelta::hours(3),
            hold_missing: false,
            when_missing: WhenMissing::Warn,
        }
    }

    fn spans(windows: &[Window]) -> Vec<String> {
        let text = |at: DateTime<Utc>| at.format("%d %H:%M").to_string();
        windows.iter().map(|w| format!("{}-{}", text(w.opens_at), text(w.due_at))).collect()
    }

    #[test]
    fn windows_follow_each_other_and_the_wall_clock() {
        let twice = expect(&["0 6 * * *", "0 14 * * *"], None, (1, None));
        let first = opened(&twice, None, None, utc("2026-11-07T09:00"));
        assert_eq!(spans(&first), ["07 05:00-07 13:00"], "a new one begins with its next due time");
        assert_eq!(opened(&twice, first.last(), None, utc("2026-11-07T12:59")), []);
        let next = opened(&twice, first.last(), None, utc("2026-11-08T05:00"));
        assert_eq!(spans(&next), ["07 13:00-08 05:00", "08 05:00-08 13:00"]);
        // The nights the clock is set: it stays six.
        let daily = expect(&["0 6 * * *"], Some("02:30"), (1, Some(1)));
        assert_eq!(spans(&opened(&daily, None, None, utc("2026-03-29T02:00"))), ["29 01:00-29 04:00"]);
        assert_eq!(spans(&opened(&daily, None, None, utc("2026-10-25T03:00"))), ["25 00:30-25 05:00"]);
        assert_eq!(opened(&daily, None, None, utc("2026-11-07T01:29")), [], "not open yet");
        let weekdays = expect(&["0 6 * * 1-5"], None, (1, None));
        assert_eq!(spans(&opened(&weekdays, None, None, utc("2026-11-07T09:00"))), ["06 05:00-09 05:00"]);
    }

    #[test]
    fn of_several_due_times_the_first_opens_late_and_the_others_follow() {
        let twice = expect(&["0 6 * * *", "0 14 * * *"], Some("02:00"), (1, Some(1)));
        let first = opened(&twice, None, None, utc("2026-11-07T01:00"));
        assert_eq!(spans(&first), ["07 01:00-07 05:00"]);
        assert_eq!(spans(&opened(&twice, first.last(), None, utc("2026-11-07T06:00"))), ["07 05:00-07 13:00"]);
    }

    #[test]
    fn a_long_standstill_makes_no_endless_list() {
        let hourly = expect(&["0 * * * *"], None, (1, None));
        let first = opened(&hourly, None, None, utc("2025-11-07T09:00"));
        let made = opened(&hourly, first.last(), None, utc("2026-11-07T09:00"));
        assert_eq!((made.len(), made.last().map(|w| w.due_at)), (MADE_AT_ONCE, Some(utc("2026-11-07T10:00"))));
    }

    #[test]
    fn what_was_not_configured_for_a_while_begins_anew() {
        let daily = expect(&["0 6 * * *"], None, (1, None));
        let first = opened(&daily, None, None, utc("2026-11-01T12:00"));
        let now = utc("2026-11-07T12:00");
        // Somebody looked a minute ago, and it stood nowhere.
        let looked = Some(now - TimeDelta::minutes(1));
        assert_eq!(spans(&opened(&daily, first.last(), looked, now)), ["07 05:00-08 05:00"]);
        // Nobody looked: it was expected all the time.
        assert_eq!(opened(&daily, first.last(), Some(utc("2026-11-01T12:00")), now).len(), 6);
    }

    /// Plays arrivals and looks of every minute; what each window came to, and when it changed.
    fn played(expect: &Expect, from: &str, to: &str, arrivals: &[&str]) -> Vec<String> {
        let (mut now, end) = (utc(from), utc(to));
        let mut windows: Vec<Window> = Vec::new();
        let mut said = Vec::new();
        while now <= end {
            windows.extend(opened(expect, windows.last(), None, now));
            for at in arrivals.iter().map(|at| utc(at)).filter(|at| *at == now) {
                arrived(expect, &mut windows, at);
            }
            let before: Vec<State> = windows.iter().map(|w| w.state).collect();
            judge(expect, &mut windows, Sight::default(), now);
            for (window, _) in windows.iter().zip(before).filter(|(w, before)| w.state != *before) {
                let due = window.due_at.format("%d");
                said.push(format!("{due} {} at {}", window.state.as_str(), now.format("%d %H:%M")));
            }
            now += TimeDelta::minutes(1);
        }
        said.extend(windows.iter().map(|w| format!("{} {} {}", w.due_at.format("%d"), w.state.as_str(), w.came)));
        said
    }

    #[test]
    fn late_is_filled_first_and_missing_never() {
        let daily = expect(&["0 6 * * *"], None, (1, None));
        let said = played(
            &daily,
            "2026-11-06T12:00",
            "2026-11-09T06:00",
            // The first of the 7th comes late, that of the 8th not within three hours.
            &["2026-11-07T07:00", "2026-11-08T08:30", "2026-11-09T04:00"],
        );
        let expected = ["07 late at 07 05:15", "08 late at 08 05:15", "08 missing at 08 08:01"];
        assert_eq!(said[..3], expected);
        assert_eq!(said[3..], ["07 met 1", "08 missing 0", "09 met 2", "10 open 0"]);
    }

    #[test]
    fn within_its_grace_nothing_is_late() {
        let daily = expect(&["0 6 * * *"], None, (2, None));
        let said = played(&daily, "2026-11-06T12:00", "2026-11-07T06:00", &["2026-11-06T20:00", "2026-11-07T05:14"]);
        assert_eq!(said, ["07 met 2", "08 open 0"]);
    }

    #[test]
    fn too_many_or_outside_of_the_time_is_a_surplus() {
        let daily = expect(&["0 6 * * *"], Some("02:00"), (1, Some(1)));
        let mut windows = opened(&daily, None, None, utc("2026-11-07T01:30"));
        for at in ["2026-11-07T02:00", "2026-11-07T03:00"] {
            assert_eq!(surplus(&windows), None);
            arrived(&daily, &mut windows, utc(at));
        }
        assert_eq!(surplus(&windows).map(|w| w.came), Some(2));
        let three = expect(&["0 6 * * *"], Some("02:00"), (1, Some(3)));
        let mut windows = opened(&three, None, None, utc("2026-11-07T01:30"));
        arrived(&three, &mut windows, utc("2026-11-07T02:00"));
        arrived(&three, &mut windows, utc("2026-11-07T15:00"));
        assert_eq!(surplus(&windows).map(|w| w.came), Some(4), "outside");
        windows.extend(opened(&three, windows.last(), None, utc("2026-11-08T01:00")));
        assert_eq!(surplus(&windows), None, "the next window has opened");
    }

    #[test]
    fn what_fell_due_in_a_standstill_is_judged_after_a_look() {
        let daily = expect(&["0 6 * * *"], None, (1, None));
        let mut windows = opened(&daily, None, None, utc("2026-11-05T12:00"));
        let start = utc("2026-11-07T11:00");
        windows.extend(opened(&daily, windows.last(), None, start));
        let asleep = Sight { asleep_since: Some(utc("2026-11-05T12:00")), ..Sight::default() };
        // Both lay in in/ when it was started.
        arrived(&daily, &mut windows, start);
        arrived(&daily, &mut windows, start);
        judge(&daily, &mut windows, asleep, start);
        let later = start + TimeDelta::minutes(1);
        judge(&daily, &mut windows, Sight::default(), later);
        let states: Vec<State> = windows.iter().map(|w| w.state).collect();
        assert_eq!(states, [State::Met, State::Met, State::Open]);
        // Without the file it is late one look later, not at the start.
        let mut windows = opened(&daily, None, None, utc("2026-11-06T12:00"));
        judge(&daily, &mut windows, asleep, start);
        assert_eq!(windows[0].state, State::Open);
        judge(&daily, &mut windows, Sight::default(), later);
        assert_eq!(windows[0].state, State::Late);
    }

    #[test]
    fn unread_files_have_arrived_and_a_pause_excuses() {
        let daily = expect(&["0 6 * * *"], None, (2, None));
        let mut windows = opened(&daily, None, None, utc("2026-11-06T12:00"));
        let due = utc("2026-11-07T05:15");
        for (waiting, state) in [(2, State::Open), (1, State::Late)] {
            judge(&daily, &mut windows, Sight { waiting, ..Sight::default() }, due);
            assert_eq!(windows[0].state, state, "{waiting}");
        }
        let mut windows = opened(&daily, None, None, utc("2026-11-06T12:00"));
        judge(&daily, &mut windows, Sight { paused: true, ..Sight::default() }, due);
        assert_eq!(windows[0].state, State::Excused);
    }

    #[test]
    fn what_is_owed_ends_with_a_later_window_that_is_met() {
        let daily = expect(&["0 6 * * *"], None, (1, None));
        let mut windows = opened(&daily, None, None, utc("2026-11-06T12:00"));
        windows.extend(opened(&daily, windows.last(), None, utc("2026-11-08T12:00")));
        judge(&daily, &mut windows, Sight::default(), utc("2026-11-08T12:00"));
        assert_eq!(owed(&daily, &windows).len(), 2);
        arrived(&daily, &mut windows, utc("2026-11-08T13:00"));
        assert_eq!(owed(&daily, &windows), Vec::<&Window>::new());
        let held = Expect { hold_missing: true, ..daily };
        assert_eq!(owed(&held, &windows), Vec::<&Window>::new(), "late, and it may still come");
        judge(&held, &mut windows, Sight::default(), utc("2026-11-08T13:01"));
        assert_eq!(owed(&held, &windows).len(), 2, "missing stays owed until a person closes it");
        windows[0].state = State::Excused;
        assert_eq!(owed(&held, &windows).len(), 1);
        windows[0].state = State::Missing;
        let (met, never) = never_came(&windows);
        assert_eq!(met.map(|w| w.due_at), Some(utc("2026-11-09T05:00")));
        assert_eq!(
            never.iter().map(|w| w.due_at).collect::<Vec<_>>(),
            [utc("2026-11-07T05:00"), utc("2026-11-08T05:00")]
        );
    }
}
