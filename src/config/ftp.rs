//! A `[remote.NAME]` of kind ftp: server, user, secrets by their place, TLS. What is written where a secret's place belongs
//! may be the secret itself, so it is never repeated.

use super::company::Company;
use super::forms;
use super::keyed::{Keyed, Wrong};
use crate::model::remote::{FtpRule, Names, Passive, Tls, TlsMax};
use crate::model::secret::SecretRef;

const PORT: u16 = 21;
const IMPLICIT_PORT: u16 = 990;
/// What only this kind has.
pub const KEYS: [&str; 13] = [
    "host",
    "port",
    "user",
    "password",
    "tls",
    "tls_max",
    "ca",
    "pin",
    "client_cert",
    "client_key",
    "passive",
    "names",
    "flights",
];

/// None where it lacks what it needs; the problem is reported.
pub fn read(keyed: &Keyed<'_, '_>, company: &Company) -> Option<FtpRule> {
    for key in ["host", "user", "password"] {
        if !keyed.has(key) {
            keyed.section.problem(key, "is missing: a remote of kind ftp needs host, user and password.");
        }
    }
    let (host, user) = (keyed.parsed("host", host), keyed.parsed("user", plain));
    let password = keyed.parsed("password", |text| place("password", text));
    let tls = keyed.value("tls", |text| {
        forms::word(text, &[("explicit", Tls::Explicit), ("implicit", Tls::Implicit), ("none", Tls::None)])
    });
    let otherwise = if tls == Tls::Implicit { IMPLICIT_PORT } else { PORT };
    let port = if keyed.has("port") { keyed.number("port", 1, 65_535) as u16 } else { otherwise };
    let tls_max = keyed.value("tls_max", |text| forms::word(text, &[("1.2", TlsMax::Tls12), ("1.3", TlsMax::Auto)]));
    let passive = keyed.value("passive", |text| {
        let words = [("auto", Passive::Auto), ("epsv", Passive::Epsv), ("pasv", Passive::Pasv)];
        forms::word(text, &[&words[..], &[("pasv as told", Passive::PasvAsTold)]].concat())
    });
    let names = keyed.value("names", |text| forms::word(text, &[("utf-8", Names::Utf8), ("latin-1", Names::Latin1)]));
    let flights = keyed.value("flights", |text| forms::word(text, &[("auto", true), ("off", false)]));
    let ca = keyed.parsed("ca", |text| plain(text).map(|text| company.folder.join(text)));
    let pin = keyed.parsed("pin", pin);
    let client_cert = keyed.parsed("client_cert", |text| place("client certificate", text));
    let client_key = keyed.parsed("client_key", |text| place("key", text));
    check_together(keyed, tls);
    let (host, user, password) = (host?, user?, password?);
    #[rustfmt::skip]
    let rule = FtpRule { host, port, user, password, tls, tls_max, ca, pin, client_cert, client_key, passive, names, flights };
    Some(rule)
}

fn check_together(keyed: &Keyed<'_, '_>, tls: Tls) {
    let problem = |key, text: &str| keyed.section.problem(key, text);
    if keyed.has("pin") && keyed.has("ca") {
        problem("pin", "names the one certificate that is taken, so ca decides nothing; take one of them out.");
    }
    for (key, other) in [("client_cert", "client_key"), ("client_key", "client_cert")] {
        if keyed.has(key) && !keyed.has(other) {
            problem(key, &format!("is of no use without {other}; add it, or take this out."));
        }
    }
    for key in ["tls_max", "ca", "pin", "client_cert", "client_key"] {
        if tls == Tls::None && keyed.has(key) {
            problem(key, "decides nothing with tls = \"none\"; take one of them out.");
        }
    }
}

fn plain(text: &str) -> Result<String, Wrong> {
    if text.trim().is_empty() || text.contains(['\r', '\n', '\0']) {
        return Err(Wrong::new("is empty, or has a line end in it; expected one line of text."));
    }
    Ok(text.to_string())
}

fn host(text: &str) -> Result<String, Wrong> {
    // An address of IPv6 as it stands in URLs.
    if let Some(inside) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
        && inside.parse::<std::net::Ipv6Addr>().is_ok()
    {
        return Ok(inside.to_string());
    }
    let is_name = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b));
    if text.contains('@') {
        // A user and his password stand before it.
        return Err(Wrong::new(
            "holds more than the name of a host; expected something like \"ftp.shop.example\", with user and password as keys of their own.",
        ));
    }
    if text.is_empty() || !is_name(text) {
        return Err(Wrong::new(format!(
            "\"{text}\" is no name of a host; expected something like \"ftp.shop.example\", without ftp:// and without a folder."
        )));
    }
    Ok(text.to_string())
}

/// Never with what was found.
fn place(what: &str, text: &str) -> Result<SecretRef, Wrong> {
    SecretRef::parse(text).ok_or_else(|| {
        Wrong::new(format!(
            "a {what} does not stand in a configuration; expected credential:NAME, file:/PATH or env:NAME."
        ))
    })
}

fn pin(text: &str) -> Result<[u8; 32], Wrong> {
    let hex = text.strip_prefix("sha256:").filter(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
    let bytes = hex.and_then(|hex| {
        let pairs = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok());
        pairs.collect::<Option<Vec<u8>>>()?.try_into().ok()
    });
    bytes.ok_or_else(|| {
        Wrong::new(format!(
            "\"{text}\" is no fingerprint; expected sha256: and 64 digits from 0 to f, as `nattpost check --connect` shows it."
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn an_address_is_written_bare_or_as_in_urls() {
        for (text, read) in [
            ("ftp.shop.example", Some("ftp.shop.example")),
            ("[2001:db8::7]", Some("2001:db8::7")),
            ("::1", Some("::1")),
            ("[::1", None),
            ("[shop]", None),
            ("ftp://shop", None),
        ] {
            assert_eq!(host(text).ok().as_deref(), read, "{text}");
        }
    }
}
