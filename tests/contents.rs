//! Documents and their bytes by the real binary: killed, and failing, at calls of the store and the spool while a manifest and its file are
//! taken in either order. A document is there with its bytes or not at all, and no byte is lost.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rusqlite::Connection;
use tempfile::TempDir;

const ERP: &str = "name = \"ERP\"\n[intake.documents]\nlayouts = [\"nattpost-document-csv\"]\nsettle = \"rename\"\narticles = \"accept\"\n\
    contents = [\"*.pdf\", \"*.mp4\"]\n";
const MANIFEST: &str =
    "nattpost;document;1\n!document;doc_kind;doc_no;article_no;file_name\ndocument;data_sheet;DS-1;A-1;ds-1.pdf\n";

fn company() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("partners")).unwrap();
    fs::write(root.join("nattpost.toml"), "company = \"Nordkap\"\n").unwrap();
    fs::write(root.join("partners/erp.toml"), ERP).unwrap();
    fs::create_dir_all(root.join("spool/in/erp/documents")).unwrap();
    folder
}

/// True: it came to its end.
fn run(root: &Path, fault: Option<&str>) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
    command.args(["run", "--once"]).current_dir(root).env_remove("NATTPOST_CONFIG").env_remove("NATTPOST_FAULT");
    fault.into_iter().for_each(|fault| _ = command.env("NATTPOST_FAULT", fault));
    let done = command.stdin(Stdio::null()).output().unwrap();
    let ended = done.status.code().is_some_and(|code| matches!(code, 0 | 65 | 75));
    assert!(fault.is_some() || ended, "{}", String::from_utf8_lossy(&done.stderr));
    ended
}

/// Larger than what is copied into the ledger, so that its original alone holds it.
fn pdf() -> Vec<u8> {
    let mut bytes = b"%PDF-1.4\n".to_vec();
    bytes.resize(100_000, b'x');
    bytes
}

fn put(root: &Path, name: &str, bytes: &[u8]) {
    fs::write(root.join("spool/in/erp/documents").join(name), bytes).unwrap();
}

fn put_manifest(root: &Path) {
    put(root, "m.csv", MANIFEST.as_bytes());
}

fn put_pdf(root: &Path) {
    put(root, "ds-1.pdf", &pdf());
}

fn put_both(root: &Path) {
    put_manifest(root);
    put_pdf(root);
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries.map(|entry| entry.unwrap().path()) {
        if entry.is_dir() { files.extend(files_below(&entry)) } else { files.push(entry) }
    }
    files
}

/// The one document with the bytes that are kept for it, where both are as they should be.
fn is_whole(root: &Path) -> bool {
    let store = Connection::open(root.join("nattpost.db")).unwrap();
    let sql = "SELECT f.file_id FROM document d JOIN content c ON c.sha256 = d.sha256 AND c.name = d.file_name AND c.bytes = d.bytes JOIN file f ON f.file_no = c.file_no";
    let mut asked = store.prepare(sql).unwrap();
    let ids: Vec<String> = asked.query_map([], |row| row.get(0)).unwrap().map(|id| id.unwrap()).collect();
    let [id] = &ids[..] else { return false };
    let originals: Vec<PathBuf> = files_below(&root.join("spool/done"));
    let kept = originals.iter().filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(id.as_str()));
    kept.map(|path| fs::read(path).unwrap()).collect::<Vec<_>>() == [pdf()]
}

/// Drops something into the folder of the intake.
type Put = fn(&Path);

#[test]
fn whatever_step_is_the_last_a_document_has_its_bytes() {
    let every: usize = std::env::var("NATTPOST_KILL_EVERY").ok().and_then(|n| n.parse().ok()).unwrap_or(23);
    let arrivals: [(Put, Put); 3] = [(put_manifest, put_pdf), (put_pdf, put_manifest), (|_| {}, put_both)];
    std::thread::scope(|threads| {
        for (first, second) in arrivals {
            threads.spawn(move || {
                killed_everywhere(every, || {
                    let night = company();
                    first(night.path());
                    run(night.path(), None);
                    assert!(!is_whole(night.path()));
                    second(night.path());
                    night
                });
            });
        }
    });
}

fn killed_everywhere(every: usize, prepared: impl Fn() -> TempDir) {
    let counted = prepared();
    let list = counted.path().join("calls");
    run(counted.path(), Some(&format!("count@{}", list.display())));
    assert!(is_whole(counted.path()));
    let calls = fs::read_to_string(&list).unwrap();
    let calls: Vec<&str> = calls.lines().collect();
    let tried = (1..=calls.len()).filter(|call| call % every == 0 || calls[call - 1].ends_with("_content"));
    for (call, how) in tried.flat_map(|call| [(call, "kill"), (call, "fail")]) {
        let told = format!("{how} at call {call}, {}", calls[call - 1]);
        let night = prepared();
        let root = night.path();
        let ended = run(root, Some(&format!("{how}@{call}")));
        assert!(how == "fail" || !ended, "{told}");
        run(root, None);
        assert!(is_whole(root), "{told}: {:?}", files_below(&root.join("spool")));
    }
}

/// The bytes that no document has go when their days are over: whatever step is the last, nobody is told that what is gone is there.
#[test]
fn whatever_step_is_the_last_no_manifest_finds_bytes_that_are_gone() {
    let prepared = || {
        let night = company();
        put_pdf(night.path());
        run(night.path(), None);
        run(night.path(), None);
        let store = Connection::open(night.path().join("nattpost.db")).unwrap();
        store.execute("UPDATE file SET day = '2020-01-01', placed = 1", []).unwrap();
        let done = night.path().join("spool/done/erp");
        let day = fs::read_dir(&done).unwrap().next().unwrap().unwrap().path();
        fs::rename(day, done.join("2020-01-01")).unwrap();
        night
    };
    let counted = prepared();
    let list = counted.path().join("calls");
    run(counted.path(), Some(&format!("count@{}", list.display())));
    let calls = fs::read_to_string(&list).unwrap();
    let calls: Vec<&str> = calls.lines().collect();
    let begins = calls.iter().position(|call| call.ends_with("store.forget_content")).expect("its days are over");
    for call in begins + 1..=calls.len() {
        let night = prepared();
        let root = night.path();
        run(root, Some(&format!("kill@{call}")));
        let store = Connection::open(root.join("nattpost.db")).unwrap();
        let told: i64 = store.query_row("SELECT count(*) FROM content", [], |row| row.get(0)).unwrap();
        let there = files_below(&root.join("spool/done")).len() as i64;
        assert!(told <= there, "call {call}, {}: {told} told, {there} there", calls[call - 1]);
        run(root, None);
        let told: i64 = store.query_row("SELECT count(*) FROM content", [], |row| row.get(0)).unwrap();
        assert_eq!((told, files_below(&root.join("spool/done")).len()), (0, 0), "call {call}, {}", calls[call - 1]);
    }
}

/// Sparse, so that it costs a reading and no room; the process says what it had in memory at most.
#[test]
#[ignore = "hashes 2 GB: some seconds in a release build, minutes in a debug one"]
fn a_film_of_two_gigabytes_takes_no_memory() {
    const FILM: u64 = 2 << 30;
    let night = company();
    let root = night.path();
    let film = root.join("film");
    let mut file = File::create(&film).unwrap();
    std::io::Write::write_all(&mut file, b"\0\0\0\x18ftypmp42").unwrap();
    file.set_len(FILM).unwrap();
    drop(file);
    fs::rename(&film, root.join("spool/in/erp/documents/ds-1.mp4")).unwrap();
    put(root, "m.csv", MANIFEST.replace("ds-1.pdf", "ds-1.mp4").as_bytes());
    let words = format!("ulimit -v 1000000; exec {} run --once", env!("CARGO_BIN_EXE_nattpost"));
    let done = Command::new("sh").args(["-c", &words]).current_dir(root).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let store = Connection::open(root.join("nattpost.db")).unwrap();
    let sql = "SELECT bytes, mime FROM document";
    let found: (i64, String) = store.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(found, (FILM as i64, "video/mp4".to_string()));
}

/// Bytes are originals as every file's: what is left in done/ is all that is needed.
#[test]
fn with_a_lost_database_documents_have_their_bytes_again() {
    let company = company();
    let root = company.path();
    put_both(root);
    run(root, None);
    assert!(is_whole(root));
    for name in ["nattpost.db", "nattpost.db-wal", "nattpost.db-shm"] {
        fs::remove_file(root.join(name)).unwrap_or_default();
    }
    let done = Command::new(env!("CARGO_BIN_EXE_nattpost"))
        .args(["catch-up", "--do", "--accept-database"])
        .current_dir(root)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stdout);
    assert!(told.contains("2 files were judged anew") && !told.contains("Left for a person"), "{told}");
    run(root, None);
    assert!(is_whole(root));
}

/// Not only when the desks are looked at once more: nobody sees the file there and its document waiting.
#[test]
fn a_manifest_goes_on_in_the_commit_that_brings_its_file() {
    let company = company();
    let root = company.path();
    put_manifest(root);
    run(root, None);
    put_pdf(root);
    let list = root.join("calls");
    run(root, Some(&format!("count@{}", list.display())));
    let calls = fs::read_to_string(&list).unwrap();
    let since_kept = calls.lines().skip_while(|call| !call.ends_with("store.keep_content"));
    let mut in_its_commit = since_kept.take_while(|call| !call.ends_with("store.commit"));
    assert!(in_its_commit.any(|call| call.ends_with("store.revise_message")), "{calls}");
}
