//! The text of a reason file: what a person at the partner or in operations reads first. Built from what the ledger keeps.

use super::diagnostic::{Diagnostics, Problem};
use super::verdict::{Counts, Home, Verdict};

/// What a reason file speaks of.
pub struct Reason<'a> {
    /// Our id of the file.
    pub file_id: &'a str,
    /// The sender's name of the file, safe to print.
    pub name: &'a str,
    /// `partner/intake`.
    pub source: &'a str,
    pub counts: Counts,
    /// Nothing was applied, though single messages were good.
    pub whole_file: bool,
    /// It is not refused, but waits for a person as a whole.
    pub is_held: bool,
    pub problems: &'a Diagnostics,
    /// Command that brings the original back into the intake.
    pub come_back: &'a str,
}

/// The whole text.
pub fn text(reason: &Reason<'_>) -> String {
    let mut out = String::new();
    out.push_str(&format!("{} from {}\nfile id {}\n\n", reason.name, reason.source, reason.file_id));
    out.push_str(&headline(reason));
    out.push('\n');
    for problem in reason.problems.kept() {
        out.push_str(&format!("\n{}, {}\n    [{}]\n", reason.name, one(problem), problem.code));
    }
    let kept = reason.problems.kept().len() as u64;
    if reason.problems.total() > kept {
        out.push_str(&format!("\n… and {} more:\n", reason.problems.total() - kept));
        for (code, count) in reason.problems.counts() {
            out.push_str(&format!("    {count} x {code}\n"));
        }
    }
    out.push_str(&format!("\nWhat to do: {}\n", advice(reason)));
    out
}

/// The text when messages of the file changed their verdicts after it was judged: the counts as they are now, what was said
/// before, and what was refused later.
pub fn later(before: Option<&str>, name: &str, when: &str, counts: Counts, problems: &Diagnostics) -> String {
    let mut out = match before {
        Some(before) => recounted(before, counts),
        None => format!("{name}\n\n{}\n", counted(counts)),
    };
    if problems.is_empty() {
        return out;
    }
    out.push_str(&format!("\nLater, on {when}, refused as well:\n"));
    for problem in problems.kept() {
        out.push_str(&format!("\n{name}, {}\n    [{}]\n", one(problem), problem.code));
    }
    out.push_str("\nThe .reject file beside this one holds all refused messages as they were sent.\n");
    out
}

/// What a reason says is wrong, each with its code: of a file that is refused as a whole the one place where that stands.
pub fn told(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut before = "";
    for line in text.lines() {
        if let Some(code) = line.strip_prefix("    [").and_then(|code| code.strip_suffix(']')) {
            found.push((before.to_string(), code.to_string()));
        }
        before = line;
    }
    found
}

/// Where the line of counts may stand: below the name, with or without the id between them.
const HEADLINE_AT: std::ops::RangeInclusive<usize> = 1..=3;

/// A reason that speaks of the file as a whole has no counts, and stays.
fn recounted(before: &str, counts: Counts) -> String {
    let mut out = String::with_capacity(before.len());
    for (at, line) in before.split_inclusive('\n').enumerate() {
        match HEADLINE_AT.contains(&at) && line.starts_with(COUNTED) && line.contains("message(s): ") {
            true => out.push_str(&format!("{}\n", counted(counts))),
            false => out.push_str(line),
        }
    }
    out
}

fn one(problem: &Problem) -> String {
    problem.to_string()
}

fn headline(reason: &Reason<'_>) -> String {
    let counts = reason.counts;
    if reason.is_held {
        return "Nothing of this file is applied yet: it waits for a person.".to_string();
    }
    if reason.whole_file {
        return "Nothing of this file was applied: it is refused whole.".to_string();
    }
    if counts.total() == 0 { "Nothing of this file was applied.".to_string() } else { counted(counts) }
}

/// How the line of counts begins.
const COUNTED: &str = "Of ";

fn counted(counts: Counts) -> String {
    let parts: Vec<String> =
        Verdict::ALL.into_iter().filter(|v| counts.get(*v) > 0).map(|v| format!("{} {}", counts.get(v), v)).collect();
    format!("{COUNTED}{} message(s): {}.", counts.total(), parts.join(", "))
}

fn advice(reason: &Reason<'_>) -> String {
    if reason.is_held {
        return "look at what the file would do, then decide as it says above; nothing is lost meanwhile.".to_string();
    }
    if reason.whole_file || reason.counts.home() == Home::Failed {
        format!(
            "correct the file and drop it again under any name. If the cause was on our side and is mended: {} or \
             nattpost retry {}",
            reason.come_back, reason.file_id
        )
    } else {
        format!(
            "the .reject file beside this one holds only the refused messages as they were sent: correct it and drop it \
             again. If the cause was on our side and is mended: nattpost retry {}",
            reason.file_id
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::diagnostic::Place;

    #[test]
    fn says_where_what_and_what_to_do() {
        let mut problems = Diagnostics::default();
        problems.add(Problem::new(
            "quantity-invalid",
            Place { line: 14, byte: 700, field: "qty".into(), ..Place::default() },
            "\"2,5x\" is not a quantity; expected a number like 2.5.".into(),
        ));
        let mut counts = Counts::default();
        counts.add(Verdict::Accepted, 4);
        counts.add(Verdict::Refused, 1);
        let text = text(&Reason {
            file_id: "0abc",
            name: "orders-1107.csv",
            source: "dealer/orders",
            counts,
            whole_file: false,
            is_held: false,
            problems: &problems,
            come_back: "mv a b",
        });
        let sentence = "orders-1107.csv, line 14, \"qty\": \"2,5x\" is not a quantity; expected a number like 2.5.";
        assert_eq!(told(&text), [(sentence.to_string(), "quantity-invalid".to_string())]);
        for expected in [
            "Of 5 message(s): 4 accepted, 1 refused.",
            "orders-1107.csv, line 14, \"qty\": \"2,5x\" is not a quantity; expected a number like 2.5.",
            "[quantity-invalid]",
            ".reject file beside this one",
        ] {
            assert!(text.contains(expected), "{text}");
        }
        counts.change(Verdict::Accepted, Verdict::Held);
        let now = later(Some(&text), "orders-1107.csv", "2026-11-07 06:00", counts, &Diagnostics::default());
        assert_eq!(now, text.replace("4 accepted, 1 refused", "3 accepted, 1 held, 1 refused"));
        let first = later(None, "Of 1 message(s): x", "2026-11-07 06:00", counts, &problems);
        assert!(first.contains("Of 5 message(s): 3 accepted, 1 held, 1 refused.\n\nLater, on 2026-11-07"), "{first}");
    }
}
