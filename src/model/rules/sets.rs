//! How many whole sets there are: what one set takes of each article, however deep it is nested, and the smallest quotient of what
//! there is. Exact: what one set takes is kept at twelve decimals and rounded up there, so that too little is told rather than too much.
//!
//! Which components a set has and what there is of them, the caller looks up.

use std::collections::BTreeMap;

/// So deep sets are resolved: a set of a set has depth 2.
pub const DEEPEST: usize = 8;

/// What one set takes, at twelve decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Need(i128);

const ONE: i128 = 1_000_000_000_000;
/// Scale of a quantity.
const E6: i128 = 1_000_000;

impl Need {
    /// What so many sets (scale 6) take, rounded up (scale 6).
    pub fn of(self, sets: i64) -> i64 {
        let product = self.0.saturating_mul(i128::from(sets));
        i64::try_from(round_up(product, ONE)).unwrap_or(i64::MAX)
    }

    fn times(self, qty_e6: i64) -> Need {
        Need(round_up(self.0.saturating_mul(i128::from(qty_e6)), E6))
    }

    /// Whole sets that this quantity (scale 6) makes. Below zero, what is missing counts.
    fn whole(self, available: i64) -> i64 {
        let sets = (i128::from(available) * (ONE / E6)).div_euclid(self.0);
        i64::try_from(sets).unwrap_or(if sets < 0 { i64::MIN } else { i64::MAX })
    }
}

fn round_up(number: i128, by: i128) -> i128 {
    number / by + i128::from(number % by > 0)
}

/// What one set takes, while it is resolved level by level.
#[derive(Debug, Default)]
pub struct Needs {
    level: BTreeMap<String, Need>,
    leaves: BTreeMap<String, Need>,
    /// The set itself has depth 0.
    depth: usize,
    too_deep: bool,
}

impl Needs {
    pub fn of(set_no: &str) -> Self {
        Needs { level: BTreeMap::from([(set_no.to_string(), Need(ONE))]), ..Needs::default() }
    }

    /// Articles whose components are to be put; nothing where all is resolved.
    pub fn open(&mut self) -> Option<BTreeMap<String, Need>> {
        Some(std::mem::take(&mut self.level)).filter(|level| !level.is_empty()).inspect(|_| self.depth += 1)
    }

    /// Of an article its components; none where it is no set. A component of which a set holds nothing counts for nothing.
    pub fn put(&mut self, article: String, need: Need, components: &[(String, i64)]) {
        let is_set = !components.is_empty();
        if !is_set && self.depth > 1 {
            add(&mut self.leaves, article, need);
        } else if is_set && self.depth > DEEPEST {
            self.too_deep = true;
        } else {
            for (component, qty) in components.iter().filter(|(_, qty)| *qty > 0) {
                add(&mut self.level, component.clone(), need.times(*qty));
            }
        }
    }

    pub fn leaves(&self) -> impl Iterator<Item = (&str, Need)> {
        self.leaves.iter().map(|(article, need)| (article.as_str(), *need))
    }

    pub fn is_too_deep(&self) -> bool {
        self.too_deep
    }
}

fn add(to: &mut BTreeMap<String, Need>, article: String, need: Need) {
    let sum = to.entry(article).or_default();
    sum.0 = sum.0.saturating_add(need.0);
}

/// What there is of the components, by warehouse.
#[derive(Debug, Default)]
pub struct Stocks {
    /// The smallest so far, and of how many components there was a row.
    by_warehouse: BTreeMap<String, (i64, usize)>,
    components: usize,
}

impl Stocks {
    /// The stock (scale 6) of one component in each warehouse that has a row of it.
    pub fn add(&mut self, need: Need, found: impl IntoIterator<Item = (String, i64)>) {
        self.components += 1;
        for (warehouse, available) in found {
            let least = self.by_warehouse.entry(warehouse).or_insert((i64::MAX, 0));
            *least = (least.0.min(need.whole(available)), least.1 + 1);
        }
    }

    /// Whole sets (scale 6). A component without a row makes none.
    pub fn whole(self, is_none: bool) -> BTreeMap<String, i64> {
        let all = self.components;
        let whole = |(least, rows): (i64, usize)| if rows < all || is_none { least.min(0) } else { least };
        let scaled = |sets: i64| sets.saturating_mul(E6 as i64);
        self.by_warehouse.into_iter().map(|(warehouse, found)| (warehouse, scaled(whole(found)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A set, what there is, and how many that makes.
    type Row<'r> = (&'r str, &'r [(&'r str, i64)], Option<i64>);
    type Sets = BTreeMap<&'static str, Vec<(&'static str, i64)>>;

    fn whole(sets: &Sets, of: &str, stock: &[(&str, i64)]) -> Option<i64> {
        let mut needs = Needs::of(of);
        while let Some(level) = needs.open() {
            for (article, need) in level {
                let components = sets.get(article.as_str()).cloned().unwrap_or_default();
                let owned: Vec<_> = components.iter().map(|(c, qty)| (c.to_string(), *qty)).collect();
                needs.put(article, need, &owned);
            }
        }
        let mut stocks = Stocks::default();
        for (article, need) in needs.leaves() {
            let found = stock.iter().filter(|(of, _)| *of == article).map(|(_, qty)| ("W".to_string(), *qty));
            stocks.add(need, found);
        }
        stocks.whole(needs.is_too_deep()).remove("W")
    }

    const M: i64 = 1_000_000;

    #[test]
    fn the_smallest_quotient_counts_without_its_fraction() {
        let sets = Sets::from([
            ("S", vec![("a", 2 * M), ("b", M / 2)]),
            ("T", vec![("S", 3 * M), ("a", M)]),
            ("U", vec![("a", M), ("a", 2 * M)]),
            ("V", vec![("a", M), ("gift", 0)]),
            ("W", vec![("c", 333_333)]),
            ("N", vec![("W", 1), ("c", 0)]),
        ]);
        let rows: &[Row] = &[
            ("S", &[("a", 7 * M), ("b", 100 * M)], Some(3 * M)),
            ("S", &[("a", 7 * M), ("b", M)], Some(2 * M)),
            ("S", &[("a", 7 * M), ("b", M - 1)], Some(M)),
            ("S", &[("a", 7 * M)], Some(0)),
            ("S", &[("a", -3 * M), ("b", M)], Some(-2 * M)),
            ("S", &[("a", -3 * M)], Some(-2 * M)),
            ("S", &[], None),
            // Three sets of two and one more.
            ("T", &[("a", 20 * M), ("b", 100 * M)], Some(2 * M)),
            ("U", &[("a", 8 * M)], Some(2 * M)),
            ("V", &[("a", 8 * M)], Some(8 * M)),
            ("W", &[("c", M)], Some(3 * M)),
            ("N", &[("c", M)], Some(3_000_003 * M)),
            ("S", &[("a", i64::MAX), ("b", i64::MAX)], Some(4_611_686_018_427 * M)),
        ];
        for (of, stock, expected) in rows {
            assert_eq!(whole(&sets, of, stock), *expected, "{of} of {stock:?}");
        }
    }

    #[test]
    fn eight_deep_and_no_deeper() {
        let names = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
        let sets: Sets = (0..9).map(|nth| (names[nth], vec![(names[nth + 1], 2 * M)])).collect();
        assert_eq!(whole(&sets, "1", &[("9", 1000 * M)]), Some(3 * M), "2 to the 8th");
        assert_eq!(whole(&sets, "0", &[("9", 1000 * M)]), None);
        let mut wide = sets.clone();
        wide.get_mut("0").unwrap().push(("9", M));
        assert_eq!(whole(&wide, "0", &[("9", 1000 * M)]), Some(0), "what cannot be resolved makes none");
    }

    #[test]
    fn what_open_orders_take_is_rounded_up() {
        assert_eq!(Need(ONE / 3).of(M), 333_334);
        assert_eq!(Need(2 * ONE).of(3 * M), 6 * M);
        assert_eq!(Need(i128::MAX).of(i64::MAX), i64::MAX);
    }
}
