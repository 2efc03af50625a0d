//! Which encoding a sample is in: what it says itself, else whether it is UTF-8, else the code page in which its letters stand
//! among letters.

use crate::model::syntax::encoding::Encoding;

/// Tried where it is not UTF-8, in the order in which they are taken when alike.
const PAGES: [&str; 6] = ["cp1252", "cp850", "cp437", "cp865", "cp1250", "iso-8859-2"];
/// Letters of the languages that partners write, by how common they are.
const COMMON: &str = "äöüßÄÖÜåÅéÉæøÆØèàëïçñáíóúêâôîûœ";
const RARE: &str = "łŁśŚżŻźŹćĆńŃąĄęĘšŠčČřŘžŽěĚůŮýÝőŐűŰãõÃÕìòùÈÀÊÇÑÁÍÓÚ";
/// Signs that stand in trade texts.
const SIGNS: &str = "€°²³½¼®©§µ–—’“”„…×·±«»\u{a0}";

/// A sample as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    pub name: String,
    pub text: String,
    pub sure: u8,
    pub why: String,
    pub bom: bool,
}

pub fn decode(bytes: &[u8]) -> Decoded {
    if let [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] = bytes {
        let text = encoding_rs::UTF_16LE.decode(bytes).0.into_owned();
        return said("utf-16", text, 100, "its byte order mark", true);
    }
    let (bytes, bom) = match bytes.strip_prefix(b"\xEF\xBB\xBF") {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    if let Some(label) = declared(bytes)
        && let Some(encoding) = Encoding::named(&label)
    {
        let mut text = String::new();
        if encoding.decode(bytes, &mut text).is_ok() {
            return said(encoding.name(), text, 100, "its XML declaration", bom);
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return match (bom, text.is_ascii()) {
            (true, _) => said("utf-8", text.to_string(), 100, "its byte order mark", true),
            (_, true) => {
                said("utf-8", text.to_string(), 50, "it is all ASCII: nothing shows what other letters would be", false)
            }
            _ => said("utf-8", text.to_string(), 95, "its letters are valid UTF-8", false),
        };
    }
    let mut read: Vec<(i64, &str, String)> = PAGES
        .iter()
        .filter_map(|page| {
            let mut text = String::new();
            Encoding::named(page)?.decode(bytes, &mut text).ok()?;
            Some((score(&text), *page, text))
        })
        .collect();
    // A stable sort: the first of those alike stays first.
    read.sort_by_key(|(score, ..)| std::cmp::Reverse(*score));
    let next = read.get(1).map_or(0, |(score, ..)| *score);
    match read.into_iter().next() {
        Some((score, page, text)) => {
            let sure = if score > next { 85 } else { 60 };
            said(page, text, sure, "in it the letters beyond ASCII stand in words", false)
        }
        None => said("latin-1", bytes.iter().map(|b| *b as char).collect(), 10, "no encoding fits", false),
    }
}

fn said(name: &str, text: String, sure: u8, why: &str, bom: bool) -> Decoded {
    Decoded { name: name.to_string(), text, sure, why: why.to_string(), bom }
}

/// `encoding="…"` of an XML declaration.
fn declared(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    let declaration = head.trim_start().strip_prefix("<?xml")?.split("?>").next()?.to_string();
    let rest = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some(rest[1..].split(quote).next()?.to_string())
}

/// Each character beyond ASCII, by what it is and what stands beside it.
fn score(text: &str) -> i64 {
    let chars: Vec<char> = text.chars().collect();
    let letter = |at: Option<&char>| at.is_some_and(|c| c.is_alphabetic());
    let mut score = 0;
    for (at, c) in chars.iter().enumerate().filter(|(_, c)| !c.is_ascii()) {
        let (before, after) = (at.checked_sub(1).and_then(|at| chars.get(at)), chars.get(at + 1));
        let in_word = letter(before) || letter(after);
        // A capital behind a small letter is no spelling.
        let misplaced = c.is_uppercase() && before.is_some_and(|c| c.is_lowercase());
        score += match c {
            _ if misplaced => -6,
            c if COMMON.contains(*c) => {
                if in_word {
                    10
                } else {
                    3
                }
            }
            c if RARE.contains(*c) => {
                if in_word {
                    4
                } else {
                    -2
                }
            }
            c if SIGNS.contains(*c) => 1,
            c if c.is_alphabetic() => -1,
            _ => -8,
        };
    }
    score
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(page: &str, text: &str) -> Decoded {
        let mut bytes = Vec::new();
        Encoding::named(page).unwrap().encode(text, &mut bytes).unwrap();
        decode(&bytes)
    }

    #[test]
    fn letters_in_words_tell_the_page() {
        for (page, text) in [
            ("cp1252", "Größe;Straße 5;Müller"),
            ("cp850", "Größe;Straße 5;Müller"),
            ("cp1252", "Åsa Öberg;Råsundavägen 12;Göteborg"),
            ("cp850", "Blåbær;Rødgrød;Århus;Ærø"),
            ("utf-8", "Nějaká poznámka"),
        ] {
            let found = written(page, text);
            assert_eq!((found.name.as_str(), found.text.as_str()), (page, text));
        }
        assert_eq!(decode(b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>").name, "latin-1");
        assert!(decode(b"\xEF\xBB\xBFa;b").bom);
        assert_eq!((decode(b"a;b").name.as_str(), decode(b"a;b").sure), ("utf-8", 50));
    }
}
