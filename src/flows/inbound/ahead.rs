//! Looks up, on the decoder's thread, the numbers of a batch of requests or facts that are ours as they were sent, and notes
//! them with the batch: with a million articles the looking up takes longer than the writing. What it does not find is looked up
//! where the message is judged; nothing is decided here, and an error only means that nothing was found. Who writes waits for
//! nothing: while he has nothing to do, batches pass unseen.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;

use crate::edges::store::Reader;
use crate::edges::store::business::References;
use crate::model::batch::{Batch, NodeRef};
use crate::model::intake::{ArticleScheme, Intake};
use crate::model::kind::Class;
use crate::model::rules::reference::{Matches, Places};

/// A batch of fewer messages is not worth a look of its own.
const MANY: usize = 32;

/// With so many parcels waiting, there is time.
const BEHIND: usize = 2;

pub struct Ahead {
    store: PathBuf,
    /// Parcels that are read and not yet written.
    waiting: Arc<AtomicUsize>,
    reader: Option<Reader>,
}

impl Ahead {
    pub fn of(store: PathBuf, waiting: Arc<AtomicUsize>) -> Self {
        Ahead { store, waiting, reader: None }
    }

    pub fn look(&mut self, batch: &mut Batch, intake: &Intake) {
        // They change nothing that others are looked up in: what is known at the beginning of the round is known in all of it.
        let looks_only = |class| matches!(class, Class::Request | Class::Fact);
        let is_safe = intake.layouts.iter().all(|layout| looks_only(layout.kind.class));
        if batch.len() >= MANY && is_safe && self.waiting.load(Ordering::Relaxed) >= BEHIND {
            // Judging asks again, and tells what is wrong with the database.
            let _ = self.try_look(batch, intake);
        }
    }

    fn try_look(&mut self, batch: &mut Batch, intake: &Intake) -> Result<()> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => Reader::open(&self.store)?,
        };
        let snapshot = self.reader.insert(reader).snapshot()?;
        let mut references = snapshot.references()?;
        let places = Places::of(batch.kind());
        // The first scheme that finds anything decides.
        let ours_first = intake.article_schemes.first() == Some(&ArticleScheme::Own);
        let articles = if ours_first { &places.articles[..] } else { &[] };
        for message in 0..batch.len() {
            if customer(&mut references, &batch.message(message).head(), places.customer, intake)? {
                batch.know_customer(message);
            }
            for node in 0..batch.message(message).nodes().count() as u32 {
                let line = batch.message(message).node(node);
                let Some(place) = articles.iter().find(|place| place.group == line.group()) else { continue };
                if let Some(unit) = article(&mut references, &line, place.field)? {
                    batch.know_article(message, node, unit.as_deref());
                }
            }
        }
        Ok(())
    }
}

fn customer(
    references: &mut References<'_>,
    head: &NodeRef<'_>,
    field: Option<usize>,
    intake: &Intake,
) -> Result<bool> {
    let Some(sent) = field.and_then(|field| head.value(field).text()) else { return Ok(false) };
    let found = references.customer(&intake.sender.partner, sent)?;
    Ok(matches!(found, Matches::One(ours) if ours == sent))
}

/// The article's base unit, where there is such an article.
fn article(references: &mut References<'_>, line: &NodeRef<'_>, field: usize) -> Result<Option<Option<String>>> {
    let Some(sent) = line.value(field).text() else { return Ok(None) };
    match references.article(ArticleScheme::Own, "", sent)? {
        Matches::One(ours) if ours == sent => references.base_unit(sent),
        _ => Ok(None),
    }
}
