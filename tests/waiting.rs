//! Held messages are judged again by what may bring them on, and once more before they are refused as waiting too long.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rusqlite::Connection;

const WITHOUT: &str = "name = \"P\"\n[intake.customers]\nlayouts = [\"nattpost-customer-csv\"]\nsettle = \"rename\"\n";
const ORDERS: &str = "[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nsettle = \"rename\"\narticles = \"accept\"\ncustomers = \"wait 24 h\"\n";

struct Site(tempfile::TempDir);

impl Site {
    fn new() -> Site {
        let site = Site(tempfile::tempdir().unwrap());
        site.write("nattpost.toml", "company = \"Waiting\"\nspool = \"spool\"\nstore = \"n.db\"\nzone = \"UTC\"\n");
        site
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_nattpost")));
        command.arg("--config").arg(self.0.path().join("nattpost.toml")).args(words).env_remove("NATTPOST_FAULT");
        command
    }

    /// It has begun, and its first turn, which confirms by itself, is over.
    fn daemon(&self, fault: &str) -> Child {
        let log = self.0.path().join("log");
        let mut command = self.command(&["run"]);
        let daemon = command.env("NATTPOST_FAULT", fault).stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        while !fs::read_to_string(&log).unwrap().contains("daemon-started") {
            assert!(Instant::now() < until, "it does not begin");
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(700));
        daemon
    }

    fn drop(&self, name: &str, text: &str) {
        self.write("dropped", text);
        let target = self.0.path().join("spool/in/p").join(name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::rename(self.0.path().join("dropped"), target).unwrap();
    }

    /// One run over what the partner's file says and what is dropped; what it told.
    fn run(&self, partner: &str, dropped: &[(&str, &str)]) -> String {
        self.write("partners/p.toml", partner);
        dropped.iter().for_each(|(name, text)| self.drop(name, text));
        let done = self.command(&["run", "--once"]).output().unwrap();
        let told = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{told}");
        told
    }

    fn store(&self) -> Connection {
        Connection::open(self.0.path().join("n.db")).unwrap()
    }

    fn verdicts(&self) -> String {
        let sql = "SELECT group_concat(key || ' ' || verdict, ', ' ORDER BY key) FROM message";
        self.store().query_row(sql, [], |row| row.get::<_, Option<String>>(0)).unwrap().unwrap_or_default()
    }
}

fn orders(orders: &[(&str, &str)]) -> String {
    let rows = orders.iter().map(|(no, customer)| format!("order;{no};{customer}\nline;1;A;1\n"));
    let head = "nattpost;order;1\n!order;buyer_order_no;customer_no\n!line;line_no;article_no;qty\n";
    format!("{head}{}", rows.collect::<String>())
}

fn customer(number: &str) -> String {
    format!("nattpost;customer;1\n!customer;customer_no;name\ncustomer;{number};One\n")
}

#[test]
fn what_came_while_the_intake_was_away_is_not_refused_when_the_time_is_up() {
    let site = Site::new();
    site.run(&format!("{WITHOUT}{ORDERS}"), &[("orders/o.csv", &orders(&[("O1", "C1"), ("O2", "C2")]))]);
    assert_eq!(site.verdicts(), "C1 / O1 held, C2 / O2 held");
    site.run(WITHOUT, &[("customers/c.csv", &customer("C1"))]);
    assert_eq!(site.verdicts(), "C1 / O1 held, C2 / O2 held", "nobody can judge them");
    site.store().execute("UPDATE message SET wait_until = '2020-01-01T00:00:00.000Z'", []).unwrap();
    let told = site.run(&format!("{WITHOUT}{ORDERS}"), &[]);
    assert_eq!(site.verdicts(), "C1 / O1 accepted, C2 / O2 refused");
    assert!(told.contains("held-released intake=p/orders name=o.csv messages=1"), "{told}");
    assert!(told.contains("held-expired level=warning messages=1"), "{told}");
}

#[test]
fn what_came_while_the_intake_was_away_goes_on_with_the_start_that_has_it_again() {
    let site = Site::new();
    site.run(&format!("{WITHOUT}{ORDERS}"), &[("orders/o.csv", &orders(&[("O1", "C1"), ("O2", "C2")]))]);
    site.run(WITHOUT, &[("customers/c.csv", &customer("C1"))]);
    let told = site.run(&format!("{WITHOUT}{ORDERS}"), &[]);
    assert_eq!(site.verdicts(), "C1 / O1 accepted, C2 / O2 held");
    assert!(told.contains("held-released intake=p/orders name=o.csv messages=1"), "{told}");
}

#[test]
fn an_order_judges_nothing_that_waits_for_a_customer_and_a_customer_brings_all_on() {
    let site = Site::new();
    let status = "[intake.status]\nlayouts = [\"nattpost-order-status-csv\"]\nsettle = \"rename\"\n";
    let partner = format!("{WITHOUT}{ORDERS}{status}");
    let shipped =
        "nattpost;order_status;1\n!order_status;customer_no;buyer_order_no;status\norder_status;C2;O2;shipped\n";
    site.run(&partner, &[("customers/c.csv", &customer("C1")), ("orders/o.csv", &orders(&[("O2", "C2")]))]);
    site.run(&partner, &[("status/s.csv", shipped)]);
    let judged = || -> String {
        let sql = "SELECT group_concat(verdict || ' ' || decided_at) FROM message WHERE waits_kind = 'customer'";
        site.store().query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let before = judged();
    assert!(before.starts_with("held"), "{before}");
    site.run(&partner, &[("orders/p.csv", &orders(&[("O1", "C1")]))]);
    assert_eq!(judged(), before, "an order brings no customer");
    site.run(&partner, &[("customers/d.csv", &customer("C2"))]);
    let sql = "SELECT group_concat(buyer_order_no || ' ' || status, ', ' ORDER BY buyer_order_no) FROM v_order";
    let found: String = site.store().query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(found, "O1 received, O2 shipped");
}

/// Held, moved to held/in, and released before that move was confirmed: what the ledger confirms with the release is the
/// older move, and the newer one must not be taken for done.
#[test]
fn a_held_file_is_moved_after_its_release_also_when_its_first_move_was_not_confirmed_yet() {
    let site = Site::new();
    // With a receipt a commit confirms the moves before it.
    let customers = WITHOUT.replace("\"rename\"", "\"rename\"\nreceipt = \"nattpost-receipt-csv\"");
    site.write("partners/p.toml", &format!("{customers}{ORDERS}"));
    // The first call behind the commit that releases it: nothing of the release is carried out.
    let mut daemon = site.daemon("kill@spool.rename/11");
    let lies_held = || fs::read_dir(site.0.path().join("spool/held/in/p/orders")).map_or(0, Iterator::count);
    let wait = |what: &mut dyn FnMut() -> bool| {
        let until = Instant::now() + Duration::from_secs(20);
        while !what() {
            assert!(Instant::now() < until, "waited in vain");
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    site.drop("orders/o.csv", &orders(&[("O1", "C1")]));
    wait(&mut || lies_held() == 1);
    site.drop("customers/c.csv", &customer("C1"));
    wait(&mut || daemon.try_wait().unwrap().is_some());
    assert_eq!((site.verdicts(), lies_held()), ("C1 / O1 accepted".to_string(), 1), "killed after the release");

    site.run(&format!("{customers}{ORDERS}"), &[]);
    assert_eq!(lies_held(), 0, "it was taken and lies in done/");
    let placed: i64 = site.store().query_row("SELECT min(placed) FROM file", [], |row| row.get(0)).unwrap();
    assert_eq!(placed, 1);
}

/// What the decoder had read for a retry that failed is nobody's: the files that come next are read as themselves.
#[test]
fn after_a_retry_that_failed_the_next_files_are_read_as_themselves() {
    let site = Site::new();
    let partner = "name = \"P\"\n[intake.articles]\nlayouts = [\"nattpost-article-csv\"]\nsettle = \"rename\"\n\
        [intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nsettle = \"rename\"\ncustomers = \"accept\"\narticles = \"check\"\n";
    let article = "nattpost;article;1\n!article;article_no;name;unit\narticle;A;One;PCE\n";
    let unknown = orders(&[("O1", "C1")]).replace(";A;1", ";B;1");
    site.run(partner, &[("articles/a.csv", article), ("orders/o.csv", &unknown)]);
    assert_eq!(site.verdicts(), "C1 / O1 refused");

    let mut daemon = site.daemon("fail@store.revise_message");
    site.command(&["retry", "--reason", "article-unknown"]).output().unwrap();
    // Both in one round.
    let signal = |name: &str| _ = Command::new("kill").args([name, &daemon.id().to_string()]).status().unwrap();
    signal("-STOP");
    site.drop("orders/p.csv", &orders(&[("O2", "C1")]));
    site.drop("orders/q.csv", &orders(&[("O3", "C1"), ("O4", "C1")]));
    signal("-CONT");
    let came = || -> String {
        let sql = "SELECT group_concat(o.buyer_order_no || ' ' || f.name, ', ' ORDER BY o.buyer_order_no) FROM orders o JOIN file f USING (file_no)";
        site.store().query_row(sql, [], |row| row.get::<_, Option<String>>(0)).unwrap().unwrap_or_default()
    };
    let until = Instant::now() + Duration::from_secs(20);
    while came().matches(',').count() < 2 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    signal("-TERM");
    daemon.wait().unwrap();
    assert_eq!(came(), "O2 p.csv, O3 q.csv, O4 q.csv");
}
