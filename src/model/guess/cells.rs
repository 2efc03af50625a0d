//! What cells say beside their value: a key (`QTY=2`), a unit or currency (`15 Stk`), or nothing but what the next cell is called.

use super::cut::{Column, Sheet};
use super::names;

/// A key is a word or some, not a sentence.
const KEY: usize = 24;
/// `Stk`, `EUR`, `st.`
const UNIT: usize = 8;
const SIGNS: [char; 5] = ['€', '$', '£', '%', '¥'];
/// A name is surely one of ours.
const SURE: u32 = 60;

/// Takes keys off, notes units, and calls columns as the cell before them says. `heading`: they have names.
pub fn look_into(sheets: &mut [Sheet], heading: bool) {
    for sheet in sheets.iter_mut() {
        if !heading {
            keys(sheet);
            labels(sheet);
        }
        sheet.columns.iter_mut().filter(|column| column.key.is_empty()).for_each(units);
    }
}

/// `ORDER=77` in most cells, each column with its own key.
fn keys(sheet: &mut Sheet) {
    let used: Vec<usize> =
        (0..sheet.columns.len()).filter(|at| sheet.columns[*at].values.iter().any(|v| !v.is_empty())).collect();
    let found: Vec<(usize, String)> = used.iter().filter_map(|at| Some((*at, key(&sheet.columns[*at])?))).collect();
    if found.len() < 2 || found.len() * 2 < used.len() {
        return;
    }
    for (at, key) in found {
        let column = &mut sheet.columns[at];
        column.label = key.trim_end_matches(['=', ':']).trim().to_string();
        column.key = key;
    }
}

/// The key of all values, with its mark.
fn key(column: &Column) -> Option<String> {
    let mut some = column.values.iter().filter(|value| !value.is_empty());
    let first = some.next()?;
    let end = first.find(['=', ':'])?;
    let key = &first[..=end];
    let word = key[..end].trim();
    let is_word = word.starts_with(|c: char| c.is_alphabetic())
        && word.chars().count() <= KEY
        && word.chars().all(|c| c.is_alphanumeric() || "_-. ".contains(c));
    // `https://` is no key.
    let is_address = first[end + 1..].starts_with("//");
    (is_word && !is_address && some.all(|value| value.starts_with(key))).then(|| key.to_string())
}

/// Cells that call the next one: the same in every row, and a name of something. One alone may be a value.
fn labels(sheet: &mut Sheet) {
    let calls = |text: &str| {
        let wordy = text.chars().any(char::is_alphabetic) && !text.bytes().any(|b| b.is_ascii_digit());
        wordy && (text.ends_with(':') || names::meanings(text, &[]).first().is_some_and(|m| m.sure >= SURE))
    };
    let label = |column: &Column| -> Option<String> {
        let first = column.values.first().filter(|value| calls(value))?;
        column.values.iter().all(|value| value == first).then(|| first.clone())
    };
    let mut found: Vec<(usize, String)> = Vec::new();
    for at in 0..sheet.columns.len().saturating_sub(1) {
        let after_label = found.last().is_some_and(|(before, _)| before + 1 == at);
        if let Some(text) =
            label(&sheet.columns[at]).filter(|_| !after_label && label(&sheet.columns[at + 1]).is_none())
        {
            found.push((at, text));
        }
    }
    if found.len() < 2 {
        return;
    }
    for (at, text) in found {
        sheet.columns[at].is_label = true;
        sheet.columns[at + 1].label = text.trim_matches(['#', ':', ' ']).to_string();
    }
}

/// The same unit or currency before or behind every number.
fn units(column: &mut Column) {
    let number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+');
    let cut = |value: &str| -> Option<(String, String)> {
        let begin = value.find(|c: char| c.is_ascii_digit())?;
        let begin = if value[..begin].ends_with(['-', '+']) { begin - 1 } else { begin };
        let end = value[begin..].find(|c: char| !number(c)).map_or(value.len(), |at| begin + at);
        Some((value[..begin].to_string(), value[end..].to_string()))
    };
    let mut some = column.values.iter().filter(|value| !value.is_empty());
    let Some((before, behind)) = some.next().and_then(|value| cut(value)) else { return };
    let plain = |text: &str| text.chars().all(|c| c.is_alphabetic() || SIGNS.contains(&c) || " .".contains(c));
    let is_currency = |text: &str| {
        let word = text.trim();
        SIGNS.iter().any(|sign| word == sign.to_string())
            || word.len() == 3 && word.chars().all(|c| c.is_ascii_uppercase()) && text.ends_with(' ')
    };
    let is_unit = |text: &str| text.starts_with([' ', '%', '€']) && !text.trim().is_empty();
    let fits = (before.is_empty() || is_currency(&before))
        && (behind.is_empty() || is_unit(&behind))
        && !(before.is_empty() && behind.is_empty())
        && before.chars().count() <= UNIT
        && behind.chars().count() <= UNIT
        && plain(&before)
        && plain(&behind);
    if fits && some.all(|value| cut(value).is_some_and(|(b, a)| b == before && a == behind)) {
        column.unit = (before, behind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(rows: &[&[&str]]) -> Sheet {
        let column = |at: usize| Column {
            place: (at + 1).to_string(),
            values: rows.iter().map(|row| row[at].to_string()).collect(),
            ..Column::default()
        };
        Sheet { columns: (0..rows[0].len()).map(column).collect(), rows: (0..rows.len()).collect(), ..Sheet::default() }
    }

    #[test]
    fn cells_say_more_than_their_value() {
        let mut sheets = [sheet(&[&["ORDER=7", "QTY=2", "x"], &["ORDER=8", "QTY=", "y"]])];
        look_into(&mut sheets, false);
        let told: Vec<(&str, &str)> = sheets[0].columns.iter().map(|c| (c.label.as_str(), c.key.as_str())).collect();
        assert_eq!(told, [("ORDER", "ORDER="), ("QTY", "QTY="), ("", "")]);
        assert_eq!(sheets[0].columns[0].bare(), ["7", "8"]);
        let mut sheets = [sheet(&[&["Order No", "A 7", "Date", "2026-01-02"]])];
        look_into(&mut sheets, false);
        let told: Vec<(bool, &str)> = sheets[0].columns.iter().map(|c| (c.is_label, c.label.as_str())).collect();
        assert_eq!(told, [(true, ""), (false, "Order No"), (true, ""), (false, "Date")]);
        // One name alone is a value; places of the web, codes and sizes keep what they begin with.
        let mut sheets =
            [sheet(&[&["Kunde", "https://a.example", "A-1", "R10"], &["Kunde", "https://b.example", "A-2", "R22"]])];
        look_into(&mut sheets, false);
        assert!(
            sheets[0].columns.iter().all(|c| c.label.is_empty() && c.key.is_empty() && c.unit == Default::default())
        );
        let mut sheets = [sheet(&[&["15 Stk", "EUR 1,50", "10,1%"], &["3 Stk", "EUR 2,00", "5,0%"]])];
        look_into(&mut sheets, true);
        let units: Vec<(&str, &str)> =
            sheets[0].columns.iter().map(|c| (c.unit.0.as_str(), c.unit.1.as_str())).collect();
        assert_eq!(units, [("", " Stk"), ("EUR ", ""), ("", "%")]);
        assert_eq!(sheets[0].columns[1].bare(), ["1,50", "2,00"]);
    }
}
