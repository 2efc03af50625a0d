//! What `status`, `show` and `explain` tell of remotes when no daemon runs: from the ledger alone, for a person at 06:00 who names
//! what he has before him.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::delivering::{STOCK, drop_file, stock, with_an_order};
use super::place::{Place, order};
use crate::ftp_double::{Double, PASSWORD, USER};

const IN: &str = "[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nfrom = \"drop:/out\"\nmatch = [\"orders*.csv\"]\n\
                  customers = \"accept\"\narticles = \"accept\"\n";

/// Every word has to be in what the command says.
fn says(place: &Place, command: &[&str], words: &[&str]) -> String {
    let told = place.command(command, None);
    let missing: Vec<_> = words.iter().filter(|word| !told.text.contains(**word)).collect();
    assert!(missing.is_empty(), "{command:?} lacks {missing:?}:\n{}", told.text);
    told.text
}

#[test]
fn a_name_that_is_not_taken_says_why() {
    let place = Place::new(&format!("{IN}settle = \"done-file .done\"\n"));
    for name in ["orders-1.csv", "readme.txt", "orders-2.csv.part", "6ajevd0rymjdr~orders.csv.qqqqq.taken"] {
        place.put(&format!("there/out/{name}"), &order("a"));
    }
    place.run(None);
    let waits = "shop/orders at shop/drop:/out: orders-1.csv waits for its done-file";
    let status = says(&place, &["status"], &[waits, "well"]);
    assert!(!status.contains("readme.txt"), "nobody waits for it: {status}");
    for (name, words) in [
        ("orders-1.csv", "It waits for its done-file, which ends with .done."),
        ("readme.txt", "It fits none of the patterns of shop/orders: orders*.csv."),
        ("orders-2.csv.part", "still being written"),
        ("6ajevd0rymjdr~orders.csv.qqqqq.taken", "It is a name of another Nattpost"),
    ] {
        says(&place, &["explain", name], &["It stands at shop/drop:/out", words, "No daemon runs"]);
    }
    says(
        &place,
        &["explain", "nix.csv"],
        &["was never seen", "shop/orders takes files from shop/drop:/out", "4 names"],
    );
    says(&place, &["pause", "shop/orders", "--comment", "stock-taking"], &[]);
    says(&place, &["explain", "orders-1.csv"], &["nattpost resume shop/orders"]);
}

#[test]
fn what_has_no_end_yet_and_a_folder_that_is_missing_say_so() {
    let place = Place::new(&format!("{IN}settle = \"stable 2 s\"\n"));
    let whole = order("a");
    place.put("there/out/orders-1.csv", whole.trim_end());
    place.run(None);
    says(&place, &["explain", "orders-1.csv"], &["It is incomplete: ", "refused if it does not grow for"]);
    says(&place, &["status"], &["orders-1.csv is incomplete: "]);
    fs::remove_dir_all(place.at("there/out")).unwrap();
    place.run(None);
    says(&place, &["status", "shop/drop"], &["shop/orders at shop/drop:/out: the folder cannot be listed: "]);
}

#[test]
fn a_collected_file_tells_where_it_came_from_and_what_is_owed_there() {
    let place = Place::new(&format!("{IN}settle = \"rename\"\n"));
    place.put("there/out/orders-1.csv", &order("a"));
    assert_eq!(place.run(Some("kill@spool.park")).code, None);
    let claim = place.rows("SELECT claim FROM collect").remove(0);
    says(&place, &["explain", "orders-1.csv"], &["It came from shop/drop:/out. ", &claim]);
    says(&place, &["explain", &claim], &["orders-1.csv"]);
    says(&place, &["status"], &["to fetch"]);
    assert_eq!(place.run(None).code, Some(0));
    says(&place, &["show", "orders-1.csv"], &["came from shop/drop:/out; nothing is owed there"]);
}

#[test]
fn a_silent_remote_and_what_waits_for_it_are_told_also_when_nobody_runs() {
    let place = Place::new(STOCK);
    place.take_away();
    for quantity in [1, 2] {
        drop_file(&place, "stock", "s.csv", &stock(quantity));
        place.run(None);
        says(&place, &["send", "shop/stock"], &[]);
    }
    let ran = place.run(None);
    assert_eq!(ran.code, Some(75));
    assert!(ran.text.contains("not everything could be done: shop/drop: "), "{}", ran.text);
    let waits = "shop/stock: stock_000001.csv waits for shop/drop since ";
    says(&place, &["status"], &["shop/drop: refuses us: ", "REFUSES", waits]);
    let run = place.rows("SELECT run_id FROM run WHERE state = 'ready'").remove(0);
    for item in ["stock_000001.csv", "shop/stock#1", &run, "1"] {
        let words = [
            "It goes to shop/drop:/in as stock_000001.csv",
            "Nothing of it was sent yet",
            "shop/drop refuses us since",
        ];
        says(&place, &["explain", item], &words);
    }
    says(&place, &["explain", "shop/drop"], &["stock_000001.csv of shop/stock waits", "check --connect shop"]);
    says(&place, &["explain", "drop"], &["nattpost explain shop/drop"]);
    says(
        &place,
        &["explain", "shop/stock"],
        &["shop/stock#1", "stands ready to be picked up or delivered", "shop/drop refuses us"],
    );
    let old = place.rows("SELECT run_id FROM run WHERE state = 'superseded'").remove(0);
    says(&place, &["explain", &old], &["It was replaced by shop/stock#1", &run]);
    // And it is told as late from when the first of them was ready.
    place.rows("UPDATE run SET ready_at = '2026-01-01T00:00:00.000Z' WHERE state = 'superseded' RETURNING 1");
    says(&place, &["status"], &["waits for shop/drop since 2026-01-01"]);
}

#[test]
fn each_try_of_a_delivery_is_told_and_who_decides_when_nobody_knows() {
    let place = with_an_order();
    assert_eq!(place.run(Some("kill@remote.sent")).code, None);
    let upload = place.there("in").into_keys().next().unwrap();
    says(&place, &["explain", &upload], &["shop/new#1", "Try 1 began", "was cut off when the program died"]);
    assert_eq!(place.run(Some("kill@remote.replace")).code, None);
    for name in place.there("in").into_keys() {
        fs::remove_file(place.at("there/in").join(name)).unwrap();
    }
    place.run(None);
    let run = place.rows("SELECT run_id FROM run").remove(0);
    let (release, discard) = (format!("nattpost release {run}"), format!("nattpost discard {run}"));
    let before = "Nothing of that name stood there before.";
    let decides = "A person decides about it since";
    says(&place, &["explain", "new_000001.csv"], &[before, "uploaded whole", decides, &release, &discard]);
    says(&place, &["show", "new_000001.csv"], &["why it ended", "uploaded", &release]);
    says(&place, &["status"], &["nobody knows whether it arrived"]);
}

/// An upload of a run that is over, as a server may give it back: the next listing has it removed.
#[test]
fn an_upload_that_nobody_finishes_is_removed_by_the_next_listing() {
    let answers = "[intake.answers]\nlayouts = [\"nattpost-order-csv\"]\nfrom = \"drop:/in\"\nmatch = [\"answer*.csv\"]\nsettle = \"rename\"\n\
                   customers = \"accept\"\narticles = \"accept\"\n";
    let place = Place::new(&format!("{STOCK}{answers}"));
    drop_file(&place, "stock", "s.csv", &stock(1));
    place.run(None);
    says(&place, &["send", "shop/stock"], &[]);
    place.run(None);
    let upload = place.rows("SELECT temp FROM delivery").remove(0);
    place.put(&format!("there/in/{upload}"), "half");
    let of_no_run = upload.replace("stock", "other").replace(".part", "") + "x.part";
    place.put(&format!("there/in/{of_no_run}"), "not ours");
    place.run(None);
    place.run(None);
    assert_eq!(place.there("in").into_keys().collect::<Vec<_>>(), [of_no_run, "stock_000001.csv".to_string()]);
    assert_eq!(place.rows("SELECT settled FROM delivery"), ["1"]);
}

/// Names without times, and MDTM refused: what is kept there is read, and taken again only when it is another.
#[test]
fn what_stays_at_a_server_without_times_is_taken_once() {
    let place = Place::new("");
    let script: String = ["MLSD", "LIST", "MDTM"].map(|verb| format!("on {verb} reply \"502 not here\"\n")).concat();
    let double = Double::start(&place.at("there"), &script);
    fs::write(place.at("secret"), PASSWORD).unwrap();
    fs::set_permissions(place.at("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    let rules = format!(
        "name = \"Shop\"\n[remote.ftp]\nkind = \"ftp\"\nhost = \"127.0.0.1\"\nport = {}\nuser = \"{USER}\"\npassword = \"file:{}\"\ntls = \"none\"\n\
         {}settle = \"rename\"\nclaim = \"look\"\nafter = \"keep\"\n",
        double.port,
        place.at("secret").display(),
        IN.replace("drop:", "ftp:")
    );
    fs::write(place.at("partners/shop.toml"), rules).unwrap();
    place.put("there/out/orders-1.csv", &order("a"));
    for _ in 0..3 {
        let told = place.run(None);
        assert_eq!(told.code, Some(0), "{}", told.text);
    }
    assert_eq!(place.rows("SELECT name, verdict FROM file"), ["orders-1.csv|accepted"]);
    assert!(double.calls("RETR") >= 3, "it is read to be compared");
    // As large as before.
    place.put("there/out/orders-1.csv", &order("b"));
    assert_eq!(place.run(None).code, Some(0));
    assert_eq!(place.run(None).code, Some(0));
    assert_eq!(place.rows("SELECT buyer_order_no FROM orders ORDER BY 1"), ["a", "b"]);
    assert_eq!(place.rows("SELECT count(*) FROM file"), ["2"]);
    says(&place, &["explain", "orders-1.csv"], &["stays there"]);
}

/// A folder with more names than the ledger holds: of one beyond them it is said what can be said.
#[test]
fn a_name_beyond_those_that_are_noted_is_told_of_all_the_same() {
    let place = Place::new(
        "[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\ncustomers = \"accept\"\narticles = \"accept\"\nsettle = \"rename\"\n\
         from = \"drop:/out\"\nmatch = [\"*.csv\"]\n",
    );
    for number in 0..1_100 {
        place.put(&format!("there/out/n{number:04}.txt"), "x");
    }
    place.put("there/out/o.csv", &order("O-1"));
    place.run(None);
    let told: Vec<String> = (0..1_100)
        .step_by(50)
        .map(|number| place.command(&["explain", &format!("n{number:04}.txt")], None).text)
        .collect();
    let noted = "fits none of the patterns of shop/orders: *.csv";
    let beyond =
        "the first 1000 are noted, and it is none of them: it may be one of the others; this one would not be taken";
    assert!(told.iter().all(|text| text.contains(noted) || text.contains(beyond)), "{told:#?}");
    assert!(told.iter().any(|text| text.contains(noted)) && told.iter().any(|text| text.contains(beyond)), "{told:#?}");
    // And a list of files says from where each came.
    let files = place.command(&["files"], None).text;
    assert!(files.contains("shop/orders at shop/drop:/out"), "{files}");
}
