//! Which of an intake's layouts a content is in: decided by the content alone, never by the order in which they are named.
//!
//! Who recognises the beginning may read it; who reads it without a problem is meant. Where that leaves two, nobody knows which.

use std::io::{self, Cursor};
use std::sync::Arc;

use super::{DecodeContext, Decoded, Input, Layout, Refused, Sink, Spill, Stop, Syntax, workbook};
use crate::model::batch::Batch;

/// What a content says of the layouts.
#[derive(Debug, Clone)]
pub enum Choice<'l> {
    One(&'l Arc<Layout>),
    /// None recognises it.
    Unknown,
    /// These fit alike.
    Several(Vec<&'l Arc<Layout>>),
}

/// Of a sheet written out, as much as of other files.
const SHEET_BYTES: u64 = 64 << 10;
/// Problems of a file that say that it is not of this layout; all others may come from its being only a beginning.
const NOT_MEANT: [&str; 4] = ["layout-mismatch", "version-mismatch", "record-unknown", "encoding-invalid"];

/// `head`: the beginning of the file; `whole` where that is all. `file`: what it is the beginning of, for workbooks, whose first bytes
/// say nothing of their sheets.
pub fn choose<'l>(
    layouts: &'l [Arc<Layout>],
    (head, whole): (&[u8], bool),
    file: &mut dyn Input,
) -> io::Result<Choice<'l>> {
    let recognising: Vec<&Arc<Layout>> = layouts.iter().filter(|layout| layout.recognises(head)).collect();
    match recognising[..] {
        [] => return Ok(Choice::Unknown),
        [only] => return Ok(Choice::One(only)),
        _ => {}
    }
    let mut tried: Vec<(&Arc<Layout>, Fit)> = Vec::new();
    for layout in &recognising {
        let fit = match &layout.syntax {
            Syntax::Workbook(workbook) => {
                let begun = workbook::beginning(layout, workbook, file, SHEET_BYTES)?;
                begun.map_or(Fit::Not, |(rows, whole)| {
                    tried_on(&rows, whole, |rows, context, sink| workbook.rows.decode(layout, rows, context, sink))
                })
            }
            _ => tried_on(head, whole, |head, context, sink| layout.decode(head, context, sink)),
        };
        tried.push((layout, fit));
    }
    // What no layout can read is refused with the reasons of the first: nothing of it can be applied.
    let Some(best) = tried.iter().map(|(_, fit)| *fit).max().filter(|fit| *fit > Fit::Not) else {
        return Ok(Choice::One(recognising[0]));
    };
    let fitting: Vec<&Arc<Layout>> = tried.iter().filter(|(_, fit)| *fit == best).map(|(layout, _)| *layout).collect();
    Ok(match fitting[..] {
        [only] => Choice::One(only),
        _ => Choice::Several(fitting),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Not,
    /// Every message has a problem.
    Nothing,
    /// Some messages have none.
    Partly,
    Wholly,
}

/// `decode` reads a beginning.
fn tried_on(
    head: &[u8],
    whole: bool,
    decode: impl FnOnce(&mut Cursor<&[u8]>, &DecodeContext<'_>, &mut dyn Sink) -> io::Result<Decoded>,
) -> Fit {
    let spill = || Ok::<Box<dyn Spill>, io::Error>(Box::new(Cursor::new(Vec::new())));
    let context = DecodeContext { file_name: "", zone: chrono_tz::Tz::UTC, spill: &spill };
    let mut counted = Counted::default();
    let Ok(decoded) = decode(&mut Cursor::new(head), &context, &mut counted) else {
        return Fit::Not;
    };
    let is_other = decoded.fatal.counts().keys().any(|code| NOT_MEANT.contains(code));
    // The last message of a beginning was cut off.
    let refused = counted.refused.iter().filter(|number| whole || **number < decoded.messages).count();
    match (is_other, counted.good, refused) {
        (true, ..) => Fit::Not,
        (false, 0, 0) => Fit::Wholly,
        (false, 0, _) => Fit::Nothing,
        (false, _, 0) => Fit::Wholly,
        _ => Fit::Partly,
    }
}

#[derive(Default)]
struct Counted {
    good: usize,
    refused: Vec<u64>,
}

impl Sink for Counted {
    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        self.good += batch.len();
        batch.clear();
        Ok(batch)
    }

    fn refused(&mut self, message: Refused) -> Result<(), Stop> {
        self.refused.push(message.number);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kind::shipped_kinds;
    use crate::model::layout::read_layout;

    /// By position, without a heading: only values and versions tell them apart.
    fn layout(id: &str, qty: &str, first: &str) -> Arc<Layout> {
        let text = format!(
            "layout = \"{id}\"\ntitle = \"{id}\"\nkind = \"stock\"\nsyntax = \"delimited\"\n[delimited]\ncolumns = \"positions\"\ntag = 1\n\
             [[record]]\nname = \"head\"\ntag = \"V\"\nopens = \"file\"\nfields = [[\"1\", \"-\"], [\"2\", \"version({first})\"], [\"3\", \"-\"]]\n\
             [[record]]\nname = \"row\"\ntag = \"R\"\nopens = \"message\"\nfields = [[\"1\", \"-\"], [\"2\", \"article_no\"], [\"3\", \"qty\", \"{qty}\"]]\n"
        );
        Arc::new(read_layout(id, &text, shipped_kinds()).unwrap_or_else(|problems| panic!("{problems:#?}")))
    }

    fn chosen(layouts: &[Arc<Layout>], text: &str) -> Vec<String> {
        match choose(layouts, (text.as_bytes(), true), &mut Cursor::new(text)).unwrap() {
            Choice::One(layout) => vec![layout.id.clone()],
            Choice::Unknown => Vec::new(),
            Choice::Several(several) => several.iter().map(|layout| layout.id.clone()).collect(),
        }
    }

    #[test]
    fn the_content_decides_and_two_that_fit_are_two() {
        let both = [layout("comma", "decimal point=,", "1"), layout("point", "decimal", "1")];
        assert_eq!(chosen(&both, "V;1;\nR;A;2,5\n"), ["comma"]);
        assert_eq!(chosen(&both, "V;1;\nR;A;2.5\n"), ["point"]);
        assert_eq!(chosen(&both, "V;1;\nR;A;2\n"), ["comma", "point"]);
        // One bad row more in one of them.
        assert_eq!(chosen(&both, "V;1;\nR;A;2\nR;B;2.5\nR;C;x\n"), ["comma", "point"]);
        assert_eq!(chosen(&both, "V;1;\nR;A;2\nR;B;2.5\n"), ["point"]);
        // The version decides before anything else, in whatever order they are named.
        let mut versions = [layout("old", "decimal", "1"), layout("new", "decimal", "2")];
        assert_eq!(chosen(&versions, "V;2;\nR;A;2\n"), ["new"]);
        versions.reverse();
        assert_eq!(chosen(&versions, "V;1;\nR;A;2\n"), ["old"]);
        assert_eq!(chosen(&versions, "<xml/>"), Vec::<String>::new());
    }
}
