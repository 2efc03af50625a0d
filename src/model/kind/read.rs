//! Reads kind files. The shipped ones are compiled in; a broken one cannot ship, since a test reads them all.

use std::sync::{Arc, LazyLock};

use super::{Class, Field, FieldType, Group, Kind, Kinds};
use crate::model::document::{Document, DocumentProblem, Section, Spot, suggest};

const SHIPPED: [(&str, &str); 20] = [
    ("answer.toml", include_str!("../../../schemas/kinds/answer.toml")),
    ("article.toml", include_str!("../../../schemas/kinds/article.toml")),
    ("article_reference.toml", include_str!("../../../schemas/kinds/article_reference.toml")),
    ("base_data.toml", include_str!("../../../schemas/kinds/base_data.toml")),
    ("contact.toml", include_str!("../../../schemas/kinds/contact.toml")),
    ("customer.toml", include_str!("../../../schemas/kinds/customer.toml")),
    ("deletion.toml", include_str!("../../../schemas/kinds/deletion.toml")),
    ("discount.toml", include_str!("../../../schemas/kinds/discount.toml")),
    ("document.toml", include_str!("../../../schemas/kinds/document.toml")),
    ("order.toml", include_str!("../../../schemas/kinds/order.toml")),
    ("order_change.toml", include_str!("../../../schemas/kinds/order_change.toml")),
    ("order_status.toml", include_str!("../../../schemas/kinds/order_status.toml")),
    ("price.toml", include_str!("../../../schemas/kinds/price.toml")),
    ("question.toml", include_str!("../../../schemas/kinds/question.toml")),
    ("quote.toml", include_str!("../../../schemas/kinds/quote.toml")),
    ("receipt.toml", include_str!("../../../schemas/kinds/receipt.toml")),
    ("registration.toml", include_str!("../../../schemas/kinds/registration.toml")),
    ("registration_answer.toml", include_str!("../../../schemas/kinds/registration_answer.toml")),
    ("set_article.toml", include_str!("../../../schemas/kinds/set_article.toml")),
    ("stock.toml", include_str!("../../../schemas/kinds/stock.toml")),
];

/// The kinds this build ships. Constant data, read once.
pub fn shipped_kinds() -> &'static Kinds {
    static KINDS: LazyLock<Kinds> = LazyLock::new(|| {
        Kinds(
            SHIPPED
                .iter()
                .map(|(file, text)| Arc::new(read_kind(file, text).expect("a test reads every shipped kind")))
                .collect(),
        )
    });
    &KINDS
}

const TYPES: [&str; 18] = [
    "text",
    "identifier",
    "customer",
    "article",
    "order",
    "integer",
    "quantity",
    "price",
    "money",
    "percent",
    "boolean",
    "date",
    "time",
    "instant",
    "currency",
    "country",
    "unit",
    "choice",
];

pub fn read_kind(file: &str, text: &str) -> Result<Kind, Vec<DocumentProblem>> {
    let document = Document::parse(file, text);
    let kind = read_root(&document.root());
    let problems = document.into_problems();
    if problems.is_empty() { Ok(kind) } else { Err(problems) }
}

fn read_root(root: &Section<'_>) -> Kind {
    let name = root.required_text("kind");
    let class = root.choice(
        "class",
        &[
            ("request", Class::Request),
            ("record", Class::Record),
            ("fact", Class::Fact),
            ("question", Class::Question),
            ("removal", Class::Removal),
            ("answer", Class::Answer),
        ],
    );
    let mut groups = vec![read_group(root, String::new(), 0)];
    for section in root.sections("group") {
        let group_name = section.required_text("name");
        let parent = section.text_spot("parent").map_or(0, |spot| find_parent(&section, &groups, &spot));
        let group = read_group(&section, group_name, parent);
        groups.push(group);
    }
    Kind {
        name,
        version: root.integer("version").and_then(|v| u32::try_from(v).ok()).unwrap_or(1),
        class: class.unwrap_or(Class::Record),
        title: groups[0].title.clone(),
        about: root.required_text("about"),
        tells_change: root.boolean("change").unwrap_or(false),
        groups,
    }
}

fn find_parent(section: &Section<'_>, groups: &[Group], spot: &Spot<String>) -> usize {
    groups.iter().position(|g| !g.name.is_empty() && g.name == spot.value).unwrap_or_else(|| {
        section.problem("parent", format!("there is no group \"{}\" above this one.", spot.value));
        0
    })
}

fn read_group(section: &Section<'_>, name: String, parent: usize) -> Group {
    let mut fields: Vec<Field> = Vec::new();
    for row in section.rows("fields").unwrap_or_default() {
        match &row.value[..] {
            [name, type_text, about] => fields.push(read_field(section, name, type_text, about)),
            _ => section.problem_at(row.span, "fields", "a row is [\"name\", \"type options\", \"meaning\"].", None),
        }
    }
    let mut key = Vec::new();
    for spot in section.texts("key").unwrap_or_default() {
        match fields.iter().position(|f| f.name == spot.value) {
            Some(index) => key.push(index),
            None => section.problem_at(spot.span, "key", format!("there is no field \"{}\".", spot.value), None),
        }
    }
    Group {
        name,
        element: section.required_text("element"),
        title: section.required_text("title"),
        parent,
        table: section.required_text("table"),
        key,
        required: section.boolean("required").unwrap_or(false),
        fields,
    }
}

fn read_field(section: &Section<'_>, name: &Spot<String>, form: &Spot<String>, about: &Spot<String>) -> Field {
    let mut words = form.value.split_whitespace().peekable();
    let type_name = words.next().unwrap_or_default();
    let mut length = || words.next_if(|w| w.bytes().all(|b| b.is_ascii_digit())).and_then(|w| w.parse().ok());
    let field_type = match type_name {
        "text" => FieldType::Text(length().unwrap_or(200)),
        "identifier" => FieldType::Identifier(length().unwrap_or(40)),
        "customer" => FieldType::Customer(length().unwrap_or(40)),
        "article" => FieldType::Article(length().unwrap_or(60)),
        "order" => FieldType::Order(length().unwrap_or(60)),
        "integer" => FieldType::Integer,
        "quantity" => FieldType::Quantity,
        "price" => FieldType::Price,
        "money" => FieldType::Money,
        "percent" => FieldType::Percent,
        "boolean" => FieldType::Boolean,
        "date" => FieldType::Date,
        "time" => FieldType::Time,
        "instant" => FieldType::Instant,
        "currency" => FieldType::Currency,
        "country" => FieldType::Country,
        "unit" => FieldType::Unit,
        "choice" => FieldType::Choice(words.next().unwrap_or_default().split('|').map(str::to_string).collect()),
        other => {
            section.problem_at(
                form.span.clone(),
                "fields",
                format!("\"{other}\" is not a type; expected one of: {}.", TYPES.join(", ")),
                suggest(other, &TYPES),
            );
            FieldType::Text(200)
        }
    };
    let mut field = Field {
        name: name.value.clone(),
        field_type,
        required: false,
        ours: false,
        personal: false,
        about: about.value.clone(),
    };
    for word in words {
        match word {
            "required" => field.required = true,
            "ours" => field.ours = true,
            "personal" => field.personal = true,
            other => section.problem_at(
                form.span.clone(),
                "fields",
                format!("\"{other}\" is not an option; expected required, ours or personal."),
                None,
            ),
        }
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_kind_reads_without_a_problem() {
        for (file, text) in SHIPPED {
            let kind = read_kind(file, text).unwrap_or_else(|problems| panic!("{problems:#?}"));
            assert_eq!(format!("{}.toml", kind.name), file);
            assert!(!kind.head().key.is_empty());
        }
        let order = shipped_kinds().get("order").unwrap();
        let (group, field) = order.path("lines.qty").unwrap();
        assert_eq!(order.groups[group].fields[field].column(), "qty_e6");
        assert_eq!(order.groups[order.group("line_charges").unwrap()].parent, order.group("lines").unwrap());
    }

    #[test]
    fn a_broken_kind_is_explained() {
        let text = "kind = \"x\"\nclass = \"fakt\"\ntitle=\"\"\nelement=\"\"\ntable=\"\"\nabout=\"\"\nkey=[\"b\"]\nfields = [[\"a\", \"txt\", \"\"]]\n";
        let problems = read_kind("x.toml", text).unwrap_err();
        let words: Vec<String> = problems.iter().map(|p| p.to_string()).collect();
        assert!(words[0].contains("line 2") && words[0].contains("Did you mean \"fact\"?"), "{words:?}");
        assert!(words.iter().any(|w| w.contains("no field \"b\"")), "{words:?}");
        assert!(words.iter().any(|w| w.contains("\"txt\" is not a type")), "{words:?}");
    }
}
