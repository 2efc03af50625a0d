//! Data connections, each with the time-outs of its remote, and the bytes that go through them. A transfer that is not brought to
//! its end takes the connection with it. How a transfer comes about is `opening`'s.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::super::fault::{Broken, Fault, FaultKind, Phase};
use super::reply::Answer;
use super::tls::Channel;
use super::watching::Watching;
use super::wire::Silent;
use super::{Ftp, telling};
use crate::edges::fault;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};

const BUFFER_BYTES: usize = 256 * 1024;
/// Most files are smaller; who fills it gets the larger one.
const FIRST_BYTES: usize = 16 * 1024;
/// A data connection that brings less than this in twice the time-out drips.
const DRIP_BYTES: u64 = 1024;

/// Makes the sockets.
pub struct Door {
    pub timeout: Duration,
    pub watch: Arc<Watching>,
    /// One data connection of this control connection has come about: the ways through are open, so the next ones need not
    /// be waited for before their command goes out. A trip less for each file.
    is_proven: AtomicBool,
}

impl Door {
    pub fn new(timeout: Duration, watch: Arc<Watching>) -> Door {
        Door { timeout, watch, is_proven: AtomicBool::new(false) }
    }

    /// The words say why there is none.
    pub fn open(&self, address: SocketAddr) -> Result<TcpStream, String> {
        let is_proven = self.is_proven.load(Ordering::Relaxed);
        let connected = if is_proven { begin(address, self.timeout) } else { connect(address, self.timeout) };
        let opened = connected.and_then(|socket| self.watch.data(&socket).map(|()| socket));
        self.is_proven.store(opened.is_ok(), Ordering::Relaxed);
        opened.map_err(|error| format!("the data connection to {address}: {}", words_of(&error, self.timeout)))
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

pub enum Stream {
    Plain(TcpStream),
    Secured(Box<Channel>),
}

/// A transfer under way. Dropped before its end it shuts its sockets: an answer would be waited for.
pub struct Transfer {
    stream: Option<Stream>,
    watch: Arc<Watching>,
}

impl Transfer {
    pub fn new(stream: Stream, watch: Arc<Watching>) -> Transfer {
        Transfer { stream: Some(stream), watch }
    }

    /// Says "that was all".
    fn end(mut self) {
        if let Some(Stream::Plain(socket)) = &self.stream {
            // The sentry has a copy, so closing alone would not be seen. A cut connection says the same.
            drop(socket.shutdown(Shutdown::Write));
        }
        self.stream = None;
    }
}

impl Read for Transfer {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match &mut self.stream {
            Some(Stream::Plain(socket)) => socket.read(bytes),
            Some(Stream::Secured(channel)) => channel.read(bytes),
            None => Ok(0),
        }
    }
}

impl Write for Transfer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.stream {
            Some(Stream::Plain(socket)) => socket.write(bytes),
            Some(Stream::Secured(channel)) => channel.write(bytes),
            None => Ok(0),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.stream {
            Some(Stream::Secured(channel)) => channel.flush(),
            _ => Ok(()),
        }
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        if self.stream.is_some() {
            self.watch.shut();
        }
    }
}

impl Ftp {
    /// Brings a transfer to its end and reads the server's last word on it.
    pub fn last_word(&mut self, transfer: Transfer) -> Result<Answer, Silent> {
        transfer.end();
        let answer = self.wire.answer();
        self.tell.watch.data_is_over();
        answer
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
