//! Fuzz driver of EDIFACT: any bytes are read without a panic, with true places; what was refused can be cut out, what is
//! personal overwritten without moving a byte.

mod decoding;
mod fuzzing;

use decoding::{decode, layout_of};
use fuzzing::{run, sample};
use nattpost::model::layout::standards::STANDARDS;

fn shipped(options: &str) -> nattpost::model::layout::Layout {
    let text = STANDARDS.iter().find(|(id, _)| *id == "edifact-orders").unwrap().1;
    layout_of(&text.replacen("message = \"ORDERS\"", &format!("message = \"ORDERS\"\n{options}"), 1))
}

#[test]
fn any_edifact_bytes_are_read_or_refused() {
    let edi = || sample("samples/layouts/edifact-orders/sample.edi");
    let lines = || edi().split(|b| *b == b'\'').collect::<Vec<_>>().concat();
    let samples = [
        (shipped(""), edi()),
        (shipped("counts = \"check\"\nunknown = \"refuse\"\nline_breaks = \"data\""), edi()),
        (shipped("end = \"optional\"\ncharset = \"utf-8\""), edi()),
        (shipped("counts = \"ignore\""), lines()),
    ];
    run("edifact", &samples);
}

#[test]
fn our_sample_is_read_whole() {
    let (found, decoded) = decode(&shipped("counts = \"check\""), &sample("samples/layouts/edifact-orders/sample.edi"));
    assert!(decoded.fatal.is_empty() && found.refused.is_empty(), "{:?} {:?}", decoded.fatal, found.problems());
    assert_eq!(found.messages().count(), 2);
}
