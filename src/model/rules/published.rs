//! How a quantity on hand becomes the one that a partner is told. What is stored stays as it is.

use super::availability::Availability;

/// Quantities are scaled by a million; the default publishes what is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Published {
    pub buffer_e6: i64,
    pub floor_e6: i64,
    pub cap_e6: Option<i64>,
    pub negative_as_zero: bool,
    /// Orders that the ERP has not confirmed are subtracted before all of this, if they are no older.
    pub open_orders_days: Option<u32>,
    /// How it becomes a word; none: the word of the ERP stands.
    pub availability: Option<Availability>,
}

/// Kept back first, then too little is nothing, then more than the cap is the cap. The buffer never turns something into a
/// debt, and a debt (negative stock) is told or not as `negative_as_zero` says, whatever the floor.
pub fn shown(stored_e6: i64, published: &Published) -> i64 {
    let there = can_be_had(stored_e6, published);
    published.cap_e6.map_or(there, |cap| there.min(cap))
}

/// Before the cap.
pub fn can_be_had(stored_e6: i64, published: &Published) -> i64 {
    match stored_e6 {
        ..=0 if published.negative_as_zero => 0,
        ..=0 => stored_e6,
        there if there - published.buffer_e6.min(there) < published.floor_e6 => 0,
        there => there - published.buffer_e6.min(there),
    }
}

/// The quantity that is told is the cap: there is as much, or more. What is told of exactly as much and of more is the same.
pub fn is_more(shown_e6: i64, published: &Published) -> bool {
    published.cap_e6.is_some_and(|cap| cap > 0 && shown_e6 >= cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: i64 = 1_000_000;

    #[test]
    fn a_quantity_is_told_as_the_feed_wants_it() {
        let plain = Published { negative_as_zero: true, ..Published::default() };
        let capped = Published { cap_e6: Some(25 * UNIT), ..plain };
        let kept_back = Published { buffer_e6: 2 * UNIT, floor_e6: 3 * UNIT, ..capped };
        let debts = Published { negative_as_zero: false, ..kept_back };
        let fine = Published { buffer_e6: UNIT / 2, ..plain };
        let nothing = Published { cap_e6: Some(0), ..plain };
        for (name, published, stored, expected) in [
            ("as it is", plain, 7 * UNIT, 7 * UNIT),
            ("as it is, to the last digit", plain, 1, 1),
            ("negative", plain, -UNIT, 0),
            ("negative and told", Published::default(), -UNIT, -UNIT),
            ("below the cap", capped, 24 * UNIT, 24 * UNIT),
            ("the cap", capped, 25 * UNIT, 25 * UNIT),
            ("above the cap", capped, 26 * UNIT, 25 * UNIT),
            ("a hair above the cap", capped, 25 * UNIT + 1, 25 * UNIT),
            ("the cap is asked last", kept_back, 26 * UNIT, 24 * UNIT),
            ("above the cap with the buffer", kept_back, 28 * UNIT, 25 * UNIT),
            ("exactly the floor", kept_back, 5 * UNIT, 3 * UNIT),
            ("below the floor", kept_back, 5 * UNIT - 1, 0),
            ("less than is kept back", kept_back, UNIT, 0),
            ("nothing", kept_back, 0, 0),
            ("nothing is no debt", debts, 0, 0),
            ("less than is kept back is no debt", debts, UNIT, 0),
            ("a debt is told as it is", debts, -4 * UNIT, -4 * UNIT),
            ("half a piece kept back", fine, 2 * UNIT, 1_500_000),
            ("nobody is told a quantity", nothing, 9 * UNIT, 0),
            ("the largest there is", kept_back, i64::MAX, 25 * UNIT),
            ("the smallest there is", debts, i64::MIN, i64::MIN),
        ] {
            assert_eq!(shown(stored, &published), expected, "{name}");
            let is_at_cap = published.cap_e6.is_some_and(|cap| cap > 0 && expected == cap);
            assert_eq!(is_more(expected, &published), is_at_cap, "{name}");
        }
    }
}
