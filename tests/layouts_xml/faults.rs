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
