//! The short ids of files and runs: sortable by time, short enough to read over the phone, never from a database counter
//! (an older backup must not give one twice). Who makes one passes the time and the random part in.

use std::fmt;

/// Crockford's alphabet in lower case: no i, l, o, u to misread.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 13;
/// 2020-01-01T00:00:00Z, so that 40 bits of milliseconds last until 2054.
const EPOCH_MS: i64 = 1_577_836_800_000;

/// Identifies a file or a run: 40 bits of milliseconds and 25 of chance, as 13 letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id([u8; LENGTH]);

impl Id {
    /// So many ids a moment can have.
    pub const CHANCES: u32 = 1 << 25;

    pub fn new(now_ms: i64, random: u32) -> Self {
        let time = (now_ms - EPOCH_MS).max(0) as u128 & ((1 << 40) - 1);
        let bits = (time << 25) | (random as u128 & ((1 << 25) - 1));
        let mut text = [0; LENGTH];
        for (place, letter) in text.iter_mut().enumerate() {
            *letter = ALPHABET[(bits >> (5 * (LENGTH - 1 - place))) as usize & 31];
        }
        Id(text)
    }

    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; LENGTH] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(|b| ALPHABET.contains(b)).then_some(Id(bytes))
    }

    /// When it was made, in milliseconds since 1970.
    pub fn made_ms(&self) -> i64 {
        let bits = self.0.iter().fold(0u128, |bits, letter| {
            let value = ALPHABET.iter().position(|known| known == letter).unwrap_or_default();
            (bits << 5) | value as u128
        });
        EPOCH_MS + ((bits >> 25) & ((1 << 40) - 1)) as i64
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("the alphabet is ASCII")
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Splits `<id>~<name>` as found in a state folder.
pub fn split_prefixed(name: &[u8]) -> Option<(Id, &[u8])> {
    if name.get(LENGTH) != Some(&b'~') {
        return None;
    }
    let id = Id::parse(std::str::from_utf8(&name[..LENGTH]).ok()?)?;
    Some((id, &name[LENGTH + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_read_back() {
        let a = Id::new(1_795_300_000_000, 0x1ff_ffff);
        let b = Id::new(1_795_300_000_001, 0);
        assert!(a < b);
        assert_eq!(Id::parse(a.as_str()), Some(a));
        assert_eq!((a.made_ms(), b.made_ms()), (1_795_300_000_000, 1_795_300_000_001));
        let name = format!("{a}~x~y.csv");
        assert_eq!(split_prefixed(name.as_bytes()), Some((a, &b"x~y.csv"[..])));
        assert_eq!(split_prefixed(b"orders~x"), None);
    }
}
