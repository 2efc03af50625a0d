//! A refused login is tried rarely, so that no account gets locked; but once somebody has put another secret where it stands, it is
//! tried at once. The files are looked at while a login is refused, and at a start: who mended a password waits for nobody.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::edges::clock::Now;
use crate::edges::secret::{self, FileState};
use crate::model::remote::{Kind, RemoteRule};
use crate::model::secret::SecretRef;

/// Between two looks, and so between two tries at most, however often an editor writes.
const LOOK_EVERY: Duration = Duration::from_secs(10);

pub(super) struct SecretFiles {
    places: Vec<SecretRef>,
    /// As they were when a carrier was last given something to do.
    seen: Vec<Option<FileState>>,
    look_at: Duration,
}

impl SecretFiles {
    pub fn of(rule: &RemoteRule, now: Now) -> SecretFiles {
        let places = match &rule.kind {
            Kind::Folder { .. } => Vec::new(),
            Kind::Ftp(ftp) => [Some(&ftp.password), ftp.client_cert.as_ref(), ftp.client_key.as_ref()]
                .into_iter()
                .flatten()
                .cloned()
                .collect(),
        };
        let mut files = SecretFiles { places, seen: Vec::new(), look_at: now.mono + LOOK_EVERY };
        files.note();
        files
    }

    /// Before a connection may be made with them.
    pub fn note(&mut self) {
        self.seen = self.places.iter().map(secret::state_of).collect();
    }

    /// When they are worth a look.
    pub fn look_at(&self) -> Duration {
        self.look_at
    }

    /// Another secret stands there than the one that was refused.
    pub fn have_changed(&mut self, now: Now) -> bool {
        if now.mono < self.look_at {
            return false;
        }
        self.look_at = now.mono + LOOK_EVERY;
        let before = self.seen.clone();
        self.note();
        self.seen != before
    }

    /// At a start: written since the last try. What systemd hands out is made anew at every start, which says nothing.
    pub fn are_newer_than(&self, last_try: DateTime<Utc>) -> bool {
        let files = self.places.iter().zip(&self.seen).filter(|(place, _)| matches!(place, SecretRef::File(_)));
        files.filter_map(|(_, state)| *state).any(|state| state.changed_at() > last_try)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::remote::{FtpRule, Names, Passive, Tls, TlsMax};
    use chrono::TimeDelta;

    fn rule(password: SecretRef) -> RemoteRule {
        let ftp = FtpRule {
            host: "ftp.shop.example".into(),
            port: 21,
            user: "nattpost".into(),
            password,
            tls: Tls::Explicit,
            tls_max: TlsMax::Auto,
            ca: None,
            pin: None,
            client_cert: None,
            client_key: None,
            passive: Passive::Auto,
            names: Names::Utf8,
            flights: true,
        };
        let timeout = Duration::from_secs(30);
        RemoteRule { name: "shop/ftp".into(), kind: Kind::Ftp(ftp), connections: 1, timeout, fingerprint: 1 }
    }

    fn at(seconds: u64) -> Now {
        Now { wall: DateTime::UNIX_EPOCH, mono: Duration::from_secs(seconds) }
    }

    #[test]
    fn another_secret_is_seen_once_and_not_more_often_than_looked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "wrong").unwrap();
        let mut files = SecretFiles::of(&rule(SecretRef::File(path.clone())), at(0));
        assert!(!files.have_changed(at(60)));
        // Moved over it with the time of the old one, as install and cp -p do.
        let other = folder.path().join("other");
        std::fs::write(&other, "right").unwrap();
        let time = std::fs::metadata(&path).unwrap().modified().unwrap();
        std::fs::File::options().write(true).open(&other).unwrap().set_modified(time).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert!(!files.have_changed(at(65)), "looked at ten seconds after the last time");
        assert!(files.have_changed(at(70)));
        assert!(!files.have_changed(at(80)), "one change is one try");
        std::fs::remove_file(&path).unwrap();
        assert!(files.have_changed(at(90)));
    }

    #[test]
    fn a_start_looks_at_when_a_file_was_written_and_at_nothing_that_systemd_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "x").unwrap();
        let files = SecretFiles::of(&rule(SecretRef::File(path)), at(0));
        let now = Utc::now();
        assert!(files.are_newer_than(now - TimeDelta::hours(1)));
        assert!(!files.are_newer_than(now + TimeDelta::hours(1)));
        let elsewhere = SecretFiles::of(&rule(SecretRef::Env("PATH".into())), at(0));
        assert!(!elsewhere.are_newer_than(now - TimeDelta::hours(1)));
    }
}
