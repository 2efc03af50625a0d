//! Who gives a command: the name of the user, for the audit trail. It asks the system, directory services included.

use nix::unistd::{Uid, User};

/// The user's name, or `uid 1042` where the system has none. Behind sudo the person is named too.
pub fn name() -> String {
    let uid = Uid::current();
    let name = match User::from_uid(uid) {
        Ok(Some(user)) => user.name,
        Ok(None) | Err(_) => format!("uid {uid}"),
    };
    // Only root may claim to act for somebody: the variable is the user's own.
    match std::env::var("SUDO_USER") {
        Ok(person) if uid.is_root() && !person.is_empty() && person != name => format!("{person} (as {name})"),
        _ => name,
    }
}
