//! A moment on the command line.

use chrono::{DateTime, NaiveDateTime, Utc};

/// As it was written: with its zone, or by the company's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    Instant(DateTime<Utc>),
    Local(NaiveDateTime),
}

impl Moment {
    pub fn read(text: &str) -> Result<Moment, String> {
        let zoned = |form: &str| DateTime::parse_from_str(text, form).ok().map(|at| Moment::Instant(at.to_utc()));
        let local = |form: &str| NaiveDateTime::parse_from_str(text, form).ok().map(Moment::Local);
        let instant = DateTime::parse_from_rfc3339(text).ok().map(|at| Moment::Instant(at.to_utc()));
        instant
            .or_else(|| zoned("%Y-%m-%dT%H:%M%:z"))
            .or_else(|| local("%Y-%m-%dT%H:%MZ").map(Moment::in_utc))
            .or_else(|| local("%Y-%m-%dT%H:%M"))
            .or_else(|| local("%Y-%m-%dT%H:%M:%S%.f"))
            .ok_or_else(|| {
                "expected a day and a time like 2026-11-20T06:00, 2026-11-20T06:00Z or 2026-11-20T06:00+01:00"
                    .to_string()
            })
    }

    fn in_utc(self) -> Moment {
        match self {
            Moment::Local(local) => Moment::Instant(local.and_utc()),
            instant => instant,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_with_and_without_its_zone() {
        let six = Moment::Instant("2026-11-20T06:00:00Z".parse().unwrap());
        let rows = [
            ("2026-11-20T06:00Z", Some(six)),
            ("2026-11-20T06:00:00.000Z", Some(six)),
            ("2026-11-20T07:00+01:00", Some(six)),
            ("2026-11-20T07:00:00+01:00", Some(six)),
            ("2026-11-20T06:00", Some(Moment::Local("2026-11-20T06:00:00".parse().unwrap()))),
            ("2026-11-20T06:00:30", Some(Moment::Local("2026-11-20T06:00:30".parse().unwrap()))),
            ("2026-11-20", None),
            ("2026-11-31T06:00", None),
            ("yesterday", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(Moment::read(text).ok(), expected, "{text}");
        }
    }
}
