//! README.md keeps its word: its configuration is well, its links lead somewhere, its commands exist.

use std::fs;
use std::path::Path;
use std::process::Command;

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

fn nattpost(folder: &Path, words: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
    let output = command.args(words).current_dir(folder).env_remove("NATTPOST_CONFIG").output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8(told).unwrap())
}

/// The blocks of a language, each with the line before it.
fn blocks(text: &str, language: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (before, after) in
        text.match_indices(&format!("```{language}\n")).map(|(at, mark)| (&text[..at], &text[at + mark.len()..]))
    {
        let title = before.trim_end().lines().last().unwrap_or_default().to_string();
        found.push((title, after.split("```").next().unwrap_or_default().to_string()));
    }
    found
}

#[test]
fn the_first_configuration_takes_an_order() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    fs::create_dir(folder.join("partners")).unwrap();
    let files = blocks(&readme(), "toml");
    assert_eq!(files.len(), 2);
    for (title, content) in files {
        let name = title.split('`').nth(1).unwrap().to_string();
        fs::write(folder.join(name), content).unwrap();
    }
    let (code, told) = nattpost(folder, &["check"]);
    assert_eq!(code, 0, "{told}");
    let order = "<orders version=\"1\"><order><buyer_order_no>1</buyer_order_no><customer_no>7</customer_no><lines><line>\
                 <article_no>A</article_no><qty>2</qty><unit>ST</unit></line></lines></order></orders>";
    fs::create_dir_all(folder.join("spool/in/shop/orders")).unwrap();
    fs::write(folder.join("spool/in/shop/orders/orders-1107.xml"), order).unwrap();
    let (code, told) = nattpost(folder, &["run", "--once"]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("file-accepted") && told.contains("accepted=1"), "{told}");
    let (code, told) = nattpost(folder, &["explain", "orders-1107.xml"]);
    assert!(code == 0 && told.contains("1 accepted"), "{told}");
}

#[test]
fn links_and_commands_lead_somewhere() {
    let text = readme();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut links = 0;
    for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap_or_default()) {
        assert!(root.join(link).exists(), "README.md links to {link}, which is not there");
        links += 1;
    }
    assert!(links >= 8, "{links}");
    let (_, help) = nattpost(root, &["--help"]);
    for word in ["explain", "show", "find", "retry", "ignore", "check", "run", "status", "demo", "layout"] {
        assert!(text.contains(word) && help.contains(&format!("\n  {word} ")), "{word}\n{help}");
    }
    assert!(root.join("tests/run").exists());
}
