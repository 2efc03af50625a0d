//! The keys of nattpost.toml and of the tables in it.

use super::Fallback::{None, Required, Value};
use super::{Key, Table, key};

pub const KEYS: &[Key] = &[
    key(Table::Company, "company", "text", Required, "Whose instance this is; shown in status and on pages."),
    key(
        Table::Company,
        "zone",
        "IANA zone",
        Value("UTC"),
        "Zone of the company's days: folders of done/ and sent/, partners and feeds that name none.",
    ),
    key(
        Table::Company,
        "spool",
        "folder",
        Value("spool"),
        "The spool. Relative paths begin at the folder of nattpost.toml.",
    ),
    key(Table::Company, "store", "file", Value("nattpost.db"), "The database. Not in a state folder of the spool."),
    key(Table::Company, "partners", "folder", Value("partners"), "Where the partners' files are, one a partner."),
    key(
        Table::Company,
        "layouts",
        "folder",
        Value("layouts"),
        "Where the site's own layouts are (*.toml); need not exist.",
    ),
    key(Table::Company, "log", "plain, json", Value("plain"), "How log lines are written."),
    key(
        Table::Company,
        "scan_every",
        "duration, 1 s to 1 h",
        Value("60 s"),
        "How often folders are looked through even when the kernel reports no change.",
    ),
    key(
        Table::Company,
        "units",
        "list of codes",
        Value(""),
        "Codes of UN/ECE Recommendation 20 in use here that Nattpost's list lacks.",
    ),
    key(
        Table::Company,
        "originals",
        "keep N d; redact after N d, keep M d; archive after N d, keep M d; none",
        Value("keep 90 d"),
        "What becomes of originals in done/ where the intake does not say. Originals of held and failed messages always stay.",
    ),
    key(
        Table::Company,
        "connections",
        "whole number, 1 to 500",
        Value("64"),
        "How many connections to remotes may be at work at one time, all together.",
    ),
    key(Table::Company, "sent", "duration in days", Value("30 d"), "How long files stay in sent/."),
    key(
        Table::Company,
        "history",
        "duration in days",
        Value("400 d"),
        "How long stock, prices and order status of then can be asked for (`find --at`, v_stock_at): values that were replaced before are removed.",
    ),
    key(
        Table::Company,
        "disk_floor",
        "P %, at most SIZE; P %; SIZE; off",
        Value("5 %, at most 1 GB"),
        "What is to stay free on the disks of spool and database (of names, the same share): below it nothing is taken in, below half of it nothing is composed.",
    ),
    key(
        Table::Company,
        "backup_within",
        "duration, 1 h to 31 d",
        None,
        "The database is to be copied (nattpost backup) at least this often; longer ago is told. Without it nobody asks.",
    ),
    key(
        Table::Company,
        "http",
        "off; ADDRESS:PORT of this machine alone; unix",
        Value("off"),
        "Where /health and /metrics can be asked for: a loopback address, or http.sock in the folder of the service (RUNTIME_DIRECTORY). Changes with a restart.",
    ),
    key(
        Table::Company,
        "calendar",
        "tables [calendar.NAME]",
        None,
        "Days on which the company, or somebody else, is closed; feeds name them under holidays.",
    ),
    // [calendar.NAME]
    key(
        Table::Calendar,
        "countries",
        "list of codes: SE, DE, DE-BW, …",
        Value(""),
        "Closed on the public holidays of these countries or states.",
    ),
    key(
        Table::Calendar,
        "days",
        "list of days: 12-24, 2026-12-24, easter-2, 06-19..06-25 fri",
        Value(""),
        "Closed on these days too: every year, once, counted from Easter Sunday, the weekday between two days.",
    ),
    key(Table::Calendar, "open", "list of days", Value(""), "Open on these days all the same."),
];
