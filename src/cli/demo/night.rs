//! The running night: the daemon as a process of its own, files dropped as partners drop them, and waiting until the
//! ledger shows something. Pauses only space the looks; what is believed is what the ledger and the folders say.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use chrono::Utc;
use rustix::process::{Pid, Signal, kill_process};

use super::super::ends::Failure;
use super::super::setting;
use crate::config::Config;
use crate::edges::spool::{Place, Role, Spool};
use crate::edges::store::Reader;
use crate::edges::store::ledger::{FileRow, RunRow};
use crate::flows::files::{self, Sight, Standing};
use crate::model::verdict::Verdict;

/// Nothing in the story takes longer, on a slow machine either.
const PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// The daemon itself is gone ten seconds after it was asked.
const END_PATIENCE: Duration = Duration::from_secs(12);
/// Last lines of the log that are told when the daemon has ended by itself.
const LOG_LINES: usize = 5;

pub struct Night {
    pub config: Config,
    pub spool: Spool,
    reader: Reader,
    daemon: Child,
    pub log: PathBuf,
    stop: Arc<AtomicBool>,
}

impl Night {
    /// Starts the daemon and waits until it works.
    pub fn begin(config_path: &Path, log: &Path, stop: Arc<AtomicBool>) -> Result<Night, Failure> {
        let config = setting::configuration(config_path)?;
        let mut daemon = start(config_path, log)?;
        match Self::opened(&config, &mut daemon, log, &stop) {
            Ok((spool, reader)) => Ok(Night { config, spool, reader, daemon, log: log.to_path_buf(), stop }),
            Err(error) => {
                end(&mut daemon)?;
                Err(error.into())
            }
        }
    }

    fn opened(config: &Config, daemon: &mut Child, log: &Path, stop: &AtomicBool) -> Result<(Spool, Reader)> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if log_tells_start(log) {
                return Ok((Spool::open(&config.spool)?, Reader::open(&config.store)?));
            }
            look_after(daemon, log, stop)?;
            if Instant::now() > deadline {
                bail!("the daemon did not start within {} seconds; see {}", PATIENCE.as_secs(), log.display());
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// Somebody pressed Ctrl-C.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Until Ctrl-C, or the daemon ends by itself.
    pub fn stay(&mut self) -> Result<(), Failure> {
        while !self.is_stopped() {
            look_after(&mut self.daemon, &self.log, &self.stop)?;
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// Asks the daemon to stop, and waits for it.
    pub fn end(&mut self) -> Result<()> {
        end(&mut self.daemon)
    }

    /// The folder a partner drops into.
    fn drop_folder(&self, intake: &str) -> Result<PathBuf> {
        let (partner, intake) = intake.split_once('/').context("an intake is named partner/intake")?;
        Ok(self.spool.folder(Place::In { partner, intake })?)
    }

    /// As a client uploads that minds its manners: under another name, then renamed.
    pub fn put(&self, intake: &str, name: &str, content: &[u8]) -> Result<PathBuf> {
        let path = self.drop_folder(intake)?.join(name);
        let part = path.with_file_name(format!("{name}.part"));
        fs::write(&part, content)
            .and_then(|()| fs::rename(&part, &path))
            .with_context(|| format!("cannot drop {}", path.display()))?;
        Ok(path)
    }

    /// As a client uploads that does not: straight under the final name, in pieces. `between` is told after each pause.
    pub fn put_slowly(
        &self,
        intake: &str,
        name: &str,
        content: &[u8],
        (pieces, pause): (usize, Duration),
        mut between: impl FnMut(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let path = self.drop_folder(intake)?.join(name);
        let mut file = File::create(&path).with_context(|| format!("cannot drop {}", path.display()))?;
        let size = content.len().div_ceil(pieces.max(1)).max(1);
        for (index, piece) in content.chunks(size).enumerate() {
            if index > 0 {
                std::thread::sleep(pause);
                between(&path)?;
            }
            file.write_all(piece)?;
        }
        Ok(path)
    }

    /// Looks again and again until there is something to see.
    pub fn until<T>(&mut self, what: &str, mut look: impl FnMut(Sight<'_>) -> Result<Option<T>>) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            {
                let snapshot = self.reader.snapshot()?;
                let sight = Sight { snapshot: &snapshot, spool: &self.spool, zone: self.config.zone, now: Utc::now() };
                if let Some(seen) = look(sight)? {
                    return Ok(seen);
                }
            }
            look_after(&mut self.daemon, &self.log, &self.stop)?;
            if Instant::now() > deadline {
                bail!(
                    "waited {} seconds for {what}, in vain; the daemon's log is {}",
                    PATIENCE.as_secs(),
                    self.log.display()
                );
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// Until a file is judged and stands where its verdict puts it.
    pub fn judged(&mut self, name: &str) -> Result<Judged> {
        self.until(&format!("the verdict on {name}"), |sight| {
            let Some(row) = sight.snapshot.files_named(name, 1)?.into_iter().next() else { return Ok(None) };
            judged(sight, row)
        })
    }

    /// Until so many messages of a file have this verdict.
    pub fn until_counts(&mut self, name: &str, verdict: Verdict, count: u64) -> Result<Judged> {
        self.until(&format!("{count} {verdict} in {name}"), |sight| {
            let Some(row) = sight.snapshot.files_named(name, 1)?.into_iter().next() else { return Ok(None) };
            if row.counts.get(verdict) == count { judged(sight, row) } else { Ok(None) }
        })
    }

    /// Moves a reject into the folder its file came through; the ledger knows it by the id in its name.
    pub fn come_back(&self, row: &FileRow, reject: &Path) -> Result<PathBuf> {
        let name = reject.file_name().context("a reject has a name")?;
        let back = self.spool.folder(Place::In { partner: &row.partner, intake: &row.intake })?.join(name);
        fs::rename(reject, &back).with_context(|| format!("cannot move {}", reject.display()))?;
        Ok(back)
    }

    /// Until the file that came back is judged.
    pub fn returned(&mut self, refused: &FileRow) -> Result<Judged> {
        self.until(&format!("the corrected {}", refused.name), |sight| {
            let Some(row) = sight.snapshot.returned_as(refused)?.into_iter().next() else { return Ok(None) };
            judged(sight, row)
        })
    }

    /// Is a file known to the ledger?
    pub fn is_seen(&self, name: &str) -> Result<bool> {
        Ok(!self.reader.snapshot()?.files_named(name, 1)?.is_empty())
    }

    /// The last file of a feed, with its path.
    pub fn sent(&mut self, feed: &str) -> Result<(RunRow, PathBuf)> {
        self.until(&format!("a file of {feed}"), |sight| {
            let Some((partner, id)) = feed.split_once('/') else { return Ok(None) };
            let Some(run) = sight.snapshot.last_run(partner, id)? else { return Ok(None) };
            let place = Place::Out { partner, folder: &run.folder };
            match sight.spool.look(place, run.name.as_bytes())? {
                Some(_) => Ok(Some((run.clone(), sight.spool.path(place, run.name.as_bytes())?))),
                None => Ok(None),
            }
        })
    }

    /// A command as a person types it, and what it answers.
    pub fn command(&self, words: &[&str]) -> Result<String> {
        let mut command = program()?;
        let output = command.args(words).arg("--config").arg(&self.config.path).stdin(Stdio::null()).output();
        let output = output.context("cannot start nattpost")?;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!("nattpost {} failed: {told}{}", words.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        Ok(told)
    }
}

impl Drop for Night {
    fn drop(&mut self) {
        // Only where the story failed: nobody is left to be told.
        let _ = end(&mut self.daemon);
    }
}

/// A file with its verdict, and the files of ours beside it.
pub struct Judged {
    pub row: FileRow,
    pub stands: PathBuf,
    pub reason: Option<PathBuf>,
    pub reject: Option<PathBuf>,
}

fn judged(sight: Sight<'_>, row: FileRow) -> Result<Option<Judged>> {
    if row.verdict.is_none() {
        return Ok(None);
    }
    let in_work = sight.spool.folder(Place::Work { partner: &row.partner, intake: &row.intake })?;
    let stands = match files::standing(sight, &row)? {
        Standing::At(path) if !path.starts_with(&in_work) => path,
        _ => return Ok(None),
    };
    let reason = files::beside(sight, &row, Role::Reason)?;
    let reject = files::beside(sight, &row, Role::Reject)?;
    // The move comes after the reason and the reject, so these are there when the file is.
    Ok(Some(Judged { row, stands, reason, reject }))
}

fn program() -> Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("cannot find this program")?);
    command.env_remove("NATTPOST_CONFIG");
    Ok(command)
}

/// In a process group of its own: Ctrl-C comes to the demo, which then asks the daemon in order.
fn start(config: &Path, log: &Path) -> Result<Child> {
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut command = program()?;
    command.arg("run").arg("--config").arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
    command.process_group(0).spawn().context("cannot start the daemon")
}

fn log_tells_start(log: &Path) -> bool {
    fs::read_to_string(log).is_ok_and(|text| text.contains(" daemon-started "))
}

/// The daemon runs and nobody has asked for the end.
fn look_after(daemon: &mut Child, log: &Path, stop: &AtomicBool) -> Result<()> {
    if stop.load(Ordering::SeqCst) {
        bail!("stopped");
    }
    if let Some(status) = daemon.try_wait()? {
        let text = fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n  ");
        return Err(anyhow!("the daemon has ended by itself ({status}); its last words:\n  {last}"));
    }
    Ok(())
}

fn end(daemon: &mut Child) -> Result<()> {
    if daemon.try_wait()?.is_some() {
        return Ok(());
    }
    kill_process(Pid::from_child(daemon), Signal::TERM).context("cannot stop the daemon")?;
    let deadline = Instant::now() + END_PATIENCE;
    while daemon.try_wait()?.is_none() {
        if Instant::now() > deadline {
            daemon.kill()?;
            daemon.wait()?;
            bail!("the daemon did not stop within {} seconds and was killed", END_PATIENCE.as_secs());
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
    Ok(())
}
