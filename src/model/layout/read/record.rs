//! One `[[record]]`: what it is told by, what it does, and its field rows `[place, ours, form, partner's name]`.

use std::sync::Arc;

use crate::model::document::{Section, Spot as Found, suggest};
use crate::model::kind::{Class, FieldType, Kind, change_type};
use crate::model::layout::expression::Expression;
use crate::model::layout::form::{Direction, Form, read_form};
use crate::model::layout::limits::WIDTH;
use crate::model::layout::lookup::Lookup;
use crate::model::layout::naming::{BUILT_IN, NameShape, Naming};
use crate::model::layout::plan::{
    CONTROLS, Checked, Condition, Control, Each, Field, Ours, Place, Record, Role, Scope, Spot,
};
use crate::model::rules::delta::Op;

pub(super) struct RecordReader<'r> {
    pub kind: &'r Kind,
    pub lookups: &'r [Arc<Lookup>],
    /// The layout has only this one record: it opens the message without saying so.
    pub only: bool,
}

fn spots(section: &Section<'_>, key: &str) -> Vec<Spot> {
    section.texts(key).unwrap_or_default().into_iter().map(|t| spot(&t.value)).collect()
}

/// `each = ["Items", ";", ":"]`: where the list stands, what is between its pieces, and between the parts of one.
fn each(section: &Section<'_>) -> Option<Each> {
    let words: Vec<String> = section.texts("each")?.into_iter().map(|t| t.value).collect();
    let mut words = words.into_iter();
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some(place), Some(between), within, None) if !between.is_empty() && within.as_deref() != Some("") => {
            Some(Each { place: spot(&place), between, within })
        }
        _ => {
            let text = "expected [\"place\", \"between\"] or [\"place\", \"between\", \"within\"], like [\"Items\", \";\", \":\"].";
            section.problem("each", text);
            None
        }
    }
}

impl RecordReader<'_> {
    pub fn read(&self, section: &Section<'_>) -> Record {
        let tags: Vec<String> = section.texts("tag").unwrap_or_default().into_iter().map(|t| t.value).collect();
        let name = section.text("name").or_else(|| tags.first().cloned()).unwrap_or_default();
        let role = self.role(section);
        let fields = self.fields(section, role);
        Record {
            name,
            tags,
            role,
            when: self.conditions(section),
            group_by: spots(section, "group_by"),
            node_by: spots(section, "node_by"),
            parent_by: spots(section, "parent_by"),
            again: section.boolean("again").unwrap_or(false),
            each: each(section),
            required: section.boolean("required").unwrap_or(!matches!(role, Role::Ignored | Role::Adds(_))),
            width: self.width(section),
            per: self.per(section, role),
            fields,
            span: section.span(),
        }
    }

    fn width(&self, section: &Section<'_>) -> Option<usize> {
        let found = section.integer("width")?;
        let width = usize::try_from(found).ok().filter(|width| (1..=WIDTH).contains(width));
        if width.is_none() {
            let text = format!("found {found}, expected the number of characters of the record, from 1 to {WIDTH}.");
            section.problem("width", text);
        }
        width
    }

    /// `[file_name]`: a pattern, and fields whose places are the parts it names.
    pub fn naming(&self, section: &Section<'_>) -> Naming {
        let pattern = section.text_spot("pattern");
        let parts = pattern.as_ref().and_then(|spot| {
            NameShape::parse(&spot.value)
                .map_err(|text| section.problem_at(spot.span.clone(), "pattern", text, None))
                .ok()
        });
        let fields = self.fields(section, Role::OpensFile);
        let known = parts.iter().flat_map(NameShape::names).chain(BUILT_IN).collect::<Vec<&str>>();
        for field in &fields {
            let name = match &field.place {
                Place::One(spot) if known.contains(&spot.name()) => continue,
                Place::One(spot) => spot.name(),
                _ => "",
            };
            let text = format!("\"{name}\" is no part of the name; expected one of: {}.", known.join(", "));
            section.problem_at(field.span.clone(), "fields", text, suggest(name, &known));
        }
        Naming { shape: parts, fields }
    }

    fn fields(&self, section: &Section<'_>, role: Role) -> Vec<Field> {
        let mut fields = Vec::new();
        for row in section.rows("fields").unwrap_or_default() {
            match &row.value[..] {
                [place, ours, rest @ ..] if rest.len() <= 2 => {
                    let mut field = self.field(section, role, place, ours, rest);
                    field.span = row.span;
                    fields.push(field);
                }
                _ => section.problem_at(
                    row.span,
                    "fields",
                    "a row is [\"place\", \"ours\", \"form\", \"partner's name\"]; the last two may be left out.",
                    None,
                ),
            }
        }
        fields
    }

    /// `per = "despatches"`.
    fn per(&self, section: &Section<'_>, role: Role) -> Option<usize> {
        let spot = section.text_spot("per")?;
        if role != Role::Opens(0) {
            section.problem_at(
                spot.span,
                "per",
                "says how often a message is written; expected it in the record that opens the message.",
                None,
            );
            return None;
        }
        let top = self.kind.groups.iter().enumerate().skip(1).filter(|(_, group)| group.parent == 0);
        let known: Vec<&str> = top.clone().map(|(_, group)| group.name.as_str()).collect();
        if let Some((group, _)) = top.clone().find(|(_, group)| group.name == spot.value) {
            return Some(group);
        }
        let expected = if known.is_empty() { "none can stand here".to_string() } else { known.join(", ") };
        let text = format!(
            "\"{}\" is no group below the head of the kind {}; expected one of: {expected}.",
            spot.value, self.kind.name
        );
        section.problem_at(spot.span, "per", text, suggest(&spot.value, &known));
        None
    }

    fn role(&self, section: &Section<'_>) -> Role {
        let words: Vec<(&str, Found<String>)> =
            ["opens", "adds", "closes"].into_iter().filter_map(|k| Some((k, section.text_spot(k)?))).collect();
        let ignored = section.boolean("ignored").unwrap_or(false);
        match (&words[..], ignored) {
            ([], true) => Role::Ignored,
            ([], false) if self.only => Role::Opens(0),
            ([(key, value)], false) => self.role_of(section, key, value),
            _ => {
                section.problem("opens", "say one of: opens, adds, closes, or ignored = true.");
                Role::Ignored
            }
        }
    }

    fn role_of(&self, section: &Section<'_>, key: &str, value: &Found<String>) -> Role {
        let word = value.value.as_str();
        match (key, word) {
            ("opens", "file") => return Role::OpensFile,
            ("opens", "interchange") => return Role::OpensInterchange,
            ("opens", "message") => return Role::Opens(0),
            ("adds", "message") => return Role::Adds(0),
            ("closes", "message") => return Role::ClosesMessage,
            ("closes", "interchange") => return Role::ClosesInterchange,
            ("closes", "file") => return Role::ClosesFile,
            _ => {}
        }
        let group = self.kind.group(word).filter(|_| key != "closes");
        match group {
            Some(group) if key == "opens" => Role::Opens(group),
            Some(group) => Role::Adds(group),
            None => {
                let mut known = vec!["message", "interchange", "file"];
                known.extend(self.kind.groups.iter().skip(1).map(|g| g.name.as_str()));
                section.problem_at(
                    value.span.clone(),
                    key,
                    format!("\"{word}\" is not something a record {key}; expected one of: {}.", known.join(", ")),
                    suggest(word, &known),
                );
                Role::Ignored
            }
        }
    }

    fn conditions(&self, section: &Section<'_>) -> Vec<Condition> {
        let mut conditions = Vec::new();
        for (key, not) in [("when", false), ("unless", true)] {
            let Some(words) = section.texts(key) else { continue };
            let mut words = words.into_iter().map(|w| w.value);
            match words.next() {
                Some(place) if words.len() > 0 => {
                    conditions.push(Condition::Is { place: spot(&place), words: words.collect(), not });
                }
                _ => section.problem(key, "expected [\"place\", \"value\", …]."),
            }
        }
        if let Some(source) = section.text_spot("if") {
            match Expression::compile(&source.value) {
                Ok(expression) => conditions.push(Condition::Holds(expression)),
                Err(text) => section.problem_at(source.span, "if", text, None),
            }
        }
        conditions
    }

    fn field(
        &self,
        section: &Section<'_>,
        role: Role,
        place: &Found<String>,
        ours: &Found<String>,
        rest: &[Found<String>],
    ) -> Field {
        let report = |span: &std::ops::Range<usize>, text: String, near: Option<String>| {
            section.problem_at(span.clone(), "fields", text, near);
        };
        let (ours_found, mut problems) = self.ours(role, &ours.value);
        let is_known = problems.is_empty();
        for (text, near) in problems.drain(..) {
            report(&ours.span, text, near);
        }
        let known = match &ours_found {
            Ours::Field { group, field, .. } => Some(&self.kind.groups[*group].fields[*field]),
            Ours::Control(Control { what: Checked::Sum { group, field }, .. }) => {
                Some(&self.kind.groups[*group].fields[*field])
            }
            _ => None,
        };
        let counted = matches!(&ours_found, Ours::Control(c) if matches!(c.what, Checked::Count(_) | Checked::Number));
        let is_change = matches!(&ours_found, Ours::Control(c) if c.what == Checked::Change);
        let field_type = match () {
            () if counted => Some(&FieldType::Integer),
            () if is_change => Some(change_type()),
            () => known.map(|f| &f.field_type),
        };
        let form_text = rest.first().map_or("", |f| f.value.as_str());
        let mut form = read_form(form_text, field_type, self.lookups).unwrap_or_else(|problems| {
            let span = rest.first().map_or(&ours.span, |f| &f.span);
            // Whether a form fits a field that does not exist cannot be said.
            for (text, near) in problems.into_iter().filter(|_| is_known) {
                report(span, text, near);
            }
            Form::natural(field_type)
        });
        if let Ours::Field { group, .. } = &ours_found
            && !self.reaches(role, *group)
            && form.direction != Direction::WriteOnly
        {
            let text = "this stands beside what the record opens: of it the first is written, and nothing can be read. Say write-only.";
            report(&ours.span, text.to_string(), None);
        }
        if let Some(text) = unsayable(&form).filter(|_| is_change) {
            report(&ours.span, text, None);
        }
        if known.is_some_and(|f| f.ours) && matches!(ours_found, Ours::Field { .. }) {
            // Never taken from a partner's file, only shown to him.
            form.direction = Direction::WriteOnly;
        }
        let place_found = read_place(&place.value).unwrap_or_else(|text| {
            report(&place.span, text, None);
            Place::Nowhere
        });
        let label = rest.get(1).map_or_else(|| place.value.clone(), |l| l.value.clone());
        let of_kind = matches!(ours_found, Ours::Field { .. }) && known.is_some_and(|f| f.personal);
        let personal = form.personal || of_kind;
        Field { place: place_found, label, ours: ours_found, form, personal, span: place.span.clone() }
    }

    fn ours(&self, role: Role, text: &str) -> (Ours, Vec<(String, Option<String>)>) {
        let text = text.trim();
        if text.is_empty() || text == "-" {
            return (Ours::Ignored, Vec::new());
        }
        if let Some(source) = text.strip_prefix('=') {
            return match Expression::compile(source) {
                Ok(expression) => (Ours::Computed(expression), Vec::new()),
                Err(text) => (Ours::Ignored, vec![(text, None)]),
            };
        }
        if text.contains('(') {
            return match self.control(role, text) {
                Ok(control) => (Ours::Control(control), Vec::new()),
                Err(problem) => (Ours::Ignored, vec![problem]),
            };
        }
        if let Some(extra) = self.extra(role, text) {
            return (extra, Vec::new());
        }
        let (path, nth) = split_nth(text);
        match self.kind.path(&path) {
            Some((group, field)) if self.reaches(role, group) || self.is_beside(role, group) => {
                (Ours::Field { group, nth, field }, Vec::new())
            }
            Some(_) => {
                let text = format!(
                    "\"{path}\" is not within reach of this record: it is neither in the group it opens, nor above or below it."
                );
                (Ours::Ignored, vec![(text, None)])
            }
            None => {
                let paths = self.kind.paths();
                let known: Vec<&str> = paths.iter().map(String::as_str).collect();
                let text = format!(
                    "\"{path}\" is not a field of {}; for a field of the partner's own write extra.NAME, for filler -.",
                    self.kind.name
                );
                (Ours::Ignored, vec![(text, suggest(&path, &known))])
            }
        }
    }

    fn extra(&self, role: Role, text: &str) -> Option<Ours> {
        if let Some(name) = text.strip_prefix("extra.") {
            return Some(Ours::Extra { group: role.group(), name: name.into() });
        }
        let (group, name) = text.split_once(".extra.")?;
        let group = if group == "message" { 0 } else { self.kind.group(group)? };
        self.reaches(role, group).then(|| Ours::Extra { group, name: name.into() })
    }

    /// `count(40)`, `sum(lines.qty)`, `number()`, `constant(F03)`, `version(1)`, `change()`, each with ` of message|interchange|file`.
    fn control(&self, role: Role, text: &str) -> Result<Control, (String, Option<String>)> {
        let (call, scope) = match text.rsplit_once(" of ") {
            None => (text, role.scope()),
            Some((call, "message")) => (call, Scope::Message),
            Some((call, "interchange")) => (call, Scope::Interchange),
            Some((call, "file")) => (call, Scope::File),
            Some((_, other)) => {
                return Err((format!("\"{other}\" is not an extent; expected message, interchange or file."), None));
            }
        };
        let (word, argument) = call.trim().split_once('(').unwrap_or((call, ""));
        let Some(argument) = argument.strip_suffix(')') else {
            return Err((format!("\"{text}\" does not end with \")\"."), None));
        };
        let what = match word {
            // Which records are meant is known when all are read.
            "count" => Checked::Count(Vec::new()),
            "number" => Checked::Number,
            "change" if scope != Scope::Message || !matches!(role, Role::Opens(_)) => {
                let text = "change() speaks of a message; expected it in the record that opens one.";
                return Err((text.to_string(), None));
            }
            "change" if matches!(self.kind.class, Class::Request | Class::Removal | Class::Answer) => {
                let text =
                    format!("a {} is told once and never changed: change() has nothing to say of it.", self.kind.name);
                return Err((text, None));
            }
            "change" => Checked::Change,
            "constant" => Checked::Constant(argument.to_string()),
            "version" => Checked::Version(argument.to_string()),
            "sum" => match self.kind.path(argument) {
                Some((group, field)) => Checked::Sum { group, field },
                None => return Err((format!("\"{argument}\" is not a field of {}.", self.kind.name), None)),
            },
            other => {
                return Err((
                    format!("\"{other}\" is not a control; expected one of: {}.", CONTROLS.join(", ")),
                    suggest(other, &CONTROLS),
                ));
            }
        };
        Ok(Control { what, scope })
    }

    /// Below the same node as what the record opens.
    fn is_beside(&self, role: Role, group: usize) -> bool {
        let own = role.group();
        own != 0 && group != 0 && self.kind.groups[own].parent == self.kind.groups[group].parent
    }

    /// A record fills the node it opens, the nodes above it, and one node each of the groups below.
    fn reaches(&self, role: Role, group: usize) -> bool {
        let above = |from: usize, to: usize| {
            let mut at = from;
            while at != to && at != 0 {
                at = self.kind.groups[at].parent;
            }
            at == to
        };
        above(role.group(), group) || above(group, role.group())
    }
}

/// The words of ours that a table of the partner's has none for, as a problem. Who has no word for deletions is told none.
fn unsayable(form: &Form) -> Option<String> {
    let lookup = form.lookup.as_ref().filter(|_| !form.keep_unlisted)?;
    let missing: Vec<&str> = [Op::Create, Op::Change]
        .into_iter()
        .filter_map(Op::word)
        .filter(|word| lookup.theirs(word).is_none())
        .collect();
    (!missing.is_empty()).then(|| {
        format!("the table \"{}\" has no word for {}; change() needs one each.", lookup.name, missing.join(" and "))
    })
}

/// `line_charges#2.amount` → (`line_charges.amount`, 1).
fn split_nth(text: &str) -> (String, usize) {
    if let Some((group, rest)) = text.split_once('#')
        && let Some((nth, field)) = rest.split_once('.')
        && let Ok(nth @ 1..=99) = nth.parse::<usize>()
    {
        return (format!("{group}.{field}"), nth - 1);
    }
    (text.to_string(), 0)
}

pub(in crate::model::layout) fn spot(text: &str) -> Spot {
    Spot { names: text.split('|').map(|name| name.trim().to_string()).collect() }
}

fn read_place(text: &str) -> Result<Place, String> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Ok(Place::Nowhere);
    }
    if let Some(source) = trimmed.strip_prefix('=') {
        return Expression::compile(source).map(Place::Computed);
    }
    let alternatives: Vec<Vec<Spot>> =
        trimmed.split(" else ").map(|either| either.split(" + ").map(spot).collect()).collect();
    if alternatives.len() > 1 {
        let lengths = alternatives.iter().map(Vec::len).collect();
        return Ok(Place::Either { spots: alternatives.concat(), lengths });
    }
    let mut parts = alternatives.concat().into_iter();
    match (parts.next(), parts.len()) {
        (Some(one), 0) => Ok(Place::One(one)),
        (Some(one), _) => Ok(Place::Joined(std::iter::once(one).chain(parts).collect())),
        (None, _) => Ok(Place::Nowhere),
    }
}

/// Finds the records that `count(…)` means: tags, ranges of tags, names, or `*` for all.
pub(super) fn resolve_counts(sections: &[Section<'_>], records: &mut [Record]) {
    let known: Vec<(String, Vec<String>)> = records.iter().map(|r| (r.name.clone(), r.tags.clone())).collect();
    for (section, record) in sections.iter().zip(records) {
        let rows = section.rows("fields").unwrap_or_default();
        for field in &mut record.fields {
            let Ours::Control(Control { what: Checked::Count(counted), .. }) = &mut field.ours else { continue };
            let row = rows.iter().find(|row| row.span == field.span);
            let Some(ours) = row.and_then(|row| row.value.get(1)) else { continue };
            let argument = ours.value.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(a, _)| a);
            for word in argument.split(',').map(str::trim) {
                let before = counted.len();
                counted.extend(known.iter().enumerate().filter(|(_, r)| is_meant(word, &r.0, &r.1)).map(|(i, _)| i));
                // A range may be empty: partners count records that they never send.
                if counted.len() == before && !word.contains('-') {
                    section.problem_at(ours.span.clone(), "fields", format!("there is no record \"{word}\"."), None);
                }
            }
            counted.sort_unstable();
            counted.dedup();
        }
    }
}

fn is_meant(word: &str, name: &str, tags: &[String]) -> bool {
    if word == "*" || word == name || tags.iter().any(|tag| tag == word) {
        return true;
    }
    match word.split_once('-') {
        Some((from, to)) => tags.iter().any(|tag| tag.len() == from.len() && (from..=to).contains(&tag.as_str())),
        None => false,
    }
}
