//! Commands keep their order, whatever cannot be read for a moment.

use chrono::Utc;
use nattpost::edges::clock::new_id;
use nattpost::edges::spool::Spool;
use nattpost::flows::commands::{Command, Verb, hand_over};
use nattpost::model::pause::Subject;

use super::delivering::STOCK;
use super::place::{Place, calls, each};

fn give(place: &Place, verbs: Vec<Verb>) {
    let spool = Spool::open(&place.at("spool")).unwrap();
    for verb in verbs {
        let at = Utc::now();
        let command = Command { id: new_id(at).unwrap(), verb, who: "a".into(), at, comment: String::new() };
        hand_over(&spool, &command).unwrap();
    }
}

fn subjects() -> Vec<Subject> {
    vec![Subject::Partner("shop".into())]
}

/// Turned round, the pause would hold.
fn paused_and_resumed() -> Place {
    let place = Place::new(STOCK);
    assert_eq!(place.run(None).code, Some(0));
    give(&place, vec![Verb::Pause { subjects: subjects() }, Verb::Resume { subjects: subjects() }]);
    place
}

#[test]
fn a_command_that_cannot_be_read_for_a_moment_keeps_its_place() {
    let prepared = paused_and_resumed();
    let calls = calls(&prepared.copy(), &["spool.open"]);
    assert!(calls.len() >= 2, "{calls:?}");
    let told = std::sync::Mutex::new(0);
    each(&calls, |call| {
        let place = prepared.copy();
        let first = place.run(Some(&format!("fail@{call}")));
        place.run(None);
        let (paused, done) = (place.rows("SELECT count(*) FROM pause"), place.rows("SELECT verb FROM command"));
        *told.lock().unwrap() += u32::from(first.text.contains("wait for it, 30 s at most"));
        if paused == ["0"] && done == ["pause", "resume"] {
            return Ok(());
        }
        Err(format!("paused {paused:?}, carried out {done:?}\n{}", first.text))
    });
    assert_eq!(*told.lock().unwrap(), 2, "each was unreadable once, and that was told");
}

/// What a person alone can mend holds nobody up, and one run that ends says so.
#[test]
fn one_that_cannot_be_read_as_it_is_holds_nobody_back() {
    let place = paused_and_resumed();
    let commands = place.at("spool/commands");
    let mut names: Vec<_> = std::fs::read_dir(&commands).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    std::fs::write(&names[0], "x".repeat(2 << 20)).unwrap();
    let told = place.run(None);
    assert_eq!(told.code, Some(75), "{}", told.text);
    assert!(told.text.contains("go on without it") && told.text.contains("that command waits"), "{}", told.text);
    assert_eq!(place.rows("SELECT verb FROM command"), ["resume"]);
}
