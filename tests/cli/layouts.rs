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

const SHOP: &str = "layout = \"shop\"\ntitle = \"Shop\"\nkind = \"order\"\nsyntax = \"delimited\"\n[delimited]\n[[record]]\nname = \"line\"\n\
    opens = \"lines\"\ngroup_by = [\"No\"]\nfields = [\n  [\"No\", \"buyer_order_no\"],\n  [\"Sku\", \"lines.article_no\"],\n  [\"Qty\", \"lines.qty\", \"required\"],\n]\n";

/// A desk with the layout of a shop and two samples, one of them bad in its third line.
fn shop() -> Desk {
    let desk = Desk::new();
    fs::write(desk.root().join("layouts/shop.toml"), SHOP).unwrap();
    let samples = desk.root().join("layouts/shop.samples");
    fs::create_dir(&samples).unwrap();
    fs::write(samples.join("good.csv"), "No;Sku;Qty\nB-1;4711;2\n").unwrap();
    fs::write(samples.join("bad.csv"), "No;Sku;Qty\nB-1;4711;2\nB-2;4711;2x\n").unwrap();
    desk
}

#[test]
fn samples_beside_a_layout_are_looked_at_then_blessed_then_kept() {
    let desk = shop();
    let samples = desk.root().join("layouts/shop.samples");
    let first = desk.well(&["layout", "test", "shop"]);
    assert_eq!(first.matches("nothing says what it must become").count(), 2, "{first}");
    let blessed = desk.well(&["layout", "test", "--bless"]);
    assert_eq!(blessed.matches("expected from now on").count(), 2, "{blessed}");
    let expected: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(samples.join("bad.csv.expected.json")).unwrap()).unwrap();
    let refused = serde_json::json!([{ "code": "quantity-invalid", "line": 3, "field": "Qty" }]);
    assert_eq!(
        (&expected["messages"][1]["refused"], &expected["messages"][0]["lines"][0]["qty"]),
        (&refused, &"2".into())
    );
    assert!(desk.well(&["layout", "test", "shop"]).contains("2 samples: all as expected."));
    desk.well(&["check"]);

    // The layout becomes another one: a value and a refusal differ, and are told by where they stand.
    let implied = SHOP.replace("\"required\"]", "\"implied=1 required\"]");
    fs::write(desk.root().join("layouts/shop.toml"), implied).unwrap();
    let differs = desk.run(&["layout", "test", "layouts/shop.toml"]);
    assert_eq!(differs.code, 65);
    let row = differs.out.lines().find(|line| line.contains("messages[1].lines[1].qty")).unwrap_or_default();
    assert_eq!(row.split_whitespace().skip(1).collect::<Vec<_>>(), ["2", "0.2"], "{}", differs.out);
    let check = desk.run(&["check"]);
    assert_eq!(check.code, 78);
    assert!(
        check.out.contains("shop.samples/good.csv") && check.out.contains("\"0.2\"; expected \"2\""),
        "{}",
        check.out
    );
    desk.well(&["check", "--quiet"]);
    let object = desk.run(&["--json", "layout", "test", "shop"]).out;
    let object: serde_json::Value = serde_json::from_str(object.lines().next().unwrap()).unwrap();
    assert_eq!((&object["sample"], &object["state"]), (&"bad.csv".into(), &"differs".into()));
}

#[test]
fn what_is_written_is_held_against_its_sample() {
    let desk = shop();
    let samples = desk.root().join("layouts/shop.samples");
    fs::remove_file(samples.join("bad.csv")).unwrap();
    let message = r#"{"buyer_order_no":"B-1","lines":[{"line_no":1,"article_no":"4711","qty":"2"}]}"#;
    fs::write(samples.join("good.csv.messages.jsonl"), message).unwrap();
    desk.well(&["layout", "test", "shop"]);
    fs::write(samples.join("good.csv"), "No;Sku;Qty\nB-1;4711;3\n").unwrap();
    let differs = desk.run(&["layout", "test", "shop"]);
    assert_eq!(differs.code, 65);
    assert!(differs.out.contains("line 2, byte 10"), "{}", differs.out);
    desk.well(&["layout", "test", "shop", "--bless"]);
    assert_eq!(fs::read_to_string(samples.join("good.csv")).unwrap(), "No;Sku;Qty\nB-1;4711;2\n");
}

#[test]
fn a_trial_shows_the_line_that_is_wrong() {
    let desk = shop();
    let told = desk.run(&["layout", "try", "layouts/shop.samples/bad.csv", "--layout", "shop"]);
    assert_eq!(told.code, 65);
    assert!(told.out.contains("    ! line 3, \"Qty\"") && told.out.contains("      3 | B-2;4711;2x\n"), "{}", told.out);
}

#[test]
fn a_variant_of_a_layout_is_one_of_its_own() {
    let desk = shop();
    fs::remove_dir_all(desk.root().join("layouts/shop.samples")).unwrap();
    let nord = "layout = \"nord\"\nextends = \"shop\"\n[[record]]\nname = \"line\"\nfields = [[\"Menge\", \"lines.qty\", \"decimal point=, required\"]]\n";
    fs::write(desk.root().join("layouts/nord.toml"), nord).unwrap();
    fs::write(desk.root().join("a.csv"), "No;Sku;Menge\nB-1;4711;2,5\n").unwrap();
    for name in ["nord", "layouts/nord.toml"] {
        let line = desk.well(&["decode", "a.csv", "--layout", name]);
        assert!(line.contains("\"qty\":\"2.5\""), "{line}");
    }
    fs::write(desk.root().join("layouts/nord.toml"), nord.replace("lines.qty", "lines.qtty")).unwrap();
    let check = desk.run(&["check"]);
    assert!(check.out.contains("layouts/nord.toml, line 5") && check.out.contains("\"lines.qty\"?"), "{}", check.out);
}

#[test]
fn a_guess_is_a_layout_that_nobody_applies_unseen() {
    let desk = shop();
    let sample = "Bestellnr;Artikelnummer;Menge\nB-1;4711;2,5\nB-1;4712;1,0\n";
    fs::write(desk.root().join("bestellung-7.csv"), sample).unwrap();
    let text = desk.well(&["layout", "guess", "bestellung-7.csv"]);
    for expected in
        ["layout = \"bestellung\"", "delimiter = \";\"", "\"buyer_order_no\"", "decimal point=, required", " %"]
    {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    let file = desk.root().join("layouts/bestellung.toml");
    fs::write(&file, &text).unwrap();
    let line = desk.well(&["decode", "bestellung-7.csv", "--layout", "layouts/bestellung.toml"]);
    assert!(line.contains("\"qty\":\"2.5\""), "{line}");
    let check = desk.run(&["check"]);
    assert_eq!(check.code, 78);
    assert!(
        check.out.contains("layouts/bestellung.toml, line 2") && check.out.contains("\"guessed\""),
        "{}",
        check.out
    );
    let looked_at: String =
        text.lines().filter(|line| !line.starts_with("guessed")).map(|line| format!("{line}\n")).collect();
    fs::write(&file, looked_at).unwrap();
    desk.well(&["check", "--quiet"]);

    let object = desk.object(&["layout", "guess", "bestellung-7.csv", "--kind", "order", "--id", "x"]);
    assert_eq!((&object["syntax"]["is"], &object["kind"]["sure"]), (&"delimited".into(), &100.into()));
    fs::write(desk.root().join("a.pdf"), "%PDF-1.7\n").unwrap();
    let refused = desk.run(&["layout", "guess", "a.pdf"]);
    assert_eq!(refused.code, 65);
    assert!(refused.err.contains("a.pdf: the sample is a PDF document"), "{}", refused.err);
    let unknown = desk.run(&["layout", "guess", "bestellung-7.csv", "--kind", "ordr"]);
    assert!(unknown.code == 66 && unknown.err.contains("Did you mean \"order\"?"), "{}", unknown.err);
}

#[test]
fn a_layout_is_told_to_a_partner_with_examples_of_a_sample() {
    let desk = shop();
    let text = desk.well(&["layout", "doc", "shop"]);
    for expected in [
        "# Shop",
        "| delimiter | ; |",
        "rows with the same No are one order",
        "| Qty |",
        "| 2 |",
        "| yes |",
        "Example: bad.csv",
        "    B-1;4711;2",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    let page =
        desk.well(&["layout", "doc", "layouts/shop.toml", "--html", "--sample", "layouts/shop.samples/good.csv"]);
    assert!(
        page.starts_with("<!doctype html>") && page.contains("<td>4711</td>") && page.contains("Example: good.csv"),
        "{page}"
    );
    assert!(!page.contains("<link") && !page.contains("<script") && !page.contains("src="), "{page}");
    let object = desk.object(&["layout", "doc", "nattpost-stock-csv"]);
    assert_eq!((&object["layout"], &object["sample"]), (&"nattpost-stock-csv".into(), &serde_json::Value::Null));
}

#[test]
fn two_layouts_are_compared_field_by_field() {
    let desk = shop();
    let other = SHOP.replace("\"required\"]", "\"decimal point=,\"]").replace("[\"Sku\"", "[\"Artikel\"");
    fs::write(desk.root().join("other.toml"), other).unwrap();
    let told = desk.well(&["layout", "diff", "shop", "./other.toml"]);
    let rows: Vec<String> = told.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for row in [
        "line Sku place Sku Artikel",
        "line Qty form number number, with \",\" before the decimals",
        "line Qty required yes no",
        "3 differences.",
    ] {
        assert!(rows.iter().any(|found| found == row), "{row} in {told}");
    }
    assert!(desk.well(&["layout", "diff", "shop", "layouts/shop.toml"]).contains("say the same"));
    let object = desk.object(&["layout", "diff", "shop", "./other.toml"]);
    assert_eq!(
        (&object["differences"][0]["what"], &object["differences"][0]["other"]),
        (&"place".into(), &"Artikel".into())
    );
}
