//! The column specification of Nattpost's own CSV of a kind, as published in schemas/columns: a Frictionless data package,
//! one table a record type, so that partners' tools can read and check it.

use serde_json::{Map, Value, json};

use super::{Field, FieldType, Kind};

/// The whole document, indented.
pub fn columns(kind: &Kind) -> String {
    let tables: Vec<Value> = (0..kind.groups.len()).map(|group| table(kind, group)).collect();
    let package = json!({
        "profile": "data-package",
        "name": format!("nattpost-{}", kind.name),
        "version": kind.version.to_string(),
        "title": kind.title,
        "description": kind.about,
        "resources": tables,
    });
    format!("{package:#}\n")
}

fn table(kind: &Kind, index: usize) -> Value {
    let group = &kind.groups[index];
    let fields: Vec<Value> =
        kind.own_columns(index).map(|f| field(&f, kind.lacks_when_deleted(index, &f.name))).collect();
    let mut schema = json!({ "fields": fields, "missingValues": [""] });
    if !group.key.is_empty() {
        schema["primaryKey"] = group.key.iter().map(|f| group.fields[*f].name.as_str()).collect();
    }
    let mut table = json!({ "name": kind.record_type(index), "title": group.title });
    if index > 0 {
        // Rows belong to the row of this type before them, not to a key of their own.
        table["repeatsIn"] = kind.record_type(group.parent).into();
        table["required"] = group.required.into();
    }
    table["schema"] = schema;
    table
}

/// `lacks`: it is not there in a row that is told to be gone.
fn field(field: &Field, lacks: bool) -> Value {
    let mut constraints = Map::new();
    if field.required && !lacks {
        constraints.insert("required".into(), true.into());
    }
    let mut limit = |name: &str, value: Value| constraints.insert(name.into(), value);
    let (type_name, format) = match &field.field_type {
        FieldType::Text(max)
        | FieldType::Identifier(max)
        | FieldType::Customer(max)
        | FieldType::Article(max)
        | FieldType::Order(max) => {
            limit("maxLength", (*max).into());
            ("string", None)
        }
        FieldType::Integer => ("integer", None),
        FieldType::Quantity | FieldType::Price | FieldType::Money => {
            ("number", Some("at most 6 digits after the point"))
        }
        FieldType::Percent => ("number", Some("at most 4 digits after the point; 19 is 19 %")),
        FieldType::Boolean => ("boolean", None),
        FieldType::Date => ("date", Some("%Y-%m-%d")),
        FieldType::Time => ("time", Some("%H:%M:%S")),
        FieldType::Instant => ("datetime", Some("%Y-%m-%dT%H:%M:%SZ")),
        FieldType::Currency => {
            limit("pattern", "[A-Z]{3}".into());
            ("string", None)
        }
        FieldType::Country => {
            limit("pattern", "[A-Z]{2}".into());
            ("string", None)
        }
        FieldType::Unit => ("string", Some("UN/ECE Recommendation 20 code, or a word agreed with the partner")),
        FieldType::Choice(words) => {
            limit("enum", words.clone().into());
            ("string", None)
        }
    };
    let mut value = json!({ "name": field.name, "type": type_name });
    if let Some(format) = format {
        value["format"] = format.into();
    }
    value["description"] = field.about.as_str().into();
    for (name, set) in [("onlyWritten", field.ours), ("personal", field.personal), ("requiredUnlessDeleted", lacks)] {
        if set {
            value[name] = true.into();
        }
    }
    if !constraints.is_empty() {
        value["constraints"] = constraints.into();
    }
    value
}
