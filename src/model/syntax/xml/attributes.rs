//! The attributes of one start tag: read, checked, their values made whole; their memory is used again for the next tag.

use crate::model::diagnostic::{Place, Problem};
use crate::model::wording;

use super::names::{self, Spaces};
use super::{ATTRIBUTE_LIMIT, NAME_LIMIT_BYTES, escape, token};

/// Name without prefix, and value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    pub name: &'a str,
    pub value: &'a str,
}

#[derive(Debug, Default)]
pub struct Attributes {
    spans: Vec<AttributeSpan>,
    /// All values, one behind the other.
    values: String,
}

#[derive(Debug)]
struct AttributeSpan {
    /// In the tag's text behind its name.
    name: (usize, usize),
    value: (usize, usize),
    /// It is `xmlns` or `xmlns:p`.
    declares: bool,
}

impl Attributes {
    pub fn clear(&mut self) {
        self.spans.clear();
        self.values.clear();
    }

    /// All but namespace declarations; `raw` is what they were read from.
    pub fn iter<'a>(&'a self, raw: &'a str) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        self.spans.iter().filter(|a| !a.declares).map(move |a| Attribute {
            name: names::split(&raw[a.name.0..a.name.1]).1,
            value: &self.values[a.value.0..a.value.1],
        })
    }

    /// Reads all attributes of a tag at this depth and binds the namespaces they declare.
    pub fn read(&mut self, raw: &str, depth: usize, spaces: &mut Spaces) -> Result<(), AttributeFault> {
        self.clear();
        let mut rest = raw;
        loop {
            let shown = || AttributeFault::Broken(rest.trim().to_string());
            let Some((name, value, behind)) = token::attribute(rest).map_err(|()| shown())? else { break };
            let known = |a: &AttributeSpan| raw[a.name.0..a.name.1] == *name;
            if name.len() > NAME_LIMIT_BYTES || self.spans.iter().any(known) {
                return Err(AttributeFault::Broken(format!("{name} stands there twice or is too long")));
            }
            if self.spans.len() == ATTRIBUTE_LIMIT {
                return Err(AttributeFault::TooMany);
            }
            rest = behind;
            let from = self.values.len();
            escape::push_attribute_value(value, &mut self.values)
                .map_err(|entity| AttributeFault::Entity(entity.to_string()))?;
            let value = (from, self.values.len());
            let name_at = name.as_ptr() as usize - raw.as_ptr() as usize;
            let declared = name.strip_prefix("xmlns").filter(|rest| rest.is_empty() || rest.starts_with(':'));
            if let Some(prefix) = declared {
                spaces.bind(depth, prefix.trim_start_matches(':'), &self.values[value.0..value.1]);
            }
            self.spans.push(AttributeSpan {
                name: (name_at, name_at + name.len()),
                value,
                declares: declared.is_some(),
            });
        }
        for attribute in self.spans.iter().filter(|a| !a.declares) {
            let (prefix, _) = names::split(&raw[attribute.name.0..attribute.name.1]);
            if !prefix.is_empty() && spaces.find(prefix).is_none() {
                return Err(AttributeFault::Prefix(prefix.to_string()));
            }
        }
        Ok(())
    }
}

/// What is wrong with an attribute.
pub enum AttributeFault {
    Broken(String),
    Entity(String),
    Prefix(String),
    TooMany,
}

impl AttributeFault {
    pub fn problem(self, place: Place) -> Problem {
        match self {
            AttributeFault::Broken(what) => wording::xml_broken_attribute(place, &what),
            AttributeFault::Entity(name) => wording::xml_entity(place, &name),
            AttributeFault::Prefix(prefix) => wording::xml_prefix_undeclared(place, &prefix),
            AttributeFault::TooMany => wording::xml_tag_too_long(place),
        }
    }
}
