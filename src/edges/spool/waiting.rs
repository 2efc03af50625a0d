//! Why everything waits, as one sentence in the spool's root: the daemon alone knows that the disk or the database takes
//! nothing, and `status` is another process. Without a truth of its own: it is written where that is possible, and means
//! something only while a daemon runs.

use std::fs;
use std::io::Read;

use super::Spool;

const FILE: &str = ".waiting";
/// A sentence is far below.
const SENTENCE_MAX_BYTES: u64 = 4_096;

impl Spool {
    /// Not on the disk for certain, and on a full one not at all: then `status` sees that itself.
    pub fn say_why_all_waits(&self, sentence: &str) {
        let _ = fs::write(self.root.join(FILE), sentence);
    }

    pub fn nothing_waits_any_more(&self) {
        // Absent is what it is nearly always.
        let _ = fs::remove_file(self.root.join(FILE));
    }

    pub fn why_all_waits(&self) -> Option<String> {
        let mut bytes = Vec::new();
        let file = fs::File::open(self.root.join(FILE)).ok()?;
        file.take(SENTENCE_MAX_BYTES).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned()).filter(|sentence| !sentence.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read_until_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        assert_eq!(spool.why_all_waits(), None);
        spool.nothing_waits_any_more();
        spool.say_why_all_waits("cannot commit");
        assert_eq!(spool.why_all_waits().as_deref(), Some("cannot commit"));
        spool.nothing_waits_any_more();
        assert_eq!(spool.why_all_waits(), None);
    }
}
