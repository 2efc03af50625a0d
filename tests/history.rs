//! What stock and prices were at any moment, asked of the views after random files, against a model that remembers everything: deltas, full
//! files, deletions, files that are late or taken back, unchanged files, a person's word.

use std::collections::BTreeMap;
use std::sync::Arc;

use nattpost::edges::store::business::{Removal, Stamp};
use nattpost::edges::store::ledger::Arrival;
use nattpost::edges::store::{FileNo, Store, Tx};
use nattpost::model::batch::Batch;
use nattpost::model::ids::Id;
use nattpost::model::kind::{Kind, shipped_kinds};

const MOMENTS: u64 = 40;
const KEYS: u64 = 5;
const FILES: u32 = 45;

struct Chance(u64);

impl Chance {
    fn of(&mut self, count: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % count
    }
}

fn kind(name: &str) -> Arc<Kind> {
    shipped_kinds().get(name).unwrap().clone()
}

fn moment(n: u64) -> String {
    format!("2026-11-01T{:02}:{:02}:00.000Z", n / 60, n % 60)
}

fn id(n: u32) -> Id {
    Id::new(1_795_300_000_000, n)
}

fn file(tx: &Tx<'_>, n: u32, first_seen: &str) -> FileNo {
    let arrival = Arrival {
        id: id(n),
        partner: "erp",
        intake: "all",
        raw_name: b"f",
        name: "f",
        origin: "in",
        first_seen,
        size: 1,
        inode: 1,
        mtime_ns: 1,
        returns_of: None,
        alone: false,
    };
    tx.see_file(&arrival).unwrap()
}

/// The two kinds that are asked for, with what their views call the value.
#[derive(Clone, Copy)]
struct About {
    kind: &'static str,
    value: &'static str,
    view: &'static str,
}

const STOCK: About = About { kind: "stock", value: "qty", view: "v_stock_at" };
const PRICE: About = About { kind: "price", value: "price", view: "v_price_at" };

fn batch(about: About, rows: &[(u64, i64)]) -> Batch {
    let kind = kind(about.kind);
    let mut batch = Batch::new(kind.clone());
    for (nth, (key, value)) in rows.iter().enumerate() {
        batch.begin(nth as u64 + 1, nth as u32 + 2);
        batch.set_text(0, kind.head().field("article_no").unwrap(), &format!("A{key}"));
        batch.set_number(0, kind.head().field(about.value).unwrap(), value * 1_000_000);
    }
    batch
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    since: u64,
    value: i64,
    open: bool,
    file: u32,
}

#[derive(Debug, Clone, Default)]
struct Known {
    held: Vec<Held>,
    /// What its newest confirmation speaks of, and the file that gave it.
    as_of: u64,
    file: u32,
    /// Its moment is not that of the file.
    own: bool,
}

impl Known {
    fn becomes(&mut self, at: u64, value: i64, open: bool, file: u32) {
        let since = self.held.last().map_or(at, |last| at.max(last.since));
        self.held.push(Held { since, value, open, file });
    }
}

type Model = BTreeMap<u64, Known>;

fn say(model: &mut Model, file: u32, at: u64, rows: &[(u64, i64)], overrule: bool) {
    for (key, value) in rows {
        let known = model.entry(*key).or_default();
        if let Some(last) = known.held.last() {
            if at < known.as_of && !overrule {
                continue;
            }
            if !last.open || last.value != *value {
                known.becomes(at, *value, true, file);
            }
        } else {
            known.becomes(at, *value, true, file);
        }
        (known.own, known.as_of, known.file) = (at < known.as_of, at.max(known.as_of), file);
    }
}

fn close(known: &mut Known, at: u64, file: u32, own: bool) {
    let last = known.held.last().unwrap().clone();
    known.becomes(at, last.value, false, file);
    (known.as_of, known.file, known.own) = (at, file, own);
}

fn check(store: &mut Store, path: &std::path::Path, about: About, model: &Model, from: u64, what: &str) {
    drop(store.read().unwrap());
    let conn = rusqlite::Connection::open(path).unwrap();
    let sql = format!(
        "SELECT article_no, CAST({} AS INTEGER), active, file_id FROM {} WHERE ?1 >= since AND ?1 < until ORDER BY 1",
        about.value, about.view
    );
    let mut statement = conn.prepare(&sql).unwrap();
    for at in from..MOMENTS {
        let expected: Vec<(String, i64, bool, String)> = model
            .iter()
            .filter_map(|(key, known)| {
                let held = known.held.iter().rev().find(|held| held.since <= at)?;
                Some((format!("A{key}"), held.value, held.open, id(held.file).to_string()))
            })
            .collect();
        let found: Vec<(String, i64, bool, String)> = statement
            .query_map([moment(at)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(found, expected, "{what}, at {}", moment(at));
    }
}

/// One random file, in the store and in the model. What it was, for who reads a failure.
fn play(tx: &Tx<'_>, chance: &mut Chance, about: About, model: &mut Model, n: u32) -> String {
    let kind = kind(about.kind);
    // Mostly later than the one before, sometimes late.
    let at = (u64::from(n) * (MOMENTS - 8) / u64::from(FILES) + chance.of(8)).saturating_sub(chance.of(4));
    let as_of = moment(at);
    let no = file(tx, n, &moment(0));
    let stamp = Stamp { file: no, as_of: &as_of };
    let keys: Vec<u64> = (0..KEYS).filter(|_| chance.of(2) == 0).collect();
    let rows: Vec<(u64, i64)> = keys.into_iter().map(|key| (key, chance.of(3).cast_signed() + 1)).collect();
    let sort = chance.of(10);
    match sort {
        0 => {
            let key = chance.of(KEYS);
            let at = at.saturating_sub(chance.of(3));
            let (named, said) = ([("article_no".to_string(), format!("A{key}"))], moment(at));
            let mut removals = tx.removals("erp", &stamp).unwrap();
            let removal = Removal { kind: &kind, named: &named, older_than: None, as_of: &said, line: 7 };
            removals.remove(&removal).unwrap();
            removals.finish().unwrap();
            if let Some(known) = model.get_mut(&key)
                && known.held.last().unwrap().open
                && known.as_of <= at
            {
                close(known, at, n, moment(at) != as_of);
            }
            return format!("file {n}: deletion of A{key} as of {said}");
        }
        1 => {
            // An unchanged file: the file before holds as of now.
            let last = model.values().map(|known| known.file).max().unwrap_or_default();
            if let Some(row) = tx.file_by_id(id(last)).unwrap() {
                tx.touch_as_of(row.no, &as_of).unwrap();
                for known in model.values_mut().filter(|known| known.file == last && !known.own) {
                    known.as_of = known.as_of.max(at);
                }
            }
            return format!("file {n}: as {last}, as of {as_of}");
        }
        _ => {}
    }
    let (full, overrule, taken_back) = ([2, 3, 4].contains(&sort), sort == 5, sort == 6);
    let before = model.clone();
    tx.savepoint().unwrap();
    let told = batch(about, &rows);
    let mut records = tx.records(&kind, &stamp).unwrap();
    if overrule {
        records.overrule();
    }
    told.messages().for_each(|message| {
        records.apply(message).unwrap();
    });
    records.finish().unwrap();
    say(model, n, at, &rows, overrule);
    if full {
        tx.close_absent(&kind, "erp", &["all"], &[], &stamp).unwrap();
        for known in model.values_mut() {
            if known.held.last().unwrap().open && known.file != n && known.as_of <= at {
                close(known, at, n, false);
            }
        }
    }
    match taken_back {
        true => {
            tx.take_back().unwrap();
            *model = before;
        }
        false => tx.release().unwrap(),
    }
    format!("file {n} as of {as_of}: {rows:?} full {full} overrule {overrule} taken back {taken_back}")
}

fn story(about: About, seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("n.db");
    let mut store = Store::open(&path).unwrap();
    let (mut chance, mut model) = (Chance(seed), Model::new());
    let mut told = Vec::new();
    for n in 1..=FILES {
        let tx = store.begin().unwrap();
        told.push(play(&tx, &mut chance, about, &mut model, n));
        tx.commit().unwrap();
        if n % 9 == 0 {
            check(&mut store, &path, about, &model, 0, &format!("seed {seed}\n{}", told.join("\n")));
        }
    }
    // What held at the cut and since stays, in pieces of any size.
    let cut = MOMENTS / 2;
    let count = |store: &mut Store| store.read().unwrap().long_histories(&moment(cut), 1_000).unwrap().len();
    assert_eq!(count(&mut store), 1, "seed {seed}: nothing ended before the cut");
    while count(&mut store) > 0 {
        let tx = store.begin().unwrap();
        tx.forget_values(about.kind, &moment(cut), 7).unwrap();
        // Late files replaced values out of order: what is not past stands before what is.
        tx.forget_values(about.kind, &moment(cut), 1_000).unwrap();
        tx.commit().unwrap();
    }
    check(&mut store, &path, about, &model, cut, &format!("seed {seed}, shortened"));
}

#[test]
fn every_moment_of_stock_is_what_the_model_says() {
    (1..=12).for_each(|seed| story(STOCK, seed * 7_919));
}

#[test]
fn every_moment_of_prices_is_what_the_model_says() {
    (1..=12).for_each(|seed| story(PRICE, seed * 104_729));
}

fn history(path: &std::path::Path, table: &str) -> Vec<(i64, String, String)> {
    let conn = rusqlite::Connection::open(path).unwrap();
    let sql = format!("SELECT active, since, until FROM {table}_history ORDER BY history_no");
    let mut statement = conn.prepare(&sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn apply(tx: &Tx<'_>, n: u32, first_seen: &str, as_of: &str, value: i64) {
    let stamp = Stamp { file: file(tx, n, first_seen), as_of };
    let mut records = tx.records(&kind("stock"), &stamp).unwrap();
    batch(STOCK, &[(1, value)]).messages().for_each(|message| {
        records.apply(message).unwrap();
    });
    records.finish().unwrap();
}

/// A sequence is no moment: the value holds from when its file was seen.
#[test]
fn files_with_a_sequence_hold_from_when_they_were_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("n.db");
    let mut store = Store::open(&path).unwrap();
    let tx = store.begin().unwrap();
    // The third was seen before the second: nothing holds from before what it replaces.
    for (n, seen) in [(1, 10), (2, 20), (3, 15), (4, 30)] {
        apply(&tx, n, &moment(seen), &format!("n{n:020}"), i64::from(n));
    }
    tx.commit().unwrap();
    let expected = [(10, 20), (20, 20), (20, 30)];
    assert_eq!(history(&path, "stock"), expected.map(|(since, until)| (1, moment(since), moment(until))));
}

/// Rows of before there was a history hold from the file that said them last.
#[test]
fn rows_of_an_older_database_have_a_begin() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("n.db");
    let mut store = Store::open(&path).unwrap();
    let tx = store.begin().unwrap();
    apply(&tx, 1, &moment(0), &moment(1), 5);
    tx.commit().unwrap();
    drop(store);
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute("UPDATE stock SET since_file = NULL, since_line = NULL, since = NULL", []).unwrap();
    drop(conn);
    let mut store = Store::open(&path).unwrap();
    let tx = store.begin().unwrap();
    apply(&tx, 2, &moment(0), &moment(2), 5);
    apply(&tx, 3, &moment(0), &moment(3), 6);
    tx.commit().unwrap();
    assert_eq!(history(&path, "stock"), [(1, moment(1), moment(3))]);
}
