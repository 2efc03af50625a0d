//! A deletion on its way to the rows it names: which they are is read by `rules::deletion`, closing them is the store's. What
//! names nothing, or only what others wrote, is told and changes nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, Result};

use crate::edges::clock::{iso, read_iso};
use crate::edges::store::business::{Removal, Removals, Removed};
use crate::model::batch::{Message, Value};
use crate::model::diagnostic::{Place, Problem};
use crate::model::kind::{Kind, shipped_kinds};
use crate::model::rules::deletion::named;
use crate::model::verdict::Verdict;
use crate::model::wording::deletion as words;

/// Carries out the deletions of one file.
pub struct Removing<'t> {
    rows: Removals<'t>,
    partner: String,
    as_of: String,
    /// Kinds that were met, for the guard.
    met: BTreeSet<String>,
}

/// What became of a deletion.
pub struct Done {
    pub verdict: Verdict,
    /// What a person should know of it.
    pub problem: Option<Problem>,
    pub closed: u64,
    /// Rows of a kind that is met for the first time, as many as there were.
    pub base: u64,
}

impl<'t> Removing<'t> {
    pub fn new(rows: Removals<'t>, partner: &str, as_of: &str) -> Self {
        Removing { rows, partner: partner.to_string(), as_of: as_of.to_string(), met: BTreeSet::new() }
    }

    /// `overrule`: a person says that it holds now, whatever was said since.
    pub fn remove(&mut self, message: &Message<'_>, place: Place, overrule: bool) -> Result<Done> {
        let kind = self.kind(message)?;
        let (key, older_than) = (text(message, "key"), moment(message, "older_than"));
        let fields = match named(&kind, key, older_than.is_empty()) {
            Ok(fields) => fields,
            Err(why) => return Ok(Done::told(Verdict::Refused, words::no_key(place, &kind.name, &why))),
        };
        let base = if self.met.insert(kind.name.clone()) { self.rows.open_rows(&kind)? } else { 0 };
        let said = moment(message, "deleted_at");
        let removed = self.rows.remove(&Removal {
            kind: &kind,
            named: &fields,
            older_than: Some(&older_than[..]).filter(|moment| !moment.is_empty()),
            as_of: if said.is_empty() || overrule { &self.as_of } else { &said },
            line: message.origin().line,
        })?;
        let done = self.told(&kind, key, place, removed, !older_than.is_empty());
        Ok(Done { base, ..done })
    }

    fn kind(&self, message: &Message<'_>) -> Result<Arc<Kind>> {
        let name = text(message, "kind");
        // The layout knows the words of the choice.
        shipped_kinds().get(name).cloned().with_context(|| format!("a deletion names the kind \"{name}\""))
    }

    fn told(&self, kind: &Kind, key: &str, place: Place, removed: Removed, cleans_up: bool) -> Done {
        match removed {
            Removed { closed, .. } if closed > 0 => Done { closed, ..Done::of(Verdict::Accepted) },
            Removed { newer, .. } if newer > 0 => Done::told(Verdict::Stale, words::newer(place, &kind.name, key)),
            Removed { gone, .. } if gone > 0 || cleans_up => Done::of(Verdict::Unchanged),
            Removed { others, .. } if others > 0 => {
                Done::told(Verdict::Refused, words::not_yours(place, &kind.name, key, &self.partner))
            }
            // It is not there, as was wished; but the number may be mistyped.
            _ => Done::told(Verdict::Unchanged, words::unknown(place, &kind.name, key)),
        }
    }

    pub fn finish(self) -> Result<()> {
        self.rows.finish()
    }
}

impl Done {
    fn of(verdict: Verdict) -> Self {
        Done { verdict, problem: None, closed: 0, base: 0 }
    }

    fn told(verdict: Verdict, problem: Problem) -> Self {
        Done { problem: Some(problem), ..Done::of(verdict) }
    }
}

/// In the form that moments are compared in: always with milliseconds.
fn moment(message: &Message<'_>, field: &str) -> String {
    let said = text(message, field);
    read_iso(said).map_or_else(|| said.to_string(), iso)
}

fn text<'m>(message: &Message<'m>, field: &str) -> &'m str {
    let field = message.kind().head().field(field);
    match field.map(|field| message.head().value(field)) {
        Some(Value::Text(text)) => text,
        _ => "",
    }
}
