//! Nobody waits for a partner's silence: a deadline for each socket in use, kept on a thread of its own, that shuts the socket
//! when it is over, so that whoever reads or writes there gets an error at once. Also how carriers are told to stop. It
//! decides nothing: who opens a socket says how long each phase of it may take.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// With nothing to watch.
const NOTHING_DUE: Duration = Duration::from_secs(3_600);

/// What carriers are to do when the program stops: first no further command, then no further bytes.
#[derive(Debug, Default)]
pub struct Gate {
    closing: AtomicBool,
    cut: AtomicBool,
}

impl Gate {
    /// No command is begun any more; the one under way may end.
    pub fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    /// Bytes under way are cut as well: a name of ours stays and is taken up again.
    pub fn cut(&self) {
        self.closing.store(true, Ordering::SeqCst);
        self.cut.store(true, Ordering::SeqCst);
    }

    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    pub fn is_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }
}

/// The thread that watches; it ends when the last of its handles is dropped.
#[derive(Debug)]
pub struct Sentry {
    watched: Arc<Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    list: Mutex<List>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct List {
    sockets: HashMap<u64, Socket>,
    next: u64,
    /// When the thread comes round by itself.
    wakes: Option<Instant>,
    /// Whatever is opened from here on is shut at once.
    all_shut: bool,
    ended: bool,
}

#[derive(Debug)]
struct Socket {
    stream: TcpStream,
    deadline: Instant,
    fired: Arc<AtomicBool>,
}

/// A socket under watch, until it is dropped.
#[derive(Debug)]
pub struct Watch {
    watched: Arc<Watched>,
    number: u64,
    fired: Arc<AtomicBool>,
}

impl Sentry {
    pub fn start() -> io::Result<Sentry> {
        let watched = Arc::new(Watched::default());
        let its = watched.clone();
        std::thread::Builder::new().name("sentry".into()).spawn(move || its.keep())?;
        Ok(Sentry { watched })
    }

    /// Shuts the socket when the time is over, unless `Watch::extend` was called before.
    pub fn watch(&self, stream: &TcpStream, within: Duration) -> io::Result<Watch> {
        let stream = stream.try_clone()?;
        let fired = Arc::new(AtomicBool::new(false));
        let mut list = self.watched.lock();
        if list.all_shut {
            shut(&stream, &fired);
        }
        let number = list.next;
        list.next += 1;
        let deadline = Instant::now() + within;
        list.sockets.insert(number, Socket { stream, deadline, fired: fired.clone() });
        let is_earlier = list.is_before_waking(deadline);
        drop(list);
        if is_earlier {
            self.watched.changed.notify_one();
        }
        Ok(Watch { watched: self.watched.clone(), number, fired })
    }

    /// What was shut, was shut for a stop.
    pub fn has_shut_all(&self) -> bool {
        self.watched.lock().all_shut
    }

    /// An urgent stop: every socket, also those still to come.
    pub fn shut_all(&self) {
        let mut list = self.watched.lock();
        list.all_shut = true;
        list.sockets.values().for_each(|socket| shut(&socket.stream, &socket.fired));
    }
}

impl List {
    /// Nearly every change is of a deadline that is later than the next one anyway: the thread sleeps on.
    fn is_before_waking(&self, deadline: Instant) -> bool {
        self.wakes.is_none_or(|wakes| deadline < wakes)
    }
}

impl Drop for Sentry {
    fn drop(&mut self) {
        self.watched.lock().ended = true;
        self.watched.changed.notify_one();
    }
}

impl Watch {
    /// Something came: the next piece has this long.
    pub fn extend(&self, within: Duration) {
        let deadline = Instant::now() + within;
        let mut list = self.watched.lock();
        if let Some(socket) = list.sockets.get_mut(&self.number) {
            socket.deadline = deadline;
        }
        if list.is_before_waking(deadline) {
            self.watched.changed.notify_one();
        }
    }

    /// It was shut by us: the error that follows is "too late", whatever the system calls it.
    pub fn has_fired(&self) -> bool {
        self.fired.load(Ordering::SeqCst)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watched.lock().sockets.remove(&self.number);
    }
}

impl Watched {
    /// Every change of the list is whole: a panic elsewhere leaves it usable.
    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self) {
        let mut list = self.lock();
        while !list.ended {
            let now = Instant::now();
            for socket in list.sockets.values_mut().filter(|socket| socket.deadline <= now) {
                shut(&socket.stream, &socket.fired);
                socket.deadline = now + NOTHING_DUE;
            }
            let next = list.sockets.values().map(|socket| socket.deadline).min();
            let wait = next.map_or(NOTHING_DUE, |next| next.saturating_duration_since(now));
            list.wakes = Some(now + wait);
            list = self.changed.wait_timeout(list, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn shut(stream: &TcpStream, fired: &AtomicBool) {
    fired.store(true, Ordering::SeqCst);
    // One that is gone already needs no shutting.
    let _ = stream.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::TcpListener;

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (ours, listener.accept().unwrap().0)
    }

    #[test]
    fn a_silent_socket_is_shut_and_a_lively_one_is_not() {
        let sentry = Sentry::start().unwrap();
        let (mut silent, _other) = pair();
        let watch = sentry.watch(&silent, Duration::from_millis(30)).unwrap();
        let (lively, _second) = pair();
        let other = sentry.watch(&lively, Duration::from_millis(30)).unwrap();
        other.extend(Duration::from_secs(60));
        assert_eq!(silent.read(&mut [0; 8]).unwrap_or(0), 0);
        assert!(watch.has_fired() && !other.has_fired());
    }

    #[test]
    fn an_urgent_stop_shuts_all_and_those_still_to_come() {
        let sentry = Sentry::start().unwrap();
        let (first, _a) = pair();
        let watch = sentry.watch(&first, Duration::from_secs(60)).unwrap();
        sentry.shut_all();
        let (mut second, _b) = pair();
        let late = sentry.watch(&second, Duration::from_secs(60)).unwrap();
        assert!(watch.has_fired() && late.has_fired());
        assert_eq!(second.read(&mut [0; 8]).unwrap_or(0), 0);
    }
}
