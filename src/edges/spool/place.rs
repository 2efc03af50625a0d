//! The state folders and where a file stands in them. A folder is a state: this is the one list of them, and with
//! `Spool::path` the only place where a path below the root is put together. Names are checked here, so that nothing from
//! a configuration or a partner's file can lead out of the spool.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use chrono::NaiveDate;

/// One of the folders right below the root (held/ has two).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Being written by us; never read.
    Tmp,
    /// Local drops.
    In,
    /// Claimed.
    Work,
    /// Something of it was applied, or it was unchanged, duplicate, stale.
    Done,
    /// Originals of which nothing was taken; reasons and rejects of partly taken ones.
    Failed,
    /// A locked inbound file.
    HeldIn,
    /// Composed, locked until released.
    HeldOut,
    /// Composed, not yet committed.
    Staged,
    /// Committed, to be delivered or picked up.
    Out,
    /// Delivered.
    Sent,
    /// What the command line asks the daemon to do.
    Commands,
}

impl State {
    pub const ALL: [State; 11] = [
        State::Tmp,
        State::In,
        State::Work,
        State::Done,
        State::Failed,
        State::HeldIn,
        State::HeldOut,
        State::Staged,
        State::Out,
        State::Sent,
        State::Commands,
    ];

    /// Below the root, as people write it.
    pub fn folder(self) -> &'static str {
        match self {
            State::Tmp => "tmp",
            State::In => "in",
            State::Work => "work",
            State::Done => "done",
            State::Failed => "failed",
            State::HeldIn => "held/in",
            State::HeldOut => "held/out",
            State::Staged => "staged",
            State::Out => "out",
            State::Sent => "sent",
            State::Commands => "commands",
        }
    }
}

/// A folder that holds files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place<'a> {
    Tmp,
    In {
        partner: &'a str,
        intake: &'a str,
    },
    Work {
        partner: &'a str,
        intake: &'a str,
    },
    /// The day of the verdict in the configured zone.
    Done {
        partner: &'a str,
        day: NaiveDate,
    },
    Failed {
        partner: &'a str,
        intake: &'a str,
    },
    HeldIn {
        partner: &'a str,
        intake: &'a str,
    },
    HeldOut {
        partner: &'a str,
    },
    Staged,
    /// `folder` may be empty, or several levels with `/` between.
    Out {
        partner: &'a str,
        folder: &'a str,
    },
    Sent {
        partner: &'a str,
        day: NaiveDate,
    },
    Commands,
}

impl<'a> Place<'a> {
    pub fn state(&self) -> State {
        match self {
            Place::Tmp => State::Tmp,
            Place::In { .. } => State::In,
            Place::Work { .. } => State::Work,
            Place::Done { .. } => State::Done,
            Place::Failed { .. } => State::Failed,
            Place::HeldIn { .. } => State::HeldIn,
            Place::HeldOut { .. } => State::HeldOut,
            Place::Staged => State::Staged,
            Place::Out { .. } => State::Out,
            Place::Sent { .. } => State::Sent,
            Place::Commands => State::Commands,
        }
    }

    /// Below the root, for people, log lines and the ledger: `work/shop/orders`.
    pub fn relative(&self) -> io::Result<PathBuf> {
        let mut path = PathBuf::new();
        self.push_onto(&mut path)?;
        Ok(path)
    }

    /// Goes on from a folder to this place: paths are made several times for every file, so in one piece.
    pub(super) fn push_onto(&self, path: &mut PathBuf) -> io::Result<()> {
        path.push(self.state().folder());
        let mut push = |part: &str| checked(part.as_bytes()).map(|part| path.push(part));
        match *self {
            Place::Tmp | Place::Staged | Place::Commands => Ok(()),
            Place::In { partner, intake }
            | Place::Work { partner, intake }
            | Place::Failed { partner, intake }
            | Place::HeldIn { partner, intake } => push(partner).and_then(|()| push(intake)),
            Place::Done { partner, day } | Place::Sent { partner, day } => {
                push(partner).and_then(|()| push(&day.to_string()))
            }
            Place::HeldOut { partner } => push(partner),
            Place::Out { partner, folder } => {
                push(partner)?;
                folder.split('/').filter(|part| !part.is_empty()).try_for_each(push)
            }
        }
    }
}

/// One step of a path and no more: not empty, not `.` or `..`, without `/` and NUL.
pub(super) fn checked(name: &[u8]) -> io::Result<&OsStr> {
    if name.is_empty() || name == b"." || name == b".." || name.iter().any(|&b| b == b'/' || b == 0) {
        let said = name.escape_ascii();
        let text =
            format!("\"{said}\" is not a file name; expected one name without \"/\" that is not \".\" or \"..\"");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    Ok(OsStr::from_bytes(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_folders_below_the_root() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 7).unwrap();
        let rows = [
            (Place::Work { partner: "shop", intake: "orders" }, "work/shop/orders"),
            (Place::Done { partner: "shop", day }, "done/shop/2026-11-07"),
            (Place::HeldIn { partner: "shop", intake: "orders" }, "held/in/shop/orders"),
            (Place::Out { partner: "shop", folder: "a//b" }, "out/shop/a/b"),
            (Place::Out { partner: "shop", folder: "" }, "out/shop"),
            (Place::Staged, "staged"),
        ];
        for (place, path) in rows {
            assert_eq!(place.relative().unwrap(), PathBuf::from(path));
        }
    }

    #[test]
    fn nothing_leads_out_of_the_spool() {
        let places = [
            Place::In { partner: "..", intake: "x" },
            Place::Work { partner: "a/b", intake: "x" },
            Place::Work { partner: "a", intake: "" },
            Place::Out { partner: "a", folder: "x/../../.." },
        ];
        for place in places {
            assert_eq!(place.relative().unwrap_err().kind(), io::ErrorKind::InvalidInput, "{place:?}");
        }
        for name in ["", ".", "..", "../x", "a/b", "a\0b"] {
            assert!(checked(name.as_bytes()).is_err(), "{name:?}");
        }
        assert!(checked(b"..x\n\xff").is_ok());
    }
}
