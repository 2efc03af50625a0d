//! The house rules as a test: layers, lengths, names, and that ARCHITECTURE.md names functions that exist.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

const LINES_MAX: usize = 600;
const FUNCTION_MAX: usize = 70;
/// Nine functions of ten stay below this.
const FUNCTION_P90: usize = 40;
const ARCHITECTURE_MAX: usize = 250;
const SAYS_NOTHING: [&str; 10] =
    ["manager", "handler", "util", "utils", "helper", "common", "misc", "base", "core", "service"];

struct Source {
    path: PathBuf,
    /// Below src/, with slashes.
    name: String,
    /// Without the tests at its end.
    lines: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    let mut open = vec![root().join("src")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let lines = text
                    .lines()
                    .take_while(|l| !l.trim_start().starts_with("#[cfg(test)]"))
                    .map(String::from)
                    .collect();
                let name = path.strip_prefix(root().join("src")).unwrap().to_string_lossy().replace('\\', "/");
                found.push(Source { path, name, lines });
            }
        }
    }
    assert!(found.len() > 50, "the sources were not found");
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn layer(name: &str) -> &str {
    name.split(['/', '.']).next().unwrap()
}

/// `crate::edges::store` in a line of code → ("edges", "store").
fn imports(line: &str) -> Vec<(String, String)> {
    let code = line.split("//").next().unwrap();
    code.match_indices("crate::")
        .filter(|(at, _)| !code[..*at].ends_with("pub(in "))
        .map(|(at, _)| {
            let mut parts =
                code[at + 7..].split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|p| !p.is_empty());
            (parts.next().unwrap_or_default().to_string(), parts.next().unwrap_or_default().to_string())
        })
        .collect()
}

#[test]
fn imports_go_down_only() {
    let order = ["main", "cli", "daemon", "config", "flows", "edges", "model"];
    let rank = |layer: &str| order.iter().position(|l| *l == layer);
    let mut wrong = Vec::new();
    for source in sources() {
        let own = layer(&source.name);
        for (number, line) in source.lines.iter().enumerate() {
            for (to, what) in imports(line) {
                let (Some(from_rank), Some(to_rank)) = (rank(own), rank(&to)) else { continue };
                let own_edge = source.name.split(['/', '.']).nth(1).unwrap_or_default();
                let among_edges = own == "edges" && to == "edges" && what != own_edge && what != "fault";
                if to_rank < from_rank || among_edges {
                    wrong.push(format!("{}:{}: {}", source.name, number + 1, line.trim()));
                }
                let (from_in, to_in) = (source.name.starts_with("flows/inbound"), what == "inbound");
                let (from_out, to_out) = (source.name.starts_with("flows/outbound"), what == "outbound");
                if to == "flows" && (from_in && to_out || from_out && to_in) {
                    wrong.push(format!("{}:{}: the two ways meet in the ledger only", source.name, number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn sql_stays_in_the_store_and_exit_codes_in_main() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (number, line) in source.lines.iter().enumerate() {
            let code = line.trim_start();
            if code.starts_with("//") {
                continue;
            }
            let sql = ["SELECT ", "INSERT INTO ", "DELETE FROM ", "PRAGMA "].iter().any(|word| code.contains(word));
            if sql && !source.name.starts_with("edges/store") {
                wrong.push(format!("{}:{}: SQL outside the store: {code}", source.name, number + 1));
            }
            if code.contains("process::exit") && source.name != "main.rs" && source.name != "edges/fault.rs" {
                wrong.push(format!("{}:{}: an exit code outside main: {code}", source.name, number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_are_short_named_for_a_noun_and_say_what_they_are() {
    let mut wrong = Vec::new();
    for source in sources() {
        if source.lines.len() > LINES_MAX {
            wrong.push(format!("{} has {} lines, at most {LINES_MAX}", source.name, source.lines.len()));
        }
        if !source.lines.first().is_some_and(|l| l.starts_with("//!")) {
            wrong.push(format!("{} does not say what it is", source.name));
        }
        let stem = source.path.file_stem().unwrap().to_string_lossy();
        if SAYS_NOTHING.contains(&stem.trim_end_matches('s')) || SAYS_NOTHING.contains(&&*stem) {
            wrong.push(format!("{}: the name says nothing", source.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Lengths of functions as rustfmt lays them out: from `fn` to the brace at the same indent.
fn functions(source: &Source) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (start, line) in source.lines.iter().enumerate() {
        let code = line.trim_start();
        let is_function = ["fn ", "pub fn ", "pub(super) fn ", "pub(crate) fn ", "const fn ", "unsafe fn "]
            .iter()
            .any(|word| code.starts_with(word));
        if !is_function || code.ends_with(';') || code.ends_with('}') {
            continue;
        }
        let indent = line.len() - code.len();
        let end = format!("{}}}", " ".repeat(indent));
        if let Some(length) = source.lines[start..].iter().position(|l| *l == end) {
            found.push((format!("{}: {}", source.name, code), length + 1));
        }
    }
    found
}

#[test]
fn functions_are_short() {
    let all: Vec<(String, usize)> = sources().iter().flat_map(functions).collect();
    assert!(all.len() > 500, "only {} functions were found", all.len());
    let long: Vec<_> = all.iter().filter(|(_, length)| *length > FUNCTION_MAX).collect();
    assert!(long.is_empty(), "longer than {FUNCTION_MAX} lines: {long:#?}");
    let mut lengths: Vec<usize> = all.iter().map(|(_, length)| *length).collect();
    lengths.sort_unstable();
    let p90 = lengths[lengths.len() * 9 / 10];
    assert!(p90 <= FUNCTION_P90, "nine of ten functions are to stay within {FUNCTION_P90} lines; now it is {p90}");
}

/// The two walkthroughs name functions as `file::function`; each has to be there.
#[test]
fn the_walkthroughs_name_what_exists() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    assert!(text.lines().count() <= ARCHITECTURE_MAX, "ARCHITECTURE.md is to be read in one sitting");
    let sources = sources();
    let mut checked = 0;
    for named in text.split('`').skip(1).step_by(2).filter(|named| named.contains("::") && named.contains(".rs::")) {
        let (file, function) = named.split_once("::").unwrap();
        let source =
            sources.iter().find(|s| s.name == file).unwrap_or_else(|| panic!("{named}: there is no src/{file}"));
        let is_there = source.lines.iter().any(|line| {
            ["fn ", "struct ", "enum ", "trait "].iter().any(|word| {
                line.split(word).skip(1).any(|rest| {
                    rest.strip_prefix(function).is_some_and(|after| after.starts_with(['(', '<', ' ', '{', ';']))
                })
            })
        });
        assert!(is_there, "{named}: src/{file} has nothing of that name");
        checked += 1;
    }
    assert!(checked >= 30, "the walkthroughs name only {checked} functions");
}

/// A word that nobody ever says is a promise to whoever writes alarms.
#[test]
fn every_event_and_key_of_the_log_is_told_somewhere() {
    use nattpost::edges::events::{Event, Key};
    let sources = sources();
    let all: HashSet<&str> = sources
        .iter()
        .filter(|source| !source.name.ends_with("vocabulary.rs"))
        .flat_map(|source| &source.lines)
        .flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != ':'))
        .collect();
    let events = Event::ALL.iter().map(|event| format!("Event::{event:?}"));
    let keys = Key::ALL.iter().map(|key| format!("Key::{key:?}"));
    let silent: Vec<String> = events.chain(keys).filter(|word| !all.contains(&**word)).collect();
    assert!(silent.is_empty(), "never told: {silent:?}");
}

#[test]
fn nothing_is_left_unfinished_or_silenced() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (number, line) in source.lines.iter().enumerate() {
            let bad = ["todo!(", "unimplemented!(", "FIXME", "XXX", "allow(dead_code", "allow(unused", ".unwrap()"];
            if bad.iter().any(|word| line.contains(word)) && !line.trim_start().starts_with("//") {
                wrong.push(format!("{}:{}: {}", source.name, number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The library that speaks FTP writes what it sends, passwords too, to whatever logger there is. There is none, and none is to come.
#[test]
fn nobody_listens_to_what_libraries_log() {
    let own = ["Cargo.toml"].map(|name| fs::read_to_string(root().join(name)).unwrap());
    let all = own.into_iter().chain(sources().into_iter().map(|source| source.lines.join("\n")));
    for text in all {
        for word in ["set_logger", "set_boxed_logger", "tracing", "env_logger", "\"no-log\""] {
            assert!(!text.contains(word), "{word}");
        }
    }
}

/// Cargo builds tests with the features that any of their own dependencies asks for: a test may pass with what the program
/// that people run does not have.
#[test]
fn the_program_has_the_features_that_its_tests_have() {
    let tree = |edges: &str| -> BTreeMap<String, String> {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_string());
        let words = ["tree", "--offline", "--depth", "1", "--prefix", "none", "-f", "{p}|{f}", "-e", edges];
        let output = std::process::Command::new(cargo).args(words).current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8(output.stdout).unwrap();
        lines
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once('|'))
            .map(|(p, f)| (p.to_string(), f.replace(" (*)", "")))
            .collect()
    };
    let (alone, tested) = (tree("normal"), tree("normal,dev"));
    assert!(alone.len() > 20, "{alone:?}");
    // What a generator of random tests asks of it is a trait that we do not use.
    for (package, features) in alone.iter().filter(|(package, _)| !package.starts_with("getrandom ")) {
        assert_eq!(Some(features), tested.get(package), "{package}: name its features in Cargo.toml");
    }
}
