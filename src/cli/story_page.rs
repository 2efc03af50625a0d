//! `explain` and `find` for people and as JSON.

use std::io;

use serde_json::{Value, json};

use super::page::{Columns, Page, safe};
use super::show_page::{next, next_object, plain_message_object, run_object};
use crate::edges::store::{Origin, RowFound};
use crate::flows::explain::{Stories, title_of_run};
use crate::flows::files;
use crate::flows::find::{ChangeStory, FoundByKey, OrderStory, PdfStory};

pub fn print_stories(page: &mut Page<'_>, item: &str, stories: &Stories) -> io::Result<()> {
    if stories.stories.is_empty() {
        page.line(format!(
            "{} was never seen: no file in in/ has this name, and the ledger knows no file, run, remote, order or article of it.",
            safe(item)
        ))?;
        if !stories.looked_in.is_empty() {
            page.line("Nor is it one of the names that stand at remotes and are not taken, as far as was looked:")?;
        }
        for line in &stories.looked_in {
            page.line(format!("  {}", safe(line)))?;
        }
        near(page, &stories.near)?;
        return next(page, &stories.next);
    }
    for (index, story) in stories.stories.iter().enumerate() {
        if index > 0 {
            page.gap()?;
        }
        page.line(safe(&story.title))?;
        for sentence in &story.sentences {
            page.line(format!("  {}", safe(sentence)))?;
        }
        next(page, &story.next)?;
    }
    Ok(())
}

pub fn near(page: &mut Page<'_>, names: &[String]) -> io::Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    page.line(format!("Did you mean {}?", names.iter().map(|n| safe(n)).collect::<Vec<_>>().join(" or ")))
}

pub fn stories_object(item: &str, stories: &Stories) -> Value {
    let list: Vec<Value> = stories
        .stories
        .iter()
        .map(|story| json!({ "title": story.title, "sentences": story.sentences, "next": next_object(&story.next) }))
        .collect();
    json!({
        "item": item,
        "seen": !list.is_empty(),
        "stories": list,
        "near": stories.near,
        "looked_in": stories.looked_in,
        "next": next_object(&stories.next),
    })
}

pub fn print_found(page: &mut Page<'_>, found: &FoundByKey) -> io::Result<()> {
    if found.is_empty() {
        return page.line(format!(
            "Nothing goes by {}: no order, article, customer, stock level, price or refused message. nattpost explain {} also looks for \
             files, runs and remotes.",
            safe(&found.key),
            safe(&found.key)
        ));
    }
    if !found.orders.is_empty() {
        let mut columns =
            Columns::new(&["order", "customer", "our number", "status", "came", "from file", "#line", "went out in"]);
        for story in &found.orders {
            columns.row(order_row(page, story));
        }
        page.table(columns)?;
        print_pdfs(page, &found.orders)?;
        let changes = found.orders.iter().flat_map(|story| story.changes.iter().map(move |change| (story, change)));
        let mut columns =
            Columns::new(&["changed", "#change", "action", "what", "came", "from file", "#line", "went out in"]);
        let mut any = false;
        for (story, change) in changes {
            columns.row(change_row(page, story, change));
            any = true;
        }
        if any {
            page.table(columns)?;
        }
    }
    if !found.rows.is_empty() {
        let mut columns = Columns::new(&["", "number", "says", "as of", "from file", "#line"]);
        for row in &found.rows {
            let closed = if row.active { "" } else { " (closed)" };
            columns.row([
                row.kind.to_string(),
                format!("{}{closed}", row.key),
                row.says.clone(),
                as_of(page, &row.origin),
                format!("{} ({})", row.origin.file_name, row.origin.file_id),
                row.origin.line.to_string(),
            ]);
        }
        page.table(columns)?;
    }
    if !found.messages.is_empty() {
        let mut columns = Columns::new(&["not taken", "key", "verdict", "reason", "came", "file", "#line"]);
        for found in &found.messages {
            columns.row([
                found.message.kind.clone(),
                found.message.key.clone(),
                found.message.verdict.to_string(),
                found.message.code.clone(),
                page.when_stored(Some(&files::came(&found.file))),
                format!("{} ({})", found.file.name, found.file.id),
                found.message.line.to_string(),
            ]);
        }
        page.table(columns)?;
    }
    Ok(())
}

fn print_pdfs(page: &mut Page<'_>, orders: &[OrderStory]) -> io::Result<()> {
    let mut columns = Columns::new(&["PDF", "of order", "#pages", "from file", ""]);
    let mut any = false;
    for (story, PdfStory { pdf, file_id }) in orders.iter().filter_map(|story| Some((story, story.pdf.as_ref()?))) {
        columns.row([
            pdf.name.clone(),
            story.order.buyer_order_no.clone(),
            pdf.pages.to_string(),
            file_id.to_string(),
            if pdf.is_kept { String::new() } else { "its bytes were forgotten when its time was over".to_string() },
        ]);
        any = true;
    }
    if any { page.table(columns) } else { Ok(()) }
}

fn order_row(page: &Page<'_>, story: &OrderStory) -> [String; 8] {
    let order = &story.order;
    let runs: Vec<String> = story.runs.iter().map(|run| format!("{} {}", title_of_run(run), run.name)).collect();
    [
        order.buyer_order_no.clone(),
        order.customer_no.clone(),
        order.order_no.clone(),
        order.status.clone(),
        page.when_stored(Some(&order.origin.first_seen)),
        format!("{} ({})", order.origin.file_name, order.origin.file_id),
        order.origin.line.to_string(),
        if runs.is_empty() { "not yet".to_string() } else { runs.join(", ") },
    ]
}

fn change_row(page: &Page<'_>, story: &OrderStory, change: &ChangeStory) -> [String; 8] {
    let what: Vec<String> =
        change.differences.iter().map(|one| format!("{}: {} → {}", one.path, one.old, one.new)).collect();
    let runs: Vec<String> = change.runs.iter().map(|run| format!("{} {}", title_of_run(run), run.name)).collect();
    let out = match (change.told, change.cancels) {
        (true, _) if runs.is_empty() => "not yet".to_string(),
        (true, _) => runs.join(", "),
        (false, true) => "not at all".to_string(),
        (false, false) => "with the order".to_string(),
    };
    [
        story.order.buyer_order_no.clone(),
        change.seq.to_string(),
        change.action.clone(),
        if change.cancels { "the whole order".to_string() } else { what.join("; ") },
        page.when_stored(Some(&files::came(&change.file))),
        format!("{} ({})", change.file.name, change.file.id),
        change.line.to_string(),
        out,
    ]
}

/// A time where it is one, else the sender's sequence.
fn as_of(page: &Page<'_>, origin: &Origin) -> String {
    let time = page.when_stored(Some(&origin.as_of));
    if time.is_empty() { origin.as_of.clone() } else { time }
}

pub fn found_object(found: &FoundByKey) -> Value {
    let messages: Vec<Value> = found
        .messages
        .iter()
        .map(|found| {
            let mut object = plain_message_object(&found.message);
            object["file"] = found.file.id.as_str().into();
            object["file_name"] = found.file.name.as_str().into();
            object
        })
        .collect();
    json!({
        "key": found.key,
        "orders": found.orders.iter().map(order_object).collect::<Vec<_>>(),
        "rows": found.rows.iter().map(row_object).collect::<Vec<_>>(),
        "messages": messages,
    })
}

fn order_object(story: &OrderStory) -> Value {
    let order = &story.order;
    json!({
        "partner": order.partner,
        "customer_no": order.customer_no,
        "buyer_order_no": order.buyer_order_no,
        "order_no": order.order_no,
        "status": order.status,
        "status_at": order.status_at,
        "lines": order.lines,
        "from": origin_object(&order.origin),
        "status_from": order.status_origin.as_ref().map(origin_object),
        "runs": story.runs.iter().map(run_object).collect::<Vec<_>>(),
        "changes": story.changes.iter().map(change_object).collect::<Vec<_>>(),
        "pdf": story.pdf.as_ref().map(|PdfStory { pdf, file_id }| {
            json!({ "name": pdf.name, "pages": pdf.pages, "file": file_id.as_str(), "is_kept": pdf.is_kept })
        }),
    })
}

fn change_object(change: &ChangeStory) -> Value {
    let fields: Vec<Value> =
        change.differences.iter().map(|one| json!({ "field": one.path, "old": one.old, "new": one.new })).collect();
    json!({
        "change_seq": change.seq,
        "action": change.action,
        "file": change.file.id.as_str(),
        "file_name": change.file.name,
        "line": change.line,
        "cancels": change.cancels,
        "told": change.told,
        "differences": fields,
        "runs": change.runs.iter().map(run_object).collect::<Vec<_>>(),
    })
}

fn row_object(row: &RowFound) -> Value {
    json!({ "kind": row.kind, "key": row.key, "says": row.says, "active": row.active, "from": origin_object(&row.origin) })
}

pub(super) fn origin_object(origin: &Origin) -> Value {
    json!({
        "source": origin.source,
        "file": origin.file_id,
        "file_name": origin.file_name,
        "line": origin.line,
        "first_seen": origin.first_seen,
        "as_of": origin.as_of,
    })
}
