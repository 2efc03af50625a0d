//! What was looked up of a batch before it is judged: of each node, whether its customer is ours, and whether its article is,
//! with the base unit there. Base units are few and articles many, so a node keeps a place in the list of units.

#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    nodes: Vec<Node>,
    units: Vec<Option<String>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Node {
    customer: bool,
    /// 0 is nothing known of the article, else one more than the place of its unit.
    unit: u16,
}

impl Known {
    pub fn clear(&mut self) {
        self.nodes.clear();
    }

    pub fn add_customer(&mut self, node: usize, nodes: usize) {
        self.node(node, nodes).customer = true;
    }

    /// With more different units than there are places the rest stays unknown.
    pub fn add_article(&mut self, node: usize, nodes: usize, unit: Option<&str>) {
        let place = match self.units.iter().position(|known| known.as_deref() == unit) {
            Some(place) => place,
            None => {
                self.units.push(unit.map(str::to_string));
                self.units.len() - 1
            }
        };
        if let Ok(place) = u16::try_from(place + 1) {
            self.node(node, nodes).unit = place;
        }
    }

    fn node(&mut self, node: usize, nodes: usize) -> &mut Node {
        self.nodes.resize(nodes, Node::default());
        &mut self.nodes[node]
    }

    pub fn customer(&self, node: usize) -> bool {
        self.nodes.get(node).is_some_and(|known| known.customer)
    }

    pub fn article(&self, node: usize) -> Option<Option<&str>> {
        let place = self.nodes.get(node)?.unit as usize;
        Some(self.units.get(place.checked_sub(1)?)?.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_its_customer_and_its_unit_and_the_others_nothing() {
        let mut known = Known::default();
        assert_eq!((known.customer(0), known.article(0)), (false, None));
        known.add_customer(0, 4);
        known.add_article(1, 4, Some("PCE"));
        known.add_article(2, 4, None);
        known.add_article(3, 4, Some("PCE"));
        known.add_customer(3, 4);
        let articles: Vec<_> = (0..5).map(|node| known.article(node)).collect();
        assert_eq!(articles, [None, Some(Some("PCE")), Some(None), Some(Some("PCE")), None]);
        let customers: Vec<_> = (0..5).map(|node| known.customer(node)).collect();
        assert_eq!(customers, [true, false, false, true, false]);
        known.clear();
        assert_eq!((known.customer(0), known.article(1)), (false, None));
        known.add_article(0, 70_000, Some("KGM"));
        assert_eq!((known.article(0), known.article(69_999)), (Some(Some("KGM")), None));
    }
}
