//! A mail server as a channel: one SMTP conversation a letter, with STARTTLS, TLS from the first byte, and a login where they are
//! configured. The letter is ASCII with a base64 body and needs no extension. `250` to its end is what makes it taken; what
//! the server says to the goodbye is not waited for.

use std::io;
use std::time::Instant;

use super::line::{Line, told};
use super::{NotTaken, Post, Taken};
use crate::model::letter::{Letter, base64};
use crate::model::problem::{Mail, MailServer, MailTls};
use crate::model::secret::{Secret, SecretRef};

/// Lines of one answer.
const LINES_MAX: usize = 100;

pub fn send(letter: &Letter, mail: &Mail, post: &Post, until: Instant) -> Result<Taken, NotTaken> {
    let server = &mail.server;
    let (mut talk, refused) = address(mail, post, until)?;
    // One address of several that is gone keeps nobody else from hearing of it.
    if refused.len() == mail.to.len() {
        return Err(NotTaken(told_of(&refused)));
    }
    talk.ask("DATA", "DATA", 354)?;
    talk.write(letter.mime(&server.from, &mail.to).as_bytes(), "the letter")?;
    talk.ask(".", "the letter's end", 250)?;
    // It is taken: what becomes of the goodbye changes nothing.
    let _ = talk.write(b"QUIT\r\n", "QUIT");
    let remark = Some(told_of(&refused)).filter(|words| !words.is_empty());
    let later = refused.into_iter().filter(|refused| refused.is_put_off).map(|refused| refused.to).collect();
    Ok(Taken { remark, later })
}

/// An address that the server did not take.
struct Refused {
    to: String,
    words: String,
    /// For a while: by a server that lets a first try wait, or since the box is full.
    is_put_off: bool,
}

fn told_of(refused: &[Refused]) -> String {
    refused.iter().map(|refused| &refused.words[..]).collect::<Vec<_>>().join("; ")
}

/// Up to the addresses, and then the letter is not written: nobody hears of it.
pub fn probe(mail: &Mail, post: &Post, until: Instant) -> Result<String, NotTaken> {
    let (mut talk, refused) = address(mail, post, until)?;
    talk.ask("RSET", "RSET", 250)?;
    // It was told all that there was to ask.
    let _ = talk.write(b"QUIT\r\n", "QUIT");
    if !refused.is_empty() {
        return Err(NotTaken(told_of(&refused)));
    }
    let secured = if matches!(talk.line, Some(Line::Secure(_))) { " over TLS" } else { " in the open" };
    Ok(format!("{} would take a letter to {}{secured}; none was sent", talk.server, mail.to.join(", ")))
}

/// From the greeting to the last address; those that are refused.
fn address(mail: &Mail, post: &Post, until: Instant) -> Result<(Talk, Vec<Refused>), NotTaken> {
    let server = &mail.server;
    let mut talk = Talk::begin(server, post, until)?;
    talk.log_in(server.login.as_ref(), post)?;
    talk.ask(&format!("MAIL FROM:<{}>", server.from), "MAIL FROM", 250)?;
    let mut refused = Vec::new();
    for to in &mail.to {
        match talk.ask(&format!("RCPT TO:<{to}>"), &format!("RCPT TO {to}"), 250) {
            Ok(_) => {}
            // The line itself is broken.
            Err(error) if talk.is_broken => return Err(error),
            Err(error) => {
                let is_put_off = talk.said.is_some_and(|code| (400..500).contains(&code));
                refused.push(Refused { to: to.clone(), words: error.0, is_put_off });
            }
        }
    }
    Ok((talk, refused))
}

/// A conversation, as far as it has come.
struct Talk {
    /// Taken while TLS is begun on it.
    line: Option<Line>,
    server: String,
    /// What the server says it can.
    offers: Vec<String>,
    is_broken: bool,
    /// The code of the last answer.
    said: Option<u16>,
    /// Nothing leaves this machine.
    is_local: bool,
}

impl Talk {
    fn begin(server: &MailServer, post: &Post, until: Instant) -> Result<Talk, NotTaken> {
        let name = format!("{}:{}", server.host, server.port);
        let is_local = is_loopback(&server.host);
        let mut talk = Talk { line: None, server: name, offers: Vec::new(), is_broken: false, said: None, is_local };
        let line = Line::connect(&server.host, server.port, until);
        talk.line = Some(line.map_err(|error| talk.wrong("connecting", &error))?);
        if server.tls == MailTls::Tls {
            talk.secure(&server.host, post)?;
        }
        talk.answer("the greeting", 220)?;
        let host = server.from.rsplit_once('@').map_or("localhost", |(_, host)| host);
        talk.hello(host)?;
        let wanted = match server.tls {
            MailTls::StartTls => true,
            // What stays on this machine needs no certificate.
            MailTls::IfOffered => talk.offers("STARTTLS") && !is_local,
            MailTls::Tls | MailTls::None => false,
        };
        if wanted {
            talk.ask("STARTTLS", "STARTTLS", 220)?;
            talk.secure(&server.host, post)?;
            talk.hello(host)?;
        }
        Ok(talk)
    }

    fn secure(&mut self, host: &str, post: &Post) -> Result<(), NotTaken> {
        let Some(line) = self.line.take() else { return Ok(()) };
        let secured = line.secure(host, post.tls()?);
        self.line = Some(secured.map_err(|error| self.wrong("TLS", &error))?);
        Ok(())
    }

    fn hello(&mut self, host: &str) -> Result<(), NotTaken> {
        let lines = self.ask(&format!("EHLO {host}"), "EHLO", 250)?;
        self.offers = lines.iter().skip(1).map(|line| line.to_ascii_uppercase()).collect();
        Ok(())
    }

    fn offers(&self, word: &str) -> bool {
        self.offers.iter().any(|line| line.split(' ').next() == Some(word))
    }

    fn log_in(&mut self, login: Option<&(String, SecretRef)>, post: &Post) -> Result<(), NotTaken> {
        let Some((user, place)) = login else { return Ok(()) };
        if matches!(self.line, Some(Line::Open(_))) && !self.is_local {
            let what = "offers no TLS, and a password is not sent in the open; take the login out, or mend the server";
            return Err(NotTaken(format!("{}: {what}", self.server)));
        }
        let password = post.secret(place)?;
        let mut sent = vec![base64(password.reveal().as_bytes())];
        let said = match self.offers.iter().any(|line| line.starts_with("AUTH") && line.contains(" PLAIN")) {
            true => {
                let words = Secret::new(format!("\0{user}\0{}", password.reveal()));
                let words = base64(words.reveal().as_bytes());
                let line = Secret::new(format!("AUTH PLAIN {words}"));
                sent.push(words);
                self.ask(line.reveal(), "AUTH PLAIN", 235)
            }
            false => self
                .ask("AUTH LOGIN", "AUTH LOGIN", 334)
                .and_then(|_| self.ask(&base64(user.as_bytes()), "AUTH LOGIN", 334))
                .and_then(|_| {
                    let line = Secret::new(base64(password.reveal().as_bytes()));
                    self.ask(line.reveal(), "AUTH LOGIN", 235)
                }),
        };
        // A server may echo what it was told, in the clear or as it was sent.
        let sent: Vec<Secret> = sent.into_iter().map(Secret::new).collect();
        let scrub = |text: String, secret: &Secret| secret.scrub(&text);
        said.map(|_| ()).map_err(|error| NotTaken(sent.iter().chain([&password]).fold(error.0, scrub)))
    }

    /// `what`: the command as it may be told.
    fn ask(&mut self, command: &str, what: &str, expected: u16) -> Result<Vec<String>, NotTaken> {
        let line = Secret::new(format!("{command}\r\n"));
        self.write(line.reveal().as_bytes(), what)?;
        self.answer(what, expected)
    }

    fn write(&mut self, bytes: &[u8], what: &str) -> Result<(), NotTaken> {
        let written = self.line.as_mut().map_or(Err(io::ErrorKind::NotConnected.into()), |line| line.write_all(bytes));
        written.map_err(|error| self.wrong(what, &error))
    }

    /// The lines of an answer without their codes.
    fn answer(&mut self, what: &str, expected: u16) -> Result<Vec<String>, NotTaken> {
        let mut lines = Vec::new();
        loop {
            let read = self.line.as_mut().map_or(Err(io::ErrorKind::NotConnected.into()), Line::read_line);
            let line = read.map_err(|error| self.wrong(what, &error))?;
            let code: Option<u16> = line.get(..3).and_then(|code| code.parse().ok());
            self.said = code;
            let is_last = line.as_bytes().get(3) != Some(&b'-');
            let text = line.get(4..).unwrap_or_default().trim().to_string();
            // 251: it knows the way and takes it on.
            if code != Some(expected) && (expected, code) != (250, Some(251)) {
                self.is_broken = code.is_none_or(|code| code == 421);
                if is_last || code.is_none() {
                    return Err(NotTaken(format!("{}, {what}: {line}", self.server)));
                }
            }
            lines.push(text);
            if is_last {
                return Ok(lines);
            }
            if lines.len() > LINES_MAX {
                return Err(self.wrong(what, &io::Error::other("an answer without an end")));
            }
        }
    }

    fn wrong(&mut self, what: &str, error: &io::Error) -> NotTaken {
        self.is_broken = true;
        NotTaken(format!("{}, {what}: {}", self.server, told(error)))
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
