//! XML and HTML: which standard the root element belongs to, and which message of it this is.
//!
//! The tags are found without the rules of XML: what is wrong with the document is for a layout to say.

use super::{Name, Sort};
use crate::model::diagnostic::shown;

/// So many start tags are looked at.
const TAGS: usize = 400;

/// A start tag.
struct Tag<'t> {
    /// Without its prefix.
    name: &'t str,
    prefix: &'t str,
    attributes: &'t str,
    /// What stands behind it, up to the next tag.
    text: &'t str,
}

impl<'t> Tag<'t> {
    fn attribute(&self, name: &str) -> Option<&'t str> {
        let mut rest = self.attributes;
        while let Some(at) = rest.find(name) {
            let before = rest[..at].chars().next_back();
            let behind = rest[at + name.len()..].trim_start();
            rest = &rest[at + name.len()..];
            let Some(value) = behind.strip_prefix('=').map(str::trim_start) else { continue };
            let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
            if before.is_none_or(char::is_whitespace) {
                return value[1..].split(quote).next();
            }
        }
        None
    }

    fn space(&self) -> &'t str {
        match self.prefix {
            "" => self.attribute("xmlns"),
            prefix => self.attribute(&format!("xmlns:{prefix}")),
        }
        .unwrap_or_default()
        .trim()
    }
}

/// The start tags of a beginning; comments, declarations and what is quoted in CDATA are passed over.
fn tags(text: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<')
        && tags.len() < TAGS
    {
        rest = &rest[at..];
        let aside = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">"), ("</", ">")];
        if let Some((_, end)) = aside.iter().find(|(begin, _)| rest.starts_with(begin)) {
            rest = rest.find(end).map_or("", |at| &rest[at + end.len()..]);
            continue;
        }
        let inner = &rest[1..];
        let end = inner.find('>').unwrap_or(inner.len());
        let tag = inner[..end].trim_end_matches('/');
        let behind = inner.get(end + 1..).unwrap_or_default();
        let (full, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        let (prefix, name) = full.split_once(':').unwrap_or(("", full));
        tags.push(Tag { name, prefix, attributes, text: behind.split('<').next().unwrap_or_default().trim() });
        rest = behind;
    }
    tags
}

pub fn name(text: &str) -> Option<Name> {
    if !text.starts_with('<') {
        return None;
    }
    let lower: String = text.chars().take(64).collect::<String>().to_ascii_lowercase();
    let tags = tags(text);
    let root = tags.first()?;
    if lower.starts_with("<!doctype html") || root.name.eq_ignore_ascii_case("html") || is_part_of_a_page(root) {
        return Some(Name::new(Sort::Html, page(&tags)));
    }
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let begins = root.name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if !begins || !root.name.chars().all(is_name) {
        return None;
    }
    Some(Name { sort: Sort::Xml, what: standard(root, &tags) })
}

/// A page that was saved without its head.
fn is_part_of_a_page(root: &Tag<'_>) -> bool {
    ["head", "body", "title", "h1", "div", "p", "center"].iter().any(|name| root.name.eq_ignore_ascii_case(name))
        && root.space().is_empty()
}

fn page(tags: &[Tag<'_>]) -> String {
    let says = |name: &str| tags.iter().find(|tag| tag.name.eq_ignore_ascii_case(name)).map(|tag| tag.text);
    match says("title").or_else(|| says("h1")).filter(|title| !title.is_empty()) {
        Some(title) => format!("an HTML page (\"{}\")", shown(title)),
        None => "an HTML page".to_string(),
    }
}

/// The name of a document of a standard; nothing for a partner's own.
fn standard(root: &Tag<'_>, tags: &[Tag<'_>]) -> Option<String> {
    let space = root.space();
    let text_of =
        |name: &str| tags.iter().find(|tag| tag.name == name).map(|tag| tag.text).filter(|text| !text.is_empty());
    let has = |name: &str| tags.iter().any(|tag| tag.name == name);
    let child = |of: &str| tags.iter().skip_while(|tag| tag.name != of).nth(1).map(|tag| tag.name);
    if space.starts_with("urn:oasis:names:specification:ubl:schema:xsd:") {
        return Some(format!("UBL {}", root.name));
    }
    if root.name.starts_with("CrossIndustry")
        || space.contains(":CrossIndustry")
        || space.contains("CrossIndustryDocument")
    {
        return Some(format!("UN/CEFACT {} (as in ZUGFeRD, Factur-X and XRechnung)", root.name));
    }
    if space.contains("opentrans.org") || has("ORDER_HEADER") && root.name == "ORDER" {
        let version = root.attribute("version").or_else(|| space.rsplit('/').find(|part| part.starts_with(['1', '2'])));
        return Some(match version {
            Some(version) => format!("openTRANS {version} {}", root.name),
            None => format!("openTRANS {}", root.name),
        });
    }
    if root.name == "BMECAT" || space.contains("bmecat.org") {
        let version = root.attribute("version").map_or_else(String::new, |version| format!(" {version}"));
        let transaction = tags.iter().find(|tag| tag.name.starts_with("T_")).map(|tag| format!(" {}", tag.name));
        return Some(format!("BMEcat{version}{}", transaction.unwrap_or_default()));
    }
    if root.name == "cXML" {
        let part = ["Request", "Message", "Response"].iter().find_map(|part| child(part).filter(|_| has(part)));
        return Some(part.map_or("cXML".to_string(), |part| format!("cXML {part}")));
    }
    if has("IDOC") || has("EDI_DC40") {
        return Some(match text_of("MESTYP") {
            Some(message) => format!("SAP IDoc {} ({}, XML)", shown(message), root.name),
            None => format!("SAP IDoc {} (XML)", root.name),
        });
    }
    if space.contains("xcbl") || space.starts_with("rrn:org.xcbl") {
        return Some(format!("xCBL {}", root.name));
    }
    if root.name == "StandardBusinessDocument" {
        let kind = text_of("Type").map_or_else(String::new, |kind| format!(" with {}", shown(kind)));
        return Some(format!("an envelope of GS1 or Peppol (SBDH){kind}"));
    }
    if space.starts_with("urn:gs1:") || space.starts_with("urn:ean.ucc:") {
        return Some(format!("GS1 XML {}", root.name));
    }
    if root.name == "Envelope" && space.contains("soap") {
        let body = child("Body").map_or_else(String::new, |name| format!(" with <{}>", shown(name)));
        return Some(format!("a SOAP message{body}"));
    }
    if root.name.starts_with("FatturaElettronica") {
        return Some("FatturaPA (an Italian invoice)".to_string());
    }
    let others = [
        ("Facturae", "Facturae (a Spanish invoice)"),
        ("Finvoice", "Finvoice (a Finnish invoice)"),
        ("svg", "a picture (SVG)"),
        ("rss", "a news feed (RSS)"),
        ("feed", "a news feed (Atom)"),
        ("schema", "an XML schema"),
        ("stylesheet", "an XSL stylesheet"),
    ];
    others
        .iter()
        .find(|(name, _)| *name == root.name)
        .filter(|(name, _)| *name != "feed" || space.contains("Atom"))
        .map(|(_, what)| what.to_string())
}
