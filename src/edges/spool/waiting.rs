//! What waits and why, a sentence a line in the spool's root: the daemon alone knows that the disk or the database takes
//! nothing, and `status` is another process. Its first line is the daemon's own note, of an outage that the ledger could not
//! take: who was told. Made at a start with the size it keeps and written in place, so that a full disk has room for it.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileExt, PermissionsExt};

use super::Spool;

const FILE: &str = ".waiting";
const PAGE_BYTES: usize = 4_096;
/// The operators' group reads it.
const FILE_MODE: u32 = 0o640;

impl Spool {
    /// While there is room. What a process before noted stays.
    pub fn make_waiting(&self) {
        let page = self.page();
        self.write_page(page.first().map_or("", String::as_str), &[]);
    }

    /// On a full disk too, where the page was made before.
    pub fn say_what_waits(&self, sentences: &[String]) {
        let page = self.page();
        self.write_page(page.first().map_or("", String::as_str), sentences);
    }

    pub fn nothing_waits_any_more(&self) {
        if self.root.join(FILE).exists() {
            self.say_what_waits(&[]);
        }
    }

    pub fn what_waits(&self) -> Vec<String> {
        self.page().into_iter().skip(1).filter(|line| !line.is_empty()).collect()
    }

    /// One line that a start after a kill finds again; empty takes it back.
    pub fn note_outage(&self, note: &str) {
        let sentences = self.what_waits();
        self.write_page(note, &sentences);
    }

    pub fn outage_note(&self) -> Option<String> {
        self.page().into_iter().next().filter(|note| !note.is_empty())
    }

    /// An orderly end: a page that says nothing is taken away.
    pub fn forget_waiting(&self) {
        if self.page().iter().all(String::is_empty) {
            // Absent is what it is at the end nearly always.
            let _ = fs::remove_file(self.root.join(FILE));
        }
    }

    fn page(&self) -> Vec<String> {
        let mut bytes = Vec::new();
        let Ok(file) = File::open(self.root.join(FILE)) else { return Vec::new() };
        match file.take(PAGE_BYTES as u64).read_to_end(&mut bytes) {
            Ok(_) => String::from_utf8_lossy(&bytes).lines().map(String::from).collect(),
            Err(_) => Vec::new(),
        }
    }

    /// Not on the disk for certain, and without the page not at all on a full one: then `status` sees that itself.
    fn write_page(&self, note: &str, sentences: &[String]) {
        let lines = [note].into_iter().chain(sentences.iter().map(String::as_str));
        let lines: Vec<String> = lines.map(|line| line.replace('\n', " ")).collect();
        let mut text = lines.join("\n");
        let mut end = text.len().min(PAGE_BYTES - 1);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        let mut page = text.into_bytes();
        page.resize(PAGE_BYTES, b'\n');
        let opened = OpenOptions::new().write(true).create(true).truncate(false).open(self.root.join(FILE));
        let _ = opened.and_then(|file| {
            file.set_permissions(fs::Permissions::from_mode(FILE_MODE))?;
            file.write_all_at(&page, 0)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spool() -> (tempfile::TempDir, Spool) {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        (folder, spool)
    }

    #[test]
    fn what_is_said_is_read_until_it_is_over() {
        let (_folder, spool) = spool();
        assert!(spool.what_waits().is_empty());
        spool.nothing_waits_any_more();
        assert!(!spool.root.join(FILE).exists());
        spool.say_what_waits(&["cannot commit".to_string(), "a folder\nof two lines".to_string()]);
        assert_eq!(spool.what_waits(), ["cannot commit", "a folder of two lines"]);
        spool.nothing_waits_any_more();
        assert!(spool.what_waits().is_empty());
        spool.forget_waiting();
        assert!(!spool.root.join(FILE).exists());
    }

    #[test]
    fn the_page_keeps_its_size_and_its_note() {
        let (_folder, spool) = spool();
        spool.make_waiting();
        let size = || fs::metadata(spool.root.join(FILE)).unwrap().len();
        assert_eq!(size(), PAGE_BYTES as u64);
        spool.note_outage("told ops");
        spool.say_what_waits(&["ü".repeat(5_000)]);
        assert_eq!((size(), spool.outage_note().as_deref()), (PAGE_BYTES as u64, Some("told ops")));
        assert!(spool.what_waits()[0].len() > 3_000);
        // A start finds it again; an orderly end leaves it.
        spool.make_waiting();
        spool.forget_waiting();
        assert_eq!(spool.outage_note().as_deref(), Some("told ops"));
        assert!(spool.what_waits().is_empty());
        spool.note_outage("");
        assert_eq!(spool.outage_note(), None);
    }
}
