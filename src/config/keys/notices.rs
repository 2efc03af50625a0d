//! The keys of what people are told by and of what is expected to come: [mail], [notices.NAME], [intake.NAME.expect].

use super::Fallback::{From, None, Required, Value};
use super::{Key, Table, key};

pub const KEYS: &[Key] = &[
    key(Table::Company, "mail", "table", None, "How mail leaves; needed by channels with mail."),
    key(
        Table::Company,
        "notices",
        "tables [notices.NAME]",
        None,
        "Channels by which people are told what is the matter (docs/problems.md). Without one, status and the log tell.",
    ),
    // [mail]
    key(
        Table::Mail,
        "server",
        "host, host:port",
        Value("localhost"),
        "The mail server; port 25, or 465 with tls = \"tls\".",
    ),
    key(
        Table::Mail,
        "tls",
        "if-offered, starttls, tls, none",
        Value("if-offered"),
        "if-offered: STARTTLS where the server offers it, not on this machine; tls: from the first byte on. Certificates are always checked.",
    ),
    key(Table::Mail, "from", "address", Required, "Who writes."),
    key(Table::Mail, "user", "text", None, "Logs in with this name; only over TLS."),
    key(
        Table::Mail,
        "password",
        "credential:NAME; file:PATH; env:NAME",
        None,
        "Where the password stands. Read at every letter, so a new one needs no restart.",
    ),
    // [notices.NAME]
    key(Table::Notices, "mail", "list of addresses", None, "Tells by mail. Exactly one of mail, webhook, command."),
    key(Table::Notices, "webhook", "https://…", None, "Tells by one POST of JSON; http:// only to this machine."),
    key(
        Table::Notices,
        "header",
        "table header = value",
        None,
        "Headers of the webhook; a secret by reference: credential:NAME, file:PATH, env:NAME.",
    ),
    key(
        Table::Notices,
        "command",
        "list: path, arguments",
        None,
        "Tells by starting this program, without a shell: JSON lines on its standard input, exit code 0 means taken, within 30 s.",
    ),
    key(Table::Notices, "level", "warning, error", Value("warning"), "Hears of this and worse."),
    key(
        Table::Notices,
        "hears",
        "all, named",
        Value("all"),
        "Of everything, or only of partners, intakes and feeds that name it under notices.",
    ),
    key(Table::Notices, "gather", "duration, 0 s to 1 h", Value("1 min"), "What comes within this time is one letter."),
    key(
        Table::Notices,
        "remind",
        "duration, 1 h to 30 d",
        None,
        "What is still the matter is told again after so long; never without this.",
    ),
    // Who names them.
    key(
        Table::Partner,
        "notices",
        "list of channels",
        Value(""),
        "Channels that hear of this partner, beside those that hear of all.",
    ),
    key(Table::Intake, "notices", "list of channels", Value(""), "Channels that hear of this intake."),
    key(Table::Feed, "notices", "list of channels", Value(""), "Channels that hear of this feed."),
    // [intake.NAME.expect]
    key(Table::Intake, "expect", "table", None, "What should come, by when; nothing is expected without it."),
    key(Table::Expect, "by", "list of times, 06:00", Required, "Due times, in the partner's zone."),
    key(
        Table::Expect,
        "days",
        "every day; mon-fri; mon,wed; 1,15; last",
        Value("every day"),
        "On which days: of the week, or of the month.",
    ),
    key(
        Table::Expect,
        "holidays",
        "list of calendars or country codes",
        Value(""),
        "Nothing is expected on their closed days; as for feeds.",
    ),
    key(
        Table::Expect,
        "count",
        "at least N; N; N to M",
        Value("at least 1"),
        "How many files from one due time to the next. Files count when they are first seen, whatever becomes of them.",
    ),
    key(
        Table::Expect,
        "opens",
        "time",
        From("the due time before"),
        "Files count from this time of the day on; with a most in count, files outside are too many.",
    ),
    key(Table::Expect, "grace", "duration, 0 s to 24 h", Value("15 min"), "So much later is not late yet."),
    key(
        Table::Expect,
        "missing_after",
        "duration, 0 s to 31 d",
        Value("3 h"),
        "What comes later than that no longer counts for the due time that passed.",
    ),
    key(
        Table::Expect,
        "hold_missing",
        "true, false",
        From("true for intakes of orders, else false"),
        "What never came stays told until a person closes it (nattpost expect INTAKE --close), also when the next files come.",
    ),
    key(
        Table::Expect,
        "when_missing",
        "ok, warn, error",
        Value("warn"),
        "What it is that too few came: ok is told to nobody (nattpost expect shows it), warn is a warning, error an error, of which channels with level = \"error\" hear too.",
    ),
];
