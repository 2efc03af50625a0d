//! What is known of single names: SIZE and MDTM, and a listing where the server knows neither or its no may mean something
//! else. 550 is "not there" and "not allowed" alike, so one 550 alone says nothing, and two say it only on a connection on
//! which such a question was answered before.

use super::super::fault::{Fault, FaultKind, Phase};
use super::Ftp;
use super::reply::Answer;
use crate::edges::fault;
use crate::model::listing::is_moment;
use crate::model::remote::{Facts, Folder, Stamp};

/// What no file has, a server says for another reason; the ledger could not keep it either.
pub const SIZE_MAX: u64 = i64::MAX.cast_unsigned();

/// What two questions for a name say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    Is(Facts),
    /// Both say that nothing of that name is there.
    Gone,
    Unknown,
}

impl Ftp {
    /// Facts of names in a folder, where SIZE and MDTM leave a doubt with the folder's listing.
    pub fn facts_of(&mut self, folder: &Folder, names: &[&[u8]]) -> Result<Vec<Option<Facts>>, Fault> {
        self.enter(Phase::Ask, folder)?;
        let asked = self.asked(names)?;
        let mut found = Vec::with_capacity(names.len());
        let mut unknown = Vec::new();
        for (index, asked) in asked.into_iter().enumerate() {
            // A server that forbids the questions says 550 to them as well.
            let is_doubtful = match &asked {
                Asked::Unknown => true,
                Asked::Gone => !self.knows.answers,
                Asked::Is(facts) => facts.size.is_none(),
            };
            if is_doubtful {
                unknown.push(index);
            }
            found.push(if let Asked::Is(facts) = asked { Some(facts) } else { None });
        }
        for index in unknown {
            let listed = match self.listed(folder, names[index]) {
                // Where nothing may be listed, its word stands.
                Err(fault) if !fault.is_broken() => None,
                listed => listed?,
            };
            let exact = found[index].take();
            found[index] = match (exact, listed) {
                (Some(Facts { stamp, .. }), Some(Facts { size, .. })) => Some(Facts { size, stamp }),
                (exact, listed) => listed.or(exact),
            };
        }
        Ok(found)
    }

    /// A name, maybe in a folder below, as the listing has it.
    fn listed(&mut self, folder: &Folder, name: &[u8]) -> Result<Option<Facts>, Fault> {
        let (place, plain) = match name.iter().rposition(|b| *b == b'/') {
            Some(slash) => {
                let is_whole = name.starts_with(b"/") || folder.as_bytes().is_empty();
                let place = &name[..slash.max(usize::from(is_whole))];
                let below = if is_whole { place.to_vec() } else { [folder.as_bytes(), place].join(&b'/') };
                let wrong = |words| self.tell.fault(FaultKind::Refused, Phase::Ask, "CWD", words);
                (Folder::parse(&below).map_err(wrong)?, &name[slash + 1..])
            }
            None => (folder.clone(), name),
        };
        let mut found = None;
        self.enter(Phase::Ask, &place)?;
        self.list_here(&mut |entry| {
            if entry.name == plain {
                found = Some(entry.facts);
            }
        })?;
        self.enter(Phase::Ask, folder)?;
        Ok(found)
    }

    /// SIZE and MDTM of names in the folder we stand in.
    pub fn asked(&mut self, names: &[&[u8]]) -> Result<Vec<Asked>, Fault> {
        fault::point("remote.facts").map_err(|error| self.broken(|tell| tell.line(Phase::Ask, "SIZE", &error)))?;
        let (size, mdtm) = (self.knows.size, self.knows.mdtm);
        let mut questions: Vec<(&str, Option<&[u8]>)> = Vec::new();
        for name in names {
            questions.extend(size.then_some(("SIZE", Some(*name))));
            questions.extend(mdtm.then_some(("MDTM", Some(*name))));
        }
        let mut answers = self.ask_all(Phase::Ask, &questions, true)?.into_iter();
        let mut found = Vec::with_capacity(names.len());
        for _ in names {
            let (size, mdtm) = (size.then(|| answers.next()).flatten(), mdtm.then(|| answers.next()).flatten());
            self.knows.size &= !size.as_ref().is_some_and(is_not_known);
            self.knows.mdtm &= !mdtm.as_ref().is_some_and(is_not_known);
            let asked = understood(size.as_ref(), mdtm.as_ref());
            self.knows.answers |= matches!(asked, Asked::Is(_));
            found.push(asked);
        }
        Ok(found)
    }

    pub fn size_of(&mut self, name: &[u8]) -> Result<Option<u64>, Fault> {
        if !self.knows.size {
            return Ok(None);
        }
        let answer = self.ask(Phase::Ask, "SIZE", Some(name))?;
        self.knows.size &= !is_not_known(&answer);
        let size = number_in(&answer);
        self.knows.answers |= size.is_some();
        Ok(size)
    }

    /// After a 550: is it not there? Only both questions, or the listing, may say so.
    pub fn is_gone(&mut self, folder: &Folder, name: &[u8]) -> Result<bool, Fault> {
        Ok(self.facts_of(folder, &[name])?.pop().flatten().is_none())
    }
}

fn is_not_known(answer: &Answer) -> bool {
    matches!(answer.code, 500..=504)
}

fn number_in(answer: &Answer) -> Option<u64> {
    let line = answer.lines.last().filter(|_| answer.code == 213)?;
    std::str::from_utf8(line.trim_ascii()).ok()?.parse().ok().filter(|size| *size <= SIZE_MAX)
}

fn moment_in(answer: &Answer) -> Option<String> {
    let line = answer.lines.last().filter(|_| answer.code == 213)?.trim_ascii();
    is_moment(line).then(|| String::from_utf8_lossy(line).into_owned())
}

fn understood(size: Option<&Answer>, mdtm: Option<&Answer>) -> Asked {
    let is_no = |answer: Option<&Answer>| answer.is_some_and(|answer| answer.code == 550);
    let (bytes, moment) = (size.and_then(number_in), mdtm.and_then(moment_in));
    if bytes.is_some() || moment.is_some() {
        return Asked::Is(Facts { size: bytes, stamp: moment.map_or(Stamp::None, Stamp::Exact) });
    }
    if is_no(size) && is_no(mdtm) { Asked::Gone } else { Asked::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_no_is_not_enough() {
        let answer = |code, text: &str| Answer { code, lines: vec![text.as_bytes().to_vec()] };
        let is = |size, stamp: &str| {
            let stamp = if stamp.is_empty() { Stamp::None } else { Stamp::Exact(stamp.into()) };
            Asked::Is(Facts { size, stamp })
        };
        for (size, mdtm, expected) in [
            (Some((213, "12")), Some((213, "20261122083000")), is(Some(12), "20261122083000")),
            (Some((213, "12")), Some((550, "no")), is(Some(12), "")),
            (Some((550, "no")), Some((213, "20261122083000.5")), is(None, "20261122083000.5")),
            (Some((550, "no")), Some((550, "no")), Asked::Gone),
            (Some((550, "no")), Some((502, "what?")), Asked::Unknown),
            (Some((550, "no")), None, Asked::Unknown),
            (Some((450, "busy")), Some((550, "no")), Asked::Unknown),
            (Some((213, "twelve")), Some((213, "yesterday")), Asked::Unknown),
            (None, None, Asked::Unknown),
        ] {
            let (size, mdtm) = (size.map(|(c, t)| answer(c, t)), mdtm.map(|(c, t)| answer(c, t)));
            assert_eq!(understood(size.as_ref(), mdtm.as_ref()), expected);
        }
    }
}
