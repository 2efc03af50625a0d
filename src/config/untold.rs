//! What comes in and would never go out: changes of orders (an order that went out is in the ERP already, so a change of it has
//! to go out as well), and PDFs of orders. `check` says it where no feed takes them; what reads the database itself needs none,
//! so it is no problem.

use super::Config;
use super::around::known;
use crate::model::document::Section;
use crate::model::feed::Feed;
use crate::model::intake::Intake;
use crate::model::mode::plain;

const CHANGE: &str = "order_change";
const ORDER: &str = "order";

/// Of `[intake.NAME]` of one partner.
pub fn look(root: &Section<'_>, partner: &str, config: &Config) {
    look_at_changes(root, partner, config);
    look_at_papers(root, partner, config);
}

/// Feeds that take this kind of this partner.
fn feeds_of<'c>(config: &'c Config, partner: &'c str, kind: &'c str) -> impl Iterator<Item = &'c Feed> {
    config.feeds.iter().map(|feed| &**feed).filter(move |feed| {
        let of_him = feed.partners.is_empty() || feed.partners.iter().any(|name| plain(name) == partner);
        of_him && feed.layout.kind.name == kind
    })
}

/// An ERP wants the order and a warehouse the PDF with it, so one feed that takes it is enough. Where no feed takes orders at all,
/// nothing goes out without its PDF.
fn look_at_papers(root: &Section<'_>, partner: &str, config: &Config) {
    let without: Vec<String> = match feeds_of(config, partner, ORDER).any(|feed| feed.pdf.is_some()) {
        true => Vec::new(),
        false => feeds_of(config, partner, ORDER).map(|feed| format!("{}/{}", feed.partner, feed.id)).collect(),
    };
    if without.is_empty() {
        return;
    }
    for (id, section) in root.named_sections("intake") {
        let section = known(section);
        let keeps = |intake: &&std::sync::Arc<Intake>| intake.sender.partner == partner && intake.id == id.value;
        let binds = |intake: &std::sync::Arc<Intake>| {
            intake.by_number.is_some() || intake.companions.as_ref().is_some_and(|known| known.paper.is_some())
        };
        if config.intakes.iter().find(keeps).is_some_and(binds) {
            let words = format!(
                "orders come here with their PDFs, and go out without them in {}: no feed of these orders says pdf. Add pdf, zip and \
                 orders_per_file = 1 to the feed of who packs them, unless somebody reads order_pdf.",
                without.join(" and ")
            );
            section.problem("pdf", words);
        }
    }
}

fn look_at_changes(root: &Section<'_>, partner: &str, config: &Config) {
    if feeds_of(config, partner, CHANGE).next().is_some() {
        return;
    }
    for (id, section) in root.named_sections("intake") {
        let section = known(section);
        let changes = config.intakes.iter().any(|intake| {
            let is_it = intake.sender.partner == partner && intake.id == id.value;
            is_it && intake.layouts.iter().any(|layout| layout.kind.name == CHANGE)
        });
        if changes {
            let words = "changes of orders come here and no feed takes them out: of an order that went out before, nobody would hear that it was \
                         changed or cancelled. Add a feed with a layout of the kind order_change, unless somebody reads v_order_change.";
            section.problem("layouts", words);
        }
    }
}
