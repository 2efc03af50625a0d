//! What a column's values say of its field. Values with a form of their own (an e-mail address, an EAN) say it of any column, all others
//! only where its name says nothing.

use super::content::Content;
use super::fields::{Known, Level, field_of};
use crate::model::kind::Kind;

type Offers = Vec<(String, u32)>;

/// Of the column at this place: fields, and how sure each is.
pub fn offers(kind: &Kind, columns: &[Known<'_>], at: usize) -> Offers {
    let known = &columns[at];
    let mut offers = own_form(kind, known);
    if known.column.label.is_empty() {
        numbers(kind, columns, at, &mut offers);
        codes(kind, columns, at, &mut offers);
        texts(kind, columns, at, &mut offers);
    }
    offers
}

fn offer(kind: &Kind, known: &Known<'_>, concept: &str, sure: u32) -> Option<(String, u32)> {
    field_of(kind, concept, known.whose).map(|path| (path, sure))
}

fn own_form(kind: &Kind, known: &Known<'_>) -> Offers {
    let concepts: &[(&str, u32)] = match &known.content {
        Content::Email => &[("email", 66)],
        Content::Currency => &[("currency", 70)],
        Content::Country => &[("country", 60)],
        Content::Ean => &[("ean", 82)],
        Content::Isbn => &[("isbn", 80), ("ean", 60)],
        Content::Url => &[("tracking_url", 60)],
        _ => &[],
    };
    concepts.iter().filter_map(|(concept, sure)| offer(kind, known, concept, *sure)).collect()
}

/// Is it the first of its sheet with such a content?
fn is_first(columns: &[Known<'_>], at: usize, is: &dyn Fn(&Content) -> bool) -> bool {
    columns.iter().position(|c| c.sheet == columns[at].sheet && is(&c.content)) == Some(at)
}

fn numbers(kind: &Kind, columns: &[Known<'_>], at: usize, offers: &mut Offers) {
    use Content as C;
    let known = &columns[at];
    let line = matches!(known.level, Level::Line | Level::Both);
    let values: Vec<&str> = known.column.values.iter().map(String::as_str).filter(|v| !v.is_empty()).collect();
    let small = values.iter().all(|v| v.trim_start_matches('0').len() <= 5)
        && (known.content == C::Integer || values.iter().all(|v| (3..=7).contains(&v.len())));
    let concepts: &[(&str, u32)] = match &known.content {
        C::Date(_) | C::Instant(_) => {
            &[("order_date", 64), ("valid_from", 64), ("shipped_at", 60), ("requested_date", 56), ("valid_to", 54)]
        }
        C::Phone => &[("phone", 60)],
        C::Unit => &[("unit", 62)],
        C::Integer | C::Padded if line && kind.name == "order" && counts(&values) => &[("line_no", 68)],
        C::Integer | C::Padded if line && small && kind.name != "customer" && kind.name != "price" => &[("qty", 58)],
        C::Decimal { .. } if line => &[("net_price", 58)],
        C::Padded if kind.name == "price" => &[("net_price", 56)],
        _ => &[],
    };
    offers.extend(concepts.iter().filter_map(|(concept, sure)| offer(kind, known, concept, *sure)));
}

fn codes(kind: &Kind, columns: &[Known<'_>], at: usize, offers: &mut Offers) {
    let known = &columns[at];
    let order = kind.name == "order";
    let code = |c: &Content| matches!(c, Content::Code | Content::Integer | Content::Padded);
    if !code(&known.content) {
        return;
    }
    let first = is_first(columns, at, &code);
    let ties = || columns.iter().any(|c| c.sheet != known.sheet && same_values(c, known));
    let (concept, sure) = match known.level {
        Level::Around => return,
        _ if kind.name == "customer" && first => ("customer_no", 66),
        _ if kind.name == "customer" => return,
        // The order number comes first; what stands before it tells the record type.
        Level::Head | Level::Both if order && first => ("order_no", 66),
        Level::Line if order && ties() => ("order_no", 70),
        // Small numbers are quantities sooner than articles.
        Level::Line | Level::Both if is_small(known) => ("article_no", 50),
        Level::Line | Level::Both => ("article_no", 59),
        Level::Head if order => ("reference", 50),
        Level::Head => return,
    };
    offers.extend(offer(kind, known, concept, sure));
}

fn is_small(known: &Known<'_>) -> bool {
    known.content == Content::Integer && known.column.values.iter().all(|value| value.len() <= 3)
}

fn texts(kind: &Kind, columns: &[Known<'_>], at: usize, offers: &mut Offers) {
    let known = &columns[at];
    let is_text = |c: &Content| *c == Content::Text;
    if !is_text(&known.content) {
        return;
    }
    let last = columns.iter().rposition(|c| c.sheet == known.sheet && is_text(&c.content)) == Some(at);
    let (concept, sure) = match known.level {
        _ if kind.name == "customer" => {
            if !is_first(columns, at, &is_text) {
                return;
            }
            ("name", 62)
        }
        Level::Line | Level::Both => {
            // Beside what it costs and how many.
            let priced = |c: &Known<'_>| matches!(c.content, Content::Integer | Content::Decimal { .. });
            let near = columns.iter().skip(at + 1).take(2).any(|c| c.sheet == known.sheet && priced(c));
            ("description", if near { 58 } else { 52 })
        }
        Level::Head if last && kind.name == "order" => ("note", 50),
        Level::Head | Level::Around => return,
    };
    offers.extend(offer(kind, known, concept, sure));
}

/// 1, 2, 3 or 10, 20, 30, beginning anew with each message.
fn counts(values: &[&str]) -> bool {
    let numbers: Option<Vec<usize>> = values.iter().map(|v| v.trim_start_matches('0').parse().ok()).collect();
    numbers.is_some_and(|numbers| {
        let step = numbers.first().copied().unwrap_or(0);
        let runs = || numbers.windows(2).all(|two| two[1] == step || two[1].checked_sub(two[0]) == Some(step));
        matches!(step, 1 | 10 | 100) && numbers.contains(&(2 * step)) && runs()
    })
}

/// The column of the head whose values these are.
fn same_values(head: &Known<'_>, known: &Known<'_>) -> bool {
    let values = |known: &Known<'_>| {
        let mut all: Vec<String> = known.column.values.iter().filter(|v| !v.is_empty()).cloned().collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let of_head = values(head);
    head.level == Level::Head && !of_head.is_empty() && of_head == values(known)
}
