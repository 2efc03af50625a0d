//! A kilobyte of ours in a folder of the partner's: written, timed, renamed, read back, removed, as a delivery or a fetched
//! file would be. Every name is one of ours, so no intake of any Nattpost takes it, and a later check removes what stayed.

use std::io;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Ended, Mark, Place, Session, Used, ask_for, clean, sentence, shown};
use crate::edges::clock::new_id;
use crate::edges::remote::{Broken, Change, Fault, FaultKind, Removed, Renamed, Reply, Target};
use crate::model::ids::Id;
use crate::model::remote::{After, Folder};
use crate::model::remote_name::{self, Ours};
use crate::model::rules::clock_offset;

const NAME: &[u8] = b"nattpost-check.txt";
const RENAMED: &[u8] = b"nattpost-check-renamed.txt";
const BYTES: usize = 1_024;
/// Another check may be under way.
const LEFT_OVER_AFTER: TimeDelta = TimeDelta::minutes(10);

/// Where the file stands, as far as we know.
struct Names {
    id: Id,
    /// With the folder below that uploads are made in.
    temp: Vec<u8>,
    last: Vec<u8>,
    /// Where `last` stands, if it is another folder.
    last_in: Option<Folder>,
}

impl Session<'_> {
    /// Err only where the remote does not answer at all any more.
    pub(super) fn write(&mut self, place: &Place) -> Result<(), Ended> {
        self.remove_left_overs(place)?;
        let Ok(id) = new_id(self.now()) else {
            self.say_of(
                place,
                Mark::Wrong,
                "write",
                "This machine gives no random numbers, so no name could be chosen.",
            );
            return Ok(());
        };
        let names = self.names(place, id);
        let wrote = self.put(place, &names)?;
        let is_renamed = wrote && self.rename(place, &names)?;
        if is_renamed {
            self.read_back(place, &names)?;
        }
        self.clear(place, &names, (wrote, is_renamed))
    }

    fn names(&self, place: &Place, id: Id) -> Names {
        let temp = remote_name::upload_name(NAME, id, self.mark);
        let (temp, last_in) = match &place.used {
            Used::Brought { through: Some(below) } => ([&below[..], &temp].join(&b'/'), None),
            Used::Taken { after: After::Move(folder), .. } => (temp, Some(folder.clone())),
            _ => (temp, None),
        };
        Names { id, temp, last: remote_name::upload_name(RENAMED, id, self.mark), last_in }
    }

    /// Of a check that was ended in its middle.
    fn remove_left_overs(&mut self, place: &Place) -> Result<(), Ended> {
        let before = (self.now() - LEFT_OVER_AFTER).timestamp_millis();
        let ours = self.mark.as_bytes();
        let is_left_over = |name: &[u8]| match remote_name::read_ours(name) {
            Some(Ours::Upload { run, mark }) if name.starts_with(NAME) || name.starts_with(RENAMED) => {
                mark == ours && run.made_ms() < before
            }
            _ => false,
        };
        let mut found: Vec<Vec<u8>> = Vec::new();
        let listed = self.remote()?.list(&place.folder, &mut |entry| {
            if is_left_over(entry.name) {
                found.push(entry.name.to_vec());
            }
        });
        if let Err(fault) = listed {
            // Many let us drop files and see nothing; whether we can write is tried next.
            self.note(&fault);
            return Ok(());
        }
        for name in found {
            if let Ok(answers) = self.remote()?.remove(&place.folder, &[&name[..]])
                && answers == [Removed::Done]
            {
                let words = format!("Removed \"{}\", which an earlier check had left there.", shown(&name));
                self.say_of(place, Mark::Note, "left", words);
            }
        }
        Ok(())
    }

    fn put(&mut self, place: &Place, names: &Names) -> Result<bool, Ended> {
        let bytes = content(names.id);
        let before = self.now();
        match self.remote()?.send(&place.folder, &names.temp, BYTES as u64, &mut &bytes[..]) {
            Ok(()) => {
                let after = self.now();
                self.tell_clock(place, names, (before, after))?;
                Ok(true)
            }
            Err(Broken::Ours(error)) => {
                self.say_of(place, Mark::Wrong, "write", format!("This machine cannot send it: {error}."));
                Ok(false)
            }
            Err(Broken::Theirs(fault)) => {
                self.note(&fault);
                match &place.used {
                    Used::Taken { after, .. } if !fault.is_broken() => self.only_taken(place, after, names, &fault)?,
                    _ => {
                        let (who, said) = (place.who.join(", "), sentence(&fault));
                        let words = format!("Nothing can be written for {who}: {said}.{}", ask_for(&fault, "write"));
                        self.say_of(place, Mark::Wrong, "write", words);
                    }
                }
                Ok(false)
            }
        }
    }

    /// Whoever only takes files needs no right to write; without one, what he needs cannot be tried with a file of ours.
    fn only_taken(&mut self, place: &Place, after: &After, names: &Names, fault: &Fault) -> Result<(), Ended> {
        let (what, word) = match after {
            After::Move(_) | After::Rename(_) => (Change::Renaming, "renamed"),
            After::Delete | After::Keep => (Change::Removal, "removed"),
        };
        let (who, said) = (place.who.join(", "), sentence(fault));
        match self.remote()?.refuses(&place.folder, what, &names.temp) {
            Ok(Some(reply)) => {
                let words = format!(
                    "The folder is read-only for us: {}. Files of {who} would be fetched and stay there: ask the partner for the right \
                     to rename and remove, or say after = \"keep\".",
                    said_by(&reply)
                );
                self.say_of(place, Mark::Wrong, "write", words);
            }
            Ok(None) => {
                let words = format!(
                    "Nothing can be written there ({said}), which {who} does not need. That taken files can be {word} could not be tried \
                     without a file of ours; nothing that the server says speaks against it."
                );
                self.say_of(place, Mark::Note, "write", words);
            }
            Err(fault) => {
                self.note(&fault);
                let words = format!("Whether files of {who} can be {word} cannot be told: {}.", sentence(&fault));
                self.say_of(place, Mark::Wrong, "write", words);
            }
        }
        Ok(())
    }

    /// Once for each remote.
    fn tell_clock(
        &mut self,
        place: &Place,
        names: &Names,
        written: (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<(), Ended> {
        if std::mem::replace(&mut self.told_clock, true) {
            return Ok(());
        }
        match self.remote()?.facts(&place.folder, &[&names.temp[..]]) {
            Ok(facts) => {
                let stamp = facts.into_iter().flatten().next().map(|facts| facts.stamp).unwrap_or_default();
                let reading = clock_offset::read(&stamp, written);
                let mark = match reading {
                    clock_offset::Reading::Right => Mark::Well,
                    _ => Mark::Note,
                };
                let words = clock_offset::words(reading, &stamp);
                let mut letters = words.chars();
                let first = letters.next().map(|first| first.to_ascii_uppercase());
                self.say(mark, "clock", format!("{}{}.", first.unwrap_or_default(), letters.as_str()));
            }
            Err(fault) => {
                self.note(&fault);
                self.say(
                    Mark::Note,
                    "clock",
                    format!("It does not say when the file was written: {}.", sentence(&fault)),
                );
            }
        }
        Ok(())
    }

    fn rename(&mut self, place: &Place, names: &Names) -> Result<bool, Ended> {
        let who = place.who.join(", ");
        let refused = |said: String| {
            format!("The file cannot be renamed for {who}: {said}. Ask the partner for the right to rename there.")
        };
        let words = match &place.used {
            Used::Brought { .. } => {
                let aside = remote_name::aside_name(NAME, names.id, self.mark);
                match self.remote()?.replace(&place.folder, &names.temp, &names.last, &aside) {
                    Ok(_) => return Ok(true),
                    Err(fault) => {
                        self.note(&fault);
                        let said = sentence(&fault);
                        match fault.kind {
                            FaultKind::Refused | FaultKind::Missing => refused(said),
                            _ => format!("The file could not be renamed: {said}.{}", ask_for(&fault, "rename")),
                        }
                    }
                }
            }
            Used::Taken { .. } => {
                let target = Target { folder: names.last_in.clone(), name: names.last.clone() };
                let where_ = names.last_in.as_ref().map(|folder| format!(" to \"{folder}\"")).unwrap_or_default();
                match self.remote()?.rename(&place.folder, &[(&names.temp[..], &target)]) {
                    Ok(answers) => match answers.into_iter().next() {
                        Some(Renamed::Done) => return Ok(true),
                        Some(Renamed::Refused(reply)) => refused(format!("{}{where_}", said_by(&reply))),
                        Some(Renamed::Missing) => "The file was gone before it could be renamed: somebody or something there takes files away.".to_string(),
                        Some(Renamed::Taken) | None => "The file cannot be renamed: the server says that its new name is taken, which is ours alone.".to_string(),
                    },
                    Err(fault) => {
                        self.note(&fault);
                        format!("The file could not be renamed{where_}: {}.{}", sentence(&fault), ask_for(&fault, "rename"))
                    }
                }
            }
        };
        self.say_of(place, Mark::Wrong, "rename", words);
        Ok(false)
    }

    /// A partner who lets us drop and not read hinders no delivery.
    fn read_back(&mut self, place: &Place, names: &Names) -> Result<(), Ended> {
        let folder = names.last_in.as_ref().unwrap_or(&place.folder).clone();
        let mut came = Bounded(Vec::with_capacity(BYTES));
        let fetched = self.remote()?.fetch(&folder, &names.last, 0, Some(BYTES as u64), &mut came);
        let is_brought = matches!(place.used, Used::Brought { .. });
        match fetched {
            Ok(_) if came.0 == content(names.id) => {
                let words = format!("Written, renamed and read back for {}: 1 KiB.", place.who.join(", "));
                self.say_of(place, Mark::Well, "write", words);
            }
            Ok(_) => {
                let words = "Other bytes came back than were written: something there changes files (a conversion of line ends, a virus scanner). Ask the partner to let them as they are.";
                self.say_of(place, Mark::Wrong, "read", words);
            }
            Err(Broken::Ours(_)) => {
                let words = "More came back than was written: something there changes files. Ask the partner to let them as they are.";
                self.note_stopped();
                self.say_of(place, Mark::Wrong, "read", words);
            }
            Err(Broken::Theirs(fault)) => {
                self.note(&fault);
                let (said, may_lack) = (sentence(&fault), is_brought && matches!(fault.kind, FaultKind::Refused));
                if may_lack {
                    let words = format!(
                        "Written and renamed for {}: 1 KiB. It cannot be read back, which no delivery needs: {said}.",
                        place.who.join(", ")
                    );
                    self.say_of(place, Mark::Note, "read", words);
                } else {
                    let words = format!("What was written cannot be read back: {said}.{}", ask_for(&fault, "read"));
                    self.say_of(place, Mark::Wrong, "read", words);
                }
            }
        }
        Ok(())
    }

    /// A transfer that we broke off leaves a connection nobody can trust.
    fn note_stopped(&mut self) {
        self.remote = None;
    }

    /// Whatever happened before; what may still stand there is named.
    fn clear(&mut self, place: &Place, names: &Names, (wrote, is_renamed): (bool, bool)) -> Result<(), Ended> {
        let last_in = names.last_in.as_ref().unwrap_or(&place.folder).clone();
        let mut left = Vec::new();
        let mut answered = Ok(());
        let both = [(&last_in, &names.last), (&place.folder, &names.temp)];
        for (folder, name) in &both[..if is_renamed { 1 } else { both.len() }] {
            let path = format!("\"{}\"", path_of(folder, name));
            match self.clear_one(folder, name) {
                Ok(None) => {}
                Ok(Some(said)) => left.push(format!("{path} ({said})")),
                Err(Ended) => {
                    answered = Err(Ended);
                    left.push(path);
                }
            }
        }
        if left.is_empty() {
            return answered;
        }
        let may = if answered.is_err() || !wrote { "may have been left there" } else { "is left there" };
        let words = format!(
            "Our file cannot be removed and {may}: {}. Ask the partner for the right to remove (a delivery that broke off is removed before it \
             is tried again), and remove it by hand; no Nattpost takes it for a file.",
            left.join(" or ")
        );
        self.say_of(place, Mark::Wrong, "remove", words);
        answered
    }

    /// None: it is not there any more.
    fn clear_one(&mut self, folder: &Folder, name: &[u8]) -> Result<Option<String>, Ended> {
        match self.remote()?.remove(folder, &[name]) {
            Ok(answers) => Ok(answers.into_iter().next().and_then(|answer| match answer {
                Removed::Done | Removed::Missing => None,
                Removed::Refused(reply) => Some(said_by(&reply)),
            })),
            // A folder that is not there holds nothing either.
            Err(fault) if fault.kind == FaultKind::Missing => Ok(None),
            Err(fault) => {
                self.note(&fault);
                Ok(Some(sentence(&fault)))
            }
        }
    }
}

fn path_of(folder: &Folder, name: &[u8]) -> String {
    match folder.as_bytes() {
        b"" => shown(name),
        folder => shown(&[folder.strip_suffix(b"/").unwrap_or(folder), name].join(&b'/')),
    }
}

fn said_by(reply: &Reply) -> String {
    clean(&reply.to_string())
}

/// Both line ends and bytes of no text, so that whoever changes files is found out.
fn content(id: Id) -> Vec<u8> {
    let mut bytes =
        format!("Nattpost tries whether it can write here ({id}). It removes this file itself.\r\n\n\u{fc}\u{20ac}")
            .into_bytes();
    let fill = (bytes.len()..BYTES).map(|at| (at % 256) as u8).collect::<Vec<u8>>();
    bytes.extend(fill);
    bytes
}

/// No more than was written, whatever a server sends.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
