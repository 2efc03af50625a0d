//! The program over the scripted server, the other way: what is brought is brought once and whole, or somebody is asked.

use super::collected::{Night, order, said};
use super::files_in;

const FEED: &str = "[feed.orders]\nlayout = \"nattpost-order-xml\"\nfile_name = \"orders_{run}.xml\"\nto = \"ftp:out\"\non_registration = true\n";
const NAME: &str = "orders_000001.xml";

/// One order that comes from the server's folder `in` and goes to its folder `out`.
pub fn night(script: &str) -> Night {
    let night = Night::new(script, "");
    let shop = night.here.join("partners/shop.toml");
    let text = std::fs::read_to_string(&shop).unwrap();
    std::fs::write(&shop, text + FEED).unwrap();
    night.put("orders.csv", &order("O-1"));
    night
}

impl Night {
    fn brought(&self) -> Vec<String> {
        files_in(&self.there.join("out")).into_iter().map(|(name, _)| String::from_utf8(name).unwrap()).collect()
    }

    fn state(&self) -> String {
        let store = rusqlite::Connection::open(self.here.join("nattpost.db")).unwrap();
        store.query_row("SELECT state FROM run", [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn orders_are_brought_to_a_server_under_their_own_name_when_they_are_whole() {
    let night = night("");
    let output = night.run();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!((night.brought(), night.state().as_str()), (vec![NAME.to_owned()], "sent"), "{}", said(&output));
    let log = night.double.log();
    let place =
        |words: &str| log.iter().position(|line| line.contains(words)).unwrap_or_else(|| panic!("{words}: {log:?}"));
    assert!(place("STOR orders_000001.xml.") < place(".part -> 213"), "its size is asked for before it gets its name");
    assert!(place(".part -> 213") < place("RNTO orders_000001.xml ->"));
}

/// Acknowledged, and kept in half: it never gets its name, and goes out whole once the server is well.
#[test]
fn a_stump_never_gets_the_final_name() {
    let night = night("on STOR keep 100 \"226 kept\"");
    let output = night.run();
    assert!(said(&output).contains("says 226 and keeps 100 of "), "{}", said(&output));
    assert_ne!(night.state(), "sent");
    assert!(!night.brought().contains(&NAME.to_owned()), "{:?}", night.brought());
    assert_eq!(night.double.calls("RNTO"), 1, "the claim's and no other");
    night.double.become_another("");
    let again = night.patient_run();
    assert_eq!((night.brought(), night.state().as_str()), (vec![NAME.to_owned()], "sent"), "{again}");
}

/// It was renamed and nobody heard: what stands there says so, and it is not sent again.
#[test]
fn a_rename_whose_answer_was_lost_is_found_done() {
    let night = night("on RNTO 2 lose-answer");
    let first = night.run();
    let again = night.patient_run();
    assert_eq!((night.brought(), night.state().as_str()), (vec![NAME.to_owned()], "sent"), "{} {again}", said(&first));
    assert_eq!(night.double.calls("STOR"), 1, "{:?}", night.double.log());
}

/// The server does not rename over a name, so the old one was put aside; the answer to the last rename was lost.
#[test]
fn an_old_one_that_was_put_aside_does_not_stay_when_the_line_breaks() {
    let night = night("set keep-old\non RNTO 4 lose-answer");
    std::fs::write(night.there.join("out").join(NAME), "an older file").unwrap();
    let first = night.run();
    assert!(night.brought().iter().any(|name| name.ends_with(".old")), "{:?} {}", night.brought(), said(&first));
    let again = night.patient_run();
    assert_eq!((night.brought(), night.state().as_str()), (vec![NAME.to_owned()], "sent"), "{} {again}", said(&first));
    assert_eq!(night.double.calls("STOR"), 1, "{:?}", night.double.log());
}

/// The old one was put aside, and neither the new one nor the old one could take the place again. A person ends it: the partner gets
/// back what he had.
#[test]
fn an_old_one_goes_back_when_its_run_is_dropped() {
    let night = night("set keep-old\non RNTO 4 reply \"553 no\"\non RNTO 5 reply \"553 no\"");
    std::fs::write(night.there.join("out").join(NAME), "an older file").unwrap();
    let first = said(&night.run());
    assert!(!night.brought().contains(&NAME.to_owned()) && night.brought().len() == 2, "{:?} {first}", night.brought());
    night.double.become_another("");
    let store = rusqlite::Connection::open(night.here.join("nattpost.db")).unwrap();
    let run: String = store.query_row("SELECT run_id FROM run", [], |row| row.get(0)).unwrap();
    drop(store);
    let dropped = said(&night.command(&["discard", &run]).output().unwrap());
    let again = night.patient_run();
    let there = files_in(&night.there.join("out"));
    assert_eq!(there, [(NAME.into(), b"an older file".to_vec())], "{dropped} {again} {:#?}", night.double.log());
}

/// Nothing else is left to be done there when the orders are composed.
#[test]
fn one_run_brings_what_its_last_files_brought_about() {
    let night = Night::new("", "claim = \"look\"\nafter = \"keep\"");
    let shop = night.here.join("partners/shop.toml");
    let text = std::fs::read_to_string(&shop).unwrap();
    std::fs::write(&shop, text + FEED).unwrap();
    night.put("orders.csv", &order("O-1"));
    let output = night.run();
    assert_eq!((night.brought(), night.state().as_str()), (vec![NAME.to_owned()], "sent"), "{}", said(&output));
}

/// While a carrier waits for a server, and while a run waits for the one before it, nobody turns round and round.
#[test]
fn the_program_sleeps_while_a_server_lets_it_wait() {
    let night = night("on MLSD delay 300ms\non STOR reply \"552 no room\"");
    let shop = night.here.join("partners/shop.toml");
    let text = std::fs::read_to_string(&shop).unwrap();
    let kept = "[intake.kept]\nfrom = \"ftp:out\"\nclaim = \"look\"\nafter = \"keep\"\nmatch = \"*.csv\"\nsettle = \"rename\"\n\
                layouts = [\"nattpost-order-csv\"]\ncustomers = \"accept\"\narticles = \"accept\"\n";
    std::fs::write(&shop, format!("{text}{kept}")).unwrap();
    std::fs::write(night.there.join("out/kept.csv"), order("O-2")).unwrap();
    let list = night.here.join("calls");
    let mut daemon = night.command(&["run"]);
    daemon.env("NATTPOST_FAULT", format!("count@{}", list.display())).stderr(std::process::Stdio::null());
    let mut daemon = daemon.spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    let store = rusqlite::Connection::open(night.here.join("nattpost.db")).unwrap();
    let runs: u32 =
        store.query_row("SELECT count(*) FROM run WHERE state = 'delivering'", [], |row| row.get(0)).unwrap();
    assert!(runs > 0 && night.double.calls("MLSD") > 1, "{runs} {:?}", night.double.log());
    let calls = std::fs::read_to_string(list).unwrap();
    assert!(calls.lines().count() < 2_000, "{} calls", calls.lines().count());
}

/// It was renamed, nobody heard, and the partner took it at once: nobody knows, so orders wait for a person.
#[test]
fn orders_that_may_have_arrived_wait_for_a_person() {
    let night = night(&format!("on RNTO 2 lose-answer\non USER 2 take out/{NAME}"));
    let first = said(&night.run());
    let again = night.patient_run();
    assert!((first.clone() + &again).contains("delivery-unknown"), "{first} {again}");
    night.patient_run();
    assert_eq!(night.double.calls("STOR"), 1, "never sent a second time by itself");
    assert!(night.brought().is_empty() && night.state() != "sent");
}
