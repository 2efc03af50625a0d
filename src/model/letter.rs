//! A letter: what a channel hears of at one time, as a mail, as JSON, as lines. All from the same entries. Who gets it and
//! how it travels is none of its business.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::instant::iso;
use super::problem::{Entry, Level, Phase};

/// Longer lines of a body are folded; mail takes 76.
const BASE64_LINE: usize = 76;
/// Octets of text in one encoded word of a header.
const WORD_OCTETS: usize = 42;
const SUBJECT_CHARS_MAX: usize = 150;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The same for the same entries: a letter sent a second time is known by it.
    pub id: String,
    /// Whose instance writes.
    pub company: String,
    pub channel: String,
    pub zone: Tz,
    pub at: DateTime<Utc>,
    pub entries: Vec<Entry>,
}

impl Letter {
    pub fn new(company: &str, channel: &str, zone: Tz, at: DateTime<Utc>, entries: Vec<Entry>) -> Letter {
        let ids: Vec<String> = entries.iter().map(|entry| entry_id(entry, channel)).collect();
        let id = match &ids[..] {
            [] => channel.to_string(),
            [one] => one.clone(),
            [first, ..] => {
                let hash = blake3::hash(ids.join("\n").as_bytes());
                format!("{first}.{}-{}", ids.len(), &hash.to_hex()[..8])
            }
        };
        Letter { id, company: company.into(), channel: channel.into(), zone, at, entries }
    }

    pub fn level(&self) -> Level {
        self.entries.iter().map(|entry| entry.level).max().unwrap_or(Level::Warning)
    }

    /// One line: what is most urgent, and how much there is beside it.
    pub fn subject(&self) -> String {
        let urgent = |entry: &&Entry| (entry.phase == Phase::Begun, entry.level);
        let Some(first) = self.entries.iter().rev().max_by_key(urgent) else { return self.company.clone() };
        let mark = match (first.phase, first.level) {
            (Phase::Over, _) => "over",
            (_, Level::Error) => "ERROR",
            (_, Level::Warning) => "warning",
        };
        let more = match self.entries.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let words: String = first.words.chars().filter(|c| !c.is_control()).take(SUBJECT_CHARS_MAX).collect();
        format!("[{}] {mark}: {words}{more}", self.company)
    }

    /// For people: what is the matter first, then what is over.
    pub fn text(&self) -> String {
        let mut parts = Vec::new();
        for phase in [Phase::Begun, Phase::Over] {
            parts.extend(self.entries.iter().filter(|entry| entry.phase == phase).map(|entry| self.paragraph(entry)));
        }
        format!("{}\nnattpost problems lists what is the matter now.\n", parts.join("\n"))
    }

    fn paragraph(&self, entry: &Entry) -> String {
        let moment = |at: DateTime<Utc>| at.with_timezone(&self.zone).format("%Y-%m-%d %H:%M %Z").to_string();
        let began = moment(entry.began_at);
        let when = match (entry.phase, entry.over_at) {
            (Phase::Over, Some(over)) => format!("over since {}, began {began}", moment(over)),
            _ if entry.reminders > 0 => format!("still so, since {began}"),
            _ => format!("since {began}"),
        };
        let times = if entry.times > 1 { format!(", came {} times", entry.times) } else { String::new() };
        let head = match entry.phase {
            Phase::Over => "OVER",
            Phase::Begun if entry.level == Level::Error => "ERROR",
            Phase::Begun => "WARNING",
        };
        let advice = if entry.advice.is_empty() { String::new() } else { format!("  {}\n", entry.advice) };
        format!("{head} {} ({}; {when}{times})\n  {}\n{advice}", entry.kind, entry.problem, entry.words)
    }

    /// One object, for a webhook.
    pub fn json(&self) -> Value {
        json!({
            "id": self.id,
            "company": self.company,
            "channel": self.channel,
            "level": self.level().as_str(),
            "subject": self.subject(),
            "at": iso(self.at),
            "entries": self.entries.iter().map(|entry| entry_object(entry, &self.channel)).collect::<Vec<_>>(),
        })
    }

    /// One object a line, for a command.
    pub fn lines(&self) -> String {
        self.entries.iter().map(|entry| format!("{}\n", entry_object(entry, &self.channel))).collect()
    }

    /// As it goes through SMTP, with CRLF; no line begins with a dot.
    pub fn mime(&self, from: &str, to: &[String]) -> String {
        let host = from.rsplit_once('@').map_or("localhost", |(_, host)| host);
        let headers = [
            format!("From: {from}"),
            format!("To: {}", to.join(", ")),
            format!("Subject: {}", header_text(&self.subject())),
            format!("Date: {}", self.at.to_rfc2822()),
            format!("Message-ID: <{}@{host}>", self.id),
            "Auto-Submitted: auto-generated".to_string(),
            "MIME-Version: 1.0".to_string(),
            "Content-Type: text/plain; charset=utf-8".to_string(),
            "Content-Transfer-Encoding: base64".to_string(),
        ];
        let body = base64(self.text().as_bytes());
        let lines: Vec<&str> =
            (0..body.len()).step_by(BASE64_LINE).map(|at| &body[at..(at + BASE64_LINE).min(body.len())]).collect();
        format!("{}\r\n\r\n{}\r\n", headers.join("\r\n"), lines.join("\r\n"))
    }
}

/// A problem's end for one channel; reminders are letters of their own.
fn entry_id(entry: &Entry, channel: &str) -> String {
    let reminder = if entry.reminders > 0 { format!(".{}", entry.reminders) } else { String::new() };
    format!("{}.{}.{channel}{reminder}", entry.problem, entry.phase.as_str())
}

fn entry_object(entry: &Entry, channel: &str) -> Value {
    json!({
        "id": entry_id(entry, channel),
        "problem": entry.problem.as_str(),
        "phase": entry.phase.as_str(),
        "kind": entry.kind,
        "level": entry.level.as_str(),
        "about": entry.about,
        "part": entry.part,
        "count": entry.count,
        "times": entry.times,
        "reminders": entry.reminders,
        "began_at": iso(entry.began_at),
        "over_at": entry.over_at.map(iso),
        "words": entry.words,
        "advice": entry.advice,
    })
}

/// RFC 2047 where it is not plain ASCII.
fn header_text(text: &str) -> String {
    if text.is_ascii() {
        return text.to_string();
    }
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        if word.len() + c.len_utf8() > WORD_OCTETS {
            words.push(std::mem::take(&mut word));
        }
        word.push(c);
    }
    words.push(word);
    let encoded: Vec<String> = words.iter().map(|word| format!("=?UTF-8?B?{}?=", base64(word.as_bytes()))).collect();
    encoded.join("\r\n ")
}

pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = [0, 1, 2].map(|at| u32::from(chunk.get(at).copied().unwrap_or_default()));
        let bits = group[0] << 16 | group[1] << 8 | group[2];
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place)) as usize & 63];
            out.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::Id;

    fn entry(nth: u32, phase: Phase, level: Level, words: &str) -> Entry {
        let began_at = "2026-11-07T05:15:00Z".parse().unwrap();
        Entry {
            problem: Id::new(1_795_300_000_000, nth),
            phase,
            reminders: 0,
            kind: "feed-failed".into(),
            about: "erp/stock".into(),
            part: String::new(),
            level,
            count: 1,
            times: 1,
            began_at,
            over_at: (phase == Phase::Over).then_some(began_at),
            words: words.into(),
            advice: "Mend it.".into(),
        }
    }

    fn letter(entries: Vec<Entry>) -> Letter {
        let at = "2026-11-07T05:16:00Z".parse().unwrap();
        Letter::new("Nordkap", "ops", chrono_tz::Europe::Berlin, at, entries)
    }

    #[test]
    fn base64_is_that_of_everybody() {
        for (text, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("fooba", "Zm9vYmE=")] {
            assert_eq!(base64(text.as_bytes()), coded);
        }
    }

    #[test]
    fn the_most_urgent_is_the_subject_and_the_identity_is_that_of_the_entries() {
        let over = entry(1, Phase::Over, Level::Error, "it ran");
        let late = entry(2, Phase::Begun, Level::Warning, "late");
        let bad = entry(3, Phase::Begun, Level::Error, "bad\r\nBcc: x@y");
        let all = letter(vec![over.clone(), late.clone(), bad]);
        assert_eq!(all.subject(), "[Nordkap] ERROR: badBcc: x@y (and 2 more)");
        assert_eq!(all.id, letter(all.entries.clone()).id);
        assert_ne!(all.id, letter(vec![over, late.clone()]).id);
        let reminded = Entry { reminders: 2, ..late.clone() };
        assert_eq!(letter(vec![late.clone()]).id, format!("{}.begun.ops", late.problem));
        assert_eq!(letter(vec![reminded]).id, format!("{}.begun.ops.2", late.problem));
    }

    #[test]
    fn a_mail_is_ascii_in_short_lines_and_says_what_to_do() {
        let one =
            letter(vec![entry(1, Phase::Begun, Level::Error, "Möbelhaus/Aufträge: Datei fehlt, seit gestern Abend.")]);
        let mime = one.mime("nattpost@nordkap.example", &["ops@nordkap.example".into(), "b@c.example".into()]);
        assert!(mime.is_ascii() && mime.lines().all(|line| line.len() <= 78 && !line.starts_with('.')), "{mime}");
        assert!(mime.contains("To: ops@nordkap.example, b@c.example\r\n"));
        assert!(mime.contains(&format!("Message-ID: <{}@nordkap.example>\r\n", one.id)));
        assert!(!mime.replace("\r\n", "").contains('\n'));
        assert!(one.text().contains("ERROR feed-failed") && one.text().contains("  Mend it.\n"));
        assert!(one.text().contains("since 2026-11-07 06:15 CET"));
    }

    #[test]
    fn programs_get_an_object_a_line() {
        let both =
            letter(vec![entry(1, Phase::Begun, Level::Error, "a\nb"), entry(2, Phase::Over, Level::Warning, "c")]);
        let lines: Vec<Value> = both.lines().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((lines.len(), &lines[0]["words"], &lines[1]["phase"]), (2, &json!("a\nb"), &json!("over")));
        assert_eq!(both.json()["entries"].as_array().map(Vec::len), Some(2));
    }
}
