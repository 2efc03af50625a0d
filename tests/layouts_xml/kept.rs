//! What no row of a layout takes is kept, with the path where it stood, and overwritten in redacted copies.

use nattpost::model::json::to_json;
use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::own::shipped_layout;
use nattpost::model::layout::{Layout, read_layout};
use serde_json::Value;

use crate::decoding::decode;

const LAYOUT: &str = r#"
layout = "kept"
title = "Kept"
kind = "order"
syntax = "xml"
[xml]
root = "orders"
[[record]]
name = "order"
tag = "order"
opens = "message"
fields = [
  ["@no", "buyer_order_no"],
  ["city|town", "delivery_city"],
  ["code[@of=us]", "reference"],
  ["*", "extra.unread", "personal read-only join='\n'"],
]
[[record]]
name = "buyer"
tag = "party"
adds = "message"
when = ["role", "buyer"]
fields = [["id", "customer_no"], ["street", "delivery_street"]]
[[record]]
name = "seller"
tag = "party"
adds = "message"
when = ["role", "seller"]
fields = [["id", "extra.seller"]]
[[record]]
name = "other party"
tag = "party"
ignored = true
[[record]]
name = "line"
tag = "line"
opens = "lines"
fields = [
  ["sku", "lines.article_no"],
  ["qty", "lines.qty"],
  ["*", "lines.extra.unread", "personal read-only join='\n'"],
]
[[record]]
name = "charge"
tag = "charge"
opens = "line_charges"
required = false
fields = [["@type", "line_charges.charge_type"], ["amount", "line_charges.amount"]]
"#;

const FILE: &str = "<orders>\n<order no='N-1' seen='yes'>
  <city>Kiel</city><town>Altona</town><code of='them'>T-9</code><code of='us'>U-1</code>
  <party><role>buyer</role><id>77</id><street>Am Kai 1</street><mail>grete@kai.example</mail></party>
  <party><role>seller</role><id>5</id><street>Holzweg 7</street></party>
  <party><role>payer</role><id>6</id></party>
  <terms>  within\n  <b>30</b> days </terms><empty/>
  <line><sku>A-1</sku><qty>2</qty><gift to='Per'>Best wishes</gift><charge type='charge'><amount>1</amount><why>Rush</why></charge></line>
  <line><sku>A-2</sku><qty>3</qty></line>
</order>\n</orders>\n";

fn layout() -> Layout {
    read_layout("kept.toml", LAYOUT, shipped_kinds()).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn read(layout: &Layout, text: &str) -> Value {
    let (found, decoded) = decode(layout, text.as_bytes());
    let problems: Vec<String> =
        found.refused.iter().flat_map(|r| &r.problems).chain(decoded.fatal.kept()).map(ToString::to_string).collect();
    assert!(problems.is_empty(), "{problems:?}");
    found.messages().map(to_json).next().unwrap()
}

#[test]
fn what_no_row_takes_is_kept_with_its_path() {
    let order = read(&layout(), FILE);
    let kept: Vec<&str> = order["extra"]["unread"].as_str().unwrap().lines().collect();
    let expected = [
        "@seen = yes",
        "code/@of = them",
        "code = T-9",
        "party/mail = grete@kai.example",
        "terms = within",
        "terms/b = 30",
        "terms = days",
        "town = Altona",
        "party(seller)/street = Holzweg 7",
        "party(payer)/id = 6",
        "party(payer)/role = payer",
    ];
    let mut sorted = (kept.clone(), expected.to_vec());
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    assert_eq!(sorted.0, sorted.1, "{kept:#?}");
    assert_eq!(order["delivery_city"], "Kiel");
    assert_eq!(order["lines"][0]["extra"]["unread"], "gift/@to = Per\ngift = Best wishes\ncharge/why = Rush");
    assert!(order["lines"][1].get("extra").is_none_or(Value::is_null), "{order}");
}

#[test]
fn what_is_kept_is_overwritten_in_redacted_copies() {
    let mut out = Vec::new();
    layout().redact(&mut FILE.as_bytes(), &mut FILE.as_bytes(), &mut out).unwrap();
    let copy = String::from_utf8(out).unwrap();
    assert_eq!(copy.len(), FILE.len());
    for gone in ["grete", "wishes", "Per", "Rush", "Am Kai"] {
        assert!(!copy.contains(gone), "{gone}: {copy}");
    }
    assert!(copy.contains("<sku>A-1</sku><qty>2</qty>") && copy.contains("no='N-1'"), "{copy}");
    read(&layout(), &copy);
}

#[test]
fn a_row_that_keeps_the_rest_only_reads() {
    let problems = read_layout("kept.toml", &LAYOUT.replace("personal read-only", "personal"), shipped_kinds());
    let told: Vec<String> = problems.err().unwrap().iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|p| p.contains("the row needs read-only")), "{told:?}");
}

#[test]
fn an_address_of_a_line_and_a_party_without_a_place_are_not_lost() {
    let ubl = r#"<Order xmlns="urn:oasis:names:specification:ubl:schema:xsd:Order-2" xmlns:a="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2" xmlns:b="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<b:ID>N-1</b:ID><b:IssueDate>2026-11-20</b:IssueDate>
<a:BuyerCustomerParty><a:Party><a:PartyIdentification><b:ID>77</b:ID></a:PartyIdentification><a:PostalAddress><b:StreetName>Am Kai 1</b:StreetName></a:PostalAddress></a:Party></a:BuyerCustomerParty>
<a:Delivery><a:DeliveryLocation><b:ID schemeID="0088">40999990000300</b:ID></a:DeliveryLocation></a:Delivery>
<a:OrderLine><a:LineItem><b:ID>1</b:ID><b:Quantity unitCode="EA">2</b:Quantity>
<a:Delivery><a:DeliveryLocation><a:Address><b:CityName>Lund</b:CityName></a:Address></a:DeliveryLocation></a:Delivery>
<a:Item><b:Name>Screw</b:Name><a:AdditionalItemProperty><b:Name>Colour</b:Name><b:Value>red</b:Value></a:AdditionalItemProperty></a:Item></a:LineItem></a:OrderLine>
</Order>"#;
    let order = read(shipped_layout("ubl-order").unwrap(), ubl);
    assert_eq!(order["extra"]["unread"], "BuyerCustomerParty/Party/PostalAddress/StreetName = Am Kai 1");
    assert_eq!(
        order["extra"]["delivery_no"], "40999990000300",
        "a number of fourteen digits is no GLN, and is a number"
    );
    assert!(order.get("delivery_gln").is_none(), "{order}");
    let line = "LineItem/Delivery/DeliveryLocation/Address/CityName = Lund\n\
                LineItem/Item/AdditionalItemProperty/Name = Colour\nLineItem/Item/AdditionalItemProperty/Value = red";
    assert_eq!(order["lines"][0]["extra"]["unread"], line);
}

#[test]
fn a_root_of_another_namespace_is_told_with_both() {
    let text = "<Order xmlns=\"urn:example:Order-9\"/>";
    let (_, decoded) = decode(shipped_layout("ubl-order").unwrap(), text.as_bytes());
    let told = decoded.fatal.kept()[0].to_string();
    let expected = "<Order xmlns=\"urn:example:Order-9\">; expected <Order xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:Order-2\">";
    assert!(told.contains(expected), "{told}");
}
