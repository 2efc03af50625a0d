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
use crate::model::remote::{Entry, Facts, Folder, Stamp};
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
                let facts = match asked {
                    Asked::Is(facts) => facts,
                    Asked::Unknown => Facts::default(),
                    // A folder, or gone meanwhile; but a server that forbids the questions says 550 to all of them.
                    Asked::Gone if self.knows.answers => continue,
                    Asked::Gone => Facts::default(),
                };
                if facts.size.is_some() || !self.is_folder(name)? {
                    take(Entry { name, facts });
                }
            }
            odd.into_iter().for_each(|name| take(Entry { name, facts: Facts::default() }));
        }
        Ok(Listed { sort: ListingSort::Nlst, not_understood: 0 })
    }

    /// Where no size says that it is a file: can it be gone into? Renamed like a file, a partner would miss it.
    fn is_folder(&mut self, name: &[u8]) -> Result<bool, Fault> {
        // MVS goes into anything: what stands there has names, and no folders.
        if self.home.as_ref().is_some_and(|home| home.starts_with(b"'")) {
            return Ok(false);
        }
        if !self.ask(Phase::List, "CWD", Some(name))?.is_done() {
            return Ok(false);
        }
        let folder = self.folder_here();
        if self.home.is_none() && !folder.as_bytes().starts_with(b"/") {
            let answer = self.ask(Phase::List, "CDUP", None)?;
            if !answer.is_done() {
                return Err(self.broken(|tell| tell.answer(Phase::List, "CDUP", &answer)));
            }
            return Ok(true);
        }
        let below = Folder::parse(&[folder.as_bytes(), b"/", name].concat());
        self.here = Some(below.map_err(|words| self.tell.fault(FaultKind::OutOfStep, Phase::List, "CWD", words))?);
        self.enter(Phase::List, &folder)?;
        Ok(true)
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
        let mut cutter = Cutter::new(each);
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

/// Cuts bytes into lines; a line longer than any name is passed over as one that is not understood. Where the first line does not
/// end, but has returns in it, those are the ends.
struct Cutter<'a> {
    each: &'a mut dyn FnMut(&[u8]),
    line: Vec<u8>,
    is_too_long: bool,
    ends: Ends,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// No line has ended yet.
    Unknown,
    Feed,
    Return,
}

impl<'a> Cutter<'a> {
    fn new(each: &'a mut dyn FnMut(&[u8])) -> Cutter<'a> {
        Cutter { each, line: Vec::new(), is_too_long: false, ends: Ends::Unknown }
    }

    /// What was gathered as one line is several.
    fn part(&mut self) {
        let gathered = std::mem::take(&mut self.line);
        self.ends = Ends::Return;
        self.is_too_long = false;
        self.cut(&gathered, b'\r');
    }

    fn cut(&mut self, bytes: &[u8], mark: u8) {
        for piece in bytes.split_inclusive(|byte| *byte == mark) {
            let text = piece.strip_suffix(&[mark]).unwrap_or(piece);
            let room = LINE_BYTES_MAX.saturating_sub(self.line.len());
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            if text.len() > room && self.ends == Ends::Unknown && self.line.contains(&b'\r') {
                self.part();
                self.cut(&text[room..], b'\r');
            } else {
                self.is_too_long |= text.len() > room;
            }
            if text.len() < piece.len() {
                if self.ends == Ends::Unknown {
                    self.ends = Ends::Feed;
                }
                self.end_line();
            }
        }
    }

    /// Nothing more comes.
    fn end(&mut self) {
        if self.ends == Ends::Unknown && self.line[..self.line.len().saturating_sub(1)].contains(&b'\r') {
            self.part();
        }
        self.end_line();
    }

    fn end_line(&mut self) {
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
        self.cut(bytes, if self.ends == Ends::Return { b'\r' } else { b'\n' });
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
            let mut cutter = Cutter::new(&mut each);
            text.chunks(step).for_each(|piece| cutter.write_all(piece).unwrap());
            cutter.end();
            assert_eq!(found, [&b"one"[..], b" two ", b"?", b"last"], "{step}");
        }
    }

    #[test]
    fn returns_end_lines_where_nothing_else_does() {
        let long: Vec<u8> = (0..3_000).flat_map(|n| format!("f{n}\r").into_bytes()).collect();
        for (text, count, first) in [
            (&b"one\rtwo\rthree"[..], 3, &b"one"[..]),
            (b"one\rtwo\r", 2, b"one"),
            (b"one\r", 1, b"one"),
            // A name of several lines is one that nobody can ask for.
            (b"a\rb\r\ntwo\r\n", 2, b"a\rb"),
            (&long, 3_000, b"f0"),
        ] {
            for step in [1, 7, 8_192, text.len()] {
                let mut found: Vec<Vec<u8>> = Vec::new();
                let mut each = |line: &[u8]| found.push(line.to_vec());
                let mut cutter = Cutter::new(&mut each);
                text.chunks(step).for_each(|piece| cutter.write_all(piece).unwrap());
                cutter.end();
                assert_eq!((found.len(), &found[0][..]), (count, first), "{step}");
            }
        }
    }
}
