//! Control values: counts, sums and running numbers per message, interchange and file. Checked when reading; the same
//! counters give the values when a file is written or rebuilt.

use chrono_tz::Tz;

use super::form::{Form, Got, NotWritable, Scratch};
use super::plan::{Checked, Control, Field, Ours, Record, Role, Scope};
use crate::model::batch::{NodeRef, Value};
use crate::model::decimal;
use crate::model::diagnostic::{Place, Problem};
use crate::model::kind::Kind;
use crate::model::rules::delta::Op;
use crate::model::wording;

/// Running counters of all scopes.
#[derive(Clone, Debug)]
pub struct Totals {
    /// Fields that some control sums up: group, field, scale, name.
    summed: Vec<Summed>,
    scopes: [Counters; 3],
    /// No record has a control: nothing is counted.
    idle: bool,
}

#[derive(Clone, Debug)]
struct Summed {
    group: usize,
    field: usize,
    scale: u32,
    name: String,
}

#[derive(Clone, Debug, Default)]
struct Counters {
    records: Vec<u64>,
    /// Nothing where a value could not be read: the sum is not known then.
    sums: Vec<Option<i64>>,
    number: u64,
    /// A record was lost, so that counts are not known.
    lost: bool,
    claims: Vec<Claim>,
}

/// What a control of a file made of some messages must say where it says something else now: counted in what was kept;
/// where a value there could not be read, what the sender claimed less what was taken out, so that it is right once the
/// value is. Filled up to `width`.
pub fn corrected(field: &Field, found: &str, kept: &Totals, dropped: &Totals, width: usize) -> Option<String> {
    let control = total(field)?;
    let claimed = number(&field.form, found)?;
    let rest = || claimed.checked_sub(dropped.value(control)?);
    let value = kept.value(control).or_else(rest).filter(|value| *value != claimed)?;
    let (mut written, mut padded) = (String::new(), String::new());
    field.form.write(Value::Number(value), chrono_tz::Tz::UTC, &mut written).ok()?;
    field.form.pad_to(&written, width.max(written.len()), &mut padded).ok()?;
    Some(padded)
}

/// The control of a field that counts or sums beyond its message.
pub fn total(field: &Field) -> Option<&Control> {
    let Ours::Control(control) = &field.ours else { return None };
    let counts = control.scope != Scope::Message && !matches!(control.what, Checked::Constant(_) | Checked::Version(_));
    counts.then_some(control)
}

/// The number a text is by its form.
pub fn number(form: &Form, text: &str) -> Option<i64> {
    match form.read(text, chrono_tz::Tz::UTC, &mut Scratch::default()) {
        Ok(Got::Number(value)) => Some(value),
        _ => None,
    }
}

/// A total that the file claims, checked when its scope closes.
#[derive(Clone, Debug)]
struct Claim {
    what: Checked,
    value: i64,
    found: String,
    place: Place,
}

impl Totals {
    pub fn new(kind: &Kind, records: &[Record]) -> Self {
        let mut summed: Vec<Summed> = Vec::new();
        let mut idle = true;
        for field in records.iter().flat_map(|r| &r.fields) {
            let Ours::Control(control) = &field.ours else { continue };
            idle &= matches!(control.what, Checked::Constant(_) | Checked::Version(_) | Checked::Change);
            if let Checked::Sum { group, field } = control.what
                && !summed.iter().any(|s| (s.group, s.field) == (group, field))
            {
                let of = &kind.groups[group].fields[field];
                let scale = of.field_type.scale().unwrap_or(0);
                summed.push(Summed { group, field, scale, name: of.name.clone() });
            }
        }
        let counters =
            || Counters { records: vec![0; records.len()], sums: vec![Some(0); summed.len()], ..Counters::default() };
        Totals { scopes: [counters(), counters(), counters()], summed, idle }
    }

    /// A message, interchange or file begins.
    pub fn open(&mut self, scope: Scope) {
        let counters = &mut self.scopes[scope as usize];
        counters.records.fill(0);
        counters.sums.fill(Some(0));
        counters.number = 0;
        counters.lost = false;
        counters.claims.clear();
    }

    /// Counts a record. Before its fields are looked at, so that it is counted in its own total.
    pub fn record(&mut self, record: usize) {
        if self.idle {
            return;
        }
        for counters in &mut self.scopes {
            counters.records[record] += 1;
            counters.number += 1;
        }
    }

    /// The same in a tree, which has no rows to be numbered: what runs is the messages of the file, and the parts of a message.
    pub fn element(&mut self, record: usize, role: Role) {
        if self.idle {
            return;
        }
        for (scope, counters) in [Scope::Message, Scope::Interchange, Scope::File].into_iter().zip(&mut self.scopes) {
            counters.records[record] += 1;
            counters.number += u64::from(match role {
                Role::Opens(0) => scope != Scope::Message,
                Role::Opens(_) => scope == Scope::Message,
                _ => false,
            });
        }
    }

    /// Adds a value of a summed field; nothing where it could not be read.
    pub fn add(&mut self, group: usize, field: usize, value: Option<i64>) {
        let Some(at) = self.summed.iter().position(|s| (s.group, s.field) == (group, field)) else { return };
        for counters in &mut self.scopes {
            let sum = &mut counters.sums[at];
            *sum = sum.zip(value).and_then(|(a, b)| a.checked_add(b));
        }
    }

    /// Some control sums something up.
    pub fn sums_any(&self) -> bool {
        !self.summed.is_empty()
    }

    /// Some control sums this field up.
    pub fn sums(&self, group: usize, field: usize) -> bool {
        self.summed.iter().any(|s| (s.group, s.field) == (group, field))
    }

    /// Adds all summed fields of a node, when writing.
    pub fn add_node(&mut self, node: NodeRef<'_>) {
        for at in 0..self.summed.len() {
            let (group, field) = (self.summed[at].group, self.summed[at].field);
            if node.group() == group
                && let Some(value) = node.value(field).number()
            {
                self.add(group, field, Some(value));
            }
        }
    }

    /// A record of this kind could not be read: sums over its fields are not known.
    pub fn unreadable(&mut self, record: &Record) {
        for field in &record.fields {
            if let Ours::Field { group, field, .. } = field.ours {
                self.add(group, field, None);
            }
        }
    }

    /// A record could not even be told apart: neither counts nor sums are known.
    pub fn lost_row(&mut self) {
        for counters in &mut self.scopes {
            counters.sums.fill(None);
            counters.lost = true;
            counters.number += 1;
        }
    }

    /// The value that a control has now; nothing for a sum that is not known.
    pub fn value(&self, control: &Control) -> Option<i64> {
        self.counted(&control.what, control.scope)
    }

    /// Writes it as the form says. `op`: what has become of the row that is told.
    pub fn write(
        &self,
        control: &Control,
        form: &Form,
        (op, zone): (Op, Tz),
        out: &mut String,
    ) -> Result<(), NotWritable> {
        match (&control.what, self.value(control)) {
            (Checked::Constant(text) | Checked::Version(text), _) => {
                out.push_str(text);
                Ok(())
            }
            (Checked::Change, _) => form.write(op.word().map_or(Value::Missing, Value::Text), zone, out),
            (_, Some(value)) => form.write(Value::Number(value), zone, out),
            (_, None) => Err(NotWritable::WrongType("a total that is too large".to_string())),
        }
    }

    fn counted(&self, what: &Checked, scope: Scope) -> Option<i64> {
        let counters = &self.scopes[scope as usize];
        match what {
            Checked::Count(_) if counters.lost => None,
            Checked::Count(records) => i64::try_from(records.iter().map(|r| counters.records[*r]).sum::<u64>()).ok(),
            Checked::Sum { group, field } => {
                let at = self.summed.iter().position(|s| (s.group, s.field) == (*group, *field))?;
                counters.sums[at]
            }
            Checked::Number => i64::try_from(counters.number).ok(),
            Checked::Constant(_) | Checked::Version(_) | Checked::Change => None,
        }
    }

    /// Looks at a control value of the file: wrong at once, or remembered until its scope closes.
    pub fn check(
        &mut self,
        control: &Control,
        form: &Form,
        found: &str,
        place: impl FnOnce() -> Place,
    ) -> Option<Problem> {
        match &control.what {
            Checked::Constant(expected) if found.trim() == expected => None,
            Checked::Version(expected) if found.trim() == expected => None,
            Checked::Constant(expected) => Some(wording::constant_mismatch(place(), found.trim(), expected)),
            Checked::Version(expected) => Some(wording::version_mismatch(place(), found.trim(), expected)),
            Checked::Change => check_change(form, found, place),
            what => {
                let mut scratch = Scratch::default();
                let value = match form.read(found, chrono_tz::Tz::UTC, &mut scratch) {
                    Ok(Got::Number(value)) => value,
                    // A partner who leaves a total empty claims nothing.
                    Ok(_) => return None,
                    Err(wrong) => return Some(wording::value_invalid(place(), None, form, found, &wrong)),
                };
                let counters = &mut self.scopes[control.scope as usize];
                if *what != Checked::Number {
                    let found = found.trim().to_string();
                    counters.claims.push(Claim { what: what.clone(), value, found, place: place() });
                    return None;
                }
                let expected = counters.number;
                if u64::try_from(value) == Ok(expected) {
                    return None;
                }
                // Goes on from what was found, so that one gap is one problem.
                counters.number = u64::try_from(value).unwrap_or(expected);
                Some(wording::number_mismatch(place(), found.trim(), expected))
            }
        }
    }

    /// A scope ends: what its claims got wrong.
    pub fn close(&mut self, scope: Scope, records: &[Record]) -> Vec<Problem> {
        let claims = std::mem::take(&mut self.scopes[scope as usize].claims);
        claims
            .into_iter()
            .filter_map(|claim| {
                let counted = self.counted(&claim.what, scope)?;
                if counted == claim.value {
                    return None;
                }
                let (what, shown) = match &claim.what {
                    Checked::Sum { group, field } => {
                        let of = self.summed.iter().find(|s| (s.group, s.field) == (*group, *field))?;
                        (format!("the sum of {}", of.name), decimal::text(counted, of.scale))
                    }
                    Checked::Count(counted_records) => {
                        let names: Vec<&str> = counted_records.iter().map(|r| records[*r].name.as_str()).collect();
                        (format!("the number of records ({})", names.join(", ")), counted.to_string())
                    }
                    _ => return None,
                };
                Some(wording::total_mismatch(claim.place, &what, &claim.found, &shown))
            })
            .collect()
    }
}

/// A file that is read as what there is must not tell what is gone: its row would be taken for one that is there.
fn check_change(form: &Form, found: &str, place: impl FnOnce() -> Place) -> Option<Problem> {
    let delete = Op::Delete.word();
    match form.read(found, chrono_tz::Tz::UTC, &mut Scratch::default()) {
        Ok(Got::Text(word)) if Some(word) == delete => Some(wording::deletion_not_taken(place(), found.trim())),
        Ok(_) => None,
        Err(wrong) => Some(wording::value_invalid(place(), None, form, found, &wrong)),
    }
}
