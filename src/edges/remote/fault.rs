//! What goes wrong at a remote: of which kind (that decides what happens next), where, at which command, with which
//! answer, and what a person can do. Holds no secret: whoever makes one has scrubbed the answer.

use std::fmt;
use std::io;

/// Decides what happens next (`model::rules::patience`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Line or server: tried again.
    Transient,
    /// Rights, quota, a certificate: a person has to do something there.
    Refused,
    /// The folder or file that was named is not there.
    Missing,
    /// This one file is in use there; others behind it are not kept waiting.
    Busy,
    /// User or password.
    Login,
    Tls,
    /// It wants what TLS 1.3 cannot give it: the control connection's session on the data connection.
    TlsReuse,
    /// Answers no longer belong to their commands.
    OutOfStep,
    /// We are stopping.
    Stopped,
}

/// What was going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Connect,
    Greeting,
    Tls,
    Login,
    Prepare,
    List,
    Ask,
    Claim,
    Fetch,
    Send,
    Replace,
    Remove,
}

impl Phase {
    /// One word for the log.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Connect => "connect",
            Phase::Greeting => "greeting",
            Phase::Tls => "tls",
            Phase::Login => "login",
            Phase::Prepare => "prepare",
            Phase::List => "list",
            Phase::Ask => "ask",
            Phase::Claim => "claim",
            Phase::Fetch => "fetch",
            Phase::Send => "send",
            Phase::Replace => "replace",
            Phase::Remove => "remove",
        }
    }
}

/// What the other side said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// None where it is the system's own word.
    pub code: Option<u16>,
    pub text: String,
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "{code} {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// What a person can do, as a sentence without its point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice(pub String);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    /// `ftp.shop.example:21`, or the path of a folder.
    pub server: String,
    pub phase: Phase,
    /// With its name where it has one (`RETR "orders.csv"`), never with a secret.
    pub command: String,
    pub answer: Option<Reply>,
    pub advice: Option<Advice>,
}

impl Fault {
    /// The connection is of no use any more: it is dropped and opened anew.
    pub fn is_broken(&self) -> bool {
        !matches!(self.kind, FaultKind::Refused | FaultKind::Missing | FaultKind::Busy)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.server, self.command)?;
        if let Some(answer) = &self.answer {
            write!(f, ": {answer}")?;
        }
        match &self.advice {
            Some(Advice(advice)) => write!(f, ". {advice}."),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}

/// Who is to blame for bytes that did not come through.
#[derive(Debug)]
pub enum Broken {
    Theirs(Fault),
    /// Our full disk is no fault of the server.
    Ours(io::Error),
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Broken::Theirs(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_server_command_answer_and_advice() {
        let mut fault = Fault {
            kind: FaultKind::Refused,
            server: "ftp.shop.example:21".into(),
            phase: Phase::Fetch,
            command: "RETR \"orders.csv\"".into(),
            answer: Some(Reply { code: Some(550), text: "Permission denied".into() }),
            advice: None,
        };
        assert_eq!(fault.to_string(), "ftp.shop.example:21, RETR \"orders.csv\": 550 Permission denied");
        assert!(!fault.is_broken());
        fault.advice = Some(Advice("Ask the partner for the right to read".into()));
        assert!(fault.to_string().ends_with("550 Permission denied. Ask the partner for the right to read."));
        fault.kind = FaultKind::Transient;
        assert!(fault.is_broken());
    }
}
