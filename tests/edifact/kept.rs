//! Nothing is lost because a layout has no name for it: what no row reads is kept as it was sent, and what senders write in ways
//! of their own is taken where it can mean one thing only.

use nattpost::model::json::to_json;
use serde_json::{Value, json};

use crate::decoding::decode;
use crate::{order, shipped};

fn read(text: &str) -> Value {
    let (found, decoded) = decode(shipped(), text.as_bytes());
    let problems: Vec<String> =
        found.refused.iter().flat_map(|r| &r.problems).chain(decoded.fatal.kept()).map(ToString::to_string).collect();
    assert!(problems.is_empty(), "{problems:?}\n{text}");
    found.messages().map(to_json).next().unwrap()
}

fn refused(text: &str) -> String {
    let (found, decoded) = decode(shipped(), text.as_bytes());
    assert_eq!(found.messages().count(), 0, "{text}");
    found
        .refused
        .iter()
        .flat_map(|r| &r.problems)
        .chain(decoded.fatal.kept())
        .map(|p| format!("{p} [{}]\n", p.code))
        .collect()
}

fn line(segments: &str) -> Value {
    read(&order("", segments))["lines"][0].clone()
}

const LINE: &str = "LIN+1++4012345000009:EN'QTY+21:5:PCE'";

#[test]
fn what_no_row_reads_is_kept_with_what_it_belongs_to() {
    let head = "PAI+::42'NAD+BY+4099999000016::9'RFF+VA:DE1?+2'NAD+OB+77::92++Haus am See'CTA+OC+:Per'CUX+2:EUR:9+3:SEK:4+11.2'";
    let found = read(&order(
        head,
        &format!("{LINE}MEA+PD+AAB+KGM:2'LOC+7+4099999000030::9'DTM+2:20261201:102'PIA+1+A-1:SA+G-9:GB'"),
    ));
    let kept = "PAI+::42\nNAD+BY+4099999000016::9\nRFF+VA:DE1?+2\nNAD+OB+77::92++Haus am See\nCTA+OC+:Per\nCUX+2:EUR:9+3:SEK:4+11.2";
    assert_eq!(found["extra"]["unread"], kept);
    let kept = "MEA+PD+AAB+KGM:2\nLOC+7+4099999000030::9\nDTM+2:20261201:102\nPIA+1+A-1:SA+G-9:GB";
    assert_eq!(found["lines"][0]["extra"]["unread"], kept);
    assert_eq!(found["lines"][0]["article_no"], "A-1", "what a row reads of a segment it reads as ever");
    // An allowance has no place of its own for it: it stands with its line. The summary's stands with the order.
    let found = read(&order("", &format!("{LINE}ALC+A++++DI'PCD+3:5'RNG+4+PCE:1:9'UNS+S'MOA+128:9.5'")));
    assert_eq!(found["lines"][0]["extra"]["unread"], "RNG+4+PCE:1:9");
    assert_eq!(found["extra"]["unread"], "MOA+128:9.5");
}

#[test]
fn where_all_is_read_nothing_is_kept() {
    let head =
        "DTM+2:20261201:102'FTX+AAI+1++Ring twice'NAD+BY+4099999000016::9'CTA+OC+:Per'COM+1:TE'NAD+SU'CUX+2:EUR:9'";
    let segments = format!("{LINE}PIA+5+A-1:SA'IMD+F++:::Screw'PRI+AAA:1.5:CT:NTP:100:PCE'TAX+7+VAT+++:::25+S'SCC+1'");
    let found = read(&order(head, &segments));
    assert!(found["extra"].get("unread").is_none() && found["lines"][0]["extra"].is_null(), "{found}");
}

/// A segment that a row chooses by a code and finds empty stays that segment, so that a copy is read as the original is, and a
/// second copy is the first.
#[test]
fn codes_by_which_rows_choose_stay_in_redacted_copies() {
    let copy_of = |text: &str| {
        let mut out = Vec::new();
        shipped().redact(&mut text.as_bytes(), &mut text.as_bytes(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let text = order("", &format!("{LINE}PIA+5+:IN:Per'"));
    let copy = copy_of(&text);
    assert!(copy.contains("PIA+5+:IN:xxx'"), "{copy}");
    assert_eq!(copy_of(&copy), copy);
    // So do a qualifier that a row knows, where this segment says nothing that the row takes, and the format that says why.
    let copy = copy_of(&order("", &format!("{LINE}DTM+2:202650:616'DTM+171:20261201:102'")));
    assert!(copy.contains("DTM+2:xxxxxx:616'DTM+171:xxxxxxxx:xxx'"), "{copy}");
    assert_eq!(copy_of(&copy), copy);
    // Nor does a released end of a segment cut the copy where segments end with their lines.
    let text = order("", &format!("{LINE}ALC+A+Haus?\nam See'")).replace("'\n", "\n").replace('\'', "\n");
    let copy = copy_of(&format!("UNA:+.? \n{text}"));
    assert!(copy.contains("ALC") && !copy.contains("Haus") && !copy.contains("am See"), "{copy}");
    // One more for UNA, one less for what was released.
    assert_eq!(copy.matches('\n').count(), text.matches('\n').count(), "{copy}");
}

#[test]
fn what_is_kept_is_overwritten_in_redacted_copies() {
    let text = order("NAD+OB+77::92++Haus am See'", &format!("{LINE}GIR+1+Per Olsson:AAA'"));
    let mut out = Vec::new();
    shipped().redact(&mut text.as_bytes(), &mut text.as_bytes(), &mut out).unwrap();
    let copy = String::from_utf8(out).unwrap();
    assert_eq!(copy.len(), text.len());
    for gone in ["Haus", "See", "Olsson"] {
        assert!(!copy.contains(gone), "{copy}");
    }
    assert!(copy.contains("BGM+220+N-1+9'") && copy.contains("QTY+21:5:PCE'"), "{copy}");
}

#[test]
fn a_price_of_any_kind_is_the_price_where_it_is_the_only_one() {
    for (price, expected, code) in [
        ("PRI+CAL:117:TU'", "117", json!("CAL")),
        ("PRI+INV:7.06::::PCE'", "7.06", json!("INV")),
        ("PRI+INF:3999'", "3999", json!("INF")),
        ("MOA+146:0.056:USD:9'", "0.056", Value::Null),
    ] {
        let found = line(&format!("{LINE}{price}"));
        assert_eq!(found["net_price"], expected, "{price}");
        assert_eq!(found["extra"].get("price_code").cloned().unwrap_or_default(), code, "{price}");
    }
    let foreign = refused(&order("CUX+2:EUR:9'", &format!("{LINE}PRI+AAA:7'CUX+2:SEK:9'")));
    assert!(foreign.contains("SEK") && foreign.contains("[head-contradicts]"), "{foreign}");
    let found = line(&format!("{LINE}PRI+INF:9'PRI+AAA:7'PRI+XYZ:3'"));
    assert_eq!((&found["net_price"], &found["extra"]["price_other"]), (&json!("7"), &json!("9")));
    assert_eq!(found["extra"]["unread"], "PRI+XYZ:3");
}

#[test]
fn a_date_without_a_day_is_kept_and_one_with_a_time_needs_no_other_format() {
    let found = read(&order("DTM+2:202650:616'DTM+63:1000:401'", LINE));
    assert!(found.get("requested_date").is_none(), "{found}");
    assert_eq!(found["extra"]["unread"], "DTM+2:202650:616\nDTM+63:1000:401");
    let found = read(&order("DTM+2:202612011730:102'", LINE).replace("20261120:102", "202611200815?+01:303"));
    assert_eq!((&found["requested_date"], &found["order_date"]), (&json!("2026-12-01"), &json!("2026-11-20")));
    assert_eq!(found["order_time"], "08:15:00");
    assert!(refused(&order("DTM+2:20261301:102'", LINE)).contains("\"20261301\" is not a date"));
}

#[test]
fn a_line_may_lack_its_number_and_an_article_its_type() {
    let found = read(&order("", "LIN'PIA+5+A-1:SA'QTY+21:1'LIN'PIA+5+A-2:SA'QTY+21:2'"));
    assert_eq!(found["lines"].as_array().unwrap().len(), 2);
    for (segments, field, expected) in [
        ("LIN+1++60QH'", "article_no", "60QH"),
        ("LIN+1++4012345000009:::9'", "ean", "4012345000009"),
        ("LIN+1++77:::92'", "buyer_article_no", "77"),
        ("LIN+1'PIA+1+51:::92+43:::91'", "article_no", "43"),
        ("LIN+1'PIA+1+51:::92+43:::91'", "buyer_article_no", "51"),
    ] {
        let found = line(&format!("{segments}QTY+21:1'"));
        assert_eq!(found[field], expected, "{segments}: {found}");
        assert!(found["extra"].get("unread").is_none(), "{segments}: {found}");
    }
    let found = line("LIN+1++5010101:SRS'PIA+5+A-1:SA'QTY+21:1'");
    assert_eq!(found["extra"]["unread"], "LIN+1++5010101:SRS", "a number of a type that has no place");
    let found = line("LIN+1++70-5'PIA+1+A-1:SA'QTY+1:1'");
    assert_eq!((&found["article_no"], &found["extra"]["item_no"]), (&json!("A-1"), &json!("70-5")), "both are kept");
    assert_eq!(line("LIN+1++4012345000009:EN'QTY+131:33:PCE'")["qty"], "33");
}

#[test]
fn one_party_under_the_numbers_of_two_agencies_is_one_party() {
    let found = read(&order("NAD+BY+1234::91'NAD+BY+1234::31B'NAD+SU+5678::31B'NAD+SU+900::92'", LINE));
    assert_eq!(found["customer_no"], "1234");
    assert_eq!(
        (&found["extra"]["buyer_agency"], &found["extra"]["supplier"]),
        (&json!("91, 31B"), &json!("5678, 900"))
    );
    assert!(refused(&order("NAD+BY+1234::91'NAD+BY+99::31B'", LINE)).contains("contradicts"));
}

#[test]
fn a_delivery_number_that_is_no_gln_is_a_number_all_the_same() {
    let found = read(&order("FTX+GEN+DUY:1B:28'NAD+DP+LAGER-4711-NORD::9++++Lund+:::Skåne'", LINE));
    assert_eq!((&found["delivery_state"], &found["extra"]["unread"]), (&json!("Skåne"), &json!("FTX+GEN+DUY:1B:28")));
    assert_eq!(found["extra"]["delivery_no"], "LAGER-4711-NORD");
    assert!(found.get("delivery_gln").is_none(), "{found}");
}

#[test]
fn what_a_group_repeats_in_its_end_is_no_count() {
    let text = order("", LINE).replace("UNH+1", "UNG+ORDERS'\nUNH+1");
    read(&text.replace("UNZ+1", "UNE+ORDERS'\nUNZ+1"));
    let (_, decoded) = decode(shipped(), text.replace("UNZ+1", "UNE+7'\nUNZ+1").as_bytes());
    let found = decoded.fatal.kept()[0].to_string();
    assert!(found.contains("\"UNE, element 1\": says 7 for the number of messages in the group"), "{found}");
}

#[test]
fn what_cannot_be_a_segment_is_told_once_and_by_its_place() {
    let found = refused(&order("", LINE).replace("'\nBGM", "'\n~BGM").replace("'\nDTM", "'\n~DTM"));
    let told = "line 3, \"segment 2\": \"~BGM\" stands where a segment begins; expected its three letters, like BGM";
    assert!(found.starts_with(told) && found.contains("[record-unknown]"), "{found}");
    assert_eq!(found.lines().count(), 1, "{found}");
}
