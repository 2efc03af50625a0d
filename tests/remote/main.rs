//! Remotes: what holds of any of them (`contract`), over the scripted server (`honest`, `faulty`), over a folder and over real servers
//! (`servers`, run by tests/rigs/8-servers.sh).

#[path = "../ftp_double/mod.rs"]
mod ftp_double;

mod beside;
mod brought;
mod collected;
mod contract;
mod faulty;
mod folders;
mod honest;
mod names;
mod odd;
mod resets;
mod second;
mod secured;
mod servers;
mod stubborn;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nattpost::edges::remote::ftp::Learned;
use nattpost::edges::remote::{Fault, Remote, Sentry, open};
use nattpost::model::remote::{Folder, FtpRule, Kind, Names, Passive, RemoteRule, Tls, TlsMax};
use nattpost::model::secret::{Secret, SecretRef};

/// Where a test connects to, and how.
struct Peer {
    rule: RemoteRule,
    ftp: FtpRule,
    password: String,
    learned: Arc<Learned>,
    sentry: Arc<Sentry>,
}

impl Peer {
    fn new(port: u16, user: &str, password: &str, timeout: Duration) -> Peer {
        let ftp = FtpRule {
            host: "127.0.0.1".into(),
            port,
            user: user.into(),
            password: SecretRef::Env("UNUSED".into()),
            tls: Tls::None,
            tls_max: TlsMax::Auto,
            ca: None,
            pin: None,
            client_cert: None,
            client_key: None,
            passive: Passive::Auto,
            names: Names::Utf8,
            flights: true,
        };
        let rule = RemoteRule {
            name: "shop/ftp".into(),
            kind: Kind::Ftp(ftp.clone()),
            connections: 1,
            timeout,
            fingerprint: 0,
        };
        Peer {
            rule,
            ftp,
            password: password.into(),
            learned: Arc::default(),
            sentry: Arc::new(Sentry::start().unwrap()),
        }
    }

    fn of(double: &ftp_double::Double) -> Peer {
        Peer::new(double.port, ftp_double::USER, ftp_double::PASSWORD, Duration::from_secs(10))
    }

    /// Where silence is tried; a busy machine is none yet.
    fn impatient(double: &ftp_double::Double) -> Peer {
        let mut peer = Peer::of(double);
        peer.rule.timeout = Duration::from_secs(1);
        peer
    }

    fn open(&self) -> Result<Box<dyn Remote>, Fault> {
        let password = self.password.clone();
        let secret = move |place: &SecretRef| match place {
            SecretRef::File(path) => std::fs::read_to_string(path).map(Secret::new).map_err(|e| e.to_string()),
            _ => Ok(Secret::new(password.clone())),
        };
        let rule = RemoteRule { kind: Kind::Ftp(self.ftp.clone()), ..self.rule.clone() };
        open(&rule, &secret, &self.sentry, &self.learned)
    }

    fn remote(&self) -> Box<dyn Remote> {
        self.open().unwrap_or_else(|fault| panic!("{fault}"))
    }
}

fn folder(path: &str) -> Folder {
    Folder::parse(path.as_bytes()).unwrap()
}

/// Names and bytes of the files in a folder of this machine.
fn files_in(path: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    use std::os::unix::ffi::OsStringExt;
    let entries = std::fs::read_dir(path).unwrap().flatten().filter(|entry| entry.path().is_file());
    let mut found: Vec<_> =
        entries.map(|entry| (entry.file_name().into_vec(), std::fs::read(entry.path()).unwrap())).collect();
    found.sort();
    found
}
