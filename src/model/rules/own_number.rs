//! Numbers of an order or a customer in the names of files we write: which there are, what of them was seen while a file was composed, and
//! how a number stands in a name.
//!
//! A number is the sender's text and may hold anything. What a file name cannot hold everywhere is written as `=` and its two
//! hexadecimal digits, byte by byte; as `=` itself is written so too, two numbers never become one name by it.

/// A number cut to this length still leaves room for two of them in a name.
pub const LONGEST_BYTES: usize = 64;
/// Behind `==`, of a number that had to be cut: 64 bits of the hash of all of it.
const HASH_DIGITS: usize = 16;
/// The order has no such number. No number reads so: `=` is followed by two hexadecimal digits or by another `=`.
const NONE: &str = "=none";
/// The file holds orders that differ in it, since it is one of several orders told once more.
const SEVERAL: &str = "=several";
/// What MS-DOS and its heirs keep for devices, with any ending.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2",
    "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// A number that a name may carry; each is a field of the messages' head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnNumber {
    Order,
    BuyerOrder,
    Customer,
    /// The number of a question, in the name of its answer.
    Question,
}

impl OwnNumber {
    pub const ALL: [OwnNumber; 4] = [OwnNumber::Order, OwnNumber::BuyerOrder, OwnNumber::Customer, OwnNumber::Question];

    /// The field, and the placeholder.
    pub fn field(self) -> &'static str {
        match self {
            OwnNumber::Order => "order_no",
            OwnNumber::BuyerOrder => "buyer_order_no",
            OwnNumber::Customer => "customer_no",
            OwnNumber::Question => "request_id",
        }
    }

    pub fn named(field: &str) -> Option<OwnNumber> {
        OwnNumber::ALL.into_iter().find(|number| number.field() == field)
    }
}

/// What the messages of one file say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnNumbers([Seen; 4]);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Seen {
    #[default]
    Nothing,
    One(String),
    Several,
}

impl OwnNumbers {
    /// Of one more message; empty where it has none.
    pub fn see(&mut self, number: OwnNumber, value: &str) {
        let seen = &mut self.0[number as usize];
        match seen {
            Seen::Nothing => *seen = Seen::One(value.to_string()),
            Seen::One(before) if before != value => *seen = Seen::Several,
            Seen::One(_) | Seen::Several => {}
        }
    }

    /// As it stands in a name. `is_marked`: also its first character is written as digits, see `is_device`.
    pub fn in_name(&self, number: OwnNumber, is_marked: bool) -> String {
        match &self.0[number as usize] {
            Seen::One(value) if !value.is_empty() => written(value, is_marked),
            Seen::One(_) | Seen::Nothing => NONE.to_string(),
            Seen::Several => SEVERAL.to_string(),
        }
    }
}

/// A name that some of our partners' computers take for a device.
pub fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name);
    DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device))
}

/// Could this have been written for a number? Names of other people's files are asked too.
pub fn is_written(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_BYTES && text.bytes().all(|byte| is_kept(byte) || byte == b'=')
}

/// No dot or hyphen stands first: those make hidden files, and options of commands.
fn written(value: &str, is_marked: bool) -> String {
    let mut name = String::new();
    let mut whole = true;
    for (at, byte) in value.bytes().enumerate() {
        let stays = is_kept(byte) && (at > 0 || !is_marked && !b".-".contains(&byte));
        let bytes = if stays { 1 } else { 3 };
        if name.len() + bytes > LONGEST_BYTES {
            whole = false;
            break;
        }
        if stays { name.push(byte.into()) } else { name.push_str(&format!("={byte:02X}")) }
    }
    if !whole {
        let hash = blake3::hash(value.as_bytes()).to_hex();
        name = format!("{}=={}", start_of(&name, LONGEST_BYTES - HASH_DIGITS - 2), &hash[..HASH_DIGITS]);
    }
    name
}

/// So many bytes of what is written at most, and no half of `=2F`.
fn start_of(written: &str, most: usize) -> &str {
    let cut = written[..most].rfind('=').filter(|at| at + 3 > most).unwrap_or(most);
    &written[..cut]
}

/// Stands for itself, as in the patterns of names.
fn is_kept(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.+,@()".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> String {
        let mut own = OwnNumbers::default();
        own.see(OwnNumber::Order, value);
        own.in_name(OwnNumber::Order, false)
    }

    #[test]
    fn what_a_name_cannot_hold_is_written_as_digits() {
        for (value, expected) in [
            ("4711", "4711"),
            ("A-2026.001_b", "A-2026.001_b"),
            ("2026/17", "2026=2F17"),
            (r"..\..\boot.ini", "=2E.=5C..=5Cboot.ini"),
            ("../x", "=2E.=2Fx"),
            (".hidden", "=2Ehidden"),
            ("-rf", "=2Drf"),
            ("a\0b\r\nc", "a=00b=0D=0Ac"),
            ("Å 7", "=C3=85=207"),
            ("a~b", "a=7Eb"),
            ("2=2F", "2=3D2F"),
            ("", "=none"),
            ("=none", "=3Dnone"),
            ("*?:<>|\"%$&;'`", "=2A=3F=3A=3C=3E=7C=22=25=24=26=3B=27=60"),
        ] {
            assert_eq!(of(value), expected, "{value:?}");
            assert!(is_written(&of(value)), "{value:?}");
        }
        for text in ["", "a/b", "a b", "ü", &"x".repeat(65)] {
            assert!(!is_written(text), "{text}");
        }
    }

    /// All texts of some bytes that matter, up to four of them: no two are written alike.
    #[test]
    fn no_two_numbers_are_written_alike() {
        let mut seen = std::collections::HashMap::new();
        let mut texts = vec![String::new()];
        for _ in 0..4 {
            texts = texts.iter().flat_map(|text| "=2Fn./-ö".chars().map(move |c| format!("{text}{c}"))).collect();
            for text in &texts {
                let other = seen.insert(of(text), text.clone());
                assert!(other.is_none(), "{text:?} and {other:?}");
            }
        }
    }

    #[test]
    fn long_numbers_are_cut_and_stay_apart() {
        let (long, longer) = ("ö".repeat(40), "ö".repeat(41));
        for (value, length) in [("x".repeat(64), 64), ("x".repeat(65), 64), (long.clone(), 63), (longer.clone(), 63)] {
            let name = of(&value);
            assert_eq!((name.len(), name.contains("==")), (length, value.len() != 64), "{name}");
        }
        assert_ne!(of(&long), of(&longer));
        // No half of a character's digits.
        assert_eq!(of(&long).split_once("==").map(|(start, hash)| (start.len(), hash.len())), Some((45, 16)));
    }

    #[test]
    fn a_file_of_several_orders_names_none_of_them() {
        let mut own = OwnNumbers::default();
        for (order, customer) in [("1", "K7"), ("2", "K7")] {
            own.see(OwnNumber::BuyerOrder, order);
            own.see(OwnNumber::Customer, customer);
        }
        let names = OwnNumber::ALL.map(|number| own.in_name(number, false));
        assert_eq!(names, ["=none", "=several", "K7", "=none"]);
    }

    #[test]
    fn devices_are_known_whatever_their_ending() {
        for (name, expected) in
            [("CON.xml", true), ("nul", true), ("Com1.tar.gz", true), ("console.xml", false), ("COM10.xml", false)]
        {
            assert_eq!(is_device(name), expected, "{name}");
        }
    }
}
