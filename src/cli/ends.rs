//! How a command ended, in words; `main` alone turns them into exit codes.
//!
//! A failure carries its end and a complaint for the person: where, what was found, what was expected, what to do. It is
//! told once, at the boundary: as a sentence, or with `--json` as one object.

use std::fmt;
use std::io;

use serde_json::{Value, json};

use crate::edges::store::StoreFault;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Well,
    /// The words were wrong.
    Usage,
    /// Messages or a file are refused.
    Refused,
    /// What was asked for is not there.
    NotFound,
    /// Another daemon runs, the store is newer than this program, or the like.
    Unavailable,
    /// A fault of this program.
    Internal,
    /// A file or a stream could not be read or written.
    ReadWrite,
    /// Queued, or to be tried again.
    Later,
    NoPermission,
    /// The configuration is wrong.
    Configuration,
}

/// What to tell; what is empty is not said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Complaint {
    /// Stable, for programs.
    pub code: &'static str,
    /// The file, argument or the like.
    pub place: String,
    pub found: String,
    pub expected: String,
    pub advice: String,
    /// Several problems of one thing, a line each.
    pub problems: Vec<String>,
}

impl Complaint {
    pub fn object(&self) -> Value {
        let said = |text: &str| Some(text.to_string()).filter(|text| !text.is_empty());
        json!({
            "code": self.code,
            "where": said(&self.place),
            "found": said(&self.found),
            "expected": said(&self.expected),
            "advice": said(&self.advice),
            "problems": self.problems,
        })
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        // Sentences of others end with a point of their own.
        let found = if self.expected.is_empty() { &self.found } else { self.found.trim_end_matches('.') };
        f.write_str(found)?;
        if !self.expected.is_empty() {
            write!(f, "; expected {}", self.expected)?;
        }
        if !self.problems.is_empty() {
            f.write_str(":")?;
        } else if !self.advice.is_empty() {
            f.write_str(if self.found.ends_with(['.', '?']) && self.expected.is_empty() { " " } else { ". " })?;
        }
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        if !self.problems.is_empty() && !self.advice.is_empty() {
            f.write_str("\n")?;
        }
        f.write_str(&self.advice)
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Failure {
    pub end: End,
    /// Boxed: it is long, and mostly there is none.
    pub complaint: Box<Complaint>,
    /// What the system said, where it was the system.
    kind: Option<io::ErrorKind>,
}

pub type Outcome = Result<End, Failure>;

impl Failure {
    pub fn new(end: End, code: &'static str, found: impl Into<String>) -> Self {
        Failure {
            end,
            complaint: Box::new(Complaint { code, found: found.into(), ..Complaint::default() }),
            kind: None,
        }
    }

    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.complaint.place = place.into();
        self
    }

    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.complaint.expected = expected.into();
        self
    }

    pub fn advice(mut self, advice: impl Into<String>) -> Self {
        self.complaint.advice = advice.into();
        self
    }

    pub fn problems(mut self, problems: Vec<String>) -> Self {
        self.complaint.problems = problems;
        self
    }

    pub fn ending(mut self, end: End, code: &'static str) -> Self {
        self.end = end;
        self.complaint.code = code;
        self
    }

    /// The reader of our output has gone: nobody is left to be told.
    pub fn is_broken_pipe(&self) -> bool {
        self.kind == Some(io::ErrorKind::BrokenPipe)
    }
}

fn io_kind(error: &anyhow::Error) -> Option<io::ErrorKind> {
    error.chain().find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind)
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let kind = io_kind(&error);
        let (end, code) = match kind {
            Some(io::ErrorKind::NotFound) => (End::NotFound, "not-there"),
            Some(io::ErrorKind::PermissionDenied) => (End::NoPermission, "no-permission"),
            Some(_) => (End::ReadWrite, "read-write-failed"),
            None => (End::Internal, "internal-error"),
        };
        let failure = Failure { kind, ..Failure::new(end, code, format!("{error:#}")) };
        match StoreFault::of(&error).filter(|_| kind.is_none()) {
            // The outermost words name the database and what was wanted of it; those of the driver help nobody.
            Some(StoreFault::Corrupt) => Failure::new(
                End::ReadWrite,
                "database-damaged",
                format!("{error}: it is damaged, or no database of Nattpost"),
            )
            .expected("the SQLite file that nattpost run made")
            .advice(
                "Look whether store in nattpost.toml names the right file; if it does, stop the daemon, keep the file, and put \
                 the last copy in its place (docs/operating.md, \"Put an older database back\").",
            ),
            Some(fault) if fault.passes() => {
                Failure::new(End::Unavailable, "database-busy", format!("{error}: {fault}"))
                    .advice("Nothing is lost; try again once that has passed.")
            }
            _ => failure,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::from(anyhow::Error::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_a_sentence_and_an_object() {
        let failure = Failure::new(End::NotFound, "partner-unknown", "there is no partner \"foo\"")
            .at("--partner")
            .expected("one of: dealer, erp")
            .advice("Did you mean \"dealer\"?");
        assert_eq!(
            failure.complaint.to_string(),
            "--partner: there is no partner \"foo\"; expected one of: dealer, erp. Did you mean \"dealer\"?"
        );
        let object = failure.complaint.object();
        assert_eq!((&object["code"], &object["where"]), (&Value::from("partner-unknown"), &Value::from("--partner")));
        let bare = Failure::new(End::Usage, "x", "only this").problems(vec!["a".into(), "b".into()]);
        assert_eq!(bare.complaint.to_string(), "only this:\n  a\n  b");
        assert_eq!(bare.complaint.object()["advice"], Value::Null);
    }

    #[test]
    fn what_the_system_says_decides_how_it_ends() {
        let failed = |kind: io::ErrorKind| {
            Failure::from(anyhow::Error::from(io::Error::from(kind)).context("cannot read a.csv"))
        };
        assert_eq!(failed(io::ErrorKind::NotFound).end, End::NotFound);
        assert_eq!(failed(io::ErrorKind::PermissionDenied).end, End::NoPermission);
        assert!(failed(io::ErrorKind::BrokenPipe).is_broken_pipe());
        assert_eq!(Failure::from(anyhow::anyhow!("a bug")).end, End::Internal);
    }
}
