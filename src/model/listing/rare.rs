//! Three writings that a few servers have: EPLF (publicfile), NetWare, OS/400 (IBM i).

use super::unix::at_size;
use super::{Line, Time, file, number_of, words};

/// `+i8388621.48594,m825718503,r,s280,\tname`: facts between commas, a tab, the name.
pub fn eplf(line: &[u8]) -> Option<Line<'_>> {
    let facts = line.strip_prefix(b"+")?;
    let tab = facts.iter().position(|b| *b == b'\t')?;
    let (facts, name) = (&facts[..tab], &facts[tab + 1..]);
    let (mut size, mut time, mut is_file) = (None, Time::Unknown, false);
    for fact in facts.split(|b| *b == b',') {
        match fact.first() {
            Some(b'/') => return Some(Line::Folder),
            Some(b'r') => is_file = true,
            Some(b's') => size = number_of(&fact[1..]),
            Some(b'm') if number_of(&fact[1..]).is_some() => time = Time::Columns(fact),
            _ => {}
        }
    }
    if is_file { file(name, size, time) } else { Some(Line::Special) }
}

/// `- [RWCEAFMS] owner  1234 Nov 22 08:30 name`.
pub fn netware(line: &[u8]) -> Option<Line<'_>> {
    let sort = *line.first()?;
    let rest = line.get(1..)?.trim_ascii_start();
    let rights = rest.strip_prefix(b"[")?;
    let end = rights.iter().position(|b| *b == b']')?;
    if !rights[..end].iter().all(|b| b.is_ascii_uppercase() || *b == b'-') {
        return None;
    }
    match sort {
        b'd' => Some(Line::Folder),
        b'-' => {
            let start = line.len() - rights.len() + end + 1;
            let found: Vec<(usize, &[u8])> =
                words(&line[start..]).map(|(at, word)| (at + start, word)).take(8).collect();
            // An owner of one word, of two, or none.
            [1, 2, 0].iter().find_map(|index| at_size(line, &found, *index))
        }
        _ => None,
    }
}

/// `QSECOFR  1234 22/11/26 08:30:00 *STMF  name`; a member has neither size nor date: `QSYS  *MEM  FILE.MEMBER`.
pub fn os400(line: &[u8]) -> Option<Line<'_>> {
    let found: Vec<(usize, &[u8])> = words(line).take(5).collect();
    let word = |index: usize| found.get(index).map(|(_, word)| *word);
    let place = if word(1)?.starts_with(b"*") { 1 } else { 4 };
    let (at, sort) = *found.get(place)?;
    if !sort.starts_with(b"*") || sort.len() < 3 || !sort[1..].iter().all(u8::is_ascii_uppercase) {
        return None;
    }
    let name = line[at + sort.len()..].trim_ascii();
    match (sort, place) {
        (b"*MEM", _) => file(name, None, Time::Unknown),
        (b"*DIR" | b"*DDIR" | b"*LIB" | b"*FLR" | b"*FILE", _) => Some(Line::Folder),
        (b"*STMF" | b"*DSTMF" | b"*DOC", 4) => {
            let (day, clock) = (found[2], found[3]);
            let columns = &line[day.0..clock.0 + clock.1.len()];
            file(name, Some(number_of(found[1].1)?), Time::Columns(columns))
        }
        _ => Some(Line::Special),
    }
}
