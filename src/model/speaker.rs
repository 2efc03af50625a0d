//! How a place is said that is more than a line of one file: a cell of a sheet, a line of a member of an archive.
//!
//! Decoders know lines and headings; what a person sees in Excel or in the archive is put beside them here.

use std::sync::Arc;

use super::diagnostic::{Place, shown};
use super::syntax::workbook::{SheetName, column, letters};

/// What the lines of a file stand in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Speaker {
    /// A member of an archive.
    pub member: Option<String>,
    pub sheet: Option<SheetWords>,
    /// Files that were read as one: at which of its lines each begins.
    pub files: Vec<(u32, String)>,
}

/// A sheet, and where the partner's names stand in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SheetWords {
    pub name: String,
    /// Names of columns, and of values that stand in one cell.
    pub names: Vec<(String, Spot)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spot {
    Column(u32),
    /// Like `B3`.
    Cell(String),
}

impl Speaker {
    /// Says the place in the words of the file's sender.
    pub fn speak(&self, place: &mut Place) {
        if place.spoken.is_some() && self.member.is_none() {
            return;
        }
        if let Some((first, name)) = self.files.iter().rev().find(|(first, _)| (1..=place.line).contains(first)) {
            place.line -= first - 1;
            place.spoken = Some(Arc::from(format!("{}, line {}", shown(name), place.line)));
            return;
        }
        let line = match (&place.spoken, &self.sheet) {
            (Some(spoken), _) => Some(spoken.to_string()),
            (None, Some(sheet)) => sheet.say(place),
            (None, None) if place.line > 0 => Some(format!("line {}", place.line)),
            (None, None) => None,
        };
        let member = self.member.as_ref().map(|member| shown(member));
        let parts: Vec<String> = member.into_iter().chain(line).collect();
        if !parts.is_empty() {
            place.spoken = Some(Arc::from(parts.join(", ")));
        }
    }
}

impl SheetWords {
    fn say(&self, place: &mut Place) -> Option<String> {
        if place.line == 0 {
            return None;
        }
        let name = SheetName(&self.name);
        let found = self.names.iter().find(|(known, _)| *known == place.field).map(|(_, spot)| spot.clone());
        // A decoder that knows no heading says the column's letters.
        let found = found.or_else(|| {
            let column = column(&place.field)?;
            let heading = self.names.iter().find(|(_, spot)| *spot == Spot::Column(column));
            place.field = heading.map_or(String::new(), |(name, _)| name.clone());
            Some(Spot::Column(column))
        });
        Some(match found {
            Some(Spot::Column(column)) => format!("{name}{}{}", letters(column), place.line),
            Some(Spot::Cell(cell)) => format!("{name}{cell}"),
            None => format!("{name}{0}:{0}", place.line),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(speaker: &Speaker, line: u32, field: &str) -> String {
        let mut place = Place { line, field: field.to_string(), ..Place::default() };
        speaker.speak(&mut place);
        format!("{} {}", place.spoken.as_deref().unwrap_or_default(), place.field)
    }

    #[test]
    fn a_place_is_said_as_its_sender_sees_it() {
        let names = vec![("Menge".to_string(), Spot::Column(2)), ("Kunde".to_string(), Spot::Cell("B3".to_string()))];
        let sheet = Some(SheetWords { name: "Bestellung".to_string(), names });
        let mut speaker = Speaker { sheet, ..Speaker::default() };
        assert_eq!(said(&speaker, 7, "Menge"), "Bestellung!C7 Menge");
        assert_eq!(said(&speaker, 7, "C"), "Bestellung!C7 Menge");
        assert_eq!(said(&speaker, 7, "F"), "Bestellung!F7 ");
        assert_eq!(said(&speaker, 7, "Kunde"), "Bestellung!B3 Kunde");
        assert_eq!(said(&speaker, 7, ""), "Bestellung!7:7 ");
        assert_eq!(said(&speaker, 0, ""), " ");
        speaker.member = Some("a.xlsx".to_string());
        assert_eq!(said(&speaker, 7, "Menge"), "a.xlsx, Bestellung!C7 Menge");
        speaker.sheet = None;
        assert_eq!(said(&speaker, 14, "qty"), "a.xlsx, line 14 qty");
        assert_eq!(said(&speaker, 0, ""), "a.xlsx ");
        let files = vec![(1, "head.csv".to_string()), (4, "lines.csv".to_string())];
        let speaker = Speaker { files, ..Speaker::default() };
        let lines = [3, 4, 9, 0].map(|line| said(&speaker, line, "qty"));
        assert_eq!(lines, ["head.csv, line 3 qty", "lines.csv, line 1 qty", "lines.csv, line 6 qty", " qty"]);
    }
}
