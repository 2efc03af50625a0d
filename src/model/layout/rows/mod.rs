//! Layouts whose files are rows: delimited and fixed width. Everything about a row but its cutting is the same for both.

pub mod options;

use self::options::Options;
use crate::model::document::Section;
use crate::model::kind::Kind;
use crate::model::layout::plan::Record;

/// How the rows of a file are cut, told apart and tied together.
#[derive(Debug)]
pub struct Rows {
    pub options: Options,
}

impl Rows {
    pub(super) fn compile(_root: &Section<'_>, options: Options, _kind: &Kind, _records: &[Record]) -> Self {
        Rows { options }
    }
}
