//! Orders, records and facts through the store: written once, newest wins, closed in their scope, read back as they were.

use std::sync::Arc;

use nattpost::edges::store::business::*;
use nattpost::edges::store::ledger::{Arrival, Decision};
use nattpost::edges::store::{FileNo, RowId, Store, Tx};
use nattpost::model::also::{self, Also, What};
use nattpost::model::batch::{Batch, Message, Value};
use nattpost::model::ids::Id;
use nattpost::model::intake::ArticleScheme;
use nattpost::model::kind::{Kind, shipped_kinds};
use nattpost::model::rules::reference::Matches;
use nattpost::model::verdict::{Counts, Home, Verdict};

const DAY_1: &str = "2026-11-01T00:00:00.000Z";
const DAY_2: &str = "2026-11-02T00:00:00.000Z";
const DAY_3: &str = "2026-11-03T00:00:00.000Z";

fn kind(name: &str) -> Arc<Kind> {
    shipped_kinds().get(name).unwrap().clone()
}

fn open() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("n.db")).unwrap();
    (folder, store)
}

fn file(tx: &Tx<'_>, n: u32, partner: &str, intake: &str) -> FileNo {
    let arrival = Arrival {
        id: Id::new(1_795_300_000_000, n),
        partner,
        intake,
        raw_name: b"f",
        name: "f",
        origin: "in",
        first_seen: DAY_1,
        size: 1,
        inode: 1,
        mtime_ns: 1,
        returns_of: None,
        alone: false,
    };
    tx.see_file(&arrival).unwrap()
}

/// Fills a message: head fields as (name, value), numbers unscaled where the field is a number.
struct Maker(Batch);

impl Maker {
    fn of(name: &str) -> Maker {
        Maker(Batch::new(kind(name)))
    }

    fn message(mut self, line: u32, fields: &[(&str, &str)]) -> Maker {
        self.0.begin(u64::from(line), line);
        self.set(0, 0, fields);
        self
    }

    fn node(mut self, group: &str, parent: u32, fields: &[(&str, &str)]) -> Maker {
        let group = self.0.kind().group(group).unwrap();
        let node = self.0.open(group, parent, 0);
        self.set(node, group, fields);
        self
    }

    fn set(&mut self, node: u32, group: usize, fields: &[(&str, &str)]) {
        let kind = self.0.kind().clone();
        for (name, value) in fields {
            let field = kind.groups[group].field(name).unwrap_or_else(|| panic!("{name}"));
            match (value, kind.groups[group].fields[field].field_type.is_number()) {
                (&"", _) => self.0.set_empty(node, field),
                (value, true) => self.0.set_number(node, field, value.parse().unwrap()),
                (value, false) => self.0.set_text(node, field, value),
            }
        }
    }
}

fn apply(tx: &Tx<'_>, batch: &Batch, file: FileNo, as_of: &str) -> Vec<Applied> {
    let mut records = tx.records(batch.kind(), &Stamp { file, as_of }).unwrap();
    let applied = batch.messages().map(|m| records.apply(m).unwrap()).collect();
    records.finish().unwrap();
    applied
}

fn stock(rows: &[(&str, &str, i64)]) -> Batch {
    let mut maker = Maker::of("stock");
    for (nth, (article, warehouse, qty)) in rows.iter().enumerate() {
        let qty = qty.to_string();
        maker = maker.message(nth as u32 + 2, &[("article_no", article), ("warehouse", warehouse), ("qty", &qty)]);
    }
    maker.0
}

/// All cells of all messages as text, `group.field=value`, and extras.
fn told(message: Message<'_>) -> Vec<String> {
    let mut told = Vec::new();
    for node in message.nodes() {
        let group = &message.kind().groups[node.group()];
        for (field, about) in group.fields.iter().enumerate() {
            let mut tell = |name: String, value: Value<'_>| match value {
                Value::Text(text) => told.push(format!("{}[{}].{name}={text}", group.name, node.parent())),
                Value::Number(number) => told.push(format!("{}[{}].{name}={number}", group.name, node.parent())),
                Value::Missing | Value::Empty => {}
            };
            tell(about.name.clone(), node.value(field));
            tell(format!("{}_sent", about.name), node.sent(field));
        }
        told.extend(node.extras().map(|(name, value)| format!("{}+{name}={value}", group.name)));
    }
    told
}

fn select(tx: &Tx<'_>, name: &str, selection: &Selection<'_>) -> Vec<(u64, Vec<String>)> {
    let kind = kind(name);
    let mut found = Vec::new();
    tx.select(&kind, &Wanted::everything(&kind), selection, &mut |batch| {
        found.extend(batch.messages().map(|m| (m.origin().number, told(m))));
        Ok(())
    })
    .unwrap();
    found
}

fn order(line: u32, number: &str, partner: &str, qty: &str) -> Maker {
    let head = [
        ("buyer_order_no", number),
        ("customer_no", "C1"),
        ("partner", partner),
        ("received_at", DAY_1),
        ("currency", "EUR"),
    ];
    let mut maker = Maker::of("order")
        .message(line, &head)
        .node("lines", 0, &[("line_no", "10"), ("article_no", "A-1"), ("qty", qty), ("unit", "PCE")])
        .node("line_charges", 1, &[("charge_type", "allowance"), ("pct", "50000")])
        .node("lines", 0, &[("article_no", "A-2"), ("qty", "2000000")])
        .node("line_charges", 3, &[("charge_type", "charge"), ("amount", "7")])
        .node("charges", 0, &[("charge_type", "charge"), ("reason", "freight")]);
    maker.0.add_extra(0, &"colour".into(), "red");
    maker.0.add_extra(3, &"engraving".into(), "för Åsa");
    maker
}

#[test]
fn an_order_is_written_once_and_comes_back_as_it_was() {
    let (_folder, mut store) = open();
    let tx = store.begin().unwrap();
    let first = file(&tx, 1, "shop", "orders");
    let mut batch = order(3, "B-1", "shop", "1000000").0;
    let (_, customer) = batch.kind().path("customer_no").unwrap();
    batch.resolve(0, 0, customer, "4711");
    let mut requests = tx.requests(batch.kind(), first).unwrap();
    let Inserted::New(row) = requests.insert(batch.message(0)).unwrap() else { panic!() };
    assert_eq!(requests.insert(batch.message(0)).unwrap(), Inserted::Exists(row));
    let mut other = order(4, "B-1", "dealer", "1").0;
    other.resolve(0, 0, customer, "4711");
    let Inserted::New(second) = requests.insert(other.message(0)).unwrap() else {
        panic!("another partner's B-1 is another order")
    };
    requests.finish().unwrap();
    assert_eq!(tx.file(first).unwrap().unwrap().rows_written, 2);

    let loaded = tx.load(batch.kind(), row).unwrap().unwrap();
    let mut before = told(batch.message(0));
    let mut after = told(loaded.message(0));
    assert!(before.contains(&"[0].customer_no_sent=C1".to_string()), "{before:?}");
    // Groups come back one after the other, so parents have other places: compared without them, then by name.
    let strip = |list: &mut Vec<String>| {
        list.iter_mut()
            .for_each(|s| *s = s.replace("[1]", "[]").replace("[2]", "[]").replace("[3]", "[]").replace("[0]", "[]"));
        list.sort();
    };
    strip(&mut before);
    strip(&mut after);
    assert_eq!(before, after);
    let loaded = loaded.message(0);
    let charges = loaded.kind().group("line_charges").unwrap();
    let parents: Vec<_> = loaded.group(charges).map(|c| loaded.node(c.parent()).value(2).text().unwrap()).collect();
    assert_eq!(parents, ["A-1", "A-2"], "each charge below its own line");
    assert!(tx.load(batch.kind(), RowId(99)).unwrap().is_none());

    let found = tx.find_rows(batch.kind(), "B-1", 9).unwrap();
    assert_eq!((found.len(), found[0].file, found[0].line), (2, first, 3));
    assert!(tx.number_order(second, "E-9").unwrap() && !tx.number_order(second, "E-10").unwrap());
    assert_eq!(tx.find_rows(batch.kind(), "E-9", 9).unwrap()[0].row, Some(second));
}

#[test]
fn a_replaced_order_is_wholly_the_new_one() {
    let (_folder, mut store) = open();
    let tx = store.begin().unwrap();
    let (first, second) = (file(&tx, 1, "shop", "orders"), file(&tx, 2, "shop", "orders"));
    let old = order(3, "B-1", "shop", "1000000").0;
    let mut requests = tx.requests(old.kind(), first).unwrap();
    let Inserted::New(row) = requests.insert(old.message(0)).unwrap() else { panic!() };
    requests.finish().unwrap();
    let head = [("buyer_order_no", "B-1"), ("customer_no", "C1"), ("partner", "shop")];
    let new = Maker::of("order").message(8, &head).node("lines", 0, &[("article_no", "A-9"), ("qty", "5")]).0;
    let mut requests = tx.requests(new.kind(), second).unwrap();
    requests.replace(row, new.message(0)).unwrap();
    requests.finish().unwrap();
    assert_eq!(told(tx.load(new.kind(), row).unwrap().unwrap().message(0)), told(new.message(0)));
    assert_eq!(tx.find_rows(new.kind(), "B-1", 9).unwrap()[0].file, second);
    assert_eq!((tx.file(first).unwrap().unwrap().rows_taken, tx.file(second).unwrap().unwrap().rows_written), (1, 1));
}

#[test]
fn facts_are_ordered_in_time() {
    let (_folder, mut store) = open();
    let tx = store.begin().unwrap();
    let files: Vec<_> = (1..=5).map(|n| file(&tx, n, "erp", "stock")).collect();
    assert_eq!(apply(&tx, &stock(&[("A", "", 5), ("A", "01", 6)]), files[0], DAY_2), [Applied::New, Applied::New]);
    assert_eq!(apply(&tx, &stock(&[("A", "", 9)]), files[1], DAY_1), [Applied::Stale], "Monday's stock on Wednesday");
    assert_eq!(apply(&tx, &stock(&[("A", "", 5)]), files[2], DAY_3), [Applied::Unchanged]);
    // Unchanged values moved the row on: what lies between is stale now.
    assert_eq!(apply(&tx, &stock(&[("A", "", 7)]), files[3], DAY_2), [Applied::Stale]);
    let twice = stock(&[("A", "", 7), ("A", "", 8), ("B", "", 1), ("B", "", 1)]);
    assert_eq!(
        apply(&tx, &twice, files[4], DAY_3),
        [Applied::Changed, Applied::Changed, Applied::New, Applied::Unchanged]
    );
    let rows = |no: FileNo| tx.file(no).map(|f| f.map(|f| (f.rows_written, f.rows_taken))).unwrap().unwrap();
    assert_eq!((rows(files[0]), rows(files[1]), rows(files[2]), rows(files[4])), ((2, 1), (0, 0), (1, 1), (2, 0)));
    let found = tx.find_rows(&kind("stock"), "A", 9).unwrap();
    assert_eq!((found[0].file, found[0].line, found[0].as_of.as_str()), (files[4], 3, DAY_3));
    assert_eq!((found[1].file, found[1].as_of.as_str()), (files[0], DAY_2));
}

#[test]
fn a_missing_field_leaves_and_an_empty_one_clears() {
    let (_folder, mut store) = open();
    let tx = store.begin().unwrap();
    let file = file(&tx, 1, "erp", "stock");
    let full =
        [("article_no", "A"), ("qty", "5"), ("unit", "PCE"), ("expected_date", "2026-12-01"), ("end_of_life", "1")];
    apply(&tx, &Maker::of("stock").message(1, &full).0, file, DAY_1);
    let partly = [("article_no", "A"), ("qty", "6"), ("expected_date", "")];
    let batch = Maker::of("stock").message(2, &partly).0;
    assert_eq!(apply(&tx, &batch, file, DAY_1), [Applied::Changed]);
    let found = select(&tx, "stock", &Selection::default());
    assert_eq!(found[0].1, ["[0].article_no=A", "[0].qty=6", "[0].unit=PCE", "[0].end_of_life=1"]);
}

#[test]
fn rows_of_one_file_may_each_bring_other_columns() {
    let (_folder, mut store) = open();
    let tx = store.begin().unwrap();
    let file = file(&tx, 1, "erp", "stock");
    let rows: [&[(&str, &str)]; 6] = [
        &[("article_no", "A"), ("qty", "1")],
        &[("article_no", "B"), ("qty", "2"), ("unit", "PCE"), ("warehouse", "HH")],
        &[("article_no", "C"), ("qty", "3"), ("expected_date", "2026-12-01"), ("unit", "")],
        &[("article_no", "D"), ("qty", "4")],
        &[("article_no", "E"), ("qty", "5"), ("unit", "MTR"), ("warehouse", "")],
        &[("article_no", "F"), ("qty", "6"), ("end_of_life", "0"), ("expected_date", "")],
    ];
    let maker = rows.iter().zip(2..).fold(Maker::of("stock"), |maker, (row, line)| maker.message(line, row));
    assert_eq!(apply(&tx, &maker.0, file, DAY_1), [Applied::New; 6]);
    let found = select(&tx, "stock", &Selection::default());
    let expected: [&[&str]; 6] = [
        &["article_no=A", "qty=1"],
        &["article_no=B", "warehouse=HH", "qty=2", "unit=PCE"],
        &["article_no=C", "qty=3", "expected_date=2026-12-01"],
        &["article_no=D", "qty=4"],
        &["article_no=E", "qty=5", "unit=MTR"],
        &["article_no=F", "qty=6", "end_of_life=0"],
    ];
    for ((_, found), expected) in found.iter().zip(expected) {
        assert_eq!(found, &expected.iter().map(|cell| format!("[0].{cell}")).collect::<Vec<_>>());
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn more_sets_of_columns_than_statements_are_kept_for_write_what_they_bring() {
    let (_folder, mut store) = open();
    let tx = store.begin().unwrap();
    let fields = ["name", "name2", "street", "zip", "city", "country", "email", "phone"];
    // Each file begins with a set of its own, 200 of them.
    for n in 0..200u32 {
        let file = file(&tx, n + 1, "erp", "customers");
        let no = format!("C{n:03}");
        let mut row = vec![("customer_no", no.as_str())];
        row.extend(fields.iter().enumerate().filter(|(nth, _)| n >> nth & 1 == 1).map(|(_, name)| (*name, "x")));
        assert_eq!(apply(&tx, &Maker::of("customer").message(1, &row).0, file, DAY_1), [Applied::New]);
    }
    let found = select(&tx, "customer", &Selection::default());
    for (n, (_, cells)) in found.iter().enumerate() {
        let brought = fields.iter().enumerate().filter(|(nth, _)| n >> nth & 1 == 1);
        let expected: Vec<_> = std::iter::once(format!("[0].customer_no=C{n:03}"))
            .chain(brought.map(|(_, name)| format!("[0].{name}=x")))
            .collect();
        assert_eq!(cells, &expected);
    }
    assert_eq!(found.len(), 200);
}

#[test]
fn an_unchanged_file_moves_the_as_of_of_all_its_rows_unless_others_wrote_since() {
    let (_folder, mut store) = open();
    let tx = store.begin().unwrap();
    let (first, again, other) =
        (file(&tx, 1, "erp", "stock"), file(&tx, 2, "erp", "stock"), file(&tx, 3, "shop", "stock"));
    apply(&tx, &stock(&[("A", "", 5), ("B", "", 5)]), first, DAY_1);
    let decision = Decision {
        verdict: Verdict::Accepted,
        counts: Counts { accepted: 2, ..Counts::default() },
        kind: "stock",
        layout: "l",
        fingerprint: 7,
        content_hash: Some(b"content"),
        code: "",
        home: Home::Done,
        day: "2026-11-01",
        decided_at: DAY_1,
        reason_text: None,
        reject_plan: None,
        comment: "",
    };
    tx.decide_file(first, &decision).unwrap();
    assert!(tx.unchanged_since("erp", "stock", b"content", 8).unwrap().is_none(), "the configuration is another");
    assert!(tx.unchanged_since("erp", "stock", b"other", 7).unwrap().is_none());
    let last = tx.unchanged_since("erp", "stock", b"content", 7).unwrap().unwrap();
    assert_eq!(last.no, first);
    tx.touch_as_of(last.no, DAY_3).unwrap();
    let seen =
        Decision { verdict: Verdict::Unchanged, counts: Counts { unchanged: 2, ..Counts::default() }, ..decision };
    tx.decide_file(again, &seen).unwrap();
    assert_eq!(apply(&tx, &stock(&[("A", "", 9)]), other, DAY_2), [Applied::Stale]);
    assert!(tx.unchanged_since("erp", "stock", b"content", 7).unwrap().is_some(), "a stale message wrote nothing");
    let newer = file(&tx, 4, "shop", "stock");
    apply(&tx, &stock(&[("A", "", 9)]), newer, DAY_3);
    assert!(tx.unchanged_since("erp", "stock", b"content", 7).unwrap().is_none(), "somebody else wrote since");
}

#[test]
fn closing_keeps_to_its_source_its_scope_and_its_time() {
    let (_folder, mut store) = open();
    let tx = store.begin().unwrap();
    let stock_kind = kind("stock");
    let (full, dealer, late, second) = (
        file(&tx, 1, "erp", "stock"),
        file(&tx, 2, "dealer", "stock"),
        file(&tx, 3, "erp", "stock"),
        file(&tx, 4, "erp", "stock"),
    );
    apply(&tx, &stock(&[("A", "01", 1), ("B", "01", 1), ("C", "01", 1), ("A", "02", 1)]), full, DAY_1);
    apply(&tx, &stock(&[("D", "01", 1)]), dealer, DAY_1);
    apply(&tx, &stock(&[("C", "01", 2)]), late, DAY_3);
    apply(&tx, &stock(&[("A", "01", 1)]), second, DAY_2);
    let stamp = Stamp { file: second, as_of: DAY_2 };
    let closed = tx.close_absent(&stock_kind, "erp", &["stock"], &[("warehouse", "01")], &stamp).unwrap();
    assert_eq!(closed, 1, "only B: A was written, C is newer, D is another's, A in 02 is out of scope");
    let open: Vec<_> = select(&tx, "stock", &Selection::default()).into_iter().map(|r| r.1[..2].join(" ")).collect();
    let expected = [
        "[0].article_no=A [0].warehouse=01",
        "[0].article_no=A [0].warehouse=02",
        "[0].article_no=C [0].warehouse=01",
        "[0].article_no=D [0].warehouse=01",
    ];
    assert_eq!(open, expected);
    let qty = stock_kind.head().field("qty");
    let all = select(&tx, "stock", &Selection { closed_as_zero: qty, ..Selection::default() });
    assert_eq!(all.len(), 5);
    assert_eq!(all[2].1, ["[0].article_no=B", "[0].warehouse=01", "[0].qty=0"]);
    assert_eq!(all[3].1, ["[0].article_no=C", "[0].warehouse=01", "[0].qty=2"]);
    let found = tx.find_rows(&stock_kind, "B", 1).unwrap();
    assert_eq!((found[0].active, found[0].file, found[0].line, found[0].as_of.as_str()), (false, second, 0, DAY_2));
    assert_eq!(tx.close_absent(&stock_kind, "erp", &["stock"], &[("warehouse", "01")], &stamp).unwrap(), 0);
    assert!(tx.close_absent(&stock_kind, "erp", &["stock"], &[("wharehouse", "01")], &stamp).is_err());
    // It comes back.
    assert_eq!(apply(&tx, &stock(&[("B", "01", 1)]), second, DAY_2), [Applied::Reopened]);
    assert_eq!(tx.file(full).unwrap().unwrap().rows_taken, 3);
}

fn article(line: u32, fields: &[(&str, &str)]) -> Maker {
    Maker::of("article").message(line, fields)
}

#[test]
fn groups_of_a_record_are_replaced_when_they_are_mentioned() {
    let (_folder, mut store) = open();
    let tx = store.begin().unwrap();
    let erp = file(&tx, 1, "erp", "articles");
    let head = [("article_no", "A"), ("unit", "PCE")];
    let with_units = article(1, &head).node("units", 0, &[("unit", "CT"), ("base_qty", "12")]).node(
        "units",
        0,
        &[("unit", "PF"), ("base_qty", "144")],
    );
    assert_eq!(apply(&tx, &with_units.0, erp, DAY_1), [Applied::New]);
    assert_eq!(apply(&tx, &with_units.0, erp, DAY_1), [Applied::Unchanged]);
    assert_eq!(apply(&tx, &article(2, &head).0, erp, DAY_1), [Applied::Unchanged], "not mentioned, so left");
    let mut references = tx.references().unwrap();
    assert_eq!(references.base_quantity("A", "PF").unwrap(), Some(144));
    drop(references);
    let fewer = article(3, &head).node("units", 0, &[("unit", "CT"), ("base_qty", "10")]);
    assert_eq!(apply(&tx, &fewer.0, erp, DAY_1), [Applied::Changed]);
    let mut references = tx.references().unwrap();
    assert_eq!(references.base_quantity("A", "CT").unwrap(), Some(10));
    assert_eq!(references.base_quantity("A", "PF").unwrap(), None);
}

#[test]
fn numbers_of_others_are_found() {
    let (_folder, mut store) = open();
    let tx = store.begin().unwrap();
    let erp = file(&tx, 1, "erp", "articles");
    let a = [
        ("article_no", "A"),
        ("unit", "PCE"),
        ("ean", "4006381333931"),
        ("supplier_no", "S1"),
        ("supplier_article_no", "X-1"),
    ];
    let b = [("article_no", "B"), ("ean", "4006381333931"), ("supplier_no", "S2"), ("supplier_article_no", "X-1")];
    let batch = article(1, &a)
        .node("aliases", 0, &[("scheme", "partner"), ("owner", "shop"), ("value", "S-77")])
        .node("aliases", 0, &[("scheme", "isbn"), ("value", "978-3")])
        .message(2, &b)
        .node("aliases", 0, &[("scheme", "partner"), ("owner", "dealer"), ("value", "S-77")])
        .0;
    apply(&tx, &batch, erp, DAY_1);
    let customers = Maker::of("customer").message(1, &[("customer_no", "C1")]).message(2, &[("customer_no", "C2")]).0;
    apply(&tx, &customers, erp, DAY_1);
    tx.add_customer_alias("shop", "1001", "C1").unwrap();
    tx.add_customer_alias("dealer", "1001", "C1").unwrap();
    tx.add_customer_alias("dealer", "1001", "C2").unwrap();
    let one = |no: &str| Matches::One(no.to_string());
    let both = |x: &str, y: &str| Matches::Many(vec![x.to_string(), y.to_string()]);
    let mut r = tx.references().unwrap();
    let table = [
        (ArticleScheme::Own, "", "A", one("A")),
        (ArticleScheme::Own, "", "Z", Matches::None),
        (ArticleScheme::Partner, "shop", "S-77", one("A")),
        (ArticleScheme::Partner, "dealer", "S-77", one("B")),
        (ArticleScheme::Partner, "erp", "S-77", Matches::None),
        (ArticleScheme::Supplier, "S2", "X-1", one("B")),
        (ArticleScheme::Supplier, "", "X-1", both("A", "B")),
        (ArticleScheme::Ean, "", "4006381333931", both("A", "B")),
        (ArticleScheme::Isbn, "shop", "978-3", one("A")),
    ];
    for (scheme, owner, value, expected) in table {
        assert_eq!(r.article(scheme, owner, value).unwrap(), expected, "{scheme:?} {owner} {value}");
    }
    assert_eq!(r.customer("shop", "1001").unwrap(), one("C1"));
    assert_eq!(r.customer("dealer", "1001").unwrap(), both("C1", "C2"));
    assert_eq!(r.customer("dealer", "C2").unwrap(), one("C2"), "our own number");
    assert_eq!(r.customer("erp", "1001").unwrap(), Matches::None);
    assert_eq!(
        (r.base_unit("A").unwrap(), r.base_unit("B").unwrap(), r.base_unit("Z").unwrap()),
        (Some(Some("PCE".into())), Some(None), None)
    );
}

#[test]
fn status_is_received_until_the_erp_says_more_and_numbers_the_order() {
    let (_folder, mut store) = open();
    let tx = store.begin().unwrap();
    let (shop, erp) = (file(&tx, 1, "shop", "orders"), file(&tx, 2, "erp", "status"));
    let order_kind = kind("order");
    let mut requests = tx.requests(&order_kind, shop).unwrap();
    for (number, partner) in [("B-1", "shop"), ("B-2", "shop"), ("B-1", "dealer")] {
        requests.insert(order(3, number, partner, "1").0.message(0)).unwrap();
    }
    requests.finish().unwrap();
    let head = [
        ("partner", "shop"),
        ("customer_no", "C1"),
        ("buyer_order_no", "B-2"),
        ("order_no", "E-2"),
        ("status", "shipped"),
    ];
    let status = Maker::of("order_status")
        .message(1, &head)
        .node("lines", 0, &[("line_no", "10"), ("shipped_qty", "1")])
        .node("despatches", 0, &[("delivery_note_no", "D1")])
        .node("trackings", 2, &[("tracking_no", "T1")])
        .node("despatches", 0, &[("delivery_note_no", "D2")])
        .node("trackings", 4, &[("tracking_no", "T2")])
        .node("trackings", 4, &[("tracking_no", "T3")])
        .0;
    assert_eq!(apply(&tx, &status, erp, DAY_1), [Applied::New]);
    assert_eq!(apply(&tx, &status, erp, DAY_1), [Applied::Unchanged]);
    let partners = ["shop".to_string()];
    let selection = Selection { partners: &partners, since: Some(DAY_1), ..Selection::default() };
    let found = select(&tx, "order_status", &selection);
    assert_eq!(
        found[0].1,
        [
            "[0].partner=shop",
            "[0].customer_no=C1",
            "[0].buyer_order_no=B-1",
            "[0].status=received",
            &format!("[0].status_at={DAY_1}")
        ]
    );
    let expected = [
        "[0].partner=shop",
        "[0].customer_no=C1",
        "[0].buyer_order_no=B-2",
        "[0].order_no=E-2",
        "[0].status=shipped",
        "lines[0].line_no=10",
        "lines[0].shipped_qty=1",
        "despatches[0].delivery_note_no=D1",
        "despatches[0].delivery_note_no=D2",
        "trackings[2].tracking_no=T1",
        "trackings[3].tracking_no=T2",
        "trackings[3].tracking_no=T3",
    ];
    assert_eq!(found[1].1, expected);
    assert_eq!(
        (found.len(), select(&tx, "order_status", &Selection { since: Some(DAY_2), ..selection }).len()),
        (2, 0)
    );
    let only = [("status".to_string(), "received".to_string())];
    assert_eq!(select(&tx, "order_status", &Selection { only: &only, ..Selection::default() }).len(), 2);
    assert_eq!(tx.find_rows(&order_kind, "E-2", 9).unwrap()[0].key[0].1, "B-2");
    let mut references = tx.references().unwrap();
    let partners_of = |found: Vec<OrderKey>| found.into_iter().map(|o| o.partner).collect::<Vec<_>>();
    assert_eq!(partners_of(references.orders("", "", "B-1").unwrap()), ["dealer", "shop"]);
    assert_eq!(partners_of(references.orders("shop", "C1", "B-1").unwrap()), ["shop"]);
    assert!(references.orders("shop", "C9", "B-1").unwrap().is_empty());
}

#[test]
fn rows_are_selected_by_key_field_partner_and_what_went_out() {
    let (_folder, mut store) = open();
    let tx = store.begin().unwrap();
    let (shop, erp) = (file(&tx, 1, "shop", "orders"), file(&tx, 2, "erp", "stock"));
    let order_kind = kind("order");
    let mut requests = tx.requests(&order_kind, shop).unwrap();
    for number in ["B-3", "B-1", "B-2"] {
        requests.insert(order(3, number, "shop", "1").0.message(0)).unwrap();
    }
    requests.finish().unwrap();
    let numbers =
        |selection: &Selection<'_>| -> Vec<u64> { select(&tx, "order", selection).into_iter().map(|r| r.0).collect() };
    let pending = Selection { not_exported_by: Some("erp/orders"), ..Selection::default() };
    assert_eq!(numbers(&pending), [1, 2, 3], "in the order of their arrival");
    let run = tx.add_run(&ledger_run(1)).unwrap();
    tx.mark_exported("erp/orders", run, [RowId(1), RowId(3)]).unwrap();
    assert_eq!(numbers(&pending), [2]);
    let last = tx.add_run(&ledger_run(2)).unwrap();
    tx.mark_exported("erp/orders", last, [RowId(2)]).unwrap();
    assert!(numbers(&pending).is_empty());
    let mut later = tx.requests(&order_kind, shop).unwrap();
    later.insert(order(3, "B-4", "shop", "1").0.message(0)).unwrap();
    later.finish().unwrap();
    assert_eq!(numbers(&pending), [4]);
    assert_eq!(numbers(&Selection { not_exported_by: Some("other/orders"), ..Selection::default() }).len(), 4);
    assert_eq!(numbers(&Selection { key: Some("B-2"), ..Selection::default() }), [3]);
    let nobody = ["nobody".to_string()];
    assert!(numbers(&Selection { partners: &nobody, ..Selection::default() }).is_empty());

    apply(&tx, &stock(&[("B", "01", 2_500_000), ("A", "02", 1), ("A", "01", 3)]), erp, DAY_1);
    let articles = |selection: &Selection<'_>| -> Vec<String> {
        select(&tx, "stock", selection).into_iter().map(|r| r.1.join(" ")).collect()
    };
    assert_eq!(articles(&Selection::default()).len(), 3);
    assert!(
        articles(&Selection::default())[0].starts_with("[0].article_no=A [0].warehouse=01"),
        "in the order of the key"
    );
    let only = |field: &str, value: &str| [(field.to_string(), value.to_string())];
    assert_eq!(articles(&Selection { only: &only("warehouse", "01"), ..Selection::default() }).len(), 2);
    assert_eq!(
        articles(&Selection { only: &only("qty", "2.5"), ..Selection::default() }),
        ["[0].article_no=B [0].warehouse=01 [0].qty=2500000"]
    );
    assert_eq!(articles(&Selection { only: &only("unit", ""), ..Selection::default() }).len(), 3);
    let stock_kind = kind("stock");
    let mut wanted = Wanted::nothing(&stock_kind);
    wanted.add(0, stock_kind.head().field("qty").unwrap());
    let mut seen = Vec::new();
    let count = tx.select(&stock_kind, &wanted, &Selection::default(), &mut |batch| {
        seen.extend(batch.messages().map(|m| told(m).join(" ")));
        Ok(())
    });
    assert_eq!((count.unwrap(), seen.join(" ")), (3, "[0].qty=3 [0].qty=1 [0].qty=2500000".to_string()));
    for wrong in [only("qty", "much"), only("quantity", "1")] {
        assert!(
            tx.select(&stock_kind, &wanted, &Selection { only: &wrong, ..Selection::default() }, &mut |_| Ok(()))
                .is_err()
        );
    }
}

fn ledger_run(number: u32) -> nattpost::edges::store::ledger::NewRun<'static> {
    use nattpost::edges::store::ledger::{NewRun, RunReason, RunState};
    NewRun {
        id: Id::new(1, number),
        number: u64::from(number),
        partner: "erp",
        feed: "orders",
        kind: "order",
        layout: "l",
        reason: RunReason::Due,
        due_at: None,
        state: RunState::Ready,
        folder: "",
        name: "n",
        hash: b"",
        size: 0,
        rows: 0,
        file: None,
        ready_at: DAY_1,
        day: "2026-11-01",
    }
}

#[test]
fn many_rows_pass_from_first_load_to_reload_in_batches() {
    let (_folder, mut store) = open();
    let tx = store.begin().unwrap();
    let (first, second) = (file(&tx, 1, "erp", "stock"), file(&tx, 2, "erp", "stock"));
    let names: Vec<String> = (0..20_000).map(|n| format!("ART-{n:07}")).collect();
    // Every third is there already, so inserting first and looking first take turns.
    let some: Vec<_> = names.iter().step_by(3).map(|n| (n.as_str(), "", 1)).collect();
    apply(&tx, &stock(&some), first, DAY_1);
    let all: Vec<_> = names.iter().map(|n| (n.as_str(), "", 1)).collect();
    let applied = apply(&tx, &stock(&all), second, DAY_1);
    assert_eq!(applied.iter().filter(|a| **a == Applied::New).count(), 20_000 - some.len());
    assert_eq!(applied.iter().filter(|a| **a == Applied::Unchanged).count(), some.len());
    assert_eq!(tx.file(second).unwrap().unwrap().rows_written, 20_000);
    let (mut batches, mut last) = (0, String::new());
    let stock_kind = kind("stock");
    tx.select(&stock_kind, &Wanted::everything(&stock_kind), &Selection::default(), &mut |batch| {
        batches += 1;
        for message in batch.messages() {
            let article = message.head().value(0).text().unwrap();
            assert!(last.as_str() < article);
            last = article.to_string();
        }
        Ok(())
    })
    .unwrap();
    assert!(batches > 1, "{batches}");
    assert_eq!(last, "ART-0019999");
}

/// Of a partner's own fields only those that are asked for are kept, and another's file about the row leaves them.
#[test]
fn own_fields_are_kept_while_they_are_asked_for() {
    let (_folder, mut store) = open();
    let tx = store.begin().unwrap();
    let (ours, theirs) = (file(&tx, 1, "erp", "stock"), file(&tx, 2, "supplier", "stock"));
    let say = |days: &str| {
        let mut batch = stock(&[("A", "1", 5_000_000)]);
        for (name, value) in [("days", days), ("shelf", "7")] {
            if !value.is_empty() {
                batch.add_extra(0, &name.into(), value);
            }
        }
        batch
    };
    let apply_kept = |file: FileNo, owner: &str, batch: &Batch, as_of: &str| {
        let mut records = tx.records(batch.kind(), &Stamp { file, as_of }).unwrap();
        records.keep(owner, vec!["days".into()]).unwrap();
        let applied = records.apply(batch.message(0)).unwrap();
        records.finish().unwrap();
        applied
    };
    assert_eq!(apply_kept(ours, "erp", &say("3"), DAY_1), Applied::New);
    assert_eq!(apply_kept(ours, "erp", &say("3"), DAY_1), Applied::Unchanged);
    assert_eq!(apply_kept(ours, "erp", &say("4"), DAY_1), Applied::Changed, "nothing but the field is another");
    assert_eq!(apply_kept(theirs, "supplier", &say("9"), DAY_2), Applied::Changed);
    assert_eq!(apply_kept(theirs, "supplier", &say(""), DAY_2), Applied::Changed, "no value takes it away");
    let needed = |name: &str| [("erp".to_string(), "stock".to_string(), name.to_string())].into();
    let kinds = [stock(&[]).kind().clone()];
    assert!(!tx.drop_extras_but(&kinds, &needed("days")).unwrap(), "what another brought was taken away");
    assert!(tx.drop_extras_but(&kinds, &needed("hours")).unwrap());
    assert!(!tx.drop_extras_but(&kinds, &needed("hours")).unwrap(), "it is gone");
}

/// Rows of a feed and values beside them: read along in the order of the keys, they are those that a search for each row finds.
#[test]
fn values_read_along_are_those_that_a_search_finds() {
    let (folder, mut store) = open();
    let tx = store.begin().unwrap();
    let file = file(&tx, 1, "erp", "stock");
    let seed = std::cell::Cell::new(7_u64);
    let below = |end: u64| {
        seed.set(seed.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
        (seed.get() >> 33) % end
    };
    let article_no = |n: u64| format!("A{n:04}");
    let (mut rows, mut articles, mut prices) = (Maker::of("stock"), Maker::of("article"), Maker::of("price"));
    for n in 0..3_000 {
        let number = article_no(n);
        // Runs without a row, and runs of nothing but rows.
        for warehouse in ["", "1", "2\0x"].into_iter().filter(|_| n % 700 > 300 && below(3) > 0) {
            rows = rows.message(1, &[("article_no", &number), ("warehouse", warehouse), ("qty", "1")]);
            for name in ["days", "other"].into_iter().filter(|_| n % 500 > 200 && below(2) > 0) {
                rows.0.add_extra(0, &name.into(), &below(99).to_string());
            }
        }
        if below(4) > 0 {
            articles = articles.message(1, &[("article_no", &number), ("name", &format!("name {n}"))]);
            articles.0.add_extra(0, &"shelf".into(), &below(99).to_string());
        }
        for list in 0..2 {
            // Of some more days than a piece has rows.
            for day in 0..if n == 2_000 { 30 } else { below(4) } {
                let since = format!("2026-{:02}-{:02}", 1 + below(12), 1 + day % 28);
                let (list, price) = (list.to_string(), below(99_999_999).to_string());
                let mut fields = vec![("article_no", number.as_str()), ("price_list", &list), ("price", &price)];
                fields.extend([("currency", ["EUR", "SEK"][below(2) as usize]), ("valid_from", &since)]);
                if below(3) == 0 {
                    fields.push(("valid_to", "2026-06-15"));
                }
                prices = prices.message(1, &fields);
            }
        }
    }
    for (batch, extra) in [(&rows.0, Some("days")), (&articles.0, Some("shelf")), (&prices.0, None)] {
        let mut records = tx.records(batch.kind(), &Stamp { file, as_of: DAY_1 }).unwrap();
        records.keep("erp", extra.map(Into::into).into_iter().collect()).unwrap();
        batch.messages().for_each(|message| {
            assert!(matches!(records.apply(message).unwrap(), Applied::New | Applied::Changed | Applied::Unchanged))
        });
        records.finish().unwrap();
    }
    tx.commit().unwrap();
    let closing = rusqlite::Connection::open(folder.path().join("n.db")).unwrap();
    closing.execute("UPDATE stock SET active = 0 WHERE article_no LIKE '%3'", []).unwrap();
    closing.execute("UPDATE article SET active = 0 WHERE article_no LIKE '%5'", []).unwrap();

    let tx = store.begin().unwrap();
    let own = kind("stock");
    let value = |name: &str, other: &str, given: &[(&str, &str)]| {
        let other = kind(other);
        let given: Vec<_> = given.iter().map(|(f, text)| (other.path(f).unwrap(), (*text).to_string())).collect();
        let ties = also::ties((&own, 0), (&other, 0), &given).unwrap();
        let what = match other.head().field(name) {
            Some(field) => What::Field { group: 0, field },
            None => What::Extra { group: 0, name: name.to_string() },
        };
        let name = format!("{}-{name}{}", other.name, given.len()).into();
        Also { name, group: 0, kind: other, what, ties, owner: "erp".to_string() }
    };
    let values = [
        value("days", "stock", &[]),
        value("shelf", "article", &[]),
        value("name", "article", &[]),
        value("qty", "stock", &[("warehouse", "1")]),
        value("days", "stock", &[("warehouse", "1")]),
        value("price", "price", &[("price_list", "1"), ("currency", "EUR")]),
    ];
    let units = std::collections::BTreeMap::new();
    let beside = Some(Beside { values: &values, today: "2026-07-01", units: &units });
    let closed_as_zero = own.head().field("qty");
    for only in [vec![], vec![("warehouse".to_string(), "1".to_string())]] {
        let along = Selection { beside, closed_as_zero, only: &only, ..Selection::default() };
        let found = select(&tx, "stock", &along);
        let mut keys = nattpost::model::key_list::Keys::default();
        for message in rows.0.messages() {
            let mut key = Vec::new();
            nattpost::model::key::encode_into(message, &mut key);
            keys.push(&key);
        }
        keys.sort();
        tx.want(&own, &keys).unwrap();
        let searched = select(&tx, "stock", &Selection { wanted: true, ..along });
        assert_eq!(found.len(), searched.len());
        for (along, searched) in found.iter().zip(&searched) {
            let sorted = |told: &[String]| {
                let mut told = told.to_vec();
                told.sort();
                told
            };
            assert_eq!(sorted(&along.1), sorted(&searched.1));
        }
        let with = |name: &str| found.iter().filter(|(_, told)| told.iter().any(|t| t.contains(name))).count();
        for value in &values {
            assert!(with(&format!("+{}=", value.name)) > 50, "{}", value.name);
        }
        assert!(found.len() > if only.is_empty() { 2_000 } else { 700 }, "{}", found.len());
    }
}

/// What a change of another kind concerns, also where a part of the row looks at it: those rows, not all.
#[test]
fn a_change_beside_a_part_of_a_row_concerns_the_rows_with_that_part() {
    let (_folder, mut store) = open();
    let tx = store.begin().unwrap();
    let file = file(&tx, 1, "erp", "status");
    let mut orders = tx.requests(&kind("order"), file).unwrap();
    let mut rows = Maker::of("order_status");
    for (number, partner, article) in [("P1", "a", "X"), ("P2", "a", "Y"), ("P3", "b", "X"), ("P4", "a", "")] {
        let order = order(2, number, partner, "1").0;
        orders.insert(order.message(0)).unwrap();
        if !article.is_empty() {
            let head = [("partner", partner), ("customer_no", "C1"), ("buyer_order_no", number), ("status", "shipped")];
            rows = rows.message(2, &head).node("despatches", 0, &[("carrier", "DHL")]);
            rows = rows.node("despatch_lines", 1, &[("line_no", "1"), ("article_no", article)]);
        }
    }
    orders.finish().unwrap();
    apply(&tx, &rows.0, file, DAY_1);
    let concerned = |value: (&str, &str), changed: &[&str]| {
        let own = kind("order_status");
        let (group, other) = (own.group(value.0).unwrap_or(0), kind(value.1));
        let what = What::Extra { group: 0, name: "ean".into() };
        let ties = also::ties((&own, group), (&other, 0), &[]).unwrap();
        let also = Also { name: "ean".into(), group, kind: other, what, ties, owner: "erp".into() };
        let mut packer = nattpost::model::key_list::Packer::default();
        for changed in changed {
            let mut key = Vec::new();
            changed.split(' ').for_each(|cell| nattpost::model::key::put_text(cell, &mut key));
            assert!(packer.push(&key).is_none());
        }
        let mut keys = nattpost::model::key_list::Keys::default();
        let parts: Vec<_> = packer.take().into_iter().collect();
        assert!(tx.rows_beside((&own, &[]), &also, &parts, (&mut keys, 100)).unwrap(), "it is to be told");
        let text = |key: &[u8]| match &nattpost::model::key::cells(&own, key).unwrap()[2] {
            nattpost::model::key::KeyCell::Text(text) => text.clone(),
            cell => panic!("{cell:?}"),
        };
        keys.sort();
        keys.iter().map(text).collect::<Vec<_>>()
    };
    assert_eq!(concerned(("despatch_lines", "article"), &["X", "Z"]), ["P1", "P3"]);
    assert_eq!(concerned(("despatch_lines", "article"), &["Z"]), [""; 0]);
    assert_eq!(concerned(("", "order"), &["C1 P4", "C1 P2"]), ["P2", "P4"]);
    assert_eq!(concerned(("despatch_lines", "order"), &["C1 P4", "C1 P2"]), ["P2"]);
}

/// Whole sets as the manual says them, by recursion over sets that hold whole numbers: the sum of what one takes, then the smallest.
fn taken(sets: &[Vec<(usize, i64)>], set: usize, by: i64, sum: &mut std::collections::BTreeMap<String, i64>) {
    for (component, qty) in &sets[set] {
        match *component >= 100 {
            true => *sum.entry(format!("A{component}")).or_default() += by * qty,
            false => taken(sets, *component, by * qty, sum),
        }
    }
}

#[test]
fn the_stock_of_sets_is_what_their_components_make_and_changes_with_them() {
    let (_folder, mut store) = open();
    let tx = store.begin().unwrap();
    let from = file(&tx, 1, "erp", "sets");
    let mut state = 7_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    // A set consists of articles (from 100 on) and of sets with a smaller number, at most six of them in each other.
    let mut sets: Vec<Vec<(usize, i64)>> = Vec::new();
    for nth in 0..60_usize {
        let first = nth - nth % 10 % 7;
        let count = 1 + random(4);
        let mut parts = Vec::new();
        for _ in 0..count {
            let inner = nth > first && random(3) == 0;
            let part = if inner { first + random((nth - first) as u64) as usize } else { 100 + random(30) as usize };
            parts.push((part, 1 + random(4) as i64));
        }
        sets.push(parts);
    }
    let name = |part: usize| if part >= 100 { format!("A{part}") } else { format!("K{part:02}") };
    let mut maker = Maker::of("set_article");
    for (nth, parts) in sets.iter().enumerate() {
        maker = maker.message(nth as u32 + 2, &[("set_no", &name(nth))]);
        for (component, qty) in parts {
            let qty = (qty * 1_000_000).to_string();
            maker = maker.node("components", 0, &[("component_no", &name(*component)), ("qty", &qty)]);
        }
    }
    apply(&tx, &maker.0, from, DAY_1);
    let mut there: Vec<(String, &str, i64)> = Vec::new();
    for article in 100..130 {
        for warehouse in ["HH", "MUC"] {
            if random(8) > 0 {
                there.push((format!("A{article}"), warehouse, random(400) as i64 - 20));
            }
        }
    }
    // A row of its own: its quantity is not told while components have rows, what else it says is.
    there.push((name(0), "HH", 999));
    let rows: Vec<_> = there.iter().map(|(a, w, qty)| (a.as_str(), *w, qty * 1_000_000)).collect();
    apply(&tx, &stock(&rows), from, DAY_1);

    let quantities = |selection: &Selection<'_>| -> Vec<(String, String, i64)> {
        let (kind, mut found) = (kind("stock"), Vec::new());
        let qty = kind.head().field("qty").unwrap();
        tx.select(&kind, &Wanted::everything(&kind), selection, &mut |batch| {
            found.extend(batch.messages().map(|m| {
                let text = |field| m.head().value(field).text().unwrap().to_string();
                (text(0), text(1), m.head().value(qty).number().unwrap())
            }));
            Ok(())
        })
        .unwrap();
        found
    };
    let mut expected: std::collections::BTreeMap<(String, String), i64> =
        there.iter().map(|(a, w, qty)| ((a.clone(), (*w).to_string()), qty * 1_000_000)).collect();
    for nth in 0..sets.len() {
        let mut sum = std::collections::BTreeMap::new();
        taken(&sets, nth, 1, &mut sum);
        for warehouse in ["HH", "MUC"] {
            let of = |article: &str| there.iter().find(|(a, w, _)| a == article && *w == warehouse).map(|row| row.2);
            let known: Vec<_> = sum.iter().filter_map(|(a, need)| Some(of(a)?.div_euclid(*need))).collect();
            let Some(least) = known.iter().min() else { continue };
            let whole = if known.len() < sum.len() { (*least).min(0) } else { *least };
            expected.insert((name(nth), warehouse.to_string()), whole * 1_000_000);
        }
    }
    let expected: Vec<_> = expected.into_iter().map(|((a, w), qty)| (a, w, qty)).collect();
    let all = Selection { with_sets: true, by_key: true, ..Selection::default() };
    assert_eq!(quantities(&all), expected, "in the order of their keys, each once");
    assert_eq!(quantities(&Selection::default()).len(), there.len(), "none of it is stored");

    // One article, and in one warehouse.
    let only = [("article_no".to_string(), name(13)), ("warehouse".to_string(), "HH".to_string())];
    let of_one: Vec<_> = expected.iter().filter(|(a, w, _)| *a == name(13) && w == "HH").cloned().collect();
    assert_eq!(quantities(&Selection { only: &only, ..all }), of_one);

    // Which sets change with an article: those that take some of it.
    let stock_kind = kind("stock");
    for article in 100..130 {
        let mut packer = nattpost::model::key_list::Packer::default();
        let mut bytes = Vec::new();
        nattpost::model::key::put_text(&name(article), &mut bytes);
        nattpost::model::key::put_text("HH", &mut bytes);
        assert!(packer.push(&bytes).is_none());
        let mut keys = nattpost::model::key_list::Keys::default();
        assert!(tx.sets_beside(&stock_kind, &[packer.take().unwrap()], (&mut keys, 1000)).unwrap());
        keys.sort();
        let found: Vec<String> =
            keys.iter().map(|key| nattpost::model::key::words(&stock_kind, key).unwrap()).collect();
        let taking: Vec<String> = (0..sets.len())
            .filter(|nth| {
                let mut sum = std::collections::BTreeMap::new();
                taken(&sets, *nth, 1, &mut sum);
                sum.contains_key(&name(article))
            })
            .map(|nth| format!("{} / HH", name(nth)))
            .collect();
        assert_eq!(found, taking, "{article}");
        // The wanted rows are the same as in the whole.
        tx.want(&stock_kind, &keys).unwrap();
        let wanted = quantities(&Selection { wanted: true, ..all });
        let among: Vec<_> =
            expected.iter().filter(|(a, w, _)| found.contains(&format!("{a} / {w}"))).cloned().collect();
        assert_eq!(wanted, among);
    }
}
