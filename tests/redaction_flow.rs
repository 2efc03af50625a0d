//! `originals = "redact after 30 d, keep 90 d"` on a real spool and a real database: copies past their days lose what is
//! personal, whenever the process is killed; what cannot be redacted stays, is told once and tried again.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nattpost::edges::clock::Now;
use nattpost::edges::events::{Events, Format};
use nattpost::edges::spool::{Mover, Place, Role, Spool, Syncer, state_name};
use nattpost::edges::store::ledger::{Arrival, Decision, Exception, FileRow};
use nattpost::edges::store::{FileNo, Selection, Store};
use nattpost::flows::command::carry_out;
use nattpost::flows::commands::{Anew, Command, Verb};
use nattpost::flows::inbound::finish::UnderWay;
use nattpost::flows::inbound::reading::{Decoder, SpillFiles};
use nattpost::flows::inbound::round::Bench;
use nattpost::flows::retention;
use nattpost::model::archive::{ArchiveWriter, Directory, Limits, Member};
use nattpost::model::ids::Id;
use nattpost::model::intake::*;
use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::{Layout, read_layout};
use nattpost::model::rules::companions::Companions;
use nattpost::model::verdict::{Counts, Home, Verdict};

const LAYOUT: &str = r#"
layout = "dealer-orders"
title = "Orders of the dealer"
kind = "order"
syntax = "delimited"
[delimited]
[[record]]
fields = [["No", "buyer_order_no", "text"], ["Name", "delivery_name", "text"], ["City", "delivery_city", "text"]]
"#;
const SENT: &str = "No;Name;City\n1;Ann Berg;Oslo\n2;Jo;Bergen\n";
const REDACTED: &str = "No;Name;City\n1;xxxxxxxx;Oslo\n2;xx;Bergen\n";
const OLD: &str = "2026-10-01";

fn layout(text: &str) -> Arc<Layout> {
    Arc::new(read_layout("t.toml", text, shipped_kinds()).unwrap_or_else(|p| panic!("{p:#?}")))
}

fn intake(layouts: Vec<Arc<Layout>>, fingerprint: u64) -> Arc<Intake> {
    let sender = Sender {
        partner: "dealer".into(),
        name: "Dealer".into(),
        customers: Vec::new(),
        units: BTreeMap::new(),
        zone: chrono_tz::Europe::Berlin,
        mode: nattpost::model::mode::Mode::Live,
    };
    Arc::new(Intake {
        sender: Arc::new(sender),
        id: "orders".into(),
        layouts,
        settle: Settle::Rename,
        unzip: false,
        companions: None,
        by_number: None,
        contents: None,
        truncated_after: Duration::from_secs(3600),
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
        originals: Originals::Redact { after_days: 30, keep_days: 90 },
        receipt: None,
        answering: None,
        from: None,
        receipt_to: None,
        keeps: Vec::new(),
        fingerprint,
    })
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Spool, database and what a bench needs besides.
struct House {
    store: Store,
    spool: Arc<Spool>,
    decoder: Decoder,
    syncer: Syncer,
    mover: Mover,
    under_way: Option<UnderWay>,
    events: Events,
    log: Log,
    intakes: Vec<Arc<Intake>>,
    placed: Vec<FileNo>,
    denied: std::collections::BTreeSet<String>,
    files: u32,
}

impl House {
    fn on(folder: &Path) -> anyhow::Result<House> {
        let log = Log::default();
        let spill: SpillFiles = Arc::new(|| Ok(Box::new(tempfile::tempfile()?)));
        let spool = Arc::new(Spool::open(&folder.join("spool"))?);
        Ok(House {
            store: Store::open(&folder.join("n.db"))?,
            spool: spool.clone(),
            decoder: Decoder::start(spill, folder.join("n.db"))?,
            syncer: Syncer::start(spool.clone())?,
            mover: Mover::start()?,
            under_way: None,
            events: Events::to(Format::Plain, Box::new(log.clone())),
            log,
            intakes: vec![intake(vec![layout(LAYOUT)], 1)],
            placed: Vec::new(),
            denied: Default::default(),
            files: 0,
        })
    }

    fn bench(&mut self) -> Bench<'_> {
        Bench {
            store: &mut self.store,
            spool: &self.spool,
            decoder: &mut self.decoder,
            syncer: &self.syncer,
            mover: &self.mover,
            under_way: &mut self.under_way,
            events: &self.events,
            intakes: &self.intakes,
            zone: chrono_tz::Europe::Berlin,
            now: Now { wall: "2026-11-20T04:00:00Z".parse().unwrap(), mono: Duration::from_secs(1) },
            placed: &mut self.placed,
            denied: &mut self.denied,
            give_up: &|| false,
            answer: &|_, _, _, _, _| Ok(()),
        }
    }

    /// A file judged on that day, standing where its verdict says.
    fn judged(&mut self, day: &str, counts: Counts, content: &str) -> (FileNo, PathBuf) {
        self.files += 1;
        let id = Id::new(1_790_000_000_000, self.files);
        let tx = self.store.begin().unwrap();
        let no = tx
            .see_file(&Arrival {
                id,
                partner: "dealer",
                intake: "orders",
                raw_name: b"o.csv",
                name: "o.csv",
                origin: "in",
                first_seen: "2026-10-01T04:00:00Z",
                size: content.len() as u64,
                inode: 1,
                mtime_ns: 1,
                returns_of: None,
                alone: false,
            })
            .unwrap();
        let decision = Decision {
            verdict: counts.file_verdict(),
            counts,
            kind: "order",
            layout: "dealer-orders",
            fingerprint: 1,
            content_hash: None,
            code: "",
            home: counts.home(),
            day,
            decided_at: "2026-10-01T04:00:00Z",
            reason_text: None,
            reject_plan: None,
            comment: "",
        };
        tx.decide_file(no, &decision).unwrap();
        tx.mark_placed(&[no]).unwrap();
        tx.commit().unwrap();
        let place = match counts.home() {
            Home::Done => Place::Done { partner: "dealer", day: day.parse().unwrap() },
            Home::Failed => Place::Failed { partner: "dealer", intake: "orders" },
            Home::Held => Place::HeldIn { partner: "dealer", intake: "orders" },
        };
        self.spool.make(place).unwrap();
        let path = self.spool.path(place, &state_name(id, b"o.csv", Role::Original)).unwrap();
        fs::write(&path, content).unwrap();
        (no, path)
    }

    fn keep_house(&mut self) {
        retention::prune(&mut self.bench(), 30, 400).unwrap();
    }

    fn row(&self, no: FileNo) -> FileRow {
        self.store.read().unwrap().file(no).unwrap().unwrap()
    }

    fn told(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.log.0.lock().unwrap())).unwrap()
    }
}

fn counts(accepted: u64, held: u64, refused: u64) -> Counts {
    Counts { accepted, held, refused, ..Counts::default() }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn copies_past_their_days_lose_what_is_personal_and_held_and_failed_ones_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::on(folder.path()).unwrap();
    let (old, old_path) = house.judged(OLD, counts(2, 0, 0), SENT);
    let (partly, partly_path) = house.judged(OLD, counts(1, 0, 1), &format!("{SENT}3;\"Bo;x\n"));
    let others = [
        house.judged("2026-10-21", counts(2, 0, 0), SENT),
        house.judged(OLD, counts(1, 1, 0), SENT),
        house.judged(OLD, counts(0, 0, 2), SENT),
    ];
    house.keep_house();
    assert_eq!(text(&old_path), REDACTED);
    assert_eq!(text(&partly_path), format!("{REDACTED}x;\"xx;x\n"));
    assert!(house.row(old).redacted && house.row(partly).redacted);
    for (no, path) in &others {
        assert_eq!(text(path), SENT, "{}", path.display());
        assert!(!house.row(*no).redacted);
    }
    assert_eq!(house.told().matches("original-redacted").count(), 2);
    let time = fs::metadata(&old_path).unwrap().modified().unwrap();
    house.keep_house();
    assert_eq!(fs::metadata(&old_path).unwrap().modified().unwrap(), time, "once");
    assert_eq!(house.told(), "");
}

/// As an arrival of several files is kept.
#[test]
fn an_archive_of_an_order_and_its_pdf_loses_what_is_personal() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::on(folder.path()).unwrap();
    let patterns = ["{no}.csv".to_string(), "{no}.pdf".to_string()];
    let companions = Companions::parse(&patterns, Duration::from_secs(60)).unwrap();
    let known = Intake { companions: Some(Arc::new(companions)), ..(*house.intakes[0]).clone() };
    house.intakes = vec![Arc::new(known)];
    let (no, path) = house.judged(OLD, counts(2, 0, 0), "");
    let mut writer = ArchiveWriter::new(fs::File::create(&path).unwrap());
    for (name, content) in [("o.csv", SENT), ("o.pdf", "%PDF-1.4\nAnn Berg\n%%EOF\n")] {
        let mut member = writer.begin(name).unwrap();
        member.write_all(content.as_bytes()).unwrap();
        member.end().unwrap();
    }
    writer.finish().unwrap();
    house.keep_house();
    let mut file = fs::File::open(&path).unwrap();
    let directory = Directory::read(&mut file, Limits { members: 9, bytes: 1 << 20 }).unwrap();
    let names: Vec<&str> = directory.entries.iter().map(|entry| &entry.name[..]).collect();
    assert_eq!(names, ["o.csv"]);
    let mut inner = String::new();
    Member::open(&mut file, &directory, &directory.entries[0]).unwrap().read_to_string(&mut inner).unwrap();
    assert_eq!(inner, REDACTED);
    assert!(house.row(no).redacted, "{}", house.told());
}

#[test]
fn a_copy_without_its_fields_is_not_judged_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::on(folder.path()).unwrap();
    let files = [(); 2].map(|()| house.judged(OLD, Counts { accepted: 1, stale: 1, ..Counts::default() }, SENT));
    let tx = house.store.begin().unwrap();
    for (no, _) in &files {
        let refused = Exception {
            number: 2,
            kind: "order",
            key: "2",
            verdict: Verdict::Stale,
            code: "stale",
            line: 3,
            bytes: &[],
            problems: &[],
            payload: None,
            row: None,
            waits: None,
            decided_at: "2026-10-01T04:00:00Z",
        };
        tx.add_exception(*no, &refused).unwrap();
    }
    tx.commit().unwrap();
    house.keep_house();
    let row = house.row(files[0].0);
    let mut asked = 0;
    let mut retry = |house: &mut House, which: Selection| {
        asked += 1;
        let command = Command {
            id: Id::new(1_790_000_000_000, 1_000 + asked),
            verb: Verb::Retry { which, how: Anew::default() },
            who: "ann".into(),
            at: "2026-11-20T04:00:00Z".parse().unwrap(),
            comment: String::new(),
        };
        carry_out(&mut house.bench(), &command, &[], &mut |_, _, _| Ok(String::new())).unwrap()
    };
    let said = retry(&mut house, Selection { items: vec![row.id.to_string()], ..Selection::default() });
    assert!(said.contains("o.csv were overwritten") && said.contains("have dealer send it again"), "{said}");
    let said = retry(&mut house, Selection { partner: Some("dealer".into()), ..Selection::default() });
    assert!(said.contains("2 file(s)") && said.contains("2 of them left out"), "{said}");
    let error = house.bench().judge_whole_again(row).unwrap_err().to_string();
    assert!(error.contains("o.csv were overwritten"), "{error}");
}

#[test]
fn what_cannot_be_redacted_stays_is_told_once_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::on(folder.path()).unwrap();
    let all: Vec<_> = (0..150).map(|_| house.judged(OLD, counts(2, 0, 0), SENT)).collect();
    let stays = |house: &House, told: usize| {
        assert!(all.iter().all(|(no, path)| text(path) == SENT && !house.row(*no).redacted));
        assert_eq!(house.told().matches("original-unredacted level=warning").count(), told);
    };
    house.intakes = vec![intake(vec![], 2)];
    house.keep_house();
    stays(&house, 100);
    house.keep_house();
    stays(&house, 50);
    house.keep_house();
    stays(&house, 0);
    let narrower = LAYOUT.replace(", [\"City\", \"delivery_city\", \"text\"]", "");
    house.intakes = vec![intake(vec![layout(&narrower)], 3)];
    house.keep_house();
    house.keep_house();
    stays(&house, 150);
    let by_position = LAYOUT.replace("[delimited]", "[delimited]\ncolumns = \"positions\"\nheader = \"required\"");
    let by_position = by_position.replace("\"No\"", "\"1\"").replace("\"Name\"", "\"2\"").replace("\"City\"", "\"4\"");
    house.intakes = vec![intake(vec![layout(&by_position)], 4)];
    house.keep_house();
    house.keep_house();
    stays(&house, 150);
    house.intakes = vec![intake(vec![layout(LAYOUT)], 5)];
    house.keep_house();
    assert_eq!(all.iter().filter(|(_, path)| text(path) == REDACTED).count(), 100, "a little at a time");
    house.keep_house();
    assert!(all.iter().all(|(no, path)| text(path) == REDACTED && house.row(*no).redacted));
}

const FOLDER: &str = "NATTPOST_TEST_FOLDER";

#[test]
#[ignore = "run by the test below in a process of its own"]
fn one_turn() {
    let folder = std::env::var(FOLDER).expect("run by the test below");
    let Ok(mut house) = House::on(Path::new(&folder)) else { return };
    let _ = retention::prune(&mut house.bench(), 30, 400);
}

/// Two copies, the fault at its call, the next turn. Tells whether the process was killed.
fn survives(fault: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::on(folder.path()).unwrap();
    let files = [(); 2].map(|()| house.judged(OLD, counts(2, 0, 0), SENT));
    let mut turn = process::Command::new(std::env::current_exe().unwrap());
    turn.args(["one_turn", "--exact", "--ignored"]).env(FOLDER, folder.path()).env("NATTPOST_FAULT", fault);
    let status = turn.output().unwrap().status;
    let killed = status.signal() == Some(9);
    assert!(killed || status.success(), "{fault}: {status}");
    for (no, path) in &files {
        let copy = text(path);
        assert!(copy == SENT || copy == REDACTED && house.row(*no).redacted, "{fault}: {copy}");
    }
    // One that could not be opened waits for another configuration.
    house.intakes = vec![intake(vec![layout(LAYOUT)], 2)];
    house.keep_house();
    assert!(files.iter().all(|(no, path)| text(path) == REDACTED && house.row(*no).redacted), "{fault}");
    killed
}

#[test]
fn whenever_it_is_killed_or_fails_a_copy_is_whole_and_never_overwritten_without_the_ledger_knowing() {
    let kills = (1..200).take_while(|call| survives(&format!("kill@{call}"))).count();
    println!("{kills} calls");
    assert!((20..199).contains(&kills), "{kills} calls");
    (1..=kills).for_each(|call| assert!(!survives(&format!("fail@{call}"))));
}
