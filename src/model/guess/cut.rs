//! Into which rows and columns a text is cut: by a delimiter, by tags before values, or at fixed places.

use std::collections::BTreeMap;

use super::{blocks, fixed};
use crate::model::syntax::delimited::{RowReader, Style};
use crate::model::syntax::encoding::Encoding;

const DELIMITERS: [u8; 6] = [b';', b'\t', b'|', b',', b'^', b'~'];
/// More rows say nothing new.
const ROWS: usize = 2_000;
/// Record types that one file has at most.
const TAGS: usize = 14;

/// The syntax of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    Delimited {
        delimiter: char,
        quote: Option<char>,
        header: bool,
        tag: bool,
        trailing: bool,
        ragged: bool,
    },
    Fixed {
        width: usize,
        tag: Option<usize>,
    },
    /// A tag, a delimiter, one value a line.
    Tagged {
        delimiter: char,
        prefix: char,
        tag: Option<usize>,
    },
}

/// One cell of all rows of one record type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Column {
    /// Place as a layout says it.
    pub place: String,
    /// What the partner calls it; empty where nothing does.
    pub label: String,
    /// Elements it stands in, the outermost first.
    pub around: Vec<String>,
    /// One for each row.
    pub values: Vec<String>,
}

/// One record type with its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    pub tag: String,
    pub columns: Vec<Column>,
    /// Where its rows stand in the file, from 0.
    pub rows: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub cut: Cut,
    pub sure: u8,
    pub why: String,
    /// In the order of their first rows.
    pub sheets: Vec<Sheet>,
    pub line_end: &'static str,
}

type Rows = Vec<Vec<(String, bool)>>;

pub fn cut(text: &str) -> Text {
    let line_end = if text.contains("\r\n") { "crlf" } else { "lf" };
    let best =
        DELIMITERS.iter().map(|delimiter| (judge(&rows(text, *delimiter)), *delimiter)).max_by_key(|(score, _)| *score);
    match best {
        Some((score, delimiter)) if score >= 70 => delimited(text, delimiter, score, line_end),
        _ => DELIMITERS
            .iter()
            .find_map(|delimiter| tagged(text, (*delimiter).into(), line_end))
            .unwrap_or_else(|| fixed::cut(text, line_end)),
    }
}

fn rows(text: &str, delimiter: u8) -> Rows {
    let style = Style::Cells { delimiter, quote: Some(b'"'), line_breaks: true, padded: false };
    let mut bytes = text.as_bytes();
    let mut found = Vec::new();
    let Ok(mut reader) = RowReader::open(&mut bytes, &Encoding::Utf8, style) else { return found };
    while let (Ok(Some(row)), true) = (reader.next(), found.len() < ROWS) {
        let cell = |cell: &crate::model::syntax::delimited::Cell| {
            let text = String::from_utf8_lossy(&row.bytes[cell.range()]).into_owned();
            (if cell.doubled { text.replace("\"\"", "\"") } else { text }, cell.quoted)
        };
        found.push(row.cells.iter().map(cell).collect());
    }
    found
}

/// How well a delimiter explains the rows, 0 to 130.
fn judge(rows: &Rows) -> usize {
    let cut = rows.iter().filter(|row| row.len() > 1).count();
    if rows.is_empty() || cut * 100 < rows.len() * 80 {
        return 0;
    }
    let alike = |rows: &[&Vec<(String, bool)>]| {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        rows.iter().for_each(|row| *counts.entry(row.len()).or_default() += 1);
        counts.values().copied().max().unwrap_or(0)
    };
    let all: Vec<&Vec<(String, bool)>> = rows.iter().collect();
    let mut best = alike(&all) * 100 / rows.len();
    if has_tags(rows) {
        let mut by_tag: BTreeMap<&str, Vec<&Vec<(String, bool)>>> = BTreeMap::new();
        rows.iter().for_each(|row| by_tag.entry(row[0].0.as_str()).or_default().push(row));
        best = best.max(by_tag.values().map(|rows| alike(rows)).sum::<usize>() * 100 / rows.len());
    }
    let columns = rows.iter().map(Vec::len).sum::<usize>() / rows.len();
    best + columns.min(30)
}

/// The first cell tells the record type: few short words, each with rows of its own length, or capitals that come again.
fn has_tags(rows: &Rows) -> bool {
    let mut tags: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for row in rows {
        let Some((tag, _)) = row.first() else { return false };
        tags.entry(tag.trim()).or_default().push(row.len());
    }
    let short = tags
        .keys()
        .all(|tag| !tag.is_empty() && tag.len() <= 8 && tag.chars().all(|c| c.is_alphanumeric() || "#_-*".contains(c)));
    if !short || tags.len() < 2 || tags.len() > TAGS || tags.len() * 3 > rows.len() * 2 + 2 {
        return false;
    }
    let lengths: Vec<usize> = tags.values().filter_map(|lengths| lengths.iter().max().copied()).collect();
    let differ = lengths.iter().any(|length| *length != lengths[0]);
    let own_length =
        tags.values().all(|lengths| lengths.iter().filter(|l| **l == lengths[0]).count() * 10 >= lengths.len() * 8);
    let capitals = tags.keys().all(|tag| tag.len() <= 3 && tag.chars().all(|c| c.is_ascii_uppercase()));
    differ && own_length || capitals
}

fn delimited(text: &str, delimiter: u8, score: usize, line_end: &'static str) -> Text {
    let mut rows = rows(text, delimiter);
    let quoted = rows.iter().flatten().any(|(_, quoted)| *quoted);
    if is_tagged(&rows)
        && let Some(tagged) = tagged(text, delimiter.into(), line_end)
    {
        return tagged;
    }
    let tag = has_tags(&rows);
    let header = !tag && is_header(&rows);
    let labels = if header { rows.remove(0) } else { Vec::new() };
    let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
    let ragged = !tag && lengths.iter().any(|length| *length != lengths[0]);
    let trailing = rows.len() > 1
        && rows.iter().all(|row| row.last().is_some_and(|(cell, _)| cell.is_empty()))
        && (!header || labels.last().is_some_and(|(label, _)| label.is_empty()));
    let mut sheets = sheets(&rows, tag);
    for sheet in &mut sheets {
        for (column, (label, _)) in sheet.columns.iter_mut().zip(&labels) {
            column.label = label.trim().to_string();
            column.place = label.trim().to_string();
        }
    }
    let cut = Cut::Delimited { delimiter: delimiter.into(), quote: Some('"'), header, tag, trailing, ragged };
    let many = rows.len() + usize::from(header);
    let why = format!("it cuts {many} rows alike{}", if quoted { ", with values in quotes" } else { "" });
    Text { cut, sure: if score >= 95 && many > 1 { 95 } else { 75 }, why, sheets, line_end }
}

fn tagged(text: &str, delimiter: char, line_end: &'static str) -> Option<Text> {
    let found = blocks::blocks(text, delimiter)?;
    let why = "most lines are a tag and one value, behind lines that open a block".to_string();
    let cut = Cut::Tagged { delimiter: found.separator, prefix: found.prefix, tag: found.tag };
    Some(Text { cut, sure: 80, why, sheets: found.sheets, line_end })
}

/// Nearly all rows have two cells, the first a number of many, or one that begins with a mark.
fn is_tagged(rows: &Rows) -> bool {
    let marked =
        |row: &[(String, bool)]| row[0].0.starts_with(['#', '!', '@', '$']) && row[0].0.len() <= 10 && row.len() == 2;
    let count = rows.iter().filter(|row| marked(row)).count();
    let mut tags: Vec<&str> = rows.iter().map(|row| row[0].0.as_str()).collect();
    tags.sort_unstable();
    tags.dedup();
    count * 10 >= rows.len() * 6 && tags.len() > 3
}

/// The first row names things: no numbers, no value of it again below, and below there are others.
fn is_header(rows: &Rows) -> bool {
    let Some((first, others)) = rows.split_first() else { return false };
    let plain = |text: &str| !text.is_empty() && text.chars().any(char::is_alphabetic) && !text.contains('@');
    let named = first.iter().filter(|(cell, _)| plain(cell.trim())).count();
    if named * 10 < first.len() * 9 || first.iter().any(|(cell, _)| cell.trim().parse::<f64>().is_ok()) {
        return false;
    }
    let mut names: Vec<&str> = first.iter().map(|(cell, _)| cell.trim()).filter(|cell| !cell.is_empty()).collect();
    names.sort_unstable();
    let many = names.len();
    names.dedup();
    let understood = names.iter().filter(|name| super::names::meanings(name, &[]).iter().any(|m| m.sure >= 60)).count();
    let digits =
        |row: &Vec<(String, bool)>| row.iter().filter(|(cell, _)| cell.bytes().any(|b| b.is_ascii_digit())).count();
    let below = others.iter().map(digits).max().unwrap_or(0);
    many == names.len() && (understood * 3 >= many || digits(first) == 0 && below > 0)
}

fn sheets(rows: &Rows, tag: bool) -> Vec<Sheet> {
    let mut sheets: Vec<Sheet> = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let name =
            if tag { row.first().map(|(cell, _)| cell.trim().to_string()).unwrap_or_default() } else { String::new() };
        let at = sheets.iter().position(|sheet| sheet.tag == name).unwrap_or_else(|| {
            sheets.push(Sheet { tag: name, ..Sheet::default() });
            sheets.len() - 1
        });
        let sheet = &mut sheets[at];
        let seen = sheet.rows.len();
        sheet.rows.push(number);
        while sheet.columns.len() < row.len() {
            let place = (sheet.columns.len() + 1).to_string();
            sheet.columns.push(Column { place, values: vec![String::new(); seen], ..Column::default() });
        }
        for (at, column) in sheet.columns.iter_mut().enumerate() {
            column.values.push(row.get(at).map(|(cell, _)| cell.trim().to_string()).unwrap_or_default());
        }
    }
    sheets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Cut {
        cut(text).cut
    }

    #[test]
    fn rows_tell_their_delimiter_header_and_types() {
        let plain = |delimiter, header, tag| (delimiter, header, tag);
        for (text, expected) in [
            ("Artikel;Menge\nA-1;2,5\nA-2;3,0\n", plain(';', true, false)),
            ("A-1,\"Brake, pad\",2\nA-2,Oil,3\n", plain(',', false, false)),
            ("sku\tqty\n1\t2\n", plain('\t', true, false)),
            ("H|1|x|y\nL|A|2\nL|B|3\n", plain('|', false, true)),
        ] {
            let Cut::Delimited { delimiter, header, tag, .. } = of(text) else { panic!("{text}: {:?}", of(text)) };
            assert_eq!((delimiter, header, tag), expected, "{text}");
        }
        assert!(matches!(
            of("01\n#1;a\n#2;b\n02\n#3;c\n#4;d\n01\n#1;e\n#2;f\n"),
            Cut::Tagged { delimiter: ';', prefix: '#', .. }
        ));
        assert!(matches!(of("0001FILTER   0000123\n0002GASKET   0000400\n"), Cut::Fixed { width: 20, .. }));
    }
}
