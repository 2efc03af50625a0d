//! The clock of the machine set forward and back under a running daemon: what comes due is made once, a clock that goes back keeps
//! neither a feed nor a notice waiting for the hours that it went back. The daemon's own calls are answered with another time by a
//! few lines of C in front of the C library, since the clock of the machine belongs to everybody on it. Skipped, with a line, without `cc`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};

const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t which, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int said = real(which, at);
    if (which == CLOCK_REALTIME) {
        char text[32] = {0};
        int file = open(getenv("CLOCK_SET"), O_RDONLY | O_CLOEXEC);
        if (file >= 0) {
            if (read(file, text, sizeof text - 1) > 0) at->tv_sec += atol(text);
            close(file);
        }
    }
    return said;
}
"#;
const PATIENCE: Duration = Duration::from_secs(60);
const THREE_HOURS_S: i64 = 3 * 3_600;

struct Site {
    folder: tempfile::TempDir,
    daemon: Child,
}

impl Site {
    fn start(shim: &Path, folder: tempfile::TempDir) -> Site {
        let at = |name: &str| folder.path().join(name);
        fs::write(at("clock"), "0").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
        command.arg("run").current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
        command.env_remove("NATTPOST_CONFIG").env_remove("NATTPOST_FAULT").env_remove("NOTIFY_SOCKET");
        command.env("LD_PRELOAD", shim).env("CLOCK_SET", at("clock")).stderr(fs::File::create(at("log")).unwrap());
        let daemon = command.spawn().unwrap();
        let site = Site { folder, daemon };
        site.wait_for("it runs", || site.log().contains("daemon-started"));
        site
    }

    /// A reload makes it look at once instead of within a minute; forward: when this returns it has looked.
    fn set_clock(&self, seconds: i64) {
        let set = (Utc::now() + TimeDelta::seconds(seconds)).timestamp_millis();
        fs::write(self.folder.path().join("new"), seconds.to_string()).unwrap();
        fs::rename(self.folder.path().join("new"), self.folder.path().join("clock")).unwrap();
        let loaded = self.log().matches("config-loaded").count();
        kill_process(Pid::from_child(&self.daemon), Signal::HUP).unwrap();
        self.wait_for("it has loaded", || self.log().matches("config-loaded").count() > loaded);
        let looked = format!("SELECT 'yes' FROM high_water WHERE name = 'awake' AND value >= {set}");
        self.wait_for("it has looked", || self.ask(&looked) == "yes");
    }

    fn drop_in(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join("aside"), text).unwrap();
        fs::rename(self.folder.path().join("aside"), self.folder.path().join("spool/in/p/stock").join(name)).unwrap();
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    fn ask(&self, sql: &str) -> String {
        let store = Connection::open(self.folder.path().join("nattpost.db")).unwrap();
        store.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap_or_default()
    }

    fn files(&self) -> usize {
        fs::read_dir(self.folder.path().join("spool/out/p")).map_or(0, |files| files.count())
    }

    fn wait_for(&self, what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < end, "still not: {what}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

fn shim(folder: &Path) -> Option<PathBuf> {
    let (source, built) = (folder.join("clock.c"), folder.join("clock.so"));
    fs::write(&source, SHIM).unwrap();
    let done = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&built).arg(&source).arg("-ldl").status();
    done.is_ok_and(|status| status.success()).then_some(built)
}

#[test]
fn a_clock_set_forward_and_back_keeps_nothing_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let Some(shim) = shim(folder.path()) else {
        println!("skipped: there is no cc here, or nothing that can be put in front of its C library");
        return;
    };
    fs::create_dir(folder.path().join("partners")).unwrap();
    let company = "company = \"Clock\"\nzone = \"UTC\"\ndisk_floor = \"off\"\n[notices.board]\ncommand = [\"/bin/true\"]\ngather = \"0 s\"\n";
    fs::write(folder.path().join("nattpost.toml"), company).unwrap();
    // Once a day, in two hours.
    let due = (Utc::now() + TimeDelta::hours(2)).format("%-M %-H * * *").to_string();
    let partner = format!(
        "name = \"P\"\n[intake.stock]\nlayouts = [\"nattpost-stock-csv\"]\nsettle = \"rename\"\narticles = \"accept\"\n\
         [feed.stock]\nlayout = \"nattpost-stock-csv\"\nfile_name = \"s_{{run}}.csv\"\nreplace = \"never\"\nschedule = \"{due}\"\n"
    );
    fs::write(folder.path().join("partners/p.toml"), partner).unwrap();
    let site = Site::start(&shim, folder);
    site.drop_in("a.csv", "nattpost;stock;1\n!stock;article_no;warehouse;qty\nstock;A1;01;25\n");
    site.wait_for("the stock is there", || site.log().contains("file-accepted"));
    site.set_clock(1);
    assert_eq!(site.files(), 0);

    // Forward: what came due meanwhile is made, once.
    site.set_clock(THREE_HOURS_S);
    site.wait_for("the feed that came due", || site.files() == 1);
    // A refused file: told when it has lasted five minutes.
    site.drop_in("bad.csv", "x");
    site.wait_for("it is refused", || site.log().contains("file-refused"));
    site.set_clock(THREE_HOURS_S + 1);
    let told = "SELECT coalesce(told_at, 'untold') FROM problem WHERE kind = 'files-refused'".to_string();
    site.wait_for("it is a problem", || site.ask(&told) == "untold");

    // Back: the problem is told now and not in three hours, its letter leaves, and the feed comes due once more in its time.
    site.set_clock(0);
    site.wait_for("the problem is told", || site.log().contains("kind=files-refused"));
    site.wait_for("its letter has left", || {
        site.ask("SELECT state FROM notice ORDER BY notice_no DESC LIMIT 1") == "sent"
    });
    let handled = site.ask("SELECT handled FROM due");
    assert!(handled.parse::<chrono::DateTime<Utc>>().unwrap() <= Utc::now(), "the feed waits since {handled}");
    assert_eq!(site.files(), 1);
    site.set_clock(THREE_HOURS_S);
    site.wait_for("the feed that came due again", || site.files() == 2);
}
