//! What a registration must say, whose customer a contact is who registers, and whose registration a customer, a contact or
//! an answer of the ERP speaks of. Whether somebody is known already is found when it is applied.

use anyhow::Result;

use super::{Findings, Judge};
use crate::edges::store::business::References as Lookup;
use crate::model::batch::Batch;
use crate::model::intake::References;
use crate::model::wording::registering as words;

/// Kinds that speak of people who may log in.
const PEOPLE: [&str; 3] = ["registration", "contact", "customer"];
/// Words in the names of fields that hold what nobody but a person himself may know.
const SECRETS: [&str; 7] = ["password", "passwort", "passwd", "kennwort", "wachtwoord", "losenord", "pwd"];
/// The registration that somebody waits for.
pub const AWAITED: &str = "registration";

impl Judge<'_> {
    pub(super) fn registration(
        &self,
        look: &mut Lookup<'_>,
        batch: &mut Batch,
        index: usize,
        found: &mut Findings,
    ) -> Result<()> {
        let head = batch.message(index).head();
        let field = |name: &str| self.kind.head().field(name);
        let text = |name: &str| field(name).and_then(|field| head.value(field).text());
        let missing =
            |name: &str| words::incomplete(self.place(batch, index, &head, field(name).unwrap_or_default()), name);
        if text("subject") == Some("customer") {
            found.problems.extend(text("name").is_none().then(|| missing("name")));
            return Ok(());
        }
        found.problems.extend((text("last_name").or(text("email")).is_none()).then(|| missing("last_name")));
        let Some(registered) = text("customer_external_id").filter(|_| text("customer_no").is_none()) else {
            return self.customer(look, batch, index, found);
        };
        let of_customer = |one: &&(String, String, Option<String>)| one.1 == "customer";
        let known = look.registrations(&self.intake.sender.partner, registered)?;
        let number = known.iter().find(of_customer).and_then(|one| one.2.clone());
        match (number, self.places.customer) {
            (Some(number), Some(at)) => batch.resolve(index, 0, at, &number),
            _ => {
                let at = self.place(batch, index, &head, field("customer_external_id").unwrap_or_default());
                let (sent, problem) = (registered.to_string(), words::registration_unknown(at, registered));
                match self.intake.customers {
                    References::Check => found.problems.push(problem),
                    rule => found.wait(problem, AWAITED, sent, self.wait_until(rule)),
                }
            }
        }
        Ok(())
    }

    /// A customer, a contact or an answer names a registration: whose it is, is found where it is not said.
    pub(super) fn registered(
        &self,
        look: &mut Lookup<'_>,
        batch: &mut Batch,
        index: usize,
        found: &mut Findings,
    ) -> Result<()> {
        let Some((number, partner)) = self.registered_fields else { return Ok(()) };
        let head = batch.message(index).head();
        let Some(sent) = head.value(number).text().filter(|_| head.value(partner).text().is_none()) else {
            return Ok(());
        };
        let known = look.registrations("", sent)?;
        match &known[..] {
            [only] => batch.put_text(index, 0, partner, &only.0),
            [] if self.kind.name == "registration_answer" => {
                found.problems.push(words::registration_unknown(self.place(batch, index, &head, number), sent));
            }
            // Somebody else's number, of which nothing is to be told.
            [] => {}
            several => {
                let partners: Vec<String> = several.iter().map(|one| one.0.clone()).collect();
                found.hold(words::registration_ambiguous(self.place(batch, index, &head, number), sent, &partners));
            }
        }
        Ok(())
    }

    /// A password that somebody sends is refused: nothing of it may stand in a table, a log or a feed.
    pub(super) fn secrets(&self, batch: &Batch, index: usize, found: &mut Findings) {
        if !PEOPLE.contains(&self.kind.name.as_str()) {
            return;
        }
        for node in batch.message(index).nodes() {
            for (name, _) in node.extras() {
                let folded = name.to_lowercase().replace('ö', "o");
                if SECRETS.iter().any(|word| folded.contains(word)) {
                    found.problems.push(words::password_sent(self.place(batch, index, &node, 0), name));
                }
            }
        }
    }
}
