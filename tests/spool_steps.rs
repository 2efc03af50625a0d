//! The steps of the spool on real folders: renames that never overwrite, files written whole, names of every kind, drafts
//! of dead processes, marks, commands, modes.

use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nattpost::edges::spool::{Existing, Lasting, Marks, Place, Role, Spool, State, state_name};
use nattpost::model::ids::Id;
use tempfile::TempDir;

const IN: Place<'_> = Place::In { partner: "shop", intake: "orders" };
const WORK: Place<'_> = Place::Work { partner: "shop", intake: "orders" };
const FAILED: Place<'_> = Place::Failed { partner: "shop", intake: "orders" };

fn spool() -> (TempDir, Spool) {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(&folder.path().join("spool")).unwrap();
    spool.make(IN).unwrap();
    (folder, spool)
}

fn id(n: u32) -> Id {
    Id::new(1_795_300_000_000 + i64::from(n), n)
}

fn drop_file(spool: &Spool, name: &[u8], content: &[u8]) {
    fs::write(spool.folder(IN).unwrap().join(OsStr::from_bytes(name)), content).unwrap();
}

fn content(spool: &Spool, place: Place<'_>, name: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    spool.read(place, name).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn opening_makes_every_state_folder_for_the_group_and_the_readme() {
    let (_folder, spool) = spool();
    for state in State::ALL {
        let mode = fs::metadata(spool.root().join(state.folder())).unwrap().permissions().mode();
        assert_eq!(mode & 0o2700, 0o2700, "{}", state.folder());
    }
    let readme = fs::read_to_string(spool.root().join("README.md")).unwrap();
    for state in State::ALL {
        assert!(
            readme.contains(&format!("`{}/`", state.folder())),
            "spool/README.md does not name {}/",
            state.folder()
        );
    }
    Spool::open(spool.root()).unwrap();
    assert_eq!(spool.elsewhere([IN]).unwrap(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn names_of_every_kind_are_claimed_and_read() {
    let (_folder, spool) = spool();
    let long = [b"x".repeat(251), b".csv".to_vec()].concat();
    let names: [&[u8]; 7] = [b"plain.csv", b"a\nb.csv", b"\xff\xfe\x01", b"..x", b"~", b"-rf *", &long];
    for (n, name) in names.into_iter().enumerate() {
        drop_file(&spool, name, name);
        let claimed = state_name(id(n as u32), name, Role::Original);
        spool.rename((IN, name), (WORK, &claimed)).unwrap();
        assert_eq!(content(&spool, WORK, &claimed), name);
        assert!(spool.look(IN, name).unwrap().is_none());
    }
    for name in [&b"../x"[..], b"", b"..", b"a\0"] {
        assert_eq!(spool.look(IN, name).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn a_rename_never_overwrites_and_says_what_was_missing() {
    let (_folder, spool) = spool();
    drop_file(&spool, b"a", b"one");
    drop_file(&spool, b"b", b"two");
    let collision = spool.rename((IN, b"a"), (IN, b"b")).unwrap_err();
    assert_eq!(collision.kind(), ErrorKind::AlreadyExists);
    assert!(collision.to_string().contains("in/shop/orders/b"), "{collision}");
    assert_eq!((content(&spool, IN, b"a"), content(&spool, IN, b"b")), (b"one".to_vec(), b"two".to_vec()));
    let gone = spool.rename((IN, b"c"), (WORK, b"c")).unwrap_err();
    assert_eq!((gone.kind(), gone.is_outage()), (ErrorKind::NotFound, false));
}

#[test]
fn a_file_is_whole_or_not_there() {
    let (_folder, spool) = spool();
    let mut draft = spool.draft(State::Staged).unwrap();
    for _ in 0..30_000 {
        draft.write_all(b"0123456789").unwrap();
    }
    assert_eq!(draft.written(), 300_000);
    assert!(spool.look(Place::Staged, b"run").unwrap().is_none());
    draft.publish(&spool, (Place::Staged, b"run"), Existing::Refuse, Lasting::Now).unwrap();
    assert_eq!(spool.look(Place::Staged, b"run").unwrap().unwrap().size, 300_000);

    let again = spool.write((Place::Staged, b"run"), b"x", Existing::Refuse, Lasting::NextSync).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
    assert_eq!(spool.look(Place::Staged, b"run").unwrap().unwrap().size, 300_000);
    spool.write((Place::Staged, b"run"), b"x", Existing::Replace, Lasting::NextSync).unwrap();
    assert_eq!(content(&spool, Place::Staged, b"run"), b"x");

    drop(spool.draft(State::Failed).unwrap());
    assert_eq!(names_in(&spool.root().join("tmp")), Vec::<String>::new());
    spool.sync().unwrap();
}

#[test]
fn reasons_are_writable_for_the_group_and_nothing_is_for_all() {
    let (_folder, spool) = spool();
    let reason = state_name(id(1), b"x.csv", Role::Reason);
    spool.write((FAILED, &reason), b"why", Existing::Refuse, Lasting::Now).unwrap();
    spool.write((Place::Staged, b"run"), b"x", Existing::Refuse, Lasting::Now).unwrap();
    let mode = |place, name: &[u8]| fs::metadata(spool.path(place, name).unwrap()).unwrap().permissions().mode();
    assert_eq!(mode(FAILED, &reason) & 0o607, 0o600);
    assert_eq!(mode(Place::Staged, b"run") & 0o627, 0o600);
}

#[test]
fn only_drafts_of_dead_processes_are_removed() {
    let (_folder, spool) = spool();
    let tmp = spool.root().join("tmp");
    let mine = spool.draft(State::Staged).unwrap();
    let living = names_in(&tmp)[0].clone();
    let start = living.split('.').nth(1).unwrap().to_owned();
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    // A dead process; a living one that got a dead one's number; what is none of ours.
    for name in [format!("{}.{start}.0.0", child.id()), format!("{}.1.0.0", std::process::id()), "x".into()] {
        fs::write(tmp.join(name), "half").unwrap();
    }
    assert_eq!(spool.remove_stale_drafts().unwrap(), 3);
    assert_eq!(names_in(&tmp), [living]);
    mine.publish(&spool, (Place::Staged, b"run"), Existing::Refuse, Lasting::Now).unwrap();
}

/// Who gives commands may not look into tmp/.
#[test]
fn a_command_is_written_beside_the_commands_and_never_seen_half() {
    let (_folder, spool) = spool();
    let commands = spool.root().join("commands");
    let mine = spool.draft(State::Commands).unwrap();
    let (living, in_tmp) = (names_in(&commands)[0].clone(), names_in(&spool.root().join("tmp")));
    assert!(living.starts_with('.') && in_tmp.is_empty(), "{living} {in_tmp:?}");
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    for name in [format!(".{}.1.0.0", child.id()), ".mine".into()] {
        fs::write(commands.join(name), "half").unwrap();
    }
    assert!(spool.commands().unwrap().is_empty());
    assert_eq!(spool.remove_stale_drafts().unwrap(), 1);
    assert_eq!(names_in(&commands), [living, ".mine".into()]);
    mine.publish(&spool, (Place::Commands, b"a"), Existing::Refuse, Lasting::Now).unwrap();
}

#[test]
fn a_pipe_or_symlink_is_not_read_and_does_not_block() {
    let (_folder, spool) = spool();
    let folder = spool.folder(IN).unwrap();
    drop_file(&spool, b"real", b"x");
    std::os::unix::fs::symlink("real", folder.join("link")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap().success());
    for name in [&b"link"[..], b"pipe"] {
        assert!(spool.read(IN, name).is_err());
        assert_eq!(spool.is_still_written(IN, name), None);
    }
}

#[test]
fn marks_only_rise_and_are_never_guessed() {
    let (_folder, spool) = spool();
    assert_eq!(spool.marks().unwrap(), Marks::default());
    spool.raise_marks(&Marks { order: 10, run: 3, ..Marks::default() }).unwrap();
    spool.raise_marks(&Marks { order: 4, run: 5, ..Marks::default() }).unwrap();
    assert_eq!(spool.marks().unwrap(), Marks { order: 10, run: 5, ..Marks::default() });
    fs::write(spool.root().join(".numbers"), "").unwrap();
    assert!(spool.marks().unwrap_err().to_string().contains(".numbers"));
    assert!(spool.raise_marks(&Marks { order: 11, run: 6, ..Marks::default() }).is_err());
}

#[test]
fn commands_come_in_the_order_they_were_given() {
    let (_folder, spool) = spool();
    for n in [3, 1, 2] {
        spool.drop_command(id(n), format!("command {n}").as_bytes()).unwrap();
    }
    fs::write(spool.root().join("commands/README"), "not a command").unwrap();
    let texts: Vec<_> =
        spool.commands().unwrap().into_iter().map(|c| String::from_utf8(c.bytes.unwrap()).unwrap()).collect();
    assert_eq!(texts, ["command 1", "command 2", "command 3"]);
    spool.remove_command(id(1)).unwrap();
    assert_eq!(spool.commands().unwrap().len(), 2);
    assert_eq!(spool.drop_command(id(2), b"again").unwrap_err().kind(), ErrorKind::AlreadyExists);
}

#[test]
fn a_folder_is_removed_only_when_nothing_is_in_it() {
    let (_folder, spool) = spool();
    drop_file(&spool, b"x", b"x");
    assert!(!spool.remove_empty(IN).unwrap());
    spool.remove(IN, b"x").unwrap();
    assert!(spool.remove_empty(IN).unwrap());
    assert!(!spool.remove_empty(IN).unwrap());
}

#[test]
fn a_folder_on_another_file_system_is_named() {
    let (folder, spool) = spool();
    let device = |path: &Path| std::os::unix::fs::MetadataExt::dev(&fs::metadata(path).unwrap());
    if device(Path::new("/proc")) == device(folder.path()) {
        println!("skipped: one file system only");
        return;
    }
    let there = Place::In { partner: "shop", intake: "stock" };
    std::os::unix::fs::symlink("/proc", spool.folder(there).unwrap()).unwrap();
    assert_eq!(spool.elsewhere([IN, there]).unwrap(), [spool.folder(there).unwrap()]);
    drop_file(&spool, b"x", b"x");
    assert!(spool.rename((IN, b"x"), (there, b"x")).is_err());
    assert!(spool.look(IN, b"x").unwrap().is_some());
}
