//! XML samples: which element is a message, which a line, and the paths of what stands in them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::cut::{Column, Sheet};
use super::names::{self, Meaning, Whose};
use crate::model::syntax::xml::{self, Charset, Halt, Spot, Tag, Visitor};

/// Values kept of one path.
const VALUES: usize = 2_000;
const PATHS: usize = 3_000;
/// An element that holds so much of what the file says, in percent, holds a message.
const MOST: usize = 60;

/// What an element does in the layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Message,
    Line,
    /// One of several alike, told by a word: a party by its role.
    Party {
        place: String,
        word: String,
        whose: Whose,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub root: String,
    /// Namespace of the root.
    pub space: String,
    pub messages: usize,
    pub sheets: Vec<(Part, Sheet)>,
}

#[derive(Debug, Default)]
struct Node {
    count: usize,
    most: usize,
    has_children: bool,
    values: Vec<String>,
}

#[derive(Default)]
struct Walk {
    root: String,
    space: String,
    nodes: BTreeMap<String, Node>,
    /// In the order of the file.
    order: Vec<String>,
    path: Vec<String>,
    children: Vec<BTreeMap<String, usize>>,
    text: Vec<String>,
    /// What names mean, each looked up once.
    meanings: RefCell<BTreeMap<String, Vec<Meaning>>>,
}

impl Walk {
    fn node(&mut self, path: &str) -> Option<&mut Node> {
        if !self.nodes.contains_key(path) {
            if self.nodes.len() >= PATHS {
                return None;
            }
            self.order.push(path.to_string());
        }
        Some(self.nodes.entry(path.to_string()).or_default())
    }

    fn value(&mut self, path: &str, text: &str) {
        if let Some(node) = self.node(path).filter(|node| node.values.len() < VALUES) {
            node.values.push(text.trim().to_string());
        }
    }
}

impl Visitor for Walk {
    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Halt> {
        if self.path.is_empty() {
            self.root = tag.name.to_string();
            self.space = tag.space.to_string();
        } else {
            let parent = self.path.join("/");
            if let Some(node) = self.node(&parent) {
                node.has_children = true;
            }
        }
        let often = self.children.last_mut().map_or(1, |children| {
            let often = children.entry(tag.name.to_string()).or_default();
            *often += 1;
            *often
        });
        self.path.push(tag.name.to_string());
        let path = self.path.join("/");
        if let Some(node) = self.node(&path) {
            node.count += 1;
            node.most = node.most.max(often);
        }
        for (name, value, _) in tag.attributes_written() {
            self.value(&format!("{path}/@{name}"), value);
        }
        self.children.push(BTreeMap::new());
        self.text.push(String::new());
        Ok(())
    }

    fn text(&mut self, piece: &str) -> Result<(), Halt> {
        if let Some(text) = self.text.last_mut() {
            text.push_str(piece);
        }
        Ok(())
    }

    fn close(&mut self, _: Spot) -> Result<(), Halt> {
        let path = self.path.join("/");
        let text = self.text.pop().unwrap_or_default();
        if !text.trim().is_empty() || !self.nodes.get(&path).is_some_and(|node| node.has_children) {
            self.value(&path, &text);
        }
        self.path.pop();
        self.children.pop();
        Ok(())
    }
}

pub fn read(bytes: &[u8]) -> Result<Document, String> {
    let mut walk = Walk::default();
    let end = xml::read(&mut &bytes[..], Some(&Charset::Utf8), &mut walk).map_err(|error| error.to_string())?;
    if let Some(problem) = end.problem {
        return Err(problem.to_string());
    }
    let message = message(&walk);
    let mut sheets = Vec::new();
    let lines = lines(&walk, &message);
    let parties = parties(&walk, &message, &lines);
    let apart: Vec<String> = lines.iter().cloned().chain(parties.iter().map(|(path, ..)| path.clone())).collect();
    sheets.push((Part::Message, sheet(&walk, &message, &below_root(&walk, &message), &apart)));
    for (path, place, words) in &parties {
        for (word, whose) in words {
            let tag = relative(path, &message);
            let part = Part::Party { place: place.clone(), word: word.clone(), whose: *whose };
            sheets.push((part, party(&walk, path, &tag)));
        }
    }
    for path in &lines {
        sheets.push((Part::Line, sheet(&walk, path, &relative(path, &message), &[])));
    }
    let messages = walk.nodes.get(&message).map_or(0, |node| node.count);
    Ok(Document { root: walk.root, space: walk.space, messages, sheets })
}

fn relative(path: &str, to: &str) -> String {
    path.strip_prefix(to).unwrap_or(path).trim_start_matches('/').to_string()
}

fn below_root(walk: &Walk, path: &str) -> String {
    let tag = relative(path, &walk.root);
    if tag.is_empty() { ".".to_string() } else { tag }
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

fn leaves<'w>(walk: &'w Walk, above: &str) -> Vec<&'w String> {
    let says = |path: &&String| is_below(path, above) && !walk.nodes[*path].values.is_empty();
    walk.order.iter().filter(says).collect()
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default().trim_start_matches('@')
}

fn means(walk: &Walk, path: &str, concepts: &[&str]) -> bool {
    let mut known = walk.meanings.borrow_mut();
    let meanings = known.entry(last(path).to_string()).or_insert_with(|| names::meanings(last(path), &[]));
    meanings.iter().take(2).any(|m| m.sure >= 75 && concepts.contains(&m.concept))
}

/// The outermost element that comes again and holds most of what is said; else the innermost that holds what is not envelope.
fn message(walk: &Walk) -> String {
    let all = leaves(walk, &walk.root).len().max(1);
    let mut complex: Vec<&String> = walk.order.iter().filter(|path| walk.nodes[*path].has_children).collect();
    complex.sort_by_key(|path| path.matches('/').count());
    let outer = complex.iter().find(|path| {
        let node = &walk.nodes[**path];
        let inner = leaves(walk, path).len();
        let outside = all - inner;
        let has_key = leaves(walk, path).iter().any(|leaf| means(walk, leaf, &["order_no", "customer_no"]));
        // Few heads and many lines: what comes again is the line.
        node.most > 1 && inner * 100 >= all * MOST && (has_key || outside < 3)
    });
    if let Some(path) = outer {
        return path.to_string();
    }
    let mut at = walk.root.clone();
    loop {
        let children: Vec<&&String> =
            complex.iter().filter(|path| is_below(path, &at) && !path[at.len() + 1..].contains('/')).collect();
        let heavy = children.iter().find(|path| leaves(walk, path).len() * 100 >= all * MOST);
        let Some(next) = heavy else { return at };
        let beside = leaves(walk, &at).into_iter().filter(|leaf| !is_below(leaf, next));
        if beside.into_iter().any(|leaf| means(walk, leaf, &["qty", "article_no", "order_no", "ean"])) {
            return at;
        }
        at = next.to_string();
    }
}

/// Elements within a message that hold a quantity or an article, and come again or are named as lines are.
fn lines(walk: &Walk, message: &str) -> Vec<String> {
    let of_line = ["qty", "article_no", "ean", "isbn", "line_no"];
    let mut found: Vec<String> = Vec::new();
    let mut inner: Vec<&String> =
        walk.order.iter().filter(|path| is_below(path, message) && !path.contains('@')).collect();
    inner.sort_by_key(|path| path.matches('/').count());
    for path in inner {
        let node = &walk.nodes[path];
        let own: Vec<&String> = leaves(walk, path);
        let says = own.iter().filter(|leaf| means(walk, leaf, &of_line)).count();
        let name = names::fold(last(path));
        let named = ["item", "line", "pos", "position", "line item", "order item", "zeile", "rad", "regel"]
            .contains(&name.as_str());
        let value = node.most > 1 && !own.is_empty() && !node.values.is_empty() && means(walk, path, &["qty"]);
        let is_line = node.has_children && says >= 1 && (node.most > 1 && says >= 2 || named) || value;
        if is_line && !found.iter().any(|other| is_below(path, other)) {
            found.push(path.clone());
        }
    }
    found
}

type Parties = Vec<(String, String, Vec<(String, Whose)>)>;

/// Elements that come again with a word that says whose they are.
fn parties(walk: &Walk, message: &str, lines: &[String]) -> Parties {
    let mut found: Parties = Vec::new();
    for path in walk.order.iter().filter(|path| is_below(path, message) && walk.nodes[*path].has_children) {
        let taken = lines.iter().any(|line| path == line || is_below(path, line))
            || found.iter().any(|(other, ..)| is_below(path, other));
        if walk.nodes[path].most < 2 || taken {
            continue;
        }
        let word = leaves(walk, path).into_iter().find_map(|leaf| {
            let mut words: Vec<&String> = walk.nodes[leaf].values.iter().collect();
            words.sort_unstable();
            words.dedup();
            let known: Vec<(String, Whose)> = words
                .into_iter()
                .map(|word| (word.clone(), names::whose_of(word)))
                .filter(|(_, whose)| *whose != Whose::Nobody)
                .collect();
            (known.len() >= 2).then(|| (relative(leaf, path), known))
        });
        if let Some((place, words)) = word {
            found.push((path.clone(), place, words));
        }
    }
    found
}

fn sheet(walk: &Walk, path: &str, tag: &str, apart: &[String]) -> Sheet {
    let mut columns = Vec::new();
    let own = walk.order.iter().filter(|leaf| leaf.as_str() == path || is_below(leaf, path));
    for leaf in own.filter(|leaf| !apart.iter().any(|other| *leaf == other || is_below(leaf, other))) {
        let node = &walk.nodes[leaf];
        // Text of an element beside its children is white space.
        if node.values.is_empty() || node.has_children {
            continue;
        }
        let place = relative(leaf, path);
        // An attribute of one of several cannot be told from those of the others.
        let Some(place) = repeated(walk, path, leaf, place) else { continue };
        let around: Vec<String> =
            leaf.split('/').rev().skip(1).map(str::to_string).collect::<Vec<_>>().into_iter().rev().collect();
        columns.push(Column {
            place,
            label: last(leaf).to_string(),
            around,
            values: node.values.clone(),
            ..Column::default()
        });
    }
    Sheet { tag: tag.to_string(), columns, rows: (0..walk.nodes[path].count).collect() }
}

/// The place of all of several; nothing for what stands below one of several.
fn repeated(walk: &Walk, path: &str, leaf: &str, place: String) -> Option<String> {
    if place.is_empty() {
        return Some(".".to_string());
    }
    let element = leaf.split("/@").next().unwrap_or(leaf);
    let above: Vec<usize> = element.match_indices('/').map(|(at, _)| at).filter(|at| *at > path.len()).collect();
    let inner = above.iter().any(|at| walk.nodes.get(&element[..*at]).is_some_and(|node| node.most > 1));
    let own = element.len() > path.len() && walk.nodes.get(element).is_some_and(|node| node.most > 1);
    match (inner, own, element == leaf) {
        (false, false, _) => Some(place),
        (false, true, true) => Some(format!("{place}[*]")),
        _ => None,
    }
}

/// Of an element that comes for several parties: its columns, whose values are those of all of them.
fn party(walk: &Walk, path: &str, tag: &str) -> Sheet {
    sheet(walk, path, tag, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_lines_and_parties_are_found() {
        let one = "<o><head><id>1</id><date>2024-01-01</date><parties><party><role>buyer</role><name>A</name></party><party><role>delivery</role><name>B</name></party></parties></head>\
                   <items><item><sku>a</sku><qty>1</qty></item><item><sku>b</sku><qty>2</qty></item></items></o>";
        let document = read(one.as_bytes()).unwrap();
        let told: Vec<(bool, &str)> =
            document.sheets.iter().map(|(part, sheet)| (*part == Part::Line, sheet.tag.as_str())).collect();
        assert_eq!(
            told,
            [(false, "."), (false, "head/parties/party"), (false, "head/parties/party"), (true, "items/item")]
        );
        let many = "<list><c id='1'><n>A</n><z>1</z></c><c id='2'><n>B</n><z>2</z></c></list>";
        let document = read(many.as_bytes()).unwrap();
        assert_eq!((document.sheets[0].1.tag.as_str(), document.messages), ("c", 2));
        let places: Vec<&str> = document.sheets[0].1.columns.iter().map(|c| c.place.as_str()).collect();
        assert_eq!(places, ["@id", "n", "z"]);
        assert!(read(b"<a><b></a>").is_err());
    }
}
