//! Into which rows and columns a text is cut: by a delimiter, by tags before values, or at fixed places.

use std::collections::BTreeMap;

use super::{Syntax, blocks, cells, fixed};
use crate::model::syntax::delimited::{RowReader, Style};
use crate::model::syntax::encoding::Encoding;

const DELIMITERS: [u8; 6] = [b';', b'\t', b'|', b',', b'^', b'~'];
/// More rows say nothing new.
const ROWS: usize = 2_000;
/// Record types that one file has at most.
const TAGS: usize = 14;
/// Bytes of a tag that begins with a mark: `# Order No`, `<HEAD>`.
const LONGEST_TAG: usize = 20;

/// One cell of all rows of one record type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Column {
    /// Place as a layout says it.
    pub place: String,
    /// What the partner calls it; empty where nothing does.
    pub label: String,
    /// Elements it stands in, the outermost first.
    pub around: Vec<String>,
    /// One for each row, as it stands there.
    pub values: Vec<String>,
    /// Stands before the value in every cell: `QTY=`.
    pub key: String,
    /// Stands before and behind the number in every cell: `€ `, ` Stk`.
    pub unit: (String, String),
    /// It only says what the next column is called.
    pub is_label: bool,
}

impl Column {
    /// The values without key and unit.
    pub fn bare(&self) -> Vec<String> {
        let bare = |value: &String| {
            let value = value.strip_prefix(self.key.as_str()).unwrap_or(value);
            let value = value.strip_prefix(self.unit.0.as_str()).unwrap_or(value);
            value.strip_suffix(self.unit.1.as_str()).unwrap_or(value).trim().to_string()
        };
        self.values.iter().map(bare).collect()
    }
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
    pub syntax: Syntax,
    pub sure: u8,
    pub why: String,
    /// In the order of their first rows.
    pub sheets: Vec<Sheet>,
    pub line_end: &'static str,
    /// Records are told by the word in the first column, which is blank in some.
    pub by_word: bool,
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
    let style = Style::Cells { delimiter, quote: Some(b'"'), line_breaks: true, padded: false, whole: None };
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
    let marked = |tag: &str| tag.starts_with(['#', '<', '[', '*', '!']) && tag.len() <= LONGEST_TAG;
    let plain = |tag: &str| tag.len() <= 8 && tag.chars().all(|c| c.is_alphanumeric() || "#_-*".contains(c));
    let short = tags.keys().all(|tag| plain(tag) || marked(tag));
    if !short || tags.len() < 2 || tags.len() > TAGS || tags.len() * 3 > rows.len() * 2 + 2 {
        return false;
    }
    let lengths: Vec<usize> = tags.values().filter_map(|lengths| lengths.iter().max().copied()).collect();
    let differ = lengths.iter().any(|length| *length != lengths[0]);
    let own_length =
        tags.values().all(|lengths| lengths.iter().filter(|l| **l == lengths[0]).count() * 10 >= lengths.len() * 8);
    let capitals = tags.keys().all(|tag| (1..=3).contains(&tag.len()) && tag.chars().all(|c| c.is_ascii_uppercase()));
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
    cells::look_into(&mut sheets, header);
    let by_word = tag && sheets.iter().any(|sheet| sheet.tag.is_empty());
    let syntax = Syntax::Delimited { delimiter: delimiter.into(), header, tag: tag && !by_word, trailing, ragged };
    let many = rows.len() + usize::from(header);
    let why = format!("it cuts {many} rows alike{}", if quoted { ", with values in quotes" } else { "" });
    Text { syntax, sure: if score >= 95 && many > 1 { 95 } else { 75 }, why, sheets, line_end, by_word }
}

fn tagged(text: &str, delimiter: char, line_end: &'static str) -> Option<Text> {
    let found = blocks::blocks(text, delimiter)?;
    let why = "most lines are a tag and one value, behind lines that open a block".to_string();
    let syntax = Syntax::Tagged { delimiter: found.separator, prefix: found.prefix, tag: found.tag };
    Some(Text { syntax, sure: 80, why, sheets: found.sheets, line_end, by_word: false })
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
    // Numbers stand below what is none.
    let number = |cell: &str| cell.trim().replace(',', ".").parse::<f64>().is_ok();
    let counted = (0..first.len()).filter(|at| {
        let below = others.iter().filter_map(|row| row.get(*at)).map(|(cell, _)| cell.as_str());
        let mut below = below.filter(|cell| !cell.is_empty()).peekable();
        below.peek().is_some() && below.all(number)
    });
    many == names.len() && (understood * 3 >= many || digits(first) == 0 && below > 0 || counted.count() >= 2)
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

    fn of(text: &str) -> Syntax {
        cut(text).syntax
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
            let Syntax::Delimited { delimiter, header, tag, .. } = of(text) else { panic!("{text}: {:?}", of(text)) };
            assert_eq!((delimiter, header, tag), expected, "{text}");
        }
        assert!(matches!(
            of("01\n#1;a\n#2;b\n02\n#3;c\n#4;d\n01\n#1;e\n#2;f\n"),
            Syntax::Tagged { delimiter: ';', prefix: '#', .. }
        ));
        assert!(matches!(of("0001FILTER   0000123\n0002GASKET   0000400\n"), Syntax::Fixed { width: 20, .. }));
    }
}
