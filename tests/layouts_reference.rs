//! docs/layouts/reference.md against the program, in both directions: every key of every table with the words it may be, every
//! form, every control. What the one knows and the other lacks fails here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::form::{OPTIONS, TYPES};
use nattpost::model::layout::plan::CONTROLS;
use nattpost::model::layout::{OWN_KEYS, keys_of_layouts, read_layout};

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/layouts/reference.md")).unwrap()
}

/// The rows of the tables below a heading that begin with these words, cells without the bars between them.
fn rows(page: &str, heading: &str, head: &str) -> Vec<Vec<String>> {
    let (_, below) = page.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    let section = below.split("\n## ").next().unwrap();
    let mut lines = section.lines().skip_while(|line| !line.starts_with(&format!("| {head} |")));
    lines.next().unwrap_or_else(|| panic!("no table {head} below {heading}"));
    let cells = |line: &str| -> Vec<String> {
        let line = line.replace("\\|", "\u{1}");
        line.trim_matches('|').split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect()
    };
    lines.skip(1).take_while(|line| line.starts_with('|')).map(cells).collect()
}

/// What stands in code quotes.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_string).collect()
}

fn head(syntax: &str) -> String {
    format!(
        "layout = \"x\"\ntitle = \"x\"\nkind = \"order\"\nsyntax = \"{syntax}\"\n[lookup.a]\n[file_name]\n[{syntax}]\n[[record]]\n"
    )
}

/// Table, key and words as the readers of layouts ask for them.
fn known() -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let mut tables: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for syntax in ["delimited", "fixed", "tagged", "xml", "edifact", "xlsx"] {
        for asked in keys_of_layouts(&head(syntax), shipped_kinds()) {
            // What is asked for below a lookup are names.
            if asked.table.starts_with("lookup") {
                continue;
            }
            let table = asked.table.replace("[1]", "");
            tables.entry(table).or_default().entry(asked.key).or_default().extend(asked.words);
        }
    }
    for table in ["", "record"] {
        let keys = tables.get_mut(table).unwrap();
        OWN_KEYS.iter().filter(|key| table.is_empty() || **key != "extends").for_each(|key| {
            keys.entry(key.to_string()).or_default();
        });
    }
    tables
}

#[test]
fn every_key_and_word_of_every_table_stands_there_and_no_other() {
    let page = page();
    let known = known();
    let headings: BTreeMap<&str, &str> = [
        ("", "The file"),
        ("record", "[[record]]"),
        ("file_name", "[file_name]"),
        ("delimited", "[delimited]"),
        ("fixed", "[fixed]"),
        ("tagged", "[tagged]"),
        ("xml", "[xml]"),
        ("edifact", "[edifact]"),
        ("xlsx", "[xlsx]"),
    ]
    .into();
    assert_eq!(known.keys().map(String::as_str).collect::<Vec<_>>(), headings.keys().copied().collect::<Vec<_>>());
    let mut compared = 0;
    for (table, keys) in &known {
        let told = rows(&page, headings[table.as_str()], "key");
        let told: BTreeMap<String, &Vec<String>> = told.iter().map(|row| (quoted(&row[0])[0].clone(), row)).collect();
        let (of_page, of_code): (BTreeSet<_>, BTreeSet<_>) = (told.keys().collect(), keys.keys().collect());
        assert_eq!(of_page, of_code, "the page on the left, the program on the right, in [{table}]");
        for (key, words) in keys.iter().filter(|(_, words)| !words.is_empty()) {
            let of_page: BTreeSet<String> = quoted(&told[key][1]).into_iter().collect();
            assert_eq!(of_page, *words, "the page on the left, the program on the right: [{table}] {key}");
            compared += 1;
        }
    }
    assert!(compared > 20, "{compared}");
}

#[test]
fn every_option_of_forms_stands_there_is_known_and_is_read_as_it_is_shown() {
    let page = page();
    let told = rows(&page, "Forms", "option");
    let shown: Vec<String> = told.iter().flat_map(|row| quoted(&row[0])).collect();
    let names: BTreeSet<&str> = shown.iter().map(|option| option.split('=').next().unwrap()).collect();
    assert_eq!(names, OPTIONS.into_iter().collect(), "the page on the left, the program on the right");
    for option in &shown {
        // Of words that exclude each other each is tried alone.
        let alternatives: Vec<String> = match option.split_once('=') {
            Some((key @ ("sign" | "round"), words)) => words.split('|').map(|word| format!("{key}={word}")).collect(),
            _ => vec![option.clone()],
        };
        for option in alternatives {
            assert!(is_read(&option), "{option} is not read with any field");
        }
    }
    let types = page.split_once("## Forms\n").unwrap().1.split("\n\n").next().unwrap();
    TYPES.iter().for_each(|name| assert!(types.contains(&format!("`{name}`")), "{name} is not told"));
    assert_eq!(quoted(types.split(". A text field").next().unwrap()).len(), TYPES.len());
}

fn is_read(option: &str) -> bool {
    let fields = ["reference", "lines.net_price", "allow_backorder", "order_date"];
    fields.iter().any(|field| {
        let text = head("delimited").replace("[lookup.a]", "[lookup.TABLE]\nA = \"B\"").replace(
            "[[record]]",
            &format!("columns = \"positions\"\n[[record]]\nopens = \"lines\"\ngroup_by = [\"2\"]\nfields = [[\"2\", \"buyer_order_no\"], [\"1\", \"{field}\", \"{option}\"]]"),
        );
        read_layout("x", &text.replace("[file_name]\n", ""), shipped_kinds()).is_ok()
    })
}

#[test]
fn every_part_of_a_pattern_is_one() {
    let parts: Vec<String> =
        rows(&page(), "Forms", "part").iter().flat_map(|row| [quoted(&row[0]), quoted(&row[1])].concat()).collect();
    let parts: Vec<&String> = parts.iter().filter(|part| part.starts_with('%')).collect();
    assert!(parts.len() > 14, "{parts:?}");
    for part in parts {
        assert!(is_read(&format!("date '%d {part}'")), "{part}");
    }
}

#[test]
fn every_control_stands_there_and_no_other() {
    let shown: Vec<String> = rows(&page(), "Field rows: `[place, ours, form, partner's name]`", "control")
        .iter()
        .flat_map(|row| quoted(&row[0]))
        .collect();
    let names: BTreeSet<&str> = shown.iter().map(|control| control.split('(').next().unwrap()).collect();
    assert_eq!(names, CONTROLS.into_iter().collect(), "the page on the left, the program on the right");
}

#[test]
fn the_layouts_of_the_manual_are_layouts() {
    let page = page();
    let blocks: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let whole: Vec<&&str> = blocks.iter().filter(|block| block.starts_with("layout = \"shop-orders\"")).collect();
    assert_eq!(whole.len(), 1);
    read_layout("docs/layouts/reference.md", whole[0], shipped_kinds()).unwrap_or_else(|p| panic!("{p:#?}"));
    let entrance = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/layouts.md")).unwrap();
    assert!(entrance.contains(whole[0]), "docs/layouts.md shows another example than the reference");
}

/// `file::function` below tests/, or a folder.
fn is_there(shown: &str) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    match shown.split_once("::") {
        Some((file, function)) => std::fs::read_to_string(root.join(format!("tests/{file}.rs")))
            .is_ok_and(|text| text.contains(&format!("fn {function}("))),
        None => root.join(shown).is_dir(),
    }
}

#[test]
fn what_shows_a_capability_exists() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/layouts/capabilities.md");
    let page = std::fs::read_to_string(file).unwrap();
    let rows: Vec<&str> =
        page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| **")).skip(1).collect();
    assert!(rows.len() > 50, "{}", rows.len());
    for row in rows {
        let shown = quoted(row.trim_end_matches('|').rsplit('|').next().unwrap());
        assert!(!shown.is_empty(), "nothing shows: {row}");
        shown.iter().for_each(|shown| assert!(is_there(shown), "{shown} is not there: {row}"));
    }
}
