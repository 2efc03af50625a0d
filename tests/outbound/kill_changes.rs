//! Changes on their way out, in a process that is killed, or has one call fail, at call 1, 2, 3 … until it gets through: a run that
//! takes another's place under its name, with a file that vouches for it, and a run that the guard holds back. After each the
//! next start finds everything, no number is left out or given twice, and at rest the partner holds what he should.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use nattpost::edges::store::ledger::{RunState, Side};
use nattpost::flows::outbound::Ask;
use nattpost::model::feed::{Feed, Replace, Since};
use nattpost::model::rules::guard::Limit;

use crate::bench::{Bench, tried};
use crate::mirror::{Mirror, delta};

const FOLDER: &str = "NATTPOST_TEST_FOLDER";
const GUARDED: &str = "NATTPOST_TEST_GUARDED";
/// More calls than there are, so that a loop that never ends is noticed.
const CALLS_MAX: usize = 500;

fn changes(guarded: bool) -> Feed {
    let mut feed = delta(Since::LastDelivered, Replace::Unsent);
    feed.done_suffix = Some(".done".to_string());
    if guarded {
        feed.limits.deletes = vec![Limit::parse("20 %").unwrap()];
    }
    feed
}

/// What the process does that is killed: a start, a file of changes, the next look. Errors are met as the loop meets them.
#[test]
#[ignore = "run by the tests below in a process of its own"]
fn one_turn_of_changes() {
    let folder = std::env::var(FOLDER).expect("run by the tests below");
    let feed = changes(std::env::var_os(GUARDED).is_some());
    let Ok(mut bench) = Bench::on(Path::new(&folder)) else { return };
    bench.later(7_200);
    for _ in 0..2 {
        let mut dispatch = bench.dispatch();
        let turn = dispatch
            .recover(&[])
            .and_then(|()| dispatch.send(&feed, &Ask::request()))
            .and_then(|_| dispatch.look_at_pick_up());
        if turn.is_ok() {
            return;
        }
    }
}

fn turn(folder: &Path, fault: &str, guarded: bool) -> ExitStatus {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["kill_changes::one_turn_of_changes", "--exact", "--ignored"]);
    command.env("NATTPOST_FAULT", fault).env(FOLDER, folder);
    if guarded {
        command.env(GUARDED, "1");
    }
    command.output().unwrap().status
}

/// He has taken number 1, and number 2 waits for him; since then A1 is what he holds again, and A3 is new. Guarded: half of what he
/// holds is gone.
fn prepared(guarded: bool) -> Mirror {
    let mut mirror = Mirror::new(changes(guarded));
    mirror.say("A1", "0", "1");
    mirror.say("A2", "0", "1");
    mirror.send(false);
    mirror.take_all();
    mirror.bench.later(3_600);
    if guarded {
        mirror.say("A1", "0", "0");
    } else {
        mirror.say("A1", "0", "2");
        mirror.send(false);
        mirror.say("A1", "0", "1");
        mirror.say("A3", "0", "5");
    }
    mirror.bench.later(3_600);
    mirror
}

/// The fault at its call, and the next start. Tells whether the process was killed.
fn survives(fault: &str, guarded: bool) -> bool {
    let mut mirror = prepared(guarded);
    let status = turn(&mirror.bench.folder, fault, guarded);
    let killed = status.signal() == Some(9);
    assert!(killed || status.success(), "{fault}: {status}");

    mirror.bench.restart();
    mirror.bench.dispatch().recover(&[]).unwrap();
    mirror.send(false);
    mirror.bench.dispatch().look_at_pick_up().unwrap();
    assert!(mirror.bench.files("staged").is_empty(), "{fault}");
    let runs = mirror.bench.runs();
    if guarded {
        let lock = mirror.bench.store.read().unwrap().lock_of(Side::Out, "dealer", "stock").unwrap().expect(fault);
        let locked: Vec<_> = runs.iter().filter(|run| run.state == RunState::Locked).collect();
        assert_eq!((locked.len(), Some(locked[0].no)), (1, lock.run), "{fault}");
        assert_eq!(mirror.bench.files("held/out"), [format!("dealer/{}~stock.xml", locked[0].id)], "{fault}");
        assert!(mirror.bench.files("out").is_empty(), "{fault}");
    } else {
        assert_eq!(mirror.bench.files("out"), ["dealer/delta_2.xml", "dealer/delta_2.xml.done"], "{fault}");
        let ready: Vec<_> = runs.iter().filter(|run| run.state == RunState::Ready).collect();
        assert_eq!((ready.len(), ready[0].number, ready[0].placed), (1, 2, true), "{fault}: {ready:?}");
        let xml = mirror.bench.text("out/dealer/delta_2.xml");
        assert_eq!(ready[0].hash, blake3::hash(xml.as_bytes()).as_bytes(), "{fault}");
    }
    mirror.rest();
    mirror.check();
    assert!(mirror.bench.files("out").is_empty() && mirror.bench.files("held/out").is_empty(), "{fault}");
    let mut numbers: Vec<u64> =
        mirror.bench.runs().iter().filter(|run| run.state == RunState::Sent).map(|run| run.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2], "{fault}");
    killed
}

fn whenever_killed(guarded: bool) {
    let kills = tried(CALLS_MAX, 2).take_while(|call| survives(&format!("kill@{call}"), guarded)).count();
    println!("{kills} kills");
    assert!((4..tried(CALLS_MAX, 2).count()).contains(&kills), "{kills} kills");
}

fn whichever_call_fails(guarded: bool) {
    let mirror = prepared(guarded);
    let list = mirror.bench.folder.join("calls");
    assert!(turn(&mirror.bench.folder, &format!("count@{}", list.display()), guarded).success());
    let calls = std::fs::read_to_string(list).unwrap().lines().count();
    assert!(calls >= 20, "{calls} calls");
    for (turn, fault) in ["fail", "full"].into_iter().enumerate() {
        tried(calls, turn).for_each(|call| _ = survives(&format!("{fault}@{call}"), guarded));
    }
}

#[test]
fn a_run_takes_anothers_place_whenever_the_process_is_killed() {
    whenever_killed(false);
}

#[test]
fn a_run_takes_anothers_place_whichever_call_fails() {
    whichever_call_fails(false);
}

#[test]
fn a_locked_run_is_held_once_whenever_the_process_is_killed() {
    whenever_killed(true);
}

#[test]
fn a_locked_run_is_held_once_whichever_call_fails() {
    whichever_call_fails(true);
}
