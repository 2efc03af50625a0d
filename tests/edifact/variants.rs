//! Orders as other senders write them: quantities in schedules, parts of sets, other syntax versions and character sets, several
//! interchanges cut in different ways, marks at the edges of what is read at once.

use std::io::{self, Read};

use nattpost::model::json::to_json;
use nattpost::model::layout::Layout;
use nattpost::model::layout::standards::STANDARDS;
use nattpost::model::syntax::edifact::{Next, SegmentReader};
use serde_json::{Value, json};

use crate::decoding::{decode, layout_of};
use crate::{order, shipped};

/// Messages, and code and text of each problem.
fn read_with(layout: &Layout, text: &str) -> (Vec<Value>, Vec<String>) {
    let (found, decoded) = decode(layout, text.as_bytes());
    let problems = found.refused.iter().flat_map(|r| &r.problems).chain(decoded.fatal.kept());
    (found.messages().map(to_json).collect(), problems.map(|p| format!("{} {p}", p.code)).collect())
}

fn line_of(line: &str) -> Value {
    let (messages, problems) = read_with(shipped(), &order("", line));
    assert!(problems.is_empty(), "{problems:?}");
    messages[0]["lines"][0].clone()
}

fn refused(text: &str) -> String {
    let (messages, problems) = read_with(shipped(), text);
    assert!(messages.is_empty(), "{messages:?}");
    problems.join("\n")
}

#[test]
fn a_quantity_that_stands_only_in_the_schedule_is_the_sum_of_it() {
    let one = line_of("LIN+1++4012345000009:EN'SCC+1'QTY+21:12:PCE'DTM+2:20261201:102'");
    assert_eq!((&one["qty"], &one["unit"]), (&json!("12"), &json!("PCE")));
    let two = "SCC+1'QTY+21:12:PCE'DTM+2:20261201:102'SCC+1'QTY+113:7,5:PCE'DTM+2:20261215:102'";
    let line = line_of(&format!("LIN+1++4012345000009:EN'{two}"));
    assert_eq!((&line["qty"], &line["unit"]), (&json!("19.5"), &json!("PCE")));
    assert_eq!(line["extra"], json!({"schedule_qty": "12, 7,5", "schedule_dates": "2026-12-01, 2026-12-15"}));
    let line = line_of(&format!("LIN+1++4012345000009:EN'QTY+21:20:PCE'{two}"));
    assert_eq!(line["qty"], "20", "that of the line counts where there is one");
    let places = "LOC+7+4099999000030::9'QTY+11:5:PCE'LOC+7+4099999000047::9'QTY+11:10:PCE'";
    let line = line_of(&format!("LIN+1++4012345000009:EN'{places}"));
    assert_eq!((&line["qty"], &line["unit"]), (&json!("15"), &json!("PCE")));
    assert_eq!(line["extra"], json!({"places": "4099999000030, 4099999000047", "place_qty": "5, 10"}));
}

#[test]
fn a_schedule_that_cannot_be_added_is_refused() {
    let line = |schedule: &str| refused(&order("", &format!("LIN+1++4012345000009:EN'{schedule}")));
    let units = line("SCC+1'QTY+21:1:PCE'SCC+1'QTY+21:1:BX'");
    assert!(units.starts_with("head-contradicts") && units.contains("BX"), "{units}");
    assert!(
        line("SCC+1'QTY+21:1'SCC+1'QTY+21:many'").contains("many"),
        "{}",
        line("SCC+1'QTY+21:1'SCC+1'QTY+21:many'")
    );
    assert!(line("SCC+1'DTM+2:20261201:102'").starts_with("value-missing"));
}

#[test]
fn parts_of_a_set_say_whose_parts_they_are() {
    let text = order("", "LIN+1++4012345000009:EN'QTY+21:2'LIN+2++4012345000016:EN+1:1'QTY+21:12'");
    let (messages, problems) = read_with(shipped(), &text);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(messages[0]["lines"][1]["extra"], json!({"sub_line": "1", "sub_line_of": "1"}));
    assert!(messages[0]["lines"][0]["extra"].is_null());
}

#[test]
fn repetitions_of_syntax_version_4_are_not_taken_for_text() {
    let described = |head: &str, text: &str| {
        order("", &format!("LIN+1++4012345000009:EN'IMD+F++:::{text}'QTY+21:2'")).replace("UNB+UNOC:3", head)
    };
    let text = |order: &str| {
        let (messages, problems) = read_with(shipped(), order);
        (problems.join("\n"), messages.first().map(|m| m["lines"][0]["description"].clone()).unwrap_or_default())
    };
    assert_eq!(text(&described("UNB+UNOC:3", "5*10 mm")), (String::new(), json!("5*10 mm")));
    assert_eq!(text(&described("UNB+UNOC:4", "5?*10 mm")), (String::new(), json!("5*10 mm")));
    let (problem, _) = text(&described("UNB+UNOC:4", "5*10 mm"));
    assert!(
        problem.starts_with("value-repeated") && problem.contains("IMD, element 3, components 4 to 5 (description)"),
        "{problem}"
    );
    assert_eq!(text(&described("UNA:+.? 'UNB+UNOC:4", "5*10 mm")), (String::new(), json!("5*10 mm")), "UNA has none");
    assert!(text(&described("UNA:+.?#'UNB+UNOC:4", "5#10 mm")).0.starts_with("value-repeated"));
    let shipped = STANDARDS.iter().find(|(id, _)| *id == "edifact-orders").unwrap().1;
    let kept = layout_of(&shipped.replacen("[edifact]\n", "[edifact]\nrepetition = \"data\"\n", 1));
    let (messages, _) = read_with(&kept, &described("UNB+UNOC:4", "5*10 mm"));
    assert_eq!(messages[0]["lines"][0]["description"], "5*10 mm");
}

#[test]
fn character_sets_are_read_or_refused_by_name() {
    let named = |set: &str| order("FTX+AAI+++Grüße'", "LIN+1++4012345000009:EN'QTY+21:2'").replace("UNOC", set);
    for set in ["UNOA", "UNOB", "UNOC", "UNOL", "UNOW", "UNOY"] {
        let (messages, problems) = read_with(shipped(), &named(set));
        assert!(problems.is_empty() && messages[0]["note"] == "Grüße", "{set}: {problems:?}");
    }
    let problem = refused(&named("UNOX"));
    assert!(
        problem.contains("UNB, element 1 (character set)") && problem.contains("ISO 2022") && problem.contains("UNOY"),
        "{problem}"
    );
    assert!(refused(&named("UNOQ")).contains("a character set: UNOA"));
    assert!(refused(&order("", "").replace("UNOC:3", "UNOC:5")).contains("a syntax version from 1 to 4"));
}

#[test]
fn several_interchanges_with_their_own_marks_groups_and_other_messages() {
    let line = "LIN+1++4012345000009:EN'QTY+21:2'";
    let first = order("", line);
    let grouped = "UNB+UNOA:2+S+R+261120:0815+2'UNG+ORDERS+S+R+261120:0815+1+UN+D:93A'UNH+1+ORDERS:D:93A:UN'BGM+220+N-2+9'\
        DTM+137:20261120:102'LIN+1++A:SA'QTY+21:2'UNS+S'UNT+7+1'UNE+1+1'UNG+INVOIC+S+R+261120:0815+2+UN+D:96A'\
        UNH+2+INVOIC:D:96A:UN'BGM+380+R-1+9'UNT+3+2'UNE+1+2'UNZ+2+2'\r\n\x1a";
    let other = "UNA*|,= ~UNB|UNOC*3|S|R|261120*0815|3~UNH|1|ORDERS*D*01B*UN*EAN010~BGM|220|N=~3|9~DTM|137*20261120*102~\
        LIN|1||4012345000009*SRV~QTY|21*1,5*KGM~PRI|AAA*2,5~UNS|S~UNT|8|1~UNZ|1|3~";
    let (messages, problems) = read_with(shipped(), &format!("{first}{grouped}{other}"));
    assert_eq!(
        messages.iter().map(|m| m["buyer_order_no"].as_str().unwrap()).collect::<Vec<_>>(),
        ["N-1", "N-2", "N~3"]
    );
    assert!(problems.len() == 1 && problems[0].contains("EDIFACT INVOIC D.96A"), "{problems:?}");
    assert_eq!(
        (&messages[2]["lines"][0]["qty"], &messages[2]["lines"][0]["net_price"]),
        (&json!("1.5"), &json!("2.5"))
    );
}

/// A full EANCOM order of a retailer, and the same as older directories say it.
#[test]
fn the_versions_of_the_directories_are_read_alike() {
    let text = |version: &str, ean: &str| {
        format!(
            "UNA:+.? 'UNB+UNOC:3+4099999000016:14+4099999000023:14+261120:0815+77++ORDERS+++EANCOM+1'UNH+1+ORDERS:D:{version}:UN:EAN008'\
            BGM+220::9+PO/77?+A+9+AB'DTM+137:202611200815:203'DTM+64:20261201:102'DTM+63:20261203:102'FTX+PUR+3++Ring twice?: it?'s loud'\
            RFF+CT:C-1'DTM+171:20260101:102'RFF+PL:L-9'NAD+BY+4099999000016::9'RFF+VA:DE1'CTA+OC+:Ann Öst'COM+040?+1:TE'\
            NAD+SU+4099999000023::9'NAD+DP+4099999000030::9++Store 4+Kai 1:Hof+Kiel++24103+DE'CUX+2:EUR:9+3:USD:4+1,1'PAT+1++5:3:D:30'\
            TDT+20++30+31'TOD+3++DDP'ALC+C++6++FC:::Freight'MOA+8:4.90'LIN+1++4012345000009:{ean}'PIA+1+A-100:SA+77-1:IN'PIA+5+Z:MF'\
            IMD+F++:::Screws:galvanised'MEA+PD+AAA+KGM:2'QTY+21:200:PCE'QTY+59:10'MOA+203:39.60'PRI+AAA:19,80::NTP:100:PCE'\
            PRI+AAB:22:CA:SRP:100:PCE'RFF+LI:10'PAC+2+1+CT'ALC+A+++1'PCD+3:5'TAX+7+VAT+++:::19'UNS+S'MOA+79:39.60'CNT+2:1'UNT+39+1'UNZ+1+77'"
        )
    };
    let read = |version: &str, ean: &str| {
        let (messages, problems) = read_with(shipped(), &text(version, ean));
        assert!(problems.is_empty(), "{version}: {problems:?}");
        messages[0].clone()
    };
    let first = read("96A", "EN");
    let expected = json!({"buyer_order_no": "PO/77+A", "order_date": "2026-11-20", "order_time": "08:15:00", "not_before_date": "2026-12-01",
        "cancel_date": "2026-12-03", "note": "Ring twice: it's loud", "contact_name": "Ann Öst", "phone": "040+1", "currency": "EUR",
        "delivery_gln": "4099999000030", "delivery_name": "Store 4", "delivery_street": "Kai 1", "delivery_street2": "Hof",
        "delivery_terms": "DDP", "total_net": "39.6"});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&first[name], value, "{name}");
    }
    let line = &first["lines"][0];
    for (name, value) in [
        ("qty", "200"),
        ("net_price", "19.8"),
        ("price_per", "100"),
        ("ean", "4012345000009"),
        ("article_no", "A-100"),
        ("buyer_article_no", "77-1"),
        ("supplier_article_no", "Z"),
        ("description", "Screws galvanised"),
        ("line_total", "39.6"),
    ] {
        assert_eq!(line[name], value, "{name}");
    }
    assert_eq!(line["line_charges"], json!([{"charge_type": "allowance", "pct": "5"}]));
    for (version, ean) in [("93A", "EN"), ("97A", "EN"), ("01B", "SRV")] {
        assert_eq!(read(version, ean), first, "{version}");
    }
}

/// Gives so many bytes at a time.
struct Slow<'b>(&'b [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(self.0.len()).min(buffer.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

#[test]
fn marks_at_the_edges_of_what_is_read_at_once_mean_the_same() {
    let piece = "FTX+AAI+++a??b?'c?+d?:e???'f\r\ng'\r\n";
    let text = format!("UNA:+.? '\r\nUNB+UNOC:3+S+R'{}UNZ+1'", piece.repeat(9_000));
    let read = |bytes: &[u8], at_once: usize| {
        let mut input = Slow(bytes, at_once);
        let mut segments = SegmentReader::open(&mut input).unwrap();
        let mut found = Vec::new();
        while let Next::Segment(segment) = segments.take_segment().unwrap() {
            found.push((segment.range.clone(), segment.line, segment.plain(segment.raw(4, 1), false)));
        }
        found
    };
    let whole = read(text.as_bytes(), usize::MAX);
    assert_eq!((whole.len(), whole[1].2.as_slice()), (9_002, &b"a?b'c+d:e?'fg"[..]));
    // The window's edge falls on every byte of the piece once.
    for shift in 0..piece.len() {
        let shifted = format!("UNA:+.? '\r\n{}{}", " ".repeat(shift), &text[11..]);
        let found = read(shifted.as_bytes(), usize::MAX);
        let same =
            whole.iter().zip(&found).skip(1).all(|(a, b)| (a.1, &a.2, a.0.end + shift as u64) == (b.1, &b.2, b.0.end));
        assert!(found.len() == whole.len() && same, "{shift}");
    }
    for at_once in [1, 7, 4_095, 131_071] {
        assert_eq!(read(text.as_bytes(), at_once), whole, "{at_once}");
    }
}
