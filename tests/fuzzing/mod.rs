//! What the fuzz drivers of rows share: a seeded mutator over samples, and what must hold for whatever is read.
//! NATTPOST_FUZZ_SECONDS says how long (default 2), NATTPOST_FUZZ_SEED where to begin.

// Not every test that shares this file needs all of it.
#![allow(dead_code)]

use std::io::Cursor;
use std::time::{Duration, Instant};

use nattpost::model::batch::Batch;
use nattpost::model::layout::{DecodeContext, Layout, RedactError, Refused, Sink, Spill, Stop};

#[path = "chance.rs"]
mod chance;

pub use chance::{Chance, mutate};

struct Check {
    length: u64,
    lines: u32,
    last: u64,
    refused: Vec<std::ops::Range<u64>>,
}

impl Check {
    fn origin(&mut self, number: u64, line: u32, bytes: &[std::ops::Range<u64>]) {
        assert_eq!(number, self.last + 1, "messages are numbered without a gap");
        self.last = number;
        assert!(line >= 1 && line <= self.lines, "line {line} of {}", self.lines);
        assert!(!bytes.is_empty(), "a message has bytes");
        for range in bytes {
            assert!(range.start < range.end && range.end <= self.length, "{range:?} in {}", self.length);
        }
    }
}

impl Sink for Check {
    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        for message in batch.messages() {
            let origin = message.origin();
            self.origin(origin.number, origin.line, origin.bytes);
            for node in message.nodes() {
                assert!(node.line() >= 1 && node.line() <= self.lines);
            }
        }
        batch.clear();
        Ok(batch)
    }

    fn refused(&mut self, message: Refused) -> Result<(), Stop> {
        self.origin(message.number, message.line, &message.bytes);
        assert!(!message.problems.is_empty());
        for problem in &message.problems {
            assert_eq!(problem.message, message.number);
            assert!(problem.to_string().len() < 4_000, "a person can read it");
            assert!(problem.place.byte <= self.length && problem.place.line <= self.lines);
        }
        self.refused.extend(message.bytes);
        Ok(())
    }
}

fn spill() -> std::io::Result<Box<dyn Spill>> {
    Ok(Box::new(Cursor::new(Vec::new())))
}

/// Reads the bytes in every way a layout can, and checks what must hold.
pub fn check(layout: &Layout, bytes: &[u8]) {
    let ends = bytes.iter().filter(|b| matches!(b, b'\n' | b'\r')).count() as u32;
    // Where there are no line ends, a line is a record.
    let lines = if layout.id == "without-line-ends" { bytes.len() as u32 + 1 } else { ends + 1 };
    let mut found = Check { length: bytes.len() as u64, lines, last: 0, refused: Vec::new() };
    let context = DecodeContext { file_name: "", zone: chrono_tz::Europe::Berlin, spill: &spill };
    let decoded = layout.decode(&mut Cursor::new(bytes), &context, &mut found).unwrap();
    assert_eq!(decoded.messages, found.last);
    layout.completeness(bytes, true);
    layout.completeness(&bytes[bytes.len() / 2..], false);
    layout.recognises(bytes);
    let mut ranges = std::mem::take(&mut found.refused);
    ranges.sort_by_key(|r| r.start);
    let mut reject = Vec::new();
    layout.rebuild_reject(&mut Cursor::new(bytes), &ranges, &mut reject).unwrap();
    assert!(reject.len() <= bytes.len() + 4_096, "{} of {}", reject.len(), bytes.len());
    let mut copy = Vec::new();
    let well = decoded.fatal.is_empty() && ranges.is_empty();
    match layout.redact(&mut &*bytes, &mut &*bytes, &mut copy) {
        Ok(done) => {
            assert_eq!(copy.len(), bytes.len(), "no byte of a redacted copy moves");
            let mut found = Check { last: 0, refused: Vec::new(), ..found };
            let again = layout.decode(&mut Cursor::new(&copy[..]), &context, &mut found).unwrap();
            let same = again.messages == decoded.messages && again.fatal.is_empty() && found.refused.is_empty();
            assert!(!well || same && done.unread == 0, "{}", String::from_utf8_lossy(&copy));
            let mut twice = Vec::new();
            // Without line ends nothing is found behind a record that was overwritten whole.
            let redacted = layout.redact(&mut &copy[..], &mut &copy[..], &mut twice);
            assert!(!well || redacted.is_ok() && twice == copy, "a second time nothing changes");
        }
        Err(RedactError::NotRead(why)) => assert!(!well, "{why}"),
        Err(RedactError::Io(error)) => panic!("{error}"),
    }
}

/// Runs until the time is over; prints how many inputs that were.
pub fn run(name: &str, samples: &[(Layout, Vec<u8>)]) {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let until = Instant::now() + Duration::from_secs(number("NATTPOST_FUZZ_SECONDS", 2));
    let first = number("NATTPOST_FUZZ_SEED", 1);
    for (layout, sample) in samples {
        check(layout, sample);
    }
    let mut seed = first;
    while Instant::now() < until {
        let mut chance = Chance::new(seed);
        let (layout, sample) = &samples[chance.below(samples.len())];
        let bytes = mutate(sample, &mut chance);
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(layout, &bytes))).is_err() {
            panic!("{name}: seed {seed}, layout {}:\n{:?}", layout.id, String::from_utf8_lossy(&bytes));
        }
        seed += 1;
    }
    println!("{name}: {} inputs", seed - first);
}

pub fn sample(file: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}
