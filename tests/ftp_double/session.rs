//! One control connection of the double, and its data connections.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::script::{Action, End, Reset};
use super::tls::{self, Line};
use super::{PASSWORD, Shared, USER};

/// Who was told to be silent ends when its client does.
fn stay_silent(socket: &TcpStream) {
    let mut socket = socket;
    let mut sink = [0; 1024];
    while matches!(socket.read(&mut sink), Ok(read) if read > 0) {}
}

struct Session<'a> {
    shared: &'a Shared,
    number: usize,
    line: BufReader<Line>,
    /// The socket itself, for silence and the end.
    socket: TcpStream,
    /// Of this connection alone: sessions of others cannot be gone on with.
    tls: Arc<rustls::ServerConfig>,
    /// PROT P: data connections are secured.
    protects: bool,
    folder: Vec<u8>,
    passive: Option<TcpListener>,
    rename_from: Option<PathBuf>,
    rest: u64,
    drip: Option<Duration>,
    /// Said around the data of this transfer.
    around: Option<(Vec<u8>, Vec<u8>)>,
    is_mute: bool,
    uploads: Vec<PathBuf>,
    /// The command under way, for the log.
    command: String,
}

enum Next {
    On,
    End,
}

pub fn serve(shared: &Shared, socket: TcpStream, number: usize) {
    let Ok(copy) = socket.try_clone() else { return };
    // An answer waits for no other.
    drop(socket.set_nodelay(true));
    let mut session = Session {
        shared,
        number,
        line: BufReader::new(Line::Plain(copy)),
        socket,
        tls: {
            let script = shared.script.lock().unwrap();
            tls::config(script.is_newest, &script.certificate)
        },
        protects: false,
        folder: b"/".to_vec(),
        passive: None,
        rename_from: None,
        rest: 0,
        drip: None,
        around: None,
        is_mute: false,
        uploads: Vec::new(),
        command: "CONNECT".into(),
    };
    // A client that hangs up is the end, not a fault.
    drop(session.run());
    drop(session.socket.shutdown(Shutdown::Both));
    if shared.script.lock().unwrap().loses_temp {
        let unfinished = session.uploads.iter().filter(|path| path.extension().is_some_and(|ending| ending == "part"));
        unfinished.for_each(|path| drop(fs::remove_file(path)));
    }
}

impl Session<'_> {
    fn run(&mut self) -> io::Result<()> {
        if self.shared.script.lock().unwrap().is_implicit {
            let socket = self.socket.try_clone()?;
            self.line = BufReader::new(Line::Secured(Box::new(tls::secured(&self.tls, socket)?)));
        }
        if let Next::End = self.handle("CONNECT", b"")? {
            return Ok(());
        }
        loop {
            let mut line = Vec::new();
            if self.line.buffer().is_empty() {
                self.shared.pieces.fetch_add(1, Ordering::Relaxed);
            }
            if self.line.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            if self.shared.script.lock().unwrap().eats_pipelined {
                let waiting = self.line.buffer().len();
                self.line.consume(waiting);
            }
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let (verb, argument) = match line.iter().position(|b| *b == b' ') {
                Some(blank) => (&line[..blank], line[blank + 1..].to_vec()),
                None => (line, Vec::new()),
            };
            let verb = String::from_utf8_lossy(verb).to_uppercase();
            self.command = if verb == "PASS" { verb.clone() } else { String::from_utf8_lossy(line).into_owned() };
            if let Next::End = self.handle(&verb, &argument)? {
                return Ok(());
            }
        }
    }

    /// Whatever is on its way is thrown away, at both ends.
    fn reset(&mut self) -> io::Result<Next> {
        self.shared.note(format!("{} {} -> reset", self.number, self.command));
        rustix::net::connect_unspec(&self.socket)?;
        Ok(Next::End)
    }

    fn say(&mut self, text: &str) -> io::Result<Next> {
        self.shared.note(format!("{} {} -> {text}", self.number, self.command));
        if self.is_mute {
            return Ok(Next::End);
        }
        let bytes = format!("{text}\r\n");
        match self.drip.take() {
            None => self.line.get_mut().write_all(bytes.as_bytes())?,
            Some(pause) => {
                for byte in bytes.bytes() {
                    self.line.get_mut().write_all(&[byte])?;
                    std::thread::sleep(pause);
                }
            }
        }
        Ok(Next::On)
    }

    fn say_bytes(&mut self, bytes: &[u8]) -> io::Result<Next> {
        self.shared.note(format!("{} {} -> {}", self.number, self.command, bytes.escape_ascii()));
        self.line.get_mut().write_all(bytes)?;
        Ok(Next::On)
    }

    /// The data is over.
    fn say_end(&mut self, text: &str) -> io::Result<Next> {
        match self.around.take() {
            Some((_, behind)) => self.say_bytes(&behind),
            None => self.say(text),
        }
    }

    fn handle(&mut self, verb: &str, argument: &[u8]) -> io::Result<Next> {
        let path = String::from_utf8_lossy(&self.virtual_path(argument)).into_owned();
        let action = self.shared.action(verb, &path);
        match &action {
            Some(Action::Silence) => {
                self.shared.note(format!("{} {} -> nothing", self.number, self.command));
                stay_silent(&self.socket);
                return Ok(Next::End);
            }
            Some(Action::Reply { text, close }) => {
                self.say(text)?;
                return Ok(if *close { Next::End } else { Next::On });
            }
            Some(Action::Hush(text)) => {
                self.say(text)?;
                stay_silent(&self.socket);
                return Ok(Next::End);
            }
            Some(Action::Raw(bytes)) if verb != "EPSV" && verb != "PASV" => return self.say_bytes(bytes),
            Some(Action::Around { before, behind }) => self.around = Some((before.clone(), behind.clone())),
            Some(Action::Reset(Reset::BeforeDone)) => return self.reset(),
            Some(Action::LoseAnswer | Action::Reset(Reset::Unanswered)) => self.is_mute = true,
            Some(Action::Delay(pause)) => std::thread::sleep(*pause),
            Some(Action::Drip(pause)) => self.drip = Some(*pause),
            Some(Action::Replace { name, text }) => self.partner_puts(name, text, false)?,
            Some(Action::Take(name)) => self.partner_takes(&format!("/{name}"))?,
            Some(Action::Die) => {
                self.shared.note(format!("{} {} -> died", self.number, self.command));
                self.shared.die();
                return Ok(Next::End);
            }
            Some(Action::PlainInTls) => {
                self.say("234 go ahead")?;
                let mut hello = [0; 5];
                self.line.read_exact(&mut hello)?;
                self.line.get_mut().write_all(b"500 OOPS: cannot locate user entry\r\n")?;
                stay_silent(&self.socket);
                return Ok(Next::End);
            }
            _ => {}
        }
        let next = self.command(verb, argument, action.as_ref())?;
        match action {
            Some(Action::HangUp) => return Ok(Next::End),
            Some(Action::Reset(_)) => return self.reset(),
            _ => {}
        }
        if let Some(Action::ThenSwap { name, text }) = &action {
            self.partner_puts(name, text, true)?;
        }
        Ok(next)
    }

    fn command(&mut self, verb: &str, argument: &[u8], action: Option<&Action>) -> io::Result<Next> {
        if let Some(Action::Say(text)) = action {
            return self.say(&text.clone());
        }
        match verb {
            "CONNECT" => self.say("220 the double is ready"),
            "USER" if argument == USER.as_bytes() => self.say("331 password, please"),
            "USER" => self.say("530 no such user"),
            "PASS" if argument == PASSWORD.as_bytes() => self.say("230 welcome"),
            "PASS" => self.say("530 wrong password"),
            "AUTH" if self.shared.script.lock().unwrap().has_tls => {
                self.say("234 go ahead")?;
                let socket = self.socket.try_clone()?;
                self.line = BufReader::new(Line::Secured(Box::new(tls::secured(&self.tls, socket)?)));
                Ok(Next::On)
            }
            "PROT" if self.shared.script.lock().unwrap().is_implicit => self.say("550 Action not taken"),
            "PROT" => {
                self.protects = argument == b"P";
                self.say("200 yes")
            }
            "TYPE" | "NOOP" | "OPTS" | "PBSZ" => self.say("200 yes"),
            "FEAT" => self.say(
                "211-Features:\r\n MLST type*;size*;modify*;\r\n SIZE\r\n MDTM\r\n UTF8\r\n REST STREAM\r\n211 End",
            ),
            "PWD" => self.say(&format!("257 \"{}\" is where you are", String::from_utf8_lossy(&self.folder.clone()))),
            "CWD" => {
                let path = self.virtual_path(argument);
                if !self.real(&path).is_dir() {
                    return self.say("550 no such folder");
                }
                self.folder = path;
                self.say("250 there")
            }
            "EPSV" | "PASV" => self.passive(verb, action),
            "MLSD" | "LIST" | "NLST" => self.list(verb, action),
            "RETR" => self.retrieve(argument, action),
            "STOR" => self.store(argument, action),
            "REST" => {
                self.rest = std::str::from_utf8(argument).ok().and_then(|n| n.parse().ok()).unwrap_or(0);
                self.say("350 from there")
            }
            "SIZE" | "MDTM" => self.facts(verb, argument),
            "RNFR" => {
                let path = self.real(&self.virtual_path(argument));
                let is_there = path.exists();
                self.rename_from = is_there.then_some(path);
                self.say(if is_there { "350 to what?" } else { "550 no such file" })
            }
            "RNTO" => self.rename_to(argument),
            "DELE" => self.remove(argument),
            "QUIT" => self.say("221 bye").map(|_| Next::End),
            _ => self.say("500 what?"),
        }
    }

    fn rename_to(&mut self, argument: &[u8]) -> io::Result<Next> {
        let to = self.real(&self.virtual_path(argument));
        let Some(from) = self.rename_from.take() else { return self.say("503 RNFR first") };
        if to.exists() && self.shared.script.lock().unwrap().keeps_old {
            return self.say("553 it exists");
        }
        let shared = self.shared;
        let page = shared.history.open();
        if to.exists() {
            page.tell("overwritten", &self.shown(&to), &to);
        }
        let renamed = fs::rename(&from, &to);
        if renamed.is_ok() {
            page.tell("renamed", &format!("{} > {}", self.shown(&from), self.shown(&to)), &to);
        }
        drop(page);
        self.uploads.retain(|path| *path != from);
        let takes = shared.script.lock().unwrap().taken_at_once.clone();
        let shown = self.shown(&to);
        if renamed.is_ok()
            && takes.is_some_and(|folder| shown.rsplit_once('/').is_some_and(|(place, _)| place == folder))
        {
            self.partner_takes(&shown)?;
        }
        self.say(if renamed.is_ok() { "250 renamed" } else { "550 cannot rename" })
    }

    fn remove(&mut self, argument: &[u8]) -> io::Result<Next> {
        let path = self.real(&self.virtual_path(argument));
        let shown = self.shown(&path);
        if path.is_file() {
            self.shared.on_removal.iter().for_each(|ask| ask(&shown));
        }
        let page = self.shared.history.open();
        if path.is_file() {
            page.tell("removed", &shown, &path);
        }
        let removed = fs::remove_file(path);
        drop(page);
        self.say(if removed.is_ok() { "250 gone" } else { "550 no such file" })
    }

    /// As it is called over the line.
    fn shown(&self, real: &Path) -> String {
        format!("/{}", real.strip_prefix(&self.shared.root).unwrap_or(real).display())
    }

    /// Moved in whole. `keeps_time`: nothing but its content tells that it is another.
    fn partner_puts(&self, name: &str, text: &str, keeps_time: bool) -> io::Result<()> {
        let page = self.shared.history.open();
        let (path, part) = (self.shared.root.join(name), self.shared.root.join(".part-of-the-partner"));
        fs::write(&part, text)?;
        if path.exists() {
            if keeps_time {
                File::options().write(true).open(&part)?.set_modified(fs::metadata(&path)?.modified()?)?;
            }
            page.tell("displaced", &self.shown(&path), &path);
        }
        fs::rename(&part, &path)?;
        page.tell("put", &self.shown(&path), &path);
        Ok(())
    }

    fn partner_takes(&self, shown: &str) -> io::Result<()> {
        let page = self.shared.history.open();
        let path = self.real(shown.as_bytes());
        page.tell("taken", shown, &path);
        fs::remove_file(path)
    }

    fn facts(&mut self, verb: &str, argument: &[u8]) -> io::Result<Next> {
        match fs::metadata(self.real(&self.virtual_path(argument))) {
            Ok(found) if found.is_file() && verb == "SIZE" => self.say(&format!("213 {}", found.len())),
            Ok(found) if found.is_file() => self.say(&format!("213 {}", moment(&found))),
            _ => self.say("550 no such file"),
        }
    }

    fn virtual_path(&self, argument: &[u8]) -> Vec<u8> {
        let whole = if argument.starts_with(b"/") { argument.to_vec() } else { [&self.folder, argument].join(&b'/') };
        let mut steps: Vec<&[u8]> = Vec::new();
        for step in whole.split(|b| *b == b'/') {
            match step {
                b"" | b"." => {}
                b".." => drop(steps.pop()),
                step => steps.push(step),
            }
        }
        [b"/", &steps.join(&b'/')[..]].concat()
    }

    fn real(&self, path: &[u8]) -> PathBuf {
        self.shared.root.join(OsStr::from_bytes(path.strip_prefix(b"/").unwrap_or(path)))
    }

    fn passive(&mut self, verb: &str, action: Option<&Action>) -> io::Result<Next> {
        let listener = TcpListener::bind((self.socket.local_addr()?.ip(), 0))?;
        let port = listener.local_addr()?.port();
        let mut address = "127,0,0,1".to_owned();
        match action {
            Some(Action::DeadPort) => drop(listener),
            Some(Action::Lie(other)) => {
                address = other.clone();
                self.passive = Some(listener);
            }
            _ => self.passive = Some(listener),
        }
        if let Some(Action::Raw(bytes)) = action {
            let mut bytes = bytes.clone();
            for (mark, number) in [("{port}", port), ("{p1}", port >> 8), ("{p2}", port & 255)] {
                while let Some(at) = bytes.windows(mark.len()).position(|part| part == mark.as_bytes()) {
                    bytes.splice(at..at + mark.len(), number.to_string().into_bytes());
                }
            }
            return self.say_bytes(&bytes);
        }
        if verb == "EPSV" {
            return self.say(&format!("229 Entering Extended Passive Mode (|||{port}|)"));
        }
        self.say(&format!("227 Entering Passive Mode ({address},{},{})", port >> 8, port & 255))
    }

    fn list(&mut self, verb: &str, action: Option<&Action>) -> io::Result<Next> {
        let mut text = Vec::new();
        match action {
            Some(Action::Listing(file)) => text = fs::read(file)?,
            Some(Action::Names(count)) => {
                for number in 0..*count {
                    text.extend_from_slice(
                        format!("type=file;size=7;modify=20261122083000; f{number}.csv\r\n").as_bytes(),
                    );
                }
            }
            _ => {
                let mut entries: Vec<fs::DirEntry> = fs::read_dir(self.real(&self.folder))?.flatten().collect();
                entries.sort_by_key(fs::DirEntry::file_name);
                for entry in entries {
                    let (Ok(found), name) = (entry.metadata(), entry.file_name().into_vec()) else { continue };
                    text.extend(line_of(verb, &found));
                    text.extend(name);
                    text.extend(b"\r\n");
                }
            }
        }
        self.deliver(&mut &text[..], action)
    }

    fn retrieve(&mut self, argument: &[u8], action: Option<&Action>) -> io::Result<Next> {
        let from = std::mem::take(&mut self.rest);
        match File::open(self.real(&self.virtual_path(argument))) {
            Ok(mut file) => {
                file.seek(SeekFrom::Start(from))?;
                self.deliver(&mut file, action)
            }
            Err(_) => self.say("550 no such file"),
        }
    }

    fn connection(&mut self) -> io::Result<Option<Line>> {
        let Some(listener) = self.passive.take() else { return self.say("425 no data connection").map(|_| None) };
        if self.protects && self.shared.script.lock().unwrap().wants_tls_first {
            let socket = listener.accept()?.0;
            socket.set_read_timeout(Some(Duration::from_millis(100)))?;
            if !matches!(socket.peek(&mut [0]), Ok(1)) {
                return self.say("425 No connection established").map(|_| None);
            }
            socket.set_read_timeout(None)?;
            let secured = tls::secured(&self.tls, socket)?;
            self.say("150 here it comes")?;
            return Ok(Some(Line::Secured(Box::new(secured))));
        }
        match &self.around {
            Some((before, _)) => self.say_bytes(&before.clone())?,
            None => self.say("150 here it comes")?,
        };
        let socket = listener.accept()?.0;
        if !self.protects {
            return Ok(Some(Line::Plain(socket)));
        }
        let secured = tls::secured(&self.tls, socket)?;
        if self.shared.script.lock().unwrap().wants_reuse && !tls::is_resumed(&secured) {
            return self.say("522 SSL connection failed: session reuse required").map(|_| None);
        }
        Ok(Some(Line::Secured(Box::new(secured))))
    }

    fn deliver(&mut self, from: &mut dyn Read, action: Option<&Action>) -> io::Result<Next> {
        let Some(mut data) = self.connection()? else { return Ok(Next::On) };
        let Some(Action::Data { bytes, end, reply }) = action else {
            // A client that cuts is told so, as servers do.
            let is_rude = self.shared.script.lock().unwrap().is_rude;
            let copied = io::copy(from, &mut data);
            return match copied.and_then(|_| if is_rude { data.end() } else { data.end_politely() }) {
                Ok(()) => self.say_end("226 that was all"),
                Err(_) => self.say("426 cut"),
            };
        };
        io::copy(&mut from.take(*bytes as u64), &mut data)?;
        match end {
            End::Close => drop(data),
            End::Cut => {
                rustix::net::sockopt::set_socket_linger(data.socket(), Some(Duration::ZERO))?;
                drop(data);
            }
            End::Silence => {
                stay_silent(data.socket());
                return Ok(Next::End);
            }
            End::Drip => {
                while data.write_all(b"x").is_ok() {
                    std::thread::sleep(Duration::from_millis(100));
                }
                return Ok(Next::End);
            }
        }
        match reply {
            Some(reply) => self.say(reply),
            None => {
                stay_silent(&self.socket);
                Ok(Next::End)
            }
        }
    }

    fn store(&mut self, argument: &[u8], action: Option<&Action>) -> io::Result<Next> {
        let path = self.real(&self.virtual_path(argument));
        let Ok(mut file) = OpenOptions::new().create(true).write(true).truncate(true).open(&path) else {
            self.passive = None;
            return self.say("553 not there");
        };
        self.shared.history.open().tell("stored", &self.shown(&path), &path);
        self.uploads.push(path);
        let Some(mut data) = self.connection()? else { return Ok(Next::On) };
        match action {
            Some(Action::Keep { bytes, reply }) => {
                io::copy(&mut (&mut data).take(*bytes as u64), &mut file)?;
                io::copy(&mut data, &mut io::sink())?;
                self.say(&reply.clone())
            }
            Some(Action::Refuse { bytes, reply }) => {
                io::copy(&mut (&mut data).take(*bytes as u64), &mut file)?;
                drop(data);
                self.say(&reply.clone())
            }
            Some(Action::Data { bytes, end: End::Silence, .. }) => {
                io::copy(&mut (&mut data).take(*bytes as u64), &mut file)?;
                // Neither reads on nor answers, until the client is gone.
                stay_silent(&self.socket);
                Ok(Next::End)
            }
            Some(Action::Data { .. }) => {
                io::copy(&mut data, &mut file)?;
                stay_silent(&self.socket);
                Ok(Next::End)
            }
            _ => {
                io::copy(&mut data, &mut file)?;
                self.say_end("226 kept")
            }
        }
    }
}

fn moment(found: &fs::Metadata) -> String {
    let time: chrono::DateTime<chrono::Utc> = found.modified().unwrap().into();
    time.format("%Y%m%d%H%M%S").to_string()
}

fn line_of(verb: &str, found: &fs::Metadata) -> Vec<u8> {
    let sort = if found.is_dir() { "dir" } else { "file" };
    match verb {
        "MLSD" => format!("type={sort};size={};modify={}; ", found.len(), moment(found)).into_bytes(),
        "LIST" => {
            let time: chrono::DateTime<chrono::Utc> = found.modified().unwrap().into();
            let mode = if found.is_dir() { "drwxr-xr-x" } else { "-rw-r--r--" };
            format!("{mode}   1 ftp      ftp  {:>12} {} ", found.len(), time.format("%b %d %H:%M")).into_bytes()
        }
        _ => Vec::new(),
    }
}
