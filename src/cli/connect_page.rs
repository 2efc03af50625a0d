//! `check --connect`: each remote and each channel as it is tried, and how it ends.

use serde_json::{Value, json};

use super::ends::{End, Outcome};
use super::page::{Page, safe};
use super::setting;
use crate::config::Config;
use crate::edges::clock::chance;
use crate::edges::remote::Sentry;
use crate::edges::spool::Spool;
use crate::flows::connect::{self, Finding, Mark, Trial, channels};
use crate::flows::moments;
use crate::model::remote_name::MARK_LENGTH;

const LETTERS: u32 = 26;

/// `only`: this partner's remotes, and no channels. With `quiet` only what is wrong is said.
pub fn connect(page: &mut Page<'_>, config: &Config, only: Option<&str>, quiet: bool) -> Outcome {
    if let Some(partner) = only {
        let known: Vec<&str> = config.partners.iter().map(|sender| sender.partner.as_str()).collect();
        if !known.contains(&partner) {
            return Err(setting::unknown(("partner-unknown", "partner"), "--connect", partner, &known));
        }
    }
    let sentry = std::sync::Arc::new(Sentry::start()?);
    let mark = mark(config);
    let (mut tried, mut wrong) = (0_u64, 0_u64);
    let is_wanted = |name: &str| only.is_none_or(|only| name.split('/').next() == Some(only));
    for rule in config.remotes.iter().filter(|rule| is_wanted(&rule.name)) {
        let trial = {
            let mode = config.partners.iter().find(|sender| rule.name.split('/').next() == Some(&sender.partner));
            let only_looks = mode.is_some_and(|sender| !sender.mode.answers());
            Trial::new(rule, &config.intakes, &config.feeds, only_looks)
        };
        let mut told = Told { name: trial.name().to_string(), what: "remote", quiet, findings: Vec::new() };
        told.begin(page)?;
        let mut failed = None;
        connect::try_remote(&trial, &mark, &sentry, &mut |finding| {
            failed = failed.take().or(told.finding(page, finding).err());
        });
        failed.map_or(Ok(()), Err)?;
        (tried, wrong) = (tried + 1, wrong + told.end(page)?);
    }
    for channel in config.channels.iter().filter(|_| only.is_none()) {
        let mut told = Told { name: channel.name.clone(), what: "channel", quiet, findings: Vec::new() };
        told.begin(page)?;
        told.finding(page, channels::try_channel(channel))?;
        (tried, wrong) = (tried + 1, wrong + told.end(page)?);
    }
    if !page.json && !quiet {
        page.line(match (tried, wrong) {
            (0, _) => "There is nothing to connect to: no [remote.NAME], no [notices.NAME].".to_string(),
            (_, 0) => "All that was tried is well.".to_string(),
            _ => format!("{} to see to.", moments::count(wrong, "thing", "things")),
        })?;
    }
    Ok(if wrong == 0 { End::Well } else { End::Unavailable })
}

/// The spool's, so that a later check knows a name of ours again; by chance where there is no spool yet, or it is not for this user.
fn mark(config: &Config) -> String {
    let of_spool = config.spool.is_dir().then(|| Spool::open(&config.spool).and_then(|spool| spool.mark()));
    of_spool.and_then(Result::ok).unwrap_or_else(|| {
        let letter = |_| char::from(b'a' + chance(LETTERS) as u8);
        (0..MARK_LENGTH).map(letter).collect()
    })
}

/// One remote or channel on its way to the page.
struct Told {
    name: String,
    what: &'static str,
    quiet: bool,
    findings: Vec<Finding>,
}

impl Told {
    fn begin(&self, page: &mut Page<'_>) -> std::io::Result<()> {
        if page.json || self.quiet {
            return Ok(());
        }
        page.line(format!("{} {}", self.what, safe(&self.name)))?;
        page.out.flush()
    }

    /// At once: a server may let the next one wait for a while.
    fn finding(&mut self, page: &mut Page<'_>, finding: Finding) -> std::io::Result<()> {
        if !page.json && (!self.quiet || finding.mark == Mark::Wrong) {
            let mark = match finding.mark {
                Mark::Well => "  ok   ",
                Mark::Note => "  note ",
                Mark::Wrong => "  WRONG",
            };
            let place = finding.folder.as_ref().map(|folder| format!(" {}", safe(folder))).unwrap_or_default();
            let name = if self.quiet { format!(" {} {}", self.what, safe(&self.name)) } else { String::new() };
            page.line(format!("{mark}{name} {}{place}: {}", finding.step, safe(&finding.words)))?;
            page.out.flush()?;
        }
        self.findings.push(finding);
        Ok(())
    }

    /// How many are wrong.
    fn end(self, page: &mut Page<'_>) -> std::io::Result<u64> {
        let wrong = self.findings.iter().filter(|finding| finding.mark == Mark::Wrong).count() as u64;
        if page.json {
            let findings: Vec<Value> = self.findings.iter().map(object).collect();
            page.object(&json!({ self.what: self.name, "well": wrong == 0, "findings": findings }))?;
        } else if !self.quiet {
            page.gap()?;
        }
        Ok(wrong)
    }
}

fn object(finding: &Finding) -> Value {
    json!({ "mark": finding.mark.as_str(), "step": finding.step, "folder": finding.folder, "words": finding.words })
}
