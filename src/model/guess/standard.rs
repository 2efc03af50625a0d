//! Samples of a standard that ships: nothing is guessed of them, the shipped layout is proposed to extend.

use super::{Guess, Record, Row, Sample, Syntax};
use crate::model::kind::Kinds;
use crate::model::layout::own::shipped_layout;
use crate::model::layout::plan::{Ours, Place};
use crate::model::layout::standards::STANDARDS;
use crate::model::layout::{Layout, Syntax as Cut};

/// The layout is asked for the beginning only.
const HEAD_BYTES: usize = 64 << 10;

/// The shipped layout that knows the samples, as a guess.
pub fn shipped(samples: &[Sample<'_>], kinds: &Kinds) -> Option<Guess> {
    let knows = |layout: &Layout| samples.iter().all(|s| layout.recognises(&s.bytes[..s.bytes.len().min(HEAD_BYTES)]));
    let (id, _) = STANDARDS.iter().find(|(id, _)| shipped_layout(id).is_some_and(|layout| knows(layout)))?;
    let layout = shipped_layout(id)?;
    let word = match layout.syntax {
        Cut::Edifact(_) => "edifact",
        Cut::Xml(_) => "xml",
        Cut::Rows(_) => "delimited",
        Cut::Workbook(_) => "xlsx",
    };
    let record = |record: &crate::model::layout::plan::Record| Record {
        name: record.name.clone(),
        tag: record.tags.first().cloned().unwrap_or_default(),
        role: String::new(),
        when: None,
        unless: None,
        group_by: None,
        rows: record.fields.iter().filter_map(|field| row(layout, field)).collect(),
    };
    Some(Guess {
        syntax: Syntax::Shipped { word, id },
        syntax_sure: 95,
        syntax_why: format!("the layout {id}, which ships, knows it"),
        encoding: String::new(),
        encoding_sure: 95,
        encoding_why: "the file says it itself".to_string(),
        bom: false,
        line_end: "lf",
        kind: kinds.get(&layout.kind.name)?.clone(),
        kind_sure: 95,
        messages: None,
        records: layout.records.iter().map(record).collect(),
        notes: vec![format!(
            "It is of a standard: {id} reads it as it is (layouts = [\"{id}\"]). Say here only what this partner does otherwise."
        )],
    })
}

fn row(layout: &Layout, field: &crate::model::layout::plan::Field) -> Option<Row> {
    let Ours::Field { group, field: at, .. } = field.ours else { return None };
    let group = &layout.kind.groups[group];
    let name = &group.fields[at].name;
    let place = match &field.place {
        Place::One(spot) => spot.name().to_string(),
        _ => field.label.clone(),
    };
    Some(Row {
        place,
        label: field.label.clone(),
        ours: if group.name.is_empty() { name.clone() } else { format!("{}.{name}", group.name) },
        form: String::new(),
        sure: 95,
        why: "the standard".to_string(),
        values: Vec::new(),
    })
}
