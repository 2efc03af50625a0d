//! Faults of archives and of what gzip packed, made by hand: nothing of such a file is taken, and the reason says what it is.

use std::io::Write;

use crate::sheets::archive;
use crate::{BAD, GOOD, decode, gzipped, stock, told};

/// What was done, the file, the code, words of the reason.
type Fault<'f> = (&'f str, Vec<u8>, &'f str, &'f [&'f str]);

fn all_are_told(faults: &[Fault<'_>]) {
    let mut wrong = Vec::new();
    for (what, bytes, code, words) in faults {
        let (found, decoded) = decode(&stock(), bytes);
        let told = told(&found, &decoded);
        let fits = |text: &String| text.ends_with(&format!("[{code}]")) && words.iter().all(|word| text.contains(word));
        if decoded.fatal.is_empty() || told.len() != 1 || !fits(&told[0]) {
            wrong.push(format!("{what}: expected {code} {words:?}\n    {told:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The bytes, from `at` (from the end where it is negative) these instead.
fn changed(bytes: &[u8], at: isize, with: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = if at < 0 { bytes.len() - at.unsigned_abs() } else { at as usize };
    bytes[at..at + with.len()].copy_from_slice(with);
    bytes
}

fn with_password(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (mark, flags) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let at = bytes.windows(4).position(|four| four == mark).unwrap();
        bytes[at + flags] |= 1;
    }
    bytes
}

#[test]
fn faults_of_archives() {
    let good = archive(&[("a.csv", GOOD), ("b.csv", GOOD)]);
    assert!(decode(&stock(), &good).1.fatal.is_empty());
    let data = good.windows(GOOD.len()).position(|bytes| bytes == GOOD);
    let crc = changed(&good, 14, &[1, 2, 3, 4]);
    let directory = good.windows(4).position(|four| four == b"PK\x01\x02").unwrap() as isize;
    let crc = changed(&crc, directory + 16, &[1, 2, 3, 4]);
    let method = changed(&changed(&good, 8, &[99]), directory + 10, &[99]);
    let other_name = changed(&good, 30, b"z");
    let deep = archive(&[("b.zip", &archive(&[("a.csv", GOOD)]))]);
    let zeros = vec![b'0'; 64 << 20];
    let bomb = archive(&[("a.csv", &zeros)]);
    assert!(data.is_none(), "its members are packed");
    all_are_told(&[
        (
            "cut at its end",
            good[..good.len() - 5].to_vec(),
            "file-truncated",
            &["the archive is not taken", "send it again whole"],
        ),
        ("cut in its middle", good[..good.len() / 2].to_vec(), "file-truncated", &["send it again whole"]),
        ("another checksum", crc, "archive-damaged", &["a.csv", "checksum", "Pack it anew"]),
        ("a method that nobody has", method, "archive-not-taken", &["a.csv"]),
        ("another name in front of the data", other_name, "archive-damaged", &["Pack it anew"]),
        ("a password", with_password(&good), "archive-not-taken", &["a.csv", "password"]),
        ("an archive in an archive", deep, "archive-not-taken", &["b.zip", "an archive again"]),
        ("no member", archive(&[]), "archive-not-taken", &["holds no file"]),
        ("folders alone", archive(&[("sub/", b"")]), "archive-not-taken", &["holds no file"]),
        (
            "one name twice",
            archive(&[("a.csv", GOOD), ("a.csv", BAD)]),
            "archive-not-taken",
            &["two members named \"a.csv\""],
        ),
        (
            "other headings in one",
            archive(&[("a.csv", GOOD), ("b.csv", b"Nr;Qty\nA;1\n")]),
            "layout-mismatch",
            &["b.csv, line 1", "\"Article\""],
        ),
        ("an empty one", archive(&[("a.csv", GOOD), ("b.csv", b"")]), "file-empty", &["b.csv"]),
        (
            "a document",
            archive(&[("a.csv", GOOD), ("b.pdf", b"%PDF-1.7\n\xE2\xE3")]),
            "layout-mismatch",
            &["b.pdf", "a PDF document"],
        ),
        ("far larger than it says", bomb, "archive-limit", &["a.csv"]),
    ]);
}

#[test]
fn faults_of_what_gzip_packed() {
    let good = gzipped(GOOD);
    assert!(decode(&stock(), &good).1.fatal.is_empty());
    let and = |behind: &[u8]| [&good[..], behind].concat();
    let mut named = vec![0x1F, 0x8B, 8, 8, 0, 0, 0, 0, 0, 255];
    named.extend(vec![b'x'; 100_000]);
    let mut broken = gzipped(&GOOD.repeat(50));
    broken[12..20].fill(0xFF);
    let zeros = vec![b'0'; 64 << 20];
    let mut bomb = Vec::new();
    {
        let mut packer = nattpost::model::archive::gzip::writer(&mut bomb);
        packer.write_all(&zeros).unwrap();
        packer.finish().unwrap();
    }
    all_are_told(&[
        (
            "cut in its data",
            good[..good.len() / 2].to_vec(),
            "file-truncated",
            &["the gzip file is not taken", "send it again whole"],
        ),
        ("cut in its end", good[..good.len() - 3].to_vec(), "file-truncated", &["it ends before its data do"]),
        ("cut in its header", good[..7].to_vec(), "file-truncated", &["it ends before its data do"]),
        (
            "another checksum",
            changed(&good, -8, &[1, 2, 3, 4]),
            "archive-damaged",
            &["another checksum than its end says", "Pack it anew"],
        ),
        ("another length", changed(&good, -4, &[9, 9]), "archive-damaged", &["another length than its end says"]),
        ("data that are none", broken, "archive-damaged", &["cannot be unpacked"]),
        (
            "a line behind its end",
            and(b"\r\n"),
            "archive-damaged",
            &["is whole, but behind its end", "\"\\r\\n\"", "Pack it anew"],
        ),
        (
            "a text behind its end",
            and(b"-- \nSent by mail\n"),
            "archive-damaged",
            &["behind its end", "beginning with \"-- \\nSent"],
        ),
        ("a text behind zeros", and(b"\0\0\0\0EOF"), "archive-damaged", &["behind its end", "\"EOF\""]),
        ("the file itself behind its end", and(GOOD), "archive-damaged", &["behind its end", "\"Article;Qt"]),
        ("a second part that is cut", and(&good[..good.len() - 4]), "file-truncated", &["it ends before its data do"]),
        ("the mark of a second part alone", and(&good[..2]), "file-truncated", &["it ends before its data do"]),
        ("a flag that no program sets", changed(&good, 3, &[0x80]), "archive-not-taken", &["in its header"]),
        ("a name without an end", named, "archive-damaged", &["a header without an end"]),
        ("far larger than it says", bomb, "archive-limit", &["it unpacks to", "times what was sent"]),
        ("a document", gzipped(b"%PDF-1.7\n\xE2\xE3"), "layout-mismatch", &["a PDF document"]),
        ("nothing in it", gzipped(b""), "file-empty", &[]),
        ("packed twice", gzipped(&good), "archive-not-taken", &["an archive again"]),
    ]);
}
