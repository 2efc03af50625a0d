//! What a person can do next about a file, with the exact command. Pure: from what the ledger says.

use crate::edges::store::ledger::{FileRow, FileState, MessageRow};
use crate::model::verdict::Verdict;

/// One way on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextStep {
    /// When or why one takes it: "to have it applied all the same".
    pub why: String,
    /// Empty where nothing needs to be typed.
    pub command: String,
}

/// Ways on for a file, the likeliest first. `reject`: a reject file stands beside its reason.
pub fn of_file(file: &FileRow, messages: &[MessageRow], reject: Option<&str>) -> Vec<NextStep> {
    let id = file.id;
    let mut steps = Vec::new();
    let mut step = |why: &str, command: String| steps.push(NextStep { why: why.to_string(), command });
    if file.state != FileState::Judged {
        return steps;
    }
    let changed = messages.iter().any(|m| m.verdict == Verdict::Held && m.code == "content-changed");
    let waiting = messages.iter().any(|m| m.verdict == Verdict::Held && m.waits.is_some());
    if file.counts.refused > 0 {
        match reject {
            Some(path) => step(
                "correct the refused messages in the reject file and drop it again",
                format!("cp '{path}' corrected && $EDITOR corrected"),
            ),
            None => step("correct the file and drop it again under any name", String::new()),
        }
        step("if the cause was on our side and is mended, judge it again", format!("nattpost retry {id}"));
    }
    if changed {
        step("take the new content in place of what we have", format!("nattpost retry {id} --overrule"));
    }
    if waiting {
        step("nothing: what it waits for brings it on by itself", String::new());
        step("judge it again now", format!("nattpost retry {id}"));
    }
    if file.counts.stale > 0 {
        step("apply it although newer is known", format!("nattpost retry {id} --overrule"));
    }
    if file.counts.held + file.counts.refused > 0 {
        step("close it without applying", format!("nattpost ignore {id} --comment \"why\""));
    }
    steps
}
