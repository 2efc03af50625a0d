//! A folder of the spool that the running daemon may not work in: `status` tells it, the daemon goes on with what needs it as
//! soon as it is mended, without being asked. The cases 051 and 034 show what is told of each folder. And what a sandbox takes:
//! the group bit may not be set, processes of others are not seen.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

mod another_user;
use another_user::give;

/// The daemon tries again after 1, 2, 4 s.
const PATIENCE: Duration = Duration::from_secs(30);

const SHOP: &str = "name = \"Shop\"\n[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nsettle = \"rename\"\n\
                    customers = \"accept\"\narticles = \"accept\"\n";
const ORDER: &str =
    "nattpost;order;1\n!order;buyer_order_no;customer_no\n!line;line_no;article_no;qty\norder;S-1;1001\nline;1;A1;2\n";

fn nattpost(root: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(another_user::program(root));
    command.args(words);
    as_nobody(command, root)
}

/// Under strace, with these system calls answered as they say.
fn nattpost_with(root: &Path, answered: &[&str]) -> String {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null"]).args(answered);
    command.arg(another_user::program(root)).args(["run", "--once"]);
    let output = as_nobody(command, root).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

fn has_strace() -> bool {
    let found = Command::new("strace").arg("--version").output().is_ok();
    if !found {
        println!("skipped: there is no strace here");
    }
    found
}

fn as_nobody(mut command: Command, root: &Path) -> Command {
    command.current_dir(root).env_remove("NATTPOST_CONFIG").stdin(Stdio::null());
    another_user::become_him(&mut command);
    command
}

fn said(root: &Path, words: &[&str]) -> String {
    let output = nattpost(root, words).output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn may_write(folder: &Path, may: bool) {
    fs::set_permissions(folder, fs::Permissions::from_mode(if may { 0o755 } else { 0o555 })).unwrap();
}

fn wait_for(what: &str, condition: impl Fn() -> bool) -> Result<(), String> {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > end {
            return Err(format!("still not after {} s: {what}", PATIENCE.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn files_below(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries.map(|entry| entry.unwrap().path()).map(|path| if path.is_dir() { files_below(&path) } else { 1 }).sum()
}

/// Nothing where another user cannot get there.
fn site() -> Option<tempfile::TempDir> {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    fs::create_dir(root.join("partners")).unwrap();
    fs::write(root.join("nattpost.toml"), "company = \"Nordkap\"\n").unwrap();
    fs::write(root.join("partners/shop.toml"), SHOP).unwrap();
    give(root);
    another_user::reaches(root).then_some(scratch)
}

fn has_group_bit(folder: &Path) -> bool {
    fs::metadata(folder).unwrap().permissions().mode() & 0o2000 != 0
}

/// systemd's RestrictSUIDSGID answers so.
#[test]
fn where_the_group_bit_may_not_be_set_the_kernel_hands_it_on() {
    if !has_strace() {
        return;
    }
    let refused = ["-e", "trace=chmod,fchmodat", "-e", "inject=chmod,fchmodat:error=EPERM"];
    for given in [false, true] {
        let Some(scratch) = site() else { return };
        let root = scratch.path();
        let spool = root.join("spool");
        fs::create_dir(&spool).unwrap();
        give(&spool);
        fs::set_permissions(&spool, fs::Permissions::from_mode(if given { 0o2770 } else { 0o770 })).unwrap();
        nattpost_with(root, &refused);
        fs::write(spool.join("in/shop/orders/orders.csv"), ORDER).unwrap();
        nattpost_with(root, &refused);
        assert_eq!(files_below(&spool.join("done")), 1);
        for folder in ["in/shop/orders", "done/shop", "tmp"] {
            assert_eq!(has_group_bit(&spool.join(folder)), given, "{folder}");
        }
    }
}

/// systemd's ProtectProc hides processes of others: no entry in /proc is no proof of death.
#[test]
fn a_draft_of_a_process_that_cannot_be_seen_is_left_to_it() {
    if !has_strace() {
        return;
    }
    let Some(scratch) = site() else { return };
    let root = scratch.path();
    nattpost_with(root, &[]);
    let (me, mut child) = (std::process::id(), Command::new("true").spawn().unwrap());
    child.wait().unwrap();
    let tmp = root.join("spool/tmp");
    let lay = || {
        for pid in [me, child.id()] {
            // Its start is another, so that only who does not see it takes it for the living one.
            fs::write(tmp.join(format!("{pid}.1.0.0")), "half").unwrap();
        }
    };
    let hidden = ["-P".to_string(), format!("/proc/{me}/stat"), "-e".into(), "inject=openat:error=ENOENT".into()];
    lay();
    nattpost_with(root, &hidden.each_ref().map(String::as_str));
    assert!(tmp.join(format!("{me}.1.0.0")).exists() && files_below(&tmp) == 1);
    lay();
    nattpost_with(root, &[]);
    assert_eq!(files_below(&tmp), 0, "seen, it is another process");
}

#[test]
fn what_waits_for_a_folder_goes_on_by_itself_when_it_is_mended() {
    let Some(scratch) = site() else { return };
    let root = scratch.path();
    let made = said(root, &["run", "--once"]);
    let inbox = root.join("spool/in/shop/orders");
    assert!(inbox.is_dir(), "{made}");
    let aside = root.join("aside");
    fs::write(&aside, ORDER).unwrap();
    fs::rename(&aside, inbox.join("orders.csv")).unwrap();
    may_write(&inbox, false);
    may_write(&root.join("spool/done"), false);
    let mut daemon = nattpost(root, &["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let story = (|| {
        wait_for("status tells of in/", || said(root, &["status"]).contains("in/shop/orders may not be worked in"))?;
        may_write(&inbox, true);
        wait_for("status tells of done/", || said(root, &["status"]).contains("spool/done may not be worked in"))?;
        may_write(&root.join("spool/done"), true);
        wait_for("the file stands in done/", || files_below(&root.join("spool/done")) == 1)?;
        wait_for("status tells nothing any more", || !said(root, &["status"]).contains("may not be worked in"))
    })();
    let pid = rustix::process::Pid::from_child(&daemon);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let ended = daemon.wait().unwrap();
    let status = said(root, &["show", "orders.csv"]);
    assert!(story.is_ok() && ended.success() && status.contains("1 accepted"), "{story:?} {ended}\n{status}");
}
