//! Over the double as long as it is honest: the contract in all its ways, and what goes over the line.

use std::net::{Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nattpost::edges::remote::{Broken, ListingSort, Renamed};
use nattpost::model::ids::Id;
use nattpost::model::remote::{Names, Passive, Stamp};

use rustix::net::{self, AddressFamily, SocketFlags, SocketType};

use super::contract::{self, NAMES};
use super::ftp_double::Double;
use super::{Peer, folder};

pub fn ground() -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().to_owned();
    std::fs::create_dir(path.join("in")).unwrap();
    std::fs::create_dir(path.join("out")).unwrap();
    (root, path)
}

/// Servers that lack this or that, and what a connection to them must still do.
#[test]
fn the_contract_holds_whatever_the_server_lacks() {
    let scripts = [
        "",
        "set keep-old",
        "set eat-pipelined",
        "on EPSV reply \"500 what?\"",
        "on EPSV reply \"522 network protocol not supported\"",
        "on EPSV reply \"550 Permission denied.\"",
        "on SIZE reply \"550 Permission denied.\"\non MDTM reply \"550 Permission denied.\"",
        "on EPSV dead-port",
        "on EPSV reply \"229 as you like\"",
        "on FEAT reply \"500 what?\"",
        "on FEAT reply \"211 no features\"\non MLSD reply \"500 what?\"",
        "on PWD reply \"257 /\"\non FEAT reply \"500 what?\"",
        "on MDTM reply \"502 not here\"",
        "on SIZE reply \"502 not here\"",
        "on SIZE reply \"502 not here\"\non MDTM reply \"502 not here\"",
        "on MLSD reply \"500 what?\"\non LIST reply \"502 not here\"",
        "on FEAT drip 1ms\non RNFR delay 5ms",
    ];
    let check = |script: &str| {
        let (_kept, root) = ground();
        let double = Double::start(&root, script);
        // Two of them are told by their silence.
        let is_silent = script.contains("eat-pipelined") || script.contains("dead-port");
        let peer = if is_silent { Peer::impatient(&double) } else { Peer::of(&double) };
        if script.contains("257 /\"") {
            // Without words for the login folder only the first relative folder can be gone into.
            return;
        }
        println!("{script}");
        contract::all(&root, &NAMES, &|| peer.remote());
    };
    // Those that wait do it beside the others.
    std::thread::scope(|scope| scripts.into_iter().for_each(|script| _ = scope.spawn(move || check(script))));
}

#[test]
fn a_server_that_lies_about_its_address_is_asked_where_it_is() {
    for (passive, epsv) in [(Passive::Auto, "on EPSV reply \"500 what?\"\n"), (Passive::Pasv, "")] {
        let (_kept, root) = ground();
        let double = Double::start(&root, &format!("{epsv}on PASV lie \"10,0,0,7\""));
        let mut peer = Peer::of(&double);
        peer.ftp.passive = passive;
        std::fs::write(root.join("in/x.csv"), "1").unwrap();
        let mut found = 0;
        peer.remote().list(&folder("in"), &mut |_| found += 1).unwrap();
        assert_eq!(found, 1);
        assert_eq!(double.calls("EPSV"), u32::from(passive == Passive::Auto));
    }
}

/// Both ways to write an address, and a name of which only the second address answers.
#[test]
fn the_contract_holds_over_ipv6() {
    for (script, host) in [("set ipv6", "::1"), ("", "localhost")] {
        let (_kept, root) = ground();
        let double = Double::start(&root, script);
        let mut peer = Peer::of(&double);
        peer.ftp.host = host.into();
        contract::all(&root, &NAMES, &|| peer.remote());
        assert_eq!(double.calls("PASV"), 0, "{host}");
    }
    let (_kept, root) = ground();
    let double = Double::start(&root, "set ipv6\non PASS reply \"530 no\"");
    let mut peer = Peer::of(&double);
    peer.ftp.host = "::1".into();
    let words = peer.open().err().unwrap().to_string();
    assert!(words.starts_with(&format!("[::1]:{}, PASS", double.port)), "{words}");
}

/// The name leads to two addresses, and nobody answers at one: that costs its share of the time-out once, and not again.
#[test]
fn an_address_that_does_not_answer_is_not_waited_for_twice() {
    let (_kept, root) = ground();
    let double = Double::start(&root, "");
    let dead = deaf(double.port);
    let mut peer = Peer::impatient(&double);
    peer.ftp.host = "localhost".into();
    if !("localhost", double.port).to_socket_addrs().unwrap().any(|address| address.is_ipv6()) {
        return;
    }
    let took = |peer: &Peer| {
        let begun = Instant::now();
        peer.remote().hang_up();
        begun.elapsed()
    };
    let (first, second) = (took(&peer), took(&peer));
    assert!(first >= Duration::from_millis(500), "{first:?}: the dead one comes first, or this shows nothing");
    assert!(second < Duration::from_millis(400), "{second:?}");
    drop(dead);
}

/// Listens at ::1 and takes nobody in: whoever connects waits.
fn deaf(port: u16) -> Vec<OwnedFd> {
    let socket = net::socket(AddressFamily::INET6, SocketType::STREAM, None).unwrap();
    let address = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    net::bind(&socket, &address).unwrap();
    net::listen(&socket, 0).unwrap();
    let mut held = vec![socket];
    for _ in 0..4 {
        let other = net::socket_with(AddressFamily::INET6, SocketType::STREAM, SocketFlags::NONBLOCK, None).unwrap();
        // It waits, and so will all behind it.
        let _ = net::connect(&other, &address);
        held.push(other);
    }
    held
}

/// Each answer takes its time, however many commands went out in one piece.
#[test]
fn a_slow_server_is_given_the_time_of_each_answer() {
    let (_kept, root) = ground();
    let double = Double::start(&root, "on RNFR delay 150ms\non RNTO delay 150ms");
    let peer = Peer::impatient(&double);
    let targets: Vec<_> = (0..16).map(|number| target(contract::id(number))).collect();
    let names: Vec<String> = (0..16).map(|number| format!("o{number}.csv")).collect();
    names.iter().for_each(|name| std::fs::write(root.join("in").join(name), "1").unwrap());
    let pairs: Vec<_> = names.iter().map(String::as_bytes).zip(&targets).collect();
    let renamed = peer.remote().rename(&folder("in"), &pairs).unwrap();
    assert_eq!(renamed, vec![Renamed::Done; 16]);
}

/// A server of other habits: its login folder has a name that cannot be put together with others.
#[test]
fn a_login_folder_of_another_system_is_gone_back_to() {
    let (_kept, root) = ground();
    for (link, to) in [("in/C:\\ftp", ".."), ("out/C:\\ftp", "..")] {
        std::os::unix::fs::symlink(to, root.join(link)).unwrap();
    }
    std::fs::write(root.join("in/a.csv"), "1").unwrap();
    std::fs::write(root.join("out/b.csv"), "1").unwrap();
    let double = Double::start(&root, "on PWD reply \"257 \\qC:\\ftp\\q is here\"");
    let mut remote = Peer::of(&double).remote();
    for (place, file) in [("in", b"a.csv"), ("out", b"b.csv"), ("in", b"a.csv")] {
        let mut found = Vec::new();
        let mut take = |name: &[u8]| {
            if name.ends_with(b".csv") {
                found.push(name.to_vec())
            }
        };
        remote.list(&folder(place), &mut |entry| take(entry.name)).unwrap();
        assert_eq!(found, [file.to_vec()], "{:?}", double.log());
    }
}

#[test]
fn epsv_that_led_nowhere_is_not_tried_again() {
    let (_kept, root) = ground();
    let double = Double::start(&root, "on EPSV dead-port");
    let peer = Peer::of(&double);
    for _ in 0..3 {
        peer.remote().list(&folder("in"), &mut |_| ()).unwrap();
    }
    assert_eq!((double.calls("EPSV"), double.calls("PASV")), (1, 3));
}

/// PASV knows no IPv6: what it cannot do is not remembered as the better way.
#[test]
fn pasv_that_did_not_help_is_not_remembered() {
    let (_kept, root) = ground();
    let double = Double::start(&root, "on EPSV 1 reply \"500 not now\"\non PASV reply \"522 use EPSV\"");
    let peer = Peer::of(&double);
    assert!(peer.remote().list(&folder("in"), &mut |_| ()).is_err());
    peer.remote().list(&folder("in"), &mut |_| ()).unwrap();
    assert_eq!((double.calls("EPSV"), double.calls("PASV")), (2, 1));
}

#[test]
fn nine_ways_to_write_a_listing_say_the_same() {
    let files = |name: &str| format!("{}/tests/listings/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    for name in [
        "unix",
        "unix-without-group",
        "unix-access-lists",
        "unix-iso-dates",
        "unix-day-month",
        "dos",
        "dos-24-hours",
        "eplf",
        "netware",
        "os400",
        "mlsd",
    ] {
        let (_kept, root) = ground();
        let script = match name {
            "mlsd" => format!("on MLSD listing \"{}\"", files(name)),
            _ => format!("on MLSD reply \"500 what?\"\non LIST listing \"{}\"", files(name)),
        };
        let double = Double::start(&root, &script);
        let mut found = Vec::new();
        let listed = Peer::of(&double).remote().list(&folder("in"), &mut |entry| {
            assert_ne!(entry.facts.stamp, Stamp::None, "{name}");
            found.push((String::from_utf8_lossy(entry.name).into_owned(), entry.facts.size));
        });
        let sort = if name == "mlsd" { ListingSort::Mlsd } else { ListingSort::List };
        assert_eq!(listed.map(|listed| (listed.sort, listed.not_understood)), Ok((sort, 0)), "{name}");
        assert_eq!(found, [("orders 1.csv".to_owned(), Some(11)), ("Müller.xml".to_owned(), Some(5))], "{name}");
    }
}

#[test]
fn where_no_listing_can_be_read_names_are_asked_for() {
    let (_kept, root) = ground();
    std::fs::write(root.join("in/a.csv"), "12345").unwrap();
    std::fs::create_dir(root.join("in/below")).unwrap();
    let nonsense = root.join("nonsense");
    std::fs::write(&nonsense, "Directory of SYS$LOGIN\r\nA.CSV;1\r\n").unwrap();
    let double =
        Double::start(&root, &format!("on MLSD reply \"500 what?\"\non LIST listing \"{}\"", nonsense.display()));
    let mut found = Vec::new();
    let listed = Peer::of(&double).remote().list(&folder("in"), &mut |entry| {
        assert!(matches!(entry.facts.stamp, Stamp::Exact(_)));
        found.push((entry.name.to_vec(), entry.facts.size));
    });
    assert_eq!(listed.unwrap().sort, ListingSort::Nlst);
    assert_eq!(found, [(b"a.csv".to_vec(), Some(5))]);
}

/// "Nothing here" is said in three ways, and the two other kinds of list are asked before it is believed.
#[test]
fn an_empty_folder_is_not_a_fault() {
    for answer in ["450 no files", "550 no files", "226 that was all"] {
        let (_kept, root) = ground();
        let script: String = ["MLSD", "LIST", "NLST"].map(|verb| format!("on {verb} reply \"{answer}\"\n")).concat();
        let double = Double::start(&root, &script);
        let mut remote = Peer::of(&double).remote();
        remote.list(&folder("in"), &mut |_| panic!("there is nothing")).unwrap();
        remote.facts(&folder("in"), &[b"x"]).unwrap();
    }
}

/// The same numbers where listing is forbidden: that is told, of this folder, and the connection goes on.
#[test]
fn a_folder_that_may_not_be_listed_is_told() {
    for answer in ["450 .: Permission denied", "550 Permission denied.", "550 Zugriff verweigert"] {
        let (_kept, root) = ground();
        let script: String = ["MLSD", "LIST", "NLST"].map(|verb| format!("on {verb} reply \"{answer}\"\n")).concat();
        let double = Double::start(&root, &script);
        let mut remote = Peer::of(&double).remote();
        let fault = remote.list(&folder("in"), &mut |_| panic!("there is nothing")).unwrap_err();
        assert!(!fault.is_broken() && fault.to_string().contains(&format!("NLST: {answer}")), "{fault}");
        remote.facts(&folder("in"), &[b"x"]).unwrap();
    }
}

#[test]
fn a_hundred_thousand_names_cost_no_memory() {
    let (_kept, root) = ground();
    let mut peaks = Vec::new();
    for count in [10, 100_000] {
        let double = Double::start(&root, &format!("on MLSD names {count}"));
        let mut peer = Peer::of(&double);
        peer.rule.timeout = std::time::Duration::from_secs(20);
        let mut found = 0_u32;
        peer.remote().list(&folder("in"), &mut |_| found += 1).unwrap();
        assert_eq!(found, count);
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim_end_matches("kB");
        peaks.push(peak.trim().parse::<u64>().unwrap());
    }
    assert!(peaks[1] - peaks[0] <= 40 * 1024, "{peaks:?} KiB");
}

#[test]
fn names_go_out_as_they_are_set() {
    let (_kept, root) = ground();
    let double = Double::start(&root, "on USER reply \"530 no\"");
    let mut peer = Peer::of(&double);
    (peer.ftp.user, peer.ftp.names) = ("Müller".into(), Names::Latin1);
    assert!(peer.open().is_err());
    assert!(double.log().iter().any(|line| line.contains("USER M\u{fffd}ller")), "{:?}", double.log());
}

/// What the speed of small files hangs on, counted where no clock is needed: sixteen files claimed, fetched, removed.
#[test]
fn a_small_file_costs_little_more_than_two_trips() {
    let (_kept, root) = ground();
    // A listener's greeting, USER, PASS, three questions, OPTS, CWD, and the end.
    for (flights, begins, at_most) in [(true, 7, 2 + 2 * 16 + 1), (false, 9, 2 * 16 + 2 * 16 + 16)] {
        // The pauses keep the double from meeting in one piece what was sent in two.
        let double = Double::start(&root, "on RNFR delay 5ms\non RNTO delay 5ms\non DELE delay 5ms");
        let mut peer = Peer::of(&double);
        peer.ftp.flights = flights;
        let mut remote = peer.remote();
        let targets: Vec<_> = (0..16).map(|number| target(contract::id(number))).collect();
        let names: Vec<String> = (0..16).map(|number| format!("{flights}{number}")).collect();
        names.iter().for_each(|name| std::fs::write(root.join("in").join(name), "1").unwrap());
        let pairs: Vec<_> = names.iter().map(String::as_bytes).zip(&targets).collect();
        remote.rename(&folder("in"), &pairs).unwrap();
        let ours: Vec<&[u8]> = targets.iter().map(|target| &target.name[..]).collect();
        for name in &ours {
            assert_eq!(remote.fetch(&folder("in"), name, 0, Some(1), &mut Vec::new()).unwrap(), 1);
        }
        remote.remove(&folder("in"), &ours).unwrap();
        assert!(super::files_in(&root.join("in")).is_empty());
        let pieces = double.pieces();
        assert!(pieces <= begins + at_most, "{pieces} pieces of the line, flights: {flights}");
        assert!(flights || pieces > 80, "{pieces} pieces without flights");
    }
}

/// They are listed as they are, for whoever decides; no command ever carries them.
#[test]
fn odd_names_are_listed_and_never_sent() {
    let (_kept, root) = ground();
    let listing = root.join("listing");
    let odd: [&[u8]; 4] = [b"../x.csv", b"a/b.csv", b"a\rb.csv", b" x "];
    let lines = odd.map(|name| [b"type=file;size=1; ", name, b"\r\n"].concat());
    std::fs::write(&listing, lines.concat()).unwrap();
    let double = Double::start(&root, &format!("on MLSD listing \"{}\"", listing.display()));
    let mut remote = Peer::of(&double).remote();
    let mut found = Vec::new();
    remote.list(&folder("in"), &mut |entry| found.push(entry.name.to_vec())).unwrap();
    assert_eq!(found, odd);
    for name in [&b"a\rb.csv"[..], b"a\nDELE x", b"a\0"] {
        let fault = remote.facts(&folder("in"), &[name]).unwrap_err();
        assert!(!fault.is_broken() && fault.to_string().contains("no command can carry a line end"), "{fault}");
        let broken = remote.fetch(&folder("in"), name, 0, None, &mut Vec::new()).unwrap_err();
        assert!(matches!(broken, Broken::Theirs(fault) if !fault.is_broken()), "and the connection goes on");
    }
    assert_eq!((double.calls("SIZE"), double.calls("RETR"), double.calls("DELE")), (0, 0, 0));
}

/// Telnet's mark is a letter of Latin-1. It is doubled only where proftpd would take what follows for an order of Telnet.
#[test]
fn the_mark_of_telnet_goes_out_as_servers_understand_it() {
    let (_kept, root) = ground();
    let double = Double::start(&root, "");
    let mut remote = Peer::of(&double).remote();
    remote.facts(&folder("in"), &[b"a\xffy.csv", b"b\xff\xf4y.csv"]).unwrap();
    // The double notes what is no UTF-8 as one mark a byte.
    let asked: Vec<String> = double.log().into_iter().filter(|line| line.contains("SIZE")).collect();
    let marks = |name: &str| asked.iter().any(|line| line.contains(name));
    assert!(marks("SIZE a\u{fffd}y.csv ->") && marks("SIZE b\u{fffd}\u{fffd}\u{fffd}y.csv ->"), "{asked:?}");
}

/// Once one data connection has come about, the next command does not wait for its own: a refusal is met afterwards.
#[test]
fn a_command_goes_out_beside_its_data_connection() {
    let (_kept, root) = ground();
    let double = Double::start(&root, "on EPSV 2 dead-port");
    let mut remote = Peer::of(&double).remote();
    remote.list(&folder("in"), &mut |_| ()).unwrap();
    let fault = remote.list(&folder("in"), &mut |_| ()).unwrap_err();
    assert!(fault.is_broken() && fault.to_string().contains("MLSD: 425 no data connection"), "{fault}");
    assert_eq!((double.calls("MLSD"), double.calls("PASV")), (2, 0));
}

fn target(id: Id) -> nattpost::edges::remote::Target {
    let name = nattpost::model::remote_name::claim_name(id, b"orders.csv", "abcde");
    nattpost::edges::remote::Target { folder: None, name }
}
