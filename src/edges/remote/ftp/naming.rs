//! The addresses of a host's name. The system's look-up has time-outs of its own, several one behind the other, and cannot be cut
//! short; so it is made on a thread beside, and whoever needs it waits no longer than the remote's time-out, nor for a stop.
//! A look-up that hangs is not begun a second time.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::edges::fault;

/// So soon a stop is seen.
const LOOKS_UP: Duration = Duration::from_millis(100);

/// Why there are no addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAddress {
    /// The system's words.
    Nowhere(String),
    Late,
    Stopped,
}

/// Of one remote, whose host is always the same.
#[derive(Debug, Default)]
pub struct Directory {
    state: Mutex<State>,
    has_come: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_asked: bool,
    /// How many answers have come.
    answers: u64,
    answer: Option<Result<Vec<SocketAddr>, String>>,
    /// Who gave a greeting last: who does not answer costs a time-out only once.
    greeted: Option<IpAddr>,
    /// Who took the connection and gave none: something else than the server may stand there.
    mute: Option<IpAddr>,
}

impl Directory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn addresses(
        self: &Arc<Self>,
        host: &str,
        port: u16,
        within: Duration,
        is_stopped: impl Fn() -> bool,
    ) -> Result<Vec<SocketAddr>, NoAddress> {
        if let Ok(address) = host.parse() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let until = Instant::now() + within;
        let mut state = self.state();
        let before = state.answers;
        if !state.is_asked {
            let (own, host) = (self.clone(), host.to_owned());
            let beside = std::thread::Builder::new().name("look up".into()).spawn(move || own.ask(&host, port));
            beside.map_err(|error| NoAddress::Nowhere(error.to_string()))?;
            state.is_asked = true;
        }
        while state.answers == before {
            let left = until.saturating_duration_since(Instant::now());
            match (is_stopped(), left.is_zero()) {
                (true, _) => return Err(NoAddress::Stopped),
                (_, true) => return Err(NoAddress::Late),
                _ => {}
            }
            let waited = self.has_come.wait_timeout(state, left.min(LOOKS_UP));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.answer.clone().unwrap_or_else(|| Ok(Vec::new())).map_err(NoAddress::Nowhere)
    }

    /// Who gave a greeting last comes first, who was mute last; the others keep their order.
    pub fn order(&self, addresses: &mut [SocketAddr]) {
        let state = self.state();
        addresses.sort_by_key(|at| (Some(at.ip()) == state.mute, Some(at.ip()) != state.greeted));
    }

    /// Of an address that took the connection.
    pub fn greeted(&self, address: IpAddr, is_greeted: bool) {
        let mut state = self.state();
        if is_greeted {
            state.greeted = Some(address);
            state.mute.take_if(|mute| *mute == address);
        } else {
            state.mute = Some(address);
        }
    }

    fn ask(&self, host: &str, port: u16) {
        let found = fault::point("remote.name").and_then(|()| (host, port).to_socket_addrs());
        let answer = found.map(Iterator::collect).map_err(|error| error.to_string());
        let mut state = self.state();
        (state.is_asked, state.answers, state.answer) = (false, state.answers + 1, Some(answer));
        drop(state);
        self.has_come.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_no_server_is_the_last_to_be_tried() {
        let directory = Directory::default();
        let [a, b, c] = [1, 2, 3].map(|last| SocketAddr::from(([127, 0, 0, last], 21)));
        let ordered = || {
            let mut addresses = [a, b, c];
            directory.order(&mut addresses);
            addresses
        };
        assert_eq!(ordered(), [a, b, c]);
        directory.greeted(a.ip(), false);
        assert_eq!(ordered(), [b, c, a]);
        directory.greeted(c.ip(), true);
        assert_eq!(ordered(), [c, b, a]);
        directory.greeted(c.ip(), false);
        assert_eq!(ordered(), [a, b, c], "both were mute, the last of them is remembered");
        directory.greeted(a.ip(), true);
        assert_eq!(ordered(), [a, b, c]);
    }

    #[test]
    fn what_is_an_address_needs_no_look_up() {
        let directory = Arc::new(Directory::default());
        for (host, is_there) in [("127.0.0.1", true), ("::1", true)] {
            let found = directory.addresses(host, 21, Duration::ZERO, || true);
            assert_eq!(found.is_ok_and(|found| found.len() == 1), is_there, "{host}");
        }
        let late = directory.addresses("localhost", 21, Duration::ZERO, || true);
        assert_eq!(late, Err(NoAddress::Stopped));
    }
}
