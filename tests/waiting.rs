//! Held messages are judged again by what may bring them on, and once more before they are refused as waiting too long.

use std::fs;
use std::path::Path;
use std::process::Command;

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

    /// One run over what the partner's file says and what is dropped; what it told.
    fn run(&self, partner: &str, dropped: &[(&str, &str)]) -> String {
        self.write("partners/p.toml", partner);
        for (name, text) in dropped {
            self.write(&format!("spool/in/p/{name}"), text);
        }
        let config = self.0.path().join("nattpost.toml");
        let done = Command::new(Path::new(env!("CARGO_BIN_EXE_nattpost")))
            .args(["--config".as_ref(), config.as_os_str(), "run".as_ref(), "--once".as_ref()])
            .output()
            .unwrap();
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
