//! File names in state folders: `<id>~<name>`, with `.reason.txt` or `.reject` behind it for what goes with an original.
//! Raw bytes all along: names need not be UTF-8 and may hold line ends. A name that would not fit is cut, the ledger keeps
//! the whole one.

use crate::model::ids::Id;

/// What a file name may have on Linux.
const NAME_MAX_BYTES: usize = 255;
/// Room kept behind every name, so that an original and what goes with it share the part before it.
const SUFFIX_ROOM: usize = REASON.len();
const REASON: &[u8] = b".reason.txt";
const REJECT: &[u8] = b".reject";
/// A longer "extension" is rather a part of the name.
const EXTENSION_MAX_BYTES: usize = 16;

/// What a file in a state folder is of its original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Original,
    /// What is wrong, for a person.
    Reason,
    /// The refused part, to be corrected and dropped again.
    Reject,
}

impl Role {
    fn suffix(self) -> &'static [u8] {
        match self {
            Role::Original => b"",
            Role::Reason => REASON,
            Role::Reject => REJECT,
        }
    }
}

/// The name of a file of this id in a state folder; `raw` is its name as dropped.
pub fn state_name(id: Id, raw: &[u8], role: Role) -> Vec<u8> {
    let prefix = id.as_str().as_bytes();
    let mut name = Vec::with_capacity(NAME_MAX_BYTES);
    name.extend_from_slice(prefix);
    name.push(b'~');
    cut_into(&mut name, raw, NAME_MAX_BYTES - SUFFIX_ROOM);
    name.extend_from_slice(role.suffix());
    name
}

/// The archive of an intake's originals in the folder of their day. No name of ours with an id is like it.
pub fn day_archive_name(intake: &str, number: i64) -> Vec<u8> {
    format!("{intake}.{number}.zip").into_bytes()
}

/// What a found name with our id is, given the raw name that the ledger has for the id; `None` when it is none of them
/// (dropped again under a name of its own). Only the ledger can tell: a partner's own file may be called `x.reason.txt`.
pub fn role_of(found: &[u8], id: Id, raw: &[u8]) -> Option<Role> {
    [Role::Original, Role::Reason, Role::Reject].into_iter().find(|&role| state_name(id, raw, role) == found)
}

fn cut_into(name: &mut Vec<u8>, raw: &[u8], max: usize) {
    let room = max - name.len();
    if raw.len() <= room {
        name.extend_from_slice(raw);
        return;
    }
    let extension = match raw.iter().rposition(|&b| b == b'.') {
        Some(dot) if dot > 0 && raw.len() - dot <= EXTENSION_MAX_BYTES => &raw[dot..],
        _ => b"",
    };
    let stem = boundary(raw, room - extension.len());
    name.extend_from_slice(&raw[..stem]);
    name.extend_from_slice(extension);
}

/// The largest cut not behind `at` that does not split a UTF-8 character; bytes that are no UTF-8 are cut anywhere.
fn boundary(raw: &[u8], at: usize) -> usize {
    let is_continuation = |&i: &usize| raw[i] & 0b1100_0000 == 0b1000_0000;
    (at.saturating_sub(3)..=at).rev().find(|i| !is_continuation(i)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::split_prefixed;

    fn id() -> Id {
        Id::new(1_795_300_000_000, 7)
    }

    #[test]
    fn short_names_stay_as_they_are() {
        for raw in [&b"orders.csv"[..], b"a\nb", b"\xff\xfe.x", b"..", b"~"] {
            let name = state_name(id(), raw, Role::Original);
            assert_eq!(split_prefixed(&name), Some((id(), raw)));
        }
    }

    #[test]
    fn long_names_are_cut_and_keep_their_extension() {
        let cases: [(Vec<u8>, &[u8]); 4] = [
            ([b"x".repeat(251), b".csv".to_vec()].concat(), b".csv"),
            ("ü".repeat(127).into_bytes(), b""),
            ([b"\x80".repeat(250), b".xml".to_vec()].concat(), b".xml"),
            ([b"x".repeat(100), b".".to_vec(), b"y".repeat(154)].concat(), b""),
        ];
        for (raw, extension) in cases {
            let original = state_name(id(), &raw, Role::Original);
            let reason = state_name(id(), &raw, Role::Reason);
            assert!(original.len() <= 244 && original.len() >= 240, "{}", original.len());
            assert!(original.ends_with(extension));
            assert_eq!(reason, [&original[..], REASON].concat());
            assert!(reason.len() <= NAME_MAX_BYTES);
            assert_eq!(std::str::from_utf8(&raw).is_ok(), std::str::from_utf8(&original).is_ok());
        }
    }

    #[test]
    fn the_ledgers_name_tells_reason_from_original() {
        let cases: [(&[u8], &[u8], Option<Role>); 5] = [
            (b"x.csv", b"x.csv", Some(Role::Original)),
            (b"x.csv", b"x.csv.reason.txt", Some(Role::Reason)),
            (b"x.csv.reason.txt", b"x.csv.reason.txt", Some(Role::Original)),
            (b"x.csv", b"x.csv.reject", Some(Role::Reject)),
            (b"x.csv", b"x-corrected.csv", None),
        ];
        for (raw, rest, role) in cases {
            let found = [id().as_str().as_bytes(), b"~", rest].concat();
            assert_eq!(role_of(&found, id(), raw), role);
        }
    }
}
