//! What people do to sheets: merged cells, hidden rows and columns, numbers as text; and which of several layouts a workbook is in.

use std::io::Cursor;
use std::sync::Arc;

use nattpost::model::archive::ArchiveWriter;
use nattpost::model::layout::choice::{Choice, choose};
use nattpost::model::layout::packed::{Packing, first_member};

use super::decoding::decode;
use super::sheets::{Book, row};
use super::{HEADING, orders, told, value};

fn book(rows: &[String], merged: &[&str]) -> Vec<u8> {
    Book { merged, ..Book::of(&rows.concat()) }.bytes()
}

const STAYS: &str = "stands in merged cells, and nothing says to which of their rows or columns it belongs";

#[test]
fn values_of_merged_cells_are_refused_where_nobody_knows_whose_they_are() {
    let rows = || {
        [
            row(1, &["Orders of Monday"]),
            row(2, &HEADING),
            row(3, &["A", "x", "1", "", "", "Thanks"]),
            row(4, &["", "y", "2", "", "", "more"]),
            row(5, &["C", "z", "3"]),
        ]
    };
    // What is merged, what is told, which orders are taken; the third column says it where a layout takes the first cell.
    type Row = (&'static [&'static str], &'static [&'static str], &'static [&'static str]);
    let cases: [Row; 9] = [
        // One number for two rows: both are refused, each with its place.
        (&["A3:A4"], &["Orders!A3, \"No\": \"A\"", "Orders!A4, \"No\": \"A\""], &["C"]),
        // An amount: of which row?
        (&["C4:C5"], &["Orders!C4, \"Qty\": \"2\"", "Orders!C5, \"Qty\": \"2\""], &[]),
        // Two columns that are read.
        (&["A5:B5"], &["Orders!A4, \"No\"", "Orders!A5, \"No\": \"C\""], &["A"]),
        // A column that nobody reads beside one that is; a title above the list; empty ones; a range of one cell.
        (&["F3:G3"], &["Orders!A4, \"No\""], &["A", "C"]),
        (&["A1:F1"], &["Orders!A4, \"No\""], &["A", "C"]),
        (&["D3:D5", "E3:E5"], &["Orders!A4, \"No\""], &["A", "C"]),
        (&["B3"], &["Orders!A4, \"No\""], &["A", "C"]),
        // Below the list, and rows that are not there.
        (&["A7:A9"], &["Orders!A4, \"No\""], &["A", "C"]),
        (&["A5:A40"], &["Orders!A4, \"No\"", "Orders!A5, \"No\": \"C\""], &["A"]),
    ];
    let layout = orders("");
    for (merged, words, taken) in cases {
        let (found, decoded) = decode(&layout, &book(&rows(), merged));
        let mut problems = told(&found, &decoded);
        // Of one order, rows below one that could not be read.
        problems.retain(|problem| !problem.contains("row-in-doubt"));
        problems.sort();
        assert!(
            problems.len() == words.len() && problems.iter().zip(words).all(|(p, w)| p.starts_with(w)),
            "{merged:?}: {problems:#?}"
        );
        let of_merged = words.iter().filter(|w| w.contains(": \"")).count();
        assert_eq!(problems.iter().filter(|p| p.contains(STAYS)).count(), of_merged, "{merged:?}: {problems:#?}");
        assert_eq!(value(&found, "buyer_order_no"), taken, "{merged:?}");
    }
    // Taken as the first cell's alone, where the partner means it so.
    let (found, decoded) = decode(&orders("merged = \"first\""), &book(&rows(), &["C3:C4", "A3:A4"]));
    assert!(told(&found, &decoded)[0].starts_with("Orders!A4, \"No\""), "{:?}", told(&found, &decoded));
    assert_eq!(value(&found, "buyer_order_no"), ["A", "C"]);
}

#[test]
fn headings_may_be_two_rows_high() {
    let rows =
        [row(1, &["No", "Article", "Amounts"]), row(2, &["", "", "Qty", "Price"]), row(3, &["A", "x", "1", "2.5"])];
    let (found, decoded) = decode(&orders(""), &book(&rows, &["A1:A2", "B1:B2", "C1:D1"]));
    assert_eq!(told(&found, &decoded), Vec::<String>::new());
    assert_eq!(value(&found, "lines.0.net_price"), ["2.5"]);
    // Not merged, nobody knows that they go on.
    let (found, decoded) = decode(&orders(""), &book(&rows, &["C1:D1"]));
    assert!(told(&found, &decoded)[0].contains("missing:"), "{:?}", told(&found, &decoded));
    // Both rows high: below the list begins.
    let rows = [row(1, &["No", "Article", "Qty"]), row(3, &["A", "x", "1"])];
    let (found, decoded) = decode(&orders(""), &book(&rows, &["A1:A2", "B1:B2", "C1:C2"]));
    assert_eq!((told(&found, &decoded), value(&found, "lines.0.qty")), (Vec::new(), vec!["1".to_string()]));
}

#[test]
fn merged_ranges_that_are_none_are_told() {
    let rows = [row(1, &HEADING), row(2, &["A", "x", "1"])];
    for (range, words) in [("A2:", "\"A2:\" is no range"), ("B3:A2", "\"B3:A2\" is no range")] {
        let (found, decoded) = decode(&orders(""), &book(&rows, &[range]));
        assert!(told(&found, &decoded)[0].contains(words), "{:?}", told(&found, &decoded));
    }
}

/// A filter hides and deletes nothing; what a person typed as text stays text; a share is a part of one.
#[test]
fn cells_count_whether_they_are_seen_or_not() {
    let hidden = |row: String| row.replacen("<row ", "<row hidden=\"1\" ", 1);
    let rows = [
        "</sheetData><cols><col min=\"2\" max=\"3\" hidden=\"1\"/></cols><sheetData>".to_string(),
        row(1, &HEADING),
        hidden(row(2, &["00815", "00012", "1"])),
        row(3, &["4006381333931000", "x", "<c t=\"inlineStr\"><is><t> 2 </t></is></c>"]),
        row(4, &["B", "x", "1", "<c s=\"3\"><v>0.19</v></c>"]),
        row(5, &["C", "x", "<c><f>SUM(C2:C4)</f></c>"]),
        row(6, &["D", "x", "1", "", "<c s=\"1\"><v>60</v></c>"]),
        row(7, &["E", "x", "1", "", "<c s=\"1\"><v>0</v></c>"]),
        row(8, &["<c><v>4006381333931007</v></c>", "x", "1"]),
    ];
    let (found, decoded) = decode(&orders(""), &book(&rows, &[]));
    let problems = told(&found, &decoded);
    for words in [
        "Orders!C5, \"Qty\": here is a formula without a value",
        "Orders!E6, \"Day\": \"60\" is shown as a day, but is no day",
        "Orders!E7, \"Day\": ",
        "Orders!A8, \"No\": \"4006381333931007\" is a number of more than 15 digits",
    ] {
        assert!(problems.iter().any(|problem| problem.starts_with(words)), "{words}: {problems:#?}");
    }
    assert_eq!(problems.len(), 4, "{problems:#?}");
    assert_eq!(value(&found, "buyer_order_no"), ["00815", "4006381333931000", "B"], "{problems:#?}");
    assert_eq!(value(&found, "lines.0.article_no"), ["00012", "x", "x"]);
    assert_eq!(value(&found, "lines.0.qty"), ["1", "2", "1"]);
    assert_eq!(value(&found, "lines.0.net_price"), ["", "", "0.19"]);
}

/// Workbooks that are longer than what is looked at of other files: the sheet decides, also in an archive.
#[test]
fn the_sheet_says_which_of_several_layouts_is_meant() {
    let other = |sheet: &str, article: &str| {
        let text = format!(
            "layout = \"{article}\"\ntitle = \"Orders\"\nkind = \"order\"\nsyntax = \"xlsx\"\n[xlsx]\n{sheet}\n[[record]]\nname = \"line\"\nopens = \"lines\"\n\
             group_by = [\"No\"]\nfields = [[\"No\", \"buyer_order_no\", \"text required\"], [\"{article}\", \"lines.article_no\", \"text required\"], [\"Qty\", \"lines.qty\", \"decimal required\"]]\n"
        );
        Arc::new(super::layout_of(&text))
    };
    let layouts = [other("", "Ware"), other("", "Article"), other("sheet = \"Lists\"", "Item")];
    // Texts that do not pack well, so that the sheet goes far beyond the beginning.
    let content = |heading: &str| -> String {
        let rows = (2..6_000_u32).map(|at| {
            row(
                at,
                &[
                    &format!("{:x}", at.wrapping_mul(2_654_435_761)),
                    &format!("a{:x}", at.wrapping_mul(40_503).wrapping_add(at << 9)),
                    "1",
                ],
            )
        });
        std::iter::once(row(1, &["No", heading, "Qty"])).chain(rows).collect()
    };
    for (sheets, expected) in [
        (vec![("Orders", "visible", content("Article"))], Some("Article")),
        (vec![("Orders", "visible", content("Ware"))], Some("Ware")),
        (vec![("Text", "visible", row(1, &["Hello"])), ("lists", "hidden", content("Item"))], Some("Item")),
        (vec![("Orders", "visible", content("Article")), ("Lists", "visible", content("Item"))], None),
    ] {
        let bytes = Book { sheets, ..Book::of("") }.bytes();
        assert!(bytes.len() > 64 << 10, "{}", bytes.len());
        let mut packed = Vec::new();
        let mut writer = ArchiveWriter::new(&mut packed);
        let mut member = writer.begin("orders.xlsx").unwrap();
        std::io::Write::write_all(&mut member, &bytes).unwrap();
        member.end().unwrap();
        writer.finish().unwrap();
        let spill = || Ok(Box::new(Cursor::new(Vec::new())) as Box<dyn nattpost::model::layout::Spill>);
        let mut member = first_member(Packing::Zip, &mut Cursor::new(&packed), &spill).unwrap().unwrap();
        let files: [&mut dyn nattpost::model::layout::Input; 2] = [&mut Cursor::new(&bytes), &mut member];
        for file in files {
            let choice = choose(&layouts, (&bytes[..64 << 10], false), file).unwrap();
            match (choice, expected) {
                (Choice::One(layout), Some(id)) => assert_eq!(layout.id, id),
                (Choice::Several(several), None) => assert_eq!(several.len(), 2),
                (other, _) => panic!("{expected:?}: {other:?}"),
            }
        }
    }
    // One that is damaged is told as that, and not as one that two layouts fit.
    let bytes = Book::of(&content("Article")).bytes();
    let cut = &bytes[..bytes.len() - 100];
    let choice = choose(&layouts, (&cut[..64 << 10], false), &mut Cursor::new(cut)).unwrap();
    assert!(matches!(choice, Choice::One(_)), "{choice:?}");
}
