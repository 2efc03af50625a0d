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
        C::Integer if line && small && kind.name != "customer" && kind.name != "price" => &[("qty", 59)],
        C::Padded if line && small && kind.name != "customer" && kind.name != "price" => &[("qty", 57)],
        C::Decimal { .. } if line => &[("net_price", 58)],
        C::Padded if kind.name == "price" => &[("net_price", 56)],
        _ => &[],
    };
    offers.extend(concepts.iter().filter_map(|(concept, sure)| offer(kind, known, concept, *sure)));
    if line && is_product(columns, at) {
        offers.extend(offer(kind, known, "line_total", 74));
    }
}

/// In every row two others before it make it, the first of them how many, the second what each costs.
fn is_product(columns: &[Known<'_>], at: usize) -> bool {
    let numbers = |known: &Known<'_>| -> Option<Vec<f64>> {
        if !matches!(known.content, Content::Integer | Content::Decimal { .. }) {
            return None;
        }
        known.column.bare().iter().map(|value| value.replace(',', ".").parse().ok()).collect()
    };
    let Some(all) = numbers(&columns[at]).filter(|all| all.len() > 1) else { return false };
    let before: Vec<Vec<f64>> =
        columns[..at].iter().filter(|other| other.sheet == columns[at].sheet).filter_map(numbers).collect();
    // A row of ones says nothing.
    let tells = |column: &Vec<f64>| column.iter().any(|value| *value != 1.0);
    before.iter().enumerate().any(|(nth, price)| {
        let makes = |qty: &Vec<f64>| (0..all.len()).all(|row| (qty[row] * price[row] - all[row]).abs() < 0.006);
        tells(price) && before[..nth].iter().any(|qty| tells(qty) && makes(qty))
    })
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
    if let Some(counter) = counter_of(columns, known).filter(|_| order) {
        let tied = |column: &Known<'_>| runs_with(&column.column.values, &counter.column.values);
        let nearer = columns[at + 1..].iter().take_while(|other| other.column.place != counter.column.place);
        // The number stands right before what counts its lines; who orders, farther off.
        match tied(known) {
            Some(true) if !nearer.into_iter().any(|other| code(&other.content) && tied(other) == Some(true)) => {
                offers.extend(offer(kind, known, "order_no", 72));
                return;
            }
            Some(_) => {
                offers.extend(offer(kind, known, "customer_no", 56));
                return;
            }
            None => {}
        }
    }
    // Of those whose articles are the messages the first code is the article's.
    let of_article = kind.path("article_no").is_some() && kind.head().field("article_no").is_some();
    let (concept, sure) = match known.level {
        Level::Around => return,
        Level::Head if of_article && first => ("article_no", 62),
        _ if kind.name == "customer" && first => ("customer_no", 66),
        _ if kind.name == "customer" => return,
        // The order number comes first; what stands before it tells the record type.
        Level::Head | Level::Both if order && first => ("order_no", 66),
        Level::Line if order && ties() => ("order_no", 70),
        // Small numbers are quantities sooner than articles.
        Level::Line | Level::Both if is_small(known) => ("article_no", 50),
        Level::Line | Level::Both => ("article_no", 59),
        // Behind the order's own number stands who orders, sooner than anything else.
        Level::Head if order && is_second(columns, at, &code) => ("customer_no", 52),
        Level::Head if order => ("reference", 50),
        Level::Head => return,
    };
    offers.extend(offer(kind, known, concept, sure));
}

fn is_second(columns: &[Known<'_>], at: usize, is: &dyn Fn(&Content) -> bool) -> bool {
    // Records that say more of an order, or close it, have other numbers there.
    let opens = columns.iter().find(|other| other.level == Level::Head).map(|other| other.sheet);
    if opens != Some(columns[at].sheet) {
        return false;
    }
    let mut all =
        (0..columns.len()).filter(|other| columns[*other].sheet == columns[at].sheet && is(&columns[*other].content));
    all.nth(1) == Some(at)
}

/// Does a column change only where the count begins anew, and (true) wherever it does?
fn runs_with(own: &[String], count: &[String]) -> Option<bool> {
    let begins = |at: usize| count[at] <= count[at - 1];
    let within = (1..own.len()).all(|at| own[at] == own[at - 1] || begins(at));
    let changes = (1..own.len()).any(|at| own[at] != own[at - 1]);
    (within && changes).then(|| (1..own.len()).all(|at| !begins(at) || own[at] != own[at - 1]))
}

/// The column of the same rows that counts the lines of each message.
fn counter_of<'k, 'c>(columns: &'k [Known<'c>], known: &Known<'_>) -> Option<&'k Known<'c>> {
    if known.level != Level::Both {
        return None;
    }
    let counter =
        columns.iter().filter(|other| other.sheet == known.sheet && other.column.label.is_empty()).find(|other| {
            let values: Vec<&str> = other.column.values.iter().map(String::as_str).collect();
            matches!(other.content, Content::Integer | Content::Padded) && values.len() > 2 && counts(&values)
        });
    counter.filter(|counter| counter.column.place != known.column.place)
}

fn is_small(known: &Known<'_>) -> bool {
    known.content == Content::Integer && known.column.values.iter().all(|value| value.len() <= 3)
}

fn texts(kind: &Kind, columns: &[Known<'_>], at: usize, offers: &mut Offers) {
    let known = &columns[at];
    let is_text = |c: &Content| *c == Content::Text;
    words(kind, columns, at, offers);
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
        Level::Head if kind.name == "article" && is_first(columns, at, &is_text) => ("description", 58),
        Level::Head if last && kind.name == "order" => ("note", 50),
        Level::Head | Level::Around => return,
    };
    offers.extend(offer(kind, known, concept, sure));
}

/// Single words of a line: how it is counted, behind how many; what it is, before how many or what it costs.
fn words(kind: &Kind, columns: &[Known<'_>], at: usize, offers: &mut Offers) {
    let known = &columns[at];
    if known.content != Content::Word || !matches!(known.level, Level::Line | Level::Both) || kind.name == "customer" {
        return;
    }
    let number = |at: usize| {
        columns.get(at).is_some_and(|c| {
            c.sheet == known.sheet && matches!(c.content, Content::Integer | Content::Decimal { .. } | Content::Padded)
        })
    };
    let short = known.column.values.iter().all(|value| value.chars().count() <= 6);
    let behind = at.checked_sub(1).is_some_and(number);
    let (concept, sure) = match (short, behind) {
        (true, true) => ("unit", 52),
        (false, _) if number(at + 1) => ("description", 50),
        _ => return,
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
