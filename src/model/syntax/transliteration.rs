//! Letters that an encoding lacks, as the letters that stand for them: `Łódź` becomes `Lodz`, `Straße` `Strasse` where there is
//! no ß. What has no such letters stays as it is; whether that is an error is for others to say.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::encoding::Encoding;

/// What is more than a letter with a mark.
#[rustfmt::skip]
const LETTERS: [(char, &str); 40] = [
    ('ß', "ss"), ('ẞ', "SS"), ('æ', "ae"), ('Æ', "AE"), ('œ', "oe"), ('Œ', "OE"), ('ø', "o"), ('Ø', "O"), ('å', "a"), ('Å', "A"),
    ('ð', "d"), ('Ð', "D"), ('đ', "d"), ('Đ', "D"), ('þ', "th"), ('Þ', "Th"), ('ł', "l"), ('Ł', "L"), ('ı', "i"), ('ŋ', "n"),
    ('–', "-"), ('—', "-"), ('‐', "-"), ('−', "-"), ('‘', "'"), ('’', "'"), ('‚', "'"), ('“', "\""), ('”', "\""), ('„', "\""),
    ('«', "\""), ('»', "\""), ('…', "..."), ('•', "*"), ('€', "EUR"), ('£', "GBP"), ('×', "x"), ('\u{a0}', " "), ('™', "(TM)"), ('®', "(R)"),
];

/// The text in letters that the encoding has, as far as there are any.
pub fn transliterated(text: &str, encoding: &Encoding) -> String {
    let mut out = String::with_capacity(text.len());
    let mut bytes = Vec::new();
    let mut has = |text: &str| {
        bytes.clear();
        encoding.encode(text, &mut bytes).is_ok()
    };
    for c in text.chars() {
        let mut own = [0; 4];
        let own: &str = c.encode_utf8(&mut own);
        if has(own) {
            out.push(c);
            continue;
        }
        let listed = LETTERS.iter().find(|(letter, _)| *letter == c).map(|(_, words)| words.to_string());
        let bare = listed.unwrap_or_else(|| own.nfkd().filter(|c| !is_combining_mark(*c)).collect());
        out.push_str(if !bare.is_empty() && has(&bare) { &bare } else { own });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stand_in_only_where_there_is_none() {
        let table = [
            ("ascii", "Łódź – Straße “x” 5 €", "Lodz - Strasse \"x\" 5 EUR"),
            ("latin-1", "Łódź Straße", "Lódz Straße"),
            ("cp865", "Åsa Öberg, 漢", "Åsa Öberg, 漢"),
            ("utf-8", "Łódź", "Łódź"),
        ];
        for (encoding, text, expected) in table {
            assert_eq!(transliterated(text, &Encoding::named(encoding).unwrap()), expected);
        }
    }
}
