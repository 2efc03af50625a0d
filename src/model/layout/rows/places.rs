//! Where the places of a layout are in the rows of one file: columns found by header once, positions and fixed columns
//! from the start. What a row then needs is an index, never a name.

use std::collections::BTreeSet;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use super::options::{Columns, Cutting, Delimited, UnknownColumns, columns, marker_columns};
use crate::model::document::suggest;
use crate::model::layout::cover::Cover;
use crate::model::layout::form::Direction;
use crate::model::layout::plan::{Condition, Field, Ours, Place, Record, Role, Spot, WHOLE_FILE, piece};

/// A place in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    Cell(usize),
    /// Characters of the record.
    Columns(usize, usize),
    /// Characters of the marker line of a block.
    Marker(usize, usize),
    /// The piece of a list that is read (0), or the nth of its parts.
    Piece(usize),
    /// The file itself: the same for all rows.
    File,
    /// Not in this file.
    Absent,
}

/// Where a field's text comes from.
#[derive(Debug)]
pub enum Source {
    Nothing,
    One(At),
    Joined(Vec<At>),
    /// The first that says something, each of so many places.
    Either {
        parts: Vec<At>,
        lengths: Vec<usize>,
    },
    Computed,
}

impl Source {
    /// All places that it looks at.
    pub fn parts(&self) -> &[At] {
        match self {
            Source::One(at) => std::slice::from_ref(at),
            Source::Joined(parts) | Source::Either { parts, .. } => parts,
            Source::Nothing | Source::Computed => &[],
        }
    }
}

/// Which node a field goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The node this record opens or adds to.
    Own,
    /// The current node of a group above.
    Above(usize),
    /// A node below, opened for this row: index into `children`.
    Child(usize),
    /// No node: a control.
    Control,
}

/// What is done with one field of a record.
#[derive(Debug)]
pub struct Step {
    pub source: Source,
    pub target: Target,
    /// Index into the record's fields.
    pub field: usize,
}

/// A group below the record's own of which one row fills a node.
#[derive(Debug)]
pub struct Child {
    pub group: usize,
    pub nth: usize,
    /// Its parent among the children, or the record's own node.
    pub parent: Option<usize>,
}

/// One record, ready to read rows of this file.
#[derive(Debug, Default)]
pub struct Reading {
    pub steps: Vec<Step>,
    pub children: Vec<Child>,
    pub conditions: Vec<At>,
    pub group_by: Vec<At>,
    pub node_by: Vec<At>,
    pub parent_by: Vec<At>,
    /// Where the list stands whose pieces are read one by one.
    pub each: Option<At>,
    /// Personal places, and how they are overwritten.
    pub covers: Vec<(At, Cover)>,
    /// Unknown columns that are kept.
    pub kept: Vec<(usize, Arc<str>)>,
    /// Least and most cells of a row; for fixed width, characters.
    pub least: usize,
    pub most: usize,
    /// Characters of a record of fixed width that has all its columns.
    pub whole: usize,
    /// Places by name, for expressions.
    pub names: Vec<(String, At)>,
    /// Of tagged lines: the cells that this record may have.
    pub own_cells: Vec<usize>,
    /// Its places are columns of characters, whatever the other records are cut at.
    pub by_columns: bool,
    /// The columns are known (always, unless rows of the file name them).
    pub ready: bool,
}

/// Finds a spot in a row of this file.
type Find<'f> = &'f dyn Fn(&Spot) -> At;

impl Reading {
    fn new(record: &Record, parents: &[usize], find: Find<'_>) -> Self {
        let columns = find;
        let find: Find<'_> = &|spot| match piece_of(record, spot) {
            Some(piece) => At::Piece(piece),
            None => columns(spot),
        };
        let keys = |spots: &[Spot]| spots.iter().map(find).collect();
        let mut reading = Reading {
            ready: true,
            group_by: record.group_by.iter().map(|spot| if is_file(spot) { At::File } else { find(spot) }).collect(),
            node_by: keys(&record.node_by),
            parent_by: keys(&record.parent_by),
            each: record.each.as_ref().map(|each| columns(&each.place)),
            ..Reading::default()
        };
        for (index, field) in record.fields.iter().enumerate() {
            if field.form.direction == Direction::WriteOnly {
                continue;
            }
            for spot in spots(&field.place) {
                let at = find(spot);
                if !reading.names.iter().any(|(name, _)| name == spot.name()) {
                    reading.names.push((spot.name().to_string(), at));
                }
            }
            let target = match &field.ours {
                Ours::Computed(_) => continue,
                Ours::Ignored if !field.form.asks() => continue,
                Ours::Ignored => Target::Own,
                Ours::Control(_) => Target::Control,
                Ours::Field { group, nth, .. } => reading.target(record.role, *group, *nth, parents),
                Ours::Extra { group, .. } => reading.target(record.role, *group, 0, parents),
            };
            let source = match &field.place {
                Place::Nowhere => Source::Nothing,
                Place::One(spot) => match find(spot) {
                    // An optional column that this file does not have leaves the value missing.
                    At::Absent if field.form.default.is_none() => continue,
                    at => Source::One(at),
                },
                Place::Joined(parts) => Source::Joined(parts.iter().map(find).collect()),
                Place::Either { spots, lengths } => {
                    Source::Either { parts: spots.iter().map(find).collect(), lengths: lengths.clone() }
                }
                Place::Computed(_) => Source::Computed,
            };
            reading.steps.push(Step { source, target, field: index });
        }
        reading.conditions = record
            .when
            .iter()
            .map(|condition| match condition {
                Condition::Is { place, .. } => find(place),
                Condition::Holds(_) => At::Absent,
            })
            .collect();
        reading.covers = covers(record, columns);
        reading
    }

    fn target(&mut self, role: Role, group: usize, nth: usize, parents: &[usize]) -> Target {
        let own = role.group();
        if group == own {
            return Target::Own;
        }
        let mut at = own;
        while at != 0 {
            at = parents[at];
            if at == group {
                return Target::Above(group);
            }
        }
        Target::Child(self.child(own, group, nth, parents))
    }

    fn child(&mut self, own: usize, group: usize, nth: usize, parents: &[usize]) -> usize {
        if let Some(found) = self.children.iter().position(|c| (c.group, c.nth) == (group, nth)) {
            return found;
        }
        let above = parents[group];
        let parent = if above == own { None } else { Some(self.child(own, above, 0, parents)) };
        self.children.push(Child { group, nth, parent });
        self.children.len() - 1
    }
}

/// The part of a list's piece that a spot of the record is.
fn piece_of(record: &Record, spot: &Spot) -> Option<usize> {
    record.each.as_ref().and_then(|_| piece(spot.name()))
}

fn is_file(spot: &Spot) -> bool {
    spot.name() == WHOLE_FILE
}

pub fn spots(place: &Place) -> &[Spot] {
    match place {
        Place::One(spot) => std::slice::from_ref(spot),
        Place::Joined(parts) | Place::Either { spots: parts, .. } => parts,
        Place::Nowhere | Place::Computed(_) => &[],
    }
}

/// Where a record holds personal data: under every name of its places, whichever way they are used.
fn covers(record: &Record, find: Find<'_>) -> Vec<(At, Cover)> {
    let mut covers: Vec<(At, Cover)> = Vec::new();
    let whole = Cover::default();
    let mut add = |spot: &Spot, cover: &Cover| {
        // One piece of a list cannot be told from the others: all of it is overwritten.
        let list = record.each.as_ref().filter(|_| piece_of(record, spot).is_some());
        let (spot, cover) = list.map_or((spot, cover), |each| (&each.place, &whole));
        for name in &spot.names {
            let at = find(&Spot { names: vec![name.clone()] });
            match covers.iter_mut().find(|(known, _)| *known == at) {
                _ if at == At::Absent => {}
                Some((_, known)) => known.merge(cover),
                None => covers.push((at, cover.clone())),
            }
        }
    };
    for field in record.fields.iter().filter(|f| f.personal) {
        if let Place::Computed(expression) = &field.place {
            let looked_at = all_spots(record).filter(|(spot, _)| expression.names(spot.name()));
            looked_at.for_each(|(spot, _)| add(spot, &Cover::default()));
        }
        let cover = Cover::of(&field.form);
        spots(&field.place).iter().for_each(|spot| add(spot, &cover));
    }
    covers
}

/// All spots of a record with the field they belong to, conditions and grouping included.
fn all_spots(record: &Record) -> impl Iterator<Item = (&Spot, Option<&Field>)> {
    let fields = record.fields.iter().flat_map(|f| spots(&f.place).iter().map(move |s| (s, Some(f))));
    let conditions = record.when.iter().filter_map(|c| match c {
        Condition::Is { place, .. } => Some((place, None)),
        Condition::Holds(_) => None,
    });
    let keys = [&record.group_by, &record.node_by, &record.parent_by].into_iter().flatten().map(|s| (s, None));
    let list = record.each.iter().map(|each| (&each.place, None));
    let all = fields.chain(conditions).chain(keys).chain(list);
    all.filter(|(spot, _)| piece_of(record, spot).is_none() && !is_file(spot))
}

/// Readings of all records where no header is needed.
pub fn by_position(cutting: &Cutting, records: &[Record], parents: &[usize]) -> Vec<Reading> {
    let known = if let Cutting::Tagged(_) = cutting { tags(records) } else { Vec::new() };
    let mut readings: Vec<Reading> = records
        .iter()
        .map(|record| match cutting {
            Cutting::Delimited(d) if d.columns == Columns::Rows => Reading::default(),
            Cutting::Delimited(d) => match record.width {
                Some(width) => fixed_columns((width, true, d.more_allowed), record, parents),
                None => cells_by_position(record, parents, usize::from(d.by_file)),
            },
            Cutting::Tagged(_) => by_tag(record, &known, parents),
            Cutting::Fixed(fixed) => {
                let shorter = fixed.shorter_allowed && fixed.has_line_ends;
                let width = record.width.unwrap_or(fixed.width);
                fixed_columns((width, shorter, fixed.longer_allowed), record, parents)
            }
        })
        .collect();
    // A row that several records read has the columns of all of them.
    for at in (1..records.len()).rev().filter(|at| records[*at].again) {
        let (least, most) = (readings[at].least, readings[at].most);
        for first in (0..at).filter(|first| records[*first].tags == records[at].tags) {
            readings[first].least = readings[first].least.max(least);
            readings[first].most = readings[first].most.max(most);
        }
    }
    readings
}

/// `before`: columns that are not the sender's.
fn cells_by_position(record: &Record, parents: &[usize], before: usize) -> Reading {
    let find = |spot: &Spot| position(spot).map_or(At::Absent, |at| At::Cell(at + before));
    let mut reading = Reading::new(record, parents, &find);
    for (spot, field) in all_spots(record) {
        let cells = position(spot).map_or(0, |p| p + 1 + before);
        reading.most = reading.most.max(cells);
        if !field.is_some_and(|f| f.form.optional) {
            reading.least = reading.least.max(cells);
        }
    }
    reading
}

fn fixed_columns(
    (width, shorter_allowed, longer_allowed): (usize, bool, bool),
    record: &Record,
    parents: &[usize],
) -> Reading {
    let find = |spot: &Spot| columns(spot.name()).map_or(At::Absent, |c| At::Columns(c.start, c.end));
    let mut reading = Reading::new(record, parents, &find);
    reading.least = if shorter_allowed { 0 } else { width };
    reading.most = if longer_allowed { usize::MAX } else { width };
    reading.whole = width;
    reading.by_columns = true;
    reading
}

/// The tags that the records know, each once: the nth has the cell n + 1 of a block.
pub fn tags(records: &[Record]) -> Vec<&str> {
    let mut tags: Vec<&str> = Vec::new();
    for (spot, _) in records.iter().flat_map(all_spots) {
        for name in spot.names.iter().filter(|name| marker_columns(name).is_none()) {
            if !tags.contains(&name.as_str()) {
                tags.push(name);
            }
        }
    }
    tags
}

fn by_tag(record: &Record, known: &[&str], parents: &[usize]) -> Reading {
    let find = |spot: &Spot| match marker_columns(spot.name()) {
        Some(columns) => At::Marker(columns.start, columns.end),
        None => known.iter().position(|tag| *tag == spot.name()).map_or(At::Absent, |at| At::Cell(at + 1)),
    };
    let mut reading = Reading::new(record, parents, &find);
    reading.own_cells = all_spots(record).filter_map(|(spot, _)| cell_of(find(spot))).collect();
    reading.most = usize::MAX;
    reading
}

fn cell_of(at: At) -> Option<usize> {
    if let At::Cell(cell) = at { Some(cell) } else { None }
}

/// The cell that a spot names by its number (from 1).
pub fn position(spot: &Spot) -> Option<usize> {
    spot.name().parse::<usize>().ok()?.checked_sub(1)
}

/// Readings of all records by the names of one header line; `Err` tells the difference.
pub fn by_names(
    delimited: &Delimited,
    records: &[Record],
    parents: &[usize],
    names: &[String],
) -> Result<Vec<Reading>, String> {
    let wanted: Vec<&Record> = records.iter().collect();
    let header = Header::new(delimited, names);
    header.check(&wanted)?;
    Ok(records.iter().map(|record| header.reading(record, &wanted, parents)).collect())
}

/// The reading of one record by the names that a row of the file gives for it.
pub fn by_row(
    delimited: &Delimited,
    record: &Record,
    parents: &[usize],
    names: &[String],
    tag_at: usize,
) -> Result<Reading, String> {
    let mut header = Header::new(delimited, names);
    header.tag_at = Some(tag_at);
    header.check(&[record])?;
    Ok(header.reading(record, &[record], parents))
}

/// The cells below these names that are not passed over.
pub fn read_cells(delimited: &Delimited, records: &[Record], names: &[String]) -> BTreeSet<usize> {
    let header = Header::new(delimited, names);
    let counts = |field: Option<&Field>| field.is_none_or(|field| !matches!(field.ours, Ours::Ignored));
    let spots = records.iter().flat_map(all_spots).filter(|(_, field)| counts(*field));
    spots.filter_map(|(spot, _)| header.cell(spot)).collect()
}

struct Header<'h> {
    delimited: &'h Delimited,
    /// As compared.
    names: Vec<String>,
    found: &'h [String],
    /// The column that tells the record type, in rows that name their columns.
    tag_at: Option<usize>,
}

impl<'h> Header<'h> {
    fn new(delimited: &'h Delimited, found: &'h [String]) -> Self {
        let names = found.iter().map(|name| normal(name, delimited.any_case)).collect();
        Header { delimited, names, found, tag_at: None }
    }

    fn cell(&self, spot: &Spot) -> Option<usize> {
        spot.names.iter().find_map(|name| {
            let name = normal(name, self.delimited.any_case);
            self.names.iter().position(|found| *found == name)
        })
    }

    fn check(&self, records: &[&Record]) -> Result<(), String> {
        let mut missing = BTreeSet::new();
        let mut known: Vec<&str> = Vec::new();
        let mut used = BTreeSet::new();
        for (spot, field) in records.iter().flat_map(|r| all_spots(r)) {
            known.extend(spot.names.iter().map(String::as_str));
            let not_needed = field.is_some_and(|f| {
                f.form.optional || f.form.direction == Direction::WriteOnly || f.form.default.is_some()
            });
            match self.cell(spot) {
                Some(cell) => {
                    used.insert(cell);
                }
                None if !not_needed => {
                    missing.insert(spot.name());
                }
                None => {}
            }
        }
        let mut parts = Vec::new();
        if let Some(other) = self.other_delimiter().filter(|_| missing.len() > 1) {
            return Err(format!("it is not cut at \"{}\", but at \"{other}\"", self.delimited.delimiter as char));
        }
        if !missing.is_empty() {
            parts.push(format!("missing: {}", quoted(missing)));
        }
        let twice: BTreeSet<&str> = used
            .iter()
            .filter(|cell| self.names.iter().filter(|n| **n == self.names[**cell]).count() > 1)
            .map(|cell| self.found[*cell].trim())
            .collect();
        if !twice.is_empty() {
            parts.push(format!("there twice: {}", quoted(twice)));
        }
        // What stands there twice is known; once is enough to say so.
        let is_second = |cell: &usize| used.iter().any(|first| self.names[*first] == self.names[*cell]);
        let unknown = self.unknown(&used).filter(|cell| !is_second(cell));
        let unknown: Vec<&str> = unknown.map(|cell| self.found[cell].trim()).collect();
        if !unknown.is_empty() && (self.delimited.unknown_columns == UnknownColumns::Refuse || !parts.is_empty()) {
            let hints: Vec<String> = unknown.iter().filter_map(|name| suggest(name, &known)).collect();
            parts.push(format!("not known: {}", quoted(unknown)));
            parts.extend(hints.first().cloned().map(|hint| hint.trim_end_matches('?').to_string()));
        }
        if parts.is_empty() || parts.len() == 1 && parts[0].starts_with("not known") && self.unknown_pass() {
            return Ok(());
        }
        Err(parts.join("; "))
    }

    /// What seems to stand between the names of a header that is one piece.
    fn other_delimiter(&self) -> Option<&'static str> {
        let [whole] = self.found else { return None };
        let often = |other: &u8| whole.bytes().filter(|b| b == other).count() + 1;
        let others = b";,\t|".iter().filter(|other| **other != self.delimited.delimiter);
        others.max_by_key(|other| often(other)).filter(|other| often(other) > 2).map(|other| named(*other))
    }

    fn unknown_pass(&self) -> bool {
        self.delimited.unknown_columns != UnknownColumns::Refuse
    }

    /// Columns that no spot of the layout names; an unnamed last one is the trace of a delimiter at the line's end.
    fn unknown<'u>(&'u self, used: &'u BTreeSet<usize>) -> impl Iterator<Item = usize> + 'u {
        // In a sheet a value below no name is told where it stands.
        let between = move |cell: &usize| !self.delimited.sheet && cell + 1 < self.names.len();
        let named = move |cell: &usize| !self.names[*cell].is_empty() || between(cell);
        let free = move |cell: &usize| !used.contains(cell) && self.tag_at != Some(*cell);
        (0..self.names.len()).filter(move |cell| free(cell) && named(cell))
    }

    fn reading(&self, record: &Record, all: &[&Record], parents: &[usize]) -> Reading {
        let find = |spot: &Spot| self.cell(spot).map_or(At::Absent, At::Cell);
        let mut reading = Reading::new(record, parents, &find);
        reading.least = self.names.len();
        reading.most = self.names.len();
        if self.delimited.unknown_columns == UnknownColumns::Keep {
            let used: BTreeSet<usize> =
                all.iter().flat_map(|r| all_spots(r)).filter_map(|(spot, _)| self.cell(spot)).collect();
            reading.kept = self
                .unknown(&used)
                .filter(|cell| !self.names[*cell].is_empty())
                .map(|cell| (cell, Arc::from(self.found[cell].trim())))
                .collect();
        }
        reading
    }
}

fn normal(name: &str, any_case: bool) -> String {
    let name = name.trim_matches(|c: char| c.is_whitespace() || c == '\u{a0}' || c == '\u{feff}');
    // A letter and its mark apart, as some systems write them, are the same heading.
    let name: String = name.nfc().collect();
    if any_case { name.to_lowercase() } else { name }
}

fn named(delimiter: u8) -> &'static str {
    match delimiter {
        b'\t' => "tab",
        b',' => ",",
        b'|' => "|",
        _ => ";",
    }
}

fn quoted<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    names
        .into_iter()
        .map(|name| format!("\"{}\"", crate::model::diagnostic::shown(name)))
        .collect::<Vec<_>>()
        .join(", ")
}
