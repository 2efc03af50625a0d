//! A scripted FTP server of std threads: honest over a real folder, but where its script says otherwise. The same code runs
//! in tests and, as `examples/ftp_double.rs`, as a program for the rigs. Loopback only; its port is the kernel's choice.

#![allow(dead_code)]

mod script;
mod session;
mod tls;

use std::collections::HashMap;
use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

pub use script::Script;

pub const USER: &str = "nattpost";
pub const PASSWORD: &str = "hunter2-of-the-double";

/// Of the certificate that it shows.
pub const FINGERPRINT: &str = "b215d0d14987c658b15c8342ccb9355c6f883f4dbceab9282b5cc050edfa3c3e";

pub struct Double {
    pub port: u16,
    shared: Arc<Shared>,
}

pub struct Shared {
    root: PathBuf,
    log_file: Option<PathBuf>,
    script: Mutex<Script>,
    /// Calls of each verb, all connections together.
    calls: Mutex<HashMap<String, u32>>,
    log: Mutex<Vec<String>>,
    open: Mutex<Vec<TcpStream>>,
    /// How often commands came, one or several at a time: what a line with a delay pays for.
    pieces: AtomicU32,
    is_dead: AtomicBool,
}

impl Double {
    pub fn start(root: &Path, script: &str) -> Double {
        Double::with_log(root, script, None)
    }

    pub fn with_log(root: &Path, script: &str, log_file: Option<PathBuf>) -> Double {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            root: root.to_owned(),
            log_file,
            script: Mutex::new(Script::parse(script)),
            calls: Mutex::default(),
            log: Mutex::default(),
            open: Mutex::default(),
            pieces: AtomicU32::new(0),
            is_dead: AtomicBool::new(false),
        });
        let own = shared.clone();
        std::thread::spawn(move || {
            for (number, socket) in listener.incoming().flatten().enumerate() {
                if own.is_dead.load(Ordering::Relaxed) {
                    break;
                }
                own.open.lock().unwrap().extend(socket.try_clone());
                let own = own.clone();
                std::thread::spawn(move || session::serve(&own, socket, number + 1));
            }
        });
        Double { port, shared }
    }

    /// From now on it behaves so; what was counted stays counted.
    pub fn become_another(&self, script: &str) {
        *self.shared.script.lock().unwrap() = Script::parse(script);
    }

    /// Every command with its answers, in their order.
    pub fn log(&self) -> Vec<String> {
        self.shared.log.lock().unwrap().clone()
    }

    pub fn pieces(&self) -> u32 {
        self.shared.pieces.load(Ordering::Relaxed)
    }

    pub fn calls(&self, verb: &str) -> u32 {
        self.shared.calls.lock().unwrap().get(verb).copied().unwrap_or(0)
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.shared.die();
        // Wakes the thread that listens.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

impl Shared {
    fn die(&self) {
        self.is_dead.store(true, Ordering::Relaxed);
        for socket in self.open.lock().unwrap().drain(..) {
            drop(socket.shutdown(Shutdown::Both));
        }
    }

    fn action(&self, verb: &str) -> Option<script::Action> {
        let mut calls = self.calls.lock().unwrap();
        let call = calls.entry(verb.to_owned()).or_insert(0);
        *call += 1;
        self.script.lock().unwrap().action(verb, *call)
    }

    fn note(&self, line: String) {
        if let Some(file) = &self.log_file {
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
            file.write_all(format!("{line}\n").as_bytes()).unwrap();
        }
        self.log.lock().unwrap().push(line);
    }
}
