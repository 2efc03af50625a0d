//! The script of the double: which command, at which of its calls, is answered otherwise than by an honest server. A line is
//! `on VERB [N] ACTION …` (CONNECT stands for the greeting; without N every call; `VERB:/path` are those of one file or folder, counted
//! for themselves) or `set WISH`; `#` begins a remark.

use std::time::Duration;

#[derive(Debug, Clone)]
pub enum Action {
    /// Nothing is ever answered.
    Silence,
    /// This instead of doing it; then maybe the end of the connection.
    Reply { text: String, close: bool },
    /// This, and then nothing any more.
    Hush(String),
    /// Done, and the connection is gone before the answer.
    LoseAnswer,
    /// Done, but the answer is this.
    Say(String),
    /// Instead of doing it these very bytes, without a line end of ours; EPSV and PASV are done, `{port}` and `{p1},{p2}` in
    /// them are theirs.
    Raw(Vec<u8>),
    /// Done and answered, then the connection is gone.
    HangUp,
    /// The connection is reset, as a firewall or a machine that was started anew does.
    Reset(Reset),
    /// A transfer that is done, with these very bytes before and behind its data.
    Around { before: Vec<u8>, behind: Vec<u8> },
    /// Done after a while.
    Delay(Duration),
    /// The answer comes byte by byte.
    Drip(Duration),
    /// So many bytes of data, then this end; then this answer, or none.
    Data { bytes: usize, end: End, reply: Option<String> },
    /// So many bytes are kept of what comes, and this is said.
    Keep { bytes: usize, reply: String },
    /// So many bytes are taken, then no more, and this is said.
    Refuse { bytes: usize, reply: String },
    /// A listing out of a file.
    Listing(String),
    /// A listing of so many names.
    Names(usize),
    /// EPSV: a port where nobody listens.
    DeadPort,
    /// PASV: an address of somebody else.
    Lie(String),
    /// Before it is done, the partner puts this text under that name.
    Replace { name: String, text: String },
    /// The same with the time of the old one, after it was done and before anything else is.
    ThenSwap { name: String, text: String },
    /// Before it is done, the partner takes that file.
    Take(String),
    /// `234`, and then plain text where TLS belongs.
    PlainInTls,
    /// The whole server is gone.
    Die,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    BeforeDone,
    Unanswered,
    Answered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Close,
    Cut,
    Silence,
    /// A byte a second, for ever.
    Drip,
}

#[derive(Debug)]
pub struct Rule {
    pub verb: String,
    pub at: Option<u32>,
    pub action: Action,
}

#[derive(Debug, Default)]
pub struct Script {
    pub rules: Vec<Rule>,
    /// What stands behind a command in the same piece is thrown away.
    pub eats_pipelined: bool,
    /// Uploads that still end in .part are gone with their connection.
    pub loses_temp: bool,
    /// It listens on ::1 alone.
    pub is_of_ipv6: bool,
    /// TLS from the first byte, of the control connection alone.
    pub is_implicit: bool,
    /// AUTH TLS is understood.
    pub has_tls: bool,
    /// A data connection has to go on with the session of its own control connection.
    pub wants_reuse: bool,
    /// Which certificate it shows, of those beside `tls.rs`.
    pub certificate: String,
    /// The newest version of TLS only.
    pub is_newest: bool,
    /// A secured connection is ended by closing it, without a word.
    pub is_rude: bool,
    /// TLS of a data connection has to begin before a word is said of the transfer.
    pub wants_tls_first: bool,
    /// A rename over a name that is there is refused.
    pub keeps_old: bool,
    /// What gets its name in this folder is taken by the partner before anybody hears that it has.
    pub taken_at_once: Option<String>,
}

/// Words parted by blanks; `"…"` is one, with `\r\n` or `\n` in it as an end of line and `\q` as a quote.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for letter in line.chars() {
        match letter {
            '"' => (quoted, any) = (!quoted, true),
            ' ' if !quoted => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            letter => {
                word.push(letter);
                any = true;
            }
        }
    }
    if any {
        words.push(word);
    }
    words.into_iter().map(|word| word.replace("\\r\\n", "\r\n").replace("\\n", "\n").replace("\\q", "\"")).collect()
}

impl Script {
    pub fn parse(text: &str) -> Script {
        let mut script = Script::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let words = words(line);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            match &words[..] {
                ["set", "eat-pipelined"] => script.eats_pipelined = true,
                ["set", "lose-temp"] => script.loses_temp = true,
                ["set", "certificate", name] => (script.has_tls, script.certificate) = (true, name.to_string()),
                ["set", "ipv6"] => script.is_of_ipv6 = true,
                ["set", "implicit"] => script.is_implicit = true,
                ["set", "tls"] => script.has_tls = true,
                ["set", "tls-reuse"] => (script.has_tls, script.wants_reuse) = (true, true),
                ["set", "tls-1.3"] => (script.has_tls, script.is_newest) = (true, true),
                ["set", "tls-first"] => (script.has_tls, script.wants_tls_first) = (true, true),
                ["set", "rude"] => script.is_rude = true,
                ["set", "keep-old"] => script.keeps_old = true,
                ["set", "take-at-once", folder] => script.taken_at_once = Some(folder.to_string()),
                ["on", verb, rest @ ..] => {
                    let at = rest.first().and_then(|word| word.parse().ok());
                    let action = action(&rest[usize::from(at.is_some())..]).unwrap_or_else(|| panic!("script: {line}"));
                    script.rules.push(Rule { verb: verb.to_string(), at, action });
                }
                _ => panic!("script: {line}"),
            }
        }
        script
    }

    pub fn action(&self, verb: &str, call: u32) -> Option<Action> {
        let fits = |rule: &&Rule| rule.verb == verb && rule.at.is_none_or(|at| at == call);
        self.rules.iter().find(fits).map(|rule| rule.action.clone())
    }
}

/// `\xHH` is that byte, whatever letter it would be.
fn bytes_of(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    bytes
}

fn action(words: &[&str]) -> Option<Action> {
    let number = |word: &str| word.parse().ok();
    let time = |word: &str| word.strip_suffix("ms")?.parse().ok().map(Duration::from_millis);
    Some(match words {
        ["silence"] => Action::Silence,
        ["reply", text] => Action::Reply { text: text.to_string(), close: false },
        ["reply", text, "close"] => Action::Reply { text: text.to_string(), close: true },
        ["reply", text, "silence"] => Action::Hush(text.to_string()),
        ["lose-answer"] => Action::LoseAnswer,
        ["say", text] => Action::Say(text.to_string()),
        ["hang-up"] => Action::HangUp,
        ["reset"] => Action::Reset(Reset::BeforeDone),
        ["done", "reset"] => Action::Reset(Reset::Unanswered),
        ["answered", "reset"] => Action::Reset(Reset::Answered),
        ["raw", text] => Action::Raw(bytes_of(text)),
        ["around", before, behind] => Action::Around { before: bytes_of(before), behind: bytes_of(behind) },
        ["delay", pause] => Action::Delay(time(pause)?),
        ["drip", pause] => Action::Drip(time(pause)?),
        ["data", bytes, end, rest @ ..] => {
            let end = match *end {
                "close" => End::Close,
                "cut" => End::Cut,
                "silence" => End::Silence,
                "drip" => End::Drip,
                _ => return None,
            };
            let reply = match rest {
                [] => None,
                ["reply", text] => Some(text.to_string()),
                _ => return None,
            };
            Action::Data { bytes: number(bytes)?, end, reply }
        }
        ["keep", bytes, text] => Action::Keep { bytes: number(bytes)?, reply: text.to_string() },
        ["refuse", bytes, text] => Action::Refuse { bytes: number(bytes)?, reply: text.to_string() },
        ["listing", file] => Action::Listing(file.to_string()),
        ["names", count] => Action::Names(number(count)?),
        ["dead-port"] => Action::DeadPort,
        ["lie", address] => Action::Lie(address.to_string()),
        ["replace", name, text] => Action::Replace { name: name.to_string(), text: text.to_string() },
        ["then-swap", name, text] => Action::ThenSwap { name: name.to_string(), text: text.to_string() },
        ["take", name] => Action::Take(name.to_string()),
        ["plain-in-tls"] => Action::PlainInTls,
        ["die"] => Action::Die,
        _ => return None,
    })
}
