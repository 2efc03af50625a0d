//! A door for machines that watch: GET on a loopback port or a socket in the file system, one request a connection, one after
//! the other, each within a few seconds. What is answered is said by whoever opens it; nothing can be changed through it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A watcher asks and reads at once; one that does neither must not keep the others waiting.
const PATIENCE: Duration = Duration::from_secs(5);
const HEAD_MAX_BYTES: usize = 8 * 1024;
/// The operators' group may ask too.
const SOCKET_MODE: u32 = 0o660;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    Loopback(SocketAddr),
    Socket(PathBuf),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

/// An open door; it is closed with `close`.
pub struct Door {
    at: Listen,
    closing: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

trait Stream: Read + Write + Send {
    fn within(&self, time: Duration) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn within(&self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))?;
        self.set_write_timeout(Some(time))
    }
}

impl Stream for UnixStream {
    fn within(&self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))?;
        self.set_write_timeout(Some(time))
    }
}

/// `answer`: for the path of a GET.
pub fn open(at: Listen, answer: impl Fn(&str) -> Answer + Send + 'static) -> io::Result<Door> {
    let (listener, at) = match at {
        Listen::Loopback(address) => {
            let listener = TcpListener::bind(address)?;
            // Port 0 is any that is free.
            let at = Listen::Loopback(listener.local_addr()?);
            (Listener::Tcp(listener), at)
        }
        Listen::Socket(path) => {
            // Of a process that was killed; a second daemon is kept away by its lock.
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let listener = UnixListener::bind(&path)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
            (Listener::Unix(listener), Listen::Socket(path))
        }
    };
    let closing = Arc::new(AtomicBool::new(false));
    let is_closing = closing.clone();
    let thread = std::thread::Builder::new().name("http".into()).spawn(move || {
        while !is_closing.load(Ordering::SeqCst) {
            match listener.accept() {
                // Whoever went away gets nothing.
                Ok(mut stream) => _ = serve(&mut *stream, &answer),
                // Too many open files, say: it passes, or the log tells of it elsewhere.
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    })?;
    Ok(Door { at, closing, thread })
}

impl Listener {
    fn accept(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match self {
            Listener::Tcp(listener) => Box::new(listener.accept()?.0),
            Listener::Unix(listener) => Box::new(listener.accept()?.0),
        })
    }
}

impl Door {
    pub fn at(&self) -> &Listen {
        &self.at
    }

    pub fn close(self) {
        self.closing.store(true, Ordering::SeqCst);
        // The thread waits for somebody to come: this is somebody.
        let woken = match &self.at {
            Listen::Loopback(address) => TcpStream::connect_timeout(address, PATIENCE).is_ok(),
            Listen::Socket(path) => UnixStream::connect(path).is_ok(),
        };
        if woken {
            let _ = self.thread.join();
        }
        if let Listen::Socket(path) = &self.at {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn serve(stream: &mut dyn Stream, answer: &dyn Fn(&str) -> Answer) -> io::Result<()> {
    let asked = read_head(stream)?;
    let answer = match asked.as_deref().map(path_of) {
        Some(Ok(path)) => answer(path),
        Some(Err(status)) => plain(status),
        None => plain(400),
    };
    let reason = match answer.status {
        200 => "OK",
        404 => "Not Found",
        405 => "Method Not Allowed",
        503 => "Service Unavailable",
        _ => "Bad Request",
    };
    let Answer { status, content_type, body } = answer;
    let head = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.within(PATIENCE)?;
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    stream.flush()
}

fn plain(status: u16) -> Answer {
    let body = match status {
        405 => "only GET\n",
        _ => "this is no request\n",
    };
    Answer { status, content_type: "text/plain; charset=utf-8", body: body.to_string() }
}

/// Up to the empty line; none where it is too long, or never comes.
fn read_head(stream: &mut dyn Stream) -> io::Result<Option<String>> {
    let deadline = Instant::now() + PATIENCE;
    let (mut head, mut piece) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || head.len() > HEAD_MAX_BYTES {
            return Ok(None);
        }
        stream.within(left)?;
        match stream.read(&mut piece)? {
            0 => return Ok(None),
            count => head.extend_from_slice(&piece[..count]),
        }
    }
    Ok(String::from_utf8(head).ok())
}

fn path_of(head: &str) -> Result<&str, u16> {
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    match (words.next(), words.next(), words.next()) {
        (Some("GET"), Some(path), Some(version)) if version.starts_with("HTTP/1.") => {
            Ok(path.split('?').next().unwrap_or_default())
        }
        (Some(_), Some(_), Some(version)) if version.starts_with("HTTP/1.") => Err(405),
        _ => Err(400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(address: SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request).unwrap();
        // Answered and closed by then, there is nothing left to be shut.
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut told = String::new();
        // A request that is too long is answered before it is read, and the rest of it resets the connection.
        let _ = stream.read_to_string(&mut told);
        told
    }

    #[test]
    fn a_get_is_answered_and_nothing_else() {
        let say =
            |path: &str| Answer { status: 200, content_type: "text/plain", body: format!("you asked for {path}\n") };
        let door = open(Listen::Loopback("127.0.0.1:0".parse().unwrap()), say).unwrap();
        let Listen::Loopback(address) = *door.at() else { panic!("no port") };
        let told = ask(address, b"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(
            told.starts_with("HTTP/1.1 200 OK\r\n") && told.ends_with("\r\n\r\nyou asked for /metrics\n"),
            "{told}"
        );
        assert!(ask(address, b"POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
        for bad in [&b"GET\r\n\r\n"[..], b"\xff\xfe\r\n\r\n", b"GET / HTTP/1.1\r\n"] {
            assert!(ask(address, bad).starts_with("HTTP/1.1 400 "), "{bad:?}");
        }
        ask(address, &[b'x'; 3 * HEAD_MAX_BYTES]);
        assert!(ask(address, b"GET / HTTP/1.0\r\n\r\n").contains("you asked for /"));
        door.close();
        assert!(TcpStream::connect(address).is_err());
    }

    #[test]
    fn a_socket_is_for_its_group_and_goes_with_the_door() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("http.sock");
        std::fs::write(&path, "of a process that was killed").unwrap();
        let say = |_: &str| Answer { status: 503, content_type: "text/plain", body: "no\n".to_string() };
        let door = open(Listen::Socket(path.clone()), say).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, SOCKET_MODE);
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(b"GET /health HTTP/1.1\r\n\r\n").unwrap();
        let mut told = String::new();
        stream.read_to_string(&mut told).unwrap();
        assert!(told.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{told}");
        door.close();
        assert!(!path.exists());
    }
}
