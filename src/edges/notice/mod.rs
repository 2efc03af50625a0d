//! Brings a letter to a channel: a mail server, a webhook, a command of the site. Each has a deadline as a whole, so that a
//! silent one delays nobody. It knows neither problems nor the ledger; what was not taken is the flow's to try again.
//!
//! Secrets are read where they are needed, by a function of the caller's, and stand in no error.

mod command;
mod line;
mod mail;
mod webhook;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;

use crate::model::letter::Letter;
use crate::model::problem::Way;
use crate::model::secret::{Secret, SecretRef};

/// A letter takes no longer, whatever the other side does.
const DEADLINE: Duration = Duration::from_secs(30);

/// Why a letter was not taken, for a person: who said what to what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotTaken(pub String);

/// Reads a secret; the words say where it is missing.
type ReadSecret = Box<dyn Fn(&SecretRef) -> Result<Secret, String> + Send + Sync>;

/// What a way needs beside the letter.
pub struct Post {
    pub secret: ReadSecret,
    /// Whom we trust, or why nobody can be.
    pub tls: Result<Arc<ClientConfig>, String>,
}

impl Post {
    fn secret(&self, place: &SecretRef) -> Result<Secret, NotTaken> {
        (self.secret)(place).map_err(NotTaken)
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, NotTaken> {
        self.tls.clone().map_err(|words| NotTaken(format!("TLS cannot be used: {words}")))
    }
}

/// The other side has the letter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Where it took it only in part.
    pub remark: Option<String>,
    /// Addresses that were put off for a while: for them it is to be sent again.
    pub later: Vec<String>,
}

/// `Ok` only when the other side has taken it.
pub fn send(letter: &Letter, way: &Way, post: &Post) -> Result<Taken, NotTaken> {
    let until = Instant::now() + DEADLINE;
    match way {
        Way::Command(words) => command::send(letter, words, DEADLINE).map(|()| Taken::default()),
        Way::Webhook(webhook) => webhook::send(letter, webhook, post, until).map(|()| Taken::default()),
        Way::Mail(mail) => mail::send(letter, mail, post, until),
    }
}

/// Would a letter be taken? As far as that can be asked without sending one; the words say what answered.
pub fn probe(way: &Way, post: &Post) -> Result<String, NotTaken> {
    let until = Instant::now() + DEADLINE;
    match way {
        Way::Command(words) => command::probe(words),
        Way::Webhook(webhook) => webhook::probe(webhook, post, until),
        Way::Mail(mail) => mail::probe(mail, post, until),
    }
}

#[cfg(test)]
mod tests;
