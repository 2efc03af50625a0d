//! Nattpost's own XML and CSV: layouts like any other, written from the kinds into schemas/layouts/own and compiled in.
//!
//! A test compares the files with what is generated here, so that a kind and its formats never part. What is only
//! written (`ours`) has its place too; texts are taken exactly. Every row of the CSV has its line end: without the last one nobody
//! could tell `12` from the beginning of `125`.

use std::fmt::Write;
use std::sync::{Arc, LazyLock, OnceLock};

use crate::model::kind::{Field, FieldType, Kind, shipped_kinds};

use super::standards::STANDARDS;
use super::{Extendable, Layout, read_layout};

macro_rules! shipped {
    ($($id:literal),+ $(,)?) => {
        [$(($id, include_str!(concat!("../../../schemas/layouts/own/", $id, ".toml")))),+]
    };
}

const SHIPPED: [(&str, &str); 40] = shipped![
    "nattpost-answer-csv",
    "nattpost-answer-xml",
    "nattpost-article-csv",
    "nattpost-article-xml",
    "nattpost-article-reference-csv",
    "nattpost-article-reference-xml",
    "nattpost-base-data-csv",
    "nattpost-base-data-xml",
    "nattpost-contact-csv",
    "nattpost-contact-xml",
    "nattpost-customer-csv",
    "nattpost-customer-xml",
    "nattpost-deletion-csv",
    "nattpost-deletion-xml",
    "nattpost-discount-csv",
    "nattpost-discount-xml",
    "nattpost-document-csv",
    "nattpost-document-xml",
    "nattpost-order-csv",
    "nattpost-order-xml",
    "nattpost-order-change-csv",
    "nattpost-order-change-xml",
    "nattpost-order-status-csv",
    "nattpost-order-status-xml",
    "nattpost-price-csv",
    "nattpost-price-xml",
    "nattpost-question-csv",
    "nattpost-question-xml",
    "nattpost-quote-csv",
    "nattpost-quote-xml",
    "nattpost-receipt-csv",
    "nattpost-receipt-xml",
    "nattpost-registration-csv",
    "nattpost-registration-xml",
    "nattpost-registration-answer-csv",
    "nattpost-registration-answer-xml",
    "nattpost-set-article-csv",
    "nattpost-set-article-xml",
    "nattpost-stock-csv",
    "nattpost-stock-xml",
];

/// A layout that this build ships. Constant data, read when somebody names it: most sites use few of them.
#[derive(Debug)]
pub struct Shipped {
    pub id: &'static str,
    text: &'static str,
    read: OnceLock<Arc<Layout>>,
}

impl Shipped {
    pub fn layout(&self) -> &Arc<Layout> {
        let read = || read_layout(self.id, self.text, shipped_kinds()).expect("a test reads every shipped layout");
        self.read.get_or_init(|| Arc::new(read()))
    }
}

/// All of them.
pub fn shipped_layouts() -> &'static [Shipped] {
    static LAYOUTS: LazyLock<Vec<Shipped>> = LazyLock::new(|| {
        let unread = |&(id, text): &(&'static str, &'static str)| Shipped { id, text, read: OnceLock::new() };
        SHIPPED.iter().chain(&STANDARDS).map(unread).collect()
    });
    &LAYOUTS
}

/// One of them, like `nattpost-order-xml`.
pub fn shipped_layout(id: &str) -> Option<&'static Arc<Layout>> {
    shipped_layouts().iter().find(|shipped| shipped.id == id).map(Shipped::layout)
}

/// Their texts, for layouts of a site that extend them.
pub fn shipped_texts() -> Vec<Extendable> {
    SHIPPED.iter().chain(&STANDARDS).map(|(id, text)| Extendable::shipped(id, text)).collect()
}

/// Id of an own layout: `form` is `xml` or `csv`.
pub fn own_id(kind: &Kind, form: &str) -> String {
    format!("nattpost-{}-{form}", kind.name.replace('_', "-"))
}

/// The file of the own XML of a kind.
pub fn own_xml(kind: &Kind) -> String {
    let mut out = head(kind, "xml", "XML");
    let _ = write!(
        out,
        "syntax = \"xml\"\n\n[xml]\nroot = \"{}\"\nunknown = \"refuse\"\n\n[[record]]\nname = \"{0}\"\ntag = \".\"\nopens = \"file\"\nfields = [\n  [\"@version\", \"version({})\"],\n]\n",
        kind.root_element(),
        kind.version
    );
    for (index, group) in kind.groups.iter().enumerate() {
        let tag = if index == 0 { group.element.clone() } else { format!("{}/{}", group.name, group.element) };
        record(kind, index, &tag, "", &mut out);
    }
    out
}

/// The file of the own CSV of a kind.
pub fn own_csv(kind: &Kind) -> String {
    let mut out = head(kind, "csv", "CSV");
    let _ = write!(
        out,
        "syntax = \"delimited\"\n\n[delimited]\ndelimiter = \";\"\ncolumns = \"rows\"\ntag = 1\nfirst_line = [\"nattpost\", \"{}\", \"{}\"]\nfinal_line_end = \"required\"\n",
        kind.name, kind.version
    );
    for index in 0..kind.groups.len() {
        record(kind, index, &kind.record_type(index), "optional", &mut out);
    }
    out
}

fn head(kind: &Kind, form: &str, name: &str) -> String {
    format!(
        "# Generated from schemas/kinds/{0}.toml; edit that, then run the tests with NATTPOST_BLESS=1.\n\
        layout = \"{3}\"\ntitle = \"{1}: Nattpost's own {name}\"\nversion = {2}\nkind = \"{0}\"\n",
        kind.name,
        kind.title,
        kind.version,
        own_id(kind, form)
    )
}

fn record(kind: &Kind, index: usize, tag: &str, not_required: &str, out: &mut String) {
    let group = &kind.groups[index];
    let opens = if index == 0 { "message" } else { &group.name };
    let _ = write!(out, "\n[[record]]\nname = \"{}\"\ntag = \"{tag}\"\nopens = \"{opens}\"\n", kind.record_type(index));
    if !group.required && index > 0 {
        out.push_str("required = false\n");
    }
    out.push_str("fields = [\n");
    for field in &group.fields {
        let path = if index == 0 { field.name.clone() } else { format!("{}.{}", group.name, field.name) };
        let form = form(field, not_required);
        let form = if form.is_empty() { form } else { format!(", \"{form}\"") };
        let _ = writeln!(out, "  [\"{}\", \"{path}\"{form}],", field.name);
    }
    if let Some((place, ours)) = kind.own_change(index) {
        let form = if not_required.is_empty() { String::new() } else { format!(", \"{not_required}\"") };
        let _ = writeln!(out, "  [\"{place}\", \"{ours}\"{form}],");
    }
    out.push_str("]\n");
}

fn form(field: &Field, not_required: &str) -> String {
    let exact = if matches!(field.field_type, FieldType::Text(_)) { "exact" } else { "" };
    let presence = if field.required && !field.ours { "required" } else { not_required };
    [presence, exact].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_layout_reads_writes_and_loses_nothing() {
        for (id, text) in SHIPPED {
            let layout = read_layout(id, text, shipped_kinds()).unwrap_or_else(|problems| panic!("{problems:#?}"));
            assert_eq!(layout.id, id);
            assert!(layout.reads() && layout.writes(), "{id}");
            assert_eq!(layout.lost_fields(), Vec::<String>::new(), "{id}");
        }
        assert_eq!(SHIPPED.len(), 2 * shipped_kinds().names().len());
        assert!(shipped_layout("nattpost-order-xml").is_some() && shipped_layout("nattpost-order-edi").is_none());
    }
}
