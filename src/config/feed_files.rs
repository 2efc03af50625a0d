//! `files` of a feed: the bytes of documents go out with the manifest that names them, in one archive.

use super::keyed::Keyed;
use crate::model::layout::Layout;

const DOCUMENT: &str = "document";

pub(super) fn read(keyed: &Keyed<'_, '_>, layout: Option<&Layout>) -> bool {
    let wanted = keyed.boolean("files");
    let Some(layout) = layout else { return false };
    let words = match layout.kind.name.as_str() {
        _ if !wanted => return false,
        DOCUMENT if !keyed.has("zip") => {
            "what is said of documents and their files leave in one archive, so that neither is there alone; say with zip what the first is called in it.".to_string()
        }
        DOCUMENT if !layout.has_place_for("file_name") => format!(
            "the layout \"{}\" has no place for file_name, so that nobody could tell which file is which document; give it one, or take this out.",
            layout.id
        ),
        DOCUMENT => return true,
        other => format!("the kind {other} has no files; expected a layout of documents, or take this out."),
    };
    keyed.section.problem("files", words);
    false
}
