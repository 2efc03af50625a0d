//! Every layout that stands in samples/layouts has samples of our own beside it, with what they must become, and they do: so that whoever
//! takes one for his own has what `layout test` and `check` run. And a partner's own words and zone, where he is named.

use std::fs;
use std::path::{Path, PathBuf};

use crate::desk::Desk;

fn layouts() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/layouts");
    let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    let mut layouts: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    layouts.sort();
    layouts
}

#[test]
fn every_sample_layout_has_samples_that_become_what_is_expected() {
    let desk = Desk::new();
    let all = layouts();
    assert!(all.len() > 20, "{}", all.len());
    for layout in all {
        let told = desk.run(&["--json", "layout", "test", layout.to_str().unwrap()]);
        let states: Vec<serde_json::Value> = told.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(told.code == 0 && !states.is_empty(), "{}: {}{}", layout.display(), told.out, told.err);
        for state in states {
            assert_eq!(state["state"], "well", "{}: {state}", layout.display());
        }
    }
}

/// As a site has them: `check` looks at them all.
#[test]
fn check_finds_a_sample_that_is_not_as_expected() {
    let desk = Desk::new();
    for layout in layouts() {
        let folder = layout.parent().unwrap();
        let name = format!(
            "{}-{}",
            folder.file_name().unwrap().to_string_lossy(),
            layout.file_stem().unwrap().to_string_lossy()
        );
        let beside =
            if layout.ends_with("layout.toml") { folder.to_path_buf() } else { layout.with_extension("samples") };
        fs::copy(&layout, desk.root().join(format!("layouts/{name}.toml"))).unwrap();
        let samples = desk.root().join(format!("layouts/{name}.samples"));
        fs::create_dir(&samples).unwrap();
        for file in fs::read_dir(beside).unwrap().map(|entry| entry.unwrap().path()) {
            if file.is_file() && file.extension().is_none_or(|e| e != "toml") {
                fs::copy(&file, samples.join(file.file_name().unwrap())).unwrap();
            }
        }
    }
    desk.well(&["check"]);
    let sample = desk.root().join("layouts/yardstick-stock.samples/stock.csv");
    let text = fs::read_to_string(&sample).unwrap();
    fs::write(&sample, text.replace("K-310;12", "K-310;13")).unwrap();
    let told = desk.run(&["check"]);
    assert_eq!(told.code, 78);
    assert!(told.out.contains("messages[1].qty is \"13\"; expected \"12\""), "{}{}", told.out, told.err);
}

#[test]
fn a_sample_in_the_folder_of_a_layout_is_blessed_and_nothing_else_is() {
    let desk = Desk::new();
    let folder = desk.root().join("stock");
    fs::create_dir(&folder).unwrap();
    let layout = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/layouts/yardstick/stock.toml");
    fs::copy(layout, folder.join("layout.toml")).unwrap();
    fs::write(folder.join("README"), "what this is").unwrap();
    let none = desk.well(&["layout", "test", "stock/layout.toml", "--bless"]);
    assert!(none.contains("No samples in stock.") && none.contains("as sample.csv"), "{none}");
    fs::write(folder.join("sample.csv"), "article_no;qty;price_cents;available_from\nK-1;2;;\n").unwrap();
    let looked = desk.well(&["layout", "test", "stock/layout.toml"]);
    assert!(looked.contains("nothing says what it must become"), "{looked}");
    desk.well(&["layout", "test", "stock/layout.toml", "--bless"]);
    assert!(folder.join("sample.csv.expected.json").exists() && !folder.join("README.expected.json").exists());
    assert!(desk.well(&["layout", "test", "stock/layout.toml"]).contains("1 sample: all as expected."));
}

#[test]
fn a_partner_who_is_named_brings_his_words_and_his_zone() {
    let desk = Desk::new();
    let layout = "layout = \"wares\"\ntitle = \"Wares\"\nkind = \"order_status\"\nsyntax = \"delimited\"\n[lookup.state]\nS = \"shipped\"\n\
                  [delimited]\n[[record]]\nfields = [[\"No\", \"buyer_order_no\", \"required\"], [\"State\", \"status\", \"lookup=state required\"], \
                  [\"At\", \"status_at\", \"instant '%Y-%m-%d %H:%M'\"]]\n";
    fs::write(desk.root().join("layouts/wares.toml"), layout).unwrap();
    fs::write(
        desk.root().join("partners/nord.toml"),
        "name = \"Nord\"\nzone = \"America/New_York\"\n[tables.state]\nWEG = \"shipped\"\n[intake.status]\nlayouts = [\"wares\"]\n",
    )
    .unwrap();
    fs::write(desk.root().join("a.csv"), "No;State;At\nB-1;WEG;2026-03-02 08:00\n").unwrap();
    for layout in ["wares", "layouts/wares.toml"] {
        assert_eq!(desk.run(&["decode", "a.csv", "--layout", layout]).code, 65);
        let line = desk.well(&["decode", "a.csv", "--layout", layout, "--partner", "nord"]);
        let order: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&order["status"], &order["status_at"]), (&"shipped".into(), &"2026-03-02T13:00:00Z".into()));
        let trial = desk.well(&["layout", "try", "a.csv", "--layout", layout, "--partner", "nord"]);
        assert!(trial.contains("2026-03-02T13:00:00Z"), "{trial}");
        fs::write(desk.root().join("lines"), &line).unwrap();
        let written = desk.well(&["encode", "lines", "--layout", layout, "--partner", "nord"]);
        assert!(written.contains("2026-03-02 08:00"), "{written}");
    }
    let unknown = desk.run(&["decode", "a.csv", "--layout", "wares", "--partner", "nrd"]);
    assert!(unknown.code == 66 && unknown.err.contains("Did you mean \"nord\"?"), "{}", unknown.err);
    let unknown = desk.run(&["decode", "a.csv", "--layout", "ware", "--partner", "nord"]);
    assert!(unknown.code == 66 && unknown.err.contains("wares"), "{}", unknown.err);
}
