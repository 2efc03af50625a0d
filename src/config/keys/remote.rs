//! The keys of `[remote.NAME]`.

use super::Fallback::{None, Required, Value};
use super::{Key, Table, key};

pub const KEYS: &[Key] = &[
    key(
        Table::Remote,
        "kind",
        "folder or ftp",
        Required,
        "What it is: a folder outside of the spool, maybe mounted, or a server that speaks FTP or FTPS.",
    ),
    key(Table::Remote, "path", "folder", None, "The folder. Relative paths begin at the folder of nattpost.toml."),
    key(
        Table::Remote,
        "connections",
        "whole number, 1 to 16",
        Value("2"),
        "How many at one time; never more than connections of nattpost.toml in all.",
    ),
    key(
        Table::Remote,
        "timeout",
        "duration, 5 s to 10 min",
        Value("30 s"),
        "For every answer and for every piece of data.",
    ),
];
