//! The program over a scripted server that is wrong about single files: one that cannot be had, or not be brought, stops none of
//! the others, is told, and is never asked for without a pause.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::collected::{Night, order, said};
use super::files_in;

impl Night {
    /// One run that has to come to its end by itself: what it said, or nothing.
    fn run_within(&self, seconds: u64) -> Option<String> {
        let log = self.here.join("said");
        let file = std::fs::File::create(&log).unwrap();
        let mut run = self.command(&["run", "--once"]);
        let mut run = run.stdout(Stdio::null()).stderr(file).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(seconds);
        while run.try_wait().unwrap().is_none() {
            if Instant::now() > until {
                run.kill().unwrap();
                run.wait().unwrap();
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(std::fs::read_to_string(&log).unwrap())
    }
}

/// Its listing has the name in other letters than its other commands understand: listed, and yet not there.
#[test]
fn a_name_that_is_listed_and_not_understood_is_told_and_left() {
    for intake in ["", "claim = \"look\"", "claim = \"look\"\nafter = \"keep\""] {
        let script: String = ["RNFR", "SIZE", "MDTM", "RETR", "DELE"]
            .map(|verb| format!("on {verb}:/in/M\u{fc}ller.csv reply \"550 no such file\"\n"))
            .concat();
        let night = Night::new(&script, intake);
        night.put("M\u{fc}ller.csv", &order("O-1"));
        night.put("A.csv", &order("O-2"));
        night.put("orders.csv", &order("O-3"));
        let told =
            night.run_within(20).unwrap_or_else(|| panic!("{intake}: without an end: {}", night.double.log().len()));
        assert_eq!(night.orders(), ["O-2", "O-3"], "{intake}: {told}");
        let listed = night.double.calls("MLSD");
        assert!(listed < 6, "{intake}: {listed} listings");
        assert!(told.contains("M\u{fc}ller.csv"), "{intake}: {told}");
        let status = said(&night.command(&["explain", "M\u{fc}ller.csv"]).output().unwrap());
        assert!(status.contains("cannot be fetched"), "{intake}: {status}");
    }
}

/// SIZE is not for the sort of transfer, MDTM not for us, and its list is one that nobody can read: that every question says 550
/// does not mean that there is nothing.
#[test]
fn a_server_that_says_550_to_every_question_is_emptied() {
    let list = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        list.path(),
        "\r\nDirectory SYS$SYSDEVICE:[SHOP.IN]\r\n\r\nORDERS.CSV;1  1/3  22-NOV-2026 08:30:00\r\n",
    )
    .unwrap();
    let script = format!(
        "on MLSD reply \"500 what?\"\non LIST listing \"{}\"\non SIZE reply \"550 SIZE not allowed in ASCII\"\non MDTM reply \"550 no\"",
        list.path().display()
    );
    for intake in ["", "claim = \"look\""] {
        let night = Night::new(&script, intake);
        std::fs::create_dir(night.there.join("in/below")).unwrap();
        night.put("orders.csv", &order("O-1"));
        let mut told = night.run_within(20).unwrap_or_else(|| panic!("without an end: {:#?}", night.double.log()));
        told += &night.patient_run();
        assert_eq!(night.orders(), ["O-1"], "{intake}: {told} {:#?}", night.double.log());
        assert!(!night.double.log().iter().any(|line| line.contains("RNFR below")), "{:#?}", night.double.log());
    }
}

/// Who is not answered when he says good-bye goes all the same.
#[test]
fn a_farewell_without_an_answer_is_not_waited_for() {
    for script in ["on QUIT silence", "on QUIT drip 300ms", "on QUIT reset"] {
        let night = Night::new(script, "");
        night.put("orders.csv", &order("O-1"));
        let begun = Instant::now();
        let told = night.run_within(20).unwrap_or_else(|| panic!("{script}: without an end"));
        // A run takes a part of a second; the time-out is five.
        assert!(begun.elapsed() < Duration::from_secs(4), "{script}: {:?} {told}", begun.elapsed());
        assert!(
            night.orders() == ["O-1"] && !told.contains("failed") && night.double.calls("QUIT") == 1,
            "{script}: {told}"
        );
    }
}

/// A size that the bytes never have (counted with other line ends): not taken, told with the server's name, never removed.
#[test]
fn a_size_that_never_comes_true_is_told() {
    let night = Night::new("on SIZE reply \"213 121\"", "claim = \"look\"");
    night.put("orders.csv", &order("O-1"));
    let told = night.run_within(20).unwrap();
    assert!(night.orders().is_empty() && night.double.calls("DELE") == 0, "{told}");
    let words =
        format!("127.0.0.1:{}, read \\\"orders.csv\\\": it gives 116 bytes and says it has 121", night.double.port);
    assert!(told.contains(&words), "{words}: {told}");
}

/// A server without MLSD, LIST, SIZE and MDTM: what is a folder is found out before anything is renamed.
#[test]
fn a_folder_is_never_taken_for_a_file() {
    for (facts, intake) in [
        ("on SIZE reply \"502 no\"\non MDTM reply \"502 no\"\n", ""),
        ("on SIZE reply \"502 no\"\non MDTM reply \"502 no\"\n", "claim = \"look\""),
        ("on SIZE reply \"550 no\"\non MDTM:/in/below reply \"213 20261122083000\"\n", ""),
    ] {
        let script = format!("on MLSD reply \"500 what?\"\non LIST reply \"502 not here\"\n{facts}");
        let night = Night::new(&script, intake);
        std::fs::create_dir(night.there.join("in/below")).unwrap();
        std::fs::write(night.there.join("in/below/theirs.csv"), "x").unwrap();
        night.put("orders.csv", &order("O-2"));
        let told = night.run_within(20).unwrap_or_else(|| panic!("without an end: {:#?}", night.double.log()));
        assert_eq!(night.orders(), ["O-2"], "{facts}: {told} {:#?}", night.double.log());
        assert!(night.there.join("in/below/theirs.csv").exists(), "{facts}: {:#?}", night.double.log());
        assert!(!night.double.log().iter().any(|line| line.contains("RNFR below")), "{:#?}", night.double.log());
    }
}

/// One file at which the server always fails, the first of them: those behind it come all the same.
#[test]
fn one_file_that_always_breaks_off_keeps_no_other() {
    for (what, intake) in [
        ("data 10 cut reply \"426 cut\"", "claim = \"look\""),
        ("reply \"451 cannot read my disk\"", "claim = \"look\""),
        ("reply \"421 bye\" close", "claim = \"look\""),
    ] {
        let night = Night::new(&format!("on RETR:/in/a.csv {what}\n"), intake);
        for name in ["a", "b", "c"] {
            night.put(&format!("{name}.csv"), &order(name));
        }
        let mut told = String::new();
        for _ in 0..4 {
            told += &night.run_within(20).unwrap_or_else(|| panic!("{what}: without an end"));
        }
        assert_eq!(night.orders(), ["b", "c"], "{what}: {told} {:#?}", night.double.log());
    }
}

/// The same of what is brought.
#[test]
fn one_file_that_is_never_brought_keeps_no_other() {
    let night = Night::new("on STOR 1 reply \"421 bye\" close", "");
    feeds(&night, &["a", "b"]);
    night.put("orders.csv", &order("O-1"));
    let told = night.run_within(20).unwrap();
    assert_eq!(files_in(&night.there.join("out")).len(), 1, "{told} {:#?}", night.double.log());
    assert_eq!(night.double.calls("STOR"), 2, "one rests, the other is brought at once");
    night.run_within(20).unwrap();
    assert_eq!(files_in(&night.there.join("out")).len(), 2);
}

/// A server that hangs up after each file that it was brought: slow, and yet all of them come.
#[test]
fn a_server_that_hangs_up_after_each_upload_gets_all() {
    let night = Night::new("on STOR hang-up", "");
    feeds(&night, &["a", "b", "c", "d"]);
    night.put("orders.csv", &order("O-1"));
    let told = night.run_within(20).unwrap();
    assert_eq!(files_in(&night.there.join("out")).len(), 4, "{told} {:#?}", night.double.log());
}

fn feeds(night: &Night, names: &[&str]) {
    let shop = night.here.join("partners/shop.toml");
    let mut text = std::fs::read_to_string(&shop).unwrap();
    for name in names {
        text += &format!(
            "[feed.{name}]\nlayout = \"nattpost-order-csv\"\nfile_name = \"{name}_{{run}}.csv\"\nto = \"ftp:out\"\non_registration = true\n"
        );
    }
    std::fs::write(&shop, text).unwrap();
}

/// Some do not say that a password is wrong, but hang up: after the third time that is tried as rarely as a refusal.
#[test]
fn a_login_that_is_always_cut_is_tried_rarely() {
    let night = Night::new("on PASS reply \"\" close", "");
    night.double.become_another("on PASS lose-answer");
    for tries in 1..=6 {
        night.run_within(20).unwrap();
        assert_eq!(night.double.calls("PASS"), tries.min(3), "a run after a run");
    }
}
