//! Which column is which field of a kind: by its name, by what its values are, by where it stands among others.

use super::content::{Content, content};
use super::cut::Column;
use super::names::{self, Meaning, Whose};
use super::{address, values};
use crate::model::kind::{Field, FieldType, Kind};

/// Below it a guess is worth less than none.
pub const LEAST: u32 = 45;

/// Where a sheet's rows stand in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Head,
    /// Of a record of the file or of an interchange.
    Around,
    Line,
    /// Head and line on one row.
    Both,
}

/// What is known of a column before it is given a field.
#[derive(Debug, Clone)]
pub struct Known<'c> {
    pub column: &'c Column,
    pub content: Content,
    pub meanings: Vec<Meaning>,
    pub level: Level,
    /// Of the sheet, where its rows are of one party.
    pub whose: Whose,
    pub sheet: usize,
}

/// A column with its field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// A path of the kind; empty where nothing is known.
    pub ours: String,
    pub sure: u32,
    /// By its name, its values, its place.
    pub why: &'static str,
}

/// Concepts and fields that have other names, by kind; all else is called as the concept is.
const CALLED: [(&str, &str, &str); 41] = [
    ("order", "order_no", "buyer_order_no"),
    ("order", "contact", "contact_name"),
    ("order", "ship_method", "delivery_method"),
    ("order", "line_ref", "lines.partner_line_ref"),
    ("order", "discount", "lines.discount_pct"),
    ("order", "tax", "lines.tax_pct"),
    ("order", "service", "delivery_method"),
    ("order", "net_price", "lines.net_price"),
    ("order_status", "order_no", "buyer_order_no"),
    ("order_status", "internal_order_no", "order_no"),
    ("order_status", "carrier", "despatches.carrier"),
    ("order_status", "service", "despatches.service"),
    ("order_status", "ship_method", "despatches.service"),
    ("order_status", "shipped_at", "despatches.shipped_at"),
    ("order_status", "delivery_note_no", "despatches.delivery_note_no"),
    ("order_status", "tracking_no", "trackings.tracking_no"),
    ("order_status", "tracking_url", "trackings.tracking_url"),
    ("order_status", "qty", "despatch_lines.qty"),
    ("order_status", "article_no", "despatch_lines.article_no"),
    ("order_status", "line_no", "despatch_lines.line_no"),
    ("order_status", "weight", "trackings.weight_kg"),
    ("order_status", "requested_date", "promised_date"),
    ("order_status", "expected_date", "promised_date"),
    ("stock", "location", "warehouse"),
    ("price", "net_price", "price"),
    ("price", "gross_price", "price"),
    ("price", "unit", "price_unit"),
    ("price", "customer_group", "price_list"),
    ("price", "discount", "discount_pct"),
    ("price", "tax", "tax_pct"),
    ("price", "order_date", "valid_from"),
    ("price", "warehouse", "price_list"),
    ("price", "requested_date", "valid_from"),
    ("customer", "contact", "contact_name"),
    ("customer", "ship_method", "delivery_method"),
    ("customer", "order_type", "customer_group"),
    ("customer", "address_role", "addresses.role"),
    ("article", "description", "name"),
    ("article", "warehouse", "article_group"),
    ("article", "weight", "weight_kg"),
    ("article", "tax", "vat_code"),
];
/// What is called only so is the number of what it stands in.
const PLAIN: [&str; 8] = ["id", "no", "nr", "number", "num", "key", "code", "ref"];
/// Parts of an address or a person, which every party has.
const OF_PARTY: [&str; 14] = [
    "name", "name2", "contact", "gln", "street", "house_no", "street2", "zip", "city", "state", "country", "phone",
    "email", "mobile",
];

/// The field that a concept is, of whom.
pub fn field_of(kind: &Kind, concept: &str, whose: Whose) -> Option<String> {
    let has = |path: &str| kind.path(path).is_some().then(|| path.to_string());
    if kind.name == "order" && OF_PARTY.contains(&concept) {
        let whose = match whose {
            Whose::Invoice => "invoice",
            Whose::Delivery | Whose::Nobody => "delivery",
            Whose::Buyer => return None,
        };
        return has(&format!("{whose}_{concept}"));
    }
    if matches!(whose, Whose::Delivery | Whose::Invoice) && concept == "customer_no" {
        return None;
    }
    let called = CALLED.iter().find(|(of, name, _)| *of == kind.name && *name == concept).map(|(.., path)| *path);
    called.and_then(has).or_else(|| has(concept)).or_else(|| has(&format!("lines.{concept}")))
}

fn is_line(path: &str) -> bool {
    path.contains('.')
}

/// Gives every column at most one field, and every field of a sheet to one column: the surest first.
pub fn give(kind: &Kind, columns: &[Known<'_>]) -> Vec<Given> {
    let mut offers: Vec<(u32, usize, String, &'static str)> = Vec::new();
    for (at, known) in columns.iter().enumerate() {
        offers.extend(by_name(kind, known).into_iter().map(|(path, sure)| (sure, at, path, "its name")));
        offers.extend(values::offers(kind, columns, at).into_iter().map(|(path, sure)| (sure, at, path, "its values")));
    }
    for (at, concept, whose, sure) in address::offers(columns) {
        if let Some(path) = field_of(kind, concept, whose) {
            offers.push((sure, at, path, "its place beside a country"));
        }
    }
    // A head beside lines of its own says nothing of a line.
    let lines = columns.iter().any(|known| known.level == Level::Line);
    offers.retain(|(_, at, path, _)| match columns[*at].level {
        Level::Head => !(lines && path.starts_with("lines.")),
        Level::Around => !path.starts_with("lines."),
        _ => true,
    });
    offers.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let none = Given { ours: String::new(), sure: 0, why: "" };
    let mut given = vec![none; columns.len()];
    let mut taken: Vec<(usize, String)> = Vec::new();
    for (sure, at, path, why) in offers.into_iter().filter(|(sure, ..)| *sure >= LEAST) {
        // What ties a line to its head stands in both.
        let key = kind.head().key.iter().any(|key| kind.head().fields[*key].name == path);
        let sheet = if key { columns[at].sheet } else { 0 };
        if !given[at].ours.is_empty() || taken.contains(&(sheet, path.clone())) {
            continue;
        }
        taken.push((sheet, path.clone()));
        given[at] = Given { ours: path, sure, why };
    }
    plain_ids(kind, columns, &mut given);
    code_of_article(kind, columns, &mut given);
    given
}

/// What is called only `id` or `no` is the number of what it stands in, where nothing else is.
fn plain_ids(kind: &Kind, columns: &[Known<'_>], given: &mut [Given]) {
    let head = kind.head();
    let key = head.key.iter().map(|at| &head.fields[*at]).find(|field| field.required).map(|field| field.name.clone());
    let article = kind.path("lines.article_no").map(|_| "lines.article_no".to_string());
    for (level, path) in [(Level::Head, key), (Level::Line, article)] {
        let Some(path) = path.filter(|path| !given.iter().any(|given| given.ours == *path)) else { continue };
        let is_plain = |at: &usize| {
            let (known, label) = (&columns[*at], names::fold(&columns[*at].column.label));
            let own = known.column.place.trim_start_matches('@');
            known.level == level && given[*at].ours.is_empty() && PLAIN.contains(&label.as_str()) && !own.contains('/')
        };
        let found: Vec<usize> = (0..columns.len()).filter(is_plain).collect();
        // A code is what people order by; an id what programs know it by.
        let best = found.iter().find(|at| names::fold(&columns[**at].column.label) == "code").or(found.first());
        if let Some(at) = best {
            given[*at] = Given { ours: path, sure: 55, why: "it is a number, and nothing else is that one" };
        }
    }
}

/// Where the messages are of articles and nothing is called an article: the first code that is another in every row.
fn code_of_article(kind: &Kind, columns: &[Known<'_>], given: &mut [Given]) {
    let head = kind.head();
    let of_article = head.field("article_no").is_some_and(|at| head.fields[at].required);
    if !of_article || given.iter().any(|given| given.ours == "article_no") {
        return;
    }
    let fits = |at: &usize| {
        let known = &columns[*at];
        let mut values: Vec<&String> = known.column.values.iter().filter(|value| !value.is_empty()).collect();
        let many = values.len();
        values.sort_unstable();
        values.dedup();
        let label = names::fold(&known.column.label);
        let called = label.rsplit(' ').next().is_some_and(|last| PLAIN.contains(&last));
        given[*at].ours.is_empty() && known.content == Content::Code && called && many == values.len() && many > 1
    };
    if let Some(at) = (0..columns.len()).find(fits) {
        given[at] = Given { ours: "article_no".to_string(), sure: 50, why: "a code that is another in every row" };
    }
}

fn by_name(kind: &Kind, known: &Known<'_>) -> Vec<(String, u32)> {
    if known.column.label.is_empty() {
        return Vec::new();
    }
    let mut offers = Vec::new();
    let best = known.meanings.first().map_or(0, |meaning| meaning.sure);
    // A name that says something no field is for is not something else.
    for meaning in known.meanings.iter().take(6).filter(|meaning| meaning.sure + 15 >= best) {
        let whose = if meaning.whose == Whose::Nobody { known.whose } else { meaning.whose };
        // A line has no name but that of its article.
        let concept =
            if known.level == Level::Line && meaning.concept == "name" { "description" } else { meaning.concept };
        offers.extend(offer(kind, known, concept, whose, meaning.sure));
        if concept == "net_price" && kind.name == "order" {
            offers.extend(offer(kind, known, "gross_price", whose, meaning.sure.saturating_sub(25)));
        }
    }
    offers
}

fn offer(kind: &Kind, known: &Known<'_>, concept: &str, whose: Whose, sure: u32) -> Option<(String, u32)> {
    let path = field_of(kind, concept, whose)?;
    let fit = fit(field_at(kind, &path)?, &known.content)?;
    // Beside a number an id is what programs know it by.
    let is_id = ["order_no", "customer_no"].contains(&concept) && names::fold(&known.column.label).ends_with(" id");
    let level = match known.level {
        Level::Head if is_line(&path) && kind.name == "order" => 25,
        Level::Line if !is_line(&path) && concept != "order_no" => 25,
        _ => 0,
    };
    // Who names nobody may mean anybody.
    let nobody = if OF_PARTY.contains(&concept) && kind.name == "order" && whose == Whose::Nobody { 8 } else { 0 };
    Some((path, (sure + fit).saturating_sub(level + nobody + 5 + if is_id { 3 } else { 0 }).min(98)))
}

pub fn field_at<'k>(kind: &'k Kind, path: &str) -> Option<&'k Field> {
    kind.path(path).map(|(group, field)| &kind.groups[group].fields[field])
}

/// Whether values can be of a field: none where they cannot, else what speaks for it.
fn fit(field: &Field, content: &Content) -> Option<u32> {
    use Content as C;
    let number = matches!(content, C::Integer | C::Decimal { .. } | C::Padded | C::Empty | C::Ean | C::Phone);
    match &field.field_type {
        FieldType::Date => matches!(content, C::Date(_) | C::Instant(_) | C::Empty).then_some(8),
        FieldType::Instant => matches!(content, C::Date(_) | C::Instant(_) | C::Empty).then_some(8),
        FieldType::Time => matches!(content, C::Time(_) | C::Instant(_) | C::Empty).then_some(8),
        FieldType::Quantity | FieldType::Price | FieldType::Money | FieldType::Percent => number.then_some(4),
        FieldType::Integer => matches!(content, C::Integer | C::Padded | C::Empty).then_some(4),
        FieldType::Boolean => matches!(content, C::Flag { .. } | C::Integer | C::Empty).then_some(4),
        FieldType::Currency => matches!(content, C::Currency | C::Empty).then_some(8),
        FieldType::Country => Some(if *content == C::Country { 8 } else { 0 }),
        FieldType::Choice(_) => matches!(content, C::Word | C::Code | C::Text | C::Empty | C::Integer).then_some(0),
        // A text that is a day is called as its field is.
        _ if matches!(content, C::Date(_) | C::Instant(_)) => Some(0),
        // Nobody is called 1.
        _ if ["name", "street", "city", "contact", "description"].iter().any(|end| field.name.ends_with(end)) => {
            (!matches!(content, C::Integer | C::Decimal { .. } | C::Flag { .. } | C::Padded)).then_some(4)
        }
        _ if field.name.ends_with("email") => matches!(content, C::Email | C::Empty).then_some(8),
        _ if field.name == "ean" => matches!(content, C::Ean | C::Empty | C::Integer | C::Isbn).then_some(5),
        _ => Some(4),
    }
}

pub fn known<'c>(column: &'c Column, level: Level, whose: Whose, sheet: usize) -> Known<'c> {
    let plain = PLAIN.contains(&names::fold(&column.label).as_str()) && column.place.contains('/');
    let meanings = match column.around.last() {
        _ if column.label.is_empty() || column.is_label => Vec::new(),
        // The id of what it stands in.
        Some(outer) if plain => names::meanings(&format!("{outer} {}", column.label), &column.around),
        _ => names::meanings(&column.label, &column.around),
    };
    let content = if column.is_label { Content::Empty } else { content(&column.bare()) };
    Known { column, content, meanings, level, whose, sheet }
}
