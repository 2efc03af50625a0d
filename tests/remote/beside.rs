//! Forty partners and more of one daemon: those whose server is silent, each in another phase, delay none of the others. Measured
//! against time-outs that nobody could wait for.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::collected::order;
use super::ftp_double::{Double, PASSWORD, USER};

const WELL: usize = 39;
/// Nobody who waits for one silent server comes to an end in time.
const TIMEOUT: Duration = Duration::from_secs(300);
const WITHIN: Duration = Duration::from_secs(60);

fn partner(port: u16, folder: &str) -> String {
    let seconds = TIMEOUT.as_secs();
    format!(
        "name = \"Shop\"\n[remote.ftp]\nkind = \"ftp\"\nhost = \"127.0.0.1\"\nport = {port}\nuser = \"{USER}\"\npassword = \"env:DOUBLE\"\n\
         tls = \"none\"\ntimeout = \"{seconds} s\"\n[intake.orders]\nfrom = \"ftp:{folder}/in\"\nlayouts = [\"nattpost-order-csv\"]\nsettle = \"rename\"\n\
         customers = \"accept\"\narticles = \"accept\"\n[feed.orders]\nlayout = \"nattpost-order-csv\"\nfile_name = \"o_{{run}}.csv\"\nto = \"ftp:{folder}/out\"\n\
         on_registration = true\n"
    )
}

#[test]
fn silent_partners_delay_nobody() {
    let (there, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (there, here) = (there.path(), here.path());
    std::fs::create_dir(here.join("partners")).unwrap();
    std::fs::write(here.join("nattpost.toml"), "company = \"Nordkap\"\n").unwrap();
    let add = |name: &str, port: u16| {
        for place in ["in", "out"] {
            std::fs::create_dir_all(there.join(name).join(place)).unwrap();
        }
        std::fs::write(there.join(name).join("in/a.csv"), order(name)).unwrap();
        std::fs::write(here.join(format!("partners/{name}.toml")), partner(port, name)).unwrap();
    };
    let phases = ["CONNECT", "USER", "PASS", "TYPE", "CWD", "EPSV", "MLSD", "RNFR", "RETR", "DELE", "STOR"];
    let silent: Vec<Double> = phases.map(|verb| Double::start(there, &format!("on {verb} silence"))).into();
    for (number, double) in silent.iter().enumerate() {
        // Before the others, in the order of their names.
        add(&format!("a{number}"), double.port);
    }
    let well = Double::start(there, "");
    for number in 0..WELL {
        add(&format!("p{number}"), well.port);
    }
    let begun = Instant::now();
    let mut daemon = std::process::Command::new(env!("CARGO_BIN_EXE_nattpost"));
    daemon.arg("--config").arg(here.join("nattpost.toml")).arg("run").env("DOUBLE", PASSWORD);
    let mut daemon = daemon.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let brought = || {
        let is_done = |number: &usize| std::fs::read_dir(there.join(format!("p{number}/out"))).unwrap().count() > 0;
        let is_gone = |number: &usize| std::fs::read_dir(there.join(format!("p{number}/in"))).unwrap().count() == 0;
        (0..WELL).filter(|number| is_done(number) && is_gone(number)).count()
    };
    while brought() < WELL && begun.elapsed() < WITHIN {
        std::thread::sleep(Duration::from_millis(20));
    }
    let (count, took) = (brought(), begun.elapsed());
    let shown = std::fs::read(format!("/proc/{}/cmdline", daemon.id())).unwrap();
    // Every one of them was met in its phase.
    let met: Vec<u32> = silent.iter().zip(phases).map(|(double, verb)| double.calls(verb)).collect();
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    println!("{WELL} partners beside {} silent ones: {took:?}", silent.len());
    assert_eq!(count, WELL, "within {took:?}, the time-out is {TIMEOUT:?}");
    assert!(met.iter().all(|calls| *calls > 0), "{met:?}");
    assert!(!String::from_utf8_lossy(&shown).contains(PASSWORD));
}
