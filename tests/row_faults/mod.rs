//! Twelve faults in a file of each row syntax: the reason names the line, the column, what was found and what was expected.

mod mixed;

use crate::compiled;
use crate::decoding::{decode, layout};
use nattpost::model::layout::Layout;

/// What is put in place of what, and what the first problem must say: code, line, column, then words of its text.
type Fault<'a> = (&'a str, &'a str, &'a str, u32, &'a str, &'a [&'a str]);

fn all_are_told(layout: &Layout, good: &str, faults: &[Fault<'_>]) {
    let (found, decoded) = decode(layout, good.as_bytes());
    assert!(decoded.fatal.is_empty() && found.refused.is_empty(), "{:?} {:?}", decoded.fatal, found.refused);
    let mut wrong = Vec::new();
    for (from, to, code, line, column, words) in faults {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        let (found, decoded) = decode(layout, bad.as_bytes());
        let all: Vec<_> =
            decoded.fatal.kept().iter().chain(found.refused.iter().flat_map(|refused| &refused.problems)).collect();
        let told = all.iter().any(|p| {
            (p.code, p.place.line, p.place.field.as_str()) == (*code, *line, *column)
                && words.iter().all(|word| p.text.contains(word))
        });
        if !told {
            wrong.push(format!("{from:?} → {to:?}: expected {code} at {line} {column} {words:?}\n    {all:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const DELIMITED: &str = r#"
layout = "x"
title = "x"
kind = "order"
syntax = "delimited"
[lookup.country]
Norge = "NO"
[delimited]
delimiter = ";"
tag = 1
columns = "positions"
[[record]]
name = "head"
tag = "H"
opens = "message"
fields = [
  ["2", "buyer_order_no", "text required match=[A-Z]+-[0-9]+", "Order"],
  ["3", "order_date", "date %d.%m.%Y", "Date"],
  ["4", "delivery_country", "lookup=country", "Country"],
  ["5", "drop_ship", "boolean J/N", "Drop"],
]
[[record]]
name = "line"
tag = "L"
opens = "lines"
fields = [
  ["2", "lines.article_no", "text required max=8", "Sku"],
  ["3", "lines.qty", "decimal point=, required", "Qty"],
  ["4", "lines.net_price", "decimal point=,", "Price"],
]
[[record]]
name = "end"
tag = "T"
closes = "message"
fields = [["2", "count(L)", "", "Lines"]]
"#;

#[test]
fn twelve_faults_of_a_delimited_file() {
    let good = "H;PO-1;31.03.2026;Norge;J\nL;sku-1;2,5;10\nL;sku-2;1;\nT;2\n";
    all_are_told(
        &compiled(DELIMITED),
        good,
        &[
            ("2,5", "2.5x", "quantity-invalid", 2, "Qty", &["\"2.5x\"", "a number like 2,5"]),
            (";2,5;", ";;", "value-missing", 2, "Qty", &["expected a value"]),
            ("31.03.2026", "31.02.2026", "date-invalid", 1, "Date", &["\"31.02.2026\"", "31.03.2026"]),
            ("Norge", "Norwegen", "word-unknown", 1, "Country", &["\"Norwegen\"", "Norge"]),
            (";J\n", ";X\n", "flag-invalid", 1, "Drop", &["\"X\"", "J, N"]),
            ("PO-1", "PO 1", "value-invalid", 1, "Order", &["\"PO 1\"", "[A-Z]+-[0-9]+"]),
            ("sku-1", "sku-1-long", "text-too-long", 2, "Sku", &["10 characters", "at most 8"]),
            ("L;sku-2;1;", "L;sku-2;1", "columns-wrong", 3, "", &["3 columns", "expected 4"]),
            ("L;sku-2;1;", "L;sku;2;1;;7", "columns-wrong", 3, "", &["6 columns", "expected 4"]),
            ("L;sku-2", "X;sku-2", "record-unknown", 3, "", &["\"X\"", "H, L, T"]),
            ("T;2", "T;3", "total-mismatch", 4, "Lines", &["3", "2"]),
            ("sku-2", "\"sku-2", "quote-invalid", 3, "", &["value 2", "never closed"]),
        ],
    );
}

#[test]
fn twelve_faults_of_a_fixed_file() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/layouts/bisac-po/sample.txt");
    let good = std::fs::read_to_string(file).unwrap();
    all_are_told(
        &layout("bisac-po/layout.toml"),
        &good,
        &[
            ("53556600002 ", "535566000x2 ", "quantity-invalid", 3, "quantity", &["\"000x2\"", "without decimals"]),
            ("00129900", "00129a00", "price-invalid", 3, "price", &["\"00129a\"", "the last 2"]),
            ("35000", "3500,", "percent-invalid", 3, "discount percent", &["\"3500,\"", "the last 3"]),
            ("260309", "260230", "date-invalid", 2, "order date", &["\"260230\"", "260331"]),
            ("000000Y", "000000J", "flag-invalid", 2, "back-order code", &["\"J\"", "Y, N"]),
            ("4000003", "4000004", "sequence-broken", 3, "line number", &["\"00004\"", "expected 3"]),
            ("F035559999", "F045559999", "version-mismatch", 1, "format version", &["\"F04\"", "\"F03\""]),
            ("4000003", "4900003", "record-unknown", 3, "", &["\"49\"", "expected one of"]),
            ("FF-2201      5550101", "             5550101", "value-missing", 2, "PO number", &["expected a value"]),
            ("00000015550101", "0100001555010 ", "record-unknown", 1, "", &["\"01\"", "00"]),
            ("4100004FF-2201", "4100004FF-2202", "head-contradicts", 4, "PO number", &["\"FF-2202\"", "\"FF-2201\""]),
            ("0199535566", "          ", "value-missing", 3, "ISBN-10", &["expected a value"]),
        ],
    );
}

const TAGGED: &str = r##"
layout = "x"
title = "x"
kind = "order"
syntax = "tagged"
[lookup.pay]
B = "card"
[tagged]
prefix = "#"
separator = ";"
tag = "1-2"
[[record]]
name = "order"
tag = "01"
opens = "message"
fields = [
  ["marker 3-", "customer_no", "required", "customer"],
  ["100", "buyer_order_no", "text required prefix=W match=W[0-9]+", "order"],
  ["110", "order_date", "date %Y%m%d", "date"],
  ["120", "payment_method", "lookup=pay", "payment"],
  ["130", "freight", "decimal point=,", "freight"],
  ["140", "constant(L)"],
]
[[record]]
name = "line"
tag = "11"
opens = "lines"
fields = [
  ["marker 3-4", "lines.line_no", "integer", "index"],
  ["200", "lines.article_no", "text required max=8", "article"],
  ["210", "lines.qty", "decimal point=, required", "quantity"],
]
"##;

#[test]
fn twelve_faults_of_a_tagged_file() {
    let good = "01C77\n#100;W12\n#110;20260331\n#120;B\n#130;4,50\n#140;L\n1101\n#200;sku-1\n#210;2\n";
    all_are_told(
        &compiled(TAGGED),
        good,
        &[
            ("#210;2", "#210;two", "quantity-invalid", 9, "quantity", &["\"two\"", "a number like 2,5"]),
            ("#210;2\n", "", "value-missing", 7, "quantity", &["expected a value"]),
            ("#110;20260331", "#110;20260332", "date-invalid", 3, "date", &["\"20260332\"", "20260331"]),
            ("#120;B", "#120;Q", "word-unknown", 4, "payment", &["\"Q\"", "B"]),
            ("#130;4,50", "#130;4.50", "amount-invalid", 5, "freight", &["\"4.50\"", "2,5"]),
            ("#140;L", "#140;M", "layout-mismatch", 6, "140", &["\"M\"", "\"L\""]),
            ("#100;W12", "#100;X12", "value-invalid", 2, "order", &["\"X12\"", "W[0-9]+"]),
            ("#200;sku-1", "#200;sku-1-long", "text-too-long", 8, "article", &["10 characters", "at most 8"]),
            ("#200;sku-1", "#299;sku-1", "record-unknown", 8, "", &["\"#299;sku-1\"", "tag that is not known"]),
            ("#210;2", "#130;2", "record-misplaced", 9, "", &["\"#130;2\"", "\"line\""]),
            ("#200;sku-1", "#200;sku-1\n#200;sku-2", "value-repeated", 9, "", &["\"#200;sku-2\"", "once"]),
            ("1101", "7701", "record-unknown", 7, "", &["\"77\"", "01, 11"]),
        ],
    );
}

/// What partners' programs do beside these: the other decimal mark, days that do not exist, wrapped lines, doubled heads.
#[test]
fn further_faults_of_partners() {
    let good = "H;PO-1;31.03.2026;Norge;J\nL;sku-1;2,5;10\nL;sku-2;1;\nT;2\n";
    all_are_told(
        &compiled(DELIMITED),
        good,
        &[
            ("2,5", "2.5", "quantity-invalid", 2, "Qty", &["decimals stand behind a comma here", "like 2,5"]),
            (";10\n", ";1'012,5\n", "price-invalid", 2, "Price", &["nothing between the thousands"]),
            (";10\n", ";1.012,50\n", "price-invalid", 2, "Price", &["no mark between the thousands"]),
            (";10\n", ";EUR 10,00\n", "price-invalid", 2, "Price", &["\"EUR 10,00\" is not a price; expected"]),
            ("31.03.2026", "31.02.2026", "date-invalid", 1, "Date", &["there is no such day"]),
            ("31.03.2026", "03.31.2026", "date-invalid", 1, "Date", &["there is no such month", "31.03.2026"]),
            ("31.03.2026", "31.03.26", "date-invalid", 1, "Date", &["\"31.03.26\" is not a date; expected"]),
            ("L;sku-1;2,5;10", "L\tsku-1\t2,5\t10", "record-unknown", 2, "", &["expected one of: H, L, T"]),
            ("L;sku-1;2,5;10", "L,sku-1,2,10", "record-unknown", 2, "", &["expected one of: H, L, T"]),
            ("L;sku-1;2,5;10", "L;sku-1;2,5", "columns-wrong", 2, "", &["expected 4, with a \";\" between them"]),
            ("L;sku-1", ";sku-1", "record-unknown", 2, "", &["does not say its type", "H, L, T"]),
            ("T;2\n", "T;2\nTotal;2\n", "record-unknown", 5, "", &["\"Total\"", "H, L, T"]),
        ],
    );
    let good = "01C77\n#100;W12\n#110;20260331\n#120;B\n#130;4,50\n#140;L\n1101\n#200;sku-1\n#210;2\n";
    all_are_told(
        &compiled(TAGGED),
        good,
        &[
            ("#110;20260331", "#110;20260231", "date-invalid", 3, "date", &["there is no such day"]),
            ("#130;4,50", "#130;4.50", "amount-invalid", 5, "freight", &["decimals stand behind a comma here"]),
            ("#130;4,50", "#130;1.004,50", "amount-invalid", 5, "freight", &["no mark between the thousands"]),
            ("#210;2", "#210\t2", "record-unknown", 9, "", &["#210\\t2", "a line like \"#TAG;VALUE\""]),
            ("#210;2", "#210,2", "record-unknown", 9, "", &["a line like \"#TAG;VALUE\""]),
            ("sku-1\n", "sku\n1\n", "record-unknown", 9, "", &["\"1\"", "01, 11"]),
            ("01C77\n", "", "record-unknown", 1, "", &["does not say its type", "01, 11"]),
        ],
    );
}

#[test]
fn further_faults_of_fixed_files() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/layouts/bisac-po/sample.txt");
    let good = std::fs::read_to_string(file).unwrap();
    let head = good.lines().next().unwrap();
    all_are_told(
        &layout("bisac-po/layout.toml"),
        &good,
        &[
            ("260309", "260231", "date-invalid", 2, "order date", &["there is no such day"]),
            ("260309", "261309", "date-invalid", 2, "order date", &["there is no such month"]),
            ("260309", "9.3.26", "date-invalid", 2, "order date", &["is not a date; expected a date like 260331"]),
            ("00129900", "0129.90 ", "price-invalid", 3, "price", &["the last 2 of them decimals"]),
            ("1000002FF-2201", "1000002FF\t2201", "character-invalid", 2, "", &["character 10", "is a tab"]),
            (
                "000000001N0  2 000000 \r",
                "000000001N0  2 00\r",
                "record-width",
                2,
                "do not ship before",
                &["\"00\"", "2 of 6"],
            ),
            (head, &format!("{head}\n{head}"), "file-truncated", 2, "", &["a new head stands here", "file trailer"]),
        ],
    );
    // Where the sender's own line is shown, it begins at the byte that the problem names.
    let tagged = "01C77\n#100;W12\n#110;20260231\n1101\n#200;sku-1\n#210;2\n";
    let (found, _) = decode(&compiled(TAGGED), tagged.as_bytes());
    let place = &found.refused[0].problems[0].place;
    assert!(tagged[place.byte as usize..].starts_with("#110;20260231"), "{place:?}");
}

/// Programs of DOS end a file with Ctrl-Z, and fill what is left of the last sector with it.
#[test]
fn the_end_mark_of_dos_is_no_part_of_the_last_value() {
    let tagged = "01C77\n#100;W12\n1101\n#200;sku-1\n#210;2";
    let delimited = "H;PO-1;31.03.2026;Norge;J\nL;sku-1;2,5;10\nT;1";
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/layouts/richer-parts/sample.txt");
    let fixed = std::fs::read_to_string(file).unwrap();
    let cases = [
        (compiled(TAGGED), tagged, 1),
        (compiled(DELIMITED), delimited, 1),
        (layout("richer-parts/layout.toml"), fixed.trim_end(), 2),
    ];
    for (layout, good, count) in cases {
        for end in ["\x1a", "\r\n\x1a", &"\x1a".repeat(128)] {
            let (found, decoded) = decode(&layout, format!("{good}{end}").as_bytes());
            assert!(
                decoded.fatal.is_empty() && found.refused.is_empty(),
                "{end:?} {:?} {:?}",
                found.refused,
                decoded.fatal
            );
            assert_eq!(found.messages().count(), count);
        }
        // Before the end it is a character like others: nothing is left out in silence.
        let (found, decoded) = decode(&layout, format!("{good}\x1a\n\n{good}").as_bytes());
        assert!(!found.refused.is_empty() || !decoded.fatal.is_empty());
    }
}
