//! Where the objects of a PDF stand: its cross-reference sections from the last one back, tables and streams, and an object by its
//! number. The newest section that names a number decides.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::object::Lexer;
use super::{Flaw, MOST_OBJECTS, MOST_UNPACKED, MOST_WORK, Object, find_last, stream};

/// Each change of a file adds one.
const MOST_SECTIONS: usize = 500;

const UNREADABLE: Flaw = Flaw::Broken("list of objects (cross-reference) cannot be read");
const TOO_MANY: Flaw = Flaw::TooMuch("more objects than any delivery note");

#[derive(Debug, Clone, Copy)]
enum Spot {
    Free,
    At(usize),
    /// The nth of those in the stream of this number.
    In(u32, usize),
}

/// Objects that stand in one stream.
struct Packed {
    bytes: Vec<u8>,
    /// Number of each, and where it begins.
    starts: Vec<(u32, usize)>,
}

pub struct File<'b> {
    bytes: &'b [u8],
    spots: BTreeMap<u32, Spot>,
    packed: BTreeMap<u32, Option<Rc<Packed>>>,
    pub root: Object,
    pub is_encrypted: bool,
    work: usize,
    room: usize,
}

impl<'b> File<'b> {
    pub fn open(bytes: &'b [u8]) -> Result<Self, Flaw> {
        let mark = find_last(bytes, b"startxref").ok_or(UNREADABLE)?;
        let first = Lexer::new(bytes, mark + b"startxref".len()).number().ok_or(UNREADABLE)?;
        let mut file = File {
            bytes,
            spots: BTreeMap::new(),
            packed: BTreeMap::new(),
            root: Object::Null,
            is_encrypted: false,
            work: MOST_WORK,
            room: MOST_UNPACKED,
        };
        let (mut seen, mut ahead) = (BTreeSet::new(), vec![first]);
        while let Some(at) = ahead.pop() {
            let at = usize::try_from(at).ok().filter(|at| *at < bytes.len()).ok_or(UNREADABLE)?;
            if !seen.insert(at) {
                return Err(Flaw::Broken("list of objects (cross-reference) goes round in a circle"));
            }
            if seen.len() > MOST_SECTIONS {
                return Err(Flaw::TooMuch("more changes than any delivery note"));
            }
            let trailer = file.section(at)?;
            if file.root == Object::Null {
                file.root = trailer.get("Root").cloned().unwrap_or(Object::Null);
            }
            file.is_encrypted |= trailer.get("Encrypt").is_some_and(|encrypt| *encrypt != Object::Null);
            // What stands in the stream beside a table is newer than the section before.
            ahead.extend(trailer.get("Prev").and_then(Object::number));
            ahead.extend(trailer.get("XRefStm").and_then(Object::number));
        }
        Ok(file)
    }

    fn section(&mut self, at: usize) -> Result<Object, Flaw> {
        let mut lexer = Lexer::new(self.bytes, at);
        if lexer.expect(b"xref") { self.table(lexer) } else { self.stream_section(at) }
    }

    fn note(&mut self, number: i64, spot: Spot) -> Result<(), Flaw> {
        let number = u32::try_from(number).map_err(|_| UNREADABLE)?;
        self.spots.entry(number).or_insert(spot);
        if self.spots.len() > MOST_OBJECTS { Err(TOO_MANY) } else { Ok(()) }
    }

    fn table(&mut self, mut lexer: Lexer<'b>) -> Result<Object, Flaw> {
        while !lexer.expect(b"trailer") {
            let (Some(first), Some(count)) = (lexer.number(), lexer.number()) else { return Err(UNREADABLE) };
            if !(0..=MOST_OBJECTS as i64).contains(&count) || first < 0 {
                return Err(TOO_MANY);
            }
            for number in first..first + count {
                let (Some(at), Some(_)) = (lexer.number(), lexer.number()) else { return Err(UNREADABLE) };
                let spot = match lexer.word() {
                    b"n" => Spot::At(usize::try_from(at).map_err(|_| UNREADABLE)?),
                    b"f" => Spot::Free,
                    _ => return Err(UNREADABLE),
                };
                self.note(number, spot)?;
            }
            self.spend(count as usize * 20)?;
        }
        let from = lexer.at;
        let trailer = lexer.object()?;
        self.spend(lexer.at - from)?;
        Ok(trailer)
    }

    fn stream_section(&mut self, at: usize) -> Result<Object, Flaw> {
        let (number, dict, from) = self.indirect(at)?;
        if !dict.get("Type").is_some_and(|kind| kind.is_name("XRef")) || number < 0 {
            return Err(UNREADABLE);
        }
        let bytes = self.unpacked(&dict, from.ok_or(UNREADABLE)?)?;
        let numbers = |name: &str| match dict.get(name) {
            Some(Object::List(list)) => list.iter().map(Object::number).collect::<Option<Vec<i64>>>(),
            _ => None,
        };
        let widths =
            numbers("W").filter(|w| w.len() >= 3 && w.iter().all(|w| (0..=8).contains(w))).ok_or(UNREADABLE)?;
        let widths: Vec<usize> = widths[..3].iter().map(|w| *w as usize).collect();
        let size = dict.get("Size").and_then(Object::number).unwrap_or(0);
        let ranges = numbers("Index").unwrap_or_else(|| vec![0, size]);
        let width: usize = widths.iter().sum();
        if width == 0 {
            return Err(UNREADABLE);
        }
        let mut entries = bytes.chunks_exact(width);
        for range in ranges.chunks_exact(2) {
            if range[0] < 0 || range[1] < 0 || range[1] > MOST_OBJECTS as i64 {
                return Err(TOO_MANY);
            }
            for number in range[0]..range[0].saturating_add(range[1]) {
                // Some count more than they write.
                let Some(entry) = entries.next() else { break };
                self.note(number, spot_of(entry, &widths)?)?;
            }
        }
        self.spend(bytes.len())?;
        Ok(dict)
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Flaw> {
        self.work =
            self.work.checked_sub(bytes + 1).ok_or(Flaw::TooMuch("objects that send their reader round and round"))?;
        Ok(())
    }

    /// "7 0 obj" with its object, and where its stream begins.
    fn indirect(&mut self, at: usize) -> Result<(i64, Object, Option<usize>), Flaw> {
        let mut lexer = Lexer::new(self.bytes, at);
        let number = lexer.number().filter(|_| lexer.number().is_some() && lexer.expect(b"obj")).ok_or(UNREADABLE)?;
        let object = lexer.object();
        self.spend(lexer.at.saturating_sub(at))?;
        let object = object?;
        let stream = lexer.expect(b"stream").then(|| {
            let rest = &self.bytes[lexer.at..];
            lexer.at
                + if rest.starts_with(b"\r\n") {
                    2
                } else {
                    usize::from(rest.starts_with(b"\n") || rest.starts_with(b"\r"))
                }
        });
        Ok((number, object, stream))
    }

    fn unpacked(&mut self, dict: &Object, from: usize) -> Result<Vec<u8>, Flaw> {
        let length = match dict.get("Length") {
            // It never is within a stream, which would have to be unpacked for it.
            Some(Object::Ref(number)) => match self.spots.get(number) {
                Some(Spot::At(at)) => self.indirect(*at).ok().and_then(|(_, length, _)| length.number()),
                _ => None,
            },
            other => other.and_then(Object::number),
        };
        let bytes = self.bytes.get(from..).unwrap_or_default();
        stream::unpack(dict, length, bytes, &mut self.room)
    }

    pub fn numbers(&self) -> Vec<u32> {
        self.spots.iter().filter(|(_, spot)| !matches!(spot, Spot::Free)).map(|(number, _)| *number).collect()
    }

    /// The object of a number; one that is nowhere is null, as everybody reads it.
    pub fn object(&mut self, number: u32) -> Result<Object, Flaw> {
        match self.spots.get(&number).copied() {
            None | Some(Spot::Free) => Ok(Object::Null),
            Some(Spot::At(at)) => {
                let (found, object, _) = self.indirect(at)?;
                Ok(if found == i64::from(number) { object } else { Object::Null })
            }
            Some(Spot::In(within, nth)) => {
                let Some(packed) = self.packed(within)? else { return Ok(Object::Null) };
                let Some((_, start)) = packed.starts.get(nth).filter(|(own, _)| *own == number) else {
                    return Ok(Object::Null);
                };
                let mut lexer = Lexer::new(&packed.bytes, *start);
                let object = lexer.object();
                self.spend(lexer.at.saturating_sub(*start))?;
                object
            }
        }
    }

    /// What a value is, where it says that it stands elsewhere.
    pub fn resolve(&mut self, object: &Object) -> Result<Object, Flaw> {
        match object {
            Object::Ref(number) => self.object(*number),
            other => Ok(other.clone()),
        }
    }

    fn packed(&mut self, number: u32) -> Result<Option<Rc<Packed>>, Flaw> {
        if let Some(known) = self.packed.get(&number) {
            return Ok(known.clone());
        }
        let packed = self.unpack_objects(number)?.map(Rc::new);
        self.packed.insert(number, packed.clone());
        Ok(packed)
    }

    fn unpack_objects(&mut self, number: u32) -> Result<Option<Packed>, Flaw> {
        // A stream of objects never stands in another.
        let Some(Spot::At(at)) = self.spots.get(&number).copied() else { return Ok(None) };
        let (_, dict, from) = self.indirect(at)?;
        let Some(from) = from.filter(|_| dict.get("Type").is_some_and(|kind| kind.is_name("ObjStm"))) else {
            return Ok(None);
        };
        let bytes = self.unpacked(&dict, from)?;
        let (count, first) = (dict.get("N").and_then(Object::number), dict.get("First").and_then(Object::number));
        let (Some(count), Some(first)) = (count, first.and_then(|first| usize::try_from(first).ok())) else {
            return Err(UNREADABLE);
        };
        let mut starts = Vec::new();
        let mut lexer = Lexer::new(&bytes, 0);
        for _ in 0..count.clamp(0, MOST_OBJECTS as i64) {
            let (Some(own), Some(start)) = (lexer.number(), lexer.number()) else { break };
            if let (Ok(own), Ok(start)) = (u32::try_from(own), usize::try_from(start)) {
                starts.push((own, first.saturating_add(start)));
            }
        }
        self.spend(bytes.len())?;
        Ok(Some(Packed { bytes, starts }))
    }

    pub fn bytes(&self) -> &'b [u8] {
        self.bytes
    }
}

fn spot_of(entry: &[u8], widths: &[usize]) -> Result<Spot, Flaw> {
    let value =
        |from: usize, width: usize| entry[from..from + width].iter().fold(0u64, |value, b| value << 8 | u64::from(*b));
    let kind = if widths[0] == 0 { 1 } else { value(0, widths[0]) };
    let (second, third) = (value(widths[0], widths[1]), value(widths[0] + widths[1], widths[2]));
    Ok(match kind {
        1 => Spot::At(usize::try_from(second).map_err(|_| UNREADABLE)?),
        2 => Spot::In(u32::try_from(second).map_err(|_| UNREADABLE)?, usize::try_from(third).map_err(|_| UNREADABLE)?),
        _ => Spot::Free,
    })
}
