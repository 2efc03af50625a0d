//! What a person wants to know of a server's certificate: who issued it and until when it holds. Reads these two out of DER
//! and nothing else; whether it is to be trusted was decided before, and not here.

use chrono::{DateTime, NaiveDateTime, Utc};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The common name, else the organisation; empty where it has neither.
    pub issuer: String,
    pub ends: DateTime<Utc>,
}

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// 2.5.4.3 and 2.5.4.10.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];

/// None: it is no certificate as X.509 writes them.
pub fn read(der: &[u8]) -> Option<Certificate> {
    let (_, whole, _) = part(der)?;
    let (_, mut signed, _) = part(whole)?;
    if signed.first() == Some(&VERSION) {
        (_, _, signed) = part(signed)?;
    }
    let (_, _, after_serial) = part(signed)?;
    let (_, _, after_algorithm) = part(after_serial)?;
    let (_, issuer, after_issuer) = part(after_algorithm)?;
    let (_, validity, _) = part(after_issuer).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, _, ends) = part(validity)?;
    let (tag, ends, _) = part(ends)?;
    let named = named(issuer, COMMON_NAME).or_else(|| named(issuer, ORGANIZATION));
    Some(Certificate { issuer: named.unwrap_or_default(), ends: moment(tag, ends)? })
}

/// Tag, content, and what follows.
fn part(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if *first >= 0x80 {
        let count = usize::from(first & 0x7f);
        let digits = rest.get(..count).filter(|digits| (1..=4).contains(&digits.len()))?;
        length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
        rest = &rest[count..];
    }
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn named(mut names: &[u8], wanted: &[u8]) -> Option<String> {
    let mut found = None;
    while let Some((_, set, rest)) = part(names) {
        names = rest;
        let Some((_, pair, _)) = part(set) else { continue };
        let Some((_, sort, value)) = part(pair) else { continue };
        if let Some((_, text, _)) = part(value).filter(|_| sort == wanted) {
            found = Some(String::from_utf8_lossy(text).into_owned());
        }
    }
    found
}

/// `261231235959Z` or `20261231235959Z`; two digits below 50 are of this century.
fn moment(tag: u8, text: &[u8]) -> Option<DateTime<Utc>> {
    let text = std::str::from_utf8(text).ok()?;
    let whole = match tag {
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_string(),
        _ => return None,
    };
    NaiveDateTime::parse_from_str(&whole, "%Y%m%d%H%M%SZ").ok().map(|moment| moment.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        match content.len() {
            short @ ..0x80 => bytes.push(short as u8),
            long => bytes.extend([0x82, (long >> 8) as u8, long as u8]),
        }
        [bytes, content.to_vec()].concat()
    }

    fn certificate(names: &[(&[u8], &[u8])], ends: (u8, &[u8])) -> Vec<u8> {
        let pair = |(sort, text): &(&[u8], &[u8])| {
            let pair = [wrapped(6, sort), wrapped(0x0c, text)].concat();
            wrapped(0x31, &wrapped(SEQUENCE, &pair))
        };
        let issuer: Vec<u8> = names.iter().flat_map(pair).collect();
        let validity = [wrapped(UTC_TIME, b"200101000000Z"), wrapped(ends.0, ends.1)].concat();
        let signed = [
            wrapped(VERSION, &wrapped(2, &[2])),
            wrapped(2, &[7; 200]),
            wrapped(SEQUENCE, &[]),
            wrapped(SEQUENCE, &issuer),
            wrapped(SEQUENCE, &validity),
        ];
        wrapped(SEQUENCE, &wrapped(SEQUENCE, &signed.concat()))
    }

    #[test]
    fn issuer_and_end_are_read() {
        let (name, other): (&[u8], &[u8]) = (COMMON_NAME, ORGANIZATION);
        for (names, ends, issuer, until) in [
            (&[(other, &b"Nordkap"[..]), (name, b"R11")][..], (UTC_TIME, &b"261231235959Z"[..]), "R11", "2026-12-31"),
            (&[(other, b"Nordkap")], (GENERALIZED_TIME, b"20510101000000Z"), "Nordkap", "2051-01-01"),
            (&[], (UTC_TIME, b"991231235959Z"), "", "1999-12-31"),
        ] {
            let found = read(&certificate(names, ends)).unwrap();
            assert_eq!((found.issuer.as_str(), found.ends.format("%F").to_string().as_str()), (issuer, until));
        }
    }

    #[test]
    fn anything_else_is_none_and_no_panic() {
        let whole = certificate(&[(COMMON_NAME, b"R11")], (UTC_TIME, b"261231235959Z"));
        for length in 0..whole.len() {
            assert_eq!(read(&whole[..length]), None, "{length}");
            let mut wrong = whole.clone();
            wrong[length] ^= 0xff;
            drop(read(&wrong));
        }
        assert_eq!(read(&certificate(&[], (UTC_TIME, b"yesterday"))), None);
    }
}
