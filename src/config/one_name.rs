//! What a feed's name means that carries no number of the run: `check` says it, since it decides when the next file comes.

use super::Config;
use super::around::known;
use crate::model::document::Section;
use crate::model::feed::{Feed, Replace};
use crate::model::kind::Class;
use crate::model::rules::file_name::NamePattern;
use crate::model::rules::one_name::{Turn, turn};
use crate::model::rules::own_number::OwnNumber;
use crate::model::rules::supersede::Scope;

/// Of `[feed.NAME]` of one partner.
pub fn look(root: &Section<'_>, partner: &str, config: &Config) {
    for (id, section) in root.named_sections("feed") {
        let section = known(section);
        let his = |feed: &&std::sync::Arc<Feed>| feed.partner == partner && feed.plain_id() == id.value;
        let Some(feed) = config.feeds.iter().find(his) else { continue };
        if !names_each(&feed.file_name) {
            section.problem("file_name", words(feed, &feed.file_name, files_of(feed)));
        }
        let full = feed.delta().and_then(|delta| delta.full_file_name.as_ref());
        if let Some(pattern) = full.filter(|pattern| !names_each(pattern)) {
            section.problem("full_file_name", words(feed, pattern, Scope::Full));
        }
    }
}

/// Of one order each, or after the run.
fn names_each(pattern: &NamePattern) -> bool {
    let of_orders = |number| matches!(number, OwnNumber::Order | OwnNumber::BuyerOrder);
    pattern.is_numbered() || pattern.own_numbers().any(of_orders)
}

fn files_of(feed: &Feed) -> Scope {
    match feed.delta() {
        _ if feed.layout.kind.class == Class::Request => Scope::New,
        Some(_) => Scope::Delta,
        None => Scope::Full,
    }
}

fn words(feed: &Feed, pattern: &NamePattern, scope: Scope) -> String {
    let there = if feed.to.is_some() { "there" } else { "in out/" };
    let waits = format!("waits until its partner removed the one {there}, and who reads without removing gets no more");
    let then = match (turn(false, scope, feed.replace), scope) {
        (Turn::Replaces, _) => format!("a newer file takes the place of the one {there}, read or not"),
        (_, Scope::New) => format!("the next file of orders {waits}"),
        (_, Scope::Delta) if feed.replace == Replace::Unsent && feed.to.is_none() => {
            "changes take the place of a file of changes that was not taken and tell those in it too; behind a full file they wait until it \
             was removed"
                .to_string()
        }
        _ => format!("the next file {waits}"),
    };
    format!("\"{pattern}\" carries no number, so files have one name: {then}.")
}
