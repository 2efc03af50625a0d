//! The sockets of one connection as the sentry has them: control and, while a transfer is open, data. One deadline for both,
//! and why it ended when they were shut from outside.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::sentry::{Sentry, Watch};

/// Nobody waits for anything.
const AT_REST: Duration = Duration::from_secs(24 * 3_600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Late,
    Stopped,
}

/// One connection's two places.
#[derive(Debug)]
pub struct Watching {
    sentry: Arc<Sentry>,
    /// Of each phase: twice the time-out.
    within: Duration,
    places: Mutex<Places>,
}

#[derive(Debug, Default)]
struct Places {
    control: Option<(TcpStream, Watch)>,
    data: Option<(TcpStream, Watch)>,
    ended: Option<Ended>,
}

impl Watching {
    pub fn new(sentry: &Arc<Sentry>, timeout: Duration) -> Watching {
        Watching { sentry: sentry.clone(), within: timeout * 2, places: Mutex::default() }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watched(&self, socket: &TcpStream) -> io::Result<(TcpStream, Watch)> {
        Ok((socket.try_clone()?, self.sentry.watch(socket, self.within)?))
    }

    pub fn control(&self, socket: &TcpStream) -> io::Result<()> {
        let watched = self.watched(socket)?;
        self.places().control = Some(watched);
        Ok(())
    }

    /// Takes the place of the data connection before it.
    pub fn data(&self, socket: &TcpStream) -> io::Result<()> {
        let watched = self.watched(socket)?;
        self.places().data = Some(watched);
        Ok(())
    }

    /// It came to its end in order; our copy must not hold it open.
    pub fn data_is_over(&self) {
        let mut places = self.places();
        places.keep_end(&self.sentry);
        places.data = None;
    }

    /// From now on anew.
    pub fn begin(&self) {
        self.extend(self.within);
    }

    pub fn rest(&self) {
        self.extend(AT_REST);
    }

    pub fn extend(&self, within: Duration) {
        let places = self.places();
        for (_, watch) in places.control.iter().chain(&places.data) {
            watch.extend(within);
        }
    }

    pub fn ended(&self) -> Option<Ended> {
        let mut places = self.places();
        places.keep_end(&self.sentry);
        places.ended
    }

    /// By ourselves: this connection is given up.
    pub fn shut(&self) {
        let mut places = self.places();
        places.keep_end(&self.sentry);
        for (socket, _) in [places.control.take(), places.data.take()].into_iter().flatten() {
            // One that is gone already needs no shutting.
            drop(socket.shutdown(Shutdown::Both));
        }
    }
}

impl Places {
    fn keep_end(&mut self, sentry: &Sentry) {
        let has_fired = self.control.iter().chain(&self.data).any(|(_, watch)| watch.has_fired());
        if self.ended.is_none() && has_fired {
            self.ended = Some(if sentry.has_shut_all() { Ended::Stopped } else { Ended::Late });
        }
    }
}
