//! Looks into real folders: what is taken, passed over, odd; what a walk finds; who still writes; and how much memory
//! 100,000 files cost.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::NaiveDate;
use nattpost::edges::spool::{Existing, Kind, Lasting, Oddities, Place, Role, Spool, State, state_name};
use nattpost::model::ids::Id;
use tempfile::TempDir;

const IN: Place<'_> = Place::In { partner: "shop", intake: "orders" };

fn spool() -> (TempDir, Spool, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(&folder.path().join("spool")).unwrap();
    spool.make(IN).unwrap();
    let drop = spool.folder(IN).unwrap();
    (folder, spool, drop)
}

#[test]
fn files_are_listed_and_the_rest_is_passed_over_or_odd() {
    let (_folder, spool, drop) = spool();
    let files: [&[u8]; 4] = [b"orders.csv", b"a\nb", b"\xff", b"x.part.csv"];
    for name in files {
        fs::write(drop.join(OsStr::from_bytes(name)), name).unwrap();
    }
    for name in [".hidden", "x.part", "x.TMP", "x.filepart"] {
        fs::write(drop.join(name), "x").unwrap();
    }
    fs::create_dir(drop.join("archive")).unwrap();
    fs::create_dir(drop.join("orders-1.xml")).unwrap();
    symlink("/etc/passwd", drop.join("link.csv")).unwrap();
    symlink("archive", drop.join("to-a-folder")).unwrap();
    let listing = spool.scan(IN).unwrap();
    let mut found: Vec<(Vec<u8>, u64)> = listing.entries().map(|e| (e.name.to_owned(), e.meta.size)).collect();
    found.sort();
    let mut expected: Vec<(Vec<u8>, u64)> = files.iter().map(|n| (n.to_vec(), n.len() as u64)).collect();
    expected.sort();
    assert_eq!(found, expected);
    for entry in listing.entries() {
        assert_eq!(spool.look(IN, entry.name).unwrap(), Some(entry.meta));
    }
    let mut odd: Vec<_> = listing.odd().iter().map(|o| (o.name.clone(), o.kind)).collect();
    odd.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [("link.csv", Kind::Symlink), ("orders-1.xml", Kind::Folder), ("to-a-folder", Kind::Symlink)];
    assert_eq!(odd, expected.map(|(name, kind)| (name.as_bytes().to_vec(), kind)));
    assert!(listing.odd()[0].reason().contains("expected"));
}

#[test]
fn odd_names_are_told_once_and_again_only_when_they_come_back() {
    let (_folder, spool, drop) = spool();
    let mut oddities = Oddities::default();
    let mut told = |spool: &Spool| oddities.new_ones(&spool.scan(IN).unwrap()).len();
    (0..1_000).for_each(|n| symlink("nowhere", drop.join(format!("link-{n}"))).unwrap());
    assert_eq!(spool.scan(IN).unwrap().odd_count(), 1_000);
    assert_eq!((told(&spool), told(&spool)), (100, 0));
    (0..1_000).for_each(|n| fs::remove_file(drop.join(format!("link-{n}"))).unwrap());
    assert_eq!(told(&spool), 0);
    fs::create_dir(drop.join("a.csv")).unwrap();
    assert_eq!((told(&spool), told(&spool)), (1, 0));
}

#[test]
fn a_missing_folder_is_made_and_a_symlink_in_its_place_is_refused() {
    let (_folder, spool, drop) = spool();
    assert!(!spool.scan(IN).unwrap().was_remade());
    fs::remove_dir(&drop).unwrap();
    assert!(spool.scan(IN).unwrap().was_remade());
    assert!(drop.is_dir());
    fs::remove_dir(&drop).unwrap();
    symlink("/etc", &drop).unwrap();
    let refused = spool.scan(IN).unwrap_err();
    assert!(refused.to_string().contains("in/shop/orders"), "{refused}");
}

/// As another user, whom a mode can keep out: root reads everything.
#[test]
fn a_file_without_permission_is_odd_and_others_files_are_taken() {
    if !rustix::process::geteuid().is_root() {
        let (_folder, spool, drop) = spool();
        fs::write(drop.join("secret.csv"), "x").unwrap();
        fs::set_permissions(drop.join("secret.csv"), Permissions::from_mode(0o000)).unwrap();
        assert_eq!(spool.scan(IN).unwrap().odd()[0].kind, Kind::Unreadable);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    let helper = folder.path().join("scan-test");
    fs::copy(std::env::current_exe().unwrap(), &helper).unwrap();
    let run = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(&helper)
        .args(["as_nobody", "--exact", "--ignored", "--nocapture"])
        .env("SPOOL_TEST_FOLDER", folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut run) = run else {
        println!("skipped: no setpriv here");
        return;
    };
    // The child makes the spool, we drop a file as another user and one that it may not read.
    let drop = folder.path().join("spool/in/shop/orders");
    while !drop.join("ready").exists() {
        assert!(run.try_wait().unwrap().is_none(), "the child ended early");
        std::thread::yield_now();
    }
    fs::write(drop.join("ours.csv"), "x").unwrap();
    fs::set_permissions(drop.join("ours.csv"), Permissions::from_mode(0o644)).unwrap();
    fs::write(drop.join("secret.csv"), "x").unwrap();
    fs::set_permissions(drop.join("secret.csv"), Permissions::from_mode(0o600)).unwrap();
    fs::rename(drop.join("ready"), drop.join("go")).unwrap();
    let output = run.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
#[ignore = "run by a_file_without_permission_is_odd_and_others_files_are_taken as another user"]
fn as_nobody() {
    let Some(folder) = std::env::var_os("SPOOL_TEST_FOLDER") else { return };
    let spool = Spool::open(&PathBuf::from(folder).join("spool")).unwrap();
    spool.make(IN).unwrap();
    let drop = spool.folder(IN).unwrap();
    fs::write(drop.join("ready"), "").unwrap();
    while !drop.join("go").exists() {
        std::thread::yield_now();
    }
    let listing = spool.scan(IN).unwrap();
    let mut names: Vec<_> = listing.entries().map(|e| e.name.to_owned()).collect();
    names.sort();
    assert_eq!(names, [b"go".to_vec(), b"ours.csv".to_vec()]);
    assert_eq!((listing.odd()[0].name.as_slice(), listing.odd()[0].kind), (&b"secret.csv"[..], Kind::Unreadable));
    // Whose file it is the kernel does not say, so nothing is known; taken it is.
    assert_eq!(spool.is_still_written(IN, b"ours.csv"), None);
    spool.rename((IN, b"ours.csv"), (Place::Work { partner: "shop", intake: "orders" }, b"ours.csv")).unwrap();
}

#[test]
fn the_kernel_tells_who_still_writes() {
    let (_folder, spool, drop) = spool();
    let path = drop.join("slow.csv");
    let mut writer = File::create(&path).unwrap();
    writer.write_all(b"half").unwrap();
    assert_eq!(spool.is_still_written(IN, b"slow.csv"), Some(true));
    let reader = File::open(&path).unwrap();
    std::mem::drop(writer);
    assert_eq!(spool.is_still_written(IN, b"slow.csv"), Some(false));
    std::mem::drop(reader);
    assert_eq!(spool.is_still_written(IN, b"nothing"), None);
}

/// A writer that comes while we hold the lease makes the kernel signal us; that must not end the process.
#[test]
fn asking_while_others_open_the_file_harms_neither() {
    let (_folder, spool, drop) = spool();
    let path = drop.join("busy.csv");
    File::create(&path).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let opener = threads.spawn(|| {
            let mut opened = 0;
            while !stop.load(Ordering::Relaxed) {
                File::options().append(true).open(&path).unwrap();
                opened += 1;
            }
            opened
        });
        let answers: Vec<_> = (0..20_000).map(|_| spool.is_still_written(IN, b"busy.csv")).collect();
        stop.store(true, Ordering::Relaxed);
        assert!(opener.join().unwrap() > 0);
        assert!(answers.contains(&Some(false)) && !answers.contains(&None));
    });
}

#[test]
fn a_walk_finds_every_file_of_a_state_with_its_id() {
    let (_folder, spool, _) = spool();
    let day = NaiveDate::from_ymd_opt(2026, 11, 7).unwrap();
    let id = Id::new(1_795_300_000_000, 7);
    let named = state_name(id, b"x.csv", Role::Original);
    let (partner, intake) = ("shop", "orders");
    let cases: [(Place<'_>, &[u8], Option<Id>); 11] = [
        (Place::In { partner, intake }, b"x.csv", None),
        (Place::Work { partner, intake }, &named, Some(id)),
        (Place::Done { partner, day }, &named, Some(id)),
        (Place::Failed { partner, intake }, &named, Some(id)),
        (Place::HeldIn { partner, intake }, &named, Some(id)),
        (Place::HeldOut { partner }, &named, Some(id)),
        (Place::Staged, id.as_str().as_bytes(), Some(id)),
        (Place::Out { partner, folder: "" }, b"stock.csv", None),
        (Place::Out { partner, folder: "a/b" }, b"stock.csv", None),
        (Place::Sent { partner, day }, &named, Some(id)),
        (Place::Tmp, b"x", None),
    ];
    for (place, name, _) in &cases {
        spool.write((*place, name), b"x", Existing::Refuse, Lasting::NextSync).unwrap();
    }
    fs::create_dir_all(spool.root().join("done/shop/not-a-day")).unwrap();
    fs::write(spool.root().join("done/shop/not-a-day/x"), "x").unwrap();
    for state in State::ALL {
        let mut found = Vec::new();
        spool
            .walk(state, &mut |f| {
                found.push((f.place.relative().unwrap(), f.name.to_owned(), f.id, f.meta.size));
                ControlFlow::Continue(())
            })
            .unwrap();
        found.sort();
        let mut expected: Vec<_> = cases
            .iter()
            .filter(|(place, ..)| place.state() == state)
            .map(|(place, name, id)| (place.relative().unwrap(), name.to_vec(), *id, 1))
            .collect();
        expected.sort();
        assert_eq!(found, expected, "{state:?}");
    }
    let mut seen = 0;
    spool
        .walk(State::Out, &mut |_| {
            seen += 1;
            ControlFlow::Break(())
        })
        .unwrap();
    assert_eq!(seen, 1);
}

#[test]
fn a_hundred_thousand_files_are_a_few_megabytes() {
    let (_folder, spool, drop) = spool();
    for n in 0..100_000 {
        File::create(drop.join(format!("orders-of-a-busy-partner-{n:06}.xml"))).unwrap();
    }
    let before = resident_kb();
    let listing = spool.scan(IN).unwrap();
    let mut table = nattpost::model::rules::settle::LookTable::default();
    table.begin();
    for entry in listing.entries() {
        table.look(entry.meta.inode, entry.meta.size, entry.meta.mtime_ns, std::time::Duration::ZERO);
    }
    table.end();
    let used = resident_kb().saturating_sub(before);
    assert_eq!((listing.len(), table.len()), (100_000, 100_000));
    assert!(used < 30_000, "{used} kB for the listing and the looks");
}

fn resident_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
