//! What a batch promises: cells, nodes, byte ranges and extras of a message stay its own.

use super::*;
use crate::model::kind::shipped_kinds;

#[test]
fn messages_keep_their_own_nodes_cells_and_extras() {
    let kind = shipped_kinds().get("order").unwrap().clone();
    let (lines, qty) = kind.path("lines.qty").unwrap();
    let (_, no) = kind.path("buyer_order_no").unwrap();
    let mut batch = Batch::new(kind);
    let colour: Arc<str> = "colour".into();
    for n in 1..=3u64 {
        batch.begin(n, n as u32 * 10);
        batch.set_text(0, no, &format!("B-{n}"));
        let line = batch.open(lines, 0, n as u32 * 10 + 1);
        batch.set_number(line, qty, n as i64 * 1_000_000);
        batch.add_extra(line, &colour, "red");
        batch.add_bytes(n * 100..n * 100 + 50);
        batch.add_bytes(n * 100 + 50..n * 100 + 60);
        if n == 2 {
            batch.drop_last();
        }
    }
    let read: Vec<_> = batch
        .messages()
        .map(|m| {
            let line = m.group(lines).next().unwrap();
            (m.head().value(no).text().unwrap(), line.value(qty), line.extras().count(), m.origin().bytes[0].clone())
        })
        .collect();
    assert_eq!(
        read,
        vec![("B-1", Value::Number(1_000_000), 1, 100..160), ("B-3", Value::Number(3_000_000), 1, 300..360),]
    );
}
