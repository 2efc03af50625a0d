//! Words of `backup` and `catch-up`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub struct Backup {
    /// Folder for the copy; it must exist, best on another disk
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Why, for those who look later
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub comment: String,
}

#[derive(Debug, Args)]
pub struct CatchUp {
    /// Do what is told without it
    #[arg(long = "do")]
    pub carry_out: bool,
    /// Also with a database that is not the one this spool was last run with: an older copy that was put in place
    #[arg(long, requires = "carry_out")]
    pub accept_database: bool,
    /// Why, for those who look later
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub comment: String,
}
