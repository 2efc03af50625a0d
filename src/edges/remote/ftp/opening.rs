//! How a transfer comes about: EPSV, PASV where EPSV is not understood or leads nowhere, the command, the TLS of its data
//! connection; and what a server's way of answering teaches the next connections. The bytes are `data`'s.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::Ordering;

use super::super::fault::{Advice, Fault, FaultKind, Phase};
use super::Ftp;
use super::data::{Stream, Transfer, with_reuse};
use super::reply::Answer;
use super::tls::Channel;
use super::wire::Silent;
use crate::edges::fault;
use crate::model::remote::Passive;

const FIREWALL: &str =
    "Ask the partner which ports its passive mode uses, and whether a firewall there or here lets us through to them";

/// How a transfer was answered when it did not begin.
pub enum Opened {
    Running(Transfer),
    /// Without a data connection: 450, 550, a 226 at once.
    Answered(Answer),
}

impl Opened {
    fn is_no_connection(&self) -> bool {
        matches!(self, Opened::Answered(answer) if answer.code == 425)
    }
}

impl Ftp {
    /// Sends a command that moves data. 425 is what servers say that wait for the TLS of the data connection before they speak
    /// (ftp-srv): those are asked once more in their way, and from then on.
    pub fn open_data(
        &mut self,
        phase: Phase,
        shown: &str,
        command: (&str, Option<&[u8]>),
        from: u64,
    ) -> Result<Opened, Fault> {
        let opened = self.try_data(phase, shown, command, from)?;
        let early = &self.learned.early_tls;
        let may_help = self.tls.is_some() && !early.is_in_vain.load(Ordering::Relaxed);
        if !(may_help && opened.is_no_connection()) {
            return Ok(opened);
        }
        if early.helps.swap(true, Ordering::Relaxed) {
            return Ok(opened);
        }
        let again = self.try_data(phase, shown, command, from);
        let early = &self.learned.early_tls;
        match &again {
            Ok(again) if again.is_no_connection() => {
                early.helps.store(false, Ordering::Relaxed);
                early.is_in_vain.store(true, Ordering::Relaxed);
            }
            Ok(_) => {}
            // The line broke: nothing was learned.
            Err(_) => early.helps.store(false, Ordering::Relaxed),
        }
        again
    }

    /// The data connection is begun before the command, its TLS behind the answer to it.
    fn try_data(
        &mut self,
        phase: Phase,
        shown: &str,
        (verb, argument): (&str, Option<&[u8]>),
        from: u64,
    ) -> Result<Opened, Fault> {
        if self.is_given_up {
            return Err(self.tell.fault(FaultKind::Transient, phase, shown, "the connection was given up before"));
        }
        let command = self.line(phase, verb, argument)?;
        self.begin_phase();
        let mut socket = Some(self.data_socket(phase, shown)?);
        if from > 0 {
            let answer = self.asked_around(phase, "REST", format!("REST {from}\r\n").as_bytes())?;
            if answer.code != 350 {
                return Ok(self.not_opened(answer));
            }
        }
        fault::point("remote.ask").map_err(|error| self.broken(|tell| tell.line(phase, shown, &error)))?;
        let is_early = self.tls.is_some() && self.learned.early_tls.helps.load(Ordering::Relaxed);
        let mut secured = None;
        let said = match self.wire.say(&command) {
            Ok(None) if is_early => {
                secured = self.secured_data(&mut socket);
                self.wire.answer()
            }
            Ok(None) => self.wire.answer(),
            Ok(Some(farewell)) => Ok(farewell),
            Err(silent) => Err(silent),
        };
        let answer = self.heard(phase, shown, said)?;
        match answer.code {
            125 | 150 => {}
            100..=199 => return Err(self.broken(|tell| tell.answer(phase, shown, &answer))),
            _ => return Ok(self.not_opened(answer)),
        }
        let secured = secured.or_else(|| self.secured_data(&mut socket));
        let stream = match (secured, socket) {
            (Some(Ok(channel)), _) => Stream::Secured(Box::new(channel)),
            (None, Some(socket)) => Stream::Plain(socket),
            (failed, _) => {
                let failed = failed.and_then(Result::err).unwrap_or_else(|| io::ErrorKind::NotConnected.into());
                return Err(self.not_secured(phase, shown, &failed));
            }
        };
        self.learn_passive();
        Ok(Opened::Running(Transfer::new(stream, self.tell.watch.clone())))
    }

    fn not_secured(&mut self, phase: Phase, shown: &str, failed: &io::Error) -> Fault {
        let (is_newest, unprotected) = (self.is_newest, self.unprotected.take());
        self.broken(|tell| {
            let fault = with_reuse(is_newest, tell.line(phase, shown, failed));
            let Some(said) = unprotected.filter(|_| fault.kind != FaultKind::Stopped) else { return fault };
            let words = format!("it refused PROT P ({}), and its data connections are not secured", said.to_reply());
            let advice = Some(Advice(
                "Files would go readable over the line, so nothing is taken; ask for tls = \"explicit\" there".into(),
            ));
            Fault { advice, ..tell.fault(FaultKind::Tls, phase, shown, &tell.secret.scrub(&words)) }
        })
    }

    /// None without TLS; with it the socket is gone.
    fn secured_data(&self, socket: &mut Option<TcpStream>) -> Option<io::Result<Channel>> {
        let tls = self.tls.as_ref()?;
        socket.take().map(|socket| tls.data(&self.rule.host, socket))
    }

    /// Of this connection's ways to a data connection the first that is there.
    fn data_socket(&mut self, phase: Phase, shown: &str) -> Result<TcpStream, Fault> {
        loop {
            let verb = if self.is_pasv { "PASV" } else { "EPSV" };
            let answer = self.asked_around(phase, verb, format!("{verb}\r\n").as_bytes()).inspect_err(|fault| {
                let is_silent = fault.answer.as_ref().is_some_and(|answer| answer.code.is_none());
                if fault.kind == FaultKind::Transient && is_silent {
                    // A server, or what stands before it, that is struck dumb by EPSV: the next connection goes without, and
                    // should that be worse (PASV knows no IPv6), the one after it with it again.
                    self.learn_other_way(!self.is_pasv);
                }
            })?;
            let Some(address) = self.address_in(&answer) else {
                if self.may_fall_back(answer.code) {
                    self.is_pasv = true;
                    continue;
                }
                return Err(self.no_way(phase, verb, &answer));
            };
            match self.door.open(address) {
                Ok(socket) => return Ok(socket),
                Err(_) if self.may_try_pasv() => self.is_pasv = true,
                Err(words) => return Err(self.not_reached(phase, shown, &words)),
            }
        }
    }

    /// Nearly always a firewall that knows the first port and none of the others.
    fn not_reached(&self, phase: Phase, shown: &str, words: &str) -> Fault {
        let advice = Some(Advice(FIREWALL.into()));
        Fault { advice, ..self.tell.fault(FaultKind::Transient, phase, shown, words) }
    }

    /// A command before the data and its answer. What says that the connection is at its end is a fault.
    fn asked_around(&mut self, phase: Phase, shown: &str, command: &[u8]) -> Result<Answer, Fault> {
        let said = self.wire.begin(command);
        self.heard(phase, shown, said)
    }

    fn heard(&mut self, phase: Phase, shown: &str, said: Result<Answer, Silent>) -> Result<Answer, Fault> {
        match said {
            Ok(answer) if answer.code == 421 => Err(self.broken(|tell| tell.answer(phase, shown, &answer))),
            Ok(answer) => Ok(answer),
            Err(silent) => Err(self.broken(|tell| tell.silence(phase, shown, silent))),
        }
    }

    fn not_opened(&mut self, answer: Answer) -> Opened {
        self.learn_passive();
        self.tell.watch.data_is_over();
        self.end_phase();
        Opened::Answered(answer)
    }

    /// At the host that we are connected to, but where PASV is to be believed.
    fn address_in(&self, answer: &Answer) -> Option<SocketAddr> {
        let words = answer.lines.join(&b' ');
        match answer.code {
            229 if !self.is_pasv => Some(self.at_peer(extended_port(&words)?)),
            227 if self.is_pasv => {
                let (told, port) = passive_address(&words)?;
                let is_believed = self.rule.passive == Passive::PasvAsTold;
                Some(if is_believed { SocketAddr::new(told.into(), port) } else { self.at_peer(port) })
            }
            _ => None,
        }
    }

    /// With the interface of an address that is only of one network.
    fn at_peer(&self, port: u16) -> SocketAddr {
        let mut address = self.peer;
        address.set_port(port);
        address
    }

    fn may_try_pasv(&self) -> bool {
        !self.is_pasv && self.rule.passive == Passive::Auto && self.tell.watch.ended().is_none()
    }

    /// EPSV is not known, not allowed, not for this network, or answered in a form of its own.
    fn may_fall_back(&self, code: u16) -> bool {
        self.may_try_pasv() && matches!(code, 229 | 500..=529 | 531..=599)
    }

    fn learn_passive(&self) {
        if self.is_pasv {
            self.learn_other_way(true);
        }
    }

    /// For the connections that come.
    fn learn_other_way(&self, is_pasv: bool) {
        if self.rule.passive == Passive::Auto {
            self.learned.use_pasv(is_pasv);
        }
    }

    /// The last way there is was refused, or said in words that nobody can follow.
    fn no_way(&mut self, phase: Phase, verb: &str, answer: &Answer) -> Fault {
        if self.is_pasv {
            self.learn_other_way(false);
        }
        self.broken(|tell| {
            if !matches!(answer.code, 227 | 229) {
                return tell.answer(phase, verb, answer);
            }
            let said = tell.secret.scrub(&format!("{} {}", answer.code, answer.words()));
            tell.fault(FaultKind::Refused, phase, verb, &format!("\"{said}\" names no port that could be read"))
        })
    }
}

/// `(|||50000|)`: a port between four marks of any one sort; an address before it is not needed.
fn extended_port(words: &[u8]) -> Option<u16> {
    let mut marks = words.iter().enumerate().filter(|(_, mark)| mark.is_ascii_punctuation());
    marks.find_map(|(at, mark)| {
        let mut fields = words[at + 1..].split(|byte| byte == mark);
        let (network, _address, port) = (fields.next()?, fields.next()?, fields.next()?);
        // The fourth mark: something stands behind it, or nothing does.
        fields.next().filter(|_| network.len() <= 1)?;
        number(port).filter(|port| *port > 0)
    })
}

/// Six numbers between commas, wherever they stand (RFC 1123): `(127,0,0,1,195,80)`, `=127,0,0,1,195,80`.
fn passive_address(words: &[u8]) -> Option<(Ipv4Addr, u16)> {
    let mut parts = words.split(|byte| !(byte.is_ascii_digit() || matches!(byte, b',' | b' ')));
    parts.find_map(|part| {
        let numbers: Option<Vec<u8>> = part.split(|byte| *byte == b',').map(number).collect();
        let [a, b, c, d, high, low] = numbers?[..] else { return None };
        Some((Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low])))
    })
}

fn number<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    std::str::from_utf8(digits.trim_ascii()).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_found_wherever_they_stand() {
        for (words, port) in [
            ("Entering Extended Passive Mode (|||6446|)", Some(6446)),
            ("Mode, e-passive! (|1|132.235.1.2|6275|)", Some(6275)),
            ("(!!!50000!)", Some(50000)),
            ("(|||65536|)", None),
            ("(|||0|)", None),
            ("(||6446|)", None),
            ("as you like", None),
            ("", None),
        ] {
            assert_eq!(extended_port(words.as_bytes()), port, "{words}");
        }
        let local = Ipv4Addr::LOCALHOST;
        for (words, found) in [
            ("Entering Passive Mode (127,0,0,1,4,1).", Some((local, 1025))),
            ("=127,0,0,1,4,1", Some((local, 1025))),
            ("127, 0, 0, 1, 4, 1", Some((local, 1025))),
            ("2 of 3: 127,0,0,1,4,1", Some((local, 1025))),
            ("127,0,0,1,4", None),
            ("127,0,0,1,4,1,7", None),
            ("127,0,0,1,4,256", None),
            ("come in", None),
        ] {
            assert_eq!(passive_address(words.as_bytes()), found, "{words}");
        }
    }
}
