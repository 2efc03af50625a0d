//! EDIFACT: the shipped layout reads the published orders that lie beside the project, names what is none, says what is wrong
//! with a file and where, and writes what it reads.

mod decoding;
mod made;

#[path = "edifact/faults.rs"]
mod faults;
#[path = "edifact/files.rs"]
mod files;
#[path = "edifact/kept.rs"]
mod kept;
#[path = "edifact/standards.rs"]
mod standards;
#[path = "edifact/variants.rs"]
mod variants;
#[path = "edifact/written.rs"]
mod written;

/// An order of one line; what is between is put behind its head.
fn order(between: &str, line: &str) -> String {
    format!(
        "UNB+UNOC:3+S:14+R:14+261120:0815+1'\nUNH+1+ORDERS:D:96A:UN'\nBGM+220+N-1+9'\nDTM+137:20261120:102'\n{between}{line}UNS+S'\nUNT+9+1'\nUNZ+1+1'\n"
    )
}

fn shipped() -> &'static nattpost::model::layout::Layout {
    nattpost::model::layout::own::shipped_layout("edifact-orders").unwrap()
}
