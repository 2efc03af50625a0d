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

/// What the owner's list asks for by file: stated and implied features of a wholesaler's customers and of a shop with its ERP, and
/// what everybody expects.
const ASKED: [&str; 51] = [
    "J01", "J02", "J03", "J04", "J05", "J06", "J07", "J08", "J09", "J10", "J11", "J12", "J13", "J14", "J15", "J16",
    "J17", "J18", "J19", "J20", "J21", "U01", "U02", "U03", "U04", "U05", "U06", "U07", "U08", "U09", "U10", "U11",
    "U15", "U16", "U17", "U18", "X01", "X02", "X03", "X04", "X05", "X06", "X07", "X08", "X09", "X10", "X11", "X12",
    "X13", "X14", "X15",
];
/// What no story shows. A list that only gets shorter.
const NOT_YET: [&str; 0] = [];
/// Users of a portal and logins come with pages over HTTP.
const NEXT: [&str; 5] = ["J01", "J10", "U05", "U06", "U07"];

/// The rows of the table of ids: id, and what stands in its last column.
fn shown_by() -> Vec<(String, String)> {
    let text = readme();
    let (_, table) = text.split_once("| id | what | shown by |\n").expect("README.md has the table of ids");
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(cells.len(), 3, "{row}");
        (cells[0].to_string(), cells[2].to_string())
    })
    .collect()
}

/// Ids in the sentence that tells a story.
fn ids_of(about: &str) -> Vec<String> {
    let words = about.split(|c: char| !c.is_ascii_alphanumeric());
    let is_id = |word: &&str| {
        word.len() == 3 && word.starts_with(['J', 'U', 'X']) && word[1..].bytes().all(|b| b.is_ascii_digit())
    };
    words.filter(is_id).map(str::to_string).collect()
}

#[test]
fn each_feature_names_its_stories_and_each_story_its_features() {
    let rows = shown_by();
    assert_eq!(rows.iter().map(|(id, _)| &id[..]).collect::<Vec<_>>(), ASKED);
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut told = Vec::new();
    for entry in fs::read_dir(&cases).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Ok(story) = fs::read_to_string(cases.join(&name).join("case.toml")) else { continue };
        let about = story.lines().find(|line| line.starts_with("about")).unwrap_or_default();
        told.extend(ids_of(about).into_iter().map(|id| (id, name.clone())));
    }
    let mut wrong = Vec::new();
    for (id, cell) in &rows {
        let named: Vec<&str> = cell.split("](tests/cases/").skip(1).filter_map(|rest| rest.split(')').next()).collect();
        for name in named.iter().filter(|name| !told.contains(&(id.clone(), name.to_string()))) {
            wrong.push(format!("{name} does not say that it shows {id}"));
        }
        for (_, name) in told.iter().filter(|(told, name)| told == id && !named.contains(&&name[..])) {
            wrong.push(format!("{name} shows {id}, and the row of {id} does not name it"));
        }
        let is_next = cell.contains("next: ");
        if is_next != NEXT.contains(&&id[..]) {
            wrong.push(format!("{id}: \"next\" stands where it should not, or is missing: {cell}"));
        }
        if (named.is_empty() && !is_next) != NOT_YET.contains(&&id[..]) {
            wrong.push(format!("{id}: {cell}, and the list of what is not there yet says otherwise"));
        }
    }
    wrong.extend(
        told.iter().filter(|(id, _)| !ASKED.contains(&&id[..])).map(|(id, name)| format!("{name}: no feature {id}")),
    );
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
