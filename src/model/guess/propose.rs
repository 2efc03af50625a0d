//! The records of a proposal: what each does, and its field table.

use super::content::{self, Content};
use super::fields::{self, Known};
use super::roles::Role;
use super::taken::Taken;
use super::{Record, Row, Syntax, cut, form, names};
use crate::model::kind::Kind;

pub fn records(kind: &Kind, taken: &Taken) -> Vec<Record> {
    let known = taken.known();
    let given = fields::give(kind, &known);
    let mut records = Vec::new();
    let mut at = 0;
    for (number, sheet) in taken.sheets.iter().enumerate() {
        let role = taken.roles[number];
        let mut rows = Vec::new();
        for column in &sheet.columns {
            rows.push(row(kind, taken, number, &known[at], &given[at], column, rows.is_empty()));
            at += 1;
        }
        if taken.continued.is_some() && number > 0 {
            rows.iter_mut().for_each(|row| as_continued(kind, row, &records));
        }
        let party = taken.parties[number].as_ref();
        let name = match party {
            Some((_, word, _)) => word.clone(),
            None if sheet.tag.is_empty() || sheet.tag == "." => format!("{} row", kind.name),
            None => sheet.tag.rsplit('/').next().unwrap_or_default().to_string(),
        };
        if role == Role::Ignored {
            rows.clear();
        }
        let role_text = role_text(kind, role, &rows);
        let group_by = (role == Role::Both && role_text.contains("opens") && !role_text.contains("message"))
            .then(|| key_place(kind, &rows))
            .flatten();
        let mut when = party.map(|(place, word, _)| (place.clone(), word.clone()));
        let mut unless = None;
        if let Some(place) = &taken.continued {
            let blank = Some((place.clone(), String::new()));
            (when, unless) = if number == 0 { (None, blank) } else { (blank, None) };
        }
        let (role_text, group_by) = match &taken.continued {
            Some(_) if number == 0 => ("opens = \"message\"".to_string(), None),
            Some(_) => (goes_on(kind), None),
            None => (role_text, group_by),
        };
        let name = if taken.continued.is_some() && number > 0 { "goes on".to_string() } else { name };
        let mut tag = sheet.tag.clone();
        if taken.by_word {
            when = Some(("1".to_string(), std::mem::take(&mut tag)));
        }
        records.push(Record { name, tag, role: role_text, when, unless, group_by, rows });
    }
    further(kind, taken, &mut records);
    say_status(kind, &mut records);
    records
}

/// What stands side by side: a record for each that takes the row again, with what ties it to its message.
fn further(kind: &Kind, taken: &Taken, records: &mut Vec<Record>) {
    let Some(first) = records.first().filter(|_| !taken.further.is_empty()).cloned() else { return };
    let aside = |row: &&Row| taken.further[0].columns.iter().any(|(place, _)| *place == row.place);
    let is_message = first.role.contains("\"message\"");
    let keys: Vec<&str> = kind.head().key.iter().map(|at| kind.head().fields[*at].name.as_str()).collect();
    let ties = |row: &&Row| match is_message {
        true => kind.path(&row.ours).is_some(),
        false => keys.contains(&row.ours.as_str()) || first.group_by.as_ref() == Some(&row.place),
    };
    let has = |path: &str| first.rows.iter().any(|row| row.ours == path);
    let by_list = kind.path("price_list").is_some() && has("price") && !has("from_qty") && !has("price_list");
    let list = |word: &str| Row {
        place: String::new(),
        label: String::new(),
        ours: "price_list".to_string(),
        form: format!("default={word}"),
        sure: 50,
        why: "which of the prices side by side it is; say the partner's name for it".to_string(),
        values: Vec::new(),
    };
    for level in &taken.further {
        let mut rows: Vec<Row> = first.rows.iter().filter(|row| !aside(row)).filter(ties).cloned().collect();
        for (like, column) in &level.columns {
            let Some(same) = first.rows.iter().find(|row| row.place == *like) else { continue };
            rows.push(Row { place: column.place.clone(), values: column.values.clone(), ..same.clone() });
        }
        if by_list {
            rows.push(list(&level.word));
        }
        let silent = rows
            .iter()
            .rev()
            .find(|row| row.form.contains("required") || row.ours == "price")
            .map(|row| row.place.clone());
        records.push(Record {
            name: format!("{} {}", first.name, level.word),
            role: format!("{}\nagain = true", first.role),
            unless: silent.map(|place| (place, String::new())),
            rows,
            ..first.clone()
        });
    }
    if by_list {
        records[0].rows.push(list("1"));
    }
}

/// What goes on with a row has the same columns, and speaks of the next node of the first group below the message.
fn as_continued(kind: &Kind, row: &mut Row, before: &[Record]) {
    let Some(same) = before.iter().flat_map(|record| &record.rows).find(|other| other.place == row.place) else {
        return;
    };
    let group = kind.groups.iter().skip(1).find(|group| group.parent == 0).map_or("", |group| group.name.as_str());
    let below = format!("{group}.{}", same.ours);
    let is_below = same.ours.starts_with(&format!("{group}."));
    (row.ours, row.form, row.why) = match () {
        () if is_below => (same.ours.clone(), same.form.clone(), same.why.clone()),
        () if kind.path(&below).is_some() => (below, same.form.replace("required", ""), same.why.clone()),
        () => ("-".to_string(), String::new(), "rows that go on say it of nothing".to_string()),
    };
    row.form = row.form.trim().to_string();
    row.sure = if row.ours == "-" { 0 } else { same.sure };
}

/// Who tells of despatches alone tells of what was shipped.
fn say_status(kind: &Kind, records: &mut [Record]) {
    let has = |begin: &str| records.iter().flat_map(|record| &record.rows).any(|row| row.ours.starts_with(begin));
    if kind.name != "order_status" || has("status") || !(has("despatch") || has("trackings.")) {
        return;
    }
    if let Some(record) = records.first_mut() {
        record.rows.push(Row {
            place: String::new(),
            label: String::new(),
            ours: "status".to_string(),
            form: "default=shipped".to_string(),
            sure: 50,
            why: "it tells of despatches and of nothing else".to_string(),
            values: Vec::new(),
        });
    }
}

fn row(
    kind: &Kind,
    taken: &Taken,
    sheet: usize,
    known: &Known<'_>,
    given: &fields::Given,
    column: &cut::Column,
    first: bool,
) -> Row {
    let is_xml = matches!(taken.syntax, Syntax::Xml { .. });
    let tag = &taken.sheets[sheet].tag;
    let (mut ours, mut form, mut sure, mut why) =
        (given.ours.clone(), String::new(), given.sure, given.why.to_string());
    let bare = column.bare();
    let says_tag = !is_xml && !matches!(taken.syntax, Syntax::Tagged { .. });
    if column.is_label {
        (ours, sure, why) = ("-".to_string(), 0, "what the next one is called".to_string());
    } else if first && !tag.is_empty() && says_tag {
        (ours, sure, why) = (format!("constant({tag})"), 95, "the record type".to_string());
    } else if known.content == Content::Running {
        let within = if taken.roles.contains(&Role::OpensInterchange) { "interchange" } else { "file" };
        (ours, form, sure, why) =
            (format!("number() of {within}"), "integer pad=0".to_string(), 85, "it counts the rows".to_string());
    } else if content::are_cards(&bare) {
        (ours, form, sure, why) =
            ("-".to_string(), "personal".to_string(), 90, "numbers of cards: they are not read".to_string());
    } else if ours.is_empty() {
        let silent = known.content == Content::Empty;
        ours = if silent { "-".to_string() } else { extra(kind, taken, sheet, column) };
        why = if silent { "always empty" } else { "no field of ours fits: kept as the partner's own" }.to_string();
        sure = 0;
    } else if let Some(field) = fields::field_at(kind, &ours) {
        form = form::form(field, &known.content, &bare, is_xml);
        if field.field_type.is_number() {
            form = form::around(&form, &column.unit);
        }
    }
    form = form::around(&form, &(column.key.clone(), String::new()));
    // What is secret is no example either.
    let values = if form == "personal" { Vec::new() } else { column.values.clone() };
    Row { place: column.place.clone(), label: column.label.clone(), ours, form, sure, why, values }
}

/// A name for what is kept.
fn extra(kind: &Kind, taken: &Taken, sheet: usize, column: &cut::Column) -> String {
    let tag = taken.sheets[sheet].tag.rsplit('/').next().unwrap_or_default();
    let party = taken.parties[sheet].as_ref().map_or("", |(_, word, _)| word.as_str());
    let name =
        if column.label.is_empty() { format!("{tag} {}", column.place) } else { format!("{party} {}", column.label) };
    let outer =
        column.around.last().filter(|_| matches!(taken.syntax, Syntax::Xml { .. }) && column.place.contains('/'));
    let name = names::fold(&format!("{} {name}", outer.map_or("", String::as_str))).replace(' ', "_");
    let name = if name.is_empty() { "value".to_string() } else { name };
    let line = taken.roles[sheet] == Role::Both && kind.name == "order";
    if line { format!("lines.extra.{name}") } else { format!("extra.{name}") }
}

/// What a row is that goes on with the one before: a node of the kind's first group.
fn goes_on(kind: &Kind) -> String {
    let group = kind.groups.iter().skip(1).find(|group| group.parent == 0);
    group.map_or_else(|| "adds = \"message\"".to_string(), |group| format!("opens = \"{}\"", group.name))
}

fn role_text(kind: &Kind, role: Role, rows: &[Row]) -> String {
    let uses =
        |group: &str| rows.iter().any(|row| row.ours.strip_prefix(group).is_some_and(|rest| rest.starts_with('.')));
    let below = kind.groups.get(1).map(|group| group.name.as_str());
    match (role, below) {
        (Role::Both, Some(group)) if uses(group) => format!("opens = \"{group}\""),
        (Role::Both, _) if uses("trackings") || uses("despatch_lines") => "opens = \"despatches\"".to_string(),
        (Role::Both | Role::Message, _) => "opens = \"message\"".to_string(),
        (Role::Line, Some(_)) if uses("despatch_lines") => "opens = \"despatch_lines\"".to_string(),
        (Role::Line, Some(_)) if kind.name == "order_status" => "opens = \"despatches\"".to_string(),
        (Role::Line, Some(group)) => format!("opens = \"{group}\""),
        (Role::AddsLine, Some(group)) => format!("adds = \"{group}\""),
        (Role::OpensInterchange, _) => "opens = \"interchange\"".to_string(),
        (Role::ClosesInterchange, _) => "closes = \"interchange\"".to_string(),
        (Role::OpensFile, _) => "opens = \"file\"".to_string(),
        (Role::ClosesMessage, _) => "closes = \"message\"".to_string(),
        (Role::Ignored, _) => "ignored = true".to_string(),
        (Role::ClosesFile, _) => "closes = \"file\"".to_string(),
        _ => "adds = \"message\"".to_string(),
    }
}

/// The column whose values tie rows to one message.
fn key_place(kind: &Kind, rows: &[Row]) -> Option<String> {
    let is_key = |row: &&Row| {
        kind.head().key.iter().any(|key| kind.head().fields[*key].name == row.ours && kind.head().fields[*key].required)
    };
    rows.iter().find(is_key).or_else(|| rows.first()).map(|row| row.place.clone())
}
