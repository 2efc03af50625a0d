//! Large files of orders and of prices against master data, through the real binary. Their numbers are looked up ahead of the judging on
//! another thread, as far as there is time: what comes out must not depend on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;

const ORDERS: usize = 12_000;
const ARTICLES: usize = 1_000;
const PARTNER: &str = "name = \"Shop\"\ncustomers = [\"C1\"]\n\
    [intake.articles]\nlayouts = [\"nattpost-article-csv\"]\nsettle = \"rename\"\n\
    [intake.customers]\nlayouts = [\"nattpost-customer-csv\"]\nsettle = \"rename\"\n\
    [intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nsettle = \"rename\"\ncustomers = \"check\"\narticles = \"check\"\n\
    article_schemes = [\"own\", \"partner\"]\n\
    [intake.prices]\nlayouts = [\"nattpost-price-csv\"]\nsettle = \"rename\"\ncustomers = \"check\"\narticles = \"check\"\n\
    [intake.both]\nlayouts = [\"nattpost-article-csv\", \"nattpost-order-csv\"]\nsettle = \"rename\"\n\
    customers = \"check\"\narticles = \"check\"\n";

struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    /// With the master data loaded: articles counted in pieces, sold in boxes of twelve too; of each the shop has a number.
    fn new() -> Site {
        let site = Site { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(site.path("partners")).unwrap();
        fs::write(site.path("nattpost.toml"), "company = \"Ahead\"\nspool = \"spool\"\nstore = \"n.db\"\n").unwrap();
        fs::write(site.path("partners/shop.toml"), PARTNER).unwrap();
        let article = |n| format!("article;A{n};Article;PCE\nunit;XBX;12\nalias;partner;shop;S{n}\n");
        let rows: Vec<String> = (0..ARTICLES).map(article).collect();
        site.drop("articles", "1.csv", &(ARTICLE_HEAD.to_string() + &rows.concat()));
        site.drop(
            "customers",
            "1.csv",
            "nattpost;customer;1\n!customer;customer_no;name\ncustomer;C1;One\ncustomer;C2;Two\n",
        );
        site.run();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn drop(&self, intake: &str, name: &str, text: &str) {
        let folder = self.path("spool/in/shop").join(intake);
        fs::create_dir_all(&folder).unwrap();
        fs::write(self.path("dropped"), text).unwrap();
        fs::rename(self.path("dropped"), folder.join(name)).unwrap();
    }

    fn run(&self) {
        let done = Command::new(Path::new(env!("CARGO_BIN_EXE_nattpost")))
            .args(["--config".as_ref(), self.path("nattpost.toml").as_os_str(), "run".as_ref(), "--once".as_ref()])
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    fn number(&self, sql: &str) -> i64 {
        Connection::open(self.path("n.db")).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

const ARTICLE_HEAD: &str =
    "nattpost;article;1\n!article;article_no;name;unit\n!unit;unit;base_qty\n!alias;scheme;owner;value\n";
const ORDER_HEAD: &str =
    "nattpost;order;1\n!order;buyer_order_no;customer_no\n!line;line_no;article_no;buyer_article_no;qty;unit\n";

#[test]
fn what_is_looked_up_ahead_is_what_is_looked_up_later() {
    let site = Site::new();
    let mut text = ORDER_HEAD.to_string();
    let (mut unknown, mut not_his, mut pieces) = (0, 0, 0);
    for n in 0..ORDERS {
        let article = n * 7 % ARTICLES;
        let customer = if n % 13 == 5 { "C2" } else { "C1" };
        let (unit, factor) = if n % 5 == 0 { ("XBX", 12) } else { ("PCE", 1) };
        let line = match n % 11 {
            // The shop's number, and no number of ours.
            3 => format!("line;1;;S{article};2;{unit}\n"),
            7 => format!("line;1;A{};;2;{unit}\n", ARTICLES + article),
            _ => format!("line;1;A{article};;2;{unit}\n"),
        };
        match (n % 13 == 5, n % 11 == 7) {
            (true, _) => not_his += 1,
            (false, true) => unknown += 1,
            (false, false) => pieces += 2 * factor,
        }
        text += &format!("order;N{n};{customer}\n{line}");
    }
    site.drop("orders", "o.csv", &text);
    site.run();
    let refused = |code: &str| site.number(&format!("SELECT count(*) FROM message WHERE code = '{code}'"));
    assert_eq!((refused("customer-not-yours"), refused("article-unknown")), (not_his, unknown));
    assert_eq!(site.number("SELECT count(*) FROM orders"), ORDERS as i64 - not_his - unknown);
    assert_eq!(site.number("SELECT sum(base_qty_e6) FROM order_line"), pieces * 1_000_000);
    assert_eq!(
        site.number("SELECT count(*) FROM order_line WHERE article_no NOT IN (SELECT article_no FROM article)"),
        0
    );
}

#[test]
fn an_article_changed_by_the_file_before_is_another_to_the_next_file_of_the_round() {
    let site = Site::new();
    // From now on A2 is counted in pairs.
    site.drop("both", "1-articles.csv", &format!("{ARTICLE_HEAD}article;A2;Article;PR\nunit;PCE;0.5\n"));
    let orders: Vec<String> = (0..ORDERS).map(|n| format!("order;N{n};C1\nline;1;A{};;1;PCE\n", n % 2 + 1)).collect();
    site.drop("both", "2-orders.csv", &(ORDER_HEAD.to_string() + &orders.concat()));
    site.run();
    let counted =
        |unit: &str| site.number(&format!("SELECT sum(base_qty_e6) FROM order_line WHERE base_unit = '{unit}'"));
    assert_eq!((counted("PCE"), counted("PR")), (ORDERS as i64 / 2 * 1_000_000, ORDERS as i64 / 2 * 500_000));
}

/// A price has a customer and an article in one head: the one may be known and the other not.
#[test]
fn of_a_price_the_customer_and_the_article_are_looked_up_each_for_itself() {
    let site = Site::new();
    let mut text = "nattpost;price;1\n!price;customer_no;article_no;currency;from_qty;price;basis\n".to_string();
    let (mut not_his, mut unknown) = (0, 0);
    for n in 0..ORDERS {
        let article = n * 7 % (ARTICLES * 5 / 4);
        let customer = if n % 13 == 5 { "C2" } else { "C1" };
        match (customer == "C2", article >= ARTICLES) {
            (true, _) => not_his += 1,
            (false, true) => unknown += 1,
            (false, false) => {}
        }
        text += &format!("price;{customer};A{article};EUR;{n};9.50;net\n");
    }
    site.drop("prices", "p.csv", &text);
    site.run();
    let refused = |code: &str| site.number(&format!("SELECT count(*) FROM message WHERE code = '{code}'"));
    // What is wrong twice is told by the first code.
    assert_eq!((refused("customer-not-yours"), refused("article-unknown")), (not_his, unknown));
    assert_eq!(site.number("SELECT count(*) FROM price"), ORDERS as i64 - not_his - unknown);
    let strange =
        "SELECT count(*) FROM price WHERE customer_no <> 'C1' OR article_no NOT IN (SELECT article_no FROM article)";
    assert_eq!(site.number(strange), 0);
}
