//! Fails or kills the process at the N-th call that can fail, so that a rig can try every call in turn.
//! Debug builds only; in a release build a point is nothing. Owns the variable NATTPOST_FAULT:
//! `kill@N` SIGKILL to ourselves at call N · `kill@NAME`, `kill@NAME/N` at the first, the N-th call of that name (`fail`, `hang` too: the calling thread then never comes back; `stop`: the process stops there until it is told to go on) · `fail@N` an I/O error once · `fail@N+` from call N on · `full@N`, `full@N+` the
//! same as a full disk · `count@FILE` lists every call (number, name) in FILE, so that the rig knows how many there are.
//! It decides nothing: the caller treats its error like one of the operating system.

#[cfg(debug_assertions)]
pub use armed::point;

/// To be asked just before a call of that name; an error stands for the call's own.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn point(_call: &'static str) -> std::io::Result<()> {
    Ok(())
}

#[cfg(debug_assertions)]
mod armed {
    use std::ffi::OsStr;
    use std::fs::File;
    use std::io::{Error, Result, Write};
    use std::os::unix::ffi::OsStrExt;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// What `EIO` and `ENOSPC` are on Linux.
    const EIO: i32 = 5;
    const ENOSPC: i32 = 28;
    const STOPPED_WITHIN: std::time::Duration = std::time::Duration::from_millis(100);

    /// The one process-wide value of the program: calls are counted over all threads, and a call deep in an edge cannot be
    /// handed a counter without every signature carrying it for the tests' sake.
    static PLAN: OnceLock<Option<Plan>> = OnceLock::new();

    /// To be asked just before a call of that name; an error stands for the call's own.
    pub fn point(call: &'static str) -> Result<()> {
        match PLAN.get_or_init(|| std::env::var_os("NATTPOST_FAULT").map(|text| Plan::from_variable(&text))) {
            Some(plan) => plan.at(call),
            None => Ok(()),
        }
    }

    struct Plan {
        calls: AtomicU64,
        what: What,
    }

    #[derive(Debug)]
    enum What {
        Kill { at: u64 },
        Named { call: String, at: u64, seen: AtomicU64, end: NamedEnd },
        Fail { at: u64, onward: bool, errno: i32 },
        Count { list: File },
    }

    /// What becomes of a call that is named.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum NamedEnd {
        Kill,
        Fail,
        Hang,
        Stop,
    }

    impl Plan {
        /// A rig with a misspelt order would find everything well, so that ends the process.
        fn from_variable(text: &OsStr) -> Plan {
            match What::parse(text.as_bytes()) {
                Ok(what) => Plan { calls: AtomicU64::new(0), what },
                Err(problem) => {
                    eprintln!("NATTPOST_FAULT={}: {problem}", text.display());
                    std::process::exit(64);
                }
            }
        }

        fn at(&self, call: &'static str) -> Result<()> {
            let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
            match &self.what {
                What::Kill { at } if number == *at => die(),
                What::Fail { at, onward, errno } if number == *at || (*onward && number > *at) => {
                    Err(Error::from_raw_os_error(*errno))
                }
                What::Count { list } => {
                    let mut list = list;
                    list.write_all(format!("{number} {call}\n").as_bytes())
                }
                What::Named { call: named, at, seen, end }
                    if *named == call && seen.fetch_add(1, Ordering::Relaxed) + 1 == *at =>
                {
                    match end {
                        NamedEnd::Kill => die(),
                        NamedEnd::Fail => Err(Error::from_raw_os_error(EIO)),
                        NamedEnd::Hang => hang(),
                        NamedEnd::Stop => stop(),
                    }
                }
                What::Kill { .. } | What::Named { .. } | What::Fail { .. } => Ok(()),
            }
        }
    }

    impl What {
        fn parse(text: &[u8]) -> std::result::Result<What, String> {
            let expected = "expected kill@N, kill@NAME, kill@NAME/N, fail@N, fail@NAME, fail@NAME/N, fail@N+, full@N, full@N+, hang@NAME, hang@NAME/N, stop@NAME, stop@NAME/N or count@FILE, with N from 1";
            let cut = text.iter().position(|&b| b == b'@').ok_or(expected)?;
            let (word, rest) = (&text[..cut], &text[cut + 1..]);
            if word == b"count" {
                let list = File::options().create(true).append(true).open(OsStr::from_bytes(rest));
                return list.map(|list| What::Count { list }).map_err(|e| format!("the list cannot be opened: {e}"));
            }
            let (digits, onward) = match rest.strip_suffix(b"+") {
                Some(digits) => (digits, true),
                None => (rest, false),
            };
            let at = std::str::from_utf8(digits).ok().and_then(|d| d.parse().ok()).filter(|&n: &u64| n > 0);
            match (word, at) {
                (b"kill", Some(at)) if !onward => Ok(What::Kill { at }),
                (b"fail", Some(at)) => Ok(What::Fail { at, onward, errno: EIO }),
                (b"full", Some(at)) => Ok(What::Fail { at, onward, errno: ENOSPC }),
                (b"kill", None) => named(rest, NamedEnd::Kill).ok_or_else(|| expected.to_owned()),
                (b"fail", None) => named(rest, NamedEnd::Fail).ok_or_else(|| expected.to_owned()),
                (b"hang", None) => named(rest, NamedEnd::Hang).ok_or_else(|| expected.to_owned()),
                (b"stop", None) => named(rest, NamedEnd::Stop).ok_or_else(|| expected.to_owned()),
                _ => Err(expected.to_owned()),
            }
        }
    }

    /// `spool.rename/2`: the second call of that name.
    fn named(text: &[u8], end: NamedEnd) -> Option<What> {
        let text = std::str::from_utf8(text).ok()?;
        let (call, at) = match text.split_once('/') {
            Some((call, count)) => (call, count.parse().ok().filter(|&n: &u64| n > 0)?),
            None => (text, 1),
        };
        let (edge, step) = call.split_once('.')?;
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'-');
        (is_word(edge) && is_word(step)).then(|| What::Named {
            call: call.to_owned(),
            at,
            seen: AtomicU64::new(0),
            end,
        })
    }

    /// What a supervisor has to notice.
    fn hang() -> ! {
        loop {
            std::thread::park();
        }
    }

    /// Until somebody sends SIGCONT: what a rig changes meanwhile, the call finds.
    fn stop() -> Result<()> {
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)?;
        // Another thread may be the one that is told first: until then this one must not go on to the call.
        std::thread::sleep(STOPPED_WITHIN);
        Ok(())
    }

    /// As if the power went: nothing is flushed, no destructor runs.
    fn die() -> ! {
        // A process may always signal itself; should the kernel refuse, aborting is the next best death.
        if rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).is_err() {
            std::process::abort();
        }
        hang()
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::os::unix::process::ExitStatusExt;

        fn plan(text: &str) -> Plan {
            Plan { calls: AtomicU64::new(0), what: What::parse(text.as_bytes()).unwrap() }
        }

        fn outcomes(text: &str) -> Vec<Option<i32>> {
            let plan = plan(text);
            (0..4).map(|_| plan.at("call").err().and_then(|e| e.raw_os_error())).collect()
        }

        #[test]
        fn fails_once_or_from_there_on() {
            assert_eq!(outcomes("fail@2"), [None, Some(EIO), None, None]);
            assert_eq!(outcomes("full@3+"), [None, None, Some(ENOSPC), Some(ENOSPC)]);
        }

        #[test]
        fn an_order_that_is_not_understood_is_told() {
            for text in [
                "kill",
                "kill@",
                "kill@0",
                "kill@2+",
                "kill@x",
                "kill@spool.",
                "kill@spool.open/0",
                "fail@x",
                "hang@3",
                "burn@3",
                "count@/no/such/folder/list",
            ] {
                assert!(What::parse(text.as_bytes()).is_err(), "{text}");
            }
        }

        #[test]
        fn a_call_may_be_named() {
            for (text, named, at, becomes) in [
                ("kill@spool.open", "spool.open", 1, NamedEnd::Kill),
                ("kill@store.see_file/3", "store.see_file", 3, NamedEnd::Kill),
                ("fail@store.see_file/3", "store.see_file", 3, NamedEnd::Fail),
                ("hang@store.begin", "store.begin", 1, NamedEnd::Hang),
                ("stop@copy.open/2", "copy.open", 2, NamedEnd::Stop),
            ] {
                let understood = What::parse(text.as_bytes());
                assert!(
                    matches!(&understood, Ok(What::Named { call, at: n, end, .. }) if call == named && *n == at && *end == becomes),
                    "{text}: {understood:?}"
                );
            }
        }

        #[test]
        fn counting_lists_every_call_of_all_threads() {
            let folder = tempfile::tempdir().unwrap();
            let list = folder.path().join("calls");
            let plan = plan(&format!("count@{}", list.display()));
            std::thread::scope(|s| {
                for _ in 0..4 {
                    s.spawn(|| (0..25).for_each(|_| plan.at("rename").unwrap()));
                }
            });
            let text = std::fs::read_to_string(list).unwrap();
            let mut numbers: Vec<u32> =
                text.lines().map(|l| l.strip_suffix(" rename").unwrap().parse().unwrap()).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (1..=100).collect::<Vec<_>>());
        }

        #[test]
        #[ignore = "run by a_kill_ends_the_process_at_that_call in a process of its own"]
        fn three_calls() {
            for call in ["first", "second", "third"] {
                point(call).unwrap();
                eprintln!("did {call}");
            }
        }

        #[test]
        fn a_kill_ends_the_process_at_that_call() {
            let run = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["edges::fault::armed::tests::three_calls", "--exact", "--ignored", "--nocapture"])
                .env("NATTPOST_FAULT", "kill@2")
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&run.stderr).into_owned();
            assert_eq!(run.status.signal(), Some(9), "{said}");
            assert!(said.contains("did first") && !said.contains("did second"), "{said}");
        }
    }
}
