//! An older database beside a newer spool, through the real binary: copied, lost, put back, caught up. Counted is what partners
//! hold: each order in one file, no number twice, nothing lost, also when the catching up is killed at any of its calls.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SHOP: &str = "name = \"Shop\"\n[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nsettle = \"rename\"\n\
                    customers = \"accept\"\narticles = \"accept\"\non_change = \"replace-until-exported\"\n\
                    receipt = \"nattpost-receipt-csv\"\n";
/// A second intake that reads the same files.
const TWIN: &str = "[intake.twin]\nlayouts = [\"nattpost-order-csv\"]\nsettle = \"rename\"\ncustomers = \"accept\"\n\
                    articles = \"accept\"\n";
const ERP: &str = "name = \"ERP\"\n[intake.stock]\nlayouts = [\"nattpost-stock-csv\"]\nsettle = \"done-file .done\"\n\
                   articles = \"accept\"\n[feed.orders]\nlayout = \"nattpost-order-xml\"\nfile_name = \"orders_{run}.xml\"\n";

struct House {
    _scratch: tempfile::TempDir,
    root: PathBuf,
}

impl House {
    fn new(shop: &str) -> House {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("house");
        fs::create_dir_all(root.join("partners")).unwrap();
        fs::create_dir(root.join("backup")).unwrap();
        fs::write(root.join("nattpost.toml"), "company = \"Nordkap\"\ndisk_floor = \"off\"\n").unwrap();
        fs::write(root.join("partners/shop.toml"), shop).unwrap();
        fs::write(root.join("partners/erp.toml"), ERP).unwrap();
        House { _scratch: scratch, root }
    }

    fn try_run(&self, words: &[&str], fault: Option<&str>) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
        command.args(words).current_dir(&self.root).env_remove("NATTPOST_CONFIG").stdin(Stdio::null());
        if let Some(fault) = fault {
            command.env("NATTPOST_FAULT", fault);
        }
        let output = command.output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code(), said)
    }

    /// All that was said.
    fn run(&self, words: &[&str], ends: i32) -> String {
        let (code, said) = self.try_run(words, None);
        assert_eq!(code, Some(ends), "{words:?}: {said}");
        said
    }

    fn drop_in(&self, intake: &str, name: &str, text: &str) {
        let folder = self.root.join("spool/in").join(intake);
        fs::create_dir_all(&folder).unwrap();
        fs::write(self.root.join("aside"), text).unwrap();
        fs::rename(self.root.join("aside"), folder.join(name)).unwrap();
    }

    fn backup(&self) -> PathBuf {
        self.run(&["backup", "backup"], 0);
        let mut copies: Vec<PathBuf> = fs::read_dir(self.root.join("backup"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "db"))
            .collect();
        copies.sort();
        copies.pop().unwrap()
    }

    fn put_back(&self, copy: &Path) {
        for ending in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(self.root.join(format!("nattpost.db{ending}")));
        }
        fs::copy(copy, self.root.join("nattpost.db")).unwrap();
    }

    fn files(&self, below: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![self.root.join("spool").join(below)];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() { open.push(path) } else { found.push(path) }
            }
        }
        found.sort();
        found
    }

    /// How often each order stands in files that the ERP has or will get.
    fn exported(&self, taken: &Path) -> BTreeMap<String, u32> {
        let mut counted = BTreeMap::new();
        let mut files = self.files("out/erp");
        files.extend(self.files("sent/erp"));
        files.extend(fs::read_dir(taken).into_iter().flatten().map(|entry| entry.unwrap().path()));
        let names: std::collections::BTreeSet<String> = files
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().split('~').next_back().unwrap().into())
            .collect();
        assert_eq!(names.len(), files.len(), "a name twice: {files:?}");
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for part in text.split("<buyer_order_no>").skip(1) {
                *counted.entry(part.split('<').next().unwrap().to_string()).or_default() += 1;
            }
        }
        counted
    }

    fn query(&self, sql: &str) -> Vec<String> {
        let db = rusqlite::Connection::open(self.root.join("nattpost.db")).unwrap();
        let mut statement = db.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }
}

fn order(number: &str, qty: u32) -> String {
    format!(
        "nattpost;order;1\n!order;buyer_order_no;customer_no\n!line;line_no;article_no;qty\norder;{number};1001\nline;1;A1;{qty}\n"
    )
}

fn stock(qty: u32) -> String {
    format!("nattpost;stock;1\n!stock;article_no;warehouse;qty\nstock;A1;HH;{qty}\n")
}

/// A copy, then two days of which it knows nothing.
fn lived(shop: &str) -> (House, PathBuf) {
    let house = House::new(shop);
    house.run(&["run", "--once"], 0);
    house.drop_in("shop/orders", "monday.csv", &order("M-1", 1));
    house.drop_in("erp/stock", "stock.csv", &stock(10));
    house.drop_in("erp/stock", "stock.csv.done", "");
    house.run(&["run", "--once"], 0);
    house.run(&["send", "erp/orders"], 0);
    let copy = house.backup();
    house.drop_in("shop/orders", "tuesday.csv", &order("T-1", 2));
    house.drop_in("shop/orders", "flawed.csv", "nattpost;order;1\n!order;buyer_order_no;customer_no\n!line;line_no;article_no;qty\norder;T-9;1001\nline;1;A1;many\norder;T-2;1001\nline;1;A1;3\n");
    house.drop_in("shop/orders", "no-order.csv", "this is none\n");
    house.drop_in("erp/stock", "stock-2.csv", &stock(7));
    house.drop_in("erp/stock", "stock-2.csv.done", "");
    house.run(&["run", "--once"], 0);
    house.run(&["send", "erp/orders"], 0);
    // Changed after it went out, so it is held; and one that did not go out yet.
    house.drop_in("shop/orders", "changed.csv", &order("T-1", 5));
    // The name of another file that came before.
    house.drop_in("shop/orders", "tuesday.csv", &order("W-1", 4));
    house.run(&["run", "--once"], 0);
    (house, copy)
}

fn order_feed_files(house: &House) -> Vec<String> {
    house.files("out/erp").iter().map(|path| path.file_name().unwrap().to_string_lossy().into()).collect()
}

const ORDERS: &str = "SELECT buyer_order_no || ' ' || (SELECT qty_e6 / 1000000 FROM order_line l WHERE l.head_row = o.row_id) FROM orders o ORDER BY 1";
const VERDICTS: &str = "SELECT name || ' ' || verdict || ' ' || place || ' ' || placed FROM file ORDER BY file_id";

#[test]
fn no_order_is_doubled_or_lost_and_no_number_reused() {
    let (house, copy) = lived(SHOP);
    let (orders, verdicts, files) = (house.query(ORDERS), house.query(VERDICTS), order_feed_files(&house));
    assert_eq!(orders, ["M-1 1", "T-1 2", "T-2 3", "W-1 4"]);
    assert_eq!(files.len(), 2);
    house.put_back(&copy);
    // What came to in/ meanwhile does not overtake what is older.
    house.drop_in("shop/orders", "thursday.csv", &order("W-1", 9));
    house.run(&["run", "--once"], 69);
    let told = house.run(&["catch-up"], 0);
    for words in ["6 files to be judged anew", "tuesday.csv", "stock-2.csv", "1 file of ours", &files[1], "never left"]
    {
        assert!(told.contains(words), "{words} in {told}");
    }
    assert_eq!(house.query(ORDERS), ["M-1 1"], "looking changes nothing");
    let told = house.run(&["catch-up", "--do", "--accept-database", "--comment", "disk lost"], 0);
    assert!(
        told.contains("6 files were judged anew; 1 file is of ours known again, with 2 orders; erp/orders resumed"),
        "{told}"
    );
    assert_eq!(house.query(ORDERS), orders);
    assert_eq!(house.query(VERDICTS)[..], verdicts[..]);
    assert_eq!(house.query("SELECT CAST(qty_e6 / 1000000 AS TEXT) FROM stock"), ["7"]);
    assert_eq!(order_feed_files(&house), files);
    assert!(house.run(&["catch-up"], 0).contains("knows all that stands in the spool"));

    house.run(&["run", "--once"], 0);
    house.run(&["send", "erp/orders"], 0);
    let exported = house.exported(Path::new("/nowhere"));
    assert_eq!(exported.values().max(), Some(&1), "{exported:?}");
    assert_eq!(exported.len(), 4, "{exported:?}");
    assert_eq!(order_feed_files(&house).len(), 3);
    // It came after the catching up and before the order went out: replaced, as if nothing had been.
    assert!(house.query(ORDERS).contains(&"W-1 9".to_string()));
    assert_eq!(house.query("SELECT name FROM run GROUP BY name HAVING count(*) > 1").len(), 0);
    assert_eq!(house.query("SELECT 'x' FROM pause").len(), 0);
}

#[test]
fn a_file_that_its_partner_took_keeps_the_feed_paused_until_it_is_found() {
    let (house, copy) = lived(SHOP);
    let files = order_feed_files(&house);
    let taken = house.root.join("at-the-erp");
    fs::create_dir(&taken).unwrap();
    fs::rename(house.root.join("spool/out/erp").join(&files[1]), taken.join(&files[1])).unwrap();
    house.run(&["run", "--once"], 0);
    house.put_back(&copy);
    let told = house.run(&["catch-up", "--do", "--accept-database"], 75);
    assert!(told.contains("erp/orders: paused") && told.contains("took them from out/"), "{told}");
    let refused = house.run(&["send", "erp/orders"], 69);
    assert!(refused.contains("erp/orders waits since an older database was accepted"), "{refused}");
    house.run(&["run", "--once"], 0);
    assert_eq!(order_feed_files(&house), files[..1], "nothing goes out while it is paused");

    let sent = house.root.join("spool/sent/erp/2026-11-22");
    fs::create_dir_all(&sent).unwrap();
    fs::copy(taken.join(&files[1]), sent.join(&files[1])).unwrap();
    let told = house.run(&["catch-up", "--do"], 0);
    assert!(told.contains("1 file is of ours known again, with 2 orders; erp/orders resumed"), "{told}");
    fs::remove_dir_all(&taken).unwrap();
    house.run(&["send", "erp/orders"], 0);
    let exported = house.exported(Path::new("/nowhere"));
    assert_eq!((exported.len(), exported.values().max()), (4, Some(&1)), "{exported:?}");
}

#[test]
fn a_file_that_may_have_reached_a_server_waits_for_a_person() {
    let (house, copy) = lived(SHOP);
    let files = order_feed_files(&house);
    let there = house.root.join("server");
    fs::create_dir(&there).unwrap();
    let to_server =
        format!("{ERP}to = \"there:/\"\n[remote.there]\nkind = \"folder\"\npath = \"{}\"\n", there.display());
    fs::write(house.root.join("partners/erp.toml"), to_server).unwrap();
    house.put_back(&copy);
    let told = house.run(&["catch-up", "--do", "--accept-database"], 75);
    assert!(told.contains("nobody knows whether it was brought to erp already"), "{told}");
    house.run(&["run", "--once"], 0);
    let arrived = |name: &str| there.join(name).exists();
    assert!(!arrived(&files[1]), "it could be there a second time");
    // The person looked: it was there.
    let day = house.root.join("spool/sent/erp/2026-11-22");
    fs::create_dir_all(&day).unwrap();
    fs::rename(house.root.join("spool/held/out/erp").join(&files[1]), day.join(&files[1])).unwrap();
    let told = house.run(&["catch-up", "--do"], 0);
    assert!(told.contains("with 2 orders; erp/orders resumed"), "{told}");
    assert!(!arrived(&files[1]));
}

/// Their names say nothing: the ids in sent/ and the content in out/ say which they are, and the order which number each had.
#[test]
fn files_of_orders_without_a_number_in_their_name_are_known_again() {
    for remote in [false, true] {
        let house = House::new(SHOP);
        // The same name all over, by itself or by the one customer's number.
        let (pattern, name) = if remote { ("{customer_no}.xml", "1001.xml") } else { ("orders.xml", "orders.xml") };
        let mut erp = ERP.replace("orders_{run}.xml", pattern) + "orders_per_file = 1\n";
        let there = house.root.join("server");
        fs::create_dir(&there).unwrap();
        if remote {
            erp.push_str(&format!(
                "to = \"there:/\"\n[remote.there]\nkind = \"folder\"\npath = \"{}\"\n",
                there.display()
            ));
        }
        fs::write(house.root.join("partners/erp.toml"), erp).unwrap();
        let standing = if remote { there.join(name) } else { house.root.join("spool/out/erp").join(name) };
        let send = |number: &str| {
            house.drop_in("shop/orders", &format!("{number}.csv"), &order(number, 1));
            house.run(&["run", "--once"], 0);
            house.run(&["send", "erp/orders"], 0);
            house.run(&["run", "--once"], 0);
            assert!(fs::read_to_string(&standing).unwrap().contains(&format!("<buyer_order_no>{number}<")));
        };
        send("M-1");
        let copy = house.backup();
        for number in ["T-1", "T-2"] {
            if number == "T-1" || remote {
                fs::remove_file(&standing).unwrap();
                send(number);
            }
        }
        house.put_back(&copy);
        let told = house.run(&["catch-up", "--do", "--accept-database"], 0);
        let (files, orders) = if remote { ("2 files are", "2 orders") } else { ("1 file is", "1 order") };
        assert!(told.contains(&format!("{files} of ours known again, with {orders}; erp/orders resumed")), "{told}");
        let numbers = house.query("SELECT number || ' ' || state FROM run WHERE reason <> 'receipt' ORDER BY number");
        let expected = if remote { &["1 sent", "2 sent", "3 sent"][..] } else { &["1 ready", "2 ready"] };
        assert_eq!(numbers, expected);
        fs::remove_file(&standing).unwrap();
        house.run(&["run", "--once"], 0);
        send("W-1");
        assert_eq!(house.query("SELECT 'x' FROM run_request").len(), if remote { 4 } else { 3 });
    }
}

/// Names of orders' own numbers: what was taken cannot be known, what stands in out/ is; where two feeds give such a name, a person says
/// which of them gave it.
#[test]
fn files_named_after_their_orders_are_known_again() {
    let house = House::new(SHOP);
    let feed = |id: &str, pattern: &str| {
        format!(
            "[feed.{id}]\nlayout = \"nattpost-order-xml\"\nfile_name = \"{pattern}\"\norders_per_file = 1\nfolder = \"{id}\"\n"
        )
    };
    let erp = format!("name = \"ERP\"\n{}{}", feed("a", "{buyer_order_no}.xml"), feed("b", "x{buyer_order_no}.xml"));
    fs::write(house.root.join("partners/erp.toml"), erp).unwrap();
    house.run(&["run", "--once"], 0);
    house.drop_in("shop/orders", "m.csv", &order("M-1", 1));
    house.run(&["run", "--once"], 0);
    let copy = house.backup();
    house.run(&["send", "erp/a"], 0);
    house.run(&["send", "erp/b"], 0);
    let day = house.files("done/shop").remove(0).parent().and_then(Path::file_name).unwrap().to_owned();
    let sent = house.root.join("spool/sent/erp").join(day);
    fs::create_dir_all(&sent).unwrap();
    let run = house.query("SELECT run_id FROM run WHERE feed = 'b'").remove(0);
    fs::rename(house.root.join("spool/out/erp/b/xM-1.xml"), sent.join(format!("{run}~xM-1.xml"))).unwrap();
    house.put_back(&copy);
    let told = house.run(&["catch-up", "--do", "--accept-database"], 75);
    assert!(told.contains("1 file is of ours known again, with 1 order;"), "{told}");
    assert!(told.contains("it has a name that erp/a and erp/b give alike"), "{told}");
    assert_eq!(house.query("SELECT name FROM run WHERE feed = 'a'"), ["M-1.xml"]);
}

#[test]
fn what_nobody_can_decide_is_listed_and_keeps_its_moment_when_a_person_does() {
    let (house, copy) = lived(&format!("{SHOP}{TWIN}"));
    house.put_back(&copy);
    let told = house.run(&["catch-up", "--do", "--accept-database"], 75);
    assert!(told.contains("shop/orders and shop/twin read such files"), "{told}");
    assert!(told.contains("are not in the database, or not once (T-2; T-1)"), "{told}");
    assert!(told.contains("2 files wait behind them") && !told.contains("are not in the spool"), "{told}");
    for path in house.files("done/shop") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with("monday.csv") {
            fs::rename(&path, house.root.join("spool/in/shop/orders").join(name)).unwrap();
        }
    }
    house.run(&["run", "--once"], 0);
    let told = house.run(&["catch-up", "--do"], 0);
    assert!(told.contains("with 2 orders; erp/orders resumed"), "{told}");
    house.run(&["send", "erp/orders"], 0);
    let exported = house.exported(Path::new("/nowhere"));
    assert_eq!((exported.len(), exported.values().max()), (4, Some(&1)), "{exported:?}");
    // The id says when it came.
    let moved = house.query("SELECT (file_id || ' ' || first_seen) FROM file WHERE name = 'tuesday.csv' ORDER BY 1");
    let db = house.query("SELECT first_seen FROM file WHERE name = 'monday.csv'");
    assert!(moved.len() == 2 && moved[0][14..] > *db[0], "{moved:?} {db:?}");
}

#[test]
fn it_may_be_killed_at_any_of_its_calls() {
    let (house, copy) = lived(SHOP);
    let (orders, verdicts, files) = (house.query(ORDERS), house.query(VERDICTS), order_feed_files(&house));
    house.put_back(&copy);
    let template = house.root.with_file_name("template");
    copy_tree(&house.root, &template);
    let calls = house.root.with_file_name("calls");
    let whole = ["catch-up", "--do", "--accept-database"];
    house.try_run(&whole, Some(&format!("count@{}", calls.display())));
    let count = fs::read_to_string(&calls).unwrap().lines().count();
    assert!(count > 40, "only {count} calls");
    // Every call is the rig's; here a share of them, another one for each build of the test.
    let step = (count / 12).max(1);
    for at in (1 + count % step..=count).step_by(step) {
        fs::remove_dir_all(&house.root).unwrap();
        copy_tree(&template, &house.root);
        let (code, said) = house.try_run(&whole, Some(&format!("kill@{at}")));
        assert_eq!(code, None, "kill@{at}: {said}");
        let told = house.try_run(&whole, None);
        assert!(matches!(told.0, Some(0)), "after kill@{at}: {told:?}");
        house.run(&["run", "--once"], 0);
        assert_eq!(house.query(ORDERS), orders, "kill@{at}");
        assert_eq!(house.query(VERDICTS), verdicts, "kill@{at}");
        assert_eq!(order_feed_files(&house), files, "kill@{at}");
        house.run(&["send", "erp/orders"], 0);
        let exported = house.exported(Path::new("/nowhere"));
        assert_eq!((exported.len(), exported.values().max()), (4, Some(&1)), "kill@{at}: {exported:?}");
    }
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_tree(&path, &target);
        } else {
            let modified = path.metadata().unwrap().modified().unwrap();
            fs::copy(&path, &target).unwrap();
            fs::File::options().write(true).open(&target).unwrap().set_modified(modified).unwrap();
        }
    }
}
