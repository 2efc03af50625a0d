//! Root may work everywhere, so where tests run as root a user without rights plays: he cannot reach a program below a folder that
//! is its owner's alone (a home, a new temporary folder), and gets it beside what he works on.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `nobody`
const WITHOUT_RIGHTS: u32 = 65534;

/// A copy of the program where he may start it.
pub fn program(root: &Path) -> PathBuf {
    let beside = root.join("nattpost");
    if !beside.exists() {
        fs::copy(env!("CARGO_BIN_EXE_nattpost"), &beside).unwrap();
    }
    beside
}

pub fn become_him(command: &mut Command) {
    if rustix::process::geteuid().is_root() {
        command.uid(WITHOUT_RIGHTS).gid(WITHOUT_RIGHTS);
    }
}

/// From here on this is his.
pub fn give(path: &Path) {
    if rustix::process::geteuid().is_root() {
        chown(path, Some(WITHOUT_RIGHTS), Some(WITHOUT_RIGHTS)).unwrap();
    }
}

/// Whether he gets as far as `root`. Said where he does not: everybody's temporary folder lies below one that is its owner's alone.
pub fn reaches(root: &Path) -> bool {
    let mut command = Command::new(program(root));
    become_him(command.arg("--version").current_dir(root));
    let started = command.output().is_ok_and(|output| output.status.success());
    if !started {
        println!("skipped: another user cannot work in {}", root.display());
    }
    started
}
