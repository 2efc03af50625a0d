//! The paths of all records and places of a layout as states, so that a segment is compared only with what can come
//! where it stands.

use crate::model::document::Section;
use crate::model::layout::cover::Cover;
use crate::model::layout::form::{Direction, Shape};
use crate::model::layout::plan::{Field, Ours, Place, Record, Role, Spot};
use crate::model::syntax::edifact::Tag;

use super::options::Options;
use super::place::{Path, Piece, Step, UNREAD, parse, parse_steps};

/// Stands for no state.
pub(super) const NOWHERE: usize = usize::MAX;

/// A segment at its place among others.
#[derive(Debug)]
pub(super) struct State {
    pub step: Step,
    /// It begins this record.
    pub record: Option<usize>,
    /// Of a record: places of the segment that begins it, each with a condition of its own.
    pub own: Vec<(Step, Capture)>,
    pub captures: Vec<Capture>,
    pub children: Vec<(Tag, Vec<usize>)>,
}

/// A piece of a segment that goes into a slot of the record around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Capture {
    pub slot: usize,
    pub piece: Piece,
}

/// Where the values of a record stand.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub slots: Vec<SlotPlan>,
    /// By field: its parts, each with the slots of its other names.
    pub fields: Vec<Vec<Vec<usize>>>,
    /// The slot of segments that no other row reads.
    pub unread: Option<usize>,
}

#[derive(Debug)]
pub(super) struct SlotPlan {
    /// As the layout writes it.
    pub name: String,
    pub each: bool,
    /// Of several segments the numbers are added.
    pub sum: bool,
    pub join: String,
    /// How it is overwritten where it is personal.
    pub cover: Option<Cover>,
}

#[derive(Debug)]
pub(super) struct States {
    pub states: Vec<State>,
    pub places: Vec<Places>,
    /// States of the records UNH and UNB; `NOWHERE` without one.
    pub message: usize,
    pub interchange: usize,
    /// Some record keeps what no other row reads.
    pub keeps_unread: bool,
}

impl States {
    pub(super) fn compile(root: &Section<'_>, options: &Options, records: &[Record]) -> Self {
        let (states, places) = (Vec::new(), Vec::new());
        let mut made = States { states, places, message: NOWHERE, interchange: NOWHERE, keeps_unread: false };
        made.places.resize_with(records.len(), Places::default);
        // Those of the envelope first: all others stand below the message.
        let first = |role: Role| !matches!(role, Role::Opens(0) | Role::OpensInterchange);
        let mut order: Vec<usize> = (0..records.len()).collect();
        order.sort_by_key(|index| first(records[*index].role));
        for index in order {
            let record = &records[index];
            if !record.when.is_empty() || !record.group_by.is_empty() {
                let text = "conditions stand in the tag here, like ALC+A or NAD[3.3=9].";
                root.problem_at(record.span.clone(), "record.tag", text, None);
            }
            let bases = made.bases(root, options, record, index);
            made.fields(root, options, record, index, &bases);
        }
        if made.message == NOWHERE {
            root.problem("record", "no [[record]] with tag = \"UNH\" opens the message.");
        }
        made
    }

    /// The states of a record's tags.
    fn bases(&mut self, root: &Section<'_>, options: &Options, record: &Record, index: usize) -> Vec<usize> {
        let report = |text: String| root.problem_at(record.span.clone(), "record.tag", text, None);
        let mut bases = Vec::new();
        for tag in &record.tags {
            let steps = match parse_steps(tag) {
                Ok(steps) => steps,
                Err(text) => {
                    report(text);
                    continue;
                }
            };
            match (record.role, tag.as_str()) {
                (Role::Opens(0), "UNH") => self.message = self.add(steps[0].clone(), Some(index)),
                (Role::OpensInterchange, "UNB") => self.interchange = self.add(steps[0].clone(), Some(index)),
                (Role::Opens(group), _) if group > 0 => {}
                (Role::Adds(_) | Role::Ignored, _) => {}
                _ => {
                    report(
                        "a message is opened by UNH, an interchange by UNB; both are closed without a record.".into(),
                    );
                    continue;
                }
            }
            match record.role {
                Role::Opens(0) => bases.push(self.message),
                Role::OpensInterchange => bases.push(self.interchange),
                _ if self.message == NOWHERE => {}
                _ => {
                    let (before, last) = steps.split_at(steps.len() - 1);
                    self.check_groups(before, options, &report);
                    let around = before.iter().fold(self.message, |from, step| self.below(from, step));
                    bases.extend(last.iter().map(|step| self.add_below(around, step.clone(), Some(index))));
                }
            }
        }
        if record.tags.is_empty() {
            report("the record has no tag.".to_string());
        }
        bases
    }

    fn add(&mut self, step: Step, record: Option<usize>) -> usize {
        self.states.push(State { step, record, own: Vec::new(), captures: Vec::new(), children: Vec::new() });
        self.states.len() - 1
    }

    fn add_below(&mut self, from: usize, step: Step, record: Option<usize>) -> usize {
        let tag = step.tag;
        let made = self.add(step, record);
        let children = &mut self.states[from].children;
        match children.iter_mut().find(|(known, _)| *known == tag) {
            Some((_, states)) => states.push(made),
            None => children.push((tag, vec![made])),
        }
        made
    }

    /// The state of this step below another: the same again where there is one.
    fn below(&mut self, from: usize, step: &Step) -> usize {
        let same = self.states[from].children.iter().flat_map(|(_, states)| states);
        let known = same.copied().find(|state| self.states[*state].step == *step);
        known.unwrap_or_else(|| self.add_below(from, step.clone(), None))
    }

    fn check_groups(&self, steps: &[Step], options: &Options, report: &dyn Fn(String)) {
        for step in steps {
            if !options.groups.iter().any(|group| group.tag == step.tag) {
                let tag = String::from_utf8_lossy(&step.tag.0).to_string();
                report(format!("nothing belongs to {tag}: [edifact.groups] does not say what follows it."));
            }
        }
    }

    fn fields(&mut self, root: &Section<'_>, options: &Options, record: &Record, index: usize, bases: &[usize]) {
        for field in &record.fields {
            let report = |text: String| root.problem_at(field.span.clone(), "record.fields", text, None);
            let spots = match &field.place {
                Place::One(spot) => std::slice::from_ref(spot),
                Place::Joined(spots) | Place::Either { spots, .. } => &spots[..],
                Place::Nowhere | Place::Computed(_) => &[],
            };
            let parts = spots.iter().map(|spot| self.part(spot, field, options, index, bases, &report)).collect();
            self.places[index].fields.push(parts);
        }
        for field in record.fields.iter().filter(|field| field.personal) {
            if let Place::Computed(expression) = &field.place {
                for slot in self.places[index].slots.iter_mut().filter(|slot| expression.names(&slot.name)) {
                    slot.cover.get_or_insert_with(Cover::default);
                }
            }
        }
    }

    /// The slots of one place, one for each of its names.
    fn part(
        &mut self,
        spot: &Spot,
        field: &Field,
        options: &Options,
        record: usize,
        bases: &[usize],
        report: &dyn Fn(String),
    ) -> Vec<usize> {
        let mut slots = Vec::new();
        for name in &spot.names {
            if name == UNREAD {
                slots.push(self.unread_slot(field, record, report));
                continue;
            }
            let path = match parse(name) {
                Ok(path) => path,
                Err(text) => {
                    report(text);
                    continue;
                }
            };
            if field.form.direction == Direction::WriteOnly {
                // Read, such a row says nothing, and must contradict nothing.
                continue;
            }
            let each = path.steps.iter().any(|step| step.each);
            let sum = each && matches!(field.form.shape, Shape::Number(_));
            let known = self.places[record].slots.iter().position(|slot| slot.name == *name && slot.sum == sum);
            let slot = known.unwrap_or_else(|| {
                let plan = SlotPlan { name: name.clone(), each, sum, join: field.form.join.clone(), cover: None };
                self.places[record].slots.push(plan);
                self.places[record].slots.len() - 1
            });
            if known.is_none() {
                self.check_groups(&path.steps[..path.steps.len() - 1], options, report);
                for base in bases {
                    self.capture(*base, &path, Capture { slot, piece: path.piece });
                }
            }
            if field.personal {
                let cover = Cover::of(&field.form);
                let known = &mut self.places[record].slots[slot].cover;
                match known {
                    Some(known) => known.merge(&cover),
                    None => *known = Some(cover),
                }
            }
            slots.push(slot);
        }
        if matches!(field.ours, Ours::Control(_)) && matches!(field.place, Place::Joined(_)) {
            report("a control has one place.".to_string());
        }
        slots
    }

    /// The slot of what no other row reads, one a record.
    fn unread_slot(&mut self, field: &Field, record: usize, report: &dyn Fn(String)) -> usize {
        if field.form.direction != Direction::ReadOnly {
            report("what no other row reads cannot be written: the row needs read-only.".to_string());
        }
        let places = &mut self.places[record];
        let cover = field.personal.then(|| Cover::of(&field.form));
        let slot = *places.unread.get_or_insert_with(|| {
            let (name, join) = (UNREAD.to_string(), field.form.join.clone());
            places.slots.push(SlotPlan { name, each: true, sum: false, join, cover: None });
            places.slots.len() - 1
        });
        if cover.is_some() {
            places.slots[slot].cover = cover;
        }
        self.keeps_unread = true;
        slot
    }

    fn capture(&mut self, base: usize, path: &Path, capture: Capture) {
        if let [step] = &path.steps[..]
            && step.tag == self.states[base].step.tag
        {
            self.states[base].own.push((step.clone(), capture));
            return;
        }
        let mut at = base;
        for step in &path.steps {
            // Steps of a record of its own are not gone through: what stands there belongs to that one.
            let children = self.states[at].children.iter().flat_map(|(_, states)| states).copied();
            let plain: Vec<usize> = children.filter(|state| self.states[*state].record.is_none()).collect();
            let known = plain.into_iter().find(|state| self.states[*state].step == *step);
            at = known.unwrap_or_else(|| self.add_below(at, step.clone(), None));
        }
        self.states[at].captures.push(capture);
    }
}
