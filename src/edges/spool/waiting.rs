//! What waits and why, a sentence a line in the spool's root: the daemon alone knows that the disk or the database takes
//! nothing, and `status` is another process. Without a truth of its own: it is written where that is possible, and means
//! something only while a daemon runs.

use std::fs;
use std::io::Read;

use super::Spool;

const FILE: &str = ".waiting";
/// A sentence for each intake is far below.
const TEXT_MAX_BYTES: u64 = 65_536;

impl Spool {
    /// Not on the disk for certain, and on a full one not at all: then `status` sees that itself.
    pub fn say_what_waits(&self, sentences: &[String]) {
        let lines: Vec<String> = sentences.iter().map(|sentence| sentence.replace('\n', " ")).collect();
        let _ = fs::write(self.root.join(FILE), lines.join("\n"));
    }

    pub fn nothing_waits_any_more(&self) {
        // Absent is what it is nearly always.
        let _ = fs::remove_file(self.root.join(FILE));
    }

    pub fn what_waits(&self) -> Vec<String> {
        let mut bytes = Vec::new();
        let Ok(file) = fs::File::open(self.root.join(FILE)) else { return Vec::new() };
        match file.take(TEXT_MAX_BYTES).read_to_end(&mut bytes) {
            Ok(_) => String::from_utf8_lossy(&bytes).lines().map(String::from).collect(),
            Err(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read_until_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        assert!(spool.what_waits().is_empty());
        spool.nothing_waits_any_more();
        spool.say_what_waits(&["cannot commit".to_string(), "a folder\nof two lines".to_string()]);
        assert_eq!(spool.what_waits(), ["cannot commit", "a folder of two lines"]);
        spool.nothing_waits_any_more();
        assert!(spool.what_waits().is_empty());
    }
}
