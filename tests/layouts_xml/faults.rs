//! Twelve faults made by hand in one good file, and what each reason says: line, element, what was found, what was expected.

use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::read_layout;

use crate::decoding::decode;

const LAYOUT: &str = r#"
layout = "t"
title = "T"
kind = "order"
syntax = "xml"
[xml]
root = "orders"
unknown = "refuse"
[lookup.country]
Sverige = "SE"
[[record]]
tag = "."
opens = "file"
fields = [["@version", "version(3)"], ["count", "count(order)"]]
[[record]]
name = "order"
tag = "order"
opens = "message"
fields = [["no", "buyer_order_no", "required"], ["date", "order_date", "date %d.%m.%Y"], ["country", "delivery_country", "lookup=country"], ["zip", "delivery_zip", "max=6"]]
[[record]]
name = "product line"
tag = "line"
opens = "lines"
when = ["@type", "product"]
fields = [["sku", "lines.article_no"], ["qty", "lines.qty", "required"], ["price", "lines.net_price", "decimal point=,"]]
"#;

const GOOD: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>
<orders version=\"3\">
<count>1</count>
<order>
<no>A-1</no>
<date>24.12.2026</date>
<country>Sverige</country>
<zip>169 67</zip>
<line type=\"product\">
<sku>K1</sku>
<qty>2</qty>
<price>1,50</price>
</line>
</order>
</orders>
";

#[test]
fn twelve_faults_are_told_with_line_element_value_and_expectation() {
    let layout = read_layout("t.toml", LAYOUT, shipped_kinds()).unwrap();
    assert_eq!(decode(&layout, GOOD.as_bytes()).0.messages().count(), 1);
    for (from, to, code, said) in [
        ("<qty>2", "<qty>2,5x", "quantity-invalid", &["line 11", "\"qty\"", "\"2,5x\"", "expected"][..]),
        ("<price>1,50", "<price>1.50", "price-invalid", &["line 12", "\"price\"", "\"1.50\"", "expected"]),
        ("24.12.2026", "31.11.2026", "date-invalid", &["line 6", "\"date\"", "\"31.11.2026\"", "expected"]),
        ("Sverige", "Narnia", "word-unknown", &["line 7", "\"country\"", "\"Narnia\"", "expected"]),
        ("169 67", "169 67 Solna", "text-too-long", &["line 8", "\"zip\"", "\"169 67 Solna\"", "6"]),
        ("<no>A-1</no>", "<no/>", "value-missing", &["line 5", "\"no\"", "empty"]),
        ("type=\"product\"", "type=\"gift\"", "record-unknown", &["line 9", "\"gift\"", "product line"]),
        ("<zip>", "<zipp/>\n<zip>", "layout-mismatch", &["line 8", "<zipp>", "not known"]),
        (
            "<sku>K1",
            "<sku>K0</sku>\n<sku>K1",
            "value-repeated",
            &["line 11", "\"sku\"", "\"K1\"", "\"K0\"", "expected it once"],
        ),
        ("version=\"3\"", "version=\"2\"", "version-mismatch", &["line 2", "\"@version\"", "\"2\"", "expected \"3\""]),
        ("<count>1", "<count>2", "total-mismatch", &["line 3", "\"count\"", "2", "1"]),
        ("</qty>", "</qt>", "xml-invalid", &["line 11", "</qt>", "expected </qty>"]),
        ("1,50", "1.001,50", "price-invalid", &["line 12", "\"price\"", "no mark between the thousands", "like 2,5"]),
        ("1,50", "1.50", "price-invalid", &["line 12", "\"price\"", "decimals stand behind a comma here"]),
        (
            "24.12.2026",
            "31.02.2026",
            "date-invalid",
            &["line 6", "\"31.02.2026\"", "there is no such day", "31.03.2026"],
        ),
        ("24.12.2026", "12.24.2026", "date-invalid", &["line 6", "\"12.24.2026\"", "there is no such month"]),
        ("24.12.2026", "24.12.26", "date-invalid", &["line 6", "\"24.12.26\" is not a date; expected", "31.03.2026"]),
        ("<qty>2", "<qty><![CDATA[2 pcs]]>", "quantity-invalid", &["line 11", "\"qty\"", "\"2 pcs\""]),
        ("Sverige", "Sver&iacute;ge", "xml-entity", &["line 7", "&iacute;", "Write the character itself"]),
        ("Sverige", "Sverige & Co", "xml-invalid", &["line 7", "an & stands alone", "&amp;"]),
        ("</orders>\n", "</orders>\n\u{1a}", "xml-invalid", &["line 16", "U+001A", "Remove it"]),
        ("</orders>\n", "</orders>\nEOF\n", "xml-invalid", &["line 16", "\"EOF\" stands outside the root element"]),
        ("</line>\n</order>\n</orders>\n", "</line>\n", "file-truncated", &["line 14", "<order> is still open"]),
        (" type=\"product\"", "", "record-unknown", &["line 9", "does not say its type", "product line"]),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let (found, decoded) = decode(&layout, GOOD.replacen(from, to, 1).as_bytes());
        let problems = found.refused.iter().flat_map(|r| &r.problems).chain(decoded.fatal.kept());
        let told: Vec<String> = problems.map(|p| format!("[{}] {p}", p.code)).collect();
        assert_eq!(told.len(), 1, "{from}: {told:?}");
        assert!(told[0].starts_with(&format!("[{code}]")), "{told:?}");
        let missing: Vec<&&str> = said.iter().filter(|word| !told[0].contains(**word)).collect();
        assert!(missing.is_empty(), "{missing:?} not in {told:?}");
    }
}

/// Prefixes are the sender's own affair: what is told is the namespace.
#[test]
fn a_wrong_namespace_is_told_with_both() {
    let text =
        LAYOUT.replace("root = \"orders\"", "root = \"o:orders\"\nnamespaces = { o = \"urn:example:orders:3\" }");
    let layout = read_layout("t.toml", &text, shipped_kinds()).unwrap();
    let with = |root: &str| {
        let text = GOOD.replacen("<orders", root, 1);
        let (_, decoded) = decode(&layout, text.as_bytes());
        decoded.fatal.kept().iter().map(|p| format!("[{}] {p}", p.code)).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(with("<orders xmlns=\"urn:example:orders:3\""), "");
    let two = with("<orders xmlns=\"urn:example:orders:2\"");
    let expected = "[layout-mismatch] line 2, the root element is <orders xmlns=\"urn:example:orders:2\">; expected <orders xmlns=\"urn:example:orders:3\">.";
    assert!(two.starts_with(expected), "{two}");
    assert!(with("<orders").contains("is <orders xmlns=\"\">; expected <orders xmlns=\"urn:example:orders:3\">"));
}

/// A document of the right sort that is not valid XML is told with its line, not as a file of another layout.
#[test]
fn what_is_wrong_with_a_document_is_not_taken_for_another_layout() {
    let layout = crate::decoding::layout("unite-orders/layout.toml");
    let good = std::fs::read_to_string("samples/layouts/unite-orders/sample.xml").unwrap();
    for (from, to, line, said) in [
        ("version=\"2.1\"", "version=\"2.1\" version=\"2.1\"", 2, "version stands there twice"),
        ("version=\"2.1\"", "version=2.1", 2, "an attribute of this element is wrong"),
        ("<?xml", "\n<?xml", 2, "must be the very first thing in the file"),
    ] {
        let (_, decoded) = decode(&layout, good.replacen(from, to, 1).as_bytes());
        let told: Vec<_> = decoded.fatal.kept().iter().map(|p| (p.code, p.place.line, p.text.clone())).collect();
        assert_eq!((told.len(), told[0].0, told[0].1), (1, "xml-invalid", line), "{told:?}");
        assert!(told[0].2.contains(said) && !told[0].2.contains("have a layout added"), "{told:?}");
    }
}
