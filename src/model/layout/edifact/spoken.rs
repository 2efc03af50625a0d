//! A place of a message as a person knows it who has the directories beside him and not the layout: `QTY+21.1.2` is
//! "QTY+21, element 1, component 2 (quantity)".

use super::place::{self, Condition, Element, Path, Piece, Step};

/// What the directories call the pieces that orders have: segment, element, component.
const NAMES: [(&[u8; 3], usize, usize, &str); 28] = [
    (b"UNH", 1, 1, "message reference"),
    (b"UNH", 2, 1, "message type"),
    (b"UNT", 1, 1, "number of segments"),
    (b"UNZ", 1, 1, "number of messages"),
    (b"UNB", 1, 1, "character set"),
    (b"UNB", 1, 2, "syntax version"),
    (b"UNB", 2, 1, "sender"),
    (b"UNB", 3, 1, "recipient"),
    (b"BGM", 1, 1, "document type"),
    (b"BGM", 2, 1, "document number"),
    (b"BGM", 3, 1, "message function"),
    (b"NAD", 2, 1, "party number"),
    (b"NAD", 4, 1, "party name"),
    (b"NAD", 5, 1, "street"),
    (b"NAD", 6, 1, "city"),
    (b"NAD", 8, 1, "postcode"),
    (b"NAD", 9, 1, "country"),
    (b"RFF", 1, 2, "reference number"),
    (b"CUX", 1, 2, "currency"),
    (b"LIN", 1, 1, "line number"),
    (b"LIN", 2, 1, "action"),
    (b"LIN", 3, 1, "item number"),
    (b"IMD", 3, 4, "description"),
    (b"QTY", 1, 2, "quantity"),
    (b"QTY", 1, 3, "unit"),
    (b"MOA", 1, 2, "amount"),
    (b"PRI", 1, 2, "price"),
    (b"CNT", 1, 2, "total"),
];

/// `segment 5, QTY+21.1.2` or `QTY+21.1.2 (Menge)`, and what else is a place or several; other texts stay as they are.
pub fn spoken(field: &str) -> String {
    let begins = field.strip_prefix("segment ").and_then(|rest| rest.split_once(", "));
    let (before, rest) = match begins {
        Some((number, rest)) if number.bytes().all(|b| b.is_ascii_digit()) => (format!("segment {number}, "), rest),
        _ => (String::new(), field),
    };
    let (places, theirs) = match rest.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (")) {
        Some((places, theirs)) => (places, Some(theirs)),
        None => (rest, None),
    };
    let paths: Option<Vec<Path>> = places.split('|').map(|place| place::parse(place.trim()).ok()).collect();
    match paths {
        Some(paths) => before + &paths.iter().map(|path| path_said(path, theirs)).collect::<Vec<_>>().join(" or "),
        None => field.to_string(),
    }
}

fn path_said(path: &Path, theirs: Option<&str>) -> String {
    let Some((last, around)) = path.steps.split_last() else { return String::new() };
    let mut said = step_said(last);
    for step in around.iter().rev() {
        said.push_str(&format!(" behind {}", step_said(step)));
    }
    let name = match path.piece {
        Piece::Date | Piece::Day => Some("date"),
        Piece::Time => Some("time"),
        Piece::Components(Element::Any, ..) => None,
        Piece::Components(Element::At(element), component, _) => {
            let known = NAMES.iter().find(|(tag, at, of, _)| (**tag, *at, *of) == (last.tag.0, element, component));
            known.map(|(.., name)| *name)
        }
    };
    if let Piece::Components(element, from, to) = path.piece {
        said.push_str(&format!(", {}", element_said(element)));
        if (from, to) != (1, 1) || element == Element::Any {
            let upto = if to > from { format!("components {from} to {to}") } else { format!("component {from}") };
            said.push_str(&format!(", {upto}"));
        }
    }
    if let Some(name) = theirs.or(name) {
        said.push_str(&format!(" ({name})"));
    }
    let wanted: Vec<String> = last.conditions.iter().filter_map(condition_said).collect();
    if !wanted.is_empty() {
        said.push_str(&format!(" where {}", wanted.join(" and ")));
    }
    said
}

fn step_said(step: &Step) -> String {
    let tag = String::from_utf8_lossy(&step.tag.0).into_owned();
    if step.words.is_empty() { tag } else { format!("{tag}+{}", step.words.join(",")) }
}

fn element_said(element: Element) -> String {
    match element {
        Element::At(number) => format!("element {number}"),
        Element::Any => "an element".to_string(),
    }
}

/// That a piece must only be given goes without saying.
fn condition_said(condition: &Condition) -> Option<String> {
    let words = condition.words.join(" or ");
    let of = if condition.element == Element::Any { "its".to_string() } else { element_said(condition.element) };
    let place = match (condition.element, condition.component) {
        (Element::Any, component) => format!("{of} component {component}"),
        (_, 1) => of,
        (_, component) => format!("{of}, component {component}"),
    };
    (!condition.words.is_empty()).then(|| format!("{place} is {words}"))
}

#[cfg(test)]
mod tests {
    use super::spoken;

    #[test]
    fn places_are_said_with_segment_element_and_component() {
        let table = [
            ("segment 5, QTY+21.1.2", "segment 5, QTY+21, element 1, component 2 (quantity)"),
            ("LIN.1", "LIN, element 1 (line number)"),
            ("segment 3, DTM+137.date", "segment 3, DTM+137 (date)"),
            ("segment 2, BGM.2 (Order)", "segment 2, BGM, element 2 (Order)"),
            (
                "BGM[2=*].2|NAD/RFF+ON.1.2",
                "BGM, element 2 (document number) or RFF+ON behind NAD, element 1, component 2 (reference number)",
            ),
            ("LIN[3.2=EN,UP].3.1", "LIN, element 3 (item number) where element 3, component 2 is EN or UP"),
            ("PIA+5,1[*.2=SA].*.1", "PIA+5,1, an element, component 1 where its component 2 is SA"),
            ("FTX*.4.1-5", "FTX, element 4, components 1 to 5"),
            ("UNB", "UNB"),
            ("segment 4, PAI", "segment 4, PAI"),
            ("Menge", "Menge"),
        ];
        for (place, said) in table {
            assert_eq!(spoken(place), said);
            assert_eq!(spoken(said), said, "twice is as once");
        }
    }
}
