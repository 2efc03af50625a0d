//! A client that is not ours, and ours, at the same double: what one does, the other finds. So the double is no server that
//! only our own client understands, and our client is no client that only our double understands.

use std::io::Read;

use nattpost::edges::remote::{Removed, Renamed, Target};
use suppaftp::types::FileType;
use suppaftp::{FtpStream, Mode};

use super::ftp_double::{Double, PASSWORD, USER};
use super::honest::ground;
use super::{Peer, files_in, folder};

const ORDER: &[u8] = b"order;B-1\r\nline;A1;2\n";

#[test]
fn what_another_client_leaves_ours_finds_and_the_other_way_round() {
    for (script, mode) in [("", Mode::ExtendedPassive), ("on EPSV reply \"500 what?\"", Mode::Passive)] {
        let (_kept, root) = ground();
        let double = Double::start(&root, script);
        let mut theirs = FtpStream::connect(("127.0.0.1", double.port)).unwrap();
        theirs.login(USER, PASSWORD).unwrap();
        theirs.transfer_type(FileType::Binary).unwrap();
        theirs.set_mode(mode);
        theirs.cwd("in").unwrap();
        theirs.put_file("a b.csv", &mut &ORDER[..]).unwrap();
        theirs.rename("a b.csv", "orders.csv").unwrap();

        let mut ours = Peer::of(&double).remote();
        let mut listed = Vec::new();
        ours.list(&folder("in"), &mut |entry| listed.push((entry.name.to_vec(), entry.facts.size))).unwrap();
        assert_eq!(listed, [(b"orders.csv".to_vec(), Some(ORDER.len() as u64))], "{script}");
        let mut fetched = Vec::new();
        ours.fetch(&folder("in"), b"orders.csv", 0, Some(ORDER.len() as u64), &mut fetched).unwrap();
        assert_eq!(fetched, ORDER);
        let target = Target { folder: None, name: b"taken.csv".to_vec() };
        let renamed = ours.rename(&folder("in"), &[(b"orders.csv", &target)]).unwrap();
        assert!(matches!(renamed[..], [Renamed::Done]), "{renamed:?}");
        ours.send(&folder("in"), b"stock.csv", 5, &mut &b"stock"[..]).unwrap();

        let mut names = theirs.nlst(None).unwrap();
        names.sort();
        assert_eq!(names, ["stock.csv", "taken.csv"]);
        let mut read = Vec::new();
        theirs.retr_as_buffer("stock.csv").unwrap().read_to_end(&mut read).unwrap();
        assert_eq!((&read[..], theirs.size("taken.csv").unwrap()), (&b"stock"[..], ORDER.len()));
        theirs.rm("taken.csv").unwrap();
        let removed = ours.remove(&folder("in"), &[b"taken.csv", b"stock.csv"]).unwrap();
        assert!(matches!(removed[..], [Removed::Missing, Removed::Done]), "{removed:?}");
        assert_eq!(files_in(&root.join("in")), []);
        theirs.quit().unwrap();
    }
}
