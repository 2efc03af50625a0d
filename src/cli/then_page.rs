//! `find --at`: stock, prices and order status as they were, for people and as JSON.

use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::args::Moment;
use super::ends::{End, Failure, Outcome};
use super::page::{Columns, Page, safe};
use super::story_page::origin_object;
use crate::edges::clock;
use crate::edges::store::RowThen;

/// By the company's clock where no zone is said; of a time that it shows twice, the first.
pub fn instant(at: Moment, zone: Tz) -> Result<DateTime<Utc>, Failure> {
    match at {
        Moment::Instant(at) => Ok(at),
        Moment::Local(local) => match zone.from_local_datetime(&local).earliest() {
            Some(at) => Ok(at.to_utc()),
            None => Err(Failure::new(End::Usage, "usage-wrong", format!("there was no {local} in {zone}"))
                .expected("a time that the clocks showed, or one with its zone like 2026-03-29T01:30Z")),
        },
    }
}

pub fn tell(page: &mut Page<'_>, key: &str, at: DateTime<Utc>, found: &[RowThen]) -> Outcome {
    let end = if found.is_empty() { End::NotFound } else { End::Well };
    if page.json {
        let rows: Vec<Value> = found.iter().map(object).collect();
        page.object(&json!({ "key": key, "at": clock::iso(at), "rows": rows }))?;
        return Ok(end);
    }
    let when = page.when(at);
    if found.is_empty() {
        page.line(format!(
            "Of {} no stock, price or order status is known as of {when}. What was replaced is kept as long as `history` says.",
            safe(key)
        ))?;
        return Ok(end);
    }
    page.line(format!("As of {when}:"))?;
    let mut columns = Columns::new(&["", "number", "said", "since", "until", "from file", "#line"]);
    for RowThen { row, since, until } in found {
        let closed = if row.active { "" } else { " (closed)" };
        columns.row([
            row.kind.to_string(),
            format!("{}{closed}", row.key),
            row.says.clone(),
            page.when_stored(Some(since)),
            until.as_deref().map_or_else(|| "now".to_string(), |until| page.when_stored(Some(until))),
            format!("{} ({})", row.origin.file_name, row.origin.file_id),
            row.origin.line.to_string(),
        ]);
    }
    page.table(columns)?;
    Ok(end)
}

fn object(then: &RowThen) -> Value {
    let row = &then.row;
    json!({
        "kind": row.kind,
        "key": row.key,
        "says": row.says,
        "active": row.active,
        "since": then.since,
        "until": then.until,
        "from": origin_object(&row.origin),
    })
}
