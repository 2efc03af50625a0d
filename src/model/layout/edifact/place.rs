//! Places in a message, as a layout writes them: `BGM.2`, `QTY+21.1.2`, `NAD+DP/CTA+IC.2.2`, `PIA+5,1[*.2=SA].*.1`,
//! `FTX*.4.1-5`, `DTM+137.date`. A decision about words alone.

use super::moment;
use crate::model::syntax::edifact::{Segment, Tag};

/// Where a value stands: the segment and those it follows, and the piece of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    pub steps: Vec<Step>,
    pub piece: Piece,
}

/// A segment that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub tag: Tag,
    /// Every one of several is meant: their texts are joined.
    pub each: bool,
    /// Its first component is one of these; none for any.
    pub words: Vec<String>,
    pub conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub element: Element,
    pub component: usize,
    /// It is one of these; none where it must only be given.
    pub words: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    At(usize),
    /// The first from the second on for which the condition holds.
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// Components from the first to the last, joined.
    Components(Element, usize, usize),
    /// The day or the time of a date in its format.
    Date,
    Time,
    /// The day, of a segment whose format says one: others, like that of a week, are not looked at.
    Day,
}

/// The place of the segments that no other row reads, each as it was sent.
pub const UNREAD: &str = "*";

/// Highest element and component: the largest segments of the directories have fewer.
const HIGHEST: usize = 99;

/// `LIN`, `ALC+A`, `UNS/ALC`: segments without a piece.
pub fn parse_steps(text: &str) -> Result<Vec<Step>, String> {
    split_outside(text, '/').iter().map(|step| parse_step(step)).collect()
}

pub fn parse(text: &str) -> Result<Path, String> {
    let wrong = || format!("\"{text}\" is not a place like BGM.2, QTY+21.1.2 or NAD+DP/CTA.2.2.");
    let parts = split_outside(text, '/');
    let (last, before) = parts.split_last().ok_or_else(wrong)?;
    let pieces = split_outside(last, '.');
    let (step, piece) = pieces.split_first().ok_or_else(wrong)?;
    let mut steps: Vec<Step> = before.iter().map(|step| parse_step(step)).collect::<Result<_, _>>()?;
    steps.push(parse_step(step)?);
    let piece = match piece {
        ["date"] => Piece::Date,
        ["time"] => Piece::Time,
        ["day"] => Piece::Day,
        [element] => Piece::Components(parse_element(element).ok_or_else(wrong)?, 1, 1),
        [element, components] => {
            let (from, to) = components.split_once('-').unwrap_or((components, components));
            let (from, to) = (number(from).ok_or_else(wrong)?, number(to).ok_or_else(wrong)?);
            if from > to {
                return Err(wrong());
            }
            Piece::Components(parse_element(element).ok_or_else(wrong)?, from, to)
        }
        _ => return Err(wrong()),
    };
    Ok(Path { steps, piece })
}

fn parse_step(text: &str) -> Result<Step, String> {
    let wrong = || format!("\"{text}\" is not a segment like NAD, NAD+BY or LIN[3.2=EN].");
    let tag = text.get(..3).and_then(Tag::of).ok_or_else(wrong)?;
    let mut rest = &text[3..];
    let each = rest.starts_with('*');
    rest = rest.strip_prefix('*').unwrap_or(rest);
    let mut words = Vec::new();
    if let Some(qualifiers) = rest.strip_prefix('+') {
        let end = qualifiers.find('[').unwrap_or(qualifiers.len());
        words = qualifiers[..end].split(',').map(str::to_string).collect();
        rest = &qualifiers[end..];
    }
    let mut conditions = Vec::new();
    while let Some(inner) = rest.strip_prefix('[') {
        let (condition, behind) = inner.split_once(']').ok_or_else(wrong)?;
        let (place, value) = condition.split_once('=').ok_or_else(wrong)?;
        let (element, component) = place.split_once('.').unwrap_or((place, "1"));
        let element = parse_element(element).ok_or_else(wrong)?;
        let component = number(component).ok_or_else(wrong)?;
        let given = value == "*";
        let words = if given { Vec::new() } else { value.split(',').map(str::to_string).collect() };
        conditions.push(Condition { element, component, words });
        rest = behind;
    }
    if !rest.is_empty() || words.iter().any(String::is_empty) {
        return Err(wrong());
    }
    Ok(Step { tag, each, words, conditions })
}

fn parse_element(text: &str) -> Option<Element> {
    if text == "*" { Some(Element::Any) } else { number(text).map(Element::At) }
}

fn number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|n| (1..=HIGHEST).contains(n))
}

/// Splits where the mark stands outside of brackets.
fn split_outside(text: &str, mark: char) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            c if c == mark && depth == 0 => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

impl Step {
    /// Is this segment the one that is meant? Then the element that `*` stands for.
    pub fn matches(&self, segment: &Segment<'_>) -> Option<usize> {
        let one_of =
            |element, component, words: &[String]| words.iter().any(|word| segment.says(element, component, word));
        if !self.words.is_empty() && !one_of(1, 1, &self.words) {
            return None;
        }
        let holds = |condition: &Condition, element: usize| match &condition.words[..] {
            [] => !segment.raw(element, condition.component).is_empty(),
            words => one_of(element, condition.component, words),
        };
        let mut any = 2..=segment.elements();
        let fixed = self.conditions.iter().all(|c| match c.element {
            Element::At(element) => holds(c, element),
            Element::Any => true,
        });
        if !fixed {
            return None;
        }
        if !self.conditions.iter().any(|c| c.element == Element::Any) {
            return Some(2);
        }
        any.find(|element| self.conditions.iter().all(|c| c.element != Element::Any || holds(c, *element)))
    }
}

impl Piece {
    /// A segment whose format says no day is not looked at where only days are wanted.
    pub fn looks_at(self, segment: &Segment<'_>) -> bool {
        self != Piece::Day || moment::says_a_day(&segment.plain(segment.raw(1, 3), false))
    }
}

impl Element {
    pub fn at(self, any: usize) -> usize {
        match self {
            Element::At(element) => element,
            Element::Any => any,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        let path = parse("NAD+DP,ST[2.3=9]/CTA*.2.1-3").unwrap();
        assert_eq!(path.steps.len(), 2);
        assert_eq!(path.steps[0].words, ["DP", "ST"]);
        assert_eq!(path.steps[0].conditions[0].element, Element::At(2));
        assert!(path.steps[1].each && path.piece == Piece::Components(Element::At(2), 1, 3));
        assert_eq!(parse("DTM+137.date").unwrap().piece, Piece::Date);
        assert_eq!(parse("PIA[*.2=SA].*.1").unwrap().piece, Piece::Components(Element::Any, 1, 1));
        assert!(parse("BGM[2=*].2").unwrap().steps[0].conditions[0].words.is_empty());
        for wrong in ["", "QTY", "QTY.0", "QTY.1.3-2", "qty.1", "QTY+.1", "QTY[1.1].1", "QTY.1.2.3", "ÄÖ.1", "Q.1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
