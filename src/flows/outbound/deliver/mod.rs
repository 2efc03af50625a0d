//! Runs on their way to a remote: what stands there is asked (`Ask`), the file is sent under a name of ours (`Send`), takes its
//! place (`Rename`), and may get a done-file (`Vouch`); of one that was replaced meanwhile the upload is removed (`Clear`). Each step is committed before the next is a job (`noting`: D1, D2, D3),
//! and whatever breaks is asked again: `model::rules::delivering` says from what is found how it goes on.
//!
//! In here: what a carrier does. It decides nothing.

mod again;
mod book;
mod decided;
mod noting;

use std::io::{self, ErrorKind, Read};

use crate::edges::remote::{Broken, Fault, FaultKind, Gate, Phase, Remote, Removed, Renamed, Replaced, Reply, Target};
use crate::edges::spool::{Place, Spool, SpoolError};
use crate::edges::store::RunNo;
use crate::flows::carried::End;
use crate::model::ids::Id;
use crate::model::remote::Folder;
use crate::model::rules::delivering::There;

pub use book::Book;
pub use noting::{Rules, announce, says};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Ask,
    Send,
    Rename,
    Vouch,
    Clear,
}

/// What a carrier has to know of one run.
#[derive(Debug, Clone)]
pub struct Parcel {
    pub run: RunNo,
    pub id: Id,
    /// Where its file stands in out/.
    pub partner: String,
    pub out: String,
    pub file: String,
    pub size: u64,
    /// And at the remote.
    pub folder: Folder,
    pub name: Vec<u8>,
    pub temp: Vec<u8>,
    pub aside: Vec<u8>,
    pub done: Option<Vec<u8>>,
    /// An earlier try may have put the old one aside.
    pub was_tried: bool,
    pub left: Left,
}

/// What earlier tries left there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Left {
    /// Something stands under `temp`.
    pub temp: bool,
    /// The old one stands under `aside`.
    pub old: bool,
}

#[derive(Debug)]
pub struct Job {
    pub step: Step,
    pub parcels: Vec<Parcel>,
}

#[derive(Debug)]
pub enum Outcome {
    There(There),
    Done,
    /// This one alone.
    Refused(Fault),
    /// The line broke at it: how far it came, nobody knows.
    BrokeOff(Fault),
    /// Its file stands neither in out/ nor in staged/.
    NoFile,
    /// It still stands in staged/.
    NotYet,
    /// Nobody knows: it is asked again.
    NotTried,
}

#[derive(Debug)]
pub struct Report {
    pub step: Step,
    pub runs: Vec<(RunNo, Outcome)>,
}

impl Job {
    pub fn not_tried(self) -> Report {
        let runs = self.parcels.into_iter().map(|parcel| (parcel.run, Outcome::NotTried)).collect();
        Report { step: self.step, runs }
    }
}

/// In a carrier.
pub fn carry_out(remote: &mut dyn Remote, spool: &Spool, job: Job, gate: &Gate) -> (Report, Option<End>) {
    let (mut runs, mut end) = (Vec::with_capacity(job.parcels.len()), None);
    for parcel in &job.parcels {
        if end.is_none() && gate.is_closing() {
            end = Some(End::Stopped);
        }
        let outcome = match end {
            Some(_) => Outcome::NotTried,
            None => match one(remote, spool, job.step, parcel, gate) {
                Ok(outcome) => outcome,
                Err(why) => {
                    let outcome = match &why {
                        // Behind one that was brought the server may just have hung up.
                        End::Theirs(fault) if fault.kind != FaultKind::Stopped && runs.is_empty() => {
                            Outcome::BrokeOff(fault.clone())
                        }
                        _ => Outcome::NotTried,
                    };
                    end = Some(why);
                    outcome
                }
            },
        };
        runs.push((parcel.run, outcome));
    }
    (Report { step: job.step, runs }, end)
}

fn one(remote: &mut dyn Remote, spool: &Spool, step: Step, parcel: &Parcel, gate: &Gate) -> Result<Outcome, End> {
    let done = match step {
        Step::Ask => ask(remote, parcel),
        Step::Send => return send(remote, spool, parcel, gate),
        Step::Rename => rename(remote, parcel).and_then(|left| finish(remote, parcel, left)),
        Step::Vouch => finish(remote, parcel, parcel.left),
        Step::Clear => clear(remote, parcel),
    };
    of_fault(done)
}

/// A fault of one file leaves the line as it was.
fn of_fault(done: Result<Outcome, Fault>) -> Result<Outcome, End> {
    match done {
        Ok(outcome) => Ok(outcome),
        Err(fault) if fault.is_broken() => Err(End::Theirs(fault)),
        Err(fault) => Ok(Outcome::Refused(fault)),
    }
}

fn ask(remote: &mut dyn Remote, parcel: &Parcel) -> Result<Outcome, Fault> {
    let mut names: Vec<&[u8]> = vec![&parcel.name];
    names.extend(parcel.done.as_deref());
    names.extend(parcel.was_tried.then_some(&parcel.aside[..]));
    let mut found = remote.facts(&parcel.folder, &names)?.into_iter();
    let last = found.next().flatten();
    let done = parcel.done.as_ref().and_then(|_| found.next().flatten());
    let old = found.next().flatten();
    // A name in a folder of its own: where that is missing, so is the upload.
    let temp = remote.facts(&parcel.folder, &[&parcel.temp])?.into_iter().next().flatten();
    Ok(Outcome::There(There { temp, last, has_done_file: done.is_some(), has_old: old.is_some() }))
}

fn send(remote: &mut dyn Remote, spool: &Spool, parcel: &Parcel, gate: &Gate) -> Result<Outcome, End> {
    let place = Place::Out { partner: &parcel.partner, folder: &parcel.out };
    let file = match spool.read(place, parcel.file.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let staged = spool.look(Place::Staged, parcel.id.as_str().as_bytes()).map_err(End::Ours)?;
            return Ok(if staged.is_some() { Outcome::NotYet } else { Outcome::NoFile });
        }
        file => file.map_err(End::Ours)?,
    };
    if parcel.left.temp {
        let removed = remote.remove(&parcel.folder, &[&parcel.temp]);
        if let Err(fault) = removed {
            return of_fault(Err(fault));
        }
    }
    match remote.send(&parcel.folder, &parcel.temp, parcel.size, &mut Cut { file, gate }) {
        Ok(()) => Ok(Outcome::Done),
        Err(Broken::Ours(_)) if gate.is_cut() => Err(End::Stopped),
        Err(Broken::Ours(error)) => Err(End::Ours(unreadable(spool, parcel, error))),
        Err(Broken::Theirs(fault)) => of_fault(Err(fault)),
    }
}

fn unreadable(spool: &Spool, parcel: &Parcel, error: io::Error) -> SpoolError {
    let place = Place::Out { partner: &parcel.partner, folder: &parcel.out };
    spool.cannot_read(place, parcel.file.as_bytes(), error)
}

fn rename(remote: &mut dyn Remote, parcel: &Parcel) -> Result<Left, Fault> {
    let replaced = remote.replace(&parcel.folder, &parcel.temp, &parcel.name, &parcel.aside)?;
    Ok(Left { old: parcel.left.old || replaced == Replaced::OldAside, ..parcel.left })
}

/// Its upload, and what it put aside: the newer one comes to that place. What is not there any more needs no removing. As long as
/// the upload stands there, nothing took the old one's place: where that is empty, the partner gets his file back.
fn clear(remote: &mut dyn Remote, parcel: &Parcel) -> Result<Outcome, Fault> {
    let names: [&[u8]; 3] = [&parcel.temp, &parcel.name, &parcel.aside];
    if let [Some(_), None, Some(_)] = remote.facts(&parcel.folder, &names)?[..] {
        let back = Target { folder: None, name: parcel.name.clone() };
        match remote.rename(&parcel.folder, &[(&parcel.aside, &back)])?.into_iter().next() {
            Some(Renamed::Done | Renamed::Missing | Renamed::Taken) | None => {}
            Some(Renamed::Refused(reply)) => {
                return Ok(Outcome::Refused(not_removed(remote.server(), &parcel.aside, reply)));
            }
        }
    }
    let removed = remote.remove(&parcel.folder, &[&parcel.temp, &parcel.aside])?.into_iter().next();
    Ok(match removed {
        Some(Removed::Refused(reply)) => Outcome::Refused(not_removed(remote.server(), &parcel.temp, reply)),
        _ => Outcome::Done,
    })
}

fn not_removed(server: &str, name: &[u8], reply: Reply) -> Fault {
    Fault {
        kind: FaultKind::Refused,
        server: server.to_owned(),
        phase: Phase::Remove,
        command: format!("remove \"{}\"", name.escape_ascii()),
        answer: Some(reply),
        advice: None,
    }
}

/// The new one stands there. What the old one says nobody needs any more; the done-file is empty, so whole as soon as it is there.
fn finish(remote: &mut dyn Remote, parcel: &Parcel, left: Left) -> Result<Outcome, Fault> {
    if left.old {
        remote.remove(&parcel.folder, &[&parcel.aside])?;
    }
    let Some(done) = &parcel.done else { return Ok(Outcome::Done) };
    match remote.send(&parcel.folder, done, 0, &mut io::empty()) {
        Ok(()) | Err(Broken::Ours(_)) => Ok(Outcome::Done),
        Err(Broken::Theirs(fault)) => Err(fault),
    }
}

/// A stop that will not wait cuts an upload: what stands there is a name of ours, and sent again by the next start.
struct Cut<'g> {
    file: std::fs::File,
    gate: &'g Gate,
}

impl Read for Cut<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.gate.is_cut() {
            return Err(io::Error::other("the program stops"));
        }
        self.file.read(buffer)
    }
}
