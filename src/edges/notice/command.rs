//! A program of the site's as a channel: it gets the letter as JSON lines on its standard input and says with its exit code
//! whether it took it. No shell, no arguments from anybody's file. What it prints on standard error tells why it did not.

use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::NotTaken;
use crate::model::letter::Letter;

/// Between two looks whether it has ended.
const A_LOOK: Duration = Duration::from_millis(20);
/// Of what it says on standard error.
const SAID_BYTES_MAX: u64 = 2_000;

pub fn send(letter: &Letter, words: &[String], deadline: Duration) -> Result<(), NotTaken> {
    let [program, arguments @ ..] = words else { return Err(NotTaken("no command is named".into())) };
    let wrong = |what: &str, error: std::io::Error| NotTaken(format!("{program}: {what}: {error}"));
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
    let lines = letter.lines();
    let input = child.stdin.take();
    let errors = child.stderr.take();
    thread::scope(|scope| {
        // It may take nothing, or say more than a pipe holds: neither keeps us from the deadline, since its end closes both.
        scope.spawn(move || input.map(|mut input| input.write_all(lines.as_bytes())));
        let said = scope.spawn(move || said(errors));
        let ended = wait(&mut child, deadline);
        let said = said.join().unwrap_or_default();
        match ended {
            Ok(Some(status)) if status.success() => Ok(()),
            Ok(Some(status)) => Err(NotTaken(format!("{program} ended with {}{said}", told(status)))),
            Ok(None) => Err(NotTaken(format!("{program} did not end within {} s{said}", deadline.as_secs()))),
            Err(error) => Err(wrong("it cannot be waited for", error)),
        }
    })
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
fn wait(child: &mut Child, deadline: Duration) -> std::io::Result<Option<ExitStatus>> {
    let until = Instant::now() + deadline;
    loop {
        if let Some(status) = child.try_wait()? {
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

/// What it started and left behind holds our pipes.
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

fn said(errors: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    let Some(mut errors) = errors else { return String::new() };
    // What cannot be read was not said.
    let _ = errors.by_ref().take(SAID_BYTES_MAX).read_to_end(&mut bytes);
    // Nothing it says later may stand in its way.
    let _ = std::io::copy(&mut errors, &mut std::io::sink());
    let text = String::from_utf8_lossy(&bytes);
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() { String::new() } else { format!("; it said: {}", words.join(" ")) }
}
