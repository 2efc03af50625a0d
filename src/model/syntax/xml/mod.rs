//! XML, read as a stream of opened elements, text and closed elements, each with its place in the sender's own bytes.
//!
//! `token` finds the pieces, `reader` checks what they are together: one root, nothing outside it, its end, names,
//! attributes, prefixes, entities, limits. `window` holds the part of the file that is in memory, `charset` its encoding,
//! `names` the open elements and namespaces. `write` is the other direction. Nothing here knows what an element means.
//!
//! It is our own because every XML library here leaves most of these checks and all places in the sender's bytes to its
//! user, and because finding the tags is the small and fast part of it; quick-xml is the oracle of a differential test.

mod attributes;
mod charset;
mod escape;
mod names;
mod reader;
mod token;
mod window;
mod write;

pub use attributes::Attribute;
pub use charset::Charset;
pub use escape::{escape_attribute, escape_text, is_allowed};
pub use reader::{End, Halt, Tag, Visitor, Written, read};
pub use window::Spot;
pub use write::{Mark, XmlText};

/// Elements within elements; the deepest published layout has 12.
pub const DEPTH_LIMIT: usize = 64;
/// Bytes of a start tag with its attributes.
pub const TAG_LIMIT_BYTES: usize = 64 * 1024;
/// Bytes of an element's or attribute's name.
pub const NAME_LIMIT_BYTES: usize = 256;
/// Attributes of one element.
pub const ATTRIBUTE_LIMIT: usize = 256;

#[cfg(test)]
mod tests;
