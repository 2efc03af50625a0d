//! The specification of a layout as it is handed to a partner: Markdown, and a page of HTML that stands alone.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Layout;
use super::told::{self, FieldTold};

/// Values of a sample, as the partner writes them, by record and row of the layout.
pub type Examples = BTreeMap<(usize, usize), String>;

/// Beginning of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    pub name: String,
    pub text: String,
}

/// A part of the page.
enum Block {
    Title(u8, String),
    Text(String),
    Table(Vec<&'static str>, Vec<Vec<String>>),
    Code(String),
}

pub fn markdown(layout: &Layout, examples: &Examples, excerpt: Option<&Excerpt>) -> String {
    let mut out = String::new();
    for block in blocks(layout, examples, excerpt) {
        // Writing into a text cannot fail.
        let _ = match block {
            Block::Title(level, text) => writeln!(out, "{} {}\n", "#".repeat(level.into()), in_markdown(&text)),
            Block::Text(text) => writeln!(out, "{}\n", in_markdown(&text)),
            Block::Code(text) => writeln!(out, "{}\n", indented(&text)),
            Block::Table(titles, rows) => {
                let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
                let mut all = vec![
                    line(titles.iter().map(|t| t.to_string()).collect()),
                    format!("|{}", " --- |".repeat(titles.len())),
                ];
                all.extend(rows.into_iter().map(|row| line(row.iter().map(|cell| in_markdown(cell)).collect())));
                writeln!(out, "{}\n", all.join("\n"))
            }
        };
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;color:#1c1c1c;max-width:62rem;margin:2.5rem auto;padding:0 1.25rem}\
h1{font-size:1.7rem;margin-bottom:.25rem}h2{font-size:1.2rem;margin-top:2.25rem;border-bottom:1px solid #ccc}\
table{border-collapse:collapse;width:100%;margin:.75rem 0}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #ddd}\
th{font-weight:600;background:#f4f4f2}td:first-child{white-space:nowrap}pre{background:#f4f4f2;padding:.75rem;overflow-x:auto;font-size:.85rem}\
@media print{body{margin:0;max-width:none}tr{break-inside:avoid}}";

pub fn html(layout: &Layout, examples: &Examples, excerpt: Option<&Excerpt>) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        in_html(&layout.title)
    );
    for block in blocks(layout, examples, excerpt) {
        let _ = match block {
            Block::Title(level, text) => writeln!(out, "<h{level}>{}</h{level}>", in_html(&text)),
            Block::Text(text) => writeln!(out, "<p>{}</p>", in_html(&text)),
            Block::Code(text) => writeln!(out, "<pre>{}</pre>", in_html(&text)),
            Block::Table(titles, rows) => {
                let cells = |tag: &str, cells: &[String]| -> String {
                    cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", in_html(cell))).collect()
                };
                let titles: Vec<String> = titles.iter().map(|t| t.to_string()).collect();
                let rows: String = rows.iter().map(|row| format!("<tr>{}</tr>\n", cells("td", row))).collect();
                writeln!(
                    out,
                    "<table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>",
                    cells("th", &titles)
                )
            }
        };
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn blocks(layout: &Layout, examples: &Examples, excerpt: Option<&Excerpt>) -> Vec<Block> {
    let mut blocks = vec![Block::Title(1, layout.title.clone())];
    let ways = match (layout.reads(), layout.writes()) {
        (true, true) => "We read such files and write them.",
        (true, false) => "We read such files.",
        (false, true) => "We write such files.",
        (false, false) => "This description is not complete yet.",
    };
    blocks.push(Block::Text(format!("{} {ways}", layout.kind.about)));
    if !layout.source.is_empty() {
        blocks.push(Block::Text(format!("After: {}", layout.source)));
    }
    blocks.push(Block::Title(2, "The file".to_string()));
    let facts = told::facts(layout).into_iter().map(|(what, says)| vec![what.to_string(), says]).collect();
    blocks.push(Block::Table(vec!["what", "how"], facts));
    for (number, record) in layout.records.iter().enumerate() {
        let tag = match record.tags.join(", ").as_str() {
            "." => "the root element".to_string(),
            tag => tag.to_string(),
        };
        let name = Some(record.name.as_str()).filter(|name| *name != "." && *name != tag);
        let title: Vec<&str> = name.into_iter().chain(Some(tag.as_str()).filter(|tag| !tag.is_empty())).collect();
        blocks.push(Block::Title(2, format!("Record {}", title.join(": "))));
        let needed = if record.required { "" } else { " It may be absent." };
        blocks.push(Block::Text(format!("It {}.{needed}", told::does(&layout.kind, record))));
        let fields = told::fields(&layout.kind, record);
        let rows = fields.iter().enumerate().filter(|(_, field)| !field.place.is_empty());
        let rows = rows.map(|(at, field)| row(layout, field, examples.get(&(number, at)))).collect();
        blocks.push(Block::Table(vec!["place", "name", "what stands there", "required", "meaning", "example"], rows));
    }
    tables(layout, &mut blocks);
    if let Some(excerpt) = excerpt {
        blocks.push(Block::Title(2, format!("Example: {}", excerpt.name)));
        blocks.push(Block::Code(excerpt.text.clone()));
    }
    blocks
}

fn row(layout: &Layout, field: &FieldTold, example: Option<&String>) -> Vec<String> {
    let place = field.place.split(" or ").map(|place| layout.spoken(place)).collect::<Vec<_>>().join(" or ");
    // A date of EDIFACT is written as it says itself, not as our form of it.
    let is_said = place != field.place && [".date", ".time", ".day"].iter().any(|piece| field.place.ends_with(piece));
    let kind_of =
        if is_said { "as the format behind it says: 101, 102, 201 to 205, 303 or 304" } else { &field.kind_of };
    let name = if field.name == field.place { String::new() } else { field.name.clone() };
    let example = example.cloned().unwrap_or_default();
    vec![place, name, kind_of.to_string(), field.required.to_string(), field.meaning.clone(), example]
}

/// Words of the tables that fields of the layout use.
fn tables(layout: &Layout, blocks: &mut Vec<Block>) {
    let lookups = layout.records.iter().flat_map(|r| &r.fields).filter_map(|field| field.form.lookup.as_ref());
    let mut done: Vec<&str> = Vec::new();
    for lookup in lookups {
        if done.contains(&lookup.name.as_str()) {
            continue;
        }
        done.push(&lookup.name);
        let rows = lookup
            .words()
            .into_iter()
            .map(|word| vec![word.to_string(), lookup.ours(word).unwrap_or_default().to_string()]);
        blocks.push(Block::Title(2, format!("Words: {}", lookup.name)));
        blocks.push(Block::Table(vec!["in the file", "means"], rows.collect()));
    }
}

fn in_markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '*' | '_' | '`' | '<' | '#' | '[' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

fn in_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::layout::own::shipped_layout;

    #[test]
    fn nothing_of_a_layout_breaks_out_of_its_cell() {
        assert_eq!(in_markdown("a|b_c\n"), "a\\|b\\_c ");
        assert_eq!(in_html("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
        let layout = shipped_layout("nattpost-stock-csv").unwrap();
        let examples = Examples::from([((0, 0), "A|1".to_string())]);
        let excerpt = Excerpt { name: "s.csv".to_string(), text: "<x>".to_string() };
        let page = html(layout, &examples, Some(&excerpt));
        assert!(
            page.contains("<pre>&lt;x&gt;</pre>") && page.contains("<td>A|1</td>") && !page.contains("http"),
            "{page}"
        );
        let text = markdown(layout, &examples, None);
        assert!(text.contains("| A\\|1 |") && text.contains("quantity on hand"), "{text}");
    }
}
