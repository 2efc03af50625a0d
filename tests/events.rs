//! The operators' lines: escaped, one each, in both formats; and docs/events.md lists exactly the vocabulary.

use std::io::Write;
use std::sync::{Arc, Mutex};

use chrono::DateTime;
use nattpost::edges::events::{Event, Events, Format, Key, Value};

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn told(format: Format, item: &str, event: Event, fields: &[(Key, Value<'_>)]) -> String {
    let paper = Paper::default();
    let at = DateTime::from_timestamp_millis(1_794_031_200_007).unwrap();
    Events::to(format, Box::new(paper.clone())).tell(at, item, event, fields);
    String::from_utf8(paper.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn plain_lines_begin_with_the_id_and_cannot_be_forged() {
    let evil = &b"a\n2v7k file-accepted \"x\"\\ \xff\xe2\x80\xae.csv"[..];
    let fields =
        [(Key::Partner, "shop".into()), (Key::Name, evil.into()), (Key::Bytes, 7u64.into()), (Key::Reason, "".into())];
    assert_eq!(
        told(Format::Plain, "2v7k0q5m1x9ab", Event::FileRefused, &fields),
        "2v7k0q5m1x9ab file-refused level=warning partner=shop \
         name=\"a\\n2v7k file-accepted \\\"x\\\"\\\\ \\\\xff\\u{202e}.csv\" bytes=7 reason=\"\" at=2026-11-07T06:00:00.007Z\n"
    );
    assert_eq!(told(Format::Plain, "", Event::DaemonStarted, &[]), "- daemon-started at=2026-11-07T06:00:00.007Z\n");
}

#[test]
fn json_lines_are_objects_of_one_line() {
    let fields = [(Key::Name, (&b"a\n\xff"[..]).into()), (Key::Messages, 50usize.into())];
    let line = told(Format::Json, "2v7k0q5m1x9ab", Event::FileAccepted, &fields);
    assert_eq!(line.matches('\n').count(), 1);
    let object: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        object,
        serde_json::json!({"item": "2v7k0q5m1x9ab", "event": "file-accepted", "level": "info",
            "name": "a\n\\xff", "messages": 50, "at": "2026-11-07T06:00:00.007Z"})
    );
}

#[test]
fn long_values_are_cut_at_a_character() {
    let line = told(Format::Plain, "", Event::ConfigBad, &[(Key::Reason, "ü".repeat(5_000).into())]);
    assert_eq!(line.matches('ü').count(), 1_000);
    assert!(line.contains('…'));
}

/// Rows of the table under a heading, without head and rule.
fn rows(document: &str, heading: &str) -> Vec<Vec<String>> {
    let section = document.split(heading).nth(1).unwrap().split("\n## ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with("| `"));
    lines.map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn the_page_lists_exactly_the_vocabulary() {
    let page = include_str!("../docs/events.md");
    let events: Vec<Vec<String>> = Event::ALL
        .iter()
        .map(|e| vec![format!("`{e}`"), e.level().as_str().to_owned(), e.meaning().to_owned()])
        .collect();
    assert_eq!(rows(page, "## What happens"), events);
    let keys: Vec<Vec<String>> =
        Key::ALL.iter().map(|k| vec![format!("`{}`", k.as_str()), k.meaning().to_owned()]).collect();
    assert_eq!(rows(page, "## Keys"), keys);
}
