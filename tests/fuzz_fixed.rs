//! Fuzz driver of fixed-width files and of tagged lines: any bytes are read without a panic, with true places and totals.

mod decoding;
mod fuzzing;

use decoding::{decode, layout};
use fuzzing::{run, sample};
use nattpost::model::kind::shipped_kinds;
use nattpost::model::layout::{Layout, read_layout};

#[test]
fn any_fixed_width_bytes_are_read_or_refused() {
    let samples = [
        (layout("bisac-po/layout.toml"), sample("samples/layouts/bisac-po/sample.txt")),
        (layout("richer-parts/levels.toml"), sample("samples/layouts/richer-parts/sample.txt")),
    ];
    run("fixed", &samples);
}

#[test]
fn any_fixed_width_bytes_without_line_ends_are_read_or_refused() {
    let sample = b"HPO-1   Lsku-1  0002Lsku-2  0010HPO-2   Lsku-3  0001".to_vec();
    run("without line ends", &[(without_line_ends(), sample)]);
}

#[test]
fn any_tagged_bytes_are_read_or_refused() {
    let folder = "samples/layouts/pyramid-salesorders";
    let samples = [(layout("pyramid-salesorders/layout.toml"), sample(&format!("{folder}/salesorders_20260311.txt")))];
    run("tagged", &samples);
}

fn without_line_ends() -> Layout {
    let text = r#"
layout = "without-line-ends"
title = "x"
kind = "order"
syntax = "fixed"
[fixed]
width = 12
tag = "1-1"
line_end = "none"
[[record]]
tag = "H"
opens = "message"
width = 8
fields = [["1", "constant(H)"], ["2-8", "buyer_order_no", "text required"]]
[[record]]
tag = "L"
opens = "lines"
fields = [["2-8", "lines.article_no", "text required"], ["9-12", "lines.qty", "integer pad=0 required"]]
"#;
    read_layout("x", text, shipped_kinds()).unwrap()
}

#[test]
fn our_sample_is_read_whole() {
    let (found, decoded) = decode(&layout("bisac-po/layout.toml"), &sample("samples/layouts/bisac-po/sample.txt"));
    assert!(decoded.fatal.is_empty() && found.problems().is_empty(), "{:?} {:?}", decoded.fatal, found.problems());
    assert_eq!(found.messages().count(), 3);
}
