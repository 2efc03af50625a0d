//! A connection with a deadline as a whole: each read and write waits no longer than what is left of it, so that neither silence
//! nor a byte now and then keeps anybody. In the open, or from a moment on in TLS.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// An answer of more lines than this is none.
const LINE_BYTES_MAX: usize = 8 * 1024;

/// A socket that knows until when.
pub struct Timed {
    socket: TcpStream,
    until: Instant,
}

impl Timed {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        // No time at all would mean to wait for ever.
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Timed {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        // With a time-out the system gives a signal (a reload) back as an error; what is left of the time goes on.
        loop {
            self.socket.set_read_timeout(Some(self.left()?))?;
            match self.socket.read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            self.socket.set_write_timeout(Some(self.left()?))?;
            match self.socket.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

pub enum Line {
    Open(Timed),
    Secure(Box<StreamOwned<ClientConnection, Timed>>),
}

impl Line {
    /// Every address of the host is tried, as long as there is time.
    pub fn connect(host: &str, port: u16, until: Instant) -> io::Result<Line> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in (host, port).to_socket_addrs()? {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match TcpStream::connect_timeout(&address, left) {
                Ok(socket) => return Ok(Line::Open(Timed { socket, until })),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The handshake is done when this returns.
    pub fn secure(self, host: &str, config: Arc<ClientConfig>) -> io::Result<Line> {
        let Line::Open(mut timed) = self else { return Ok(self) };
        let name = ServerName::try_from(host.to_string()).map_err(io::Error::other)?;
        let mut session = ClientConnection::new(config, name).map_err(io::Error::other)?;
        while session.is_handshaking() {
            session.complete_io(&mut timed)?;
        }
        Ok(Line::Secure(Box::new(StreamOwned::new(session, timed))))
    }

    /// One line without its end; the other side's end before one is an error.
    pub fn read_line(&mut self) -> io::Result<String> {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while bytes.len() < LINE_BYTES_MAX {
            if self.read(&mut byte)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match byte[0] {
                b'\n' => return Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\r').to_string()),
                other => bytes.push(other),
            }
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "a line without an end"))
    }

    pub fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Line::Open(line) => line.write_all(bytes).and_then(|()| line.flush()),
            Line::Secure(line) => line.write_all(bytes).and_then(|()| line.flush()),
        }
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Line::Open(line) => line.read(bytes),
            Line::Secure(line) => line.read(bytes),
        }
    }
}

/// The system's error in words that say what was waited for.
pub fn told(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "no answer in time".to_string(),
        io::ErrorKind::UnexpectedEof => "the connection was closed".to_string(),
        _ => error.to_string(),
    }
}
