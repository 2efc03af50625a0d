//! Over the double where its script makes it faulty: never a wait beyond the time-out, nothing half taken for whole, and words
//! that say where, at which command, what came.

use std::path::Path;
use std::time::{Duration, Instant};

use nattpost::edges::remote::{Broken, Fault, FaultKind, Phase, Remote, Renamed, Replaced, Target};
use nattpost::model::remote::Tls;

use super::contract::id;
use super::ftp_double::{Double, PASSWORD};
use super::honest::ground;
use super::{Peer, files_in, folder};

const ORDERS: &[u8] = b"orders.csv";

/// One of everything that is done at a server.
fn a_day(remote: &mut dyn Remote, out: &mut Vec<u8>) -> Result<(), Fault> {
    let theirs = |broken| match broken {
        Broken::Theirs(fault) => fault,
        Broken::Ours(error) => panic!("{error}"),
    };
    remote.list(&folder("in"), &mut |_| ())?;
    let claim = Target { folder: None, name: nattpost::model::remote_name::claim_name(id(1), ORDERS, "abcde") };
    if remote.rename(&folder("in"), &[(ORDERS, &claim)])? == [Renamed::Done] {
        remote.facts(&folder("in"), &[&claim.name])?;
        remote.fetch(&folder("in"), &claim.name, 0, Some(8000), out).map_err(theirs)?;
        remote.remove(&folder("in"), &[&claim.name])?;
    }
    remote.send(&folder("out"), b"stock.part", 8000, &mut &[7_u8; 8000][..]).map_err(theirs)?;
    remote.replace(&folder("out"), b"stock.part", b"stock.csv", b"stock.old").map(drop)
}

struct Night {
    fault: Option<Fault>,
    fetched: Vec<u8>,
    took: Duration,
    double: Double,
}

fn night(root: &Path, script: &str, adjust: impl Fn(&mut Peer)) -> Night {
    std::fs::write(root.join("in/orders.csv"), [5_u8; 8000]).unwrap();
    let double = Double::start(root, script);
    let mut peer = Peer::impatient(&double);
    adjust(&mut peer);
    let (begun, mut fetched) = (Instant::now(), Vec::new());
    let done = peer.open().and_then(|mut remote| a_day(&mut *remote, &mut fetched));
    Night { fault: done.err(), fetched, took: begun.elapsed(), double }
}

/// Twice the time-out and a second: the promise.
const LONGEST: Duration = Duration::from_secs(6);

#[test]
fn nobody_waits_for_a_silent_server() {
    let silent = "no answer within 1 s";
    let dripping = "not at an end within 2 s";
    let silences = [
        ("on CONNECT silence", Phase::Greeting, "greeting", silent),
        ("on USER silence", Phase::Login, "USER", silent),
        ("on PASS silence", Phase::Login, "PASS", silent),
        ("on TYPE silence", Phase::Prepare, "TYPE", silent),
        ("on PWD silence", Phase::Prepare, "PWD", silent),
        ("on CWD silence", Phase::List, "CWD", silent),
        ("on EPSV silence", Phase::List, "EPSV", silent),
        ("on MLSD silence", Phase::List, "MLSD", silent),
        ("on MLSD data 20 silence", Phase::List, "MLSD", silent),
        ("on MLSD data 2000 close", Phase::List, "MLSD", silent),
        ("on SIZE silence", Phase::Ask, "SIZE", silent),
        ("on RNFR silence", Phase::Claim, "RNFR", silent),
        ("on RNTO silence", Phase::Claim, "RNTO", silent),
        ("on RETR silence", Phase::Fetch, "RETR", silent),
        ("on RETR data 5000 silence", Phase::Fetch, "RETR", silent),
        ("on RETR data 5000 drip", Phase::Fetch, "RETR", dripping),
        ("on RETR data 8000 close", Phase::Fetch, "RETR", silent),
        ("on DELE silence", Phase::Remove, "DELE", silent),
        ("on STOR silence", Phase::Send, "STOR", silent),
        ("on STOR data 8000 close", Phase::Send, "STOR", silent),
        ("on CONNECT drip 250ms", Phase::Greeting, "greeting", dripping),
        ("on USER drip 250ms", Phase::Login, "USER", dripping),
        ("on PASS drip 250ms", Phase::Login, "PASS", dripping),
        ("on TYPE drip 250ms", Phase::Prepare, "TYPE", dripping),
        ("on CWD drip 250ms", Phase::List, "CWD", dripping),
        ("on MLSD drip 250ms", Phase::List, "MLSD", dripping),
        ("on MLSD data 20 drip", Phase::List, "MLSD", dripping),
        ("on RNFR drip 250ms", Phase::Claim, "RNFR", dripping),
        ("on SIZE drip 250ms", Phase::Ask, "SIZE", dripping),
        ("on RETR drip 250ms", Phase::Fetch, "RETR", dripping),
        ("on DELE drip 250ms", Phase::Remove, "DELE", dripping),
        ("on STOR drip 250ms", Phase::Send, "STOR", dripping),
        ("on EPSV drip 250ms", Phase::List, "EPSV", dripping),
    ];
    let check = |(script, phase, command, words): (&str, Phase, &str, &str)| {
        let (_kept, root) = ground();
        let done = night(&root, script, |peer| peer.ftp.flights = false);
        let fault = done.fault.unwrap_or_else(|| panic!("{script}: nothing was told"));
        assert_eq!((fault.kind, fault.phase), (FaultKind::Transient, phase), "{script}: {fault}");
        let text = fault.to_string();
        assert!(text.starts_with("127.0.0.1:") && text.contains(command) && text.contains(words), "{script}: {text}");
        assert!(done.took < LONGEST, "{script}: {:?}", done.took);
        assert!(fault.is_broken());
    };
    // They wait beside each other.
    std::thread::scope(|scope| {
        silences.map(|silence| scope.spawn(move || check(silence))).map(|thread| thread.join().unwrap())
    });
}

/// The first question of a connection is the trial of flights, so it may be asked twice.
#[test]
fn a_server_that_swallows_flights_is_asked_one_by_one() {
    let (_kept, root) = ground();
    std::fs::write(root.join("in/orders.csv"), [5_u8; 8000]).unwrap();
    let double = Double::start(&root, "set eat-pipelined");
    let peer = Peer::impatient(&double);
    for _ in 0..2 {
        peer.remote().list(&folder("in"), &mut |_| ()).unwrap();
    }
    assert!(peer.learned.is_without_flights());
    assert_eq!(double.calls("USER"), 3, "tried once, not again");
}

#[test]
fn tls_that_does_not_come_about_is_told() {
    for (script, phase, kind, words) in [
        ("on AUTH silence", Phase::Tls, FaultKind::Transient, "AUTH TLS: no answer within 1 s"),
        ("on AUTH reply \"234 go\" silence", Phase::Tls, FaultKind::Transient, "TLS: no answer within 1 s"),
        ("on AUTH plain-in-tls", Phase::Tls, FaultKind::Tls, "TLS: it answers in plain text inside TLS. Its own log"),
        (
            "on AUTH reply \"500 what?\"",
            Phase::Tls,
            FaultKind::Refused,
            "AUTH TLS: 500 what?. If the server has no TLS",
        ),
        ("on AUTH reply \"421 too many\" close", Phase::Tls, FaultKind::Transient, "AUTH TLS: 421 too many"),
    ] {
        let (_kept, root) = ground();
        let done = night(&root, script, |peer| peer.ftp.tls = Tls::Explicit);
        let fault = done.fault.unwrap();
        assert!(fault.to_string().contains(words), "{script}: {fault}");
        assert_eq!((fault.kind, fault.phase), (kind, phase), "{script}");
        assert!(done.took < LONGEST, "{script}: {:?}", done.took);
        assert_eq!(done.double.calls("USER"), 0, "no name goes over the line unprotected");
    }
}

#[test]
fn what_a_server_says_is_told_as_it_says_it() {
    for (script, kind, words) in [
        ("on CONNECT reply \"421 too many users\" close", FaultKind::Transient, "greeting: 421 too many users"),
        ("on CONNECT reply \"100 users are here\"", FaultKind::OutOfStep, "greeting: 100 users are here"),
        ("on CONNECT reply \"SSH-2.0-OpenSSH\"", FaultKind::OutOfStep, "greeting: what came is no answer"),
        ("on USER reply \"530 no anonymous\"", FaultKind::Login, "USER: 530 no anonymous. Look at user and password"),
        ("on PASS reply \"530 wrong\"", FaultKind::Login, "PASS: 530 wrong. Look at user and password"),
        ("on PASS reply \"421 later\" close", FaultKind::Transient, "PASS: 421 later"),
        ("on PASS reply \"332 account?\"", FaultKind::Login, "It wants an account (ACCT)"),
        ("on TYPE reply \"504 only text\"", FaultKind::Refused, "TYPE: 504 only text"),
        ("on CWD reply \"550 no\"", FaultKind::Missing, "CWD \"/in\": 550 no"),
        ("on MLSD reply \"421 bye\" close", FaultKind::Transient, "MLSD: 421 bye"),
        ("on MLSD data 20 cut reply \"426 cut\"", FaultKind::Transient, "MLSD"),
        ("on RNTO reply \"150 soon\"", FaultKind::OutOfStep, "RNTO"),
        ("on RNFR reply \"250 a\\r\\n250 b\"", FaultKind::OutOfStep, "RNFR"),
        ("on DELE reply \"gone\"", FaultKind::OutOfStep, "no answer to it: gone"),
        // Where the first line of several has ended, what follows would be another one's answer.
        (
            "on PASS reply \"230-Hello\\r\\n230 letters\\r\\n230 in\"",
            FaultKind::OutOfStep,
            "PASS: what came is no answer to it: more",
        ),
        (
            "on RNTO reply \"250-done\\r\\n250 really\\r\\n250 yes\"",
            FaultKind::OutOfStep,
            "more came than was asked for",
        ),
        ("on MLSD data 20 cut reply \"226 done\"", FaultKind::Transient, "MLSD: the connection was cut after 20 bytes"),
        (
            "on RETR data 10 close reply \"426 cut\\r\\n226 that was all\"",
            FaultKind::Transient,
            "426 cut after 10 bytes",
        ),
        ("on RETR reset", FaultKind::Transient, "the connection was cut"),
        ("on RETR answered reset", FaultKind::Transient, "127.0.0.1:"),
        ("on STOR reset", FaultKind::Transient, "STOR \"stock.part\": the connection was cut"),
        ("on DELE done reset", FaultKind::Transient, "the connection was cut"),
        ("on USER reset", FaultKind::Transient, "USER \"nattpost\": the connection was cut"),
        ("on CONNECT reset", FaultKind::Transient, "the connection was cut"),
        ("on RETR reply \"550 no right\"", FaultKind::Refused, ".taken\": 550 no right"),
        ("on RETR reply \"450 in use\"", FaultKind::Busy, ".taken\": 450 in use"),
        ("on STOR reply \"553 no right\"", FaultKind::Refused, "STOR \"stock.part\": 553 no right"),
        (
            "on STOR refuse 1000 \"552 quota\"",
            FaultKind::Refused,
            "STOR \"stock.part\": 552 quota. There is no room left",
        ),
        ("on RNFR 2 reply \"550 no right\"", FaultKind::Refused, "RNFR \"stock.part\": 550 no right"),
        ("on RNTO 2 reply \"550 no right\"", FaultKind::Refused, "RNTO \"stock.csv\": 550 no right"),
        (
            "on PASV reply \"227 come in\"\non EPSV reply \"500 no\"",
            FaultKind::Refused,
            "PASV: \"227 come in\" names no port",
        ),
        ("on PASV dead-port\non EPSV dead-port", FaultKind::Transient, "the data connection to 127.0.0.1:"),
        ("on FEAT die", FaultKind::Transient, "the server closed the connection"),
    ] {
        let (_kept, root) = ground();
        let done = night(&root, script, |_| ());
        let fault = done.fault.unwrap_or_else(|| panic!("{script}: nothing was told"));
        assert!(fault.to_string().contains(words), "{script}: {fault}");
        assert_eq!(fault.kind, kind, "{script}: {fault}");
        assert!(done.took < 2 * LONGEST, "{script}: {:?}", done.took);
    }
}

#[test]
fn half_a_file_is_never_whole() {
    for (script, words) in [
        ("on RETR data 5000 close reply \"426 cut\"", "426 cut after 5000 bytes"),
        ("on RETR data 5000 cut reply \"426 cut\"", "after 5000 bytes"),
        ("on RETR data 5000 close reply \"421 bye\"", "421 bye after 5000 bytes"),
    ] {
        let (_kept, root) = ground();
        let done = night(&root, script, |_| ());
        let fault = done.fault.unwrap_or_else(|| panic!("{script}: nothing was told"));
        assert!(fault.to_string().contains(words) && fault.phase == Phase::Fetch, "{script}: {fault}");
        assert_eq!(done.double.calls("DELE"), 0, "{script}");
        // The server is well again: from where it broke off, byte for byte.
        done.double.become_another("");
        let (mut remote, mut rest) = (Peer::impatient(&done.double).remote(), Vec::new());
        let claim = nattpost::model::remote_name::claim_name(id(1), ORDERS, "abcde");
        let from = done.fetched.len() as u64;
        remote.fetch(&folder("in"), &claim, from, Some(8000), &mut rest).unwrap();
        assert_eq!([done.fetched, rest].concat(), [5_u8; 8000], "{script}");
    }
}

/// 226 is the server's word; without a size to hold against it, it is asked for one.
#[test]
fn fewer_bytes_with_226_are_told() {
    let (_kept, root) = ground();
    std::fs::write(root.join("in/orders.csv"), [5_u8; 8000]).unwrap();
    let double = Double::start(&root, "on RETR data 5000 close reply \"226 done\"");
    let mut remote = Peer::impatient(&double).remote();
    let mut bytes = Vec::new();
    let broken = remote.fetch(&folder("in"), ORDERS, 0, None, &mut bytes).unwrap_err();
    assert!(matches!(&broken, Broken::Theirs(fault) if fault.to_string().contains("226 after 5000 of 8000 bytes")));
    // Who knows the size compares himself.
    let mut remote = Peer::impatient(&double).remote();
    assert_eq!(remote.fetch(&folder("in"), ORDERS, 0, Some(8000), &mut Vec::new()).unwrap(), 5000);
}

#[test]
fn a_stump_is_not_a_delivery() {
    for (script, words) in [
        ("on STOR keep 100 \"226 kept\"", "says 226 and keeps 100 of 8000 bytes"),
        ("on STOR keep 100 \"226 kept\"\non SIZE reply \"502 no\"", "says 226 and keeps 100 of 8000 bytes"),
        ("on SIZE take out/stock.part", "says 226, and nothing of that name is there"),
    ] {
        let (_kept, root) = ground();
        let double = Double::start(&root, script);
        let mut remote = Peer::impatient(&double).remote();
        let broken = remote.send(&folder("out"), b"stock.part", 8000, &mut &[7_u8; 8000][..]).unwrap_err();
        let Broken::Theirs(fault) = broken else { panic!("{script}") };
        assert!(fault.to_string().contains(words), "{script}: {fault}");
        assert_eq!(fault.kind, FaultKind::Transient);
    }
}

/// The partner is never without: at once where the server can, else with the old one put aside, and back where that fails.
#[test]
fn a_file_is_replaced_without_a_gap_or_the_old_one_stays() {
    for (script, expected, left) in [
        ("", Ok(Replaced::AtOnce), &["stock.csv=new"][..]),
        ("set keep-old", Ok(Replaced::OldAside), &["stock.csv=new", "stock.old=old"]),
        ("on RNTO reply \"550 no right\"", Err(FaultKind::Refused), &["stock.csv=old", "stock.part=new"]),
        (
            "on RNTO 1 reply \"553 exists\"\non RNTO 3 reply \"553 still\"",
            Err(FaultKind::Refused),
            &["stock.csv=old", "stock.part=new"],
        ),
    ] {
        let (_kept, root) = ground();
        std::fs::write(root.join("out/stock.csv"), "old").unwrap();
        std::fs::write(root.join("out/stock.part"), "new").unwrap();
        let double = Double::start(&root, script);
        let replaced =
            Peer::impatient(&double).remote().replace(&folder("out"), b"stock.part", b"stock.csv", b"stock.old");
        assert_eq!(replaced.map_err(|fault| fault.kind), expected, "{script}");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let there = files_in(&root.join("out"));
        let there: Vec<String> =
            there.into_iter().map(|(name, bytes)| format!("{}={}", text(name), text(bytes))).collect();
        assert_eq!(there, left, "{script}");
    }
}

#[test]
fn an_echoed_password_is_told_to_nobody() {
    for script in [
        format!("on PASS reply \"530 PASS {PASSWORD} is wrong\""),
        format!("on PASS reply \"230-{PASSWORD}\\r\\n230 in\"\non CWD reply \"550 no {PASSWORD}\""),
        format!("on PASS reply \"what is {PASSWORD}\""),
    ] {
        let (_kept, root) = ground();
        let fault = night(&root, &script, |_| ()).fault.unwrap();
        assert!(!format!("{fault} {fault:?}").contains(PASSWORD), "{fault}");
    }
}

/// A stop that is urgent ends every wait at once.
#[test]
fn a_stop_is_waited_for_by_nobody() {
    let (_kept, root) = ground();
    let double = Double::start(&root, "on MLSD silence");
    let mut peer = Peer::impatient(&double);
    peer.rule.timeout = Duration::from_secs(30);
    let mut remote = peer.remote();
    let (sentry, begun) = (peer.sentry.clone(), Instant::now());
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        sentry.shut_all();
    });
    let fault = remote.list(&folder("in"), &mut |_| ()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Stopped, "{fault}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    stopper.join().unwrap();
}

/// After our own trouble, or a fault, the connection says so instead of answering for somebody else.
#[test]
fn a_connection_that_was_given_up_stays_so() {
    let (_kept, root) = ground();
    let double = Double::start(&root, "on MLSD 1 data 3 cut reply \"426 cut\"");
    let mut remote = Peer::impatient(&double).remote();
    remote.list(&folder("in"), &mut |_| ()).unwrap_err();
    let again = remote.facts(&folder("out"), &[b"x"]).unwrap_err();
    assert!(again.is_broken() && again.to_string().contains("given up"), "{again}");
    remote.hang_up();
}

/// The server's last word on an upload is a refusal: it is told, and the next file goes over the same line.
#[test]
fn a_refused_upload_leaves_the_line_in_step() {
    for reply in ["552 quota", "553 not this name"] {
        let (_kept, root) = ground();
        let double = Double::start(&root, &format!("on STOR 1 refuse 1000 \"{reply}\""));
        let mut remote = Peer::impatient(&double).remote();
        let broken = remote.send(&folder("out"), b"a.part", 8000, &mut &[7_u8; 8000][..]).unwrap_err();
        assert!(
            matches!(&broken, Broken::Theirs(fault) if fault.kind == FaultKind::Refused && !fault.is_broken()),
            "{broken:?}"
        );
        remote.send(&folder("out"), b"b.part", 3, &mut &b"abc"[..]).unwrap();
        assert_eq!(double.calls("CONNECT"), 1, "{reply}");
    }
}

/// proftpd's HiddenStores keep what broke off under `.in.NAME.` and refuse NAME as long as that is there.
#[test]
fn what_a_server_hides_of_a_broken_upload_is_no_hindrance() {
    let (_kept, root) = ground();
    std::fs::write(root.join("out/.in.a.part."), "half").unwrap();
    let double = Double::start(&root, "on STOR 1 reply \"550 a.part: Temporary hidden file already exists\"");
    let mut remote = Peer::impatient(&double).remote();
    remote.send(&folder("out"), b"a.part", 3, &mut &b"abc"[..]).unwrap();
    assert_eq!(files_in(&root.join("out")), [(b"a.part".to_vec(), b"abc".to_vec())]);
}
