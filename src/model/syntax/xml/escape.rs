//! References and escapes: the five predefined entities and character references, and nothing else.

/// What `&name;` stands for; `None` for an entity of the sender's own, which is never expanded.
pub fn resolve(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) if all(hex, u8::is_ascii_hexdigit) => u32::from_str_radix(hex, 16).ok()?,
                None if all(number, u8::is_ascii_digit) => number.parse().ok()?,
                _ => return None,
            };
            char::from_u32(code).filter(|c| is_allowed(*c))
        }
    }
}

fn all(digits: &str, test: fn(&u8) -> bool) -> bool {
    !digits.is_empty() && digits.bytes().all(|b| test(&b))
}

/// May this character stand in XML 1.0 at all?
pub fn is_allowed(c: char) -> bool {
    (c >= ' ' || matches!(c, '\t' | '\n' | '\r')) && !matches!(c, '\u{FFFE}' | '\u{FFFF}')
}

/// Appends an attribute's value with references resolved and white space made blanks; `Err` is the reference refused.
pub fn push_attribute_value<'a>(raw: &'a str, out: &mut String) -> Result<(), &'a str> {
    let mut rest = raw;
    while let Some(at) = memchr::memchr2(b'&', b'\n', rest.as_bytes()).into_iter().chain(blank(rest)).min() {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        rest = match tail.as_bytes()[0] {
            b'&' => {
                let end = memchr::memchr(b';', tail.as_bytes()).ok_or(&tail[1..])?;
                out.push(resolve(&tail[1..end]).ok_or(&tail[1..end])?);
                &tail[end + 1..]
            }
            b'\r' if tail.as_bytes().get(1) == Some(&b'\n') => &tail[1..],
            _ => {
                out.push(' ');
                &tail[1..]
            }
        };
    }
    out.push_str(rest);
    Ok(())
}

fn blank(text: &str) -> Option<usize> {
    memchr::memchr2(b'\t', b'\r', text.as_bytes())
}

/// Appends text so that it reads back the same, in an element's content.
pub fn escape_text(text: &str, out: &mut String) {
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let replacement = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            // Readers turn a bare carriage return into a line feed.
            b'\r' => "&#13;",
            b'\t' | b'\n' => continue,
            // What XML cannot carry at all becomes a blank.
            0..0x20 => " ",
            0xEF if is_noncharacter(&text[at..]) => {
                out.push_str(&text[from..at]);
                out.push(' ');
                from = at + '\u{FFFE}'.len_utf8();
                continue;
            }
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push_str(replacement);
        from = at + 1;
    }
    out.push_str(&text[from..]);
}

fn is_noncharacter(text: &str) -> bool {
    text.starts_with(['\u{FFFE}', '\u{FFFF}'])
}

/// The same in a double-quoted attribute, where white space other than blanks would not survive.
pub fn escape_attribute(text: &str, out: &mut String) {
    let start = out.len();
    escape_text(text, out);
    if out[start..].contains(['"', '\n', '\t']) {
        let escaped = out[start..].replace('"', "&quot;").replace('\n', "&#10;").replace('\t', "&#9;");
        out.truncate(start);
        out.push_str(&escaped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_predefined_entities_and_allowed_characters_are_resolved() {
        let table = [
            ("amp", Some('&')),
            ("#228", Some('ä')),
            ("#xE4", Some('ä')),
            ("#0", None),
            ("#x0", None),
            ("#x1F", None),
            ("#xD800", None),
            ("#xFFFF", None),
            ("#x110000", None),
            ("#99999999999999999999", None),
            ("#+65", None),
            ("#", None),
            ("nbsp", None),
            ("", None),
        ];
        for (name, expected) in table {
            assert_eq!(resolve(name), expected, "{name}");
        }
    }

    #[test]
    fn attribute_values_are_normalised_and_refuse_unknown_references() {
        let read = |raw: &'static str| {
            let mut out = String::new();
            push_attribute_value(raw, &mut out).map(|()| out)
        };
        assert_eq!(read("a&amp;b\r\nc\td&#10;"), Ok("a&b c d\n".to_string()));
        assert_eq!(read("&boom;"), Err("boom"));
        assert_eq!(read("R&D"), Err("D"));
        assert_eq!(read("&amp"), Err("amp"));
    }
}
