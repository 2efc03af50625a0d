//! A secret, and where one stands. The configuration holds only the place; the words themselves are read where they are
//! needed (`edges::secret`) and leave no copy behind: a `Secret` cannot be printed, compared or copied, and is zeroed when dropped.

use std::path::PathBuf;

use zeroize::Zeroizing;

/// Where a secret stands. It says nothing of the secret itself and may be shown to anybody.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretRef {
    /// `credential:NAME`: a file of that name in systemd's `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// `file:/etc/nattpost/secrets/shop`.
    File(PathBuf),
    /// `env:NAME`; root and the daemon's own user can read it in /proc.
    Env(String),
}

impl SecretRef {
    /// Reads `credential:NAME`, `file:PATH` or `env:NAME`. Whatever else it is may be the secret itself: it is not repeated.
    pub fn parse(text: &str) -> Option<SecretRef> {
        let (place, name) = text.split_once(':')?;
        let is_word = |name: &str| !name.is_empty() && !name.contains(['/', '\0', '\n']) && name != "." && name != "..";
        match place {
            "credential" if is_word(name) => Some(SecretRef::Credential(name.into())),
            "file" if name.starts_with('/') && !name.contains('\0') => Some(SecretRef::File(name.into())),
            "env" if is_word(name) && !name.contains('=') => Some(SecretRef::Env(name.into())),
            _ => None,
        }
    }
}

impl std::fmt::Display for SecretRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SecretRef::Credential(name) => write!(f, "credential:{name}"),
            SecretRef::File(path) => write!(f, "file:{}", path.display()),
            SecretRef::Env(name) => write!(f, "env:{name}"),
        }
    }
}

/// A key or header of such a name holds a secret, so what was written there is never repeated.
const SECRET_WORDS: [&str; 7] = ["auth", "token", "key", "secret", "password", "cookie", "credential"];

pub fn is_secret_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| lower.contains(word))
}

/// The words themselves.
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(words: String) -> Secret {
        Secret(Zeroizing::new(words))
    }

    /// For the one call that needs them; what it makes of them is to be as short-lived.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Somebody else's answer without them: a server may echo what it was told.
    pub fn scrub(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(self.0.as_str(), "***") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_are_read() {
        for text in ["credential:shop-ftp", "file:/etc/nattpost/secrets/shop", "env:SHOP_FTP"] {
            assert_eq!(SecretRef::parse(text).map(|place| place.to_string()).as_deref(), Some(text));
        }
        for text in
            ["geheim", "", "credential:", "credential:../x", "credential:a/b", "file:relative", "env:A=B", "pass:x"]
        {
            assert_eq!(SecretRef::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_echo_is_scrubbed() {
        let secret = Secret::new("hunter2".into());
        assert_eq!(secret.scrub("530 PASS hunter2 is wrong"), "530 PASS *** is wrong");
        assert_eq!(Secret::new(String::new()).scrub("530 no"), "530 no");
    }
}
