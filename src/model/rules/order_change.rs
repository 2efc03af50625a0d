//! What a change makes of an order: whose turn it is, whether it comes too late, and the order in its new form. Decides only;
//! reading and writing are the caller's.

use std::sync::Arc;

use crate::model::batch::{Batch, Message, NodeRef, Value};
use crate::model::decimal;

/// States in which an order may still be changed, by default up to `allocated`; the first ones come first.
pub const CHANGEABLE: [&str; 7] =
    ["received", "held", "confirmed", "backorder", "allocated", "picking", "ready_to_ship"];

/// Changes of an order are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Next,
    /// A later one was taken before; the highest.
    Older(i64),
    /// One before it is missing: this one.
    Gap(i64),
}

pub fn turn(last: Option<i64>, seq: i64) -> Turn {
    let last = last.unwrap_or_default();
    if seq <= last {
        Turn::Older(last)
    } else if seq == last + 1 {
        Turn::Next
    } else {
        Turn::Gap(last + 1)
    }
}

/// `until`: the last state in which a change is taken.
pub fn may_change(status: &str, until: &str) -> bool {
    let place = |word: &str| CHANGEABLE.iter().position(|known| *known == word);
    place(status).is_some_and(|at| place(until).is_some_and(|last| at <= last))
}

/// Why a change fits no order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// It names nothing to change.
    SaysNothing,
    LineUnknown(i64),
    /// Field, of the order, of the change.
    LineOther(i64, &'static str, String, String),
    QtyMissing(i64),
    QtyInexact(i64),
}

/// The order in its new form; nothing where none of it is left.
pub fn amended(order: Message<'_>, change: Message<'_>) -> Result<Option<Batch>, Unfit> {
    let said = Said(change);
    let wanted = lines_of(change);
    match said.text("action") {
        "cancel" if wanted.is_empty() => Ok(None),
        "address" => {
            if addresses(change).iter().all(|(_, value)| !value.is_given()) {
                return Err(Unfit::SaysNothing);
            }
            Ok(Some(copy(order, &[], Some(change))))
        }
        action => {
            if wanted.is_empty() {
                return Err(Unfit::SaysNothing);
            }
            let new = quantities(order, change, &wanted, action == "cancel")?;
            let is_left = |line: &NodeRef<'_>| new.iter().all(|(no, qty)| Some(*no) != line_no(*line) || *qty != 0);
            let group = order.kind().group("lines").unwrap_or_default();
            if !order.group(group).any(|line| is_left(&line)) {
                return Ok(None);
            }
            Ok(Some(copy(order, &new, None)))
        }
    }
}

struct Said<'m>(Message<'m>);

impl<'m> Said<'m> {
    fn text(&self, name: &str) -> &'m str {
        let field = self.0.kind().head().field(name);
        field.and_then(|field| self.0.head().value(field).text()).unwrap_or_default()
    }
}

fn lines_of(message: Message<'_>) -> Vec<NodeRef<'_>> {
    message.kind().group("lines").map(|group| message.group(group).collect()).unwrap_or_default()
}

fn value<'m>(message: Message<'m>, node: NodeRef<'m>, name: &str) -> Value<'m> {
    let field = message.kind().groups[node.group()].field(name);
    field.map_or(Value::Missing, |field| node.value(field))
}

/// Lines of both kinds begin with their number, as the test below holds.
fn line_no(line: NodeRef<'_>) -> Option<i64> {
    line.value(0).number()
}

/// Which lines get which quantities; 0 takes a line away.
fn quantities(
    order: Message<'_>,
    change: Message<'_>,
    wanted: &[NodeRef<'_>],
    cancels: bool,
) -> Result<Vec<(i64, i64)>, Unfit> {
    let lines = lines_of(order);
    let mut new = Vec::with_capacity(wanted.len());
    for asked in wanted {
        let Some(number) = line_no(*asked) else { continue };
        let Some(line) = lines.iter().find(|line| line_no(**line) == Some(number)) else {
            return Err(Unfit::LineUnknown(number));
        };
        let ordered = |name: &str| value(order, *line, name).text().unwrap_or_default();
        if let Some(article) = value(change, *asked, "article_no").text() {
            let sent = order.kind().group("lines").and_then(|group| {
                let field = order.kind().groups[group].field("article_no")?;
                line.sent(field).text()
            });
            if article != ordered("article_no") && Some(article) != sent {
                let (of_order, of_change) = (ordered("article_no").to_string(), article.to_string());
                return Err(Unfit::LineOther(number, "article_no", of_order, of_change));
            }
        }
        let unit = value(change, *asked, "unit").text();
        if let Some(unit) = unit.filter(|unit| !cancels && *unit != ordered("unit")) {
            return Err(Unfit::LineOther(number, "unit", ordered("unit").to_string(), unit.to_string()));
        }
        let qty = match value(change, *asked, "qty").number() {
            _ if cancels => 0,
            Some(qty) if qty >= 0 => qty,
            _ => return Err(Unfit::QtyMissing(number)),
        };
        if qty > 0 && base_qty(order, *line, qty).is_none() {
            return Err(Unfit::QtyInexact(number));
        }
        new.push((number, qty));
    }
    Ok(new)
}

/// The new quantity in base units; `Some(None)` where the order says none.
fn base_qty(order: Message<'_>, line: NodeRef<'_>, qty: i64) -> Option<Option<i64>> {
    let old = value(order, line, "qty").number().unwrap_or_default();
    match value(order, line, "base_qty").number() {
        None => Some(None),
        Some(base) => decimal::multiply_exact(qty, base, old).map(Some),
    }
}

/// The fields of the address in both kinds: those of the change.
fn addresses(change: Message<'_>) -> Vec<(String, Value<'_>)> {
    let head = change.kind().head();
    let fields = head.fields.iter().enumerate().filter(|(_, field)| field.name.starts_with("delivery_"));
    fields.map(|(at, field)| (field.name.clone(), change.head().value(at))).collect()
}

/// The order again, with these quantities, or with the address of a change: the whole of it, since half of an address and half of
/// another are none. What was added up no longer holds, so it is left out.
fn copy(order: Message<'_>, new: &[(i64, i64)], address: Option<Message<'_>>) -> Batch {
    let kind = order.kind();
    let mut batch = Batch::new(Arc::clone(kind));
    batch.begin(order.origin().number, order.origin().line);
    let lines = kind.group("lines").unwrap_or(usize::MAX);
    let asked = |node: NodeRef<'_>| {
        let number = line_no(node).filter(|_| node.group() == lines)?;
        new.iter().find(|(no, _)| *no == number).map(|(_, qty)| *qty)
    };
    // By node of the order: its node in the copy.
    let mut places: Vec<Option<u32>> = Vec::new();
    for node in order.nodes() {
        let place = match (node.index(), asked(node)) {
            (0, _) => Some(0),
            (_, Some(0)) => None,
            _ => places[node.parent() as usize].map(|parent| batch.open(node.group(), parent, node.line())),
        };
        places.push(place);
        let Some(place) = place else { continue };
        for (name, text) in node.extras() {
            batch.add_extra(place, &name.into(), text);
        }
        for (field, about) in kind.groups[node.group()].fields.iter().enumerate() {
            let is_sum = !new.is_empty()
                && (node.index() == 0 && matches!(about.name.as_str(), "total_net" | "total_gross")
                    || asked(node).is_some() && about.name == "line_total");
            if is_sum || address.is_some() && node.index() == 0 && is_address(&about.name, address) {
                continue;
            }
            let told = match (asked(node), about.name.as_str()) {
                (Some(qty), "qty") => Value::Number(qty),
                (Some(qty), "base_qty") => base_qty(order, node, qty).flatten().map_or(Value::Missing, Value::Number),
                _ => node.value(field),
            };
            put(&mut batch, place, field, told);
            if let Value::Text(sent) = node.sent(field) {
                batch.set_sent(place, field, sent);
            }
        }
    }
    if let Some(change) = address {
        for (name, told) in addresses(change) {
            if let Some(field) = kind.head().field(&name) {
                put(&mut batch, 0, field, told);
            }
        }
    }
    batch
}

fn is_address(name: &str, address: Option<Message<'_>>) -> bool {
    address.is_some_and(|change| name.starts_with("delivery_") && change.kind().head().field(name).is_some())
}

fn put(batch: &mut Batch, node: u32, field: usize, value: Value<'_>) {
    match value {
        Value::Text(text) => batch.set_text(node, field, text),
        Value::Number(number) => batch.set_number(node, field, number),
        Value::Missing | Value::Empty => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json;
    use crate::model::kind::shipped_kinds;

    fn message(kind: &str, line: &str) -> Batch {
        let mut batch = Batch::new(shipped_kinds().get(kind).unwrap().clone());
        json::read_line(line, 1, 1, &mut batch).unwrap();
        batch
    }

    #[test]
    fn lines_begin_with_their_number() {
        for kind in ["order", "order_change"] {
            let kind = shipped_kinds().get(kind).unwrap();
            assert_eq!(kind.groups[kind.group("lines").unwrap()].fields[0].name, "line_no");
        }
    }

    #[test]
    fn changes_come_in_their_order() {
        let table = [
            (None, 1, Turn::Next),
            (None, 2, Turn::Gap(1)),
            (None, 0, Turn::Older(0)),
            (Some(1), 2, Turn::Next),
            (Some(3), 2, Turn::Older(3)),
            (Some(3), 7, Turn::Gap(4)),
        ];
        for (last, seq, expected) in table {
            assert_eq!(turn(last, seq), expected, "{last:?} {seq}");
        }
    }

    #[test]
    fn a_state_is_early_enough_or_not() {
        let table = [
            ("received", "allocated", true),
            ("allocated", "allocated", true),
            ("picking", "allocated", false),
            ("picking", "picking", true),
            ("shipped", "ready_to_ship", false),
            ("cancelled", "ready_to_ship", false),
            ("held", "received", false),
        ];
        for (status, until, expected) in table {
            assert_eq!(may_change(status, until), expected, "{status} {until}");
        }
    }

    const ORDER: &str = r#"{"buyer_order_no":"B-1","customer_no":"K","delivery_name":"Old","delivery_house_no":"3a","total_net":"10",
        "lines":[{"line_no":1,"article_no":"A-1","qty":"2","unit":"CT","base_qty":"24","base_unit":"PCE","line_total":"5","line_charges":[{"charge_type":"charge","pct":"3"}]},
                 {"line_no":2,"article_no":"A-2","article_no_sent":"X","qty":"3","unit":"PCE"}]}"#;

    fn change(rest: &str) -> Batch {
        message("order_change", &format!(r#"{{"buyer_order_no":"B-1","customer_no":"K","change_seq":1,{rest}}}"#))
    }

    fn told(rest: &str) -> Result<Option<String>, Unfit> {
        let (order, change) = (message("order", &ORDER.replace('\n', "")), change(rest));
        let made = amended(order.message(0), change.message(0))?;
        Ok(made.map(|made| json::to_line(made.message(0))))
    }

    #[test]
    fn an_order_gets_its_new_form() {
        let table = [
            (r#""action":"cancel""#, Ok(None)),
            (r#""action":"cancel","lines":[{"line_no":1},{"line_no":2}]"#, Ok(None)),
            (r#""action":"qty""#, Err(Unfit::SaysNothing)),
            (r#""action":"address""#, Err(Unfit::SaysNothing)),
            (r#""action":"qty","lines":[{"line_no":9,"qty":"1"}]"#, Err(Unfit::LineUnknown(9))),
            (r#""action":"qty","lines":[{"line_no":1}]"#, Err(Unfit::QtyMissing(1))),
            (r#""action":"qty","lines":[{"line_no":1,"qty":"-1"}]"#, Err(Unfit::QtyMissing(1))),
            (
                r#""action":"qty","lines":[{"line_no":1,"article_no":"A-9","qty":"1"}]"#,
                Err(Unfit::LineOther(1, "article_no", "A-1".into(), "A-9".into())),
            ),
            (
                r#""action":"qty","lines":[{"line_no":1,"unit":"PCE","qty":"1"}]"#,
                Err(Unfit::LineOther(1, "unit", "CT".into(), "PCE".into())),
            ),
        ];
        for (rest, expected) in table {
            assert_eq!(told(rest), expected, "{rest}");
        }
        let qty = told(r#""action":"qty","lines":[{"line_no":1,"qty":"5"},{"line_no":2,"article_no":"X","qty":"0"}]"#);
        let qty = qty.unwrap().unwrap();
        assert!(qty.contains(r#""qty":"5""#) && qty.contains(r#""base_qty":"60""#), "{qty}");
        assert!(!qty.contains("total") && !qty.contains("A-2") && qty.contains("charge_type"), "{qty}");
        let address = told(r#""action":"address","delivery_name":"New","delivery_city":"Kiel""#).unwrap().unwrap();
        assert!(address.contains("New") && address.contains("Kiel") && address.contains("total_net"), "{address}");
        assert!(!address.contains("3a") && !address.contains("Old") && address.contains("A-2"), "{address}");
        let line = told(r#""action":"cancel","lines":[{"line_no":1}]"#).unwrap().unwrap();
        assert!(
            !line.contains("A-1") && !line.contains("charge_type") && line.contains(r#""article_no_sent":"X""#),
            "{line}"
        );
    }
}
