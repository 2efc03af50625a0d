//! Records of fixed width in a delimited file: each fault is told by what its own record is made of, characters or columns.

use super::all_are_told;
use crate::compiled;
use crate::decoding::decode;

const MIXED: &str = r#"
layout = "x"
title = "x"
kind = "order"
syntax = "delimited"
[delimited]
delimiter = ";"
columns = "positions"
tag = "1-1"
[[record]]
name = "head"
tag = "H"
opens = "message"
width = 24
fields = [
  ["1",     "constant(H)"],
  ["2-8",   "buyer_order_no", "text required match=PO-[0-9]+", "Order"],
  ["9-16",  "order_date", "date %Y%m%d", "Day"],
  ["17-18", "delivery_country", "match=[A-Z]+", "Country"],
  ["19-24", "freight", "decimal implied=2", "Freight"],
]
[[record]]
name = "line"
tag = "L"
opens = "lines"
fields = [
  ["1", "constant(L)"],
  ["2", "lines.article_no", "text required max=8", "Sku"],
  ["3", "lines.qty", "decimal point=, required", "Qty"],
  ["4", "lines.net_price", "decimal point=,", "Price"],
]
[[record]]
name = "end"
tag = "T"
closes = "message"
width = 6
fields = [["1", "constant(T)"], ["2-6", "count(line)", "", "Lines"]]
"#;

const GOOD: &str = "HPO-1   20260331DE000450\nL;sku-1;2,5;10\nL;sku-2;1;\nT00002\n";

#[test]
fn faults_of_fixed_records_among_delimited_ones() {
    all_are_told(
        &compiled(MIXED),
        GOOD,
        &[
            ("20260331", "20260231", "date-invalid", 1, "Day", &["\"20260231\"", "there is no such day", "20260331"]),
            ("20260331", "20261331", "date-invalid", 1, "Day", &["\"20261331\"", "there is no such month"]),
            ("20260331", "31.03.26", "date-invalid", 1, "Day", &["\"31.03.26\" is not a date; expected"]),
            ("000450", "004,50", "amount-invalid", 1, "Freight", &["\"004,50\"", "the last 2 of them decimals"]),
            ("HPO-1   ", "H;PO-1;2", "value-invalid", 1, "Order", &["\";PO-1;2\"", "PO-[0-9]+"]),
            ("HPO-1   ", "H\"PO-1\" ", "value-invalid", 1, "Order", &["\"\"PO-1\"\"", "PO-[0-9]+"]),
            ("L;sku-1;2,5;10", "Lsku-1   0002", "columns-wrong", 2, "", &["1 column", "expected 4, with a \";\""]),
            ("L;sku-1;2,5;10", "L\tsku-1\t2,5\t10", "columns-wrong", 2, "", &["1 column", "expected 4, with a \";\""]),
            ("2,5", "2.5", "quantity-invalid", 2, "Qty", &["\"2.5\"", "decimals stand behind a comma here"]),
            ("2,5", "1.002,5", "quantity-invalid", 2, "Qty", &["\"1.002,5\"", "no mark between the thousands"]),
            ("2,5;10", "\n2,5;10", "columns-wrong", 2, "", &["3 columns", "expected 4"]),
            ("L;sku-2", "l;sku-2", "record-unknown", 3, "", &["\"l\"", "H, L, T"]),
            ("T00002", "T00003", "total-mismatch", 4, "Lines", &["00003", "there are 2"]),
            ("T00002\n", "", "record-missing", 1, "", &["\"end\"", "expected it at the end"]),
            ("T00002\n", "T00002\nSUM 2\n", "record-unknown", 5, "", &["\"S\"", "H, L, T"]),
            ("\nL;sku-1", "\n;sku-1", "record-unknown", 2, "", &["\";\""]),
            ("\nL;sku-1", "\n L;sku-1", "record-unknown", 2, "", &["does not say its type", "H, L, T"]),
        ],
    );
}

/// A total that nobody has agreed stands behind the last record: one line, one reason.
#[test]
fn a_stray_line_is_one_problem() {
    let layout = compiled(MIXED);
    for stray in ["SUM 2\n", "SUM 2\n-- end --\n"] {
        let (found, decoded) = decode(&layout, format!("{GOOD}{stray}").as_bytes());
        let expected: Vec<_> = stray.lines().enumerate().map(|(at, _)| (2, "record-unknown", 5 + at as u32)).collect();
        assert_eq!((found.messages().count(), found.problems(), decoded.fatal.total()), (1, expected, 0), "{stray}");
    }
}

/// A heading is not a row of wrong values.
#[test]
fn a_heading_to_a_layout_without_one_is_one_problem() {
    let layout = compiled(
        r#"
layout = "x"
title = "x"
kind = "price"
syntax = "delimited"
[delimited]
columns = "positions"
[[record]]
name = "price"
opens = "message"
fields = [["1", "article_no", "required"], ["2", "price", "decimal point=, required"], ["3", "extra.from_qty", "decimal"], ["4", "extra.valid", "date %d.%m.%Y"]]
"#,
    );
    let rows = "A1;2,50;1;31.03.2026\nA2;3,50;10;31.03.2026\n";
    let (found, decoded) = decode(&layout, format!("Article;Price;From qty;Valid\n{rows}").as_bytes());
    assert_eq!((found.messages().count(), found.problems()), (2, vec![(1, "layout-mismatch", 1)]), "{decoded:?}");
    let text = found.refused[0].problems[0].to_string();
    for word in
        ["line 1", "looks like a heading", "\"Article;Price;From qty;Valid\"", "\"Price\" where a number", "header ="]
    {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    // A row with a fault is no heading.
    for (bad, code) in [("A1;two;1;\n", "price-invalid"), ("A1;2,50;1;soon\n", "value-invalid")] {
        let (found, _) = decode(&layout, format!("{bad}{rows}").as_bytes());
        assert_eq!(found.problems(), [(1, code, 1)], "{bad}");
    }
}

#[test]
fn a_record_that_ends_within_a_value_is_refused() {
    let layout = compiled(MIXED);
    all_are_told(
        &layout,
        GOOD,
        &[
            ("000450", "0004", "record-width", 1, "Freight", &["\"0004\"", "after 22 of its 24", "4 of 6", "was cut"]),
            ("000450", "0", "record-width", 1, "Freight", &["\"0\"", "after 19 of its 24"]),
            ("000450", "   ", "record-width", 1, "Freight", &["\"   \"", "3 of 6"]),
            ("331DE000450", "3", "record-width", 1, "Day", &["\"202603\"", "after 14 of its 24", "6 of 8"]),
            ("T00002", "T2", "record-width", 4, "Lines", &["\"2\"", "after 2 of its 6", "1 of 5"]),
            (
                "HPO-1   2026",
                "HPO-1\t2026",
                "character-invalid",
                1,
                "",
                &["character 6", "is a tab", "expected blanks"],
            ),
            ("000450", "000450 EUR", "record-width", 1, "", &["28 characters", "expected 24"]),
            ("T00002", "T00002;", "record-width", 4, "", &["7 characters", "expected 6"]),
        ],
    );
    // What senders may leave out: blanks behind a text, whole values at the end; and blanks behind the record.
    for (from, to) in [("20260331DE000450", ""), ("   20260331DE000450", ""), ("000450", ""), ("000450", "000450   ")] {
        let text = GOOD.replacen(from, to, 1);
        let (found, decoded) = decode(&layout, text.as_bytes());
        assert_eq!((found.messages().count(), found.refused.len(), decoded.fatal.total()), (1, 0, 0), "{from} {to}");
    }
}

#[test]
fn the_end_mark_of_dos_is_no_part_of_a_fixed_record() {
    let layout = compiled(MIXED);
    let read = |bytes: &str| {
        let (found, decoded) = decode(&layout, bytes.as_bytes());
        (found.messages().count(), found.problems(), decoded.fatal.total())
    };
    for behind in ["\x1a", "\n\x1a", "\x1a\x1a\x1a"] {
        assert_eq!(read(&format!("{}{behind}", GOOD.trim_end())), (1, vec![], 0), "{behind:?}");
    }
    assert_eq!(read(&GOOD.replace("DE", "D\x1a")), (0, vec![(1, "country-invalid", 1)], 0));
}
