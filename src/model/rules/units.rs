//! Units: which codes of UN/ECE Recommendation 20 (and the package codes it takes from Recommendation 21, with X before
//! them) we know, and how a partner's word becomes one.
//!
//! First the partner's own map, then the code itself, else unknown: an unknown unit is `unit-unknown`, never 1:1.
//! The map comes first because partners use words that are codes of something else: `ST` is Stück to a German ERP and
//! "sheet" to the Recommendation. A code is kept as it came: `PCE` of the EDIFACT directories (not in the Recommendation)
//! and H87, C62, EA stay what they are and only count alike, so nothing that a partner said is lost.

use std::collections::BTreeMap;

/// Codes and what they mean, sorted by code. Names are ours, short, in English.
pub const KNOWN: [(&str, &str); 172] = [
    ("4G", "microlitre"),
    ("4H", "micrometre"),
    ("A44", "decalitre"),
    ("ACR", "acre"),
    ("AMP", "ampere"),
    ("ANN", "year"),
    ("BAR", "bar"),
    ("BFT", "board foot"),
    ("BLL", "barrel (US)"),
    ("BUA", "bushel (US)"),
    ("BUI", "bushel (UK)"),
    ("C26", "millisecond"),
    ("C62", "one"),
    ("CEL", "degree Celsius"),
    ("CEN", "hundred"),
    ("CLF", "hundred leaves"),
    ("CLT", "centilitre"),
    ("CMK", "square centimetre"),
    ("CMQ", "cubic centimetre"),
    ("CMT", "centimetre"),
    ("CTM", "metric carat"),
    ("CWA", "hundredweight (US)"),
    ("CWI", "hundredweight (UK)"),
    ("DAA", "decare"),
    ("DAY", "day"),
    ("DLT", "decilitre"),
    ("DMK", "square decimetre"),
    ("DMQ", "cubic decimetre"),
    ("DMT", "decimetre"),
    ("DPC", "dozen pieces"),
    ("DPR", "dozen pairs"),
    ("DZN", "dozen"),
    ("DZP", "dozen packs"),
    ("E27", "dose"),
    ("E34", "gigabyte"),
    ("E35", "terabyte"),
    ("E48", "service unit"),
    ("E49", "working day"),
    ("EA", "each"),
    ("FAH", "degree Fahrenheit"),
    ("FOT", "foot"),
    ("FTK", "square foot"),
    ("FTQ", "cubic foot"),
    ("GII", "gill (UK)"),
    ("GLI", "gallon (UK)"),
    ("GLL", "gallon (US)"),
    ("GRM", "gram"),
    ("GRO", "gross"),
    ("GWH", "gigawatt hour"),
    ("H87", "piece"),
    ("HAR", "hectare"),
    ("HLT", "hectolitre"),
    ("HTZ", "hertz"),
    ("HUR", "hour"),
    ("INH", "inch"),
    ("INK", "square inch"),
    ("INQ", "cubic inch"),
    ("JOU", "joule"),
    ("KEL", "kelvin"),
    ("KGM", "kilogram"),
    ("KHZ", "kilohertz"),
    ("KJO", "kilojoule"),
    ("KMH", "kilometre per hour"),
    ("KMK", "square kilometre"),
    ("KMT", "kilometre"),
    ("KPA", "kilopascal"),
    ("KT", "kit"),
    ("KVA", "kilovolt ampere"),
    ("KVT", "kilovolt"),
    ("KWH", "kilowatt hour"),
    ("KWT", "kilowatt"),
    ("LBR", "pound"),
    ("LEF", "leaf"),
    ("LM", "linear metre"),
    ("LPA", "litre of pure alcohol"),
    ("LR", "layer"),
    ("LS", "lump sum"),
    ("LTN", "long ton (UK)"),
    ("LTR", "litre"),
    ("MAW", "megawatt"),
    ("MC", "microgram"),
    ("MGM", "milligram"),
    ("MHZ", "megahertz"),
    ("MIL", "thousand"),
    ("MIN", "minute"),
    ("MIO", "million"),
    ("MLT", "millilitre"),
    ("MMK", "square millimetre"),
    ("MMQ", "cubic millimetre"),
    ("MMT", "millimetre"),
    ("MON", "month"),
    ("MTK", "square metre"),
    ("MTQ", "cubic metre"),
    ("MTR", "metre"),
    ("MWH", "megawatt hour"),
    ("NAR", "number of articles"),
    ("NEW", "newton"),
    ("NIU", "number of international units"),
    ("NMB", "number"),
    ("NMP", "number of packs"),
    ("NPR", "number of pairs"),
    ("ONZ", "ounce"),
    ("OZA", "fluid ounce (US)"),
    ("OZI", "fluid ounce (UK)"),
    ("P1", "percent"),
    ("PAL", "pascal"),
    ("PCE", "piece, as the EDIFACT directories write it"),
    ("PR", "pair"),
    ("PTI", "pint (UK)"),
    ("PTL", "liquid pint (US)"),
    ("QAN", "quarter of a year"),
    ("QTI", "quart (UK)"),
    ("QTL", "liquid quart (US)"),
    ("RM", "ream"),
    ("SEC", "second"),
    ("SET", "set"),
    ("SMI", "mile"),
    ("ST", "sheet"),
    ("STN", "short ton (US)"),
    ("SW", "skein"),
    ("TNE", "tonne"),
    ("TPR", "ten pairs"),
    ("VLT", "volt"),
    ("WEE", "week"),
    ("WTT", "watt"),
    ("X1A", "drum, steel"),
    ("XAE", "aerosol"),
    ("XAM", "ampoule"),
    ("XBA", "barrel"),
    ("XBC", "bottle crate"),
    ("XBE", "bundle"),
    ("XBG", "bag"),
    ("XBH", "bunch"),
    ("XBJ", "bucket"),
    ("XBK", "basket"),
    ("XBO", "bottle"),
    ("XBR", "bar"),
    ("XBX", "box"),
    ("XCA", "can, rectangular"),
    ("XCG", "cage"),
    ("XCI", "canister"),
    ("XCR", "crate"),
    ("XCS", "case"),
    ("XCT", "carton"),
    ("XCU", "cup"),
    ("XCX", "can, cylindrical"),
    ("XDR", "drum"),
    ("XEN", "envelope"),
    ("XJR", "jar"),
    ("XJY", "jerrican, cylindrical"),
    ("XKG", "keg"),
    ("XP2", "pan"),
    ("XPA", "packet"),
    ("XPC", "parcel"),
    ("XPK", "package"),
    ("XPO", "pouch"),
    ("XPP", "piece"),
    ("XPU", "tray"),
    ("XPX", "pallet"),
    ("XRL", "reel"),
    ("XRO", "roll"),
    ("XSA", "sack"),
    ("XSC", "shallow crate"),
    ("XSH", "sachet"),
    ("XST", "sheet"),
    ("XSX", "set"),
    ("XTB", "tub"),
    ("XTK", "rectangular tank"),
    ("XTU", "tube"),
    ("XVI", "vial"),
    ("YDK", "square yard"),
    ("YRD", "yard"),
];

/// Codes that each count single things: between them a quantity stays the same.
const PIECES: [&str; 6] = ["C62", "EA", "H87", "NMB", "PCE", "XPP"];

/// What a unit that a partner sent means to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolved<'a> {
    Code(&'a str),
    Unknown,
}

/// `map`: the partner's words → codes.
pub fn resolve<'a>(sent: &'a str, map: &'a BTreeMap<String, String>) -> Resolved<'a> {
    match map.get(sent) {
        Some(code) => Resolved::Code(code),
        None if is_known(sent) => Resolved::Code(sent),
        None => Resolved::Unknown,
    }
}

/// The partner's own word for a code, where his map has one: the way back. Of several the first in the alphabet.
pub fn word_for<'a>(code: &'a str, map: &'a BTreeMap<String, String>) -> &'a str {
    map.iter().find(|(_, c)| *c == code).map_or(code, |(word, _)| word)
}

pub fn is_known(code: &str) -> bool {
    KNOWN.binary_search_by_key(&code, |(known, _)| known).is_ok()
}

/// What a code means, for people.
pub fn title(code: &str) -> Option<&'static str> {
    KNOWN.binary_search_by_key(&code, |(known, _)| known).ok().map(|at| KNOWN[at].1)
}

/// The same code, or both count single pieces: a quantity in one is the same quantity in the other.
pub fn count_alike(one: &str, other: &str) -> bool {
    one == other || PIECES.contains(&one) && PIECES.contains(&other)
}

/// Could this be a code that our list lacks? Two or three capitals and digits.
pub fn has_form_of_code(text: &str) -> bool {
    matches!(text.len(), 2 | 3) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_well_formed() {
        assert!(KNOWN.is_sorted_by(|a, b| a.0 < b.0));
        for (code, title) in KNOWN {
            assert!(has_form_of_code(code) && !title.is_empty(), "{code}");
        }
        assert!(PIECES.into_iter().all(is_known));
    }

    #[test]
    fn the_partners_words_come_first_and_nothing_is_guessed() {
        let map = BTreeMap::from([("ST".to_string(), "H87".to_string()), ("Karton".to_string(), "XCT".to_string())]);
        let none = BTreeMap::new();
        assert_eq!(resolve("ST", &map), Resolved::Code("H87"));
        assert_eq!(resolve("ST", &none), Resolved::Code("ST"));
        assert_eq!(resolve("Karton", &map), Resolved::Code("XCT"));
        assert_eq!(resolve("KGM", &map), Resolved::Code("KGM"));
        assert_eq!(resolve("PCE", &map), Resolved::Code("PCE"));
        for word in ["Stk", "kgm", "", " KGM", "ZZZ"] {
            assert_eq!(resolve(word, &map), Resolved::Unknown, "{word}");
        }
        assert_eq!((word_for("H87", &map), word_for("KGM", &map)), ("ST", "KGM"));
        assert_eq!((title("KGM"), title("ZZZ")), (Some("kilogram"), None));
    }

    #[test]
    fn only_pieces_count_alike() {
        assert!(count_alike("PCE", "H87") && count_alike("KGM", "KGM"));
        assert!(!count_alike("PCE", "XBX") && !count_alike("KGM", "GRM") && !count_alike("PR", "H87"));
    }
}
