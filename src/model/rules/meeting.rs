//! Could a name that we give be one that a pattern of an intake takes? Then what goes out would come back in. Names are not known
//! before they are made, so their shape is held against the pattern: exactly, no name is tried.

/// A piece of a name's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    Byte(u8),
    Digit,
    /// As many digits as there are.
    Digits,
    /// Whatever stands there.
    Anything,
}

impl Piece {
    /// It stands for any number of bytes.
    fn repeats(self) -> bool {
        matches!(self, Piece::Digits | Piece::Anything)
    }

    /// Could a byte be of both?
    fn fits(self, other: Piece) -> bool {
        match (self, other) {
            (Piece::Byte(a), Piece::Byte(b)) => a == b,
            (Piece::Byte(byte), Piece::Digit | Piece::Digits) | (Piece::Digit | Piece::Digits, Piece::Byte(byte)) => {
                byte.is_ascii_digit()
            }
            _ => true,
        }
    }
}

/// The bytes of a text.
pub fn text(text: &str) -> impl Iterator<Item = Piece> {
    text.bytes().map(Piece::Byte)
}

/// Is there a name of this shape that the pattern (`*` any bytes, `?` one) fits whole?
pub fn meets(shape: &[Piece], pattern: &[u8]) -> bool {
    // Row by row of a table: does what is left of the shape meet what is left of the pattern?
    let mut behind: Vec<bool> = Vec::new();
    for at in (0..=shape.len()).rev() {
        let mut here = vec![false; pattern.len() + 1];
        for p in (0..=pattern.len()).rev() {
            let after = |p: usize| behind.get(p).copied().unwrap_or(false);
            let next = pattern.get(p).copied();
            let star_ends = next == Some(b'*') && here[p + 1];
            here[p] = star_ends
                || match shape.get(at) {
                    None => next.is_none(),
                    Some(Piece::Byte(byte)) => one(next, |c| c == *byte, &after, p),
                    Some(Piece::Digit) => one(next, |c| c.is_ascii_digit(), &after, p),
                    Some(Piece::Digits) => {
                        after(p) || next.is_some_and(|c| c == b'?' || c.is_ascii_digit()) && here[p + 1]
                    }
                    Some(Piece::Anything) => after(p) || next.is_some() && here[p + 1],
                };
        }
        behind = here;
    }
    behind[0]
}

/// Is there a name of both shapes?
pub fn share(one: &[Piece], other: &[Piece]) -> bool {
    // As in `meets`, row by row: do what is left of the one and of the other have a name in common?
    let mut behind: Vec<bool> = Vec::new();
    for at in (0..=one.len()).rev() {
        let mut here = vec![false; other.len() + 1];
        for p in (0..=other.len()).rev() {
            let after = |p: usize| behind.get(p).copied().unwrap_or(false);
            here[p] = match (one.get(at), other.get(p)) {
                (None, None) => true,
                (Some(a), b) if a.repeats() && (after(p) || b.is_some_and(|b| a.fits(*b)) && here[p + 1]) => true,
                (a, Some(b)) if b.repeats() && (here[p + 1] || a.is_some_and(|a| b.fits(*a)) && after(p)) => true,
                (Some(a), Some(b)) if !a.repeats() && !b.repeats() => a.fits(*b) && after(p + 1),
                _ => false,
            };
        }
        behind = here;
    }
    behind[0]
}

/// One byte of the shape: a star takes it and stays, anything else of the pattern goes by with it.
fn one(next: Option<u8>, fits: impl Fn(u8) -> bool, after: &impl Fn(usize) -> bool, p: usize) -> bool {
    match next {
        None => false,
        Some(b'*') => after(p),
        Some(b'?') => after(p + 1),
        Some(c) => fits(c) && after(p + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_meets_a_pattern_where_some_name_is_of_both() {
        let stock: Vec<Piece> =
            text("stock_").chain([Piece::Digit, Piece::Digit, Piece::Digits]).chain(text(".csv")).collect();
        for (pattern, expected) in [
            ("*", true),
            ("*.csv", true),
            ("stock*", true),
            ("stock_?.csv", false),
            ("stock_??.csv", true),
            ("stock_????.csv", true),
            ("stock_new*.csv", false),
            ("stock_17*.csv", true),
            ("stock_2026*.csv", true),
            ("stock_1x*.csv", false),
            ("orders*.csv", false),
            ("*.xml", false),
            ("stock_12.csv", true),
            ("stock_12.csv.done", false),
            ("*_*.*", true),
            ("", false),
        ] {
            assert_eq!(meets(&stock, pattern.as_bytes()), expected, "{pattern}");
        }
        let answer: Vec<Piece> = [Piece::Anything].into_iter().chain(text(".receipt.")).chain([Piece::Digit]).collect();
        for (pattern, expected) in
            [("orders*", true), ("*.receipt.?", true), ("*.receipt.x", false), ("orders", false), ("receipt.1", false)]
        {
            assert_eq!(meets(&answer, pattern.as_bytes()), expected, "{pattern}");
        }
        assert!(meets(&[], b"") && meets(&[], b"*") && !meets(&[], b"?"));
    }
}
