//! A price without and with tax, its discount taken off: exact to a millionth, halves away from zero.

/// Percent at scale 4: 100 % is so much.
const ALL_E4: i128 = 1_000_000;

/// Net and gross of a price at scale 6, as far as they can be known: without a tax rate only the one that was given. Each discount is
/// taken of what the one before leaves.
pub fn net_and_gross(price_e6: i64, is_gross: bool, discounts_e4: &[i64], tax_e4: Option<i64>) -> [Option<i64>; 2] {
    let Some((number, by)) = left(discounts_e4) else { return [None, None] };
    let Some(exact) = number.checked_mul(price_e6.into()) else { return [None, None] };
    let amount = divided(exact, by);
    let with_tax = tax_e4.map(|tax| ALL_E4 + i128::from(tax)).filter(|with| *with > 0);
    // Of the price itself, so that nothing is rounded twice.
    let [up, down] = match with_tax {
        Some(with) => {
            [exact.checked_mul(with).zip(by.checked_mul(ALL_E4)), exact.checked_mul(ALL_E4).zip(by.checked_mul(with))]
        }
        None => [None, None],
    };
    let taxed = |fraction: Option<(i128, i128)>| fraction.and_then(|(number, by)| divided(number, by));
    if is_gross { [taxed(down), amount] } else { [amount, taxed(up)] }
}

/// All discounts as one, in percent at scale 4.
pub fn together_e4(discounts_e4: &[i64]) -> Option<i64> {
    let (number, by) = left(discounts_e4)?;
    divided((by - number).checked_mul(ALL_E4)?, by)
}

/// What discounts leave, as a fraction.
fn left(discounts_e4: &[i64]) -> Option<(i128, i128)> {
    discounts_e4.iter().filter(|discount| **discount != 0).try_fold((1, 1), |(number, by): (i128, i128), discount| {
        Some((number.checked_mul(ALL_E4 - i128::from(*discount))?, by.checked_mul(ALL_E4)?))
    })
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
            ("net", 100 * e6, false, &[][..], Some(190_000), [Some(100 * e6), Some(119 * e6)]),
            ("net with a discount", 100 * e6, false, &[25_000], Some(190_000), [Some(97_500_000), Some(116_025_000)]),
            ("gross", 119 * e6, true, &[][..], Some(190_000), [Some(100 * e6), Some(119 * e6)]),
            ("gross with a discount", 119 * e6, true, &[100_000], Some(190_000), [Some(90 * e6), Some(107_100_000)]),
            ("a third", 10 * e6, true, &[][..], Some(200_000), [Some(8_333_333), Some(10 * e6)]),
            ("no tax rate", 5 * e6, false, &[][..], None, [Some(5 * e6), None]),
            ("no tax rate and gross", 5 * e6, true, &[][..], None, [None, Some(5 * e6)]),
            ("free of tax", 5 * e6, false, &[][..], Some(0), [Some(5 * e6), Some(5 * e6)]),
            ("half a millionth", 1, false, &[500_000], Some(0), [Some(1), Some(1)]),
            ("a credit", -3, false, &[500_000], Some(0), [Some(-2), Some(-2)]),
            ("a gift", 5 * e6, false, &[1_000_000], Some(190_000), [Some(0), Some(0)]),
            ("more than there is", i64::MAX, false, &[][..], Some(190_000), [Some(i64::MAX), None]),
            (
                "three discounts",
                100 * e6,
                false,
                &[400_000, 50_000, 100_000],
                Some(190_000),
                [Some(51_300_000), Some(61_047_000)],
            ),
        ] {
            assert_eq!(net_and_gross(price, is_gross, discount, tax), expected, "{name}");
        }
    }

    #[test]
    fn discounts_one_after_the_other_are_told_as_one() {
        for (discounts, expected) in [
            (&[][..], 0),
            (&[25_000], 25_000),
            (&[400_000, 50_000], 430_000),
            (&[400_000, 0, 1_000_000], 1_000_000),
            (&[-100_000], -100_000),
        ] {
            assert_eq!(together_e4(discounts), Some(expected), "{discounts:?}");
        }
    }
}
