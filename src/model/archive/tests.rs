//! Archives that are written are read again; flawed ones are told with their flaw.

use std::io::{Cursor, Read, Write};

use super::*;

const LIMITS: Limits = Limits { members: 10, bytes: 64 << 20 };

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Vec::new());
    for (name, bytes) in members {
        let mut member = writer.begin(name).unwrap();
        member.write_all(bytes).unwrap();
        member.end().unwrap();
    }
    writer.finish().unwrap()
}

fn unpacked(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Flaw> {
    let mut input = Cursor::new(bytes);
    let read = |input: &mut Cursor<&[u8]>| -> io::Result<Vec<(String, Vec<u8>)>> {
        let directory = Directory::read(input, LIMITS)?;
        let mut found = Vec::new();
        for entry in &directory.entries {
            let mut content = Vec::new();
            Member::open(&mut *input, &directory, entry)?.read_to_end(&mut content)?;
            found.push((entry.name.clone(), content));
        }
        Ok(found)
    };
    read(&mut input).map_err(|error| flaw_of(&error).cloned().unwrap_or_else(|| panic!("{error}")))
}

/// Python's zipfile, plain and packed, one name in CP437.
const STORED: &[u8] = b"PK\x03\x04\x14\x00\x00\x00\x00\x00\x00\x00!\x00\xac*\x93\xd8\x02\x00\x00\x00\x02\x00\x00\x00\x05\x00\x00\x00\x84.txthiPK\x01\x02\x14\x03\x14\x00\x00\x00\x00\x00\x00\x00!\x00\xac*\x93\xd8\x02\x00\x00\x00\x02\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x01\x00\x00\x00\x00\x84.txtPK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x003\x00\x00\x00%\x00\x00\x00\x00\x00";

#[test]
fn what_is_written_is_read_again_and_always_the_same() {
    let long = b"order;4711;5\n".repeat(10_000);
    let members: [(&str, &[u8]); 3] = [("a.csv", &long), ("under/ä.csv", b""), ("c.csv", b"x")];
    let bytes = archive(&members);
    assert_eq!(bytes, archive(&members));
    assert!(bytes.len() < long.len() / 50);
    let found = unpacked(&bytes).unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(
        (found[0].1.as_slice(), found[1].0.as_str(), found[2].1.as_slice()),
        (&long[..], "under/ä.csv", &b"x"[..])
    );
}

#[test]
fn a_copied_member_is_the_same_member() {
    let bytes = archive(&[("a", b"aaaaaaaaaaaaaaaaaaaaaaa"), ("b", b"b")]);
    let mut input = Cursor::new(&bytes[..]);
    let directory = Directory::read(&mut input, LIMITS).unwrap();
    let mut writer = ArchiveWriter::new(Vec::new());
    for entry in &directory.entries {
        writer.copy(entry, &mut raw(&mut input, &directory, entry).unwrap()).unwrap();
    }
    assert_eq!(unpacked(&writer.finish().unwrap()), unpacked(&bytes));
}

#[test]
fn names_of_old_programs_are_in_the_code_page_of_the_pc() {
    assert_eq!(unpacked(STORED).unwrap(), [("ä.txt".to_string(), b"hi".to_vec())]);
    // A byte that changed on the way.
    let changed: Vec<u8> = STORED.iter().map(|b| if *b == b'h' { b'H' } else { *b }).collect();
    assert!(
        matches!(unpacked(&changed), Err(Flaw::Damaged(text)) if text.contains("ä.txt") && text.contains("checksum"))
    );
}

/// Changes bytes of the one entry in the directory (from its beginning) and of the member's own header alike.
fn changed(at: usize, with: &[u8]) -> Vec<u8> {
    let mut bytes = archive(&[("a.csv", b"aaaaaaaaaaaaaaaaaaaaaaa")]);
    let central = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    bytes[central + at..central + at + with.len()].copy_from_slice(with);
    if at < 28 {
        bytes[at - 2..at - 2 + with.len()].copy_from_slice(with);
    }
    bytes
}

#[test]
fn every_flaw_has_its_sentence() {
    let text = |bytes: &[u8]| unpacked(bytes).unwrap_err().to_string();
    let whole = archive(&[("a.csv", b"aaaaaaaaaaaaaaaaaaaaaaa")]);
    assert!(matches!(unpacked(&whole[..whole.len() - 1]), Err(Flaw::Cut(_))));
    assert!(matches!(unpacked(b"PK\x03\x04"), Err(Flaw::Cut(_))));
    assert!(text(&changed(8, &[9])).contains("is encrypted"));
    assert!(text(&changed(10, &[14])).contains("packed by method 14"));
    assert!(text(&changed(46, b"../xy")).contains("leads out"));
    assert!(text(&changed(46, b"C:\\xy")).contains("leads out"));
    assert!(text(&changed(46, b"/a.cs")).contains("leads out"));
    assert!(text(&changed(46, b"b.csv")).contains("is not where"));
    assert!(text(&changed(24, &[22])).contains("more than its directory says"));
    assert!(text(&changed(24, &[24])).contains("less than its directory says"));
    assert!(text(&changed(16, &[1, 2, 3, 4])).contains("checksum"));
    assert!(text(&changed(42, &[1])).contains("is not where"));
    assert!(text(&changed(20, &[0xFF, 0xFF])).contains("does not lie"));
    // A gigabyte in nothing.
    assert!(matches!(unpacked(&changed(24, &[0, 0, 0, 2])), Err(Flaw::Limit(text)) if text.contains("32 MiB")));
    let many: Vec<(String, &[u8])> = (0..11).map(|n| (n.to_string(), &b"x"[..])).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    assert!(text(&archive(&many)).contains("11 members"));
    // Two entries for one member.
    let mut two = archive(&[("a", b"one"), ("a", b"one")]);
    let second = two.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
    two[second + 42..second + 46].copy_from_slice(&[0; 4]);
    assert!(text(&two).contains("over each other"));
}

#[test]
fn large_sizes_are_read_from_where_they_have_room() {
    // The one entry says its sizes in a ZIP64 field, the end in records of its own.
    let plain = archive(&[("a.csv", b"aaaaaaaaaaaaaaaaaaaaaaa")]);
    let central = plain.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let end = plain.windows(4).position(|w| w == b"PK\x05\x06").unwrap();
    let (packed, size) = (u32_at(&plain, central + 20), u32_at(&plain, central + 24));
    let mut bytes = plain[..end].to_vec();
    bytes[central + 20..central + 28].fill(0xFF);
    bytes[central + 30] = 20;
    bytes.extend([1, 0, 16, 0]);
    bytes.extend(u64::from(size).to_le_bytes());
    bytes.extend(u64::from(packed).to_le_bytes());
    let (wide_at, length) = (bytes.len() as u64, bytes.len() - central);
    bytes.extend(b"PK\x06\x06");
    bytes.extend(44u64.to_le_bytes());
    bytes.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [1, 1, length as u64, central as u64] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(b"PK\x06\x07\0\0\0\0");
    bytes.extend(wide_at.to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([0xFF; 12]);
    bytes.extend([0, 0]);
    assert_eq!(unpacked(&bytes), unpacked(&plain));
}
