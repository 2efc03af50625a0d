//! Makes the customer and the articles that an order names and nobody knows, from what the order says of them, where the
//! intake wants that (`create`). They speak of no moment, so that whatever the ERP says of them wins.

use anyhow::Result;

use super::in_hand::InHand;
use crate::edges::store::business::{MADE, Records, Stamp};
use crate::edges::store::{FileNo, Tx};
use crate::model::batch::{Batch, Message, NodeRef, Value};
use crate::model::intake::References;
use crate::model::kind::{Kind, shipped_kinds};

/// Of whom an order tells: who gets the invoice, else who gets the goods.
const PARTIES: [&str; 2] = ["invoice", "delivery"];
const ADDRESS: [&str; 9] = ["name", "name2", "gln", "street", "house_no", "street2", "zip", "city", "country"];
/// Fields of an order's head that are the customer's too.
const OF_HEAD: [&str; 5] = ["contact_name", "email", "phone", "currency", "language"];
/// Fields of a line, and what they are called of an article.
const OF_LINE: [(&str, &str); 4] =
    [("description", "name"), ("unit", "unit"), ("ean", "ean"), ("supplier_article_no", "supplier_article_no")];

/// Writes made records. Each writer is made when it is needed for the first time.
pub struct Making<'t> {
    tx: &'t Tx<'t>,
    file: FileNo,
    customers: Option<Box<Records<'t>>>,
    articles: Option<Box<Records<'t>>>,
    /// What was made of this file's orders since it was last asked.
    made: Vec<String>,
}

impl<'t> Making<'t> {
    pub fn new(tx: &'t Tx<'t>, file: FileNo) -> Self {
        Making { tx, file, customers: None, articles: None, made: Vec::new() }
    }

    /// The order was applied: what was made of it, by name.
    pub fn make(&mut self, hand: &InHand<'_>, order: &Message<'_>) -> Result<Vec<String>> {
        if hand.intake.customers == References::Create {
            self.customer(order)?;
        }
        if hand.intake.articles == References::Create {
            self.all_articles(&hand.intake.sender.partner, order)?;
        }
        Ok(std::mem::take(&mut self.made))
    }

    pub fn finish(self) -> Result<()> {
        [self.customers, self.articles].into_iter().flatten().try_for_each(|writer| writer.finish())
    }

    fn customer(&mut self, order: &Message<'_>) -> Result<()> {
        let (head, kind) = (order.head(), order.kind());
        let Some(number) = text(&head, kind, "customer_no") else { return Ok(()) };
        if self.tx.is_number_taken("customer", number)? {
            return Ok(());
        }
        let mut made = begun("customer", order, &head);
        put(&mut made, "customer_no", number);
        OF_HEAD.iter().for_each(|name| copy(&mut made, name, value(&head, kind, name)));
        let named = |party: &&&str| text(&head, kind, &format!("{party}_name")).is_some();
        if let Some(party) = PARTIES.iter().find(named) {
            ADDRESS.iter().for_each(|name| copy(&mut made, name, value(&head, kind, &format!("{party}_{name}"))));
        }
        self.made.push(format!("customer {number}"));
        writer(self.tx, self.file, &mut self.customers, "customer")?.apply(made.message(0))?;
        Ok(())
    }

    fn all_articles(&mut self, partner: &str, order: &Message<'_>) -> Result<()> {
        let Some(lines) = order.kind().group("lines") else { return Ok(()) };
        for line in order.group(lines) {
            let of_line = |name: &str| {
                let field = order.kind().groups[lines].field(name);
                field.map_or(Value::Missing, |field| line.value(field))
            };
            let Some(number) = of_line("article_no").text() else { continue };
            if self.tx.is_number_taken("article", number)? {
                continue;
            }
            let mut made = begun("article", order, &line);
            put(&mut made, "article_no", number);
            OF_LINE.iter().for_each(|(from, to)| copy(&mut made, to, of_line(from)));
            if let Some(theirs) = of_line("buyer_article_no").text() {
                alias(&mut made, partner, theirs, line.line());
            }
            self.made.push(format!("article {number}"));
            writer(self.tx, self.file, &mut self.articles, "article")?.apply(made.message(0))?;
        }
        Ok(())
    }
}

fn writer<'w, 't>(
    tx: &'t Tx<'t>,
    file: FileNo,
    place: &'w mut Option<Box<Records<'t>>>,
    kind: &str,
) -> Result<&'w mut Records<'t>> {
    if place.is_none() {
        *place = Some(Box::new(tx.records(kind_of(kind), &Stamp { file, as_of: MADE })?));
    }
    Ok(place.as_mut().expect("it was made just now"))
}

fn kind_of(name: &str) -> &'static std::sync::Arc<Kind> {
    shipped_kinds().get(name).expect("a kind of this program")
}

/// Of the line of the file that names it.
fn begun(kind: &str, order: &Message<'_>, node: &NodeRef<'_>) -> Batch {
    let mut made = Batch::new(kind_of(kind).clone());
    let line = if node.line() > 0 { node.line() } else { order.origin().line };
    made.begin(order.origin().number, line);
    made
}

fn value<'a>(node: &NodeRef<'a>, kind: &Kind, name: &str) -> Value<'a> {
    kind.head().field(name).map_or(Value::Missing, |field| node.value(field))
}

fn text<'a>(node: &NodeRef<'a>, kind: &Kind, name: &str) -> Option<&'a str> {
    value(node, kind, name).text()
}

fn put(made: &mut Batch, name: &str, text: &str) {
    copy(made, name, Value::Text(text));
}

/// A value that is given, cut to what the field takes.
fn copy(made: &mut Batch, name: &str, value: Value<'_>) {
    let Some(field) = made.kind().head().field(name) else { return };
    match value {
        Value::Text(text) => {
            let most = made.kind().head().fields[field].field_type.length().unwrap_or(usize::MAX);
            let end = text.char_indices().nth(most).map_or(text.len(), |(at, _)| at);
            made.set_text(0, field, &text[..end]);
        }
        Value::Number(number) => made.set_number(0, field, number),
        Value::Missing | Value::Empty => {}
    }
}

/// The customer's own number of the article, so that his next order finds it.
fn alias(made: &mut Batch, partner: &str, theirs: &str, line: u32) {
    let kind = made.kind().clone();
    let Some(group) = kind.group("aliases") else { return };
    let node = made.open(group, 0, line);
    for (name, text) in [("scheme", "partner"), ("owner", partner), ("value", theirs)] {
        kind.groups[group].field(name).into_iter().for_each(|field| made.set_text(node, field, text));
    }
}
