//! Words for several files that are one arrival.

use crate::model::diagnostic::{Place, Problem, shown};
use crate::model::pdf::{Active, Flaw};

pub fn companion_missing(found: &str, missing: &[String]) -> Problem {
    let missing: Vec<String> = missing.iter().map(|name| shown(name)).collect();
    let text = format!(
        "\"{}\" came without {}, and only together they can be taken; nothing of it was. Send all of them again; or, when what was \
         missing has come after all, drop all of them again together.",
        shown(found),
        missing.join(" and ")
    );
    Problem::new("companion-missing", Place::default(), text)
}

pub fn companions_many(names: &[String]) -> Problem {
    let names: Vec<String> = names.iter().map(|name| shown(name)).collect();
    let text = format!(
        "the archive holds files of more than one arrival, or two for one part ({}); expected those that belong together, each once. Send \
         an archive for each, or the files without one.",
        names.join(", ")
    );
    Problem::new("companion-invalid", Place::default(), text)
}

pub fn companion_misnamed<'p>(found: &str, patterns: impl Iterator<Item = &'p str>) -> Problem {
    let expected: Vec<String> = patterns.map(|pattern| format!("\"{pattern}\"")).collect();
    let text = format!(
        "the file is called \"{}\"; expected a name like {}. Rename it and drop it again.",
        shown(found),
        expected.join(" or ")
    );
    Problem::new("file-name-invalid", Place::default(), text)
}

pub fn companion_no_pdf(name: &str) -> Problem {
    let text = format!(
        "\"{}\" is no PDF: it does not begin with %PDF-. Nothing of what came with it was taken; send all of it again.",
        shown(name)
    );
    Problem::new("companion-invalid", Place::default(), text)
}

pub fn companion_cut(name: &str) -> Problem {
    let text = format!(
        "\"{}\" ends without %%EOF, so the PDF is not whole. Nothing of what came with it was taken; send all of it again.",
        shown(name)
    );
    Problem::new("companion-invalid", Place::default(), text)
}

/// Alone or with its order.
const NOT_TAKEN: &str = "It was not taken, nor anything that came with it";
const AGAIN: &str = "and send it again, with its order where they come together";

pub fn pdf_unreadable(name: &str, flaw: &Flaw) -> Problem {
    let code = if *flaw == Flaw::Encrypted { "pdf-encrypted" } else { "pdf-invalid" };
    let text = format!(
        "\"{}\" is no PDF that can go on with its order: {flaw}. {NOT_TAKEN}; write the PDF anew, without a password, {AGAIN}.",
        shown(name)
    );
    Problem::new(code, Place::default(), text)
}

pub fn pdf_pages(name: &str, found: u32, most: u32) -> Problem {
    let text =
        format!("\"{}\" has {found} page(s); expected 1 to {most}. {NOT_TAKEN}; shorten the PDF {AGAIN}.", shown(name));
    Problem::new("pdf-pages", Place::default(), text)
}

pub fn pdf_too_large(name: &str, most: u64) -> Problem {
    let text = format!(
        "\"{}\" is larger than {} MB. {NOT_TAKEN}; make the PDF smaller (pictures in it) {AGAIN}.",
        shown(name),
        most / 1_000_000
    );
    Problem::new("pdf-invalid", Place::default(), text)
}

pub fn pdf_active(name: &str, active: &[Active]) -> Problem {
    let active: Vec<String> = active.iter().map(Active::to_string).collect();
    let text = format!(
        "\"{}\" holds {}, and is expected to be paper only. {NOT_TAKEN}; write the PDF without that {AGAIN}.",
        shown(name),
        active.join(" and ")
    );
    Problem::new("pdf-active", Place::default(), text)
}

pub fn pdf_of_several(name: &str, orders: u64) -> Problem {
    let text = format!(
        "the file holds {orders} messages, and \"{}\" can go on with one order only. {NOT_TAKEN}; send each order in a file of its own, \
         with its PDF.",
        shown(name)
    );
    Problem::new("pdf-ambiguous", Place::default(), text)
}

/// `is_out`: the order went out with its own.
pub fn pdf_changed(name: &str, before: &str, is_out: bool) -> Problem {
    let why = if is_out { "and it went out with that" } else { "and on_change does not let another take its place" };
    let text = format!(
        "the order is known with another PDF (\"{}\"), {why}; \"{}\" was not taken. Where the new one is right, tell who packs the order.",
        shown(before),
        shown(name)
    );
    Problem::new("pdf-changed", Place::default(), text)
}

pub fn pdf_late(name: &str) -> Problem {
    let text = format!(
        "the order went out before its PDF came, so \"{}\" was not taken. Tell who packs the order, and send the PDF before next time.",
        shown(name)
    );
    Problem::new("pdf-late", Place::default(), text)
}

/// No order of this number is here.
pub fn pdf_orphan(name: &str, key: &str) -> Problem {
    let text = format!(
        "\"{}\" goes on with the order \"{}\", which is not here yet; it waits for the order. Where its name says another number than is \
         meant, close it (nattpost ignore) and send it under the right name.",
        shown(name),
        shown(key)
    );
    Problem::new("pdf-orphan", Place::default(), text)
}

/// An order that has to have its PDF.
pub fn pdf_missing(place: Place, number: &str, others: &[String]) -> Problem {
    let several = match others {
        [] => String::new(),
        others => format!(
            " Orders of other customers have this number too ({}), so that only a PDF whose name says the customer ({{customer_no}} in pdf_name) is its own.",
            others.join(", ")
        ),
    };
    let text = format!(
        "the PDF of the order \"{}\" is not here yet, and pdf_required lets no order go on without; it waits for the PDF.{several}",
        shown(number)
    );
    Problem::new("pdf-missing", place, text)
}

pub fn pdf_never_came(number: &str) -> Problem {
    let text = format!(
        "the PDF of the order \"{}\" did not come within the time that an order may wait for it (pdf_within). Send the PDF and the order again.",
        shown(number)
    );
    Problem::new("pdf-missing", Place::default(), text)
}

pub fn pdf_never(key: &str) -> Problem {
    let text = format!(
        "the order \"{}\" of this PDF did not come within the time that a PDF may wait (pdf_within). Send the order, then the PDF again; or \
         rename the PDF where its name says another number.",
        shown(key)
    );
    Problem::new("pdf-orphan", Place::default(), text)
}

/// Orders of several customers have the number.
pub fn pdf_of_customers(name: &str, number: &str, customers: &[String]) -> Problem {
    let customers: Vec<String> = customers.iter().map(|customer| shown(customer)).collect();
    let text = format!(
        "orders of several customers ({}) have the number \"{}\", and \"{}\" does not say which is meant; it is not guessed. Say \
         {{customer_no}} in pdf_name and send it under a name with the customer; close this one with nattpost ignore.",
        customers.join(", "),
        shown(number),
        shown(name)
    );
    Problem::new("pdf-ambiguous", Place::default(), text)
}
