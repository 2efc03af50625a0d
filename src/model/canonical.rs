//! An XML document as a list of what it says, so that two can be compared whatever white space stands between their elements.

use super::syntax::xml::{self, Halt, Spot, Tag, Visitor};

/// A line for each element, attribute, text; `Err` where it is no XML.
pub fn lines(bytes: &[u8]) -> Result<Vec<String>, String> {
    let mut said = Said::default();
    // Reading from memory does not fail.
    let end = xml::read(&mut &bytes[..], None, &mut said).map_err(|error| error.to_string())?;
    match end.problem {
        Some(problem) => Err(problem.to_string()),
        None => Ok(said.lines),
    }
}

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    path: Vec<String>,
    text: String,
}

impl Said {
    /// Texts come in pieces; blanks between elements say nothing.
    fn end_text(&mut self) {
        let text = std::mem::take(&mut self.text);
        if !text.trim().is_empty() {
            self.lines.push(format!("{} = {}", self.path.join("/"), text.trim()));
        }
    }
}

impl Visitor for Said {
    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Halt> {
        self.end_text();
        let space = if tag.space.is_empty() { String::new() } else { format!("{{{}}}", tag.space) };
        self.path.push(format!("{space}{}", tag.name));
        self.lines.push(self.path.join("/"));
        let mut attributes: Vec<String> =
            tag.attributes_written().map(|(name, value, _)| format!("@{name} = {value}")).collect();
        attributes.sort_unstable();
        let path = self.path.join("/");
        self.lines.extend(attributes.into_iter().map(|attribute| format!("{path}/{attribute}")));
        Ok(())
    }

    fn text(&mut self, piece: &str) -> Result<(), Halt> {
        self.text.push_str(piece);
        Ok(())
    }

    fn close(&mut self, _: Spot) -> Result<(), Halt> {
        self.end_text();
        self.path.pop();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_between_elements_and_the_order_of_attributes_say_nothing() {
        let one = lines(b"<a><b y='2' x='1'> v </b>\n  <c/></a>").unwrap();
        assert_eq!(one, lines(b"<?xml version='1.0'?>\n<a>\n<b x='1' y='2'>v</b><c></c></a>").unwrap());
        assert_eq!(one, ["a", "a/b", "a/b/@x = 1", "a/b/@y = 2", "a/b = v", "a/c"]);
        assert_ne!(one, lines(b"<a><b y='2' x='1'>w</b><c/></a>").unwrap());
        assert!(lines(b"<a><b></a>").is_err());
    }
}
