//! Makes a message of the records found in its element: picks the record that is meant, opens its node, reads its fields.

use crate::model::diagnostic::Problem;
use crate::model::layout::assembly::{Assembly, At};
use crate::model::layout::expression::Values;
use crate::model::layout::form::Direction;
use crate::model::layout::plan::{Checked, Condition, Control, Field, Ours, Place, Record, Role, Scope, piece};
use crate::model::layout::{Layout, Syntax};
use crate::model::wording;

use super::read::{BETWEEN, Found, FoundRecord};
use super::tree::{RecordPlaces, RecordSet, Tree, elsewhere, is_piece};
use super::unread::{self, UNREAD};

/// Fills the message begun last from the found records, the first being the message's own.
pub(super) fn build(layout: &Layout, tree: &Tree, found: &Found, first: usize, assembly: &mut Assembly<'_>) {
    for record in found.records[..first].iter().filter(|record| tree.sets[record.set].around) {
        let filler = Filler { layout, set: &tree.sets[record.set], found, record, piece: None, left: "" };
        filler.give(assembly);
    }
    let left = if tree.keeps_unread { left_of(layout, tree, found, first) } else { Vec::new() };
    // Records inside an ignored one are ignored with it.
    let mut ignored = vec![false; found.records.len() - first];
    for (index, record) in found.records[first..].iter().enumerate() {
        let inside = record.around.is_some_and(|around| around >= first && ignored[around - first]);
        let set = &tree.sets[record.set];
        let left = left.get(index).map_or("", String::as_str);
        let filler = Filler { layout, set, found, record, piece: None, left };
        ignored[index] = inside || !filler.fill(assembly);
    }
    for (index, record) in layout.records.iter().enumerate() {
        let below_head =
            matches!(record.role, Role::Opens(group) if group > 0 && layout.kind.groups[group].parent == 0);
        let there = || found.records[first..].iter().any(|f| tree.sets[f.set].records.contains(&index));
        if record.required && below_head && !there() {
            let at = found.records[first].at;
            assembly.problem(wording::group_missing(at.place(""), &record.name));
        }
    }
}

/// By record of a message: what was read and no row of the record that is meant takes, where a row of it, or of none between,
/// keeps that.
fn left_of(layout: &Layout, tree: &Tree, found: &Found, first: usize) -> Vec<String> {
    let mut left = vec![String::new(); found.records.len() - first];
    for (index, record) in found.records[first..].iter().enumerate() {
        let set = &tree.sets[record.set];
        let filler = Filler { layout, set, found, record, piece: None, left: "" };
        let meant = filler.meant_plainly().filter(|(index, _)| layout.records[*index].role != Role::Ignored);
        let rows = meant.map(|(index, places)| (&layout.records[index].fields[..], places));
        let keeps = |at: &usize| tree.sets[found.records[*at].set].unread.is_some();
        let around = |at: &usize| found.records[*at].around.filter(|at| *at >= first);
        let Some(keeper) = std::iter::successors(Some(first + index), around).find(keeps) else { continue };
        // Its own needs no name; of several records around a part of it, each is named.
        let tag = layout.records[set.records[0]].tags.first().filter(|_| keeper != first + index);
        let name = tag.map_or("", |tag| tag.rsplit('/').next().unwrap_or(tag));
        unread::left(found, record, set, &unread::plain(name), rows, &mut left[keeper - first]);
    }
    left
}

/// Checks the controls of a record around the messages; a wrong version or constant ends the file.
pub(super) fn check_envelope(
    layout: &Layout,
    tree: &Tree,
    found: &Found,
    record: usize,
    opening: bool,
    assembly: &mut Assembly<'_>,
) -> Option<Problem> {
    let record = &found.records[record];
    let set = &tree.sets[record.set];
    let filler = Filler { layout, set, found, record, piece: None, left: "" };
    for (index, places) in set.records.iter().zip(&set.places) {
        for (field, slots) in layout.records[*index].fields.iter().zip(&places.fields) {
            let Ours::Control(control) = &field.ours else { continue };
            let is_attribute = matches!(&field.place, Place::One(spot) if spot.name().starts_with('@'));
            if is_attribute != opening || field.form.direction == Direction::WriteOnly {
                continue;
            }
            if let Some(problem) = filler.check(control, field, slots, assembly) {
                return Some(problem);
            }
        }
    }
    None
}

struct Filler<'f> {
    layout: &'f Layout,
    set: &'f RecordSet,
    found: &'f Found,
    record: &'f FoundRecord,
    /// The piece of a list that is read, and what stands between its parts.
    piece: Option<(&'f str, Option<&'f str>)>,
    /// What was read and no row takes.
    left: &'f str,
}

impl Filler<'_> {
    /// Reads the record into the message; false when it is of no interest or not known.
    fn fill(&self, assembly: &mut Assembly<'_>) -> bool {
        let Some((index, places)) = self.meant(assembly) else { return false };
        let Some(each) = self.layout.records[index].each.as_ref() else {
            return self.fill_node(index, places, assembly);
        };
        let list = self.first(&places.each).map_or("", |(text, _)| text);
        let pieces = list.split(&each.between).map(str::trim).filter(|piece| !piece.is_empty());
        pieces.fold(true, |is_known, piece| {
            let piece = Some((piece, each.within.as_deref()));
            Filler { piece, ..*self }.fill_node(index, places, assembly) && is_known
        })
    }

    fn fill_node(&self, index: usize, places: &RecordPlaces, assembly: &mut Assembly<'_>) -> bool {
        let record = &self.layout.records[index];
        let node = match record.role {
            Role::Opens(0) => Some(0),
            Role::Opens(group) => assembly.open(group, self.record.at),
            Role::Adds(group) => assembly.current(group),
            _ => return false,
        };
        let Some(node) = node else { return false };
        assembly.totals.element(index, record.role);
        let mut below = Below::default();
        for (field, slots) in record.fields.iter().zip(&places.fields) {
            if field.form.direction != Direction::WriteOnly {
                self.field(record, field, slots, node, &mut below, assembly);
            }
        }
        true
    }

    /// The values of a record around the messages, given to the open message.
    fn give(&self, assembly: &mut Assembly<'_>) {
        for (index, places) in self.set.records.iter().zip(&self.set.places) {
            let record = &self.layout.records[*index];
            if !matches!(record.role, Role::OpensFile | Role::OpensInterchange) || !self.holds(record, places, assembly)
            {
                continue;
            }
            let mut below = Below::default();
            for (field, slots) in record.fields.iter().zip(&places.fields) {
                let is_value = matches!(field.ours, Ours::Field { .. } | Ours::Extra { .. });
                if is_value && field.form.direction != Direction::WriteOnly {
                    self.field(record, field, slots, 0, &mut below, assembly);
                }
            }
        }
    }

    /// The first record of the set whose conditions hold.
    fn meant(&self, assembly: &mut Assembly<'_>) -> Option<(usize, &RecordPlaces)> {
        for (index, places) in self.set.records.iter().zip(&self.set.places) {
            if self.holds(&self.layout.records[*index], places, assembly) {
                return Some((*index, places));
            }
        }
        let names: Vec<&str> = self.set.records.iter().map(|r| self.layout.records[*r].name.as_str()).collect();
        let told = self.set.places.iter().flat_map(|p| &p.conditions).find_map(|slots| self.first(slots));
        let told = told.map_or("", |(text, _)| text.trim());
        assembly.flawed(wording::record_unknown(self.record.at.place(""), told, &names));
        None
    }

    /// The same, and nothing is told: a record whose condition cannot be computed is not meant.
    fn meant_plainly(&self) -> Option<(usize, &RecordPlaces)> {
        let mut records = self.set.records.iter().zip(&self.set.places);
        records
            .find(|(index, places)| self.holds_or(&self.layout.records[**index], places, |_| {}))
            .map(|(i, p)| (*i, p))
    }

    fn holds(&self, record: &Record, places: &RecordPlaces, assembly: &mut Assembly<'_>) -> bool {
        self.holds_or(record, places, |problem| assembly.problem(problem))
    }

    fn holds_or(&self, record: &Record, places: &RecordPlaces, mut tell: impl FnMut(Problem)) -> bool {
        let mut holds = true;
        for ((condition, slots), joins) in record.when.iter().zip(&places.conditions).zip(&places.joins) {
            holds &= match condition {
                Condition::Is { words, not, .. } => {
                    let value = self.first(slots).map_or("", |(text, _)| text.trim());
                    let is_word = words.iter().any(|word| elsewhere(word).is_none() && word == value);
                    (is_word || self.is_elsewhere(value, joins)) != *not
                }
                Condition::Holds(expression) => expression.holds(self.values()).unwrap_or_else(|why| {
                    tell(wording::expression_failed(self.record.at.place(""), &why));
                    false
                }),
            };
        }
        holds
    }

    /// Does the record around say the same in one of these places?
    fn is_elsewhere(&self, value: &str, joins: &[usize]) -> bool {
        let Some(around) = self.record.around.map(|index| &self.found.records[index]).filter(|_| !value.is_empty())
        else {
            return false;
        };
        let mut texts = joins.iter().filter_map(|slot| self.found.text_of(around.first_slot + slot));
        texts.any(|(text, _)| text.trim() == value)
    }

    /// The first of alternative places that the file has.
    fn first(&self, slots: &[usize]) -> Option<(&str, At)> {
        slots.iter().find_map(|slot| self.found.text_of(self.record.first_slot + slot))
    }

    /// All places by name, for expressions.
    fn values(&self) -> Values {
        let mut values = Values::default();
        for (slot, name) in self.set.slots.iter().enumerate() {
            let text = self.found.text_of(self.record.first_slot + slot).map_or("", |(text, _)| text.trim());
            values.add(name, text);
        }
        values
    }

    fn field(
        &self,
        record: &Record,
        field: &Field,
        slots: &[Vec<usize>],
        node: u32,
        below: &mut Below,
        assembly: &mut Assembly<'_>,
    ) {
        if let Ours::Control(control) = &field.ours {
            let problem = self.check(control, field, slots, assembly);
            return problem.map_or((), |problem| match control.scope {
                Scope::Message => assembly.problem(problem),
                _ => assembly.fatal(problem),
            });
        }
        let (Ours::Field { .. } | Ours::Extra { .. }) = &field.ours else { return };
        let made;
        let (text, at) = match &field.place {
            Place::One(spot) if is_piece(record, field) => {
                (self.piece(piece(spot.name()).unwrap_or(0)), self.record.at)
            }
            Place::One(spot) if spot.name() == UNREAD => {
                made = self.unread(&slots[0], &field.form.join);
                (made.as_str(), self.record.at)
            }
            Place::One(_) => match self.first(&slots[0]) {
                Some((text, at)) if text.contains(BETWEEN) => {
                    made = joined(text, &field.form.join);
                    (made.as_str(), at)
                }
                Some(found) => found,
                None if field.form.default.is_some() || field.form.required => ("", self.record.at),
                None => return,
            },
            Place::Nowhere => ("", self.record.at),
            Place::Joined(_) => match self.joined(slots, &field.form.join) {
                Some((text, at)) => {
                    made = text;
                    (made.as_str(), at)
                }
                None if field.form.default.is_some() || field.form.required => ("", self.record.at),
                None => return,
            },
            Place::Either { lengths, .. } => match self.either(slots, lengths, &field.form.join) {
                Some((text, at)) => {
                    made = text;
                    (made.as_str(), at)
                }
                None if field.form.default.is_some() || field.form.required => ("", self.record.at),
                None => return,
            },
            Place::Computed(expression) => match expression.text(self.values()) {
                Ok(text) => {
                    made = text;
                    (made.as_str(), self.record.at)
                }
                Err(why) => {
                    return assembly.problem(wording::expression_failed(self.record.at.place(&field.label), &why));
                }
            },
        };
        let says_nothing = text.trim().is_empty() && field.form.default.is_none() && !field.form.required;
        if says_nothing && matches!(&self.layout.syntax, Syntax::Xml(xml) if xml.options.blank_leaves) {
            return;
        }
        if let Some(node) = self.target(record, field, text, node, below, assembly) {
            assembly.set(node, field, text, at);
        }
    }

    /// What no row takes: of the elements, and of what was read for the record and those in it.
    fn unread(&self, slots: &[usize], join: &str) -> String {
        let own = self.first(slots).map_or("", |(text, _)| text);
        let both: Vec<&str> = [own, self.left].into_iter().filter(|text| !text.is_empty()).collect();
        joined(&both.join("\u{1E}"), join)
    }

    /// The piece that is read, or the nth of its parts.
    fn piece(&self, nth: usize) -> &str {
        let (piece, within) = self.piece.unwrap_or_default();
        match (nth, within) {
            (0, _) => piece,
            (nth, Some(within)) => piece.split(within).nth(nth - 1).unwrap_or_default(),
            (_, None) => "",
        }
    }

    /// The first of several that says something, each of so many slots.
    fn either(&self, slots: &[Vec<usize>], lengths: &[usize], join: &str) -> Option<(String, At)> {
        let mut rest = slots;
        let mut found = lengths.iter().filter_map(|length| {
            let (slots, behind) = rest.split_at(*length);
            rest = behind;
            self.joined(slots, join)
        });
        found.find(|(text, _)| !text.trim().is_empty())
    }

    /// The parts that are given, joined; nothing where the file has none of them.
    fn joined(&self, slots: &[Vec<usize>], join: &str) -> Option<(String, At)> {
        let found: Vec<(&str, At)> = slots.iter().filter_map(|part| self.first(part)).collect();
        let at = found.first()?.1;
        let given: Vec<&str> = found.iter().map(|(text, _)| text.trim()).filter(|text| !text.is_empty()).collect();
        Some((given.join(join), at))
    }

    /// The node that a field belongs to: the record's own, one above, or one below that its first value opens.
    fn target(
        &self,
        record: &Record,
        field: &Field,
        text: &str,
        node: u32,
        below: &mut Below,
        assembly: &mut Assembly<'_>,
    ) -> Option<u32> {
        let (group, nth) = match &field.ours {
            Ours::Field { group, nth, .. } => (*group, *nth),
            Ours::Extra { group, .. } => (*group, 0),
            _ => return None,
        };
        let own = record.role.group();
        if group == own {
            return Some(node);
        }
        let groups = &self.layout.kind.groups;
        let is_below = own == 0
            || std::iter::successors(Some(group), |g| Some(groups[*g].parent).filter(|_| *g != 0)).any(|g| g == own);
        if !is_below {
            return assembly.current(group);
        }
        if let Some((_, _, known)) = below.0.iter().find(|(g, n, _)| (*g, *n) == (group, nth)) {
            return Some(*known);
        }
        if text.trim().is_empty() && field.form.default.is_none() {
            return None;
        }
        let opened = assembly.open(group, self.record.at)?;
        below.0.push((group, nth, opened));
        Some(opened)
    }

    fn check(
        &self,
        control: &Control,
        field: &Field,
        slots: &[Vec<usize>],
        assembly: &mut Assembly<'_>,
    ) -> Option<Problem> {
        let found = slots.first().and_then(|alternatives| self.first(alternatives));
        let (text, at) = match (found, &control.what) {
            (Some(found), _) => found,
            (None, Checked::Constant(_) | Checked::Version(_)) if !field.form.optional => ("", self.record.at),
            (None, _) => return None,
        };
        assembly.totals.check(control, &field.form, text, || at.place(&field.label))
    }
}

/// The texts of a place that takes all of them; empty ones say nothing.
fn joined(texts: &str, join: &str) -> String {
    let given: Vec<&str> = texts.split(BETWEEN).map(str::trim).filter(|text| !text.is_empty()).collect();
    given.join(join)
}

/// Nodes opened below the record's own: group, number, node.
#[derive(Default)]
struct Below(Vec<(usize, usize, u32)>);
