//! `check --connect`: what a server or folder does not let us do is told, each as its own sentence, and nothing of ours stays
//! there; and what `check` says of secrets.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::SystemTime;

use super::place::Place;
use crate::ftp_double::{Double, FINGERPRINT, PASSWORD, USER};

const IN: &str = "[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nfrom = \"ftp:/out\"\nmatch = [\"*.csv\"]\n";
const OUT: &str = "[feed.orders]\nlayout = \"nattpost-order-csv\"\nfile_name = \"o-{run}.csv\"\nto = \"ftp:/in\"\n";
const SHADY: &str = "host = \"127.0.0.1\"\nuser = \"nattpost\"\n";

struct Checked {
    place: Place,
    double: Double,
}

impl Checked {
    fn new(script: &str, rules: &str) -> Checked {
        let place = Place::new("");
        let double = Double::start(&place.at("there"), script);
        let checked = Checked { place, double };
        checked.secret(PASSWORD.as_bytes(), 0o600);
        checked.configure("tls = \"none\"\n", rules);
        checked
    }

    fn configure(&self, more: &str, rules: &str) {
        let secret = self.place.at("secret");
        let remote = format!(
            "[remote.ftp]\nkind = \"ftp\"\nhost = \"127.0.0.1\"\nport = {}\nuser = \"{USER}\"\npassword = \"file:{}\"\ntimeout = \"5 s\"\n{more}",
            self.double.port,
            secret.display()
        );
        self.place.configure(&format!("{remote}{rules}"));
    }

    fn secret(&self, bytes: &[u8], mode: u32) {
        let path = self.place.at("secret");
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Exit code and words; blanks and line ends do not matter.
    fn check(&self, words: &[&str]) -> (i32, String) {
        let told = self.place.command(&[&["check"], words].concat(), None);
        assert!(!told.text.contains(PASSWORD), "{}", told.text);
        (told.code.unwrap(), told.text)
    }

    fn left(&self) -> Vec<String> {
        ["in", "out", "done"].iter().flat_map(|folder| self.place.there(folder).into_keys()).collect()
    }
}

#[test]
fn all_that_is_to_be_done_there_is_tried_and_nothing_stays() {
    let checked = Checked::new("", &format!("{IN}after = \"move /done\"\n{OUT}"));
    checked.place.put("there/out/a.csv", "x");
    checked.place.put("there/out/readme.txt", "x");
    let (code, text) = checked.check(&["--connect"]);
    assert_eq!(code, 0, "{text}");
    for words in [
        "remote shop/ftp",
        "greets: 220 the double is ready",
        "note  tls: No TLS: user, password and files go readable over the line.",
        "Logged in as nattpost; login folder: /.",
        "It can: MLST type*;size*;modify*;, SIZE",
        "list /out: Listed (MLSD) for intake shop/orders: 2 files, 1 of them to take.",
        "write /out: Written, renamed and read back for intake shop/orders: 1 KiB.",
        "write /in: Written, renamed and read back for feed shop/orders: 1 KiB.",
        "clock: Its clock goes like ours.",
        "remote shop/drop",
        "All that was tried is well.",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert_eq!(checked.left(), ["a.csv", "readme.txt"]);
    let moved = checked.double.log().iter().any(|line| line.contains("RNTO /done/nattpost-check-renamed.txt."));
    assert!(moved, "a file that is moved when it was taken is tried to be moved: {:?}", checked.double.log());
}

#[test]
fn what_is_not_allowed_is_a_sentence_of_its_own() {
    let two_hours_on: chrono::DateTime<chrono::Utc> =
        (SystemTime::now() + std::time::Duration::from_secs(7_200)).into();
    let clock = format!("on MDTM say \"213 {}\"", two_hours_on.format("%Y%m%d%H%M%S"));
    for (script, rules, code, sentence) in [
        (
            "on STOR reply \"553 Could not create file.\"",
            OUT,
            69,
            "Nothing can be written for feed shop/orders: 127.0.0.1",
        ),
        (
            "on STOR reply \"553 Could not create file.\"",
            OUT,
            69,
            "553 Could not create file. Ask the partner for the right to write there.",
        ),
        ("on STOR reply \"552 Quota\"", OUT, 69, "552 Quota. There is no room left for us; ask the partner."),
        ("on STOR keep 100 \"226 kept\"", OUT, 69, "says 226 and keeps 100 of 1024 bytes"),
        ("on RNTO reply \"550 Not here\"", OUT, 69, "The file cannot be renamed for feed shop/orders: 127.0.0.1"),
        (
            "on RNFR reply \"550 Not here\"",
            IN,
            69,
            "The file cannot be renamed for intake shop/orders: 550 Not here. Ask the partner for the right to rename there.",
        ),
        (
            "on DELE reply \"550 Never\"",
            OUT,
            69,
            "Our file cannot be removed and is left there: \"/in/nattpost-check-renamed.txt.",
        ),
        ("on DELE reply \"550 Never\"", IN, 69, "(550 Never). Ask the partner for the right to remove"),
        // Who only takes files needs no right to write.
        (
            "on STOR reply \"550 Read-only\"",
            IN,
            0,
            "which intake shop/orders does not need. That taken files can be removed",
        ),
        (
            "on STOR reply \"550 Read-only\"\non DELE reply \"550 Permission denied.\"",
            IN,
            69,
            "The folder is read-only for us: 550 Permission denied. Files of intake shop/orders would be fetched and stay there",
        ),
        ("on STOR reply \"550 Read-only\"\non DELE reply \"502 no\"", IN, 69, "say after = \"keep\""),
        (&clock, OUT, 0, "Its clock is 2 h ahead of ours: it tells the time of zone UTC+02:00 where UTC belongs"),
        ("on RETR reply \"550 Write only\"", OUT, 0, "It cannot be read back, which no delivery needs: 127.0.0.1"),
        ("on RETR data 1000 close reply \"226 done\"", OUT, 69, "Other bytes came back than were written"),
        ("on CWD reply \"550 No such folder\"", IN, 69, "intake shop/orders: the folder cannot be listed: 127.0.0.1"),
        ("on CWD reply \"550 No such folder\"", IN, 69, "550 No such folder. Name another folder in the configuration"),
        ("on PASS reply \"530 No\"", OUT, 69, "login: 127.0.0.1"),
        ("on CONNECT reply \"421 Closed\" close", OUT, 69, "greeting: 421 Closed"),
        ("on STOR lose-answer", OUT, 69, "Nothing can be written for feed shop/orders: 127.0.0.1"),
    ] {
        let checked = Checked::new(script, rules);
        let (ended, text) = checked.check(&["--connect", "shop"]);
        assert!(text.contains(sentence), "{script}: {sentence}\n{text}");
        assert_eq!(ended, code, "{script}: {text}");
        // What stays is named, and what is not named does not stay.
        let left = checked.left();
        let stays = script.contains("DELE") && !script.contains("STOR");
        assert_eq!(left.is_empty(), !stays, "{script}: {left:?}");
        assert!(left.iter().all(|name| text.contains(name.as_str())), "{left:?}\n{text}");
    }
}

#[test]
fn what_an_ended_check_left_is_removed_by_a_later_one() {
    let checked = Checked::new("", OUT);
    // It makes the spool, and with it the mark of its names.
    checked.place.run(None);
    checked.check(&["--connect"]);
    let mark = fs::read_to_string(checked.place.at("spool/.mark")).unwrap();
    let old = nattpost::model::ids::Id::new(1_700_000_000_000, 7);
    let name = format!("nattpost-check.txt.{old}.{}.part", mark.trim());
    let others = format!("nattpost-check.txt.{old}.zzzzz.part");
    let young = format!(
        "nattpost-check.txt.{}.{}.part",
        nattpost::edges::clock::new_id(chrono::Utc::now()).unwrap(),
        mark.trim()
    );
    for name in [&name, &others, &young] {
        checked.place.put(&format!("there/in/{name}"), "x");
    }
    let (code, text) = checked.check(&["--connect"]);
    assert!(
        code == 0 && text.contains(&format!("Removed \"{name}\", which an earlier check had left there.")),
        "{text}"
    );
    let mut left = checked.left();
    left.sort();
    let mut kept = vec![others, young];
    kept.sort();
    assert_eq!(left, kept);
}

#[test]
fn tls_says_who_issued_and_how_long() {
    let checked = Checked::new("set tls", OUT);
    checked.configure(&format!("pin = \"sha256:{FINGERPRINT}\"\n"), OUT);
    let (code, text) = checked.check(&["--connect", "shop"]);
    assert_eq!(code, 0, "{text}");
    checked.configure("", OUT);
    let (code, text) = checked.check(&["--connect", "shop"]);
    assert!(code == 69 && text.contains(&format!("with pin; it shows sha256:{FINGERPRINT}.")), "{text}");
    checked.configure(&format!("pin = \"sha256:{FINGERPRINT}\"\n"), OUT);
    let (code, text) = checked.check(&["--connect", "shop", "--json"]);
    assert_eq!(code, 0, "{text}");
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let remote = lines.iter().find(|line| line["remote"] == "shop/ftp").unwrap();
    assert_eq!(remote["well"], true);
    let tls = remote["findings"].as_array().unwrap().iter().find(|finding| finding["step"] == "tls").unwrap();
    let words = tls["words"].as_str().unwrap();
    assert!(words.starts_with(&format!("TLS 1.2, certificate sha256:{FINGERPRINT}, issued by ")), "{words}");
    assert!(words.contains("until 2126-10-29: ") && words.contains("days left"), "{words}");
}

#[test]
fn a_folder_is_tried_like_a_server() {
    let place = Place::new(
        "[feed.orders]\nlayout = \"nattpost-order-csv\"\nfile_name = \"o-{run}.csv\"\nto = \"drop:in\"\nupload_as = \"tmp/{name}\"\n[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nfrom = \"drop:out\"\n",
    );
    let told = place.command(&["check", "--connect"], None);
    assert!(
        told.code == Some(69) && told.text.contains("Nothing can be written for feed shop/orders"),
        "{}",
        told.text
    );
    fs::create_dir(place.at("there/in/tmp")).unwrap();
    let told = place.command(&["check", "--connect"], None);
    assert_eq!(told.code, Some(0), "{}", told.text);
    for words in [
        "The folder is there: ",
        "Listed for intake shop/orders: 0 files",
        "read back for feed shop/orders",
        "goes like ours",
    ] {
        assert!(told.text.contains(words), "{words}\n{}", told.text);
    }
    assert!(place.there("in").is_empty() && place.there("in/tmp").is_empty() && place.there("out").is_empty());
    let quiet = place.command(&["check", "--connect", "--quiet"], None);
    assert_eq!((quiet.code, quiet.text.as_str()), (Some(0), ""));
    let unknown = place.command(&["check", "--connect", "shap"], None);
    assert!(unknown.code == Some(66) && unknown.text.contains("Did you mean \"shop\"?"), "{}", unknown.text);
}

#[test]
fn secrets_that_cannot_be_used_are_told_and_never_shown() {
    let checked = Checked::new("", OUT);
    for (bytes, mode, words) in [
        (&b"geheim"[..], 0o644, "others may read it (0644; chmod 600)."),
        (b"", 0o600, "it is empty."),
        (b"\n", 0o600, "it is empty."),
        (b"geheim\ngeheim\n", 0o600, "it has a line end inside; expected one line."),
        (b"geheim\xff", 0o600, "it is no text in UTF-8."),
    ] {
        checked.secret(bytes, mode);
        let (code, text) = checked.check(&[]);
        assert!(
            text.contains(&format!(
                ", column 12, \"remote.ftp.password\": file:{}: {words}",
                checked.place.at("secret").display()
            )),
            "{text}"
        );
        assert!(code == 78 && text.contains("1 problem to correct") && !text.contains("geheim"), "{text}");
    }
    fs::remove_file(checked.place.at("secret")).unwrap();
    let (code, text) = checked.check(&[]);
    assert!(code == 78 && text.contains("there is no such secret; make "), "{text}");
    // A start and a reload go on without it, and so do those who ask for them.
    assert_eq!(checked.check(&["--quiet"]).0, 0);

    for (place, note) in [
        ("credential:shop", "only the daemon's unit is given it"),
        ("env:NATTPOST_TEST_UNSET", "set NATTPOST_TEST_UNSET for the daemon"),
    ] {
        let kept = format!("[remote.ftp]\nkind = \"ftp\"\n{SHADY}password = \"{place}\"\n{OUT}");
        checked.place.configure(&kept);
        let (code, text) = checked.check(&[]);
        assert!(
            code == 0
                && text.contains("Note: partners/shop.toml, line ")
                && text.contains("\"remote.ftp.password\"")
                && text.contains(note),
            "{text}"
        );
    }
}

#[test]
fn a_secret_that_stands_in_the_file_is_refused_and_not_repeated() {
    let place = Place::new("");
    for written in [
        format!("{SHADY}password = \"geheim\"\n"),
        format!("{SHADY}password = geheim\n"),
        format!("{SHADY}password = \"geheim\n"),
        format!("{SHADY}password = 'x'geheim\n"),
        format!("{SHADY}password = [\"geheim\"]\n"),
        format!("{SHADY}pasword = \"geheim\"\n"),
        format!("{SHADY}password = \"file:/x\"\nclient_key = \"geheim\"\n"),
        "host = \"ftp://shop:geheim@ftp.shop.example\"\nuser = \"shop\"\npassword = \"file:/x\"\n".to_string(),
    ] {
        place.configure(&format!("[remote.ftp]\nkind = \"ftp\"\n{written}"));
        for words in [&["check"][..], &["check", "--json"], &["run", "--once"]] {
            let told = place.command(words, None);
            assert!(told.code == Some(78) && !told.text.contains("geheim"), "{written}{}", told.text);
        }
    }
    place.configure("");
    for company in [
        "[mail]\nfrom = \"a@b.example\"\nserver = \"shop:geheim@mail.example\"\n",
        "[notices.ops]\nwebhook = \"https://shop:geheim@x.example/\"\n",
        "[notices.ops]\nwebhook = \"htps://shop:geheim@x.example/\"\n",
        "[notices.ops]\nwebhook = \"https://x.example/\"\nheader = { Authorization = Bearer geheim }\n",
    ] {
        fs::write(place.at("nattpost.toml"), format!("company = \"Nordkap\"\n{company}")).unwrap();
        let told = place.command(&["check"], None);
        assert!(told.code == Some(78) && !told.text.contains("geheim"), "{company}{}", told.text);
    }
}
