//! What was looked up of a batch before it is judged: of each node, whether its number is ours, and the base unit there.
//! Base units are few and articles many, so a node keeps a place in the list of units.

#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// By node: 0 is nothing known, else one more than the place of its unit.
    nodes: Vec<u16>,
    units: Vec<Option<String>>,
}

impl Known {
    pub fn clear(&mut self) {
        self.nodes.clear();
    }

    /// With more different units than there are places the rest stays unknown.
    pub fn add(&mut self, node: usize, nodes: usize, unit: Option<&str>) {
        let place = match self.units.iter().position(|known| known.as_deref() == unit) {
            Some(place) => place,
            None => {
                self.units.push(unit.map(str::to_string));
                self.units.len() - 1
            }
        };
        if let Ok(place) = u16::try_from(place + 1) {
            self.nodes.resize(nodes, 0);
            self.nodes[node] = place;
        }
    }

    pub fn of(&self, node: usize) -> Option<Option<&str>> {
        let place = *self.nodes.get(node)? as usize;
        Some(self.units.get(place.checked_sub(1)?)?.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_its_unit_and_the_others_nothing() {
        let mut known = Known::default();
        assert_eq!(known.of(0), None);
        known.add(1, 4, Some("PCE"));
        known.add(2, 4, None);
        known.add(3, 4, Some("PCE"));
        let all: Vec<_> = (0..5).map(|node| known.of(node)).collect();
        assert_eq!(all, [None, Some(Some("PCE")), Some(None), Some(Some("PCE")), None]);
        known.clear();
        assert_eq!(known.of(1), None);
        known.add(0, 70_000, Some("KGM"));
        assert_eq!((known.of(0), known.of(69_999)), (Some(Some("KGM")), None));
    }
}
