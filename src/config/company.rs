//! nattpost.toml: what holds for the whole instance.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono_tz::Tz;

use super::calendar::Calendars;
use super::keyed::{Keyed, Wrong, parse_days, parse_duration, parse_zone};
use super::keys::Table;
use super::notices;
use super::{forms, size};
use crate::model::document::Section;
use crate::model::intake::Originals;
use crate::model::problem::Channel;
use crate::model::rules::room::Floor;
use crate::model::rules::units;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Plain,
    Json,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Company {
    pub name: String,
    pub zone: Tz,
    /// That of nattpost.toml.
    pub folder: PathBuf,
    /// To remotes, at work at one time.
    pub connections: usize,
    /// Paths as they are opened: those that were relative begin at the folder of nattpost.toml.
    pub spool: PathBuf,
    pub store: PathBuf,
    pub partners: PathBuf,
    pub layouts: PathBuf,
    pub log: LogFormat,
    pub scan_every: Duration,
    /// Codes of units beyond our list.
    pub units: Vec<String>,
    /// Where an intake does not say.
    pub originals: Originals,
    pub sent_days: u32,
    pub history_days: u32,
    pub calendars: Calendars,
    pub channels: Vec<Channel>,
    /// Of all that are written down.
    pub channel_names: Vec<String>,
    pub disk_floor: Floor,
    /// A copy of the database is to be no older.
    pub backup_within: Option<Duration>,
    pub http: Http,
}

const LEAST_BACKUP: Duration = Duration::from_secs(3_600);
const MOST_BACKUP: Duration = Duration::from_secs(31 * 86_400);
/// A thread and a few files each.
const CONNECTIONS_MAX: u32 = 500;
/// The state folders of the spool: what lies in them is moved and removed.
const STATE_FOLDERS: [&str; 10] = ["tmp", "in", "work", "done", "failed", "held", "staged", "out", "sent", "commands"];

pub fn read(root: &Section<'_>, folder: &Path) -> Company {
    let keyed = Keyed::new(root, Table::Company);
    let path = |key: &str| folder.join(keyed.value(key, parse_path));
    let (channels, channel_names) = notices::read(&keyed);
    let company = Company {
        name: keyed.required_text("company"),
        zone: keyed.value("zone", parse_zone),
        folder: folder.to_path_buf(),
        connections: keyed.number("connections", 1, CONNECTIONS_MAX) as usize,
        spool: path("spool"),
        store: path("store"),
        partners: path("partners"),
        layouts: path("layouts"),
        log: keyed.value("log", |text| forms::word(text, &[("plain", LogFormat::Plain), ("json", LogFormat::Json)])),
        scan_every: keyed.value("scan_every", parse_duration(Duration::from_secs(1), Duration::from_secs(3_600))),
        units: keyed.parsed_list("units", parse_unit),
        originals: keyed.value("originals", forms::originals),
        sent_days: keyed.value("sent", parse_days),
        history_days: keyed.value("history", parse_days),
        calendars: Calendars::read(&keyed),
        channels,
        channel_names,
        disk_floor: keyed.value("disk_floor", size::floor),
        backup_within: keyed.parsed("backup_within", parse_duration(LEAST_BACKUP, MOST_BACKUP)),
        http: keyed.value("http", parse_http),
    };
    check_store(root, &company);
    company
}

/// Where `/health` and `/metrics` can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Http {
    Off,
    Loopback(SocketAddr),
    /// http.sock in the folder that the supervisor gives.
    Socket,
}

fn parse_http(text: &str) -> Result<Http, Wrong> {
    match text {
        "off" => return Ok(Http::Off),
        "unix" => return Ok(Http::Socket),
        _ => {}
    }
    let Ok(address) = text.parse::<SocketAddr>() else {
        return Err(Wrong::new(format!(
            "\"{text}\" is no address; expected something like \"127.0.0.1:7311\", \"[::1]:7311\", \"unix\" or \"off\"."
        )));
    };
    if !address.ip().is_loopback() {
        return Err(Wrong::new(format!(
            "\"{text}\" can be reached from outside, and nobody has to log in; expected a loopback address or \"unix\"."
        )));
    }
    Ok(Http::Loopback(address))
}

fn parse_path(text: &str) -> Result<PathBuf, Wrong> {
    if text.trim().is_empty() || text.contains('\0') {
        return Err(Wrong::new("is empty; expected a path."));
    }
    Ok(PathBuf::from(text))
}

fn parse_unit(text: &str) -> Result<String, Wrong> {
    if units::has_form_of_code(text) {
        return Ok(text.to_string());
    }
    Err(Wrong::new(format!(
        "\"{text}\" is not a code of Recommendation 20; expected two or three capitals and digits."
    )))
}

fn check_store(root: &Section<'_>, company: &Company) {
    let inside = company.store.strip_prefix(&company.spool).ok().and_then(|rest| rest.components().next());
    let state = inside.and_then(|first| first.as_os_str().to_str()).filter(|first| STATE_FOLDERS.contains(first));
    if let Some(state) = state {
        root.problem(
            "store",
            format!(
                "lies in {state}/ of the spool, where files are moved and removed; expected a place beside the spool."
            ),
        );
    }
}
