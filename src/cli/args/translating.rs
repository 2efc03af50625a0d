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

    /// Read and write the samples that stand beside layouts, and show what is not as expected
    #[command(
        after_help = "Example:\n  nattpost layout test\n  nattpost layout test dealer-orders\n  nattpost layout test layouts/dealer-orders.toml --bless\n\nSamples of NAME.toml stand in NAME.samples/ beside it, those of a layout.toml in its own folder. \
                      orders.csv.expected.json is what orders.csv must become, orders.csv.messages.jsonl holds messages that must be written as \
                      orders.csv: byte for byte, XML but for white space between elements. Ends with 65 when something differs."
    )]
    Test(Test),

    /// Propose a layout for samples of a partner: a text to correct, never applied unseen
    #[command(
        after_help = "Example:\n  nattpost layout guess orders-1107.csv > layouts/dealer-orders.toml\n  nattpost layout guess orders.txt --kind order --id dealer-orders\n\nSays behind each line how sure it is and why; what to look at first stands at the top, and on standard error. \
                      check refuses the layout until a person has removed its line guessed; layout try, layout test and decode take it by its path."
    )]
    Guess(Guess),
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

#[derive(Debug, Args)]
pub struct Test {
    /// Layouts by id, or paths of layout files; without one, all of the site's
    #[arg(value_name = "LAYOUT")]
    pub layouts: Vec<String>,
    /// Take what was found as what is expected from now on, and write it beside the samples: for who has looked at it
    #[arg(long)]
    pub bless: bool,
}

#[derive(Debug, Args)]
pub struct Guess {
    /// Samples of one layout; several say more than one
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Kind of the messages, where it is known: order, stock, price, customer, order_status, article
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// Id of the layout; without it, made of the name of the first file
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
}
