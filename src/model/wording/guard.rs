//! Words for what the guard holds back: which limit, what was found, what to do.

use crate::model::diagnostic::{Place, Problem, shown};
use crate::model::rules::guard::{Counted, Exceeded};

/// `312 of 1,000 rows would be deleted, the limit is 10 % and 6`; several are told one after the other.
pub fn exceeded(limits: &[Exceeded]) -> String {
    limits.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn one(exceeded: &Exceeded) -> String {
    let Exceeded { counted, limit, found, base } = exceeded;
    let what = match counted {
        Counted::Creates => "would be new",
        Counted::Changes => "would be changed",
        Counted::Deletes => "would be deleted",
        Counted::Lost => "would be missing from a full file",
    };
    match counted {
        Counted::Creates => format!("{} rows {what} beside {}, the limit is {limit}", grouped(*found), grouped(*base)),
        _ => format!("{} of {} rows {what}, the limit is {limit}", grouped(*found), grouped(*base)),
    }
}

/// `1,000,000`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Beside what was exceeded: it may be no fault of the data. `at`: local.
pub fn new_configuration(at: &str) -> String {
    format!("what the feed tells was configured anew at {at}, after the file that the partner holds")
}

/// What a person can do about a locked feed.
pub fn what_to_do(feed: &str) -> String {
    format!(
        "look at the file in held/out and then: nattpost release {feed}, which sends today's state once, or nattpost discard {feed}"
    )
}

/// Why what the guard holds cannot be released, and what can be done. `arguments`: of a command about it.
pub fn left_the_configuration(arguments: &str) -> String {
    format!(
        "it is no longer in the configuration: put it back, then release it; or nattpost discard {arguments} drops what is held back"
    )
}

/// Some rows were asked for. `told`: sentences.
pub fn nothing_goes_out(feed: &str, told: &str) -> String {
    format!(
        "{feed} is locked, so nothing of it goes out: {told} nattpost release {feed} sends today's state once, nattpost discard {feed} drops \
         what was held back"
    )
}

/// Code of a file that waits for a person.
pub const LOCKED: &str = "guard-locked";
/// Code of a file that waits until one before it is decided.
pub const BEHIND: &str = "guard-behind";

/// Does a file of this code wait as a whole?
pub fn is_code_of_guard(code: &str) -> bool {
    [LOCKED, BEHIND].contains(&code)
}

/// ` Deleted, for example: A-1 / HH.`: keys that would be new, change, be deleted.
pub fn for_example(samples: [&[String]; 3]) -> String {
    let mut text = String::new();
    for (what, keys) in ["New", "Changed", "Deleted"].into_iter().zip(samples) {
        if !keys.is_empty() {
            let keys: Vec<String> = keys.iter().map(|key| shown(key)).collect();
            text.push_str(&format!(" {what}, for example: {}.", keys.join(", ")));
        }
    }
    text
}

/// A file that came in, with the keys of `for_example`.
pub fn locked(source: &str, exceeded: &str, samples: [&Vec<String>; 3]) -> Problem {
    let mut text = format!("the guard holds it: {exceeded}.{}", for_example(samples.map(|keys| &keys[..])));
    text.push_str(&format!(
        " If that is right: nattpost release {source} --in. If not: nattpost discard {source} --in, and have the right file sent."
    ));
    Problem::new(LOCKED, Place::default(), text)
}

pub fn behind(source: &str, name: &str) -> Problem {
    let text = format!(
        "it waits behind {}, which the guard holds; it is judged when a person has decided about that one (nattpost release or \
         discard {source} --in).",
        shown(name)
    );
    Problem::new(BEHIND, Place::default(), text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rules::guard::Limit;

    #[test]
    fn a_person_reads_limit_and_finding() {
        let of =
            |counted, limit: &str, found, base| Exceeded { counted, limit: Limit::parse(limit).unwrap(), found, base };
        let both = [of(Counted::Deletes, "10 % and 6", 312, 1_000), of(Counted::Creates, "5000", 1_000_001, 20)];
        assert_eq!(
            exceeded(&both),
            "312 of 1,000 rows would be deleted, the limit is 10 % and 6; 1,000,001 rows would be new beside 20, the limit is 5000"
        );
        assert_eq!(exceeded(&[]), "");
    }

    #[test]
    fn a_locked_file_is_told_with_samples_and_what_to_do() {
        let deleted = vec!["A-1 / 01".to_string(), "A\n2".to_string()];
        let problem =
            locked("erp/stock", "4 of 10 rows would be deleted, the limit is 20 %", [&vec![], &vec![], &deleted]);
        assert_eq!(
            problem.text,
            "the guard holds it: 4 of 10 rows would be deleted, the limit is 20 %. Deleted, for example: A-1 / 01, A\\n2. \
             If that is right: nattpost release erp/stock --in. If not: nattpost discard erp/stock --in, and have the right \
             file sent."
        );
    }
}
