//! What the tests of the way out stand on: a real spool, a real database, feeds of three partners, and a clock of their own.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Berlin;
use nattpost::edges::clock::{Now, iso};
use nattpost::edges::events::{Events, Format};
use nattpost::edges::spool::Spool;
use nattpost::edges::store::business::{Inserted, Stamp};
use nattpost::edges::store::ledger::{Arrival, RunRow};
use nattpost::edges::store::{FileNo, Reader, RowId, Store, Tx};
use nattpost::flows::outbound::{Dispatch, Pending};
use nattpost::model::batch::Batch;
use nattpost::model::feed::{Content, Feed, Missed, Replace, Schedule, Triggers};
use nattpost::model::ids::Id;
use nattpost::model::intake::Sender;
use nattpost::model::json::read_line;
use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::own::shipped_layout;
use nattpost::model::rules::file_name::NamePattern;
use nattpost::model::rules::guard::Limits;
use nattpost::model::rules::holidays::Closed;
use nattpost::model::rules::published::Published;

pub struct Bench {
    pub folder: PathBuf,
    pub store: Store,
    pub reader: Reader,
    pub spool: Spool,
    pub events: Events,
    pub pending: Pending,
    pub now: Now,
    log: Log,
    files: u32,
    keep: Option<Arc<tempfile::TempDir>>,
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

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

impl Bench {
    /// At 05:00 in Berlin.
    pub fn new() -> Bench {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Bench { keep: Some(folder.clone()), ..Bench::on(folder.path()).unwrap() }
    }

    /// Another on the same spool and database, as a second writer.
    pub fn beside(&self) -> Bench {
        Bench { keep: self.keep.clone(), files: 1_000_000, ..Bench::on(&self.folder).unwrap() }
    }

    pub fn on(folder: &Path) -> anyhow::Result<Bench> {
        let database = folder.join("n.db");
        let store = Store::open(&database)?;
        let log = Log::default();
        Ok(Bench {
            reader: Reader::open(&database)?,
            spool: Spool::open(&folder.join("spool"))?,
            events: Events::to(Format::Plain, Box::new(log.clone())),
            pending: Pending::default(),
            now: Now { wall: at("2026-11-20T04:00:00Z"), mono: Duration::from_secs(1) },
            store,
            folder: folder.to_owned(),
            keep: None,
            log,
            files: 0,
        })
    }

    pub fn dispatch(&mut self) -> Dispatch<'_> {
        Dispatch {
            store: &mut self.store,
            reader: &mut self.reader,
            spool: &self.spool,
            events: &self.events,
            now: self.now,
            zone: Berlin,
            pending: &mut self.pending,
        }
    }

    /// As after a crash: all that is not on the disk is forgotten.
    pub fn restart(&mut self) {
        let database = self.folder.join("n.db");
        self.pending = Pending::default();
        self.store = Store::open(&database).unwrap();
        self.reader = Reader::open(&database).unwrap();
    }

    /// The oldest backup there is: an empty one. The spool stays as it is.
    pub fn replace_database(&mut self) {
        let database = self.folder.join("other.db");
        self.pending = Pending::default();
        self.store = Store::open(&database).unwrap();
        self.reader = Reader::open(&database).unwrap();
    }

    pub fn later(&mut self, seconds: i64) {
        self.now.wall += chrono::TimeDelta::seconds(seconds);
    }

    /// What was told since the last question.
    pub fn told(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.log.0.lock().unwrap())).unwrap()
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.spool.root().join(below)
    }

    pub fn text(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap_or_else(|e| panic!("{below}: {e}"))
    }

    /// All files below a folder of the spool, sorted.
    pub fn files(&self, below: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.path(below)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path.strip_prefix(self.path(below)).unwrap().to_str().unwrap().to_string());
                }
            }
        }
        found.sort();
        found
    }

    pub fn runs(&self) -> Vec<RunRow> {
        let mut runs = self.store.read().unwrap().runs(None, 1_000).unwrap();
        runs.reverse();
        runs
    }

    /// A file came in and wrote these messages (JSON lines of the kind).
    pub fn applied(&mut self, kind: &str, as_of: &str, lines: &[&str]) -> FileNo {
        let n = self.next_file();
        let tx = self.store.begin().unwrap();
        let file = see(&tx, n, "erp", "facts", as_of);
        let batch = batch(kind, lines);
        let mut records = tx.records(batch.kind(), &Stamp { file, as_of }).unwrap();
        batch.messages().for_each(|m| _ = records.apply(m).unwrap());
        records.finish().unwrap();
        tx.commit().unwrap();
        file
    }

    /// Orders of a partner with these numbers, received now.
    pub fn ordered(&mut self, partner: &str, numbers: &[&str]) -> Vec<RowId> {
        let n = self.next_file();
        let received = iso(self.now.wall);
        let tx = self.store.begin().unwrap();
        let file = see(&tx, n, partner, "orders", &received);
        let mut rows = Vec::new();
        for number in numbers {
            let line = format!(
                r#"{{"buyer_order_no":"{number}","customer_no":"10042","lines":[{{"line_no":1,"article_no":"A1","qty":"2.5","unit":"PCE"}}]}}"#
            );
            let mut batch = batch("order", &[&line]);
            let field = |name| batch.kind().head().field(name).unwrap();
            let (partner_field, received_field) = (field("partner"), field("received_at"));
            batch.put_text(0, 0, partner_field, partner);
            batch.put_text(0, 0, received_field, &received);
            let mut requests = tx.requests(batch.kind(), file).unwrap();
            match requests.insert(batch.message(0)).unwrap() {
                Inserted::New(row) => rows.push(row),
                Inserted::Exists(_) => panic!("{number} is there"),
            }
            requests.finish().unwrap();
        }
        tx.commit().unwrap();
        rows
    }

    pub fn next_file(&mut self) -> u32 {
        self.files += 1;
        self.files
    }
}

pub fn see(tx: &Tx<'_>, n: u32, partner: &str, intake: &str, first_seen: &str) -> FileNo {
    tx.see_file(&Arrival {
        id: Id::new(at(first_seen).timestamp_millis(), n),
        partner,
        intake,
        raw_name: b"orders-1107.csv",
        name: "orders-1107.csv",
        origin: "in",
        first_seen,
        size: 100,
        inode: 1,
        mtime_ns: 1,
        returns_of: None,
        alone: false,
    })
    .unwrap()
}

pub fn batch(kind: &str, lines: &[&str]) -> Batch {
    let mut batch = Batch::new(shipped_kinds().get(kind).unwrap().clone());
    for (nth, line) in lines.iter().enumerate() {
        read_line(line, nth as u32 + 1, nth as u64 + 1, &mut batch).unwrap_or_else(|e| panic!("{line}: {e:?}"));
    }
    batch
}

pub fn sender(partner: &str) -> Arc<Sender> {
    Arc::new(Sender {
        partner: partner.to_string(),
        name: partner.to_string(),
        customers: Vec::new(),
        units: BTreeMap::new(),
        zone: Berlin,
        mode: nattpost::model::mode::Mode::Live,
    })
}

/// Of so many calls those that the everyday loop tries, other ones at each `turn`; with `NATTPOST_EVERY_CALL` (tests/run) each.
pub fn tried(calls: usize, turn: usize) -> impl Iterator<Item = usize> {
    let step = if std::env::var_os("NATTPOST_EVERY_CALL").is_some() { 1 } else { 7 };
    (1 + turn % step..=calls).step_by(step)
}

/// On request only, full, into the partner's own folder.
pub fn feed(partner: &str, id: &str, layout: &str) -> Feed {
    Feed {
        partner: partner.to_string(),
        recipient: sender(partner),
        id: id.to_string(),
        layout: shipped_layout(layout).unwrap_or_else(|| panic!("{layout}")).clone(),
        schedule: Vec::new(),
        file_name: NamePattern::parse(&format!("{id}_{{run}}.{}", layout.rsplit('-').next().unwrap())).unwrap(),
        folder: String::new(),
        only: Vec::new(),
        also: Vec::new(),
        published: Published::default(),
        partners: Vec::new(),
        per_file: None,
        window_days: 90,
        allow_empty: false,
        zone: Berlin,
        content: Content::Full,
        triggers: Triggers::default(),
        limits: Limits::default(),
        replace: Replace::Never,
        reads_within: Duration::from_secs(900),
        packing: None,
        pdf: None,
        files: false,
        done_suffix: None,
        to: None,
        fingerprint: 0,
    }
}

pub fn daily(mut feed: Feed, pattern: &str, missed: Missed) -> Feed {
    feed.schedule = vec![Schedule { pattern: pattern.to_string(), zone: Berlin, missed, closed: Closed::default() }];
    feed
}
