//! A layout in words for people: how the file is made, what each record does, what each field is. What a partner is handed (`doc`), and
//! what two layouts are compared by (`parting`).

use super::edifact::options::Counts;
use super::form::{Case, Check, Direction, Form, Shape, Sign};
use super::plan::{Checked, Condition, Control, Field, Ours, Place, Record, Role, Scope, Spot, WHOLE_FILE};
use super::rows::options::{Columns, Cutting, Header, Options, Quoting, UnknownColumns};
use super::{Layout, Syntax, edifact, workbook, xml};
use crate::model::decimal;
use crate::model::kind::Kind;
use crate::model::syntax::workbook::letters;

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
    let encoding = match &layout.syntax {
        Syntax::Rows(_) => layout.encoding.name().to_string(),
        Syntax::Xml(_) => format!("as the file declares it, else {}", layout.encoding.name()),
        Syntax::Edifact(edifact) => match &edifact.options().charset {
            Some(charset) => charset.name().to_string(),
            None => "as UNB says".to_string(),
        },
        Syntax::Workbook(_) => "as the workbook says".to_string(),
    };
    let mut facts = vec![("kind", layout.kind.name.clone()), ("encoding", encoding)];
    if !layout.version.is_empty() {
        facts.push(("version", layout.version.clone()));
    }
    match &layout.syntax {
        Syntax::Rows(rows) => rows_facts(&rows.options, &mut facts),
        Syntax::Xml(xml) => xml_facts(xml.options(), &mut facts),
        Syntax::Edifact(edifact) => edifact_facts(edifact.options(), &mut facts),
        Syntax::Workbook(workbook) => workbook_facts(&workbook.options, &mut facts),
    }
    let replaced = match (layout.transliterates, layout.replacement) {
        (true, Some(replacement)) => format!("are written as letters like them, else as \"{replacement}\""),
        (true, None) => "are written as letters like them".to_string(),
        (false, Some(replacement)) => format!("are written as \"{replacement}\""),
        (false, None) => return facts,
    };
    facts.push(("characters that the encoding lacks", replaced));
    facts
}

const REFUSED: &str = "are refused";
const PASSED_OVER: &str = "are passed over";

fn either(is: bool, yes: &str, no: &str) -> String {
    if is { yes } else { no }.to_string()
}

fn xml_facts(options: &xml::options::Options, facts: &mut Vec<Fact>) {
    facts.push(("format", "XML".to_string()));
    facts.push(("root element", format!("<{}>", options.root)));
    if !options.namespaces.is_empty() {
        let all = options.namespaces.iter().map(|(prefix, uri)| format!("{prefix} for {uri}"));
        facts.push(("namespaces; any prefix may stand for them", all.collect::<Vec<_>>().join(", ")));
    }
    facts.push(("further elements", either(options.unknown_refused, REFUSED, PASSED_OVER)));
    facts.push(("empty elements", either(options.blank_leaves, "say nothing", "clear what was known")));
    facts.push(("a file without a message", either(options.empty_allowed, "is allowed", "is refused")));
    facts.push(("line ends when written", either(options.line_end == "\r\n", "CR LF", "LF")));
}

fn edifact_facts(options: &edifact::options::Options, facts: &mut Vec<Fact>) {
    facts.push(("format", "segments of an EDIFACT interchange".to_string()));
    facts.push(("messages", format!("{} of {}", options.message, options.versions.join(", "))));
    facts.push((
        "counts",
        match options.counts {
            Counts::Ignore => "are not looked at",
            Counts::Messages => "of messages and records must be right",
            Counts::Check => "of messages, records and segments must be right",
        }
        .to_string(),
    ));
    facts.push(("UNB around the messages", either(options.envelope_required, "is required", "may be absent")));
    facts.push(("UNZ at the end", either(options.end_required, "is required", "may be absent")));
    facts.push(("line breaks in values", either(options.line_breaks_kept, "belong to them", "are taken out")));
    facts.push(("further segments", either(options.unknown_refused, REFUSED, PASSED_OVER)));
    facts.push(("a file without a message", either(options.empty_allowed, "is allowed", "is refused")));
    if options.written.len() > 1 {
        let written = format!("{} under {}", options.written.join(":"), options.syntax_id);
        facts.push(("written as", written));
    }
}

fn workbook_facts(options: &workbook::Options, facts: &mut Vec<Fact>) {
    facts.push(("format", "an Excel workbook (.xlsx)".to_string()));
    let sheet = match &options.sheet {
        workbook::options::Wanted::First => "the first that is not hidden".to_string(),
        workbook::options::Wanted::Number(number) => format!("number {number}"),
        workbook::options::Wanted::Named(names) => names.join(" or "),
    };
    facts.push(("sheet", sheet));
    let headings = match options.header_row {
        Some(row) => format!("in row {row}, in any order"),
        None => "found by their names, in any order".to_string(),
    };
    facts.push(("headings", headings));
    for (name, column, row) in &options.cells {
        facts.push(("cell", format!("{name} in {}{row}", letters(*column))));
    }
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
                        UnknownColumns::Refuse => REFUSED,
                        UnknownColumns::Ignore => PASSED_OVER,
                        UnknownColumns::Keep => "are kept as they are",
                    }
                    .to_string(),
                ));
            }
            if let Some(tag) = cut.tag {
                facts.push(("record type", format!("in column {tag}")));
            }
            if let Some(tag) = &cut.tag_columns {
                facts.push(("record type", format!("in characters {} to {} of the row", tag.start + 1, tag.end)));
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
    if let Some(width) = record.width {
        does.push_str(&format!("; {width} characters, values at fixed places"));
    }
    for (places, what) in [(&record.group_by, 0), (&record.node_by, group), (&record.parent_by, parent)] {
        let names: Vec<String> = places.iter().map(|place| named(record, place)).collect();
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

/// A number of a column says little: the name of what stands there, where a row has one.
fn named(record: &Record, of: &Spot) -> String {
    let is = |field: &&Field| matches!(&field.place, Place::One(place) if place.names == of.names);
    record.fields.iter().find(is).map_or_else(|| spot(of), |field| field.label.replace('|', " or "))
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
        (false, true) => "no; may be absent",
        (false, false) => "no",
    };
    // What has several names of the file is called by all of them.
    let name = if field.label.replace('|', " or ") == place { place.clone() } else { field.label.clone() };
    FieldTold { name, place, ours, kind_of, required, meaning, table }
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
    words.extend(form.lookup.as_ref().map(|lookup| {
        let others = if form.keep_unlisted { ", or any other" } else { "" };
        format!("a word of the table {}{others}", lookup.name)
    }));
    words.extend(form.matches.as_ref().map(|like| format!("like the expression {}", like.source())));
    words.extend(form.take.as_ref().map(|like| format!("of it the part in brackets of {}", like.source())));
    words.extend(form.strip.map(|c| format!("leading {c} taken off")));
    words
        .extend(form.case.map(|case| if case == Case::Upper { "in capitals" } else { "in small letters" }.to_string()));
    words.extend(form.breaks.as_ref().map(|word| format!("{word} for a line break")));
    words.extend(form.empty_leaves.then(|| "empty changes nothing".to_string()));
    words.extend((!form.clears.is_empty()).then(|| format!("{} clears", form.clears.join(" or "))));
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
                None if number.point != b'.' => {
                    words.push(format!("with \"{}\" before the decimals", char::from(number.point)));
                }
                None => {}
            }
            words.extend((number.places > 0).then(|| format!("{} digits behind it when written", number.places)));
            words.extend(number.round.map(|_| "rounded when written".to_string()));
            words.extend(
                number.floor.map(|floor| format!("at least {} when written", decimal::text(floor, number.scale))),
            );
            words.extend(number.cap.map(|cap| format!("at most {} when written", decimal::text(cap, number.scale))));
            words.extend((!number.minus.is_empty()).then(|| format!("{} for minus", number.minus.join(" or "))));
            words.extend((!number.plus.is_empty()).then(|| format!("{} for plus", number.plus.join(" or "))));
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
        ("%:z", "±hh:mm"),
        ("%z", "±hhmm"),
        ("%s", "seconds since 1970"),
    ];
    let plain = |pattern: &super::form::moment::Pattern| {
        letters.iter().fold(pattern.source().to_string(), |text, (letter, word)| text.replace(letter, word))
    };
    patterns.iter().map(plain).collect::<Vec<_>>().join(" or ")
}
