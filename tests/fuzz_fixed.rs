//! Fuzz driver of fixed-width files: any bytes are read without a panic, with true places and totals.

mod decoding;
mod fuzzing;

use decoding::{decode, layout};
use fuzzing::{run, sample};

#[test]
fn any_fixed_width_bytes_are_read_or_refused() {
    let samples = [(layout("bisac-po/layout.toml"), sample("samples/layouts/bisac-po/sample.txt"))];
    run("fixed", &samples);
}

#[test]
fn our_sample_is_read_whole() {
    let (found, decoded) = decode(&layout("bisac-po/layout.toml"), &sample("samples/layouts/bisac-po/sample.txt"));
    assert!(decoded.fatal.is_empty() && found.problems().is_empty(), "{:?} {:?}", decoded.fatal, found.problems());
    assert_eq!(found.messages().count(), 3);
}
