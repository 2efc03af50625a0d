//! What a value must look like, and which part of it counts: regular expressions, read once and linear in time however they
//! are written. They know nothing of fields.

use regex::{Regex, RegexBuilder};

/// A compiled expression may take so much memory; what a partner writes takes a hundredth.
const COMPILED_BYTES: usize = 1 << 20;
/// What is remembered while matching; where it does not suffice, matching is slower.
const CACHE_BYTES: usize = 256 << 10;
/// Longest value that is looked at: the time for one grows with its length times the size of the expression.
pub const LONGEST_BYTES: usize = 10_000;

/// One expression.
#[derive(Debug, Clone)]
pub struct Like {
    source: String,
    regex: Regex,
}

impl Like {
    /// For a value as a whole.
    pub fn of_whole(source: &str) -> Result<Self, String> {
        Self::compile(source, &format!("^(?:{source})$"))
    }

    /// For the part of a value that stands in the first pair of brackets.
    pub fn of_part(source: &str) -> Result<Self, String> {
        let like = Self::compile(source, source)?;
        if like.regex.captures_len() == 2 {
            return Ok(like);
        }
        Err(format!("take=\"{source}\" needs one pair of brackets around the part that counts, like '^([0-9 ]+) '."))
    }

    fn compile(source: &str, whole: &str) -> Result<Self, String> {
        let regex = RegexBuilder::new(whole).size_limit(COMPILED_BYTES).dfa_size_limit(CACHE_BYTES).build().map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => format!("\"{}\" makes an expression that is too large; expected less than {} KiB. Repeat less often, or use max=.", crate::model::diagnostic::shown(source), COMPILED_BYTES >> 10),
            error => {
                let text = error.to_string();
                let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_string();
                format!("\"{source}\" is not a regular expression: {why}.")
            }
        })?;
        Ok(Like { source: source.to_string(), regex })
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    /// Where it is too long to be looked at, its length in characters.
    pub fn too_long(text: &str) -> Option<usize> {
        (text.len() > LONGEST_BYTES).then(|| text.chars().count())
    }

    pub fn whole(&self, text: &str) -> Option<()> {
        self.regex.is_match(text).then_some(())
    }

    /// Empty where the part is not there in a value that fits.
    pub fn part<'t>(&self, text: &'t str) -> Option<&'t str> {
        Some(self.regex.captures(text)?.get(1).map_or("", |part| part.as_str()))
    }
}
