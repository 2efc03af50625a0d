//! What systemd and dpkg are given: the units are known to systemd without a word, closed enough, alike where they are to be; what
//! the package lays out is there. Rig 10 runs them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const UNITS: [&str; 4] =
    ["nattpost.service", "nattpost@.service", "nattpost-failed.service", "nattpost-failed@.service"];
/// What the units want around them, as far as systemd asks whether it is there.
const TARGETS: [&str; 8] =
    ["basic", "multi-user", "network-online", "nss-lookup", "shutdown", "sysinit", "sockets", "time-sync"];
/// Tenths: 1.3.
const EXPOSURE_MAX: &str = "13";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn unit(name: &str) -> String {
    fs::read_to_string(root().join("systemd").join(name)).unwrap()
}

fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        println!("skipped: there is no {program} here");
    }
    found
}

/// As `%i` would be, so that two texts can be compared.
fn differing(one: &str, other: &str) -> Vec<(String, String)> {
    assert_eq!(one.lines().count(), other.lines().count());
    one.lines().zip(other.lines()).filter(|(a, b)| a != b).map(|(a, b)| (a.into(), b.into())).collect()
}

#[test]
fn the_units_of_an_instance_differ_in_its_name_alone() {
    for (plain, instance, count) in
        [("nattpost.service", "nattpost@.service", 7), ("nattpost-failed.service", "nattpost-failed@.service", 4)]
    {
        let differing = differing(&unit(plain), &unit(instance));
        assert_eq!(differing.len(), count, "{differing:#?}");
        for (ours, theirs) in differing {
            let named = theirs.replace("nattpost-failed@%i", "nattpost-failed").replace("nattpost@%i", "nattpost");
            assert_eq!(named.replace("-%i", "").replace(" for %i", ""), ours);
        }
    }
}

/// The one that tells of a failure lives in the sandbox of the one that failed.
#[test]
fn all_units_have_the_same_sandbox() {
    let sandbox = |name| {
        let text = unit(name);
        let lines: Vec<String> = text.lines().skip_while(|l| *l != "NoNewPrivileges=yes").map(String::from).collect();
        lines.into_iter().take_while(|line| !line.is_empty()).collect::<Vec<_>>()
    };
    assert!(sandbox(UNITS[0]).len() > 20);
    for name in UNITS {
        assert_eq!(sandbox(name), sandbox(UNITS[0]), "{name}");
    }
}

/// A tree of the units and of what they name, for a systemd that is not run.
fn tree() -> tempfile::TempDir {
    let tree = tempfile::tempdir().unwrap();
    let units = tree.path().join("usr/lib/systemd/system");
    fs::create_dir_all(&units).unwrap();
    for name in UNITS {
        fs::write(units.join(name), unit(name)).unwrap();
    }
    for target in TARGETS {
        fs::write(units.join(format!("{target}.target")), "[Unit]\nDescription=there\n").unwrap();
    }
    for program in ["usr/bin/nattpost", "bin/sh"] {
        let path = tree.path().join(program);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy("/bin/true", path).unwrap();
    }
    tree
}

/// It ends with 0 on most errors: only its silence says something.
fn verified(tree: &Path) -> String {
    let names =
        ["nattpost.service", "nattpost@company.service", "nattpost-failed.service", "nattpost-failed@company.service"];
    let said =
        Command::new("systemd-analyze").arg("verify").arg(format!("--root={}", tree.display())).args(names).output();
    let Output { stdout, stderr, .. } = said.unwrap();
    format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr))
}

#[test]
fn systemd_knows_every_line() {
    if !has("systemd-analyze") {
        return;
    }
    let tree = tree();
    assert_eq!(verified(tree.path()), "");
    let one = tree.path().join("usr/lib/systemd/system/nattpost.service");
    fs::write(&one, unit(UNITS[0]).replace("WatchdogSec=", "WatchdogSecs=")).unwrap();
    assert!(verified(tree.path()).contains("WatchdogSecs"), "a misspelt line passes too");
}

#[test]
fn every_unit_is_closed_enough() {
    if !has("systemd-analyze") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let judged = |name: &str, text: &str| {
        let path = folder.path().join(name.replace('@', "@company"));
        fs::write(&path, text).unwrap();
        let mut command = Command::new("systemd-analyze");
        command.args(["security", "--offline=true", &format!("--threshold={EXPOSURE_MAX}")]).arg(&path);
        command.output().unwrap()
    };
    for name in UNITS {
        let found = judged(name, &unit(name));
        assert!(found.status.success(), "{name}: {}", String::from_utf8_lossy(&found.stdout));
    }
    let lease = fs::read_to_string(root().join("systemd/examples/lease.conf")).unwrap();
    let with_lease = unit(UNITS[0]).replace("CapabilityBoundingSet=\n", lease.split_once("[Service]\n").unwrap().1);
    assert!(with_lease.contains("CAP_LEASE") && judged(UNITS[0], &with_lease).status.success(), "{with_lease}");
    let open = unit(UNITS[0]).replace("ProtectSystem=strict\n", "").replace("SystemCallFilter", "#SystemCallFilter");
    assert!(!judged(UNITS[0], &open).status.success(), "whatever is left out passes too");
}

/// Folders of the instance's example are those of the package, under its name.
#[test]
fn an_instance_gets_the_folders_of_the_package() {
    let lines = |path: &str| {
        let text = fs::read_to_string(root().join("systemd").join(path)).unwrap();
        text.lines().filter(|l| !l.starts_with('#')).map(String::from).collect::<Vec<_>>()
    };
    let (ours, instance) = (lines("tmpfiles.conf"), lines("examples/tmpfiles-NAME.conf"));
    assert_eq!(ours.len(), 5);
    assert_eq!(instance.iter().map(|l| l.replace("-NAME", "")).collect::<Vec<_>>(), ours);
}

/// What a first installation starts with is a configuration without problems.
#[test]
fn the_first_configuration_is_well() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(root().join("packaging/nattpost.toml")).unwrap();
    fs::write(folder.path().join("nattpost.toml"), &text).unwrap();
    fs::create_dir(folder.path().join("partners")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
    command.args(["check", "--quiet"]).current_dir(folder.path()).env_remove("NATTPOST_CONFIG");
    let quiet = command.output().unwrap();
    assert!(quiet.status.success() && quiet.stdout.is_empty() && quiet.stderr.is_empty(), "{quiet:?}");
    let offered = text.lines().filter(|line| !line.starts_with("# zone")).collect::<Vec<_>>().join("\n");
    assert!(offered.len() < text.len(), "the zone is offered");
    fs::write(folder.path().join("nattpost.toml"), text.replace("# zone", "zone")).unwrap();
    assert!(command.output().unwrap().status.success());
    fs::write(folder.path().join("nattpost.toml"), "spol = 1\n").unwrap();
    let wrong = command.output().unwrap();
    assert_eq!(wrong.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&wrong.stdout).contains("spol"), "{wrong:?}");
}

fn list(package: &Path, words: &[&str]) -> String {
    let output = Command::new("dpkg-deb").args(words).arg(package).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The same script that makes the real one, with this build's program.
#[test]
fn the_package_holds_what_an_operator_looks_for() {
    if !has("dpkg-deb") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("sh")
        .arg(root().join("packaging/deb"))
        .args(["--binary", "/bin/true", "--version", "9.9", "--into"])
        .arg(folder.path())
        .env("SOURCE_DATE_EPOCH", "1794031200")
        .env("PAPERS", papers(folder.path()))
        .env("COMPRESSION", "gzip")
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let package = PathBuf::from(String::from_utf8(made.stdout).unwrap().trim());
    let control = list(&package, &["--field"]);
    assert!(control.contains("Version: 9.9\n") && control.contains("systemd (>= 250)"), "{control}");
    let contents = list(&package, &["--contents"]);
    let found: BTreeSet<&str> = contents.lines().filter_map(|line| line.split_whitespace().nth(5)).collect();
    for path in [
        "./usr/bin/nattpost",
        "./usr/lib/systemd/system/nattpost.service",
        "./usr/lib/systemd/system/nattpost@.service",
        "./usr/lib/systemd/system/nattpost-failed.service",
        "./usr/lib/systemd/system/nattpost-failed@.service",
        "./usr/lib/sysusers.d/nattpost.conf",
        "./usr/lib/tmpfiles.d/nattpost.conf",
        "./usr/share/bash-completion/completions/nattpost",
        "./usr/share/zsh/vendor-completions/_nattpost",
        "./usr/share/fish/vendor_completions.d/nattpost.fish",
        "./usr/share/man/man1/nattpost.1.gz",
        "./usr/share/man/man1/nattpost-run.1.gz",
        "./usr/share/man/man1/nattpost-layout-try.1.gz",
        "./usr/share/man/man5/nattpost.toml.5.gz",
        "./usr/share/nattpost/nattpost.toml",
        "./usr/share/nattpost/templates/webshop.toml",
        "./usr/share/nattpost/templates/erp.toml",
        "./usr/share/nattpost/layouts/jtl-orders.toml",
        "./usr/share/nattpost/layouts/richer-parts-levels.toml",
        "./usr/share/doc/nattpost/operating.md",
        "./usr/share/doc/nattpost/examples/lease.conf",
        "./etc/nattpost/credentials/",
    ] {
        assert!(found.contains(path), "no {path} in\n{contents}");
    }
    assert!(contents.lines().all(|line| line.contains(" root/root ")), "{contents}");
    assert!(!contents.contains("./etc/nattpost/nattpost.toml"), "an upgrade would ask about what a person wrote");
}

/// The page of the configuration names every key, and a formatter has nothing to say about it.
#[test]
fn the_man_pages_name_every_key() {
    let folder = tempfile::tempdir().unwrap();
    let page = fs::read_to_string(papers(folder.path()).join("man5/nattpost.toml.5")).unwrap();
    for key in nattpost::config::keys::all() {
        assert!(page.contains(&format!("\\fB{}\\fR", key.name)), "{}", key.name);
    }
    assert!(fs::metadata(folder.path().join("papers/man1/nattpost-check.1")).unwrap().len() > 200);
}

/// Made once a test; the example is built with the tests.
fn papers(folder: &Path) -> PathBuf {
    let example = Path::new(env!("CARGO_BIN_EXE_nattpost")).with_file_name("examples").join("papers");
    let into = folder.join("papers");
    let made = Command::new(&example).arg(&into).output();
    let made =
        made.unwrap_or_else(|error| panic!("{}: {error}; cargo build --example papers makes it", example.display()));
    assert!(made.status.success(), "{made:?}");
    into
}
