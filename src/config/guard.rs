//! `[….guard]`: how much a file may create, change or delete before a person has to look.

use std::sync::Arc;

use super::keyed::{Keyed, Wrong};
use super::keys::Table;
use crate::model::intake::Absent;
use crate::model::kind::{Class, Kind};
use crate::model::rules::guard::{Limit, Limits};

/// Of `[intake.NAME.guard]`.
pub fn of_intake(outer: &Keyed<'_, '_>, absent: &Absent, kinds: &[Arc<Kind>], makes: bool) -> Limits {
    let Some(section) = outer.table("guard") else { return Limits::default() };
    let keyed = Keyed::new(&section, Table::IntakeGuard);
    let limits = read(&keyed);
    let are_requests = !kinds.is_empty() && kinds.iter().all(|kind| !kind.class.updates());
    if are_requests && makes {
        if limits.creates.iter().any(|limit| limit.is_relative()) || limits.creates.is_empty() {
            section.problem("creates", "counts what orders make of customers and articles that nobody knows, which is no part of a whole; expected a number, like \"20\".");
        }
        if !(limits.changes.is_empty() && limits.deletes.is_empty()) {
            section.problem("", "orders only make what nobody knows, so that of limits only \"creates\" decides anything here. Take the others out.");
        }
    } else if are_requests {
        section.problem(
            "",
            "decides nothing here: guards compare facts and records, and this intake takes messages that ask for something once. Take it out.",
        );
    } else if !limits.deletes.is_empty()
        && *absent == Absent::Leave
        && !kinds.iter().any(|kind| kind.name == "stock" || kind.class == Class::Removal)
    {
        section.problem(
            "deletes",
            "decides nothing here: nothing of this intake is ever deleted. Take it out, or set absent = \"close\".",
        );
    }
    limits
}

/// What full files may lose where nothing is said.
pub const SHRINK: &str = "50 % and 20";

/// Of `[feed.NAME.guard]`; nothing where there is no such table.
pub fn of_feed(outer: &Keyed<'_, '_>) -> Option<Limits> {
    let section = outer.table("guard")?;
    let keyed = Keyed::new(&section, Table::FeedGuard);
    let shrink = keyed.parsed("shrink", shrink).unwrap_or_else(|| Limit::parse(SHRINK));
    Some(Limits { shrink, ..read(&keyed) })
}

fn shrink(text: &str) -> Result<Option<Limit>, Wrong> {
    if text == "off" { Ok(None) } else { limit(text).map(Some) }
}

/// The three lists that both directions have.
pub fn read(keyed: &Keyed<'_, '_>) -> Limits {
    Limits {
        creates: keyed.parsed_list("creates", limit),
        changes: keyed.parsed_list("changes", limit),
        deletes: keyed.parsed_list("deletes", limit),
        shrink: None,
    }
}

/// `5000`, `10 %` or `10 % and 6`.
pub fn limit(text: &str) -> Result<Limit, Wrong> {
    Limit::parse(text).ok_or_else(|| {
        Wrong::new(format!(
            "\"{text}\" is no limit; expected a number of rows, a share like \"10 %\", or both: \"10 % and 6\", which is exceeded when both are."
        ))
    })
}
