//! The pages of a PDF, counted along its own tree, and what in any of its objects acts.

use std::collections::BTreeSet;

use super::xref::File;
use super::{Active, Flaw, Object, find};

/// A tree of pages goes no deeper.
const MOST_LEVELS: usize = 40;

const NO_PAGES: Flaw = Flaw::Broken("tree of pages cannot be found");

/// Leaves of the tree; what the nodes say of their number is not believed.
pub fn count(file: &mut File<'_>) -> Result<u32, Flaw> {
    let root = file.root.clone();
    let catalogue = file.resolve(&root)?;
    let top = catalogue.get("Pages").cloned().ok_or(NO_PAGES)?;
    let (mut seen, mut ahead, mut pages) = (BTreeSet::new(), vec![(top, MOST_LEVELS)], 0);
    while let Some((node, room)) = ahead.pop() {
        if let Object::Ref(number) = node
            && !seen.insert(number)
        {
            return Err(Flaw::Broken("tree of pages names a page twice or goes round in a circle"));
        }
        let node = file.resolve(&node)?;
        if !matches!(node, Object::Dict(_)) {
            return Err(NO_PAGES);
        }
        let Some(kids) = node.get("Kids").cloned() else {
            pages += 1;
            continue;
        };
        let Object::List(kids) = file.resolve(&kids)? else { return Err(NO_PAGES) };
        if room == 0 {
            return Err(Flaw::TooMuch("a tree of pages deeper than any real one"));
        }
        ahead.extend(kids.into_iter().map(|kid| (kid, room - 1)));
    }
    Ok(pages)
}

/// Looked for in every object, reached or not, and in the bytes as they stand: a reader that repairs finds those too.
pub fn active(file: &mut File<'_>) -> Result<Vec<Active>, Flaw> {
    let mut found = BTreeSet::new();
    for number in file.numbers() {
        match file.object(number) {
            Ok(object) => look_in(&object, &mut found),
            // One that nobody can read acts nowhere; but who asks for too much is not followed.
            Err(flaw @ Flaw::TooMuch(_)) => return Err(flaw),
            Err(_) => {}
        }
    }
    for (text, active) in [
        (&b"/JavaScript"[..], Active::Script),
        (b"/Launch", Active::Launch),
        (b"/SubmitForm", Active::Sends),
        (b"/EmbeddedFile", Active::Files),
    ] {
        if find(file.bytes(), text).is_some() {
            found.insert(active);
        }
    }
    Ok(found.into_iter().collect())
}

fn look_in(object: &Object, found: &mut BTreeSet<Active>) {
    match object {
        Object::Dict(entries) => {
            for (key, value) in entries {
                found.extend(acts(key, value));
                look_in(value, found);
            }
        }
        Object::List(items) => items.iter().for_each(|item| look_in(item, found)),
        _ => {}
    }
}

fn acts(key: &[u8], value: &Object) -> Option<Active> {
    let named = |name| value.is_name(name);
    match key {
        b"JS" | b"JavaScript" => Some(Active::Script),
        b"EF" | b"EmbeddedFiles" | b"RichMediaContent" => Some(Active::Files),
        b"S" if named("JavaScript") => Some(Active::Script),
        b"S" if named("Launch") => Some(Active::Launch),
        b"S" if named("SubmitForm") || named("ImportData") => Some(Active::Sends),
        _ => None,
    }
}
