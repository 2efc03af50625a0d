//! Closes what never came: a person has asked its sender, and it is expected no more. What comes after all counts for the window in
//! which it comes.

use anyhow::Result;

use super::super::inbound::round::Bench;
use crate::model::rules::arrivals::{State, Window};

/// Due times that are closed at once, and named to who asked.
const CLOSED_AT_ONCE: u32 = 1_000;
const NAMED: usize = 5;

pub fn excuse(bench: &mut Bench<'_>, intakes: &[String]) -> Result<String> {
    let mut said = Vec::new();
    let tx = bench.store.begin()?;
    for intake in intakes {
        let windows = tx.unmet_windows(intake, CLOSED_AT_ONCE)?;
        let named = windows
            .iter()
            .take(NAMED)
            .map(|window| window.due_at.with_timezone(&bench.zone).format("%Y-%m-%d %H:%M").to_string());
        let named: Vec<String> = named.collect();
        let rest = windows.len() - named.len();
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        said.push(match windows.is_empty() {
            true => format!("{intake}: nothing is late or missing"),
            false => format!("{intake}: what was due by {}{more} is expected no more", named.join(", ")),
        });
        for window in windows {
            tx.set_window(intake, &Window { state: State::Excused, ..window })?;
        }
    }
    tx.commit()?;
    Ok(said.join("; "))
}
