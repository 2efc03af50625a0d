//! The name of a host that leads nowhere, or not soon.

use std::process::Stdio;
use std::time::{Duration, Instant};

use nattpost::edges::remote::Phase;

use super::Peer;
use super::collected::{Night, order};
use super::ftp_double::Double;
use super::honest::ground;

/// The system's own look-up may take minutes: neither the other partners nor a stop that is urgent wait for it.
#[test]
fn a_name_that_never_resolves_delays_nobody() {
    let night = Night::new("", "");
    let shop = night.here.join("partners/shop.toml");
    let text = std::fs::read_to_string(&shop).unwrap();
    std::fs::write(&shop, text.replace("host = \"127.0.0.1\"", "host = \"localhost\"").replace("\"5 s\"", "\"60 s\""))
        .unwrap();
    let dropped = night.here.join("spool/in/other/orders");
    std::fs::create_dir_all(&dropped).unwrap();
    let mut daemon = night.command(&["run"]);
    daemon.env("NATTPOST_FAULT", "hang@remote.name").stdout(Stdio::null()).stderr(Stdio::null());
    let mut daemon = daemon.spawn().unwrap();
    let within = |what: &str, holds: &mut dyn FnMut() -> bool| {
        let until = Instant::now() + Duration::from_secs(20);
        while !holds() {
            assert!(Instant::now() < until, "{what}: not within 20 s");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    // Nobody but a carrier makes this thread: the look-up hangs.
    let tasks = format!("/proc/{}/task", daemon.id());
    let names = || std::fs::read_dir(&tasks).into_iter().flatten().flatten();
    let is_looking =
        || names().any(|task| std::fs::read_to_string(task.path().join("comm")).is_ok_and(|n| n == "look up\n"));
    within("the name is asked for", &mut || is_looking());
    std::fs::write(dropped.join("o.part"), order("other")).unwrap();
    std::fs::rename(dropped.join("o.part"), dropped.join("o.csv")).unwrap();
    within("the other's order", &mut || !dropped.join("o.csv").exists() && night.orders() == ["other"]);
    let pid = rustix::process::Pid::from_child(&daemon);
    let begun = Instant::now();
    // The first one asks for a stop, the next makes it urgent.
    let mut ended = None;
    while ended.is_none() && begun.elapsed() < Duration::from_secs(5) {
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        ended = daemon.try_wait().unwrap();
    }
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert_eq!(ended.and_then(|ended| ended.code()), Some(0), "in order, long before its time-out");
}

#[test]
fn a_name_that_leads_nowhere_is_told() {
    let (_kept, root) = ground();
    let double = Double::start(&root, "");
    let mut peer = Peer::impatient(&double);
    peer.ftp.host = "localhost".into();
    peer.rule.timeout = Duration::ZERO;
    let late = peer.open().err().unwrap();
    assert!(late.phase == Phase::Connect && late.is_broken(), "{late}");
    assert!(late.to_string().ends_with("connect: nobody says within 0 s where the name leads"), "{late}");
    // It was a look-up that had no time, and the next one has.
    peer.rule.timeout = Duration::from_secs(5);
    peer.remote().probe().unwrap();
    peer.ftp.host = "no host has blanks".into();
    let nowhere = peer.open().err().unwrap();
    assert!(nowhere.to_string().contains("connect: the name leads nowhere ("), "{nowhere}");
}
