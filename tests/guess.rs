//! `layout guess` on the samples of partners: syntax, encoding, delimiter, header, record types, and which column is which field.
//!
//! A field of expected.json counts as found when the guess gives a column with its values to the field that has this meaning in our
//! kind (`MEANS`); a field that our kind does not have, when the column is kept under a name of the partner's. Values are
//! compared as the guessed form reads them: decimals as numbers, dates as dates, texts trimmed; parts of a value that the partner joins do not count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use nattpost::model::decimal;
use nattpost::model::guess::{Guess, Sample, Syntax, guess, layout_text};
use nattpost::model::json::to_json;
use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::form::{Got, Scratch};
use nattpost::model::layout::own::shipped_texts;
use nattpost::model::layout::plan::{Ours, Place};
use nattpost::model::layout::{Layout, read_extended, read_layout};
use nattpost::model::syntax::encoding::Encoding;
use serde_json::Value;

mod decoding;

fn shared() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let path = std::env::var_os("NATTPOST_SHARED").map_or_else(beside, PathBuf::from).join("partners");
    if !path.is_dir() {
        println!("skipped: {} holds no partner samples", path.display());
        return None;
    }
    Some(path)
}

/// Folder, kind, syntax, encodings that are right, delimiter, heading, record types (tags; message and lines of XML).
type Expected =
    (&'static str, &'static str, &'static str, &'static [&'static str], char, bool, &'static [&'static str]);

const UTF8: &[&str] = &["utf-8"];
const LATIN: &[&str] = &["cp1252", "latin-1"];
const EXPECTED: [Expected; 16] = [
    ("01-missingink-orders-csv", "order", "delimited", UTF8, ',', true, &[""]),
    ("04-evopos-orders-csv", "order", "delimited", UTF8, ',', false, &[""]),
    ("08-lenovoshop-hi", "order", "delimited", UTF8, ';', false, &["H", "I"]),
    ("09-dropstream-ph-pd", "order", "delimited", UTF8, ',', false, &["PH", "PD"]),
    ("12-webmercs-pyramid-salesorders", "order", "tagged", LATIN, ';', false, &["01", "02", "11"]),
    ("15-bisac-fixed-po", "order", "fixed", UTF8, ' ', false, &["00", "10", "40", "41", "42", "50", "90"]),
    ("21-unite-opentrans21-order", "order", "xml", UTF8, ' ', false, &[".", "ORDER_ITEM_LIST/ORDER_ITEM"]),
    ("24-jtl-wawi-tbestellungen", "order", "xml", LATIN, ' ', false, &["tBestellung", "twarenkorbpos"]),
    ("25-kuali-kfs-customers", "customer", "delimited", UTF8, ',', false, &[""]),
    ("28-mamut-gbacx10", "customer", "xml", LATIN, ' ', false, &["CUSTOMERLIST/CUSTOMER"]),
    ("33-erc-stockfeed-tab", "stock", "delimited", UTF8, '\t', true, &[""]),
    ("34-tradebyte-tbstock", "stock", "xml", UTF8, ' ', false, &["ARTICLE"]),
    ("37-storel-gn-prislista", "price", "delimited", LATIN, ';', false, &[""]),
    ("40-richer-parts-118", "price", "fixed", UTF8, ' ', false, &[""]),
    ("43-35up-shipments-csv", "order_status", "delimited", UTF8, ',', true, &[""]),
    ("44-amazon-orderfulfillment-xml", "order_status", "xml", UTF8, ' ', false, &["Message/OrderFulfillment", "Item"]),
];

/// Meaning in expected.json, our fields. What stands here for none is a field that our kind does not have.
const MEANS: [(&str, &[&str]); 62] = [
    ("order_no", &["buyer_order_no"]),
    ("customer_no", &["customer_no"]),
    ("order_date", &["order_date"]),
    ("order_time", &["order_time"]),
    ("requested_date", &["requested_date"]),
    ("paid_date", &["paid_date"]),
    ("currency", &["currency"]),
    ("language", &["language"]),
    ("reference", &["reference"]),
    ("note", &["note"]),
    ("ship_method", &["delivery_method"]),
    ("payment_method", &["payment_method"]),
    ("payment_days", &["payment_days"]),
    ("shipping_amount", &["freight"]),
    ("allow_backorder", &["allow_backorder"]),
    ("ship_to.name", &["delivery_name"]),
    ("ship_to.name2", &["delivery_name2"]),
    ("ship_to.company", &["delivery_name", "delivery_name2"]),
    ("ship_to.contact", &["delivery_contact"]),
    ("ship_to.street", &["delivery_street"]),
    ("ship_to.street2", &["delivery_street2"]),
    ("ship_to.zip", &["delivery_zip"]),
    ("ship_to.city", &["delivery_city"]),
    ("ship_to.state", &["delivery_state"]),
    ("ship_to.country", &["delivery_country"]),
    ("ship_to.phone", &["delivery_phone"]),
    ("ship_to.email", &["delivery_email"]),
    ("bill_to.name", &["invoice_name"]),
    ("bill_to.name2", &["invoice_name2"]),
    ("bill_to.street", &["invoice_street"]),
    ("bill_to.street2", &["invoice_street2"]),
    ("bill_to.zip", &["invoice_zip"]),
    ("bill_to.city", &["invoice_city"]),
    ("bill_to.state", &["invoice_state"]),
    ("bill_to.country", &["invoice_country"]),
    ("bill_to.email", &["invoice_email"]),
    ("lines.line_no", &["lines.line_no"]),
    ("lines.article_no", &["lines.article_no", "despatch_lines.article_no"]),
    ("lines.isbn", &["lines.isbn"]),
    ("lines.description", &["lines.description"]),
    ("lines.title", &["lines.description"]),
    ("lines.qty", &["lines.qty", "despatch_lines.qty"]),
    ("lines.unit", &["lines.unit"]),
    ("lines.unit_price", &["lines.net_price", "lines.gross_price"]),
    ("lines.net_price", &["lines.net_price"]),
    ("lines.price_per", &["lines.price_per"]),
    ("lines.line_total", &["lines.line_total"]),
    ("lines.tax_pct", &["lines.tax_pct"]),
    ("lines.discount_pct", &["lines.discount_pct"]),
    ("article_no", &["article_no", "despatch_lines.article_no"]),
    ("qty", &["qty", "despatch_lines.qty"]),
    ("warehouse", &["warehouse"]),
    ("price", &["price"]),
    ("valid_from", &["valid_from"]),
    ("unit", &["price_unit"]),
    ("shipment_no", &["despatches.delivery_note_no"]),
    ("shipped_at", &["despatches.shipped_at"]),
    ("carrier", &["despatches.carrier"]),
    ("service", &["despatches.service"]),
    ("tracking_no", &["trackings.tracking_no"]),
    ("tracking_url", &["trackings.tracking_url"]),
    ("credit_limit", &["credit_limit"]),
];
/// Of customers, called alike: where the customer's own address stands, or a further one.
const OF_CUSTOMERS: [&str; 8] = ["name", "street", "street2", "zip", "city", "state", "country", "phone"];
/// Of orders' buyers the kind has no address: one is taken as where the goods go, or kept.
const BUYER: [&str; 11] =
    ["name", "name2", "street", "street2", "zip", "city", "state", "country", "phone", "email", "contact"];

fn ours_of(kind: &str, meaning: &str) -> Vec<String> {
    if let Some(part) = meaning.strip_prefix("customer.").filter(|part| BUYER.contains(part)) {
        return vec![format!("delivery_{part}"), "extra".to_string()];
    }
    if kind == "customer" {
        let part = meaning.strip_prefix("addresses.").unwrap_or(meaning);
        if OF_CUSTOMERS.contains(&part) {
            return vec![part.to_string(), format!("addresses.{part}")];
        }
        return match meaning {
            "customer_no" | "email" | "credit_limit" => vec![meaning.to_string()],
            "contact" | "contact.name" => vec!["contact_name".to_string()],
            "group" => vec!["customer_group".to_string()],
            "addresses.type" => vec!["addresses.role".to_string(), "extra".to_string()],
            _ => vec!["extra".to_string()],
        };
    }
    match MEANS.iter().find(|(name, _)| *name == meaning) {
        Some((_, ours)) => ours.iter().map(|path| path.to_string()).collect(),
        None => vec!["extra".to_string()],
    }
}

fn leaves(value: &Value, path: &str, into: &mut BTreeMap<String, BTreeSet<String>>) {
    match value {
        Value::Object(object) => object.iter().for_each(|(name, value)| {
            let dot = if path.is_empty() { "" } else { "." };
            leaves(value, &format!("{path}{dot}{name}"), into);
        }),
        Value::Array(list) => list.iter().for_each(|value| leaves(value, path, into)),
        Value::Null => {}
        Value::String(text) => _ = into.entry(path.to_string()).or_default().insert(plain(text)),
        other => _ = into.entry(path.to_string()).or_default().insert(plain(&other.to_string())),
    }
}

/// Numbers by their value.
fn plain(text: &str) -> String {
    let text = text.trim();
    match decimal::parse(text.as_bytes(), b'.', 6) {
        Ok(number) if text.len() < 12 => decimal::text(number, 6),
        _ => text.to_string(),
    }
}

/// The values that the guessed layout would read of each of its fields.
fn values(found: &Guess, layout: &Layout) -> Vec<(String, BTreeSet<String>)> {
    let mut all = Vec::new();
    for (record, plan) in found.records.iter().zip(&layout.records) {
        for (row, field) in record.rows.iter().zip(&plan.fields) {
            if row.place.is_empty() {
                continue;
            }
            assert!(matches!(field.place, Place::One(_)), "{}", row.place);
            let (ours, scale) = match &field.ours {
                Ours::Field { group, field, .. } => {
                    (row.ours.clone(), layout.kind.groups[*group].fields[*field].field_type.scale())
                }
                Ours::Extra { .. } => ("extra".to_string(), None),
                _ => continue,
            };
            let mut scratch = Scratch::default();
            let read =
                row.values.iter().filter_map(|value| match field.form.read(value, chrono_tz::UTC, &mut scratch) {
                    Ok(Got::Text(text)) => Some(plain(text)),
                    Ok(Got::Number(number)) => Some(plain(&decimal::text(number, scale.unwrap_or(0)))),
                    _ => None,
                });
            all.push((ours, read.collect()));
        }
    }
    all
}

fn of(folder: &Path) -> (Guess, Layout, String) {
    let mut names: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.file_stem().is_some_and(|stem| stem == "sample"));
    let bytes = std::fs::read(&names[0]).unwrap();
    // The name says nothing here: neither the folder's nor the file's.
    let sample = Sample { name: "sample", bytes: &bytes };
    let found = guess(&[sample], shipped_kinds(), None).unwrap();
    let text = layout_text(&found, "guessed", &["sample".to_string()]);
    let (layout, _) = read_extended("guessed.toml", &text, shipped_kinds(), &shipped_texts())
        .unwrap_or_else(|problems| panic!("{}: {problems:#?}\n{text}", folder.display()));
    (found, layout, text)
}

/// What a file becomes with a layout, by the paths of its fields.
fn decoded(layout: &Layout, bytes: &[u8]) -> Vec<(String, BTreeSet<String>)> {
    let (found, _) = decoding::decode(layout, bytes);
    let mut all = BTreeMap::new();
    for message in found.messages() {
        leaves(&to_json(message), "", &mut all);
    }
    all.into_iter()
        .map(|(path, read)| (if path.contains("extra.") { "extra".to_string() } else { path }, read))
        .collect()
}

#[test]
fn at_least_fourteen_of_sixteen_samples_are_cut_as_they_are() {
    let Some(shared) = shared() else { return };
    let mut wrong = Vec::new();
    for (name, kind, syntax, encodings, delimiter, heading, tags) in EXPECTED {
        let (found, layout, _) = of(&shared.join(name));
        assert!(layout.guessed, "{name} could be applied unseen");
        let (cut, has_heading) = match found.syntax {
            Syntax::Delimited { delimiter, header, .. } => (delimiter, header),
            Syntax::Tagged { delimiter, .. } => (delimiter, false),
            _ => (' ', false),
        };
        let records: Vec<&str> = found.records.iter().map(|record| record.tag.as_str()).collect();
        let has_tags = tags.iter().all(|tag| records.contains(tag))
            && (!tags.contains(&"") || records.iter().all(|record| record.is_empty()));
        let told = format!(
            "{name}: {} {} {cut:?} {has_heading} {records:?} {}",
            found.syntax.word(),
            found.encoding,
            found.kind.name
        );
        println!("{told}");
        let is_shipped = matches!(found.syntax, Syntax::Shipped { .. });
        let right = found.syntax.word() == syntax
            && (is_shipped || encodings.contains(&found.encoding.as_str()))
            && cut == delimiter
            && has_heading == heading
            && has_tags;
        if !right || found.kind.name != kind {
            wrong.push(told);
        }
    }
    assert!(wrong.len() <= 2, "{wrong:#?}");
}

#[test]
fn at_least_sixty_percent_of_the_fields_are_found() {
    let Some(shared) = shared() else { return };
    let (mut right, mut all) = (0, 0);
    let mut missed = Vec::new();
    for (name, ..) in EXPECTED {
        let folder = shared.join(name);
        let (found, layout, _) = of(&folder);
        let expected: Value =
            serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap();
        let mut wanted = BTreeMap::new();
        for key in ["orders", "customers", "stock", "prices", "order_statuses"] {
            leaves(&expected[key], "", &mut wanted);
        }
        let values = match found.syntax {
            Syntax::Shipped { .. } => decoded(&layout, &std::fs::read(folder.join("sample.xml")).unwrap()),
            _ => values(&found, &layout),
        };
        let before = (right, all);
        for (meaning, wanted) in &wanted {
            let ours = ours_of(&found.kind.name, meaning);
            all += 1;
            match values.iter().any(|(path, read)| ours.contains(path) && wanted.is_subset(read)) {
                true => right += 1,
                false => missed.push(format!("{name}: {meaning} {wanted:?}")),
            }
        }
        println!("{name}: {} of {}", right - before.0, all - before.1);
    }
    println!("{right} of {all}; missed:\n{}", missed.join("\n"));
    assert!(right * 100 >= all * 60, "{right} of {all}");
}

/// Files that nobody had in mind when the words were written down.
#[test]
fn other_files_are_understood_too() {
    let of = |text: &str| {
        let found = guess(&[Sample { name: "x", bytes: text.as_bytes() }], shipped_kinds(), None).unwrap();
        let toml = layout_text(&found, "x", &["x".to_string()]);
        read_layout("x.toml", &toml, shipped_kinds()).unwrap_or_else(|problems| panic!("{problems:#?}\n{toml}"));
        let fields: Vec<String> =
            found.records.iter().flat_map(|record| &record.rows).map(|row| row.ours.clone()).collect();
        (found.kind.name.clone(), fields, toml)
    };
    let (kind, fields, toml) = of(
        "Belegnummer;Kd-Nr;Bestelldatum;Pos;Artikelnummer;Bezeichnung;Menge;ME;Einzelpreis\nA7;100;03.11.2026;1;X-1;Ölfilter;2,5;PCE;1.234,50\nA7;100;03.11.2026;2;X-2;Dichtung;1,0;PCE;3,00\n",
    );
    assert_eq!(kind, "order", "{toml}");
    assert_eq!(
        fields,
        [
            "buyer_order_no",
            "customer_no",
            "order_date",
            "lines.line_no",
            "lines.article_no",
            "lines.description",
            "lines.qty",
            "lines.unit",
            "lines.net_price"
        ],
        "{toml}"
    );
    assert!(toml.contains("date %d.%m.%Y") && toml.contains("decimal point=, thousands=."), "{toml}");
    let (kind, fields, toml) = of("Artikelnr\tLagerställe\tSaldo\tEnhet\nA-1\tSTO\t12\tPCE\nA-2\tSTO\t0\tPCE\n");
    assert_eq!(
        (kind.as_str(), &fields[..]),
        ("stock", &["article_no", "warehouse", "qty", "unit"].map(String::from)[..]),
        "{toml}"
    );
    let (kind, fields, toml) = of(
        "Klantnummer,Naam,Straat,Postcode,Plaats,Land,E-mail\n10,Jansen BV,Dorpsstraat 1,1234 AB,Utrecht,NL,a@b.example\n11,De Vries,Kade 2,5678 CD,Delft,NL,c@d.example\n",
    );
    assert_eq!(
        (kind.as_str(), &fields[..]),
        ("customer", &["customer_no", "name", "street", "zip", "city", "country", "email"].map(String::from)[..]),
        "{toml}"
    );
    let (kind, fields, toml) = of(
        "Artikelnummer|Preisliste|Staffelmenge|Preis|Währung|gültig ab\nA-1|HK|1|12.50|EUR|2026-01-01\nA-1|HK|10|11.00|EUR|2026-01-01\n",
    );
    assert_eq!(
        (kind.as_str(), &fields[..]),
        ("price", &["article_no", "price_list", "from_qty", "price", "currency", "valid_from"].map(String::from)[..]),
        "{toml}"
    );
    let (kind, fields, toml) = of(
        "<Orders><Order No='1'><OrderDate>2026-01-02</OrderDate><ShipTo><City>Oslo</City><Zip>0150</Zip></ShipTo><Lines><Line><Sku>A</Sku><Qty>2</Qty></Line><Line><Sku>B</Sku><Qty>1</Qty></Line></Lines></Order><Order No='2'><OrderDate>2026-01-03</OrderDate><ShipTo><City>Bergen</City><Zip>5004</Zip></ShipTo><Lines><Line><Sku>A</Sku><Qty>3</Qty></Line></Lines></Order></Orders>",
    );
    assert_eq!(kind, "order", "{toml}");
    for field in ["order_date", "delivery_city", "delivery_zip", "lines.article_no", "lines.qty"] {
        assert!(fields.iter().any(|found| found == field), "{field}: {toml}");
    }
}

#[test]
fn what_is_no_sample_of_rows_is_refused_with_its_name() {
    for (bytes, words) in [
        (&b"UNA:+.? 'UNB+UNOC:3+1+2+260101:1200+1'UNH+1+INVOIC:D:96A:UN'"[..], "cannot be guessed"),
        (b"%PDF-1.7", "cannot be guessed"),
        (b"  \n", "empty"),
        (b"<a><b></a>", "begins like XML and is none"),
    ] {
        let why = guess(&[Sample { name: "x", bytes }], shipped_kinds(), None).unwrap_err();
        assert!(why.contains(words), "{why}");
    }
}

/// The layout that `layout guess` writes of some bytes.
fn written(samples: &[&[u8]]) -> Result<(Guess, Layout, String), String> {
    let samples: Vec<Sample<'_>> = samples.iter().map(|bytes| Sample { name: "x", bytes }).collect();
    let found = guess(&samples, shipped_kinds(), None)?;
    let text = layout_text(&found, "x", &["x".to_string()]);
    match read_extended("x.toml", &text, shipped_kinds(), &shipped_texts()) {
        Ok((layout, _)) => Ok((found, layout, text)),
        Err(problems) => panic!("{problems:#?}\n{text}"),
    }
}

/// What it writes reads the very file it was made of: some messages, or every reason why not is about a value.
#[test]
fn what_is_guessed_reads_the_sample_it_was_guessed_of() {
    let Some(shared) = shared() else { return };
    let mut unread = Vec::new();
    for (name, ..) in EXPECTED {
        let folder = shared.join(name);
        let mut names: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.retain(|path| path.file_stem().is_some_and(|stem| stem == "sample"));
        let bytes = std::fs::read(&names[0]).unwrap();
        let (_, layout, text) = written(&[&bytes]).unwrap();
        let (found, decoded) = decoding::decode(&layout, &bytes);
        let good = found.messages().count();
        println!("{name}: {good} read, {} refused, {:?}", found.refused.len(), decoded.fatal.kept().first());
        if good == 0 {
            unread.push(format!("{name}: {:?} {:?}\n{text}", decoded.fatal, found.refused.first()));
        }
    }
    assert!(unread.is_empty(), "{}", unread.join("\n"));
}

#[test]
fn standards_are_proposed_as_what_ships() {
    let edifact = b"UNB+UNOC:3+4099999000016:14+4012345000009:14+260115:0930+1'UNH+1+ORDERS:D:96A:UN:EAN008'BGM+220+PO-7+9'DTM+137:20260115:102'LIN+1++4000000000017:EN'QTY+21:5:PCE'UNS+S'UNT+7+1'UNZ+1+1'";
    let (_, layout, text) = written(&[edifact]).unwrap();
    assert!(text.contains("extends = \"edifact-orders\"") && layout.guessed, "{text}");
    assert_eq!(decoding::decode(&layout, edifact).0.messages().count(), 1);
    let ubl = b"<Order xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:Order-2\"/>";
    assert!(written(&[ubl]).unwrap().2.contains("extends = \"ubl-order\""));
}

#[test]
fn samples_nobody_had_in_mind_are_cut_and_read() {
    let umlauts = "Nr;Kunde;Ort;Menge;Artikel\n7;C1;Köln;2,5;A-1\n8;C2;Göteborg;1,0;A-2\n";
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(umlauts.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let mut cp850 = Vec::new();
    Encoding::named("cp850").unwrap().encode(umlauts, &mut cp850).unwrap();
    for (bytes, encoding) in [(&utf16, "utf-16"), (&cp850, "cp850")] {
        let (found, _, text) = written(&[bytes]).unwrap();
        assert_eq!(found.encoding, encoding, "{text}");
        assert!(text.contains("point=,"), "{text}");
    }
    let dates = "Order;Date;Sku;Qty\n7;03/04/2026;A-1;2\n8;05/06/2026;A-2;1\n";
    let (found, ..) = written(&[dates.as_bytes()]).unwrap();
    assert!(found.notes.iter().any(|note| note.contains("day or month first")), "{:?}", found.notes);
    let (found, ..) = written(&[b"Order;Date;Sku;Qty\n7;03/14/2026;A-1;2\n"]).unwrap();
    assert!(!found.notes.iter().any(|note| note.contains("day or month first")), "{:?}", found.notes);
    // Two samples, of which only both show all.
    let (_, layout, text) =
        written(&[b"H;7;x;20260115\nL;A-1;2\nL;A-2;4\n", b"H;8;y;20260116\nL;A-3;12\nL;A-1;1\n"]).unwrap();
    assert_eq!(decoding::decode(&layout, b"H;7;x;20260115\nL;A-1;2\nL;A-2;4\n").0.messages().count(), 1, "{text}");
    // Columns by blanks, days that touch, decimals that touch a text.
    let fixed = "00012 BOLT 3/8       2026010220260120  120.0000PO8841\n00012 WASHER 3/8     2026010220260120 1500.5000PO8841\n00419 MOTOR 5HP      2026010520260228    2.0000PO8852\n";
    let (found, _, text) = written(&[fixed.as_bytes()]).unwrap();
    let places: Vec<&str> = found.records[0].rows.iter().map(|row| row.place.as_str()).collect();
    for place in ["22-29", "30-38", "48-53"] {
        assert!(places.contains(&place), "{place} of {places:?}\n{text}");
    }
    // Rows that go on with the one before.
    let rows = "Kundennummer,Name,Ort,Strasse,E-Mail\nC1,Nord AS,Oslo,Gate 1,a@b.example\n,,Moss,Gate 2,\nC2,Syd AB,Lund,Torg 1,c@d.example\n,,Kiel,Weg 4,\n";
    let (_, layout, text) = written(&[rows.as_bytes()]).unwrap();
    assert!(text.contains("unless = [") && text.contains("when = ["), "{text}");
    assert_eq!(decoding::decode(&layout, rows.as_bytes()).0.messages().count(), 2, "{text}");
    let tagged = "01C7\n#100;PO-1\n11100\n#200;A-1\n#210;2\n11200\n#200;B-2\n#210;1\n01C8\n#100;PO-2\n11100\n#200;A-1\n#210;12\n";
    let (_, _, text) = written(&[tagged.as_bytes()]).unwrap();
    assert!(
        text.contains("syntax = \"tagged\"") && text.contains("prefix = \"#\"") && text.contains("[\"200\", "),
        "{text}"
    );
}

/// Whatever the bytes are: a proposal that compiles, or a reason.
#[test]
fn no_bytes_make_it_fail_or_hang() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let pieces: [&[u8]; 16] = [
        b";",
        b"\n",
        b"\r\n",
        b"\"",
        b"<a>",
        b"</a>",
        b"#1;",
        b"01",
        b"\xff\xfe",
        b"\xc3\xa4",
        b"20260101",
        b"1.234,50",
        b"UNB+",
        b"  ",
        b"\t",
        b"H;",
    ];
    for round in 0..300 {
        let mut bytes = Vec::new();
        for _ in 0..next() % 60 {
            match next() % 3 {
                0 => bytes.push(next() as u8),
                _ => bytes.extend_from_slice(pieces[(next() % 16) as usize]),
            }
        }
        let half = bytes.len() / 2;
        // Panics with what is wrong where what is written does not compile.
        let _ = if round % 2 == 0 { written(&[&bytes]) } else { written(&[&bytes[..half], &bytes[half..]]) };
    }
}
