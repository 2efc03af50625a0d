//! The demo as a person runs it: on a folder of its own, stopped in the middle, run again to its end, and refused where the
//! spool is somebody's.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use nattpost::edges::lock;
use rustix::process::{Pid, Signal, kill_process};

fn demo(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
    command.arg("demo").current_dir(folder).env_remove("NATTPOST_CONFIG").stdin(Stdio::null());
    command
}

#[test]
fn stopped_in_the_middle_the_next_clears_it_and_tells_the_whole_story() {
    let scratch = tempfile::tempdir().unwrap();
    let spool = scratch.path().join("spool");

    let mut first = demo(scratch.path()).stdout(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(first.stdout.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().contains("The web shop sends two orders.")));
    kill_process(Pid::from_child(&first), Signal::INT).unwrap();
    let rest: Vec<String> = told.map(Result::unwrap).collect();
    assert_eq!(first.wait().unwrap().code(), Some(0), "{rest:#?}");
    assert!(rest.iter().any(|line| line.contains("Stopped before the story was over.")), "{rest:#?}");
    assert!(!lock::is_held(&spool.join(".lock")), "the daemon is gone with the demo");

    let second = demo(scratch.path()).arg("--once").output().unwrap();
    let (out, err) = (String::from_utf8(second.stdout).unwrap(), String::from_utf8(second.stderr).unwrap());
    assert_eq!(second.status.code(), Some(0), "{out}{err}");
    let mut rest = out.as_str();
    for words in [
        "in/webshop/orders/orders-1120.xml: 2 accepted.",
        "in/dealer/orders/orders-1120.csv: 3 accepted, 2 refused.",
        "\"Menge\": \"2,5x\" is not a quantity; expected a number like 2,5.",
        "[article-unknown]",
        "Both are applied now",
        "orders-1120-again.xml: 2 duplicate.",
        "it lay in in/, untouched.",
        "6 accepted.",
        "orders-akerlund.xml: 2 held.",
        "orders-akerlund.xml was judged again by itself: 2 accepted.",
        "partly_shipped",
        "spool/out/webshop/stock_",
        "stock;A-1005;HH;0;",
        "spool/out/webshop/order-status_",
        "spool/out/dealer/preise_",
        "A-1001;D2;0;01.01.2026;61,25;1;EUR",
        "spool/out/erp/orders_",
        "What to look at now.",
        "The daemon has stopped in order",
    ] {
        let at = rest.find(words).unwrap_or_else(|| panic!("not said, or not in this order: {words}\n{out}{err}"));
        rest = &rest[at..];
    }
    let conn = rusqlite::Connection::open(spool.join("demo/nattpost.db")).unwrap();
    let orders: (i64, i64) = conn
        .query_row("SELECT count(*), count(DISTINCT buyer_order_no) FROM v_order", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(orders, (15, 15), "every order once, and none of the first run");
    assert!(fs::read_dir(spool.join("in/webshop/orders")).unwrap().next().is_none());
}

#[test]
fn a_spool_of_somebody_is_not_touched() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("spool/in/shop/orders/orders.xml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "<orders/>").unwrap();
    let mut child = demo(scratch.path()).arg("--once").stderr(Stdio::piped()).spawn().unwrap();
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(69));
    assert!(err.contains("no demo made it (there are in); nothing was touched"), "{err}");
    assert_eq!(fs::read(&file).unwrap(), b"<orders/>");
    assert_eq!(fs::read_dir(scratch.path().join("spool")).unwrap().count(), 1);
}

#[test]
fn a_demo_that_was_killed_is_told_with_the_process_it_left_behind() {
    let scratch = tempfile::tempdir().unwrap();
    let lock = scratch.path().join("spool/.lock");
    let mut first = demo(scratch.path()).stdout(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(first.stdout.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().contains("The web shop sends two orders.")));
    first.kill().unwrap();
    first.wait().unwrap();

    let second = demo(scratch.path()).arg("--once").output().unwrap();
    let left = fs::read_to_string(&lock).unwrap().trim().to_string();
    kill_process(Pid::from_raw(left.parse().unwrap()).unwrap(), Signal::TERM).unwrap();
    let err = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(69), "{err}");
    assert!(err.contains(&format!("its daemon is process {left}.")) && err.contains("end that process"), "{err}");
    while lock::is_held(&lock) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
