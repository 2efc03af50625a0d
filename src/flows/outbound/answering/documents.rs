//! Documents of the articles that a question names: rows of the partner's feeds of documents, those meant for all and those meant for
//! the customer who asks alone, below the line that asked for them. What has ended is not told any more.

use anyhow::Result;

use super::asker::Asker;
use super::{Answerer, lines, open_line, text};
use crate::flows::outbound::selecting::{select_asked, today};
use crate::flows::outbound::sheet::Sheet;
use crate::model::batch::{Batch, Message, NodeRef};
use crate::model::feed::Feed;
use crate::model::wording::answering::{self as words, Why};

const KIND: &str = "document";
/// Group of the answer.
const GROUP: &str = "documents";

/// By this they are told: place, those without one behind, then the key.
type Place = (i64, [String; 4]);

/// The documents of one article: two feeds may tell the same one.
#[derive(Default)]
struct Found {
    batches: Vec<Batch>,
    /// Where each stands, as number of the batch and of the message in it.
    places: Vec<(Place, usize, usize)>,
}

impl Answerer<'_> {
    pub(super) fn documents(
        &mut self,
        question: &Message<'_>,
        asker: &Asker,
        sheet: &mut Sheet,
    ) -> Result<Option<Why>> {
        let answering = self.answering;
        let mut feeds = answering.feeds_of(KIND).peekable();
        if feeds.peek().is_none() {
            return Ok(Some(words::not_offered(KIND)));
        }
        let feeds: Vec<&Feed> = feeds.collect();
        let lines = match lines(question) {
            Ok(lines) => lines,
            Err(why) => return Ok(Some(why)),
        };
        for (no, node) in lines {
            let named = match self.named(question, &node)? {
                Ok(named) => named,
                Err(why) => {
                    open_line(question, (no, &node), sheet, Some(&why));
                    continue;
                }
            };
            let found = self.documents_of(&feeds, &named.article_no, (question, &node), asker)?;
            let why = match (found.places.is_empty(), named.is_known) {
                (false, _) => None,
                (true, true) => Some(words::document_unknown(&named.article_no)),
                (true, false) => Some(words::article_unknown(&named.article_no)),
            };
            let Some(line) = open_line(question, (no, &node), sheet, why.as_ref()) else { continue };
            if why.is_none() {
                // Whichever number it was asked for by.
                sheet.text("article_no", &named.article_no);
            }
            for (_, batch, at) in &found.places {
                let row = found.batches[*batch].message(*at);
                sheet.open(GROUP, line);
                sheet.copy(row.kind(), &row.head(), |_| true);
            }
        }
        Ok(None)
    }

    fn documents_of(
        &self,
        feeds: &[&Feed],
        article_no: &str,
        (question, node): (&Message<'_>, &NodeRef<'_>),
        asker: &Asker,
    ) -> Result<Found> {
        let (doc_kind, language) = (text(question, node, "doc_kind"), text(question, node, "language").to_lowercase());
        let mut found = Found::default();
        for feed in feeds {
            let day = today(feed, self.at);
            let is_told = |row: &Message<'_>| {
                let of = |field: &str| text(row, &row.head(), field);
                let speaks = of("language");
                let is_in_it = language.is_empty() || speaks.is_empty() || speaks == language;
                // Both are written year first, so their text has the order of the days.
                is_in_it && (of("valid_to").is_empty() || of("valid_to") >= &day[..])
            };
            for customer in [Some(""), asker.customer.as_deref()].into_iter().flatten() {
                let mut asked = vec![("article_no", article_no), ("customer_no", customer)];
                if !doc_kind.is_empty() {
                    asked.push(("doc_kind", doc_kind));
                }
                select_asked(self.tx, feed, &asked, self.at, &mut |batch| {
                    found.add(batch.clone(), is_told);
                    Ok(())
                })?;
            }
        }
        found.places.sort();
        found.places.dedup_by(|one, other| one.0.1 == other.0.1);
        Ok(found)
    }
}

impl Found {
    fn add(&mut self, batch: Batch, is_told: impl Fn(&Message<'_>) -> bool) {
        let next = self.batches.len();
        for (at, row) in batch.messages().enumerate().filter(|(_, row)| is_told(row)) {
            let head = row.head();
            let key =
                ["doc_kind", "doc_no", "language", "customer_no"].map(|field| text(&row, &head, field).to_string());
            let pos = super::number(&row, &head, "pos").unwrap_or(i64::MAX);
            self.places.push(((pos, key), next, at));
        }
        self.batches.push(batch);
    }
}
