//! Changes of orders that nobody would hear of: an order that went out is in the ERP already, so a change of it has to go out
//! as well. `check` says it where no feed takes them; what reads the database itself needs none, so it is no problem.

use super::Config;
use super::around::known;
use crate::model::document::Section;
use crate::model::mode::plain;

const CHANGE: &str = "order_change";

/// Of `[intake.NAME]` of one partner.
pub fn look(root: &Section<'_>, partner: &str, config: &Config) {
    let told = config.feeds.iter().any(|feed| {
        let of_him = feed.partners.is_empty() || feed.partners.iter().any(|name| plain(name) == partner);
        of_him && feed.layout.kind.name == CHANGE
    });
    if told {
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
