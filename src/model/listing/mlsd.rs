//! A line of MLSD (RFC 3659): `type=file;size=12;modify=20261122083000; name`. Facts may be absent, in any order and case;
//! without `type` it is a file. Does not know LIST.

use super::{Line, Listed, Time, number_of};

/// `line` without its end. A name may begin with blanks: the first one parts it from the facts.
pub fn read(line: &[u8]) -> Line<'_> {
    let Some(blank) = line.iter().position(|b| *b == b' ') else {
        return if line.is_empty() { Line::Heading } else { Line::NotUnderstood };
    };
    let (facts, name) = (&line[..blank], &line[blank + 1..]);
    let mut found = Listed { name, size: None, time: Time::Unknown };
    let mut sort = Line::File(found);
    for fact in facts.split(|b| *b == b';').filter(|fact| !fact.is_empty()) {
        let Some(equals) = fact.iter().position(|b| *b == b'=') else { return Line::NotUnderstood };
        let (key, value) = (&fact[..equals], &fact[equals + 1..]);
        if key.eq_ignore_ascii_case(b"type") {
            sort = sort_of(value, found);
        } else if key.eq_ignore_ascii_case(b"size") {
            found.size = number_of(value);
        } else if key.eq_ignore_ascii_case(b"modify") && is_moment(value) {
            found.time = Time::Exact(value);
        }
    }
    match (sort, name) {
        (_, b"") => Line::NotUnderstood,
        (Line::File(_), b"." | b"..") => Line::Folder,
        (Line::File(_), _) => Line::File(found),
        (sort, _) => sort,
    }
}

fn sort_of<'a>(value: &[u8], found: Listed<'a>) -> Line<'a> {
    let is = |word: &[u8]| value.eq_ignore_ascii_case(word);
    let begins = |word: &[u8]| value.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if is(b"file") {
        Line::File(found)
    } else if is(b"dir") || is(b"cdir") || is(b"pdir") {
        Line::Folder
    } else if begins(b"OS.unix=slink") || begins(b"OS.unix=symlink") {
        Line::Link
    } else {
        Line::Special
    }
}

/// `YYYYMMDDHHMMSS`, with a fraction or without.
pub fn is_moment(text: &[u8]) -> bool {
    let (whole, fraction) = match text.iter().position(|b| *b == b'.') {
        Some(dot) => (&text[..dot], Some(&text[dot + 1..])),
        None => (text, None),
    };
    let is_digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    whole.len() == 14 && is_digits(whole) && fraction.is_none_or(is_digits)
}
