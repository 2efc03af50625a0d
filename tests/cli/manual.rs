//! docs/cli.md is what the command line says of itself, and every object of `--json` is described in it.

use std::path::Path;

use nattpost::cli::manual;

#[test]
fn the_page_is_made_from_the_help() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    let page = manual::page();
    if std::env::var_os("NATTPOST_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == page, "docs/cli.md is not what --help says: NATTPOST_WRITE_DOCS=1 cargo test --test cli");
}
