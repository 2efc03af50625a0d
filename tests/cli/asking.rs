//! `retry`, `ignore` and `send` as they are handed over: what lies in spool/commands, and what is told.

use crate::desk::{Desk, came, decide};
use nattpost::edges::clock::iso;
use nattpost::edges::lock::InstanceLock;
use nattpost::edges::store::ledger::NewCommand;
use nattpost::flows::commands::{Anew, Command, Verb};
use nattpost::model::verdict::Verdict;

#[test]
fn what_names_nothing_or_nothing_known_is_told_and_not_handed_over() {
    let desk = Desk::new();
    let spool = desk.spool();
    desk.store();
    let nothing = desk.run(&["retry"]);
    assert_eq!(nothing.code, 64);
    assert!(nothing.err.contains("--reason"), "{}", nothing.err);
    let unknown = desk.run(&["ignore", "orders-9.csv", "--comment", "x"]);
    assert_eq!(unknown.code, 66);
    let feed = desk.run(&["send", "dealer/stokc"]);
    assert_eq!(feed.code, 66);
    assert!(feed.err.contains("there is no feed"), "{}", feed.err);
    assert_eq!(desk.run(&["ignore", "orders-9.csv"]).code, 64, "a comment is needed");
    assert!(spool.commands().unwrap().is_empty());
}

#[test]
fn a_daemon_that_runs_gets_the_command_and_its_outcome_is_told() {
    let desk = Desk::new();
    let spool = desk.spool();
    let mut store = desk.store();
    let tx = store.begin().unwrap();
    let (old, _) = came(&desk, &tx, "orders.csv", 90);
    decide(&desk, &tx, old, &[(Verdict::Refused, 1)], "");
    let (new, id) = came(&desk, &tx, "orders.csv", 30);
    decide(&desk, &tx, new, &[(Verdict::Refused, 1)], "");
    tx.commit().unwrap();
    // This test is the daemon: it holds the lock, finds the command and makes its row.
    let _lock = InstanceLock::take(&spool.lock_path()).unwrap();
    let asked = desk
        .command(&["retry", "orders.csv", "--overrule", "--comment", "asked by phone"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let given = loop {
        if let Some(found) = spool.commands().unwrap().pop() {
            break Command::parse(&found.bytes.unwrap()).unwrap();
        }
        std::thread::yield_now();
    };
    let Verb::Retry { which, how: Anew { overrule: true, .. } } = &given.verb else { panic!("{given:?}") };
    assert_eq!((which.items.as_slice(), given.comment.as_str()), (&[id.to_string()][..], "asked by phone"));
    assert!(!given.who.is_empty());
    let tx = store.begin().unwrap();
    let at = iso(given.at);
    let row = NewCommand {
        id: given.id,
        verb: "retry",
        arguments: &given.arguments(),
        who: &given.who,
        at: &at,
        comment: &given.comment,
    };
    tx.add_command(&row).unwrap();
    tx.finish_command(given.id, "1 file(s): 1 accepted", &at).unwrap();
    tx.commit().unwrap();
    let told = crate::desk::told(asked.wait_with_output().unwrap());
    assert_eq!((told.code, told.out.as_str()), (0, "retry: 1 file(s): 1 accepted.\n"));
    let shown = desk.well(&["show", id.as_str()]);
    assert!(shown.contains("\"asked by phone\": 1 file(s): 1 accepted"), "{shown}");
}

/// A shop whose orders were refused, since their articles are not known.
fn refused_orders(desk: &Desk) {
    configure(desk, "check");
    let sample = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/own/order.xml");
    std::fs::create_dir_all(desk.root().join("spool/in/shop/orders")).unwrap();
    std::fs::copy(sample, desk.root().join("spool/in/shop/orders/orders.xml")).unwrap();
    desk.well(&["run", "--once"]);
    assert!(desk.well(&["files"]).contains("article-unknown"));
}

fn configure(desk: &Desk, articles: &str) {
    let text = format!(
        "name = \"Shop\"\n[intake.orders]\nlayouts = [\"nattpost-order-xml\"]\nsettle = \"rename\"\ncustomers = \"accept\"\narticles = \"{articles}\"\n\
         [feed.orders]\nlayout = \"nattpost-order-xml\"\nfile_name = \"orders_{{run}}.xml\"\n"
    );
    std::fs::write(desk.root().join("partners/shop.toml"), text).unwrap();
}

#[test]
fn what_a_person_closes_is_nobodys_work_any_more() {
    let desk = Desk::new();
    refused_orders(&desk);
    let closed = desk.well(&["ignore", "orders.xml", "--comment", "sent by mail"]);
    assert!(closed.starts_with("ignore: closed 1 file(s)"), "{closed}");
    let story = desk.well(&["explain", "orders.xml"]);
    for expected in
        ["was closed by a person without being applied", "sent by mail", "spool/done/shop/", "If that was a mistake"]
    {
        assert!(story.contains(expected), "{expected} in {story}");
    }
    let status = desk.object(&["status", "shop/orders"]);
    assert_eq!(status["intakes"][0]["refused_last_day"], 0);
}

#[test]
fn without_a_daemon_the_command_line_does_it_itself() {
    let desk = Desk::new();
    refused_orders(&desk);
    configure(&desk, "accept");
    let retried = desk.well(&["retry", "--reason", "article-unknown", "--comment", "mended"]);
    assert!(retried.starts_with("retry: 1 file(s): ") && retried.contains("accepted"), "{retried}");
    assert!(desk.spool().commands().unwrap().is_empty());
    let sent = desk.object(&["send", "shop/orders"]);
    assert_eq!((&sent["done"], &sent["verb"]), (&true.into(), &"send".into()));
    let found = desk.object(&["find", "B-2026-1107"]);
    assert_eq!(found["orders"][0]["runs"][0]["run"], "shop/orders#1");
    assert!(desk.well(&["status"]).contains("shop/orders"));
}

#[test]
fn a_second_daemon_is_refused_and_the_first_ends_well() {
    let desk = Desk::new();
    let spool = desk.spool();
    let lock = InstanceLock::take(&spool.lock_path()).unwrap();
    let told = desk.run(&["run", "--once"]);
    assert_eq!(told.code, 69);
    assert!(told.err.contains("one process at a time"), "{}", told.err);
    drop(lock);
    desk.store();
    let ended = desk.object(&["run", "--once"]);
    assert_eq!(ended["ended"], "done");
}

#[test]
fn a_file_without_a_readable_message_counts_among_the_refused_until_a_person_closes_it() {
    let desk = Desk::new();
    configure(&desk, "accept");
    std::fs::create_dir_all(desk.root().join("spool/in/shop/orders")).unwrap();
    std::fs::write(desk.root().join("spool/in/shop/orders/orders.xml"), "%PDF-1.7 and so on\n").unwrap();
    desk.well(&["run", "--once"]);
    let refused = || desk.object(&["status", "shop/orders"])["intakes"][0]["refused_last_day"].clone();
    assert_eq!(refused(), 1);
    // The code alone says little to whoever asks: its words stand beside it.
    let story = desk.well(&["explain", "orders.xml"]);
    assert!(story.contains("Reasons: 1 x layout-mismatch (orders.xml, the file is a PDF document"), "{story}");
    desk.well(&["ignore", "orders.xml", "--comment", "a letter"]);
    assert_eq!(refused(), 0);
}
