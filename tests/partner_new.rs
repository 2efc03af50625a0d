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
