//! A content that no layout recognises: what it is, and why each layout is not the one, the nearest first. For the person
//! who has to find out whether the wrong file came, or the right one in a changed form.

use std::io::{self, Cursor};
use std::sync::Arc;

use super::plan::Place;
use super::{DecodeContext, Layout, Refused, Sink, Stop, Syntax};
use crate::model::batch::Batch;
use crate::model::diagnostic::{Problem, shown};
use crate::model::naming;
use crate::model::syntax::xml::{self, Charset, Halt, Spot, Tag, Visitor};

/// Bytes shown of a content that is no text.
const BYTES_SHOWN: usize = 8;

/// Why one layout is not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    pub layout: String,
    pub why: String,
}

/// What a content is, and why none of the layouts reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unrecognised {
    pub found: String,
    /// The nearest first.
    pub misfits: Vec<Misfit>,
}

/// `head`: the beginning of the file (at most 64 KiB).
pub fn unrecognised(layouts: &[Arc<Layout>], head: &[u8]) -> Unrecognised {
    let is_xml = first_visible(head) == Some(b'<');
    let text = String::from_utf8_lossy(head);
    let mut ranked: Vec<((bool, usize), Misfit)> = layouts
        .iter()
        .map(|layout| {
            let fits = matches!(layout.syntax, Syntax::Xml(_)) == is_xml;
            let names = names(layout);
            let found = names.iter().filter(|name| text.contains(**name)).count();
            let share = found * 1_000 / names.len().max(1);
            ((fits, share), Misfit { layout: layout.id.clone(), why: why(layout, head) })
        })
        .collect();
    ranked.sort_by_key(|(nearness, _)| std::cmp::Reverse(*nearness));
    Unrecognised { found: found(head, is_xml), misfits: ranked.into_iter().map(|(_, misfit)| misfit).collect() }
}

/// UTF-16 and byte order marks do not hide it.
fn first_visible(head: &[u8]) -> Option<u8> {
    head.iter().copied().find(|b| !b.is_ascii_whitespace() && !matches!(b, 0 | 0xEF | 0xBB | 0xBF | 0xFE | 0xFF))
}

fn found(head: &[u8], is_xml: bool) -> String {
    if head.is_empty() {
        return "the file is empty".to_string();
    }
    if let Some(what) = naming::name(head).what {
        return format!("the file is {what}");
    }
    if is_xml {
        let mut root = Root::default();
        let ended = xml::read(&mut &head[..], Some(&Charset::Utf8), &mut root);
        if let (Ok(_), Some((name, space))) = (ended, root.0) {
            let space =
                if space.is_empty() { String::new() } else { format!(" of the namespace \"{}\"", shown(&space)) };
            return format!("the file is XML with the root element <{}>{space}", shown(&name));
        }
    }
    let line = head.split(|b| matches!(b, b'\n' | b'\r')).find(|line| !line.trim_ascii().is_empty());
    let line = line.unwrap_or(head);
    let binary = line.iter().filter(|b| b.is_ascii_control() && **b != b'\t').count();
    if binary * 10 > line.len() {
        let bytes: Vec<String> = head.iter().take(BYTES_SHOWN).map(|b| format!("{b:02X}")).collect();
        return format!("the file is no text: it begins with the bytes {}", bytes.join(" "));
    }
    format!("the file begins with the line \"{}\"", shown(String::from_utf8_lossy(line).trim()))
}

/// The first thing that keeps a layout from reading it, without the advice.
fn why(layout: &Layout, head: &[u8]) -> String {
    let no_spill = || Err(io::Error::other("a beginning is read without a spill file"));
    let context = DecodeContext { file_name: "", zone: chrono_tz::Tz::UTC, spill: &no_spill };
    let mut first = First::default();
    let decoded = layout.decode(&mut Cursor::new(head), &context, &mut first);
    let fatal = decoded.map(|decoded| decoded.fatal).unwrap_or_default();
    // Only a beginning was read: that its end is missing says nothing.
    let problem = fatal.kept().iter().find(|problem| problem.code != "file-truncated").or(first.0.as_ref());
    let Some(problem) = problem else { return format!("it does not begin like \"{}\"", shown(&layout.title)) };
    let said = problem.to_string();
    said.split_once(". ").map_or(said.trim_end_matches('.'), |(first, _)| first).to_string()
}

/// Headings and elements of the layout, as the partner writes them.
fn names(layout: &Layout) -> Vec<&str> {
    let places = layout.records.iter().flat_map(|record| &record.fields).filter_map(|field| match &field.place {
        Place::One(spot) => spot.name().rsplit(['/', ':', '@']).next(),
        _ => None,
    });
    places.filter(|name| name.len() > 1 && name.chars().any(char::is_alphabetic)).collect()
}

/// The first message that is refused; good ones are passed over.
#[derive(Default)]
struct First(Option<Problem>);

impl Sink for First {
    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        batch.clear();
        Ok(batch)
    }

    fn refused(&mut self, message: Refused) -> Result<(), Stop> {
        self.0 = message.problems.into_iter().next();
        Err(Stop)
    }
}

/// Name and namespace of the root element.
#[derive(Default)]
struct Root(Option<(String, String)>);

impl Visitor for Root {
    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Halt> {
        self.0 = Some((tag.name.to_string(), tag.space.to_string()));
        Err(Halt::Stop)
    }

    fn text(&mut self, _: &str) -> Result<(), Halt> {
        Ok(())
    }

    fn close(&mut self, _: Spot) -> Result<(), Halt> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::layout::own::shipped_layout;

    fn of(head: &[u8], ids: &[&str]) -> Unrecognised {
        let layouts: Vec<Arc<Layout>> = ids.iter().map(|id| shipped_layout(id).unwrap().clone()).collect();
        unrecognised(&layouts, head)
    }

    #[test]
    fn what_came_and_what_was_nearest_is_said() {
        let ids = ["nattpost-stock-csv", "nattpost-order-csv", "nattpost-order-xml", "nattpost-stock-xml"];
        for (head, found, nearest, why) in [
            (
                &b"<i:invoices xmlns:i='urn:i'><buyer_order_no>1</buyer_order_no></i:invoices>"[..],
                "XML with the root element <invoices> of the namespace \"urn:i\"",
                "nattpost-order-xml",
                "expected <orders>",
            ),
            (b"<stocks version='7'/>", "the root element <stocks>", "nattpost-stock-xml", "version \"7\""),
            (
                b"nattpost;stock;9\n!stock;article_no;warehouse;qty\n",
                "the line \"nattpost;stock;9\"",
                "nattpost-stock-csv",
                "expected \"nattpost;stock;1\"",
            ),
            (
                b"buyer_order_no;customer_no;lines\n",
                "the line \"buyer_order_no;",
                "nattpost-order-csv",
                "the first line is",
            ),
            (b"PK\x03\x04\x14\0", "a ZIP archive", "", ""),
            (b"\x01\x02\x03\x04", "the bytes 01 02 03 04", "", ""),
            (b"", "is empty", "", ""),
        ] {
            let told = of(head, &ids);
            assert!(told.found.contains(found), "{told:?}");
            assert_eq!(told.misfits.len(), ids.len());
            let first = &told.misfits[0];
            assert!(first.layout.starts_with(nearest) && first.why.contains(why), "{told:#?}");
        }
    }
}
