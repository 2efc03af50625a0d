//! A webhook as a channel: one POST of the letter as JSON, one status line. No redirects, no proxy; who needs them uses a
//! command with curl. The same letter sent a second time carries the same `Idempotency-Key`.

use std::fmt::Write as _;
use std::io;
use std::time::Instant;

use super::line::{Line, told};
use super::{NotTaken, Post};
use crate::model::letter::Letter;
use crate::model::problem::{HeaderValue, Webhook};
use crate::model::secret::Secret;

pub fn send(letter: &Letter, webhook: &Webhook, post: &Post, until: Instant) -> Result<(), NotTaken> {
    let where_ = format!("{}:{}", webhook.host, webhook.port);
    let mut secrets: Vec<Secret> = Vec::new();
    let request = request(letter, webhook, post, &mut secrets)?;
    let wrong = |what: &str, error: &io::Error| NotTaken(format!("{where_}, {what}: {}", told(error)));
    let mut line = Line::connect(&webhook.host, webhook.port, until).map_err(|error| wrong("connecting", &error))?;
    if webhook.tls {
        line = line.secure(&webhook.host, post.tls()?).map_err(|error| wrong("TLS", &error))?;
    }
    line.write_all(request.reveal().as_bytes()).map_err(|error| wrong("POST", &error))?;
    let mut status = line.read_line().map_err(|error| wrong("POST", &error))?;
    // What a server says before its answer, unasked: a head of its own, up to an empty line.
    while matches!(code_of(&status), Some(100..=199)) {
        while !line.read_line().map_err(|error| wrong("POST", &error))?.is_empty() {}
        status = line.read_line().map_err(|error| wrong("POST", &error))?;
    }
    match code_of(&status) {
        Some(200..=299) => Ok(()),
        // A server may echo what it was told.
        _ => Err(NotTaken(secrets.iter().fold(format!("{where_}, POST: {status}"), |text, s| s.scrub(&text)))),
    }
}

fn code_of(status: &str) -> Option<u16> {
    status.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok())
}

/// As far as TLS, and its secrets: a POST would tell somebody.
pub fn probe(webhook: &Webhook, post: &Post, until: Instant) -> Result<String, NotTaken> {
    let where_ = format!("{}:{}", webhook.host, webhook.port);
    let wrong = |what: &str, error: &io::Error| NotTaken(format!("{where_}, {what}: {}", told(error)));
    for (_, value) in &webhook.headers {
        if let HeaderValue::Secret(place) = value {
            post.secret(place)?;
        }
    }
    let line = Line::connect(&webhook.host, webhook.port, until).map_err(|error| wrong("connecting", &error))?;
    if !webhook.tls {
        return Ok(format!("{where_} answers; nothing was posted"));
    }
    line.secure(&webhook.host, post.tls()?).map_err(|error| wrong("TLS", &error))?;
    Ok(format!("{where_} answers, with a certificate that this machine trusts; nothing was posted"))
}

/// With its secrets: as short-lived as they are.
fn request(letter: &Letter, webhook: &Webhook, post: &Post, secrets: &mut Vec<Secret>) -> Result<Secret, NotTaken> {
    let body = format!("{}\n", letter.json());
    let default_port = if webhook.tls { 443 } else { 80 };
    let bare = if webhook.host.contains(':') { format!("[{}]", webhook.host) } else { webhook.host.clone() };
    let host = if webhook.port == default_port { bare } else { format!("{bare}:{}", webhook.port) };
    let mut head = format!(
        "POST {} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: nattpost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Idempotency-Key: {}\r\nConnection: close\r\n",
        webhook.path,
        body.len(),
        letter.id
    );
    for (name, value) in &webhook.headers {
        let secret = match value {
            HeaderValue::Plain(text) => Secret::new(text.clone()),
            HeaderValue::Secret(place) => post.secret(place)?,
        };
        if secret.reveal().chars().any(|c| c.is_control() || !c.is_ascii()) {
            return Err(NotTaken(format!("the header {name} holds more than printable ASCII")));
        }
        // A text can always be written to.
        let _ = write!(head, "{name}: {}\r\n", secret.reveal());
        secrets.push(secret);
    }
    head.push_str("\r\n");
    head.push_str(&body);
    Ok(Secret::new(head))
}
