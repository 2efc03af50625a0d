//! One place of an XML layout, taken apart: `party/id[@type=gln]/@list`.

use super::tree::Pick;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XmlPlace<'p> {
    /// Steps down from the record's element, empty for itself.
    pub path: &'p str,
    /// An attribute that the last step's element must have, and its value.
    pub wants: Option<(&'p str, &'p str)>,
    /// Which of several is meant.
    pub pick: Pick,
    /// The value is that of this attribute, with the layout's prefix.
    pub attribute: Option<&'p str>,
}

impl<'p> XmlPlace<'p> {
    pub fn parse(text: &'p str) -> Result<Self, String> {
        let Some((path, rest)) = text.split_once('[') else {
            let (path, attribute) = match text.rsplit_once('/') {
                Some((path, last)) if last.starts_with('@') => (path, Some(&last[1..])),
                None if text.starts_with('@') => ("", Some(&text[1..])),
                _ => (text, None),
            };
            return Ok(XmlPlace { path, wants: None, pick: Pick::One, attribute });
        };
        let wrong = || {
            format!(
                "\"{text}\" is not a place; brackets belong to the last element of a path and hold its number from 1, * for \
                 all, or an attribute with its value: note[1], note[*], price[@currency=EUR]. To choose an element by what \
                 stands in it, make it a record with when."
            )
        };
        let (inner, behind) = rest.split_once(']').ok_or_else(wrong)?;
        let attribute = match behind {
            "" => None,
            _ => Some(behind.strip_prefix("/@").filter(|name| !name.is_empty()).ok_or_else(wrong)?),
        };
        if path.is_empty() || path.ends_with('/') {
            return Err(wrong());
        }
        let place = XmlPlace { path, wants: None, pick: Pick::One, attribute };
        if let Some((name, value)) = inner.strip_prefix('@').and_then(|inner| inner.split_once('=')) {
            let value = value.trim();
            let bare = ['\'', '"'].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
            let name = name.trim();
            let name = name.rsplit(':').next().unwrap_or(name);
            return Ok(XmlPlace { wants: Some((name, bare.unwrap_or(value))), ..place });
        }
        match inner.trim() {
            "*" => Ok(XmlPlace { pick: Pick::All, ..place }),
            number => match number.parse::<u32>() {
                Ok(nth @ 1..) => Ok(XmlPlace { pick: Pick::Nth(nth), ..place }),
                _ => Err(wrong()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_taken_apart() {
        let of = |path, wants, pick, attribute| Ok(XmlPlace { path, wants, pick, attribute });
        assert_eq!(XmlPlace::parse("a/b"), of("a/b", None, Pick::One, None));
        assert_eq!(XmlPlace::parse("."), of(".", None, Pick::One, None));
        assert_eq!(XmlPlace::parse("@x"), of("", None, Pick::One, Some("x")));
        assert_eq!(XmlPlace::parse("a/@p:x"), of("a", None, Pick::One, Some("p:x")));
        assert_eq!(XmlPlace::parse("a/b[2]"), of("a/b", None, Pick::Nth(2), None));
        assert_eq!(XmlPlace::parse("b[*]/@x"), of("b", None, Pick::All, Some("x")));
        let urn = of("p:b", Some(("t", "urn:x/y")), Pick::One, None);
        assert_eq!(XmlPlace::parse("p:b[@q:t='urn:x/y']"), urn);
        for wrong in ["[1]", "a/[1]", "a[0]", "a[x=1]", "a[1]/b", "a[1", "a[@x=1]/"] {
            assert!(XmlPlace::parse(wrong).is_err(), "{wrong}");
        }
    }
}
