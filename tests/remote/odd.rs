//! Over the double where what it says is unusual and means the same: answers in other forms, other numbers, other letters. All
//! that is done at a server is done there, too.

use std::time::{Duration, Instant};

use nattpost::edges::remote::{Renamed, Target};

use super::contract::id;
use super::ftp_double::Double;
use super::honest::ground;
use super::{Peer, files_in, folder};

/// Listed, claimed, fetched, removed; sent and given its name.
fn a_day_goes_well(script: &str) -> Double {
    let (_kept, root) = ground();
    std::fs::write(root.join("in/orders.csv"), [5_u8; 8000]).unwrap();
    let double = Double::start(&root, script);
    let begun = Instant::now();
    let mut remote = Peer::of(&double).open().unwrap_or_else(|fault| panic!("{script}: {fault}"));
    let mut names = Vec::new();
    remote
        .list(&folder("in"), &mut |entry| names.push(entry.name.to_vec()))
        .unwrap_or_else(|fault| panic!("{script}: {fault:?}\n{:#?}", double.log()));
    assert_eq!(names, [b"orders.csv"], "{script}");
    let claim = Target { folder: None, name: nattpost::model::remote_name::claim_name(id(1), b"orders.csv", "abcde") };
    let renamed = remote
        .rename(&folder("in"), &[(b"orders.csv", &claim)])
        .unwrap_or_else(|fault| panic!("{script}: {fault:?}\n{:#?}", double.log()));
    assert_eq!(renamed, [Renamed::Done], "{script}");
    let mut bytes = Vec::new();
    remote
        .fetch(&folder("in"), &claim.name, 0, None, &mut bytes)
        .unwrap_or_else(|broken| panic!("{script}: {broken:?}\n{:#?}", double.log()));
    assert_eq!(bytes, [5; 8000], "{script}");
    remote
        .remove(&folder("in"), &[&claim.name])
        .unwrap_or_else(|fault| panic!("{script}: {fault:?}\n{:#?}", double.log()));
    remote
        .send(&folder("out"), b"a.part", 8000, &mut &[7_u8; 8000][..])
        .unwrap_or_else(|broken| panic!("{script}: {broken:?}\n{:#?}", double.log()));
    remote
        .replace(&folder("out"), b"a.part", b"a.csv", b"a.old")
        .unwrap_or_else(|fault| panic!("{script}: {fault:?}\n{:#?}", double.log()));
    assert!(files_in(&root.join("in")).is_empty(), "{script}");
    assert_eq!(files_in(&root.join("out")), [(b"a.csv".to_vec(), vec![7; 8000])], "{script}");
    assert_eq!(double.calls("USER"), 1, "{script}: over one connection");
    assert!(begun.elapsed() < Duration::from_millis(700), "{script}: nobody was waited for: {:?}", begun.elapsed());
    double
}

#[test]
fn answers_in_other_forms_mean_the_same() {
    for script in [
        // A greeting that is put off, one of many lines, one with lines that look like answers.
        "on CONNECT raw \"120 in a moment\\r\\n220 ready\\r\\n\"",
        "on CONNECT raw \"220-Welcome\\r\\n 220 users\\r\\n100 users are here\\r\\n\\r\\n-\\r\\n220 ready\\r\\n\"",
        "on CONNECT raw \"220\\r\\n\"",
        "on CONNECT raw \"220 ready\\n\"",
        "on USER reply \"230 no password needed\"",
        "on PASS reply \"202 not needed\"",
        "on PASS raw \"230-\\r\\n  \\r\\n230-hello\\r\\n2300 points\\r\\n230 in\\r\\n\"",
        "on TYPE raw \"200\\r\\n\"\non OPTS raw \"200\\n\"",
        // Preliminary and last answers of transfers.
        "on RETR around \"125 open\\r\\n\" \"250 done\\r\\n\"\non MLSD around \"125 open\\r\\n\" \"250 done\\r\\n\"\non STOR around \"125 open\\r\\n\" \"250 done\\r\\n\"",
        // aioftp's.
        "on RETR around \"150 open\\r\\n\" \"200 done\\r\\n\"\non MLSD around \"150 open\\r\\n\" \"200 done\\r\\n\"\non STOR around \"150 open\\r\\n\" \"200 done\\r\\n\"",
        "on RETR around \"150 open\\r\\n226 done\\r\\n\" \"\"\non MLSD around \"150 open\\r\\n226 done\\r\\n\" \"\"",
        "on RETR around \"150\\r\\n\" \"226\\r\\n\"\non MLSD around \"150\\n\" \"226\\n\"\non STOR around \"150\\r\\n\" \"226\\r\\n\"",
        "on RETR around \"150-open\\r\\n8000 bytes\\r\\n150 go\\r\\n\" \"226-done\\r\\n800 KB/s\\r\\n226 bye\\r\\n\"",
        "on MLSD around \"150 ge\\xf6ffnet\\r\\n\" \"226 \\xfcbertragen\\x00\\r\\n\"",
        // Where the data goes.
        "on EPSV raw \"229 Erweiterter passiver Modus ge\\xf6ffnet (|||{port}|)\\r\\n\"",
        "on EPSV raw \"229-Passive\\r\\n229 mode (|||{port}|)\\r\\n\"",
        "on EPSV raw \"229 mode (!!!{port}!)\\r\\n\"",
        "on EPSV raw \"229 mode (|1|127.0.0.1|{port}|)\\r\\n\"",
        "on EPSV raw \"229 |||{port}|\\r\\n\"",
        "on EPSV reply \"500 what?\"\non PASV raw \"227 Entering Passive Mode 127,0,0,1,{p1},{p2}\\r\\n\"",
        "on EPSV reply \"500 what?\"\non PASV raw \"227 =127,0,0,1,{p1},{p2}\\n\"",
        "on EPSV reply \"500 what?\"\non PASV raw \"227 Passiver Modus ge\\xf6ffnet (127,0,0,1,{p1},{p2}).\\r\\n\"",
        "on EPSV reply \"500 what?\"\non PASV raw \"227 Passive (127, 0, 0, 1, {p1}, {p2})\\r\\n\"",
        "on EPSV reply \"500 what?\"\non PASV raw \"227 Passive (192,168,1,7,{p1},{p2})\\r\\n\"",
    ] {
        a_day_goes_well(script);
    }
}

#[test]
fn an_answer_may_be_long() {
    let long: String = (0..600)
        .map(|n| {
            format!("220-line {n} of a greeting that says more than anybody will ever read of it, and goes on\\r\\n")
        })
        .collect();
    assert!((50_000..64_000).contains(&long.len()));
    a_day_goes_well(&format!("on CONNECT raw \"{long}220 ready\\r\\n\""));
    a_day_goes_well(&format!("on TYPE raw \"{}200 yes\\r\\n\"", long.replace("220-", "200-")));
}

/// aioftp says that it does not know FEAT before it has answered TYPE: whose answer is whose cannot be known of such a server.
#[test]
fn a_server_that_answers_out_of_order_is_asked_one_by_one() {
    for script in [
        "on TYPE 1 raw \"\"\non FEAT 1 raw \"502 'feat' not implemented\\r\\n200 yes\\r\\n\"",
        "on FEAT 1 raw \"\"\non PWD 1 raw \"257 /\\r\\n211 no features\\r\\n\"",
    ] {
        let (_kept, root) = ground();
        std::fs::write(root.join("in/orders.csv"), "1").unwrap();
        let double = Double::start(&root, script);
        let peer = Peer::of(&double);
        for _ in 0..2 {
            let mut found = 0;
            peer.remote().list(&folder("in"), &mut |_| found += 1).unwrap();
            assert_eq!(found, 1);
        }
        assert!(peer.learned.is_without_flights(), "{script}");
        assert_eq!(double.calls("USER"), 3, "{script}: tried once, not again");
    }
}
