//! What tables, views and columns are in words: of the kinds where a kind has them, else of schemas/tables.toml.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use nattpost::edges::store::business::KindTables;
use nattpost::model::kind::{Field, FieldType, Group, Kind, shipped_kinds};
use toml::de::{DeTable, DeValue};

pub struct Words {
    /// `column`, `view_column`, `table.file`, `view.v_order` → word → what it says.
    written: BTreeMap<String, BTreeMap<String, String>>,
    /// Table of a kind → the kind and the group that stands in it.
    groups: BTreeMap<String, (Arc<Kind>, Group)>,
    /// Sections and words of them that were asked for: what is left says nothing about anything.
    used: BTreeSet<(String, String)>,
    missing: Vec<String>,
}

fn texts(table: &DeTable) -> BTreeMap<String, String> {
    let text = |value: &DeValue| value.as_str().expect("every word of it is a text").to_string();
    table.iter().map(|(name, value)| (name.get_ref().to_string(), text(value.get_ref()))).collect()
}

fn written() -> BTreeMap<String, BTreeMap<String, String>> {
    let source = fs::read_to_string(super::root().join("schemas/tables.toml")).unwrap();
    let read = DeTable::parse(&source).unwrap();
    let mut sections = BTreeMap::new();
    for (of, value) in read.get_ref() {
        let section = value.get_ref().as_table().expect("tables alone");
        if ["column", "view_column"].contains(&of.get_ref().as_ref()) {
            sections.insert(of.get_ref().to_string(), texts(section));
            continue;
        }
        for (name, words) in section {
            let words = words.get_ref().as_table().expect("tables in tables");
            sections.insert(format!("{}.{}", of.get_ref(), name.get_ref()), texts(words));
        }
    }
    sections
}

fn of_field(group: &Group, column: &str) -> Option<String> {
    let bare = column.strip_suffix("_e6").or(column.strip_suffix("_e4")).unwrap_or(column);
    let about = |f: &Field| f.about.clone();
    if let Some(field) = group.fields.iter().find(|f| f.column() == column || f.name == bare) {
        return Some(about(field));
    }
    let field = group.fields.iter().find(|f| f.sent_column().as_deref() == Some(column))?;
    Some(format!("{}, as it was sent", about(field)))
}

impl Words {
    pub fn read() -> Words {
        let mut groups = BTreeMap::new();
        for kind in shipped_kinds().iter().filter(|kind| KindTables::of(kind).is_some()) {
            for group in &kind.groups {
                groups.insert(group.table.clone(), (Arc::clone(kind), group.clone()));
            }
            groups.insert(format!("{}_extra", kind.name), (Arc::clone(kind), kind.head().clone()));
        }
        for table in ["stock", "price", "order_status"] {
            groups.insert(format!("{table}_history"), groups[table].clone());
        }
        Words { written: written(), groups, used: BTreeSet::new(), missing: Vec::new() }
    }

    pub fn is_business(&self, table: &str) -> bool {
        self.groups.contains_key(table) || self.text("table", table, "business").is_some()
    }

    fn text(&self, of: &str, name: &str, word: &str) -> Option<String> {
        self.written.get(&format!("{of}.{name}"))?.get(word).cloned()
    }

    fn find(&mut self, of: &str, name: &str, word: &str) -> Option<String> {
        let found = self.text(of, name, word)?;
        self.used.insert((format!("{of}.{name}"), word.to_string()));
        Some(found)
    }

    fn common(&self, of: &str, column: &str) -> Option<String> {
        self.written[of].get(column).cloned()
    }

    pub fn table(&mut self, table: &str) -> String {
        self.find("table", table, "business");
        if let Some(is) = self.find("table", table, "is") {
            return is;
        }
        let (kind, group) =
            self.groups.get(table).unwrap_or_else(|| panic!("schemas/tables.toml has no [table.{table}]"));
        match table.strip_suffix("_extra") {
            Some(_) => format!("Partners' own fields of the kind `{}`.", kind.name),
            None if group.name.is_empty() => format!("{} (kind `{}`)", kind.about, kind.name),
            None => format!("{}: `{}` of the kind `{}`.", group.title, group.name, kind.name),
        }
    }

    pub fn column(&mut self, table: &str, column: &str) -> String {
        let own = self.find("table", table, column);
        let extra = table.ends_with("_extra").then_some(column).and_then(|column| match column {
            "name" => Some("name of the field, as its layout calls it".to_string()),
            "value" => Some("its value, as it was sent".to_string()),
            "part" => Some("the group that it stands in; empty for the head".to_string()),
            "pos" => Some("place of the node that it stands in".to_string()),
            _ => None,
        });
        own.or(extra)
            .or_else(|| of_field(&self.groups.get(table)?.1, column))
            .or_else(|| self.common("column", column))
            .unwrap_or_else(|| self.lacks(format!("{table}.{column}")))
    }

    /// What it is, a question that it answers, and how it is asked.
    pub fn view(&mut self, view: &str) -> (String, String, String) {
        let [is, question, example] = ["is", "question", "example"].map(|word| {
            self.find("view", view, word).unwrap_or_else(|| panic!("schemas/tables.toml: [view.{view}] lacks `{word}`"))
        });
        (is, question, example)
    }

    pub fn view_column(&mut self, view: &str, column: &str) -> String {
        let tables = self.find("view", view, "tables").unwrap_or_else(|| view.trim_start_matches("v_").to_string());
        let own = self.find("view", view, column);
        let mut of_tables = None;
        for table in tables.split(' ') {
            let of_kind = self.groups.get(table).and_then(|(_, group)| of_field(group, column));
            let found = of_kind.or_else(|| self.text("table", table, column));
            of_tables = of_tables.or(found);
        }
        own.or(of_tables)
            .or_else(|| self.common("view_column", column))
            .or_else(|| self.common("column", column))
            .unwrap_or_else(|| self.lacks(format!("{view}.{column}")))
    }

    /// Numbers of a kind's table that name a customer, an article or an order, which nobody enforces.
    pub fn looked_up(&self, table: &str) -> Vec<(&'static str, String)> {
        let Some((_, group)) =
            self.groups.get(table).filter(|_| !table.ends_with("_extra") && !table.ends_with("_history"))
        else {
            return Vec::new();
        };
        let to = |field: &Field| match field.field_type {
            FieldType::Customer(_) => Some("customer"),
            FieldType::Article(_) => Some("article"),
            FieldType::Order(_) => Some("orders"),
            _ => None,
        };
        let found = group.fields.iter().filter_map(|f| Some((to(f)?, f.name.clone())));
        found.filter(|(to, _)| *to != table).collect()
    }

    fn lacks(&mut self, column: String) -> String {
        self.missing.push(column);
        String::new()
    }

    /// All is explained, and nothing that is not there.
    pub fn assert_complete(&self, of: &str) {
        assert!(self.missing.is_empty(), "schemas/tables.toml says nothing of {:#?}", self.missing);
        let mut left = Vec::new();
        for (name, words) in self.written.iter().filter(|(name, _)| name.split('.').next() == Some(of)) {
            let unused = words.keys().filter(|word| !self.used.contains(&(name.clone(), word.to_string())));
            left.extend(unused.map(|word| format!("[{name}] {word}")));
        }
        assert!(left.is_empty(), "schemas/tables.toml explains what is not there: {left:#?}");
    }
}
