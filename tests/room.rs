//! Too little room on the disk: nothing is taken in, nothing is composed, it is told once, and it goes on by itself. The floor is
//! raised above any disk instead of filling one; rig 5 fills a real one.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const SHOP: &str = "name = \"Shop\"\n[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nsettle = \"rename\"\n\
                    customers = \"accept\"\narticles = \"accept\"\n[feed.all]\nlayout = \"nattpost-order-csv\"\n\
                    file_name = \"all_{run}.csv\"\npartners = [\"shop\"]\nschedule = \"0 0 1 1 *\"\n";

fn order(number: &str) -> String {
    format!(
        "nattpost;order;1\n!order;buyer_order_no;customer_no\n!line;line_no;article_no;qty\norder;{number};1001\nline;1;A1;2\n"
    )
}

/// How it ended, and all that was said.
fn run(root: &Path, words: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
    command.args(words).current_dir(root).env_remove("NATTPOST_CONFIG").stdin(Stdio::null());
    let output = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap_or(-1), said)
}

fn floor(root: &Path, floor: &str) {
    fs::write(root.join("nattpost.toml"), format!("company = \"Nordkap\"\ndisk_floor = \"{floor}\"\n")).unwrap();
}

fn drop_in(root: &Path, name: &str, text: &str) {
    let aside = root.join("aside");
    fs::write(&aside, text).unwrap();
    fs::rename(&aside, root.join("spool/in/shop/orders").join(name)).unwrap();
}

#[test]
fn below_the_floor_files_wait_and_go_on_when_there_is_room() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    fs::create_dir(root.join("partners")).unwrap();
    fs::write(root.join("partners/shop.toml"), SHOP).unwrap();
    floor(root, "off");
    assert_eq!(run(root, &["run", "--once"]).0, 0);

    // No disk has so much, so it is very low.
    floor(root, "1000000 TB");
    drop_in(root, "a.csv", &order("A-1"));
    drop_in(root, "b.csv", &order("A-2"));
    let (code, said) = run(root, &["run", "--once"]);
    assert_eq!(code, 75, "{said}");
    assert_eq!(said.matches(" disk-low ").count(), 1, "{said}");
    assert!(said.contains("nothing is taken in and no file composed") && !said.contains("file-seen"), "{said}");
    assert!(root.join("spool/in/shop/orders/a.csv").exists() && root.join("spool/in/shop/orders/b.csv").exists());
    let (code, said) = run(root, &["status"]);
    assert!(code == 0 && said.contains("The disk of the spool has only"), "{said}");

    floor(root, "off");
    let (code, said) = run(root, &["run", "--once"]);
    assert!(code == 0 && said.matches("file-accepted").count() == 2 && !said.contains(" disk-"), "{said}");
}

#[test]
fn one_file_that_does_not_fit_waits_with_those_behind_it_and_no_others() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    fs::create_dir(root.join("partners")).unwrap();
    fs::write(root.join("partners/shop.toml"), SHOP).unwrap();
    fs::write(root.join("partners/other.toml"), SHOP.replace("shop", "other")).unwrap();
    floor(root, "1 kB");
    assert_eq!(run(root, &["run", "--once"]).0, 0);
    // Larger than any disk, and without a byte on one.
    let large = fs::File::create(root.join("aside")).unwrap();
    if large.set_len(8_000_000_000_000).is_err() {
        println!("skipped: the file system holds no file of so many bytes");
        return;
    }
    fs::rename(root.join("aside"), root.join("spool/in/shop/orders/1-large.csv")).unwrap();
    drop_in(root, "2.csv", &order("A-1"));
    fs::write(root.join("aside"), order("B-1")).unwrap();
    fs::rename(root.join("aside"), root.join("spool/in/other/orders/b.csv")).unwrap();
    let (code, said) = run(root, &["run", "--once"]);
    assert_eq!(code, 75, "{said}");
    assert!(said.contains("1-large.csv of shop/orders has 8000.0 GB") && said.contains("it waits"), "{said}");
    assert_eq!(said.matches(" disk-low ").count(), 1, "{said}");
    assert_eq!(said.matches(" file-accepted ").count(), 1, "{said}");
    assert!(root.join("spool/in/shop/orders/2.csv").exists());
    fs::remove_file(root.join("spool/in/shop/orders/1-large.csv")).unwrap();
    let (code, said) = run(root, &["run", "--once"]);
    assert!(code == 0 && said.matches(" file-accepted ").count() == 1, "{said}");
}
