//! What a person must look at first.

use super::{Record, Row};
use crate::model::kind::Kind;
use crate::model::layout::form::moment::Pattern;

/// The other order of day and month, where it reads every value as well.
fn ambiguous(row: &Row) -> Option<String> {
    let (day, month) = (row.form.find("%d")?, row.form.find("%m")?);
    let year = row.form.find("%Y").or_else(|| row.form.find("%y"))?;
    if year < day || year < month || row.form.contains('|') {
        return None;
    }
    let swapped = row.form.replace("%d", "\u{1}").replace("%m", "%d").replace('\u{1}', "%m");
    let source = swapped.split_whitespace().find(|word| word.contains('%'))?.trim_matches('\'').to_string();
    let pattern = Pattern::parse(&source).ok()?;
    let mut some = row.values.iter().filter(|value| !value.is_empty()).peekable();
    some.peek()?;
    some.all(|value| pattern.read(value).and_then(|parts| parts.date()).is_some()).then_some(source)
}

/// What a person must look at first.
pub fn note(kind: &Kind, records: &[Record], kind_sure: u8, notes: &mut Vec<String>) {
    if kind_sure < 60 {
        notes.push(format!(
            "That these are messages of the kind {} is not sure; say --kind where it is another.",
            kind.name
        ));
    }
    let has = |path: &str| records.iter().flat_map(|record| &record.rows).any(|row| row.ours == path);
    for field in kind.head().fields.iter().filter(|field| field.required && !field.ours && !has(&field.name)) {
        notes.push(format!(
            "No column was found for {} ({}), which every {} needs.",
            field.name, field.about, kind.name
        ));
    }
    for row in records.iter().flat_map(|record| &record.rows) {
        if let Some(other) = ambiguous(row) {
            notes.push(format!(
                "\"{}\": whether {} is day or month first cannot be seen in the sample; {} is written, {other} reads it too.",
                if row.label.is_empty() { &row.place } else { &row.label },
                row.values.iter().find(|value| !value.is_empty()).map_or("", String::as_str),
                row.form
            ));
        }
    }
    let weak = records.iter().flat_map(|record| &record.rows).filter(|row| row.sure > 0 && row.sure < 65).count();
    if weak > 0 {
        notes.push(format!("{weak} rows are below 65 %: look at them first."));
    }
}
