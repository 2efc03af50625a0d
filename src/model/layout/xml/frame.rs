//! What tells an XML file of this layout: its root element at the beginning, and its end.

use crate::model::layout::Layout;
use crate::model::layout::plan::{Checked, Control, Ours, Place, Role};
use crate::model::layout::seam::Completeness;
use crate::model::syntax::xml::{self, Charset, Halt, Spot, Tag, Visitor};
use std::borrow::Cow;

use super::Xml;
use super::read::child_state;
use super::tree::OUTSIDE;

/// Is the root element closed? Judged from the last bytes of the file.
pub fn completeness(xml: &Xml, tail: &[u8]) -> Completeness {
    // Of UTF-16 the other half of each ASCII character is zero.
    let text: Cow<'_, [u8]> = match memchr::memchr(0, tail) {
        None => tail.into(),
        Some(_) => tail.iter().copied().filter(|b| *b != 0).collect::<Vec<u8>>().into(),
    };
    let (_, root) = xml.options.root.rsplit_once(':').unwrap_or(("", &xml.options.root));
    let rest = without_comments(text.trim_ascii_end());
    let closed = rest.strip_suffix(b">").is_some_and(|rest| {
        let rest = rest.trim_ascii_end();
        let tag = &rest[memchr::memrchr(b'<', rest).map_or(0, |at| at + 1)..];
        match (tag.strip_prefix(b"/"), tag.strip_suffix(b"/")) {
            (Some(name), _) => is_named(name, root),
            (None, Some(tag)) => {
                let name = tag.split(|b| b.is_ascii_whitespace()).next().unwrap_or_default();
                is_named(name, root)
            }
            (None, None) => false,
        }
    });
    if closed {
        Completeness::Complete
    } else {
        Completeness::Incomplete(format!("the closing tag </{root}> is missing"))
    }
}

/// Names beyond ASCII may stand in any encoding: any name passes for them.
fn is_named(found: &[u8], root: &str) -> bool {
    let local = found.rsplit(|b| *b == b':').next().unwrap_or_default();
    local == root.as_bytes() || !root.is_ascii() && !local.is_ascii()
}

/// Comments and processing instructions may follow the root element.
fn without_comments(text: &[u8]) -> &[u8] {
    let mut rest = text.trim_ascii_end();
    loop {
        let begin = match rest {
            [.., b'-', b'-', b'>'] => memchr::memmem::rfind(rest, b"<!--"),
            [.., b'?', b'>'] => memchr::memmem::rfind(rest, b"<?"),
            _ => return rest,
        };
        match begin {
            Some(at) => rest = rest[..at].trim_ascii_end(),
            None => return rest,
        }
    }
}

/// Does the file begin with this layout's root element, of its version? `head` is the file's beginning.
pub fn recognises(layout: &Layout, xml: &Xml, head: &[u8]) -> bool {
    let mut probe = RootProbe { layout, xml, fits: false };
    let fallback = Charset::from(layout.encoding.clone());
    let mut head = head;
    xml::read(&mut head, Some(&fallback), &mut probe).is_ok() && probe.fits
}

/// Looks at the root element and stops.
struct RootProbe<'p> {
    layout: &'p Layout,
    xml: &'p Xml,
    fits: bool,
}

impl Visitor for RootProbe<'_> {
    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Halt> {
        let state = child_state(&self.xml.tree, OUTSIDE, tag.name, tag.space, &mut 0);
        self.fits = state.is_some()
            && root_constants(self.layout)
                .all(|(name, expected)| tag.attributes().any(|a| a.name == name && a.value.trim() == expected));
        Err(Halt::Stop)
    }

    fn text(&mut self, _: &str) -> Result<(), Halt> {
        Ok(())
    }

    fn close(&mut self, _: Spot) -> Result<(), Halt> {
        Ok(())
    }
}

/// Attributes of the root element that must have a value.
fn root_constants(layout: &Layout) -> impl Iterator<Item = (&str, &str)> {
    fn is_root(role: Role) -> bool {
        matches!(role, Role::OpensFile | Role::Opens(0))
    }
    let roots = layout.records.iter().filter(|r| is_root(r.role) && r.tags.iter().any(|tag| tag == "."));
    roots.flat_map(|record| &record.fields).filter_map(|field| {
        let (Place::One(spot), Ours::Control(Control { what, .. })) = (&field.place, &field.ours) else { return None };
        match what {
            Checked::Constant(word) | Checked::Version(word) if !field.form.optional => {
                Some((spot.name().strip_prefix('@')?, word.as_str()))
            }
            _ => None,
        }
    })
}
