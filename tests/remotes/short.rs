//! A file whose end never comes is refused in the end, also where every look is a run of its own, as cron begins it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use nattpost::config::Config;
use nattpost::edges::clock::Now;
use nattpost::edges::events::{Events, Format};
use nattpost::edges::spool::Spool;
use nattpost::flows::inbound::desk::Desk;

use super::delivering::drop_file;
use super::place::Place;

const HALF: &str = include_str!("../cases/039-a-file-without-its-end-waits/half.xml");
const INTAKE: &str = "[intake.orders]\nlayouts = [\"nattpost-order-xml\"]\ncustomers = \"accept\"\narticles = \"accept\"\n\
                      settle = \"stable 2 s\"\ntruncated_after = \"1 h\"\n";

/// By a desk that has seen nothing yet, which looks twice.
fn takes(place: &Place, wall: DateTime<Utc>) -> usize {
    let config = Config::read(&place.at("nattpost.toml")).unwrap();
    let spool = Spool::open(&place.at("spool")).unwrap();
    let events = Events::to(Format::Plain, Box::new(std::io::sink()));
    let mut desk = Desk::new(config.intakes[0].clone());
    let looks = [100, 103].map(|seconds| Now { mono: Duration::from_secs(seconds), wall });
    let mut taken = 0;
    for now in looks {
        desk.look(&spool, &events, now).unwrap();
        taken += desk.take(&spool, &events, now).unwrap().len();
    }
    taken
}

#[test]
fn a_dropped_file_without_its_end_is_given_up_by_its_own_times() {
    let place = Place::new(INTAKE);
    drop_file(&place, "orders", "half.xml", HALF);
    let file = std::fs::File::options().write(true).open(place.at("spool/in/shop/orders/half.xml")).unwrap();
    // What a sender says of it counts for nothing.
    file.set_modified(std::time::SystemTime::now() - Duration::from_secs(90_000)).unwrap();
    drop(file);
    let now = Utc::now();
    let found = [0, 59, 61].map(|minutes| takes(&place, now + TimeDelta::minutes(minutes)));
    assert_eq!(found, [0, 0, 1]);
}

#[test]
fn one_that_stands_at_a_remote_without_its_end_is_given_up_after_the_same_time() {
    let place = Place::new(&format!("{INTAKE}from = \"drop:/out\"\n"));
    let since = || place.rows("SELECT short_since FROM collect").remove(0);
    place.put("there/out/half.xml", HALF);
    assert_eq!(place.run(None).code, Some(75));
    let first = since();
    assert_eq!(place.run(None).code, Some(75));
    assert_eq!(since(), first, "another run goes on with it");
    assert_eq!(place.there("out").into_keys().collect::<Vec<_>>(), ["half.xml"]);
    // It grows.
    place.put("there/out/half.xml", &format!("{HALF}   \n"));
    assert_eq!(place.run(None).code, Some(75));
    assert!(since() > first, "{} {first}", since());
    let long_ago = "2026-01-01T00:00:00.000Z";
    place.rows(&format!("UPDATE collect SET short_since = '{long_ago}' RETURNING 1"));
    let told = place.run(None);
    assert_eq!(place.rows("SELECT verdict, code FROM file"), ["refused|file-truncated"], "{}", told.text);
    assert!(place.there("out").is_empty());
}
