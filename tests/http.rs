//! `/health` and `/metrics` of the running daemon: asked for on a loopback port and a socket, well while the loop turns, not well
//! while it hangs; an address that is taken keeps no file back.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SHOP: &str = "name = \"Shop\"\n[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nsettle = \"rename\"\n\
                    customers = \"accept\"\narticles = \"accept\"\n[feed.stock]\nlayout = \"nattpost-stock-csv\"\n\
                    file_name = \"stock_{run}.csv\"\nschedule = \"0 2 * * *\"\n\
                    [remote.drop]\nkind = \"folder\"\npath = \"there\"\n\
                    [feed.orders]\nlayout = \"nattpost-order-csv\"\nfile_name = \"o_{run}.csv\"\nto = \"drop:/\"\non_registration = true\n";
const ORDER: &str =
    "nattpost;order;1\n!order;buyer_order_no;customer_no\n!line;line_no;article_no;qty\norder;S-1;1001\nline;1;A1;2\n";

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(root: &Path, http: &str, fault: Option<&str>) -> Running {
    fs::create_dir_all(root.join("partners")).unwrap();
    fs::create_dir_all(root.join("run")).unwrap();
    fs::create_dir_all(root.join("there")).unwrap();
    fs::write(root.join("nattpost.toml"), format!("company = \"Nordkap\"\nhttp = \"{http}\"\n")).unwrap();
    fs::write(root.join("partners/shop.toml"), SHOP).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
    command.arg("run").current_dir(root).env_remove("NATTPOST_CONFIG").stdin(Stdio::null()).stdout(Stdio::null());
    command.env("RUNTIME_DIRECTORY", root.join("run")).stderr(fs::File::create(root.join("log")).unwrap());
    if let Some(fault) = fault {
        command.env("NATTPOST_FAULT", fault);
    }
    Running(command.spawn().unwrap())
}

fn drop_order(root: &Path) {
    fs::write(root.join("aside"), ORDER).unwrap();
    fs::rename(root.join("aside"), root.join("spool/in/shop/orders/a.csv")).unwrap();
}

fn asked(mut stream: impl Read + Write, path: &str) -> String {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).unwrap();
    told
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "still not: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn figures_are_told_on_a_socket_while_the_daemon_runs() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    let _daemon = start(root, "unix", None);
    let ask = |path: &str| UnixStream::connect(root.join("run/http.sock")).ok().map(|stream| asked(stream, path));
    let well = wait_for("the door is open", || ask("/health"));
    assert!(well.starts_with("HTTP/1.1 200 OK\r\n") && well.ends_with("\r\n\r\nwell\n"), "{well}");
    drop_order(root);
    let told = wait_for("the order is counted", || {
        ask("/metrics")
            .filter(|told| told.contains("nattpost_events_total{event=\"file-accepted\",source=\"shop/orders\"} 1"))
    });
    assert!(told.contains("Content-Type: application/openmetrics-text; version=1.0.0"), "{told}");
    let told = wait_for("the order is brought", || {
        let tried = "nattpost_delivery_tries_total{remote=\"shop/drop\"} 1";
        ask("/metrics").filter(|told| told.contains(tried))
    });
    for line in [
        "nattpost_to_bring_files{remote=\"shop/drop\"} ",
        "nattpost_oldest_to_bring_seconds{remote=\"shop/drop\"} ",
        "nattpost_waiting_files{source=\"shop/orders\"} 0",
        "nattpost_last_applied_timestamp_seconds{source=\"shop/orders\"} 1",
        "nattpost_feed_next_due_timestamp_seconds{feed=\"shop/stock\"} 1",
        "nattpost_disk_free_bytes{disk=\"spool\"} ",
        "nattpost_info{version=",
    ] {
        assert!(told.contains(line), "{line} in\n{told}");
    }
    assert!(told.ends_with("# EOF\n"));
    // Each family once, and samples only of the family before them.
    let mut families = std::collections::HashSet::new();
    let mut family = "";
    for line in told.split("\r\n\r\n").nth(1).unwrap().lines().filter(|line| *line != "# EOF") {
        if let Some(named) = line.strip_prefix("# TYPE ") {
            family = named.split(' ').next().unwrap();
            assert!(families.insert(family), "{family} twice");
        } else if !line.starts_with("# HELP ") {
            let name = line.split(['{', ' ']).next().unwrap();
            let plain = name.strip_suffix("_total").or(name.strip_suffix("_info")).unwrap_or(name);
            assert!(plain == family && line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line} in {family}");
        }
    }
    assert!(ask("/").unwrap().starts_with("HTTP/1.1 404 "));
}

#[test]
fn a_loop_that_hangs_is_not_well() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    // The supervisor would wait for two seconds, so half of that is a silence.
    let mut daemon = start(root, "unix", None);
    daemon.0.kill().unwrap();
    daemon.0.wait().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
    command.arg("run").current_dir(root).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.env("RUNTIME_DIRECTORY", root.join("run")).env("NATTPOST_FAULT", "hang@store.see_file");
    let notify = std::os::unix::net::UnixDatagram::bind(root.join("notify")).unwrap();
    command.env("NOTIFY_SOCKET", root.join("notify")).env("WATCHDOG_USEC", "2000000");
    let _daemon = Running(command.spawn().unwrap());
    let ask = || UnixStream::connect(root.join("run/http.sock")).ok().map(|stream| asked(stream, "/health"));
    wait_for("it is well", || ask().filter(|told| told.starts_with("HTTP/1.1 200")));
    drop_order(root);
    let told = wait_for("it is not", || ask().filter(|told| told.starts_with("HTTP/1.1 503")));
    assert!(told.contains("the loop is silent for"), "{told}");
    drop(notify);
}

#[test]
fn an_address_that_is_taken_is_told_and_keeps_no_file_back() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let _daemon = start(root, &address.to_string(), None);
    let log = || fs::read_to_string(root.join("log")).unwrap();
    wait_for("it is told", || log().contains("http-failed level=warning").then_some(()));
    drop_order(root);
    wait_for("the file is taken all the same", || log().contains("file-accepted").then_some(()));
    drop(other);
    assert!(TcpStream::connect(address).is_err());
}
