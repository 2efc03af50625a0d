//! A program of the site's as a channel: it gets the letter as JSON lines on its standard input and says with its exit code
//! whether it took it. No shell, no arguments from anybody's file. What it prints on standard error tells why it did not.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_setfl};

use super::NotTaken;
use crate::model::letter::Letter;

/// Between two looks whether it has ended.
const A_LOOK: Duration = Duration::from_millis(20);
/// Of what it says on standard error.
const SAID_BYTES_MAX: usize = 2_000;
/// Of what it says without end, read between two looks.
const PIECES_A_LOOK: usize = 64;

pub fn send(letter: &Letter, words: &[String], deadline: Duration) -> Result<(), NotTaken> {
    let [program, arguments @ ..] = words else { return Err(NotTaken("no command is named".into())) };
    let wrong = |what: &str, error: io::Error| NotTaken(format!("{program}: {what}: {error}"));
    let mut child = Command::new(program)
        .args(arguments)
        // Where systemd listens is nobody else's business.
        .env_remove("NOTIFY_SOCKET")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // A group of its own, so that what it started ends with it.
        .process_group(0)
        .spawn()
        .map_err(|error| wrong("it cannot be started", error))?;
    let mut pipes = Pipes::of(&mut child, letter.lines()).map_err(|error| wrong("it cannot be talked to", error))?;
    let ended = wait(&mut child, &mut pipes, deadline);
    let said = pipes.told();
    match ended {
        Ok(Some(status)) if status.success() => Ok(()),
        Ok(Some(status)) => Err(NotTaken(format!("{program} ended with {}{said}", told(status)))),
        Ok(None) => Err(NotTaken(format!("{program} did not end within {} s{said}", deadline.as_secs()))),
        Err(error) => Err(wrong("it cannot be waited for", error)),
    }
}

/// What goes to it and what it says. Neither end is ever waited for: it may take nothing or talk for ever, and a process that it left
/// behind may hold both open after its own end.
struct Pipes {
    input: Option<ChildStdin>,
    lines: Vec<u8>,
    written: usize,
    errors: Option<ChildStderr>,
    said: Vec<u8>,
}

impl Pipes {
    fn of(child: &mut Child, lines: String) -> io::Result<Pipes> {
        let (input, errors) = (child.stdin.take(), child.stderr.take());
        input.as_ref().map_or(Ok(()), |input| fcntl_setfl(input, OFlags::NONBLOCK))?;
        errors.as_ref().map_or(Ok(()), |errors| fcntl_setfl(errors, OFlags::NONBLOCK))?;
        Ok(Pipes { input, lines: lines.into_bytes(), written: 0, errors, said: Vec::new() })
    }

    /// As far as it goes at this moment.
    fn go_on(&mut self) {
        while let Some(input) = &mut self.input {
            match input.write(&self.lines[self.written..]) {
                Ok(count) if count > 0 => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // All of it is there, or nobody reads any more.
                _ => self.input = None,
            }
        }
        let mut bytes = [0; 4096];
        for _ in 0..PIECES_A_LOOK {
            let Some(errors) = &mut self.errors else { break };
            match errors.read(&mut bytes) {
                Ok(count) if count > 0 => {
                    let kept = count.min(SAID_BYTES_MAX - self.said.len());
                    self.said.extend_from_slice(&bytes[..kept]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => self.errors = None,
            }
        }
    }

    fn told(&self) -> String {
        let text = String::from_utf8_lossy(&self.said);
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.is_empty() { String::new() } else { format!("; it said: {}", words.join(" ")) }
    }
}

/// Started it is only for a letter: what it does is its own.
pub fn probe(words: &[String]) -> Result<String, NotTaken> {
    let Some(program) = words.first() else { return Err(NotTaken("no command is named".into())) };
    let wrong = |words: String| NotTaken(format!("{program}: {words}"));
    let meta = std::fs::metadata(program).map_err(|error| wrong(format!("it cannot be started: {error}")))?;
    if !meta.is_file() {
        return Err(wrong("it cannot be started: it is no file".to_string()));
    }
    rustix::fs::access(program.as_str(), rustix::fs::Access::EXEC_OK).map_err(|error| {
        wrong(format!("this user may not start it ({error}); chmod +x, or give its group the right"))
    })?;
    Ok(format!("{program} is there and can be started"))
}

/// None: it had to be ended.
fn wait(child: &mut Child, pipes: &mut Pipes, deadline: Duration) -> io::Result<Option<ExitStatus>> {
    let until = Instant::now() + deadline;
    loop {
        let ended = child.try_wait()?;
        // Also what it said last.
        pipes.go_on();
        if let Some(status) = ended {
            end_group(child);
            return Ok(Some(status));
        }
        if Instant::now() >= until {
            end_group(child);
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(A_LOOK);
    }
}

/// What it started and left behind ends with it, unless it made itself a group of its own.
fn end_group(child: &Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // Nobody is left in it: that is what is wanted.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "neither code nor signal".to_string(),
    }
}
