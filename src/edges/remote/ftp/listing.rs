//! The listing of the folder we stand in: MLSD, else LIST, else NLST with sizes and times asked for one by one. Read line by
//! line as it comes, so a folder of any number of names costs the same memory. A listing is whole or a fault.

use std::io::{self, Write};

use super::super::fault::{Fault, FaultKind, Phase};
use super::super::{Listed, ListingSort};
use super::facts::{Asked, SIZE_MAX};
use super::opening::Opened;
use super::reply::Answer;
use super::{Ftp, data};
use crate::edges::fault;
use crate::model::listing::{Line, ListReader, Time, read_mlsd};
use crate::model::remote::{Entry, Facts, Stamp};
use crate::model::remote_name;

/// No name is longer, with what a server puts around it.
const LINE_BYTES_MAX: usize = 8 * 1024;
/// Names of a bare list whose facts are asked for together.
const ASKED_AT_ONCE: usize = 100;

/// How a listing command ended.
enum Gave {
    Whole,
    Answered(Answer),
}

impl Ftp {
    pub fn list_here(&mut self, take: &mut dyn FnMut(Entry<'_>)) -> Result<Listed, Fault> {
        if self.knows.mlsd {
            let mut count = Count::default();
            match self.lines("MLSD", &mut |line| count.add(read_mlsd(line), take))? {
                Gave::Whole if count.is_readable() => return Ok(count.listed(ListingSort::Mlsd)),
                Gave::Answered(answer) if !is_empty(&answer) => self.knows.mlsd = false,
                _ => {}
            }
        }
        let (mut count, mut reader) = (Count::default(), ListReader::default());
        match self.lines("LIST", &mut |line| count.add(reader.read(line), take))? {
            Gave::Whole if count.is_readable() => return Ok(count.listed(ListingSort::List)),
            _ => {}
        }
        self.bare_list(take)
    }

    fn bare_list(&mut self, take: &mut dyn FnMut(Entry<'_>)) -> Result<Listed, Fault> {
        let folder = self.here.clone();
        let path = folder.as_ref().map_or(&b""[..], |folder| folder.as_bytes());
        let mut names: Vec<Vec<u8>> = Vec::new();
        let gave = self.lines("NLST", &mut |line| {
            let name = remote_name::plain(path, line);
            if !matches!(name, b"" | b"." | b"..") {
                names.push(name.to_vec());
            }
        })?;
        match gave {
            Gave::Answered(answer) if !says_empty(&answer) => {
                // Of this folder only: the others may be listed.
                let fault = self.refusal(Phase::List, "NLST", None, &answer);
                return Err(Fault { kind: FaultKind::Refused, ..fault });
            }
            _ => {}
        }
        for some in names.chunks(ASKED_AT_ONCE) {
            // An odd name is told by who takes it; no command can carry it.
            let some: Vec<&[u8]> = some.iter().map(Vec::as_slice).collect();
            let (fine, odd): (Vec<&[u8]>, Vec<&[u8]>) =
                some.into_iter().partition(|name| remote_name::is_takeable(name).is_ok());
            let asked = self.asked(&fine)?;
            for (name, asked) in fine.into_iter().zip(asked) {
                match asked {
                    Asked::Is(facts) => take(Entry { name, facts }),
                    Asked::Unknown => take(Entry { name, facts: Facts::default() }),
                    // A folder, or gone meanwhile.
                    Asked::Gone => {}
                }
            }
            odd.into_iter().for_each(|name| take(Entry { name, facts: Facts::default() }));
        }
        Ok(Listed { sort: ListingSort::Nlst, not_understood: 0 })
    }

    /// Each line without its end, as it comes.
    fn lines(&mut self, verb: &'static str, each: &mut dyn FnMut(&[u8])) -> Result<Gave, Fault> {
        fault::point("remote.list").map_err(|error| self.broken(|tell| tell.line(Phase::List, verb, &error)))?;
        let mut transfer = match self.open_data(Phase::List, verb, (verb, None), 0)? {
            Opened::Running(transfer) => transfer,
            Opened::Answered(answer) if is_empty(&answer) || matches!(answer.code, 500..=504) => {
                return Ok(Gave::Answered(answer));
            }
            Opened::Answered(answer) => {
                let fault = self.refusal(Phase::List, verb, None, &answer);
                return Err(data::with_reuse(self.is_newest, fault));
            }
        };
        let mut cutter = Cutter { each, line: Vec::new(), is_too_long: false };
        let poured = self.pour_in(&mut transfer, &mut cutter, verb);
        cutter.end();
        match poured {
            Ok(_) => self.finish(Phase::List, verb, transfer, None).map(|()| Gave::Whole),
            Err(super::Broken::Theirs(fault)) => {
                self.is_given_up = true;
                Err(Fault { phase: Phase::List, ..fault })
            }
            Err(super::Broken::Ours(error)) => {
                Err(self.broken(|tell| tell.fault(FaultKind::OutOfStep, Phase::List, verb, &error.to_string())))
            }
        }
    }
}

/// "Nothing here", or "not for you": 450, 550, or the end of a transfer that never began.
fn is_empty(answer: &Answer) -> bool {
    matches!(answer.code, 226 | 250 | 450 | 550)
}

/// Servers have one number for an empty folder and for one that may not be listed, so here alone their words decide: what does
/// not say that nothing is there is a refusal. A folder that is only silent would never be told to anybody.
fn says_empty(answer: &Answer) -> bool {
    const WORDS: [&str; 8] =
        ["no file", "no such", "not found", "no member", "no data set", "no entries", "empty", "cannot find"];
    let words = answer.words().to_ascii_lowercase();
    matches!(answer.code, 226 | 250)
        || matches!(answer.code, 450 | 550) && WORDS.iter().any(|benign| words.contains(benign))
}

#[derive(Default)]
struct Count {
    understood: u32,
    not_understood: u32,
}

impl Count {
    fn add(&mut self, line: Line<'_>, take: &mut dyn FnMut(Entry<'_>)) {
        match line {
            Line::NotUnderstood => self.not_understood += 1,
            Line::File(file) => {
                self.understood += 1;
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let stamp = match file.time {
                    Time::Exact(time) => Stamp::Exact(text(time)),
                    Time::Columns(time) => Stamp::Listed(text(time)),
                    Time::Unknown => Stamp::None,
                };
                let size = file.size.filter(|size| *size <= SIZE_MAX);
                take(Entry { name: file.name, facts: Facts { size, stamp } });
            }
            Line::Folder | Line::Link | Line::Special => self.understood += 1,
            Line::Heading => {}
        }
    }

    /// Not one line read of those that came: another kind of list may say more.
    fn is_readable(&self) -> bool {
        self.understood > 0 || self.not_understood == 0
    }

    fn listed(&self, sort: ListingSort) -> Listed {
        Listed { sort, not_understood: self.not_understood }
    }
}

/// Cuts bytes into lines; a line longer than any name is passed over as one that is not understood.
struct Cutter<'a> {
    each: &'a mut dyn FnMut(&[u8]),
    line: Vec<u8>,
    is_too_long: bool,
}

impl Cutter<'_> {
    fn end(&mut self) {
        if self.is_too_long {
            (self.each)(b"?");
        } else if !self.line.is_empty() {
            (self.each)(self.line.strip_suffix(b"\r").unwrap_or(&self.line));
        }
        self.line.clear();
        self.is_too_long = false;
    }
}

impl Write for Cutter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            let text = piece.strip_suffix(b"\n").unwrap_or(piece);
            let room = LINE_BYTES_MAX.saturating_sub(self.line.len());
            self.is_too_long |= text.len() > room;
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            if text.len() < piece.len() {
                self.end();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_they_arrive() {
        let mut text = b"one\r\n two \n\n".to_vec();
        text.extend_from_slice(&[b'x'; LINE_BYTES_MAX + 1]);
        text.extend_from_slice(b"\r\nlast");
        for step in [1, 2, 3, 7, text.len()] {
            let mut found: Vec<Vec<u8>> = Vec::new();
            let mut each = |line: &[u8]| found.push(line.to_vec());
            let mut cutter = Cutter { each: &mut each, line: Vec::new(), is_too_long: false };
            text.chunks(step).for_each(|piece| cutter.write_all(piece).unwrap());
            cutter.end();
            assert_eq!(found, [&b"one"[..], b" two ", b"?", b"last"], "{step}");
        }
    }
}
