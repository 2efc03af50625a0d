//! Passwords of contacts: how long one must be, and its hash by argon2id. The words are in no table, log or file; the hash is
//! made where they were read and is all that anybody else gets. Random bytes are a parameter.

use argon2::password_hash::{Ident, PasswordHash, PasswordHasher, SaltString};
use argon2::{ARGON2ID_IDENT, Argon2};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::secret::Secret;

/// Of NIST SP 800-63B and OWASP: length is what counts; nothing is asked of its letters.
pub const LEAST_CHARACTERS: usize = 10;
/// Longer is no password but a mistake.
const MOST_BYTES: usize = 1_000;
pub const SALT_BYTES: usize = 16;

/// What is wrong with it, in words that do not repeat it.
pub fn problem(words: &Secret) -> Option<String> {
    let characters = words.reveal().chars().count();
    if characters < LEAST_CHARACTERS {
        return Some(format!("it has {characters} characters; expected at least {LEAST_CHARACTERS}"));
    }
    if words.reveal().len() > MOST_BYTES {
        return Some(format!("it is longer than {MOST_BYTES} bytes"));
    }
    words.reveal().chars().any(char::is_control).then(|| "it holds a control character".to_string())
}

/// In the PHC form, with salt and parameters (19 MiB, two passes, as OWASP asks for).
pub fn hash(words: &Secret, salt: [u8; SALT_BYTES]) -> Option<String> {
    let salt = SaltString::encode_b64(&salt).ok()?;
    Some(Argon2::default().hash_password(folded(words).as_bytes(), &salt).ok()?.to_string())
}

/// The same letters are the same password on every keyboard.
fn folded(words: &Secret) -> Zeroizing<String> {
    Zeroizing::new(words.reveal().nfc().collect())
}

/// Is it such a hash, and none that is cheaper to guess?
pub fn is_hash(text: &str) -> bool {
    const IDENT: Ident<'_> = ARGON2ID_IDENT;
    let Ok(hash) = PasswordHash::new(text) else { return false };
    let least = |name: &str, least: u32| hash.params.get_decimal(name).is_some_and(|value| value >= least);
    hash.algorithm == IDENT
        && hash.salt.is_some()
        && hash.hash.is_some()
        && least("m", 19_456)
        && least("t", 2)
        && least("p", 1)
}

#[cfg(test)]
mod tests {
    use argon2::PasswordVerifier;

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_string())
    }

    #[test]
    fn a_hash_is_that_of_its_password_alone() {
        let made = hash(&secret("caf\u{e9} und Brot"), [7; SALT_BYTES]).unwrap();
        assert!(made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && is_hash(&made), "{made}");
        let parsed = PasswordHash::new(&made).unwrap();
        let fits = |text: &str| Argon2::default().verify_password(folded(&secret(text)).as_bytes(), &parsed).is_ok();
        assert!(fits("cafe\u{301} und Brot") && !fits("cafe und Brot"));
        assert_ne!(made, hash(&secret("caf\u{e9} und Brot"), [8; SALT_BYTES]).unwrap());
    }

    #[test]
    fn what_is_no_password_and_what_is_no_hash() {
        for (text, told) in
            [("short", "5 characters"), ("with\ta tab in it", "control"), (&"x".repeat(1001)[..], "longer")]
        {
            assert!(
                problem(&secret(text)).is_some_and(|words| words.contains(told) && !words.contains(text)),
                "{text}"
            );
        }
        assert_eq!(problem(&secret("ten letter")), None);
        for text in
            ["hunter2", "", "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "$2b$12$abcdefghijklmnopqrstuv"]
        {
            assert!(!is_hash(text), "{text}");
        }
    }
}
