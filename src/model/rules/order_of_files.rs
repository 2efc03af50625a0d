//! In which order files of an intake are read: by the number in the name or content, then by name, then by arrival. Numbers
//! in names count as numbers (`ORD9` before `ORD10`). Sorted before any limit per turn is cut, or the cut would choose.

use std::cmp::Ordering;

/// What the order of files is decided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival<'a> {
    /// The number that the intake finds in name or content, if it has a rule for that.
    pub sequence: Option<u64>,
    pub name: &'a [u8],
    /// Time of the file, in nanoseconds: only among files of one name (dropped again, by another origin).
    pub mtime_ns: i64,
}

/// Total order of arrivals: those with a number first.
pub fn compare(a: &Arrival<'_>, b: &Arrival<'_>) -> Ordering {
    let by_sequence = match (a.sequence, b.sequence) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    };
    by_sequence.then_with(|| compare_names(a.name, b.name)).then(a.mtime_ns.cmp(&b.mtime_ns))
}

/// Names with their digits read as numbers of any length; equal numbers (`7`, `007`) fall back to the bytes.
pub fn compare_names(a: &[u8], b: &[u8]) -> Ordering {
    let (mut x, mut y) = (a, b);
    loop {
        let order = match (x.first(), y.first()) {
            (Some(p), Some(q)) if p.is_ascii_digit() && q.is_ascii_digit() => {
                let (m, n);
                (m, x) = number(x);
                (n, y) = number(y);
                m.len().cmp(&n.len()).then_with(|| m.cmp(n))
            }
            (Some(p), Some(q)) => {
                (x, y) = (&x[1..], &y[1..]);
                p.cmp(q)
            }
            (p, q) => return p.cmp(&q).then_with(|| a.cmp(b)),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// The digits at the front without leading zeros, and the rest.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let zeros = text[..digits].iter().take_while(|&&b| b == b'0').count();
    (&text[zeros..digits], &text[digits..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_count_as_numbers() {
        let sorted = ["", "0", "ORD1.xml", "ORD1a.xml", "ORD9.xml", "ORD009b", "ORD10.xml", "ORD10_2", "ORD10_11", "a"];
        // `.` sorts before letters and digits, so ORD1.xml stands before ORD1a.xml.
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(compare_names(a.as_bytes(), b.as_bytes()), i.cmp(&j), "{a} {b}");
            }
        }
        let long = ["9".repeat(200), format!("1{}", "0".repeat(200))];
        assert_eq!(compare_names(long[0].as_bytes(), long[1].as_bytes()), Ordering::Less);
    }

    #[test]
    fn the_sequence_then_the_name_then_the_arrival() {
        let a = |sequence, name: &'static str, mtime_ns| Arrival { sequence, name: name.as_bytes(), mtime_ns };
        let sorted = [a(Some(3), "z", 9), a(Some(4), "a", 1), a(None, "a2", 5), a(None, "a2", 6), a(None, "a10", 1)];
        assert!(sorted.windows(2).all(|w| compare(&w[0], &w[1]) == Ordering::Less));
    }

    proptest! {
        #[test]
        fn it_is_a_total_order(a in "[a01.]{0,6}", b in "[a01.]{0,6}", c in "[a01.]{0,6}") {
            let order = |x: &str, y: &str| compare_names(x.as_bytes(), y.as_bytes());
            prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
            prop_assert_eq!(order(&a, &b) == Ordering::Equal, a == b);
            if order(&a, &b) == Ordering::Less && order(&b, &c) == Ordering::Less {
                prop_assert_eq!(order(&a, &c), Ordering::Less);
            }
        }
    }
}
