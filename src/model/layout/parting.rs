//! Two layouts compared: the file, its tables of words, its records, each field. What one says and the other does not is a
//! difference, also where it is no word for a partner.

use std::collections::{BTreeMap, BTreeSet};

use super::Layout;
use super::form::Form;
use super::lookup::Lookup;
use super::plan::{Condition, Field, Ours, Place, Record};
use super::told::{Fact, FieldTold, does, facts, fields};

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
    words(one, other, &mut partings);
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

/// Tables of words, by name: each word that means something else, or nothing, in the other.
fn words(one: &Layout, other: &Layout, partings: &mut Vec<Parting>) {
    let (mine, theirs) = (lookups(one), lookups(other));
    for (name, table) in &mine {
        let Some(same) = theirs.get(name) else { continue };
        let all = table.all_words().chain(same.all_words());
        let all: BTreeSet<&str> = all.collect();
        for word in all {
            let means = |lookup: &Lookup| lookup.ours(word).unwrap_or_default().to_string();
            part(partings, &format!("words of {name}"), word, "means", means(table), means(same));
        }
    }
}

fn lookups(layout: &Layout) -> BTreeMap<&str, &Lookup> {
    let fields = layout.records.iter().flat_map(|record| &record.fields);
    fields.filter_map(|field| field.form.lookup.as_deref()).map(|lookup| (lookup.name.as_str(), lookup)).collect()
}

/// Conditions that are expressions, and what a computed value is computed by: people who compare layouts read them.
fn conditions(record: &Record) -> String {
    let holds = record.when.iter().filter_map(|condition| match condition {
        Condition::Holds(expression) => Some(expression.source()),
        Condition::Is { .. } => None,
    });
    holds.collect::<Vec<_>>().join("; ")
}

fn expression(field: &Field) -> String {
    match (&field.place, &field.ours) {
        (_, Ours::Computed(expression)) | (Place::Computed(expression), _) => expression.source().to_string(),
        _ => String::new(),
    }
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
    let needed = |record: &Record| if record.required { "yes" } else { "no" }.to_string();
    part(partings, name, "", "required", needed(a), needed(b));
    part(partings, name, "", "condition", conditions(a), conditions(b));
    let (mine, theirs) = (fields(&one.kind, a), fields(&other.kind, b));
    let mut used = vec![false; theirs.len()];
    for (at_a, field) in mine.iter().enumerate() {
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
                let (a, b) = (&a.fields[at_a], &b.fields[at]);
                part(partings, name, &field.place, "expression", expression(a), expression(b));
                part(partings, name, &field.place, "table", field.table.clone(), f.table.clone());
                // What is not told in words, like a fill character, is still a difference.
                if field.kind_of == f.kind_of && format!("{:?}", bare(&a.form)) != format!("{:?}", bare(&b.form)) {
                    let otherwise = || "in its options".to_string();
                    partings.push(Parting {
                        record: name.to_string(),
                        place: field.place.clone(),
                        what: "written otherwise",
                        one: otherwise(),
                        other: otherwise(),
                    });
                }
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

/// Its table is compared word by word.
fn bare(form: &Form) -> Form {
    let mut bare = form.clone();
    bare.lookup = None;
    bare
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
                "row Qty form: number / number, with \",\" before the decimals",
                "row Qty required: no / yes",
                "row Old row: unit / ",
                "row Date row:  / expected_date",
            ]
        );
        assert!(differences(&one, &one).is_empty());
    }

    #[test]
    fn what_a_partner_is_not_told_is_a_difference_too() {
        let text = "layout = \"a\"\ntitle = \"A\"\nkind = \"stock\"\nsyntax = \"delimited\"\n[lookup.house]\nN = \"north\"\n[delimited]\n[[record]]\nname = \"row\"\nif = \"row.No != ''\"\nfields = [\n\
                    [\"No\", \"article_no\", \"match=[0-9]+\"],\n[\"Qty\", \"qty\"],\n[\"House\", \"warehouse\", \"lookup=house width=5 pad=.\"],\n[\"= row.Qty ~ 'x'\", \"extra.x\"],\n]\n";
        let one = layout(text);
        for (from, to, told) in [
            ("N = ", "S = ", "words of house N means: north / "),
            ("north", "south", "words of house N means: north / south"),
            (
                "[0-9]+",
                "[0-9]*",
                "row No form: text; at most 60 characters; like the expression [0-9]+ / text; at most 60 characters; like the expression [0-9]*",
            ),
            ("!= ''", "!= 'x'", "row  condition: row.No != '' / row.No != 'x'"),
            ("~ 'x'", "~ 'y'", "row computed expression: row.Qty ~ 'x' / row.Qty ~ 'y'"),
            ("pad=.", "pad=0", "row House written otherwise: in its options / in its options"),
            ("name = \"row\"", "name = \"row\"\nrequired = false", "row  required: yes / no"),
        ] {
            let other = layout(&text.replacen(from, to, 1));
            let found: Vec<String> = differences(&one, &other)
                .iter()
                .map(|p| format!("{} {} {}: {} / {}", p.record, p.place, p.what, p.one, p.other))
                .collect();
            assert!(found.iter().any(|line| line == told), "{told} in {found:?}");
        }
    }
}
