//! The scripted FTP server as a program, for the rigs: `ftp_double --root DIR --script FILE [--log FILE]` prints `port N`,
//! writes every command with its answer, and ends when its standard input does, so nobody has to find and end it.

#[path = "../tests/ftp_double/mod.rs"]
mod ftp_double;

use std::io::Read;
use std::path::PathBuf;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| words.iter().position(|word| word == name).and_then(|at| words.get(at + 1));
    let Some(root) = value("--root") else {
        eprintln!("ftp_double --root DIR [--script FILE] [--log FILE]");
        std::process::exit(64);
    };
    let script = value("--script").map_or_else(String::new, |file| std::fs::read_to_string(file).unwrap());
    let log = value("--log").map(PathBuf::from);
    let double = ftp_double::Double::with_log(&PathBuf::from(root), &script, log);
    println!("port {}", double.port);
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}
