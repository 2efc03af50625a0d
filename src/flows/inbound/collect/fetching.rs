//! In a carrier: files get the claim names that the ledger has for them, are fetched into tmp/, and once they are whole and on the
//! disk they get their names in work/. So what stands in work/ needs no second look after a crash.

use std::io;
use std::sync::Arc;

use super::halves::{Body, Halves, Taking};
use crate::edges::remote::{Broken, Fault, FaultKind, Gate, Phase, Remote, Renamed, Reply, Target};
use crate::edges::spool::{Parked, Place, Role, Spool, SpoolError, state_name};
use crate::edges::store::FileNo;
use crate::flows::carried::End;
use crate::flows::inbound::desk::end_in;
use crate::flows::inbound::hashing::WHOLE_BYTES;
use crate::model::ids::Id;
use crate::model::intake::{Intake, Settle};
use crate::model::layout::Completeness;
use crate::model::remote::{Facts, Folder, Stamp};
use crate::model::rules::collecting::{self, Action, Known, There};

/// A file that the ledger knows and work/ does not have.
#[derive(Debug, Clone)]
pub struct ToFetch {
    pub file: FileNo,
    pub id: Id,
    pub intake: Arc<Intake>,
    pub raw_name: Vec<u8>,
    pub folder: Folder,
    pub name: Vec<u8>,
    pub claim: Option<Vec<u8>>,
    /// Its done-file and the claim name of that.
    pub done: Option<(Vec<u8>, Option<Vec<u8>>)>,
    /// As it was listed.
    pub facts: Facts,
    /// It has not grown for so long that it is taken without its end.
    pub takes_it_cut: bool,
}

/// What became of it.
#[derive(Debug)]
pub enum Fetched {
    /// It stands in work/, whole and on the disk. `facts`: it is another than was listed.
    Whole {
        facts: Option<Facts>,
        /// Of its content; else it is taken when it is read.
        hash: Option<[u8; 32]>,
    },
    /// Asked for by both names.
    Nowhere,
    /// The remote does not let us rename: it is fetched under its own name once the ledger says so.
    ClaimRefused,
    /// It is another than was listed, and has to rest as it is now; it has its own name again.
    Changed {
        facts: Facts,
    },
    /// Its end is missing; it has its own name again.
    Incomplete(String),
    /// This one alone cannot be had.
    Refused(Fault),
    /// The line broke at it.
    BrokeOff(Fault),
    NotTried,
}

/// Under which name it stands now.
enum Stands {
    At(Vec<u8>),
    Not(Fetched),
}

pub fn fetch(
    remote: &mut dyn Remote,
    spool: &Spool,
    files: Vec<ToFetch>,
    (gate, halves): (&Gate, &Halves),
) -> (Vec<(FileNo, Fetched)>, Option<End>) {
    let mut batch = Batch { remote, spool, gate, halves, done: Vec::with_capacity(files.len()), parked: Vec::new() };
    let mut end = None;
    match batch.claim(&files) {
        Err(fault) => end = Some(End::Theirs(fault)),
        Ok(stands) => {
            for (file, stands) in files.iter().zip(stands) {
                match batch.fetch_one(file, stands) {
                    Ok(()) => {}
                    Err(broken) => {
                        // Behind one that came the server may just have hung up.
                        if let End::Theirs(fault) = &broken
                            && fault.kind != FaultKind::Stopped
                            && batch.parked.is_empty()
                        {
                            batch.done.push((file.file, Fetched::BrokeOff(fault.clone())));
                        }
                        end = Some(broken);
                        break;
                    }
                }
            }
        }
    }
    // What was fetched before the line broke is not fetched again.
    if let Err(error) = batch.place() {
        end = Some(End::Ours(error));
    }
    let mut done = batch.done;
    for file in &files {
        if !done.iter().any(|(known, _)| *known == file.file) {
            done.push((file.file, Fetched::NotTried));
        }
    }
    (done, end)
}

struct Batch<'b> {
    remote: &'b mut dyn Remote,
    spool: &'b Spool,
    gate: &'b Gate,
    halves: &'b Halves,
    done: Vec<(FileNo, Fetched)>,
    /// Fetched, not on the disk.
    parked: Vec<(ToFetch, Parked, Option<Facts>)>,
}

impl Batch<'_> {
    /// All renames of the batch, done-files first.
    fn claim(&mut self, files: &[ToFetch]) -> Result<Vec<Stands>, Fault> {
        if files.iter().any(|file| !file.intake.sender.mode.answers()) {
            return files.iter().map(|file| self.let_be(file)).collect();
        }
        let mut pairs: Vec<(&[u8], Target)> = Vec::new();
        let target = |name: &[u8]| Target { folder: None, name: name.to_vec() };
        for file in files {
            if let Some((name, Some(claim))) = &file.done {
                pairs.push((name, target(claim)));
            }
        }
        let done_files = pairs.len();
        for file in files {
            pairs.extend(file.claim.as_ref().map(|claim| (&file.name[..], target(claim))));
        }
        let Some(first) = files.first() else { return Ok(Vec::new()) };
        let asked: Vec<(&[u8], &Target)> = pairs.iter().map(|(name, target)| (*name, target)).collect();
        let mut renamed = match asked.is_empty() {
            true => Vec::new().into_iter(),
            false => self.remote.rename(&first.folder, &asked)?.into_iter(),
        };
        // A done-file that is gone was claimed before, or is of no interest any more: the ledger says that it vouched.
        renamed.by_ref().take(done_files).for_each(drop);
        let mut stands = Vec::with_capacity(files.len());
        for file in files {
            let result = if file.claim.is_some() { renamed.next() } else { None };
            stands.push(self.stands(file, result)?);
        }
        Ok(stands)
    }

    /// In shadow nothing is claimed. What had been before is read under our name; it gets its own back once its verdict stands.
    fn let_be(&mut self, file: &ToFetch) -> Result<Stands, Fault> {
        let Some(claim) = &file.claim else { return Ok(Stands::At(file.name.clone())) };
        let found = self.remote.facts(&file.folder, &[claim])?;
        let stands = found.iter().any(Option::is_some);
        Ok(if stands { Stands::At(claim.clone()) } else { Stands::Not(Fetched::ClaimRefused) })
    }

    fn stands(&mut self, file: &ToFetch, renamed: Option<Renamed>) -> Result<Stands, Fault> {
        let Some(claim) = &file.claim else { return Ok(Stands::At(file.name.clone())) };
        let there = match renamed {
            Some(Renamed::Done) => There::Claim,
            Some(Renamed::Refused(_)) | None => return Ok(Stands::Not(Fetched::ClaimRefused)),
            // Claimed before a crash, or before an answer that was not read.
            Some(Renamed::Missing | Renamed::Taken) => {
                let found = self.remote.facts(&file.folder, &[claim])?;
                if found.iter().any(Option::is_some) { There::Claim } else { There::Neither }
            }
        };
        Ok(match collecting::resume(Known::Claiming, false, there) {
            Action::Fetch => Stands::At(claim.clone()),
            _ => Stands::Not(Fetched::Nowhere),
        })
    }

    fn fetch_one(&mut self, file: &ToFetch, stands: Stands) -> Result<(), End> {
        let name = match stands {
            Stands::At(name) => name,
            Stands::Not(why) => {
                self.done.push((file.file, why));
                return Ok(());
            }
        };
        if self.gate.is_closing() {
            return Err(End::Stopped);
        }
        match self.fetch_into_tmp(file, &name) {
            Ok((parked, facts)) => self.look_at_end(file, &name, parked, facts),
            Err(NotFetched::Broken(end)) => Err(end),
            Err(NotFetched::This(why)) => {
                if matches!(why, Fetched::Changed { .. }) {
                    self.give_back(file)?;
                }
                self.done.push((file.file, why));
                Ok(())
            }
        }
    }

    /// Without a claim the ledger's facts are those of the very moment before it is read.
    fn fetch_into_tmp(&mut self, file: &ToFetch, name: &[u8]) -> Result<(Parked, Option<Facts>), NotFetched> {
        let rests = matches!(file.intake.settle, Settle::Stable(_));
        let mut facts = None;
        if file.claim.is_none() {
            // Who knows no MDTM has told the time in his listing.
            let with_time = |now: Facts| match now.stamp {
                Stamp::None => Facts { stamp: file.facts.stamp.clone(), ..now },
                _ => now,
            };
            match self.facts(file, name)?.map(with_time) {
                None => return Err(NotFetched::This(Fetched::Nowhere)),
                Some(now) if now != file.facts && rests && is_another(&file.facts, &now) => {
                    return Err(NotFetched::This(Fetched::Changed { facts: now }));
                }
                Some(now) => facts = Some(now).filter(|now| *now != file.facts),
            }
        }
        let expected = facts.as_ref().map_or(file.facts.size, |facts| facts.size);
        let small = expected.filter(|size| *size <= WHOLE_BYTES).and_then(|size| usize::try_from(size).ok());
        let (body, count) = self.bytes_of(file, name, expected, small)?;
        if expected.is_some_and(|expected| expected != count) {
            match self.facts(file, name)? {
                Some(now) if now.size == Some(count) && !rests => facts = Some(now),
                Some(now) if now.size != expected => return Err(NotFetched::This(Fetched::Changed { facts: now })),
                _ => {
                    let fault = says_otherwise(self.remote.server(), name, expected, count);
                    return Err(NotFetched::This(Fetched::Refused(fault)));
                }
            }
        }
        let parked = body.park(self.spool).map_err(|e| NotFetched::Broken(End::Ours(e)))?;
        Ok((parked, facts))
    }

    /// All of its bytes, and how many they are: from the first on, or from where an earlier connection broke.
    fn bytes_of(
        &mut self,
        file: &ToFetch,
        name: &[u8],
        expected: Option<u64>,
        small: Option<usize>,
    ) -> Result<(Body, u64), NotFetched> {
        let ours = |error| NotFetched::Broken(End::Ours(error));
        let begun = self.halves.take(file.file);
        let body = begun.map_or_else(|| Body::new(self.spool, small), Ok).map_err(ours)?;
        let mut taking = Taking::new(body, self.gate);
        let from = taking.from();
        match self.remote.fetch(&file.folder, name, from, expected, &mut taking) {
            Ok(count) => Ok((taking.body, from + count)),
            Err(Broken::Ours(_)) if self.gate.is_cut() => Err(NotFetched::Broken(End::Stopped)),
            Err(Broken::Ours(error)) if taking.is_another => {
                self.halves.only_whole(file.file);
                Err(NotFetched::Broken(End::Theirs(goes_on_elsewhere(self.remote.server(), name, from, &error))))
            }
            Err(Broken::Ours(error)) => Err(ours(taking.body.failed(self.spool, error))),
            Err(Broken::Theirs(fault)) if fault.is_broken() => {
                // Under our name nobody else writes to it.
                if Some(name) == file.claim.as_deref() && expected.is_some() {
                    self.halves.keep(file.file, taking.body);
                }
                Err(NotFetched::Broken(End::Theirs(fault)))
            }
            Err(Broken::Theirs(_)) if from > 0 => {
                // It knows no REST, or does not like this one.
                self.halves.only_whole(file.file);
                self.bytes_of(file, name, expected, small)
            }
            Err(Broken::Theirs(fault)) => Err(NotFetched::This(Fetched::Refused(fault))),
        }
    }

    fn facts(&mut self, file: &ToFetch, name: &[u8]) -> Result<Option<Facts>, NotFetched> {
        let found = self.remote.facts(&file.folder, &[name]).map_err(|fault| NotFetched::Broken(End::Theirs(fault)))?;
        Ok(found.into_iter().next().flatten())
    }

    /// Where its sender may still go on, a layout that has an end says whether it is there.
    fn look_at_end(&mut self, file: &ToFetch, name: &[u8], parked: Parked, facts: Option<Facts>) -> Result<(), End> {
        let rests = matches!(file.intake.settle, Settle::Stable(_));
        if rests && !file.takes_it_cut {
            let mut content = parked.open().map_err(End::Ours)?;
            if let Some(Completeness::Incomplete(missing)) = end_in(&file.intake, &mut content) {
                drop(parked);
                if Some(name) == file.claim.as_deref() {
                    self.give_back(file)?;
                }
                self.done.push((file.file, Fetched::Incomplete(missing)));
                return Ok(());
            }
        }
        self.parked.push((file.clone(), parked, facts));
        Ok(())
    }

    /// Its own name again, where that is free; else it keeps the claim name and is asked for by that.
    fn give_back(&mut self, file: &ToFetch) -> Result<(), End> {
        let Some(claim) = &file.claim else { return Ok(()) };
        let back = Target { folder: None, name: file.name.clone() };
        self.remote.rename(&file.folder, &[(claim, &back)]).map(drop).map_err(End::Theirs)
    }

    /// One sync for all that was fetched, then the names.
    fn place(&mut self) -> Result<(), SpoolError> {
        if self.parked.is_empty() {
            return Ok(());
        }
        self.spool.sync()?;
        for (file, parked, facts) in self.parked.drain(..) {
            let name = state_name(file.id, &file.raw_name, Role::Original);
            let place = Place::Work { partner: &file.intake.sender.partner, intake: &file.intake.id };
            let hash = parked.hash();
            match parked.place(self.spool, (place, &name)) {
                // It was fetched before: whole, or it would not have that name.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                placed => placed?,
            }
            self.done.push((file.file, Fetched::Whole { facts, hash }));
        }
        Ok(())
    }
}

enum NotFetched {
    Broken(End),
    This(Fetched),
}

/// Not only said more exactly.
fn is_another(then: &Facts, now: &Facts) -> bool {
    then.size != now.size || then.stamp.is_same(&now.stamp) == Some(false)
}

fn says_otherwise(server: &str, name: &[u8], expected: Option<u64>, count: u64) -> Fault {
    let expected = expected.map_or_else(|| "another number of".into(), |size| size.to_string());
    Fault {
        kind: FaultKind::Transient,
        server: server.to_owned(),
        phase: Phase::Fetch,
        command: format!("read \"{}\"", name.escape_ascii()),
        answer: Some(Reply { code: None, text: format!("it gives {count} bytes and says it has {expected} bytes") }),
        advice: None,
    }
}

fn goes_on_elsewhere(server: &str, name: &[u8], from: u64, error: &io::Error) -> Fault {
    let text = format!("{error}, although it takes REST {from}; it is fetched from its first byte");
    Fault {
        kind: FaultKind::Transient,
        server: server.to_owned(),
        phase: Phase::Fetch,
        command: format!("read \"{}\"", name.escape_ascii()),
        answer: Some(Reply { code: None, text }),
        advice: None,
    }
}
