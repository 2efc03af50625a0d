//! What differs between two messages of one kind, field by field: shown for a request that came again with other content.
//!
//! Nodes of a group are matched by their key where the group has one and both carry it, else by their order.

use super::batch::{Message, NodeRef, Value};
use super::decimal;
use super::kind::{FieldType, Group};

/// One field that differs. An absent value or part is told in words, an empty one as the empty text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `reference`, `lines[3].qty` (3: the key of the line, or its number).
    pub path: String,
    pub old: String,
    pub new: String,
}

/// For a value or a part that is not there.
pub const ABSENT: &str = "(not there)";
/// For a part that is there as a whole.
const PRESENT: &str = "(there)";

/// All differences, in the order of the kind. Fields of our own (`ours`) are not compared: a partner never sent them.
pub fn difference(old: Message<'_>, new: Message<'_>) -> Vec<Difference> {
    let mut found = Vec::new();
    nodes(old, old.head(), new, new.head(), "", &mut found);
    found
}

fn nodes(
    old: Message<'_>,
    old_node: NodeRef<'_>,
    new: Message<'_>,
    new_node: NodeRef<'_>,
    path: &str,
    found: &mut Vec<Difference>,
) {
    let kind = old.kind();
    for (index, field) in kind.groups[old_node.group()].fields.iter().enumerate().filter(|(_, f)| !f.ours) {
        let (a, b) = (as_sent(old_node, index), as_sent(new_node, index));
        // A stored field does not tell "not there" from "empty": neither says anything.
        if a != b && (a.is_given() || b.is_given()) {
            let tell = |value| told(&field.field_type, value);
            found.push(Difference { path: format!("{path}{}", field.name), old: tell(a), new: tell(b) });
        }
    }
    for (index, group) in kind.groups.iter().enumerate().skip(1).filter(|(_, g)| g.parent == old_node.group()) {
        let before: Vec<_> = old.group(index).filter(|n| n.parent() == old_node.index()).collect();
        let after: Vec<_> = new.group(index).filter(|n| n.parent() == new_node.index()).collect();
        let (before, after) = (labelled(group, before), labelled(group, after));
        for (label, a) in &before {
            let path = format!("{path}{}[{label}]", group.name);
            match after.iter().find(|(other, _)| other == label) {
                Some((_, b)) => nodes(old, *a, new, *b, &format!("{path}."), found),
                None => found.push(Difference { path, old: PRESENT.into(), new: ABSENT.into() }),
            }
        }
        for (label, _) in after.iter().filter(|(label, _)| !before.iter().any(|(other, _)| other == label)) {
            let path = format!("{path}{}[{label}]", group.name);
            found.push(Difference { path, old: ABSENT.into(), new: PRESENT.into() });
        }
    }
}

/// What the partner said, whatever it was resolved to since.
fn as_sent(node: NodeRef<'_>, field: usize) -> Value<'_> {
    match node.sent(field) {
        Value::Missing => node.value(field),
        sent => sent,
    }
}

/// Each node with its key, or with its number where the keys are not given or not unique.
fn labelled<'a>(group: &Group, nodes: Vec<NodeRef<'a>>) -> Vec<(String, NodeRef<'a>)> {
    let key_of = |node: &NodeRef<'a>| -> Option<String> {
        let given = !group.key.is_empty() && group.key.iter().all(|f| node.value(*f).is_given());
        let parts = group.key.iter().map(|f| told(&group.fields[*f].field_type, node.value(*f)));
        given.then(|| parts.collect::<Vec<_>>().join(", "))
    };
    let keys: Vec<Option<String>> = nodes.iter().map(key_of).collect();
    let mut sorted: Vec<_> = keys.iter().flatten().collect();
    sorted.sort_unstable();
    sorted.dedup();
    let unique = sorted.len() == nodes.len();
    let label = |(index, node): (usize, NodeRef<'a>)| {
        let key = keys[index].clone().filter(|_| unique);
        (key.unwrap_or_else(|| (index + 1).to_string()), node)
    };
    nodes.into_iter().enumerate().map(label).collect()
}

fn told(field_type: &FieldType, value: Value<'_>) -> String {
    match value {
        Value::Missing => ABSENT.into(),
        Value::Empty => String::new(),
        Value::Text(text) => text.into(),
        Value::Number(number) if *field_type == FieldType::Boolean => (number != 0).to_string(),
        Value::Number(number) => decimal::text(number, field_type.scale().unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::batch::Batch;
    use crate::model::json::read_line;
    use crate::model::kind::shipped_kinds;

    fn compare(old: &str, new: &str) -> Vec<(String, String, String)> {
        let mut batch = Batch::new(shipped_kinds().get("order").unwrap().clone());
        read_line(old, 1, 1, &mut batch).unwrap();
        read_line(new, 2, 2, &mut batch).unwrap();
        difference(batch.message(0), batch.message(1)).into_iter().map(|d| (d.path, d.old, d.new)).collect()
    }

    fn row(path: &str, old: &str, new: &str) -> (String, String, String) {
        (path.into(), old.into(), new.into())
    }

    #[test]
    fn fields_and_lines_are_compared_by_name_and_key() {
        let old = r#"{"buyer_order_no":"B","note":"x","order_no":"1","lines":[{"line_no":1,"qty":"2"},{"line_no":2,"qty":"5"}]}"#;
        let new = r#"{"buyer_order_no":"B","note":"","order_no":"2","lines":[{"line_no":3,"qty":"1"},{"line_no":1,"qty":"2.5","line_charges":[{"charge_type":"charge"}]}]}"#;
        assert_eq!(
            compare(old, new),
            [
                row("note", "x", ""),
                row("lines[1].qty", "2", "2.5"),
                row("lines[1].line_charges[1]", "(not there)", "(there)"),
                row("lines[2]", "(there)", "(not there)"),
                row("lines[3]", "(not there)", "(there)"),
            ]
        );
        assert_eq!(compare(old, old), []);
    }

    #[test]
    fn without_unique_keys_the_order_counts_and_numbers_as_sent_are_compared() {
        let old =
            r#"{"buyer_order_no":"B","lines":[{"article_no":"OURS","article_no_sent":"T","qty":"1"},{"qty":"1"}]}"#;
        let new = r#"{"buyer_order_no":"B","lines":[{"article_no":"T","qty":"1"},{"qty":"2"}]}"#;
        assert_eq!(compare(old, new), [row("lines[2].qty", "1", "2")]);
    }
}
