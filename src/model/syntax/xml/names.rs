//! The elements that are open: their names, and the namespaces declared on them.

/// So many names of a path are shown: no real message is as deep, and a hostile one would fill the reason.
const PATH_SHOWN: usize = 20;

/// Open elements, outermost first, without an allocation per element.
#[derive(Debug, Default)]
pub struct OpenNames {
    text: String,
    ends: Vec<usize>,
}

impl OpenNames {
    pub fn push(&mut self, name: &str) {
        self.text.push_str(name);
        self.ends.push(self.text.len());
    }

    /// The innermost.
    pub fn last(&self) -> Option<&str> {
        let end = *self.ends.last()?;
        Some(&self.text[self.start_of_last()..end])
    }

    pub fn pop(&mut self) {
        self.text.truncate(self.start_of_last());
        self.ends.pop();
    }

    fn start_of_last(&self) -> usize {
        self.ends.len().checked_sub(2).map_or(0, |outer| self.ends[outer])
    }

    pub fn depth(&self) -> usize {
        self.ends.len()
    }

    /// `orders/order/qty`, for people; of one that is very deep the beginning and the end.
    pub fn path(&self) -> String {
        let mut from = 0;
        let mut names: Vec<&str> =
            self.ends.iter().map(|end| &self.text[std::mem::replace(&mut from, *end)..*end]).collect();
        if names.len() > PATH_SHOWN {
            names.splice(PATH_SHOWN / 2..names.len() - PATH_SHOWN / 2, ["…"]);
        }
        names.join("/")
    }
}

/// Prefixes bound to namespaces by the open elements.
#[derive(Debug, Default)]
pub struct Spaces {
    bindings: Vec<Binding>,
}

#[derive(Debug)]
struct Binding {
    depth: usize,
    prefix: Box<str>,
    uri: Box<str>,
}

const XML_SPACE: &str = "http://www.w3.org/XML/1998/namespace";

impl Spaces {
    /// Binds a prefix (empty: the default) for the element at this depth and what it contains.
    pub fn bind(&mut self, depth: usize, prefix: &str, uri: &str) {
        self.bindings.push(Binding { depth, prefix: prefix.into(), uri: uri.into() });
    }

    /// Forgets what was bound at this depth or deeper.
    pub fn leave(&mut self, depth: usize) {
        while self.bindings.last().is_some_and(|b| b.depth >= depth) {
            self.bindings.pop();
        }
    }

    /// The namespace of a prefix; `None` when it was never declared. The default prefix is always known, maybe empty.
    pub fn find(&self, prefix: &str) -> Option<&str> {
        match self.bindings.iter().rev().find(|b| *b.prefix == *prefix) {
            Some(binding) => Some(&binding.uri),
            None if prefix.is_empty() => Some(""),
            None if prefix == "xml" => Some(XML_SPACE),
            None => None,
        }
    }
}

/// Splits `p:name`; the prefix is empty where there is none.
pub fn split(name: &str) -> (&str, &str) {
    match memchr::memchr(b':', name.as_bytes()) {
        Some(at) => (&name[..at], &name[at + 1..]),
        None => ("", name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_names_are_a_stack() {
        let mut open = OpenNames::default();
        for name in ["orders", "order", "qty"] {
            open.push(name);
        }
        assert_eq!((open.path().as_str(), open.last(), open.depth()), ("orders/order/qty", Some("qty"), 3));
        open.pop();
        assert_eq!(open.last(), Some("order"));
        open.pop();
        open.pop();
        assert_eq!((open.last(), open.depth()), (None, 0));
        for depth in 0..100 {
            open.push(if depth < 98 { "a" } else { "b" });
        }
        assert_eq!(open.path(), format!("{}…{}/b/b", "a/".repeat(10), "/a".repeat(8)));
    }

    #[test]
    fn prefixes_are_bound_inside_their_element_only() {
        let mut spaces = Spaces::default();
        spaces.bind(1, "", "urn:a");
        spaces.bind(2, "p", "urn:p");
        spaces.bind(3, "", "");
        assert_eq!((spaces.find(""), spaces.find("p"), spaces.find("q")), (Some(""), Some("urn:p"), None));
        spaces.leave(3);
        assert_eq!(spaces.find(""), Some("urn:a"));
        spaces.leave(2);
        assert_eq!((spaces.find("p"), spaces.find("xml")), (None, Some(XML_SPACE)));
    }
}
