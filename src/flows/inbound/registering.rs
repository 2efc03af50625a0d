//! Registrations: who is known already, which number is given, what is written beside the registration (the customer or
//! contact himself, and the answer that its partner waits for), and how a customer of the ERP answers one.
//!
//! What we write of a customer or contact speaks of no moment (`MADE`): whatever the ERP says of him later wins.

use anyhow::Result;

use super::in_hand::InHand;
use super::judge::Hold;
use super::numbering;
use crate::edges::store::business::{MADE, Records, SameParty, Stamp};
use crate::edges::store::{FileNo, RowId, Tx};
use crate::model::batch::{Batch, Message, Value};
use crate::model::diagnostic::Place;
use crate::model::kind::shipped_kinds;
use crate::model::rules::same_party;
use crate::model::wording::registering as words;

pub const REGISTRATION: &str = "registration";
const ANSWER: &str = "registration_answer";

/// What a registration becomes before it is written.
pub enum Before {
    Held(Hold),
    /// It goes on, with a number where there is one.
    Goes(Option<Number>),
}

/// The number of who registered.
pub struct Number {
    pub text: String,
    /// A person said that he was known before.
    pub existing: bool,
}

/// Looks who registers, and takes the number that he gets. Known registrations are decided by what is stored of them.
pub fn before(tx: &Tx<'_>, hand: &InHand<'_>, message: &Message<'_>, place: Place) -> Result<Before> {
    let held = |problem| Ok(Before::Held(Hold { problem, waits_for: None, until: None }));
    let said = Said(message);
    let (external_id, subject) = (said.text("external_id"), said.text("subject"));
    if !tx.registrations(&hand.intake.sender.partner, external_id)?.is_empty() {
        return Ok(Before::Goes(None));
    }
    if let Some(number) = hand.existing {
        if !tx.is_number_taken(subject, number)? {
            return held(words::existing_unknown(place, number, subject));
        }
        return Ok(Before::Goes(Some(Number { text: number.to_string(), existing: true })));
    }
    let candidates = if hand.overrule { Vec::new() } else { candidates(tx, &said)? };
    if !candidates.is_empty() {
        return held(words::already_registered(place, external_id, &candidates));
    }
    let range = if subject == "contact" { hand.intake.contact_numbers } else { hand.intake.customer_numbers };
    let Some(range) = range else { return Ok(Before::Goes(None)) };
    match numbering::next_of_range(tx, hand.given, subject, range)? {
        Some(text) => Ok(Before::Goes(Some(Number { text, existing: false }))),
        None => held(words::numbers_used_up(place, subject)),
    }
}

fn candidates(tx: &Tx<'_>, said: &Said<'_, '_>) -> Result<Vec<String>> {
    let email = same_party::email_key(said.text("email"));
    if said.text("subject") == "contact" {
        return email.map_or(Ok(Vec::new()), |email| tx.same_contacts(said.text("customer_no"), &email));
    }
    let country = Some(said.text("country")).filter(|country| !country.is_empty());
    tx.same_customers(&SameParty {
        vat: same_party::vat_keys(said.text("vat_no"), country),
        email,
        zip: same_party::zip_key(said.text("zip")),
    })
}

/// The texts of a message's head by name.
struct Said<'a, 'm>(&'a Message<'m>);

impl<'m> Said<'_, 'm> {
    fn text(&self, name: &str) -> &'m str {
        let head = self.0.head();
        self.0.kind().head().field(name).and_then(|field| head.value(field).text()).unwrap_or_default()
    }
}

/// Writes what stands beside registrations. Each writer is made when it is needed for the first time.
pub struct Registering<'t> {
    tx: &'t Tx<'t>,
    file: FileNo,
    /// By kind and the moment they speak of: made by us, or said by the file.
    writers: Vec<(&'static str, bool, Box<Records<'t>>)>,
}

impl<'t> Registering<'t> {
    pub fn new(tx: &'t Tx<'t>, file: FileNo) -> Self {
        Registering { tx, file, writers: Vec::new() }
    }

    /// A new registration is written.
    pub fn register(&mut self, message: &Message<'_>, row: RowId, number: Option<&Number>) -> Result<()> {
        let Some(number) = number else { return self.tell(message, "received", "") };
        self.tx.number_registration(row, &number.text)?;
        if number.existing {
            return self.tell(message, "existing", &number.text);
        }
        self.make(message, &number.text)?;
        self.tell(message, "given", &number.text)
    }

    /// A registration says something else now, and was not exported yet.
    pub fn replace(&mut self, message: &Message<'_>, row: RowId) -> Result<()> {
        let number = self.tx.registration(row)?.and_then(|known| known.number_given);
        number.map_or(Ok(()), |number| self.make(message, &number))
    }

    /// A customer, a contact or an answer that the ERP sent: where it names a registration, that one has its number now.
    pub fn answer(&mut self, hand: &InHand<'_>, message: &Message<'_>) -> Result<()> {
        let said = Said(message);
        let kind = message.kind().name.as_str();
        let (by, number) = match kind {
            "customer" => ("registered_by", "customer_no"),
            "contact" => ("registered_by", "contact_no"),
            ANSWER => ("partner", "number_given"),
            _ => return Ok(()),
        };
        let (external_id, partner, number) = (said.text("external_id"), said.text(by), said.text(number));
        if external_id.is_empty() || partner.is_empty() || number.is_empty() {
            return Ok(());
        }
        for known in self.tx.registrations(partner, external_id)? {
            let is_meant = kind == ANSWER || known.subject == kind;
            if !is_meant || known.number_given.as_deref() == Some(number) {
                continue;
            }
            self.tx.number_registration(known.row, number)?;
            if kind != ANSWER {
                let answer =
                    answer_of([&known.partner, external_id, &known.subject, "given", number], message.origin().line);
                self.writer(ANSWER, false, hand.as_of)?.apply(answer.message(0))?;
            }
        }
        Ok(())
    }

    pub fn finish(self) -> Result<()> {
        self.writers.into_iter().try_for_each(|(_, _, writer)| writer.finish())
    }

    /// What the partner is told.
    fn tell(&mut self, message: &Message<'_>, state: &str, number: &str) -> Result<()> {
        let said = Said(message);
        let told = [said.text("partner"), said.text("external_id"), said.text("subject"), state, number];
        let answer = answer_of(told, message.origin().line);
        self.writer(ANSWER, true, MADE)?.apply(answer.message(0))?;
        Ok(())
    }

    /// The customer or contact himself, as he says.
    fn make(&mut self, message: &Message<'_>, number: &str) -> Result<()> {
        let said = Said(message);
        let (kind, number_field) = match said.text("subject") {
            "contact" => ("contact", "contact_no"),
            _ => ("customer", "customer_no"),
        };
        let mut made = alike(message, kind);
        let own = [(number_field, number), ("registered_by", said.text("partner"))];
        for (name, text) in own {
            let field = made.kind().head().field(name);
            field.into_iter().for_each(|field| made.put_text(0, 0, field, text));
        }
        self.writer(kind, true, MADE)?.apply(made.message(0))?;
        Ok(())
    }

    fn writer(&mut self, kind: &'static str, made: bool, as_of: &str) -> Result<&mut Records<'t>> {
        let at = match self.writers.iter().position(|(of, by_us, _)| (*of, *by_us) == (kind, made)) {
            Some(at) => at,
            None => {
                let kinds = shipped_kinds().get(kind).expect("a kind of this program");
                let writer = self.tx.records(kinds, &Stamp { file: self.file, as_of })?;
                self.writers.push((kind, made, Box::new(writer)));
                self.writers.len() - 1
            }
        };
        Ok(&mut self.writers[at].2)
    }
}

fn answer_of([partner, external_id, subject, state, number]: [&str; 5], line: u32) -> Batch {
    let kind = shipped_kinds().get(ANSWER).expect("a kind of this program");
    let mut batch = Batch::new(kind.clone());
    batch.begin(1, line);
    let told = [
        ("partner", partner),
        ("external_id", external_id),
        ("subject", subject),
        ("state", state),
        ("number_given", number),
    ];
    for (name, text) in told.into_iter().filter(|(_, text)| !text.is_empty()) {
        let field = kind.head().field(name).expect("a field of the kind");
        batch.set_text(0, field, text);
    }
    batch
}

/// A message of another kind that says the same in all fields and groups of the same name.
pub fn alike(message: &Message<'_>, kind: &str) -> Batch {
    let from = message.kind();
    let mut batch = Batch::new(shipped_kinds().get(kind).expect("a kind of this program").clone());
    let to = batch.kind().clone();
    let origin = message.origin();
    batch.begin(origin.number, origin.line);
    for node in message.nodes() {
        let Some(group) = (if node.group() == 0 { Some(0) } else { to.group(&from.groups[node.group()].name) }) else {
            continue;
        };
        let at = if group == 0 { 0 } else { batch.open(group, 0, node.line()) };
        for (index, field) in from.groups[node.group()].fields.iter().enumerate().filter(|(_, field)| !field.ours) {
            let Some(own) = to.groups[group].field(&field.name) else { continue };
            match node.value(index) {
                Value::Text(text) => batch.set_text(at, own, text),
                Value::Number(number) => batch.set_number(at, own, number),
                Value::Missing | Value::Empty => {}
            }
        }
    }
    batch
}
