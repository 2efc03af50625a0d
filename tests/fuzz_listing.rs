//! Fuzz driver of listings: any bytes of a server are read without a panic; what is read stands in the line it came from.

#[path = "fuzzing/chance.rs"]
mod chance;

use std::path::Path;
use std::time::{Duration, Instant};

use chance::{Chance, mutate};
use nattpost::model::listing::{Line, ListReader, Time, read_mlsd};

const LISTINGS: [&str; 11] = [
    "unix",
    "unix-without-group",
    "unix-access-lists",
    "unix-iso-dates",
    "unix-day-month",
    "dos",
    "dos-24-hours",
    "eplf",
    "netware",
    "os400",
    "mlsd",
];

/// Pieces that mean something to one writing or another.
const PIECES: [&[u8]; 12] = [
    b"-rw-r--r--",
    b"<DIR>",
    b"*STMF",
    b"[RWCEAFMS]",
    b"Nov 22 08:30 ",
    b"2026-11-22 ",
    b"type=",
    b"modify=",
    b"; ",
    b"\t",
    b" -> ",
    b"18446744073709551616",
];

fn check(line: &[u8], read: Line) {
    let Line::File(file) = read else { return };
    assert!(!file.name.is_empty() && file.name != b"." && file.name != b"..");
    let stands = |part: &[u8]| part.is_empty() || line.windows(part.len()).any(|window| window == part);
    assert!(stands(file.name));
    if let Time::Exact(text) | Time::Columns(text) = file.time {
        assert!(!text.is_empty() && stands(text));
    }
}

#[test]
fn any_listing_is_read_or_not_understood() {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let until = Instant::now() + Duration::from_secs(number("NATTPOST_FUZZ_SECONDS", 2));
    let samples = LISTINGS.map(|name| {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/listings/{name}.txt"))).unwrap()
    });
    let first: u64 = number("NATTPOST_FUZZ_SEED", 1);
    let mut seed = first;
    let mut files = 0_u64;
    while Instant::now() < until {
        let mut chance = Chance::new(seed);
        let mut text = mutate(&samples[chance.below(samples.len())], &mut chance);
        let at = chance.below(text.len() + 1);
        text.splice(at..at, PIECES[chance.below(PIECES.len())].iter().copied());
        let result = std::panic::catch_unwind(|| {
            let mut reader = ListReader::default();
            let mut files = 0;
            for line in text.split(|b| *b == b'\n') {
                let read = reader.read(line);
                files += u64::from(matches!(read, Line::File(_)));
                check(line, read);
                check(line, read_mlsd(line));
            }
            files
        });
        match result {
            Ok(found) => files += found,
            Err(_) => panic!("seed {seed}: {:?}", String::from_utf8_lossy(&text)),
        }
        seed += 1;
    }
    assert!(files > (seed - first) / 4, "the mutated listings hold hardly a file any more");
    println!("listing: {} inputs, {files} files", seed - first);
}
