//! What goes out must not come back in by another partner's intake, nor by one whose folder may be the same. Asked by `check`
//! alone: what one partner's file says is no reason to keep the others waiting. For one partner's own, see `come_back`.

use std::sync::Arc;

use super::Config;
use super::around::known;
use super::come_back::{Places, places, shape_of_receipt, shapes_of};
use crate::model::document::Section;
use crate::model::intake::Intake;
use crate::model::mode::plain;
use crate::model::remote::{FetchFrom, RemoteRule, SendTo};
use crate::model::rules::meeting::{Piece, meets};

/// `looks_for`: what is certain, or what only the server knows.
pub fn look(root: &Section<'_>, partner: &str, config: &Config, looks_for: Places) {
    for (id, section) in root.named_sections("feed") {
        let is_it = |feed: &&Arc<_>| is_feed(feed, partner, &id.value);
        let section = known(section);
        let Some(feed) = config.feeds.iter().find(is_it) else { continue };
        if let Some(to) = &feed.to {
            tell(&section, "to", partner, (to, &shapes_of(feed)), (config, looks_for));
        }
    }
    for (id, section) in root.named_sections("intake") {
        let is_it = |intake: &&Arc<Intake>| intake.sender.partner == partner && intake.id == id.value;
        let section = known(section);
        let Some(intake) = config.intakes.iter().find(is_it) else { continue };
        if let Some(to) = &intake.receipt_to {
            tell(&section, "receipt_to", partner, (to, &[shape_of_receipt()]), (config, looks_for));
        }
    }
}

fn is_feed(feed: &crate::model::feed::Feed, partner: &str, id: &str) -> bool {
    feed.partner == partner && plain(&feed.id) == id
}

fn tell(
    section: &Section<'_>,
    key: &str,
    partner: &str,
    (to, shapes): (&SendTo, &[Vec<Piece>]),
    (config, looks_for): (&Config, Places),
) {
    let takes = |intake: &&Arc<Intake>| {
        let is_others = intake.sender.partner != partner || looks_for == Places::Maybe;
        is_others
            && intake.from.as_ref().is_some_and(|from| {
                are(config, to, from) == looks_for
                    && shapes.iter().any(|shape| from.matching.iter().any(|pattern| meets(shape, pattern.as_bytes())))
            })
    };
    let Some(intake) = config.intakes.iter().find(takes) else { return };
    let words = match looks_for {
        Places::Maybe => format!(
            "if the login folder is /, this is the folder from which the intake \"{}\" takes files, and what goes out would come back in; write both alike, from / on.",
            intake.source()
        ),
        _ => format!(
            "what goes out would come back in: the intake \"{}\" takes files from this folder, and names of ours fit its match. Expected another folder, or a match that leaves them out.",
            intake.source()
        ),
    };
    match section.text_spot(key) {
        Some(spot) => section.problem_at(spot.span, key, words, None),
        None => section.problem(key, words),
    }
}

fn are(config: &Config, to: &SendTo, from: &FetchFrom) -> Places {
    let find = |name: &str| config.remotes.iter().find(|rule: &&Arc<RemoteRule>| rule.name == name);
    match (find(&to.remote), find(&from.remote)) {
        (Some(a), Some(b)) => places((a, &to.folder), (b, &from.folder)),
        _ => Places::Two,
    }
}
