//! A verb that changes something, as it lies in spool/commands: who wants what, when and why. Both sides know only this
//! form: the command line writes it, and whoever holds the instance lock reads it and carries it out (`command`).
//!
//! It owns the JSON of a command file. It decides nothing and changes nothing but that one folder.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::edges::clock;
use crate::edges::spool::Spool;
use crate::edges::store::Selection;
use crate::model::correction::Edit;
use crate::model::ids::Id;
use crate::model::pause::Subject;
use crate::model::rules::command_order::Concerns;
use crate::model::verdict::Verdict;

/// What somebody wants to be done. The files of a selection stand in it by id, and it is never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub id: Id,
    pub verb: Verb,
    pub who: String,
    pub at: DateTime<Utc>,
    pub comment: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// Judge again. `overrule`: apply what is stale or changed all the same.
    Retry { which: Selection, how: Anew },
    /// Change fields of a message that is held or was refused, and judge it again.
    Correct(Correction),
    /// Close without applying.
    Ignore { which: Selection },
    /// Write a feed now: `partner/feed`; `full`, or only rows of a key.
    Send { feeds: Vec<String>, full: bool, key: Option<String> },
    /// Stop these for a while.
    Pause { subjects: Vec<Subject> },
    /// Let these go on.
    Resume { subjects: Vec<Subject> },
    /// What the guard holds of these intakes and feeds is right.
    Release { subjects: Vec<Subject> },
    /// What the guard holds of them is not wanted.
    Discard { subjects: Vec<Subject> },
    /// What never came of these intakes (`partner/intake`) is expected no more.
    Excuse { intakes: Vec<String> },
    /// A copy of the database was made; only to be noted.
    Backup { path: String, made: DateTime<Utc> },
    /// Bring an older database up to what stands in the spool.
    CatchUp,
    /// A contact's password.
    User { contact: String, verb: UserVerb },
    /// A customer took a quote up: it is an order from now on, under this number where one is given.
    QuoteAccept { quote: String, order_no: Option<String> },
}

#[derive(Clone, PartialEq, Eq)]
pub enum UserVerb {
    /// The words were hashed where they were read.
    SetPassword {
        hash: String,
    },
    Disable,
    Remove,
}

impl UserVerb {
    fn as_str(&self) -> &'static str {
        match self {
            UserVerb::SetPassword { .. } => "set-password",
            UserVerb::Disable => "disable",
            UserVerb::Remove => "remove",
        }
    }
}

/// A hash is never shown.
impl std::fmt::Debug for UserVerb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is to be changed in which message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    pub file: Id,
    /// The message's number in its file, from 1.
    pub number: u64,
    pub edits: Vec<Edit>,
}

/// How it is judged again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anew {
    /// Apply what is stale, changed or known by another name all the same.
    pub overrule: bool,
    /// Only messages of this business key.
    pub key: Option<String>,
    /// Who registers is the customer or contact of this number.
    pub existing: Option<String>,
}

impl Command {
    pub fn verb_name(&self) -> &'static str {
        match self.verb {
            Verb::Retry { .. } => "retry",
            Verb::Correct(_) => "correct",
            Verb::Ignore { .. } => "ignore",
            Verb::Send { .. } => "send",
            Verb::Pause { .. } => "pause",
            Verb::Resume { .. } => "resume",
            Verb::Release { .. } => "release",
            Verb::Discard { .. } => "discard",
            Verb::Excuse { .. } => "excuse",
            Verb::Backup { .. } => "backup",
            Verb::CatchUp => "catch-up",
            Verb::User { .. } => "user",
            Verb::QuoteAccept { .. } => "quote-accept",
        }
    }

    /// Whom it is about: of two commands about the same, the order matters.
    pub fn concerns(&self) -> Concerns {
        let partner = |name: &str| name.split_once('/').map_or(name, |(partner, _)| partner).to_string();
        let partners = |names: &[String]| Concerns::Partners(names.iter().map(|name| partner(name)).collect());
        match &self.verb {
            Verb::Retry { which, .. } | Verb::Ignore { which } => {
                which.partner.as_deref().map_or(Concerns::Anybody, |named| Concerns::partners([named]))
            }
            Verb::Send { feeds, .. } => partners(feeds),
            Verb::Pause { subjects }
            | Verb::Resume { subjects }
            | Verb::Release { subjects }
            | Verb::Discard { subjects } => Concerns::partners(subjects.iter().map(Subject::partner)),
            Verb::Excuse { intakes } => partners(intakes),
            Verb::Backup { .. } => Concerns::Nobody,
            Verb::CatchUp | Verb::User { .. } | Verb::Correct(_) | Verb::QuoteAccept { .. } => Concerns::Anybody,
        }
    }

    /// The arguments as the audit trail keeps them.
    pub fn arguments(&self) -> String {
        let mut arguments = self.arguments_json();
        // What a password was hashed to stands in one table alone.
        arguments.as_object_mut().map(|object| object.remove("hash"));
        // What was corrected may be personal: it stands with the corrections, where it can be covered.
        if let Verb::Correct(wanted) = &self.verb {
            arguments["edits"] = wanted.edits.iter().map(|edit| edit.field.as_str()).collect();
        }
        arguments.to_string()
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let whole = json!({
            "id": self.id.as_str(),
            "verb": self.verb_name(),
            "arguments": self.arguments_json(),
            "who": self.who,
            "at": clock::iso(self.at),
            "comment": self.comment,
        });
        format!("{whole}\n").into_bytes()
    }

    /// Reads a command file; an error says what is wrong with it, for the log and the outcome.
    pub fn parse(bytes: &[u8]) -> Result<Command> {
        let whole: Value = serde_json::from_slice(bytes).context("it is not JSON")?;
        let text = |name: &str| whole[name].as_str().with_context(|| format!("\"{name}\" is missing or no text"));
        let arguments = &whole["arguments"];
        let verb = match text("verb")? {
            "retry" => Verb::Retry {
                which: parse_which(arguments)?,
                how: Anew {
                    overrule: arguments["overrule"].as_bool().unwrap_or_default(),
                    key: arguments["key"].as_str().map(str::to_string),
                    existing: arguments["existing"].as_str().map(str::to_string),
                },
            },
            "correct" => Verb::Correct(parse_correction(arguments)?),
            "ignore" => {
                let said = whole["comment"].as_str().is_some_and(|comment| !comment.trim().is_empty());
                anyhow::ensure!(said, "\"comment\" is empty; it says why these files are closed");
                Verb::Ignore { which: parse_which(arguments)? }
            }
            "send" => {
                let full = arguments["full"].as_bool().unwrap_or_default();
                let key = arguments["key"].as_str().map(str::to_string);
                Verb::Send { feeds: texts(arguments, "feeds")?, full, key }
            }
            "pause" => Verb::Pause { subjects: subjects(arguments)? },
            "resume" => Verb::Resume { subjects: subjects(arguments)? },
            "release" => Verb::Release { subjects: subjects(arguments)? },
            "discard" => Verb::Discard { subjects: subjects(arguments)? },
            "excuse" => Verb::Excuse { intakes: texts(arguments, "intakes")? },
            "backup" => Verb::Backup {
                path: arguments["path"].as_str().context("\"path\" is missing or no text")?.to_string(),
                made: instant(arguments["made"].as_str().context("\"made\" is missing or no text")?)?,
            },
            "catch-up" => Verb::CatchUp,
            "user" => parse_user(arguments)?,
            "quote-accept" => Verb::QuoteAccept {
                quote: arguments["quote"].as_str().context("\"quote\" is missing or no text")?.to_string(),
                order_no: arguments["order_no"].as_str().map(str::to_string),
            },
            other => anyhow::bail!(
                "\"{other}\" is not a verb; expected retry, correct, ignore, send, pause, resume, release, discard, excuse, backup, catch-up, user or quote-accept"
            ),
        };
        Ok(Command {
            id: Id::parse(text("id")?).context("\"id\" is not an id")?,
            verb,
            who: text("who")?.to_string(),
            at: instant(text("at")?)?,
            comment: whole["comment"].as_str().unwrap_or_default().to_string(),
        })
    }

    fn arguments_json(&self) -> Value {
        match &self.verb {
            Verb::Retry { which, how } => {
                let mut arguments = to_json(which);
                if how.overrule {
                    arguments.insert("overrule".into(), true.into());
                }
                for (name, value) in [("key", &how.key), ("existing", &how.existing)] {
                    value.iter().for_each(|value| drop(arguments.insert(name.into(), value.as_str().into())));
                }
                arguments.into()
            }
            Verb::Correct(wanted) => {
                let edit = |edit: &Edit| json!({ "field": edit.field, "value": edit.value });
                let edits: Vec<Value> = wanted.edits.iter().map(edit).collect();
                json!({ "files": [wanted.file.as_str()], "message": wanted.number, "edits": edits })
            }
            Verb::Ignore { which } => to_json(which).into(),
            Verb::Send { feeds, full, key } => {
                let mut arguments = json!({ "feeds": feeds });
                if *full {
                    arguments["full"] = true.into();
                }
                if let Some(key) = key {
                    arguments["key"] = key.as_str().into();
                }
                arguments
            }
            Verb::Pause { subjects }
            | Verb::Resume { subjects }
            | Verb::Release { subjects }
            | Verb::Discard { subjects } => {
                json!({ "subjects": subjects.iter().map(Subject::to_string).collect::<Vec<_>>() })
            }
            Verb::Excuse { intakes } => json!({ "intakes": intakes }),
            Verb::Backup { path, made } => json!({ "path": path, "made": clock::iso(*made) }),
            Verb::CatchUp => json!({}),
            Verb::User { contact, verb } => {
                let mut arguments = json!({ "contact": contact, "what": verb.as_str() });
                if let UserVerb::SetPassword { hash } = verb {
                    arguments["hash"] = hash.as_str().into();
                }
                arguments
            }
            Verb::QuoteAccept { quote, order_no } => {
                let mut arguments = json!({ "quote": quote });
                if let Some(order_no) = order_no {
                    arguments["order_no"] = order_no.as_str().into();
                }
                arguments
            }
        }
    }
}

fn parse_user(arguments: &Value) -> Result<Verb> {
    let text = |name: &str| arguments[name].as_str().with_context(|| format!("\"{name}\" is missing or no text"));
    let verb = match text("what")? {
        "set-password" => UserVerb::SetPassword { hash: text("hash")?.to_string() },
        "disable" => UserVerb::Disable,
        "remove" => UserVerb::Remove,
        _ => anyhow::bail!("\"what\" is none of set-password, disable and remove"),
    };
    Ok(Verb::User { contact: text("contact")?.to_string(), verb })
}

fn parse_correction(arguments: &Value) -> Result<Correction> {
    let [file] = &texts(arguments, "files")?[..] else { anyhow::bail!("\"files\" does not name one file") };
    let list =
        arguments["edits"].as_array().filter(|list| !list.is_empty()).context("\"edits\" is missing or empty")?;
    let edit = |edit: &Value| {
        let field = edit["field"].as_str().context("\"field\" of an edit is missing or no text")?.to_string();
        anyhow::ensure!(edit["value"].is_string() || edit["value"].is_null(), "\"value\" of an edit is no text");
        Ok(Edit { field, value: edit["value"].as_str().map(str::to_string) })
    };
    Ok(Correction {
        file: Id::parse(file).with_context(|| format!("\"{file}\" is not a file id"))?,
        number: arguments["message"].as_u64().context("\"message\" is missing or no number")?,
        edits: list.iter().map(edit).collect::<Result<_>>()?,
    })
}

fn to_json(which: &Selection) -> Map<String, Value> {
    let mut object = Map::new();
    if !which.items.is_empty() {
        object.insert("files".into(), which.items.clone().into());
    }
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            object.insert(name.into(), value.into());
        }
    };
    put("partner", which.partner.clone());
    put("intake", which.intake.clone());
    put("verdict", which.verdict.map(|v| v.to_string()));
    put("reason", which.reason.clone());
    put("from", which.from.map(clock::iso));
    put("to", which.to.map(clock::iso));
    if which.rehearsed {
        object.insert("rehearsed".into(), true.into());
    }
    object
}

fn parse_which(arguments: &Value) -> Result<Selection> {
    let text = |name: &str| arguments[name].as_str().map(str::to_string);
    let at = |name: &str| text(name).map(|t| instant(&t)).transpose();
    let items = texts(arguments, "files")?;
    if let Some(other) = items.iter().find(|t| Id::parse(t).is_none()) {
        anyhow::bail!("\"{other}\" is not a file id");
    }
    let which = Selection {
        items,
        partner: text("partner"),
        intake: text("intake"),
        verdict: text("verdict")
            .map(|t| Verdict::parse(&t).with_context(|| format!("\"{t}\" is not a verdict")))
            .transpose()?,
        reason: text("reason"),
        from: at("from")?,
        to: at("to")?,
        rehearsed: arguments["rehearsed"].as_bool().unwrap_or_default(),
    };
    anyhow::ensure!(which != Selection::default(), "it names no file and says nothing that would narrow it down");
    Ok(which)
}

fn subjects(arguments: &Value) -> Result<Vec<Subject>> {
    let read =
        |text: String| Subject::parse(&text).with_context(|| format!("\"{text}\" is no partner, intake or feed"));
    texts(arguments, "subjects")?.into_iter().map(read).collect()
}

fn texts(arguments: &Value, name: &str) -> Result<Vec<String>> {
    let list = match &arguments[name] {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list,
        _ => anyhow::bail!("\"{name}\" is not a list"),
    };
    let text = |value: &Value| {
        value.as_str().map(str::to_string).with_context(|| format!("\"{name}\" holds other than texts"))
    };
    list.iter().map(text).collect()
}

fn instant(text: &str) -> Result<DateTime<Utc>> {
    let read = DateTime::parse_from_rfc3339(text).with_context(|| format!("\"{text}\" is not an instant"))?;
    Ok(read.with_timezone(&Utc))
}

/// Puts the command where the daemon finds it; on the disk when this returns.
pub fn hand_over(spool: &Spool, command: &Command) -> Result<()> {
    spool.drop_command(command.id, &command.to_bytes()).context("the command could not be handed over")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(verb: Verb) -> Command {
        let at = "2026-11-07T06:00:00.123Z".parse().unwrap();
        Command { id: Id::new(1_795_300_000_000, 9), verb, who: "anna".into(), at, comment: "a \"word\"\n".into() }
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let which = Selection {
            items: [1, 2].map(|nth| Id::new(1_795_300_000_000, nth).to_string()).to_vec(),
            partner: Some("dealer".into()),
            intake: Some("orders".into()),
            verdict: Some(Verdict::Held),
            reason: Some("article-unknown".into()),
            from: Some("2026-11-06T23:00:00.000Z".parse().unwrap()),
            to: Some("2026-11-07T23:00:00.000Z".parse().unwrap()),
            rehearsed: true,
        };
        let narrow = Selection { reason: Some("x".into()), ..Selection::default() };
        for verb in [
            Verb::Retry { which: which.clone(), how: Anew { overrule: true, ..Anew::default() } },
            Verb::Retry {
                which: narrow,
                how: Anew { overrule: false, key: Some("W 1".into()), existing: Some("70001".into()) },
            },
            Verb::Ignore { which },
            Verb::Correct(Correction {
                file: Id::new(1_795_300_000_000, 3),
                number: 7,
                edits: vec![Edit { field: "lines.2.qty".into(), value: Some("3".into()) }, Edit::unset("reference")],
            }),
            Verb::Send { feeds: vec!["dealer/stock".into()], full: true, key: None },
            Verb::Send { feeds: vec!["dealer/stock".into()], full: false, key: Some("A 1".into()) },
            Verb::Pause { subjects: vec![Subject::Partner("dealer".into())] },
            Verb::Resume { subjects: Subject::parse("out:dealer/stock").into_iter().collect() },
            Verb::Release { subjects: Subject::parse("in:dealer/stock").into_iter().collect() },
            Verb::Discard { subjects: Subject::parse("in:dealer/stock").into_iter().collect() },
            Verb::Excuse { intakes: vec!["dealer/orders".into()] },
            Verb::Backup { path: "/b/nattpost-x.db".into(), made: "2026-11-07T05:59:00.000Z".parse().unwrap() },
            Verb::CatchUp,
            Verb::User { contact: "K-1".into(), verb: UserVerb::SetPassword { hash: "$argon2id$secret".into() } },
            Verb::User { contact: "K-1".into(), verb: UserVerb::Remove },
            Verb::QuoteAccept { quote: "Q-1".into(), order_no: Some("B-1".into()) },
        ] {
            let command = command(verb);
            assert_eq!(Command::parse(&command.to_bytes()).unwrap(), command);
            assert!(!format!("{} {command:?}", command.arguments()).contains("secret"), "a hash is told");
        }
    }

    #[test]
    fn a_command_for_everything_or_of_nonsense_is_told_what_is_wrong() {
        let id = Id::new(1_795_300_000_000, 9);
        let text = |verb: &str, arguments: &str| {
            format!(
                "{{\"id\":\"{id}\",\"verb\":\"{verb}\",\"arguments\":{arguments},\"who\":\"a\",\"at\":\"2026-11-07T06:00:00Z\"}}"
            )
        };
        for (bytes, told) in [
            (text("retry", "{}"), "names no file"),
            (text("retry", "{\"files\":[\"x\"]}"), "\"x\" is not a file id"),
            (text("drop", "{}"), "\"drop\" is not a verb"),
            (text("retry", "{\"verdict\":\"lost\"}"), "\"lost\" is not a verdict"),
            (text("ignore", "{\"verdict\":\"held\"}"), "\"comment\" is empty"),
            (text("send", "{\"feeds\":\"x\"}"), "\"feeds\" is not a list"),
            (text("pause", "{\"subjects\":[\"dealer/stock\"]}"), "\"dealer/stock\" is no partner, intake or feed"),
            ("{".to_string(), "not JSON"),
        ] {
            let error = format!("{:#}", Command::parse(bytes.as_bytes()).unwrap_err());
            assert!(error.contains(told), "{told} in {error}");
        }
    }
}
