//! Redacted copies of workbooks, archives and what gzip packed: what is personal is nowhere in them any more, and what is not reads as
//! before, at the places it had.

mod decoding;
mod sheets;

use std::io::{Cursor, Read, Write};

use decoding::{Found, layout_of, spill};
use nattpost::model::archive::gzip::{self, Gunzip};
use nattpost::model::archive::{Directory, Limits, Member};
use nattpost::model::json::to_json;
use nattpost::model::layout::together;
use nattpost::model::layout::{DecodeContext, Layout, RedactError};
use nattpost::model::rules::companions::Companions;
use sheets::{Book, archive, row};

const LIMITS: Limits = Limits { members: 100, bytes: 1 << 30 };
const FIELDS: &str = "fields = [[\"No\", \"buyer_order_no\", \"text required\"], [\"Article\", \"lines.article_no\", \"text required\"], \
     [\"Qty\", \"lines.qty\", \"decimal required\"], [\"Name\", \"extra.name\", \"text optional personal\"], \
     [\"Day\", \"order_date\", \"date %Y-%m-%d optional\"], [\"Card\", \"-\", \"personal\"]";

fn orders(syntax: &str, options: &str, more: &str) -> Layout {
    layout_of(&format!(
        "layout = \"o\"\ntitle = \"Orders\"\nkind = \"order\"\nsyntax = \"{syntax}\"\n[{syntax}]\n{options}\n[[record]]\nname = \"line\"\n\
         opens = \"lines\"\ngroup_by = [\"No\"]\n{FIELDS}{more}]\n"
    ))
}

fn redacted(layout: &Layout, bytes: &[u8]) -> (Vec<u8>, u64) {
    let mut out = Vec::new();
    let done = layout.redact_packed(&mut Cursor::new(bytes), &mut Cursor::new(bytes), &mut out, &spill).unwrap();
    (out, done.unread)
}

fn read(layout: &Layout, bytes: &[u8]) -> Vec<String> {
    let mut found = Found::default();
    let context = DecodeContext { file_name: "a.gz", zone: chrono_tz::Europe::Berlin, spill: &spill };
    let decoded = layout.decode_packed(&mut Cursor::new(bytes), &context, &mut found).unwrap();
    assert!(decoded.fatal.is_empty(), "{:?}", decoded.fatal);
    let refused = found.refused.iter().flat_map(|r| &r.problems).map(ToString::to_string);
    found.messages().map(|m| format!("{} {}", m.origin().line, to_json(m))).chain(refused).collect()
}

/// All that anybody can find in it, packed or not.
fn content(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    let mut input = Cursor::new(bytes);
    if bytes.starts_with(b"PK") {
        let directory = Directory::read(&mut input, LIMITS).unwrap();
        for entry in &directory.entries {
            let mut inner = Vec::new();
            Member::open(&mut input, &directory, entry).unwrap().read_to_end(&mut inner).unwrap();
            text.push_str(&content(&inner));
        }
    } else if gzip::begins_like_gzip(bytes) {
        let mut inner = Vec::new();
        Gunzip::new(input, bytes.len() as u64, LIMITS).read_to_end(&mut inner).unwrap();
        text.push_str(&content(&inner));
    }
    text
}

fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut out = gzip::writer(Vec::new());
    out.write_all(content).unwrap();
    out.finish().unwrap()
}

const SECRETS: [&str; 4] = ["Astrid", "Lindqvist", "4111", "Solveig"];

fn without_secrets(bytes: &[u8]) {
    let all = content(bytes);
    for secret in SECRETS {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

/// As it was, but for what is personal.
fn covered(messages: &[String]) -> Vec<String> {
    messages.iter().map(|m| m.replace("Astrid Lindqvist", "xxxxxxxxxxxxxxxx").replace("Solveig", "xxxxxxx")).collect()
}

fn book() -> Vec<u8> {
    let heading = ["No", "Article", "Qty", "Name", "Day", "Card"];
    let rows = [
        row(1, &["Astrid Lindqvist AB", "", "PO &amp; co"]),
        row(3, &heading),
        // A shared text, a name in a cell, the trace of a formula, a day, a number.
        row(
            4,
            &[
                "1",
                "A_x005F_x0041_&lt;b&gt;",
                "<c><v>2.50</v></c>",
                "<c t=\"s\"><v>0</v></c>",
                "<c s=\"1\"><v>46092</v></c>",
                "<c><v>4111111111111111</v></c>",
            ],
        ),
        row(7, &["2", "B", "1", "Solveig", "", "<c t=\"str\"><f>\"4111\"&amp;1</f><v>41111</v></c>"]),
        // Refused, and with it all that it says.
        row(8, &["3", "C", "many", "Solveig", "", "4111"]),
    ];
    let book = Book {
        texts: &["<t>Astrid Lindqvist</t>", "<t>Solveig</t>"],
        sheets: vec![
            ("Orders &amp; more", "visible", rows.concat()),
            ("Pivot", "visible", row(1, &["Astrid Lindqvist", "4111"])),
        ],
        more: vec![
            ("docProps/core.xml", "<a>Solveig</a>".to_string()),
            ("xl/comments1.xml", "<a>4111</a>".to_string()),
        ],
        ..Book::of("")
    };
    book.bytes()
}

#[test]
fn a_workbook_keeps_what_was_read_of_it_without_what_is_personal() {
    let layout = orders("xlsx", "[xlsx.cells]\nRef = \"C1\"", ", [\"Ref\", \"note\", \"text optional\"]");
    let bytes = book();
    let before = read(&layout, &bytes);
    assert_eq!(before.len(), 3, "{before:?}");
    assert!(
        before[0].contains("PO & co") && before[0].contains("A_x0041_<b>") && before[0].contains("2026-03-11"),
        "{before:?}"
    );
    let (copy, unread) = redacted(&layout, &bytes);
    assert_eq!(unread, 0);
    without_secrets(&copy);
    assert_eq!(read(&layout, &copy), covered(&before));
    assert_eq!(redacted(&layout, &copy).0, copy, "once more changes nothing");
    // The name of the sheet stays, and is said as before.
    assert!(content(&copy).contains("name=\"Orders &amp; more\""));

    // A row that the layout cannot find its way in is overwritten whole, and counted.
    let rows = [
        row(1, &["No", "Article", "Qty", "Name", "Day", "Card"]),
        row(2, &["1", "A", "1", "Solveig"]),
        row(3, &["1", "A", "<c t=\"e\"><v>#N/A</v></c>", "Solveig"]),
    ];
    let bad = Book::of(&rows.concat()).bytes();
    let plain = orders("xlsx", "", "");
    let (copy, unread) = redacted(&plain, &bad);
    assert_eq!(unread, 1);
    without_secrets(&copy);

    let other = Book::of(&row(1, &["This", "That"])).bytes();
    let mut out = Vec::new();
    let wrong = plain.redact_packed(&mut Cursor::new(&other), &mut Cursor::new(&other), &mut out, &spill);
    assert!(matches!(wrong, Err(RedactError::NotRead(_))));
}

#[test]
fn archives_and_what_gzip_packed_lose_it_too() {
    let layout = orders("delimited", "", "");
    let rows = b"No;Article;Qty;Name;Day;Card\n1;A;2;Astrid Lindqvist;2026-03-11;4111\n2;B;many;Solveig;;4111\n";
    let more = b"No;Article;Qty;Name;Day;Card\n9;Z;1;Solveig;;\n";
    let zip = archive(&[("b.csv", more), ("sub/", b""), ("a.csv", rows), ("__MACOSX/a.csv", b"Astrid")]);
    let gz = [gzipped(rows), gzipped(b"9;Z;1;Solveig;;\n")].concat();
    for bytes in [zip, gz] {
        let before = read(&layout, &bytes);
        assert_eq!(before.len(), 3, "{before:?}");
        let (copy, unread) = redacted(&layout, &bytes);
        assert_eq!(unread, 0);
        without_secrets(&copy);
        assert_eq!(read(&layout, &copy), covered(&before));
        assert_eq!(read(&layout, &redacted(&layout, &copy).0), read(&layout, &copy));
    }
    // A file that is not packed goes the way it went.
    let (copy, _) = redacted(&layout, rows);
    assert_eq!(copy.len(), rows.len());
    without_secrets(&copy);

    // A workbook in an archive.
    let sheets = orders("xlsx", "", "");
    let (copy, unread) = redacted(&sheets, &archive(&[("b.xlsx", &book())]));
    assert_eq!(unread, 0);
    without_secrets(&copy);
    assert_eq!(read(&sheets, &copy).len(), 3);

    // What cannot be unpacked any more is left to be told.
    let cut = &gzipped(rows)[..30];
    let mut out = Vec::new();
    let wrong = layout.redact_packed(&mut Cursor::new(cut), &mut Cursor::new(cut), &mut out, &spill);
    assert!(matches!(wrong, Err(RedactError::NotRead(text)) if text.contains("ends before")));
}

fn companions(patterns: [&str; 2]) -> Companions {
    Companions::parse(&patterns.map(str::to_string), std::time::Duration::from_secs(60)).unwrap()
}

fn read_together(layout: &Layout, known: &Companions, bytes: &[u8]) -> Vec<String> {
    let mut found = Found::default();
    let context = DecodeContext { file_name: "a.zip", zone: chrono_tz::Europe::Berlin, spill: &spill };
    let decoded = together::decode(layout, known, &mut Cursor::new(bytes), &context, &mut found).unwrap();
    assert!(decoded.fatal.is_empty(), "{:?}", decoded.fatal);
    found.messages().map(|m| format!("{} {}", m.origin().line, to_json(m))).collect()
}

fn redacted_together(layout: &Layout, known: &Companions, bytes: &[u8]) -> Result<Vec<u8>, RedactError> {
    let (mut out, mut original, mut again) = (Vec::new(), Cursor::new(bytes), Cursor::new(bytes));
    layout.redact_together(known, (&mut original, &mut again), &mut out, &spill).map(|_| out)
}

fn names_of(bytes: &[u8]) -> Vec<String> {
    let directory = Directory::read(&mut Cursor::new(bytes), LIMITS).unwrap();
    directory.entries.into_iter().map(|entry| entry.name).collect()
}

/// The rows of both as those of one; what is not personal stands in each where it stood.
#[test]
fn heads_and_lines_of_one_arrival_are_covered_each_in_its_own_file() {
    let layout = layout_of(
        "layout = \"o\"\ntitle = \"Orders\"\nkind = \"order\"\nsyntax = \"delimited\"\n[delimited]\ntag = \"file\"\n\
         [[record]]\nname = \"head\"\ntag = \"1\"\nopens = \"message\"\nrequired = true\ngroup_by = [\"No\"]\n\
         fields = [[\"No\", \"buyer_order_no\", \"text required\"], [\"Name\", \"extra.name\", \"text optional personal\"]]\n\
         [[record]]\nname = \"line\"\ntag = \"2\"\nopens = \"lines\"\ngroup_by = [\"No\"]\n\
         fields = [[\"No\", \"-\"], [\"Article\", \"lines.article_no\", \"text required\"], [\"Card\", \"-\", \"personal\"], [\"Qty\", \"lines.qty\", \"integer required\"]]\n",
    );
    let known = companions(["HDR_{no}.csv", "LIN_{no}.csv"]);
    let heads = "No;Name\r\nP-1;Astrid Lindqvist\r\nP-2;Solveig";
    let lines = "No;Article;Card;Qty\nP-2;X2;4111;2\n\nP-1;X1;;1\n";
    let sent = archive(&[("LIN_7.csv", lines.as_bytes()), ("HDR_7.csv", heads.as_bytes())]);
    let copy = redacted_together(&layout, &known, &sent).unwrap();
    without_secrets(&copy);
    assert_eq!(read_together(&layout, &known, &copy), covered(&read_together(&layout, &known, &sent)));
    let all = content(&copy);
    assert!(all.contains("No;Article;Card;Qty\nP-2;X2;xxxx;2\nP-1;X1;;1\n"), "{all}");
    assert!(all.contains("No;Name\r\nP-1;xxxxxxxxxxxxxxxx\r\nP-2;xxxxxxx"), "{all}");
    // What no record reads may be anything.
    let odd = archive(&[("HDR_7.csv", heads.as_bytes()), ("LIN_7.csv", format!("{lines}Astrid;4111\n").as_bytes())]);
    without_secrets(&redacted_together(&layout, &known, &odd).unwrap());
}

/// What nobody can look into is not kept.
#[test]
fn an_order_loses_what_is_personal_and_the_paper_that_came_with_it() {
    let layout = orders("delimited", "", "");
    let known = companions(["{no}.csv", "{no}.pdf"]);
    let order = "No;Article;Qty;Name;Day;Card\n1;A;2;Astrid Lindqvist;2026-03-10;4111\n";
    let sent = archive(&[("7.csv", order.as_bytes()), ("7.pdf", b"%PDF-1.4\nAstrid Lindqvist\n%%EOF\n")]);
    let copy = redacted_together(&layout, &known, &sent).unwrap();
    without_secrets(&copy);
    assert_eq!(names_of(&copy), ["7.csv"]);
    assert_eq!(read(&layout, &copy), covered(&read(&layout, &archive(&[("7.csv", order.as_bytes())]))));
    // One that came before there were companions.
    without_secrets(&redacted_together(&layout, &known, order.as_bytes()).unwrap());
    let others = archive(&[("7.csv", order.as_bytes()), ("8.csv", order.as_bytes())]);
    assert!(redacted_together(&layout, &known, &others).is_err(), "nobody knows what they are");
}
