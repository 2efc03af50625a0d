//! A lock that follows a new configuration says so: what differs may be no fault of the data.

use crate::mirror::{Mirror, delta};
use nattpost::flows::outbound::Outcome;
use nattpost::model::feed::{Replace, Since};
use nattpost::model::rules::guard::Limit;

fn locked(mirror: &mut Mirror) -> String {
    mirror.bench.later(3_600);
    match mirror.send(false) {
        Outcome::Locked { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lock_after_a_new_configuration_says_so() {
    let mut feed = delta(Since::LastDelivered, Replace::Unsent);
    feed.limits.deletes = vec![Limit::parse("30 %").unwrap()];
    let mut mirror = Mirror::new(feed);
    for article in 1..=4 {
        mirror.say(&format!("A{article}"), &(article % 2).to_string(), "5");
    }
    mirror.send(false);
    mirror.take_all();
    let said = |mirror: &mut Mirror, quantity: &str| {
        mirror.say("A1", "1", quantity);
        mirror.say("A3", "1", quantity);
    };
    said(&mut mirror, "0");
    let reason = locked(&mut mirror);
    assert!(reason.contains("2 of 4 rows would be deleted") && !reason.contains("configured anew"), "{reason}");
    said(&mut mirror, "5");
    mirror.bench.dispatch().discard((&mirror.feed.partner.clone(), &mirror.feed.id.clone())).unwrap();
    // Now it is the warehouse that is not published any more.
    mirror.feed.only = vec![("warehouse".to_string(), "0".to_string())];
    mirror.feed.fingerprint += 1;
    let reason = locked(&mut mirror);
    assert!(reason.contains("2 of 4 rows") && reason.contains("configured anew at 2026-11-20 0"), "{reason}");
    // Released and taken, that is what he holds: the next lock has nothing to do with it.
    mirror.bench.dispatch().release(&mirror.feed.clone()).unwrap();
    mirror.take_all();
    mirror.say("A2", "0", "0");
    let reason = locked(&mut mirror);
    assert!(reason.contains("1 of 2 rows") && !reason.contains("configured anew"), "{reason}");
}
