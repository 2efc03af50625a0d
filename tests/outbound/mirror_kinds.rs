//! The mirror for what has a word for a deletion: articles and customers with what stands below them, and prices. Whoever does what
//! `change` says holds at rest what a full file would say.

use std::collections::BTreeMap;
use std::fs;

use crate::bench::{Bench, batch, feed, see};
use crate::mirror::delta;
use nattpost::edges::clock::iso;
use nattpost::edges::store::business::Stamp;
use nattpost::flows::outbound::{Ask, Outcome};
use nattpost::model::feed::{Feed, Replace, Since};
use proptest::prelude::*;

/// By key: what stands in the file beside it, what is below it included.
type Rows = BTreeMap<String, String>;

#[derive(Debug, Clone)]
enum Step {
    Say {
        row: u8,
        value: u8,
        below: u8,
    },
    /// A full file that names one row alone.
    Close {
        row: u8,
        value: u8,
    },
    Send {
        full: bool,
    },
    Take {
        nth: u8,
    },
    Restart,
    Wait {
        minutes: u8,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..5_u8, 0..3_u8, 0..3_u8).prop_map(|(row, value, below)| Step::Say { row, value, below }),
        2 => (0..5_u8, 0..3_u8).prop_map(|(row, value)| Step::Close { row, value }),
        6 => prop::bool::weighted(0.2).prop_map(|full| Step::Send { full }),
        4 => any::<u8>().prop_map(|nth| Step::Take { nth }),
        1 => Just(Step::Restart),
        1 => (0..40_u8).prop_map(|minutes| Step::Wait { minutes }),
    ]
}

struct Mirror {
    bench: Bench,
    feed: Feed,
    truth: BTreeMap<u8, (u8, u8)>,
    holds: Rows,
    sequence: i64,
    /// Words of the rows that were read.
    words: Vec<String>,
}

impl Mirror {
    fn new(kind: &str, since: Since, replace: Replace) -> Mirror {
        let mut of_kind = delta(since, replace);
        of_kind.layout = feed("dealer", "rows", &format!("nattpost-{kind}-csv")).layout;
        of_kind.file_name = nattpost::model::rules::file_name::NamePattern::parse("{scope}_{run:1}.csv").unwrap();
        let bench = Bench::new();
        Mirror { bench, feed: of_kind, truth: BTreeMap::new(), holds: Rows::new(), sequence: 0, words: Vec::new() }
    }

    fn kind(&self) -> &str {
        &self.feed.layout.kind.name
    }

    /// As it comes. What nothing is said of below stays as it was, so there is always something.
    fn line(&self, row: u8, value: u8, below: u8) -> String {
        match self.kind() {
            "article" => {
                let others = format!(r#"{{"scheme":"partner","owner":"shop","value":"S{row}{value}{below}"}}"#);
                format!(
                    r#"{{"article_no":"A{row}","name":"v{value}","aliases":[{{"scheme":"partner","owner":"dealer","value":"D{row}{below}"}},{others}],"units":[{{"unit":"KGM","base_qty":"{}"}}]}}"#,
                    below + 1
                )
            }
            "customer" => format!(
                r#"{{"customer_no":"A{row}","name":"v{value}","addresses":[{{"role":"delivery","city":"c{below}"}}]}}"#
            ),
            _ => format!(r#"{{"price_list":"L","article_no":"A{row}","price":"{value}","currency":"EUR"}}"#),
        }
    }

    /// What the partner is to hold of a row: the cells of its records that say something.
    fn expected(&self) -> Rows {
        let words = |(row, (value, below)): (&u8, &(u8, u8))| {
            let text = match self.kind() {
                "article" => format!("v{value}|partner,dealer,D{row}{below}|KGM,{}", below + 1),
                "customer" => format!("v{value}|delivery,c{below}"),
                _ => format!("L,EUR,{value}"),
            };
            (format!("A{row}"), text)
        };
        self.truth.iter().map(words).collect()
    }

    fn say(&mut self, row: u8, value: u8, below: u8, closes: bool) {
        self.sequence += 1;
        let begin: chrono::DateTime<chrono::Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let as_of = iso(begin + chrono::TimeDelta::seconds(self.sequence));
        let n = self.bench.next_file();
        let line = self.line(row, value, below);
        let batch = batch(self.kind(), &[&line]);
        let tx = self.bench.store.begin().unwrap();
        let file = see(&tx, n, "erp", "facts", &as_of);
        let stamp = Stamp { file, as_of: &as_of };
        let mut records = tx.records(batch.kind(), &stamp).unwrap();
        batch.messages().for_each(|m| _ = records.apply(m).unwrap());
        records.finish().unwrap();
        if closes {
            tx.close_absent(batch.kind(), "erp", &["facts"], &[], &stamp).unwrap();
            self.truth.clear();
        }
        tx.commit().unwrap();
        self.truth.insert(row, (value, below));
    }

    fn send(&mut self, full: bool) -> Outcome {
        let ask = Ask { full, ..Ask::request() };
        self.bench.dispatch().send(&self.feed, &ask).unwrap()
    }

    fn files(&self) -> Vec<String> {
        self.bench.files("out").into_iter().filter(|name| name.ends_with(".csv")).collect()
    }

    /// He does what the last column says, and replaces everything by a full file.
    fn take(&mut self, name: &str) {
        let csv = self.bench.text(&format!("out/{name}"));
        if name.contains("full") {
            self.holds.clear();
        }
        let key = if self.kind() == "customer" { "customer_no" } else { "article_no" };
        let (mut columns, mut current) = (BTreeMap::<String, Vec<String>>::new(), String::new());
        for line in csv.lines().skip(1) {
            let cells: Vec<String> = line.split(';').map(String::from).collect();
            if let Some(record) = cells[0].strip_prefix('!') {
                columns.insert(record.to_string(), cells);
                continue;
            }
            let named = columns[&cells[0]].iter().zip(&cells).skip(1);
            let cell = |name: &str| named.clone().find(|(n, _)| *n == name).map(|(_, cell)| cell.clone());
            let said: Vec<&str> = named
                .clone()
                .filter(|(n, cell)| *n != key && *n != "change" && !cell.is_empty() && *n != "from_qty")
                .map(|(_, cell)| cell.as_str())
                .collect();
            let said = said.join(",");
            let Some(number) = cell(key) else {
                self.holds.get_mut(&current).unwrap().push_str(&format!("|{said}"));
                continue;
            };
            current = number;
            let word = cell("change").unwrap();
            assert_eq!(word.is_empty(), name.contains("full"), "{line}");
            match word.as_str() {
                "delete" => {
                    // The rest of a price's key is its list and its currency.
                    assert_eq!(said, if self.kind() == "price" { "L,EUR" } else { "" }, "only its key is told");
                    self.holds.remove(&current);
                }
                _ => _ = self.holds.insert(current.clone(), said),
            }
            self.words.push(word);
        }
        fs::remove_file(self.bench.path(&format!("out/{name}"))).unwrap();
        self.bench.dispatch().look_at_pick_up().unwrap();
    }

    fn step(&mut self, step: &Step) {
        self.bench.later(20);
        match step {
            Step::Say { row, value, below } => self.say(*row, *value, *below, false),
            Step::Close { row, value } => self.say(*row, *value, 0, true),
            Step::Send { full } => _ = self.send(*full),
            Step::Take { nth } => {
                let files = self.files();
                if !files.is_empty() {
                    self.take(&files[usize::from(*nth) % files.len()]);
                }
            }
            Step::Restart => {
                self.bench.restart();
                self.bench.dispatch().recover(&[]).unwrap();
            }
            Step::Wait { minutes } => self.bench.later(i64::from(*minutes) * 60),
        }
    }

    fn rest(&mut self) {
        for _ in 0..20 {
            self.bench.later(3_600);
            let mut files = self.files();
            files.sort_by_key(|name| name.trim_end_matches(".csv").rsplit('_').next().unwrap().parse::<u64>().unwrap());
            for name in files {
                self.bench.later(60);
                self.take(&name);
            }
            self.bench.later(3_600);
            if matches!(self.send(false), Outcome::Empty { .. }) && self.files().is_empty() {
                return;
            }
        }
        panic!("it never came to rest");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn at_rest_he_holds_what_there_is(
        kind in prop_oneof![Just("article"), Just("customer"), Just("price")],
        since in prop_oneof![3 => Just(Since::LastDelivered), 1 => Just(Since::LastFull)],
        replace in prop_oneof![2 => Just(Replace::Unsent), 1 => Just(Replace::Never)],
        steps in prop::collection::vec(step(), 1..30),
    ) {
        let mut mirror = Mirror::new(kind, since, replace);
        for step in &steps {
            mirror.step(step);
        }
        mirror.rest();
        prop_assert_eq!(&mirror.holds, &mirror.expected());
        mirror.send(true);
        mirror.rest();
        prop_assert_eq!(&mirror.holds, &mirror.expected());
    }
}

/// Each word, and a row that comes back.
#[test]
fn what_became_of_a_row_is_said() {
    for kind in ["article", "customer", "price"] {
        let mut mirror = Mirror::new(kind, Since::LastDelivered, Replace::Unsent);
        let told = |mirror: &mut Mirror| {
            mirror.bench.later(3_600);
            mirror.words.clear();
            mirror.send(false);
            mirror.files().iter().for_each(|name| mirror.take(name));
            mirror.words.join(" ")
        };
        mirror.say(1, 1, 1, false);
        mirror.say(2, 1, 1, false);
        assert_eq!(told(&mut mirror), " ", "{kind}: a full file names no changes");
        mirror.say(1, 2, 1, false);
        mirror.say(3, 1, 1, false);
        assert_eq!(told(&mut mirror), "change create", "{kind}");
        mirror.say(1, 2, 1, true);
        assert_eq!(told(&mut mirror), "delete delete", "{kind}");
        mirror.say(2, 1, 1, false);
        assert_eq!(told(&mut mirror), "create", "{kind}");
        mirror.say(2, 1, 1, false);
        assert_eq!(told(&mut mirror), "", "{kind}");
        assert_eq!(mirror.holds, mirror.expected(), "{kind}");
    }
}
