//! What a supervisor is told; here the test is the supervisor. Ready only when what the last run left is put right, a sign of life
//! as long as the loop goes on and not longer, a reload told from its begin to its end, a stop.

use std::fs;
use std::io::{Read, Seek};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Anything that is waited for; on a busy machine a start takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

const SHOP: &str = "name = \"Shop\"\n[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nsettle = \"rename\"\n\
                    customers = \"accept\"\narticles = \"accept\"\n";
const HEAD: &str = "nattpost;order;1\n!order;buyer_order_no;customer_no\n!line;line_no;article_no;qty;unit\n";

struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("partners")).unwrap();
        let site = Site { folder };
        site.configure("company = \"Nordkap\"\n");
        fs::write(site.root().join("partners/shop.toml"), SHOP).unwrap();
        site
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn configure(&self, text: &str) {
        fs::write(self.root().join("nattpost.toml"), text).unwrap();
    }

    /// Moved in whole.
    fn order(&self, name: &str, orders: usize) {
        let mut text = HEAD.to_string();
        for number in 0..orders {
            text.push_str(&format!("order;{name}-{number};1001\nline;1;A1;1;PCE\n"));
        }
        let aside = self.root().join("aside");
        fs::write(&aside, text).unwrap();
        let inbox = self.root().join("spool/in/shop/orders");
        fs::create_dir_all(&inbox).unwrap();
        fs::rename(aside, inbox.join(name)).unwrap();
    }

    /// In done/ under the name it was dropped with.
    fn is_done(&self, name: &str) -> bool {
        let Ok(days) = fs::read_dir(self.root().join("spool/done/shop")) else { return false };
        days.flat_map(|day| fs::read_dir(day.unwrap().path()).unwrap())
            .any(|file| file.unwrap().file_name().to_string_lossy().ends_with(&format!("~{name}")))
    }
}

/// A running daemon, and what it tells its supervisor.
struct Watched {
    process: Child,
    socket: UnixDatagram,
    log: PathBuf,
}

impl Watched {
    fn start(site: &Site, watchdog: Option<Duration>, fault: Option<&str>) -> Watched {
        let path = site.root().join("notify.sock");
        let _ = fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        let log = site.root().join("log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
        command.arg("run").current_dir(site.root()).stdin(Stdio::null()).stdout(Stdio::null());
        command.env_remove("NATTPOST_CONFIG").env_remove("WATCHDOG_PID").env("NOTIFY_SOCKET", &path);
        command.stderr(fs::File::create(&log).unwrap());
        match watchdog {
            Some(watchdog) => command.env("WATCHDOG_USEC", watchdog.as_micros().to_string()),
            None => command.env_remove("WATCHDOG_USEC"),
        };
        if let Some(fault) = fault {
            command.env("NATTPOST_FAULT", fault);
        }
        Watched { process: command.spawn().unwrap(), socket, log }
    }

    /// The next thing it says, within a time.
    fn next(&self, patience: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(patience.max(Duration::from_millis(1)))).unwrap();
        let mut heard = [0; 4096];
        let count = self.socket.recv(&mut heard).ok()?;
        Some(String::from_utf8(heard[..count].to_vec()).unwrap())
    }

    /// All that is said until one of these lines is.
    fn until(&self, line: &str) -> Vec<String> {
        let (end, mut said) = (Instant::now() + PATIENCE, Vec::new());
        loop {
            match self.next(end.saturating_duration_since(Instant::now())) {
                None => panic!("never said {line:?}, only {said:?}; the log:\n{}", self.log()),
                Some(values) => {
                    let is_it = values.lines().any(|value| value == line);
                    said.push(values);
                    if is_it {
                        return said;
                    }
                }
            }
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.process.try_wait().unwrap() {
                Some(status) => return status,
                None => assert!(Instant::now() < end, "it has not ended; the log:\n{}", self.log()),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn wait_for(&self, what: &str, condition: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !condition() {
            assert!(Instant::now() < end, "still not: {what}; the log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn ready_only_when_what_the_last_run_left_is_put_right() {
    let site = Site::new();
    site.order("left.csv", 3);
    // It ends while the file is being read: the next start has to read it again.
    let mut killed = Watched::start(&site, None, Some("kill@spool.open"));
    assert!(!killed.ended().success());
    drop(killed);

    let hangs = Watched::start(&site, None, Some("hang@spool.open"));
    assert!(hangs.until("EXTEND_TIMEOUT_USEC=120000000").len() == 1);
    hangs.wait_for("the start has begun", || hangs.log().contains("daemon-started"));
    let said = hangs.next(Duration::from_millis(1500));
    assert_eq!(said, None, "before the file of the last run is read");
    drop(hangs);

    let mut well = Watched::start(&site, None, None);
    let said = well.until("READY=1");
    assert!(site.is_done("left.csv"), "{said:?}\n{}", well.log());
    well.signal(Signal::TERM);
    well.until("STOPPING=1");
    assert!(well.ended().success());
}

#[test]
fn a_reload_is_told_from_its_begin_to_its_end_whatever_it_finds() {
    let site = Site::new();
    let daemon = Watched::start(&site, None, None);
    daemon.until("READY=1");
    let reload = || {
        daemon.signal(Signal::HUP);
        let said = [daemon.until("RELOADING=1"), daemon.until("READY=1")];
        assert_eq!(said.map(|said| said.len()), [1, 1]);
    };
    site.configure("company = \"Nordkap\"\nspol = \"elsewhere\"\n");
    reload();
    assert!(daemon.log().contains("config-bad") && !daemon.log().contains("config-loaded"), "{}", daemon.log());
    site.configure("company = \"Nordkap\"\n");
    let more = SHOP.replace("[intake.orders]", "[intake.urgent]");
    fs::write(site.root().join("partners/shop.toml"), format!("{SHOP}{}", more.split_once('\n').unwrap().1)).unwrap();
    reload();
    assert!(daemon.log().contains("config-loaded"), "{}", daemon.log());
    assert!(site.root().join("spool/in/shop/urgent").is_dir());
    site.order("after.csv", 1);
    daemon.wait_for("a file after both", || site.is_done("after.csv"));
}

/// Alive while it is idle; silent once a file of so many orders is there.
fn falls_silent(fault: &str, orders: usize) {
    let (site, watchdog) = (Site::new(), Duration::from_secs(2));
    let daemon = Watched::start(&site, Some(watchdog), Some(fault));
    daemon.until("READY=1");
    for _ in 0..3 {
        assert_eq!(daemon.next(watchdog).as_deref(), Some("WATCHDOG=1"), "{}", daemon.log());
    }
    site.order("hangs.csv", orders);
    let mut said = 0;
    while daemon.next(watchdog).is_some() {
        said += 1;
        assert!(said < 20, "it goes on saying that it lives");
    }
    assert!(!site.is_done("hangs.csv"));
}

#[test]
fn signs_of_life_come_from_the_loop_alone() {
    // It never comes back from seeing the file.
    falls_silent("hang@store.see_file", 1);
}

/// The loop waits for the decoder, and looks up now and then: that is no progress.
#[test]
fn a_decoder_that_hangs_is_silent_too() {
    falls_silent("hang@spool.open", 5_000);
}

#[test]
fn a_long_file_is_no_silence() {
    let (site, watchdog) = (Site::new(), Duration::from_secs(2));
    let daemon = Watched::start(&site, Some(watchdog), None);
    daemon.until("READY=1");
    let began = Instant::now();
    site.order("long.csv", 250_000);
    let mut signs = 0;
    while !site.is_done("long.csv") {
        assert!(began.elapsed() < PATIENCE, "{}", daemon.log());
        let said = daemon.next(watchdog);
        assert_eq!(said.as_deref(), Some("WATCHDOG=1"), "after {signs} signs; the log:\n{}", daemon.log());
        signs += 1;
    }
    assert!(began.elapsed() > watchdog, "read too fast to show anything: {:?}", began.elapsed());
}

/// Without room for its database it waits, says so to the supervisor and by one letter, and begins when there is room.
#[test]
fn a_start_on_a_full_disk_waits_and_goes_on_by_itself() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can make a small file system");
        return;
    }
    let site = Site::new();
    let letters = site.root().join("letters");
    site.configure(&format!(
        "company = \"Nordkap\"\n[notices.ops]\ncommand = [\"/bin/sh\", \"-c\", \"cat >> {}\"]\n",
        letters.display()
    ));
    let small = site.root().join("small");
    fs::create_dir_all(small.join("partners")).unwrap();
    let socket_path = site.root().join("notify.sock");
    let socket = UnixDatagram::bind(&socket_path).unwrap();
    let log = site.root().join("log");
    // In a namespace of its own: the small file system goes with the process, whatever happens here.
    let script = "mount -t tmpfs -o size=8m small small && cp -r nattpost.toml partners small/ && \
                  { head -c 100000000 /dev/zero > small/ballast; exec \"$0\" --config small/nattpost.toml run; }";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", script, env!("CARGO_BIN_EXE_nattpost")]);
    command.current_dir(site.root()).env("NOTIFY_SOCKET", &socket_path).env_remove("NATTPOST_CONFIG");
    command.env_remove("WATCHDOG_USEC").stdin(Stdio::null()).stderr(fs::File::create(&log).unwrap());
    let mut daemon = Watched { process: command.spawn().unwrap(), socket, log };
    let full = daemon.until("EXTEND_TIMEOUT_USEC=120000000");
    assert_eq!(full.len(), 1);
    let waits = daemon.next(PATIENCE).unwrap_or_default();
    assert!(waits.starts_with("STATUS=Not started yet: ") && waits.contains("full"), "{waits}\n{}", daemon.log());
    assert_eq!(
        daemon.log().matches("waiting").count() + daemon.log().matches("disk-full").count(),
        1,
        "{}",
        daemon.log()
    );
    assert!(daemon.process.try_wait().unwrap().is_none(), "{}", daemon.log());
    let told = || fs::read_to_string(&letters).unwrap_or_default();
    daemon.wait_for("a letter", || told().contains("all-waits"));
    let inside = PathBuf::from(format!("/proc/{}/root", daemon.process.id())).join(small.strip_prefix("/").unwrap());
    fs::remove_file(inside.join("ballast")).unwrap();
    let said = daemon.until("READY=1");
    assert!(said.iter().filter(|said| said.starts_with("STATUS=Not")).count() < 8, "{said:?}");
    assert!(daemon.log().contains("-back"), "{}", daemon.log());
    // Commits go again: it is a problem like any other, of which people were told.
    daemon.wait_for("the problem", || daemon.log().contains("kind=all-waits"));
    assert_eq!(told().matches("all-waits").count(), 1, "{}", told());
    let mut own = String::new();
    let mut lock = fs::File::open(inside.join("spool/.lock")).unwrap();
    lock.rewind().unwrap();
    lock.read_to_string(&mut own).unwrap();
    assert_eq!(own.trim(), daemon.process.id().to_string());
    daemon.signal(Signal::TERM);
    assert!(daemon.ended().success(), "{}", daemon.log());
}
