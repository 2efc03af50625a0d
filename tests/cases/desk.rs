//! Where a case plays: a folder of its own with the configuration laid out, the real binary, and looks at spool and views.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rusqlite::types::ValueRef;

use crate::another_user;

pub struct Desk {
    folder: tempfile::TempDir,
    pub case: PathBuf,
    as_nobody: bool,
}

pub struct Told {
    pub code: i32,
    pub text: String,
}

pub fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

impl Desk {
    /// The company's configuration, and over it the case's own.
    pub fn new(case: &str) -> Desk {
        let desk = Desk { folder: tempfile::tempdir().unwrap(), case: cases().join(case), as_nobody: false };
        copy(&cases().join("company"), desk.root());
        if desk.case.join("config").is_dir() {
            copy(&desk.case.join("config"), desk.root());
        }
        desk
    }

    /// One of samples/layouts, as a layout of the site.
    pub fn lay_out(&self, layout: &str) {
        // One of several in a folder is named with it: `storel-prices/net`.
        let (folder, file) = layout.split_once('/').unwrap_or((layout, "layout"));
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("samples/layouts/{folder}/{file}.toml"));
        fs::copy(sample, self.root().join(format!("layouts/{}.toml", layout.replace('/', "-")))).unwrap();
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn spool(&self) -> PathBuf {
        self.root().join("spool")
    }

    /// From here on a user without rights where the tests run as root. False when he cannot reach the program.
    pub fn become_nobody(&mut self) -> bool {
        if !rustix::process::geteuid().is_root() {
            return true;
        }
        give(self.root());
        self.as_nobody = true;
        another_user::reaches(self.root())
    }

    pub fn run(&self, words: &[&str]) -> Told {
        let output = self.command(words).output().unwrap();
        let mut text = String::from_utf8(output.stdout).unwrap();
        text.push_str(&String::from_utf8(output.stderr).unwrap());
        Told { code: output.status.code().unwrap_or(-1), text }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = if self.as_nobody {
            Command::new(another_user::program(self.root()))
        } else {
            Command::new(env!("CARGO_BIN_EXE_nattpost"))
        };
        command.args(words).current_dir(self.root()).env_remove("NATTPOST_CONFIG").stdin(Stdio::null());
        if self.as_nobody {
            another_user::become_him(&mut command);
        }
        command
    }

    /// `gone`, `empty`, `keep as NAME` or `from NAME`: what happens to databases by hand or by a disk. No daemon runs.
    pub fn database(&self, said: &str) {
        let file = |name: &str| self.root().join(name);
        let gone = || {
            for name in ["nattpost.db", "nattpost.db-wal", "nattpost.db-shm"] {
                fs::remove_file(file(name)).unwrap_or_default();
            }
        };
        match said.rsplit_once(' ') {
            None if said == "gone" => gone(),
            None if said == "empty" => {
                gone();
                fs::write(file("nattpost.db"), "").unwrap();
            }
            Some(("keep as", name)) => drop(fs::copy(file("nattpost.db"), file(name)).unwrap()),
            Some(("from", name)) => {
                gone();
                fs::copy(file(name), file("nattpost.db")).unwrap();
            }
            _ => panic!("database: no such thing: {said}"),
        }
    }

    /// A folder of an intake; made where the daemon has not come by yet.
    pub fn intake(&self, intake: &str) -> PathBuf {
        let folder = self.spool().join("in").join(intake);
        if !folder.is_dir() {
            fs::create_dir_all(&folder).unwrap();
            if self.as_nobody {
                give(self.root());
            }
        }
        folder
    }

    /// Moved in whole, so that the file is there at once.
    pub fn put(&self, intake: &str, name: &[u8], content: &[u8]) -> PathBuf {
        let aside = self.root().join("aside");
        fs::write(&aside, content).unwrap();
        let path = self.intake(intake).join(OsStr::from_bytes(name));
        fs::rename(&aside, &path).unwrap();
        path
    }

    /// The one file of the spool that is shown as `pattern`.
    pub fn find(&self, pattern: &str) -> PathBuf {
        let found: Vec<PathBuf> = self.files().into_iter().filter(|path| self.shown(path) == pattern).collect();
        match &found[..] {
            [one] => one.clone(),
            _ => panic!("{} files are {pattern}; there are:\n{}", found.len(), self.tree().join("\n")),
        }
    }

    /// All files of the spool as a case writes them: ids read ID, days DAY.
    pub fn tree(&self) -> Vec<String> {
        let mut tree: Vec<String> = self.files().iter().map(|path| self.shown(path)).collect();
        tree.sort();
        tree
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        walk(&self.spool(), &mut files);
        files.retain(|path| {
            !matches!(path.file_name().unwrap().as_bytes(), b"README.md" | b".lock" | b".numbers" | b".database")
        });
        files
    }

    fn shown(&self, path: &Path) -> String {
        let below = path.strip_prefix(self.spool()).unwrap();
        let steps: Vec<String> = below.iter().map(|step| shown_step(step.as_bytes())).collect();
        steps.join("/")
    }

    /// What stands in done/ was decided so many days before.
    pub fn age(&self, days: i64) {
        let conn = rusqlite::Connection::open(self.root().join("nattpost.db")).unwrap();
        let mut rows =
            conn.prepare("SELECT DISTINCT partner, day, date(day, ?1) FROM file WHERE place = 'done'").unwrap();
        let moved = rows.query_map([format!("-{days} days")], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        });
        for (partner, day, before) in moved.unwrap().map(Result::unwrap).collect::<Vec<_>>() {
            let folder = self.spool().join("done").join(partner);
            if folder.join(&day).is_dir() {
                fs::rename(folder.join(&day), folder.join(&before)).unwrap();
            }
        }
        conn.execute("UPDATE file SET day = date(day, ?1) WHERE place = 'done'", [format!("-{days} days")]).unwrap();
    }

    /// What only time could bring: an hour passes by being written.
    pub fn execute(&self, sql: &str) {
        let conn = rusqlite::Connection::open(self.root().join("nattpost.db")).unwrap();
        conn.execute(sql, []).unwrap_or_else(|e| panic!("{sql}: {e}"));
    }

    /// Rows of a question, columns separated by a bar, nothing as a dash.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        let conn = rusqlite::Connection::open(self.root().join("nattpost.db")).unwrap();
        let mut statement = conn.prepare(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let cells: Vec<String> = (0..columns).map(|index| cell(row.get_ref(index).unwrap())).collect();
            Ok(cells.join("|"))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }
}

fn cell(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "-".to_string(),
        ValueRef::Integer(n) => n.to_string(),
        ValueRef::Real(x) => x.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => format!("{bytes:?}"),
    }
}

fn shown_step(step: &[u8]) -> String {
    let id = step.len() > 13 && step[13] == b'~' && step[..13].iter().all(|b| b.is_ascii_alphanumeric());
    let step = if id { [b"ID", &step[13..]].concat() } else { step.to_vec() };
    let day = step.len() == 10
        && step.iter().enumerate().all(|(at, b)| if at == 4 || at == 7 { *b == b'-' } else { b.is_ascii_digit() });
    if day {
        return "DAY".to_string();
    }
    step.utf8_chunks().fold(String::new(), |mut text, chunk| {
        text.extend(
            chunk.valid().chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }),
        );
        text.extend(chunk.invalid().iter().map(|b| format!("\\x{b:02X}")));
        text
    })
}

/// `\xNN` becomes that byte; for names that are no UTF-8.
pub fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some(byte) = rest.first() {
        if let Some(hex) = rest.strip_prefix(b"\\x").and_then(|r| r.get(..2)) {
            bytes.push(u8::from_str_radix(std::str::from_utf8(hex).unwrap(), 16).unwrap());
            rest = &rest[4..];
        } else {
            bytes.push(*byte);
            rest = &rest[1..];
        }
    }
    bytes
}

/// Everything that is no folder, and folders that have a name like a file's.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        match fs::symlink_metadata(&path).unwrap().is_dir() {
            true if path.extension().is_none() => walk(&path, files),
            _ => files.push(path),
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(fs::copy(&path, &target).unwrap()),
        }
    }
}

fn give(path: &Path) {
    another_user::give(path);
    if path.is_dir() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path());
        }
    }
}
