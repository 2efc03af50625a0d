//! The XML schema of Nattpost's own XML of a kind, as published in schemas/xsd. Written for partners and their tools; the
//! reader itself does not run it.
//!
//! It says no more than what the reader takes: elements in any order, each at most once, groups in an element of their
//! own. What may be empty may be empty (it clears), what is required may not.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Class, Field, FieldType, Kind};

/// The whole schema document.
pub fn xsd(kind: &Kind) -> String {
    let mut types = BTreeMap::new();
    let mut body = String::new();
    write_root(kind, &mut body);
    for group in 0..kind.groups.len() {
        write_group(kind, group, &mut types, &mut body);
    }
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<!-- {}, version {} of Nattpost's own XML. Generated from schemas/kinds. -->",
        kind.title, kind.version
    );
    out.push_str("<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" elementFormDefault=\"qualified\">\n");
    out.push_str(&body);
    for definition in types.values() {
        out.push_str(definition);
    }
    out.push_str("</xs:schema>\n");
    out
}

fn write_root(kind: &Kind, out: &mut String) {
    let (root, head) = (kind.root_element(), kind.head());
    let _ = write!(
        out,
        r#"  <xs:element name="{root}">
    <xs:annotation><xs:documentation>{about}</xs:documentation></xs:annotation>
    <xs:complexType>
      <xs:sequence>
        <xs:element name="{element}" type="{type_name}" minOccurs="0" maxOccurs="unbounded"{end}
      </xs:sequence>
      <xs:attribute name="version" use="required" fixed="{version}"/>
    </xs:complexType>
"#,
        about = escape(&kind.about),
        element = head.element,
        type_name = type_name(kind, 0),
        end = inner_keys(kind, 0, 8),
        version = kind.version,
    );
    // Records and facts may come more than once in a file: the last one counts.
    if matches!(kind.class, Class::Request | Class::Answer) {
        out.push_str(&unique(kind, 0, &head.element, 4));
    }
    out.push_str("  </xs:element>\n");
}

/// Keys of the groups inside an element of this group: unique among their siblings.
fn inner_keys(kind: &Kind, group: usize, indent: usize) -> String {
    let keyed = kind.groups.iter().enumerate().skip(1).filter(|(_, g)| g.parent == group && !g.key.is_empty());
    let keys: String =
        keyed.map(|(index, g)| unique(kind, index, &format!("{}/{}", g.name, g.element), indent + 2)).collect();
    if keys.is_empty() {
        return "/>".to_string();
    }
    format!(">\n{keys}{:indent$}</xs:element>", "")
}

fn unique(kind: &Kind, group: usize, selector: &str, indent: usize) -> String {
    let group_data = &kind.groups[group];
    let mut out = String::new();
    let _ = writeln!(out, "{:indent$}<xs:unique name=\"{}_key\">", "", kind.record_type(group));
    let _ = writeln!(out, "{:indent$}  <xs:selector xpath=\"{selector}\"/>", "");
    for field in &group_data.key {
        let _ = writeln!(out, "{:indent$}  <xs:field xpath=\"{}\"/>", "", group_data.fields[*field].name);
    }
    let _ = writeln!(out, "{:indent$}</xs:unique>", "");
    out
}

fn type_name(kind: &Kind, group: usize) -> String {
    format!("{}_type", kind.record_type(group))
}

fn write_group(kind: &Kind, index: usize, types: &mut BTreeMap<String, String>, out: &mut String) {
    let group = &kind.groups[index];
    let _ = writeln!(out, "  <xs:complexType name=\"{}\">", type_name(kind, index));
    let _ = writeln!(
        out,
        "    <xs:annotation><xs:documentation>{}</xs:documentation></xs:annotation>",
        escape(&group.title)
    );
    out.push_str("    <xs:all>\n");
    for field in &kind.own_columns(index).collect::<Vec<_>>() {
        let name = value_type(field, types);
        let lacks = kind.lacks_when_deleted(index, &field.name);
        let occurs = if field.required && !lacks { "" } else { " minOccurs=\"0\"" };
        let _ = writeln!(out, "      <xs:element name=\"{}\" type=\"{name}\"{occurs}>", field.name);
        let about = match (field.ours, lacks) {
            (true, _) => format!("{} (only written)", field.about),
            (_, true) => format!("{} (required unless it is deleted)", field.about),
            _ => field.about.clone(),
        };
        let _ = writeln!(
            out,
            "        <xs:annotation><xs:documentation>{}</xs:documentation></xs:annotation>",
            escape(&about)
        );
        out.push_str("      </xs:element>\n");
    }
    for (child, data) in kind.groups.iter().enumerate().skip(1).filter(|(_, g)| g.parent == index) {
        // Of what is told to be gone only the key is there.
        let occurs = if data.required && !kind.tells_change { "" } else { " minOccurs=\"0\"" };
        let least = if data.required { "1" } else { "0" };
        let _ =
            writeln!(out, "      <xs:element name=\"{}\"{occurs}>\n        <xs:complexType><xs:sequence>", data.name);
        let _ = writeln!(
            out,
            "          <xs:element name=\"{}\" type=\"{}\" minOccurs=\"{least}\" maxOccurs=\"unbounded\"{}",
            data.element,
            type_name(kind, child),
            inner_keys(kind, child, 10),
        );
        out.push_str("        </xs:sequence></xs:complexType>\n      </xs:element>\n");
    }
    out.push_str("    </xs:all>\n  </xs:complexType>\n");
}

/// Name of the simple type of a field; its definition is added to the types used.
fn value_type(field: &Field, types: &mut BTreeMap<String, String>) -> String {
    if let Some(max) = field.field_type.length() {
        let least = if field.required { "<xs:minLength value=\"1\"/>" } else { "" };
        let name = format!("{}_{max}", if field.required { "required_text" } else { "text" });
        let facets = format!("{least}<xs:maxLength value=\"{max}\"/>");
        types.entry(name.clone()).or_insert_with(|| restriction(&name, "xs:string", &facets));
        return name;
    }
    let (name, xs_base, facets) = basic_type(&field.field_type, &field.name);
    types.entry(name.clone()).or_insert_with(|| restriction(&name, xs_base, &facets));
    if field.required {
        return name;
    }
    types.entry("empty".into()).or_insert_with(|| restriction("empty", "xs:string", "<xs:maxLength value=\"0\"/>"));
    let optional = format!("{name}_or_empty");
    types.entry(optional.clone()).or_insert_with(|| {
        format!("  <xs:simpleType name=\"{optional}\"><xs:union memberTypes=\"{name} empty\"/></xs:simpleType>\n")
    });
    optional
}

fn restriction(name: &str, base: &str, facets: &str) -> String {
    format!(
        "  <xs:simpleType name=\"{name}\"><xs:restriction base=\"{base}\">{facets}</xs:restriction></xs:simpleType>\n"
    )
}

/// Name, base and facets of a type that is not a text of some length.
fn basic_type(field_type: &FieldType, field_name: &str) -> (String, &'static str, String) {
    let pattern = |p: &str| format!("<xs:pattern value=\"{p}\"/>");
    match field_type {
        FieldType::Integer => ("integer".into(), "xs:long", pattern("-?[0-9]+")),
        FieldType::Quantity | FieldType::Price | FieldType::Money => {
            ("decimal_6".into(), "xs:decimal", decimal(6, "9223372036854.775807"))
        }
        FieldType::Percent => ("decimal_4".into(), "xs:decimal", decimal(4, "922337203685477.5807")),
        FieldType::Boolean => ("boolean".into(), "xs:boolean", pattern("true|false")),
        FieldType::Date => ("date".into(), "xs:date", pattern("[0-9]{4}-[0-9]{2}-[0-9]{2}")),
        FieldType::Time => ("time".into(), "xs:time", pattern("[0-9]{2}:[0-9]{2}:[0-9]{2}")),
        FieldType::Instant => {
            ("instant".into(), "xs:dateTime", pattern("[^.]*(\\.[0-9]{1,3})?(Z|[+\\-][0-9]{2}:[0-9]{2})"))
        }
        FieldType::Currency => ("currency".into(), "xs:string", pattern("[A-Z]{3}")),
        FieldType::Country => ("country".into(), "xs:string", pattern("[A-Z]{2}")),
        FieldType::Unit => {
            ("unit".into(), "xs:string", "<xs:minLength value=\"1\"/><xs:maxLength value=\"20\"/>".into())
        }
        FieldType::Choice(words) => {
            let words: String = words.iter().map(|w| format!("<xs:enumeration value=\"{w}\"/>")).collect();
            (format!("{field_name}_choice"), "xs:string", words)
        }
        _ => ("text".into(), "xs:string", String::new()),
    }
}

fn decimal(places: u32, limit: &str) -> String {
    format!(
        "<xs:minInclusive value=\"-{limit}\"/><xs:maxInclusive value=\"{limit}\"/><xs:fractionDigits value=\"{places}\"/><xs:pattern value=\"-?[0-9]+(\\.[0-9]+)?\"/>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
