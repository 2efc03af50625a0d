//! A daemon that was asleep, or a feed that was paused, over two due times: what each setting of `missed` makes of them.

use std::fs;
use std::path::Path;
use std::process::Command;

use chrono::{TimeDelta, Utc};
use rusqlite::Connection;

struct Site(tempfile::TempDir);

impl Site {
    /// Three feeds whose due time was an hour ago.
    fn new() -> Site {
        let site = Site(tempfile::tempdir().unwrap());
        site.write("nattpost.toml", "company = \"Asleep\"\nspool = \"spool\"\nstore = \"n.db\"\nzone = \"UTC\"\n");
        let due = (Utc::now() - TimeDelta::hours(1)).format("%-M %-H * * *").to_string();
        let mut partner =
            "name = \"P\"\n[intake.stock]\nlayouts = [\"nattpost-stock-csv\"]\nsettle = \"rename\"\narticles = \"accept\"\n"
                .to_string();
        for missed in ["once", "each", "skip"] {
            partner.push_str(&format!(
                "[feed.{missed}]\nlayout = \"nattpost-stock-csv\"\nfile_name = \"{missed}_{{run}}.csv\"\nschedule = \"{due}\"\nmissed = \"{missed}\"\n"
            ));
        }
        site.write("partners/p.toml", &partner);
        site.write("spool/in/p/stock/stock.csv", "nattpost;stock;1\n!stock;article_no;warehouse;qty\nstock;A1;01;25\n");
        site
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn nattpost(&self, words: &[&str]) -> String {
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_nattpost")));
        command.arg("--config").arg(self.0.path().join("nattpost.toml")).args(words).env_remove("NATTPOST_FAULT");
        let done = command.output().unwrap();
        let told = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{words:?}: {told}");
        told
    }

    /// As if nothing had run for so long.
    fn asleep(&self, hours: i64) {
        let store = Connection::open(self.0.path().join("n.db")).unwrap();
        let since = (Utc::now() - TimeDelta::hours(hours)).format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        assert_eq!(store.execute("UPDATE due SET handled = ?1", [since]).unwrap(), 3);
    }

    /// The partner takes all that is there; how many files of each feed.
    fn taken(&self) -> String {
        let folder = self.0.path().join("spool/out/p");
        let mut names: Vec<String> =
            fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.iter().for_each(|name| fs::remove_file(folder.join(name)).unwrap());
        names.sort();
        let feeds: Vec<&str> = names.iter().map(|name| name.split('_').next().unwrap()).collect();
        feeds.join(" ")
    }
}

#[test]
fn missed_due_times_are_run_once_each_or_skipped_and_told() {
    let site = Site::new();
    site.nattpost(&["run", "--once"]);
    assert_eq!(site.taken(), "", "a new feed begins when it is first seen");
    site.asleep(26);
    let told = site.nattpost(&["run", "--once"]);
    assert_eq!(site.taken(), "each each once");
    assert!(told.contains("due-skipped partner=p feed=skip count=2"), "{told}");
    assert_eq!(told.matches("due-skipped").count(), 1, "{told}");
    let told = site.nattpost(&["run", "--once"]);
    assert_eq!((site.taken().as_str(), told.contains("due-skipped")), ("", false), "{told}");
}

#[test]
fn due_times_of_a_pause_count_as_missed_when_it_ends() {
    let site = Site::new();
    site.nattpost(&["run", "--once"]);
    site.nattpost(&["pause", "p", "--comment", "stocktaking"]);
    site.asleep(26);
    let told = site.nattpost(&["run", "--once"]);
    assert_eq!((site.taken().as_str(), told.contains("due-skipped")), ("", false), "{told}");
    let status = site.nattpost(&["status"]);
    assert!(status.contains("all of p is paused since") && status.contains(": stocktaking"), "{status}");
    assert!(!status.contains("LATE"), "{status}");
    site.nattpost(&["resume", "p"]);
    let told = site.nattpost(&["run", "--once"]);
    assert_eq!(site.taken(), "each each once");
    assert!(told.contains("due-skipped partner=p feed=skip count=2"), "{told}");
}
