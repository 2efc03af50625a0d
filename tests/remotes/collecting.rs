//! Files in from a remote: by claim and by look, with done-files, kept, moved, replaced; killed and failing at every call that
//! has to do with it.

use super::place::{Place, calls, each, order, some_of};

const INTAKE: &str = "[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\ncustomers = \"accept\"\narticles = \"accept\"\n\
                      from = \"drop:/out\"\n";
/// What a crash can come between.
const MATTER: [&str; 12] = [
    "remote.",
    "store.see_remote",
    "store.mark_taken",
    "store.forget_collected",
    "store.commit",
    "store.begin",
    "store.set_remote",
    "spool.park",
    "spool.create",
    "spool.sync",
    "spool.rename",
    "store.unclaim",
];

/// In the everyday loop.
const ONE_OF: usize = 7;

fn place(more: &str) -> Place {
    Place::new(&format!("{INTAKE}{more}\n"))
}

fn three(place: &Place) {
    for number in ["a", "b", "c"] {
        place.put(&format!("there/out/{number}.csv"), &order(number));
    }
}

/// Applied once, judged once, nothing half done anywhere.
fn all_taken(place: &Place, expected: &[&str]) -> Result<(), String> {
    let applied = place.rows("SELECT buyer_order_no FROM v_order ORDER BY buyer_order_no");
    let files = place.rows("SELECT name, state, verdict FROM file ORDER BY name");
    let judged: Vec<String> = expected.iter().map(|name| format!("{name}.csv|judged|accepted")).collect();
    let left: Vec<String> = ["work", "tmp", "in"].into_iter().flat_map(|state| place.spool(state)).collect();
    let owed = place.rows("SELECT file_no, state, name FROM collect");
    if applied != expected || files != judged || !left.is_empty() || !owed.is_empty() {
        return Err(format!("applied {applied:?}, files {files:?}, left {left:?}, owed {owed:?}"));
    }
    Ok(())
}

#[test]
fn what_stands_there_is_taken_and_removed() {
    let place = place("settle = \"rename\"");
    three(&place);
    place.put("there/out/.hidden", "x");
    place.put("there/out/x.part", "x");
    let told = place.run(None);
    assert_eq!(told.code, Some(0), "{}", told.text);
    all_taken(&place, &["a", "b", "c"]).unwrap();
    assert_eq!(place.there("out").keys().collect::<Vec<_>>(), [".hidden", "x.part"]);
    assert_eq!(place.rows("SELECT DISTINCT origin FROM file"), ["shop/drop:/out"]);
}

fn through_every_call(more: &'static str, prepare: fn(&Place), check: fn(&Place) -> Result<(), String>) {
    let begun = place(more);
    // What makes the database has been through loops of its own.
    assert_eq!(begun.run(None).code, Some(0));
    prepare(&begun);
    through(&begun, ONE_OF, before_the_restart, check);
}

/// Runs until a kill or a fault at each call, then to the end, twice: nothing is lost, doubled or half. `lost`: before the restart.
pub fn through(
    begun: &Place,
    one_of: usize,
    lost: fn(&Place) -> Result<(), String>,
    check: fn(&Place) -> Result<(), String>,
) {
    let sample = begun.copy();
    let calls = calls(&sample, &MATTER);
    check(&sample).unwrap();
    assert!(calls.len() > 20, "{calls:?}");
    for (turn, how) in ["kill", "fail"].into_iter().enumerate() {
        each(&some_of(&calls, one_of, turn), |call| {
            let place = begun.copy();
            let first = place.run(Some(&format!("{how}@{call}")));
            if how == "kill" && first.code.is_some() {
                return Err(format!("was not reached: {}", first.text));
            }
            let nothing_lost = lost(&place);
            nothing_lost.map_err(|lost| format!("{how}: {lost}\n{}", first.text))?;
            let told = place.run(None);
            if told.code != Some(0) {
                return Err(format!("{how}: the next run ended with {:?}\n{}\n{}", told.code, first.text, told.text));
            }
            check(&place).map_err(|words| format!("{how}: {words}\n{}\n{}", first.text, told.text))?;
            let again = place.run(None);
            check(&place).map_err(|words| format!("{how}, once more: {words}\n{}", again.text))
        });
    }
}

/// Whatever is gone there has a committed verdict: a removal comes after it, never before.
fn before_the_restart(place: &Place) -> Result<(), String> {
    let there = place.there("out");
    let moved = place.there("done");
    for name in ["a", "b", "c"] {
        let content = order(name);
        let is_there = there.values().chain(moved.values()).any(|found| *found == content);
        let sql = format!("SELECT count(*) FROM file WHERE name = '{name}.csv' AND state = 'judged'");
        if !is_there && place.rows(&sql) != ["1"] {
            return Err(format!("{name}.csv is gone, and no verdict speaks of it; there: {there:?}"));
        }
    }
    Ok(())
}

fn gone_and_taken(place: &Place) -> Result<(), String> {
    all_taken(place, &["a", "b", "c"])?;
    let left = place.there("out");
    if left.is_empty() { Ok(()) } else { Err(format!("still there: {:?}", left.keys())) }
}

#[test]
fn by_claim_nothing_is_lost_or_doubled_at_any_call() {
    through_every_call("settle = \"rename\"", three, gone_and_taken);
}

#[test]
fn by_look_nothing_is_lost_or_doubled_at_any_call() {
    through_every_call("settle = \"rename\"\nclaim = \"look\"", three, gone_and_taken);
}

#[test]
fn moved_aside_nothing_is_lost_or_doubled_at_any_call() {
    fn check(place: &Place) -> Result<(), String> {
        gone_and_taken(place)?;
        let moved: Vec<String> = place.there("done").into_keys().collect();
        if moved == ["a.csv", "b.csv", "c.csv"] { Ok(()) } else { Err(format!("moved: {moved:?}")) }
    }
    through_every_call("settle = \"rename\"\nafter = \"move /done\"", three, check);
}

#[test]
fn with_done_files_nothing_is_lost_or_doubled_at_any_call() {
    fn prepare(place: &Place) {
        three(place);
        for name in ["a", "b", "c"] {
            place.put(&format!("there/out/{name}.csv.done"), "");
        }
    }
    through_every_call("settle = \"done-file .done\"\nmatch = \"*.csv\"", prepare, gone_and_taken);
}

#[test]
fn a_done_file_is_moved_aside_under_its_own_name() {
    let place = place("settle = \"done-file .done\"\nmatch = \"*.csv\"\nafter = \"move /done\"");
    place.put("there/out/a.csv", &order("a"));
    place.put("there/out/a.csv.done", "");
    let told = place.run(None);
    assert_eq!(told.code, Some(0), "{}", told.text);
    assert_eq!(place.there("done").into_keys().collect::<Vec<_>>(), ["a.csv", "a.csv.done"]);
    assert!(place.there("out").is_empty());
}

#[test]
fn kept_files_are_taken_once_and_again_only_when_they_change() {
    fn check(place: &Place) -> Result<(), String> {
        all_taken(place, &["a", "b", "c"])?;
        let left = place.there("out").len();
        if left == 3 { Ok(()) } else { Err(format!("{left} are there")) }
    }
    through_every_call("settle = \"rename\"\nafter = \"keep\"", three, check);
    let place = place("settle = \"rename\"\nafter = \"keep\"");
    three(&place);
    place.run(None);
    place.put_now("there/out/a.csv", &order("d"));
    place.run(None);
    assert_eq!(place.rows("SELECT count(*) FROM v_order"), ["4"]);
    // An empty listing of a mount that failed does not make everything new again.
    std::fs::rename(place.at("there/out"), place.at("there/aside")).unwrap();
    std::fs::create_dir(place.at("there/out")).unwrap();
    place.run(None);
    std::fs::remove_dir(place.at("there/out")).unwrap();
    std::fs::rename(place.at("there/aside"), place.at("there/out")).unwrap();
    let told = place.run(None);
    assert_eq!(place.rows("SELECT count(*) FROM file"), ["4"], "{}", told.text);
}

fn mark(place: &Place) -> String {
    std::fs::read_to_string(place.at("spool/.mark")).unwrap().trim().to_string()
}

#[test]
fn claims_of_ours_are_taken_up_and_those_of_another_are_left() {
    let place = place("settle = \"rename\"");
    three(&place);
    place.run(None);
    let (mark, id) = (mark(&place), place.rows("SELECT file_id FROM file WHERE name = 'a.csv'").remove(0));
    // Of a ledger that we do not have; of a file whose verdict stands; of another Nattpost.
    place.put(&format!("there/out/0000000000000~d.csv.{mark}.taken"), &order("d"));
    place.put(&format!("there/out/{id}~a.csv.{mark}.taken"), &order("a"));
    let other = if mark == "zzzzz" { "yyyyy" } else { "zzzzz" };
    place.put(&format!("there/out/{id}~b.csv.{other}.taken"), &order("b"));
    let told = place.run(None);
    assert_eq!(told.code, Some(0), "{}", told.text);
    assert!(told.text.contains("remote-name-odd"), "{}", told.text);
    assert_eq!(place.rows("SELECT buyer_order_no FROM v_order ORDER BY 1"), ["a", "b", "c", "d"]);
    assert_eq!(place.rows("SELECT count(*) FROM file"), ["4"]);
    assert_eq!(place.there("out").into_keys().collect::<Vec<_>>(), [format!("{id}~b.csv.{other}.taken")]);
}

#[test]
fn a_file_that_is_gone_before_it_is_fetched_has_vanished() {
    let place = place("settle = \"rename\"");
    three(&place);
    assert_eq!(place.run(Some("kill@remote.ask")).code, None);
    std::fs::remove_file(place.at("there/out/b.csv")).unwrap();
    let told = place.run(None);
    assert_eq!(told.code, Some(0), "{}", told.text);
    let states = place.rows("SELECT name, state FROM file ORDER BY name");
    assert_eq!(states, ["a.csv|judged", "b.csv|vanished", "c.csv|judged"], "{}", told.text);
    assert_eq!(place.rows("SELECT count(*) FROM collect"), ["0"]);
}

/// Replaced after it was fetched: what stands there then is another file, and none of it is lost.
#[test]
fn by_look_a_file_that_was_replaced_meanwhile_is_taken_as_well() {
    let place = place("settle = \"rename\"\nclaim = \"look\"");
    place.put("there/out/a.csv", &order("a"));
    // Its verdict is committed, its removal has not been asked.
    let list = place.at("calls");
    let probe = Place::new(&format!("{INTAKE}settle = \"rename\"\nclaim = \"look\"\n"));
    probe.put("there/out/a.csv", &order("a"));
    probe.run(Some(&format!("count@{}", list.display())));
    let calls = std::fs::read_to_string(&list).unwrap();
    let asked = calls.lines().filter(|line| line.ends_with(" remote.ask")).count();
    // The last but one question is the look before the removal, the last the removal.
    assert_eq!(place.run(Some(&format!("kill@remote.ask/{}", asked - 1))).code, None);
    assert_eq!(place.rows("SELECT state FROM collect"), ["taken"]);
    place.put_now("there/out/a.csv", &order("b"));
    let told = place.run(None);
    assert_eq!(told.code, Some(0), "{}", told.text);
    assert!(told.text.contains("file-kept-there"), "{}", told.text);
    let again = place.run(None);
    assert_eq!(place.rows("SELECT buyer_order_no FROM v_order ORDER BY 1"), ["a", "b"], "{}{}", told.text, again.text);
    assert!(place.there("out").is_empty());
}

#[test]
fn a_file_without_its_end_keeps_its_name_until_it_is_whole() {
    let place = place("settle = \"stable 2 s\"");
    let whole = order("a");
    place.put("there/out/a.csv", &whole[..whole.len() - 1]);
    let told = place.run(None);
    assert_eq!(told.code, Some(75), "{}", told.text);
    assert!(told.text.contains("file-incomplete"), "{}", told.text);
    assert_eq!(place.there("out").into_keys().collect::<Vec<_>>(), ["a.csv"]);
    place.put("there/out/a.csv", &whole);
    let told = place.run(None);
    assert_eq!(told.code, Some(0), "{}", told.text);
    all_taken(&place, &["a"]).unwrap();
    assert!(place.there("out").is_empty());
}

#[test]
fn a_folder_that_is_missing_there_is_told_and_the_others_go_on() {
    let more = "settle = \"rename\"\n[intake.late]\nlayouts = [\"nattpost-order-csv\"]\nfrom = \"drop:/late\"\nsettle = \"rename\"\n\
                customers = \"accept\"\narticles = \"accept\"";
    let place = place(more);
    three(&place);
    let told = place.run(None);
    assert_eq!(told.code, Some(75), "{}", told.text);
    assert!(told.text.contains("remote-failed") && told.text.contains("/late"), "{}", told.text);
    all_taken(&place, &["a", "b", "c"]).unwrap();
    let status = place.command(&["status"], None);
    assert!(status.code.is_some());
    std::fs::create_dir(place.at("there/late")).unwrap();
    let told = place.run(None);
    assert_eq!(told.code, Some(0), "{}", told.text);
}
