//! Fuzz driver of layouts themselves: whatever a layout says, it is read or refused, and what is read neither panics, hangs nor
//! fills the memory with the files that it reads, copies and writes. NATTPOST_FUZZ_SECONDS and NATTPOST_FUZZ_SEED as elsewhere.

#[path = "fuzzing/chance.rs"]
mod chance;
mod decoding;

use std::io::{self, Cursor, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use chance::{Chance, mutate};
use decoding::spill;
use nattpost::model::batch::Batch;
use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::own::shipped_texts;
use nattpost::model::layout::{DecodeContext, EncodeContext, Extendable, Layout, Refused, Sink, Stop, read_extended};

/// For one layout and all that is done with it. A debug build on a busy machine takes a tenth of it for the largest.
const PROCESSOR_SECONDS: u64 = 20;
/// Of the whole process, ever.
const MEMORY_MIB: u64 = 700;

/// What a layout may be told in the place of a value.
const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "1",
    "2",
    "99",
    "100",
    "2000",
    "100000",
    "100001",
    "4294967296",
    "18446744073709551615",
    "99999999999999999999999999",
];
const WORDS: [&str; 42] = [
    "match=(a+)+$",
    "match='(x{1000}){1000}'",
    "take='(.*)(?:.*)*'",
    "take='((a?){50}){50}'",
    "match=\\\\w{1,200}",
    "width=9999",
    "width=100001",
    "implied=10 places=10",
    "floor=-9223372036854775808",
    "cap=9223372036854.775807 round=up places=0",
    "cut=0",
    "max=0",
    "none=|||||",
    "default='= x'",
    "before=- after=-",
    "strip=0",
    "join='%%%%%%%%%%%%%%%%'",
    "breaks=e",
    "date %Y%Y%Y|%s|%-d",
    "instant '%s%s%f%z'",
    "boolean /",
    "lookup=unit unlisted=keep",
    "sign=trailing minus=- plus=-",
    "thousands=0 point=1",
    "= row['1']|replace('', row['1'])|replace('', row['1'])|replace('e', row['1'])",
    "= row['1']|list|join(row['1'])",
    "= 'x'|indent(99999999)",
    "= [1]|batch(99999999, 'x')|list",
    "= range(99999)|list",
    "= ((((((((((row))))))))))",
    "= row['1'][:99999999999]",
    "= row['1']|int + 9223372036854775807",
    "count(*) of file",
    "sum(lines.qty) of interchange",
    "number() of file",
    "constant()",
    "line_charges#99.amount",
    "lines#2.qty",
    "extra.x",
    "a/b/c/d/e/f/../../*",
    "1-100000",
    "note[4294967295]",
];
const LINES: [&str; 14] = [
    "again = true",
    "required = false",
    "group_by = [\"1\", \"\"]",
    "width = 0",
    "width = 99999999999",
    "when = [\"1\", \"\", \"x\"]",
    "if = \"row['1']|replace('', row['1'])|replace('', row['1']) == ''\"",
    "line_end = \"none\"",
    "extends = \"edifact-orders\"",
    "leave_out = [\"order\"]",
    "[lookup.unit]",
    "[[record]]",
    "tag = [\"a\", \"b\", \"a/b\", \".\", \"LIN/ALC\", \"UNS/*\"]",
    "opens = \"lines\"",
];

/// A quoted or bare value of the text: where it begins and ends.
fn values(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices() {
        match (c, start) {
            ('"', None) => start = Some(at + 1),
            ('"', Some(from)) => {
                found.push(from..at);
                start = None;
            }
            ('\n', _) => start = None,
            _ => {}
        }
    }
    found
}

/// Changes that a text editor, a generator or an enemy could have made.
fn change(text: &str, chance: &mut Chance) -> String {
    let mut text = text.to_string();
    for _ in 0..=chance.below(3) {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let at = chance.below(lines.len());
        match chance.below(9) {
            0 => {
                let bytes = mutate(text.as_bytes(), chance);
                text = String::from_utf8_lossy(&bytes).into_owned();
            }
            1 | 2 => {
                let places = values(&text);
                let Some(place) = places.get(chance.below(places.len())) else { continue };
                let new = if chance.below(3) == 0 {
                    NUMBERS[chance.below(NUMBERS.len())]
                } else {
                    WORDS[chance.below(WORDS.len())]
                };
                text.replace_range(place.clone(), new);
            }
            // A value becomes long.
            3 => {
                let places = values(&text);
                let Some(place) = places.get(chance.below(places.len())) else { continue };
                let piece = text[place.clone()].to_string();
                text.insert_str(place.end, &piece.repeat(1 << chance.below(13)));
            }
            4 => text = [&lines[..at], &[LINES[chance.below(LINES.len())], "\n"], &lines[at..]].concat().concat(),
            5 => {
                let times = 1 << chance.below(12);
                text =
                    [lines[..at].concat(), lines.get(at).unwrap_or(&"").repeat(times), lines[at..].concat()].concat();
            }
            // All records again and again.
            6 => {
                let Some(first) = text.find("[[record]]") else { continue };
                let records = text[first..].to_string();
                text.push_str(&records.repeat(1 << chance.below(7)));
            }
            7 => {
                let number = NUMBERS[chance.below(NUMBERS.len())];
                let digits: Vec<usize> = text.match_indices(|c: char| c.is_ascii_digit()).map(|(at, _)| at).collect();
                let Some(at) = digits.get(chance.below(digits.len())) else { continue };
                text.replace_range(*at..*at + 1, number);
            }
            _ => drop(text.drain(text.len() - lines.last().map_or(0, |line| line.len())..)),
        }
        if text.len() > 8 << 20 {
            break;
        }
    }
    text
}

/// Takes messages and writes them again; counts what comes.
struct Taken<'l> {
    layout: &'l Layout,
    bytes: u64,
}

struct Counting<'c>(&'c mut u64);

impl Write for Counting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        *self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Taken<'_> {
    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        let mut out = Counting(&mut self.bytes);
        if let Ok(mut encoder) = self.layout.encoder(EncodeContext { zone: chrono_tz::Europe::Berlin }, &mut out)
            && encoder.write(&batch).is_ok()
        {
            let _ = encoder.finish();
        }
        batch.clear();
        Ok(batch)
    }

    fn refused(&mut self, message: Refused) -> Result<(), Stop> {
        assert!(message.problems.iter().all(|problem| problem.to_string().len() < 10_000), "a person can read it");
        Ok(())
    }
}

fn check(text: &str, others: &[Extendable], bytes: &[u8]) -> bool {
    let layout = match read_extended("layout.toml", text, shipped_kinds(), others) {
        Ok((layout, _)) => layout,
        Err(problems) => {
            assert!(!problems.is_empty() && problems.len() <= 501, "{}", problems.len());
            assert!(problems.iter().all(|problem| problem.to_string().len() < 10_000), "a person can read it");
            return false;
        }
    };
    let context = DecodeContext { file_name: "orders_1.csv", zone: chrono_tz::Europe::Berlin, spill: &spill };
    let mut taken = Taken { layout: &layout, bytes: 0 };
    let decoded = layout.decode(&mut Cursor::new(bytes), &context, &mut taken).unwrap();
    assert!(decoded.messages <= 400 * bytes.len() as u64, "{}", decoded.messages);
    layout.completeness(bytes, true);
    layout.recognises(bytes);
    let mut nowhere = 0;
    let _ = layout.redact(&mut &*bytes, &mut &*bytes, &mut Counting(&mut nowhere));
    let half = 0..bytes.len() as u64 / 2;
    let reject =
        layout.rebuild_reject(&mut Cursor::new(bytes), std::slice::from_ref(&half), &mut Counting(&mut nowhere));
    // Of what cannot be read at all, a damaged workbook, nothing is cut out.
    assert!(reject.is_ok() || !decoded.fatal.is_empty(), "{reject:?}");
    true
}

/// Layouts with a file that each of them reads.
fn samples() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders: Vec<_> =
        std::fs::read_dir(root.join("samples/layouts")).unwrap().flatten().map(|e| e.path()).collect();
    folders.sort();
    for folder in folders {
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().flatten().map(|e| e.path()).filter(|p| p.is_file()).collect();
        files.sort();
        let is = |path: &Path, end: &str| path.extension().is_some_and(|e| e == end);
        let sample = files.iter().find(|path| !is(path, "toml") && !is(path, "json") && !is(path, "jsonl"));
        let sample = sample.map_or_else(|| b"1;2;3\n".to_vec(), |path| std::fs::read(path).unwrap());
        for layout in files.iter().filter(|path| is(path, "toml")) {
            found.push((std::fs::read_to_string(layout).unwrap(), sample.clone()));
        }
    }
    for kind in ["order", "stock", "customer"] {
        for (end, syntax) in [("csv", "csv"), ("xml", "xml")] {
            let layout =
                std::fs::read_to_string(root.join(format!("schemas/layouts/own/nattpost-{kind}-{syntax}.toml")));
            found.push((layout.unwrap(), std::fs::read(root.join(format!("samples/own/{kind}.{end}"))).unwrap()));
        }
    }
    let edifact = std::fs::read_to_string(root.join("schemas/layouts/standards/edifact-orders.toml")).unwrap();
    found.push((edifact, std::fs::read(root.join("samples/layouts/edifact-orders/sample.edi")).unwrap()));
    found
}

fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn peak_mib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
}

#[test]
fn any_layout_is_read_or_refused_and_bounded() {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let until = Instant::now() + Duration::from_secs(number("NATTPOST_FUZZ_SECONDS", 2));
    let first = number("NATTPOST_FUZZ_SEED", 1);
    let samples = samples();
    let mut others = shipped_texts();
    others.extend(samples.iter().enumerate().map(|(at, (text, _))| Extendable::new(&format!("{at}.toml"), text)));
    for (text, bytes) in &samples {
        assert!(check(text, &others, bytes), "{text}");
    }
    let (mut seed, mut read, mut slowest) = (first, 0, (Duration::ZERO, 0));
    while Instant::now() < until {
        let mut chance = Chance::new(seed);
        let (text, bytes) = &samples[chance.below(samples.len())];
        let text = change(text, &mut chance);
        let bytes = if chance.below(2) == 0 { bytes.clone() } else { mutate(bytes, &mut chance) };
        let before = processor_time();
        match catch_unwind(AssertUnwindSafe(|| check(&text, &others, &bytes))) {
            Ok(was_read) => read += u64::from(was_read),
            Err(_) => panic!("layouts: seed {seed}:\n{text}"),
        }
        let took = processor_time() - before;
        slowest = slowest.max((took, seed));
        assert!(took < Duration::from_secs(PROCESSOR_SECONDS), "layouts: seed {seed} took {took:?}");
        assert!(peak_mib() < MEMORY_MIB, "layouts: seed {seed} took {} MiB", peak_mib());
        seed += 1;
    }
    let (took, slow) = slowest;
    println!(
        "layouts: {} layouts, {read} of them read; slowest {took:?} (seed {slow}), peak {} MiB",
        seed - first,
        peak_mib()
    );
}
