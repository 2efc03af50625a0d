//! Data connections: opened by EPSV, by PASV where EPSV is not understood or leads nowhere, each with the time-outs of its
//! remote; and the bytes that go through them. A transfer that is not brought to its end takes the connection with it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use suppaftp::{FtpError, FtpResult, Mode, Status, TransferStream};

use super::super::fault::{Broken, Fault, FaultKind, Phase};
use super::tls::Channel;
use super::watching::Watching;
use super::{Ftp, telling};
use crate::edges::fault;
use crate::model::remote::Passive;

const BUFFER_BYTES: usize = 256 * 1024;
/// Most files are smaller; who fills it gets the larger one.
const FIRST_BYTES: usize = 16 * 1024;
/// A data connection that brings less than this in twice the time-out drips.
const DRIP_BYTES: u64 = 1024;

/// Makes the sockets, and remembers what became of the last: the library says only that something failed.
pub struct Door {
    pub timeout: Duration,
    pub watch: Arc<Watching>,
    /// One data connection of this control connection has come about: the ways through are open, so the next ones need not
    /// be waited for before their command goes out. A trip less for each file.
    is_proven: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    NotAsked,
    Failed(String),
    Open,
}

impl Door {
    pub fn new(timeout: Duration, watch: Arc<Watching>) -> Door {
        Door { timeout, watch, is_proven: AtomicBool::new(false), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn open(&self, address: SocketAddr) -> FtpResult<TcpStream> {
        let is_proven = self.is_proven.load(Ordering::Relaxed);
        let connected = if is_proven { begin(address, self.timeout) } else { connect(address, self.timeout) };
        let opened = connected.and_then(|socket| self.watch.data(&socket).map(|()| socket));
        self.is_proven.store(opened.is_ok(), Ordering::Relaxed);
        *self.state() = match &opened {
            Ok(_) => State::Open,
            Err(error) => State::Failed(format!("the data connection to {address}: {}", words_of(error, self.timeout))),
        };
        opened.map_err(FtpError::ConnectionError)
    }
}

fn words_of(error: &io::Error, timeout: Duration) -> String {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => format!("no answer within {} s", timeout.as_secs_f32()),
        io::ErrorKind::ConnectionRefused => "refused".into(),
        _ => error.to_string(),
    }
}

/// A socket that never waits longer than the time-out.
pub fn connect(address: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    let socket = TcpStream::connect_timeout(&address, timeout)?;
    socket.set_read_timeout(Some(timeout))?;
    socket.set_write_timeout(Some(timeout))?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// The same, still connecting: whoever reads or writes first waits for it, within the time-out, and meets its refusal.
fn begin(address: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS) => {}
        Err(error) => return Err(error.into()),
    }
    let socket = TcpStream::from(socket);
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(timeout))?;
    socket.set_write_timeout(Some(timeout))?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// A transfer under way. Dropped before its end it shuts its sockets: the library would wait for an answer.
pub struct Transfer {
    stream: Option<TransferStream<Channel>>,
    watch: Arc<Watching>,
}

impl Transfer {
    /// Says "that was all" and reads the server's last word.
    pub fn finish(mut self) -> FtpResult<()> {
        let Some(stream) = self.stream.take() else { return Ok(()) };
        if let suppaftp::DataStream::Tcp(socket) = stream.get_ref() {
            // The sentry has a copy, so closing alone would not be seen. A cut connection says the same.
            drop(socket.shutdown(Shutdown::Write));
        }
        let finished = stream.finish();
        self.watch.data_is_over();
        finished
    }
}

impl Read for Transfer {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.stream.as_mut().map_or(Ok(0), |stream| stream.read(bytes))
    }
}

impl Write for Transfer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.as_mut().map_or(Ok(0), |stream| stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        if self.stream.is_some() {
            self.watch.shut();
        }
    }
}

/// How a transfer was answered when it did not begin.
pub enum Opened {
    Running(Transfer),
    /// Without a data connection: 450, 550, a 226 at once.
    Answered(super::reply::Answer),
}

impl Ftp {
    /// Sends a command that moves data. The library leads EPSV or PASV, the socket and TLS.
    pub fn open_data(&mut self, phase: Phase, shown: &str, command: &[u8], from: u64) -> Result<Opened, Fault> {
        if self.is_given_up || command.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
            let given_up = (FaultKind::Transient, "the connection was given up before");
            let odd = (FaultKind::Refused, "no command can carry a line end");
            let (kind, words) = if self.is_given_up { given_up } else { odd };
            return Err(self.tell.fault(kind, phase, shown, words));
        }
        let text: String = command.iter().map(|byte| char::from(*byte)).collect();
        loop {
            self.library.set_mode(if self.is_pasv { Mode::Passive } else { Mode::ExtendedPassive });
            *self.door.state() = State::NotAsked;
            self.begin_phase();
            let offset =
                usize::try_from(from).map_err(|_| self.tell.fault(FaultKind::Refused, phase, shown, "too large"))?;
            let opened = self.library.resume_transfer(offset).and_then(|()| {
                fault::point("remote.ask").map_err(FtpError::ConnectionError)?;
                self.library.custom_data_command(&text, &[Status::AboutToSend, Status::AlreadyOpen])
            });
            let error = match opened {
                Ok((_, stream)) => {
                    self.learn_passive();
                    let transfer = Transfer { stream: Some(stream), watch: self.tell.watch.clone() };
                    return Ok(Opened::Running(transfer));
                }
                Err(error) => error,
            };
            let state = std::mem::take(&mut *self.door.state());
            match (state, error) {
                (State::NotAsked, FtpError::UnexpectedResponse(reply)) if self.may_fall_back(&reply.body) => {
                    self.fall_back()
                }
                (State::NotAsked, error) => return Err(self.passive_fault(phase, error)),
                (State::Failed(_), _) if self.may_try_pasv() => self.fall_back(),
                (State::Failed(words), _) => return Err(self.tell.fault(FaultKind::Transient, phase, shown, &words)),
                (State::Open, FtpError::UnexpectedResponse(reply)) => {
                    self.learn_passive();
                    self.tell.watch.data_is_over();
                    self.end_phase();
                    return match telling::answer_in(&reply.body) {
                        Some(answer) if answer.code != 421 && !(100..200).contains(&answer.code) => {
                            Ok(Opened::Answered(answer))
                        }
                        _ => Err(self.broken(|tell| tell.library(phase, shown, FtpError::UnexpectedResponse(reply)))),
                    };
                }
                (State::Open, error) => return Err(self.data_fault(phase, shown, error)),
            }
        }
    }

    fn may_try_pasv(&self) -> bool {
        !self.is_pasv && self.rule.passive == Passive::Auto && self.tell.watch.ended().is_none()
    }

    /// EPSV is not known, not allowed, not for this network, or answered in a form of its own.
    fn may_fall_back(&self, body: &[u8]) -> bool {
        let code = telling::answer_in(body).map(|answer| answer.code);
        self.may_try_pasv() && matches!(code, Some(229 | 500..=529 | 531..=599))
    }

    /// For this connection; for the next ones once it has helped.
    fn fall_back(&mut self) {
        self.is_pasv = true;
    }

    fn learn_passive(&self) {
        if self.is_pasv && self.rule.passive == Passive::Auto {
            self.learned.use_pasv(true);
        }
    }

    fn passive_fault(&mut self, phase: Phase, error: FtpError) -> Fault {
        let verb = if self.is_pasv { "PASV" } else { "EPSV" };
        if self.rule.passive == Passive::Auto && matches!(error, FtpError::ConnectionError(_)) {
            // A server, or what stands before it, that is struck dumb by EPSV: the next connection goes without, and should
            // that be worse (PASV knows no IPv6), the one after it with it again.
            self.learned.use_pasv(!self.is_pasv);
        } else if self.is_pasv && self.rule.passive == Passive::Auto {
            self.learned.use_pasv(false);
        }
        self.broken(|tell| match error {
            FtpError::UnexpectedResponse(reply)
                if tell.watch.ended().is_none()
                    && matches!(reply.status, Status::PassiveMode | Status::ExtendedPassiveMode) =>
            {
                let said = tell.secret.scrub(&super::reply::readable(&reply.body));
                let words = format!("\"{said}\" names no port that could be read");
                tell.fault(FaultKind::Refused, phase, verb, &words)
            }
            error => tell.library(phase, verb, error),
        })
    }

    /// The command was accepted, then the data connection failed: its TLS, or the line.
    fn data_fault(&mut self, phase: Phase, shown: &str, error: FtpError) -> Fault {
        let failed = self.seen.as_ref().and_then(|seen| super::tls::seen(seen).failed.take());
        let newest = self.is_newest;
        self.broken(|tell| match failed {
            Some(failed) => with_reuse(newest, tell.line(phase, shown, &failed)),
            None => with_reuse(newest, tell.library(phase, shown, error)),
        })
    }

    /// Bytes of the data connection into `out`, until its end.
    pub fn pour_in(&mut self, transfer: &mut Transfer, out: &mut dyn Write, shown: &str) -> Result<u64, Broken> {
        let (mut buffer, mut total, mut drip) = (vec![0; FIRST_BYTES], 0, Drip::begin());
        loop {
            drip.watch(&self.tell.watch);
            let read = fault::point("remote.fetch").and_then(|()| transfer.read(&mut buffer));
            match read {
                Ok(0) if self.tell.watch.ended().is_none() => return Ok(total),
                Ok(0) => return Err(self.tell.line(Phase::Fetch, shown, &io::ErrorKind::UnexpectedEof.into()).into()),
                Ok(read) => {
                    out.write_all(&buffer[..read]).map_err(Broken::Ours)?;
                    total += read as u64;
                    drip.came(read as u64);
                    if read == buffer.len() {
                        buffer.resize(BUFFER_BYTES, 0);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let fault = self.tell.line(Phase::Fetch, shown, &error);
                    return Err(after_bytes(fault, total).into());
                }
            }
        }
    }

    /// `size` bytes of `from` into the data connection. `Ok(Some(_))`: the server took no more; it will say why.
    pub fn pour_out(
        &mut self,
        transfer: &mut Transfer,
        from: &mut dyn Read,
        size: u64,
    ) -> Result<Option<io::Error>, Broken> {
        let (mut buffer, mut left) =
            (vec![0; BUFFER_BYTES.min(usize::try_from(size).unwrap_or(BUFFER_BYTES).max(1))], size);
        let mut drip = Drip::begin();
        while left > 0 {
            let room = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let read = match from.read(&mut buffer[..room]) {
                Ok(0) => return Err(Broken::Ours(io::ErrorKind::UnexpectedEof.into())),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Broken::Ours(error)),
            };
            let mut sent = 0;
            while sent < read {
                drip.watch(&self.tell.watch);
                match fault::point("remote.send").and_then(|()| transfer.write(&buffer[sent..read])) {
                    Ok(0) => return Ok(Some(io::ErrorKind::WriteZero.into())),
                    Ok(written) => {
                        sent += written;
                        drip.came(written as u64);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Ok(Some(error)),
                }
            }
            left -= read as u64;
        }
        Ok(transfer.flush().err())
    }
}

/// Under TLS 1.3 a data connection that is refused is refused for its session.
pub fn with_reuse(is_newest: bool, fault: Fault) -> Fault {
    let code = fault.answer.as_ref().and_then(|answer| answer.code);
    if !is_newest || !matches!(code, Some(425 | 522)) {
        return fault;
    }
    let advice = Some(super::super::fault::Advice(telling::REUSE.into()));
    Fault { kind: FaultKind::TlsReuse, advice, ..fault }
}

pub fn after_bytes(mut fault: Fault, bytes: u64) -> Fault {
    if let Some(answer) = &mut fault.answer {
        answer.text = format!("{} after {bytes} bytes", answer.text);
    }
    fault
}

/// Enough has to come in time, or the sentry ends it.
struct Drip {
    is_new: bool,
    bytes: u64,
}

impl Drip {
    fn begin() -> Drip {
        Drip { is_new: true, bytes: 0 }
    }

    fn watch(&mut self, watch: &Watching) {
        if std::mem::take(&mut self.is_new) {
            watch.begin();
        }
    }

    fn came(&mut self, bytes: u64) {
        self.bytes += bytes;
        if self.bytes >= DRIP_BYTES {
            *self = Drip::begin();
        }
    }
}
