//! Sizes as people write them (`500 MB`), and the floor of a disk (`5 %, at most 1 GB`).

use super::keyed::Wrong;
use crate::model::decimal;
use crate::model::rules::room::Floor;

/// Units are those of disks' labels, thousands and not 1,024.
const UNITS: [(&str, u64); 4] = [("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000)];
const FORMS: &str = "expected something like \"5 %, at most 1 GB\", \"500 MB\", \"5 %\" or \"off\".";
/// A disk of which more has to stay free than is used takes nothing in.
const LARGEST_SHARE: i64 = 5_000;

pub fn floor(text: &str) -> Result<Floor, Wrong> {
    if text.trim() == "off" {
        return Ok(Floor::default());
    }
    let (first, second) = match text.split_once(',') {
        Some((first, second)) => (first, Some(second)),
        None => (text, None),
    };
    let limit = match second {
        None => None,
        Some(words) => {
            let size = words.trim().strip_prefix("at most").and_then(bytes);
            Some(size.ok_or_else(|| not_a_floor(text))?)
        }
    };
    match (share(first), bytes(first), limit) {
        (Some(share), _, bytes) if (1..=LARGEST_SHARE).contains(&share) => {
            Ok(Floor { per_10_000: u32::try_from(share).ok(), bytes })
        }
        (Some(_), ..) => Err(Wrong::new(format!("\"{}\" is out of bounds; expected 0.01 % to 50 %.", first.trim()))),
        (None, Some(size), None) => Ok(Floor { per_10_000: None, bytes: Some(size) }),
        _ => Err(not_a_floor(text)),
    }
}

fn not_a_floor(text: &str) -> Wrong {
    Wrong::new(format!("\"{text}\" does not say how much is to stay free; {FORMS}"))
}

fn share(text: &str) -> Option<i64> {
    let number = text.trim().strip_suffix('%')?;
    decimal::parse(number.trim().as_bytes(), b'.', 2).ok()
}

fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (_, unit) = UNITS.into_iter().find(|(word, _)| *word == text[split..].trim())?;
    text[..split].parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_are_shares_sizes_both_or_none() {
        let of = |per_10_000, bytes| Floor { per_10_000, bytes };
        for (text, expected) in [
            ("5 %, at most 1 GB", of(Some(500), Some(1_000_000_000))),
            ("0.5%", of(Some(50), None)),
            ("500 MB", of(None, Some(500_000_000))),
            ("2TB", of(None, Some(2_000_000_000_000))),
            ("off", Floor::default()),
        ] {
            assert_eq!(floor(text), Ok(expected), "{text}");
        }
        for text in
            ["", "5", "5 %, 1 GB", "500 MB, at most 1 GB", "51 %", "0 %", "5 MiB", "-1 MB", "99999999999 TB", "on"]
        {
            assert!(floor(text).is_err(), "{text}");
        }
    }
}
