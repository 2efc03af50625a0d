//! The keys of `[feed.NAME]` and of the tables below it.

use super::Fallback::{From, None, Required, Value};
use super::{Key, Table, key};

pub const KEYS: &[Key] = &[
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
    key(
        Table::Feed,
        "holidays",
        "list of calendars or country codes",
        Value(""),
        "Due times on their closed days do not come due: names of [calendar.NAME] of nattpost.toml, or codes like SE, DE-BW, NL.",
    ),
    key(Table::Feed, "only", "table field = value", None, "Only rows with these values."),
    key(Table::Feed, "negative_as_zero", "true, false", Value("true"), "Stock: negative quantities are written as 0."),
    key(
        Table::Feed,
        "buffer",
        "quantity, like 2 or \"0.5\"",
        Value("0"),
        "Stock: so much is kept back from what is published; what is kept back is never more than there is.",
    ),
    key(Table::Feed, "floor", "quantity", Value("0"), "Stock: less than this is published as 0."),
    key(Table::Feed, "cap", "quantity", None, "Stock: more than this is published as this."),
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
