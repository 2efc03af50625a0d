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
const PER_FILE: &str = "NATTPOST_TEST_PER_FILE";
/// More calls than there are, so that a loop that never ends is noticed.
const CALLS_MAX: usize = 500;

/// All in one file, or one in each.
fn orders(per_file: Option<u64>) -> Feed {
    Feed { per_file, ..feed("erp", "orders", "nattpost-order-xml") }
}

/// What the process does that is killed: a start, a file of orders, the next look. Errors are met as the loop meets them.
#[test]
#[ignore = "run by the tests below in a process of its own"]
fn one_turn() {
    let folder = std::env::var(FOLDER).expect("run by the tests below");
    let per_file = std::env::var(PER_FILE).ok().and_then(|text| text.parse().ok());
    let Ok(mut bench) = Bench::on(Path::new(&folder)) else { return };
    for _ in 0..2 {
        let mut dispatch = bench.dispatch();
        let turn = dispatch
            .recover(&[])
            .and_then(|()| dispatch.send(&orders(per_file), &Ask::request()))
            .and_then(|_| dispatch.look_at_pick_up());
        if turn.is_ok() {
            return;
        }
    }
}

fn turn(folder: &Path, (fault, per_file): (&str, Option<u64>)) -> ExitStatus {
    Command::new(std::env::current_exe().unwrap())
        .args(["kills::one_turn", "--exact", "--ignored"])
        .env("NATTPOST_FAULT", fault)
        .env(FOLDER, folder)
        .env(PER_FILE, per_file.map(|count| count.to_string()).unwrap_or_default())
        .output()
        .unwrap()
        .status
}

/// A spool with three orders; the fault at its call; the next start. Tells whether the process was killed.
fn survives(fault: &str, per_file: Option<u64>) -> bool {
    let mut bench = Bench::new();
    bench.ordered("shop", &["S1", "S2", "S3"]);
    let status = turn(&bench.folder, (fault, per_file));
    let killed = status.signal() == Some(9);
    assert!(killed || status.success(), "{fault}: {status}");

    bench.restart();
    bench.dispatch().recover(&[]).unwrap();
    bench.dispatch().send(&orders(per_file), &Ask::request()).unwrap();
    bench.dispatch().look_at_pick_up().unwrap();
    let files = bench.files("out/erp");
    let content = |name: &String| elements(&bench.text(&format!("out/erp/{name}")), "buyer_order_no");
    let mut sent: Vec<String> = files.iter().flat_map(content).collect();
    sent.sort();
    assert_eq!(sent, ["S1", "S2", "S3"], "{fault}: {files:?}");
    assert_eq!(files.len(), if per_file.is_some() { 3 } else { files.len() }, "{fault}: {files:?}");
    assert!(bench.files("staged").is_empty(), "{fault}");
    let ready: Vec<_> = bench.runs().into_iter().filter(|run| run.state == RunState::Ready).collect();
    assert!(ready.iter().all(|run| run.placed && files.contains(&run.name)), "{fault}: {ready:?}");
    assert_eq!(ready.len(), files.len(), "{fault}");
    killed
}

#[test]
fn an_order_goes_out_once_whenever_the_process_is_killed() {
    let kills = (1..CALLS_MAX).take_while(|call| survives(&format!("kill@{call}"), None)).count();
    println!("{kills} calls");
    assert!((20..CALLS_MAX - 1).contains(&kills), "{kills} calls");
}

#[test]
fn an_order_goes_out_once_whichever_call_fails() {
    let calls = count_of_calls(None);
    assert!(calls >= 20, "{calls} calls");
    for (turn, (fault, on)) in [("fail", ""), ("full", ""), ("full", "+")].into_iter().enumerate() {
        tried(calls, turn).for_each(|call| _ = survives(&format!("{fault}@{call}{on}"), None));
    }
}

/// What asked for them goes on asking until the last one has gone out.
#[test]
fn an_order_goes_out_once_in_a_file_of_its_own() {
    let calls = count_of_calls(Some(1));
    assert!(calls > count_of_calls(None) + 20, "{calls} calls");
    for (turn, fault) in ["kill", "fail"].into_iter().enumerate() {
        tried(calls, turn).for_each(|call| _ = survives(&format!("{fault}@{call}"), Some(1)));
    }
}

fn count_of_calls(per_file: Option<u64>) -> usize {
    let mut bench = Bench::new();
    bench.ordered("shop", &["S1", "S2", "S3"]);
    let list = bench.folder.join("calls");
    assert!(turn(&bench.folder, (&format!("count@{}", list.display()), per_file)).success());
    std::fs::read_to_string(list).unwrap().lines().count()
}
