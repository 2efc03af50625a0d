//! The words of `decode`, `encode` and `layout`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct Decode {
    /// Files to read; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Layout by its id, or the path of a layout file
    #[arg(long, value_name = "LAYOUT")]
    pub layout: String,
}

#[derive(Debug, Args)]
pub struct Encode {
    /// JSON lines as `decode` prints them; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
    /// Layout by its id, or the path of a layout file
    #[arg(long, value_name = "LAYOUT")]
    pub layout: String,
}

#[derive(Debug, Subcommand)]
pub enum LayoutCommand {
    /// Show what a file would become with a layout, record by record; nothing is stored
    #[command(after_help = "Example:\n  nattpost layout try orders-1107.csv --layout partners/dealer-orders.toml")]
    Try(Try),
}

#[derive(Debug, Args)]
pub struct Try {
    /// Files to read; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Layout by its id, or the path of a layout file
    #[arg(long, value_name = "LAYOUT")]
    pub layout: String,
    /// Messages shown of each file; all are read
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    pub limit: u32,
}
