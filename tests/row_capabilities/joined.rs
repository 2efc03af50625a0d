//! What belongs together and does not stand together: lists in a field, heads and lines apart, lines below one of several
//! despatches, a whole file as one order.

use super::{BY_POSITION, order, read};
use crate::compiled;
use crate::decoding::{decode, decode_named};
use nattpost::model::json::to_json;
use nattpost::model::layout::Layout;
use serde_json::{Value, json};

fn layout(kind: &str, options: &str, records: &str) -> Layout {
    compiled(&format!(
        "layout = \"x\"\ntitle = \"x\"\nkind = \"{kind}\"\nsyntax = \"delimited\"\n[delimited]\n{options}\n{records}"
    ))
}

fn told(layout: &Layout, text: &str) -> Vec<(&'static str, u32)> {
    let (found, decoded) = decode(layout, text.as_bytes());
    let refused = found.refused.iter().flat_map(|r| &r.problems);
    refused.chain(decoded.fatal.kept()).map(|p| (p.code, p.place.line)).collect()
}

/// Article and quantity of each line.
fn lines(message: &Value) -> Vec<String> {
    let lines = message["lines"].as_array().unwrap().iter();
    lines.map(|l| format!("{}*{}", l["article_no"].as_str().unwrap(), l["qty"].as_str().unwrap())).collect()
}

const LIST: &str = r#"
[[record]]
opens = "lines"
group_by = ["Order"]
each = ["Items", ";", ":"]
fields = [
  ["Order", "buyer_order_no"],
  ["Ship", "delivery_name"],
  ["piece 1", "lines.article_no", "required"],
  ["piece 2", "lines.qty", "default=1 required"],
]
"#;

#[test]
fn a_list_in_a_field_is_several_lines() {
    let list = layout("order", "columns = \"names\"\ndelimiter = \",\"", LIST);
    assert!(list.reads() && !list.writes());
    let found = read(&list, "Order,Ship,Items\nA,Ann,SKU1:2;SKU2:1\nB,Bo, SKU3 ;\nA,Ann,SKU4:7\n");
    assert_eq!(found.iter().map(lines).collect::<Vec<_>>(), [vec!["SKU1*2", "SKU2*1", "SKU4*7"], vec!["SKU3*1"]]);
    assert_eq!(found[0]["delivery_name"], "Ann");
    // Of each line a place; a row without any line is refused, and its reject holds the row once.
    let text = "Order,Ship,Items\nA,Ann,SKU1:2;SKU2:x;:3\nB,Bo,\nC,Cy,s\n";
    assert_eq!(told(&list, text), [("quantity-invalid", 2), ("value-missing", 2), ("value-missing", 3)]);
    let (found, _) = decode(&list, text.as_bytes());
    assert_eq!((found.refused[0].bytes.len(), found.refused[0].bytes[0].clone()), (1, 17..40));
    let mut reject = Vec::new();
    list.rebuild_reject(&mut std::io::Cursor::new(text), &found.refused[0].bytes, &mut reject).unwrap();
    assert_eq!(String::from_utf8(reject).unwrap(), "Order,Ship,Items\nA,Ann,SKU1:2;SKU2:x;:3\n");
}

#[test]
fn a_list_may_be_read_beside_what_the_row_itself_is() {
    let tags = r#"
[[record]]
opens = "message"
fields = [["1", "buyer_order_no"]]
[[record]]
again = true
opens = "lines"
each = ["2", ","]
fields = [["piece", "lines.article_no"], ["3", "lines.qty"]]
"#;
    let found = read(&layout("order", "columns = \"positions\"", tags), "A;a,b , c;5\nB;x;1\n");
    assert_eq!(found.iter().map(lines).collect::<Vec<_>>(), [vec!["a*5", "b*5", "c*5"], vec!["x*1"]]);
}

#[test]
fn personal_pieces_of_a_list_are_overwritten_with_the_whole_list() {
    let records = LIST.replace("\"required\"],\n  [\"piece 2\"", "\"required personal\"],\n  [\"piece 2\"");
    let list = layout("order", "columns = \"names\"\ndelimiter = \",\"", &records);
    let text = "Order,Ship,Items\nA,Ann,SKU1:2;SKU2:1\n";
    let mut copy = Vec::new();
    list.redact(&mut text.as_bytes(), &mut text.as_bytes(), &mut copy).unwrap();
    let copy = String::from_utf8(copy).unwrap();
    assert!(!copy.contains("SKU1") && !copy.contains("SKU2") && copy.len() == text.len(), "{copy}");
}

const APART: &str = r#"
[[record]]
tag = "H"
opens = "message"
group_by = ["2"]
fields = [["2", "buyer_order_no"], ["3", "order_date", "date %Y%m%d"]]
[[record]]
tag = "L"
opens = "lines"
group_by = ["2"]
fields = [["2", "buyer_order_no"], ["3", "lines.article_no"], ["4", "lines.qty", "decimal sign=trailing"]]
"#;

#[test]
fn heads_first_and_all_lines_behind_are_joined_by_their_key() {
    let apart = layout("order", "columns = \"positions\"\ntag = 1", APART);
    let found = read(&apart, "H;A;20260301\nH;B;20260302\nL;B;x;1\nL;A;y;2\nL;B;z;3-\n");
    assert_eq!(found.iter().map(lines).collect::<Vec<_>>(), [vec!["y*2"], vec!["x*1", "z*-3"]]);
    assert_eq!(found[1]["order_date"], "2026-03-02");
    // Lines without a head, a head without lines, two heads that differ.
    let text = "H;A;20260301\nH;B;20260302\nH;B;20260303\nL;A;y;2\nL;C;x;1\nL;B;z;1\nH;D;20260302\n";
    let mut told = told(&apart, text);
    told.sort_by_key(|(_, line)| *line);
    assert_eq!(told, [("head-contradicts", 3), ("record-missing", 5), ("record-missing", 7)]);
}

#[test]
fn lines_stand_below_the_despatch_with_their_number() {
    let rows = r#"
[[record]]
opens = "despatch_lines"
group_by = ["Order"]
parent_by = ["Parcel"]
fields = [
  ["Order", "buyer_order_no"],
  ["Customer", "customer_no"],
  ["", "status", "default=shipped"],
  ["Parcel", "despatches.delivery_note_no"],
  ["Carrier", "despatches.carrier"],
  ["Sku", "despatch_lines.article_no"],
  ["Qty", "despatch_lines.qty"],
]
"#;
    let nested = layout("order_status", "columns = \"names\"", rows);
    let text =
        "Order;Customer;Parcel;Carrier;Sku;Qty\nA;1;P1;DHL;x;1\nA;1;P2;UPS;y;2\nB;1;P1;DHL;z;3\nA;1;P1;DHL;w;4\n";
    let found = read(&nested, text);
    let shape = |message: &Value| -> Vec<String> {
        let despatches = message["despatches"].as_array().unwrap().iter();
        let skus = |d: &Value| -> Vec<String> {
            d["despatch_lines"]
                .as_array()
                .unwrap()
                .iter()
                .map(|l| l["article_no"].as_str().unwrap().to_string())
                .collect()
        };
        despatches.map(|d| format!("{}: {}", d["delivery_note_no"].as_str().unwrap(), skus(d).join(" "))).collect()
    };
    assert_eq!(found.iter().map(shape).collect::<Vec<_>>(), [vec!["P1: x w", "P2: y"], vec!["P1: z"]]);
    let two = text.replace("P1;DHL;w", "P1;GLS;w");
    assert_eq!(told(&nested, &two), [("head-contradicts", 5)]);
    // Without a parcel's number a line belongs to none, least of all to the one before.
    assert_eq!(told(&nested, &text.replace("P2;UPS", ";UPS")), [("value-missing", 3)]);
}

#[test]
fn records_below_a_line_find_it_by_its_number() {
    let rows = r#"
[[record]]
tag = "H"
opens = "message"
fields = [["2", "buyer_order_no"]]
[[record]]
tag = "L"
opens = "lines"
node_by = ["2"]
fields = [["2", "lines.line_no"], ["3", "lines.article_no"], ["4", "lines.qty"]]
[[record]]
tag = "T"
adds = "lines"
node_by = ["2"]
fields = [["3", "lines.note"]]
[[record]]
tag = "C"
opens = "line_charges"
parent_by = ["2"]
fields = [["2", "lines.line_no"], ["", "line_charges.charge_type", "default=charge"], ["3", "line_charges.amount"]]
"#;
    let below = layout("order", "columns = \"positions\"\ntag = 1", rows);
    let found = read(&below, "H;A\nL;1;x;1\nL;2;y;2\nT;1;gift\nC;2;5\nC;1;3\nC;1;4\nH;B\nL;1;z;1\n");
    assert_eq!((&found[0]["lines"][0]["note"], found[1]["lines"][0].get("note")), (&json!("gift"), None));
    let charges = |line: usize| found[0]["lines"][line]["line_charges"].as_array().unwrap().len();
    assert_eq!((charges(0), charges(1)), (2, 1));
    assert_eq!(
        told(&below, "H;A\nL;1;x;1\nT;2;gift\nH;B\nL;1;z;1\nT;1;a\nT;1;b\n"),
        [("record-misplaced", 3), ("head-contradicts", 7)]
    );
}

#[test]
fn a_whole_file_is_one_order_without_a_number() {
    let head =
        "[file_name]\nfields = [[\"stem\", \"buyer_order_no\"]]\n[delimited]\ncolumns = \"names\"\ndelimiter = \",\"";
    let text = format!(
        "layout = \"x\"\ntitle = \"x\"\nkind = \"order\"\nsyntax = \"delimited\"\n{head}\n[[record]]\nopens = \"lines\"\n\
         group_by = [\"*\"]\nfields = [[\"Sku\", \"lines.article_no\"], [\"Qty\", \"lines.qty\"]]\n"
    );
    let (found, decoded) = decode_named(&compiled(&text), b"Sku,Qty\nx,1\ny,-2\n", "PO-7.csv");
    assert!(decoded.fatal.is_empty() && found.refused.is_empty());
    let all: Vec<Value> = found.messages().map(to_json).collect();
    assert_eq!(
        (all.len(), all[0]["buyer_order_no"].as_str(), lines(&all[0])),
        (1, Some("PO-7"), vec!["x*1".into(), "y*-2".into()])
    );
}

const NAMED: &str = r#"
[[record]]
tag = "H"
opens = "message"
group_by = ["No"]
fields = [["No", "buyer_order_no"], ["Date", "order_date", "date %Y%m%d"]]
[[record]]
tag = "DEL"
opens = "lines"
group_by = ["No"]
fields = [["No", "buyer_order_no"], ["Sku", "lines.article_no"], ["Qty", "lines.qty"]]
"#;

#[test]
fn rows_that_name_columns_may_have_a_mark_of_their_own() {
    let options =
        "columns = \"rows\"\ntag = 1\ncolumn_mark = \"D\"\ncolumn_tag = \"next\"\nunknown_columns = \"ignore\"";
    let named = layout("order", options, NAMED);
    let rows = "H;20260301;A\nDEL;x;7;A;1\nH;20260302;B\nDEL;y;8;B;2\nDEL;z;9;A;3\n";
    // With the tag in a column of its own, joined to it, or without: then of the record that has these columns.
    let apart = format!("D;H;Date;No\nD;DEL;Sku;Colour;No;Qty\n{rows}");
    let joined = apart.replace("D;H", "DH").replace("D;DEL", "DDEL");
    let bare = apart.replace("D;H;", "D;").replace("D;DEL;", "D;");
    for text in [&apart, &joined, &bare] {
        let found = read(&named, text);
        assert_eq!(found.iter().map(lines).collect::<Vec<_>>(), [vec!["x*1", "z*3"], vec!["y*2"]], "{text}");
        assert_eq!(found[1]["order_date"], "2026-03-02");
    }
    let found = read(&named, &apart);
    let text = String::from_utf8(crate::written(&named, &found).unwrap()).unwrap();
    assert!(text.starts_with("D;H;No;Date\nD;DEL;No;Sku;Qty\nH;A;20260301\nDEL;A;x;1\nDEL;A;z;3\n"), "{text}");
    assert_eq!(read(&named, &text), found);
    // Nothing is read by position: another column, no names, other names between rows that are put in order.
    assert!(told(&named, &apart.replace("Sku", "Sky")).contains(&("layout-mismatch", 2)));
    let (found, _) = decode(&named, rows.as_bytes());
    assert_eq!(found.messages().count(), 0);
    let twice = format!("{apart}D;H;No;Date\nH;C;20260301\nDEL;q;7;C;1\n");
    assert_eq!(told(&named, &twice), [("layout-mismatch", 8)]);
    let in_turn = "D;Date;No\nH;20260301;A\nD;Sku;No;Qty\nDEL;x;A;1\nD;No;Date\nH;B;20260302\nDEL;y;B;2\n";
    assert_eq!(read(&named, in_turn).iter().map(lines).collect::<Vec<_>>(), [vec!["x*1"], vec!["y*2"]]);
}

#[test]
fn the_partners_own_values_of_the_name_and_of_several_rows_must_agree() {
    let head = "[file_name]\npattern = \"ord_{seq:[0-9]+}.csv\"\nfields = [[\"seq\", \"extra.seq\", \"integer\"]]";
    let records = r#"
[[record]]
tag = "H"
opens = "message"
fields = [["2", "buyer_order_no"], ["3", "extra.seq", "integer"], ["4", "extra.shop"]]
[[record]]
tag = "X"
adds = "message"
fields = [["2", "extra.shop"]]
[[record]]
tag = "L"
opens = "lines"
fields = [["2", "lines.article_no"], ["3", "lines.qty"]]
"#;
    let text = format!(
        "layout = \"x\"\ntitle = \"x\"\nkind = \"order\"\nsyntax = \"delimited\"\n{head}\n[delimited]\ncolumns = \"positions\"\ntag = 1\n{records}"
    );
    let named = compiled(&text);
    let rows = b"H;A;007;web\nX;web\nL;x;1\nH;B;8;web\nL;y;1\nH;C;7;web\nX;phone\nL;z;1\n";
    let (found, decoded) = decode_named(&named, rows, "ord_7.csv");
    assert!(decoded.fatal.is_empty());
    let good: Vec<Value> = found.messages().map(to_json).collect();
    assert_eq!((good.len(), &good[0]["extra"]), (1, &json!({"seq": "7", "shop": "web"})));
    let told: Vec<_> = found.refused.iter().flat_map(|r| &r.problems).map(|p| (p.code, p.place.line)).collect();
    assert_eq!(told, [("head-contradicts", 4), ("head-contradicts", 7)]);
}

#[test]
fn what_cannot_be_joined_is_told_in_the_layout() {
    for (old, new, word) in [
        ("node_by = [\"2\"]", "node_by = [\"two\"]", "\"two\" is not a column number"),
        ("each = [\"2\", \",\"]", "each = [\"2\", \",\"]\ngroup_by = [\"piece\"]", "cannot say which message"),
        ("each = [\"2\", \",\"]", "each = [\"2\"]", "expected [\"place\", \"between\"]"),
        (
            "parent_by = [\"2\"]",
            "parent_by = [\"2\"]",
            "parent_by belongs to a record that opens a group below another",
        ),
    ] {
        let text = format!(
            "layout = \"x\"\ntitle = \"x\"\nkind = \"order\"\nsyntax = \"delimited\"\n{BY_POSITION}\n[[record]]\nopens = \"lines\"\n\
             group_by = [\"1\"]\n{old}\nfields = [[\"1\", \"buyer_order_no\"], [\"2\", \"lines.article_no\"], [\"3\", \"lines.qty\"]]\n"
        );
        let own_group = if new.contains("group_by") { "group_by = [\"1\"]\n" } else { "" };
        let text = text.replacen(own_group, "", 1).replace(old, new);
        let problems = nattpost::model::layout::read_layout("x", &text, nattpost::model::kind::shipped_kinds());
        let told: Vec<String> = problems.unwrap_err().iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|t| t.contains(word)), "{told:?}");
    }
    assert!(order(BY_POSITION, "").writes());
}

#[test]
fn whatever_is_missing_of_rows_that_are_joined_is_told_and_their_reject_can_be_made() {
    let options = "columns = \"rows\"\ntag = 1\ncolumn_mark = \"D\"\nunknown_columns = \"ignore\"";
    let texts = [
        (
            layout("order", options, NAMED),
            "D;H;No;Date\nD;DEL;No;Sku;Qty\nH;A;20260301\nDEL;B;x;1\nH;B;20260302\nDEL;A;y;2\n",
        ),
        (
            layout("order", "columns = \"names\"\ndelimiter = \",\"", LIST),
            "Order,Ship,Items\nA,Ann,SKU1:2;SKU2:1\nB,Bo, SKU3 ;\nA,Ann,\"SKU4:7\"\n",
        ),
    ];
    for (layout, whole) in texts {
        for from in 0..whole.len() {
            for length in [1, 5, 20, whole.len()] {
                let text = format!("{}{}", &whole[..from], &whole[whole.len().min(from + length)..]);
                let (found, _) = decode(&layout, text.as_bytes());
                for refused in &found.refused {
                    layout.rebuild_reject(&mut std::io::Cursor::new(&text), &refused.bytes, &mut Vec::new()).unwrap();
                }
                let mut copy = Vec::new();
                if layout.redact(&mut text.as_bytes(), &mut text.as_bytes(), &mut copy).is_ok() {
                    assert_eq!(copy.len(), text.len());
                }
            }
        }
    }
}
