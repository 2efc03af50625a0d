//! Table tests of listings: every writing in tests/listings says the same, and the lines that other readers trip over.

use std::path::Path;

use super::*;

fn listing(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/listings").join(name)).unwrap()
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

fn one(line: &str) -> Line<'_> {
    ListReader::default().read(line.as_bytes())
}

fn a_file<'a>(name: &'a str, size: u64, time: &'a str) -> Line<'a> {
    Line::File(Listed { name: name.as_bytes(), size: Some(size), time: Time::Columns(time.as_bytes()) })
}

const UNIX: [&str; 5] =
    ["unix.txt", "unix-without-group.txt", "unix-access-lists.txt", "unix-iso-dates.txt", "unix-day-month.txt"];
const OTHER: [&str; 5] = ["dos.txt", "dos-24-hours.txt", "eplf.txt", "netware.txt", "os400.txt"];

#[test]
fn every_writing_says_the_same() {
    for name in UNIX.iter().chain(&OTHER) {
        let (text, mut reader) = (listing(name), ListReader::default());
        let mut files = Vec::new();
        for line in lines(&text) {
            match reader.read(line) {
                Line::File(file) => {
                    assert_ne!(file.time, Time::Unknown, "{name}");
                    files.push((String::from_utf8_lossy(file.name).into_owned(), file.size));
                }
                Line::NotUnderstood | Line::Special => panic!("{name}: {}", String::from_utf8_lossy(line)),
                Line::Folder | Line::Link | Line::Heading => {}
            }
        }
        assert_eq!(files, [("orders 1.csv".to_owned(), Some(11)), ("Müller.xml".to_owned(), Some(5))], "{name}");
    }
}

#[test]
fn the_date_columns_stand_as_they_were() {
    for (line, expected) in [
        ("-rw-r--r-- 1 a b 7 Nov  2 08:30 x", a_file("x", 7, "Nov  2 08:30")),
        ("-rw-r--r-- 1 a b 7 Nov  2 08:30:15 2026 x", a_file("x", 7, "Nov  2 08:30:15 2026")),
        ("-rw-r--r-- 1 a b 7 2. März 2026 x", a_file("x", 7, "2. März 2026")),
        ("-rw-r--r-- 1 a b 7 11月 22 08:30 x", a_file("x", 7, "11月 22 08:30")),
        ("-rw-r--r-- 1 a b 7 11-22 08:30 x", a_file("x", 7, "11-22 08:30")),
        ("11-22-26  08:30 PM   1,234,567 x", a_file("x", 1_234_567, "11-22-26  08:30 PM")),
        ("+m824255902,r,s7,\tx", a_file("x", 7, "m824255902")),
    ] {
        assert_eq!(one(line), expected, "{line}");
    }
}

#[test]
fn names_are_kept_byte_for_byte() {
    for (line, name) in [
        ("-rw-r--r-- 1 a b 7 Nov 22 08:30   two before, one after ", "  two before, one after "),
        ("-rw-r--r-- 1 a b 7 Nov 22  2024 5 Nov 22 08:30 x", "5 Nov 22 08:30 x"),
        ("-rw-r--r-- 1 a b 7 Nov 22 08:30 a -> b", "a -> b"),
        ("11-22-26  08:30AM              7  x ", " x "),
        ("+r,s7,\t x\t", " x\t"),
    ] {
        let Line::File(file) = one(line) else { panic!("{line}") };
        assert_eq!((file.name, file.size), (name.as_bytes(), Some(7)), "{line}");
    }
    let latin = b"-rw-r--r-- 1 a b 7 Nov 22 08:30 M\xfcller";
    assert!(matches!(ListReader::default().read(latin), Line::File(file) if file.name == b"M\xfcller"));
}

#[test]
fn numbers_among_the_owners_are_not_the_size() {
    for (line, size) in [
        ("-rw-r--r-- 1 22 users 2026 Nov 22 08:30 x", 2026),
        ("-rw-r--r-- 1 1000 1000 5 Nov 22 08:30 x", 5),
        ("-rw-r--r-- 1 a Domain Users 5 Nov 22 08:30 x", 5),
        ("-rw-r--r-- 1 Local Admin Domain Users 5 Nov 22 08:30 x", 5),
        ("-rw-r--r-- a 5 Nov 22 08:30 x", 5),
        ("-rw-r--r-- 1 a b 1,234,567 Nov 22 08:30 x", 1_234_567),
        ("-rw-r--r-- 1 a b 1.234 22 nov 08:30 x", 1_234),
    ] {
        assert!(matches!(one(line), Line::File(file) if file.size == Some(size)), "{line}: {:?}", one(line));
    }
}

#[test]
fn what_is_no_plain_file_is_told_from_what_is_not_understood() {
    for (line, expected) in [
        ("drwxr-xr-x 2 a b 4096 Nov 22 08:30 x", Line::Folder),
        ("-rw-r--r-- 1 a b 7 Nov 22 08:30 ..", Line::Folder),
        ("lrwxrwxrwx 1 a b 7 Nov 22 08:30 x -> y", Line::Link),
        ("crw-rw-rw- 1 a b 1, 3 Nov 22 08:30 null", Line::Special),
        ("11-22-26  08:30AM  <JUNCTION>  x", Line::Link),
        ("QSYS  8192 22/11/26 08:30:00 *PGM  x", Line::Special),
        ("total 7", Line::Heading),
        ("", Line::Heading),
        ("-rw-r--r-- 1 a b 7 Nov 22 08:30", Line::NotUnderstood),
        ("-rw-r--r-- 1 a b 99999999999999999999 Nov 22 08:30 x", Line::NotUnderstood),
        ("-rw-r--r-- 1 a b 7 Nov 32 08:30 x", Line::NotUnderstood),
        ("orders.csv", Line::NotUnderstood),
    ] {
        assert_eq!(one(line), expected, "{line}");
    }
    let beyond = one("-rw-r--r-- 1 a b -2147483648 Nov 22 08:30 x");
    assert!(matches!(beyond, Line::File(Listed { name: b"x", size: None, .. })), "{beyond:?}");
    let member = "QSYS            *MEM       ORDERS.DAY1";
    let expected = Listed { name: b"ORDERS.DAY1", size: None, time: Time::Unknown };
    assert_eq!(one(member), Line::File(expected));
}

#[test]
fn the_first_line_that_fits_decides_for_the_listing() {
    let mut reader = ListReader::default();
    assert_eq!(reader.read(b"Volume in drive C"), Line::NotUnderstood);
    assert_eq!(reader.read(b"-rw-r--r-- 1 a b 7 Nov 22 08:30 x"), a_file("x", 7, "Nov 22 08:30"));
    assert_eq!(reader.read(b"11-22-26  08:30AM              7 x"), Line::NotUnderstood);
}

#[test]
fn mlsd_in_all_its_freedoms() {
    let text = listing("mlsd.txt");
    let found: Vec<Line> = lines(&text).map(read_mlsd).collect();
    let exact = |name: &'static str, size, time: &'static str| {
        Line::File(Listed { name: name.as_bytes(), size: Some(size), time: Time::Exact(time.as_bytes()) })
    };
    assert_eq!(
        found,
        [
            Line::Folder,
            Line::Folder,
            Line::Folder,
            Line::Link,
            exact("orders 1.csv", 11, "20261122083000.123"),
            exact("Müller.xml", 5, "20240229000000"),
        ]
    );
    let bare = |name: &'static [u8]| Line::File(Listed { name, size: None, time: Time::Unknown });
    for (line, expected) in [
        (&b" plain"[..], bare(b"plain")),
        (b"type=file;modify=yesterday;  two blanks ", bare(b" two blanks ")),
        (b"type=file; a\rb", bare(b"a\rb")),
        (b"type=OS.unix=blkdev; sda", Line::Special),
        (b"type=file; .", Line::Folder),
        (b"type=file; ", Line::NotUnderstood),
        (b"-rw-r--r-- 1 a b 7 Nov 22 08:30 x", Line::NotUnderstood),
        (b"nothing", Line::NotUnderstood),
    ] {
        assert_eq!(read_mlsd(line), expected, "{}", String::from_utf8_lossy(line));
    }
}
