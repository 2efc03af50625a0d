//! Documents, pictures and archives, by the bytes that each begins with.

/// Beginnings that say it all.
const KNOWN: [(&[u8], &str); 25] = [
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"{\\rtf", "a word processor's file (RTF)"),
    (b"\x89PNG\r\n\x1A\n", "a picture (PNG)"),
    (b"\xFF\xD8\xFF", "a picture (JPEG)"),
    (b"GIF87a", "a picture (GIF)"),
    (b"GIF89a", "a picture (GIF)"),
    (b"II*\0", "a picture (TIFF)"),
    (b"MM\0*", "a picture (TIFF)"),
    (b"\x1F\x8B", "a file compressed with gzip"),
    (b"BZh", "a file compressed with bzip2"),
    (b"\xFD7zXZ\0", "a file compressed with xz"),
    (b"\x28\xB5\x2F\xFD", "a file compressed with zstd"),
    (b"\x1F\x9D", "a file compressed with compress"),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (b"Rar!\x1A\x07", "a RAR archive"),
    (b"MSCF", "a Windows cabinet archive"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"PK\x07\x08", "a ZIP archive in several parts"),
    (b"MZ", "a Windows program"),
    (b"\x7FELF", "a program"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x00\x01\x00\x00Standard Jet DB", "an Access database"),
    (b"\x00\x01\x00\x00Standard ACE DB", "an Access database"),
    (b"\x00\x00\x01\x00", "a picture (ICO)"),
];

/// Names the entries of a ZIP archive that make it an Office file.
const OFFICE: [(&str, &str); 7] = [
    ("xl/", "an Excel workbook (xlsx)"),
    ("word/", "a Word document (docx)"),
    ("ppt/", "a PowerPoint presentation (pptx)"),
    ("opendocument.spreadsheet", "an OpenDocument spreadsheet (ods)"),
    ("opendocument.text", "an OpenDocument text (odt)"),
    ("opendocument.presentation", "an OpenDocument presentation (odp)"),
    ("[Content_Types].xml", "an Office file"),
];
/// The same for the older files, which name their parts in UTF-16.
const OLD_OFFICE: [(&str, &str); 5] = [
    ("EncryptedPackage", "an Office file protected by a password"),
    ("Workbook", "an old Excel workbook (xls)"),
    ("WordDocument", "an old Word document (doc)"),
    ("PowerPoint Document", "an old PowerPoint presentation (ppt)"),
    ("__substg1.0", "an Outlook message (msg)"),
];
/// Where a tar archive says what it is.
const TAR_MARK_AT: usize = 257;

pub fn name(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"PK\x03\x04") {
        let office = OFFICE.iter().find(|(mark, _)| memchr::memmem::find(head, mark.as_bytes()).is_some());
        return Some(office.map_or("a ZIP archive", |(_, what)| what));
    }
    if head.starts_with(b"\xD0\xCF\x11\xE0") {
        let holds = |mark: &str| {
            let wide: Vec<u8> = mark.encode_utf16().flat_map(u16::to_le_bytes).collect();
            memchr::memmem::find(head, &wide).is_some()
        };
        return Some(OLD_OFFICE.iter().find(|(mark, _)| holds(mark)).map_or("an old Office file", |(_, what)| what));
    }
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        return Some("a picture (WebP)");
    }
    if head.starts_with(b"BM") && head.get(6..10) == Some(&[0; 4]) {
        return Some("a picture (BMP)");
    }
    if let Some(brand) = head.get(4..12).filter(|mark| mark.starts_with(b"ftyp")) {
        let picture = matches!(&brand[4..], b"heic" | b"heix" | b"mif1" | b"avif");
        return Some(if picture { "a picture (HEIC or AVIF)" } else { "a film or sound" });
    }
    if head.get(TAR_MARK_AT..TAR_MARK_AT + 5) == Some(b"ustar") {
        return Some("a tar archive");
    }
    if head.len() > 3 && head.iter().all(|byte| *byte == 0) {
        return Some("nothing but zero bytes");
    }
    // A row of text may begin with letters like these.
    let is_word = |mark: &[u8]| mark.len() <= 4 && mark.iter().all(u8::is_ascii_alphanumeric);
    let mut known = KNOWN.iter().filter(|(mark, _)| head.starts_with(mark));
    known.find(|(mark, _)| !is_word(mark) || holds_binary(head)).map(|(_, what)| *what)
}

fn holds_binary(head: &[u8]) -> bool {
    head.iter().take(512).any(|b| *b < b' ' && !matches!(b, b'\t' | b'\r' | b'\n' | 0x0C | 0x1A))
}
