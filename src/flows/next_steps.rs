//! What a person can do next about a file, with the exact command. Pure: from what the ledger says.

use super::inbound::papers::ORDER_PDF;
use super::inbound::returned::CAME_BACK;
use super::outbound::deliver::says;
use super::show::DeliveryShown;
use crate::edges::store::ledger::{FileRow, FileState, LockRow, MessageRow, RunReason, RunRow, RunState};
use crate::model::pause::Subject;
use crate::model::rules::delivering::Says;
use crate::model::verdict::{Home, Verdict};
use crate::model::wording::guard::is_code_of_guard;

/// One way on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextStep {
    /// When or why one takes it: "to have it applied all the same".
    pub why: String,
    /// Empty where nothing needs to be typed.
    pub command: String,
}

/// Code of messages that a person closed without applying.
const IGNORED: &str = "ignored";

/// Did a person close everything that was open of it?
pub fn is_closed(file: &FileRow, messages: &[MessageRow]) -> bool {
    let mut open = messages.iter().filter(|m| matches!(m.verdict, Verdict::Held | Verdict::Refused)).peekable();
    file.home == Some(Home::Done) && open.peek().is_some() && open.all(|m| m.code == IGNORED)
}

/// Is nothing open of it but what came back as another file?
pub fn is_replaced(file: &FileRow, messages: &[MessageRow]) -> bool {
    let mut open = messages.iter().filter(|m| matches!(m.verdict, Verdict::Held | Verdict::Refused));
    file.home == Some(Home::Done) && open.all(|m| m.code == CAME_BACK)
}

/// The way on of such a file.
pub fn of_replaced(came_back_as: &FileRow) -> Vec<NextStep> {
    let why = "nothing: it came back; what became of it".to_string();
    vec![NextStep { why, command: format!("nattpost show {}", came_back_as.id) }]
}

/// A PDF that came alone has no fields: what is wrong with it is its name.
fn to_correct(file: &FileRow, messages: &[MessageRow]) -> Option<NextStep> {
    let is_open = |m: &&MessageRow| {
        matches!(m.verdict, Verdict::Held | Verdict::Refused) && m.code != CAME_BACK && m.kind != ORDER_PDF
    };
    let first = messages.iter().find(is_open)?;
    let command = format!("nattpost correct {} --message {}", file.id, first.number);
    Some(NextStep { why: "see the fields of a message, and correct them here".to_string(), command })
}

/// Ways on for a run that is to be brought and does not go on by itself, or not yet.
pub fn of_delivery(run: &RunRow, delivery: &DeliveryShown) -> Vec<NextStep> {
    let id = run.id;
    let mut steps = Vec::new();
    let mut step = |why: &str, command: String| steps.push(NextStep { why: why.to_string(), command });
    if !delivery.row.is_open {
        return steps;
    }
    let feed = format!("{}/{}", run.partner, run.feed);
    let is_unknown = delivery.row.unknown_since.is_some();
    match (is_unknown, run.state) {
        (true, RunState::Renaming) => {
            step("he lacks it: send it again", format!("nattpost release {id} --comment \"why\""));
            step("he has it: close it as delivered", format!("nattpost discard {id} --comment \"why\""));
        }
        (true, _) => {
            let release = format!("nattpost release {id} --comment \"why\"");
            step("have the same orders written anew and sent", release);
            step(
                "he has them by another way: close it as delivered",
                format!("nattpost discard {id} --comment \"why\""),
            );
        }
        _ if delivery.paused => step("let it go on", format!("nattpost resume {feed}")),
        _ if delivery.locked && run.state == RunState::Ready => {
            step("see what the guard holds back, then release or discard it", format!("nattpost status {feed}"));
        }
        _ => {}
    }
    if !is_unknown && (delivery.row.failures > 0 || run.state == RunState::Renaming) {
        step("what keeps it is mended: have it tried now", format!("nattpost release {id} --comment \"why\""));
        let end = match (says(run), run.reason) {
            (Says::Requests, _) => "he has its orders by another way: close it as delivered",
            (Says::Facts, RunReason::Receipt) => "drop it: he gets no answer by us",
            (Says::Facts, _) => "drop it: the next file tells what it said",
        };
        step(end, format!("nattpost discard {id} --comment \"why\""));
    }
    steps
}

/// Ways on for what the guard holds back. `configured`: whether its feed still is.
pub fn of_lock(lock: &LockRow, configured: bool) -> Vec<NextStep> {
    let subject = lock.subject();
    let what = subject.arguments();
    let step = |why: &str, command: String| NextStep { why: why.to_string(), command };
    if !configured {
        return vec![
            put_back(&subject),
            step("it is not wanted any more: drop it", format!("nattpost discard {what} --comment \"why\"")),
        ];
    }
    vec![
        step("it is right: today's state goes out once", format!("nattpost release {what} --comment \"why\"")),
        step(
            "it is not: drop it; the next file tells all of it again",
            format!("nattpost discard {what} --comment \"why\""),
        ),
    ]
}

/// What left the configuration can only be released once it is there again.
fn put_back(subject: &Subject) -> NextStep {
    let why =
        format!("it is right: {} is no longer in the configuration: put it back, then release it", subject.told());
    NextStep { why, command: String::new() }
}

/// Ways on for a file, the likeliest first. `reject`: a reject file stands beside its reason. `configured`: whether its intake
/// still is.
pub fn of_file(file: &FileRow, messages: &[MessageRow], reject: Option<&str>, configured: bool) -> Vec<NextStep> {
    let id = file.id;
    let mut steps = Vec::new();
    let mut step = |why: &str, command: String| steps.push(NextStep { why: why.to_string(), command });
    if file.state != FileState::Judged {
        return steps;
    }
    if !file.rehearsed.writes() {
        if file.rehearsal_closed {
            step("nothing: it was a test, by its name or until a person closed it", String::new());
        } else {
            step("apply it, once its partner is live", format!("nattpost retry {id} --rehearsed"));
            step("close it without applying it", format!("nattpost ignore {id} --rehearsed --comment \"why\""));
        }
        return steps;
    }
    if file.redacted {
        if file.counts.held + file.counts.refused + file.counts.stale > 0 {
            step("have it sent again: the copy kept here has lost its personal fields", String::new());
        }
        return steps;
    }
    if is_code_of_guard(&file.code) {
        let subject = Subject::Intake { partner: file.partner.clone(), intake: file.intake.clone() };
        let what = subject.arguments();
        if file.verdict == Some(Verdict::Held) {
            if configured {
                step("apply it as it is, if what it does is right", format!("nattpost release {what}"));
            } else {
                steps.push(put_back(&subject));
            }
            let command = format!("nattpost discard {what} --comment \"why\"");
            steps.push(NextStep { why: "close it without applying it".to_string(), command });
        }
        return steps;
    }
    if is_closed(file, messages) {
        step("nothing: a person closed it. If that was a mistake, judge it again", format!("nattpost retry {id}"));
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
    steps.extend(to_correct(file, messages));
    let mut step = |why: &str, command: String| steps.push(NextStep { why: why.to_string(), command });
    if file.counts.held + file.counts.refused > 0 {
        step("close it without applying", format!("nattpost ignore {id} --comment \"why\""));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::store::FileNo;
    use crate::edges::store::ledger::{MessageNo, Waits};
    use crate::model::ids::Id;
    use crate::model::verdict::Counts;

    fn file(counts: &[(Verdict, u64)]) -> FileRow {
        let mut all = Counts::default();
        counts.iter().for_each(|(verdict, count)| all.add(*verdict, *count));
        FileRow {
            no: FileNo(1),
            id: Id::new(1_795_300_000_000, 7),
            partner: "dealer".into(),
            intake: "orders".into(),
            raw_name: b"o.csv".to_vec(),
            name: "o.csv".into(),
            origin: String::new(),
            first_seen: String::new(),
            size: 1,
            inode: 1,
            mtime_ns: 0,
            content_hash: None,
            state: FileState::Judged,
            attempts: 0,
            alone: false,
            kind: "order".into(),
            layout: String::new(),
            fingerprint: 0,
            as_of: String::new(),
            verdict: Some(all.file_verdict()),
            messages: all.total(),
            counts: all,
            code: String::new(),
            rows_written: 0,
            rows_taken: 0,
            decided_at: None,
            home: Some(all.home()),
            day: String::new(),
            placed: true,
            original_gone: false,
            redacted: false,
            returns_of: None,
            comment: String::new(),
            rehearsed: crate::model::mode::Mode::Live,
            rehearsal_closed: false,
            archived: 0,
        }
    }

    fn message(verdict: Verdict, code: &str, waits: bool) -> MessageRow {
        let waits = waits.then(|| Waits { kind: "customer".into(), key: "K".into(), until: None });
        MessageRow {
            no: MessageNo(1),
            file: FileNo(1),
            number: 1,
            kind: "order".into(),
            key: "K/B".into(),
            verdict,
            code: code.into(),
            line: 1,
            bytes: Vec::new(),
            problems: Vec::new(),
            payload: None,
            row: None,
            waits,
            decided_at: String::new(),
            comment: String::new(),
        }
    }

    #[test]
    fn each_state_has_its_way_on() {
        use Verdict::*;
        let rows = [
            (vec![(Accepted, 3)], vec![], &[][..]),
            (
                vec![(Refused, 1)],
                vec![message(Refused, "x", false)],
                &["", "retry ID", "correct ID --message 1", "ignore ID"][..],
            ),
            (
                vec![(Held, 1)],
                vec![message(Held, "content-changed", false)],
                &["retry ID --overrule", "correct ID --message 1", "ignore ID"],
            ),
            (
                vec![(Held, 1)],
                vec![message(Held, "customer-unknown", true)],
                &["", "retry ID", "correct ID --message 1", "ignore ID"],
            ),
            (vec![(Accepted, 1), (Stale, 1)], vec![message(Stale, "stale", false)], &["retry ID --overrule"]),
            (vec![(Duplicate, 1), (Refused, 1)], vec![message(Refused, "ignored", false)], &["retry ID"]),
        ];
        for (counts, messages, expected) in rows {
            let file = file(&counts);
            let steps = of_file(&file, &messages, None, true);
            let commands: Vec<String> = steps
                .iter()
                .map(|s| {
                    s.command.replace(file.id.as_str(), "ID").replace("nattpost ", "").replace(" --comment \"why\"", "")
                })
                .collect();
            assert_eq!(commands, expected, "{counts:?}");
        }
        let redacted = FileRow { redacted: true, ..file(&[(Accepted, 1), (Refused, 1)]) };
        let steps = of_file(&redacted, &[message(Refused, "x", false)], None, true);
        assert!(steps.len() == 1 && steps[0].why.starts_with("have it sent again"), "{steps:?}");
    }
}
