//! Whole files: what is read of every kind of one, what a reject is, what a redacted copy is, where a file ends.

use std::io::Cursor;

use nattpost::model::json::to_json;
use nattpost::model::layout::Completeness;
use serde_json::{Value, json};

use crate::decoding::decode;
use crate::{order, shipped};

fn sample() -> String {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/layouts/edifact-orders/sample.edi");
    std::fs::read_to_string(file).unwrap()
}

fn read(bytes: &[u8]) -> Vec<Value> {
    let (found, decoded) = decode(shipped(), bytes);
    let problems: Vec<_> = found.refused.iter().flat_map(|r| &r.problems).chain(decoded.fatal.kept()).collect();
    assert!(problems.is_empty(), "{problems:?}");
    found.messages().map(to_json).collect()
}

#[test]
fn everything_in_our_sample_is_there() {
    let messages = read(sample().as_bytes());
    let first = &messages[0];
    let expected = json!({
        "buyer_order_no": "NH-10021", "order_type": "220", "order_date": "2026-11-20", "order_time": "08:12:00",
        "requested_date": "2026-11-24", "note": "Leave it at the gate\non the left side", "currency": "EUR",
        "customer_no": "4099999000016", "contact_name": "Grete Sörensen", "phone": "+49 451 555:17",
        "email": "grete@nordholz.example", "delivery_gln": "4099999000030", "delivery_name": "Nordholz Lager",
        "delivery_name2": "Tor 3", "delivery_street": "Am Kai 1", "delivery_city": "Kiel", "delivery_zip": "24103",
        "delivery_country": "DE",
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&first[name], value, "{name}");
    }
    assert_eq!(first["extra"]["buyer_name"], "Nordholz O'Brien");
    assert_eq!(first["charges"], json!([{"charge_type": "charge", "reason": "FC", "amount": "4.9"}]));
    assert_eq!(
        first["lines"][0],
        json!({"line_no": 1, "ean": "4012345000009", "article_no": "A-100", "buyer_article_no": "77-1",
            "description": "Screws 4 x 40 galvanised", "qty": "12", "unit": "PCE", "net_price": "19.8", "price_per": "100",
            "price_unit": "PCE", "partner_line_ref": "10"})
    );
    assert_eq!(first["lines"][1]["line_charges"], json!([{"charge_type": "allowance", "pct": "5"}]));
    assert_eq!(first["lines"][1]["requested_date"], "2026-12-01");
    assert_eq!(messages.len(), 2);
}

#[test]
fn wrapped_lines_groups_and_several_interchanges_are_read() {
    let plain = sample().replace('\n', "");
    let wrapped: String =
        plain.chars().collect::<Vec<_>>().chunks(80).map(|line| line.iter().collect::<String>() + "\r\n").collect();
    assert_eq!(read(wrapped.as_bytes()), read(sample().as_bytes()));
    let latin: Vec<u8> = sample().chars().map(|c| c as u8).collect();
    assert_eq!(read(&latin), read(sample().as_bytes()), "Latin-1, as UNOC says");
    let marked = [b"\xef\xbb\xbf", sample().as_bytes()].concat();
    assert_eq!(read(&marked), read(sample().as_bytes()));
    let twice = sample() + &sample().replace("UNA:+.? '\n", "");
    assert_eq!(read(twice.as_bytes()).len(), 4);
    let grouped =
        sample().replace("UNH+1+", "UNG+ORDERS+A+B+1+1+UN+D:96A'\nUNH+1+").replace("UNZ+2", "UNE+2+1'\nUNZ+1");
    assert_eq!(read(grouped.as_bytes()).len(), 2);
    let by_lines = sample().replace("UNA:+.? '\n", "").replace("'\n", "\n").replace("?'", "'");
    assert_eq!(read(by_lines.as_bytes()), read(sample().as_bytes()));
}

#[test]
fn a_reject_is_cut_from_the_senders_bytes() {
    let good = sample();
    let bad = good.replace("QTY+21:1:PCE", "QTY+21:one:PCE").replace("UNA:+.? '\n", "UNA:+.? '\r\n");
    let foreign = "UNB+UNOC:3+S+R+261120:0815+78'\nUNH+9+INVOIC:D:96A:UN'\nBGM+380+1'\nUNT+3+9'\nUNZ+1+78'\n";
    let text = bad + foreign;
    let (found, decoded) = decode(shipped(), text.as_bytes());
    assert!(decoded.fatal.is_empty());
    assert_eq!(found.messages().count(), 1);
    let ranges: Vec<_> = found.refused.iter().flat_map(|r| r.bytes.clone()).collect();
    let cut = |ranges: &[std::ops::Range<u64>]| {
        let mut out = Vec::new();
        shipped().rebuild_reject(&mut Cursor::new(text.as_bytes()), ranges, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let begin = text.find("UNB").unwrap();
    let first = text.find("UNH+1").unwrap();
    let second = text.find("UNH+2").unwrap();
    let end = text.find("UNZ+2").unwrap();
    let expected = format!("{}{}UNZ+1+77'\n", &text[..first], &text[second..end]);
    assert_eq!(cut(&ranges[..1]), expected);
    assert_eq!(&text[begin..first], "UNB+UNOC:3+4099999000016:14+4099999000023:14+261120:0815+77'\n");
    assert_eq!(cut(&ranges), expected + foreign);
    let corrected = cut(&ranges[..1]).replace("one", "1");
    assert_eq!(read(corrected.as_bytes())[0]["buyer_order_no"], "NH-10022");
}

#[test]
fn personal_fields_are_overwritten_where_they_stand() {
    let text = sample();
    let mut copy = Vec::new();
    let done = shipped().redact(&mut text.as_bytes(), &mut text.as_bytes(), &mut copy).unwrap();
    let copy = String::from_utf8(copy).unwrap();
    assert_eq!((done.unread, copy.len()), (0, text.len()));
    for gone in ["Grete", "grete@", "451", "Holzweg", "O?'Brien", "Am Kai", "Nordholz Lager"] {
        assert!(!copy.contains(gone), "{gone}\n{copy}");
    }
    for stays in ["NH-10021", "4099999000016", "A-100", "CTA+OC+:", ":TE'", "24103"] {
        assert!(copy.contains(stays), "{stays}\n{copy}");
    }
    assert_eq!(read(copy.as_bytes()).len(), 2);
}

#[test]
fn the_end_of_a_file_is_known_by_its_last_segment() {
    let good = order("", "LIN+1'\nQTY+21:1'\n");
    let judge = |text: &str| shipped().completeness(text.as_bytes(), true);
    for whole in [good.clone(), good.replace('\n', ""), good.clone() + "\r\n\x1a", good.replace("UNZ", "UN\nZ")] {
        assert_eq!(judge(&whole), Completeness::Complete, "{whole}");
    }
    assert_eq!(judge("UNH+1+ORDERS:D:96A:UN'UNT+2+1'"), Completeness::Complete);
    assert_eq!(judge("UNB+UNOC:3+a+b\nUNZ+0+1\n"), Completeness::Complete);
    for at in good.char_indices().map(|(at, _)| at).filter(|at| *at < good.trim_end().len()) {
        assert!(matches!(judge(&good[..at]), Completeness::Incomplete(_)), "{}", &good[..at]);
    }
    assert!(shipped().recognises(good.as_bytes()));
    assert!(!shipped().recognises(good.replace("ORDERS", "INVOIC").as_bytes()));
    assert!(!shipped().recognises(b"order;1;2\n"));
}

#[test]
fn every_beginning_of_a_file_is_refused_and_read_without_harm() {
    let text = sample();
    for at in text.char_indices().map(|(at, _)| at).filter(|at| *at > 0 && *at < text.trim_end().len()) {
        let (_, decoded) = decode(shipped(), &text.as_bytes()[..at]);
        assert!(!decoded.fatal.is_empty(), "{}", &text[..at]);
    }
}

#[test]
fn a_partners_variant_says_what_is_his() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let layout = root.join("samples/layouts/edifact-orders/layout.toml");
    let scratch = tempfile::tempdir().unwrap();
    let run = |text: &str| {
        let file = scratch.path().join("orders.edi");
        std::fs::write(&file, text).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_nattpost"));
        command
            .args(["decode", file.to_str().unwrap(), "--layout", layout.to_str().unwrap()])
            .env_remove("NATTPOST_CONFIG");
        let output = command.current_dir(scratch.path()).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (out, err) = run(&sample());
    assert_eq!((out.lines().count(), err.as_str()), (2, ""));
    assert!(out.contains(r#""unit":"H87","net_price":"19.8","price_per":"100","price_unit":"H87""#), "{out}");
    let (_, err) = run(&sample().replace("UNOC:3+4099999000016", "UNOC:3+4099999000099"));
    assert!(
        err.contains("line 2, \"UNB, element 2 (sender)\": \"4099999000099\" was found; expected \"4099999000016\""),
        "{err}"
    );
    let (_, err) = run(&sample().replace("UNT+31", "UNT+30"));
    assert!(
        err.contains("\"segment 31, UNT, element 1 (number of segments)\": says 30 for the number of segments in the message, but there are 31"),
        "{err}"
    );
    let (out, _) = run(&sample().replace("QTY+21:1:PCE'", "QTY+21:1:PCE'\nLOC+7+L2'").replace("UNT+9", "UNT+10"));
    assert!(out.contains(r#""warehouse":"L2""#), "{out}");
}
