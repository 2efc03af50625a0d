//! `decode`, `layout try` and `check` by the real binary on the own samples.

use std::fs;
use std::path::{Path, PathBuf};

use crate::desk::Desk;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/own").join(name)
}

#[test]
fn decode_prints_a_line_per_message_and_needs_no_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_nattpost"))
            .args(words)
            .current_dir(folder.path())
            .env_remove("NATTPOST_CONFIG")
            .output()
            .unwrap();
        crate::desk::told(output)
    };
    let xml = run(&["decode", sample("order.xml").to_str().unwrap(), "--layout", "nattpost-order-xml"]);
    assert_eq!((xml.code, xml.err.as_str()), (0, ""));
    let first: serde_json::Value = serde_json::from_str(xml.out.lines().next().unwrap()).unwrap();
    assert!(first["buyer_order_no"].is_string() && first["lines"][0]["qty"].is_string(), "{first}");
    let csv = run(&["decode", sample("order.csv").to_str().unwrap(), "--layout", "nattpost-order-csv"]);
    let numbers = |text: &str| -> Vec<String> {
        let number = |line| serde_json::from_str::<serde_json::Value>(line).unwrap()["buyer_order_no"].to_string();
        text.lines().map(number).collect()
    };
    assert_eq!(numbers(&csv.out), numbers(&xml.out));

    let unknown = run(&["decode", sample("order.xml").to_str().unwrap(), "--layout", "nattpost-order-xlm"]);
    assert_eq!(unknown.code, 66);
    assert!(unknown.err.contains("Did you mean \"nattpost-order-xml\"?"), "{}", unknown.err);
    let nothing = run(&["decode", "nothing.xml", "--layout", "nattpost-order-xml"]);
    assert_eq!(nothing.code, 66);
    assert!(nothing.err.contains("cannot read nothing.xml"), "{}", nothing.err);
}

/// The own sample with one quantity spoilt.
fn spoilt(desk: &Desk) -> PathBuf {
    let text = fs::read_to_string(sample("order.xml")).unwrap();
    let path = desk.root().join("spoilt.xml");
    let at = text.find("<qty>").unwrap() + 5;
    let end = at + text[at..].find('<').unwrap();
    fs::write(&path, format!("{}2,5x{}", &text[..at], &text[end..])).unwrap();
    path
}

#[test]
fn what_is_refused_is_told_with_its_place_and_code() {
    let desk = Desk::new();
    let path = spoilt(&desk);
    let path = path.to_str().unwrap();
    let told = desk.run(&["decode", path, "--layout", "nattpost-order-xml"]);
    assert_eq!(told.code, 65);
    assert!(
        told.err.contains("\"2,5x\"") && told.err.contains("line ") && told.err.contains("[quantity-invalid]"),
        "{}",
        told.err
    );
    assert!(told.err.contains("1 of "), "{}", told.err);
    assert!(!told.out.is_empty(), "the good orders are printed");
    let problem = desk.run(&["--json", "decode", path, "--layout", "nattpost-order-xml"]);
    let object: serde_json::Value = serde_json::from_str(problem.err.lines().next().unwrap()).unwrap();
    assert_eq!(object["code"], "quantity-invalid");

    let trial = desk.run(&["layout", "try", path, "--layout", "nattpost-order-xml"]);
    assert_eq!(trial.code, 65);
    for expected in [
        "! order 1 at line",
        "[quantity-invalid]",
        "our field",
        "buyer_order_no",
        "1 refused with layout nattpost-order-xml",
        "1 x quantity-invalid",
    ] {
        assert!(trial.out.contains(expected), "{expected} in {}", trial.out);
    }
}

#[test]
fn a_sites_layout_is_named_by_id_or_path() {
    let desk = Desk::new();
    fs::write(desk.root().join("two.csv"), "B-1;K-1\nB-2;K-2\n").unwrap();
    let by_path = desk.run(&["decode", "two.csv", "--layout", "layouts/dealer-orders.toml"]);
    let by_id = desk.run(&["decode", "two.csv", "--layout", "dealer-orders"]);
    // Orders need lines, which this layout does not have: every one is refused, by both names alike.
    assert_eq!((by_path.code, by_path.err), (65, by_id.err));
    fs::write(desk.root().join("broken.toml"), "layout = 1\n").unwrap();
    let broken = desk.run(&["decode", "two.csv", "--layout", "./broken.toml"]);
    assert_eq!(broken.code, 78);
    assert!(broken.err.contains("broken.toml, line 1"), "{}", broken.err);
}

#[test]
fn check_tells_what_each_layout_can_do_or_all_that_is_wrong() {
    let desk = Desk::new();
    let well = desk.well(&["check"]);
    for expected in ["nattpost.toml is well: 1 partner, 1 intake, 0 feeds", "nattpost-stock-csv", "dealer-orders"] {
        assert!(well.contains(expected), "{expected} in {well}");
    }
    fs::write(
        desk.root().join("partners/shop.toml"),
        "name = \"Shop\"\n[intake.orders]\nlayouts = [\"nattpost-order-xml\"]\nsettel = \"rename\"\n",
    )
    .unwrap();
    let bad = desk.run(&["check"]);
    assert_eq!(bad.code, 78);
    assert!(
        bad.out.contains("partners/shop.toml, line 4") && bad.out.contains("Did you mean \"settle\"?"),
        "{}",
        bad.out
    );
    let object = desk.run(&["--json", "check"]);
    let object: serde_json::Value = serde_json::from_str(&object.out).unwrap();
    assert_eq!((&object["well"], &object["problems"][0]["line"]), (&false.into(), &4.into()));
    assert_eq!(desk.run(&["status"]).code, 78, "nothing else works on a wrong configuration");
}

/// What is said in the lines: rows have every column, so in them what was not there comes back empty.
fn said(lines: &str) -> Vec<serde_json::Value> {
    fn without_empty(value: serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Object(object) => {
                object.into_iter().filter(|(_, v)| v != "").map(|(name, v)| (name, without_empty(v))).collect()
            }
            serde_json::Value::Array(list) => list.into_iter().map(without_empty).collect(),
            other => other,
        }
    }
    lines.lines().map(|line| without_empty(serde_json::from_str(line).unwrap())).collect()
}

#[test]
fn what_decode_prints_encode_writes_and_decode_reads_again() {
    let desk = Desk::new();
    for (from, to) in [("xml", "csv"), ("csv", "xml"), ("xml", "xml"), ("csv", "csv")] {
        let sent = sample(&format!("order.{from}"));
        let (from, to) = (format!("nattpost-order-{from}"), format!("nattpost-order-{to}"));
        let lines = desk.well(&["decode", sent.to_str().unwrap(), "--layout", &from]);
        fs::write(desk.root().join("lines"), &lines).unwrap();
        let written = desk.well(&["encode", "lines", "--layout", &to]);
        fs::write(desk.root().join("written"), written).unwrap();
        let again = desk.well(&["decode", "written", "--layout", &to]);
        assert_eq!(again.lines().count(), lines.lines().count(), "{from} to {to}");
        assert_eq!(said(&again), said(&lines), "{from} to {to}");
    }
    fs::write(
        desk.root().join("lines"),
        "{\"article_no\":\"A\",\"qty\":\"1\"}\n{\"article_no\":\"B\",\"qtty\":\"1\"}\n",
    )
    .unwrap();
    let wrong = desk.run(&["encode", "lines", "--layout", "nattpost-stock-csv"]);
    assert_eq!(wrong.code, 65);
    assert!(wrong.err.contains("lines, line 2, \"qtty\"") && wrong.err.contains("not complete"), "{}", wrong.err);
}
