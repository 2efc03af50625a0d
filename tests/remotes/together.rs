//! Two files at a remote that are one arrival: both taken, both owed the same, or neither; whatever call the process dies at.

use std::fs;
use std::time::Duration;

use super::collecting::through;
use super::place::{Place, order};

const INTAKE: &str = "[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\ncustomers = \"accept\"\narticles = \"accept\"\n\
                      from = \"drop:/out\"\ncompanion = [\"{no}.csv\", \"{no}.pdf\"]\n";
/// In the everyday loop.
const ONE_OF: usize = 60;

fn place(more: &str) -> Place {
    let place = Place::new(&format!("{INTAKE}{more}\n"));
    assert_eq!(place.run(None).code, Some(0));
    place
}

fn paper(number: &str) -> String {
    format!("%PDF-1.4\norder {number}\n%%EOF\n")
}

fn two(place: &Place) {
    for number in ["a", "b"] {
        place.put(&format!("there/out/{number}.csv"), &order(number));
        place.put(&format!("there/out/{number}.pdf"), &paper(number));
    }
}

fn names(place: &Place, folder: &str) -> Vec<String> {
    place.there(folder).into_keys().collect()
}

/// Each pair is one file, applied once, kept with both its parts and the hash of each; nothing is half done.
fn both_taken(place: &Place) -> Result<(), String> {
    let applied = place.rows("SELECT buyer_order_no FROM v_order ORDER BY 1");
    let files = place.rows("SELECT name, state, verdict FROM file ORDER BY name");
    let parts = place.rows("SELECT p.name, hex(p.content_hash) FROM file_part p JOIN file USING (file_no) ORDER BY 1");
    let hash = |text: String| blake3::hash(text.as_bytes()).to_hex().to_uppercase();
    let wanted =
        ["a", "b"].map(|no| [format!("{no}.csv|{}", hash(order(no))), format!("{no}.pdf|{}", hash(paper(no)))]);
    let left: Vec<String> = ["work", "tmp", "in"].into_iter().flat_map(|state| place.spool(state)).collect();
    let owed = place.rows("SELECT file_no, nth, state, name FROM collect");
    let is_right = applied == ["a", "b"]
        && files == ["a.csv.zip|judged|accepted", "b.csv.zip|judged|accepted"]
        && parts == wanted.concat()
        && left.is_empty()
        && owed.is_empty()
        && place.spool("done").len() == 2;
    if is_right {
        return Ok(());
    }
    Err(format!("applied {applied:?}, files {files:?}, parts {parts:?}, left {left:?}, owed {owed:?}"))
}

/// Whatever is gone there has a committed verdict.
fn nothing_lost(place: &Place) -> Result<(), String> {
    let (there, moved) = (place.there("out"), place.there("done"));
    for number in ["a", "b"] {
        let has = |text: String| there.values().chain(moved.values()).any(|found| *found == text);
        let sql = format!("SELECT count(*) FROM file WHERE name = '{number}.csv.zip' AND state = 'judged'");
        if !(has(order(number)) && has(paper(number))) && place.rows(&sql) != ["1"] {
            return Err(format!("a file of {number} is gone, and no verdict speaks of it; there: {:?}", there.keys()));
        }
    }
    Ok(())
}

fn through_every_call(more: &str, check: fn(&Place) -> Result<(), String>) {
    let begun = place(more);
    two(&begun);
    through(&begun, ONE_OF, nothing_lost, check);
}

#[test]
fn by_claim_a_pair_stays_together_at_any_call() {
    through_every_call("settle = \"rename\"", |place| {
        both_taken(place)?;
        if place.there("out").is_empty() { Ok(()) } else { Err(format!("still there: {:?}", names(place, "out"))) }
    });
}

#[test]
fn by_look_and_moved_aside_a_pair_stays_together_at_any_call() {
    through_every_call("settle = \"rename\"\nclaim = \"look\"\nafter = \"move /done\"", |place| {
        both_taken(place)?;
        let moved = names(place, "done");
        let is_moved = moved == ["a.csv", "a.pdf", "b.csv", "b.pdf"] && place.there("out").is_empty();
        if is_moved { Ok(()) } else { Err(format!("moved: {moved:?}")) }
    });
}

#[test]
fn kept_a_pair_is_taken_once_at_any_call() {
    through_every_call("settle = \"rename\"\nafter = \"keep\"", |place| {
        both_taken(place)?;
        let left = names(place, "out");
        if left.len() == 4 { Ok(()) } else { Err(format!("there: {left:?}")) }
    });
}

/// One half of what stays there is replaced: the arrival is another, and is taken with the half that is as it was.
#[test]
fn kept_a_pair_of_which_one_half_changed_is_taken_anew() {
    let place = place("settle = \"rename\"\nafter = \"keep\"");
    two(&place);
    assert_eq!(place.run(None).code, Some(0));
    place.put_now("there/out/a.csv", &order("c"));
    let told = place.run(None);
    assert_eq!(place.rows("SELECT buyer_order_no FROM v_order ORDER BY 1"), ["a", "b", "c"], "{}", told.text);
    let files = place.rows("SELECT count(*), sum(verdict = 'accepted') FROM file");
    assert_eq!(files, ["3|3"], "{}", told.text);
    assert_eq!(place.rows("SELECT count(*) FROM file_part"), ["6"]);
    place.run(None);
    assert_eq!(place.rows("SELECT count(*) FROM file"), ["3"]);
}

#[test]
fn a_half_waits_for_the_other_over_restarts_and_is_refused_at_last() {
    let place = place("settle = \"rename\"\ncompanion_within = \"2 s\"");
    place.put("there/out/a.csv", &order("a"));
    let told = place.run(None);
    assert_eq!(told.code, Some(0), "{}", told.text);
    assert_eq!(
        (names(&place, "out"), place.rows("SELECT count(*) FROM file")),
        (vec!["a.csv".into()], vec!["0".into()])
    );
    let why = place.command(&["explain", "a.csv"], None).text;
    assert!(why.contains("waits for a.pdf, which is missing"), "{why}");
    // Within its time.
    place.put("there/out/a.pdf", &paper("a"));
    place.run(None);
    assert_eq!(place.rows("SELECT name, verdict FROM file"), ["a.csv.zip|accepted"]);
    assert_eq!(place.rows("SELECT count(*) FROM lone_there"), ["0"]);
    // And one that never gets it: the time of an earlier process counts, that of its last change begins it anew.
    place.put("there/out/b.pdf", &paper("b"));
    place.run(None);
    std::thread::sleep(Duration::from_millis(1300));
    place.put_now("there/out/b.pdf", &paper("b, again"));
    place.run(None);
    std::thread::sleep(Duration::from_millis(1300));
    place.run(None);
    assert_eq!(names(&place, "out"), ["b.pdf"]);
    std::thread::sleep(Duration::from_millis(900));
    let told = place.run(None);
    assert!(place.there("out").is_empty(), "{}", told.text);
    assert_eq!(place.rows("SELECT name, code FROM file WHERE name LIKE 'b%'"), ["b.pdf|companion-missing"]);
    place.run(None);
    assert_eq!(place.rows("SELECT count(*) FROM lone_there"), ["0"]);
}

/// Gone after it was listed: nothing of the arrival is taken, and the other half has its own name again and waits.
#[test]
fn a_half_that_is_gone_before_it_is_fetched_leaves_the_other_as_it_was() {
    for claimed in [false, true] {
        let place = place("settle = \"rename\"");
        place.put("there/out/a.csv", &order("a"));
        place.put("there/out/a.pdf", &paper("a"));
        let calls = super::place::calls(&place.copy(), &["remote."]);
        // The listing is the first question; the renames are the second.
        let at = calls.iter().position(|call| call == "remote.ask/2").map(|at| &calls[at + usize::from(claimed)][..]);
        assert_eq!(place.run(Some(&format!("kill@{}", at.unwrap()))).code, None);
        let pdf = names(&place, "out").into_iter().find(|name| name.contains("a.pdf")).unwrap();
        assert_eq!(pdf != "a.pdf", claimed, "{pdf} {calls:?}");
        fs::remove_file(place.at("there/out").join(pdf)).unwrap();
        let told = place.run(None);
        assert_eq!(told.code, Some(0), "{}", told.text);
        assert_eq!(place.rows("SELECT name, state FROM file"), ["a.csv.zip|vanished"], "{}", told.text);
        assert_eq!(names(&place, "out"), ["a.csv"], "{}", told.text);
        assert_eq!(place.rows("SELECT count(*) FROM collect"), ["0"]);
        place.put("there/out/a.pdf", &paper("a"));
        let told = place.run(None);
        assert_eq!(place.rows("SELECT buyer_order_no FROM v_order"), ["a"], "{}", told.text);
        assert!(place.there("out").is_empty());
    }
}

/// A half that is replaced between the fetch and the removal stays, and is a new arrival.
#[test]
fn by_look_a_half_that_was_replaced_meanwhile_stays() {
    let rule = "settle = \"rename\"\nclaim = \"look\"";
    let place = place(rule);
    place.put("there/out/a.csv", &order("a"));
    place.put("there/out/a.pdf", &paper("a"));
    assert_eq!(place.run(Some("kill@store.mark_taken")).code, None);
    // Fetched; its verdict is committed by the next run, after which the other half is another file.
    let calls = super::place::calls(&place.copy(), &["remote."]);
    assert_eq!(place.run(Some(&format!("kill@{}", calls[0]))).code, None);
    assert_eq!(place.rows("SELECT nth, state FROM collect ORDER BY 1"), ["1|taken", "2|taken"]);
    place.put_now("there/out/a.pdf", &paper("b"));
    let told = place.run(None);
    assert!(told.text.contains("file-kept-there") && told.text.contains("a.pdf"), "{}", told.text);
    assert_eq!(place.there("out").into_iter().collect::<Vec<_>>(), [("a.pdf".to_string(), paper("b"))]);
    assert_eq!(place.rows("SELECT count(*) FROM collect"), ["0"]);
    place.put("there/out/a.csv", &order("b"));
    let told = place.run(None);
    assert_eq!(place.rows("SELECT buyer_order_no FROM v_order ORDER BY 1"), ["a", "b"], "{}", told.text);
    assert!(place.there("out").is_empty());
}

/// Claims of a database that we do not have are paired by what their sender called them; those of an arrival that was closed
/// get their names back.
#[test]
fn claims_of_pairs_are_taken_up() {
    let place = place("settle = \"rename\"");
    let mark = fs::read_to_string(place.at("spool/.mark")).unwrap().trim().to_string();
    place.put(&format!("there/out/0000000000000~a.csv.{mark}.taken"), &order("a"));
    place.put(&format!("there/out/0000000000000~a.pdf.{mark}.taken"), &paper("a"));
    let told = place.run(None);
    assert_eq!(told.code, Some(0), "{}", told.text);
    assert_eq!(place.rows("SELECT buyer_order_no FROM v_order"), ["a"], "{}", told.text);
    assert_eq!(place.rows("SELECT name FROM file"), ["a.csv.zip"]);
    assert!(place.there("out").is_empty());
    // Judged, and a removal was lost.
    let id = place.rows("SELECT file_id FROM file").remove(0);
    place.put(&format!("there/out/{id}~a.pdf.{mark}.taken"), &paper("a"));
    let told = place.run(None);
    assert!(place.there("out").is_empty(), "{}", told.text);
    assert_eq!(place.rows("SELECT count(*) FROM file"), ["1"]);
    // Closed as vanished, and one of them stands there under our name all the same.
    place.put("there/out/b.csv", &order("b"));
    place.put("there/out/b.pdf", &paper("b"));
    assert_eq!(place.run(Some("kill@remote.ask/2")).code, None);
    let id = place.rows("SELECT file_id FROM file WHERE name = 'b.csv.zip'").remove(0);
    for name in names(&place, "out") {
        fs::remove_file(place.at("there/out").join(name)).unwrap();
    }
    place.run(None);
    place.put(&format!("there/out/{id}~b.csv.{mark}.taken"), &order("b"));
    let told = place.run(None);
    assert_eq!(names(&place, "out"), ["b.csv"], "{}", told.text);
    place.put("there/out/b.pdf", &paper("b"));
    let told = place.run(None);
    assert_eq!(place.rows("SELECT buyer_order_no FROM v_order ORDER BY 1"), ["a", "b"], "{}", told.text);
}
