//! Fuzz driver of workbooks and archives: any bytes are read or refused without a panic, whether the archive around them is
//! mutated or the parts in it, and what is refused can be cut out.

mod decoding;
mod fuzzing;
mod sheets;

use std::io::{Cursor, Read, Write};
use std::time::{Duration, Instant};

use decoding::{Found, layout, spill};
use fuzzing::{Chance, mutate, sample};
use nattpost::model::archive::gzip::{self, Gunzip};
use nattpost::model::archive::{Directory, Limits, Member};
use nattpost::model::layout::{DecodeContext, Layout};
use sheets::archive;

const LIMITS: Limits = Limits { members: 100, bytes: 1 << 30 };

fn members(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut input = Cursor::new(bytes);
    let directory = Directory::read(&mut input, LIMITS).unwrap();
    let unpacked = directory.entries.iter().map(|entry| {
        let mut content = Vec::new();
        Member::open(&mut input, &directory, entry).unwrap().read_to_end(&mut content).unwrap();
        (entry.name.clone(), content)
    });
    unpacked.collect()
}

fn check(layout: &Layout, bytes: &[u8]) {
    let context = DecodeContext { file_name: "", zone: chrono_tz::Europe::Berlin, spill: &spill };
    let mut found = Found::default();
    let decoded = layout.decode_packed(&mut Cursor::new(bytes), &context, &mut found).unwrap();
    assert_eq!(decoded.messages, found.messages().count() as u64 + found.refused.len() as u64);
    let mut numbers: Vec<u64> = found.messages().map(|message| message.origin().number).collect();
    numbers.extend(found.refused.iter().map(|message| message.number));
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(1..=decoded.messages), "{numbers:?}");
    for problem in found.refused.iter().flat_map(|message| &message.problems).chain(decoded.fatal.kept()) {
        assert!(problem.to_string().len() < 4_000, "a person can read it");
    }
    layout.completeness(bytes, true);
    layout.recognises(bytes);
    let mut ranges: Vec<_> = found.refused.iter().flat_map(|message| message.bytes.clone()).collect();
    ranges.sort_by_key(|range| range.start);
    if ranges.is_empty() || !decoded.fatal.is_empty() {
        return;
    }
    let mut reject = Vec::new();
    layout.rebuild_reject(&mut Cursor::new(bytes), &ranges, &mut reject).unwrap();
    let mut again = Found::default();
    let reread = layout.decode_packed(&mut Cursor::new(&reject), &context, &mut again).unwrap();
    assert!(reread.messages > 0 && reread.messages <= decoded.messages, "{:?}", reread.fatal);
}

/// Bytes of the archive, or of one part in it that is packed again.
fn mutated(bytes: &[u8], chance: &mut Chance) -> Vec<u8> {
    if chance.below(3) == 0 {
        return mutate(bytes, chance);
    }
    if gzip::begins_like_gzip(bytes) {
        let mut content = Vec::new();
        Gunzip::new(Cursor::new(bytes), bytes.len() as u64, LIMITS).read_to_end(&mut content).unwrap();
        return gzipped(&mutate(&content, chance));
    }
    let mut parts = members(bytes);
    let at = chance.below(parts.len());
    parts[at].1 = mutate(&parts[at].1, chance);
    let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    archive(&parts)
}

fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut out = gzip::writer(Vec::new());
    out.write_all(content).unwrap();
    out.finish().unwrap()
}

fn run(name: &str, layout: &Layout, bytes: &[u8]) {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let until = Instant::now() + Duration::from_secs(number("NATTPOST_FUZZ_SECONDS", 2));
    let first = number("NATTPOST_FUZZ_SEED", 1);
    check(layout, bytes);
    let mut seed = first;
    while Instant::now() < until {
        let bytes = mutated(bytes, &mut Chance::new(seed));
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(layout, &bytes))).is_err() {
            panic!("{name}: seed {seed}");
        }
        seed += 1;
    }
    println!("{name}: {} inputs", seed - first);
}

#[test]
fn any_workbook_is_read_or_refused() {
    let bytes = sample("samples/layouts/workbook-orders/sample.xlsx");
    run("workbooks", &layout("workbook-orders/layout.toml"), &bytes);
}

#[test]
fn any_archive_is_read_or_refused() {
    let rows = sample("samples/layouts/missingink-orders/sample.csv");
    let bytes = archive(&[("a.csv", &rows), ("b/c.csv", &rows)]);
    run("archives", &layout("missingink-orders/layout.toml"), &bytes);
}

#[test]
fn anything_gzip_packed_is_read_or_refused() {
    let rows = sample("samples/layouts/missingink-orders/sample.csv");
    run("gzip", &layout("missingink-orders/layout.toml"), &gzipped(&rows));
}
