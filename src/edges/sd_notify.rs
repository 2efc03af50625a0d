//! What the supervisor (systemd, or anything that speaks its protocol) is told of the process: a datagram to the socket that
//! it named. Owns the variables NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. It decides nothing: when what is said is
//! `daemon::pulse`'s. Without a supervisor everything here is nothing.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

#[derive(Debug, Default)]
pub struct Supervisor {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// As the environment says. A socket that cannot be had is none: the supervisor then says itself what it misses.
    pub fn of_environment() -> Supervisor {
        let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        // Meant for another process where it names one.
        let is_ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|usec| is_ours && *usec > 0).map(Duration::from_micros);
        let socket = std::env::var_os("NOTIFY_SOCKET").and_then(|name| socket_to(&name).ok());
        Supervisor { socket, watchdog }
    }

    /// How long a silence it takes for a hang; nothing where it does not watch.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// A line a value, like `READY=1`. Never waits: a supervisor that does not listen keeps nobody from working.
    pub fn tell(&self, values: &str) {
        if let Some((socket, to)) = &self.socket {
            // Addressed each time, since a supervisor that was started anew listens at a new socket of the same name.
            let _ = socket.send_to_addr(values.as_bytes(), to);
        }
    }
}

/// A path, or with `@` in front a name without a file.
fn socket_to(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let to = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sorts_of_sockets_are_spoken_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let unnamed = format!("nattpost-test-{}", std::process::id());
        let hidden = SocketAddr::from_abstract_name(&unnamed).unwrap();
        for (listening, name) in [
            (UnixDatagram::bind(&path).unwrap(), path.into_os_string()),
            (UnixDatagram::bind_addr(&hidden).unwrap(), format!("@{unnamed}").into()),
        ] {
            let supervisor = Supervisor { socket: socket_to(&name).ok(), watchdog: None };
            supervisor.tell("READY=1");
            let mut heard = [0; 32];
            let count = listening.recv(&mut heard).unwrap();
            assert_eq!(&heard[..count], b"READY=1", "{name:?}");
            drop(listening);
            supervisor.tell("nobody listens, and that is no error");
        }
        Supervisor::default().tell("nothing");
    }
}
