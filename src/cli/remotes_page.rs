//! Remotes in `status`: a table of how each answers and what waits for it, then what waits and why, line by line; and as JSON.

use std::io;

use serde_json::{Value, json};

use super::page::{Columns, Page, safe};
use crate::edges::store::Owed;
use crate::flows::remotes::{RemoteStatus, trouble_told};
use crate::flows::status::Status;

/// Told one by one of each remote, and of each folder there.
const TOLD: usize = 10;

pub fn table(page: &mut Page<'_>, status: &Status) -> io::Result<()> {
    if status.remotes.is_empty() {
        return Ok(());
    }
    page.gap()?;
    let mut columns =
        Columns::new(&["remote", "", "answered", "next try", "#to bring", "since", "#to fetch", "#to clear"]);
    for remote in &status.remotes {
        let state = remote.state.as_ref();
        columns.row([
            remote.name.clone(),
            remote.word().to_string(),
            page.when_stored(state.and_then(|state| state.last_ok.as_deref())),
            page.when_stored(state.and_then(|state| state.next_try.as_deref())),
            number(remote.to_bring.len() as u64),
            page.when_stored(remote.to_bring.first().map(|owed| &owed.since[..])),
            number(remote.to_fetch),
            number(remote.to_clear),
        ]);
    }
    page.table(columns)
}

/// Of remotes that people were not told of as a problem yet: how they stand.
pub fn troubles(page: &mut Page<'_>, status: &Status) -> io::Result<()> {
    for remote in &status.remotes {
        let is_told = status.problems.iter().any(|row| row.about == remote.name);
        let told = remote.state.as_ref().and_then(|state| trouble_told(state, &|at| page.when_stored(Some(at))));
        if let Some(words) = told.filter(|_| !is_told) {
            page.line(format!("! {}", safe(&words)))?;
        }
    }
    Ok(())
}

/// Lines for "What waits, and why".
pub fn waiting(page: &Page<'_>, status: &Status) -> Vec<String> {
    let mut lines = Vec::new();
    for remote in &status.remotes {
        lines.extend(remote.to_bring.iter().take(TOLD).map(|owed| to_bring(page, remote, owed)));
        if remote.to_bring.len() > TOLD {
            lines.push(format!("{}: and {} more files wait to be brought", remote.name, remote.to_bring.len() - TOLD));
        }
        for look in &remote.looks {
            let not_taken: Vec<_> = look.not_taken().into_iter().filter(|one| !one.is_nobodys).collect();
            for one in not_taken.iter().take(TOLD) {
                let name = if one.name.is_empty() { "the folder" } else { &one.name };
                lines.push(format!("{} at {}: {name} {}", look.source, look.origin, one.words));
            }
            if not_taken.len() > TOLD {
                lines.push(format!(
                    "{} at {}: and {} more names; nattpost explain NAME tells of one",
                    look.source,
                    look.origin,
                    not_taken.len() - TOLD
                ));
            }
        }
    }
    lines
}

fn to_bring(page: &Page<'_>, remote: &RemoteStatus, owed: &Owed) -> String {
    let since = page.when_stored(Some(&owed.since));
    let head = format!("{}: {} waits for {} since {since}", owed.feed, owed.name, remote.name);
    if owed.is_unknown {
        let what = if owed.may_have_arrived { "nobody knows whether it arrived" } else { "its file is gone from out/" };
        return format!("{head}: {what}, and a person decides (nattpost explain {})", owed.run);
    }
    if owed.words.is_empty() {
        return head;
    }
    let again = page.when_stored(owed.next_try.as_deref());
    let words = owed.words.trim_end_matches('.');
    format!("{head}: {words}; tried again {again} (nattpost explain {} says how to end it)", owed.run)
}

fn number(count: u64) -> String {
    if count == 0 { "-".to_string() } else { count.to_string() }
}

pub fn object(remote: &RemoteStatus) -> Value {
    let state = remote.state.as_ref();
    let to_bring: Vec<Value> = remote
        .to_bring
        .iter()
        .map(|owed| {
            json!({
                "feed": owed.feed,
                "run": owed.run,
                "name": owed.name,
                "since": owed.since,
                "words": owed.words,
                "next_try": owed.next_try,
                "unknown": owed.is_unknown,
                "may_have_arrived": owed.may_have_arrived,
            })
        })
        .collect();
    let looks: Vec<Value> = remote
        .looks
        .iter()
        .map(|look| {
            let not_taken = look.not_taken().into_iter().map(|one| json!({ "name": one.name, "words": one.words }));
            json!({
                "intake": look.source,
                "from": look.origin,
                "looked_at": look.look.as_ref().map(|look| &look.looked_at),
                "listed": look.look.as_ref().map(|look| look.listed),
                "not_taken": not_taken.collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "remote": remote.name,
        "configured": remote.configured,
        "place": remote.place,
        "trouble": state.map(|state| &state.trouble),
        "words": state.map(|state| &state.words),
        "since": state.and_then(|state| state.since.as_ref()),
        "failures": state.map(|state| state.failures),
        "last_ok": state.and_then(|state| state.last_ok.as_ref()),
        "last_try": state.and_then(|state| state.last_try.as_ref()),
        "next_try": state.and_then(|state| state.next_try.as_ref()),
        "to_bring": to_bring,
        "to_fetch": remote.to_fetch,
        "to_clear": remote.to_clear,
        "looks": looks,
    })
}
