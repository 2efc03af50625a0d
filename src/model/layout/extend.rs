//! A layout that extends another: a partner's variant, which says only what differs.
//!
//! The two texts are sewn together to one, piece by piece, and each piece remembers where it came from: whatever is wrong in the
//! whole is told at its place in the file that a person wrote. What the whole means is read as any layout is (`read`).

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::read::read_layout;
use super::{Layout, limits};
use crate::model::document::{Document, DocumentProblem, suggest};
use crate::model::kind::Kinds;

/// A variant of a variant of a variant is understood by nobody; this also ends a circle.
const DEEPEST: usize = 8;

/// A text that others may extend, by its id or its file.
#[derive(Debug, Clone)]
pub struct Extendable {
    file: Cow<'static, str>,
    id: Cow<'static, str>,
    text: Cow<'static, str>,
}

impl Extendable {
    pub fn new(file: &str, text: &str) -> Self {
        let (root, _) = DeTable::parse_recoverable(text);
        let id = root.get_ref().get("layout").and_then(|id| id.get_ref().as_str()).unwrap_or_default().to_string();
        Extendable { file: file.to_string().into(), id: id.into(), text: text.to_string().into() }
    }

    /// One that ships: its file has no other name than its id.
    pub fn shipped(id: &'static str, text: &'static str) -> Self {
        Extendable { file: id.into(), id: id.into(), text: text.into() }
    }

    fn is(&self, name: &str) -> bool {
        self.id == name || self.file == name || self.file.rsplit('/').next() == Some(name)
    }
}

/// Reads a layout with all that it extends; also gives the text of the whole.
pub fn read_extended(
    file: &str,
    text: &str,
    kinds: &Kinds,
    others: &[Extendable],
) -> Result<(Layout, String), Vec<DocumentProblem>> {
    let whole = resolve(file, text, others, 0)?;
    match read_layout(file, &whole.text, kinds) {
        Ok(layout) => Ok((layout, whole.text)),
        Err(problems) => {
            let mut problems: Vec<_> = problems.into_iter().map(|problem| whole.at_its_place(problem)).collect();
            problems.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
            Err(problems)
        }
    }
}

/// A text sewn together, with the origin of each piece: range here, file, its text, and where the piece begins there.
struct Sewn {
    text: String,
    pieces: Vec<(Range<usize>, Source, usize)>,
}

#[derive(Clone)]
struct Source {
    file: String,
    text: std::rc::Rc<str>,
}

impl Sewn {
    fn of(file: &str, text: &str) -> Self {
        let source = Source { file: file.to_string(), text: text.into() };
        Sewn { text: text.to_string(), pieces: vec![(0..text.len(), source, 0)] }
    }

    fn empty() -> Self {
        Sewn { text: String::new(), pieces: Vec::new() }
    }

    /// A part of another text, with its origins.
    fn add(&mut self, from: &Sewn, range: Range<usize>) {
        let begin = self.text.len();
        self.text.push_str(&from.text[range.clone()]);
        let first = from.pieces.partition_point(|(place, ..)| place.end <= range.start);
        let pieces = from.pieces[first..].iter().take_while(|(place, ..)| place.start < range.end);
        for (place, source, start) in pieces {
            let (low, high) = (place.start.max(range.start), place.end.min(range.end));
            if low < high {
                let here = begin + low - range.start..begin + high - range.start;
                self.pieces.push((here, source.clone(), start + low - place.start));
            }
        }
    }

    fn join(&mut self, words: &str) {
        self.text.push_str(words);
    }

    /// A problem of the whole, told where a person wrote what is wrong.
    fn at_its_place(&self, mut problem: DocumentProblem) -> DocumentProblem {
        if problem.line == 0 {
            return problem;
        }
        let lines: usize = self.text.split_inclusive('\n').take(problem.line - 1).map(str::len).sum();
        let line = self.text[lines..].char_indices().nth(problem.column.saturating_sub(1));
        let at = lines + line.map_or(0, |(at, _)| at);
        // What was put between the pieces belongs to the next one.
        let Some((range, source, start)) = self.pieces.iter().find(|(range, ..)| at < range.end) else {
            return problem;
        };
        let there = start + at.saturating_sub(range.start);
        let before = &source.text[..there.min(source.text.len())];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        problem.file = source.file.clone();
        problem.line = before.matches('\n').count() + 1;
        problem.column = before[line_start..].chars().count() + 1;
        problem
    }
}

fn resolve(file: &str, text: &str, others: &[Extendable], depth: usize) -> Result<Sewn, Vec<DocumentProblem>> {
    limits::check(file, text)?;
    let own = Sewn::of(file, text);
    let (root, errors) = DeTable::parse_recoverable(text);
    let root = root.into_inner();
    let Some(extends) = root.get("extends").filter(|_| errors.is_empty()) else { return Ok(own) };
    let wrong = |words: String, near: Option<String>| {
        let document = Document::parse(file, text);
        document.report(Some(extends.span()), "extends", words, near);
        document.into_problems()
    };
    let Some(name) = extends.get_ref().as_str() else {
        return Err(wrong("expected the id of a layout, or the name of its file beside this one.".to_string(), None));
    };
    if depth == DEEPEST {
        return Err(wrong(format!("more than {DEEPEST} layouts extend one another; is this a circle?"), None));
    }
    let known: Vec<&str> = others.iter().map(|other| &*other.id).collect();
    let Some(base) = others.iter().find(|other| other.is(name)) else {
        return Err(wrong(format!("there is no layout \"{name}\" to extend."), suggest(name, &known)));
    };
    if root.get("layout").is_none() {
        return Err(wrong("a layout that extends another needs an id of its own: layout = \"…\".".to_string(), None));
    }
    let base = resolve(&base.file, &base.text, others, depth + 1)?;
    let (base_root, errors) = DeTable::parse_recoverable(&base.text);
    if !errors.is_empty() {
        // Its own problems are told where it is read for itself.
        return Err(wrong(format!("the layout \"{name}\" is no TOML; correct it first."), None));
    }
    let sewing = Sewing { base: &base, own: &own, problems: Vec::new() };
    sewing.sew(&base_root.into_inner(), &root).map_err(|wrongs| {
        let document = Document::parse(file, text);
        wrongs.into_iter().for_each(|(span, words, near)| document.report(Some(span), "leave_out", words, near));
        document.into_problems()
    })
}

/// Place in the variant, words, suggestion.
type Misnamed = (Range<usize>, String, Option<String>);
type Entry<'t, 'd> = (&'t Spanned<std::borrow::Cow<'d, str>>, &'t Spanned<DeValue<'d>>);

struct Sewing<'s> {
    base: &'s Sewn,
    own: &'s Sewn,
    problems: Vec<Misnamed>,
}

/// Said of the variant, not of the whole.
pub const OWN_KEYS: [&str; 2] = ["extends", "leave_out"];

impl Sewing<'_> {
    fn sew(mut self, base: &DeTable<'_>, own: &DeTable<'_>) -> Result<Sewn, Vec<Misnamed>> {
        let mut out = Sewn::empty();
        self.table(&mut out, "", Some(base), Some(own));
        self.records(&mut out, base, own);
        if self.problems.is_empty() { Ok(out) } else { Err(self.problems) }
    }

    /// Keys of both, the variant's instead of the base's; then the tables below.
    fn table(&self, out: &mut Sewn, path: &str, base: Option<&DeTable<'_>>, own: Option<&DeTable<'_>>) {
        let below = |value: &Spanned<DeValue<'_>>| value.get_ref().as_table().is_some();
        let left_out = |key: &str| path.is_empty() && (OWN_KEYS.contains(&key) || key == "record");
        let own_has = |key: &str| own.is_some_and(|own| own.get(key).is_some());
        for (text, table, is_base) in [(self.base, base, true), (self.own, own, false)] {
            for (key, value) in sorted(table) {
                let name = key.get_ref().as_ref();
                if below(value) || left_out(name) || is_base && own_has(name) {
                    continue;
                }
                out.add(text, key.span());
                out.join(" = ");
                out.add(text, value.span());
                out.join("\n");
            }
        }
        let mut done: Vec<&str> = Vec::new();
        let of_base = sorted(base).into_iter().map(|(key, value)| (self.base, key, value));
        let of_own = sorted(own).into_iter().map(|(key, value)| (self.own, key, value));
        for (text, key, value) in of_base.chain(of_own) {
            let name = key.get_ref().as_ref();
            if !below(value) || left_out(name) || done.contains(&name) {
                continue;
            }
            done.push(name);
            let whole = format!("{path}{}", &text.text[key.span()]);
            out.join(&format!("\n[{whole}]\n"));
            let inner_base = base.and_then(|base| base.get(name)?.get_ref().as_table());
            let inner_own = own.and_then(|own| own.get(name)?.get_ref().as_table());
            self.table(out, &format!("{whole}."), inner_base, inner_own);
        }
    }

    fn records(&mut self, out: &mut Sewn, base: &DeTable<'_>, own: &DeTable<'_>) {
        let base_records = tables(base.get("record"));
        let own_records = tables(own.get("record"));
        let only = base_records.len() == 1;
        let named = |record: &DeTable<'_>| name_of(record);
        let known: Vec<String> = base_records.iter().map(|record| named(record)).collect();
        let left_out = texts(own.get("leave_out"));
        for (name, span) in &left_out {
            if !known.contains(name) {
                self.misnamed(
                    span.clone(),
                    &format!("the layout that is extended has no record \"{name}\"."),
                    name,
                    &known,
                );
            }
        }
        let (base_text, own_text) = (self.base, self.own);
        for record in &base_records {
            let name = named(record);
            if left_out.iter().any(|(left, _)| *left == name) {
                continue;
            }
            let change = own_records.iter().find(|own| named(own) == name || only && named(own).is_empty());
            self.record(out, Some((base_text, record)), change.map(|own| (own_text, *own)));
        }
        let is_new = |record: &&DeTable<'_>| !(known.contains(&named(record)) || only && named(record).is_empty());
        for record in own_records.into_iter().filter(is_new) {
            self.must_say_what_it_does(record, &known);
            self.record(out, None, Some((own_text, record)));
        }
    }

    /// One that changes a record has its name; one that is new says what it is for.
    fn must_say_what_it_does(&mut self, record: &DeTable<'_>, known: &[String]) {
        let says = ["opens", "adds", "closes", "ignored"].iter().any(|key| record.get(*key).is_some());
        let name = name_of(record);
        if let Some(value) = record.get("name").filter(|_| !says && !known.contains(&name)) {
            let text = format!(
                "the layout that is extended has no record \"{name}\" that this one could change; a new one says opens, adds, closes or \
                 ignored = true."
            );
            self.misnamed(value.span(), &text, &name, known);
        }
    }

    fn record(&mut self, out: &mut Sewn, base: Option<(&Sewn, &DeTable<'_>)>, own: Option<(&Sewn, &DeTable<'_>)>) {
        out.join("\n[[record]]\n");
        let own_has = |key: &str| own.is_some_and(|(_, own)| own.get(key).is_some());
        for (is_base, (text, table)) in [(true, base), (false, own)].into_iter().filter_map(|(b, t)| Some((b, t?))) {
            for (key, value) in sorted(Some(table)) {
                let name = key.get_ref().as_ref();
                if OWN_KEYS.contains(&name) || name == "fields" || is_base && own_has(name) {
                    continue;
                }
                out.add(text, key.span());
                out.join(" = ");
                out.add(text, value.span());
                out.join("\n");
            }
        }
        let base_rows = base.map(|(_, table)| rows(table.get("fields"))).unwrap_or_default();
        let own_rows = own.map(|(_, table)| rows(table.get("fields"))).unwrap_or_default();
        let left = own.map(|(_, table)| texts(table.get("leave_out"))).unwrap_or_default();
        let known: Vec<String> = base_rows.iter().flat_map(|row| [row.place.clone(), row.ours.clone()]).collect();
        for (name, span) in &left {
            if !known.contains(name) {
                self.misnamed(
                    span.clone(),
                    &format!("the record that is changed has no row \"{name}\"."),
                    name,
                    &known,
                );
            }
        }
        out.join("fields = [\n");
        let mut used = vec![false; own_rows.len()];
        let mut add = |text: &Sewn, row: &Row| {
            out.join("  ");
            out.add(text, row.span.clone());
            out.join(",\n");
        };
        for row in &base_rows {
            if left.iter().any(|(name, _)| *name == row.place || *name == row.ours) {
                continue;
            }
            let replacing: Vec<usize> = (0..own_rows.len()).filter(|at| own_rows[*at].replaces(row)).collect();
            match (base, own) {
                (Some((text, _)), _) if replacing.is_empty() => add(text, row),
                (_, Some((text, _))) => {
                    for at in replacing.into_iter().filter(|at| !std::mem::replace(&mut used[*at], true)) {
                        add(text, &own_rows[at]);
                    }
                }
                _ => {}
            }
        }
        if let Some((text, _)) = own {
            own_rows.iter().zip(&used).filter(|(_, used)| !**used).for_each(|(row, _)| add(text, row));
        }
        out.join("]\n");
    }

    fn misnamed(&mut self, span: Range<usize>, words: &str, name: &str, known: &[String]) {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        self.problems.push((span, words.to_string(), suggest(name, &known)));
    }
}

/// A row of a field table, as far as rows are told apart.
struct Row {
    place: String,
    ours: String,
    span: Range<usize>,
}

impl Row {
    /// It takes the place of a row with its place, or with its field.
    fn replaces(&self, other: &Row) -> bool {
        let is_field = !matches!(self.ours.as_str(), "" | "-") && !self.ours.contains(['(', '=']);
        !self.place.is_empty() && self.place == other.place || is_field && self.ours == other.ours
    }
}

/// In the order of the file.
fn sorted<'t, 'd>(table: Option<&'t DeTable<'d>>) -> Vec<Entry<'t, 'd>> {
    let mut all: Vec<Entry<'t, 'd>> = table.map(|table| table.iter().collect()).unwrap_or_default();
    all.sort_by_key(|(key, _)| key.span().start);
    all
}

fn items<'t, 'd>(value: Option<&'t Spanned<DeValue<'d>>>) -> Option<&'t DeArray<'d>> {
    value.and_then(|value| value.get_ref().as_array())
}

fn tables<'t, 'd>(value: Option<&'t Spanned<DeValue<'d>>>) -> Vec<&'t DeTable<'d>> {
    items(value).map(|all| all.iter().filter_map(|item| item.get_ref().as_table()).collect()).unwrap_or_default()
}

/// A text, or a list of them.
fn texts(value: Option<&Spanned<DeValue<'_>>>) -> Vec<(String, Range<usize>)> {
    let text = |value: &Spanned<DeValue<'_>>| Some((scalar(value.get_ref())?, value.span()));
    match items(value) {
        Some(all) => all.iter().filter_map(text).collect(),
        None => value.and_then(text).into_iter().collect(),
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().to_string()),
        _ => None,
    }
}

/// Its name, else its first tag: what problems call it too.
fn name_of(record: &DeTable<'_>) -> String {
    let first = |key: &str| texts(record.get(key)).into_iter().next().map(|(text, _)| text);
    first("name").or_else(|| first("tag")).unwrap_or_default()
}

fn rows(value: Option<&Spanned<DeValue<'_>>>) -> Vec<Row> {
    let cell = |row: &DeArray<'_>, at: usize| row.get(at).and_then(|cell| scalar(cell.get_ref())).unwrap_or_default();
    let all = items(value).map(|all| all.iter().collect::<Vec<_>>()).unwrap_or_default();
    let row = |item: &&Spanned<DeValue<'_>>| {
        let cells = item.get_ref().as_array()?;
        Some(Row { place: cell(cells, 0), ours: cell(cells, 1), span: item.span() })
    };
    all.iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kind::shipped_kinds;
    use crate::model::layout::plan::Place;

    const BASE: &str = "layout = \"shop\"\ntitle = \"Shop\"\nkind = \"order\"\nsyntax = \"delimited\"\n\
        [delimited]\ndelimiter = \";\"\n[lookup.unit]\nStk = \"PCE\"\n[[record]]\nname = \"line\"\nopens = \"lines\"\n\
        group_by = [\"No\"]\nfields = [\n  [\"No\", \"buyer_order_no\"],\n  [\"Sku\", \"lines.article_no\"],\n  [\"Qty\", \"lines.qty\"],\n  [\"Note\", \"note\"],\n]\n";

    fn read(text: &str) -> Result<(Layout, String), Vec<String>> {
        let others = [Extendable::new("layouts/shop.toml", BASE)];
        read_extended("layouts/nord.toml", text, shipped_kinds(), &others)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_variant_says_only_what_differs() {
        let (layout, whole) = read(
            "layout = \"nord\"\nextends = \"shop\"\n[delimited]\ndelimiter = \",\"\n[lookup.unit]\nKasse = \"CS\"\n\
             [[record]]\nname = \"line\"\nleave_out = [\"Note\"]\nfields = [[\"Menge\", \"lines.qty\", \"decimal point=,\"], [\"Einheit\", \"lines.unit\", \"lookup=unit\"]]\n",
        )
        .unwrap();
        assert_eq!((layout.id.as_str(), layout.title.as_str()), ("nord", "Shop"));
        let places: Vec<String> = layout.records[0]
            .fields
            .iter()
            .map(|field| match &field.place {
                Place::One(spot) => spot.name().to_string(),
                _ => String::new(),
            })
            .collect();
        assert_eq!(places, ["No", "Sku", "Menge", "Einheit"]);
        assert!(
            whole.contains("delimiter = \",\"") && whole.contains("Stk = \"PCE\"") && whole.contains("Kasse"),
            "{whole}"
        );
    }

    #[test]
    fn what_is_wrong_is_told_in_the_file_that_says_it() {
        let wrong = |text: &str| read(text).unwrap_err().join("\n");
        let told = wrong(
            "layout = \"nord\"\nextends = \"shop\"\n[[record]]\nname = \"line\"\nfields = [[\"Menge\", \"lines.qtty\"]]\n",
        );
        assert!(told.starts_with("layouts/nord.toml, line 5, column 21"), "{told}");
        let told = wrong("layout = \"nord\"\nextends = \"shopp\"\n");
        assert!(told.contains("line 2") && told.contains("Did you mean \"shop\"?"), "{told}");
        let told =
            wrong("layout = \"nord\"\nextends = \"shop\"\n[[record]]\nname = \"line\"\nleave_out = [\"Notes\"]\n");
        assert!(told.contains("line 5") && told.contains("no row \"Notes\"") && told.contains("\"Note\"?"), "{told}");
        let told = wrong("layout = \"nord\"\nextends = \"shop\"\nkind = \"stock\"\n");
        assert!(told.contains("layouts/shop.toml, line 14") && told.contains("buyer_order_no"), "{told}");
        let circle = [
            Extendable::new("a.toml", "layout = \"a\"\nextends = \"b\"\n"),
            Extendable::new("b.toml", "layout = \"b\"\nextends = \"a\"\n"),
        ];
        let told = read_extended("a.toml", "layout = \"a\"\nextends = \"b\"\n", shipped_kinds(), &circle).unwrap_err();
        assert!(told[0].text.contains("circle"), "{told:?}");
    }
}
