//! `full_when`: by which values the files of an intake say themselves whether they are full ones. Each layout has to read them.

use super::keyed::{Keyed, Wrong};
use super::layouts::KnownLayout;
use crate::model::document::suggest;

const KEY: &str = "full_when";

pub(super) fn read(keyed: &Keyed<'_, '_>, closes: bool, layouts: &[&KnownLayout]) -> Vec<(String, String)> {
    let pairs = keyed.pairs(KEY);
    if keyed.has(KEY) && !closes {
        keyed.section.problem(KEY, "says nothing without absent = \"close\"; add it, or take this out.");
    }
    for (name, _) in &pairs {
        for known in layouts {
            let layout = &known.layout;
            let is_read = match name.value.strip_prefix("extra.") {
                Some(own) => layout.brings_extra(&layout.kind.name, own),
                None => layout.kind.head().field(&name.value).is_some_and(|field| layout.takes(0, field)),
            };
            if is_read {
                continue;
            }
            let text = format!(
                "the layout \"{}\" reads no \"{}\", so that none of its files would be a full one. Give the value a place in the layout (extra.NAME is the partner's own), or name a field that it reads.",
                layout.id, name.value
            );
            let fields: Vec<&str> = layout.kind.head().fields.iter().map(|f| f.name.as_str()).collect();
            keyed.wrong(name, KEY, Wrong { text, suggestion: suggest(&name.value, &fields) });
        }
    }
    pairs.into_iter().map(|(name, value)| (name.value, value.value)).collect()
}
