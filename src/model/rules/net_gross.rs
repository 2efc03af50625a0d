//! A price without and with tax, its discount taken off: exact to a millionth, halves away from zero.

/// Percent at scale 4: 100 % is so much.
const ALL_E4: i128 = 1_000_000;

/// Net and gross of a price at scale 6, as far as they can be known: without a tax rate only the one that was given.
pub fn net_and_gross(price_e6: i64, is_gross: bool, discount_e4: Option<i64>, tax_e4: Option<i64>) -> [Option<i64>; 2] {
    let left = ALL_E4 - i128::from(discount_e4.unwrap_or_default());
    let amount = divided(i128::from(price_e6) * left, ALL_E4);
    let with_tax = tax_e4.map(|tax| ALL_E4 + i128::from(tax)).filter(|with| *with > 0);
    // Of the price itself, so that nothing is rounded twice.
    let exact = i128::from(price_e6) * left;
    match is_gross {
        false => [amount, with_tax.and_then(|with| divided(exact.checked_mul(with)?, ALL_E4 * ALL_E4))],
        true => [with_tax.and_then(|with| divided(exact, with)), amount],
    }
}

fn divided(number: i128, by: i128) -> Option<i64> {
    let half = if number < 0 { -by / 2 } else { by / 2 };
    i64::try_from((number + half) / by).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_told_without_and_with_tax() {
        let e6 = 1_000_000;
        for (name, price, is_gross, discount, tax, expected) in [
            ("net", 100 * e6, false, None, Some(190_000), [Some(100 * e6), Some(119 * e6)]),
            (
                "net with a discount",
                100 * e6,
                false,
                Some(25_000),
                Some(190_000),
                [Some(97_500_000), Some(116_025_000)],
            ),
            ("gross", 119 * e6, true, None, Some(190_000), [Some(100 * e6), Some(119 * e6)]),
            ("gross with a discount", 119 * e6, true, Some(100_000), Some(190_000), [Some(90 * e6), Some(107_100_000)]),
            ("a third", 10 * e6, true, None, Some(200_000), [Some(8_333_333), Some(10 * e6)]),
            ("no tax rate", 5 * e6, false, None, None, [Some(5 * e6), None]),
            ("no tax rate and gross", 5 * e6, true, None, None, [None, Some(5 * e6)]),
            ("free of tax", 5 * e6, false, None, Some(0), [Some(5 * e6), Some(5 * e6)]),
            ("half a millionth", 1, false, Some(500_000), Some(0), [Some(1), Some(1)]),
            ("a credit", -3, false, Some(500_000), Some(0), [Some(-2), Some(-2)]),
            ("a gift", 5 * e6, false, Some(1_000_000), Some(190_000), [Some(0), Some(0)]),
            ("more than there is", i64::MAX, false, None, Some(190_000), [Some(i64::MAX), None]),
        ] {
            assert_eq!(net_and_gross(price, is_gross, discount, tax), expected, "{name}");
        }
    }
}
