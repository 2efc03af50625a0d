//! The paths of a layout as a tree of states: one state an element that the layout knows.
//!
//! All records with the same path share a state and a set of slots, one a place that any of them names. A state says what
//! happens when its element opens: which record begins, and into which slot of which open record its text goes.

use crate::model::document::{Section, suggest};
use crate::model::kind::Kind;
use crate::model::layout::form::Direction;
use crate::model::layout::limits::{PLACES, STEPS};
use crate::model::layout::plan::{Condition, Field, Ours, Place, Record, Role, Spot, piece};
use crate::model::syntax::xml::Tag;

use super::options::Options;
use super::place::XmlPlace;
use super::unread::UNREAD;

/// Index of the state outside the root element.
pub const OUTSIDE: usize = 0;

#[derive(Debug)]
pub struct Tree {
    /// Messages and what stands beside them are joined by a key.
    pub joins: bool,
    pub states: Vec<State>,
    pub sets: Vec<RecordSet>,
    /// Attributes and the values that some captures want them to have.
    pub wanted: Vec<(String, String)>,
    /// Some row keeps what no other takes.
    pub keeps_unread: bool,
}

impl Tree {
    /// Does the element have what the capture wants of it?
    pub fn takes(&self, capture: &Capture, tag: &Tag<'_>) -> bool {
        capture.wants.is_none_or(|at| {
            let (name, value) = &self.wanted[at];
            tag.attributes().any(|attribute| attribute.name == name && attribute.value.trim() == value)
        })
    }
}

#[derive(Debug, Default)]
pub struct State {
    /// Local name, and the namespace where the layout wants one.
    pub name: String,
    pub space: Option<String>,
    /// That of the element around.
    parent: usize,
    pub children: Vec<usize>,
    /// The records that begin with this element.
    pub set: Option<usize>,
    /// Where the element's text goes.
    pub captures: Vec<Capture>,
    /// Where the values of its attributes go.
    pub attributes: Vec<(String, Capture)>,
}

/// A slot of an open record, so many records out from the innermost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capture {
    pub out: usize,
    pub slot: usize,
    /// Only where an attribute of the element has a value: an index of the tree's `wanted`.
    pub wants: Option<usize>,
}

/// Which of several values at one place is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// There is one; another that says something else is a problem.
    One,
    /// The nth, from 1; the others are passed over.
    Nth(u32),
    /// All of them, joined.
    All,
}

/// Records told by the same path.
#[derive(Debug)]
pub struct RecordSet {
    /// In the layout's order: the first whose conditions hold is meant.
    pub records: Vec<usize>,
    /// By part of the key that ties it to its message: the slots that may hold it.
    pub key: Vec<Vec<usize>>,
    /// Names of the places, a slot each.
    pub slots: Vec<String>,
    /// The slot of what no row takes.
    pub unread: Option<usize>,
    /// By slot.
    pub picks: Vec<Pick>,
    /// The element of a message, or one beside it that belongs to a message by its key.
    pub opens_message: bool,
    /// It stands around messages and its values are given to each of them.
    pub around: bool,
    /// Of these, the slots that messages take a value from.
    pub given: Vec<usize>,
    /// By record and field: the slots of its places, alternatives in order.
    pub places: Vec<RecordPlaces>,
    state: usize,
}

#[derive(Debug, Default)]
pub struct RecordPlaces {
    /// By field: by part (several only for joined places): the slots that may hold it.
    pub fields: Vec<Vec<Vec<usize>>>,
    /// By condition: the slots of its place.
    pub conditions: Vec<Vec<usize>>,
    /// By condition: slots of the record around it that hold what is wanted there.
    pub joins: Vec<Vec<usize>>,
    /// Of a list whose pieces are read one by one: the slots of its place.
    pub each: Vec<usize>,
}

/// The place of the record around that a condition compares with: `when = ["id", "=info/buyer_id"]`.
pub fn elsewhere(word: &str) -> Option<&str> {
    word.strip_prefix('=').map(str::trim)
}

impl Tree {
    pub fn compile(root: &Section<'_>, options: &Options, kind: &Kind, records: &[Record]) -> Self {
        let mut compiler = Compiler {
            root,
            options,
            kind,
            records,
            tree: Tree {
                joins: records.iter().any(|record| !record.group_by.is_empty()),
                states: vec![State::default()],
                sets: Vec::new(),
                wanted: Vec::new(),
                keeps_unread: false,
            },
            states_of: vec![Vec::new(); records.len()],
            slots: 0,
            full: false,
        };
        compiler.place_records();
        compiler.place_fields();
        compiler.check_keys();
        compiler.tree
    }
}

/// The field is a piece of the list that its record reads, or a part of one.
pub fn is_piece(record: &Record, field: &Field) -> bool {
    matches!(&field.place, Place::One(spot) if record.each.is_some() && piece(spot.name()).is_some())
}

/// It stands beside the messages, and belongs to one by its key.
fn is_beside(record: &Record) -> bool {
    !record.group_by.is_empty() && record.role != Role::Opens(0)
}

/// No record opens the group, but values of one above it do.
pub fn opened_by_fields(records: &[Record], group: usize) -> bool {
    let fills = |field: &Field| matches!(field.ours, Ours::Field { group: g, .. } if g == group);
    let above = records.iter().filter(|r| matches!(r.role, Role::Opens(_)) && r.role != Role::Opens(group));
    !records.iter().any(|r| r.role == Role::Opens(group)) && above.flat_map(|r| &r.fields).any(fills)
}

struct Compiler<'c> {
    root: &'c Section<'c>,
    options: &'c Options,
    kind: &'c Kind,
    records: &'c [Record],
    tree: Tree,
    /// By record: its states, one a path.
    states_of: Vec<Vec<usize>>,
    /// Slots made so far.
    slots: usize,
    full: bool,
}

/// Elements that a layout may know, wherever they stand.
const STATES: usize = 20_000;
/// Places that one element's text may go to: a bit each while it is read.
pub const CAPTURES: usize = 64;

impl Compiler<'_> {
    fn report(&self, span: &std::ops::Range<usize>, text: String) {
        self.root.problem_at(span.clone(), "record", text, None);
    }

    /// Finds or makes the state of a path below a state.
    fn state(&mut self, from: usize, path: &str, span: &std::ops::Range<usize>) -> usize {
        let mut at = from;
        let steps = path.split('/').count();
        if steps > STEPS {
            self.report(span, format!("the path has {steps} steps; files are not nested deeper than {STEPS}."));
            return at;
        }
        for step in path.split('/').filter(|step| !matches!(*step, "" | ".")) {
            let (space, name) = match self.options.step(step) {
                Ok((space, name)) => (space.map(str::to_string), name),
                Err(prefix) => {
                    let known: Vec<&str> = self.options.namespaces.iter().map(|(p, _)| p.as_str()).collect();
                    let text = format!("\"{prefix}:\" is not declared in [xml.namespaces].");
                    self.root.problem_at(span.clone(), "record", text, suggest(prefix, &known));
                    // What stands behind it is still looked at.
                    (None, step.split_once(':').map_or(step, |(_, name)| name))
                }
            };
            self.check_name(name, step, span);
            let states = &self.tree.states;
            let found =
                states[at].children.iter().copied().find(|c| states[*c].name == name && states[*c].space == space);
            let made = self.tree.states.len();
            if found.is_none() && made > STATES {
                self.too_many(span);
                return at;
            }
            at = found.unwrap_or_else(|| {
                self.tree.states.push(State { name: name.to_string(), space, parent: at, ..State::default() });
                self.tree.states[at].children.push(made);
                made
            });
        }
        at
    }

    /// Paths lead downwards and name what they mean: no `..`, no `*`, no positions.
    fn check_name(&self, name: &str, step: &str, span: &std::ops::Range<usize>) {
        let first = name.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
        if !first || !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.')) {
            let text = format!(
                "\"{step}\" is not the name of an element or attribute; a path is like address/street or address/@type, \
                 downwards from the record's element."
            );
            self.report(span, text);
        }
    }

    fn place_records(&mut self) {
        let options = self.options;
        let root_state = self.state(OUTSIDE, &options.root, &self.root.span());
        for (index, record) in self.records.iter().enumerate() {
            match record.role {
                Role::OpensFile | Role::OpensInterchange => self.place_record(index, &[root_state]),
                _ if self.above(record).is_none() => {
                    let text = "an XML record opens or adds; it closes nothing, since its element ends itself.";
                    self.report(&record.span, text.to_string());
                }
                _ => {}
            }
        }
        let interchanges = self.records.iter().zip(&self.states_of).filter(|(r, _)| r.role == Role::OpensInterchange);
        let mut around: Vec<usize> = interchanges.flat_map(|(_, states)| states.iter().copied()).collect();
        around.dedup();
        let around = if around.is_empty() { vec![root_state] } else { around };
        // Parents first: a record stands below the elements that open its parent group.
        for depth in 0..=self.kind.groups.len() {
            for (index, record) in self.records.iter().enumerate() {
                let is_around = matches!(record.role, Role::OpensFile | Role::OpensInterchange);
                let Some(above) = self.above(record).filter(|_| !is_around) else { continue };
                if above.map_or(0, |group| 1 + self.depth_of(group)) != depth {
                    continue;
                }
                let from = match above {
                    Some(group) if !is_beside(record) => self.openers_above(group),
                    _ => around.clone(),
                };
                self.place_record(index, &from);
            }
        }
        for set in self.tree.sets.iter().filter(|set| set.around && set.opens_message) {
            let text = "the message's own element cannot belong to all messages too; say what it says of the file in the record \
                        that opens the message, like version(2) of file.";
            self.report(&self.records[set.records[0]].span, text.to_string());
        }
        for (record, states) in self.records.iter().zip(&self.states_of) {
            if states.is_empty() && !record.tags.is_empty() && self.above(record).is_some() {
                self.report(
                    &record.span,
                    "no record opens the part of the message that this one belongs to.".to_string(),
                );
            }
        }
    }

    /// Where records are joined by a key, the messages have it, and what belongs to their heads.
    fn check_keys(&self) {
        for record in self.records.iter().filter(|r| r.each.is_some() && !matches!(r.role, Role::Opens(1..))) {
            let text = "each opens a node for each piece of a list; expected it in a record that opens a group.";
            self.report(&record.span, text.to_string());
        }
        if !self.tree.joins {
            return;
        }
        let heads = self.records.iter().filter(|r| r.role == Role::Opens(0));
        for head in heads.filter(|head| head.tags.iter().any(|tag| tag == ".")) {
            self.report(&head.span, "nothing can stand beside a message that is the root itself.".to_string());
        }
        let parts = self.records.iter().find(|r| r.role == Role::Opens(0)).map_or(0, |head| head.group_by.len());
        for record in self.records {
            let belongs = self.above(record).flatten() == Some(0) && record.role != Role::Ignored;
            let is_wrong = match record.role {
                Role::Opens(0) => parts == 0 || record.group_by.len() != parts,
                _ => is_beside(record) && (!belongs || record.group_by.len() != parts),
            };
            if is_wrong {
                let text = "group_by joins what stands beside the messages to them: expected it with as many places in the record \
                            that opens the message and in each that opens or adds something right below its head.";
                self.report(&record.span, text.to_string());
            }
        }
    }

    fn place_record(&mut self, index: usize, from: &[usize]) {
        let record = &self.records[index];
        if record.tags.is_empty() {
            self.report(&record.span, "tag is missing: the path of the record's element.".to_string());
        }
        for from in from {
            for tag in &record.tags {
                let state = self.state(*from, tag, &record.span);
                self.add_to_set(state, index);
            }
        }
    }

    /// The group in whose element a record stands; the outer `None` for roles that XML does not have.
    fn above(&self, record: &Record) -> Option<Option<usize>> {
        Some(match record.role {
            Role::OpensFile | Role::OpensInterchange | Role::Opens(0) => None,
            Role::Opens(group) => Some(self.kind.groups[group].parent),
            Role::Adds(group) => Some(group),
            Role::Ignored => Some(0),
            _ => return None,
        })
    }

    fn depth_of(&self, group: usize) -> usize {
        if group == 0 { 0 } else { 1 + self.depth_of(self.kind.groups[group].parent) }
    }

    /// The elements that open a group, or where a record's fields open it, those of that record.
    fn openers_above(&self, group: usize) -> Vec<usize> {
        let mut group = group;
        loop {
            let openers = self.openers(group);
            if !openers.is_empty() || group == 0 || !opened_by_fields(self.records, group) {
                return openers;
            }
            group = self.kind.groups[group].parent;
        }
    }

    fn openers(&self, group: usize) -> Vec<usize> {
        let opening = self.records.iter().zip(&self.states_of).filter(|(r, _)| r.role == Role::Opens(group));
        let mut states: Vec<usize> = opening.flat_map(|(_, states)| states.iter().copied()).collect();
        states.sort_unstable();
        states.dedup();
        states
    }

    fn add_to_set(&mut self, state: usize, record: usize) {
        self.states_of[record].push(state);
        let sets = &mut self.tree.sets;
        let set = *self.tree.states[state].set.get_or_insert_with(|| {
            sets.push(RecordSet {
                records: Vec::new(),
                key: Vec::new(),
                slots: Vec::new(),
                unread: None,
                picks: Vec::new(),
                opens_message: false,
                around: false,
                given: Vec::new(),
                places: Vec::new(),
                state,
            });
            sets.len() - 1
        });
        // A record whose tags lead to one element stands there once.
        if !sets[set].records.contains(&record) {
            sets[set].records.push(record);
        }
        sets[set].opens_message |= self.records[record].role == Role::Opens(0) || is_beside(&self.records[record]);
        sets[set].around |= matches!(self.records[record].role, Role::OpensFile | Role::OpensInterchange);
    }

    fn place_fields(&mut self) {
        for set in 0..self.tree.sets.len() {
            // The layout's order decides between records, not the order in which they were placed.
            self.tree.sets[set].records.sort_unstable();
            for index in self.tree.sets[set].records.clone() {
                let record = &self.records[index];
                if self.tree.sets[set].key.is_empty() {
                    let key = record.group_by.iter().map(|spot| self.spot_slots(set, spot, &record.span)).collect();
                    self.tree.sets[set].key = key;
                }
                let each = record.each.as_ref();
                let each = each.map_or(Vec::new(), |each| self.spot_slots(set, &each.place, &record.span));
                let mut places = RecordPlaces { each, ..RecordPlaces::default() };
                for field in &record.fields {
                    let is_unread = matches!(&field.place, Place::One(spot) if spot.name() == UNREAD);
                    let in_message = matches!(record.role, Role::Opens(_) | Role::Adds(_));
                    if is_unread && (field.form.direction != Direction::ReadOnly || !in_message) {
                        let text = "what no other row takes cannot be written, and is that of a message: the row needs read-only.";
                        self.report(&field.span, text.to_string());
                    }
                    let slots = if is_piece(record, field) { Vec::new() } else { self.field_slots(set, field) };
                    if matches!(field.ours, Ours::Field { .. } | Ours::Extra { .. }) {
                        self.tree.sets[set].given.extend(slots.iter().flatten());
                    }
                    places.fields.push(slots);
                }
                for condition in &record.when {
                    let (slots, joins) = match condition {
                        Condition::Is { place, words, .. } => {
                            (self.spot_slots(set, place, &record.span), self.joins(set, words, &record.span))
                        }
                        Condition::Holds(_) => (Vec::new(), Vec::new()),
                    };
                    places.conditions.push(slots);
                    places.joins.push(joins);
                }
                self.tree.sets[set].places.push(places);
            }
        }
    }

    /// Slots of the record around that words of a condition name.
    fn joins(&mut self, set: usize, words: &[String], span: &std::ops::Range<usize>) -> Vec<usize> {
        let places: Vec<&str> = words.iter().filter_map(|word| elsewhere(word)).collect();
        let mut at = self.tree.sets[set].state;
        let around = loop {
            if places.is_empty() || at == OUTSIDE {
                break None;
            }
            at = self.tree.states[at].parent;
            if let Some(around) = self.tree.states[at].set {
                break Some(around);
            }
        };
        match around {
            Some(around) => places.into_iter().map(|place| self.slot(around, place, span)).collect(),
            None if places.is_empty() => Vec::new(),
            None => {
                self.report(span, "no record stands around this one whose places could be compared.".to_string());
                Vec::new()
            }
        }
    }

    fn field_slots(&mut self, set: usize, field: &Field) -> Vec<Vec<usize>> {
        match &field.place {
            Place::One(spot) => vec![self.spot_slots(set, spot, &field.span)],
            Place::Joined(spots) | Place::Either { spots, .. } => {
                spots.iter().map(|spot| self.spot_slots(set, spot, &field.span)).collect()
            }
            Place::Nowhere | Place::Computed(_) => Vec::new(),
        }
    }

    fn spot_slots(&mut self, set: usize, spot: &Spot, span: &std::ops::Range<usize>) -> Vec<usize> {
        spot.names.iter().map(|name| self.slot(set, name, span)).collect()
    }

    fn slot(&mut self, set: usize, name: &str, span: &std::ops::Range<usize>) -> usize {
        if let Some(known) = self.tree.sets[set].slots.iter().position(|slot| slot == name) {
            return known;
        }
        if name == UNREAD {
            let made = &mut self.tree.sets[set];
            made.slots.push(name.to_string());
            made.picks.push(Pick::One);
            made.unread = Some(made.slots.len() - 1);
            self.tree.keeps_unread = true;
            self.slots += 1;
            return made.slots.len() - 1;
        }
        let place = XmlPlace::parse(name).unwrap_or_else(|text| {
            self.report(span, text);
            XmlPlace { path: "", wants: None, pick: Pick::One, attribute: None }
        });
        self.slots += 1;
        if self.slots > PLACES {
            self.too_many(span);
            return 0;
        }
        let slot = self.tree.sets[set].slots.len();
        self.tree.sets[set].slots.push(name.to_string());
        self.tree.sets[set].picks.push(place.pick);
        let from = self.tree.sets[set].state;
        let state = self.state(from, place.path, span);
        if self.tree.sets[set].around && self.is_in_message(from, state) {
            let text = format!("\"{name}\" stands in a message: what stands around messages cannot look into them.");
            self.report(span, text);
        }
        let wants = place.wants.map(|(name, value)| {
            self.tree.wanted.push((name.to_string(), value.to_string()));
            self.tree.wanted.len() - 1
        });
        let attribute = place.attribute;
        let capture = Capture { out: self.records_between(from, state), slot, wants };
        match attribute {
            Some(attribute) => {
                let local = attribute.rsplit(':').next().unwrap_or(attribute).to_string();
                self.check_name(&local, &format!("@{attribute}"), span);
                self.tree.states[state].attributes.push((local, capture));
            }
            None if self.tree.states[state].captures.len() == CAPTURES => {
                self.report(span, format!("more than {CAPTURES} places take the text of this element."));
            }
            None => self.tree.states[state].captures.push(capture),
        }
        slot
    }

    /// Told once: every further path would be one too many too.
    fn too_many(&mut self, span: &std::ops::Range<usize>) {
        if !std::mem::replace(&mut self.full, true) {
            let text = format!(
                "the records with all their tags, below each other, have more than {STATES} elements or {PLACES} places; give them fewer tags."
            );
            self.report(span, text);
        }
    }

    /// On the way from one state down to another a message begins.
    fn is_in_message(&self, from: usize, to: usize) -> bool {
        let mut at = to;
        while at != from && at != OUTSIDE {
            if self.tree.states[at].set.is_some_and(|set| self.tree.sets[set].opens_message) {
                return true;
            }
            at = self.tree.states.iter().position(|s| s.children.contains(&at)).unwrap_or(OUTSIDE);
        }
        false
    }

    /// Records that begin on the way from one state down to another, the first not counted.
    fn records_between(&self, from: usize, to: usize) -> usize {
        let mut count = 0;
        let mut at = to;
        while at != from && at != OUTSIDE {
            count += usize::from(self.tree.states[at].set.is_some());
            at = self.tree.states[at].parent;
        }
        count
    }
}
