//! The half of `[feed.NAME]` that says how much of its rows a file tells, what makes it go out beside its schedule, and what
//! becomes of a file that was not taken. What cannot fit together is told.

use std::time::Duration;

use super::forms;
use super::guard;
use super::keyed::{Keyed, Wrong, parse_duration};
use crate::model::feed::{Content, Deletes, Delta, Missed, Replace, Schedule, Since, Triggers};
use crate::model::kind::{Class, Kind};
use crate::model::layout::Layout;
use crate::model::rules::file_name::NamePattern;
use crate::model::rules::guard::{Limit, Limits};
use crate::model::rules::holidays::Closed;

const A_DAY: Duration = Duration::from_secs(86_400);
/// More often is a schedule of minutes.
const LEAST_PAUSE: Duration = Duration::from_secs(10);
/// Endings that are taken for "not finished".
const UNFINISHED: [&str; 3] = [".part", ".tmp", ".filepart"];

pub(super) struct Way {
    pub content: Content,
    pub triggers: Triggers,
    pub limits: Limits,
    pub replace: Replace,
    pub reads_within: Duration,
    pub done_suffix: Option<String>,
}

/// What the schedules of a feed have in common.
pub(super) struct Timing {
    pub zone: chrono_tz::Tz,
    pub missed: Missed,
    pub closed: Closed,
}

/// `layout`: nothing where it is wrong.
pub(super) fn read(
    keyed: &Keyed<'_, '_>,
    layout: Option<&Layout>,
    timing: &Timing,
    file_name: Option<&NamePattern>,
) -> Way {
    let kind = layout.map(|layout| &*layout.kind);
    let is_delta = keyed.value("content", |text| forms::word(text, &[("full", false), ("delta", true)]));
    let delta = read_delta(keyed, timing);
    if is_delta && delta.since == Since::LastFull && delta.full.is_empty() {
        let text = "there would never be a full file to count from: say when one is made, like full = \"0 2 * * *\".";
        keyed.section.problem("since", text);
    }
    let on_change = keyed.parsed("on_change", parse_duration(LEAST_PAUSE, A_DAY));
    let on_registration = keyed.boolean("on_registration");
    let replace = read_replace(keyed, kind, timing.missed);
    let done_suffix = keyed.parsed("done_file", |text| done_suffix(text, file_name));
    let limits = read_limits(keyed, kind, is_delta);
    if !is_delta {
        for key in
            ["since", "full", "full_folder", "full_file_name", "deletes"].into_iter().filter(|key| keyed.has(key))
        {
            let text = "decides nothing here: the feed's content is full. Take it out, or set content = \"delta\".";
            keyed.section.problem(key, text);
        }
    }
    if let Some(layout) = layout {
        check_kind(keyed, &layout.kind, is_delta.then_some(&delta));
        check_deletes(keyed, layout, is_delta.then_some(&delta));
        if is_delta && delta.deletes == Deletes::Only {
            check_only(keyed, &layout.kind);
        }
    }
    Way {
        content: if is_delta { Content::Delta(delta) } else { Content::Full },
        triggers: Triggers { on_change, on_registration },
        limits,
        replace,
        reads_within: keyed.value("reads_within", parse_duration(LEAST_PAUSE, A_DAY)),
        done_suffix,
    }
}

fn read_delta(keyed: &Keyed<'_, '_>, timing: &Timing) -> Delta {
    let full: Vec<Schedule> = keyed
        .parsed_list("full", forms::cron)
        .into_iter()
        .map(|pattern| Schedule { pattern, zone: timing.zone, missed: timing.missed, closed: timing.closed.clone() })
        .collect();
    let since = keyed.value("since", |text| {
        forms::word(text, &[("last-delivered", Since::LastDelivered), ("last-full", Since::LastFull)])
    });
    Delta {
        since,
        full,
        full_file_name: keyed.parsed("full_file_name", name_pattern),
        full_folder: keyed.parsed("full_folder", forms::folder),
        deletes: keyed.value("deletes", |text| forms::word(text, &DELETES)),
    }
}

const DELETES: [(&str, Deletes); 3] =
    [("tell", Deletes::Tell), ("leave-out", Deletes::LeaveOut), ("only", Deletes::Only)];

/// All that is wrong with it in one problem.
pub(super) fn name_pattern(text: &str) -> Result<NamePattern, Wrong> {
    NamePattern::parse(text).map_err(|all| {
        let words: Vec<String> = all.iter().map(ToString::to_string).collect();
        Wrong::new(words.join(" "))
    })
}

fn read_replace(keyed: &Keyed<'_, '_>, kind: Option<&Kind>, missed: Missed) -> Replace {
    let said =
        keyed.parsed("replace", |text| forms::word(text, &[("unsent", Replace::Unsent), ("never", Replace::Never)]));
    if said == Some(Replace::Unsent) && missed == Missed::Each {
        let text = "with missed = \"each\" each newer file would replace the one before; take one of them out.";
        keyed.section.problem("replace", text);
    }
    let keeps = missed == Missed::Each || kind.is_some_and(|kind| kind.class == Class::Request);
    said.unwrap_or(if keeps { Replace::Never } else { Replace::Unsent })
}

fn read_limits(keyed: &Keyed<'_, '_>, kind: Option<&Kind>, is_delta: bool) -> Limits {
    let is_guarded = kind.is_some_and(|kind| kind.class != Class::Request);
    let shrink = || Limit::parse(guard::SHRINK).filter(|_| is_guarded && !is_delta);
    let said = guard::of_feed(keyed);
    if let Some(limits) = &said
        && let Some(kind) = kind
    {
        if !is_guarded {
            keyed.section.problem("guard", "guards compare facts and records; orders go out once each. Take it out.");
        } else if kind.name == "order_status" && !limits.deletes.is_empty() {
            keyed.section.problem(
                "guard",
                "the rows of an order's status leave the window, they are not deleted; take \"deletes\" out.",
            );
        }
    }
    said.unwrap_or_else(|| Limits { shrink: shrink(), ..Limits::default() })
}

fn check_kind(keyed: &Keyed<'_, '_>, kind: &Kind, delta: Option<&Delta>) {
    let is_request = kind.class == Class::Request;
    if is_request {
        if delta.is_some() {
            keyed.section.problem("content", "orders go out once each: what is new is the file. Take it out.");
        }
        for key in ["replace", "reads_within"].into_iter().filter(|key| keyed.has(key)) {
            keyed.section.problem(key, "decides nothing here: a file of orders is never replaced. Take it out.");
        }
        if keyed.has("on_change") && keyed.boolean("on_registration") {
            keyed
                .section
                .problem("on_registration", "says the same as on_change, without its pause; take one of them out.");
        }
    } else if kind.name != "order_status" && keyed.has("on_registration") {
        let text = "decides nothing here: it is for feeds of orders and of their status. Take it out.";
        keyed.section.problem("on_registration", text);
    }
}

/// A feed that tells only what is gone has no full files, and no rows that only become 0 or leave a window.
fn check_only(keyed: &Keyed<'_, '_>, kind: &Kind) {
    for key in ["since", "full", "full_folder", "full_file_name"].into_iter().filter(|key| keyed.has(key)) {
        let text = "decides nothing beside deletes = \"only\": there is no full file of what is gone. Take it out.";
        keyed.section.problem(key, text);
    }
    let why = match kind.name.as_str() {
        "stock" => "stock that is gone is told as 0, like any other quantity",
        "order_status" => "the status of an order leaves its window and is never deleted",
        _ => return,
    };
    keyed.section.problem("deletes", format!("{why}; take \"only\" out."));
}

/// Stock that is gone is told as 0, and an order's status leaves its window. Everything else needs a word in the layout.
fn check_deletes(keyed: &Keyed<'_, '_>, layout: &Layout, delta: Option<&Delta>) {
    let kind = &layout.kind;
    let needs_word = kind.class != Class::Request && kind.name != "stock" && kind.name != "order_status";
    if needs_word && delta.is_some_and(|delta| delta.deletes == Deletes::Tell) && !layout.tells_deletes() {
        keyed.section.problem(
            "content",
            format!(
                "{} {} that is deleted could not be told: the layout \"{}\" has no field \"change()\" with a word for it. Add one to it, or set deletes = \"leave-out\", or content = \"full\".",
                if kind.name.starts_with('a') { "an" } else { "a" },
                kind.name,
                layout.id
            ),
        );
    }
}

fn done_suffix(text: &str, file_name: Option<&NamePattern>) -> Result<String, Wrong> {
    let safe = text.len() > 1
        && text.len() <= 12
        && text.starts_with('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if !safe {
        return Err(Wrong::new(format!(
            "\"{text}\" is not the ending of a file name; expected something like \".done\", at most 12 characters."
        )));
    }
    if UNFINISHED.contains(&text) {
        return Err(Wrong::new(format!(
            "\"{text}\" stands for a file that is not finished, so it cannot vouch for one."
        )));
    }
    let meets = |name: &NamePattern| {
        let may_end_so = name.own_numbers().next().is_some() && text.ends_with(name.ending());
        name.as_str().ends_with(text) || may_end_so
    };
    if file_name.is_some_and(meets) {
        return Err(Wrong::new(format!(
            "the feed's files end in \"{text}\" too, so nobody could tell them apart; expected another ending."
        )));
    }
    Ok(text.to_string())
}
