//! Over a real server that tests/rigs/servers.py has started; NATTPOST_FTP_SERVER holds its words. Without one these are
//! not asked for.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nattpost::edges::remote::{Broken, FaultKind, Phase, Remote, Removed, Renamed, Target};
use nattpost::model::ids::Id;
use nattpost::model::remote::Tls;
use nattpost::model::remote_name::{claim_name, upload_name};
use nattpost::model::secret::SecretRef;

use super::contract::{self, NAMES};
use super::{Peer, files_in, folder};

struct Server {
    peer: Peer,
    root: PathBuf,
    name: String,
}

fn server() -> Server {
    let words = std::env::var("NATTPOST_FTP_SERVER").expect("tests/rigs/servers.py starts a server and sets this");
    let word = |key: &str| {
        let mut pairs = words.split(';').filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| *name == key).map(|(_, value)| value.to_owned())
    };
    let is = |key: &str| word(key).unwrap();
    let mut peer = Peer::new(is("port").parse().unwrap(), &is("user"), &is("password"), Duration::from_secs(10));
    peer.ftp.ca = word("ca").map(PathBuf::from);
    peer.ftp.pin = word("pin").map(|hex| {
        let bytes = (0..64).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
        bytes.collect::<Vec<u8>>().try_into().unwrap()
    });
    if peer.ftp.ca.is_some() || peer.ftp.pin.is_some() {
        peer.ftp.tls = if word("implicit").is_some() { Tls::Implicit } else { Tls::Explicit };
    }
    if let Some(folder) = word("client").map(PathBuf::from) {
        peer.ftp.client_cert = Some(SecretRef::File(folder.join("client.pem")));
        peer.ftp.client_key = Some(SecretRef::File(folder.join("client.key")));
    }
    Server { peer, root: is("root").into(), name: is("server") }
}

#[test]
#[ignore = "over a real server: tests/rigs/servers.py"]
fn a_real_server_keeps_the_contract() {
    let mut server = server();
    // It reads names as UTF-8 and nothing else.
    let names: Vec<&[u8]> =
        NAMES.iter().copied().filter(|name| server.name != "pyftpdlib" || std::str::from_utf8(name).is_ok()).collect();
    for flights in [true, false] {
        server.peer.ftp.flights = flights;
        contract::all(&server.root, &names, &|| server.peer.remote());
        assert!(!server.peer.learned.is_without_flights(), "{} bears flights", server.name);
    }
    trust(&mut server);
    let probe = server.peer.remote().probe().unwrap();
    let is_secured = server.peer.ftp.tls != Tls::None;
    assert_eq!(probe.tls.is_some_and(|words| words.contains("TLS 1.2, certificate sha256:")), is_secured);
    assert!(!probe.greeting.is_empty() && !probe.folder.is_empty());
}

/// A certificate that nobody vouches for is not taken, and the words say what to do about it.
fn trust(server: &mut Server) {
    let (ca, pin) = (server.peer.ftp.ca.take(), server.peer.ftp.pin.take());
    if server.peer.ftp.tls == Tls::None {
        return;
    }
    for (pin, words) in [
        (None, "nobody whom this machine trusts signed its certificate. Name its authority with ca"),
        (Some([7; 32]), "its certificate is not the one that pin names. Ask the partner"),
    ] {
        server.peer.ftp.pin = pin;
        let fault = server.peer.open().err().unwrap();
        assert_eq!((fault.kind, fault.phase), (FaultKind::Tls, Phase::Tls), "{fault}");
        assert!(fault.to_string().contains(words), "{fault}");
    }
    (server.peer.ftp.ca, server.peer.ftp.pin) = (ca, pin);
}

fn id(number: u32) -> Id {
    Id::new(1_795_300_000_000, number)
}

/// Each connection has a quarter; nothing is lost, doubled or half.
#[test]
#[ignore = "over a real server: tests/rigs/servers.py"]
fn a_thousand_there_and_a_thousand_back_over_four_connections() {
    let Server { peer, root, .. } = server();
    let bytes_of = |number: u32| number.to_string().repeat(100 + number as usize % 50).into_bytes();
    std::thread::scope(|scope| {
        for quarter in 0..4 {
            let peer = &peer;
            scope.spawn(move || {
                let (mut remote, mut lines) = (peer.remote(), Lines(1));
                for number in (0..1000).filter(|number| number % 4 == quarter) {
                    let (temp, name) = (upload_name(b"o.csv", id(number), "abcde"), format!("o{number}.csv"));
                    let bytes = bytes_of(number);
                    while let Err(broken) = remote.send(&folder("in"), &temp, bytes.len() as u64, &mut &bytes[..]) {
                        remote = lines.another(peer, &broken);
                    }
                    remote.replace(&folder("in"), &temp, name.as_bytes(), b"o.old").unwrap();
                }
                remote.hang_up();
            });
        }
    });
    let mut expected: Vec<(Vec<u8>, Vec<u8>)> =
        (0..1000).map(|number| (format!("o{number}.csv").into_bytes(), bytes_of(number))).collect();
    expected.sort();
    assert!(files_in(&root.join("in")) == expected, "a thousand stand there, whole");
    let mut listed = 0;
    peer.remote().list(&folder("in"), &mut |_| listed += 1).unwrap();
    assert_eq!(listed, 1000);
    let fetched: Vec<(Vec<u8>, Vec<u8>)> = std::thread::scope(|scope| {
        let quarters: Vec<_> = (0..4)
            .map(|quarter| {
                scope.spawn({
                    let peer = &peer;
                    move || collect(peer, &(0..1000).filter(|number| number % 4 == quarter).collect::<Vec<_>>())
                })
            })
            .collect();
        quarters.into_iter().flat_map(|quarter| quarter.join().unwrap()).collect()
    });
    let mut fetched = fetched;
    fetched.sort();
    assert!(fetched == expected, "and a thousand came, whole");
    assert!(files_in(&root.join("in")).is_empty(), "and none is left");
}

/// How many lines there were. A server under load may hang up between two files; the daemon goes on over a new line then,
/// and so does this, twice at most.
struct Lines(u32);

impl Lines {
    fn another(&mut self, peer: &Peer, broken: &Broken) -> Box<dyn Remote> {
        self.0 += 1;
        let hung_up = matches!(broken, Broken::Theirs(fault) if fault.is_broken());
        assert!(hung_up && self.0 <= 3, "{broken:?}");
        println!("goes on over a new line: {broken:?}");
        peer.remote()
    }
}

fn collect(peer: &Peer, numbers: &[u32]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (mut remote, mut fetched, mut lines) = (peer.remote(), Vec::new(), Lines(1));
    for some in numbers.chunks(16) {
        let names: Vec<Vec<u8>> = some.iter().map(|number| format!("o{number}.csv").into_bytes()).collect();
        let targets: Vec<Target> = some
            .iter()
            .zip(&names)
            .map(|(number, name)| Target { folder: None, name: claim_name(id(*number), name, "abcde") })
            .collect();
        let pairs: Vec<(&[u8], &Target)> = names.iter().map(Vec::as_slice).zip(&targets).collect();
        assert_eq!(remote.rename(&folder("in"), &pairs).unwrap(), vec![Renamed::Done; some.len()]);
        for (name, target) in names.iter().zip(&targets) {
            let mut bytes = Vec::new();
            while let Err(broken) = remote.fetch(&folder("in"), &target.name, 0, None, &mut bytes) {
                (remote, bytes) = (lines.another(peer, &broken), Vec::new());
            }
            fetched.push((name.clone(), bytes));
        }
        let claims: Vec<&[u8]> = targets.iter().map(|target| &target.name[..]).collect();
        assert_eq!(remote.remove(&folder("in"), &claims).unwrap(), vec![Removed::Done; some.len()]);
    }
    fetched
}

/// Asks the rig for the server's end once enough has gone through.
struct Ends<'a> {
    inner: Vec<u8>,
    at: usize,
    root: &'a Path,
    asked: bool,
}

impl Ends<'_> {
    fn look(&mut self) {
        if self.at > LARGE / 4 && !std::mem::replace(&mut self.asked, true) {
            std::fs::write(self.root.join("end-it"), "").unwrap();
        }
    }
}

impl Write for Ends<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.extend_from_slice(bytes);
        self.at += bytes.len();
        self.look();
        std::thread::sleep(Duration::from_millis(5));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Ends<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.inner.len() - self.at);
        bytes[..count].copy_from_slice(&self.inner[self.at..self.at + count]);
        self.at += count;
        self.look();
        std::thread::sleep(Duration::from_millis(5));
        Ok(count)
    }
}

const LARGE: usize = 60_000_000;

fn is_back(root: &Path) {
    let until = Instant::now() + Duration::from_secs(20);
    while !root.join("it-is-back").exists() {
        assert!(Instant::now() < until, "the rig did not bring the server back");
        std::thread::sleep(Duration::from_millis(50));
    }
    std::fs::remove_file(root.join("it-is-back")).unwrap();
}

#[test]
#[ignore = "over a real server: tests/rigs/servers.py"]
fn a_server_that_dies_in_mid_transfer_loses_nothing() {
    let Server { peer, root, .. } = server();
    let large: Vec<u8> = (0..LARGE).map(|at| (at % 253) as u8).collect();
    std::fs::write(root.join("in/large.csv"), &large).unwrap();
    let mut half = Ends { inner: Vec::new(), at: 0, root: &root, asked: false };
    let broken = peer.remote().fetch(&folder("in"), b"large.csv", 0, Some(LARGE as u64), &mut half).unwrap_err();
    let Broken::Theirs(fault) = broken else { panic!("{broken:?}") };
    assert!(fault.kind == FaultKind::Transient && fault.is_broken(), "{fault}");
    is_back(&root);
    let mut rest = Vec::new();
    let from = half.inner.len() as u64;
    peer.remote().fetch(&folder("in"), b"large.csv", from, Some(LARGE as u64), &mut rest).unwrap();
    assert!([half.inner, rest].concat() == large, "from where it broke off, byte for byte");
    // The other way: what stands there is a stump under its temporary name, and it is sent again whole.
    let mut sending = Ends { inner: large.clone(), at: 0, root: &root, asked: false };
    let broken = peer.remote().send(&folder("out"), b"stock.part", LARGE as u64, &mut sending).unwrap_err();
    let Broken::Theirs(fault) = broken else { panic!("{broken:?}") };
    assert!(fault.is_broken(), "{fault}");
    is_back(&root);
    let mut remote = peer.remote();
    remote.send(&folder("out"), b"stock.part", LARGE as u64, &mut &large[..]).unwrap();
    remote.replace(&folder("out"), b"stock.part", b"stock.csv", b"stock.old").unwrap();
    assert!(files_in(&root.join("out")) == [(b"stock.csv".to_vec(), large)]);
    for (place, name) in [("in", &b"large.csv"[..]), ("out", b"stock.csv")] {
        assert_eq!(remote.remove(&folder(place), &[name]).unwrap(), [Removed::Done]);
    }
}

/// Only TLS 1.3, and only with the session of the control connection: it cannot be done, and what helps is said.
#[test]
#[ignore = "over a real server: tests/rigs/servers.py"]
fn tls_13_with_session_reuse_is_told_with_advice() {
    let Server { peer, .. } = server();
    let failed = (0..10).find_map(|number| {
        let mut remote = peer.open().unwrap_or_else(|fault| panic!("{fault}"));
        let name = format!("{number}.part");
        let mut send = || remote.send(&folder("out"), name.as_bytes(), 5, &mut &b"12345"[..]);
        (0..10).find_map(|_| send().err())
    });
    let Some(Broken::Theirs(fault)) = failed else { panic!("it took a hundred uploads: {failed:?}") };
    assert_eq!(fault.kind, FaultKind::TlsReuse, "{fault}");
    let words = fault.to_string();
    assert!(words.contains("allow TLS 1.2 there") && words.contains("require_ssl_reuse=NO"), "{words}");
}
