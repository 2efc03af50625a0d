//! Every encoding in every syntax: read, written, cut into a reject, overwritten for a copy without personal data, and the byte
//! that is no character found where it stands in the sender's file.

mod decoding;

use std::io::Cursor;

use decoding::{Found, decode, layout_of};
use nattpost::model::batch::Batch;
use nattpost::model::json::{read_line, to_json};
use nattpost::model::layout::{Decoded, EncodeContext, EncodeError, Layout};
use nattpost::model::syntax::encoding::{Encoding, Unmapped};
use serde_json::Value;

/// A name for layouts, a word that it can write, and bytes that are nothing in it.
const ENCODINGS: [(&str, &str, &[u8]); 16] = [
    ("utf-8", "Łódź 漢🚚", &[0xFC]),
    ("utf-16", "Łódź 漢🚚Ċ", &[0x3D, 0xD8]),
    ("utf-16le", "Łódź 漢🚚Ċ", &[0x05, 0xDC]),
    ("utf-16be", "Łódź 漢🚚Ċ", &[0xD8, 0x3D]),
    ("ascii", "Aerger", &[0xFC]),
    ("latin-1", "Ærø ü", &[0x81]),
    ("cp1252", "Ærø 5 €", &[0x81]),
    ("windows-1250", "Łódź", &[0x81]),
    ("iso-8859-2", "Łódź", &[0x85]),
    ("iso-8859-15", "Œuvre €", &[0x85]),
    ("cp437", "Fürßt α", &[]),
    ("cp850", "Ærø Õ", &[]),
    ("cp852", "Łódź", &[]),
    ("cp858", "Ærø €", &[]),
    ("cp865", "Ærø ¤", &[]),
    ("cp866", "Жук", &[]),
];

/// Name, the layout's own tables, and its file: two orders, of which each can be spoilt. `@` is the word.
struct Syntax {
    name: &'static str,
    layout: &'static str,
    head: &'static str,
    first: &'static str,
    second: &'static str,
    tail: &'static str,
    /// Instead of `tail`, where the second order stands alone, and instead of its own number.
    tail_of_one: &'static str,
    /// Field and line of the word in the first order, and line of the quantity in the second.
    field: &'static str,
    word_line: u32,
    qty_line: u32,
}

const SYNTAXES: [Syntax; 5] = [
    Syntax {
        name: "delimited",
        layout: "[delimited]\n@bom\n[[record]]\nopens = \"lines\"\ngroup_by = [\"Nummer\"]\nfields = [[\"Nummer\", \"buyer_order_no\", \"text required\"], \
                 [\"Ort\", \"delivery_city\", \"text personal\"], [\"Menge\", \"lines.qty\", \"decimal required\"]]\n",
        head: "Nummer;Ort;Menge\n",
        first: "A-1;@;7\n",
        second: "A-2;@;2\n",
        tail: "",
        tail_of_one: "",
        field: "Ort",
        word_line: 2,
        qty_line: 3,
    },
    Syntax {
        name: "fixed",
        layout: "[fixed]\nwidth = 22\ntag = \"1\"\n@bom\n[[record]]\ntag = \"H\"\nopens = \"file\"\nfields = [[\"2-22\", \"-\"]]\n\
                 [[record]]\ntag = \"L\"\nname = \"order\"\nopens = \"message\"\nfields = [[\"2-5\", \"buyer_order_no\", \"text required\"], [\"6-16\", \"delivery_city\", \"text personal\", \"Ort\"], \
                 [\"17-19\", \"number() of file\", \"pad=0\"], [\"20-22\", \"lines.qty\", \"right\"]]\n\
                 [[record]]\ntag = \"T\"\ncloses = \"file\"\nfields = [[\"2-5\", \"count(L)\", \"pad=0\"], [\"6-22\", \"-\"]]\n",
        head: "H                     \n",
        first: "LA-1 @002  7\n",
        second: "LA-2 @003  2\n",
        tail: "T0002                 \n",
        tail_of_one: "T0001                 \n",
        field: "Ort",
        word_line: 2,
        qty_line: 3,
    },
    Syntax {
        name: "tagged",
        layout: "[tagged]\nprefix = \"#\"\nseparator = \";\"\ntag = \"1-2\"\n@bom\n[[record]]\ntag = \"01\"\nopens = \"message\"\nfields = [[\"marker 3-\", \"buyer_order_no\", \"required\"], \
                 [\"10\", \"delivery_city\", \"text personal\", \"Ort\"], [\"20\", \"lines.qty\"]]\n",
        head: "",
        first: "01A-1\n#10;@\n#20;7\n",
        second: "01A-2\n#10;@\n#20;2\n",
        tail: "",
        tail_of_one: "",
        field: "Ort",
        word_line: 2,
        qty_line: 6,
    },
    Syntax {
        name: "mixed",
        layout: "[delimited]\ndelimiter = \"|\"\ncolumns = \"positions\"\ntag = \"1-1\"\n@bom\n[[record]]\ntag = \"H\"\nopens = \"message\"\nwidth = 20\n\
                 fields = [[\"1\", \"constant(H)\"], [\"2-5\", \"buyer_order_no\", \"text required\"], [\"6-16\", \"delivery_city\", \"text personal\", \"Ort\"], [\"17-20\", \"number() of file\", \"pad=0\"]]\n\
                 [[record]]\ntag = \"L\"\nopens = \"lines\"\nfields = [[\"1\", \"constant(L)\"], [\"2\", \"lines.qty\", \"required\"]]\n",
        head: "",
        first: "HA-1 @0001\nL|7\n",
        second: "HA-2 @0003\nL|2\n",
        tail: "",
        tail_of_one: "",
        field: "Ort",
        word_line: 1,
        qty_line: 4,
    },
    Syntax {
        name: "xml",
        layout: "[xml]\nroot = \"orders\"\n@bom\n[[record]]\ntag = \"order\"\nopens = \"message\"\nfields = [[\"no\", \"buyer_order_no\", \"required\"], \
                 [\"city\", \"delivery_city\", \"text personal\"], [\"qty\", \"lines.qty\"]]\n",
        head: "<?xml version=\"1.0\" encoding=\"%\"?>\n<orders>\n",
        first: "  <order>\n    <no>A-1</no>\n    <city>@</city>\n    <qty>7</qty>\n  </order>\n",
        second: "  <order>\n    <no>A-2</no>\n    <city>@</city>\n    <qty>2</qty>\n  </order>\n",
        tail: "</orders>\n",
        tail_of_one: "</orders>\n",
        field: "city",
        word_line: 5,
        qty_line: 11,
    },
];

/// What XML calls it.
fn label(encoding: &str) -> &str {
    match encoding {
        "utf-8" => "UTF-8",
        "ascii" => "US-ASCII",
        "latin-1" => "ISO-8859-1",
        "cp1252" => "windows-1252",
        "windows-1250" => "WINDOWS-1250",
        "iso-8859-2" => "ISO-8859-2",
        "iso-8859-15" => "ISO-8859-15",
        "cp437" => "IBM437",
        "cp850" => "IBM850",
        "cp852" => "IBM852",
        "cp858" => "IBM00858",
        "cp865" => "IBM865",
        "cp866" => "IBM866",
        _ => "UTF-16",
    }
}

fn layout_in(encoding: &str, syntax: &Syntax, mark: bool) -> Layout {
    let own = syntax.layout.replace("@bom", if mark { "bom = true" } else { "" });
    let syntax = if syntax.name == "mixed" { "delimited" } else { syntax.name };
    layout_of(&format!(
        "layout = \"x\"\ntitle = \"x\"\nkind = \"order\"\nsyntax = \"{syntax}\"\nencoding = \"{encoding}\"\n{own}"
    ))
}

fn sent(encoding: &str, text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    Encoding::named(encoding).unwrap().encode(text, &mut bytes).unwrap();
    bytes
}

fn mark_of(encoding: &str, wanted: bool) -> &'static [u8] {
    match (encoding, wanted) {
        ("utf-8", true) => &[0xEF, 0xBB, 0xBF],
        ("utf-16" | "utf-16le", true) => &[0xFF, 0xFE],
        ("utf-16be", true) => &[0xFE, 0xFF],
        _ => &[],
    }
}

fn told(found: &Found, decoded: &Decoded) -> Vec<String> {
    let refused = found.refused.iter().flat_map(|r| &r.problems);
    refused.chain(decoded.fatal.kept()).map(|p| format!("{p} [{}]", p.code)).collect()
}

fn written(layout: &Layout, messages: &[Value]) -> Result<Vec<u8>, EncodeError> {
    let mut batch = Batch::new(layout.kind.clone());
    for (index, message) in messages.iter().enumerate() {
        read_line(&message.to_string(), index as u32 + 1, index as u64 + 1, &mut batch).unwrap();
    }
    let mut bytes = Vec::new();
    let mut encoder = layout.encoder(EncodeContext { zone: chrono_tz::Europe::Berlin }, &mut bytes)?;
    encoder.write(&batch)?;
    encoder.finish()?;
    Ok(bytes)
}

fn reject(layout: &Layout, bytes: &[u8], found: &Found) -> Vec<u8> {
    let ranges: Vec<_> = found.refused.iter().flat_map(|refused| refused.bytes.clone()).collect();
    let mut out = Vec::new();
    layout.rebuild_reject(&mut Cursor::new(bytes), &ranges, &mut out).unwrap();
    out
}

/// The parts of the file with the word in its place, filled up where columns count.
struct File {
    head: String,
    first: String,
    second: String,
}

fn file(syntax: &Syntax, encoding: &str, word: &str) -> File {
    let padded = matches!(syntax.name, "fixed" | "mixed");
    let width = if padded { 11 } else { 0 };
    let with = |part: &str| part.replace('@', &format!("{word:width$}")).replace('%', label(encoding));
    File { head: with(syntax.head), first: with(syntax.first), second: with(syntax.second) }
}

#[test]
fn every_encoding_goes_in_and_out_of_every_syntax() {
    let mut wrong = Vec::new();
    for (encoding, word, nothing) in ENCODINGS {
        for syntax in &SYNTAXES {
            for mark in [false, true] {
                if mark && mark_of(encoding, true).is_empty() {
                    continue;
                }
                let mut check = |what: &str, fits: bool, found: &dyn std::fmt::Debug| {
                    if !fits {
                        wrong.push(format!("{encoding}, {}, mark {mark}: {what}: {found:?}", syntax.name));
                    }
                };
                let layout = layout_in(encoding, syntax, mark);
                let file = file(syntax, encoding, word);
                let whole = |first: &str, second: &str| {
                    let mut bytes = mark_of(encoding, mark).to_vec();
                    bytes.extend(sent(encoding, &format!("{}{first}{second}{}", file.head, syntax.tail)));
                    bytes
                };
                let good = whole(&file.first, &file.second);

                let (found, decoded) = decode(&layout, &good);
                let messages: Vec<Value> = found.messages().map(to_json).collect();
                let words: Vec<&str> = messages.iter().filter_map(|m| m["delivery_city"].as_str()).collect();
                check("read", words == [word, word], &(words, told(&found, &decoded)));

                // In this name and in XML the mark is always there.
                let always = encoding == "utf-16" || syntax.name == "xml" && encoding.starts_with("utf-16");
                if mark || !always {
                    let out = written(&layout, &messages);
                    check("written", out.as_ref().is_ok_and(|out| *out == good), &out.map(|o| lossy(encoding, &o)));
                }

                let bad_second = spoilt(syntax.name, &file.second);
                let bad = whole(&file.first, &bad_second);
                let (found, decoded) = decode(&layout, &bad);
                let told_of = told(&found, &decoded);
                let problem = found.refused.first().and_then(|r| r.problems.first());
                check(
                    "quantity",
                    problem.is_some_and(|p| p.place.line == syntax.qty_line && p.code.ends_with("-invalid")),
                    &told_of,
                );
                let out = reject(&layout, &bad, &found);
                let one = bad_second.replace("0003", "0001").replace("003", "002");
                let mut expected = mark_of(encoding, mark).to_vec();
                expected.extend(sent(encoding, &format!("{}{one}{}", file.head, syntax.tail_of_one)));
                // Where nothing counts what stands between elements.
                let blank = |b: &u8| syntax.name == "xml" && matches!(b, b' ' | b'\n' | 0);
                expected.retain(|b| !blank(b));
                check("reject", out.iter().filter(|b| !blank(b)).eq(&expected), &lossy(encoding, &out));

                let mut copy = Vec::new();
                layout.redact(&mut Cursor::new(&good), &mut Cursor::new(&good), &mut copy).unwrap();
                let covered = decode(&layout, &copy).0.messages().map(to_json).collect::<Vec<_>>();
                let is_covered = |m: &Value| m["delivery_city"].as_str().is_some_and(|city| city != word);
                let same = copy.len() == good.len() && covered.len() == 2 && covered.iter().all(is_covered);
                check("redacted", same, &lossy(encoding, &copy));

                if !nothing.is_empty() {
                    flawed(&layout, encoding, syntax, &good, word, nothing, &mut check);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

/// A quantity that is none, as long as it was.
fn spoilt(syntax: &str, order: &str) -> String {
    match syntax {
        "fixed" => order.replacen("  2\n", " 2x\n", 1),
        "xml" => order.replacen(">2<", ">2x<", 1),
        "mixed" => order.replacen("|2\n", "|2x\n", 1),
        _ => order.replacen(";2\n", ";2x\n", 1),
    }
}

/// In the first order, in place of the word's first character, stands what is no character.
fn flawed(
    layout: &Layout,
    encoding: &str,
    syntax: &Syntax,
    good: &[u8],
    word: &str,
    nothing: &[u8],
    check: &mut dyn FnMut(&str, bool, &dyn std::fmt::Debug),
) {
    let word_bytes = sent(encoding, word);
    let at = good.windows(word_bytes.len()).position(|part| part == word_bytes).unwrap();
    let first = sent(encoding, &word[..word.chars().next().unwrap().len_utf8()]).len();
    let mut bytes = good.to_vec();
    bytes.splice(at..at + first, nothing.iter().copied());
    let (found, decoded) = decode(layout, &bytes);
    let told_of = told(&found, &decoded);
    let all: Vec<_> = found.refused.iter().flat_map(|r| &r.problems).chain(decoded.fatal.kept()).collect();
    let is_told = all.iter().any(|p| {
        // Lines are counted in characters; where a whole row is text, its field is not known.
        let field = p.place.field.is_empty() || p.place.field == syntax.field;
        p.code == "encoding-invalid" && p.place.line == syntax.word_line && field && p.text.contains(&format!("{at}"))
    });
    check("what is no character", is_told || syntax.name == "xml" && !all.is_empty(), &(at, told_of));
    if syntax.name != "xml" {
        // What was refused goes back byte for byte.
        let out = reject(layout, &bytes, &found);
        check("reject of it", out.windows(nothing.len()).any(|part| part == nothing), &lossy(encoding, &out));
    }
}

fn lossy(encoding: &str, bytes: &[u8]) -> String {
    match encoding {
        "utf-16be" => encoding_rs::UTF_16BE.decode(bytes).0.into_owned(),
        e if e.starts_with("utf-16") => encoding_rs::UTF_16LE.decode(bytes).0.into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Every code page says what Python's says, byte for byte.
#[test]
fn code_pages_are_those_that_another_program_has() {
    let pages = [
        ("cp437", "cp437"),
        ("cp850", "cp850"),
        ("cp852", "cp852"),
        ("cp858", "cp858"),
        ("cp865", "cp865"),
        ("cp866", "cp866"),
        ("cp1250", "cp1250"),
        ("cp1251", "cp1251"),
        ("cp1252", "cp1252"),
        ("cp1253", "cp1253"),
        ("cp1254", "cp1254"),
        ("cp1257", "cp1257"),
        ("iso-8859-2", "iso8859-2"),
        ("iso-8859-3", "iso8859-3"),
        ("iso-8859-4", "iso8859-4"),
        ("iso-8859-5", "iso8859-5"),
        ("iso-8859-7", "iso8859-7"),
        ("iso-8859-15", "iso8859-15"),
        ("latin-9", "iso8859-15"),
        ("latin-2", "iso8859-2"),
        ("macintosh", "mac-roman"),
        ("koi8-r", "koi8-r"),
    ];
    let script = "import sys\nfor page in sys.argv[1:]:\n    print(','.join(str(ord(c)) if c != '\\ufffd' else '' for c in (bytes([b]).decode(page, 'replace') for b in range(128, 256))))\n";
    let run = std::process::Command::new("python3")
        .args(["-c", script])
        .args(pages.iter().map(|(_, theirs)| theirs))
        .output();
    let Ok(run) = run else { return eprintln!("python3 is not here: the code pages are not compared with its own.") };
    let text = String::from_utf8(run.stdout).unwrap();
    let mut wrong = Vec::new();
    for ((page, _), line) in pages.iter().zip(text.lines()) {
        let encoding = Encoding::named(page).unwrap();
        for (byte, theirs) in (128..=255u8).zip(line.split(',')) {
            let theirs = theirs.parse().ok().and_then(char::from_u32);
            let mut ours = String::new();
            let decoded = encoding.decode(&[byte], &mut ours);
            // C1 controls are no characters of a message.
            let same = match theirs.filter(|c| !('\u{80}'..'\u{a0}').contains(c)) {
                Some(c) => decoded.is_ok() && ours.chars().eq([c]),
                None => decoded == Err(Unmapped::Byte(0, byte)),
            };
            if !same {
                wrong.push(format!("{page} {byte:#x}: ours {ours:?} {decoded:?}, theirs {theirs:?}"));
            }
        }
    }
    assert_eq!(text.lines().count(), pages.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Orders of one kind of row, with words of a table.
fn rows_in(encoding: &str) -> Layout {
    layout_of(&format!(
        "layout = \"x\"\ntitle = \"x\"\nkind = \"order\"\nsyntax = \"delimited\"\nencoding = \"{encoding}\"\n[lookup.land]\n\"Österreich\" = \"AT\"\n\
         [delimited]\n[[record]]\nopens = \"lines\"\ngroup_by = [\"Nr\"]\nfields = [[\"Nr\", \"buyer_order_no\", \"text required\"], \
         [\"Größe\", \"reference\", \"max=3 prefix=Ü\"], [\"Land\", \"delivery_country\", \"lookup=land\"], \
         [\"Menge\", \"lines.qty\", \"decimal point=, thousands=' ' required\"]]\n"
    ))
}

#[test]
fn words_headings_lengths_and_numbers_are_compared_as_people_read_them() {
    let good = "Nr;Größe;Land;Menge\n\"A;1\";Üäöü;Österreich;\"1 234,5\"\n";
    let apart = good.replace('ö', "o\u{308}").replace('Ö', "O\u{308}").replace("Üäo\u{308}ü", "Üäöü");
    let blanks =
        "Nr;Größe;Land;Menge\n\u{a0}A;1\u{85};Üäöü;\u{2028}Österreich\u{a0};1\u{202f}234,5\n".replace("A;1", "\"A;1\"");
    let blanks = blanks.replace("\u{a0}\"A;1\"\u{85}", "\"\u{a0}A;1\u{85}\"");
    let again = format!("{good}{}{}", good.lines().next().unwrap(), "\n");
    for encoding in ["utf-8", "utf-16", "utf-16le", "utf-16be"] {
        for (what, text) in [("plain", good), ("apart", &apart), ("blanks", &blanks), ("header again", &again)] {
            let (found, decoded) = decode(&rows_in(encoding), &sent(encoding, text));
            assert_eq!(told(&found, &decoded), Vec::<String>::new(), "{encoding}, {what}");
            let orders: Vec<Value> = found.messages().map(to_json).collect();
            let values = (&orders[0]["buyer_order_no"], &orders[0]["reference"], &orders[0]["delivery_country"]);
            assert_eq!(values, (&"A;1".into(), &"äöü".into(), &"AT".into()), "{encoding}, {what}");
            assert_eq!((&orders[0]["lines"][0]["qty"], orders.len()), (&"1234.5".into(), 1), "{encoding}, {what}");
        }
    }
    let minus = "Nr;Größe;Land;Menge\nA;Üx;Österreich;\u{2212}2\n";
    let (found, _) = decode(&rows_in("utf-8"), minus.as_bytes());
    assert_eq!(found.messages().map(to_json).next().unwrap()["lines"][0]["qty"], "-2");
}

#[test]
fn files_of_another_encoding_or_delimiter_are_told_as_that() {
    let good = "Nr;Größe;Land;Menge\nA;Üx;Österreich;2\n";
    let mut odd = sent("utf-16le", good);
    odd.push(0xC4);
    let table: [(&str, &str, Vec<u8>, &str); 9] = [
        ("UTF-16 for UTF-8", "utf-8", sent("utf-16le", good), "line 1, the file is in UTF-16; expected utf-8."),
        ("the other order of bytes", "utf-8", sent("utf-16be", good), "line 1, the file is in UTF-16; expected utf-8."),
        (
            "UTF-8 for UTF-16",
            "utf-16",
            good.into(),
            "line 1, the file begins with one byte a character; expected utf-16",
        ),
        (
            "Windows for UTF-8",
            "utf-8",
            sent("cp1252", good),
            "line 1, the byte 0xf6 at offset 5 is not a character in utf-8",
        ),
        ("commas", "utf-8", good.replace(';', ",").into(), "it is not cut at \";\", but at \",\"."),
        ("tabs", "utf-8", good.replace(';', "\t").into(), "it is not cut at \";\", but at \"tab\"."),
        (
            "one column",
            "utf-8",
            format!("{good}Gesamt\n").into(),
            "line 3, the row has 1 column; expected 4, with a \";\" between them.",
        ),
        (
            "UTF-8 for DOS",
            "cp850",
            good.into(),
            "line 1, the letters beyond ASCII, like \"ö\", are in UTF-8; expected cp850.",
        ),
        ("a byte too many", "utf-16le", odd, "line 3, the row has 1 column; expected 4, with a \";\" between them."),
    ];
    for (what, encoding, bytes, expected) in table {
        let (found, decoded) = decode(&rows_in(encoding), &bytes);
        let told = told(&found, &decoded).join("\n");
        assert!(told.contains(expected), "{what}: {told}");
    }
}

#[test]
fn a_record_of_fixed_width_with_a_strange_byte_is_told_with_its_field() {
    let fixed = &SYNTAXES[1];
    let layout = layout_in("utf-8", fixed, false);
    // In the type of the record, in a value, and in columns that nobody reads: behind it the others may be shifted.
    for (from, to, expected) in [
        ("LA-1", &b"\xFCA-1"[..], "line 2, the byte 0xfc at offset 23"),
        ("A-2 ", b"A-\xFC ", "line 3, \"2-5\": the byte 0xfc at offset 49"),
        ("H  ", b"H \xFC", "the byte 0xfc at offset 2 is not"),
    ] {
        let text = format!("{}{}{}{}", fixed.head, fixed.first, fixed.second, fixed.tail).replace('@', "Ort        ");
        let at = text.find(from).unwrap();
        let mut bytes = text.into_bytes();
        bytes.splice(at..at + from.len(), to.iter().copied());
        let (found, decoded) = decode(&layout, &bytes);
        let told = told(&found, &decoded).join("\n");
        assert!(told.contains(expected) && told.contains("encoding-invalid"), "{told}");
    }
}

#[test]
fn what_an_encoding_lacks_is_refused_with_every_character_or_replaced_or_spelled_out() {
    let order = serde_json::json!({"buyer_order_no": "A", "delivery_city": "Łódź 漢字 é", "lines": [{"line_no": 1, "qty": "1"}]});
    for syntax in &SYNTAXES {
        for (policy, expected) in [
            ("", Err("holds \"Ł\", \"ź\", \"漢\", \"字\", which latin-1 does not have")),
            ("replace_unmappable = \"?\"\n", Ok("?ód? ?? é")),
            ("replace_unmappable = [\"transliterate\", \"?\"]\n", Ok("Lódz ?? é")),
        ] {
            let tables = syntax.layout.replace("@bom", "");
            let name = if syntax.name == "mixed" { "delimited" } else { syntax.name };
            let layout = layout_of(&format!(
                "layout = \"x\"\ntitle = \"x\"\nkind = \"order\"\nsyntax = \"{name}\"\nencoding = \"latin-1\"\n{policy}{tables}"
            ));
            let result = written(&layout, std::slice::from_ref(&order));
            match (result, expected) {
                // An XML file says by number what its encoding lacks: nothing is lost.
                (Ok(bytes), _) if syntax.name == "xml" && policy.is_empty() => {
                    assert!(lossy("latin-1", &bytes).contains("&#321;"), "{}", lossy("latin-1", &bytes));
                }
                (Ok(bytes), Ok(word)) => {
                    let (found, decoded) = decode(&layout, &bytes);
                    let city = found.messages().map(to_json).next().map(|m| m["delivery_city"].clone());
                    let city = city.unwrap_or_else(|| panic!("{}: {:?}", syntax.name, told(&found, &decoded)));
                    if syntax.name != "xml" {
                        assert_eq!(city, word, "{}, {policy}", syntax.name);
                    }
                }
                (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{}: {error}", syntax.name),
                (result, _) => panic!("{}, {policy}: {result:?}", syntax.name),
            }
        }
    }
}

/// An order of capitals alone, but for its city.
fn only_city(message: &Value, city: &str) -> Value {
    serde_json::json!({
        "buyer_order_no": message["buyer_order_no"], "customer_no": message["customer_no"], "delivery_city": city, "delivery_name": "LAGER",
        "lines": [{ "line_no": 1, "article_no": "A-100", "qty": "1", "unit": "PCE" }],
    })
}

#[test]
fn edifact_is_read_as_its_header_says_and_written_as_the_layout_does() {
    let sample = std::fs::read_to_string("samples/layouts/edifact-orders/sample.edi").unwrap();
    let layout = nattpost::model::layout::own::shipped_layout("edifact-orders").unwrap();
    for (set, page, word) in [
        ("UNOA", "latin-1", "Lübeck"),
        ("UNOB", "latin-1", "Lübeck"),
        ("UNOC", "latin-1", "Lübeck"),
        ("UNOD", "iso-8859-2", "Łódź"),
        ("UNOE", "iso-8859-5", "Москва"),
        ("UNOF", "iso-8859-7", "Πάτρα"),
        ("UNOG", "iso-8859-3", "Ħamrun"),
        ("UNOH", "iso-8859-4", "Šiauliai"),
        ("UNOI", "iso-8859-6", "مكة"),
        ("UNOJ", "iso-8859-8", "חיפה"),
        ("UNOK", "iso-8859-9", "İzmir"),
        ("UNOL", "iso-8859-15", "Œuvre €"),
        ("UNOW", "utf-8", "漢 Łódź"),
        ("UNOY", "utf-8", "漢 Łódź"),
    ] {
        let text = sample.replace("UNOC", set).replace("Sörensen", "Sorensen").replace("Lübeck", word);
        let text: String =
            if page == "utf-8" { text } else { text.chars().filter(|c| c.is_ascii() || word.contains(*c)).collect() };
        let good = sent(page, &text);
        let (found, decoded) = decode(layout, &good);
        assert_eq!(told(&found, &decoded), Vec::<String>::new(), "{set}");
        assert!(found.messages().any(|m| to_json(m).to_string().contains(word)), "{set}");
        let bad = sent(page, &text.replacen("QTY+21:12:", "QTY+21:12x:", 1));
        let (found, _) = decode(layout, &bad);
        let out = reject(layout, &bad, &found);
        let word = sent(page, word);
        assert!(out.windows(word.len()).any(|part| part == word) && found.refused.len() == 1, "{set}");
    }
    for (set, why) in [("UNOX", "UNOX"), ("UNOZ", "UNOZ")] {
        let (found, decoded) = decode(layout, sample.replace("UNOC", set).as_bytes());
        let told = told(&found, &decoded).join("\n");
        assert!(told.contains(why) && told.contains("UNOW") && told.contains("line 2"), "{told}");
    }
    // What UNOC lacks: a question mark is its release character, and takes nothing of what stands behind it.
    let file = std::fs::read_to_string("schemas/layouts/standards/edifact-orders.toml").unwrap();
    let messages: Vec<Value> = decode(layout, sample.replace("UNOC", "UNOY").replace("Lübeck", "Lübec漢").as_bytes())
        .0
        .messages()
        .map(to_json)
        .collect();
    let out = written(&layout_of(&format!("replace_unmappable = \"?\"\n{file}")), &messages).unwrap();
    let (found, decoded) = decode(layout, &out);
    assert_eq!(told(&found, &decoded), Vec::<String>::new(), "{}", lossy("latin-1", &out));
    assert!(found.messages().map(to_json).any(|m| m.to_string().contains("Lübec?\"")), "{}", lossy("latin-1", &out));
    let refused = written(layout, &messages).unwrap_err().to_string();
    assert!(refused.contains("holds \"漢\", which latin-1 does not have"), "{refused}");
    // Each set as its layout writes it, and what it lacks by the policy.
    for (set, city, policy, expected) in [
        ("UNOA", "Lübeck", "[\"transliterate\", \"?\"]", Ok("LUBECK")),
        ("UNOA", "LÜBECK 漢", "\"*\"", Ok("L*BECK *")),
        ("UNOA", "Lubeck", "", Err("UNOA (capitals")),
        ("UNOB", "Lübeck", "\"transliterate\"", Ok("Lubeck")),
        ("UNOB", "Lübeck ’t", "\"transliterate\"", Ok("Lubeck 't")),
        ("UNOB", "Lübeck", "", Err("holds \"ü\", which UNOB (letters without accents")),
        ("UNOD", "Łódź", "", Ok("Łódź")),
        ("UNOY", "漢", "", Ok("漢")),
    ] {
        let policy = if policy.is_empty() { String::new() } else { format!("replace_unmappable = {policy}\n") };
        let text = format!("{policy}{file}").replace("syntax_id = \"UNOC:3\"", "");
        let text = text.replacen("[edifact]", &format!("[edifact]\nsyntax_id = \"{set}:3\""), 1);
        let mut messages = messages.clone();
        messages.iter_mut().for_each(|m| *m = only_city(m, city));
        match (written(&layout_of(&text), &messages), expected) {
            (Ok(bytes), Ok(word)) => {
                let (found, decoded) = decode(layout, &bytes);
                assert_eq!(told(&found, &decoded), Vec::<String>::new(), "{set} {}", lossy("latin-1", &bytes));
                assert!(
                    found.messages().any(|m| to_json(m)["delivery_city"] == word),
                    "{set}: {}",
                    lossy("latin-1", &bytes)
                );
            }
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{set}: {error}"),
            (other, _) => panic!("{set} {city}: {other:?}"),
        }
    }
    let other = file.replacen("[edifact]", "[edifact]\nsyntax_id = \"UNOX:3\"", 1);
    let problems =
        nattpost::model::layout::read_layout("x", &other, nattpost::model::kind::shipped_kinds()).unwrap_err();
    assert!(problems.iter().any(|p| p.to_string().contains("expected one of UNOA, UNOB")), "{problems:#?}");
    for bytes in [sent("utf-16le", &sample), sent("utf-16be", &sample)] {
        let (found, decoded) = decode(layout, &bytes);
        assert!(
            told(&found, &decoded).join("\n").contains("the file is in UTF-16; expected an 8-bit"),
            "{:?}",
            told(&found, &decoded)
        );
    }
}

#[test]
fn xml_is_read_by_its_mark_then_its_declaration_and_a_wrong_one_is_told() {
    let xml = &SYNTAXES[4];
    let layout = layout_in("cp1252", xml, false);
    let text =
        |declared: &str| format!("{}{}{}", xml.head.replace('%', declared), xml.first.replace('@', "Łódź"), xml.tail);
    let bare = text("").replacen("<?xml version=\"1.0\" encoding=\"\"?>\n", "", 1);
    let with = |mark: &[u8], bytes: Vec<u8>| [mark, &bytes].concat();
    let reads: [(&str, Vec<u8>); 8] = [
        ("its declaration", sent("iso-8859-2", &text("ISO-8859-2"))),
        ("the mark against the declaration", with(&[0xEF, 0xBB, 0xBF], text("ISO-8859-1").into())),
        ("UTF-16 that declares UTF-8", with(&[0xFF, 0xFE], sent("utf-16le", &text("UTF-8")))),
        ("UTF-16 without a mark", sent("utf-16be", &text("UTF-16"))),
        ("UTF-8 that declares UTF-16", text("UTF-16").into()),
        ("UTF-16 without a declaration", with(&[0xFE, 0xFF], sent("utf-16be", &bare))),
        ("DOS", sent("cp852", &text("cp852"))),
        ("by number", bare.replace("Łódź", "&#x141;ó&#100;ź").replace('ó', "&#243;").replace('ź', "&#378;").into()),
    ];
    for (what, bytes) in reads {
        let (found, decoded) = decode(&layout, &bytes);
        assert_eq!(told(&found, &decoded), Vec::<String>::new(), "{what}");
        assert_eq!(found.messages().map(to_json).next().unwrap()["delivery_city"], "Łódź", "{what}");
    }
    for (what, bytes, expected) in [
        (
            "Windows that declares UTF-8",
            sent("windows-1250", &text("UTF-8")),
            &["line 5", "utf-8", "[encoding-invalid]"][..],
        ),
        ("nobody knows it", text("EBCDIC-X").into(), &["line 1", "\"EBCDIC-X\"", "expected UTF-8"]),
        ("nothing of Windows", bare.replace("Łódź", "x").replacen('x', "\u{1}", 1).into(), &["line 4"]),
    ] {
        let (found, decoded) = decode(&layout, &bytes);
        let told = told(&found, &decoded).join("\n");
        assert!(expected.iter().all(|word| told.to_lowercase().contains(&word.to_lowercase())), "{what}: {told}");
    }
}
