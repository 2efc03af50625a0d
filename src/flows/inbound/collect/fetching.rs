//! In a carrier: files get the claim names that the ledger has for them, are fetched into tmp/, and once they are whole and on the
//! disk they get their names in work/. So what stands in work/ needs no second look after a crash. Of several that are one arrival
//! all are claimed and fetched, and put together before there is a name; where one cannot be had, the others get their names back.

use std::io;
use std::sync::Arc;

use super::halves::{Body, Halves, Taking};
use crate::edges::remote::{Broken, Fault, FaultKind, Gate, Phase, Remote, Renamed, Reply, Target};
use crate::edges::spool::{Parked, Place, Role, Spool, SpoolError, state_name};
use crate::edges::store::FileNo;
use crate::edges::store::ledger::CollectNo;
use crate::flows::carried::End;
use crate::flows::inbound::bundling::{PartBytes, pack_fetched};
use crate::flows::inbound::desk::end_of_part;
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
    /// The files that it consists of there; mostly one.
    pub parts: Vec<ToFetchPart>,
    /// Its done-file and the claim name of that.
    pub done: Option<(Vec<u8>, Option<Vec<u8>>)>,
    /// It has not grown for so long that it is taken without its end.
    pub takes_it_cut: bool,
}

#[derive(Debug, Clone)]
pub struct ToFetchPart {
    pub no: CollectNo,
    pub name: Vec<u8>,
    pub claim: Option<Vec<u8>>,
    /// As its sender called it.
    pub own_name: Vec<u8>,
    /// As it was listed.
    pub facts: Facts,
}

/// What became of it.
#[derive(Debug)]
pub enum Fetched {
    /// It stands in work/, whole and on the disk.
    Whole {
        /// Of those of its files that are others than were listed.
        facts: Vec<(CollectNo, Facts)>,
        come: Come,
    },
    /// Asked for by both names, it or one of its files; the others have their own names again.
    Nowhere,
    /// The remote does not let us rename these: they are fetched under their own names once the ledger says so.
    ClaimRefused(Vec<CollectNo>),
    /// It is another than was listed, and has to rest as it is now; it has its own name again.
    Changed {
        no: CollectNo,
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

/// What is known of the bytes that came.
#[derive(Debug, Clone, Default)]
pub struct Come {
    /// Of its content; else it is taken when it is read.
    pub hash: Option<[u8; 32]>,
    /// Where several files are one, those of each.
    pub parts: Vec<PartBytes>,
}

/// Under which names its files stand now.
enum Stands {
    At(Vec<Vec<u8>>),
    Not(Fetched),
}

/// Where one of them is.
enum PartStands {
    At(Vec<u8>),
    Nowhere,
    ClaimRefused,
}

/// Fetched, not on the disk.
struct Came {
    file: ToFetch,
    parked: Parked,
    facts: Vec<(CollectNo, Facts)>,
    parts: Vec<PartBytes>,
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
    parked: Vec<Came>,
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
            let claimed = file.parts.iter().filter_map(|part| Some((&part.name[..], target(part.claim.as_ref()?))));
            pairs.extend(claimed);
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
            let mut each = Vec::with_capacity(file.parts.len());
            for part in &file.parts {
                let result = if part.claim.is_some() { renamed.next() } else { None };
                each.push(self.stands(file, part, result)?);
            }
            stands.push(self.all_stand(file, each)?);
        }
        Ok(stands)
    }

    /// In shadow nothing is claimed. What had been before is read under our name; it gets its own back once its verdict stands.
    fn let_be(&mut self, file: &ToFetch) -> Result<Stands, Fault> {
        let mut each = Vec::with_capacity(file.parts.len());
        for part in &file.parts {
            each.push(match &part.claim {
                None => PartStands::At(part.name.clone()),
                Some(claim) if self.remote.facts(&file.folder, &[claim])?.iter().any(Option::is_some) => {
                    PartStands::At(claim.clone())
                }
                Some(_) => PartStands::ClaimRefused,
            });
        }
        self.all_stand(file, each)
    }

    /// All files of an arrival, or what is the matter with it.
    fn all_stand(&mut self, file: &ToFetch, each: Vec<PartStands>) -> Result<Stands, Fault> {
        let refused = file.parts.iter().zip(&each).filter(|(_, stands)| matches!(stands, PartStands::ClaimRefused));
        let refused: Vec<CollectNo> = refused.map(|(part, _)| part.no).collect();
        if !refused.is_empty() {
            return Ok(Stands::Not(Fetched::ClaimRefused(refused)));
        }
        let count = each.len();
        let names =
            each.into_iter().filter_map(|stands| if let PartStands::At(name) = stands { Some(name) } else { None });
        let names: Vec<Vec<u8>> = names.collect();
        if names.len() == count {
            return Ok(Stands::At(names));
        }
        if !names.is_empty() {
            self.give_back(file)?;
        }
        Ok(Stands::Not(Fetched::Nowhere))
    }

    fn stands(&mut self, file: &ToFetch, part: &ToFetchPart, renamed: Option<Renamed>) -> Result<PartStands, Fault> {
        let Some(claim) = &part.claim else { return Ok(PartStands::At(part.name.clone())) };
        let there = match renamed {
            Some(Renamed::Done) => There::Claim,
            Some(Renamed::Refused(_)) | None => return Ok(PartStands::ClaimRefused),
            // Claimed before a crash, or before an answer that was not read.
            Some(Renamed::Missing | Renamed::Taken) => {
                let found = self.remote.facts(&file.folder, &[claim])?;
                if found.iter().any(Option::is_some) { There::Claim } else { There::Neither }
            }
        };
        Ok(match collecting::resume(Known::Claiming, false, there) {
            Action::Fetch => PartStands::At(claim.clone()),
            _ => PartStands::Nowhere,
        })
    }

    fn fetch_one(&mut self, file: &ToFetch, stands: Stands) -> Result<(), End> {
        let names = match stands {
            Stands::At(names) => names,
            Stands::Not(why) => {
                self.done.push((file.file, why));
                return Ok(());
            }
        };
        match self.fetch_parts(file, &names) {
            Ok(came) => {
                self.parked.push(came);
                Ok(())
            }
            Err(NotFetched::Broken(end)) => Err(end),
            Err(NotFetched::This(why)) => {
                let is_one_of = file.parts.len() > 1;
                if matches!(why, Fetched::Changed { .. } | Fetched::Incomplete(_))
                    || is_one_of && matches!(why, Fetched::Nowhere)
                {
                    self.give_back(file).map_err(End::Theirs)?;
                }
                self.done.push((file.file, why));
                Ok(())
            }
        }
    }

    /// All of them, one after the other, as one.
    fn fetch_parts(&mut self, file: &ToFetch, names: &[Vec<u8>]) -> Result<Came, NotFetched> {
        let mut facts = Vec::new();
        let mut fetched: Vec<(&[u8], Parked)> = Vec::with_capacity(file.parts.len());
        for (part, name) in file.parts.iter().zip(names) {
            if self.gate.is_closing() {
                return Err(NotFetched::Broken(End::Stopped));
            }
            let (parked, other) = self.fetch_into_tmp(file, part, name)?;
            look_at_end(file, part, &parked)?;
            facts.extend(other.map(|facts| (part.no, facts)));
            fetched.push((&part.own_name, parked));
        }
        let alone = if fetched.len() == 1 { fetched.pop() } else { None };
        let (parked, parts) = match alone {
            Some((_, parked)) => (parked, Vec::new()),
            None => pack_fetched(self.spool, &fetched).map_err(|e| NotFetched::Broken(End::Ours(e)))?,
        };
        Ok(Came { file: file.clone(), parked, facts, parts })
    }

    /// Without a claim the ledger's facts are those of the very moment before it is read.
    fn fetch_into_tmp(
        &mut self,
        file: &ToFetch,
        part: &ToFetchPart,
        name: &[u8],
    ) -> Result<(Parked, Option<Facts>), NotFetched> {
        let rests = matches!(file.intake.settle, Settle::Stable(_));
        let mut facts = None;
        if part.claim.is_none() {
            // Who knows no MDTM has told the time in his listing.
            let with_time = |now: Facts| match now.stamp {
                Stamp::None => Facts { stamp: part.facts.stamp.clone(), ..now },
                _ => now,
            };
            match self.facts(file, name)?.map(with_time) {
                None => return Err(NotFetched::This(Fetched::Nowhere)),
                Some(now) if now != part.facts && rests && is_another(&part.facts, &now) => {
                    return Err(NotFetched::This(Fetched::Changed { no: part.no, facts: now }));
                }
                Some(now) => facts = Some(now).filter(|now| *now != part.facts),
            }
        }
        let expected = facts.as_ref().map_or(part.facts.size, |facts| facts.size);
        let small = expected.filter(|size| *size <= WHOLE_BYTES).and_then(|size| usize::try_from(size).ok());
        let (body, count) = self.bytes_of((file, part), name, expected, small)?;
        if expected.is_some_and(|expected| expected != count) {
            match self.facts(file, name)? {
                Some(now) if now.size == Some(count) && !rests => facts = Some(now),
                Some(now) if now.size != expected => {
                    return Err(NotFetched::This(Fetched::Changed { no: part.no, facts: now }));
                }
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
        (file, part): (&ToFetch, &ToFetchPart),
        name: &[u8],
        expected: Option<u64>,
        small: Option<usize>,
    ) -> Result<(Body, u64), NotFetched> {
        let ours = |error| NotFetched::Broken(End::Ours(error));
        let begun = self.halves.take(part.no);
        let body = begun.map_or_else(|| Body::new(self.spool, small), Ok).map_err(ours)?;
        let mut taking = Taking::new(body, self.gate);
        let from = taking.from();
        match self.remote.fetch(&file.folder, name, from, expected, &mut taking) {
            Ok(count) => Ok((taking.body, from + count)),
            Err(Broken::Ours(_)) if self.gate.is_cut() => Err(NotFetched::Broken(End::Stopped)),
            Err(Broken::Ours(error)) if taking.is_another => {
                self.halves.only_whole(part.no);
                Err(NotFetched::Broken(End::Theirs(goes_on_elsewhere(self.remote.server(), name, from, &error))))
            }
            Err(Broken::Ours(error)) => Err(ours(taking.body.failed(self.spool, error))),
            Err(Broken::Theirs(fault)) if fault.is_broken() => {
                // Under our name nobody else writes to it.
                if Some(name) == part.claim.as_deref() && expected.is_some() {
                    self.halves.keep(part.no, taking.body);
                }
                Err(NotFetched::Broken(End::Theirs(fault)))
            }
            Err(Broken::Theirs(_)) if from > 0 => {
                // It knows no REST, or does not like this one.
                self.halves.only_whole(part.no);
                self.bytes_of((file, part), name, expected, small)
            }
            Err(Broken::Theirs(fault)) => Err(NotFetched::This(Fetched::Refused(fault))),
        }
    }

    fn facts(&mut self, file: &ToFetch, name: &[u8]) -> Result<Option<Facts>, NotFetched> {
        let found = self.remote.facts(&file.folder, &[name]).map_err(|fault| NotFetched::Broken(End::Theirs(fault)))?;
        Ok(found.into_iter().next().flatten())
    }

    /// Its own names again, where they are free; else it keeps the claim names and is asked for by those.
    fn give_back(&mut self, file: &ToFetch) -> Result<(), Fault> {
        let back = |part: &ToFetchPart| Target { folder: None, name: part.name.clone() };
        let backs = file.parts.iter().filter_map(|part| Some((part.claim.as_deref()?, back(part))));
        let backs: Vec<(&[u8], Target)> = backs.collect();
        let asked: Vec<(&[u8], &Target)> = backs.iter().map(|(claim, target)| (*claim, target)).collect();
        if asked.is_empty() { Ok(()) } else { self.remote.rename(&file.folder, &asked).map(drop) }
    }

    /// One sync for all that was fetched, then the names.
    fn place(&mut self) -> Result<(), SpoolError> {
        if self.parked.is_empty() {
            return Ok(());
        }
        self.spool.sync()?;
        for Came { file, parked, facts, parts } in self.parked.drain(..) {
            let name = state_name(file.id, &file.raw_name, Role::Original);
            let place = Place::Work { partner: &file.intake.sender.partner, intake: &file.intake.id };
            let hash = parked.hash();
            match parked.place(self.spool, (place, &name)) {
                // It was fetched before: whole, or it would not have that name.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                placed => placed?,
            }
            self.done.push((file.file, Fetched::Whole { facts, come: Come { hash, parts } }));
        }
        Ok(())
    }
}

enum NotFetched {
    Broken(End),
    This(Fetched),
}

/// Where its sender may still go on, a layout that has an end says whether it is there.
fn look_at_end(file: &ToFetch, part: &ToFetchPart, parked: &Parked) -> Result<(), NotFetched> {
    if !matches!(file.intake.settle, Settle::Stable(_)) || file.takes_it_cut {
        return Ok(());
    }
    let mut content = parked.open().map_err(|error| NotFetched::Broken(End::Ours(error)))?;
    match end_of_part(&file.intake, &part.own_name, &mut content) {
        Some(Completeness::Incomplete(missing)) => Err(NotFetched::This(Fetched::Incomplete(missing))),
        _ => Ok(()),
    }
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
