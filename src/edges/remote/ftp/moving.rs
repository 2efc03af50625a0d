//! Renames and removals in the folder we stand in. In flights only where every name is ours; nothing is ever put over a name
//! that is taken, but where a file is to be replaced.

use super::super::fault::{Fault, FaultKind, Phase};
use super::super::{Removed, Renamed, Replaced, Target};
use super::Ftp;
use super::reply::Answer;
use crate::edges::fault;
use crate::model::remote::Folder;
use crate::model::remote_name::read_ours;

impl Ftp {
    pub fn rename_here(&mut self, pairs: &[(&[u8], &Target)]) -> Result<Vec<Renamed>, Fault> {
        let folder = self.here.clone();
        let mut paths = Vec::with_capacity(pairs.len());
        for (_, target) in pairs {
            paths.push(self.path_of(target)?);
        }
        // A name with an id of ours in it is free; any other is asked for, since servers overwrite without a word.
        let are_ours = pairs.iter().all(|(_, target)| target.folder.is_none() && read_ours(&target.name).is_some());
        let mut taken = vec![false; pairs.len()];
        if !are_ours {
            for (index, path) in paths.iter().enumerate() {
                taken[index] = !self.is_gone(&self.folder_here(), path)?;
            }
        }
        let going: Vec<usize> = (0..pairs.len()).filter(|index| !taken[*index]).collect();
        let mut commands: Vec<(&str, Option<&[u8]>)> = Vec::with_capacity(2 * going.len());
        for &index in &going {
            commands.push(("RNFR", Some(pairs[index].0)));
            commands.push(("RNTO", Some(&paths[index])));
        }
        let answers = if are_ours && self.flies {
            self.ask_all(Phase::Claim, &commands, true)?
        } else {
            self.one_by_one(&commands)?
        };
        let mut renamed = vec![Renamed::Taken; pairs.len()];
        for (&index, answers) in going.iter().zip(answers.chunks(2)) {
            renamed[index] = self.judged(folder.as_ref(), pairs[index].0, &paths[index], answers)?;
        }
        Ok(renamed)
    }

    /// A second step only where the first was taken; without one its answer stands for both.
    fn one_by_one(&mut self, commands: &[(&str, Option<&[u8]>)]) -> Result<Vec<Answer>, Fault> {
        let mut answers = Vec::with_capacity(commands.len());
        for pair in commands.chunks(2) {
            for (verb, argument) in pair {
                let before: Option<&Answer> = if *verb == "RNTO" { answers.last() } else { None };
                let answer = match before {
                    Some(refused) if refused.code != 350 => refused.clone(),
                    _ => self.ask(Phase::Claim, verb, *argument)?,
                };
                answers.push(answer);
            }
        }
        Ok(answers)
    }

    fn judged(
        &mut self,
        folder: Option<&Folder>,
        from: &[u8],
        to: &[u8],
        answers: &[Answer],
    ) -> Result<Renamed, Fault> {
        let [first, second] = answers else {
            return Err(
                self.broken(|tell| tell.fault(FaultKind::OutOfStep, Phase::Claim, "RNTO", "an answer is missing"))
            );
        };
        match (first.code, second.is_done()) {
            (350, true) => Ok(Renamed::Done),
            (350, false) => Ok(Renamed::Refused(second.to_reply())),
            // It took a second step without a first: whose file that was, nobody knows.
            (_, true) => {
                let shown = self.tell.command("RNTO", to);
                Err(self.broken(|tell| tell.fault(FaultKind::OutOfStep, Phase::Claim, &shown, "done without RNFR")))
            }
            (550, false) => {
                let folder = folder.cloned().unwrap_or_else(|| self.folder_here());
                let gone = self.is_gone(&folder, from)?;
                Ok(if gone { Renamed::Missing } else { Renamed::Refused(first.to_reply()) })
            }
            _ => Ok(Renamed::Refused(first.to_reply())),
        }
    }

    /// The folder we stand in; the login folder where we never left it.
    pub fn folder_here(&self) -> Folder {
        self.here.clone().unwrap_or_default()
    }

    fn path_of(&mut self, target: &Target) -> Result<Vec<u8>, Fault> {
        let Some(folder) = &target.folder else { return Ok(target.name.clone()) };
        let path = folder.as_bytes();
        let folder = match &self.home {
            _ if path.starts_with(b"/") => path.to_vec(),
            Some(home) if home.starts_with(b"/") && path.is_empty() => home.clone(),
            Some(home) if home.starts_with(b"/") => [home.strip_suffix(b"/").unwrap_or(home), path].join(&b'/'),
            _ => {
                let words = "how the login folder goes on cannot be told from what the server calls it; name the folder from / on";
                return Err(self.tell.fault(FaultKind::Refused, Phase::Claim, "PWD", words));
            }
        };
        Ok([folder.strip_suffix(b"/").unwrap_or(&folder), &target.name].join(&b'/'))
    }

    pub fn remove_here(&mut self, names: &[&[u8]]) -> Result<Vec<Removed>, Fault> {
        let commands: Vec<(&str, Option<&[u8]>)> = names.iter().map(|name| ("DELE", Some(*name))).collect();
        let are_ours = names.iter().all(|name| read_ours(name).is_some());
        let answers = self.ask_all(Phase::Remove, &commands, are_ours)?;
        let folder = self.folder_here();
        let mut removed = Vec::with_capacity(names.len());
        for (name, answer) in names.iter().zip(answers) {
            removed.push(match answer.code {
                200..=299 => Removed::Done,
                550 if self.is_gone(&folder, name)? => Removed::Missing,
                _ => Removed::Refused(answer.to_reply()),
            });
        }
        Ok(removed)
    }

    /// Over the old one; where the server refuses that, with the old one put aside.
    pub fn replace_here(&mut self, temp: &[u8], name: &[u8], aside: &[u8]) -> Result<Replaced, Fault> {
        fault::point("remote.replace")
            .map_err(|error| self.broken(|tell| tell.line(Phase::Replace, "RNTO", &error)))?;
        let folder = self.folder_here();
        let answer = match self.step(temp, name)? {
            Step::Done => return Ok(Replaced::AtOnce),
            Step::NoFrom(answer) => {
                let kind = if self.is_gone(&folder, temp)? { FaultKind::Missing } else { FaultKind::Refused };
                let fault = self.refusal(Phase::Replace, "RNFR", Some(temp), &answer);
                return Err(if fault.is_broken() { fault } else { Fault { kind, ..fault } });
            }
            Step::NoTo(answer) => answer,
        };
        let refused = self.refusal(Phase::Replace, "RNTO", Some(name), &answer);
        if refused.is_broken() || self.is_gone(&folder, name)? {
            return Err(refused);
        }
        match self.step(name, aside)? {
            Step::Done => {}
            Step::NoFrom(_) | Step::NoTo(_) => return Err(refused),
        }
        match self.step(temp, name)? {
            Step::Done => Ok(Replaced::OldAside),
            Step::NoFrom(answer) | Step::NoTo(answer) => {
                // The partner shall not be without: what stood there goes back.
                let back = self.step(aside, name)?;
                let mut fault = self.refusal(Phase::Replace, "RNTO", Some(name), &answer);
                if !matches!(back, Step::Done)
                    && let Some(reply) = &mut fault.answer
                {
                    reply.text = format!("{}; the old one stands there as {}", reply.text, self.tell.shown(aside));
                }
                Err(fault)
            }
        }
    }

    fn step(&mut self, from: &[u8], to: &[u8]) -> Result<Step, Fault> {
        let answer = self.ask(Phase::Replace, "RNFR", Some(from))?;
        if answer.code != 350 {
            return Ok(Step::NoFrom(answer));
        }
        let answer = self.ask(Phase::Replace, "RNTO", Some(to))?;
        Ok(if answer.is_done() { Step::Done } else { Step::NoTo(answer) })
    }
}

/// 550 has one number for "not there" and "not allowed", so the words tell; 502 and the like leave no doubt.
pub fn speaks_of_rights(answer: &Answer) -> bool {
    const WORDS: [&str; 8] =
        ["permission", "denied", "not allowed", "read-only", "read only", "forbidden", "privilege", "verweigert"];
    let words = answer.words().to_lowercase();
    answer.code != 550 && (500..600).contains(&answer.code) || WORDS.iter().any(|word| words.contains(word))
}

enum Step {
    Done,
    NoFrom(Answer),
    NoTo(Answer),
}
