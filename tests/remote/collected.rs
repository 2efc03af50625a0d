//! The program over the scripted server: what is taken, what stays there, what is said, and that a secret is nowhere.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant, SystemTime};

use super::files_in;
use super::ftp_double::{Double, PASSWORD, USER};
use super::honest::ground;

pub struct Night {
    _kept: (tempfile::TempDir, tempfile::TempDir),
    /// The server's folder.
    pub there: PathBuf,
    /// Ours.
    pub here: PathBuf,
    pub double: Double,
}

pub fn order(number: &str) -> String {
    format!(
        "nattpost;order;1\n!order;buyer_order_no;customer_no\n!line;line_no;article_no;qty;unit\norder;{number};1001\nline;1;A1;1;PCE\n"
    )
}

impl Night {
    pub fn new(script: &str, intake: &str) -> Night {
        let ((kept_there, there), kept_here) = (ground(), tempfile::tempdir().unwrap());
        let (here, double) = (kept_here.path().to_owned(), Double::start(&there, script));
        std::fs::create_dir(here.join("partners")).unwrap();
        std::fs::write(here.join("nattpost.toml"), "company = \"Nordkap\"\n").unwrap();
        let common =
            "layouts = [\"nattpost-order-csv\"]\nsettle = \"rename\"\ncustomers = \"accept\"\narticles = \"accept\"\n";
        let shop = format!(
            "name = \"Shop\"\n[remote.ftp]\nkind = \"ftp\"\nhost = \"127.0.0.1\"\nport = {}\nuser = \"{USER}\"\n\
             password = \"env:DOUBLE\"\ntls = \"none\"\ntimeout = \"5 s\"\n[intake.orders]\nfrom = \"ftp:in\"\n{intake}\n{common}",
            double.port
        );
        std::fs::write(here.join("partners/shop.toml"), shop).unwrap();
        std::fs::write(here.join("partners/other.toml"), format!("name = \"Other\"\n[intake.orders]\n{common}"))
            .unwrap();
        Night { _kept: (kept_there, kept_here), there, here, double }
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
        command.arg("--config").arg(self.here.join("nattpost.toml")).args(words).env("DOUBLE", PASSWORD);
        command
    }

    pub fn run(&self) -> Output {
        self.command(&["run", "--once"]).output().unwrap()
    }

    /// A file of the partner, old enough for its time to tell something.
    pub fn put(&self, name: &str, text: &str) {
        let path = self.there.join("in").join(name);
        std::fs::write(&path, text).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(600)).unwrap();
    }

    pub fn names_there(&self) -> Vec<String> {
        files_in(&self.there.join("in")).into_iter().map(|(name, _)| String::from_utf8(name).unwrap()).collect()
    }

    pub fn orders(&self) -> Vec<String> {
        let store = rusqlite::Connection::open(self.here.join("nattpost.db")).unwrap();
        let mut rows = store.prepare("SELECT buyer_order_no FROM orders ORDER BY 1").unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn orders_are_taken_from_a_server_and_removed_there() {
    for intake in
        ["", "claim = \"look\"", "after = \"move /out\"", "after = \"rename {name}.done\"\nmatch = [\"*.csv\"]"]
    {
        let night = Night::new("", intake);
        for number in 0..30 {
            night.put(&format!("orders {number}.csv"), &order(&format!("O-{number:02}")));
        }
        let output = night.run();
        assert!(output.status.success(), "{intake}: {}", said(&output));
        assert_eq!(night.orders(), (0..30).map(|number| format!("O-{number:02}")).collect::<Vec<_>>(), "{intake}");
        let (left, moved) = (night.names_there(), files_in(&night.there.join("out")).len());
        let expected = if intake.contains("rename {") {
            (30, 0)
        } else if intake.contains("move") {
            (0, 30)
        } else {
            (0, 0)
        };
        assert_eq!((left.len(), moved), expected, "{intake}: {left:?}");
        assert!(left.iter().all(|name| name.ends_with(".done")), "{left:?}");
    }
}

/// The partner puts a new file in the place of the one that was fetched and is about to be removed: it is taken too.
#[test]
fn a_file_that_was_replaced_after_it_was_fetched_is_not_removed_unread() {
    let second = order("second").replace('\n', "\\r\\n");
    // Its size is asked for just before it would be removed.
    let night = Night::new(&format!("on SIZE 2 replace in/orders.csv \"{second}\""), "claim = \"look\"");
    night.put("orders.csv", &order("first"));
    let output = night.run();
    let place = |verb: &str| night.double.log().iter().rposition(|line| line.contains(verb)).unwrap();
    assert!(place("RETR orders.csv -> 226") < place("SIZE orders.csv"), "{:?}", night.double.log());
    if !night.names_there().is_empty() {
        night.patient_run();
    }
    assert_eq!(night.orders(), ["first", "second"], "{}", said(&output));
    assert!(said(&output).contains("file-kept-there"), "{}", said(&output));
    assert!(night.names_there().is_empty(), "and then it is removed");
}

/// The partner puts another file in its place before any command that has to do with it: whatever he puts there is taken, and
/// nothing is removed unread. But for the one round trip between the last look and the removal, which `claim = "look"` leaves.
#[test]
fn a_file_may_be_replaced_between_any_two_steps() {
    let ways = [("", &[][..]), ("claim = \"look\"", &["DELE"])];
    std::thread::scope(|scope| {
        ways.map(|(intake, open)| scope.spawn(move || replaced_at_every_step(intake, open)))
            .map(|thread| thread.join().unwrap())
    });
}

fn replaced_at_every_step(intake: &str, left_open: &[&str]) {
    let second = order("second").replace('\n', "\\r\\n");
    let honest = Night::new("", intake);
    honest.put("orders.csv", &order("first"));
    honest.run();
    let mut calls = std::collections::BTreeMap::<String, u32>::new();
    // A transfer is two lines.
    for line in honest.double.log().into_iter().filter(|line| !line.contains("-> 226")) {
        *calls.entry(line.split(' ').nth(1).unwrap().to_owned()).or_default() += 1;
    }
    let of_file = ["EPSV", "MLSD", "SIZE", "MDTM", "RNFR", "RNTO", "RETR", "DELE", "QUIT"];
    let steps = of_file.into_iter().filter(|verb| !left_open.contains(verb));
    let steps = steps.flat_map(|verb| (1..=calls.get(verb).copied().unwrap_or_default()).map(move |n| (verb, n)));
    let mut count = 0;
    for (verb, number) in steps {
        let night = Night::new(&format!("on {verb} {number} replace in/orders.csv \"{second}\""), intake);
        night.put("orders.csv", &order("first"));
        let mut told = said(&night.run());
        // Overwritten before anybody read it, the first one is his own affair.
        let is_kept = || night.orders().contains(&"second".to_owned()) && night.names_there().is_empty();
        if !is_kept() {
            told += &night.patient_run();
        }
        assert!(is_kept(), "{intake} {verb} {number}: {:?}\n{told}\n{:#?}", night.orders(), night.double.log());
        count += 1;
    }
    assert!(count > 7, "{calls:?}");
}

/// The same while it is read once more to be compared: its facts are asked for after that as well.
#[test]
fn a_file_that_was_replaced_while_it_was_compared_is_not_removed_unread() {
    let second = order("second").replace('\n', "\\r\\n");
    // Before it is read, before it would be removed, behind the reading, and last of all.
    let night = Night::new(&format!("on SIZE 4 replace in/orders.csv \"{second}\""), "claim = \"look\"");
    night.put("orders.csv", &order("first"));
    let output = night.run();
    assert_eq!(night.double.calls("RETR"), 2 + u32::from(night.names_there().is_empty()), "{:?}", night.double.log());
    if !night.names_there().is_empty() {
        night.patient_run();
    }
    assert_eq!(night.orders(), ["first", "second"], "{}", said(&output));
    assert!(said(&output).contains("file-kept-there"), "{}", said(&output));
}

const PAIR: &str = "companion = [\"{no}.csv\", \"{no}.pdf\"]";
const PAPER: &str = "%PDF-1.4\norder\n%%EOF\n";

fn pairs_taken(night: &Night) -> Vec<String> {
    let store = rusqlite::Connection::open(night.here.join("nattpost.db")).unwrap();
    let mut rows = store.prepare("SELECT f.name || ' ' || f.state || ' ' || f.verdict FROM file f ORDER BY 1").unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// An order and its PDF on a server: one arrival, whatever breaks on the way to them; and on a server that does not let us rename.
#[test]
fn a_pair_on_a_server_is_taken_together_whatever_breaks() {
    for (script, intake, is_at_once) in [
        ("", "", true),
        ("", "claim = \"look\"", true),
        ("on RNFR reply \"550 no\"", "", true),
        // One of them alone is not to be renamed.
        ("on RNFR:/in/a.pdf reply \"550 no\"", "", true),
        ("on RNFR:/in/a.csv reply \"550 no\"", "", true),
        ("on RNTO 2 hang-up", "", false),
        ("on RETR 2 data 20 cut", "", false),
        ("on RETR 2 reply \"450 busy\"", "claim = \"look\"", false),
        ("on DELE 2 hang-up", "", false),
        ("on DELE 2 hang-up", "claim = \"look\"", false),
    ] {
        let night = Night::new(script, &format!("{PAIR}\n{intake}"));
        night.put("a.csv", &order("A-1"));
        night.put("a.pdf", PAPER);
        let output = night.run();
        let mut told = said(&output);
        assert!(output.status.success() || !is_at_once, "{script}: {told}");
        let is_done = output.status.success() && night.names_there().is_empty();
        if !is_at_once && !is_done {
            told += &night.patient_run();
        }
        let taken = (pairs_taken(&night), night.orders());
        let expected = (vec!["a.csv.zip judged accepted".to_string()], vec!["A-1".to_string()]);
        assert_eq!(taken, expected, "{script} {intake}: {told}\n{:#?}", night.double.log());
        assert!(night.names_there().is_empty(), "{script} {intake}: {:?} {told}", night.names_there());
    }
}

/// The PDF is replaced between any two of our steps: what we have is one of the two, and the other is never removed unread.
#[test]
fn a_half_that_is_replaced_is_never_removed_unread() {
    let ways = [("", &["RNFR 2", "RNTO 2", "DELE 1"][..]), ("claim = \"look\"", &["SIZE 2", "RETR 2", "SIZE 4"])];
    for (intake, steps) in ways {
        for step in steps {
            let second = "%PDF-1.4\\nanother\\n%%EOF\\n";
            let script = format!("on {step} replace in/a.pdf \"{second}\"");
            let night = Night::new(&script, &format!("{PAIR}\n{intake}"));
            night.put("a.csv", &order("A-1"));
            night.put("a.pdf", PAPER);
            let told = said(&night.run());
            assert_eq!(night.orders(), ["A-1"], "{script} {intake}: {told}");
            let kept = rusqlite::Connection::open(night.here.join("nattpost.db")).unwrap();
            let sql = "SELECT content_hash FROM file_part WHERE name = 'a.pdf'";
            let hash: Vec<u8> = kept.query_row(sql, [], |row| row.get(0)).unwrap();
            let has_second = hash == blake3::hash(b"%PDF-1.4\nanother\n%%EOF\n").as_bytes();
            let stays = night.names_there() == ["a.pdf"];
            assert!(has_second != stays, "{script} {intake}: {has_second} {:?} {told}", night.names_there());
        }
    }
}

/// It lets one of us in at a time, and says so to the next with a number that means something else: no fault, no pause.
#[test]
fn a_server_that_is_full_is_worked_with_over_fewer_connections() {
    for (at, words) in [("CONNECT", "421 too many of you"), ("PASS", "530 too many of you")] {
        let script: String = (2..9).map(|n| format!("on {at} {n} reply \"{words}\" close\n")).collect();
        let night = Night::new(&script, "");
        // More than one job.
        for number in 0..150 {
            night.put(&format!("orders {number}.csv"), &order(&format!("O-{number:03}")));
        }
        let shop = night.here.join("partners/shop.toml");
        let text = std::fs::read_to_string(&shop).unwrap().replace("timeout = ", "connections = 4\ntimeout = ");
        let more = "[intake.more]\nfrom = \"ftp:out\"\nlayouts = [\"nattpost-order-csv\"]\n";
        std::fs::write(&shop, text + more).unwrap();
        let output = night.run();
        assert!(output.status.success() && !said(&output).contains("remote-failed"), "{words}: {}", said(&output));
        assert_eq!(night.orders().len(), 150);
        assert!(night.double.calls(at) > 1, "a second connection was tried");
    }
}

/// It lets one of us in, and he is delivering when a folder is due to be looked at: that look has its turn a little later.
#[test]
fn a_look_that_a_full_server_refused_is_not_forgotten() {
    // Which of the two comes first is chance.
    for _ in 0..4 {
        let script: String = (2..9).map(|n| format!("on CONNECT {n} reply \"421 too many of you\" close\n")).collect();
        let night = Night::new(&format!("{script}on STOR delay 300ms\n"), "");
        night.put("orders.csv", &order("first"));
        let shop = night.here.join("partners/shop.toml");
        let feed = "[feed.orders]\nlayout = \"nattpost-order-csv\"\nfile_name = \"o_{run}.csv\"\nto = \"ftp:out\"\non_registration = true\n";
        let there = std::fs::read_to_string(&shop).unwrap().replace("timeout = ", "connections = 2\ntimeout = ") + feed;
        std::fs::write(&shop, there.replace(&format!("port = {}", night.double.port), "port = 1")).unwrap();
        let dropped = night.here.join("spool/in/other/orders");
        std::fs::create_dir_all(&dropped).unwrap();
        std::fs::write(dropped.join("o.csv"), order("other")).unwrap();
        assert_eq!(night.run().status.code(), Some(75), "its file waits for the server");
        std::fs::write(&shop, there).unwrap();
        let mut run = night.command(&["run", "--once"]).stderr(std::process::Stdio::null()).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        while run.try_wait().unwrap().is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        run.kill().unwrap();
        assert_eq!(run.wait().unwrap().code(), Some(0), "it came to its end; {:?}", night.double.log());
        assert_eq!(night.orders(), ["first", "other"]);
        assert!(night.double.calls("CONNECT") > 1, "a second connection was tried");
    }
}

/// Its name is taken where it is moved to, so it got its id behind it; the answer to that was lost.
#[test]
fn a_move_that_nobody_heard_of_is_found_done() {
    let night = Night::new("on RNTO 2 lose-answer", "after = \"move /out\"");
    std::fs::write(night.there.join("out/orders.csv"), "another one").unwrap();
    night.put("orders.csv", &order("first"));
    let output = night.run();
    assert_eq!(output.status.code(), Some(75), "{}", said(&output));
    let again = night.patient_run();
    let store = rusqlite::Connection::open(night.here.join("nattpost.db")).unwrap();
    let owed: u32 = store.query_row("SELECT count(*) FROM collect", [], |row| row.get(0)).unwrap();
    assert_eq!((owed, files_in(&night.there.join("out")).len()), (0, 2), "{} {again}", said(&output));
    assert_eq!(night.orders(), ["first"]);
}

/// Two servers' worth of trouble is one partner's: what others drop is applied while this one is silent.
#[test]
fn a_silent_server_delays_nobody_else() {
    let night = Night::new("on MLSD silence", "every = \"10 s\"");
    let patient = |text: String| text.replace("timeout = \"5 s\"", "timeout = \"60 s\"");
    let shop = night.here.join("partners/shop.toml");
    std::fs::write(&shop, patient(std::fs::read_to_string(&shop).unwrap())).unwrap();
    let mut daemon = night.command(&["run"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let dropped = night.here.join("spool/in/other/orders");
    let within = |what: &str, holds: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{what}: not within 20 s, the time-out is 60 s");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    within("the folder is made", &|| dropped.is_dir());
    within("the server is asked", &|| night.double.calls("MLSD") > 0);
    std::fs::write(dropped.join("a.part"), order("other")).unwrap();
    std::fs::rename(dropped.join("a.part"), dropped.join("a.csv")).unwrap();
    within("the other's order", &|| !dropped.join("a.csv").exists() && night.orders() == ["other"]);
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

fn every_byte(folder: &Path, into: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => every_byte(&path, into),
            path => into.extend(std::fs::read(path).unwrap_or_default()),
        }
    }
}

/// However the server answers, also when it repeats what it was told.
#[test]
fn the_password_is_nowhere_and_the_words_are_right() {
    for (script, words) in [
        (format!("on PASS reply \"530 {PASSWORD} is wrong\""), "PASS: 530 *** is wrong. Look at user and password"),
        ("on CONNECT reply \"421 too many\" close".into(), "greeting: 421 too many"),
        ("on MLSD reply \"421 bye\" close".into(), "MLSD: 421 bye"),
        (format!("on CWD reply \"550 no {PASSWORD}\""), "CWD \"/in\": 550 no ***"),
        ("on RETR data 10 cut reply \"426 cut\"".into(), "after 10 bytes"),
        (format!("on CONNECT reply \"{PASSWORD}\" close"), "greeting: what came is no answer to it: ***"),
        (format!("on USER reply \"421 {PASSWORD}\" close"), "USER \"nattpost\": 421 ***"),
        (format!("on TYPE raw \"PASS {PASSWORD}\\r\\n\""), "PASS ***"),
        (format!("on RNFR reply \"550 {PASSWORD}\"\non RETR reply \"550 {PASSWORD}\""), "550 ***"),
        (format!("on EPSV reply \"229 {PASSWORD}\"\non PASV reply \"227 {PASSWORD}\""), "\"227 ***\" names no port"),
        (format!("on RETR data 10 close reply \"451 {PASSWORD}\""), "451 ***"),
    ] {
        let night = Night::new(&script, "");
        night.put("orders.csv", &order("O-1"));
        let output = night.run();
        assert_eq!(output.status.code(), Some(75), "{script}: {}", said(&output));
        assert!(said(&output).contains(words), "{script}: {}", said(&output));
        let status = night.command(&["status", "--json"]).output().unwrap();
        let mut all = said(&output).into_bytes();
        all.extend(said(&status).into_bytes());
        every_byte(&night.here, &mut all);
        let found = all.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes());
        assert!(!found, "{script}");
        // The server is well again, and nothing is lost.
        night.double.become_another("");
        std::fs::write(night.here.join("partners/other.toml"), "name = \"Other\"\n").unwrap();
        let again = night.patient_run();
        assert_eq!(night.orders(), ["O-1"], "{script}: {again}");
        assert!(night.names_there().is_empty(), "{script}: {:?}", night.names_there());
    }
}

impl Night {
    /// A remote that failed is not asked again at once; a changed rule is another remote to the ledger.
    pub fn patient_run(&self) -> String {
        let path = self.here.join("partners/shop.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let (now, other) = if text.contains("timeout = \"5 s\"") { ("5 s", "6 s") } else { ("6 s", "5 s") };
        std::fs::write(&path, text.replace(&format!("timeout = \"{now}\""), &format!("timeout = \"{other}\"")))
            .unwrap();
        said(&self.run())
    }
}

/// Sizes beyond all numbers, below zero, none; a name twice; other letters, future and leap days; links: what can be taken is
/// taken once, and nothing stands in its way.
#[test]
fn a_listing_full_of_nonsense_hides_no_file() {
    for intake in ["", "claim = \"look\"", "claim = \"look\"\nafter = \"keep\""] {
        let list = tempfile::NamedTempFile::new().unwrap();
        let night = Night::new(&format!("on MLSD listing \"{}\"", list.path().display()), intake);
        let names = ["huge", "large", "beyond", "negative", "future", "leap", "bare", "small"];
        names.iter().for_each(|name| night.put(&format!("{name}.csv"), &order(name)));
        let lines = [
            "type=cdir;modify=20261122083000; .",
            "Type=PDIR;Modify=20261122083000; ..",
            "type=file;size=18446744073709551615;modify=20261122083000; huge.csv",
            "type=file;size=9223372036854775808;modify=20261122083000; large.csv",
            "type=file;size=99999999999999999999;modify=20261122083000; beyond.csv",
            "type=file;size=-2147483648;modify=20261122083000; negative.csv",
            "TYPE=FILE;SIZE=0;MODIFY=29991231235960.999; future.csv",
            "type=file;perm=adfrw;size=0;modify=20240229000000;UNIX.mode=0644;x.odd=; leap.csv",
            " bare.csv",
            "size=0; small.csv",
            "type=file;size=0;modify=20261122083000; small.csv",
            "type=OS.unix=slink:/etc/passwd;size=7;modify=20261122083000; link.csv",
            "type=dir;modify=20261122083000; folder",
            "what is this?",
        ];
        std::fs::write(list.path(), lines.join("\r\n")).unwrap();
        let output = night.run();
        let mut expected = names.map(str::to_owned);
        expected.sort();
        assert_eq!(night.orders(), expected, "{intake}: {}\n{:#?}", said(&output), night.double.log());
        // The same again, of what is no longer there: nobody takes anything twice.
        night.patient_run();
        assert_eq!(night.orders(), expected, "{intake}");
    }
}

/// A server that hangs up after each file it gave away: slow, and yet all of it comes.
#[test]
fn a_server_that_hangs_up_after_each_file_is_emptied() {
    let night = Night::new("on RETR hang-up", "every = \"10 s\"");
    for number in 0..5 {
        night.put(&format!("{number}.csv"), &order(&number.to_string()));
    }
    let output = night.run();
    assert_eq!(night.orders(), ["0", "1", "2", "3", "4"], "{}\n{:#?}", said(&output), night.double.log());
    assert!(night.names_there().is_empty(), "{}", said(&output));
}

/// A large file whose line broke goes on where it ended, where the server can; where it cannot, or begins from the first byte all the
/// same, the file is fetched anew. No byte is there twice.
#[test]
fn a_large_file_goes_on_where_its_line_broke() {
    let content: String = (0..400_000).map(|number| format!("{number:07}\n")).collect();
    for (more, asked, fetched) in [
        ("", 1, 2),
        ("on REST reply \"502 no\"", 1, 2),
        // It says yes and begins at the first byte.
        ("on REST say \"350 from there\"", 1, 3),
    ] {
        let night = Night::new(&format!("on RETR 1 data 2000000 close reply \"426 cut\"\n{more}"), "");
        night.put("large.csv", &content);
        let mut told = said(&night.run());
        if night.double.calls("RETR") < fetched {
            told += &night.patient_run();
        }
        let log = night.double.log();
        assert_eq!(
            (night.double.calls("REST"), night.double.calls("RETR")),
            (asked, fetched),
            "{more} {told} {log:#?}"
        );
        let mut kept = Vec::new();
        every_byte(&night.here.join("spool/failed"), &mut kept);
        let text = String::from_utf8_lossy(&kept);
        assert!(text.contains(&content), "{more}: {} bytes of {} {told}", kept.len(), content.len());
        assert_eq!(text.matches("0000000\n").count(), 1, "{more}");
    }
}

/// A server that tells the time of its own zone, and whose summer ends: what stays there is read once more, and is what it was.
#[test]
fn files_that_stay_are_no_others_when_a_clock_is_set() {
    let list = tempfile::NamedTempFile::new().unwrap();
    let night = Night::new(
        &format!("on MLSD listing \"{}\"\non MDTM reply \"502 no\"", list.path().display()),
        "after = \"keep\"",
    );
    let told_at = |hour: u32| {
        let lines =
            ["a", "b", "c"].map(|name| format!("type=file;size=114;modify=20261025{hour:02}3000; {name}.csv\r\n"));
        std::fs::write(list.path(), lines.concat()).unwrap();
    };
    ["a", "b", "c"].iter().for_each(|name| night.put(&format!("{name}.csv"), &order(name)));
    told_at(8);
    night.run();
    let fetched = night.double.calls("RETR");
    assert_eq!((night.orders().len(), fetched), (3, 3));
    told_at(7);
    // One of them is another since then.
    night.put("c.csv", &order("d"));
    let told = night.patient_run();
    assert_eq!(night.orders(), ["a", "b", "c", "d"], "{told}");
    let files: u32 = rusqlite::Connection::open(night.here.join("nattpost.db"))
        .unwrap()
        .query_row("SELECT count(*) FROM file", [], |row| row.get(0))
        .unwrap();
    assert_eq!(files, 4, "a and b did not arrive a second time");
    let read = night.double.calls("RETR");
    night.patient_run();
    assert_eq!(night.double.calls("RETR"), read, "and nobody reads them once more");
}
