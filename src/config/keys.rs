//! Every key of the configuration with its form, its default and its meaning: the one place for defaults.
//!
//! The reader takes defaults from here and reads them with the parser that reads what people write; the reference in
//! docs/configuration.md is printed from here and compared in a test. A key that is not in this list cannot be read.

use std::fmt::Write;

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// nattpost.toml itself.
    Company,
    /// partners/<id>.toml itself.
    Partner,
    Intake,
    Plausibility,
    Feed,
}

impl Table {
    pub const ALL: [Table; 5] = [Table::Company, Table::Partner, Table::Intake, Table::Plausibility, Table::Feed];

    pub fn title(self) -> &'static str {
        match self {
            Table::Company => "nattpost.toml",
            Table::Partner => "partners/<id>.toml",
            Table::Intake => "partners/<id>.toml, [intake.NAME]",
            Table::Plausibility => "partners/<id>.toml, [intake.NAME.plausibility]",
            Table::Feed => "partners/<id>.toml, [feed.NAME]",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub table: Table,
    pub name: &'static str,
    /// What may stand there, for people.
    pub form: &'static str,
    pub default: Fallback,
    pub about: &'static str,
}

/// What holds when the key is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    Required,
    /// Nothing.
    None,
    /// Read like a value of the file; lists are words separated by blanks.
    Value(&'static str),
    /// Comes from elsewhere, said in words.
    From(&'static str),
}

use Fallback::{From, None, Required, Value};

pub const KEYS: &[Key] = &[
    // nattpost.toml
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
        "keep N d; redact after N d, keep M d; none",
        Value("keep 90 d"),
        "What becomes of originals in done/ where the intake does not say. Originals of held and failed messages always stay.",
    ),
    key(Table::Company, "sent", "duration in days", Value("30 d"), "How long files stay in sent/."),
    // partners/<id>.toml
    key(Table::Partner, "name", "text", Required, "What people call the partner. His id is the name of his file."),
    key(
        Table::Partner,
        "customers",
        "list of customer numbers",
        Value(""),
        "The customer numbers he may speak for; empty: any.",
    ),
    key(Table::Partner, "zone", "IANA zone", From("the company's"), "Zone of his local times."),
    key(
        Table::Partner,
        "units",
        "table: his word = code",
        None,
        "His words for units; the codes are those of UN/ECE Recommendation 20.",
    ),
    key(
        Table::Partner,
        "tables",
        "tables: his word = ours",
        None,
        "His own rows for the tables of his layouts: [tables.NAME] goes before [lookup.NAME], when reading and when writing.",
    ),
    key(
        Table::Partner,
        "intake",
        "tables [intake.NAME]",
        None,
        "What comes from him; NAME is the folder in/<id>/NAME.",
    ),
    key(Table::Partner, "feed", "tables [feed.NAME]", None, "What he gets."),
    // [intake.NAME]
    key(
        Table::Intake,
        "layouts",
        "list of layout ids or files",
        Required,
        "Layouts to try, in this order; the first that recognises the content reads the file.",
    ),
    key(
        Table::Intake,
        "settle",
        "rename; stable N s; done-file .SUFFIX",
        Value("stable 10 s"),
        "When a file is complete: moved in whole, unchanged for so long (at least 2 s), or a second file vouches for it.",
    ),
    key(
        Table::Intake,
        "truncated_after",
        "duration",
        Value("1 h"),
        "A file without its end is refused when it has not grown for so long.",
    ),
    key(
        Table::Intake,
        "policy",
        "good-messages; whole-file; refuse above N %",
        From("whole-file when absent = \"close\", else good-messages"),
        "What refused messages mean for the others of their file.",
    ),
    key(
        Table::Intake,
        "customers",
        "check; wait; wait DURATION; accept",
        Value("wait 24 h"),
        "What a customer number that is not known gets: refused, held until it comes, taken as sent.",
    ),
    key(
        Table::Intake,
        "articles",
        "check; wait; wait DURATION; accept",
        Value("wait 24 h"),
        "The same for article numbers.",
    ),
    key(
        Table::Intake,
        "orders",
        "check; wait; wait DURATION; accept",
        Value("wait 24 h"),
        "The same for the orders that an order status speaks of.",
    ),
    key(
        Table::Intake,
        "article_schemes",
        "list of own, partner, supplier, ean, isbn",
        Value("own partner ean"),
        "Whose article numbers are looked for, in this order.",
    ),
    key(Table::Intake, "customer", "customer number", None, "The customer of orders that name none."),
    key(
        Table::Intake,
        "on_change",
        "hold; replace-until-exported; refuse",
        Value("hold"),
        "What an order gets whose number is there with other fields.",
    ),
    key(
        Table::Intake,
        "order_numbers",
        "erp; own",
        Value("erp"),
        "Who gives order_no: the ERP with the first status, or Nattpost when the order is applied.",
    ),
    key(
        Table::Intake,
        "as_of",
        "first-seen; name PATTERN",
        Value("first-seen"),
        "Which moment a file of records or facts speaks of: when it was first seen, or {seq} or a date like {%Y%m%d%H%M} in its name; * is any text.",
    ),
    key(
        Table::Intake,
        "absent",
        "leave; close",
        Value("leave"),
        "What rows of this intake get that are no longer in its full file.",
    ),
    key(
        Table::Intake,
        "scope",
        "list of fields, or table field = value",
        None,
        "With absent = \"close\": only rows with these values, or with the values of these fields that the file holds.",
    ),
    key(
        Table::Intake,
        "negative",
        "store; refuse",
        Value("store"),
        "Negative stock: stored (and published as 0), or refused.",
    ),
    key(Table::Intake, "plausibility", "table", None, "Checks beyond form, each off by default."),
    key(
        Table::Intake,
        "originals",
        "keep N d; redact after N d, keep M d; none",
        From("originals of nattpost.toml"),
        "What becomes of originals in done/.",
    ),
    key(Table::Intake, "receipt", "layout id or file", None, "Layout of the receipt the sender gets; none without it."),
    // [intake.NAME.plausibility]
    key(
        Table::Plausibility,
        "order_date",
        "duration in days",
        None,
        "Order dates further than this from today are refused.",
    ),
    key(
        Table::Plausibility,
        "totals",
        "true, false",
        Value("false"),
        "The net total of an order must be the sum of its lines.",
    ),
    key(
        Table::Plausibility,
        "check_digits",
        "true, false",
        Value("false"),
        "EAN and ISBN must have the right check digit.",
    ),
    // [feed.NAME]
    key(Table::Feed, "layout", "layout id or file", Required, "How the file looks, and of which kind it is."),
    key(Table::Feed, "file_name", "pattern", Required, "With {run} or {run:4}, and {date}, {time}, {partner}, {feed}."),
    key(Table::Feed, "folder", "folder", Value(""), "Sub-folder of out/<partner>/."),
    key(
        Table::Feed,
        "schedule",
        "cron pattern, or a list",
        Value(""),
        "Minute, hour, day, month, weekday; without it only on request.",
    ),
    key(
        Table::Feed,
        "zone",
        "IANA zone",
        From("the partner's"),
        "Zone of the schedule and of dates and times in names and content.",
    ),
    key(
        Table::Feed,
        "missed",
        "once, each, skip",
        Value("once"),
        "Due times that passed while nobody ran: one run for all, one each, none.",
    ),
    key(Table::Feed, "only", "table field = value", None, "Only rows with these values."),
    key(Table::Feed, "negative_as_zero", "true, false", Value("true"), "Stock: negative quantities are written as 0."),
    key(Table::Feed, "partners", "list of partner ids", Value(""), "Orders: of these partners; empty: of all."),
    key(
        Table::Feed,
        "window_days",
        "whole number, 1 to 3650",
        Value("90"),
        "Order status: orders of so many days back.",
    ),
    key(Table::Feed, "allow_empty", "true, false", Value("false"), "Whether a file without content is written."),
];

const fn key(table: Table, name: &'static str, form: &'static str, default: Fallback, about: &'static str) -> Key {
    Key { table, name, form, default, about }
}

/// A key that the reader asks for.
pub fn find(table: Table, name: &str) -> &'static Key {
    KEYS.iter().find(|k| k.table == table && k.name == name).expect("every key that is read stands in KEYS")
}

/// The tables of docs/configuration.md.
pub fn reference() -> String {
    let mut out = String::new();
    for table in Table::ALL {
        let _ = writeln!(out, "## {}\n\n| key | form | default | meaning |\n|---|---|---|---|", table.title());
        for key in KEYS.iter().filter(|k| k.table == table) {
            let default = match key.default {
                Required => "required".to_string(),
                None => "none".to_string(),
                Value("") => "empty".to_string(),
                Value(value) => format!("`{value}`"),
                From(words) => words.to_string(),
            };
            let _ = writeln!(out, "| `{}` | {} | {default} | {} |", key.name, key.form, key.about);
        }
        out.push('\n');
    }
    out
}
