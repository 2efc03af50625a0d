//! Names at a remote: those of ours (claims, uploads, old ones put aside), and which of the others' can be taken at all.
//! The mark, five letters of chance that stand in the spool, tells ours from those of another Nattpost on the same folder.

use super::ids::Id;

/// What most file systems take; beyond it a name of ours is cut in its middle, keeping the end.
const NAME_BYTES_MAX: usize = 255;
pub const MARK_LENGTH: usize = 5;

/// A name of the form that we give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ours<'a> {
    /// A partner's file that we renamed to fetch it; its own name may have been cut.
    Claim { id: Id, name: &'a [u8], mark: &'a [u8] },
    /// Being sent.
    Upload { run: Id, mark: &'a [u8] },
    /// What stood under the final name, where the server does not rename over it.
    Aside { run: Id, mark: &'a [u8] },
}

impl<'a> Ours<'a> {
    pub fn mark(&self) -> &'a [u8] {
        match self {
            Ours::Claim { mark, .. } | Ours::Upload { mark, .. } | Ours::Aside { mark, .. } => mark,
        }
    }
}

/// Why a name cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Odd {
    Empty,
    Folder,
    LineEnd,
    TooLong,
}

impl Odd {
    /// For the person who has to rename it there.
    pub fn words(self) -> &'static str {
        match self {
            Odd::Empty => "it has no name",
            Odd::Folder => "its name leads into another folder",
            Odd::LineEnd => "its name has a line end or NUL in it, which no command can carry",
            Odd::TooLong => "its name is longer than 255 bytes",
        }
    }
}

/// `<id>~<name>.<mark>.taken`
pub fn claim_name(id: Id, name: &[u8], mark: &str) -> Vec<u8> {
    cut(&format!("{id}~"), name, &format!(".{mark}.taken"))
}

/// `<name>.<run-id>.<mark>.part`
pub fn upload_name(name: &[u8], run: Id, mark: &str) -> Vec<u8> {
    cut("", name, &format!(".{run}.{mark}.part"))
}

/// `<name>.<run-id>.<mark>.old`
pub fn aside_name(name: &[u8], run: Id, mark: &str) -> Vec<u8> {
    cut("", name, &format!(".{run}.{mark}.old"))
}

fn cut(before: &str, name: &[u8], behind: &str) -> Vec<u8> {
    let room = NAME_BYTES_MAX.saturating_sub(before.len() + behind.len());
    let mut whole = before.as_bytes().to_vec();
    whole.extend_from_slice(&name[..name.len().min(room)]);
    whole.extend_from_slice(behind.as_bytes());
    whole
}

/// A name of our forms, with any mark. A partner's own `x.taken` is not of them.
pub fn read_ours(name: &[u8]) -> Option<Ours<'_>> {
    let dot = name.iter().rposition(|&b| b == b'.')?;
    let (rest, ending) = (&name[..dot], &name[dot + 1..]);
    let (rest, mark) = rest.split_at_checked(rest.len().checked_sub(MARK_LENGTH + 1)?)?;
    let mark = mark.strip_prefix(b".").filter(|mark| mark.iter().all(u8::is_ascii_lowercase))?;
    if ending == b"taken" {
        let (id, name) = super::ids::split_prefixed(rest)?;
        return Some(Ours::Claim { id, name, mark });
    }
    let dot = rest.iter().rposition(|&b| b == b'.')?;
    let run = Id::parse(std::str::from_utf8(&rest[dot + 1..]).ok()?)?;
    match ending {
        b"part" => Some(Ours::Upload { run, mark }),
        b"old" => Some(Ours::Aside { run, mark }),
        _ => None,
    }
}

/// A bare list may name `folder/x`: what follows the last `/` of exactly this folder is the name.
pub fn plain<'a>(folder: &[u8], name: &'a [u8]) -> &'a [u8] {
    let bare = name.strip_prefix(b"./").unwrap_or(name);
    bare.strip_prefix(folder).and_then(|rest| rest.strip_prefix(b"/")).filter(|_| !folder.is_empty()).unwrap_or(bare)
}

/// Can a command carry it, and does it lead nowhere else?
pub fn is_takeable(name: &[u8]) -> Result<(), Odd> {
    match name {
        b"" => Err(Odd::Empty),
        b"." | b".." => Err(Odd::Folder),
        _ if name.iter().any(|b| matches!(b, b'/' | b'\\')) => Err(Odd::Folder),
        _ if name.iter().any(|b| matches!(b, 0 | b'\r' | b'\n')) => Err(Odd::LineEnd),
        _ if name.len() > NAME_BYTES_MAX => Err(Odd::TooLong),
        _ => Ok(()),
    }
}

/// Being written, hidden, or ours: never a candidate, and nothing to tell anybody.
pub fn is_passed_over(name: &[u8]) -> bool {
    let ends =
        |ending: &[u8]| name.len() > ending.len() && name[name.len() - ending.len()..].eq_ignore_ascii_case(ending);
    name.starts_with(b".") || ends(b".part") || ends(b".tmp") || ends(b".filepart") || read_ours(name).is_some()
}

/// Does the pattern fit the whole name? `*` stands for any bytes, `?` for one.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == b'?' || c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                // The last star takes one byte more.
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, n) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> Id {
        Id::new(1_795_300_000_000, 7)
    }

    #[test]
    fn names_of_ours_are_read_back() {
        let claim = claim_name(id(), b"or ders~1.csv", "abcde");
        assert_eq!(read_ours(&claim), Some(Ours::Claim { id: id(), name: b"or ders~1.csv", mark: b"abcde" }));
        assert_eq!(
            read_ours(&upload_name(b"stock.csv", id(), "vwxyz")),
            Some(Ours::Upload { run: id(), mark: b"vwxyz" })
        );
        assert_eq!(
            read_ours(&aside_name(b"stock.csv", id(), "vwxyz")),
            Some(Ours::Aside { run: id(), mark: b"vwxyz" })
        );
        for stranger in
            [&b"x.taken"[..], b"a.b.taken", b"stock.part", b"", b".", b"x.abcde.part", b"orders.csv.abcde.taken"]
        {
            assert_eq!(read_ours(stranger), None, "{}", String::from_utf8_lossy(stranger));
        }
    }

    #[test]
    fn long_names_keep_their_end() {
        let long = vec![b'n'; 255];
        for name in
            [claim_name(id(), &long, "abcde"), upload_name(&long, id(), "abcde"), aside_name(&long, id(), "abcde")]
        {
            assert_eq!(name.len(), NAME_BYTES_MAX);
            assert!(read_ours(&name).is_some());
        }
    }

    #[test]
    fn odd_names_are_told_apart() {
        for (name, odd) in [
            (&b"orders 1.csv"[..], Ok(())),
            (b" x ", Ok(())),
            (b"\xfc.csv", Ok(())),
            (b"-a", Ok(())),
            (b"../x", Err(Odd::Folder)),
            (b"a/b", Err(Odd::Folder)),
            (b"a\\b", Err(Odd::Folder)),
            (b"..", Err(Odd::Folder)),
            (b"a\rb", Err(Odd::LineEnd)),
            (b"a\0", Err(Odd::LineEnd)),
            (b"", Err(Odd::Empty)),
            (&[b'x'; 256], Err(Odd::TooLong)),
        ] {
            assert_eq!(is_takeable(name), odd, "{}", String::from_utf8_lossy(name));
        }
        assert_eq!(plain(b"/out", b"/out/x.csv"), b"x.csv");
        assert_eq!(plain(b"out", b"./x.csv"), b"x.csv");
        assert_eq!(plain(b"out", b"other/x.csv"), b"other/x.csv");
    }

    #[test]
    fn what_is_being_written_is_passed_over() {
        for name in [&b".x"[..], b"x.part", b"x.TMP", b"x.filepart", &claim_name(id(), b"a", "abcde")] {
            assert!(is_passed_over(name), "{}", String::from_utf8_lossy(name));
        }
        for name in [&b"x"[..], b"x.taken", b"part", b"x.parts"] {
            assert!(!is_passed_over(name), "{}", String::from_utf8_lossy(name));
        }
    }

    #[test]
    fn patterns_fit_whole_names() {
        for (pattern, name, fits) in [
            ("*", "", true),
            ("orders*.csv", "orders-1.csv", true),
            ("orders*.csv", "orders.csv.bak", false),
            ("*a*b", "xaxbxb", true),
            ("?.csv", "a.csv", true),
            ("?.csv", ".csv", false),
            ("a", "ab", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), fits, "{pattern} {name}");
        }
    }
}
