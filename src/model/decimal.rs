//! Exact decimals as scaled integers: parse, print, multiply. Never a float, never a silent rounding.

/// Why a text is not a number at the wanted scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotDecimal {
    /// Not a number at all.
    Malformed,
    /// More digits after the point than are kept; trailing zeros do not count.
    TooFine,
    /// Does not fit into 64 bits at this scale.
    TooLarge,
}

/// Reads `-12.50` (with the given decimal sign) at a scale. No exponent, no grouping, no blank, no leading plus.
pub fn parse(text: &[u8], point: u8, scale: u32) -> Result<i64, NotDecimal> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let mut value: i64 = 0;
    let mut before = 0;
    let mut places: Option<u32> = None;
    for &byte in digits {
        if byte == point && places.is_none() {
            places = Some(0);
        } else if byte.is_ascii_digit() {
            match &mut places {
                None => before += 1,
                Some(seen) if *seen < scale => *seen += 1,
                // Finer than kept: allowed only when it says nothing.
                Some(_) if byte == b'0' => continue,
                Some(_) => {
                    return Err(
                        only_digits_follow(digits, point).map_or(NotDecimal::Malformed, |()| NotDecimal::TooFine)
                    );
                }
            }
            value =
                value.checked_mul(10).and_then(|v| v.checked_add((byte - b'0') as i64)).ok_or(NotDecimal::TooLarge)?;
        } else {
            return Err(NotDecimal::Malformed);
        }
    }
    if before == 0 || places == Some(0) && scale > 0 {
        return Err(NotDecimal::Malformed);
    }
    let missing = scale - places.unwrap_or(0);
    value = value.checked_mul(10i64.pow(missing)).ok_or(NotDecimal::TooLarge)?;
    Ok(if negative { -value } else { value })
}

fn only_digits_follow(digits: &[u8], point: u8) -> Option<()> {
    let after = digits.iter().position(|b| *b == point)? + 1;
    digits[after..].iter().all(u8::is_ascii_digit).then_some(())
}

/// Prints a scaled integer without needless zeros: 2500000 at scale 6 is `2.5`.
pub fn print(value: i64, scale: u32, point: u8, out: &mut Vec<u8>) {
    print_fixed(value, scale, point, 0, out);
}

/// The same with at least `places` digits after the point; more when the value has them.
pub fn print_fixed(value: i64, scale: u32, point: u8, places: u32, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    let mut rest = value.unsigned_abs();
    let mut digits = [b'0'; 20];
    let mut count = 0;
    while rest > 0 || count <= scale as usize {
        digits[19 - count] = b'0' + (rest % 10) as u8;
        rest /= 10;
        count += 1;
    }
    let split = 20 - scale as usize;
    out.extend_from_slice(&digits[20 - count..split]);
    let fraction = &digits[split..];
    let mut keep = fraction.len();
    while keep > (places as usize).min(fraction.len()) && fraction[keep - 1] == b'0' {
        keep -= 1;
    }
    if keep > 0 || places > 0 {
        out.push(point);
        out.extend_from_slice(&fraction[..keep]);
        out.extend(std::iter::repeat_n(b'0', (places as usize).saturating_sub(keep)));
    }
}

/// `value` as text with a point, for messages to people and JSON.
pub fn text(value: i64, scale: u32) -> String {
    let mut out = Vec::with_capacity(24);
    print(value, scale, b'.', &mut out);
    String::from_utf8(out).expect("digits are ASCII")
}

/// `a * b / divisor`, exact or nothing: a conversion that would round is refused by who asked for it.
pub fn multiply_exact(a: i64, b: i64, divisor: i64) -> Option<i64> {
    let product = a as i128 * b as i128;
    (divisor != 0 && product % divisor as i128 == 0).then(|| i64::try_from(product / divisor as i128).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_is_a_number_and_nothing_else() {
        let table: [(&str, Result<i64, NotDecimal>); 16] = [
            ("2.5", Ok(2_500_000)),
            ("-0.000001", Ok(-1)),
            ("7", Ok(7_000_000)),
            ("007.50", Ok(7_500_000)),
            ("1.0000000", Ok(1_000_000)),
            ("1.0000001", Err(NotDecimal::TooFine)),
            ("1.000000x", Err(NotDecimal::Malformed)),
            ("1.0000001x", Err(NotDecimal::Malformed)),
            ("2,5", Err(NotDecimal::Malformed)),
            ("2.5x", Err(NotDecimal::Malformed)),
            ("1e400", Err(NotDecimal::Malformed)),
            ("99999999999999", Err(NotDecimal::TooLarge)),
            (".5", Err(NotDecimal::Malformed)),
            ("5.", Err(NotDecimal::Malformed)),
            ("+5", Err(NotDecimal::Malformed)),
            ("", Err(NotDecimal::Malformed)),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text.as_bytes(), b'.', 6), expected, "{text}");
        }
        assert_eq!(parse(b"2,5", b',', 6), Ok(2_500_000));
    }

    #[test]
    fn prints_with_the_wanted_places() {
        let print_all = |value, scale, places| {
            let mut out = Vec::new();
            print_fixed(value, scale, b',', places, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(print_all(2_500_000, 6, 0), "2,5");
        assert_eq!(print_all(2_500_000, 6, 2), "2,50");
        assert_eq!(print_all(-1, 6, 2), "-0,000001");
        assert_eq!(print_all(0, 6, 2), "0,00");
        assert_eq!(print_all(0, 6, 0), "0");
        assert_eq!(print_all(3, 0, 2), "3,00");
        assert_eq!(print_all(i64::MIN, 6, 0), "-9223372036854,775808");
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(value in -i64::MAX..=i64::MAX, scale in 0u32..=9) {
            prop_assert_eq!(parse(text(value, scale).as_bytes(), b'.', scale), Ok(value));
        }
    }

    #[test]
    fn multiplication_never_rounds() {
        assert_eq!(multiply_exact(2_500_000, 12_000_000, 1_000_000), Some(30_000_000));
        assert_eq!(multiply_exact(1, 1, 3), None);
    }
}
