//! A partner's FTP or FTPS server: one connection, logged in by `connecting`; commands and answers go over `wire`, files over
//! `data`. Owns the order of commands of one question; what is asked, and when it is safe to, is the flows'. No library speaks
//! for us: those there are wait for ever, or give up, at answers that servers do give (tests/remote/odd.rs).

mod connecting;
mod data;
mod facts;
mod listing;
mod moving;
mod naming;
mod opening;
mod reply;
mod telling;
mod tls;
mod watching;
mod wire;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use self::data::Door;
use self::naming::Directory;
use self::opening::Opened;
use self::reply::Answer;
use self::telling::Telling;
use self::tls::Tls;
use self::wire::{Silent, Wire};
use super::fault::{Broken, Fault, FaultKind, Phase, Reply};
use super::{Change, Listed, Probe, Remote, Removed, Renamed, Replaced, Target};
use crate::edges::fault;
use crate::model::remote::{Entry, Facts, Folder, FtpRule};

pub use connecting::open;

/// What a flight carries goes as one piece of the line, so a server takes it whole or not at all.
const FLIGHT_BYTES: usize = 1_400;
/// From here on a byte behind Telnet's mark is one of its orders.
const TELNET_ORDERS: u8 = 0xf0;
/// A farewell is not worth more.
const FAREWELL: Duration = Duration::from_secs(1);

/// What earlier connections to this remote have taught; kept while the process runs.
#[derive(Debug, Default)]
pub struct Learned {
    newest: AtomicBool,
    pasv: AtomicBool,
    no_flights: AtomicBool,
    early_tls: Early,
    directory: Arc<Directory>,
}

/// Whether TLS of a data connection begins before the server has said that it does.
#[derive(Debug, Default)]
struct Early {
    helps: AtomicBool,
    is_in_vain: AtomicBool,
}

impl Learned {
    fn use_pasv(&self, is_better: bool) {
        self.pasv.store(is_better, Ordering::Relaxed);
    }

    /// It does not bear several commands in one piece; everything takes more round trips.
    pub fn is_without_flights(&self) -> bool {
        self.no_flights.load(Ordering::Relaxed)
    }
}

/// One connection, logged in.
pub struct Ftp {
    tell: Telling,
    rule: FtpRule,
    wire: Wire,
    /// The wire's own, for its time-outs.
    socket: TcpStream,
    /// Whom we are connected to.
    peer: SocketAddr,
    tls: Option<Tls>,
    door: Door,
    learned: Arc<Learned>,
    seen: Option<Arc<Mutex<tls::Seen>>>,
    /// TLS 1.3.
    is_newest: bool,
    /// What it said to PROT P, where that was a no: with TLS from the first byte some know nothing else.
    unprotected: Option<Answer>,
    is_pasv: bool,
    flies: bool,
    is_given_up: bool,
    greeting: String,
    features: Vec<String>,
    knows: Knows,
    /// The login folder, if the server has words for it.
    home: Option<Vec<u8>>,
    /// None: where the login left us.
    here: Option<Folder>,
}

/// Commands that are tried until the server says that it does not know them.
#[derive(Debug, Clone, Copy)]
struct Knows {
    mlsd: bool,
    size: bool,
    mdtm: bool,
    /// One of the two has been answered: they are not forbidden.
    answers: bool,
}

impl Ftp {
    fn begin_phase(&self) {
        self.tell.watch.begin();
    }

    fn end_phase(&self) {
        self.tell.watch.rest();
    }

    /// From here on nothing on this connection can be trusted.
    fn broken(&mut self, fault: impl FnOnce(&Telling) -> Fault) -> Fault {
        let fault = fault(&self.tell);
        self.is_given_up = true;
        self.tell.watch.shut();
        fault
    }

    /// One command and its answer, whatever it is; what says that the connection is at its end is a fault.
    fn ask(&mut self, phase: Phase, verb: &str, argument: Option<&[u8]>) -> Result<Answer, Fault> {
        let mut answers = self.ask_all(phase, &[(verb, argument)], false)?;
        answers.pop().ok_or_else(|| self.tell.fault(FaultKind::OutOfStep, phase, verb, "no answer"))
    }

    /// Several commands, in flights where the server bears it and `fly` says that they may.
    fn ask_all(&mut self, phase: Phase, commands: &[(&str, Option<&[u8]>)], fly: bool) -> Result<Vec<Answer>, Fault> {
        let mut answers = Vec::with_capacity(commands.len());
        while answers.len() < commands.len() {
            let (mut bytes, mut count) = (Vec::new(), 0);
            for (verb, argument) in &commands[answers.len()..] {
                let line = self.line(phase, verb, *argument)?;
                if count > 0 && (!fly || !self.flies || bytes.len() + line.len() > FLIGHT_BYTES) {
                    break;
                }
                bytes.extend_from_slice(&line);
                count += 1;
            }
            let found = self.exchange(phase, commands[answers.len()], &bytes, count)?;
            for (answer, command) in found.into_iter().zip(&commands[answers.len()..]) {
                if answer.code == 421 || (100..200).contains(&answer.code) {
                    let shown = self.shown(*command);
                    return Err(self.broken(|tell| tell.answer(phase, &shown, &answer)));
                }
                answers.push(answer);
            }
        }
        Ok(answers)
    }

    fn exchange(
        &mut self,
        phase: Phase,
        first: (&str, Option<&[u8]>),
        bytes: &[u8],
        count: usize,
    ) -> Result<Vec<Answer>, Fault> {
        let shown = self.shown(first);
        if self.is_given_up {
            return Err(self.tell.fault(FaultKind::Transient, phase, &shown, "the connection was given up before"));
        }
        self.begin_phase();
        // Of several in one piece each may take its time.
        let asked = self.wire.ask(bytes, count, || self.tell.watch.begin());
        let result = asked.map_err(|silent| self.broken(|tell| tell.silence(phase, &shown, silent)));
        self.end_phase();
        result
    }

    fn line(&self, phase: Phase, verb: &str, argument: Option<&[u8]>) -> Result<Vec<u8>, Fault> {
        let mut line = verb.as_bytes().to_vec();
        if let Some(argument) = argument {
            if argument.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
                let shown = self.shown((verb, Some(argument)));
                return Err(self.tell.fault(FaultKind::Refused, phase, &shown, "no command can carry a line end"));
            }
            line.push(b' ');
            for (at, byte) in argument.iter().enumerate() {
                line.push(*byte);
                // Telnet's mark should stand twice where it stands for itself. vsftpd and Pure-FTPd know nothing of that, proftpd
                // wants it only before what would be an order of Telnet; so only there.
                if *byte == 0xff && argument.get(at + 1).is_some_and(|next| *next >= TELNET_ORDERS) {
                    line.push(*byte);
                }
            }
        }
        line.extend_from_slice(b"\r\n");
        Ok(line)
    }

    /// Never with what follows PASS.
    fn shown(&self, (verb, argument): (&str, Option<&[u8]>)) -> String {
        match argument {
            Some(argument) if verb != "PASS" && verb != "TYPE" => self.tell.command(verb, argument),
            _ => verb.to_owned(),
        }
    }

    /// An answer that is not the one hoped for.
    fn refusal(&self, phase: Phase, verb: &str, argument: Option<&[u8]>, answer: &Answer) -> Fault {
        self.tell.answer(phase, &self.shown((verb, argument)), answer)
    }

    /// Goes into the folder, so that commands carry plain names.
    fn enter(&mut self, phase: Phase, folder: &Folder) -> Result<(), Fault> {
        if self.here.as_ref() == Some(folder) {
            return Ok(());
        }
        let path = folder.as_bytes();
        let is_at_home = self.here.as_ref().is_none_or(|here| here.as_bytes().is_empty());
        let target = match &self.home {
            _ if path.starts_with(b"/") => path.to_vec(),
            Some(home) if home.starts_with(b"/") && path.is_empty() => home.clone(),
            Some(home) if home.starts_with(b"/") => [home.strip_suffix(b"/").unwrap_or(home), path].join(&b'/'),
            _ if is_at_home && path.is_empty() => {
                self.here = Some(folder.clone());
                return Ok(());
            }
            _ if is_at_home => path.to_vec(),
            Some(home) if path.is_empty() => home.clone(),
            // `C:\ftp`, `DISK:[SHOP]`, `'SHOP.'`: how such a name goes on, only the server knows.
            Some(_) => {
                self.enter(phase, &Folder::default())?;
                path.to_vec()
            }
            None => {
                let words = "the server does not say where the login folder is, so there is no way back to it";
                return Err(self.broken(|tell| tell.fault(FaultKind::Transient, phase, "PWD", words)));
            }
        };
        let answer = self.ask(phase, "CWD", Some(&target))?;
        if !answer.is_done() {
            let mut fault = self.refusal(phase, "CWD", Some(&target), &answer);
            if answer.code == 550 {
                fault.kind = FaultKind::Missing;
            }
            return Err(fault);
        }
        self.here = Some(folder.clone());
        Ok(())
    }
}

impl Remote for Ftp {
    fn list(&mut self, folder: &Folder, take: &mut dyn FnMut(Entry<'_>)) -> Result<Listed, Fault> {
        self.enter(Phase::List, folder)?;
        self.list_here(take)
    }

    fn facts(&mut self, folder: &Folder, names: &[&[u8]]) -> Result<Vec<Option<Facts>>, Fault> {
        self.facts_of(folder, names)
    }

    fn rename(&mut self, folder: &Folder, pairs: &[(&[u8], &Target)]) -> Result<Vec<Renamed>, Fault> {
        self.enter(Phase::Claim, folder)?;
        self.rename_here(pairs)
    }

    /// A `from` that the server does not go on at is a refusal: it is fetched from the start then.
    fn fetch(
        &mut self,
        folder: &Folder,
        name: &[u8],
        from: u64,
        expected: Option<u64>,
        out: &mut dyn Write,
    ) -> Result<u64, Broken> {
        self.enter(Phase::Fetch, folder)?;
        let shown = self.tell.command("RETR", name);
        let mut transfer = match self.open_data(Phase::Fetch, &shown, ("RETR", Some(name)), from)? {
            Opened::Running(transfer) => transfer,
            Opened::Answered(answer) => return Err(self.not_fetched(folder, name, &shown, &answer).into()),
        };
        let poured = self.pour_in(&mut transfer, out, &shown);
        let total = poured.inspect_err(|_| self.is_given_up = true)?;
        self.finish(Phase::Fetch, &shown, transfer, Some(total))?;
        if expected.is_none() {
            self.is_whole(name, &shown, from + total)?;
        }
        Ok(total)
    }

    fn send(&mut self, folder: &Folder, temp: &[u8], size: u64, from: &mut dyn Read) -> Result<(), Broken> {
        self.enter(Phase::Send, folder)?;
        let shown = self.tell.command("STOR", temp);
        let mut transfer = self.begin_sending(temp, &shown)?;
        let poured = self.pour_out(&mut transfer, from, size).inspect_err(|_| self.is_given_up = true)?;
        if let Some(error) = poured {
            return Err(self.not_sent(&shown, transfer, &error).into());
        }
        fault::point("remote.sent").map_err(|error| self.broken(|tell| tell.line(Phase::Send, &shown, &error)))?;
        self.finish(Phase::Send, &shown, transfer, None)?;
        self.is_kept(folder, temp, &shown, size)
    }

    fn replace(&mut self, folder: &Folder, temp: &[u8], name: &[u8], aside: &[u8]) -> Result<Replaced, Fault> {
        self.enter(Phase::Replace, folder)?;
        self.replace_here(temp, name, aside)
    }

    fn remove(&mut self, folder: &Folder, names: &[&[u8]]) -> Result<Vec<Removed>, Fault> {
        self.enter(Phase::Remove, folder)?;
        self.remove_here(names)
    }

    fn refuses(&mut self, folder: &Folder, what: Change, name: &[u8]) -> Result<Option<Reply>, Fault> {
        self.enter(Phase::Remove, folder)?;
        let verb = if what == Change::Removal { "DELE" } else { "RNFR" };
        let answer = self.ask(Phase::Remove, verb, Some(name))?;
        Ok((!answer.is_done() && answer.code != 350 && moving::speaks_of_rights(&answer)).then(|| answer.to_reply()))
    }

    fn server(&self) -> &str {
        &self.tell.server
    }

    fn is_there(&mut self) -> bool {
        !self.is_given_up && self.wire.is_silent()
    }

    fn probe(&mut self) -> Result<Probe, Fault> {
        self.ask(Phase::Ask, "NOOP", None)?;
        Ok(Probe {
            greeting: self.greeting.clone(),
            tls: self.seen.as_ref().and_then(|seen| tls::seen(seen).words.clone()),
            certificate: self.seen.as_ref().and_then(|seen| tls::seen(seen).certificate.clone()),
            features: self.features.clone(),
            folder: self.home.clone().unwrap_or_default(),
        })
    }

    fn hang_up(mut self: Box<Self>) {
        if self.is_given_up || self.socket.set_read_timeout(Some(FAREWELL)).is_err() {
            return;
        }
        self.tell.watch.extend(FAREWELL);
        // Whatever comes of it, we are gone.
        drop(self.wire.ask(b"QUIT\r\n", 1, || ()));
    }
}

impl Ftp {
    /// The server's last word on a transfer.
    fn finish(&mut self, phase: Phase, shown: &str, transfer: data::Transfer, bytes: Option<u64>) -> Result<(), Fault> {
        self.begin_phase();
        let finished = fault::point("remote.fetched").map_err(Silent::Line);
        let finished = finished.and_then(|()| self.last_word(transfer));
        self.end_phase();
        let fault = match finished {
            Ok(answer) if answer.is_done() => return Ok(()),
            Ok(answer) => self.tell.answer(phase, shown, &answer),
            Err(silent) => self.tell.silence(phase, shown, silent),
        };
        let fault = self.answered(data::with_reuse(self.is_newest, fault));
        Err(bytes.map_or(fault.clone(), |bytes| data::after_bytes(fault, bytes)))
    }

    /// A transfer whose end is a refusal (552: no room) leaves the line in step; whatever else went wrong does not.
    fn answered(&mut self, fault: Fault) -> Fault {
        if fault.is_broken() { self.broken(|_| fault) } else { fault }
    }

    fn begin_sending(&mut self, temp: &[u8], shown: &str) -> Result<data::Transfer, Fault> {
        let command = ("STOR", Some(temp));
        let mut answer = match self.open_data(Phase::Send, shown, command, 0)? {
            Opened::Running(transfer) => return Ok(transfer),
            Opened::Answered(answer) => answer,
        };
        // proftpd's HiddenStores keep what broke off under a name of their own, and refuse the same again for it.
        let hidden = [b".in.", temp, b"."].concat();
        let may_be_hidden = matches!(answer.code, 550 | 553) && !temp.contains(&b'/');
        if may_be_hidden && self.ask(Phase::Send, "DELE", Some(&hidden))?.is_done() {
            answer = match self.open_data(Phase::Send, shown, command, 0)? {
                Opened::Running(transfer) => return Ok(transfer),
                Opened::Answered(again) => again,
            };
        }
        Err(data::with_reuse(self.is_newest, self.tell.answer(Phase::Send, shown, &answer)))
    }

    /// Where nobody else compares: whole are as many bytes as the server says when it is asked.
    fn is_whole(&mut self, name: &[u8], shown: &str, came: u64) -> Result<(), Fault> {
        match self.size_of(name)? {
            Some(size) if size != came => {
                let words = format!("226 after {came} of {size} bytes");
                Err(self.broken(|tell| tell.fault(FaultKind::Transient, Phase::Fetch, shown, &words)))
            }
            _ => Ok(()),
        }
    }

    fn not_fetched(&mut self, folder: &Folder, name: &[u8], shown: &str, answer: &Answer) -> Fault {
        let fault = data::with_reuse(self.is_newest, self.tell.answer(Phase::Fetch, shown, answer));
        match matches!(answer.code, 450 | 550).then(|| self.is_gone(folder, name)) {
            Some(Ok(true)) => Fault { kind: FaultKind::Missing, ..fault },
            Some(Err(worse)) => worse,
            _ => fault,
        }
    }

    /// The server took no more. If it still speaks, it says why.
    fn not_sent(&mut self, shown: &str, transfer: data::Transfer, error: &std::io::Error) -> Fault {
        let line = self.tell.line(Phase::Send, shown, error);
        if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
            || self.tell.watch.ended().is_some()
        {
            return self.broken(|_| line);
        }
        self.begin_phase();
        match self.last_word(transfer) {
            Ok(answer) if !answer.is_done() => {
                let fault = data::with_reuse(self.is_newest, self.tell.answer(Phase::Send, shown, &answer));
                self.answered(fault)
            }
            _ => self.broken(|_| line),
        }
    }

    /// A server may say 226 and keep less.
    fn is_kept(&mut self, folder: &Folder, temp: &[u8], shown: &str, size: u64) -> Result<(), Broken> {
        let found = self.facts_of(folder, &[temp])?.pop().flatten();
        let words = match found {
            Some(Facts { size: Some(kept), .. }) if kept == size => return Ok(()),
            Some(Facts { size: Some(kept), .. }) => format!("says 226 and keeps {kept} of {size} bytes"),
            Some(Facts { size: None, .. }) => "says 226, and there is no way to ask it how much it kept".into(),
            None => "says 226, and nothing of that name is there".into(),
        };
        Err(self.tell.fault(FaultKind::Transient, Phase::Send, shown, &words).into())
    }
}
