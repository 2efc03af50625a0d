//! `partner new`: a partner of the configuration or a template becomes another's file; what could not be in force is not put
//! where a reload reads it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

fn run(root: &Path, words: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
    command.args(words).current_dir(root).env_remove("NATTPOST_CONFIG").stdin(Stdio::null());
    let output = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), said)
}

const SHOP: &str = "name = \"Shop\"\ncustomers = [\"10042\"]\n[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\n";
const REMOTE: &str = "[remote.drop]\nkind = \"folder\"\npath = \"/usr\"\n[intake.prices]\nlayouts = [\"nattpost-price-csv\"]\nfrom = \"drop:/prices\"\n";

#[test]
fn a_new_partner_has_what_is_not_the_others_alone() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    fs::create_dir(root.join("partners")).unwrap();
    fs::write(root.join("nattpost.toml"), "company = \"Nordkap\"\n").unwrap();
    fs::write(root.join("partners/shop.toml"), SHOP).unwrap();

    let (code, said) = run(root, &["partner", "new", "shop-2", "--from", "shop", "--name", "Second \"shop\""]);
    assert!(code == Some(0) && said.contains("partners/shop-2.toml is made"), "{said}");
    let made = fs::read_to_string(root.join("partners/shop-2.toml")).unwrap();
    // Nothing of his is applied before somebody has looked at it.
    let (mode, rest) = made.split_once("mode = \"test\"").unwrap();
    let made = format!("{mode}{}", rest.split_once('\n').unwrap().1);
    assert_eq!(made, SHOP.replace("\"Shop\"", "\"Second \\\"shop\\\"\"").replace("customers", "#customers"));
    assert_eq!(run(root, &["check"]).0, Some(0));

    for (words, ends, told) in [
        (&["partner", "new", "shop", "--from", "shop"][..], 64, "is there already"),
        (&["partner", "new", "Shop 3", "--from", "shop"], 64, "cannot be the name of a folder"),
        (&["partner", "new", "shop-3", "--from", "shap"], 66, "Did you mean \"shop\"?"),
    ] {
        let (code, said) = run(root, words);
        assert!(code == Some(ends) && said.contains(told), "{words:?}: {code:?} {said}");
    }

    // Its server is the other's: without one the intake cannot be in force.
    fs::write(root.join("partners/shop.toml"), format!("{SHOP}{REMOTE}")).unwrap();
    let (code, said) = run(root, &["partner", "new", "shop-4", "--from", "shop"]);
    assert!(code == Some(78) && said.contains("shop-4.toml.new is made") && said.contains("drop"), "{said}");
    assert!(!root.join("partners/shop-4.toml").exists());
    let made = fs::read_to_string(root.join("partners/shop-4.toml.new")).unwrap();
    assert!(made.contains("#path = \"/usr\"") && !made.contains("\npath"), "{made}");
    assert_eq!(run(root, &["check"]).0, Some(0));
}

/// A partner with all that nobody may take over.
const FULL: &str = r#"# Not of this partner.
name = "Dealer"
mode = "live"
customers = ["10042"]

[remote.ftp]
kind = "ftp"
host = "ftp.dealer.example"
user = "anna"
password = "file:/etc/nattpost/credentials/dealer"

[intake.orders]
layouts = ["nattpost-order-csv"]
from = "ftp:/out"

[intake.more]
layouts = ["nattpost-order-csv"]

[feed.stock]
layout = "nattpost-stock-csv"
file_name = "stock_{run}.csv"
"#;

fn site() -> tempfile::TempDir {
    let scratch = tempfile::tempdir().unwrap();
    for folder in ["partners", "templates"] {
        fs::create_dir(scratch.path().join(folder)).unwrap();
    }
    fs::write(scratch.path().join("nattpost.toml"), "company = \"Nordkap\"\n").unwrap();
    fs::write(scratch.path().join("partners/dealer.toml"), FULL).unwrap();
    let template = "# Sends orders. No more.\nname = \"Any\"\n[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\n";
    fs::write(scratch.path().join("templates/small.toml"), template).unwrap();
    fs::write(scratch.path().join("templates/erp.toml"), template.replace("Sends", "Ours")).unwrap();
    scratch
}

#[test]
fn templates_and_partners_are_listed_each_with_what_it_is() {
    let site = site();
    let list = ["partner", "templates", "--templates", "templates"];
    let (code, said) = run(site.path(), &list);
    assert_eq!(code, Some(0), "{said}");
    let rows: Vec<String> = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        rows[..5],
        [
            "name whose what it is",
            "erp folder Ours orders.",
            "small folder Sends orders.",
            "webshop program A web shop: sends orders, gets stock and the status of its orders.",
            "dealer partner Dealer: takes in orders, more; sends stock",
        ]
    );
    let (code, said) = run(site.path(), &[&list[..], &["--json"]].concat());
    let objects: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, objects.len()), (Some(0), 4), "{said}");
    assert_eq!((&objects[3]["name"], &objects[3]["whose"]), (&"dealer".into(), &"partner".into()));

    // Without the folder there are those of the program.
    let (code, said) = run(site.path(), &["partner", "templates", "--templates", "nowhere"]);
    assert!(code == Some(0) && said.contains("erp      program") && !said.contains("small"), "{said}");
    fs::write(site.path().join("templates/bad.toml"), [0xff]).unwrap();
    let (code, said) = run(site.path(), &list);
    assert!(code == Some(78) && said.contains("bad.toml") && said.contains("is not UTF-8"), "{said}");
}

#[test]
fn a_template_of_the_folder_goes_before_ours_and_a_partner_before_both() {
    let site = site();
    let new =
        |id: &str, from: &str| run(site.path(), &["partner", "new", id, "--from", from, "--templates", "templates"]);
    let made = |id: &str| fs::read_to_string(site.path().join(format!("partners/{id}.toml"))).unwrap();
    fs::remove_file(site.path().join("partners/dealer.toml")).unwrap();
    assert_eq!(new("one", "erp").0, Some(0));
    assert!(made("one").starts_with("# Ours orders."), "{}", made("one"));
    assert_eq!(run(site.path(), &["check"]).0, Some(0), "what is made from a template is well");
    fs::copy(site.path().join("partners/one.toml"), site.path().join("partners/small.toml")).unwrap();
    assert_eq!(new("two", "small").0, Some(0));
    assert!(made("two").starts_with("# Ours orders."), "{}", made("two"));

    let (code, said) = new("three", "smal");
    assert!(code == Some(66) && said.contains("Did you mean \"small\"?"), "{said}");
    assert!(!site.path().join("partners/three.toml").exists());
    let (code, said) = new("../small", "small");
    assert!(code == Some(64), "{said}");
    let (code, said) = new("four", "../templates/small");
    assert!(code == Some(66), "no path leads to a template: {said}");
}

/// Nor customers, nor what he is called, nor that his files are in earnest.
#[test]
fn servers_and_secrets_of_another_are_never_taken_over() {
    let site = site();
    let (code, said) = run(site.path(), &["partner", "new", "second", "--from", "dealer"]);
    assert!(code == Some(78) && said.contains("second.toml.new is made") && said.contains("ftp"), "{said}");
    let made = fs::read_to_string(site.path().join("partners/second.toml.new")).unwrap();
    let said: Vec<&str> = made.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let said = said.join("\n");
    for kept_out in ["Dealer", "10042", "ftp.dealer.example", "anna", "credentials", "password", "[remote"] {
        assert!(!said.contains(kept_out), "{kept_out} stands in\n{made}");
    }
    assert!(said.starts_with("name = \"second\"\nmode = \"test\"") && said.contains("[feed.stock]"), "{made}");

    // What is missing is filled in by a person, and then it is well.
    let filled = made.replace("from = \"ftp:/out\"\n", "");
    fs::remove_file(site.path().join("partners/second.toml.new")).unwrap();
    fs::write(site.path().join("partners/second.toml"), filled).unwrap();
    fs::remove_file(site.path().join("partners/dealer.toml")).unwrap();
    let (code, said) = run(site.path(), &["check"]);
    assert_eq!(code, Some(0), "{said}");
}

/// An editor's mark before the first key hides neither his name nor that his files are in earnest.
#[test]
fn a_mark_before_the_first_key_takes_nothing_over() {
    let site = site();
    let text = "\u{feff}name = \"Marked\"\nmode = \"live\"\n[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\n";
    fs::write(site.path().join("partners/marked.toml"), text).unwrap();
    fs::remove_file(site.path().join("partners/dealer.toml")).unwrap();
    let (code, said) = run(site.path(), &["partner", "new", "second", "--from", "marked"]);
    let made = fs::read_to_string(site.path().join("partners/second.toml")).unwrap_or_default();
    assert!(code == Some(0) && made.starts_with("name = \"second\"\nmode = \"test\""), "{said}\n{made}");
    assert!(!made.contains("Marked") && !made.contains("live\"\n"), "{made}");
}

/// All that is wrong with what a template of ours makes is that servers are still to be named, and a calendar of the company.
#[test]
fn what_the_shipped_templates_make_lacks_nothing_but_servers() {
    let site = site();
    for name in ["erp", "webshop"] {
        let new = ["partner", "new", name, "--from", name, "--templates", "nowhere", "--json"];
        let (code, said) = run(site.path(), &new);
        let made: serde_json::Value = serde_json::from_str(said.trim()).unwrap();
        let problems: Vec<&str> = made["problems"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
        assert_eq!(code, Some(78), "{problems:?}");
        let of_server =
            |problem: &&str| problem.contains("there is no remote") || problem.contains("\"company\" is neither");
        assert!(!problems.is_empty() && problems.iter().all(of_server), "{name}: {problems:#?}");
    }
}
