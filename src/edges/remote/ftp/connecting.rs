//! From an address to a connection that is logged in: TCP, greeting, AUTH TLS, user and password, binary transfers, what the
//! server can do, where we are. Every step within the time-out; what was learnt of a server is used from the start next time.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::super::ReadSecret;
use super::super::fault::{Advice, Fault, FaultKind, Phase, Reply};
use super::super::sentry::Sentry;
use super::data::{self, Door};
use super::naming::NoAddress;
use super::reply::{Answer, readable};
use super::telling::Telling;
use super::tls::{self, Own, Session, Tls};
use super::watching::Watching;
use super::wire::{Silent, Wire};
use super::{Ftp, Knows, Learned};
use crate::edges::fault;
use crate::model::remote::{self, FtpRule, Names, Passive, RemoteRule, TlsMax};
use crate::model::secret::Secret;

/// A server that answers the first of three commands and not the others is asked one by one from then on.
const FIRST_FLIGHT: Duration = Duration::from_secs(5);
/// Throws away what stands behind the first line.
const BEARS_NO_FLIGHTS: &str = "Microsoft FTP Service";

/// One way of connecting; up to three are tried, and the one that worked is remembered.
struct Plan<'a> {
    name: String,
    rule: &'a FtpRule,
    timeout: Duration,
    password: Arc<Secret>,
    own: Option<Own>,
    learned: &'a Arc<Learned>,
    sentry: &'a Arc<Sentry>,
}

/// Why it did not work, and whether another way may.
enum Failed {
    OtherVersion(Fault),
    OtherPace(Fault),
    Plain(Fault),
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Failed::Plain(fault)
    }
}

/// Connects and logs in. `rule` says how long, `ftp` where.
pub fn open(
    rule: &RemoteRule,
    ftp: &FtpRule,
    secret: &ReadSecret,
    learned: &Arc<Learned>,
    sentry: &Arc<Sentry>,
) -> Result<Ftp, Fault> {
    let name = remote::shown_server(&ftp.host, ftp.port);
    let read = |place| secret(place).map_err(|words| unreadable(&name, words));
    let own = match (&ftp.client_cert, &ftp.client_key) {
        (Some(certificate), Some(key)) => Some(Own { certificate: read(certificate)?, key: read(key)? }),
        _ => None,
    };
    let plan =
        Plan { password: Arc::new(read(&ftp.password)?), name, rule: ftp, timeout: rule.timeout, own, learned, sentry };
    for _ in 0..2 {
        match plan.attempt() {
            Ok(ftp) => return Ok(ftp),
            Err(Failed::OtherVersion(_)) => learned.newest.store(true, Ordering::Relaxed),
            Err(Failed::OtherPace(_)) => learned.no_flights.store(true, Ordering::Relaxed),
            Err(Failed::Plain(fault)) => return Err(fault),
        }
    }
    plan.attempt().map_err(|failed| match failed {
        Failed::OtherVersion(fault) | Failed::OtherPace(fault) | Failed::Plain(fault) => fault,
    })
}

/// Nothing was sent yet: the server knows nothing of it.
fn unreadable(server: &str, words: String) -> Fault {
    let answer = Some(Reply { code: None, text: words });
    let server = server.to_owned();
    Fault { kind: FaultKind::Login, server, phase: Phase::Connect, command: "connect".into(), answer, advice: None }
}

impl Plan<'_> {
    fn attempt(&self) -> Result<Ftp, Failed> {
        let watch = Arc::new(Watching::new(self.sentry, self.timeout));
        let tell = Telling {
            server: self.name.clone(),
            secret: self.password.clone(),
            watch,
            timeout: self.timeout,
            names: self.rule.names,
        };
        let mut ftp = self.greet(tell)?;
        ftp.login(&self.rule.user, &self.password)?;
        ftp.prepare()?;
        Ok(ftp)
    }

    /// TCP, greeting and TLS.
    fn greet(&self, tell: Telling) -> Result<Ftp, Failed> {
        let (address, socket) = self.reach(&tell)?;
        let ip = address.ip();
        let greeted = self.be_greeted(tell, address, socket);
        match &greeted {
            Ok(_) => self.learned.directory.greeted(ip, true),
            Err(Failed::Plain(fault)) if fault.phase == Phase::Greeting => self.learned.directory.greeted(ip, false),
            Err(_) => {}
        }
        greeted
    }

    fn be_greeted(&self, tell: Telling, address: SocketAddr, socket: TcpStream) -> Result<Ftp, Failed> {
        let line = |error: io::Error| tell.line(Phase::Connect, "connect", &error);
        tell.watch.control(&socket).map_err(line)?;
        tell.watch.begin();
        let is_newest = self.learned.newest.load(Ordering::Relaxed);
        let copy = || socket.try_clone().map_err(line);
        let (wire, greeting, tls) = match self.rule.tls {
            remote::Tls::None => {
                let mut wire = Wire::plain(copy()?);
                let greeting = greeted(&tell, &mut wire)?;
                (wire, greeting, None)
            }
            remote::Tls::Explicit => {
                let mut wire = Wire::plain(copy()?);
                let greeting = greeted(&tell, &mut wire)?;
                let tls = self.tls(&tell, is_newest)?;
                tell.watch.begin();
                let answer =
                    wire.begin(b"AUTH TLS\r\n").map_err(|silent| tell.silence(Phase::Tls, "AUTH TLS", silent))?;
                if !answer.is_done() {
                    return Err(tell.answer(Phase::Tls, "AUTH TLS", &answer).into());
                }
                (Wire::secured(self.secured(&tell, &tls, copy()?)?), greeting, Some(tls))
            }
            remote::Tls::Implicit => {
                let tls = self.tls(&tell, is_newest)?;
                let mut wire = Wire::secured(self.secured(&tell, &tls, copy()?)?);
                let greeting = greeted(&tell, &mut wire)?;
                (wire, greeting, Some(tls))
            }
        };
        tell.watch.rest();
        Ok(self.assemble(tell, Greeted { socket, address, wire, greeting, tls, is_newest }))
    }

    fn reach(&self, tell: &Telling) -> Result<(SocketAddr, TcpStream), Fault> {
        let is_stopped = || self.sentry.has_shut_all();
        let found = self.learned.directory.addresses(&self.rule.host, self.rule.port, self.timeout, is_stopped);
        let mut addresses = found.map_err(|why| {
            let (kind, words) = match why {
                NoAddress::Nowhere(words) => (FaultKind::Transient, format!("the name leads nowhere ({words})")),
                NoAddress::Late => {
                    let words = format!("nobody says within {} s where the name leads", self.timeout.as_secs_f32());
                    (FaultKind::Transient, words)
                }
                NoAddress::Stopped => (FaultKind::Stopped, "we are stopping".into()),
            };
            tell.fault(kind, Phase::Connect, "connect", &words)
        })?;
        self.learned.directory.order(&mut addresses);
        let patience = self.timeout / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            let connected = fault::point("remote.connect").and_then(|()| data::connect(address, patience));
            match connected.and_then(|socket| self.arm(socket)) {
                Ok(socket) => return Ok((address, socket)),
                Err(error) => last = error,
            }
        }
        Err(tell.line(Phase::Connect, "connect", &last))
    }

    /// The time-outs of a socket that several addresses shared a time-out for.
    fn arm(&self, socket: TcpStream) -> io::Result<TcpStream> {
        socket.set_read_timeout(Some(self.timeout))?;
        socket.set_write_timeout(Some(self.timeout))?;
        Ok(socket)
    }

    fn tls(&self, tell: &Telling, is_newest: bool) -> Result<Tls, Fault> {
        let made = Tls::new(self.rule, self.own.as_ref(), is_newest);
        made.map_err(|words| tell.fault(FaultKind::Tls, Phase::Tls, "TLS", &words))
    }

    fn secured(&self, tell: &Telling, tls: &Tls, socket: TcpStream) -> Result<Session, Failed> {
        tls.control(&self.rule.host, socket).map_err(|failed| {
            let mut fault = tell.line(Phase::Tls, "TLS", &failed);
            if let (Some(print), Some(advice)) = (tls::seen(&tls.seen()).refused.take(), &mut fault.advice) {
                // To be compared with what the partner says of it, by another way than this line.
                advice.0.push_str(&format!("; it shows {print}"));
            }
            let may_be_newer = self.rule.tls_max == TlsMax::Auto && !self.learned.newest.load(Ordering::Relaxed);
            if may_be_newer && tls::is_other_version(&failed) {
                Failed::OtherVersion(fault)
            } else {
                Failed::Plain(fault)
            }
        })
    }

    fn assemble(&self, tell: Telling, greeted: Greeted) -> Ftp {
        let door = Door::new(self.timeout, tell.watch.clone());
        let only_pasv = matches!(self.rule.passive, Passive::Pasv | Passive::PasvAsTold);
        let is_learned = self.rule.passive == Passive::Auto && self.learned.pasv.load(Ordering::Relaxed);
        let bears_flights = !greeted.greeting.contains(BEARS_NO_FLIGHTS);
        Ftp {
            tell,
            rule: self.rule.clone(),
            wire: greeted.wire,
            socket: greeted.socket,
            peer: greeted.address,
            seen: greeted.tls.as_ref().map(Tls::seen),
            tls: greeted.tls,
            door,
            learned: self.learned.clone(),
            is_newest: greeted.is_newest,
            unprotected: None,
            is_pasv: only_pasv || is_learned,
            flies: self.rule.flights && !self.learned.is_without_flights() && bears_flights,
            is_given_up: false,
            greeting: greeted.greeting,
            features: Vec::new(),
            knows: Knows { mlsd: true, size: true, mdtm: true, answers: false },
            home: None,
            here: None,
        }
    }
}

/// A server that has said who it is.
struct Greeted {
    socket: TcpStream,
    address: SocketAddr,
    wire: Wire,
    greeting: String,
    tls: Option<Tls>,
    is_newest: bool,
}

/// What it says first; a 120 before it only puts it off.
fn greeted(tell: &Telling, wire: &mut Wire) -> Result<String, Fault> {
    loop {
        let answer = wire.answer().map_err(|silent: Silent| tell.silence(Phase::Greeting, "greeting", silent))?;
        match answer.code {
            120 => {}
            200..=299 => return Ok(format!("{} {}", answer.code, answer.words())),
            _ => return Err(tell.answer(Phase::Greeting, "greeting", &answer)),
        }
    }
}

impl Ftp {
    fn login(&mut self, user: &str, password: &Secret) -> Result<(), Fault> {
        if self.rule.tls != remote::Tls::None {
            // Its size is of no use to TLS, and some refuse to hear it.
            self.ask(Phase::Tls, "PBSZ", Some(b"0"))?;
            let answer = self.ask(Phase::Tls, "PROT", Some(b"P"))?;
            if !answer.is_done() {
                // With TLS from the first byte a server may know nothing else: its data connections are secured or fail.
                if self.rule.tls != remote::Tls::Implicit {
                    return Err(self.refusal(Phase::Tls, "PROT", Some(b"P"), &answer));
                }
                self.unprotected = Some(answer);
            }
        }
        let user = self.encoded(user);
        let mut answer = self.ask(Phase::Login, "USER", Some(&user))?;
        let mut verb = "USER";
        if answer.code == 331 {
            let words = zeroize::Zeroizing::new(self.encoded(password.reveal()));
            answer = self.ask(Phase::Login, "PASS", Some(&words))?;
            verb = "PASS";
        }
        if answer.is_done() {
            return Ok(());
        }
        let mut fault = self.refusal(Phase::Login, verb, None, &answer);
        if answer.code == 332 {
            fault.kind = FaultKind::Login;
            fault.advice = Some(Advice("It wants an account (ACCT) besides the password, which we do not send".into()));
        }
        Err(self.broken(|_| fault))
    }

    fn encoded(&self, text: &str) -> Vec<u8> {
        match self.rule.names {
            Names::Utf8 => text.as_bytes().to_vec(),
            Names::Latin1 => text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?')).collect(),
        }
    }

    /// Binary, features, login folder: the first flight, and the trial of flights.
    fn prepare(&mut self) -> Result<(), Failed> {
        let flies = self.flies;
        let pace = |ftp: &Ftp, timeout| ftp.socket.set_read_timeout(Some(timeout));
        if flies {
            let wrong = |error: io::Error| self.tell.line(Phase::Prepare, "TYPE", &error);
            pace(self, self.tell.timeout.min(FIRST_FLIGHT)).map_err(wrong)?;
        }
        let questions: [(&str, Option<&[u8]>); 3] = [("TYPE", Some(b"I")), ("FEAT", None), ("PWD", None)];
        let answers = self.ask_all(Phase::Prepare, &questions, true).map_err(|fault| match fault.kind {
            FaultKind::Transient | FaultKind::OutOfStep if flies => Failed::OtherPace(fault),
            _ => Failed::Plain(fault),
        })?;
        if flies {
            let wrong = |error: io::Error| self.tell.line(Phase::Prepare, "TYPE", &error);
            pace(self, self.tell.timeout).map_err(wrong)?;
        }
        let [binary, features, folder] = &answers[..] else {
            let fault = self.tell.fault(FaultKind::OutOfStep, Phase::Prepare, "TYPE", "an answer is missing");
            return Err(fault.into());
        };
        if !binary.is_done() || flies && are_mixed(features, folder) {
            let fault = self.refusal(Phase::Prepare, "TYPE", None, binary);
            return Err(if flies { Failed::OtherPace(self.broken(|_| fault)) } else { fault.into() });
        }
        if features.code == 211 {
            let lines = features.lines.iter().map(|line| readable(line));
            // The first and the last line of several are words around them.
            let count = features.lines.len();
            self.features = lines.take(count.saturating_sub(1)).skip(1).filter(|line| !line.is_empty()).collect();
            self.knows.mlsd = self.has("MLST") || self.has("MLSD");
        }
        self.home = (folder.code == 257).then(|| quoted(&folder.lines.concat())).flatten();
        if self.has("UTF8") && self.rule.names == Names::Utf8 {
            // Some want to be told; who does not know it says so, and that is all.
            self.ask(Phase::Prepare, "OPTS", Some(b"UTF8 ON"))?;
        }
        Ok(())
    }

    fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|line| line.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case(feature)))
    }
}

/// Several commands in one piece, and the answers come as each is ready: FEAT's is PWD's or TYPE's. aioftp says what it does not
/// know before it says what it does.
fn are_mixed(features: &Answer, folder: &Answer) -> bool {
    matches!(features.code, 200 | 257) || matches!(folder.code, 200 | 211)
}

/// What stands in the first quotes; a doubled one stands for itself.
fn quoted(text: &[u8]) -> Option<Vec<u8>> {
    let start = text.iter().position(|b| *b == b'"')? + 1;
    let (mut path, mut at) = (Vec::new(), start);
    loop {
        match (*text.get(at)?, text.get(at + 1)) {
            (b'"', Some(b'"')) => at += 1,
            (b'"', _) => return (!path.is_empty()).then_some(path),
            _ => {}
        }
        path.push(text[at]);
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_folder_stands_in_quotes() {
        for (text, path) in [
            (&b"\"/home/shop\" is the current directory"[..], Some(&b"/home/shop"[..])),
            (b"\"/a \"\"b\"\"\"", Some(b"/a \"b\"")),
            (b"\"/\"", Some(b"/")),
            (b"/home/shop", None),
            (b"\"\"", None),
            (b"\"/open", None),
        ] {
            assert_eq!(quoted(text).as_deref(), path, "{}", String::from_utf8_lossy(text));
        }
    }
}
