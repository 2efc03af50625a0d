//! What people are told of a problem: where, what was found, what to do. A sentence stays the same while nothing changes, so it
//! speaks of moments and never of "for three hours". `over` says how it ended.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::guard::left_the_configuration;
use crate::model::pause::Subject;
use crate::model::problem::{Condition, Kind, Level};
use crate::model::rules::arrivals::Window;

/// Names of one problem that are told; the rest is counted.
const NAMED: usize = 5;

fn condition(kind: Kind, about: &str, level: Level, words: String, advice: String) -> Condition {
    Condition { kind, about: about.to_string(), part: String::new(), level, count: 1, words, advice }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `a, b and 3 more`: the first few of `count`.
fn listed(names: &[String], count: u64) -> String {
    let named = names.len().min(NAMED);
    let rest = count.saturating_sub(named as u64);
    let list = names[..named].join(", ");
    if rest > 0 { format!("{list} and {rest} more") } else { list }
}

fn moment(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()
}

pub fn arrival_late((intake, level): (&str, Level), owed: &[&Window], zone: Tz) -> Option<Condition> {
    let first = owed.first()?;
    let due: Vec<String> = owed.iter().map(|window| moment(window.due_at, zone)).collect();
    let words = match owed {
        [one] if one.came > 0 => format!(
            "{intake}: {} came by {}; expected at least {}.",
            counted(one.came, "file", "files"),
            due[0],
            one.least
        ),
        [_] => format!(
            "{intake}: nothing came by {}; expected at least {}.",
            due[0],
            counted(first.least, "file", "files")
        ),
        _ => format!(
            "{intake}: less than expected came by {} due times: {}.",
            owed.len(),
            listed(&due, owed.len() as u64)
        ),
    };
    let advice = format!(
        "Ask its sender; nattpost expect {intake} shows what came when. What is not to come any more: nattpost expect {intake} --close \
         --comment \"…\"."
    );
    Some(Condition { count: owed.len() as u64, ..condition(Kind::ArrivalLate, intake, level, words, advice) })
}

/// `gaps`: first and last missing number of each.
pub fn numbers_missing(intake: &str, gaps: &[(u64, u64)]) -> Condition {
    let told =
        |(first, last): &(u64, u64)| if first == last { first.to_string() } else { format!("{first} to {last}") };
    let named: Vec<String> = gaps.iter().take(NAMED).map(told).collect();
    let count = gaps.iter().map(|(first, last)| last - first + 1).sum();
    let words = format!(
        "{intake}: {} missing among the files of the last days: {}.",
        counted(count, "number is", "numbers are"),
        listed(&named, gaps.len() as u64)
    );
    let advice = format!("Ask its sender for them; nattpost files --partner shows what came ({intake}).");
    Condition { count, ..condition(Kind::NumbersMissing, intake, Level::Warning, words, advice) }
}

/// What became of a late arrival.
pub fn arrival_came(intake: &str, met: &Window, never: &[&Window], zone: Tz) -> String {
    let came = met.met_at.map_or_else(String::new, |at| format!(" at {}", moment(at, zone)));
    if never.is_empty() {
        return format!("{intake}: what was due by {} came{came}.", moment(met.due_at, zone));
    }
    let due: Vec<String> = never.iter().map(|window| moment(window.due_at, zone)).collect();
    format!("{intake}: files come again{came}; what was due by {} never came.", listed(&due, due.len() as u64))
}

pub fn arrival_extra(intake: &str, window: &Window, zone: Tz) -> Condition {
    let most = window.most.unwrap_or_default();
    let words = format!(
        "{intake}: {} came where at most {most} should by {}.",
        counted(window.came, "file", "files"),
        moment(window.due_at, zone)
    );
    let advice = format!("Ask its sender whether all are meant; nattpost files --partner {intake} lists them.");
    Condition { count: window.came, ..condition(Kind::ArrivalExtra, intake, Level::Warning, words, advice) }
}

/// `worst`: a file of them was refused by a fault of ours, or ended the process.
pub fn files_refused(intake: &str, day: &str, count: u64, names: &[String], worst: bool) -> Condition {
    let (level, ours) = match worst {
        true => (Level::Error, " At least one by a fault of Nattpost (internal-error or crashed-while-reading)."),
        false => (Level::Warning, ""),
    };
    let words = format!(
        "{intake}: {} of {day} {} refused, wholly or in part: {}.{ours}",
        counted(count, "file", "files"),
        if count == 1 { "is" } else { "are" },
        listed(names, count)
    );
    let advice = format!(
        "nattpost files --partner {intake} --verdict refused lists them with their reasons. When the cause is mended: nattpost retry \
         --partner {intake} --verdict refused; what is to be closed: nattpost ignore."
    );
    Condition { part: day.to_string(), count, ..condition(Kind::FilesRefused, intake, level, words, advice) }
}

pub fn files_held(intake: &str, day: &str, files: u64, messages: u64) -> Condition {
    let words = format!(
        "{intake}: {} in {} of {day} wait for a person.",
        counted(messages, "message", "messages"),
        counted(files, "file", "files")
    );
    let advice = format!(
        "nattpost files --partner {intake} --verdict held lists them; nattpost retry FILE --overrule applies, nattpost ignore FILE \
         closes."
    );
    let one = condition(Kind::FilesHeld, intake, Level::Warning, words, advice);
    Condition { part: day.to_string(), count: messages, ..one }
}

/// `names`: `customer K-9`, the first of them.
pub fn records_made(intake: &str, day: &str, count: u64, names: &[String]) -> Condition {
    let words = format!(
        "{intake}: {} of {day} to be completed: {}.",
        counted(count, "record was made of what orders say and is", "records were made of what orders say and are"),
        listed(names, count)
    );
    let advice = "Have them kept in the ERP and sent with its customers and articles; what it sends wins. The view v_made lists them \
                  with file and line, nattpost find NUMBER shows one."
        .to_string();
    let one = condition(Kind::RecordsMade, intake, Level::Warning, words, advice);
    Condition { part: day.to_string(), count, ..one }
}

/// `about`: what was asked for, separated by commas.
pub fn questions_not_allowed(intake: &str, day: &str, count: u64, about: &str) -> Condition {
    let words = format!(
        "{intake}: {} of {day} that nobody there has a right to: {}.",
        counted(count, "question", "questions"),
        about.replace(',', ", ")
    );
    let advice = "They were answered with not-allowed. If it was agreed, add it to features of the partner or the department, or to the rights of \
                  the contact. The view v_question lists them, by their code."
        .to_string();
    let one = condition(Kind::QuestionsNotAllowed, intake, Level::Warning, words, advice);
    Condition { part: day.to_string(), count, ..one }
}

/// `source`: intake, partner, or in/ itself; `why`: of the first of them.
pub fn file_stuck(source: &str, count: u64, names: &[String], why: &str) -> Condition {
    let words = format!("{source}: {} not taken: {}; {} {why}.", lie(count), listed(names, count), names[0]);
    let advice = "nattpost status says of each why, and what to do.".to_string();
    Condition { count, ..condition(Kind::FileStuck, source, Level::Warning, words, advice) }
}

fn lie(count: u64) -> String {
    if count == 1 { "1 file lies in in/ and is".to_string() } else { format!("{count} files lie in in/ and are") }
}

pub fn original_missing(intake: &str, id: &str, name: &str) -> Condition {
    let words = format!("{intake}: {name} ({id}) is judged, and the file itself is nowhere in the spool.");
    let advice = format!(
        "Look for it in a backup and put it back where nattpost show {id} says; else close it: nattpost ignore {id}."
    );
    Condition { part: id.to_string(), ..condition(Kind::OriginalMissing, intake, Level::Error, words, advice) }
}

/// `told`: why, with keys, as whole sentences. `item`: the run or file that is held. `configured`: it can be released.
pub fn guard_locked(subject: &Subject, told: &str, item: &str, configured: bool) -> Condition {
    let (name, arguments) = (subject.name(), subject.arguments());
    let what = match subject {
        Subject::Intake { .. } => "a file of it is locked",
        _ => "its file is locked, and nothing of it goes out",
    };
    let words = format!("{name}: {what}: {told}");
    let advice = match configured {
        true => format!(
            "nattpost explain {item} says where it stands; then nattpost release {arguments}, or nattpost discard {arguments}."
        ),
        false => format!("nattpost explain {item} says where it stands; {}.", left_the_configuration(&arguments)),
    };
    condition(Kind::GuardLocked, &name, Level::Warning, words, advice)
}

/// `runs`: names of files that are ready for too long, the oldest first; of that one its id, and what its last try said.
pub fn delivery_late(feed: &str, runs: &[String], since: &str, (run, reason): (&str, &str)) -> Condition {
    let count = runs.len() as u64;
    let advice = "It is tried again by itself; nattpost explain FILE tells of each try";
    let (reason, advice) = if reason.is_empty() {
        (String::new(), format!("{advice}."))
    } else {
        let ends = format!("nattpost release {run} tries now, nattpost discard {run} ends it");
        (format!("; the last try said: {}", reason.trim_end_matches('.')), format!("{advice}. {ends}."))
    };
    let words = format!("{feed}: {} not delivered since {since}: {}{reason}.", stand_ready(count), listed(runs, count));
    Condition { count, ..condition(Kind::DeliveryLate, feed, Level::Error, words, advice) }
}

fn stand_ready(count: u64) -> String {
    if count == 1 { "1 file is ready and".to_string() } else { format!("{count} files are ready and") }
}

pub fn delivery_unknown(feed: &str, run: &str, name: &str, remote: &str) -> Condition {
    let words =
        format!("{feed}: nobody knows whether {name} ({run}) arrived at {remote}; its requests go out once only.");
    let advice = format!(
        "Ask the partner. If he lacks it: nattpost release {run} sends it again. If he has it: nattpost discard {run} closes it as delivered."
    );
    Condition { part: run.to_string(), ..condition(Kind::DeliveryUnknown, feed, Level::Error, words, advice) }
}

/// Of orders, which a person decides about; the same kind, since what he says is the same.
pub fn file_gone(feed: &str, run: &str, name: &str, remote: &str) -> Condition {
    let words = format!(
        "{feed}: the file {name} ({run}) is gone from out/ before it was brought to {remote}, so its orders have not gone out."
    );
    let advice = format!(
        "nattpost release {run} writes it anew with the same orders and sends it. If the partner has them by another way: nattpost discard \
         {run} closes it as delivered."
    );
    Condition { part: run.to_string(), ..condition(Kind::DeliveryUnknown, feed, Level::Error, words, advice) }
}

pub fn remote_down(remote: &str, reason: &str) -> Condition {
    let words = format!("{remote}: cannot be reached or does not answer: {}.", reason.trim_end_matches('.'));
    let advice = "It is tried again by itself. nattpost check --connect tries it now.".to_string();
    condition(Kind::RemoteDown, remote, Level::Warning, words, advice)
}

pub fn remote_refused(remote: &str, reason: &str) -> Condition {
    let words = format!("{remote}: refuses us: {}.", reason.trim_end_matches('.'));
    let advice = "Correct user, password, certificate or rights; it is tried rarely, so that no account gets locked, and at once after a reload or when the file of its secret changes.";
    condition(Kind::RemoteRefused, remote, Level::Error, words, advice.to_string())
}

pub fn paused_long(subject: &str, about: &str, since: &str) -> Condition {
    let words = format!("{about} is paused since {since}.");
    let advice = format!("nattpost resume {about} lets it go on; nattpost status says who paused it and why.");
    Condition { part: subject.to_string(), ..condition(Kind::PausedLong, about, Level::Warning, words, advice) }
}

pub fn feed_failed(feed: &str, at: &str, reason: &str) -> Condition {
    let words = format!("{feed}: its file of {at} could not be made: {reason}.");
    let advice = format!("Mend what the reason says, then: nattpost send {feed}.");
    condition(Kind::FeedFailed, feed, Level::Error, words, advice)
}

pub fn feed_late(feed: &str, due: DateTime<Utc>, zone: Tz) -> Condition {
    let words = format!("{feed}: was due at {} and has not run.", moment(due, zone));
    let advice = format!("nattpost status says what the daemon waits for; nattpost send {feed} runs it now.");
    condition(Kind::FeedLate, feed, Level::Warning, words, advice)
}

pub fn run_unknown(partner: &str, count: u64, names: &[String]) -> Condition {
    let words = format!(
        "{partner}: {} in held/out/{partner}/ that no run knows: {}.",
        if count == 1 { "a file stands".to_string() } else { format!("{count} files stand") },
        listed(names, count)
    );
    let advice =
        "Look whether the partner has them; what he has goes to a place of yours, what he still needs is sent again: nattpost send."
            .to_string();
    Condition { count, ..condition(Kind::RunUnknown, partner, Level::Warning, words, advice) }
}

/// `about`: an intake, or the spool.
pub fn folder_refused(about: &str, part: &str, words: &str) -> Condition {
    let advice = "It is tried again by itself; what waits for the folder then goes on.".to_string();
    Condition {
        part: part.to_string(),
        ..condition(Kind::FolderRefused, about, Level::Error, words.to_string(), advice)
    }
}

/// `about`: the disk of spool or database, or the intake whose next file does not fit.
pub fn disk_low(about: &str, words: &str) -> Condition {
    let advice = "Make room on that disk; it goes on by itself.".to_string();
    condition(Kind::DiskLow, about, Level::Error, format!("{}.", words.trim_end_matches('.')), advice)
}

/// `about`: disk or database.
pub fn all_waits(about: &str, words: &str) -> Condition {
    let words = format!("Everything waits and is tried again by itself: {words}.");
    let advice = "Make room, or mend the disk; nothing has to be restarted. nattpost status says when it goes on.";
    condition(Kind::AllWaits, about, Level::Error, words, advice.to_string())
}

pub fn watch_poor(words: &str) -> Condition {
    let advice = "Files are found by the periodic scan (scan_every), later than usual. On Linux: raise \
                  fs.inotify.max_user_watches, then reload (SIGHUP).";
    condition(Kind::WatchPoor, "spool", Level::Warning, format!("{words}."), advice.to_string())
}

pub fn command_unread(words: &str) -> Condition {
    let advice = "Look at spool/commands/: who wrote it, with which rights; remove it if nobody needs it.";
    condition(Kind::CommandUnread, "commands", Level::Warning, format!("{words}."), advice.to_string())
}

pub fn config_bad(count: u64, first: &str) -> Condition {
    let words = format!(
        "The new configuration has {}; the old one stays in force. {first}",
        counted(count, "problem", "problems")
    );
    let advice = "nattpost check lists them all; then reload once more (SIGHUP).".to_string();
    Condition { count, ..condition(Kind::ConfigBad, "configuration", Level::Error, words, advice) }
}

pub fn daemon_crashed() -> Condition {
    let words = "The daemon was not stopped in order: a crash, a kill, or the power. It runs again and has recovered.";
    let advice = "The journal says what it did last (journalctl -u nattpost); nattpost status says how things stand.";
    condition(Kind::DaemonCrashed, "daemon", Level::Error, words.to_string(), advice.to_string())
}

pub fn database_older(count: u64) -> Condition {
    let words = format!(
        "{} in the spool that the database does not know: it was accepted without them.",
        if count == 1 { "A file stands".to_string() } else { format!("{count} files stand") }
    );
    let advice = "nattpost status lists them. To have one judged anew, move it to its intake's folder in in/; what needs nothing more can be removed.";
    Condition { count, ..condition(Kind::DatabaseOlder, "database", Level::Warning, words, advice.to_string()) }
}

/// `last`: when it was copied; `within`: how often it is to be, in words.
pub fn backup_old(last: Option<&str>, within: &str) -> Condition {
    let when = last.map_or("was never copied".to_string(), |last| format!("was copied last at {last}"));
    let words = format!("The database {when}; expected a copy every {within} (backup_within).");
    let advice = "nattpost backup FOLDER copies it while everything goes on; look why what should do it (a timer, cron) has not.";
    condition(Kind::BackupOld, "database", Level::Warning, words, advice.to_string())
}

pub fn notice_failed(channel: &str, count: u64, words: &str) -> Condition {
    let words = format!("The channel {channel} does not take its notices: {words}.");
    let advice = format!("nattpost notice test {channel} tries it now; what waits is sent when it takes one.");
    Condition { count, ..condition(Kind::NoticeFailed, channel, Level::Error, words, advice) }
}

/// systemd could not keep the daemon up: told by the unit, kept by nobody.
pub fn service_failed() -> [&'static str; 2] {
    [
        "The daemon has failed and is not started again by itself: nothing is taken in or sent.",
        "systemctl status nattpost and journalctl -u nattpost say why. Exit code 64 means wrong words in the unit, 69 that the \
         database is not the spool's own, 78 that the configuration is wrong (nattpost check).",
    ]
}

/// The end, where nothing more is known of it.
pub fn over(kind: Kind, about: &str) -> String {
    let over = kind.meaning()[2];
    let (first, rest) = over.split_at(over.chars().next().map_or(0, char::len_utf8));
    format!("{about}: over: {}{rest}", first.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rules::arrivals::State;

    fn window(day: u32, came: u64, met: bool) -> Window {
        let at = |hour: u32| format!("2026-11-{day:02}T{hour:02}:00:00Z").parse::<DateTime<Utc>>().unwrap();
        let state = if met { State::Met } else { State::Late };
        let met_at = met.then(|| at(7));
        Window { due_at: at(5), opens_at: at(0), least: 2, most: Some(3), came, met_at, state }
    }

    #[test]
    fn sentences_name_where_what_and_what_to_do() {
        let zone = chrono_tz::Europe::Berlin;
        let (a, b) = (window(7, 0, false), window(8, 1, false));
        let one = arrival_late(("erp/stock", Level::Warning), &[&b], zone).unwrap();
        assert_eq!(one.words, "erp/stock: 1 file came by 2026-11-08 06:00; expected at least 2.");
        assert_eq!(
            (one.level, arrival_late(("erp/stock", Level::Error), &[&b], zone).unwrap().level),
            (Level::Warning, Level::Error)
        );
        let both = arrival_late(("erp/stock", Level::Warning), &[&a, &b], zone).unwrap();
        assert_eq!(
            (both.count, both.words.as_str()),
            (2, "erp/stock: less than expected came by 2 due times: 2026-11-07 06:00, 2026-11-08 06:00.")
        );
        assert_eq!(
            arrival_came("erp/stock", &window(9, 2, true), &[&a], zone),
            "erp/stock: files come again at 2026-11-09 08:00; what was due by 2026-11-07 06:00 never came."
        );
        let names: Vec<String> = (1..=7).map(|n| format!("f{n}.csv")).collect();
        let refused = files_refused("erp/stock", "2026-11-07", 12, &names, true);
        assert!(refused.words.contains("f5.csv and 7 more"), "{}", refused.words);
        assert_eq!(refused.level, Level::Error);
        assert_eq!(over(Kind::FeedLate, "erp/stock"), "erp/stock: over: it ran.");
    }
}
