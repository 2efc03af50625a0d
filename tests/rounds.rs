//! Rounds of many files through the real binary: each verdict is that of its own file, however the reading of them is dealt out.

use std::fs;
use std::process::Command;

use rusqlite::Connection;

const HEAD: &str = "nattpost;order;1\n!order;buyer_order_no;customer_no\n!line;line_no;article_no;qty\n";
const SHOP: &str = "name = \"Shop\"\n[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nsettle = \"rename\"\n\
                    customers = \"accept\"\narticles = \"accept\"\n";

/// Around the sizes at which reading is dealt out; every seventh file is bad.
#[test]
fn every_verdict_is_that_of_its_own_file() {
    for count in [1usize, 2, 63, 64, 65, 129, 200] {
        let folder = tempfile::tempdir().unwrap();
        let inbox = folder.path().join("spool/in/shop/orders");
        fs::create_dir_all(&inbox).unwrap();
        fs::create_dir_all(folder.path().join("partners")).unwrap();
        fs::write(folder.path().join("nattpost.toml"), "company = \"Rounds\"\n").unwrap();
        fs::write(folder.path().join("partners/shop.toml"), SHOP).unwrap();
        for n in 0..count {
            let qty = if n % 7 == 6 { "two" } else { "2" };
            let text = format!("{HEAD}order;S-{n};1001\nline;1;A1;{qty}\n");
            fs::write(inbox.join(format!("o{n:04}.csv")), text).unwrap();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
        let done =
            command.args(["run", "--once"]).current_dir(folder.path()).env_remove("NATTPOST_CONFIG").output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));

        let conn = Connection::open(folder.path().join("nattpost.db")).unwrap();
        let sql = "SELECT f.name, f.verdict, o.buyer_order_no FROM file f LEFT JOIN orders o ON o.file_no = f.file_no ORDER BY f.name";
        let mut statement = conn.prepare(sql).unwrap();
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let found: Vec<(String, String, Option<String>)> =
            statement.query_map([], read).unwrap().map(Result::unwrap).collect();
        let expected: Vec<_> = (0..count)
            .map(|n| match n % 7 {
                6 => (format!("o{n:04}.csv"), "refused".to_string(), None),
                _ => (format!("o{n:04}.csv"), "accepted".to_string(), Some(format!("S-{n}"))),
            })
            .collect();
        assert_eq!(found, expected, "{count} files");
    }
}
