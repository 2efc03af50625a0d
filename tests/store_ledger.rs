//! The ledger through its public functions: a file's life, exceptions that wait, runs, commands and marks; and what a
//! reader sees beside the writer.

use std::os::unix::fs::PermissionsExt;

use nattpost::edges::store::ledger::*;
use nattpost::edges::store::{FileNo, IntakeFigures, Reader, RowId, Selection, Store, StoreFault, Tx, VERSION};
use nattpost::model::diagnostic::{Place, Problem};
use nattpost::model::ids::Id;
use nattpost::model::verdict::{Counts, Home, Verdict};

const NOW: &str = "2026-11-21T22:00:00.000Z";

fn id(n: u32) -> Id {
    Id::new(1_795_300_000_000, n)
}

fn arrival(n: u32, name: &str) -> Arrival<'_> {
    Arrival {
        id: id(n),
        partner: "shop",
        intake: "orders",
        raw_name: name.as_bytes(),
        name,
        origin: "in/shop/orders",
        first_seen: NOW,
        size: 10,
        inode: u64::MAX,
        mtime_ns: 1,
        returns_of: None,
        alone: false,
    }
}

fn decision(counts: Counts) -> Decision<'static> {
    Decision {
        verdict: counts.file_verdict(),
        counts,
        kind: "order",
        layout: "nattpost-csv",
        fingerprint: u64::MAX - 1,
        content_hash: Some(b"hash"),
        code: "",
        home: counts.home(),
        day: "2026-11-21",
        decided_at: NOW,
        reason_text: Some("line 3"),
        reject_plan: Some(&[1, 2]),
        comment: "",
    }
}

fn held<'a>(number: u64, waits: &'a Waits, problems: &'a [Problem]) -> Exception<'a> {
    Exception {
        number,
        kind: "order",
        key: "C1/B-1",
        verdict: Verdict::Held,
        code: "customer-unknown",
        line: 3,
        bytes: &[],
        problems,
        payload: Some("{}"),
        row: None,
        waits: Some(waits),
        decided_at: NOW,
    }
}

fn with_file(tx: &Tx<'_>, n: u32, counts: Counts) -> FileNo {
    let no = tx.see_file(&arrival(n, "a.csv")).unwrap();
    tx.decide_file(no, &decision(counts)).unwrap();
    no
}

#[test]
fn a_file_goes_from_seen_to_placed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("n.db");
    let mut store = Store::open(&path).unwrap();
    let tx = store.begin().unwrap();
    let no = tx.see_file(&Arrival { alone: true, returns_of: Some(id(9)), ..arrival(1, "a.csv") }).unwrap();
    tx.commit().unwrap();

    let reader = Reader::open(&path).unwrap();
    let seen = reader.snapshot().unwrap().open_files().unwrap();
    assert_eq!((seen.len(), seen[0].no, seen[0].attempts, seen[0].inode), (1, no, 1, u64::MAX));
    assert_eq!((seen[0].state, seen[0].verdict, seen[0].returns_of), (FileState::Seen, None, Some(id(9))));

    let tx = store.begin().unwrap();
    tx.take_back_attempt(no).unwrap();
    tx.begin_attempt(no, false).unwrap();
    let begun = tx.file(no).unwrap().unwrap();
    assert_eq!((begun.attempts, begun.state), (0, FileState::Seen));
    let counts = Counts { accepted: 2, refused: 1, ..Counts::default() };
    tx.decide_file(no, &decision(counts)).unwrap();
    tx.set_problem_counts(no, [("quantity-invalid", 1)]).unwrap();
    tx.commit().unwrap();

    let snapshot = reader.snapshot().unwrap();
    let judged = snapshot.unplaced_files().unwrap().remove(0);
    assert_eq!((judged.counts, judged.messages, judged.home), (counts, 3, Some(Home::Done)));
    assert_eq!((judged.fingerprint, judged.verdict), (u64::MAX - 1, Some(Verdict::Accepted)));
    assert_eq!(snapshot.reason_text(no).unwrap().as_deref(), Some("line 3"));
    assert_eq!(snapshot.reject_plan(no).unwrap(), Some(vec![1, 2]));
    assert_eq!(snapshot.problem_counts(no).unwrap(), vec![("quantity-invalid".to_string(), 1)]);
    assert!(snapshot.open_files().unwrap().is_empty());
    drop(snapshot);

    let tx = store.begin().unwrap();
    tx.mark_placed(&[no]).unwrap();
    assert!(tx.unplaced_files().unwrap().is_empty());
    assert_eq!(tx.originals_before("shop", "orders", "2026-11-22", 10).unwrap().len(), 1);
    assert_eq!(tx.originals_before("shop", "orders", "2026-11-21", 10).unwrap().len(), 0);
    tx.mark_original_gone(no).unwrap();
    assert!(tx.originals_before("shop", "orders", "2026-11-22", 10).unwrap().is_empty());
    assert!(tx.mark_redacted(FileNo(99)).is_err());
}

#[test]
fn files_are_found_by_name_id_content_and_filter() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("n.db")).unwrap();
    let tx = store.begin().unwrap();
    let good = with_file(&tx, 1, Counts { accepted: 1, ..Counts::default() });
    let bad = with_file(&tx, 2, Counts { refused: 1, ..Counts::default() });
    tx.set_problem_counts(bad, [("article-unknown", 7)]).unwrap();
    assert_eq!(tx.files_named("a.csv", 10).unwrap().len(), 2);
    assert_eq!(tx.files_named(&id(1).to_string()[..12], 10).unwrap().len(), 2, "ids of one millisecond begin alike");
    assert_eq!(tx.file_by_id(id(2)).unwrap().unwrap().no, bad);
    assert_eq!(tx.last_file_named("shop", "orders", b"a.csv", "a.csv").unwrap().unwrap().no, bad);
    let refused = Selection { verdict: Some(Verdict::Refused), ..Selection::default() };
    assert_eq!(tx.select_files(&refused, 5).unwrap().len(), 1);
    let by_code = Selection { reason: Some("article-unknown".into()), ..Selection::default() };
    assert_eq!(tx.select_files(&by_code, 5).unwrap()[0].no, bad);
    assert_eq!(tx.select_files(&Selection { partner: Some("erp".into()), ..Selection::default() }, 5).unwrap(), vec![]);
    let unread = with_file(&tx, 3, Counts::default());
    assert_eq!(tx.file(unread).unwrap().unwrap().verdict, Some(Verdict::Refused), "as one that could not be read");
    assert_eq!(tx.select_files(&refused, 5).unwrap().len(), 2);
    let mut many: Vec<String> = (0..3_000).map(|n| format!("{n}.csv")).collect();
    many.push(id(2).to_string());
    many.extend(["b*".to_string(), "a.*v".to_string()]);
    let many = Selection { items: many, ..Selection::default() };
    assert_eq!(tx.select_files(&many, 5).unwrap().len(), 3);
    assert_eq!(tx.count_files(&many).unwrap(), 3);
    tx.vanish_file(good, NOW, "gone").unwrap();
    assert_eq!(tx.file(good).unwrap().unwrap().state, FileState::Vanished);
}

#[test]
fn a_held_message_waits_is_found_and_released() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("n.db")).unwrap();
    let tx = store.begin().unwrap();
    let file = with_file(&tx, 1, Counts { held: 2, ..Counts::default() });
    let waits = Waits { kind: "customer".into(), key: "C1".into(), until: Some("2026-11-22T22:00:00.000Z".into()) };
    let place = Place { line: 3, byte: 20, field: "customer_no".into(), ..Place::default() };
    let problems = [Problem::new("customer-unknown", place, "\"C1\" is not known".into())];
    let bytes = [5..9, 20..40];
    let first = tx.add_exception(file, &Exception { bytes: &bytes, ..held(1, &waits, &problems) }).unwrap();
    assert_eq!(tx.add_exception(file, &Exception { bytes: &bytes, ..held(1, &waits, &problems) }).unwrap(), first);
    tx.add_exception(file, &held(2, &waits, &[])).unwrap();

    let waiting = tx.messages_of(file, 0, 9).unwrap();
    assert_eq!((waiting.len(), &waiting[0].bytes[..]), (2, &bytes[..]));
    let noted = &waiting[0].problems[0];
    assert_eq!(
        (noted.code.as_str(), noted.line, noted.byte, noted.field.as_str()),
        ("customer-unknown", 3, 20, "customer_no")
    );
    assert_eq!(tx.held_with_key("shop", "order", "C1/B-1").unwrap().len(), 2);
    assert!(tx.held_with_key("dealer", "order", "C1/B-1").unwrap().is_empty());
    assert_eq!(tx.next_timeout().unwrap(), waits.until);
    assert!(tx.waiting_until(NOW).unwrap().is_empty());
    assert_eq!(tx.waiting_until("2026-11-22T22:00:00.000Z").unwrap().len(), 2);

    let revision = Revision {
        verdict: Verdict::Accepted,
        code: "",
        problems: &[],
        row: Some(RowId(4)),
        waits: None,
        decided_at: NOW,
        comment: "came",
    };
    tx.revise_message(first, &revision).unwrap();
    let released = tx.message(first).unwrap().unwrap();
    assert_eq!(
        (released.verdict, released.row, released.payload, released.waits),
        (Verdict::Accepted, Some(RowId(4)), None, None)
    );
    assert_eq!(tx.held_with_key("shop", "order", "C1/B-1").unwrap().len(), 1);
    tx.mark_placed(&[file]).unwrap();
    tx.revise_file(file, Counts { held: 1, accepted: 1, ..Counts::default() }, Home::Done, NOW).unwrap();
    let moved = tx.file(file).unwrap().unwrap();
    assert!(!moved.placed && moved.home == Some(Home::Done), "its move is to be made again");
    assert_eq!(tx.messages_of(file, 2, 9).unwrap().len(), 1);
}

#[test]
fn a_request_goes_out_once_per_feed() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("n.db")).unwrap();
    let tx = store.begin().unwrap();
    let file = with_file(&tx, 1, Counts { accepted: 1, ..Counts::default() });
    let new = NewRun {
        id: id(5),
        number: 7,
        partner: "erp",
        feed: "orders",
        kind: "order",
        layout: "nattpost-xml",
        reason: RunReason::Due,
        due_at: Some(NOW),
        state: RunState::Ready,
        folder: "",
        name: "orders-7.xml",
        hash: b"h",
        size: 3,
        rows: 1,
        file: None,
        ready_at: NOW,
        day: "2026-11-21",
    };
    let run = tx.add_run(&new).unwrap();
    let receipt = NewRun { id: id(6), reason: RunReason::Receipt, partner: "shop", file: Some(file), ..new.clone() };
    tx.add_run(&receipt).unwrap();
    tx.mark_exported("erp/orders", run, [RowId(1), RowId(2)]).unwrap();
    assert!(tx.mark_exported("erp/orders", run, [RowId(2)]).is_err());
    tx.mark_exported("other/orders", run, [RowId(2)]).unwrap();
    assert!(tx.is_exported("order", RowId(1)).unwrap() && !tx.is_exported("order", RowId(3)).unwrap());
    assert_eq!(tx.runs_of_request("order", RowId(1)).unwrap()[0].number, 7);
    assert_eq!(tx.open_runs().unwrap().len(), 2);
    tx.mark_runs_placed([run]).unwrap();
    assert_eq!(tx.open_runs().unwrap().len(), 2, "it stands in out/, and is not at rest");
    tx.set_run_state(run, RunState::Sent, NOW, "").unwrap();
    tx.mark_runs_placed([run]).unwrap();
    let sent = tx.run_by_id(id(5)).unwrap().unwrap();
    assert_eq!((sent.state, sent.sent_at.as_deref(), sent.placed), (RunState::Sent, Some(NOW), true));
    assert_eq!(tx.runs_of_file(file).unwrap()[0].reason, RunReason::Receipt);
    assert_eq!(tx.last_run("erp", "orders").unwrap().unwrap().no, run);
    assert_eq!(tx.open_runs().unwrap().len(), 1, "the receipt");
    assert_eq!(tx.sent_before("2026-11-22", 5).unwrap().len(), 1);
}

#[test]
fn marks_only_rise_and_commands_are_known_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("n.db")).unwrap();
    let tx = store.begin().unwrap();
    for (value, mark) in [(5, 5), (3, 5), (8, 8)] {
        tx.raise_high_water("run", value).unwrap();
        assert_eq!(tx.high_water("run").unwrap(), mark);
    }
    assert_eq!(tx.high_water("order").unwrap(), 0);
    tx.set_due_handled("erp/stock", NOW).unwrap();
    tx.set_due_handled("erp/stock", "2020-01-01T00:00:00.000Z").unwrap();
    assert_eq!(tx.due_handled("erp/stock").unwrap().as_deref(), Some(NOW));
    let command = NewCommand { id: id(1), verb: "retry", arguments: "{}", who: "anna", at: NOW, comment: "again" };
    assert!(tx.add_command(&command).unwrap());
    assert!(!tx.add_command(&command).unwrap());
    tx.finish_command(id(1), "2 files", NOW).unwrap();
    let row = tx.command(id(1)).unwrap().unwrap();
    assert_eq!(
        (row.outcome.as_str(), row.done_at.as_deref(), tx.commands(9).unwrap().len()),
        ("2 files", Some(NOW), 1)
    );
    assert!(tx.finish_command(id(2), "", NOW).is_err());
}

#[test]
fn status_tells_backlog_last_arrival_and_last_success() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("n.db")).unwrap();
    let tx = store.begin().unwrap();
    with_file(&tx, 1, Counts { accepted: 1, held: 2, ..Counts::default() });
    with_file(&tx, 2, Counts { refused: 1, ..Counts::default() });
    let newest = tx.see_file(&Arrival { first_seen: "2026-11-21T23:00:00.000Z", ..arrival(3, "b.csv") }).unwrap();
    let expected = IntakeFigures {
        open: 1,
        oldest_open: Some("2026-11-21T23:00:00.000Z".into()),
        held: 0,
        refused: 1,
        last_arrival: Some(newest),
        last_applied: Some((NOW.into(), "a.csv".into())),
    };
    let since = "2026-11-21T00:00:00Z".parse().unwrap();
    assert_eq!(tx.intake_figures("shop", "orders", since).unwrap(), expected);
    assert_eq!(tx.known_intakes().unwrap(), [("shop".to_string(), "orders".to_string())]);
}

#[test]
fn what_is_not_committed_is_gone_and_parts_are_taken_back_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("n.db")).unwrap();
    let tx = store.begin().unwrap();
    tx.see_file(&arrival(1, "a")).unwrap();
    tx.savepoint().unwrap();
    tx.see_file(&arrival(2, "b")).unwrap();
    tx.savepoint().unwrap();
    tx.see_file(&arrival(3, "c")).unwrap();
    tx.release().unwrap();
    tx.take_back().unwrap();
    assert_eq!(tx.open_files().unwrap().len(), 1);
    drop(tx);
    assert!(store.begin().unwrap().open_files().unwrap().is_empty());
}

#[test]
fn a_reader_needs_no_daemon_and_no_right_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("n.db");
    let mut store = Store::open(&path).unwrap();
    let tx = store.begin().unwrap();
    tx.see_file(&arrival(1, "a")).unwrap();
    tx.commit().unwrap();
    drop(store);
    for end in ["", "-wal", "-shm"] {
        let mode = std::fs::metadata(format!("{}{end}", path.display())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640, "n.db{end}");
    }
    assert_eq!(Reader::open(&path).unwrap().snapshot().unwrap().open_files().unwrap().len(), 1);
    assert!(Reader::open(&folder.path().join("none.db")).is_err());
}

#[test]
fn a_newer_database_is_refused_and_a_foreign_file_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("n.db");
    drop(Store::open(&path).unwrap());
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch(&format!("PRAGMA user_version = {}", VERSION + 1)).unwrap();
    drop(raw);
    for error in [Store::open(&path).err().unwrap(), Reader::open(&path).err().unwrap()] {
        assert!(format!("{error:#}").contains("newer nattpost"), "{error:#}");
    }
    let foreign = folder.path().join("foreign.db");
    std::fs::write(&foreign, [b'x'; 5_000]).unwrap();
    let error = Store::open(&foreign).err().unwrap();
    assert_eq!(StoreFault::of(&error), Some(StoreFault::Corrupt), "{error:#}");
}

#[test]
fn a_database_that_cannot_be_written_is_told_from_a_bug() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("n.db");
    let mut store = Store::open(&path).unwrap();
    let tx = store.begin().unwrap();
    tx.see_file(&arrival(1, "a")).unwrap();
    let bug = tx.see_file(&arrival(1, "a")).unwrap_err();
    assert_eq!(StoreFault::of(&bug), Some(StoreFault::Other));
    assert!(!StoreFault::Other.passes() && StoreFault::Full.passes());
    let full = anyhow::Error::from(std::io::Error::from_raw_os_error(28)).context("writing");
    assert_eq!(StoreFault::of(&full), Some(StoreFault::Full));
    assert_eq!(StoreFault::of(&anyhow::anyhow!("else")), None);
}
