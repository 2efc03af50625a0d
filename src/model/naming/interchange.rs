//! EDIFACT, X12, TRADACOMS and the flat IDoc: which messages an interchange holds.

/// What such a file begins with; a service segment may be missing where only a message was saved.
pub const BEGINNINGS: &[&str] = &["UNA", "UNB", "UNH", "UNG", "UIB", "ISA", "GS", "ST", "STX=", "EDI_DC"];

/// Message types that are told one by one.
const TOLD: usize = 5;

pub fn name(text: &str) -> Option<String> {
    if text.starts_with("EDI_DC") {
        return idoc(text);
    }
    if text.starts_with("STX=") {
        return Some(tradacoms(text));
    }
    if let Some(separator) = x12_separator(text) {
        return Some(x12(text, separator));
    }
    edifact(text)
}

fn told(standard: &str, types: Vec<String>) -> String {
    match types.split_last() {
        None => format!("{standard} without a message"),
        Some((only, [])) => format!("{standard} {only}"),
        Some((last, others)) => format!("{standard} {} and {last}", others.join(", ")),
    }
}

/// The types in the order of the file, each once.
fn gathered<'t>(types: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in types {
        if found.len() < TOLD && !found.iter().any(|known| known == name) {
            found.push(name.to_string());
        }
    }
    found
}

/// The separator of elements, where this is X12: the character behind ISA, GS or ST, and a segment that looks like one.
fn x12_separator(text: &str) -> Option<char> {
    let (tag, rest) = ["ISA", "GS", "ST"].iter().find_map(|tag| Some((*tag, text.strip_prefix(tag)?)))?;
    let separator = rest.chars().next().filter(|c| !c.is_alphanumeric() && !matches!(c, ' ' | '=' | '"'))?;
    let mut elements = rest[separator.len_utf8()..].split(separator);
    let first = elements.next()?;
    let fits = match tag {
        "ISA" => first.len() == 2 && rest.matches(separator).take(12).count() == 12,
        "GS" => first.len() == 2 && rest.matches(separator).take(7).count() == 7,
        _ => first.len() == 3 && first.bytes().all(|b| b.is_ascii_digit()),
    };
    fits.then_some(separator)
}

fn x12(text: &str, separator: char) -> String {
    let mark = format!("ST{separator}");
    let starts = text.match_indices(&mark).filter(|(at, _)| {
        // A segment begins behind a terminator, which is no letter or digit.
        text[..*at].chars().next_back().is_none_or(|before| !before.is_alphanumeric() && before != separator)
    });
    let types = starts.filter_map(|(at, _)| {
        let name = text[at + mark.len()..].split(separator).next()?.trim();
        (name.len() == 3 && name.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(name)
    });
    told("X12", gathered(types))
}

fn edifact(text: &str) -> Option<String> {
    let advice = text.strip_prefix("UNA");
    let rest = match advice {
        // The service string holds component, element, decimal mark, release, reserved and terminator.
        Some(rest) => rest.chars().nth(1).map(|_| rest),
        None => ["UNB", "UNG", "UNH", "UIB"].iter().any(|tag| text.starts_with(tag)).then(|| &text[3..]),
    }?;
    let (component, element) = match advice {
        Some(_) => (rest.chars().next()?, rest.chars().nth(1)?),
        None => (':', rest.chars().next()?),
    };
    if component.is_alphanumeric() || element.is_alphanumeric() || element == ' ' || element == ';' || element == ',' {
        return None;
    }
    let mark = format!("UNH{element}");
    let types = text.match_indices(&mark).filter_map(|(at, _)| {
        if text[..at].chars().next_back().is_some_and(char::is_alphanumeric) {
            return None;
        }
        let behind = text[at + mark.len()..].split(element).nth(1)?;
        let name = behind.split(component).next()?.trim();
        (name.len() == 6 && name.bytes().all(|b| b.is_ascii_uppercase())).then_some(name)
    });
    Some(told("EDIFACT", gathered(types)))
}

/// The header of each message is `MHD=1+ORDHDR:9'`.
fn tradacoms(text: &str) -> String {
    let types = text.match_indices("MHD=").filter_map(|(at, _)| {
        let kind = text[at..].split(['+', '\'']).nth(1)?;
        kind.split(':').next().filter(|name| name.len() == 6)
    });
    told("TRADACOMS", gathered(types))
}

/// Columns of the control record EDI_DC40: type of the IDoc and of the message.
const IDOC_TYPE: std::ops::Range<usize> = 39..69;
const MESSAGE_TYPE: std::ops::Range<usize> = 99..129;

fn idoc(text: &str) -> Option<String> {
    if !text.starts_with("EDI_DC40") {
        return Some("SAP IDoc (flat, of an old release)".to_string());
    }
    let line = text.lines().next()?;
    let column = |range: std::ops::Range<usize>| -> String {
        line.chars().skip(range.start).take(range.len()).collect::<String>().trim().to_string()
    };
    let (basic, message) = (column(IDOC_TYPE), column(MESSAGE_TYPE));
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '/'));
    Some(match (is_name(&message), is_name(&basic)) {
        (true, true) => format!("SAP IDoc {message} ({basic}, flat)"),
        (true, false) => format!("SAP IDoc {message} (flat)"),
        (false, true) => format!("SAP IDoc {basic} (flat)"),
        (false, false) => "SAP IDoc (flat)".to_string(),
    })
}
