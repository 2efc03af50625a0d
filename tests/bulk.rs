//! Files larger than what is sorted at a time, through the real binary: whatever stands where in the file, the last row of a
//! key wins, every row is counted once, and an older file changes nothing.

use std::fs;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;

const KEYS: usize = 2_000;
const TIMES: usize = 4;

struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("nattpost.toml", "company = \"Bulk\"\nspool = \"spool\"\nstore = \"n.db\"\nzone = \"Europe/Berlin\"\n");
        write(
            "partners/erp.toml",
            "name = \"ERP\"\n[intake.stock]\nlayouts = [\"nattpost-stock-csv\"]\nsettle = \"rename\"\narticles = \"accept\"\n\
             as_of = \"name stock_{%Y%m%d}*.csv\"\nabsent = \"close\"\nscope = [\"warehouse\"]\n",
        );
        Site { folder }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Drops a file and lets the program take it.
    fn take(&self, name: &str, rows: &[String]) {
        let intake = self.path("spool/in/erp/stock");
        fs::create_dir_all(&intake).unwrap();
        let text = format!("nattpost;stock;1\n!stock;article_no;warehouse;qty;unit\n{}", rows.concat());
        fs::write(self.path("dropped"), text).unwrap();
        fs::rename(self.path("dropped"), intake.join(name)).unwrap();
        let done = Command::new(Path::new(env!("CARGO_BIN_EXE_nattpost")))
            .args(["--config".as_ref(), self.path("nattpost.toml").as_os_str(), "run".as_ref(), "--once".as_ref()])
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    fn rows(&self, sql: &str) -> Vec<String> {
        let conn = Connection::open(self.path("n.db")).unwrap();
        let mut statement = conn.prepare(sql).unwrap();
        let width = statement.column_count();
        let read = |row: &rusqlite::Row<'_>| {
            let cells = (0..width).map(|at| row.get::<_, rusqlite::types::Value>(at));
            Ok(cells.map(|cell| format!("{:?}", cell.unwrap())).collect::<Vec<_>>().join("|"))
        };
        statement.query_map([], read).unwrap().map(Result::unwrap).collect()
    }
}

/// Each key some times, in an order without order; the quantity is the row's number.
fn rows(keys: usize, times: usize) -> Vec<String> {
    let count = keys * times;
    let mut at = 1;
    (0..count)
        .map(|nth| {
            // A full period, as the step has no factor in common with the count.
            at = (at + 7_919) % count;
            format!(
                "stock;ARTICLE-WITH-A-LONG-NUMBER-{:06};;{nth};{}\n",
                at % keys,
                if at % 3 == 0 { "" } else { "H87" }
            )
        })
        .collect()
}

fn last_of_each(rows: &[String]) -> Vec<(String, usize)> {
    let mut last = std::collections::BTreeMap::new();
    for (nth, row) in rows.iter().enumerate() {
        last.insert(row.split(';').nth(1).unwrap().to_string(), nth);
    }
    last.into_iter().collect()
}

#[test]
fn the_last_row_of_a_key_wins_wherever_it_stands() {
    let site = Site::new();
    let first = rows(KEYS, TIMES);
    site.take("stock_20260722.csv", &first);
    let expected: Vec<String> = last_of_each(&first)
        .iter()
        .map(|(key, nth)| format!("Text({key:?})|Integer({})|Integer({})", nth * 1_000_000, nth + 3))
        .collect();
    assert_eq!(expected.len(), KEYS);
    let stored = "SELECT article_no, qty_e6, file_line FROM stock WHERE active = 1 ORDER BY article_no";
    assert_eq!(site.rows(stored), expected);
    let counted =
        "SELECT messages, accepted, unchanged, stale, refused, rows_written, rows_taken FROM file ORDER BY file_no";
    let counts = |of: [usize; 7]| of.map(|n| format!("Integer({n})")).join("|");
    assert_eq!(site.rows(counted), [counts([KEYS * TIMES, KEYS * TIMES, 0, 0, 0, KEYS, 0])]);

    // Of an older day: every row is stale, nothing is closed.
    site.take("stock_20260721.csv", &rows(KEYS / 2, 3));
    assert_eq!(site.rows(stored), expected);
    assert_eq!(site.rows(counted)[1], counts([KEYS / 2 * 3, 0, 0, KEYS / 2 * 3, 0, 0, 0]));

    // A newer one with half of the keys: they are its own now, the others are closed.
    let newer = rows(KEYS / 2, 1);
    site.take("stock_20260723.csv", &newer);
    let expected: Vec<String> = last_of_each(&newer)
        .iter()
        .map(|(key, nth)| format!("Text({key:?})|Integer({})|Integer({})", nth * 1_000_000, nth + 3))
        .collect();
    assert_eq!(site.rows(stored), expected);
    assert_eq!(site.rows("SELECT count(*) FROM stock"), [format!("Integer({KEYS})")]);
    let written = site.rows("SELECT rows_written, rows_taken FROM file ORDER BY file_no");
    assert_eq!(written[0], format!("Integer({KEYS})|Integer({KEYS})"));
    assert_eq!(written[2], format!("Integer({KEYS})|Integer(0)"));
}
