//! A daemon that was asleep, or a feed that was paused, over two due times: what each setting of `missed` makes of them.

use std::fs;
use std::path::Path;
use std::process::Command;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc, Weekday};
use rusqlite::Connection;

struct Site(tempfile::TempDir);

fn stored(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

impl Site {
    /// Three feeds whose due time was an hour ago.
    fn new() -> Site {
        Site::with("UTC", &(Utc::now() - TimeDelta::hours(1)).format("%-M %-H * * *").to_string())
    }

    fn with(zone: &str, due: &str) -> Site {
        let site = Site(tempfile::tempdir().unwrap());
        let company = format!("company = \"Asleep\"\nspool = \"spool\"\nstore = \"n.db\"\nzone = \"{zone}\"\n");
        site.write("nattpost.toml", &company);
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
        self.asleep_since(Utc::now() - TimeDelta::hours(hours));
    }

    fn asleep_since(&self, since: DateTime<Utc>) {
        let store = Connection::open(self.0.path().join("n.db")).unwrap();
        assert_eq!(store.execute("UPDATE due SET handled = ?1", [stored(since)]).unwrap(), 3);
    }

    /// The due times that runs of a feed were made for.
    fn made_for(&self, feed: &str) -> Vec<String> {
        let store = Connection::open(self.0.path().join("n.db")).unwrap();
        let mut question = store.prepare("SELECT due_at FROM run WHERE feed = ?1 ORDER BY run_no").unwrap();
        question.query_map([feed], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
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

/// When the clocks of the European Union changed last in March or October: 01:00 UTC of its last Sunday.
fn last_change(month: u32, now: DateTime<Utc>) -> DateTime<Utc> {
    let of_year = |year: i32| {
        let last = NaiveDate::from_ymd_opt(year, month, 31).unwrap();
        let sunday = last.week(Weekday::Sun).first_day();
        sunday.and_hms_opt(1, 0, 0).unwrap().and_utc()
    };
    let this = of_year(now.year());
    if this <= now { this } else { of_year(now.year() - 1) }
}

/// Due times around 02:30 in a night whose 02:30 is not there, or is there twice: each is caught up on for its instant.
#[test]
fn a_night_in_which_the_clock_changes_is_caught_up_on_by_its_instants() {
    let now = Utc::now();
    // Month, pattern, and the due times in minutes from the change.
    let nights: [(u32, &str, &[i64]); 4] = [
        (3, "30 1,2,3 * 3 SUN#L", &[-30, 30]),
        (3, "30 2 * 3 SUN#L", &[0]),
        (10, "30 1,2,3 * 10 SUN#L", &[-90, -30, 30, 90]),
        (10, "30 2 * 10 SUN#L", &[-30]),
    ];
    for (month, pattern, minutes) in nights {
        let change = last_change(month, now + TimeDelta::hours(3));
        if now < change + TimeDelta::hours(3) {
            println!("SKIPPED: {pattern}: this is the night itself");
            continue;
        }
        let site = Site::with("Europe/Stockholm", pattern);
        site.nattpost(&["run", "--once"]);
        site.asleep_since(change - TimeDelta::hours(12));
        let told = site.nattpost(&["run", "--once"]);
        let due: Vec<String> = minutes.iter().map(|minutes| stored(change + TimeDelta::minutes(*minutes))).collect();
        assert_eq!(site.made_for("each"), due, "{pattern}");
        assert_eq!(site.made_for("once"), due[due.len() - 1..], "{pattern}");
        assert!(site.made_for("skip").is_empty(), "{pattern}");
        let skipped = format!("due-skipped partner=p feed=skip count={}", due.len());
        assert!(told.contains(&skipped), "{pattern}: {told}");
        assert_eq!(site.taken(), format!("{}once", "each ".repeat(due.len())), "{pattern}");
        site.nattpost(&["run", "--once"]);
        assert_eq!(site.taken(), "", "{pattern}: handled once");
    }
}
