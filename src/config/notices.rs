//! `[notices.NAME]` and `[mail]`: the ways by which people are told, and who of the partners, intakes and feeds names which.

use std::net::IpAddr;
use std::time::Duration;

use chrono::TimeDelta;

use super::forms;
use super::keyed::{Keyed, Wrong, parse_duration};
use super::keys::Table;
use crate::model::document::{Section, Spot, suggest};
use crate::model::problem::{Channel, HeaderValue, Level, Mail, MailServer, MailTls, Way, Webhook};
use crate::model::secret::{SecretRef, is_secret_name};

const LONGEST_GATHER: Duration = Duration::from_secs(3_600);
const SHORTEST_REMIND: Duration = Duration::from_secs(3_600);
const LONGEST_REMIND: Duration = Duration::from_secs(30 * 86_400);
const SMTP_PORT: u16 = 25;
const SMTPS_PORT: u16 = 465;

/// The channels of the company in the order of the file, and the names of all, also of those that cannot be read.
pub fn read(root: &Keyed<'_, '_>) -> (Vec<Channel>, Vec<String>) {
    let server = root.table("mail").map(|section| read_server(&Keyed::new(&section, Table::Mail)));
    let mut names = Vec::new();
    let channels = root.named("notices").into_iter().filter_map(|(name, section)| {
        names.push(name.value.clone());
        if let Err(wrong) = forms::id(&name.value) {
            section.problem_at(name.span.clone(), "", wrong.text, wrong.suggestion);
        }
        read_channel(name.value, &Keyed::new(&section, Table::Notices), server.as_ref())
    });
    let channels = channels.collect();
    (channels, names)
}

fn read_channel(name: String, keyed: &Keyed<'_, '_>, server: Option<&Option<MailServer>>) -> Option<Channel> {
    let level = |text: &str| forms::word(text, &[("warning", Level::Warning), ("error", Level::Error)]);
    let duration = |found: Duration| TimeDelta::from_std(found).unwrap_or_default();
    let level = keyed.value("level", level);
    let hears_all = keyed.value("hears", |text: &str| forms::word(text, &[("all", true), ("named", false)]));
    let gather = duration(keyed.value("gather", parse_duration(Duration::ZERO, LONGEST_GATHER)));
    let remind = keyed.parsed("remind", parse_duration(SHORTEST_REMIND, LONGEST_REMIND)).map(duration);
    let way = read_way(keyed, server)?;
    Some(Channel { name, level, hears_all, gather, remind, way })
}

/// Exactly one of the three; what is wrong with it is reported.
fn read_way(keyed: &Keyed<'_, '_>, server: Option<&Option<MailServer>>) -> Option<Way> {
    const WAYS: [&str; 3] = ["mail", "webhook", "command"];
    let named: Vec<&str> = WAYS.into_iter().filter(|way| keyed.has(way)).collect();
    let mail = keyed.parsed_list("mail", address);
    let url = keyed.parsed("webhook", url);
    let headers = keyed.pairs("header");
    let command = keyed.list("command");
    match named[..] {
        [] => {
            keyed.section.problem("", "names no way to tell anybody; expected exactly one of mail, webhook, command.");
            return None;
        }
        [_] => {}
        _ => {
            let found = named.join(" and ");
            keyed.section.problem(named[1], format!("names two ways ({found}); expected exactly one of mail, webhook, command. A second way is a second [notices.NAME]."));
            return None;
        }
    }
    if !headers.is_empty() && named[0] != "webhook" {
        keyed.section.problem("header", "decides nothing here: it goes with a webhook. Take it out.");
    }
    match named[0] {
        "mail" => read_mail(keyed, mail, server),
        "webhook" => {
            let headers = headers.into_iter().filter_map(|(name, value)| header(keyed, name, value)).collect();
            url.map(|url| Way::Webhook(Webhook { headers, ..url }))
        }
        _ => read_command(keyed, command),
    }
}

fn read_mail(keyed: &Keyed<'_, '_>, to: Vec<String>, server: Option<&Option<MailServer>>) -> Option<Way> {
    let Some(server) = server else {
        keyed.section.problem("mail", "needs to know who writes; expected a table [mail] with from = \"nattpost@…\".");
        return None;
    };
    if keyed.list("mail").is_empty() {
        keyed.section.problem("mail", "names nobody; expected an address like \"ops@nordkap.example\".");
        return None;
    }
    server.clone().map(|server| Way::Mail(Mail { to, server }))
}

fn read_command(keyed: &Keyed<'_, '_>, words: Vec<Spot<String>>) -> Option<Way> {
    match words.first() {
        None => {
            keyed.section.problem("command", "names no program; expected its path and its arguments.");
            None
        }
        Some(program) if !program.value.starts_with('/') => {
            let text = format!("\"{}\" is no path; expected one that begins with \"/\".", program.value);
            keyed.wrong(program, "command", Wrong::new(text));
            None
        }
        Some(_) if words.iter().any(|word| word.value.contains('\0')) => {
            keyed.section.problem("command", "holds a character that no program can be given (NUL).");
            None
        }
        Some(_) => Some(Way::Command(words.into_iter().map(|word| word.value).collect())),
    }
}

fn read_server(keyed: &Keyed<'_, '_>) -> Option<MailServer> {
    let words = [
        ("if-offered", MailTls::IfOffered),
        ("starttls", MailTls::StartTls),
        ("tls", MailTls::Tls),
        ("none", MailTls::None),
    ];
    let tls = keyed.value("tls", |text: &str| forms::word(text, &words));
    let default_port = if tls == MailTls::Tls { SMTPS_PORT } else { SMTP_PORT };
    let (host, port) = keyed.value("server", |text: &str| host_and_port(text, default_port));
    let from = keyed.required_text("from");
    let is_address = match address(&from) {
        Ok(_) => true,
        Err(_) if from.is_empty() => false,
        Err(wrong) => {
            keyed.section.problem("from", wrong.text);
            false
        }
    };
    let user = keyed.parsed("user", one_line);
    let password = keyed.parsed("password", secret);
    if keyed.has("user") != keyed.has("password") {
        let (has, lacks) = if keyed.has("user") { ("user", "password") } else { ("password", "user") };
        keyed.section.problem(has, format!("says nothing without \"{lacks}\"; add it, or take this out."));
    }
    if user.is_some() && tls == MailTls::None && !is_loopback(&host) {
        keyed.section.problem("tls", "would send the password in the open; expected \"starttls\" or \"tls\".");
    }
    is_address.then(|| MailServer { host, port, tls, from, login: user.zip(password) })
}

/// The channels that a partner, an intake or a feed names.
pub fn named(keyed: &Keyed<'_, '_>, channels: &[String]) -> Vec<String> {
    keyed.parsed_list("notices", |text| {
        if channels.iter().any(|channel| channel == text) {
            return Ok(text.to_string());
        }
        let known: Vec<&str> = channels.iter().map(String::as_str).collect();
        let expected = match known.is_empty() {
            true => "there is none at all yet".to_string(),
            false => format!("expected one of: {}", known.join(", ")),
        };
        Err(Wrong {
            text: format!("there is no [notices.{text}] in nattpost.toml; {expected}."),
            suggestion: suggest(text, &known),
        })
    })
}

fn header(keyed: &Keyed<'_, '_>, name: Spot<String>, value: Spot<String>) -> Option<(String, HeaderValue)> {
    let key = format!("header.{}", name.value);
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let ours = ["host", "content-length", "content-type", "connection", "idempotency-key", "transfer-encoding"];
    let lower = name.value.to_ascii_lowercase();
    if name.value.is_empty() || !name.value.chars().all(is_token) || ours.contains(&lower.as_str()) {
        let text = format!("\"{}\" is no header that can be set here; expected one like Authorization.", name.value);
        keyed.section.problem_at(name.span.clone(), &key, text, None);
        return None;
    }
    if let Some(place) = SecretRef::parse(&value.value) {
        return Some((name.value, HeaderValue::Secret(place)));
    }
    if is_secret_name(&lower) {
        // It may be the secret itself, so it is not repeated.
        keyed.section.problem_at(value.span.clone(), &key, WRITTEN_OUT.to_string(), None);
        return None;
    }
    if value.value.chars().any(|c| c.is_control() || !c.is_ascii()) {
        keyed.section.problem_at(value.span.clone(), &key, "holds more than printable ASCII.".to_string(), None);
        return None;
    }
    Some((name.value, HeaderValue::Plain(value.value)))
}

const WRITTEN_OUT: &str =
    "a secret does not stand in a configuration; expected credential:NAME, file:PATH or env:NAME.";

fn secret(text: &str) -> Result<SecretRef, Wrong> {
    SecretRef::parse(text).ok_or_else(|| Wrong::new(WRITTEN_OUT))
}

fn one_line(text: &str) -> Result<String, Wrong> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(Wrong::new("is empty or has a line end; expected one line."));
    }
    Ok(text.to_string())
}

/// One address, as SMTP takes it without extensions.
fn address(text: &str) -> Result<String, Wrong> {
    let parts = text.split_once('@').filter(|(local, host)| !local.is_empty() && !host.is_empty());
    let is_plain = text.chars().all(|c| c.is_ascii_graphic() && !"<>(),;:\\\"[]".contains(c));
    if parts.is_none_or(|(_, host)| host.contains('@')) || !is_plain {
        return Err(Wrong::new(format!(
            "\"{}\" is no address that can be written to; expected one in ASCII like \"ops@nordkap.example\".",
            text.escape_debug()
        )));
    }
    Ok(text.to_string())
}

/// `host`, `host:25`, `[::1]:25`.
fn host_and_port(text: &str, default_port: u16) -> Result<(String, u16), Wrong> {
    let wrong = || {
        // A user and his password may stand before it.
        let found = if text.contains('@') { "what stands here".into() } else { format!("\"{}\"", text.escape_debug()) };
        Wrong::new(format!("{found} is no server; expected one like \"mail.nordkap.example:25\"."))
    };
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or_else(wrong)?,
        None => text.find(':').map_or((text, ""), |at| text.split_at(at)),
    };
    let port = match port.strip_prefix(':') {
        Some(digits) => digits.parse().map_err(|_| wrong())?,
        None if port.is_empty() => default_port,
        None => return Err(wrong()),
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || ".-:_".contains(c);
    if host.is_empty() || !host.chars().all(is_host) || port == 0 {
        return Err(wrong());
    }
    Ok((host.to_string(), port))
}

fn url(text: &str) -> Result<Webhook, Wrong> {
    let wrong = || {
        let found = if text.contains('@') { "what stands here".into() } else { format!("\"{}\"", text.escape_debug()) };
        Wrong::new(format!(
            "{found} is no address of a webhook; expected one like \"https://alerts.example/nattpost\"."
        ))
    };
    let (tls, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return Err(wrong()),
    };
    let (server, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    if server.contains('@') {
        return Err(Wrong::new(
            "holds a user in its address; expected it in header = { Authorization = \"credential:NAME\" }.",
        ));
    }
    let is_plain = text.chars().all(|c| c.is_ascii_graphic() && c != '#');
    let (host, port) = host_and_port(server, if tls { 443 } else { 80 }).map_err(|_| wrong())?;
    if !is_plain {
        return Err(wrong());
    }
    if !tls && !is_loopback(&host) {
        return Err(Wrong::new(
            "http:// would show what it says to everybody on the way; expected https://, or a loopback host.",
        ));
    }
    Ok(Webhook { tls, host, port, path: path.to_string(), headers: Vec::new() })
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A section's names, for a partner's own table and those below it.
pub fn named_in(section: &Section<'_>, table: Table, channels: &[String]) -> Vec<String> {
    named(&Keyed::new(section, table), channels)
}
