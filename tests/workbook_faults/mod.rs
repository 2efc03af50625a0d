//! What dealers do to an order list in Excel: the reason names the sheet, the cell and its heading, what was found, what was expected.

use crate::decoding::decode;
use crate::sheets::{Book, row};
use crate::{HEADING, orders, told};

const GOOD: [&str; 6] = ["A-1", "sku-1", "2.5", "12.10", "<c s=\"1\"><v>46092</v></c>", "soon"];

/// The list with its second line changed: these cells stand in it instead.
fn list(changed: &[(usize, &str)]) -> String {
    let mut cells = GOOD;
    for (at, cell) in changed {
        cells[*at] = cell;
    }
    row(1, &HEADING) + &row(2, &GOOD) + &row(3, &cells)
}

fn reason(book: &Book<'_>) -> String {
    let (found, decoded) = decode(&orders("sheet = [\"Orders\"]"), &book.bytes());
    told(&found, &decoded).join("\n")
}

#[test]
fn faults_of_cells() {
    assert_eq!(reason(&Book::of(&list(&[]))), "");
    // Column, what stands there, words of the reason in their order.
    let table: [(usize, &str, &[&str]); 18] = [
        (2, "2,5", &["Orders!C3, \"Qty\": \"2,5\"", "decimals stand behind a point here", "a number like 2.5"]),
        (2, "1.002,5", &["Orders!C3, \"Qty\": \"1.002,5\"", "no mark between the thousands", "a number like 2.5"]),
        (2, "2 pcs", &["Orders!C3, \"Qty\": \"2 pcs\" is not a quantity", "a number like 2.5"]),
        (2, "1 200", &["Orders!C3, \"Qty\": \"1 200\" is not a quantity", "nothing between the thousands"]),
        (
            2,
            "<c s=\"1\"><v>46092</v></c>",
            &["Orders!C3, \"Qty\": \"2026-03-11\" is not a quantity", "a number like 2.5"],
        ),
        (2, "<c t=\"b\"><v>1</v></c>", &["Orders!C3, \"Qty\": \"true\" is not a quantity", "a number like 2.5"]),
        (2, "<c><f>1+1</f></c>", &["Orders!C3, \"Qty\": ", "formula without a value", "Open it in Excel"]),
        (2, "<c t=\"e\"><f>1/0</f><v>#DIV/0!</v></c>", &["Orders!C3, \"Qty\": \"#DIV/0!\"", "error of a formula"]),
        (2, "", &["Orders!C3, \"Qty\": is empty or missing", "expected a value", "Fill it in"]),
        (3, "EUR 12.10", &["Orders!D3, \"Price\": \"EUR 12.10\" is not a price", "a number like 2.5"]),
        (
            1,
            "<c t=\"e\"><v>#N/A</v></c>",
            &["Orders!B3, \"Article\": \"#N/A\"", "error of a formula", "Correct it in Excel"],
        ),
        (
            1,
            "<c><v>40063813339312345</v></c>",
            &["Orders!B3, \"Article\": ", "more than 15 digits", "Enter it as text"],
        ),
        (1, "", &["Orders!B3, \"Article|Item\": is empty or missing"]),
        (4, "31.02.2026", &["Orders!E3, \"Day\": \"31.02.2026\"", "there is no such day", "2026-03-31 or 31.03.2026"]),
        (4, "11.03.26", &["Orders!E3, \"Day\": \"11.03.26\" is not a date; expected", "2026-03-31 or 31.03.2026"]),
        (4, "<c><v>46092</v></c>", &["Orders!E3, \"Day\": \"46092\" is not a date", "2026-03-31 or 31.03.2026"]),
        (
            4,
            "<c s=\"1\"><v>60</v></c>",
            &["Orders!E3, \"Day\": \"60\"", "no day of the calendar", "Enter the day anew"],
        ),
        (0, "", &["Orders!A3, \"No\": is empty or missing"]),
    ];
    let mut wrong = Vec::new();
    for (column, cell, words) in table {
        let text = reason(&Book::of(&list(&[(column, cell)])));
        let mut rest = text.as_str();
        let told = words.iter().all(|word| rest.find(word).map(|at| rest = &rest[at + word.len()..]).is_some());
        if !told {
            wrong.push(format!("{cell}: expected {words:?}\n    {text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn faults_of_sheets_and_headings() {
    let sheets = |sheets: &[(&'static str, &'static str, String)]| Book { sheets: sheets.to_vec(), ..Book::of("") };
    let total = list(&[]) + &row(4, &["", "", "5"]);
    let merged = row(1, &["Order", "", "Amounts"]) + &row(2, &["No", "Article", "", "Price"]) + &row(3, &GOOD);
    let twice = list(&[]) + &row(4, &["No", "Qty", "Article"]);
    let table: [(Book<'_>, &[&str]); 6] = [
        (
            sheets(&[("Tabelle1", "visible", list(&[]))]),
            &["no sheet \"Orders\"", "it has \"Tabelle1\"", "Name the sheet so"],
        ),
        (
            sheets(&[("Rules", "hidden", row(1, &["x"])), ("Orders ", "visible", list(&[]))]),
            &["no sheet \"Orders\"", "\"Orders \""],
        ),
        (Book::of(&total), &["Orders!A4, \"No\": is empty or missing"]),
        (Book::of(&merged), &["missing: \"Qty\"", "Send the agreed columns"]),
        (Book::of(&twice), &["Orders!C4, \"Qty\": \"Article\" is not a quantity"]),
        (
            Book::of(&(list(&[]) + &row(4, &["A-1", "x", "1", "", "", "", "5"]))),
            &["Orders!G4, \"5\" stands under no heading", "[cell-invalid]"],
        ),
    ];
    for (at, (book, words)) in table.iter().enumerate() {
        let text = reason(book);
        assert!(words.iter().all(|word| text.contains(word)), "{at}: expected {words:?}\n{text}");
    }
}
