//! What is meant for one customer alone and would go out to whoever the feed is for: documents that name a customer. `check` says it of a
//! feed that does not say whose it takes. A partner who keeps all documents of a house is meant to have them all, so it is no problem.
//! Prices and customers name a customer too, and are no secret of his towards the shop that sells to him.

use super::Config;
use super::around::known;
use crate::model::document::Section;
use crate::model::feed::Feed;

const DOCUMENT: &str = "document";
const CUSTOMER: &str = "customer_no";

/// Of `[feed.NAME]` of one partner.
pub fn look(root: &Section<'_>, partner: &str, config: &Config) {
    for (id, section) in root.named_sections("feed") {
        let section = known(section);
        let his = |feed: &&std::sync::Arc<Feed>| feed.partner == partner && feed.plain_id() == id.value;
        let Some(feed) = config.feeds.iter().find(his) else { continue };
        if feed.layout.kind.name == DOCUMENT && feed.pinned(CUSTOMER).is_none() {
            // The key itself may not be there.
            let key = if section.has("only") { "only" } else { "layout" };
            let words = "documents that are meant for one customer alone go out here as well, whoever that is; add customer_no = \"\" to only for those \
                         that are meant for all, or the number of the customer whose feed this is. Leave it where this partner is to have them all.";
            section.problem(key, words);
        }
    }
}
