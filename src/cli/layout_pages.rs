//! `layout doc`, a layout as it is handed to a partner, and `layout diff`, two layouts compared.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use chrono_tz::Tz;
use serde_json::{Value, json};

use super::args::{Compare, Doc};
use super::arrival::{self, ToRead};
use super::ends::{End, Failure, Outcome};
use super::page::{Columns, Page};
use super::{golden, setting, translate};
use crate::flows::moments;
use crate::model::batch::{Batch, Message, Value as Cell};
use crate::model::layout::doc::{Examples, Excerpt, html, markdown};
use crate::model::layout::parting::{Parting, differences};
use crate::model::layout::plan::Ours;
use crate::model::layout::told;
use crate::model::layout::{Layout, Refused, Sink, Stop};

/// Of the sample that is shown.
const LINES: usize = 24;
const LINE_CHARS: usize = 160;
const EXCERPT_BYTES: u64 = 16 << 10;
/// An example in a table is short.
const EXAMPLE_CHARS: usize = 40;

pub fn doc(page: &mut Page<'_>, config: &Path, asked: &Doc) -> Outcome {
    let (layout, file, zone) = setting::layout_with_file(config, &asked.layout)?;
    let sample = match (&asked.sample, file) {
        (Some(sample), _) => Some(sample.clone()),
        (None, Some(file)) => golden::first_sample(&file)?,
        (None, None) => None,
    };
    let examples = match &sample {
        Some(sample) if layout.reads() => {
            let companions = arrival::companions(config, &layout, None, &[])?;
            let found = arrival::to_read(&companions, &layout, std::slice::from_ref(sample))?;
            found.first().map_or(Ok(Examples::new()), |one| examples(&layout, zone, one))?
        }
        _ => Examples::new(),
    };
    let excerpt = sample.as_deref().map(|sample| excerpt(&layout, sample)).transpose()?;
    if page.json {
        page.object(&object(&layout, &examples, sample.as_deref()))?;
        return Ok(End::Well);
    }
    let text = if asked.html { html } else { markdown }(&layout, &examples, excerpt.as_ref());
    write!(page.out, "{text}")?;
    Ok(End::Well)
}

fn object(layout: &Layout, examples: &Examples, sample: Option<&Path>) -> Value {
    let facts: Vec<Value> =
        told::facts(layout).into_iter().map(|(what, says)| json!({ "what": what, "is": says })).collect();
    let records: Vec<Value> = layout
        .records
        .iter()
        .enumerate()
        .map(|(number, record)| {
            let fields: Vec<Value> = told::fields(&layout.kind, record)
                .into_iter()
                .enumerate()
                .map(|(at, field)| {
                    json!({
                        "place": field.place, "name": field.name, "ours": field.ours, "form": field.kind_of,
                        "required": field.required == "yes", "meaning": field.meaning, "table": field.table,
                        "example": examples.get(&(number, at)),
                    })
                })
                .collect();
            json!({ "name": record.name, "tag": record.tags.join(", "), "does": told::does(&layout.kind, record), "fields": fields })
        })
        .collect();
    json!({ "layout": layout.id, "title": layout.title, "facts": facts, "records": records, "sample": sample.map(|path| path.display().to_string()) })
}

/// The beginning of the sample, in the layout's encoding.
fn excerpt(layout: &Layout, sample: &Path) -> Result<Excerpt, Failure> {
    let mut bytes = Vec::new();
    let file = File::open(sample).map_err(|error| cannot_read(sample, error))?;
    file.take(EXCERPT_BYTES).read_to_end(&mut bytes).map_err(|error| cannot_read(sample, error))?;
    let mut text = String::new();
    if layout.encoding.decode(&bytes, &mut text).is_err() {
        text = String::from_utf8_lossy(&bytes).into_owned();
    }
    let lines: Vec<String> = text.lines().take(LINES).map(|line| shortened(line, LINE_CHARS)).collect();
    let name = sample.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Excerpt { name, text: lines.join("\n") })
}

fn shortened(text: &str, most: usize) -> String {
    let cut: String = text.chars().take(most).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

fn cannot_read(path: &Path, error: std::io::Error) -> Failure {
    Failure::from(anyhow::Error::new(error).context(format!("cannot read {}", path.display())))
}

/// The first value of each field in the sample, written as the partner writes it.
fn examples(layout: &Layout, zone: Tz, sample: &ToRead) -> Result<Examples, Failure> {
    let mut first = FirstValues { layout, zone, found: Examples::new() };
    translate::read(layout, zone, sample, &mut first)?;
    Ok(first.found)
}

struct FirstValues<'l> {
    layout: &'l Layout,
    zone: Tz,
    found: Examples,
}

impl FirstValues<'_> {
    fn look(&mut self, message: Message<'_>) {
        let mut values: BTreeMap<(usize, usize), Cell<'_>> = BTreeMap::new();
        for node in message.nodes() {
            let fields = message.kind().groups[node.group()].fields.len();
            let said = (0..fields).map(|field| (field, node.value(field)));
            for (field, value) in said.filter(|(_, value)| !matches!(value, Cell::Missing | Cell::Empty)) {
                values.entry((node.group(), field)).or_insert(value);
            }
        }
        for (number, record) in self.layout.records.iter().enumerate() {
            for (at, field) in record.fields.iter().enumerate() {
                let Ours::Field { group, field: index, .. } = field.ours else { continue };
                let Some(value) = values.get(&(group, index)).filter(|_| !self.found.contains_key(&(number, at)))
                else {
                    continue;
                };
                let mut text = String::new();
                if field.form.write(*value, self.zone, &mut text).is_ok() {
                    self.found.insert((number, at), shortened(&text, EXAMPLE_CHARS));
                }
            }
        }
    }
}

impl Sink for FirstValues<'_> {
    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        batch.messages().for_each(|message| self.look(message));
        batch.clear();
        Ok(batch)
    }

    fn refused(&mut self, _: Refused) -> Result<(), Stop> {
        Ok(())
    }
}

pub fn diff(page: &mut Page<'_>, config: &Path, asked: &Compare) -> Outcome {
    let (one, _) = setting::layout(config, &asked.one)?;
    let (other, _) = setting::layout(config, &asked.other)?;
    let partings = differences(&one, &other);
    if page.json {
        let rows: Vec<Value> = partings.iter().map(parting).collect();
        page.object(&json!({ "one": one.id, "other": other.id, "differences": rows }))?;
        return Ok(End::Well);
    }
    if partings.is_empty() {
        page.line(format!("{} and {} say the same.", one.id, other.id))?;
        return Ok(End::Well);
    }
    let mut columns = Columns::new(&["record", "place", "what", one.id.as_str(), other.id.as_str()]);
    for parting in &partings {
        let record = if parting.record.is_empty() { "the file" } else { parting.record.as_str() };
        let or_none = |text: &str| if text.is_empty() { "-".to_string() } else { text.to_string() };
        columns.row([
            record.to_string(),
            parting.place.clone(),
            parting.what.to_string(),
            or_none(&parting.one),
            or_none(&parting.other),
        ]);
    }
    page.table(columns)?;
    page.line(format!("{}.", moments::count(partings.len() as u64, "difference", "differences")))?;
    Ok(End::Well)
}

fn parting(parting: &Parting) -> Value {
    json!({ "record": parting.record, "place": parting.place, "what": parting.what, "one": parting.one, "other": parting.other })
}
