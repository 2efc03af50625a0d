//! What the name of a partner's file says: a pattern with parts in braces, read once, whose parts fill fields of every message.
//! What the rows say must then agree with it.
//!
//! `ord_{order}_{stamp:[0-9]{12}}.csv`: a part is anything, or what the expression behind its colon says. Of two ways to cut a
//! name the one with the longer first part is taken.

use std::io;

use regex::{Regex, RegexBuilder};

use super::plan::{Field, Place as FieldPlace};
use super::{DecodeContext, Input};
use crate::model::diagnostic::{Place, Problem};
use crate::model::wording;

/// Parts that every name has: itself, itself without its ending, and a number made of the content, the same for the same.
pub const BUILT_IN: [&str; 3] = ["name", "stem", "digest"];
/// Characters of the content's number: no two files of a partner share them by chance.
const DIGEST_CHARS: usize = 12;
const CHUNK_BYTES: usize = 64 << 10;
/// A compiled pattern may take so much memory.
const COMPILED_BYTES: usize = 1 << 20;

/// `[file_name]` of a layout.
#[derive(Debug)]
pub struct Naming {
    pub shape: Option<NameShape>,
    /// Their places are parts of the name.
    pub fields: Vec<Field>,
}

/// A pattern, compiled.
#[derive(Debug, Clone)]
pub struct NameShape {
    source: String,
    regex: Regex,
    names: Vec<String>,
}

/// What one name says: the text of each field of the naming, or why it is not such a name.
pub type Named = Result<Vec<String>, Box<Problem>>;

impl NameShape {
    pub fn parse(source: &str) -> Result<Self, String> {
        Self::compile(source, false)
    }

    /// Capital and small letters are one.
    pub fn parse_any_case(source: &str) -> Result<Self, String> {
        Self::compile(source, true)
    }

    fn compile(source: &str, any_case: bool) -> Result<Self, String> {
        let (mut regex, mut names, mut rest) = ("^".to_string(), Vec::new(), source);
        while let Some(open) = rest.find('{') {
            regex.push_str(&regex::escape(&rest[..open]));
            let length = closing(&rest[open..]).ok_or(format!("the brace in \"{source}\" is never closed."))?;
            let part = &rest[open + 1..open + length];
            let (name, like) = part.split_once(':').unwrap_or((part, ".+"));
            let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            if !is_name || names.iter().any(|known| known == name) || BUILT_IN.contains(&name) {
                return Err(format!(
                    "{{{part}}} cannot be a part; expected a name of its own of letters and digits, like {{order}}."
                ));
            }
            names.push(name.to_string());
            regex.push_str(&format!("(?P<part{}>{like})", names.len()));
            rest = &rest[open + length + 1..];
        }
        regex.push_str(&regex::escape(rest));
        regex.push('$');
        let compiled =
            RegexBuilder::new(&regex).case_insensitive(any_case).size_limit(COMPILED_BYTES).build().map_err(|_| {
                format!("\"{source}\" holds an expression that cannot be read; expected {{part:[0-9]+}}.")
            })?;
        Ok(NameShape { source: source.to_string(), regex: compiled, names })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    /// What the parts of a name say, in the order of `names`; nothing where it is not such a name.
    pub fn parts<'n>(&self, name: &'n str) -> Option<Vec<&'n str>> {
        let captures = self.regex.captures(name)?;
        let part = |nth| captures.name(&format!("part{nth}")).map_or("", |found| found.as_str());
        Some((1..=self.names.len()).map(part).collect())
    }

    /// The name whose parts say this, for a person: a part of which nothing is known is `*`.
    pub fn filled(&self, said: &dyn Fn(&str) -> Option<String>) -> String {
        let (mut name, mut rest) = (String::new(), self.source.as_str());
        while let Some((open, length)) = rest.find('{').and_then(|open| Some((open, closing(&rest[open..])?))) {
            name.push_str(&rest[..open]);
            let part = &rest[open + 1..open + length];
            let part = part.split_once(':').map_or(part, |(part, _)| part);
            name.push_str(&said(part).unwrap_or_else(|| "*".to_string()));
            rest = &rest[open + length + 1..];
        }
        name + rest
    }

    fn part<'n>(&self, name: &'n str, part: &str) -> Option<&'n str> {
        let nth = self.names.iter().position(|known| known == part)? + 1;
        self.regex.captures(name)?.name(&format!("part{nth}")).map(|found| found.as_str())
    }
}

/// Index of the brace that closes the first one.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.char_indices().find_map(|(at, c)| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        (depth == 0).then_some(at)
    })
}

impl Naming {
    /// Reads the name, and the content where its number is wanted.
    pub fn read(&self, context: &DecodeContext<'_>, input: &mut dyn Input) -> io::Result<Named> {
        let name = context.file_name;
        // A beginning that is only looked at has no name.
        if let Some(shape) = self.shape.as_ref().filter(|shape| !name.is_empty() && !shape.regex.is_match(name)) {
            let place = Place { field: "file name".to_string(), ..Place::default() };
            return Ok(Err(Box::new(wording::file_misnamed(place, name, &shape.source))));
        }
        let mut texts = Vec::new();
        for field in &self.fields {
            let FieldPlace::One(spot) = &field.place else { continue };
            texts.push(match spot.name() {
                "name" => name.to_string(),
                "stem" => name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_string(),
                "digest" => digest(input)?,
                part => self.shape.as_ref().and_then(|shape| shape.part(name, part)).unwrap_or_default().to_string(),
            });
        }
        Ok(Ok(texts))
    }
}

fn digest(input: &mut dyn Input) -> io::Result<String> {
    input.rewind()?;
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match input.read(&mut chunk)? {
            0 => break,
            count => hasher.update(&chunk[..count]),
        };
    }
    input.rewind()?;
    Ok(hasher.finalize().to_hex()[..DIGEST_CHARS].to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_into_their_parts() {
        let shape = NameShape::parse("ord_{order}_{stamp:[0-9]{12}}.csv").unwrap();
        let name = "ord_ABC-1_5_160308143000.csv";
        assert_eq!((shape.part(name, "order"), shape.part(name, "stamp")), (Some("ABC-1_5"), Some("160308143000")));
        assert_eq!(shape.part("ord_ABC_1603.csv", "order"), None);
        assert_eq!(shape.part("xord_A_160308143000.csv", "order"), None);
        assert_eq!(NameShape::parse("a+b.txt").unwrap().regex.as_str(), r"^a\+b\.txt$");
        for wrong in ["{order", "{}", "{a}{a}", "{name}", "{a:(}"] {
            assert!(NameShape::parse(wrong).is_err(), "{wrong}");
        }
    }
}
