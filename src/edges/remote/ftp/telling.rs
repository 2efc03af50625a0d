//! Makes faults of what went wrong on one connection: the kind that decides what happens next, and words that name the
//! server, the command and its answer. Every answer is scrubbed of the password first: a server may echo it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::super::fault::{Advice, Fault, FaultKind, Phase, Reply};
use super::reply::{Answer, Gathering, readable};
use super::watching::{Ended, Watching};
use super::wire::Silent;
use crate::model::remote::Names;
use crate::model::secret::Secret;

pub struct Telling {
    /// `ftp.shop.example:21`
    pub server: String,
    pub secret: Arc<Secret>,
    pub watch: Arc<Watching>,
    pub timeout: Duration,
    pub names: Names,
}

impl Telling {
    /// In words of ours; what of them is the server's is scrubbed by who puts it there.
    pub fn fault(&self, kind: FaultKind, phase: Phase, command: &str, words: &str) -> Fault {
        let answer = Some(Reply { code: None, text: words.to_owned() });
        Fault { kind, server: self.server.clone(), phase, command: command.to_owned(), answer, advice: None }
    }

    /// An answer that was not the one hoped for.
    pub fn answer(&self, phase: Phase, command: &str, answer: &Answer) -> Fault {
        let reply = Reply { code: Some(answer.code), text: self.secret.scrub(&answer.words()) };
        let kind = kind_of(phase, answer.code);
        let advice = advice_of(kind, phase, answer.code).map(|advice| Advice(advice.into()));
        Fault { kind, server: self.server.clone(), phase, command: command.to_owned(), answer: Some(reply), advice }
    }

    pub fn silence(&self, phase: Phase, command: &str, silent: Silent) -> Fault {
        match silent {
            Silent::Line(error) => self.line(phase, command, &error),
            Silent::NoAnswer(what) => self.fault(
                FaultKind::OutOfStep,
                phase,
                command,
                &format!("what came is no answer to it: {}", self.secret.scrub(&what)),
            ),
        }
    }

    /// The connection failed, was cut, or was silent for too long.
    pub fn line(&self, phase: Phase, command: &str, error: &io::Error) -> Fault {
        let seconds = self.timeout.as_secs_f32();
        let words = match (self.watch.ended(), error.kind()) {
            (Some(Ended::Stopped), _) => return self.fault(FaultKind::Stopped, phase, command, "we are stopping"),
            (Some(Ended::Late), _) => format!("not at an end within {} s", seconds * 2.0),
            (None, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => format!("no answer within {seconds} s"),
            (None, io::ErrorKind::UnexpectedEof) => "the server closed the connection".into(),
            (None, io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => "the connection was cut".into(),
            (None, io::ErrorKind::ConnectionRefused) => "the connection was refused".into(),
            (None, _) => match tls_error(error) {
                Some(tls) => return self.tls(phase, command, tls),
                None => error.to_string(),
            },
        };
        self.fault(FaultKind::Transient, phase, command, &words)
    }

    pub fn tls(&self, phase: Phase, command: &str, error: &rustls::Error) -> Fault {
        use rustls::{CertificateError as C, Error as E};
        let (words, advice) = match error {
            E::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => {
                ("it answers in plain text inside TLS".to_owned(), "Its own log says what it has to complain of")
            }
            E::InvalidCertificate(C::UnknownIssuer) => {
                ("nobody whom this machine trusts signed its certificate".into(), OTHER_TRUST)
            }
            E::InvalidCertificate(C::ApplicationVerificationFailure) => (
                "its certificate is not the one that pin names".into(),
                "Ask the partner whether it was renewed, by another way than this one",
            ),
            E::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => {
                ("its certificate has expired".into(), "The partner has to renew it")
            }
            E::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. }) => (
                "its certificate is for another name".into(),
                "Name the host as its certificate does, or the certificate itself with pin",
            ),
            // Above all those that signed themselves.
            E::InvalidCertificate(other) => {
                (format!("its certificate cannot be checked like one that an authority signed ({other})"), OTHER_TRUST)
            }
            error => return self.fault(FaultKind::Tls, phase, command, &error.to_string()),
        };
        let advice = Some(Advice(advice.into()));
        Fault { advice, ..self.fault(FaultKind::Tls, phase, command, &words) }
    }

    /// `RETR "orders 1.csv"`
    pub fn command(&self, verb: &str, name: &[u8]) -> String {
        format!("{verb} \"{}\"", self.shown(name))
    }

    pub fn shown(&self, name: &[u8]) -> String {
        match self.names {
            Names::Utf8 => readable(name),
            Names::Latin1 => readable(name.iter().map(|byte| char::from(*byte)).collect::<String>().as_bytes()),
        }
    }
}

/// The last answer that stands whole in these bytes.
pub fn answer_in(body: &[u8]) -> Option<Answer> {
    let mut gathering = Gathering::default();
    let lines = body.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.filter(|line| !line.is_empty()).map_while(|line| gathering.line(line).ok()).flatten().last()
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn kind_of(phase: Phase, code: u16) -> FaultKind {
    match code {
        421 => FaultKind::Transient,
        // Where a command ends, "wait" and "more, please" belong to another one.
        100..=199 | 300..=399 => FaultKind::OutOfStep,
        430 | 530 | 532 => FaultKind::Login,
        500..=599 if phase == Phase::Login => FaultKind::Login,
        522 => FaultKind::TlsReuse,
        452 | 552 => FaultKind::Refused,
        450 | 451 if matches!(phase, Phase::Fetch | Phase::Send | Phase::Replace) => FaultKind::Busy,
        400..=499 => FaultKind::Transient,
        500..=599 => FaultKind::Refused,
        _ => FaultKind::OutOfStep,
    }
}

fn advice_of(kind: FaultKind, phase: Phase, code: u16) -> Option<&'static str> {
    match (kind, code) {
        (FaultKind::Login, _) => {
            Some("Look at user and password; while they are refused it is asked rarely, so that nobody is locked out")
        }
        (FaultKind::TlsReuse, _) => Some(REUSE),
        (FaultKind::Refused, 452 | 552) => Some("There is no room left for us; ask the partner"),
        (FaultKind::Refused, _) if phase == Phase::Tls => {
            Some("If the server has no TLS, tls = \"none\" sends the password readable on the line")
        }
        _ => None,
    }
}

const OTHER_TRUST: &str = "Name its authority with ca, or the certificate itself with pin";

/// What TLS 1.3 cannot give is told with what helps.
pub const REUSE: &str = "The server wants each data connection to go on with the session of its control connection, which TLS 1.3 does not give; \
allow TLS 1.2 there, or set require_ssl_reuse=NO (vsftpd), TLSOptions NoSessionReuseRequired (proftpd)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_and_the_phase_say_what_happens_next() {
        for (phase, code, kind) in [
            (Phase::List, 421, FaultKind::Transient),
            (Phase::Fetch, 426, FaultKind::Transient),
            (Phase::Fetch, 450, FaultKind::Busy),
            (Phase::Send, 451, FaultKind::Busy),
            (Phase::List, 451, FaultKind::Transient),
            (Phase::Login, 450, FaultKind::Transient),
            (Phase::Fetch, 550, FaultKind::Refused),
            (Phase::Send, 552, FaultKind::Refused),
            (Phase::Send, 452, FaultKind::Refused),
            (Phase::Send, 522, FaultKind::TlsReuse),
            (Phase::Login, 503, FaultKind::Login),
            (Phase::Login, 421, FaultKind::Transient),
            (Phase::Fetch, 530, FaultKind::Login),
            (Phase::Remove, 150, FaultKind::OutOfStep),
            (Phase::Remove, 331, FaultKind::OutOfStep),
        ] {
            assert_eq!(kind_of(phase, code), kind, "{phase:?} {code}");
        }
    }

    #[test]
    fn the_code_is_read_from_the_body() {
        let answer = answer_in(b"522 SSL connection failed: session reuse required\r\n").unwrap();
        assert_eq!((answer.code, answer.is_done()), (522, false));
        assert_eq!(answer_in(b"220-hello\r\n220 go\r\n").unwrap().code, 220);
        assert_eq!(answer_in(b"hello\r\n"), None);
    }
}
