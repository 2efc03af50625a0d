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
