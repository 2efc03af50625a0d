//! A folder at which a file system should be mounted: as long as it is not, nothing is taken from the empty folder and nothing is
//! written into it. In a mount namespace of its own, with a table of mounts of its own; only root can have one.

use std::fs;
use std::process::Command;

use super::place::{Place, order};

const RULES: &str = "[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\ncustomers = \"accept\"\narticles = \"accept\"\nsettle = \"rename\"\n\n\
    [feed.orders]\nlayout = \"nattpost-order-csv\"\nfile_name = \"o_{run}.csv\"\nto = \"drop:/in\"\non_registration = true\n";

/// One run in which /etc/fstab says this. None: this machine lets nobody have such a namespace.
fn run(place: &Place, fstab: &str, before: &str) -> Option<(Option<i32>, String)> {
    fs::write(place.at("fstab"), fstab).unwrap();
    let steps = format!("mount --bind fstab /etc/fstab || exit 99; {before} exec \"$0\" run --once");
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &steps, env!("CARGO_BIN_EXE_nattpost")]).current_dir(place.at(""));
    let output = command.env_remove("NATTPOST_CONFIG").env_remove("NATTPOST_FAULT").output().ok()?;
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    let is_possible = output.status.code() != Some(99) && !text.starts_with("unshare:");
    is_possible.then_some((output.status.code(), text))
}

#[test]
fn nothing_is_written_where_nothing_is_mounted() {
    let place = Place::new(RULES);
    let there = place.at("there").canonicalize().unwrap();
    fs::create_dir_all(place.at("spool/in/shop/orders")).unwrap();
    place.put("spool/in/shop/orders/a.csv", &order("O-1"));
    let line = format!("none {} tmpfs noauto 0 0\n", there.display());
    let Some((code, text)) = run(&place, &line, "") else { return };
    assert_eq!(code, Some(75), "{text}");
    let words =
        format!("nothing is mounted at {}, where /etc/fstab says that something should be. Mount it", there.display());
    assert!(text.contains(&words), "{text}");
    assert!(place.there("in").is_empty());
    // It is mounted now: the file waited for that.
    let mounted = format!("mount --bind {0} {0};", there.display());
    let (code, text) = run(&place, &line, &mounted).unwrap();
    assert_eq!((code, place.there("in").len()), (Some(0), 1), "{text}");
}
