//! The proposed layout as a text for a person: each row with how sure it is, why, and an example.

use std::fmt::Write;

use super::form::COUNTRIES;
use super::{Guess, Record, Row, Syntax};

/// Characters of an example.
const EXAMPLE: usize = 32;

/// `id` as it will be called, `from` the names of the samples.
pub fn layout_text(guess: &Guess, id: &str, from: &[String]) -> String {
    let mut out = String::new();
    if let Syntax::Shipped { id: shipped, .. } = guess.syntax {
        return extending(guess, id, from, shipped);
    }
    // Writing into a text cannot fail.
    let _ = head(guess, id, from, &mut out);
    let _ = syntax(guess, &mut out);
    let _ = countries(guess, &mut out);
    for record in &guess.records {
        let _ = write_record(guess, record, &mut out);
    }
    out
}

/// A layout that says nothing yet but what it extends.
fn extending(guess: &Guess, id: &str, from: &[String], shipped: &str) -> String {
    let notes: String = guess.notes.iter().map(|note| format!("# Look at: {}\n", comment(note))).collect();
    format!(
        "# Guessed from {}: {}.\n{notes}guessed = \"look at what it reads with layout try, say below what differs, then remove this line\"\nlayout = {}\ntitle = {}\nextends = {}\n",
        comment(&from.join(", ")),
        comment(&guess.syntax_why),
        text(id),
        text(id),
        text(shipped)
    )
}

fn head(guess: &Guess, id: &str, from: &[String], out: &mut String) -> std::fmt::Result {
    writeln!(out, "# Guessed from {}. Behind each line stands how sure that is.", comment(&from.join(", ")))?;
    for note in &guess.notes {
        writeln!(out, "# Look at: {}", comment(note))?;
    }
    writeln!(
        out,
        "guessed = \"lay it beside the specification, correct it, try it with layout try, then remove this line\""
    )?;
    writeln!(out, "layout = {}", text(id))?;
    writeln!(out, "title = {}", text(id))?;
    writeln!(out, "kind = {}                     # {} %", text(&guess.kind.name), guess.kind_sure)?;
    let word = guess.syntax.word();
    writeln!(out, "syntax = \"{word}\"               # {} %: {}", guess.syntax_sure, comment(&guess.syntax_why))?;
    if let Syntax::Workbook { .. } = guess.syntax {
        return Ok(());
    }
    writeln!(
        out,
        "encoding = \"{}\"                 # {} %: {}",
        guess.encoding,
        guess.encoding_sure,
        comment(&guess.encoding_why)
    )
}

fn syntax(guess: &Guess, out: &mut String) -> std::fmt::Result {
    let line_end = if guess.line_end == "crlf" { "line_end = \"crlf\"\n" } else { "" };
    match &guess.syntax {
        Syntax::Xml { root } => writeln!(out, "\n[xml]\nroot = {}", text(root)),
        Syntax::Workbook { sheet, header_row } => {
            writeln!(out, "\n[xlsx]\nunknown_columns = \"keep\"")?;
            if let Some(sheet) = sheet {
                writeln!(out, "sheet = {}", text(sheet))?;
            }
            if let Some(row) = header_row {
                writeln!(out, "header_row = {row}                  # titles stand above it")?;
            }
            Ok(())
        }
        Syntax::Fixed { width, tag, shorter } => {
            writeln!(out, "\n[fixed]\nwidth = {width}")?;
            if let Some(tag) = tag {
                writeln!(out, "tag = \"1-{tag}\"")?;
            }
            if *shorter {
                writeln!(out, "shorter = \"blanks\"")?;
            }
            write!(out, "{line_end}")
        }
        Syntax::Delimited { delimiter, header, tag, trailing, ragged } => {
            let delimiter = if *delimiter == '\t' { "tab".to_string() } else { delimiter.to_string() };
            writeln!(out, "\n[delimited]\ndelimiter = {}", text(&delimiter))?;
            writeln!(out, "columns = \"{}\"", if *header { "names" } else { "positions" })?;
            if *header {
                writeln!(out, "unknown_columns = \"keep\"")?;
            }
            if *tag {
                writeln!(out, "tag = 1")?;
            }
            if *ragged {
                writeln!(
                    out,
                    "fewer = \"refuse\"              # some rows of the sample have another number of columns"
                )?;
            }
            if *trailing {
                writeln!(out, "trailing = true")?;
            }
            write!(out, "{line_end}")
        }
        Syntax::Tagged { delimiter, prefix, tag } => {
            writeln!(
                out,
                "\n[tagged]\nprefix = {}\nseparator = {}",
                text(&prefix.to_string()),
                text(&delimiter.to_string())
            )?;
            if let Some(tag) = tag {
                writeln!(out, "tag = \"1-{tag}\"")?;
            }
            write!(out, "{line_end}")
        }
        Syntax::Shipped { .. } => Ok(()),
    }
}

fn countries(guess: &Guess, out: &mut String) -> std::fmt::Result {
    let rows = guess.records.iter().flat_map(|record| &record.rows).filter(|row| row.form.contains("lookup=country"));
    let mut words: Vec<&String> = rows.flat_map(|row| &row.values).filter(|value| !value.is_empty()).collect();
    words.sort_unstable();
    words.dedup();
    let uses = guess.records.iter().flat_map(|record| &record.rows).any(|row| row.form.contains("lookup=country"));
    if !uses {
        return Ok(());
    }
    writeln!(
        out,
        "\n[lookup.country]                 # the partner's word = the code of ISO 3166; add what is missing"
    )?;
    for word in words {
        if let Some((_, code)) = COUNTRIES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) {
            writeln!(out, "{} = \"{code}\"", text(word))?;
        }
    }
    Ok(())
}

fn write_record(guess: &Guess, record: &Record, out: &mut String) -> std::fmt::Result {
    writeln!(out, "\n[[record]]\nname = {}", text(&record.name))?;
    if !record.tag.is_empty() {
        writeln!(out, "tag = {}", text(&record.tag))?;
    }
    writeln!(out, "{}", record.role)?;
    if let Some((place, word)) = &record.when {
        writeln!(out, "when = [{}, {}]", text(place), text(word))?;
    }
    if let Some((place, word)) = &record.unless {
        writeln!(out, "unless = [{}, {}]", text(place), text(word))?;
    }
    if let Some(place) = &record.group_by {
        writeln!(out, "group_by = [{}]", text(place))?;
    }
    if record.rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "fields = [")?;
    let cells: Vec<String> = record.rows.iter().map(|row| cells(guess, row)).collect();
    let width = cells.iter().map(|cells| cells.chars().count()).max().unwrap_or(0).min(110);
    for (row, cells) in record.rows.iter().zip(cells) {
        let gap = " ".repeat(width.saturating_sub(cells.chars().count()));
        writeln!(out, "  {cells},{gap}  # {}", remark(row))?;
    }
    writeln!(out, "]")
}

fn cells(guess: &Guess, row: &Row) -> String {
    let named =
        matches!(guess.syntax, Syntax::Xml { .. } | Syntax::Workbook { .. } | Syntax::Delimited { header: true, .. });
    let mut cells = vec![text(&row.place), text(&row.ours)];
    let label = if named { "" } else { row.label.as_str() };
    if !row.form.is_empty() || !label.is_empty() {
        cells.push(text(&row.form));
    }
    if !label.is_empty() {
        cells.push(text(label));
    }
    format!("[{}]", cells.join(", "))
}

fn remark(row: &Row) -> String {
    let sure = if row.sure > 0 { format!("{} %, ", row.sure.min(99)) } else { String::new() };
    let example = row.values.iter().find(|value| !value.is_empty());
    let example = example.map_or(String::new(), |value| {
        let cut: String = value.chars().take(EXAMPLE).collect();
        format!("; like {}", comment(&cut))
    });
    format!("{sure}{}{example}", row.why)
}

/// A text of others behind `#`: one line, nothing that TOML forbids there.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A text in quotes.
pub fn text(value: &str) -> String {
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
