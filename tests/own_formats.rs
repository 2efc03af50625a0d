//! What is written in an own format reads back the same: messages of every kind, with every type of field and hostile texts.

mod made;

use std::io::Cursor;

use nattpost::model::batch::Batch;
use nattpost::model::json::{read_line, to_json};
use nattpost::model::kind::{Kind, shipped_kinds};
use nattpost::model::layout::own::{own_csv, own_id, shipped_layout};
use nattpost::model::layout::{
    Completeness, DecodeContext, EncodeContext, Layout, Refused, Sink, Spill, Stop, read_layout,
};
use proptest::prelude::*;
use serde_json::Value;

#[derive(Default)]
struct Kept {
    good: Vec<Value>,
    refused: Vec<Refused>,
}

impl Sink for Kept {
    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        self.good.extend(batch.messages().map(to_json));
        batch.clear();
        Ok(batch)
    }

    fn refused(&mut self, message: Refused) -> Result<(), Stop> {
        self.refused.push(message);
        Ok(())
    }
}

fn no_spill() -> std::io::Result<Box<dyn Spill>> {
    Err(std::io::Error::other("own formats need no spill file"))
}

fn read_back(layout: &Layout, bytes: &[u8]) -> Result<Vec<Value>, String> {
    let context = DecodeContext { file_name: "own.xml", zone: chrono_tz::Europe::Berlin, spill: &no_spill };
    let mut kept = Kept::default();
    let decoded = layout.decode(&mut Cursor::new(bytes), &context, &mut kept).map_err(|e| e.to_string())?;
    if !decoded.fatal.is_empty() {
        return Err(format!("{:?}\n{}", decoded.fatal, String::from_utf8_lossy(bytes)));
    }
    assert!(kept.refused.is_empty(), "{:?}", kept.refused);
    Ok(kept.good)
}

fn written(layout: &Layout, batch: &Batch) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let context = EncodeContext { zone: chrono_tz::Europe::Berlin };
    let mut encoder = layout.encoder(context, &mut bytes).map_err(|e| e.to_string())?;
    encoder.write(batch).and_then(|()| encoder.finish()).map_err(|e| e.to_string())?;
    Ok(bytes)
}

fn batch_of(kind: &std::sync::Arc<Kind>, messages: &[Value]) -> Batch {
    let mut batch = Batch::new(kind.clone());
    for (index, message) in messages.iter().enumerate() {
        let line = message.to_string();
        read_line(&line, index as u32 + 1, index as u64 + 1, &mut batch).unwrap_or_else(|p| panic!("{p:#?}\n{line}"));
    }
    batch
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn own_xml_is_the_identity(tape in proptest::collection::vec(any::<u64>(), 1..400), count in 1usize..4) {
        for kind in shipped_kinds().iter() {
            let mut tape = made::Tape::new(&tape);
            let messages: Vec<Value> = (0..count).map(|_| made::message(kind, &mut tape)).collect();
            let layout = shipped_layout(&own_id(kind, "xml")).unwrap();
            let bytes = written(layout, &batch_of(kind, &messages)).map_err(TestCaseError::fail)?;
            let back = read_back(layout, &bytes).map_err(TestCaseError::fail)?;
            prop_assert_eq!(&back, &messages, "{}", kind.name);
        }
    }

    #[test]
    fn own_csv_is_the_identity_but_for_what_is_empty(
        tape in proptest::collection::vec(any::<u64>(), 1..400),
        count in 1usize..4,
    ) {
        for kind in shipped_kinds().iter() {
            let mut tape = made::Tape::new(&tape);
            let messages: Vec<Value> = (0..count).map(|_| made::message(kind, &mut tape)).collect();
            let layout = shipped_layout(&own_id(kind, "csv")).unwrap();
            let bytes = written(layout, &batch_of(kind, &messages)).map_err(TestCaseError::fail)?;
            let back = read_back(layout, &bytes).map_err(TestCaseError::fail)?;
            let given = |all: &[Value]| all.iter().map(without_empty).collect::<Vec<_>>();
            prop_assert_eq!(given(&back), given(&messages), "{}\n{}", kind.name, String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
fn own_samples_are_what_is_written_of_what_is_read_from_them() {
    for kind in shipped_kinds().iter() {
        let file = format!("{}/samples/own/{}.xml", env!("CARGO_MANIFEST_DIR"), kind.name);
        let bytes = std::fs::read(&file).unwrap();
        let layout = shipped_layout(&own_id(kind, "xml")).unwrap();
        let messages = read_back(layout, &bytes).unwrap();
        assert!(!messages.is_empty());
        // What we set ourselves is not read, so only samples without it come back byte for byte.
        let again = written(layout, &batch_of(kind, &messages)).unwrap();
        assert_eq!(String::from_utf8(again).unwrap(), String::from_utf8(bytes).unwrap(), "{}", kind.name);
    }
}

/// Without what is empty: a CSV column that is there for one message is there for all.
fn without_empty(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let given = object.iter().filter(|(_, v)| v.as_str() != Some(""));
            Value::Object(given.map(|(name, v)| (name.clone(), without_empty(v))).collect())
        }
        Value::Array(items) => items.iter().map(without_empty).collect(),
        other => other.clone(),
    }
}

#[test]
fn own_samples_say_the_same_in_xml_and_csv() {
    for kind in shipped_kinds().iter() {
        let read = |form: &str| -> Vec<Value> {
            let file = format!("{}/samples/own/{}.{form}", env!("CARGO_MANIFEST_DIR"), kind.name);
            let layout = shipped_layout(&own_id(kind, form)).unwrap();
            let messages = read_back(layout, &std::fs::read(&file).unwrap()).unwrap();
            messages.iter().map(without_empty).collect()
        };
        assert_eq!(read("xml"), read("csv"), "{}", kind.name);
    }
}

#[test]
fn what_an_own_file_says_and_no_layout_knows_is_refused() {
    let layout = shipped_layout("nattpost-stock-xml").unwrap();
    let stock = "<stock><article_no>A</article_no><qty>1</qty></stock>";
    let read = |text: &str| {
        let context = DecodeContext { file_name: "own.xml", zone: chrono_tz::Europe::Berlin, spill: &no_spill };
        let mut kept = Refusals::default();
        let decoded = layout.decode(&mut Cursor::new(text.as_bytes()), &context, &mut kept).unwrap();
        let fatal: Vec<&str> = decoded.fatal.counts().keys().copied().collect();
        (fatal, kept.0)
    };
    let one = |text: &str| (vec![], vec![text.to_string()]);
    assert_eq!(read(&format!("<stocks version='1'>{stock}</stocks>")), (vec![], vec![]));
    assert_eq!(read(&format!("<stocks version='2'>{stock}</stocks>")).0, ["version-mismatch"]);
    assert_eq!(read(&format!("<stocks>{stock}</stocks>")).0, ["version-mismatch"]);
    assert_eq!(read(&format!("<stocks version='1'>{stock}<stok/></stocks>")).0, ["layout-mismatch"]);
    let text = format!("<stocks version='1'>{}</stocks>", stock.replace("</qty>", "</qty><colour/>"));
    assert_eq!(read(&text), one("layout-mismatch"));
    let text = format!("<stocks version='1'>{}</stocks>", stock.replace("<stock>", "<stock no='1'>"));
    assert_eq!(read(&text), one("layout-mismatch"));
    let text = format!("<stocks version='1'>{}</stocks>", stock.replace("</qty>", "</qty><qty>2</qty>"));
    assert_eq!(read(&text), one("value-repeated"));
    let text = format!("<stocks version='1'>{}</stocks>", stock.replace("<qty>1</qty>", ""));
    assert_eq!(read(&text), one("value-missing"));
}

/// Codes of refused messages.
#[derive(Default)]
struct Refusals(Vec<String>);

impl Sink for Refusals {
    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        batch.clear();
        Ok(batch)
    }

    fn refused(&mut self, message: Refused) -> Result<(), Stop> {
        self.0.extend(message.problems.iter().map(|p| p.code.to_string()));
        Ok(())
    }
}

/// Cut anywhere inside its last row, a CSV of ours is never read as if it were whole.
#[test]
fn a_csv_without_its_last_line_end_is_incomplete() {
    let whole = b"nattpost;stock;1\n!stock;article_no;qty\nstock;A-1;7\nstock;A-2;125\r\n";
    let layout = shipped_layout("nattpost-stock-csv").unwrap();
    let last = whole.iter().rposition(|b| *b == b'A').unwrap();
    assert_eq!(layout.completeness(whole, true), Completeness::Complete);
    assert_eq!(read_back(layout, whole).unwrap().len(), 2);
    for end in last..whole.len() - 2 {
        assert!(matches!(layout.completeness(&whole[..end], true), Completeness::Incomplete(_)), "{end}");
        let told = read_back(layout, &whole[..end]).unwrap_err();
        assert!(told.contains("file-truncated") && told.contains("no line end"), "{end}: {told}");
    }
    // Blanks, a Ctrl-Z and UTF-16 do not hide the line end.
    for end in [&b"\n\n"[..], b"\r", b"\n  ", b"\n\x1A"] {
        let text = [&whole[..whole.len() - 2], end].concat();
        assert_eq!(read_back(layout, &text).unwrap().len(), 2, "{end:?}");
    }
    let kind = shipped_kinds().get("stock").unwrap();
    let text = own_csv(kind).replace("kind = ", "encoding = \"utf-16\"\nkind = ");
    let layout = &read_layout("wide", &text, shipped_kinds()).unwrap();
    let wide = std::iter::once('\u{FEFF}').chain(std::str::from_utf8(whole).unwrap().chars());
    let wide: Vec<u8> = wide.flat_map(|c| (c as u16).to_le_bytes()).collect();
    assert_eq!(layout.completeness(&wide, true), Completeness::Complete);
    assert_eq!(read_back(layout, &wide).unwrap().len(), 2);
    assert!(matches!(layout.completeness(&wide[..wide.len() - 4], true), Completeness::Incomplete(_)));
    assert!(read_back(layout, &wide[..wide.len() - 4]).unwrap_err().contains("no line end"));
}
