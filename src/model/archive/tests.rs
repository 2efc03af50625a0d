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

/// A member by hand, plain: its header with so many bytes of an extra field to come.
fn plain_header(name: &str, content: &[u8], extra: u16) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let size = content.len() as u32;
    let mut out = b"PK\x03\x04\x14\0\0\0\0\0\0\0\x21\0".to_vec();
    out.extend([crc.sum(), size, size].iter().flat_map(|n| n.to_le_bytes()));
    out.extend([name.len() as u16, extra].iter().flat_map(|n| n.to_le_bytes()));
    out.extend(name.as_bytes());
    out
}

/// The directory of members by hand: each header, and where it stands.
fn directory_of(members: &[(&[u8], u32)], starts: u32) -> Vec<u8> {
    let mut out = Vec::new();
    for (header, offset) in members {
        out.extend(b"PK\x01\x02\x14\0");
        // The extra field stands with the member alone.
        out.extend(&header[4..28]);
        out.extend([0; 12]);
        out.extend(offset.to_le_bytes());
        out.extend(&header[30..]);
    }
    let (count, bytes) = (members.len() as u16, out.len() as u32);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].iter().flat_map(|n| n.to_le_bytes()));
    out.extend([bytes, starts].iter().flat_map(|n| n.to_le_bytes()));
    out.extend([0, 0]);
    out
}

/// Each header hides the next one in its extra field, and all unpack the same bytes.
#[test]
fn headers_that_quote_each_other_are_members_over_each_other() {
    let content = [b'x'; 40];
    let (second, alone) = (plain_header("b", &content, 0), plain_header("a", &content, 0));
    let first = plain_header("a", &content, second.len() as u16);
    let mut bytes = [&first[..], &second, &content].concat();
    let starts = bytes.len() as u32;
    bytes.extend(directory_of(&[(&first, 0), (&second, first.len() as u32)], starts));
    assert!(matches!(unpacked(&bytes), Err(Flaw::Damaged(text)) if text.contains("over each other")));

    // Apart from each other the same two are well.
    let mut bytes = [&alone[..], &content, &second, &content].concat();
    let starts = bytes.len() as u32;
    bytes.extend(directory_of(&[(&alone, 0), (&second, (alone.len() + content.len()) as u32)], starts));
    assert_eq!(unpacked(&bytes).unwrap().len(), 2);
    // A checksum that is not that of a plain member.
    bytes[alone.len()] = b'y';
    assert!(matches!(unpacked(&bytes), Err(Flaw::Damaged(text)) if text.contains("\"a\" has another checksum")));
}

/// Programs that do not know how large a file will be leave room for large sizes before each.
#[test]
fn a_member_may_say_its_sizes_where_large_ones_have_room() {
    let content = b"order;4711;5\n";
    let told = plain_header("a.csv", content, 0);
    let wide = |size: u64| {
        let mut header = plain_header("a.csv", content, 20);
        header[18..26].fill(0xFF);
        header.extend([1, 0, 16, 0]);
        header.extend([size, size].iter().flat_map(|n| n.to_le_bytes()));
        let mut bytes = [&header[..], content].concat();
        let starts = bytes.len() as u32;
        bytes.extend(directory_of(&[(&told, 0)], starts));
        bytes
    };
    assert_eq!(unpacked(&wide(content.len() as u64)).unwrap(), [("a.csv".to_string(), content.to_vec())]);
    // The directory counts: whatever the member says, no more is given.
    assert_eq!(unpacked(&wide(u64::MAX)).unwrap()[0].1, content);
}
