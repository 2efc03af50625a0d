//! Who is told of a problem, and when a letter that failed is tried again. Never given up: a channel that comes back gets
//! what it missed.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::problem::{Channel, Kind, Level};

/// The channels that hear of a problem. `named`: those that its partner, intake or feed names.
pub fn channels<'c>(
    kind: Kind,
    about: &str,
    level: Level,
    named: &[String],
    all: &'c [Channel],
) -> impl Iterator<Item = &'c Channel> {
    all.iter().filter(move |channel| {
        // A channel that takes nothing cannot be told of it that way.
        let is_itself = kind == Kind::NoticeFailed && channel.name == about;
        level >= channel.level && !is_itself && (channel.hears_all || named.contains(&channel.name))
    })
}

const FIRST_PAUSE_MIN: i64 = 1;
const LONGEST_PAUSE_MIN: i64 = 60;

/// How long to wait after so many tries that failed.
pub fn pause(attempts: u32) -> TimeDelta {
    let doubled = FIRST_PAUSE_MIN << attempts.saturating_sub(1).min(6);
    TimeDelta::minutes(doubled.min(LONGEST_PAUSE_MIN))
}

/// May what waits until then go now? Later than any pause lasts is a moment of a clock that was set back since.
pub fn is_due(next_at: DateTime<Utc>, gather: TimeDelta, now: DateTime<Utc>) -> bool {
    next_at <= now || next_at > now + TimeDelta::minutes(LONGEST_PAUSE_MIN) + gather
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::problem::Way;

    fn channel(name: &str, level: Level, hears_all: bool) -> Channel {
        let (gather, remind, way) = (TimeDelta::minutes(1), None, Way::Command(vec!["/bin/true".into()]));
        Channel { name: name.into(), level, hears_all, gather, remind, way }
    }

    #[test]
    fn a_channel_hears_of_its_level_of_everything_or_of_those_who_name_it() {
        let all = [
            channel("ops", Level::Warning, true),
            channel("pager", Level::Error, true),
            channel("stock-team", Level::Warning, false),
        ];
        let named = ["stock-team".to_string()];
        let told = |kind, about: &str, level, named: &[String]| {
            channels(kind, about, level, named, &all).map(|c| c.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(told(Kind::FeedLate, "erp/stock", Level::Warning, &[]), ["ops"]);
        assert_eq!(told(Kind::FeedFailed, "erp/stock", Level::Error, &[]), ["ops", "pager"]);
        assert_eq!(told(Kind::FeedFailed, "erp/stock", Level::Error, &named), ["ops", "pager", "stock-team"]);
        assert_eq!(told(Kind::NoticeFailed, "ops", Level::Error, &[]), ["pager"]);
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_no_letter() {
        let now: DateTime<Utc> = "2026-11-22T20:00:00Z".parse().unwrap();
        let gather = TimeDelta::minutes(1);
        let table = [(-1, true), (0, true), (1, false), (60, false), (61, false), (62, true), (180, true)];
        for (minutes, due) in table {
            assert_eq!(is_due(now + TimeDelta::minutes(minutes), gather, now), due, "{minutes}");
        }
    }

    #[test]
    fn pauses_double_to_an_hour() {
        let minutes: Vec<i64> = (1..10).map(|attempts| pause(attempts).num_minutes()).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
