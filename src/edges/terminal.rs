//! Asks a person for words that nobody is to see: on a terminal without echo, else the first line of standard input.
//! The words leave no copy behind; the terminal is as it was whatever happens to the question.

use std::io::{self, Write, stdin};

use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::model::secret::Secret;

/// More is no line that a person typed.
const MOST_BYTES: usize = 4_096;

pub fn is_one() -> bool {
    isatty(stdin())
}

/// The question goes to standard error: standard output may be a file.
pub fn ask(question: &str) -> io::Result<Secret> {
    if !is_one() {
        return read_line();
    }
    eprint!("{question}");
    io::stderr().flush()?;
    let silent = Silent::begin()?;
    let words = read_line();
    drop(silent);
    eprintln!();
    words
}

/// A terminal that shows nothing and hands on each key, so that Ctrl-C ends the question and not the program with a silent terminal.
struct Silent(Termios);

impl Silent {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(stdin(), OptionalActions::Flush, &silent)?;
        Ok(Silent(before))
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // Nothing is left to do where the terminal is gone.
        let _ = tcsetattr(stdin(), OptionalActions::Flush, &self.0);
    }
}

/// Key by key without a buffer that would keep them. The ends of a line are Enter, Ctrl-D and the end of the file.
fn read_line() -> io::Result<Secret> {
    let is_terminal = is_one();
    let mut line = Zeroizing::new(Vec::with_capacity(MOST_BYTES));
    let mut key = [0_u8];
    // Not the buffered standard input of the library: what that read ahead would stay in memory.
    while rustix::io::retry_on_intr(|| rustix::io::read(stdin(), &mut key))? > 0 {
        match (key[0], is_terminal) {
            (b'\n', _) | (b'\r', true) | (4, true) => break,
            (3, true) => return Err(io::ErrorKind::Interrupted.into()),
            (8 | 127, true) => pop_character(&mut line),
            (21, true) => line.clear(),
            (byte, _) if line.len() < MOST_BYTES => line.push(byte),
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "the line is longer than any password")),
        }
    }
    if !is_terminal && line.last() == Some(&b'\r') {
        line.pop();
    }
    let text =
        std::str::from_utf8(&line).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the line is not UTF-8"))?;
    Ok(Secret::new(text.to_string()))
}

fn pop_character(line: &mut Vec<u8>) {
    while line.pop().is_some_and(|byte| byte & 0xC0 == 0x80) {}
}
