//! The scripted FTP server as a program, for the rigs: `ftp_double --root DIR [--script FILE] [--log FILE] [--history DIR]
//! [--ask-removals]` prints `port N`, writes every command with its answer, and ends when its standard input does, so nobody has to find
//! and end it. On that input: `become FILE` ends all connections and goes on by another script, its calls counted anew; `rest` waits
//! until nobody is connected; both are answered by `done`. With `--ask-removals` it says `removal PATH` and waits for `marked`.

#[path = "../tests/ftp_double/mod.rs"]
mod ftp_double;

use std::io::BufRead;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| words.iter().position(|word| word == name).and_then(|at| words.get(at + 1));
    let Some(root) = value("--root") else {
        eprintln!("ftp_double --root DIR [--script FILE] [--log FILE] [--history DIR] [--ask-removals]");
        std::process::exit(64);
    };
    let script = value("--script").map_or_else(String::new, |file| std::fs::read_to_string(file).unwrap());
    let (marked, marks) = channel();
    let on_removal = words.iter().any(|word| word == "--ask-removals").then(|| told_first(marks));
    let kept = ftp_double::Kept {
        log: value("--log").map(PathBuf::from),
        history: value("--history").map(PathBuf::from),
        on_removal,
    };
    let double = ftp_double::Double::keeping(&PathBuf::from(root), &script, kept);
    println!("port {}", double.port);
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        match line.split_once(' ') {
            Some(("become", file)) => {
                double.end_connections();
                double.begin_anew(&std::fs::read_to_string(file).unwrap());
            }
            None if line == "marked" => {
                marked.send(()).unwrap();
                continue;
            }
            _ => double.wait_for_rest(),
        }
        println!("done");
    }
}

/// Says which file is about to be removed, and waits until that was noted.
fn told_first(marks: Receiver<()>) -> Box<dyn Fn(&str) + Send + Sync> {
    let marks = Mutex::new(marks);
    Box::new(move |path| {
        let marks = marks.lock().unwrap();
        println!("removal {path}");
        // Nobody is there any more: the rig has ended.
        let _ = marks.recv();
    })
}
