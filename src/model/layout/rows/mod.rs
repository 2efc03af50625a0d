//! Layouts whose files are rows: delimited and fixed width. Everything about a row but its cutting is the same for both.

mod apart;
mod around;
mod decode;
mod encode;
mod grouped;
mod header;
mod heading;
mod line;
pub mod options;
mod places;
mod redact;
mod reject;
mod sort;
mod tail;
mod tell;
mod text;
mod values;

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::sync::Arc;

use self::decode::Decoder;
use self::encode::RowEncoder;
use self::grouped::Order;
use self::header::{Opening, Preamble};
use self::options::{Columns, Cutting, Delimited, Options};
use self::places::{At, Reading};
use super::assembly::Assembly;
use super::cover::Copier;
use super::limits::{COLUMNS, PLACES};
use super::plan::{Field, Record, Role, Scope, Spot, WHOLE_FILE, piece};
use super::{
    Completeness, DecodeContext, Decoded, EncodeContext, EncodeError, Encoder, Input, Layout, RedactError, Redacted,
    Sink,
};
use crate::model::document::Section;
use crate::model::kind::Kind;
use crate::model::syntax::delimited::{RowReader, Style};
use crate::model::syntax::fixed::Widths;
use crate::model::syntax::tagged::Tags;
use crate::model::syntax::window::Misread;
use crate::model::wording;

/// How the rows of a file are cut, told apart and tied together.
#[derive(Debug)]
pub struct Rows {
    pub options: Options,
    /// Parent of each group of the kind.
    parents: Vec<usize>,
    /// Rows are tied together by their key.
    grouped: bool,
    /// The record that says the head of a message whose rows are tied together by their key: without it they are orphans.
    head_needed: Option<usize>,
    /// A message may only stand within an interchange or an opened file.
    interchange_needed: bool,
    file_needed: bool,
    /// The record without which a message is not complete.
    message_closer: Option<usize>,
    /// Of records without line ends, or of fixed ones among delimited ones.
    widths: Arc<Widths>,
    /// Of tagged lines.
    tags: Arc<Tags>,
}

fn columns_problem(name: &str, width: usize) -> Option<String> {
    match options::columns(name) {
        None => Some(format!("\"{name}\" are not columns like 8-20.")),
        Some(columns) if columns.end > width => Some(format!("\"{name}\" lies behind the record's width of {width}.")),
        Some(_) => None,
    }
}

fn tags(options: &Options, records: &[Record]) -> Tags {
    let Cutting::Tagged(tagged) = &options.cutting else { return Tags::default() };
    Tags {
        prefix: tagged.prefix.as_bytes().to_vec(),
        separator: tagged.separator.as_bytes().to_vec(),
        known: places::tags(records).into_iter().map(|tag| tag.as_bytes().to_vec()).collect(),
        others_ignored: tagged.others_ignored,
    }
}

fn widths(options: &Options, records: &[Record]) -> Widths {
    let (tag, other) = match &options.cutting {
        Cutting::Fixed(fixed) => (fixed.tag.clone(), fixed.width),
        Cutting::Delimited(delimited) => (delimited.tag_columns.clone(), 0),
        Cutting::Tagged(_) => return Widths::default(),
    };
    let own = records.iter().filter_map(|r| Some((r.width?, &r.tags)));
    let by_tag = own.flat_map(|(width, tags)| tags.iter().map(move |tag| (tag.clone(), width))).collect();
    Widths { tag, by_tag, other }
}

fn head_needed(records: &[Record]) -> Option<usize> {
    let heads = || records.iter().filter(|r| r.role == Role::Opens(0));
    let grouped = heads().next().is_some() && heads().all(|head| head.required && !head.group_by.is_empty());
    records.iter().position(|r| grouped && r.role == Role::Opens(0))
}

impl Rows {
    pub(super) fn compile(root: &Section<'_>, options: Options, kind: &Kind, records: &[Record]) -> Self {
        let needs = |role: Role| records.iter().any(|r| r.role == role && r.required);
        let rows = Rows {
            parents: kind.groups.iter().map(|g| g.parent).collect(),
            grouped: records.iter().any(|r| !r.group_by.is_empty()),
            head_needed: head_needed(records),
            interchange_needed: needs(Role::OpensInterchange),
            file_needed: needs(Role::OpensFile),
            widths: Arc::new(widths(&options, records)),
            tags: Arc::new(tags(&options, records)),
            message_closer: records.iter().position(|r| r.role == Role::ClosesMessage && r.required),
            options,
        };
        rows.check(root, records);
        rows
    }

    /// Places that this syntax cannot have.
    fn check(&self, root: &Section<'_>, records: &[Record]) {
        let tagged = self.tag().is_some();
        // Each record has the columns of all, since they share one header.
        let all: usize = records.iter().flat_map(|r| &r.fields).map(|f| places::spots(&f.place).len()).sum();
        if self.delimited().is_some_and(|d| d.columns == Columns::Names) && all * records.len() > PLACES {
            let text = format!(
                "{} records that share one header of {all} places are more than {PLACES} in all.",
                records.len()
            );
            root.problem("record", text);
        }
        for record in records {
            if record.again {
                let first = records.first().is_some_and(|first| std::ptr::eq(first, record));
                if first || !matches!(record.role, Role::Opens(_)) {
                    let text = "again = true reads a row once more: expected behind the record that takes it first, and opening something.";
                    root.problem_at(record.span.clone(), "record.again", text, None);
                }
            }
            let by_names = self.delimited().is_some_and(|d| d.columns != Columns::Positions);
            if by_names && record.width.is_some() {
                let text = "a record of fixed width among delimited ones needs columns = \"positions\".";
                root.problem_at(record.span.clone(), "record.width", text, None);
            }
            if tagged == record.tags.is_empty() && records.len() > 1 {
                let text = if tagged { "the record has no tag." } else { "the syntax has no tag, but the record has." };
                root.problem_at(record.span.clone(), "record.tag", text, None);
            }
            self.check_keys(root, record);
            for field in &record.fields {
                for spot in places::spots(&field.place) {
                    if record.each.is_some() && piece(spot.name()).is_some() {
                        continue;
                    }
                    if let Some(problem) = self.place_problem(record, spot.name()) {
                        root.problem_at(field.span.clone(), "record.fields", problem, None);
                    }
                }
            }
        }
    }

    /// Keys of nodes and lists stand at places too, and belong to records that open or add something below the head.
    fn check_keys(&self, root: &Section<'_>, record: &Record) {
        let report = |key: &str, text: String| root.problem_at(record.span.clone(), key, text, None);
        let has_parent = |role| matches!(role, Role::Opens(group) if self.parents[group] != 0);
        if !record.parent_by.is_empty() && !has_parent(record.role) {
            report(
                "record.parent_by",
                "parent_by belongs to a record that opens a group below another group.".to_string(),
            );
        }
        if !record.node_by.is_empty() && !matches!(record.role, Role::Opens(1..) | Role::Adds(1..)) {
            report("record.node_by", "node_by belongs to a record that opens a group or adds to one.".to_string());
        }
        let keys = [
            ("record.group_by", &record.group_by),
            ("record.node_by", &record.node_by),
            ("record.parent_by", &record.parent_by),
        ];
        let keys = keys.into_iter().flat_map(|(key, spots)| spots.iter().map(move |spot| (key, spot)));
        for (key, spot) in keys.chain(record.each.iter().map(|each| ("record.each", &each.place))) {
            let is_piece = record.each.is_some() && piece(spot.name()).is_some() && key != "record.group_by";
            if is_piece || key == "record.group_by" && spot.name() == WHOLE_FILE {
                continue;
            }
            if record.each.is_some() && piece(spot.name()).is_some() {
                report(key, "a piece of a list cannot say which message its row belongs to.".to_string());
            } else if let Some(problem) = self.place_problem(record, spot.name()) {
                report(key, problem);
            }
        }
    }

    fn place_problem(&self, record: &Record, name: &str) -> Option<String> {
        match &self.options.cutting {
            Cutting::Delimited(d) if d.columns == Columns::Positions && record.width.is_none() => {
                let number = name.parse::<usize>().is_ok_and(|n| (1..=COLUMNS).contains(&n));
                let several =
                    name.split_once('-').is_some_and(|(a, b)| [a, b].iter().all(|n| n.parse::<usize>().is_ok()));
                (!number).then(|| match several {
                    true => format!(
                        "\"{name}\" names several columns; expected a row for each, \"3 + 4\" where they are one value, or [delimited] more = \"ignore\" \
                         for all behind the last row."
                    ),
                    false => format!(
                        "\"{name}\" is not a column number from 1 to {COLUMNS}; for headings say columns = \"names\"."
                    ),
                })
            }
            Cutting::Delimited(_) => record.width.and_then(|width| columns_problem(name, width)),
            Cutting::Tagged(_) => {
                let is_marker = name.starts_with("marker");
                let wrong = is_marker && options::marker_columns(name).is_none() || name.is_empty();
                wrong.then(|| {
                    format!("\"{name}\" is neither a tag nor characters of the marker line like \"marker 3-\".")
                })
            }
            Cutting::Fixed(fixed) => columns_problem(name, record.width.unwrap_or(fixed.width)),
        }
    }

    pub(super) fn delimited(&self) -> Option<&Delimited> {
        match &self.options.cutting {
            Cutting::Delimited(delimited) => Some(delimited),
            Cutting::Fixed(_) | Cutting::Tagged(_) => None,
        }
    }

    fn parents(&self) -> &[usize] {
        &self.parents
    }

    fn quote(&self) -> u8 {
        self.delimited().and_then(|d| d.quote).unwrap_or(b'"')
    }

    /// Where the record type stands.
    fn tag(&self) -> Option<At> {
        match &self.options.cutting {
            Cutting::Delimited(d) => {
                let columns = d.tag_columns.clone().map(|c| At::Columns(c.start, c.end));
                d.tag.map(|tag| At::Cell(tag - 1)).or(columns)
            }
            Cutting::Fixed(f) => f.tag.clone().map(|c| At::Columns(c.start, c.end)),
            Cutting::Tagged(t) => Some(At::Marker(t.tag.start, t.tag.end)),
        }
    }

    /// Whether fewer and more columns are allowed; nothing for fixed width.
    fn ragged(&self) -> Option<(bool, bool)> {
        self.delimited().map(|d| (d.fewer_allowed, d.more_allowed))
    }

    /// Whether further columns may be there when they are blank.
    fn blanks_behind(&self) -> bool {
        self.delimited().is_some_and(|d| d.more_blank)
    }

    /// Whether these names are the headings that the layout needs.
    pub(super) fn heads(&self, layout: &Layout, names: &[String]) -> bool {
        self.delimited().is_some_and(|d| places::by_names(d, &layout.records, &self.parents, names).is_ok())
    }

    /// The cells below these names that a field of ours is read from.
    pub(super) fn read_cells(&self, layout: &Layout, names: &[String]) -> BTreeSet<usize> {
        self.delimited().map(|d| places::read_cells(d, &layout.records, names)).unwrap_or_default()
    }

    pub(super) fn spots_of<'f>(&self, field: &'f Field) -> &'f [Spot] {
        places::spots(&field.place)
    }

    fn fixed_readings(&self, layout: &Layout) -> Vec<Reading> {
        places::by_position(&self.options.cutting, &layout.records, &self.parents)
    }

    fn style(&self) -> Style {
        match &self.options.cutting {
            Cutting::Delimited(d) if d.sheet => Style::Sheet,
            Cutting::Delimited(d) => {
                let (delimiter, quote, line_breaks) = (d.delimiter, d.quote, d.line_breaks);
                let whole = Some(&self.widths).filter(|widths| !widths.by_tag.is_empty()).cloned();
                Style::Cells { delimiter, quote, line_breaks, padded: d.padded_quotes, whole }
            }
            Cutting::Fixed(fixed) if fixed.has_line_ends => Style::Lines,
            Cutting::Fixed(_) => Style::Records(self.widths.clone()),
            Cutting::Tagged(_) => Style::Blocks(self.tags.clone()),
        }
    }

    /// Whether the extent must be opened, and by which record.
    fn opener<'l>(&self, scope: Scope, layout: &'l Layout) -> (bool, &'l str) {
        let role = if scope == Scope::File { Role::OpensFile } else { Role::OpensInterchange };
        let needed = if scope == Scope::File { self.file_needed } else { self.interchange_needed };
        (needed, layout.records.iter().find(|r| r.role == role).map_or("", |r| r.name.as_str()))
    }

    /// The record without which the extent is not complete.
    fn closer<'l>(&self, scope: Scope, layout: &'l Layout) -> Option<&'l str> {
        let role = if scope == Scope::File { Role::ClosesFile } else { Role::ClosesInterchange };
        layout.records.iter().find(|r| r.role == role && r.required).map(|r| r.name.as_str())
    }

    pub(super) fn completeness(&self, layout: &Layout, tail: &[u8], whole: bool) -> Completeness {
        tail::completeness(layout, self, tail, whole)
    }

    pub(super) fn recognises(&self, layout: &Layout, head: &[u8]) -> bool {
        tail::recognises(layout, self, head)
    }

    pub(super) fn rebuild(
        &self,
        layout: &Layout,
        original: &mut dyn Input,
        messages: &[Range<u64>],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        reject::rebuild(layout, self, original, messages, out)
    }

    pub(super) fn redact(
        &self,
        layout: &Layout,
        original: &mut dyn Read,
        copier: &mut Copier<'_>,
    ) -> Result<Redacted, RedactError> {
        redact::redact(layout, self, original, copier)
    }

    pub(super) fn encoder<'w>(
        &'w self,
        layout: &'w Layout,
        context: EncodeContext,
        out: &'w mut dyn Write,
    ) -> Result<Box<dyn Encoder + 'w>, EncodeError> {
        Ok(Box::new(RowEncoder::new(layout, self, context, out)?))
    }

    pub(super) fn decode(
        &self,
        layout: &Layout,
        input: &mut dyn Input,
        context: &DecodeContext<'_>,
        sink: &mut dyn Sink,
    ) -> io::Result<Decoded> {
        let order = if self.grouped { grouped::survey(layout, self, input, context)? } else { Order::AsItStands };
        let mut assembly = Assembly::new(layout, context, sink);
        if let Order::ColumnsTwice(at) = order {
            assembly.fatal(wording::columns_twice(at.place("")));
            return Ok(assembly.end());
        }
        assembly.read_name(context, input)?;
        if let Some(problem) = tail::unended(self, input)? {
            assembly.fatal(problem);
        }
        input.rewind()?;
        let mut head = &mut *input;
        let mut reader = RowReader::open(&mut head, &layout.encoding, self.style())?;
        let encoding = reader.encoding().clone();
        if let Some(misread) = reader.misread() {
            assembly.fatal(match misread {
                Misread::Wide => wording::utf16_unexpected(encoding.name()),
                Misread::Narrow => wording::utf16_missing(encoding.name()),
            });
            return Ok(assembly.end());
        }
        let mut decoder = Decoder::new(layout, self, assembly, &encoding);
        let mut preamble = Preamble::new(layout, self);
        while let Some(row) = reader.next()? {
            if !preamble.is_over() {
                match preamble.take(&row, &encoding, &mut decoder.readings) {
                    Ok(Opening::Taken) => continue,
                    Ok(Opening::Content) if matches!(order, Order::Sorted(..)) => break,
                    Ok(Opening::Content) => {}
                    Err(problem) => {
                        decoder.assembly.fatal(problem);
                        return Ok(decoder.assembly.end());
                    }
                }
            }
            if matches!(order, Order::Sorted(..)) {
                break;
            }
            if preamble.says_nothing(&row) {
                continue;
            }
            decoder.row(&row);
            if decoder.assembly.stopped() {
                return Ok(decoder.assembly.end());
            }
        }
        if preamble.is_due() {
            let empty = if self.options.empty_allowed { None } else { Some(wording::file_empty()) };
            let missing = preamble.headless().or(empty);
            missing.into_iter().for_each(|problem| decoder.assembly.fatal(problem));
            return Ok(decoder.assembly.end());
        }
        if let Order::Sorted(sorted, readings) = order {
            decoder.readings = readings;
            let again = reader.again();
            grouped::replay(sorted, input, &again, self.style(), &mut decoder)?;
        }
        Ok(decoder.end())
    }
}
