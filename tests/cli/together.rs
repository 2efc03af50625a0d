//! `decode`, `layout try`, `layout test` and `layout doc` on files that are one arrival.

use std::fs;

use crate::desk::Desk;

const LAYOUT: &str = include_str!("../cases/431-heads-and-lines-in-two-files/config/layouts/desk-pair.toml");
const SHOP: &str = "name = \"Desk\"\n[intake.orders]\nlayouts = [\"desk-pair\"]\nsettle = \"rename\"\n\
                    companion = [\"ORDHDR_{no}.csv\", \"ORDLIN_{no}.csv\"]\n";

fn desk() -> Desk {
    let desk = Desk::new();
    fs::write(desk.root().join("layouts/desk-pair.toml"), LAYOUT).unwrap();
    fs::write(desk.root().join("partners/desk.toml"), SHOP).unwrap();
    fs::write(desk.root().join("ORDHDR_7.csv"), "Order;Customer\nP-1;1001\nP-2;1001\n").unwrap();
    fs::write(desk.root().join("ORDLIN_7.csv"), "Order;Pos;Article;Qty\nP-1;1;X1;2\nP-2;1;X2;x\n").unwrap();
    desk
}

#[test]
fn a_pair_is_read_as_its_intake_reads_it_by_one_of_its_names_or_by_both() {
    let desk = desk();
    let other = desk.root().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("ORDHDR_8.csv"), "Order;Customer\nP-8;1001\n").unwrap();
    fs::write(desk.root().join("ORDLIN_8.csv"), "Order;Pos;Article;Qty\nP-8;1;X1;2\n").unwrap();
    let layout = ["--layout", "desk-pair"];
    for files in [&["ORDHDR_7.csv"][..], &["ORDLIN_7.csv"], &["ORDLIN_7.csv", "ORDHDR_7.csv"]] {
        let told = desk.run(&[&["decode"], files, &layout].concat());
        assert_eq!(told.code, 65, "{files:?}: {}", told.err);
        assert_eq!(told.out.lines().count(), 1, "{files:?}: {}", told.out);
        let order: serde_json::Value = serde_json::from_str(told.out.trim()).unwrap();
        assert_eq!((&order["buyer_order_no"], &order["lines"][0]["article_no"]), (&"P-1".into(), &"X1".into()));
        assert!(told.err.contains("ORDLIN_7.csv, line 3") && told.err.contains("quantity-invalid"), "{}", told.err);
    }
    // In two folders, both named.
    let both = desk.well(&["decode", "other/ORDHDR_8.csv", "ORDLIN_8.csv", "--layout", "desk-pair"]);
    assert!(both.contains("P-8"), "{both}");
    let tried = desk.run(&["layout", "try", "ORDHDR_7.csv", "--layout", "desk-pair"]);
    assert!(tried.out.contains("ORDHDR_7.csv and ORDLIN_7.csv: 1 message read, 1 refused"), "{}", tried.out);
    // One that is missing, and an archive of both.
    let lone = desk.run(&["decode", "other/ORDHDR_8.csv", "--layout", "desk-pair"]);
    assert!(lone.code == 65 && lone.err.contains("companion-missing"), "{}", lone.err);
    assert!(lone.err.contains("came without ORDLIN_8.csv"), "{}", lone.err);
    let misnamed = desk.run(&["decode", "nattpost.toml", "--layout", "desk-pair"]);
    assert!(misnamed.err.contains("file-name-invalid"), "{}", misnamed.err);
}

#[test]
fn without_an_intake_the_command_line_says_what_belongs_together() {
    let desk = desk();
    fs::remove_file(desk.root().join("partners/desk.toml")).unwrap();
    let untold = desk.run(&["decode", "ORDHDR_7.csv", "--layout", "desk-pair"]);
    assert_eq!(untold.code, 64, "{}", untold.err);
    assert!(untold.err.contains("reads the rows of 2 files as one") && untold.err.contains("--companion"));
    let said = ["--companion", "ORDHDR_{no}.csv", "--companion", "ORDLIN_{no}.csv"];
    let told = desk.run(&[&["decode", "ORDHDR_7.csv", "--layout", "layouts/desk-pair.toml"][..], &said].concat());
    assert!(told.code == 65 && told.out.contains("P-1"), "{}", told.err);
    let wrong = desk.run(&["decode", "ORDHDR_7.csv", "--layout", "desk-pair", "--companion", "{no}.csv"]);
    assert!(wrong.code == 64 && wrong.err.contains("2 to 9 patterns"), "{}", wrong.err);
}

#[test]
fn a_pair_is_one_sample_of_its_layout() {
    let desk = desk();
    let samples = desk.root().join("layouts/desk-pair.samples");
    fs::create_dir(&samples).unwrap();
    for name in ["ORDHDR_7.csv", "ORDLIN_7.csv"] {
        fs::copy(desk.root().join(name), samples.join(name)).unwrap();
    }
    let blessed = desk.well(&["layout", "test", "desk-pair", "--bless"]);
    assert!(blessed.contains("ORDHDR_7.csv  read: what was found is expected from now on"), "{blessed}");
    let expected = fs::read_to_string(samples.join("ORDHDR_7.csv.expected.json")).unwrap();
    assert!(expected.contains("P-1") && expected.contains("quantity-invalid"), "{expected}");
    assert!(!samples.join("ORDLIN_7.csv.expected.json").exists());
    assert!(desk.well(&["layout", "test", "desk-pair"]).contains("1 sample: all as expected"));
    desk.well(&["check"]);
    let doc = desk.well(&["layout", "doc", "desk-pair"]);
    assert!(doc.contains("X1"), "examples come from both: {doc}");
    // What changes in the half that gives it no name is seen.
    fs::write(samples.join("ORDLIN_7.csv"), "Order;Pos;Article;Qty\nP-1;1;X1;3\nP-2;1;X2;x\n").unwrap();
    let told = desk.run(&["layout", "test", "desk-pair"]);
    assert!(told.code == 65 && told.out.contains("1 difference"), "{}", told.out);
    assert_eq!(desk.run(&["check"]).code, 78);
}
