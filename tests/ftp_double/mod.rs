//! A scripted FTP server of std threads: honest over a real folder, but where its script says otherwise. The same code runs
//! in tests and, as `examples/ftp_double.rs`, as a program for the rigs. Loopback only; its port is the kernel's choice.

#![allow(dead_code)]

mod history;
mod script;
mod session;
mod tls;

use std::collections::HashMap;
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use history::History;
pub use script::Script;

pub const USER: &str = "nattpost";
pub const PASSWORD: &str = "hunter2-of-the-double";

/// Of the certificate that it shows.
pub const FINGERPRINT: &str = "b215d0d14987c658b15c8342ccb9355c6f883f4dbceab9282b5cc050edfa3c3e";

/// A client that is gone may take so long to be noticed.
const REST_AFTER: Duration = Duration::from_secs(10);

pub struct Double {
    pub port: u16,
    at: SocketAddr,
    shared: Arc<Shared>,
}

/// Is told the path of a file.
pub type Ask = Box<dyn Fn(&str) + Send + Sync>;

/// What is written down outside of it.
#[derive(Default)]
pub struct Kept {
    pub log: Option<PathBuf>,
    pub history: Option<PathBuf>,
    /// Asked just before a file is removed, with its path.
    pub on_removal: Option<Ask>,
}

pub struct Shared {
    root: PathBuf,
    log_file: Option<PathBuf>,
    history: History,
    on_removal: Option<Ask>,
    script: Mutex<Script>,
    /// Calls of each verb, all connections together.
    calls: Mutex<HashMap<String, u32>>,
    log: Mutex<Vec<String>>,
    open: Mutex<Vec<TcpStream>>,
    /// How often commands came, one or several at a time: what a line with a delay pays for.
    pieces: AtomicU32,
    is_dead: AtomicBool,
    /// How many are connected.
    served: Mutex<usize>,
    fewer: Condvar,
}

impl Double {
    pub fn start(root: &Path, script: &str) -> Double {
        Double::keeping(root, script, Kept::default())
    }

    pub fn keeping(root: &Path, script: &str, kept: Kept) -> Double {
        let script = Script::parse(script);
        let at = if script.is_of_ipv6 { "[::1]:0" } else { "127.0.0.1:0" };
        let listener = TcpListener::bind(at).unwrap();
        let at = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            root: root.to_owned(),
            log_file: kept.log,
            history: History::new(kept.history),
            on_removal: kept.on_removal,
            script: Mutex::new(script),
            calls: Mutex::default(),
            log: Mutex::default(),
            open: Mutex::default(),
            pieces: AtomicU32::new(0),
            is_dead: AtomicBool::new(false),
            served: Mutex::new(0),
            fewer: Condvar::new(),
        });
        let own = shared.clone();
        std::thread::spawn(move || {
            for (number, socket) in listener.incoming().flatten().enumerate() {
                if own.is_dead.load(Ordering::Relaxed) {
                    break;
                }
                own.open.lock().unwrap().extend(socket.try_clone());
                *own.served.lock().unwrap() += 1;
                let own = own.clone();
                std::thread::spawn(move || {
                    session::serve(&own, socket, number + 1);
                    *own.served.lock().unwrap() -= 1;
                    own.fewer.notify_all();
                });
            }
        });
        Double { port: at.port(), at, shared }
    }

    /// From now on it behaves so; what was counted stays counted.
    pub fn become_another(&self, script: &str) {
        *self.shared.script.lock().unwrap() = Script::parse(script);
    }

    /// The same, and its calls are counted anew.
    pub fn begin_anew(&self, script: &str) {
        self.shared.calls.lock().unwrap().clear();
        self.become_another(script);
    }

    pub fn end_connections(&self) {
        self.shared.shut_all();
        self.wait_for_rest();
    }

    /// Until nobody is connected: whatever was asked is done by then.
    pub fn wait_for_rest(&self) {
        let served = self.shared.served.lock().unwrap();
        let (served, _) = self.shared.fewer.wait_timeout_while(served, REST_AFTER, |served| *served > 0).unwrap();
        assert_eq!(*served, 0, "a client is still connected");
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
        drop(TcpStream::connect(self.at));
    }
}

impl Shared {
    fn die(&self) {
        self.is_dead.store(true, Ordering::Relaxed);
        self.shut_all();
    }

    fn shut_all(&self) {
        for socket in self.open.lock().unwrap().drain(..) {
            drop(socket.shutdown(Shutdown::Both));
        }
    }

    /// What is said of this very file goes before what is said of the command.
    fn action(&self, verb: &str, path: &str) -> Option<script::Action> {
        let mut calls = self.calls.lock().unwrap();
        let mut next = |of: &str| {
            let call = calls.entry(of.to_owned()).or_insert(0);
            *call += 1;
            *call
        };
        let of_file = format!("{verb}:{path}");
        let (own, all) = (next(&of_file), next(verb));
        let script = self.script.lock().unwrap();
        script.action(&of_file, own).or_else(|| script.action(verb, all))
    }

    fn note(&self, line: String) {
        if let Some(file) = &self.log_file {
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
            file.write_all(format!("{line}\n").as_bytes()).unwrap();
        }
        self.log.lock().unwrap().push(line);
    }
}
