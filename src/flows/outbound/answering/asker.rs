//! Who asks, and whether he may: the customer among those of the partner, the contact among those of the customer, and the right
//! that partner, department and contact share.

use anyhow::Result;

use super::{Answerer, text};
use crate::model::batch::Message;
use crate::model::rules::reference::{Decision, decide};
use crate::model::wording::answering::{self as words, Why};

pub(super) struct Asker {
    /// Our number of the customer; none: the question is the partner's own.
    pub customer: Option<String>,
}

impl Answerer<'_> {
    pub(super) fn asker(&mut self, question: &Message<'_>, about: &str) -> Result<Result<Asker, Why>> {
        let head = question.head();
        let mut customer = match self.customer(text(question, &head, "customer_no"))? {
            Ok(customer) => customer,
            Err(why) => return Ok(Err(why)),
        };
        let mut department = text(question, &head, "department").to_string();
        let mut own = Vec::new();
        let named = text(question, &head, "contact_no");
        if !named.is_empty() {
            let contact = self.tx.contact(named)?;
            let is_his = |contact: &_| works_for(contact, customer.as_deref(), &self.intake.sender.customers);
            let Some(contact) = contact.filter(is_his) else { return Ok(Err(words::contact_unknown(named))) };
            customer = customer.or(contact.customer_no);
            // What the master data say of him goes before what the question says.
            department = contact.department.unwrap_or(department);
            own = contact.rights;
        }
        let department = Some(department.as_str()).filter(|name| !name.is_empty());
        if !self.answering.rights.allow(about, department, &own) {
            return Ok(Err(words::not_allowed(about)));
        }
        Ok(Ok(Asker { customer }))
    }

    fn customer(&mut self, sent: &str) -> Result<Result<Option<String>, Why>> {
        let sender = &self.intake.sender;
        if sent.is_empty() {
            let only = if let [only] = &sender.customers[..] { Some(only.clone()) } else { None };
            return Ok(Ok(self.intake.customer.clone().or(only)));
        }
        let decision = decide(self.references.customer(&sender.partner, sent)?, self.intake.customers);
        let is_his = |number: &str| sender.customers.is_empty() || sender.customers.iter().any(|known| known == number);
        Ok(match decision {
            Decision::Resolved(ours) if is_his(&ours) || is_his(sent) => Ok(Some(ours)),
            Decision::AsSent if is_his(sent) => Ok(Some(sent.to_string())),
            Decision::Unknown | Decision::Wait if is_his(sent) => Err(words::customer_unknown(sent)),
            Decision::Ambiguous(_) if is_his(sent) => Err(words::customer_ambiguous(sent)),
            // Whether there is such a customer is nothing to tell others.
            _ => Err(words::customer_not_yours(sent)),
        })
    }
}

/// A contact of the customer who asks, or of one that the partner speaks for.
fn works_for(contact: &crate::edges::store::business::ContactRow, customer: Option<&str>, his: &[String]) -> bool {
    match (&contact.customer_no, customer) {
        (Some(works_for), Some(asks)) => works_for == asks,
        (Some(works_for), None) => his.is_empty() || his.contains(works_for),
        (None, _) => false,
    }
}
