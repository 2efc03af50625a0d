//! The quick form of the kill loop for the everyday tests: kills and failures at some of the calls of every evening. The whole
//! loop, and what else is tried, are in tests/rigs (docs/crash.md says what each proves).

use std::path::Path;
use std::process::Command;

/// Every so many calls: under ten seconds. A prime, so that loops of calls are met at different places.
const STEP: &str = "127";

#[test]
fn killed_or_failing_at_some_of_the_calls_every_promise_holds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if Command::new("python3").arg("--version").output().is_err() {
        println!("SKIPPED: the kill loop needs python3");
        return;
    }
    let done = Command::new("python3")
        .arg(root.join("tests/rigs/kill_loop.py"))
        .args(["--modes", "kill,twice,full", "--jobs", "2", "--step", STEP])
        .env("NATTPOST_BIN", env!("CARGO_BIN_EXE_nattpost"))
        .output()
        .expect("python3 was there a moment ago");
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}");
    assert!(said.contains("kill loop:"), "{said}");
    println!("{said}");
}

const SHOP: &str = "name = \"Shop\"\n[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nsettle = \"rename\"\n\
                    customers = \"accept\"\narticles = \"accept\"\n";
const HEAD: &str = "nattpost;order;1\n!order;buyer_order_no;customer_no\n!line;line_no;article_no;qty\n";
const FIRST: &str = "order;S-1;1001\nline;1;A1;2\n";
const SECOND: &str = "order;S-2;1001\nline;1;A1;3\n";

/// A company with one file of two orders in in/.
fn company() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let inbox = folder.path().join("spool/in/shop/orders");
    std::fs::create_dir_all(&inbox).unwrap();
    std::fs::create_dir_all(folder.path().join("partners")).unwrap();
    std::fs::write(folder.path().join("nattpost.toml"), "company = \"Nordkap\"\n").unwrap();
    std::fs::write(folder.path().join("partners/shop.toml"), SHOP).unwrap();
    std::fs::write(inbox.join("orders.csv"), format!("{HEAD}{FIRST}{SECOND}")).unwrap();
    folder
}

fn run_once(root: &Path, fault: Option<&str>) -> Option<i32> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
    command.args(["run", "--once"]).current_dir(root).env_remove("NATTPOST_CONFIG").env_remove("NATTPOST_FAULT");
    fault.into_iter().for_each(|fault| _ = command.env("NATTPOST_FAULT", fault));
    command.output().unwrap().status.code()
}

/// What a sender did not sync is gone with the power, also after its rename to work/ has reached the disk. What is left may
/// look like a whole file.
#[test]
fn a_claimed_file_that_lost_its_end_with_the_power_is_not_applied() {
    let counted = company();
    let list = counted.path().join("calls");
    run_once(counted.path(), Some(&format!("count@{}", list.display())));
    let calls = std::fs::read_to_string(&list).unwrap();
    let judging = calls.lines().position(|line| line.ends_with("store.savepoint")).expect("a file was judged") + 1;

    let night = company();
    assert_eq!(run_once(night.path(), Some(&format!("kill@{judging}"))), None, "it is killed");
    let work = night.path().join("spool/work/shop/orders");
    let claimed = std::fs::read_dir(&work).unwrap().next().expect("it stands in work/").unwrap().path();
    std::fs::File::options().write(true).open(&claimed).unwrap().set_len((HEAD.len() + FIRST.len()) as u64).unwrap();
    run_once(night.path(), None);

    let store = nattpost::edges::store::Store::open(&night.path().join("nattpost.db")).unwrap();
    let snapshot = store.read().unwrap();
    let files = snapshot.select_files(&Default::default(), u32::MAX).unwrap();
    let [file] = &files[..] else { panic!("{files:?}") };
    assert_eq!((file.code.as_str(), file.counts.accepted), ("file-truncated", 0));
    let reason = snapshot.reason_text(file.no).unwrap().unwrap();
    assert!(reason.contains("it came with") && reason.contains("are left"), "{reason}");
}

/// Reading it ends the process: three times, then it is set aside with its reason. A person may have it tried again; that ends the
/// process three times at most too, not every start that finds the command.
#[test]
fn a_file_whose_reading_ends_the_process_is_set_aside_and_a_retry_may_apply_it() {
    let night = company();
    let root = night.path();
    assert_eq!([(); 3].map(|()| run_once(root, Some("kill@spool.open"))), [None; 3], "it is killed");
    let stands = || {
        let store = nattpost::edges::store::Store::open(&root.join("nattpost.db")).unwrap();
        let files = store.read().unwrap().select_files(&Default::default(), u32::MAX).unwrap();
        let [file] = &files[..] else { panic!("{files:?}") };
        (file.code.clone(), file.counts.accepted)
    };
    let set_aside = ("crashed-while-reading".to_string(), 0);
    let last = Command::new(env!("CARGO_BIN_EXE_nattpost"))
        .args(["run", "--once"])
        .current_dir(root)
        .env_remove("NATTPOST_CONFIG")
        .output()
        .unwrap();
    assert_eq!((last.status.code(), stands()), (Some(0), set_aside.clone()));
    let told = String::from_utf8(last.stderr).unwrap();
    assert!(told.contains(" file-crashed level=error ") && told.contains(" attempts=3 "), "{told}");

    let retry = |fault: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nattpost"));
        command
            .args(["retry", "orders.csv"])
            .current_dir(root)
            .env_remove("NATTPOST_CONFIG")
            .env_remove("NATTPOST_FAULT");
        fault.into_iter().for_each(|fault| _ = command.env("NATTPOST_FAULT", fault));
        command.output().unwrap().status.code()
    };
    // The first opening is that of the command.
    let again = "kill@spool.open/2";
    assert_eq!(retry(Some(again)), None, "the retry is killed");
    assert_eq!([run_once(root, Some(again)), run_once(root, Some(again))], [None; 2], "the command is found again");
    assert_eq!((run_once(root, Some(again)), stands()), (Some(0), set_aside));

    assert_eq!((retry(None), stands()), (Some(0), (String::new(), 2)));
}

/// The number of the call that moves the file of `company` once its verdict is committed.
fn call_that_moves() -> usize {
    let counted = company();
    let list = counted.path().join("calls");
    run_once(counted.path(), Some(&format!("count@{}", list.display())));
    let calls = std::fs::read_to_string(&list).unwrap();
    let calls: Vec<&str> = calls.lines().collect();
    let copied = calls.iter().position(|line| line.ends_with("store.keep_copy")).expect("a small file is copied");
    calls[copied..].iter().position(|line| line.ends_with("spool.rename")).expect("it is moved") + copied + 1
}

/// The verdict of a small file may reach the disk before its original does: what the power took of it is written again.
#[test]
fn an_original_that_the_power_took_after_its_verdict_is_written_again() {
    let moving = call_that_moves();

    type Loss = (&'static str, fn(&Path, &Path));
    let losses: [Loss; 4] = [
        ("nothing", |_, _| {}),
        ("its content", |work, _| std::fs::File::options().write(true).open(work).unwrap().set_len(0).unwrap()),
        ("its name", |work, _| std::fs::remove_file(work).unwrap()),
        ("its content and the rename", |work, dropped| {
            std::fs::File::options().write(true).open(work).unwrap().set_len(0).unwrap();
            std::fs::rename(work, dropped).unwrap();
        }),
    ];
    for (lost, take) in losses {
        let night = company();
        assert_eq!(run_once(night.path(), Some(&format!("kill@{moving}"))), None, "{lost}: it is killed");
        let folder = night.path().join("spool/work/shop/orders");
        let work = std::fs::read_dir(&folder).unwrap().next().expect("it stands in work/").unwrap().path();
        take(&work, &night.path().join("spool/in/shop/orders/orders.csv"));
        assert_eq!(run_once(night.path(), None), Some(0), "{lost}");

        let day = std::fs::read_dir(night.path().join("spool/done/shop")).unwrap().next().unwrap().unwrap().path();
        let kept: Vec<_> = std::fs::read_dir(&day).unwrap().map(|found| found.unwrap().path()).collect();
        assert_eq!(kept.len(), 1, "{lost}: {kept:?}");
        assert_eq!(std::fs::read_to_string(&kept[0]).unwrap(), format!("{HEAD}{FIRST}{SECOND}"), "{lost}");
        let store = nattpost::edges::store::Store::open(&night.path().join("nattpost.db")).unwrap();
        let files = store.read().unwrap().select_files(&Default::default(), u32::MAX).unwrap();
        let [file] = &files[..] else { panic!("{lost}: {files:?}") };
        assert_eq!((file.counts.accepted, file.placed), (2, true), "{lost}");
        assert_eq!(store.read().unwrap().copied_files().unwrap(), [], "{lost}: the copy is not needed any more");
    }
}

/// What stands in in/ under the number of a file that is gone may be another file: it is never taken for the remains of the first.
#[test]
fn a_new_file_is_not_taken_for_the_remains_of_one_that_the_power_took() {
    let moving = call_that_moves();

    let night = company();
    assert_eq!(run_once(night.path(), Some(&format!("kill@{moving}"))), None, "it is killed");
    let folder = night.path().join("spool/work/shop/orders");
    let work = std::fs::read_dir(&folder).unwrap().next().expect("it stands in work/").unwrap().path();
    // The same inode, another content.
    let another = format!("{HEAD}order;S-3;1001\nline;1;A1;9\n");
    std::fs::write(&work, &another).unwrap();
    std::fs::rename(&work, night.path().join("spool/in/shop/orders/orders.csv")).unwrap();
    assert_eq!(run_once(night.path(), None), Some(0));

    let day = std::fs::read_dir(night.path().join("spool/done/shop")).unwrap().next().unwrap().unwrap().path();
    let read = |found: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(found.unwrap().path()).unwrap();
    let mut kept: Vec<String> = std::fs::read_dir(&day).unwrap().map(read).collect();
    kept.sort();
    assert_eq!(kept, [format!("{HEAD}{FIRST}{SECOND}"), another], "both are kept, the first written again");
    let store = nattpost::edges::store::Store::open(&night.path().join("nattpost.db")).unwrap();
    let files = store.read().unwrap().select_files(&Default::default(), u32::MAX).unwrap();
    assert_eq!(files.iter().map(|file| file.counts.accepted).sum::<u64>(), 3);
}

/// Commit 1 is not synced: after a power cut a claimed file may be unknown, and its sender may have sent another of its name.
#[test]
fn an_unknown_file_in_work_goes_back_also_where_its_name_is_taken() {
    let night = company();
    let work = night.path().join("spool/work/shop/orders");
    std::fs::create_dir_all(&work).unwrap();
    std::fs::write(work.join("6ahabhat6dgga~orders.csv"), format!("{HEAD}order;S-9;1001\nline;1;A1;4\n")).unwrap();
    assert_eq!(run_once(night.path(), None), Some(0));
    let store = nattpost::edges::store::Store::open(&night.path().join("nattpost.db")).unwrap();
    let files = store.read().unwrap().select_files(&Default::default(), u32::MAX).unwrap();
    let mut taken: Vec<(String, u64)> = files.iter().map(|file| (file.name.clone(), file.counts.accepted)).collect();
    taken.sort();
    assert_eq!(taken, [("6ahabhat6dgga~orders.csv".to_string(), 1), ("orders.csv".to_string(), 2)]);
}

const PAIR: &str = "name = \"Desk\"\n[intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nsettle = \"rename\"\n\
                    companion = [\"{no}.csv\", \"{no}.pdf\"]\ncustomers = \"accept\"\narticles = \"accept\"\n";
const PAPER: &str = "%PDF-1.4\npages\n%%EOF\n";

/// A company with an order and its PDF in in/.
fn company_of_pairs() -> tempfile::TempDir {
    let folder = company();
    std::fs::write(folder.path().join("partners/shop.toml"), PAIR).unwrap();
    std::fs::write(folder.path().join("spool/in/shop/orders/orders.pdf"), PAPER).unwrap();
    folder
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Two files become one arrival in a dozen steps; a kill before each of them, and the next start ends with both in one archive,
/// their orders applied once, and nothing left over.
#[test]
fn two_files_of_one_arrival_stay_together_whatever_step_is_the_last() {
    let counted = company_of_pairs();
    let list = counted.path().join("calls");
    run_once(counted.path(), Some(&format!("count@{}", list.display())));
    let calls = std::fs::read_to_string(&list).unwrap();
    let calls: Vec<&str> = calls.lines().collect();
    let at =
        |name: &str| calls.iter().position(|line| line.ends_with(name)).unwrap_or_else(|| panic!("{name}: {calls:?}"));
    let (first, last) = (at("store.see_file") + 1, at("store.decide_file") + 1);
    assert!(calls[first..last].iter().filter(|line| line.ends_with("spool.rename")).count() >= 2, "{calls:?}");
    // Between two calls that leave something behind a kill is the same everywhere.
    let leaves = |call: &usize| calls[call - 1].contains("spool.") || calls[call - 1].contains("commit");
    for call in (first..=last).filter(leaves) {
        let night = company_of_pairs();
        let root = night.path();
        assert_eq!(run_once(root, Some(&format!("kill@{call}"))), None, "{call}: it is killed");
        assert_eq!(run_once(root, None), Some(0), "{call}");
        let told = format!("killed at call {call}, {}", calls[call - 1]);
        let store = nattpost::edges::store::Store::open(&root.join("nattpost.db")).unwrap();
        let files = store.read().unwrap().select_files(&Default::default(), u32::MAX).unwrap();
        let [file] = &files[..] else { panic!("{told}: {files:?}") };
        assert_eq!((file.counts.accepted, file.name.as_str()), (2, "orders.csv.zip"), "{told}");
        let left = ["in/shop/orders", "work/shop/orders", "failed/shop/orders", "tmp"]
            .map(|at| names_in(&root.join("spool").join(at)));
        assert_eq!(left, [const { Vec::<String>::new() }; 4], "{told}");
        let days = root.join("spool/done/shop");
        let kept = names_in(&days).into_iter().flat_map(|day| names_in(&days.join(day))).collect::<Vec<String>>();
        assert!(kept.len() == 1 && kept[0].ends_with("~orders.csv.zip"), "{told}: {kept:?}");
    }
}

/// A half alone is refused when its time is over, and so is the other that comes too late; dropped again together, under the names
/// that they were given, they are taken, and nothing is asked about their refusals any more.
#[test]
fn halves_that_came_too_late_are_taken_when_they_are_dropped_together() {
    let night = company_of_pairs();
    let root = night.path();
    std::fs::write(
        root.join("partners/shop.toml"),
        PAIR.replace("companion =", "companion_within = \"1 s\"\ncompanion ="),
    )
    .unwrap();
    let (inbox, failed) = (root.join("spool/in/shop/orders"), root.join("spool/failed/shop/orders"));
    let paper = std::fs::read(inbox.join("orders.pdf")).unwrap();
    std::fs::remove_file(inbox.join("orders.pdf")).unwrap();
    run_once(root, None);
    assert_eq!(names_in(&inbox), ["orders.csv"], "it waits");
    std::thread::sleep(std::time::Duration::from_millis(1_050));
    run_once(root, None);
    std::fs::write(inbox.join("orders.pdf"), paper).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1_050));
    run_once(root, None);

    let open = || {
        let store = nattpost::edges::store::Store::open(&root.join("nattpost.db")).unwrap();
        let files = store.read().unwrap().select_files(&Default::default(), u32::MAX).unwrap();
        let mut told: Vec<String> =
            files.iter().map(|f| format!("{} {} {}", f.name, f.code, f.comment.split(' ').next().unwrap())).collect();
        told.sort();
        told
    };
    assert_eq!(open(), ["orders.csv companion-missing ", "orders.pdf companion-missing "]);
    let mut papers = names_in(&failed);
    papers.sort();
    let reason = papers.iter().find(|name| name.ends_with("orders.csv.reason.txt")).expect("it has a reason");
    let reason = std::fs::read_to_string(failed.join(reason)).unwrap();
    assert!(reason.contains("\"orders.csv\" came without orders.pdf"), "{reason}");
    for name in papers.iter().filter(|name| !name.ends_with(".txt")) {
        std::fs::rename(failed.join(name), inbox.join(name)).unwrap();
    }
    assert_eq!(run_once(root, None), Some(0));
    assert_eq!(open(), ["orders.csv companion-missing came", "orders.csv.zip  ", "orders.pdf companion-missing came"]);
    assert_eq!((names_in(&failed), names_in(&inbox)), (Vec::new(), Vec::new()));
}
