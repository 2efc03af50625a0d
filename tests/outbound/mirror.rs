//! The partner's mirror: whatever changes, whenever files are made, replaced, locked, read and removed, and in whatever order he
//! takes them, at rest he holds what a full file would say. Taken in order, a delta tells him nothing that he knows.

use std::collections::BTreeMap;
use std::fs;

use crate::bench::{Bench, batch, feed, see};
use crate::runs::elements;
use nattpost::edges::clock::iso;
use nattpost::edges::store::business::Stamp;
use nattpost::flows::outbound::{Ask, Outcome};
use nattpost::model::feed::{Content, Deletes, Delta, Feed, Replace, Since};
use nattpost::model::rules::file_name::NamePattern;
use nattpost::model::rules::guard::Limit;
use proptest::prelude::*;

/// By article and warehouse; 0 is nothing.
type Rows = BTreeMap<(String, String), String>;

#[derive(Debug, Clone)]
enum Step {
    /// A file says a quantity.
    Say {
        article: u8,
        warehouse: u8,
        quantity: u8,
    },
    /// A full file of a warehouse names one article alone.
    Close {
        article: u8,
        warehouse: u8,
    },
    Send {
        full: bool,
    },
    SendKey {
        article: u8,
    },
    /// The partner reads a file, and what he read counts.
    Read {
        nth: u8,
    },
    /// He removes a file that he has read within the last minutes.
    Remove {
        nth: u8,
    },
    /// Reads and removes.
    Take {
        nth: u8,
    },
    Release,
    Discard,
    Restart,
    /// Another warehouse is published, or another cap.
    Only {
        warehouse: Option<u8>,
    },
    Cap {
        cap: Option<u8>,
    },
    Wait {
        minutes: u8,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..6_u8, 0..2_u8, 0..4_u8).prop_map(|(article, warehouse, quantity)| Step::Say { article, warehouse, quantity }),
        1 => (0..6_u8, 0..2_u8).prop_map(|(article, warehouse)| Step::Close { article, warehouse }),
        6 => prop::bool::weighted(0.2).prop_map(|full| Step::Send { full }),
        1 => (0..6_u8).prop_map(|article| Step::SendKey { article }),
        2 => any::<u8>().prop_map(|nth| Step::Read { nth }),
        2 => any::<u8>().prop_map(|nth| Step::Remove { nth }),
        4 => any::<u8>().prop_map(|nth| Step::Take { nth }),
        1 => Just(Step::Release),
        1 => Just(Step::Discard),
        1 => Just(Step::Restart),
        1 => prop::option::of(0..2_u8).prop_map(|warehouse| Step::Only { warehouse }),
        1 => prop::option::of(1..3_u8).prop_map(|cap| Step::Cap { cap }),
        1 => (0..40_u8).prop_map(|minutes| Step::Wait { minutes }),
    ]
}

pub fn delta(since: Since, replace: Replace) -> Feed {
    let mut delta = feed("dealer", "stock", "nattpost-stock-xml");
    delta.file_name = NamePattern::parse("{scope}_{run:1}.xml").unwrap();
    delta.content = Content::Delta(Delta {
        since,
        full: Vec::new(),
        full_file_name: None,
        full_folder: None,
        deletes: Deletes::Tell,
    });
    delta.replace = replace;
    delta
}

pub struct Mirror {
    pub bench: Bench,
    pub feed: Feed,
    truth: Rows,
    pub holds: Rows,
    /// When a file was read, by its name, in seconds.
    read: BTreeMap<String, i64>,
    /// As of when the next file speaks.
    sequence: i64,
}

impl Mirror {
    pub fn new(feed: Feed) -> Mirror {
        Mirror { bench: Bench::new(), feed, truth: Rows::new(), holds: Rows::new(), read: BTreeMap::new(), sequence: 0 }
    }

    pub fn say(&mut self, article: &str, warehouse: &str, quantity: &str) {
        self.file(article, warehouse, quantity, false);
    }

    /// One row as a file of its own; `closes`: a full one of the warehouse.
    fn file(&mut self, article: &str, warehouse: &str, quantity: &str, closes: bool) {
        let line = format!(r#"{{"article_no":"{article}","warehouse":"{warehouse}","qty":"{quantity}"}}"#);
        self.sequence += 1;
        let as_of = iso("2026-01-01T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap()
            + chrono::TimeDelta::seconds(self.sequence));
        let n = self.bench.next_file();
        let tx = self.bench.store.begin().unwrap();
        let file = see(&tx, n, "erp", "facts", &as_of);
        let batch = batch("stock", &[&line]);
        let stamp = Stamp { file, as_of: &as_of };
        let mut records = tx.records(batch.kind(), &stamp).unwrap();
        batch.messages().for_each(|m| _ = records.apply(m).unwrap());
        records.finish().unwrap();
        if closes {
            tx.close_absent(batch.kind(), "erp", &["facts"], &[("warehouse", warehouse)], &stamp).unwrap();
            self.truth.retain(|(_, of), _| of != warehouse);
        }
        tx.commit().unwrap();
        self.truth.insert((article.to_string(), warehouse.to_string()), quantity.to_string());
    }

    pub fn send(&mut self, full: bool) -> Outcome {
        let ask = Ask { full, ..Ask::request() };
        self.bench.dispatch().send(&self.feed, &ask).unwrap()
    }

    /// Without those that vouch for others.
    pub fn files(&self) -> Vec<String> {
        self.bench.files("out").into_iter().filter(|name| name.ends_with(".xml")).collect()
    }

    pub fn take_all(&mut self) {
        for name in self.files() {
            self.read(&name);
            self.remove(&name);
        }
    }

    fn visible(&self, nth: u8) -> Option<String> {
        let files = self.files();
        (!files.is_empty()).then(|| files[usize::from(nth) % files.len()].clone())
    }

    /// What he reads counts. The rows that were new to him.
    pub fn read(&mut self, name: &str) -> usize {
        let xml = self.bench.text(&format!("out/{name}"));
        let (articles, warehouses, quantities) =
            (elements(&xml, "article_no"), elements(&xml, "warehouse"), elements(&xml, "qty"));
        assert_eq!((articles.len(), articles.len()), (warehouses.len(), quantities.len()), "{xml}");
        if name.contains("full") {
            self.holds.clear();
        }
        let mut news = 0;
        for ((article, warehouse), quantity) in articles.into_iter().zip(warehouses).zip(quantities) {
            let before = self.holds.insert((article, warehouse), quantity.clone());
            news += usize::from(before.as_deref().unwrap_or("0") != quantity);
        }
        self.read.insert(name.to_string(), self.bench.now.wall.timestamp());
        news
    }

    pub fn remove(&mut self, name: &str) {
        fs::remove_file(self.bench.path(&format!("out/{name}"))).unwrap();
        self.read.remove(name);
        self.bench.dispatch().look_at_pick_up().unwrap();
    }

    fn step(&mut self, step: &Step) {
        self.bench.later(20);
        let names = |n: &u8| format!("A{n}");
        match step {
            Step::Say { article, warehouse, quantity } => {
                self.say(&names(article), &warehouse.to_string(), &quantity.to_string());
            }
            Step::Close { article, warehouse } => self.file(&names(article), &warehouse.to_string(), "3", true),
            Step::Send { full } => _ = self.send(*full),
            Step::SendKey { article } => {
                let ask = Ask { key: Some(names(article)), ..Ask::request() };
                self.bench.dispatch().send(&self.feed, &ask).unwrap();
            }
            Step::Read { nth } => {
                if let Some(name) = self.visible(*nth) {
                    self.read(&name);
                }
            }
            Step::Remove { nth } => {
                let now = self.bench.now.wall.timestamp();
                let within = self.feed.reads_within.as_secs() as i64;
                if let Some(name) = self.visible(*nth)
                    && self.read.get(&name).is_some_and(|at| now - at < within)
                {
                    self.remove(&name);
                }
            }
            Step::Take { nth } => {
                if let Some(name) = self.visible(*nth) {
                    self.read(&name);
                    self.remove(&name);
                }
            }
            Step::Release => _ = self.bench.dispatch().release(&self.feed).ok(),
            Step::Discard => {
                _ = self.bench.dispatch().discard((&self.feed.partner.clone(), &self.feed.id.clone())).ok()
            }
            Step::Restart => {
                self.bench.restart();
                self.bench.dispatch().recover(&[]).unwrap();
            }
            Step::Only { warehouse } => {
                self.feed.only = warehouse.iter().map(|w| ("warehouse".to_string(), w.to_string())).collect();
                self.feed.fingerprint += 1;
            }
            Step::Cap { cap } => {
                self.feed.published.cap_e6 = cap.map(|cap| i64::from(cap) * 1_000_000);
                self.feed.fingerprint += 1;
            }
            Step::Wait { minutes } => self.bench.later(i64::from(*minutes) * 60),
        }
    }

    /// Everything goes out and is taken, in order, until there is nothing to say.
    pub fn rest(&mut self) {
        for _ in 0..20 {
            self.bench.later(3_600);
            let mut files = self.files();
            files.sort_by_key(|name| {
                name.trim_end_matches(".xml").rsplit('_').next().unwrap().parse::<u64>().unwrap_or(0)
            });
            for name in files {
                self.bench.later(60);
                self.read(&name);
                self.remove(&name);
            }
            self.bench.later(3_600);
            let outcome = match self.send(false) {
                Outcome::Locked { .. } => self.bench.dispatch().release(&self.feed).unwrap(),
                outcome => outcome,
            };
            if matches!(outcome, Outcome::Empty { .. }) && self.files().is_empty() {
                return;
            }
        }
        panic!("it never came to rest");
    }

    /// What a full file would say, without rows of 0.
    fn expected(&self) -> Rows {
        let cap = self.feed.published.cap_e6.map_or(u64::MAX, |cap| cap as u64 / 1_000_000);
        let is_published = |warehouse: &str| self.feed.only.first().is_none_or(|(_, only)| only == warehouse);
        let rows = self.truth.iter().filter(|((_, warehouse), _)| is_published(warehouse));
        let told = rows.map(|(key, quantity)| (key.clone(), quantity.parse::<u64>().unwrap().min(cap).to_string()));
        told.filter(|(_, quantity)| quantity != "0").collect()
    }

    pub fn check(&self) {
        let mut holds = self.holds.clone();
        holds.retain(|_, quantity| quantity != "0");
        assert_eq!(holds, self.expected());
    }
}

/// The same with a full file that is taken in doubt after a later one was delivered: he may have gone back to what it says.
#[test]
fn a_doubt_of_an_older_file_is_one_of_the_later_ones_too() {
    let mut mirror = Mirror::new(delta(Since::LastDelivered, Replace::Unsent));
    let say = |warehouse, quantity| Step::Say { article: 0, warehouse, quantity };
    for step in [
        say(1, 0),
        Step::Send { full: false },
        Step::Take { nth: 0 },
        Step::Send { full: true },
        say(0, 0),
        Step::Send { full: true },
        say(0, 1),
        Step::Send { full: false },
        // The delta first, and then the full file that took the place of another.
        Step::Take { nth: 0 },
        Step::Take { nth: 0 },
    ] {
        mirror.step(&step);
    }
    mirror.rest();
    mirror.check();
}

/// Counted from the last full file, what a later delta told counts as known: when an older full file is taken after it, all is said anew.
#[test]
fn a_full_file_taken_after_a_later_delta_is_followed_by_another() {
    let mut mirror = Mirror::new(delta(Since::LastFull, Replace::Never));
    mirror.say("A0", "0", "0");
    mirror.send(false);
    mirror.send(false);
    let first = mirror.files()[0].clone();
    mirror.read(&first);
    mirror.remove(&first);
    mirror.say("A0", "0", "1");
    mirror.send(false);
    mirror.take_all();
    mirror.rest();
    mirror.check();
}

fn feeds() -> impl Strategy<Value = Feed> {
    let since = prop_oneof![3 => Just(Since::LastDelivered), 1 => Just(Since::LastFull)];
    let replace = prop_oneof![2 => Just(Replace::Unsent), 1 => Just(Replace::Never)];
    // Without the number in their names they come one after the other.
    let name = prop_oneof![3 => Just("{scope}_{run:1}.xml"), 1 => Just("{scope}.xml"), 1 => Just("{scope}_{date}.xml")];
    (since, replace, prop::bool::weighted(0.3), name).prop_map(|(since, replace, guarded, name)| {
        let mut feed = delta(since, replace);
        feed.file_name = NamePattern::parse(name).unwrap();
        if guarded {
            feed.limits.deletes = vec![Limit::parse("30 %").unwrap()];
        }
        feed
    })
}

/// A run that was taken in doubt is told again, also when something that a person asked for by its key went out meanwhile.
#[test]
fn a_doubt_outlives_what_was_asked_for_by_its_key() {
    let mut mirror = Mirror::new(delta(Since::LastDelivered, Replace::Unsent));
    let say = |article, quantity| Step::Say { article, warehouse: 0, quantity };
    for step in [
        say(0, 0),
        Step::Send { full: false },
        say(0, 1),
        Step::Take { nth: 0 },
        Step::Send { full: false },
        Step::Close { article: 3, warehouse: 0 },
        // He has read what was there before it was replaced.
        Step::Read { nth: 0 },
        Step::Send { full: false },
        Step::Remove { nth: 0 },
        Step::SendKey { article: 3 },
    ] {
        mirror.step(&step);
    }
    mirror.rest();
    mirror.check();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn at_rest_the_partner_holds_what_a_full_file_says(feed in feeds(), steps in prop::collection::vec(step(), 1..40)) {
        let mut mirror = Mirror::new(feed);
        for step in &steps {
            mirror.step(step);
        }
        mirror.rest();
        mirror.check();
        // The same without any memory of what was told.
        mirror.send(true);
        mirror.rest();
        mirror.check();
    }

    #[test]
    fn taken_in_order_a_delta_tells_only_what_is_new(steps in prop::collection::vec(step(), 1..30)) {
        let mut mirror = Mirror::new(delta(Since::LastDelivered, Replace::Unsent));
        for step in steps.iter().filter(|s| matches!(s, Step::Say { .. } | Step::Close { .. } | Step::Restart | Step::Only { .. } | Step::Cap { .. })) {
            mirror.step(step);
            mirror.bench.later(3_600);
            mirror.send(false);
            for name in mirror.files() {
                let rows = elements(&mirror.bench.text(&format!("out/{name}")), "article_no").len();
                let news = mirror.read(&name);
                mirror.remove(&name);
                // A row of 0 that he never had is told once, so that he knows of it.
                let zeros = mirror.holds.values().filter(|quantity| *quantity == "0").count();
                prop_assert!(name.contains("full") || news + zeros >= rows && rows > 0, "{name}: {news} of {rows} rows are news");
            }
            mirror.check();
        }
    }
}
