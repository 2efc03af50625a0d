//! The closed list of kinds: docs/problems.md is compared with it, and each kind is found somewhere.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use nattpost::model::problem::Kind;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_page_lists_exactly_the_kinds() {
    const BEGIN: &str =
        "<!-- printed from src/model/problem.rs; NATTPOST_WRITE_DOCS=1 cargo test --test problems -->\n";
    let path = root().join("docs/problems.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, printed) = text.split_once(BEGIN).expect("the mark stands in docs/problems.md");
    let (_, after) = printed.split_once("<!-- end -->").expect("the end mark stands in docs/problems.md");
    let mut table = String::from("| kind | about | begins | over | told after | quiet |\n|---|---|---|---|---|---|\n");
    for kind in Kind::ALL {
        let [about, begins, over] = kind.meaning();
        let (tell, quiet) = (kind.tell_after().num_minutes(), kind.quiet().num_minutes());
        let _ = writeln!(table, "| `{}` | {about} | {begins} | {over} | {tell} | {quiet} |", kind.as_str());
    }
    let wanted = format!("{before}{BEGIN}{table}<!-- end -->{after}");
    if std::env::var_os("NATTPOST_WRITE_DOCS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), wanted);
}

fn sources(folder: PathBuf, found: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(path, found);
        } else if !path.ends_with("model/problem.rs") {
            let text = fs::read_to_string(&path).unwrap_or_default();
            found.push_str(text.split("#[cfg(test)]").next().unwrap());
        }
    }
}

#[test]
fn every_kind_is_looked_for_and_has_its_words() {
    let mut code = String::new();
    sources(root().join("src"), &mut code);
    for kind in Kind::ALL {
        // Once in its sentence, once in the list of what was looked for.
        let name = format!("Kind::{kind:?}");
        let rests = code.split(&name).skip(1);
        let named = rests.filter(|rest| !rest.starts_with(char::is_alphanumeric)).count();
        assert!(named >= 2, "{kind:?} is named {named} times");
    }
}
