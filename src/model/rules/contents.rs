//! The bytes of documents beside their manifests: which files are such bytes, what they are by their beginning, and whether what a
//! manifest says is true of what is there. Pure; what is there is asked elsewhere.

use std::time::Duration;

use crate::model::diagnostic::{Place, Problem, shown};
use crate::model::remote_name::matches;
use crate::model::wording::manifest as words;

/// So much of its beginning says what a file is.
pub const HEAD_BYTES: usize = 16;

/// `contents` of an intake.
#[derive(Debug, Clone)]
pub struct Contents {
    /// Names of files that are bytes of documents: `*.pdf`.
    pub names: Vec<String>,
    /// So long a manifest waits for its files.
    pub within: Duration,
}

/// A file of bytes, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub name: String,
    pub sha256: String,
    pub bytes: u64,
    /// As its beginning says; empty where that says nothing.
    pub mime: &'static str,
}

impl Contents {
    pub fn takes(&self, name: &str) -> bool {
        self.names.iter().any(|pattern| matches(pattern.as_bytes(), name.as_bytes()))
    }
}

/// What a beginning says, with the endings of names that promise it.
const KNOWN: [(&str, &[&str]); 8] = [
    ("application/pdf", &["pdf"]),
    ("image/jpeg", &["jpg", "jpeg"]),
    ("image/png", &["png"]),
    ("image/gif", &["gif"]),
    ("image/tiff", &["tif", "tiff"]),
    ("image/webp", &["webp"]),
    ("video/mp4", &["mp4", "m4v"]),
    ("application/zip", &["zip"]),
];

/// Empty where the beginning is none that is known.
pub fn mime_of(head: &[u8]) -> &'static str {
    let at = |from: usize, word: &[u8]| head.get(from..from + word.len()) == Some(word);
    match head {
        _ if at(0, b"%PDF-") => "application/pdf",
        _ if at(0, b"\xff\xd8\xff") => "image/jpeg",
        _ if at(0, b"\x89PNG\r\n\x1a\n") => "image/png",
        _ if at(0, b"GIF87a") || at(0, b"GIF89a") => "image/gif",
        _ if at(0, b"II*\0") || at(0, b"MM\0*") => "image/tiff",
        _ if at(0, b"RIFF") && at(8, b"WEBP") => "image/webp",
        _ if at(4, b"ftyp") => "video/mp4",
        _ if at(0, b"PK\x03\x04") => "application/zip",
        _ => "",
    }
}

/// What its ending promises, where that is one of those that can be told from the beginning.
fn promised(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    let ending = ending.to_ascii_lowercase();
    KNOWN.iter().find(|(_, endings)| endings.contains(&ending.as_str())).map(|(mime, _)| *mime)
}

/// Why these bytes are not what their name says; an empty file is nothing at all.
pub fn flaw(content: &Content) -> Option<Problem> {
    if content.bytes == 0 {
        return Some(words::content_empty(&content.name));
    }
    let promised = promised(&content.name)?;
    (promised != content.mime).then(|| words::content_no_such(&content.name, promised, content.mime))
}

/// A name that stays in its folder, wherever a file is written under it.
pub fn is_safe_name(name: &str) -> bool {
    let leads_out = |c: char| matches!(c, '/' | '\\' | '\0') || c.is_control();
    !matches!(name.trim(), "" | "." | "..") && !name.contains(leads_out)
}

/// What a manifest says of its file.
#[derive(Debug, Clone, Default)]
pub struct Said {
    pub file_name: String,
    pub sha256: Option<String>,
    pub bytes: Option<i64>,
    pub mime: Option<String>,
}

/// A content of that name that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub sha256: String,
    pub bytes: i64,
    pub mime: String,
    /// A document has it already.
    pub is_named: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Found<'k> {
    This(&'k Known),
    /// It is still to come.
    Missing,
    Other(Problem),
}

/// Which of the contents of this name, the newest first, a manifest means. One that a document has already and that the manifest does
/// not describe is an older revision: the new one is still to come. One that nobody has named is the one that was sent for it.
pub fn find<'k>(said: &Said, known: &'k [Known], place: &Place) -> Found<'k> {
    if let Some(sha256) = &said.sha256
        && let Some(same) = known.iter().find(|known| known.sha256 == *sha256)
    {
        // Its bytes are what the manifest says they are, so a size or a type beside them that differs will not come true.
        return match differs(said, same, place) {
            Some(problem) => Found::Other(problem),
            None => Found::This(same),
        };
    }
    let Some(newest) = known.first() else { return Found::Missing };
    match differs(said, newest, place) {
        None => Found::This(newest),
        Some(_) if newest.is_named => Found::Missing,
        Some(problem) => Found::Other(problem),
    }
}

fn differs(said: &Said, known: &Known, place: &Place) -> Option<Problem> {
    let told = |what: &str, said: &str, found: &str| Some(words::content_mismatch(place.clone(), what, (said, found)));
    let name = &said.file_name;
    if let Some(sha256) = said.sha256.as_ref().filter(|sha256| **sha256 != known.sha256) {
        return told(&format!("the SHA-256 of \"{}\"", shown(name)), sha256, &known.sha256);
    }
    // 0 is said by those who do not know.
    if let Some(bytes) = said.bytes.filter(|bytes| *bytes != 0 && *bytes != known.bytes) {
        return told(&format!("the size of \"{}\"", shown(name)), &bytes.to_string(), &known.bytes.to_string());
    }
    let mime = said.mime.as_ref()?;
    let can_be_told = KNOWN.iter().any(|(known, _)| known == mime);
    (can_be_told && *mime != known.mime).then_some(())?;
    told(
        &format!("the media type of \"{}\"", shown(name)),
        mime,
        if known.mime.is_empty() { "another" } else { &known.mime },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(sha256: &str, bytes: i64, is_named: bool) -> Known {
        Known { sha256: sha256.to_string(), bytes, mime: "application/pdf".to_string(), is_named }
    }

    fn said(sha256: Option<&str>, bytes: Option<i64>, mime: Option<&str>) -> Said {
        Said { file_name: "a.pdf".into(), sha256: sha256.map(Into::into), bytes, mime: mime.map(Into::into) }
    }

    #[test]
    fn the_content_that_is_meant() {
        let (old, new) = (known("aa", 10, true), known("bb", 20, false));
        let both = [new.clone(), old.clone()];
        let place = Place::default();
        let this = |said: Said, all: &[Known]| match find(&said, all, &place) {
            Found::This(known) => known.sha256.clone(),
            Found::Missing => "missing".to_string(),
            Found::Other(problem) => problem.code.to_string(),
        };
        assert_eq!(this(said(None, None, None), &both), "bb");
        assert_eq!(this(said(Some("aa"), None, None), &both), "aa");
        assert_eq!(this(said(Some("cc"), None, None), &both), "content-mismatch");
        assert_eq!(this(said(Some("cc"), None, None), std::slice::from_ref(&old)), "missing");
        assert_eq!(this(said(None, Some(11), None), std::slice::from_ref(&old)), "missing");
        assert_eq!(this(said(None, Some(21), None), &both), "content-mismatch");
        assert_eq!(this(said(None, Some(0), None), &both), "bb");
        assert_eq!(this(said(Some("bb"), Some(21), None), &both), "content-mismatch");
        assert_eq!(this(said(None, None, Some("image/png")), &both), "content-mismatch");
        assert_eq!(this(said(None, None, Some("model/step")), &both), "bb");
        assert_eq!(this(said(None, None, None), &[]), "missing");
    }

    #[test]
    fn names_that_lead_elsewhere() {
        for name in ["", " ", ".", "..", "../x", "a/b", "/etc/x", "a\\b", "a\0b", "a\nb"] {
            assert!(!is_safe_name(name), "{name:?}");
        }
        for name in ["a.pdf", "Übersicht 3.pdf", "..pdf", "a..b"] {
            assert!(is_safe_name(name), "{name:?}");
        }
    }

    #[test]
    fn what_a_beginning_says() {
        let content = |name: &str, head: &[u8]| Content {
            name: name.to_string(),
            sha256: String::new(),
            bytes: head.len() as u64,
            mime: mime_of(head),
        };
        assert_eq!(flaw(&content("a.PDF", b"%PDF-1.7\n")), None);
        assert_eq!(flaw(&content("a.jpeg", b"\xff\xd8\xff\xe0")), None);
        assert_eq!(flaw(&content("a.mp4", b"\0\0\0\x18ftypmp42")), None);
        assert_eq!(flaw(&content("a.step", b"ISO-10303-21;")), None);
        for (name, head) in
            [("a.pdf", &b"MZ\x90"[..]), ("a.png", b"\xff\xd8\xff"), ("a.jpg", b"<html>"), ("a.step", b"")]
        {
            assert_eq!(flaw(&content(name, head)).map(|problem| problem.code), Some("content-invalid"), "{name}");
        }
    }
}
