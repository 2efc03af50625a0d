//! Layouts that would hang the program or fill its memory: each is refused with the place, what was found and the limit, and
//! what only looks dangerous is read in bounded time.

mod decoding;

use std::time::Duration;

use decoding::{decode, layout_of};
use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::{EncodeContext, Extendable, read_extended, read_layout};

/// Of processor time, generous: a debug build. What is not bounded takes hours.
const SECONDS: u64 = 20;

fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn rows(head: &str, records: &str) -> String {
    format!("layout = \"x\"\ntitle = \"x\"\nkind = \"order\"\n{head}\n{records}")
}

fn positions(fields: &str) -> String {
    rows(
        "syntax = \"delimited\"\n[delimited]\ncolumns = \"positions\"",
        &format!("[[record]]\nopens = \"message\"\nfields = [\n[\"1\", \"buyer_order_no\"],\n{fields}\n]\n"),
    )
}

fn told(text: &str) -> String {
    let problems = read_layout("l.toml", text, shipped_kinds()).err().unwrap_or_default();
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_too_large_is_refused_by_name() {
    let fixed = |width: &str| {
        rows(&format!("syntax = \"fixed\"\n[fixed]\n{width}"), "[[record]]\nfields = [[\"1-2\", \"buyer_order_no\"]]\n")
    };
    let nested = |tags: &str| {
        let tags = format!("[{tags}]");
        let record = |opens: &str, field: &str| {
            format!("[[record]]\nopens = \"{opens}\"\ntag = {tags}\nfields = [[\"no\", \"{field}\"]]\n")
        };
        let records = record("message", "buyer_order_no")
            + &record("lines", "lines.article_no")
            + &record("line_charges", "line_charges.amount");
        rows("syntax = \"xml\"\n[xml]\nroot = \"o\"", &records)
    };
    let many: Vec<String> = (0..100).map(|n| format!("\"t{n}\"")).collect();
    let table = [
        (
            fixed("width = 99999999999"),
            "line 6, column 9, \"fixed.width\": found 99999999999, expected the number of characters of a record, from 1 to 100000",
        ),
        (
            fixed("width = 9\n[[record]]\nwidth = 0"),
            "found 0, expected the number of characters of the record, from 1 to 100000",
        ),
        (rows("syntax = \"delimited\"\n[delimited]\ntag = 18446744073709551615", ""), "expected"),
        (
            rows("syntax = \"delimited\"\n[delimited]\ntag = 4000000000", "[[record]]\ntag = \"a\"\nfields=[]"),
            "the number of a column, from 1 to 2000",
        ),
        (positions("[\"9999\", \"note\"]"), "\"9999\" is not a column number from 1 to 2000"),
        (positions("[\"2\", \"note\", \"width=4000000000\"]"), "width=4000000000 is too wide; expected at most 10000"),
        (positions(&format!("[\"2\", \"note\", \"breaks={}\"]", "x".repeat(101))), "breaks= is longer than 100 bytes"),
        (
            positions("[\"2\", \"note\", \"match='(x{1000}){1000}'\"]"),
            "makes an expression that is too large; expected less than 1024 KiB",
        ),
        (
            positions(&"[\"2\", \"note\", \"match=a\"],\n".repeat(65)),
            "65 values with match= or take=; a layout has at most 64",
        ),
        (positions(&format!("[\"= '{}'\", \"note\"]", "x".repeat(1_000))), "expected at most 1000"),
        (
            positions(&format!("[\"{}\", \"extra.x\"],\n", vec!["2"; 700].join("|")).repeat(150)),
            "a layout has at most 100000",
        ),
        (nested(&many.join(", ")), "below each other, have more than 20000 elements"),
        (
            nested(&format!("\"{}\"", vec!["a"; 65].join("/"))),
            "the path has 65 steps; files are not nested deeper than 64",
        ),
        ("a.".repeat(3_000) + "b = 1\n", "is not valid TOML"),
        (format!("a = {}1{}\n", "[".repeat(30_000), "]".repeat(30_000)), "is not valid TOML"),
        ("x = \n".repeat(100_000), "line 1, column 5: this is not valid TOML"),
        ((0..900).map(|n| format!("key{n} = 1\n")).collect(), "further problems are not told one by one"),
    ];
    for (text, expected) in table {
        let start = processor_time();
        let told = told(&text);
        assert!(told.contains(expected), "{expected}:\n{}", &told[..told.len().min(2_000)]);
        assert!(
            (processor_time() - start) < Duration::from_secs(SECONDS),
            "{expected}: {:?}",
            (processor_time() - start)
        );
    }
}

#[test]
fn more_places_than_an_elements_text_can_go_to_are_refused() {
    let prices = |count: usize| {
        let rows: String = (0..count).map(|n| format!("[\"price[@currency=C{n:02}]\", \"extra.p{n}\"],\n")).collect();
        format!(
            "layout = \"x\"\ntitle = \"x\"\nkind = \"order\"\nsyntax = \"xml\"\n[xml]\nroot = \"o\"\n[[record]]\ntag = \"m\"\nopens = \"message\"\nfields = [[\"no\", \"buyer_order_no\"],\n{rows}]\n"
        )
    };
    assert_eq!(told(&prices(64)), "");
    assert!(told(&prices(65)).contains("more than 64 places take the text of this element"), "{}", told(&prices(65)));
}

#[test]
fn large_tables_of_words_are_read_in_the_time_of_a_look() {
    let words: String = (0..50_000).map(|n| format!("w{n} = \"{}\"\n", n % 1_000)).collect();
    let head = format!("syntax = \"delimited\"\n[delimited]\ncolumns = \"positions\"\n[lookup.big]\n{words}");
    let base = rows(
        &head,
        "[[record]]\nname = \"o\"\nopens = \"message\"\nfields = [[\"1\", \"buyer_order_no\", \"lookup=big\"]]\n",
    );
    let variant = "layout = \"y\"\nextends = \"x\"\n[lookup.big]\nw0 = \"7\"\n";
    let start = processor_time();
    let others = [Extendable::new("x.toml", &base)];
    let (layout, _) = read_extended("y.toml", variant, shipped_kinds(), &others).unwrap();
    let lines: String = (0..20_000).map(|n| format!("w{n}\n")).collect();
    let (found, decoded) = decode(&layout, lines.as_bytes());
    assert!(decoded.fatal.is_empty() && found.messages().count() + found.refused.len() == 20_000);
    let (wrong, _) = decode(&layout, "nothing\n".repeat(2_000).as_bytes());
    assert!(wrong.refused.iter().all(|refused| refused.problems[0].to_string().len() < 4_000));
    assert!((processor_time() - start) < Duration::from_secs(SECONDS), "{:?}", (processor_time() - start));
}

#[test]
fn what_a_layout_makes_of_a_value_is_bounded() {
    let long = format!("PO-1;{}\n", "a".repeat(900_000));
    let table = [
        ("[\"2\", \"extra.x\", \"match=(a+)+b\"]", "has 900000 characters; expected at most 10000"),
        ("[\"2\", \"extra.x\", \"take='((?:(?:a?){20}){20})(?:a*)*'\"]", "expected"),
        ("[\"2\", \"-\"],\n[\"= row['2']|upper\", \"extra.x\"]", "which has 900000 bytes; expected at most 80000"),
        (
            "[\"2\", \"-\"],\n[\"= 'aaaaaaaaaa'|replace('a', 'aaaaaaaaaa')|replace('a', 'aaaaaaaaaa')|replace('a', 'aaaaaaaaaa')|replace('a', 'aaaaaaaaaa')|replace('a', 'aaaaaaaaaa')\", \"extra.x\"]",
            "longer than 80000 bytes",
        ),
        ("[\"2\", \"-\"],\n[\"= 'x'|indent(4000000000)\", \"extra.x\"]", "indent"),
        ("[\"2\", \"-\"],\n[\"= [1]|batch(4000000000, 'x')|list|join\", \"extra.x\"]", "batch"),
        ("[\"2\", \"-\"],\n[\"= range(4000000)|list|join\", \"extra.x\"]", "range"),
    ];
    for (fields, expected) in table {
        let start = processor_time();
        let problems = read_layout("l.toml", &positions(fields), shipped_kinds());
        let told = match problems {
            Err(problems) => problems[0].to_string(),
            Ok(layout) => decode(&layout, long.as_bytes()).0.refused[0].problems[0].to_string(),
        };
        assert!(told.contains(expected), "{expected}: {told}");
        assert!(
            (processor_time() - start) < Duration::from_secs(SECONDS),
            "{expected}: {:?}",
            (processor_time() - start)
        );
    }
}

#[test]
fn a_row_that_becomes_longer_than_any_reader_takes_is_not_written() {
    let stock = |fields: &str| {
        let head = "layout = \"x\"\ntitle = \"x\"\nkind = \"stock\"\nsyntax = \"delimited\"\n[delimited]\ncolumns = \"positions\"\n[[record]]\n";
        layout_of(&format!(
            "{head}fields = [[\"1\", \"article_no\"], [\"2\", \"qty\"], [\"3\", \"warehouse\"]{fields}]\n"
        ))
    };
    let write = |count: usize| {
        let extras: String = (0..count).map(|n| format!(", [\"{}\", \"extra.x\", \"width=10000\"]", n + 4)).collect();
        let layout = stock(&extras);
        let (found, _) = decode(&stock(", [\"4\", \"extra.x\"]"), b"A;1;01;short\n");
        let mut out = Vec::new();
        let mut encoder = layout.encoder(EncodeContext { zone: chrono_tz::Tz::UTC }, &mut out).unwrap();
        let written = encoder.write(&found.batches[0]).map_err(|error| error.to_string());
        drop(encoder);
        written.map(|()| out.len())
    };
    assert_eq!(write(100), Ok(100 * 10_003 + 7));
    assert!(write(110).unwrap_err().contains("longer than 1048576 bytes"));
}

#[test]
fn bytes_that_are_no_text_do_not_gather_where_records_have_no_line_ends() {
    let layout = layout_of(&rows(
        "syntax = \"fixed\"\n[fixed]\nwidth = 10\nline_end = \"none\"",
        "[[record]]\nfields = [[\"1-10\", \"buyer_order_no\"]]\n",
    ));
    let start = processor_time();
    let (found, _) = decode(&layout, &vec![0x80; 1 << 20]);
    // As many as there are records, each with the most bytes that its characters can take.
    assert_eq!((found.messages().count(), found.refused.len()), (0, (1_usize << 20).div_ceil(44)));
    assert!(found.refused.iter().all(|refused| refused.problems[0].code == "encoding-invalid"));
    assert!((processor_time() - start) < Duration::from_secs(SECONDS), "{:?}", (processor_time() - start));
}
