//! A sheet written out as rows, one behind the other, each at its number: row 7 of the sheet is the seventh here.
//!
//! The headings are found first; what stands above them is left out but for the single cells that the layout names, which
//! are put before every row. A row with a cell that says nothing that can be taken begins with a mark that says which.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::options::{Options, Wanted};
use super::{Failure, Workbook};
use crate::model::diagnostic::Place;
use crate::model::layout::plan::Record;
use crate::model::layout::rows::options::{Delimited, UnknownColumns};
use crate::model::layout::{Input, Layout};
use crate::model::speaker::{SheetWords, Spot};
use crate::model::syntax::delimited::{CELL_END, ROW_END, bad_mark};
use crate::model::syntax::workbook::{
    BadCell, OpenMerges, Package, SheetCell, SheetName, SheetPart, letters, read_merges, read_sheet,
};
use crate::model::wording;

/// Rows that are looked at for headings.
const LOOKED_AT: usize = 200;

/// The sheet that the layout speaks of.
pub fn chosen<'p>(options: &Options, package: &'p Package) -> Result<&'p SheetPart, Failure> {
    let sheets = &package.sheets;
    let found = match &options.sheet {
        Wanted::First => sheets.iter().find(|sheet| !sheet.hidden),
        Wanted::Number(number) => sheets.get(number - 1),
        Wanted::Named(names) => names.iter().find_map(|name| {
            let name = name.to_lowercase();
            sheets.iter().find(|sheet| sheet.name.to_lowercase() == name)
        }),
    };
    found.ok_or_else(|| {
        let wanted = match &options.sheet {
            Wanted::First => "that is not hidden".to_string(),
            Wanted::Number(number) => format!("number {number}"),
            Wanted::Named(names) => format!("\"{}\"", names.join("\" or \"")),
        };
        let there: Vec<String> = sheets.iter().map(|sheet| sheet.name.clone()).collect();
        Failure::Told(Box::new(wording::workbook::sheet_missing(&wanted, &there)))
    })
}

/// Words of a heading may stand on two lines; a name is one.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The headings of a sheet.
struct Heading {
    row: u32,
    /// The names of all columns, from the first.
    names: Vec<String>,
    /// Columns of the sheet that the layout reads.
    used: BTreeSet<u32>,
    /// How many names of the layout it has.
    fitting: usize,
}

pub struct Transcriber<'t> {
    layout: &'t Layout,
    workbook: &'t Workbook,
    out: &'t mut dyn Write,
    /// Bytes written, and the number of the row that comes next.
    byte: u64,
    next: u32,
    heading: Option<Heading>,
    /// Of the rows that are none, the one most like headings.
    best: Option<Heading>,
    looked_at: usize,
    /// What the single cells say, in their order.
    singles: Vec<String>,
    bad_single: Option<(usize, BadCell)>,
    merges: OpenMerges,
    /// So many bytes are enough.
    until: u64,
}

/// Told about each row of content: its number, and where it begins in what is written.
pub type EachRow<'e> = dyn FnMut(u32, u64) + 'e;

impl<'t> Transcriber<'t> {
    pub fn new(layout: &'t Layout, workbook: &'t Workbook, out: &'t mut dyn Write) -> Self {
        Transcriber {
            layout,
            workbook,
            out,
            byte: 0,
            next: 1,
            heading: None,
            best: None,
            looked_at: 0,
            singles: vec![String::new(); workbook.options.cells.len()],
            bad_single: None,
            merges: OpenMerges::new(Vec::new()),
            until: u64::MAX,
        }
    }

    /// Only the beginning: the row with which so many bytes are written is the last.
    pub fn only(self, bytes: u64) -> Self {
        Transcriber { until: bytes, ..self }
    }

    /// It stopped before the end of the sheet.
    pub fn was_enough(&self) -> bool {
        self.byte >= self.until
    }

    /// The row of the headings; all rows above it are kept with them.
    pub fn header_row(&self) -> u32 {
        self.heading.as_ref().map_or(0, |heading| heading.row)
    }

    pub fn write(
        &mut self,
        input: &mut dyn Input,
        package: &Package,
        sheet: &SheetPart,
        each: &mut EachRow<'_>,
    ) -> Result<(), Failure> {
        self.merges = OpenMerges::new(read_merges(input, package, sheet)?);
        read_sheet(input, package, sheet, &mut |row, cells| self.row(row, cells, each))?;
        if self.heading.is_none()
            && let Some(best) = self.best.take()
        {
            // The reader of rows says what is wrong with them.
            self.begin(best)?;
        }
        self.check_singles(sheet)
    }

    /// A cell above the headings must stand above them, and say something that can be taken.
    fn check_singles(&self, sheet: &SheetPart) -> Result<(), Failure> {
        let header_row = self.header_row();
        let cells = &self.workbook.options.cells;
        let at = |(name, column, row): &(String, u32, u32)| {
            let spoken = format!("{}{}{row}", SheetName(&sheet.name), letters(*column));
            Place { line: *row, field: name.clone(), spoken: Some(spoken.into()), ..Place::default() }
        };
        if let Some((single, bad)) = self.bad_single {
            let problem = wording::workbook::cell_invalid(at(&cells[single]), bad, &self.singles[single]);
            return Err(Failure::Told(Box::new(problem)));
        }
        match cells.iter().find(|(_, _, row)| header_row > 0 && *row >= header_row) {
            Some(cell) => {
                let name = format!("{}{}", letters(cell.1), cell.2);
                let place = Place {
                    spoken: Some(format!("{}{header_row}:{header_row}", SheetName(&sheet.name)).into()),
                    ..Place::default()
                };
                Err(Failure::Told(Box::new(wording::workbook::cell_below_heading(place, &name))))
            }
            None => Ok(()),
        }
    }

    fn row(&mut self, row: u32, cells: &[SheetCell], each: &mut EachRow<'_>) -> io::Result<bool> {
        self.merges
            .go_to(row, |column| cells.iter().find(|cell| cell.column == column).map(|cell| cell.text.clone()))?;
        if self.heading.is_some() {
            self.content(row, cells, each)?;
            return Ok(!self.was_enough());
        }
        let single = |at: &(String, u32, u32)| at.2 == row;
        for (index, (_, column, _)) in self.workbook.options.cells.iter().enumerate().filter(|(_, cell)| single(cell)) {
            if let Some(cell) = cells.iter().find(|cell| cell.column == *column) {
                self.singles[index] = cell.text.clone();
                self.bad_single = self.bad_single.or(cell.bad.map(|bad| (index, bad)));
            }
        }
        self.look_for_heading(row, cells)
    }

    /// `false`: no row of those looked at is one of headings.
    fn look_for_heading(&mut self, row: u32, cells: &[SheetCell]) -> io::Result<bool> {
        let said = self.workbook.options.header_row;
        if said.is_some_and(|said| row < said) {
            return Ok(true);
        }
        let heading = self.heading_of(row, cells);
        let fits = self.workbook.rows.heads(self.layout, &self.all_names(&heading.names));
        if said == Some(row) || said.is_none() && fits {
            self.begin(heading)?;
            return Ok(true);
        }
        if self.best.as_ref().is_none_or(|best| best.fitting < heading.fitting) {
            self.best = Some(heading);
        }
        self.looked_at += 1;
        Ok(said.is_none() && self.looked_at < LOOKED_AT)
    }

    fn delimited(&self) -> Option<&'t Delimited> {
        self.workbook.rows.delimited()
    }

    fn heading_of(&self, row: u32, cells: &[SheetCell]) -> Heading {
        let width = cells.last().map_or(0, |cell| cell.column as usize + 1);
        let mut names = vec![String::new(); width];
        for cell in cells {
            names[cell.column as usize] = one_line(&cell.text);
        }
        // A heading may be as high as the two rows of the others beside it.
        for (merge, text) in self.merges.ranges().filter(|(merge, _)| merge.first_row < row) {
            let column = merge.first_column as usize;
            names.resize(names.len().max(column + 1), String::new());
            if names[column].is_empty() {
                names[column] = one_line(text);
            }
        }
        let width = names.len();
        let keeps_all = self.delimited().is_some_and(|d| d.unknown_columns == UnknownColumns::Keep);
        let read = self.workbook.rows.read_cells(self.layout, &names);
        let fitting = read.len();
        let named = |column: &u32| keeps_all && !names[*column as usize].is_empty();
        let used = (0..width as u32).filter(|column| read.contains(&(*column as usize)) || named(column)).collect();
        Heading { row, names, used, fitting }
    }

    /// The single cells first, then the columns of the sheet.
    fn all_names(&self, names: &[String]) -> Vec<String> {
        self.workbook.options.cells.iter().map(|(name, ..)| name.clone()).chain(names.iter().cloned()).collect()
    }

    fn begin(&mut self, heading: Heading) -> io::Result<()> {
        let names = self.all_names(&heading.names);
        self.put(heading.row, "", names.iter().map(String::as_str))?;
        self.heading = Some(heading);
        Ok(())
    }

    fn content(&mut self, row: u32, cells: &[SheetCell], each: &mut EachRow<'_>) -> io::Result<()> {
        let Some(heading) = &self.heading else { return Ok(()) };
        let width = heading.names.len();
        let strict = self.delimited().is_some_and(|d| d.unknown_columns == UnknownColumns::Refuse);
        let unnamed = |cell: &SheetCell| heading.names.get(cell.column as usize).is_none_or(String::is_empty);
        let merged = self.merged(heading);
        let mut first_bad = cells.iter().find_map(|cell| match cell.bad {
            _ if strict && unnamed(cell) => Some((cell.column, BadCell::Unnamed)),
            Some(bad) if heading.used.contains(&cell.column) => Some((cell.column, bad)),
            _ => None,
        });
        let mut texts = vec![""; width];
        for cell in cells.iter().filter(|cell| (cell.column as usize) < width) {
            texts[cell.column as usize] = &cell.text;
        }
        // What stands beside the list is shown with its problem.
        let beside = cells.iter().find(|cell| first_bad.is_some_and(|(column, _)| column == cell.column));
        let beside = beside.filter(|cell| cell.column as usize >= width).map(|cell| cell.text.as_str());
        let is_blank = first_bad.is_none() && texts.iter().all(|text| text.trim().is_empty());
        if is_blank {
            return Ok(());
        }
        if let (None, Some((column, text))) = (first_bad, &merged) {
            first_bad = Some((*column, BadCell::Merged));
            // Shown with its problem also where it stands in a row above.
            texts[*column as usize] = text;
        }
        let before = self.singles.len();
        let mark = first_bad.map_or(String::new(), |(column, bad)| {
            let index = before + width.min(column as usize);
            bad_mark(column, index as u32, bad)
        });
        let singles = std::mem::take(&mut self.singles);
        let all = singles.iter().map(String::as_str).chain(texts).chain(beside);
        let byte = self.put(row, &mark, all);
        self.singles = singles;
        each(row, byte?);
        Ok(())
    }

    /// A value whose cells are merged with those of another row, or with another column that is read, and which concerns this row: where
    /// it is read first, and what it says.
    fn merged(&self, heading: &Heading) -> Option<(u32, String)> {
        if self.workbook.options.merged_first {
            return None;
        }
        self.merges.ranges().filter(|(merge, _)| merge.first_row > heading.row).find_map(|(merge, text)| {
            let mut read = heading.used.range(merge.first_column..=merge.last_column);
            let first = read.next()?;
            (merge.last_row > merge.first_row || read.next().is_some()).then(|| (*first, text.clone()))
        })
    }

    /// Writes a row at its number; where it begins.
    fn put<'c>(&mut self, row: u32, mark: &str, texts: impl Iterator<Item = &'c str>) -> io::Result<u64> {
        for _ in self.next..row {
            self.out.write_all(&[ROW_END])?;
            self.byte += 1;
        }
        let begins = self.byte;
        self.out.write_all(mark.as_bytes())?;
        self.byte += mark.len() as u64;
        for (index, text) in texts.enumerate() {
            if index > 0 {
                self.out.write_all(&[CELL_END])?;
            }
            self.out.write_all(text.as_bytes())?;
            self.byte += text.len() as u64 + u64::from(index > 0);
        }
        self.out.write_all(&[ROW_END])?;
        self.byte += 1;
        self.next = row + 1;
        Ok(begins)
    }

    /// Where the names of the layout stand.
    pub fn words(&self, sheet: &str) -> SheetWords {
        let singles = self.workbook.options.cells.iter();
        let mut names: Vec<(String, Spot)> = singles
            .map(|(name, column, row)| (name.clone(), Spot::Cell(format!("{}{row}", letters(*column)))))
            .collect();
        let columns = self.heading.as_ref().map(|heading| &heading.names[..]).unwrap_or_default();
        for (column, name) in columns.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            names.push((name.clone(), Spot::Column(column as u32)));
        }
        let labels = self.layout.records.iter().flat_map(|record| self.labels(record, &names));
        let labels: Vec<(String, Spot)> = labels.collect();
        names.extend(labels);
        SheetWords { name: sheet.to_string(), names }
    }

    /// What fields are called, where that is not their heading.
    fn labels(&self, record: &Record, names: &[(String, Spot)]) -> Vec<(String, Spot)> {
        let any_case = self.delimited().is_some_and(|d| d.any_case);
        let same = |a: &str, b: &str| if any_case { a.to_lowercase() == b.to_lowercase() } else { a == b };
        let place =
            |name: &str| names.iter().find(|(known, _)| same(known.trim(), name.trim())).map(|(_, spot)| spot.clone());
        let fields = record.fields.iter().filter_map(|field| {
            let spots = self.workbook.rows.spots_of(field);
            let spot = spots.iter().flat_map(|spot| &spot.names).find_map(|name| place(name))?;
            Some((field.label.clone(), spot))
        });
        fields.collect()
    }
}
