//! What is written reads back the same: the shipped layout's own files.

use nattpost::model::batch::Batch;
use nattpost::model::json::{read_line, to_json};
use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::EncodeContext;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::decoding::decode;
use crate::{made, shipped};

fn written(messages: &[Value]) -> String {
    let mut batch = Batch::new(shipped_kinds().get("order").unwrap().clone());
    for (index, message) in messages.iter().enumerate() {
        read_line(&message.to_string(), index as u32 + 1, index as u64 + 1, &mut batch).unwrap();
    }
    let mut bytes = Vec::new();
    let mut encoder = shipped().encoder(EncodeContext { zone: chrono_tz::Europe::Berlin }, &mut bytes).unwrap();
    encoder.write(&batch).unwrap();
    encoder.finish().unwrap();
    bytes.iter().map(|b| *b as char).collect()
}

fn read_back(text: &str) -> Vec<Value> {
    let bytes: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let (found, decoded) = decode(shipped(), &bytes);
    let problems: Vec<_> = found.refused.iter().flat_map(|r| &r.problems).chain(decoded.fatal.kept()).collect();
    assert!(problems.is_empty(), "{problems:?}\n{text}");
    found.messages().map(to_json).collect()
}

/// What the layout has places for, in letters of UNOC: no line breaks, and no signs behind a letter that together look
/// like UTF-8.
fn kept(value: &Value, path: &str, lost: &[String]) -> Value {
    let Value::Object(object) = value else { return value.clone() };
    let mut made = Map::new();
    for (name, value) in object {
        let full = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let value = match value {
            Value::Array(nodes) => nodes.iter().map(|node| kept(node, name, lost)).collect::<Vec<_>>().into(),
            Value::String(text) => {
                let plain: String = text
                    .chars()
                    .map(|c| if (' '..='\u{ff}').contains(&c) && !('\u{7f}'..='\u{bf}').contains(&c) { c } else { 'x' })
                    .collect();
                plain.trim().into()
            }
            other => other.clone(),
        };
        if !lost.contains(&full) && value != "" {
            made.insert(name.clone(), value);
        }
    }
    Value::Object(made)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back_the_same(tape in proptest::collection::vec(any::<u64>(), 1..400), count in 1usize..4) {
        let kind = shipped_kinds().get("order").unwrap();
        let mut tape = made::Tape::new(&tape);
        let mut lost = shipped().lost_fields();
        // A time without its day has no place.
        lost.push("order_time".to_string());
        let messages: Vec<Value> = (0..count)
            .map(|number| {
                let mut message = kept(&made::message(kind, &mut tape), "", &lost);
                for (at, line) in message["lines"].as_array_mut().unwrap().iter_mut().enumerate() {
                    line["line_no"] = (at + 1).into();
                }
                message["extra"] = json!({"message_no": (number + 1).to_string()});
                message
            })
            .collect();
        let text = written(&messages);
        let back: Vec<Value> = read_back(&text).into_iter().collect();
        prop_assert_eq!(back, messages, "{}", text);
    }
}

#[test]
fn our_sample_is_written_with_its_envelope_and_counts() {
    let sample = std::fs::read(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/layouts/edifact-orders/sample.edi"),
    )
    .unwrap();
    let text: String = String::from_utf8(sample).unwrap();
    let messages = read_back(&text);
    let written = written(&messages);
    assert_eq!(read_back(&written), messages, "{written}");
    assert!(
        written.starts_with(
            "UNA:+.? '\nUNB+UNOC:3+4099999000016:14+4099999000023:14+261120:0815+77'\nUNH+1+ORDERS:D:96A:UN:EAN008'\n"
        ),
        "{written}"
    );
    assert!(
        written
            .contains("NAD+BY+4099999000016::9++Nordholz O?'Brien+Holzweg 7+Lübeck++23552+DE'\nCTA++:Grete Sörensen'"),
        "{written}"
    );
    assert!(written.contains("DTM+137:202611200812:203'") && written.contains("PIA+5+A-100:SA+77-1:IN'"), "{written}");
    assert!(written.ends_with("UNZ+2+77'\n"), "{written}");
    let count =
        written.lines().skip_while(|l| !l.starts_with("UNH+1")).take_while(|l| !l.starts_with("UNT")).count() + 1;
    assert!(written.contains(&format!("UNT+{count}+1'")), "{written}");
}
