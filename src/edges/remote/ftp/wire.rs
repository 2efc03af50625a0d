//! The control connection: commands out, answers in, several in one piece where a flight is asked for. Around a transfer an
//! answer may come before it is asked for; elsewhere more bytes than answers are out of step.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use rustix::net::{RecvFlags, recv};

use super::reply::{ANSWER_BYTES_MAX, Answer, Gathering};
use super::tls::{Session, take_leave};
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
    Secured(Box<Session>),
}

impl Socket {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Socket::Plain(socket) => socket.write_all(bytes),
            Socket::Secured(session) => {
                session.write_all(bytes)?;
                session.flush()
            }
        }
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Plain(socket) => socket.read(bytes),
            Socket::Secured(session) => session.read(bytes),
        }
    }

    /// What stands there without having been asked for.
    fn read_unasked(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = [0; READ_BYTES];
        let read = match self {
            Socket::Plain(socket) => match recv(&*socket, &mut bytes[..], RecvFlags::DONTWAIT) {
                Ok((read, _)) => Ok(read),
                Err(error) => Err(error.into()),
            },
            Socket::Secured(session) => {
                session.sock.set_nonblocking(true)?;
                let read = session.read(&mut bytes);
                session.sock.set_nonblocking(false)?;
                read
            }
        };
        match read {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => Ok(bytes[..read].to_vec()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

pub struct Wire {
    socket: Socket,
    /// Came with an answer that was read, and belongs to none so far.
    ahead: Vec<u8>,
}

impl Wire {
    pub fn plain(socket: TcpStream) -> Wire {
        Wire { socket: Socket::Plain(socket), ahead: Vec::new() }
    }

    pub fn secured(session: Session) -> Wire {
        Wire { socket: Socket::Secured(Box::new(session)), ahead: Vec::new() }
    }

    /// Writes the commands in one piece and reads as many answers, telling of each that comes. A 421 ends it early: no more will.
    pub fn ask(&mut self, commands: &[u8], count: usize, comes: impl Fn()) -> Result<Vec<Answer>, Silent> {
        fault::point("remote.ask")?;
        if let Some(farewell) = self.unasked()? {
            return Ok(vec![farewell]);
        }
        self.socket.write_all(commands)?;
        fault::point("remote.asked")?;
        let mut answers = Vec::with_capacity(count);
        while answers.len() < count {
            answers.push(self.answer()?);
            comes();
            if answers.last().is_some_and(|answer| answer.code == 421) {
                return Ok(answers);
            }
        }
        if !self.ahead.is_empty() {
            return Err(Silent::NoAnswer("more came than was asked for".into()));
        }
        Ok(answers)
    }

    /// One command of a transfer, whose last answer may stand right behind this one.
    pub fn begin(&mut self, command: &[u8]) -> Result<Answer, Silent> {
        match self.say(command)? {
            Some(farewell) => Ok(farewell),
            None => self.answer(),
        }
    }

    /// A command whose answer is read later; the farewell instead, if the server has hung up meanwhile.
    pub fn say(&mut self, command: &[u8]) -> Result<Option<Answer>, Silent> {
        let farewell = self.unasked()?;
        if farewell.is_none() {
            self.socket.write_all(command)?;
        }
        Ok(farewell)
    }

    /// The next answer, whoever asked for it: a greeting, the end of a transfer.
    pub fn answer(&mut self) -> Result<Answer, Silent> {
        let (mut gathering, mut piece, mut searched) = (Gathering::default(), [0; READ_BYTES], 0);
        loop {
            while let Some(at) = self.ahead[searched..].iter().position(|byte| *byte == b'\n') {
                let whole: Vec<u8> = self.ahead.drain(..=searched + at).collect();
                searched = 0;
                let line = whole.strip_suffix(b"\n").unwrap_or(&whole);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                if let Some(answer) = gathering.line(line).map_err(Silent::NoAnswer)? {
                    return Ok(answer);
                }
            }
            searched = self.ahead.len();
            if searched > ANSWER_BYTES_MAX {
                return Err(Silent::NoAnswer("a line without an end".into()));
            }
            let read = match self.socket.read(&mut piece) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            self.ahead.extend_from_slice(&piece[..read]);
        }
    }

    /// Nothing came by itself, the end of the line least of all.
    pub fn is_silent(&mut self) -> bool {
        self.ahead.is_empty() && self.socket.read_unasked().is_ok_and(|unasked| unasked.is_empty())
    }

    /// A farewell that came by itself is the answer to whatever is asked now.
    fn unasked(&mut self) -> Result<Option<Answer>, Silent> {
        let mut unasked = std::mem::take(&mut self.ahead);
        if unasked.is_empty() {
            unasked = self.socket.read_unasked()?;
        }
        if unasked.is_empty() { Ok(None) } else { answer_unasked(&unasked).map(Some) }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Socket::Secured(session) = &mut self.socket {
            take_leave(session);
        }
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
            let found =
                wire.ask(b"NOOP\r\n", 1, || ()).ok().and_then(|answers| answers.first().map(|answer| answer.code));
            assert_eq!(found, code, "{unasked:?}");
            drop(wire);
            let asked = answering.join().unwrap().unwrap_or(0);
            assert_eq!(asked > 0, unasked.is_empty(), "{unasked:?}");
        }
    }
}
