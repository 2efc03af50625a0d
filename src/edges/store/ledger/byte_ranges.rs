//! Byte ranges of a message in the sender's file, packed: for each range the gap since the last end and its length, as
//! variable-length numbers. A message's bytes are mostly one range, so mostly a handful of bytes.

use std::ops::Range;

/// Ranges ascend and do not overlap; what breaks that is packed with a gap of zero.
pub fn pack(ranges: &[Range<u64>]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(ranges.len() * 8);
    let mut end = 0;
    for range in ranges {
        push(&mut packed, range.start.saturating_sub(end));
        push(&mut packed, range.end.saturating_sub(range.start));
        end = range.end;
    }
    packed
}

/// What `pack` made; a cut end is left out.
pub fn unpack(mut packed: &[u8]) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    let mut end = 0u64;
    while let Some((gap, length)) = take(&mut packed).zip(take(&mut packed)) {
        let start = end.saturating_add(gap);
        end = start.saturating_add(length);
        ranges.push(start..end);
    }
    ranges
}

fn push(packed: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        packed.push(value as u8 | 0x80);
        value >>= 7;
    }
    packed.push(value as u8);
}

fn take(packed: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = packed.split_first()?;
        *packed = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_come_back() {
        let ranges = vec![0..5, 7..300, 1_000_000_000_000..u64::MAX];
        assert_eq!(unpack(&pack(&ranges)), ranges);
        assert_eq!(unpack(&pack(&[])), vec![]);
        assert_eq!(pack(std::slice::from_ref(&(10..20))).len(), 2);
    }
}
