//! Lists of keys in as few bytes as they take: of each key only what differs from the one before it, some eight bytes a key
//! instead of twenty. Two of them: keys that changed, and what a run tells about each key.
//!
//! A part is read from its beginning to its end. Damaged bytes are an error, never a panic: a part is stored.

use std::ops::Range;

use super::rules::delta::Op;

/// A part is handed on when it holds this much.
const PART_BYTES: usize = 64 * 1024;

/// What a run tells about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    pub op: Op,
    /// Of the row as it is told.
    pub hash: u64,
    /// Told as 0: the partner keeps the row and has nothing to sell.
    pub gone: bool,
}

/// Bytes behind a key: nothing, or a `Told`.
const TOLD_BYTES: usize = 1 + size_of::<u64>();
const GONE: u8 = 0x80;

impl Told {
    fn to_bytes(self) -> [u8; TOLD_BYTES] {
        let mut bytes = [0; TOLD_BYTES];
        bytes[0] = self.op.code() | if self.gone { GONE } else { 0 };
        bytes[1..].copy_from_slice(&self.hash.to_be_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Told> {
        let (first, hash) = bytes.split_first()?;
        let hash = u64::from_be_bytes(hash.try_into().ok()?);
        Some(Told { op: Op::of_code(first & !GONE)?, hash, gone: first & GONE != 0 })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored list of keys is damaged")]
pub struct BadList;

/// Packs keys in the order they come in.
#[derive(Debug, Default)]
pub struct Packer {
    bytes: Vec<u8>,
    last: Vec<u8>,
}

impl Packer {
    pub fn push(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        self.push_with(key, &[])
    }

    /// The part, when it is full.
    pub fn push_told(&mut self, key: &[u8], told: Told) -> Option<Vec<u8>> {
        self.push_with(key, &told.to_bytes())
    }

    fn push_with(&mut self, key: &[u8], tail: &[u8]) -> Option<Vec<u8>> {
        let shared = self.last.iter().zip(key).take_while(|(a, b)| a == b).count();
        put(&mut self.bytes, shared);
        put(&mut self.bytes, key.len() - shared);
        self.bytes.extend_from_slice(&key[shared..]);
        self.bytes.extend_from_slice(tail);
        self.last.clear();
        self.last.extend_from_slice(key);
        if self.bytes.len() >= PART_BYTES { self.take() } else { None }
    }

    /// What was packed since the last part; the next one begins anew.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        self.last.clear();
        Some(std::mem::take(&mut self.bytes)).filter(|part| !part.is_empty())
    }
}

/// Seven bits a byte, the lowest first.
fn put(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Reads a part.
#[derive(Debug, Default)]
pub struct Unpacked {
    bytes: Vec<u8>,
    at: usize,
    key: Vec<u8>,
}

impl Unpacked {
    pub fn new(bytes: Vec<u8>) -> Self {
        Unpacked { bytes, at: 0, key: Vec::new() }
    }

    /// The key read last.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Goes on to the next key; false at the end.
    pub fn next_key(&mut self) -> Result<bool, BadList> {
        if self.at == self.bytes.len() {
            return Ok(false);
        }
        let (shared, own) = (self.number()?, self.number()?);
        if shared > self.key.len() {
            return Err(BadList);
        }
        let own = self.take(own)?;
        self.key.truncate(shared);
        self.key.extend_from_slice(&self.bytes[own]);
        Ok(true)
    }

    /// The next key of a list with what was told about it.
    pub fn next_told(&mut self) -> Result<Option<Told>, BadList> {
        if !self.next_key()? {
            return Ok(None);
        }
        let tail = self.take(TOLD_BYTES)?;
        Told::read(&self.bytes[tail]).map(Some).ok_or(BadList)
    }

    fn number(&mut self) -> Result<usize, BadList> {
        let mut number = 0_usize;
        for shift in (0..usize::BITS).step_by(7) {
            let at = self.take(1)?;
            let byte = self.bytes[at.start];
            number |= usize::from(byte & 0x7F).checked_shl(shift).ok_or(BadList)?;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(BadList)
    }

    fn take(&mut self, length: usize) -> Result<Range<usize>, BadList> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len()).ok_or(BadList)?;
        let range = self.at..end;
        self.at = end;
        Ok(range)
    }
}

/// Keys in memory, sorted and each once after `sort`.
#[derive(Debug, Default)]
pub struct Keys {
    bytes: Vec<u8>,
    places: Vec<Range<u32>>,
}

impl Keys {
    pub fn push(&mut self, key: &[u8]) {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(key);
        self.places.push(start..self.bytes.len() as u32);
    }

    pub fn sort(&mut self) {
        let bytes = &self.bytes;
        let key = |place: &Range<u32>| &bytes[place.start as usize..place.end as usize];
        self.places.sort_unstable_by(|a, b| key(a).cmp(key(b)));
        self.places.dedup_by(|a, b| key(a) == key(b));
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Memory that the keys take.
    pub fn size(&self) -> usize {
        self.bytes.len() + size_of_val(&self.places[..])
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.places.clear();
    }

    pub fn get(&self, nth: usize) -> Option<&[u8]> {
        self.places.get(nth).map(|place| &self.bytes[place.start as usize..place.end as usize])
    }

    pub fn last(&self) -> Option<&[u8]> {
        self.get(self.len().checked_sub(1)?)
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.places.iter().map(|place| &self.bytes[place.start as usize..place.end as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(parts: Vec<Vec<u8>>) -> Vec<(Vec<u8>, Told)> {
        let mut found = Vec::new();
        for part in parts {
            let mut unpacked = Unpacked::new(part);
            while let Some(told) = unpacked.next_told().unwrap() {
                found.push((unpacked.key().to_vec(), told));
            }
        }
        found
    }

    proptest! {
        #[test]
        fn what_was_packed_is_read(keys in proptest::collection::vec(("[ab]{0,4}", any::<u64>(), 0..4_u8, any::<bool>()), 0..50)) {
            let entries: Vec<(Vec<u8>, Told)> = keys
                .into_iter()
                .map(|(key, hash, op, gone)| (key.into_bytes(), Told { op: Op::of_code(op).unwrap(), hash, gone }))
                .collect();
            let mut packer = Packer::default();
            let mut parts: Vec<_> = entries.iter().filter_map(|(key, told)| packer.push_told(key, *told)).collect();
            parts.extend(packer.take());
            prop_assert_eq!(read(parts), entries);
        }

        #[test]
        fn damaged_parts_are_told(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut keys = Unpacked::new(bytes.clone());
            while keys.next_key().is_ok_and(|more| more) {}
            let mut told = Unpacked::new(bytes);
            while told.next_told().is_ok_and(|more| more.is_some()) {}
        }
    }

    #[test]
    fn neighbours_take_few_bytes_and_parts_are_bounded() {
        let mut packer = Packer::default();
        let mut parts = Vec::new();
        for n in 0..100_000 {
            parts.extend(packer.push(format!("A-{n:07}\0\x0001\0\0").as_bytes()));
        }
        parts.extend(packer.take());
        assert!(parts.iter().all(|part| part.len() < PART_BYTES + 100));
        assert!(parts.iter().map(Vec::len).sum::<usize>() < 1_000_000);
        let mut count = 0;
        for part in parts {
            let mut unpacked = Unpacked::new(part);
            while unpacked.next_key().unwrap() {
                assert_eq!(unpacked.key(), format!("A-{count:07}\0\x0001\0\0").as_bytes());
                count += 1;
            }
        }
        assert_eq!(count, 100_000);
    }

    #[test]
    fn keys_are_sorted_and_each_there_once() {
        let mut keys = Keys::default();
        for key in ["b", "a", "", "b", "ab"] {
            keys.push(key.as_bytes());
        }
        keys.sort();
        assert_eq!(keys.iter().collect::<Vec<_>>(), [&b""[..], b"a", b"ab", b"b"]);
        assert_eq!((keys.len(), keys.get(2), keys.get(4)), (4, Some(&b"ab"[..]), None));
    }
}
