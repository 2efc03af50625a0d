//! Every key of the configuration with its form, its default and its meaning: the one place for defaults.
//!
//! The reader takes defaults from here and reads them with the parser that reads what people write; the reference in
//! docs/configuration.md is printed from here and compared in a test. A key that is not in these lists cannot be read.
//! The keys themselves stand in a file for each part of the configuration.

mod company;
mod feed;
mod ftp;
mod intake;
mod notices;
mod partner;
mod remote;

use std::fmt::Write;

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// nattpost.toml itself.
    Company,
    Calendar,
    Mail,
    Notices,
    /// partners/<id>.toml itself.
    Partner,
    Department,
    Remote,
    Intake,
    Plausibility,
    /// What a file of an intake may do.
    IntakeGuard,
    Expect,
    Feed,
    FeedAlso,
    FeedGuard,
    FeedAvailability,
}

impl Table {
    pub const ALL: &[Table] = &[
        Table::Company,
        Table::Calendar,
        Table::Mail,
        Table::Notices,
        Table::Partner,
        Table::Department,
        Table::Remote,
        Table::Intake,
        Table::Plausibility,
        Table::IntakeGuard,
        Table::Expect,
        Table::Feed,
        Table::FeedAlso,
        Table::FeedGuard,
        Table::FeedAvailability,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Table::Company => "nattpost.toml",
            Table::Calendar => "nattpost.toml, [calendar.NAME]",
            Table::Mail => "nattpost.toml, [mail]",
            Table::Notices => "nattpost.toml, [notices.NAME]",
            Table::Partner => "partners/<id>.toml",
            Table::Department => "partners/<id>.toml, [department.NAME]",
            Table::Remote => "partners/<id>.toml, [remote.NAME]",
            Table::Intake => "partners/<id>.toml, [intake.NAME]",
            Table::Plausibility => "partners/<id>.toml, [intake.NAME.plausibility]",
            Table::IntakeGuard => "partners/<id>.toml, [intake.NAME.guard]",
            Table::Expect => "partners/<id>.toml, [intake.NAME.expect]",
            Table::Feed => "partners/<id>.toml, [feed.NAME]",
            Table::FeedAlso => "partners/<id>.toml, [feed.NAME.also.VALUE]",
            Table::FeedGuard => "partners/<id>.toml, [feed.NAME.guard]",
            Table::FeedAvailability => "partners/<id>.toml, [feed.NAME.availability]",
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

const fn key(table: Table, name: &'static str, form: &'static str, default: Fallback, about: &'static str) -> Key {
    Key { table, name, form, default, about }
}

/// In the order of the reference.
pub fn all() -> impl Iterator<Item = &'static Key> {
    let parts = [company::KEYS, notices::KEYS, partner::KEYS, remote::KEYS, ftp::KEYS, intake::KEYS, feed::KEYS];
    parts.into_iter().flatten()
}

/// A key that the reader asks for.
pub fn find(table: Table, name: &str) -> &'static Key {
    all().find(|k| k.table == table && k.name == name).expect("every key that is read stands in the lists")
}

/// The tables of docs/configuration.md.
pub fn reference() -> String {
    let mut out = String::new();
    for table in Table::ALL.iter().copied() {
        let _ = writeln!(out, "## {}\n\n| key | form | default | meaning |\n|---|---|---|---|", table.title());
        for key in all().filter(|k| k.table == table) {
            let default = match key.default {
                Fallback::Required => "required".to_string(),
                Fallback::None => "none".to_string(),
                Fallback::Value("") => "empty".to_string(),
                Fallback::Value(value) => format!("`{value}`"),
                Fallback::From(words) => words.to_string(),
            };
            let _ = writeln!(out, "| `{}` | {} | {default} | {} |", key.name, key.form, key.about);
        }
        out.push('\n');
    }
    out
}
