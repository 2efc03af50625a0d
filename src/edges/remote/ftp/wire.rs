//! The control connection in our own hands: commands out, answers in, several in one piece where a flight is asked for. Used
//! between transfers only, while the library that shares the socket is silent. More bytes than answers: out of step.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};

use super::reply::{Answer, Gathering};
use super::tls::Session;
use crate::edges::fault;

/// A line of an answer is not longer.
const READ_BYTES: usize = 4 * 1024;

/// Why there is no answer.
#[derive(Debug)]
pub enum Silent {
    Line(io::Error),
    /// What came instead.
    NoAnswer(String),
}

impl From<io::Error> for Silent {
    fn from(error: io::Error) -> Self {
        Silent::Line(error)
    }
}

enum Socket {
    Plain(TcpStream),
    Secured(Arc<Mutex<Session>>),
}

impl Socket {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Socket::Plain(socket) => socket.write_all(bytes),
            Socket::Secured(session) => {
                let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
                session.write_all(bytes)?;
                session.flush()
            }
        }
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Plain(socket) => socket.read(bytes),
            Socket::Secured(session) => session.lock().unwrap_or_else(PoisonError::into_inner).read(bytes),
        }
    }

    fn set_waits(&self, waits: bool) -> io::Result<()> {
        match self {
            Socket::Plain(socket) => socket.set_nonblocking(!waits),
            Socket::Secured(session) => {
                session.lock().unwrap_or_else(PoisonError::into_inner).sock.set_nonblocking(!waits)
            }
        }
    }

    /// What stands there without having been asked for.
    fn read_unasked(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; READ_BYTES];
        self.set_waits(false)?;
        let read = self.read(&mut bytes);
        self.set_waits(true)?;
        match read {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                bytes.truncate(read);
                Ok(bytes)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

pub struct Wire {
    socket: Socket,
}

impl Wire {
    pub fn plain(socket: TcpStream) -> Wire {
        Wire { socket: Socket::Plain(socket) }
    }

    pub fn secured(session: Arc<Mutex<Session>>) -> Wire {
        Wire { socket: Socket::Secured(session) }
    }

    /// Writes the commands in one piece and reads as many answers. A 421 ends it early: no more will come.
    pub fn ask(&mut self, commands: &[u8], count: usize) -> Result<Vec<Answer>, Silent> {
        fault::point("remote.ask")?;
        let unasked = self.socket.read_unasked()?;
        if !unasked.is_empty() {
            return answer_unasked(&unasked).map(|answer| vec![answer]);
        }
        self.socket.write_all(commands)?;
        fault::point("remote.asked")?;
        let (mut answers, mut gathering) = (Vec::with_capacity(count), Gathering::default());
        let (mut line, mut piece) = (Vec::new(), [0; READ_BYTES]);
        while answers.len() < count {
            let read = match self.socket.read(&mut piece) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            for &byte in &piece[..read] {
                if answers.len() == count {
                    return Err(Silent::NoAnswer("more came than was asked for".into()));
                }
                if byte != b'\n' {
                    line.push(byte);
                    continue;
                }
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                answers.extend(gathering.line(&line).map_err(Silent::NoAnswer)?);
                line.clear();
                if answers.last().is_some_and(|answer| answer.code == 421) {
                    return Ok(answers);
                }
            }
            if line.len() > super::reply::ANSWER_BYTES_MAX {
                return Err(Silent::NoAnswer("a line without an end".into()));
            }
        }
        Ok(answers)
    }
}

/// A farewell, which is told as it stands; anything else would be taken for the answer to what is asked now.
fn answer_unasked(bytes: &[u8]) -> Result<Answer, Silent> {
    match super::telling::answer_in(bytes) {
        Some(answer) if answer.code == 421 => Ok(answer),
        _ => Err(Silent::NoAnswer(format!("{} (before it was asked)", super::reply::readable(bytes)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_word_too_many_is_never_an_answer() {
        for (unasked, code) in [("226 and again\r\n", None), ("421 Timeout.\r\n", Some(421)), ("", Some(200))] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let mut wire = Wire::plain(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
            let mut server = listener.accept().unwrap().0;
            server.write_all(unasked.as_bytes()).unwrap();
            let answering = std::thread::spawn(move || {
                let asked = server.read(&mut [0; 64]).unwrap_or(0);
                server.write_all(b"200 yes\r\n").map(|()| asked)
            });
            let found = wire.ask(b"NOOP\r\n", 1).ok().and_then(|answers| answers.first().map(|answer| answer.code));
            assert_eq!(found, code, "{unasked:?}");
            drop(wire);
            let asked = answering.join().unwrap().unwrap_or(0);
            assert_eq!(asked > 0, unasked.is_empty(), "{unasked:?}");
        }
    }
}
