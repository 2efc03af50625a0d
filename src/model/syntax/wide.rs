//! UTF-16 as UTF-8 and back, with nothing lost: rows are cut in UTF-8, and a reject is cut from the sender's own bytes.
//!
//! What is no character stays what it was, in three bytes that no UTF-8 has: half a pair as its own number, a byte behind
//! the last pair of bytes behind 0xFF. So whoever decodes such a row finds it, and whoever writes it back gives it back.

use super::encoding::Unmapped;

/// Before the two bytes that hold an odd byte.
const ODD: u8 = 0xFF;
/// More than a title above the columns takes.
const BEGINNING_BYTES: usize = 512;

/// Which byte of a pair comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    /// What the file says by its mark, or by its first character where that is ASCII; little endian, with the mark, when written.
    Marked,
    Little,
    Big,
}

impl ByteOrder {
    /// Of the file that begins so, whether it is big endian. Its mark goes before what the layout says.
    pub fn is_big(self, first: &[u8]) -> bool {
        match (first, self) {
            ([0xFE, 0xFF, ..], _) => true,
            ([0xFF, 0xFE, ..], _) => false,
            ([0, second, ..], ByteOrder::Marked) => *second != 0,
            (_, order) => looks(first).unwrap_or(order == ByteOrder::Big),
        }
    }
}

/// Whether a file without a mark can be nothing but UTF-16, and big endian: two characters of ASCII stand first.
pub fn looks(first: &[u8]) -> Option<bool> {
    match first {
        [0, 1..0x80, 0, 1..0x80, ..] => Some(true),
        [1..0x80, 0, 1..0x80, 0, ..] => Some(false),
        _ => None,
    }
}

/// Whether a file without a mark is no UTF-16: no delimiter, digit or line end stands in its beginning, each of which has a zero.
pub fn is_narrow(first: &[u8]) -> bool {
    let first = &first[..first.len().min(BEGINNING_BYTES)];
    first.len() >= 8
        && !first.contains(&0)
        && !matches!(first, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0xEF, 0xBB, 0xBF, ..])
}

/// The state between two reads.
#[derive(Debug, Default)]
pub struct Wide {
    pub big_endian: bool,
    /// Bytes read and not yet a whole character: at most three.
    rest: Vec<u8>,
}

impl Wide {
    pub fn new(big_endian: bool) -> Self {
        Wide { big_endian, rest: Vec::new() }
    }

    /// Appends what is whole.
    pub fn decode(&mut self, raw: &[u8], last: bool, out: &mut Vec<u8>) {
        self.rest.extend_from_slice(raw);
        let unit = if self.big_endian { u16::from_be_bytes } else { u16::from_le_bytes };
        let mut units: Vec<u16> = self.rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        // The first half of a pair waits for the second.
        if !last && units.last().is_some_and(|unit| (0xD800..0xDC00).contains(unit)) {
            units.pop();
        }
        self.rest.drain(..units.len() * 2);
        let mut letter = [0; 4];
        for c in char::decode_utf16(units) {
            match c {
                Ok(c) => out.extend_from_slice(c.encode_utf8(&mut letter).as_bytes()),
                Err(half) => {
                    let half = half.unpaired_surrogate();
                    out.extend_from_slice(&[0xED, 0x80 | (half >> 6 & 0x3F) as u8, 0x80 | (half & 0x3F) as u8]);
                }
            }
        }
        if last {
            self.rest.drain(..).for_each(|odd| out.extend_from_slice(&[ODD, 0x80 | odd >> 6, 0x80 | odd & 0x3F]));
        }
    }
}

/// Bytes that this takes in UTF-16: two for each character, four for those beyond the first plane.
pub fn width(text: &[u8]) -> u64 {
    let width_of = |byte: &u8| match byte {
        0x80..0xC0 => 0,
        &ODD => 1,
        0xF0.. => 4,
        _ => 2,
    };
    text.iter().map(width_of).sum()
}

/// The sender's bytes.
pub fn bytes(text: &[u8], big_endian: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 2);
    let mut put = |unit: u16| out.extend(if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() });
    let mut odd = None;
    each_piece(text, |piece| match piece {
        Ok(text) => text.encode_utf16().for_each(&mut put),
        Err(Unmapped::Half(_, half)) => put(half),
        Err(Unmapped::Byte(_, byte)) => odd = Some(byte),
        Err(Unmapped::Char(_)) => {}
    });
    out.extend(odd);
    out
}

/// For people: a mark for each half of a character.
pub fn lossy(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    each_piece(text, |piece| match piece {
        Ok(text) => out.push_str(text),
        Err(Unmapped::Half(..)) => out.push(char::REPLACEMENT_CHARACTER),
        Err(_) => {}
    });
    out
}

/// What stands at this byte and is no character.
pub fn flaw(text: &[u8], at: usize) -> Unmapped {
    match text[at..] {
        [0xED, b, c, ..] => Unmapped::Half(at, 0xD000 | u16::from(b & 0x3F) << 6 | u16::from(c & 0x3F)),
        [ODD, b, c, ..] => Unmapped::Byte(at, (b & 0x3F) << 6 | c & 0x3F),
        _ => Unmapped::Byte(at, text[at]),
    }
}

fn each_piece(mut text: &[u8], mut take: impl FnMut(Result<&str, Unmapped>)) {
    while let Err(error) = std::str::from_utf8(text) {
        let (good, behind) = text.split_at(error.valid_up_to());
        take(Ok(std::str::from_utf8(good).unwrap_or_default()));
        take(Err(flaw(behind, 0)));
        text = behind.get(3..).unwrap_or_default();
    }
    take(Ok(std::str::from_utf8(text).unwrap_or_default()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_the_sender_comes_back() {
        let mut units: Vec<u16> = "aäĀ漢🚚\u{FFFD}".encode_utf16().collect();
        units.extend([0xDC05, 0xD83D, 0x0041, 0xD83D]);
        for big_endian in [false, true] {
            let raw = units.iter().flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() });
            let raw: Vec<u8> = raw.chain([0xC4]).collect();
            for step in [1, 2, 3, 5, 100] {
                let mut wide = Wide::new(big_endian);
                let mut text = Vec::new();
                raw.chunks(step).for_each(|part| wide.decode(part, false, &mut text));
                wide.decode(&[], true, &mut text);
                assert_eq!(bytes(&text, big_endian), raw);
                assert_eq!(width(&text), raw.len() as u64);
                let good = std::str::from_utf8(&text).unwrap_err().valid_up_to();
                assert_eq!((flaw(&text, good), width(&text[..good])), (Unmapped::Half(good, 0xDC05), 14));
                assert_eq!(flaw(&text, text.len() - 3), Unmapped::Byte(text.len() - 3, 0xC4));
                assert_eq!(lossy(&text), "aäĀ漢🚚\u{FFFD}\u{FFFD}\u{FFFD}A\u{FFFD}");
            }
        }
    }

    #[test]
    fn the_mark_then_the_layout_then_the_first_character_say_the_order() {
        use ByteOrder::*;
        for (order, first, big) in [
            (Big, &[0xFF, 0xFE, 0, b'a'][..], false),
            (Little, &[0xFE, 0xFF, b'a', 0], true),
            (Marked, &[0, b'a'], true),
            (Marked, &[b'a', 0], false),
            (Marked, &[], false),
            (Big, &[1, 0], true),
            (Little, &[0, 1], false),
            (Little, &[0, b'a', 0, b'b'], true),
            (Big, &[b'a', 0, b'b', 0], false),
        ] {
            assert_eq!(order.is_big(first), big, "{order:?} {first:?}");
        }
    }
}
