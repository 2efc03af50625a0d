//! Files of a remote that did not come for a reason that may be theirs alone: the line broke at them, or they are listed and said not
//! to be there. What happens a second time in a row is no chance, and others are not kept waiting by it. Lost with the process.

use std::collections::HashSet;

use crate::edges::store::FileNo;

/// Those that failed last time.
#[derive(Debug, Default)]
pub(super) struct Setbacks(HashSet<FileNo>);

impl Setbacks {
    /// Another one; true: not the first in a row.
    pub fn is_again(&mut self, file: FileNo) -> bool {
        !self.0.insert(file)
    }

    pub fn forget(&mut self, file: FileNo) {
        self.0.remove(&file);
    }
}
