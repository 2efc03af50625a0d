//! The way out in a process of its own that is killed, or has one call fail, at call 1, 2, 3 … until it gets through. After each
//! the next start finds everything: each order went out once, and nothing half or left over stands anywhere.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use nattpost::edges::store::ledger::RunState;
use nattpost::flows::outbound::Ask;
use nattpost::model::feed::Feed;

use crate::bench::{Bench, feed, tried};
use crate::runs::elements;

const FOLDER: &str = "NATTPOST_TEST_FOLDER";
/// More calls than there are, so that a loop that never ends is noticed.
const CALLS_MAX: usize = 500;

fn orders() -> Feed {
    feed("erp", "orders", "nattpost-order-xml")
}

/// What the process does that is killed: a start, a file of orders, the next look. Errors are met as the loop meets them.
#[test]
#[ignore = "run by the tests below in a process of its own"]
fn one_turn() {
    let folder = std::env::var(FOLDER).expect("run by the tests below");
    let Ok(mut bench) = Bench::on(Path::new(&folder)) else { return };
    for _ in 0..2 {
        let mut dispatch = bench.dispatch();
        let turn = dispatch
            .recover(&[])
            .and_then(|()| dispatch.send(&orders(), &Ask::request()))
            .and_then(|_| dispatch.look_at_pick_up());
        if turn.is_ok() {
            return;
        }
    }
}

fn turn(folder: &Path, fault: &str) -> ExitStatus {
    Command::new(std::env::current_exe().unwrap())
        .args(["kills::one_turn", "--exact", "--ignored"])
        .env("NATTPOST_FAULT", fault)
        .env(FOLDER, folder)
        .output()
        .unwrap()
        .status
}

/// A spool with three orders; the fault at its call; the next start. Tells whether the process was killed.
fn survives(fault: &str) -> bool {
    let mut bench = Bench::new();
    bench.ordered("shop", &["S1", "S2", "S3"]);
    let status = turn(&bench.folder, fault);
    let killed = status.signal() == Some(9);
    assert!(killed || status.success(), "{fault}: {status}");

    bench.restart();
    bench.dispatch().recover(&[]).unwrap();
    bench.dispatch().send(&orders(), &Ask::request()).unwrap();
    bench.dispatch().look_at_pick_up().unwrap();
    let files = bench.files("out/erp");
    let content = |name: &String| elements(&bench.text(&format!("out/erp/{name}")), "buyer_order_no");
    let mut sent: Vec<String> = files.iter().flat_map(content).collect();
    sent.sort();
    assert_eq!(sent, ["S1", "S2", "S3"], "{fault}: {files:?}");
    assert!(bench.files("staged").is_empty(), "{fault}");
    let ready: Vec<_> = bench.runs().into_iter().filter(|run| run.state == RunState::Ready).collect();
    assert!(ready.iter().all(|run| run.placed && files.contains(&run.name)), "{fault}: {ready:?}");
    assert_eq!(ready.len(), files.len(), "{fault}");
    killed
}

#[test]
fn an_order_goes_out_once_whenever_the_process_is_killed() {
    let kills = (1..CALLS_MAX).take_while(|call| survives(&format!("kill@{call}"))).count();
    println!("{kills} calls");
    assert!((20..CALLS_MAX - 1).contains(&kills), "{kills} calls");
}

#[test]
fn an_order_goes_out_once_whichever_call_fails() {
    let calls = count_of_calls();
    assert!(calls >= 20, "{calls} calls");
    for (turn, (fault, on)) in [("fail", ""), ("full", ""), ("full", "+")].into_iter().enumerate() {
        tried(calls, turn).for_each(|call| _ = survives(&format!("{fault}@{call}{on}")));
    }
}

fn count_of_calls() -> usize {
    let mut bench = Bench::new();
    bench.ordered("shop", &["S1", "S2", "S3"]);
    let list = bench.folder.join("calls");
    assert!(turn(&bench.folder, &format!("count@{}", list.display())).success());
    std::fs::read_to_string(list).unwrap().lines().count()
}
