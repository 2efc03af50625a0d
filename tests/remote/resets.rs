//! The program over the scripted server whose control connection is reset, as by a firewall or a machine that is started anew:
//! before a command is carried out, after it, and behind its answer, which is then lost as well. Orders come once and go out once.

use std::collections::BTreeMap;

use super::brought;
use super::collected::{order, said};
use super::files_in;

/// At each step where what was asked for may have happened or not; a run that was cut goes on by itself.
#[test]
fn a_reset_at_any_step_loses_and_doubles_nothing() {
    // The last claim and the name of a delivery, the last removal, an upload, a fetch: where doubt can be.
    let steps = ["PASS 1", "RNFR 2", "RNTO 1", "RNTO 2", "RNTO 3", "SIZE 1", "RETR 2", "DELE 1", "DELE 2", "STOR 1"];
    std::thread::scope(|scope| {
        for way in ["reset", "done reset", "answered reset"] {
            scope.spawn(move || steps.iter().for_each(|step| cut_at(&format!("on {step} {way}"))));
        }
    });
}

fn cut_at(script: &str) {
    let night = brought::night(script);
    night.put("b.csv", &order("O-2"));
    let mut told = said(&night.run());
    let is_done = || night.names_there().is_empty() && counts(&files_in(&night.there.join("out"))) == [1, 1];
    for _ in 0..3 {
        if !is_done() {
            told += &night.patient_run();
        }
    }
    let out = files_in(&night.there.join("out"));
    let was_reset = night.double.log().iter().any(|line| line.ends_with("-> reset"));
    assert!(was_reset, "{script}: {:#?}", night.double.log());
    assert!(is_done(), "{script}: {:?} {:?}\n{told}\n{:#?}", night.names_there(), counts(&out), night.double.log());
    assert_eq!(night.orders(), ["O-1", "O-2"], "{script}: {told}");
    assert!(!told.contains("level=error") || told.contains("127.0.0.1:"), "{script}: {told}");
}

/// How often each order was brought.
fn counts(files: &[(Vec<u8>, Vec<u8>)]) -> [usize; 2] {
    let text: BTreeMap<_, _> = files.iter().map(|(name, bytes)| (name, String::from_utf8_lossy(bytes))).collect();
    ["O-1", "O-2"].map(|number| text.values().map(|text| text.matches(&format!(">{number}<")).count()).sum())
}
