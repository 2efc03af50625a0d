//! Check digits of the numbers that trade uses: EAN/GTIN, GLN, ISBN. Whether anybody asks is the intake's
//! `plausibility`; by default nobody does, since partners' own files do not always pass.
//!
//! Source of the forms: GS1 General Specifications (weights 3 and 1 from the right), ISO 2108 (ISBN-10: weights 10 to 2,
//! modulo 11, X for ten).

/// Why a number is not what its field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotIdentifier {
    /// Other characters than the form allows.
    Characters,
    /// Not as many digits as the form has.
    Length,
    /// The last digit should be this one.
    CheckDigit(char),
}

/// EAN-8, UPC-A (12), EAN-13 or GTIN-14.
pub fn ean(text: &str) -> Result<(), NotIdentifier> {
    gs1(text, &[8, 12, 13, 14])
}

/// ISBN-10 or ISBN-13, with or without hyphens.
pub fn isbn(text: &str) -> Result<(), NotIdentifier> {
    let plain: String = text.chars().filter(|c| *c != '-' && *c != ' ').collect();
    if plain.len() == 10 { isbn_10(&plain) } else { isbn_13(&plain) }
}

fn isbn_13(plain: &str) -> Result<(), NotIdentifier> {
    gs1(plain, &[13])?;
    // ISBN-13 are the EAN of Bookland, 978 and 979; another EAN here is no book number.
    if plain.starts_with("978") || plain.starts_with("979") { Ok(()) } else { Err(NotIdentifier::Characters) }
}

fn isbn_10(plain: &str) -> Result<(), NotIdentifier> {
    let (body, check) = plain.split_at_checked(9).ok_or(NotIdentifier::Characters)?;
    let digits = digits_of(body)?;
    let sum: u32 = digits.iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
    let expected = match (11 - sum % 11) % 11 {
        10 => 'X',
        digit => digit_char(digit),
    };
    match check.to_ascii_uppercase().as_str() {
        found if found.starts_with(expected) => Ok(()),
        "X" | "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" => Err(NotIdentifier::CheckDigit(expected)),
        _ => Err(NotIdentifier::Characters),
    }
}

fn gs1(text: &str, lengths: &[usize]) -> Result<(), NotIdentifier> {
    let digits = digits_of(text)?;
    if !lengths.contains(&digits.len()) {
        return Err(NotIdentifier::Length);
    }
    let (check, body) = digits.split_last().ok_or(NotIdentifier::Length)?;
    let sum: u32 = body.iter().rev().zip([3, 1].into_iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    let expected = (10 - sum % 10) % 10;
    if *check == expected { Ok(()) } else { Err(NotIdentifier::CheckDigit(digit_char(expected))) }
}

fn digits_of(text: &str) -> Result<Vec<u32>, NotIdentifier> {
    text.chars().map(|c| c.to_digit(10).ok_or(NotIdentifier::Characters)).collect()
}

fn digit_char(digit: u32) -> char {
    char::from_digit(digit, 10).expect("a remainder below ten is a digit")
}

#[cfg(test)]
mod tests {
    use super::*;
    use NotIdentifier::*;

    #[test]
    fn ean_of_every_length() {
        for (text, expected) in [
            ("96385074", Ok(())),
            ("036000291452", Ok(())),
            ("4006381333931", Ok(())),
            ("10614141000415", Ok(())),
            ("4006381333932", Err(CheckDigit('1'))),
            ("4006381333", Err(Length)),
            ("40063813339a1", Err(Characters)),
            ("400-6381333931", Err(Characters)),
            ("", Err(Length)),
            ("٤006381333931", Err(Characters)),
        ] {
            assert_eq!(ean(text), expected, "{text}");
        }
    }

    #[test]
    fn isbn_old_and_new() {
        for (text, expected) in [
            ("0-306-40615-2", Ok(())),
            ("080442957X", Ok(())),
            ("080442957x", Ok(())),
            ("0804429570", Err(CheckDigit('X'))),
            ("978-0-306-40615-7", Ok(())),
            ("9780306406158", Err(CheckDigit('7'))),
            ("4006381333931", Err(Characters)),
            ("08044295ÄX", Err(Characters)),
            ("080442957Q", Err(Characters)),
            ("12345", Err(Length)),
        ] {
            assert_eq!(isbn(text), expected, "{text}");
        }
    }

    #[test]
    fn one_wrong_digit_is_always_found() {
        let good = "4006381333931";
        for place in 0..good.len() {
            for digit in '0'..='9' {
                let mut text = good.to_string();
                text.replace_range(place..=place, &digit.to_string());
                assert_eq!(ean(&text).is_ok(), text == good, "{text}");
            }
        }
    }
}
