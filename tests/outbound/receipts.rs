//! Receipts: what they say, that none is visible before its verdict is committed, and that a lost one is made again.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Europe::Berlin;
use nattpost::edges::clock::{Now, iso};
use nattpost::edges::store::ledger::{Decision, Exception, RunReason, RunState};
use nattpost::edges::store::{FileNo, Tx};
use nattpost::flows::outbound::{Numbers, receipt};
use nattpost::model::diagnostic::{Place, Problem};
use nattpost::model::intake::*;
use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::own::shipped_layout;
use nattpost::model::layout::read_layout;
use nattpost::model::verdict::{Counts, Home, Verdict};

use crate::bench::{Bench, see, sender};

fn intake(layout: Option<&str>) -> Arc<Intake> {
    Arc::new(Intake {
        sender: sender("shop"),
        id: "orders".to_string(),
        layouts: Vec::new(),
        settle: Settle::Rename,
        unzip: false,
        companions: None,
        by_number: None,
        contents: None,
        truncated_after: Duration::from_secs(3_600),
        policy: Policy::GoodMessages,
        customers: References::Accept,
        articles: References::Accept,
        orders: References::Accept,
        article_schemes: Vec::new(),
        customer: None,
        on_change: OnChange::Hold,
        order_numbers: OrderNumbers::Erp,
        change_until: "allocated",
        customer_numbers: None,
        contact_numbers: None,
        as_of: AsOf::FirstSeen,
        absent: Absent::Leave,
        full_when: Vec::new(),
        test_names: Vec::new(),
        closes: Vec::new(),
        negative_stock: NegativeStock::Store,
        plausibility: Plausibility::default(),
        guard: nattpost::model::rules::guard::Limits::default(),
        originals: Originals::Keep { days: 90 },
        receipt: layout.map(|id| shipped_layout(id).unwrap().clone()),
        from: None,
        answering: None,
        receipt_to: None,
        keeps: Vec::new(),
        fingerprint: 1,
    })
}

/// A file with 47 good orders, three that wait and 2,000 bad ones, judged now.
fn judged(tx: &Tx<'_>, n: u32, now: Now) -> FileNo {
    let now = iso(now.wall);
    let file = see(tx, n, "shop", "orders", &now);
    for number in 48..2_051 {
        let refused = number > 50;
        let place = Place { line: number as u32 + 1, field: "qty".to_string(), ..Place::default() };
        let text = "\"2,5x\" is not a quantity; expected a number like 2.5. Correct it and send it again.";
        let problems = [Problem::new("quantity-invalid", place, text.to_string())];
        tx.add_exception(
            file,
            &Exception {
                number,
                kind: "order",
                key: &format!("10042 / B-{number}"),
                verdict: if refused { Verdict::Refused } else { Verdict::Held },
                code: if refused { "quantity-invalid" } else { "article-unknown" },
                line: number as u32 + 1,
                bytes: &[],
                problems: if refused { &problems } else { &[] },
                payload: None,
                row: None,
                waits: None,
                decided_at: &now,
            },
        )
        .unwrap();
    }
    decide(tx, file, Counts { accepted: 47, held: 3, refused: 2_000, ..Counts::default() }, "", &now);
    file
}

fn decide(tx: &Tx<'_>, file: FileNo, counts: Counts, code: &str, decided_at: &str) {
    tx.decide_file(
        file,
        &Decision {
            verdict: counts.file_verdict(),
            counts,
            kind: "order",
            layout: "nattpost-order-csv",
            fingerprint: 1,
            content_hash: None,
            code,
            home: Home::Done,
            day: "2026-11-20",
            decided_at,
            reason_text: Some("the whole reason"),
            reject_plan: None,
            comment: "",
        },
    )
    .unwrap();
}

/// The inbound transaction's part, up to its commit.
fn answered(bench: &mut Bench, layout: &str) -> FileNo {
    let (n, now, intake) = (bench.next_file(), bench.now, intake(Some(layout)));
    let tx = bench.store.begin().unwrap();
    let mut numbers = Numbers::read(&tx, &bench.spool).unwrap();
    let file = judged(&tx, n, now);
    receipt::add(&tx, &bench.spool, &mut numbers, &intake, file, (now, Berlin)).unwrap().unwrap();
    numbers.keep(&tx, &bench.spool).unwrap();
    bench.spool.sync().unwrap();
    let visible = fs::read_dir(bench.spool.root().join("out")).unwrap().count();
    assert_eq!(visible, 0, "nothing is visible before the commit");
    tx.commit().unwrap();
    file
}

#[test]
fn a_receipt_says_what_became_of_a_file() {
    let mut bench = Bench::new();
    let file = answered(&mut bench, "nattpost-receipt-xml");
    assert_eq!(bench.dispatch().place_ready().unwrap(), 1);
    let xml = bench.text("out/shop/orders-1107.receipt.000001.xml");
    let row = bench.store.read().unwrap().file(file).unwrap().unwrap();
    for expected in [
        &format!("<file_id>{}</file_id>", row.id),
        "<file_name>orders-1107.csv</file_name>",
        "<verdict>accepted</verdict>",
        "<messages>2050</messages>",
        "<accepted>47</accepted>",
        "<held>3</held>",
        "<refused>2000</refused>",
        "<key>10042 / B-51</key>",
        "orders-1107.csv, line 52, \"qty\": \"2,5x\" is not a quantity; expected a number like 2.5.",
    ] {
        assert!(xml.contains(expected), "{expected}\n{xml:.3000}");
    }
    assert_eq!(xml.matches("<item>").count(), 1_000, "exact counts, and the first 1,000 with their text");
    let run = &bench.store.read().unwrap().runs_of_file(file).unwrap()[0];
    assert_eq!((run.state, run.reason, run.number, run.rows), (RunState::Ready, RunReason::Receipt, 1, 1));
    assert!(bench.told().contains("run-ready partner=shop intake=orders kind=receipt"));
}

#[test]
fn a_file_refused_whole_is_answered_with_its_reason() {
    let mut bench = Bench::new();
    let n = bench.next_file();
    let tx = bench.store.begin().unwrap();
    let mut numbers = Numbers::read(&tx, &bench.spool).unwrap();
    let file = see(&tx, n, "shop", "orders", "2026-11-20T04:00:00.000Z");
    decide(&tx, file, Counts { refused: 50, ..Counts::default() }, "file-truncated", "2026-11-20T04:00:00.000Z");
    let quiet = intake(None);
    assert_eq!(receipt::add(&tx, &bench.spool, &mut numbers, &quiet, file, (bench.now, Berlin)).unwrap(), None);
    let wanted = intake(Some("nattpost-receipt-xml"));
    receipt::add(&tx, &bench.spool, &mut numbers, &wanted, file, (bench.now, Berlin)).unwrap().unwrap();
    numbers.keep(&tx, &bench.spool).unwrap();
    tx.commit().unwrap();
    bench.dispatch().place_ready().unwrap();
    let xml = bench.text("out/shop/orders-1107.receipt.000001.xml");
    assert!(xml.contains("<code>file-truncated</code>") && xml.contains("<text>the whole reason</text>"), "{xml}");
}

#[test]
fn a_receipt_of_a_transaction_that_was_taken_back_is_never_seen() {
    let mut bench = Bench::new();
    let n = bench.next_file();
    let tx = bench.store.begin().unwrap();
    let mut numbers = Numbers::read(&tx, &bench.spool).unwrap();
    let file = see(&tx, n, "shop", "orders", "2026-11-20T04:00:00.000Z");
    decide(&tx, file, Counts { accepted: 1, ..Counts::default() }, "", "2026-11-20T04:00:00.000Z");
    let wanted = intake(Some("nattpost-receipt-xml"));
    receipt::add(&tx, &bench.spool, &mut numbers, &wanted, file, (bench.now, Berlin)).unwrap().unwrap();
    drop(tx);
    assert_eq!(bench.files("staged").len(), 1);
    assert_eq!(bench.dispatch().place_ready().unwrap(), 0);
    assert!(bench.files("staged").is_empty() && bench.files("out").is_empty());
}

#[test]
fn a_receipt_that_its_layout_cannot_hold_costs_the_receipt_and_not_the_file() {
    let mut bench = Bench::new();
    let text = r#"
        layout = "numbers"
        title = "Verdicts as numbers"
        kind = "receipt"
        syntax = "delimited"
        [delimited]
        delimiter = ";"
        [lookup.verdict]
        0 = "refused"
        [[record]]
        name = "row"
        opens = "message"
        fields = [["id", "file_id"], ["name", "file_name"], ["verdict", "verdict", "lookup=verdict"]]
    "#;
    let layout = read_layout("numbers.toml", text, shipped_kinds()).unwrap_or_else(|e| panic!("{e:?}"));
    let n = bench.next_file();
    let tx = bench.store.begin().unwrap();
    let mut numbers = Numbers::read(&tx, &bench.spool).unwrap();
    let file = see(&tx, n, "shop", "orders", "2026-11-20T04:00:00.000Z");
    decide(&tx, file, Counts { accepted: 1, ..Counts::default() }, "", "2026-11-20T04:00:00.000Z");
    let intake = Intake { receipt: Some(Arc::new(layout)), ..Intake::clone(&intake(None)) };
    assert_eq!(receipt::add(&tx, &bench.spool, &mut numbers, &intake, file, (bench.now, Berlin)).unwrap(), None);
    numbers.keep(&tx, &bench.spool).unwrap();
    tx.commit().unwrap();
    let run = &bench.runs()[0];
    assert_eq!((run.state, run.placed, run.number, run.file), (RunState::Failed, true, 0, Some(file)));
    assert!(run.comment.contains("accepted"), "{}", run.comment);
    bench.dispatch().recover(&[]).unwrap();
    assert_eq!(bench.told(), "");
}

#[test]
fn a_lost_receipt_is_made_again_byte_for_byte_until_it_was_placed() {
    let mut bench = Bench::new();
    let intakes = [intake(Some("nattpost-receipt-xml"))];
    answered(&mut bench, "nattpost-receipt-xml");
    bench.dispatch().place_ready().unwrap();
    let visible = "out/shop/orders-1107.receipt.000001.xml";
    let first = bench.text(visible);

    fs::remove_file(bench.path(visible)).unwrap();
    bench.later(86_400);
    bench.restart();
    bench.dispatch().recover(&intakes).unwrap();
    assert_eq!(bench.text(visible), first);

    // Placed, and the ledger knows: then it was taken.
    bench.dispatch().look_at_pick_up().unwrap();
    fs::remove_file(bench.path(visible)).unwrap();
    bench.restart();
    bench.dispatch().recover(&intakes).unwrap();
    assert!(bench.files("out").is_empty());
    assert_eq!(bench.runs()[0].state, RunState::Sent);
}

#[test]
fn a_lost_receipt_that_would_say_something_else_today_is_told() {
    let mut bench = Bench::new();
    let file = answered(&mut bench, "nattpost-receipt-xml");
    fs::remove_dir_all(bench.path("staged")).unwrap();
    fs::create_dir(bench.path("staged")).unwrap();
    let tx = bench.store.begin().unwrap();
    tx.revise_file(
        file,
        Counts { accepted: 50, refused: 2_000, ..Counts::default() },
        Home::Done,
        "2026-11-20T05:00:00.000Z",
    )
    .unwrap();
    tx.commit().unwrap();
    bench.restart();
    bench.dispatch().recover(&[intake(Some("nattpost-receipt-xml"))]).unwrap();
    let run = &bench.runs()[0];
    assert_eq!((run.state, run.placed), (RunState::Failed, true));
    assert!(bench.told().contains("run-failed level=error partner=shop"));
    bench.dispatch().recover(&[]).unwrap();
    assert_eq!(bench.told(), "");
}
