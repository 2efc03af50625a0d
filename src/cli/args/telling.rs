//! Words of `problems`, `expect` and `notice`.

use clap::{Args, Subcommand};

use super::{Day, day};

#[derive(Debug, Args)]
pub struct Problems {
    /// Also those that nobody was told of yet, and the last hundred that are over
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Args)]
pub struct Expect {
    /// Only this partner or intake (`partner` or `partner/intake`)
    #[arg(value_name = "INTAKE")]
    pub only: Option<String>,
    /// Of this day: 2026-11-07, today, yesterday
    #[arg(long, value_parser = day)]
    pub day: Option<Day>,
    /// What never came of this intake is expected no more: a person has asked its sender
    #[arg(long, requires = "only", requires = "comment", conflicts_with = "day")]
    pub close: bool,
    /// Why, for those who look later
    #[arg(long, value_name = "TEXT", requires = "close", default_value = "", hide_default_value = true)]
    pub comment: String,
}

#[derive(Debug, Subcommand)]
pub enum NoticeCommand {
    /// Send a letter to a channel now, and say what came of it
    #[command(
        after_help = "Example:\n  nattpost notice test ops\n\nThe letter says that it is a test. Nothing is noted in the ledger."
    )]
    Test(Test),

    /// Tell that the daemon has failed for good; for the unit that systemd starts then
    #[command(
        after_help = "Example:\n  nattpost notice failed\n\nReads only [mail] and [notices] of the configuration, so that it can tell of one that is wrong elsewhere."
    )]
    Failed,
}

#[derive(Debug, Args)]
pub struct Test {
    /// NAME of `[notices.NAME]`
    #[arg(value_name = "CHANNEL", required = true)]
    pub channels: Vec<String>,
}
