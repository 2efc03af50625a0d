//! Reads a secret from where the configuration says it stands: systemd's credentials, a file, the environment. Asked at
//! every connection, so that a changed password needs no restart. One line end at its end is cut. No error repeats what was read.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use crate::model::secret::{Secret, SecretRef};

/// A private key fits well.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Why it cannot be used; the sentence names the place and what to do, never the secret.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SecretFault {
    #[error("{0}: there is no such secret; {1}")]
    Missing(SecretRef, String),
    #[error("{0}: it cannot be read ({1})")]
    Unreadable(SecretRef, String),
    #[error("{0}: it is empty")]
    Empty(SecretRef),
    #[error("{0}: it has a line end inside; expected one line")]
    SeveralLines(SecretRef),
    #[error("{0}: it is no text in UTF-8")]
    NoText(SecretRef),
    #[error("{0}: others may read it ({1:04o}; chmod 600)")]
    Open(SecretRef, u32),
}

impl SecretFault {
    /// Only this user may not read it; the daemon's may.
    pub fn is_unreadable(&self) -> bool {
        matches!(self, SecretFault::Unreadable(..))
    }
}

/// One line, a password; or a certificate or key as PEM, which say what they are.
pub fn read(place: &SecretRef) -> Result<Secret, SecretFault> {
    let mut words = Zeroizing::new(read_text(place)?);
    if words.starts_with("-----BEGIN ") {
        return Ok(Secret::new(std::mem::take(&mut words)));
    }
    let length = words.trim_end_matches('\n').len().max(words.len().saturating_sub(1));
    words.truncate(length);
    if words.ends_with('\r') {
        let shorter = words.len() - 1;
        words.truncate(shorter);
    }
    if words.is_empty() {
        return Err(SecretFault::Empty(place.clone()));
    }
    if words.contains(['\n', '\r', '\0']) {
        return Err(SecretFault::SeveralLines(place.clone()));
    }
    Ok(Secret::new(std::mem::take(&mut words)))
}

fn read_text(place: &SecretRef) -> Result<String, SecretFault> {
    if let SecretRef::Env(name) = place {
        let found = std::env::var_os(name);
        let found = found.ok_or_else(|| SecretFault::Missing(place.clone(), format!("set {name} for the daemon")))?;
        return found.into_string().map_err(|_| SecretFault::NoText(place.clone()));
    }
    let path = path_of(place)?;
    let wrong = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => SecretFault::Missing(place.clone(), format!("make {}", path.display())),
        _ => SecretFault::Unreadable(place.clone(), error.to_string()),
    };
    let file = File::open(&path).map_err(wrong)?;
    let meta = file.metadata().map_err(wrong)?;
    let mode = meta.permissions().mode() & 0o7777;
    // systemd hands credentials out in a folder that only the service can enter.
    if matches!(place, SecretRef::File(_)) && mode & 0o007 != 0 {
        return Err(SecretFault::Open(place.clone(), mode));
    }
    let mut bytes = Vec::with_capacity(meta.size().min(SECRET_BYTES_MAX) as usize + 1);
    file.take(SECRET_BYTES_MAX).read_to_end(&mut bytes).map_err(wrong)?;
    String::from_utf8(bytes).map_err(|error| {
        let _zeroed = Zeroizing::new(error.into_bytes());
        SecretFault::NoText(place.clone())
    })
}

/// The file of a secret as it is: another one is worth another login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileState {
    device: u64,
    inode: u64,
    size: u64,
    /// Of inode and content, by the system's clock: no tool sets it back.
    changed: (i64, i64),
}

impl FileState {
    pub fn changed_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.changed.0, self.changed.1.try_into().unwrap_or_default()).unwrap_or_default()
    }
}

/// Nothing where it stands in no file, or none is there.
pub fn state_of(place: &SecretRef) -> Option<FileState> {
    let meta = std::fs::metadata(path_of(place).ok()?).ok()?;
    let changed = (meta.ctime(), meta.ctime_nsec());
    Some(FileState { device: meta.dev(), inode: meta.ino(), size: meta.size(), changed })
}

/// The file it stands in.
pub fn path_of(place: &SecretRef) -> Result<PathBuf, SecretFault> {
    match place {
        SecretRef::File(path) => Ok(path.clone()),
        SecretRef::Credential(name) => match std::env::var_os("CREDENTIALS_DIRECTORY") {
            Some(folder) => Ok(credential(Path::new(&folder), name)),
            None => Err(SecretFault::Missing(place.clone(), format!("systemd gives it: LoadCredential={name}:PATH"))),
        },
        SecretRef::Env(name) => Err(SecretFault::Missing(place.clone(), format!("{name} stands in no file"))),
    }
}

/// Our unit hands a whole folder on, which systemd puts before each name; a drop-in may name a single one.
fn credential(folder: &Path, name: &str) -> PathBuf {
    let of_folder = folder.join(format!("nattpost_{name}"));
    if of_folder.exists() { of_folder } else { folder.join(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8], mode: u32) -> (tempfile::TempDir, SecretRef) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (folder, SecretRef::File(path))
    }

    #[test]
    fn a_credential_of_the_units_folder_goes_before_a_single_one() {
        let folder = tempfile::tempdir().unwrap();
        let single = folder.path().join("smtp");
        assert_eq!(credential(folder.path(), "smtp"), single);
        let of_folder = folder.path().join("nattpost_smtp");
        std::fs::write(&of_folder, "x").unwrap();
        assert_eq!(credential(folder.path(), "smtp"), of_folder);
    }

    #[test]
    fn one_line_end_is_cut_and_no_other() {
        for (bytes, words) in [
            (&b"hunter2\n"[..], "hunter2"),
            (b"hunter2", "hunter2"),
            (b"hunter2\r\n", "hunter2"),
            (b" a b \n", " a b "),
        ] {
            let (_folder, place) = written(bytes, 0o600);
            assert_eq!(read(&place).map(|secret| secret.reveal().to_owned()), Ok(words.to_owned()));
        }
    }

    #[test]
    fn what_cannot_be_a_password_is_named_and_not_repeated() {
        for (bytes, mode, words) in [
            (&b"geheim\ngeheim\n"[..], 0o600, "line end inside"),
            (b"\n", 0o600, "empty"),
            (b"geheim\xff", 0o600, "UTF-8"),
            (b"geheim", 0o644, "0644; chmod 600"),
        ] {
            let (_folder, place) = written(bytes, mode);
            let said = read(&place).err().map(|fault| fault.to_string()).unwrap();
            assert!(said.contains(words) && !said.contains("geheim"), "{said}");
        }
        let place = SecretRef::File("/no/such/secret".into());
        assert!(matches!(read(&place), Err(SecretFault::Missing(..))));
    }
}
