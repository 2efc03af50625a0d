//! Passwords of contacts: set, disabled, removed. What comes here is a hash; the words were left where they were read.

use anyhow::{Result, bail};

use super::super::inbound::round::Bench;
use crate::edges::clock::iso;
use crate::flows::commands::UserVerb;
use crate::model::password;

pub fn user(bench: &mut Bench<'_>, contact: &str, verb: &UserVerb, who: &str) -> Result<String> {
    let at = iso(bench.now.wall);
    let tx = bench.store.begin()?;
    let told = match verb {
        UserVerb::SetPassword { hash } => {
            if !password::is_hash(hash) {
                bail!("what was handed over is no hash of argon2id; expected one made by nattpost user set-password");
            }
            let Some(known) = tx.login_contact(contact)?.filter(|known| known.active) else {
                bail!("there is no contact {contact}; expected the number of one that is known");
            };
            if !known.web_login {
                bail!(
                    "contact {contact} may not log in; expected web_login = true in his contact file, from whoever keeps his data"
                );
            }
            if known.email.is_empty() {
                bail!(
                    "contact {contact} has no e-mail address, which is the name to log in with; have it sent with his contact"
                );
            }
            if let Some(other) = known.other {
                bail!(
                    "contact {other} logs in with the same e-mail address; nattpost user remove {other} first, or have one of them changed"
                );
            }
            tx.set_login(contact, hash, &at, who)?;
            format!("the password of contact {contact} is set")
        }
        UserVerb::Disable if tx.disable_login(contact, &at, who)? => {
            format!("contact {contact} cannot log in any more")
        }
        UserVerb::Remove if tx.remove_login(contact)? => format!("contact {contact} has no password any more"),
        UserVerb::Disable | UserVerb::Remove => {
            bail!("contact {contact} has no password; nattpost user list says who has")
        }
    };
    tx.commit()?;
    Ok(told)
}
