//! XML readers on broken files: samples changed at random for NATTPOST_FUZZ_SECONDS (default 2), and the known bombs.
//! Whatever comes, nobody panics, places lie within the file, and refused messages make a file that reads again.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::time::{Duration, Instant};

use nattpost::model::batch::Batch;
use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::own::{own_id, shipped_layout};
use nattpost::model::layout::{
    Completeness, DecodeContext, Decoded, Input, Layout, RedactError, Refused, Sink, Spill, Stop, read_layout,
};

#[derive(Default)]
struct Kept {
    good: u64,
    ranges: Vec<Range<u64>>,
    refused: Vec<Refused>,
}

impl Sink for Kept {
    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        self.good += batch.len() as u64;
        self.ranges.extend(batch.messages().flat_map(|m| m.origin().bytes.to_vec()));
        batch.clear();
        Ok(batch)
    }

    fn refused(&mut self, message: Refused) -> Result<(), Stop> {
        self.ranges.extend(message.bytes.clone());
        self.refused.push(message);
        Ok(())
    }
}

fn no_spill() -> std::io::Result<Box<dyn Spill>> {
    Err(std::io::Error::other("XML needs no spill file"))
}

fn decode(layout: &Layout, input: &mut dyn Input) -> (Kept, Decoded) {
    let mut kept = Kept::default();
    let context = DecodeContext { file_name: "fuzz.xml", zone: chrono_tz::Europe::Berlin, spill: &no_spill };
    let decoded = layout.decode(input, &context, &mut kept).unwrap();
    (kept, decoded)
}

/// Everything that must hold of any file at all.
fn check(layout: &Layout, bytes: &[u8]) {
    let (kept, decoded) = decode(layout, &mut Cursor::new(bytes));
    let lines = bytes.iter().filter(|b| **b == b'\n').count() as u32 + 1;
    let problems = kept.refused.iter().flat_map(|r| &r.problems).chain(decoded.fatal.kept());
    for problem in problems {
        assert!(problem.place.byte <= bytes.len() as u64 && problem.place.line <= lines, "{problem:?}");
        assert!(problem.text.len() < 2_000, "{problem:?}");
    }
    assert_eq!(decoded.messages, kept.good + kept.refused.len() as u64);
    for range in &kept.ranges {
        assert!(range.start < range.end && range.end <= bytes.len() as u64, "{range:?}");
        let start = &bytes[range.start as usize..];
        assert!(start[0] == b'<' || start.starts_with(b"\0<"), "{range:?}");
    }
    assert!(kept.refused.iter().all(|r| !r.problems.is_empty()));
    layout.recognises(&bytes[..bytes.len().min(300)]);
    layout.completeness(&bytes[bytes.len().saturating_sub(300)..], false);
    if decoded.fatal.is_empty() && !kept.refused.is_empty() {
        let mut ranges: Vec<Range<u64>> = kept.refused.iter().flat_map(|r| r.bytes.clone()).collect();
        ranges.sort_by_key(|range| range.start);
        let mut reject = Vec::new();
        layout.rebuild_reject(&mut Cursor::new(bytes), &ranges, &mut reject).unwrap();
        let (again, decoded) = decode(layout, &mut Cursor::new(&reject));
        assert!(decoded.fatal.is_empty(), "{:?}\n{}", decoded.fatal, String::from_utf8_lossy(&reject));
        assert_eq!((again.good, again.refused.len()), (0, kept.refused.len()));
    }
    check_redacted(layout, bytes, &kept, &decoded);
}

/// What is well formed has a copy without personal data, of the same length and the same messages.
fn check_redacted(layout: &Layout, bytes: &[u8], kept: &Kept, decoded: &Decoded) {
    let mut copy = Vec::new();
    match layout.redact(&mut &*bytes, &mut &*bytes, &mut copy) {
        Ok(_) => {
            assert_eq!(copy.len(), bytes.len(), "no byte of a redacted copy moves");
            let (after, again) = decode(layout, &mut Cursor::new(&copy));
            let found = (again.messages, again.fatal.is_empty(), &after.ranges);
            assert_eq!(found, (decoded.messages, decoded.fatal.is_empty(), &kept.ranges));
            assert!(!kept.refused.is_empty() || after.refused.is_empty(), "{:?}", after.refused);
            let mut twice = Vec::new();
            layout.redact(&mut &copy[..], &mut &copy[..], &mut twice).unwrap();
            assert!(twice == copy, "a second time nothing changes");
        }
        Err(RedactError::NotRead(why)) => assert!(!decoded.fatal.is_empty(), "{why}"),
        Err(RedactError::Io(error)) => panic!("{error}"),
    }
}

/// Random numbers that a seed repeats (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

/// Pieces that mean something to a reader of XML.
const PIECES: [&[u8]; 28] = [
    b"<",
    b">",
    b"</",
    b"/>",
    b"&",
    b"&amp;",
    b"&#0;",
    b"&x;",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"<?",
    b"?>",
    b"\"",
    b"'",
    b"=",
    b"\0",
    b"\r",
    b"\n",
    b"\xFF",
    b"\xC3",
    b"\xEF\xBB\xBF",
    b"<!DOCTYPE a>",
    b"<a>",
    b"</a>",
    b" xmlns='u'",
    b"9999999999999999999999",
];

fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.below(bytes.len());
    let end = (at + dice.below(40)).min(bytes.len());
    match dice.below(7) {
        0 => bytes[at] = dice.below(256) as u8,
        1 => drop(bytes.drain(at..end)),
        2 => bytes.truncate(at.max(1)),
        3 => drop(bytes.splice(at..at, PIECES[dice.below(PIECES.len())].iter().copied())),
        4 => {
            let piece = bytes[at..end].to_vec();
            let to = dice.below(bytes.len());
            drop(bytes.splice(to..to, piece));
        }
        5 => drop(bytes.splice(at..end, PIECES[dice.below(PIECES.len())].iter().copied())),
        _ => bytes[at] ^= 1 << dice.below(8),
    }
    if bytes.is_empty() {
        bytes.push(b'<');
    }
}

fn root() -> std::path::PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}

fn jtl() -> Layout {
    let text = std::fs::read_to_string(root().join("samples/layouts/jtl-orders/layout.toml")).unwrap();
    read_layout("layout.toml", &text, shipped_kinds()).unwrap()
}

/// Layouts with a file each that they read without a problem.
fn samples() -> Vec<(Layout, Vec<u8>)> {
    let mut all = Vec::new();
    for kind in shipped_kinds().iter() {
        let id = own_id(kind, "xml");
        let text = std::fs::read_to_string(root().join(format!("schemas/layouts/own/{id}.toml"))).unwrap();
        let sample = std::fs::read(root().join(format!("samples/own/{}.xml", kind.name))).unwrap();
        all.push((read_layout(&id, &text, shipped_kinds()).unwrap(), sample));
    }
    all.push((jtl(), std::fs::read(root().join("samples/layouts/jtl-orders/sample.xml")).unwrap()));
    let (layout, sample) = (jtl(), std::fs::read(root().join("samples/layouts/jtl-orders/sample.xml")).unwrap());
    let text: String = sample.iter().map(|b| *b as char).collect();
    let utf16 = text.replace("ISO-8859-1", "UTF-16").encode_utf16().flat_map(u16::to_le_bytes).collect();
    all.push((layout, [vec![0xFF, 0xFE], utf16].concat()));
    all
}

const JOINED: &str = r#"
layout = "joined"
title = "x"
kind = "order"
syntax = "xml"
[xml]
root = "export"
[[record]]
tag = "shop"
opens = "interchange"
fields = [["@customer", "customer_no"], ["count", "count(order)"]]
[[record]]
name = "order"
tag = "orders/order"
opens = "message"
group_by = ["@id"]
fields = [["@id", "buyer_order_no"], ["date", "order_date"], ["to", "note", "personal"]]
[[record]]
name = "line"
tag = "lines/line"
opens = "lines"
group_by = ["@order"]
fields = [["sku", "lines.article_no"], ["qty", "lines.qty"]]
[[record]]
tag = "text"
adds = "lines"
fields = [[".", "lines.note", "personal"]]
"#;

const JOINED_SAMPLE: &str = "<export>\n<shop customer='7'>\n<orders>\n<order id='A'><date>2026-03-01</date><to>Ann</to></order>\n<order id='B'/>\n\
    </orders>\n<lines>\n<line order='B'><sku>x</sku><qty>1</qty></line>\n<line order='A'><sku>y</sku><qty>2</qty><text>!</text></line>\n\
    <line order='B'><sku>z</sku><qty>3</qty></line>\n</lines>\n<count>2</count>\n</shop>\n<shop customer='8'>\n<lines>\n\
    <line order='A'><sku>q</sku><qty>4</qty></line>\n</lines>\n<orders>\n<order id='A'><to>Bo</to></order>\n</orders>\n<count>1</count>\n\
    </shop>\n</export>\n";

/// Elements that belong to a message by its key, and a list in an element.
fn joined() -> Vec<(Layout, Vec<u8>)> {
    let read = |text: &str| read_layout("layout.toml", text, shipped_kinds()).unwrap();
    let list = r#"
layout = "list"
title = "x"
kind = "order"
syntax = "xml"
[xml]
root = "orders"
[[record]]
tag = "order"
opens = "message"
fields = [["@no", "buyer_order_no"]]
[[record]]
tag = "items"
opens = "lines"
each = [".", ",", ":"]
fields = [["piece 1", "lines.article_no", "required"], ["piece 2", "lines.qty", "default=1"]]
"#;
    let orders = "<orders>\n<order no='1'>\n<items>a:2,b, c:3</items></order><order no='2'><items>d</items></order>\n</orders>\n";
    vec![(read(JOINED), JOINED_SAMPLE.into()), (read(list), orders.into())]
}

#[test]
fn any_sample_changed_at_random_is_read_or_refused() {
    run(&samples());
}

#[test]
fn any_elements_that_are_joined_by_a_key_are_read_or_refused() {
    run(&joined());
}

fn run(samples: &[(Layout, Vec<u8>)]) {
    let seconds = std::env::var("NATTPOST_FUZZ_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(2);
    let until = Instant::now() + Duration::from_secs(seconds);
    for (layout, sample) in samples {
        check(layout, sample);
    }
    let mut seed = std::env::var("NATTPOST_FUZZ_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1u64);
    let mut count = 0u64;
    while Instant::now() < until || count < 200 {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let (layout, sample) = &samples[dice.below(samples.len())];
        let mut bytes = sample.clone();
        for _ in 0..=dice.below(4) {
            mutate(&mut bytes, &mut dice);
        }
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(layout, &bytes)));
        assert!(
            caught.is_ok(),
            "NATTPOST_FUZZ_SEED={seed}, layout {}:\n{}",
            layout.id,
            String::from_utf8_lossy(&bytes)
        );
        seed += 1;
        count += 1;
    }
    println!("{count} files in {seconds} s");
}

#[test]
fn cut_at_every_byte_a_file_is_seen_to_be_incomplete() {
    for (layout, sample) in samples().into_iter().chain(joined()) {
        let whole = sample.trim_ascii_end().len();
        // UTF-16 ends its last character with a zero.
        let whole = if sample.starts_with(&[0xFF, 0xFE]) { sample.len() - 2 } else { whole };
        for cut in 0..whole {
            if cut == 1 && sample[0] == 0xFF {
                // Half a byte order mark is a letter to any other encoding.
                continue;
            }
            let bytes = &sample[..cut];
            let (_, decoded) = decode(&layout, &mut Cursor::new(bytes));
            let codes: Vec<_> = decoded.fatal.counts().keys().copied().collect();
            let expected = ["file-truncated", "file-empty", "encoding-invalid"];
            assert!(codes.len() == 1 && expected.contains(&codes[0]), "{} cut at {cut}: {codes:?}", layout.id);
            let tail = &bytes[cut.saturating_sub(200)..];
            let judged = layout.completeness(tail, false);
            // Half of the last character may be missing and still look whole from the tail alone.
            if cut + 1 < whole {
                assert!(matches!(judged, Completeness::Incomplete(_)), "{} cut at {cut}", layout.id);
            }
        }
    }
}

/// A head, a piece again and again, a tail; never in memory.
struct Bomb {
    parts: [(&'static [u8], u64); 3],
    at: u64,
}

impl Bomb {
    fn new(head: &'static [u8], piece: &'static [u8], times: u64, tail: &'static [u8]) -> Self {
        Bomb { parts: [(head, 1), (piece, times), (tail, 1)], at: 0 }
    }
}

impl Read for Bomb {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            let mut at = self.at;
            let part = self.parts.iter().find(|(piece, times)| {
                let size = piece.len() as u64 * times;
                let here = at < size;
                at -= if here { 0 } else { size };
                here
            });
            let Some((piece, _)) = part else { break };
            let rest = &piece[(at % piece.len() as u64) as usize..];
            let count = rest.len().min(buffer.len() - filled);
            buffer[filled..filled + count].copy_from_slice(&rest[..count]);
            filled += count;
            self.at += count as u64;
        }
        Ok(filled)
    }
}

impl Seek for Bomb {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        match to {
            SeekFrom::Start(at) => self.at = at,
            _ => return Err(std::io::Error::other("only from the start")),
        }
        Ok(self.at)
    }
}

/// Codes of fatal problems, and of those of refused messages.
fn codes(bomb: &mut Bomb) -> (Vec<&'static str>, Vec<&'static str>, u64) {
    let (kept, decoded) = decode(shipped_layout("nattpost-stock-xml").unwrap(), bomb);
    let refused = kept.refused.iter().flat_map(|r| &r.problems).map(|p| p.code).collect();
    (decoded.fatal.counts().keys().copied().collect(), refused, kept.good)
}

const HEAD: &[u8] = b"<stocks version='1'><stock><article_no>A</article_no><qty>1</qty><warehouse>";

#[test]
fn bombs_are_refused_and_what_is_only_large_is_refused_alone() {
    let good = b"</warehouse></stock><stock><article_no>B</article_no><qty>1</qty></stock></stocks>";
    // A text of 100 MB spoils its own message, not the next.
    assert_eq!(codes(&mut Bomb::new(HEAD, b"0123456789", 10_000_000, good)), (vec![], vec!["message-too-large"], 1));
    assert_eq!(codes(&mut Bomb::new(HEAD, b"01234", 30, good)), (vec![], vec!["text-too-long"], 1));
    let unknown = Bomb::new(b"<stocks version='1'><stock>", b"<x>y</x>", 1_000_000, b"</stock></stocks>");
    let (fatal, refused, _) = codes(&mut { unknown });
    assert!(fatal.is_empty() && refused.len() < 200 && refused.contains(&"layout-mismatch"));
    assert_eq!(codes(&mut Bomb::new(b"", b"<stocks>", 1_000_000, b"")).0.len(), 1);
    assert_eq!(codes(&mut Bomb::new(HEAD, b"<a>", 1_000_000, b"")).0, ["xml-limit"]);
    assert_eq!(codes(&mut Bomb::new(HEAD, b"<!--", 1_000_000, b"")).0, ["file-truncated"]);
    let laughs = b"<!DOCTYPE stocks [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'>]>";
    assert_eq!(codes(&mut Bomb::new(laughs, HEAD, 1, b"&b;</warehouse></stock></stocks>")).0, ["xml-doctype"]);
    assert_eq!(codes(&mut Bomb::new(HEAD, b"&b;", 1, good)).0, ["xml-entity"]);
}
