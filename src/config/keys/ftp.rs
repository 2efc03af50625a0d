//! The keys of `[remote.NAME]` that only kind ftp has.

use super::Fallback::{self, None, Value};
use super::{Key, Table};

const fn key(name: &'static str, form: &'static str, default: Fallback, about: &'static str) -> Key {
    super::key(Table::Remote, name, form, default, about)
}

const PLACE: &str = "credential:NAME, file:/PATH or env:NAME";

pub const KEYS: &[Key] = &[
    key("host", "name or address", None, "The server; needed with kind ftp, like user and password."),
    key("port", "whole number, 1 to 65535", Value("21"), "Of the server; with implicit TLS 990."),
    key("user", "text", None, "The name to log in with."),
    key(
        "password",
        PLACE,
        None,
        "Where the password stands, one line; read at every connection. It never stands here itself.",
    ),
    key(
        "tls",
        "explicit, implicit or none",
        Value("explicit"),
        "none sends the password, and everything else, readable on the line.",
    ),
    key("tls_max", "1.2 or 1.3", Value("1.3"), "1.2 goes first; 1.3 is taken where the server refuses 1.2."),
    key("ca", "file", None, "An authority whose certificates are trusted besides the system's, as PEM."),
    key(
        "pin",
        "sha256:FINGERPRINT",
        None,
        "The one certificate that is trusted, whoever signed it: the way for one that signed itself.",
    ),
    key("client_cert", PLACE, None, "Where the certificate stands that we show, as PEM."),
    key("client_key", PLACE, None, "Where its key stands, as PEM."),
    key(
        "passive",
        "auto, epsv, pasv or pasv as told",
        Value("auto"),
        "auto: EPSV, then PASV at the host we are connected to; as told: at the address the server says.",
    ),
    key(
        "names",
        "utf-8 or latin-1",
        Value("utf-8"),
        "How names are shown, and how names of ours are sent; those of others stay the bytes they are.",
    ),
    key("flights", "auto or off", Value("auto"), "Several commands in one piece, where the server bears it."),
];
