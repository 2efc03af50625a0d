//! A seeded mutator: the same seed gives the same bytes.

/// xorshift: the same seed gives the same run.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// Pieces that mean something to somebody.
const PIECES: [&[u8]; 28] = [
    b"\"",
    b"\"\"",
    b";",
    b",",
    b"\n",
    b"\r\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"sep=;\n",
    b"!order",
    b"order;",
    b"line;",
    b"00",
    b"10",
    b"40",
    b"90",
    b"99999999999999999999",
    b"\x1a",
    b"2024-02-31",
    b"'",
    b"?",
    b"+",
    b"UNA:+.? '",
    b"UNH+1+ORDERS:D:96A:UN'",
    b"UNT+9+1'UNZ+1+1'",
];

pub fn mutate(sample: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for _ in 0..=chance.below(6) {
        let at = chance.below(bytes.len() + 1);
        let end = (at + chance.below(40)).min(bytes.len());
        match chance.below(7) {
            0 => drop(bytes.splice(at..at, PIECES[chance.below(PIECES.len())].iter().copied())),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let copy = bytes[at..end].to_vec();
                let to = chance.below(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            3 => bytes.truncate(at),
            4 if at < bytes.len() => bytes[at] = chance.next() as u8,
            5 => drop(bytes.splice(at..end, PIECES[chance.below(PIECES.len())].iter().copied())),
            // Two lines change places.
            _ => {
                let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
                let (a, b) = (chance.below(lines.len()), chance.below(lines.len()));
                if !lines.is_empty() {
                    lines.swap(a, b);
                }
                bytes = lines.concat();
            }
        }
    }
    bytes
}
