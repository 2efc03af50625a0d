//! A small company for tests of the command line: a configuration, a spool and a database as a night would leave them,
//! and the real binary run on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use chrono::{DateTime, TimeDelta, Utc};
use nattpost::edges::clock::{iso, new_id};
use nattpost::edges::spool::{Place, Role, Spool, state_name};
use nattpost::edges::store::business::Inserted;
use nattpost::edges::store::ledger::{Arrival, Decision, Exception, NewRun, RunReason, RunState, Waits};
use nattpost::edges::store::{FileNo, RowId, Store, Tx};
use nattpost::model::batch::Batch;
use nattpost::model::diagnostic::{Place as Spot, Problem};
use nattpost::model::ids::Id;
use nattpost::model::json::read_line;
use nattpost::model::kind::shipped_kinds;
use nattpost::model::verdict::{Counts, Home, Verdict};

pub struct Desk {
    pub folder: tempfile::TempDir,
    pub now: DateTime<Utc>,
}

pub struct Told {
    pub code: i32,
    pub out: String,
    pub err: String,
}

const LAYOUT: &str = r#"layout = "dealer-orders"
title = "Orders of the dealer"
kind = "order"
syntax = "delimited"
[delimited]
[[record]]
fields = [
  ["1", "buyer_order_no", "text"],
  ["2", "customer_no", "text"],
]
"#;

const DEALER: &str = r#"name = "Dealer"
[intake.orders]
layouts = ["dealer-orders"]
settle = "stable 1 h"
"#;

impl Desk {
    pub fn new() -> Desk {
        let desk = Desk { folder: tempfile::tempdir().unwrap(), now: Utc::now() };
        let root = desk.root();
        fs::create_dir_all(root.join("partners")).unwrap();
        fs::create_dir_all(root.join("layouts")).unwrap();
        fs::write(root.join("nattpost.toml"), "company = \"Nordkap\"\nzone = \"Europe/Berlin\"\n").unwrap();
        fs::write(root.join("partners/dealer.toml"), DEALER).unwrap();
        fs::write(root.join("layouts/dealer-orders.toml"), LAYOUT).unwrap();
        desk
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn spool(&self) -> Spool {
        Spool::open(&self.root().join("spool")).unwrap()
    }

    pub fn store(&self) -> Store {
        Store::open(&self.root().join("nattpost.db")).unwrap()
    }

    pub fn run(&self, words: &[&str]) -> Told {
        told(self.command(words).output().unwrap())
    }

    /// The words of an answer that is well.
    pub fn well(&self, words: &[&str]) -> String {
        let told = self.run(words);
        assert_eq!(told.code, 0, "{words:?}: {}{}", told.out, told.err);
        told.out
    }

    pub fn object(&self, words: &[&str]) -> serde_json::Value {
        let told = self.run(&[&["--json"], words].concat());
        serde_json::from_str(&told.out).unwrap_or_else(|e| panic!("{e}: {}{}", told.out, told.err))
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
        command.args(words).current_dir(self.root()).env_remove("NATTPOST_CONFIG").stdin(Stdio::null());
        command
    }

    pub fn ago(&self, minutes: i64) -> String {
        iso(self.now - TimeDelta::minutes(minutes))
    }
}

pub fn told(output: Output) -> Told {
    Told {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A file that came so many minutes ago.
pub fn came(desk: &Desk, tx: &Tx<'_>, name: &str, minutes_ago: i64) -> (FileNo, Id) {
    let at = desk.now - TimeDelta::minutes(minutes_ago);
    let id = new_id(at).unwrap();
    let arrival = Arrival {
        id,
        partner: "dealer",
        intake: "orders",
        raw_name: name.as_bytes(),
        name,
        origin: "in/dealer/orders",
        first_seen: &iso(at),
        size: 1_234,
        inode: 7,
        mtime_ns: 0,
        returns_of: None,
        alone: false,
    };
    (tx.see_file(&arrival).unwrap(), id)
}

pub fn decide(desk: &Desk, tx: &Tx<'_>, file: FileNo, counts: &[(Verdict, u64)], code: &str) {
    let mut all = Counts::default();
    counts.iter().for_each(|(verdict, count)| all.add(*verdict, *count));
    tx.decide_file(
        file,
        &Decision {
            verdict: all.file_verdict(),
            counts: all,
            kind: "order",
            layout: "dealer-orders",
            fingerprint: 1,
            content_hash: Some(&[1; 32]),
            code,
            home: all.home(),
            day: &desk.now.format("%Y-%m-%d").to_string(),
            decided_at: &desk.ago(1),
            reason_text: None,
            reject_plan: None,
            comment: "",
        },
    )
    .unwrap();
}

/// Puts the original where its verdict says.
pub fn place(desk: &Desk, id: Id, name: &str, home: Home) -> PathBuf {
    let day = desk.now.date_naive();
    let place = match home {
        Home::Done => Place::Done { partner: "dealer", day },
        Home::Failed => Place::Failed { partner: "dealer", intake: "orders" },
        Home::Held => Place::HeldIn { partner: "dealer", intake: "orders" },
    };
    let spool = desk.spool();
    spool.make(place).unwrap();
    let path = spool.path(place, &state_name(id, name.as_bytes(), Role::Original)).unwrap();
    fs::write(&path, "x").unwrap();
    path
}

pub fn order(tx: &Tx<'_>, file: FileNo, line: &str) -> RowId {
    let kind = shipped_kinds().get("order").unwrap();
    let mut batch = Batch::new(kind.clone());
    read_line(line, 14, 1, &mut batch).unwrap();
    let mut requests = tx.requests(kind, file).unwrap();
    let Inserted::New(row) = requests.insert(batch.message(0)).unwrap() else { panic!("it is there already") };
    requests.finish().unwrap();
    row
}

/// What is listed of a message that was not simply taken.
pub struct Listed<'a> {
    pub number: u64,
    pub key: &'a str,
    pub verdict: Verdict,
    pub code: &'static str,
    pub text: &'a str,
    pub payload: Option<&'a str>,
    pub row: Option<RowId>,
    pub waits: Option<Waits>,
}

pub fn list(desk: &Desk, tx: &Tx<'_>, file: FileNo, listed: Listed<'_>) {
    let spot = Spot { line: 14, byte: 100, field: "qty".into(), ..Spot::default() };
    let problems = [Problem::new(listed.code, spot, listed.text.to_string())];
    let exception = Exception {
        number: listed.number,
        kind: "order",
        key: listed.key,
        verdict: listed.verdict,
        code: listed.code,
        line: 14,
        bytes: &[],
        problems: if listed.text.is_empty() { &[] } else { &problems },
        payload: listed.payload,
        row: listed.row,
        waits: listed.waits.as_ref(),
        decided_at: &desk.ago(1),
    };
    tx.add_exception(file, &exception).unwrap();
    tx.set_problem_counts(file, [(listed.code, 1)]).unwrap();
}

/// A run of the ERP's order feed that took this order along.
pub fn exported(desk: &Desk, tx: &Tx<'_>, row: RowId) {
    let run = tx
        .add_run(&NewRun {
            id: new_id(desk.now).unwrap(),
            number: 41,
            partner: "erp",
            feed: "orders",
            kind: "order",
            layout: "nattpost-order-xml",
            reason: RunReason::Due,
            due_at: Some(&desk.ago(5)),
            state: RunState::Ready,
            folder: "",
            name: "orders_41.xml",
            hash: &[2; 32],
            size: 500,
            rows: 1,
            file: None,
            ready_at: &desk.ago(4),
            day: &desk.now.format("%Y-%m-%d").to_string(),
        })
        .unwrap();
    tx.mark_exported("erp/orders", run, [row]).unwrap();
}
