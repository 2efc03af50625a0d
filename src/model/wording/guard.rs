//! Words for what the guard holds back: which limit, what was found, what to do.

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

/// What a person can do about a locked feed.
pub fn what_to_do(feed: &str) -> String {
    format!(
        "look at the file in held/out and then: nattpost release {feed}, which sends today's state once, or nattpost discard {feed}"
    )
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
}
