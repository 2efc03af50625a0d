//! The `[edifact]` table of a layout.

use crate::model::document::{Section, suggest};
use crate::model::syntax::edifact::Tag;
use crate::model::syntax::edifact::charset::Charset;
use crate::model::syntax::encoding::Encoding;

#[derive(Debug, Clone)]
pub struct Options {
    /// Type of the messages read, like `ORDERS`.
    pub message: String,
    /// Versions and releases read, like `D.96A`; `D.*` for all of a kind.
    pub versions: Vec<String>,
    /// What UNH says when written, without its number: `ORDERS:D:96A:UN:EAN008`.
    pub written: Vec<String>,
    pub counts: Counts,
    /// A file with UNB and without UNZ is not complete.
    pub end_required: bool,
    /// Messages without UNB around them are not taken.
    pub envelope_required: bool,
    /// Line breaks within a value belong to it.
    pub line_breaks_kept: bool,
    /// The mark of repetitions belongs to values, whatever the syntax version.
    pub repetition_kept: bool,
    /// Segments that no row of the layout looks at are refused.
    pub unknown_refused: bool,
    /// A file without a single message is no error.
    pub empty_allowed: bool,
    /// How values are read, whatever UNB says.
    pub charset: Option<Charset>,
    /// The character set and version that UNB says when written: `UNOC:3`.
    pub syntax_id: String,
    pub line_end: &'static str,
    pub groups: Vec<Group>,
}

/// Which of the counts of the sender must be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    Ignore,
    /// Messages in UNE and UNZ.
    Messages,
    /// Also segments in UNT.
    Check,
}

/// A segment that others belong to when they follow it.
#[derive(Debug, Clone)]
pub struct Group {
    pub tag: Tag,
    pub members: Vec<Member>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    All,
    Tag(Tag),
    /// Only with one of these words as its first.
    Qualified(Tag, Vec<String>),
}

pub fn read_options(root: &Section<'_>) -> Option<Options> {
    let Some(section) = root.section("edifact") else {
        root.problem("edifact", "the table [edifact] is missing.");
        return None;
    };
    let written = section.text("written").unwrap_or_default();
    let syntax_id = section.text("syntax_id").unwrap_or_else(|| "UNOC:3".to_string());
    if Charset::declared(syntax_id.split(':').next().unwrap_or_default()).is_none() {
        let known = Charset::known();
        let text = format!(
            "\"{syntax_id}\" names no character set that is written here; expected one of {known}, with its version: UNOC:3."
        );
        section.problem("syntax_id", text);
    }
    let counts = [("messages", Counts::Messages), ("check", Counts::Check), ("ignore", Counts::Ignore)];
    Some(Options {
        message: section.required_text("message"),
        versions: section.texts("versions").unwrap_or_default().into_iter().map(|v| v.value).collect(),
        written: written.split(':').map(str::to_string).collect(),
        counts: section.choice("counts", &counts).unwrap_or(Counts::Messages),
        end_required: section.choice("end", &[("required", true), ("optional", false)]).unwrap_or(true),
        envelope_required: section.choice("envelope", &[("optional", false), ("required", true)]).unwrap_or(false),
        line_breaks_kept: section.choice("line_breaks", &[("wrapping", false), ("data", true)]).unwrap_or(false),
        repetition_kept: section.choice("repetition", &[("refuse", false), ("data", true)]).unwrap_or(false),
        unknown_refused: section.choice("unknown", &[("ignore", false), ("refuse", true)]).unwrap_or(false),
        empty_allowed: section.choice("empty", &[("refuse", false), ("allowed", true)]).unwrap_or(false),
        charset: read_charset(&section),
        syntax_id,
        line_end: section.choice("line_end", &[("lf", "\n"), ("crlf", "\r\n"), ("none", "")]).unwrap_or("\n"),
        groups: read_groups(&section),
    })
}

fn read_charset(section: &Section<'_>) -> Option<Charset> {
    let spot = section.text_spot("charset")?;
    if spot.value == "declared" {
        return None;
    }
    let encoding = Encoding::named(&spot.value).filter(|encoding| !encoding.is_wide());
    if encoding.is_none() {
        let text = format!("\"{}\" is not known here; expected declared, or an encoding.", spot.value);
        section.problem_at(spot.span, "charset", text, suggest(&spot.value, Encoding::names()));
    }
    encoding.map(Charset::fixed)
}

fn read_groups(section: &Section<'_>) -> Vec<Group> {
    let Some(table) = section.section("groups") else { return Vec::new() };
    let mut groups = Vec::new();
    for key in table.keys() {
        let Some(tag) = Tag::of(&key.value) else {
            table.problem_at(key.span, &key.value, "expected the three letters of a segment.", None);
            continue;
        };
        let mut members = Vec::new();
        for word in table.texts(&key.value).unwrap_or_default() {
            match member(&word.value) {
                Some(member) => members.push(member),
                None => {
                    let text = format!("\"{}\" is not a segment like DTM or DTM+171.", word.value);
                    table.problem_at(word.span, &key.value, text, None);
                }
            }
        }
        groups.push(Group { tag, members });
    }
    groups
}

fn member(word: &str) -> Option<Member> {
    if word == "*" {
        return Some(Member::All);
    }
    match word.split_once('+') {
        None => Tag::of(word).map(Member::Tag),
        Some((tag, words)) => Some(Member::Qualified(Tag::of(tag)?, words.split(',').map(str::to_string).collect())),
    }
}

impl Options {
    /// Is a version like `D.96A` one of those that are read?
    pub fn reads_version(&self, version: &str) -> bool {
        self.versions.iter().any(|known| match known.strip_suffix('*') {
            Some(begin) => version.starts_with(begin),
            None => known == version,
        })
    }
}
