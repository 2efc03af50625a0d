//! A layout in words for people: how the file is made, what each record does, what each field is. What a partner is handed (`doc`), and
//! what two layouts are compared by (`differences`).

use super::form::{Check, Direction, Form, Shape, Sign};
use super::plan::{Checked, Condition, Control, Field, Ours, Place, Record, Role, Scope, Spot, WHOLE_FILE};
use super::rows::options::{Columns, Cutting, Header, Options, Quoting, UnknownColumns};
use super::{Layout, Syntax};
use crate::model::kind::Kind;

/// One row of a field table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldTold {
    pub place: String,
    pub name: String,
    /// Path of ours, or what else the value is.
    pub ours: String,
    pub kind_of: String,
    pub required: &'static str,
    pub meaning: String,
    /// Its table of words.
    pub table: String,
}

/// A fact of the whole: what it is about, what is so.
pub type Fact = (&'static str, String);

/// What is true of the file as a whole.
pub fn facts(layout: &Layout) -> Vec<Fact> {
    let mut facts = vec![("kind", layout.kind.name.clone()), ("encoding", layout.encoding.name().to_string())];
    if !layout.version.is_empty() {
        facts.push(("version", layout.version.clone()));
    }
    match &layout.syntax {
        Syntax::Rows(rows) => rows_facts(&rows.options, &mut facts),
        Syntax::Xml(_) => facts.push(("format", "XML".to_string())),
        Syntax::Edifact(_) => facts.push(("format", "segments of an EDIFACT interchange".to_string())),
    }
    if let Some(replacement) = layout.replacement {
        facts.push(("characters that the encoding lacks", format!("are written as {replacement}")));
    }
    facts
}

fn rows_facts(options: &Options, facts: &mut Vec<Fact>) {
    match &options.cutting {
        Cutting::Delimited(cut) => {
            let delimiter =
                if cut.delimiter == b'\t' { "tab".to_string() } else { char::from(cut.delimiter).to_string() };
            facts.push(("format", "rows of values with a delimiter".to_string()));
            facts.push(("delimiter", delimiter));
            facts.push((
                "quotes",
                match (cut.quote, cut.quoting) {
                    (None, _) | (_, Quoting::None) => "none".to_string(),
                    (Some(quote), Quoting::Needed) => format!("{} around values that need them", char::from(quote)),
                    (Some(quote), Quoting::All) => format!("{} around every value", char::from(quote)),
                },
            ));
            facts.push((
                "columns",
                match (cut.columns, cut.header) {
                    (Columns::Names, _) => "found by the names of the heading, in any order".to_string(),
                    (Columns::Rows, _) => "named by a row of their own for each record type".to_string(),
                    (Columns::Positions, Header::None) => "by position, without a heading".to_string(),
                    (Columns::Positions, _) => "by position; a heading may come first".to_string(),
                },
            ));
            if cut.columns == Columns::Names {
                facts.push((
                    "further columns",
                    match cut.unknown_columns {
                        UnknownColumns::Refuse => "are refused",
                        UnknownColumns::Ignore => "are passed over",
                        UnknownColumns::Keep => "are kept as they are",
                    }
                    .to_string(),
                ));
            }
            if let Some(tag) = cut.tag {
                facts.push(("record type", format!("in column {tag}")));
            }
            if !cut.first_line.is_empty() {
                facts.push(("first line", cut.first_line.join(&char::from(cut.delimiter).to_string())));
            }
        }
        Cutting::Fixed(cut) => {
            facts.push(("format", format!("lines of {} characters, values at fixed places", cut.width)));
            if let Some(tag) = &cut.tag {
                facts.push(("record type", format!("in characters {} to {}", tag.start + 1, tag.end)));
            }
            let allowed = |is: bool| if is { "allowed" } else { "refused" }.to_string();
            facts.push(("shorter lines", allowed(cut.shorter_allowed)));
            facts.push(("longer lines", allowed(cut.longer_allowed)));
        }
        Cutting::Tagged(cut) => {
            let (prefix, separator) = (&cut.prefix, &cut.separator);
            facts.push(("format", format!("marker lines, each followed by lines {prefix}tag{separator}value")));
            if cut.tag.end < usize::MAX {
                let tag = format!("in characters {} to {} of the marker line", cut.tag.start + 1, cut.tag.end);
                facts.push(("record type", tag));
            }
        }
    }
    let line_ends = match options.line_end {
        "\r\n" => "CR LF",
        "" => "none: one record behind the other",
        _ => "LF",
    };
    facts.push(("line ends", line_ends.to_string()));
}

/// What a record does, for a reader of the specification.
pub fn does(kind: &Kind, record: &Record) -> String {
    let of = |group: usize| match group {
        0 => kind.title.to_lowercase(),
        group => kind.groups[group].title.to_lowercase(),
    };
    let mut does = match record.role {
        Role::OpensFile => "begins the file".to_string(),
        Role::OpensInterchange => "begins an interchange; a file may hold several".to_string(),
        Role::Opens(group) => format!("begins: {}", of(group)),
        Role::Adds(group) => format!("says more of: {}", of(group)),
        Role::ClosesMessage => format!("ends: {}", of(0)),
        Role::ClosesInterchange => "ends the interchange".to_string(),
        Role::ClosesFile => "ends the file".to_string(),
        Role::Ignored => "is passed over".to_string(),
    };
    let group = record.role.group();
    let parent = kind.groups[group].parent;
    for (places, what) in [(&record.group_by, 0), (&record.node_by, group), (&record.parent_by, parent)] {
        let names: Vec<String> = places.iter().map(spot).collect();
        match names.join(" and ").as_str() {
            "" => {}
            WHOLE_FILE => does.push_str(&format!("; all rows of the file are one {}", of(what))),
            names => does.push_str(&format!("; rows with the same {names} are one {}", of(what))),
        }
    }
    if let Some(each) = &record.each {
        let parts =
            each.within.as_ref().map_or(String::new(), |within| format!(", their parts with \"{within}\" between"));
        let list = format!("; once for each piece of {}, with \"{}\" between{parts}", spot(&each.place), each.between);
        does.push_str(&list);
    }
    for condition in &record.when {
        match condition {
            Condition::Is { place, words, not } => {
                let is = if *not { "is not" } else { "is" };
                does.push_str(&format!("; where {} {is} {}", spot(place), words.join(" or ")));
            }
            _ => does.push_str("; under a further condition"),
        }
    }
    does
}

fn spot(spot: &Spot) -> String {
    spot.names.join(" or ")
}

pub fn place(place: &Place) -> String {
    match place {
        Place::Nowhere => String::new(),
        Place::One(one) => spot(one),
        Place::Joined(parts) => parts.iter().map(spot).collect::<Vec<_>>().join(" + "),
        Place::Either { spots, lengths } => {
            let mut rest = &spots[..];
            let alternatives = lengths.iter().map(|length| {
                let (these, behind) = rest.split_at(*length);
                rest = behind;
                these.iter().map(spot).collect::<Vec<_>>().join(" + ")
            });
            alternatives.collect::<Vec<_>>().join(" else ")
        }
        _ => "computed".to_string(),
    }
}

pub fn fields(kind: &Kind, record: &Record) -> Vec<FieldTold> {
    record.fields.iter().map(|field| told(kind, field)).collect()
}

fn told(kind: &Kind, field: &Field) -> FieldTold {
    let place = place(&field.place);
    let (ours, meaning, kind_of) = match &field.ours {
        Ours::Field { group, field: at, nth } => {
            let of = &kind.groups[*group];
            let nth = if *nth > 0 { format!("#{}", nth + 1) } else { String::new() };
            let path = if of.name.is_empty() {
                of.fields[*at].name.clone()
            } else {
                format!("{}{nth}.{}", of.name, of.fields[*at].name)
            };
            (path, of.fields[*at].about.clone(), kind_of(&field.form))
        }
        Ours::Extra { name, .. } => (format!("extra.{name}"), "kept as it is".to_string(), kind_of(&field.form)),
        Ours::Control(control) => ("control".to_string(), control_told(kind, control), String::new()),
        Ours::Computed(_) => ("computed".to_string(), "computed from the other fields".to_string(), String::new()),
        _ => ("-".to_string(), "not used".to_string(), String::new()),
    };
    let table = field.form.lookup.as_ref().map(|lookup| lookup.name.clone()).unwrap_or_default();
    let required = match (field.form.required, field.form.optional) {
        (true, _) => "yes",
        (false, true) => "no; the column may be absent",
        (false, false) => "no",
    };
    FieldTold { name: field.label.clone(), place, ours, kind_of, required, meaning, table }
}

fn control_told(kind: &Kind, control: &Control) -> String {
    let scope = match control.scope {
        Scope::Message => "the message",
        Scope::Interchange => "the interchange",
        Scope::File => "the file",
    };
    match &control.what {
        Checked::Count(records) => format!("number of records of {scope} ({} types counted)", records.len()),
        Checked::Sum { group, field } => format!("sum of {} over {scope}", kind.groups[*group].fields[*field].name),
        Checked::Number => format!("runs from 1 within {scope}"),
        Checked::Constant(word) => format!("always \"{word}\""),
        Checked::Version(word) => format!("version of this format: \"{word}\""),
        _ => "what has become of it: create, change or delete".to_string(),
    }
}

/// The type of a value with all that decides how it is written.
pub fn kind_of(form: &Form) -> String {
    let mut words = vec![shape(&form.shape)];
    words.extend(
        form.max.map(|max| format!("at most {max} characters{}", if form.cut { ", longer is cut" } else { "" })),
    );
    words.extend(form.nones.first().map(|none| format!("{none} for none")));
    words.extend(form.default.as_ref().map(|default| format!("{default} where nothing is sent")));
    words.extend((!form.prefix.is_empty()).then(|| format!("with {} before it", form.prefix)));
    words.extend((!form.suffix.is_empty()).then(|| format!("with {} behind it", form.suffix)));
    words.extend(form.before.as_ref().map(|mark| format!("the part before {mark}")));
    words.extend(form.after.as_ref().map(|mark| format!("the part after {mark}")));
    words.extend(form.lookup.as_ref().map(|lookup| format!("a word of the table {}", lookup.name)));
    words.extend(match form.direction {
        Direction::Both => None,
        Direction::ReadOnly => Some("read only".to_string()),
        Direction::WriteOnly => Some("written only".to_string()),
    });
    words.join("; ")
}

fn shape(shape: &Shape) -> String {
    match shape {
        Shape::Text(Check::Currency) => "currency, ISO 4217".to_string(),
        Shape::Text(Check::Country) => "country, ISO 3166-1, two letters".to_string(),
        Shape::Text(Check::Choice(words)) => format!("one of {}", words.join(", ")),
        Shape::Text(_) => "text".to_string(),
        Shape::Number(number) => {
            let mut words = vec![if number.scale == 0 { "whole number" } else { "number" }.to_string()];
            match number.implied {
                Some(implied) => {
                    words.push(format!("the last {implied} digits stand behind the point, which is not written"))
                }
                None if number.point != b'.' => words.push(format!("{} before the decimals", char::from(number.point))),
                None => {}
            }
            words.extend(number.thousands.map(|mark| format!("{} between thousands", char::from(mark))));
            words.extend((number.sign == Sign::Trailing).then(|| "minus behind it".to_string()));
            words.join(", ")
        }
        Shape::Boolean { yes, no } => format!("{} for yes, {} for no", yes.join(" or "), no.join(" or ")),
        Shape::Date(patterns) => format!("date {}", written(patterns)),
        Shape::Time(patterns) => format!("time {}", written(patterns)),
        Shape::Instant(patterns) => format!("date and time {}", written(patterns)),
    }
}

/// `%Y-%m-%d` is YYYY-MM-DD to those who do not program.
fn written(patterns: &[super::form::moment::Pattern]) -> String {
    let letters = [
        ("%Y", "YYYY"),
        ("%y", "YY"),
        ("%m", "MM"),
        ("%-m", "M"),
        ("%d", "DD"),
        ("%-d", "D"),
        ("%b", "Mon"),
        ("%H", "hh"),
        ("%-H", "h"),
        ("%I", "hh"),
        ("%-I", "h"),
        ("%p", "AM/PM"),
        ("%M", "mm"),
        ("%S", "ss"),
        ("%f", "[.fff]"),
        ("%z", "±hh:mm"),
        ("%s", "seconds since 1970"),
    ];
    let plain = |pattern: &super::form::moment::Pattern| {
        letters.iter().fold(pattern.source().to_string(), |text, (letter, word)| text.replace(letter, word))
    };
    patterns.iter().map(plain).collect::<Vec<_>>().join(" or ")
}

/// One thing in which two layouts part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parting {
    /// Name of the record; empty for the file as a whole.
    pub record: String,
    pub place: String,
    pub what: &'static str,
    pub one: String,
    pub other: String,
}

/// All in which two layouts part: the file, records by name, fields by place, else by what they are to us.
pub fn differences(one: &Layout, other: &Layout) -> Vec<Parting> {
    let mut partings = Vec::new();
    let (a, b) = (facts(one), facts(other));
    let mut names: Vec<&'static str> = a.iter().map(|(name, _)| *name).collect();
    names.extend(b.iter().map(|(name, _)| *name).filter(|name| !a.iter().any(|(known, _)| known == name)));
    for name in names {
        let says = |facts: &[Fact]| {
            facts.iter().find(|(known, _)| *known == name).map(|(_, says)| says.clone()).unwrap_or_default()
        };
        part(&mut partings, "", "", name, says(&a), says(&b));
    }
    let record = |layout: &'_ Layout, name: &str| layout.records.iter().position(|record| record.name == name);
    for record_a in &one.records {
        match record(other, &record_a.name) {
            Some(at) => of_record((one, record_a), (other, &other.records[at]), &mut partings),
            None => part(&mut partings, &record_a.name, "", "record", "there".to_string(), String::new()),
        }
    }
    for record_b in other.records.iter().filter(|r| record(one, &r.name).is_none()) {
        part(&mut partings, &record_b.name, "", "record", String::new(), "there".to_string());
    }
    partings
}

fn part(partings: &mut Vec<Parting>, record: &str, place: &str, what: &'static str, one: String, other: String) {
    if one != other {
        partings.push(Parting { record: record.to_string(), place: place.to_string(), what, one, other });
    }
}

fn of_record((one, a): (&Layout, &Record), (other, b): (&Layout, &Record), partings: &mut Vec<Parting>) {
    let name = a.name.as_str();
    part(partings, name, "", "tag", a.tags.join(", "), b.tags.join(", "));
    part(partings, name, "", "what it does", does(&one.kind, a), does(&other.kind, b));
    let (mine, theirs) = (fields(&one.kind, a), fields(&other.kind, b));
    let mut used = vec![false; theirs.len()];
    for field in &mine {
        let same = |f: &FieldTold| f.place == field.place && f.ours == field.ours;
        let near = |f: &FieldTold| {
            f.place == field.place && !f.place.is_empty()
                || f.ours == field.ours && !["-", "control", "computed"].contains(&f.ours.as_str())
        };
        let free = |is: &dyn Fn(&FieldTold) -> bool, used: &[bool]| {
            theirs.iter().enumerate().position(|(at, f)| !used[at] && is(f))
        };
        match free(&same, &used).or_else(|| free(&near, &used)) {
            Some(at) => {
                used[at] = true;
                let f = &theirs[at];
                part(partings, name, &field.place, "place", field.place.clone(), f.place.clone());
                part(partings, name, &field.place, "field", field.ours.clone(), f.ours.clone());
                part(partings, name, &field.place, "form", field.kind_of.clone(), f.kind_of.clone());
                part(partings, name, &field.place, "required", field.required.to_string(), f.required.to_string());
                if field.ours == "control" {
                    part(partings, name, &field.place, "control", field.meaning.clone(), f.meaning.clone());
                }
            }
            None => part(partings, name, &field.place, "row", field.ours.clone(), String::new()),
        }
    }
    for (field, _) in theirs.iter().zip(&used).filter(|(_, used)| !**used) {
        part(partings, name, &field.place, "row", String::new(), field.ours.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kind::shipped_kinds;
    use crate::model::layout::read_layout;

    fn layout(text: &str) -> Layout {
        read_layout("x", text, shipped_kinds()).unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    #[test]
    fn two_layouts_part_row_by_row() {
        let text = "layout = \"a\"\ntitle = \"A\"\nkind = \"stock\"\nsyntax = \"delimited\"\n[delimited]\n[[record]]\nname = \"row\"\nfields = [\n\
                    [\"No\", \"article_no\"],\n[\"Qty\", \"qty\"],\n[\"Old\", \"unit\"],\n]\n";
        let one = layout(text);
        let other = layout(
            &text
                .replace("[delimited]", "[delimited]\ndelimiter = \"|\"")
                .replace("\"qty\"]", "\"qty\", \"decimal point=, required\"]")
                .replace("Old\", \"unit", "Date\", \"expected_date"),
        );
        let told: Vec<String> = differences(&one, &other)
            .iter()
            .map(|p| format!("{} {} {}: {} / {}", p.record, p.place, p.what, p.one, p.other))
            .collect();
        assert_eq!(
            told,
            [
                "  delimiter: ; / |",
                "row Qty form: number / number, , before the decimals",
                "row Qty required: no / yes",
                "row Old row: unit / ",
                "row Date row:  / expected_date",
            ]
        );
        assert!(differences(&one, &one).is_empty());
    }
}
