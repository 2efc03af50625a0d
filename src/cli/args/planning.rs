//! The words of `plan`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub struct Plan {
    /// File to take in: anywhere, or where it stands in the spool
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Partner it is of, or `partner/intake`; without it, its place in the spool or its content says
    #[arg(long, value_name = "PARTNER")]
    pub partner: Option<String>,
    /// Intake it came to
    #[arg(long, value_name = "INTAKE")]
    pub intake: Option<String>,
    /// Show every row and message, instead of the first of each sort
    #[arg(long)]
    pub all: bool,
    /// Folder with room for a copy of the database; without it /var/tmp, or TMPDIR
    #[arg(long, value_name = "FOLDER")]
    pub scratch: Option<PathBuf>,
}
