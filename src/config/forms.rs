//! What may stand behind the keys that take a small phrase: `stable 10 s`, `refuse above 5 %`, `wait 24 h`,
//! `redact after 30 d, keep 365 d`, `name stock_{seq}.csv`. Text to value; the words for what is wrong.

use std::time::Duration;

use super::keyed::{Wrong, Wrongs, parse_days, parse_duration};
use crate::model::decimal;
use crate::model::feed::Missed;
use crate::model::intake::{
    ArticleScheme, AsOf, NegativeStock, NumberRange, OnChange, OrderNumbers, Originals, Policy, References, Settle,
};
use crate::model::rules::as_of::NameAsOf;
use crate::model::rules::order_change::CHANGEABLE;
use crate::model::rules::schedule;

/// Two looks a second apart say something; less is a guess.
const LEAST_SETTLE: Duration = Duration::from_secs(2);
const A_DAY: Duration = Duration::from_secs(86_400);
/// Longer than a company's holidays.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 86_400);
/// `wait` alone.
const WAIT: &str = "24 h";
/// Folder names of partners, intakes and feeds; several of them and a name must fit one path.
const LONGEST_ID: usize = 64;

pub fn settle(text: &str) -> Result<Settle, Wrong> {
    const FORMS: &str = "expected \"rename\", \"stable 10 s\" or \"done-file .done\".";
    let (word, rest) = split_word(text);
    match (word, rest) {
        ("rename", "") => Ok(Settle::Rename),
        ("stable", "") => {
            Err(Wrong::new("\"stable\" needs to know how long; expected something like \"stable 10 s\"."))
        }
        ("stable", rest) => {
            let pause = parse_duration(Duration::ZERO, A_DAY)(rest)?;
            if pause < LEAST_SETTLE {
                return Err(Wrong::new(format!(
                    "\"{text}\" is too short: a sender pauses longer than that; expected at least \"stable 2 s\", or \"rename\" where he moves files in whole."
                )));
            }
            Ok(Settle::Stable(pause))
        }
        ("done-file", rest) => done_suffix(rest),
        _ => Err(Wrong {
            text: format!("\"{text}\" is no way to settle; {FORMS}"),
            suggestion: crate::model::document::suggest(word, &["rename", "stable", "done-file"]),
        }),
    }
}

fn done_suffix(suffix: &str) -> Result<Settle, Wrong> {
    let safe = suffix.len() > 1
        && suffix.starts_with('.')
        && suffix.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if !safe {
        return Err(Wrong::new(format!(
            "\"{suffix}\" is not the ending of a file name; expected something like \"done-file .done\"."
        )));
    }
    if [".part", ".tmp", ".filepart"].contains(&suffix) {
        return Err(Wrong::new(format!(
            "files that end in \"{suffix}\" are never taken, so they cannot vouch for another."
        )));
    }
    Ok(Settle::DoneFile { suffix: suffix.to_string() })
}

pub fn policy(text: &str) -> Result<Policy, Wrong> {
    match text {
        "good-messages" => return Ok(Policy::GoodMessages),
        "whole-file" => return Ok(Policy::WholeFile),
        _ => {}
    }
    let Some(percent) = text.strip_prefix("refuse above") else {
        return Err(Wrong::word(text, &["good-messages", "whole-file", "refuse above 5 %"]));
    };
    percent
        .trim()
        .strip_suffix('%')
        .and_then(|number| decimal::parse(number.trim().as_bytes(), b'.', 2).ok())
        .filter(|hundredths| (0..=10_000).contains(hundredths))
        .map(|hundredths| Policy::Threshold { per_10_000: hundredths as u32 })
        .ok_or_else(|| Wrong::new(format!("\"{text}\" names no share; expected something like \"refuse above 5 %\".")))
}

/// `create` is for what an order names: a customer, an article.
pub fn references_or_create(text: &str) -> Result<References, Wrong> {
    known_or(text, true)
}

pub fn references(text: &str) -> Result<References, Wrong> {
    known_or(text, false)
}

fn known_or(text: &str, may_create: bool) -> Result<References, Wrong> {
    let (word, rest) = split_word(text);
    match (word, rest) {
        ("check", "") => Ok(References::Check),
        ("accept", "") => Ok(References::Accept),
        ("create", "") if may_create => Ok(References::Create),
        ("wait", rest) => {
            let wait = if rest.is_empty() { WAIT } else { rest };
            parse_duration(Duration::from_secs(60), LONGEST_WAIT)(wait).map(References::Wait)
        }
        _ => {
            let known: &[&str] =
                if may_create { &["check", "wait", "accept", "create"] } else { &["check", "wait", "accept"] };
            let expected = if may_create { "\"accept\" or \"create\"" } else { "or \"accept\"" };
            let comma = if may_create { "," } else { "" };
            Err(Wrong {
                text: format!("\"{text}\" is not known here; expected \"check\", \"wait 24 h\"{comma} {expected}."),
                suggestion: crate::model::document::suggest(word, known),
            })
        }
    }
}

pub fn originals(text: &str) -> Result<Originals, Wrongs> {
    let wrong = || {
        Wrong::new(format!(
            "\"{text}\" is not known here; expected \"keep 90 d\", \"redact after 30 d, keep 365 d\", \"archive after 30 d, keep 365 d\" or \"none\"."
        ))
    };
    if text == "none" {
        return Ok(Originals::None);
    }
    if let Some(days) = text.strip_prefix("keep ") {
        return Ok(Originals::Keep { days: parse_days(days)? });
    }
    let (word, rest) = text.split_once(" after ").ok_or_else(wrong)?;
    let (after, keep) = rest.split_once(',').filter(|_| matches!(word, "redact" | "archive")).ok_or_else(wrong)?;
    let keep = keep.trim().strip_prefix("keep ").ok_or_else(wrong)?;
    let (after_days, keep_days) = match (parse_days(after), parse_days(keep)) {
        (Ok(after), Ok(keep)) => (after, keep),
        (after, keep) => return Err(Wrongs([after.err(), keep.err()].into_iter().flatten().collect())),
    };
    let done = if word == "archive" { "archived" } else { "redacted" };
    if after_days >= keep_days {
        return Err(Wrong::new(format!(
            "\"{text}\" would remove the file before it is {done}; expected a longer time behind keep."
        ))
        .into());
    }
    Ok(match word {
        "archive" => Originals::Archive { after_days, keep_days },
        _ => Originals::Redact { after_days, keep_days },
    })
}

pub fn as_of(text: &str) -> Result<AsOf, Wrong> {
    let (word, rest) = split_word(text);
    match (word, rest) {
        ("first-seen", "") => Ok(AsOf::FirstSeen),
        ("name", rest) => NameAsOf::parse(rest).map(NameAsOf::into_rule).map_err(|e| Wrong::new(e.to_string())),
        _ => Err(Wrong {
            text: format!(
                "\"{text}\" is not known here; expected \"first-seen\" or a pattern like \"name stock_{{seq}}.csv\"."
            ),
            suggestion: crate::model::document::suggest(word, &["first-seen", "name"]),
        }),
    }
}

/// A cron pattern that comes due.
pub fn cron(text: &str) -> Result<String, Wrongs> {
    let wrong = |why: String| {
        Wrong::new(format!(
            "\"{text}\" is not a cron pattern: {why}; expected minute, hour, day, month, weekday, like \"0 5 * * 1-5\" for five o'clock on working days."
        ))
    };
    schedule::check(text).map(|()| text.to_string()).map_err(|all| Wrongs(all.into_iter().map(wrong).collect()))
}

pub fn article_scheme(text: &str) -> Result<ArticleScheme, Wrong> {
    word(
        text,
        &[
            ("own", ArticleScheme::Own),
            ("partner", ArticleScheme::Partner),
            ("supplier", ArticleScheme::Supplier),
            ("ean", ArticleScheme::Ean),
            ("isbn", ArticleScheme::Isbn),
        ],
    )
}

pub fn on_change(text: &str) -> Result<OnChange, Wrong> {
    word(
        text,
        &[
            ("hold", OnChange::Hold),
            ("replace-until-exported", OnChange::ReplaceUntilExported),
            ("refuse", OnChange::Refuse),
        ],
    )
}

/// The last state of an order in which it may be changed.
pub fn change_until(text: &str) -> Result<&'static str, Wrong> {
    word(text, &CHANGEABLE.map(|state| (state, state)))
}

pub fn order_numbers(text: &str) -> Result<OrderNumbers, Wrong> {
    word(text, &[("erp", OrderNumbers::Erp), ("own", OrderNumbers::Own)])
}

/// The numbers that we give, if we do: `own`, `own 70000`, `own 70000-79999`.
pub fn range(text: &str) -> Result<Option<NumberRange>, Wrong> {
    let Some(range) = text.strip_prefix("own") else { return word(text, &[("erp", None), ("own", None)]) };
    let wrong = || {
        let expected = "expected erp, own, own FROM or own FROM-TO with whole numbers from 1 on, like own 70000-79999";
        Wrong::new(format!("\"{text}\" says no range of numbers; {expected}."))
    };
    let (first, last) = range.trim().split_once('-').unwrap_or((range.trim(), ""));
    let number = |text: &str, otherwise: u64| match text.trim() {
        "" => Ok(otherwise),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().map_err(|_| wrong()),
        _ => Err(wrong()),
    };
    // What stands in the ledger is a signed number.
    let range = NumberRange { first: number(first, 1)?, last: number(last, i64::MAX.cast_unsigned())? };
    let is_good = (range.first..=i64::MAX.cast_unsigned()).contains(&range.last) && range.first > 0;
    if is_good { Ok(Some(range)) } else { Err(wrong()) }
}

pub fn negative(text: &str) -> Result<NegativeStock, Wrong> {
    word(text, &[("store", NegativeStock::Store), ("refuse", NegativeStock::Refuse)])
}

pub fn closes(text: &str) -> Result<bool, Wrong> {
    word(text, &[("leave", false), ("close", true)])
}

pub fn missed(text: &str) -> Result<Missed, Wrong> {
    word(text, &[("once", Missed::Once), ("each", Missed::Each), ("skip", Missed::Skip)])
}

pub fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, Wrong> {
    words.iter().find(|(w, _)| *w == text).map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(w, _)| *w).collect();
        Wrong::word(text, &known)
    })
}

/// An id that is a folder name everywhere: small letters, digits, `-` and `_`, beginning with a letter or digit.
pub fn id(text: &str) -> Result<String, Wrong> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    let begins = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if begins && text.len() <= LONGEST_ID && text.bytes().all(allowed) {
        return Ok(text.to_string());
    }
    let lower = text.to_lowercase();
    let plain: String = lower.chars().map(|c| if c.is_ascii() && allowed(c as u8) { c } else { '-' }).collect();
    let plain = plain.trim_matches(['-', '_']);
    let usable = !plain.is_empty() && plain.len() <= LONGEST_ID;
    Err(Wrong {
        text: format!(
            "\"{}\" cannot be the name of a folder everywhere; expected small letters without accents, digits, - and _, at most {LONGEST_ID}.",
            crate::model::diagnostic::shown(text)
        ),
        suggestion: usable.then(|| format!("How about \"{plain}\"?")),
    })
}

/// A folder below another: no way up, nothing hidden, nothing absolute.
pub fn folder(text: &str) -> Result<String, Wrong> {
    let part_ok = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.len() <= LONGEST_ID
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-+".contains(&b))
    };
    if text.is_empty() || text.split('/').all(part_ok) {
        return Ok(text.to_string());
    }
    Err(Wrong::new(format!(
        "\"{}\" is not a folder below out/<partner>/; expected a name like \"stock\" or \"daily/stock\", without \"..\", leading \"/\" or hidden parts.",
        crate::model::diagnostic::shown(text)
    )))
}

fn split_word(text: &str) -> (&str, &str) {
    text.split_once(' ').map_or((text, ""), |(word, rest)| (word, rest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_read() {
        assert_eq!(settle("stable 10 s"), Ok(Settle::Stable(Duration::from_secs(10))));
        assert_eq!(settle("done-file .ok"), Ok(Settle::DoneFile { suffix: ".ok".into() }));
        assert_eq!(policy("refuse above 2.5 %"), Ok(Policy::Threshold { per_10_000: 250 }));
        assert_eq!(policy("refuse above 5%"), Ok(Policy::Threshold { per_10_000: 500 }));
        assert_eq!(references("wait"), references("wait 24 h"));
        assert_eq!(
            originals("redact after 30 d, keep 365 d"),
            Ok(Originals::Redact { after_days: 30, keep_days: 365 })
        );
        assert!(matches!(as_of("name stock_{seq}.csv"), Ok(AsOf::NameSequence(_))));
        assert!(matches!(as_of("name s_{%Y%m%d}.csv"), Ok(AsOf::NameTime(_))));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let table: [(&str, Wrong); 17] = [
            ("too short", settle("stable 1 s").unwrap_err()),
            ("how long", settle("stable").unwrap_err()),
            ("no way to settle", settle("renam").unwrap_err()),
            ("never taken", settle("done-file .tmp").unwrap_err()),
            ("ending of a file name", settle("done-file ../x").unwrap_err()),
            ("ending of a file name", settle("done-file").unwrap_err()),
            ("names no share", policy("refuse above 5").unwrap_err()),
            ("names no share", policy("refuse above 101 %").unwrap_err()),
            ("names no share", policy("refuse above -1 %").unwrap_err()),
            ("out of bounds", references("wait 1 s").unwrap_err()),
            ("before it is redacted", originals("redact after 30 d, keep 30 d").unwrap_err().0.remove(0)),
            ("whole days", originals("keep 36 h").unwrap_err().0.remove(0)),
            ("out/<partner>/", folder("../x").unwrap_err()),
            ("out/<partner>/", folder("/etc").unwrap_err()),
            ("out/<partner>/", folder("a//b").unwrap_err()),
            ("name of a folder", id("..").unwrap_err()),
            ("name of a folder", id("").unwrap_err()),
        ];
        for (words, wrong) in table {
            assert!(wrong.text.contains(words), "{words}: {wrong:?}");
        }
        assert_eq!(id("Nord Shop").unwrap_err().suggestion.as_deref(), Some("How about \"nord-shop\"?"));
        assert_eq!(settle("renam").unwrap_err().suggestion.as_deref(), Some("Did you mean \"rename\"?"));
    }
}
