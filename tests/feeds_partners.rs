//! Partners who get files, from the database: what their expected.json says comes in by Nattpost's own formats through the real
//! binary, the feed of the scenario case goes out, and the file is the partner's published sample.

mod another_user;
mod cases {
    // The scenario cases need all of it.
    #[allow(dead_code)]
    pub mod desk;
}

use std::fs;
use std::path::{Path, PathBuf};

use cases::desk::Desk;
use nattpost::model::canonical::lines;
use serde_json::Value;

/// The folder of a partner's page, sample and expected.json, where the collection is there.
fn shared(partner: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let root = std::env::var_os("NATTPOST_SHARED").map_or_else(beside, PathBuf::from);
    let folder = root.join("partners").join(partner);
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

struct Partner {
    desk: Desk,
    folder: PathBuf,
    said: Value,
}

impl Partner {
    /// The configuration of a case, with the layouts that it names.
    fn of(case: &str, layouts: &[&str], folder: &str) -> Option<Partner> {
        let folder = shared(folder)?;
        let said = serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
        let desk = Desk::new(case);
        layouts.iter().for_each(|layout| desk.lay_out(layout));
        Some(Partner { said, desk, folder })
    }

    /// In the own CSV of a kind: columns and rows.
    fn comes_in(&self, intake: &str, kind: &str, columns: &str, rows: &[String]) {
        let mut text = format!("nattpost;{kind};1\n!{kind};{columns}\n");
        rows.iter().for_each(|row| text.push_str(&format!("{kind};{row}\n")));
        self.desk.put(intake, format!("{kind}.csv").as_bytes(), text.as_bytes());
        let told = self.desk.run(&["run", "--once"]);
        let is_taken = ["file-accepted", "file-unchanged"].iter().any(|event| told.text.contains(event));
        assert!(told.code == 0 && is_taken, "{}", told.text);
        assert!(!told.text.contains("level=warning"), "{}", told.text);
    }

    fn sends(&self, feed: &str, more: &[&str]) {
        let told = self.desk.run(&[&["send", feed], more].concat());
        assert!(told.code == 0 && told.text.contains("row(s)"), "{}", told.text);
    }

    /// The partner takes a file away.
    fn takes(&self, file: &str) {
        fs::remove_file(self.desk.spool().join("out").join(file)).unwrap();
        let told = self.desk.run(&["run", "--once"]);
        assert!(told.text.contains("run-sent"), "{}", told.text);
    }

    fn written(&self, file: &str) -> Vec<u8> {
        let path = self.desk.spool().join("out").join(file);
        fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    fn sample(&self, file: &str) -> Vec<u8> {
        fs::read(self.folder.join(file)).unwrap()
    }

    fn same(&self, file: &str, sample: &str) {
        let shown = |bytes: &[u8]| -> String { bytes.iter().map(|b| *b as char).collect() };
        assert_eq!(shown(&self.written(file)), shown(&self.sample(sample)), "{sample}");
    }

    fn rows(&self, list: &str, row: impl Fn(&Value) -> String) -> Vec<String> {
        self.said[list].as_array().unwrap().iter().map(row).collect()
    }
}

/// A value of a row of expected.json; empty where it says nothing.
fn text(row: &Value, name: &str) -> String {
    match &row[name] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[test]
fn erc_gets_its_full_file_and_what_differs_from_it() {
    let Some(partner) = Partner::of("340-values-of-other-kinds", &["erc-stockfeed"], "33-erc-stockfeed-tab") else {
        return;
    };
    let say = |state: &str| {
        let rows = |row: &dyn Fn(&Value) -> String| partner.rows(state, row);
        let articles = rows(&|row| format!("{};{}", text(row, "article_no"), text(row, "ean")));
        partner.comes_in("erp/articles", "article", "article_no;ean", &articles);
        let prices = rows(&|row| format!("EK;{};EUR;{}", text(row, "article_no"), text(row, "price")));
        partner.comes_in("erp/prices", "price", "price_list;article_no;currency;price", &prices);
        let shelf =
            rows(&|row| format!("{};INT;{};{}", text(row, "article_no"), text(row, "qty"), text(row, "lead_days")));
        let external = rows(&|row| {
            format!("{};EXT;{};{}", text(row, "article_no"), text(row, "qty_external"), text(row, "lead_days_external"))
        });
        partner.comes_in("erp/stock", "stock", "article_no;warehouse;qty;days", &[shelf, external].concat());
    };
    say("stock");
    partner.sends("market/stock", &["--full"]);
    let full = partner.desk.tree().into_iter().rfind(|path| path.starts_with("out/market/")).unwrap();
    let full = full.strip_prefix("out/").unwrap().to_string();
    partner.same(&full, "samples/StockFeedInit.csv");
    partner.takes(&full);
    say("later_state");
    partner.sends("market/stock", &[]);
    let delta = partner.desk.tree().into_iter().find(|path| path.contains("Incremental")).unwrap();
    partner.same(delta.strip_prefix("out/").unwrap(), "samples/StockFeedIncremental.csv");
}

#[test]
fn tradebyte_gets_an_element_for_each_article() {
    let Some(partner) = Partner::of("341-by-their-ean", &["tbstock"], "34-tradebyte-tbstock") else { return };
    // An article that expected.json names by its EAN has a number with us.
    let number = |row: &Value| row["article_no"].as_str().map_or("5000".to_string(), str::to_string);
    let mut articles = partner.rows("stock", |row| format!("{};{}", number(row), text(row, "ean")));
    articles.dedup();
    partner.comes_in("erp/articles", "article", "article_no;ean", &articles);
    let stock = partner.rows("stock", |row| format!("{};{};{}", number(row), text(row, "warehouse"), text(row, "qty")));
    partner.comes_in("erp/full-stock", "stock", "article_no;warehouse;qty", &stock);
    // The moment of the file is another than the sample's.
    let without_moment = |bytes: &[u8]| -> Vec<String> {
        let told = lines(bytes).unwrap();
        told.into_iter().map(|line| if line.contains("changedate") { "changedate".to_string() } else { line }).collect()
    };
    let written = partner.written("market/tbstock_1.xml");
    assert_eq!(without_moment(&written), without_moment(&partner.sample("sample.xml")));
    partner.takes("market/tbstock_1.xml");
    // The incremental: one warehouse of one article.
    let changed: Vec<String> = stock.iter().map(|row| row.replace("whberlin;5", "whberlin;4")).collect();
    assert_ne!(changed, stock);
    partner.comes_in("erp/full-stock", "stock", "article_no;warehouse;qty", &changed);
    partner.sends("market/stock", &[]);
    let told = String::from_utf8(partner.written("market/tbstock_2.xml")).unwrap();
    assert_eq!((told.matches("<A_STOCK").count(), told.contains("frankfurt")), (1, false), "{told}");
    assert!(told.contains("<A_NR>4712</A_NR>") && told.contains("key=\"whberlin\">4<"), "{told}");
}

#[test]
fn storel_gets_prices_discounts_and_net_prices() {
    let layouts = ["storel-prices", "storel-prices/net", "storel-prices/discounts"];
    let case = "342-prices-discounts-and-net-prices";
    let Some(partner) = Partner::of(case, &layouts, "37-storel-gn-prislista") else { return };
    let net = partner.said["net_prices"].as_array().unwrap().clone();
    let articles = partner.rows("prices", |row| {
        let short = net.iter().find(|net| net["article_no"] == row["article_no"]).map(|net| text(net, "description"));
        let values = ["article_no", "description", "responsibility", "stocked", "status"].map(|name| text(row, name));
        let [no, name, responsibility, stocked, status] = values;
        format!("{no};{name};{};{responsibility};{stocked};{status}", short.unwrap_or_default())
    });
    partner.comes_in("erp/articles", "article", "article_no;name;name2;responsibility;stocked;sold", &articles);
    let price = |row: &Value, list: &str, customer: &str, unit: &str| {
        let values = ["article_no", "valid_from", "price", "group"].map(|name| text(row, name));
        let [no, from, price, group] = values;
        format!("{list};{customer};{no};SEK;{from};{price};{unit};{group}")
    };
    let gross = partner.rows("prices", |row| price(row, "GN", "", &text(row, "unit")));
    let columns = "price_list;customer_no;article_no;currency;valid_from;price;price_unit;discount_group";
    partner.comes_in("erp/prices", "price", columns, &gross);
    // There are none yet, and the file says so.
    partner.sends("storel/net", &[]);
    partner.same("storel/netto_1.txt", "samples/nettopris_empty.txt");
    partner.takes("storel/netto_1.txt");
    partner.comes_in("erp/prices", "price", columns, &partner.rows("net_prices", |row| price(row, "", "20077", "")));
    let letter = partner.rows("group_discounts", |row| {
        format!("{};{};{}", text(row, "group"), text(row, "discount1_pct"), text(row, "discount2_pct"))
    });
    partner.comes_in("erp/discounts", "discount", "discount_group;discount_pct;discount2_pct", &letter);
    for (feed, file, sample) in [
        ("storel/gross", "storel/gn_1.txt", "samples/gn_prislista.txt"),
        ("storel/discounts", "storel/rabatt_1.txt", "samples/rabattbrev.txt"),
        ("storel/net", "storel/netto_2.txt", "samples/nettopris.txt"),
    ] {
        partner.sends(feed, &[]);
        partner.same(file, sample);
    }
}

#[test]
fn richer_gets_five_prices_side_by_side() {
    let Some(partner) = Partner::of("343-five-prices-side-by-side", &["richer-parts"], "40-richer-parts-118") else {
        return;
    };
    let articles = partner.rows("prices", |row| format!("{};{}", text(row, "article_no"), text(row, "description")));
    partner.comes_in("erp/articles", "article", "article_no;name", &articles);
    let mut prices = Vec::new();
    for (list, name) in
        [("1", "price1"), ("2", "price2"), ("3", "price3"), ("4", "price4"), ("cost", "cost"), ("core", "core")]
    {
        prices.extend(
            partner.rows("prices", |row| format!("{list};{};CAD;{}", text(row, "article_no"), text(row, name))),
        );
    }
    partner.comes_in("erp/prices", "price", "price_list;article_no;currency;price", &prices);
    partner.same("garage/parts_1.txt", "sample.txt");
}

/// An order of a marketplace in our own XML, with his numbers of its lines, and where it stands in the ERP's.
fn order(number: &str, lines: &[(&str, &str, &str)]) -> String {
    let lines: Vec<String> = lines
        .iter()
        .enumerate()
        .map(|(nth, (mark, article, qty))| {
            format!(
                "<line><line_no>{}</line_no><partner_line_ref>{mark}</partner_line_ref><article_no>{article}</article_no><qty>{qty}</qty></line>",
                nth + 1
            )
        })
        .collect();
    format!(
        "<order><buyer_order_no>{number}</buyer_order_no><customer_no>20077</customer_no><lines>{}</lines></order>",
        lines.concat()
    )
}

fn element(name: &str, value: &str) -> String {
    if value.is_empty() { String::new() } else { format!("<{name}>{value}</{name}>") }
}

/// A despatch of one expected row, with its lines.
fn despatch(row: &Value, lines: &str) -> String {
    let tracking =
        element("tracking_no", &text(row, "tracking_no")) + &element("tracking_url", &text(row, "tracking_url"));
    let head = [
        ("delivery_note_no", "shipment_no"),
        ("carrier", "carrier"),
        ("service", "service"),
        ("shipped_at", "shipped_at"),
    ]
    .map(|(ours, theirs)| element(ours, &text(row, theirs)));
    let parcels = if tracking.is_empty() {
        String::new()
    } else {
        format!("<trackings><tracking>{tracking}</tracking></trackings>")
    };
    format!("<despatch>{}{parcels}<despatch_lines>{lines}</despatch_lines></despatch>", head.concat())
}

fn status(number: &str, despatches: &str) -> String {
    format!(
        "<order_status><partner>market</partner><customer_no>20077</customer_no><buyer_order_no>{number}</buyer_order_no><status>shipped</status><despatches>{despatches}</despatches></order_status>"
    )
}

impl Partner {
    /// Orders and their status in our own XML.
    fn is_told(&self, orders: &str, statuses: &str) {
        let orders = format!("<?xml version=\"1.0\"?>\n<orders version=\"1\">{orders}</orders>\n");
        let statuses = format!("<?xml version=\"1.0\"?>\n<order_statuses version=\"1\">{statuses}</order_statuses>\n");
        self.desk.put("market/own-orders", b"orders.xml", orders.as_bytes());
        self.desk.put("erp/order-status", b"status.xml", statuses.as_bytes());
        let told = self.desk.run(&["run", "--once"]);
        assert_eq!(told.text.matches("file-accepted").count(), 2, "{}", told.text);
    }
}

#[test]
fn thirty_five_up_gets_a_row_for_each_line_of_a_despatch() {
    let case = "344-a-row-for-each-line-of-a-despatch";
    let Some(partner) = Partner::of(case, &["35up-shipments"], "43-35up-shipments-csv") else { return };
    let rows = partner.said["order_statuses"].as_array().unwrap().clone();
    let (mut orders, mut statuses) = (String::new(), String::new());
    let mut numbers: Vec<String> = rows.iter().map(|row| text(row, "order_no")).collect();
    numbers.dedup();
    for number in &numbers {
        let of_order: Vec<&Value> = rows.iter().filter(|row| text(row, "order_no") == *number).collect();
        let mut marks: Vec<(String, String)> = Vec::new();
        for row in &of_order {
            let mark = (text(row, "partner_line_ref"), text(row, "article_no"));
            if !marks.contains(&mark) {
                marks.push(mark);
            }
        }
        let lines: Vec<(&str, &str, &str)> =
            marks.iter().map(|(mark, article)| (&mark[..], &article[..], "9")).collect();
        orders.push_str(&order(number, &lines));
        let mut shipments: Vec<String> = of_order.iter().map(|row| text(row, "shipment_no")).collect();
        shipments.dedup();
        let mut despatches = String::new();
        for shipment in shipments {
            let rows: Vec<&&Value> = of_order.iter().filter(|row| text(row, "shipment_no") == shipment).collect();
            let lines: Vec<String> = rows
                .iter()
                .map(|row| {
                    let line = marks.iter().position(|(mark, _)| *mark == text(row, "partner_line_ref")).unwrap() + 1;
                    let article = text(row, "article_no");
                    let qty = text(row, "qty");
                    format!("<despatch_line><line_no>{line}</line_no><article_no>{article}</article_no><qty>{qty}</qty></despatch_line>")
                })
                .collect();
            despatches.push_str(&despatch(rows[0], &lines.concat()));
        }
        statuses.push_str(&status(number, &despatches));
    }
    partner.is_told(&(orders + &order("NOTHING-LEFT", &[("1", "K", "1")])), &statuses);
    partner.sends("market/own-shipments", &[]);
    partner.same("market/own_1.csv", "sample.csv");
}

#[test]
fn amazon_gets_a_message_for_each_despatch() {
    let case = "345-a-message-for-each-despatch";
    let Some(partner) = Partner::of(case, &["amazon-fulfilment"], "44-amazon-orderfulfillment-xml") else { return };
    let row = partner.said["order_statuses"][0].clone();
    let line = &row["lines"][0];
    let number = text(&row, "order_no");
    let lines = format!("<despatch_line><line_no>1</line_no><qty>{}</qty></despatch_line>", text(line, "qty"));
    partner
        .is_told(&order(&number, &[(&text(line, "line_ref"), "K-1", "2")]), &status(&number, &despatch(&row, &lines)));
    // The window of the feed reaches back to when orders were received, whatever their despatch says.
    partner.sends("market/own-fulfilment", &[]);
    let written = partner.written("market/own_1.xml");
    assert_eq!(lines_of(&written), lines_of(&partner.sample("sample.xml")));
}

fn lines_of(bytes: &[u8]) -> Vec<String> {
    lines(bytes).unwrap()
}
