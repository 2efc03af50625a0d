//! A company with one partner whose remote is the folder `there/` beside the spool.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

pub const HEAD: &str = "nattpost;order;1\n!order;buyer_order_no;customer_no\n!line;line_no;article_no;qty\n";

pub struct Place {
    folder: tempfile::TempDir,
}

pub struct Told {
    /// None: killed.
    pub code: Option<i32>,
    pub text: String,
}

pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// An order file of one order.
pub fn order(number: &str) -> String {
    format!("{HEAD}order;{number};1001\nline;1;A1;2\n")
}

impl Place {
    /// `rules`: the partner's intakes and feeds.
    pub fn new(rules: &str) -> Place {
        let place = Place { folder: ground() };
        for folder in ["there/out", "there/in", "there/done", "partners"] {
            fs::create_dir_all(place.at(folder)).unwrap();
        }
        fs::write(place.at("nattpost.toml"), "company = \"Nordkap\"\n").unwrap();
        place.configure(rules);
        place
    }

    /// All as it stands, elsewhere, with its times: what a process that is killed works on.
    pub fn copy(&self) -> Place {
        let place = Place { folder: ground() };
        copy_into(self.folder.path(), place.folder.path());
        place
    }

    pub fn configure(&self, rules: &str) {
        let shop = format!("name = \"Shop\"\n\n[remote.drop]\nkind = \"folder\"\npath = \"there\"\n\n{rules}");
        fs::write(self.at("partners/shop.toml"), shop).unwrap();
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Moved in whole; with a time of long ago, which tells one content from another.
    pub fn put(&self, path: &str, content: &str) {
        self.put_now(path, content);
        let file = fs::File::options().write(true).open(self.at(path)).unwrap();
        file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(3_600)).unwrap();
    }

    pub fn put_now(&self, path: &str, content: &str) {
        fs::write(self.at("aside"), content).unwrap();
        fs::rename(self.at("aside"), self.at(path)).unwrap();
    }

    pub fn run(&self, fault: Option<&str>) -> Told {
        self.command(&["run", "--once"], fault)
    }

    pub fn command(&self, words: &[&str], fault: Option<&str>) -> Told {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
        command.args(words).current_dir(self.folder.path());
        command.env_remove("NATTPOST_CONFIG").env_remove("NATTPOST_FAULT");
        fault.into_iter().for_each(|fault| _ = command.env("NATTPOST_FAULT", fault));
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        Told { code: output.status.code(), text }
    }

    /// Runs until it is dropped.
    pub fn daemon(&self) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
        command.arg("run").current_dir(self.folder.path()).env_remove("NATTPOST_CONFIG").env_remove("NATTPOST_FAULT");
        Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// All rows of a question, columns separated by a bar.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        let conn = rusqlite::Connection::open(self.at("nattpost.db")).unwrap();
        let mut statement = conn.prepare(sql).unwrap();
        let columns = statement.column_count();
        let text = |row: &rusqlite::Row<'_>| {
            let value = |column| match row.get_ref(column).unwrap() {
                rusqlite::types::ValueRef::Null => "-".to_string(),
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                rusqlite::types::ValueRef::Text(text) | rusqlite::types::ValueRef::Blob(text) => {
                    String::from_utf8_lossy(text).into_owned()
                }
                rusqlite::types::ValueRef::Real(number) => number.to_string(),
            };
            Ok((0..columns).map(value).collect::<Vec<_>>().join("|"))
        };
        let rows = statement.query_map([], text).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    /// The remote cannot be reached, or again.
    pub fn take_away(&self) {
        fs::rename(self.at("there"), self.at("away")).unwrap();
    }

    pub fn bring_back(&self) {
        fs::rename(self.at("away"), self.at("there")).unwrap();
    }

    /// What stands there: name and content.
    pub fn there(&self, folder: &str) -> BTreeMap<String, String> {
        files(&self.at("there").join(folder))
    }

    /// Of the spool, by state folder.
    pub fn spool(&self, state: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![self.at("spool").join(state)];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() { open.push(path) } else { found.push(path.display().to_string()) }
            }
        }
        found
    }
}

/// In memory where there is such a folder: a killed process loses nothing there either, and nothing waits for a disk.
fn ground() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn copy_into(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_into(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), &target).unwrap();
            let modified = entry.metadata().unwrap().modified().unwrap();
            fs::File::options().write(true).open(target).unwrap().set_modified(modified).unwrap();
        }
    }
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    entries
        .map(|path| {
            let content = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            (path.file_name().unwrap().to_string_lossy().into_owned(), content)
        })
        .collect()
}

/// Every call of a run that matters to a remote, as `NAME/COUNT`.
pub fn calls(place: &Place, matter: &[&str]) -> Vec<String> {
    calls_of(place, &["run", "--once"], matter)
}

/// Of any command.
pub fn calls_of(place: &Place, words: &[&str], matter: &[&str]) -> Vec<String> {
    let list = place.at("calls");
    let told = place.command(words, Some(&format!("count@{}", list.display())));
    assert!(told.code == Some(0) || told.code == Some(75), "{}", told.text);
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut found = Vec::new();
    for line in fs::read_to_string(list).unwrap().lines() {
        let name = line.split_once(' ').unwrap().1.to_string();
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        if matter.iter().any(|known| name.starts_with(known)) {
            found.push(format!("{name}/{count}"));
        }
    }
    found
}

/// Of the calls of a run those that the everyday loop tries: of every third name the one in the middle, and one of so many; with
/// `NATTPOST_EVERY_CALL` (tests/run) all of them. `turn`: the other ones, for another way to break them.
pub fn some_of(calls: &[String], one_of: usize, turn: usize) -> Vec<String> {
    if std::env::var_os("NATTPOST_EVERY_CALL").is_some() {
        return calls.to_vec();
    }
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, call) in calls.iter().enumerate() {
        places.entry(call.split('/').next().unwrap()).or_default().push(index);
    }
    let others = places.values().skip(turn % 3).step_by(3);
    let mut tried: BTreeSet<usize> = others.map(|places| places[places.len() / 2]).collect();
    tried.extend((turn * one_of / 2..calls.len()).step_by(one_of));
    tried.into_iter().map(|index| calls[index].clone()).collect()
}

/// Does each of them on two threads; all complaints at once.
pub fn each(calls: &[String], check: impl Fn(&str) -> Result<(), String> + Sync) {
    let (next, wrong) = (Mutex::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let index = {
                        let mut next = next.lock().unwrap();
                        *next += 1;
                        *next - 1
                    };
                    let Some(call) = calls.get(index) else { break };
                    if let Err(words) = check(call) {
                        wrong.lock().unwrap().push(format!("{call}: {words}"));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), calls.len(), wrong.join("\n\n"));
}
