//! `user`: reads a password where nobody sees it, and hands over its hash; lists who has one.

use serde_json::json;

use super::args::{OneUser, UserCommand};
use super::ask;
use super::ends::{End, Failure, Outcome};
use super::page::{Columns, Page, safe};
use super::setting;
use crate::config::Config;
use crate::edges::terminal;
use crate::flows::commands::{UserVerb, Verb};
use crate::model::password;
use crate::model::secret::Secret;

pub fn user(page: &mut Page<'_>, config: &Config, asked: &UserCommand) -> Outcome {
    let (one, verb) = match asked {
        UserCommand::List => return list(page, config),
        UserCommand::SetPassword(one) => (one, UserVerb::SetPassword { hash: hash(one)? }),
        UserCommand::Disable(one) => (one, UserVerb::Disable),
        UserCommand::Remove(one) => (one, UserVerb::Remove),
    };
    ask::give(page, config, Verb::User { contact: one.contact.clone(), verb }, &one.comment)
}

fn hash(one: &OneUser) -> Result<String, Failure> {
    let words = terminal::ask(&format!("Password of contact {}: ", safe(&one.contact)))?;
    if let Some(problem) = password::problem(&words) {
        return Err(refused(&format!("the password is not taken: {problem}")));
    }
    if terminal::is_one() && !is_same(&words, &terminal::ask("The same again: ")?) {
        return Err(refused("the two are not the same"));
    }
    let mut salt = [0; password::SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    password::hash(&words, salt).ok_or_else(|| anyhow::anyhow!("the password cannot be hashed").into())
}

fn is_same(one: &Secret, other: &Secret) -> bool {
    one.reveal() == other.reveal()
}

fn refused(found: &str) -> Failure {
    Failure::new(End::Usage, "password-refused", found)
        .at("the password")
        .expected(format!("at least {} characters on one line", password::LEAST_CHARACTERS))
        .advice("Nothing was changed.")
}

fn list(page: &mut Page<'_>, config: &Config) -> Outcome {
    page.zone = config.zone;
    let logins = setting::look(config, |sight| Ok(sight.snapshot.logins()?))?;
    if page.json {
        for one in &logins {
            page.object(&json!({
                "contact_no": one.contact_no,
                "customer_no": one.customer_no,
                "email": one.email,
                "may_log_in": one.may && one.disabled_at.is_none(),
                "set_at": one.set_at,
                "set_by": one.set_by,
                "disabled_at": one.disabled_at,
            }))?;
        }
        return Ok(End::Well);
    }
    if logins.is_empty() {
        page.line("Nobody has a password.")?;
        return Ok(End::Well);
    }
    let mut columns = Columns::new(&["contact", "customer", "e-mail", "state", "set", "by"]);
    for one in &logins {
        let state = match (&one.disabled_at, one.may) {
            (Some(_), _) => "disabled",
            (None, true) => "may log in",
            (None, false) => "contact may not log in",
        };
        let set = page.when_stored(Some(&one.set_at));
        columns.row([
            &safe(&one.contact_no),
            &safe(&one.customer_no),
            &safe(&one.email),
            state,
            &set,
            &safe(&one.set_by),
        ]);
    }
    page.table(columns)?;
    Ok(End::Well)
}
