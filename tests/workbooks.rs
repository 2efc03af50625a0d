//! Orders in Excel workbooks: what each cell becomes, where problems are said to stand, what is refused, what a reject holds.

mod decoding;
mod sheets;
mod workbook_faults;
mod workbook_sheets;

use std::io::Cursor;

use decoding::{Found, decode, layout, layout_of};
use nattpost::model::json::to_json;
use nattpost::model::layout::{Completeness, Decoded, Layout};
use sheets::{Book, archive, row};

/// Orders of one row each; `extra` goes into the table `[xlsx]`.
fn orders(extra: &str) -> Layout {
    layout_of(&format!(
        "layout = \"o\"\ntitle = \"Orders\"\nkind = \"order\"\nsyntax = \"xlsx\"\n[xlsx]\n{extra}\n[[record]]\nname = \"line\"\nopens = \"lines\"\n\
         group_by = [\"No\"]\nfields = [[\"No\", \"buyer_order_no\", \"text required\"], [\"Article|Item\", \"lines.article_no\", \"text required\"], \
         [\"Qty\", \"lines.qty\", \"decimal required\"], [\"Price\", \"lines.net_price\", \"decimal optional\"], \
         [\"Day\", \"order_date\", \"date %Y-%m-%d|%d.%m.%Y optional\"], [\"Note\", \"note\", \"text optional\"]]\n"
    ))
}

fn read(layout: &Layout, rows: &str) -> (Found, Decoded) {
    decode(layout, &Book::of(rows).bytes())
}

/// Everything that is wrong, as a person reads it.
fn told(found: &Found, decoded: &Decoded) -> Vec<String> {
    let refused = found.refused.iter().flat_map(|r| &r.problems);
    refused.chain(decoded.fatal.kept()).map(|p| format!("{p} [{}]", p.code)).collect()
}

fn wrong(layout: &Layout, bytes: &[u8]) -> String {
    let (found, decoded) = decode(layout, bytes);
    assert_eq!(found.messages().count(), 0);
    told(&found, &decoded).join("\n")
}

const HEADING: [&str; 6] = ["No", "Article", "Qty", "Price", "Day", "Note"];

fn value(found: &Found, path: &str) -> Vec<String> {
    let values = found.messages().map(|message| {
        let object = to_json(message);
        let value = path.split('.').fold(object, |value, name| match name.parse::<usize>() {
            Ok(index) => value[index].clone(),
            Err(_) => value[name].clone(),
        });
        value.as_str().map_or(value.to_string(), str::to_string)
    });
    values.collect()
}

#[test]
fn the_sample_reads_as_it_says() {
    let bytes = std::fs::read("samples/layouts/workbook-orders/sample.xlsx").unwrap();
    let (found, decoded) = decode(&layout("workbook-orders/layout.toml"), &bytes);
    assert_eq!(told(&found, &decoded), Vec::<String>::new());
    assert_eq!(value(&found, "lines.0.net_price"), ["12.1"]);
    assert_eq!(value(&found, "lines.1.net_price"), ["36.3"]);
    assert_eq!(value(&found, "lines.1.article_no"), ["00815"]);
    assert_eq!(value(&found, "lines.1.qty"), ["12.5"]);
    assert_eq!(value(&found, "order_date"), ["2026-03-11"]);
    assert_eq!(found.messages().next().unwrap().origin().line, 8);
}

#[test]
fn cells_of_every_sort_are_what_a_person_reads() {
    let book = Book {
        texts: &[
            "<r><t>A-</t></r><r><t xml:space=\"preserve\">1 </t></r><rPh><t>aloud</t></rPh>",
            "<t>two_x000A_lines</t>",
        ],
        ..Book::of(
            &[
                row(3, &HEADING),
                // A shared text, a number with the trace of a fraction, one in scientific writing, a day, a text on two lines.
                row(
                    4,
                    &[
                        "<c t=\"s\"><v>0</v></c>",
                        "<c><v>4711.0</v></c>",
                        "<c t=\"n\"><v>2.5E0</v></c>",
                        "<c><v>0.30000000000000004</v></c>",
                        "<c s=\"1\"><v>46092</v></c>",
                        "<c t=\"s\"><v>1</v></c>",
                    ],
                ),
                row(
                    6,
                    &[
                        "<c t=\"str\"><f>A4&amp;1</f><v>B</v></c>",
                        "<c s=\"2\"><v>17</v></c>",
                        "<c><f>1+1</f><v>2</v></c>",
                        "",
                        "12.03.2026",
                        "<c t=\"b\"><v>1</v></c>",
                    ],
                ),
                row(
                    7,
                    &[
                        "C",
                        "<c><v>4006381333931</v></c>",
                        "1",
                        "<c t=\"str\"><f>\"\"</f><v></v></c>",
                        "<c t=\"d\"><v>2026-03-13</v></c>",
                    ],
                ),
            ]
            .concat(),
        )
    };
    let (found, decoded) = decode(&orders(""), &book.bytes());
    assert_eq!(told(&found, &decoded), Vec::<String>::new());
    assert_eq!(value(&found, "buyer_order_no"), ["A-1", "B", "C"]);
    assert_eq!(value(&found, "lines.0.article_no"), ["4711", "00017", "4006381333931"]);
    assert_eq!(value(&found, "lines.0.qty"), ["2.5", "2", "1"]);
    assert_eq!(value(&found, "lines.0.net_price"), ["0.3", "", ""]);
    assert_eq!(value(&found, "order_date"), ["2026-03-11", "2026-03-12", "2026-03-13"]);
    assert_eq!(value(&found, "note"), ["two\nlines", "true", ""]);
    let lines: Vec<u32> = found.messages().map(|message| message.origin().line).collect();
    assert_eq!(lines, [4, 6, 7]);
}

#[test]
fn days_count_from_1904_where_the_workbook_says_so() {
    let rows = row(1, &HEADING) + &row(2, &["A", "1", "1", "", "<c s=\"1\"><v>44630</v></c>"]);
    let book = Book { since_1904: true, ..Book::of(&rows) };
    let (found, _) = decode(&orders(""), &book.bytes());
    assert_eq!(value(&found, "order_date"), ["2026-03-11"]);
}

#[test]
fn problems_stand_where_excel_shows_them() {
    let rows = row(1, &["Title"])
        + &row(4, &HEADING)
        + &row(5, &["A", "<c t=\"e\"><v>#N/A</v></c>", "1"])
        + &row(6, &["B", "x", "<c><f>1+1</f></c>"])
        + &row(7, &["C", "<c><v>12345678901234567</v></c>", "1"])
        + &row(8, &["D", "x", "2,5"])
        + &row(9, &["E", "x", "1", "", "<c s=\"1\"><v>60</v></c>"])
        + &row(10, &["F", "x", "1", "", "", "", "beside"])
        + &row(11, &["G", "", "1"])
        + &row(12, &["H", "x", "1"]);
    let (found, decoded) = read(&orders(""), &rows);
    let told = told(&found, &decoded);
    for (at, beginning) in [
        "Orders!B5, \"Article\": \"#N/A\" is an error of a formula",
        "Orders!C6, \"Qty\": here is a formula without a value",
        "Orders!B7, \"Article\": \"12345678901234567\" is a number of more than 15 digits",
        "Orders!C8, \"Qty\": \"2,5\" is not a quantity",
        "Orders!E9, \"Day\": \"60\" is shown as a day",
        "Orders!G10, \"beside\" stands under no heading",
        "Orders!B11, \"Article|Item\": ",
    ]
    .iter()
    .enumerate()
    {
        assert!(told[at].starts_with(beginning), "{}\n{}", told[at], beginning);
    }
    assert_eq!((told.len(), value(&found, "buyer_order_no")), (7, vec!["H".to_string()]));
    // What nobody reads may be anything.
    let ignoring = orders("unknown_columns = \"ignore\"");
    let rows = row(1, &["Sum", "No", "Article", "Qty"])
        + &row(2, &["<c t=\"e\"><v>#REF!</v></c>", "A", "x", "1", "", "beside"]);
    let (found, decoded) = read(&ignoring, &rows);
    assert_eq!((found.messages().count(), decoded.fatal.total()), (1, 0));
    assert!(wrong(&orders(""), &Book::of(&rows).bytes()).contains("not known: \"Sum\""));
}

#[test]
fn headings_are_found_by_their_names_or_their_row() {
    let rows = row(1, &["Order form"])
        + &row(2, &["No", "Qty"])
        + &row(5, &["Qty", "", "No", "Item"])
        + &row(7, &["2", "", "A", "x"]);
    let (found, decoded) = read(&orders(""), &rows);
    assert_eq!(told(&found, &decoded), Vec::<String>::new());
    assert_eq!(value(&found, "lines.0.qty"), ["2"]);
    let (found, _) = read(&orders("header_row = 5"), &rows);
    assert_eq!(found.messages().count(), 1);
    // The nearest row is compared, and told where it stands.
    let rows = row(1, &["Order form"]) + &row(3, &["No", "Quantity", "Article"]) + &row(4, &["A", "1", "x"]);
    let text = wrong(&orders(""), &Book::of(&rows).bytes());
    assert!(
        text.contains("Orders!3:3") && text.contains("missing: \"Qty\"") && text.contains("layout-mismatch"),
        "{text}"
    );
    let text = wrong(&orders("header_row = 4"), &Book::of(&rows).bytes());
    assert!(text.contains("Orders!4:4"), "{text}");
    let twice = row(1, &["No", "Article", "Qty", "Qty"]) + &row(2, &["A", "x", "1", "2"]);
    assert!(wrong(&orders(""), &Book::of(&twice).bytes()).contains("there twice: \"Qty\""));
    assert!(wrong(&orders(""), &Book::of("").bytes()).contains("file-empty"));
}

#[test]
fn the_sheet_is_the_first_that_is_seen_or_the_one_named() {
    let good = row(1, &["No", "Article", "Qty"]) + &row(2, &["A", "x", "1"]);
    let book = Book {
        sheets: vec![
            ("Old", "hidden", String::new()),
            ("Text", "visible", row(1, &["Hello"])),
            ("New orders", "veryHidden", good),
        ],
        ..Book::of("")
    };
    let bytes = book.bytes();
    for table in ["sheet = 3", "sheet = \"new ORDERS\"", "sheet = [\"x\", \"New orders\"]"] {
        let (found, decoded) = decode(&orders(table), &bytes);
        assert_eq!((told(&found, &decoded), found.messages().count()), (Vec::new(), 1), "{table}");
    }
    assert!(wrong(&orders(""), &bytes).contains("Text!1:1"));
    let text = wrong(&orders("sheet = \"Orders\""), &bytes);
    assert!(text.contains("no sheet \"Orders\"; it has \"Old\", \"Text\", \"New orders\""), "{text}");
}

#[test]
fn a_cell_above_the_list_belongs_to_every_row() {
    let with_cells = |cell: &str| {
        layout_of(&format!(
            "layout = \"o\"\ntitle = \"Orders\"\nkind = \"order\"\nsyntax = \"xlsx\"\n[xlsx.cells]\n\"number\" = \"{cell}\"\n[[record]]\nname = \"line\"\nopens = \"lines\"\n\
             group_by = [\"number\"]\nfields = [[\"number\", \"buyer_order_no\", \"text required\"], [\"Article\", \"lines.article_no\", \"text required\"], [\"Qty\", \"lines.qty\", \"decimal required\"]]\n"
        ))
    };
    let rows = row(1, &["Nr", "<c><v>4711</v></c>"])
        + &row(3, &["Article", "Qty"])
        + &row(4, &["x", "1"])
        + &row(5, &["y", "2"]);
    let (found, _) = read(&with_cells("B1"), &rows);
    assert_eq!(value(&found, "buyer_order_no"), ["4711"]);
    assert_eq!(value(&found, "lines.1.qty"), ["2"]);
    // It is empty, in error, or lies in the list.
    let text = wrong(&with_cells("C1"), &Book::of(&rows).bytes());
    assert!(text.starts_with("Orders!C1, \"number\": "), "{text}");
    let text = wrong(&with_cells("B4"), &Book::of(&rows).bytes());
    assert!(text.starts_with("Orders!3:3, the headings stand here, but the cell B4"), "{text}");
    let bad = rows.replace("<c r=\"B1\"><v>4711</v></c>", "<c r=\"B1\" t=\"e\"><v>#REF!</v></c>");
    let text = wrong(&with_cells("B1"), &Book::of(&bad).bytes());
    assert!(text.starts_with("Orders!B1, \"number\": \"#REF!\" is an error"), "{text}");
}

#[test]
fn what_is_no_such_workbook_is_named() {
    let orders = orders("");
    let text = |bytes: &[u8]| wrong(&orders, bytes);
    let whole = Book::of(&(row(1, &HEADING) + &row(2, &["A", "x", "1"]))).bytes();
    assert!(text(&whole[..whole.len() / 2]).contains("file-truncated"));
    assert!(text(b"No;Article;Qty\nA;x;1\n").contains("no Excel workbook"));
    assert!(text(b"").contains("file-empty"));
    assert!(text(&archive(&[("orders.csv", b"No;Article")])).contains("a ZIP archive"));
    let mime: &[u8] = b"application/vnd.oasis.opendocument.spreadsheet";
    let ods = text(&archive(&[("mimetype", mime), ("content.xml", b"<x/>")]));
    assert!(ods.contains("an OpenDocument spreadsheet (ods)"), "{ods}");
    let mut old = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    old.resize(1024, 0);
    let wide = |word: &str| word.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let named = |word: &str| [old.clone(), wide(word)].concat();
    assert!(text(&named("Workbook")).contains("an old Excel workbook (xls)"));
    assert!(text(&named("EncryptedPackage")).contains("protected by a password"));
    let binary = archive(&[("xl/workbook.bin", b"x"), ("_rels/.rels", b"<Relationships xmlns=\"x\"><Relationship Id=\"a\" Type=\"http://x/officeDocument\" Target=\"xl/workbook.bin\"/></Relationships>")]);
    assert!(text(&binary).contains("binary workbook (xlsb)"));
    assert!(text(&Book::of("<row r=\"2\"/><row r=\"1\"/>").bytes()).contains("row \"1\" stands behind row 2"));
    assert!(
        text(&Book::of("<row r=\"1\"><c r=\"B1\"><v>1</v></c><c r=\"A1\"/></row>").bytes())
            .contains("\"A1\" does not stand")
    );
    assert!(text(&Book::of("<row r=\"1\"><c t=\"s\"><v>7</v></c></row>").bytes()).contains("points at text \"7\""));
    assert!(text(&Book::of("<row>").bytes()).contains("archive-damaged"));
}

#[test]
fn a_small_file_does_not_become_a_large_one() {
    let orders = orders("");
    let cell = format!("<row r=\"1\"><c t=\"inlineStr\"><is><t>{}</t></is></c></row>", "x".repeat(300 << 10));
    assert!(wrong(&orders, &Book::of(&cell).bytes()).contains("archive-limit"));
    let long = format!("<t>{}</t>", "x".repeat(33 << 20));
    let book = Book { texts: &[&long], ..Book::of("") };
    assert!(wrong(&orders, &book.bytes()).contains("archive-limit"));
}

#[test]
fn a_reject_is_the_workbook_without_the_other_rows() {
    let rows = row(1, &["Order form", "<c><f>SUM(C3:C9)</f><v>5</v></c>"])
        + &row(3, &HEADING)
        + &row(4, &["A", "x", "1"])
        + &row(5, &["B", "x", "2,5"])
        + &row(6, &["A", "y", "<c><f>C4</f><v>1</v></c>"])
        + &row(7, &["B", "y", "<c><f>C4*2</f><v>2</v></c>"])
        + &row(8, &["C", "x", "9"]);
    let chain = ("xl/calcChain.xml", "<calcChain/>".to_string());
    let types = ("[Content_Types].xml", "<Types xmlns=\"t\"><Override PartName=\"/xl/calcChain.xml\" ContentType=\"c\"/><Override PartName=\"/xl/x.xml\"/></Types>".to_string());
    let bytes = Book { more: vec![chain, types], ..Book::of(&rows) }.bytes();
    let layout = orders("");
    let (found, _) = decode(&layout, &bytes);
    assert_eq!(value(&found, "buyer_order_no"), ["A", "C"]);
    let mut ranges: Vec<_> = found.refused.iter().flat_map(|r| r.bytes.clone()).collect();
    ranges.sort_by_key(|range| range.start);
    let mut reject = Vec::new();
    layout.rebuild_reject(&mut Cursor::new(&bytes), &ranges, &mut reject).unwrap();
    let (again, decoded) = decode(&layout, &reject);
    assert_eq!(again.messages().count(), 0);
    // The same row, said in the same words.
    assert_eq!(told(&again, &decoded), told(&found, &Decoded::default()));
    assert!(told(&again, &decoded)[0].starts_with("Orders!C5, \"Qty\""));
    // Corrected it is the one order that was refused.
    let sheet = unpacked(&reject, "xl/worksheets/sheet0.xml");
    assert!(
        sheet.contains("<v>2</v>")
            && !sheet.contains("<f>")
            && !sheet.contains("r=\"6\"")
            && sheet.contains("Order form"),
        "{sheet}"
    );
    assert_eq!(
        unpacked(&reject, "[Content_Types].xml"),
        "<Types xmlns=\"t\"><Override PartName=\"/xl/x.xml\"/></Types>"
    );
    let corrected = row(3, &HEADING) + &row(5, &["B", "x", "2.5"]) + &row(7, &["B", "y", "<c><v>2</v></c>"]);
    let (good, _) = read(&layout, &corrected);
    assert_eq!(value(&good, "lines.1.qty"), ["2"]);
}

fn unpacked(bytes: &[u8], name: &str) -> String {
    use nattpost::model::archive::{Directory, Limits, Member};
    let mut input = Cursor::new(bytes);
    let directory = Directory::read(&mut input, Limits { members: 100, bytes: 1 << 30 }).unwrap();
    assert!(directory.find("xl/calcChain.xml").is_none());
    let mut text = String::new();
    let mut member = Member::open(&mut input, &directory, directory.find(name).unwrap()).unwrap();
    std::io::Read::read_to_string(&mut member, &mut text).unwrap();
    text
}

#[test]
fn its_end_says_whether_it_is_whole() {
    let layout = orders("");
    let whole = Book::of("").bytes();
    assert_eq!(layout.completeness(&whole, true), Completeness::Complete);
    assert!(matches!(layout.completeness(&whole[..whole.len() - 3], true), Completeness::Incomplete(_)));
    assert!(
        layout.recognises(&whole)
            && !layout.recognises(b"No;Article;Qty\n")
            && !layout.recognises(&archive(&[("a.csv", b"x")]))
    );
}

#[test]
fn a_layout_of_workbooks_says_what_it_cannot() {
    let problems = |text: &str| {
        let found = nattpost::model::layout::read_layout("x", text, nattpost::model::kind::shipped_kinds());
        found.unwrap_err().iter().map(|p| p.to_string()).collect::<Vec<_>>().join("\n")
    };
    let head = "layout = \"o\"\ntitle = \"O\"\nkind = \"stock\"\nsyntax = \"xlsx\"\n";
    let record = "[[record]]\nname = \"row\"\nopens = \"message\"\nfields = [[\"Article\", \"article_no\"], [\"Qty\", \"qty\", \"decimal point=,\"]]\n";
    assert!(problems(&format!("{head}[xlsx]\n{record}")).contains("come with a point"));
    let record = record.replace(" point=,", "");
    assert!(problems(&format!("encoding = \"latin-1\"\n{head}[xlsx]\n{record}")).contains("says itself"));
    assert!(problems(&format!("{head}[xlsx]\nsheet = 0\n{record}")).contains("number of a sheet"));
    assert!(problems(&format!("{head}[xlsx]\nheader_row = 0\n{record}")).contains("number of a row"));
    assert!(problems(&format!("{head}[xlsx.cells]\n\"x\" = \"3B\"\n{record}")).contains("like \"B3\""));
    assert!(problems(&format!("{head}{record}")).contains("[xlsx] is missing"));
    let closes = "[[record]]\nname = \"end\"\ncloses = \"file\"\nwhen = [\"Article\", \"Sum\"]\nfields = []\n";
    assert!(problems(&format!("{head}[xlsx]\n{record}{closes}")).contains("rows of messages alone"));
    let good = layout_of(&format!("{head}[xlsx]\n{record}"));
    assert!(good.reads() && !good.writes());
}
