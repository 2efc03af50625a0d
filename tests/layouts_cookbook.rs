//! docs/layouts/cookbook.md keeps its word: each fragment is a layout, reads what is shown as is shown, and writes it.

use std::path::Path;
use std::process::Command;

use nattpost::model::batch::Batch;
use nattpost::model::json::{read_line, to_json};
use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::own::shipped_texts;
use nattpost::model::layout::together;
use nattpost::model::layout::{DecodeContext, Decoded, EncodeContext, Extendable, Layout, read_extended};
use nattpost::model::rules::companions::Companions;
use nattpost::model::syntax::encoding::Encoding;
use serde_json::{Value, json};

mod decoding;
mod sheets;

use decoding::{Found, decode_named};
use sheets::{Book, archive, row};

/// A block of code below an entry: its language, the words behind it, its text.
struct Block {
    words: Vec<String>,
    text: String,
}

impl Block {
    fn is(&self, word: &str) -> bool {
        self.words.iter().skip(1).any(|w| w == word)
    }

    /// Input and output: marks for blanks and tabs, the encoding, line ends.
    fn bytes(&self) -> Vec<u8> {
        let mut text = self.text.replace('·', " ").replace('→', "\t");
        if self.is("joined") {
            text = text.replace('\n', "");
        }
        if self.is("crlf") {
            text = text.replace('\n', "\r\n");
        }
        if self.is("sheet") {
            let rows =
                text.lines().enumerate().map(|(at, line)| row(at as u32 + 1, &line.split(';').collect::<Vec<_>>()));
            return Book::of(&rows.collect::<String>()).bytes();
        }
        let encoding = self.words.iter().skip(1).find(|word| word.starts_with("cp"));
        let mut bytes = match encoding {
            Some(name) => encoded(&text, name),
            None => text.into_bytes(),
        };
        if self.is("bom") {
            bytes.splice(0..0, [0xef, 0xbb, 0xbf]);
        }
        bytes
    }

    fn name(&self) -> &str {
        self.words.iter().find_map(|word| word.strip_prefix("name=")).unwrap_or("orders.csv")
    }
}

fn encoded(text: &str, name: &str) -> Vec<u8> {
    let encoding = Encoding::named(name).unwrap();
    let mut bytes = Vec::new();
    encoding.encode(text, &mut bytes).unwrap();
    bytes
}

struct Entry {
    title: String,
    blocks: Vec<Block>,
}

fn entries() -> (String, Vec<Entry>) {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/layouts/cookbook.md")).unwrap();
    let (head, _) = page.split_once("\n### ").unwrap();
    let frame = blocks(head).into_iter().find(|block| block.is("frame")).unwrap().text;
    let sections = page.split("\n### ").skip(1);
    let entry = |text: &str| Entry { title: text.lines().next().unwrap().to_string(), blocks: blocks(text) };
    (frame, sections.map(entry).collect())
}

fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let text = body.iter().map(|line| format!("{line}\n")).collect();
        found.push(Block { words: info.split(' ').map(str::to_string).collect(), text });
    }
    found
}

/// A fragment with the lines that it leaves out.
fn whole(fragment: &str) -> String {
    let has = |key: &str| fragment.lines().any(|line| line.starts_with(&format!("{key} =")));
    let extends = has("extends");
    let table =
        ["fixed", "tagged", "xml", "edifact"].into_iter().find(|name| fragment.contains(&format!("[{name}]\n")));
    let syntax = table.unwrap_or("delimited").to_string();
    let mut text = String::new();
    for (key, value) in [("layout", "example"), ("title", "Example"), ("kind", "order"), ("syntax", &syntax)] {
        if !has(key) && (!extends || key == "layout") {
            text += &format!("{key} = \"{value}\"\n");
        }
    }
    text + fragment
}

fn read(title: &str, fragment: &str, bases: &[Extendable]) -> Layout {
    let text = whole(fragment);
    let others: Vec<Extendable> = bases.iter().cloned().chain(shipped_texts()).collect();
    match read_extended("example.toml", &text, shipped_kinds(), &others) {
        Ok((layout, _)) => layout,
        Err(problems) => panic!("{title}: {problems:#?}\n{text}"),
    }
}

/// Everything that is expected is there; `null` is nothing.
fn holds(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => expected.iter().all(|(key, value)| match found.get(key) {
            None => value.is_null(),
            Some(there) => holds(value, there),
        }),
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len() && expected.iter().zip(found).all(|(e, f)| holds(e, f))
        }
        _ => expected == found,
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"))).collect()
}

/// Several files that are one arrival, as they are kept.
fn together(layout: &Layout, files: &[&Block]) -> (Found, Decoded) {
    let pattern =
        |block: &&Block| block.words.iter().find_map(|word| word.strip_prefix("companion=")).unwrap().to_string();
    let patterns: Vec<String> = files.iter().map(pattern).collect();
    let companions = Companions::parse(&patterns, std::time::Duration::from_secs(60)).unwrap();
    let bytes: Vec<(&str, Vec<u8>)> = files.iter().map(|block| (block.name(), block.bytes())).collect();
    let members: Vec<(&str, &[u8])> = bytes.iter().map(|(name, bytes)| (*name, &bytes[..])).collect();
    let context = DecodeContext { file_name: "a.zip", zone: chrono_tz::Europe::Berlin, spill: &decoding::spill };
    let (mut found, mut input) = (Found::default(), std::io::Cursor::new(archive(&members)));
    let decoded = together::decode(layout, &companions, &mut input, &context, &mut found).unwrap();
    (found, decoded)
}

/// What a file becomes, as the page tells it: messages and refused ones in the order of the file, else why it is none.
fn becomes(layout: &Layout, files: &[&Block]) -> (Vec<Value>, Vec<Value>) {
    let (found, decoded) = match files {
        [only] => decode_named(layout, &only.bytes(), only.name()),
        several => together(layout, several),
    };
    if !decoded.fatal.is_empty() {
        let codes: Vec<&str> = decoded.fatal.kept().iter().map(|problem| problem.code).collect();
        return (vec![json!({ "refused_file": codes })], Vec::new());
    }
    let mut all: Vec<(u64, Value)> = Vec::new();
    let mut whole = Vec::new();
    for message in found.messages() {
        all.push((message.origin().number, to_json(message)));
        whole.push(to_json(message));
    }
    for refused in &found.refused {
        let codes: Vec<&str> = refused.problems.iter().map(|problem| problem.code).collect();
        all.push((refused.number, json!({ "refused": codes })));
    }
    all.sort_by_key(|(number, _)| *number);
    (all.into_iter().map(|(_, value)| value).collect(), whole)
}

fn written(title: &str, layout: &Layout, messages: &[Value]) -> Vec<u8> {
    let mut batch = Batch::new(layout.kind.clone());
    for (at, message) in messages.iter().enumerate() {
        read_line(&message.to_string(), at as u32 + 1, at as u64 + 1, &mut batch)
            .unwrap_or_else(|why| panic!("{title}: {why:?}"));
    }
    let mut bytes = Vec::new();
    let context = EncodeContext { zone: chrono_tz::Europe::Berlin };
    let mut encoder = layout.encoder(context, &mut bytes).unwrap_or_else(|why| panic!("{title}: {why:?}"));
    encoder.write(&batch).and_then(|()| encoder.finish()).unwrap_or_else(|why| panic!("{title}: {why:?}"));
    bytes
}

fn same_bytes(title: &str, found: &[u8], expected: &[u8]) {
    assert_eq!(String::from_utf8_lossy(found), String::from_utf8_lossy(expected), "{title}: what is written");
    assert_eq!(found, expected, "{title}");
}

/// Runs the blocks of an entry in their order; how many things were shown.
fn run(frame: &str, entry: &Entry) -> usize {
    let title = entry.title.as_str();
    let (mut layout, mut bases, mut shown) = (None, Vec::new(), 0);
    let mut blocks = entry.blocks.iter();
    while let Some(block) = blocks.next() {
        match block.words[0].as_str() {
            "toml" if block.is("base") => bases.push(Extendable::new("base.toml", &whole(&block.text))),
            "toml" if block.is("partner") => {
                check(title, &block.text);
                shown += 1;
            }
            "toml" if block.is("rows") => {
                let rows = frame.trim_end().strip_suffix(']').unwrap();
                layout = Some(read(title, &format!("{rows}{}]\n", block.text), &bases));
            }
            "toml" => layout = Some(read(title, &block.text, &bases)),
            "json" if block.is("from") => {
                let out = blocks.next().unwrap_or_else(|| panic!("{title}: nothing is written"));
                assert!(out.is("out"), "{title}: expected what is written");
                let found = written(title, layout.as_ref().unwrap(), &lines(&block.text));
                same_bytes(title, &found, &out.bytes());
                shown += 1;
            }
            _ => {
                let (mut files, mut next) = (vec![block], blocks.next());
                while let Some(beside) = next.filter(|beside| beside.is("and")) {
                    files.push(beside);
                    next = blocks.next();
                }
                let told = next.filter(|told| told.is("becomes"));
                let told = told.unwrap_or_else(|| panic!("{title}: nothing is said of what it becomes"));
                assert!(block.is("in") || block.is("both"), "{title}: {:?}", block.words);
                let layout = layout.as_ref().unwrap();
                let (found, messages) = becomes(layout, &files);
                let expected = lines(&told.text);
                let right = expected.len() == found.len() && expected.iter().zip(&found).all(|(e, f)| holds(e, f));
                assert!(right, "{title}:\nshown {expected:#?}\nfound {found:#?}");
                if block.is("both") {
                    same_bytes(title, &written(title, layout, &messages), &block.bytes());
                }
                shown += 1;
            }
        }
    }
    shown
}

/// The file of a partner is one that the program takes.
fn check(title: &str, text: &str) {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    for name in ["partners", "box"] {
        std::fs::create_dir(folder.join(name)).unwrap();
    }
    std::fs::write(
        folder.join("nattpost.toml"),
        "company = \"Example\"\nzone = \"Europe/Berlin\"\nspool = \"spool\"\n",
    )
    .unwrap();
    std::fs::write(folder.join("partners/example.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
    let output = command.arg("check").current_dir(folder).env_remove("NATTPOST_CONFIG").output().unwrap();
    assert!(
        output.status.success(),
        "{title}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn every_entry_of_the_cookbook_is_so() {
    let (frame, entries) = entries();
    let mut shown = 0;
    let mut wrong = Vec::new();
    for entry in &entries {
        match std::panic::catch_unwind(|| run(&frame, entry)) {
            // A heading alone may point to a section.
            Ok(count) if count > 0 || entry.title == "XML" => shown += count,
            Ok(_) => wrong.push(format!("{}: shows nothing", entry.title)),
            Err(_) => wrong.push(entry.title.clone()),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(entries.len() > 55 && shown > 60, "{} {shown}", entries.len());
}
