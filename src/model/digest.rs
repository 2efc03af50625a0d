//! What a row says, as 64 bits: two that differ are told apart, so that what a partner holds need not be kept word for word.
//!
//! Of the cells that were read for a layout, after quantities and words became the partner's: what he is not told changes
//! nothing.

use super::batch::{Message, NodeRef, Value};

/// Says that it is not known what a partner holds.
pub const UNKNOWN: u64 = 0;

/// Never `UNKNOWN`. `row` is room to write in.
pub fn of(message: Message<'_>, row: &mut Vec<u8>) -> u64 {
    row.clear();
    for node in message.nodes() {
        put_number(row, node.group() as u64);
        put_number(row, node.parent().into());
        put_cells(row, message, node);
    }
    let hash = blake3::hash(row);
    let (first, _) = hash.as_bytes().split_first_chunk::<8>().expect("a hash has 32 bytes");
    u64::from_be_bytes(*first).max(UNKNOWN + 1)
}

fn put_cells(row: &mut Vec<u8>, message: Message<'_>, node: NodeRef<'_>) {
    for cell in 0..message.kind().groups[node.group()].cells() {
        match node.cell(cell) {
            // Stored, both are nothing.
            Value::Missing | Value::Empty => row.push(0),
            Value::Number(number) => {
                row.push(1);
                row.extend_from_slice(&number.to_be_bytes());
            }
            Value::Text(text) => {
                row.push(2);
                put_text(row, text);
            }
        }
    }
    for (name, value) in node.extras() {
        row.push(3);
        put_text(row, name);
        put_text(row, value);
    }
}

/// With its length, so that two neighbours are not read as one.
fn put_text(row: &mut Vec<u8>, text: &str) {
    put_number(row, text.len() as u64);
    row.extend_from_slice(text.as_bytes());
}

fn put_number(row: &mut Vec<u8>, number: u64) {
    row.extend_from_slice(&number.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::batch::Batch;
    use crate::model::json::read_line;
    use crate::model::kind::shipped_kinds;

    fn digest(kind: &str, line: &str) -> u64 {
        let mut batch = Batch::new(shipped_kinds().get(kind).unwrap().clone());
        read_line(line, 1, 1, &mut batch).unwrap();
        of(batch.message(0), &mut vec![7; 3])
    }

    #[test]
    fn what_is_said_tells_rows_apart_and_where_it_stood_does_not() {
        let one = r#"{"article_no":"A1","warehouse":"01","qty":"25"}"#;
        assert_eq!(
            digest("stock", one),
            digest("stock", r#"{"qty":"25.0","warehouse":"01","article_no":"A1","unit":""}"#)
        );
        let others = [
            r#"{"article_no":"A1","warehouse":"01","qty":"26"}"#,
            r#"{"article_no":"A10","warehouse":"1","qty":"25"}"#,
            r#"{"article_no":"A1","warehouse":"01","qty":"25","unit":"PCE"}"#,
            r#"{"article_no":"A1","warehouse":"01","qty":"25","availability":"none"}"#,
        ];
        for other in others {
            assert_ne!(digest("stock", one), digest("stock", other), "{other}");
        }
    }

    #[test]
    fn parts_belong_to_what_they_stand_in() {
        let status = |despatches: &str| {
            digest(
                "order_status",
                &format!(
                    r#"{{"customer_no":"1","buyer_order_no":"B","status":"shipped","despatches":[{despatches}]}}"#
                ),
            )
        };
        let (a, b) = (r#"{"tracking_no":"T1"}"#, r#"{"tracking_no":"T2"}"#);
        let both = status(&format!(r#"{{"trackings":[{a},{b}]}},{{"carrier":"X"}}"#));
        let apart = status(&format!(r#"{{"trackings":[{a}]}},{{"carrier":"X","trackings":[{b}]}}"#));
        assert_ne!(both, apart);
    }
}
