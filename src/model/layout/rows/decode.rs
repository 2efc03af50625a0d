//! Rows to messages: which record a row is, what it does to the message, interchange and file, and its values.
//!
//! A row that is flawed refuses the message it belongs to; where that cannot be known, the one it stands in. Nothing of a
//! row is ever attached to a message while the row before it is in doubt.

use super::options::Cutting;
use super::places::{At, Reading, Source, Target};
use super::text::RowText;
use super::values::{Unreadable, group_key, key_at, open_children, value_of};
use super::{Rows, header, heading, tell};
use crate::model::diagnostic::{Place, Problem};
use crate::model::layout::Layout;
use crate::model::layout::assembly::{Assembly, At as Where};
use crate::model::layout::plan::{Checked, Ours, Role, Scope};
use crate::model::syntax::delimited::Row;
use crate::model::syntax::encoding::Encoding;
use crate::model::wording;

/// A value of an interchange's or file's first record, given to every message in it.
struct Carried {
    scope: Scope,
    record: usize,
    field: usize,
    text: String,
    at: Where,
}

/// Takes rows one by one.
pub struct Decoder<'a> {
    layout: &'a Layout,
    rows: &'a Rows,
    pub assembly: Assembly<'a>,
    pub readings: Vec<Reading>,
    encoding: Encoding,
    scratch: String,
    joined: String,
    decoded: String,
    carried: Vec<Carried>,
    file_open: bool,
    interchange_open: bool,
    /// The record that closes the file has come.
    rows_closed: bool,
    /// The open message has met the record that closes it.
    message_closed: bool,
    /// Nodes opened for the row's children.
    child_nodes: Vec<Option<u32>>,
    /// Key of the open message, where rows are grouped.
    group_key: Vec<u8>,
    /// A row that could not be told apart stood before: the next message is in doubt.
    doubt: bool,
    /// A further piece of a list in a row that was read already.
    repeated: bool,
    /// Of a message whose rows are tied together by their key: its head has come.
    has_head: bool,
    /// The open message is nothing but rows that no record takes.
    strayed: bool,
    /// No row has come yet.
    untouched: bool,
}

impl<'a> Decoder<'a> {
    pub fn new(layout: &'a Layout, rows: &'a Rows, assembly: Assembly<'a>, encoding: &Encoding) -> Self {
        Decoder {
            layout,
            rows,
            assembly,
            readings: rows.fixed_readings(layout),
            encoding: encoding.clone(),
            scratch: String::new(),
            joined: String::new(),
            decoded: String::new(),
            carried: Vec::new(),
            file_open: false,
            interchange_open: false,
            rows_closed: false,
            message_closed: false,
            child_nodes: Vec::new(),
            group_key: Vec::new(),
            doubt: false,
            repeated: false,
            has_head: false,
            strayed: false,
            untouched: true,
        }
    }

    /// Takes a row that is not the header.
    pub fn row(&mut self, row: &Row<'_>) {
        let at = Where { line: row.line, byte: row.range.start };
        let mut decoded = std::mem::take(&mut self.decoded);
        let encoding = self.encoding.clone();
        self.told_apart(&RowText::new(row, &encoding, self.rows.quote(), &mut decoded), at);
        self.decoded = decoded;
    }

    fn told_apart(&mut self, text: &RowText<'_>, at: Where) {
        if header::is_column_row(self.layout, self.rows, text, &mut self.scratch) {
            if let Err(problem) = header::take_column_row(self.layout, self.rows, &mut self.readings, text, at) {
                self.assembly.fatal(problem);
            }
            return;
        }
        let record = tell::record_of(self.layout, self.rows, &self.readings, text, &mut self.scratch, &mut self.joined);
        let mangled = || tell::mangled(self.layout, self.rows, &self.readings, text, record?, at);
        let flaw = text.utf8_instead().map(|c| wording::utf8_unexpected(at.place(""), self.encoding.name(), c));
        let flaw = flaw.or_else(|| text.row.flaw.map(|flaw| tell::flaw_problem(flaw, self.rows, text, at)));
        let flaw = flaw.or_else(mangled);
        if std::mem::take(&mut self.untouched)
            && let (Some(record), None) = (record, &flaw)
            && let Some(problem) = heading::told(self.layout, self.rows, (record, &self.readings[record]), text, at)
        {
            self.lost(text.row, at, problem);
            self.doubt = false;
            return self.finish_message();
        }
        match record {
            Some(record) if self.layout.records[record].role == Role::Ignored => self.passed_over(record, text, at),
            Some(record) => {
                self.each_piece(record, text, at, flaw);
                let mut before = record;
                while let Some(record) = tell::again_after(before, self.layout, &self.readings, text, &mut self.joined)
                {
                    let cut = tell::cut_off(self.layout, &self.readings[record], text, record, at);
                    self.each_piece(record, text, at, cut);
                    before = record;
                }
            }
            None if flaw.is_none() && self.rows.options.unknown_records_ignored => {}
            None => {
                let problem =
                    flaw.unwrap_or_else(|| tell::unknown(self.layout, self.rows, text, at, &mut self.scratch));
                self.lost(text.row, at, problem);
            }
        }
    }

    /// A row of no interest. What must stand in it is looked at all the same: a heading between the rows says where the
    /// columns below it are, and nothing may be read by position where it says something else.
    fn passed_over(&mut self, record: usize, text: &RowText<'_>, at: Where) {
        self.assembly.totals.record(record);
        let plan = &self.layout.records[record];
        for step in &self.readings[record].steps {
            let field = &plan.fields[step.field];
            let Ours::Control(control) = &field.ours else { continue };
            if !matches!(control.what, Checked::Constant(_) | Checked::Version(_)) {
                continue;
            }
            let value = value_of(&self.readings[record], step, plan, text, &mut self.scratch, &mut self.joined);
            let problem = match value {
                Ok(found) => {
                    let found = found.unwrap_or_default();
                    self.assembly.totals.check(control, &field.form, found, || at.place(&field.label))
                }
                Err(wrong) => Some(wrong.problem(&self.encoding, at, &field.label)),
            };
            problem.into_iter().for_each(|problem| self.assembly.fatal(problem));
        }
    }

    /// The row, once for each piece of its list where the record reads one.
    fn each_piece(&mut self, record: usize, text: &RowText<'_>, at: Where, flaw: Option<Problem>) {
        let plan = &self.layout.records[record];
        let (Some(each), Some(list_at), None) = (&plan.each, self.readings[record].each, &flaw) else {
            return self.dispatch(record, text, at, flaw);
        };
        let list = match text.at(list_at, &mut self.scratch) {
            Ok(list) => list.unwrap_or_default().to_string(),
            Err(unmapped) => {
                let problem = Unreadable::Bytes(unmapped).problem(&self.encoding, at, each.place.name());
                return self.dispatch(record, text, at, Some(problem));
            }
        };
        let mut pieces = list.split(&each.between).map(str::trim).filter(|piece| !piece.is_empty()).peekable();
        if pieces.peek().is_none() && !plan.again {
            return self.dispatch(record, &text.at_piece("", None), at, None);
        }
        for (nth, piece) in pieces.enumerate() {
            self.repeated = nth > 0;
            self.dispatch(record, &text.at_piece(piece, each.within.as_deref()), at, None);
        }
        self.repeated = false;
    }

    fn dispatch(&mut self, record: usize, text: &RowText<'_>, at: Where, flaw: Option<Problem>) {
        let role = self.layout.records[record].role;
        match role {
            Role::OpensFile => {
                self.finish_message();
                self.file_open = true;
                self.envelope(record, text, at, flaw, Some(Scope::File));
            }
            Role::OpensInterchange => {
                self.finish_message();
                self.close_missing(Scope::Interchange, Some(at));
                self.interchange_open = true;
                self.carried.retain(|c| c.scope == Scope::File);
                self.envelope(record, text, at, flaw, Some(Scope::Interchange));
            }
            Role::ClosesInterchange | Role::ClosesFile => self.close(record, text, at, flaw),
            _ if self.rows.grouped => self.grouped_row(record, text, at, flaw),
            Role::Opens(0) => {
                self.finish_message();
                self.begin(at);
                self.message_row(record, text, at, flaw);
            }
            _ => {
                if !self.assembly.is_open() {
                    self.begin(at);
                    let heads = || self.layout.records.iter().filter(|r| r.role == Role::Opens(0));
                    if heads().all(|head| head.required) {
                        let head = heads().next().map_or("", |r| r.name.as_str());
                        let name = &self.layout.records[record].name;
                        self.assembly.flawed(wording::record_misplaced(at.place(""), name, head));
                    }
                }
                self.message_row(record, text, at, flaw);
                if role == Role::ClosesMessage {
                    self.message_closed = true;
                    self.finish_message();
                }
            }
        }
    }

    fn begin(&mut self, at: Where) {
        if self.rows.interchange_needed && !self.interchange_open || self.rows.file_needed && !self.file_open {
            self.assembly.fatal(wording::record_misplaced(at.place(""), "message", "header of the file"));
        }
        self.has_head = false;
        self.assembly.begin(at);
        for carried in &self.carried {
            let field = &self.layout.records[carried.record].fields[carried.field];
            self.assembly.set(0, field, &carried.text, carried.at);
        }
    }

    fn finish_message(&mut self) {
        if !self.assembly.is_open() {
            return;
        }
        let closed = std::mem::take(&mut self.message_closed);
        if std::mem::take(&mut self.strayed) {
            return self.assembly.finish();
        }
        if let (Some(closer), false) = (self.rows.message_closer, closed) {
            let record = &self.layout.records[closer];
            let place = self.assembly.begun_at().place("");
            self.assembly.problem(wording::record_missing(place, &record.name));
        }
        if self.rows.head_needed.is_some() && !self.has_head && !self.assembly.is_hopeless() {
            let place = self.assembly.begun_at().place("");
            let name = self.rows.head_needed.map_or("", |head| self.layout.records[head].name.as_str());
            self.assembly.problem(wording::head_missing(place, name));
        }
        self.assembly.finish();
    }

    /// A row of the open message.
    fn message_row(&mut self, record: usize, text: &RowText<'_>, at: Where, flaw: Option<Problem>) {
        self.strayed = false;
        let plan = &self.layout.records[record];
        let is_first = !plan.again && !self.repeated;
        if is_first || plan.role == Role::Opens(0) {
            self.assembly.bytes(text.row.range.clone());
        }
        if is_first {
            self.assembly.totals.record(record);
        }
        self.has_head |= plan.role == Role::Opens(0);
        if let Some(problem) = flaw {
            self.assembly.totals.unreadable(&self.layout.records[record]);
            return self.assembly.flawed(problem);
        }
        let role = self.layout.records[record].role;
        let own = self.own_node(record, text, at);
        match own {
            Some(own) => self.fill(record, text, at, own),
            None if self.assembly.is_hopeless() => {}
            None => {
                let parent = self.layout.kind.groups[role.group()].parent;
                let before = if matches!(role, Role::Adds(_)) { role.group() } else { parent };
                let before = self.layout.kind.groups[before].element.clone();
                let name = &self.layout.records[record].name;
                self.assembly.flawed(wording::record_misplaced(at.place(""), name, &before));
            }
        }
    }

    /// The node that the row opens or adds to, found by its key where the record has one. Nothing is tied to what merely
    /// came before by a key that is not there.
    fn own_node(&mut self, record: usize, text: &RowText<'_>, at: Where) -> Option<u32> {
        let plan = &self.layout.records[record];
        let reading = &self.readings[record];
        let mut key = Vec::new();
        for (spots, places) in [(&plan.parent_by, &reading.parent_by), (&plan.node_by, &reading.node_by)] {
            if !spots.is_empty() && !key_at(places, text, &mut self.scratch, &mut key) {
                self.assembly.flawed(wording::value_missing(at.place(spots[0].name())));
                return None;
            }
        }
        if let Role::Opens(group @ 1..) = plan.role
            && key_at(&reading.parent_by, text, &mut self.scratch, &mut key)
        {
            self.assembly.open_keyed(self.layout.kind.groups[group].parent, &key, at)?;
        }
        let keyed = key_at(&reading.node_by, text, &mut self.scratch, &mut key);
        match plan.role {
            Role::Opens(0) | Role::ClosesMessage => Some(0),
            Role::Opens(group) if keyed => self.assembly.open_keyed(group, &key, at),
            Role::Opens(group) => self.assembly.open(group, at),
            Role::Adds(group) if keyed => self.assembly.go_on(group, &key),
            Role::Adds(group) => self.assembly.current(group),
            _ => None,
        }
    }

    /// A row whose key says which message it belongs to.
    fn grouped_row(&mut self, record: usize, text: &RowText<'_>, at: Where, flaw: Option<Problem>) {
        let mut key = std::mem::take(&mut self.joined).into_bytes();
        let known = group_key(&self.readings[record], text, &mut self.scratch, &mut key);
        if let (false, Some(problem)) = (known, &flaw) {
            return self.lost(text.row, at, problem.clone());
        }
        if !known || !self.assembly.is_open() || key != self.group_key {
            self.finish_message();
            self.begin(at);
            if std::mem::take(&mut self.doubt) {
                self.assembly.flawed(wording::row_in_doubt(at.place("")));
            }
            std::mem::swap(&mut self.group_key, &mut key);
        }
        key.clear();
        self.joined = String::from_utf8(key).unwrap_or_default();
        self.message_row(record, text, at, flaw);
        if !known {
            self.group_key.clear();
        }
    }

    /// A row of which nothing can be said: it may belong to the message it stands in, to the next, or begin one.
    pub fn lost(&mut self, row: &Row<'_>, at: Where, problem: Problem) {
        self.assembly.totals.lost_row();
        if !self.assembly.is_open() {
            self.begin(at);
            self.strayed = true;
        }
        self.assembly.bytes(row.range.clone());
        self.doubt = self.rows.grouped;
        self.assembly.flawed(problem);
    }

    /// The next row does not stand behind the last one in the file.
    pub fn forget_doubt(&mut self) {
        self.doubt = false;
    }

    /// The first record of a file or interchange.
    fn envelope(&mut self, record: usize, text: &RowText<'_>, at: Where, flaw: Option<Problem>, opens: Option<Scope>) {
        if let Some(scope) = opens {
            self.assembly.totals.open(scope);
        }
        self.assembly.totals.record(record);
        match flaw {
            Some(problem) => self.assembly.fatal(problem),
            None => self.carry(record, text, at),
        }
    }

    fn carry(&mut self, record: usize, text: &RowText<'_>, at: Where) {
        let plan = &self.layout.records[record];
        let scope = plan.role.scope();
        for step in &self.readings[record].steps {
            let field = &plan.fields[step.field];
            let value = value_of(&self.readings[record], step, plan, text, &mut self.scratch, &mut self.joined);
            match (value, &field.ours) {
                (Err(wrong), _) => self.assembly.fatal(wrong.problem(&self.encoding, at, &field.label)),
                (Ok(found), Ours::Control(control)) => {
                    let found = found.unwrap_or_default();
                    if let Some(problem) =
                        self.assembly.totals.check(control, &field.form, found, || at.place(&field.label))
                    {
                        self.assembly.fatal(problem);
                    }
                }
                (Ok(found), _) => self.carried.push(Carried {
                    scope,
                    record,
                    field: step.field,
                    text: found.unwrap_or_default().to_string(),
                    at,
                }),
            }
        }
    }

    /// The last record of an interchange or file.
    fn close(&mut self, record: usize, text: &RowText<'_>, at: Where, flaw: Option<Problem>) {
        self.finish_message();
        let scope = self.layout.records[record].role.scope();
        let open = if scope == Scope::File { &mut self.file_open } else { &mut self.interchange_open };
        let (needed, opener) = self.rows.opener(scope, self.layout);
        if needed && !std::mem::take(open) {
            let name = &self.layout.records[record].name;
            self.assembly.fatal(wording::record_misplaced(at.place(""), name, opener));
        }
        if scope == Scope::File {
            self.rows_closed = true;
        }
        self.envelope(record, text, at, flaw, None);
        for problem in self.assembly.totals.close(scope, &self.layout.records) {
            self.assembly.fatal(problem);
        }
    }

    /// Says so when an interchange or file was opened and not closed by its last record.
    /// `before` is where the next one begins; without it the file has ended.
    fn close_missing(&mut self, scope: Scope, before: Option<Where>) {
        let open = if scope == Scope::File { !self.rows_closed } else { self.interchange_open };
        let closer = self.rows.closer(scope, self.layout);
        if let (true, Some(name)) = (open, closer) {
            self.assembly.fatal(match before {
                Some(at) => wording::record_missing_before(at.place(""), name),
                None => wording::file_truncated(Place::default(), &format!("its record \"{name}\"")),
            });
        }
    }

    /// The file has ended.
    pub fn end(mut self) -> crate::model::layout::Decoded {
        self.finish_message();
        let empty = self.assembly.messages() == 0;
        if empty && !self.rows.options.empty_allowed {
            self.assembly.fatal(wording::file_empty());
        } else {
            self.close_missing(Scope::Interchange, None);
            self.close_missing(Scope::File, None);
        }
        self.assembly.end()
    }

    /// Sets the values of a row into its nodes.
    fn fill(&mut self, record: usize, text: &RowText<'_>, at: Where, own: u32) {
        let plan = &self.layout.records[record];
        let reading = &self.readings[record];
        if !reading.children.is_empty() {
            self.child_nodes = open_children(reading, plan, text, at, &mut self.assembly, &mut self.scratch);
        }
        let is_block = matches!(self.rows.options.cutting, Cutting::Tagged(_));
        for step in &reading.steps {
            let node = match step.target {
                Target::Own | Target::Control => Some(own),
                Target::Above(group) => self.assembly.current(group),
                Target::Child(child) => self.child_nodes[child],
            };
            let Some(node) = node else { continue };
            let field = &plan.fields[step.field];
            let row_at = at;
            let at = if is_block { block_line(text, &step.source, at) } else { at };
            if let Source::One(At::Cell(cell)) = step.source {
                // The fast path: a cell that is a piece of the row and goes straight to its field.
                if let (Some(value), Ours::Field { group, field: index, .. }) = (text.plain_cell(cell), &field.ours) {
                    self.assembly.set_field(node, field, *group, *index, value, at);
                    continue;
                }
            }
            let value = match value_of(reading, step, plan, text, &mut self.scratch, &mut self.joined) {
                Ok(Some(value)) => value,
                Ok(None) if field.form.required || field.form.default.is_some() => "",
                Ok(None) => continue,
                Err(wrong) => {
                    // What it says of bytes counts from the row's first.
                    let mut problem = wrong.problem(&self.encoding, row_at, &field.label);
                    problem.place = at.place(&field.label);
                    self.assembly.unreadable(node, field, problem);
                    continue;
                }
            };
            let Ours::Control(control) = &field.ours else {
                self.assembly.set(node, field, value, at);
                continue;
            };
            if let Some(problem) = self.assembly.totals.check(control, &field.form, value, || at.place(&field.label)) {
                let constant = matches!(control.what, Checked::Constant(_) | Checked::Version(_));
                if control.scope == Scope::Message || constant {
                    self.assembly.problem(problem);
                } else {
                    self.assembly.fatal(problem);
                }
            }
        }
        for (cell, name) in &reading.kept {
            if let Ok(Some(value)) = text.at(At::Cell(*cell), &mut self.scratch) {
                self.assembly.add_extra(own, name, value.trim());
            }
        }
    }
}

/// Where a value of a block stands: on its own line.
fn block_line(text: &RowText<'_>, source: &Source, at: Where) -> Where {
    let first = source.parts().iter().find_map(|part| match part {
        At::Cell(cell) => text.row.cells.get(*cell).filter(|cell| !cell.is_absent()),
        _ => None,
    });
    first.map_or(at, |cell| tell::line_of(text, at, cell.start as usize))
}
