//! A partner who is not live, and a remote of his: in test he is answered and nothing is applied, in shadow his remote is only
//! read; killed and failing at every call, no business row of a rehearsed file is ever there.

use std::fs;

use super::place::{Place, calls, calls_of, each, order, some_of};

const PARTS: &str = "[remote.drop]\nkind = \"folder\"\npath = \"there\"\n\
    [intake.orders]\nlayouts = [\"nattpost-order-csv\"]\ncustomers = \"accept\"\narticles = \"accept\"\nsettle = \"rename\"\nfrom = \"drop:/out\"\n\
    receipt = \"nattpost-receipt-csv\"\nreceipt_to = \"drop:/in\"\n\
    [feed.orders]\nlayout = \"nattpost-order-csv\"\nfile_name = \"orders_{run:1}.csv\"\nto = \"drop:/in\"\n";
const MATTER: [&str; 8] =
    ["remote.", "store.", "spool.park", "spool.create", "spool.sync", "spool.rename", "spool.unnamed", "spool.remove"];

fn place(mode: &str) -> Place {
    let place = Place::new("");
    set(&place, mode);
    place
}

fn set(place: &Place, mode: &str) {
    fs::write(place.at("partners/shop.toml"), format!("name = \"Shop\"\nmode = \"{mode}\"\n{PARTS}")).unwrap();
}

/// Two good ones, and one with a line that is none.
fn three(place: &Place) {
    place.put("there/out/a.csv", &order("a"));
    place.put("there/out/b.csv", &order("b"));
    place.put("there/out/bad.csv", &format!("{}order;c;1001\nline;1;A1;two\n", order("d")));
}

fn no_business_row(place: &Place) -> Result<(), String> {
    for (what, sql) in [
        ("orders", "SELECT count(*) FROM orders"),
        ("outbox", "SELECT count(*) FROM change"),
        ("exported", "SELECT count(*) FROM run_request"),
        ("waiting", "SELECT count(*) FROM message WHERE waits_kind IS NOT NULL"),
        ("written", "SELECT count(*) FROM file WHERE rows_written > 0"),
    ] {
        let found = place.rows(sql);
        if found != ["0"] {
            return Err(format!("{what}: {found:?}"));
        }
    }
    Ok(())
}

fn rehearsed(place: &Place, mode: &str) -> Result<(), String> {
    no_business_row(place)?;
    let number = if mode == "test" { 1 } else { 2 };
    let files = place.rows("SELECT name, verdict, accepted, refused, rehearsed FROM file ORDER BY name");
    let expected: Vec<String> = ["a.csv|accepted|1|0", "b.csv|accepted|1|0", "bad.csv|accepted|1|1"]
        .map(|row| format!("{row}|{number}"))
        .to_vec();
    let listed = place.rows("SELECT f.name, m.number, m.verdict FROM message m JOIN file f USING (file_no)");
    let left: Vec<String> = ["work", "tmp", "in", "staged"].into_iter().flat_map(|state| place.spool(state)).collect();
    let runs = place
        .rows("SELECT count(*), count(DISTINCT file_no), min(state), max(state) FROM run WHERE reason = 'receipt'");
    if files != expected || listed != ["bad.csv|2|refused"] || !left.is_empty() || runs != ["3|3|sent|sent"] {
        return Err(format!("files {files:?}, listed {listed:?}, left {left:?}, receipts {runs:?}"));
    }
    let (there, brought) = (place.there("out").len(), place.there("in").len());
    let expected = if mode == "test" { (0, 3) } else { (3, 0) };
    if (there, brought) != expected {
        return Err(format!("{there} of his are there and {brought} of ours"));
    }
    let held = place.spool("held/out").len();
    if held == if mode == "test" { 0 } else { 3 } { Ok(()) } else { Err(format!("{held} in held/out")) }
}

/// In the everyday loop.
const ONE_OF: usize = 9;

fn through_every_call(mode: &'static str) {
    // What makes the database has been through its own loop.
    let begun = place(mode);
    begun.run(None);
    three(&begun);
    let sample = begun.copy();
    let calls = calls(&sample, &MATTER);
    rehearsed(&sample, mode).unwrap();
    assert!(calls.len() > 40, "{calls:?}");
    for (turn, how) in ["kill", "fail"].into_iter().enumerate() {
        each(&some_of(&calls, ONE_OF, turn), |call| {
            let place = begun.copy();
            let first = place.run(Some(&format!("{how}@{call}")));
            if how == "kill" && first.code.is_some() {
                return Err(format!("was not reached: {}", first.text));
            }
            no_business_row(&place).map_err(|words| format!("{how}: {words}\n{}", first.text))?;
            let told = place.run(None);
            if told.code != Some(0) {
                return Err(format!("{how}: the next run ended with {:?}\n{}\n{}", told.code, first.text, told.text));
            }
            rehearsed(&place, mode).map_err(|words| format!("{how}: {words}\n{}\n{}", first.text, told.text))
        });
    }
}

#[test]
fn in_test_no_call_that_ends_the_process_leaves_a_row() {
    through_every_call("test");
}

#[test]
fn in_shadow_no_call_that_ends_the_process_leaves_a_row_or_touches_his_remote() {
    through_every_call("shadow");
}

/// More than is kept in memory: the reject is whole all the same.
#[test]
fn a_rehearsed_file_with_many_flaws_has_a_whole_reject() {
    const BAD: usize = 1_500;
    let place = place("test");
    let lines: String = (0..BAD).map(|n| format!("order;N{n};1001\nline;1;A1;two\n")).collect();
    place.put("there/out/many.csv", &format!("{}{lines}", order("good")));
    let told = place.run(None);
    assert!(told.text.contains("accepted=1 refused=1500 mode=test"), "{}", told.text);
    no_business_row(&place).unwrap();
    assert_eq!(
        place.rows("SELECT count(*), count(DISTINCT number), min(length(problems)) > 2 FROM message"),
        ["1500|1500|1"]
    );
    assert_eq!(place.rows("SELECT code, count FROM problem_count"), ["quantity-invalid|1500"]);
    let reject = place.spool("failed").into_iter().find(|path| path.ends_with(".reject")).unwrap();
    let reject = fs::read_to_string(reject).unwrap();
    assert_eq!(reject.matches("line;1;A1;two").count(), BAD);
    assert!(!reject.contains("order;good"));
}

/// Live again: what was only read there stays, and is neither applied nor taken by itself.
#[test]
fn what_was_rehearsed_from_a_remote_waits_for_a_person() {
    let place = place("shadow");
    three(&place);
    place.run(None);
    rehearsed(&place, "shadow").unwrap();
    let checked = place.command(&["check", "--connect"], None);
    let looks = checked.text.contains("The partner's mode is shadow: nothing is written, renamed or removed there");
    assert!(checked.code == Some(0) && looks && !checked.text.contains("read back"), "{}", checked.text);
    // The old way goes on; one that was not rehearsed is his first in earnest.
    fs::remove_file(place.at("there/out/a.csv")).unwrap();
    place.put("there/out/e.csv", &order("e"));
    set(&place, "live");
    let told = place.run(None);
    assert!(told.code == Some(0) && told.text.contains("file-accepted"), "{}", told.text);
    assert_eq!(place.rows("SELECT buyer_order_no FROM v_order"), ["e"]);
    assert_eq!(place.there("out").keys().collect::<Vec<_>>(), ["b.csv", "bad.csv"]);
    let status = place.command(&["status"], None).text;
    assert!(status.contains("! shop/orders: 3 files were only rehearsed; nattpost retry --rehearsed --partner shop/orders applies them, "), "{status}");

    let retried = place.command(&["retry", "--rehearsed"], None);
    assert!(retried.text.contains("3 file(s): 3 accepted, 1 refused"), "{}", retried.text);
    let told = place.run(None);
    assert_eq!(told.code, Some(0), "{}", told.text);
    assert_eq!(place.rows("SELECT buyer_order_no FROM v_order ORDER BY 1"), ["a", "b", "d", "e"]);
    // Now that they are applied, they are taken from there, as what was had before.
    assert!(place.there("out").is_empty(), "{}", told.text);
    assert_eq!(
        place.rows("SELECT name, verdict FROM file WHERE file_no > 4 ORDER BY 1"),
        ["b.csv|duplicate", "bad.csv|refused"]
    );
}

/// A file under way there when its partner goes from live to shadow: it is applied and leaves, or rehearsed and stays under its own
/// name, whatever was done to it before.
#[test]
fn what_was_begun_in_earnest_is_left_there_in_shadow() {
    let live = place("live");
    live.run(None);
    live.put("there/out/a.csv", &order("a"));
    let calls = calls(&live.copy(), &["remote.", "store.commit", "spool.park"]);
    assert!(calls.len() >= 6, "{calls:?}");
    each(&calls, |call| {
        let place = live.copy();
        let first = place.run(Some(&format!("kill@{call}")));
        set(&place, "shadow");
        let told = [place.run(None), place.run(None)].map(|run| run.text).concat();
        let there: Vec<String> = place.there("out").into_keys().collect();
        let files = place.rows("SELECT name, rehearsed FROM file");
        let expected = if place.rows("SELECT count(*) FROM orders") == ["1"] {
            (vec![], vec!["a.csv|0".to_string()])
        } else {
            (vec!["a.csv".to_string()], vec!["a.csv|2".to_string()])
        };
        let open = place.rows("SELECT count(*) FROM collect");
        if (there, files) == expected && open == ["0"] {
            return Ok(());
        }
        let stands = (place.there("out"), place.rows("SELECT name, rehearsed, state FROM file"));
        Err(format!("{stands:?} instead of {expected:?}\n{}\n{told}", first.text))
    });
}

/// A kill in the middle of applying what was rehearsed: each is applied once.
#[test]
fn what_was_rehearsed_is_applied_once_whenever_the_process_is_killed() {
    let rehearsed = place("test");
    three(&rehearsed);
    rehearsed.run(None);
    set(&rehearsed, "live");
    let sample = rehearsed.copy();
    let calls = calls_of(&sample, &["retry", "--rehearsed"], &[""]);
    assert!(calls.len() > 30, "{calls:?}");
    each(&some_of(&calls, ONE_OF, 0), |call| {
        let place = rehearsed.copy();
        let first = place.command(&["retry", "--rehearsed"], Some(&format!("kill@{call}")));
        place.run(None);
        // Where it died before the command stood in the spool, nothing was asked for.
        let told = place.command(&["retry", "--rehearsed"], None);
        let applied = place.rows("SELECT buyer_order_no FROM v_order ORDER BY 1");
        let files = place.rows("SELECT name, verdict, rehearsed FROM file ORDER BY name");
        if applied == ["a", "b", "d"] && files == ["a.csv|accepted|0", "b.csv|accepted|0", "bad.csv|accepted|0"] {
            return Ok(());
        }
        Err(format!("{applied:?} {files:?}\n{}\n{}", first.text, told.text))
    });
}
