//! What should come on a day, what has, what is late: the windows that the ledger knows, and the due times still to open.
//! It changes nothing.

use anyhow::Result;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

use super::files::Sight;
use crate::model::rules::arrivals::{Expect, Window};
use crate::model::rules::schedule;

/// One due time of a day.
#[derive(Debug, Clone)]
pub struct Expected {
    /// `partner/intake`.
    pub intake: String,
    pub zone: Tz,
    pub due_at: DateTime<Utc>,
    /// None: it has not opened yet.
    pub window: Option<Window>,
    pub least: u64,
    pub most: Option<u64>,
}

/// Of all, or of the intakes of one partner, or of one intake; the day is one of the partner's zone, today where none is said.
pub fn expected(
    sight: Sight<'_>,
    expects: &[Expect],
    only: Option<&str>,
    day: Option<NaiveDate>,
) -> Result<Vec<Expected>> {
    let is_meant = |intake: &str| only.is_none_or(|only| intake == only || intake.split('/').next() == Some(only));
    let mut all = Vec::new();
    for expect in expects.iter().filter(|expect| is_meant(&expect.intake)) {
        let day = day.unwrap_or_else(|| sight.now.with_timezone(&expect.zone).date_naive());
        let (from, to) = (begin(day, expect.zone), begin(day.succ_opt().unwrap_or(day), expect.zone));
        let windows = sight.snapshot.windows_between(&expect.intake, from, to)?;
        let mut after = windows.last().map_or(from, |window| window.due_at.max(sight.now));
        all.extend(windows.into_iter().map(|window| Expected {
            intake: expect.intake.clone(),
            zone: expect.zone,
            due_at: window.due_at,
            least: window.least,
            most: window.most,
            window: Some(window),
        }));
        while let Some(due_at) = schedule::next_due(&expect.by, after).filter(|due| *due < to) {
            let (intake, zone) = (expect.intake.clone(), expect.zone);
            // What was due before anybody looked was not expected then.
            if due_at > sight.now && !all.iter().any(|known| known.intake == intake && known.due_at == due_at) {
                all.push(Expected { intake, zone, due_at, window: None, least: expect.least, most: expect.most });
            }
            after = due_at;
        }
    }
    Ok(all)
}

/// The first instant of a day.
fn begin(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let first = (0..24).find_map(|hour| {
        let local = day.and_time(NaiveTime::from_hms_opt(hour, 0, 0)?);
        zone.from_local_datetime(&local).earliest()
    });
    first.map_or(DateTime::UNIX_EPOCH, |at| at.with_timezone(&Utc))
}
