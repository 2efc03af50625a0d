//! The words of `release` and `discard`.

use clap::Args;

#[derive(Debug, Args)]
pub struct Deciding {
    /// Intakes and feeds as `partner/name`, locked files or files on their way to a remote by their id or name
    #[arg(value_name = "WHAT", required = true)]
    pub what: Vec<String>,
    /// The intake, where an intake and a feed of a partner share the name
    #[arg(long = "in", conflicts_with = "outbound")]
    pub inbound: bool,
    /// The feed, where an intake and a feed of a partner share the name
    #[arg(long = "out")]
    pub outbound: bool,
    /// Why, for those who look later
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub comment: String,
}
