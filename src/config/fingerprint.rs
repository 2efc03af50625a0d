//! What the meaning of a file depends on, as one number: the same content under an unchanged fingerprint means what it
//! meant last time (`unchanged`), under another one it is judged again.

use super::layouts::KnownLayout;
use crate::model::feed::Feed;
use crate::model::intake::Intake;

/// Of everything that decides what the intake's files mean: layouts, kinds, the partner's words, rules. How a file is
/// collected, kept and answered (settle, originals, receipt) is left out.
pub fn of_intake(intake: &Intake, layouts: &[&KnownLayout]) -> u64 {
    let sender = &intake.sender;
    let mut hasher = blake3::Hasher::new();
    let mut add = |name: &str, value: String| {
        // Lengths keep two neighbours from being read as one.
        hasher.update(format!("{name}:{}:{value}\n", value.len()).as_bytes());
    };
    for known in layouts {
        add("layout", known.hash.to_hex().to_string());
        add("kind", format!("{:?}", known.layout.kind));
    }
    add("sender", format!("{:?} {:?} {}", sender.customers, sender.units, sender.zone));
    // Said only where it is so: an older fingerprint stays what it was.
    if intake.unzip {
        add("unzip", "true".to_string());
    }
    if let Some(companions) = &intake.companions {
        add("companion", companions.patterns().collect::<Vec<_>>().join("\n"));
        if let Some(paper) = companions.paper {
            add("pdf", format!("{paper:?}"));
        }
    }
    if let Some(by_number) = &intake.by_number {
        add("pdf", format!("{} {:?}", by_number.pattern(), by_number.limits));
        if by_number.is_required {
            add("pdf_required", String::new());
        }
    }
    if let Some(contents) = &intake.contents {
        add("contents", contents.names.join("\n"));
    }
    add("policy", format!("{:?}", intake.policy));
    add("references", format!("{:?} {:?} {:?}", intake.customers, intake.articles, intake.orders));
    add("schemes", format!("{:?}", intake.article_schemes));
    add("customer", format!("{:?}", intake.customer));
    add("orders", format!("{:?} {:?}", intake.on_change, intake.order_numbers));
    if intake.change_until != "allocated" {
        add("change_until", intake.change_until.to_string());
    }
    if intake.customer_numbers.is_some() || intake.contact_numbers.is_some() {
        add("numbers", format!("{:?} {:?}", intake.customer_numbers, intake.contact_numbers));
    }
    add("as_of", format!("{:?}", intake.as_of));
    add("absent", format!("{:?}", intake.absent));
    if !intake.full_when.is_empty() {
        add("full_when", format!("{:?}", intake.full_when));
    }
    if !intake.closes.is_empty() {
        add("closes", format!("{:?}", intake.closes));
    }
    add("checks", format!("{:?} {:?}", intake.negative_stock, intake.plausibility));
    truncate(hasher.finalize())
}

/// An equal file brings more than it did where more of it is kept.
pub fn with_kept(fingerprint: u64, keeps: &[(String, String)]) -> u64 {
    truncate(blake3::hash(format!("{fingerprint} {keeps:?}").as_bytes()))
}

/// Of everything that decides what the rows of a feed say: with another one all of them are compared anew.
pub fn of_feed(feed: &Feed, layout: &KnownLayout) -> u64 {
    let mut hasher = blake3::Hasher::new();
    let mut add = |name: &str, value: String| {
        hasher.update(format!("{name}:{}:{value}\n", value.len()).as_bytes());
    };
    add("layout", layout.hash.to_hex().to_string());
    add("kind", format!("{:?}", layout.layout.kind));
    add("words", format!("{:?} {}", feed.recipient.units, feed.zone));
    add("rows", format!("{:?} {:?} {}", feed.only, feed.partners, feed.window_days));
    for also in &feed.also {
        let from = (&also.kind.name, &also.what, &also.ties, &also.owner);
        add("also", format!("{} {} {from:?}", also.name, also.group));
    }
    // What the feed hears of is registered with its fingerprint: one of a program that computed no sets hears of them now.
    if layout.layout.kind.name == "stock" {
        add("sets", "computed".to_string());
    }
    add("published", format!("{:?}", feed.published));
    add("deletes", format!("{:?}", feed.delta().map(|delta| delta.deletes)));
    truncate(hasher.finalize())
}

/// Of all files of the configuration, so that a reload can say whether anything changed.
pub fn of_texts<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for (name, text) in texts {
        hasher.update(format!("{}:{name}:{}\n", name.len(), text.len()).as_bytes());
        hasher.update(text.as_bytes());
    }
    truncate(hasher.finalize())
}

fn truncate(hash: blake3::Hash) -> u64 {
    let (first, _) = hash.as_bytes().split_first_chunk::<8>().expect("a hash has 32 bytes");
    u64::from_be_bytes(*first)
}
