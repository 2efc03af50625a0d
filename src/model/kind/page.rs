//! docs/kinds.md: what the messages consist of, for people, generated from the kinds.

use std::fmt::Write;

use super::{Class, Field, FieldType, Kind, Kinds};

/// The whole page.
pub fn page(kinds: &Kinds) -> String {
    let mut out = String::from(
        "# Kinds of message\n\n\
        <!-- Generated from schemas/kinds; edit those, then run the tests with NATTPOST_BLESS=1. -->\n\n\
        Every message that comes or goes is of one of these kinds. Field names are the same everywhere: in layouts, in\n\
        Nattpost's own XML and CSV, in JSON lines, in the store's columns (scaled numbers carry their scale there: `qty_e6`).\n\n\
        - **Own XML** (layout `nattpost-<kind>-xml` with dashes for `_`, schema in schemas/xsd): a root element with `version`, one element a\n  message, fields as elements in any order, repeated parts inside an element of the group's name.\n\
        - **Own CSV** (layout `nattpost-<kind>-csv`, columns in schemas/columns): `nattpost;<kind>;<version>`, then a row\n  `!<record type>;<column>;…` for each record type that follows, then the records, parents before their children.\n  Every row ends with a line end, the last one too: a file without it is not complete (`file-truncated`).\n\
        - **JSON lines** (`decode`, `encode`): one object a message, decimals as strings.\n\n\
        **Identifiers** (order, customer and article numbers, EANs, warehouses, price lists: the types *identifier*, *customer number*,\n\
        *article number* and *order number*) tell one thing from another, so that two writings of one number must not become two\n\
        orders. The same rule holds in every syntax and layout, whatever the layout says of blanks:\n\n\
        - White space at the ends does not belong to it: blanks, tabs, line breaks, no-break spaces and the other spaces of Unicode are\n  taken off before it is stored, compared and counted.\n\
        - Inside, a blank is part of it. Every other white space, control characters (NUL, tab, line breaks) and characters that nobody\n  sees (zero-width, bidirectional marks, soft hyphens, byte order marks) refuse the message with `identifier-invalid`.\n\
        - Letters are stored composed (Unicode NFC), so that an `é` is the same whether it was sent as one character or as two.\n\
        - Nothing else is changed: `po-1` and `PO-1`, `007` and `7`, `A 1` and `A  1` are different.\n\n\
        Other texts are stored as they were sent.\n\n\
        An element or column that is not there leaves a value as it is; one that is there and empty clears it.\n\
        *only written* marks what we set ourselves and never read from a partner's file, *personal* marks personal data.\n",
    );
    for kind in kinds.iter() {
        write_kind(kind, &mut out);
    }
    out
}

fn write_kind(kind: &Kind, out: &mut String) {
    let class = match kind.class {
        Class::Request => "a request: asks for something once",
        Class::Record => "a record: the newest wins by key",
        Class::Fact => "a fact: ordered in time, an older one never replaces a newer",
        Class::Question => "a question: answered by a file, changes nothing, may be asked again",
        Class::Removal => "a removal: closes rows of other kinds",
        Class::Answer => "an answer: only written",
    };
    let _ =
        write!(out, "\n## `{}`: {}\n\n{}\n\nVersion {}; {class}.\n", kind.name, kind.title, kind.about, kind.version);
    for (index, group) in kind.groups.iter().enumerate() {
        let place = match index {
            0 => format!("`<{}>` in `<{}>`", group.element, kind.root_element()),
            _ => format!("`<{}>` in `<{}>` of `<{}>`", group.element, group.name, kind.groups[group.parent].element),
        };
        let title = if index == 0 { String::new() } else { format!("\n### `{}`: {}\n", group.name, group.title) };
        let least = if group.required { ", at least one" } else { "" };
        let key: Vec<&str> = group.key.iter().map(|f| group.fields[*f].name.as_str()).collect();
        let key = if key.is_empty() { String::new() } else { format!("; key: {}", key.join(", ")) };
        let _ = write!(out, "{title}\nXML: {place}{least}; CSV record type `{}`{key}.\n\n", kind.record_type(index));
        out.push_str("| field | type | meaning |\n| --- | --- | --- |\n");
        for field in kind.own_columns(index) {
            let _ = writeln!(out, "| `{}` | {} | {} |", field.name, describe(&field), field.about.replace('|', "\\|"));
        }
    }
}

fn describe(field: &Field) -> String {
    let base = match &field.field_type {
        FieldType::Text(max) => format!("text, at most {max}"),
        FieldType::Identifier(max) => format!("identifier, at most {max}"),
        FieldType::Customer(max) => format!("customer number, at most {max}"),
        FieldType::Article(max) => format!("article number, at most {max}"),
        FieldType::Order(max) => format!("order number, at most {max}"),
        FieldType::Integer => "whole number".into(),
        FieldType::Quantity => "quantity, at most 6 digits after the point".into(),
        FieldType::Price | FieldType::Money => "amount, at most 6 digits after the point".into(),
        FieldType::Percent => "per cent, at most 4 digits after the point".into(),
        FieldType::Boolean => "true or false".into(),
        FieldType::Date => "date, 2026-11-30".into(),
        FieldType::Time => "time, 14:05:00".into(),
        FieldType::Instant => "instant, 2026-11-30T14:05:00Z".into(),
        FieldType::Currency => "currency, EUR".into(),
        FieldType::Country => "country, DE".into(),
        FieldType::Unit => "unit, PCE".into(),
        FieldType::Choice(words) => format!("one of {}", words.join(", ")),
    };
    let marks = [(field.required, "required"), (field.ours, "only written"), (field.personal, "personal")];
    let marks: String = marks.iter().filter(|(set, _)| *set).map(|(_, word)| format!(", *{word}*")).collect();
    format!("{base}{marks}")
}
