//! Plays a case: reads case.toml, does each step, and compares what is promised with what is there. All that is wrong with
//! a step is told at once, with what the program said.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::desk::{Desk, unescaped};

type Table = Map<String, Value>;

const STEP_KEYS: [&str; 15] = [
    "database",
    "aged_days",
    "sql",
    "drop",
    "make",
    "return",
    "correct",
    "append",
    "nobody",
    "command",
    "ends",
    "says",
    "tree",
    "rows",
    "texts",
];

pub fn play(case: &str) {
    let mut desk = Desk::new(case);
    let source = fs::read_to_string(desk.case.join("case.toml")).unwrap();
    let script = DeTable::parse(&source).unwrap_or_else(|e| panic!("{case}/case.toml: {e}"));
    let script = plain(script.get_ref());
    let about = text(&script, "about");
    for layout in list(&script, "layouts") {
        desk.lay_out(layout.as_str().unwrap());
    }
    if let Some(needs) = script.get("needs") {
        let path = shared().join(needs.as_str().unwrap());
        if !path.exists() {
            println!("skipped: {} is not there", path.display());
            return;
        }
    }
    for (index, step) in list(&script, "step").iter().enumerate() {
        let step = step.as_object().unwrap();
        for key in step.keys() {
            assert!(STEP_KEYS.contains(&key.as_str()), "{case}: no step has a key {key}");
        }
        if step.contains_key("nobody") && !desk.become_nobody() {
            return;
        }
        let (told, mut wrong) = done(&desk, step);
        wrong.extend(tables(&desk, step));
        wrong.extend(texts(&desk, step));
        wrong.extend(tree(&desk, step));
        assert!(
            wrong.is_empty(),
            "{case}: {about}\nstep {}:\n{}\n\nthe program said:\n{told}\nthe spool:\n{}",
            index + 1,
            wrong.join("\n"),
            desk.tree().join("\n")
        );
    }
}

/// The partners' samples that are no part of the project, where they are.
fn shared() -> PathBuf {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    std::env::var_os("NATTPOST_SHARED").map_or_else(beside, PathBuf::from)
}

/// What is dropped, made and moved; then the command, which is `run --once` where none is named.
fn done(desk: &Desk, step: &Table) -> (String, Vec<String>) {
    if let Some(said) = step.get("database") {
        desk.database(said.as_str().unwrap());
    }
    if let Some(days) = step.get("aged_days") {
        desk.age(days.as_i64().unwrap());
    }
    for sql in list(step, "sql") {
        desk.execute(sql.as_str().unwrap());
    }
    for drop in list(step, "drop") {
        dropped(desk, drop.as_str().unwrap());
    }
    for made in list(step, "make") {
        make(desk, made.as_object().unwrap());
    }
    if step.contains_key("return") {
        returned(desk, step);
    }
    let command = step.get("command").map_or("run --once", |c| c.as_str().unwrap());
    let asked = answered(desk, command);
    let words = words(&asked);
    let told = desk.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let mut wrong = Vec::new();
    let ends = step.get("ends").map_or(0, |e| e.as_i64().unwrap());
    if i64::from(told.code) != ends {
        wrong.push(format!("`{command}` ended with {} instead of {ends}", told.code));
    }
    let flat = flat(&told.text);
    for words in list(step, "says") {
        let words = words.as_str().unwrap();
        match words.strip_prefix("not: ") {
            Some(never) if flat.contains(never) => wrong.push(format!("said: {never}")),
            None if !flat.contains(words) => wrong.push(format!("not said: {words}")),
            _ => {}
        }
    }
    (told.text, wrong)
}

/// `file > partner/intake/` or `file > partner/intake/name`; `shared:` before a file of the partners' samples.
fn dropped(desk: &Desk, drop: &str) {
    let (file, to) = drop.split_once(" > ").unwrap_or_else(|| panic!("drop: expected FILE > INTAKE/, found {drop}"));
    let path = match file.strip_prefix("shared:") {
        Some(file) => shared().join(file),
        None => desk.case.join(file),
    };
    let content = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let (intake, name) = to.rsplit_once('/').unwrap();
    let name = if name.is_empty() { path.file_name().unwrap().to_str().unwrap() } else { name };
    desk.put(intake, &unescaped(name), &content);
}

/// What no repository can hold: links, folders, files without rights, strange names.
fn make(desk: &Desk, made: &Table) {
    let (intake, name) = (text(made, "in"), unescaped(&text(made, "name")));
    let content = made.get("content").map_or("", |c| c.as_str().unwrap());
    let target = || desk.intake(&intake).join(OsStr::from_bytes(&name));
    match text(made, "what").as_str() {
        "file" => drop(desk.put(&intake, &name, content.as_bytes())),
        "bytes" => drop(desk.put(&intake, &name, &unescaped(content))),
        "of case" => drop(desk.put(&intake, &name, &fs::read(desk.case.join(content)).unwrap())),
        "folder" => fs::create_dir(target()).unwrap(),
        "symlink" => symlink(content, target()).unwrap(),
        "unreadable" => {
            let path = desk.put(&intake, &name, content.as_bytes());
            fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
        }
        "readable" => fs::set_permissions(target(), fs::Permissions::from_mode(0o644)).unwrap(),
        "locked" => fs::set_permissions(target(), fs::Permissions::from_mode(0o555)).unwrap(),
        "unlocked" => fs::set_permissions(target(), fs::Permissions::from_mode(0o777)).unwrap(),
        other => panic!("make: no such thing: {other}"),
    }
}

/// What a person does with a reject: correct it, move it back.
fn returned(desk: &Desk, step: &Table) {
    let said = text(step, "return");
    let (from, to) = said.split_once(" > ").unwrap();
    let path = desk.find(from);
    let mut content = fs::read(&path).unwrap();
    for pair in list(step, "correct") {
        let (old, new) = pair.as_str().unwrap().split_once(" -> ").unwrap();
        let found = String::from_utf8(content).unwrap();
        assert!(found.contains(old), "{from} has no {old}:\n{found}");
        content = found.replace(old, new).into_bytes();
    }
    content.extend(step.get("append").map_or("", |rest| rest.as_str().unwrap()).as_bytes());
    fs::remove_file(&path).unwrap();
    let (intake, name) = to.rsplit_once('/').unwrap();
    let name = if name.is_empty() { path.file_name().unwrap().to_str().unwrap() } else { name };
    desk.put(intake, name.as_bytes(), &content);
}

/// `rows = [["SELECT …", "a|b", …], …]`: all rows, in their order.
fn tables(desk: &Desk, step: &Table) -> Vec<String> {
    let mut wrong = Vec::new();
    for question in list(step, "rows") {
        let mut expected: Vec<String> =
            question.as_array().unwrap().iter().map(|row| row.as_str().unwrap().to_string()).collect();
        let sql = expected.remove(0);
        let found = desk.rows(&sql);
        if found != expected {
            wrong.push(format!("{sql}\n  expected {expected:#?}\n  found {found:#?}"));
        }
    }
    wrong
}

/// `[step.texts]`, by path in the spool: a file of the case that is exactly this one, or a list of words that are, or are not, in it.
fn texts(desk: &Desk, step: &Table) -> Vec<String> {
    let mut wrong = Vec::new();
    let Some(texts) = step.get("texts") else { return wrong };
    for (path, expected) in texts.as_object().unwrap() {
        let found = fs::read(desk.find(path)).unwrap();
        let shown = String::from_utf8_lossy(&found).into_owned();
        match expected {
            Value::String(file) => {
                if found != fs::read(desk.case.join(file)).unwrap() {
                    wrong.push(format!("{path} is not {file}:\n{shown}"));
                }
            }
            words => {
                for word in words.as_array().unwrap() {
                    let word = word.as_str().unwrap();
                    match word.strip_prefix("not: ") {
                        Some(never) if flat(&shown).contains(never) => {
                            wrong.push(format!("{path} says: {never}\n{shown}"));
                        }
                        None if !flat(&shown).contains(word) => {
                            wrong.push(format!("{path} does not say: {word}\n{shown}"));
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    wrong
}

fn tree(desk: &Desk, step: &Table) -> Vec<String> {
    let Some(tree) = step.get("tree") else { return Vec::new() };
    let mut expected: Vec<String> =
        tree.as_array().unwrap().iter().map(|path| path.as_str().unwrap().to_string()).collect();
    expected.sort();
    let found = desk.tree();
    if found == expected {
        return Vec::new();
    }
    vec![format!("the spool should hold\n  {}\nand holds\n  {}", expected.join("\n  "), found.join("\n  "))]
}

/// Line breaks and blanks do not matter where words are looked for.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `show {SELECT …}`: what the question answers, an id that nobody knows before.
fn answered(desk: &Desk, command: &str) -> String {
    let Some((before, rest)) = command.split_once('{') else { return command.to_string() };
    let (sql, after) = rest.split_once('}').unwrap_or_else(|| panic!("{command}: expected a closing brace"));
    format!("{before}{}{after}", desk.rows(sql)[0])
}

/// Words of a command line; double quotes keep blanks.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    let mut words: Vec<String> = Vec::new();
    for (index, part) in parts {
        match index % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_string)),
            _ => words.push(part.to_string()),
        }
    }
    words
}

fn text(table: &Table, key: &str) -> String {
    table.get(key).and_then(Value::as_str).unwrap_or_else(|| panic!("{key} is missing")).to_string()
}

fn list<'t>(table: &'t Table, key: &str) -> &'t [Value] {
    table.get(key).map_or(&[], |list| list.as_array().unwrap_or_else(|| panic!("{key} is no list")))
}

/// TOML without its spans.
fn plain(table: &DeTable<'_>) -> Table {
    table.iter().map(|(key, value)| (key.get_ref().to_string(), plain_value(value.get_ref()))).collect()
}

fn plain_value(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => Value::from(number.as_str().parse::<i64>().unwrap()),
        DeValue::Boolean(is) => Value::from(*is),
        DeValue::Array(items) => items.iter().map(|item| plain_value(item.get_ref())).collect(),
        DeValue::Table(table) => Value::Object(plain(table)),
        other => panic!("a case has no such value: {other:?}"),
    }
}
