//! What a PDF says of itself: how many pages, whether it is encrypted, what in it acts when it is opened.
//!
//! Follows the file's own way to its pages: the last cross-reference section and those before it (tables, streams, both), the
//! catalogue, the tree of pages. Memory, depth and work are bounded; what a hostile file asks beyond that is a flaw. It does not look
//! into the pages, repairs nothing, and decrypts nothing.

mod object;
mod stream;
mod tree;
mod xref;

use std::fmt;

use crate::model::rules::by_number::OrderNamed;

pub use object::{MOST_DEPTH, Object};

/// No delivery note is larger; the bytes are held in memory while they are looked at, and stand in the database.
pub const MOST_BYTES: u64 = 8 * 1024 * 1024;
/// Where a PDF ends: what stands behind its end mark is padding of a transfer.
const TAIL_BYTES: usize = 1024;
/// More objects have only books.
const MOST_OBJECTS: usize = 50_000;
/// Bytes that may be read as objects, unpacked ones among them: a file that sends its reader round and round is left.
const MOST_WORK: usize = 96 * 1024 * 1024;
/// Bytes that its packed cross-references and objects may have when they are unpacked, together.
const MOST_UNPACKED: usize = 32 * 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub pages: u32,
    /// Each once, in the order of `Active`.
    pub active: Vec<Active>,
}

/// What does more than being shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Active {
    Script,
    Launch,
    Sends,
    Files,
}

impl fmt::Display for Active {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Active::Script => "JavaScript",
            Active::Launch => "a command to start a program or open a file",
            Active::Sends => "a form that sends or fetches data",
            Active::Files => "embedded files",
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// It does not begin with %PDF-.
    NoPdf,
    /// Its last bytes hold no %%EOF.
    Cut,
    Encrypted,
    /// In words that go on a sentence: "its … ".
    Broken(&'static str),
    /// It asks for more than any real one.
    TooMuch(&'static str),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::NoPdf => f.write_str("it does not begin with %PDF-"),
            Flaw::Cut => f.write_str("it ends without %%EOF, so it is not whole"),
            Flaw::Encrypted => f.write_str("it is encrypted, so that its pages cannot be counted"),
            Flaw::Broken(what) => write!(f, "its {what}"),
            Flaw::TooMuch(what) => write!(f, "it has {what}"),
        }
    }
}

/// What an intake asks of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub pages: u32,
    /// What acts when it is opened is taken too.
    pub takes_active: bool,
}

/// One that can go on with an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    pub name: String,
    pub bytes: Vec<u8>,
    pub pages: u32,
    /// It came alone, and its name says this one; none: it came with its order.
    pub order: Option<OrderNamed>,
}

/// What it says, or why it cannot be believed.
pub fn look(bytes: &[u8]) -> Result<Seen, Flaw> {
    if !bytes.starts_with(b"%PDF-") {
        return Err(Flaw::NoPdf);
    }
    let tail = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
    if find_last(tail, b"%%EOF").is_none() {
        return Err(Flaw::Cut);
    }
    let mut file = xref::File::open(bytes)?;
    if file.is_encrypted {
        return Err(Flaw::Encrypted);
    }
    let pages = tree::count(&mut file)?;
    Ok(Seen { pages, active: tree::active(&mut file)? })
}

fn find_last(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).rposition(|window| window == what)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
