//! Words for what is wrong with a registration, or has to be decided by a person.

use crate::model::diagnostic::{Place, Problem, shown};

fn list(candidates: &[String]) -> String {
    candidates.iter().map(|one| shown(one)).collect::<Vec<_>>().join(", ")
}

pub fn incomplete(place: Place, field: &str) -> Problem {
    let needs = match field {
        "name" => "a customer who registers needs a name",
        _ => "a contact who registers needs a last name or an e-mail address",
    };
    Problem::new(
        "registration-incomplete",
        place,
        format!("{needs}, and none is given. Add it and send the registration again."),
    )
}

pub fn registration_unknown(place: Place, sent: &str) -> Problem {
    Problem::new(
        "registration-unknown",
        place,
        format!(
            "\"{}\" is no registration that has a number; expected the partner's own number of one that was taken. Correct it, or have that one registered first.",
            shown(sent)
        ),
    )
}

pub fn registration_ambiguous(place: Place, sent: &str, partners: &[String]) -> Problem {
    Problem::new(
        "registration-ambiguous",
        place,
        format!(
            "\"{}\" was registered by several partners: {}. Say which one is meant, in registered_by.",
            shown(sent),
            list(partners)
        ),
    )
}

pub fn already_registered(place: Place, external_id: &str, candidates: &[String]) -> Problem {
    Problem::new(
        "already-registered",
        place,
        format!(
            "\"{}\" may be known already: {}. Found by the same VAT number, or by the same e-mail address and postcode. A person decides: \
             nattpost retry FILE --existing NUMBER says that it is that one, retry FILE --overrule that it is new, ignore FILE closes it.",
            shown(external_id),
            list(candidates)
        ),
    )
}

pub fn existing_unknown(place: Place, number: &str, subject: &str) -> Problem {
    Problem::new(
        "already-registered",
        place,
        format!(
            "there is no {subject} {}; expected the number of one that is known. Give the command again with his number.",
            shown(number)
        ),
    )
}

pub fn numbers_used_up(place: Place, subject: &str) -> Problem {
    Problem::new(
        "numbers-used-up",
        place,
        format!(
            "the range of {subject} numbers of this intake is used up. Set {subject}_numbers to a further range, then nattpost retry the file."
        ),
    )
}

pub fn password_sent(place: Place, name: &str) -> Problem {
    Problem::new(
        "password-sent",
        place,
        format!(
            "\"{}\" looks like a password or its hash; none is taken from a file. Leave the field out; a password is set with nattpost user set-password.",
            shown(name)
        ),
    )
}
