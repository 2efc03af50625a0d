//! A server or folder of a partner, what an intake or feed does there, and what is known of a file that stands there. Data only.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::secret::SecretRef;

/// `[remote.<id>]` of a partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRule {
    /// `partner/remote`, as the ledger, log lines and pages name it.
    pub name: String,
    pub kind: Kind,
    /// Open at one time.
    pub connections: u8,
    /// For every answer and for every piece of data.
    pub timeout: Duration,
    /// Of its configuration: another one clears back-off and lock-out.
    pub fingerprint: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Outside of the spool, maybe mounted from elsewhere.
    Folder {
        path: PathBuf,
    },
    Ftp(FtpRule),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FtpRule {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: SecretRef,
    pub tls: Tls,
    pub tls_max: TlsMax,
    /// A certificate authority besides the system's.
    pub ca: Option<PathBuf>,
    /// SHA-256 of the one certificate that is taken.
    pub pin: Option<[u8; 32]>,
    pub client_cert: Option<SecretRef>,
    pub client_key: Option<SecretRef>,
    pub passive: Passive,
    pub names: Names,
    /// Several commands in one piece, where the server bears it.
    pub flights: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    Explicit,
    Implicit,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMax {
    /// 1.2, and 1.3 where 1.2 is refused.
    Auto,
    Tls12,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passive {
    /// EPSV, then PASV at the host we are connected to.
    Auto,
    Epsv,
    Pasv,
    /// PASV at the address that the server says.
    PasvAsTold,
}

/// How names are shown and how names of ours are sent; the bytes of others' names stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    Utf8,
    Latin1,
}

/// `ftp.shop.example:21`, `[2001:db8::7]:21`.
pub fn shown_server(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// A folder at a remote: bytes, `/` between its steps; not beginning with `/` it lies below the login folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Folder(Vec<u8>);

impl Folder {
    /// Without `..`, line ends and NUL; a `/` at its end is cut. The words are for the person who wrote it.
    pub fn parse(bytes: &[u8]) -> Result<Folder, &'static str> {
        if bytes.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
            return Err("a folder has no line end and no NUL in it");
        }
        if bytes.split(|&b| b == b'/').any(|step| step == b"..") {
            return Err("a folder is named without `..`");
        }
        let mut end = bytes.len();
        while end > 1 && bytes[end - 1] == b'/' {
            end -= 1;
        }
        Ok(Folder(bytes[..end].to_vec()))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// Where an intake takes its files from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchFrom {
    /// Name of the remote, `shop/ftp`.
    pub remote: String,
    pub folder: Folder,
    /// Patterns with `*` and `?`; one has to fit the whole name.
    pub matching: Vec<String>,
    pub every: Duration,
    pub claim: Claiming,
    pub after: After,
}

impl FetchFrom {
    /// `file.origin`: `shop/ftp:/outgoing`.
    pub fn origin(&self) -> String {
        format!("{}:{}", self.remote, self.folder)
    }
}

/// How a file there becomes ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claiming {
    /// Renamed before it is fetched; where the server refuses that, as with `Look`.
    Rename,
    /// Fetched under its own name, and looked at again just before it is removed.
    Look,
}

/// What becomes of the file there once its verdict is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    Delete,
    Move(Folder),
    /// `{name}.done`: a name in the same folder.
    Rename(String),
    Keep,
}

impl After {
    /// As the ledger has it.
    pub fn word(&self) -> &'static str {
        match self {
            After::Delete => "delete",
            After::Move(_) => "move",
            After::Rename(_) => "rename",
            After::Keep => "keep",
        }
    }
}

/// Where the files of a feed, or the receipts of an intake, go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendTo {
    pub remote: String,
    pub folder: Folder,
    /// A pattern with `{name}` and `{run_id}`; none: a name of ours (`remote_name::upload_name`).
    pub upload_as: Option<String>,
    pub redeliver: Redeliver,
}

/// Requests that may have arrived already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redeliver {
    /// A person decides.
    Ask,
    Always,
}

/// A file as a listing, or a question for this one name, tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// A list of bare names has none.
    pub size: Option<u64>,
    pub stamp: Stamp,
}

/// Its time as the server writes it. Never a moment: only equal or not, and only among those of one sort.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Stamp {
    /// `modify=` of MLSD or the answer to MDTM: 14 digits and maybe a fraction, in UTC.
    Exact(String),
    /// The date columns of LIST as they stand: to the minute, or to the day.
    Listed(String),
    /// Time in nanoseconds and inode of a file in a folder.
    OfFolder(String),
    #[default]
    None,
}

impl Stamp {
    /// As the ledger keeps it.
    pub fn to_text(&self) -> String {
        match self {
            Stamp::Exact(text) => format!("x:{text}"),
            Stamp::Listed(text) => format!("l:{text}"),
            Stamp::OfFolder(text) => format!("f:{text}"),
            Stamp::None => "-".into(),
        }
    }

    /// What is none of ours can tell nothing.
    pub fn parse(text: &str) -> Stamp {
        match text.split_once(':') {
            Some(("x", text)) => Stamp::Exact(text.into()),
            Some(("l", text)) => Stamp::Listed(text.into()),
            Some(("f", text)) => Stamp::OfFolder(text.into()),
            _ => Stamp::None,
        }
    }

    /// `None`: the two cannot be compared.
    pub fn is_same(&self, other: &Stamp) -> Option<bool> {
        match (self, other) {
            (Stamp::Exact(a), Stamp::Exact(b)) | (Stamp::OfFolder(a), Stamp::OfFolder(b)) => Some(a == b),
            // After half a year, or behind New Year, the year takes the place of the time: the same file in other words.
            (Stamp::Listed(a), Stamp::Listed(b)) if a.contains(':') != b.contains(':') => None,
            (Stamp::Listed(a), Stamp::Listed(b)) => Some(a == b),
            _ => None,
        }
    }
}

/// One file of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Plain, without folder; bytes as the server sent them.
    pub name: &'a [u8],
    pub facts: Facts,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_bytes_without_tricks() {
        let parsed = |bytes: &[u8]| Folder::parse(bytes).map(|folder| folder.as_bytes().to_vec()).ok();
        for (given, kept) in
            [(&b"/outgoing/orders/"[..], &b"/outgoing/orders"[..]), (b"in", b"in"), (b"/", b"/"), (b"", b"")]
        {
            assert_eq!(parsed(given), Some(kept.to_vec()));
        }
        for bad in [&b"a/../b"[..], b"..", b"a\r\nDELE x", b"a\0"] {
            assert_eq!(parsed(bad), None);
        }
    }

    #[test]
    fn stamps_are_kept_as_text_and_compared_within_their_sort() {
        let stamps = [
            Stamp::Exact("20261122085805.123".into()),
            Stamp::Listed("Nov 22 08:58".into()),
            Stamp::OfFolder("1795300000000000000.77".into()),
            Stamp::None,
        ];
        for (i, a) in stamps.iter().enumerate() {
            assert_eq!(Stamp::parse(&a.to_text()), *a);
            for (j, b) in stamps.iter().enumerate() {
                let expected = if *a == Stamp::None || i != j { None } else { Some(true) };
                assert_eq!(a.is_same(b), expected, "{a:?} {b:?}");
            }
        }
        let listed = |text: &str| Stamp::Listed(text.into());
        assert_eq!(listed("Nov 22 08:58").is_same(&listed("Nov 22  2026")), None);
        assert_eq!(listed("Nov 22 08:58").is_same(&listed("Nov 22 08:59")), Some(false));
        assert_eq!(Stamp::Exact("1".into()).is_same(&Stamp::Exact("2".into())), Some(false));
    }
}
