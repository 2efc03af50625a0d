//! The quick form of the kill loop for the everyday tests: kills and failures at some of the calls of every evening. The whole
//! loop, and what else is tried, are in tests/rigs (docs/crash.md says what each proves).

use std::path::Path;
use std::process::Command;

/// Every so many calls: under ten seconds. A prime, so that loops of calls are met at different places.
const STEP: &str = "61";

#[test]
fn killed_or_failing_at_some_of_the_calls_every_promise_holds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if Command::new("python3").arg("--version").output().is_err() {
        println!("SKIPPED: the kill loop needs python3");
        return;
    }
    let done = Command::new("python3")
        .arg(root.join("tests/rigs/kill_loop.py"))
        .args(["--modes", "kill,twice,full", "--jobs", "2", "--step", STEP])
        .env("NATTPOST_BIN", env!("CARGO_BIN_EXE_nattpost"))
        .output()
        .expect("python3 was there a moment ago");
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}");
    assert!(said.contains("kill loop:"), "{said}");
    println!("{said}");
}
