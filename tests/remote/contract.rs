//! What holds of any remote, whatever stands behind it. `root` is its login folder as this machine sees it, with the empty
//! folders `in` and `out` in it, into which the remote may write.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nattpost::edges::remote::{Broken, FaultKind, Remote, Removed, Renamed, Target};
use nattpost::model::ids::Id;
use nattpost::model::remote_name::{aside_name, claim_name, upload_name};

use super::{files_in, folder};

/// Names that a command has to carry byte for byte.
pub const NAMES: [&[u8]; 12] = [
    b"orders 1.csv",
    b"M\xc3\xbcller.xml",
    b"M\xfcller.xml",
    b"-rf",
    b"a\"b.csv",
    b"two  blanks.csv",
    b" a blank before",
    b"a blank behind ",
    b"\xffy.csv",
    b"CON.csv",
    b"con.csv",
    &[b'n'; 255],
];

pub fn id(number: u8) -> Id {
    Id::new(1_795_300_000_000, u32::from(number))
}

fn put(root: &Path, name: &[u8], bytes: &[u8]) {
    let path = root.join(OsStr::from_bytes(name));
    std::fs::write(&path, bytes).unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    std::fs::set_permissions(&path, open).unwrap();
}

fn bytes_of(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

fn fetched(remote: &mut dyn Remote, name: &[u8], from: u64, expected: Option<u64>) -> Result<Vec<u8>, Broken> {
    let mut bytes = Vec::new();
    let count = remote.fetch(&folder("in"), name, from, expected, &mut bytes)?;
    assert_eq!(count, bytes.len() as u64);
    Ok(bytes)
}

/// All of it; the folders are empty again at the end.
pub fn all(root: &Path, names: &[&[u8]], open: &dyn Fn() -> Box<dyn Remote>) {
    let mut remote = open();
    lists(&mut *remote, root, names);
    fetches(&mut *remote, root);
    renames_and_removes(&mut *remote, root);
    sends(&mut *remote, root);
    what_is_missing_is_told(&mut *remote);
    remote.hang_up();
    our_own_trouble_is_ours(&mut *open(), root);
    for place in ["in", "out"] {
        assert!(files_in(&root.join(place)).is_empty(), "{place}");
    }
}

fn listed(remote: &mut dyn Remote, place: &str) -> Vec<(Vec<u8>, Option<u64>)> {
    let mut found = Vec::new();
    let whole = remote.list(&folder(place), &mut |entry| found.push((entry.name.to_vec(), entry.facts.size)));
    assert_eq!(whole.unwrap_or_else(|fault| panic!("{fault}")).not_understood, 0);
    found.sort();
    found
}

fn lists(remote: &mut dyn Remote, root: &Path, names: &[&[u8]]) {
    assert!(listed(remote, "in").is_empty());
    let mut expected = Vec::new();
    for (size, name) in names.iter().enumerate() {
        put(&root.join("in"), name, &bytes_of(size));
        expected.push((name.to_vec(), Some(size as u64)));
    }
    std::fs::create_dir(root.join("in/below")).unwrap();
    expected.sort();
    assert_eq!(listed(remote, "in"), expected, "no folder among them");
    let facts = remote.facts(&folder("in"), names).unwrap();
    let sizes: Vec<_> = facts.iter().map(|facts| facts.as_ref().and_then(|facts| facts.size)).collect();
    assert_eq!(sizes, (0..names.len()).map(|size| Some(size as u64)).collect::<Vec<_>>());
    assert_eq!(remote.facts(&folder("in"), &[b"nothing.csv", names[1]]).unwrap(), [None, facts[1].clone()]);
    for (size, name) in names.iter().enumerate() {
        assert_eq!(fetched(remote, name, 0, Some(size as u64)).unwrap(), bytes_of(size));
    }
    assert_eq!(remote.remove(&folder("in"), names).unwrap(), vec![Removed::Done; names.len()]);
    std::fs::remove_dir(root.join("in/below")).unwrap();
}

fn fetches(remote: &mut dyn Remote, root: &Path) {
    let large = bytes_of(3_000_000);
    put(&root.join("in"), b"large.csv", &large);
    assert!(fetched(remote, b"large.csv", 0, None).unwrap() == large);
    assert!(fetched(remote, b"large.csv", 2_990_000, Some(3_000_000)).unwrap() == large[2_990_000..], "it goes on");
    // A second file on the same connection, so a transfer leaves nothing behind.
    put(&root.join("in"), b"empty.csv", b"");
    assert_eq!(fetched(remote, b"empty.csv", 0, Some(0)).unwrap(), b"");
    assert_eq!(remote.remove(&folder("in"), &[b"large.csv", b"empty.csv"]).unwrap(), [Removed::Done, Removed::Done]);
}

fn renames_and_removes(remote: &mut dyn Remote, root: &Path) {
    let inside = root.join("in");
    let mut claims = Vec::new();
    for number in 0..20 {
        let name = format!("orders {number}.csv").into_bytes();
        put(&inside, &name, &bytes_of(usize::from(number)));
        claims.push((name.clone(), Target { folder: None, name: claim_name(id(number), &name, "abcde") }));
    }
    claims.insert(7, (b"gone.csv".to_vec(), Target { folder: None, name: claim_name(id(99), b"gone.csv", "abcde") }));
    let pairs: Vec<(&[u8], &Target)> = claims.iter().map(|(name, target)| (&name[..], target)).collect();
    let mut expected = vec![Renamed::Done; 21];
    expected[7] = Renamed::Missing;
    assert_eq!(remote.rename(&folder("in"), &pairs).unwrap(), expected);
    let there: Vec<Vec<u8>> = files_in(&inside).into_iter().map(|(name, _)| name).collect();
    let mut ours: Vec<Vec<u8>> = claims.iter().map(|(_, target)| target.name.clone()).collect();
    ours.remove(7);
    ours.sort();
    assert_eq!(there, ours);
    // Elsewhere, and onto a name that somebody has.
    put(&inside, b"mine.csv", b"mine");
    put(&root.join("out"), b"taken.csv", b"theirs");
    let taken = Target { folder: Some(folder("out")), name: b"taken.csv".to_vec() };
    let free = Target { folder: Some(folder("out")), name: b"free.csv".to_vec() };
    assert_eq!(remote.rename(&folder("in"), &[(b"mine.csv", &taken)]).unwrap(), [Renamed::Taken]);
    assert_eq!(remote.rename(&folder("in"), &[(b"mine.csv", &free)]).unwrap(), [Renamed::Done]);
    let out = files_in(&root.join("out"));
    assert_eq!(out, [(b"free.csv".to_vec(), b"mine".to_vec()), (b"taken.csv".to_vec(), b"theirs".to_vec())]);
    assert_eq!(
        remote.remove(&folder("out"), &[b"free.csv", b"no.csv", b"taken.csv"]).unwrap(),
        [Removed::Done, Removed::Missing, Removed::Done]
    );
    let ours: Vec<&[u8]> = ours.iter().map(Vec::as_slice).collect();
    assert_eq!(remote.remove(&folder("in"), &ours).unwrap(), vec![Removed::Done; 20]);
}

fn sends(remote: &mut dyn Remote, root: &Path) {
    let out = root.join("out");
    for (size, old) in [(0, None), (3_000_000, None), (77, Some("older"))] {
        let (temp, aside) = (upload_name(b"stock.csv", id(1), "abcde"), aside_name(b"stock.csv", id(1), "abcde"));
        old.inspect(|text| put(&out, b"stock.csv", text.as_bytes()));
        let bytes = bytes_of(size);
        remote.send(&folder("out"), &temp, size as u64, &mut &bytes[..]).unwrap_or_else(|broken| panic!("{broken:?}"));
        assert!(files_in(&out).contains(&(temp.clone(), bytes.clone())), "whole under its temporary name");
        remote.replace(&folder("out"), &temp, b"stock.csv", &aside).unwrap();
        assert!(files_in(&out).contains(&(b"stock.csv".to_vec(), bytes)), "whole under its own");
        let there: Vec<Vec<u8>> = files_in(&out).into_iter().map(|(name, _)| name).collect();
        let there: Vec<&[u8]> = there.iter().map(Vec::as_slice).collect();
        assert!(!there.contains(&&temp[..]));
        remote.remove(&folder("out"), &there).unwrap();
    }
}

fn what_is_missing_is_told(remote: &mut dyn Remote) {
    let Err(Broken::Theirs(fault)) = fetched(remote, b"nothing.csv", 0, Some(1)) else { panic!("it is not there") };
    assert_eq!(fault.kind, FaultKind::Missing, "{fault}");
    assert!(!fault.is_broken() && fault.to_string().contains("nothing.csv"), "{fault}");
    let fault = remote.list(&folder("nowhere"), &mut |_| ()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Missing, "{fault}");
    assert!(fault.to_string().contains("nowhere"), "{fault}");
    assert!(listed(remote, "in").is_empty(), "and the connection goes on");
    let fault = remote.replace(&folder("out"), b"no.part", b"stock.csv", b"no.old").unwrap_err();
    assert_eq!(fault.kind, FaultKind::Missing, "{fault}");
}

/// A full disk here is no fault of theirs.
fn our_own_trouble_is_ours(remote: &mut dyn Remote, root: &Path) {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    put(&root.join("in"), b"x.csv", b"1");
    let broken = remote.fetch(&folder("in"), b"x.csv", 0, Some(1), &mut Full).unwrap_err();
    assert!(matches!(broken, Broken::Ours(error) if error.kind() == io::ErrorKind::StorageFull));
    std::fs::remove_file(root.join("in/x.csv")).unwrap();
}
