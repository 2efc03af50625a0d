//! Numbers in the names of an intake's files: which are missing between those that came. A count that begins anew, or jumps,
//! is no gap: who counts to 9999 and goes on with 1 has lost nothing. Pure: the numbers come in.

/// A larger jump is another count.
pub const GAP_MOST: u64 = 100;

/// Missing numbers, first and last of each gap; `came` are numbers in any order, several times the same.
pub fn gaps(came: impl IntoIterator<Item = u64>) -> Vec<(u64, u64)> {
    let mut came: Vec<u64> = came.into_iter().collect();
    came.sort_unstable();
    came.dedup();
    let pairs = came.windows(2).map(|pair| (pair[0].saturating_add(1), pair[1]));
    pairs.filter(|(next, came)| next < came && came - next <= GAP_MOST).map(|(next, came)| (next, came - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::gaps;

    /// What came, and from which to which number is missing.
    type Row = (&'static [u64], &'static [(u64, u64)]);

    #[test]
    fn what_is_missing_between_those_that_came() {
        let rows: [Row; 8] = [
            (&[], &[]),
            (&[7], &[]),
            (&[1, 2, 3], &[]),
            (&[3, 1], &[(2, 2)]),
            (&[10, 2, 2, 5], &[(3, 4), (6, 9)]),
            // The count began anew.
            (&[9998, 9999, 1, 2], &[]),
            (&[1, 102], &[(2, 101)]),
            (&[1, 103, u64::MAX], &[]),
        ];
        for (came, missing) in rows {
            assert_eq!(gaps(came.iter().copied()), missing, "{came:?}");
        }
    }
}
