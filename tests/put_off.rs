//! A mail server that takes a letter for one reader and puts the other off (greylisting): both get it, once each, under one
//! identity, and what comes up meanwhile is not kept from the first.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

const FIRST: &str = "first@nordkap.example";
const SECOND: &str = "second@nordkap.example";

/// A letter as the server took it: for whom, and which.
type Taken = (Vec<String>, String);

fn talk(stream: TcpStream, puts_off: &AtomicBool, took: &Sender<Taken>) -> std::io::Result<()> {
    let mut answers = stream.try_clone()?;
    let mut say = |text: &str| answers.write_all(format!("{text}\r\n").as_bytes());
    let (mut to, mut id, mut in_letter) = (Vec::new(), String::new(), false);
    say("220 mail")?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if in_letter {
            if let Some(found) = line.strip_prefix("Message-ID: ") {
                id = found.to_string();
            }
            if line == "." {
                in_letter = false;
                took.send((std::mem::take(&mut to), std::mem::take(&mut id))).unwrap();
                say("250 taken")?;
            }
            continue;
        }
        if let Some(reader) = line.strip_prefix("RCPT TO:<").and_then(|rest| rest.strip_suffix('>')) {
            if reader == SECOND && puts_off.load(Ordering::Relaxed) {
                say("450 4.2.0 greylisted, try again later")?;
            } else {
                to.push(reader.to_string());
                say("250 ok")?;
            }
        } else if line == "DATA" {
            in_letter = true;
            say("354 go")?;
        } else if line == "QUIT" {
            break;
        } else {
            say("250 ok")?;
        }
    }
    Ok(())
}

struct Site {
    folder: tempfile::TempDir,
    puts_off: Arc<AtomicBool>,
    took: Mutex<Receiver<Taken>>,
}

impl Site {
    fn new() -> Site {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (puts_off, (took, taken)) = (Arc::new(AtomicBool::new(true)), channel());
        let is_put_off = puts_off.clone();
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A conversation that breaks off took nothing.
                let _ = talk(stream, &is_put_off, &took);
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let company = format!(
            "company = \"Nordkap\"\ndisk_floor = \"off\"\n[mail]\nserver = \"127.0.0.1:{port}\"\ntls = \"none\"\nfrom = \"n@nordkap.example\"\n\
             [notices.ops]\nmail = [\"{FIRST}\", \"{SECOND}\"]\ngather = \"0 s\"\n"
        );
        fs::write(folder.path().join("nattpost.toml"), company).unwrap();
        fs::create_dir(folder.path().join("partners")).unwrap();
        let shop = "name = \"Shop\"\n[intake.one]\nlayouts = [\"nattpost-order-xml\"]\nsettle = \"rename\"\n\
                    [intake.two]\nlayouts = [\"nattpost-order-xml\"]\nsettle = \"rename\"\n";
        fs::write(folder.path().join("partners/shop.toml"), shop).unwrap();
        let site = Site { folder, puts_off, took: Mutex::new(taken) };
        site.run();
        site
    }

    fn run(&self) -> String {
        let config = self.folder.path().join("nattpost.toml");
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_nattpost")));
        command.arg("--config").arg(config).args(["run", "--once"]).env_remove("NATTPOST_FAULT").stdin(Stdio::null());
        let done = command.output().unwrap();
        let told = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{told}");
        told
    }

    fn sql(&self, sql: &str) -> Vec<String> {
        let db = rusqlite::Connection::open(self.folder.path().join("nattpost.db")).unwrap();
        let mut found = db.prepare(sql).unwrap();
        let rows = found.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// A file that is refused, and as if five minutes had passed.
    fn problem(&self, intake: &str) -> String {
        fs::write(self.folder.path().join("spool/in/shop").join(intake).join("bad.xml"), "<orders>").unwrap();
        self.run();
        self.sql("UPDATE problem SET began_at = '2026-11-07T05:00:00.000Z' WHERE told_at IS NULL RETURNING problem_id");
        self.run()
    }

    /// What came to whom since the last look.
    fn letters(&self) -> Vec<Taken> {
        self.took.lock().unwrap().try_iter().collect()
    }
}

#[test]
fn who_is_put_off_gets_the_letter_later_and_keeps_nothing_from_the_others() {
    let site = Site::new();
    let told = site.problem("one");
    assert!(told.contains("notice-sent") && told.contains("450 4.2.0 greylisted"), "{told}");
    let [(to, first)] = &site.letters()[..] else { panic!("{told}") };
    assert_eq!(to, &[FIRST]);
    let waits = "SELECT state || ' ' || still_for FROM notice ORDER BY notice_no";
    assert_eq!(site.sql(waits), [format!("waiting {SECOND}")]);

    // The next problem is told to the first at once.
    site.problem("two");
    let letters = site.letters();
    let [(to, second)] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!(to, &[FIRST]);
    assert_ne!(first, second);

    site.puts_off.store(false, Ordering::Relaxed);
    site.run();
    assert_eq!(site.letters(), [(vec![SECOND.to_string()], first.clone()), (vec![SECOND.to_string()], second.clone())]);
    assert_eq!(site.sql(waits), ["sent ", "sent "].map(String::from));
    site.run();
    assert_eq!(site.letters(), []);
}
