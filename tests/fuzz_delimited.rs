//! Fuzz driver of delimited files: any bytes are read without a panic, with true places, and what is well formed is cut as
//! the csv crate cuts it.

mod decoding;
mod fuzzing;

use decoding::{decode, layout};
use fuzzing::{Chance, run, sample};
use nattpost::model::layout::own::shipped_layout;
use nattpost::model::layout::{Layout, read_layout};
use nattpost::model::syntax::delimited::{RowReader, Style};
use nattpost::model::syntax::encoding::Encoding;

fn own(id: &str) -> Layout {
    let text = sample(&format!("schemas/layouts/own/{id}.toml"));
    assert!(shipped_layout(id).is_some());
    read_layout(id, std::str::from_utf8(&text).unwrap(), nattpost::model::kind::shipped_kinds()).unwrap()
}

#[test]
fn any_delimited_bytes_are_read_or_refused() {
    let yardstick = b"H;P;1;2026-01-01T00:00:00;2026-02-04;EUR;1;R;\"A \"\"N\"\"; 2\";S;5;1;B;DE;e;p;D;N;12;F;\nL;P;1;1;A;S;4;\xc3\x96l;2000;PCE;617;250;1900\nL;P;1;2;A;S;4;O;2000;PCE;617;250;1900\n".to_vec();
    let samples = [
        (layout("missingink-orders/layout.toml"), sample("samples/layouts/missingink-orders/sample.csv")),
        (layout("yardstick/orders_hl.toml"), yardstick),
        (
            layout("yardstick/stock.toml"),
            b"article_no;qty;price_cents;available_from\nA1;5;10;2026-01-02\nA2;6;;\n".to_vec(),
        ),
        (
            layout("dropstream-orders/layout.toml"),
            sample("samples/layouts/dropstream-orders/ord_TN-4401_260311094500.csv"),
        ),
        (layout("kuali-customers/layout.toml"), sample("samples/layouts/kuali-customers/sample.csv")),
        (layout("shop-hi-orders/layout.toml"), sample("samples/layouts/shop-hi-orders/sample.txt")),
        (own("nattpost-order-csv"), sample("samples/own/order.csv")),
        (own("nattpost-order-status-csv"), sample("samples/own/order_status.csv")),
    ];
    run("delimited", &samples);
}

const MIXED: &str = r#"
layout = "mixed"
title = "x"
kind = "order"
syntax = "delimited"
[delimited]
delimiter = "|"
columns = "positions"
tag = "1-1"
[[record]]
tag = "H"
opens = "message"
width = 12
fields = [["1", "constant(H)"], ["2-6", "buyer_order_no", "text required"], ["7-12", "note", "text personal"]]
[[record]]
tag = "L"
opens = "lines"
fields = [["1", "constant(L)"], ["2", "lines.article_no", "required"], ["3", "lines.qty", "required"]]
"#;

/// Heads first, lines and what belongs to each of them behind, by numbers.
const BY_KEY: &str = r#"
layout = "by-key"
title = "x"
kind = "order"
syntax = "delimited"
[delimited]
columns = "positions"
tag = 1
[[record]]
tag = "H"
opens = "message"
group_by = ["2"]
fields = [["2", "buyer_order_no"], ["3", "note", "text personal"]]
[[record]]
tag = "L"
opens = "lines"
group_by = ["2"]
node_by = ["3"]
fields = [["2", "buyer_order_no"], ["3", "lines.line_no"], ["4", "lines.article_no"], ["5", "lines.qty"]]
[[record]]
tag = "T"
adds = "lines"
group_by = ["2"]
node_by = ["3"]
fields = [["2", "buyer_order_no"], ["3", "-"], ["4", "lines.note", "text personal"]]
[[record]]
tag = "C"
opens = "line_charges"
group_by = ["2"]
parent_by = ["3"]
fields = [["2", "buyer_order_no"], ["3", "-"], ["", "line_charges.charge_type", "default=charge"], ["4", "line_charges.amount"]]
"#;

fn compiled(text: &str) -> Layout {
    read_layout("x", text, nattpost::model::kind::shipped_kinds()).unwrap()
}

#[test]
fn any_mixed_fixed_and_delimited_records_are_read_or_refused() {
    let sample = b"HPO-1 Ann B.\nL|sku-1|2\nL|\"sku|2\"|5\nHPO-2       \nL|sku-3|1\n".to_vec();
    run("mixed", &[(compiled(MIXED), sample)]);
}

#[test]
fn any_nodes_that_are_found_by_a_key_are_read_or_refused() {
    let sample =
        b"H;A;Ann\nH;B;Bo\nL;A;1;x;1\nL;A;2;y;2\nL;B;1;z;3\nT;A;1;gift\nC;A;2;5\nC;B;1;3\nC;A;1;4\nT;B;1;blue\n"
            .to_vec();
    run("by key", &[(compiled(BY_KEY), sample)]);
}

#[test]
fn what_is_well_formed_is_cut_as_another_reader_cuts_it() {
    const TEXTS: [&str; 9] = ["", "a", "b c", "\"", "x;y", "l\nm", "ä", "\"\"q", "long text "];
    for seed in 1..400 {
        let mut chance = Chance::new(seed);
        let columns = 2 + chance.below(5);
        let mut writer = csv::WriterBuilder::new();
        writer.delimiter(b';');
        if chance.below(2) == 1 {
            writer.terminator(csv::Terminator::CRLF);
        }
        let mut writer = writer.from_writer(Vec::new());
        for _ in 0..chance.below(30) {
            let row: Vec<&str> = (0..columns).map(|_| TEXTS[chance.below(TEXTS.len())]).collect();
            writer.write_record(&row).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let mut theirs = csv::ReaderBuilder::new();
        let mut theirs = theirs.delimiter(b';').has_headers(false).from_reader(&bytes[..]);
        let mut input = &bytes[..];
        let style = Style::Cells { delimiter: b';', quote: Some(b'"'), line_breaks: true, padded: false, whole: None };
        let mut ours = RowReader::open(&mut input, &Encoding::Utf8, style).unwrap();
        for record in theirs.byte_records() {
            let record = record.unwrap();
            let row = ours.next().unwrap().expect("as many rows");
            let cells: Vec<Vec<u8>> = row.cells.iter().map(|c| plain(&row.bytes[c.range()], c.doubled)).collect();
            let expected: Vec<Vec<u8>> = record.iter().map(<[u8]>::to_vec).collect();
            assert_eq!((cells, row.flaw), (expected, None), "seed {seed}");
            // The other reader counts the LF of a CRLF to the next row.
            let theirs = record.position().unwrap().byte();
            let between = &bytes[theirs as usize..row.range.start as usize];
            assert!(between.is_empty() || between == b"\n", "seed {seed}: {between:?}");
        }
        assert!(ours.next().unwrap().is_none(), "seed {seed}");
    }
}

fn plain(bytes: &[u8], doubled: bool) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes).to_string();
    if doubled { text.replace("\"\"", "\"").into_bytes() } else { text.into_bytes() }
}

#[test]
fn a_row_that_may_belong_to_two_messages_refuses_both() {
    let layout = layout("missingink-orders/layout.toml");
    let head = "order id,ship_name,ship_address_1,ship_city,ship_state,ship_zipcode,ship_country,product_sku,product_qty,product_name\n";
    let row = |order: &str| format!("{order},Ann,1 Road,Town,NY,10001,US,a,1,Hat\n");
    let text = format!("{head}{}\"{}{}{}", row("1"), row("2"), row("3"), row("4"));
    let (found, decoded) = decode(&layout, text.as_bytes());
    let codes: Vec<_> = found.problems().into_iter().map(|(number, code, _)| (number, code)).collect();
    assert_eq!(codes, [(1, "quote-invalid"), (2, "row-in-doubt")]);
    assert_eq!((decoded.messages, found.messages().count()), (3, 1));
}
