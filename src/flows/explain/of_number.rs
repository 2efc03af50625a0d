//! The stories of what goes by a number: orders with their way in and out, records and facts with the line they stand in,
//! and messages that were not taken.

use super::{Story, Teller, source, title};
use crate::edges::store::RowFound;
use crate::flows::files::came;
use crate::flows::find::{ChangeStory, FoundByKey, MessageOfFile, OrderStory, PdfStory};
use crate::flows::moments;
use crate::flows::next_steps::NextStep;
use crate::flows::show::MessageShown;

impl Teller<'_> {
    pub(super) fn numbers(&self, found: &FoundByKey) -> Vec<Story> {
        let mut stories: Vec<Story> = found.orders.iter().map(|order| self.order(order)).collect();
        if !found.rows.is_empty() {
            let sentences = found.rows.iter().map(|row| self.row(row)).collect();
            stories.push(Story { title: format!("What goes by {}", found.key), sentences, next: Vec::new() });
        }
        stories.extend(found.messages.iter().map(|message| self.not_taken(message)));
        stories
    }

    fn order(&self, story: &OrderStory) -> Story {
        let order = &story.order;
        let mut sentences = vec![format!(
            "Order {} of customer {} came {} from {}: {}, line {} (file {}), with {}.",
            order.buyer_order_no,
            order.customer_no,
            self.at_stored(&order.origin.first_seen),
            order.origin.source,
            order.origin.file_name,
            order.origin.line,
            order.origin.file_id,
            moments::count(order.lines, "order line", "order lines")
        )];
        if let Some(message) = &story.waited {
            let waits = message.waits.as_ref().filter(|waits| !waits.kind.is_empty());
            let awaited = waits.map_or("a person".to_string(), |waits| format!("{} {}", waits.kind, waits.key));
            sentences.push(format!("It waited for {awaited} and was applied {}.", self.at_stored(&message.decided_at)));
        }
        if let Some(PdfStory { pdf, file_id }) = &story.pdf {
            let pages = moments::count(u64::from(pdf.pages), "page", "pages");
            let rest = if pdf.is_kept { "" } else { ", and its bytes were forgotten when their time was over" };
            sentences.push(format!("Its PDF is {} ({pages}), which came in file {file_id}{rest}.", pdf.name));
        }
        let number =
            if order.order_no.is_empty() { String::new() } else { format!(" under our number {}", order.order_no) };
        let since = order.status_at.as_deref().map(|at| format!(" since {}", self.at_stored(at))).unwrap_or_default();
        sentences.push(match &order.status_origin {
            Some(from) => format!(
                "It is {}{since}{number}, says {} (file {}, line {}) of {}.",
                order.status, from.file_name, from.file_id, from.line, from.source
            ),
            None => format!("It is {}{number}: no status has come for it yet.", order.status),
        });
        if story.runs.is_empty() && !story.changes.iter().any(|change| change.cancels) {
            sentences.push("It has not gone out in any run yet.".to_string());
        }
        sentences.extend(story.runs.iter().map(|run| format!("It went out in {}.", self.run_told(run))));
        sentences.extend(story.changes.iter().map(|change| self.change(change)));
        Story {
            title: format!("Order {} of customer {}", order.buyer_order_no, order.customer_no),
            sentences,
            next: Vec::new(),
        }
    }

    fn change(&self, change: &ChangeStory) -> String {
        let became = match change.differences.as_slice() {
            _ if change.cancels => "the order is cancelled".to_string(),
            [] => "it changed nothing".to_string(),
            all => {
                all.iter().map(|one| format!("{}: {} → {}", one.path, one.old, one.new)).collect::<Vec<_>>().join("; ")
            }
        };
        let way = match (change.told, change.runs.as_slice()) {
            (false, _) if change.cancels => "It had not gone out, and never will.".to_string(),
            (false, _) => "The order had not gone out and goes out in its last form.".to_string(),
            (true, []) => "The order had gone out before; the change has not gone out yet.".to_string(),
            (true, runs) => {
                let runs: Vec<String> = runs.iter().map(|run| self.run_told(run)).collect();
                format!("The order had gone out before; the change went out in {}.", runs.join(", "))
            }
        };
        format!(
            "Change {} ({}) came {} from {}: {}, line {} (file {}): {became}. {way}",
            change.seq,
            change.action,
            self.at_stored(&came(&change.file)),
            source(&change.file),
            change.file.name,
            change.line,
            change.file.id
        )
    }

    fn row(&self, row: &RowFound) -> String {
        let closed = if row.active { "" } else { " It is closed: a full file no longer named it." };
        let says = if row.says.is_empty() { String::new() } else { format!(": {}", row.says) };
        // Requests, and what we made of them, speak of no moment.
        let as_of = match row.origin.as_of.is_empty() {
            true => String::new(),
            false => format!(", as of {}", self.at_stored(&row.origin.as_of).trim_start_matches("on ")),
        };
        format!(
            "{} {}{says}, from {}, {} line {} (file {}){as_of}.{closed}",
            title(row.kind),
            row.key,
            row.origin.source,
            row.origin.file_name,
            row.origin.line,
            row.origin.file_id
        )
    }

    fn not_taken(&self, found: &MessageOfFile) -> Story {
        let shown = MessageShown { message: found.message.clone(), differences: Vec::new() };
        let told = self.message(&shown).unwrap_or_default();
        Story {
            title: format!("{} {} in {}", title(&found.message.kind), found.message.key, found.file.name),
            sentences: vec![
                format!(
                    "{} came {} from {} (id {}).",
                    found.file.name,
                    self.at_stored(&came(&found.file)),
                    source(&found.file),
                    found.file.id
                ),
                told,
            ],
            next: vec![NextStep {
                why: "see all of that file".to_string(),
                command: format!("nattpost show {}", found.file.id),
            }],
        }
    }
}
