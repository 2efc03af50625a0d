//! When two registrations may mean one company or one person: the same VAT number, or the same e-mail address and postcode,
//! however they are written. Owns how the two are compared; looking them up is the store's, deciding is a person's.

/// A VAT number as it is compared: capitals and digits alone. With and without its country, since many leave that out.
pub fn vat_keys(vat_no: &str, country: Option<&str>) -> Vec<String> {
    let bare: String = vat_no.chars().filter(|c| !" .-/".contains(*c)).collect::<String>().to_ascii_uppercase();
    // Less than any country's: a word like "none" is nobody's number.
    if bare.chars().filter(char::is_ascii_digit).count() < DIGITS_LEAST {
        return Vec::new();
    }
    let mut keys = vec![bare.clone()];
    match bare.char_indices().nth(2) {
        Some((at, _)) if bare[..at].bytes().all(|b| b.is_ascii_uppercase()) => keys.push(bare[at..].to_string()),
        _ => keys.extend(country.map(|country| format!("{}{bare}", prefix(country)))),
    }
    keys
}

const DIGITS_LEAST: usize = 5;

/// Greece writes its numbers with EL.
fn prefix(country: &str) -> &str {
    if country == "GR" { "EL" } else { country }
}

/// An e-mail address as it is compared; none where there is none.
pub fn email_key(email: &str) -> Option<String> {
    let key = email.trim().to_ascii_lowercase();
    key.contains('@').then_some(key)
}

/// A postcode as it is compared.
pub fn zip_key(zip: &str) -> Option<String> {
    let key: String = zip.chars().filter(|c| !" -".contains(*c)).collect();
    (!key.is_empty()).then(|| key.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_in_many_writings() {
        for (sent, country, expected) in [
            ("DE123456789", None, vec!["DE123456789", "123456789"]),
            ("de 123.456-789", Some("DE"), vec!["DE123456789", "123456789"]),
            ("123456789", Some("DE"), vec!["123456789", "DE123456789"]),
            ("094259216", Some("GR"), vec!["094259216", "EL094259216"]),
            ("123456789", None, vec!["123456789"]),
            ("NL 1234.56.789.B01", Some("NL"), vec!["NL123456789B01", "123456789B01"]),
            ("keine", Some("DE"), vec![]),
            ("", None, vec![]),
        ] {
            assert_eq!(vat_keys(sent, country), expected, "{sent} {country:?}");
        }
    }

    #[test]
    fn addresses_and_postcodes() {
        assert_eq!(email_key(" Info@Lampe.Example "), Some("info@lampe.example".into()));
        assert_eq!(email_key("none"), None);
        assert_eq!(zip_key("1011 ab"), Some("1011AB".into()));
        assert_eq!(zip_key(" - "), None);
    }
}
