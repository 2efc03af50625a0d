//! Files cut otherwise than into rows alike: marker lines with tagged lines behind them, and rows that go on with the row before.

use super::cut::{Column, Sheet};

/// Characters that stand before a tag.
const MARKS: [char; 4] = ['#', '!', '@', '$'];
/// Of the columns of a row, in percent, so many say nothing where it goes on with the one before.
const SILENT: usize = 30;
/// More rows say nothing new.
const LINES: usize = 5_000;

/// Tagged lines behind markers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocks {
    pub prefix: char,
    pub separator: char,
    /// Characters of a marker that tell what it is; all of it where nothing is said.
    pub tag: Option<usize>,
    pub sheets: Vec<Sheet>,
}

/// Blocks where most lines begin with one mark and there are others between them.
pub fn blocks(text: &str, separator: char) -> Option<Blocks> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(LINES).collect();
    let prefix = lines.iter().find_map(|line| line.chars().next().filter(|c| MARKS.contains(c)))?;
    let tagged = |line: &&&str| line.starts_with(prefix) && line.contains(separator);
    let many = lines.iter().filter(tagged).count();
    let markers: Vec<&str> = lines.iter().copied().filter(|line| !line.starts_with(prefix)).collect();
    if markers.is_empty() || many * 10 < lines.len() * 5 || many + markers.len() < lines.len() {
        return None;
    }
    let tag = tag_of(&markers);
    let mut sheets: Vec<Sheet> = Vec::new();
    let mut open: Option<usize> = None;
    for (number, line) in lines.iter().enumerate() {
        if line.starts_with(prefix) {
            let (Some(at), Some((name, value))) = (open, line[prefix.len_utf8()..].split_once(separator)) else {
                continue;
            };
            put(&mut sheets[at], name, value);
            continue;
        }
        let word: String = line.chars().take(tag.unwrap_or(usize::MAX)).collect();
        let at = sheets.iter().position(|sheet| sheet.tag == word).unwrap_or_else(|| {
            sheets.push(Sheet { tag: word, ..Sheet::default() });
            sheets.len() - 1
        });
        sheets[at].rows.push(number);
        let rest: String = line.chars().skip(tag.unwrap_or(usize::MAX)).collect();
        if let (Some(tag), false) = (tag, rest.is_empty()) {
            put(&mut sheets[at], &format!("marker {}-", tag + 1), &rest);
        }
        open = Some(at);
    }
    Some(Blocks { prefix, separator, tag, sheets })
}

/// The value of the block opened last.
fn put(sheet: &mut Sheet, place: &str, value: &str) {
    let rows = sheet.rows.len();
    let at = sheet.columns.iter().position(|column| column.place == place).unwrap_or_else(|| {
        sheet.columns.push(Column { place: place.to_string(), ..Column::default() });
        sheet.columns.len() - 1
    });
    let values = &mut sheet.columns[at].values;
    values.resize(rows.saturating_sub(1).max(values.len()), String::new());
    values.push(value.trim().to_string());
}

/// Two characters, where markers that begin alike differ behind them.
fn tag_of(markers: &[&str]) -> Option<usize> {
    let mut whole: Vec<&str> = markers.to_vec();
    whole.sort_unstable();
    whole.dedup();
    let mut heads: Vec<String> = whole.iter().map(|marker| marker.chars().take(2).collect()).collect();
    heads.dedup();
    let longer = whole.iter().any(|marker| marker.chars().count() > 2);
    (longer && heads.iter().all(|head| head.chars().all(char::is_alphanumeric))).then_some(2)
}

/// The column that rows without a key of their own leave blank, together with many others.
pub fn key_of_continued(sheet: &Sheet) -> Option<usize> {
    let rows = sheet.rows.len();
    let used: Vec<&Column> = sheet.columns.iter().filter(|c| c.values.iter().any(|v| !v.is_empty())).collect();
    let candidates = sheet.columns.iter().enumerate().take(3).filter_map(|(at, column)| {
        let blank: Vec<usize> = (0..rows).filter(|row| column.values[*row].is_empty()).collect();
        if blank.is_empty() || blank[0] == 0 || blank.len() == rows {
            return None;
        }
        // A row that says another key before it begins something of its own, and a line of it would go to the order before.
        let says_other = |row: &usize| {
            let before = &sheet.columns[..at];
            before.iter().any(|c| !c.values[*row].is_empty() && c.values[*row] != c.values[*row - 1])
        };
        if blank.iter().any(says_other) {
            return None;
        }
        let silent = |c: &&&Column| blank.iter().all(|row| c.values[*row].is_empty());
        let heads = |c: &&&Column| (0..rows).all(|row| blank.contains(&row) || !c.values[row].is_empty());
        let silent_there = used.iter().filter(silent).count();
        let own = used.iter().filter(silent).filter(heads).count();
        (own > 0 && silent_there * 100 >= used.len() * SILENT).then_some((silent_there, at))
    });
    candidates.max_by_key(|(silent, at)| (*silent, usize::MAX - at)).map(|(_, at)| at)
}

/// Rows with a key, and rows that go on with the one before.
pub fn continued(sheet: &Sheet, key: usize) -> (Sheet, Sheet) {
    let blank: Vec<bool> = sheet.columns[key].values.iter().map(String::is_empty).collect();
    let half = |of_blank: bool| {
        let rows: Vec<usize> = (0..blank.len()).filter(|row| blank[*row] == of_blank).collect();
        let columns = sheet.columns.iter().map(|column| Column {
            values: rows.iter().map(|row| column.values[*row].clone()).collect(),
            ..column.clone()
        });
        let says = |c: &Column| !of_blank || c.values.iter().any(|value| !value.is_empty());
        Sheet {
            tag: sheet.tag.clone(),
            columns: columns.filter(says).collect(),
            rows: rows.iter().map(|row| sheet.rows[*row]).collect(),
        }
    };
    (half(false), half(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_open_blocks_and_values_stand_by_their_tags() {
        let text = "01C7\n#100;PO-1\n11100\n#200;A\n#210;2\n11200\n#200;B\n01C8\n#100;PO-2\n";
        let found = blocks(text, ';').unwrap();
        assert_eq!((found.prefix, found.tag), ('#', Some(2)));
        let (head, line) = (&found.sheets[0], &found.sheets[1]);
        assert_eq!(head.tag, "01");
        assert_eq!(
            (&head.columns[0].place[..], &head.columns[0].values[..]),
            ("marker 3-", &["C7".into(), "C8".into()][..])
        );
        assert_eq!((&line.columns[1].place[..], &line.columns[1].values[..]), ("200", &["A".into(), "B".into()][..]));
        assert!(blocks("a;b\nc;d\n", ';').is_none() && blocks("", ';').is_none());
    }

    #[test]
    fn rows_without_a_key_are_told_by_what_else_they_leave_blank() {
        let rows = ["C1,Nord,a@b,Oslo", ",,,Moss", "C2,Syd,c@d,Lund", ",Vest,e@f,Bergen"];
        let column = |at: usize| Column {
            place: (at + 1).to_string(),
            values: rows.iter().map(|row| row.split(',').nth(at).unwrap().to_string()).collect(),
            ..Column::default()
        };
        let sheet = Sheet { columns: (0..4).map(column).collect(), rows: vec![0, 1, 2, 3], ..Sheet::default() };
        assert_eq!(key_of_continued(&sheet), Some(1), "the number may be missing, the name tells");
        let (keyed, more) = continued(&sheet, 1);
        assert_eq!((keyed.rows, more.rows), (vec![0, 2, 3], vec![1]));
        assert_eq!(more.columns.len(), 1);
    }

    #[test]
    fn a_row_that_says_a_number_of_its_own_does_not_go_on_with_the_one_before() {
        let sheet = |rows: &[&str]| {
            let column = |at: usize| Column {
                place: (at + 1).to_string(),
                values: rows.iter().map(|row| row.split(',').nth(at).unwrap().to_string()).collect(),
                ..Column::default()
            };
            Sheet { columns: (0..4).map(column).collect(), rows: (0..rows.len()).collect(), ..Sheet::default() }
        };
        assert_eq!(
            key_of_continued(&sheet(&["7,Mr,x@y,A", "7,Mr,x@y,B", "8,,,A"])),
            None,
            "another order without a title"
        );
        assert_eq!(key_of_continued(&sheet(&["7,A,Oslo,2", "7,B,Oslo,1", "Total,,,3"])), None, "a sum below the rows");
        assert_eq!(key_of_continued(&sheet(&["7,Mr,x@y,A", "7,,,B", "8,Ms,z@y,A"])), Some(1));
    }
}
