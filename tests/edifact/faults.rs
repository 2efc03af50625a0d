//! Faults made by hand: the reason names the line, the segment, the piece of it, the value and what was expected.

use nattpost::model::layout::standards::STANDARDS;

use crate::decoding::{decode, layout_of};
use crate::{order, shipped};

const LINE: &str = "LIN+1++4012345000009:EN'\nQTY+21:5:PCE'\nPRI+AAA:2.50'\n";

/// The reasons for a file, one a line.
fn reasons(text: &str) -> String {
    told(shipped(), text)
}

fn told(layout: &nattpost::model::layout::Layout, text: &str) -> String {
    let (found, decoded) = decode(layout, text.as_bytes());
    let problems = found.refused.iter().flat_map(|r| &r.problems).chain(decoded.fatal.kept());
    problems.map(|p| format!("{p} [{}]\n", p.code)).collect()
}

#[test]
fn a_good_order_has_no_reasons() {
    assert_eq!(reasons(&order("", LINE)), "");
}

#[test]
fn twelve_faults_are_told_with_segment_piece_value_and_expectation() {
    let good = order("", LINE);
    let table: [(&str, &str, &[&str]); 23] = [
        (
            "QTY+21:5",
            "QTY+21:5x",
            &[
                "line 6, \"segment 5, QTY+21, element 1, component 2 (quantity)\": \"5x\" is not a quantity; expected a number",
                "[quantity-invalid]",
            ],
        ),
        (
            "QTY+21:5:PCE'\n",
            "",
            &["line 5, \"segment 4, QTY+21, element 1, component 2 (quantity)\": ", "[value-missing]"],
        ),
        (
            "20261120:102",
            "20261131:102",
            &[
                "line 4, \"segment 3, DTM+137 (date)\": \"20261131\" is not a date: there is no such day; expected a date like 20260331, as the format 102 says",
                "[date-invalid]",
            ],
        ),
        (
            "20261120:102",
            "20261120:718",
            &[
                "segment 3, DTM+137 (date)",
                "expected one of the formats 101, 102, 201 to 205, 303 and 304, not \"718\"",
            ],
        ),
        (
            "AAA:2.50",
            "AAA:2.5.0",
            &[
                "line 7, \"segment 6, PRI+AAA, element 1, component 2 (price)\": \"2.5.0\" is not a price: decimals stand behind a point here, and no mark between the thousands; expected a number",
                "[price-invalid]",
            ],
        ),
        ("LIN+1++", "LIN+A++", &["line 5, \"segment 4, LIN, element 1 (line number)\": \"A\" is not", "expected"]),
        (
            "LIN+1++",
            "LIN+1+2+",
            &[
                "line 5, \"segment 4, LIN, element 2 (action)\": \"2\" is not in the table \"action\"; expected one of: ",
                "[word-unknown]",
            ],
        ),
        (
            "N-1+9'",
            "N-1+1'",
            &[
                "line 3, \"segment 2, BGM, element 3 (message function)\": \"1\" is not in the table \"function\"",
                "expected one of: ",
            ],
        ),
        (
            "BGM+220+N-1+9",
            "BGM+220++9",
            &[
                "BGM, element 2 (document number) or RFF+ON, element 1, component 2 (reference number) or RFF+ON behind NAD, element 1, component 2 (reference number)\": is empty",
                "[value-missing]",
            ],
        ),
        (
            "ORDERS:D",
            "INVOIC:D",
            &[
                "line 2, \"segment 1, UNH, element 2 (message type)\": EDIFACT INVOIC D.96A: not accepted here; expected ORDERS",
                "[message-not-taken]",
            ],
        ),
        (
            "ORDERS:D:96A",
            "ORDERS:1:911",
            &[
                "line 2, \"segment 1, UNH, element 2 (message type)\": the file says version \"ORDERS 1.911\"; expected \"D.*\"",
                "[version-mismatch]",
            ],
        ),
        (
            "UNT+9+1'\n",
            "",
            &["line 2, the message ends without its segment UNT; expected it at the end", "[record-missing]"],
        ),
        (
            "UNZ+1+1'\n",
            "",
            &["line 1, \"UNB\": the file ends without the segment UNZ of its interchange", "[file-truncated]"],
        ),
        (
            "UNZ+1",
            "UNZ+2",
            &[
                "line 10, \"UNZ, element 1 (number of messages)\": says 2 for the number of messages in the interchange, but there are 1",
                "[total-mismatch]",
            ],
        ),
        (
            "UNOC:3",
            "UNOX:3",
            &[
                "line 1, \"UNB, element 1 (character set)\": \"UNOX\" was found; expected a character set that does not change",
                "[layout-mismatch]",
            ],
        ),
        (
            "UNH+1+ORDERS:D:96A:UN'\n",
            "",
            &["line 2, the segment \"BGM\" stands outside of a message; expected UNH before it", "[record-misplaced]"],
        ),
        (
            "20261120:102",
            "261131:101",
            &["\"261131\" is not a date: there is no such day; expected a date like 260331"],
        ),
        (
            "20261120:102",
            "202611202460:203",
            &["\"202611202460\" is not a date: there is no such day or time; expected"],
        ),
        ("20261120:102", "20.11.2026:102", &["\"20.11.2026\" is not a date; expected a date like 20260331"]),
        (
            "20261120:102",
            "20261120:999",
            &["expected one of the formats 101, 102, 201 to 205, 303 and 304, not \"999\""],
        ),
        ("20261120:102", "20261120", &["\"20261120\" is not a date; expected a date and its format"]),
        ("UNZ+1+1'\n", "UNZ+1+1'\n-- end of mail --\n", &["line 11, \"-- end of mail --\"", "[file-truncated]"]),
        ("UNB+", "From: a@b.example\n\nUNB+", &["line 1, the file begins with \"From: a@b.example", "UNA, UNB or UNH"]),
    ];
    for (from, to, words) in table {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        let found = reasons(&text);
        for word in words {
            assert!(found.contains(word), "{from} -> {to}: {word}\nis not in\n{found}");
        }
    }
}

#[test]
fn settings_decide_what_is_checked() {
    let good = order("", LINE);
    let with = |options: &str| {
        let text = STANDARDS.iter().find(|(id, _)| *id == "edifact-orders").unwrap().1;
        layout_of(&text.replacen("message = \"ORDERS\"", &format!("message = \"ORDERS\"\n{options}"), 1))
    };
    let check = with("counts = \"check\"");
    let wrong = good.replacen("UNT+9", "UNT+7", 1);
    assert_eq!(reasons(&wrong), "", "segments are counted where the layout says so");
    let found = told(&check, &wrong);
    assert!(
        found.contains("line 9, \"segment 8, UNT, element 1 (number of segments)\": says 7 for the number of segments"),
        "{found}"
    );
    assert_eq!(told(&with("counts = \"ignore\""), &good.replacen("UNZ+1", "UNZ+2", 1)), "");
    let unknown = told(&with("unknown = \"refuse\""), &order("PAI+::42'\n", LINE));
    assert!(unknown.contains("line 5, \"segment 4, PAI\": the segment \"PAI\" is not one that"), "{unknown}");
    let cnt = good.replacen("UNS+S'\n", "UNS+S'\nCNT+2:3'\n", 1);
    let found = reasons(&cnt);
    assert!(
        found.contains("line 9, \"segment 8, CNT+2, element 1, component 2 (total)\": says 3 for the number of records (order line)"),
        "{found}"
    );
    let bare = good.lines().filter(|line| !line.starts_with("UNB") && !line.starts_with("UNZ")).collect::<String>();
    assert_eq!(reasons(&bare), "");
    assert!(told(&with("envelope = \"required\""), &bare).contains("\"UNH\": the message stands without UNB"));
}

#[test]
fn two_words_for_one_thing_are_no_answer() {
    let twice = order("NAD+BY+4000001000002::9'\nNAD+BY+4000001000003::9'\n", LINE);
    let found = reasons(&twice);
    assert!(found.contains("line 6, \"segment 5, NAD+BY, element 2 (party number)\""), "{found}");
    assert!(found.contains("\"4000001000003\"") && found.contains("\"4000001000002\""), "{found}");
}
